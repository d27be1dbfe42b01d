"""A matter that waits on the card of the one that it is perhaps part of: 并入, 另立, and the list of several."""

from dataclasses import replace
from datetime import timedelta

from bot import doubts as cards
from bot.buttons import Wish
from bot.chat import ActionPressed
from bot.duty_buttons import duty_buttons
from bot.handlers.desk import Menu, Occasion, Reaction
from routing import cases, holding, outbox, standing
from routing.announce import DUTY_CARD
from routing.bodies import with_units
from routing.deciding import decide
from routing.errors import UserError
from routing.outbox import MessageKind, Priority
from routing.views import CaseView, case_view
from routing.workflow import Actor, Command, Ground, Order, Refusal

SETTLED_AFTER = timedelta(seconds=3)
"""So long after an answer from the list a second tap in haste finds nothing that decides."""


def press(occasion: Occasion, event: ActionPressed, wish: Wish, actor: Actor) -> Reaction:
    """Answer a press on the line 疑似同一事项. Twice changes nothing the second time.

    Who may merge may say so or the contrary. The token names the matter that waits, in the version that was shown, and
    the one on whose card it was shown.
    """
    what, number = wish.arg[:1], cards.number_in(wish.arg)
    if what in {cards.JOIN, cards.APART}:
        view = case_view(occasion.session, number)
        asked = view is not None and any(one.id == wish.case_id for one in view.doubted)
        if view is None or not asked:
            return _gone(occasion, event, wish, actor, view)
        order = _order(occasion, event, wish, actor, view)
        return (
            _joined(occasion, event, order, wish, view)
            if what == cards.JOIN
            else _parted(occasion, event, order, wish, view)
        )
    view = case_view(occasion.session, wish.case_id)
    if view is None or what not in {cards.LIST, cards.BACK} or (what == cards.LIST and not view.doubted):
        return _gone(occasion, event, wish, actor, view)
    if what == cards.BACK:
        return Reaction(menu=_own_buttons(occasion, event, view))
    first = view.doubted[0]
    shown = replace(wish, case_id=first.id, version=first.version)
    refusal = _refusal(occasion, _order(occasion, event, shown, actor, view), first.id)
    if refusal is not None:
        occasion.note_refusal(event.sender, actor, Command.MERGE.value, refusal.ground, view.id)
        return Reaction(refusal.text, alert=True)
    return Reaction("逐条判断：并入本事项，还是另立。", menu=_menu(occasion, event, view, number))


def _order(occasion: Occasion, event: ActionPressed, wish: Wish, actor: Actor, into: CaseView) -> Order:
    where = occasion.where(event.chat, event.sender, ())
    return Order(Command.MERGE, actor, where, wish.version, wish.draft_version, into=into.id)


def _refusal(occasion: Occasion, order: Order, case_id: int) -> Refusal | None:
    facts = cases.facts(occasion.session, case_id)
    assert facts is not None
    answer = decide(facts, order, occasion.desk.office.procedure)
    return answer if isinstance(answer, Refusal) else None


def _joined(occasion: Occasion, event: ActionPressed, order: Order, wish: Wish, view: CaseView) -> Reaction:
    desk = occasion.desk
    try:
        answer = cases.execute(occasion.session, desk.office, desk.ledger, wish.case_id, order, occasion.now)
    except UserError as error:
        occasion.note_refusal(event.sender, order.actor, Command.MERGE.value, Ground.GONE, wish.case_id)
        return Reaction(str(error), alert=True)
    if isinstance(answer, Refusal):
        standing.refresh(occasion.session, view.id, occasion.now)
        return Reaction(answer.text, alert=True)
    return Reaction(f"{answer.text}。", menu=_left(occasion, event, view))


def _parted(occasion: Occasion, event: ActionPressed, order: Order, wish: Wish, view: CaseView) -> Reaction:
    desk = occasion.desk
    refusal = _refusal(occasion, order, wish.case_id)
    if refusal is not None:
        occasion.note_refusal(event.sender, order.actor, wish.verb, refusal.ground, wish.case_id)
        standing.refresh(occasion.session, view.id, occasion.now)
        return Reaction(refusal.text, alert=True)
    case = holding.apart(
        occasion.session, desk.office, desk.ledger, order.actor, wish.case_id, view.id, occasion.now
    )
    if case is None:
        return _gone(occasion, event, wish, order.actor, view)
    return Reaction(f"{case.number} 另立，卡片已发出。", menu=_left(occasion, event, view))


def _gone(
    occasion: Occasion, event: ActionPressed, wish: Wish, actor: Actor, view: CaseView | None
) -> Reaction:
    """Say that a matter waits here no more, and bring the card up to date on which it was shown."""
    known = cases.facts(occasion.session, wish.case_id) is not None
    occasion.note_refusal(event.sender, actor, wish.verb, Ground.GONE, wish.case_id if known else None)
    if view is not None:
        standing.refresh(occasion.session, view.id, occasion.now)
    return Reaction(cards.GONE, alert=True)


def _left(occasion: Occasion, event: ActionPressed, before: CaseView) -> Menu | None:
    """Lead on to what is left of a list; where the card asked for a single one, give it its own buttons again."""
    view = case_view(occasion.session, before.id)
    if view is None:
        return None
    if len(before.doubted) > 1:
        key = _settle_soon(occasion, event, view)
        return Menu(event.message, view.id, view.version, cards.left_to_ask(view), passing=key)
    return _own_buttons(occasion, event, view)


def _settle_soon(occasion: Occasion, event: ActionPressed, view: CaseView) -> str:
    """Queue the update that ends what this answer leaves on the card, and no later one's; gives its key."""
    key = f"settle:{occasion.desk.platform}:{occasion.update_id}"
    outbox.queue(
        occasion.session,
        key=key,
        chat=occasion.chat_name(event.chat),
        kind=MessageKind.EDIT,
        priority=Priority.UPDATE,
        payload={"card": DUTY_CARD, "draft_version": 0, outbox.SETTLES: key},
        case_id=view.id,
        now=occasion.now,
        not_before=occasion.now + SETTLED_AFTER,
    )
    return key


def _menu(occasion: Occasion, event: ActionPressed, view: CaseView, page: int) -> Menu:
    buttons, notes = cards.doubted_list(view, page)
    return Menu(event.message, view.id, view.version, buttons, notes)


def _own_buttons(occasion: Occasion, event: ActionPressed, view: CaseView) -> Menu:
    """Close the list: the matter on whose card it stands has not moved, so nothing else would."""
    office = occasion.desk.office
    buttons = duty_buttons(with_units(occasion.session, office, view), office)
    return Menu(event.message, view.id, view.version, buttons)
