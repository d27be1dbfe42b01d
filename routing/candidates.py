"""Which live matters a text could belong to: by place, town, family and rare pairs of letters. Pure, in memory.

Lists are cut at the newest entries and the rest is ranked by a cheap estimate, so that the cost does not grow with the
number of matters.
"""

import numpy as np

from routing.affinity import Asked
from routing.profile import Numbers, Rarity
from routing.telling import Telling

_per_key = {"place": 24, "town": 16, "family": 24, "spot": 16}
_per_gram = 8
_most_grams = 400_000
_spare_slots = 50_000
# Whole numbers, so that the order in which they are added up is no matter.
_worth = {"place": 3_000, "town": 700, "spot": 1_500, "family": 2_000}
_gram_share = 8
_weighed = 4
# Whatever has less than this share of the best estimate would not win.
_least_share = 0.3
# Of a large matter only the first texts bring letters into the index.
_texts_of_letters = 12
# A pair of letters in one of twenty texts and more finds everything.
_rare = 4_500

_Key = tuple[str, str]


class Candidates:
    """An inverted index from what texts tell to matters, the newest kept.

    A matter has a slot here, a small number, as long as a list may name it; votes are counted by slots.
    """

    def __init__(self) -> None:
        self._slots: dict[int, int] = {}
        self._free: list[int] = []
        # By slot; the last one stands for no matter.
        self._cases = np.full(1, -1, dtype=np.int64)
        self._votes = np.zeros(1, dtype=np.int64)
        self._by_key: dict[_Key, dict[int, None]] = {}
        # Tuples of words: the collector of garbage need not look at them, and there are many.
        self._keys: dict[int, tuple[_Key, ...]] = {}
        # By the number of a pair of letters: slots, the newest last, -1 for none. The last row stays empty.
        self._by_letters = np.full((1, _per_gram), -1, dtype=np.int32)
        self._held = 0

    def add(self, case_id: int, asked: Asked, size: int) -> None:
        """File a matter under what one of its texts tells; `size`: how many texts it has now."""
        slot = self._slot(case_id)
        mine = self._keys.get(case_id, ())
        keys = _keys(asked.told)
        for key in keys:
            _file(self._by_key, key, slot, _per_key[key[0]])
        self._keys[case_id] = mine + tuple(key for key in keys if key not in mine)
        if size <= _texts_of_letters:
            self._file_letters(asked.letters, slot)
        if self._held > _most_grams or len(self._slots) > 2 * len(self._keys) + _spare_slots:
            self._sweep()

    def remove(self, case_id: int) -> None:
        """Take a matter out; nothing happens where it is not filed. Its letters stay until they are swept."""
        keys = self._keys.pop(case_id, None)
        if keys is None:
            return
        slot = self._slots[case_id]
        self._cases[slot] = -1
        for key in keys:
            _strike(self._by_key, key, slot)

    def find(self, asked: Asked, rarity: Rarity) -> list[int]:
        """Give the few matters worth weighing, likely ones first."""
        slots: list[int] = []
        worths: list[int] = []
        for key in _keys(asked.told):
            if held := self._by_key.get(key):
                worth = _worth[key[0]]
                if key[0] == "family":
                    worth = int(worth * rarity.of_family(key[1]))
                slots += held
                worths += [worth] * len(held)
        rare = asked.worth >= _rare
        by_letters = self._by_letters.take(asked.letters[rare], axis=0, mode="clip")
        by_keys = np.array((slots, worths), dtype=np.int64)
        voted = np.concatenate((by_keys[0], by_letters.ravel()))
        given = np.concatenate((by_keys[1], (asked.worth[rare] // _gram_share).repeat(_per_gram)))
        np.add.at(self._votes, voted, given)
        alive = voted[self._cases[voted] >= 0]
        votes = self._votes[alive]
        self._votes[voted] = 0
        likely = votes >= votes.max(initial=0) * _least_share
        ranked = set(zip((-votes[likely]).tolist(), self._cases[alive[likely]].tolist(), strict=True))
        return [case for _, case in sorted(ranked)[:_weighed]]

    def letters(self) -> Numbers:
        """Give the numbers of the pairs of letters that matters are filed under."""
        return np.flatnonzero(self._by_letters[:, -1] >= 0).astype(np.int32)

    def _slot(self, case_id: int) -> int:
        slot = self._slots.get(case_id)
        if slot is None:
            if not self._free:
                first, more = len(self._cases) - 1, max(64, len(self._cases))
                self._free.extend(range(first + more - 1, first - 1, -1))
                self._cases = np.concatenate((self._cases, np.full(more, -1, dtype=np.int64)))
                self._votes = np.zeros_like(self._cases)
            slot = self._slots[case_id] = self._free.pop()
        self._cases[slot] = case_id
        return slot

    def _file_letters(self, letters: Numbers, slot: int) -> None:
        missing = int(letters.max(initial=0)) + 2 - len(self._by_letters)
        if missing > 0:
            more = np.full((max(missing, len(self._by_letters) // 4), _per_gram), -1, dtype=np.int32)
            self._by_letters = np.concatenate((self._by_letters, more))
        rows = self._by_letters[letters]
        is_new = ~(rows == slot).any(axis=1)
        letters, rows = letters[is_new], rows[is_new]
        self._held += int((rows[:, -1] < 0).sum())
        self._by_letters[letters, :-1] = rows[:, 1:]
        self._by_letters[letters, -1] = slot

    def _sweep(self) -> None:
        """Drop the letters of matters that are gone, and where that is not enough, all: new texts bring them anew."""
        dead = self._cases[self._by_letters] < 0
        self._by_letters[dead] = -1
        order = (self._by_letters >= 0).argsort(axis=1, kind="stable")
        self._by_letters = np.take_along_axis(self._by_letters, order, axis=1)
        self._held = int((self._by_letters[:, -1] >= 0).sum())
        if self._held > _most_grams // 2:
            self._by_letters[:] = -1
            self._held = 0
        for case in [case for case in self._slots if case not in self._keys]:
            self._free.append(self._slots.pop(case))


def _keys(telling: Telling) -> list[_Key]:
    return [
        *(("place", site.name) for site in telling.places),
        *(("town", town) for town in telling.towns),
        *(("spot", spot) for spot in telling.spots),
        *(("family", family) for family in telling.families),
    ]


def _file(index: dict[_Key, dict[int, None]], key: _Key, slot: int, most: int) -> None:
    """Put a matter last under a key; the one that was longest under it goes when there are too many."""
    cases = index.setdefault(key, {})
    cases.pop(slot, None)
    cases[slot] = None
    if len(cases) > most:
        del cases[next(iter(cases))]


def _strike(index: dict[_Key, dict[int, None]], key: _Key, slot: int) -> None:
    cases = index.get(key)
    if cases is not None:
        cases.pop(slot, None)
        if not cases:
            del index[key]
