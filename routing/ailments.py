"""What ails the sources: each ailment is a row while it lasts, told once with its cure, and once when it is over.

What happens to a source in one round is told in one message. Whether something is an ailment is judged elsewhere
(`routing/health.py`, the monitors); here it is only kept and told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from routing.items import Ailment, Symptom
from routing.ledger import Ledger
from routing.office import Office
from routing.outbox import MessageKind, Priority, queue
from routing.store.tables import AilmentRow

DESK = "*"
"""In the place of a source: what ails us, and through us all of them."""

OF_THE_CORE = frozenset({Ailment.SILENT, Ailment.ERRORS, Ailment.NETWORK, Ailment.STUCK})
"""Found here, over many rounds. All others are seen by the monitors, round by round."""
SEEN = frozenset(Ailment) - OF_THE_CORE
BY_PARSING = frozenset(
    {
        Ailment.CHARSET,
        Ailment.SKIPPED,
        Ailment.PAGES,
        Ailment.NEW_IDS,
        Ailment.TAMPERED,
        Ailment.OVERDUE,
    }
)
"""Of these, what only a look into the answer shows: one that was as before and not parsed shows no end of them."""
ON_THE_WAY = SEEN - BY_PARSING
NOTES = frozenset({Ailment.NEW_IDS})
"""Told and done with: nothing is over when it is not seen again."""
FOR_DUTY = frozenset({Ailment.TAMPERED, Ailment.OVERDUE})
"""For those on duty too: a changed page of our own is a matter of minutes, and a column is theirs to fill
(seed 围场 六; 江北 附件3 第五条)."""
DUTY_CURES: Mapping[Ailment, str] = {
    Ailment.TAMPERED: "请立即联系网站管理员核实：不是本单位改的，先下线页面、保留证据，再报告；是改版的，告知运维认可",
    Ailment.OVERDUE: "请催促责任单位更新",
}
"""What those on duty can do: they have no terminal."""
WAITS: Mapping[Ailment, timedelta] = {Ailment.MOVED: timedelta(days=7), Ailment.STUCK: timedelta(minutes=10)}
"""Told only if it lasts: a site may redirect for a day, and after a long sleep many sources are late for a moment."""
ROUNDS: Mapping[Ailment, int] = {Ailment.DRIFT: 3}
"""Told only if so many rounds in a row show it: one answer from a cache carries an old clock."""
LINGERS: Mapping[Ailment, timedelta] = {Ailment.SKIPPED: timedelta(hours=1)}
"""Over only when not seen for so long: of a file, a push or a list read page by page each round shows another part."""
LIFE = timedelta(days=2)
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class News:
    """What is to be told of one source: what is new, what is over; `fault_since`: since when it could not be read."""

    new: tuple[Symptom, ...] = ()
    over: tuple[Ailment, ...] = ()
    fault_since: datetime | None = None


def find(session: Session, source_id: str, ailment: Ailment) -> AilmentRow | None:
    """Give an ailment that is not over, told or not."""
    return session.get(AilmentRow, (source_id, ailment))


def of(session: Session, source_ids: Sequence[str]) -> dict[str, dict[Ailment, AilmentRow]]:
    """Give what ails these sources, told or not; the healthy are left out."""
    found: dict[str, dict[Ailment, AilmentRow]] = {}
    for start in range(0, len(source_ids), AT_ONCE):
        wanted = AilmentRow.source_id.in_(source_ids[start : start + AT_ONCE])
        for row in session.scalars(select(AilmentRow).where(wanted)):
            found.setdefault(row.source_id, {})[row.ailment] = row
    return found


def compare(
    session: Session,
    source_id: str,
    rows: Mapping[Ailment, AilmentRow],
    symptoms: Sequence[Symptom],
    among: frozenset[Ailment],
    rounds: Mapping[str, int],
    now: datetime,
) -> tuple[News, Mapping[str, int]]:
    """Bring the `rows` of a source up to date with what a round showed: all that ails it, `among` what it could show.

    `rounds` counts what must be seen some times in a row; it comes back as it is now.
    """
    counted = {
        symptom.ailment.value: rounds.get(symptom.ailment.value, 0) + 1
        for symptom in symptoms
        if symptom.ailment in ROUNDS
    }
    new = [
        symptom
        for symptom in symptoms
        if begin(
            session,
            source_id,
            symptom,
            now,
            known=rows.get(symptom.ailment),
            is_sure=counted.get(symptom.ailment.value, 0) >= ROUNDS.get(symptom.ailment, 0),
        )
    ]
    shown = {symptom.ailment for symptom in symptoms}
    gone = [row for ailment, row in rows.items() if ailment in among - shown and not _lingers(row, now)]
    return News(tuple(new), tuple(row.ailment for row in gone if end(session, row))), counted


def begin(
    session: Session,
    source_id: str,
    symptom: Symptom,
    now: datetime,
    *,
    known: AilmentRow | None,
    since: datetime | None = None,
    is_sure: bool = True,
) -> bool:
    """Keep a symptom; True where it is to be told now. `known`: its row so far; another mark is another case."""
    row = known
    if row is None:
        row = AilmentRow(source_id=source_id, ailment=symptom.ailment)
        session.add(row)
    if known is None or row.mark != symptom.mark:
        row.mark, row.since, row.told_at = symptom.mark, since or now, None
    row.detail, row.cure, row.seen_at = symptom.detail, symptom.cure, now
    lasts = now - row.since >= WAITS.get(symptom.ailment, timedelta(0))
    if row.told_at is not None or not lasts or not is_sure:
        return False
    row.told_at = now
    return True


def end(session: Session, row: AilmentRow) -> bool:
    """Let an ailment go; True where that is to be told: what nobody heard of needs no all-clear."""
    session.delete(row)
    return row.told_at is not None and row.ailment not in NOTES


def _lingers(row: AilmentRow, now: datetime) -> bool:
    return now - (row.seen_at or row.since) < LINGERS.get(row.ailment, timedelta(0))


def forget(session: Session, keep: Sequence[str]) -> None:
    """Let go, without a word, of what ails sources that are not watched any more."""
    known = set(session.scalars(select(AilmentRow.source_id).distinct()))
    for source_id in sorted(known - set(keep) - {DESK}):
        session.execute(delete(AilmentRow).where(AilmentRow.source_id == source_id))


def tell(session: Session, office: Office, ledger: Ledger, source_id: str, news: News, now: datetime) -> None:
    """Queue what is new and what is over: one message each to the operators, and to the duty group what is theirs."""
    if news.new:
        found = [symptom.ailment.value for symptom in news.new]
        _queue_new(session, office.operator_chat, "", source_id, news.new, now)
        for_duty = tuple(
            replace(symptom, cure=DUTY_CURES[symptom.ailment])
            for symptom in news.new
            if symptom.ailment in FOR_DUTY
        )
        if for_duty and office.duty_chat != office.operator_chat:
            _queue_new(session, office.duty_chat, "duty:", source_id, for_duty, now)
        ledger.write(session, at=now, actor="系统", action="source_ails", source=source_id, ailments=found)
    if news.over or news.fault_since is not None:
        over = [ailment.value for ailment in news.over]
        _queue_over(session, office.operator_chat, "", source_id, over, news.fault_since, now)
        theirs = [ailment.value for ailment in news.over if ailment in FOR_DUTY]
        if theirs and office.duty_chat != office.operator_chat:
            _queue_over(session, office.duty_chat, "duty:", source_id, theirs, None, now)
        ledger.write(session, at=now, actor="系统", action="source_ok", source=source_id, over=over)


def _queue_new(
    session: Session, chat: str, to: str, source_id: str, symptoms: Sequence[Symptom], now: datetime
) -> None:
    told = [{"ailment": s.ailment.value, "detail": s.detail, "cure": s.cure} for s in symptoms]
    is_urgent = any(symptom.ailment is Ailment.TAMPERED for symptom in symptoms)
    payload = {"template": "source_ails", "source": source_id, "ailments": told}
    key = f"{to}source_ails:{source_id}:{symptoms[0].ailment.value}:{now.isoformat()}"
    _queue(session, chat, key, payload, Priority.URGENT if is_urgent else Priority.ALERT, now)


def _queue_over(
    session: Session,
    chat: str,
    to: str,
    source_id: str,
    over: Sequence[str],
    since: datetime | None,
    now: datetime,
) -> None:
    payload = {
        "template": "source_ok",
        "source": source_id,
        "over": list(over),
        "since": since.isoformat() if since else "",
    }
    key = f"{to}source_ok:{source_id}:{over[0] if over else 'fault'}:{now.isoformat()}"
    _queue(session, chat, key, payload, Priority.ALERT, now)


def tell_fault(
    session: Session,
    office: Office,
    ledger: Ledger,
    source_id: str,
    fault: str,
    detail: str,
    since: datetime,
    now: datetime,
) -> None:
    """Queue that a source cannot be read; `detail` holds the cure too."""
    payload = {"template": "source_fault", "source": source_id, "detail": detail, "since": since.isoformat()}
    key = f"source_fault:{source_id}:{fault}:{now.isoformat()}"
    _queue(session, office.operator_chat, key, payload, Priority.ALERT, now)
    ledger.write(session, at=now, actor="系统", action="source_fault", source=source_id, fault=fault)


def _queue(
    session: Session, chat: str, key: str, payload: Mapping[str, Any], priority: Priority, now: datetime
) -> None:
    queue(
        session,
        key=key,
        chat=chat,
        kind=MessageKind.TEXT,
        priority=priority,
        payload=payload,
        now=now,
        valid_for=LIFE,
    )
