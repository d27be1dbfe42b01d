"""Feeds a second against lemon24/reader, on one loopback server, in interleaved rounds; database writes on both sides.

    python tests/bench/feeds.py [--feeds 500] [--rounds 5]

Installs reader (and sgmllib3k, which it wants) from the package registry into a throw-away environment. Ours is the
whole way of the service with rules, grouping and masking, but without sentiment, which reader has not either. Prints a
table of medians: feeds a second by the wall clock and by processor seconds (children included), and the ratios.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import Any

READER = ("reader==3.26", "sgmllib3k==1.0.0")
GOALS = {"unchanged": 12.0, "2 new of 30": 10.0, "20 new of 20": 2.5}


def play_reader(base: str, count: int, folder: str) -> None:
    """Update all feeds once a line on standard input; print the seconds. Runs in the throw-away environment."""
    import resource

    from reader import make_reader  # type: ignore[import-not-found]

    reader = make_reader(f"{folder}/reader.db")
    for number in range(count):
        reader.add_feed(f"{base}/{number}")
    for _ in sys.stdin:
        used, started = _used(resource), time.perf_counter()
        reader.update_feeds(scheduled=False, workers=20)
        print(json.dumps([time.perf_counter() - started, _used(resource) - used]), flush=True)


def _used(resource: Any) -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    return float(own.ru_utime + own.ru_stime)


def play_ours(base: str, count: int, folder: str) -> None:
    """Poll all sources once a line on standard input; print the seconds."""
    from parts import Clock, cpu_s, monitors, source

    async def work() -> None:
        from datetime import timedelta

        clock = Clock()
        sources = [source(number, base) for number in range(count)]
        loop = asyncio.get_running_loop()
        async with monitors(sources, Path(folder), clock) as poller:
            while await loop.run_in_executor(None, sys.stdin.readline):
                clock.ahead += timedelta(seconds=10)
                used, started = cpu_s(), time.perf_counter()
                reports = await poller.poll_due()
                spent = [time.perf_counter() - started, cpu_s() - used]
                failed = [report for report in reports if report.problem]
                assert len(reports) == count, f"{len(reports)} polled"
                assert not failed, failed[0]
                print(json.dumps(spent), flush=True)

    logging.disable(logging.WARNING)
    asyncio.run(work())


class Side:
    """One contestant in a process of its own."""

    def __init__(self, python: Path | str, side: str, base: str, count: int, folder: str) -> None:
        self.times: list[list[float]] = []
        self._process = subprocess.Popen(
            [
                str(python),
                __file__,
                "--side",
                side,
                "--base",
                base,
                "--feeds",
                str(count),
                "--folder",
                folder,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def round(self, *, count: bool) -> None:
        """Run one round and wait for its end; it counts or warms up."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("one side ended early")
        if count:
            self.times.append(json.loads(line))

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait(20)

    def rates(self, count: int) -> tuple[float, float]:
        """Give the median feeds a second, by the wall clock and by processor seconds."""
        wall, used = zip(*self.times, strict=True)
        return count / statistics.median(wall), count / max(statistics.median(used), 1e-9)


def compare(name: str, python: Path, count: int, rounds: int) -> dict[str, Any]:
    """Run both sides in turns on one server."""
    from parts import SHAPES, feed_server

    shape = SHAPES[name]
    with tempfile.TemporaryDirectory() as folder, feed_server(shape, count) as server:
        ours = Side(sys.executable, "ours", server.base, count, folder)
        reader = Side(python, "reader", server.base, count, folder)
        try:
            for turn in range(rounds + 1):
                server.go_to(turn)
                for side in (ours, reader) if turn % 2 else (reader, ours):
                    side.round(count=turn > 0)
        finally:
            ours.close()
            reader.close()
        our, their = ours.rates(count), reader.rates(count)
    return {"case": name, "ours": our, "reader": their, "ratio": our[0] / their[0], "cpu": our[1] / their[1]}


def main() -> None:
    """Install the peer, run the three cases, print the table; exit code 1 where a goal is not reached."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--feeds", type=int, default=500)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--case", choices=list(GOALS))
    arguments.add_argument("--side", choices=["ours", "reader"])
    arguments.add_argument("--base", default="")
    arguments.add_argument("--folder", default="")
    asked = arguments.parse_args()
    if asked.side:
        (play_ours if asked.side == "ours" else play_reader)(asked.base, asked.feeds, asked.folder)
        return
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / "bin" / "python"
        subprocess.run([str(python), "-m", "pip", "install", "-q", *READER], check=True)
        rows = [
            compare(name, python, asked.feeds, asked.rounds) for name in GOALS if asked.case in {None, name}
        ]
    print(f"{'case':<14}{'ours/s':>9}{'reader/s':>10}{'ratio':>8}{'by core-s':>11}{'goal':>7}")
    for row in rows:
        print(
            f"{row['case']:<14}{row['ours'][0]:>9.0f}{row['reader'][0]:>10.0f}{row['ratio']:>8.1f}"
            f"{row['cpu']:>11.1f}{GOALS[row['case']]:>7.1f}"
        )
    if any(row["ratio"] < GOALS[row["case"]] for row in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
