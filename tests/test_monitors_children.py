"""Children under limits: what ends them, what they know, and what may come back from them."""

import asyncio
import os
import pickle
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from monitors import children
from monitors.children import Child, ChildLost, Limits, Nursery
from routing.items import Counts, Kind

MIB = 1024**2


@pytest.fixture
async def nursery() -> AsyncIterator[Nursery]:
    made = Nursery(("routing.items",))
    yield made
    await made.close()
    await made.close()


@pytest.fixture
async def child(nursery: Nursery) -> Child:
    return await nursery.child(Limits(memory=64 * MIB))


def test_a_word_of_ours_comes_back_whatever_python_wrote_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # As Python 3.11.0 to 3.11.3 reduce it, Debian 12's among them.
    monkeypatch.setattr(Kind, "__reduce_ex__", lambda self, _: (getattr, (type(self), self.name)))
    message = ("done", (Kind.POST, Counts(views=7)), 1.0, 0.1)
    assert children._unpickle(children._pickle(message)) == message
    with pytest.raises(EOFError):
        children._unpickle(pickle.dumps(message))


async def test_a_task_is_done_and_the_child_takes_the_next_one(child: Child) -> None:
    assert await child.call(len, b"x" * 3_000_000, cpu_s=1, wall_s=10) == 3_000_000
    assert await child.call(Counts, 1, 2, cpu_s=1, wall_s=10) == Counts(1, 2)
    assert not child.over


async def test_a_loop_in_c_is_ended_when_its_processor_time_is_used_up(
    nursery: Nursery, child: Child
) -> None:
    with pytest.raises(ChildLost, match=r"0.2 秒内没有完成") as lost:
        await child.call(re.fullmatch, "(a+)+b", "a" * 60, cpu_s=0.2, wall_s=20)
    assert lost.value.slow
    assert child.over
    assert await asyncio.wait_for(child.gone, 10) < 0
    assert child.pid not in nursery.pids


async def test_the_limit_is_that_of_each_task_not_of_the_life(child: Child) -> None:
    for _ in range(4):
        assert await child.call(burn, 0.15, cpu_s=0.4, wall_s=20) == 1


async def test_one_that_only_waits_is_ended_by_the_clock(child: Child) -> None:
    with pytest.raises(ChildLost, match=r"0.1 秒内没有完成") as lost:
        await child.call(wait, cpu_s=20, wall_s=0.1)
    assert lost.value.slow


async def test_where_the_system_has_no_process_left_the_task_is_not_to_blame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = "import os\n\ndef fork() -> int:\n    raise BlockingIOError\n\nos.fork = fork\n"
    (tmp_path / "full_system.py").write_text(full, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    nursery = Nursery(("full_system",))
    try:
        child = await nursery.child(Limits(memory=64 * MIB))
        with pytest.raises(ChildLost) as lost:
            await child.call(len, b"", cpu_s=1, wall_s=10)
        assert lost.value.outside
    finally:
        await nursery.close()


async def test_memory_above_the_limit_is_refused_and_the_peak_is_known(
    nursery: Nursery, child: Child
) -> None:
    with pytest.raises(ChildLost, match=r"内存") as lost:
        await child.call(hold, 100 * MIB, cpu_s=5, wall_s=20)
    assert not lost.value.slow
    healthy = await nursery.child(Limits(memory=64 * MIB))
    assert await healthy.call(hold, 40 * MIB, cpu_s=5, wall_s=20) == 40 * MIB
    assert 40 < healthy.peak_mib < 512
    healthy.end()
    await asyncio.wait_for(healthy.gone, 10)
    assert nursery.peak_mib >= healthy.peak_mib


async def test_an_error_in_the_task_is_told_by_its_kind_alone_and_logged_with_its_trace(
    capfd: pytest.CaptureFixture[str],
) -> None:
    nursery = Nursery(())
    try:
        child = await nursery.child(Limits(memory=64 * MIB))
        with pytest.raises(ChildLost, match=r"^程序内部出错：ZeroDivisionError$"):
            await child.call(divmod, 1, 0, cpu_s=1, wall_s=10)
    finally:
        await nursery.close()
    assert "Traceback" in capfd.readouterr().err


async def test_what_comes_back_may_hold_values_of_ours_and_nothing_to_call(child: Child) -> None:
    with pytest.raises(ChildLost):
        await child.call(give, "open", cpu_s=1, wall_s=10)
    assert child.over


async def test_a_child_knows_no_secret_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUQING_TELEGRAM_TOKEN", "12345:planted")
    nursery = Nursery(())
    try:
        child = await nursery.child(Limits(memory=64 * MIB))
        assert await child.call(os.getenv, "YUQING_TELEGRAM_TOKEN", cpu_s=1, wall_s=10) is None
        assert await child.call(os.getenv, "PATH", cpu_s=1, wall_s=10) == os.environ["PATH"]
    finally:
        await nursery.close()


async def test_the_steps_of_a_task_are_told_and_each_has_a_limit_of_its_own(child: Child) -> None:
    heard: list[int] = []
    with pytest.raises(ChildLost, match=r"没有完成"):
        await child.call(steps, cpu_s=1, wall_s=30, told=heard.append)
    assert heard == [1, 2]


async def test_a_caller_that_gives_up_ends_its_child_and_no_other(nursery: Nursery, child: Child) -> None:
    other = await nursery.child(Limits(memory=64 * MIB))
    waiting = asyncio.create_task(child.call(wait, cpu_s=20, wall_s=20))
    await other.call(len, b"", cpu_s=1, wall_s=10)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.wait_for(child.gone, 10)
    assert await other.call(len, b"1", cpu_s=1, wall_s=10) == 1


def burn(seconds: float) -> int:
    used = os.times().user
    while os.times().user - used < seconds:
        sum(range(1000))
    return 1


def wait() -> None:
    import signal

    signal.pause()


def hold(size: int) -> int:
    return len(b"x" * size)


def give(name: str) -> object:
    import builtins

    return getattr(builtins, name)


def steps() -> Iterator[tuple[int, float]]:
    burn(0.15)
    yield 1, 0.3
    burn(0.15)
    yield 2, 0.1
    burn(5)
