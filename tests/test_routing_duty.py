"""The roster as rows: taken over whole or not at all, people put in place, gaps and unreachable people told once."""

from datetime import datetime, timedelta

import pytest
from builders import HOUR, START, ZONE, Desk

from bot.sentences import sentence
from routing import chats, duty, people, roster_watch
from routing.office import Role
from routing.roster import Fault, Shift
from routing.roster_watch import Reach
from routing.store.tables import LedgerRow, OutboxRow, ShiftRow
from routing.workflow import Command, State

DAY = timedelta(days=1)


def planned(
    day: int = 0, *, staff=("王值班",), leader="郑县长", reserve=("李主任",), days: int = 1
) -> Shift[str]:
    """A shift of whole days; day 0 began four hours before the clock of the test."""
    starts_at = START - 4 * HOUR + day * DAY
    return Shift(
        "全天", starts_at, starts_at + days * DAY, leader, tuple(staff), tuple(reserve), "roster.toml:5"
    )


def take(desk: Desk, *shifts: Shift[str]) -> list[duty.Unknown]:
    return desk.run(lambda s: duty.take(s, desk.ledger, shifts, desk.clock()))


def look(desk: Desk, *shifts: Shift[str]) -> int:
    return desk.run(lambda s: roster_watch.look(s, desk.office, desk.ledger, shifts, desk.clock()))


def told(desk: Desk, template: str) -> list[str]:
    return [row.chat for row in desk.all(OutboxRow) if row.payload.get("template") == template]


def lines(desk: Desk) -> list[str]:
    return [row.action for row in desk.all(LedgerRow)]


def test_a_roster_is_taken_once_and_leaves_one_line(desk):
    shifts = [planned(0), planned(1)]
    assert take(desk, *shifts) == []
    assert take(desk, *shifts) == []
    assert len(desk.all(ShiftRow)) == 2
    assert lines(desk) == ["roster"]


def test_a_name_that_nobody_has_keeps_the_roster_that_runs_and_is_told_with_a_near_one(desk):
    take(desk, planned(0))
    [unknown] = take(desk, planned(0), planned(1, staff=("王值斑",)))
    assert (unknown.name, unknown.where, unknown.near) == ("王值斑", "roster.toml:5", ("王值班",))
    assert len(desk.all(ShiftRow)) == 1


def test_a_name_that_two_have_is_told_and_a_revoked_one_is_nobodys(desk):
    desk.run(lambda s: people.add(s, name="王值班", roles=[Role.DUTY], channels=[], account=None, now=START))
    desk.run(
        lambda s: people.revoke(s, desk.ledger, person_id=desk.staff["leader"].person_id, by="x", now=START)
    )
    found = {one.name: one.bearers for one in take(desk, planned(0))}
    assert found == {"王值班": 2, "郑县长": 0}


def test_what_is_over_stays_as_it_was_when_the_roster_changes(desk):
    take(desk, planned(0), planned(1))
    desk.clock.advance(DAY)
    take(desk, planned(1, staff=("孙初审",)))
    was, now = desk.all(ShiftRow)
    assert was.staff == [desk.staff["duty"].person_id]
    assert now.staff == [desk.staff["reviewer"].person_id]


def test_who_is_on_duty_has_a_name_and_a_chat(desk):
    take(desk, planned(0))
    [watch] = desk.run(lambda s: duty.watches(s, desk.clock()))
    assert watch.leader == duty.OnDuty(desk.staff["leader"].person_id, "郑县长", ("private-leader",))
    assert [one.name for one in watch.staff] == ["王值班"]
    assert desk.run(lambda s: duty.staff_chats(s, desk.clock())) == ["private-duty"]
    assert desk.run(lambda s: duty.staff_chats(s, desk.clock() + DAY)) == []


def test_who_was_revoked_is_on_duty_no_more(desk):
    take(desk, planned(0))
    person = desk.staff["duty"].person_id
    desk.run(lambda s: people.revoke(s, desk.ledger, person_id=person, by="x", now=START))
    [watch] = desk.run(lambda s: duty.watches(s, desk.clock()))
    assert watch.staff == ()


def test_without_a_roster_nothing_is_missing(desk):
    assert look(desk) == 0
    assert desk.all(OutboxRow) == []


def test_a_gap_within_two_days_is_told_once_in_the_duty_group_and_to_the_operator(desk):
    shifts = [planned(0), planned(2)]
    look(desk, *shifts)
    desk.clock.advance(HOUR)
    look(desk, *shifts)
    gap = [row for row in desk.all(OutboxRow) if row.payload["template"] == "roster_gap"]
    assert [row.chat for row in gap] == ["duty-group", "operator"]
    said = sentence("roster_gap", gap[0].payload, None, desk.office).blocks[0].text
    assert said == "🚨 值班空档：11-18 06:00–11-19 06:00 无人值班，请尽快排班"
    assert lines(desk) == ["roster", "roster_gap"]


def test_the_end_of_the_roster_is_a_gap_when_it_comes_near(desk):
    look(desk, planned(0, days=4))
    assert told(desk, "roster_gap") == []
    desk.clock.advance(2 * DAY)
    look(desk, planned(0, days=4))
    look(desk, planned(0, days=4))
    [row, _] = [row for row in desk.all(OutboxRow) if row.payload["template"] == "roster_gap"]
    said = sentence("roster_gap", row.payload, None, desk.office).blocks[0].text
    assert said == "🚨 值班空档：11-21 06:00 起没有排班，请尽快更新值班表"


def test_wrong_names_are_told_to_the_operator_once_a_day(desk):
    wrong = planned(0, staff=("王值斑",))
    for _ in range(3):
        look(desk, wrong)
        desk.clock.advance(HOUR)
    assert told(desk, "roster_names") == ["operator"]
    [row] = desk.all(OutboxRow)
    said = [block.text for block in sentence("roster_names", row.payload, None, desk.office).blocks]
    assert said[0] == "⚠️ 值班表有 1 个姓名对不上，沿用原值班表"
    assert "是不是 王值班？" in said[1]


def test_whom_no_message_reaches_is_found(desk):
    bare = desk.run(
        lambda s: people.add(s, name="无号", roles=[Role.DUTY], channels=[], account=None, now=START)
    )
    duty_id, office_id = desk.staff["duty"].person_id, desk.staff["office"].person_id
    desk.run(lambda s: chats.closed(s, "private-office", "屏蔽", desk.clock()))
    found = desk.run(lambda s: roster_watch.reach(s, [bare, duty_id, office_id]))
    assert found == {bare: Reach.NO_ACCOUNT, duty_id: Reach.WELL, office_id: Reach.CLOSED}


def test_a_report_tells_faults_by_name_and_is_not_upset_by_a_missing_reserve(desk):
    take(desk, planned(0), planned(1, reserve=()), planned(1, staff=("王值班",), reserve=()))
    shifts = desk.run(lambda s: duty.shifts(s, START, START + DAY))
    found = desk.run(lambda s: roster_watch.report(s, desk.office, shifts, START, START + DAY))
    assert [(f.fault, f.who) for f in found.faults if f.fault is Fault.DOUBLE] == [
        (Fault.DOUBLE, ("郑县长", "王值班"))
    ]
    assert not found.is_well
    calm = desk.run(lambda s: roster_watch.report(s, desk.office, shifts[:2], START, START + DAY))
    assert calm.is_well


def monday_at_half_past_eight() -> datetime:
    return datetime(2026, 11, 23, 8, 30, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("closed", "chats_told"), [(False, ["operator"]), (True, ["operator", "duty-group"])]
)
def test_once_a_week_one_line_says_how_the_coming_days_are_covered(desk, closed, chats_told):
    shifts = [planned(day) for day in range(20)]
    take(desk, *shifts)
    if closed:
        desk.run(lambda s: chats.closed(s, "private-office", "屏蔽", desk.clock()))
    desk.clock.now = monday_at_half_past_eight() - timedelta(minutes=1)
    look(desk, *shifts)
    assert told(desk, "roster_week") == []
    for _ in range(2):
        desk.clock.advance(minutes=1)
        look(desk, *shifts)
    assert told(desk, "roster_week") == chats_told
    row = next(row for row in desk.all(OutboxRow) if row.payload["template"] == "roster_week")
    said = [block.text for block in sentence("roster_week", row.payload, None, desk.office).blocks]
    if closed:
        assert "有 1 处要处理" in said[0]
        assert said[1] == "李主任：屏蔽了机器人或从未与它对话，请本人在私聊里发送 /start"
    else:
        assert said == ["🗓 未来 7 天值班：8 班，3 人，没有空档，人人可联系"]


def test_who_is_on_duty_when_a_matter_comes_back_hears_why_besides_who_dispatched_it(desk):
    case_id = desk.at(State.TO_SIGN)  # 王值班 dispatched it
    take(desk, planned(staff=("李主任",), reserve=()))
    desk.act(case_id, Command.RETURN, reason="属水利局职责")
    told = [row for row in desk.all(OutboxRow) if row.payload.get("template") == "returned_why"]
    assert sorted(row.chat for row in told) == ["private-duty", "private-office"]
    assert {row.payload["reason"] for row in told} == {"属水利局职责"}
    [aloud] = [row for row in desk.all(OutboxRow) if row.payload.get("template") == "returned"]
    assert aloud.payload["on_duty"] == "yes"  # and the group reads that he was told
