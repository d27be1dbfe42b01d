"""The record that cannot be quietly changed: a chain of lines, each sealed over the one before.

A line is written in the transaction of the move that it records. The seal is HMAC-SHA-256 over the previous seal
and the canonical line; with a key kept outside the database nobody can forge a tail, without one the chain still
shows any single change.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing.counters import head_of
from routing.store.tables import LedgerRow

START = "0" * 64


@dataclass(frozen=True, slots=True)
class Seal:
    """The key of the chain; empty where the operator set none."""

    key: bytes = b""

    def over(self, previous: str, line: str) -> str:
        """Give the seal of one canonical line after `previous`, as 64 hex digits."""
        return hmac.new(self.key or b"yuqing", f"{previous}\n{line}".encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Broken:
    """The first line that does not hold, and why (Chinese)."""

    seq: int
    reason: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What a walk over the chain found: how many lines held, the newest seal, the first fault or None."""

    lines: int
    head: str
    broken: Broken | None


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
        seq = head_of(session, "ledger")
        previous = session.scalar(select(LedgerRow.hash).where(LedgerRow.seq == seq - 1)) or START
        row = LedgerRow(
            seq=seq,
            at=at,
            actor=actor,
            action=action,
            case_id=case_id,
            data=json.dumps(data, ensure_ascii=False, sort_keys=True, default=str),
            prev_hash=previous,
            hash="",
        )
        row.hash = self._seal.over(previous, _canonical(row))
        session.add(row)
        session.flush()
        return seq

    def verify(self, session: Session) -> Verification:
        """Walk the chain from its start and stop at the first line that does not hold."""
        previous, lines = START, 0
        for row in _in_order(session):
            reason = self._fault(row, lines + 1, previous)
            if reason:
                return Verification(lines, previous, Broken(row.seq, reason))
            previous, lines = row.hash, lines + 1
        expected = head_of(session, "ledger", take=False)
        if expected != lines:
            reason = (
                f"末尾缺少 {expected - lines} 行" if lines < expected else f"末尾多出 {lines - expected} 行"
            )
            return Verification(lines, previous, Broken(min(lines, expected) + 1, reason))
        return Verification(lines, previous, None)

    def _fault(self, row: LedgerRow, expected: int, previous: str) -> str:
        if row.seq != expected:
            return f"缺少第 {expected} 行"
        if row.prev_hash != previous:
            return "与上一行衔接不上"
        if not hmac.compare_digest(row.hash, self._seal.over(previous, _canonical(row))):
            return "内容与校验值不符（或校验密钥不对）"
        return ""


def entries(session: Session, case_id: int) -> list[Mapping[str, Any]]:
    """Give the lines of one case, oldest first, with `data` unpacked."""
    rows = session.scalars(select(LedgerRow).where(LedgerRow.case_id == case_id).order_by(LedgerRow.seq))
    return [
        {"seq": r.seq, "at": r.at, "actor": r.actor, "action": r.action, "data": json.loads(r.data)}
        for r in rows
    ]


def _in_order(session: Session) -> Iterator[LedgerRow]:
    return iter(session.scalars(select(LedgerRow).order_by(LedgerRow.seq).execution_options(yield_per=500)))


def _canonical(row: LedgerRow) -> str:
    # Microseconds and UTC spelled out: databases give the same instant back in different clothes.
    at = row.at.astimezone(UTC).isoformat(timespec="microseconds")
    return json.dumps([row.seq, at, row.actor, row.action, row.case_id, row.data], ensure_ascii=False)
