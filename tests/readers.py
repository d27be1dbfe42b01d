"""A source for each reader that hostile documents are given to, and what an item must be to go any further."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from monitors.sources import Mapped, Source, Success
from routing.items import Item, Kind

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)

FEED = Source(
    id="nasty", name="来源", kind="feed", url="https://x.example/rss", site="x", item_kind=Kind.POST
)
_entry = Mapped(items=None, id=("id",), text=("text",), time=("time",))
_stream = replace(_entry, items="data.replies", ok=Success("code", (0,)))
SOURCES = {
    "feed": FEED,
    "comments": replace(FEED, kind="comments", mapping=_stream),
    "list": replace(FEED, kind="file", format="json", mapping=_entry),
    "lines": replace(FEED, kind="inbox", format="jsonl", mapping=_entry),
    "page": replace(FEED, kind="page"),
    "column": replace(FEED, kind="column", overdue_d=7),
    "table": replace(FEED, kind="file", format="csv", mapping=replace(_entry, time=())),
}


def faults(item: Item, never: Sequence[str] = ()) -> list[str]:
    """Say why the store, the rules or the chat could not take an item; `never` are words that it must not hold."""
    written = f"{item.external_id}{item.url}{item.title}{item.text}"
    checks = {
        "no id": not item.external_id,
        "an id too long": len(item.external_id) > 400,
        "an address too long": len(item.url) > 10_000,
        "an address that is none": not item.url.startswith(("http://", "https://")),
        "a title too long": len(item.title) > 25_000,
        "a text too long": len(item.text) > 25_000,
        "nothing to show": not item.title and not item.text,
        "control letters": any(ord(letter) < 32 and letter != "\n" for letter in written),
        "half letters": any("\ud800" <= letter <= "\udfff" for letter in written),
        "a date ahead": item.published_at is not None and item.published_at > NOW + timedelta(hours=1),
        "what must not be there": any(word in written for word in never),
    }
    return [fault for fault, found in checks.items() if found]
