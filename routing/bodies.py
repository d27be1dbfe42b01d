"""Which units (责任单位) a matter is proposed to, as the store knows it. Reads only; `routing.competence` decides."""

from dataclasses import replace

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from routing.competence import Competent, Earlier, competent
from routing.office import Channel, Office
from routing.procedure import UNJUDGED, WITH_CHANNEL
from routing.store.tables import AssignmentRow, CaseRow
from routing.views import CaseView
from routing.workflow import State

REMEMBERED = 300
"""So many of the newest slips of a channel speak for what is usual; project default."""
_to_dispatch = frozenset({*UNJUDGED, *WITH_CHANNEL, State.RETURNED, State.WATCHING, State.TO_ORDER})


def with_units(session: Session, office: Office, view: CaseView) -> CaseView:
    """Say with a view which units of each channel a matter is proposed to, while it can still be given to one."""
    several = [channel for channel in office.channels.values() if channel.bodies]
    if not several or view.state not in _to_dispatch:
        return view
    return replace(view, competent={channel.key: _of(session, channel, view) for channel in several})


def _of(session: Session, channel: Channel, view: CaseView) -> Competent:
    text = view.lead.text if view.lead else ""
    return competent(channel, view.title, text, view.subject, earlier(session, channel, view.id))


def earlier(session: Session, channel: Channel, without: int) -> list[Earlier]:
    """List the newest matters that units of a channel were given and kept, without one case (its id).

    What was returned, or given to another unit after, was no choice that stood.
    """
    later = aliased(AssignmentRow)
    rows = session.execute(
        select(AssignmentRow.unit, CaseRow.subject, CaseRow.title)
        .join(CaseRow, CaseRow.id == AssignmentRow.case_id)
        .where(
            AssignmentRow.channel == channel.key,
            AssignmentRow.unit.in_(channel.units()),
            AssignmentRow.returned_at.is_(None),
            AssignmentRow.case_id != without,
            ~exists().where(later.case_id == AssignmentRow.case_id, later.id > AssignmentRow.id),
        )
        .order_by(AssignmentRow.id.desc())
        .limit(REMEMBERED)
    )
    return [Earlier(unit, subject, title) for unit, subject, title in rows]
