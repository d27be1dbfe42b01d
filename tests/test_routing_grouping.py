"""Which case a new item joins, and above all which it must not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.grouping import By, Trace, Window, find_match
from routing.normal import fingerprint, normal, numbers
from routing.places import Place
from routing.telling import Land

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
NOTICE = "因{road}供水主管突发爆裂，正在组织抢修，3月{day}日5时起，{area}用户停水，预计当日20时恢复。给您带来的不便敬请谅解。"


def trace(
    item_id: int,
    text: str,
    *,
    title: str = "",
    case: int | None = None,
    places: tuple[str, ...] = (),
    topic: str | None = None,
    hours: float = 0,
    source: str = "forum",
    external_id: str = "",
    parent: str | None = None,
) -> Trace:
    return Trace(
        item_id=item_id,
        case_id=case,
        source_id=source,
        external_id=external_id or f"x{item_id}",
        parent_id=parent,
        fingerprint=fingerprint(title, text),
        normal_title=normal(title),
        normal_text=normal(text),
        places=frozenset(places),
        numbers=numbers(f"{title}。{text}"),
        topic=topic,
        at=NOW + timedelta(hours=hours),
    )


def water(item_id: int, area: str, road: str = "胜利路", day: int = 2, **more: object) -> Trace:
    made = trace(item_id, NOTICE.format(area=area, road=road, day=day), title="紧急停水通知", topic="供水")
    return replace(made, **more)  # type: ignore[arg-type]


LAND = Land.of(
    [
        Place("东湖小区", town="城关镇"),
        Place("西湖小区", town="城关镇"),
        Place("人民路", town="城关镇"),
        Place("石桥村", town="石桥镇"),
        Place("城关中学", town="城关镇"),
    ],
    county="松县",
    neighbours=["柏县"],
)


def held(*traces: Trace) -> Window:
    window = Window(LAND)
    for old in traces:
        window.add(old)
    return window


def joined(new: Trace, *recent: Trace) -> int | None:
    match = find_match(new, recent)
    return match.case_id if match else None


# --- what belongs together ------------------------------------------------------------------------------------


def test_a_comment_goes_where_its_parent_went() -> None:
    post = trace(1, "小区停水三天了没人管", case=7)
    match = find_match(trace(2, "支持楼主", parent="x1", source="forum-c"), [post])
    assert match is not None
    assert (match.case_id, match.item_id, match.certainty) == (7, 1, 1.0)
    assert match.why


def test_a_comment_prefers_the_parent_of_its_own_family_of_sources() -> None:
    other = trace(1, "别处的帖子", case=3, source="weibo", external_id="88")
    sibling = trace(2, "论坛的帖子", case=4, source="forum", external_id="88")
    own = trace(3, "自己源里的评论", case=5, source="forum-c", external_id="88")
    comment = trace(9, "同问", parent="88", source="forum-c")
    assert joined(comment, other, sibling, own) == 5
    assert joined(comment, other, sibling) == 4
    assert joined(comment, other) == 3


def test_a_comment_of_a_derived_source_goes_to_its_origin_and_nowhere_else() -> None:
    theirs = trace(1, "西城停水", case=3, external_id="88", source="forum2")
    ours = trace(2, "东城停水", case=4, external_id="88", source="forum")
    comment = trace(9, "同问", parent="88", source="forum~0a1b2c3d4e")
    assert joined(comment, theirs, ours) == 4
    assert joined(comment, theirs) is None


@pytest.mark.parametrize("parent_case", [None, "unknown"])
def test_a_comment_under_no_case_joins_none_though_its_words_stand_elsewhere(parent_case: str | None) -> None:
    said = "支持楼主，必须给个说法，太过分了"
    elsewhere = trace(1, said, case=7)
    parents = [trace(2, "闲聊", case=None, external_id="p")] if parent_case is None else []
    assert joined(trace(3, said, parent="p"), elsewhere, *parents) is None


def test_an_exact_repost_joins_however_old() -> None:
    first = trace(1, "胜利路路口的大坑三个月没人补！", case=7)
    assert (
        joined(trace(2, "", title="【胜利路路口的大坑】三个月没人补", source="weibo", hours=200), first) == 7
    )


@pytest.mark.parametrize(
    "copy",
    [
        "转：城关中学食堂的午饭里吃出虫子，家长找学校要说法",
        "城关中学食堂的午饭里吃出虫子，家长找学校要说法！！！（转）",
        "城关中学食堂午饭里吃出虫子 家长找学校要说法",
        "城关中学食堂的午饭里吃出虫子",
    ],
)
def test_an_edited_copy_joins(copy: str) -> None:
    first = trace(1, "城关中学食堂的午饭里吃出虫子，家长找学校要说法", case=7)
    assert joined(trace(2, copy, hours=5), first) == 7


def test_two_posts_on_one_business_at_one_place_join_while_the_matter_is_awake() -> None:
    first = trace(1, "东湖小区暖气一点不热，家里十二度", case=7, places=("东湖小区",), topic="供暖")
    second = trace(2, "东湖小区的暖气不热谁来管管", places=("东湖小区",), topic="供暖", hours=20)
    match = find_match(second, [first])
    assert match is not None
    assert match.case_id == 7
    assert "东湖小区" in match.why
    assert match.certainty < 1
    assert "供暖" in match.why
    assert joined(replace(second, at=NOW + timedelta(days=8)), first) is None


def test_the_oldest_case_wins_in_whatever_order_the_items_come() -> None:
    text = "胜利路路口的大坑三个月没人补，又摔了一个人"
    recent = [trace(item, text, case=case) for item, case in ((5, 9), (3, 4), (4, 4), (6, 8))]
    for order in (recent, recent[::-1]):
        match = find_match(trace(7, text), order)
        assert match is not None
        assert (match.case_id, match.item_id) == (4, 3)


# --- what must never meet -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            water(1, "东湖小区", places=frozenset({"东湖小区"})),
            water(2, "西湖小区", places=frozenset({"西湖小区"})),
            id="water cuts of two places",
        ),
        pytest.param(
            water(1, "东湖小区"), water(2, "西湖小区", road="建设路"), id="places that no gazetteer knows"
        ),
        pytest.param(
            water(1, "东湖小区", places=frozenset({"东湖小区", "水务公司"})),
            water(2, "西湖小区", places=frozenset({"西湖小区", "水务公司"})),
            id="two places of one water company",
        ),
        pytest.param(water(1, "全镇"), water(2, "全镇", day=5), id="the same cut on another day"),
        pytest.param(
            trace(1, "和顺花园二期今天又没有交房"),
            trace(2, "和顺花园三期今天又没有交房"),
            id="two phases of one estate",
        ),
        pytest.param(
            trace(1, "人民路口今早发生交通事故"),
            trace(2, "解放路口今早发生交通事故"),
            id="accidents on two roads",
        ),
        pytest.param(
            trace(1, "12路公交今天又停了一上午"), trace(2, "15路公交今天又停了一上午"), id="two bus lines"
        ),
        pytest.param(
            trace(1, "物业费涨到2.5元大家同意吗"), trace(2, "物业费涨到3.5元大家同意吗"), id="two sums"
        ),
        pytest.param(trace(1, "暖气不热"), trace(2, "暖气不热"), id="words that everybody says"),
        pytest.param(
            trace(1, "东湖小区停水了", places=("东湖小区",), topic="供水"),
            trace(2, "东湖小区暖气费退不退给个说法", places=("东湖小区",), topic="供暖"),
            id="two topics at one place",
        ),
        pytest.param(
            trace(1, "停水通知什么时候能提前发一下", topic="供水"),
            trace(2, "家里没水两天了老人小孩受不了", topic="供水"),
            id="one topic without a place",
        ),
        pytest.param(trace(1, "！！"), trace(2, "！！"), id="no letters at all"),
        pytest.param(
            trace(1, "城关中学食堂的午饭里吃出虫子"),
            trace(2, "城关中学食堂的午饭里又吃出虫子", hours=200),
            id="a near copy after eight days",
        ),
    ],
)
def test_two_matters_never_meet(one: Trace, other: Trace) -> None:
    assert joined(other, replace(one, case_id=7)) is None
    assert joined(one, replace(other, case_id=7)) is None


def test_a_text_without_a_place_is_no_bridge_between_two_places() -> None:
    said = "今天早上五点开始停水，一家老小脸都没洗，谁来管管"
    here = trace(1, "东湖小区一滴水没有", case=7, places=("东湖小区",))
    bridge = trace(2, said, case=7)
    assert joined(trace(3, said, places=("西湖小区",)), here, bridge) is None
    assert joined(trace(3, said, places=("东湖小区",)), here, bridge) == 7


def test_items_in_no_case_and_the_item_itself_draw_nobody() -> None:
    text = "胜利路路口的大坑三个月没人补"
    assert joined(trace(2, text), trace(1, text), trace(2, text, case=7)) is None


words = st.text(alphabet="东西湖小区停水了通知3月二期12日路 ，！\u200b", max_size=30) | st.text(max_size=30)
some_trace = st.builds(
    lambda item, case, title, text, places, topic, hours, parent: trace(
        item, text, title=title, case=case, places=tuple(places), topic=topic, hours=hours, parent=parent
    ),
    st.integers(1, 9),
    st.none() | st.integers(1, 3),
    words,
    words,
    st.sets(st.sampled_from(["东湖", "西湖"])),
    st.none() | st.sampled_from(["供水", "供暖"]),
    st.integers(-100, 100),
    st.none() | st.sampled_from(["x1", "x2", "x8"]),
)


@settings(deadline=None)  # the first example reads the starter set
@given(some_trace, st.lists(some_trace, max_size=6, unique_by=lambda old: old.item_id))
def test_any_texts_are_compared_without_a_fault_and_the_answer_is_a_known_case(
    new: Trace, recent: list[Trace]
) -> None:
    match = find_match(new, recent)
    assert match == find_match(new, recent[::-1])
    if match is not None:
        assert 0 < match.certainty <= 1
        assert match.why
        assert any((old.case_id, old.item_id) == (match.case_id, match.item_id) for old in recent)


# --- whole matters --------------------------------------------------------------------------------------------

HEATING = trace(1, "东湖小区暖气冰凉，家里十二度，老人裹着被子", case=7, places=("东湖小区",))


def test_a_window_answers_as_the_plain_call_does() -> None:
    second = trace(2, "东湖小区的暖气还是不热，谁来管管", places=("东湖小区",), hours=3)
    match = held(HEATING).match(second)
    assert match is not None
    assert match == find_match(second, [HEATING], LAND)
    assert find_match(second, held(HEATING)) == match
    assert (match.case_id, match.item_id, match.suggested, match.by) == (7, 1, False, By.AFFINITY)


def test_what_a_matter_is_about_is_what_all_its_texts_say() -> None:
    more = trace(
        2, "供热公司的阀门等了半个月还没装上", title="东湖小区供暖", case=7, places=("东湖小区",), hours=1
    )
    third = trace(3, "还在等阀门，等了半个月了，供热公司说话不算数", hours=5)
    assert held(HEATING).match(third) is None
    match = held(HEATING, more).match(third)
    assert match is not None
    assert match.item_id == 2


def test_the_office_answers_the_matter_that_it_names() -> None:
    answer = trace(
        2,
        "因换热站故障，东湖小区部分住户室温不足，已更换配件，预计今晚恢复供热。",
        title="关于东湖小区供暖问题的情况说明",
        places=("东湖小区",),
        hours=30,
    )
    match = held(HEATING).match(answer)
    assert match is not None
    assert "通报或答复" in match.why


def test_a_matter_that_returns_after_days_is_reopened_and_after_a_week_it_is_new() -> None:
    again = trace(2, "东湖小区暖气又不热了，家里冰凉", places=("东湖小区",), hours=100)
    window = held(HEATING)
    match = window.match(again)
    assert match is not None
    assert "沉寂 4 天后" in match.why
    assert window.match(replace(again, at=NOW + timedelta(days=7, hours=1))) is None


def test_below_certainty_a_case_is_only_suggested() -> None:
    window = held(HEATING)
    unsure = trace(2, "这件事到底有没有人管了", places=("东湖小区",), hours=20)
    proposed = window.propose(unsure)
    assert proposed is not None
    assert proposed.suggested
    assert proposed.certainty < 0.6
    assert proposed.case_id == 7
    assert window.match(unsure) is None


def test_what_happens_everywhere_is_only_offered_to_the_matter_of_one_place() -> None:
    asked = trace(2, "供暖第一天，家里暖气不热", hours=4)
    proposed = held(HEATING).propose(asked)
    assert proposed is not None
    assert proposed.suggested
    assert joined(replace(asked, places=frozenset({"东湖小区"})), HEATING) == 7


def test_two_matters_that_fit_alike_are_none_of_them() -> None:
    said = "工地拖欠木工班组工资三个月，总包不给钱"
    here = trace(1, said, case=7, places=("东湖小区",))
    there = trace(2, said, case=8, places=("石桥村",))
    asked = trace(3, "拖欠木工班组的工资到底给不给，总包说句话", hours=2)
    assert held(here).propose(asked) is not None
    both = held(here, there).propose(asked)
    assert both is None or both.suggested


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            trace(1, "东湖小区停水一天了", places=("东湖小区",)),
            trace(2, "西湖小区停水一天了", places=("西湖小区",)),
            id="two estates",
        ),
        pytest.param(
            trace(1, "东湖小区垃圾没人清", places=("东湖小区",)),
            trace(2, "石桥村垃圾没人清", places=("石桥村",)),
            id="two towns",
        ),
        pytest.param(
            trace(1, "东湖小区二期交房拖了一年", places=("东湖小区",)),
            trace(2, "东湖小区三期交房拖了一年，业主着急", places=("东湖小区",)),
            id="two phases",
        ),
        pytest.param(
            trace(1, "计划3月5日8时起东湖小区停水", title="停水通知", places=("东湖小区",)),
            trace(2, "计划3月8日8时起东湖小区停水", title="停水通知", places=("东湖小区",), hours=20),
            id="two days of planned cuts",
        ),
        pytest.param(
            trace(1, "人民路的路灯坏了一排", places=("人民路",)),
            trace(2, "人民路口该装个红绿灯", places=("人民路",)),
            id="two things on one road",
        ),
        pytest.param(
            trace(1, "人民路又开挖了，围挡围了半条街", places=("人民路",)),
            trace(2, "柏县人民路又开挖了，围挡围了半条街"),
            id="a neighbour's road",
        ),
        pytest.param(
            trace(1, "人民路出了车祸，撞倒一个老人", places=("人民路",)),
            trace(2, "人民路的坑，跟车祸没关系，就说坑洼", places=("人民路",)),
            id="a text that says it is about something else",
        ),
        pytest.param(
            trace(1, "城关中学食堂的饭菜吃坏了孩子", places=("城关中学",)),
            trace(2, "城关中学周末补课，自愿书都签了", places=("城关中学",)),
            id="two things at one school",
        ),
        pytest.param(
            trace(1, "人民路东段又开挖了，围挡围了半条街", places=("人民路",)),
            trace(2, "人民路西头还没填，这边开挖的围挡也围着", places=("人民路",)),
            id="two ends of one road",
        ),
        pytest.param(
            trace(1, "人民路停水三天没人管，电话也打不通", places=("人民路",)),
            trace(2, "城关中学停水三天没人管，电话也打不通", places=("城关中学",)),
            id="one wording about places of two kinds",
        ),
    ],
)
def test_what_confuses_never_meets(one: Trace, other: Trace) -> None:
    assert held(replace(one, case_id=7)).match(other) is None
    assert held(replace(other, case_id=7)).match(replace(one, at=other.at)) is None


def test_a_planned_cut_is_not_the_one_that_people_complained_of_days_before() -> None:
    dry = trace(1, "东湖小区停水了，一滴水没有", case=7, places=("东湖小区",))
    notice = trace(2, "计划3月8日8时起东湖小区停水", title="停水通知", places=("东湖小区",), hours=60)
    assert held(dry).match(notice) is None
    assert held(dry).match(replace(notice, at=NOW + timedelta(hours=3))) is not None


def test_a_comment_tells_nothing_about_its_matter() -> None:
    comment = trace(2, "西湖小区的路灯也坏了", case=7, places=("西湖小区",), parent="x1")
    window = held(HEATING, comment)
    assert window.match(trace(3, "西湖小区的路灯坏了三天", places=("西湖小区",), hours=1)) is None
    reply = window.match(trace(4, "同感", parent="x2"))
    assert reply is not None
    assert (reply.case_id, reply.by) == (7, By.COMMENT)


# --- upkeep ---------------------------------------------------------------------------------------------------


def test_what_people_split_or_merged_is_followed() -> None:
    other = trace(2, "东湖小区暖气费收了不供热", case=7, places=("东湖小区",))
    third = trace(3, "东湖小区的暖气还是不热", places=("东湖小区",), hours=2)
    window = held(HEATING, other)
    window.move(2, 8)
    window.move(1, 8)
    match = window.match(third)
    assert match is not None
    assert match.case_id == 8
    window.move(1, None)
    window.move(2, None)
    window.move(99, 3)
    assert window.match(third) is None
    assert len(window) == 0


def test_an_item_is_taken_in_once_and_moves_when_it_comes_with_another_case() -> None:
    window = held(HEATING, HEATING)
    assert len(window) == 1
    window.add(replace(HEATING, case_id=9))
    assert window.case_of(1) == 9


def test_what_is_old_is_let_go_and_leaves_nothing_behind() -> None:
    window = held(HEATING, trace(2, "人民路的路灯坏了", case=8, places=("人民路",), hours=100))
    window.forget(NOW + timedelta(days=7, minutes=1))
    assert window.items() == [2]
    window.forget(NOW + timedelta(days=20))
    assert len(window) == 0
    assert window.propose(replace(HEATING, item_id=3, case_id=None)) is None


def test_a_text_of_no_matter_draws_nobody() -> None:
    window = held(replace(HEATING, case_id=None))
    assert window.propose(replace(HEATING, item_id=3)) is None
    assert len(window) == 0


def test_a_suggestion_names_no_case_of_the_item_itself() -> None:
    assert held(HEATING).propose(replace(HEATING, case_id=None)) is None
