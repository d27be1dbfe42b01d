"""Sheets of paper for Word: parts -> bytes of a DOCX. Knows no form of the office and decides nothing.

Laid out after GB/T 9704-2012 as far as a form can be: A4, 37 mm above, 28 mm at the binding edge, a text area of
156 x 225 mm; titles in 小标宋 size 2, texts in 仿宋, page numbers as — 1 —. Fonts are named, not shipped: a machine
without one shows its own. Every run says its East Asian font, or Word sets Chinese in the font of the Latin letters.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docx.document import Document
    from docx.table import _Cell
    from docx.text.paragraph import Paragraph

TITLE_FONT, TEXT_FONT, NAME_FONT, LATIN_FONT = "方正小标宋简体", "仿宋", "黑体", "Times New Roman"
TITLE_PT, TEXT_PT, CELL_PT, SMALL_PT = 22.0, 16.0, 12.0, 10.5
"""字号 2号、3号、小4号、5号. Fields are smaller than running text (3号), so that a form stays on its page."""

TEXT_WIDTH_MM, TEXT_HEIGHT_MM = 156, 225
ROW_MM, ROOM_MM = 8.5, 16
"""How high a row is at least, and one whose long field stays empty for the hand."""
_HALF_LETTERS = 10.5
"""Up to this width a short field stands beside another."""
_TOGETHER, _HALF_PAGE_LETTERS = 3, 500
"""So many last rows of a form stay together and with the line below it: no row is left alone on the next page."""
_KEPT_LETTERS = 300
"""A row whose cells hold no more is not broken over two pages."""
_NARROW_MM = 30
"""A column up to this width has its words in the middle: figures, times, names."""
_not_xml = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Heading:
    """A title over the sheet: the office, and what this is."""

    issuer: str
    title: str


@dataclass(frozen=True, slots=True)
class Text:
    """Running text; `heading` stands before it as a line of its own, empty for none. `is_note`: small and grey."""

    text: str
    heading: str = ""
    is_note: bool = False


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a form as a framed table: name, text, whether it wants the whole width."""

    fields: Sequence[tuple[str, str, bool]]


@dataclass(frozen=True, slots=True)
class Rows:
    """A framed table with its head on every page; `widths` in mm."""

    columns: Sequence[str]
    widths: Sequence[float]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG over the width of the text."""

    png: bytes


@dataclass(frozen=True, slots=True)
class NewPage:
    """The next part begins on a page of its own."""


Part = Heading | Text | Fields | Rows | Picture | NewPage


def docx(parts: Sequence[Part], *, title: str, at: datetime, is_wide: bool = False) -> bytes:
    """Write a document; `at` (aware) is when it was made, `is_wide` turns the sheet. Same parts, same content."""
    from docx import Document as new_document  # 0.3 s to import

    document = new_document()
    _set_page(document, is_wide=is_wide)
    _set_type(document)
    _describe(document, title, at)
    _number_pages(document)
    begins = False
    for part in parts:
        if isinstance(part, NewPage):
            begins = True
            continue
        first = _put(document, part, is_wide=is_wide)
        if begins:
            first.paragraph_format.page_break_before = True
        begins = False
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _put(document: "Document", part: Part, *, is_wide: bool) -> "Paragraph":
    """Add a part and give its first paragraph."""
    if isinstance(part, Heading):
        return _heading(document, part)
    if isinstance(part, Text):
        return _text(document, part)
    if isinstance(part, Picture):
        return _picture(document, part, is_wide=is_wide)
    before = _line(document)  # two tables that touch would become one
    if isinstance(part, Fields):
        _fields(document, part)
    elif isinstance(part, Rows):
        _rows(document, part)
    return before


# --- the sheet ---


def _set_page(document: "Document", *, is_wide: bool) -> None:
    from docx.enum.section import WD_ORIENT
    from docx.shared import Mm

    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(297 - 37 - TEXT_HEIGHT_MM)
    section.left_margin, section.right_margin = Mm(28), Mm(210 - 28 - TEXT_WIDTH_MM)
    if is_wide:
        section.orientation = WD_ORIENT.LANDSCAPE
        section.page_width, section.page_height = Mm(297), Mm(210)
        section.top_margin, section.bottom_margin = Mm(28), Mm(26)
        section.left_margin, section.right_margin = Mm(35), Mm(37)


def _set_type(document: "Document") -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Pt

    style: Any = document.styles["Normal"]
    style.font.size = Pt(TEXT_PT)
    style.paragraph_format.space_after = style.paragraph_format.space_before = Pt(0)
    properties = style.element.get_or_add_rPr()
    _set_fonts(properties, TEXT_FONT)
    language = OxmlElement("w:lang")
    language.set(qn("w:val"), "zh-CN")
    language.set(qn("w:eastAsia"), "zh-CN")
    properties.append(language)


def _set_fonts(properties: Any, font: str) -> None:
    from docx.oxml.ns import qn

    fonts = properties.get_or_add_rFonts()
    for kind in ("ascii", "hAnsi", "cs"):
        fonts.set(qn(f"w:{kind}"), LATIN_FONT)
    fonts.set(qn("w:eastAsia"), font)


def _describe(document: "Document", title: str, at: datetime) -> None:
    about = document.core_properties
    about.title, about.author, about.last_modified_by = title, "yuqing", "yuqing"
    about.comments, about.language, about.revision = "", "zh-CN", 1
    about.created = about.modified = at.astimezone(UTC)  # it is written as it stands, with a Z behind it


def _number_pages(document: "Document") -> None:
    """Number the pages as — 1 — (GB/T 9704-2012, 7.5)."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    foot = document.sections[0].footer.paragraphs[0]
    foot.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _run(foot, "— ", "宋体", 14)
    number = _run(foot, "", "宋体", 14)
    for kind, instruction in (("begin", ""), ("", "PAGE"), ("separate", ""), ("end", "")):
        each = OxmlElement("w:instrText" if instruction else "w:fldChar")
        if instruction:
            each.text = instruction
        else:
            each.set(qn("w:fldCharType"), kind)
        number._r.append(each)
    _run(foot, " —", "宋体", 14)


# --- the parts ---


def _heading(document: "Document", part: Heading) -> "Paragraph":
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    first = document.add_paragraph()
    second = document.add_paragraph()
    for line, words in ((first, part.issuer), (second, part.title)):
        line.alignment = WD_ALIGN_PARAGRAPH.CENTER
        line.paragraph_format.line_spacing = Pt(32)
        line.paragraph_format.keep_with_next = True
        _run(line, words, TITLE_FONT, TITLE_PT)
    return first


def _text(document: "Document", part: Text) -> "Paragraph":
    from docx.shared import Pt, RGBColor

    size = SMALL_PT if part.is_note else TEXT_PT
    lines = [(part.heading, NAME_FONT)] if part.heading else []
    lines += [(line, TEXT_FONT) for line in part.text.split("\n")]
    made = []
    for number, (words, font) in enumerate(lines):
        line = document.add_paragraph()
        line.paragraph_format.line_spacing = Pt(size * 1.75)
        if number == 0:
            line.paragraph_format.space_before = Pt(size / 2)
        if part.heading:
            line.paragraph_format.keep_with_next = number == 0
            line.paragraph_format.first_line_indent = Pt(2 * size) if number else None
        run = _run(line, words, font, size)
        if part.is_note:
            run.font.color.rgb = RGBColor(0x59, 0x59, 0x59)
        made.append(line)
    return made[0]


def _picture(document: "Document", part: Picture, *, is_wide: bool) -> "Paragraph":
    from docx.shared import Mm, Pt

    line = document.add_paragraph()
    line.paragraph_format.space_before = Pt(8)
    line.add_run().add_picture(io.BytesIO(part.png), width=Mm(TEXT_HEIGHT_MM if is_wide else TEXT_WIDTH_MM))
    return line


def _line(document: "Document") -> "Paragraph":
    from docx.shared import Pt

    line = document.add_paragraph()
    line.paragraph_format.line_spacing = Pt(10)
    _run(line, "", TEXT_FONT, SMALL_PT)
    return line


NAME_MM, HALF_MM = 31, 47
"""The name of seven letters and the text of ten stand on one line."""


def _fields(document: "Document", part: Fields) -> None:
    """Set two short fields side by side, and each long one over the width."""
    widths = (NAME_MM, HALF_MM, NAME_MM, HALF_MM)
    table = _table(document, widths)
    waiting: tuple[str, str] | None = None
    for name, text, is_long in part.fields:
        has_half = not is_long and _letters(text) <= _HALF_LETTERS
        if has_half and waiting is not None:
            _pair(table, widths, [waiting, (name, text)])
            waiting = None
        elif has_half:
            waiting = (name, text)
        else:
            if waiting is not None:
                _whole(table, widths, *waiting)
                waiting = None
            _whole(table, widths, name, text, height=ROW_MM if text else ROOM_MM)
    if waiting is not None:
        _whole(table, widths, *waiting)
    _keep_end(table)


def _keep_end(table: Any) -> None:
    """Let the last rows of a form stay together and with the line below them, from behind one that wants half a page."""
    for row in reversed(table.rows[-_TOGETHER:]):
        lines = [line for cell in row.cells for line in cell.paragraphs]
        if max(len(line.text) for line in lines) > _HALF_PAGE_LETTERS:
            return
        for line in lines:
            line.paragraph_format.keep_with_next = True


def _letters(text: str) -> float:
    """Measure a text in Chinese letters; Latin ones are half as wide."""
    return sum(1.0 if sign > "\u2e80" else 0.5 for sign in text)


def _pair(table: Any, widths: Sequence[float], pair: Sequence[tuple[str, str]]) -> None:
    cells = _row(table, widths)
    for place, (name, text) in enumerate(pair):
        _name(cells[2 * place], name)
        _cell(cells[2 * place + 1], text)


def _whole(table: Any, widths: Sequence[float], name: str, text: str, *, height: float = ROW_MM) -> None:
    from docx.shared import Mm

    cells = _row(table, widths)
    _name(cells[0], name)
    _cell(cells[1].merge(cells[-1]), text)
    table.rows[-1].height = Mm(height)


def _rows(document: "Document", part: Rows) -> None:
    from docx.oxml import OxmlElement

    table = _table(document, part.widths)
    for cell, name in zip(_row(table, part.widths), part.columns, strict=True):
        _name(cell, name)
    table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    for row in part.rows:
        cells = _row(table, part.widths, is_kept=max(map(len, row)) <= _KEPT_LETTERS)
        for cell, text, width in zip(cells, row, part.widths, strict=True):
            _cell(cell, text, size=SMALL_PT, centred=width <= _NARROW_MM)


def _table(document: "Document", widths: Sequence[float]) -> Any:
    from docx.enum.table import WD_TABLE_ALIGNMENT
    from docx.shared import Mm

    table = document.add_table(rows=0, cols=len(widths), style="Table Grid")
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    table.autofit = False
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Mm(width)
    return table


def _row(table: Any, widths: Sequence[float], *, is_kept: bool = False) -> list["_Cell"]:
    """Add a row. `is_kept`: it stands on one page; one longer than a page would lose its end in some programs."""
    from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT
    from docx.oxml import OxmlElement
    from docx.shared import Mm

    row = table.add_row()
    if is_kept:
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
    row.height = Mm(ROW_MM)
    cells = list(row.cells)
    for cell, width in zip(cells, widths, strict=True):
        cell.width = Mm(width)
        cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
    return cells


def _name(cell: "_Cell", name: str) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    line = cell.paragraphs[0]
    line.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _run(line, name, NAME_FONT, SMALL_PT if len(name) > 6 else CELL_PT)


def _cell(cell: "_Cell", text: str, *, size: float = CELL_PT, centred: bool = False) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    line = cell.paragraphs[0]
    if centred:
        line.alignment = WD_ALIGN_PARAGRAPH.CENTER
    line.paragraph_format.line_spacing = Pt(size * 1.5)
    line.paragraph_format.space_before = line.paragraph_format.space_after = Pt(2)
    _run(line, text, TEXT_FONT, size)


def _run(line: "Paragraph", text: str, font: str, size: float) -> Any:
    """Add words in a font; signs that no XML may hold are left out, as they are from workbooks."""
    from docx.shared import Pt

    run = line.add_run(_not_xml.sub("", text))
    run.font.size = Pt(size)
    _set_fonts(run._r.get_or_add_rPr(), font)
    return run
