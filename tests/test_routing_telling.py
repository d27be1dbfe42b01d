"""What a text tells: families, places, spots, figures that name something, whose business it is."""

import tomllib
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.normal import normal, numbers
from routing.places import Place
from routing.telling import (
    PART,
    Land,
    Site,
    Telling,
    families,
    sort_of,
    spots,
    tell,
)

LAND = Land.of(
    [
        Place("东湖小区", ("东湖",), town="城关镇"),
        Place("人民路", town="城关镇"),
        Place("城关镇"),
        Place("源泉水务公司", ("水务公司",)),
        Place("松县人民医院", ("县医院",), town="城关镇"),
    ],
    county="松县",
    neighbours=["柏县"],
)


def told(text: str, *, title: str = "", places: tuple[str, ...] = ()) -> Telling:
    return tell(normal(title), normal(text), places, numbers(f"{title}。{text}"), LAND)


def names(sites: frozenset[Site]) -> set[str]:
    return {site.name for site in sites}


def test_the_table_of_families_is_whole() -> None:
    table = tomllib.loads(resources.files("routing").joinpath("families.toml").read_text("utf-8"))["family"]
    assert len({entry["name"] for entry in table}) == len(table) >= 60
    for entry in table:
        assert set(entry) <= {"name", "words", "weak", "local", "event", "outage", "hints"}, entry["name"]
        assert len(set(entry["words"])) == len(entry["words"]) >= 4, entry["name"]
        assert all(len(word) > 1 and word == normal(word) for word in entry["words"]), entry["name"]


def test_a_title_says_more_than_a_body_and_weak_families_say_nothing() -> None:
    seen = told("家长都在学校门口，天天堵车", title="食堂的配餐公司该换了")
    assert seen.families["校园餐"] > seen.families["拥堵"]
    assert seen.leading == {"校园餐"}
    assert families("weak").isdisjoint(seen.families)


def test_the_place_of_the_title_leads_else_the_first_of_the_text() -> None:
    both = ("人民路", "东湖小区")
    assert names(told("东湖那边也是", title="人民路又挖开了", places=both).lead) == {"人民路"}
    seen = told("东湖停水了，人民路没停", places=both)
    assert names(seen.lead) == {"东湖小区"}
    assert seen.titled
    assert not told("东湖停水了", title="谁来管管", places=both).titled


def test_towns_and_companies_of_everywhere_are_no_place_of_a_matter() -> None:
    seen = told("城关镇东湖停水，水务公司不管", places=("城关镇", "东湖小区", "源泉水务公司"))
    assert names(seen.places) == {"东湖小区"}
    assert seen.towns == {"城关镇"}


def test_a_name_that_the_gazetteer_cut_wrongly_is_known_by_its_end() -> None:
    assert names(told("松县医院急诊排队").places) == {"松县人民医院"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("建设路和胜利路都停水", {"建设路": "路", "胜利路": "路"}),
        ("和顺花园的业主", {"和顺花园": "小区"}),
        ("建设路灯不亮", {}),
        ("这条路走不通，我们学校门口", {}),
        ("和平路向着河边，村里的路", {"和平路": "路"}),
        ("高速公路", {}),
    ],
)
def test_places_that_no_gazetteer_knows(text: str, expected: dict[str, str]) -> None:
    assert spots(text) == expected


def test_the_kind_that_a_gazetteer_gives_is_worth_more_than_the_ending() -> None:
    land = Land.of(
        [Place("碧岸名邸", kind="小区"), Place("清棠驿站", kind="公共设施"), Place("老街", kind="说不清")]
    )

    assert [land.site(name).sort for name in ("碧岸名邸", "清棠驿站", "老街")] == ["小区", "设施", "路"]


@pytest.mark.parametrize(
    ("name", "sort"),
    [
        ("学林街", "路"),
        ("跨河大桥", "路"),
        ("前村", "小区"),
        ("织布厂家属院", "小区"),
        ("松县北站", "车站"),
        ("观景台", ""),
    ],
)
def test_kinds_are_read_off_endings(name: str, sort: str) -> None:
    assert sort_of(name) == sort


@pytest.mark.parametrize(
    ("title", "text", "unit", "values"),
    [
        ("二期交房了吗", "三期呢", "期", {"2"}),
        ("", "三期的事，二期也是", "期", {"3"}),
        ("", "第十二期", "期", {"12"}),
        ("", "二十期", "期", {"20"}),
        ("0117岗的面试", "", "岗", {"117"}),
        ("", "12路公交没来", "路", {"12"}),
    ],
)
def test_figures_that_name_something(title: str, text: str, unit: str, values: set[str]) -> None:
    assert told(text, title=title).named[unit] == values


def test_odd_figures_are_known_again_and_round_ones_and_clocks_are_not() -> None:
    assert told("花了186万，100户，8时到18时，2026年，37人").figures >= {"186万", "37人"}
    assert told("100户，8时到18时，2026年，20%").figures.isdisjoint({"100", "18", "2026", "18时", "20"})


@pytest.mark.parametrize(
    ("text", "theirs"),
    [
        ("柏县的人民路又堵了", True),
        ("松县和柏县都停水", False),
        ("视频是邻县柏县的", False),
        ("东湖停水，柏县没有", False),
    ],
)
def test_a_neighbour_s_business(text: str, theirs: bool) -> None:
    assert told(text, places=("东湖小区",) if "东湖" in text else ()).theirs is theirs


def test_a_hint_is_worth_half_a_word() -> None:
    assert told("家里停水了").families["停水"] == 1
    assert told("家里换管了").families["停水"] == 0.5


@pytest.mark.parametrize(
    ("text", "denied", "left"),
    [
        ("跟停水没关系，我说的是路灯", {"停水"}, {"路灯"}),
        ("今天不说车祸，就说扬尘", {"车祸"}, {"扬尘"}),
        ("跟停水没关系，反正还是停水", set(), {"停水"}),
        ("停水了，和邻居没商量", set(), {"停水"}),
    ],
)
def test_what_a_text_denies_is_not_what_it_is_about(text: str, denied: set[str], left: set[str]) -> None:
    seen = told(text)
    assert seen.denied >= denied
    assert not (seen.denied and not denied)
    assert left <= seen.families.keys()
    assert denied.isdisjoint(seen.families)


def test_a_name_that_holds_another_is_its_kin() -> None:
    road, bridge = Site("人民路"), Site("人民路铁路桥", aliases=("铁路桥",))
    assert road.is_kin(bridge)
    assert bridge.is_kin(road)
    assert not road.is_kin(Site("东湖小区", aliases=("东湖",)))


@settings(deadline=None)  # the first example reads the starter set
@given(st.text(max_size=80), st.text(max_size=80))
def test_any_text_is_told_without_a_fault(title: str, text: str) -> None:
    seen = told(text, title=title)
    assert seen.leading <= seen.families.keys()
    assert seen.lead <= seen.places


@settings(max_examples=300)
@given(st.text(st.sampled_from("12二十期标段号线路公交车末首早班岗东西半头侧区"), max_size=8))
def test_what_names_is_found_wherever_it_stands(text: str) -> None:
    """A side beside it lets every figure be sought: only the quick look before could make a difference."""
    alone, beside = told(f"说{text}").named, told(f"说{text}。东头").named
    assert {**alone, PART: ()} == {**beside, PART: ()}
