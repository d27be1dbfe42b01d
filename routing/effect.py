"""What an answer did (回应效果): texts, tone and spread of a matter in the day before and the day after its release.

Measured once, a day after, and kept with the release: later texts belong to what came of it later. Nothing is said
where there is too little to compare; and after is not because, so the figures stand side by side without a verdict.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from routing.items import Band
from routing.ledger import Ledger
from routing.standing import refresh
from routing.store.tables import CaseItemRow, CaseRow, ItemRow, ReleaseRow, SpreadRow
from routing.workflow import State

SPAN = timedelta(hours=24)
TEXTS_MIN, SCORED_MIN = 3, 3
"""So many texts on both sides together, and for a share so many scored texts on each side, say something; project defaults."""


@dataclass(frozen=True, slots=True)
class Effect:
    """A day before and a day after a release. Shares in percent; None where too little was scored or noted.

    `grown_…`: what views, reposts and comments together grew by.
    """

    before: int
    after: int
    negative_before: int | None
    negative_after: int | None
    grown_before: int | None
    grown_after: int | None


def measured(stored: Mapping[str, Any] | None) -> Effect | None:
    """Read an effect as it was kept; None where it was not measured yet, or there was too little."""
    return Effect(**stored) if stored else None


def tick(session: Session, ledger: Ledger, now: datetime, limit: int = 50) -> int:
    """Measure the releases that are a day old, each once, with a ledger line where there is something to tell."""
    due = session.execute(
        select(ReleaseRow, CaseRow)
        .join(CaseRow, CaseRow.id == ReleaseRow.case_id)
        .where(ReleaseRow.effect.is_(None), ReleaseRow.at <= now - SPAN)
        .order_by(ReleaseRow.at)
        .limit(limit)
        .with_for_update(of=ReleaseRow, skip_locked=True)
    ).all()
    for release, case in due:
        found = None if case.state is State.MERGED else effect_of(session, case, release.at)
        release.effect = {} if found is None else asdict(found)
        if found is not None:
            ledger.write(session, at=now, actor="系统", action="effect", case_id=case.id, **release.effect)
            refresh(session, case.id, now)
    return len(due)


def effect_of(session: Session, case: CaseRow, at: datetime) -> Effect | None:
    """Compare the day before an instant with the day after it; None where there are too few texts."""
    before, after = _texts(session, case.id, at - SPAN, at), _texts(session, case.id, at, at + SPAN)
    if sum(before.values()) + sum(after.values()) < TEXTS_MIN:
        return None
    sums = [_sum(session, case, when) for when in (at - SPAN, at, at + SPAN)]
    return Effect(
        before=sum(before.values()),
        after=sum(after.values()),
        negative_before=_share(before),
        negative_after=_share(after),
        grown_before=_difference(sums[0], sums[1]),
        grown_after=_difference(sums[1], sums[2]),
    )


def _texts(session: Session, case_id: int, start: datetime, end: datetime) -> dict[Band | None, int]:
    """Count the texts of a matter that were published in a span, by tone; undated ones when they were first seen."""
    at = func.coalesce(ItemRow.published_at, ItemRow.first_seen_at)
    rows = session.execute(
        select(ItemRow.sentiment_band, func.count())
        .join(CaseItemRow, CaseItemRow.item_id == ItemRow.id)
        .where(CaseItemRow.case_id == case_id, at >= start, at < end)
        .group_by(ItemRow.sentiment_band)
    )
    return dict(rows.all())


def _share(texts: Mapping[Band | None, int]) -> int | None:
    scored = sum(count for band, count in texts.items() if band is not None)
    return round(100 * texts.get(Band.NEGATIVE, 0) / scored) if scored >= SCORED_MIN else None


def _sum(session: Session, case: CaseRow, at: datetime) -> int | None:
    """Give views, reposts and comments as they stood at an instant, by the hourly notes; None where nobody noted."""
    if case.opened_at >= at:
        return 0
    row = session.scalar(
        select(SpreadRow)
        .where(SpreadRow.case_id == case.id, SpreadRow.at <= at)
        .order_by(SpreadRow.at.desc())
        .limit(1)
    )
    return None if row is None else row.views + row.reposts + row.comments


def _difference(first: int | None, last: int | None) -> int | None:
    return None if first is None or last is None else max(0, last - first)
