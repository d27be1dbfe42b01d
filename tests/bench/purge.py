"""What a press waits for while a purge lets go of old texts beside the service, and what a text that went costs.

python tests/bench/purge.py [--texts 50000]
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from parts import text
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from routing.clock import utc_now
from routing.items import Kind
from routing.ledger import Ledger
from routing.office import Level
from routing.store.compact import pages
from routing.store.engine import Store
from routing.store.migrate import migrate
from routing.store.tables import CaseRow, GoneRow, ItemRow, Outcome, ProposalRow
from routing.workflow import State

ROOT = Path(__file__).parent.parent.parent
PRESS_EVERY_S = 0.05
ALONE_S = 10.0
PORTION = 5_000
PROPOSALS = 5_000


def fill(session: Session, first: int, count: int) -> None:
    """Write texts of 200 days ago, of a source that is remembered no more."""
    then = utc_now() - timedelta(days=200)
    row = {"source_id": "forum", "kind": Kind.POST, "first_seen_at": then, "outcome": Outcome.NONE}
    empty = {"fingerprint": "", "places": [], "numbers": [], "reasons": [], "masked": []}
    rows = [
        row
        | empty
        | {
            "external_id": f"https://forum.example/thread/{n}",
            "url": f"https://forum.example/thread/{n}",
            "title": text(f"title {n}", 20),
            "text": text(str(n), 200),
            "content_hash": f"{n:032x}",
        }
        for n in range(first, first + count)
    ]
    session.execute(insert(ItemRow), rows)


def propose(session: Session, count: int) -> None:
    """Write as many proposals of one matter as years of matters leave: each text that goes is looked for among them."""
    now = utc_now()
    case = CaseRow(
        number="YQ-2026-0001",
        state=State.JUDGING,
        level=Level.IV,
        proposed_level=Level.IV,
        channel="network",
        copies=[],
        title="停水",
        opened_at=now,
    )
    fill(session, 0, count)
    session.add(case)
    session.flush()
    row = {
        "case_id": case.id,
        "channel": "network",
        "level": Level.IV,
        "reasons": [],
        "rules_version": "",
        "at": now,
    }
    session.execute(
        insert(ProposalRow), [row | {"item_id": item} for item in session.scalars(select(ItemRow.id))]
    )


async def press_until(store: Store, is_over: Callable[[], bool]) -> list[float]:
    """Write one line of the ledger ahead of all else, twenty times a second; gives how long each took, in ms."""
    ledger, waits = Ledger(), []
    while not is_over():
        began = time.perf_counter()
        await store.write(lambda s: ledger.write(s, at=utc_now(), actor="甲", action="view"), urgent=True)
        waits.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(PRESS_EVERY_S)
    return waits


def told(name: str, waits: list[float]) -> None:
    """Print one row: how long presses took."""
    last = sorted(waits)[int(len(waits) * 0.99)]
    middle = statistics.median(waits)
    print(
        f"{name:12} presses {len(waits):5}  median {middle:6.1f} ms  p99 {last:6.1f} ms  max {max(waits):6.1f} ms"
    )


async def main(texts: int, folder: Path) -> None:
    """Fill a file, press alone, press beside a purge."""
    url = f"sqlite:///{folder / 'yuqing.db'}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "YUQING_DATABASE_URL": url}
    init = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "init"), cwd=folder, env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    await init.wait()
    store = Store(url)
    migrate(store)
    store.run(lambda s: propose(s, PROPOSALS))
    held = pages(store)
    empty = held.size - held.free
    for first in range(PROPOSALS, PROPOSALS + texts, PORTION):
        store.run(lambda s: fill(s, first, PORTION))  # noqa: B023 - called at once
    full = pages(store)
    end = time.monotonic() + ALONE_S
    told("alone", await press_until(store, lambda: time.monotonic() > end))
    began = time.monotonic()
    purge = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "purge", "--yes", "--reason", "测量清理速度"),
        cwd=folder,
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    told("beside purge", await press_until(store, lambda: purge.returncode is not None))
    took = time.monotonic() - began
    left, gone = store.peek(
        lambda s: [s.scalar(select(func.count()).select_from(t)) for t in (ItemRow, GoneRow)]
    )
    used = pages(store)
    print(f"{gone} texts went in {took:.1f} s ({gone / took:.0f} a second), {left} are left")
    whole, rest = (full.size - full.free - empty) / texts, (used.size - used.free - empty) / max(gone, 1)
    print(f"a text took {whole:.0f} bytes; what is kept of one that went {rest:.0f}")
    store.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=50_000)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(parser.parse_args().texts, Path(folder)))
