"""Heads of the ledger that were put down outside the chain (存证): a number of a line and the beginning of its seal.

Whoever can rewrite the chain with its key, or cut its tail off together with the counter, cannot change what stands in
the leaders' chats. Posting is `routing/attest.py`, checking `routing/ledger.py`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing.errors import UserError
from routing.store.tables import LedgerHeadRow, OutboxRow

TEMPLATE = "head"
SHORT = 16
"""Hexadecimal digits of a seal that are posted: 64 bits, of which nobody finds a second one by trying."""
_CODE = re.compile(r"\s*(\d{1,12})\s*[:：]\s*([0-9a-fA-F]{8,64})\s*…?\s*")


@dataclass(frozen=True, slots=True)
class Head:
    """Line `seq` was sealed with a seal that begins with `seal`; `origin` (Chinese) says who remembers it."""

    seq: int
    seal: str
    origin: str

    @property
    def code(self) -> str:
        """What is posted, `1234:0f3a…` with sixteen digits of the seal."""
        return f"{self.seq}:{self.seal[:SHORT]}"


def read_code(code: str) -> Head:
    """Read a posted code, `1234:0f3a9c…`. Raises UserError for anything else."""
    match = _CODE.fullmatch(code)
    if match is None or int(match[1]) == 0:
        raise UserError(
            f"“{code}”不是存证校验码；照存证消息写成 行号:校验值，如 1234:0f3a9c22e1b7d640（校验值至少 8 位）。"
        )
    return Head(int(match[1]), match[2].lower(), f"存证校验码 {code.strip()}")


def stored(session: Session) -> Iterator[Head]:
    """Give the heads that the database itself remembers: its own rows, and the messages that told of them."""
    for row in session.scalars(select(LedgerHeadRow).order_by(LedgerHeadRow.seq)):
        yield Head(row.seq, row.hash, f"{row.day} 的存证")
    for payload in session.scalars(
        select(OutboxRow.payload).where(OutboxRow.dedupe_key.startswith(f"{TEMPLATE}:"))
    ):
        yield Head(int(payload["seq"]), str(payload["seal"]), f"{payload['day']} 发出的存证消息")


def newest(session: Session) -> Iterator[Head]:
    """Give the newest head of the database's own rows, if there is any."""
    for row in session.scalars(select(LedgerHeadRow).order_by(LedgerHeadRow.seq.desc()).limit(1)):
        yield Head(row.seq, row.hash, f"{row.day} 的存证")
