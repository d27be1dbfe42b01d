"""A handover lists what is open with its next limit, both sign, and a missing signature is told once."""

from datetime import timedelta

import pytest
from builders import HOUR, MINUTE, START, Desk
from test_routing_duty import planned, take

from routing import handover
from routing.errors import UserError
from routing.handover import Handover
from routing.office import Level, Step
from routing.store.tables import LedgerRow, OutboxRow
from routing.workflow import Command, State


def begin(desk: Desk, outgoing: str = "duty", incoming: str = "office", note: str = "") -> int:
    return desk.run(
        lambda s: handover.begin(
            s,
            desk.office,
            desk.ledger,
            outgoing=desk.staff[outgoing],
            incoming_id=desk.staff[incoming].person_id,
            note=note,
            now=desk.clock(),
        )
    )


def sign(desk: Desk, key: int, who: str) -> Handover:
    return desk.run(lambda s: handover.sign(s, desk.ledger, key, desk.staff[who], desk.clock()))


def read(desk: Desk, key: int) -> Handover:
    found = desk.run(lambda s: handover.handover(s, key))
    assert found is not None
    return found


def tick(desk: Desk) -> int:
    return desk.run(lambda s: handover.tick(s, desk.office, desk.ledger, desk.clock()))


def told(desk: Desk) -> list[tuple[str, list[str]]]:
    rows = [row for row in desk.all(OutboxRow) if row.payload.get("template") == "handover_unsigned"]
    return [(row.chat, row.payload["names"]) for row in rows]


def test_it_lists_what_is_open_gravest_first_with_the_next_limit(desk):
    desk.at(State.CLOSED)
    light = desk.open("西山小区停水了")
    desk.open("东湖小区旁边塌方了")
    found = read(desk, begin(desk, note="水厂电话已打"))
    assert [(m.level, m.state, m.step) for m in found.matters] == [
        (Level.II, State.JUDGING, Step.DISPATCH),
        (Level.IV, State.JUDGING, Step.DISPATCH),
    ]
    assert found.matters[1].number == desk.case(light).number
    assert found.matters[0].due_at == START + 30 * MINUTE
    assert found.tally == {"opened": 3, "dispatched": 1, "closed": 1, "overdue": 0}
    assert (found.outgoing, found.incoming, found.note) == ("王值班", "李主任", "水厂电话已打")


def test_the_list_stays_as_it_was(desk):
    case_id = desk.open()
    key = begin(desk)
    desk.act(case_id, Command.DISMISS)
    assert len(read(desk, key).matters) == 1


def test_both_sign_and_each_signature_is_a_line_of_the_record(desk):
    key = begin(desk)
    assert not sign(desk, key, "duty").is_signed
    desk.clock.advance(MINUTE)
    assert sign(desk, key, "office").is_signed
    lines = [(row.action, row.actor) for row in desk.all(LedgerRow)]
    assert lines == [("handover", "王值班"), ("handover_sign", "王值班"), ("handover_sign", "李主任")]
    desk.clock.advance(HOUR)
    assert tick(desk) == 0


def test_nobody_else_signs_and_nobody_twice(desk):
    key = begin(desk)
    with pytest.raises(UserError, match="交班人和接班人"):
        sign(desk, key, "leader")
    sign(desk, key, "duty")
    with pytest.raises(UserError, match="已经签过"):
        sign(desk, key, "duty")
    assert read(desk, key).incoming_signed_at is None


@pytest.mark.parametrize("on_duty", [True, False])
def test_a_missing_signature_is_told_once_to_the_leader_on_duty(desk, on_duty):
    if on_duty:
        take(desk, planned(0))
    key = begin(desk)
    sign(desk, key, "duty")
    desk.clock.advance(14 * MINUTE)
    assert tick(desk) == 0
    desk.clock.advance(MINUTE)
    assert (tick(desk), tick(desk)) == (1, 0)
    assert told(desk) == [("private-leader" if on_duty else "duty-group", ["李主任"])]
    sign(desk, key, "office")  # late is better than never


def test_a_new_handover_takes_the_place_of_one_that_is_not_signed(desk):
    old = begin(desk)
    new = begin(desk)
    with pytest.raises(UserError, match="更新的交接单"):
        sign(desk, old, "office")
    sign(desk, new, "office")
    desk.clock.advance(HOUR)
    assert tick(desk) == 1
    assert told(desk) == [("duty-group", ["王值班"])]


def test_nobody_hands_over_to_himself(desk):
    with pytest.raises(UserError, match="不能交给自己"):
        begin(desk, "duty", "duty")
    with pytest.raises(UserError, match="300 字"):
        begin(desk, note="长" * 301)
    assert desk.all(LedgerRow) == []


def test_the_turn_is_that_of_the_roster_also_a_little_after_its_end(desk):
    shift = planned(0)
    take(desk, shift, planned(1, staff=("李主任",), reserve=("孙初审",)))
    assert read(desk, begin(desk)).since == shift.starts_at
    desk.clock.now = shift.ends_at + HOUR
    late = read(desk, begin(desk))
    assert (late.shift, late.since) == ("全天", shift.starts_at)
    desk.clock.now = shift.ends_at + 3 * HOUR
    assert read(desk, begin(desk)).since == desk.clock() - timedelta(days=1)


def test_the_roster_names_who_comes(desk):
    take(desk, planned(0), planned(1, staff=("孙初审",), reserve=()))
    duty_id, reviewer_id = desk.staff["duty"].person_id, desk.staff["reviewer"].person_id

    def after(person: int) -> int | None:
        return desk.run(lambda s: handover.successor(s, person, desk.clock()))

    assert after(duty_id) == reviewer_id
    desk.clock.now = planned(1).starts_at + MINUTE
    assert after(duty_id) == reviewer_id
    assert after(reviewer_id) is None
