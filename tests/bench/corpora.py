"""feedparser's own test files through the worker: none raises, hangs, fills memory, or goes unread without a word.

Run by hand: `python tests/bench/corpora.py [ARCHIVE-OR-FOLDER]`. Without an argument the source distribution of the
installed feedparser is fetched by pip for the run. Exit code 1 if any figure is not as it should be.
"""

import asyncio
import logging
import re
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from monitors.fetch import Fetched
from monitors.parsed import Parsed
from monitors.sources import Source
from monitors.worker import Worker
from routing.items import Kind

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
LIMIT_S = 10.0
MOST_MIB = 512
AT_ONCE = 20
_entry = re.compile(rb"<(?:[\w.-]+:)?(?:item|entry)[\s>]")


@dataclass
class Figures:
    """What came of the files; the lists hold names."""

    files: int = 0
    items: int = 0
    raised: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    unsaid: list[str] = field(default_factory=list)
    longest_s: float = 0.0
    peak_mib: float = 0.0

    @property
    def good(self) -> bool:
        return self.files > 0 and not (self.raised or self.slow or self.unsaid) and self.peak_mib <= MOST_MIB


def fetch(folder: Path) -> Path:
    """Let pip fetch the source distribution of the installed version; gives the archive."""
    wanted = f"feedparser=={version('feedparser')}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    subprocess.run([*command, "--no-binary", "feedparser", "--dest", str(folder), wanted], check=True)
    return next(folder.glob("feedparser-*.tar.gz"))


def bodies(place: Path) -> Iterator[tuple[str, bytes]]:
    """Give every test file of an archive or a folder: its name and its bytes."""
    if place.is_dir():
        for path in sorted(place.rglob("*")):
            if path.is_file():
                yield str(path.relative_to(place)), path.read_bytes()
        return
    with tarfile.open(place) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() and "/tests/" in member.name else None
            if file is not None and not member.name.endswith((".py", ".dat")):
                yield member.name, file.read()


async def measure(place: Path) -> Figures:
    """Run all files, so many at once."""
    figures = Figures()
    worker = Worker()
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(name: str, body: bytes) -> None:
        async with turn:
            source = Source(
                id=f"file-{figures.files}",
                name=name,
                kind="feed",
                url="https://x.example/feed",
                site="x",
                item_kind=Kind.ARTICLE,
            )
            figures.files += 1
            started = time.monotonic()
            try:
                parsed = await worker.parse(source, Fetched(200, body, "", source.url), NOW)
            except Exception as error:
                figures.raised.append(f"{name}: {error!r}")
                return
            took = time.monotonic() - started
            figures.longest_s = max(figures.longest_s, took)
            _note(figures, name, body, parsed, took)

    try:
        await asyncio.gather(*(one(name, body) for name, body in bodies(place)))
    finally:
        figures.peak_mib = worker.peak_mib
        await worker.close()
    return figures


def _note(figures: Figures, name: str, body: bytes, parsed: Parsed, took: float) -> None:
    figures.items += len(parsed.items)
    if took > LIMIT_S:
        figures.slow.append(f"{name}: {took:.1f} s")
    if parsed.problem is not None and "程序内部出错" in parsed.problem.detail:
        figures.raised.append(f"{name}: {parsed.problem.detail}")
    told = parsed.problem or parsed.symptoms
    if not parsed.items and not told and _entry.search(body):
        figures.unsaid.append(name)


def main() -> int:
    """Print the figures; the exit code says whether all are as they should be."""
    logging.basicConfig(level=logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(sys.argv[1]) if len(sys.argv) > 1 else fetch(Path(folder))
        figures = asyncio.run(measure(place))
    print(f"files                {figures.files}")
    print(f"items                {figures.items}")
    print(f"raised               {len(figures.raised)}")
    print(
        f"over {LIMIT_S:g} s            {len(figures.slow)} (longest {figures.longest_s:.2f} s, waiting included)"
    )
    print(f"unread and unsaid    {len(figures.unsaid)}")
    print(f"peak of the worker   {figures.peak_mib:.0f} MiB (at most {MOST_MIB})")
    for line in (*figures.raised, *figures.slow, *figures.unsaid):
        print(f"  {line}")
    return 0 if figures.good else 1


if __name__ == "__main__":
    sys.exit(main())
