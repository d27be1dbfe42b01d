"""Bodies that other systems pushed, as the inbox asks after them, and those that it did not believe.

Writing down what was taken is the business of intake; the first that is taken again ends what is said here of a source.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from routing import ailments
from routing.items import Ailment, Symptom
from routing.ledger import Ledger
from routing.office import Office
from routing.outbox import MessageKind, Priority, queue
from routing.store.lock import serialise
from routing.store.tables import AilmentRow, PushRow

TELL_AFTER = 3
"""A single one may be a stranger's, or the last by an old key."""


def was_taken(session: Session, source_id: str, signature: str) -> bool:
    """Tell whether a body with this signature was taken; `signature`: 64 hexadecimal digits, small letters."""
    return session.get(PushRow, (source_id, signature)) is not None


def refuse(
    session: Session,
    office: Office,
    ledger: Ledger,
    source_id: str,
    times: int,
    why: Symptom,
    now: datetime,
) -> bool:
    """Note `times` more refused pushes of a configured source; True where the operators are told now.

    `why`: the reason of the last one, in words of ours. They hear after `TELL_AFTER` without one that was taken between,
    and once a day of the office at most, whatever comes: anybody on the network can have a push refused.
    """
    serialise(session, f"source:{source_id}")
    row = ailments.find(session, source_id, Ailment.REFUSED)
    if row is None:
        row = AilmentRow(source_id=source_id, ailment=Ailment.REFUSED, mark="0", since=now)
        session.add(row)
    times += int(row.mark)
    local = now.astimezone(office.zone)
    row.detail = f"连续 {times} 次推送没有收下，最近一次在 {local:%m-%d %H:%M}，原因：{why.detail}"
    row.mark, row.cure, row.seen_at = str(times), why.cure, now
    if times < TELL_AFTER:
        return False
    told = {"ailment": Ailment.REFUSED.value, "detail": row.detail, "cure": row.cure}
    is_told = queue(
        session,
        key=f"source_ails:{source_id}:{Ailment.REFUSED.value}:{local:%Y-%m-%d}",
        chat=office.operator_chat,
        kind=MessageKind.TEXT,
        priority=Priority.ALERT,
        payload={"template": "source_ails", "source": source_id, "ailments": [told]},
        now=now,
        valid_for=ailments.LIFE,
    )
    if is_told:
        row.told_at = now
        found = [Ailment.REFUSED.value]
        ledger.write(session, at=now, actor="系统", action="source_ails", source=source_id, ailments=found)
    return is_told
