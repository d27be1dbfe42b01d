"""What an answer did: a day before its release beside the day after, measured once."""

from dataclasses import replace
from datetime import timedelta

import pytest
from builders import HOUR, MINUTE, Desk, item
from test_bot_looking import text_of

from bot.lists import digest_card
from bot.render import duty_card
from routing import effect
from routing.clock import week_of
from routing.digest import week_numbers
from routing.items import Band, Counts, Item, Sentiment
from routing.store.tables import CaseRow, LedgerRow, ReleaseRow
from routing.views import case_view
from routing.workflow import Command, State

SAME = "东湖小区今天又停水了，物业不管"


def felt(band: Band) -> Sentiment:
    return Sentiment(raw=0.1, value=0.1, band=band, scorer="test", version="1")


def brought(desk: Desk, bands: list[Band], **more) -> None:
    """Texts of the one matter, published at intervals of a minute up to now."""
    now = desk.clock()
    desk.accept(
        *(
            item(SAME, published_at=now - place * MINUTE, sentiment=felt(band), **more)
            for place, band in enumerate(bands)
        )
    )


def seen(desk: Desk, text: Item, views: int) -> None:
    """Let a source show a text with more views."""
    desk.accept(replace(text, counts=Counts(views=views)))


def measure(desk: Desk) -> int:
    return desk.run(lambda s: effect.tick(s, desk.ledger, desk.clock()))


@pytest.fixture
def answered(desk: Desk) -> int:
    """A matter that was answered after six texts, five of them bad."""
    desk.know()
    brought(desk, [Band.NEGATIVE] * 5 + [Band.NOT_NEGATIVE])
    [case] = desk.all(CaseRow)
    desk.clock.advance(HOUR)
    desk.walk(case.id, State.CLOSED)
    return case.id


def test_a_day_after_the_release_both_days_stand_side_by_side(desk, answered):
    desk.clock.advance(HOUR)
    brought(desk, [Band.NEGATIVE, Band.NEGATIVE, Band.NOT_NEGATIVE, Band.NOT_NEGATIVE, Band.NOT_NEGATIVE])
    desk.clock.advance(22 * HOUR)
    assert measure(desk) == 0  # 23 hours
    desk.clock.advance(HOUR)
    assert measure(desk) == 1
    view = desk.run(lambda s: case_view(s, answered))
    found = view.effect
    assert (found.before, found.after) == (6, 5)
    assert (found.negative_before, found.negative_after) == (83, 40)
    told = text_of(duty_card(view, desk.office, {}))
    assert "回应后 24 小时新增 5 条（前 24 小时 6 条），消极占比 83%→40%" in told


def test_it_is_measured_once_and_the_record_says_so(desk, answered):
    desk.clock.advance(25 * HOUR)
    assert (measure(desk), measure(desk)) == (1, 0)
    [line] = desk.all(LedgerRow, LedgerRow.action == "effect")
    assert line.case_id == answered
    brought(desk, [Band.NEGATIVE])
    assert measure(desk) == 0
    assert desk.run(lambda s: case_view(s, answered)).effect.after == 0


def test_where_there_is_too_little_nothing_is_said(desk):
    case_id = desk.at(State.CLOSED)
    desk.clock.advance(25 * HOUR)
    assert measure(desk) == 1
    assert measure(desk) == 0
    view = desk.run(lambda s: case_view(s, case_id))
    assert view.effect is None
    assert desk.all(LedgerRow, LedgerRow.action == "effect") == []
    assert "回应效果" not in text_of(duty_card(view, desk.office, {}))


def test_a_share_of_less_than_three_scored_texts_is_no_share(desk, answered):
    desk.clock.advance(HOUR)
    brought(desk, [Band.NEGATIVE])
    desk.clock.advance(24 * HOUR)
    measure(desk)
    view = desk.run(lambda s: case_view(s, answered))
    assert (view.effect.negative_before, view.effect.negative_after) == (83, None)
    assert "占比" not in text_of(duty_card(view, desk.office, {}))


def test_growth_is_what_the_counts_grew_by_in_each_of_the_days(desk):
    desk.know()
    text = item(SAME, counts=Counts(views=100))
    desk.accept(text, item(SAME), item(SAME))
    [case] = desk.all(CaseRow)
    case_id = case.id
    desk.clock.advance(2 * HOUR)
    seen(desk, text, 700)
    desk.walk(case_id, State.CLOSED)
    desk.clock.advance(2 * HOUR)
    seen(desk, text, 900)
    desk.clock.advance(23 * HOUR)
    measure(desk)
    view = desk.run(lambda s: case_view(s, case_id))
    assert (view.effect.grown_before, view.effect.grown_after) == (700, 200)
    assert "浏览转评增长 700→200" in text_of(duty_card(view, desk.office, {}))


def test_the_digest_of_the_days_in_which_it_was_measured_tells_it(desk, answered):
    desk.clock.advance(25 * HOUR)
    measure(desk)
    span = week_of(desk.clock(), desk.office.zone)
    digest = desk.run(lambda s: week_numbers(s, desk.office, span, desk.clock()))
    assert [one.number for one in digest.effects] == [desk.case(answered).number]
    assert "前 24 小时 6 条" in text_of(digest_card(digest, desk.office))
    before = week_of(span.start - timedelta(hours=1), desk.office.zone)
    assert desk.run(lambda s: week_numbers(s, desk.office, before, desk.clock())).effects == ()


def test_every_release_of_a_matter_has_its_own_day(desk, answered):
    desk.clock.advance(25 * HOUR)
    measure(desk)
    desk.act(answered, Command.FOLLOW)
    for command in (Command.DRAFT, Command.PASS, Command.CLEAR, Command.APPROVE, Command.CONFIRM):
        desk.act(answered, command)
    assert desk.run(lambda s: case_view(s, answered)).effect is None  # of the newest release
    assert [bool(row.effect) for row in desk.all(ReleaseRow)] == [True, False]
