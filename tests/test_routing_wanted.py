"""What may be looked for, and how it is read."""

import pytest

from routing.errors import UserError
from routing.wanted import is_personal, pairs_in, pairs_of, words_of


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("停水", ("停水",)),
        ("东湖小区　停水 停水", ("东湖小区", "停水")),
        ("YQ-2026-0001", ("yq20260001",)),
        ("東湖小區", ("东湖小区",)),
        ("“停水”，", ("停水",)),
        ("１２３４５", ("12345",)),
    ],
)
def test_words_are_read_in_one_form(typed, words):
    assert words_of(typed) == words


@pytest.mark.parametrize(
    "typed",
    [
        "13800138000",
        "１３８００１３８０００",
        "138 0013 8000",
        "138-0013-8000 停水",
        "王某138.0013.8000",
        "110101199003071234",
        "11010119900307123X",
        "0371-6623456",
        "6222 0212 3456 7890 123",
        "@某网友",
        "wang@example.com",
        "YQ-2026-0001 13800138000",
    ],
)
def test_numbers_and_handles_of_people_are_refused_and_not_repeated(typed):
    assert is_personal(typed)
    with pytest.raises(UserError) as refused:
        words_of(typed)
    assert "不查人" in str(refused.value)
    assert not any(part in str(refused.value) for part in typed.split())


@pytest.mark.parametrize(
    "typed", ["YQ-2026-0001", "YQ20260001", "2026年11月17日", "12345热线", "3号楼 2单元", "2026-11-17"]
)
def test_numbers_of_matters_and_dates_are_no_people(typed):
    assert not is_personal(typed)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "请写要查找的词"),
        (" ", "请写要查找的词"),
        ("！！！", "“!!!”里没有文字"),
        ("%%%%__", "“%%%%__”里没有文字"),
        ("水", "“水”太短"),
        ("停水 水", "“水”太短"),
        ("一二 三四 五六 七八 九十 甲乙", "最多查 5 个词"),
        ("停水" * 40, "太长"),
    ],
)
def test_what_cannot_be_looked_up_says_what_to_do(typed, said):
    with pytest.raises(UserError, match=said):
        words_of(typed)


def test_a_word_is_in_a_text_only_with_all_its_pairs():
    kept = set(pairs_of("东湖小区又停水了", "物业不管").split())
    assert set(pairs_in("小区又停水")) <= kept
    assert not set(pairs_in("停水物业")) <= kept  # two texts: their ends are no neighbours
    assert all(pair.isascii() and pair.isalnum() for pair in kept)
