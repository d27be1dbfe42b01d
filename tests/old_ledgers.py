"""Older ledgers (旧台账) for tests: workbooks as offices have them, and what reading one needs."""

import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from builders import START, ZONE, make_office
from openpyxl import Workbook

from bot import sheets
from bot.secrecy import has_mark
from monitors.counts import parse_count
from monitors.dates import read_date
from monitors.masking import mask
from monitors.persons import names_person
from routing.legacy_form import Field, plain
from routing.legacy_rows import Means
from routing.legacy_sheets import Reading, read_sheets
from routing.office import Office

HEADS = (
    "编号",
    "发布时间",
    "发布平台",
    "标题",
    "链接",
    "等级",
    "归口类别",
    "交办时间",
    "签收时间",
    "办结时间",
    "原帖摘要",
)


def local(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=ZONE)


def row(**said: Any) -> list[Any]:
    """Give the cells of a closed matter under HEADS, but for what is said otherwise."""
    cells: dict[str, Any] = {
        "编号": "JN-2025-018",
        "发布时间": "2025-01-06 08:30",
        "发布平台": "论坛",
        "标题": "东湖小区停水三天",
        "链接": "https://bbs.example.com/t/18",
        "等级": "Ⅲ",
        "归口类别": "社情民意",
        "交办时间": "2025-01-06 10:00",
        "签收时间": "2025-01-06 11:00",
        "办结时间": "2025-01-09",
        "原帖摘要": "东湖小区从昨天停水到现在，没有人管。",
    } | said
    return [cells.get(name) for name in HEADS]


def workbook(
    *rows: Sequence[Any], heads: Sequence[Any] = HEADS, above: Sequence[Sequence[Any]] = ()
) -> Workbook:
    book = Workbook()
    sheet = book.active
    for each in (*above, heads, *rows):
        sheet.append(list(each))
    return book


def saved(book: Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def means(office: Office | None = None, *, now: datetime = START, **more: Any) -> Means:
    office = office or make_office()

    def masked(text: str) -> tuple[str, tuple[str, ...]]:
        done = mask(text)
        return done.text, done.kinds

    values: dict[str, Any] = {
        "now": now,
        "channels": office.channels,
        "zone": office.zone,
        "read_date": lambda text, latest: read_date(text, office.zone, latest),
        "count": parse_count,
        "mask": masked,
        "is_marked": has_mark,
        "names_person": names_person,
    }
    return Means(**(values | more))


def read(content: Workbook | bytes, file: str = "台账.xlsx", **more: Any) -> Reading:
    skip_hidden = bool(more.pop("skip_hidden", False))
    raw = content if isinstance(content, bytes) else saved(content)
    return read_sheets(file, sheets.read(file, raw), means(**more), skip_hidden=skip_hidden)


def headings(**named: str) -> Mapping[str, Field]:
    return {plain(old): Field(name) for old, name in named.items()}
