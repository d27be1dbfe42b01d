"""The script of faults as real clients feel it, and the record that tells what truly happened."""

import asyncio

import aiohttp
import pytest
import telegram
from sandbox_desk import DUTY, GROUP, LEADER, Desk, running
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, NetworkError, RetryAfter, TimedOut

from bot.sandbox.client import SandboxClientError


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("500", NetworkError),
        ("403", Forbidden),
        ("401", InvalidToken),
        ("404", InvalidToken),
        ("409", Conflict),
        ("html502", NetworkError),
        ("cut_before", NetworkError),
    ],
)
async def test_a_fault_strikes_once_and_nothing_was_done(kind: str, error: type[Exception]) -> None:
    async with running() as desk, desk.bot() as bot:
        await desk.hands.faults({"kind": kind, "method": "sendMessage", "times": 1})
        with pytest.raises(error) as caught:
            await bot.send_message(DUTY, "x")
        assert not isinstance(caught.value, BadRequest)
        assert await desk.hands.messages(DUTY, DUTY) == []
        assert (await bot.send_message(DUTY, "x")).text == "x"
        first, second = await desk.hands.record("sendMessage")
        assert (first["outcome"], first["fault"], first["done"], first["message_id"]) == (
            "fault",
            kind,
            False,
            None,
        )
        assert (second["outcome"], second["done"], second["message_id"]) == ("accepted", True, 1)


async def test_a_429_tells_how_long_to_wait_twice_over() -> None:
    async with running() as desk, desk.bot() as bot:
        await desk.hands.faults({"kind": "429", "retry_after": 7, "times": 2})
        with pytest.raises(RetryAfter) as caught:
            await bot.send_message(DUTY, "x")
        assert "7" in str(caught.value)
        answer = await desk.api("sendMessage", chat_id=DUTY, text="x")
        assert (answer.status, answer.refusal) == (429, "Too Many Requests: retry after 7")
        assert (answer.body["parameters"], answer.headers["Retry-After"]) == ({"retry_after": 7}, "7")


async def test_a_fault_for_one_chat_spares_the_others() -> None:
    async with running() as desk:
        await desk.hands.faults(
            {"kind": "403", "chat": LEADER, "times": 0}, {"kind": "500", "method": "getme"}
        )
        assert (await desk.api("sendMessage", chat_id=LEADER, text="x")).status == 403
        assert (await desk.api("sendMessage", chat_id=LEADER, text="x")).status == 403
        assert (await desk.api("sendMessage", chat_id=DUTY, text="x")).status == 200
        assert (await desk.api("getMe")).status == 500
        assert [f["used"] for f in (await desk.hands.faults())["faults"]] == [2, 1]
        await desk.hands.clear_faults()
        assert (await desk.api("sendMessage", chat_id=LEADER, text="x")).status == 200


async def _one_message_despite(
    desk: Desk, bot: telegram.Bot, error: type[Exception], timeout_s: float
) -> None:
    with pytest.raises(error):
        await bot.send_message(DUTY, "预警", read_timeout=timeout_s)
    assert [m["text"] for m in await desk.hands.messages(DUTY, DUTY)] == ["预警"]
    (call,) = await desk.hands.record("sendMessage")
    assert (call["outcome"], call["done"], call["message_id"]) == ("fault", True, 1)
    assert call["params"]["text"] == "预警"


async def test_after_a_lost_answer_the_message_is_there_all_the_same() -> None:
    async with running() as desk, desk.bot() as bot:
        await desk.hands.faults({"kind": "timeout_after", "method": "sendMessage"})
        await _one_message_despite(desk, bot, TimedOut, 0.2)


async def test_after_a_cut_line_the_message_is_there_all_the_same() -> None:
    async with running() as desk, desk.bot() as bot:
        await desk.hands.faults({"kind": "cut_after", "method": "sendMessage"})
        await _one_message_despite(desk, bot, NetworkError, 5)


async def test_a_slow_server_acts_late() -> None:
    async with running() as desk:
        await desk.hands.faults({"kind": "slow", "delay_s": 0.2})
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert (await desk.api("sendMessage", chat_id=DUTY, text="x")).status == 200
        assert loop.time() - began >= 0.2
        assert (await desk.hands.record())[0]["outcome"] == "accepted"


async def test_flood_limits_hold_a_chat_to_one_a_second_and_a_group_to_twenty_a_minute() -> None:
    async with running() as desk:
        await desk.hands.faults({"kind": "flood_limits", "on": True})

        async def sent(chat: int) -> int:
            answer = await desk.api("sendMessage", chat_id=chat, text="x")
            assert answer.status == 200 or answer.body["parameters"]["retry_after"] >= 1
            return answer.status

        assert [await sent(DUTY) for _ in range(4)] == [200, 200, 200, 429]
        desk.clock.ahead_s = 3.1
        assert await sent(DUTY) == 200
        statuses = []
        for _ in range(22):
            statuses.append(await sent(GROUP))
            desk.clock.ahead_s += 1.01
        assert statuses == [200] * 20 + [429] * 2
        await desk.hands.faults({"kind": "flood_limits", "on": False})
        assert await sent(GROUP) == 200


async def test_an_unknown_fault_is_refused_whole() -> None:
    async with running() as desk:
        with pytest.raises(SandboxClientError, match="unknown kind"):
            await desk.hands.faults({"kind": "500"}, {"kind": "earthquake"})
        with pytest.raises(SandboxClientError, match="unknown fields"):
            await desk.hands.faults({"kind": "500", "methd": "getMe"})
        assert (await desk.hands.faults())["faults"] == []


async def test_the_record_tells_accepted_from_refused_and_names_files() -> None:
    async with running() as desk:
        await desk.api("sendMessage", chat_id=DUTY, text="")
        form = aiohttp.FormData({"chat_id": str(DUTY)})
        form.add_field("document", b"abc", filename="a.txt")
        await desk.post("sendDocument", data=form)
        refused, accepted = await desk.hands.record()
        assert (refused["outcome"], refused["status"]) == ("refused", 400)
        assert refused["description"] == "Bad Request: message text is empty"
        assert accepted["params"] == {"chat_id": str(DUTY), "document": "<a.txt, 3 bytes>"}
        assert await desk.hands.record(after=refused["seq"]) == [accepted]
