"""Files of spreadsheet programs that are none, or too much."""

import io
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from old_ledgers import HEADS, row, saved, workbook

from bot import sheets
from routing.errors import ConfigError


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("a.xlsx", b"", "不是可读的 XLSX 表格"),
        ("a.xlsx", b"PK\x03\x04 broken", "不是可读的 XLSX 表格"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "是旧版 .xls，或加了密码"),
        ("a.csv", b"a\0b", "不是文本表格"),
        ("a.csv", b"\x81", "既不是 UTF-8 也不是 GB18030 文本"),
    ],
)
def test_what_is_no_table_is_refused_with_a_cure(file, content, reason):
    with pytest.raises(ConfigError) as refused:
        sheets.read(file, content)
    [problem] = refused.value.problems
    assert (problem.file, problem.reason) == (file, reason)
    assert problem.cure


def test_a_file_that_unpacks_to_too_much_is_refused_unread(monkeypatch):
    monkeypatch.setattr(sheets, "UNPACKED_MAX", 1_000)
    with pytest.raises(ConfigError, match="解开后太大"):
        sheets.read("a.xlsx", saved(workbook(row())))


def test_rows_beyond_the_most_are_counted(monkeypatch):
    monkeypatch.setattr(sheets, "ROWS_MAX", 3)
    [sheet] = sheets.read("a.csv", b"a,b\n" * 5)
    assert (len(sheet.rows), sheet.left) == (3, 2)
    [sheet] = sheets.read("a.xlsx", saved(workbook(*[row()] * 4)))
    assert (len(sheet.rows), sheet.left) == (3, 2)


def test_a_sheet_that_is_formatted_to_its_end_is_as_long_as_what_stands_in_it():
    book = workbook(row())
    book.active.cell(1_000_000, 1).number_format = "@"
    book.active.cell(1, 16_000).number_format = "@"
    [sheet] = sheets.read("a.xlsx", saved(book))
    assert (len(sheet.rows), len(sheet.rows[0].cells), sheet.left) == (2, len(HEADS), 0)


def test_a_formula_gives_the_value_that_was_kept_with_it():
    with zipfile.ZipFile(io.BytesIO(saved(workbook(row(标题='="东湖"&"停水"'))))) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    part = "xl/worksheets/sheet1.xml"
    before = b"</f><v /></c>" if b"</f><v /></c>" in parts[part] else b"</f><v></v></c>"
    assert before in parts[part]
    kept = (
        parts[part].replace(before, "</f><v>东湖停水</v></c>".encode()).replace(b'r="D2"', b'r="D2" t="str"')
    )
    again = io.BytesIO()
    with zipfile.ZipFile(again, "w") as file:
        for name, content in parts.items():
            file.writestr(name, kept if name == part else content)
    [sheet] = sheets.read("a.xlsx", again.getvalue())
    assert sheet.rows[1].cells[3] == "东湖停水"


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_raise_anything_else(content):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("xl/workbook.xml", content)
    for name, raw in (("a.xlsx", content), ("a.xlsx", packed.getvalue()), ("a.csv", content)):
        with suppress(ConfigError):
            assert isinstance(sheets.read(name, raw), tuple)
