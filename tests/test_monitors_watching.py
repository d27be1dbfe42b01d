"""The sources change under a poller at work: what is new, changed or gone, and all the others undisturbed."""

import asyncio
from datetime import timedelta

from watching import START, feed, on_watch

from routing.items import CommentWatch


async def test_new_changed_and_removed_sources_work_by_the_new_definition_and_the_others_go_on() -> None:
    async with on_watch() as watch:
        site = watch.site
        site.pages = {f"/{name}": feed(name) for name in ("a", "b", "c", "d", "new")}
        a, b, c = (watch.source(name, interval_s=600, max_interval_s=600) for name in "abc")
        poller = watch.poller(a, b, c)
        await poller.poll_due()
        site.asked.clear()
        named = watch.source("a", interval_s=600, max_interval_s=600, tags=("本县",))
        elsewhere = watch.source("b", url=f"http://{site.base}/new")
        poller.watch([named, elsewhere, watch.source("d")])
        poller.watch([named, elsewhere, watch.source("d")])
        assert {report.source_id for report in await poller.poll_due()} == {"b", "d"}
        assert sorted(site.asked) == ["/d", "/new"]
        assert await poller.poll_due() == ()  # once, then at its pace
        site.pages["/a"] = feed("a", "a2")
        watch.clock.advance(600)
        assert {report.source_id for report in await poller.poll_due()} == {"a", "b", "d"}
        assert "/c" not in site.asked
        assert watch.core.kept["c"].baseline_done  # what is remembered of it stays
        assert watch.core.harvests[-1].source_id != "c"
        [harvest] = [h for h in watch.core.harvests if h.source_id == "a" and h.tags]
        assert [item.title for item in harvest.items] == ["a2"]


async def test_a_round_under_way_ends_by_the_definition_it_began_with() -> None:
    async with on_watch() as watch:
        site = watch.site
        site.pages = {"/a": feed("甲"), "/b": feed("乙"), "/new": feed("丙")}
        poller = watch.poller(watch.source("a", interval_s=600), watch.source("b", interval_s=600))
        site.hold = asyncio.Event()
        rounds = asyncio.create_task(poller.poll_due())
        await site.arrived.wait()
        poller.watch([watch.source("a", url=f"http://{site.base}/new")])
        assert await poller.poll_due() == ()  # not twice at once
        site.hold.set()
        assert {report.new for report in await rounds} == {1}
        assert watch.core.kept["b"].baseline_done
        assert [report.new for report in await poller.poll_due()] == [1]
        assert sorted(site.asked) == ["/a", "/b", "/new"]
        assert not set(watch.core.given_back) ^ {"a", "b"}


async def test_comment_feeds_go_and_change_with_the_source_that_named_them() -> None:
    async with on_watch() as watch:
        site = watch.site
        site.pages = {"/a": feed("甲"), "/comments": feed("评论")}
        url, until = f"http://{site.base}/comments", START + timedelta(days=1)
        watch.core.watched = [CommentWatch("a~1", "a", "1", url, until)]
        poller = watch.poller(watch.source("a"))
        await poller.poll_due()
        poller.watch([watch.source("a", headers=(("X-Key", "k"),))])
        await poller.poll_due()
        assert site.asked.count("/comments") == 2
        assert site.headers[-1]["X-Key"] == "k"
        poller.watch([])
        watch.clock.advance(3600)
        assert await poller.poll_due() == ()


async def test_comments_on_their_way_answer_their_text_though_source_and_watch_end_meanwhile() -> None:
    async with on_watch() as watch:
        site = watch.site
        site.pages = {"/a": feed("甲"), "/comments": feed("评论")}
        url, until = f"http://{site.base}/comments", START + timedelta(days=1)
        poller = watch.poller(watch.source("a", interval_s=600, max_interval_s=600))
        await poller.poll_due()
        watch.core.watched = [CommentWatch("a~1", "a", "1", url, until)]
        watch.clock.advance(60)
        site.arrived.clear()
        site.hold = asyncio.Event()
        rounds = asyncio.create_task(poller.poll_due())
        await site.arrived.wait()
        poller.watch([])
        watch.core.watched = []
        watch.clock.advance(60)
        assert await poller.poll_due() == ()
        site.hold.set()
        assert [report.source_id for report in await rounds] == ["a~1"]
        assert [item.parent_id for item in watch.core.harvests[-1].items] == ["1"]
