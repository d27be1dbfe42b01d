"""A file of a spreadsheet program (.xlsx, .csv) -> the rows of its sheets, as raw cells. Knows no form and no rule.

A formula gives the value that the program kept with it. Cells that were joined downwards all have the value of the
first. Hidden rows are read as others are, and said. Reads bytes, opens no file.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from typing import Any

from routing.errors import ConfigError, Problem
from routing.grid import Cell, Row, Sheet, Unread

ROWS_MAX, COLUMNS_MAX = 20_000, 200
UNPACKED_MAX = 400 * 2**20
"""Bytes that an .xlsx may unpack to: a ledger of 20,000 rows needs some 40 MB; project default."""


def read(file: str, content: bytes) -> tuple[Sheet, ...]:
    """Read a file by its name's ending. Raises ConfigError with what is wrong and the cure."""
    return read_csv(file, content) if file.lower().endswith((".csv", ".txt")) else read_xlsx(file, content)


def read_xlsx(file: str, content: bytes, *, only_first: bool = False) -> tuple[Sheet, ...]:
    """Read every sheet of a workbook, or the first. Raises ConfigError where it is none."""
    from openpyxl import load_workbook  # 0.2 s to import, for files that few commands meet

    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise _refused(file, "是旧版 .xls，或加了密码", "请在表格软件里去掉密码，另存为 .xlsx 后重试")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(each.file_size for each in packed.infolist()) > UNPACKED_MAX:
                raise _refused(file, "解开后太大", "请分成几个文件，每个不超过 2 万行")
            has_formulas = any(
                b"<f>" in (xml := packed.read(each)) or b"<f " in xml
                for each in packed.infolist()
                if each.filename.startswith("xl/worksheets/sheet")
            )
        book = load_workbook(io.BytesIO(content), data_only=True)
        as_written = load_workbook(io.BytesIO(content)) if has_formulas else None
        chosen = book.worksheets[:1] if only_first else book.worksheets
        is_1904 = book.epoch.year == 1904
        return tuple(
            _sheet(each, as_written[each.title] if as_written else None, is_1904=is_1904) for each in chosen
        )
    except ConfigError:
        raise
    except Exception as error:  # openpyxl passes on whatever broken XML makes it raise
        raise _refused(file, "不是可读的 XLSX 表格", "请在表格软件里另存为 .xlsx 后重试") from error


def read_csv(file: str, content: bytes) -> tuple[Sheet, ...]:
    """Read a text table in UTF-8, UTF-16 or GB 18030 with commas, tabs or semicolons. Raises ConfigError where it is none."""
    decoded = (_decoded(content, charset) for charset in _charsets(content))
    text = next((each for each in decoded if each is not None), None)
    if text is None:
        raise _refused(file, "既不是 UTF-8 也不是 GB18030 文本", "请另存为“CSV UTF-8”后重试")
    if "\0" in text:
        raise _refused(file, "不是文本表格", "请在表格软件里另存为 .xlsx 或 CSV 后重试")
    head = "\n".join(text.splitlines()[:20])
    divider = max(",\t;", key=head.count)
    csv.field_size_limit(10 * 2**20)
    try:
        lines = [tuple(line[:COLUMNS_MAX]) for line in csv.reader(io.StringIO(text), delimiter=divider)]
    except csv.Error as error:
        raise _refused(file, "CSV 写法有误", "请在表格软件里另存为 .xlsx 后重试") from error
    rows = tuple(Row(number, cells) for number, cells in enumerate(lines[:ROWS_MAX], 1))
    return (Sheet("", rows, left=max(0, len(lines) - ROWS_MAX)),)


def _charsets(content: bytes) -> tuple[str, ...]:
    return ("utf-16",) if content.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "gb18030")


def _decoded(content: bytes, charset: str) -> str | None:
    try:
        return content.decode(charset)
    except UnicodeDecodeError:
        return None


def _sheet(sheet: Any, as_written: Any, *, is_1904: bool) -> Sheet:
    joined = _joined(sheet)
    # A sheet that was formatted down to its last row has a million of them: only where something stands counts.
    filled = [place for place, cell in sheet._cells.items() if cell.value is not None]
    last = max((row for row, _ in filled), default=0)
    width = min(max((column for _, column in filled), default=0), COLUMNS_MAX)
    hidden = {number for number, each in sheet.row_dimensions.items() if each.hidden}
    rows = tuple(
        Row(
            number,
            tuple(_cell(cell, as_written, joined) for cell in cells),
            number in hidden,
        )
        for number, cells in enumerate(_cells(sheet, min(last, ROWS_MAX), width), 1)
    )
    left = len({row for row, _ in filled if row > ROWS_MAX})
    return Sheet(sheet.title, rows, is_1904, tuple(_margins(sheet)), left)


def _cells(sheet: Any, rows: int, width: int) -> Iterable[Sequence[Any]]:
    return sheet.iter_rows(max_row=rows, max_col=width) if rows and width else ()


def _cell(cell: Any, as_written: Any, joined: dict[tuple[int, int], Any]) -> Cell:
    value = joined.get((cell.row, cell.column), cell.value) if joined else cell.value
    if value is None and as_written is not None:
        if as_written.cell(cell.row, cell.column).data_type == "f":
            return Unread("公式还没有算出值")
    elif cell.data_type == "e":
        return Unread(f"公式出错 {value}")
    known: Cell = value if isinstance(value, (str, int, float, datetime, date, time)) else None
    return known


def _joined(sheet: Any) -> dict[tuple[int, int], Any]:
    """Give the value of every cell that was joined downwards to the one above."""
    return {
        (row, each.min_col): sheet.cell(each.min_row, each.min_col).value
        for each in sheet.merged_cells.ranges
        if each.min_col == each.max_col and each.max_row - each.min_row < ROWS_MAX
        for row in range(each.min_row + 1, each.max_row + 1)
    }


def _margins(sheet: Any) -> Iterator[str]:
    for margin in (sheet.oddHeader, sheet.oddFooter, sheet.evenHeader, sheet.firstHeader):
        for part in (margin.left, margin.center, margin.right) if margin is not None else ():
            if part.text:
                yield str(part.text)


def _refused(file: str, reason: str, cure: str) -> ConfigError:
    return ConfigError([Problem(file, None, "文件", "", reason, cure)])
