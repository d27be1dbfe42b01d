"""`/replay`: who may, what is answered first, what the draft would change, and what is said where there is none."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from builders import RULES_TOML, Desk, item, join
from sqlalchemy import update
from test_bot_handlers import gave, told
from test_bot_receiver import Platform, all_done, asked, at_work

from bot.compose import Composer
from bot.handlers.desk import Desk as Counter
from bot.handlers.desk import Errand, Occasion, Reaction
from bot.handlers.react import react
from bot.receiver import Receiver
from bot.replays import BUSY, DRAFT, FAILED, Replays
from routing.items import OWN_TAG
from routing.judging import Judge
from routing.office import Role
from routing.store.tables import AccountRow, InboxRow, OutboxRow

WATER = "东湖小区今天又停水了，物业不管，老人孩子没法做饭"
IGNORE = '[[ignore]]\nid = "quiet"\nname = "先不管"\nany = ["停水"]\n\n'
WISH = Errand("duty-group", "5", "replay:chat:1")
SKIPS_WATER = RULES_TOML.replace("[[ignore]]", f"{IGNORE}[[ignore]]", 1)


@pytest.fixture
def watched(desk: Desk) -> Desk:
    desk.rules = Judge(desk.rules)  # type: ignore[assignment]
    desk.know()
    desk.accept(item(WATER))
    return desk


def replays(desk: Desk, folder: Path) -> Replays:
    return Replays(
        desk.store,
        lambda: desk.office,
        lambda: {"bbs": (OWN_TAG,)},
        folder,
        folder / "models",
        desk.clock,
        lambda: None,
    )


def answers(desk: Desk) -> Sequence[str]:
    rows = desk.all(OutboxRow, OutboxRow.dedupe_key.like("replay:%"))
    return [str(row.payload["text"]) for row in rows]


def happen(desk: Desk, who: str, chat: str = "") -> Reaction | None:
    counter = Counter(desk.office, desk.ledger, "chat", {})
    event = gave(who, "replay", chat=chat)
    return desk.run(lambda s: react(Occasion(counter, s, desk.clock(), 1, event)))


# --- at the counter ---------------------------------------------------------------------------------------------


def test_a_wish_is_confirmed_at_once_and_done_beside(desk: Desk) -> None:
    desk.run(lambda s: join(s, "许运维", (Role.OPERATOR,), ref="operator_man"))
    reaction = happen(desk, "operator_man")
    assert reaction is not None
    assert reaction.errand == Errand("private-operator_man", "1", "replay:chat:1")
    [said] = told(desk, "private-operator_man")
    assert "正在" in said["text"]


@pytest.mark.parametrize("who", ["duty", "contact", "reviewer"])
def test_others_may_not(desk: Desk, who: str) -> None:
    assert happen(desk, who) is None
    [said] = told(desk, f"private-{who}")
    assert "没有使用 /replay 的权限" in said["text"]


def test_a_channels_group_is_not_told_of_other_channels(desk: Desk) -> None:
    assert happen(desk, "leader", chat="group-petition") is None
    [said] = told(desk, "group-petition")
    assert "值班群或私聊" in said["text"]


async def test_the_receiver_does_the_errand_beside_the_counter(desk: Desk) -> None:
    done: list[Errand] = []

    async def errand(wish: Errand) -> None:
        done.append(wish)

    desk.run(lambda s: s.execute(update(AccountRow).values(platform="telegram")))
    counter = Counter(desk.office, desk.ledger, "telegram", {})
    composer = Composer(desk.office, {})
    platform: Any = Platform(asked("leader", "replay"))
    receiver = Receiver(
        desk.store, platform, lambda: counter, lambda: composer, desk.clock, lambda: None, errand
    )
    await at_work(receiver, lambda: all_done(desk, 1) and done)
    assert [wish.key for wish in done] == ["replay:telegram:1"]
    assert [row.problem for row in desk.all(InboxRow)] == [None]


# --- the answer -------------------------------------------------------------------------------------------------


async def test_without_a_draft_one_sentence_says_how_to_make_one(watched: Desk, tmp_path: Path) -> None:
    await replays(watched, tmp_path).answer(WISH)
    [text] = answers(watched)
    assert DRAFT in text
    assert "复制" in text
    assert "\n" not in text


async def test_the_draft_is_summed_up_in_one_message(watched: Desk, tmp_path: Path) -> None:
    (tmp_path / DRAFT).write_text(SKIPS_WATER, encoding="utf-8")
    await replays(watched, tmp_path).answer(WISH)
    [text] = answers(watched)
    assert "相关：当时 1，现在 0（新算相关 0，不再相关 1）" in text
    assert f"不再相关，如 “{WATER}”：社情民意 Ⅳ级 → 不成事项" in text
    assert len(text) < 2_000
    [row] = watched.all(OutboxRow, OutboxRow.dedupe_key == WISH.key)
    assert (row.chat, row.payload["reply_to"]) == ("duty-group", "5")


async def test_the_same_wish_is_answered_once(watched: Desk, tmp_path: Path) -> None:
    one = replays(watched, tmp_path)
    await one.answer(WISH)
    await one.answer(WISH)
    assert len(answers(watched)) == 1


async def test_a_bad_draft_is_told_by_its_lines(watched: Desk, tmp_path: Path) -> None:
    (tmp_path / DRAFT).write_text(RULES_TOML.replace("channel", "chanel", 1), encoding="utf-8")
    await replays(watched, tmp_path).answer(WISH)
    [text] = answers(watched)
    assert "处问题，没有试算" in text
    assert f"{DRAFT}:" in text
    assert str(tmp_path) not in text


async def test_an_empty_history_is_told(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / DRAFT).write_text(RULES_TOML, encoding="utf-8")
    await replays(desk, tmp_path).answer(WISH)
    assert answers(desk) == ["库里没有最近 7 天的信息，试算不了。"]


async def test_a_second_wish_waits_for_the_first(
    watched: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / DRAFT).write_text(RULES_TOML, encoding="utf-8")
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(*_: object, **__: object) -> None:
        begun.set()
        await go_on.wait()

    monkeypatch.setattr("bot.replays.replay", slow)
    one = replays(watched, tmp_path)
    first = asyncio.create_task(one.answer(WISH))
    await begun.wait()
    await one.answer(Errand("duty-group", "6", "replay:chat:2"))
    assert answers(watched) == [BUSY]
    go_on.set()
    await first
    await one.answer(Errand("duty-group", "7", "replay:chat:3"))
    assert len(answers(watched)) == 3
    assert BUSY not in answers(watched)[1:]


async def test_a_fault_is_told_and_the_next_wish_is_free(
    watched: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / DRAFT).write_text(RULES_TOML, encoding="utf-8")

    async def broken(*_: object, **__: object) -> None:
        raise LookupError("a bug")

    one = replays(watched, tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr("bot.replays.replay", broken)
        await one.answer(WISH)
    await one.answer(Errand("duty-group", "6", "replay:chat:2"))
    first, second = answers(watched)
    assert first == FAILED
    assert "相关：当时 1，现在 1" in second
