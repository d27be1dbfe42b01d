"""What a chat platform and the network do on a bad day, by the sandbox's script: nothing lost, doubles marked."""

import asyncio
import socket
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import select
from whole import (
    CONTACT,
    DUTY,
    LEADER,
    OFFICER,
    ON_BOTH,
    OPERATOR,
    PETITION,
    REVIEWER,
    SECOND_LEADER,
    SECRECY,
    WATER,
    Json,
    Post,
    Stage,
    database,
    labels,
    number_of,
    on_stage,
)

from bot.app import App
from bot.chat import TokenRejected
from bot.sandbox.client import SandboxClient, messages_in
from bot.sandbox.server import Sandbox
from bot.sandbox.world import SANDBOX_TOKEN
from bot.sender import Pace, Window
from bot.telegram.adapter import TelegramChat, Timeouts
from routing.store.tables import ChatRow, OutboxRow, Sending

LAMPS = Post("l1", "文澜路路灯坏了半个月没人管", "文澜路路灯坏了半个月，晚上漆黑一片，到底谁来管？")
RESENT = "〔重发·可能重复〕"
QUICK = Timeouts(read_s=1.0)


async def _copies(stage: Stage, chat: int, reader: int, words: str) -> list[Json]:
    view = await stage.client.state(reader)
    return [m for m in messages_in(view, chat) if m["from"].get("is_bot") and words in m["text"]]


async def test_told_to_wait_the_desk_waits_and_sends_once_unmarked(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        await stage.client.faults({"kind": "429", "method": "sendMessage", "chat": DUTY, "retry_after": 1})
        card = await stage.opened()
        assert RESENT not in card["text"]
        first, second = await stage.client.record("sendMessage")
        assert (first["status"], second["status"]) == (429, 200)
        assert second["at"] - first["at"] >= 1


@pytest.mark.parametrize("fault", ["500", "html502", "cut_before"])
async def test_a_card_whose_fate_is_unknown_comes_again_with_a_mark(tmp_path: Path, fault: str) -> None:
    async with on_stage(tmp_path) as stage:
        await stage.client.faults({"kind": fault, "method": "sendMessage", "chat": DUTY})
        card = await stage.opened()
        assert card["text"].startswith(RESENT)
        assert "已转办" in await stage.press(OFFICER, card, "转办")
        await stage.card(DUTY, "待签收", but_not=RESENT)  # the card as it stands is no copy of anything
        await stage.card(PETITION, number_of(card), button="签收")


@pytest.mark.parametrize("fault", ["timeout_after", "cut_after"])
@ON_BOTH
async def test_of_a_doubled_card_both_copies_work_and_both_follow(
    kind: str, tmp_path: Path, fault: str
) -> None:
    with database(kind, tmp_path) as url:
        async with on_stage(tmp_path, url=url, timeouts=QUICK) as stage:
            await stage.client.faults({"kind": fault, "method": "sendMessage", "chat": DUTY})
            first = await stage.opened()
            number = number_of(first)
            second = await stage.card(DUTY, RESENT, number)
            assert first["id"] != second["id"]
            assert "已转办" in await stage.press(OFFICER, first, "转办 信访")
            slip = await stage.card(PETITION, number, button="签收")
            await stage.quiet()
            for copy in await _copies(stage, DUTY, OFFICER, number):
                assert "待签收" in copy["text"], copy["text"]
                assert "转办" not in labels(copy)
            said = await stage.unchanged(number, stage.press(OFFICER, second, "转办 信访"))
            assert said == f"{number} 刚有变化（待签收），请看最新卡片后再操作。"
            assert "已签收" in await stage.press(CONTACT, slip, "签收")


@pytest.mark.parametrize("pressed", [0, 1])
async def test_of_a_doubled_review_card_both_copies_work_and_both_say_their_last_word(
    tmp_path: Path, pressed: int
) -> None:
    async with on_stage(tmp_path, timeouts=QUICK) as stage:
        await stage.client.faults({"kind": "cut_after", "method": "sendMessage", "chat": REVIEWER})
        first = await stage.drafted()
        number = number_of(first)
        second = await stage.card(REVIEWER, RESENT, number)
        copies = sorted((first, second), key=_id)
        assert "已初审通过" in await stage.press(REVIEWER, copies[pressed], "初审通过")
        await stage.card(SECRECY, number, button="公开…")
        await stage.quiet()
        for copy in await _copies(stage, REVIEWER, REVIEWER, number):
            if pressed == 0 or copy["id"] == copies[1]["id"]:
                assert "吴桐 已处理：同意" in copy["text"]
                assert not labels(copy)
        said = await stage.unchanged(number, stage.press(REVIEWER, copies[1 - pressed], "初审通过"))
        assert said.endswith(f"{number} 现在是“待保密审查”，此操作已不适用。")
        await stage.quiet()
        for copy in await _copies(stage, REVIEWER, REVIEWER, number):
            assert not labels(copy), copy["text"]


@pytest.mark.parametrize("answered", [0, 1])
async def test_of_a_doubled_question_both_copies_take_the_answer(tmp_path: Path, answered: int) -> None:
    async with on_stage(tmp_path, timeouts=QUICK) as stage:
        slip = await stage.dispatched()
        number = number_of(slip)
        await stage.client.faults({"kind": "cut_after", "method": "sendMessage", "chat": CONTACT})
        await stage.press(CONTACT, slip, "退回")
        second = await stage.card(CONTACT, RESENT, "退回的理由")
        first = await stage.said(CONTACT, "退回的理由")
        asked = sorted((first, second), key=_id)[answered]
        await stage.client.send(CONTACT, CONTACT, "供水由住建部门主管", reply_to=asked["id"])
        await stage.said(CONTACT, f"已退回：{number}")
        await stage.said(OFFICER, "理由：供水由住建部门主管")
        await stage.said(DUTY, "退回，请重新转办")


@pytest.mark.parametrize("answered", [0, 1])
async def test_of_a_doubled_slip_both_copies_take_a_draft_by_reply(tmp_path: Path, answered: int) -> None:
    async with on_stage(tmp_path, timeouts=QUICK) as stage:
        await stage.client.faults({"kind": "cut_after", "method": "sendMessage", "chat": PETITION})
        card = await stage.opened()
        number = number_of(card)
        await stage.press(OFFICER, card, "转办 信访")
        second = await stage.card(PETITION, RESENT, number)
        first = await stage.said(PETITION, number)
        copies = sorted((first, second), key=_id)
        assert "已签收" in await stage.press(CONTACT, copies[1], "签收")
        await stage.client.send(
            CONTACT, PETITION, "泵组已更换，今日恢复供水，深表歉意。", reply_to=copies[answered]["id"]
        )
        if answered == 1:
            await stage.said(PETITION, f"已提交答复稿：{number}")
            await stage.card(REVIEWER, number, button="初审通过")
        else:
            await stage.said(PETITION, "认不出")


async def test_a_leader_who_blocked_the_bot_is_told_to_the_operator_once(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        stage.allowed = ("bot was blocked",)
        await stage.client.faults({"kind": "403", "method": "sendMessage", "chat": LEADER})
        card = await stage.reviewed()
        await stage.press(SECRECY, card, "公开…")
        await stage.answer(SECRECY, "意见：公开", "条例第十九条；公众关心")
        await stage.said(SECRECY, "已做保密审查（公开）")
        await stage.said(OPERATOR, f"消息发不到会话 {LEADER}", "bot was blocked")
        other = await stage.card(SECOND_LEADER, number_of(card), button="批准发布")
        assert "已批准发布" in await stage.press(SECOND_LEADER, other, "批准发布")
        await stage.said(PETITION, "已批准", number_of(card))
        await stage.card(SECRECY, number_of(card), "已处理", button="")


async def test_a_person_who_blocks_the_bot_is_told_before_anything_is_lost_on_him(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        await stage.client.block(LEADER)
        await stage.said(OPERATOR, f"人员会话 {LEADER} 屏蔽了机器人，发给他的消息送不到，请尽快恢复。")


async def test_a_flood_of_cards_arrives_whole_and_unmarked_however_often_it_must_wait(tmp_path: Path) -> None:
    async with on_stage(tmp_path, pace=Pace(lambda: frozenset({str(DUTY)}))) as stage:
        stage.allowed = ("Too Many Requests",)
        await stage.client.faults({"kind": "flood_limits"})
        titles = (
            "文澜路路灯全灭没人管",
            "渡口街垃圾堆了一周没人清",
            "渡溪大道夜里施工吵得睡不着",
            "汀阳广场停水三天没人修",
            "榴南村征地款两年没发",
            "榴北村养猪场臭得开不了窗",
        )
        await stage.drop(*(Post(title[:4], title, f"{title}，到底谁来管？") for title in titles))
        for title in titles:
            await stage.card(DUTY, title, button="转办", but_not=RESENT)


async def test_a_group_takes_no_more_than_twenty_in_any_minute() -> None:
    now = 0.0
    window = Window(20, 60, lambda: now)
    sent: list[float] = []
    while now < 300:
        if window.has_capacity():
            await window.acquire()
            sent.append(now)
        now += 0.5
    assert len(sent) == 100
    assert all(late - early >= 60 for early, late in zip(sent, sent[20:], strict=False))


async def test_a_group_that_becomes_a_supergroup_is_found_again_and_no_card_is_overwritten(
    tmp_path: Path,
) -> None:
    async with on_stage(tmp_path, groups_kind="group") as stage:
        water = await stage.dispatched(WATER)
        lamps = await stage.dispatched(LAMPS)
        new = await stage.client.group(CONTACT, "migrate", chat=PETITION)
        await stage.quiet()
        stage.allowed = ("upgraded to a supergroup",)
        for number in (number_of(water), number_of(lamps)):  # the matter goes on in the new group
            card = await stage.card(DUTY, number, "待签收", button="定级")
            await stage.menu(OFFICER, card, "定级", "Ⅱ级")
        slips = [
            await stage.card(new, number_of(old), button="签收", reader=CONTACT) for old in (water, lamps)
        ]
        assert slips[0]["id"] != slips[1]["id"]
        for slip in slips:
            assert "已签收" in await stage.press(CONTACT, slip, "签收")
        await stage.quiet()
        for slip in slips:
            shown = await _copies(stage, new, CONTACT, number_of(slip))
            assert [("办理中" in m["text"], m["id"]) for m in shown] == [(True, slip["id"])]
        rows = await stage.app.store.read(lambda s: s.execute(select(ChatRow.ref, ChatRow.moved_to)).all())
        assert rows == [(str(PETITION), str(new))]


async def test_a_message_to_a_group_that_moved_unseen_goes_to_its_new_number(tmp_path: Path) -> None:
    async with on_stage(tmp_path, groups_kind="group") as stage:
        await stage.client.send(OFFICER, OFFICER, "/help")
        await stage.said(OFFICER, "周敏（")
        await stage.client.faults({"kind": "500", "method": "getUpdates", "times": 0})
        await stage.client.send(OFFICER, OFFICER, "/help")  # ends the poll that was under way
        await stage.said(OFFICER, "周敏（")
        new = await stage.client.group(OFFICER, "migrate", chat=DUTY)  # of which the desk hears nothing
        stage.allowed = ("upgraded to a supergroup",)
        await stage.drop(WATER)
        card = await stage.card(new, WATER.title, button="转办", reader=OFFICER)
        assert RESENT not in card["text"]
        await stage.client.clear_faults()
        assert "已转办" in await stage.press(OFFICER, card, "转办 信访")
        await stage.card(PETITION, number_of(card), button="签收")
        await stage.card(new, number_of(card), "待签收", reader=OFFICER)


async def test_of_two_copies_the_one_that_was_deleted_takes_nothing_with_it(tmp_path: Path) -> None:
    async with on_stage(tmp_path, timeouts=QUICK) as stage:
        stage.allowed = ("message to edit not found",)
        await stage.client.faults({"kind": "cut_after", "method": "sendMessage", "chat": DUTY})
        first = await stage.opened()
        number = number_of(first)
        second = await stage.card(DUTY, RESENT, number)
        older = min(first, second, key=_id)
        assert "已持续关注" in await stage.menu(OFFICER, older, "关注…", "按等级时限")
        kept = await stage.card(DUTY, number, "持续关注", button="恢复研判")
        await stage.quiet()
        copies = await _copies(stage, DUTY, OFFICER, number)
        assert len(copies) == 2
        await _delete(stage, DUTY, min(copies, key=_id))
        kept = max(copies, key=_id)
        assert "已恢复研判" in await stage.press(OFFICER, kept, "恢复研判")
        await stage.quiet()
        (left,) = await _copies(stage, DUTY, OFFICER, number)
        assert left["id"] == kept["id"]
        assert "待研判" in left["text"]


def _id(card: Json) -> int:
    return int(card["id"])


async def _delete(stage: Stage, chat: int, card: Json) -> None:
    address = f"{stage.sandbox.base_url}/bot{SANDBOX_TOKEN}/deleteMessage"
    wish = {"chat_id": chat, "message_id": card["id"]}
    async with (
        aiohttp.ClientSession(trust_env=False) as session,
        session.post(address, json=wish) as answer,
    ):
        assert answer.status == 200


async def test_a_card_that_was_deleted_is_posted_anew_while_there_is_something_to_press(
    tmp_path: Path,
) -> None:
    async with on_stage(tmp_path) as stage:
        stage.allowed = ("message to edit not found",)
        card = await stage.opened()
        await _delete(stage, DUTY, card)
        await stage.drop(Post("w2", WATER.title, WATER.text), source="board")  # the card must grow
        again = await stage.card(DUTY, number_of(card), "2 条", button="转办")
        assert again["id"] != card["id"]
        assert "已转办" in await stage.press(OFFICER, again, "转办 信访")
        await stage.card(PETITION, number_of(card), button="签收")
        await stage.card(DUTY, number_of(card), "待签收")


@pytest.mark.parametrize("method", ["getUpdates", "sendMessage"])
async def test_a_token_that_is_revoked_ends_the_service_and_keeps_the_queue(
    tmp_path: Path, method: str
) -> None:
    async with on_stage(tmp_path) as stage:
        stage.allowed = ("Unauthorized",)
        await stage.client.faults({"kind": "401", "method": "sendMessage", "times": 0})
        if method == "sendMessage":
            await stage.drop(WATER)
        else:
            await stage.client.faults({"kind": "401", "method": method, "times": 0})
            await stage.client.send(OFFICER, OFFICER, "/help")  # ends the poll that is under way
        assert stage.task is not None
        with pytest.raises(TokenRejected):
            await asyncio.wait_for(asyncio.shield(stage.task), 20)
        stage.task = None
        await stage.client.clear_faults()
        if method == "sendMessage":
            app = App(stage.settings, stage.configuration, stage.app._chat)  # type: ignore[attr-defined]
            waiting = app.store.run(
                lambda s: s.execute(select(OutboxRow.state, OutboxRow.uncertain, OutboxRow.attempts)).all()
            )
            app.store.close()
            assert waiting == [(Sending.PENDING, False, 0)]
        await stage.start_app()
        if method == "sendMessage":
            assert RESENT not in (await stage.card(DUTY, WATER.title, button="转办"))["text"]
        else:
            await stage.said(OFFICER, "周敏（值班员、政府办）")


async def test_a_server_that_is_away_at_the_start_is_waited_for(tmp_path: Path) -> None:
    async with on_stage(tmp_path, with_app=False) as stage:
        knocks: asyncio.Queue[None] = asyncio.Queue()

        async def slam(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            knocks.put_nowait(None)
            writer.close()

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        away = await asyncio.start_server(slam, "127.0.0.1", port)
        chat = TelegramChat(SANDBOX_TOKEN, f"http://127.0.0.1:{port}")
        app = App(stage.settings, stage.configuration, chat)
        ready = asyncio.Event()
        task = asyncio.create_task(app.run("bot", ready))
        try:
            await asyncio.wait_for(knocks.get(), 10)
            away.close()
            await away.wait_closed()
            assert not task.done()
            async with (
                Sandbox(stage.sandbox.world.cast, port=port) as late,
                SandboxClient(late.base_url) as hands,
            ):
                await asyncio.wait_for(ready.wait(), 20)
                await hands.send(OFFICER, OFFICER, "/help")
                await hands.wait_for(
                    lambda view: [m for m in messages_in(view, OFFICER) if "周敏（" in m["text"]], OFFICER, 20
                )
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
