import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import feedparser
import pytest
from aiohttp import ClientSession

from bot.demo.county import SampleText, load_texts
from bot.demo.sources import SampleSources, source_urls

TEXTS = load_texts()
START = 1_790_000_000.25
FEEDS = ("news", "forum", "media", "board")


class Clock:
    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def sources(clock: Clock) -> AsyncIterator[SampleSources]:
    server = SampleSources(TEXTS, now=clock, started_at=START)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def web() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


def due(source: str, seconds: float) -> list[SampleText]:
    """The texts of a source that are public so long after the start, newest first as in the feeds."""
    return [text for text in TEXTS if text.source == source and text.at <= seconds][::-1]


async def read_feed(web: ClientSession, sources: SampleSources, source: str) -> Any:
    async with web.get(source_urls(sources.base_url)[source]) as answer:
        assert answer.status == 200
        return feedparser.parse(await answer.read())


async def read_comments(web: ClientSession, sources: SampleSources, since: str = "") -> dict[str, Any]:
    address = source_urls(sources.base_url)["comments"]
    async with web.get(address, params={"since": since} if since else {}) as answer:
        body = await answer.json()
    assert body["code"] == 0
    data: dict[str, Any] = body["data"]
    return data


async def all_comments(
    web: ClientSession, sources: SampleSources, since: str = ""
) -> tuple[list[dict[str, Any]], str]:
    """Follow the cursor until a page is empty."""
    items: list[dict[str, Any]] = []
    while (page := await read_comments(web, sources, since))["items"]:
        items += page["items"]
        since = page["next"]
    return items, since


@pytest.mark.parametrize("source", FEEDS)
@pytest.mark.parametrize("seconds", [0, 300, 2000])
async def test_a_feed_holds_exactly_the_newest_published_texts(
    sources: SampleSources, clock: Clock, web: ClientSession, source: str, seconds: int
) -> None:
    clock.at = START + seconds
    feed = await read_feed(web, sources, source)
    assert not feed.bozo
    assert feed.version == ("atom10" if source == "media" else "rss20")
    expected = due(source, seconds)[:40]
    assert [entry.id for entry in feed.entries] == [text.id for text in expected]
    for entry, text in zip(feed.entries, expected, strict=True):
        assert entry.title == text.title
        assert entry.summary == f"<p>{text.text}</p>"
        assert entry.link == f"{sources.base_url}/page/{text.id}"
        assert entry.get("slash_comments") == (
            None if text.counts.comments is None else str(text.counts.comments)
        )
        if text.counts.views is not None:
            assert entry.media_statistics["views"] == str(text.counts.views)
        if text.counts.reposts is not None:
            assert entry.media_statistics["reposts"] == str(text.counts.reposts)


@pytest.mark.parametrize("source", FEEDS)
async def test_a_live_text_carries_the_instant_at_which_it_came(
    sources: SampleSources, clock: Clock, web: ClientSession, source: str
) -> None:
    clock.at = START + 1000
    feed = await read_feed(web, sources, source)
    newest = due(source, 1000)[0]
    said = datetime(*feed.entries[0].published_parsed[:6], tzinfo=UTC).timestamp()
    assert said == pytest.approx(START + newest.at, abs=1)


async def test_older_news_lies_before_the_start_in_its_order(
    sources: SampleSources, web: ClientSession
) -> None:
    feed = await read_feed(web, sources, "news")
    instants = [datetime(*e.published_parsed[:6], tzinfo=UTC).timestamp() for e in feed.entries]
    assert instants == sorted(set(instants), reverse=True)
    assert max(instants) < START - 600


async def test_one_feed_wraps_its_texts_in_cdata_and_the_others_escape(
    sources: SampleSources, web: ClientSession
) -> None:
    wrapped = {}
    for source in FEEDS:
        async with web.get(source_urls(sources.base_url)[source]) as answer:
            wrapped[source] = "<![CDATA[" in await answer.text()
    assert wrapped == {"news": True, "forum": False, "media": False, "board": False}


async def test_markup_in_a_text_stays_text(clock: Clock, web: ClientSession) -> None:
    spiky = '1<2 & ]]> "<script>alert(1)</script>"'
    texts = [SampleText(s, s, TEXTS[0].kind, spiky, spiky, 0) for s in ("news", "forum", "media")]
    server = SampleSources(texts, now=clock)
    await server.start()
    try:
        for source in ("news", "forum", "media"):
            (entry,) = (await read_feed(web, server, source)).entries
            assert "1&lt;2 &amp; ]]&gt;" in entry.summary
            async with web.get(source_urls(server.base_url)[source]) as answer:
                assert "<script>" not in await answer.text()
        async with web.get(f"{server.base_url}/page/news") as answer:
            page = await answer.text()
        assert "<script>" not in page
        assert "&lt;script&gt;" in page
    finally:
        await server.stop()


@pytest.mark.parametrize("source", FEEDS)
@pytest.mark.parametrize("validator", [("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since")])
async def test_an_unchanged_feed_answers_304_and_a_changed_one_does_not(
    sources: SampleSources, clock: Clock, web: ClientSession, source: str, validator: tuple[str, str]
) -> None:
    given, asked = validator
    address = source_urls(sources.base_url)[source]
    async with web.get(address) as answer:
        headers = {asked: answer.headers[given]}
    async with web.get(address, headers=headers) as answer:
        assert answer.status == 304
        assert await answer.read() == b""
        assert answer.headers[given] == headers[asked]
    clock.at = START + 400
    async with web.get(address, headers=headers) as answer:
        assert answer.status == 200
        assert answer.headers[given] != headers[asked]


async def test_the_tag_outranks_the_date(sources: SampleSources, clock: Clock, web: ClientSession) -> None:
    address = source_urls(sources.base_url)["news"]
    async with web.get(address) as answer:
        date = answer.headers["Last-Modified"]
    stale = {"If-None-Match": '"something-older"', "If-Modified-Since": date}
    async with web.get(address, headers=stale) as answer:
        assert answer.status == 200


async def test_a_later_clock_shows_new_texts_with_the_water_cut_first(
    sources: SampleSources, clock: Clock, web: ClientSession
) -> None:
    before = {entry.id for entry in (await read_feed(web, sources, "forum")).entries}
    clock.at = START + 4
    (new,) = [e for e in (await read_feed(web, sources, "forum")).entries if e.id not in before]
    assert "停水第三天" in new.title


async def test_the_cursor_leads_through_every_comment_once(
    sources: SampleSources, clock: Clock, web: ClientSession
) -> None:
    clock.at = START + 900
    items, cursor = await all_comments(web, sources)
    assert [item["rpid_str"] for item in items] == [text.id for text in due("comments", 900)][::-1]
    assert len(items) > 40  # more than one page
    clock.at = START + 1100
    later, _ = await all_comments(web, sources, cursor)
    assert [c["rpid_str"] for c in later] == [
        t.id for t in TEXTS if t.source == "comments" and 900 < t.at <= 1100
    ]


async def test_a_comment_names_its_thread_its_second_and_a_person(
    sources: SampleSources, clock: Clock, web: ClientSession
) -> None:
    clock.at = START + 2000
    items, _ = await all_comments(web, sources)
    by_id = {text.id: text for text in TEXTS}
    for item in items:
        text = by_id[item["rpid_str"]]
        assert item["parent_id"] == item["root_id"] == text.parent
        assert item["content"]["message"] == text.text
        assert item["like"] == (text.counts.likes or 0)
        assert item["member"]["name"]
        if text.at:
            assert item["ctime"] == int(START + text.at)
        else:
            assert item["ctime"] < START


async def test_an_empty_page_gives_the_cursor_back(sources: SampleSources, web: ClientSession) -> None:
    _, cursor = await all_comments(web, sources)
    assert (await read_comments(web, sources, cursor))["next"] == cursor


@pytest.mark.parametrize("cursor", ["x", "1", "1.2.3", "-1.2", "9" * 40 + ".1", "٣.٤"])
async def test_what_is_no_cursor_is_refused(sources: SampleSources, web: ClientSession, cursor: str) -> None:
    address = source_urls(sources.base_url)["comments"]
    async with web.get(address, params={"since": cursor}) as answer:
        assert answer.status == 400
        assert (await answer.json())["code"] == -400


async def test_a_text_brought_forward_is_there_at_once_and_only_once(
    sources: SampleSources, clock: Clock, web: ClientSession
) -> None:
    clock.at = START + 10
    burst = next(text for text in TEXTS if text.source == "media" and text.story == "plastic-trees")
    sources.publish_now(burst.id)
    sources.publish_now(burst.id)
    newest = (await read_feed(web, sources, "media")).entries[0]
    assert newest.id == burst.id
    assert datetime(*newest.published_parsed[:6], tzinfo=UTC).timestamp() == int(clock.at)
    clock.at = START + 2000
    assert sources.published_ids().count(burst.id) == 1
    assert sources.published_ids()[-1] == TEXTS[-1].id


async def test_a_public_text_keeps_its_place_when_it_is_brought_forward(
    sources: SampleSources, clock: Clock
) -> None:
    clock.at = START + 100
    before = sources.published_ids()
    sources.publish_now(TEXTS[0].id)
    assert sources.published_ids() == before


async def test_a_comment_brings_the_text_that_it_answers(sources: SampleSources) -> None:
    comment = [text for text in TEXTS if text.source == "comments"][-1]
    sources.publish_now(comment.id)
    assert sources.published_ids()[-1] == comment.id
    assert comment.parent in sources.published_ids()


async def test_comments_of_one_instant_are_not_skipped_by_the_cursor(
    sources: SampleSources, web: ClientSession
) -> None:
    late, early = [t.id for t in TEXTS if t.source == "comments" and t.at > 0][5:1:-3]
    _, cursor = await all_comments(web, sources)
    sources.publish_now(late)
    first, cursor = await all_comments(web, sources, cursor)
    sources.publish_now(early)  # stands before the other in the texts, comes after it here
    second, _ = await all_comments(web, sources, cursor)
    assert [[c["rpid_str"] for c in page] for page in (first, second)] == [[late], [early]]


async def test_an_unknown_text_cannot_be_brought_forward(sources: SampleSources) -> None:
    with pytest.raises(KeyError):
        sources.publish_now("no-such-text")


async def test_a_server_started_again_serves_the_same_bytes(clock: Clock, web: ClientSession) -> None:
    answers = []
    clock.at = START + 700
    port = 0
    for _ in range(2):
        server = SampleSources(TEXTS, port=port, now=clock, started_at=START)
        await server.start()
        port = int(server.base_url.rsplit(":", 1)[1])
        bodies = []
        for address in source_urls(server.base_url).values():
            async with web.get(address) as answer:
                bodies.append((await answer.read(), answer.headers.get("ETag")))
        answers.append(bodies)
        await server.stop()
    assert answers[0] == answers[1]


def test_the_pace_shortens_the_story() -> None:
    clock = Clock()
    server = SampleSources(TEXTS, now=clock, started_at=START, pace=10.0)
    clock.at = START + 60
    assert set(server.published_ids()) == {text.id for text in TEXTS if text.at <= 600}


def test_without_a_start_the_story_begins_when_the_object_is_made() -> None:
    before = time.time()
    server = SampleSources(TEXTS)
    assert before <= server.started_at <= time.time()
    assert set(server.published_ids()) == {text.id for text in TEXTS if text.at == 0}


def test_a_pace_that_stands_still_is_refused() -> None:
    with pytest.raises(ValueError, match="pace"):
        SampleSources(TEXTS, pace=0)


async def test_a_page_shows_the_text_its_comments_and_no_script(
    sources: SampleSources, clock: Clock, web: ClientSession
) -> None:
    clock.at = START + 200
    water = next(text for text in TEXTS if text.at == 4)
    async with web.get(f"{sources.base_url}/page/{water.id}") as answer:
        assert answer.status == 200
        assert answer.content_type == "text/html"
        page = await answer.text()
    assert water.title in page
    assert water.text in page
    assert "云汀论坛" in page
    answers = [text for text in TEXTS if text.parent == water.id and text.at <= 200]
    assert answers
    assert all(text.text in page for text in answers)
    async with web.get(f"{sources.base_url}/page/{answers[0].id}") as answer:
        assert f"/page/{water.id}" in await answer.text()


async def test_a_page_is_not_there_before_its_time(
    sources: SampleSources, clock: Clock, web: ClientSession
) -> None:
    last = TEXTS[-1]
    for path in (f"/page/{last.id}", "/page/none"):
        async with web.get(f"{sources.base_url}{path}") as answer:
            assert answer.status == 404
            assert "没有这个页面" in await answer.text()
    clock.at = START + last.at
    async with web.get(f"{sources.base_url}/page/{last.id}") as answer:
        assert answer.status == 200


async def test_the_index_leads_to_every_source(sources: SampleSources, web: ClientSession) -> None:
    async with web.get(sources.base_url) as answer:
        page = await answer.text()
    for address in source_urls(sources.base_url).values():
        assert address in page


async def test_it_listens_on_loopback_once_and_stops_twice(clock: Clock) -> None:
    server = SampleSources(TEXTS, now=clock)
    with pytest.raises(RuntimeError):
        _ = server.base_url
    await server.stop()
    await server.start()
    assert server.base_url.startswith("http://127.0.0.1:")
    with pytest.raises(RuntimeError):
        await server.start()
    taken = SampleSources(TEXTS, now=clock, port=int(server.base_url.rsplit(":", 1)[1]))
    with pytest.raises(OSError, match="address already in use"):
        await taken.start()
    await server.stop()
    await server.stop()
