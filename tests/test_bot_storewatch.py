"""The operator hears of a database that takes nothing: at once where it lasts, and afterwards in any case."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from builders import Desk
from sqlalchemy import select

from bot.chat import Card, ChatClosed, ChatMoved, MessageRef
from bot.storewatch import DOWN, StoreWatch
from routing.errors import StoreDown, Transient
from routing.store.tables import OutboxRow


class Platform:
    """A platform that takes a message, or fails as it is told to, once for each error."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.told: list[tuple[str, str]] = []

    async def notify(self, chat: str, card: Card, **_: object) -> MessageRef:
        if self.errors:
            raise self.errors.pop(0)
        self.told.append((chat, card.blocks[0].text))
        return MessageRef(chat, "1")


class Watched:
    """A watch on a desk whose database can be taken away."""

    def __init__(self, desk: Desk, patch: pytest.MonkeyPatch, *errors: Exception) -> None:
        self.desk = desk
        self.platform = Platform(*errors)
        self.woken: list[int] = []
        self._patch = patch
        self._watch = StoreWatch(
            desk.store,
            self.platform,  # type: ignore[arg-type]
            lambda: desk.office,
            desk.clock,
            lambda: self.woken.append(1),
        )

    def break_down(self) -> None:
        async def away(work: object, *, urgent: bool = False) -> Any:
            raise StoreDown("away")

        self._patch.setattr(self.desk.store, "write", away)
        self.desk.store.was_down = True

    def mend(self) -> None:
        self._patch.undo()

    def look(self, times: int = 1) -> None:
        for _ in range(times):
            asyncio.run(self._watch.look())
            self.desk.clock.now += timedelta(seconds=5)

    def queued(self) -> list[str]:
        rows = self.desk.run(lambda s: s.execute(select(OutboxRow.chat, OutboxRow.payload)).all())
        assert {row.chat for row in rows} <= {self.desk.office.operator_chat}
        return [row.payload["text"] for row in rows]


def test_while_all_is_well_nothing_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(desk, monkeypatch)
    watched.look(3)
    assert (watched.platform.told, watched.queued(), watched.woken) == ([], [], [])


def test_a_failure_that_is_over_by_the_next_look_is_told_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(desk, monkeypatch)
    watched.break_down()
    watched.look()
    watched.mend()
    watched.look(3)
    assert watched.platform.told == []
    [line] = watched.queued()
    assert "有 5 秒左右写不进去，现已恢复" in line
    assert watched.woken == [1]


def test_a_failure_that_lasts_is_told_at_once_and_when_it_is_over_each_time(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(desk, monkeypatch)
    for _ in range(2):
        watched.break_down()
        watched.look(4)
        watched.mend()
        watched.look(2)
    assert watched.platform.told == [(desk.office.operator_chat, DOWN)] * 2
    assert ["20 秒" in line for line in watched.queued()] == [True, True]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        pytest.param(Transient("away"), [DOWN], id="away"),
        pytest.param(Transient("timeout", outcome_unknown=True), [], id="may-have-arrived"),
        pytest.param(ChatClosed("blocked"), [], id="blocked"),
    ],
)
def test_a_platform_that_is_away_is_asked_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception, told: list[str]
) -> None:
    watched = Watched(desk, monkeypatch, error)
    watched.break_down()
    watched.look(5)
    assert [text for _, text in watched.platform.told] == told


def test_a_chat_that_moved_is_told_where_it_is_now(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(desk, monkeypatch, ChatMoved("-100"))
    watched.break_down()
    watched.look(3)
    assert watched.platform.told == [("-100", DOWN)]
