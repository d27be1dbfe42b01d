"""What a week of corrections teaches: shares, corrections, and words that no rule has."""

from datetime import timedelta

import pytest
from builders import HOUR, START, Desk, item
from sqlalchemy import update

from routing import history
from routing.clock import Span
from routing.judging import Judge
from routing.lessons import Missed, Share, lessons_of, suggest
from routing.normal import normal
from routing.store.tables import CaseItemRow, ItemRow
from routing.workflow import Command

WEEK = Span("week", START - 24 * HOUR, START + 24 * HOUR)
BUS = (
    Missed("", "青禾县的夜班公交又甩站了，站牌前白等半小时", "petition"),
    Missed("", "司机看见人也不停，甩站成了家常便饭", "petition"),
    Missed("公交甩站", "盼着管管", "petition"),
)


def words(missed, others=(), known=()):
    return [(one.word, one.caught, one.others, one.channel) for one in suggest(missed, others, known)]


# --- suggestions ------------------------------------------------------------------------------------------------


def test_a_word_of_three_missed_texts_is_suggested_with_what_else_it_hits():
    others = [normal("这趟车从不甩站"), normal("今天天气真好")]
    assert words(BUS, others) == [("甩站", 3, 1, "petition")]


def test_a_word_that_hits_more_others_than_it_catches_is_none():
    assert words(BUS, [normal(f"第{n}趟车从不甩站") for n in range(3)]) == [("甩站", 3, 3, "petition")]
    assert words(BUS, [normal(f"第{n}趟车从不甩站") for n in range(4)]) == []


def test_two_texts_are_too_few_and_the_same_text_counts_once():
    assert words(BUS[:2]) == []
    assert words([*BUS[:2], BUS[0], BUS[1]]) == []


def test_a_word_is_taken_whole():
    texts = [
        Missed("", f"{before}夜班公交{after}") for before, after in (("盼", "站"), ("等", "车"), ("坐", "少"))
    ]
    assert [word for word, *_ in words(texts)] == ["夜班公交"]


def test_a_longer_word_gives_way_to_one_that_catches_more():
    texts = [
        Missed("", said)
        for said in ("盼井盖丢失修", "等井盖丢失补", "坐井盖丢失看", "说井盖破损", "见井盖翻转")
    ]
    found = words(texts)
    assert found[0][:2] == ("井盖", 5)
    assert all(word != "井盖丢失" for word, *_ in found)


@pytest.mark.parametrize(
    "word",
    ["甩站的", "在甩站", "希望", "有关部门", "东湖"],
    ids=["ends", "begins", "polite", "offices", "place"],
)
def test_empty_words_and_places_are_not_suggested(word):
    texts = [
        Missed("", f"{before}{word}{after}") for before, after in (("赵", "钱"), ("孙", "李"), ("周", "吴"))
    ]
    assert word not in [found for found, *_ in words(texts, known=["东湖小区"])]


def test_places_that_were_found_in_the_texts_are_not_suggested():
    texts = [Missed("", f"{mark}东湖{mark}", places=("东湖小区",)) for mark in "赵孙周"]
    assert words(texts) == []


def test_a_channel_is_named_where_most_were_sent_there():
    mixed = [Missed(one.title, one.text, channel) for one, channel in zip(BUS, ("a", "b", "c"), strict=True)]
    assert words(mixed)[0][3] is None


# --- shares -----------------------------------------------------------------------------------------------------


def sums(**more):
    values = {
        "matters": 10,
        "judged": 8,
        "dismissed": 2,
        "found_late": 0,
        "corrections": [],
        "missed": [],
        "others": [],
    }
    return lessons_of(**(values | more))


def test_precision_is_of_what_people_judged():
    assert sums().precision == Share(6, 8)
    assert sums(judged=0, dismissed=0).precision is None


def test_recall_is_known_only_where_something_was_found_late():
    assert sums().recall is None
    assert sums(found_late=2).recall == Share(6, 8)


def test_the_most_frequent_correction_comes_first():
    said = [("level", "4", "3"), ("channel", "a", "b"), ("channel", "a", "b")]
    assert [tuple(one) for one in sums(corrections=said).corrections] == [
        ("channel", "a", "b", 2),
        ("level", "4", "3", 1),
    ]


# --- from the store ---------------------------------------------------------------------------------------------

WATER = "东湖小区今天又停水了，物业不管"
WATER_TOO = "西山小区没水三天了，一直没人来修"


@pytest.fixture
def watched(desk: Desk) -> Desk:
    desk.rules = Judge(desk.rules)  # type: ignore[assignment]
    desk.know()
    return desk


def learnt(desk: Desk, span: Span = WEEK):
    return desk.run(lambda s: history.learn(s, span))


def test_an_empty_desk_teaches_nothing(watched):
    found = learnt(watched)
    assert (found.precision, found.recall, found.corrections, found.suggestions) == (None, None, (), ())


def test_dismissals_count_against_precision_and_what_waits_does_not_count(watched):
    watched.act(watched.open(WATER), Command.DISPATCH, channel="network")
    watched.act(watched.open(WATER_TOO), Command.DISMISS, reason="与本县无关")
    watched.open("东湖小区门口发生塌方，有人被埋")
    found = learnt(watched)
    assert found.precision == Share(1, 2)
    assert {tuple(one)[1:3] for one in found.corrections} >= {("petition", "network")}
    assert learnt(watched, Span("before", START - 96 * HOUR, START - 48 * HOUR)).precision is None


def test_a_matter_whose_first_text_was_none_at_first_was_found_late(watched):
    watched.accept(item("东湖小区今天很热闹", external_id="edited"))
    watched.open(WATER_TOO)
    watched.clock.advance(HOUR)
    watched.accept(item(WATER, external_id="edited"))
    assert learnt(watched).recall == Share(1, 2)


def test_a_text_that_joined_late_is_no_matter_found_late(watched):
    watched.open(WATER)
    watched.accept(item("今天天气真好", external_id="talk"))

    def join(session):
        [talk] = [row for row in session.query(ItemRow) if row.external_id == "talk"]
        case_id = session.query(CaseItemRow).first().case_id
        later = START + 2 * HOUR
        session.add(CaseItemRow(item_id=talk.id, case_id=case_id, why="", certainty=1.0, at=later))

    watched.run(join)
    assert learnt(watched).recall is None


SENT_ELSEWHERE = (
    "东湖小区今天又停水了，夜班公交还甩站，没人管",
    "西山小区没水三天了，司机甩站成了家常便饭",
    "老路塌方，有人被埋，末班车照样甩站",
)


def send_elsewhere(desk: Desk) -> None:
    for text in SENT_ELSEWHERE:
        desk.act(desk.open(text), Command.DISPATCH, channel="network")
    desk.accept(item("这趟车从不甩站"))


def forget_the_rules(desk: Desk) -> None:
    """As if no rule had had a word for any text: a model took them."""
    reasons = [{"rule": "model", "name": "文字模型", "words": [], "note": "像需要研判的事（90%）"}]
    desk.run(lambda s: s.execute(update(ItemRow).values(reasons=reasons)))


def test_words_are_suggested_from_texts_that_people_sent_elsewhere(watched):
    send_elsewhere(watched)
    forget_the_rules(watched)
    found = learnt(watched)
    [suggested] = found.suggestions
    assert (suggested.word, suggested.caught, suggested.others) == ("甩站", 3, 1)
    assert suggested.channel == "network"
    assert found.read == 1


def test_what_a_rule_had_a_word_for_needs_no_new_word(watched):
    send_elsewhere(watched)
    assert learnt(watched).suggestions == ()


@pytest.mark.parametrize(("days", "is_there"), [(20, True), (40, False)])
def test_suggestions_look_back_four_weeks(watched, days, is_there):
    send_elsewhere(watched)
    forget_the_rules(watched)
    later = START + timedelta(days=days)
    assert bool(learnt(watched, Span("later", later - 24 * HOUR, later)).suggestions) is is_there
