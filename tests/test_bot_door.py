"""Harvests that wait share a transaction, and what one of them breaks costs the others nothing."""

import asyncio
from dataclasses import replace

import pytest
from builders import Desk, harvest, item
from sqlalchemy import event

from bot.config import Configuration
from bot.door import AT_ONCE, ITEMS_AT_ONCE, StoreDoor, Terms
from routing import intake, sources
from routing.errors import StoreDown
from routing.store.tables import CaseRow, ItemRow

SOURCES = [f"s{number:02d}" for number in range(8)]


@pytest.fixture
def known(desk: Desk) -> Desk:
    desk.know(*SOURCES)
    return desk


def door_of(desk: Desk) -> StoreDoor:
    terms = Terms.of(Configuration(desk.office, (), desk.rules))
    return StoreDoor(desk.store, lambda: terms, desk.ledger, desk.clock, lambda: None)


def one(source: str, text: str = "东湖小区今天又停水了，物业不管"):
    return harvest(item(text, source_id=source), source=source)


def commits(desk: Desk) -> list[int]:
    seen: list[int] = []
    event.listen(desk.store.engine, "commit", lambda _: seen.append(1))
    return seen


def together(desk: Desk, *harvests, door: StoreDoor | None = None):
    """Hand all over at once; the lines of each, or the error."""

    async def work():
        there = door or door_of(desk)
        return await asyncio.gather(*(there.accept(each) for each in harvests), return_exceptions=True)

    return asyncio.run(work())


def test_what_waits_goes_into_one_transaction(known):
    seen = commits(known)
    answers = together(known, *map(one, SOURCES))
    assert len(seen) == 1
    assert all(len(lines) == 1 for lines in answers)
    assert len(known.all(ItemRow)) == len(SOURCES)
    assert len(known.all(CaseRow)) == 1


def test_each_harvest_hears_of_its_own_texts(known):
    first, second, third = together(known, one("s00"), harvest(source="s01"), one("s02", "西山小区塌方了"))
    assert "新事项" in first[0]
    assert second == []
    assert third[0].startswith("西山小区塌方了")


def test_two_harvests_of_one_source_are_taken_in_one_after_the_other(known):
    early, late = one("s00"), harvest(item("西山小区塌方了", source_id="s00"), source="s00")
    late = replace(late, state=replace(late.state, etag='"later"'))
    seen = commits(known)
    together(known, early, late)
    assert len(seen) == 2
    assert known.run(lambda s: sources.states(s, ["s00"]))["s00"].etag == '"later"'
    assert len(known.all(ItemRow)) == 2


def test_a_batch_is_bounded_in_harvests_and_in_texts(known):
    seen = commits(known)
    many = [item(f"东湖小区第{number}次停水", source_id="s00") for number in range(ITEMS_AT_ONCE)]
    together(known, harvest(*many, source="s00"), one("s01"))
    assert len(seen) == 2
    known.know(*(f"n{number}" for number in range(AT_ONCE + 1)))
    seen.clear()
    together(known, *(harvest(source=f"n{number}") for number in range(AT_ONCE + 1)))
    assert len(seen) == 2


def test_a_harvest_that_hits_a_bug_costs_the_others_nothing(known, monkeypatch):
    whole = intake.accept_all

    def breaks(session, office, rules, ledger, harvests, now):
        lines = whole(session, office, rules, ledger, harvests, now)
        if any(each.source_id == "s03" for each in harvests):
            raise ZeroDivisionError
        return lines

    monkeypatch.setattr(intake, "accept_all", breaks)
    answers = together(known, *map(one, SOURCES))
    assert [isinstance(answer, ZeroDivisionError) for answer in answers] == [s == "s03" for s in SOURCES]
    assert sorted(row.source_id for row in known.all(ItemRow)) == [s for s in SOURCES if s != "s03"]


def test_a_database_that_is_away_is_told_to_all_who_wait(known, monkeypatch):
    async def away(work, *, urgent=False):
        raise StoreDown("away")

    there = door_of(known)
    monkeypatch.setattr(known.store, "write", away)
    answers = together(known, one("s00"), one("s01"), door=there)
    assert all(isinstance(answer, StoreDown) for answer in answers)
    monkeypatch.undo()
    assert len(together(known, one("s00"), door=there)[0]) == 1


def test_nobody_waits_any_more_and_the_rest_is_taken_in(known):
    async def work():
        there = door_of(known)
        gone = asyncio.create_task(there.accept(one("s00")))
        stays = asyncio.create_task(there.accept(one("s01")))
        await asyncio.sleep(0)
        gone.cancel()
        return await stays

    assert len(asyncio.run(work())) == 1
