"""The loop that the service runs on."""

import asyncio
import gc
import importlib.util
import sys
import weakref

import pytest

from bot import loop


async def _kind() -> str:
    await asyncio.sleep(0)
    return type(asyncio.get_running_loop()).__module__


@pytest.mark.skipif(importlib.util.find_spec("uvloop") is None, reason="uvloop is not installed here")
def test_work_runs_on_the_quick_loop_where_there_is_one():
    assert loop.run(_kind()).startswith("uvloop")


def test_work_runs_on_asyncio_s_own_loop_where_there_is_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)  # as where it cannot be imported
    assert loop.run(_kind()).startswith("asyncio")


@pytest.mark.parametrize("quick", [True, False])
def test_what_the_work_raises_comes_through(monkeypatch, quick):
    if not quick:
        monkeypatch.setitem(sys.modules, "uvloop", None)

    async def fails() -> None:
        raise LookupError("so")

    with pytest.raises(LookupError, match="so"):
        loop.run(fails())


def test_a_settled_process_searches_seldom_and_still_finds_circles():
    usual, frozen = gc.get_threshold(), gc.get_freeze_count()

    class Circle:
        def __init__(self) -> None:
            self.own = self

    try:
        loop.settle()
        assert gc.get_freeze_count() > frozen
        first = weakref.ref(Circle())
        kept = [[] for _ in range(5_000)]
        assert first() is not None
        kept += [[] for _ in range(loop.COLLECT_AFTER)]
        assert first() is None
    finally:
        gc.set_threshold(*usual)
