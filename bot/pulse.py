"""Does the service really work? Judged from when each of its organs last showed that it lives. Pure.

A process that runs is no desk that works: a writer may hang, a poller may sleep, the platform may be silent. What is said
here decides two things: whether the outside is told that all is well (the heartbeat), and whether systemd is (the
watchdog), which restarts the service when it is not told. So each trouble says whether a restart may help: a full disk
and a silent platform it does not help, and nothing would be taken in meanwhile.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

WRITER = timedelta(minutes=3)
"""Project default, as all below. A write may wait for another process's lock three times 30 s."""
DATABASE = timedelta(minutes=3)
PLATFORM = timedelta(minutes=3)
SENDER = timedelta(minutes=3)
POLLER = timedelta(minutes=10)
"""From page to page: several addresses, a large document and its scoring may take minutes, each within its time."""
TICK = timedelta(minutes=5)
TICK_TURNS = 3


@dataclass(frozen=True, slots=True)
class TickSign:
    """One tick: how often it is called, when it last came back, and when it last did so without an error."""

    name: str
    every: timedelta
    ended_at: datetime | None
    well_at: datetime | None


@dataclass(frozen=True, slots=True)
class Signs:
    """When each organ last showed that it lives (aware UTC); None: not since `began_at`, when the service began to work.

    `answered_at`: a write came back from the database, done or refused; `written_at`: one was committed. `heard_at`: the
    platform answered; `sender_at`: the sender looked for what is due; both are judged only where it `chats`.
    `unread_since`: since when sources are due and none was heard of, None where none is or it goes on.
    """

    began_at: datetime
    answered_at: datetime | None = None
    written_at: datetime | None = None
    chats: bool = True
    heard_at: datetime | None = None
    sender_at: datetime | None = None
    unread_since: datetime | None = None
    ticks: Sequence[TickSign] = ()


@dataclass(frozen=True, slots=True)
class Trouble:
    """What does not work (Chinese), and whether a restart may mend it."""

    text: str
    restart: bool


def troubles(signs: Signs, now: datetime) -> tuple[Trouble, ...]:
    """Give what does not work, the root of it first; empty where all does.

    What stands still because the database does is not named beside it: it would only point to the wrong place.
    """
    of_store = tuple(_store(signs, now))
    return of_store or tuple(_organs(signs, now))


def is_proven(signs: Signs) -> bool:
    """Tell whether all that must show that it lives has done so since the beginning; before that nothing is known."""
    heard = not signs.chats or (signs.heard_at is not None and signs.sender_at is not None)
    return signs.written_at is not None and heard


def _store(signs: Signs, now: datetime) -> Iterator[Trouble]:
    silent = now - (signs.answered_at or signs.began_at)
    unwritten = now - (signs.written_at or signs.began_at)
    if silent > WRITER:
        yield Trouble(f"写数据库的线程 {_minutes(silent)} 分钟没有应答", restart=True)
    elif unwritten > DATABASE:
        yield Trouble(f"数据库 {_minutes(unwritten)} 分钟写不进去（磁盘满，或数据库不在）", restart=False)


def _organs(signs: Signs, now: datetime) -> Iterator[Trouble]:
    if signs.unread_since is not None and (late := now - signs.unread_since) > POLLER:
        yield Trouble(f"来源到点而 {_minutes(late)} 分钟没有动静", restart=True)
    if signs.chats:
        still, silent = now - (signs.sender_at or signs.began_at), now - (signs.heard_at or signs.began_at)
        if still > SENDER:
            yield Trouble(f"发件停了 {_minutes(still)} 分钟", restart=True)
        if silent > PLATFORM:
            yield Trouble(f"聊天平台 {_minutes(silent)} 分钟没有应答（平台或网络的问题）", restart=False)
    for tick in signs.ticks:
        limit = max(TICK, TICK_TURNS * tick.every)
        hung, failing = now - (tick.ended_at or signs.began_at), now - (tick.well_at or signs.began_at)
        if hung > limit:
            yield Trouble(f"定时任务 {tick.name} {_minutes(hung)} 分钟没有做完", restart=True)
        elif failing > limit:
            yield Trouble(f"定时任务 {tick.name} 连续出错 {_minutes(failing)} 分钟，请看日志", restart=False)


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)
