"""What a matter has spread in 24 hours: growth, not size, and the sentence that says so with its figure."""

from dataclasses import replace

import pytest
from builders import HOUR, Desk, item, views

from routing.office import Level
from routing.spread import grown_by
from routing.store.tables import CaseRow, OutboxRow, SpreadRow

TEXT = "东湖小区今天又停水了，物业不管"


def levels(desk: Desk) -> list[str]:
    rows = desk.all(OutboxRow)
    return [row.payload["why"] for row in rows if row.payload.get("template") == "level_raised"]


@pytest.fixture
def post(desk: Desk):
    """A text of a matter whose counts can be read anew."""
    desk.know()
    first = item(TEXT, counts=views(9_000))
    desk.accept(first)
    return first


def polled(desk: Desk, post, number: int) -> None:
    desk.accept(replace(post, counts=views(number)))


def test_a_raised_level_says_by_which_figure_and_its_card_keeps_it(desk, post):
    desk.clock.advance(HOUR)
    polled(desk, post, 123_000)
    assert levels(desk) == ["24 小时浏览 12.3万，达到Ⅱ级标准（10.0万）"]
    [case] = desk.all(CaseRow)
    assert (case.level, case.level_why) == (Level.II, "24 小时浏览 12.3万，达到Ⅱ级标准（10.0万）")


def test_an_old_text_that_suddenly_grows_is_heard(desk, post):
    desk.clock.advance(40 * HOUR)
    polled(desk, post, 9_100)
    assert levels(desk) == []
    desk.clock.advance(HOUR)
    polled(desk, post, 19_500)
    assert levels(desk) == ["24 小时浏览 1.1万，达到Ⅲ级标准（1.0万）"]


def test_a_text_that_was_large_long_ago_and_grows_slowly_is_not(desk):
    desk.know()
    post = item(TEXT, counts=views(5_000))
    desk.accept(post)
    for number in range(6_000, 14_000, 1_000):
        desk.clock.advance(10 * HOUR)
        polled(desk, post, number)
    assert levels(desk) == []
    [case] = desk.all(CaseRow)
    assert desk.run(lambda s: grown_by(s, case.id, desk.clock())).views == 3_000


def test_sums_are_kept_once_an_hour_for_three_days(desk, post):
    for hour in range(100):
        polled(desk, post, 9_001 + hour)
        polled(desk, post, 9_002 + hour)
        desk.clock.advance(HOUR)
    kept = [row.at for row in desk.all(SpreadRow)]
    assert len(kept) == len(set(kept)) == 74
