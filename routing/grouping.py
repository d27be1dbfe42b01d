"""Which open case a new item joins: comments, reposts, near copies, and texts on one business at one place.

Pure: compares values, reads no table and no clock. A match is a proposal that one tap undoes, so a doubt is no match
but at most a suggestion. What forbids a merge stands in `vetoes`, how likeness is weighed in `affinity`. A text is held
against whole matters (all their places, all they are about), found by an index, so the time it takes does not grow.
"""

import heapq
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from routing.affinity import AWAKE, JOIN, SUGGEST, Affinity, Asked, reasons, weigh
from routing.candidates import Candidates
from routing.near_copies import COPY_WINDOW, TELLING_LETTERS, NearCopies, disjoint, figures_differ
from routing.normal import letters
from routing.profile import Profile, Rarity
from routing.telling import Land, Telling, tell
from routing.traces import DERIVED, By, Match, Trace, is_derived, origin_of
from routing.vetoes import veto

__all__ = ["DERIVED", "By", "Match", "Trace", "Window", "find_match", "is_derived", "origin_of"]

# Copies are known by their beginning, and a window of a week must fit into memory.
_kept_letters = 2_000
# Two matters that fit equally well: neither is certain.
_clear_lead = 0.2
_one_mould = 0.8
# Of the labelled texts of one matter no two at different places share so much wording.
_one_wording = 0.5
_most_items = 50_000
_same_noted = 32

_nowhere = Land()
# In a transaction every harvest is held against the same recent texts.
_letters = lru_cache(maxsize=20_000)(letters)


def find_match(new: Trace, recent: "Sequence[Trace] | Window", land: Land = _nowhere) -> Match | None:
    """Find the case that `new` surely belongs to among `recent` items; None: it begins a matter of its own.

    Their order is no matter. Plain items are sorted in anew at each call: who asks often keeps a `Window`.
    """
    if isinstance(recent, Window):
        return recent.match(new)
    if new.parent_id:
        parent = _parent(new, [trace for trace in recent if trace.external_id == new.parent_id])
        return _joined_parent(parent)
    window = Window(land)
    for trace in sorted(recent, key=lambda old: (old.at, old.item_id)):
        window.add(trace)
    return window.match(new)


class Window:
    """The matters of the last days in memory, with an index: what `find_match` answers, at a cost that stays.

    Filled from the store at the start (`add` in order of time), then kept up: `add` whatever was placed, also what
    became no matter (its words count as common), `forget` now and then. Not safe to share between threads.
    """

    def __init__(self, land: Land = _nowhere) -> None:
        self._land = land
        self._items: dict[int, Trace] = {}
        self._by_age: list[tuple[datetime, int]] = []
        self._of_case: Counter[int] = Counter()
        # Tuples of numbers: the collector of garbage need not look at them, and there are as many as texts.
        self._named_by: dict[str, tuple[int, ...]] = {}
        self._printed: dict[str, tuple[int, ...]] = {}
        self._profiles: dict[int, Profile] = {}
        self._copies = NearCopies()
        self._candidates = Candidates()
        self._rarity = Rarity()
        self._asked: Asked | None = None

    def __len__(self) -> int:
        return len(self._items)

    def items(self) -> list[int]:
        """Give the items that are held."""
        return list(self._items)

    def case_of(self, item_id: int) -> int | None:
        """Give the case of an item that is held; None where it is not."""
        held = self._items.get(item_id)
        return held.case_id if held else None

    def match(self, new: Trace) -> Match | None:
        """Find the case that `new` surely belongs to. Changes nothing.

        1. A comment goes where the text went that it answers. Was that in no case, or is it unknown, the comment joins
           none: 支持楼主 stands under every matter.
        2. An exact repost; 3. a near copy within 72 h; 4. the matter that its place, business, figures and rare words
           speak for, within 7 days, if nothing forbids it.

        The first step that finds anything decides; of copies in several cases the oldest.
        """
        return self._found(new, is_sure=True)

    def propose(self, new: Trace) -> Match | None:
        """Find the case as `match` does, or one that is worth a person's look: then `suggested`."""
        return self._found(new, is_sure=False)

    def _found(self, new: Trace, *, is_sure: bool) -> Match | None:
        if not self._items:
            return None
        new = _short(new)
        if new.parent_id:
            named = self._named_by.get(new.parent_id, ())
            return _joined_parent(_parent(new, [self._items[item] for item in named]))
        telling = self._tell(new)
        return self._exact_copy(new) or self._near_copy(new, telling) or self._alike(new, telling, is_sure)

    def add(self, trace: Trace) -> None:
        """Take in a text after it was placed. Twice the same changes nothing; in another case, it moves there."""
        held = self._items.get(trace.item_id)
        if held is not None:
            if held.case_id != trace.case_id:
                self.move(trace.item_id, trace.case_id)
            return
        trace = _short(trace)
        telling = self._tell(trace)
        if not trace.parent_id:
            self._rarity.hear(self._ask(telling).letters)
        if trace.case_id is None:
            return
        self._items[trace.item_id] = trace
        heapq.heappush(self._by_age, (trace.at, trace.item_id))
        self._of_case[trace.case_id] += 1
        _note(self._named_by, trace.external_id, trace.item_id)
        self._grow(trace, telling)
        while len(self._items) > _most_items:
            self._remove(heapq.heappop(self._by_age)[1])
        if self._rarity.is_crowded():
            self._rarity.free(self._candidates.letters())
            self._asked = None

    def move(self, item_id: int, case_id: int | None) -> None:
        """Follow people who split or merged: the item is in another case now, or in none. Unknown items are no matter."""
        held = self._items.get(item_id)
        if held is None or held.case_id == case_id:
            return
        self._copies.remove(item_id)
        left = held.case_id
        assert left is not None
        self._remove(item_id)
        self._rebuild(left)
        if case_id is not None:
            self.add(replace(held, case_id=case_id))

    def forget(self, now: datetime) -> None:
        """Let go of copies after 72 h, of texts after 7 days, of matters that were silent so long."""
        self._copies.forget(now - COPY_WINDOW)
        before = now - AWAKE
        while self._by_age and self._by_age[0][0] < before:
            self._remove(heapq.heappop(self._by_age)[1])

    # --- the steps --------------------------------------------------------------------------------------------

    def _exact_copy(self, new: Trace) -> Match | None:
        printed = self._printed.get(new.fingerprint, ()) if new.fingerprint else ()
        if not printed or len(_letters(new.normal_title + new.normal_text)) < TELLING_LETTERS:
            return None
        found = [self._items[item] for item in printed if item != new.item_id]
        return _oldest(
            Match(old.case_id, old.item_id, "与已有信息文字相同", 1.0, by=By.COPY)
            for old in found
            if old.case_id is not None and not disjoint(new.places, self._where(old.case_id))
        )

    def _near_copy(self, new: Trace, telling: Telling) -> Match | None:
        return _oldest(
            Match(old.case_id, old.item_id, why, certainty, by=By.NEAR_COPY)
            for old, why, certainty in self._copies.find(new, _parts(new))
            if old.case_id is not None
            and not disjoint(new.places, self._where(old.case_id))
            and veto(telling, self._profiles[old.case_id], new.at) is None
        )

    def _alike(self, new: Trace, telling: Telling, is_sure: bool) -> Match | None:
        if len(telling.said) < TELLING_LETTERS and not telling.places:
            return None
        ranked = sorted(
            ((-found.odds, case, found) for case, found in self._weighed(new, telling)),
            key=lambda entry: entry[:2],
        )
        if not ranked or ranked[0][2].certainty < SUGGEST:
            return None
        _, case, best = ranked[0]
        clear = len(ranked) == 1 or best.odds - ranked[1][2].odds >= _clear_lead
        joins = best.certainty >= JOIN and clear
        if is_sure and not joins:
            return None
        certainty = round(best.certainty, 2)
        why = reasons(telling, self._profiles[case], new.at, best)
        if joins:
            return Match(case, best.item_id, why, certainty)
        why = why if clear else f"{why}（也像另一事项）"
        return Match(case, best.item_id, why, min(certainty, JOIN - 0.01), suggested=True)

    def _weighed(self, new: Trace, telling: Telling) -> Collection[tuple[int, Affinity]]:
        asked = self._ask(telling)
        open_to = [
            self._profiles[case]
            for case in self._candidates.find(asked, self._rarity)
            if self._may_join(new, telling, self._profiles[case])
        ]
        weighed = zip(open_to, weigh(asked, open_to, new.at, self._rarity), strict=True)
        return [
            (profile.case_id, affinity)
            for profile, affinity in weighed
            if not self._is_of_one_mould(new, affinity, telling, profile)
        ]

    def _may_join(self, new: Trace, telling: Telling, profile: Profile) -> bool:
        assert profile.last is not None
        alone = profile.size == 1 and self.case_of(new.item_id) == profile.case_id
        return not alone and abs(new.at - profile.last) <= AWAKE and veto(telling, profile, new.at) is None

    def _is_of_one_mould(self, new: Trace, found: Affinity, telling: Telling, profile: Profile) -> bool:
        """Say whether a text is worded as one of the matter, but of other places, or of other figures at none that both
        lead with: notices of one company, one sentence that went round about six villages.
        """
        named = profile.places.keys()
        if telling.places and named and named.isdisjoint(telling.places):
            return found.alike >= _one_wording
        old = self._items.get(found.item_id)
        return (
            found.alike >= _one_mould
            and old is not None
            and figures_differ(new, old)
            and not telling.lead & profile.main()
        )

    # --- upkeep -----------------------------------------------------------------------------------------------

    def _grow(self, trace: Trace, telling: Telling) -> None:
        case = trace.case_id
        assert case is not None
        profile = self._profiles.get(case)
        if trace.parent_id:
            if profile is not None:
                profile.touch(trace.at)
            return
        if profile is None:
            profile = self._profiles[case] = Profile(case)
        self._rarity.leave(profile)
        asked = self._ask(telling)
        profile.add(trace.item_id, telling, trace.at, asked.length, trace.places)
        self._rarity.enter(profile)
        self._candidates.add(case, asked, profile.size)
        if trace.fingerprint not in self._printed:
            self._copies.add(trace, _parts(trace))
        if trace.fingerprint:
            _note(self._printed, trace.fingerprint, trace.item_id)

    def _remove(self, item_id: int) -> None:
        held = self._items.pop(item_id, None)
        if held is None:
            return
        assert held.case_id is not None
        self._copies.remove(item_id)
        _discard(self._named_by, held.external_id, item_id)
        _discard(self._printed, held.fingerprint, item_id)
        self._of_case[held.case_id] -= 1
        if not self._of_case[held.case_id]:
            del self._of_case[held.case_id]
            self._drop(held.case_id)

    def _rebuild(self, case_id: int) -> None:
        """Make the profile of a matter anew from the texts that are left of it."""
        self._drop(case_id)
        left = [trace for trace in self._items.values() if trace.case_id == case_id]
        for trace in sorted(left, key=lambda old: (old.at, old.item_id)):
            self._grow(trace, self._tell(trace))

    def _drop(self, case_id: int) -> None:
        profile = self._profiles.pop(case_id, None)
        if profile is not None:
            self._rarity.leave(profile)
            self._candidates.remove(case_id)

    def _where(self, case_id: int) -> Collection[str]:
        return self._profiles[case_id].names

    def _ask(self, telling: Telling) -> Asked:
        """Weigh a text, the last one but once: it is matched and then added."""
        if self._asked is None or self._asked.told is not telling:
            self._asked = Asked.of(telling, self._rarity)
        return self._asked

    def _tell(self, trace: Trace) -> Telling:
        return _told(trace.normal_title, trace.normal_text, trace.places, trace.numbers, self._land)


# --- comments -------------------------------------------------------------------------------------------------


def _joined_parent(parent: Trace | None) -> Match | None:
    if parent is None or parent.case_id is None:
        return None
    return Match(parent.case_id, parent.item_id, "是已立事项下的评论或回复", 1.0, by=By.COMMENT)


def _parent(new: Trace, named: Collection[Trace]) -> Trace | None:
    """Find the text that a comment answers: same source first, then its sibling (`forum`, `forum-c`), then any.

    A comment of a derived source answers a text of its origin and of no other source.
    """
    answered = [
        trace
        for trace in named
        if trace.item_id != new.item_id
        and (not is_derived(new.source_id) or origin_of(new.source_id) == origin_of(trace.source_id))
    ]
    return min(
        answered, key=lambda trace: (_kinship(new.source_id, trace.source_id), trace.item_id), default=None
    )


def _kinship(mine: str, theirs: str) -> int:
    if origin_of(mine) == origin_of(theirs):
        return 0
    return 1 if mine.startswith(theirs) or theirs.startswith(mine) else 2


# --- small things ---------------------------------------------------------------------------------------------


@lru_cache(maxsize=4_096)
def _told(title: str, text: str, places: frozenset[str], numbers: frozenset[str], land: Land) -> Telling:
    return tell(title, text, places, numbers, land)


def _parts(trace: Trace) -> tuple[str, str]:
    return _letters(trace.normal_title), _letters(trace.normal_text)


def _short(trace: Trace) -> Trace:
    if len(trace.normal_text) <= _kept_letters:
        return trace
    return replace(trace, normal_text=trace.normal_text[:_kept_letters])


def _note(index: dict[str, tuple[int, ...]], key: str, item_id: int) -> None:
    """Note an item under a key; of thousands that say the same the first few suffice."""
    items = index.get(key, ())
    if len(items) < _same_noted and item_id not in items:
        index[key] = (*items, item_id)


def _discard(index: dict[str, tuple[int, ...]], key: str, item_id: int) -> None:
    left = tuple(item for item in index.get(key, ()) if item != item_id)
    if left:
        index[key] = left
    else:
        index.pop(key, None)


def _oldest(found: Iterable[Match]) -> Match | None:
    return min(found, key=lambda match: (match.case_id, match.item_id), default=None)
