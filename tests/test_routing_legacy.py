"""Taking matters over from an older ledger: what is stored, what is said, and what stays as it was."""

import io
import json
from collections import Counter
from dataclasses import replace
from datetime import time, timedelta

import pytest
from builders import START, Desk, item
from old_ledgers import HEADS, local, read, row, workbook
from openpyxl import load_workbook
from sqlalchemy import func, select

from bot.forms import ledger_xlsx
from routing import deadlines, handover, history, holding, intake, legacy, recent, search
from routing.auditor import audit
from routing.cases import Done
from routing.clock import Span, week_of
from routing.digest import week_numbers
from routing.export import ledger_rows
from routing.legacy import Origin
from routing.legacy_known import Fate, sort
from routing.office import Level, Procedure, Step
from routing.outbox import SILENT, MessageKind
from routing.silence import Ending
from routing.store.tables import (
    CaseItemRow,
    CaseRow,
    CounterRow,
    DeadlineRow,
    HoldRow,
    LedgerRow,
    LegacyRow,
    OutboxRow,
    SearchRow,
    SupervisionRow,
)
from routing.views import case_view, find_case
from routing.wanted import words_of
from routing.why import explain
from routing.workflow import Command, State

ORIGIN = Origin("台账.xlsx", "0" * 64, "启用新系统")
OPEN = {"办结时间": None, "链接": None}
NEW = "2026-11-16 09:00"


def matters(*rows, **more):
    reading = read(workbook(*rows), **more)
    assert not reading.problems, reading.problems
    return reading.matters


def take(desk: Desk, *rows, who="office", heads=HEADS):
    reading = read(workbook(*rows, heads=heads), office=desk.office, now=desk.clock())
    assert not reading.problems, reading.problems
    fates = desk.run(lambda s: sort(s, reading.matters))
    prepared = [
        legacy.prepare(one.matter, desk.office, desk.rules, desk.clock())
        for one in fates
        if one.fate is Fate.NEW
    ]
    return desk.run(
        lambda s: legacy.take_over(
            s, desk.office, desk.ledger, reading.matters, prepared, desk.staff[who], ORIGIN, desk.clock()
        )
    )


def one(desk: Desk, **said):
    """Take over one matter and give its id."""
    take(desk, row(**said))
    return desk.run(lambda s: s.scalars(select(LegacyRow.case_id).order_by(LegacyRow.case_id.desc())).first())


def queued(desk: Desk, kind=MessageKind.TEXT):
    return [r for r in desk.all(OutboxRow) if r.kind == kind.value]


def tick(desk: Desk):
    """Let everything look that looks by itself."""

    def work(session):
        now = desk.clock()
        deadlines.tick(session, desk.office, desk.ledger, now)
        holding.tick(session, desk.office, desk.ledger, now)
        return audit(session, desk.office, now)

    return desk.run(work)


def test_a_closed_matter_comes_in_as_it_ended_and_nobody_is_alarmed(desk):
    case_id = one(desk)
    case = desk.case(case_id)
    assert (case.number, case.old_number, case.state) == ("YQ-2025-0001", "JN-2025-018", State.CLOSED)
    assert (case.level, case.channel, case.place) == (Level.III, "petition", "东湖小区")
    assert (case.opened_at, case.closed_at) == (local("2025-01-06 08:30"), local("2025-01-09 00:00"))
    assert (desk.all(DeadlineRow), desk.all(HoldRow)) == ([], [])
    [summary] = queued(desk)
    assert (summary.chat, summary.payload["over"], summary.payload["late"]) == (desk.office.duty_chat, 1, 0)
    tick(desk)
    assert (len(desk.all(OutboxRow)), queued(desk, MessageKind.CARD)) == (1, [])


def test_at_night_the_summary_rings_nobody_awake(desk):
    desk.office = replace(desk.office, night=(time(22), time(7)))
    one(desk)
    desk.clock.advance(hours=14)  # midnight
    one(desk, 编号="2")
    assert [r.payload.get(SILENT, False) for r in queued(desk)] == [False, True]


def test_open_ones_go_on_with_limits_from_the_ledger_and_are_late_once(desk):
    recent = {"发布时间": NEW, "交办时间": "2026-11-17 09:00"}
    judging = one(desk, 编号="1", 发布时间="2026-11-17 09:30", 交办时间=None, 签收时间=None, **OPEN)
    to_sign = one(desk, 编号="2", 签收时间=None, **(OPEN | recent))
    handling = one(desk, 编号="3", **OPEN)
    steps = {
        case_id: {(r.step, r.next_at is None) for r in desk.all(DeadlineRow, DeadlineRow.case_id == case_id)}
        for case_id in (judging, to_sign, handling)
    }
    assert desk.case(judging).state is State.JUDGING
    assert steps[judging] == {(Step.RESPOND, False), (Step.DISPATCH, False)}
    assert desk.case(to_sign).state is State.TO_SIGN
    assert steps[to_sign] == {(Step.RESPOND, False), (Step.SIGN, False)}
    assert desk.case(handling).state is State.HANDLING
    assert steps[handling] == {(Step.RESPOND, True), (Step.DRAFT, True), (Step.CLOSE, True)}
    [signed] = desk.all(DeadlineRow, DeadlineRow.case_id == to_sign, DeadlineRow.step == Step.SIGN)
    assert signed.due_at == local("2026-11-17 11:00")
    before = len(desk.all(OutboxRow))
    assert tick(desk) == []
    assert len(desk.all(OutboxRow)) == before
    assert desk.all(SupervisionRow) == []
    desk.clock.advance(hours=1.5)  # now it is the first's and the second's turn
    tick(desk)
    told = [r for r in queued(desk) if r.payload["template"] in {"reminder", "overdue"}]
    assert {r.case_id for r in told} == {judging, to_sign}


def test_a_limit_that_the_ledger_names_counts(desk):
    heads = [*HEADS, "办结时限"]
    take(desk, [*row(**OPEN), "2026-12-01 18:00"], heads=heads)
    [close] = desk.all(DeadlineRow, DeadlineRow.step == Step.CLOSE)
    assert (close.due_at, close.next_at is None) == (local("2026-12-01 18:00"), False)


def test_numbers_have_no_gap_in_any_year_and_follow_the_order_of_time(desk):
    ours = desk.open()
    taken = take(
        desk,
        row(编号="a2025", 发布时间="2025-05-01", 交办时间=None, 签收时间=None, 办结时间="2025-05-03"),
        row(编号="b2024", 发布时间="2024-05-01", 交办时间=None, 签收时间=None, 办结时间="2024-05-03"),
        row(编号="c2025", 发布时间="2025-02-01", 交办时间=None, 签收时间=None, 办结时间="2025-05-03"),
        row(编号="d2026", 发布时间="2026-01-05", 交办时间=None, 签收时间=None, 办结时间="2026-02-03"),
    )
    assert desk.case(ours).number == "YQ-2026-0001"
    numbers = {case.old_number: case.number for case in desk.all(CaseRow) if case.old_number}
    assert numbers == {
        "b2024": "YQ-2024-0001",
        "c2025": "YQ-2025-0001",
        "a2025": "YQ-2025-0002",
        "d2026": "YQ-2026-0002",
    }
    assert sorted(taken.numbers) == sorted(numbers.values())
    assert {r.name: r.value for r in desk.all(CounterRow) if r.name.startswith("case:")} == {
        "case:2024": 1,
        "case:2025": 2,
        "case:2026": 2,
    }
    assert desk.run(lambda s: find_case(s, "1")) == ours  # the newest year's, whatever came in last
    assert desk.case(desk.run(lambda s: find_case(s, "b2024"))).number == "YQ-2024-0001"


def test_the_same_file_twice_brings_nothing_and_a_changed_row_is_said_and_left(desk):
    take(desk, row(), row(编号="2", **OPEN))
    cases, lines = desk.all(CaseRow), len(desk.all(LedgerRow))
    taken = take(desk, row(), row(编号="2", **OPEN))
    assert (taken.numbers, taken.fates[Fate.SAME]) == ((), 2)
    assert len(desk.all(CaseRow)) == len(cases)
    assert len(desk.all(LedgerRow)) == lines + 1
    fates = desk.run(lambda s: sort(s, matters(row(标题="东湖小区停水四天"), row(编号="2"))))
    assert [each.fate for each in fates] == [Fate.CHANGED, Fate.CHANGED]
    assert fates[0].changes == ("标题 由“东湖小区停水三天”变为“东湖小区停水四天”",)
    assert any(change.startswith("办结时间 由“”变为“2025-01-09") for change in fates[1].changes)
    assert take(desk, row(标题="东湖小区停水四天")).numbers == ()
    assert {case.title for case in desk.all(CaseRow)} == {"东湖小区停水三天"}


def test_what_this_desk_has_already_is_not_taken_over(desk):
    ours = desk.open(url="https://bbs.example.com/t/18")
    number = desk.case(ours).number
    fates = desk.run(lambda s: sort(s, matters(row(), row(编号=number, 链接=None), row(编号="3", 链接=None))))
    assert [(each.fate, each.number) for each in fates] == [
        (Fate.HERE, number),
        (Fate.HERE, number),
        (Fate.NEW, ""),
    ]


def test_the_record_holds_a_line_for_the_whole_and_one_a_case(desk):
    take(desk, row(), row(编号="2", **OPEN))
    lines = desk.all(LedgerRow)
    assert [line.action for line in lines] == ["import", "take_over", "take_over"]
    assert all(line.actor == "李主任" for line in lines)
    assert '"reason": "启用新系统"' in lines[0].data
    assert set(json.loads(lines[2].data)["late"]) == {"respond", "draft", "close"}
    assert desk.run(desk.ledger.verify).broken is None


def test_a_file_that_fails_midway_leaves_nothing(desk, monkeypatch):
    def fail(*_args, **_more):
        raise RuntimeError("cut off")

    monkeypatch.setattr(legacy, "_tell", fail)
    with pytest.raises(RuntimeError):
        take(desk, row())
    assert (desk.all(CaseRow), desk.all(LedgerRow), desk.all(LegacyRow), desk.all(SearchRow)) == (
        [],
        [],
        [],
        [],
    )
    assert [r for r in desk.all(CounterRow) if r.value] == []


def test_ordinary_cards_wait_until_somebody_asks_and_grave_ones_follow_without_a_sound(desk):
    grave = one(desk, 编号="1", 等级="Ⅱ", **OPEN)
    cards = queued(desk, MessageKind.CARD)
    assert {(r.case_id, r.chat, r.priority >= 4) for r in cards} == {
        (grave, desk.office.duty_chat, True),
        (grave, "group-petition", True),
    }
    small = one(desk, 编号="2", **OPEN)
    desk.clock.advance(hours=2)
    tick(desk)
    assert [r for r in queued(desk, MessageKind.CARD) if r.case_id == small] == []
    assert desk.run(lambda s: case_view(s, small)).held is not None
    shown = desk.run(
        lambda s: holding.show(s, desk.office, desk.ledger, desk.staff["duty"], small, desk.clock())
    )
    assert shown.number == desk.case(small).number
    assert {r.chat for r in queued(desk, MessageKind.CARD) if r.case_id == small} == {
        desk.office.duty_chat,
        "group-petition",
    }
    assert [row.ending for row in desk.all(HoldRow)] == [Ending.SHOWN]


def test_a_card_that_waits_costs_no_look_and_one_of_a_matter_that_ended_waits_no_more(desk):
    case_id = one(desk, 发布时间=NEW, 交办时间=None, 签收时间=None, **OPEN)
    assert desk.run(lambda s: holding.tick(s, desk.office, desk.ledger, desk.clock())) == 0
    desk.act(case_id, Command.DISMISS)
    assert desk.run(lambda s: holding.tick(s, desk.office, desk.ledger, desk.clock())) == 1
    assert [row.ending for row in desk.all(HoldRow)] == [Ending.CLOSED]
    desk.act(case_id, Command.REOPEN)
    tick(desk)
    assert [r.chat for r in queued(desk, MessageKind.CARD) if r.case_id == case_id] == [desk.office.duty_chat]


def test_each_unit_gets_one_list_of_what_it_has_in_hand(desk):
    take(
        desk,
        row(编号="1", **OPEN),
        row(编号="2", **OPEN),
        row(编号="3", 归口类别="网络舆情", **OPEN),
        row(编号="4", 归口类别="其他", 交办时间=None, 签收时间=None, **OPEN),
        row(编号="5"),
    )
    assert Counter(r.chat for r in queued(desk)) == {
        desk.office.duty_chat: 1,
        "group-petition": 1,
        "group-network": 1,
    }
    batch = queued(desk)[0].payload["batch"]
    whole = desk.run(lambda s: legacy.still_open(s, batch, None, desk.clock(), page=0, size=2))
    assert (len(whole.ids), whole.total) == (2, 4)
    theirs = desk.run(lambda s: legacy.still_open(s, batch, ["petition"], desk.clock(), page=0, size=8))
    assert theirs.total == 2


def test_the_list_begins_with_the_gravest_and_with_what_can_still_be_kept(desk):
    fresh = {"发布时间": "2026-11-17 09:30", "交办时间": None, "签收时间": None}
    take(
        desk,
        row(编号="1", 等级="Ⅳ", **(OPEN | fresh)),
        row(编号="2", **OPEN),
        row(编号="3", **(OPEN | fresh)),
        row(编号="4", 等级="Ⅱ", **OPEN),
    )
    batch = queued(desk)[0].payload["batch"]
    listed = desk.run(lambda s: legacy.still_open(s, batch, None, desk.clock(), page=0, size=8))
    assert [desk.case(case_id).old_number for case_id in listed.ids] == ["4", "3", "2", "1"]


def test_an_open_one_is_carried_on_to_its_end(desk):
    case_id = one(desk, **OPEN)
    for command in (Command.DRAFT, Command.PASS, Command.CLEAR, Command.APPROVE, Command.CONFIRM):
        assert isinstance(desk.act(case_id, command), Done)
    assert desk.case(case_id).state is State.CLOSED


def test_a_closed_one_can_be_taken_up_again_by_its_unit(desk):
    case_id = one(desk)
    assert desk.act(case_id, Command.REOPEN).state is State.HANDLING
    tick(desk)
    assert {r.chat for r in queued(desk, MessageKind.CARD) if r.case_id == case_id} >= {"group-petition"}
    assert desk.act(case_id, Command.DRAFT).state is State.IN_REVIEW


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("退回待派", State.RETURNED), ("持续关注", State.WATCHING), ("已移送", State.TRANSFERRED),
        ("不予受理", State.DISMISSED), ("已归档", State.ARCHIVED), ("已回应", State.CLOSED), ("待审核", State.HANDLING),
    ],
)  # fmt: skip
def test_every_state_of_a_ledger_has_its_place_here(desk, word, state):
    cells = row(办结时间=None, 链接=None)
    take(desk, [*cells, word, "无管辖权"], heads=[*HEADS, "状态", "备注"])
    [case] = desk.all(CaseRow)
    assert case.state is state
    assert (case.closed_at is not None) == (state in {State.DISMISSED, State.ARCHIVED, State.CLOSED})
    assert case.close_reason == ("无管辖权" if state is State.DISMISSED else None)
    tick(desk)
    desk.clock.advance(days=3)
    tick(desk)


def test_an_answer_waits_for_its_re_check_where_the_office_has_one(desk):
    desk.office = replace(desk.office, procedure=Procedure(recheck=True))
    take(desk, [*row(办结时间=None), "2025-01-07"], heads=[*HEADS, "首回时间"])
    [case] = desk.all(CaseRow)
    assert case.state is State.ANSWERED
    assert [r.step for r in desk.all(DeadlineRow)] == [Step.RECHECK]


def test_a_recent_one_is_joined_by_a_new_text_and_its_card_comes_then(desk):
    text = "东湖小区又停水了，物业一直不管，四百多户没水用，打热线没人接"
    case_id = one(
        desk, 发布时间=NEW, 交办时间=None, 签收时间=None, 标题="东湖小区停水", 原帖摘要=text, **OPEN
    )
    desk.know()
    desk.accept(item(text, published_at=START))
    assert desk.run(lambda s: s.scalar(select(func.count()).where(CaseItemRow.case_id == case_id))) == 2
    assert [r.chat for r in queued(desk, MessageKind.CARD) if r.case_id == case_id] == [desk.office.duty_chat]
    assert [row.ending for row in desk.all(HoldRow)] == [Ending.STIRRED]


def test_news_of_an_open_one_joins_it_however_old_it_is_and_sleeps_a_week_after_its_import(desk):
    desk.know()
    case_id = one(desk, **OPEN)  # of January
    desk.clock.advance(hours=24 * 6)
    desk.accept(item("东湖小区从昨天停水到现在，没有人管", published_at=desk.clock()))
    assert len(desk.all(CaseItemRow, CaseItemRow.case_id == case_id)) == 2
    assert len(desk.all(CaseRow)) == 1
    asleep = one(desk, 编号="2", 标题="西山小区停水", 原帖摘要="西山小区从昨天停水到现在。", **OPEN)
    desk.clock.advance(hours=24 * 7 + 1)
    desk.accept(item("西山小区从昨天停水到现在", external_id="later", published_at=desk.clock()))
    assert len(desk.all(CaseItemRow, CaseItemRow.case_id == asleep)) == 1


def test_what_is_merged_into_one_whose_card_waits_brings_the_card(desk):
    case_id = one(desk, 发布时间=NEW, 交办时间=None, 签收时间=None, **OPEN)
    live = desk.open("西山小区今天又停水了，物业不管")
    assert isinstance(desk.act(live, Command.MERGE, into=case_id), Done)
    assert [r.chat for r in queued(desk, MessageKind.CARD) if r.case_id == case_id] == [desk.office.duty_chat]
    assert [row.ending for row in desk.all(HoldRow)] == [Ending.STIRRED]


def test_the_desk_s_own_ledger_read_in_again_brings_nothing_twice(desk):
    take(desk, row(), row(编号="2", 标题="西山路灯不亮", 原帖摘要="西山路灯不亮好几天", **OPEN))
    desk.open()
    span = Span("", START - timedelta(days=4_000), START + timedelta(days=1))
    lines = desk.run(lambda s: ledger_rows(s, desk.office, span, full=True))
    reading = read(load_workbook(io.BytesIO(ledger_xlsx(lines))), office=desk.office, now=desk.clock())
    assert not reading.problems, reading.problems
    assert {one.fate for one in desk.run(lambda s: sort(s, reading.matters))} == {Fate.HERE}


def test_another_desk_s_matter_of_the_same_number_is_new(desk):
    one(desk)
    assert len(desk.all(CaseRow)) == 1
    take(desk, row(编号="YQ-2025-0001", 标题="西山路灯不亮"))
    assert [case.old_number for case in desk.all(CaseRow)] == ["JN-2025-018", "YQ-2025-0001"]


def test_news_of_a_closed_one_is_said(desk):
    text = "东湖小区又停水了，物业一直不管，四百多户没水用，打热线没人接"
    case_id = one(
        desk,
        发布时间=NEW,
        交办时间=None,
        签收时间=None,
        办结时间="2026-11-17",
        标题="东湖小区停水",
        原帖摘要=text,
    )
    desk.know()
    desk.accept(item(text, published_at=START))
    assert [r.case_id for r in queued(desk) if r.payload["template"] == "after_close"] == [case_id]


def test_old_texts_take_no_place_from_those_that_new_ones_are_held_against(desk, monkeypatch):
    text = "西山小区又停水了，物业一直不管，四百多户没水用，打热线没人接"
    live = desk.open(text)
    one(desk)
    monkeypatch.setattr(recent, "WINDOW_ITEMS", 1)
    desk.accept(item(text, published_at=START))
    assert desk.run(lambda s: s.scalar(select(func.count()).where(CaseItemRow.case_id == live))) == 2


def test_what_was_not_read_here_is_neither_replayed_nor_scored(desk):
    one(desk, **OPEN)
    long_ago = START - timedelta(days=9_000)
    assert desk.run(lambda s: history.extent(s, long_ago)) is None
    assert desk.run(lambda s: intake.unscored(s, long_ago, START + timedelta(days=1), 10)) == []


def test_history_is_no_news_of_this_week(desk):
    office, span = desk.office, week_of(START, desk.office.zone)
    desk.clock.advance(hours=1)
    before = desk.run(lambda s: week_numbers(s, office, span, desk.clock()))
    recent = {"发布时间": NEW, "交办时间": "2026-11-16 10:00", "签收时间": "2026-11-16 10:30"}
    take(
        desk,
        row(编号="1", **recent, 办结时间="2026-11-16 18:00"),
        row(编号="2", **(recent | OPEN)),
        row(编号="3"),
    )
    after = desk.run(lambda s: week_numbers(s, office, span, desk.clock()))
    for figure in (
        "opened",
        "by_level",
        "items_seen",
        "signed",
        "answered",
        "closed",
        "median_sign_minutes",
        "top",
    ):
        assert getattr(after, figure) == getattr(before, figure), figure
    assert sum(line.dispatched for line in after.channels) == 0
    assert after.open_now == 1
    since = desk.run(lambda s: handover._tally(s, START - timedelta(days=2), desk.clock()))
    assert (since["opened"], since["dispatched"], since["closed"]) == (0, 0, 0)


def test_everybody_finds_where_it_came_from(desk):
    case_id = one(desk, 编号="老-2025-7号")
    view = desk.run(lambda s: case_view(s, case_id))
    assert (view.legacy.number, view.legacy.told["办结时间"]) == ("老-2025-7号", "2025-01-09 00:00")
    assert view.slip.dispatched_by == "旧台账"
    hits, _ = desk.run(
        lambda s: search.find(s, words_of("停水"), channels=None, with_drafts=False, page=0, size=8)
    )
    assert [(hit.number, hit.old_number) for hit in hits] == [("YQ-2025-0001", "老-2025-7号")]
    steps = desk.run(lambda s: explain(s, "老-2025-7号"))
    assert any("take_over" in step.detail and "老-2025-7号" in step.detail for step in steps)
    span = week_of(local("2025-01-06 08:30"), desk.office.zone)
    [line] = desk.run(lambda s: ledger_rows(s, desk.office, span, full=True))
    assert (line.number, line.platform, line.level) == ("YQ-2025-0001", "论坛", "Ⅲ")
    assert (line.sent_at, line.closed_at) == (local("2025-01-06 10:00"), local("2025-01-09 00:00"))
    assert line.note == "旧台账导入，旧编号 老-2025-7号"


def test_a_run_of_two_at_once_takes_each_matter_over_once(desk):
    reading = matters(row())
    prepared = [legacy.prepare(each, desk.office, desk.rules, desk.clock()) for each in reading]

    def work(session):
        actor = desk.staff["office"]
        return legacy.take_over(
            session, desk.office, desk.ledger, reading, prepared, actor, ORIGIN, desk.clock()
        )

    assert len(desk.run(work).numbers) == 1
    assert desk.run(work).numbers == ()  # the second one had sorted before the first was committed
    assert len(desk.all(CaseRow)) == 1
