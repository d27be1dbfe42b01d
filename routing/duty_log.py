"""The 值班日志 of a day and the 网络舆情日志 beside it, read from the record as values; writes no file.

A line of the log is a line of the ledger: what people did, and what the desk did that somebody on duty must know of.
Texts that joined, reminders and deliveries are not told one by one. Reasons are told of what the duty desk and the
units said to each other, never of a review. Nothing that was not recorded is filled in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from routing import duty, people, roster
from routing.clock import Span
from routing.export import LEVEL_SIGNS, LedgerLine, ledger_rows
from routing.ledger import entries_between
from routing.office import Office
from routing.procedure import EVERY
from routing.roster import Shift
from routing.store.tables import CaseItemRow, CaseRow, ItemRow, ProposalRow
from routing.why import Words
from routing.workflow import TARGETS, Command, State

TOLD: Mapping[str, tuple[str, ...]] = {
    "open": ("level",),
    "register": (),
    "overdue": ("step", "due_at"),
    "supervise": ("colour", "step"),
    "bulletin": ("step",),
    "call": ("called", "reached"),
    "secrecy_mark": (),
    "take_in": (),
    "promise": (),
    "promise_kept": (),
    "handover": (),
    "handover_sign": (),
    "handover_unsigned": (),
    "substitute_ask": (),
    "substitute_approve": (),
    "substitute_refuse": (),
    "substitute_over": (),
    "substitute_ended": (),
    "roster_gap": (),
    "away": ("away_at", "back_at", "limits"),
    "mute": ("matcher", "reason", "ends_at"),
    "mute_lift": ("matcher",),
    **dict.fromkeys((command.value for command in Command), ()),
    Command.DISPATCH.value: ("unit", "slip"),
    Command.SUBMIT.value: ("channel", "unit"),
    Command.SEND_BACK.value: ("reason",),
    Command.ORAL.value: ("reason",),
    Command.TRANSFER.value: ("reason",),
    Command.TAKE_BACK.value: ("reason",),
    Command.DISMISS.value: ("reason",),
    Command.EXCUSE.value: ("reason",),
    Command.REOPEN.value: ("reason",),
    Command.MISTAKE.value: ("reason",),
    Command.FOLLOW.value: ("reason",),
    Command.PAUSE.value: ("reason",),
    Command.RETURN.value: ("reason",),
    Command.DENY.value: ("reason",),
    Command.SET_LEVEL.value: ("level",),
    Command.MERGE.value: ("into",),
    Command.DRAFT.value: ("draft",),
    Command.INSTRUCT.value: ("on",),
    Command.EMERGENCY.value: ("on",),
}
"""The lines of the ledger that the log tells, and what it tells of each besides."""

_MAY: Mapping[tuple[str, str], frozenset[str]] = {
    **{
        (command.value, ""): frozenset(
            role.value for (_, other), move in EVERY.items() if other == command for role in move.roles
        )
        for command in Command
    },
    **{
        (command.value, state.value): frozenset(map(str, move.roles))
        for (state, command), move in EVERY.items()
    },
}
"""Which roles may do what from which state; under the empty state those that may from any."""

BY_ITSELF = frozenset({"系统", "命令行"})
"""Who signs nothing."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line, the fields in the order of the form. `at` in the office's zone; `signed`: under whose account it was done."""

    at: datetime
    source: str
    content: str
    handling: str
    handed_to: str
    signed: str


@dataclass(frozen=True, slots=True)
class WatchLine:
    """One matter of the 网络舆情日志, the fields in the order of the form. Instants in the office's zone."""

    serial: int
    day: str
    shift: str
    watcher: str
    found_at: datetime
    published_at: datetime | None
    platform: str
    title: str
    url: str
    topic: str
    unit: str
    summary: str
    views: int | None
    reposts: int | None
    comments: int | None
    channel: str
    level: str
    handling: str
    note: str


@dataclass(frozen=True, slots=True)
class OnShift:
    """A turn of duty that touches the day: people by name as the roster has them; instants in the office's zone."""

    name: str
    starts_at: datetime
    ends_at: datetime
    leader: str
    staff: tuple[str, ...]
    reserve: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DutyLog:
    """The log of a day of the office: `day` as `2026-11-17`, who was on duty, its lines and its new matters, oldest first."""

    office: str
    day: str
    shifts: tuple[OnShift, ...]
    lines: tuple[LogLine, ...]
    matters: tuple[WatchLine, ...]


def duty_log(session: Session, office: Office, span: Span, words: Words, *, full: bool) -> DutyLog:
    """Read the log of a day. `full` False leaves links and summaries out of Ⅰ/Ⅱ matters, as the 台账 does. Changes nothing."""
    shifts = duty.shifts(session, span.start, span.end)
    lines = entries_between(session, span.start, span.end, list(TOLD))
    ids = {line["case_id"] for line in lines if line["case_id"] is not None}
    cases = {case.id: case for case in session.scalars(select(CaseRow).where(CaseRow.id.in_(ids)))}
    sources = _sources(session, ids)
    return DutyLog(
        office.name,
        span.name,
        tuple(_on_shift(session, office, shift) for shift in shifts),
        tuple(_line(office, line, cases, sources, words) for line in lines),
        tuple(_matters(session, office, span, shifts, words, full=full)),
    )


def _line(
    office: Office,
    line: Mapping[str, Any],
    cases: Mapping[int, CaseRow],
    sources: Mapping[int, str],
    words: Words,
) -> LogLine:
    action, data = line["action"], line["data"]
    case = cases.get(line["case_id"] or 0)
    is_new = action in {"open", "register"}
    brought = sources.get(line["case_id"] or 0, "") if is_new else ""
    source = words.source(brought) if brought else ""
    return LogLine(
        line["at"].astimezone(office.zone),
        source or "、".join(words.name("role", role) for role in _acted_as(action, data)),
        _content(case, line),
        _handling(action, data, words),
        _handed_to(office, action, data, words),
        "" if line["actor"] in BY_ITSELF else line["actor"],
    )


def _acted_as(action: str, data: Mapping[str, Any]) -> Sequence[str]:
    """Give those of a person's roles that let him do this; all of them where no table says which."""
    held = tuple(data.get("roles", ()))
    suited = _MAY.get((action, str(data.get("frm", "")))) or _MAY.get((action, ""), frozenset())
    return [role for role in held if role in suited] or held


def _handling(action: str, data: Mapping[str, Any], words: Words) -> str:
    if action == Command.PASS and data.get("frm") == State.IN_SECOND:
        return "二审通过"
    if action == Command.REPORT:
        return words.name("report", data.get("stance", ""))
    told = [words.entry(key, data[key]) for key in TOLD[action] if data.get(key) not in (None, "")]
    return words.name("action", action) + (f"：{'，'.join(told)}" if told else "")


def _content(case: CaseRow | None, line: Mapping[str, Any]) -> str:
    data = line["data"]
    if line["action"] == "handover":
        return f"移交未办结事项 {len(data.get('matters', ()))} 件"
    if "reserve" in data:
        return f"{data['reserve']}顶岗{data.get('absent', '')}"
    return f"{case.number} {case.title}" if case else ""


def _handed_to(office: Office, action: str, data: Mapping[str, Any], words: Words) -> str:
    """Name to whom something went over: a unit, another procedure, the colleague of the next turn."""
    if action == Command.DISPATCH:
        channel = office.channels.get(str(data.get("channel", "")))
        return str(data.get("unit") or (channel.unit if channel else data.get("channel", "")))
    if action == Command.TRANSFER:
        return TARGETS.get(str(data.get("target")), str(data.get("target") or ""))
    return str(data.get("incoming", "")) if action == "handover" else ""


def _sources(session: Session, ids: set[int]) -> dict[int, str]:
    """Give the source that brought the first text of each matter."""
    rows = session.execute(
        select(CaseItemRow.case_id, ItemRow.source_id)
        .join(ItemRow, ItemRow.id == CaseItemRow.item_id)
        .where(CaseItemRow.case_id.in_(ids))
        .order_by(CaseItemRow.at.desc(), ItemRow.id.desc())
    )
    return dict(rows.all())  # the first is written last and stays


def _on_shift(session: Session, office: Office, shift: Shift[int]) -> OnShift:
    return OnShift(
        shift.name,
        shift.starts_at.astimezone(office.zone),
        shift.ends_at.astimezone(office.zone),
        people.name_of(session, shift.leader),
        tuple(people.name_of(session, one) for one in shift.staff),
        tuple(people.name_of(session, one) for one in shift.reserve),
    )


def _matters(
    session: Session, office: Office, span: Span, shifts: Sequence[Shift[int]], words: Words, *, full: bool
) -> list[WatchLine]:
    rows = ledger_rows(session, office, span, full=full, platforms=words.values.get("source", {}))
    here = and_(CaseRow.opened_at >= span.start, CaseRow.opened_at < span.end, CaseRow.imported_at.is_(None))
    cases = {case.number: case for case in session.scalars(select(CaseRow).where(here))}
    reposts = _reposts(session, [case.id for case in cases.values()])
    found: list[WatchLine] = []
    for row in rows:
        case = cases.get(row.number)
        if case is None:  # history that was taken over is no news of the day
            continue
        found.append(_matter(session, office, len(found) + 1, row, case, shifts, reposts, words, span.name))
    return found


def _matter(
    session: Session,
    office: Office,
    serial: int,
    row: LedgerLine,
    case: CaseRow,
    shifts: Sequence[Shift[int]],
    reposts: Mapping[int, int | None],
    words: Words,
    day: str,
) -> WatchLine:
    first = session.scalars(
        select(ProposalRow).where(ProposalRow.case_id == case.id).order_by(ProposalRow.id).limit(1)
    ).first()
    return WatchLine(
        serial=serial,
        day=day,
        shift="、".join(shift.name for shift in roster.at(shifts, case.opened_at)),
        watcher=people.name_of(session, case.registered_by),
        found_at=case.opened_at.astimezone(office.zone),
        published_at=row.published_at,
        platform=row.platform,
        title=row.title,
        url=row.url,
        topic=row.topic,
        unit=row.unit,
        summary=row.summary,
        views=row.views,
        reposts=reposts.get(case.id),
        comments=row.comments,
        channel=words.name("channel", first.channel if first else case.channel),
        level=LEVEL_SIGNS[first.level if first else case.proposed_level],
        handling=row.online,
        note=row.note,
    )


def _reposts(session: Session, ids: Sequence[int]) -> dict[int, int | None]:
    rows = session.execute(
        select(CaseItemRow.case_id, func.sum(ItemRow.reposts))
        .join(ItemRow, ItemRow.id == CaseItemRow.item_id)
        .where(CaseItemRow.case_id.in_(ids))
        .group_by(CaseItemRow.case_id)
    )
    return {case_id: None if total is None else int(total) for case_id, total in rows}
