"""Mutes at the counter: the command, the menu of a card, the buttons that lift and fetch; each refusal with its cure."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from builders import HOUR, Desk

from bot import mutes as cards
from bot.buttons import LIFT, MENU, SHOW, Wish, token_of, wish_of
from bot.chat import ActionPressed, CommandGiven, Event, MessageRef
from bot.chat import Sender as From
from bot.compose import Composer
from bot.handlers.desk import Desk as Counter
from bot.handlers.desk import Occasion, Reaction
from bot.handlers.react import react
from bot.telegram.markup import rendered
from bot.words import words
from routing import holding, outbox
from routing.outbox import MessageKind
from routing.store.tables import HoldRow, MuteRow, OutboxRow
from routing.why import explain

WATER = "东湖小区今天又停水了，物业不管"
SOURCES = {"bbs": "青禾论坛", "news": "青禾新闻网"}
Happen = Callable[[Event], Reaction | None]


@pytest.fixture
def happen(desk: Desk) -> Happen:
    """Let one event happen at the desk, each under an update id of its own."""
    counter = Counter(desk.office, desk.ledger, "chat", SOURCES)
    serial = count(1)
    return lambda event: desk.run(lambda s: react(Occasion(counter, s, desk.clock(), next(serial), event)))


def gave(rest: str, who: str = "duty", chat: str = "duty-group") -> CommandGiven:
    where = chat or f"private-{who}"
    return CommandGiven(
        From(who, who, f"private-{who}"), where, not chat, "mute", rest, MessageRef(where, "1")
    )


def pressed(token: str, who: str = "duty", chat: str = "duty-group") -> ActionPressed:
    sender = From(who, who, f"private-{who}")
    return ActionPressed(sender, chat, chat == sender.private_chat, token, MessageRef(chat, "7"), "p")


def answers(desk: Desk, chat: str = "duty-group") -> list[str]:
    rows = desk.all(OutboxRow, OutboxRow.chat == chat)
    return [row.payload["text"] for row in rows if row.payload.get("template") == "said"]


def page(desk: Desk, template: str) -> str:
    """Give the newest page of a kind as it is sent."""

    def work(session: Any) -> str:
        now = desk.clock()
        [message] = [m for m in outbox.due(session, now) if m.payload.get("template") == template][-1:]
        outgoing = Composer(desk.office, SOURCES).compose(session, message, now)
        assert outgoing is not None
        return rendered(outgoing.card).text

    return desk.run(work)


@pytest.mark.parametrize(
    ("rest", "kind", "matcher", "hours", "reason"),
    [
        ("地点 东湖小区 4h 计划停水", "place", "东湖小区", 4, "计划停水"),
        ("来源 青禾论坛 2小时 论坛搬家 重复信息", "source", "bbs", 2, "论坛搬家 重复信息"),
        ("来源 news 1d 转载刷屏", "source", "news", 24, "转载刷屏"),
        ("词 停水、没水 30m 已知情况", "word", "停水、没水", 0.5, "已知情况"),
        ("词组 停水 没水 4h 已知情况", "word", "停水、没水", 4, "已知情况"),
        ("地点 东湖小区 明早8点 计划停水", "place", "东湖小区", 22, "计划停水"),
    ],
)
def test_one_line_mutes(desk, happen, rest, kind, matcher, hours, reason):
    happen(gave(rest))
    [row] = desk.all(MuteRow)
    assert (row.kind.value, row.matcher, row.reason) == (kind, matcher, reason)
    assert row.ends_at - desk.clock() == hours * HOUR
    assert answers(desk)[-1].startswith(f"已静音第 {row.id} 号：")


def test_a_matter_is_named_by_its_serial(desk, happen):
    case_id = desk.open(WATER)
    happen(gave("事项 1 4h 已在处置", chat=""))
    [row] = desk.all(MuteRow)
    assert row.matcher == desk.case(case_id).number
    assert answers(desk, "private-duty")[-1].startswith("已静音")


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        ("东湖小区 4h 停水", "不认识“东湖小区”"),
        ("地点 东湖小区 停水", "没有写静音多久"),
        ("地点 4h 停水", "没有写静音多久"),
        ("地点 东湖小区 4h", "理由，至少 4 个字"),
        ("地点 东湖小区 4h 停水。。", "理由，至少 4 个字"),
        ("地点 东湖小区 30d 停水", "最长 7 天"),
        ("来源 青禾论谈 4h 停水", "是不是 青禾论坛"),
        ("事项 77 4h 停水", "没有找到事项“77”"),
        ("解除 三", "序号"),
        ("解除 9", "没有第 9 号"),
    ],
)
def test_what_is_wrong_is_said_with_its_cure_and_nothing_is_muted(desk, happen, rest, told):
    happen(gave(rest))
    assert told in answers(desk)[-1]
    assert desk.all(MuteRow) == []


def test_who_may_not_mute_and_where_it_may_not_be_done(desk, happen):
    happen(gave("地点 东湖小区 4h 停水", who="contact", chat="group-petition"))
    assert "没有使用 /mute 的权限" in answers(desk, "group-petition")[-1]
    happen(gave("地点 东湖小区 4h 停水", who="duty", chat="group-petition"))
    assert "请在值班群或私聊里" in answers(desk, "group-petition")[-1]
    assert desk.all(MuteRow) == []


def test_alone_it_lists_what_is_muted_each_with_its_reason_author_end_and_button(desk, happen):
    happen(gave("来源 青禾论坛 4h 论坛搬家"))
    [row] = desk.all(MuteRow)
    happen(gave(""))
    text = page(desk, "mutes")
    assert f"{row.id}. 来源 青禾论坛，至 11-17 14:00（论坛搬家，王值班），已涉及 0 件" in text.replace(
        "\u3000", " "
    )
    happen(pressed(token_of(Wish(LIFT, row.id)), who="leader", chat="private-leader"))
    assert desk.all(MuteRow)[0].ended_at == desk.clock()


def test_lifting_by_command_and_twice(desk, happen):
    happen(gave("地点 东湖小区 4h 计划停水"))
    [row] = desk.all(MuteRow)
    happen(gave(f"解除 {row.id}"))
    assert "已解除静音：地点 东湖小区" in answers(desk)[-1]
    assert "已经结束" in happen(pressed(token_of(Wish(LIFT, row.id)))).toast


def test_the_menu_of_a_card_mutes_in_three_presses(desk, happen):
    case_id = desk.open(WATER)
    shown = desk.shown(case_id)
    arg = cards.MENU
    token = token_of(Wish(MENU, case_id, shown.version, 0, arg))
    labels = []
    for choose in ("静音地点 东湖小区", "4小时", "计划内的活动或施工"):
        reaction = happen(pressed(token))
        assert reaction is not None
        assert reaction.menu is not None
        buttons = {button.text: button.token for row in reaction.menu.buttons for button in row}
        labels.append(list(buttons))
        token = buttons[choose]
    assert labels[0] == ["只静音本事项", "静音地点 东湖小区", "静音来源 青禾论坛", "↩ 返回"]
    done = happen(pressed(token))
    [row] = desk.all(MuteRow)
    assert (row.matcher, row.reason) == ("东湖小区", "计划内的活动或施工")
    assert "已静音第" in done.toast
    assert "已在静音" in happen(pressed(token)).toast


@pytest.mark.parametrize("arg", ["", "x", "c", "c9", "c1", "c19", "z11", "c1x"])
def test_a_token_that_was_never_written_mutes_nothing(desk, happen, arg):
    case_id = desk.open(WATER)
    token = f"1:mu:{case_id}:1:0:{arg}"
    assert wish_of(token) is not None
    assert happen(pressed(token)).alert
    assert desk.all(MuteRow) == []


def test_a_contact_cannot_press_what_mutes(desk, happen):
    case_id = desk.open(WATER)
    happen(pressed(f"1:mu:{case_id}:1:0:c10", who="contact", chat="group-petition"))
    assert desk.all(MuteRow) == []


def test_a_held_matter_is_listed_with_its_reason_and_its_card_can_be_fetched(desk, happen):
    happen(gave("地点 东湖小区 4h 计划停水"))
    case_id = desk.open(WATER)
    desk.clock.advance(HOUR)
    sender = From("duty", "duty", "private-duty")
    for name, rest in (("open", ""), ("case", "1")):
        happen(CommandGiven(sender, "duty-group", False, name, rest, MessageRef("duty-group", "1")))
    assert "静音中，至 11-17 14:00（计划停水）" in page(desk, "case")
    assert "静音中，至 11-17 14:00（计划停水）" in page(desk, "open_list")
    told = happen(pressed(token_of(Wish(SHOW, case_id))))
    assert "已发到值班群" in told.toast
    assert [row.kind for row in desk.all(OutboxRow) if row.kind == MessageKind.CARD] == ["card"]
    assert "没有被拦下" in happen(pressed(token_of(Wish(SHOW, case_id)))).toast


def test_the_summary_at_the_end_names_what_is_still_open(desk, happen):
    happen(gave("地点 东湖小区 4h 计划停水"))
    number = desk.case(desk.open(WATER)).number
    assert len(desk.all(HoldRow)) == 1
    desk.clock.advance(4 * HOUR)
    desk.run(lambda s: holding.tick(s, desk.office, desk.ledger, desk.clock()))
    text = page(desk, "held_over")
    assert "静音结束：地点 东湖小区（计划停水），期间 1 件，仍未办结 1 件" in text
    assert number in text


def test_why_tells_in_words_what_held_a_card_back_and_why_no_longer(desk, happen):
    happen(gave("地点 东湖小区 4h 计划停水"))
    [row] = desk.all(MuteRow)
    case_id = desk.open(WATER)
    desk.clock.advance(4 * HOUR)
    desk.run(lambda s: holding.tick(s, desk.office, desk.ledger, desk.clock()))
    number = desk.case(case_id).number
    steps = [step.detail for step in desk.run(lambda s: explain(s, number, words(None)))]
    told = [detail for detail in steps if "发卡" in detail]
    assert told == [
        f"系统 暂不发卡：静音序号 {row.id}，原因 静音（地点 东湖小区）：计划停水",
        "系统 恢复发卡：原因 静音结束",
    ]
