"""The record that cannot be quietly changed: a chain of lines, each sealed over the one before.

A line is written in the transaction of the move that it records. The seal is HMAC-SHA-256 over the previous seal
and the canonical line; with a key kept outside the database nobody can forge a tail, without one the chain still
shows any single change.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from routing import heads
from routing.counters import head_of
from routing.heads import Head
from routing.store.tables import LedgerRow
from routing.workflow import Actor

START = "0" * 64
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Seal:
    """The key of the chain; empty where the operator set none."""

    key: bytes = b""

    def over(self, previous: str, line: str) -> str:
        """Give the seal of one canonical line after `previous`, as 64 hex digits."""
        return hmac.new(self.key or b"yuqing", f"{previous}\n{line}".encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Entry:
    """A line before it has a number: who did what on which case, when, and what there is to tell of it."""

    at: datetime
    actor: str
    action: str
    case_id: int | None
    data: Mapping[str, Any]


def who(actor: Actor) -> dict[str, Any]:
    """Give what a line tells of the person who acted: his id, and the roles that he had at that moment."""
    return {"person": actor.person_id, "roles": sorted(role.value for role in actor.roles)}


@dataclass(frozen=True, slots=True)
class Broken:
    """The first line that does not hold, and why (Chinese)."""

    seq: int
    reason: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What a walk over the chain found: how many lines held, the newest seal, the first fault or None.

    `heads`: with how many heads that were put down outside the chain it was compared.
    """

    lines: int
    head: str
    broken: Broken | None
    heads: int = 0


class Ledger:
    """Writes and checks the chain with one key."""

    def __init__(self, seal: Seal | None = None) -> None:
        self._seal = seal or Seal()

    def write(
        self,
        session: Session,
        *,
        at: datetime,
        actor: str,
        action: str,
        case_id: int | None = None,
        **data: Any,
    ) -> int:
        """Append one line in the caller's transaction and give its number. Gapless: 1, 2, 3 …

        The counter's row lock keeps two writers of PostgreSQL from taking the same number until they commit.
        """
        return self.write_all(session, [Entry(at, actor, action, case_id, data)])

    def write_all(self, session: Session, entries: Sequence[Entry]) -> int:
        """Append several lines at once and give the number of the last, which is that of the chain where there is none."""
        last = head_of(session, "ledger", take=bool(entries), count=len(entries))
        first = last - len(entries) + 1
        previous = session.scalar(select(LedgerRow.hash).where(LedgerRow.seq == first - 1)) or START
        for seq, entry in enumerate(entries, first):
            row = LedgerRow(
                seq=seq,
                at=entry.at,
                actor=entry.actor,
                action=entry.action,
                case_id=entry.case_id,
                data=json.dumps(entry.data, ensure_ascii=False, sort_keys=True, default=str),
                prev_hash=previous,
                hash="",
            )
            row.hash = previous = self._seal.over(previous, _canonical(row))
            session.add(row)
        session.flush()
        return last

    def verify(self, session: Session, posted: Iterable[Head] = ()) -> Verification:
        """Walk the chain from its start and stop at the first line that does not hold.

        It is compared with the heads that the database remembers and with those that were `posted`, as a person read
        them off a message: they show a tail that was cut off or sealed anew by somebody who has the key.
        """
        known = [*heads.stored(session), *posted]
        marks: dict[int, list[Head]] = {}
        for head in known:
            marks.setdefault(head.seq, []).append(head)
        previous, lines, agreed = START, 0, (0, START)
        for seq, row in _in_order(session):
            reason = self._fault(row, lines + 1, previous)
            if row is None or reason:
                return Verification(lines, previous, Broken(seq, reason), len(known))
            other = next((h for h in marks.get(row.seq, ()) if not row.hash.startswith(h.seal)), None)
            if other is not None:
                reason = f"第 {agreed[0] + 1} 至 {row.seq} 行与{other.origin}不符，被整段改写过"
                return Verification(*agreed, Broken(agreed[0] + 1, reason), len(known))
            previous, lines = row.hash, lines + 1
            if row.seq in marks:
                agreed = (lines, previous)
        end = _fault_of_end(lines, head_of(session, "ledger", take=False), known)
        return Verification(lines, previous, end, len(known))

    def verify_end(self, session: Session, count: int = CHUNK) -> Verification:
        """Check the newest lines alone, each with the one before, the counter, and the newest head that is remembered.

        `lines`: how many were looked at. For a quick look: what was changed further back it does not see.
        """
        numbers = session.scalars(select(LedgerRow.seq).order_by(LedgerRow.seq.desc()).limit(count)).all()[
            ::-1
        ]
        first = numbers[0] if numbers else 1
        previous = session.scalar(select(LedgerRow.hash).where(LedgerRow.seq == first - 1)) or START
        rows = _chunk(session, numbers) if numbers else iter(())
        for expected, (seq, row) in enumerate(rows, first):
            reason = self._fault(row, expected, previous)
            if row is None or reason:
                return Verification(expected - first, previous, Broken(seq, reason))
            previous = row.hash
        last = numbers[-1] if numbers else 0
        known = list(heads.newest(session))
        end = _fault_of_end(last, head_of(session, "ledger", take=False), known)
        for head in known:
            seal = session.scalar(select(LedgerRow.hash).where(LedgerRow.seq == head.seq))
            if end is None and seal is not None and not seal.startswith(head.seal):
                end = Broken(head.seq, f"与{head.origin}不符，被改写过")
        return Verification(len(numbers), previous, end, len(known))

    def _fault(self, row: LedgerRow | None, expected: int, previous: str) -> str:
        if row is None:
            return "内容读不出，已不是原来的数据"
        if row.seq != expected:
            return f"缺少第 {expected} 行"
        if row.prev_hash != previous:
            return "与上一行衔接不上"
        if row.hash != self._seal.over(previous, _canonical(row)):
            return "内容与校验值不符（或校验密钥不对）"
        return ""


def _fault_of_end(lines: int, counted: int, known: Iterable[Head]) -> Broken | None:
    """Say whether lines are missing at the end, or too many, by the counter and by the heads."""
    last = max(known, key=lambda head: head.seq, default=None)
    if last is not None and last.seq > max(lines, counted):
        return Broken(lines + 1, f"末尾至少缺少 {last.seq - lines} 行：{last.origin}已到第 {last.seq} 行")
    if counted > lines:
        return Broken(lines + 1, f"末尾缺少 {counted - lines} 行")
    if counted < lines:
        return Broken(counted + 1, f"末尾多出 {lines - counted} 行")
    return None


def entries(session: Session, case_id: int) -> list[Mapping[str, Any]]:
    """Give the lines of one case, oldest first, with `data` unpacked."""
    return _unpacked(session, LedgerRow.case_id == case_id)


def entries_between(
    session: Session, start: datetime, end: datetime, actions: Sequence[str]
) -> list[Mapping[str, Any]]:
    """Give the lines of some actions within [start, end), oldest first, with `data` unpacked and `case_id` beside it."""
    return _unpacked(session, LedgerRow.at >= start, LedgerRow.at < end, LedgerRow.action.in_(actions))


def _unpacked(session: Session, *where: ColumnElement[bool]) -> list[Mapping[str, Any]]:
    rows = session.scalars(select(LedgerRow).where(*where).order_by(LedgerRow.seq))
    return [
        {
            "seq": r.seq,
            "at": r.at,
            "actor": r.actor,
            "action": r.action,
            "case_id": r.case_id,
            "data": json.loads(r.data),
        }
        for r in rows
    ]


def _in_order(session: Session) -> Iterator[tuple[int, LedgerRow | None]]:
    """Give every line under its number; None for one that cannot be read: SQLite takes any text for an instant."""
    last = -(2**63)
    after = select(LedgerRow.seq).order_by(LedgerRow.seq).limit(CHUNK)
    while numbers := session.scalars(after.where(LedgerRow.seq > last)).all():
        yield from _chunk(session, numbers)
        last = numbers[-1]


def _chunk(session: Session, numbers: Sequence[int]) -> Iterator[tuple[int, LedgerRow | None]]:
    within = LedgerRow.seq.between(numbers[0], numbers[-1])
    try:
        rows = session.scalars(select(LedgerRow).where(within).order_by(LedgerRow.seq)).all()
        for row in rows:
            _canonical(row)
    except (ValueError, TypeError, AttributeError, DBAPIError):
        if len(numbers) == 1:
            yield numbers[0], None
            return
        middle = len(numbers) // 2
        yield from _chunk(session, numbers[:middle])
        yield from _chunk(session, numbers[middle:])
    else:
        yield from ((row.seq, row) for row in rows)


def _canonical(row: LedgerRow) -> str:
    # Microseconds and UTC spelled out: databases give the same instant back in different clothes.
    at = row.at.astimezone(UTC).isoformat(timespec="microseconds")
    return json.dumps([row.seq, at, row.actor, row.action, row.case_id, row.data], ensure_ascii=False)
