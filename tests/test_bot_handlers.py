"""What people do at the counter, one event at a time: who is told, who may read what, and what is refused."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from builders import MINUTE, Desk, item, join
from sqlalchemy import delete

from bot.buttons import MENU, Wish, token_of
from bot.chat import ActionPressed, Body, CommandGiven, Event, JoinedChat, LeftChat, MessageRef, TextReplied
from bot.chat import Sender as From
from bot.handlers.desk import Desk as Counter
from bot.handlers.desk import Occasion, Reaction
from bot.handlers.react import react
from bot.menus import CONSULT, DISMISS, menu_buttons, ticks
from bot.mutes import mute_menu
from routing import cases, chats, choices, papers
from routing.asks import ASK_LIFE
from routing.errors import UserError
from routing.office import Level, Mutes, Procedure, Role
from routing.starter import SUBJECTS
from routing.store.tables import ChatRow, DraftRow, OutboxRow, SuggestionRow, VerdictRow
from routing.views import case_view, open_cases
from routing.workflow import Command, State

Happen = Callable[[Event], Reaction | None]


@pytest.fixture
def happen(desk: Desk) -> Happen:
    """Let one event happen at the desk, each under an update id of its own."""
    counter = Counter(desk.office, desk.ledger, "chat", {})
    serial = count(1)
    return lambda event: desk.run(lambda s: react(Occasion(counter, s, desk.clock(), next(serial), event)))


def sender(who: str) -> From:
    return From(who, who, f"private-{who}")


def wrote(who: str, text: str, *, reply_to: str | None = None) -> TextReplied:
    chat = f"private-{who}"
    replied = MessageRef(chat, reply_to) if reply_to else None
    return TextReplied(sender(who), chat, True, text, Body.TEXT, MessageRef(chat, "1"), replied)


def gave(who: str, name: str, rest: str = "", chat: str = "") -> CommandGiven:
    where = chat or f"private-{who}"
    return CommandGiven(sender(who), where, not chat, name, rest, MessageRef(where, "1"))


def pressed(who: str, token: str, chat: str = "") -> ActionPressed:
    where = chat or f"private-{who}"
    return ActionPressed(sender(who), where, not chat, token, MessageRef(where, "7"), "p")


def told(desk: Desk, chat: str) -> Sequence[dict[str, Any]]:
    """Everything that was queued to a chat, oldest first."""
    return [row.payload for row in desk.all(OutboxRow, OutboxRow.chat == chat)]


# --- chats --------------------------------------------------------------------------------------------------------


def close(desk: Desk, chat: str) -> None:
    desk.run(lambda s: chats.closed(s, chat, "forbidden", desk.clock()))


def is_closed(desk: Desk, chat: str) -> bool:
    return any(row.closed_at for row in desk.all(ChatRow, ChatRow.ref == chat))


@pytest.mark.parametrize(
    "event",
    [wrote("reviewer", "在"), gave("reviewer", "start"), pressed("reviewer", "nonsense")],
    ids=["text", "command", "press"],
)
def test_a_private_chat_opens_again_when_its_person_does_anything_there(desk, happen, event):
    close(desk, "private-reviewer")
    happen(event)
    assert not is_closed(desk, "private-reviewer")


def test_what_a_person_does_in_a_group_says_nothing_of_his_private_chat(desk, happen):
    close(desk, "private-duty")
    happen(gave("duty", "help", chat="duty-group"))
    assert is_closed(desk, "private-duty")


def test_a_group_opens_again_when_the_bot_is_put_back(desk, happen):
    happen(LeftChat("group-petition"))
    assert is_closed(desk, "group-petition")
    happen(JoinedChat("group-petition", "信访"))
    assert not is_closed(desk, "group-petition")


@pytest.mark.parametrize(
    ("lost", "hears"),
    [
        ("group-petition", "operator"),
        ("duty-group", "operator"),
        ("private-leader", "operator"),
        ("operator", "duty-group"),
    ],
)
def test_a_lost_chat_is_told_once_where_somebody_still_reads(desk, happen, lost, hears):
    for _ in range(2):
        happen(LeftChat(lost))
        desk.clock.advance(MINUTE)
    [said] = told(desk, hears)
    assert lost in said["text"]
    assert told(desk, lost) == []


# --- texts --------------------------------------------------------------------------------------------------------

ANSWER = "泵组已更换，今日恢复供水，给居民带来不便深表歉意。"


def draft_button(desk: Desk, case_id: int) -> str:
    facts = desk.shown(case_id)
    return token_of(Wish(Command.DRAFT.value, case_id, facts.version, facts.draft_version))


def drafts(desk: Desk) -> list[str]:
    return [row.text for row in desk.all(DraftRow)]


def said(desk: Desk, who: str) -> str:
    return str(told(desk, f"private-{who}")[-1]["text"])


def test_a_text_asked_for_before_a_colleague_drafted_does_not_overwrite_his_draft(desk, happen):
    case_id = desk.at(State.HANDLING)
    happen(pressed("contact", draft_button(desk, case_id), "group-petition"))
    desk.act(case_id, Command.DRAFT, "colleague", text="同事的稿件：今晚恢复供水，敬请谅解。")
    happen(wrote("contact", ANSWER))
    assert drafts(desk) == ["同事的稿件：今晚恢复供水，敬请谅解。"]
    assert said(desk, "contact") == "稿件已更新，请重新点“拟答复稿/修改稿件”。"
    happen(wrote("contact", ANSWER))  # the question is closed: this answers nothing
    assert said(desk, "contact").startswith("请回复到具体的卡片")
    happen(pressed("contact", draft_button(desk, case_id), "group-petition"))
    happen(wrote("contact", ANSWER))
    assert drafts(desk)[1:] == [ANSWER]


def test_a_text_that_two_questions_wait_for_is_sent_back_with_both_named(desk, happen):
    first, second = desk.at(State.HANDLING), desk.at(State.TO_SIGN, "西山小区塌方，物业不管")
    happen(pressed("contact", draft_button(desk, first), "group-petition"))
    facts = desk.shown(second)
    happen(pressed("contact", token_of(Wish(Command.RETURN.value, second, facts.version)), "group-petition"))
    happen(wrote("contact", ANSWER))
    assert said(desk, "contact").splitlines() == [
        "您有 2 条提示在等文字，分不清这段文字是答哪一条的，没有保存。"
        "请在要答的那条提示上选“回复”，把文字再发一遍：",
        "YQ-2026-0001 东湖小区今天又停水了，物业不管：提交答复稿（答复稿全文）",
        "YQ-2026-0002 西山小区塌方，物业不管：退回（退回的理由）",
    ]
    assert drafts(desk) == []


def test_a_draft_may_follow_a_review_of_the_draft_that_it_was_asked_for(desk, happen):
    case_id = desk.at(State.IN_REVIEW)
    happen(pressed("contact", draft_button(desk, case_id), "group-petition"))
    desk.act(case_id, Command.PASS)
    happen(wrote("contact", ANSWER))
    assert drafts(desk)[1:] == [ANSWER]


def test_a_stale_slip_still_leads_to_a_question_that_can_be_answered(desk, happen):
    case_id = desk.at(State.HANDLING)
    stale = draft_button(desk, case_id)
    desk.act(case_id, Command.DRAFT)
    happen(pressed("contact", stale, "group-petition"))
    happen(wrote("contact", ANSWER))
    assert drafts(desk)[1:] == [ANSWER]


def test_a_text_hours_after_the_question_becomes_no_draft(desk, happen):
    case_id = desk.at(State.HANDLING)
    happen(pressed("contact", draft_button(desk, case_id), "group-petition"))
    desk.clock.advance(ASK_LIFE)
    happen(wrote("contact", "明天上午九点在信访局三楼开会，请准时参加。"))
    assert drafts(desk) == []


def test_a_reply_to_what_was_said_of_a_short_text_answers_the_question(desk, happen):
    case_id = desk.at(State.HANDLING)
    happen(pressed("contact", draft_button(desk, case_id), "group-petition"))
    happen(wrote("contact", "太短"))
    assert said(desk, "contact").startswith("答复稿只有 2 字")
    [*_, row] = desk.all(OutboxRow, OutboxRow.chat == "private-contact")
    desk.run(lambda s: setattr(s.get_one(OutboxRow, row.id), "message", "9"))
    other = desk.at(State.HANDLING, "西山小区停水了")
    happen(pressed("contact", draft_button(desk, other), "group-petition"))  # a second question is open
    happen(wrote("contact", ANSWER, reply_to="9"))
    assert [row.case_id for row in desk.all(DraftRow)] == [case_id]
    assert drafts(desk) == [ANSWER]
    happen(wrote("contact", ANSWER, reply_to="9"))
    assert said(desk, "contact") == "这条提示已经处理过了。"


# --- who reads what -----------------------------------------------------------------------------------------------


def reads(desk: Desk, happen: Happen, who: str, case_id: int, chat: str = "") -> bool:
    """Whether `/case` and `/open` show a case to a person there; the two must agree on an open case."""
    where = chat or f"private-{who}"
    happen(gave(who, "case", desk.case(case_id).number, chat))
    page = told(desk, where)[-1]
    happen(gave(who, "open", "", chat))
    channels = told(desk, where)[-1]["channels"]
    listed = [view.id for view in desk.run(lambda s: open_cases(s, channels=channels))]
    assert (page.get("case") == case_id) is (case_id in listed), (page, listed)
    assert page.get("case") == case_id or "没有找到" in page["text"]
    return case_id in listed


@pytest.mark.parametrize(
    ("state", "seen"),
    [
        (State.JUDGING, False),
        (State.WATCHING, False),
        (State.TO_SIGN, True),
        (State.RETURNED, True),
        (State.HANDLING, True),
        (State.TO_RELEASE, True),
    ],
)
def test_a_contact_reads_what_was_dispatched_to_his_channel_and_nothing_else(desk, happen, state, seen):
    case_id = desk.at(state)  # proposed for, and perhaps with, the channel `petition`
    assert reads(desk, happen, "contact", case_id) is seen
    assert not reads(desk, happen, "other_contact", case_id)
    assert reads(desk, happen, "contact", case_id, "duty-group") is seen


def test_a_matter_that_went_to_another_channel_is_no_longer_read_by_the_first(desk, happen):
    case_id = desk.at(State.RETURNED)
    desk.act(case_id, Command.DISPATCH, channel="network")
    assert not reads(desk, happen, "contact", case_id)
    assert reads(desk, happen, "other_contact", case_id)


@pytest.mark.parametrize("who", ["duty", "office", "leader", "reviewer", "contact"])
def test_in_the_group_of_a_channel_everybody_reads_the_same(desk, happen, who):
    theirs, not_yet = desk.at(State.HANDLING), desk.open("西山小区停水了")
    assert reads(desk, happen, who, theirs, "group-petition")
    assert not reads(desk, happen, who, not_yet, "group-petition")
    assert not reads(desk, happen, who, theirs, "group-network")


@pytest.mark.parametrize("chat", ["", "duty-group"])
@pytest.mark.parametrize("who", ["duty", "office", "leader", "reviewer", "secrecy"])
def test_the_office_reads_everything_among_itself(desk, happen, who, chat):
    assert reads(desk, happen, who, desk.open(), chat)


def test_a_matter_that_cannot_be_taken_up_again_is_said(desk, happen, monkeypatch):
    case_id = desk.at(State.CLOSED)
    happen(gave("leader", "reopen", desk.case(case_id).number))
    assert said(desk, "leader").startswith("没有写理由。请写事项编号和理由")
    happen(gave("leader", "reopen", f"{desk.case(case_id).number} 好"))
    assert said(desk, "leader").startswith("理由“好”太短")

    def busy(*_: Any) -> None:
        raise UserError("此事项刚被他人处理，请看最新卡片。")

    monkeypatch.setattr(cases, "_step", busy)
    happen(gave("leader", "reopen", f"{desk.case(case_id).number} 居民再次反映"))
    assert said(desk, "leader") == "此事项刚被他人处理，请看最新卡片。"
    assert desk.case(case_id).state is State.CLOSED


# --- what is put right ------------------------------------------------------------------------------------------------


def menu_token(desk: Desk, case_id: int, name: str) -> str:
    facts = desk.shown(case_id)
    return token_of(Wish(MENU, case_id, facts.version, facts.draft_version, name))


def order_token(desk: Desk, case_id: int, command: Command, arg: str) -> str:
    facts = desk.shown(case_id)
    return token_of(Wish(command.value, case_id, facts.version, facts.draft_version, arg))


def buttons(reaction: Reaction | None) -> list[str]:
    assert reaction is not None
    assert reaction.menu is not None, reaction.toast
    return [button.text for row in reaction.menu.buttons for button in row]


MENUS = (
    "correct",
    "channel",
    "level",
    "dismiss",
    "split",
    "split-1",
    "merge",
    "subject",
    "subject-1",
    "back",
)


@pytest.mark.parametrize("name", MENUS)
def test_a_menu_opens_for_those_who_judge_in_the_duty_group_and_for_nobody_else(desk, happen, name):
    case_id = desk.open()
    desk.open("西山小区停水了")
    token = menu_token(desk, case_id, name)
    for who in ("duty", "office"):
        assert buttons(happen(pressed(who, token, "duty-group")))[-1] in {"↩ 返回", "纠正…"}
    for who in ("contact", "reviewer", "leader", "stranger"):
        refused = happen(pressed(who, token, "duty-group"))
        assert (refused.menu, refused.alert) == (None, True)
        assert "权限" in refused.toast
    assert "请在值班群里操作" in happen(pressed("duty", token)).toast


@pytest.mark.parametrize("duty_chat", ["duty-group", "-1001"], ids=["named by the old id", "by the new one"])
def test_in_a_group_that_moved_both_ids_are_the_duty_group_whichever_the_configuration_names(desk, duty_chat):
    case_id = desk.open()
    desk.run(lambda s: chats.moved(s, "duty-group", "-1001"))
    desk.office = replace(desk.office, duty_chat=duty_chat)
    counter, serial = Counter(desk.office, desk.ledger, "chat", {}), count(1)

    def happen(event: Event) -> Reaction | None:
        return desk.run(lambda s: react(Occasion(counter, s, desk.clock(), next(serial), event)))

    happen(gave("duty", "open", chat="-1001"))
    assert told(desk, duty_chat)[-1]["template"] == "open_list"
    here = happen(pressed("duty", menu_token(desk, case_id, DISMISS), "-1001"))
    assert here.menu is not None
    before = happen(pressed("duty", menu_token(desk, case_id, DISMISS), "duty-group"))
    assert before.menu is None  # that message cannot be edited any more
    assert "这张卡片已在群里重发" in before.toast
    cards = [row for row in desk.all(OutboxRow, OutboxRow.chat == duty_chat) if row.kind == "card"]
    assert cards[-1].dedupe_key.startswith("again:")
    dispatch = token_of(Wish(Command.DISPATCH.value, case_id, desk.case(case_id).version, 0, "petition"))
    assert "已转办" in happen(pressed("duty", dispatch, "duty-group")).toast


@pytest.mark.parametrize("name", MENUS)
def test_a_stale_card_opens_no_menu(desk, happen, name):
    case_id = desk.open()
    desk.open("西山小区停水了")
    token = menu_token(desk, case_id, name)
    desk.act(case_id, Command.SET_LEVEL, level=Level.II)
    answer = happen(pressed("duty", token, "duty-group"))
    assert (answer.menu, answer.alert) == (None, True)
    assert "刚有变化" in answer.toast


def test_a_matter_that_is_alone_goes_into_none(desk, happen):
    answer = happen(pressed("duty", menu_token(desk, desk.open(), "merge"), "duty-group"))
    assert (answer.menu, answer.toast) == (None, "最近七天没有别的未办结事项。")


def test_pages_of_texts_turn_both_ways(desk, happen):
    case_id = desk.open()
    for n in range(choices.AT_ONCE):
        desk.accept(item(f"东湖小区今天又停水了，物业不管{'！' * (n + 1)}"))
    first = buttons(happen(pressed("duty", menu_token(desk, case_id, "split"), "duty-group")))
    assert first[-2:] == ["下一页 ›", "↩ 返回"]
    assert len(first) == choices.AT_ONCE + 2
    second = buttons(happen(pressed("duty", menu_token(desk, case_id, "split-1"), "duty-group")))
    assert second[1:] == ["‹ 上一页", "↩ 返回"]


def test_the_areas_stand_on_two_pages_without_the_one_that_the_card_shows(desk, happen):
    case_id = desk.open()
    happen(pressed("duty", order_token(desk, case_id, Command.CLASSIFY, "13"), "duty-group"))
    first = buttons(happen(pressed("duty", menu_token(desk, case_id, "subject"), "duty-group")))
    second = buttons(happen(pressed("duty", menu_token(desk, case_id, "subject-1"), "duty-group")))
    assert (first[-2:], second[-2:]) == (["下一页 ›", "↩ 返回"], ["‹ 上一页", "↩ 返回"])
    assert [*first[:-2], *second[:-2]] == [area for area in SUBJECTS if area != "水电气暖"]


@pytest.mark.parametrize(
    ("command", "arg"),
    [
        (Command.SPLIT, ""),
        (Command.SPLIT, "x"),
        (Command.SPLIT, "9" * 30),
        (Command.MERGE, ""),
        (Command.MERGE, "-1"),
        (Command.MERGE, "9" * 18),
        (Command.RATE, ""),
        (Command.RATE, "n"),
        (Command.RATE, "u1"),
        (Command.RATE, "n" + "9" * 18),
        (Command.CLASSIFY, ""),
        (Command.CLASSIFY, "-1"),
        (Command.CLASSIFY, "22"),
        (Command.CLASSIFY, "9" * 30),
    ],
)
def test_a_forged_button_puts_nothing_right(desk, happen, command, arg):
    case_id = desk.open()
    before = desk.shown(case_id)
    answer = happen(pressed("duty", order_token(desk, case_id, command, arg), "duty-group"))
    assert answer.alert
    assert answer.toast
    assert desk.shown(case_id) == before
    assert desk.all(VerdictRow) == []


@pytest.mark.parametrize("command", [Command.SPLIT, Command.MERGE, Command.RATE, Command.CLASSIFY])
def test_those_who_may_not_judge_put_nothing_right(desk, happen, command):
    case_id, other = desk.open(), desk.open("西山小区停水了")
    arg = {Command.SPLIT: "1", Command.MERGE: str(other), Command.RATE: "n1", Command.CLASSIFY: "1"}[command]
    for who in ("contact", "leader", "stranger"):
        answer = happen(pressed(who, order_token(desk, case_id, command, arg), "duty-group"))
        assert "没有" in answer.toast
    assert desk.all(VerdictRow) == []
    assert desk.case(case_id).state is State.JUDGING


def test_a_press_for_a_matter_that_ended_meanwhile_says_so_and_brings_the_card_up_to_date(desk, happen):
    case_id, other = desk.open(), desk.open("西山小区停水了")
    token = order_token(desk, case_id, Command.MERGE, str(other))
    desk.act(other, Command.DISMISS)
    desk.run(lambda s: s.execute(delete(OutboxRow)))  # all was sent
    answer = happen(pressed("duty", token, "duty-group"))
    assert answer.alert
    assert "不予受理" in answer.toast
    edits = desk.all(OutboxRow, OutboxRow.kind == "edit", OutboxRow.case_id == case_id)
    assert [row.payload["card"] for row in edits] == ["duty"]


# --- a suggestion is taken only once the other matter was shown -------------------------------------------------------


def suggested(desk: Desk) -> tuple[int, int]:
    """Two matters, the second of which is perhaps one with the first."""
    first, second = desk.open(), desk.open("西山小区停水了")
    row = SuggestionRow(case_id=second, other_id=first, why="业务相同", certainty=0.5, at=desk.clock())
    desk.run(lambda s: s.add(row))
    return first, second


def test_taking_a_suggestion_shows_the_other_matter_and_asks(desk, happen):
    first, second = suggested(desk)
    answer = happen(pressed("duty", menu_token(desk, second, "join"), "duty-group"))
    number = desk.case(first).number
    assert buttons(answer) == [f"确认并入 {number}", "↩ 返回"]
    told = "\n".join(block.text for block in answer.menu.notes)
    assert number in told
    assert "东湖小区今天又停水了，物业不管" in told
    assert desk.case(second).state is State.JUDGING
    sure = answer.menu.buttons[0][0].token
    assert "并入" in happen(pressed("duty", sure, "duty-group")).toast
    assert desk.case(second).merged_into == first


def test_a_suggestion_that_is_gone_says_so(desk, happen):
    first, second = suggested(desk)
    desk.act(first, Command.DISMISS)
    answer = happen(pressed("duty", menu_token(desk, second, "join"), "duty-group"))
    assert answer.menu is None
    assert "已不在" in answer.toast


def test_a_made_up_way_back_opens_no_card_of_another_unit(desk, happen):
    case_id = desk.at(State.HANDLING)
    back = token_of(Wish(MENU, case_id, desk.case(case_id).version, 0, "back-1"))
    for chat in ("group-network", ""):
        answer = happen(pressed("other_contact", back, chat))
        assert (answer.alert, answer.menu) == (True, None)
    assert happen(pressed("contact", back, "group-petition")).menu is not None


def test_a_draft_is_opened_in_private_only(desk, happen):
    case_id = desk.at(State.TO_APPROVE)
    back = token_of(Wish(MENU, case_id, desk.case(case_id).version, 1, "back-6"))
    assert happen(pressed("leader", back, "duty-group")).menu is None
    assert happen(pressed("leader", back)).menu is not None


def test_a_contact_of_two_units_speaks_for_the_one_in_whose_group_he_pressed(desk):
    desk.office = replace(desk.office, procedure=Procedure(consult=frozenset(Level)))
    desk.run(lambda s: join(s, "两头", [Role.CONTACT], ["network", "petition"], ref="both"))
    case_id = desk.open()
    desk.act(case_id, Command.CONVENE, units=("petition", "network"))
    agree = token_of(Wish(Command.OPINE.value, case_id, desk.case(case_id).version, 0, "agree"))
    counter = Counter(desk.office, desk.ledger, "chat", {})
    for update, event in enumerate(
        (pressed("both", agree, "group-petition"), wrote("both", "同意由住建牵头"))
    ):
        desk.run(lambda s: react(Occasion(counter, s, desk.clock(), update, event)))  # noqa: B023 - run at once
    assert desk.run(lambda s: papers.waiting(s, case_id, Command.CONVENE)) == {"network"}


def test_a_button_means_what_it_said_when_the_office_has_changed_its_lists(desk):
    desk.office = replace(desk.office, procedure=Procedure(consult=frozenset({Level.IV})))
    case_id = desk.open()
    view = desk.run(lambda s: case_view(s, case_id))
    assert view is not None
    [first, second, *_] = desk.office.dismiss_reasons
    dismiss = {b.text: b.token for row in menu_buttons(view, desk.office, DISMISS) for b in row}
    convene = next(
        b.token for row in ticks(view, desk.office, CONSULT, 1) for b in row if b.text == "发起会商"
    )
    mute = {b.text: b.token for row in mute_menu(view, desk.office, "c0", {}) for b in row}
    edited = replace(
        desk.office,
        dismiss_reasons=("新的理由", second),
        channels=dict(reversed(desk.office.channels.items())),
        mute=Mutes(reasons=("新的理由",)),
    )
    counter = Counter(edited, desk.ledger, "chat", {})
    serial = count(1)

    def press(token: str) -> str:
        event = pressed("duty", token, "duty-group")
        done = desk.run(lambda s: react(Occasion(counter, s, desk.clock(), next(serial), event)))
        return done.toast if done else ""

    for token in (dismiss[first], convene, mute[desk.office.mute.reasons[0]]):
        assert "失效" in press(token) or "不在名单" in press(token)
    assert desk.case(case_id).state is State.JUDGING
    assert "已不予受理" in press(dismiss[second])
    assert desk.case(case_id).close_reason == second
