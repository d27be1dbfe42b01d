"""What an operator is told of the sources, and a page that is accepted as it looks; on both databases."""

import json
from dataclasses import replace

import pytest
from builders import HOUR, START, harvest

from routing import source_list, sources
from routing.errors import UserError
from routing.items import Ailment, Fault, SourceProblem, SourceState
from routing.ledger import Ledger
from routing.source_list import Approval
from routing.store.tables import AilmentRow, LedgerRow, SourceRow


def ill(source_id, ailment, since):
    return AilmentRow(source_id=source_id, ailment=ailment, detail=f"{ailment}了", cure="请看", since=since)


def test_each_source_is_given_with_its_own_ailments_in_the_order_they_came(empty_desk):
    rows = [SourceRow(id=name, failures=n, last_ok_at=START) for n, name in enumerate(("a", "b", "c"))]
    ills = [
        ill("a", Ailment.SILENT, START),
        ill("a", Ailment.DRIFT, START - HOUR),
        ill("b", Ailment.FROZEN, START),
    ]
    empty_desk.run(lambda s: s.add_all([*rows, *ills]))
    known = empty_desk.run(lambda s: source_list.known(s, ["a", "b", "never"]))
    assert {name: [i.ailment for i in k.ills] for name, k in known.items()} == {
        "a": [Ailment.DRIFT, Ailment.SILENT],
        "b": [Ailment.FROZEN],
    }
    assert (known["b"].failures, known["b"].ok_at, known["b"].ills[0].detail) == (1, START, "frozen了")


def test_a_fault_that_is_over_is_not_told(empty_desk):
    rows = [SourceRow(id="a", fault="status", fault_detail="404。请看"), SourceRow(id="b", fault_detail="旧")]
    empty_desk.run(lambda s: s.add_all(rows))
    known = empty_desk.run(lambda s: source_list.known(s, ["a", "b"]))
    assert (known["a"].fault, known["b"].fault) == ("404。请看", None)


def test_an_approval_keeps_what_the_reader_remembers_and_is_one_line(empty_desk):
    changed = ill("home", Ailment.TAMPERED, START)
    empty_desk.run(lambda s: s.add_all([SourceRow(id="home", memory='{"hash": "旧"}'), changed]))
    outcomes = [
        empty_desk.run(lambda s, now=now: source_list.approve(s, Ledger(), "home", "命令行", now))
        for now in (START, START + HOUR, START + 2 * HOUR)
    ]
    assert outcomes == [Approval.ASKED, Approval.WAITING, Approval.WAITING]
    state = empty_desk.run(lambda s: sources.states(s, ["home"]))["home"]
    assert json.loads(state.memory) == {"hash": "旧", "approve": True}
    [line] = empty_desk.all(LedgerRow)
    assert (line.at, line.actor, line.action, json.loads(line.data)) == (
        START,
        "命令行",
        "page_approved",
        {"source": "home"},
    )


def test_an_approval_during_a_round_waits_for_the_next_and_is_used_once(desk):
    def state():
        return desk.run(lambda s: sources.states(s, ["bbs"]))["bbs"]

    desk.take(harvest(state=SourceState("bbs", memory='{"approved": {}}', baseline_done=True)))
    desk.run(lambda s: s.add(ill("bbs", Ailment.TAMPERED, START)))
    read = state()
    desk.run(lambda s: source_list.approve(s, desk.ledger, "bbs", "命令行", desk.clock()))
    desk.take(harvest(state=read))  # this round began before
    asked = state()
    assert json.loads(asked.memory) == {"approved": {}, "approve": True}
    problem = SourceProblem(Fault.TIMEOUT, "打不开", "请检查地址")
    desk.take(harvest(state=replace(asked, failures=1), problem=problem))  # nothing was read of it
    assert json.loads(state().memory) == {"approved": {}, "approve": True}
    desk.take(harvest(state=replace(state(), memory='{"approved": {"title": "新"}}')))
    assert json.loads(state().memory) == {"approved": {"title": "新"}}


@pytest.mark.parametrize("other", [None, Ailment.OVERDUE])
def test_a_page_that_is_as_it_was_accepted_is_left_alone(empty_desk, other):
    rows = [SourceRow(id="home", memory='{"hash": "旧"}'), *([ill("home", other, START)] if other else [])]
    empty_desk.run(lambda s: s.add_all(rows))
    outcome = empty_desk.run(lambda s: source_list.approve(s, Ledger(), "home", "命令行", START))
    assert outcome is Approval.NOTHING
    assert [row.approve_asked_at for row in empty_desk.all(SourceRow)] == [None]
    assert empty_desk.all(LedgerRow) == []


@pytest.mark.parametrize("rows", [[], ["home"]], ids=["unknown", "without memory"])
def test_a_page_that_was_never_read_is_not_approved(empty_desk, rows):
    empty_desk.run(lambda s: s.add_all([SourceRow(id=name) for name in rows]))
    with pytest.raises(UserError, match="还没有读过"):
        empty_desk.run(lambda s: source_list.approve(s, Ledger(), "home", "命令行", START))
    assert empty_desk.all(LedgerRow) == []
