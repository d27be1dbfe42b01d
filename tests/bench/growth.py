"""Time an item with 1,000,000 items stored over that with 1,000, on SQLite and, where one answers, on PostgreSQL.

    YUQING_TEST_DATABASE_URL=postgresql://… python tests/bench/growth.py [--stored 1000000]

The stored items are written straight into the table; then harvests of 20 new items each go through the door of the
core, rules and grouping included. Small and large store are measured in turns. Exit code 1 over 2 (SQLite) or 1.3.
"""

import argparse
import os
import statistics
import tempfile
import time
import uuid
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

from parts import text
from sqlalchemy import create_engine, insert
from sqlalchemy import text as sql

from bot.office_file import load_office
from routing import intake
from routing.clock import utc_now
from routing.items import Harvest, Item, Kind, SourceState
from routing.ledger import Ledger
from routing.rules import load_rules
from routing.store.engine import Store
from routing.store.migrate import migrate
from routing.store.tables import ItemRow, Outcome

GOALS = {"sqlite": 2.0, "postgresql": 1.3}
ROUNDS, A_ROUND, AT_ONCE = 30, 20, 5_000
SOURCES = 500


class Filled:
    """A store with so many items, and the door of the core above it."""

    def __init__(self, url: str, stored: int) -> None:
        templates = files("bot.templates")
        self._office = load_office((templates / "office.toml").read_text(encoding="utf-8"), "office.toml")
        rules = (templates / "rules.toml").read_text(encoding="utf-8")
        self._rules = load_rules(rules, "rules.toml", tuple(self._office.channels))
        self._ledger = Ledger()
        self.store = Store(url)
        self.times: list[float] = []
        self._taken = 0
        migrate(self.store)
        for first in range(0, stored, AT_ONCE):
            rows = [_row(number) for number in range(first, min(stored, first + AT_ONCE))]
            with self.store.engine.begin() as connection:
                connection.execute(insert(ItemRow), rows)
        with self.store.engine.begin() as connection:
            connection.execute(sql("ANALYZE"))

    def take(self, *, count: bool = True) -> None:
        """Take in one harvest of new items."""
        now = utc_now()
        name = f"s{self._taken % SOURCES}"
        items = tuple(
            Item(
                source_id=name,
                external_id=f"new-{self._taken}-{n}",
                url=f"http://feeds.example/new/{self._taken}/{n}",
                title=text(f"new{self._taken}-{n}", 18),
                text=text(f"newx{self._taken}-{n}", 140),
                kind=Kind.ARTICLE,
                published_at=now,
            )
            for n in range(A_ROUND)
        )
        self._taken += 1
        state = SourceState(name, baseline_done=True, next_poll_at=now + timedelta(minutes=1))
        harvest = Harvest(name, now, state, items)
        started = time.perf_counter()
        self.store.run(lambda s: intake.accept(s, self._office, self._rules, self._ledger, harvest, now))
        if count:
            self.times.append(time.perf_counter() - started)

    def an_item_us(self) -> float:
        """Give the median microseconds an item."""
        return statistics.median(self.times) / A_ROUND * 1e6


def _row(number: int) -> dict[str, object]:
    seen = utc_now() - timedelta(days=10, seconds=number % 86_400)
    return {
        "source_id": f"s{number % SOURCES}",
        "external_id": f"old-{number}",
        "url": f"http://feeds.example/{number % SOURCES}/{number}",
        "title": f"旧闻第{number}条",
        "text": "县城道路今天施工，请绕行。" * 4 + str(number),
        "kind": Kind.ARTICLE,
        "published_at": seen,
        "first_seen_at": seen,
        "content_hash": f"{number:032x}",
        "fingerprint": f"{number * 2654435761 % 2**64:064x}",
        "places": [],
        "numbers": [],
        "outcome": Outcome.NONE,
        "reasons": [],
        "masked": [],
    }


def compare(small_url: str, large_url: str, stored: int) -> tuple[float, float]:
    """Give microseconds an item in the small and in the large store, measured in turns."""
    small, large = Filled(small_url, 1_000), Filled(large_url, stored)
    try:
        for turn in range(ROUNDS + 3):
            for filled in (small, large):
                filled.take(count=turn >= 3)
        return small.an_item_us(), large.an_item_us()
    finally:
        small.store.close()
        large.store.close()


def main() -> None:
    """Measure both databases and print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--stored", type=int, default=1_000_000)
    stored = arguments.parse_args().stored
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{name}.db" for name in ("small", "large")]
        rows["sqlite"] = compare(*(f"sqlite:///{path}" for path in paths), stored)
    if server := os.environ.get("YUQING_TEST_DATABASE_URL"):
        names = [f"bench_{uuid.uuid4().hex}" for _ in range(2)]
        engine = create_engine(
            server.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            for name in names:
                connection.execute(sql(f"CREATE DATABASE {name}"))
        try:
            rows["postgresql"] = compare(*(f"{server.rpartition('/')[0]}/{n}" for n in names), stored)
        finally:
            with engine.connect() as connection:
                for name in names:
                    connection.execute(sql(f"DROP DATABASE {name} WITH (FORCE)"))
    print(f"{'database':<12}{'1,000 stored':>14}{f'{stored:,} stored':>20}{'ratio':>8}{'goal':>7}")
    for name, (small, large) in rows.items():
        print(f"{name:<12}{small:>11.0f} us{large:>17.0f} us{large / small:>8.2f}{GOALS[name]:>7}")
    raise SystemExit(any(large / small > GOALS[name] for name, (small, large) in rows.items()))


if __name__ == "__main__":
    main()
