"""/duty, /handover and /substitute at the counter: what is read of a typed line, and what the cards look like."""

from datetime import datetime

import pytest
from builders import HOUR, ZONE, Desk
from test_bot_handlers import gave, happen, pressed
from test_bot_looking import more_like_it
from test_routing_duty import planned, take

from bot.buttons import HANDOVER, SUBSTITUTE, Wish, token_of
from bot.chat import Card
from bot.compose import Composer
from routing.outbox import Message, MessageKind, Priority
from routing.store.tables import HandoverRow, OutboxRow, SubstitutionRow, SubstitutionState

__all__ = ["happen"]


def said(desk: Desk, chat: str) -> list[str]:
    return [
        row.payload["text"] for row in desk.all(OutboxRow, OutboxRow.chat == chat) if "text" in row.payload
    ]


def show(desk: Desk, chat: str, what: str) -> Card:
    """Compose the newest message to a chat whose payload names `what`."""
    rows = [
        row
        for row in desk.all(OutboxRow, OutboxRow.chat == chat)
        if what in row.payload.values() or what in row.payload
    ]
    row = rows[-1]
    message = Message(
        row.id,
        row.chat,
        MessageKind(row.kind),
        Priority(row.priority),
        None,
        row.payload,
        0,
        False,
        row.created_at,
    )
    found = desk.run(lambda s: Composer(desk.office, {}).compose(s, message, desk.clock()))
    assert found is not None
    return found.card


def lines(card: Card) -> list[str]:
    return [f"{block.label}：{block.text}" if block.label else block.text for block in card.blocks]


# --- /duty ------------------------------------------------------------------------------------------------------


def test_who_is_on_duty_now_and_next_and_for_planners_what_is_wrong(desk, happen):
    take(desk, planned(0), planned(1, staff=("李主任",), reserve=()))
    happen(gave("duty", "duty"))
    assert lines(show(desk, "private-duty", "duty")) == [
        "现在值班：全天",
        "起止：11-17 06:00–11-18 06:00",
        "值班领导：郑县长",
        "值班员：王值班",
        "备用人员：李主任",
        "下一班：全天",
        "起止：11-18 06:00–11-19 06:00",
        "值班领导：郑县长",
        "值班员：李主任",
        "备用人员：（空缺）",
        "未来 7 天有 2 处要看",
        "11-18 06:00–11-19 06:00 全天：没有备用人员",
        "11-19 06:00–11-24 10:00 无人值班，请排班",
    ]


def test_who_does_not_plan_sees_no_faults_and_without_a_roster_it_is_said(desk, happen):
    happen(gave("contact", "duty"))
    assert "还没有值班表" in lines(show(desk, "private-contact", "duty"))[0]
    take(desk, planned(0))
    happen(gave("contact", "duty"))
    assert not any("要看" in line for line in lines(show(desk, "private-contact", "duty")))


def test_when_nobody_is_on_duty_it_is_said(desk, happen):
    take(desk, planned(1))
    happen(gave("leader", "duty"))
    assert lines(show(desk, "private-leader", "duty"))[0] == "现在无人值班"


# --- /handover --------------------------------------------------------------------------------------------------


def test_a_handover_is_posted_to_the_duty_group_signed_by_both_and_told(desk, happen):
    take(desk, planned(0), planned(1, staff=("李主任",), reserve=()))
    desk.open()
    happen(gave("duty", "handover", "请盯紧东湖小区"))
    assert said(desk, "private-duty") == ["交接单已发到值班群，请交接双方在那里签名。"]
    card = show(desk, "duty-group", "handover")
    assert lines(card) == [
        "🤝 交接班：王值班 → 李主任",
        "本班：全天 11-17 06:00 起，新增 1，转办 0，办结 0",
        "备注：请盯紧东湖小区",
        "未办结 1 件",
        "⏰ 12 小时内到期 1 件",
        "🔵Ⅳ级 YQ-2026-0001 转办 11-17 14:00\n东湖小区今天又停水了，物业不管",
        "交班人：王值班　未签名",
        "接班人：李主任　未签名",
    ]
    assert [row[0].text for row in card.buttons] == ["✍ 交班签名（王值班）", "✍ 接班签名（李主任）"]
    token = card.buttons[0][0].token
    first = happen(pressed("duty", token, chat="duty-group"))
    assert (first.toast, list(first.redraw.payload)) == ("已签名。", ["handover", "page"])
    assert len(show(desk, "duty-group", "handover").buttons) == 1
    assert happen(pressed("duty", token, chat="duty-group")).toast == "您已经签过名了。"
    assert happen(pressed("leader", token, chat="duty-group")).alert
    happen(pressed("office", token, chat="duty-group"))
    card = show(desk, "duty-group", "handover")
    assert card.buttons == ()
    assert lines(card)[-1] == "接班人：李主任　✅ 11-17 10:00"
    assert said(desk, "duty-group") == ["交接班完成：王值班 → 李主任，未办结 1 件。"]


def test_a_long_handover_is_leafed_by_what_falls_due_and_signed_on_every_page(desk, happen):
    take(desk, planned(0), planned(1, staff=("李主任",), reserve=()))
    late = desk.open("西山小区停水了")
    desk.clock.advance(5 * HOUR)
    desk.open("东湖小区旁边塌方了")
    more_like_it(desk, late, 7)
    happen(gave("duty", "handover", chat="duty-group"))
    first = show(desk, "duty-group", "handover")
    assert lines(first)[2:4] == ["未办结 9 件，超期时限 1 个　第 1/2 页", "⛔ 已超期 1 件"]
    assert desk.case(late).number in lines(first)[4]
    assert "⏰ 12 小时内到期 1 件" in lines(first)
    assert "没有时限 7 件" in lines(first)
    assert [[key.text for key in row] for row in first.buttons] == [
        ["下一页 ›"],
        ["✍ 交班签名（王值班）"],
        ["✍ 接班签名（李主任）"],
    ]
    token = first.buttons[0][0].token
    turned = happen(pressed("office", token, chat="duty-group"))
    [row] = desk.all(HandoverRow)
    assert turned.redraw.payload == {"handover": row.id, "page": 1}
    assert happen(pressed("office", token)).alert  # no page of it elsewhere
    second = desk.run(lambda s: Composer(desk.office, {}).row_card(s, turned.redraw.payload))
    assert second is not None
    assert lines(second)[2] == "未办结 9 件，超期时限 1 个　第 2/2 页"
    assert [row[0].text for row in second.buttons][1:] == ["✍ 交班签名（王值班）", "✍ 接班签名（李主任）"]
    signed = happen(pressed("duty", second.buttons[1][0].token, chat="duty-group"))
    assert (signed.toast, signed.redraw.payload["page"]) == ("已签名。", 1)


def test_without_a_roster_the_name_is_typed_and_a_wrong_one_gets_a_near_one(desk, happen):
    happen(gave("office", "handover", chat="duty-group"))
    happen(gave("office", "handover", "王值斑", chat="duty-group"))
    happen(gave("office", "handover", "赵联络", chat="duty-group"))
    happen(gave("office", "handover", "王值班 备注", chat="duty-group"))
    assert said(desk, "duty-group") == [
        "值班表上没有下一班，请写接班人的姓名，如 /handover 李明。",
        "没有登记“王值斑”，是不是 王值班？",
        "赵联络 不是值班员，值班表上也没有他，不能接班。",
    ]
    [row] = desk.all(HandoverRow)
    assert (row.incoming_id, row.note) == (desk.staff["duty"].person_id, "备注")


def test_the_reserve_of_the_roster_may_come_on_duty(desk, happen):
    take(desk, planned(0, reserve=("赵联络",)))
    happen(gave("duty", "handover", "赵联络 备注", chat="duty-group"))
    [row] = desk.all(HandoverRow)
    assert row.incoming_id == desk.staff["contact"].person_id


@pytest.mark.parametrize("chat", ["group-petition", "private-contact"])
def test_a_forged_signature_opens_the_list_in_no_other_chat(desk, happen, chat):
    take(desk, planned(0))
    happen(gave("duty", "handover", "李主任", chat="duty-group"))
    [row] = desk.all(HandoverRow)
    forged = happen(pressed("contact", token_of(Wish(HANDOVER, row.id)), chat=chat))
    assert (forged.alert, forged.redraw) == (True, None)


def test_an_unknown_handover_or_substitution_is_refused(desk, happen):
    assert happen(pressed("duty", token_of(Wish(HANDOVER, 99)))).alert
    assert happen(pressed("leader", token_of(Wish(SUBSTITUTE, 99, arg="yes")))).alert


# --- /substitute ------------------------------------------------------------------------------------------------


def local(month: int, day: int, hour: int, minute: int = 0, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("typed", "starts_at", "ends_at"),
    [
        ("李主任 11-18 08:00 11-19 08:00 因公出差", local(11, 18, 8), local(11, 19, 8)),
        ("李主任 2026-11-18 8:00 18:00 因公出差", local(11, 18, 8), local(11, 18, 18)),
        ("李主任 现在 18:00 因公出差", local(11, 17, 10), local(11, 17, 18)),
        ("李主任 18:00 24:00 因公出差", local(11, 17, 18), local(11, 18, 0)),
        ("李主任 11月18日 8：00 11月19日 8：00 因公出差", local(11, 18, 8), local(11, 19, 8)),
        ("李主任 １１－１８ ０８：００ １１－１９ ０８：００ 因公出差", local(11, 18, 8), local(11, 19, 8)),
        ("李主任 今天 18:00 明天 8:00 因公出差", local(11, 17, 18), local(11, 18, 8)),
    ],
)
def test_a_period_is_read_as_people_write_it(desk, happen, typed, starts_at, ends_at):
    happen(gave("duty", "substitute", typed))
    [row] = desk.all(SubstitutionRow)
    assert (row.starts_at, row.ends_at, row.reason) == (starts_at, ends_at, "因公出差")
    assert row.absent_id == desk.staff["duty"].person_id


def test_without_a_year_the_next_such_day_is_meant(desk, happen):
    desk.clock.now = local(12, 30, 10)
    happen(gave("duty", "substitute", "李主任 1-2 08:00 1-3 08:00 休假"))
    assert desk.all(SubstitutionRow)[0].starts_at == local(1, 2, 8, year=2027)


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("李主任", "“李主任”里没有起止时间。写法"),
        ("李主任 因公出差", "“李主任 因公出差”里没有起止时间。写法"),
        ("明天", "没有写备用人员，姓名写在时间前面。写法"),
        ("请 李主任 顶岗 18:00 20:00 因公出差", "时间“18:00”前面只写姓名，现在是“请 李主任 顶岗”。写法"),
        ("李主任 11-18", "起始时间“11-18”后面缺几点几分。写法"),
        ("李主任 明天 八点", "起始时间“明天”后面缺几点几分，“八点”不是时间。写法"),
        ("李主任 11-18 08:00", "缺结束时间。写法"),
        ("李主任 11-18 08:00 因公出差", "缺结束时间，“因公出差”不是时间。写法"),
        ("李主任 18:00 24:30 因公出差", "缺结束时间，“24:30”不是时间。写法"),
        ("李主任 11-31 08:00 12-01 08:00 因公出差", "没有 11-31 这一天"),
        ("李主仁 现在 18:00 因公出差", "是不是 李主任？"),
        ("李主任 现在 18:00", "请写明顶岗的理由，至少 4 个字"),
        ("李主任 现在 18:00 有事", "请写明顶岗的理由，至少 4 个字"),
        ("李主任 现在 18:00 。。。。", "请写明顶岗的理由，至少 4 个字"),
        ("王值班 现在 18:00 因公出差", "不能自己顶自己"),
        ("孙初审 李主任 现在 18:00 因公出差", "本人或政府办"),
    ],
)
def test_a_line_that_cannot_be_read_gets_the_cure_and_changes_nothing(desk, happen, typed, word):
    happen(gave("duty", "substitute", typed))
    [text] = said(desk, "private-duty")
    assert word in text
    assert desk.all(SubstitutionRow) == []


def chosen(desk, happen, who, label, card):
    """Press a button of a form; gives the form as it then is."""
    token = next(key.token for row in card.buttons for key in row if label in key.text)
    reaction = happen(pressed(who, token))
    assert not reaction.alert, reaction.toast
    card = desk.run(lambda s: Composer(desk.office, {}).row_card(s, reaction.redraw.payload))
    assert card is not None
    return card


def test_a_substitution_is_asked_for_by_three_buttons(desk, happen):
    take(desk, planned(1, staff=("王值班",), reserve=()))
    happen(gave("duty", "substitute", chat="duty-group"))
    assert said(desk, "duty-group") == ["已私聊您，请在私聊里选备用人员。"]
    card = show(desk, "private-duty", "standin")
    assert "王值班" not in [key.text for row in card.buttons for key in row]
    card = chosen(desk, happen, "duty", "李主任", card)
    card = chosen(desk, happen, "duty", "11-18 06:00", card)
    card = chosen(desk, happen, "duty", "因公外出", card)
    assert "已报值班领导审批：11-18 06:00" in lines(card)[1]
    [row] = desk.all(SubstitutionRow)
    assert (row.starts_at, row.ends_at, row.reason) == (local(11, 18, 6), local(11, 19, 6), "因公外出")
    assert (row.absent_id, row.reserve_id) == (desk.staff["duty"].person_id, desk.staff["office"].person_id)


def test_the_form_of_a_substitution_stands_in_private_and_offers_hours_without_a_roster(desk, happen):
    happen(gave("reviewer", "substitute"))
    card = show(desk, "private-reviewer", "standin")
    token = card.buttons[0][0].token
    assert happen(pressed("reviewer", token, chat="duty-group")).alert
    card = chosen(desk, happen, "reviewer", "李主任", card)
    assert [row[0].text for row in card.buttons][:2] == ["11-17 10:00–14:00", "11-17 10:00–18:00"]
    assert "谁来顶您的岗" in lines(chosen(desk, happen, "reviewer", "重选", card))[1]
    assert desk.all(SubstitutionRow) == []


def test_the_leader_sees_the_whole_and_decides_and_all_concerned_hear(desk, happen):
    happen(gave("office", "substitute", "孙初审 李主任 现在 18:00 发烧就医"))
    assert "已报值班领导审批" in said(desk, "private-office")[0]
    card = show(desk, "private-leader", "substitution")
    assert lines(card) == [
        "顶岗申请",
        "原值班人：孙初审",
        "备用人员：李主任",
        "起止：11-17 10:00–18:00",
        "原因：发烧就医",
        "顶岗期间的权限：初审人",
        "申请人：李主任",
    ]
    [[yes, _]] = card.buttons
    assert happen(pressed("second_leader", yes.token)).toast == "这份顶岗申请不由您审批。"
    done = happen(pressed("leader", yes.token))
    assert (done.toast, list(done.redraw.payload)) == ("已批准。", ["substitution"])
    assert lines(show(desk, "private-leader", "substitution"))[-1] == "结果：郑县长 已批准"
    [public] = said(desk, "duty-group")
    assert public == "顶岗：11-17 10:00–18:00 由 李主任 顶 孙初审 的岗（郑县长 批准），到时自动结束。"
    assert "发烧就医" not in public
    assert said(desk, "private-reviewer") == []  # a card that he can end it by
    [[ending]] = show(desk, "private-reviewer", "substitution").buttons
    assert ending.text == "提前结束顶岗"
    assert happen(pressed("leader", yes.token)).alert


def test_who_was_not_sent_the_card_of_a_substitution_neither_ends_it_nor_reads_it(desk, happen):
    happen(gave("office", "substitute", "孙初审 李主任 现在 18:00 发烧就医"))
    [[yes, _]] = show(desk, "private-leader", "substitution").buttons
    happen(pressed("leader", yes.token))
    [[ending]] = show(desk, "private-reviewer", "substitution").buttons
    for who in ("office", "duty", "contact"):
        refused = happen(pressed(who, ending.token))
        assert (refused.toast, refused.redraw) == ("顶岗只能由被顶岗人、批准的领导或值班领导提前结束。", None)
    assert desk.all(SubstitutionRow)[0].state is SubstitutionState.APPROVED
    done = happen(pressed("reviewer", ending.token))
    assert (done.toast, list(done.redraw.payload)) == ("顶岗已结束。", ["substitution"])
    told = lines(show(desk, "private-leader", "substitution"))  # 郑县长 approved, who is absent ended it
    assert told[-1] == "结果：郑县长 批准，已结束"
    late = happen(pressed("leader", ending.token))
    assert late.alert
    assert late.redraw is not None
    happen(gave("reviewer", "substitute", "结束"))
    assert "您现在没有批准的顶岗" in said(desk, "private-reviewer")[-1]


def test_a_refusal_is_told_to_those_concerned_alone(desk, happen):
    happen(gave("reviewer", "substitute", "李主任 现在 18:00 因公出差"))
    [[_, no]] = show(desk, "private-leader", "substitution").buttons
    happen(pressed("leader", no.token))
    assert desk.all(SubstitutionRow)[0].state is SubstitutionState.REFUSED
    assert said(desk, "duty-group") == []
    assert "没有批准" in said(desk, "private-reviewer")[-1]


def test_the_commands_of_a_substitute_are_those_of_his_post(desk, happen):
    happen(gave("reviewer", "digest"))
    assert "没有使用 /digest 的权限" in said(desk, "private-reviewer")[-1]
    happen(gave("office", "substitute", "王值班 孙初审 现在 18:00 因公出差"))
    [[yes, _]] = show(desk, "private-leader", "substitution").buttons
    happen(pressed("leader", yes.token))
    before = len(desk.all(OutboxRow, OutboxRow.kind == "digest"))
    happen(gave("reviewer", "digest"))
    assert len(desk.all(OutboxRow, OutboxRow.kind == "digest")) == before + 1
    desk.clock.advance(9 * HOUR)
    happen(gave("reviewer", "digest"))
    assert "没有使用 /digest 的权限" in said(desk, "private-reviewer")[-1]
