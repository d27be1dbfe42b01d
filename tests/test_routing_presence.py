"""An absence of the desk is told once, whole, to the operator; and to the duty group where limits passed."""

import json
from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest
from builders import HOUR, MINUTE, START, Desk

from bot.compose import Composer
from bot.words import words
from routing import auditor, outbox, presence
from routing.checkup import Verdict
from routing.clock import Span
from routing.duty_log import duty_log
from routing.office import Level
from routing.outbox import MessageKind, Priority
from routing.presence import AWAY_AFTER, DESK, FORGOTTEN_AFTER, Note
from routing.store.tables import CaseRow, DeadlineRow, LedgerRow, OutboxRow, PresenceRow, SourceRow


def back(desk: Desk, away: timedelta) -> bool:
    """Note that the desk is here, let it be away, and come back as the service does: in one transaction."""
    since = desk.clock()
    desk.run(lambda s: presence.note(s, DESK, since, Note(), since))
    now = desk.clock.advance(away)

    def work(session: Any) -> bool:
        seen = presence.last_seen(session, DESK)
        assert seen == since
        told = presence.come_back(session, desk.office, desk.ledger, seen, now)
        presence.note(session, DESK, now, Note(), now)
        return told

    return desk.run(work)


def told(desk: Desk, chat: str) -> list[str]:
    """What a chat reads of an absence, as the bot writes it when it sends it."""
    composer = Composer(desk.office, {})
    rows = desk.all(OutboxRow, OutboxRow.dedupe_key.startswith("away:"), OutboxRow.chat == chat)
    cards = [
        desk.run(lambda s, row=row: composer.compose(s, outbox._message(row), desk.clock())).card
        for row in rows
    ]
    return ["\n".join(f"{b.label}：{b.text}" if b.label else b.text for b in card.blocks) for card in cards]


def test_the_operator_reads_in_one_message_from_when_to_when_and_what_fell_due(desk):
    desk.open()
    desk.run(lambda s: s.add(SourceRow(id="bbs2", next_poll_at=START)))
    desk.run(lambda s: s.add(SourceRow(id="taken out", next_poll_at=START - HOUR)))
    desk.run(
        lambda s: outbox.queue(
            s,
            key="old",
            chat="petition-group",
            kind=MessageKind.TEXT,
            priority=Priority.ALERT,
            payload={"template": "trouble", "text": "旧闻"},
            now=desk.clock(),
            valid_for=HOUR,
        )
    )
    [limit, *_] = sorted(desk.all(DeadlineRow), key=lambda row: row.due_at)
    assert back(desk, limit.due_at - desk.clock() + 30 * MINUTE)
    [said] = told(desk, "operator")
    first = said.splitlines()[0]
    assert first.startswith("⚠️ 服务中断：10:00–")
    assert "现已恢复；期间有 1 个时限到期：" in first
    assert "YQ-2026-0001 " in said
    assert "到期　东湖小区" in said
    assert "到点待办：时限 " in said
    assert "过期消息：1 条" in said
    assert "待读来源：1 个" in said
    [duty] = told(desk, "duty-group")
    assert "YQ-2026-0001 " in duty
    assert "提醒随后补发" in duty
    assert "待发消息" not in duty
    [line] = desk.all(LedgerRow, LedgerRow.action == "away")
    assert '"limits": 1' in line.data
    day = Span("", START - HOUR, desk.clock() + HOUR)
    log = desk.run(lambda s: duty_log(s, desk.office, day, words(None), full=False))
    assert [one.handling for one in log.lines if "服务中断" in one.handling] == [
        f"服务中断：中断 11-17 02:00 UTC，恢复 {desk.clock():%m-%d %H:%M} UTC，到期时限 1"
    ]


def test_what_was_told_with_the_absence_is_not_told_again_by_the_auditor(desk):
    desk.run(
        lambda s: outbox.queue(
            s,
            key="old",
            chat="petition-group",
            kind=MessageKind.TEXT,
            priority=Priority.ALERT,
            now=desk.clock(),
            valid_for=HOUR,
        )
    )
    assert back(desk, 2 * HOUR)
    found = desk.run(lambda s: auditor.audit(s, desk.office, desk.clock()))
    assert not [line for line in found if "过期" in line]
    [missed] = desk.all(OutboxRow, OutboxRow.dedupe_key.startswith("missed:"))
    assert missed.chat == "petition-group"


@pytest.mark.parametrize(
    ("away", "messages"), [(AWAY_AFTER, 0), (AWAY_AFTER + MINUTE, 1)], ids=["short", "long"]
)
def test_a_restart_for_an_update_is_no_news_and_no_limit_passed_is_said_to_the_operator_alone(
    desk, away, messages
):
    assert back(desk, away) == bool(messages)
    assert [said.count("期间没有时限到期") for said in told(desk, "operator")] == [1] * messages
    assert told(desk, "duty-group") == []


def test_a_limit_that_passed_before_or_stood_still_is_not_counted(desk):
    desk.open()
    for row in desk.all(DeadlineRow):
        desk.run(lambda s, id=row.id: setattr(s.get_one(DeadlineRow, id), "paused_at", desk.clock()))
    assert back(desk, 30 * 24 * HOUR)
    assert "期间没有时限到期" in told(desk, "operator")[0]


def test_limits_that_are_not_named_are_counted_and_a_grave_one_among_them_is_heard_at_night(
    desk, monkeypatch
):
    monkeypatch.setattr(presence, "LIMITS_KEPT", 1)
    desk.office = replace(desk.office, night=(time(0), time(23, 59)))
    desk.open()
    first = min(desk.all(DeadlineRow), key=lambda row: row.due_at)
    grave = desk.open("西山小区今天又停水了，物业不管")
    desk.run(lambda s: setattr(s.get_one(CaseRow, grave), "level", Level.I))
    back(desk, 30 * 24 * HOUR)
    count = len(desk.all(DeadlineRow))
    assert first.case_id != grave
    assert f"期间有 {count} 个时限到期" in told(desk, "duty-group")[0]
    [row] = desk.all(OutboxRow, OutboxRow.dedupe_key.startswith("away:"), OutboxRow.chat == "duty-group")
    assert not row.payload.get("silent")
    [line] = desk.all(LedgerRow, LedgerRow.action == "away")
    assert f'"limits": {count}' in json.dumps(json.loads(line.data))


@pytest.mark.parametrize(("hours", "silent"), [(9, False), (13, True)], ids=["at 19:00", "at 23:00"])
def test_what_passed_is_told_at_night_without_a_sound(desk, hours, silent):
    desk.office = replace(desk.office, night=(time(22), time(7)))
    desk.open()
    back(desk, hours * HOUR)
    [row] = desk.all(OutboxRow, OutboxRow.dedupe_key.startswith("away:"), OutboxRow.chat == "duty-group")
    assert bool(row.payload.get("silent")) == silent


def test_a_part_that_nobody_saw_for_a_month_is_forgotten(desk):
    desk.run(lambda s: presence.note(s, "monitors@old", START, Note(), START))
    later = START + FORGOTTEN_AFTER + MINUTE
    desk.run(lambda s: presence.note(s, DESK, START, Note("慢"), later))
    desk.run(lambda s: presence.note(s, DESK, later, Note("", later, 2, "超时"), later))
    [row] = desk.all(PresenceRow)
    assert (row.name, row.began_at, row.trouble, row.lost_pings) == (DESK, later, "", 2)
    [part] = desk.run(lambda s: presence.parts(s, later))
    assert part.note == Note("", later, 2, "超时")


@pytest.mark.parametrize(
    ("said", "late", "has_address", "verdict", "told"),
    [
        (Note(pinged_at=START), 0, True, Verdict.WELL, "11-17 10:00 时运行正常，上次送到 11-17 10:00"),
        (Note("发件停了 4 分钟", START), 0, True, Verdict.BAD, "发件停了 4 分钟"),
        (Note(pinged_at=START), 6, True, Verdict.BAD, "11-17 10:00 以后没有运行记录"),
        (Note("", START, 3, "对方回答 404"), 0, True, Verdict.MIND, "连续 3 次没有送到（对方回答 404）"),
        (Note(), 0, True, Verdict.MIND, "近五分钟没有发出"),
        (Note(), 0, False, Verdict.MIND, "没有设置 YUQING_HEARTBEAT_URL"),
        (None, 0, True, Verdict.MIND, "没有服务运行的记录"),
    ],
    ids=["well", "trouble", "gone", "lost", "not yet", "no address", "never"],
)
def test_doctor_says_how_the_service_sees_itself(desk, said, late, has_address, verdict, told):
    if said is not None:
        desk.run(lambda s: presence.note(s, DESK, START, said, START))
    now = START + late * MINUTE
    [look] = desk.run(lambda s: presence.looks(s, now, desk.office.zone, has_address=has_address))
    assert (look.verdict, told in look.value) == (verdict, True), look
    assert bool(look.cure) == (verdict is not Verdict.WELL)
