"""What is remembered of the sources between two rounds, and when the operator hears that one is not well.

A fault is told once, with its cure, and once more when it is over. A passing one is told only after three rounds in
a row, or half an hour: one lost packet is no news. Where nearly all sources fail at once it is our own network: that
is told once for all of them, and while it lasts no single source is blamed. What a source brings is learned here by
the rules of `routing/health.py`; `look`, once a minute, hears the silence that no round can show.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, bindparam, case, func, or_, select, update
from sqlalchemy.orm import Session

from routing import ailments, health
from routing.ailments import DESK, News
from routing.answered import note_answered, unusual_of
from routing.health import Days, Past, Polls
from routing.items import Ailment, Fault, Harvest, SourceState, Symptom
from routing.ledger import Ledger
from routing.office import Office
from routing.store.lock import serialise
from routing.store.tables import AilmentRow, CommentWatchRow, SourceRow

PASSING = frozenset({Fault.NETWORK, Fault.TIMEOUT, Fault.STATUS})
LINE = frozenset({Fault.NETWORK, Fault.TIMEOUT})
"""Faults that our own network makes too."""
TELL_PASSING_AFTER = 3
TELL_PASSING_LASTING = timedelta(minutes=30)
HOLE = timedelta(minutes=10)
"""A poll so much later than planned was not late, we were away: the watch was broken."""
STUCK_AFTER = timedelta(minutes=15)
WINDOWS_MIN = (5, 15, 60, 120)
"""Polls of so many minutes show how the network is now; the shortest with enough of them counts."""
AT_ONCE = 500
LOOKS_AT_ONCE = 200
"""The rest waits for the next minute: a press must not wait for a look."""

APPROVE = "approve"
"""In the memory of a page: the operator accepts it as it is found next. The reader drops it when it did so."""

_REMEMBERED = tuple(field.name for field in fields(SourceState) if field.name != "source_id")
_table = SourceRow.__table__
assert isinstance(_table, Table)
_columns = _table.c
_stored = select(_columns.id, *(_columns[name] for name in _REMEMBERED)).where(
    _columns.id.in_(bindparam("ids", expanding=True))
)
_ill = select(AilmentRow.source_id).where(AilmentRow.ailment.in_(ailments.ON_THE_WAY)).distinct()


# --- what the monitors ask and report -------------------------------------------------------------------------


def states(session: Session, source_ids: Sequence[str]) -> Mapping[str, SourceState]:
    """Give what is remembered of each source; one that is not known yet gets the empty state."""
    found: dict[str, SourceState] = {}
    connection = session.connection()
    for some in _portions(source_ids):
        for row in connection.execute(_stored, {"ids": some}).all():
            found[row[0]] = _state(*row)
    for source_id in source_ids:
        if source_id not in found:
            found[source_id] = SourceState(source_id)
    return found


def schedule(session: Session, source_ids: Sequence[str]) -> Mapping[str, datetime | None]:
    """Give when each source that has a state is due; None: at once."""
    wanted = set(source_ids)
    rows = session.execute(select(SourceRow.id, SourceRow.next_poll_at)).all()
    return {source_id: at for source_id, at in rows if source_id in wanted}


def touch(
    session: Session, office: Office, ledger: Ledger, states: Sequence[SourceState], now: datetime
) -> None:
    """Note that sources answered as before, and well: many in one statement.

    One of which more is to be noted (it was ill, or we were away) is taken alone, after the others. In the order of
    their names, so that two machines never wait for each other in a circle.
    """
    newest = {state.source_id: state for state in states}
    ordered = [newest[source_id] for source_id in sorted(newest)]
    serialise(session, *(f"source:{source_id}" for source_id in newest))
    ill = set(session.scalars(_ill))
    away_before = now - HOLE
    well = [state for state in ordered if state.source_id not in ill]
    special = ill & newest.keys()
    if well and note_answered(session, well, away_before) < len(well):
        for some in _portions([state.source_id for state in well]):
            special |= unusual_of(session, some, away_before)
    known = rows_of(session, special)
    harvests = [
        Harvest(state.source_id, now, state, looked=False) for state in ordered if state.source_id in special
    ]
    saved = [(save_state(session, harvest, known.get(harvest.source_id)), harvest) for harvest in harvests]
    note(session, office, ledger, saved, {}, now)


def hold(session: Session, harvests: Sequence[Harvest]) -> None:
    """Wait until no other machine takes in these sources; where some cannot be reached, also for who looks at all."""
    serialise(session, *(f"source:{harvest.source_id}" for harvest in harvests))
    if any(harvest.problem is not None and harvest.problem.fault in LINE for harvest in harvests):
        serialise(session, f"source:{DESK}")  # several may come to see at once that it is our network


def rows_of(session: Session, source_ids: Collection[str]) -> dict[str, SourceRow]:
    """Give the rows of the sources that have one, by id."""
    found: dict[str, SourceRow] = {}
    for some in _portions(sorted(source_ids)):
        found |= {row.id: row for row in session.scalars(select(SourceRow).where(SourceRow.id.in_(some)))}
    return found


def save_state(session: Session, harvest: Harvest, row: SourceRow | None) -> SourceRow:
    """Save the state that a harvest brought, in the transaction of its items; `note` must follow.

    `row`: the source's, None where it has none yet.
    """
    if row is None:
        row = SourceRow(id=harvest.source_id)
        session.add(row)
    elif harvest.problem is not None or _was_away(row, harvest.at):
        _break_off(row)
    new = harvest.state
    for name in _REMEMBERED:
        if name not in {"raw_hashes", "expected_per_h", "approve_asked_at"}:
            setattr(row, name, getattr(new, name))
    _settle_approval(row, new)
    row.raw_hashes = new.raw_hashes or None
    row.last_polled_at = harvest.at
    return row


def _settle_approval(row: SourceRow, new: SourceState) -> None:
    """An approval is done with once a reader that knew of it has let it go.

    One that was asked for while the round was under way waits for the next.
    """
    if new.approve_asked_at is None or new.approve_asked_at != row.approve_asked_at:
        return
    if APPROVE not in json.loads(new.memory or "{}"):
        row.approve_asked_at = None


def _was_away(row: SourceRow, at: datetime) -> bool:
    # What is pushed has no plan: `look` says each minute that we are there.
    planned = row.next_poll_at or row.last_polled_at
    return planned is not None and at - planned > HOLE


def _break_off(row: SourceRow) -> None:
    past = health.past(row.habits)
    if past.watched_from is not None:
        row.habits = past.broken_off(row.last_polled_at).as_json()


def note(
    session: Session,
    office: Office,
    ledger: Ledger,
    saved: Sequence[tuple[SourceRow, Harvest]],
    new: Mapping[str, int],
    now: datetime,
) -> None:
    """Note how sources are, tell the operator what is new and what is over, and learn when they bring something.

    Each source at most once. `new`: how many items were new, by source. Safe to call twice with the same rounds.
    """
    session.flush()
    ill = ailments.of(session, [row.id for row, _ in saved])
    for row, harvest in saved:
        past = health.past(row.habits)
        if harvest.problem is not None:
            noted = _note_fault(session, office, ledger, row, past, harvest, now)
        else:
            noted = _note_answer(session, office, ledger, row, past, harvest, ill.get(row.id, {}), now)
        if new.get(row.id):
            noted = noted.brought(new[row.id], harvest.at)
            row.expected_per_h = noted.per_hour()
            row.last_new_at, row.look_at = harvest.at, harvest.at + health.FIRST_LOOK
        if noted != past:
            row.habits = noted.as_json()


# --- faults and ailments of one source ------------------------------------------------------------------------


def _note_answer(
    session: Session,
    office: Office,
    ledger: Ledger,
    row: SourceRow,
    past: Past,
    harvest: Harvest,
    ill: Mapping[Ailment, AilmentRow],
    now: datetime,
) -> Past:
    symptoms = [*harvest.symptoms]
    told_since = row.fault_since or now if row.fault_told_at is not None else None
    if row.fault_since is not None and told_since is None and not _is_our_network(session):
        past = past.lost_between(row.fault_since, now)
        if often := health.failing_often(past, now):
            symptoms.append(often)
    row.fault = row.fault_detail = row.fault_since = row.fault_told_at = None
    if row.baseline_done:
        if harvest.items or harvest.push is not None or past.watched_from is None:
            past = past.watched(harvest.at, _days(office))
        if row.last_new_at is None:  # from here on silence is counted
            row.last_new_at, row.look_at = harvest.at, harvest.at + health.FIRST_LOOK
    among = ailments.SEEN if harvest.looked else ailments.ON_THE_WAY
    news, rounds = ailments.compare(session, row.id, ill, symptoms, among, past.rounds, now)
    ailments.tell(session, office, ledger, row.id, replace(news, fault_since=told_since), now)
    return replace(past, told=(), rounds=rounds)


def _note_fault(
    session: Session,
    office: Office,
    ledger: Ledger,
    row: SourceRow,
    past: Past,
    harvest: Harvest,
    now: datetime,
) -> Past:
    problem = harvest.problem
    assert problem is not None
    row.fault, row.fault_detail = problem.fault.value, f"{problem.detail}。{problem.cure}"
    row.fault_since = row.fault_since or now
    if _is_our_network(session):
        if problem.fault in LINE:
            _freeze(row, harvest, now)
        return past
    family = "passing" if problem.fault in PASSING else problem.fault.value
    if family in past.told or (problem.fault in PASSING and not _lasts(row, now)):
        return past
    if problem.fault in LINE:
        session.flush()
        polls = _polls(session, now)
        if polls.is_our_network():
            known = ailments.find(session, DESK, Ailment.NETWORK)
            _open(session, office, ledger, polls.symptom(), now, known)
            _freeze(row, harvest, now)
            return past
    row.fault_told_at = row.fault_told_at or now
    ailments.tell_fault(session, office, ledger, row.id, row.fault, row.fault_detail, row.fault_since, now)
    return replace(past, told=(*past.told, family))


def _lasts(row: SourceRow, now: datetime) -> bool:
    assert row.fault_since is not None
    long = row.failures > 1 and now - row.fault_since >= TELL_PASSING_LASTING
    return row.failures >= TELL_PASSING_AFTER or long


def _freeze(row: SourceRow, harvest: Harvest, now: datetime) -> None:
    """Count no failure against a source that our own network keeps from us, and ask it at its usual pace."""
    row.failures = max(0, harvest.state.failures - 1)
    usual = now + timedelta(seconds=harvest.interval_s)
    row.next_poll_at = min(row.next_poll_at or usual, usual)


# --- what no round of one source can show ---------------------------------------------------------------------


def look(
    session: Session, office: Office, ledger: Ledger, now: datetime, watched: Mapping[str, timedelta | None]
) -> int:
    """Look over all sources, a few times a minute; gives how many changes for better or worse were found.

    `watched`: the configured sources, each with the silence that is too long for it (None: learned, zero: none is).
    1. What ails sources that are not configured any more is let go without a word.
    2. Is it our network? Do we get round to all of them?
    3. Whose silence is due to be looked at, and is over or an alarm; who fails less often again.
    """
    found = _unusual(session, now)
    under_watch = set(session.scalars(select(CommentWatchRow.source_id).where(CommentWatchRow.until > now)))
    keep = under_watch | set(watched)
    ailments.forget(session, sorted(keep))
    _forget_faults(session, [one.id for one in found if one.has_fault and one.id not in keep])
    ours = [one for one in found if one.id in watched]
    waiting = sorted((one.look_at, one.id) for one in ours if one.look_at is not None and one.look_at <= now)
    due = [source_id for _, source_id in waiting[:LOOKS_AT_ONCE]]
    open_rows = _open_rows(session)
    for source_id in sorted({*due, *(row.source_id for row in open_rows)} - {DESK}):
        serialise(session, f"source:{source_id}")  # before anything is told: the record is locked last
    serialise(session, f"source:{DESK}")
    _stay_with_the_pushed(session, [one for one in ours if one.is_pushed], now)
    late = [one.next_poll_at for one in ours if one.next_poll_at and one.next_poll_at < now - STUCK_AFTER]
    changes = _look_at_us(session, office, ledger, late, now)
    changes += sum(_is_over(session, office, ledger, row, watched, now) for row in open_rows)
    if not _is_our_network(session):
        changes += _look_at_silence(session, office, ledger, due, watched, now)
    return changes


@dataclass(frozen=True, slots=True)
class _Unusual:
    """A source that a look has to do with: due for one, at fault, late, or pushed to us."""

    id: str
    has_fault: bool
    next_poll_at: datetime | None
    look_at: datetime | None
    last_polled_at: datetime | None

    @property
    def is_pushed(self) -> bool:
        return self.next_poll_at is None and self.last_polled_at is not None


def _unusual(session: Session, now: datetime) -> list[_Unusual]:
    has_fault = or_(SourceRow.fault.is_not(None), SourceRow.fault_told_at.is_not(None))
    rows = session.execute(
        select(
            SourceRow.id, has_fault, SourceRow.next_poll_at, SourceRow.look_at, SourceRow.last_polled_at
        ).where(
            or_(
                has_fault,
                SourceRow.next_poll_at < now - STUCK_AFTER,
                SourceRow.next_poll_at.is_(None),
                SourceRow.look_at <= now,
            )
        )
    )
    return [_Unusual(row[0], bool(row[1]), *row[2:]) for row in rows]


def _forget_faults(session: Session, source_ids: Sequence[str]) -> None:
    for some in _portions(source_ids):
        for row in session.scalars(select(SourceRow).where(SourceRow.id.in_(some)).order_by(SourceRow.id)):
            # What was told is forgotten too: one that is watched again alarms again.
            row.habits = replace(health.past(row.habits), told=(), rounds={}).as_json()
        session.flush()
        session.execute(
            update(SourceRow)
            .where(SourceRow.id.in_(some))
            .values(fault=None, fault_detail=None, fault_since=None, fault_told_at=None)
            .execution_options(synchronize_session=False)
        )


def _stay_with_the_pushed(session: Session, pushed: Sequence[_Unusual], now: datetime) -> None:
    """Note that we were there to be pushed to; where the last such note is old, we were not."""
    for one in pushed:
        assert one.last_polled_at is not None
        if now - one.last_polled_at > HOLE:
            row = session.get_one(SourceRow, one.id)
            _break_off(row)
    for some in _portions([one.id for one in pushed]):
        session.flush()
        session.execute(update(SourceRow).where(SourceRow.id.in_(some)).values(last_polled_at=now))


def _look_at_us(
    session: Session, office: Office, ledger: Ledger, late: Sequence[datetime], now: datetime
) -> int:
    changes = 0
    polls = _polls(session, now)
    down = ailments.find(session, DESK, Ailment.NETWORK)
    if down is None and polls.is_our_network():
        changes += _open(session, office, ledger, polls.symptom(), now)
    elif down is not None and polls.is_over():
        # Those that still fail are counted from now on: what was before was not theirs. Before anything is told: the
        # record is locked last.
        session.execute(
            update(SourceRow)
            .where(SourceRow.fault.in_([fault.value for fault in LINE]), SourceRow.fault_told_at.is_(None))
            .values(fault_since=now)
            .execution_options(synchronize_session="fetch")
        )
        changes += _close(session, office, ledger, down, now)
    stuck = ailments.find(session, DESK, Ailment.STUCK)
    if late:
        oldest = min(late).astimezone(office.zone)
        detail = f"有 {len(late)} 个来源早该读取而没有读，最早的应在 {oldest:%m-%d %H:%M}"
        cure = "请看读取程序是否在运行、日志有无报错；来源太多或太慢时请调大 interval_s"
        changes += _open(session, office, ledger, Symptom(Ailment.STUCK, detail, cure), now, stuck)
    elif stuck is not None:
        changes += _close(session, office, ledger, stuck, now)
    return changes


def _open(
    session: Session,
    office: Office,
    ledger: Ledger,
    symptom: Symptom,
    now: datetime,
    known: AilmentRow | None = None,
) -> bool:
    to_tell = ailments.begin(session, DESK, symptom, now, known=known)
    if to_tell:
        ailments.tell(session, office, ledger, DESK, News((symptom,)), now)
    session.flush()
    return to_tell


def _close(session: Session, office: Office, ledger: Ledger, row: AilmentRow, now: datetime) -> bool:
    to_tell = ailments.end(session, row)
    if to_tell:
        ailments.tell(session, office, ledger, row.source_id, News(over=(row.ailment,)), now)
    session.flush()
    return to_tell


def _is_our_network(session: Session) -> bool:
    return ailments.find(session, DESK, Ailment.NETWORK) is not None


def _polls(session: Session, now: datetime) -> Polls:
    """Count the newest polls over the network, in the shortest window that holds enough of them.

    A source that is asked once an hour and answered 50 minutes ago knows nothing of a network that died since. One
    whose answer has no web address (a file) never needed it.
    """
    failed = SourceRow.fault.in_([fault.value for fault in LINE])
    starts = {minutes: now - timedelta(minutes=minutes) for minutes in WINDOWS_MIN}
    recent = {minutes: SourceRow.last_polled_at > start for minutes, start in starts.items()}
    counts = session.execute(
        select(
            *(func.count(case((within, 1))) for within in recent.values()),
            *(func.count(case((within & failed, 1))) for within in recent.values()),
        ).where(
            SourceRow.last_polled_at > min(starts.values()),
            SourceRow.next_poll_at.is_not(None),
            or_(SourceRow.validator_url.is_(None), SourceRow.validator_url.like("http%")),
        )
    ).one()
    windows = len(WINDOWS_MIN)
    found = [
        Polls(polled, unreachable, minutes)
        for polled, unreachable, minutes in zip(counts[:windows], counts[windows:], WINDOWS_MIN, strict=True)
    ]
    return next((polls for polls in found if polls.polled >= health.NETWORK_AT_LEAST), found[-1])


def _open_rows(session: Session) -> list[AilmentRow]:
    """Give what the core found of single sources and must itself see the end of."""
    wanted = AilmentRow.ailment.in_([Ailment.SILENT, Ailment.ERRORS])
    return list(session.scalars(select(AilmentRow).where(wanted).order_by(AilmentRow.source_id)))


def _is_over(
    session: Session,
    office: Office,
    ledger: Ledger,
    row: AilmentRow,
    watched: Mapping[str, timedelta | None],
    now: datetime,
) -> bool:
    source = session.get(SourceRow, row.source_id)
    if source is None:
        return False
    if row.ailment is Ailment.ERRORS:
        share = health.past(source.habits).lost_share(now)
        return (
            source.fault is None and share < health.LITTLE_LOST and _close(session, office, ledger, row, now)
        )
    if watched.get(row.source_id) == timedelta(0):  # not to be told of silence any more
        ailments.end(session, row)
        return False
    news_came = source.last_new_at is not None and source.last_new_at > row.since
    return news_came and _close(session, office, ledger, row, now)


def _look_at_silence(
    session: Session,
    office: Office,
    ledger: Ledger,
    source_ids: Sequence[str],
    watched: Mapping[str, timedelta | None],
    now: datetime,
) -> int:
    days, found = _days(office), 0
    rows = session.scalars(select(SourceRow).where(SourceRow.id.in_(source_ids)).order_by(SourceRow.id))
    for row in rows.all():
        past = health.past(row.habits)
        if past.watched_from is None or row.last_polled_at is None or row.last_new_at is None:
            row.look_at = now + health.FIRST_LOOK  # it cannot be read: that is told elsewhere
            continue
        past = past.watched(row.last_polled_at, days)
        if row.last_polled_at - row.last_new_at >= health.SHORTEST_SILENCE:
            past = past.long_silent()
        row.habits, row.expected_per_h = past.as_json(), past.per_hour()
        limit = watched[row.id]
        symptom = _silence(past, row.last_new_at, row.last_polled_at, limit, days)
        row.look_at = _next_look(past, row.last_new_at, limit, now, days)
        if symptom is None or _explained(session, row.id):
            continue
        known = ailments.find(session, row.id, Ailment.SILENT)
        if ailments.begin(session, row.id, symptom, now, known=known, since=row.last_new_at):
            ailments.tell(session, office, ledger, row.id, News((symptom,)), now)
            found += 1
    return found


def _silence(
    past: Past, newest: datetime, until: datetime, limit: timedelta | None, days: Days
) -> Symptom | None:
    if limit is None:
        return health.too_silent(past, newest, until, days)
    return health.too_silent_by_rule(newest, until, limit, days) if limit else None


def _next_look(past: Past, newest: datetime, limit: timedelta | None, now: datetime, days: Days) -> datetime:
    if limit and newest + limit > now:
        return min(newest + limit, now + health.LOOK_AGAIN)
    if limit is None and newest + health.SHORTEST_SILENCE > now:
        return newest + health.SHORTEST_SILENCE
    if limit is None:
        return past.next_look(now, days)
    return now + health.LOOK_AGAIN


def _explained(session: Session, source_id: str) -> bool:
    """Tell whether it was said in other words already that nothing comes."""
    others = (Ailment.FROZEN, Ailment.OVERDUE)
    return any(ailments.find(session, source_id, ailment) is not None for ailment in others)


def _days(office: Office) -> Days:
    return Days(office.zone, office.overrides)


def _portions(source_ids: Sequence[str]) -> Iterator[list[str]]:
    ids = list(source_ids)
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]


def _state(source_id: str, *values: Any) -> SourceState:
    state = SourceState(source_id, *values)
    if state.raw_hashes is None:
        state = replace(state, raw_hashes=b"")
    if state.approve_asked_at is not None and state.memory is not None:
        asked = {**json.loads(state.memory), APPROVE: True}
        state = replace(state, memory=json.dumps(asked, ensure_ascii=False))
    return state
