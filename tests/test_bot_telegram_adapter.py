"""The adapter against the sandbox: the real python-telegram-bot over HTTP."""

import asyncio
import io
import logging
import traceback
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from PIL import Image

from bot.chat import (
    ActionPressed,
    Block,
    Button,
    Card,
    ChatClosed,
    ChatMoved,
    ChatPort,
    CommandGiven,
    File,
    Form,
    JoinedChat,
    LeftChat,
    MessageGone,
    MessageRef,
    TextReplied,
    TokenRejected,
    Tone,
)
from bot.redact import install_redaction
from bot.sandbox.client import SandboxClient
from bot.sandbox.server import Sandbox
from bot.sandbox.world import SANDBOX_TOKEN, Cast, SandboxGroup, SandboxPerson
from bot.telegram.adapter import TelegramChat, Timeouts
from routing.errors import Transient, YuqingError

DUTY, LEADER, STRANGER = 1001, 1002, 1003
GROUP, OLD_GROUP, FOREIGN_GROUP = -1001000000001, -2002, -1001000000003
DESK = str(GROUP)
SECRET = SANDBOX_TOKEN.partition(":")[2]
HASTY = Timeouts(connect_s=2, pool_s=2, read_s=0.3, write_s=2, upload_s=2, total_s=5)

CARD = Card(
    (
        Block("2026-0042 幸福路停水", Form.TITLE, weight=9),
        Block("<停水> & 三天", Form.QUOTE, label="原文"),
        Block("打开", url="https://example.cn/?a=1&b=2"),
    ),
    ((Button("属实", "v1:yes:42", Tone.GOOD), Button("无关", "v1:no:42", Tone.DANGER)),),
)
SHOWN = "2026-0042 幸福路停水\n原文：\n<停水> & 三天\n打开"
NOTE = Card((Block("上月周报", Form.TITLE, weight=9), Block("见附件")))


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    people = (
        SandboxPerson(DUTY, "李雷", "值班员"),
        SandboxPerson(LEADER, "韩梅梅", "领导"),
        SandboxPerson(STRANGER, "路人", started=False),
    )
    groups = (
        SandboxGroup(GROUP, "值班群", (DUTY, LEADER)),
        SandboxGroup(OLD_GROUP, "老群", (DUTY,), kind="group"),
        SandboxGroup(FOREIGN_GROUP, "别人的群", (DUTY,), bot_is_member=False),
    )
    async with Sandbox(Cast(people, groups)) as running:
        yield running


@pytest.fixture
async def hands(sandbox: Sandbox) -> AsyncIterator[SandboxClient]:
    async with SandboxClient(sandbox.base_url) as client:
        yield client


@pytest.fixture
async def chat(sandbox: Sandbox) -> AsyncIterator[TelegramChat]:
    adapter = TelegramChat(SANDBOX_TOKEN, sandbox.base_url, timeouts=HASTY)
    await adapter.start()
    yield adapter
    await adapter.stop()


async def last(hands: SandboxClient, chat: int = GROUP, as_: int = DUTY) -> dict[str, Any]:
    return (await hands.messages(as_, chat))[-1]


def picture() -> File:
    stream = io.BytesIO()
    Image.new("RGB", (64, 48), "white").save(stream, "PNG")
    return File("周报.png", stream.getvalue(), is_picture=True)


# -- outward -------------------------------------------------------------------------------------------------------


async def test_start_gives_the_bots_user_name_and_is_safe_to_repeat(chat: TelegramChat) -> None:
    port: ChatPort = chat
    assert await port.start() == "yuqing_sandbox_bot"
    assert repr(chat) == "TelegramChat(yuqing_sandbox_bot)"


async def test_a_card_arrives_as_written_with_its_buttons(chat: TelegramChat, hands: SandboxClient) -> None:
    ref = await chat.send_card(DESK, CARD)
    shown = await last(hands)
    assert ref == MessageRef(DESK, str(shown["id"]))
    assert shown["text"] == SHOWN
    assert [e["type"] for e in shown["entities"]] == ["bold", "blockquote", "text_link"]
    assert [[(b["text"], b["data"], b["style"]) for b in row] for row in shown["buttons"]] == [
        [("属实", "v1:yes:42", "success"), ("无关", "v1:no:42", "danger")]
    ]


async def test_an_address_that_ends_in_bot_is_taken_as_well(sandbox: Sandbox) -> None:
    adapter = TelegramChat(SANDBOX_TOKEN, sandbox.base_url + "/bot")
    assert await adapter.start() == "yuqing_sandbox_bot"
    await adapter.stop()
    await adapter.stop()


async def test_the_adapter_can_be_started_again_after_a_stop(
    chat: TelegramChat, hands: SandboxClient
) -> None:
    await chat.stop()
    await chat.start()
    await chat.send_card(DESK, NOTE)
    assert (await last(hands))["text"] == "上月周报\n见附件"


async def test_a_silent_answer_stands_under_its_message(chat: TelegramChat, hands: SandboxClient) -> None:
    first = await chat.send_card(DESK, CARD)
    await chat.send_card(DESK, NOTE, reply_to=first, silent=True)
    assert (await last(hands))["reply_to"]["id"] == int(first.message)
    call = (await hands.record("sendMessage"))[-1]
    assert str(call["params"]["disable_notification"]).lower() == "true"


@pytest.mark.parametrize(
    "ref", [MessageRef(DESK, "9999"), MessageRef(str(DUTY), "1"), MessageRef(DESK, "om_x")]
)
async def test_an_answer_to_a_message_that_is_not_there_arrives_alone(
    chat: TelegramChat, hands: SandboxClient, ref: MessageRef
) -> None:
    await chat.send_card(DESK, CARD)
    await chat.send_card(DESK, NOTE, reply_to=ref)
    shown = await last(hands)
    assert (shown["text"], shown["reply_to"]) == ("上月周报\n见附件", None)


async def test_an_update_changes_text_and_takes_buttons_away(
    chat: TelegramChat, hands: SandboxClient
) -> None:
    ref = await chat.send_card(DESK, CARD)
    await chat.update_card(ref, NOTE)
    await chat.update_card(ref, NOTE)
    shown = await hands.messages(DUTY, GROUP)
    assert [(m["text"], m["buttons"], m["edited"]) for m in shown] == [("上月周报\n见附件", [], True)]


async def test_updating_what_is_not_there_says_so(chat: TelegramChat, hands: SandboxClient) -> None:
    with pytest.raises(MessageGone):
        await chat.update_card(MessageRef(DESK, "9999"), CARD)
    question = await chat.ask_text(DESK, NOTE)
    with pytest.raises(MessageGone):
        await chat.update_card(question, CARD)


async def test_a_question_opens_the_reply_field(chat: TelegramChat, hands: SandboxClient) -> None:
    ref = await chat.ask_text(DESK, CARD, placeholder="请写明退回理由" * 20)
    shown = await last(hands)
    assert shown["id"] == int(ref.message)
    assert shown["buttons"] == []
    assert shown["force_reply"]["for_me"]
    assert shown["force_reply"]["placeholder"].startswith("请写明退回理由")


async def test_a_short_text_is_the_caption_of_its_picture(chat: TelegramChat, hands: SandboxClient) -> None:
    ref = await chat.notify(DESK, CARD, files=[picture()])
    shown = await hands.messages(DUTY, GROUP)
    assert [(m["id"], m["text"], m["buttons"], m["files"][0]["kind"]) for m in shown] == [
        (int(ref.message), SHOWN, [], "photo")
    ]
    assert await hands.download(shown[0]["files"][0]["url"]) == picture().content


async def test_a_long_text_follows_its_picture(chat: TelegramChat, hands: SandboxClient) -> None:
    long = Card((Block("周报", Form.TITLE, weight=9), Block("事" * 2000)))
    ref = await chat.notify(DESK, long, files=[picture(), File("台账.xlsx", b"PK")])
    shown = await hands.messages(DUTY, GROUP)
    assert ref.message == str(shown[0]["id"])
    assert [m["text"] for m in shown] == ["周报", "周报\n" + "事" * 2000, ""]
    assert [[(f["kind"], f["name"]) for f in m["files"]] for m in shown] == [
        [("photo", "周报.png")],
        [],
        [("document", "台账.xlsx")],
    ]


async def test_a_notice_without_files_has_no_buttons(chat: TelegramChat, hands: SandboxClient) -> None:
    await chat.notify(DESK, CARD)
    shown = await last(hands)
    assert (shown["text"], shown["buttons"]) == (SHOWN, [])


async def test_a_picture_that_is_none_arrives_as_a_document(chat: TelegramChat, hands: SandboxClient) -> None:
    await chat.notify(DESK, NOTE, files=[File("坏.png", b"not a picture", is_picture=True)])
    assert (await last(hands))["files"][0]["kind"] == "document"


@pytest.mark.parametrize("text", ["😀" * 3000, "字" * 10_000, "<&>" * 3000])
async def test_any_long_text_is_taken(chat: TelegramChat, hands: SandboxClient, text: str) -> None:
    ref = await chat.send_card(DESK, Card((CARD.blocks[0], Block(text, Form.QUOTE)), CARD.buttons))
    await chat.notify(DESK, Card((Block(text),)), files=[picture()])
    await chat.update_card(ref, Card((Block(text, Form.NOTE, weight=9),)))
    calls = [call for call in await hands.record() if call["outcome"] == "refused"]
    assert calls == []


async def test_a_token_of_65_bytes_never_reaches_the_wire(chat: TelegramChat, hands: SandboxClient) -> None:
    with pytest.raises(ValueError, match="64"):
        await chat.send_card(DESK, Card(CARD.blocks, ((Button("按", "x" * 65),),)))
    assert await hands.record("sendMessage") == []


async def test_a_toast_is_shown_once_and_a_second_is_no_error(
    chat: TelegramChat, hands: SandboxClient
) -> None:
    await chat.send_card(DESK, CARD)
    press = await hands.press_label(DUTY, GROUP, "属实")
    await chat.toast(press, "已收到" * 100, alert=True)
    await chat.toast(press, "再来")
    toasts = await hands.toasts(DUTY)
    assert [(t["press"], t["alert"], len(t["text"])) for t in toasts] == [(press, True, 200)]


async def test_leaving_twice_is_no_error(chat: TelegramChat, hands: SandboxClient) -> None:
    await chat.leave(DESK)
    await chat.leave(DESK)
    view = await hands.state(DUTY)
    assert [c["bot_is_member"] for c in view["chats"] if c["id"] == GROUP] == [False]


# -- inward --------------------------------------------------------------------------------------------------------


async def events(chat: TelegramChat, after: int | None = None) -> list[Any]:
    return [chat.event_of(one.raw) for one in await chat.receive(after, 0)]


async def test_updates_come_raw_and_again_until_they_are_confirmed(
    chat: TelegramChat, hands: SandboxClient
) -> None:
    await hands.send(DUTY, DUTY, "一")
    await hands.send(DUTY, DUTY, "二")
    first, second = await chat.receive(None, 0)
    assert first.raw["update_id"] == first.update_id
    assert isinstance(first.raw["message"], dict)
    assert await chat.receive(None, 0) == [first, second]
    assert await chat.receive(first.update_id, 0) == [second]
    assert await chat.receive(None, 0) == [second]
    assert await chat.receive(second.update_id, 0) == []


async def test_a_long_poll_ends_with_what_happens_meanwhile(chat: TelegramChat, hands: SandboxClient) -> None:
    waiting = asyncio.create_task(chat.receive(None, 20))
    await hands.wait_for(lambda _: True, DUTY)
    await hands.send(DUTY, DUTY, "在吗")
    async with asyncio.timeout(10):
        (one,) = await waiting
    event = chat.event_of(one.raw)
    assert isinstance(event, TextReplied)
    assert event.text == "在吗"


async def test_a_poll_waits_longer_than_the_read_timeout(chat: TelegramChat) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await chat.receive(None, 1) == []
    assert loop.time() - began > HASTY.read_s


async def test_only_what_the_desk_uses_is_asked_for(chat: TelegramChat, hands: SandboxClient) -> None:
    await chat.receive(41, 0)
    (call,) = await hands.record("getUpdates")
    assert call["params"]["offset"] == "42"
    assert call["params"]["allowed_updates"] == '["message", "callback_query", "my_chat_member"]'


async def test_what_people_do_becomes_events(chat: TelegramChat, hands: SandboxClient) -> None:
    ref = await chat.ask_text(DESK, CARD)
    card = await chat.send_card(DESK, CARD)
    await hands.send(DUTY, GROUP, "同意公开", reply_to=int(ref.message))
    press = await hands.press_label(LEADER, GROUP, "属实")
    await hands.send(DUTY, GROUP, "/status@yuqing_sandbox_bot 0042")
    await hands.send(STRANGER, STRANGER, "/start CODE")
    replied, pressed, asked, started = await events(chat)
    assert isinstance(replied, TextReplied)
    assert (replied.text, replied.reply_to, replied.is_private) == ("同意公开", ref, False)
    assert isinstance(pressed, ActionPressed)
    assert (pressed.sender.user_ref, pressed.token, pressed.message, pressed.press) == (
        str(LEADER),
        "v1:yes:42",
        card,
        press,
    )
    assert isinstance(asked, CommandGiven)
    assert (asked.name, asked.rest) == ("status", "0042")
    assert isinstance(started, CommandGiven)
    assert (started.name, started.rest, started.is_private, started.sender.private_chat) == (
        "start",
        "CODE",
        True,
        str(STRANGER),
    )


async def test_groups_that_come_and_go_become_events(chat: TelegramChat, hands: SandboxClient) -> None:
    await hands.group(DUTY, "add", chat=FOREIGN_GROUP)
    await hands.group(DUTY, "remove", chat=GROUP)
    await hands.block(LEADER)
    found = [event for event in await events(chat) if event is not None]
    assert found == [JoinedChat(str(FOREIGN_GROUP), "别人的群"), LeftChat(DESK), LeftChat(str(LEADER))]


async def test_a_group_that_moves_names_its_new_id_both_ways(
    chat: TelegramChat, hands: SandboxClient
) -> None:
    new = await hands.group(DUTY, "migrate", chat=OLD_GROUP)
    with pytest.raises(ChatMoved) as caught:
        await chat.send_card(str(OLD_GROUP), CARD)
    assert caught.value.new_chat == str(new)
    await chat.send_card(caught.value.new_chat, CARD)
    assert {(event.old_chat, event.new_chat) for event in await events(chat)} == {(str(OLD_GROUP), str(new))}


# -- faults --------------------------------------------------------------------------------------------------------

FAULTS = [
    ("429", Transient, False),
    ("500", Transient, True),
    ("html502", Transient, True),
    ("timeout_after", Transient, True),
    ("cut_after", Transient, True),
    ("cut_before", Transient, True),
    ("409", Transient, False),
    ("403", ChatClosed, None),
    ("401", TokenRejected, None),
    ("404", TokenRejected, None),
]


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Every logger at DEBUG, as an operator who looks for a fault might set it."""
    root = logging.getLogger()
    before = {handler: list(handler.filters) for handler in root.handlers}
    levels = {name: logging.getLogger(name).level for name in ("httpx", "httpcore")}
    with caplog.at_level(logging.DEBUG):
        install_redaction([SANDBOX_TOKEN])
        yield caplog
    for handler, filters in before.items():
        handler.filters[:] = filters
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize(("kind", "raised", "unknown"), FAULTS)
async def test_each_fault_is_told_apart_and_none_shows_the_token(
    sandbox: Sandbox,
    hands: SandboxClient,
    everything_logged: pytest.LogCaptureFixture,
    kind: str,
    raised: type[YuqingError],
    unknown: bool | None,
) -> None:
    chat = TelegramChat(SANDBOX_TOKEN, sandbox.base_url, timeouts=HASTY)
    await hands.faults({"kind": kind, "times": 0, "retry_after": 7})
    texts = []
    for call in (chat.send_card(DESK, CARD), chat.receive(None, 0), chat.start()):
        with pytest.raises(raised) as caught:
            await call
        texts += traceback.format_exception(caught.value)
        if isinstance(caught.value, Transient):
            assert caught.value.outcome_unknown is unknown
            assert caught.value.retry_after_s == (7 if kind == "429" else None)
    await chat.stop()
    assert everything_logged.records
    assert SECRET not in "".join(texts) + everything_logged.text + repr(chat) + str(chat)


async def test_the_log_shows_the_token_where_nothing_masks_it(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Proves that the test above could fail."""
    with caplog.at_level(logging.DEBUG):
        chat = TelegramChat(SANDBOX_TOKEN, sandbox.base_url)
        await chat.start()
        await chat.stop()
    assert SECRET in caplog.text


async def test_after_a_timeout_the_message_stands_and_the_next_call_works(
    chat: TelegramChat, hands: SandboxClient
) -> None:
    await hands.faults({"kind": "timeout_after", "method": "sendMessage"})
    with pytest.raises(Transient):
        await chat.send_card(DESK, CARD)
    await chat.send_card(DESK, NOTE)
    assert [m["text"] for m in await hands.messages(DUTY, GROUP)] == [SHOWN, "上月周报\n见附件"]


@pytest.mark.parametrize("chat_id", [str(STRANGER), str(FOREIGN_GROUP), "424242"])
async def test_a_chat_that_takes_nothing_is_closed(chat: TelegramChat, chat_id: str) -> None:
    with pytest.raises(ChatClosed):
        await chat.send_card(chat_id, CARD)


async def test_a_person_who_blocked_the_bot_is_closed(chat: TelegramChat, hands: SandboxClient) -> None:
    await hands.block(LEADER)
    with pytest.raises(ChatClosed):
        await chat.notify(str(LEADER), NOTE, files=[picture()])


async def test_a_wrong_token_is_rejected_without_being_named(sandbox: Sandbox) -> None:
    wrong = "1000000001:ANOTHER-TOKEN-ALTOGETHER-0123456789"
    chat = TelegramChat(wrong, sandbox.base_url)
    with pytest.raises(TokenRejected, match="YUQING_TELEGRAM_TOKEN") as caught:
        await chat.start()
    assert "ANOTHER" not in "".join(traceback.format_exception(caught.value))
    await chat.stop()


async def test_two_who_receive_at_once_are_told(
    sandbox: Sandbox, chat: TelegramChat, hands: SandboxClient
) -> None:
    other = TelegramChat(SANDBOX_TOKEN, sandbox.base_url)
    older = asyncio.create_task(chat.receive(None, 20))
    while not older.done():
        assert await other.receive(None, 0) == []
    with pytest.raises(Transient, match="另一个程序"):
        await older
    await other.stop()


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"])
async def test_a_proxy_in_the_environment_does_not_disturb_a_loopback_address(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    chat = TelegramChat(SANDBOX_TOKEN, sandbox.base_url, proxy="http://127.0.0.1:9")
    assert await chat.start() == "yuqing_sandbox_bot"
    assert await chat.receive(None, 0) == []
    await chat.stop()
