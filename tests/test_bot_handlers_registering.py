"""Registration by hand (首问负责): a case of its own, with its number at once, and nothing personal in it."""

from collections.abc import Callable
from itertools import count

import pytest
from builders import Desk
from test_bot_handlers import gave, told
from test_bot_handlers_review import press, write
from test_bot_looking import newest, shown, text_of

from bot.chat import Event
from bot.handlers.desk import Desk as Counter
from bot.handlers.desk import Occasion, Reaction, Reception
from bot.handlers.react import react
from bot.render import duty_card
from monitors.masking import mask
from routing import registering
from routing.clock import week_of
from routing.export import ledger_rows
from routing.store.tables import CaseRow, ItemRow, LedgerRow, OutboxRow, PaperRow
from routing.views import case_view
from routing.workflow import Command, State

Happen = Callable[[Event], Reaction | None]


@pytest.fixture
def happen(desk: Desk) -> Happen:
    """Let one event happen at a desk that registers what people hear of."""

    def masked(text: str) -> tuple[str, tuple[str, ...]]:
        found = mask(text)
        return found.text, found.kinds

    counter = Counter(desk.office, desk.ledger, "chat", {}, Reception(masked, lambda: desk.rules))
    serial = count(1)
    return lambda event: desk.run(lambda s: react(Occasion(counter, s, desk.clock(), next(serial), event)))


def said(desk: Desk, who: str) -> str:
    return str(told(desk, who)[-1]["text"])


def card_of(desk: Desk, case_id: int) -> str:
    view = desk.run(lambda s: case_view(s, case_id))
    assert view is not None
    return text_of(duty_card(view, desk.office, {}))


@pytest.mark.parametrize(
    ("who", "chat"),
    [("duty", "duty-group"), ("office", ""), ("leader", ""), ("contact", ""), ("duty", "")],
)
def test_whoever_hears_of_a_matter_first_enters_it_and_gets_its_number(desk, happen, who, chat):
    happen(gave(who, "new", "东湖小区今天又停水了 https://bbs.example.com/t/9", chat))
    [case] = desk.all(CaseRow)
    assert case.state is State.JUDGING
    assert case.channel == "petition"  # as the rules propose it
    assert case.registered_by == desk.staff[who].person_id
    assert f"已登记 {case.number}" in said(desk, chat or f"private-{who}")
    [item] = desk.all(ItemRow)
    assert (item.text, item.url) == ("东湖小区今天又停水了", "https://bbs.example.com/t/9")
    cards = desk.all(OutboxRow, OutboxRow.case_id == case.id, OutboxRow.kind == "card")
    assert [row.chat for row in cards] == ["duty-group"]
    lines = [(row.action, row.actor) for row in desk.all(LedgerRow, LedgerRow.case_id == case.id)]
    assert ("register", desk.staff[who].name) in lines


def test_what_no_rule_would_take_opens_a_case_too(desk, happen):
    happen(gave("leader", "new", "人大代表来电反映办事大厅排队过长"))
    [case] = desk.all(CaseRow)
    assert case.channel == "office"
    assert case.state is State.JUDGING


def test_personal_data_is_masked_before_it_is_stored_and_that_is_said(desk, happen):
    happen(gave("contact", "new", "东湖小区停水，居民电话 13812345678 反映无人处理"))
    [item] = desk.all(ItemRow)
    assert "13812345678" not in item.text
    assert "手机号" in item.masked
    assert "已隐去手机号" in said(desk, "private-contact")
    assert "13812345678" not in desk.all(CaseRow)[0].title


def test_a_secrecy_mark_stops_it_and_nothing_of_it_is_kept(desk, happen):
    happen(gave("duty", "new", "机密★10年\n东湖小区泵房图纸", "duty-group"))
    assert desk.all(CaseRow) == []
    assert desk.all(ItemRow) == []
    assert "密级标识" in said(desk, "duty-group")


@pytest.mark.parametrize(
    ("rest", "why"),
    [
        ("", "请写清"),
        ("停水", "请写清"),
        ("https://bbs.example.com/t/9", "请写清"),
        ("东" * 1001, "1001 字"),
        ("东湖小区今天又停水 http://10.0.0.8/t/9", "公众打不开"),
        ("东湖小区今天又停水 http://localhost/9", "公众打不开"),
    ],
)
def test_what_cannot_be_registered_says_why_and_leaves_nothing(desk, happen, rest, why):
    happen(gave("duty", "new", rest, "duty-group"))
    assert why in said(desk, "duty-group")
    assert desk.all(CaseRow) == []
    assert desk.all(ItemRow) == []


def test_a_unit_s_group_is_no_place_to_register_and_reviewers_do_not(desk, happen):
    happen(gave("contact", "new", "东湖小区今天又停水了", "group-petition"))
    assert "值班群或与机器人的私聊" in said(desk, "group-petition")
    happen(gave("reviewer", "new", "东湖小区今天又停水了"))
    assert "没有使用 /new 的权限" in said(desk, "private-reviewer")
    assert desk.all(CaseRow) == []


def test_a_link_that_a_case_holds_already_is_not_entered_twice(desk, happen):
    for _ in range(2):
        happen(gave("duty", "new", "东湖小区今天又停水了 https://bbs.example.com/t/9", "duty-group"))
    [case] = desk.all(CaseRow)
    assert f"已在 {case.number}" in said(desk, "duty-group")


def test_a_source_that_brings_the_same_matter_later_joins_it(desk, happen):
    happen(gave("duty", "new", "东湖小区今天又停水了，物业不管", "duty-group"))
    desk.open("东湖小区今天又停水了，物业不管")
    [case] = desk.all(CaseRow)
    view = desk.run(lambda s: case_view(s, case.id))
    assert view.items == 2


def test_the_card_names_who_is_first_in_charge_until_a_unit_signs(desk, happen):
    happen(gave("duty", "new", "东湖小区今天又停水了", "duty-group"))
    case_id = desk.all(CaseRow)[0].id
    assert "首接王值班 登记" in card_of(desk, case_id)
    assert "首接登记" in card_of(desk, case_id)  # where others name their source
    desk.act(case_id, Command.DISPATCH)
    assert "首接王值班 登记" in card_of(desk, case_id)
    desk.act(case_id, Command.SIGN)
    assert "首接王值班 登记" not in card_of(desk, case_id)


def test_the_office_s_ledger_names_who_registered(desk, happen):
    happen(gave("contact", "new", "东湖小区今天又停水了"))
    span = week_of(desk.clock(), desk.office.zone)
    [line] = desk.run(lambda s: ledger_rows(s, desk.office, span, full=True, platforms={}))
    assert line.first_handler == "赵联络"


def test_its_answer_is_a_page_that_can_be_sent(desk, happen):
    happen(gave("duty", "new", "东湖小区今天又停水了"))
    assert "首接人" in text_of(shown(desk, newest(desk, "private-duty")))
    assert desk.all(ItemRow)[0].source_id == registering.SOURCE


def test_a_phone_number_in_the_reason_for_more_time_reaches_nobody(desk: Desk, happen: Happen) -> None:
    case_id = desk.at(State.HANDLING)
    press(desk, happen, case_id, "contact", Command.EXTEND, "3", chat=desk.office.channels["petition"].chat)
    write(desk, happen, "contact", "需等第三方检测，业主 13800138000 已告知")
    [paper] = desk.all(PaperRow, PaperRow.kind == Command.EXTEND)
    assert paper.text == "需等第三方检测，业主 [手机号已隐去] 已告知"
    assert not [row for row in desk.all(OutboxRow) if "13800138000" in str(row.payload)]
