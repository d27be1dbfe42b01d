"""The story played by itself, through the same HTTP that a person's browser uses, told as a transcript.

Each step says who does what, does it, and waits for what must follow; the first that does not follow ends the story.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from bot.app import ledger_of
from bot.demo.office import CHANNELS, CONTACT, DUTY, LEADER, OFFICER, SECOND_LEADER
from bot.demo.stage import Stage
from bot.sandbox.client import SandboxClient, messages_in
from routing.ledger import Verification

FIRST_TEXT = "f022"
WAIT_S = 60.0
DRAFT = (
    "桂汀苑停水系加压泵故障，抢修已于今日完成并恢复供水，停水期间已安排送水车。给居民带来不便，我们深表歉意。"
)
BETTER = (
    "桂汀苑停水系小区加压泵故障。抢修人员已更换泵组，今日恢复供水；停水期间每天两次送水到楼下。"
    "后续将每月巡检。给居民带来不便，我们深表歉意。"
)
LINK = "https://www.yunting.example/notice/20261121.html"

Json = dict[str, Any]
Tell = Callable[[str], None]


class StoryBroken(Exception):
    """A step did not hold; the message says which and what was seen instead."""


class Story:
    """Plays the main job once on a stage. `tell` gets the transcript, line by line."""

    def __init__(self, stage: Stage, client: SandboxClient, tell: Tell) -> None:
        self._stage = stage
        self._client = client
        self._tell = tell
        self._channel = 0
        self._number = ""

    async def play(self) -> None:
        """Play every step. Raises StoryBroken at the first that does not hold."""
        started = time.monotonic()
        for title, act in self.acts():
            self._tell("")
            self._tell(f"■ {title}")
            await act()
        self._tell("")
        self._tell(f"✔ 全部步骤成立，用时 {time.monotonic() - started:.1f} 秒  Every step held")

    def acts(self) -> Sequence[tuple[str, Callable[[], Awaitable[None]]]]:
        """Give the acts in order, each with its title; a later one needs those before it."""
        return (
            (
                "一、公开来源发布一条诉求，值班群出现卡片  A post is published; a card appears",
                self._card_appears,
            ),
            ("二、值班员转办  The duty officer dispatches it", self._dispatch),
            ("三、联络员签收并拟稿  The contact signs and drafts", self._sign_and_draft),
            ("四、初审退改，改稿作废旧稿的审查  First review sends it back; a new version", self._send_back),
            ("五、初审、保密审查  First review and secrecy review", self._review),
            ("六、两位领导同时批准，只有一位生效  Two leaders press at once; one wins", self._approve_twice),
            ("七、发布后回应确认，事项办结  Release is confirmed; the case closes", self._confirm),
            ("八、周报与台账核验  The week's digest; the ledger holds", self._digest),
        )

    async def _card_appears(self) -> None:
        async with asyncio.timeout(WAIT_S):
            await self._stage.first_round()
        self._stage.sources.publish_now(FIRST_TEXT)
        published = time.monotonic()
        card = await self._wait(
            OFFICER, DUTY, lambda m: "桂汀苑" in m["text"] and bool(m["buttons"]), "值班卡片"
        )
        self._number = _number(card)
        self._tell(f"  卡片 {self._number}，发布后 {time.monotonic() - published:.1f} 秒出现：")
        self._quote(card)

    async def _dispatch(self) -> None:
        card = await self._duty_card(lambda m: bool(m["buttons"]))
        label = next(b["text"] for row in card["buttons"] for b in row if b["text"].startswith("转办"))
        await self._press(OFFICER, DUTY, label, card)
        slip, self._channel = await self._slip()
        self._tell(f"  承办群收到转办单，按钮：{_labels(slip)}")
        await self._duty_card(lambda m: "待签收" in m["text"])
        self._tell("  值班群卡片就地改为【待签收】")

    async def _slip(self) -> tuple[Json, int]:
        async with asyncio.timeout(WAIT_S):
            while True:
                view = await self._client.state(CONTACT)
                for chat in CHANNELS.values():
                    for message in messages_in(view, chat):
                        if self._number in message["text"] and "签收" in _labels(message).split("、"):
                            return message, chat
                await self._client.wait(view["revision"], 5)

    async def _sign_and_draft(self) -> None:
        slip, _ = await self._slip()
        await self._press(CONTACT, self._channel, "签收", slip)
        slip = await self._channel_card(lambda m: "拟答复稿" in _labels(m))
        await self._client.send(CONTACT, self._channel, DRAFT, reply_to=slip["id"])
        self._tell(f"  联络员回复卡片：{DRAFT[:30]}…")
        await self._review_card(OFFICER, "初审通过")
        self._tell("  初审人在私聊里收到稿件")

    async def _send_back(self) -> None:
        card = await self._review_card(OFFICER, "退改")
        await self._press(OFFICER, OFFICER, "退改", card)
        await self._answer(OFFICER, "退改的理由", "请写明故障原因和后续措施")
        slip = await self._channel_card(lambda m: "拟答复稿" in _labels(m))
        await self._client.send(CONTACT, self._channel, BETTER, reply_to=slip["id"])
        self._tell("  联络员回复第 2 稿")
        await self._wait(
            OFFICER,
            OFFICER,
            lambda m: self._number in m["text"] and "第2稿" in m["text"] and bool(m["buttons"]),
            "第2稿",
        )

    async def _review(self) -> None:
        card = await self._review_card(OFFICER, "初审通过")
        await self._press(OFFICER, OFFICER, "初审通过", card)
        card = await self._review_card(OFFICER, "公开…")
        await self._press(OFFICER, OFFICER, "公开…", card)
        await self._answer(
            OFFICER, "意见：公开", "《政府信息公开条例》第十九条；涉及公众切身利益，不含涉密内容和个人信息"
        )

    async def _approve_twice(self) -> None:
        cards = {who: await self._review_card(who, "批准发布") for who in (LEADER, SECOND_LEADER)}
        self._quote(cards[LEADER])
        queries = await asyncio.gather(
            *(
                self._client.press_label(who, who, "批准发布", message=card["id"])
                for who, card in cards.items()
            )
        )
        toasts = [
            await self._client.wait_toast(who, query, WAIT_S)
            for who, query in zip(cards, queries, strict=True)
        ]
        won = [t for t in toasts if t["text"].startswith("已批准")]
        lost = [t for t in toasts if t not in won]
        if len(won) != 1:
            raise StoryBroken(f"应当恰有一位领导批准生效，看到的是：{[t['text'] for t in toasts]}")
        self._tell(f"  一位看到：{won[0]['text']}")
        self._tell(f"  另一位看到：{lost[0]['text']}")

    async def _confirm(self) -> None:
        card = await self._channel_card(lambda m: "回应确认" in _labels(m))
        await self._press(CONTACT, self._channel, "回应确认", card)
        await self._answer(CONTACT, "发布的链接", LINK)
        closed = await self._duty_card(lambda m: "已办结" in m["text"] and not m["buttons"])
        self._tell("  值班群卡片的最后样子：")
        self._quote(closed)

    async def _digest(self) -> None:
        await self._client.send(OFFICER, DUTY, "/digest")
        digest = await self._wait(
            OFFICER, DUTY, lambda m: "舆情周报" in m["text"] and bool(m["files"]), "周报和图"
        )
        picture = await self._client.download(digest["files"][0]["url"])
        if not picture.startswith(b"\x89PNG"):
            raise StoryBroken("周报的图不是 PNG")
        self._quote(digest)
        self._tell(f"  附图 {len(picture) // 1024} KB")
        result = await asyncio.to_thread(self._verify)
        if result.broken is not None:
            raise StoryBroken(f"台账第 {result.broken.seq} 行不符：{result.broken.reason}")
        self._tell(f"  yuqing audit verify：台账 {result.lines} 行，全部相符")

    def _verify(self) -> Verification:
        return self._stage.store.run(ledger_of(self._stage.settings).verify)

    async def _press(self, who: int, chat: int, label: str, card: Json) -> None:
        query = await self._client.press_label(who, chat, label, message=card["id"])
        toast = await self._client.wait_toast(who, query, WAIT_S)
        self._tell(f"  按“{label}” → {toast['text']}")

    async def _answer(self, who: int, asked_for: str, text: str) -> None:
        asked = await self._wait(
            who,
            who,
            lambda m: bool(m["force_reply"]) and self._number in m["text"] and asked_for in m["text"],
            "等待填写的提示",
        )
        await self._client.send(who, who, text, reply_to=asked["id"])
        self._tell(f"  私聊回复：{text}")

    async def _duty_card(self, holds: Callable[[Json], bool]) -> Json:
        return await self._wait(
            OFFICER,
            DUTY,
            lambda m: self._number in m["text"] and "归口" in m["text"] and holds(m),
            "值班卡片",
        )

    async def _channel_card(self, holds: Callable[[Json], bool]) -> Json:
        return await self._wait(
            CONTACT, self._channel, lambda m: self._number in m["text"] and holds(m), "承办群卡片"
        )

    async def _review_card(self, who: int, label: str) -> Json:
        return await self._wait(
            who, who, lambda m: self._number in m["text"] and label in _labels(m), f"带“{label}”的卡片"
        )

    async def _wait(self, who: int, chat: int, holds: Callable[[Json], bool], what: str) -> Json:
        def found(view: Json) -> Json | None:
            return next((m for m in reversed(messages_in(view, chat)) if holds(m)), None)

        try:
            result = await self._client.wait_for(found, who, WAIT_S)
        except TimeoutError as error:
            raise StoryBroken(f"{WAIT_S:.0f} 秒内没有看到{what}") from error
        assert result is not None
        return result

    def _quote(self, message: Json) -> None:
        for line in message["text"].splitlines():
            self._tell(f"    │ {line}")
        for row in message["buttons"]:
            self._tell("    │ " + "  ".join(f"[{b['text']}]" for b in row))


def _labels(message: Json) -> str:
    return "、".join(b["text"] for row in message["buttons"] for b in row)


def _number(message: Json) -> str:
    match = re.search(r"YQ-\d{4}-\d{4}", message["text"])
    if match is None:
        raise StoryBroken("卡片上没有编号")
    return match.group()
