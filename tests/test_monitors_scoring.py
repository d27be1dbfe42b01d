"""An urgent text waits for no score: its card is on its way while scores are still reckoned, and they come in later.

The scorer of these tests does not answer until it is told to.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
from builders import Desk, FakeClock, harvest, item, make_office, make_rules, wait_until
from watching import Site, feed, on_watch

from bot.config import Configuration
from bot.door import StoreDoor, Terms
from monitors.fetch import Fetcher
from monitors.poll import Outcome, Poller
from monitors.scoring import Leftovers, scored
from monitors.sources import Source
from monitors.worker import Worker
from routing.clock import Clock
from routing.items import OWN_TAG, Band, Kind, Sentiment
from routing.ledger import Ledger
from routing.rules import Rules
from routing.store.engine import Store
from routing.store.tables import CaseItemRow, CaseRow, ItemRow, OutboxRow, SourceRow

SLIDE, WATER, CALM = "西山小区塌方了快来人", "东湖小区今天又停水了，物业不管", "今天天气很好适合散步"
BY_TONE = """
county = "青禾县"

[[rule]]
id = "calm"
name = "说笑"
any = ["哈哈"]
sentiment = "not_negative"
channel = "office"

[[rule]]
id = "danger"
name = "险情"
any = ["塌方"]
channel = "security"
level = 2

[root]
channel = "office"
any = ["请问"]
"""


@dataclass(frozen=True)
class Gated:
    """A scorer for the child: it is at work, as a file in the folder says, until another file lets it go on."""

    folder: Path
    name: ClassVar[str] = "gated"
    version: ClassVar[str] = "1"

    def __call__(self) -> "Gated":
        return self

    def score(self, text: str) -> Sentiment | None:
        (self.folder / "working").touch()
        wait_until((self.folder / "open").exists)
        return self.feel()

    def feel(self) -> Sentiment:
        return Sentiment(raw=0.1, value=0.1, band=Band.NEGATIVE, scorer=self.name, version=self.version)


def door_of(store: Store, rules: Rules, desk: Desk, clock: Clock) -> StoreDoor:
    terms = Terms.of(Configuration(desk.office, (), rules))
    return StoreDoor(store, lambda: terms, Ledger(), clock, lambda: None)


@asynccontextmanager
async def gated(folder: Path) -> AsyncIterator[Worker]:
    """Give a worker whose scorer stands still; let go at the end, so that no child is left waiting."""
    worker = Worker(Gated(folder))
    try:
        yield worker
    finally:
        (folder / "open").touch()
        await worker.close()


def cards(desk: Desk) -> list[OutboxRow]:
    return desk.all(OutboxRow, OutboxRow.kind == "card")


def words(desk: Desk) -> dict[str, str | None]:
    return {row.title or row.text: row.scorer for row in desk.all(ItemRow)}


async def seen(condition) -> None:
    await asyncio.to_thread(wait_until, condition)


async def test_the_card_of_an_urgent_text_is_queued_while_scores_are_reckoned(
    desk: Desk, tmp_path: Path
) -> None:
    desk.know()
    door = door_of(desk.store, desk.rules, desk, desk.clock)
    texts = harvest(item(CALM), item(WATER), item(SLIDE))
    async with gated(tmp_path) as worker:

        async def take() -> tuple[list[str], list[str]]:
            whole, ahead = await scored(texts, worker, door)
            return list(ahead), list(await door.accept(whole))

        taking = asyncio.create_task(take())
        await seen((tmp_path / "working").exists)
        await seen(lambda: cards(desk))
        assert words(desk) == {SLIDE: None}
        assert not taking.done()
        (tmp_path / "open").touch()
        ahead, after = await taking
    assert [line.partition("　→　")[0] for line in ahead] == [SLIDE]
    assert [line.partition("　→　")[0] for line in after] == [CALM, WATER]
    assert words(desk) == dict.fromkeys([SLIDE, CALM, WATER], "gated 1")
    assert len(desk.all(CaseRow)) == len(cards(desk)) == 2


async def test_nothing_of_the_source_is_noted_before_its_whole_harvest_is_in(desk: Desk) -> None:
    desk.know()
    [before] = desk.all(SourceRow)
    plain = harvest(item(SLIDE), item(CALM))
    texts = replace(plain, state=replace(plain.state, etag='"newer"'))
    door = door_of(desk.store, desk.rules, desk, desk.clock)
    desk.clock.advance(minutes=1)
    assert len(await door.accept_urgent(texts, [one.external_id for one in texts.items])) == 1
    [ahead] = desk.all(SourceRow)
    assert (ahead.etag, ahead.last_new_at, ahead.habits) == (before.etag, before.last_new_at, before.habits)
    await door.accept(texts)
    [after] = desk.all(SourceRow)
    assert after.etag == '"newer"'


async def test_a_source_that_brought_but_an_urgent_text_has_brought_something(desk: Desk) -> None:
    """Else its silence would be an alarm."""
    desk.know()
    texts = harvest(item(SLIDE))
    door = door_of(desk.store, desk.rules, desk, desk.clock)
    now = desk.clock.advance(minutes=1)
    await door.accept_urgent(texts, [texts.items[0].external_id])
    felt = Gated(Path()).feel()
    await door.accept(replace(texts, at=now, items=(replace(texts.items[0], sentiment=felt),)))
    [source] = desk.all(SourceRow)
    assert source.last_new_at == now


async def test_where_no_score_has_to_be_waited_for_everything_is_one_transaction(desk: Desk) -> None:
    desk.know()
    door = door_of(desk.store, desk.rules, desk, desk.clock)
    worker = Worker(None)
    try:
        whole, ahead = await scored(harvest(item(SLIDE)), worker, door)
    finally:
        await worker.close()
    assert not ahead
    assert words(desk) == {}
    assert len(await door.accept(whole)) == 1


@pytest.mark.parametrize(("text", "goes"), [("塌方了", True), ("哈哈又塌方了", False), (CALM, False)])
async def test_a_text_that_a_score_could_make_harmless_waits_for_it(
    desk: Desk, text: str, goes: bool
) -> None:
    """With the tone of a joke the first rule would take it, and nobody would be called."""
    desk.know()
    texts = harvest(item(text))
    door = door_of(desk.store, make_rules(BY_TONE), desk, desk.clock)
    assert bool(await door.accept_urgent(texts, [texts.items[0].external_id])) is goes
    assert bool(words(desk)) is goes


async def test_what_bears_a_new_id_is_no_news_when_it_goes_ahead_either(desk: Desk) -> None:
    desk.know()
    olds = [
        item(f"{SLIDE}，第{name}处", title=f"西山小区{name}号楼后山塌方", url=f"http://bbs.example/{name}")
        for name in "甲乙丙丁戊己"
    ]
    desk.accept(*olds)
    count, told = len(desk.all(ItemRow)), len(cards(desk))
    news = harvest(*(replace(old, external_id=f"new-{old.external_id}") for old in olds))
    door = door_of(desk.store, desk.rules, desk, desk.clock)
    assert not await door.accept_urgent(news, [one.external_id for one in news.items])
    assert len(desk.all(ItemRow)) == count
    await door.accept(news)
    assert len(desk.all(ItemRow)) == count
    assert len(cards(desk)) == told
    assert {row.external_id for row in desk.all(ItemRow)} == {one.external_id for one in news.items}


async def test_what_a_service_left_unscored_is_scored_by_the_next_one_and_tried_once(
    desk: Desk, tmp_path: Path
) -> None:
    desk.know()
    door = door_of(desk.store, desk.rules, desk, desk.clock)
    texts = harvest(item(SLIDE))
    await door.accept_urgent(texts, [texts.items[0].external_id])
    (tmp_path / "open").touch()
    source = Source("bbs", "论坛", "feed", "http://bbs.example/", "x", Kind.POST, (OWN_TAG,))
    async with gated(tmp_path) as worker:
        left = Leftovers([source], worker, door, desk.clock)
        assert await left.score() == 0  # it may still be under way
        desk.clock.advance(minutes=11)
        assert await left.score() == 1
        assert await left.score() == 0
    assert words(desk) == {SLIDE: "gated 1"}
    assert len(desk.all(CaseRow)) == len(cards(desk)) == 1


async def test_a_text_without_chinese_is_tried_once(desk: Desk) -> None:
    desk.know()
    door = door_of(desk.store, desk.rules, desk, desk.clock)
    texts = harvest(item(SLIDE))
    await door.accept_urgent(texts, [texts.items[0].external_id])
    desk.clock.advance(minutes=11)
    worker = Asked()
    left = Leftovers(
        [Source("bbs", "论坛", "feed", "http://bbs.example/", "x", Kind.POST)], worker, door, desk.clock
    )
    assert [await left.score(), await left.score()] == [0, 0]
    assert worker.asked == [1, 0]


class Asked:
    """Scores nothing, and counts."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def unscored(self, items):
        return tuple(items)

    async def score(self, items):
        self.asked.append(len(items))
        return tuple(items)

    async def parse(self, *_: object, **__: object):
        raise AssertionError


SERVICE = """
import asyncio, sys
from test_monitors_scoring import poll_as_a_service

if __name__ == "__main__":
    asyncio.run(poll_as_a_service(*sys.argv[1:]))
"""


async def poll_as_a_service(url: str, base: str, folder: str) -> None:
    """Poll one source of the site once, with the slow scorer, over the store: what the killed process does."""
    store, clock = Store(url), FakeClock()
    terms = Terms.of(Configuration(make_office(), (), make_rules()))
    door = StoreDoor(store, lambda: terms, Ledger(), clock, lambda: None)
    async with Fetcher(clock) as fetcher:
        await Poller([source_at(base)], fetcher, Worker(Gated(Path(folder))), door, clock).poll_due()


def source_at(base: str) -> Source:
    return Source(
        id="bbs",
        name="论坛",
        kind="feed",
        url=f"http://{base}/bbs",
        site="x",
        item_kind=Kind.POST,
        tags=(OWN_TAG,),
        window_h=24,
        allow_hosts=(base,),
    )


async def test_killed_before_the_scores_came_nothing_is_lost_doubled_or_told_twice(
    desk: Desk, tmp_path: Path
) -> None:
    desk.know()
    async with on_watch() as watch:
        site: Site = watch.site
        site.pages = {"/bbs": feed(SLIDE, WATER, CALM)}
        script, tests = tmp_path / "service.py", Path(__file__).parent
        script.write_text(SERVICE)
        service = await asyncio.create_subprocess_exec(
            sys.executable,
            str(script),
            desk.store.url.render_as_string(hide_password=False),
            site.base,
            str(tmp_path),
            env=os.environ | {"PYTHONPATH": f"{tests}:{tests.parent}"},
        )
        try:
            await seen((tmp_path / "working").exists)
            await seen(lambda: cards(desk))
            assert words(desk) == {SLIDE: None}
        finally:
            service.kill()
            await service.wait()
        (tmp_path / "open").touch()
        door = door_of(desk.store, desk.rules, desk, desk.clock)
        async with gated(tmp_path) as worker:
            poller = Poller([source_at(site.base)], watch.fetcher, worker, door, desk.clock)
            report = await poller.poll_one("bbs")
    assert report.status is Outcome.READ
    assert words(desk) == dict.fromkeys([SLIDE, WATER, CALM], "gated 1")
    assert len(desk.all(CaseRow)) == len(cards(desk)) == 2
    assert len(desk.all(CaseItemRow)) == 2
