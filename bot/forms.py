"""The forms of the office as files: values -> bytes of a workbook. Reads no store and decides nothing.

What a public text says is data and never a formula: every word goes in as a string and in Excel's text format, so
that it stays a string when somebody edits the cell.
"""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from routing.export import LedgerLine

SHEET = "网络舆情处置台账"
PAGE_LETTERS = 290
"""So wide are the columns of one page at most: set to the width of an A3 sheet their letters are still three quarters as big."""
LINE_PT, LINES_MAX = 15, 27
"""The height of a line, and how many a row may have: Excel knows no row above 409 points."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a form: its exact name and its width in characters of the default type."""

    name: str
    width: int


LEDGER_COLUMNS: tuple[Column, ...] = (
    Column("序号", 6),
    Column("编号", 15),
    Column("巡查单位", 18),
    Column("发布时间", 17),
    Column("发布平台", 14),
    Column("标题", 36),
    Column("链接", 32),
    Column("等级", 6),
    Column("归口类别", 11),
    Column("责任单位", 18),
    Column("涉及领域", 12),
    Column("首接人", 10),
    Column("交办时间", 17),
    Column("签收时间", 17),
    Column("首回时间", 17),
    Column("办结时间", 17),
    Column("关注量", 10),
    Column("跟帖数", 10),
    Column("原帖摘要", 48),
    Column("办结回复摘要", 48),
    Column("线上情况", 28),
    Column("线下情况", 16),
    Column("是否督办", 10),
    Column("满意度", 10),
    Column("备注", 28),
)
"""The 舆情处置台账, one column a field of LedgerLine and in the same order."""


Value = str | int | datetime | None


def ledger_xlsx(rows: Sequence[LedgerLine]) -> bytes:
    """Write the 舆情处置台账 as a workbook of one sheet; without rows the header stands alone.

    Counts are numbers so that they can be added up; all else is text, times as local `YYYY-MM-DD HH:MM`.
    """
    values = [[getattr(row, field.name) for field in fields(row)] for row in rows]
    return workbook([(SHEET, LEDGER_COLUMNS, values)], freeze="C2")


def workbook(
    sheets: Sequence[tuple[str, Sequence[Column], Sequence[Sequence[Value]]]], *, freeze: str = "A2"
) -> bytes:
    """Write sheets of name, columns and rows; instants must be in the office's zone already."""
    from openpyxl import Workbook

    book = Workbook()
    book.properties.creator = "yuqing"
    book.remove(book.active)
    for title, columns, rows in sheets:
        _fill(book.create_sheet(title), columns, rows, freeze)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _fill(sheet: Any, columns: Sequence[Column], rows: Sequence[Sequence[Value]], freeze: str) -> None:
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
    from openpyxl.utils import get_column_letter

    line = Side(style="thin", color="BFBFBF")
    frame = Border(left=line, right=line, top=line, bottom=line)
    for index, column in enumerate(columns, 1):
        cell = sheet.cell(1, index, column.name)
        cell.font, cell.fill, cell.border = Font(bold=True), PatternFill("solid", fgColor="DDE6F0"), frame
        cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
        sheet.column_dimensions[get_column_letter(index)].width = column.width
    top = Alignment(vertical="top", wrap_text=True)
    for number, row in enumerate(rows, 2):
        for index, value in enumerate(row, 1):
            cell = sheet.cell(number, index)
            if isinstance(value, int):
                cell.value = value
            else:
                cell.value, cell.number_format = _text(value), "@"
                cell.data_type = "s"  # openpyxl takes "=…" for a formula and "#N/A" for an error
            cell.alignment, cell.border = top, frame
        if (lines := _lines(columns, row)) > 1:
            sheet.row_dimensions[number].height = LINE_PT * min(lines, LINES_MAX)
    sheet.freeze_panes = freeze
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{len(rows) + 1}"
    _set_page(sheet, columns, freeze)


def _set_page(sheet: Any, columns: Sequence[Column], freeze: str) -> None:
    """Lay a sheet out for paper: A3 across, as many pages beside each other as its letters need to be read.

    What names a row (the frozen columns, or the first) stands on each of them, its left and right page follow each other.
    """
    from openpyxl.utils import coordinate_to_tuple, get_column_letter

    pages = math.ceil(sum(column.width for column in columns) / PAGE_LETTERS)
    setup = sheet.page_setup
    setup.orientation, setup.paperSize, setup.pageOrder = "landscape", sheet.PAPERSIZE_A3, "overThenDown"
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    setup.fitToWidth, setup.fitToHeight = pages, 0
    sheet.print_title_rows = "1:1"
    if pages > 1:
        sheet.print_title_cols = f"A:{get_column_letter(max(1, coordinate_to_tuple(freeze)[1] - 1))}"
    margins = sheet.page_margins
    margins.left, margins.right, margins.top, margins.bottom = 0.4, 0.4, 0.7, 0.7
    margins.header = margins.footer = 0.3  # inside of those, or the page number is cut
    sheet.oddHeader.center.text, sheet.oddFooter.center.text = "&A", "第 &P 页，共 &N 页"


def _lines(columns: Sequence[Column], row: Sequence[Value]) -> int:
    """Count the lines of the longest cell of a row as it will be broken: programs other than Excel show the first alone."""
    texts = ["" if isinstance(value, int) else _text(value) for value in row]
    return max(
        sum(_wraps(line, column.width) for line in text.split("\n"))
        for column, text in zip(columns, texts, strict=True)
    )


def _wraps(line: str, width: float) -> int:
    letters = sum(2 if sign > "\u2e80" else 1 for sign in line)
    return max(1, math.ceil(letters / max(1, width - 1)))


def _text(value: str | datetime | None) -> str:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return str(ILLEGAL_CHARACTERS_RE.sub("", value or ""))
