"""Commands that look: who reads what where, how lists are leafed through, and what is never told."""

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest
from builders import HOUR, MINUTE, Desk
from test_bot_handlers import gave, pressed, told

from bot.buttons import CARD, PAGE, Wish, token_of
from bot.chat import ActionPressed, Card, CommandGiven, MessageRef
from bot.compose import Composer
from bot.handlers.commands import OFFERS
from bot.handlers.desk import Desk as Counter
from bot.handlers.desk import Leafed, Occasion, Reaction, Reception
from bot.handlers.looking import GONE
from bot.handlers.react import react
from bot.words import for_chat
from monitors.masking import mask
from routing import outbox
from routing.items import Band, Sentiment
from routing.office import Step
from routing.powers import powers
from routing.procedure import LIGHT
from routing.store.tables import CaseRow, DeadlineRow, InboxRow, LedgerRow, MessageRefRow, OutboxRow
from routing.why import Words
from routing.workflow import COMMAND_NAMES, Command, State

Happen = Callable[[CommandGiven | ActionPressed], Reaction | None]


@pytest.fixture
def happen(desk: Desk) -> Happen:
    counter = Counter(desk.office, desk.ledger, "chat", {})
    serial = count(1)
    return lambda event: desk.run(lambda s: react(Occasion(counter, s, desk.clock(), next(serial), event)))


def newest(desk: Desk, chat: str) -> OutboxRow:
    return desk.all(OutboxRow, OutboxRow.chat == chat)[-1]


def shown(desk: Desk, row: OutboxRow) -> Card:
    composer = Composer(desk.office, {}, for_chat(Words(desk.office.zone, "")))
    outgoing = desk.run(lambda s: composer.compose(s, outbox._message(row), desk.clock()))
    assert outgoing is not None
    return outgoing.card


def text_of(card: Card) -> str:
    return "\n".join(f"{block.label}{block.text}" for block in card.blocks)


def answer(desk: Desk, happen: Happen, who: str, name: str, rest: str = "", chat: str = "") -> str:
    happen(gave(who, name, rest, chat))
    return text_of(shown(desk, newest(desk, chat or f"private-{who}")))


# --- find ---------------------------------------------------------------------------------------------------------


def test_find_shows_what_the_reader_may_see_where_he_asks(desk, happen):
    case_id = desk.open("西山小区后面塌方，路堵了", title="出行受阻")
    number = desk.case(case_id).number
    for chat in ("", "duty-group"):
        assert number in answer(desk, happen, "duty", "find", "塌方", chat)
    assert "「西山小区后面塌方，路堵了」" in answer(desk, happen, "duty", "find", "路堵")
    assert "没有找到含“塌方”的事项" in answer(desk, happen, "other_contact", "find", "塌方")
    desk.act(case_id, Command.DISPATCH, channel="network")
    assert number in answer(desk, happen, "other_contact", "find", "塌方")
    assert number in answer(desk, happen, "other_contact", "find", "塌方", "group-network")
    assert number not in answer(desk, happen, "duty", "find", "塌方", "group-petition")


def test_words_of_a_draft_find_nothing_in_a_group_and_for_the_duty_officer(desk, happen):
    case_id = desk.at(State.HANDLING)
    desk.act(case_id, Command.DRAFT, text="抢修队已更换泵组，今晚恢复。")
    number = desk.case(case_id).number
    for who in ("contact", "reviewer", "secrecy", "leader"):
        assert number in answer(desk, happen, who, "find", "泵组"), who
    assert number not in answer(desk, happen, "other_contact", "find", "泵组")
    assert number not in answer(desk, happen, "duty", "find", "泵组")
    assert number not in answer(desk, happen, "leader", "find", "泵组", "duty-group")
    assert number not in answer(desk, happen, "contact", "find", "泵组", "group-petition")


def test_a_number_of_a_person_is_refused_and_kept_nowhere(desk, happen):
    desk.open()
    lines = len(desk.all(LedgerRow))
    assert "不查人" in answer(desk, happen, "duty", "find", "138 0013 8000")
    assert "13800138000" not in str([row.payload for row in desk.all(OutboxRow)]).replace(" ", "")
    assert len(desk.all(LedgerRow)) == lines
    assert desk.all(InboxRow) == []


@pytest.mark.parametrize("who", ["admin", "stranger"])
def test_others_do_not_search(desk, happen, who):
    said = answer(desk, happen, who, "find", "停水")
    assert "没有使用 /find 的权限，它供值班员、" in said


# --- open ---------------------------------------------------------------------------------------------------------


def test_open_is_narrowed_by_level_channel_and_lateness(desk, happen):
    grave, late = desk.open("西山小区后面塌方"), desk.open()
    desk.act(grave, Command.DISPATCH, channel="security")
    numbers = {desk.case(grave).number: "grave", desk.case(late).number: "late"}

    def listed(rest: str) -> set[str]:
        said = answer(desk, happen, "duty", "open", rest)
        return {name for number, name in numbers.items() if number in said}

    assert listed("") == {"grave", "late"}
    assert listed("Ⅱ级") == listed("２级") == listed("2") == listed("橙") == {"grave"}
    assert listed("安全稳定") == listed("security") == {"grave"}
    assert listed("Ⅱ级 社情民意") == set()
    assert listed("超期") == listed("今晚 安全稳定 Ⅳ级") == set()
    assert listed("今晚") == {"grave", "late"}
    assert "前到期）" in answer(desk, happen, "duty", "open", "今晚")
    none = answer(
        desk, happen, "duty", "open", "今晚 安全稳定 Ⅳ级"
    )  # two are open: it must not read as if none were
    assert none.startswith("没有符合的未办结事项（")
    assert none.endswith("全部未办结的见 /open。")
    desk.clock.advance(5 * HOUR)
    desk.act(grave, Command.SIGN, desk_contact(desk))
    assert listed("超期") == {"late"}
    assert "⛔ 转办 11-17 14:00 前，已超1小时" in answer(desk, happen, "duty", "open", "超期")
    assert "不认识“明天”。可以写：超期、今晚、等级" in answer(desk, happen, "duty", "open", "明天")


def desk_contact(desk: Desk):
    return replace(desk.staff["contact"], channels=frozenset({"security"}))


def test_who_judges_reads_in_private_where_the_buttons_of_a_matter_stand(desk, happen):
    case_id = desk.open()
    place = MessageRefRow(chat="duty-group", message="7", case_id=case_id, card="duty", at=desk.clock())
    desk.run(lambda s: s.add(place))
    composer = Composer(desk.office, {}, link_to=lambda ref: f"https://chat.example/{ref.chat}/{ref.message}")

    def ways(who: str, chat: str = "") -> list[tuple[str, str]]:
        happen(gave(who, "case", "1", chat))
        row = outbox._message(newest(desk, chat or f"private-{who}"))
        outgoing = desk.run(lambda s: composer.compose(s, row, desk.clock()))
        return [(b.text, b.url) for line in outgoing.card.buttons for b in line]

    assert ways("duty") == ways("office") == [("去值班群处理", "https://chat.example/duty-group/7")]
    assert ways("duty", "duty-group") == ways("leader") == []
    happen(pressed("duty", token_of(Wish(CARD, case_id))))
    assert newest(desk, "private-duty").payload["acts_there"] is True


def test_a_limit_that_has_passed_says_so_on_the_card(desk, happen):
    case_id = desk.open()
    assert "已超期" not in answer(desk, happen, "duty", "case", "1")
    desk.clock.advance(5 * HOUR)
    told = answer(desk, happen, "duty", "case", "1")
    assert "⛔ 转办 11-17 14:00 前，已超期；公开回应 11-19 10:00 前" in told
    desk.act(case_id, Command.DISPATCH, channel="petition")
    assert "已超期" not in answer(desk, happen, "duty", "case", "1")


def test_what_waits_for_me_names_my_limit_and_not_that_of_a_copied_unit(desk, happen):
    case_id = desk.at(State.HANDLING)
    sooner = desk.clock() + MINUTE
    copied = DeadlineRow(
        case_id=case_id, step=Step.COPY, channel="petition", due_at=sooner, started_at=desk.clock()
    )
    desk.run(lambda s: s.add(copied))
    assert "协办签收" in answer(desk, happen, "duty", "open")
    told = answer(desk, happen, "contact", "mine")
    assert "⏰ 拟稿" in told
    assert "协办签收" not in told


# --- leafing ------------------------------------------------------------------------------------------------------


def more_like_it(desk: Desk, case_id: int, number: int) -> list[str]:
    """Enter matters that stand like this one; the last opened is the last listed."""
    one = desk.case(case_id)
    kept = ("state", "level", "proposed_level", "channel", "copies", "title")
    values = {name: getattr(one, name) for name in kept}
    names = [f"YQ-2026-{n:04}" for n in range(101, 101 + number)]
    rows = [CaseRow(number=name, opened_at=desk.clock.advance(MINUTE), **values) for name in names]
    desk.run(lambda s: s.add_all(rows))
    return [one.number, *names]


def turn(desk: Desk, row: OutboxRow, page: int) -> str:
    return token_of(Wish(PAGE, row.id, page))


def numbers_in(card: Card) -> list[str]:
    return re.findall(r"YQ-2026-\d+", text_of(card))


def labels(card: Card) -> list[str]:
    return [button.text for row in card.buttons for button in row]


def test_a_long_list_is_leafed_through_by_buttons_and_shows_each_once(desk, happen):
    made = more_like_it(desk, desk.open(), 8)
    happen(gave("duty", "open"))
    row = newest(desk, "private-duty")
    first = shown(desk, row)
    assert (numbers_in(first), labels(first)) == (made[:6], [*(f"看 {n}" for n in range(1, 7)), "下一页 ›"])
    assert "未办结事项 9 件　第 1/2 页" in text_of(first)
    reaction = happen(pressed("duty", first.buttons[1][0].token))
    assert reaction is not None
    leafed = reaction.leafed
    assert leafed is not None
    second = listing(desk, leafed)
    assert (numbers_in(second), labels(second)) == (made[6:], ["看 1", "看 2", "看 3", "‹ 上一页"])
    assert second.buttons[1][0].token == turn(desk, row, 0)


def listing(desk: Desk, leafed: Leafed) -> Card:
    composer = Composer(desk.office, {}, for_chat(Words()))
    return desk.run(lambda s: composer.listing(s, leafed.facts, leafed.sent_as, leafed.page, desk.clock()))


def test_a_list_is_leafed_only_by_who_may_see_it_so(desk, happen):
    desk.open()
    happen(gave("duty", "open", chat="duty-group"))
    row = newest(desk, "duty-group")
    assert leafed(happen(pressed("duty", turn(desk, row, 1), "duty-group")))
    assert not leafed(happen(pressed("contact", turn(desk, row, 1), "duty-group")))  # he sees less
    assert not leafed(happen(pressed("admin", turn(desk, row, 1), "duty-group")))
    assert not leafed(happen(pressed("duty", turn(desk, row, 1))))  # forged: that list stands elsewhere
    happen(gave("contact", "mine"))
    theirs = newest(desk, "private-contact")
    assert not leafed(happen(pressed("duty", turn(desk, theirs, 0))))
    assert not leafed(happen(pressed("duty", turn(desk, replace_id(theirs, 10**6), 0))))


def replace_id(row: OutboxRow, row_id: int) -> OutboxRow:
    return OutboxRow(id=row_id, chat=row.chat)


def leafed(reaction: Reaction | None) -> bool:
    assert reaction is not None
    assert (reaction.leafed is None) == reaction.alert
    return reaction.leafed is not None


def test_a_page_of_what_is_no_list_is_refused(desk, happen):
    happen(gave("duty", "help"))
    reaction = happen(pressed("duty", turn(desk, newest(desk, "private-duty"), 1)))
    assert reaction == Reaction(GONE, alert=True)


# --- the card behind a line ---------------------------------------------------------------------------------------


def fetched(desk: Desk, happen: Happen, who: str, case_id: int, chat: str = "") -> OutboxRow | None:
    """Press 看 of a case; gives what was queued for the chat, None where it was refused."""
    reaction = happen(pressed(who, token_of(Wish(CARD, case_id)), chat))
    assert reaction is not None
    return None if reaction.alert else newest(desk, chat or f"private-{who}")


def test_a_line_of_a_list_brings_the_card_that_may_stand_there(desk, happen):
    case_id = desk.at(State.TO_SIGN)
    keys = {
        ("duty", "duty-group"): "改派…",
        ("contact", "group-petition"): "签收",
        ("duty", ""): "",
        ("contact", ""): "",
    }
    for (who, chat), button in keys.items():
        row = fetched(desk, happen, who, case_id, chat)
        assert row is not None
        assert button in [*labels(shown(desk, row)), ""]
        assert desk.case(case_id).number in text_of(shown(desk, row))
        assert (row.kind == "card") is bool(button)
    views = [line for line in desk.all(LedgerRow) if line.action == "view"]
    assert len(views) == len(keys)


def test_a_leader_gets_the_text_that_waits_for_him_again_with_its_buttons(desk, happen):
    case_id = desk.at(State.TO_APPROVE)
    row = fetched(desk, happen, "leader", case_id)
    assert row is not None
    assert "批准发布" in labels(shown(desk, row))
    row = fetched(desk, happen, "duty", case_id)
    assert row is not None
    assert "批准发布" not in labels(shown(desk, row))


def test_a_card_is_brought_only_to_who_may_see_the_case_there(desk, happen):
    case_id = desk.open()
    assert fetched(desk, happen, "contact", case_id) is None  # nobody dispatched it to his unit
    assert fetched(desk, happen, "duty", case_id, "group-petition") is None
    assert fetched(desk, happen, "admin", case_id) is None
    assert fetched(desk, happen, "duty", case_id, "elsewhere") is None
    assert fetched(desk, happen, "duty", 10**6) is None
    assert [line.action for line in desk.all(LedgerRow)].count("view") == 0


# --- mine, why, help ----------------------------------------------------------------------------------------------


def test_mine_comes_in_private_also_when_asked_in_a_group(desk, happen):
    number = desk.case(desk.at(State.TO_SIGN)).number
    assert number in answer(desk, happen, "contact", "mine")
    happen(gave("contact", "mine", chat="group-petition"))
    assert [one.get("text") for one in told(desk, "group-petition")][-1] == "已私聊您。"
    assert newest(desk, "private-contact").payload["template"] == "mine"
    assert "没有等您办理的事项" in answer(desk, happen, "leader", "mine")


def test_why_tells_in_chinese_and_keeps_reasons_to_itself(desk, happen):
    case_id = desk.at(State.IN_SECRECY)
    desk.act(case_id, Command.WITHHOLD, basis="某条内部依据", reason="含有敏感措施")
    happen(gave("duty", "why", desk.case(case_id).number))
    row = newest(desk, "private-duty")
    pages = [listing(desk, Leafed(MessageRef("", ""), row.id, row.payload, page)) for page in range(4)]
    said = "\n".join(text_of(page) for page in pages)
    assert "来龙去脉　第 4/" in said
    assert "把握 1.00" in said
    assert "内部依据" not in said
    assert "敏感措施" not in said
    assert "private-" not in said


def test_why_names_no_scorer_to_a_chat_and_leaves_no_comma_behind(desk, happen):
    case_id = desk.open(sentiment=Sentiment(0.1, 0.1, Band.NEGATIVE, "ngram", "1a"))
    said = answer(desk, happen, "leader", "why", desk.case(case_id).number)
    assert re.search(r"^情绪\w+$", said, re.MULTILINE)


def test_why_is_for_those_who_see_all_and_not_in_the_group_of_a_channel(desk, happen):
    number = desk.case(desk.open()).number
    assert f"{number} 的来龙去脉" in answer(desk, happen, "leader", "why", number)
    assert f"{number} 的来龙去脉" in answer(desk, happen, "duty", "why", number, "duty-group")
    assert "请在值班群或私聊里查看" in answer(desk, happen, "duty", "why", number, "group-petition")
    assert "没有使用 /why 的权限" in answer(desk, happen, "contact", "why", number)
    assert "库里没有“YQ-2026-0404”" in answer(desk, happen, "duty", "why", "YQ-2026-0404")
    assert "请写事项编号或链接" in answer(desk, happen, "duty", "why")


@pytest.mark.parametrize("who", ["duty", "contact", "leader", "admin"])
def test_help_names_exactly_the_commands_of_the_roles(desk, happen, who):
    said = answer(desk, happen, who, "help")
    roles = desk.staff[who].roles
    assert set(re.findall(r"^/(\w+)", said, re.MULTILINE)) == {
        name for name, offer in OFFERS.items() if offer.roles & roles
    }
    assert "查事项" in said
    assert "系统" in said
    on_cards = {command for known in powers(roles, LIGHT).values() for command in known}
    told = set(re.split(r"[：、。\s]|群卡片|私聊卡片", said))
    assert {command for command, name in COMMAND_NAMES.items() if name in told} == on_cards


ABSURD = {
    "no such matter": ("office", "archive", "99999", "没有找到事项“99999”。请写已办结事项的编号"),
    "no such to reopen": (
        "leader",
        "reopen",
        "99999 居民再次反映",
        "没有找到事项“99999”。请写事项编号和理由",
    ),
    "nothing new to follow": ("duty", "follow", "1", "没有写缘由。请写事项编号和缘由"),
    "no such to follow": ("duty", "follow", "99999 有了新情况", "没有找到事项“99999”。请写事项编号和缘由"),
    "no such promise": ("duty", "promise", "99999", "没有找到事项“99999”。请写事项编号"),
    "not the state": ("office", "archive", "1", "/archive 用于这些状态的事项：已办结。"),
    "not that state": ("duty", "follow", "1 有了新情况", "：已回应、待回访、已办结。"),
    "a short reason": ("leader", "reopen", "1 好", "至少 4 个字，重新发送命令。"),
    "another week": ("duty", "digest", "下周", "不认识“下周”。本周的周报发送 /digest"),
    "a single letter": ("duty", "find", "-1", "“-1”太短，查不了。"),
    "a mere number": ("duty", "new", "99999", "请写清什么地方、什么事"),
    "ten thousand letters": ("duty", "case", "啊" * 10_000, f"没有找到事项“{'啊' * 40}…”。"),
    "a long word": ("duty", "open", "啊" * 10_000, f"不认识“{'啊' * 40}…”。"),
    "a long name": ("duty", "handover", "啊" * 10_000, f"没有登记“{'啊' * 40}…”"),
    "a long kind": ("duty", "mute", "啊" * 10_000, f"不认识“{'啊' * 40}…”。"),
    "a telephone": ("duty", "case", "13800138000", "没有找到事项“[手机号已隐去]”。"),
    "a telephone as a name": (
        "duty",
        "substitute",
        "13800138000 现在 18:00 因公外出",
        "没有登记“[手机号已隐去]”",
    ),
}


@pytest.mark.parametrize(("who", "name", "rest", "told"), ABSURD.values(), ids=ABSURD)
def test_what_is_absurd_is_answered_with_the_thing_the_value_and_the_cure(desk, who, name, rest, told):
    desk.open()
    masking = Reception(lambda text: (mask(text).text, mask(text).kinds), lambda: desk.rules)
    counter = Counter(desk.office, desk.ledger, "chat", {}, masking)
    desk.run(lambda s: react(Occasion(counter, s, desk.clock(), 1, gave(who, name, rest))))
    [row] = desk.all(OutboxRow, OutboxRow.chat == f"private-{who}")
    assert told in row.payload["text"]
    assert len(row.payload["text"]) < 200


def test_a_matter_is_found_by_full_width_digits_and_a_search_is_repeated_as_it_was_typed(desk, happen):
    assert desk.case(desk.open()).number == "YQ-2026-0001"
    assert "YQ-2026-0001" in answer(desk, happen, "duty", "case", "１")
    assert "没有找到含“YQ-2026-0099 东湖”的事项" in answer(desk, happen, "duty", "find", "YQ-2026-0099  东湖")


@pytest.mark.parametrize("word", ["last", "ＬＡＳＴ", "Last", "上周"])
def test_the_week_before_is_asked_for_in_any_letters(desk, happen, word):
    happen(gave("duty", "digest", word))
    [row] = desk.all(OutboxRow, OutboxRow.kind == "digest")
    assert row.payload["end"] <= desk.clock().isoformat()


def test_who_judges_reads_in_private_why_units_sent_a_matter_back_and_groups_read_that_they_did(desk):
    case_id = desk.at(State.RETURNED)
    desk.act(case_id, Command.DISPATCH, channel="network")
    desk.act(case_id, Command.RETURN, "other_contact", reason="没有处置供水的职能")

    def page(**facts: object) -> str:
        now = desk.clock()
        return text_of(
            desk.run(lambda s: Composer(desk.office, {}).case_page(s, {"case": case_id, **facts}, now))
        )

    assert "钱联络 11-17 " in page(acts_there=True)
    assert page(acts_there=True).count("没有处置供水的职能") == 1
    assert "没有处置供水的职能" not in page()
    assert [line.count("退回") for line in page().splitlines() if "联络 退回" in line] == [1, 1]
