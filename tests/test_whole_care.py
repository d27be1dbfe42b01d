"""Care of the data as processes beside the real service: a purge, killed in the middle and while feeds are read; a doctor."""

import json
import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from forked import Forked
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session
from whole import DUTY, ON_BOTH, WATER, Post, Stage, actions, stage_of

from bot.app import ledger_of
from routing.clock import utc_now
from routing.items import Kind
from routing.purge import SHOWN
from routing.store.tables import Base, GoneRow, ItemRow, LedgerRow, OutboxRow, Outcome, SourceRow

pytestmark = pytest.mark.slow

REASON = "保存期已满，按规定清理"
IDLE = Post("idle", "公园的菊花开了", "今天天气真好，城南公园的菊花开了，很多人去看。")
SMELL = Post(
    "s1",
    "幸福里小区污水外溢没人管",
    "幸福里小区门口下水道污水外溢一个星期，社区和物业都说不归自己管，请求处理。",
)
OLD = 2_000


def grow_old(session: Session, source: str = "forum") -> None:
    """Put all that is stored 200 days back, and as many old idle texts as a feed of years has brought behind it."""
    then = utc_now() - timedelta(days=200)
    session.execute(update(ItemRow).values(first_seen_at=then))
    row = {
        "source_id": source,
        "title": IDLE.title,
        "text": IDLE.text,
        "kind": Kind.POST,
        "first_seen_at": then,
        "content_hash": "00" * 16,
        "fingerprint": "",
        "places": [],
        "numbers": [],
        "outcome": Outcome.NONE,
        "reasons": [],
        "masked": [],
    }
    numbered = ({"external_id": f"old-{n}", "url": f"http://forum.example/{n}"} for n in range(OLD))
    session.execute(insert(ItemRow), [row | one for one in numbered])


def environment(stage: Stage) -> Mapping[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(__file__).parent.parent),
        "YUQING_CONFIG": str(stage.settings.config),
        "YUQING_DATABASE_URL": stage.settings.database_url,
    }


def purging(stage: Stage, folder: Path) -> Forked:
    return command(stage, folder, "purge", "--yes", "--reason", REASON)


def command(stage: Stage, folder: Path, *words: str) -> Forked:
    output = folder / "told.txt"
    output.unlink(missing_ok=True)
    return Forked(words, folder, environment(stage), output)


async def ended(process: Forked) -> str:
    code, told = await process.wait(), process.output.read_text(encoding="utf-8")
    assert code == 0, told
    return told


def count(session: Session, table: type[Base]) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


@ON_BOTH
async def test_killed_in_the_middle_a_purge_has_done_whole_portions_and_goes_on(tmp_path: Path, kind: str):
    async with stage_of(kind, tmp_path, with_app=False) as stage:
        stage.store.run(lambda s: s.add(SourceRow(id="forum", failures=0, baseline_done=True)))
        stage.store.run(grow_old)
        process = purging(stage, tmp_path)
        await stage.until(lambda s: 0 < count(s, GoneRow) < OLD - SHOWN)
        process.kill()
        await process.wait()
        await stage.store.write(lambda s: s.scalars(select(SourceRow.id)).all())  # whatever was open is over
        items, gone = stage.store.peek(lambda s: (count(s, ItemRow), count(s, GoneRow)))
        assert 0 < gone < OLD - SHOWN
        assert items + gone == OLD
        assert stage.store.peek(actions)[-1] == "purge_begin"

        assert "已清理" in await ended(purging(stage, tmp_path))
        assert stage.store.peek(lambda s: (count(s, ItemRow), count(s, GoneRow))) == (SHOWN, OLD - SHOWN)
        assert stage.store.peek(actions)[-2:] == ["purge_begin", "purge"]
        assert stage.store.peek(ledger_of(stage.settings).verify).broken is None
        line = stage.store.peek(lambda s: s.scalars(select(LedgerRow).order_by(LedgerRow.seq.desc())).first())
        assert line is not None
        assert REASON in line.data


@ON_BOTH
async def test_beside_the_service_nothing_is_locked_nothing_comes_back_and_news_comes_through(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
):
    async with stage_of(kind, tmp_path, monitors=True) as stage:
        stage.feeds.publish(WATER)
        stage.feeds.publish(IDLE)
        await stage.card(DUTY, WATER.title[:12], button="转办")
        await stage.until(lambda s: s.scalar(select(ItemRow.id).where(ItemRow.external_id == IDLE.id)))
        await stage.store.write(grow_old)
        told = stage.store.peek(lambda s: count(s, OutboxRow))

        process = purging(stage, tmp_path)
        await stage.until(lambda s: count(s, GoneRow))
        stage.feeds.publish(SMELL)
        await stage.card(DUTY, SMELL.title[:12], button="转办")
        assert "已清理" in await ended(process)

        def is_gone(session: Session) -> bool:
            return session.scalar(select(ItemRow.id).where(ItemRow.external_id == IDLE.id)) is None

        assert stage.store.peek(is_gone)
        reads = stage.feeds.reads["forum"]
        await stage.until(lambda _: stage.feeds.reads["forum"] > reads)
        polled = stage.store.peek(lambda s: s.get_one(SourceRow, "forum").last_polled_at)
        await stage.until(lambda s: s.get_one(SourceRow, "forum").last_polled_at > polled)
        assert stage.store.peek(is_gone)
        await stage.quiet()
        assert stage.store.peek(lambda s: count(s, OutboxRow)) == told + 1
        noise = [r.getMessage() for r in caplog.records if r.levelname in {"WARNING", "ERROR"}]
        assert [line for line in noise if "lock" in line or "unit of work" in line or "tick" in line] == []


@ON_BOTH
async def test_a_doctor_finds_the_desk_well_while_it_runs_and_says_when_it_does_not(
    tmp_path: Path, kind: str
):
    async def looks() -> tuple[int | None, set[tuple[str, str]]]:
        process = command(stage, tmp_path, "doctor", "--json")
        code, told = await process.wait(), json.loads(process.output.read_bytes())
        return code, {(one["what"], one["verdict"]) for one in told["looks"]}

    async with stage_of(kind, tmp_path, monitors=True) as stage:
        stage.feeds.publish(WATER)
        await stage.card(DUTY, WATER.title[:12], button="转办")
        await stage.quiet()
        code, found = await looks()
        assert [what for what, verdict in found if verdict == "bad"] == []
        assert {"服务", "来源", "发件", "时限", "台账", "会话"} <= {what for what, _ in found}
        assert code == 0
        await stage.stop_app()
        code, found = await looks()
        assert [what for what, verdict in found if verdict == "bad"] == ["服务"]
        assert code == 1
