"""How many texts came to a matter, or to all matters of a place and topic, in the last hours and on earlier days.

Counted where they stand: each text has the instant at which it was placed, and an index on it. Earlier days are asked
for only where the last hours reach the floor. Comments do not count, they belong to their text.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from routing.burst import DAYS, WINDOWS, Burst, Sensitivity, burst_of, floor_of
from routing.items import LEGACY, Kind
from routing.store.tables import CaseItemRow, CaseRow, ItemRow

_DAY = timedelta(days=1)


class Crowds:
    """Asks for the length of one transaction; what was answered of a place and topic is not asked again."""

    def __init__(self, session: Session, sensitivity: Sensitivity, now: datetime) -> None:
        self._session = session
        self._sensitivity = sensitivity
        self._now = now
        self._known: dict[tuple[str, str | None], Burst | None] = {}
        self._watched_days: int | None = None

    def at(self, place: str, topic: str | None) -> Burst | None:
        """Tell whether a burst is on at a place, about a topic if one is known."""
        key = (place, topic)
        if key not in self._known:
            about = self._about(place, topic)
            self._known[key] = self._burst(about, about)
        return self._known[key]

    def of(self, case: CaseRow) -> Burst | None:
        """Tell whether a burst is on in one matter: its texts of now against all of its place and topic before."""
        own = CaseItemRow.case_id == case.id
        usual = own if case.place is None else or_(own, self._about(case.place, case.topic))
        return self._burst(own, usual)

    def _about(self, place: str, topic: str | None) -> ColumnElement[bool]:
        meant = (
            CaseRow.place == place if topic is None else and_(CaseRow.place == place, CaseRow.topic == topic)
        )
        return CaseItemRow.case_id.in_(select(CaseRow.id).where(meant))

    def _burst(self, now: ColumnElement[bool], usual: ColumnElement[bool]) -> Burst | None:
        for hours in WINDOWS:
            count = self._counts(now, hours, [0])[0]
            if count < floor_of(hours, self._sensitivity):
                continue
            earlier = self._counts(usual, hours, range(1, self._days() + 1))
            found = burst_of(hours, count, earlier, self._sensitivity)
            if found is not None:
                return found
        return None

    def _counts(self, where: ColumnElement[bool], hours: int, days_ago: Sequence[int]) -> list[int]:
        """Count what came in the last hours, each so many days ago; in one statement."""
        if not days_ago:
            return []
        ends = [self._now - days * _DAY for days in days_ago]
        each = [_count(where, end - timedelta(hours=hours), end).scalar_subquery() for end in ends]
        return list(self._session.execute(select(*each)).one())

    def _days(self) -> int:
        """Give for how many days, seven at most, something was watched."""
        if self._watched_days is None:
            first = self._session.scalar(
                select(func.min(ItemRow.first_seen_at)).where(ItemRow.source_id != LEGACY)
            )
            self._watched_days = 0 if first is None else min(DAYS, (self._now - first) // _DAY)
        return self._watched_days


def _count(where: ColumnElement[bool], start: datetime, end: datetime) -> Select[int]:
    return (
        select(func.count())
        .select_from(CaseItemRow)
        .join(ItemRow, ItemRow.id == CaseItemRow.item_id)
        .where(where, CaseItemRow.at > start, CaseItemRow.at <= end, ItemRow.kind != Kind.COMMENT)
    )
