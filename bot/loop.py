"""The event loop of everything that asks and waits: uvloop's where it is installed (not on Windows), else asyncio's."""

import asyncio
import importlib
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


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
