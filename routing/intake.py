"""The door for monitors: what is known of the sources, and one harvest taken in whole, in one transaction.

Each new item is judged by the rules, joins the case of its matter or opens one, and leaves its reason, also where it
became nothing. The source's validators and cursor are saved in the same transaction: what was not committed is
fetched again, what was committed is not taken twice.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing import announce, deadlines
from routing.counters import head_of
from routing.grouping import Match, Trace, find_match
from routing.items import OWN_TAG, Counts, Harvest, Item
from routing.ledger import Ledger
from routing.normal import fingerprint, normal, numbers
from routing.office import Level, Office, Step
from routing.rules import Judgement, Rules, Subject
from routing.sources import note_problem, save_state
from routing.store.lock import serialise
from routing.store.tables import (
    CaseItemRow,
    CaseRow,
    ItemRow,
    Outcome,
    ProposalRow,
    SourceRow,
)
from routing.workflow import ENDED, State

WINDOW = timedelta(hours=72)
WINDOW_ITEMS = 2_000
TITLE_MAX = 60
SPREAD_WINDOW = timedelta(hours=24)


def accept(
    session: Session, office: Office, rules: Rules, ledger: Ledger, harvest: Harvest, now: datetime
) -> list[str]:
    """Take in one harvest. Gives one line an item that is new or changed: what became of it (Chinese).

    Safe to call twice with the same harvest: items are unique by source and external id.
    """
    # Two machines on one database: what the other one took in must be seen before we look for a matter to join.
    serialise(session, "intake")
    source = session.get(SourceRow, harvest.source_id)
    baseline = source is None or not source.baseline_done
    source = save_state(session, harvest)
    note_problem(session, office, ledger, source, harvest, now)
    if not harvest.items:
        return []
    known = _known(session, harvest)
    recent = _recent(session, now)
    lines = []
    for item in sorted({i.external_id: i for i in harvest.items}.values(), key=_order_of_appearance):
        row = known.get(item.external_id)
        if row is not None:
            line = _revise(session, office, rules, ledger, harvest, row, item, recent, now)
        else:
            line = _take(session, office, rules, ledger, harvest, item, recent, baseline, now)
        if line:
            lines.append(f"{item.title[:30] or item.text[:30]}　→　{line}")
    return lines


def _order_of_appearance(item: Item) -> tuple[bool, str, str]:
    # Parents before their comments, the older before the newer; then by id, so that two runs do the same.
    published = item.published_at.isoformat() if item.published_at else ""
    return (item.parent_id is not None, published, item.external_id)


def _take(
    session: Session,
    office: Office,
    rules: Rules,
    ledger: Ledger,
    harvest: Harvest,
    item: Item,
    recent: list[Trace],
    baseline: bool,
    now: datetime,
) -> str:
    judgement = rules.judge(_subject(item, harvest.tags))
    row = _store(session, item, judgement, rules.version, now)
    if baseline:
        row.outcome = Outcome.BASELINE
        return "首次接入，记为存量，不告警"
    return _place(session, office, rules, ledger, row, judgement, recent, now)


def _place(
    session: Session,
    office: Office,
    rules: Rules,
    ledger: Ledger,
    row: ItemRow,
    judgement: Judgement,
    recent: list[Trace],
    now: datetime,
) -> str:
    """Find the matter of a text that has none, or open one, or say why it is none."""
    match = None if judgement.ignored else find_match(_trace(row, None), recent)
    # A comment says "same here" in words that no rule knows: its parent's matter is reason enough.
    if match is None and not judgement.relevant:
        return "不成事项：" + "；".join(str(reason) for reason in judgement.reasons)
    if match is not None:
        case = _join(session, office, ledger, row, match, judgement, now)
        line = f"并入 {case.number}：{match.why}"
    else:
        case = _open(session, office, rules, ledger, row, judgement, now)
        line = f"新事项 {case.number}：" + "；".join(str(reason) for reason in judgement.reasons)
    row.outcome = Outcome.CASE
    recent.append(_trace(row, case.id))
    return line


def _subject(item: Item, tags: tuple[str, ...]) -> Subject:
    return Subject(
        title=item.title,
        text=item.text,
        kind=item.kind,
        tags=tags,
        band=item.sentiment.band if item.sentiment else None,
        counts=item.counts,
        own=OWN_TAG in tags,
    )


def _store(session: Session, item: Item, judgement: Judgement, rules_version: str, now: datetime) -> ItemRow:
    row = ItemRow(
        source_id=item.source_id,
        external_id=item.external_id,
        url=item.url,
        kind=item.kind,
        parent_id=item.parent_id,
        published_at=item.published_at,
        date_note=item.date_note,
        first_seen_at=now,
        outcome=Outcome.NONE,
    )
    _write(row, item)
    _judge(row, judgement, rules_version)
    _count(row, item.counts)
    session.add(row)
    session.flush()
    return row


def _write(row: ItemRow, item: Item) -> None:
    row.title, row.text, row.content_hash = item.title, item.text, item.content_hash()
    row.masked = list(item.masked)
    _score(row, item)


def _judge(row: ItemRow, judgement: Judgement, rules_version: str) -> None:
    row.fingerprint = fingerprint(row.title, row.text)
    row.numbers = sorted(numbers(f"{row.title} {row.text}"))
    row.places, row.topic = list(judgement.places), judgement.topic
    row.reasons = [asdict(reason) for reason in judgement.reasons]
    row.rules_version = rules_version


def _count(row: ItemRow, counts: Counts) -> None:
    row.views, row.likes, row.reposts, row.comments = (
        counts.views,
        counts.likes,
        counts.reposts,
        counts.comments,
    )


def _score(row: ItemRow, item: Item) -> None:
    score = item.sentiment
    row.sentiment_raw = score.raw if score else None
    row.sentiment_value = score.value if score else None
    row.sentiment_band = score.band if score else None
    row.scorer = f"{score.scorer} {score.version}" if score else None


def _revise(
    session: Session,
    office: Office,
    rules: Rules,
    ledger: Ledger,
    harvest: Harvest,
    row: ItemRow,
    item: Item,
    recent: list[Trace],
    now: datetime,
) -> str | None:
    """Bring a known item up to date: counts always, the text where it changed. Never moves it to another case.

    A changed text that was no matter is judged again: it may have become one.
    """
    counts = Counts(row.views, row.likes, row.reposts, row.comments)
    changed = row.content_hash != item.content_hash()
    if not changed and counts == item.counts:
        return None
    _count(row, item.counts)
    if changed:
        _write(row, item)
        row.revision += 1
    line = f"内容有修改，记为第 {row.revision} 版" if changed else None
    case_id = session.scalar(select(CaseItemRow.case_id).where(CaseItemRow.item_id == row.id))
    if case_id is not None:
        case = session.get_one(CaseRow, case_id, with_for_update=True)
        proposed = case.proposed_level
        _propose_level(session, office, ledger, case, now)
        # Counts alone change at every poll: a card edited for each would use up what a group may be sent.
        if (changed or case.proposed_level != proposed) and case.state not in ENDED:
            announce.grown(session, case, now)
    elif changed and row.outcome is Outcome.NONE:
        judgement = rules.judge(_subject(item, harvest.tags))
        _judge(row, judgement, rules.version)
        line = f"{line}；{_place(session, office, rules, ledger, row, judgement, recent, now)}"
    return line


def _open(
    session: Session,
    office: Office,
    rules: Rules,
    ledger: Ledger,
    row: ItemRow,
    judgement: Judgement,
    now: datetime,
) -> CaseRow:
    assert judgement.channel is not None
    proposed = judgement.level or Level.IV
    case = CaseRow(
        number=_number(session, now, office.zone),
        state=State.JUDGING,
        level=proposed,
        proposed_level=proposed,
        channel=judgement.channel,
        copies=list(judgement.copies),
        title=_title(row),
        place=judgement.places[0] if judgement.places else None,
        topic=judgement.topic,
        must_answer=judgement.must_answer,
        opened_at=now,
    )
    session.add(case)
    session.flush()
    _attach(session, case, row, "首条信息", 1.0, now)
    spread = _spread_level(session, office, case, now)
    if spread < case.level:
        case.level = case.proposed_level = spread
    session.add(
        ProposalRow(
            case_id=case.id,
            item_id=row.id,
            channel=case.channel,
            level=case.proposed_level,
            reasons=[asdict(reason) for reason in judgement.reasons],
            rules_version=rules.version,
            at=now,
        )
    )
    ledger.write(
        session,
        at=now,
        actor="系统",
        action="open",
        case_id=case.id,
        number=case.number,
        channel=case.channel,
        level=int(case.level),
        item=row.id,
        reasons=[str(reason) for reason in judgement.reasons],
    )
    deadlines.start(session, office, case, (Step.RESPOND, Step.DISPATCH), now)
    announce.opened(session, office, case, now)
    return case


def _join(
    session: Session,
    office: Office,
    ledger: Ledger,
    row: ItemRow,
    match: Match,
    judgement: Judgement,
    now: datetime,
) -> CaseRow:
    case = session.get_one(CaseRow, match.case_id, with_for_update=True)
    _attach(session, case, row, match.why, match.certainty, now)
    ledger.write(session, at=now, actor="系统", action="join", case_id=case.id, item=row.id, why=match.why)
    if judgement.relevant and judgement.level is not None and case.state not in ENDED:
        _raise_to(session, office, ledger, case, judgement.level, now)
    _propose_level(session, office, ledger, case, now)
    if case.state is State.CLOSED:
        announce.tell(
            session,
            case,
            chat=office.duty_chat,
            template="after_close",
            key=f"after:{case.id}:{case.version}",
            now=now,
        )
    announce.grown(session, case, now)
    return case


def _attach(session: Session, case: CaseRow, row: ItemRow, why: str, certainty: float, now: datetime) -> None:
    session.add(CaseItemRow(item_id=row.id, case_id=case.id, why=why, certainty=certainty, at=now))
    session.flush()


def _propose_level(session: Session, office: Office, ledger: Ledger, case: CaseRow, now: datetime) -> None:
    # A dismissed matter stays dismissed, but who dismissed it must hear that it spreads: he can judge it again.
    if case.state is not State.CLOSED:
        _raise_to(session, office, ledger, case, _spread_level(session, office, case, now), now)


def _raise_to(
    session: Session, office: Office, ledger: Ledger, case: CaseRow, level: Level, now: datetime
) -> None:
    """Propose a graver level. Before a person has judged, the proposal stands; afterwards a person decides."""
    if level >= case.proposed_level:
        return
    old, case.proposed_level = case.proposed_level, level
    if case.state is State.JUDGING and level < case.level:
        case.level = level
        case.version += 1  # what the officer was shown is no longer so: older buttons are stale
        deadlines.replan(session, office, case, now)
    ledger.write(
        session, at=now, actor="系统", action="propose_level", case_id=case.id, frm=int(old), to=int(level)
    )
    announce.level_raised(session, office, case, old, now)


def _spread_level(session: Session, office: Office, case: CaseRow, now: datetime) -> Level:
    """Read the level off the spread of the last 24 h: the sums over the case's items, any one mark suffices."""
    items = session.scalars(
        select(ItemRow)
        .join(CaseItemRow, CaseItemRow.item_id == ItemRow.id)
        .where(CaseItemRow.case_id == case.id, ItemRow.first_seen_at > now - SPREAD_WINDOW)
    ).all()
    views = sum(item.views or 0 for item in items)
    reposts = sum(item.reposts or 0 for item in items)
    comments = sum(item.comments or 0 for item in items)
    for level in sorted(office.marks):
        marks = office.marks[level]
        if views >= marks.views or reposts >= marks.reposts or comments >= marks.comments:
            return level
    return Level.IV


def _number(session: Session, now: datetime, zone: ZoneInfo) -> str:
    year = now.astimezone(zone).year
    return f"YQ-{year}-{head_of(session, f'case:{year}'):04d}"


def _title(row: ItemRow) -> str:
    text = " ".join((row.title or row.text).split())
    return text if len(text) <= TITLE_MAX else text[: TITLE_MAX - 1] + "…"


def _known(session: Session, harvest: Harvest) -> Mapping[str, ItemRow]:
    ids = sorted({item.external_id for item in harvest.items})
    rows = session.scalars(
        select(ItemRow).where(ItemRow.source_id == harvest.source_id, ItemRow.external_id.in_(ids))
    )
    return {row.external_id: row for row in rows}


def _recent(session: Session, now: datetime) -> list[Trace]:
    """Give the items of cases of the last 72 h, oldest first, and no more than the window holds."""
    rows = session.execute(
        select(ItemRow, CaseItemRow.case_id)
        .join(CaseItemRow, CaseItemRow.item_id == ItemRow.id)
        .where(ItemRow.first_seen_at > now - WINDOW)
        .order_by(ItemRow.id.desc())
        .limit(WINDOW_ITEMS)
    ).all()
    return [_trace(row, case_id) for row, case_id in reversed(rows)]


def _trace(row: ItemRow, case_id: int | None) -> Trace:
    return Trace(
        item_id=row.id,
        case_id=case_id,
        source_id=row.source_id,
        external_id=row.external_id,
        parent_id=row.parent_id,
        fingerprint=row.fingerprint,
        normal_title=normal(row.title),
        normal_text=normal(row.text),
        places=frozenset(row.places),
        numbers=frozenset(row.numbers),
        topic=row.topic,
        at=row.published_at or row.first_seen_at,
    )
