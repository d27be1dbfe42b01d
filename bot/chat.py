"""The port to a chat platform: what the desk shows and asks, and what people do. Knows no platform.

Ids are opaque strings; an action token is at most 64 ASCII bytes. Texts are plain here: an adapter escapes them and
turns the blocks of a card into its own markup. Errors cross as `Transient`, `Permanent` and the two below.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from routing.errors import Permanent, YuqingError


class Tone(StrEnum):
    """How a button asks to be understood."""

    PLAIN = "plain"
    GOOD = "good"
    DANGER = "danger"


class Form(StrEnum):
    """How a block is set."""

    TITLE = "title"
    LINE = "line"
    QUOTE = "quote"
    NOTE = "note"
    FOLDED = "folded"
    """Detail, of which a reader sees the beginning until he opens it; neighbours fold as one."""


@dataclass(frozen=True, slots=True)
class Block:
    """One field of a card. Cut as a whole, lowest `weight` first, when a card is too long for its platform.

    `label` stands before the text; `url` makes the text a link. Weight 9 is never cut.
    """

    text: str
    form: Form = Form.LINE
    label: str = ""
    url: str = ""
    weight: int = 5


@dataclass(frozen=True, slots=True)
class Button:
    """A press sends `token`; `url` instead opens a page."""

    text: str
    token: str = ""
    tone: Tone = Tone.PLAIN
    url: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """Blocks of text and rows of buttons. No buttons: the card has said its last word."""

    blocks: tuple[Block, ...]
    buttons: tuple[tuple[Button, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class File:
    """A file to send. `is_picture` asks for a preview instead of a download."""

    name: str
    content: bytes
    is_picture: bool = False


@dataclass(frozen=True, slots=True)
class MessageRef:
    """A message as the platform names it."""

    chat: str
    message: str


class ChatMoved(YuqingError):
    """The chat has a new id (a group became a supergroup): remember it and send again."""

    def __init__(self, new_chat: str) -> None:
        super().__init__(f"chat moved to {new_chat}")
        self.new_chat = new_chat


class ChatClosed(Permanent):
    """This chat takes nothing from us any more: blocked, kicked, never started, not found."""


class MessageGone(Permanent):
    """The message to edit is not there: send a new one."""


class TokenRejected(Permanent):
    """The platform does not know us (any more): stop loudly, keep the queue."""


# What people do --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sender:
    """Who acted: the platform's user id (nothing else identifies), the name shown, the private chat with him."""

    user_ref: str
    shown_name: str
    private_chat: str


@dataclass(frozen=True, slots=True)
class ActionPressed:
    """A button was pressed on a message. `press` answers it, within the platform's seconds."""

    sender: Sender
    chat: str
    is_private: bool
    token: str
    message: MessageRef
    press: str


class Body(StrEnum):
    """What a message holds."""

    TEXT = "text"
    FORWARDED = "forwarded"
    STICKER = "sticker"
    PICTURE = "picture"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class TextReplied:
    """Somebody wrote. `reply_to` is the message of ours that it answers; `body` other than TEXT has an empty text."""

    sender: Sender
    chat: str
    is_private: bool
    text: str
    body: Body
    message: MessageRef
    reply_to: MessageRef | None


@dataclass(frozen=True, slots=True)
class CommandGiven:
    """A slash command, without the slash and in lower case, with what stood behind it."""

    sender: Sender
    chat: str
    is_private: bool
    name: str
    rest: str
    message: MessageRef


@dataclass(frozen=True, slots=True)
class JoinedChat:
    """The bot was put into a chat."""

    chat: str
    title: str


@dataclass(frozen=True, slots=True)
class LeftChat:
    """The bot was removed from a chat, or blocked by a person."""

    chat: str


@dataclass(frozen=True, slots=True)
class ChatRenamed:
    """A chat has a new id."""

    old_chat: str
    new_chat: str


Event = ActionPressed | TextReplied | CommandGiven | JoinedChat | LeftChat | ChatRenamed


@dataclass(frozen=True, slots=True)
class Incoming:
    """One update as the platform gave it; `raw` must be stored before it is confirmed."""

    update_id: int
    raw: dict[str, object]


class ChatPort(Protocol):
    """What an adapter offers. Every sending call may raise Transient, Permanent, ChatMoved, ChatClosed.

    `Transient.outcome_unknown` says that the message may have arrived all the same.
    """

    platform: str

    async def send_card(
        self, chat: str, card: Card, *, reply_to: MessageRef | None = None, silent: bool = False
    ) -> MessageRef:
        """Post a new card."""
        ...

    async def update_card(self, ref: MessageRef, card: Card) -> None:
        """Make a standing card say something else; the same content again is no error. Raises MessageGone."""
        ...

    async def notify(
        self,
        chat: str,
        card: Card,
        *,
        files: Sequence[File] = (),
        reply_to: MessageRef | None = None,
        silent: bool = False,
    ) -> MessageRef:
        """Post a text without buttons, with files; gives the first message."""
        ...

    async def ask_text(
        self, chat: str, card: Card, *, placeholder: str = "", reply_to: MessageRef | None = None
    ) -> MessageRef:
        """Post a question that wants a typed reply."""
        ...

    async def toast(self, press: str, text: str, *, alert: bool = False) -> None:
        """Answer a press with one sentence; a press that has expired is no error."""
        ...

    async def leave(self, chat: str) -> None:
        """Leave a group; not being there is no error."""
        ...

    async def offer(self, commands: Sequence[tuple[str, str]]) -> None:
        """Put the commands, each with what it does, into the platform's menu. The same again is no error."""
        ...

    async def title_of(self, chat: str) -> str:
        """Give a chat's title; raises ChatClosed where the bot is not in it."""
        ...

    def link_to(self, ref: MessageRef) -> str:
        """Give the address that opens a message in its chat, for who is in it; empty where the platform has none."""
        ...

    async def receive(self, after: int | None, wait_s: int) -> list[Incoming]:
        """Wait for updates behind `after` (None: whatever waits), which confirms all up to it."""
        ...

    def event_of(self, raw: dict[str, object]) -> Event | None:
        """Read one stored update; None for what the desk has no use for."""
        ...

    async def start(self) -> str:
        """Say hello to the platform and give the bot's own name. Raises Transient, TokenRejected."""
        ...

    async def stop(self) -> None:
        """Let connections go. Safe to call twice."""
        ...
