"""What reaches the bot: long polling, confirmation, expiry, privacy mode, and the acts of people."""

import asyncio
from dataclasses import replace

import pytest
from sandbox_desk import CAST, CONTACT, DUTY, FOREIGN, GROUP, LEADER, NEWCOMER, SMALL, Desk, buttons, running

from bot.sandbox.client import SandboxClientError
from bot.sandbox.updates import TERMINATED


async def texts(desk: Desk) -> list[str]:
    """Fetch and confirm all that waits; return the texts of messages."""
    found = (await desk.api("getUpdates")).result
    if found:
        await desk.api("getUpdates", offset=found[-1]["update_id"] + 1)
    return [u["message"]["text"] for u in found if "text" in u.get("message", {})]


async def test_updates_are_offered_until_an_offset_confirms_them() -> None:
    async with running() as desk:
        for text in ("一", "二", "三"):
            await desk.hands.send(DUTY, DUTY, text)
        first = (await desk.api("getUpdates", limit=1)).result
        assert [u["message"]["text"] for u in first] == ["一"]
        after = (await desk.api("getUpdates", offset=first[0]["update_id"] + 1)).result
        assert [u["message"]["text"] for u in after] == ["二", "三"]
        assert [u["update_id"] for u in after] == [first[0]["update_id"] + 1, first[0]["update_id"] + 2]
        last = (await desk.api("getUpdates", offset=-1)).result
        assert [u["message"]["text"] for u in last] == ["三"]
        assert (await desk.api("getUpdates")).result == last  # the negative offset forgot the others


async def test_a_long_poll_answers_as_soon_as_somebody_writes() -> None:
    async with running() as desk:
        poll = asyncio.create_task(desk.api("getUpdates", timeout=50))
        await desk.hands.send(LEADER, LEADER, "同意")
        async with asyncio.timeout(5):
            answer = await poll
        message = answer.result[0]["message"]
        assert (message["from"]["id"], message["chat"]["type"], message["text"]) == (
            LEADER,
            "private",
            "同意",
        )


async def test_of_two_polls_the_older_one_gets_the_conflict() -> None:
    async with running() as desk:
        older = asyncio.create_task(desk.api("getUpdates", timeout=50))
        async with asyncio.timeout(5):
            while not older.done():
                await desk.api("getUpdates")
        assert (older.result().status, older.result().refusal) == (409, TERMINATED)


async def test_a_webhook_stops_polling_until_it_is_deleted() -> None:
    async with running() as desk:
        assert "HTTPS" in (await desk.api("setWebhook", url="http://x.cn")).refusal
        await desk.hands.send(DUTY, DUTY, "等着")
        assert (await desk.api("setWebhook", url="https://x.cn/hook")).result is True
        refused = await desk.api("getUpdates")
        assert (refused.status, "webhook is active" in refused.refusal) == (409, True)
        info = (await desk.api("getWebhookInfo")).result
        assert (info["url"], info["pending_update_count"]) == ("https://x.cn/hook", 1)
        await desk.api("deleteWebhook", drop_pending_updates=True)
        assert (await desk.api("getUpdates")).result == []


async def test_kinds_not_asked_for_are_not_kept() -> None:
    async with running() as desk:
        await desk.api("getUpdates", allowed_updates=["callback_query"])
        await desk.hands.send(DUTY, DUTY, "没人听")
        await desk.api("getUpdates", allowed_updates=[])
        await desk.hands.send(DUTY, DUTY, "有人听")
        assert await texts(desk) == ["有人听"]


async def test_a_press_waits_150_seconds_and_a_message_a_day() -> None:
    async with running() as desk:
        sent = (
            await desk.api("sendMessage", chat_id=GROUP, text="卡", reply_markup=buttons([("签收", "a")]))
        ).result
        await desk.hands.press_label(CONTACT, GROUP, "签收")
        await desk.hands.send(DUTY, DUTY, "在吗")
        desk.clock.ahead_s = 149
        kinds = [set(u) - {"update_id"} for u in (await desk.api("getUpdates")).result]
        assert kinds == [{"callback_query"}, {"message"}]
        desk.clock.ahead_s = 151
        assert [u["message"]["text"] for u in (await desk.api("getUpdates")).result] == ["在吗"]
        desk.clock.ahead_s = 24 * 3600 + 1
        assert (await desk.api("getUpdates")).result == []
        assert sent["message_id"] == 1


async def test_a_press_tells_who_pressed_what_where_even_when_forged() -> None:
    async with running() as desk:
        await desk.api("sendMessage", chat_id=GROUP, text="卡", reply_markup=buttons([("签收", "a1:sign")]))
        query = await desk.hands.press_label(CONTACT, GROUP, "签收")
        forged = await desk.hands.press(DUTY, GROUP, 1, "a1:伪造" * 40)
        real, fake = [u["callback_query"] for u in (await desk.api("getUpdates")).result]
        assert (real["id"], real["from"]["id"], real["data"]) == (query, CONTACT, "a1:sign")
        assert (real["message"]["chat"]["id"], real["message"]["message_id"]) == (GROUP, 1)
        assert (fake["id"], fake["data"], fake["chat_instance"]) == (
            forged,
            "a1:伪造" * 40,
            real["chat_instance"],
        )
        with pytest.raises(SandboxClientError, match="403"):
            await desk.hands.press(LEADER, GROUP, 1, "a1:sign")
        with pytest.raises(LookupError):
            await desk.hands.press_label(CONTACT, GROUP, "没有这个")


async def test_in_a_group_the_bot_hears_only_what_is_meant_for_it() -> None:
    async with running() as desk:
        asked = (await desk.api("sendMessage", chat_id=GROUP, text="理由？")).result["message_id"]
        own = await desk.hands.send(DUTY, GROUP, "闲聊")
        await desk.hands.send(CONTACT, GROUP, "回同事", reply_to=own["id"])
        await desk.hands.send(CONTACT, GROUP, "不归我们管", reply_to=asked)
        await desk.hands.send(DUTY, GROUP, "/due")
        await desk.hands.send(DUTY, GROUP, "/due@yuqing_sandbox_bot")
        await desk.hands.send(DUTY, GROUP, "/due@another_bot")
        await desk.hands.send(DUTY, GROUP, "问 @yuqing_sandbox_bot 一声")
        await desk.hands.send(LEADER, FOREIGN, "/due")  # the bot is not there
        heard = ["不归我们管", "/due", "/due@yuqing_sandbox_bot", "问 @yuqing_sandbox_bot 一声"]
        assert await texts(desk) == heard
    async with running(replace(CAST, bot_reads_all_groups=True)) as desk:
        await desk.hands.send(DUTY, GROUP, "闲聊")
        assert await texts(desk) == ["闲聊"]


async def test_commands_carry_the_entity_that_handlers_need() -> None:
    async with running() as desk:
        await desk.hands.send(DUTY, GROUP, "/why@yuqing_sandbox_bot 2026-0118")
        message = (await desk.api("getUpdates")).result[0]["message"]
        assert message["entities"][0] == {"type": "bot_command", "offset": 0, "length": 23}


async def test_stickers_photos_forwards_and_replies_arrive_as_such() -> None:
    async with running() as desk:
        await desk.api("sendMessage", chat_id=DUTY, text="请补充材料")
        await desk.hands.send(DUTY, DUTY, sticker=True)
        await desk.hands.send(DUTY, DUTY, "现场", photo=True, reply_to=1)
        await desk.hands.send(DUTY, DUTY, "转来的", forward=True)
        sticker, photo, forward = [u["message"] for u in (await desk.api("getUpdates")).result]
        assert "sticker" in sticker
        assert "text" not in sticker
        assert (photo["caption"], photo["reply_to_message"]["text"]) == ("现场", "请补充材料")
        assert forward["forward_origin"]["type"] == "hidden_user"
        with pytest.raises(SandboxClientError, match="空消息"):
            await desk.hands.send(DUTY, DUTY, "  ")


async def test_a_blocked_bot_cannot_write_until_it_is_resumed() -> None:
    async with running() as desk:
        await desk.hands.block(LEADER)
        await desk.hands.block(LEADER)  # twice changes nothing
        refused = await desk.api("sendMessage", chat_id=LEADER, text="x")
        assert (refused.status, refused.refusal) == (403, "Forbidden: bot was blocked by the user")
        with pytest.raises(SandboxClientError, match="409"):
            await desk.hands.send(LEADER, LEADER, "x")
        await desk.hands.block(LEADER, False)
        assert (await desk.api("sendMessage", chat_id=LEADER, text="x")).status == 200
        changes = [u["my_chat_member"] for u in (await desk.api("getUpdates")).result]
        assert [c["new_chat_member"]["status"] for c in changes] == ["kicked", "member"]


async def test_a_first_word_opens_the_private_chat() -> None:
    async with running() as desk:
        assert (await desk.hands.state(NEWCOMER))["me"]["started"] is False
        await desk.hands.send(NEWCOMER, NEWCOMER, "/start code-1")
        assert (await desk.api("sendMessage", chat_id=NEWCOMER, text="您好")).status == 200


async def test_the_bot_learns_of_groups_it_joins_and_loses() -> None:
    async with running() as desk:
        new = await desk.hands.group(DUTY, "add", title="应急群", members=[LEADER])
        joined = (await desk.api("getUpdates")).result
        assert [set(u) - {"update_id"} for u in joined] == [{"my_chat_member"}, {"message"}]
        assert joined[0]["my_chat_member"]["chat"] == {"id": new, "type": "supergroup", "title": "应急群"}
        assert joined[1]["message"]["new_chat_members"][0]["is_bot"] is True
        assert (await desk.api("sendMessage", chat_id=new, text="大家好")).status == 200
        assert [m["text"] for m in await desk.hands.messages(LEADER, new)] == ["", "大家好"]
        await desk.hands.group(DUTY, "remove", chat=new)
        refused = await desk.api("sendMessage", chat_id=new, text="x")
        assert (refused.status, refused.refusal) == (
            403,
            "Forbidden: bot was kicked from the supergroup chat",
        )


async def test_a_migrated_group_answers_with_its_new_id() -> None:
    async with running() as desk:
        await desk.api("sendMessage", chat_id=SMALL, text="旧群")
        new = await desk.hands.group(CONTACT, "migrate", chat=SMALL, new_id=-1001000000777)
        refused = await desk.api("sendMessage", chat_id=SMALL, text="x")
        assert (refused.status, refused.body["parameters"]) == (400, {"migrate_to_chat_id": new})
        assert refused.refusal == "Bad Request: group chat was upgraded to a supergroup chat"
        gone, come = [u["message"] for u in (await desk.api("getUpdates")).result]
        assert (gone["chat"]["id"], gone["migrate_to_chat_id"]) == (SMALL, new)
        assert (come["chat"]["id"], come["migrate_from_chat_id"]) == (new, SMALL)
        sent = (await desk.api("sendMessage", chat_id=new, text="新群")).result
        assert (sent["chat"]["type"], sent["message_id"]) == ("supergroup", 2)
        with pytest.raises(SandboxClientError, match="409"):
            await desk.hands.send(DUTY, SMALL, "x")


async def test_unread_marks_follow_reading() -> None:
    async with running() as desk:
        for text in ("一", "二"):
            await desk.api("sendMessage", chat_id=GROUP, text=text)
        await desk.hands.send(DUTY, GROUP, "自己写的不算")

        async def unread(person: int) -> int:
            people = (await desk.hands.state(person))["people"]
            return next(int(p["unread"]) for p in people if p["id"] == person)

        assert (await unread(DUTY), await unread(CONTACT), await unread(LEADER)) == (2, 3, 0)
        await desk.hands.read(DUTY, GROUP)
        await desk.hands.read(CONTACT, GROUP, 1)
        assert (await unread(DUTY), await unread(CONTACT)) == (0, 2)


async def test_a_selective_prompt_is_for_the_one_it_replies_to() -> None:
    async with running() as desk:
        said = await desk.hands.send(CONTACT, GROUP, "/return")
        force = {"force_reply": True, "selective": True}
        await desk.api(
            "sendMessage", chat_id=GROUP, text="理由？", reply_markup=force, reply_to_message_id=said["id"]
        )
        views = [(await desk.hands.messages(person, GROUP))[-1] for person in (CONTACT, DUTY)]
        assert [view["force_reply"]["for_me"] for view in views] == [True, False]
        await desk.hands.send(CONTACT, GROUP, "不属本局", reply_to=views[0]["id"])
        assert (await desk.hands.messages(CONTACT, GROUP))[1]["force_reply"]["answered"] is True
