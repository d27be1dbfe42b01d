"""One round of one source: lists read down to what is known, and what is seen to ail a source on the way."""

import json
from dataclasses import fields, replace
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from aiohttp import web
from watching import START, Watch, feed, on_watch, page

from monitors.fetch import Fetched
from monitors.pace import wait_s
from monitors.poll import Outcome
from monitors.round import _success
from monitors.sources import Freshness, Mapped, Paging, Source
from routing.items import Ailment, CommentWatch, Kind, SourceState


def listing(watch: Watch, kind: str = "cursor", **more: object) -> Source:
    paging = Paging(kind, "max_id", next="next" if kind == "cursor" else None, stop=("0",))  # type: ignore[arg-type]
    mapping = Mapped(items="list", id=("id",), text=("text",), page=paging)
    return watch.source("c", kind="comments", item_kind=Kind.COMMENT, mapping=mapping, **more)


def ailments(watch: Watch) -> list[Ailment]:
    return [symptom.ailment for symptom in watch.core.harvests[-1].symptoms]


async def test_first_sight_of_a_list_reads_one_page_and_later_rounds_down_to_what_is_known() -> None:
    async with on_watch() as watch:
        site = watch.site
        poller = watch.poller(listing(watch))
        site.pages = {"/c": page(9, 8, after="x"), "/c?max_id=x": page(7, 6)}
        await poller.poll_one("c")
        assert site.asked == ["/c"]
        site.asked.clear()
        site.pages = {
            "/c": page(14, 13, after="a"),
            "/c?max_id=a": page(12, 11, after="b"),
            "/c?max_id=b": page(10, 9, after="z"),
        }
        report = await poller.poll_one("c")
        assert site.asked == ["/c", "/c?max_id=a", "/c?max_id=b"]
        assert report.new == 5
        assert ailments(watch) == []


async def test_an_entry_pinned_to_the_top_does_not_hide_the_new_ones_below_it() -> None:
    async with on_watch() as watch:
        poller = watch.poller(listing(watch))
        watch.site.pages = {"/c": page(1, 5, after="x")}
        await poller.poll_one("c")
        watch.site.pages = {"/c": page(1, 9, 8, after="x"), "/c?max_id=x": page(7, 6, 5)}
        assert (await poller.poll_one("c")).new == 4


async def test_a_list_by_heat_is_read_to_the_limit_each_round_though_its_first_page_is_as_before() -> None:
    async with on_watch() as watch:
        source = listing(watch, max_pages=3)
        assert source.mapping is not None
        assert source.mapping.page is not None
        paging = replace(source.mapping.page, newest_first=False)
        source = replace(source, mapping=replace(source.mapping, page=paging), frozen_h=2)
        poller = watch.poller(source)
        below = {"/c?max_id=b": page(5, after="d"), "/c?max_id=d": page(99, after="e")}
        watch.site.pages = {"/c": page(9, 8, after="a"), "/c?max_id=a": page(3, 2, after="b"), **below}
        await poller.poll_one("c")
        # First sight goes as deep: the rest would be news in the second round.
        assert read(watch) == [2, 3, 5, 8, 9]
        watch.site.asked.clear()
        watch.site.pages["/c?max_id=a"] = page(3, 20, 2, after="b")
        assert (await poller.poll_one("c")).new == 1
        assert read(watch) == [2, 3, 5, 8, 9, 20]
        assert watch.site.asked == ["/c", "/c?max_id=a", "/c?max_id=b"]
        assert ailments(watch) == []
        watch.site.pages["/c?max_id=a"] = page(3, 20, 2, after="0")  # one page less
        assert (await poller.poll_one("c")).new == 0
        watch.clock.advance(3 * 3600)  # hot for hours, and not one letter changed
        await poller.poll_one("c")
        assert ailments(watch) == [Ailment.FROZEN]


async def test_the_limit_of_pages_is_an_alarm_and_the_rest_is_read_in_the_next_round() -> None:
    async with on_watch() as watch:
        poller = watch.poller(listing(watch, max_pages=2))
        watch.site.pages = {"/c": page(1, after="x")}
        await poller.poll_one("c")
        watch.site.pages = {
            "/c": page(9, 8, after="a"),
            "/c?max_id=a": page(7, 6, after="b"),
            "/c?max_id=b": page(5, 4, after="d"),
            "/c?max_id=d": page(3, 2, 1, after="e"),
        }
        await poller.poll_one("c")
        assert ailments(watch) == [Ailment.PAGES]
        for _ in range(3):  # its top is known, the rest is where it was left
            await poller.poll_one("c")
        assert ailments(watch) == []
        assert read(watch) == list(range(1, 10))


def read(watch: Watch) -> list[int]:
    return sorted(int(name) for _, name in watch.core.items)


async def test_a_page_that_fails_is_a_gap_that_the_next_round_reads() -> None:
    async with on_watch() as watch:
        poller = watch.poller(listing(watch))
        watch.site.pages = {"/c": page(1, after="x")}
        await poller.poll_one("c")
        watch.site.pages = {"/c": page(6, 5, after="a"), "/c?max_id=a": web.Response(status=502)}
        report = await poller.poll_one("c")
        assert (report.status, read(watch)) == (Outcome.FAILED, [1, 5, 6])
        watch.site.pages["/c?max_id=a"] = page(4, 3, after="b")
        watch.site.pages["/c?max_id=b"] = page(2, 1, after="e")
        assert (await poller.poll_one("c")).status is Outcome.READ
        assert read(watch) == [1, 2, 3, 4, 5, 6]


async def test_a_second_burst_does_not_make_the_gap_of_the_first_one_forgotten() -> None:
    async with on_watch() as watch:
        poller = watch.poller(listing(watch, max_pages=2))
        watch.site.pages = {"/c": page(1, after="x")}
        await poller.poll_one("c")
        pages = {"/c?max_id=4": page(4, 3, after="2"), "/c?max_id=2": page(2, 1, after="0")}
        pages |= {"/c?max_id=6": page(6, 5, after="4")}
        watch.site.pages = {"/c": page(8, 7, after="6"), **pages}
        await poller.poll_one("c")
        pages |= {"/c?max_id=8": page(8, 7, after="6"), "/c?max_id=10": page(10, 9, after="8")}
        pages |= {"/c?max_id=12": page(12, 11, after="10")}
        watch.site.pages = {"/c": page(14, 13, after="12"), **pages}
        for _ in range(8):
            await poller.poll_one("c")
        assert read(watch) == list(range(1, 15))
        assert ailments(watch) == []


async def test_numbered_pages_that_slid_down_are_read_to_the_end_of_the_gap() -> None:
    async with on_watch() as watch:
        poller = watch.poller(listing(watch, "page", max_pages=2))
        have = [1]

        def publish(*ids: int) -> None:
            have[:0] = ids
            chunks = [have[n : n + 2] for n in range(0, len(have), 2)]
            watch.site.pages = {
                ("/c" if n == 0 else f"/c?max_id={n + 1}"): page(*chunk) for n, chunk in enumerate(chunks)
            }

        publish()
        await poller.poll_one("c")
        publish(9, 8, 7, 6, 5, 4, 3, 2)
        await poller.poll_one("c")
        assert read(watch) == [1, 6, 7, 8, 9]
        publish(11, 10)  # a whole page: what was page 3 is page 4 now
        for _ in range(6):
            await poller.poll_one("c")
        assert read(watch) == list(range(1, 12))


async def test_a_page_without_a_text_is_not_the_end_of_a_list() -> None:
    async with on_watch() as watch:
        poller = watch.poller(listing(watch))
        watch.site.pages = {"/c": page(1, after="x")}
        await poller.poll_one("c")
        pictures = json.dumps({"list": [{"id": 7, "text": ""}, {"id": 6, "text": ""}], "next": "b"})
        watch.site.pages = {
            "/c": page(9, 8, after="a"),
            "/c?max_id=a": pictures,
            "/c?max_id=b": page(5, 4, 1, after="c"),
        }
        await poller.poll_one("c")
        assert read(watch) == [1, 4, 5, 8, 9]


async def test_an_answer_that_says_of_when_it_is_grows_old_though_it_stays_as_it_was() -> None:
    async with on_watch() as watch:
        mapping = Mapped(items="list", id=("id",), text=("text",), fresh=Freshness("at", 3600))
        source = watch.source("c", kind="comments", item_kind=Kind.HOTLIST, mapping=mapping)
        poller = watch.poller(source)
        body = {"list": [{"id": 1, "text": "停水"}], "at": int(START.timestamp())}
        watch.site.pages = {"/c": json.dumps(body)}
        await poller.poll_one("c")
        assert ailments(watch) == []
        watch.clock.advance(2 * 3600)
        await poller.poll_one("c")
        assert ailments(watch) == [Ailment.FROZEN]


async def test_a_feed_that_is_too_long_for_one_round_is_read_on_though_it_does_not_change() -> None:
    async with on_watch() as watch:
        poller = watch.poller(watch.source())
        watch.site.pages = {"/a": feed(*(f"t{n}" for n in range(1500)))}
        await poller.poll_one("a")
        assert not watch.core.kept["a"].baseline_done  # the rest is as old as what was read
        await poller.poll_one("a")
        assert (len(watch.core.items), watch.core.kept["a"].baseline_done) == (1500, True)
        assert (await poller.poll_one("a")).status is Outcome.UNCHANGED


async def test_a_comment_feed_on_another_host_gets_nothing_that_the_operator_allowed_its_origin() -> None:
    async with on_watch() as watch:
        origin = watch.source(headers=(("X-Key", "k"),))
        watch.site.pages = {"/a": feed("一"), "/comments": feed("内部")}
        inner = f"http://localhost:{watch.site.base.rpartition(':')[2]}/comments"
        watch.core.watched = [CommentWatch("a~1", "a", "一", inner, START + timedelta(days=1))]
        reports = {report.source_id: report for report in await watch.poller(origin).poll_due()}
        assert reports["a~1"].status is Outcome.FAILED
        assert "/comments" not in watch.site.asked


@pytest.mark.parametrize("kind", ["page", "offset"])
async def test_counted_pages_are_asked_for_by_number(kind: str) -> None:
    async with on_watch() as watch:
        poller = watch.poller(listing(watch, kind))
        watch.site.pages = {"/c": page(2, 1)}
        await poller.poll_one("c")
        second = "2" if kind == "page" else "3"
        watch.site.pages = {"/c": page(6, 5), f"/c?max_id={second}": page(4, 2)}
        assert (await poller.poll_one("c")).new == 3


async def test_a_server_whose_clock_is_off_is_told_with_the_minutes() -> None:
    async with on_watch() as watch:
        late = format_datetime(START - timedelta(minutes=12), usegmt=True)
        watch.site.pages = {"/a": web.Response(body=feed("一").encode(), headers={"Date": late})}
        report = await watch.poller(watch.source()).poll_one("a")
        assert ailments(watch) == [Ailment.DRIFT]
        assert any("慢 12 分钟" in note for note in report.notes)


async def test_a_permanent_redirect_is_followed_told_and_never_stored() -> None:
    async with on_watch() as watch:
        watch.site.pages = {
            "/a": web.Response(status=301, headers={"Location": "/new"}),
            "/new": feed("一"),
        }
        poller = watch.poller(watch.source())
        await poller.poll_one("a")
        assert ailments(watch) == [Ailment.MOVED]
        await poller.poll_one("a")
        assert watch.site.asked == ["/a", "/new", "/a", "/new"]


async def test_success_without_a_change_for_hours_is_a_cache_and_one_change_ends_it() -> None:
    async with on_watch() as watch:
        poller = watch.poller(watch.source(frozen_h=2))
        watch.site.pages = {"/a": feed("一")}
        await poller.poll_one("a")
        for _ in range(2):
            watch.clock.advance(3600 + 60)
            watch.site.pages = {"/a": feed("一")}
            await poller.poll_one("a")
        assert ailments(watch) == [Ailment.FROZEN]
        watch.site.pages = {"/a": feed("一", "二")}
        await poller.poll_one("a")
        assert ailments(watch) == []


async def test_what_answered_as_before_is_committed_together_and_does_not_go_through_the_door() -> None:
    async with on_watch() as watch:
        names = [f"s{n}" for n in range(7)]
        watch.site.pages = {f"/{name}": feed(name) for name in names}
        poller = watch.poller(*(watch.source(name) for name in names))
        await poller.poll_due()
        taken = len(watch.core.harvests)
        watch.clock.advance(60)
        reports = await poller.poll_due()
        assert {report.status for report in reports} == {Outcome.UNCHANGED}
        assert len(watch.core.harvests) == taken
        assert sorted(name for batch in watch.core.touched for name in batch) == names
        assert len(watch.core.touched) < len(names)
        assert {state.last_ok_at for state in watch.core.kept.values()} == {watch.clock.now}


async def test_known_entries_are_not_parsed_again_after_a_restart() -> None:
    async with on_watch() as watch:
        watch.site.pages = {"/a": feed("一", "二")}
        await watch.poller(watch.source()).poll_one("a")
        watch.site.pages = {"/a": feed("三", "一", "二")}
        report = await watch.poller(watch.source()).poll_one("a")
        assert [item.title for item in watch.core.harvests[-1].items] == ["三"]
        assert (report.entries, report.new) == (3, 1)


async def test_a_comment_feed_under_watch_is_a_source_of_its_own_for_a_while() -> None:
    async with on_watch() as watch:
        origin = watch.source(tags=("本县",))
        watch.site.pages = {"/a": feed("一"), "/comments": feed("我家也停水")}
        url = f"http://{watch.site.base}/comments"
        watch.core.watched = [CommentWatch("a~1", "a", "一", url, START + timedelta(days=1))]
        poller = watch.poller(origin)
        reports = {report.source_id: report for report in await poller.poll_due()}
        assert set(reports) == {"a", "a~1"}
        [comments] = [h for h in watch.core.harvests if h.source_id == "a~1"]
        [item] = comments.items
        assert (item.parent_id, item.kind, comments.tags) == ("一", Kind.COMMENT, ("本县",))
        watch.core.watched = []
        watch.clock.advance(120)
        assert [report.source_id for report in await poller.poll_due()] == ["a"]


async def test_lines_that_could_not_be_read_are_told_with_the_name_of_their_file(tmp_path: Path) -> None:
    good = [json.dumps({"id": n, "text": f"停水{n}"}) for n in range(4)]
    (tmp_path / "a.jsonl").write_text(good[0] + "\n")
    (tmp_path / "b.jsonl").write_text(good[1] + "\n")
    async with on_watch() as watch:
        mapping = Mapped(items=None, id=("id",), text=("text",))
        poller = watch.poller(
            watch.source("f", kind="file", url="", path=str(tmp_path / "*.jsonl"), mapping=mapping)
        )
        await poller.poll_one("f")
        with (tmp_path / "b.jsonl").open("a") as file:
            file.write(f"{good[2]}\nhalf\n{good[3]}\n")
        assert (await poller.poll_one("f")).new == 2
        (symptom,) = watch.core.harvests[-1].symptoms
    assert symptom.detail == "文件 b.jsonl 新写的部分：已跳过：1 行不是 JSON（第 2 行）"


async def test_a_due_time_that_another_machine_has_moved_is_believed() -> None:
    async with on_watch() as watch:
        watch.site.pages = {"/a": feed("一")}
        poller, other = watch.poller(watch.source()), watch.poller(watch.source())
        await poller.poll_due()
        watch.clock.advance(60)
        await other.poll_one("a")
        assert await poller.poll_due() == ()


async def test_after_the_clock_was_set_back_the_store_says_what_is_due() -> None:
    async with on_watch() as watch:
        watch.site.pages = {"/a": feed("一")}
        poller = watch.poller(watch.source())
        await poller.poll_due()
        watch.clock.advance(-7200)
        watch.core.kept = {}  # as the core puts its rows right after a step
        assert await poller.poll_due() == ()
        poller.forget_schedule()
        assert len(await poller.poll_due()) == 1


async def test_a_file_is_read_on_where_it_was_left(tmp_path) -> None:
    async with on_watch() as watch:
        path = tmp_path / "comments.jsonl"
        path.write_text(_lines(1, 2), encoding="utf-8")
        mapping = Mapped(items=None, id=("id",), text=("text",))
        source = watch.source("f", kind="file", url="", path=str(path), mapping=mapping)
        poller = watch.poller(source)
        assert (await poller.poll_one("f")).new == 2
        with path.open("a", encoding="utf-8") as file:
            file.write(_lines(3) + '{"id": 4, "te')
        assert (await poller.poll_one("f")).new == 1
        with path.open("a", encoding="utf-8") as file:
            file.write('xt": "停水4"}\n')
        assert (await poller.poll_one("f")).new == 1
        assert (await poller.poll_one("f")).status is Outcome.UNCHANGED


def _lines(*ids: int) -> str:
    return "".join(json.dumps({"id": n, "text": f"停水{n}"}, ensure_ascii=False) + "\n" for n in ids)


async def test_a_page_that_changed_ails_until_it_is_as_it_was() -> None:
    async with on_watch() as watch:
        poller = watch.poller(watch.source("p", kind="page"))
        for body, seen in (("欢迎访问", []), ("赌场开业", [Ailment.TAMPERED]), ("欢迎访问", [])):
            html = f"<html><title>县政府</title><body><p>{body}本站</p></body></html>"
            watch.site.pages = {"/p": html}
            await poller.poll_one("p")
            assert ailments(watch) == seen
        assert watch.core.harvests[-1].items == ()


@pytest.mark.parametrize(
    ("expected_per_h", "fresh_s", "wait"),
    [
        (None, None, 60),  # nothing learned: as often as is allowed
        (None, 300, 300),  # its own word
        (None, 1e9, 3600),  # ... but no further than the operator lets it
        (30, None, 60),
        (2, None, 450),  # an item in half an hour: four times in that
        (0.01, None, 3600),
        (0, None, 3600),
        (2, 900, 900),
    ],
)
def test_the_next_poll_lies_within_the_bounds_of_the_source(
    expected_per_h: float | None, fresh_s: float | None, wait: float
) -> None:
    source = Source("a", "a", "feed", "http://x/", "x", Kind.POST, interval_s=60, max_interval_s=3600)
    assert wait_s(source, expected_per_h, fresh_s) == wait


def test_without_a_longer_bound_a_source_is_never_asked_less_often() -> None:
    source = Source("a", "a", "feed", "http://x/", "x", Kind.POST, interval_s=60)
    assert wait_s(source, 0.01, 86_400) == 60


async def test_an_answer_as_before_keeps_all_that_is_remembered_but_what_it_says_itself() -> None:
    async with on_watch() as watch:
        source = watch.source()
        old = SourceState(
            source.id,
            etag='"1"',
            last_modified="Sat, 21 Nov 2026 02:00:00 GMT",
            cursor="c",
            body_hash="h",
            failures=3,
            next_poll_at=START,
            last_ok_at=START,
            validator_url="http://other.example/",
            raw_hashes=b"12345678",
            memory="{}",
            ttl_s=60,
            mirror=1,
            changed_at=START,
            expected_per_h=0.5,
            approve_asked_at=START,
        )
        assert all(getattr(old, field.name) for field in fields(old) if field.name != "baseline_done")
        now = START + timedelta(hours=1)
        new = _success(source, old, Fetched(304, b"", "", source.url, not_modified=True), now, changed=False)
        assert new == replace(
            old,
            failures=0,
            next_poll_at=new.next_poll_at,
            last_ok_at=now,
            baseline_done=True,
            validator_url=source.url,
            mirror=0,
        )
