"""When the operator hears that a source has died, and that it lives again."""

from dataclasses import replace

import pytest
from builders import HOUR, START, failed, harvest, item

from routing import sources
from routing.items import Fault, SourceState
from routing.store.tables import LedgerRow, OutboxRow, SourceRow

PASSING = (Fault.NETWORK, Fault.TIMEOUT, Fault.STATUS)


def told(desk) -> list[str]:
    rows = desk.all(OutboxRow)
    assert {row.chat for row in rows} <= {"operator"}
    return [row.payload["template"] for row in rows]


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault not in PASSING])
def test_a_fault_that_stays_is_told_at_once_and_once(empty_desk, fault):
    for failures in range(1, 4):
        empty_desk.take(failed(fault, failures))
        empty_desk.clock.advance(HOUR)
    assert told(empty_desk) == ["source_fault"]
    [row] = empty_desk.all(OutboxRow)
    assert (row.payload["source"], row.payload["detail"]) == ("bbs", "打不开。请检查地址")
    [source] = empty_desk.all(SourceRow)
    assert (source.fault, source.fault_since, source.failures) == (fault.value, START, 3)


@pytest.mark.parametrize("fault", PASSING)
def test_a_passing_fault_is_told_after_three_rounds_in_a_row(empty_desk, fault):
    heard = []
    for failures in range(1, 6):
        empty_desk.take(failed(fault, failures))
        heard.append(len(told(empty_desk)))
    assert heard == [0, 0, 1, 1, 1]


def test_the_all_clear_is_told_once_and_names_since_when(empty_desk):
    empty_desk.take(failed(Fault.NOT_A_FEED))
    empty_desk.clock.advance(HOUR)
    for _ in range(3):
        empty_desk.take(harvest())
    assert told(empty_desk) == ["source_fault", "source_ok"]
    assert empty_desk.all(OutboxRow)[1].payload["since"] == START.isoformat()
    [source] = empty_desk.all(SourceRow)
    assert (source.fault, source.fault_detail, source.fault_since, source.fault_told_at) == (None,) * 4
    assert [row.action for row in empty_desk.all(LedgerRow)] == ["source_fault", "source_ok"]


def test_a_fault_that_passed_unsaid_needs_no_all_clear(empty_desk):
    empty_desk.take(failed(Fault.TIMEOUT, 2))
    empty_desk.take(harvest())
    assert told(empty_desk) == []


def test_a_source_that_fails_again_is_told_again(empty_desk):
    for _ in range(2):
        empty_desk.take(failed(Fault.UNREADABLE))
        empty_desk.clock.advance(HOUR)
        empty_desk.take(harvest())
        empty_desk.clock.advance(HOUR)
    assert told(empty_desk) == ["source_fault", "source_ok"] * 2


def test_what_was_fetched_in_spite_of_a_fault_is_taken(empty_desk):
    empty_desk.know()
    broken = failed(Fault.UNREADABLE)
    lines = empty_desk.take(
        replace(broken, items=(item(),), state=SourceState("bbs", failures=1, baseline_done=True))
    )
    assert len(lines) == 1


def test_items_saved_one_by_one_from_failing_rounds_tell_of_the_fault_once(empty_desk):
    empty_desk.know()
    old = SourceState("bbs", etag='"new"', baseline_done=True)
    for failures in (1, 2):
        broken = failed(Fault.UNREADABLE, failures)
        for _ in range(2):
            assert len(empty_desk.take(replace(broken, items=(item("天气不错"),), state=old))) == 1
        empty_desk.take(replace(broken, state=replace(old, failures=failures)))
        empty_desk.clock.advance(HOUR)
    assert told(empty_desk) == ["source_fault"]
    [source] = empty_desk.all(SourceRow)
    assert (source.etag, source.failures, source.fault) == ('"new"', 2, "unreadable")


def test_a_source_never_seen_has_the_empty_state(empty_desk):
    empty_desk.take(harvest())
    known = empty_desk.run(lambda s: sources.states(s, ["bbs", "new"]))
    assert known["new"] == SourceState("new")
    assert known["bbs"] == SourceState("bbs", etag='"new"', baseline_done=True)
