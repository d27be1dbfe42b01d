"""Quiet hours of a level: what waits for the morning, what never does, and that `why` says so."""

from dataclasses import replace
from datetime import datetime, time

import pytest
from builders import HOUR, MINUTE, RULES_TOML, ZONE, Desk, harvest, item, make_office, make_rules, views
from test_bot_config import TEMPLATES

from bot.office_file import load_office
from routing import deadlines, outbox, reconcile
from routing.auditor import audit
from routing.errors import ConfigError
from routing.items import Kind
from routing.office import Level, Limit, Step
from routing.quiet import held_until, is_silent
from routing.store.tables import OutboxRow
from routing.why import explain

NIGHT = (time(22), time(7))
DANGER = "东湖小区旁边塌方了"
WATER = "东湖小区今天又停水了，物业不管"


def local(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


@pytest.fixture
def office():
    return make_office(quiet={Level.IV: NIGHT})


@pytest.mark.parametrize(
    ("now", "until"),
    [
        (local(17, 21, 59), None),
        (local(17, 22), local(18, 7)),
        (local(17, 23, 30), local(18, 7)),
        (local(18, 0, 0), local(18, 7)),
        (local(18, 6, 59), local(18, 7)),
        (local(18, 7), None),
        (local(18, 12), None),
    ],
)
def test_a_stretch_over_midnight_ends_in_the_morning(office, now, until):
    assert held_until(office, Level.IV, now) == until


def test_a_stretch_within_a_day_ends_that_day():
    office = make_office(quiet={Level.III: (time(12), time(14))})
    assert held_until(office, Level.III, local(17, 13)) == local(17, 14)
    assert held_until(office, Level.III, local(17, 14)) is None
    assert held_until(office, Level.IV, local(17, 13)) is None


def test_the_grave_levels_are_never_held():
    office = make_office(quiet=dict.fromkeys(Level, NIGHT))
    assert [held_until(office, level, local(17, 23)) is None for level in Level] == [True, True, False, False]


def card(desk: Desk) -> OutboxRow:
    [row] = desk.all(OutboxRow, OutboxRow.kind == "card")
    return row


def test_a_light_matter_of_the_night_waits_and_why_says_until_when(desk):
    desk.clock.now = local(17, 23)
    desk.open()
    assert card(desk).next_attempt_at == local(18, 7)
    assert desk.run(lambda s: outbox.due(s, local(18, 6, 59))) == []
    [message] = desk.run(lambda s: outbox.due(s, local(18, 7)))
    assert message.kind == "card"
    told = [step.detail for step in desk.run(lambda s: explain(s, "YQ-2026-0001")) if step.what == "消息"]
    assert "免打扰时段，等到 11-17 23:00 UTC 再发" in told[0]


def test_a_held_card_is_not_posted_again_by_the_auditor(desk):
    desk.clock.now = local(17, 23)
    desk.open()
    desk.clock.advance(hours=2)
    assert desk.run(lambda s: reconcile.missing_cards(s, desk.office, desk.clock())) == 0
    assert len(desk.all(OutboxRow, OutboxRow.kind == "card")) == 1


def test_a_held_card_is_no_message_that_is_stuck_until_it_may_go(desk):
    desk.clock.now = local(17, 23)
    desk.open()
    desk.clock.advance(hours=2)
    assert not [text for text in desk.run(lambda s: audit(s, desk.office, desk.clock())) if "积压" in text]
    desk.clock.now = local(18, 7) + 6 * MINUTE
    assert [text for text in desk.run(lambda s: audit(s, desk.office, desk.clock())) if "积压" in text]


def test_a_grave_matter_of_the_night_goes_at_once(desk):
    desk.clock.now = local(17, 23)
    desk.open("东湖小区旁边塌方了")
    assert card(desk).next_attempt_at == desk.clock()


def test_a_matter_that_grows_in_the_night_waits_no_longer(desk):
    desk.clock.now = local(17, 23)
    desk.open()
    desk.clock.advance(HOUR)
    desk.take(harvest(item(WATER, external_id="again", counts=views(20_000))))
    held = card(desk)
    assert held.next_attempt_at == desk.clock()
    raised = [row for row in desk.all(OutboxRow) if row.payload.get("template") == "level_raised"]
    assert [row.next_attempt_at for row in raised] == [desk.clock()]


@pytest.mark.parametrize(
    ("level", "now", "silent"),
    [
        (Level.IV, local(17, 23), True),
        (Level.III, local(18, 3), True),
        (Level.II, local(18, 3), False),
        (Level.III, local(18, 7), False),
        (Level.IV, local(17, 21, 59), False),
    ],
)
def test_at_night_only_the_grave_ring(level, now, silent):
    assert is_silent(make_office(night=NIGHT), level, now) is silent
    assert not is_silent(make_office(), level, now)


def test_a_light_matter_of_the_night_comes_at_once_without_a_sound_and_why_says_so(desk):
    desk.office = replace(desk.office, quiet={}, night=NIGHT)
    desk.clock.now = local(17, 23)
    desk.open()
    row = card(desk)
    assert (row.next_attempt_at, row.payload[outbox.SILENT]) == (desk.clock(), True)
    told = [step.detail for step in desk.run(lambda s: explain(s, "YQ-2026-0001")) if step.what == "消息"]
    assert "不响铃" in told[0]
    desk.take(harvest(item(WATER, external_id="again", counts=views(20_000))))
    [raised] = [row for row in desk.all(OutboxRow) if row.payload.get("template") == "level_raised"]
    assert raised.payload[outbox.SILENT]
    desk.take(harvest(item(WATER, external_id="third", counts=views(200_000))))
    grave = [row for row in desk.all(OutboxRow) if row.payload.get("template") == "level_raised"][-1]
    assert outbox.SILENT not in grave.payload


@pytest.mark.parametrize(
    ("now", "silent"),
    [
        (local(17, 10), False),
        (local(17, 13), True),  # at lunch
        (local(17, 19), True),
        (local(21, 10), True),  # on a Saturday
        (local(17, 23), True),
    ],
)
def test_that_three_sites_carry_a_matter_rings_in_working_hours_only_and_once(desk, now, silent):
    desk.office = replace(desk.office, night=NIGHT)
    desk.clock.now = now
    desk.know("bbs", "weibo", "board", "tieba")
    desk.open()
    for site in ("weibo", "board", "tieba"):
        desk.accept(item(WATER, source_id=site), source=site)
    [raised] = [row for row in desk.all(OutboxRow) if row.payload.get("template") == "level_raised"]
    assert raised.payload["why"] == "已在 3 个站点出现"
    assert raised.payload.get(outbox.SILENT, False) is silent


@pytest.mark.parametrize(("seen", "level"), [(20_000, 3), (200_000, 2)])
def test_how_many_read_it_rings_in_the_evening_too(desk, seen, level):
    desk.office = replace(desk.office, night=NIGHT)
    desk.clock.now = local(17, 19)
    desk.open()
    desk.take(harvest(item(WATER, external_id="again", counts=views(seen))))
    [raised] = [row for row in desk.all(OutboxRow) if row.payload.get("template") == "level_raised"]
    assert raised.payload["new"] == level
    assert outbox.SILENT not in raised.payload


def test_a_limit_in_working_time_is_told_in_the_mornings_and_one_by_the_clock_in_the_night(desk):
    desk.office.limits[Step.DISPATCH][Level.IV] = Limit(240, working=True)
    desk.clock.now = local(17, 17)  # due 11:30 the next day, halfway at 09:30
    desk.open()
    for hour in (3, 23):  # nothing at night; and what a service that slept all day finds at night waits too
        desk.clock.now = local(18, hour)
        desk.run(lambda s: deadlines.tick(s, desk.office, desk.ledger, desk.clock()))
        if hour == 3:
            assert not told(desk, "dispatch")
    [overdue] = told(desk, "dispatch")
    assert overdue.next_attempt_at == local(19, 7)
    assert overdue.valid_until > local(19, 7) + HOUR
    assert [row.next_attempt_at for row in told(desk, "respond")] == [local(18, 23)]  # half of 48 hours


def told(desk: Desk, step: str) -> list[OutboxRow]:
    return [row for row in desk.all(OutboxRow) if row.payload.get("step") == step]


def test_what_waits_after_a_failed_try_is_not_hastened_past_the_platforms_wish(desk):
    desk.open()
    message = desk.run(lambda s: outbox.claim(s, card(desk).id, desk.clock()))
    later = desk.clock() + 5 * MINUTE
    desk.run(lambda s: outbox.record_retry(s, message, error="429", at=later, uncertain=False))
    desk.run(lambda s: outbox.hasten(s, card(desk).dedupe_key, outbox.Priority.ALERT, desk.clock()))
    assert card(desk).next_attempt_at == later


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ('I = "22:00-07:00"', "不能设免打扰"),
        ('II = "22:00-07:00"', "不能设免打扰"),
        ('IV = "22:00"', "不是一段时间"),
        ('night = "22:00"', "不是一段时间"),
        ('IV = "22:00-22:00"', "不是一段时间"),
        ('IV = "18:00-17:00"', "超过 14 小时"),
        ('V = "22:00-07:00"', "不认识的键"),
    ],
)
def test_quiet_hours_that_cannot_be_are_refused_with_the_cure(line, word):
    text = TEMPLATES["office.toml"].replace("[digest]", f"[quiet]\n{line}\n\n[digest]")
    with pytest.raises(ConfigError) as caught:
        load_office(text, "office.toml")
    [problem] = caught.value.problems
    assert word in problem.reason
    assert problem.line is not None


def test_quiet_hours_are_read_and_the_template_shows_how():
    commented = TEMPLATES["office.toml"]
    assert load_office(commented, "office.toml").quiet == {}
    assert load_office(commented, "office.toml").night == NIGHT
    never = commented.replace("#[quiet]", "[quiet]").replace('#night = "22:00-07:00"', 'night = ""')
    assert load_office(never, "office.toml").night is None
    wanted = commented.replace("#[quiet]", "[quiet]").replace('#IV = "22', 'IV = "22')
    assert load_office(wanted, "office.toml").quiet == {Level.IV: NIGHT}


def test_a_matter_of_the_night_that_turns_into_a_danger_waits_no_longer(desk):
    desk.rules = make_rules(RULES_TOML.replace("level = 2\n", ""))
    desk.clock.now = local(17, 23)
    case_id = desk.open(external_id="thread")
    desk.clock.advance(HOUR)
    desk.accept(item("我们这边塌方了", kind=Kind.COMMENT, parent_id="thread"))
    assert (desk.case(case_id).channel, desk.case(case_id).level) == ("security", Level.IV)
    assert card(desk).next_attempt_at == desk.clock()


@pytest.mark.parametrize("quiet", [{}, {Level.IV: NIGHT}])
def test_a_danger_of_the_night_rings_whatever_its_level(desk, quiet):
    desk.office = replace(desk.office, quiet=quiet, night=NIGHT)
    desk.rules = make_rules(RULES_TOML.replace("level = 2\n", ""))
    desk.clock.now = local(17, 23)
    danger = desk.open(DANGER)
    assert (desk.case(danger).level, desk.case(danger).channel) == (Level.IV, "security")
    row = card(desk)
    assert row.next_attempt_at == desk.clock()
    assert outbox.SILENT not in row.payload
    desk.take(harvest(item(DANGER, external_id="again", counts=views(20_000))))
    [raised] = [row for row in desk.all(OutboxRow) if row.payload.get("template") == "level_raised"]
    assert outbox.SILENT not in raised.payload
