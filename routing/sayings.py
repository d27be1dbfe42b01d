"""What is said aloud of a move, where silence misleads: a sentence to a group, the reason to one person in private.

Only queues rows, in the transaction of the move. Drafts under review and the reasons of returns go to one person each;
the reason of a secrecy review goes into no chat (保密法 第二十九条).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from routing import deadlines, duty, papers, people
from routing.announce import CHANNEL_CARD, tell
from routing.office import Channel, Office, Role, Step
from routing.outbox import MessageKind, Priority, queue
from routing.procedure import WITH_CHANNEL
from routing.store.tables import CaseItemRow, CaseRow
from routing.workflow import CaseFacts, Command, Order, State


@dataclass(frozen=True, slots=True)
class _Said:
    """A move as it is spoken of. `before`: what stood when the order was decided; `channel`: who had the case then."""

    session: Session
    office: Office
    case: CaseRow
    before: CaseFacts
    order: Order
    now: datetime

    @property
    def key(self) -> str:
        return f"said:{self.case.id}:{self.case.version}"

    @property
    def channel(self) -> Channel | None:
        return self.office.channels.get(self.before.channel)

    def to(self, chat: str | None, template: str, part: str = "", **facts: str) -> None:
        """Queue one sentence; nothing where there is nobody to hear it."""
        if chat:
            key = f"{self.key}:{part}" if part else self.key
            tell(
                self.session, self.case, chat=chat, template=template, key=key, now=self.now, facts={**facts}
            )

    def to_duty(self, template: str, part: str = "", **facts: str) -> None:
        self.to(self.office.duty_chat, template, part, **facts)

    def to_channel(self, template: str, part: str = "", **facts: str) -> None:
        self.to(self.channel.chat if self.channel else None, template, part, **facts)

    def to_person(self, person_id: int | None, template: str, part: str, **facts: str) -> None:
        """Queue one sentence to each private chat of a person."""
        for chat in people.private_chats(self.session, person_id) if person_id else ():
            self.to(chat, template, f"{part}:{chat}", **facts)


def say(
    session: Session, office: Office, case: CaseRow, before: CaseFacts, order: Order, now: datetime
) -> None:
    """Say what a move means to those who would miss it. `before` is what stood when the order was decided."""
    speak = _SAYINGS.get(order.command)
    if speak is not None:
        speak(_Said(session, office, case, before, order, now))


def _returned(said: _Said) -> None:
    """Say that a unit sent a matter back; why, to who dispatched it and to who is on duty now, for it is theirs to send on."""
    slip = papers.newest_slip(said.session, said.case.id)
    unit = slip.unit if slip else said.before.channel
    by = people.private_chats(said.session, slip.dispatched_by) if slip else []
    on_duty = duty.staff_chats(said.session, said.now)
    said.to_duty("returned", unit=unit, **({"on_duty": "yes"} if set(on_duty) - set(by) else {}))
    for chat in dict.fromkeys((*by, *on_duty)):
        said.to(
            chat,
            "returned_why",
            f"why:{chat}",
            unit=unit,
            actor=said.order.actor.name,
            reason=said.order.reason,
        )


def _redirected(said: _Said) -> None:
    """Say to the channel that had a case where it went, and by whose judgement, on whatever way it was taken from it."""
    left, slip = (
        papers.left_behind(said.session, said.case.id),
        papers.newest_slip(said.session, said.case.id),
    )
    had = said.office.channels.get(left.channel) if left is not None else None
    if left is None or slip is None or had is None:
        return
    said.to(
        had.chat,
        "redirected",
        unit=slip.unit,
        actor=people.name_of(said.session, slip.dispatched_by),
        frm=left.channel,
        to=slip.channel,
    )


def _sent_back(said: _Said) -> None:
    said.to_channel("redo")
    # The reason of a secrecy review never goes into a chat (保密法 第二十九条): the drafter asks in person.
    order = said.order
    said.to_person(
        said.before.drafter_id,
        "redo_why",
        "why",
        command=order.command.value,
        actor=order.actor.name,
        reason="" if order.command is Command.WITHHOLD else order.reason,
        draft_version=str(said.before.draft_version),
    )


def _reopened(said: _Said) -> None:
    """Say aloud that a case is taken up again, where it is handled; the reason to each who has to do with the answer.

    Those are who signed for it, who drafted, approved and released what is out, and who is on duty.
    """
    if said.case.state is not State.HANDLING or said.channel is None:
        return  # back to be judged: the card in the duty group, where it was pressed, says so
    actor = said.order.actor.name
    said.to_duty("reopened", "duty", actor=actor)
    said.to_channel("reopened", actor=actor)
    slip = papers.newest_slip(said.session, said.case.id)
    concerned = {*papers.answerable(said.session, said.case.id), slip.signed_by if slip else None}
    chats = [
        chat for one in sorted(filter(None, concerned)) for chat in people.private_chats(said.session, one)
    ]
    for chat in dict.fromkeys((*chats, *duty.staff_chats(said.session, said.now))):
        said.to(chat, "reopened_why", f"why:{chat}", actor=actor, reason=said.order.reason)


def _mistaken(said: _Said) -> None:
    """Tell each leader why who answered asks for the case again; it is his to order that."""
    order = said.order
    found = {chat for _, chat in people.holders(said.session, Role.LEADER, at=said.now)}
    for chat in sorted(found):
        said.to(chat, "mistaken_why", f"why:{chat}", actor=order.actor.name, reason=order.reason)
    said.to_duty("mistaken", "duty", actor=order.actor.name)


def _followed(said: _Said) -> None:
    said.to_duty("followed", "duty", actor=said.order.actor.name)
    said.to_channel("followed", actor=said.order.actor.name)


def _approved(said: _Said) -> None:
    """Post the slip anew with the approved text: an edit of the old card, far up in the chat, makes no sound.

    A text that is not for everybody (依申请公开, 不予公开) goes to its drafter alone.
    """
    case = said.case
    if case.state is State.TO_RELEASE and said.before.withheld:
        drafter = said.before.drafter_id
        said.to_person(drafter, "approved_closed", "text", draft_version=str(case.draft_version))
    if case.state is State.TO_RELEASE and said.channel:
        queue(
            said.session,
            key=f"card:{case.id}:{CHANNEL_CARD}:release:{case.version}",
            chat=said.channel.chat,
            kind=MessageKind.CARD,
            priority=Priority.PERSON,
            payload={"card": CHANNEL_CARD, "draft_version": 0},
            case_id=case.id,
            now=said.now,
        )


def _level_set(said: _Said) -> None:
    """Stop who was about to publish: at the new level the approved text wants another approval."""
    if said.case.state is not said.before.state:
        said.to_channel("renewed", draft_version=str(said.case.draft_version))


def _answered(said: _Said) -> None:
    if said.before.withheld:
        said.to_duty("answered_closed")
        return
    said.to_duty("answered", link=said.order.link)


def _not_ordered(said: _Said) -> None:
    actor = said.order.actor.name
    said.to_duty("not_ordered", actor=actor)
    asked = papers.newest(said.session, said.case.id, Command.SUBMIT)
    said.to_person(
        asked.person_id if asked else None, "not_ordered_why", "why", actor=actor, reason=said.order.reason
    )


def _concluded(said: _Said) -> None:
    said.to_duty("concluded")


def _longer(said: _Said) -> None:
    """Ask the office to decide, with the reason: it is decided in the group, and tells of no person."""
    if said.channel is not None:
        slip = papers.newest_slip(said.session, said.case.id)
        facts = {"unit": slip.unit if slip else said.channel.unit, "days": str(said.order.days)}
        said.to_duty("extension", reason=said.order.reason, **facts)


def _longer_decided(said: _Said) -> None:
    actor = said.order.actor.name
    due = deadlines.due_of(said.session, said.case.id, Step.CLOSE)
    if said.order.command is Command.DENY or due is None:
        said.to_channel("denied", actor=actor)
    else:
        said.to_channel("granted", actor=actor, due_at=due.isoformat())


def _reported(said: _Said) -> None:
    """Send a report (首报、续报、终报) to every leader, in private; the group only hears that it went out."""
    session, order = said.session, said.order
    number = papers.count(session, said.case.id, Command.REPORT)
    roles = (Role.LEADER, Role.CHIEF)
    found = [pair for role in roles for pair in people.holders(session, role, at=said.now)]
    leaders = {leader.person_id for leader, _ in found}
    facts = {"kind": order.stance, "text": order.text, "actor": order.actor.name}
    for chat in sorted({chat for _, chat in found}):
        tell(
            session,
            said.case,
            chat=chat,
            template="report",
            key=f"report:{said.case.id}:{number}:{chat}",
            now=said.now,
            facts={**facts},
            priority=Priority.URGENT,
        )
    said.to_duty("reported", kind=order.stance, leaders=str(len(leaders)))


def _split(said: _Said) -> None:
    """Say to the channel that has a case what left it, and where to: its own card only shows one text fewer."""
    placed = said.session.get(CaseItemRow, said.order.item_id)
    new = said.session.get(CaseRow, placed.case_id) if placed is not None else None
    if new is not None and said.case.state in WITH_CHANNEL:
        said.to_channel("split_off", title=new.title, number=new.number)


def _merged(said: _Said) -> None:
    """Say to the channel that has a case what came in: what it answers is more than what it signed for."""
    into = said.session.get_one(CaseRow, said.order.into)
    if into.state in WITH_CHANNEL:
        whole = replace(said, case=into, before=replace(said.before, channel=into.channel))
        whole.to_channel("merged_in", f"from:{said.case.id}", title=said.case.title, number=said.case.number)


_SAYINGS: Mapping[Command, Callable[[_Said], None]] = {
    Command.RETURN: _returned,
    Command.DISPATCH: _redirected,
    Command.ORDER: _redirected,
    Command.ORAL: _redirected,
    Command.REDO: _sent_back,
    Command.WITHHOLD: _sent_back,
    Command.REFUSE: _sent_back,
    Command.RECALL: _sent_back,
    Command.DISCONTENT: _sent_back,
    Command.MISTAKE: _mistaken,
    Command.REOPEN: _reopened,
    Command.FOLLOW: _followed,
    Command.APPROVE: _approved,
    Command.SET_LEVEL: _level_set,
    Command.CONFIRM: _answered,
    Command.SEND_BACK: _not_ordered,
    Command.CONCLUDE: _concluded,
    Command.EXTEND: _longer,
    Command.GRANT: _longer_decided,
    Command.DENY: _longer_decided,
    Command.REPORT: _reported,
    Command.SPLIT: _split,
    Command.MERGE: _merged,
}
