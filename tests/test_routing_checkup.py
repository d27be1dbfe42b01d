"""What the rows say of the health of the desk: well while all is well, and each trouble as a line with its cure."""

from dataclasses import replace
from datetime import timedelta

import pytest
from builders import HOUR, MINUTE, ZONE, Desk, failed, item, unguard
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from routing import chats, checkup, inbox, outbox
from routing.ailments import DESK
from routing.checkup import Look, Verdict
from routing.items import Ailment, Fault
from routing.ledger import Ledger
from routing.outbox import MessageKind, Priority
from routing.store.tables import (
    AilmentRow,
    DeadlineRow,
    InboxRow,
    LedgerHeadRow,
    LedgerRow,
    OutboxRow,
    PersonRow,
    Sending,
    ShiftRow,
    SourceRow,
    SupervisionRow,
)
from routing.workflow import State

DAY = timedelta(days=1)
WATCHED = ("bbs", "weibo", "inbox")


def all_looks(desk: Desk) -> list[Look]:
    """Look at everything, as the command does."""
    now, looks = desk.clock(), []
    works = [
        lambda s: checkup.record(s, desk.ledger, whole=False),
        lambda s: checkup.record(s, desk.ledger, whole=True),
        lambda s: checkup.outgoing(s, now, ZONE),
        lambda s: checkup.incoming(s, now),
        lambda s: checkup.limits(s, now, ZONE),
        lambda s: checkup.sources(s, WATCHED, {"inbox"}, now, ZONE),
        lambda s: checkup.chats(s, desk.office),
        lambda s: checkup.duty_now(s, desk.office, now),
    ]
    if desk.store.is_sqlite:  # a server's clock stands not still
        works.append(lambda s: checkup.clock(s, now, ZONE))
    for work in works:
        looks += desk.store.peek(work)
    return looks


def troubles(desk: Desk) -> list[tuple[str, Verdict]]:
    return [(one.what, one.verdict) for one in all_looks(desk) if one.verdict is not Verdict.WELL]


def the(desk: Desk, what: str) -> Look:
    """Give the one line of trouble, and see that it names a cure."""
    [look] = [one for one in all_looks(desk) if one.verdict is not Verdict.WELL]
    assert look.what == what
    assert look.cure
    return look


@pytest.fixture
def well(desk: Desk) -> Desk:
    """A desk that has read its sources and sent what it had to send."""
    desk.know("bbs", "weibo")
    desk.accept(item())
    desk.run(
        lambda s: s.execute(
            update(OutboxRow).values(state=Sending.SENT, sent_at=desk.clock(), noted=True, message="1")
        )
    )
    desk.run(lambda s: s.execute(update(SourceRow).values(next_poll_at=desk.clock() + MINUTE)))
    return desk


def test_where_all_is_well_every_line_says_so(well):
    looks = all_looks(well)
    assert troubles(well) == []
    assert all(one.value and not one.cure for one in looks)


# --- the record and the clock -------------------------------------------------------------------------------------


def looked_at(desk: Desk, hand) -> list[Verdict]:
    """Look at the end of the ledger, and at all of it, after some hand was at it; and put everything back."""
    with Session(desk.store.engine) as session:
        unguard(session)
        hand(session)
        session.flush()
        found = [checkup.record(session, desk.ledger, whole=whole) for whole in (False, True)]
        session.rollback()
    return [look.verdict for [look] in found]


def newest_line(session: Session) -> LedgerRow:
    return session.scalars(select(LedgerRow).order_by(LedgerRow.seq.desc())).first()


def test_a_line_of_the_ledger_that_was_changed_is_seen(well):
    assert looked_at(well, lambda s: setattr(newest_line(s), "actor", "别人")) == [Verdict.BAD] * 2


def test_a_tail_that_was_cut_off_is_seen_by_the_counter(well):
    assert looked_at(well, lambda s: s.delete(newest_line(s))) == [Verdict.BAD] * 2


def test_a_head_that_the_line_does_not_bear_out_is_seen(well):
    seq = well.run(newest_line).seq
    head = LedgerHeadRow(day="2026-11-17", seq=seq, hash="f" * 64, at=well.clock())
    assert looked_at(well, lambda s: s.add(head)) == [Verdict.BAD] * 2


def test_only_the_end_is_looked_at_unless_the_whole_is_asked_for(well, monkeypatch):
    monkeypatch.setattr(Ledger.verify_end, "__defaults__", (1,))
    for _ in range(4):
        well.run(lambda s: well.ledger.write(s, at=well.clock(), actor="甲", action="view"))
    hand = looked_at(well, lambda s: setattr(s.get_one(LedgerRow, 1), "actor", "别人"))
    assert hand == [Verdict.WELL, Verdict.BAD]


def test_a_clock_that_was_set_back_is_seen_by_rows_of_the_future(well):
    well.clock.advance(-HOUR)
    [look] = well.store.peek(lambda s: checkup.clock(s, well.clock(), ZONE))
    assert look.verdict is Verdict.BAD
    assert "10:00" in look.value


def test_several_sources_that_say_our_clock_is_wrong_are_believed(well):
    for source in ("bbs", "weibo"):
        well.run(
            lambda s: s.add(
                AilmentRow(
                    source_id=source,  # noqa: B023 - called at once
                    ailment=Ailment.DRIFT,
                    detail="差 9 分钟",
                    cure="校时",
                    since=well.clock(),
                )
            )
        )
    if well.store.is_sqlite:
        assert ("时钟", Verdict.MIND) in troubles(well)
    assert ("来源", Verdict.MIND) in troubles(well)


# --- sources --------------------------------------------------------------------------------------------------------


def test_a_source_that_fails_again_and_again_is_named(well):
    well.take(failed(Fault.STATUS, 3))
    well.run(lambda s: s.execute(update(OutboxRow).values(state=Sending.SENT, noted=True)))
    look = the(well, "来源")
    assert "bbs" in look.value
    assert look.verdict is Verdict.MIND


def test_sources_that_nobody_reads_are_a_fault_of_ours(well):
    well.clock.advance(HOUR)
    look = the(well, "来源")
    assert look.verdict is Verdict.BAD
    assert "2 个到点没有读" in look.value


def test_our_own_network_is_told_in_its_own_words(well):
    row = AilmentRow(
        source_id=DESK, ailment=Ailment.NETWORK, detail="几乎都读不到", cure="请查网络", since=well.clock()
    )
    well.run(lambda s: s.add(row))
    assert the(well, "来源").value == "几乎都读不到"


def test_a_source_that_was_never_read_is_named_and_a_pushed_one_is_not(well):
    well.run(lambda s: s.delete(s.get_one(SourceRow, "weibo")))
    look = the(well, "来源")
    assert "1 个从未读过：weibo" in look.value


# --- people and chats -----------------------------------------------------------------------------------------------


def test_a_group_that_put_us_out_is_a_fault_and_a_person_who_did_is_worth_a_look(well):
    well.run(lambda s: chats.closed(s, "duty-group", "机器人被移出群", well.clock()))
    look = the(well, "会话")
    assert (look.verdict, "机器人被移出群" in look.value) == (Verdict.BAD, True)
    well.run(lambda s: chats.opened(s, "duty-group"))
    well.run(lambda s: chats.closed(s, "private-leader", "被停用", well.clock()))
    look = the(well, "会话")
    assert (look.verdict, look.value) == (Verdict.MIND, "1 人联系不上：郑县长")


def test_a_group_that_has_another_number_now_is_told_with_it(well):
    well.run(lambda s: chats.moved(s, "duty-group", "-100777"))
    assert "-100777" in the(well, "会话").value


def test_matters_of_a_channel_that_the_files_know_no_more_are_named(desk):
    case_id = desk.at(State.HANDLING)
    assert desk.run(lambda s: checkup.homeless(s, desk.office)) == []
    channels = {key: one for key, one in desk.office.channels.items() if key != desk.case(case_id).channel}
    [look] = desk.run(lambda s: checkup.homeless(s, replace(desk.office, channels=channels)))
    assert (look.what, look.verdict) == ("渠道", Verdict.BAD)
    assert desk.case(case_id).number in look.value


def test_posts_that_nobody_holds_are_named(empty_desk):
    empty_desk.hire("duty", "reviewer", "secrecy", "admin", "contact")
    [look] = empty_desk.store.peek(lambda s: checkup.staff(s, empty_desk.office))
    assert look.verdict is Verdict.MIND
    assert "分管领导" in look.value
    assert "网络舆情联络员" in look.value
    assert "值班员" not in look.value
    assert "社情民意联络员" not in look.value


def test_a_gap_in_the_roster_is_a_fault_now_and_worth_a_look_later(well):
    person = well.all(PersonRow)[0].id

    def shift(begins, ends):
        row = ShiftRow(name="白班", starts_at=begins, ends_at=ends, staff=[person], reserve=[])
        well.run(lambda s: s.add(row))

    now = well.clock()
    shift(now - HOUR, now + 5 * HOUR)
    assert the(well, "值班").verdict is Verdict.MIND
    shift(now + 5 * HOUR, now + 2 * DAY)
    assert troubles(well) == []
    well.clock.advance(-2 * HOUR)
    [look] = well.store.peek(lambda s: checkup.duty_now(s, well.office, well.clock()))
    assert look.verdict is Verdict.BAD


# --- what should have moved -----------------------------------------------------------------------------------------


def post(desk: Desk, **values) -> None:
    desk.run(
        lambda s: outbox.queue(
            s,
            key="k",
            chat="duty-group",
            kind=MessageKind.TEXT,
            priority=Priority.ALERT,
            now=desk.clock(),
        )
    )
    desk.run(lambda s: s.execute(update(OutboxRow).where(OutboxRow.dedupe_key == "k").values(**values)))


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({"attempts": 0}, Verdict.BAD),
        ({"state": Sending.SENDING, "attempts": 1}, Verdict.BAD),
        ({"state": Sending.DEAD, "noted": True}, Verdict.MIND),
        ({"state": Sending.SENT, "noted": False}, Verdict.MIND),
    ],
    ids=["waits", "hangs", "dead", "not noted"],
)
def test_a_message_that_did_not_go_its_way_is_seen(well, values, verdict):
    sent_at = {"sent_at": well.clock()} if values.get("state") is Sending.SENT else {}
    post(well, **values, **sent_at)
    well.clock.advance(11 * MINUTE)
    well.run(lambda s: s.execute(update(SourceRow).values(next_poll_at=well.clock() + MINUTE)))
    assert the(well, "发件").verdict is verdict


def test_what_quiet_hours_hold_back_is_no_trouble(well):
    post(well, next_attempt_at=well.clock() + 8 * HOUR)
    well.clock.advance(6 * MINUTE)
    assert troubles(well) == []


def test_presses_that_were_not_done_and_those_that_failed_are_seen(well):
    well.run(lambda s: inbox.store(s, "chat", [{"update_id": 1}], well.clock()))
    well.clock.advance(6 * MINUTE)
    assert the(well, "群内操作").verdict is Verdict.BAD
    well.run(lambda s: inbox.finish(s, "chat", 1, well.clock(), "KeyError"))
    assert the(well, "群内操作").verdict is Verdict.MIND
    assert len(well.all(InboxRow)) == 1


@pytest.mark.parametrize("table", [DeadlineRow, SupervisionRow], ids=["limit", "supervision"])
def test_a_step_that_was_due_and_not_taken_is_a_fault_of_ours(well, table):
    if table is SupervisionRow:
        limit = well.all(DeadlineRow)[0]
        row = SupervisionRow(case_id=limit.case_id, deadline_id=limit.id, next_at=well.clock() - HOUR)
        well.run(lambda s: s.add(row))
    else:
        well.run(lambda s: s.execute(update(DeadlineRow).values(next_at=well.clock() - HOUR)))
    look = the(well, "时限")
    assert look.verdict is Verdict.BAD
    assert "最早应在 11-17 09:00" in look.value


def test_an_overdue_limit_that_was_told_is_no_trouble_of_the_desk_but_counted(well):
    well.run(
        lambda s: s.execute(update(DeadlineRow).values(due_at=well.clock() - DAY, next_at=well.clock() + DAY))
    )
    [look] = well.store.peek(lambda s: checkup.limits(s, well.clock(), ZONE))
    assert look.verdict is Verdict.WELL
    total = len(well.all(DeadlineRow))
    assert f"在办 {total} 个，其中超期 {total} 个" in look.value
