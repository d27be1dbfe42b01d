"""A thousand hands at the record, by chance: each is found, and an untouched record never is.

The hand owns the database: it takes the triggers off, and it may set the counter as it likes. What it does not have is
the key, or what stands in the leaders' chats.
"""

import random
from datetime import timedelta

import pytest
from builders import START, unguard
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from routing.heads import read_code
from routing.ledger import Ledger, Seal
from routing.store.tables import CounterRow, LedgerHeadRow, LedgerRow

LINES = 40
HEADS = (11, 27, LINES)
"""The lines that were the newest when a head was put down."""
TIMES = 1_000
COLUMNS = ("at", "actor", "action", "case_id", "data", "prev_hash", "hash")


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(Seal(b"a key that the hand does not have"))


@pytest.fixture
def chain(store, ledger):
    def work(session):
        for n in range(1, LINES + 1):
            ledger.write(
                session,
                at=START + timedelta(seconds=n),
                actor=f"某人{n % 3}",
                action="sign",
                case_id=n % 4 or None,
                reason=f"理由 {n}",
            )
            if n in HEADS[:-1]:
                put_down(session, f"2026-11-{n}")

    store.run(work)
    return store


def put_down(session: Session, day: str) -> None:
    newest = session.scalars(select(LedgerRow).order_by(LedgerRow.seq.desc()).limit(1)).one()
    session.add(LedgerHeadRow(day=day, seq=newest.seq, hash=newest.hash, at=newest.at))
    session.flush()


def line(session: Session, seq: int) -> LedgerRow:
    return session.scalars(select(LedgerRow).where(LedgerRow.seq == seq)).one()


def put(session: Session, number: int, **values) -> None:
    session.execute(update(LedgerRow).where(LedgerRow.seq == number).values(**values))


def edit(session: Session, chance: random.Random) -> int:
    """Change one column of one line: a letter, a digit, a second."""
    seq, column = chance.randint(1, LINES), chance.choice(COLUMNS)
    old = getattr(line(session, seq), column)
    if column == "at":
        new = old + timedelta(microseconds=chance.choice([-1, 1]) * chance.randint(1, 10**9))
    elif column == "case_id":
        new = chance.choice([n for n in (None, 1, 2, 3, 7) if n != old])
    else:
        place = chance.randrange(len(old))
        letter = chance.choice([c for c in "0123456789abcdef甲乙" if c != old[place]])
        new = old[:place] + letter + old[place + 1 :]
    put(session, seq, **{column: new})
    return seq


def spoil(session: Session, chance: random.Random) -> int:
    """Put into a column what can be no value of it; only SQLite takes that."""
    if session.get_bind().dialect.name != "sqlite":
        return edit(session, chance)
    seq, column = chance.randint(1, LINES), chance.choice(COLUMNS)
    spoilt = chance.choice(["'昨天'", "x'ff00'", "3.5", "''"])
    session.execute(text(f"UPDATE ledger SET {column} = {spoilt} WHERE seq = {seq}"))
    return seq


def take_out(session: Session, chance: random.Random) -> int:
    """Delete lines in the middle."""
    seq = chance.randint(1, LINES - 1)
    last = min(LINES - 1, seq + chance.choice([0, 0, 1, 5]))
    session.execute(delete(LedgerRow).where(LedgerRow.seq.between(seq, last)))
    return last + 1


def take_out_and_close_up(session: Session, chance: random.Random) -> int:
    """Delete a line and give those behind it the numbers before theirs, the counter too."""
    seq = chance.randint(1, LINES - 1)
    session.execute(delete(LedgerRow).where(LedgerRow.seq == seq))
    for old in range(seq + 1, LINES + 1):
        put(session, old, seq=old - 1)
    count(session)
    return seq


def swap(session: Session, chance: random.Random) -> int:
    """Let two lines change places, or only what they say."""
    first, second = sorted(chance.sample(range(1, LINES + 1), 2))
    if chance.random() < 0.5:
        for a, b in ((first, 1000), (second, first), (1000, second)):
            put(session, a, seq=b)
    else:
        one, other = line(session, first), line(session, second)
        told = [{"data": row.data, "at": row.at, "case_id": row.case_id} for row in (one, other)]
        put(session, first, **told[1])
        put(session, second, **told[0])
    return first


def cut(session: Session, chance: random.Random) -> int:
    """Cut the tail off, and set the counter back so that nothing is missing."""
    left = chance.randint(0, LINES - 1)
    session.execute(delete(LedgerRow).where(LedgerRow.seq > left))
    if chance.random() < 0.7:
        count(session)
    if chance.random() < 0.7:  # and what the database remembers of it
        session.execute(delete(LedgerHeadRow).where(LedgerHeadRow.seq > left))
    return left + 1


def forge(session: Session, chance: random.Random) -> int:
    """Write a tail of one's own, sealed without the key."""
    first = cut(session, chance)
    count(session)
    stranger = Ledger(Seal(b"no idea"))
    for n in range(first, LINES + 1):
        stranger.write(session, at=START + timedelta(seconds=n), actor="某人", action="sign", reason="改")
    return first


def count(session: Session) -> None:
    lines = session.query(LedgerRow).count()
    session.execute(update(CounterRow).where(CounterRow.name == "ledger").values(value=lines))


HANDS = (edit, edit, edit, spoil, take_out, take_out_and_close_up, swap, cut, forge)


def test_every_hand_is_found_at_the_first_line_it_touched(chain, ledger):
    posted = [read_code(f"{LINES}:{chain.run(ledger.verify).head[:16]}")]
    for seed in range(
        0, TIMES, 1 if chain.is_sqlite else 4
    ):  # the same hands; a quarter reads as much of PostgreSQL
        chance = random.Random(seed)
        hand = chance.choice(HANDS)
        with Session(chain.engine) as session:
            unguard(session)
            first = hand(session, chance)
            session.expire_all()
            found = ledger.verify(session, posted)
            session.rollback()
        assert found.broken is not None, (seed, hand.__name__)
        assert (found.broken.seq, found.lines) in {(first, n) for n in range(first)}, (seed, hand.__name__)
    whole = chain.run(lambda s: ledger.verify(s, posted))  # and what was put back is whole again
    assert (whole.broken, whole.lines, whole.heads) == (None, LINES, len(HEADS))


def test_a_tail_cut_with_all_that_the_database_knows_of_it_is_found_by_the_posted_head_alone(chain, ledger):
    code = f"{LINES}:{chain.run(ledger.verify).head[:16]}"
    for left in (0, 5, 26, LINES - 1):
        with Session(chain.engine) as session:
            unguard(session)
            session.execute(delete(LedgerRow).where(LedgerRow.seq > left))
            session.execute(delete(LedgerHeadRow).where(LedgerHeadRow.seq > left))
            count(session)
            unnoticed, found = ledger.verify(session), ledger.verify(session, [read_code(code)])
            session.rollback()
        assert unnoticed.broken is None
        assert found.broken is not None
        assert found.broken.seq == left + 1
        assert f"末尾至少缺少 {LINES - left} 行" in found.broken.reason


def test_a_ledger_cut_alone_is_found_by_the_heads_of_the_database(chain, ledger):
    with Session(chain.engine) as session:
        unguard(session)
        session.execute(delete(LedgerRow).where(LedgerRow.seq > 20))
        count(session)
        found = ledger.verify(session)
        session.rollback()
    assert found.broken is not None
    assert (found.broken.seq, found.lines) == (21, 20)
    assert "2026-11-27 的存证已到第 27 行" in found.broken.reason


def test_who_has_the_key_and_seals_a_stretch_anew_is_found_by_a_head(chain, ledger):
    with Session(chain.engine) as session:
        unguard(session)
        session.execute(delete(LedgerRow).where(LedgerRow.seq > 14))
        count(session)
        for n in range(15, LINES + 1):
            ledger.write(session, at=START + timedelta(seconds=n), actor="某人", action="sign", reason="改")
        found = ledger.verify(session)
        session.rollback()
    assert found.broken is not None
    assert (found.broken.seq, found.lines) == (12, 11)  # line 11 is the last that a head agrees with
    assert "第 12 至 27 行" in found.broken.reason


def test_a_record_of_a_thousand_lines_that_nobody_touched_always_holds(store, ledger):
    chance = random.Random(20261121)
    told = ["", "理由", "  ", '"\\', "🚰停水", "a" * 500, "é", "ﬀ", "\u200b", "\n"]

    def write(session: Session, n: int) -> None:
        ledger.write(
            session,
            at=START + timedelta(microseconds=chance.randint(0, 10**12)),
            actor=chance.choice(["系统", "王值班", "a b"]),
            action="sign",
            case_id=chance.choice([None, 1, 2**40]),
            text=chance.choice(told),
            number=chance.choice([None, 0, -1, 1.5, True, n]),
            many=[chance.choice(told), {"k": n}],
        )

    for hundred in range(10):
        store.run(lambda s: [write(s, n) for n in range(100)])
        store.run(lambda s, hundred=hundred: put_down(s, f"day {hundred}"))
        assert store.run(ledger.verify).broken is None
    assert store.run(ledger.verify).lines == 1_000
