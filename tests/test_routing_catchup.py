"""After a gap in the watch: one summary with a sound, then the lesser cards without, and nothing left out."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from builders import HOUR, MINUTE, Desk, harvest, item, make_office, views
from test_bot_sender import Hurry, until

from bot.compose import Composer
from bot.sandbox.client import SandboxClient
from bot.sandbox.server import Sandbox
from bot.sandbox.world import SANDBOX_TOKEN, Cast, SandboxGroup, SandboxPerson
from bot.sender import Sender
from bot.telegram.adapter import TelegramChat
from routing import catchup, outbox
from routing.items import Item, SourceState
from routing.office import Level
from routing.reconcile import missing_cards
from routing.store.tables import CaseRow, DeadlineRow, ItemRow, OutboxRow, Sending

WATER, SLIDE = "东湖小区今天又停水了，物业说不知道什么时候来水", "西山小区后面塌方了，路都堵住了"
GAP = timedelta(hours=8, minutes=22)


def read(desk: Desk, *items: Item, source: str = "bbs", **more: Any) -> list[str]:
    """Take in a good round of now, as a poller hands it over."""
    state = SourceState(source, last_ok_at=desk.clock(), baseline_done=True)
    return desk.take(harvest(*items, source=source, at=desk.clock(), state=state, **more))


@pytest.fixture
def away(desk: Desk) -> Desk:
    """A desk that read `bbs` and `weibo` at 10:00 and nothing since; it is 18:22."""
    for source in ("bbs", "weibo"):
        read(desk, source=source)
    desk.clock.advance(GAP)
    return desk


def queued(desk: Desk) -> list[tuple[str, int, datetime]]:
    """What waits, as (template or card, priority, not before), in the order in which it goes."""
    rows = desk.all(OutboxRow, OutboxRow.state == Sending.PENDING)
    return [
        (row.payload.get("template") or row.payload["card"], row.priority, row.next_attempt_at)
        for row in sorted(rows, key=lambda row: (row.next_attempt_at, row.priority, row.id))
    ]


def summary(desk: Desk) -> catchup.Summary:
    [row] = desk.all(OutboxRow, OutboxRow.dedupe_key.startswith("catch_up:"))
    return desk.run(lambda s: catchup.summary(s, row.payload))


def told(desk: Desk) -> list[str]:
    """The lines of the summary, as the bot writes them when it sends it."""
    [row] = desk.all(OutboxRow, OutboxRow.dedupe_key.startswith("catch_up:"))
    composer = Composer(desk.office, {"bbs": "县论坛", "weibo": "微博"})
    outgoing = desk.run(lambda s: composer.compose(s, outbox._message(row), desk.clock()))
    assert outgoing is not None
    return [block.text for block in outgoing.card.blocks]


# --- what is a gap ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("away_for", "interval_s", "is_gap"),
    [
        (timedelta(minutes=30), 60, False),
        (timedelta(minutes=31), 60, True),
        (timedelta(hours=2), 3600, False),
        (timedelta(hours=2, minutes=1), 3600, True),
    ],
)
def test_a_gap_is_longer_than_two_rounds_and_half_an_hour(desk, away_for, interval_s, is_gap):
    read(desk)
    desk.clock.advance(away_for)
    read(desk, item(WATER), interval_s=interval_s)
    assert ("catch_up" in [what for what, _, _ in queued(desk)]) is is_gap


def test_what_is_pushed_to_us_has_no_gaps(desk):
    read(desk, source="inbox")
    desk.clock.advance(GAP)
    read(desk, item(WATER, source_id="inbox"), source="inbox", push="a" * 64)
    assert [what for what, _, _ in queued(desk)] == ["duty"]


def test_a_comment_feed_that_was_not_under_watch_has_no_gap(desk):
    read(desk, source="bbs~0123456789")
    desk.clock.advance(GAP)
    read(desk, item(WATER, source_id="bbs~0123456789"), source="bbs~0123456789")
    assert [what for what, _, _ in queued(desk)] == ["duty"]


def test_the_first_sight_of_a_source_is_no_gap(desk):
    read(desk, item(WATER))
    assert queued(desk) == []


# --- what is announced --------------------------------------------------------------------------------------------


def test_one_summary_comes_first_with_a_sound_and_the_lesser_cards_after_it_without(away):
    read(away, item(WATER), item("西山小区也停水了"))
    at = away.clock() + catchup.GATHER
    assert queued(away) == [("catch_up", 3, at), ("duty", 4, at), ("duty", 4, at)]


def test_a_grave_matter_is_announced_at_once_as_always(away):
    read(away, item(SLIDE), item(WATER))
    first, *rest = queued(away)
    assert first == ("duty", 0, away.clock())
    assert [what for what, _, _ in rest] == ["catch_up", "duty"]
    assert [m.level for m in summary(away).matters] == [Level.II, Level.IV]


def test_nothing_that_was_read_late_is_left_out_and_its_limits_run(away):
    lines = read(away, item(WATER), item("今天天气不错"), item(SLIDE))
    assert len(lines) == len(away.all(ItemRow)) == 3
    cases = away.all(CaseRow)
    assert {row.case_id for row in away.all(DeadlineRow)} == {case.id for case in cases}
    assert all(row.found == ["catch_up"] for row in away.all(ItemRow))


def test_the_next_round_is_announced_with_a_sound_again(away):
    read(away, item(WATER))
    away.clock.advance(MINUTE)
    read(away, item("西山小区停水了"))
    assert ("duty", 3, away.clock()) in queued(away)


def test_a_matter_that_turns_grave_before_its_card_went_is_not_held_back(away):
    first = item(WATER, counts=views(10))
    read(away, first)
    away.clock.advance(MINUTE)
    read(away, item(WATER, counts=views(150_000), source_id="weibo"), source="weibo")
    assert queued(away)[0][0] == "duty"
    assert queued(away)[0][1] == 0
    assert ("level_raised", 0, away.clock()) in queued(away)


def test_a_spread_within_what_was_read_late_makes_no_sound_of_its_own(away):
    read(away, item(WATER, counts=views(6_000)), item(WATER, counts=views(6_000)))
    assert [case.level for case in away.all(CaseRow)] == [Level.III]
    assert sorted(what for what, _, _ in queued(away)) == ["catch_up", "duty"]


def test_a_card_that_waits_for_the_summary_is_not_taken_for_lost(away):
    read(away, item(WATER))
    assert away.run(lambda s: missing_cards(s, away.office, away.clock())) == 0


def test_texts_without_a_matter_are_told_without_a_sound(away):
    read(away, item("今天天气不错"))
    assert [(what, priority) for what, priority, _ in queued(away)] == [("catch_up", 4)]
    assert told(away)[0] == "📥 补读：10:00–18:22 未能读取（8 小时 22 分），读到 1 条，没有新事项"


def test_a_gap_in_which_nothing_came_is_not_told(away):
    read(away)
    assert queued(away) == []


# --- the summary --------------------------------------------------------------------------------------------------


def test_sources_that_come_back_together_share_one_summary(away):
    read(away, item(WATER))
    away.clock.advance(MINUTE)
    read(away, item(WATER, source_id="weibo"), item("西山小区停水了", source_id="weibo"), source="weibo")
    found = summary(away)
    assert (found.source_count, found.sources, found.read) == (2, ("bbs", "weibo"), 3)
    assert len(found.matters) == 2
    moments = {at for _, _, at in queued(away)}
    assert moments == {away.clock() - MINUTE + catchup.GATHER}


def test_a_source_that_comes_back_after_the_summary_went_begins_another(away):
    read(away, item(WATER))
    away.clock.advance(catchup.GATHER)
    read(away, item("西山小区停水了", source_id="weibo"), source="weibo")
    assert [what for what, _, _ in queued(away)].count("catch_up") == 2


def test_the_summary_says_when_how_much_and_what_oldest_text_first(away):
    read(
        away,
        item("西山小区停水了", published_at=away.clock() - HOUR),
        item(SLIDE, published_at=away.clock() - 2 * HOUR),
        item(WATER, published_at=away.clock() - 3 * HOUR, counts=views(20_000)),
        item("今天天气不错"),
    )
    head, *lines = told(away)
    assert head == (
        "📥 补读：10:00–18:22 未能读取（8 小时 22 分），读到 4 条，新事项 3 件（Ⅱ级 1、Ⅲ级 1、Ⅳ级 1）："
    )
    assert [line.split()[0] for line in lines[:3]] == ["🟡Ⅲ级", "🟠Ⅱ级", "🔵Ⅳ级"]
    assert {line.split()[1] for line in lines[:3]} == {case.number for case in away.all(CaseRow)}
    assert lines[3:] == ["县论坛", "Ⅲ、Ⅳ级事项的卡片随后发出，不再响铃。"]


def test_the_summary_tells_what_is_so_when_it_goes(away):
    read(away, item(WATER))
    [case] = away.all(CaseRow)
    away.run(lambda s: setattr(s.get_one(CaseRow, case.id), "title", "改过的标题"))
    assert summary(away).matters[0].title == "改过的标题"


def test_more_than_ten_matters_are_counted_and_the_rest_found_by_a_command(away):
    read(
        away,
        *(
            item(f"{'东湖' if n % 2 else '西山'}小区停水第{n}期，{chr(0x4E00 + 97 * n) * 9}")
            for n in range(13)
        ),
    )
    count = len(away.all(CaseRow))
    assert count > 10
    lines = told(away)
    assert f"等 {count} 件，全部见 /open" in lines
    assert len([line for line in lines if " YQ-2026-" in line]) == 10


def test_a_gap_over_midnight_is_told_with_dates(desk):
    read(desk)
    desk.clock.advance(hours=51, minutes=5)
    read(desk, item(WATER))
    assert "11-17 10:00–11-19 13:05 未能读取（2 天 3 小时）" in told(desk)[0]


def test_the_same_round_twice_is_told_once(away):
    first = item(WATER)
    read(away, first)
    read(away, first)
    assert summary(away).read == 1


# --- in the chat --------------------------------------------------------------------------------------------------

DUTY_GROUP, OFFICER = -1001000000001, 1001


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_in_the_group_the_summary_rings_and_the_cards_after_it_do_not(store, rules, clock) -> None:
    desk = Desk(store, make_office(duty_chat=str(DUTY_GROUP)), rules, clock)
    cast = Cast(
        (SandboxPerson(OFFICER, "李雷", "值班员"),), (SandboxGroup(DUTY_GROUP, "值班群", (OFFICER,)),)
    )
    async with Sandbox(cast) as sandbox, SandboxClient(sandbox.base_url) as hands:
        chat = TelegramChat(SANDBOX_TOKEN, sandbox.base_url)
        await chat.start()
        composer = Composer(desk.office, {})
        sender = Sender(store, chat, lambda: desk.office, lambda: composer, clock, pace=Hurry(frozenset))
        read(desk)
        clock.advance(GAP)
        read(desk, item(SLIDE), item(WATER))
        working = asyncio.create_task(sender.run())
        try:
            await until(lambda: len(desk.all(OutboxRow, OutboxRow.state == Sending.SENT)) == 1)
            clock.advance(catchup.GATHER)
            sender.wake()
            await until(lambda: {row.state for row in desk.all(OutboxRow)} == {Sending.SENT})
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            await chat.stop()
        said = [call["params"] for call in await hands.record("sendMessage")]
    silent = [str(params.get("disable_notification", False)).lower() == "true" for params in said]
    words = [[word for word in ("补读", "塌方", "停水") if word in params["text"]] for params in said]
    assert words == [["塌方"], ["补读", "塌方", "停水"], ["停水"]]
    assert silent == [False, False, True]
