import asyncio

from monitors.turns import Turns


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
