"""Pairs of letters as numbers say what the letters say."""

import re

from hypothesis import given
from hypothesis import strategies as st

from routing.letter_pairs import every_pair, letter_pairs, signs_of

TEXTS = st.text(st.one_of(st.sampled_from("停水了通知 ，。a_1é\u0301😀𠮷\ud800\n"), st.characters()))


def read(codes: list[tuple[int, int]]) -> list[str]:
    return [chr(first) + chr(second) for first, second in codes]


@given(TEXTS)
def test_pairs_are_those_within_stretches_of_letters_each_once(text: str) -> None:
    runs = re.findall(r"\w+", text)
    found = zip(*(signs.tolist() for signs in signs_of(letter_pairs(text))), strict=True)
    assert read(list(found)) == sorted({run[at : at + 2] for run in runs for at in range(len(run) - 1)})


@given(TEXTS)
def test_every_pair_is_given_in_its_order(text: str) -> None:
    found = zip(*(signs.tolist() for signs in signs_of(every_pair(text))), strict=True)
    assert read(list(found)) == [text[at : at + 2] for at in range(len(text) - 1)]
