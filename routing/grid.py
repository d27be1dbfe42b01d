"""A sheet of a spreadsheet as raw cells. Pure values: who reads files fills them in."""

from dataclasses import dataclass
from datetime import date, datetime, time


@dataclass(frozen=True, slots=True)
class Unread:
    """A cell whose value the file does not hold; `why` (Chinese)."""

    why: str


Cell = str | int | float | bool | datetime | date | time | Unread | None


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number as the spreadsheet program shows it, its cells from the first column."""

    number: int
    cells: tuple[Cell, ...]
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet. `is_1904`: its serial numbers of days count from 1904, as old Macintosh files do.

    `margins`: what is printed above and below each page; `left`: rows that were too many and not read.
    """

    name: str
    rows: tuple[Row, ...]
    is_1904: bool = False
    margins: tuple[str, ...] = ()
    left: int = 0


def text_of(cell: Cell) -> str:
    """Give a cell as text without blanks around it; empty for None and for what could not be read."""
    if cell is None or isinstance(cell, Unread):
        return ""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return str(cell).strip()
