"""The head of the ledger: put down once a day at its hour, told to the leaders, late rather than never."""

from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from builders import ZONE, Desk, make_office
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from routing import attest
from routing.errors import UserError
from routing.heads import read_code
from routing.office import Record
from routing.store.guards import REFUSAL
from routing.store.tables import LedgerHeadRow, LedgerRow, OutboxRow

EVENING = datetime(2026, 11, 17, 18, 0, tzinfo=ZONE)


def tick(desk: Desk, at: datetime) -> int:
    desk.clock.now = at
    return desk.run(lambda s: attest.post_daily(s, desk.office, desk.ledger, at))


def messages(desk: Desk) -> list[OutboxRow]:
    return desk.all(OutboxRow, OutboxRow.dedupe_key.startswith("head:"))


def test_at_its_hour_each_leader_gets_the_number_and_the_seal_of_the_newest_line(desk):
    desk.open()
    assert tick(desk, EVENING - timedelta(seconds=1)) == 0
    newest = desk.all(LedgerRow)[-1]
    assert tick(desk, EVENING) == 2
    assert [row.chat for row in messages(desk)] == ["private-leader", "private-second_leader"]
    payload = messages(desk)[0].payload
    assert (payload["seq"], payload["seal"], payload["day"]) == (newest.seq, newest.hash[:16], "2026-11-17")
    [row] = desk.all(LedgerHeadRow)
    assert (row.day, row.seq, row.hash) == ("2026-11-17", newest.seq, newest.hash)
    assert desk.all(LedgerRow)[-1].action == "head"
    found = desk.run(desk.ledger.verify)
    assert (found.broken, found.heads) == (None, 3)


def test_a_day_has_one_head_however_often_the_tick_comes(desk):
    desk.open()
    assert [tick(desk, EVENING + timedelta(minutes=n)) for n in (0, 1, 300)] == [2, 0, 0]
    assert tick(desk, EVENING + timedelta(days=1)) == 2
    assert [row.day for row in desk.all(LedgerHeadRow)] == ["2026-11-17", "2026-11-18"]


def test_a_service_that_slept_puts_one_head_down_for_the_last_day_that_was_due(desk):
    desk.open()
    tick(desk, EVENING)
    tick(desk, EVENING + timedelta(days=3, hours=-2))
    assert [row.day for row in desk.all(LedgerHeadRow)] == ["2026-11-17", "2026-11-19"]


def test_there_is_no_head_of_a_time_before_the_first_line(desk):
    assert tick(desk, EVENING) == 0
    desk.clock.now = EVENING + timedelta(hours=1)
    desk.run(lambda s: desk.ledger.write(s, at=desk.clock(), actor="系统", action="open"))
    assert tick(desk, EVENING + timedelta(hours=2)) == 0
    assert tick(desk, EVENING + timedelta(days=1)) == 2


def test_where_no_leader_is_registered_the_duty_group_keeps_it(empty_desk):
    empty_desk.open()
    assert tick(empty_desk, EVENING) == 1
    assert [row.chat for row in messages(empty_desk)] == ["duty-group"]


def test_hour_and_chats_are_the_office_s(desk):
    desk.office = make_office(record=Record(head_at=time(9, 30), head_to=("-100777", "duty")))
    desk.open()
    assert tick(desk, EVENING) == 0  # the ledger began after half past nine
    assert tick(desk, EVENING + timedelta(hours=16)) == 2
    assert [row.chat for row in messages(desk)] == ["-100777", "duty-group"]
    assert "-100777" in desk.office.chats()  # the bot stays there


def test_heads_are_neither_changed_nor_deleted(desk):
    desk.open()
    tick(desk, EVENING)
    for statement in ("UPDATE ledger_head SET seq = 1", "DELETE FROM ledger_head"):
        with pytest.raises(DBAPIError, match=REFUSAL):
            desk.run(lambda s, statement=statement: s.execute(text(statement)))


def test_a_code_is_read_as_it_was_posted(desk):
    head = replace(read_code(" 12：0F3A9C22e1b7d640… "), origin="")
    assert head.code == "12:0f3a9c22e1b7d640"
    for wrong in ("", "12", "12:", "0:0f3a9c22", "12:0f3a", "12:xyzxyzxyz", "-1:0f3a9c22e1"):
        with pytest.raises(UserError, match="存证校验码"):
            read_code(wrong)
