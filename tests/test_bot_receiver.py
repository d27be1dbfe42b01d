"""The receiver when the database is away, and when a handler has a bug: nothing is lost, whoever wrote is told."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from builders import Desk

from bot import receiver as module
from bot.chat import Body, CommandGiven, Event, Incoming, MessageRef, TextReplied
from bot.chat import Sender as Who
from bot.compose import Composer
from bot.handlers.desk import Desk as Counter
from bot.receiver import FAULT, Receiver
from routing import people
from routing.errors import StoreDown
from routing.store.tables import InboxRow, OutboxRow


class Away:
    """The real store, which is away for the first calls."""

    def __init__(self, store: Any, times: int) -> None:
        self.store = store
        self.times = times

    def _gone(self) -> None:
        if self.times:
            self.times -= 1
            raise StoreDown("away")

    async def write(self, work: Callable[[Any], Any], *, urgent: bool = False) -> Any:
        self._gone()
        return await self.store.write(work, urgent=urgent)

    async def read(self, work: Callable[[Any], Any]) -> Any:
        self._gone()
        return await self.store.read(work)


class Platform:
    """A platform that hands out its updates until they are confirmed; only what a receiver uses."""

    platform = "telegram"

    def __init__(self, *events: Event) -> None:
        self.events = dict(enumerate(events, 1))
        self.confirmed = 0

    async def receive(self, after: int | None, wait_s: int) -> list[Incoming]:
        self.confirmed = max(self.confirmed, after or 0)
        waiting = [Incoming(n, {"n": n}) for n in self.events if n > self.confirmed]
        if not waiting:
            await asyncio.sleep(3600)
        return waiting

    def event_of(self, raw: dict[str, object]) -> Event | None:
        return self.events.get(int(str(raw["n"])))


def wrote(user: str, text: str) -> TextReplied:
    return TextReplied(Who(user, "某人", user), user, True, text, Body.TEXT, MessageRef(user, "1"), None)


def asked(user: str, name: str) -> CommandGiven:
    return CommandGiven(Who(user, "某人", user), user, True, name, "", MessageRef(user, "1"))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_S", (0.01,))


def receiver_of(desk: Desk, platform: Platform, store: Any) -> Receiver:
    counter = Counter(desk.office, desk.ledger, platform.platform, {})
    composer = Composer(desk.office, {})
    return Receiver(store, platform, lambda: counter, lambda: composer, desk.clock, lambda: None)  # type: ignore[arg-type]


async def at_work(receiver: Receiver, condition: Callable[[], Any]) -> None:
    tasks = [asyncio.create_task(receiver.listen()), asyncio.create_task(receiver.handle())]
    try:
        async with asyncio.timeout(10):
            while not condition():
                for task in tasks:
                    if task.done():
                        task.result()
                await asyncio.sleep(0.01)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def all_done(desk: Desk, count: int) -> bool:
    rows = desk.all(InboxRow)
    return len(rows) == count and all(row.done_at for row in rows)


@pytest.mark.usefixtures("quick")
async def test_an_update_survives_a_database_that_is_away(desk: Desk) -> None:
    platform = Platform(asked("999", "help"))
    await at_work(receiver_of(desk, platform, Away(desk.store, 4)), lambda: all_done(desk, 1))
    assert [row.problem for row in desk.all(InboxRow)] == [None]
    assert "stranger" in [row.payload["template"] for row in desk.all(OutboxRow)]


@pytest.mark.usefixtures("quick")
async def test_nothing_is_confirmed_before_it_is_stored(desk: Desk) -> None:
    platform = Platform(asked("999", "help"))
    away = Away(desk.store, 10**9)
    receiver = receiver_of(desk, platform, away)
    started = away.times
    await at_work(receiver, lambda: started - away.times > 3)
    assert platform.confirmed == 0
    assert desk.all(InboxRow) == []


@pytest.mark.usefixtures("quick")
async def test_a_bug_puts_the_update_aside_and_tells_whoever_wrote(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform_name, _, user = desk.run(people.members)[0].accounts[0].partition(":")

    def broken(occasion: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(module, "react", broken)
    platform = Platform(wrote(user, "我写的答复稿全文"), asked("999", "help"))
    platform.platform = platform_name
    await at_work(receiver_of(desk, platform, desk.store), lambda: all_done(desk, 2))
    assert {row.problem for row in desk.all(InboxRow)} == {"error"}
    assert [row.payload["text"] for row in desk.all(OutboxRow)] == [FAULT]


@pytest.mark.usefixtures("quick")
async def test_after_a_start_what_comes_again_changes_nothing(desk: Desk) -> None:
    platform = Platform(asked("999", "help"))
    await at_work(receiver_of(desk, platform, desk.store), lambda: all_done(desk, 1))
    platform.confirmed = 0
    platform.events[2] = asked("998", "help")
    await at_work(receiver_of(desk, platform, desk.store), lambda: all_done(desk, 2))
    assert len(desk.all(OutboxRow)) == 2
