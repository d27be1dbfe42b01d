"""Bot API methods against real clients: what is accepted, each limit and the exact words of each refusal."""

import json
from typing import Any

import aiohttp
import pytest
import telegram
from sandbox_desk import CONTACT, DUTY, FOREIGN, GROUP, LEADER, NEWCOMER, SMALL, buttons, running
from telegram import ForceReply, InlineKeyboardButton, InlineKeyboardMarkup, InputMediaDocument

from bot.sandbox.images import sample_picture
from bot.sandbox.server import Sandbox
from bot.sandbox.world import SANDBOX_TOKEN, Cast


async def test_a_real_client_sends_edits_and_deletes_a_card() -> None:
    async with running() as desk, desk.bot() as bot:
        keys = InlineKeyboardMarkup(
            [[InlineKeyboardButton("转办", callback_data="a1:go:7:1", style="primary")]]
        )
        card = await bot.send_message(GROUP, "<b>停水</b>", parse_mode="HTML", reply_markup=keys)
        assert card.chat.type == "supergroup"
        assert card.from_user is not None
        assert card.from_user.is_bot
        assert card.reply_markup == keys
        changed = await card.edit_text("已转办")
        assert isinstance(changed, telegram.Message)
        assert changed.edit_date is not None
        assert changed.reply_markup is None  # an edit without a keyboard takes the keyboard away
        assert [m["edited"] for m in await desk.hands.messages(DUTY, GROUP)] == [True]
        await card.delete()
        assert await desk.hands.messages(DUTY, GROUP) == []


async def test_files_and_photos_arrive_whole_with_chinese_names() -> None:
    async with running() as desk, desk.bot() as bot:
        sent = await bot.send_document(LEADER, b"report", filename="舆情专报.docx", caption="第12期")
        assert sent.document is not None
        assert sent.document.file_name == "舆情专报.docx"
        fetched = await bot.get_file(sent.document.file_id)
        assert bytes(await fetched.download_as_bytearray()) == b"report"
        picture = await bot.send_photo(LEADER, sample_picture(640, 360))
        assert (picture.photo[-1].width, picture.photo[-1].height) == (640, 360)
        again = await bot.send_photo(LEADER, picture.photo[-1].file_id)
        assert again.photo[-1].file_unique_id == picture.photo[-1].file_unique_id
        files = [m["files"][0] for m in await desk.hands.messages(LEADER, LEADER)]
        assert [f["kind"] for f in files] == ["document", "photo", "photo"]
        assert await desk.hands.download(files[0]["url"]) == b"report"


async def test_an_album_shares_its_group_and_takes_no_keyboard() -> None:
    async with running() as desk, desk.bot() as bot:
        media = [
            InputMediaDocument(b"a", filename="a.txt", caption="附件"),
            InputMediaDocument(b"b", filename="b.txt"),
        ]
        sent = await bot.send_media_group(GROUP, media)
        assert len({m.media_group_id for m in sent}) == 1
        assert [m.caption for m in sent] == ["附件", None]
        again = [{"type": "document", "media": m.document.file_id} for m in sent if m.document]
        keyed = await desk.api(
            "sendMediaGroup", chat_id=GROUP, media=again, reply_markup=buttons([("x", "a")])
        )
        assert keyed.refusal == "Bad Request: reply markup is not supported in albums"
        alone = await desk.api("sendMediaGroup", chat_id=GROUP, media=again[:1])
        assert alone.refusal == "Bad Request: expected from 2 to 10 items in an album"


async def test_a_prompt_asks_for_a_reply_and_replies_quote() -> None:
    async with running() as desk, desk.bot() as bot:
        prompt = await bot.send_message(
            GROUP, "退回理由？", reply_markup=ForceReply(input_field_placeholder="理由")
        )
        assert prompt.reply_markup is None  # only inline keyboards are echoed
        shown = (await desk.hands.messages(DUTY, GROUP))[-1]
        assert shown["force_reply"] == {"placeholder": "理由", "for_me": True, "answered": False}
        follow = await bot.send_message(GROUP, "催办", reply_to_message_id=prompt.message_id)
        assert follow.reply_to_message is not None
        assert follow.reply_to_message.text == "退回理由？"
        refused = await desk.api("editMessageText", chat_id=GROUP, message_id=prompt.message_id, text="x")
        assert refused.refusal == "Bad Request: message can't be edited"


@pytest.mark.parametrize(
    ("method", "params", "status", "words"),
    [
        ("sendMessage", {"chat_id": DUTY, "text": " \n "}, 400, "Bad Request: message text is empty"),
        ("sendMessage", {"chat_id": DUTY}, 400, "Bad Request: message text is empty"),
        ("sendMessage", {"chat_id": DUTY, "text": "字" * 4097}, 400, "Bad Request: message is too long"),
        ("sendMessage", {"chat_id": 77, "text": "x"}, 400, "Bad Request: chat not found"),
        ("sendMessage", {"chat_id": "@desk", "text": "x"}, 400, "Bad Request: chat not found"),
        (
            "sendMessage",
            {"chat_id": FOREIGN, "text": "x"},
            403,
            "Forbidden: bot is not a member of the supergroup chat",
        ),
        (
            "sendMessage",
            {"chat_id": NEWCOMER, "text": "x"},
            403,
            "Forbidden: bot can't initiate conversation with a user",
        ),
        (
            "sendMessage",
            {"chat_id": DUTY, "text": "x", "reply_parameters": {"message_id": 99}},
            400,
            "Bad Request: message to be replied not found",
        ),
        (
            "sendMessage",
            {"chat_id": DUTY, "text": "x", "reply_to_message_id": 99},
            400,
            "Bad Request: message to be replied not found",
        ),
        (
            "sendMessage",
            {"chat_id": DUTY, "text": "<b>x", "parse_mode": "HTML"},
            400,
            "Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"b\"",
        ),
        (
            "sendMessage",
            {"chat_id": DUTY, "text": "*x*", "parse_mode": "MarkdownV2"},
            400,
            "Bad Request: parse_mode MarkdownV2 is not supported by the sandbox, use HTML",
        ),
        (
            "sendMessage",
            {"chat_id": DUTY, "text": "x", "reply_markup": buttons([("转办", "督" * 22)])},
            400,
            "Bad Request: BUTTON_DATA_INVALID",
        ),
        (
            "sendMessage",
            {"chat_id": DUTY, "text": "x", "reply_markup": {"inline_keyboard": [[{"text": "空"}]]}},
            400,
            "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        (
            "sendMessage",
            {"chat_id": DUTY, "text": "x", "reply_markup": buttons([("按", "a")] * 9)},
            400,
            "Bad Request: reply markup is too long",
        ),
        (
            "sendMessage",
            {"chat_id": DUTY, "text": "x", "reply_markup": "{"},
            400,
            "Bad Request: can't parse reply_markup JSON object",
        ),
        (
            "sendPhoto",
            {"chat_id": DUTY, "photo": "https://x.cn/a.png"},
            400,
            "Bad Request: wrong file identifier/HTTP URL specified: the sandbox fetches nothing",
        ),
        ("sendPhoto", {"chat_id": DUTY}, 400, "Bad Request: there is no photo in the request"),
        (
            "sendDocument",
            {"chat_id": DUTY, "document": "x", "caption": "字" * 1025},
            400,
            "Bad Request: message caption is too long",
        ),
        (
            "editMessageText",
            {"chat_id": DUTY, "message_id": 99, "text": "x"},
            400,
            "Bad Request: message to edit not found",
        ),
        (
            "deleteMessage",
            {"chat_id": DUTY, "message_id": 99},
            400,
            "Bad Request: message to delete not found",
        ),
        (
            "answerCallbackQuery",
            {"callback_query_id": "1"},
            400,
            "Bad Request: query is too old and response timeout expired or query ID is invalid",
        ),
        (
            "getFile",
            {"file_id": "x"},
            400,
            "Bad Request: wrong file_id or the file is temporarily unavailable",
        ),
        (
            "setMyCommands",
            {"commands": [{"command": "Open", "description": "x"}]},
            400,
            "Bad Request: BOT_COMMAND_INVALID",
        ),
        ("sendFax", {}, 404, "Not Found"),
    ],
)
async def test_a_wrong_call_is_refused_in_telegrams_words(
    method: str, params: dict[str, Any], status: int, words: str
) -> None:
    async with running() as desk:
        answer = await desk.api(method, **params)
        assert (answer.status, answer.refusal) == (status, words)
        assert all(not chat["messages"] for chat in (await desk.hands.state(DUTY))["chats"])


async def test_texts_at_the_very_limit_are_accepted() -> None:
    async with running() as desk:
        assert (await desk.api("sendMessage", chat_id=DUTY, text="字" * 4096)).status == 200
        inside = f"<b>{'字' * 4096}</b>"  # tags do not count
        assert (await desk.api("sendMessage", chat_id=DUTY, text=inside, parse_mode="HTML")).status == 200
        keys = buttons([("转办", "督" * 21 + "x")])
        assert (await desk.api("sendMessage", chat_id=DUTY, text="x", reply_markup=keys)).status == 200


async def test_an_edit_that_changes_nothing_is_refused_and_leaves_no_mark() -> None:
    async with running() as desk:
        keys = buttons([("转办", "a")])
        sent = (await desk.api("sendMessage", chat_id=DUTY, text="卡片", reply_markup=keys)).result
        edit = {"chat_id": DUTY, "message_id": sent["message_id"], "reply_markup": keys}
        words = (
            "Bad Request: message is not modified: specified new message content and reply markup are exactly "
            "the same as a current content and reply markup of the message"
        )
        assert (await desk.api("editMessageText", text="卡片", **edit)).refusal == words
        assert (await desk.api("editMessageReplyMarkup", **edit)).refusal == words
        assert (await desk.hands.messages(DUTY, DUTY))[0]["edited"] is False
        assert (await desk.api("editMessageCaption", caption="x", **edit)).refusal == (
            "Bad Request: there is no caption in the message to edit"
        )


async def test_photos_are_checked_like_telegram_does() -> None:
    async with running() as desk:

        async def refusal(data: bytes, method: str = "sendPhoto", name: str = "photo") -> str:
            form = aiohttp.FormData({"chat_id": str(DUTY)})
            form.add_field(name, data, filename="a.png")
            return (await desk.post(method, data=form)).refusal

        assert await refusal(b"not a picture") == "Bad Request: IMAGE_PROCESS_FAILED"
        assert await refusal(b"") == "Bad Request: file must be non-empty"
        assert await refusal(sample_picture(2, 60)) == "Bad Request: PHOTO_INVALID_DIMENSIONS"
        assert "too big for a photo" in await refusal(sample_picture() + b"\0" * 10 * 1024 * 1024)
        too_much = b"\0" * (50 * 1024 * 1024 + 1)
        assert await refusal(too_much, "sendDocument", "document") == "Request Entity Too Large"


async def test_all_four_encodings_and_any_case_of_the_method_mean_the_same() -> None:
    async with running() as desk:
        markup = buttons([("转办", "a")])
        flat = {"chat_id": str(DUTY), "text": "同一条", "reply_markup": json.dumps(markup)}
        form = aiohttp.FormData(default_to_multipart=True)
        for name, value in flat.items():
            form.add_field(name, value)
        answers = [
            await desk.post("sendMessage", verb="GET", params=flat),
            await desk.post("sendmessage", data=flat),
            await desk.post("SENDMESSAGE", data=form),
            await desk.post("sendMessage", json={"chat_id": DUTY, "text": "同一条", "reply_markup": markup}),
            await desk.post(
                "sendMessage", params={"chat_id": str(DUTY)}, json={"text": "同一条", "reply_markup": markup}
            ),
        ]
        assert [(a.result["text"], a.result["reply_markup"]) for a in answers] == [("同一条", markup)] * 5
        assert [a.result["message_id"] for a in answers] == [1, 2, 3, 4, 5]
        assert (
            await desk.post("sendMessage", data="{", headers={"Content-Type": "application/json"})
        ).status == 400


async def test_a_wrong_token_is_unauthorized_and_leaves_no_record() -> None:
    async with running() as desk:
        wrong = await desk.post("getMe", token=SANDBOX_TOKEN[:-1] + "1")
        assert (wrong.status, wrong.refusal) == (401, "Unauthorized")
        assert await desk.hands.record() == []
        async with desk.http.get(f"{desk.sandbox.base_url}/nowhere") as answer:
            assert (answer.status, (await answer.json())["error_code"]) == (404, 404)


async def test_chats_members_and_commands_are_answered() -> None:
    async with running() as desk, desk.bot() as bot:
        assert (await bot.get_chat(GROUP)).title == "舆情值班群"
        assert (await bot.get_chat_member(GROUP, bot.id)).status == "member"
        assert (await bot.get_chat_member(GROUP, CONTACT)).status == "member"
        assert (await bot.get_chat_member(GROUP, LEADER)).status == "left"
        assert [a.user.id for a in await bot.get_chat_administrators(GROUP)] == [DUTY]
        assert await bot.get_chat_member_count(GROUP) == 3
        await bot.set_my_commands([("due", "即将到期")])
        assert [c.command for c in await bot.get_my_commands()] == ["due"]
        view = await desk.hands.state(DUTY)
        assert all(chat["commands"][0]["command"] == "due" for chat in view["chats"])
        assert await bot.send_chat_action(GROUP, "typing")
        card = await bot.send_message(GROUP, "置顶")
        await card.pin()
        pinned = (await bot.get_chat(GROUP)).pinned_message
        assert pinned is not None
        assert pinned.message_id == card.message_id
        assert await bot.leave_chat(SMALL)
        with pytest.raises(telegram.error.Forbidden, match="not a member of the group chat"):
            await bot.send_message(SMALL, "x")


async def test_an_answer_is_taken_once_in_time_and_within_its_length() -> None:
    async with running() as desk:
        sent = (
            await desk.api("sendMessage", chat_id=DUTY, text="x", reply_markup=buttons([("好", "a")]))
        ).result
        first = await desk.hands.press(DUTY, DUTY, sent["message_id"], "a")
        late = await desk.hands.press(DUTY, DUTY, sent["message_id"], "a")
        long = await desk.api("answerCallbackQuery", callback_query_id=first, text="字" * 201)
        assert long.refusal == "Bad Request: MESSAGE_TOO_LONG"
        assert (
            await desk.api("answerCallbackQuery", callback_query_id=first, text="好", show_alert=True)
        ).result
        assert "query is too old" in (await desk.api("answerCallbackQuery", callback_query_id=first)).refusal
        desk.clock.ahead_s = 151
        assert "query is too old" in (await desk.api("answerCallbackQuery", callback_query_id=late)).refusal
        assert [(t["text"], t["alert"]) for t in await desk.hands.toasts(DUTY)] == [("好", True)]


async def test_old_messages_can_be_edited_but_not_deleted() -> None:
    async with running() as desk:
        sent = (await desk.api("sendMessage", chat_id=GROUP, text="x")).result
        desk.clock.ahead_s = 48 * 3600 + 5
        target = {"chat_id": GROUP, "message_id": sent["message_id"]}
        assert (await desk.api("editMessageText", text="y", **target)).status == 200
        refused = await desk.api("deleteMessage", **target)
        assert refused.refusal == "Bad Request: message can't be deleted for everyone"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.org", "::"])
def test_only_loopback_is_listened_on(host: str) -> None:
    with pytest.raises(ValueError, match="loopback"):
        Sandbox(Cast((), ()), host=host)


async def test_a_foreign_web_page_cannot_steer_the_sandbox() -> None:
    async with running() as desk:
        for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
            body = {"as": DUTY, "chat": DUTY, "text": "x"}
            async with desk.http.post(
                f"{desk.sandbox.base_url}/sandbox/send", json=body, headers=headers
            ) as answer:
                assert answer.status == 403
        assert await desk.hands.messages(DUTY, DUTY) == []
