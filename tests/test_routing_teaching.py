"""Which decisions of people teach the models of the judgement, and which say nothing."""

import pytest
from builders import RULES_TOML, START, Desk, item, make_rules

from routing.starter.opinions import ANSWER, LEAD, NO, PUBLIC, SUBJECT, YES
from routing.store.tables import CaseRow, ItemRow
from routing.teaching import Said, said_of_matters
from routing.workflow import Command, State

EAST = "东湖小区今天又停水了，物业不管"
TITLE = "停水三天"


def said(desk: Desk) -> dict[str, list[Said]]:
    return dict(desk.run(said_of_matters))


def labels(desk: Desk) -> dict[str, list[str]]:
    return {name: [one.label for one in found] for name, found in said(desk).items()}


def test_a_matter_that_its_channel_signed_for_confirms_channel_and_concern(desk):
    case_id = desk.open(EAST, title=TITLE)
    assert said(desk) == {PUBLIC: [], LEAD: [], SUBJECT: [], ANSWER: []}
    desk.act(case_id, Command.DISPATCH)
    assert said(desk) == {PUBLIC: [], LEAD: [], SUBJECT: [], ANSWER: []}, (
        "who has not signed may still send it back"
    )
    desk.act(case_id, Command.SIGN)
    [text] = desk.all(ItemRow)
    number, read = text.id, f"{TITLE}\n{EAST}"
    assert said(desk) == {
        PUBLIC: [Said(number, read, YES, "feed")],
        LEAD: [Said(number, read, "petition", "feed")],
        SUBJECT: [],
        ANSWER: [Said(number, read, NO, "feed")],
    }


def test_of_two_channels_the_one_that_has_it_in_the_end_is_learnt(desk):
    case_id = desk.at(State.HANDLING)
    desk.act(case_id, Command.DISPATCH, channel="network")
    assert labels(desk)[LEAD] == []
    desk.act(case_id, Command.SIGN, "other_contact")
    assert labels(desk)[LEAD] == ["network"]


def test_what_came_back_teaches_no_channel(desk):
    case_id = desk.at(State.RETURNED)
    assert labels(desk) == {PUBLIC: [], LEAD: [], SUBJECT: [], ANSWER: []}
    desk.act(case_id, Command.DISMISS, reason="不涉及政府工作")
    assert labels(desk)[PUBLIC] == [NO]


@pytest.mark.parametrize(
    "reason", ["与本县无关", "不是我们县的事", "外地的", "在邻县", "说的是别的市", "不归我们管辖"]
)
def test_a_dismissal_for_its_place_says_nothing_of_its_concern(desk, reason):
    desk.act(desk.open(), Command.DISMISS, reason=reason)
    assert labels(desk) == {PUBLIC: [], LEAD: [], SUBJECT: [], ANSWER: []}


def test_a_dismissal_says_no_until_the_matter_is_taken_up_again(desk):
    case_id = desk.open()
    desk.act(case_id, Command.DISMISS, reason="广告或垃圾信息")
    assert labels(desk)[PUBLIC] == [NO]
    desk.act(case_id, Command.REOPEN)
    assert labels(desk)[PUBLIC] == []


def signed(desk: Desk, case_id: int) -> list[str]:
    desk.act(case_id, Command.DISPATCH)
    desk.act(case_id, Command.SIGN)
    return labels(desk)[ANSWER]


@pytest.mark.parametrize(
    ("given", "says"),
    [('must_answer = "涉险情安全"', YES), ("must_answer = false", NO), ("level = 3", None)],
    ids=["a rule", "nobody", "the level alone"],
)
def test_a_signature_confirms_the_duty_to_answer_that_stood_on_the_card(desk, given, says):
    desk.rules = make_rules(RULES_TOML.replace("level = 2", given))
    assert signed(desk, desk.open("东湖小区旁边塌方了")) == ([says] if says else [])


@pytest.mark.parametrize(("said", "label"), [(Command.OBLIGE, YES), (Command.EXCUSE, NO)])
def test_what_a_person_says_of_the_duty_to_answer_counts(desk, said, label):
    case_id = desk.open()
    desk.act(case_id, said, reason="旧闻")
    assert signed(desk, case_id) == [label]


def test_an_area_is_learnt_as_a_person_last_called_it(desk):
    case_id = desk.open()
    for area in ("交通运输", "水电气暖"):
        desk.act(case_id, Command.CLASSIFY, subject=area)
    assert said(desk)[SUBJECT] == [Said(desk.all(ItemRow)[0].id, EAST, "水电气暖")]


def test_only_the_text_that_opened_a_matter_speaks_for_it_and_the_press_stands_in_a_feed(desk):
    case_id = desk.open(EAST)
    desk.accept(item("东湖小区停水，老人提水爬楼摔了一跤", published_at=START))
    assert len(desk.all(CaseRow)) == 1
    desk.run(lambda s: setattr(s.get(ItemRow, desk.all(ItemRow)[0].id), "stood", "province"))
    desk.act(case_id, Command.DISPATCH)
    desk.act(case_id, Command.SIGN)
    assert [(one.text, one.where) for one in said(desk)[PUBLIC]] == [(EAST, "feed")]
