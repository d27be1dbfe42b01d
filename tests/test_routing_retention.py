"""Every table has its rule, and what the rules say is what is done and what is written."""

import re
from datetime import timedelta
from pathlib import Path

from builders import START

from routing.office import Retention
from routing.purge import PARTS
from routing.retention import TABLES, Cut, Keep, cut_at
from routing.store.tables import Base

PAGE = Path(__file__).parent.parent / "docs/decisions/0032-what-is-kept-and-what-goes.md"


def test_every_table_says_how_long_it_is_kept_and_why():
    assert set(TABLES) == {table.name for table in Base.metadata.sorted_tables}
    assert all(rule.why for rule in TABLES.values())


def test_what_goes_by_days_is_what_purge_lets_go_of():
    by_days = {name for name, rule in TABLES.items() if rule.keep is Keep.DAYS}
    assert {part.table.__tablename__ for part in PARTS} == by_days


def test_nothing_that_must_stay_is_pointed_at_from_what_goes_and_nothing_that_goes_is_missed_by_a_key():
    """A row that goes may be named by a foreign key of a table that stays: then a part must leave such rows out."""
    going = {part.table.__tablename__ for part in PARTS}
    pointing = {
        (table.name, key.column.table.name)
        for table in Base.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table.name in going
    }
    assert pointing == {("matter_item", "item"), ("proposal", "item"), ("verdict", "item")}


def test_the_page_of_the_decision_names_every_table_with_its_rule():
    rows = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert rows == {name: rule.keep.value for name, rule in TABLES.items()}


def test_days_are_counted_back_from_now():
    kept = Retention(texts=30, logs=200)
    assert cut_at(kept, START) == Cut(START - timedelta(days=30), START - timedelta(days=200))
