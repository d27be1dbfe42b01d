"""What is shown of a case: values that hold together whatever the session does, and the finding of a case."""

from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
from builders import HOUR, MINUTE, START, Desk, item, views
from sqlalchemy import event

from routing.items import Band, Counts, Sentiment
from routing.office import Level, Step
from routing.store.tables import CaseRow, ItemRow
from routing.views import case_view, find_case, open_cases
from routing.workflow import Command, Opinion, Stage, State

WATER = "东湖小区今天又停水了，物业不管"


def view(desk: Desk, case_id: int, draft_version: int | None = None):
    return desk.run(lambda s: case_view(s, case_id, draft_version))


def test_a_new_matter_shows_its_text_its_reasons_and_its_limits(desk):
    case_id = desk.open(title="停水三天", counts=Counts(views=7, likes=2))
    shown = view(desk, case_id)
    assert (shown.number, shown.title, shown.state) == ("YQ-2026-0001", "停水三天", State.JUDGING)
    assert (shown.level, shown.proposed_level, shown.channel) == (Level.IV, Level.IV, "petition")
    assert (shown.proposed_channel, shown.copies, shown.place) == ("petition", ("network",), "东湖小区")
    assert shown.reasons[0].rule == "停水"
    assert shown.reasons[0].words == ("停水",)
    assert (shown.items, shown.sources, shown.counts) == (1, ("bbs",), Counts(views=7, likes=2))
    assert [(d.step, d.due_at) for d in shown.deadlines] == [
        (Step.DISPATCH, START + 4 * HOUR),
        (Step.RESPOND, START + 48 * HOUR),
    ]
    assert (shown.slip, shown.draft, shown.release_url, shown.released_by) == (None, None, None, "")
    with pytest.raises(FrozenInstanceError):
        shown.title = "x"


def test_texts_of_a_case_are_summed_and_its_first_is_quoted(desk):
    bad = Sentiment(0.1, 0.1, Band.NEGATIVE, "snownlp", "1")
    desk.know("bbs", "weibo")
    for n in range(5):
        more = {"source_id": "weibo"} if n % 2 else {}
        text = item(
            WATER,
            counts=views(n) if n else Counts(),
            sentiment=bad if n < 2 else None,
            published_at=START - (10 - n) * MINUTE,
            **more,
        )
        desk.accept(text, source=more.get("source_id", "bbs"))
    [case] = desk.all(CaseRow)
    shown = view(desk, case.id)
    assert (shown.items, shown.sources, shown.counts.views) == (5, ("bbs", "weibo"), 10)
    assert shown.counts.likes is None  # nobody showed any: that is not nought
    assert shown.bands == {Band.NEGATIVE: 2, Band.UNCLEAR: 0, Band.NOT_NEGATIVE: 0}
    assert shown.lead.at == START - 10 * MINUTE


@pytest.mark.parametrize(
    ("band", "shown"), [(Band.NEGATIVE, "物业不管"), (Band.UNCLEAR, "物业不管"), (Band.NOT_NEGATIVE, "")]
)
def test_the_sentence_that_sounds_worst_is_kept_and_told_of_what_is_not_friendly(desk, band, shown):
    mood = Sentiment(0.5, 0.5, band, "ngram", "1", quote="物业不管")
    case_id = desk.open(sentiment=mood)
    assert view(desk, case_id).lead.quote == shown
    [row] = desk.all(ItemRow)
    assert row.quote == "物业不管"


def test_the_whole_story_can_be_shown_with_names(desk):
    case_id = desk.at(State.CLOSED)
    shown = view(desk, case_id)
    assert (shown.slip.dispatched_by, shown.slip.signed_by, shown.slip.unit) == (
        "王值班",
        "赵联络",
        "社情民意承办单位",
    )
    assert (shown.draft.drafter, shown.draft.version, shown.draft.previous) == ("赵联络", 1, None)
    assert [(r.stage, r.opinion, r.reviewer) for r in shown.draft.reviews] == [
        (Stage.FIRST, Opinion.PASS, "孙初审"),
        (Stage.SECRECY, Opinion.PUBLIC, "吴保密"),
        (Stage.APPROVAL, Opinion.PASS, "郑县长"),
    ]
    assert (shown.release_url, shown.released_by) == ("https://gov.example/answer/1", "赵联络")
    assert (shown.deadlines, shown.closed_at) == ((), desk.clock())


def test_an_older_draft_can_be_shown_and_a_newer_one_tells_what_changed(desk):
    case_id = desk.at(State.IN_REVIEW)
    desk.act(case_id, Command.DRAFT, "colleague", text="第二稿")
    now, before = view(desk, case_id), view(desk, case_id, 1)
    assert (now.draft.text, now.draft.drafter, now.draft.previous) == ("第二稿", "周联络", before.draft.text)
    assert (before.draft.version, before.draft_version) == (1, 2)
    assert view(desk, case_id, 9).draft is None


def test_a_case_that_came_back_shows_its_newest_slip(desk):
    case_id = desk.at(State.RETURNED)
    assert view(desk, case_id).slip.returned_by == "赵联络"
    desk.act(case_id, Command.DISPATCH, channel="network")
    shown = view(desk, case_id)
    assert (shown.slip.channel, shown.slip.returned_at) == ("network", None)
    assert (shown.channel, shown.proposed_channel) == ("network", "petition")


def test_there_is_nothing_to_show_of_a_case_that_does_not_exist(desk):
    assert view(desk, 987_654) is None


def test_a_case_is_found_by_number_by_serial_and_by_the_address_of_a_text(desk):
    case_id = desk.open(url="http://bbs.example/thread?id=1")
    other = desk.open("西山小区塌方")
    for key in ("YQ-2026-0001", "yq-2026-0001", " 0001 ", "1", "http://bbs.example/thread?id=1"):
        assert desk.run(lambda s, k=key: find_case(s, k)) == case_id
    assert desk.run(lambda s: find_case(s, "2")) == other
    for key in ("3", "", "YQ-2026-000", "%", "http://bbs.example/"):
        assert desk.run(lambda s, k=key: find_case(s, k)) is None


@pytest.mark.parametrize("key", ["1", "YQ-2026-0001", "９９", "http://bbs.example/none"])
def test_no_key_makes_the_database_read_all_matters(desk, key):
    desk.open()
    if desk.store.url.get_backend_name() != "sqlite":
        pytest.skip("SQLite says beforehand which tables it reads whole")
    asked: list[tuple[str, Any]] = []
    engine = desk.store.engine
    event.listen(engine, "before_cursor_execute", lambda _c, _x, sql, given, *_: asked.append((sql, given)))
    desk.run(lambda s: find_case(s, key))
    with engine.connect() as connection:
        plans = [
            row.detail
            for sql, given in list(asked)
            if sql.startswith("SELECT")
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", given)
        ]
    assert any("matter" in plan for plan in plans)
    assert [plan for plan in plans if plan.startswith("SCAN") and "counter" not in plan] == []


def test_a_serial_of_two_years_means_the_newer_case(desk):
    desk.open()
    desk.clock.now = START.replace(year=2027)
    newer = desk.open("西山小区塌方")
    assert desk.case(newer).number == "YQ-2027-0001"
    assert desk.run(lambda s: find_case(s, "1")) == newer


def test_open_cases_come_gravest_first_then_oldest_and_without_those_that_are_over(desk):
    done = desk.at(State.DISMISSED, "果园塌方砸了大棚")
    ids = []
    for text in ("东湖小区停水了，物业不管", "西山小区停水了，物业不管", "西山小区塌方"):
        desk.clock.advance(HOUR)
        ids.append(desk.open(text))
    found = [case.id for case in desk.run(open_cases)]
    assert found == [ids[2], ids[0], ids[1]]
    assert done not in found
    assert len(desk.run(lambda s: open_cases(s, limit=1))) == 1


def test_a_contact_sees_what_was_sent_to_his_channel_and_not_what_is_being_judged(desk):
    desk.open()
    mine = desk.at(State.TO_SIGN, "西山小区停水了，物业不管")
    found = desk.run(lambda s: open_cases(s, channels=["petition"]))
    assert [case.id for case in found] == [mine]
    assert desk.run(lambda s: open_cases(s, channels=["network"])) == []
    assert desk.run(lambda s: open_cases(s, channels=[])) == []


def test_an_edited_text_is_shown_as_it_reads_now(desk):
    first = item(WATER)
    desk.know()
    desk.accept(first)
    desk.accept(replace(first, text=WATER + "。已恢复"))
    [case] = desk.all(CaseRow)
    assert view(desk, case.id).lead.text.endswith("已恢复")
