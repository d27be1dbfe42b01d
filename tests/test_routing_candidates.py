"""The index of matters: it forgets what is gone, and numbers do not pile up."""

import pytest

from routing import candidates, profile
from routing.affinity import Asked
from routing.candidates import Candidates
from routing.profile import Rarity
from routing.telling import Land, tell

NOWHERE = Land()


def asked(text: str, rarity: Rarity) -> Asked:
    return Asked.of(tell("", text, (), frozenset(), NOWHERE), rarity)


def odd(number: int) -> str:
    """Give a text of letters that no ordinary text has side by side."""
    return "".join(chr(0x3400 + 40 * number + sign) for sign in range(40))


def test_a_matter_is_found_by_its_letters_until_it_is_gone() -> None:
    rarity, index = Rarity(), Candidates()
    index.add(7, asked(odd(1), rarity), 1)
    index.add(8, asked(odd(2), rarity), 1)
    assert index.find(asked(odd(1), rarity), rarity) == [7]
    index.remove(7)
    index.remove(7)
    assert index.find(asked(odd(1), rarity), rarity) == []
    assert index.find(asked(odd(2), rarity), rarity) == [8]
    assert index.find(asked(odd(3), rarity), rarity) == []


def test_of_many_matters_with_one_wording_the_newest_are_found() -> None:
    rarity, index = Rarity(), Candidates()
    for case in range(1, 30):
        index.add(case, asked(odd(1), rarity), 1)
    assert index.find(asked(odd(1), rarity), rarity) == [22, 23, 24, 25]


def test_letters_of_matters_that_are_gone_are_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "_most_grams", 200)
    rarity, index = Rarity(), Candidates()
    for case in range(1, 30):
        index.add(case, asked(odd(case), rarity), 1)
        index.remove(case - 1)
        assert len(index.letters()) <= 200
        assert index.find(asked(odd(case), rarity), rarity) == [case]
        assert index.find(asked(odd(case - 1), rarity), rarity) == []


def test_a_slot_is_given_to_another_matter_once_its_letters_are_swept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(candidates, "_spare_slots", 0)
    rarity, index = Rarity(), Candidates()
    for case in range(1, 500):
        index.add(case, asked(odd(case), rarity), 1)
        index.remove(case - 2)
    assert len(index._cases) < 100
    assert sorted(index.find(asked(odd(499) + odd(498), rarity), rarity)) == [498, 499]
    assert index.find(asked(odd(497), rarity), rarity) == []


def test_numbers_of_letters_that_nobody_uses_are_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile.Rarity, "_fewest_numbers", 200)
    rarity, index = Rarity(), Candidates()
    index.add(1, asked(odd(1), rarity), 1)
    heard = asked(odd(2), rarity)
    rarity.hear(heard.letters)
    number = 3
    while not rarity.is_crowded():
        asked(odd(number), rarity)
        number += 1
    rarity.free(index.letters())
    assert not rarity.is_crowded()
    assert len(rarity._numbers) == 78
    again = asked(odd(2), rarity)
    assert again.letters.tolist() == heard.letters.tolist()
    assert again.worth.sum() < heard.worth.sum()
    assert index.find(asked(odd(1), rarity), rarity) == [1]
    assert index.find(asked(odd(3), rarity), rarity) == []
