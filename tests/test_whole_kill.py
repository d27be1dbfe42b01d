"""The real service as a process of its own, killed at any moment and started again; the sandbox's record is the judge.

The sandbox and the feeds live in the test and see everything. A story is played step by step; a step waits until the
desk is quiet, acts once, and waits for what must follow, however often the service dies in between.
"""

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from forked import Forked
from sqlalchemy import select
from whole import (
    ADMIN,
    CONTACT,
    DUTY,
    LEADER,
    OFFICER,
    ON_BOTH,
    PETITION,
    REVIEWER,
    SECOND_LEADER,
    SECRECY,
    SEES,
    STAFF,
    WATER,
    Json,
    Stage,
    acts,
    data_of,
    database,
    number_of,
    on_stage,
)

from bot.app import ledger_of
from bot.sandbox.world import SANDBOX_TOKEN
from routing.store.tables import InboxRow, OutboxRow, Sending, SourceRow

pytestmark = pytest.mark.slow

RESENT = "〔重发·可能重复〕"
FIRST = "桂汀苑停水系加压泵故障，抢修已于今日完成并恢复供水，给居民带来不便，我们深表歉意。"
SECOND = "桂汀苑停水系小区加压泵故障。泵组已更换，今日恢复供水，后续每月巡检。给居民带来不便，我们深表歉意。"
LINK = "https://www.yunting.example/notice/1.html"
PATIENCE_S = 60.0

SAID_ONCE: list[tuple[int, str, int]] = [
    (DUTY, "归口", 1),
    (DUTY, "已公开回应并办结", 1),
    (PETITION, "承办：", 2),
    (PETITION, "已提交答复稿", 2),
    (PETITION, "答复稿需要修改", 1),
    (CONTACT, "第1稿：初审退改", 1),
    (CONTACT, "请回复已公开发布的链接", 1),
    (CONTACT, "已回应确认", 1),
    (REVIEWER, "请初审", 2),
    (REVIEWER, "请回复退改的理由", 1),
    (REVIEWER, "已初审退改", 1),
    (SECRECY, "请做保密审查", 1),
    (SECRECY, "保密审查意见：公开。请回复", 1),
    (SECRECY, "已做保密审查（公开）", 1),
    (LEADER, "请审批", 1),
    (SECOND_LEADER, "请审批", 1),
]
"""Every message of the story: chat, words, how often. A copy more is allowed only where it says that it may be one."""

MOVES = ["open", "dispatch", "sign", "draft", "redo", "draft", "pass", "clear", "approve", "confirm", "close"]


@dataclass
class Service:
    """`yuqing run` as a process group of its own, as a terminal would start it."""

    stage: Stage
    folder: Path
    process: Forked | None = None
    kills: int = 0

    async def start(self) -> None:
        self.process = Forked(("run",), self.folder, self.environment(), self.folder / "service.log")

    def environment(self) -> dict[str, str]:
        root = str(Path(__file__).parent.parent)
        settings = self.stage.settings
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": root,
            "YUQING_CONFIG": str(settings.config),
            "YUQING_DATABASE_URL": settings.database_url,
            "YUQING_TELEGRAM_TOKEN": SANDBOX_TOKEN,
            "YUQING_TELEGRAM_API": settings.telegram_api,
            "YUQING_ADMINS": str(ADMIN),
        }

    async def kill(self) -> None:
        """Kill -9 the service alone; its child must find out by itself and leave nothing running."""
        assert self.process is not None
        group = self.process.pid
        os.kill(self.process.pid, signal.SIGKILL)
        await self.process.wait()
        self.kills += 1
        async with asyncio.timeout(20):
            while _is_alive(group):  # noqa: ASYNC110 - other people's children give no event
                await asyncio.sleep(0.05)

    async def kill_and_start(self) -> None:
        await self.kill()
        await self.start()

    async def end(self) -> None:
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()


def _is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@asynccontextmanager
async def running(folder: Path, url: str, steps: str = "") -> AsyncIterator[Service]:
    """Run the service as a process; `steps` is written at the end of its office.toml."""
    async with on_stage(folder, url=url, with_app=False, feeds=("forum",)) as stage:
        with (stage.settings.config / "office.toml").open("a", encoding="utf-8") as office:
            office.write(steps)
        service = Service(stage, folder)
        await service.start()
        try:
            await _until(stage, lambda s: s.scalar(select(SourceRow.baseline_done)))
            yield service
        except BaseException:
            print((folder / "service.log").read_text(encoding="utf-8")[-6000:])
            raise
        finally:
            await service.end()


async def _until(stage: Stage, holds: Callable[..., object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await stage.until(holds)


@dataclass
class Player:
    """Plays the story on a running service; `between` is called at every moment at which the service may die."""

    stage: Stage
    between: Callable[[str], Awaitable[None]]
    number: str = ""
    old: list[Json] = field(default_factory=list)

    async def play(self) -> None:
        self.stage.feeds.publish(WATER)
        await self.between("act")
        card = await self._sees(DUTY, button="转办 信访")
        self.number = number_of(card)
        await self._press(OFFICER, DUTY, "转办 信访", then=lambda: self._sees(PETITION, button="签收"))
        await self._press(CONTACT, PETITION, "签收", then=lambda: self._sees(PETITION, button="拟答复稿"))
        await self._draft(FIRST, then=lambda: self._sees(REVIEWER, FIRST, button="初审通过"))
        await self._press(REVIEWER, REVIEWER, "退改", then=lambda: self._asked(REVIEWER, "退改的理由"))
        await self._answer(
            REVIEWER,
            "退改的理由",
            "请写明后续措施",
            then=lambda: self._sees(PETITION, button="拟答复稿"),
        )
        await self._draft(SECOND, then=lambda: self._sees(REVIEWER, SECOND, button="初审通过"))
        await self._press(REVIEWER, REVIEWER, "初审通过", then=lambda: self._sees(SECRECY, button="公开…"))
        await self._press(SECRECY, SECRECY, "公开…", then=lambda: self._asked(SECRECY, "意见：公开"))
        await self._answer(
            SECRECY,
            "意见：公开",
            "条例第十九条；涉及公众切身利益",
            then=lambda: self._sees(LEADER, button="批准发布"),
        )
        await self._press(LEADER, LEADER, "批准发布", then=lambda: self._sees(PETITION, button="回应确认"))
        await self._press(CONTACT, PETITION, "回应确认", then=lambda: self._asked(CONTACT, "发布的链接"))
        await self._answer(CONTACT, "发布的链接", LINK, then=lambda: self._sees(DUTY, "已办结", button=""))
        await self._quiet()

    async def _step(
        self, act: Callable[[], Awaitable[object]], then: Callable[[], Awaitable[object]]
    ) -> None:
        await self._quiet()  # what is to be acted on is recorded, or came again with its mark
        await self.between("before")
        await self._quiet()
        await act()
        await self.between("act")
        await then()

    async def _press(self, who: int, chat: int, label: str, then: Callable[[], Awaitable[Json]]) -> None:
        async def act() -> None:
            card = await self._sees(chat, button=label)
            self.old.append(card)
            await self.stage.client.press(who, chat, card["id"], data_of(card, label))

        await self._step(act, then)

    async def _draft(self, text: str, then: Callable[[], Awaitable[Json]]) -> None:
        async def act() -> None:
            slip = await self._sees(PETITION, button="拟答复稿")
            await self.stage.client.send(CONTACT, PETITION, text, reply_to=slip["id"])

        await self._step(act, then)

    async def _answer(self, who: int, asked: str, text: str, then: Callable[[], Awaitable[Json]]) -> None:
        async def act() -> None:
            question = await self._asked(who, asked)
            await self.stage.client.send(who, who, text, reply_to=question["id"])

        await self._step(act, then)

    async def _sees(self, chat: int, *words: str, button: str) -> Json:
        async with asyncio.timeout(PATIENCE_S):
            while True:  # the stage's own patience is for a service that lives all the time
                with contextlib.suppress(AssertionError):
                    return await self.stage.card(chat, self.number or "YQ-", *words, button=button)

    async def _asked(self, who: int, words: str) -> Json:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with contextlib.suppress(AssertionError):
                    return await self.stage.card(who, self.number, words)

    async def _quiet(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await self.stage.quiet()


async def _judge(service: Service, player: Player) -> None:
    """Compare what was committed with what the sandbox saw."""
    stage = service.stage
    states = await stage.store.read(lambda s: s.scalars(select(OutboxRow.state)).all())
    assert Sending.SENDING not in states
    assert Sending.DEAD not in states
    assert not await stage.store.read(
        lambda s: s.scalars(select(InboxRow).where(InboxRow.problem.is_not(None))).all()
    )
    assert (await stage.store.read(ledger_of(stage.settings).verify)).broken is None
    assert [line["action"] for line in await stage.ledger(player.number)] == MOVES

    plain, marked = Counter[tuple[int, str]](), Counter[tuple[int, str]]()
    for call in await stage.client.record():
        assert call["outcome"] == "accepted" or "not modified" in call["description"], call
        if call["method"] == "sendMessage":
            chat, text = int(call["params"]["chat_id"]), str(call["params"]["text"])
            fits = [(c, words) for c, words, _ in SAID_ONCE if c == chat and words in text]
            assert len(fits) == 1, (chat, text, fits)
            (marked if RESENT in text else plain)[fits[0]] += 1
    for chat, words, times in SAID_ONCE:
        key = (chat, words)
        assert plain[key] <= times, f"doubled without a mark: {key}"
        assert plain[key] + marked[key] >= times, f"lost: {key}"
    assert marked.total() <= service.kills * 8  # at most what was under way, eight at once


async def _old_buttons_work(player: Player) -> None:
    """Every button that still stands, and the first card of all, says how things are; then nothing is left to press."""
    stage = player.stage
    for who in STAFF:
        for chat in [c["id"] for c in (await stage.client.state(who))["chats"]]:
            if SEES.get(chat, chat) != who:
                continue
            for left in [m for m in await stage.client.messages(who, chat) if acts(m)]:
                query = await stage.client.press(who, chat, left["id"], left["buttons"][0][0]["data"])
                said = await stage.toast(who, query)
                assert "现在是“已办结”" in said or "第1稿作废" in said
    first = player.old[0]
    assert f"{player.number} 现在是“已办结”" in await stage.press(OFFICER, first, "转办")
    await stage.quiet()
    for who in STAFF:
        for chat in [c["id"] for c in (await stage.client.state(who))["chats"]]:
            assert not [m["text"] for m in await stage.client.messages(who, chat) if acts(m)]


@ON_BOTH
async def test_killed_at_seeded_moments_nothing_is_lost_and_nothing_doubled_unmarked(
    kind: str, tmp_path: Path
) -> None:
    chance = random.Random(20261121 if kind == "sqlite" else 48)
    moments = 25  # before and after each act, the publication among them
    deadly = set(chance.sample(range(1, moments), 6))
    with database(kind, tmp_path) as url:
        async with running(tmp_path, url) as service:
            passed = 0

            async def between(moment: str) -> None:
                nonlocal passed
                if passed in deadly:
                    if moment == "act":  # some way into what the act causes
                        await _calls(service.stage, chance.randrange(4))
                    await service.kill_and_start()
                passed += 1

            player = Player(service.stage, between)
            await player.play()
            assert service.kills == 6
            await _judge(service, player)
            await _old_buttons_work(player)


async def test_killed_right_after_every_act_each_act_counts_once(tmp_path: Path) -> None:
    with database("sqlite", tmp_path) as url:
        async with running(tmp_path, url) as service:

            async def between(moment: str) -> None:
                if moment == "act":
                    await service.kill_and_start()

            player = Player(service.stage, between)
            await player.play()
            assert service.kills == 13
            await _judge(service, player)


async def test_killed_before_an_answer_came_a_card_comes_again_marked_and_a_press_counts(
    tmp_path: Path,
) -> None:
    with database("sqlite", tmp_path) as url:
        async with running(tmp_path, url) as service:
            stage = service.stage
            await stage.client.faults({"kind": "timeout_after", "method": "sendMessage", "chat": DUTY})
            stage.feeds.publish(WATER)
            first = await stage.card(DUTY, WATER.title, button="转办 信访")
            await service.kill_and_start()
            second = await stage.card(DUTY, RESENT, WATER.title, button="转办 信访")
            assert second["id"] != first["id"]

            await stage.quiet()
            await stage.client.send(OFFICER, OFFICER, "/help")
            await stage.card(OFFICER, "周敏（")
            await stage.client.faults({"kind": "timeout_after", "method": "getUpdates"})
            await stage.client.send(OFFICER, OFFICER, "/open")  # ends the poll that was under way
            await stage.card(OFFICER, "未办结事项 1 件")
            await stage.client.press(OFFICER, DUTY, first["id"], data_of(first, "转办 信访"))
            await _until_faulty(stage, "getUpdates")  # handed out, and never received
            await service.kill_and_start()
            await stage.card(PETITION, number_of(first), button="签收")
            await stage.quiet()
            for copy in await stage.client.messages(OFFICER, DUTY):
                assert "待签收" in copy["text"]
            assert [line["action"] for line in await stage.ledger(number_of(first))] == MOVES[:2]


async def _until_faulty(stage: Stage, method: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not any(call["fault"] for call in await stage.client.record(method)):
            await stage.client.wait(await stage.client.wait(-1, 0), 0.5)


async def _calls(stage: Stage, count: int) -> None:
    """Wait until the sandbox has answered so many calls more, or nothing more comes."""
    base = len(await stage.client.record())
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(3):
            while len(await stage.client.record()) < base + count:
                await stage.client.wait(await stage.client.wait(-1, 0), 0.5)


@ON_BOTH
async def test_a_second_service_is_refused_in_one_line_and_ctrl_c_ends_the_first(
    kind: str, tmp_path: Path
) -> None:
    with database(kind, tmp_path) as url:
        async with running(tmp_path, url) as service:
            stage = service.stage
            await stage.client.send(OFFICER, OFFICER, "/help")
            await stage.card(OFFICER, "周敏（")
            second = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot", "run"),
                cwd=tmp_path,
                env=service.environment(),
                stderr=asyncio.subprocess.PIPE,
            )
            _, told = await asyncio.wait_for(second.communicate(), 30)
            greeting, line = told.decode().strip().splitlines()
            assert greeting.startswith("yuqing 启动")
            assert line.startswith("已有一个 yuqing 在用这个数据库")
            assert second.returncode == 1
            assert SANDBOX_TOKEN not in line

            assert service.process is not None
            os.killpg(service.process.pid, signal.SIGINT)  # Ctrl-C goes to the whole group
            assert await asyncio.wait_for(service.process.wait(), 10) in {0, 130}
            log = (tmp_path / "service.log").read_text(encoding="utf-8")
            assert "Traceback" not in log
            assert SANDBOX_TOKEN not in log
            await service.start()  # the lease went with it
            await stage.client.send(OFFICER, OFFICER, "/open")
            await stage.card(OFFICER, "当前没有未办结事项")
