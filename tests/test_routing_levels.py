"""Media and the number of sites speak for a level; what offices publish and what stands under a text do not."""

import pytest

from routing.items import Counts
from routing.levels import Spoken, by_counts, by_press, by_sites, gravest
from routing.office import Level, Marks


@pytest.mark.parametrize(
    ("stood", "spoken"),
    [
        ({"feed", "comments"}, None),
        ({"feed", "press"}, Spoken(Level.III, "媒体已报道")),
        ({"press", "province"}, Spoken(Level.II, "省级媒体已报道")),
        ({"central", "official"}, Spoken(Level.I, "中央媒体已报道")),
        (set(), None),
    ],
    ids=["nobody", "city", "province", "central", "nothing"],
)
def test_the_weightiest_medium_speaks(stood: set[str], spoken: Spoken | None) -> None:
    assert by_press(stood) == spoken


def test_three_sites_make_a_level() -> None:
    two = {("bbs", "feed"), ("board", "board")}
    assert by_sites(two) is None
    assert by_sites(two | {("hot", "hotlist")}) == Spoken(Level.III, "已在 3 个站点出现", can_wait=True)


def test_comments_and_offices_are_no_sites() -> None:
    places = {("bbs", "feed"), ("bbs-c", "comments"), ("weibo-c", "comments"), ("county", "official")}
    assert by_sites(places | {("paper", "press")}) is None


def test_one_site_that_stands_twice_counts_once() -> None:
    assert by_sites({("bbs", "feed"), ("bbs", "press"), ("weibo", "feed")}) is None


MARKS = {Level.II: Marks(100_000, 1_000, 1_000), Level.III: Marks(10_000, 100, 100)}


@pytest.mark.parametrize(
    ("counts", "spoken"),
    [
        (Counts(views=9_999, reposts=99, comments=99), None),
        (Counts(views=10_000), Spoken(Level.III, "24 小时浏览 1.0万，达到Ⅲ级标准（1.0万）")),
        (Counts(views=20_000, reposts=1_000), Spoken(Level.II, "24 小时转发 1000，达到Ⅱ级标准（1000）")),
        (Counts(), None),
    ],
    ids=["below", "at the mark", "any one mark suffices, the gravest counts", "unknown"],
)
def test_counts_speak_with_their_figure_and_the_mark(counts: Counts, spoken: Spoken | None) -> None:
    assert by_counts(MARKS, counts) == spoken


def test_the_gravest_speaks_and_where_nothing_does_it_is_a_plain_matter() -> None:
    assert gravest([None, Spoken(Level.III, "a"), Spoken(Level.II, "b")]) == Spoken(Level.II, "b")
    assert gravest([None]) == Spoken(Level.IV)
