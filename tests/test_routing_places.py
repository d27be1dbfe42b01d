"""The gazetteer: our 幸福路, not theirs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.places import Gazetteer, Place

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


@given(st.text(alphabet="幸福路清水河大桥光明小学青禾白石县的 \u200b"), st.booleans())
def test_no_text_makes_it_raise(text: str, own: bool) -> None:
    assert set(GAZETTEER.find(text, own=own)) <= set(GAZETTEER.places)
