"""What python-telegram-bot raises against a server that answers exactly as scripted, and what the adapter makes of it."""

import asyncio
import json
import socket
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from bot.chat import (
    Block,
    Button,
    Card,
    ChatClosed,
    ChatMoved,
    File,
    Form,
    MessageGone,
    MessageRef,
    TokenRejected,
)
from bot.telegram.adapter import TelegramChat, Timeouts
from routing.errors import Permanent, Transient, YuqingError

TOKEN = "1234567890:AAabcdefghijklmnopqrstuvwxyz012345"
SECRET = TOKEN.partition(":")[2]
HASTY = Timeouts(connect_s=1, pool_s=1, read_s=0.2, write_s=1, upload_s=1, total_s=0.6)
CARD = Card(
    (Block("2026-0042 停水", Form.TITLE, weight=9), Block("详情", url="https://example.cn")),
    ((Button("签收", "v1:s:1"), Button("看", url="https://example.cn")),),
)
SENT = {"message_id": 12, "date": 1, "chat": {"id": 7, "type": "private"}, "text": "x"}

Answer = Callable[[web.Request], Any]


def refusal(status: int, description: str, **parameters: int) -> Answer:
    body: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    if parameters:
        body["parameters"] = parameters
    return lambda _: web.json_response(body, status=status)


def result(value: Any) -> Answer:
    return lambda _: web.json_response({"ok": True, "result": value})


def page(status: int, text: str = "<h1>{path}</h1>") -> Answer:
    """A page by something in the way, which quotes the address it was asked for."""
    return lambda request: web.Response(
        status=status, text=text.format(path=request.path), content_type="text/html"
    )


class Scripted:
    """A server that gives the scripted answers in order and keeps what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.arrived = asyncio.Semaphore(0)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.match_info["method"], dict(await request.post())))
        self.arrived.release()
        answer = self.answers.pop(0)(request)
        response = await answer if hasattr(answer, "__await__") else answer
        assert isinstance(response, web.StreamResponse)
        return response


@asynccontextmanager
async def talking_to(
    *answers: Answer, timeouts: Timeouts = HASTY
) -> AsyncIterator[tuple[TelegramChat, Scripted]]:
    server = Scripted(*answers)
    app = web.Application()
    app.router.add_route("*", "/bot{token}/{method}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    chat = TelegramChat(TOKEN, f"http://127.0.0.1:{runner.addresses[0][1]}", timeouts=timeouts)
    try:
        yield chat, server
    finally:
        await chat.stop()
        await runner.cleanup()


async def raised_by(answer: Answer) -> YuqingError:
    """The error that sending a card ends with; no text of it or of its causes holds the token."""
    async with talking_to(answer) as (chat, _):
        with pytest.raises(YuqingError) as caught:
            await chat.send_card("7", CARD)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    return caught.value


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refusal(400, "Bad Request: chat not found"), ChatClosed),
        (refusal(400, "Bad Request: not enough rights to send text messages to the chat"), ChatClosed),
        (refusal(400, "Bad Request: CHAT_WRITE_FORBIDDEN"), ChatClosed),
        (refusal(400, "Bad Request: message thread not found"), Permanent),
        (refusal(403, "Forbidden: bot was blocked by the user"), ChatClosed),
        (refusal(403, "Forbidden: bot can't initiate conversation with a user"), ChatClosed),
        (refusal(401, "Unauthorized"), TokenRejected),
        (refusal(404, "Not Found"), TokenRejected),
        (refusal(413, "Request Entity Too Large"), Permanent),
        (page(413), Permanent),
    ],
)
async def test_what_trying_again_cannot_help(answer: Answer, kind: type[YuqingError]) -> None:
    assert type(await raised_by(answer)) is kind


@pytest.mark.parametrize(
    "answer",
    [
        refusal(500, "Internal Server Error"),
        refusal(502, "Bad Gateway"),
        page(502),
        page(200),
        page(200, "[]"),
        page(200, '{{"ok": true}}'),
        result("a word"),
        result({"message_id": 3}),
    ],
)
async def test_after_an_odd_answer_the_outcome_is_unknown(answer: Answer) -> None:
    error = await raised_by(answer)
    assert isinstance(error, Transient)
    assert error.outcome_unknown
    assert error.retry_after_s is None


async def test_being_told_to_wait_is_certain_and_keeps_the_seconds() -> None:
    error = await raised_by(refusal(429, "Too Many Requests: retry after 7", retry_after=7))
    assert isinstance(error, Transient)
    assert (error.retry_after_s, error.outcome_unknown) == (7.0, False)


async def test_being_told_to_wait_without_seconds_is_certain_too() -> None:
    error = await raised_by(refusal(429, "Too Many Requests"))
    assert isinstance(error, Transient)
    assert (error.retry_after_s, error.outcome_unknown) == (None, False)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409])
async def test_a_page_of_a_firewall_is_no_verdict_of_telegram(status: int) -> None:
    error = await raised_by(page(status))
    assert isinstance(error, Transient)
    assert not error.outcome_unknown
    assert "YUQING_TELEGRAM_API" in str(error)


async def test_a_moved_chat_names_its_new_id() -> None:
    error = await raised_by(
        refusal(
            400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=-100123456789
        )
    )
    assert isinstance(error, ChatMoved)
    assert error.new_chat == "-100123456789"


@pytest.mark.parametrize(
    ("description", "word"),
    [
        (
            "Conflict: terminated by other getUpdates request; make sure that only one bot is running",
            "另一个程序",
        ),
        ("Conflict: can't use getUpdates method while webhook is active", "webhook"),
    ],
)
async def test_a_second_receiver_is_told_in_clear_words(description: str, word: str) -> None:
    async with talking_to(refusal(409, description)) as (chat, _):
        with pytest.raises(Transient, match=word):
            await chat.receive(None, 0)


async def test_an_answer_that_drips_for_ever_ends_with_outcome_unknown() -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:  # a byte resets the read timeout of the HTTP client, never the total
            await response.write(b" ")
            await asyncio.sleep(0.05)

    error = await raised_by(drip)
    assert isinstance(error, Transient)
    assert error.outcome_unknown


async def test_nobody_listening_is_certainly_not_sent() -> None:
    with socket.socket() as bound:  # bound and not listening: nobody else can take the port meanwhile
        bound.bind(("127.0.0.1", 0))
        chat = TelegramChat(TOKEN, f"http://127.0.0.1:{bound.getsockname()[1]}", timeouts=HASTY)
        with pytest.raises(Transient) as caught:
            await chat.send_card("7", CARD)
        await chat.stop()
    assert not caught.value.outcome_unknown


async def test_waiting_in_vain_for_a_free_connection_is_certainly_not_sent() -> None:
    async def hang(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    patient = Timeouts(connect_s=5, pool_s=0.1, read_s=30, write_s=5)
    async with talking_to(*[hang] * 8, timeouts=patient) as (chat, server):
        busy = [asyncio.create_task(chat.send_card("7", CARD)) for _ in range(8)]
        async with asyncio.timeout(10):
            for _ in busy:
                await server.arrived.acquire()
        with pytest.raises(Transient) as caught:
            await chat.send_card("7", CARD)
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)
    assert not caught.value.outcome_unknown


@pytest.mark.parametrize(
    "description",
    [
        "Bad Request: can't parse entities: Unsupported start tag",
        "Bad Request: message is too long",
        "Bad Request: BUTTON_URL_INVALID",
    ],
)
async def test_a_refused_text_goes_again_plainly_with_number_title_and_buttons(description: str) -> None:
    async with talking_to(refusal(400, description), result(SENT)) as (chat, server):
        assert await chat.send_card("7", CARD) == MessageRef("7", "12")
    (_, first), (_, second) = server.asked
    assert first["parse_mode"] == "HTML"
    assert "parse_mode" not in second
    assert second["text"] == "2026-0042 停水\n详情"
    assert [
        [key["text"] for key in row] for row in json.loads(second["reply_markup"])["inline_keyboard"]
    ] == [["签收"]]


async def test_a_text_refused_twice_is_permanent() -> None:
    no = refusal(400, "Bad Request: can't parse entities: x")
    async with talking_to(no, no) as (chat, server):
        with pytest.raises(Permanent):
            await chat.send_card("7", CARD)
    assert len(server.asked) == 2


async def test_a_refused_edit_goes_again_plainly() -> None:
    async with talking_to(refusal(400, "Bad Request: can't parse entities: x"), result(SENT)) as (
        chat,
        server,
    ):
        await chat.update_card(MessageRef("7", "12"), CARD)
    assert [method for method, _ in server.asked] == ["editMessageText"] * 2


@pytest.mark.parametrize(
    "description",
    [
        "Bad Request: message to edit not found",
        "Bad Request: message can't be edited",
        "Bad Request: MESSAGE_ID_INVALID",
        "Bad Request: there is no text in the message to edit",
    ],
)
async def test_a_message_that_cannot_be_edited_is_gone(description: str) -> None:
    async with talking_to(refusal(400, description)) as (chat, _):
        with pytest.raises(MessageGone):
            await chat.update_card(MessageRef("7", "12"), CARD)


async def test_an_id_that_is_not_telegrams_is_gone_without_asking() -> None:
    async with talking_to() as (chat, server):
        with pytest.raises(MessageGone):
            await chat.update_card(MessageRef("7", "om_abc"), CARD)
    assert server.asked == []


async def test_the_same_content_again_and_a_late_answer_are_no_errors() -> None:
    same = refusal(400, "Bad Request: message is not modified: specified new message content is the same")
    late = refusal(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
    async with talking_to(same, late) as (chat, server):
        await chat.update_card(MessageRef("7", "12"), CARD)
        await chat.toast("5", "好")
    assert server.answers == []


async def test_a_picture_that_telegram_cannot_show_goes_as_a_document() -> None:
    async with talking_to(refusal(400, "Bad Request: IMAGE_PROCESS_FAILED"), result(SENT)) as (chat, server):
        await chat.notify("7", CARD, files=[File("图.png", b"not a picture", is_picture=True)])
    assert [method for method, _ in server.asked] == ["sendPhoto", "sendDocument"]


async def test_once_a_part_has_arrived_a_failure_leaves_the_outcome_unknown() -> None:
    wait = refusal(429, "Too Many Requests: retry after 3", retry_after=3)
    async with talking_to(result(SENT), wait) as (chat, _):
        with pytest.raises(Transient) as caught:
            await chat.notify("7", CARD, files=[File("a.docx", b"a"), File("b.docx", b"b")])
    assert (caught.value.retry_after_s, caught.value.outcome_unknown) == (3.0, True)


async def test_updates_that_cannot_be_numbered_are_left_out() -> None:
    async with talking_to(result([{"update_id": 5, "x": 1}, "word", {"message": {}}]), result({})) as (
        chat,
        _,
    ):
        assert [(one.update_id, one.raw) for one in await chat.receive(None, 0)] == [
            (5, {"update_id": 5, "x": 1})
        ]
        with pytest.raises(Transient):
            await chat.receive(5, 0)


def test_no_token_is_no_start() -> None:
    with pytest.raises(TokenRejected):
        TelegramChat("")
