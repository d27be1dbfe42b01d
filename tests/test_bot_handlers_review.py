"""What is said of a draft at the counter: its openness, what in it is doubtful, the aspects of its first review."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from builders import TOLD, Desk
from sqlalchemy.orm import Session

from bot.buttons import MENU, Wish, token_of, wish_of
from bot.chat import ActionPressed, Body, Event, MessageRef, TextReplied
from bot.chat import Sender as From
from bot.compose import Composer
from bot.handlers.desk import Desk as Counter
from bot.handlers.desk import Occasion, Reaction, Reception
from bot.handlers.react import react
from bot.render import buttons_of
from bot.telegram.markup import TEXT_LIMIT, rendered
from bot.wishes import CARDS
from monitors.masking import mask
from routing import cases, outbox, people
from routing.dossier import Scope, dossier
from routing.office import Level, Procedure
from routing.outbox import MessageKind
from routing.search import find
from routing.store.tables import DraftRow, LedgerRow, OutboxRow, ReleaseRow, ReviewRow
from routing.views import as_seen_by, case_view
from routing.workflow import Aspect, Command, Ground, Openness, Refusal, Stage, State

Happen = Callable[[Event], Reaction | None]
TEXT = "您反映的问题涉及他人住处，经核实已经处理完毕。"


def personal(text: str) -> tuple[str, ...]:
    return mask(text).kinds


@pytest.fixture
def happen(desk: Desk) -> Happen:
    """Let one event happen at a desk that knows personal data, each under an update id of its own."""
    serial = count(1)

    def happen(event: Event) -> Reaction | None:
        reception = Reception(lambda text: (mask(text).text, mask(text).kinds), lambda: desk.rules)
        counter = Counter(desk.office, desk.ledger, "chat", {}, reception, personal=personal)
        return desk.run(lambda s: react(Occasion(counter, s, desk.clock(), next(serial), event)))

    return happen


def switch(desk: Desk, **steps: Any) -> None:
    desk.office = replace(desk.office, procedure=Procedure(**steps))


def press(
    desk: Desk, happen: Happen, case_id: int, who: str, command: Command, arg: str = "", chat: str = ""
) -> Reaction:
    shown = desk.shown(case_id)
    token = token_of(Wish(command.value, case_id, shown.version, shown.draft_version, arg))
    where = chat or f"private-{who}"
    sender = From(who, who, f"private-{who}")
    reaction = happen(ActionPressed(sender, where, not chat, token, MessageRef(where, "7"), "p"))
    assert reaction is not None
    return reaction


def write(desk: Desk, happen: Happen, who: str, text: str) -> str:
    """Answer the open question and give what is said to it."""
    chat = f"private-{who}"
    happen(TextReplied(From(who, who, chat), chat, True, text, Body.TEXT, MessageRef(chat, "1"), None))
    return str(desk.all(OutboxRow, OutboxRow.chat == chat)[-1].payload["text"])


def shown(desk: Desk, chat: str, kind: MessageKind) -> str:
    """Give the newest message of a kind to a chat as it would be sent now."""
    composer = Composer(desk.office, {}, personal=personal)

    def work(session: Session) -> str:
        row = (
            session.query(OutboxRow)
            .filter_by(chat=chat, kind=kind.value)
            .order_by(OutboxRow.id.desc())
            .first()
        )
        assert row is not None
        outgoing = composer.compose(session, outbox._message(row), desk.clock())
        assert outgoing is not None
        return "\n".join(block.text for block in outgoing.card.blocks)

    return desk.run(work)


def test_an_unmarked_draft_is_returned_where_the_office_wants_its_openness(desk, happen):
    switch(desk, openness=True)
    case_id = desk.at(State.HANDLING)
    refused = desk.act(case_id, Command.DRAFT, openness=None)
    assert isinstance(refused, Refusal)
    assert refused.ground is Ground.OPENNESS
    press(desk, happen, case_id, "contact", Command.DRAFT, chat="group-petition")
    assert "先选公开属性" in write(desk, happen, "contact", TEXT)
    assert desk.all(DraftRow) == []


@pytest.mark.parametrize("typed", ["停", "不是", "。。。。。。", "已 转"])
def test_a_reason_that_tells_nothing_is_sent_back_with_what_is_missing_and_may_be_given_again(
    desk, happen, typed
):
    case_id = desk.at(State.TO_SIGN)
    press(desk, happen, case_id, "contact", Command.RETURN, chat="group-petition")
    told = write(desk, happen, "contact", typed)
    assert typed.strip() in told
    assert "理由" in told
    assert "至少 4 个字" in told
    assert desk.case(case_id).state is State.TO_SIGN
    write(desk, happen, "contact", "属水务局")  # the same question takes what says enough
    assert desk.case(case_id).state is State.RETURNED


def test_personal_data_in_a_typed_reason_is_hidden_before_anything_is_kept(desk, happen):
    case_id = desk.at(State.TO_SIGN)
    press(desk, happen, case_id, "contact", Command.RETURN, chat="group-petition")
    write(desk, happen, "contact", "属水务局，来信人电话13900000017")
    assert desk.case(case_id).state is State.RETURNED
    reasons = [json.loads(row.data)["reason"] for row in desk.all(LedgerRow, LedgerRow.action == "return")]
    assert reasons == ["属水务局，来信人电话[手机号已隐去]"]


def test_of_basis_and_reason_it_is_said_which_is_too_short(desk, happen):
    case_id = desk.at(State.IN_SECRECY)
    press(desk, happen, case_id, "secrecy", Command.CLEAR)
    assert write(desk, happen, "secrecy", "条；涉及公众利益").startswith("依据“条”太短")
    assert write(desk, happen, "secrecy", "条例第十九条；密").startswith("理由“密”太短")
    assert desk.case(case_id).state is State.IN_SECRECY


def test_a_unit_that_agrees_need_not_say_why_and_one_that_differs_must(desk, happen):
    switch(desk, consult=frozenset(Level))
    for text, stance, state in (("东湖小区停水", "agree", False), ("西山小区停水", "differ", True)):
        case_id = desk.open(text)
        desk.act(case_id, Command.CONVENE, units=("petition",))
        press(desk, happen, case_id, "contact", Command.OPINE, stance, "group-petition")
        assert ("太短" in write(desk, happen, "contact", "可以")) is state


def test_a_chosen_openness_stands_with_the_draft(desk, happen):
    switch(desk, openness=True)
    case_id = desk.at(State.HANDLING)
    place = str(list(Openness).index(Openness.ON_REQUEST))
    assert menu(desk, happen, case_id, "contact", "openness", "group-petition").menu is not None
    press(desk, happen, case_id, "contact", Command.DRAFT, place, chat="group-petition")
    asked = shown(desk, "private-contact", MessageKind.ASK)
    assert "依申请公开" in asked
    assert "1. 国家秘密" in asked
    assert "9. 行政执法案卷" in asked
    assert "已提交答复稿" in write(desk, happen, "contact", TEXT)
    assert [row.openness for row in desk.all(DraftRow)] == ["依申请公开"]


def closed(desk: Desk, happen: Happen) -> int:
    """Bring a matter to the review of a text that is not for the public."""
    switch(desk, openness=True)
    case_id = desk.at(State.HANDLING)
    place = str(list(Openness).index(Openness.CLOSED))
    press(desk, happen, case_id, "contact", Command.DRAFT, place, chat="group-petition")
    assert "第一行写“理由：" in write(desk, happen, "contact", TEXT)
    assert desk.all(DraftRow) == []
    assert "已提交答复稿" in write(desk, happen, "contact", f"理由：涉及个人隐私\n{TEXT}")
    return case_id


def test_a_text_that_is_not_for_the_public_needs_a_reason_and_keeps_it(desk, happen):
    case_id = closed(desk, happen)
    [draft] = desk.all(DraftRow)
    assert (draft.openness, draft.openness_reason, draft.text) == ("不予公开", "涉及个人隐私", TEXT)
    assert "涉及个人隐私" in shown(desk, "private-reviewer", MessageKind.CARD)
    file = desk.run(lambda s: dossier(s, case_id, Scope(full=True, secrecy=True)))
    assert file.drafts[0].openness_reason == "涉及个人隐私"


def test_a_text_that_is_not_for_the_public_stands_in_no_group_and_is_released_without_a_link(desk, happen):
    case_id = closed(desk, happen)
    for command in (Command.PASS, Command.CLEAR, Command.APPROVE):
        assert isinstance(desk.act(case_id, command), cases.Done)
    assert TEXT not in shown(desk, "group-petition", MessageKind.CARD)
    assert "已私发拟稿人" in shown(desk, "group-petition", MessageKind.CARD)
    assert TEXT in shown(desk, "private-contact", MessageKind.TEXT)

    press(desk, happen, case_id, "contact", Command.CONFIRM, chat="group-petition")
    assert "怎样答复了当事人" in shown(desk, "private-contact", MessageKind.ASK)
    assert "已回应确认" in write(desk, happen, "contact", "21日下午电话告知")
    [release] = desk.all(ReleaseRow)
    assert (release.url, release.told) == ("", "21日下午电话告知")
    assert "已答复当事人" in shown(desk, "duty-group", MessageKind.TEXT)
    view = desk.run(lambda s: case_view(s, case_id))
    assert view is not None
    assert view.state is State.CLOSED
    assert view.release_url is None
    found, _ = desk.run(lambda s: find(s, ["住处"], channels=None, with_drafts=False, page=0, size=5))
    assert not found


def test_what_is_open_on_request_only_is_answered_to_who_asked_and_not_in_public(desk, happen):
    switch(desk, openness=True)
    case_id = desk.at(State.HANDLING)
    place = str(list(Openness).index(Openness.ON_REQUEST))
    press(desk, happen, case_id, "contact", Command.DRAFT, place, chat="group-petition")
    assert "已提交答复稿" in write(desk, happen, "contact", TEXT)
    for command in (Command.PASS, Command.CLEAR, Command.APPROVE):
        assert isinstance(desk.act(case_id, command), cases.Done)
    assert TEXT not in shown(desk, "group-petition", MessageKind.CARD)
    assert "第1稿已批准（依申请公开）" in shown(desk, "group-petition", MessageKind.CARD)
    assert "第1稿已批准（依申请公开）" in shown(desk, "private-contact", MessageKind.TEXT)
    refused = desk.act(case_id, Command.CONFIRM, text="")
    assert isinstance(refused, Refusal)
    assert refused.ground is Ground.MISSING
    press(desk, happen, case_id, "contact", Command.CONFIRM, chat="group-petition")
    assert "本稿依申请公开，不要发布到网上" in shown(desk, "private-contact", MessageKind.ASK)
    assert "已回应确认" in write(desk, happen, "contact", "21日下午当面答复申请人")
    [release] = desk.all(ReleaseRow)
    assert (release.url, release.told) == ("", "21日下午当面答复申请人")
    assert "已答复当事人（依申请公开）" in shown(desk, "duty-group", MessageKind.TEXT)
    found, _ = desk.run(lambda s: find(s, ["住处"], channels=None, with_drafts=False, page=0, size=5))
    assert not found


@pytest.mark.parametrize(
    ("openness", "says"), [(Openness.ON_REQUEST, "不要发布"), (Openness.PUBLIC, "发布后请回复链接")]
)
def test_a_reply_to_the_slip_of_an_approved_text_says_whether_to_publish(desk, happen, openness, says):
    switch(desk, openness=True)
    case_id = desk.at(State.HANDLING)
    for command in (Command.DRAFT, Command.PASS, Command.CLEAR, Command.APPROVE):
        more = {"openness": openness} if command is Command.DRAFT else {}
        assert isinstance(desk.act(case_id, command, **more), cases.Done)
    press(desk, happen, case_id, "contact", Command.SIGN, chat="group-petition")  # the card is known by it
    group = "group-petition"
    reply = TextReplied(
        From("contact", "contact", "private-contact"),
        *(group, False, "好的，已经弄好了", Body.TEXT, MessageRef(group, "8"), MessageRef(group, "7")),
    )
    happen(reply)
    assert says in str(desk.all(OutboxRow, OutboxRow.chat == group)[-1].payload["text"])


def test_a_public_link_is_still_asked_of_every_other_text(desk):
    case_id = desk.at(State.TO_RELEASE)
    refused = desk.act(case_id, Command.CONFIRM, link="", text="电话告知")
    assert isinstance(refused, Refusal)
    assert refused.ground is Ground.MISSING


def test_the_drafter_and_the_reviewer_read_at_once_what_is_doubtful_and_where(desk, happen):
    case_id = desk.at(State.HANDLING)
    press(desk, happen, case_id, "contact", Command.DRAFT, chat="group-petition")
    said = write(
        desk, happen, "contact", "您好！维修师傅电话１３８１２３４５６７８。详见会议纪要，谢谢监督。"
    )
    assert "稿件已保存，请核对：第2句疑似个人信息（手机号）；第3句“会议纪要”（内部文件用语）" in said
    assert desk.case(case_id).state is State.IN_REVIEW
    assert "⚠️ 第2句疑似个人信息（手机号）；第3句“会议纪要”" in shown(
        desk, "private-reviewer", MessageKind.CARD
    )
    desk.act(case_id, Command.PASS)
    assert "⚠️ 第2句" in shown(desk, "private-secrecy", MessageKind.CARD)
    desk.act(case_id, Command.CLEAR)
    assert "⚠️ 第2句" in shown(desk, "private-leader", MessageKind.CARD)


def test_what_a_first_review_ticked_is_stored_and_told_to_the_leader(desk, happen):
    switch(desk, aspects=True)
    case_id = desk.at(State.IN_REVIEW)
    assert "逐项核对" in press(desk, happen, case_id, "reviewer", Command.PASS, "5").toast
    assert desk.all(ReviewRow) == []
    assert (
        "已初审通过"
        in press(desk, happen, case_id, "reviewer", Command.PASS, str(2 ** len(Aspect) - 1)).toast
    )
    assert [row.aspects for row in desk.all(ReviewRow)] == [[aspect.value for aspect in Aspect]]
    desk.act(case_id, Command.CLEAR)
    assert "六个方面已核对" in shown(desk, "private-leader", MessageKind.CARD)
    file = desk.run(lambda s: dossier(s, case_id, Scope(full=True, secrecy=True)))
    assert file.opinions[0].aspects == tuple(Aspect)


def test_without_the_switch_nothing_is_said_of_aspects(desk, happen):
    case_id = desk.at(State.IN_REVIEW)
    press(desk, happen, case_id, "reviewer", Command.PASS)
    assert [row.aspects for row in desk.all(ReviewRow)] == [[]]
    desk.act(case_id, Command.CLEAR)
    assert "六个方面" not in shown(desk, "private-leader", MessageKind.CARD)


# --- the leader's card --------------------------------------------------------------------------------------------


def deliver(desk: Desk, chat: str, case_id: int, card: str) -> None:
    """Note that the card of the current draft arrived in a private chat."""
    version = desk.case(case_id).draft_version
    desk.run(
        lambda s: outbox.remember_card(
            s,
            chat=chat,
            message=f"m{version}",
            case_id=case_id,
            card=card,
            draft_version=version,
            now=desk.clock(),
        )
    )


def test_a_leader_reads_what_changed_since_the_version_that_he_saw(desk):
    case_id = desk.at(State.TO_APPROVE)
    deliver(desk, "private-leader", case_id, "approve")
    desk.act(case_id, Command.REFUSE)
    desk.act(case_id, Command.DRAFT, text="第一句改过了。您反映的停水问题已修复。")
    desk.act(case_id, Command.REDO)
    desk.act(case_id, Command.DRAFT, text="第一句又改过了。您反映的停水问题已修复。")
    for command in (Command.PASS, Command.CLEAR):
        desk.act(case_id, command)
    view = desk.run(lambda s: as_seen_by(s, case_view(s, case_id, 3), "private-leader"))
    assert (view.draft.version, view.draft.seen, view.draft.previous) == (3, 1, TOLD["text"])
    assert "第一句改过了" not in shown(desk, "private-leader", MessageKind.CARD)
    other = desk.run(lambda s: as_seen_by(s, case_view(s, case_id, 3), "private-second_leader"))
    assert other.draft.seen is None
    assert other.draft.previous == "第一句改过了。您反映的停水问题已修复。"


def test_a_leader_reads_how_long_he_has(desk):
    case_id = desk.at(State.TO_APPROVE)
    desk.clock.advance(hours=1)
    assert "还剩 3 小时）" in shown(desk, "private-leader", MessageKind.CARD)
    desk.clock.advance(hours=4)
    assert "已超 1 小时）" in shown(desk, "private-leader", MessageKind.CARD)
    assert desk.case(case_id).state is State.TO_APPROVE


def menu(desk: Desk, happen: Happen, case_id: int, who: str, name: str, chat: str = "") -> Reaction:
    at = desk.shown(case_id)
    token = token_of(Wish(MENU, case_id, at.version, at.draft_version, name))
    where = chat or f"private-{who}"
    sender = From(who, who, f"private-{who}")
    reaction = happen(ActionPressed(sender, where, not chat, token, MessageRef(where, "7"), "p"))
    assert reaction is not None
    return reaction


REFUSE = f"refuse-{CARDS.index('approve')}"


def refuse(desk: Desk, happen: Happen, reason: str, who: str = "leader") -> int:
    """Let a leader send a new matter's draft back for a reason."""
    case_id = desk.at(State.TO_APPROVE, f"西山小区停水{reason}")
    if menu(desk, happen, case_id, who, REFUSE).menu is not None:
        press(desk, happen, case_id, who, Command.REFUSE)
    assert "已退回修改" in write(desk, happen, who, reason)
    return case_id


def test_a_leader_who_never_refused_is_asked_at_once(desk, happen):
    refuse(desk, happen, "请写明时间")
    assert [row.reason for row in desk.all(ReviewRow, ReviewRow.stage == Stage.APPROVAL)] == ["请写明时间"]


def test_a_leader_is_offered_his_own_last_three_reasons_and_takes_one(desk, happen):
    for reason in ("理由如甲", "理由如乙", "理由如丙", "理由如乙", "理由如丁"):
        refuse(desk, happen, reason)
    refuse(desk, happen, "别人的理由", "second_leader")
    case_id = desk.at(State.TO_APPROVE, "东湖小区停水")
    opened = menu(desk, happen, case_id, "leader", REFUSE).menu
    assert opened is not None
    labels = [button.text for row in opened.buttons for button in row]
    assert labels == ["1. 理由如丁", "2. 理由如乙", "3. 理由如丙", "其他理由（回复文字）", "↩ 返回"]
    arg = wish_of(opened.buttons[1][0].token).arg
    assert "已退回修改" in press(desk, happen, case_id, "leader", Command.REFUSE, arg).toast
    assert desk.case(case_id).state is State.HANDLING
    assert desk.all(ReviewRow)[-1].reason == "理由如乙"


def test_nobody_takes_a_reason_that_is_not_his(desk, happen):
    refuse(desk, happen, "别人的理由", "second_leader")
    theirs = str(desk.all(ReviewRow, ReviewRow.stage == Stage.APPROVAL)[-1].id)
    case_id = desk.at(State.TO_APPROVE, "东湖小区停水")
    for arg in (theirs, "0", "x", "9" * 30):
        reaction = press(desk, happen, case_id, "leader", Command.REFUSE, arg)
        assert "重新选择" in reaction.toast
    assert desk.case(case_id).state is State.TO_APPROVE


def test_a_chief_is_offered_only_where_there_is_one(desk):
    case_id = desk.at(State.TO_APPROVE)

    def has_chief() -> bool:
        view = desk.run(lambda s: case_view(s, case_id))
        labels = [b.text for row in buttons_of("approve", view, desk.office) for b in row]
        return "呈报主要领导" in labels

    assert has_chief()
    chief = desk.staff["chief"].person_id
    desk.run(lambda s: people.revoke(s, desk.ledger, person_id=chief, by="命令行", now=desk.clock()))
    assert not has_chief()


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_grave_text_is_shown_whole_when_it_must_be_confirmed_again(desk, happen):
    case_id = desk.at(State.HANDLING)
    text = "停水抢修进展" * 333
    desk.act(case_id, Command.SET_LEVEL, level=Level.II)
    desk.act(case_id, Command.DRAFT, text="完全不同的一稿，" * 240)
    desk.act(case_id, Command.DRAFT, text=text)
    for command in (Command.PASS, Command.CLEAR):
        desk.act(case_id, command)
    reaction = press(desk, happen, case_id, "leader", Command.APPROVE)
    assert reaction.menu is not None
    composer = Composer(desk.office, {}, personal=personal)
    card = desk.run(lambda s: composer.open_menu(s, reaction.menu, desk.clock()))
    assert card is not None
    said = re.sub("<[^>]+>", "", rendered(card).text)
    assert text in said
    assert len(said) <= TEXT_LIMIT
    assert "须再次确认" in said
    assert desk.case(case_id).state is State.TO_APPROVE
    assert "已批准发布" in press(desk, happen, case_id, "leader", Command.APPROVE, "yes").toast


def test_whoever_reads_the_next_version_reads_what_the_last_was_sent_back_for(desk):
    case_id = desk.at(State.TO_APPROVE)
    desk.act(case_id, Command.REFUSE, reason="请写明查询电话")
    desk.act(case_id, Command.DRAFT, text="查询电话：0000-12333。")
    assert "第1稿，郑县长 " in shown(desk, "private-reviewer", MessageKind.CARD)
    for command in (Command.PASS, Command.CLEAR):
        desk.act(case_id, command)
    assert "请写明查询电话" in shown(desk, "private-second_leader", MessageKind.CARD)


def test_who_passed_a_text_on_is_not_named_as_the_cause_that_it_was_changed(desk, happen):
    case_id = desk.at(State.TO_APPROVE)
    old = desk.shown(case_id)
    desk.act(case_id, Command.DRAFT, text="您反映的停水问题已修复。")
    token = token_of(Wish(Command.APPROVE.value, case_id, old.version, old.draft_version))
    leader = From("leader", "leader", "private-leader")
    place = MessageRef("private-leader", "7")
    told = happen(ActionPressed(leader, "private-leader", True, token, place, "p")).toast
    assert told.endswith("的答复稿已更新为第2稿，您看到的第1稿作废，新稿现在是“待审核”。")
    assert "处理：" not in told
