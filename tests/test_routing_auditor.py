"""The second look: what should have moved and did not is found, and told to the operator once an hour."""

from datetime import timedelta

import pytest
from builders import HOUR, MINUTE, Desk

from routing import deadlines, inbox, outbox
from routing.auditor import audit, tell_operator
from routing.outbox import MessageKind, Priority
from routing.store.tables import CaseRow, DeadlineRow, InboxRow, OutboxRow, Sending, SupervisionRow


def look(desk: Desk) -> list[str]:
    return desk.run(lambda s: audit(s, desk.office, desk.clock()))


def post(desk: Desk, key="k", chat="duty-group", **more) -> None:
    values = {"kind": MessageKind.TEXT, "priority": Priority.ALERT, "now": desk.clock()} | more
    desk.run(lambda s: outbox.queue(s, key=key, chat=chat, **values))


def take(desk: Desk):
    def work(session):
        [message] = outbox.due(session, desk.clock())
        return outbox.claim(session, message.id, desk.clock())

    return desk.run(work)


def alarms(desk: Desk) -> list[str]:
    rows = desk.all(OutboxRow, OutboxRow.chat == "operator")
    return [row.payload["text"] for row in rows]


def pending(desk: Desk) -> None:
    post(desk)
    desk.clock.advance(6 * MINUTE)


def sending(desk: Desk) -> None:
    post(desk)
    take(desk)
    desk.clock.advance(outbox.LEASE + 6 * MINUTE)


def sent_again_and_again(desk: Desk) -> None:
    """Each try is cut off and taken up again at once: the row is never long in one state."""
    post(desk)
    for _ in range(3):
        take(desk)
        desk.clock.advance(outbox.LEASE + MINUTE)
        desk.run(lambda s: outbox.recover(s, desk.clock(), at_start=False))
    take(desk)


def test_what_a_leap_of_the_clock_made_old_is_not_stuck_but_what_waits_on_is(desk):
    post(desk)
    leapt = 8 * HOUR
    desk.clock.advance(leapt + 4 * MINUTE)
    assert desk.run(lambda s: audit(s, desk.office, desk.clock(), leapt)) == []
    desk.clock.advance(2 * MINUTE)
    [text] = desk.run(lambda s: audit(s, desk.office, desk.clock(), leapt))
    assert "1 条消息积压" in text


def dead(desk: Desk) -> None:
    post(desk)
    message = take(desk)
    desk.run(lambda s: outbox.record_dead(s, message, "chat not found"))


def failed_update(desk: Desk) -> None:
    def work(session) -> None:
        inbox.store(session, "chat", [{"update_id": 1}], desk.clock())
        inbox.finish(session, "chat", 1, desk.clock(), "KeyError")

    desk.run(work)


def forgotten_limit(desk: Desk) -> None:
    desk.open()
    message = take(desk)
    desk.run(lambda s: outbox.record_sent(s, message, chat="duty-group", sent_as="1", now=desk.clock()))
    desk.clock.advance(2 * HOUR + 6 * MINUTE)


def forgotten_supervision(desk: Desk) -> None:
    desk.open()
    message = take(desk)
    desk.run(lambda s: outbox.record_sent(s, message, chat="duty-group", sent_as="1", now=desk.clock()))
    [limit, *_] = desk.all(DeadlineRow)
    late = desk.clock() - 6 * MINUTE
    desk.run(lambda s: s.add(SupervisionRow(case_id=limit.case_id, deadline_id=limit.id, next_at=late)))


def missing_card(desk: Desk) -> None:
    desk.open()
    message = take(desk)
    desk.run(lambda s: outbox.record_skipped(s, message, "lost"))
    desk.clock.advance(MINUTE)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (pending, "1 条消息积压"),
        (sending, "1 条消息积压"),
        (sent_again_and_again, "1 条消息积压"),
        (dead, "1 条消息在近一小时内确定发不出"),
        (failed_update, "1 条群内操作处理失败"),
        (forgotten_limit, "1 个时限到点未提醒"),
        (forgotten_supervision, "1 件督办到点未发出"),
        (missing_card, "1 张卡片此前未送达"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_each_kind_of_trouble_is_found_and_told_once_an_hour(desk, fault, text):
    fault(desk)
    found = look(desk)
    assert [line.startswith(text) for line in found] == [True]
    look(desk)
    assert alarms(desk) == found
    desk.clock.advance(minutes=60)
    look(desk)
    assert len(alarms(desk)) >= 1


def test_a_desk_at_rest_gives_no_alarm(desk):
    desk.open()
    message = take(desk)
    desk.run(lambda s: outbox.record_sent(s, message, chat="duty-group", sent_as="1", now=desk.clock()))
    for _ in range(3):
        assert look(desk) == []
        desk.clock.advance(HOUR)
        desk.run(lambda s: deadlines.tick(s, desk.office, desk.ledger, desk.clock()))
        for row in desk.all(OutboxRow, OutboxRow.state == Sending.PENDING):
            claimed = desk.run(lambda s, i=row.id: outbox.claim(s, i, desk.clock()))
            desk.run(
                lambda s, m=claimed: outbox.record_sent(s, m, chat=m.chat, sent_as=None, now=desk.clock())
            )
    assert alarms(desk) == []


def test_trouble_that_is_young_is_no_trouble_yet(desk):
    post(desk)
    desk.clock.advance(5 * MINUTE)
    assert look(desk) == []


def test_trouble_that_lasts_is_told_again_the_next_hour(desk):
    pending(desk)
    look(desk)
    desk.clock.advance(HOUR)
    look(desk)
    assert len(alarms(desk)) == 2


def test_messages_past_their_validity_become_one_line_a_chat(desk):
    case_id = desk.open()
    for n in range(3):
        post(desk, f"k{n}", case_id=case_id, valid_for=HOUR)
    post(desk, "other", chat="group-petition", valid_for=HOUR)
    desk.clock.advance(2 * HOUR)
    for row in desk.all(OutboxRow, OutboxRow.kind == "text"):
        assert desk.run(lambda s, i=row.id: outbox.claim(s, i, desk.clock())) is None
    found = look(desk)
    assert any(line.startswith("4 条消息过期") for line in found)
    said = {r.chat: r.payload["text"] for r in desk.all(OutboxRow) if "断线期间" in r.payload.get("text", "")}
    number = desk.case(case_id).number
    assert said == {
        "duty-group": f"断线期间有 3 条消息未能及时送达，涉及 {number}。请用 /open 查看当前情况。",
        "group-petition": "断线期间有 1 条消息未能及时送达。请用 /open 查看当前情况。",
    }
    assert desk.all(OutboxRow, OutboxRow.state == Sending.EXPIRED) == []
    desk.clock.advance(timedelta(minutes=1))
    look(desk)
    assert len([r for r in desk.all(OutboxRow) if "断线期间" in r.payload.get("text", "")]) == 2
    assert len(desk.all(CaseRow)) == 1


def test_two_lines_to_the_operator_at_one_instant_both_arrive(desk):
    for text in ("甲", "乙", "乙"):
        desk.run(lambda s, t=text: tell_operator(s, desk.office, t, desk.clock()))
    assert alarms(desk) == ["甲", "乙"]


def test_what_a_failed_update_said_is_let_go_after_a_day(desk):
    failed_update(desk)
    desk.run(lambda s: inbox.store(s, "chat", [{"update_id": 2}], desk.clock()))
    raws = []
    for step in (24 * HOUR, MINUTE, HOUR):
        desk.clock.advance(step)
        look(desk)
        raws.append([row.raw for row in desk.all(InboxRow)])
    assert raws == [[{"update_id": 1}, {"update_id": 2}]] + [[{}, {"update_id": 2}]] * 2
    assert desk.all(InboxRow)[0].problem == "KeyError"
