import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from watching import START, Clock, Core, Neutral, Site, feed, page

from monitors.fetch import Failed, Fetched, Fetcher
from monitors.pace import back_off_s
from monitors.poll import Outcome, Poller, SourceReport
from monitors.sources import Cursor, Mapped, Source
from monitors.worker import Worker
from routing.errors import UserError
from routing.items import Ailment, Fault, Harvest, Kind, SourceState


@pytest.fixture
async def site(clock: Clock) -> AsyncIterator[Site]:
    made = Site(clock)
    app = web.Application()
    app.router.add_get("/{tail:.*}", made.answer)
    server = TestServer(app)
    await server.start_server()
    made.base = f"127.0.0.1:{server.port}"
    yield made
    await server.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def fetcher(clock: Clock) -> AsyncIterator[Fetcher]:
    async with Fetcher(clock) as made:
        yield made


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    made = Worker(Neutral)
    yield made
    await made.close()


def source_at(site: Site, name: str, **more: object) -> Source:
    base = site.base
    plain = Source(
        id=name,
        name=name,
        kind="feed",
        url=f"http://{base}/{name}",
        site="x",
        item_kind=Kind.POST,
        allow_hosts=(base,),
    )
    return replace(plain, **more)  # type: ignore[arg-type]


async def test_one_bad_source_among_five_costs_the_others_nothing(
    site: Site, fetcher: Fetcher, worker: Worker, clock: Clock
) -> None:
    core = Core()
    names = ["a", "b", "c", "d", "e"]
    site.pages = {f"/{name}": feed(f"停水{name}，电话19900000017") for name in names}
    site.pages["/c"] = "<!doctype html><title>请登录</title>"
    done: list[SourceReport] = []
    poller = Poller([source_at(site, name) for name in names], fetcher, worker, core, clock)
    reports = {report.source_id: report for report in await poller.poll_due(done.append)}
    assert sorted(report.source_id for report in done) == names
    assert {name: report.status for name, report in reports.items()} == dict.fromkeys(
        "abde", Outcome.READ
    ) | {"c": Outcome.FAILED}
    assert reports["a"].outcomes == ("新：停水a，电话[手机号已隐去]",)
    assert (reports["a"].entries, reports["a"].new) == (1, 1)
    problem = reports["c"].problem
    assert problem is not None
    assert problem.fault is Fault.NOT_A_FEED
    assert core.kept["c"].failures == 1
    assert not core.kept["c"].baseline_done
    (item,) = next(harvest for harvest in core.harvests if harvest.source_id == "a").items
    assert item.masked == ("手机号",)
    assert item.sentiment is not None
    kept = core.kept["a"]
    assert len(kept.raw_hashes) == 8
    assert kept == SourceState(
        "a",
        body_hash=kept.body_hash,
        raw_hashes=kept.raw_hashes,
        validator_url=f"http://{site.base}/a",
        memory=kept.memory,
        changed_at=START,
        next_poll_at=START + timedelta(seconds=60),
        last_ok_at=START,
        baseline_done=True,
    )


async def test_only_what_is_due_is_polled(site: Site, fetcher: Fetcher, worker: Worker, clock: Clock) -> None:
    core = Core()
    site.pages = {"/a": feed("一"), "/b": feed("二")}
    poller = Poller(
        [source_at(site, "a"), source_at(site, "b", interval_s=600)], fetcher, worker, core, clock
    )
    assert len(await poller.poll_due()) == 2
    assert await poller.poll_due() == ()
    clock.advance(60)
    assert [report.source_id for report in await poller.poll_due()] == ["a"]
    assert (await poller.poll_one("b")).status is Outcome.UNCHANGED
    with pytest.raises(UserError, match="a、b"):
        await poller.poll_one("z")


async def test_an_unchanged_body_and_a_304_are_not_parsed(
    site: Site, fetcher: Fetcher, clock: Clock, worker: Worker
) -> None:
    core = Core()
    site.pages = {"/a": web.Response(body=feed("一").encode(), headers={"ETag": '"1"'})}
    poller = Poller([source_at(site, "a")], fetcher, worker, core, clock)
    assert (await poller.poll_one("a")).status is Outcome.READ
    await worker.close()
    idle = Poller([source_at(site, "a")], fetcher, Untouchable(), core, clock)
    assert (await idle.poll_one("a")).status is Outcome.UNCHANGED
    assert site.headers[-1]["If-None-Match"] == '"1"'
    site.pages = {"/a": web.Response(status=304)}
    clock.advance(60)
    assert (await idle.poll_one("a")).status is Outcome.UNCHANGED
    assert core.kept["a"].etag == '"1"'
    assert core.kept["a"].last_ok_at == clock.now


class Untouchable:
    async def parse(self, *_: object) -> object:
        raise AssertionError("parsed what had not changed")

    score = parse


async def test_validators_of_a_body_that_could_not_be_read_are_not_kept(
    site: Site, fetcher: Fetcher, worker: Worker, clock: Clock
) -> None:
    core = Core()
    site.pages = {"/a": web.Response(body=b"<html>login", headers={"ETag": '"login"'})}
    poller = Poller([source_at(site, "a")], fetcher, worker, core, clock)
    assert (await poller.poll_one("a")).status is Outcome.FAILED
    assert (core.kept["a"].etag, core.kept["a"].body_hash) == (None, None)


async def test_failures_back_off_and_one_success_clears_them(
    site: Site, fetcher: Fetcher, worker: Worker, clock: Clock
) -> None:
    core = Core()
    poller = Poller([source_at(site, "a")], fetcher, worker, core, clock)
    waits = []
    for _ in range(8):
        await poller.poll_one("a")
        due = core.kept["a"].next_poll_at
        assert due is not None
        waits.append((due - clock.now).total_seconds())
    assert waits == [120, 240, 480, 960, 1920, 3600, 3600, 3600]
    site.pages = {"/a": feed("一")}
    await poller.poll_one("a")
    assert core.kept["a"].failures == 0
    assert core.kept["a"].next_poll_at == clock.now + timedelta(seconds=60)


def test_back_off_never_shortens_a_long_interval() -> None:
    assert [back_off_s(7200, n) for n in (1, 6, 100)] == [7200, 7200, 7200]
    assert [back_off_s(1, n) for n in (1, 6, 100)] == [2, 64, 64]


async def test_the_wish_of_the_server_to_wait_is_honoured_up_to_a_day(
    site: Site, fetcher: Fetcher, worker: Worker, clock: Clock
) -> None:
    core = Core()
    poller = Poller([source_at(site, "a")], fetcher, worker, core, clock)
    for wish, wait in (("7200", 7200), ("5", 240), ("999999999", 86400)):
        site.pages = {"/a": web.Response(status=429, headers={"Retry-After": wish})}
        await poller.poll_one("a")
        assert core.kept["a"].next_poll_at == clock.now + timedelta(seconds=wait)


async def test_a_source_is_not_polled_twice_at_the_same_time(
    site: Site, fetcher: Fetcher, worker: Worker, clock: Clock
) -> None:
    core = Core()
    site.pages = {"/a": feed("一"), "/b": feed("二")}
    site.hold = asyncio.Event()
    poller = Poller([source_at(site, "a")], fetcher, worker, core, clock)
    running = asyncio.create_task(poller.poll_due())
    await site.arrived.wait()
    assert await poller.poll_due() == ()
    waiting = asyncio.create_task(poller.poll_one("a"))
    assert await poller.poll_due() == ()
    assert site.asked == ["/a"]
    site.hold.set()
    assert [report.status for report in await running] == [Outcome.READ]
    assert (await waiting).status is Outcome.UNCHANGED


async def test_a_door_that_fails_ends_nothing_and_is_not_tried_in_a_hot_loop(
    site: Site, fetcher: Fetcher, worker: Worker, clock: Clock
) -> None:
    core = Core()
    site.pages = {"/a": feed("一")}
    poller = Poller([source_at(site, "a")], fetcher, worker, core, clock)
    core.broken = True
    (report,) = await poller.poll_due()
    assert report.status is Outcome.FAILED
    assert report.problem is not None
    assert "OSError" in report.problem.detail
    assert "disk full" not in report.problem.detail
    core.broken = False
    assert await poller.poll_due() == ()
    clock.advance(120)
    (report,) = await poller.poll_due()
    assert report.new == 1


async def test_one_item_that_the_core_cannot_take_costs_the_others_nothing_and_is_told(
    site: Site, fetcher: Fetcher, worker: Worker, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    core = Core()
    site.pages = {"/a": web.Response(body=feed("旧").encode(), headers={"ETag": '"1"'})}
    poller = Poller([source_at(site, "a", tags=("本县",))], fetcher, worker, core, clock)
    await poller.poll_one("a")
    before = core.kept["a"]
    core.poison = "毒"
    site.pages = {"/a": web.Response(body=feed("一", "毒", "二", "旧").encode(), headers={"ETag": '"2"'})}
    clock.advance(60)
    (report,) = await poller.poll_due()
    assert (report.status, report.outcomes) == (Outcome.FAILED, ("新：一", "新：二"))
    assert report.notes == ("有 1 条未能收下",)
    after = core.kept["a"]
    assert (after.etag, after.body_hash) == (before.etag, before.body_hash)  # it is fetched again
    assert (after.failures, after.next_poll_at) == (1, clock.now + timedelta(seconds=60))
    # A harvest without a problem would tell the operator that all is well again.
    assert [h.problem is not None and h.problem.fault for h in core.harvests[1:]] == [
        Fault.UNREADABLE
    ] * 3  # two items, then the fault
    assert {h.tags for h in core.harvests} == {("本县",)}
    assert "1 items of source a were not taken in: ['毒']" in caplog.text
    site.pages = {"/a": web.Response(body=feed("三", "毒").encode(), headers={"ETag": '"3"'})}
    clock.advance(60)
    (report,) = await poller.poll_due()
    assert report.outcomes == ("新：三",)
    core.poison = ""
    clock.advance(60)
    (report,) = await poller.poll_due()
    assert (report.status, report.outcomes) == (Outcome.READ, ("新：毒",))
    assert (core.kept["a"].etag, core.kept["a"].failures) == ('"3"', 0)


async def test_a_bad_item_at_first_sight_does_not_keep_the_source_in_its_baseline(
    site: Site, fetcher: Fetcher, worker: Worker, clock: Clock
) -> None:
    core = Core()
    core.poison = "毒"
    site.pages = {"/a": feed("一", "毒")}
    await Poller([source_at(site, "a")], fetcher, worker, core, clock).poll_one("a")
    assert [h.state.baseline_done for h in core.harvests] == [False, True]


async def test_parents_are_saved_before_their_comments_and_the_older_text_first(
    site: Site, fetcher: Fetcher, worker: Worker, clock: Clock
) -> None:
    core = Core()
    core.poison = "毒"
    mapping = Mapped(
        items="list", id=("id",), text=("text",), title=("text",), parent=("parent",), time=("time",)
    )
    source = source_at(site, "c", kind="comments", item_kind=Kind.COMMENT, mapping=mapping)
    rows = [("跟帖", "9", 1), ("新", "", 1763600500), ("旧", "", 1763600000), ("毒", "", 1763600100)]
    listed = [
        {"id": n, "text": text, "parent": parent, "time": at} for n, (text, parent, at) in enumerate(rows)
    ]
    site.pages = {"/c": json.dumps({"list": listed})}
    await Poller([source], fetcher, worker, core, clock).poll_one("c")
    assert list(core.items.values()) == ["旧", "新", "跟帖"]


async def test_a_database_that_is_away_is_one_line_of_the_log_and_no_problem_of_the_source(
    site: Site, fetcher: Fetcher, worker: Worker, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    core = Core()
    site.pages = {"/a": feed("一")}
    poller = Poller([source_at(site, "a")], fetcher, worker, core, clock)
    core.away = True
    (report,) = await poller.poll_due()
    assert report.status is Outcome.FAILED
    assert report.problem is not None
    assert "数据库" in report.problem.detail
    [record] = [record for record in caplog.records if record.name == "monitors.poll"]
    assert (record.levelname, record.exc_info) == ("WARNING", None)
    core.away = False
    assert await poller.poll_due() == ()
    clock.advance(60)
    (report,) = await poller.poll_due()
    assert report.outcomes == ("新：一",)
    assert [harvest.problem for harvest in core.harvests] == [None]


class Bomb:
    async def fetch(
        self, source: Source, state: SourceState | None = None, *, cursor: str | None = None
    ) -> Fetched | Failed:
        raise RuntimeError("a bug")


async def test_a_bug_in_one_source_is_a_report_and_not_the_end_of_the_round(
    site: Site, worker: Worker, clock: Clock
) -> None:
    core = Core()
    poller = Poller([source_at(site, name) for name in "ab"], Bomb(), worker, core, clock)
    assert [report.status for report in await poller.poll_due()] == [Outcome.FAILED, Outcome.FAILED]
    assert {name: state.failures for name, state in core.kept.items()} == {"a": 1, "b": 1}
    assert all(h.problem and h.problem.fault is Fault.UNREADABLE for h in core.harvests)


def stream(site: Site, **more: object) -> Source:
    mapping = Mapped(
        items="list", id=("id",), text=("text",), parent=("parent",), cursor=Cursor("after", "next")
    )
    return source_at(site, "c", kind="comments", item_kind=Kind.COMMENT, mapping=mapping, **more)


async def test_a_comment_stream_is_read_page_by_page_and_goes_on_where_it_ended(
    site: Site, fetcher: Fetcher, worker: Worker, clock: Clock
) -> None:
    core = Core()
    site.pages = {
        "/c": page(1, 2, after="p2"),
        "/c?after=p2": page(2, 3, after="p3"),
        "/c?after=p3": page(after="p3"),
    }
    poller = Poller([stream(site)], fetcher, worker, core, clock)
    report = await poller.poll_one("c")
    assert site.asked == ["/c", "/c?after=p2", "/c?after=p3"]
    assert sorted(item.external_id for item in core.harvests[-1].items) == ["1", "2", "3"]
    assert (report.new, core.kept["c"].cursor) == (3, "p3")
    site.asked.clear()
    site.pages["/c?after=p3"] = page(4, after="p3")
    assert (await poller.poll_one("c")).new == 1
    assert site.asked == ["/c?after=p3"]


async def test_the_page_limit_is_told_and_the_next_round_goes_on(
    site: Site, fetcher: Fetcher, worker: Worker, clock: Clock
) -> None:
    core = Core()
    site.pages = {"/c": page(0, after=1)} | {f"/c?after={n}": page(n, after=n + 1) for n in range(1, 9)}
    poller = Poller([stream(site, max_pages=3)], fetcher, worker, core, clock)
    report = await poller.poll_one("c")
    assert len(site.asked) == 3
    assert any("3 页" in note for note in report.notes)
    assert core.kept["c"].cursor == "3"
    await poller.poll_one("c")
    assert sorted(int(name) for _, name in core.items) == [0, 1, 2, 3, 4, 5]


async def test_first_sight_of_a_stream_ends_where_the_stream_ends(
    site: Site, fetcher: Fetcher, worker: Worker, clock: Clock
) -> None:
    core = Core()
    site.pages = {"/c": page(0, after=1)} | {f"/c?after={n}": page(n, after=n + 1) for n in range(1, 5)}
    site.pages["/c?after=5"] = page(after=5)
    poller = Poller([stream(site, max_pages=2)], fetcher, worker, core, clock)
    reports = [await poller.poll_one("c") for _ in range(4)]
    assert [[int(item.external_id) for item in h.items] for h in core.harvests] == [[1, 0], [3, 2], [4], []]
    assert [h.state.baseline_done for h in core.harvests] == [False, False, True, True]
    assert [[symptom.ailment for symptom in h.symptoms] for h in core.harvests] == [[Ailment.PAGES]] * 2 + [
        []
    ] * 2
    assert [any("不告警" in note for note in report.notes) for report in reports] == [
        True,
        True,
        False,
        False,
    ]
    site.pages |= {f"/c?after={n}": page(n, after=n + 1) for n in range(5, 9)}
    await poller.poll_one("c")
    assert core.kept["c"].baseline_done  # a later flood is news, however many pages it has


async def test_a_cursor_that_runs_in_a_circle_ends_and_is_told_with_the_cure(
    site: Site, fetcher: Fetcher, worker: Worker, clock: Clock
) -> None:
    core = Core()
    site.pages = {
        "/c": page(1, after="x"),
        "/c?after=x": page(2, after="y"),
        "/c?after=y": page(3, after="x"),
    }
    poller = Poller([stream(site, max_pages=100)], fetcher, worker, core, clock)
    assert (await poller.poll_one("c")).new == 3
    assert len(site.asked) == 3
    (symptom,) = core.harvests[-1].symptoms
    assert (symptom.ailment, "绕圈" in symptom.detail) == (Ailment.PAGES, True)
    assert "[source.mapping] 的 cursor" in symptom.cure
    assert core.kept["c"].baseline_done


async def test_a_cursor_that_the_server_ignores_is_told_and_first_sight_ends_all_the_same(
    site: Site, fetcher: Fetcher, worker: Worker, clock: Clock
) -> None:
    core = Core()
    poller = Poller([stream(site, max_pages=3)], fetcher, worker, core, clock)
    site.pages = {"/c": page(1, 2, after="t1")} | {
        f"/c?after=t{n}": page(1, 2, after=f"t{n + 1}") for n in range(1, 9)
    }
    await poller.poll_one("c")
    assert site.asked == ["/c", "/c?after=t1"]
    assert ["绕圈" in symptom.detail for symptom in core.harvests[-1].symptoms] == [True]
    assert core.kept["c"].baseline_done
    site.pages["/c?after=t2"] = page(1, 2, 3, after="t3")
    assert (await poller.poll_one("c")).new == 1


async def test_a_circle_that_is_longer_than_a_round_ends_first_sight_when_it_comes_round(
    site: Site, fetcher: Fetcher, worker: Worker, clock: Clock
) -> None:
    core = Core()
    poller = Poller([stream(site, max_pages=2)], fetcher, worker, core, clock)
    site.pages = {"/c": page(1, after="b")} | {
        f"/c?after={at}": page(n, after=on) for at, n, on in ["b2c", "c3d", "d4a", "a1b"]
    }
    for _ in range(3):
        await poller.poll_one("c")
    assert [h.state.baseline_done for h in core.harvests] == [False, False, True]
    assert "绕圈" in core.harvests[-1].symptoms[0].detail


async def test_a_page_that_fails_keeps_the_others_and_is_asked_for_again(
    site: Site, fetcher: Fetcher, worker: Worker, clock: Clock
) -> None:
    core = Core()
    site.pages = {"/c": page(1, after="x")}
    poller = Poller([stream(site)], fetcher, worker, core, clock)
    report = await poller.poll_one("c")
    assert report.status is Outcome.FAILED
    assert report.new == 1
    assert core.kept["c"].cursor is None
    site.pages["/c?after=x"] = page(2)
    report = await poller.poll_one("c")
    assert (report.status, report.new) == (Outcome.READ, 1)


async def test_a_source_that_another_machine_has_in_hand_is_left_to_it(
    site: Site, fetcher: Fetcher, worker: Worker, clock: Clock
) -> None:
    core = Core()
    core.elsewhere = frozenset({"b"})
    site.pages = {"/a": feed("一"), "/b": feed("二")}
    poller = Poller([source_at(site, "a"), source_at(site, "b")], fetcher, worker, core, clock)
    assert [report.source_id for report in await poller.poll_due()] == ["a"]
    core.elsewhere = frozenset()
    assert [report.source_id for report in await poller.poll_due()] == ["b"]
    assert sorted(core.given_back) == ["a", "b"]


async def test_since_when_sources_wait_is_known_while_a_round_hangs_and_forgotten_once_one_is_done(
    site: Site, fetcher: Fetcher, worker: Worker, clock: Clock
) -> None:
    core = Core()
    site.pages = {"/a": feed("一"), "/b": feed("二")}
    poller = Poller([source_at(site, "a"), source_at(site, "b")], fetcher, worker, core, clock)
    assert poller.waits_since(clock()) == START  # nobody has asked anything yet
    await poller.poll_due()
    assert poller.waits_since(clock()) is None
    clock.advance(3600)
    was_due = START + timedelta(seconds=60)
    assert poller.waits_since(clock()) == was_due
    site.hold = asyncio.Event()
    running = asyncio.create_task(poller.poll_due())
    site.arrived.clear()
    await site.arrived.wait()
    assert poller.waits_since(clock()) == was_due
    core.elsewhere = frozenset({"a", "b"})
    site.hold.set()
    await running
    assert poller.waits_since(clock()) is None
    clock.advance(3600)
    await poller.poll_due()
    assert poller.waits_since(clock()) == clock()  # another machine is at them, and that is not we who hang


class Slow:
    """A fetcher that is asked by turns, so that each request takes minutes."""

    def __init__(self, fetcher: Fetcher, clock: Clock) -> None:
        self.fetcher, self.clock = fetcher, clock
        self.before_each = lambda: None

    async def fetch(
        self, source: Source, state: SourceState | None = None, *, cursor: str | None = None
    ) -> Fetched | Failed:
        self.clock.advance(500)
        self.before_each()
        return await self.fetcher.fetch(source, state, cursor=cursor)


async def test_a_long_round_that_goes_from_page_to_page_and_a_pause_at_a_host_are_no_standstill(
    site: Site, fetcher: Fetcher, worker: Worker, clock: Clock
) -> None:
    site.pages = {"/c": page(1, after="p2"), "/c?after=p2": page(2, after="p3"), "/c?after=p3": page(3)}
    slow, waited = Slow(fetcher, clock), list[timedelta]()
    poller = Poller([stream(site)], slow, worker, Core(), clock)
    slow.before_each = lambda: waited.append(clock() - (poller.waits_since(clock()) or clock()))
    await poller.poll_due()
    assert waited == [timedelta(seconds=500)] * 3
    poller.watch([stream(site, spacing_s=3600)])
    clock.advance(60)
    due = clock() + timedelta(seconds=3540)
    assert poller.waits_since(clock()) is None
    clock.advance(7200)
    assert poller.waits_since(clock()) == due


async def test_a_source_is_given_back_when_its_round_is_committed_and_not_before(
    site: Site, fetcher: Fetcher, worker: Worker, clock: Clock
) -> None:
    class Recorded(Core):
        """Keeps the order of what is asked of it."""

        def __init__(self) -> None:
            super().__init__()
            self.order: list[str] = []

        async def touch(self, states: Sequence[SourceState]) -> None:
            await super().touch(states)
            self.order.append("touched")

        async def accept(self, harvest: Harvest) -> Sequence[str]:
            self.order.append("accepted")
            return await super().accept(harvest)

        async def give_back(self, source_ids: Sequence[str]) -> None:
            self.order.append("given back")

    core = Recorded()
    site.pages = {"/a": feed("一")}
    poller = Poller([source_at(site, "a")], fetcher, worker, core, clock)
    await poller.poll_due()
    assert core.order == ["accepted", "given back"]
    clock.advance(60)
    await poller.poll_due()
    assert core.order[2:] == ["touched", "given back"]
    core.away = True
    clock.advance(60)
    await poller.poll_due()
    assert core.order[4:] == ["given back"]
