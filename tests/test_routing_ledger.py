"""The chain: every single change of a line, every line taken out, moved or cut off is found at its place."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from builders import START, unguard
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from routing.ledger import START as GENESIS
from routing.ledger import Broken, Ledger, Seal, Verification, entries
from routing.store.guards import REFUSAL
from routing.store.migrate import config_for
from routing.store.tables import CounterRow, LedgerRow

LINES = 12
GUARDS_SINCE = "0008"


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(Seal(b"a key that the database does not know"))


@pytest.fixture
def chain(store, ledger):
    """A store with twelve lines in its ledger."""

    def work(session):
        for n in range(LINES):
            ledger.write(
                session,
                at=START + timedelta(seconds=n, microseconds=n),
                actor=f"某人{n % 3}",
                action="sign",
                case_id=n % 4 or None,
                reason=f"理由 {n}",
                level=n,
            )

    store.run(work)
    return store


def after(chain, ledger: Ledger, *statements) -> Verification:
    """Verify the chain after some hand was at it, and put everything back."""
    with Session(chain.engine) as session:
        unguard(session)
        for statement in statements:
            session.execute(statement)
        found = ledger.verify(session)
        session.rollback()
    return found


def rows(store) -> list[LedgerRow]:
    return store.run(lambda s: list(s.scalars(select(LedgerRow).order_by(LedgerRow.seq))))


def test_an_untouched_chain_holds_and_names_its_head(chain, ledger):
    assert chain.run(ledger.verify) == Verification(LINES, rows(chain)[-1].hash, None)
    assert rows(chain)[0].prev_hash == GENESIS
    assert [row.seq for row in rows(chain)] == list(range(1, LINES + 1))


def test_an_empty_chain_holds(store, ledger):
    assert store.run(ledger.verify) == Verification(0, GENESIS, None)


TAMPERING = {
    "update": "UPDATE ledger SET actor = '别人' WHERE seq = 3",
    "delete": "DELETE FROM ledger WHERE seq = 12",
    "delete all": "DELETE FROM ledger",
}
ON_ONE = {
    "postgresql": {
        "truncate": "TRUNCATE ledger",
        "upsert": "INSERT INTO ledger SELECT * FROM ledger WHERE seq = 3"
        " ON CONFLICT (seq) DO UPDATE SET actor = '别人'",
    },
    "sqlite": {"replace": "INSERT OR REPLACE INTO ledger SELECT * FROM ledger WHERE seq = 3"},
}


def test_the_database_refuses_to_change_or_to_forget_a_line(chain, backend):
    before = [row.hash for row in rows(chain)]
    for statement in (TAMPERING | ON_ONE[backend]).values():
        with pytest.raises(DBAPIError, match=REFUSAL):
            chain.run(lambda s, statement=statement: s.execute(text(statement)))
    assert [row.hash for row in rows(chain)] == before


def step(connection, name: str) -> None:
    """Run one direction of the migration that guards the ledger."""
    script = ScriptDirectory.from_config(config_for(connection)).get_revision(GUARDS_SINCE)
    with Operations.context(MigrationContext.configure(connection)):
        getattr(script.module, name)()


def test_the_migration_back_takes_the_guard_off_and_forth_puts_it_on(chain):
    with chain.engine.connect() as connection:
        step(connection, "downgrade")
        connection.execute(text(TAMPERING["update"]))
        step(connection, "upgrade")
        with pytest.raises(DBAPIError, match=REFUSAL):
            connection.execute(text(TAMPERING["update"]))
        connection.rollback()


EDITS = {
    "at": lambda row: row.at + timedelta(microseconds=1),
    "actor": lambda row: row.actor + "甲",
    "action": lambda row: "return",
    "case_id": lambda row: (row.case_id or 0) + 1,
    "data": lambda row: row.data.replace("理由", "原因"),
    "prev_hash": lambda row: row.prev_hash[::-1] if row.seq > 1 else "1" * 64,
    "hash": lambda row: row.hash[::-1],
}


@pytest.mark.parametrize("column", EDITS)
def test_any_change_of_any_line_is_found_at_that_line(chain, ledger, column):
    for row in rows(chain):
        edit = update(LedgerRow).where(LedgerRow.seq == row.seq).values({column: EDITS[column](row)})
        found = after(chain, ledger, edit)
        assert found.broken is not None
        assert (found.broken.seq, found.lines) == (row.seq, row.seq - 1)


def test_a_change_of_data_that_means_the_same_is_a_change(chain, ledger):
    row = rows(chain)[4]
    edit = update(LedgerRow).where(LedgerRow.seq == 5).values(data=row.data.replace(", ", ","))
    assert after(chain, ledger, edit).broken == Broken(5, "内容与校验值不符（或校验密钥不对）")


def test_a_line_taken_out_is_missed_by_its_number(chain, ledger):
    for seq in range(1, LINES):
        found = after(chain, ledger, delete(LedgerRow).where(LedgerRow.seq == seq))
        assert found.broken == Broken(seq + 1, f"缺少第 {seq} 行")


def test_a_tail_cut_off_is_missed_because_the_counter_remembers(chain, ledger):
    for left in range(LINES):
        found = after(chain, ledger, delete(LedgerRow).where(LedgerRow.seq > left))
        assert found.broken == Broken(left + 1, f"末尾缺少 {LINES - left} 行")


def test_a_line_that_nobody_wrote_is_found_behind_the_end(chain, ledger):
    last = rows(chain)[-1]
    forged = insert(LedgerRow).values(
        seq=LINES + 1, at=START, actor="某人", action="sign", data="{}", prev_hash=last.hash, hash="0" * 64
    )
    assert after(chain, ledger, forged).broken == Broken(LINES + 1, "内容与校验值不符（或校验密钥不对）")
    with Session(chain.engine) as session:  # with the key itself, but past the counter
        ledger.write(session, at=START, actor="某人", action="sign")
        session.execute(update(CounterRow).where(CounterRow.name == "ledger").values(value=LINES))
        found = ledger.verify(session)
        session.rollback()
    assert found.broken == Broken(LINES + 1, "末尾多出 1 行")


def test_lines_that_changed_places_are_found_at_the_first_of_them(chain, ledger):
    chance = random.Random(20261117)
    for _ in range(20):
        first, second = sorted(chance.sample(range(1, LINES + 1), 2))
        swap = [
            update(LedgerRow).where(LedgerRow.seq == a).values(seq=b)
            for a, b in ((first, 1000), (second, first), (1000, second))
        ]
        found = after(chain, ledger, *swap)
        assert found.broken is not None
        assert found.broken.seq == first


def test_a_chain_rewritten_without_the_key_does_not_hold(chain, ledger):
    """Who can write the whole database but has no key cannot make a tail of his own."""
    stranger = Ledger(Seal(b"another key"))
    with Session(chain.engine) as session:
        unguard(session)
        session.execute(delete(LedgerRow).where(LedgerRow.seq > 8))
        session.execute(update(CounterRow).where(CounterRow.name == "ledger").values(value=8))
        for _ in range(LINES - 8):
            stranger.write(session, at=START, actor="某人", action="sign")
        found = ledger.verify(session)
        session.rollback()
    assert found.broken == Broken(9, "内容与校验值不符（或校验密钥不对）")


def test_the_seal_is_the_same_whatever_zone_the_instant_came_in(store):
    east = timezone(timedelta(hours=8))
    seals = []
    for at in (START, START.astimezone(east)):
        with Session(store.engine) as session:
            Ledger().write(session, at=at, actor="某人", action="sign")
            seals.append(session.scalars(select(LedgerRow.hash)).one())
            session.rollback()
    assert seals[0] == seals[1]


def test_microseconds_survive_the_database(store, ledger):
    at = datetime(2026, 11, 17, 2, 0, 0, 123_457, tzinfo=UTC)
    store.run(lambda s: ledger.write(s, at=at, actor="某人", action="sign"))
    assert rows(store)[0].at == at
    assert store.run(ledger.verify).broken is None


def test_four_writers_make_one_chain_without_a_gap(store, ledger):
    def write(session, fail: bool) -> int:
        seq = ledger.write(session, at=START, actor="某人", action="sign")
        if fail:
            raise LookupError
        return seq

    def many(thread: int) -> list[int]:
        written = []
        for turn in range(15):
            try:
                written.append(store.run(lambda s, turn=turn: write(s, (turn + thread) % 5 == 0)))
            except LookupError:
                continue
        return written

    with ThreadPoolExecutor(4) as pool:
        written = sorted(seq for mine in pool.map(many, range(4)) for seq in mine)
    assert written == list(range(1, 49))
    assert store.run(ledger.verify) == Verification(48, rows(store)[-1].hash, None)


def test_the_lines_of_a_case_come_in_order_with_their_data(chain):
    mine = chain.run(lambda s: entries(s, 1))
    assert [line["seq"] for line in mine] == [2, 6, 10]
    assert mine[0]["data"] == {"reason": "理由 1", "level": 1}
    assert (mine[0]["actor"], mine[0]["action"]) == ("某人1", "sign")
