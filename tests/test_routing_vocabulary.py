"""Many words in one pass: all of them, wherever they overlap, and Latin ones only alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.vocabulary import Vocabulary


def test_words_are_found_inside_each_other_and_across_each_other() -> None:
    found = Vocabulary(["停水", "停水通知", "水通", "没有"])
    assert found.find("停水通知") == {"停水", "停水通知", "水通"}
    assert found.spots("停水，停水通知")["停水"] == [(0, 2), (3, 5)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("隔壁ktv太吵", True),
        ("ktv", True),
        ("ktvs", False),
        ("a ktv", True),
        ("3ktv", False),
        ("ktvs和ktv", True),
    ],
)
def test_a_latin_word_stands_alone(text: str, found: bool) -> None:
    assert ("ktv" in Vocabulary(["ktv", "停水"]).find(text)) is found


def test_no_words_are_never_found() -> None:
    assert Vocabulary([]).find("停水") == frozenset()


@given(st.lists(st.text("停水a", min_size=2, max_size=3), max_size=3), st.text("停水a，😂", max_size=12))
def test_a_large_list_finds_what_a_small_one_finds(words: list[str], text: str) -> None:
    many = [f"某{number:x}某" for number in range(2_500)]  # enough for the other kind of automaton
    assert Vocabulary([*words, *many]).spots(text) == Vocabulary(words).spots(text)
    assert Vocabulary(words).find(text) == Vocabulary(words).spots(text).keys()
