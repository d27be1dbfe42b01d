"""A replay and the lessons of a week in words: names instead of codes, nothing where nothing is known."""

from dataclasses import replace

import pytest
from builders import START, Desk, make_office

from bot.compose import Composer
from bot.lists import digest_card
from bot.replayed import NO_DATA, lessons_lines, message, summary
from routing.clock import week_of
from routing.digest import week_numbers
from routing.history import learn
from routing.lessons import Correction, Lessons, Share, Suggestion
from routing.office import Level
from routing.outbox import Message, MessageKind, Priority
from routing.replay import Agreement, Alerts, Change, Example, Report

OFFICE = make_office()
NOTHING = Lessons(None, None, (), ())
REPORT = Report(
    items=1200,
    stock=0,
    days=7.0,
    untagged=0,
    versions=(("abc", 1200),),
    relevant_then=40,
    relevant_now=44,
    changes={Change.NEW: 6, Change.GONE: 2, Change.CHANNEL: 3, Change.LEVEL: 1},
    proposed=30,
    moves=((Change.CHANNEL, "network", "petition", 3), (Change.LEVEL, "4", "2", 1)),
    alerts_then=Alerts(21, 5),
    alerts_now=Alerts(28, 6),
    hits=(),
    agreement=(Agreement("relevant", 20, 15, 18), Agreement("channel", 0, 0, 0), Agreement("level", 9, 9, 8)),
    examples=(
        Example(Change.NEW, "很" * 60, ("none", None), ("petition", Level.III), "规则「停水」：停水"),
        Example(Change.GONE, "旧事", ("", Level.IV), ("none", None), ""),
        Example(Change.GONE, "第二件旧事", ("gone", Level.IV), ("none", None), ""),
    ),
)


def test_the_figures_of_a_replay_are_told_with_names():
    assert list(summary(REPORT, OFFICE)) == [
        "1200 条信息，7.0 天",
        "相关：当时 40，现在 44（新算相关 6，不再相关 2）",
        "当时提过建议、现在仍相关的 30 条：换了渠道 3，换了等级 1",
        "改得最多的：网络舆情 → 社情民意 3；Ⅳ级 → Ⅱ级 1",
        "每天提醒：当时 3.0 件（最多一天 5），现在 4.0 件（最多一天 6）",
        "与人工研判一致：是否相关 当时 15/20，现在 18/20；等级 当时 9/9，现在 8/9",
    ]


def test_what_was_left_out_is_told():
    lines = "\n".join(summary(replace(REPORT, stock=7, untagged=3, moves=()), OFFICE))
    assert "存量 7 条不参与对比" in lines
    assert "3 条的来源已不在 sources.toml" in lines
    assert "改得最多" not in lines


def test_where_nobody_has_judged_there_is_no_agreement():
    assert list(summary(replace(REPORT, agreement=()), OFFICE))[-1] == f"与人工研判一致：{NO_DATA}"


def test_one_message_shows_one_example_of_each_change():
    text = message(REPORT, NOTHING, OFFICE)
    assert f"新算相关，如 “{'很' * 39}…”：不成事项 → 社情民意 Ⅲ级" in text
    assert "不再相关，如 “旧事”：随事项归并 Ⅳ级 → 不成事项" in text
    assert "第二件旧事" not in text
    assert "换了渠道，如" not in text


def test_lessons_without_data_say_so():
    assert [text for _, text in lessons_lines(NOTHING, OFFICE)] == [
        f"提醒准确 {NO_DATA}；没有事后补上的事项",
        NO_DATA,
    ]


@pytest.mark.parametrize(
    ("correction", "told"),
    [
        (Correction("channel", "network", "petition", 3), "渠道 网络舆情 → 社情民意 3"),
        (Correction("channel", "old", "petition", 1), "渠道 old → 社情民意 1"),
        (Correction("level", "4", "2", 2), "等级 Ⅳ级 → Ⅱ级 2"),
        (Correction("sentiment", "negative", "not_negative", 1), "情绪 消极 → 不消极 1"),
        (Correction("relevant", "case", "与本县无关", 4), "不相关（与本县无关） 4"),
        (Correction("relevant", "case", "某人打来电话", 1), "不相关（其他理由） 1"),
        (Correction("split", "YQ-1", "YQ-2", 1), "拆分 1"),
        (Correction("apart", "YQ-1", "YQ-2", 3), "另立 3"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-",
)
def test_corrections_are_told_by_name_and_free_words_are_not(correction, told):
    assert dict(lessons_lines(replace(NOTHING, corrections=(correction,)), OFFICE))["人工更正最多"] == told


def test_splits_and_merges_are_added_up_whatever_their_numbers():
    said = (Correction("split", "YQ-1", "YQ-2", 1), Correction("split", "YQ-3", "YQ-4", 1))
    assert dict(lessons_lines(replace(NOTHING, corrections=said), OFFICE))["人工更正最多"] == "拆分 2"


def test_shares_and_suggestions_are_told():
    found = Lessons(Share(3, 4), Share(9, 10), (), (Suggestion("甩站", 3, 1, "petition"),), read=500)
    lines = list(lessons_lines(found, OFFICE))
    assert lines[0] == ("研判质量", "提醒准确 3/4（75%）；及时立项 9/10（90%），另 1 件是事后补上的")
    label, text = lines[-1]
    assert label == "规则建议"
    assert text == (
        "加词“甩站”，渠道 社情民意：能找到 3 条漏掉或改派的，在 500 条不成事项的信息里只多出 1 条（不会自动生效）"
    )


def test_the_digest_that_is_sent_says_what_was_learnt(desk: Desk):
    desk.open()
    span = week_of(START, desk.office.zone)
    payload = {"span": span.name, "start": span.start.isoformat(), "end": span.end.isoformat()}
    now = desk.clock()
    row = Message(1, "duty-group", MessageKind.DIGEST, Priority.DIGEST, None, payload, 0, False, now)
    sent = desk.run(lambda s: Composer(desk.office, {}).compose(s, row, desk.clock()))
    assert sent is not None
    assert [block.label for block in sent.card.blocks][-2:] == ["研判质量", "人工更正最多"]
    bare = desk.run(
        lambda s: digest_card(week_numbers(s, desk.office, span, desk.clock()), desk.office, learn(s, span))
    )
    assert bare == sent.card
