"""Promises with dates: entered by the unit, called to mind until kept, and outliving the case that they were made in."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest
from builders import HOUR, Desk
from test_bot_handlers import gave, told
from test_bot_looking import newest, shown, text_of

from bot.chat import Event
from bot.handlers.desk import Desk as Counter
from bot.handlers.desk import Occasion, Reaction, Reception
from bot.handlers.react import react
from bot.render import channel_card, duty_card
from monitors.masking import mask
from routing import promises
from routing.dossier import Scope, dossier
from routing.store.tables import LedgerRow, OutboxRow, PromiseRow
from routing.views import case_view
from routing.workflow import Command, State

Happen = Callable[[Event], Reaction | None]
DAY = timedelta(days=1)


@pytest.fixture
def happen(desk: Desk) -> Happen:
    def masked(text: str) -> tuple[str, tuple[str, ...]]:
        return mask(text).text, mask(text).kinds

    counter = Counter(desk.office, desk.ledger, "chat", {}, Reception(masked, lambda: desk.rules))
    serial = count(1)
    return lambda event: desk.run(lambda s: react(Occasion(counter, s, desk.clock(), next(serial), event)))


def said(desk: Desk, who: str) -> str:
    return str(told(desk, f"private-{who}")[-1]["text"])


def tick(desk: Desk) -> int:
    return desk.run(lambda s: promises.tick(s, desk.office, desk.ledger, desk.clock()))


def reminders(desk: Desk) -> list[tuple[str, str]]:
    return [
        (row.chat, row.payload["template"])
        for row in desk.all(OutboxRow)
        if str(row.payload.get("template", "")).startswith("promise_")
    ]


@pytest.fixture
def promised(desk: Desk, happen: Happen) -> int:
    """A matter in hand, for which the unit promised something until the 1st of December."""
    case_id = desk.at(State.HANDLING)
    happen(gave("contact", "promise", f"{desk.case(case_id).number} 2026-12-01 修好路灯"))
    return case_id


def test_a_unit_promises_and_everybody_concerned_reads_it(desk, promised):
    [row] = desk.all(PromiseRow)
    assert row.due_at.isoformat() == "2026-12-01T10:00:00+00:00"  # the office closes at 18:00
    assert "第 1 项承诺" in said(desk, "contact")
    view = desk.run(lambda s: case_view(s, promised))
    line = "承诺1. 12-01 18:00 前 修好路灯（未兑现）"
    assert line in text_of(duty_card(view, desk.office, {}))
    assert line in text_of(channel_card(view, desk.office, {}, "petition"))
    assert [row.action for row in desk.all(LedgerRow, LedgerRow.action == "promise")] == ["promise"]


def test_it_is_called_to_mind_until_it_is_kept_and_once_late_the_duty_group_hears(desk, promised):
    assert tick(desk) == 0
    desk.clock.advance(8 * DAY)
    assert (tick(desk), tick(desk)) == (1, 0)
    assert reminders(desk) == [("group-petition", "promise_due")]
    desk.clock.advance(4 * DAY)
    tick(desk)
    assert len(reminders(desk)) == 2
    desk.clock.advance(3 * DAY)
    tick(desk)
    assert reminders(desk)[2:] == [("group-petition", "promise_late"), ("duty-group", "promise_late")]
    assert "12-01 18:00 前 修好路灯" in text_of(shown(desk, newest(desk, "duty-group")))
    desk.clock.advance(9 * DAY)
    assert tick(desk) == 0


def test_after_a_long_sleep_only_the_last_word_is_said(desk, promised):
    desk.clock.advance(30 * DAY)
    tick(desk)
    assert {template for _, template in reminders(desk)} == {"promise_late"}


def test_what_is_kept_is_called_to_mind_no_more(desk, happen, promised):
    number = desk.case(promised).number
    happen(gave("colleague", "promise", f"{number} 兑现 1 11月20日夜间修复"))
    desk.clock.advance(30 * DAY)
    assert tick(desk) == 0
    happen(gave("contact", "promise", f"{number} 兑现 1"))
    assert "已由 周联络 登记兑现" in said(desk, "contact")
    happen(gave("duty", "promise", number))
    assert "已兑现：11月20日夜间修复" in said(desk, "duty")


def test_it_outlives_the_case_and_its_closing_says_so(desk, promised):
    for command in (Command.DRAFT, Command.PASS, Command.CLEAR, Command.APPROVE, Command.CONFIRM):
        desk.act(promised, command)
    assert desk.case(promised).state is State.CLOSED
    [answered] = desk.all(OutboxRow, OutboxRow.dedupe_key.startswith("said:"), OutboxRow.chat == "duty-group")
    assert "还有 1 项承诺未兑现" in text_of(shown(desk, answered))
    desk.clock.advance(15 * DAY)
    assert tick(desk) == 1


def test_the_same_promise_for_the_same_day_is_entered_once(desk, happen, promised):
    happen(gave("contact", "promise", f"{desk.case(promised).number} 12月1日 修好路灯"))
    assert len(desk.all(PromiseRow)) == 1
    happen(gave("contact", "promise", f"{desk.case(promised).number} 01-05 公布结果"))
    assert [row.due_at.year for row in desk.all(PromiseRow)] == [2026, 2027]


@pytest.mark.parametrize(
    ("rest", "why"),
    [
        ("2026-11-16 修好路灯", "今天之后"),
        ("2030-01-01 修好路灯", "三年之内"),
        ("2026-02-30 修好路灯", "不是日期"),
        ("尽快 修好路灯", "不是日期"),
        ("2026-12-01", "写清楚做什么"),
        ("2026-12-01 " + "修" * 201, "201 字"),
        ("兑现 7", "没有第 7 项"),
        ("兑现 x", "没有第 0 项"),
    ],
)
def test_what_cannot_be_entered_says_why(desk, happen, rest, why):
    case_id = desk.at(State.HANDLING)
    happen(gave("contact", "promise", f"{desk.case(case_id).number} {rest}"))
    assert why in said(desk, "contact")
    assert desk.all(PromiseRow) == []


def test_another_unit_neither_sees_nor_makes_promises_here(desk, happen, promised):
    for rest in ("", " 2026-12-02 别的", " 兑现 1"):
        happen(gave("other_contact", "promise", desk.case(promised).number + rest))
        assert "请写事项编号" in said(desk, "other_contact")
    [row] = desk.all(PromiseRow)
    assert row.kept_at is None


def test_before_a_unit_signed_there_is_nothing_to_promise(desk, happen):
    case_id = desk.at(State.JUDGING)
    happen(gave("duty", "promise", f"{desk.case(case_id).number} 2026-12-01 修好路灯"))
    assert "签收办理后" in said(desk, "duty")


def test_personal_data_is_masked_and_a_secrecy_mark_stops_it(desk, happen, promised):
    number = desk.case(promised).number
    happen(gave("contact", "promise", f"{number} 2026-12-02 回电 13812345678 告知结果"))
    assert "13812345678" not in desk.all(PromiseRow)[-1].text
    happen(gave("contact", "promise", "机密\n" + number))
    assert "密级标识" in said(desk, "contact")


def test_the_file_of_the_matter_lists_promises(desk, happen, promised):
    desk.clock.advance(HOUR)
    scope = Scope(full=True, secrecy=True)
    file = desk.run(lambda s: dossier(s, promised, scope))
    assert [one.text for one in file.promises] == ["修好路灯"]
