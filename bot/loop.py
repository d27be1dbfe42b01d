"""The event loop of everything that asks and waits: uvloop's where it is installed (not on Windows), else asyncio's.

And how seldom a long-lived process looks for garbage.
"""

import asyncio
import gc
import importlib
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

COLLECT_AFTER = 20_000
"""Objects more than before until the collector looks for circles; by Python's 700 it walks each harvest many times.

A look walks so many young objects, 1 ms, and what they hold is a few MiB.
"""


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Make the loop that commands run on."""
    try:
        quick = importlib.import_module("uvloop")
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = quick.new_event_loop()
    return loop


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run one coroutine to its end on a loop of its own, as `asyncio.run` does."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(work)


def settle() -> None:
    """Keep what is loaded by now out of the search for garbage, and search less often; before the work begins.

    Without it a sixth of the time of taking texts in is the search. Safe to call twice.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
