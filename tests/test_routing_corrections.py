"""What people put right of how texts were put together and read, and that each time it is kept as a verdict."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
from builders import HOUR, MINUTE, RULES_TOML, START, Desk, item, make_rules, views
from sqlalchemy import select

from routing import choices, outbox, verdicts
from routing.cases import Done
from routing.clock import Span
from routing.digest import week_numbers
from routing.errors import UserError
from routing.export import ledger_rows
from routing.items import Band, Kind, Sentiment
from routing.ledger import entries
from routing.office import Level, Procedure, Step
from routing.owed import Owed
from routing.store.tables import (
    AssignmentRow,
    CaseItemRow,
    CaseRow,
    DeadlineRow,
    ItemRow,
    OutboxRow,
    ProposalRow,
    SuggestionRow,
    VerdictKind,
    VerdictRow,
)
from routing.views import case_view
from routing.workflow import Command, Ground, Refusal, State

EAST = "东湖小区今天又停水了，物业不管"
EAST_TOO = "东湖小区停水，老人提水爬楼摔了一跤"
WEST = "西山小区停水了"
SLIDE = "北门桥塌方了"
SAD = Sentiment(0.1, 0.1, Band.NEGATIVE, "ngram", "1a")


def matter(desk: Desk, text: str, **more) -> int:
    """Take in one text and give the case that it went to."""
    desk.accept(item(text, **more))
    return desk.run(
        lambda s: s.scalars(select(CaseItemRow.case_id).order_by(CaseItemRow.item_id.desc())).first()
    )


def texts(desk: Desk, case_id: int) -> list[str]:
    query = (
        select(ItemRow.text)
        .join(CaseItemRow, CaseItemRow.item_id == ItemRow.id)
        .where(CaseItemRow.case_id == case_id)
        .order_by(ItemRow.id)
    )
    return desk.run(lambda s: list(s.scalars(query)))


def item_id(desk: Desk, text: str) -> int:
    return desk.run(lambda s: s.scalars(select(ItemRow.id).where(ItemRow.text == text)).one())


def actions(desk: Desk, case_id: int) -> list[str]:
    return [line["action"] for line in desk.run(lambda s: entries(s, case_id))]


def running(desk: Desk, case_id: int) -> Mapping[Step, DeadlineRow]:
    rows = desk.all(DeadlineRow, DeadlineRow.case_id == case_id, DeadlineRow.ended_at.is_(None))
    assert len(rows) == len({row.step for row in rows})
    return {row.step: row for row in rows}


def stand(desk: Desk, *case_ids: int) -> None:
    """Let the duty card of each case have arrived, with nothing left to send."""

    def work(session) -> None:
        for row in session.scalars(select(OutboxRow)):
            session.delete(row)
        for case_id in case_ids:
            outbox.remember_card(
                session,
                chat=desk.office.duty_chat,
                message=str(case_id),
                case_id=case_id,
                card="duty",
                draft_version=0,
                now=START,
            )

    desk.run(work)


def redrawn(desk: Desk) -> set[int]:
    return {row.case_id for row in desk.all(OutboxRow, OutboxRow.kind == "edit")}


def verdict(desk: Desk) -> VerdictRow:
    """The newest one."""
    return desk.all(VerdictRow)[-1]


def ground(answer: Done | Refusal) -> Ground | None:
    return answer.ground if isinstance(answer, Refusal) else None


@pytest.fixture
def known(desk: Desk) -> Desk:
    """A desk to which the source `bbs` is no news."""
    desk.know()
    return desk


@pytest.fixture
def both(known: Desk) -> tuple[int, int]:
    """Two matters at two places, the second an hour younger."""
    first = matter(known, EAST)
    known.clock.advance(HOUR)
    return first, matter(known, WEST, published_at=known.clock())


def heard(desk: Desk) -> list[tuple[str, str, int | None]]:
    """What the groups of channels were told of texts that came and went: template, number, the matter it is told of."""
    chats = {channel.chat for channel in desk.office.channels.values()}
    rows = desk.all(OutboxRow, OutboxRow.kind == "text", OutboxRow.chat.in_(chats))
    return [(row.payload["template"], row.payload.get("number", ""), row.case_id) for row in rows]


def test_a_channel_hears_once_of_what_left_its_matter_and_of_what_came_in(known, both):
    mine, other = both
    matter(known, EAST_TOO, published_at=known.clock(), sentiment=SAD)
    known.act(other, Command.MERGE, into=mine)
    assert heard(known) == []  # nobody has it yet
    known.act(mine, Command.DISPATCH)
    known.act(mine, Command.SPLIT, item_id=item_id(known, EAST_TOO))
    new = known.run(lambda s: s.scalars(select(CaseRow).order_by(CaseRow.id.desc())).first())
    assert heard(known) == [("split_off", new.number, mine)]
    known.act(mine, Command.SIGN)
    known.act(new.id, Command.MERGE, into=mine)
    assert heard(known)[1:] == [("merged_in", new.number, mine)]


# --- a text is split off -----------------------------------------------------------------------------------------


def test_a_text_that_is_split_off_opens_a_matter_at_its_place_that_owes_its_answer_as_long(known):
    old = matter(known, EAST)
    known.clock.advance(HOUR)
    assert matter(known, EAST_TOO, published_at=known.clock(), sentiment=SAD) == old
    known.clock.advance(HOUR)
    stand(known, old)
    before, wanted = known.case(old), item_id(known, EAST_TOO)

    done = known.act(old, Command.SPLIT, item_id=wanted)

    new = known.all(CaseRow)[-1]
    assert isinstance(done, Done)
    assert done.text == f"已拆出 {new.number}，原事项 {before.number}"
    assert (texts(known, old), texts(known, new.id)) == ([EAST], [EAST_TOO])
    assert (new.state, new.place, new.topic, new.channel) == (
        State.JUDGING,
        "东湖小区",
        "供水",
        before.channel,
    )
    assert (new.title, new.level, new.opened_at) == (EAST_TOO, before.level, known.clock())
    clocks = running(known, new.id)
    assert set(clocks) == {Step.RESPOND, Step.DISPATCH}
    assert clocks[Step.RESPOND].started_at == START + HOUR
    assert clocks[Step.DISPATCH].started_at == known.clock()
    assert (known.case(old).state, known.case(old).version) == (before.state, before.version + 1)

    said = verdict(known)
    assert (said.case_id, said.item_id, said.kind) == (old, wanted, VerdictKind.SPLIT)
    assert (said.proposed, said.corrected) == (before.number, new.number)
    assert (said.rules_version, said.scorer) == (known.rules.version, "ngram 1a")
    assert said.person_id == known.staff["duty"].person_id
    assert actions(known, old)[-1] == "split"
    assert actions(known, new.id) == ["open"]
    assert redrawn(known) == {old}
    assert [row.case_id for row in known.all(OutboxRow, OutboxRow.kind == "card")] == [new.id]
    view = known.run(lambda s: case_view(s, new.id))
    assert [reason.rule for reason in view.reasons] == ["停水"]


def test_a_text_goes_with_the_comments_that_answer_it(known):
    old = matter(known, EAST)
    matter(known, EAST_TOO, external_id="post")
    known.know("bbs-c")
    for text, source in (("我家也是", "bbs"), ("支持", "bbs-c")):
        known.accept(item(text, source_id=source, kind=Kind.COMMENT, parent_id="post"), source=source)
    assert texts(known, old) == [EAST, EAST_TOO, "我家也是", "支持"]
    assert isinstance(known.act(old, Command.SPLIT, item_id=item_id(known, EAST_TOO)), Done)
    assert texts(known, old) == [EAST]
    new = known.all(CaseRow)[-1].id
    assert texts(known, new) == [EAST_TOO, "我家也是", "支持"]
    assert matter(known, "还没来水", kind=Kind.COMMENT, parent_id="post") == new


def test_what_comes_later_joins_the_matter_of_the_text_that_it_repeats(known):
    old = matter(known, EAST)
    matter(known, EAST_TOO)
    known.act(old, Command.SPLIT, item_id=item_id(known, EAST_TOO))
    assert matter(known, EAST_TOO) == known.all(CaseRow)[-1].id != old
    assert matter(known, EAST) == old


@pytest.mark.parametrize("comment", [False, True], ids=["alone", "with its comment"])
def test_the_only_text_of_a_matter_stays(known, comment):
    case_id = matter(known, EAST, external_id="post")
    if comment:
        matter(known, "我家也是", kind=Kind.COMMENT, parent_id="post")
    answer = known.act(case_id, Command.SPLIT, item_id=item_id(known, EAST))
    assert ground(answer) is Ground.GONE
    assert "只有这一条信息" in answer.text
    assert actions(known, case_id)[-1] == "refused"
    assert len(known.all(CaseRow)) == 1
    assert known.all(VerdictRow) == []


@pytest.mark.parametrize("command", [Command.SPLIT, Command.RATE])
def test_a_text_of_another_matter_is_not_touched(known, both, command):
    for wanted in (item_id(known, WEST), 987_654):
        answer = known.act(both[0], command, item_id=wanted)
        assert ground(answer) is Ground.GONE
    assert known.all(VerdictRow) == []


def test_a_second_press_on_the_same_text_is_stale(known):
    old = matter(known, EAST)
    matter(known, EAST_TOO)
    order = known.order(known.shown(old), Command.SPLIT, item_id=item_id(known, EAST_TOO))
    assert isinstance(known.give(old, order), Done)
    assert ground(known.give(old, order)) is Ground.STALE
    assert len(known.all(CaseRow)) == 2


def test_a_level_that_was_taken_over_with_a_split_says_from_where(known):
    old = matter(known, EAST, external_id="post")
    matter(known, "我家也是", kind=Kind.COMMENT, parent_id="post")
    matter(known, "西山小区这边暖气也没有", kind=Kind.COMMENT, parent_id="post")
    known.act(old, Command.SET_LEVEL, level=Level.II)
    known.act(old, Command.SPLIT, item_id=item_id(known, "西山小区这边暖气也没有"))
    known.act(old, Command.SET_LEVEL, level=Level.IV)
    known.act(old, Command.SPLIT, item_id=item_id(known, "我家也是"))
    graver, least = known.all(CaseRow)[-2:]
    assert (graver.level, graver.level_why) == (Level.II, f"等级沿用原事项 {known.case(old).number}")
    assert (least.level, least.level_why) == (Level.IV, None)


def test_a_level_that_its_own_words_made_speaks_for_itself_after_a_split(known):
    old = matter(known, "东湖小区旁边塌方，路断了")
    matter(known, "东湖小区塌方，路断了，车都过不去")
    known.act(old, Command.SPLIT, item_id=item_id(known, "东湖小区旁边塌方，路断了"))
    new = known.all(CaseRow)[-1]
    assert (new.id != old, new.level, new.level_why) == (True, Level.II, None)


def test_a_matter_that_rose_later_gives_no_reason_for_the_level_of_a_text_of_before(known):
    known.rules = make_rules(RULES_TOML.replace("level = 2", "level = 3"))
    old = matter(known, "东湖小区旁边塌方，路断了")
    matter(known, "东湖小区塌方，路断了，车都过不去", counts=views(2_000_000))
    known.act(old, Command.SPLIT, item_id=item_id(known, "东湖小区旁边塌方，路断了"))
    new = known.all(CaseRow)[-1]
    assert known.case(old).level < new.level == Level.III
    assert new.level_why is None


# --- a matter is merged ------------------------------------------------------------------------------------------


def test_a_matter_that_is_merged_ends_and_the_other_has_its_texts_and_its_earlier_limits(known, both):
    first, second = both
    stand(known, first, second)
    early = {step: row.due_at for step, row in running(known, first).items()}
    late = {step: row.due_at for step, row in running(known, second).items()}
    assert all(early[step] < late[step] for step in Step if step in early)

    done = known.act(first, Command.MERGE, into=second)

    source, target = known.case(first), known.case(second)
    assert isinstance(done, Done)
    assert (done.state, done.text) == (State.MERGED, f"已把 {source.number} 并入 {target.number}")
    assert (source.merged_into, source.closed_at) == (second, known.clock())
    assert (texts(known, first), texts(known, second)) == ([], [EAST, WEST])
    assert running(known, first) == {}
    kept = running(known, second)
    assert {step: row.due_at for step, row in kept.items()} == early
    assert {row.started_at for row in kept.values()} == {START}
    assert all(row.next_at >= known.clock() for row in kept.values())
    assert redrawn(known) == {first, second}
    assert actions(known, first)[-1] == "merge"
    assert actions(known, second)[-1] == "take_in"
    said = verdict(known)
    assert (said.case_id, said.item_id, said.kind) == (first, item_id(known, EAST), VerdictKind.MERGE)
    assert (said.proposed, said.corrected) == ("", target.number)
    view = known.run(lambda s: case_view(s, first))
    assert (view.merged_into.number, view.items) == (target.number, 0)


def test_the_later_limit_changes_nothing(known, both):
    first, second = both
    early = {step: row.due_at for step, row in running(known, first).items()}
    assert isinstance(known.act(second, Command.MERGE, into=first), Done)
    assert {step: row.due_at for step, row in running(known, first).items()} == early


def test_of_the_clocks_of_a_watched_matter_the_other_takes_the_answer_alone(known, both):
    first, second = both
    known.act(first, Command.WATCH)
    known.act(first, Command.MERGE, into=second)
    kept = running(known, second)
    assert set(kept) == {Step.RESPOND, Step.DISPATCH}
    assert (kept[Step.RESPOND].started_at, kept[Step.DISPATCH].started_at) == (START, START + HOUR)


def test_the_public_answer_that_one_owes_is_owed_by_the_other_that_owed_none(known):
    limits = {**known.office.limits, Step.RESPOND: {Level.III: known.office.limits[Step.RESPOND][Level.III]}}
    known.office = replace(known.office, limits=limits)
    first, second = matter(known, EAST, counts=views(20_000)), matter(known, WEST)
    owed = running(known, first)[Step.RESPOND].due_at
    assert Step.RESPOND not in running(known, second)
    known.act(second, Command.DISPATCH)
    known.act(first, Command.MERGE, into=second)
    assert {step: row.due_at for step, row in running(known, second).items()}[Step.RESPOND] == owed


def test_a_graver_matter_makes_the_other_graver_and_that_is_said_with_the_reason(known, both):
    first, second = both
    known.act(first, Command.SET_LEVEL, level=Level.II)
    shown = known.shown(second)
    known.act(first, Command.MERGE, into=second)
    target = known.case(second)
    assert (target.level, target.proposed_level, target.version) == (Level.II, Level.II, shown.version + 1)
    [said] = known.all(OutboxRow, OutboxRow.dedupe_key == f"level:{second}:2")
    assert said.payload["why"] == f"并入 {known.case(first).number}"
    assert running(known, second)[Step.DISPATCH].due_at == START + HOUR + 30 * MINUTE  # since the rise


def test_a_level_that_a_person_set_stays_and_the_graver_one_is_proposed(known, both):
    first, second = both
    known.act(first, Command.SET_LEVEL, level=Level.II)
    known.act(second, Command.DISPATCH)
    known.act(first, Command.MERGE, into=second)
    target = known.case(second)
    assert (target.state, target.level, target.proposed_level) == (State.TO_SIGN, Level.IV, Level.II)


def test_a_duty_to_answer_goes_along(known):
    first = matter(known, EAST, counts=views(20_000))
    second = matter(known, WEST)
    assert (known.case(first).must_answer, known.case(second).must_answer) == (True, False)
    known.act(first, Command.MERGE, into=second)
    assert known.case(second).must_answer
    assert known.case(second).owed is Owed.LEVEL
    assert "network" in known.case(second).copies


def test_a_duty_to_answer_that_a_person_lifted_no_merger_restores(known):
    first = matter(known, EAST, counts=views(20_000))
    second = matter(known, WEST)
    known.act(second, Command.EXCUSE, reason="只是转发旧闻")
    assert known.case(first).must_answer
    known.act(first, Command.MERGE, into=second)
    assert (known.case(second).must_answer, known.case(second).owed) == (False, None)
    assert Step.RESPOND not in running(known, second)


def test_the_ground_that_a_person_gave_stays_over_that_of_what_comes_in(known):
    first = matter(known, EAST, counts=views(20_000))
    second = matter(known, WEST)
    known.act(second, Command.OBLIGE)
    known.act(first, Command.MERGE, into=second)
    assert (known.case(second).must_answer, known.case(second).owed) == (True, Owed.PERSON)


def test_what_a_person_said_goes_along_and_neither_a_lifted_duty_nor_a_later_text_undoes_it(known, both):
    first, second = both
    known.act(first, Command.OBLIGE)
    known.act(second, Command.EXCUSE, reason="只是转发旧闻")
    known.act(first, Command.MERGE, into=second)
    assert (known.case(second).must_answer, known.case(second).owed) == (True, Owed.PERSON)
    assert Step.RESPOND in running(known, second)
    known.rules = make_rules(RULES_TOML.replace("level = 2", 'level = 2\nmust_answer = "涉险情安全"'))
    known.accept(item(WEST + "，边上还塌方了"))
    assert len(texts(known, second)) == 3
    assert known.case(second).owed is Owed.PERSON


def test_a_matter_that_was_dispatched_stays_and_another_may_go_into_it(known, both):
    first, second = both
    known.act(first, Command.DISPATCH)
    answer = known.act(first, Command.MERGE, into=second)
    assert ground(answer) is Ground.STATE
    assert "已经转办，不能再并入别的事项" in answer.text
    assert texts(known, second) == [WEST]
    assert isinstance(known.act(second, Command.MERGE, into=first), Done)
    assert texts(known, first) == [EAST, WEST]


def test_nothing_goes_into_what_is_over_or_into_itself(known, both):
    first, second = both
    known.act(second, Command.DISMISS)
    for into in (second, first, 987_654):
        answer = known.act(first, Command.MERGE, into=into)
        assert ground(answer) is Ground.GONE
        assert actions(known, first)[-1] == "refused"
    assert known.case(first).state is State.JUDGING


def test_a_merger_is_undone_by_splitting_off_and_the_text_has_its_proposal_again(known, both):
    first, second = both
    known.act(first, Command.MERGE, into=second)
    known.clock.advance(HOUR)
    known.act(second, Command.SPLIT, item_id=item_id(known, EAST))
    new = known.all(CaseRow)[-1]
    old = known.case(first)
    assert (new.channel, new.level, new.place, new.title) == (old.channel, old.level, old.place, old.title)
    assert running(known, new.id)[Step.RESPOND].started_at == START
    assert texts(known, second) == [WEST]
    assert [row.item_id for row in known.all(ProposalRow, ProposalRow.case_id == new.id)] == [
        item_id(known, EAST)
    ]


def test_what_came_in_stands_behind_the_first_text_of_the_matter_though_it_is_older(known, both):
    first, second = both
    known.act(first, Command.MERGE, into=second)
    view = known.run(lambda s: case_view(s, second))
    assert (view.title, view.lead.text, view.items) == (WEST, WEST, 2)
    span = Span("day", START - HOUR, START + 2 * HOUR)
    rows = known.run(lambda s: ledger_rows(s, known.office, span, full=True))
    assert {row.summary for row in rows if row.summary} == {WEST}


def test_a_merged_matter_leads_to_where_its_text_went_when_that_is_split_off_again(known, both):
    first, second = both
    known.act(first, Command.MERGE, into=second)
    stand(known, first, second)
    known.act(second, Command.SPLIT, item_id=item_id(known, EAST))
    new = known.all(CaseRow)[-1]
    view = known.run(lambda s: case_view(s, first))
    assert (view.state, view.merged_into.number) == (State.MERGED, new.number)
    assert first in redrawn(known)
    assert actions(known, new.id) == ["open", "take_in"]


def test_a_merged_matter_stays_where_it_went_when_another_text_leaves(known, both):
    first, second = both
    known.act(first, Command.MERGE, into=second)
    known.act(second, Command.SPLIT, item_id=item_id(known, WEST))
    assert known.case(first).merged_into == second


def test_each_number_of_a_chain_of_mergers_leads_to_its_own_text(known, both):
    first, second = both
    third = matter(known, SLIDE, published_at=known.clock())
    known.act(first, Command.MERGE, into=second)
    known.act(second, Command.MERGE, into=third)
    known.act(third, Command.SPLIT, item_id=item_id(known, WEST))
    assert (known.case(first).merged_into, known.case(second).merged_into) == (third, third + 1)
    assert actions(known, third)[-1] == "take_in"  # of the first number, which came by way of the second
    known.act(third, Command.SPLIT, item_id=item_id(known, EAST))
    assert (known.case(first).merged_into, known.case(second).merged_into) == (third + 2, third + 1)


def test_after_a_chain_each_number_is_told_where_its_text_stands_in_the_end(known, both):
    first, second = both
    third, last = (
        matter(known, text, published_at=known.clock()) for text in (SLIDE, "解放路没水，谁知道几点来")
    )
    known.act(first, Command.MERGE, into=second)
    known.act(second, Command.MERGE, into=third)
    known.act(third, Command.SPLIT, item_id=item_id(known, EAST))
    stand(known, first, second)
    known.act(last + 1, Command.MERGE, into=last)
    assert first in redrawn(known)
    ends = {case_id: known.case(case_id).number for case_id in (first, second)}
    span = Span("全部", START, known.clock() + HOUR)
    rows = {row.number: row for row in known.run(lambda s: ledger_rows(s, known.office, span, full=True))}
    for case_id, end in ((first, last), (second, third)):
        assert known.run(lambda s, c=case_id: case_view(s, c)).merged_into.id == end
        assert f"已并入 {known.case(end).number}" in rows[ends[case_id]].note
    assert actions(known, first) == ["open", "merge", "led_on"]
    assert known.run(known.ledger.verify).broken is None


def test_a_number_leads_to_the_text_that_it_was_told_by_when_it_was_merged(known, both):
    first, second = both
    matter(known, EAST_TOO, published_at=known.clock())
    known.act(first, Command.SPLIT, item_id=item_id(known, EAST))
    left = known.all(CaseRow)[-1].id
    known.act(first, Command.MERGE, into=second)
    known.act(left, Command.MERGE, into=second)
    known.act(second, Command.SPLIT, item_id=item_id(known, EAST))
    assert (known.case(first).merged_into, known.case(left).merged_into) == (second, left + 1)


def test_a_text_that_left_and_came_back_stands_behind_the_one_that_the_matter_is_told_by_since(known, both):
    first, _ = both
    matter(known, EAST_TOO, published_at=known.clock())
    known.act(first, Command.SPLIT, item_id=item_id(known, EAST))
    known.act(known.all(CaseRow)[-1].id, Command.MERGE, into=first)
    view = known.run(lambda s: case_view(s, first))
    assert (view.title, view.lead.text, view.items) == (EAST_TOO, EAST_TOO, 2)


def test_a_matter_whose_first_text_leaves_is_told_by_the_text_that_changed_its_channel(known):
    old = matter(known, EAST)
    graver = f"{EAST_TOO}，路面塌方"
    assert matter(known, graver, published_at=known.clock()) == old
    known.act(old, Command.SPLIT, item_id=item_id(known, EAST))
    assert known.case(old).title == graver
    assert len(known.all(ProposalRow, ProposalRow.case_id == old)) == 2


def test_two_who_merge_crosswise_at_the_same_moment_leave_one_matter(known):
    pairs = []
    for _ in range(12):
        now = known.clock.advance(days=8)
        pair = [matter(known, f"{place}停水了", published_at=now) for place in ("东湖小区", "西山小区")]
        pairs.append(pair)
    together = Barrier(2)

    def press(side: int) -> list[Done | Refusal]:
        answers = []
        for pair in pairs:
            order = known.order(known.shown(pair[side]), Command.MERGE, into=pair[1 - side])
            together.wait(30)
            answers.append(known.give(pair[side], order))
        return answers

    with ThreadPoolExecutor(2) as pool:
        answers = list(zip(*pool.map(press, (0, 1)), strict=True))
    for pair, of_this in zip(pairs, answers, strict=True):
        assert sum(isinstance(answer, Done) for answer in of_this) == 1
        states = [known.case(case_id).state for case_id in pair]
        assert sorted(states) == [State.JUDGING, State.MERGED]
        assert len(texts(known, pair[states.index(State.JUDGING)])) == 2
    assert known.run(known.ledger.verify).broken is None


def test_a_digest_counts_a_merged_matter_with_the_other(known, both):
    first, second = both
    known.clock.advance(days=2)  # the limits of both have run out
    known.act(first, Command.MERGE, into=second)
    span = Span("2026-11-17", START - HOUR, START + timedelta(days=3))
    numbers = known.run(lambda s: week_numbers(s, known.office, span, START + timedelta(days=3)))
    assert (numbers.opened, numbers.open_now, len(numbers.top)) == (1, 1, 1)
    assert (numbers.answered.met, numbers.answered.due) == (0, 1)


# --- what is perhaps one matter --------------------------------------------------------------------------------------


def suggestion(desk: Desk, case_id: int):
    return desk.run(lambda s: case_view(s, case_id)).suggestion


@pytest.fixture
def unsure(known: Desk, both: tuple[int, int]) -> tuple[int, int]:
    """Two matters, of which the second is perhaps the first."""
    first, second = both
    row = SuggestionRow(case_id=second, other_id=first, why="同一事由（停水）", certainty=0.5, at=START)
    known.run(lambda s: s.add(row))
    return both


def test_a_text_that_fits_two_matters_alike_suggests_one_of_them_with_the_reason(known):
    fit = {matter(known, f"{place}今天又停水了，物业不管") for place in ("东湖小区", "西山小区")}
    new = matter(known, "又停水了，物业根本不管事")
    assert len(fit | {new}) == 3
    told = suggestion(known, new)
    assert told.other.id in fit
    assert told.other.number == known.case(told.other.id).number
    assert "停水" in told.why
    assert not any(suggestion(known, case_id) for case_id in fit)


def test_a_suggestion_that_is_taken_is_kept_as_what_was_proposed(known, unsure):
    first, second = unsure
    assert isinstance(known.act(second, Command.MERGE, into=suggestion(known, second).other.id), Done)
    said = verdict(known)
    assert said.proposed == said.corrected == known.case(first).number
    assert suggestion(known, second) is None


@pytest.mark.parametrize(
    ("which", "command"),
    [(1, Command.DISPATCH), (0, Command.DISMISS)],
    ids=["a unit has it", "the other is over"],
)
def test_nothing_is_suggested_that_cannot_be_done(known, unsure, which, command):
    assert suggestion(known, unsure[1]) is not None
    known.act(unsure[which], command)
    assert suggestion(known, unsure[1]) is None


def test_a_suggestion_follows_the_other_matter_into_the_one_that_took_it_in(known, unsure):
    first, second = unsure
    third = matter(known, "解放路塌方了，路面下沉")
    known.act(first, Command.MERGE, into=third)
    assert suggestion(known, second).other.id == third
    known.act(third, Command.MERGE, into=second)
    assert suggestion(known, second) is None


# --- what may be chosen ---------------------------------------------------------------------------------------------


def test_the_texts_of_a_matter_come_newest_first_in_pages(known):
    case_id = matter(known, EAST, published_at=START - 100 * MINUTE)
    for n in range(choices.AT_ONCE):
        assert matter(known, f"{EAST}{'！' * (n + 1)}", published_at=START - n * MINUTE) == case_id
    first, second = (known.run(lambda s, p=page: choices.texts(s, case_id, p)) for page in (0, 1))
    assert [text.at for text in first.choices] == [START - n * MINUTE for n in range(choices.AT_ONCE)]
    assert [text.title for text in second.choices] == [EAST]
    assert (first.more, second.more, second.page) == (True, False, 1)


def test_matters_that_look_alike_come_first_and_those_that_are_over_or_silent_never(known):
    def shape(case_id: int, place: str | None, topic: str | None) -> int:
        def work(session) -> None:
            case = session.get_one(CaseRow, case_id)
            case.place, case.topic = place, topic

        known.run(work)
        return case_id

    silent = matter(known, "解放路塌方了，路面下沉")
    now = known.clock.advance(days=8)
    mine = shape(matter(known, EAST, published_at=now), "东湖小区", "供水")
    topic = shape(matter(known, WEST, published_at=now), "西山小区", "供水")
    place = shape(matter(known, "东湖小区旁边塌方，路面下沉", published_at=now), "东湖小区", "险情")
    neither = shape(matter(known, "青禾县果园塌方砸了大棚", published_at=now), None, None)
    alike = shape(matter(known, "八号院没水，水压一直上不来", published_at=now), "东湖小区", "供水")
    over = matter(known, "青禾县粮库爆炸事故的善后怎么样了", published_at=now)
    assert len({silent, mine, topic, place, neither, alike, over}) == 7
    known.act(over, Command.DISMISS)
    page = known.run(lambda s: choices.matters(s, mine, 0, known.clock()))
    assert [other.id for other in page.choices] == [alike, place, topic, neither]
    assert known.run(lambda s: choices.matters(s, mine, 1, known.clock())).choices == ()
    row = SuggestionRow(case_id=mine, other_id=neither, why="同一事由", certainty=0.5, at=now)
    known.run(lambda s: s.add(row))
    page = known.run(lambda s: choices.matters(s, mine, 0, known.clock()))
    assert [other.id for other in page.choices] == [neither, alike, place, topic]


# --- the tone of a text --------------------------------------------------------------------------------------------------


def test_what_is_said_of_a_tone_is_kept_beside_what_the_scorer_said(known):
    case_id = matter(known, EAST, sentiment=SAD)
    before = known.shown(case_id)
    wanted = item_id(known, EAST)
    done = known.act(case_id, Command.RATE, item_id=wanted, band=Band.NOT_NEGATIVE)
    assert done.text == f"已记为情绪不消极：{known.case(case_id).number}"
    said = verdict(known)
    assert (said.kind, said.item_id) == (VerdictKind.SENTIMENT, wanted)
    assert (said.proposed, said.corrected, said.scorer) == ("negative", "not_negative", "ngram 1a")
    assert known.shown(case_id).version == before.version + 1
    view = known.run(lambda s: case_view(s, case_id))
    assert (view.said_band, view.bands[Band.NEGATIVE]) == (Band.NOT_NEGATIVE, 1)


def test_of_a_text_the_last_word_counts_under_the_number_of_the_first(known, both):
    for text, band in ((EAST, Band.NEGATIVE), (WEST, Band.NEGATIVE), (EAST, Band.NOT_NEGATIVE)):
        case_id = both[0] if text is EAST else both[1]
        known.act(case_id, Command.RATE, item_id=item_id(known, text), band=band)
    numbers = [row.id for row in known.all(VerdictRow)]
    said = known.run(verdicts.said_of_texts)
    assert [(one.number, one.text, one.band) for one in said] == [
        (numbers[0], EAST, Band.NOT_NEGATIVE),
        (numbers[1], WEST, Band.NEGATIVE),
    ]
    assert verdict(known).scorer is None  # nothing was scored


# --- the subject area of a matter ---------------------------------------------------------------------------------------


def test_a_person_says_of_which_area_a_matter_is_and_may_take_it_back(known):
    case_id = matter(known, EAST)
    known.run(lambda s: setattr(s.get(CaseRow, case_id), "subject", "物业住房"))
    before = known.shown(case_id)
    done = known.act(case_id, Command.CLASSIFY, subject="水电气暖")
    assert done.text == f"领域已改为水电气暖：{known.case(case_id).number}"
    known.act(case_id, Command.CLASSIFY, subject="水电气暖")
    known.act(case_id, Command.CLASSIFY, subject="物业住房")
    told = [(row.kind, row.item_id, row.proposed, row.corrected) for row in known.all(VerdictRow)]
    text = item_id(known, EAST)
    assert told == [
        (VerdictKind.SUBJECT, text, "物业住房", "水电气暖"),
        (VerdictKind.SUBJECT, text, "物业住房", "物业住房"),
    ]
    assert known.run(lambda s: case_view(s, case_id)).subject == "物业住房"
    assert known.shown(case_id).version == before.version + 3
    lines = [line for line in known.run(lambda s: entries(s, case_id)) if line["action"] == "classify"]
    assert [line["data"]["subject"] for line in lines] == ["水电气暖", "水电气暖", "物业住房"]


def test_an_area_that_nobody_knows_is_refused_and_nothing_is_kept(known):
    case_id = matter(known, EAST)
    with pytest.raises(UserError, match="没有这个领域"):
        known.act(case_id, Command.CLASSIFY, subject="天文")
    assert known.all(VerdictRow) == []
    assert known.shown(case_id).version == 1


def test_what_was_proposed_of_a_text_is_the_area_of_its_matter_and_of_the_one_that_is_split_off(known):
    case_id = matter(known, EAST)
    known.accept(item(EAST_TOO))
    first, second = (item_id(known, text) for text in (EAST, EAST_TOO))
    known.run(lambda s: setattr(s.get(ItemRow, second), "subject", "应急消防"))
    new = known.act(case_id, Command.SPLIT, item_id=second)
    assert isinstance(new, Done)
    assert known.all(CaseRow)[-1].subject == "应急消防"
    assert first != second


# --- channel and level, later --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.TO_SIGN, State.HANDLING])
def test_a_matter_goes_from_one_unit_to_another_before_there_is_a_draft_and_the_first_is_told(desk, state):
    case_id = desk.at(state)
    assert isinstance(desk.act(case_id, Command.DISPATCH, channel="network"), Done)
    case = desk.case(case_id)
    assert (case.state, case.channel) == (State.TO_SIGN, "network")
    assert set(running(desk, case_id)) == {Step.SIGN, Step.RESPOND}
    assert [slip.channel for slip in desk.all(AssignmentRow)] == ["petition", "network"]
    told = desk.all(OutboxRow, OutboxRow.chat == "group-petition", OutboxRow.kind == "text")
    [said] = [row.payload for row in told]
    assert said == {
        "template": "redirected",
        "unit": "网络舆情承办单位",
        "actor": "王值班",
        "frm": "petition",
        "to": "network",
    }
    assert ground(desk.act(case_id, Command.SIGN, "contact")) is Ground.ROLE
    assert isinstance(desk.act(case_id, Command.SIGN, "other_contact"), Done)


def told_to(desk: Desk, chat: str) -> list[str]:
    return [
        row.payload["template"]
        for row in desk.all(OutboxRow, OutboxRow.chat == chat, OutboxRow.kind == "text")
    ]


def test_a_matter_that_is_judged_anew_after_its_end_and_sent_elsewhere_is_told_to_who_had_it(desk):
    desk.office = replace(desk.office, procedure=Procedure(order=frozenset(Level)))
    case_id = desk.open()
    for channel in ("petition", "network"):
        desk.act(case_id, Command.SUBMIT, channel=channel)
        desk.act(case_id, Command.ORDER)
        desk.act(case_id, Command.SIGN, "contact" if channel == "petition" else "other_contact")
        if channel == "petition":
            assert "redirected" not in told_to(desk, "group-petition")
            desk.run(lambda s: setattr(s.get(CaseRow, case_id), "state", State.JUDGING))
    assert told_to(desk, "group-petition").count("redirected") == 1


def test_who_returned_a_matter_hears_nothing_of_where_it_goes(desk):
    case_id = desk.at(State.RETURNED)
    desk.act(case_id, Command.DISPATCH, channel="network")
    assert "redirected" not in told_to(desk, "group-petition")


def test_who_goes_back_to_what_was_proposed_takes_his_correction_back(desk):
    case_id = desk.open()
    for channel in ("network", "office", "petition", "petition"):
        desk.act(case_id, Command.DISPATCH, channel=channel)
    for level in (Level.II, Level.II, Level.IV):
        desk.act(case_id, Command.SET_LEVEL, level=level)
    told = [(row.kind, row.proposed, row.corrected) for row in desk.all(VerdictRow)]
    assert told == [
        (VerdictKind.CHANNEL, "petition", "network"),
        (VerdictKind.CHANNEL, "petition", "office"),
        (VerdictKind.CHANNEL, "petition", "petition"),
        (VerdictKind.LEVEL, "4", "2"),
        (VerdictKind.LEVEL, "4", "4"),
    ]
    first = item_id(desk, EAST)
    assert {(row.item_id, row.rules_version) for row in desk.all(VerdictRow)} == {(first, desk.rules.version)}


def test_what_was_found_irrelevant_and_is_taken_up_again_is_relevant(desk):
    case_id = desk.open()
    desk.act(case_id, Command.DISMISS, reason="与本县无关")
    desk.act(case_id, Command.REOPEN)
    told = [(row.kind, row.corrected) for row in desk.all(VerdictRow)]
    assert told == [(VerdictKind.RELEVANT, "与本县无关"), (VerdictKind.RELEVANT, "case")]


# --- what a fresh look found ------------------------------------------------------------------------------------


def test_replies_to_comments_leave_with_the_text_that_they_stand_under(desk):
    desk.know()
    desk.accept(item("东湖小区今天又停水了，物业不管", external_id="p"))
    desk.accept(item("东湖小区停水，老人提水爬楼摔了一跤", external_id="q"))
    desk.accept(item("我家也是", external_id="c1", parent_id="q", kind=Kind.COMMENT))
    desk.accept(item("回复楼上：同求解决", external_id="c2", parent_id="c1", kind=Kind.COMMENT))
    names = {row.id: row.external_id for row in desk.all(ItemRow)}
    first = desk.all(CaseRow)[0].id
    desk.act(first, Command.SPLIT, item_id=next(number for number, name in names.items() if name == "q"))
    now_in = {names[row.item_id]: row.case_id for row in desk.all(CaseItemRow)}
    assert now_in["c1"] == now_in["c2"] == now_in["q"] != now_in["p"]


def test_a_text_with_all_its_replies_is_the_whole_matter(desk):
    desk.know()
    desk.accept(item("东湖小区今天又停水了，物业不管", external_id="q"))
    desk.accept(item("我家也是", external_id="c1", parent_id="q", kind=Kind.COMMENT))
    desk.accept(item("回复楼上：同求解决", external_id="c2", parent_id="c1", kind=Kind.COMMENT))
    answer = desk.act(desk.all(CaseRow)[0].id, Command.SPLIT, item_id=desk.all(ItemRow)[0].id)
    assert isinstance(answer, Refusal)


def test_a_graver_proposal_that_waits_for_a_person_goes_along(desk):
    desk.know()
    text = item("东湖小区今天又停水了，物业不管")
    desk.accept(text)
    desk.accept(item("西山小区停水了"))
    one, other = desk.all(CaseRow)
    desk.act(one.id, Command.WATCH)
    desk.accept(replace(text, text="东湖小区今天又停水了，现场塌方爆炸"))
    desk.act(one.id, Command.MERGE, into=other.id)
    assert desk.case(other.id).proposed_level is Level.II


def test_the_sites_of_both_count_at_once(desk):
    sites = ("a1", "a2", "b1", "b2")
    desk.know(*sites)
    for site in sites[:2]:
        desk.accept(item("东湖小区今天又停水了，物业不管", source_id=site), source=site)
    for site in sites[2:]:
        desk.accept(item("西山小区停水了", source_id=site), source=site)
    one, other = desk.all(CaseRow)
    assert other.proposed_level is Level.IV
    desk.act(one.id, Command.MERGE, into=other.id)
    assert desk.case(other.id).proposed_level is Level.III


def test_a_matter_whose_first_text_left_is_told_by_the_next(desk):
    desk.know()
    desk.know("weibo")
    told = "东湖小区今天停水，物业不管，楼上楼下都没水"
    desk.accept(item(told, external_id="p"))
    desk.accept(item(f"{told}！", external_id="q", source_id="weibo"), source="weibo")
    case_id = desk.all(CaseRow)[0].id
    desk.act(case_id, Command.SPLIT, item_id=desk.all(ItemRow)[0].id)
    assert desk.case(case_id).title == f"{told}！"
    desk.accept(item("东湖小区现场塌方爆炸", external_id="q", source_id="weibo"), source="weibo")
    assert any(
        "险情" in reason["name"]
        for reason in desk.all(ProposalRow, ProposalRow.case_id == case_id)[-1].reasons
    )


def test_who_leads_what_was_split_off_gets_no_copy_of_it(desk):
    desk.know()
    desk.accept(item("东湖小区今天又停水了，物业不管"))
    desk.accept(item("东湖小区停水，老人提水爬楼摔了一跤"))
    first = desk.all(CaseRow)[0]
    desk.act(first.id, Command.DISPATCH, channel="network")
    desk.act(first.id, Command.SPLIT, item_id=desk.all(CaseItemRow)[-1].item_id)
    new = desk.all(CaseRow)[-1]
    assert new.channel not in new.copies
