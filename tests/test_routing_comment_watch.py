"""Comment feeds that entries name: watched for a day when their count rises, and their comments find their text."""

from datetime import datetime, timedelta

import pytest
from builders import HOUR, MINUTE, Desk, harvest, item
from sqlalchemy import select

from routing import comment_watch
from routing.items import CommentFeed, CommentWatch, Kind
from routing.store.tables import CaseItemRow, CaseRow, CommentWatchRow, ItemRow, SourceRow

WATER = "东湖小区今天又停水了，物业不管"
DAY = timedelta(days=1)
URL = "http://bbs.example/1/comments"


@pytest.fixture
def known(desk: Desk) -> Desk:
    desk.know()
    return desk


def shows(desk: Desk, count: int | None, url: str = URL, parent: str = "1") -> None:
    """Take in a round of `bbs` in which one entry names its comment feed."""
    desk.take(harvest(comment_feeds=(CommentFeed(parent, url, count),)))


def active(desk: Desk) -> list[CommentWatch]:
    return desk.run(lambda s: comment_watch.active(s, desk.clock()))


def until(desk: Desk) -> list[datetime]:
    return [watch.until for watch in active(desk)]


def test_the_first_sight_of_a_count_is_only_remembered(known):
    shows(known, 12)
    assert active(known) == []
    assert [row.count for row in known.all(CommentWatchRow)] == [12]


def test_a_count_that_rises_is_watched_for_a_day(known):
    shows(known, 12)
    known.clock.advance(HOUR)
    shows(known, 13)
    name = comment_watch.name_of("bbs", URL)
    assert active(known) == [CommentWatch(name, "bbs", "1", URL, known.clock() + DAY)]
    known.clock.advance(DAY - MINUTE)
    assert len(active(known)) == 1
    known.clock.advance(MINUTE)
    assert active(known) == []


def test_each_rise_begins_the_day_anew_and_the_same_count_does_not(known):
    shows(known, 1)
    shows(known, 2)
    known.clock.advance(HOUR)
    shows(known, 2)
    assert until(known) == [known.clock() - HOUR + DAY]
    shows(known, 3)
    assert until(known) == [known.clock() + DAY]


def test_a_count_that_fell_is_taken_as_it_is_so_that_the_next_rise_is_seen(known):
    shows(known, 9)
    shows(known, 3)
    assert active(known) == []
    shows(known, 4)
    assert len(active(known)) == 1


def test_a_feed_without_a_count_is_watched_for_a_day_if_its_text_is_a_matters(known):
    feeds = (CommentFeed("w", URL), CommentFeed("x", URL + "2"))
    texts = (item(WATER, external_id="w"), item("今天天气不错", external_id="x"))
    known.take(harvest(*texts, comment_feeds=feeds))
    first_seen = known.clock()
    assert [(watch.parent_id, watch.until) for watch in active(known)] == [("w", first_seen + DAY)]
    known.clock.advance(2 * DAY)
    known.take(harvest(comment_feeds=feeds))
    assert active(known) == []


def test_fifty_of_one_origin_are_watched_those_that_rose_last(known):
    urls = [f"{URL}/{n:02d}" for n in range(52)]
    for count in (1, 2):
        for url in urls:
            known.clock.advance(seconds=1)
            shows(known, count, url)
    assert {watch.url for watch in active(known)} == {*urls[2:]}
    known.take(harvest(source="weibo", comment_feeds=(CommentFeed("1", URL, 1),)))
    known.take(harvest(source="weibo", comment_feeds=(CommentFeed("1", URL, 2),)))
    assert len(active(known)) == 51


def test_the_name_of_a_watched_feed_fits_and_is_the_same_every_time():
    name = comment_watch.name_of("a" * comment_watch.ORIGIN_LETTERS, URL)
    assert len(name) == 64
    assert name == comment_watch.name_of("a" * comment_watch.ORIGIN_LETTERS, URL)
    assert comment_watch.name_of("bbs", URL) != comment_watch.name_of("bbs", URL + "2")


def test_a_source_with_too_long_a_name_is_read_without_its_comments(known):
    source = "a" * 60
    known.take(harvest(source=source, comment_feeds=(CommentFeed("1", URL, 1),)))
    assert known.all(CommentWatchRow) == []


def test_what_was_not_shown_for_thirty_days_is_forgotten_as_a_source_too(known):
    shows(known, 1)
    name = comment_watch.name_of("bbs", URL)
    known.know(name)
    known.clock.advance(timedelta(days=29))
    shows(known, 1, URL + "2")
    assert len(known.all(CommentWatchRow)) == 2
    known.clock.advance(timedelta(days=2))
    shows(known, 1, URL + "2")
    assert [row.url for row in known.all(CommentWatchRow)] == [URL + "2"]
    assert known.run(lambda s: s.scalar(select(SourceRow.id).where(SourceRow.id == name))) is None


# --- the comments -------------------------------------------------------------------------------------------------


def comment(text: str, source: str, parent: str):
    return item(text, kind=Kind.COMMENT, parent_id=parent, source_id=source, published_at=None)


def test_a_comment_of_a_watched_feed_joins_the_text_that_it_answers_in_the_origin(known):
    known.accept(item(WATER, external_id="w"))
    name = comment_watch.name_of("bbs", URL)
    known.know(name)
    known.accept(comment("我们楼也是，支持楼主", name, "w"), source=name)
    assert len(known.all(CaseItemRow)) == 2


def test_it_joins_however_long_ago_the_text_came(known):
    known.accept(item(WATER, external_id="w"))
    name = comment_watch.name_of("bbs", URL)
    known.know(name)
    known.clock.advance(timedelta(days=20))
    known.accept(comment("二十天了还没有来水", name, "w"), source=name)
    assert len(known.all(CaseItemRow)) == 2


def test_it_does_not_join_a_text_of_another_source_that_has_the_same_id(known):
    known.know("weibo", "bbs2")
    for source in ("weibo", "bbs2"):
        known.accept(item(WATER, external_id="w", source_id=source), source=source)
    known.accept(item("今天天气不错", external_id="w"))
    name = comment_watch.name_of("bbs", URL)
    known.know(name)
    known.accept(comment("支持楼主", name, "w"), source=name)
    assert len(known.all(CaseRow)) == 1
    assert len(known.all(CaseItemRow)) == 2
    assert len(known.all(ItemRow)) == 4


def test_a_count_beyond_32_bits_is_kept(known):
    shows(known, 3_000_000_000)
    assert [row.count for row in known.all(CommentWatchRow)] == [3_000_000_000]
