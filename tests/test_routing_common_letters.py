"""How common pairs of letters are in ordinary texts, and of which subject a text speaks."""

import math

import pytest

from routing.common_letters import common_pairs, pairs, subject_shares
from routing.starter import SUBJECTS


def test_words_of_every_day_are_common_and_invented_names_are_not() -> None:
    common = common_pairs()
    assert common.texts > 1_000
    assert common.times[pairs("我们").common[0]] > 20
    assert pairs("卮蔹").common.tolist() == [-1]


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("小区停水两天了，自来水公司说在抢修水管", "水电气暖"),
        ("学校食堂的饭菜，家长找校长和老师", "教育文体"),
        ("工地拖欠农民工工资，老板不发工钱", "劳动和社会保障"),
    ],
)
def test_a_text_speaks_of_its_subject(text: str, subject: str) -> None:
    shares = subject_shares(pairs(text))
    assert SUBJECTS[shares.index(max(shares))] == subject


@pytest.mark.parametrize("text", ["", "abc", "小区停水两天了"])
def test_shares_are_a_vector_of_length_one(text: str) -> None:
    assert math.hypot(*subject_shares(pairs(text))) == pytest.approx(1)
