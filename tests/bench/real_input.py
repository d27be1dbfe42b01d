"""Run the desk on real texts: files served as feeds and comment streams from loopback, polled, judged, grouped.

    python tests/bench/real_input.py --desk WEEK.jsonl --gazetteer PLACES.json
    python tests/bench/real_input.py --texts MESSAGES.csv --tag 问政 --own

`--desk`: JSON lines with id, source {id, kind, name}, published_at, title, text, url, parent, counts and, if there are
any, labels. `--texts`: CSV with a column text, perhaps title. Prints how many items, matters and cards the duty group
would have seen, and where labels exist how many cards were right. Nothing is sent and nothing leaves the machine.
"""

import argparse
import asyncio
import csv
import json
import logging
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from aiohttp import web
from sqlalchemy import select

from bot.app import closing
from bot.config import Configuration
from bot.door import StoreDoor, Terms
from bot.office_file import load_office
from monitors.fetch import Fetcher
from monitors.poll import Poller
from monitors.sources_file import load_sources
from monitors.worker import Worker
from routing.clock import utc_now
from routing.items import OWN_TAG
from routing.ledger import Ledger
from routing.rules import load_rules
from routing.store.engine import Store
from routing.store.migrate import migrate
from routing.store.tables import CaseItemRow, CaseRow, ItemRow, OutboxRow

CHUNK = 100
Row = Mapping[str, Any]


@dataclass
class Served:
    """The rows of one source and how many of them are published."""

    key: str
    name: str
    kind: str
    rows: list[Row]
    published: int = 0


def feed_of(served: Served) -> str:
    """Write what is published as RSS, newest first, behind one old entry that makes the baseline."""
    entries = [
        f"<item><guid isPermaLink='false'>{escape(row['id'])}</guid><title>{escape(row['title'])}</title>"
        f"<link>{escape(row['url'])}</link><description>{escape(escape(row['text']))}</description>"
        f"<pubDate>{format_datetime(datetime.fromisoformat(row['published_at']))}</pubDate>"
        f"<slash:comments>{(row.get('counts') or {}).get('comments') or 0}</slash:comments>"
        f"<media:statistics views='{(row.get('counts') or {}).get('views') or 0}'"
        f" reposts='{(row.get('counts') or {}).get('reposts') or 0}'/></item>"
        for row in reversed(served.rows[max(0, served.published - CHUNK) : served.published])
    ]
    return (
        "<?xml version='1.0' encoding='utf-8'?><rss version='2.0' xmlns:media='http://search.yahoo.com/mrss/' "
        "xmlns:slash='http://purl.org/rss/1.0/modules/slash/'>"
        f"<channel><title>{escape(served.name)}</title><link>http://127.0.0.1/</link><description>-</description>"
        f"{''.join(entries)}<item><guid isPermaLink='false'>stock-{served.key}</guid><title>存量</title>"
        "<link>http://127.0.0.1/stock</link></item></channel></rss>"
    )


def stream_of(served: Served) -> dict[str, Any]:
    """Write what is published as a comment stream."""
    rows = served.rows[max(0, served.published - CHUNK) : served.published]
    items = [
        {
            "id": row["id"],
            "parent": row.get("parent"),
            "text": f"{row['title']} {row['text']}".strip(),
            "at": row["published_at"],
            "url": row["url"],
            "likes": (row.get("counts") or {}).get("likes"),
        }
        for row in rows
    ]
    return {
        "items": [*items, {"id": f"stock-{served.key}", "text": "存量", "at": None, "url": "", "likes": 0}]
    }


def sources_toml(base: str, all_served: Sequence[Served], tags: Mapping[str, Sequence[str]]) -> str:
    """Write the configuration that reads the served files back."""
    host = base.removeprefix("http://")
    parts = ['contact = "mailto:bench@yuqing.example"']
    for served in all_served:
        stream = served.kind == "comments"
        kind = {"comments": "comment", "hotlist": "hotlist", "board": "post"}.get(served.kind, "article")
        parts.append(
            f'[[source]]\nid = "{served.key}"\nname = {json.dumps(served.name, ensure_ascii=False)}\n'
            f'kind = "{"comments" if stream else "feed"}"\nurl = "{base}/{served.key}"\nsite = "bench"\n'
            f'item_kind = "{kind}"\ninterval_s = 1\nallow_hosts = ["{host}"]\n'
            f"tags = {json.dumps(list(tags.get(served.key, ())), ensure_ascii=False)}"
        )
        if stream:
            parts.append(
                '[source.mapping]\nitems = "items"\nid = "id"\nparent = "parent"\ntext = "text"\ntime = "at"\n'
                'url = "http://127.0.0.1/c/{id}"\nlikes = "likes"'
            )
    return "\n".join(parts) + "\n"


def rules_toml(places: Sequence[Mapping[str, Any]]) -> str:
    """Put a gazetteer into the default rules."""
    text = files("bot.templates").joinpath("rules.toml").read_text(encoding="utf-8")
    own = [p for p in places if p["kind"] not in {"邻县"}]
    county = next((p["name"] for p in own if p["kind"] == "本县"), "示例县")
    near = [p["name"] for p in places if p["kind"] == "邻县" and p["name"].endswith("县")]
    text = text.replace('county = "示例县"', f'county = "{county}"')
    text = text.replace("neighbours = []", f"neighbours = {json.dumps(near, ensure_ascii=False)}")
    if not own:
        return text
    before, _, rest = text.partition("\n[[place]]\n")
    marker = "# ---------------------------------------------------------------- 词组"
    entries = "\n".join(
        f"[[place]]\nname = {json.dumps(p['name'], ensure_ascii=False)}\n"
        f"aliases = {json.dumps(p['aliases'], ensure_ascii=False)}\nelsewhere = {str(bool(p['elsewhere'])).lower()}\n"
        for p in own
    )
    return f"{before}\n{entries}\n{marker}{rest.partition(marker)[2]}"


def desk_rows(path: Path) -> tuple[list[Served], dict[str, tuple[str, ...]]]:
    """Read a desk week: a source a served file; tags by its kind and by whether it speaks of the own county."""
    grouped: dict[str, list[Row]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        grouped[row["source"]["id"]].append(row)
    served, tags = [], {}
    for number, rows in enumerate(grouped.values()):
        source = rows[0]["source"]
        key = f"s{number}"
        served.append(Served(key, source["name"], source["kind"], rows))
        wanted = {"board": ("问政",), "official": ("官方",), "feed": (), "comments": (), "hotlist": ()}[
            source["kind"]
        ]
        media = (
            ("媒体",)
            if any(word in source["name"] for word in ("晚报", "新闻", "频道", "都市报", "电视", "省台"))
            else ()
        )
        tags[key] = (*wanted, *media)
    return served, tags


def text_rows(path: Path, tag: str, own: bool) -> tuple[list[Served], dict[str, tuple[str, ...]]]:
    """Read a CSV of plain texts as one source, a minute apart."""
    with path.open(encoding="utf-8", newline="") as handle:
        read = list(csv.DictReader(handle))
    start = utc_now() - timedelta(minutes=len(read))
    rows: list[Row] = [
        {
            "id": f"t{n}",
            "title": row.get("title") or "",
            "text": row["text"],
            "url": f"http://127.0.0.1/t/{n}",
            "published_at": (start + timedelta(minutes=n)).isoformat(),
        }
        for n, row in enumerate(read)
    ]
    return [Served("s0", path.stem, "feed", rows)], {"s0": tuple(filter(None, (tag, OWN_TAG if own else "")))}


async def run(all_served: Sequence[Served], tags: Mapping[str, Sequence[str]], rules: str, show: int) -> None:
    """Serve, poll until everything was read, and print what the desk would have seen."""
    by_key = {served.key: served for served in all_served}

    async def answer(request: web.Request) -> web.Response:
        served = by_key[request.match_info["key"]]
        if served.kind == "comments":
            return web.json_response(stream_of(served))
        return web.Response(text=feed_of(served), content_type="application/rss+xml")

    app = web.Application()
    app.router.add_get("/{key}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    base = f"http://127.0.0.1:{port}"
    office = load_office(
        files("bot.templates").joinpath("office.toml").read_text(encoding="utf-8"), "office.toml"
    )
    configuration = Configuration(
        office,
        load_sources(sources_toml(base, all_served, tags), "sources.toml"),
        load_rules(rules, "rules.toml", list(office.channels)),
    )
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/bench.db")
        migrate(store)
        terms = Terms.of(configuration)
        door = StoreDoor(store, lambda: terms, Ledger(), utc_now, lambda: None)
        started = time.monotonic()
        async with Fetcher(utc_now) as fetcher, closing(Worker()) as worker:
            poller = Poller(configuration.sources, fetcher, worker, door, utc_now, at_once=1)
            for source in configuration.sources:
                await poller.poll_one(source.id)
            await publish_in_order(all_served, poller)
        took = time.monotonic() - started
        try:
            report(store, all_served, took, show)
        finally:
            store.close()
            await runner.cleanup()


async def publish_in_order(all_served: Sequence[Served], poller: Poller) -> None:
    """Publish in the order of time, in steps small enough that no source shows more than a page at once."""
    times = sorted(row["published_at"] for served in all_served for row in served.rows)
    for position in range(0, len(times), CHUNK // 4):
        until = times[min(position + CHUNK // 4, len(times)) - 1]
        for served in all_served:
            published = sum(row["published_at"] <= until for row in served.rows)
            if published != served.published:
                served.published = published
                await poller.poll_one(served.key)


def report(store: Store, all_served: Sequence[Served], took: float, show: int) -> None:
    """Print counts, and against labels where there are any."""
    labels = {row["id"]: row.get("label") for served in all_served for row in served.rows}

    def read(session: Any) -> tuple[Any, ...]:
        items = session.scalars(select(ItemRow).where(~ItemRow.external_id.like("stock-%"))).all()
        firsts: dict[int, str] = {}
        members: dict[int, list[str]] = defaultdict(list)
        for case_id, external_id in session.execute(
            select(CaseItemRow.case_id, ItemRow.external_id)
            .join(ItemRow, ItemRow.id == CaseItemRow.item_id)
            .order_by(CaseItemRow.at, ItemRow.id)
        ):
            firsts.setdefault(case_id, external_id)
            members[case_id].append(external_id)
        cases = session.scalars(select(CaseRow).order_by(CaseRow.id)).all()
        cards = session.scalars(select(OutboxRow.kind)).all()
        return items, firsts, members, cases, Counter(cards)

    items, firsts, members, cases, messages = store.run(read)
    print(f"items served {len(labels)}, stored {len(items)}, in matters {sum(map(len, members.values()))}")
    print(f"matters (cards) {len(cases)}; messages queued {dict(messages)}; {took:.1f} s")
    print(
        f"levels {dict(Counter(int(c.level) for c in cases))}; channels {dict(Counter(c.channel for c in cases))}"
    )
    if not any(labels.values()):
        for case in cases[:show]:
            print(f"  {case.number} {case.channel} Ⅰ-Ⅳ={int(case.level)} {case.title}")
        return
    right = [c for c in cases if labels[firsts[c.id]]["relevant"]]
    lead = [c for c in right if labels[firsts[c.id]]["lead"] == c.channel]
    relevant = [i for i, label in labels.items() if label and label["relevant"]]
    found = {i for ids in members.values() for i in ids}
    mixed = [c for c in cases if len({labels[i]["matter"] for i in members[c.id]}) > 1]
    print(f"relevant items found {len(found & set(relevant))} of {len(relevant)}")
    print(f"cards about a real matter {len(right)} of {len(cases)} (rubbish {len(cases) - len(right)})")
    print(
        f"lead channel right {len(lead)} of {len(right)}; matters in truth {len({labels[i]['matter'] for i in relevant})}"
    )
    print(f"cards that hold two matters {len(mixed)}")
    for case in [c for c in cases if c not in right][:show]:
        print(f"  rubbish: {case.number} {case.channel} {case.title}")


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--desk", type=Path)
    parser.add_argument("--gazetteer", type=Path)
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--tag", default="")
    parser.add_argument("--own", action="store_true")
    parser.add_argument("--show", type=int, default=15)
    asked = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    places = json.loads(asked.gazetteer.read_text(encoding="utf-8")) if asked.gazetteer else []
    all_served, tags = desk_rows(asked.desk) if asked.desk else text_rows(asked.texts, asked.tag, asked.own)
    asyncio.run(run(all_served, tags, rules_toml(places), asked.show))


if __name__ == "__main__":
    main()
