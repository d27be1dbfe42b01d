"""Records a line: JSON Lines and CSV to rows, a bad line costing itself. Pure; knows no mapping and no item."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

max_field = 1024 * 1024
"""Letters of one field of CSV; what is longer is a quotation mark that was never closed."""


class Row(NamedTuple):
    """One record with its number as a person counts, from 1; `fault` (Chinese) where it could not be read."""

    number: int
    value: object
    fault: str = ""


class Rows(NamedTuple):
    """All rows of a body; `unit` is what their numbers count: 行 (lines) or 条 (entries)."""

    rows: tuple[Row, ...]
    unit: str


def read_lines(text: str) -> Rows:
    """Read a JSON value a line. Blank lines are none; the numbers are those of the lines in this body."""
    # Not by `splitlines`: U+2028 is a letter like any other inside a JSON text.
    lines = enumerate(text.removeprefix("\ufeff").split("\n"), 1)
    return Rows(tuple(_line(number, line) for number, line in lines if line.strip(" \t\r\0")), "行")


def _line(number: int, line: str) -> Row:
    try:
        return Row(number, json.loads(line))
    except (ValueError, RecursionError):
        return Row(number, None, "不是 JSON")


def read_csv(text: str) -> Rows:
    """Read CSV by its header; comma, semicolon or tab. The numbers are those of the lines on which a row ends.

    A row that has another number of fields than the header is a fault: read on, a name could stand in the place of
    the text.
    """
    plain = text.removeprefix("\ufeff").replace("\0", "")
    head = plain.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    previous = csv.field_size_limit(max_field)
    try:
        return Rows(tuple(_csv_rows(csv.reader(io.StringIO(plain, newline=""), delimiter=delimiter))), "行")
    finally:
        csv.field_size_limit(previous)


def _csv_rows(reader: Any) -> Iterator[Row]:
    header: list[str] | None = None
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield Row(reader.line_num, None, "不是完整的表格行")
            continue
        if not any(fields):
            continue
        if header is None:
            header = [name.strip() for name in fields]
        elif len(fields) != len(header):
            yield Row(reader.line_num, None, f"有 {len(fields)} 列，表头有 {len(header)} 列")
        else:
            yield Row(reader.line_num, dict(zip(header, fields, strict=True)))
