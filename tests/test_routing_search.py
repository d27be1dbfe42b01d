"""Looking for matters: what is found, by whom, and what must not be."""

import importlib
import json

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from builders import Desk, item
from sqlalchemy import delete, select, text

from routing import search
from routing.store.tables import SearchRow
from routing.wanted import words_of
from routing.workflow import Command, State


def found(desk: Desk, typed: str, *, channels=None, with_drafts=False, page=0, size=8):
    hits, more = desk.run(
        lambda s: search.find(
            s, words_of(typed), channels=channels, with_drafts=with_drafts, page=page, size=size
        )
    )
    return [hit.case_id for hit in hits], more


def numbers(desk: Desk, typed: str, **more) -> list[int]:
    return found(desk, typed, **more)[0]


def test_a_word_of_two_letters_is_found_in_title_text_place_and_number(desk):
    water = desk.open("物业一直不管，东湖小区今天又停水了", title="居民反映用水困难")
    landslip = desk.open("西山小区后面塌方，路堵了")
    assert numbers(desk, "停水") == [water]
    assert numbers(desk, "用水") == [water]  # its title
    assert numbers(desk, "西山") == [landslip]
    assert numbers(desk, "路堵") == [landslip]
    assert numbers(desk, "小区") == [landslip, water]  # newest first
    assert numbers(desk, desk.case(water).number) == [water]
    assert numbers(desk, desk.case(water).number.lower().replace("-", "")) == [water]
    assert numbers(desk, "停电") == []


def test_all_words_must_be_there_and_each_as_it_was_typed(desk):
    water = desk.open("东湖小区停水，物业不管")
    desk.open("西山小区停水，没人修")
    assert numbers(desk, "停水 物业") == [water]
    assert numbers(desk, "東湖小區 停水") == [water]
    assert numbers(desk, "停水，物业") == [water]  # what stands between is no letter
    assert numbers(desk, "物业停水") == []


def test_pairs_that_stand_apart_are_no_word(desk):
    desk.open("东湖小区停水，路边的水压箱坏了，停在路边的水车也没水压")
    assert numbers(desk, "停水压") == []  # 停水 and 水压 are there
    assert len(numbers(desk, "停水")) == 1


def test_pages_follow_each_other_and_say_whether_more_come(desk):
    made = [desk.open(told) for told in LANDSLIPS]
    first, more = found(desk, "塌方", size=2)
    assert (first, more) == ([made[2], made[1]], True)
    assert found(desk, "塌方", size=2, page=1) == ([made[0]], False)
    assert found(desk, "塌方", size=3) == (made[::-1], False)
    assert found(desk, "塌方", size=2, page=9) == ([], False)


LANDSLIPS = ("东湖小区北门塌方", "西山小区后坡塌方", "青禾县供销社旧楼爆炸，引起塌方")


def test_a_channel_finds_what_was_dispatched_to_it_and_nothing_else(desk):
    case_id = desk.open()
    assert numbers(desk, "停水", channels=["petition"]) == []  # proposed is not dispatched
    desk.walk(case_id, State.TO_SIGN)
    assert numbers(desk, "停水", channels=["petition"]) == [case_id]
    assert numbers(desk, "停水", channels=["network"]) == []
    assert numbers(desk, "停水", channels=[]) == []


def test_a_draft_is_found_by_its_readers_and_its_release_by_all(desk):
    case_id = desk.at(State.HANDLING)
    desk.act(case_id, Command.DRAFT, text="抢修队已更换泵组，今晚恢复。")
    assert numbers(desk, "泵组") == []
    assert numbers(desk, "泵组", with_drafts=True) == [case_id]
    for order in (Command.PASS, Command.CLEAR, Command.APPROVE, Command.CONFIRM):
        desk.act(case_id, order)
    assert numbers(desk, "泵组") == [case_id]


def test_an_edited_text_is_found_by_its_new_words_only(desk):
    case_id = desk.open("东湖小区停水，无人抢修", external_id="one", title="停水")
    desk.accept(item("东湖小区停水，已有师傅到场", external_id="one", title="停水"))
    assert numbers(desk, "师傅") == [case_id]
    assert numbers(desk, "无人抢修") == []


def test_texts_are_found_with_the_case_that_they_were_moved_to(desk):
    first, second = desk.open("东湖小区停水"), desk.open("西山小区停水，水泵烧了")
    assert numbers(desk, "水泵") == [second]
    desk.act(second, Command.MERGE, into=first)
    assert first in numbers(desk, "水泵")


def test_what_is_taken_from_the_index_is_found_no_more(desk):
    case_id = desk.open()
    assert numbers(desk, "停水") == [case_id]
    desk.run(lambda s: s.execute(delete(SearchRow)))
    assert numbers(desk, "停水") == []


def test_what_was_there_before_the_index_is_taken_in_by_the_migration(desk, store):
    case_id = desk.at(State.CLOSED)
    before = {(row.kind, row.ref): row.pairs for row in desk.all(SearchRow)}
    step = importlib.import_module("routing.store.migrations.versions.0010_the_words_of_matters")
    with store.engine.begin() as connection:
        if store.is_sqlite:
            connection.execute(text("DROP TABLE search_pair"))
        connection.execute(text("DROP TABLE search_text"))
        # This step alone: those that came after it are there already.
        with Operations.context(MigrationContext.configure(connection)):
            step.upgrade()
    assert {(row.kind, row.ref): row.pairs for row in desk.all(SearchRow)} == before
    assert numbers(desk, "停水") == [case_id]


@pytest.mark.parametrize("typed", ["停水", "东湖小区"])
def test_the_index_is_used(desk, store, typed):
    desk.open()
    plan = desk.run(lambda s: _plan(s, typed))
    assert ("VIRTUAL TABLE INDEX" in plan) if store.is_sqlite else ("ix_search_text_pairs" in plan)


def _plan(session, typed):
    """How the database would go about it; PostgreSQL is told to scorn scans, which are cheap on one row."""
    query = select(SearchRow.id).where(search._holds(session, words_of(typed)[0]))
    compiled = query.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
    if session.get_bind().dialect.name == "sqlite":
        return json.dumps([list(row) for row in session.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))])
    session.execute(text("SET LOCAL enable_seqscan = off"))
    return "\n".join(row[0] for row in session.execute(text(f"EXPLAIN {compiled}")))
