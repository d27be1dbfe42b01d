"""Bursts as the store counts them: what a matter is proposed at, what a rule hears, and what it costs to ask."""

from datetime import timedelta
from typing import Any

import pytest
from builders import MINUTE, RULES_TOML, Desk, item, make_office, make_rules

from routing.burst import Sensitivity
from routing.crowds import Crowds
from routing.items import Kind
from routing.office import Level
from routing.store.tables import CaseRow, ItemRow, OutboxRow

WATER = "东湖小区今天又停水了，物业不管"
DAY = timedelta(days=1)
LOUD_RULES = RULES_TOML.replace(
    'id = "water"',
    'id = "loud"\nname = "突然都在说"\nany = ["@供水"]\nburst = true\nchannel = "network"\nlevel = 3\n\n[[rule]]\nid = "water"',
)


def came(desk: Desk, number: int, words: str = WATER, **more: Any) -> None:
    """Let so many texts of one matter come, five minutes apart."""
    for _ in range(number):
        desk.clock.advance(5 * MINUTE)
        desk.accept(item(words, published_at=desk.clock(), **more))


def watched(desk: Desk, days: int, each: int = 1) -> None:
    """Let days pass on which about as many texts came at this hour."""
    desk.know()
    for _ in range(days):
        came(desk, each)
        desk.clock.advance(DAY - each * 5 * MINUTE)


def alarms(desk: Desk) -> list[str]:
    rows = desk.all(OutboxRow)
    return [row.payload["why"] for row in rows if row.payload.get("template") == "level_raised"]


def test_a_matter_with_a_burst_is_proposed_at_the_third_level_with_the_figures(desk):
    watched(desk, 7)
    came(desk, 10)
    assert alarms(desk) == ["突增：近 1 小时 10 条，前 7 天同时段平均 1 条"]
    newest = desk.all(CaseRow)[-1]
    assert (newest.level, newest.level_why) == (Level.III, alarms(desk)[0])
    came(desk, 2)
    assert len(alarms(desk)) == 1  # said once


def test_what_is_usual_at_this_hour_is_none(desk):
    watched(desk, 7, 10)
    came(desk, 11)
    assert alarms(desk) == []


def test_nobody_knows_what_is_usual_in_the_first_days(desk):
    watched(desk, 2)
    came(desk, 12)
    assert alarms(desk) == []


def test_comments_belong_to_their_text(desk):
    watched(desk, 7)
    desk.accept(item(WATER, external_id="p"))
    for serial in range(20):
        desk.accept(item(f"支持{serial}", kind=Kind.COMMENT, parent_id="p"))
    assert alarms(desk) == []


@pytest.mark.parametrize(("sensitivity", "number"), [(Sensitivity.HIGH, 6), (Sensitivity.LOW, 15)])
def test_the_office_says_how_soon(desk, sensitivity, number):
    desk.office = make_office(sensitivity=sensitivity)
    watched(desk, 7)
    for _ in range(number - 1):
        desk.clock.advance(2 * MINUTE)
        desk.accept(item(WATER))
    assert alarms(desk) == []
    desk.accept(item(WATER))
    assert len(alarms(desk)) == 1


def test_a_rule_hears_of_a_burst_of_its_place_and_topic(desk):
    desk.rules = make_rules(LOUD_RULES)
    watched(desk, 7)
    came(desk, 11)
    rules = [[reason["name"] for reason in row.reasons] for row in desk.all(ItemRow)[-11:]]
    # The tenth text makes the burst, the one behind it is the first that hears of it.
    assert rules == [*[["停水"]] * 10, ["突然都在说"]]
    [reason] = desk.all(ItemRow)[-1].reasons
    assert "正在突增（近 1 小时 10 条，前 7 天同时段平均 1 条）" in reason["note"]
    desk.accept(item("西山小区停水"))
    assert desk.all(ItemRow)[-1].reasons[0]["name"] == "停水"  # no burst there


def test_rules_that_ask_no_burst_ask_the_store_nothing(rules):
    assert not rules.asks_burst
    assert make_rules(LOUD_RULES).asks_burst


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_counting_reads_an_index_and_no_table(desk):
    watched(desk, 1)
    statements: list[str] = []

    def work(session: Any) -> None:
        from sqlalchemy import event

        event.listen(
            session.connection().engine,
            "before_cursor_execute",
            lambda _c, _cu, statement, *_: statements.append(statement),
        )
        Crowds(session, Sensitivity.MIDDLE, desk.clock()).at("东湖小区", "供水")

    desk.run(work)
    [counted, *_] = [one for one in statements if "matter_item" in one]
    marks = counted.count("?")
    plan = desk.run(
        lambda s: s.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {counted}", tuple(["x"] * marks)).all()
    )
    told = " ".join(str(row) for row in plan)
    assert "SCAN matter" not in told
    assert "ix_matter_place" in told
    assert "ix_matter_item_case_id_at" in told
