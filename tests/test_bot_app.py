"""What the composition root decides by itself: when the weekly digest is queued, what a step of the clock puts right, and
what becomes of an edited folder that cannot be kept."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from builders import Desk
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.app import App, queue_weekly
from bot.config import load_folder
from bot.demo.office import write_config
from bot.reload import Watcher
from bot.settings import Settings
from routing import outbox
from routing.clockstep import put_right
from routing.errors import StoreDown
from routing.outbox import MessageKind, Priority
from routing.store.engine import Store
from routing.store.migrate import migrate
from routing.store.tables import OutboxRow, SourceRow

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(desk: Desk, *moment: int) -> None:
    desk.clock.now = datetime(*moment, tzinfo=SHANGHAI)  # type: ignore[arg-type]


def digests(desk: Desk) -> list[str]:
    rows = desk.all(OutboxRow)
    return [
        row.payload["span"]
        for row in rows
        if row.kind == MessageKind.DIGEST.value and row.chat == desk.office.duty_chat
    ]


def tick(desk: Desk) -> int:
    return desk.run(lambda s: queue_weekly(s, desk.office, desk.clock()))


def test_the_week_is_sent_on_monday_morning_and_once(desk: Desk) -> None:
    at(desk, 2026, 11, 18, 9)
    desk.open()
    at(desk, 2026, 11, 23, 8, 29)
    assert tick(desk) == 0
    at(desk, 2026, 11, 23, 8, 31)
    assert tick(desk) > 0
    assert tick(desk) == 0
    assert digests(desk) == ["2026-W47"]


def test_a_service_that_slept_over_the_hour_sends_the_digest_late(desk: Desk) -> None:
    at(desk, 2026, 11, 18, 9)
    desk.open()
    at(desk, 2026, 12, 2, 12)
    tick(desk)
    assert digests(desk) == ["2026-W47", "2026-W48"]


def test_there_is_no_digest_of_a_week_before_the_first_item(desk: Desk) -> None:
    at(desk, 2026, 11, 23, 12)
    assert tick(desk) == 0
    desk.open()
    assert tick(desk) == 0


def test_after_a_step_of_the_clock_nothing_waits_for_the_old_time(desk: Desk) -> None:
    now = desk.clock()

    def ahead(session: object) -> None:
        outbox.queue(
            session,  # type: ignore[arg-type]
            key="a",
            chat="a",
            kind=MessageKind.TEXT,
            priority=Priority.PERSON,
            payload={"template": "said", "text": "一"},
            now=now + timedelta(hours=8),
        )
        session.add(SourceRow(id="s", next_poll_at=now + timedelta(hours=8)))  # type: ignore[attr-defined]

    desk.run(ahead)
    desk.run(lambda s: put_right(s, now))
    assert desk.run(lambda s: [message.chat for message in outbox.due(s, now)]) == ["a"]
    assert desk.run(lambda s: s.scalar(select(SourceRow.next_poll_at))) == now


# --- an edited folder ----------------------------------------------------------------------------------------------


@pytest.fixture
async def edited(tmp_path: Path) -> AsyncIterator[App]:
    """An app on a folder in which a unit was renamed since it was read; the edit stands still already."""
    config = tmp_path / "config"
    write_config(config, {"forum": "http://127.0.0.1:9/rss"})
    settings = Settings(config=config, database_url=f"sqlite:///{tmp_path / 'yuqing.db'}")
    migrate_and_close(settings.database_url)
    chat: Any = SimpleNamespace(platform="telegram", link_to=lambda ref: "")
    watcher, configuration = Watcher(config), load_folder(config)
    office = config / "office.toml"
    office.write_text(office.read_text(encoding="utf-8").replace("县信访局", "县信访中心"), encoding="utf-8")
    app = App(settings, configuration, chat, watcher=watcher)  # it takes a while until it is there
    await app.look_at_configuration()
    yield app
    app.store.close()


def migrate_and_close(url: str) -> None:
    store = Store(url)
    migrate(store)
    store.close()


def unit_of(app: App) -> str:
    return app.configuration.office.channels["petition"].unit


def operator_read(session: Session) -> list[str]:
    return [row.payload["text"] for row in session.scalars(select(OutboxRow).order_by(OutboxRow.id))]


async def test_an_edit_that_cannot_be_kept_is_not_in_force_and_comes_again(
    edited: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> int:
        raise StoreDown("away")

    with monkeypatch.context() as patch:
        patch.setattr(Session, "commit", away)
        with pytest.raises(StoreDown):
            await edited.look_at_configuration()
    assert unit_of(edited) == "县信访局"
    assert await edited.store.read(operator_read) == []
    await edited.look_at_configuration()
    assert unit_of(edited) == "县信访中心"
    assert len(await edited.store.read(operator_read)) == 1


async def test_a_bug_in_a_take_over_changes_nothing_and_is_told_once(
    edited: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(*_: object, **__: object) -> int:
        raise RuntimeError("a bug")

    monkeypatch.setattr(type(edited.ledger), "write", bug)
    for _ in range(3):
        await edited.look_at_configuration()
    assert unit_of(edited) == "县信访局"
    [told] = await edited.store.read(operator_read)
    assert "沿用原配置" in told
