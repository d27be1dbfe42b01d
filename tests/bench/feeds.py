"""Feeds a second against lemon24/reader, on one loopback server, in interleaved rounds; database writes on both sides.

    python tests/bench/feeds.py [--feeds 500] [--rounds 5] [--hosts 10]

Installs reader (and sgmllib3k, which it wants) from the package registry into a throw-away environment, or takes the
one that `--peer` names. Ours is the whole way of the service with rules, grouping and masking, but without sentiment,
which reader has not either. Prints a table of medians, feeds a second of processor time (children included).

The feeds stand at ten addresses of the server, for sources of one host are asked four at a time here, and reader asks twenty
whatever their hosts: on one host (`--hosts 1`) the politeness would be measured with the rest.

The peer fetches, reads and stores. So `intake` is ours without what it has nothing of: the judgement of a text by rules
and models, and its place in a matter. Both are done all the same, in the same transaction; the time that they take is
measured where they run, shown beside as `judging` (milliseconds a feed), and is inside `whole`. Masking, the robust
decoding, the health of the source and its ledger stay in `intake`. The goals are for `intake` by processor time.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

READER = ("reader==3.26", "sgmllib3k==1.0.0")
GOALS = {"unchanged": 12.0, "2 new of 30": 10.0, "20 new of 20": 2.5}


def play_reader(bases: list[str], count: int, folder: str) -> None:
    """Update all feeds once a line on standard input; print the seconds. Runs in the throw-away environment."""
    import resource

    from reader import make_reader  # type: ignore[import-not-found]

    reader = make_reader(f"{folder}/reader.db")
    for number in range(count):
        reader.add_feed(f"{bases[number % len(bases)]}/{number}")
    for _ in sys.stdin:
        used, started = _used(resource), time.perf_counter()
        reader.update_feeds(scheduled=False, workers=20)
        print(json.dumps([time.perf_counter() - started, _used(resource) - used]), flush=True)


def _used(resource: Any) -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    return float(own.ru_utime + own.ru_stime)


def play_ours(bases: list[str], count: int, folder: str) -> None:
    """Poll all sources once a line on standard input; print the seconds: by the clock, of processor time, of judging."""
    from parts import Clock, cpu_s, monitors, source

    from bot.loop import run

    judging = Judging()
    judging.watch()

    async def work() -> None:
        from datetime import timedelta

        clock = Clock()
        sources = [source(number, bases[number % len(bases)]) for number in range(count)]
        loop = asyncio.get_running_loop()
        async with monitors(sources, Path(folder), clock) as poller:
            while await loop.run_in_executor(None, sys.stdin.readline):
                clock.ahead += timedelta(seconds=10)
                used, started, judging.spent_s = cpu_s(), time.perf_counter(), 0.0
                reports = await poller.poll_due()
                spent = [time.perf_counter() - started, cpu_s() - used, judging.spent_s]
                failed = [report for report in reports if report.problem]
                assert len(reports) == count, f"{len(reports)} polled"
                assert not failed, failed[0]
                print(json.dumps(spent), flush=True)

    logging.disable(logging.WARNING)
    run(work())


class Judging:
    """The processor time of what the peer does not do: judging texts, and placing them in matters."""

    def __init__(self) -> None:
        self.spent_s = 0.0
        self._inside = False

    def watch(self) -> None:
        """Measure in this process from now on."""
        from routing.intake import _Round
        from routing.judging import Judge

        Judge.judge = self._measured(Judge.judge)  # type: ignore[method-assign]
        _Round._place = self._measured(_Round._place)  # type: ignore[method-assign]

    def _measured(self, work: Any) -> Any:
        def measured(*given: Any) -> Any:
            if self._inside:  # placing may judge; one writer thread runs both
                return work(*given)
            self._inside, started = True, time.thread_time()
            try:
                return work(*given)
            finally:
                self._inside = False
                self.spent_s += time.thread_time() - started

        return measured


class Side:
    """One contestant in a process of its own."""

    def __init__(self, python: Path | str, side: str, bases: list[str], count: int, folder: str) -> None:
        self.times: list[list[float]] = []
        self._process = subprocess.Popen(
            [
                str(python),
                __file__,
                "--side",
                side,
                "--base",
                *bases,
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

    def rates(self, count: int) -> "Rates":
        """Give the medians, a feed or a second."""
        wall, used, *judging = (statistics.median(column) for column in zip(*self.times, strict=True))
        apart = judging[0] if judging else 0.0
        rates = [count / max(seconds, 1e-9) for seconds in (wall, used, used - apart)]
        return Rates(*rates, judging_ms=1000 * apart / count)


@dataclass(frozen=True, slots=True)
class Rates:
    """Feeds a second: by the wall clock, by processor time, and by that without judging (milliseconds a feed)."""

    wall: float
    whole: float
    intake: float
    judging_ms: float


def compare(name: str, python: Path, count: int, rounds: int, hosts: int) -> dict[str, Any]:
    """Run both sides in turns on one server."""
    from parts import SHAPES, feed_server

    shape = SHAPES[name]
    with tempfile.TemporaryDirectory() as folder, feed_server(shape, count, hosts) as server:
        ours = Side(sys.executable, "ours", server.bases, count, folder)
        reader = Side(python, "reader", server.bases, count, folder)
        try:
            for turn in range(rounds + 1):
                server.go_to(turn)
                for side in (ours, reader) if turn % 2 else (reader, ours):
                    side.round(count=turn > 0)
        finally:
            ours.close()
            reader.close()
        our, their = ours.rates(count), reader.rates(count)
    return {"case": name, "ours": our, "reader": their}


def main() -> None:
    """Install the peer, run the three cases, print the table; exit code 1 where a goal is not reached."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--feeds", type=int, default=500)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--case", choices=list(GOALS))
    arguments.add_argument("--peer", type=Path, help="a Python that has reader")
    arguments.add_argument("--side", choices=["ours", "reader"])
    arguments.add_argument("--hosts", type=int, default=10)
    arguments.add_argument("--base", nargs="*", default=[])
    arguments.add_argument("--folder", default="")
    asked = arguments.parse_args()
    if asked.side:
        (play_ours if asked.side == "ours" else play_reader)(asked.base, asked.feeds, asked.folder)
        return
    cases = [name for name in GOALS if asked.case in {None, name}]
    with tempfile.TemporaryDirectory() as folder:
        python = asked.peer or install(folder)
        rows = [compare(name, python, asked.feeds, asked.rounds, asked.hosts) for name in cases]
    heads = ("intake", "whole", "reader", "judging", "x whole", "x intake", "goal")
    print(f"{'case':<14}" + "".join(f"{head:>10}" for head in heads))
    for row in rows:
        ours, reader = row["ours"], row["reader"]
        print(
            f"{row['case']:<14}{ours.intake:>10.0f}{ours.whole:>10.0f}{reader.whole:>10.0f}{ours.judging_ms:>10.2f}"
            f"{ours.whole / reader.whole:>10.1f}{ours.intake / reader.whole:>10.1f}{GOALS[row['case']]:>10.1f}"
        )
    if any(row["ours"].intake / row["reader"].whole < GOALS[row["case"]] for row in rows):
        raise SystemExit(1)


def install(folder: str) -> Path:
    """Put the peer into an environment of its own; gives its Python."""
    venv.create(folder, with_pip=True)
    python = Path(folder) / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "install", "-q", *READER], check=True)
    return python


if __name__ == "__main__":
    main()
