"""Conformance: aiogram, whose models are strict, takes every answer of the sandbox."""

from sandbox_desk import CONTACT, DUTY, GROUP, LEADER, SMALL, running

from bot.sandbox.images import sample_picture
from bot.sandbox.world import SANDBOX_TOKEN


async def test_aiogram_accepts_every_answer() -> None:
    from aiogram import Bot
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer
    from aiogram.types import (
        BufferedInputFile,
        ForceReply,
        InlineKeyboardButton,
        InlineKeyboardMarkup,
        InputMediaPhoto,
    )

    async with running() as desk:
        session = AiohttpSession(api=TelegramAPIServer.from_base(desk.sandbox.base_url))
        async with Bot(SANDBOX_TOKEN, session=session) as bot:
            me = await bot.get_me()
            assert (me.is_bot, me.username) == (True, "yuqing_sandbox_bot")
            keys = InlineKeyboardMarkup(
                inline_keyboard=[
                    [InlineKeyboardButton(text="签收", callback_data="a1:sign", style="success")]
                ]
            )
            card = await bot.send_message(
                GROUP, "<b>停水😀</b> 见 https://a.cn", parse_mode="HTML", reply_markup=keys
            )
            assert card.html_text == "<b>停水😀</b> 见 https://a.cn"
            assert card.reply_markup is not None
            assert card.reply_markup.model_dump() == keys.model_dump()
            await bot.send_message(DUTY, "理由？", reply_markup=ForceReply(input_field_placeholder="理由"))
            photo = await bot.send_photo(LEADER, BufferedInputFile(sample_picture(), "a.png"), caption="图")
            assert photo.photo
            document = await bot.send_document(LEADER, BufferedInputFile(b"abc", "专报.docx"))
            assert document.document
            loaded = await bot.download(document.document.file_id)
            assert loaded is not None
            assert loaded.read() == b"abc"
            album = [
                InputMediaPhoto(media=photo.photo[-1].file_id),
                InputMediaPhoto(media=photo.photo[-1].file_id),
            ]
            assert len(await bot.send_media_group(LEADER, album)) == 2

            query = await desk.hands.press_label(CONTACT, GROUP, "签收")
            await desk.hands.send(DUTY, DUTY, "不归我们管", reply_to=1)
            await desk.hands.send(DUTY, DUTY, sticker=True)
            await desk.hands.send(DUTY, DUTY, "转", forward=True)
            await desk.hands.send(DUTY, DUTY, photo=True)
            await desk.hands.block(LEADER)
            await desk.hands.group(CONTACT, "remove", chat=SMALL)
            await desk.hands.group(CONTACT, "add", chat=SMALL)
            await desk.hands.group(CONTACT, "migrate", chat=SMALL)
            updates = await bot.get_updates()
            kinds = [update.event_type for update in updates]
            assert kinds == [
                "callback_query",
                *["message"] * 4,
                *["my_chat_member"] * 3,
                *["message"] * 3,
            ]
            press = updates[0].callback_query
            assert press is not None
            assert (press.id, press.data, press.from_user.id) == (query, "a1:sign", CONTACT)
            assert await bot.answer_callback_query(press.id, text="已签收")
            edited = await bot.edit_message_text("已签收", chat_id=GROUP, message_id=card.message_id)
            assert not isinstance(edited, bool)
            assert edited.edit_date

            assert (await bot.get_chat(GROUP)).title == "舆情值班群"
            assert (await bot.get_chat_member(GROUP, me.id)).status == "member"
            assert [a.status for a in await bot.get_chat_administrators(GROUP)] == ["creator"]
            assert (await bot.get_webhook_info()).url == ""
