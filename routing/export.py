"""The lines of the 舆情处置台账, read from the store as values; writes no file.

Whoever calls has checked the role, asked for the reason and written it to the ledger: lists of matters become
sensitive by accumulation (保守国家秘密法 第三十六条), so links and summaries of Ⅰ/Ⅱ matters go out on request only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from routing import people
from routing.clock import Span
from routing.merged import end_of
from routing.office import Colour, Level, Office
from routing.store.tables import (
    AssignmentRow,
    CaseItemRow,
    CaseRow,
    DraftRow,
    ItemRow,
    LegacyRow,
    PersonRow,
    ReleaseRow,
    SupervisionRow,
)
from routing.told import as_told
from routing.traces import named
from routing.workflow import STATE_NAMES, State

SUMMARY_MAX = 200
"""Characters of a summary in one cell; project default."""

LEFT_OUT = "链接和摘要按规定未导出"
_COLOUR_SIGNS: Mapping[Colour | None, str] = {
    None: "否",
    Colour.BLUE: "是（蓝）",
    Colour.ORANGE: "是（橙）",
    Colour.RED: "是（红）",
}
LEVEL_SIGNS: Mapping[Level, str] = {Level.I: "Ⅰ", Level.II: "Ⅱ", Level.III: "Ⅲ", Level.IV: "Ⅳ"}


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One line, the fields in the order of the form. Instants are aware, in the office's zone; None: not so far.

    `first_handler` (首接人) is the colleague who registered it, else who dispatched first, never the author of a public
    text; `sent_at` and `signed_at` belong to the newest slip. `supervised` (是否督办): the gravest colour that a
    supervision of the matter reached, 否 without one. `offline` and `satisfaction` (线下情况、满意度) are not recorded by the
    desk and stay empty for the hand.
    """

    serial: int
    number: str
    watcher: str
    published_at: datetime | None
    platform: str
    title: str
    url: str
    level: str
    channel: str
    unit: str
    topic: str
    first_handler: str
    sent_at: datetime | None
    signed_at: datetime | None
    answered_at: datetime | None
    closed_at: datetime | None
    views: int | None
    comments: int | None
    summary: str
    answer: str
    online: str
    offline: str
    supervised: str
    satisfaction: str
    note: str


def ledger_rows(
    session: Session, office: Office, span: Span, *, full: bool, platforms: Mapping[str, str] | None = None
) -> list[LedgerLine]:
    """List the matters that were opened in a span, oldest first, numbered from 1.

    `full` False leaves links and summaries out of Ⅰ/Ⅱ matters and says so in the note. `platforms` names the
    sources by id (发布平台); a source without a name shows its id.
    """
    inside = and_(CaseRow.opened_at >= span.start, CaseRow.opened_at < span.end)
    cases = session.scalars(select(CaseRow).where(inside).order_by(CaseRow.opened_at, CaseRow.id)).all()
    items = _items(session, inside)
    slips = _slips(session, inside)
    releases = _releases(session, inside)
    old = _old(session, inside)
    wholes = _wholes(session, inside)
    colours = _colours(session, inside)
    return [
        _line(
            office,
            serial,
            case,
            items.get(case.id, []),
            slips.get(case.id, []),
            releases.get(case.id, []),
            platforms or {},
            whole=wholes.get(case.id, ""),
            registrar=people.name_of(session, case.registered_by),
            colour=colours.get(case.id),
            old=old.get(case.id, {}),
            shown=full or case.level > Level.II,
        )
        for serial, case in enumerate(cases, 1)
    ]


_Slip = tuple[AssignmentRow, str]
_Release = tuple[ReleaseRow, str, str]


def _line(
    office: Office,
    serial: int,
    case: CaseRow,
    items: list[ItemRow],
    slips: list[_Slip],
    releases: list[_Release],
    platforms: Mapping[str, str],
    *,
    whole: str,
    registrar: str,
    colour: Colour | None,
    old: Mapping[str, str],
    shown: bool,
) -> LedgerLine:
    def local(at: datetime | None) -> datetime | None:
        return None if at is None else at.astimezone(office.zone)

    first = items[0] if items else None
    slip = slips[-1][0] if slips else None
    channel = office.channels.get(case.channel)
    return LedgerLine(
        serial=serial,
        number=case.number,
        watcher=old.get("巡查单位") or office.name,
        published_at=local(first.published_at) if first else None,
        platform=old.get("发布平台") or (named(first.source_id, platforms) if first else ""),
        title=case.title,
        url=next((item.url for item in items if item.url), "") if shown else "",
        level=LEVEL_SIGNS[case.level],
        channel=channel.name if channel else case.channel,
        unit=slip.unit if slip else "",
        topic=old.get("涉及领域") or case.subject or case.topic or "",
        first_handler=old.get("首接人") or registrar or (slips[0][1] if slips else ""),
        sent_at=local(slip.dispatched_at) if slip else None,
        signed_at=local(slip.signed_at) if slip else None,
        answered_at=local(releases[0][0].at) if releases else _instant(old.get("首回时间"), office),
        closed_at=local(case.closed_at) if case.state is State.CLOSED or (old and case.closed_at) else None,
        views=_more(_total([item.views for item in items]), old.get("关注量")),
        comments=_more(_total([item.comments for item in items]), old.get("跟帖数")),
        summary=_cut(first.text or first.title) if first and shown else "",
        answer=_cut(releases[-1][1] if releases else old.get("办结回复摘要", "")) if shown else "",
        online=_online(case, releases, old.get("线上情况", ""), shown=shown),
        offline=old.get("线下情况", ""),
        supervised=old.get("是否督办", _COLOUR_SIGNS[None]) if colour is None else _COLOUR_SIGNS[colour],
        satisfaction=old.get("满意度", ""),
        note=_note(office, case, slip, old.get("备注", ""), whole=whole, shown=shown),
    )


def _more(counted: int | None, said: str | None) -> int | None:
    """Give the larger of what was counted and what an older ledger says."""
    return max((each for each in (counted, int(said) if said else None) if each is not None), default=None)


def _instant(said: str | None, office: Office) -> datetime | None:
    """Read an instant of an older ledger, as it is stored: `YYYY-MM-DD HH:MM` in the office's zone."""
    return None if not said else datetime.strptime(said, "%Y-%m-%d %H:%M").replace(tzinfo=office.zone)


def _online(case: CaseRow, releases: list[_Release], old: str, *, shown: bool) -> str:
    state = STATE_NAMES[case.state]
    if not releases:
        return (
            old if old.startswith(state) and shown else "；".join(filter(None, (state, old if shown else "")))
        )
    if not releases[-1][0].url:
        return f"{state}，已答复当事人，{releases[-1][2]}"
    return f"{state}，已公开回应" + (f"：{releases[-1][0].url}" if shown else "")


def _note(
    office: Office, case: CaseRow, slip: AssignmentRow | None, old: str, *, whole: str, shown: bool
) -> str:
    copies = [office.channels[key].name if key in office.channels else key for key in case.copies]
    notes = (
        f"不予受理：{case.close_reason or '未写理由'}" if case.state is State.DISMISSED else "",
        f"已并入 {whole}" if whole else "",
        f"退回{case.returns}次" if case.returns else "",
        "政府办指定承办" if slip is not None and slip.assigned else "",
        f"抄送：{'、'.join(copies)}" if copies else "",
        _came(case),
        old if shown and case.state is not State.DISMISSED else "",
        "" if shown else LEFT_OUT,
    )
    return "；".join(note for note in notes if note)


def _came(case: CaseRow) -> str:
    if case.imported_at is None:
        return ""
    return f"旧台账导入，旧编号 {case.old_number}" if case.old_number else "旧台账导入"


def _total(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SUMMARY_MAX else text[: SUMMARY_MAX - 1] + "…"


def _items(session: Session, inside: ColumnElement[bool]) -> dict[int, list[ItemRow]]:
    rows = session.execute(
        select(CaseItemRow.case_id, ItemRow)
        .join(ItemRow, ItemRow.id == CaseItemRow.item_id)
        .join(CaseRow, CaseRow.id == CaseItemRow.case_id)
        .where(inside)
        .order_by(*as_told())
    )
    return _by_case([(case_id, item) for case_id, item in rows])


def _old(session: Session, inside: ColumnElement[bool]) -> dict[int, dict[str, str]]:
    """Give what older ledgers said of the matters that came from one."""
    rows = session.execute(
        select(LegacyRow.case_id, LegacyRow.said).join(CaseRow, CaseRow.id == LegacyRow.case_id).where(inside)
    )
    return dict(rows.all())


def _wholes(session: Session, inside: ColumnElement[bool]) -> dict[int, str]:
    """Give the numbers of the matters into which others were merged in the end, by the id of those."""
    merged = session.scalars(select(CaseRow).where(inside, CaseRow.merged_into.is_not(None)))
    return {case.id: end_of(session, case).number for case in merged.all()}


def _colours(session: Session, inside: ColumnElement[bool]) -> dict[int, Colour]:
    """Give the gravest colour that the supervisions of each matter reached; it stays in the record when they ended."""
    rows = session.execute(
        select(SupervisionRow.case_id, SupervisionRow.colour)
        .join(CaseRow, CaseRow.id == SupervisionRow.case_id)
        .where(inside, SupervisionRow.colour.is_not(None))
    )
    order = list(Colour)
    found: dict[int, Colour] = {}
    for case_id, colour in rows:
        if colour is not None:
            found[case_id] = max(found.get(case_id, colour), colour, key=order.index)
    return found


def _slips(session: Session, inside: ColumnElement[bool]) -> dict[int, list[_Slip]]:
    rows = session.execute(
        select(AssignmentRow, PersonRow.name)
        .join(PersonRow, PersonRow.id == AssignmentRow.dispatched_by)
        .join(CaseRow, CaseRow.id == AssignmentRow.case_id)
        .where(inside)
        .order_by(AssignmentRow.id)
    )
    return _by_case([(slip.case_id, (slip, name)) for slip, name in rows])


def _releases(session: Session, inside: ColumnElement[bool]) -> dict[int, list[_Release]]:
    rows = session.execute(
        select(ReleaseRow, DraftRow.text, DraftRow.openness)
        .join(DraftRow, DraftRow.id == ReleaseRow.draft_id)
        .join(CaseRow, CaseRow.id == ReleaseRow.case_id)
        .where(inside)
        .order_by(ReleaseRow.id)
    )
    return _by_case([(release.case_id, (release, text, openness)) for release, text, openness in rows])


_V = TypeVar("_V")


def _by_case(pairs: list[tuple[int, _V]]) -> dict[int, list[_V]]:
    found: dict[int, list[_V]] = {}
    for case_id, value in pairs:
        found.setdefault(case_id, []).append(value)
    return found
