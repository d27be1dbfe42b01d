"""The page in a real browser: one person presses, replies, sees an edit live and reads a toast."""

import base64
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest
from sandbox_desk import CONTACT, DUTY, GROUP, LEADER, Desk, buttons, running

if TYPE_CHECKING:
    from playwright.async_api import Page

_CHROMIUM = os.environ.get("YUQING_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(_CHROMIUM is None, reason="no chromium found: install it or set YUQING_CHROMIUM"),
]
_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@asynccontextmanager
async def page_of(desk: Desk, person: int, chat: int, width: int = 1200) -> AsyncIterator["Page"]:
    from playwright.async_api import async_playwright

    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=_CHROMIUM, args=_ARGS)
        page = await browser.new_page(viewport={"width": width, "height": 800})
        page.set_default_timeout(10_000)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        await page.goto(f"{desk.sandbox.base_url}/#as={person}&chat={chat}")
        await page.wait_for_selector("#chat-title:not(:empty)")
        yield page
        await browser.close()
        assert complaints == []


async def _press_query(desk: Desk) -> str:
    updates = (await desk.api("getUpdates", timeout=10, allowed_updates=["callback_query"])).result
    return str(updates[-1]["callback_query"]["id"])


async def test_a_person_presses_replies_sees_an_edit_and_a_toast() -> None:
    from playwright.async_api import expect

    async with running() as desk:
        await desk.api("getUpdates", allowed_updates=["callback_query"])
        keys = buttons([("签收", "a1:sign"), ("退回", "a1:back")])
        card = (await desk.api("sendMessage", chat_id=GROUP, text="停水", reply_markup=keys)).result[
            "message_id"
        ]
        async with page_of(desk, CONTACT, GROUP) as page:
            await page.get_by_role("button", name="签收").click()
            query = await _press_query(desk)
            await desk.api("answerCallbackQuery", callback_query_id=query, text="已签收")
            await expect(page.locator(".toast")).to_have_text("已签收")

            edit = {
                "chat_id": GROUP,
                "message_id": card,
                "text": "停水 · <b>办理中</b>",
                "parse_mode": "HTML",
            }
            await desk.api("editMessageText", **edit)
            await expect(page.locator(".message .text b")).to_have_text("办理中")
            await expect(page.locator(".message.pulse .edited")).to_have_text("已编辑")
            await expect(page.locator(".key")).to_have_count(0)

            force = {"force_reply": True, "input_field_placeholder": "退回理由"}
            await desk.api("sendMessage", chat_id=GROUP, text="请写理由", reply_markup=force)
            await expect(page.locator("#replying")).to_be_visible()
            box = page.get_by_placeholder("退回理由")
            await box.fill("不属本局职责")
            await box.press("Enter")
            await expect(page.locator(".message.mine .quote")).to_contain_text("请写理由")
            await expect(page.locator("#replying")).to_be_hidden()
            mine = (await desk.hands.messages(CONTACT, GROUP))[-1]
            assert (mine["text"], mine["reply_to"]["id"]) == ("不属本局职责", 2)

            query = await desk.hands.press(CONTACT, GROUP, card, "a1:sign")
            await desk.api("answerCallbackQuery", callback_query_id=query, text="您无权操作", show_alert=True)
            await expect(page.get_by_role("dialog")).to_contain_text("您无权操作")
            await page.get_by_role("button", name="知道了").click()
            await expect(page.get_by_role("dialog")).to_be_hidden()


async def test_switching_people_shows_other_chats_and_unread_marks_by_keyboard() -> None:
    from playwright.async_api import expect

    async with running() as desk, page_of(desk, DUTY, GROUP) as page:
        await desk.api("sendMessage", chat_id=LEADER, text="待审批", reply_markup=buttons([("同意", "a")]))
        leader = page.get_by_role("tab", name="周明")
        await expect(leader.locator(".badge")).to_have_text("1")
        await page.get_by_role("tab", name="王晓敏").focus()
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name="同意")).to_be_visible()
        await expect(leader.locator(".badge")).to_have_count(0)
        assert f"as={LEADER}" in page.url
        await page.reload()  # the address remembers person and chat
        await expect(page.get_by_role("button", name="同意")).to_be_visible()
        await page.evaluate("document.activeElement.blur()")
        await page.keyboard.press("j")
        await expect(page.locator("#chat-title")).to_have_text("别的群")
        await page.keyboard.press("k")
        await expect(page.locator("#chat-title")).to_have_text("舆情值班台")


async def test_on_a_phone_nothing_runs_out_of_the_screen() -> None:
    from playwright.async_api import expect

    async with running() as desk:
        long = "长" * 300 + "https://example.org/" + "a" * 200
        await desk.api(
            "sendMessage", chat_id=GROUP, text=long, reply_markup=buttons([("一二三四五六", "a")] * 4)
        )
        async with page_of(desk, DUTY, GROUP, width=390) as page:
            await expect(page.locator(".key")).to_have_count(4)
            assert await page.evaluate("document.documentElement.scrollWidth") <= 390
            await page.get_by_role("button", name="返回会话列表").click()
            await expect(page.locator(".chat").first).to_be_visible()
            await expect(page.get_by_text("沙盒", exact=True).first).to_be_visible()


async def test_the_keyboard_keeps_its_place_when_a_press_changes_the_keys() -> None:
    from playwright.async_api import expect

    async with running() as desk:
        keys = buttons([("转办", "a"), ("不予受理", "b")])
        card = (await desk.api("sendMessage", chat_id=GROUP, text="停水", reply_markup=keys)).result
        await desk.api("sendMessage", chat_id=GROUP, text="没有按钮")
        async with page_of(desk, DUTY, GROUP) as page:
            where = {"chat_id": GROUP, "message_id": card["message_id"]}
            await page.get_by_role("button", name="不予受理").focus()
            await desk.api("editMessageReplyMarkup", **where, reply_markup=buttons([("确认", "c")]))
            await expect(page.get_by_role("button", name="确认")).to_be_focused()
            await desk.api("editMessageReplyMarkup", **where)
            await expect(page.locator(".bubble").first).to_be_focused()

            await page.keyboard.press("r")
            await expect(page.locator("#replying span")).to_have_text("停水")
            await page.keyboard.press("Control+ArrowDown")
            await expect(page.locator("#replying span")).to_have_text("没有按钮")
            await page.keyboard.press("Control+ArrowDown")
            await expect(page.locator("#replying")).to_be_hidden()


async def test_the_field_has_a_scrollbar_only_when_it_is_full() -> None:
    async with running() as desk, page_of(desk, DUTY, GROUP) as page:
        box = page.locator("#text")
        state = "e => [getComputedStyle(e).overflowY, e.scrollHeight <= e.clientHeight]"
        for text, expected in (
            ("", ["hidden", True]),
            ("一\n二", ["hidden", True]),
            ("一\n" * 20, ["auto", False]),
        ):
            await box.fill(text)
            assert await box.evaluate(state) == expected, text


async def test_a_command_that_needs_words_waits_for_them_in_the_field() -> None:
    from playwright.async_api import expect

    async with running() as desk:
        offered = {"case": "查看一个事项，如 /case 1", "open": "未办结事项"}
        commands = [{"command": name, "description": text} for name, text in offered.items()]
        await desk.api("setMyCommands", commands=commands)
        async with page_of(desk, DUTY, DUTY) as page:
            await page.get_by_label("命令").click()
            sheet = page.locator("#commands .sheet")
            size = await sheet.bounding_box()
            assert size is not None
            assert size["width"] >= 300
            await sheet.get_by_role("button", name="/case").click()
            await expect(page.locator("#text")).to_have_value("/case ")
            await expect(page.locator("#text")).to_be_focused()
            await page.keyboard.type("7")
            await page.keyboard.press("Enter")
            await expect(page.locator(".message.mine .text")).to_have_text("/case 7")
            await page.get_by_label("命令").click()
            await sheet.get_by_role("button", name="/open").click()
            await expect(page.locator(".message.mine .text").last).to_have_text("/open")


async def test_on_a_phone_marks_and_notes_cover_nothing() -> None:
    from playwright.async_api import expect

    async with running() as desk:
        await desk.api("getUpdates", allowed_updates=["callback_query"])
        await desk.api("sendMessage", chat_id=GROUP, text="停水", reply_markup=buttons([("签收", "a")]))
        for _ in range(12):
            await desk.api("sendMessage", chat_id=LEADER, text="待审批")
        async with page_of(desk, DUTY, GROUP, width=390) as page:
            leader = page.get_by_role("tab", name="周明")
            await expect(leader.locator(".badge")).to_have_text("12")
            label, mark = [await leader.locator(part).bounding_box() for part in (".label", ".badge")]
            assert label is not None
            assert mark is not None
            assert mark["y"] >= label["y"] + label["height"] - 1

            key = page.get_by_role("button", name="签收")
            await key.click()
            await desk.api("answerCallbackQuery", callback_query_id=await _press_query(desk), text="已签收")
            note = page.locator(".toast")
            await expect(note).to_be_visible()
            box = await note.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] < 200


async def test_a_picture_opens_whole_and_a_tap_shows_it_in_its_own_size() -> None:
    from playwright.async_api import expect

    async with running() as desk, page_of(desk, DUTY, GROUP, width=390) as page:
        source = await page.evaluate(
            "() => { const c = document.createElement('canvas'); c.width = 1400; c.height = 900;"
            " c.getContext('2d').fillRect(0, 0, 9, 9); return c.toDataURL('image/png'); }"
        )
        form = aiohttp.FormData({"chat_id": str(GROUP)})
        picture = base64.b64decode(source.split(",")[1])
        form.add_field("photo", picture, filename="周报.png", content_type="image/png")
        assert (await desk.post("sendPhoto", data=form)).result["photo"]
        await page.get_by_role("button", name="放大图片").click()
        image = page.locator("#photo img")
        await expect(image).to_be_visible()
        await expect(image).to_have_js_property("naturalWidth", 1400)
        assert await image.evaluate("e => e.clientWidth") <= 390
        await image.click()
        await expect(image).to_have_js_property("clientWidth", 1400)
        assert await page.locator(".frame").evaluate("e => e.scrollWidth > e.clientWidth && e.scrollLeft > 0")
        await image.click(position={"x": 700, "y": 450})
        assert await image.evaluate("e => e.clientWidth") <= 390
        await page.get_by_role("button", name="关闭图片").click()
        await expect(page.get_by_role("dialog")).to_be_hidden()


async def test_what_is_folded_opens_by_a_touch_and_a_link_to_a_message_leads_to_its_group() -> None:
    from playwright.async_api import expect

    async with running() as desk:
        lines = "\n".join(f"第{n}行" for n in range(12))
        folded = {"text": f"<blockquote expandable>{lines}</blockquote>", "parse_mode": "HTML"}
        sent = (await desk.api("sendMessage", chat_id=GROUP, **folded)).result["message_id"]
        link = {"text": "去群里", "url": f"https://t.me/c/{str(GROUP).removeprefix('-100')}/{sent}"}
        keys = {"inline_keyboard": [[link]]}
        await desk.api("sendMessage", chat_id=DUTY, text="请处理", reply_markup=keys)
        async with page_of(desk, DUTY, DUTY) as page:
            await page.get_by_role("link", name="去群里").click()
            detail = page.locator(".folded")
            await expect(detail).to_be_visible()
            shut = await detail.evaluate("box => box.clientHeight")
            await detail.click()
            await expect(detail).to_contain_class("open")
            assert await detail.evaluate("box => box.clientHeight") > 2 * shut
            await desk.api(
                "editMessageText", chat_id=GROUP, message_id=sent, **{**folded, "text": folded["text"] + "!"}
            )
            await expect(page.locator(".message.pulse .folded")).to_contain_class(
                "open"
            )  # an edit shuts nothing
