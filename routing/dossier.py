"""The whole file of one matter for an inquiry (责任追究), read from the store as values; writes no file and judges nothing.

Who drafted, reviewed and approved, when and with which remark; people decide what follows from it. Whoever calls has
asked for the reason and written it to the ledger.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing import people
from routing.export import LEFT_OUT
from routing.ledger import entries
from routing.office import Level, Step
from routing.owed import Owed
from routing.promises import PromiseView, promises
from routing.store.tables import (
    AssignmentRow,
    CaseItemRow,
    CaseRow,
    DeadlineRow,
    DraftRow,
    ItemRow,
    LedgerRow,
    LegacyRow,
    OutboxRow,
    ReleaseRow,
    ReviewRow,
)
from routing.views import sent_by
from routing.workflow import Aspect, Command, Opinion, Stage, State

SECRET_STAGES = frozenset({Stage.SECRECY, Stage.SUPERIOR})
SECRET_ACTIONS = frozenset({Command.CLEAR.value, Command.WITHHOLD.value, Command.ESCALATE.value})
REASONS_LEFT_OUT = "保密审查依据和理由未导出"


@dataclass(frozen=True, slots=True)
class Scope:
    """What may leave: `full` links and texts of a Ⅰ/Ⅱ matter, `secrecy` the grounds of its secrecy review."""

    full: bool = False
    secrecy: bool = False


@dataclass(frozen=True, slots=True)
class TextPart:
    """A public text of the matter, and why it stands in it. Its author is not known."""

    source: str
    title: str
    url: str
    text: str
    published_at: datetime | None
    seen_at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class SlipPart:
    """A dispatch slip with its way."""

    number: str
    unit: str
    sent_by: str
    sent_at: datetime
    signed_by: str
    signed_at: datetime | None
    returned_by: str
    returned_at: datetime | None
    return_reason: str
    assigned: bool


@dataclass(frozen=True, slots=True)
class OpinionPart:
    """One opinion on one version of the answer."""

    draft: int
    stage: Stage
    opinion: Opinion
    reviewer: str
    at: datetime
    basis: str
    reason: str
    aspects: tuple[Aspect, ...] = ()


@dataclass(frozen=True, slots=True)
class DraftPart:
    """One version of the answer. `sealed`: its words are those that the ledger sealed; None where it sealed none."""

    version: int
    drafter: str
    at: datetime
    openness: str
    text: str
    sealed: bool | None
    openness_reason: str = ""


@dataclass(frozen=True, slots=True)
class ReleasePart:
    """Where an answer was published; `told`: how those concerned heard of one that is not for the public."""

    draft: int
    url: str
    confirmed_by: str
    at: datetime
    index_number: str
    told: str = ""


@dataclass(frozen=True, slots=True)
class LimitPart:
    """A limit and whether it was met; None while it runs."""

    step: Step
    started_at: datetime
    due_at: datetime
    ended_at: datetime | None
    met: bool | None
    reminded: int


@dataclass(frozen=True, slots=True)
class MessagePart:
    """A message about the matter and what became of it. `what`: the card or the sentence."""

    kind: str
    what: str
    chat: str
    draft: int
    state: str
    queued_at: datetime
    sent_at: datetime | None
    attempts: int
    error: str


@dataclass(frozen=True, slots=True)
class LinePart:
    """A line of the ledger; without its left out grounds its seal cannot be computed from what is shown."""

    seq: int
    at: datetime
    actor: str
    action: str
    data: Mapping[str, Any]
    seal: str


@dataclass(frozen=True, slots=True)
class Dossier:
    """The file of a matter. Instants are aware UTC, people are names as they are now; every list oldest first.

    `old`: what an older ledger said of it, heading and text; empty where it began here.
    """

    number: str
    title: str
    state: State
    level: Level
    proposed_level: Level
    channel: str
    opened_at: datetime
    closed_at: datetime | None
    close_reason: str
    must_answer: bool
    returns: int
    texts: tuple[TextPart, ...]
    slips: tuple[SlipPart, ...]
    drafts: tuple[DraftPart, ...]
    opinions: tuple[OpinionPart, ...]
    releases: tuple[ReleasePart, ...]
    promises: tuple[PromiseView, ...]
    limits: tuple[LimitPart, ...]
    messages: tuple[MessagePart, ...]
    lines: tuple[LinePart, ...]
    imported_at: datetime | None = None
    old_number: str = ""
    owed: Owed | None = None
    old: tuple[tuple[str, str], ...] = ()


def dossier(session: Session, case_id: int, scope: Scope) -> Dossier:
    """Assemble the file of a matter as it stands now. Changes nothing."""
    case = session.get_one(CaseRow, case_id)
    shown = scope.full or case.level > Level.II
    drafts = session.scalars(
        select(DraftRow).where(DraftRow.case_id == case_id).order_by(DraftRow.version)
    ).all()
    versions = {draft.id: draft.version for draft in drafts}
    lines = entries(session, case_id)
    return Dossier(
        number=case.number,
        title=case.title,
        state=case.state,
        level=case.level,
        proposed_level=case.proposed_level,
        channel=case.channel,
        opened_at=case.opened_at,
        closed_at=case.closed_at,
        close_reason=case.close_reason or "",
        must_answer=case.must_answer,
        owed=case.owed,
        returns=case.returns,
        texts=_texts(session, case_id, shown=shown),
        slips=_slips(session, case),
        drafts=tuple(_draft(session, draft, lines, shown=shown) for draft in drafts),
        opinions=_opinions(session, versions, scope),
        releases=_releases(session, case_id, versions, shown=shown),
        promises=promises(session, case_id),
        limits=_limits(session, case_id),
        messages=_messages(session, case_id),
        lines=_lines(session, case_id, lines, scope, shown=shown),
        imported_at=case.imported_at,
        old_number=case.old_number or "",
        old=_old(session, case, shown=shown),
    )


_OLD_LEFT_OUT = frozenset({"链接", "原帖摘要", "办结回复摘要", "线上情况", "备注"})


def _old(session: Session, case: CaseRow, *, shown: bool) -> tuple[tuple[str, str], ...]:
    row = session.get(LegacyRow, case.id)
    said = {} if row is None else row.said
    return tuple(
        (name, text if shown or name not in _OLD_LEFT_OUT else LEFT_OUT) for name, text in said.items()
    )


def _texts(session: Session, case_id: int, *, shown: bool) -> tuple[TextPart, ...]:
    rows = session.execute(
        select(ItemRow, CaseItemRow.why)
        .join(CaseItemRow, CaseItemRow.item_id == ItemRow.id)
        .where(CaseItemRow.case_id == case_id)
        .order_by(CaseItemRow.at, ItemRow.id)
    )
    return tuple(
        TextPart(
            item.source_id,
            item.title,
            item.url if shown else LEFT_OUT,
            item.text if shown else LEFT_OUT,
            item.published_at,
            item.first_seen_at,
            why,
        )
        for item, why in rows
    )


def _slips(session: Session, case: CaseRow) -> tuple[SlipPart, ...]:
    rows = session.scalars(
        select(AssignmentRow).where(AssignmentRow.case_id == case.id).order_by(AssignmentRow.id)
    )
    return tuple(
        SlipPart(
            row.number or "",
            row.unit,
            sent_by(session, case, row),
            row.dispatched_at,
            people.name_of(session, row.signed_by),
            row.signed_at,
            people.name_of(session, row.returned_by),
            row.returned_at,
            row.return_reason or "",
            row.assigned,
        )
        for row in rows
    )


def _draft(session: Session, row: DraftRow, lines: list[Mapping[str, Any]], *, shown: bool) -> DraftPart:
    sealed = next(
        (
            line["data"].get("text_sha256")
            for line in lines
            if line["action"] == Command.DRAFT.value and line["data"].get("draft") == row.version
        ),
        None,
    )
    digest = hashlib.sha256(row.text.encode()).hexdigest()
    return DraftPart(
        row.version,
        people.name_of(session, row.drafter_id),
        row.at,
        row.openness,
        row.text if shown else LEFT_OUT,
        None if sealed is None else sealed == digest,
        row.openness_reason if shown else LEFT_OUT,
    )


def _opinions(session: Session, versions: Mapping[int, int], scope: Scope) -> tuple[OpinionPart, ...]:
    rows = session.scalars(
        select(ReviewRow).where(ReviewRow.draft_id.in_(list(versions))).order_by(ReviewRow.id)
    )
    parts = []
    for row in rows:
        open_ = scope.secrecy or row.stage not in SECRET_STAGES
        basis, reason = (row.basis, row.reason) if open_ else (REASONS_LEFT_OUT, REASONS_LEFT_OUT)
        reviewer = people.name_of(session, row.reviewer_id)
        parts.append(
            OpinionPart(
                versions[row.draft_id],
                row.stage,
                row.opinion,
                reviewer,
                row.at,
                basis,
                reason,
                tuple(Aspect(word) for word in row.aspects or ()),
            )
        )
    return tuple(parts)


def _releases(
    session: Session, case_id: int, versions: Mapping[int, int], *, shown: bool
) -> tuple[ReleasePart, ...]:
    rows = session.scalars(select(ReleaseRow).where(ReleaseRow.case_id == case_id).order_by(ReleaseRow.id))
    return tuple(
        ReleasePart(
            versions[row.draft_id],
            row.url if shown else LEFT_OUT,
            people.name_of(session, row.confirmed_by),
            row.at,
            row.index_number or "",
            row.told if shown else LEFT_OUT,
        )
        for row in rows
    )


def _limits(session: Session, case_id: int) -> tuple[LimitPart, ...]:
    rows = session.scalars(select(DeadlineRow).where(DeadlineRow.case_id == case_id).order_by(DeadlineRow.id))
    return tuple(
        LimitPart(row.step, row.started_at, row.due_at, row.ended_at, row.met, row.reminded) for row in rows
    )


def _messages(session: Session, case_id: int) -> tuple[MessagePart, ...]:
    rows = session.scalars(select(OutboxRow).where(OutboxRow.case_id == case_id).order_by(OutboxRow.id))
    return tuple(
        MessagePart(
            row.kind,
            str(row.payload.get("card") or row.payload.get("template") or ""),
            row.chat,
            int(row.payload.get("draft_version") or 0),
            row.state.value,
            row.created_at,
            row.sent_at,
            row.attempts,
            row.last_error or "",
        )
        for row in rows
    )


def _lines(
    session: Session, case_id: int, lines: list[Mapping[str, Any]], scope: Scope, *, shown: bool
) -> tuple[LinePart, ...]:
    seals = dict(
        session.execute(select(LedgerRow.seq, LedgerRow.hash).where(LedgerRow.case_id == case_id)).all()
    )
    return tuple(
        LinePart(
            line["seq"],
            line["at"],
            line["actor"],
            line["action"],
            _told(line, scope, shown),
            seals[line["seq"]],
        )
        for line in lines
    )


def _told(line: Mapping[str, Any], scope: Scope, shown: bool) -> Mapping[str, Any]:
    hidden: dict[str, str] = {}
    if not scope.secrecy and line["action"] in SECRET_ACTIONS:
        hidden |= dict.fromkeys(("basis", "reason"), REASONS_LEFT_OUT)
    if not shown:
        hidden["link"] = LEFT_OUT
    return {key: hidden.get(key, value) for key, value in line["data"].items()}
