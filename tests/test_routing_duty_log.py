"""The 值班日志 of a day: what happened, to the minute, who did it, and to whom it went over."""

from dataclasses import replace
from datetime import timedelta

import pytest
from builders import START, ZONE, Desk, item, views
from sqlalchemy import text

from bot.words import words
from routing import duty, handover
from routing.clock import day_named
from routing.duty_log import DutyLog, duty_log
from routing.export import LEFT_OUT
from routing.office import Level, Procedure, Role
from routing.roster import Shift
from routing.store.tables import CaseRow
from routing.workflow import Command

DAY = "2026-11-17"


def log(desk: Desk, day: str = DAY, *, full: bool = False) -> DutyLog:
    span = day_named(day, ZONE)
    return desk.run(lambda s: duty_log(s, desk.office, span, words(None), full=full))


def told(found: DutyLog) -> list[tuple[str, ...]]:
    return [
        (f"{line.at:%H:%M}", line.source, line.handling, line.handed_to, line.signed) for line in found.lines
    ]


@pytest.fixture
def busy(desk: Desk) -> Desk:
    """A day: on duty from 08:00, a matter judged, sent, returned, sent on, signed for and drafted; another dismissed."""
    shift = Shift(
        "白班", START - timedelta(hours=2), START + timedelta(hours=8), "郑县长", ("王值班",), ("李主任",)
    )
    assert desk.run(lambda s: duty.take(s, desk.ledger, [shift], desk.clock())) == []
    desk.office = replace(desk.office, procedure=Procedure(second_review=True))
    first = desk.open(title="东湖小区停水", counts=views(12_500))
    steps = (
        (Command.DISPATCH, {}),
        (Command.RETURN, {"reason": "供水归住建部门管"}),
        (Command.DISPATCH, {}),
        (Command.SIGN, {}),
        (Command.DRAFT, {}),
        (Command.PASS, {}),
        (Command.CLEAR, {"basis": "保密法第二十七条", "reason": "不涉密"}),
        (Command.PASS, {"who": "second"}),
    )
    for command, more in steps:
        desk.clock.advance(minutes=10)
        desk.act(first, command, **more)
    desk.clock.advance(minutes=10)
    desk.accept(item("西山小区停水", title="西山小区停水"))
    second = desk.all(CaseRow)[-1].id
    desk.act(second, Command.DISMISS, reason="与本县无关")
    return desk


def test_every_step_is_a_line_with_its_minute_its_hand_and_where_it_went(busy):
    assert told(log(busy)) == [
        ("10:00", "bbs", "立项：等级 Ⅲ级 较大", "", ""),
        ("10:10", "值班员", "转办：文号 舆转〔2026〕1号", "社情民意承办单位", "王值班"),
        ("10:20", "联络员", "退回：理由 供水归住建部门管", "", "赵联络"),
        ("10:30", "值班员", "转办：文号 舆转〔2026〕2号", "社情民意承办单位", "王值班"),
        ("10:40", "联络员", "签收", "", "赵联络"),
        ("10:50", "联络员", "提交答复稿：稿次 1", "", "赵联络"),
        ("11:00", "初审人", "初审通过", "", "孙初审"),
        ("11:10", "保密审查员", "保密审查：公开", "", "吴保密"),
        ("11:20", "二审人", "二审通过", "", "何科长"),
        ("11:30", "bbs", "立项：等级 Ⅳ级 一般", "", ""),
        ("11:30", "值班员", "不予受理：理由 与本县无关", "", "王值班"),
    ]
    assert {line.content for line in log(busy).lines} == {
        "YQ-2026-0001 东湖小区停水",
        "YQ-2026-0002 西山小区停水",
    }


def test_who_has_several_roles_is_named_by_the_one_in_which_he_acted(desk):
    everything = replace(
        desk.staff["duty"], roles=frozenset({Role.DUTY, Role.ADMIN, Role.REVIEWER, Role.SECRECY})
    )
    case = desk.open(title="东湖小区停水", counts=views(12_500))
    desk.act(case, Command.DISPATCH, everything)
    desk.act(case, Command.SIGN)
    desk.act(case, Command.DRAFT)
    desk.act(case, Command.PASS, everything)
    desk.act(case, Command.CLEAR, everything, basis="保密法第二十七条", reason="不涉密")
    assert [line.source for line in log(desk).lines if line.signed == everything.name] == [
        "值班员",
        "初审人",
        "保密审查员",
    ]


def test_the_grounds_of_a_secrecy_review_stand_in_no_log(busy):
    assert "不涉密" not in str(log(busy, full=True))
    assert "保密法" not in str(log(busy, full=True))


def test_it_says_who_was_on_duty_and_to_whom_the_turn_went_over(busy):
    (shift,) = log(busy).shifts
    assert (shift.name, shift.leader, shift.staff, shift.reserve) == (
        "白班", "郑县长", ("王值班",), ("李主任",),
    )  # fmt: skip
    assert f"{shift.starts_at:%H:%M}–{shift.ends_at:%H:%M}" == "08:00–18:00"
    going, coming = busy.staff["duty"], busy.staff["office"]
    busy.run(
        lambda s: handover.begin(
            s, busy.office, busy.ledger,
            outgoing=going, incoming_id=coming.person_id, note="", now=busy.clock.advance(minutes=10),
        )
    )  # fmt: skip
    last = log(busy).lines[-1]
    assert (last.content, last.handling, last.handed_to, last.signed) == (
        "移交未办结事项 1 件", "交接班", "李主任", "王值班",
    )  # fmt: skip


def test_the_matters_of_the_day_stand_in_the_form_of_the_watch(busy):
    first, second = log(busy).matters
    assert (first.serial, first.day, first.shift, first.watcher) == (1, DAY, "白班", "")
    assert f"{first.found_at:%H:%M} {first.published_at:%H:%M}" == "10:00 09:50"
    assert (first.platform, first.title, first.unit) == ("bbs", "东湖小区停水", "社情民意承办单位")
    assert (first.views, first.reposts, first.comments) == (12_500, None, None)
    assert (first.channel, first.level) == ("petition", "Ⅲ")
    assert first.summary == "东湖小区今天又停水了，物业不管"
    assert (second.serial, second.handling, second.note) == (
        2,
        "不予受理",
        "不予受理：与本县无关；抄送：网络舆情",
    )


def test_links_and_summaries_of_a_grave_matter_leave_only_in_full(busy):
    busy.run(lambda s: s.execute(text(f"UPDATE matter SET level = {int(Level.II)}")))
    closed, opened = log(busy), log(busy, full=True)
    assert (closed.matters[0].url, closed.matters[0].summary) == ("", "")
    assert LEFT_OUT in closed.matters[0].note
    assert opened.matters[0].url.startswith("http://bbs.example/")
    assert LEFT_OUT not in opened.matters[0].note


def test_a_day_is_the_office_s_and_begins_at_its_midnight(busy):
    busy.clock.advance(hours=12, minutes=29)  # 23:59
    busy.act(busy.all(CaseRow)[0].id, Command.APPROVE)
    busy.clock.advance(minutes=1)
    busy.act(busy.all(CaseRow)[0].id, Command.CONFIRM)
    assert told(log(busy))[-1][:3] == ("23:59", "领导", "批准发布")
    assert told(log(busy, "2026-11-18"))[0][:3] == ("00:00", "联络员", "回应确认")


def test_a_quiet_day_has_no_line(desk):
    found = log(desk, "2026-11-16")
    assert (found.shifts, found.lines, found.matters) == ((), (), ())


def test_reading_the_log_changes_nothing(busy):
    before = busy.run(busy.ledger.verify)
    log(busy, full=True)
    assert busy.run(busy.ledger.verify) == before
