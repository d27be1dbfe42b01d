"""From a text to its matter: join the one it belongs to, open one, or say why it is none. Levels rise here too.

Works inside the transaction of one harvest. Whatever touches a matter comes after `begin`: of two machines that take
in texts of one matter, the second must see what the first one opened.
"""

import json
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing import announce, catchup, deadlines, holding, search, spread, verdicts
from routing.catchup import Gap
from routing.counters import head_of
from routing.crowds import Crowds
from routing.doubt import Doubtful
from routing.grouping import Match, Trace, Window, find_match
from routing.judging import Judging
from routing.ledger import Ledger
from routing.office import Level, Office
from routing.owed import Owed, plainest
from routing.procedure import UNJUDGED, first_clocks, first_state
from routing.recent import Recent, trace_of
from routing.rules import Judgement
from routing.store.engine import Written
from routing.store.lock import serialise
from routing.store.tables import (
    CaseItemRow,
    CaseRow,
    ItemRow,
    Outcome,
    ProposalRow,
    SuggestionRow,
    VerdictKind,
)
from routing.traces import By
from routing.workflow import ENDED, State

TITLE_MAX = 60
BURST_LEVEL = Level.III
"""What a burst speaks for, 负面声量上升; project default."""
RULES_NAMED = 2
OFFICE, NETWORK, SECURITY, PUBLICITY = "office", "network", "security", "publicity"
_by_likeness = frozenset({By.AFFINITY, By.NEAR_COPY})


class Placing:
    """Places the texts of one harvest, for the length of one transaction.

    `gap`: they are read late. `recent` is shared by the harvests of one transaction.
    """

    def __init__(
        self,
        session: Session,
        office: Office,
        rules: Judging,
        ledger: Ledger,
        gap: Gap | None,
        recent: Recent,
        now: datetime,
    ) -> None:
        self._session = session
        self._office = office
        self._rules = rules
        self._ledger = ledger
        self.gap = gap
        self._now = now
        self._recent = recent
        self.crowds = Crowds(session, office.sensitivity, now)
        self.opened: list[int] = []
        """The matters that this harvest opened."""

    def begin(self, source_id: str, parent_ids: Collection[str]) -> None:
        """Wait for other machines, and read what comments answer. Safe to call twice."""
        serialise(self._session, "intake")
        self._recent.look_for_parents(source_id, parent_ids)

    def place(self, trace: Trace, row_of: Callable[[], ItemRow], judgement: Judgement) -> str:
        """Find the matter of a text that has none, or open one, or say why it is none (Chinese).

        `row_of` loads its row; most texts end before that.
        """
        found = None if judgement.ignored else self._found(trace, judgement)
        if found is not None and self._would_go_unheard(found, judgement):
            found = replace(found, suggested=True)
        match = None if found is None or found.suggested else found
        # A comment says "same here" in words that no rule knows: its parent's matter is reason enough.
        if match is None and not judgement.relevant:
            return why_none(judgement)
        row = row_of()
        if match is not None:
            case = self._join(row, match, judgement)
            line = f"并入 {case.number}：{match.why}"
        else:
            case = self._open(row, judgement, found)
            line = f"新事项 {case.number}：" + "；".join(str(reason) for reason in judgement.reasons)
        row.outcome = Outcome.CASE
        self._recent.add(replace(trace, case_id=case.id))
        return line

    def register(self, row: ItemRow, judgement: Judgement) -> CaseRow:
        """Open a matter for a text that a person registered, whatever the rules say; one that it may be one with is suggested."""
        trace = trace_of(row, None)
        found = self._found(trace, judgement)
        channel = judgement.channel or judgement.lead or OFFICE
        case = self._open(row, replace(judgement, relevant=True, channel=channel), found, by_hand=True)
        self._recent.add(replace(trace, case_id=case.id))
        return case

    def revised(self, row: ItemRow, case_id: int, judgement: Judgement) -> None:
        """Propose anew for a matter one of whose texts was edited, by what the rules say of it now."""
        case = self._session.get_one(CaseRow, case_id, with_for_update=True)
        if not judgement.relevant or case.state in ENDED:
            return
        first = self._session.scalar(
            select(ProposalRow.item_id)
            .join(CaseItemRow, CaseItemRow.item_id == ProposalRow.item_id)
            .where(ProposalRow.case_id == case_id, CaseItemRow.case_id == case_id)
            .order_by(ProposalRow.id)
        )
        if first == row.id:  # the text that the matter is about
            self._session.add(self._proposal(case, row, judgement, judgement.level or case.proposed_level))
        if judgement.level is not None:
            self._raise_to(case, judgement.level, "内容有修改")

    def grown(self, case_id: int, *, edited: bool) -> None:
        """Follow the spread of a matter whose texts have new counts (or words: `edited`)."""
        case = self._session.get_one(CaseRow, case_id, with_for_update=True)
        proposed = case.proposed_level
        self._propose_level(case)
        spread.note(self._session, case_id, self._now)
        # Counts alone change at every poll: a card edited for each would use up what a group may be sent.
        if (edited or case.proposed_level != proposed) and case.state not in ENDED:
            announce.grown(self._session, case, self._now)

    def _would_go_unheard(self, found: Match, judgement: Judgement) -> bool:
        """Tell whether likeness alone would hide a text from people: a danger in a matter that is none, a place of ours in
        one that was dismissed and named none.
        """
        if found.by not in _by_likeness or not judgement.relevant:
            return False
        case = self._session.get_one(CaseRow, found.case_id)
        if case.place in judgement.places:
            return False
        if case.state is State.DISMISSED and case.place is None and judgement.places:
            return True
        return found.by is By.AFFINITY and judgement.lead == SECURITY and case.channel != SECURITY

    def _found(self, trace: Trace, judgement: Judgement) -> Match | None:
        held = self._recent.to_compare(trace)
        if isinstance(held, Window) and judgement.relevant:
            return held.propose(trace)
        return find_match(trace, held)  # what opens nothing has no card that could ask

    def _suggest(self, case: CaseRow, found: Match) -> bool:
        """Keep what the new case is perhaps one with, for its card to ask; nothing grave is offered to go into less."""
        if case.level < self._session.get_one(CaseRow, found.case_id).level:
            return False
        self._session.add(
            SuggestionRow(
                case_id=case.id,
                other_id=found.case_id,
                why=found.why,
                certainty=found.certainty,
                at=self._now,
            )
        )
        self._session.flush()
        return True

    def _open(
        self, row: ItemRow, judgement: Judgement, found: Match | None, *, by_hand: bool = False
    ) -> CaseRow:
        assert judgement.channel is not None
        session, now = self._session, self._now
        proposed = judgement.level or Level.IV
        case = CaseRow(
            number=next_number(session, now, self._office.zone),
            state=first_state(self._office.procedure),
            level=proposed,
            proposed_level=proposed,
            channel=judgement.channel,
            copies=list(judgement.copies),
            title=title_of(row),
            place=judgement.places[0] if judgement.places else None,
            topic=judgement.topic,
            subject=judgement.subject,
            must_answer=judgement.must_answer,
            owed=judgement.owed,
            opened_at=now,
        )
        session.add(case)
        session.flush()
        search.note_case(session, case)
        self._attach(case, row, "首条信息", 1.0)
        spoken = spread.spread(self._session, self._office, case.id, self._now)
        if spoken.level < case.level:
            case.level = case.proposed_level = spoken.level
            case.level_why = spoken.why
        spread.note(self._session, case.id, self._now)
        self._follow_level(case)
        session.add(self._proposal(case, row, judgement, case.proposed_level))
        self._ledger.write(
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
            **({"owed": case.owed.value} if case.owed else {}),
        )
        deadlines.start(session, self._office, case, first_clocks(self._office.procedure, case.level), now)
        doubtful = None
        if found is not None and self._suggest(case, found):
            small, late = holding.is_small(case), self.gap is not None
            doubtful = Doubtful(small, found.certainty, by_hand=by_hand, late=late)
        if not holding.opened(session, self._office, self._ledger, case, now, doubtful):
            quiet_until = catchup.summary_at(session, self._office, now) if self.gap else None
            announce.opened(session, self._office, case, now, summary_at=quiet_until)
        self.opened.append(case.id)
        return case

    def _proposal(self, case: CaseRow, row: ItemRow, judgement: Judgement, level: Level) -> ProposalRow:
        return ProposalRow(
            case_id=case.id,
            item_id=row.id,
            channel=judgement.lead or case.channel,
            level=level,
            reasons=reasons_of(judgement),
            rules_version=self._rules.version,
            at=self._now,
        )

    def _join(self, row: ItemRow, match: Match, judgement: Judgement) -> CaseRow:
        session, now = self._session, self._now
        case = session.get_one(CaseRow, match.case_id, with_for_update=True)
        self._attach(case, row, match.why, match.certainty)
        self._ledger.write(
            session, at=now, actor="系统", action="join", case_id=case.id, item=row.id, why=match.why
        )
        if judgement.lead is not None and case.state not in ENDED:
            self._lead_by(case, row, judgement)
            if judgement.level is not None:
                self._raise_to(case, judgement.level, _why_by_rules(judgement))
        self._propose_level(case)
        holding.stirred(session, self._office, self._ledger, case, now)
        if case.state in {State.CLOSED, State.ARCHIVED}:
            announce.tell(
                session,
                case,
                chat=self._office.duty_chat,
                template="after_close",
                key=f"after:{case.id}:{case.version}",
                now=now,
            )
        announce.grown(session, case, now)
        return case

    def _attach(self, case: CaseRow, row: ItemRow, why: str, certainty: float) -> None:
        self._session.add(
            CaseItemRow(item_id=row.id, case_id=case.id, why=why, certainty=certainty, at=self._now)
        )
        self._session.flush()
        search.note_item(self._session, row)

    def _lead_by(self, case: CaseRow, row: ItemRow, judgement: Judgement) -> None:
        """Let a text of a matter that nobody has judged yet propose who leads: one who comes before, never after.

        A question that becomes an exposure, an exposure that becomes a claim, a claim that becomes a danger: who led
        before gets a copy. Once a person has judged, it is his word.
        """
        lead = judgement.lead
        assert lead is not None
        if judgement.must_answer:
            self._owe(case, judgement.owed, row)
        if case.state not in UNJUDGED or self._rules.rank(lead) >= self._rules.rank(case.channel):
            return
        old, case.channel = case.channel, lead
        copies = {old, *case.copies, *judgement.copies} - {case.channel, OFFICE}
        case.copies = sorted(copies, key=self._rules.rank)
        case.version += 1  # what the officer was shown is no longer so: older buttons are stale
        self._session.add(self._proposal(case, row, judgement, case.proposed_level))
        self._ledger.write(
            self._session,
            at=self._now,
            actor="系统",
            action="propose_channel",
            case_id=case.id,
            frm=old,
            to=case.channel,
        )
        holding.reconsider(self._session, self._office, self._ledger, case, self._now)
        announce.turned_grave(self._session, self._office, case, self._now)

    def _owe(self, case: CaseRow, ground: Owed | None, row: ItemRow) -> None:
        """Propose that a matter must be answered, or on a plainer ground; what a person has said of it stays."""
        plainer = plainest((ground, case.owed))
        if case.must_answer and (plainer is case.owed or case.owed is Owed.PERSON):
            return
        if verdicts.newest(self._session, case.id, VerdictKind.ANSWER) is not None:
            return
        case.must_answer, case.owed = True, plainer
        self._ledger.write(
            self._session,
            at=self._now,
            actor="系统",
            action="propose_answer",
            case_id=case.id,
            item=row.id,
            **({"owed": plainer.value} if plainer else {}),
        )

    def _propose_level(self, case: CaseRow) -> None:
        # A dismissed matter stays dismissed, but who dismissed it must hear that it spreads: he can judge it again.
        if case.state is not State.CLOSED:
            spoken = spread.spread(self._session, self._office, case.id, self._now)
            self._raise_to(case, spoken.level, spoken.why, can_wait=spoken.can_wait)
        if case.proposed_level > BURST_LEVEL and case.state not in ENDED and self.gap is None:
            burst = self.crowds.of(case)
            if burst is not None:
                self._raise_to(case, BURST_LEVEL, f"突增：{burst}")

    def _raise_to(self, case: CaseRow, level: Level, why: str, *, can_wait: bool = False) -> None:
        """Propose a graver level. Before a person has judged, the proposal stands; afterwards a person decides.

        `can_wait`: outside the office's hours it is told without a sound.
        """
        if level >= case.proposed_level:
            return
        session, now = self._session, self._now
        old, case.proposed_level, case.level_why = case.proposed_level, level, why
        self._follow_level(case)
        moved: tuple[deadlines.Moved, ...] = ()
        if case.state in UNJUDGED and level < case.level:
            case.version += 1  # what the officer was shown is no longer so: older buttons are stale
            since = announce.heard_from(self._office, case, now, can_wait=can_wait)
            moved = deadlines.regrade(session, self._office, case, level, now, since)
        self._ledger.write(
            session,
            at=now,
            actor="系统",
            action="propose_level",
            case_id=case.id,
            frm=int(old),
            to=int(level),
            why=why,
        )
        for limit in moved:
            self._ledger.write(
                session, at=now, actor="系统", action="recount", case_id=case.id, **limit.facts()
            )
        holding.reconsider(session, self._office, self._ledger, case, now)
        if self.gap is None or level <= Level.II or case.id not in self.opened:
            announce.level_raised(
                session, self._office, case, old, now, why=why, can_wait=can_wait, moved=moved
            )

    def _follow_level(self, case: CaseRow) -> None:
        """What a level brings with it: from Ⅲ on a matter must be answered, unless a person has said of that; the network
        watches it.
        """
        if case.proposed_level > Level.III or case.state not in UNJUDGED:
            return
        if verdicts.newest(self._session, case.id, VerdictKind.ANSWER) is None:
            case.must_answer = True
            case.owed = case.owed or (Owed.MEDIA if case.channel == PUBLICITY else Owed.LEVEL)
        if case.channel != NETWORK and NETWORK not in case.copies and NETWORK in self._office.channels:
            case.copies = sorted({*case.copies, NETWORK}, key=self._rules.rank)


def _why_by_rules(judgement: Judgement) -> str:
    """Name the rules that carry the level, two at most, and how many were hit in all."""
    carrying = dict.fromkeys(judgement.graded_by)
    named = "".join(f"「{name}」" for name in list(carrying)[:RULES_NAMED])
    hit = {*carrying, *(reason.name for reason in judgement.reasons if reason.words)}
    more = f"等 {len(hit)} 条" if len(hit) > min(len(carrying), RULES_NAMED) else ""
    return f"新信息命中规则{named}{more}" if named else "新信息按规则更重"


def reasons_of(judgement: Judgement) -> list[dict[str, object]]:
    """Give the reasons as they are stored; nobody may change them, for other texts have the same ones."""
    return Written([_stored(one.rule, one.name, one.words, one.note) for one in judgement.reasons])


@lru_cache(maxsize=4_096)
def _stored(rule: str, name: str, words: tuple[str, ...], note: str) -> tuple[dict[str, object], str]:
    # Thousands of texts meet the same words: writing these anew was a tenth of the time of taking a text in.
    reason: dict[str, object] = {"rule": rule, "name": name, "words": list(words), "note": note}
    return reason, json.dumps(reason)


def why_none(judgement: Judgement) -> str:
    """Say why a text is no matter (Chinese)."""
    return "不成事项：" + "；".join(str(reason) for reason in judgement.reasons)


def next_number(session: Session, now: datetime, zone: ZoneInfo) -> str:
    """Take the next number of a case, in the year that it is at the office."""
    year = now.astimezone(zone).year
    return f"YQ-{year}-{head_of(session, f'case:{year}'):04d}"


def title_of(row: ItemRow) -> str:
    """Give a case the title of its first text, or that text's beginning."""
    text = " ".join((row.title or row.text).split())
    return text if len(text) <= TITLE_MAX else text[: TITLE_MAX - 1] + "…"
