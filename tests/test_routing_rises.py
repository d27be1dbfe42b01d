"""Limits of a matter whose level rises: none is late by a level that the matter had not when it was due."""

from dataclasses import replace
from datetime import datetime

import pytest
from builders import HOUR, MINUTE, START, ZONE, Desk, item, views
from test_routing_course import EVERY, switch

from routing import deadlines
from routing.ledger import entries
from routing.office import Level, Limit, Step
from routing.outbox import QUIET_UNTIL
from routing.store.tables import CaseRow, DeadlineRow, OutboxRow
from routing.workflow import Command, State
from routing.worktime import return_until

TEXT = "东湖小区今天又停水了，物业不管"


def local(text: str) -> datetime:
    return datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=ZONE)


def at(desk: Desk, text: str) -> None:
    desk.clock.now = local(text).astimezone(START.tzinfo)


def row(desk: Desk, step: Step) -> DeadlineRow:
    return desk.all(DeadlineRow, DeadlineRow.step == step)[-1]


def told(desk: Desk, template: str) -> list[dict]:
    return [one.payload for one in desk.all(OutboxRow) if one.payload.get("template") == template]


def heard(desk: Desk, until: str) -> list[str]:
    """Let the clock run from one reminder to the next; gives when something was told, and what."""
    end, said = local(until), list[str]()
    while True:
        coming = [one.next_at for one in desk.all(DeadlineRow, DeadlineRow.next_at.is_not(None))]
        if not coming or min(coming) > end:
            return said
        desk.clock.now = max(desk.clock.now, min(coming))
        before = len(desk.all(OutboxRow, OutboxRow.kind == "text"))
        desk.run(lambda s: deadlines.tick(s, desk.office, desk.ledger, desk.clock()))
        for one in desk.all(OutboxRow, OutboxRow.kind == "text")[before:]:
            when = desk.clock().astimezone(ZONE).strftime("%d %H:%M")
            said.append(f"{when} {one.payload['template']} {one.payload['step']}")


@pytest.fixture
def sunday(desk: Desk) -> Desk:
    """A matter of Ⅳ that was found on a Sunday: four working hours to dispatch it, two by the clock at Ⅲ."""
    desk.office.limits[Step.DISPATCH] |= {Level.IV: Limit(240, working=True)}
    desk.know("bbs", "weibo", "portal")
    at(desk, "11-22 14:46")
    desk.accept(item(TEXT))
    return desk


def carried_by_three(desk: Desk) -> CaseRow:
    for source in ("weibo", "portal"):
        desk.accept(item(TEXT, source_id=source, url=f"https://{source}.example/1"), source=source)
    [case] = desk.all(CaseRow)
    assert (case.level, case.level_why) == (Level.III, "已在 3 个站点出现")
    return case


def test_a_rise_that_rings_nobody_on_a_sunday_night_counts_from_monday_morning(sunday):
    at(sunday, "11-22 23:10")
    case = carried_by_three(sunday)
    assert row(sunday, Step.DISPATCH).due_at == local("11-23 10:30")
    [rise] = told(sunday, "level_raised")
    [limit] = rise["limits"]
    assert (limit["step"], datetime.fromisoformat(limit["was_due_at"])) == ("dispatch", local("11-23 14:30"))
    assert datetime.fromisoformat(limit["due_at"]) == local("11-23 10:30")
    [line] = [one for one in sunday.run(lambda s: entries(s, case.id)) if one["action"] == "recount"]
    assert line["data"]["step"] == "dispatch"
    assert heard(sunday, "11-23 10:29") == ["23 09:30 reminder dispatch", "23 10:06 reminder dispatch"]
    assert told(sunday, "reminder")[0]["risen_to"] == 3
    sunday.act(case.id, Command.DISPATCH)
    assert row(sunday, Step.DISPATCH).met is True


def test_a_rise_that_rings_counts_from_the_rise_by_the_clock_of_its_level(sunday):
    at(sunday, "11-22 16:50")  # two hours after the discovery have passed
    sunday.accept(item(TEXT, counts=views(20_000)))
    assert row(sunday, Step.DISPATCH).due_at == local("11-22 18:50")
    assert heard(sunday, "11-22 18:49") == ["22 17:50 reminder dispatch", "22 18:26 reminder dispatch"]


def test_a_rise_that_quiet_hours_hold_back_counts_from_when_it_is_told(sunday):
    sunday.office = replace(
        sunday.office, quiet={Level.III: (local("11-22 22:00").time(), local("11-22 07:00").time())}
    )
    at(sunday, "11-22 23:10")
    sunday.accept(item(TEXT, counts=views(20_000)))
    assert QUIET_UNTIL in told(sunday, "level_raised")[0]
    assert row(sunday, Step.DISPATCH).due_at == local("11-23 09:00")


def test_a_rise_gives_no_step_more_time_than_it_had(sunday):
    at(sunday, "11-23 13:00")
    case = carried_by_three(sunday)
    assert row(sunday, Step.DISPATCH).due_at == local("11-23 14:30")
    assert told(sunday, "level_raised")[0]["limits"] == []
    at(sunday, "11-23 14:31")
    sunday.act(case.id, Command.SET_LEVEL, level=Level.I)
    sunday.act(case.id, Command.DISPATCH)
    assert row(sunday, Step.DISPATCH).met is False  # it was late before


def test_a_fall_undoes_the_rises_above_it_and_a_rise_after_it_counts_anew(desk):
    case_id = desk.open()

    def due_after(level: Level) -> datetime:
        desk.act(case_id, Command.SET_LEVEL, level=level)
        return row(desk, Step.DISPATCH).due_at

    desk.clock.advance(HOUR)
    assert due_after(Level.III) == START + 3 * HOUR
    desk.clock.advance(10 * MINUTE)
    assert due_after(Level.I) == START + 90 * MINUTE
    desk.clock.advance(10 * MINUTE)
    assert due_after(Level.II) == START + 100 * MINUTE  # since it rose past Ⅱ
    assert due_after(Level.III) == START + 3 * HOUR
    assert due_after(Level.IV) == START + 4 * HOUR
    desk.clock.advance(10 * MINUTE)
    assert due_after(Level.III) == START + 210 * MINUTE
    assert due_after(Level.III) == START + 210 * MINUTE
    assert len(desk.all(DeadlineRow, DeadlineRow.step == Step.DISPATCH)) == 1


def test_the_public_answer_is_owed_since_the_discovery_whatever_the_level(desk):
    case_id = desk.open()
    desk.clock.advance(49 * HOUR)
    desk.accept(item(TEXT, counts=views(20_000)))
    assert desk.case(case_id).level is Level.III
    assert row(desk, Step.RESPOND).due_at == START + 48 * HOUR
    [rise] = told(desk, "level_raised")
    assert rise["over"] == [{"step": "respond", "due_at": (START + 48 * HOUR).isoformat()}]


def test_a_unit_may_still_return_what_rose_after_it_was_sent(desk):
    desk.office.limits[Step.RETURN] = {Level.I: Limit(30), Level.IV: Limit(24 * 60)}
    case_id = desk.at(State.TO_SIGN)
    sent = desk.clock()
    desk.clock.advance(HOUR)
    desk.act(case_id, Command.SET_LEVEL, level=Level.I)
    until = desk.run(
        lambda s: return_until(desk.office, Level.I, deadlines.risen(s.get_one(CaseRow, case_id)), sent)
    )
    assert until == desk.clock() + 30 * MINUTE


def test_a_first_report_that_was_lifted_unmade_is_owed_again_and_a_call_only_where_it_can_be_noted(desk):
    switch(desk, report=EVERY - {Level.IV})
    case_id = desk.open()

    def owed() -> dict[Step, datetime]:
        found = desk.all(DeadlineRow, DeadlineRow.ended_at.is_(None))
        return {one.step: one.due_at for one in found if one.step in {Step.PHONE, Step.REPORT}}

    desk.act(case_id, Command.SET_LEVEL, level=Level.II)
    assert owed() == {Step.PHONE: START + 30 * MINUTE, Step.REPORT: START + HOUR}
    desk.act(case_id, Command.SET_LEVEL, level=Level.III)
    assert set(owed()) == {Step.REPORT}
    desk.act(case_id, Command.SET_LEVEL, level=Level.IV)
    assert owed() == {}
    desk.clock.advance(3 * HOUR)
    desk.act(case_id, Command.SET_LEVEL, level=Level.II)
    assert owed() == {Step.PHONE: desk.clock() + 30 * MINUTE, Step.REPORT: desk.clock() + HOUR}
    desk.act(case_id, Command.REPORT, stance="first", text="停水约三百户，正在抢修。")
    desk.act(case_id, Command.SET_LEVEL, level=Level.IV)
    desk.act(case_id, Command.SET_LEVEL, level=Level.II)
    assert set(owed()) == {Step.PHONE}
