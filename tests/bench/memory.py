"""Memory with 10,000 sources known, over that of the idle service with one.

    python tests/bench/memory.py [--sources 10000]

Both are measured in processes of their own, after two rounds in which every source was polled and answered 304 the
second time. Prints MiB of the process and of its parsing child; exit code 1 where the difference is over 150 MiB.
"""

import argparse
import asyncio
import json
import logging
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from parts import Clock, Shape, descendants, feed_server, monitors, rss_mib, source

GOAL_MIB = 150
SHAPE = Shape(entries=5, fresh=0, letters=80)


async def measure(base: str, count: int, folder: str) -> None:
    """Poll all sources twice, then print the resident memory of the process and of its children."""
    clock = Clock()
    sources = [source(number, base) for number in range(count)]
    async with monitors(sources, Path(folder), clock) as poller:
        for _ in range(2):
            clock.ahead += timedelta(minutes=1)
            assert len(await poller.poll_due()) == count
        children = sum(rss_mib(pid) for pid in descendants())
        print(json.dumps([rss_mib(), children]))


def run(base: str, count: int) -> list[float]:
    """Measure in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--base", base, "--sources", str(count), "--folder", folder]
        answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    own, children = json.loads(answer.splitlines()[-1])
    return [own, children]


def main() -> None:
    """Compare one source with many."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sources", type=int, default=10_000)
    arguments.add_argument("--base", default="")
    arguments.add_argument("--folder", default="")
    asked = arguments.parse_args()
    if asked.base:
        logging.disable(logging.WARNING)
        asyncio.run(measure(asked.base, asked.sources, asked.folder))
        return
    with feed_server(SHAPE, 0) as server:
        one, many = run(server.base, 1), run(server.base, asked.sources)
    more = many[0] - one[0]
    print(f"{'sources':>9}{'service MiB':>13}{'child MiB':>11}")
    for count, row in ((1, one), (asked.sources, many)):
        print(f"{count:>9}{row[0]:>13.0f}{row[1]:>11.0f}")
    print(f"more: {more:.0f} MiB (goal: at most {GOAL_MIB})")
    raise SystemExit(more > GOAL_MIB)


if __name__ == "__main__":
    main()
