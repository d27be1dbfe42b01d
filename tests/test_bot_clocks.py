"""What is marked and noted of a matter's clocks in chat: flags, pauses, first word, assessment; and who may."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from builders import HOUR, START, Desk
from test_bot_handlers_review import switch

from bot import render
from bot.buttons import MENU, Wish, token_of
from bot.chat import ActionPressed, Body, MessageRef, TextReplied
from bot.chat import Sender as From
from bot.duty_buttons import duty_buttons
from bot.handlers.desk import Desk as Counter
from bot.handlers.desk import Occasion, Reaction
from bot.handlers.react import react
from routing.office import Level, Limit, Step
from routing.store.tables import DeadlineRow, LedgerRow
from routing.views import case_view
from routing.workflow import Command, State

Happen = Callable[[Any], Reaction | None]


@pytest.fixture
def happen(desk: Desk) -> Happen:
    """Let one event happen at the desk, each under an update id of its own."""
    desk.office.limits[Step.FIRST_WORD] = dict.fromkeys(Level, Limit(5 * 60))
    desk.office.limits[Step.PRESS] = dict.fromkeys(Level, Limit(24 * 60))
    desk.office.limits[Step.EFFECT] = dict.fromkeys(Level, Limit(working=True, days=5))
    serial = count(1)

    def at() -> Counter:
        return Counter(desk.office, desk.ledger, "chat", {})

    return lambda event: desk.run(lambda s: react(Occasion(at(), s, desk.clock(), next(serial), event)))


def sender(who: str) -> From:
    return From(who, who, f"private-{who}")


def pressed(desk: Desk, who: str, case_id: int, verb: str, arg: str = "") -> ActionPressed:
    shown = desk.shown(case_id)
    token = token_of(Wish(verb, case_id, shown.version, shown.draft_version, arg))
    return ActionPressed(sender(who), "duty-group", False, token, MessageRef("duty-group", "7"), "p")


def wrote(who: str, text: str) -> TextReplied:
    chat = f"private-{who}"
    return TextReplied(sender(who), chat, True, text, Body.TEXT, MessageRef(chat, "1"), None)


def menu(desk: Desk, happen: Happen, who: str, case_id: int, name: str) -> list[str]:
    reaction = happen(pressed(desk, who, case_id, MENU, name))
    assert reaction is not None
    assert reaction.menu is not None, reaction.toast
    return [button.text for row in reaction.menu.buttons for button in row]


def limits(desk: Desk, case_id: int) -> dict[Step, DeadlineRow]:
    rows = desk.all(DeadlineRow, DeadlineRow.case_id == case_id, DeadlineRow.ended_at.is_(None))
    return {row.step: row for row in rows}


def card(desk: Desk, case_id: int) -> str:
    view = desk.run(lambda s: case_view(s, case_id))
    assert view is not None
    return "\n".join(f"{b.label}：{b.text}" for b in render.duty_card(view, desk.office, {}).blocks)


def test_a_pause_is_asked_by_ground_and_reason_and_ends_by_one_press(desk, happen):
    case_id = desk.at(State.HANDLING)
    assert "暂停计时…" in menu(desk, happen, "office", case_id, "judge")
    assert menu(desk, happen, "office", case_id, "pause")[:2] == ["征求第三方意见…", "等候其他机关答复…"]
    happen(pressed(desk, "office", case_id, "pause", "third_party"))
    happen(wrote("office", "等供水公司的检测报告"))
    assert limits(desk, case_id)[Step.CLOSE].paused_at == START
    assert limits(desk, case_id)[Step.RESPOND].paused_at is None
    assert "拟稿 暂停计时" in card(desk, case_id)
    assert "等供水公司的检测报告" not in card(desk, case_id)
    desk.clock.advance(HOUR)
    assert "恢复计时" in menu(desk, happen, "office", case_id, "judge")
    happen(pressed(desk, "office", case_id, "go_on"))
    assert limits(desk, case_id)[Step.CLOSE].paused_at is None


def test_a_duty_officer_and_a_unit_pause_nothing(desk, happen):
    case_id = desk.at(State.HANDLING)
    for who in ("duty", "contact"):
        reaction = happen(pressed(desk, who, case_id, "pause", "third_party"))
        assert reaction is not None
        assert "没有" in reaction.toast
    assert all(row.paused_at is None for row in limits(desk, case_id).values())
    refused = [row for row in desk.all(LedgerRow) if row.action == "refused"]
    assert len(refused) == 2


def test_an_emergency_is_marked_its_first_word_noted_with_its_link_and_its_press_conference(desk, happen):
    case_id = desk.open()
    assert "突发事件" not in menu(desk, happen, "duty", case_id, "judge")
    desk.act(case_id, Command.SET_LEVEL, level=Level.I)
    assert "突发事件" in menu(desk, happen, "duty", case_id, "judge")
    happen(pressed(desk, "duty", case_id, "emergency"))
    assert "标记：突发事件" in card(desk, case_id)
    offered = menu(desk, happen, "duty", case_id, "judge")
    assert {"已首次发布…", "已开发布会", "取消突发事件"} <= set(offered)
    happen(pressed(desk, "duty", case_id, "speak"))
    happen(wrote("duty", "https://gov.example/first/1"))
    happen(pressed(desk, "duty", case_id, "brief"))
    assert not {Step.FIRST_WORD, Step.PRESS} & set(limits(desk, case_id))


def test_that_there_is_an_instruction_is_shown_and_can_be_taken_back(desk, happen):
    case_id = desk.open()
    happen(pressed(desk, "office", case_id, "instruct"))
    assert "标记：有批示" in card(desk, case_id)
    happen(pressed(desk, "office", case_id, "instruct"))
    assert "有批示" not in card(desk, case_id)


def test_a_closed_grave_matter_offers_its_assessment_until_it_is_made(desk, happen):
    case_id = desk.open()
    desk.act(case_id, Command.SET_LEVEL, level=Level.II)
    desk.walk(case_id, State.CLOSED)

    def offered() -> list[str]:
        view = desk.run(lambda s: case_view(s, case_id))
        return [b.text for row in duty_buttons(view, desk.office) for b in row]

    assert offered() == ["登记效果评估…"]
    happen(pressed(desk, "office", case_id, "assess"))
    happen(wrote("office", "网上已平息，抢修通报可再早一小时"))
    assert offered() == []


def test_what_must_be_reported_within_minutes_stands_on_the_card_and_not_behind_a_menu(desk, happen):
    switch(desk, verify=True, report=frozenset({Level.I, Level.II}))
    case_id = desk.open()

    def offered() -> list[str]:
        view = desk.run(lambda s: case_view(s, case_id))
        return [b.text for row in duty_buttons(view, desk.office) for b in row]

    assert not {"已电话报告…", "书面报告…"} & set(offered())
    desk.act(case_id, Command.SET_LEVEL, level=Level.II)
    assert offered()[:4] == ["核实属实", "不予受理…", "已电话报告…", "书面报告…"]
    behind = menu(desk, happen, "duty", case_id, "judge")
    assert not {"已电话报告…", "报告…"} & set(behind)
    assert "首报…" in menu(desk, happen, "duty", case_id, "report")
    desk.act(case_id, Command.PHONE, text="14:05 已向某县长电话报告")
    assert "已电话报告…" not in offered()
    desk.act(case_id, Command.REPORT, stance="first", text="停水约三百户，正在抢修。")
    assert "书面报告…" not in offered()
    assert "报告…" in menu(desk, happen, "duty", case_id, "judge")
