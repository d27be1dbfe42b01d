"""A claimed row of the outbox -> what to send, as things stand now. Reads the database, sends nothing.

Rendering at the last moment lets the newest state win, and a fault in rendering still sends number, title and buttons.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bot import duty_cards, lists, mutes, names, pages, render, sentences, steps
from bot.charts import digest_chart
from bot.chat import Block, Button, Card, File, Form, MessageRef
from bot.handlers.desk import Menu
from bot.listings import LISTINGS, Listings
from bot.openmenus import OpenMenus
from bot.pages import Leaf, Offered
from bot.wishes import card_button
from routing import (
    asks,
    catchup,
    chats,
    duty,
    handover,
    held,
    history,
    holding,
    outbox,
    people,
    presence,
    roster_watch,
    substitution,
    textscan,
)
from routing.announce import AFTER_CARDS, CARD_ROLES, CHANNEL_CARD, DUTY_CARD, ORDER_CARD, UNIT_CARD
from routing.bodies import with_units
from routing.clock import Span
from routing.digest import week_numbers
from routing.grouping import origin_of
from routing.office import Office, Role
from routing.outbox import Message, MessageKind
from routing.textscan import Personal, no_personal_data
from routing.unit import Unit
from routing.views import CaseView, as_seen_by, case_view
from routing.why import PLAIN, Words

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What one row has become. `edit`: the standing messages to bring up to date, newest first; empty for a new one.

    `stamp` is what a case's card shows of its case; `is_final`: the card has said its last word.
    """

    card: Card
    files: tuple[File, ...] = ()
    reply_to: str | None = None
    placeholder: str = ""
    edit: tuple[str, ...] = ()
    leave_after: bool = False
    stamp: tuple[int, int, int] | None = None
    is_final: bool = False


class Composer:
    """Renders rows for one office; `sources` names the sources by id, `told` the codes of the record, for people.

    `personal` knows personal data in drafts, `link_to` the address of a message; `menus` are those that stand open, which
    outlive the composer.
    """

    def __init__(
        self,
        office: Office,
        sources: Mapping[str, str],
        told: Words = PLAIN,
        personal: Personal = no_personal_data,
        link_to: Callable[[MessageRef], str] = lambda ref: "",
        menus: OpenMenus | None = None,
    ) -> None:
        self._office = office
        self._link_to = link_to
        self._personal = personal
        self._listings = Listings(office, told)
        self._menus = menus or OpenMenus()
        self._sources = sources

    def compose(self, session: Unit, message: Message, now: datetime) -> Outgoing | None:
        """Give what to send, None where there is nothing (left) to say."""
        outgoing = _COMPOSERS[message.kind](self, session, message, now)
        if outgoing is None or not message.uncertain or message.kind is MessageKind.EDIT:
            return outgoing
        blocks = (Block(names.RESENT, Form.NOTE, weight=9), *outgoing.card.blocks)
        return replace(outgoing, card=Card(blocks, outgoing.card.buttons))

    def card(self, session: Unit, message: Message, now: datetime) -> Outgoing | None:
        """Compose a new card."""
        if message.case_id is None:
            shown = self.row_card(session, message.payload)
            return None if shown is None else Outgoing(shown)
        if not self._belongs(str(message.payload["card"]), message.chat):
            return None  # another group has taken the place of this one: the card that is missing there comes by itself
        return self.case_card(session, message, now) if _may_read(session, message, now) else None

    def row_card(self, session: Unit, payload: Mapping[str, Any]) -> Card | None:
        """Compose a card of no case: an invitation, a handover, a substitution or the form of one, as it stands."""
        [(what, key)] = ((what, int(payload[what])) for what in _ROW_CARDS if what in payload)
        if what == "invite":
            invitation = people.invitation(session, key)
            return None if invitation is None else lists.invite_card(invitation)
        if what == "handover":
            made = handover.handover(session, key)
            return (
                None
                if made is None
                else duty_cards.handover_card(made, self._office, int(payload.get("page", 0)))
            )
        if what == "standin":
            return duty_cards.standin_card(payload, self._office)
        asked = substitution.substitution(session, key)
        return None if asked is None else duty_cards.substitution_card(asked, self._office)

    def duty_page(self, session: Unit, facts: Mapping[str, Any], now: datetime) -> Card:
        """Compose who is on duty now and next, and for planners what is wrong with the coming days."""
        following = [duty.watch_of(session, shift, shift.starts_at) for shift in duty.coming(session, now)]
        until = now + duty.COMING
        found = roster_watch.report(session, self._office, duty.shifts(session, now, until), now, until)
        return duty_cards.duty_page(
            duty.watches(session, now),
            following,
            found.faults if facts.get("faults") else (),
            self._office,
            has_roster=duty.has_roster(session),
        )

    def edit(self, session: Unit, message: Message, now: datetime) -> Outgoing | None:
        """Compose the update of a standing card."""
        standing = outbox.standing(session, message)
        shown = self.case_card(session, message, now) if standing else None
        if shown is None:
            return None
        ref = MessageRef(chats.address(session, message.chat), standing[0])
        if settles := message.payload.get(outbox.SETTLES):
            self._menus.settle(ref, str(settles))
        menu = self._menus.at(ref, shown.stamp[0], now) if shown.stamp else None
        card = Card((*shown.card.blocks, *menu.notes), menu.buttons) if menu else shown.card
        return replace(shown, card=card, edit=standing)

    def case_card(self, session: Unit, message: Message, now: datetime) -> Outgoing | None:
        """Render a case's card as it stands; a fault leaves number, title and buttons."""
        kind = str(message.payload["card"])
        draft_version = int(message.payload.get("draft_version", 0)) or None
        assert message.case_id is not None
        view = _view(session, self._office, message.case_id, draft_version, message.chat)
        if view is None:
            return None
        if not self._belongs(kind, message.chat):
            return Outgoing(render.left_card(view), is_final=True)
        if not _may_read(session, message, now):
            still_here = people.is_working(session, message.chat)
            return Outgoing(render.revoked_card(view, is_lent=still_here), is_final=True)
        try:
            card = self._render(kind, view, message.chat, now)
        except Exception:
            log.exception("card could not be rendered", extra={"case": view.number, "card": kind})
            return Outgoing(_bare(view, self._office, kind, self._channel_of(message.chat)))
        if kind in CARD_ROLES and card.buttons:
            card = _with_stand_in(session, card, message.chat, self._office, now)
        listed = len(view.below) + len(view.doubted)
        # A review card without buttons has said its last word. Duty and channel cards go on: a case may come back.
        final = not card.buttons and (draft_version is not None or kind == ORDER_CARD)
        if kind == UNIT_CARD:  # what waits behind a return or a new draft is asked for again
            final = steps.is_answered(view, self._channel_of(message.chat))
        return Outgoing(card, stamp=(view.version, view.items, listed), is_final=final)

    def _render(self, kind: str, view: CaseView, chat: str, now: datetime) -> Card:
        if kind == DUTY_CARD:
            return render.duty_card(view, self._office, self._sources, now)
        if kind == CHANNEL_CARD:
            return render.channel_card(view, self._office, self._sources, self._channel_of(chat), now)
        if kind == ORDER_CARD:
            return steps.order_card(view, self._office, now)
        if kind in AFTER_CARDS.values():
            return steps.after_card(view, self._office, kind)
        if kind == UNIT_CARD:
            return steps.unit_card(view, self._office, self._channel_of(chat))
        found = textscan.scan(view.draft.text, self._personal) if view.draft else ()
        return render.review_card(view, self._office, kind, textscan.told(found), now)

    def _belongs(self, kind: str, chat: str) -> bool:
        """Tell whether a card of a group stands in one that it is for, as the office has its groups now."""
        if kind == DUTY_CARD:
            return chat == self._office.duty_chat
        return kind not in {CHANNEL_CARD, UNIT_CARD} or bool(self._channel_of(chat))

    def _channel_of(self, chat: str) -> str:
        return next((c.key for c in self._office.channels.values() if c.chat == chat), "")

    def text(self, session: Unit, message: Message, now: datetime) -> Outgoing | None:
        """Compose a sentence, a list, a help page."""
        facts = message.payload
        template = str(facts["template"])
        if "source" in facts:
            facts = {**facts, "name": self._sources.get(origin_of(str(facts["source"])), "")}
        view = case_view(session, message.case_id) if message.case_id is not None else None
        reply_to = facts.get("reply_to") or outbox.newest_card(session, message.chat, message.case_id)
        leave = bool(facts.get("leave_after"))
        if template in LISTINGS:
            return Outgoing(self.listing(session, facts, message.id, 0, now), reply_to=reply_to)
        if template in _PAGES:
            page = _PAGES[template](self, session, facts, now)
            if facts.get("acts_there"):
                page = Card(page.blocks, (*page.buttons, *self._way_to_group(session, int(facts["case"]))))
            return Outgoing(page, reply_to=reply_to)
        said = sentences.sentence(template, facts, view, self._office)
        if view is not None and message.chat not in self._office.chats():
            said = Card(said.blocks, self._doors(session, template, view, has_card=reply_to is not None))
        return Outgoing(said, reply_to=reply_to, leave_after=leave)

    def _doors(
        self, session: Unit, template: str, view: CaseView, *, has_card: bool
    ) -> tuple[tuple[Button, ...], ...]:
        """Give the ways from a sentence in private to its matter: the card in the duty group, the matter for reading."""
        doors = () if has_card else ((card_button(view.id, "看这件事"),),)
        return (*self._way_to_group(session, view.id), *doors) if template == "called" else doors

    def _way_to_group(self, session: Unit, case_id: int) -> tuple[tuple[Button, ...], ...]:
        """Give the link to the card in the duty group; nothing where none stands there, or messages have no address."""
        standing = outbox.newest_card(session, self._office.duty_chat, case_id)
        if standing is None:
            return ()
        link = self._link_to(MessageRef(chats.address(session, self._office.duty_chat), standing))
        return ((Button("去值班群处理", url=link),),) if link else ()

    def open_menu(self, session: Unit, menu: Menu, now: datetime) -> Card | None:
        """Give a card with a menu open on it, and keep it open for a while; None where the case moved on."""
        view = _view(session, self._office, menu.case_id, menu.draft_version or None, menu.chat)
        if view is None or view.version != menu.version:
            return None
        card = self._render(menu.card, view, menu.chat, now)
        if menu.buttons == card.buttons:
            self._menus.close(menu.ref)
        else:
            self._menus.open(menu, now)
        return Card((*card.blocks, *menu.notes), menu.buttons)

    def listing(
        self, session: Unit, facts: Mapping[str, Any], sent_as: int, page: int, now: datetime
    ) -> Card:
        """Compose a page of a list; `sent_as` is the row of the outbox that asked for the list."""
        return self._listings.page(session, facts, Leaf(sent_as, page, now))

    def case_page(self, session: Unit, facts: Mapping[str, Any], now: datetime) -> Card:
        """Compose one case for reading: the duty card without its buttons."""
        view = _view(session, self._office, int(facts["case"]), None, "")
        assert view is not None
        card = render.duty_card(view, self._office, self._sources, now)
        why = render.returned_because(view, self._office) if facts.get("acts_there") else []
        return Card((*card.blocks, *why), mutes.show_button(view))

    def mutes_page(self, session: Unit, facts: Mapping[str, Any], now: datetime) -> Card:
        """Compose the list of what is muted now."""
        return mutes.mute_list(held.mute_views(session), self._office, self._sources)

    def held_over_page(self, session: Unit, facts: Mapping[str, Any], now: datetime) -> Card:
        """Compose the summary of cards that are held back no longer."""
        still_open = held.still_open(session, facts["cases"])
        cause = mutes.cause_of(held.cause(session, facts["mute"], facts["under"]), self._sources)
        return mutes.over_card(cause, still_open)

    def catch_up_page(self, session: Unit, facts: Mapping[str, Any], now: datetime) -> Card:
        """Compose the summary of what was read late."""
        return lists.catch_up(catchup.summary(session, facts), self._office, self._sources)

    def away_page(self, session: Unit, facts: Mapping[str, Any], now: datetime) -> Card:
        """Compose what fell due while the desk was away."""
        told = presence.absence(session, facts)
        return lists.away(told, self._office, for_duty=bool(facts.get("duty")))

    def help_page(self, session: Unit, facts: Mapping[str, Any], now: datetime) -> Card:
        """Compose the help page of a person."""
        actor = people.actor_by_id(session, int(facts["person"]), at=now)
        offered = [Offered(*(str(part) for part in one)) for one in facts["commands"]]
        name, roles = (actor.name, actor.roles) if actor else ("", frozenset[Role]())
        return pages.help_card(name, roles, offered, self._office.procedure)

    def ask(self, session: Unit, message: Message, now: datetime) -> Outgoing | None:
        """Compose a request for a typed answer; None once it was answered or replaced."""
        asked = asks.question(session, int(message.payload["ask"]))
        view = None if asked is None else case_view(session, asked.case_id)
        if asked is None or view is None or asked.is_answered:
            return None
        card, placeholder = sentences.question(asked.command, view, self._office, asked.arg)
        return Outgoing(card, placeholder=placeholder)

    def digest(self, session: Unit, message: Message, now: datetime) -> Outgoing | None:
        """Compose a digest with its picture, with the numbers as they stand now."""
        facts = message.payload
        start, end = (datetime.fromisoformat(str(facts[key])) for key in ("start", "end"))
        span = Span(str(facts["span"]), start, end)
        numbers = week_numbers(session, self._office, span, now)
        lessons = history.learn(session, span)
        picture = File(f"digest-{facts['span']}.png", digest_chart(numbers), is_picture=True)
        return Outgoing(lists.digest_card(numbers, self._office, lessons), (picture,), facts.get("reply_to"))


_COMPOSERS = {
    MessageKind.CARD: Composer.card,
    MessageKind.EDIT: Composer.edit,
    MessageKind.TEXT: Composer.text,
    MessageKind.ASK: Composer.ask,
    MessageKind.DIGEST: Composer.digest,
}
_ROW_CARDS = ("invite", "handover", "substitution", "standin")
_PAGES = {
    "case": Composer.case_page,
    "duty": Composer.duty_page,
    "help": Composer.help_page,
    catchup.TEMPLATE: Composer.catch_up_page,
    presence.TEMPLATE: Composer.away_page,
    "mutes": Composer.mutes_page,
    holding.TEMPLATE: Composer.held_over_page,
}


def _view(
    session: Unit, office: Office, case_id: int, draft_version: int | None, chat: str
) -> CaseView | None:
    """Read a case for a card; of a draft what changed since the version that stands in this chat."""
    view = case_view(session, case_id, draft_version)
    if view is None:
        return None
    return with_units(session, office, as_seen_by(session, view, chat) if draft_version else view)


def _with_stand_in(session: Unit, card: Card, chat: str, office: Office, now: datetime) -> Card:
    """Say on the card of somebody who is absent who decides in his place (顶岗); his own rights stay."""
    acting = people.stand_in(session, chat, now)
    if acting is None:
        return card
    name, until = acting
    note = Block(f"顶岗期间由 {name} 处理（至 {names.local(until, office)}）", Form.NOTE, weight=9)
    return replace(card, blocks=(*card.blocks, note))


def _may_read(session: Unit, message: Message, now: datetime) -> bool:
    """Tell whether the reader of a card still has the role that it was sent to; groups keep theirs."""
    role = CARD_ROLES.get(str(message.payload["card"]))
    return role is None or people.is_chat_of(session, message.chat, role, at=now)


def _bare(view: CaseView, office: Office, kind: str, channel: str) -> Card:
    blocks = (
        Block(f"{view.number} {view.title}", Form.TITLE, weight=9),
        Block("卡片内容暂时无法完整显示，已通知运维。", Form.NOTE, weight=9),
    )
    return Card(blocks, render.buttons_of(kind, view, office, channel))
