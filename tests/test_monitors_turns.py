import asyncio

import pytest

from monitors.turns import Deadlines, Turns


async def test_a_host_is_forgotten_when_nobody_is_there() -> None:
    turns = Turns(4, 2)
    for number in range(100):
        turn = await turns.take(f"host{number}.example:80", 0)
        assert not turn.is_shared
        turns.give_back(turn)
    assert not turns._hosts


async def test_a_host_with_a_pause_is_remembered() -> None:
    turns = Turns(4, 2)
    turns.give_back(await turns.take("slow.example:80", 30))
    waiting = asyncio.ensure_future(turns.take("slow.example:80", 0))
    await asyncio.sleep(0)
    follows = await turns.take("slow.example:80", None)  # a redirect of a request that has waited
    assert follows.is_shared
    assert not waiting.done()
    waiting.cancel()
    await asyncio.wait([waiting])
    turns.give_back(follows)
    assert list(turns._hosts) == ["slow.example:80"]


async def test_the_last_of_several_uses_what_they_shared_and_who_comes_alone_shares_nothing() -> None:
    turns = Turns(4, 1)
    first = await turns.take("slow.example:80", 0.001)
    assert not first.is_shared
    waiting = asyncio.ensure_future(turns.take("slow.example:80", 0.001))
    await asyncio.sleep(0)
    assert first.is_shared
    turns.give_back(first)
    last = await waiting
    assert last.is_shared
    turns.give_back(last)
    again = await turns.take("slow.example:80", 0.001)
    assert again is last  # for a host with a pause is remembered
    assert not again.is_shared


async def test_who_gives_up_waiting_leaves_no_trace() -> None:
    turns = Turns(1, 1)
    held = await turns.take("a.example:80", 0)
    at_host = asyncio.ensure_future(turns.take("a.example:80", 0))
    at_all = asyncio.ensure_future(turns.take("b.example:80", 0))
    await asyncio.sleep(0)
    for one in (at_host, at_all):
        one.cancel()
    await asyncio.wait([at_host, at_all])
    turns.give_back(held)
    assert not turns._hosts
    for host in ("a.example:80", "b.example:80"):
        async with asyncio.timeout(5):
            turns.give_back(await turns.take(host, 0))


async def test_who_gives_up_waiting_for_a_pause_frees_the_place() -> None:
    turns = Turns(4, 1)
    turns.give_back(await turns.take("slow.example:80", 30))
    waiting = asyncio.ensure_future(turns.take("slow.example:80", 30))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    async with asyncio.timeout(5):
        turns.give_back(await turns.take("slow.example:80", None))


async def test_a_place_that_is_handed_on_as_its_taker_gives_up_goes_to_the_next() -> None:
    turns = Turns(1, 1)
    held = await turns.take("a.example:80", 0)
    waiting = [asyncio.ensure_future(turns.take("a.example:80", 0)) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()  # gives up while it waits
    await asyncio.wait(waiting[:1])
    turns.give_back(held)
    waiting[1].cancel()  # gives up when the place is already its own
    await asyncio.wait(waiting[1:2])
    async with asyncio.timeout(5):
        turns.give_back(await waiting[2])
        turns.give_back(await turns.take("a.example:80", 0))
    assert waiting[1].cancelled()
    assert not turns._hosts


async def test_who_comes_first_is_served_first() -> None:
    turns = Turns(8, 1)
    served: list[int] = []

    async def visit(number: int) -> None:
        turn = await turns.take("a.example:80", 0)
        served.append(number)
        await asyncio.sleep(0)
        turns.give_back(turn)

    await asyncio.gather(*(visit(number) for number in range(20)))
    assert served == list(range(20))


async def test_what_lasts_too_long_is_ended_at_the_next_look_and_what_was_left_is_not() -> None:
    deadlines, now = Deadlines(), asyncio.get_running_loop().time()
    with deadlines.start(10, now - 11) as left:
        pass
    late, in_time = deadlines.start(10, now - 11), deadlines.start(10, now)
    with in_time:
        with pytest.raises(TimeoutError), late:
            await asyncio.Event().wait()
        await asyncio.sleep(0)  # nothing of the ended one is left over
    assert late.is_over
    assert not left.is_over
    assert not in_time.is_over
    deadlines.close()


async def test_a_short_deadline_is_kept_to_the_point() -> None:
    loop = asyncio.get_running_loop()
    now = loop.time()
    limit = Deadlines().start(0.1, now)
    assert limit.timer is not None
    assert limit.timer.when() - now == pytest.approx(0.1, abs=0.01)
    with pytest.raises(TimeoutError), limit:
        await asyncio.Event().wait()


async def test_a_short_deadline_that_was_kept_ends_nothing_later() -> None:
    with Deadlines().start(0.01, asyncio.get_running_loop().time()) as limit:
        pass
    assert limit.timer is not None
    assert limit.timer.cancelled()


async def test_who_is_called_off_as_his_time_ends_is_called_off() -> None:
    begun = asyncio.Event()

    async def work() -> None:
        with Deadlines().start(10, asyncio.get_running_loop().time()) as limit:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                limit.end()

    task = asyncio.ensure_future(work())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_nobody_looks_at_the_clock_when_nothing_has_a_deadline() -> None:
    deadlines = Deadlines()
    limit = deadlines.start(10, asyncio.get_running_loop().time() - 11)
    with pytest.raises(TimeoutError), limit:
        await asyncio.Event().wait()
    assert deadlines._timer is None
