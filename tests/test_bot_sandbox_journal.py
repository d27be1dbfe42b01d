"""The journal: what a killed sandbox remembers, and the events that tell pages what changed."""

import asyncio
import json
import sys
from pathlib import Path

import aiohttp
import pytest
from sandbox_desk import CONTACT, DUTY, GROUP, LEADER, SMALL, Desk, buttons, running

from bot.sandbox.journal import Journal, JournalError

_CHILD = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, "tests")
from sandbox_desk import CAST
from bot.sandbox.server import Sandbox

async def main():
    async with Sandbox(CAST, journal=Path(sys.argv[1])) as sandbox:
        print(sandbox.base_url, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def _play(desk: Desk) -> None:
    card = (await desk.api("sendMessage", chat_id=GROUP, text="<b>停水</b>", parse_mode="HTML")).result
    edit = {
        "chat_id": GROUP,
        "message_id": card["message_id"],
        "reply_markup": buttons([("签收", "a1:sign")]),
    }
    await desk.api("editMessageText", text="停水 · 待签收", **edit)
    form = aiohttp.FormData({"chat_id": str(LEADER)})
    form.add_field("document", b"report", filename="专报.docx")
    await desk.post("sendDocument", data=form)
    await desk.hands.send(DUTY, DUTY, "确认过的")
    confirmed = (await desk.api("getUpdates")).result[0]["update_id"]
    await desk.api("getUpdates", offset=confirmed + 1)
    await desk.hands.press_label(CONTACT, GROUP, "签收")
    await desk.hands.send(LEADER, LEADER, "还没取走的")
    await desk.hands.read(DUTY, GROUP)
    await desk.hands.block(CONTACT)
    await desk.hands.group(DUTY, "migrate", chat=SMALL)


async def test_a_restart_brings_back_chats_buttons_files_and_waiting_updates(tmp_path: Path) -> None:
    journal = tmp_path / "sandbox.jsonl"
    async with running(journal=journal) as desk:
        await _play(desk)
        before = [await desk.hands.state(person) for person in (DUTY, CONTACT, LEADER)]
        waiting = (await desk.api("getUpdates")).result
        record = await desk.hands.record()
    with journal.open("ab") as out:
        out.write(b'[{"event":"message","chat":1001,"te')  # torn by a kill
    async with running(journal=journal) as desk:
        after = [await desk.hands.state(person) for person in (DUTY, CONTACT, LEADER)]
        assert [view["chats"] for view in after] == [view["chats"] for view in before]
        assert after[1]["me"]["blocked"] is True
        assert await desk.hands.record() == record
        assert (await desk.api("getUpdates")).result == waiting
        query = waiting[0]["callback_query"]
        assert (
            await desk.api("answerCallbackQuery", callback_query_id=query["id"], text="好")
        ).result is True
        assert await desk.hands.press_label(CONTACT, GROUP, "签收") != query["id"]
        new = (await desk.api("sendMessage", chat_id=GROUP, text="新的")).result
        assert new["message_id"] == 2
        (document,) = (await desk.hands.messages(LEADER, LEADER))[0]["files"]
        assert await desk.hands.download(document["url"]) == b"report"
        update_ids = [u["update_id"] for u in (await desk.api("getUpdates")).result]
        assert update_ids == sorted(set(update_ids))
        assert len(update_ids) == len(waiting) + 1
    async with running(journal=journal) as desk:  # the torn line did not swallow what came after it
        assert (await desk.hands.messages(DUTY, GROUP))[-1]["text"] == "新的"


@pytest.mark.slow
async def test_kill_9_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    journal = tmp_path / "sandbox.jsonl"
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CHILD, str(journal), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    try:
        base = (await child.stdout.readline()).decode().strip()
        async with aiohttp.ClientSession() as http:
            for number in range(20):
                body = {"as": DUTY, "chat": DUTY, "text": str(number)}
                async with http.post(f"{base}/sandbox/send", json=body) as answer:
                    assert answer.status == 200
    finally:
        child.kill()
        await child.wait()
    async with running(journal=journal) as desk:
        assert [m["text"] for m in await desk.hands.messages(DUTY, DUTY)] == [str(n) for n in range(20)]
        assert len((await desk.api("getUpdates")).result) == 20


def test_damage_in_the_middle_is_not_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    path.write_text("[]\nbroken\n[]\n", encoding="utf-8")
    with pytest.raises(JournalError, match="line 2"):
        Journal(path).open()
    path.write_text('{"event": 1}\n', encoding="utf-8")
    with pytest.raises(JournalError, match="line 1"):
        Journal(path).open()


async def _next_event(stream: aiohttp.StreamReader) -> dict[str, object]:
    while True:
        line = (await stream.readline()).decode()
        assert line, "the stream ended"
        if line.startswith("data: "):
            return dict(json.loads(line.removeprefix("data: ")))


async def test_events_tell_each_person_what_that_person_may_see() -> None:
    async with running() as desk:
        url = f"{desk.sandbox.base_url}/sandbox/events"
        async with desk.http.get(url, params={"as": DUTY}) as answer:
            await answer.content.readline()  # the stream stands
            card = (
                await desk.api("sendMessage", chat_id=GROUP, text="卡", reply_markup=buttons([("好", "a")]))
            ).result
            came = await _next_event(answer.content)
            assert (came["kind"], came["chat"], came["unread"]) == (
                "message",
                GROUP,
                {"1001": 1, "1002": 1, "1003": 0, "1004": 0},
            )
            await desk.api("sendMessage", chat_id=LEADER, text="只给领导")
            hidden = await _next_event(answer.content)
            assert (hidden["kind"], "message" in hidden) == ("unread", False)
            query = await desk.hands.press_label(DUTY, GROUP, "好")
            await desk.api("answerCallbackQuery", callback_query_id=query, text="已办", show_alert=True)
            toast = (await _next_event(answer.content))["toast"]
            assert isinstance(toast, dict)
            assert (toast["press"], toast["text"], toast["alert"]) == (query, "已办", True)
            await desk.api("editMessageText", chat_id=GROUP, message_id=card["message_id"], text="卡（已办）")
            assert (await _next_event(answer.content))["kind"] == "edit"
            await desk.api("deleteMessage", chat_id=GROUP, message_id=card["message_id"])
            gone = await _next_event(answer.content)
            assert (gone["kind"], gone["message"]) == ("delete", card["message_id"])
        async with desk.http.get(url, params={"as": DUTY, "after": 10_000}) as answer:
            assert (await _next_event(answer.content))["kind"] == "reset"


async def test_waiting_ends_with_the_next_change() -> None:
    async with running() as desk:
        before = await desk.hands.wait(-1)
        assert await desk.hands.wait(before, timeout=0) == before
        await desk.hands.send(DUTY, DUTY, "变")
        assert await desk.hands.wait(before, timeout=30) > before
        toast_of = await desk.hands.wait_for(
            lambda view: view["revision"] > before and view["me"]["name"], DUTY
        )
        assert toast_of == "王晓敏"
        with pytest.raises(TimeoutError):
            await desk.hands.wait_for(lambda view: False, DUTY, timeout=0.1)
