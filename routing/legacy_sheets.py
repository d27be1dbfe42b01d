"""The sheets of an older ledger (旧台账) -> all matters that they tell of, and every problem at once. Pure.

A secrecy mark anywhere ends the reading. Empty rows, headings said again and sums are passed over.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from routing.errors import Problem
from routing.grid import Row, Sheet, Unread, text_of
from routing.legacy_form import Field, Head, find_head, plain
from routing.legacy_rows import Means, OldMatter, Remark, RowReader, place_of
from routing.legacy_words import folded


@dataclass(slots=True)
class Reading:
    """All that a file says. `marked`: where a secrecy mark stands; then nothing else of the file may be used.

    `bad`: the rows with a problem, by sheet and number. `dropped`: headings that were left out, and why (Chinese).
    """

    matters: list[OldMatter] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    bad: list[tuple[str, int]] = field(default_factory=list)
    marked: str = ""
    heads: dict[str, Head] = field(default_factory=dict)
    rows: int = 0


def read_sheets(
    file: str,
    sheets: Sequence[Sheet],
    means: Means,
    *,
    skip_hidden: bool = False,
    on_row: Callable[[], None] = lambda: None,
) -> Reading:
    """Read every sheet that has the headings of a ledger. Every problem of every row is given at once.

    A secrecy mark anywhere ends the reading: what else the file says is not given.
    """
    reading = Reading()
    reading.marked = first_mark(sheets, means)
    if reading.marked:
        return reading
    for sheet in sheets:
        head = find_head(sheet.rows, means.headings, means.names_person)
        if head is None:
            if any(text_of(cell) for row in sheet.rows for cell in row.cells):
                reading.dropped.append(f"工作表“{sheet.name}”里没有找到列名，没有读")
            continue
        reading.heads[sheet.name] = head
        reading.dropped += _left_out(sheet, head)
        if sheet.left:
            reason = f"还有 {sheet.left} 行没有读"
            reading.problems.append(
                Problem(place_of(file, sheet.name), None, "行数", "", reason, "请分成几个文件导入")
            )
        _read_rows(file, sheet, head, means, reading, skip_hidden=skip_hidden, on_row=on_row)
    if not reading.heads:
        cure = "前 15 行里要有一行列名，如 编号、标题、发布时间、等级；名称不同的用 --map 旧列名=标题 指明"
        reading.problems.append(Problem(file, None, "列名", "", "没有找到台账的列名", cure))
    _compare(file, reading)
    return reading


def first_mark(sheets: Sequence[Sheet], means: Means) -> str:
    """Say where the first secrecy mark (密级标识) stands; empty where there is none."""
    return next(_marks(sheets, means), "")


def _marks(sheets: Sequence[Sheet], means: Means) -> Iterator[str]:
    for sheet in sheets:
        if means.is_marked(sheet.name) or any(map(means.is_marked, sheet.margins)):
            yield f"工作表“{sheet.name}”的名称或页眉页脚"
        for row in sheet.rows:
            if any(isinstance(cell, str) and means.is_marked(cell) for cell in row.cells):
                yield f"{f'工作表“{sheet.name}”' if sheet.name else ''}第 {row.number} 行"


def _left_out(sheet: Sheet, head: Head) -> Iterator[str]:
    where = f"工作表“{sheet.name}”" if sheet.name else ""
    if head.persons:
        cells = sum(
            bool(place < len(row.cells) and text_of(row.cells[place]))
            for row in sheet.rows
            if row.number >= head.data_from
            for place in head.person_places
        )
        names = "、".join(f"“{name}”" for name in head.persons)
        yield f"{where}{names}含个人信息，按“对事不对人”不导入（{cells} 个单元格）"
    if head.unknown:
        names = "、".join(f"“{name}”" for name in head.unknown)
        yield f"{where}不认识的列没有导入：{names}；需要的用 --map 旧列名=字段 指明"
    if head.doubled:
        yield f"{where}重复的列只用第一个：{'、'.join(f'“{name}”' for name in head.doubled)}"


def _read_rows(
    file: str,
    sheet: Sheet,
    head: Head,
    means: Means,
    reading: Reading,
    *,
    skip_hidden: bool,
    on_row: Callable[[], None],
) -> None:
    for row in sheet.rows:
        if row.number < head.data_from or _is_no_matter(row, head):
            continue
        if row.is_hidden:
            told = "是隐藏行，没有导入" if skip_hidden else "是隐藏行，照样导入（不要的用 --skip-hidden）"
            reading.remarks.append(Remark(told, sheet.name, row.number))
            if skip_hidden:
                continue
        reading.rows += 1
        reader = RowReader(file, sheet, row, head, means)
        matter = reader.matter()
        reading.remarks += reader.remarks
        if reader.problems or matter is None:
            reading.problems += reader.problems
            reading.bad.append((sheet.name, row.number))
        else:
            reading.matters.append(matter)
        on_row()


def _is_no_matter(row: Row, head: Head) -> bool:
    """Tell whether a row is empty, says the headings again (a new page), or only numbers and sums up."""
    cells = {
        column.field: text_of(row.cells[column.place])
        for column in head.columns
        if column.place < len(row.cells)
    }
    unread = any(isinstance(cell, Unread) for cell in row.cells)
    filled = {which: text for which, text in cells.items() if text}
    if not filled:
        return not unread
    if all(plain(text) in {which.value, plain(_heading(head, which))} for which, text in filled.items()):
        return True
    first = next((text_of(cell) for cell in row.cells if text_of(cell)), "")
    return folded(first).rstrip(":") in {"合计", "总计", "小计", "制表人", "填表人", "说明", "注"}


def _heading(head: Head, which: Field) -> str:
    column = head.column(which)
    return column.heading if column else ""


def _compare(file: str, reading: Reading) -> None:
    """Find rows that name the same matter: one that says the same again is left out, one that says otherwise is a problem."""
    first: dict[str, OldMatter] = {}
    kept: list[OldMatter] = []
    for matter in reading.matters:
        other = first.setdefault(matter.key, matter)
        if other is matter:
            kept.append(matter)
            continue
        where = f"{f'工作表“{other.sheet}”' if other.sheet != matter.sheet else ''}第 {other.row} 行"
        if other.digest == matter.digest:
            reading.remarks.append(Remark(f"与{where}完全相同，只导入一次", matter.sheet, matter.row))
            continue
        place = place_of(file, matter.sheet)
        reason = (
            f"与{where}是同一编号、同一年，内容却不同"
            if matter.number
            else f"与{where}是同一条信息，内容却不同"
        )
        value = matter.number or matter.title
        reading.problems.append(
            Problem(place, matter.row, Field.NUMBER.value, value, reason, "请核对编号，只留一行")
        )
        reading.bad.append((matter.sheet, matter.row))
    reading.matters = kept


def grouped(remarks: Iterable[Remark]) -> list[tuple[str, list[str]]]:
    """Gather remarks of the same text with the rows that they speak of."""
    found: dict[str, list[str]] = {}
    for remark in remarks:
        row = f"{remark.sheet}!{remark.row}" if remark.sheet else str(remark.row)
        found.setdefault(remark.text, []).append(row)
    return list(found.items())
