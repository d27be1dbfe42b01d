"""Which matters of an older ledger (旧台账) are known already, and what their rows say otherwise now. Reads only."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing.legacy_form import Field
from routing.legacy_rows import OldMatter
from routing.store.tables import CaseItemRow, CaseRow, ItemRow, LegacyRow

AT_ONCE = 500


class Fate(StrEnum):
    """What becomes of a row."""

    NEW = "new"
    SAME = "same"  # taken over before, and says the same
    CHANGED = "changed"  # taken over before, and says something else now: a person decides
    HERE = "here"  # this desk's own matter: by its number, or by the link of its text


@dataclass(frozen=True, slots=True)
class Sorted:
    """A matter and what becomes of it; of one that is known our number, and what its row says otherwise (Chinese)."""

    matter: OldMatter
    fate: Fate
    number: str = ""
    changes: tuple[str, ...] = ()


def sort(session: Session, matters: Sequence[OldMatter]) -> list[Sorted]:
    """Say of every matter whether it is new. Reads only."""
    known = _known(session, [matter.key for matter in matters])
    own = _own(session, matters)
    linked = _linked(session, [matter.url for matter in matters if matter.url])
    found = []
    for matter in matters:
        if matter.key in known:
            row, number = known[matter.key]
            fate = Fate.SAME if row.digest == matter.digest else Fate.CHANGED
            changes = () if fate is Fate.SAME else tuple(_changes(row.said, matter.said))
            found.append(Sorted(matter, fate, number, changes))
        elif number := own.get(matter.number.upper()) or linked.get(matter.url, ""):
            found.append(Sorted(matter, Fate.HERE, number))
        else:
            found.append(Sorted(matter, Fate.NEW))
    return found


def _changes(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for field in Field:
        old, new = before.get(field.value, ""), now.get(field.value, "")
        if old != new:
            yield f"{field.value} 由“{_brief(old)}”变为“{_brief(new)}”"


def _brief(text: str) -> str:
    return text if len(text) <= 20 else text[:19] + "…"


def _known(session: Session, keys: Sequence[str]) -> dict[str, tuple[LegacyRow, str]]:
    found: dict[str, tuple[LegacyRow, str]] = {}
    for some in _portions(keys):
        rows = session.execute(
            select(LegacyRow, CaseRow.number)
            .join(CaseRow, CaseRow.id == LegacyRow.case_id)
            .where(LegacyRow.key.in_(some))
        )
        found |= {row.key: (row, number) for row, number in rows}
    return found


def _own(session: Session, matters: Sequence[OldMatter]) -> dict[str, str]:
    """Give those old numbers that are numbers of this desk: its own ledger, read in again.

    A number that was given here to a matter of an older ledger counts with its title only: that ledger may know it too.
    """
    titles = {matter.number.upper(): matter.title for matter in matters if matter.number}
    found: dict[str, str] = {}
    for some in _portions(list(titles)):
        rows = session.execute(
            select(CaseRow.number, CaseRow.title, CaseRow.imported_at).where(CaseRow.number.in_(some))
        )
        found |= {
            number: number for number, title, imported in rows if not imported or title == titles[number]
        }
    return found


def _linked(session: Session, urls: Sequence[str]) -> dict[str, str]:
    """Give the numbers of this desk's own matters that hold a link."""
    found: dict[str, str] = {}
    for some in _portions(urls):
        rows = session.execute(
            select(ItemRow.url, CaseRow.number)
            .join(CaseItemRow, CaseItemRow.item_id == ItemRow.id)
            .join(CaseRow, CaseRow.id == CaseItemRow.case_id)
            .where(ItemRow.url.in_(some), CaseRow.imported_at.is_(None))
        )
        found |= dict(rows.all())
    return found


def _portions(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(values), AT_ONCE):
        yield values[first : first + AT_ONCE]
