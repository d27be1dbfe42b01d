"""When the operator hears that a source is not well or has died, that it lives again, and what is learned of it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from builders import HOUR, MINUTE, START, Desk, failed, harvest, item, make_office
from sqlalchemy import event

from routing import ailments, health, sources
from routing.health import Hour, Past
from routing.items import Ailment, Fault, SourceProblem, SourceState, Symptom
from routing.outbox import Priority
from routing.store.tables import AilmentRow, CommentWatchRow, LedgerRow, OutboxRow, SourceRow

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


# --- what ails a source that answers ------------------------------------------------------------------------------

NEVER, LEARNED = timedelta(0), None


def ill(ailment: Ailment, detail: str = "看到了什么", mark: str = "") -> Symptom:
    return Symptom(ailment, detail, "请怎么办", mark)


def answer(desk, *items, source: str = "bbs", every: timedelta = MINUTE, **more) -> list[str]:
    """Take one good round of now, of a source that is asked each minute."""
    now = desk.clock()
    state = SourceState(
        source,
        baseline_done=True,
        last_ok_at=now,
        changed_at=now,
        next_poll_at=now + every,
        validator_url="http://feed.example/",
    )
    return desk.take(harvest(*items, source=source, at=now, state=state, **more))


def fail(desk, fault: Fault = Fault.NETWORK, source: str = "bbs", every: timedelta = MINUTE) -> None:
    """Take one failed round of now, as the monitors count it."""
    now, before = desk.clock(), states(desk, source)[source]
    state = replace(before, failures=before.failures + 1, next_poll_at=now + 2 * every)
    problem = SourceProblem(fault, "打不开", "请检查地址")
    desk.take(harvest(source=source, at=now, state=state, problem=problem, interval_s=every.total_seconds()))


def states(desk, *names: str) -> Mapping[str, SourceState]:
    return desk.run(lambda s: sources.states(s, names))


def row_of(desk, source: str = "bbs") -> SourceRow:
    return desk.run(lambda s: s.get_one(SourceRow, source))


def touch(desk, *names: str, every: timedelta = MINUTE) -> None:
    """Let sources answer 304 now, planned for a minute later."""
    now = desk.clock()
    new = [
        replace(state, last_ok_at=now, next_poll_at=now + every, failures=0)
        for state in states(desk, *names).values()
    ]
    desk.run(lambda s: sources.touch(s, desk.office, desk.ledger, new, now))


def look(desk, *names: str, **limits: timedelta | None) -> int:
    watched = dict.fromkeys(names or ("bbs",), LEARNED) | limits
    return desk.run(lambda s: sources.look(s, desk.office, desk.ledger, desk.clock(), watched))


def heard(desk, chat: str = "operator") -> list[str]:
    """Give what was queued to a chat, oldest first: template and ailments."""
    rows = [row for row in desk.all(OutboxRow) if row.chat == chat and row.kind == "text"]
    found = []
    for row in rows:
        words = [a["ailment"] for a in row.payload.get("ailments", ())] or row.payload.get("over", [])
        found.append(
            " ".join([row.payload["template"].removeprefix("source_"), row.payload["source"], *words])
        )
    return found


AT_FIRST_SIGHT = sorted(
    ailments.SEEN - {*ailments.WAITS, *ailments.ROUNDS, *ailments.NOTES, *ailments.FOR_DUTY}
)


@pytest.mark.parametrize("ailment", AT_FIRST_SIGHT)
def test_an_ailment_is_told_once_with_its_cure_and_once_when_it_is_over(empty_desk, ailment):
    for detail in ("第一次", "第二次"):
        answer(empty_desk, symptoms=(ill(ailment, detail),))
        empty_desk.clock.advance(MINUTE)
    [kept] = empty_desk.all(AilmentRow)
    assert (kept.detail, kept.since, kept.told_at) == ("第二次", START, START)
    empty_desk.clock.advance(HOUR)
    for _ in range(2):
        answer(empty_desk)
        empty_desk.clock.advance(MINUTE)
    assert heard(empty_desk) == [f"ails bbs {ailment}", f"ok bbs {ailment}"]
    assert empty_desk.all(OutboxRow)[0].payload["ailments"] == [
        {"ailment": ailment.value, "detail": "第一次", "cure": "请怎么办"}
    ]
    assert empty_desk.all(AilmentRow) == []
    assert [(row.action, row.actor) for row in empty_desk.all(LedgerRow)] == [
        ("source_ails", "系统"),
        ("source_ok", "系统"),
    ]


def test_what_happens_to_a_source_in_one_round_is_one_message(empty_desk):
    answer(empty_desk, symptoms=(ill(Ailment.CHARSET), ill(Ailment.SKIPPED)))
    empty_desk.clock.advance(MINUTE)
    answer(empty_desk, symptoms=(ill(Ailment.CHARSET), ill(Ailment.SKIPPED), ill(Ailment.PAGES)))
    empty_desk.clock.advance(HOUR)
    answer(empty_desk)
    assert heard(empty_desk)[:2] == ["ails bbs charset skipped", "ails bbs pages"]
    assert sorted(heard(empty_desk)[2].split()) == ["bbs", "charset", "ok", "pages", "skipped"]


def test_a_fault_and_an_ailment_that_end_together_are_one_all_clear(empty_desk):
    answer(empty_desk, symptoms=(ill(Ailment.CHARSET),))
    fail(empty_desk, Fault.NOT_A_FEED)
    assert len(empty_desk.all(AilmentRow)) == 1, "a round that saw nothing says nothing"
    empty_desk.clock.advance(MINUTE)
    answer(empty_desk)
    assert heard(empty_desk) == ["ails bbs charset", "fault bbs", "ok bbs charset"]
    assert empty_desk.all(OutboxRow)[2].payload["since"] == START.isoformat()


def test_another_case_of_the_same_ailment_is_told_again(empty_desk):
    for mark in ("one", "one", "two", "two"):
        answer(empty_desk, symptoms=(ill(Ailment.TAMPERED, mark, mark),))
        empty_desk.clock.advance(MINUTE)
    told = [row for row in empty_desk.all(OutboxRow) if row.chat == "operator"]
    assert [row.payload["ailments"][0]["detail"] for row in told] == ["one", "two"]


@pytest.mark.parametrize(
    ("ailment", "priority"), [(Ailment.TAMPERED, Priority.URGENT), (Ailment.OVERDUE, Priority.ALERT)]
)
def test_our_own_pages_are_the_business_of_those_on_duty_too(empty_desk, ailment, priority):
    answer(empty_desk, symptoms=(ill(ailment), ill(Ailment.DRIFT), ill(Ailment.CHARSET)))
    empty_desk.clock.advance(MINUTE)
    answer(empty_desk, symptoms=(ill(Ailment.CHARSET),))
    assert heard(empty_desk) == [f"ails bbs {ailment} charset", f"ok bbs {ailment}"]
    assert heard(empty_desk, "duty-group") == [f"ails bbs {ailment}", f"ok bbs {ailment}"]
    assert {row.priority for row in empty_desk.all(OutboxRow) if "ails" in row.dedupe_key} == {priority}


def test_an_office_with_one_group_hears_it_once(store, rules, clock):
    desk = Desk(store, make_office(operator_chat="duty-group"), rules, clock)
    answer(desk, symptoms=(ill(Ailment.TAMPERED),))
    assert heard(desk, "duty-group") == ["ails bbs tampered"]


@pytest.mark.parametrize("ailment", sorted(ailments.BY_PARSING - ailments.NOTES))
def test_an_answer_that_was_not_parsed_shows_no_end_of_what_parsing_showed(empty_desk, ailment):
    answer(empty_desk, symptoms=(ill(ailment),))
    empty_desk.clock.advance(MINUTE)
    answer(empty_desk, looked=False)
    touch(empty_desk, "bbs")
    assert heard(empty_desk) == [f"ails bbs {ailment}"]
    empty_desk.clock.advance(HOUR)
    answer(empty_desk)
    assert heard(empty_desk) == [f"ails bbs {ailment}", f"ok bbs {ailment}"]


@pytest.mark.parametrize(
    "ailment", sorted(ailments.ON_THE_WAY - {*ailments.WAITS, *ailments.ROUNDS, *ailments.NOTES})
)
def test_an_answer_that_was_not_parsed_shows_the_end_of_what_comes_with_any(empty_desk, ailment):
    answer(empty_desk, symptoms=(ill(ailment),), looked=False)
    answer(empty_desk, looked=False)
    assert heard(empty_desk) == [f"ails bbs {ailment}", f"ok bbs {ailment}"]


def test_new_ids_are_a_note_without_an_all_clear(empty_desk):
    answer(empty_desk, symptoms=(ill(Ailment.NEW_IDS, mark="a"),))
    for _ in range(2):
        empty_desk.clock.advance(MINUTE)
        answer(empty_desk)
    assert heard(empty_desk) == ["ails bbs new_ids"]
    assert empty_desk.all(AilmentRow) == []


def test_a_clock_that_differs_is_told_after_three_rounds_in_a_row(empty_desk):
    told = []
    for drifts in (True, True, False, True, True, True, True):
        answer(empty_desk, symptoms=(ill(Ailment.DRIFT),) if drifts else ())
        told.append(len(heard(empty_desk)))
        empty_desk.clock.advance(MINUTE)
    assert told == [0, 0, 0, 0, 0, 1, 1]
    answer(empty_desk)
    assert heard(empty_desk) == ["ails bbs drift", "ok bbs drift"]


def test_a_redirect_is_told_after_seven_days_to_the_same_place(empty_desk):
    told = []
    for mark in ["old"] * 4 + ["new"] * 9:
        answer(empty_desk, symptoms=(ill(Ailment.MOVED, mark, mark),))
        told.append(len(heard(empty_desk)))
        empty_desk.clock.advance(days=1)
    assert told == [0] * 11 + [1, 1]
    assert empty_desk.all(OutboxRow)[0].payload["ailments"][0]["detail"] == "new"


def test_what_nobody_heard_of_ends_unsaid(empty_desk):
    answer(empty_desk, symptoms=(ill(Ailment.MOVED), ill(Ailment.DRIFT)))
    answer(empty_desk)
    assert heard(empty_desk) == []
    assert empty_desk.all(AilmentRow) == []


# --- faults -------------------------------------------------------------------------------------------------------


def test_two_failed_rounds_within_half_an_hour_are_no_news(empty_desk):
    fail(empty_desk, every=HOUR)
    assert heard(empty_desk) == []
    empty_desk.clock.advance(29 * MINUTE)
    fail(empty_desk, every=HOUR)
    assert heard(empty_desk) == []


def test_a_fault_that_lasts_half_an_hour_is_told_before_its_third_round(empty_desk):
    fail(empty_desk, every=HOUR)
    empty_desk.clock.advance(30 * MINUTE)
    fail(empty_desk, every=HOUR)
    assert heard(empty_desk) == ["fault bbs"]


def test_another_fault_has_another_cure_and_is_told_too(empty_desk):
    for fault in (*[Fault.TIMEOUT] * 3, Fault.STATUS, Fault.NOT_A_FEED, Fault.TIMEOUT, Fault.NOT_A_FEED):
        fail(empty_desk, fault)
        empty_desk.clock.advance(MINUTE)
    assert heard(empty_desk) == ["fault bbs", "fault bbs"]
    answer(empty_desk)
    assert heard(empty_desk)[2:] == ["ok bbs"]
    assert row_of(empty_desk).fault_told_at is None


def test_a_source_that_comes_and_goes_is_told_once_and_its_end_too(empty_desk):
    answer(empty_desk)
    for _ in range(100):
        fail(empty_desk)
        empty_desk.clock.advance(8 * MINUTE)
        answer(empty_desk)
        empty_desk.clock.advance(2 * MINUTE)
    assert heard(empty_desk) == ["ails bbs errors"]
    [kept] = empty_desk.all(AilmentRow)
    assert "小时读不到" in kept.detail
    for _ in range(10):
        look(empty_desk)
        assert heard(empty_desk) == ["ails bbs errors"]
        empty_desk.clock.advance(HOUR)
        touch(empty_desk, "bbs")
    empty_desk.clock.advance(12 * HOUR)
    for _ in range(2):
        look(empty_desk)
    assert heard(empty_desk) == ["ails bbs errors", "ok bbs errors"]


# --- our own network ----------------------------------------------------------------------------------------------

TEN = tuple(f"s{n}" for n in range(10))


def test_when_nearly_all_fail_at_once_it_is_us_and_said_once(empty_desk):
    for name in TEN:
        answer(empty_desk, source=name)
    empty_desk.clock.advance(MINUTE)
    for name in TEN[:8]:
        fail(empty_desk, Fault.TIMEOUT, name)
    look(empty_desk, *TEN)
    assert heard(empty_desk) == [], "eight of ten are not nearly all"
    fail(empty_desk, Fault.NETWORK, TEN[8])
    look(empty_desk, *TEN)
    assert heard(empty_desk) == ["ails * network"]
    [kept] = empty_desk.all(AilmentRow)
    assert "10 个来源中有 9 个连不上" in kept.detail
    for _ in range(5):
        empty_desk.clock.advance(MINUTE)
        for name in TEN[:9]:
            fail(empty_desk, Fault.TIMEOUT, name)
        touch(empty_desk, TEN[9])
        look(empty_desk, *TEN)
    assert heard(empty_desk) == ["ails * network"]
    frozen = states(empty_desk, *TEN)
    assert {state.failures for state in frozen.values()} == {0, 1}
    assert {state.next_poll_at for state in frozen.values()} == {empty_desk.clock() + MINUTE}


def test_the_all_clear_of_the_network_is_told_once_and_each_source_counts_anew(empty_desk):
    for name in TEN:
        fail(empty_desk, source=name)
    look(empty_desk, *TEN)
    for minutes in range(40):
        empty_desk.clock.advance(MINUTE)
        for name in TEN[:5] if minutes == 39 else TEN:
            fail(empty_desk, source=name)
    for name in TEN[5:]:
        answer(empty_desk, source=name)
    look(empty_desk, *TEN)
    assert heard(empty_desk) == ["ails * network"], "half of them fail still"
    answer(empty_desk, source=TEN[4])
    for _ in range(2):
        look(empty_desk, *TEN)
    assert heard(empty_desk) == ["ails * network", "ok * network"]
    empty_desk.clock.advance(MINUTE)
    fail(empty_desk, source=TEN[0])
    assert len(heard(empty_desk)) == 2, "the forty minutes were ours"
    empty_desk.clock.advance(MINUTE)
    fail(empty_desk, source=TEN[0])
    assert heard(empty_desk)[2:] == ["fault s0"]


def test_a_fault_about_to_be_told_is_first_compared_with_all_others(empty_desk):
    """Fast sources fail three times within a minute's look."""
    for _ in range(3):
        for name in TEN:
            fail(empty_desk, source=name)
        empty_desk.clock.advance(seconds=5)
    assert heard(empty_desk) == ["ails * network"]


def test_four_sources_are_too_few_to_blame_the_network(empty_desk):
    for _ in range(3):
        for name in TEN[:4]:
            fail(empty_desk, source=name)
        empty_desk.clock.advance(MINUTE)
    look(empty_desk, *TEN[:4])
    assert heard(empty_desk) == [f"fault {name}" for name in TEN[:4]]


def test_a_refusal_is_an_answer_and_not_our_network(empty_desk):
    for _ in range(3):
        for name in TEN:
            fail(empty_desk, Fault.STATUS, name)
        empty_desk.clock.advance(MINUTE)
    look(empty_desk, *TEN)
    assert heard(empty_desk) == [f"fault {name}" for name in TEN]


def test_slow_sources_that_answered_before_do_not_hide_a_dead_network(empty_desk):
    slow = [f"slow{n}" for n in range(20)]
    for name in slow:
        answer(empty_desk, source=name, every=HOUR)
    empty_desk.clock.advance(10 * MINUTE)
    for name in TEN[:5]:
        fail(empty_desk, source=name)
    look(empty_desk, *slow, *TEN)
    assert heard(empty_desk) == ["ails * network"]


def test_files_and_inboxes_know_nothing_of_the_network(empty_desk):
    now = empty_desk.clock()
    for name in TEN[:5]:
        done = SourceState(
            name, baseline_done=True, last_ok_at=now, next_poll_at=now + MINUTE, validator_url=""
        )
        empty_desk.take(harvest(source=name, at=now, state=done))
    for name in TEN[5:]:
        fail(empty_desk, source=name)
    look(empty_desk, *TEN)
    assert heard(empty_desk) == ["ails * network"]


def test_while_the_network_is_down_no_time_is_lost_by_a_source(empty_desk):
    for name in TEN:
        answer(empty_desk, source=name)
        fail(empty_desk, source=name)
    look(empty_desk, *TEN)
    empty_desk.clock.advance(20 * HOUR)
    answer(empty_desk, source=TEN[0])
    assert heard(empty_desk) == ["ails * network"]
    assert health.past(row_of(empty_desk, TEN[0]).habits).lost_share(empty_desk.clock()) == 0


# --- silence ------------------------------------------------------------------------------------------------------


def hourly(desk, days: int) -> None:
    """Let the source `bbs` bring something every hour for some days; its past is written, not played."""
    answer(desk)
    known = Past(
        hours={f"{kind}{hour:02d}": Hour(days * 0.7, days * 0.7) for kind in "wh" for hour in range(24)},
        items=days * 24.0,
        watched_from=desk.clock(),
    )

    def work(session) -> None:
        session.get_one(SourceRow, "bbs").habits = known.as_json()

    desk.run(work)


def pass_in_silence(desk, hours: float, *names: str, watched: dict | None = None) -> None:
    """Let time go by in which the sources answer 304 every ten minutes, and a look is taken after each."""
    for _ in range(round(hours * 6)):
        desk.clock.advance(10 * MINUTE)
        touch(desk, *(names or ("bbs",)), every=10 * MINUTE)
        look(desk, **(watched or {}))


def test_a_source_that_answers_304_for_ever_is_found_silent_once_and_over_when_it_brings_news(empty_desk):
    hourly(empty_desk, 40)
    newest = empty_desk.clock()
    pass_in_silence(empty_desk, 2.9)
    assert heard(empty_desk) == []
    pass_in_silence(empty_desk, 12)
    assert heard(empty_desk) == ["ails bbs silent"]
    [kept] = empty_desk.all(AilmentRow)
    assert kept.since == newest
    assert "几乎每小时都有，最近一次 11-17 10:00" in kept.detail
    answer(empty_desk, item("今天天气不错"))
    for _ in range(2):
        look(empty_desk)
    assert heard(empty_desk) == ["ails bbs silent", "ok bbs silent"]
    assert empty_desk.all(AilmentRow) == []


def test_a_source_is_learned_through_the_door(empty_desk):
    """Fifteen days of one item each hour, then half a day of silence: nothing here is written by hand."""
    for _ in range(15 * 24):
        answer(empty_desk, item("今天天气不错"), every=HOUR)
        empty_desk.clock.advance(HOUR)
    row = row_of(empty_desk)
    assert row.expected_per_h == pytest.approx(1, rel=0.1)
    assert row.last_new_at == empty_desk.clock() - HOUR
    for _ in range(12):
        touch(empty_desk, "bbs", every=HOUR)
        look(empty_desk)
        empty_desk.clock.advance(HOUR)
    assert heard(empty_desk) == ["ails bbs silent"]


def test_hours_in_which_we_slept_or_it_failed_are_no_silence(empty_desk):
    hourly(empty_desk, 40)
    empty_desk.clock.advance(12 * HOUR)
    touch(empty_desk, "bbs")
    look(empty_desk)
    assert heard(empty_desk) == []
    known = health.past(row_of(empty_desk).habits)
    assert known.watched_from == empty_desk.clock()
    assert sum(hour.waiting for hour in known.hours.values()) == 0
    fail(empty_desk, Fault.STATUS)
    empty_desk.clock.advance(12 * HOUR)
    answer(empty_desk)
    look(empty_desk)
    assert heard(empty_desk) == []


def test_the_stock_of_a_new_source_teaches_nothing(empty_desk):
    state = SourceState("bbs", baseline_done=True, next_poll_at=START + MINUTE)
    empty_desk.take(harvest(*(item("旧闻") for _ in range(30)), state=state))
    row = row_of(empty_desk)
    assert (row.last_new_at, row.look_at) == (START, START + health.FIRST_LOOK)
    assert health.past(row.habits) == replace(Past(), watched_from=START)


def test_a_configured_limit_comes_before_what_was_learned(empty_desk):
    answer(empty_desk)
    pass_in_silence(empty_desk, 25, watched={"bbs": timedelta(hours=24)})
    assert heard(empty_desk) == ["ails bbs silent"]
    assert "超过设定的 24 小时" in empty_desk.all(AilmentRow)[0].detail


def test_who_does_not_want_to_hear_of_silence_is_not_told(empty_desk):
    hourly(empty_desk, 40)
    pass_in_silence(empty_desk, 24, watched={"bbs": NEVER})
    assert heard(empty_desk) == []


def test_an_alarm_that_is_configured_away_ends_unsaid(empty_desk):
    hourly(empty_desk, 40)
    pass_in_silence(empty_desk, 12)
    look(empty_desk, bbs=NEVER)
    assert heard(empty_desk) == ["ails bbs silent"]
    assert empty_desk.all(AilmentRow) == []


@pytest.mark.parametrize("ailment", [Ailment.FROZEN, Ailment.OVERDUE])
def test_a_silence_that_was_explained_is_not_told_again(empty_desk, ailment):
    hourly(empty_desk, 40)
    for _ in range(12):
        empty_desk.clock.advance(HOUR)
        answer(empty_desk, symptoms=(ill(ailment),), every=HOUR)
        look(empty_desk)
    assert heard(empty_desk) == [f"ails bbs {ailment}"]


def test_a_source_that_is_pushed_to_us_may_fall_silent_too(empty_desk):
    hourly(empty_desk, 40)
    empty_desk.run(lambda s: setattr(s.get_one(SourceRow, "bbs"), "next_poll_at", None))
    for _ in range(12 * 12):
        empty_desk.clock.advance(5 * MINUTE)
        look(empty_desk)
    assert heard(empty_desk) == ["ails bbs silent"]


def test_what_was_not_pushed_while_we_were_away_is_no_silence(empty_desk):
    hourly(empty_desk, 40)
    empty_desk.run(lambda s: setattr(s.get_one(SourceRow, "bbs"), "next_poll_at", None))
    empty_desk.clock.advance(12 * HOUR)
    for _ in range(3):
        look(empty_desk)
        empty_desk.clock.advance(MINUTE)
    assert heard(empty_desk) == []
    known = health.past(row_of(empty_desk).habits)
    assert known.watched_from is None or known.watched_from > START


def test_no_silence_is_heard_while_our_network_is_down(empty_desk):
    hourly(empty_desk, 40)
    pass_in_silence(empty_desk, 2)
    for name in TEN:
        fail(empty_desk, source=name)
    empty_desk.clock.advance(12 * HOUR)
    for name in TEN:
        fail(empty_desk, source=name)
    look(empty_desk, "bbs", *TEN)
    assert [words for words in heard(empty_desk) if "silent" in words] == []


# --- our own polling, and sources that are gone -------------------------------------------------------------------


def test_sources_that_nobody_polls_are_told_once_and_when_it_goes_on(empty_desk):
    answer(empty_desk)
    empty_desk.clock.advance(14 * MINUTE)
    look(empty_desk)
    assert empty_desk.all(AilmentRow) == []
    for _ in range(20):
        empty_desk.clock.advance(MINUTE)
        look(empty_desk)
    assert heard(empty_desk) == ["ails * stuck"]
    assert "1 个来源早该读取而没有读，最早的应在 11-17 10:01" in empty_desk.all(AilmentRow)[0].detail
    touch(empty_desk, "bbs")
    for _ in range(2):
        look(empty_desk)
    assert heard(empty_desk) == ["ails * stuck", "ok * stuck"]


def test_after_a_long_sleep_late_sources_are_no_alarm(empty_desk):
    answer(empty_desk)
    empty_desk.clock.advance(8 * HOUR)
    look(empty_desk)
    empty_desk.clock.advance(MINUTE)
    touch(empty_desk, "bbs")
    look(empty_desk)
    assert heard(empty_desk) == []
    assert empty_desk.all(AilmentRow) == []


def test_what_ails_a_source_that_is_not_configured_any_more_is_let_go_without_a_word(empty_desk):
    answer(empty_desk, symptoms=(ill(Ailment.CHARSET),), source="gone")
    fail(empty_desk, Fault.NOT_A_FEED, source="gone too")
    answer(empty_desk, symptoms=(ill(Ailment.CHARSET),))
    before = heard(empty_desk)
    empty_desk.clock.advance(HOUR)
    touch(empty_desk)
    look(empty_desk)
    assert [row.source_id for row in empty_desk.all(AilmentRow) if row.source_id != "*"] == ["bbs"]
    assert row_of(empty_desk, "gone too").fault_told_at is None
    assert heard(empty_desk) == before


def test_a_comment_feed_under_watch_is_not_gone(empty_desk):
    watch = CommentWatchRow(
        source_id="bbs~1", origin_id="bbs", parent_id="1", url="http://x.example/", seen_at=START
    )
    watch.until = START + HOUR
    empty_desk.run(lambda s: s.add(watch))
    answer(empty_desk, symptoms=(ill(Ailment.CHARSET),), source="bbs~1")
    look(empty_desk)
    assert len(empty_desk.all(AilmentRow)) == 1
    empty_desk.clock.advance(2 * HOUR)
    look(empty_desk)
    assert [row.source_id for row in empty_desk.all(AilmentRow) if row.source_id != "*"] == []


# --- many at once -------------------------------------------------------------------------------------------------


def test_a_source_that_answers_as_before_keeps_what_is_remembered_but_for_the_time(empty_desk):
    answer(empty_desk)
    before = states(empty_desk, "bbs")["bbs"]
    empty_desk.clock.advance(MINUTE)
    touch(empty_desk, "bbs")
    now = empty_desk.clock()
    assert states(empty_desk, "bbs")["bbs"] == replace(before, last_ok_at=now, next_poll_at=now + MINUTE)
    assert row_of(empty_desk).last_polled_at == now
    assert heard(empty_desk) == []


def test_a_source_that_answers_as_before_is_well_again(empty_desk):
    answer(empty_desk, source="ill", symptoms=(ill(Ailment.FROZEN),))
    answer(empty_desk, source="well")
    fail(empty_desk, Fault.NOT_A_FEED, source="broken")
    empty_desk.clock.advance(MINUTE)
    touch(empty_desk, "ill", "broken", "well")
    assert sorted(heard(empty_desk)) == ["ails ill frozen", "fault broken", "ok broken", "ok ill frozen"]
    assert row_of(empty_desk, "broken").fault is None


def test_many_sources_in_health_cost_no_statement_each(empty_desk):
    names = [f"s{n:03d}" for n in range(300)]

    def enter(session) -> None:
        common = {"baseline_done": True, "next_poll_at": START + MINUTE, "changed_at": START}
        session.add_all(SourceRow(id=n, last_new_at=START, last_polled_at=START, **common) for n in names)

    empty_desk.run(enter)
    statements: list[str] = []
    event.listen(empty_desk.store.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    touch(empty_desk, *names)
    assert len(statements) < 10
    assert {row.last_polled_at for row in empty_desk.all(SourceRow)} == {START}


def test_the_schedule_names_those_that_have_one(empty_desk):
    answer(empty_desk)
    answer(empty_desk, source="other")
    found = empty_desk.run(lambda s: sources.schedule(s, ["bbs", "new"]))
    assert found == {"bbs": START + MINUTE}


def test_entries_that_cannot_be_read_now_and_then_are_told_once_and_over_after_an_hour(empty_desk):
    """Of a stream each round shows another part: that this one is sound says little of the last."""
    for _ in range(5):
        answer(empty_desk, symptoms=(ill(Ailment.SKIPPED),))
        empty_desk.clock.advance(MINUTE)
        answer(empty_desk)
        empty_desk.clock.advance(MINUTE)

    def told():
        return [row.payload["template"] for row in empty_desk.all(OutboxRow, OutboxRow.chat == "operator")]

    assert told() == ["source_ails"]
    empty_desk.clock.advance(HOUR)
    answer(empty_desk)
    assert told() == ["source_ails", "source_ok"]


def test_a_source_that_was_taken_out_and_put_back_alarms_again(empty_desk):
    answer(empty_desk)
    fail(empty_desk, Fault.NOT_A_FEED)
    empty_desk.clock.advance(HOUR)
    empty_desk.run(
        lambda s: sources.look(s, empty_desk.office, empty_desk.ledger, empty_desk.clock(), {"other": None})
    )
    fail(empty_desk, Fault.NOT_A_FEED)
    told = [row.payload["template"] for row in empty_desk.all(OutboxRow, OutboxRow.chat == "operator")]
    assert told.count("source_fault") == 2
