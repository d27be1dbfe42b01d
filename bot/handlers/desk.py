"""The desk's counter: one event in, its whole effect written, one quick answer out.

`react` runs in the unit of work that also marks the update as done, so a crash means that it is done again from the
start or was done. What must be said for certain goes through the outbox; the quick answer (a toast, an opened menu)
may be lost without harm.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.chat import Block, Button, Event, MessageRef, Sender
from routing import chats, outbox, people
from routing.judging import Judging
from routing.ledger import Ledger, who
from routing.office import Office
from routing.outbox import MessageKind, Priority
from routing.textscan import Personal, no_personal_data
from routing.unit import Unit
from routing.workflow import Actor, Ground, Where

ANSWER_LIFE = timedelta(hours=12)
QUOTED_MOST = 40
"""So many letters of what somebody typed are repeated in an answer; project default."""


@dataclass(frozen=True, slots=True)
class Reception:
    """What registration by hand needs of the house: `mask` hides personal data and names its kinds, `rules` are those of now."""

    mask: Callable[[str], tuple[str, tuple[str, ...]]]
    rules: Callable[[], Judging]


@dataclass(frozen=True, slots=True)
class Desk:
    """What the handlers know of the house; built once by the composition root. `reception` None: nothing is registered."""

    office: Office
    ledger: Ledger
    platform: str
    sources: Mapping[str, str]
    reception: Reception | None = None
    personal: Personal = no_personal_data


@dataclass(frozen=True, slots=True)
class Reaction:
    """The quick answer to a press: a toast, and perhaps a menu to open on the card that was pressed.

    `errand`: what takes longer than a unit of work may, to be done beside it. `redraw`: a card to show as it stands now.
    """

    toast: str = ""
    alert: bool = False
    menu: "Menu | None" = None
    errand: "Errand | None" = None
    leafed: "Leafed | None" = None
    redraw: "Redraw | None" = None


@dataclass(frozen=True, slots=True)
class Menu:
    """Buttons to show on a card of some kind instead of its own, until somebody chooses or the case moves on from `version`.

    `notes`: what must be known to choose, shown below the card. `passing`: it gives way by itself to the card's own
    buttons, once the update with this key comes (`outbox.SETTLES`); empty: it does not.
    """

    ref: MessageRef
    case_id: int
    version: int
    buttons: tuple[tuple[Button, ...], ...]
    notes: tuple[Block, ...] = ()
    card: str = "duty"
    draft_version: int = 0
    chat: str = ""
    passing: str = ""


@dataclass(frozen=True, slots=True)
class Leafed:
    """A list that shows another page in place: the message, the row that asked for it, what it asked for, the page."""

    ref: MessageRef
    sent_as: int
    facts: Mapping[str, object]
    page: int


@dataclass(frozen=True, slots=True)
class Redraw:
    """A card of no case to bring up to date where it stands; `payload` says of what, as in the outbox."""

    ref: MessageRef
    payload: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Errand:
    """A wish for a replay: who waits where for its answer. `key` is unique among all answers."""

    chat: str
    reply_to: str
    key: str


@dataclass(frozen=True, slots=True)
class Occasion:
    """One event with all that a handler needs: the house, the unit of work, the time, the update's id."""

    desk: Desk
    session: Unit
    now: datetime
    update_id: int
    event: Event

    def actor(self, sender: Sender) -> Actor | None:
        """Resolve who acted; None for strangers."""
        return people.actor_of(self.session, self.desk.platform, sender.user_ref, at=self.now)

    def chat_name(self, chat: str) -> str:
        """Give the configuration's name of a chat."""
        return chats.name_of(self.session, chat, self.desk.office.chats())

    def is_here(self, chat: str) -> bool:
        """Tell whether a chat is where it was; numbers of messages from before a move mean others now."""
        return chats.address(self.session, self.chat_name(chat)) == chat

    def where(self, chat: str, sender: Sender, channels: Collection[str]) -> Where:
        """Say what kind of chat this is, as seen from a case with which `channels` have to do."""
        name = self.chat_name(chat)
        office = self.desk.office
        if chat == sender.private_chat:
            return Where.PRIVATE
        if name == office.duty_chat:
            return Where.DUTY
        if name in {office.channels[key].chat for key in channels if key in office.channels}:
            return Where.CHANNEL
        return Where.ELSEWHERE

    def say(
        self,
        chat: str,
        text: str,
        *,
        case_id: int | None = None,
        reply_to: MessageRef | None = None,
        part: str = "",
        ask: int | None = None,
    ) -> None:
        """Queue one sentence to a chat, once an update. `ask`: the question that it asks again."""
        payload: dict[str, object] = {"template": "said", "text": text}
        if ask is not None:
            payload["ask"] = ask
        if reply_to is not None:
            payload["reply_to"] = reply_to.message
        self.page(chat, payload, case_id=case_id, part=part)

    def page(
        self, chat: str, payload: Mapping[str, object], *, case_id: int | None = None, part: str = ""
    ) -> None:
        """Queue a page (help, a list, a case) to a chat, once an update."""
        outbox.queue(
            self.session,
            key=f"{outbox.ANSWER}{self.desk.platform}:{self.update_id}:{part}",
            chat=self.chat_name(chat),
            kind=MessageKind.TEXT,
            priority=Priority.PERSON,
            payload=payload,
            case_id=case_id,
            now=self.now,
            valid_for=ANSWER_LIFE,
        )

    def note_view(self, chat: str, actor: Actor, case_id: int) -> None:
        """Record that somebody had a matter shown to him; `group` where others could read along."""
        name = self.chat_name(chat)
        group = {"group": name} if name in self.desk.office.chats() else {}
        self.desk.ledger.write(
            self.session,
            at=self.now,
            actor=actor.name,
            action="view",
            case_id=case_id,
            **group,
            **who(actor),
        )

    def hidden(self, typed: str) -> str:
        """Hide the personal data in what somebody typed, before anything is kept; the ledger forgets nothing."""
        reception = self.desk.reception
        return typed if reception is None else reception.mask(typed)[0]

    def quoted(self, typed: str) -> str:
        """Give what was typed as an answer may repeat it: without personal data, and cut short."""
        plain = self.hidden(typed.strip())
        return plain if len(plain) <= QUOTED_MOST else f"{plain[:QUOTED_MOST]}…"

    def note_refusal(
        self, sender: Sender, actor: Actor | None, command: str, ground: Ground, case_id: int | None = None
    ) -> None:
        """Record that somebody was refused before an order was tried; `actor` None: nobody whom we know."""
        name = actor.name if actor else f"{self.desk.platform}:{sender.user_ref}"
        told = who(actor) if actor else {}
        self.desk.ledger.write(
            self.session,
            at=self.now,
            actor=name,
            action="refused",
            case_id=case_id,
            command=command,
            ground=ground.value,
            **told,
        )

    def greet_stranger(self, sender: Sender) -> None:
        """One polite line a day to somebody who is not registered, and nothing else."""
        outbox.queue(
            self.session,
            key=f"stranger:{self.desk.platform}:{sender.user_ref}:{self.now:%Y-%m-%d}",
            chat=sender.private_chat,
            kind=MessageKind.TEXT,
            priority=Priority.PERSON,
            payload={"template": "stranger"},
            now=self.now,
            valid_for=timedelta(minutes=10),
        )
