"""Who hears of a move: cards brought up to date, new cards for those whose move it is, a sentence where silence misleads.

Only queues rows, in the transaction of the move. Texts are written by the bot when it sends: here are names of
templates and facts. What may stand in a group is what 值班群 may see: numbers, titles, states; drafts under review,
reasons of returns and of the secrecy review go to one person each.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing import calls, held, papers, people
from routing.deadlines import Moved, owed_and_over
from routing.office import Level, Office, Role
from routing.outbox import QUIET_UNTIL, SILENT, MessageKind, Priority, hasten, queue, was_queued
from routing.procedure import ASKED_IN, WITH_CHANNEL, afterwards
from routing.quiet import held_until, is_silent
from routing.standing import refresh
from routing.store.tables import AssignmentRow, CaseRow, DraftRow, ReleaseRow, ReviewRow
from routing.workflow import Command, Order, State
from routing.worktime import is_open, opens_at

DUTY_CARD, CHANNEL_CARD = "duty", "channel"
REVIEW_CARDS = {
    State.IN_REVIEW: "review",
    State.IN_SECRECY: "secrecy",
    State.WITH_SUPERIOR: "secrecy",
    State.IN_SECOND: "second",
    State.TO_APPROVE: "approve",
    State.WITH_CHIEF: "chief",
}
ORDER_CARD, UNIT_CARD = "order", "unit"
CARD_ROLES = {
    "review": Role.REVIEWER,
    "secrecy": Role.SECRECY,
    "second": Role.SECOND,
    "approve": Role.LEADER,
    "chief": Role.CHIEF,
    ORDER_CARD: Role.LEADER,
    "recheck": Role.REVIEWER,
    "call_back": Role.CALLER,
}
AFTER_CARDS = {State.ANSWERED: "recheck", State.CALLING_BACK: "call_back"}
"""The private cards of those who look after an answer that is out: who re-checks it (复查), who calls back (回访)."""
ALERT_LIFE = timedelta(hours=24)
ANSWER_LIFE = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class CardDue:
    """A card that should stand in a chat, with the key under which it is first queued."""

    key: str
    chat: str
    payload: Mapping[str, Any]
    priority: Priority
    case_id: int | None = None
    valid_for: timedelta | None = None
    not_before: datetime | None = None


def post(session: Session, due: CardDue, now: datetime) -> bool:
    """Queue a card under its key; False where that was done before."""
    return queue(
        session,
        key=due.key,
        chat=due.chat,
        kind=MessageKind.CARD,
        priority=due.priority,
        payload=due.payload,
        case_id=due.case_id,
        now=now,
        valid_for=due.valid_for,
        not_before=due.not_before,
    )


def cards_due(session: Session, office: Office, case: CaseRow, now: datetime) -> list[CardDue]:
    """List the cards without which nobody could do what a case waits for."""
    hold = held.open_hold(session, case.id)
    if hold is not None and held.is_taken_over(hold):
        return []
    due = [] if hold is not None else [duty_card(office, case)]
    slip = papers.newest_slip(session, case.id) if case.state in WITH_CHANNEL else None
    if slip is not None and slip.returned_at is None and case.channel in office.channels:
        due.append(slip_card(office, case, slip))
    if case.state in REVIEW_CARDS:
        due += review_cards(session, case, now)
    if case.state is State.TO_ORDER:
        due += order_cards(session, case, now)
    if case.state in AFTER_CARDS:
        due += after_cards(session, case, now)
    return due + unit_cards(session, office, case)


def post_again(session: Session, office: Office, case_id: int, chat: str, key: str, now: datetime) -> bool:
    """Send the cards that a case has in a chat once more, at its end; False where it has none there."""
    case = session.get_one(CaseRow, case_id)
    due = [
        without_noise(office, case, one, now)
        for one in cards_due(session, office, case, now)
        if one.chat == chat
    ]
    for one in due:
        if not post(session, replace(one, priority=Priority.PERSON), now):
            post(session, replace(one, key=f"{key}:{one.payload['card']}", priority=Priority.PERSON), now)
    return bool(due)


def without_noise(office: Office, case: CaseRow, due: CardDue, now: datetime) -> CardDue:
    """Let a duty card that comes anew make no sound while a new one like it would ring nobody; others as they are.

    It waits for no morning as that one may: somebody asked for it, or it stood there before.
    """
    level = _rings_as(case, case.level)
    hushed = is_silent(office, level, now) or held_until(office, level, now) is not None
    if due.payload["card"] != DUTY_CARD or not hushed:
        return due
    return replace(due, payload={**due.payload, SILENT: True})


def order_cards(session: Session, case: CaseRow, now: datetime) -> list[CardDue]:
    """Give the private cards of the leaders who may agree to a dispatch (报批转办)."""
    asked = papers.count(session, case.id, Command.SUBMIT)
    return _one_an_account(
        CardDue(
            key=_review_key(case.id, ORDER_CARD, asked, actor.person_id),
            chat=chat,
            payload={"card": ORDER_CARD, "draft_version": 0},
            priority=Priority.URGENT if case.level <= Level.II else Priority.PERSON,
            case_id=case.id,
        )
        for actor, chat in people.holders(session, Role.LEADER, at=now)
    )


def after_cards(session: Session, case: CaseRow, now: datetime) -> list[CardDue]:
    """Give the private cards of those who look after the answer, without whoever drafted or released it.

    Where nobody is left the card in the duty group offers the same to the office.
    """
    card = AFTER_CARDS[case.state]
    acted = session.execute(
        select(DraftRow.drafter_id, ReleaseRow.confirmed_by)
        .join(ReleaseRow, ReleaseRow.draft_id == DraftRow.id)
        .where(DraftRow.case_id == case.id, DraftRow.version == case.draft_version)
    ).first()
    return _one_an_account(
        CardDue(
            key=_review_key(case.id, card, case.draft_version, actor.person_id),
            chat=chat,
            payload={"card": card, "draft_version": case.draft_version},
            priority=Priority.PERSON,
            case_id=case.id,
        )
        for actor, chat in people.holders(session, CARD_ROLES[card], without=set(acted or ()), at=now)
    )


def unit_cards(session: Session, office: Office, case: CaseRow) -> list[CardDue]:
    """Give the cards of the units that are asked for something besides the lead; a new one whenever they are asked anew."""
    return [
        CardDue(
            key=f"card:{case.id}:{UNIT_CARD}:{kind}:{key}:{asked}",
            chat=office.channels[key].chat,
            payload={"card": UNIT_CARD, "draft_version": 0},
            priority=Priority.URGENT if case.level <= Level.II else Priority.PERSON,
            case_id=case.id,
        )
        for kind, states in ASKED_IN.items()
        if case.state in states
        for key, asked in papers.asked(session, case.id, kind).items()
        if key in office.channels and (key != case.channel or kind is Command.CONVENE)
    ]


def duty_card(office: Office, case: CaseRow) -> CardDue:
    """Give the card that stands in the duty group from first to last."""
    return CardDue(
        key=f"card:{case.id}:{DUTY_CARD}",
        chat=office.duty_chat,
        payload={"card": DUTY_CARD, "draft_version": 0},
        priority=Priority.URGENT if case.level <= Level.II else Priority.ALERT,
        case_id=case.id,
        valid_for=ALERT_LIFE,
    )


def slip_card(office: Office, case: CaseRow, slip: AssignmentRow) -> CardDue:
    """Give the card of a dispatch slip, for the group of the channel that has the case."""
    return CardDue(
        key=f"card:{case.id}:{CHANNEL_CARD}:{slip.id}",
        chat=office.channels[case.channel].chat,
        payload={"card": CHANNEL_CARD, "draft_version": 0},
        priority=Priority.URGENT if case.level <= Level.II else Priority.PERSON,
        case_id=case.id,
    )


def review_cards(session: Session, case: CaseRow, now: datetime) -> list[CardDue]:
    """Give the private cards of those who may decide on the current draft now."""
    draft = session.scalar(
        select(DraftRow).where(DraftRow.case_id == case.id, DraftRow.version == case.draft_version)
    )
    assert draft is not None
    card = REVIEW_CARDS[case.state]
    chosen = people.holders(session, CARD_ROLES[card], without=_barred(session, case.state, draft), at=now)
    return _one_an_account(
        CardDue(
            key=_review_key(case.id, card, draft.version, actor.person_id),
            chat=chat,
            payload={"card": card, "draft_version": draft.version},
            priority=Priority.PERSON,
            case_id=case.id,
        )
        for actor, chat in chosen
    )


def invite_cards(session: Session, invite_id: int) -> list[CardDue]:
    """Give the cards that ask each administrator about somebody who used an invitation."""
    return _one_an_account(
        CardDue(f"invite:{invite_id}:{admin.person_id}", chat, {"invite": invite_id}, Priority.PERSON)
        for admin, chat in people.holders(session, Role.ADMIN)
    )


def _one_an_account(cards: Iterable[CardDue]) -> list[CardDue]:
    """Give each card a key of its own: by the first of a person it is known that he was asked, whichever he presses on."""
    found: dict[str, CardDue] = {}
    for card in cards:
        key = f"{card.key}:{card.chat}" if card.key in found else card.key
        found[key] = replace(card, key=key)
    return list(found.values())


def opened(
    session: Session, office: Office, case: CaseRow, now: datetime, *, summary_at: datetime | None = None
) -> None:
    """Announce a new case in the duty group.

    `summary_at`: it was read late, and one summary goes out then; the cards of Ⅲ and Ⅳ follow it without a sound.
    """
    due = duty_card(office, case)
    if summary_at is not None and case.level > Level.II:
        due = replace(due, priority=Priority.UPDATE, not_before=summary_at)
    post(session, _hushed(office, _rings_as(case, case.level), due, now), now)
    calls.begin(session, office, case, now)


def _rings_as(case: CaseRow, level: Level) -> Level:
    """Give the level by which it is decided whether a case may wait or be silent: what nothing may hush counts as Ⅱ."""
    return Level.II if held.is_grave(case) else level


def _hushed(office: Office, level: Level, due: CardDue, now: datetime) -> CardDue:
    """Hold a card back while its level has quiet hours, or send it without a sound at night; the row itself says so."""
    until = held_until(office, level, now)
    if until is None:
        return replace(due, payload={**due.payload, **_silent(office, level, now)})
    payload = {**due.payload, **_quiet(until)}
    return replace(due, payload=payload, not_before=max(until, due.not_before or until))


def _silent(office: Office, level: Level, now: datetime) -> dict[str, bool]:
    return {SILENT: True} if is_silent(office, level, now) else {}


def follow(due: CardDue, until: datetime | None) -> CardDue:
    """Let a card follow a summary without a sound; `until`: quiet hours hold it back till then."""
    payload = {**due.payload, **_quiet(until)}
    return replace(due, payload=payload, priority=Priority.UPDATE, not_before=until)


def _quiet(until: datetime | None) -> dict[str, str]:
    return {} if until is None else {QUIET_UNTIL: until.isoformat()}


def grown(session: Session, case: CaseRow, now: datetime) -> None:
    """Bring the standing cards up to date after a further item; says nothing aloud."""
    refresh(session, case.id, now)


def turned_grave(session: Session, office: Office, case: CaseRow, now: datetime) -> None:
    """Let the card of a case go now that waits for the morning, if the case has become one that rings at night."""
    if held.is_grave(case):
        hasten(session, duty_card(office, case).key, Priority.ALERT, now)


def level_raised(
    session: Session,
    office: Office,
    case: CaseRow,
    old: Level,
    now: datetime,
    *,
    why: str = "",
    can_wait: bool = False,
    moved: Sequence[Moved] = (),
) -> None:
    """Say aloud that a matter is proposed at a graver level, once a level; `why` (Chinese) empty: it spreads.

    `can_wait`: outside the office's hours it is said without a sound, unless the level is Ⅰ or Ⅱ. `moved`: the limits that
    end sooner by it, or began with it; they are named, and so is the moment where it is told later, and what is
    owed to the public and was over before.
    Of one that is held back nothing is said aloud; what is too grave for that is held back no more.
    """
    if held.is_held(session, case.id):
        refresh(session, case.id, now)
        return
    grave = case.proposed_level <= Level.II
    rings_as = _rings_as(case, case.proposed_level)
    until = held_until(office, rings_as, now)
    hushed = (
        {SILENT: True} if _waits(office, case, now, can_wait=can_wait) else _silent(office, rings_as, now)
    )
    if grave or until is None:  # a card that was held back, for it seemed less grave
        hasten(session, duty_card(office, case).key, Priority.URGENT if grave else Priority.ALERT, now)
    tell(
        session,
        case,
        chat=office.duty_chat,
        template="level_raised",
        key=f"level:{case.id}:{int(case.proposed_level)}",
        facts={
            "old": int(old),
            "new": int(case.proposed_level),
            "why": why,
            "at": now.isoformat(),
            "limits": [limit.facts() for limit in moved],
            "over": [limit.facts() for limit in owed_and_over(session, case.id, now)],
            **_quiet(until),
            **({} if until else hushed),
        },
        priority=Priority.URGENT if grave else Priority.ALERT,
        now=now,
        not_before=until,
    )
    calls.begin(session, office, case, now)


def heard_from(office: Office, case: CaseRow, now: datetime, *, can_wait: bool = False) -> datetime:
    """Give from when a rise to the proposed level is heard, aware UTC: one that is held back by quiet hours once they are
    over, one that makes no sound outside the office's hours, for it can wait, once the office opens.
    """
    until = held_until(office, _rings_as(case, case.proposed_level), now)
    if until is not None:
        return until
    waits = _waits(office, case, now, can_wait=can_wait)
    return opens_at(now, office.hours, office.zone, office.overrides) if waits else now


def _waits(office: Office, case: CaseRow, now: datetime, *, can_wait: bool) -> bool:
    grave = case.proposed_level <= Level.II
    return can_wait and not grave and not is_open(now, office.hours, office.zone, office.overrides)


_ASKING = frozenset({Command.DISPATCH, Command.ORDER, Command.ORAL, Command.CONVENE, Command.APPROVE})
"""After these units besides the lead may have been asked for something."""


def moved(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> None:
    """Bring cards up to date after a move, and post those of whoever has the next one."""
    refresh(session, case.id, now)
    if case.state is State.TO_SIGN:
        _dispatched(session, office, case, now)
    elif case.state in REVIEW_CARDS:  # asked once a draft version and person, however often we come here
        ask_reviewers(session, office, case, now)
    elif case.state is State.TO_ORDER:
        for card in order_cards(session, case, now):
            post(session, card, now)
    elif case.state in AFTER_CARDS and case.state not in afterwards(office.procedure):
        for card in after_cards(session, case, now):
            post(session, card, now)
    if order.command in _ASKING:
        for card in unit_cards(session, office, case):
            post(session, card, now)


def ask_reviewers(session: Session, office: Office, case: CaseRow, now: datetime) -> None:
    """Send the draft to those who may decide on it now; an empty chair is told to the duty group."""
    cards = review_cards(session, case, now)
    for card in cards:
        post(session, card, now)
    if not cards:
        nobody(session, office, case, now)


def nobody(session: Session, office: Office, case: CaseRow, now: datetime) -> None:
    """Tell the duty group, once a draft and step, that nobody can decide on a draft."""
    card = REVIEW_CARDS[case.state]
    tell(
        session,
        case,
        chat=office.duty_chat,
        template="nobody",
        key=f"nobody:{case.id}:{card}:{case.draft_version}",
        facts={"role": CARD_ROLES[card].value},
        priority=Priority.PERSON,
        now=now,
    )


def _review_key(case_id: int, card: str, draft_version: int, person_id: int) -> str:
    return f"card:{case_id}:{card}:{draft_version}:{person_id}"


def was_asked(session: Session, case_id: int, card: str, draft_version: int, person_id: int) -> bool:
    """Tell whether a person was sent this review card: only then may it be shown to him again."""
    return was_queued(session, _review_key(case_id, card, draft_version, person_id))


def was_asked_to_order(session: Session, case_id: int, person_id: int) -> bool:
    """Tell whether a person was ever sent the card by which a leader agrees to a dispatch of this case."""
    asked = papers.count(session, case_id, Command.SUBMIT)
    return any(was_asked(session, case_id, ORDER_CARD, n, person_id) for n in range(asked, 0, -1))


def _barred(session: Session, state: State, draft: DraftRow) -> set[int]:
    """Name those whom four eyes keep from deciding now: to ask them would only end in a refusal."""
    if state not in {State.IN_SECOND, State.TO_APPROVE, State.WITH_CHIEF}:
        return {draft.drafter_id}
    reviewers = session.scalars(select(ReviewRow.reviewer_id).where(ReviewRow.draft_id == draft.id))
    return {draft.drafter_id, *reviewers}


def tell(
    session: Session,
    case: CaseRow,
    *,
    chat: str,
    template: str,
    key: str,
    now: datetime,
    facts: dict[str, Any] | None = None,
    priority: Priority = Priority.PERSON,
    not_before: datetime | None = None,
) -> None:
    """Queue one sentence about a case, in reply to its card in that chat if one stands there."""
    queue(
        session,
        key=key,
        chat=chat,
        kind=MessageKind.TEXT,
        priority=priority,
        payload={"template": template, **(facts or {})},
        case_id=case.id,
        now=now,
        valid_for=ANSWER_LIFE + ((not_before or now) - now),
        not_before=not_before,
    )


def _dispatched(session: Session, office: Office, case: CaseRow, now: datetime) -> None:
    slip = papers.newest_slip(session, case.id)
    assert slip is not None
    # A case that comes back to a channel is a new duty of it: a new card, for edits make no sound.
    post(session, slip_card(office, case, slip), now)
