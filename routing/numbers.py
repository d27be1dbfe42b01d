"""Numbers that the office writes on paper: of a dispatch slip (文号) and of published information (信息索引号).

Each runs without a gap inside its year, which is that of the office, and is never given twice: it is taken in the
transaction that uses it. A case's own number is in `routing/placing.py`.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from routing.counters import head_of
from routing.office import Office


def next_slip(session: Session, office: Office, now: datetime) -> str:
    """Take the number of a dispatch slip, `舆转〔2026〕12号`: no leading zeros (党政机关公文处理工作条例 第九条)."""
    year = now.astimezone(office.zone).year
    return f"{office.record.slip_word}〔{year}〕{head_of(session, f'slip:{year}')}号"


def next_index(session: Session, office: Office, signed_at: datetime) -> str | None:
    """Take the 信息索引号 of an answer, `ZFB-0301-2026-0001`: unit, class, year of its signing, serial.

    None where the office has no class of information for its answers.
    """
    if not office.record.index_class:
        return None
    year = signed_at.astimezone(office.zone).year
    head = f"{office.code}-{office.record.index_class}-{year}"
    return f"{head}-{head_of(session, f'index:{head}'):04d}"
