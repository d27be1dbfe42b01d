import asyncio
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from builders import Desk
from watching import START, Clock, Core, Neutral

from bot.cli import sources as commands
from monitors import inbox
from monitors.comments import max_records
from monitors.inbox import Inbox, push_key, sign
from monitors.sources import Mapped, Source
from monitors.worker import Worker
from routing import intake, pushes, sources
from routing.clock import utc_now
from routing.errors import UserError
from routing.items import Ailment, Harvest, Kind, SourceState, Symptom
from routing.pushes import was_taken
from routing.store.tables import AilmentRow, CaseRow, ItemRow, OutboxRow

SECRET = "0123456789abcdef0123456789abcdef"
MAPPING = Mapped(items=None, id=("id",), text=("text",), time=("time",))
HOTLINE = Source(
    "hotline", "热线", "inbox", "", "12345", Kind.POST, ("本县",), max_bytes=4096, mapping=MAPPING
)
OTHER = replace(HOTLINE, id="other", kind="feed", url="https://feed.example/")
PAGE = Path(__file__).parent.parent / "docs/push.md"
WATER = "东湖小区今天又停水了，物业说不知道什么时候来水"


class Gate(Core):
    """The door of the tests of the monitors, which also knows what was pushed; it can be held shut for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.open = asyncio.Event()
        self.open.set()
        self.knocked = asyncio.Semaphore(0)
        self.refusals: list[tuple[str, int, str]] = []

    async def accept(self, harvest: Harvest) -> Sequence[str]:
        self.knocked.release()
        await self.open.wait()
        return await super().accept(harvest)

    async def refused(self, source_id: str, times: int, why: Symptom) -> None:
        self.refusals.append((source_id, times, why.detail))

    async def pushed(self, source_id: str, signature: str) -> bool:
        return any((harvest.source_id, harvest.push) == (source_id, signature) for harvest in self.harvests)


class Desked:
    """The door on a real store."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def states(self, source_ids: Sequence[str]) -> Mapping[str, SourceState]:
        return await self._desk.store.read(lambda s: sources.states(s, source_ids))

    async def accept(self, harvest: Harvest) -> Sequence[str]:
        desk = self._desk
        return await desk.store.write(
            lambda s: intake.accept(s, desk.office, desk.rules, desk.ledger, harvest, desk.clock())
        )

    async def accept_urgent(self, harvest: Harvest, waiting: Collection[str]) -> Sequence[str]:
        return ()

    async def refused(self, source_id: str, times: int, why: Symptom) -> None:
        desk = self._desk
        await desk.store.write(
            lambda s: pushes.refuse(s, desk.office, desk.ledger, source_id, times, why, desk.clock())
        )

    async def pushed(self, source_id: str, signature: str) -> bool:
        return await self._desk.store.read(lambda s: was_taken(s, source_id, signature))


class Sender:
    """A system that pushes, with the key of its source; `answer` holds status and JSON of the last push."""

    def __init__(self, port: int, clock: Clock) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.port = port
        self.clock = clock
        self.answers: list[aiohttp.ClientResponse] = []

    async def push(
        self,
        body: bytes | str,
        source: str = "hotline",
        *,
        kind: str = "application/x-ndjson",
        at: int | None = None,
        headers: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> tuple[int, dict[str, Any]]:
        raw = body.encode() if isinstance(body, str) else body
        stamp = round(self.clock().timestamp()) if at is None else at
        signature = sign(key or push_key(SECRET, source), stamp, source, raw)
        sent = {"Content-Type": kind, "X-Yuqing-Timestamp": str(stamp), "X-Yuqing-Signature": signature}
        sent |= headers or {}
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"{self.base}/ingest/{source}", data=raw, headers={k: v for k, v in sent.items() if v}
            ) as answer,
        ):
            self.answers.append(answer)
            return answer.status, await answer.json()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    made = Worker(Neutral)
    yield made
    await made.close()


@pytest.fixture
async def sender(gate: Gate, worker: Worker, clock: Clock) -> AsyncIterator[Sender]:
    """A pushing system and the inbox that it pushes to; slow senders are cut after half a second."""
    served = Inbox([HOTLINE, OTHER], worker, gate, clock, SECRET, slow_s=0.5)
    yield Sender(await served.start("127.0.0.1", 0), clock)
    await served.close()


def record(name: object, text: str = WATER) -> str:
    return json.dumps({"id": str(name), "text": text, "author": "张三"}, ensure_ascii=False)


async def exchange(port: int, request: bytes) -> bytes:
    """Send bytes as they are and read until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    await writer.drain()
    answer = await reader.read()
    writer.close()
    return answer


# --- what is taken ---


async def test_a_signed_push_is_taken_masked_scored_and_answered_after_the_commit(
    sender: Sender, gate: Gate
) -> None:
    body = f"{record(1)}\n{record(2, '电话 13812345678')}\n"
    assert await sender.push(body) == (202, {"accepted": 2, "new": 2})
    taken = gate.harvests[-1]
    assert [item.text for item in taken.items] == [WATER, "电话 [手机号已隐去]"]
    assert all(item.sentiment for item in taken.items)
    assert taken.tags == ("本县",)
    assert taken.push is not None
    assert re.fullmatch("[0-9a-f]{64}", taken.push)
    assert "张三" not in repr(gate.harvests)


async def test_nothing_is_answered_before_the_commit(sender: Sender, gate: Gate) -> None:
    gate.open.clear()
    push = asyncio.ensure_future(sender.push(record(1)))
    await gate.knocked.acquire()
    assert not push.done()
    gate.open.set()
    assert (await push)[0] == 202


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", f"[{record(1)}, {record(2)}]"),
        (
            "application/json; charset=utf-8",
            json.dumps({"items": [{"id": "1", "text": WATER}, {"id": "2", "text": "停电"}]}),
        ),
        ("text/csv", f"id,text\r\n1,{WATER}\r\n2,停电\r\n"),
        ("text/csv", f"id,text\n1,{WATER}\n2,停电\n".encode("gbk")),
        ("application/x-ndjson", f"{record(1)}\n\n{record(2)}"),
    ],
    ids=["json", "items", "csv", "csv in gbk", "lines"],
)
async def test_each_type_of_content_is_read(sender: Sender, gate: Gate, kind: str, body: str | bytes) -> None:
    assert (await sender.push(body, kind=kind))[1] == {"accepted": 2, "new": 2}
    assert gate.harvests[-1].items[0].text == WATER


async def test_the_first_push_is_news_and_no_baseline(sender: Sender, gate: Gate) -> None:
    await sender.push(record(1))
    opened, pushed = gate.harvests
    assert opened.items == ()
    assert opened.state.baseline_done
    assert pushed.push
    await sender.push(record(2))
    assert len(gate.harvests) == 3
    assert gate.kept["hotline"].next_poll_at is None


async def test_the_same_request_twice_is_taken_once(sender: Sender, gate: Gate) -> None:
    await sender.push(record(1))
    before = len(gate.harvests)
    assert await sender.push(record(1)) == (202, {"accepted": 0, "repeated": True})
    assert len(gate.harvests) == before
    sender.clock.advance(1)
    assert await sender.push(record(1)) == (202, {"accepted": 1, "new": 0})


async def test_records_that_cannot_be_read_are_named_and_travel_as_a_symptom(
    sender: Sender, gate: Gate
) -> None:
    status, told = await sender.push(f"{record(1)}\nno json\n{{}}\n")
    assert status == 202
    assert told["accepted"] == 1
    assert told["notes"]
    assert [symptom.ailment for symptom in gate.harvests[-1].symptoms] == [Ailment.SKIPPED]


# --- what is refused ---


def refused(outcome: tuple[int, dict[str, Any]], status: int, code: str) -> str:
    assert (outcome[0], outcome[1]["error"]) == (status, code)
    message: str = outcome[1]["message"]
    assert message
    return message


@pytest.mark.parametrize(
    "changed",
    [
        {"key": push_key("another secret of the house", "hotline")},
        {"key": push_key(SECRET, "other")},
        {"key": SECRET},
        {"headers": {"X-Yuqing-Signature": "sha256=" + "0" * 64}},
        {"headers": {"X-Yuqing-Timestamp": str(round(START.timestamp()) + 1)}},
    ],
    ids=["other secret", "key of another source", "the secret itself", "zeros", "another time"],
)
async def test_a_wrong_signature_is_refused(sender: Sender, gate: Gate, changed: dict[str, Any]) -> None:
    refused(await sender.push(record(1), **changed), 401, "bad_signature")
    assert gate.harvests == []


async def test_a_signature_holds_for_its_own_source_time_and_body_alone() -> None:
    key = push_key(SECRET, "a")
    signature = sign(key, 1, "a", b"x")
    assert signature == sign(key, 1, "a", b"x")
    assert len({signature, sign(key, 2, "a", b"x"), sign(key, 1, "b", b"x"), sign(key, 1, "a", b"y")}) == 4
    assert key == commands.push_key(SECRET, "a")  # what `yuqing sources key` prints


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Yuqing-Signature": ""},
        {"X-Yuqing-Timestamp": ""},
        {"X-Yuqing-Signature": "sha256=0"},
        {"X-Yuqing-Signature": "md5=" + "0" * 64},
        {"X-Yuqing-Timestamp": "now"},
        {"X-Yuqing-Timestamp": "-5"},
        {"X-Yuqing-Timestamp": "9" * 40},
    ],
    ids=range(7),
)
async def test_a_push_without_a_proper_signature_is_refused(sender: Sender, headers: dict[str, str]) -> None:
    refused(await sender.push(record(1), headers=headers), 401, "unsigned")


@pytest.mark.parametrize("apart", [-301, 301])
async def test_a_stale_push_is_refused_with_the_reason(sender: Sender, apart: int) -> None:
    stamp = round(START.timestamp()) + apart
    message = refused(await sender.push(record(1), at=stamp), 401, "stale_timestamp")
    assert f"{'快' if apart > 0 else '慢'} 301 秒" in message


@pytest.mark.parametrize("apart", [-300, 300])
async def test_a_push_at_the_edge_of_the_window_is_taken(sender: Sender, apart: int) -> None:
    assert (await sender.push(record(1), at=round(START.timestamp()) + apart))[0] == 202


async def test_a_source_that_is_not_there_looks_to_strangers_like_a_wrong_signature(sender: Sender) -> None:
    wrong = await sender.push(record(1), key="x")
    assert await sender.push(record(1), "nobody", key="x") == wrong
    assert await sender.push(record(1), "other", key="x") == wrong  # it is there, and no inbox
    refused(await sender.push(record(1), "nobody"), 404, "unknown_source")
    refused(await sender.push(record(1), "other"), 404, "unknown_source")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Content-Type": "text/html"}, "unsupported_type"),
        ({"Content-Type": "application/octet-stream"}, "unsupported_type"),
        ({"Content-Encoding": "gzip"}, "unsupported_coding"),
    ],
    ids=["html", "bytes", "gzip"],
)
async def test_other_types_of_content_are_refused(sender: Sender, headers: dict[str, str], code: str) -> None:
    refused(await sender.push(record(1), headers=headers), 415, code)


async def test_what_cannot_be_read_is_refused_with_the_reason_and_the_core_hears_of_it(
    sender: Sender, gate: Gate
) -> None:
    message = refused(await sender.push("no json", kind="application/json"), 422, "unreadable")
    assert "JSON" in message
    assert gate.harvests[-1].problem is not None
    assert gate.harvests[-1].push is None  # what was not taken may come again
    assert gate.kept["hotline"].next_poll_at is None
    assert (await sender.push(record(1)))[0] == 202
    assert gate.kept["hotline"].failures == 0


async def test_while_the_store_is_away_the_sender_is_asked_to_come_again(sender: Sender, gate: Gate) -> None:
    gate.away = True
    refused(await sender.push(record(1)), 503, "store_down")
    assert int(sender.answers[-1].headers["Retry-After"]) > 0
    gate.away = False
    assert await sender.push(record(1)) == (202, {"accepted": 1, "new": 1})


async def test_a_bug_is_told_without_its_insides_and_ends_nothing(
    sender: Sender, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    gate.broken = True
    told = await sender.push(record(1))
    refused(told, 500, "internal")
    assert "disk full" not in repr(told)
    assert "disk full" in caplog.text
    assert WATER not in caplog.text
    gate.broken = False
    assert (await sender.push(record(1)))[0] == 202


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/ingest/hotline"),
        ("POST", "/"),
        ("POST", "/ingest/"),
        ("POST", "/ingest/A"),
        ("PUT", "/ingest/hotline"),
        ("POST", "/ingest/hotline/x"),
        ("POST", "/ingest/%2e%2e"),
    ],
)
async def test_every_other_address_is_404_in_one_line(sender: Sender, method: str, path: str) -> None:
    async with aiohttp.ClientSession() as session, session.request(method, sender.base + path) as answer:
        text = await answer.text()
        assert answer.status == 404
        assert json.loads(text)["error"] == "not_found"
        assert text.count("\n") == 1
        assert answer.headers["Server"] == "yuqing"


# --- limits ---


async def test_a_body_above_the_limit_is_refused_by_its_length_alone(sender: Sender) -> None:
    stamp = round(START.timestamp())
    head = (
        f"POST /ingest/hotline HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 999999999\r\n"
        f"X-Yuqing-Timestamp: {stamp}\r\nX-Yuqing-Signature: sha256={'0' * 64}\r\n\r\n"
    )
    answer = await exchange(sender.port, head.encode())  # not a byte of the body is sent
    assert answer.startswith(b"HTTP/1.1 413")
    assert "4096" in answer.decode()


async def test_of_a_push_of_too_many_records_none_is_taken(gate: Gate, worker: Worker, clock: Clock) -> None:
    served = Inbox([replace(HOTLINE, max_bytes=100_000)], worker, gate, clock, SECRET)
    try:
        sender = Sender(await served.start("127.0.0.1", 0), clock)
        status, told = await sender.push("{}\n" * max_records + record(1))
    finally:
        await served.close()
    assert (status, told["error"]) == (413, "too_many")
    assert f"{max_records + 1} 条" in told["message"]
    assert gate.harvests == []


async def test_a_body_without_a_length_is_read_no_further_than_the_limit(sender: Sender) -> None:
    stamp = round(START.timestamp())

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1024

    headers = {
        "Content-Type": "text/csv",
        "X-Yuqing-Timestamp": str(stamp),
        "X-Yuqing-Signature": "sha256=" + "0" * 64,
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{sender.base}/ingest/hotline", data=endless(), headers=headers) as answer,
    ):
        assert answer.status == 413


async def test_a_body_of_exactly_the_limit_is_taken(sender: Sender) -> None:
    body = record(1, "水" * 1300)
    assert (await sender.push(body + " " * (4096 - len(body.encode()))))[0] == 202


def half(stamp: int, *, body: bytes = b"") -> bytes:
    head = (
        f"POST /ingest/hotline HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 100\r\n"
        f"X-Yuqing-Timestamp: {stamp}\r\nX-Yuqing-Signature: sha256={'0' * 64}\r\n\r\n"
    )
    return head.encode() + body


async def test_a_slow_body_is_cut(sender: Sender) -> None:
    answer = await exchange(sender.port, half(round(START.timestamp()), body=b"x"))
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"too_slow" in answer


@pytest.mark.parametrize("sent", [b"", b"POST /ingest/hotline HT"], ids=["nothing", "half a head"])
async def test_a_connection_that_asks_for_nothing_is_closed(sender: Sender, sent: bytes) -> None:
    assert await exchange(sender.port, sent) == b""


async def test_a_connection_serves_one_request(sender: Sender) -> None:
    answer = await exchange(sender.port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
    assert answer.count(b"HTTP/1.1 404") == 1
    assert b"Connection: close" in answer


async def test_a_sender_that_goes_away_in_the_midst_leaves_its_slot_to_others(sender: Sender) -> None:
    for _ in range(2 * inbox.at_once):
        _, writer = await asyncio.open_connection("127.0.0.1", sender.port)
        writer.write(half(round(START.timestamp()), body=b"x"))
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    while (told := await sender.push(record(1)))[0] == 503:
        pass
    assert told[0] == 202


async def test_no_more_than_so_many_bodies_are_held_at_once(sender: Sender, gate: Gate) -> None:
    gate.open.clear()
    pushes = [asyncio.ensure_future(sender.push(record(n))) for n in range(inbox.at_once)]
    for _ in pushes:
        await gate.knocked.acquire()
    refused(await sender.push(record("one more")), 503, "busy")
    assert int(sender.answers[-1].headers["Retry-After"]) > 0
    gate.open.set()
    assert {status for status, _ in await asyncio.gather(*pushes)} == {202}
    assert (await sender.push(record("one more")))[0] == 202


async def test_no_more_than_so_many_connections_are_held_at_once(
    gate: Gate, worker: Worker, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    served = Inbox([HOTLINE], worker, gate, clock, SECRET, slow_s=30)
    port = await served.start("127.0.0.1", 0)
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(inbox.max_connections)]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read() == b""
    writer.close()
    reader, writer = held[0]
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 404")
    for _, one in held:
        one.close()
    await served.close()
    assert caplog.records == []


async def test_a_client_that_waits_to_be_asked_for_its_body_is_asked(sender: Sender) -> None:
    body = record(1).encode()
    stamp = round(START.timestamp())
    head = (
        f"POST /ingest/hotline HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: {len(body)}\r\n"
        f"Expect: 100-continue\r\nX-Yuqing-Timestamp: {stamp}\r\n"
        f"X-Yuqing-Signature: {sign(push_key(SECRET, 'hotline'), stamp, 'hotline', body)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", sender.port)
    writer.write(head.encode())
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(body)
    assert (await reader.read()).startswith(b"HTTP/1.1 202")
    writer.close()


async def test_closing_lets_a_push_that_is_being_taken_end(gate: Gate, worker: Worker, clock: Clock) -> None:
    served = Inbox([HOTLINE], worker, gate, clock, SECRET)
    sender = Sender(await served.start("127.0.0.1", 0), clock)
    gate.open.clear()
    push = asyncio.ensure_future(sender.push(record(1)))
    await gate.knocked.acquire()
    closing = asyncio.ensure_future(served.close())
    await asyncio.sleep(0)
    gate.open.set()
    assert (await push)[0] == 202
    await closing
    await served.close()


async def test_a_port_that_is_taken_is_said_so(gate: Gate, worker: Worker, clock: Clock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        served = Inbox([HOTLINE], worker, gate, clock, SECRET)
        with pytest.raises(UserError, match="YUQING_INGEST_LISTEN"):
            await served.start("127.0.0.1", taken.getsockname()[1])
        await served.close()


def test_an_empty_secret_is_refused(gate: Gate, clock: Clock) -> None:
    with pytest.raises(ValueError, match="empty secret"):
        Inbox([HOTLINE], Worker(Neutral), gate, clock, "")


# --- on a real store ---


async def test_a_push_opens_a_matter_on_the_real_store_and_is_known_there_for_ever(
    desk: Desk, worker: Worker
) -> None:
    for repeated in (False, True):  # another process on the same store knows it too
        served = Inbox([HOTLINE], worker, Desked(desk), desk.clock, SECRET)
        sender = Sender(await served.start("127.0.0.1", 0), desk.clock)  # type: ignore[arg-type]
        told = await sender.push(record(1))
        await served.close()
        assert told == (202, {"accepted": 0, "repeated": True} if repeated else {"accepted": 1, "new": 1})
    assert [row.external_id for row in desk.all(ItemRow)] == ["1"]
    assert len(desk.all(CaseRow)) == 1


async def test_an_empty_list_is_taken_and_breaks_no_silence_and_an_empty_body_is_refused(
    desk: Desk, worker: Worker
) -> None:
    served = Inbox([HOTLINE], worker, Desked(desk), desk.clock, SECRET)
    sender = Sender(await served.start("127.0.0.1", 0), desk.clock)  # type: ignore[arg-type]
    assert (await sender.push(record(1)))[0] == 202
    for kind, body in (
        ("application/json", "[]"),
        ("text/csv", "id,text\n"),
        ("application/json", ' {"items":[]}'),
    ):
        desk.clock.advance(seconds=3600)
        assert await sender.push(body, kind=kind) == (202, {"accepted": 0, "new": 0})
        status, told = await sender.push(" \n")
        assert (status, told["error"]) == (400, "empty")
    await served.close()
    limits = {"hotline": timedelta(hours=2)}
    await desk.store.write(lambda s: sources.look(s, desk.office, desk.ledger, desk.clock(), limits))
    assert [row.ailment for row in desk.all(AilmentRow)] == [Ailment.SILENT]


async def test_pushes_by_an_old_key_are_told_after_three_and_once_a_day_and_so_is_their_end(
    desk: Desk, worker: Worker
) -> None:
    served = Inbox([HOTLINE], worker, Desked(desk), desk.clock, SECRET)
    sender = Sender(await served.start("127.0.0.1", 0), desk.clock)  # type: ignore[arg-type]

    async def refused(times: int) -> tuple[list[str], int]:
        for _ in range(times):
            assert (await sender.push(record(1), key="old" * 20))[0] == 401
            assert (await sender.push(record(1), "nobody", key="old" * 20))[0] == 401
        await asyncio.gather(*served._notes)
        return [row.mark for row in desk.all(AilmentRow)], len(told())

    def told() -> list[OutboxRow]:
        return desk.all(OutboxRow, OutboxRow.dedupe_key.startswith("source_ails"))

    async def taken_again() -> list[object]:
        desk.clock.advance(seconds=60)
        assert (await sender.push(record(1)))[0] == 202
        assert desk.all(AilmentRow) == []
        over = desk.all(OutboxRow, OutboxRow.dedupe_key.startswith("source_ok"))
        return [(row.chat, row.payload["source"], row.payload["over"]) for row in over]

    assert await refused(2) == (["2"], 0)
    assert await refused(1) == (["3"], 1)
    (message,) = told()
    (ill,) = message.payload["ailments"]
    assert (message.chat, message.payload["source"]) == (desk.office.operator_chat, "hotline")
    assert "连续 3 次" in ill["detail"]
    assert "签名不对" in ill["detail"]
    assert "yuqing sources key hotline" in ill["cure"]

    assert await refused(50) == (["3"], 1)  # more are counted, and written down once a minute
    desk.clock.advance(seconds=60)
    assert await refused(1) == (["54"], 1)
    all_clear = (desk.office.operator_chat, "hotline", ["refused"])
    assert await taken_again() == [all_clear]
    assert await refused(4) == (["3"], 1)
    assert await taken_again() == [all_clear]  # of what nobody was told nothing is over
    assert await refused(4) == (["3"], 1)
    desk.clock.advance(seconds=86_400)
    assert await refused(1) == (["5"], 2)
    assert await taken_again() == [all_clear] * 2
    await served.close()


# --- the page about it ---


def example(kind: str) -> str:
    (found,) = re.findall(
        rf"^```{kind}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    return str(found)


@pytest.mark.parametrize("kind", ["sh", "python"])
async def test_the_examples_of_the_page_push(kind: str, gate: Gate, worker: Worker, tmp_path: Path) -> None:
    if kind == "sh" and not (shutil.which("curl") and shutil.which("openssl")):
        pytest.skip("没有 curl 或 openssl / skipped: install curl and openssl")
    file = tmp_path / "records.jsonl"
    file.write_text(record(1) + "\n", encoding="utf-8")
    served = Inbox([HOTLINE], worker, gate, utc_now, SECRET)
    port = await served.start("127.0.0.1", 0)
    given = {
        "ADDRESS": f"http://127.0.0.1:{port}",
        "ID": "hotline",
        "KEY": push_key(SECRET, "hotline"),
        "FILE": str(file),
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    command = ["sh", "-eu", "-c", example(kind)] if kind == "sh" else [sys.executable, "-c", example(kind)]
    ran = await asyncio.to_thread(
        subprocess.run,
        command,
        env=os.environ | given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    await served.close()
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {"accepted": 1, "new": 1}
    assert gate.harvests[-1].items[0].text


def test_the_page_names_every_answer_and_no_other() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d{3}) \| ([^|]*) \|", page, re.MULTILINE)
    named = {(int(status), code) for status, codes in rows for code in re.findall(r"`(\w+)`", codes)}
    source = Path(inbox.__file__).read_text(encoding="utf-8")
    used = {(int(status), code) for status, code in re.findall(r'_Refusal\(\s*(\d{3}),\s*"(\w+)"', source)}
    assert named == used
    assert timedelta(seconds=inbox.window_s) < intake.PUSH_LIFE
