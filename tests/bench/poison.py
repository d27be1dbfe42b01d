"""Fifty sources, and among them one hostile one of each kind: what do the others lose?

    python tests/bench/poison.py [--rounds 20]

Each round publishes a new item in every healthy source and polls all that is due. Measured is how long each healthy
source took from the start of the round to its commit, without and with the hostile ones, in turns, on one server.
Exit code 1 if an item is lost or the 99th percentile grows by more than 1.2.
"""

import argparse
import asyncio
import logging
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from parts import Clock, monitors, source, text
from sqlalchemy import func, select

HEALTHY = 50
GOAL = 1.2
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def _drip(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Type": "application/rss+xml"})
    await answer.prepare(request)
    for _ in range(120):
        await answer.write(b" ")
        await asyncio.sleep(0.25)
    return answer


async def _endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Type": "application/rss+xml"})
    await answer.prepare(request)
    for _ in range(2_000):
        await answer.write(b"<item>" * 2_000)
    return answer


async def _silent(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


def _fixed(body: bytes, status: int = 200, **headers: str) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status, headers=headers)

    return answer


def _rss(entries: str) -> bytes:
    return f"<rss version='2.0'><channel>{entries}</channel></rss>".encode()


def hostile() -> dict[str, Handler]:
    """Give one hostile source of each kind."""
    bomb = (
        "<!DOCTYPE r [<!ENTITY a 'ha'>"
        + "".join(f"<!ENTITY {b} '{f'&{a};' * 10}'>" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
        + "]><rss><channel><item><title>&i;</title></item></channel></rss>"
    )
    many_attributes = " ".join(f"a{n}='1'" for n in range(200_000))
    return {
        "drip": _drip,
        "endless": _endless,
        "silent": _silent,
        "huge": _fixed(b"x" * 20_000_000),
        "bomb": _fixed(bomb.encode()),
        "attributes": _fixed(_rss(f"<item {many_attributes}><title>x</title></item>")),
        "author": _fixed(_rss(f"<item><title>x</title><author>{'x@a' * 60_000}!</author></item>")),
        "nested": _fixed(_rss("<a>" * 300_000)),
        "ampersands": _fixed(_rss(f"<item><description><![CDATA[{'&' * 4_000_000}]]></description></item>")),
        "html": _fixed(b"<!doctype html><title>login</title>"),
        "error": _fixed(b"<html>RSSHub error</html>", 503),
        "loop": _fixed(b"", 302, Location="/hostile/loop"),
        "inward": _fixed(b"", 302, Location="http://169.254.169.254/latest"),
        "gzip": _fixed(b"\x1f\x8b broken", **{"Content-Encoding": "gzip"}),
        "random": _fixed(bytes(range(256)) * 4_000),
    }


class Site:
    """Healthy feeds that grow by an entry a round, and hostile ones that are always the same."""

    def __init__(self) -> None:
        self.turn = 0
        self._hostile = hostile()

    async def healthy(self, request: web.Request) -> web.Response:
        """Answer the last twenty entries."""
        name = request.match_info["name"]
        numbers = range(max(0, self.turn - 19), self.turn + 1)
        entries = "".join(
            f"<item><guid>{name}-{n}</guid><title>{text(f'{name}{n}', 18)}</title></item>" for n in numbers
        )
        return web.Response(body=_rss(entries), content_type="application/rss+xml")

    async def bad(self, request: web.Request) -> web.StreamResponse:
        """Answer as hostile as the name says."""
        return await self._hostile[request.match_info["name"]](request)


async def _round(poller: Any, healthy: set[str], times: list[float]) -> asyncio.Task[object]:
    """Poll what is due; gives the running round as soon as every healthy source is done."""
    started = time.perf_counter()
    done = asyncio.Event()

    def on_done(report: Any) -> None:
        if report.source_id in healthy:
            healthy.discard(report.source_id)
            times.append(time.perf_counter() - started)
        if not healthy:
            done.set()

    task = asyncio.create_task(poller.poll_due(on_done))
    await asyncio.wait_for(done.wait(), 60)
    return task


async def play(rounds: int, folder: Path) -> tuple[list[float], list[float], int, int]:
    """Give the times (s) of healthy sources without and with the hostile ones, and items expected and stored."""
    from routing.store.engine import Store
    from routing.store.tables import ItemRow

    site, clock = Site(), Clock()
    app = web.Application()
    app.router.add_get("/hostile/{name}", site.bad)
    app.router.add_get("/{name}", site.healthy)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    good = [source(number, base) for number in range(HEALTHY)]
    names = list(hostile())
    bad = [source(HEALTHY + n, f"{base}/hostile", timeout_s=5) for n in range(len(names))]
    bad = [replace(one, url=f"{base}/hostile/{name}") for one, name in zip(bad, names, strict=True)]
    times: dict[bool, list[float]] = {False: [], True: []}
    running: set[asyncio.Task[object]] = set()
    async with (
        monitors(good, folder / "a", clock) as alone,
        monitors([*good, *bad], folder / "b", clock) as together,
    ):
        for turn in range(rounds):
            site.turn = turn
            clock.ahead += timedelta(hours=2)  # past every back-off: the hostile ones are asked each round
            for among, poller in ((False, alone), (True, together)):
                task = await _round(poller, {one.id for one in good}, times[among] if turn else [])
                running.add(task)
                if not among:
                    await task
            if turn == rounds - 1:
                await asyncio.wait(running, timeout=30)
    await runner.cleanup()
    store = Store(f"sqlite:///{folder / 'b' / 'bench.db'}")
    ids = [one.id for one in good]
    stored = store.run(
        lambda s: s.scalar(select(func.count()).select_from(ItemRow).where(ItemRow.source_id.in_(ids)))
    )
    store.close()
    return times[False], times[True], HEALTHY * rounds, stored or 0


def percentile(values: list[float], share: float) -> float:
    """Give the value below which the share of all lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def main() -> None:
    """Print both percentiles and what was lost."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=20)
    rounds = arguments.parse_args().rounds
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        for name in "ab":
            (Path(folder) / name).mkdir()
        alone, among, expected, stored = asyncio.run(play(rounds, Path(folder)))
    before, after = percentile(alone, 0.99), percentile(among, 0.99)
    print(f"{HEALTHY} healthy sources, {len(hostile())} hostile ones, {rounds} rounds")
    print(f"lost items: {expected - stored} of {expected}")
    print(f"p99 from round start to commit: alone {before * 1000:.0f} ms, among {after * 1000:.0f} ms")
    print(f"ratio {after / before:.2f} (goal: at most {GOAL})")
    raise SystemExit(expected != stored or after / before > GOAL)


if __name__ == "__main__":
    main()
