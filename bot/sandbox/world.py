"""The world behind the sandbox: who is there, which chats, messages, files and undelivered updates exist.

State changes only by events: `put` applies one, `commit` writes all since the last commit as one journal line and wakes
whoever waits. Replaying the lines gives the same state, the same ids and the same revision. `put` ... `commit` has no await in
between, so a step is whole or absent. The rules of Telegram live in `methods.py` and `people.py`, its JSON in `wire.py`.
"""

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from bot.sandbox.journal import Event, Journal

Json = dict[str, Any]

SANDBOX_TOKEN = "1000000001:SANDBOX-NOT-A-REAL-TOKEN-0000000000"  # noqa: S105 - the right shape, obviously fake
BOT = 0  # the sender id of the bot inside the world; on the wire it is the number before the token's colon
MESSAGE_LIVES_S = 86_400  # core.telegram.org/bots/api: updates are kept no longer than 24 hours
PRESS_LIVES_S = 150  # the official server's Client.cpp, add_update of a callback query
_FIRST_UPDATE = 700_000_001
_FIRST_PRESS = 4_000_000_000_000_000_001
_CHANGES_KEPT = 5_000
_NOT_BY_DEFAULT = ("chat_member", "message_reaction", "message_reaction_count")


@dataclass(frozen=True)
class SandboxPerson:
    """One person at the controls; `label` is the part played: 值班员, 联络员, 领导. `started`: pressed /start once."""

    id: int
    name: str
    label: str = ""
    started: bool = True


@dataclass(frozen=True)
class SandboxGroup:
    """One group chat; `id` is negative, `kind` is group or supergroup."""

    id: int
    title: str
    members: tuple[int, ...]
    bot_is_member: bool = True
    kind: str = "supergroup"


@dataclass(frozen=True)
class Cast:
    """Everybody in the sandbox. `bot_reads_all_groups` switches Telegram's privacy mode off."""

    people: tuple[SandboxPerson, ...]
    groups: tuple[SandboxGroup, ...]
    bot_name: str = "舆情值班台"
    bot_username: str = "yuqing_sandbox_bot"
    bot_reads_all_groups: bool = False

    def __post_init__(self) -> None:
        ids = [p.id for p in self.people] + [g.id for g in self.groups]
        if len(set(ids)) != len(ids):
            raise ValueError("two members of the cast share an id")
        if any(p.id <= 0 for p in self.people) or any(g.id >= 0 for g in self.groups):
            raise ValueError("ids of people are positive, ids of groups negative")
        if any(m not in {p.id for p in self.people} for g in self.groups for m in g.members):
            raise ValueError("a member of a group is not among the people")


@dataclass(frozen=True)
class Group:
    """A group as it is now; `bot` is member, left or kicked."""

    id: int
    title: str
    kind: str
    members: tuple[int, ...]
    bot: str
    migrated_to: int | None = None


@dataclass(frozen=True)
class Message:
    """One message; `text` is the caption where there is media. `markup` holds inline keyboards only."""

    chat: int
    id: int
    sender: int
    date: int
    text: str = ""
    entities: list[Json] = field(default_factory=list)
    media: Json | None = None  # {"kind": photo|document|sticker, "file": file id}
    markup: Json | None = None
    force_reply: Json | None = None
    reply_to: int | None = None
    edited_at: int | None = None
    album: str | None = None
    thread: int | None = None
    forwarded: bool = False
    service: Json | None = None
    pinned: bool = False


@dataclass(frozen=True)
class StoredFile:
    """A file somebody sent; its bytes are in `World.blobs` under `number`."""

    id: str
    number: int
    kind: str
    name: str
    mime: str
    size: int
    width: int = 0
    height: int = 0

    @property
    def path(self) -> str:
        suffix = Path(self.name).suffix or ".bin"
        return f"{self.kind}s/file_{self.number}{suffix}"

    @property
    def unique_id(self) -> str:
        return "AQ" + hashlib.sha256(self.id.encode()).hexdigest()[:14]


@dataclass(frozen=True)
class Press:
    """One press of a button, answerable once and for PRESS_LIVES_S."""

    id: str
    person: int
    chat: int
    message: int
    data: str
    at: float
    answered: bool = False


@dataclass(frozen=True)
class Update:
    """One update that waits for the bot; `expires_at` is epoch seconds."""

    id: int
    kind: str
    body: Json
    expires_at: float


class Blobs:
    """The bytes of files: beside the journal, or in memory without one."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._memory: dict[int, bytes] = {}

    def save(self, number: int, data: bytes) -> None:
        if self._folder is None:
            self._memory[number] = data
        else:
            (self._folder / str(number)).write_bytes(data)

    def load(self, number: int) -> bytes:
        return self._memory[number] if self._folder is None else (self._folder / str(number)).read_bytes()


class World:
    """All state. `open` replays the journal; without one the world starts from the cast and forgets at the end."""

    def __init__(
        self, cast: Cast, bot_id: int, now: Callable[[], float] = time.time, journal: Path | None = None
    ) -> None:
        self.cast = cast
        self.bot_id = bot_id
        self.now = now
        self.journal = Journal(journal) if journal is not None else None
        self.blobs = Blobs(self.journal.files if self.journal else None)
        self.people = {p.id: p for p in cast.people}
        self.groups = {
            g.id: Group(g.id, g.title, g.kind, g.members, "member" if g.bot_is_member else "left")
            for g in cast.groups
        }
        self.started = {p.id for p in cast.people if p.started}
        self.blocked: set[int] = set()
        self.messages: dict[int, dict[int, Message]] = {}
        self.files: dict[str, StoredFile] = {}
        self.presses: dict[str, Press] = {}
        self.updates: dict[int, Update] = {}
        self.reads: dict[tuple[int, int], int] = {}
        self.toasts: list[Json] = []
        self.calls: list[Json] = []
        self.commands: dict[str, list[Json]] = {}
        self.webhook = ""
        self.allowed: list[str] = []
        self.revision = 0
        self.changes: deque[Json] = deque(maxlen=_CHANGES_KEPT)
        self._last_ids: dict[int, int] = {}
        self._last_update = _FIRST_UPDATE - 1
        self._pending: list[Event] = []
        self._waiters: set[asyncio.Future[None]] = set()

    def open(self) -> None:
        """Replay what an earlier life left behind."""
        for step in self.journal.open() if self.journal else []:
            for event in step:
                self._apply(event)

    def close(self) -> None:
        if self.journal is not None:
            self.journal.close()

    # -- change ----------------------------------------------------------------------------------------------------

    def put(self, event: str, **fields: Any) -> None:
        """Apply one event now; it becomes durable with the next `commit`."""
        record = {"event": event, **fields}
        self._apply(record)
        self._pending.append(record)

    def commit(self) -> None:
        """Make the step durable and wake all who wait. Safe to call with nothing pending."""
        if not self._pending:
            return
        step, self._pending = self._pending, []
        if self.journal is not None:
            self.journal.append(step)
        self.wake()

    def wake(self) -> None:
        """Let everybody who waits look again."""
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, timeout_s: float) -> None:
        """Return at the next commit or after `timeout_s`, whichever comes first."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await asyncio.wait([waiter], timeout=timeout_s)
        finally:
            self._waiters.discard(waiter)

    def _apply(self, event: Event) -> None:
        fields = {key: value for key, value in event.items() if key != "event"}
        self.revision += 1
        getattr(self, f"_on_{event['event']}")(**fields)

    def _change(self, kind: str, **fields: Any) -> None:
        self.changes.append({"revision": self.revision, "kind": kind, **fields})

    def _on_message(self, **fields: Any) -> None:
        message = Message(**fields)
        self.messages.setdefault(message.chat, {})[message.id] = message
        key = self._id_row(message.chat)
        self._last_ids[key] = max(self._last_ids.get(key, 0), message.id)
        self._change("message", chat=message.chat, message=message.id)

    def _on_edit(self, chat: int, message: int, **fields: Any) -> None:
        self.messages[chat][message] = replace(self.messages[chat][message], **fields)
        self._change("edit", chat=chat, message=message)

    def _on_delete(self, chat: int, message: int) -> None:
        del self.messages[chat][message]
        self._change("delete", chat=chat, message=message)

    def _on_file(self, **fields: Any) -> None:
        stored = StoredFile(**fields)
        self.files[stored.id] = stored

    def _on_press(self, **fields: Any) -> None:
        press = Press(**fields)
        self.presses[press.id] = press

    def _on_answer(self, press: str, text: str, alert: bool, url: str, at: float) -> None:
        pressed = self.presses[press]
        self.presses[press] = replace(pressed, answered=True)
        toast = {"press": press, "as": pressed.person, "chat": pressed.chat, "message": pressed.message}
        toast |= {"text": text, "alert": alert, "url": url, "at": at, "data": pressed.data}
        self.toasts.append(toast)
        self._change("toast", chat=pressed.chat, person=pressed.person, toast=toast)

    def _on_update(self, **fields: Any) -> None:
        update = Update(**fields)
        self.updates[update.id] = update
        self._last_update = max(self._last_update, update.id)

    def _on_forget(self, before: int) -> None:
        self.updates = {key: update for key, update in self.updates.items() if key >= before}

    def _on_group(self, **fields: Any) -> None:
        group = Group(**{**fields, "members": tuple(fields["members"])})
        self.groups[group.id] = group
        self._change("group", chat=group.id)

    def _on_block(self, person: int, blocked: bool) -> None:
        (self.blocked.add if blocked else self.blocked.discard)(person)
        self._change("person", person=person, chat=person)

    def _on_start(self, person: int) -> None:
        self.started.add(person)
        self._change("person", person=person, chat=person)

    def _on_read(self, person: int, chat: int, message: int) -> None:
        self.reads[person, chat] = message
        self._change("read", person=person, chat=chat, message=message)

    def _on_webhook(self, url: str) -> None:
        self.webhook = url

    def _on_allowed(self, kinds: list[str]) -> None:
        self.allowed = kinds

    def _on_commands(self, scope: str, commands: list[Json]) -> None:
        if commands:
            self.commands[scope] = commands
        else:
            self.commands.pop(scope, None)

    def _on_call(self, **fields: Any) -> None:
        self.calls.append({"seq": len(self.calls) + 1, **fields})

    # -- building blocks -------------------------------------------------------------------------------------------

    def _id_row(self, chat: int) -> int:
        """Supergroups count their own message ids, all other chats share the bot's one row, as on Telegram."""
        group = self.groups.get(chat)
        return chat if group is not None and group.kind == "supergroup" else 0

    def post(self, chat: int, sender: int, **fields: Any) -> Message:
        """Store a new message under the next id of its chat."""
        number = self._last_ids.get(self._id_row(chat), 0) + 1
        message = Message(chat, number, sender, int(self.now()), **fields)
        self.put("message", **asdict(message))
        return message

    def change_group(self, group: Group, **fields: Any) -> Group:
        changed = replace(group, **fields)
        self.put("group", **asdict(changed))
        return changed

    def store_file(
        self, kind: str, name: str, mime: str, data: bytes, size: tuple[int, int] = (0, 0)
    ) -> StoredFile:
        """Keep the bytes, then the event: a file named in the journal always has its bytes."""
        number = len(self.files) + 1
        stored = StoredFile(f"SBX{kind}{number:06d}", number, kind, name, mime, len(data), *size)
        self.blobs.save(number, data)
        self.put("file", **asdict(stored))
        return stored

    def new_press(self, person: int, chat: int, message: int, data: str) -> Press:
        press = Press(str(_FIRST_PRESS + len(self.presses)), person, chat, message, data, self.now())
        self.put("press", **asdict(press))
        return press

    def enqueue(self, kind: str, body: Json, lives_s: float = MESSAGE_LIVES_S) -> None:
        """Let an update wait for the bot, unless its kind was not asked for by `allowed_updates`."""
        if kind in self.allowed if self.allowed else kind not in _NOT_BY_DEFAULT:
            expires_at = self.now() + lives_s
            self.put("update", id=self._last_update + 1, kind=kind, body=body, expires_at=expires_at)

    def waiting_updates(self) -> list[Update]:
        """List what the bot has not confirmed and what has not expired, oldest first."""
        now = self.now()
        return [update for _, update in sorted(self.updates.items()) if update.expires_at > now]

    def find(self, chat: int, message: int | None) -> Message | None:
        return self.messages.get(chat, {}).get(message) if message is not None else None

    def readers(self, chat: int) -> tuple[int, ...]:
        """Name the people who see this chat."""
        return self.groups[chat].members if chat in self.groups else (chat,)
