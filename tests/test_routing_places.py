"""The gazetteer: our 幸福路, not theirs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.errors import ConfigError
from routing.gazetteer_file import gazetteer_from
from routing.places import Gazetteer, Place, is_everyday

RIVER = Place("清水河", ("清河",))
BRIDGE = Place("清水河大桥", ("大桥",))
ROAD = Place("幸福路", elsewhere=True)
SCHOOL = Place("光明小学", ("光小",), elsewhere=True)
GAZETTEER = Gazetteer([RIVER, BRIDGE, ROAD, SCHOOL], "青禾县", ["白石县"])


@pytest.mark.parametrize(
    ("text", "own", "found"),
    [
        ("清水河大桥堵车", False, [BRIDGE]),  # the longest name wins: not the river
        ("清水河里有死鱼，大桥下更多", False, [RIVER, BRIDGE]),
        ("清 水\u200b河", False, [RIVER]),
        ("幸福路又挖了", False, []),  # a homonym alone
        ("幸福路又挖了", True, [ROAD]),  # in a source of the own county
        ("青禾县幸福路又挖了", False, [ROAD]),
        ("青禾幸福路又挖了", False, [ROAD]),  # the county without its ending
        ("幸福路到清水河堵了", False, [ROAD, RIVER]),  # beside a place that exists only here
        ("白石县幸福路又挖了", True, []),  # our source, their road
        ("白石的幸福路又挖了，青禾没有这样", False, []),  # theirs, though we are named
        ("白石来的车在青禾光明小学门口", False, [SCHOOL]),
        ("光小和光明小学", True, [SCHOOL]),  # one place, once
        ("今天天气不错", True, []),
        ("", False, []),
    ],
)
def test_a_homonym_counts_only_with_something_of_ours(text: str, own: bool, found: list[Place]) -> None:
    assert list(GAZETTEER.find(text, own=own)) == found


def test_a_survey_tells_the_county_and_the_neighbour() -> None:
    seen = GAZETTEER.survey("青禾到白石县的路")
    assert seen.county
    assert seen.neighbour == "白石县"
    assert seen.is_own()
    assert not GAZETTEER.survey("白石县的路").is_own()


def test_a_county_listed_among_its_places_stays_the_county() -> None:
    seen = Gazetteer([Place("青禾县", ("青禾",))], "青禾县").survey("青禾县停水")
    assert seen.county
    assert seen.places == ()


def test_a_gazetteer_without_places_finds_none() -> None:
    assert Gazetteer([]).find("幸福路", own=True) == ()


@pytest.mark.parametrize(
    "name",
    [
        "大桥",
        "一中",
        "县一中",
        "第二中学",
        "县医院",
        "中医院",
        "老街",
        "城里",
        "公交公司",
        "政务服务中心",
        "高铁站",
        "县人民医院",
    ],
)
def test_some_names_are_words_of_every_day(name: str) -> None:
    assert is_everyday(name)


@pytest.mark.parametrize(
    "name", ["东湖", "清水河大桥", "光明小学", "青禾县医院", "柳园", "北环路", "锦绣花园", ""]
)
def test_others_are_names(name: str) -> None:
    assert not is_everyday(name)


@pytest.mark.parametrize(
    ("text", "own", "found"),
    [
        ("大桥堵车", False, [BRIDGE]),
        ("白石县大桥堵车", False, []),  # theirs
        ("白石县的人说大桥堵车", False, []),  # whose, where theirs is spoken of?
        ("白石县的人说青禾大桥堵车", False, [BRIDGE]),
        ("大桥到幸福路堵车", False, [BRIDGE]),  # a word of every day proves nothing for a homonym
        ("大桥到幸福路堵车", True, [BRIDGE, ROAD]),
    ],
)
def test_a_word_of_every_day_counts_where_no_neighbour_is_spoken_of(
    text: str, own: bool, found: list[Place]
) -> None:
    assert list(GAZETTEER.find(text, own=own)) == found


def test_a_loose_name_counts_only_with_something_of_ours_the_others_always() -> None:
    lake = Place("莲湖小区", ("莲湖",), loose=("莲湖",))
    gazetteer = Gazetteer([lake], "青禾县")
    assert gazetteer.find("莲湖停水") == ()
    assert gazetteer.find("青禾莲湖停水") == (lake,)
    assert gazetteer.find("莲湖小区停水") == (lake,)
    assert gazetteer.find("莲湖停水，莲湖小区都停了") == (lake,)


def test_of_two_places_of_one_name_the_first_is_meant() -> None:
    first, second = Place("东风新村", ("新村里",)), Place("西风新村", ("新村里",))
    assert Gazetteer([first, second]).find("新村里停水") == (first,)


LIST = [
    {"name": "青禾县", "kind": "本县", "town": None, "aliases": ["禾城"], "elsewhere": False},
    {"name": "城东街道", "kind": "街道"},
    {"name": "县医院", "kind": "医院", "town": "城东街道", "note": "not looked at"},
    {"name": "幸福路", "kind": "路", "town": "城东街道", "aliases": ["幸福大街"], "elsewhere": True},
    {"name": "白石县", "kind": "邻县", "aliases": ["石城"]},
]


def test_a_list_makes_a_gazetteer() -> None:
    made = gazetteer_from(LIST)
    assert [place.name for place in made.places] == ["城东街道", "县医院", "幸福路"]
    assert (made.town_of("县医院"), made.town_of("城东街道"), made.town_of("无此地")) == (
        "城东街道",
        None,
        None,
    )
    assert made.survey("禾城幸福大街").places == (made.places[2],)
    assert made.survey("幸福大街").places == ()
    assert made.survey("石城的幸福大街").neighbour == "白石县"
    assert made.version == gazetteer_from(LIST).version != gazetteer_from(LIST[:4]).version


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({}, "方括号列表"),
        ([{"kind": "本县"}], "[第1个].name：缺少"),
        ([*LIST, {"name": "水"}], '[第6个].name = "水"：文字太短'),
        ([{"name": "青禾县", "kind": "本县", "aliases": "禾城"}], "[第1个].aliases"),
        (LIST[1:], "请加一项本县"),
    ],
)
def test_a_bad_list_is_refused_with_its_entry(rows: object, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        gazetteer_from(rows, "places.json")
    assert said in str(caught.value)
    assert "places.json" in str(caught.value)


@given(st.text(alphabet="幸福路清水河大桥光明小学青禾白石县的 \u200b"), st.booleans())
def test_no_text_makes_it_raise(text: str, own: bool) -> None:
    assert set(GAZETTEER.find(text, own=own)) <= set(GAZETTEER.places)
