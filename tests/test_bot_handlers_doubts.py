"""疑似同一事项 at the counter: the line on the card of the other matter, 并入, 另立, the list; each refusal with its cure."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from builders import MINUTE, Desk
from sqlalchemy import delete

from bot import doubts as cards
from bot.buttons import DOUBT, Wish, token_of
from bot.chat import ActionPressed, CommandGiven, Event, MessageRef
from bot.chat import Sender as From
from bot.compose import Composer
from bot.handlers.desk import Desk as Counter
from bot.handlers.desk import Occasion, Reaction
from bot.handlers.doubts import SETTLED_AFTER
from bot.handlers.react import react
from bot.lists import digest_card
from bot.render import duty_card
from bot.telegram.markup import rendered
from bot.words import words
from routing import holding, outbox
from routing.clock import week_of
from routing.digest import week_numbers
from routing.doubt import Doubtful
from routing.office import Level
from routing.outbox import SETTLES
from routing.store.tables import CaseRow, LedgerRow, MessageRefRow, OutboxRow, SuggestionRow, VerdictRow
from routing.views import CaseView, case_view, stamp
from routing.why import explain
from routing.workflow import Command, State

WATER = "东湖小区今天又停水了，物业不管"
UNSURE = "又停水了，物业根本不管事"
Happen = Callable[[Event], Reaction | None]


@pytest.fixture
def happen(desk: Desk) -> Happen:
    """Let one event happen at the desk, each under an update id of its own."""
    counter = Counter(desk.office, desk.ledger, "chat", {"bbs": "青禾论坛"})
    serial = count(1)
    return lambda event: desk.run(lambda s: react(Occasion(counter, s, desk.clock(), next(serial), event)))


def pressed(token: str, who: str = "duty", chat: str = "duty-group") -> ActionPressed:
    sender = From(who, who, f"private-{who}")
    return ActionPressed(sender, chat, chat == sender.private_chat, token, MessageRef(chat, "7"), "p")


def view(desk: Desk, case_id: int) -> CaseView:
    found = desk.run(lambda s: case_view(s, case_id))
    assert found is not None
    return found


def shown(desk: Desk, case_id: int) -> tuple[str, dict[str, str]]:
    """What stands on the duty card of a case: its text, and its buttons with what they carry."""
    card = duty_card(view(desk, case_id), desk.office, {})
    return rendered(card).text, {button.text: button.token for row in card.buttons for button in row}


def offered(reaction: Reaction | None) -> dict[str, str]:
    assert reaction is not None
    assert reaction.menu is not None
    return {button.text: button.token for row in reaction.menu.buttons for button in row}


def the(buttons: dict[str, str], beginning: str) -> str:
    """What the first button carries whose text begins so."""
    return next(token for text, token in buttons.items() if text.startswith(beginning))


@pytest.fixture
def pair(desk: Desk) -> tuple[int, int]:
    """A matter with its card, and a new one that waits there; both by texts that came through the door."""
    for place in ("东湖小区", "西山小区"):
        desk.open(f"{place}今天又停水了，物业不管")
    new = desk.open(UNSURE)
    suggestion = view(desk, new).suggestion
    assert suggestion is not None
    return suggestion.other.id, new


def waiting(desk: Desk, other: int, how_many: int) -> list[int]:
    """Let so many more matters wait beside one."""

    def work(session: Any) -> list[int]:
        made = []
        for serial in range(how_many):
            case = CaseRow(
                number=f"YQ-2026-7{serial:03d}",
                state=State.JUDGING,
                level=Level.IV,
                proposed_level=Level.IV,
                channel="petition",
                copies=[],
                title=f"{serial}号楼水压低，洗澡都难",
                opened_at=desk.clock(),
            )
            session.add(case)
            session.flush()
            row = SuggestionRow(case_id=case.id, other_id=other, why="停水", certainty=0.5, at=desk.clock())
            session.add(row)
            session.flush()
            new = Doubtful(small=True, certainty=0.5)
            assert holding.opened(session, desk.office, desk.ledger, case, desk.clock(), new)
            made.append(case.id)
        return made

    return desk.run(work)


def cards_sent(desk: Desk, case_id: int) -> int:
    return len(desk.all(OutboxRow, OutboxRow.case_id == case_id, OutboxRow.kind == "card"))


def test_the_card_of_the_other_asks_in_one_line_with_two_buttons(desk, pair):
    other, new = pair
    text, buttons = shown(desk, other)
    number = desk.case(new).number
    url = view(desk, new).first_url
    until = (desk.clock() + desk.office.mute.doubt_minutes * MINUTE).astimezone(desk.office.zone)
    due = f"{until:%H:%M}"
    assert f'疑似同一事项 1 条（不选则 {due} 单独发卡）：<a href="{url}">{number}《{UNSURE}》</a>' in text
    name = f"{number}《又停水了，物业根本…》"  # as above them, so far as a phone shows it
    assert {f"并入 {name}", f"另立 {name}"} <= buttons.keys()


def test_joined_it_goes_into_the_other_and_is_a_verdict(desk, happen, pair):
    other, new = pair
    number = desk.case(new).number
    token = the(shown(desk, other)[1], f"并入 {number}")
    done = happen(pressed(token))
    assert f"已把 {number} 并入 {desk.case(other).number}" in done.toast
    assert desk.case(new).merged_into == other
    [verdict] = desk.all(VerdictRow)
    assert (verdict.kind, verdict.proposed) == ("merge", desk.case(other).number)
    assert cards_sent(desk, new) == 0
    assert "疑似同一事项" not in shown(desk, other)[0]
    again = happen(pressed(token))
    assert (again.alert, again.toast) == (True, cards.GONE)
    assert len(desk.all(VerdictRow)) == 1


def test_said_to_be_apart_its_card_comes_and_it_is_suggested_no_more(desk, happen, pair):
    other, new = pair
    number = desk.case(new).number
    token = the(shown(desk, other)[1], f"另立 {number}")
    assert happen(pressed(token)).toast == f"{number} 另立，卡片已发出。"
    assert cards_sent(desk, new) == 1
    [verdict] = desk.all(VerdictRow)
    told = (verdict.kind, verdict.proposed, verdict.corrected, verdict.rules_version)
    assert told == ("apart", desk.case(other).number, number, desk.rules.version)
    assert not any("并入" in label for label in shown(desk, new)[1])
    assert happen(pressed(token)).toast == cards.GONE
    assert cards_sent(desk, new) == 1


def test_the_digest_counts_what_waited_and_what_nobody_decided(desk, happen, pair):
    other, new = pair
    waiting(desk, other, 2)
    token = token_of(Wish(DOUBT, new, desk.case(new).version, arg=f"{cards.APART}{other}"))
    happen(pressed(token))
    desk.clock.advance(desk.office.mute.doubt_minutes * MINUTE)
    desk.run(lambda s: holding.tick(s, desk.office, desk.ledger, desk.clock()))
    counted = desk.run(
        lambda s: week_numbers(s, desk.office, week_of(desk.clock(), desk.office.zone), desk.clock())
    )
    assert (counted.doubted, counted.undecided, counted.beside) == (3, 2, 0)
    told = rendered(digest_card(counted, desk.office)).text
    assert "未单独提醒：疑似同一事项 3 件，其中到时无人判断 2 件" in told


def test_a_press_adopts_no_card_for_the_matter_that_waits(desk, happen, pair):
    other, new = pair
    happen(pressed(the(shown(desk, other)[1], f"另立 {desk.case(new).number}")))
    assert [row.case_id for row in desk.all(MessageRefRow)] == []


@pytest.mark.parametrize(
    ("who", "chat"), [("contact", "duty-group"), ("duty", "group-petition"), ("duty", "")]
)
@pytest.mark.parametrize("what", [cards.JOIN, cards.APART])
def test_who_may_not_merge_may_not_say_either_nor_elsewhere(desk, happen, pair, who, chat, what):
    other, new = pair
    token = token_of(Wish(DOUBT, new, desk.case(new).version, arg=f"{what}{other}"))
    answer = happen(pressed(token, who, chat or f"private-{who}"))
    assert answer.alert
    assert desk.all(VerdictRow) == []
    assert cards_sent(desk, new) == 0
    assert desk.all(LedgerRow)[-1].action == "refused"


@pytest.mark.parametrize("what", [cards.JOIN, cards.APART])
def test_what_moved_since_it_was_shown_is_refused_and_the_card_brought_up_to_date(desk, happen, pair, what):
    other, new = pair
    token = token_of(Wish(DOUBT, new, desk.case(new).version, arg=f"{what}{other}"))
    desk.run(lambda s: setattr(s.get_one(CaseRow, new), "version", 9))
    desk.run(
        lambda s: outbox.remember_card(
            s, chat="duty-group", message="7", case_id=other, card="duty", draft_version=0, now=desk.clock()
        )
    )
    desk.run(lambda s: s.execute(delete(OutboxRow)))
    assert happen(pressed(token)).alert
    assert desk.all(VerdictRow) == []
    assert [row.case_id for row in desk.all(OutboxRow, OutboxRow.kind == "edit")] == [other]


def test_several_stand_behind_one_button_and_are_gone_through_one_by_one(desk, happen, pair):
    other, first = pair
    made = [first, *waiting(desk, other, 3)]
    text, buttons = shown(desk, other)
    assert "疑似同一事项 4 条（不选则 " in text
    assert f"《{UNSURE}》</a>等" in text or f"《{UNSURE}》等" in text
    opened = happen(pressed(buttons["疑似同一事项 4 条…"]))
    notes = [block.text for block in opened.menu.notes]
    assert sum(desk.case(one).number in note for one in made for note in notes) == cards.AT_ONCE
    assert len(opened.menu.buttons[0]) == 1  # a button a line
    second_page = happen(pressed(offered(opened)["下一页 ›"]))
    assert the(offered(second_page), f"并入 {desk.case(made[3]).number}")
    left = happen(pressed(the(offered(opened), "并入 ")))
    assert list(offered(left)) == ["还有疑似同一事项 3 条…", "↩ 返回"]  # a second tap there decides nothing
    again = happen(pressed(offered(left)["还有疑似同一事项 3 条…"]))
    left = happen(pressed(the(offered(again), "另立 ")))
    assert (desk.case(made[0]).merged_into, cards_sent(desk, made[1])) == (other, 1)
    again = happen(pressed(offered(left)["还有疑似同一事项 2 条…"]))
    happen(pressed(the(offered(again), "另立 ")))
    number = desk.case(made[3]).number
    assert the(shown(desk, other)[1], f"并入 {number}")  # one is left: the card asks by itself again


def test_after_an_answer_from_the_list_the_card_has_its_own_buttons_again_by_itself(desk, happen, pair):
    other, _ = pair
    waiting(desk, other, 3)
    desk.run(
        lambda s: outbox.remember_card(
            s, chat="duty-group", message="7", case_id=other, card="duty", draft_version=0, now=desk.clock()
        )
    )
    composer = Composer(desk.office, {})

    def answered() -> list[str]:
        """Answer from the list, and give what stands on the card at once."""
        opened = happen(pressed(shown(desk, other)[1][f"疑似同一事项 {len(view(desk, other).doubted)} 条…"]))
        desk.run(lambda s: s.execute(delete(OutboxRow)))
        left = happen(pressed(the(offered(opened), "另立 ")))
        card = desk.run(lambda s: composer.open_menu(s, left.menu, desk.clock()))
        return [button.text for row in card.buttons for button in row]

    def updated() -> list[str]:
        """Give what the updates that are due make of the card, the last one."""
        rows = desk.run(lambda s: [row for row in outbox.due(s, desk.clock()) if row.kind == "edit"])
        cards = [desk.run(lambda s, r=row: composer.compose(s, r, desk.clock())).card for row in rows]
        desk.run(lambda s: s.execute(delete(OutboxRow).where(OutboxRow.id.in_([row.id for row in rows]))))
        return [button.text for row in cards[-1].buttons for button in row]

    harmless = answered()
    assert harmless == ["还有疑似同一事项 3 条…", "↩ 返回"]
    assert updated() == harmless  # what comes in the next moment moves nothing either
    desk.clock.advance(SETTLED_AFTER)
    assert updated() == list(shown(desk, other)[1])

    answered()
    opened = happen(pressed(shown(desk, other)[1]["疑似同一事项 2 条…"]))  # somebody goes on at once
    desk.run(lambda s: composer.open_menu(s, opened.menu, desk.clock()))
    desk.clock.advance(SETTLED_AFTER)
    assert updated() == list(offered(opened))


def test_each_answer_from_the_list_has_its_own_moment_before_the_buttons_come_back(desk, happen, pair):
    other, _ = pair
    waiting(desk, other, 3)
    desk.run(
        lambda s: outbox.remember_card(
            s, chat="duty-group", message="7", case_id=other, card="duty", draft_version=0, now=desk.clock()
        )
    )
    composer = Composer(desk.office, {})

    def answer() -> None:
        opened = happen(pressed(shown(desk, other)[1][f"疑似同一事项 {len(view(desk, other).doubted)} 条…"]))
        desk.run(lambda s: s.execute(delete(OutboxRow).where(OutboxRow.dedupe_key.not_like("settle:%"))))
        left = happen(pressed(the(offered(opened), "另立 ")))
        desk.run(lambda s: composer.open_menu(s, left.menu, desk.clock()))

    def settled() -> list[str]:
        """Give what stands on the card once the one update that is due was made."""
        (row,) = (row for row in desk.run(lambda s: outbox.due(s, desk.clock())) if SETTLES in row.payload)
        card = desk.run(lambda s: composer.compose(s, row, desk.clock())).card
        desk.run(lambda s: s.execute(delete(OutboxRow).where(OutboxRow.id == row.id)))
        return [button.text for line in card.buttons for button in line]

    answer()
    desk.clock.advance(SETTLED_AFTER * 2 / 3)
    answer()
    desk.clock.advance(SETTLED_AFTER / 3)
    assert settled() == ["还有疑似同一事项 2 条…", "↩ 返回"]  # the moment of the second is not over
    desk.clock.advance(SETTLED_AFTER * 2 / 3)
    assert settled() == list(shown(desk, other)[1])


def test_the_way_back_leads_to_the_card(desk, happen, pair):
    other, _ = pair
    waiting(desk, other, 1)
    opened = happen(pressed(shown(desk, other)[1]["疑似同一事项 2 条…"]))
    assert offered(happen(pressed(offered(opened)["↩ 返回"]))) == shown(desk, other)[1]


def test_the_list_opens_for_nobody_who_could_not_decide(desk, happen, pair):
    other, _ = pair
    waiting(desk, other, 1)
    token = shown(desk, other)[1]["疑似同一事项 2 条…"]
    for who, chat in (("contact", "duty-group"), ("duty", "private-duty")):
        answer = happen(pressed(token, who, chat))
        assert (answer.alert, answer.menu) == (True, None)


@pytest.mark.parametrize("arg", ["", "x", "j", "a", "j0", "a-1", "jx", "a" + "9" * 30, "l", "l9", "lx", "b9"])
def test_a_token_that_was_never_written_decides_nothing(desk, happen, pair, arg):
    other, new = pair
    for case_id in (other, new, 987_654):
        happen(pressed(token_of(Wish(DOUBT, case_id, 1, arg=arg))))
    assert desk.all(VerdictRow) == []
    assert cards_sent(desk, new) == 0
    assert desk.case(new).state is State.JUDGING


def test_it_is_asked_also_while_a_unit_has_the_matter(desk, happen, pair):
    other, new = pair
    desk.act(other, Command.DISPATCH)
    number = desk.case(new).number
    happen(pressed(the(shown(desk, other)[1], f"并入 {number}")))
    assert desk.case(new).merged_into == other


def test_a_matter_that_waits_is_listed_with_its_reason_and_its_card_can_be_fetched(desk, happen, pair):
    other, new = pair
    number = desk.case(other).number
    sender = From("duty", "duty", "private-duty")
    for name, rest in (("open", ""), ("case", desk.case(new).number)):
        happen(CommandGiven(sender, "duty-group", False, name, rest, MessageRef("duty-group", "1")))
    for template in ("open_list", "case"):
        told = f"疑似与 {number} 是同一事项，列在它的卡片上；11-17 10:30 前无人判断即发卡"
        assert told in page(desk, template)


def page(desk: Desk, template: str) -> str:
    """Give the newest page of a kind as it is sent."""

    def work(session: Any) -> str:
        now = desk.clock()
        [message] = [m for m in outbox.due(session, now) if m.payload.get("template") == template][-1:]
        outgoing = Composer(desk.office, {}).compose(session, message, now)
        assert outgoing is not None
        return rendered(outgoing.card).text

    return desk.run(work)


def test_why_tells_that_it_waited_beside_which_one_and_why_no_longer(desk, pair):
    other, new = pair
    desk.clock.advance(30 * MINUTE)
    desk.run(lambda s: holding.tick(s, desk.office, desk.ledger, desk.clock()))
    number = desk.case(new).number
    steps = [step.detail for step in desk.run(lambda s: explain(s, number, words(None)))]
    first, last = [detail for detail in steps if "发卡" in detail]
    assert first.startswith("系统 暂不发卡：")
    assert f"疑似与 {desk.case(other).number} 是同一事项，把握 0." in first
    assert last == "系统 恢复发卡：原因 到时无人判断"


def test_a_card_that_was_on_its_way_while_one_began_to_wait_is_brought_up_to_date(desk, pair):
    other, _ = pair
    shown = [desk.run(lambda s: Composer(desk.office, {}).case_card(s, _card(desk, other), desk.clock()))]
    assert shown[0].stamp == desk.run(lambda s: stamp(s, other))
    waiting(desk, other, 1)
    shown.append(desk.run(lambda s: Composer(desk.office, {}).case_card(s, _card(desk, other), desk.clock())))
    assert shown[0].stamp != shown[1].stamp == desk.run(lambda s: stamp(s, other))


def _card(desk: Desk, case_id: int) -> outbox.Message:
    [row] = desk.all(OutboxRow, OutboxRow.case_id == case_id, OutboxRow.kind == "card")
    return outbox._message(row)
