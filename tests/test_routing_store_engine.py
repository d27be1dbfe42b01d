"""The store under strain: a press before a batch, a lost connection, another process that holds the lock."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from builders import START, ZONE
from sqlalchemy import DateTime, select, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import IntegrityError, StatementError

from routing.errors import StoreDown
from routing.store import engine
from routing.store.engine import TRIES, Store
from routing.store.tables import AccountRow, InboxRow, OutboxRow, PersonRow, Utc


def enter(name: str):
    """A unit of work that enters a person."""

    def work(session) -> str:
        session.add(PersonRow(name=name, added_at=START))
        session.flush()
        return name

    return work


def names(store: Store) -> list[str]:
    return store.run(lambda s: list(s.scalars(select(PersonRow.name).order_by(PersonRow.id))))


def test_a_unit_of_work_is_kept_whole_or_not_at_all(store):
    def half(session) -> None:
        enter("半途")(session)
        raise LookupError

    store.run(enter("完整"))
    with pytest.raises(LookupError):
        store.run(half)
    assert names(store) == ["完整"]


def test_a_server_that_takes_connections_and_says_nothing_is_down_after_seconds(monkeypatch):
    monkeypatch.setattr(engine, "CONNECT_S", 2)  # the least that libpq knows
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = Store(f"postgresql://desk@127.0.0.1:{silent.getsockname()[1]}/desk")
        with pytest.raises(StoreDown):
            store.peek(lambda s: s.execute(text("SELECT 1")))
        store.close()


async def test_a_press_goes_before_the_batches_that_wait(store):
    begun, go_on, order = threading.Event(), threading.Event(), []

    def slow(session) -> None:
        begun.set()
        go_on.wait(20)
        order.append("slow")

    waiting = [asyncio.create_task(store.write(slow))]
    await asyncio.to_thread(begun.wait, 20)
    for name, urgent in (("batch 0", False), ("batch 1", False), ("press 0", True), ("press 1", True)):
        unit = store.write(lambda s, name=name: order.append(name), urgent=urgent)
        waiting.append(asyncio.create_task(unit))
    await asyncio.sleep(0)  # every task has put its unit into the queue
    go_on.set()
    await asyncio.gather(*waiting)
    assert order == ["slow", "press 0", "press 1", "batch 0", "batch 1"]


async def test_an_error_in_a_unit_of_work_reaches_who_asked_and_the_writer_goes_on(store):
    def wrong(session) -> None:
        raise LookupError("nobody")

    with pytest.raises(LookupError, match="nobody"):
        await store.write(wrong)
    assert await store.write(enter("后来")) == "后来"


async def test_who_stops_waiting_before_his_turn_has_changed_nothing(store):
    begun, go_on = threading.Event(), threading.Event()

    def slow(session) -> None:
        begun.set()
        go_on.wait(20)

    first = asyncio.create_task(store.write(slow))
    await asyncio.to_thread(begun.wait, 20)
    second = asyncio.create_task(store.write(enter("不等了")))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    go_on.set()
    await first
    await store.write(lambda s: None)  # the writer has been past the one that was called off
    assert names(store) == []


async def test_a_read_gives_what_is_committed_and_keeps_nothing_that_it_changed(store):
    store.run(enter("甲"))
    assert await store.read(enter("乙")) == "乙"
    assert names(store) == ["甲"]


def test_everything_queued_is_done_before_the_store_closes(store_url):
    store = Store(store_url)

    async def leave() -> None:
        begun, go_on = threading.Event(), threading.Event()

        def slow(session) -> None:
            begun.set()
            go_on.wait(20)

        tasks = [asyncio.create_task(store.write(slow))]
        tasks += [asyncio.create_task(store.write(enter(str(n)))) for n in range(5)]
        await asyncio.to_thread(begun.wait, 20)
        closing = asyncio.create_task(asyncio.to_thread(store.close))
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(closing, *tasks)

    asyncio.run(leave())
    store.close()
    again = Store(store_url)
    try:
        assert names(again) == ["0", "1", "2", "3", "4"]
    finally:
        again.close()


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
class TestOnPostgresql:
    def test_a_unit_of_work_is_done_again_when_its_connection_was_cut(self, store):
        runs = []

        def work(session) -> None:
            runs.append(session.scalar(text("SELECT pg_backend_pid()")))
            enter(f"第{len(runs)}次")(session)
            if len(runs) < TRIES:
                with store.engine.connect() as other:
                    other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": runs[-1]})
                session.execute(text("SELECT 1"))

        store.run(work)
        assert len(set(runs)) == TRIES
        assert names(store) == [f"第{TRIES}次"]

    def test_a_line_that_went_dead_without_a_word_costs_no_unit_of_work(self, store):
        runs = []

        def work(session) -> None:
            runs.append(1)
            enter(f"第{len(runs)}次")(session)
            if len(runs) == 1:
                line = session.connection().connection.dbapi_connection.fileno()
                with socket.socket(fileno=os.dup(line)) as cut:
                    cut.shutdown(socket.SHUT_RDWR)
                session.execute(text("SELECT 1"))

        store.run(work)
        assert names(store) == ["第2次"]

    def test_it_gives_up_when_the_connection_is_cut_each_time(self, store):
        runs = []

        def work(session) -> None:
            pid = session.scalar(text("SELECT pg_backend_pid()"))
            runs.append(pid)
            with store.engine.connect() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            session.execute(text("SELECT 1"))

        with pytest.raises(StoreDown):
            store.run(work)
        assert len(runs) == TRIES

    def test_of_two_that_wait_for_each_other_both_are_done_in_the_end(self, store):
        """A deadlock (40P01) costs one of them its turn; the whole unit is tried again."""
        store.run(enter("甲"))
        store.run(enter("乙"))
        both_hold, runs = threading.Barrier(2), []

        def work(mine: str, theirs: str):
            first = True

            def unit(session) -> None:
                nonlocal first
                runs.append(mine)
                query = select(PersonRow).with_for_update()
                session.scalars(query.where(PersonRow.name == mine)).one()
                if first:
                    first = False
                    both_hold.wait(20)
                session.scalars(query.where(PersonRow.name == theirs)).one()
                enter(f"{mine}之后")(session)

            return unit

        threads = [
            threading.Thread(target=store.run, args=(work(*pair),)) for pair in (("甲", "乙"), ("乙", "甲"))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(names(store)[2:]) == ["乙之后", "甲之后"]
        assert len(runs) > 2  # PostgreSQL may end both at once


HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
connection.execute("INSERT INTO person (name, added_at) VALUES ('别的进程', '2026-11-17 00:00:00.000000')")
print("held", flush=True)
sys.stdin.readline()
connection.execute("COMMIT")
"""


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
class TestOnSqlite:
    async def test_a_write_waits_for_another_process_and_a_read_does_not(self, store):
        holder = subprocess.Popen(  # noqa: ASYNC220 - takes a millisecond and nothing else waits
            [sys.executable, "-c", HOLD, store.url.database],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert holder.stdout.readline() == "held\n"
            asked = threading.Event()

            def work(session) -> str:
                asked.set()
                return enter("我们")(session)

            write = asyncio.create_task(store.write(work))
            await asyncio.to_thread(asked.wait, 20)
            seen = await store.read(lambda s: list(s.scalars(select(PersonRow.name))))
            assert (
                seen == []
            )  # what the other has not committed is not there, and nobody waited to be told so
            assert not write.done()
            holder.communicate("go on\n", timeout=20)
            assert await write == "我们"
        finally:
            holder.kill()
            holder.wait()
        assert names(store) == ["别的进程", "我们"]

    def test_what_was_confirmed_outlives_a_power_cut(self, store):
        pragmas = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}
        found = store.run(lambda s: {name: s.scalar(text(f"PRAGMA {name}")) for name in pragmas})
        assert found == pragmas


# --- what the columns hold --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 11, 17, 10, 0, tzinfo=timezone(timedelta(hours=8))),
        datetime(2026, 11, 17, 2, 0, 0, 5, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=UTC),
    ],
)
def test_an_instant_is_written_and_read_as_sqlalchemy_does_it(at):
    dialect = sqlite.dialect()
    ours = Utc().dialect_impl(dialect).bind_processor(dialect)
    plain = DateTime().dialect_impl(dialect).bind_processor(dialect)
    assert ours(at) == plain(at.astimezone(UTC).replace(tzinfo=None))
    assert ours(None) is None
    read = Utc().dialect_impl(dialect).result_processor(dialect, None)
    assert read(ours(at)) == at
    assert read("2026-11-17 02:00:00") == datetime(2026, 11, 17, 2, tzinfo=UTC)
    assert read(None) is None


def test_a_naive_instant_is_refused(store):
    naive = datetime(2026, 11, 17, 2, 0)  # noqa: DTZ001 - that is the point
    with pytest.raises(StatementError, match="naive datetime"):
        store.run(lambda s: s.add(PersonRow(name="甲", added_at=naive)))
    assert names(store) == []


def test_an_instant_comes_back_aware_in_utc_and_orders_as_time(store):
    for name, at in (("后", START.replace(minute=30)), ("前", START.astimezone(ZONE))):
        store.run(lambda s, name=name, at=at: s.add(PersonRow(name=name, added_at=at)))
    rows = store.run(lambda s: list(s.scalars(select(PersonRow).order_by(PersonRow.added_at))))
    assert [row.name for row in rows] == ["前", "后"]
    assert [row.added_at.utcoffset().total_seconds() for row in rows] == [0, 0]
    assert rows[0].added_at == START


def test_an_instant_is_kept_to_the_microsecond_in_the_text_that_was_always_written(store):
    instants = [START, START.replace(microsecond=7), START.replace(year=987)]
    for at in instants:
        store.run(lambda s, at=at: s.add(PersonRow(name="甲", added_at=at)))
    assert store.run(lambda s: list(s.scalars(select(PersonRow.added_at)))) == instants
    assert store.run(lambda s: s.scalar(select(PersonRow.id).where(PersonRow.added_at == instants[1])))
    if store.is_sqlite:
        texts = store.run(lambda s: list(s.scalars(text("SELECT added_at FROM person ORDER BY id"))))
        usual = START.strftime("%Y-%m-%d %H:%M:%S")
        assert texts == [f"{usual}.000000", f"{usual}.000007", f"0987{usual[4:]}.000000"]


def test_a_row_that_points_nowhere_is_refused_on_each_database(store):
    lost = AccountRow(platform="chat", user_ref="1", chat_ref="1", person_id=987_654)
    with pytest.raises(IntegrityError):
        store.run(lambda s: s.add(lost))


def test_large_update_ids_and_chinese_json_come_back_as_they_were(store):
    raw = {"update_id": 2**52, "text": "停水了“没人管”", "deep": [{"a": None, "b": 1.5}]}
    row = InboxRow(platform="chat", update_id=2**52, raw=raw, received_at=START)
    store.run(lambda s: s.add(row))
    assert store.run(lambda s: s.get_one(InboxRow, ("chat", 2**52)).raw) == raw


def test_a_word_that_is_none_of_ours_is_refused(store):
    row = OutboxRow(
        dedupe_key="k",
        chat="c",
        kind="text",
        priority=1,
        payload={},
        state="perhaps",
        created_at=START,
        next_attempt_at=START,
    )
    with pytest.raises(StatementError, match="perhaps"):
        store.run(lambda s: s.add(row))
