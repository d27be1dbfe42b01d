"""Media and the number of sites speak for a level; what offices publish and what stands under a text do not."""

import pytest

from routing.levels import by_press, by_sites
from routing.office import Level


@pytest.mark.parametrize(
    ("stood", "level"),
    [
        ({"feed", "comments"}, None),
        ({"feed", "press"}, Level.III),
        ({"press", "province"}, Level.II),
        ({"central", "official"}, Level.I),
        (set(), None),
    ],
    ids=["nobody", "city", "province", "central", "nothing"],
)
def test_the_weightiest_medium_speaks(stood: set[str], level: Level | None) -> None:
    assert by_press(stood) is level


def test_three_sites_make_a_level() -> None:
    two = {("bbs", "feed"), ("board", "board")}
    assert by_sites(two) is None
    assert by_sites(two | {("hot", "hotlist")}) is Level.III


def test_comments_and_offices_are_no_sites() -> None:
    places = {("bbs", "feed"), ("bbs-c", "comments"), ("weibo-c", "comments"), ("county", "official")}
    assert by_sites(places | {("paper", "press")}) is None


def test_one_site_that_stands_twice_counts_once() -> None:
    assert by_sites({("bbs", "feed"), ("bbs", "press"), ("weibo", "feed")}) is None
