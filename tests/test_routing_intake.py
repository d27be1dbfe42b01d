"""One harvest taken in whole: baseline, repeats, copies, comments, revisions, levels, and nothing by halves."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from builders import HOUR, MINUTE, RULES_TOML, START, Desk, harvest, item, make_rules, views, wait_until
from sqlalchemy import func, select, text

from routing import cases, intake, outbox, sources
from routing.items import Band, Counts, Fault, Kind, Sentiment, SourceProblem, SourceState
from routing.ledger import entries
from routing.office import Level
from routing.store.tables import (
    Base,
    CaseItemRow,
    CaseRow,
    ItemRow,
    LedgerRow,
    OutboxRow,
    Outcome,
    ProposalRow,
    PushRow,
    SourceRow,
    SuggestionRow,
)
from routing.views import case_view
from routing.workflow import Command, Ground, Refusal, State

WATER = "东湖小区今天又停水了，物业说不知道什么时候来水"


@pytest.fixture
def known(desk: Desk) -> Desk:
    """A desk to which the source `bbs` is no news."""
    desk.know("bbs", "bbs-c", "weibo")
    return desk


def counted(desk: Desk) -> dict[str, int]:
    tables = Base.metadata.sorted_tables
    return desk.run(lambda s: {t.name: s.scalar(select(func.count()).select_from(t)) for t in tables})


def sounds(desk: Desk) -> list[tuple[str, str]]:
    """What is queued that people hear, as (chat, template or card); updates of standing cards make no sound."""
    return [
        (row.chat, row.payload.get("template") or row.payload["card"])
        for row in desk.all(OutboxRow, OutboxRow.kind != "edit")
    ]


def somebody_waits(desk: Desk) -> bool:
    """Whether a transaction of this PostgreSQL database waits for another one."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return bool(desk.run(lambda s: s.scalar(waiting)))


def sent(desk: Desk) -> None:
    """Let everything that is queued arrive."""

    def work(session) -> None:
        for message in outbox.due(session, desk.clock(), limit=1_000):
            claimed = outbox.claim(session, message.id, desk.clock())
            outbox.record_sent(
                session, claimed, chat=message.chat, sent_as=f"m{message.id}", now=desk.clock()
            )

    desk.run(work)


def edits(desk: Desk) -> int:
    """How many updates of standing cards were queued so far."""
    return len(desk.all(OutboxRow, OutboxRow.kind == "edit"))


# --- what becomes of one text -----------------------------------------------------------------------------------


def test_the_first_sight_of_a_source_is_a_baseline_and_alerts_nobody(desk):
    lines = desk.accept(item(WATER), item("西山小区塌方了"))
    assert all("记为存量" in line for line in lines)
    assert {row.outcome for row in desk.all(ItemRow)} == {Outcome.BASELINE}
    assert (desk.all(CaseRow), desk.all(OutboxRow)) == ([], [])
    desk.accept(item("西山小区又停水了"))
    assert len(desk.all(CaseRow)) == 1


def test_at_first_sight_what_is_younger_than_the_window_is_news(desk):
    desk.take(
        harvest(
            item(WATER, published_at=START - 6 * HOUR),
            item("西山小区塌方了", published_at=START - 6 * HOUR - MINUTE),
            item("西山小区停水了", published_at=None),
            window=timedelta(hours=6),
        )
    )
    assert [case.place for case in desk.all(CaseRow)] == ["东湖小区"]
    assert sorted((row.outcome, row.found) for row in desk.all(ItemRow)) == [
        (Outcome.BASELINE, []),
        (Outcome.BASELINE, []),
        (Outcome.CASE, ["window"]),
    ]
    assert sounds(desk) == [("duty-group", "duty")]


def test_the_window_counts_from_when_the_source_was_read(desk):
    desk.clock.advance(HOUR)  # it waited for the database
    young = item(WATER, published_at=START - 5 * HOUR)
    desk.take(harvest(young, at=START, window=timedelta(hours=5)))
    assert len(desk.all(CaseRow)) == 1


def test_after_the_first_sight_the_window_is_no_matter(known):
    known.take(harvest(item(WATER, published_at=START - 100 * HOUR), window=timedelta(hours=1)))
    assert len(known.all(CaseRow)) == 1


def test_a_failed_first_round_does_not_use_up_the_baseline(desk):
    desk.take(harvest(state=SourceState("bbs", failures=1, baseline_done=False)))
    desk.accept(item(WATER))
    assert desk.all(CaseRow) == []


def test_a_text_that_a_rule_takes_opens_a_matter_with_its_reasons(known):
    [line] = known.accept(item(WATER, title="停水三天"))
    [case] = known.all(CaseRow)
    assert "新事项 YQ-2026-0001" in line
    assert (case.number, case.state, case.level) == ("YQ-2026-0001", State.JUDGING, Level.IV)
    assert (case.channel, case.copies, case.place, case.topic) == (
        "petition",
        ["network"],
        "东湖小区",
        "供水",
    )
    [proposal] = known.all(ProposalRow)
    assert (proposal.channel, proposal.rules_version) == ("petition", known.rules.version)
    assert proposal.reasons[0]["words"] == ["停水"]
    [opened] = known.run(lambda s: entries(s, case.id))
    assert (opened["actor"], opened["action"], opened["data"]["number"]) == ("系统", "open", case.number)
    assert sounds(known) == [("duty-group", "duty")]


def test_a_text_that_no_rule_takes_is_kept_with_the_reason(known):
    [line] = known.accept(item("今天天气不错"))
    [row] = known.all(ItemRow)
    assert "不成事项" in line
    assert (row.outcome, row.reasons[0]["note"]) == (Outcome.NONE, "没有规则命中")
    assert known.all(CaseRow) == []


def test_the_number_of_a_matter_begins_anew_with_the_year_of_the_office(known):
    known.accept(item(WATER))
    known.clock.now = START.replace(month=12, day=31, hour=15, minute=59)  # 23:59 in the office
    known.accept(item("西山小区停水"))
    known.clock.advance(MINUTE)
    known.accept(item("西山小区塌方"))
    assert [c.number for c in known.all(CaseRow)] == ["YQ-2026-0001", "YQ-2026-0002", "YQ-2027-0001"]


def test_a_grave_matter_is_announced_before_all_others(known):
    known.accept(item("东湖小区门口塌方了"))
    [case] = known.all(CaseRow)
    [row] = known.all(OutboxRow)
    assert (case.level, case.channel, row.priority) == (Level.II, "security", 0)


def test_a_long_title_is_cut_and_an_empty_one_is_made_of_the_text(known):
    known.accept(item(WATER, title=""), item("塌方", title="西山" + "险" * 100 + "塌方"))
    assert [len(case.title) for case in known.all(CaseRow)] == [len(WATER), 60]


# --- repeats --------------------------------------------------------------------------------------------------


def test_the_same_harvest_twice_changes_nothing(known):
    round_ = harvest(item(WATER), item("今天天气不错"), item("西山小区塌方"))
    assert len(known.take(round_)) == 3
    before = counted(known)
    assert known.take(round_) == []
    assert counted(known) == before


def test_a_pushed_body_is_taken_once(known):
    body = harvest(item(WATER), push="5" * 64)
    assert len(known.take(body)) == 1
    before = counted(known)
    again = replace(
        body, items=(*body.items, item("西山小区塌方")), state=replace(body.state, etag='"other"')
    )
    assert known.take(again) == []
    assert counted(known) == before
    assert known.all(SourceRow)[0].etag == '"new"'
    assert known.all(ItemRow)[0].found == ["push"]


def test_one_signature_from_two_sources_is_two_bodies(known):
    known.take(harvest(item(WATER), push="5" * 64))
    assert len(known.take(harvest(item(WATER, source_id="weibo"), source="weibo", push="5" * 64))) == 1


def test_a_body_that_was_not_committed_may_be_pushed_again(known):
    good, known.rules = known.rules, Trip(known.rules)
    body = harvest(item(WATER), item("西山小区停水"), item("西山小区塌方"), push="5" * 64)
    with pytest.raises(LookupError):
        known.take(body)
    known.rules = good
    assert len(known.take(body)) == 3


def test_signatures_are_let_go_after_a_day(known):
    known.take(harvest(push="1" * 64))
    known.clock.advance(hours=24, minutes=1)
    known.take(harvest(push="2" * 64))
    assert [row.signature for row in known.all(PushRow)] == ["2" * 64]


def test_a_source_says_which_ids_it_knows(known):
    known.accept(item(WATER, external_id="a"), item("今天天气不错", external_id="b"))
    asked = ["b", "c", "a", *(str(n) for n in range(2_500))]
    assert known.run(lambda s: intake.known(s, "bbs", asked)) == {"a", "b"}
    assert known.run(lambda s: intake.known(s, "weibo", asked)) == frozenset()
    assert known.run(lambda s: intake.known(s, "bbs", [])) == frozenset()


def test_a_harvest_of_thousands_is_taken_in_whole(known):
    many = [item(f"第{n}条：今天天气不错", external_id=f"many-{n}") for n in range(2_300)]
    assert len(known.accept(*many)) == 2_300
    assert known.accept(*many) == []


def test_one_id_twice_in_a_round_is_one_item(known):
    first = item(WATER)
    known.accept(first, replace(first, text="西山小区停水，另一段文字"))
    assert len(known.all(ItemRow)) == 1


def test_the_same_id_in_two_sources_is_two_items(known):
    known.accept(item(WATER, external_id="7"))
    known.accept(item("西山小区停水", external_id="7", source_id="weibo"), source="weibo")
    assert len(known.all(ItemRow)) == 2


def test_an_edited_text_is_a_revision_of_its_item_and_stays_in_its_case(known):
    first = item(WATER)
    known.accept(first)
    [line] = known.accept(replace(first, text=WATER + "。更新：已经三天了"))
    [row] = known.all(ItemRow)
    assert "第 2 版" in line
    assert (row.revision, row.text.endswith("已经三天了")) == (2, True)
    assert len(known.all(CaseItemRow)) == 1
    assert known.accept(replace(first, text=WATER + "。更新：已经三天了")) == []


def test_new_counts_are_noted_without_a_word(known):
    first = item(WATER, counts=views(10))
    known.accept(first)
    assert known.accept(replace(first, counts=views(500))) == []
    [row] = known.all(ItemRow)
    assert (row.views, row.revision) == (500, 1)


def test_new_counts_alone_edit_no_card_but_a_new_text_and_a_new_level_do(known):
    first = item(WATER, counts=views(10))
    known.accept(first)
    sent(known)
    for number in range(11, 15):
        known.accept(replace(first, counts=views(number)))
    assert edits(known) == 0
    edited = replace(first, text=WATER + "。更新：已经三天了", counts=views(15))
    known.accept(edited)
    assert edits(known) == 1
    sent(known)
    known.accept(replace(edited, counts=views(20_000)))
    assert edits(known) == 2
    sent(known)
    known.accept(replace(edited, counts=views(20_001)))
    assert edits(known) == 2


@pytest.mark.parametrize("state", [State.CLOSED, State.DISMISSED])
def test_a_revision_of_a_matter_that_is_over_edits_no_card(known, state):
    first = item(WATER)
    known.accept(first)
    [case] = known.all(CaseRow)
    sent(known)
    known.walk(case.id, state)
    sent(known)
    before = edits(known)
    known.accept(replace(first, text=WATER + "。更新：已经三天了"))
    assert known.all(ItemRow)[0].revision == 2
    assert edits(known) == before


def test_an_edited_text_that_was_no_matter_may_open_one(known):
    first = item("今天天气不错")
    known.accept(first)
    [line] = known.accept(replace(first, text=WATER))
    [case] = known.all(CaseRow)
    [row] = known.all(ItemRow)
    assert "第 2 版" in line
    assert f"新事项 {case.number}" in line
    assert (row.outcome, row.topic, row.places) == (Outcome.CASE, "供水", ["东湖小区"])
    assert (row.reasons[0]["words"], case.channel) == (["停水"], "petition")
    assert sounds(known) == [("duty-group", "duty")]
    # A copy of the new text finds it, as it would have found it from the beginning.
    [line] = known.accept(item(WATER, source_id="weibo"), source="weibo")
    assert f"并入 {case.number}" in line


def test_an_edited_text_that_was_no_matter_may_join_one(known):
    first = item("今天天气不错")
    known.accept(first)
    known.accept(item(WATER))
    [line] = known.accept(replace(first, text=WATER))
    [case] = known.all(CaseRow)
    assert f"并入 {case.number}" in line
    assert {row.outcome for row in known.all(ItemRow)} == {Outcome.CASE}
    assert len(known.all(CaseItemRow)) == 2


def test_an_edited_text_that_is_still_no_matter_is_kept_with_its_new_reason(known):
    first = item("今天天气不错")
    known.accept(first)
    [line] = known.accept(replace(first, text="东湖小区门面招租"))
    [row] = known.all(ItemRow)
    assert "第 2 版；不成事项" in line
    assert (row.outcome, row.reasons[0]["name"]) == (Outcome.NONE, "广告")
    assert known.all(CaseRow) == []


def test_an_edited_text_of_a_matter_is_judged_again_and_its_reasons_are_the_new_ones(known):
    first = item(WATER)
    known.accept(first)
    [case] = known.all(CaseRow)
    sent(known)
    known.accept(replace(first, text=WATER + "。更新：路面塌方，有人被困"))
    [row] = known.all(ItemRow)
    after = known.case(case.id)
    assert (after.level, after.proposed_level) == (Level.II, Level.II)
    assert {reason["name"] for reason in row.reasons} == {"险情"}
    told = [row.payload for row in known.all(OutboxRow, OutboxRow.priority == 0)]
    assert [(facts["template"], facts["why"]) for facts in told] == [("level_raised", "内容有修改")]
    view = known.run(lambda s: case_view(s, case.id))
    assert {reason.rule for reason in view.reasons} == {"险情"}
    assert view.proposed_channel == "petition"  # what people decided on


def test_an_edited_text_of_a_judged_matter_only_proposes(known):
    first = item(WATER)
    known.accept(first)
    [case] = known.all(CaseRow)
    known.act(case.id, Command.DISPATCH)
    known.accept(replace(first, text=WATER + "。更新：路面塌方"))
    after = known.case(case.id)
    assert (after.level, after.proposed_level) == (Level.IV, Level.II)


def test_an_edited_text_of_a_matter_that_is_over_proposes_nothing(known):
    case_id = known.at(State.DISMISSED, WATER)
    [row] = known.all(ItemRow)
    known.accept(item(WATER + "。更新：路面塌方", external_id=row.external_id, url=row.url))
    assert known.all(ItemRow)[0].revision == 2
    assert known.case(case_id).proposed_level is Level.IV


def test_an_old_text_that_turns_grave_is_news(desk):
    first = item("东湖小区门口的路坏了", published_at=START - 500 * HOUR)
    desk.accept(first)
    [line] = desk.accept(replace(first, text="东湖小区门口的路塌方了"))
    assert "第 2 版；新事项" in line
    assert [row.outcome for row in desk.all(ItemRow)] == [Outcome.CASE]
    assert sounds(desk) == [("duty-group", "duty")]


def test_an_old_text_that_was_grave_before_its_edit_stays_old(desk):
    first = item("东湖小区门口的路塌方了")
    desk.accept(first)
    desk.accept(replace(first, text="东湖小区门口的路塌方了。"))
    assert desk.all(CaseRow) == []


def test_an_edited_text_of_the_baseline_stays_old_news(desk):
    first = item("今天天气不错")
    desk.accept(first)
    assert desk.accept(replace(first, text=WATER)) == [f"{WATER[:30]}　→　内容有修改，记为第 2 版"]
    assert [row.outcome for row in desk.all(ItemRow)] == [Outcome.BASELINE]
    assert desk.all(CaseRow) == []


def felt(band: Band) -> Sentiment:
    return Sentiment(raw=0.05, value=0.05, band=band, scorer="ngram", version="1")


def test_a_score_that_comes_late_is_written_in_and_shown_without_a_sound(known):
    text = item(WATER)
    known.accept(text)
    told = sounds(known)
    [case] = known.all(CaseRow)
    assert known.accept(replace(text, sentiment=felt(Band.NEGATIVE))) == []
    [row] = known.all(ItemRow)
    assert (row.sentiment_band, row.scorer, row.revision) == (Band.NEGATIVE, "ngram 1", 1)
    assert known.run(lambda s: case_view(s, case.id)).bands[Band.NEGATIVE] == 1
    assert sounds(known) == told
    before = counted(known)
    known.accept(replace(text, sentiment=felt(Band.NEGATIVE)))
    known.accept(text)  # without a score nothing is taken back
    assert counted(known) == before
    assert known.all(ItemRow)[0].scorer == "ngram 1"


def test_a_score_that_comes_late_may_open_a_matter_and_takes_none_back(known):
    text = item("东湖小区门口这条路真是服了")
    known.accept(text)
    assert known.all(CaseRow) == []
    [line] = known.accept(replace(text, sentiment=felt(Band.NEGATIVE)))
    assert "新事项" in line
    assert "情绪消极" in line
    assert len(known.all(CaseRow)) == 1
    assert known.accept(replace(text, sentiment=felt(Band.NOT_NEGATIVE))) == []
    assert [case.state for case in known.all(CaseRow)] == [State.JUDGING]


def test_a_part_of_a_harvest_leaves_the_rest_and_the_state_for_the_whole(known):
    urgent, other = item("西山小区塌方了"), item(WATER)
    whole = harvest(urgent, other, state=SourceState("bbs", etag='"later"', baseline_done=True))
    [line] = known.take(replace(whole, part=frozenset([urgent.external_id])))
    assert line.startswith("西山小区塌方了")
    assert known.run(lambda s: sources.states(s, ["bbs"]))["bbs"].etag == '"new"'
    assert len(known.all(ItemRow)) == 1
    assert len(known.take(whole)) == 1
    assert known.run(lambda s: sources.states(s, ["bbs"]))["bbs"].etag == '"later"'
    assert len(known.all(ItemRow)) == 2


def test_a_part_of_a_pushed_body_does_not_count_as_the_body(known):
    urgent, other = item("西山小区塌方了"), item(WATER)
    pushed = harvest(urgent, other, push="a" * 64)
    known.take(replace(pushed, part=frozenset([urgent.external_id])))
    assert known.all(PushRow) == []
    assert len(known.take(pushed)) == 1
    assert len(known.all(PushRow)) == 1


# --- what belongs together --------------------------------------------------------------------------------------


def test_a_near_copy_joins_the_case_of_its_original(known):
    known.accept(item(WATER))
    known.clock.advance(HOUR)
    [line] = known.accept(item(WATER + "！", source_id="weibo"), source="weibo")
    [case] = known.all(CaseRow)
    assert f"并入 {case.number}" in line
    joined = known.all(CaseItemRow)
    assert [link.case_id for link in joined] == [case.id, case.id]
    assert "相近" in joined[1].why or "相同" in joined[1].why
    assert [a for a, _ in sounds(known)] == ["duty-group"]  # a repost rings no bell


def test_two_copies_in_one_round_are_one_matter(known):
    known.accept(item(WATER), item(WATER))
    assert len(known.all(CaseRow)) == 1
    assert len(known.all(CaseItemRow)) == 2


def test_a_text_of_another_place_is_another_matter_however_alike(known):
    known.accept(item(WATER))
    known.accept(item(WATER.replace("东湖", "西山")))
    assert [case.place for case in known.all(CaseRow)] == ["东湖小区", "西山小区"]


def test_a_comment_joins_its_parent_in_words_that_no_rule_knows(known):
    known.accept(item(WATER, external_id="thread"))
    comment = item("我们楼也是，支持楼主", kind=Kind.COMMENT, parent_id="thread", source_id="bbs-c")
    [line] = known.accept(comment, source="bbs-c")
    assert "并入" in line
    assert len(known.all(CaseItemRow)) == 2


@pytest.mark.parametrize(("source", "joins"), [("bbs-c", True), ("bbs2", False)])
def test_a_comment_of_a_sibling_finds_its_text_after_weeks_and_one_of_a_stranger_does_not(
    known, source, joins
):
    case_id = known.open(WATER, external_id="thread")
    known.know(source)
    known.clock.advance(days=30)
    late = item("我们楼也是，没水", kind=Kind.COMMENT, parent_id="thread", source_id=source)
    known.accept(replace(late, published_at=known.clock()), source=source)
    assert (known.all(CaseItemRow)[-1].case_id == case_id) is joins


def test_a_comment_in_the_round_of_its_parent_joins_it_in_whatever_order_they_came(known):
    comment = item("我们楼也是", external_id="0", kind=Kind.COMMENT, parent_id="thread")
    known.accept(comment, item(WATER, external_id="thread"))
    assert len(known.all(CaseRow)) == 1
    assert len(known.all(CaseItemRow)) == 2


def test_a_comment_under_a_text_that_is_no_matter_is_none_either(known):
    known.accept(item("今天天气不错", external_id="thread"))
    known.accept(item("确实不错", kind=Kind.COMMENT, parent_id="thread"))
    assert known.all(CaseRow) == []


def test_an_advert_below_a_matter_does_not_join_it(known):
    known.accept(item(WATER, external_id="thread"))
    known.accept(item("东湖旺铺招租", kind=Kind.COMMENT, parent_id="thread"))
    assert len(known.all(CaseItemRow)) == 1


def test_after_a_week_of_silence_the_same_words_are_a_matter_of_their_own(known):
    known.accept(item(WATER, published_at=None))
    known.clock.advance(timedelta(days=7, minutes=1))
    known.accept(item(WATER, published_at=None))
    first, second = known.all(CaseRow)
    shown = known.run(lambda s: case_view(s, second.id))
    assert (shown.earlier.number, shown.earlier.state) == (first.number, first.state)
    other = known.open("西山小区停水")
    assert known.run(lambda s: case_view(s, other)).earlier is None
    assert known.run(lambda s: case_view(s, first.id)).earlier is None


def test_a_headline_that_is_back_on_a_hot_list_after_weeks_is_news_once_and_before_that_is_none(known):
    hot = item(WATER, title=WATER, external_id=WATER, kind=Kind.HOTLIST, source_id="weibo", published_at=None)
    for days, matters in ((0, 1), (20, 1), (31, 2), (31.1, 2), (45, 2), (62, 3), (91, 3), (93, 4)):
        known.clock.now = START + timedelta(days=days)
        known.accept(hot, source="weibo")
        assert len(known.all(CaseRow)) == matters, days
    post = replace(hot, external_id="p", kind=Kind.POST, title="", text=WATER + "，急")
    before = len(known.all(ItemRow))
    for days in (70, 140):
        known.clock.now = START + timedelta(days=days)
        known.accept(post, source="weibo")
    assert len(known.all(ItemRow)) == before + 1


@pytest.mark.parametrize("state", [State.CLOSED, State.ARCHIVED])
def test_news_of_a_matter_that_is_closed_is_said_aloud_and_reopens_nothing(known, state):
    case_id = known.at(state, WATER)
    known.accept(item(WATER + "，又停了"))
    assert known.case(case_id).state is state
    assert ("duty-group", "after_close") in sounds(known)


# --- levels by spread -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "level"),
    [
        (Counts(), Level.IV),
        (Counts(views=9_999), Level.IV),
        (Counts(views=10_000), Level.III),
        (Counts(reposts=100), Level.III),
        (Counts(comments=1_000), Level.II),
        (Counts(views=10, reposts=10_000), Level.I),
    ],
)
def test_any_one_mark_of_spread_proposes_the_level(known, counts, level):
    known.accept(item(WATER, counts=counts))
    [case] = known.all(CaseRow)
    assert (case.level, case.proposed_level) == (level, level)


def test_spread_adds_up_over_the_texts_of_a_case(known):
    known.accept(item(WATER, counts=views(6_000)))
    known.accept(item(WATER, counts=views(6_000), source_id="weibo"), source="weibo")
    assert [case.level for case in known.all(CaseRow)] == [Level.III]


def test_spread_of_more_than_a_day_ago_no_longer_counts(known):
    known.accept(item(WATER, counts=views(6_000)))
    known.clock.advance(timedelta(hours=25))
    known.accept(item(WATER, counts=views(6_000), source_id="weibo"), source="weibo")
    assert [case.level for case in known.all(CaseRow)] == [Level.IV]


def test_a_raised_level_is_said_once_and_makes_older_buttons_stale(known):
    first = item(WATER, counts=views(10))
    known.accept(first)
    [case] = known.all(CaseRow)
    old = known.shown(case.id)
    for number in (20_000, 20_001):
        known.accept(replace(first, counts=views(number)))
    assert known.case(case.id).level is Level.III
    assert sounds(known).count(("duty-group", "level_raised")) == 1
    answer = known.give(case.id, known.order(old, Command.DISPATCH))
    assert isinstance(answer, Refusal)
    assert answer.ground is Ground.STALE


def test_after_a_person_has_judged_spread_only_proposes(known):
    first = item(WATER, counts=views(10))
    known.accept(first)
    [case] = known.all(CaseRow)
    known.act(case.id, Command.SET_LEVEL, level=Level.IV)
    known.act(case.id, Command.DISPATCH)
    version = known.case(case.id).version
    known.accept(replace(first, counts=views(200_000)))
    after = known.case(case.id)
    assert (after.level, after.proposed_level, after.version) == (Level.IV, Level.II, version)
    assert ("duty-group", "level_raised") in sounds(known)


def test_a_dismissed_matter_that_spreads_is_said_once_a_level_and_stays_dismissed(known):
    first = item(WATER, counts=views(10))
    known.accept(first)
    [case] = known.all(CaseRow)
    known.act(case.id, Command.DISMISS)
    version = known.case(case.id).version
    before = sounds(known)
    for number in (20_000, 20_001):  # a repost, and once more when it is past the mark already
        known.accept(item(WATER, source_id="weibo", counts=views(number)), source="weibo")
    after = known.case(case.id)
    assert (after.state, after.level, after.proposed_level) == (State.DISMISSED, Level.IV, Level.III)
    assert after.version == version
    assert sounds(known)[len(before) :] == [("duty-group", "level_raised")]
    known.accept(replace(first, counts=views(200_000)))  # its own text spreads as well
    assert known.case(case.id).proposed_level is Level.II
    assert sounds(known)[len(before) :] == [("duty-group", "level_raised")] * 2
    written = known.run(lambda s: entries(s, case.id))
    proposed = [line["data"] for line in written if line["action"] == "propose_level"]
    assert [(line["frm"], line["to"]) for line in proposed] == [(4, 3), (3, 2)]
    assert isinstance(known.act(case.id, Command.REOPEN, "duty"), cases.Done)


MANY_RULES = "".join(
    f'[[rule]]\nid = "{name}"\nname = "{name}"\nany = ["{word}"]\nchannel = "security"\nlevel = {level}\ncontinue = true\n\n'
    for name, word, level in [
        ("聚集", "堵门", 3),
        ("威胁", "汽油", 2),
        ("轻生", "跳楼", 2),
        ("传言", "听说", 2),
    ]
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("听说有人要堵门", "新信息命中规则「传言」等 3 条"),
        ("听说有人拎着汽油要跳楼，还要堵门", "新信息命中规则「威胁」「轻生」等 5 条"),
    ],
)
def test_a_raised_level_names_the_rules_that_carry_it_two_at_most(desk, text, why):
    desk.rules = make_rules(
        RULES_TOML.replace('[[rule]]\nid = "danger"', MANY_RULES + '[[rule]]\nid = "danger"')
    )
    desk.know()
    first = item(WATER)
    desk.accept(first)
    desk.accept(item(f"{WATER}，{text}", kind=Kind.COMMENT, parent_id=first.external_id))
    [told] = [row.payload for row in desk.all(OutboxRow) if row.payload.get("template") == "level_raised"]
    assert told["why"] == why


@pytest.mark.parametrize("heard", [40, 22], ids=["a near copy", "alike"])
def test_a_text_with_a_place_does_not_go_unheard_into_a_dismissed_matter_that_had_none(known, heard):
    vague = "老人孩子两天没水做饭，物业说不知道什么时候恢复供水，维修电话打了一天也没有人接"
    known.accept(item(vague))
    [case] = known.all(CaseRow)
    assert case.place is None
    known.act(case.id, Command.DISMISS)
    known.accept(item(f"{vague[:heard]}，东湖小区"))
    assert [row.place for row in known.all(CaseRow)] == [None, "东湖小区"]
    assert [row.other_id for row in known.all(SuggestionRow)] == [case.id]


def test_a_closed_matter_that_spreads_gets_no_other_level(known):
    case_id = known.at(State.CLOSED, WATER)
    known.accept(item(WATER, source_id="weibo", counts=views(20_000)), source="weibo")
    assert known.case(case_id).proposed_level is Level.IV
    assert ("duty-group", "level_raised") not in sounds(known)


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
@pytest.mark.parametrize("second", ["another source", "the same round"])
def test_two_machines_that_take_in_one_matter_at_once_open_one_case(known, second):
    text_ = item(WATER, external_id="1")
    rounds = [harvest(text_), harvest(replace(text_, source_id="weibo"), source="weibo")]
    if second == "the same round":
        rounds[1] = rounds[0]
    taken, go_on = threading.Event(), threading.Event()
    failed: list[Exception] = []

    def first(session) -> None:
        intake.accept(session, known.office, known.rules, known.ledger, rounds[0], known.clock())
        taken.set()
        go_on.wait(20)

    def run(work) -> None:
        try:
            work()
        except Exception as error:
            failed.append(error)

    threads = [
        threading.Thread(target=run, args=(lambda: known.run(first),)),
        threading.Thread(target=run, args=(lambda: known.take(rounds[1]),)),
    ]
    threads[0].start()
    assert taken.wait(20)
    threads[1].start()
    wait_until(lambda: somebody_waits(known))
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert failed == []
    assert len(known.all(CaseRow)) == 1
    assert len(known.all(CaseItemRow)) == len(set(rounds))


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_two_machines_do_not_wait_for_each_other_over_texts_that_are_no_matter(known):
    """One lock for all would let a province poll no faster than one machine can."""
    taken, go_on = threading.Event(), threading.Event()

    def hold(session) -> None:
        round_ = harvest(item("今天天气不错"))
        intake.accept(session, known.office, known.rules, known.ledger, round_, known.clock())
        taken.set()
        go_on.wait(20)

    thread = threading.Thread(target=known.run, args=(hold,))
    thread.start()
    try:
        assert taken.wait(20)
        other = item("明天天气也不错", source_id="weibo")
        assert len(known.accept(other, source="weibo")) == 1
    finally:
        go_on.set()
        thread.join(30)
    assert len(known.all(ItemRow)) == 2


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_two_machines_that_take_in_many_rounds_at_once_lose_and_double_nothing(known):
    """Sources that fail, spread and recover in every order: whatever order of locks is wrong comes out here."""
    texts = [
        item(f"{place}小区{what}", source_id="") for place in ("东湖", "西山") for what in ("停水", "塌方")
    ]
    failed: list[Exception] = []

    def machine(turn: int) -> None:
        for round_number in range(6):
            for source in ("bbs", "weibo")[:: 1 if turn else -1]:
                theirs = [
                    replace(
                        t,
                        source_id=source,
                        counts=views(6_000 * round_number),
                        text=f"{t.text}{round_number // 3}",
                    )
                    for t in texts[:: 1 if turn else -1]
                ]
                trouble = (
                    SourceProblem(Fault.NOT_A_FEED, "打不开", "请检查地址") if round_number % 2 else None
                )
                try:
                    known.take(harvest(*theirs, source=source, problem=trouble))
                except Exception as error:
                    failed.append(error)

    threads = [threading.Thread(target=machine, args=(turn,)) for turn in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert len(known.all(ItemRow)) == 2 * len(texts)
    assert len(known.all(CaseItemRow)) == 2 * len(texts)
    assert known.run(known.ledger.verify).broken is None


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_counts_that_arrive_while_a_person_acts_wait_for_him(known):
    """Two processes on one database: the harvest must not judge by what the case was before the press."""
    first = item(WATER, counts=views(10))
    known.accept(first)
    [case] = known.all(CaseRow)
    pressed, go_on = threading.Event(), threading.Event()

    def press(session) -> None:
        order = known.order(old, Command.DISPATCH)
        assert not isinstance(
            cases.execute(session, known.office, known.ledger, case.id, order, known.clock()), Refusal
        )
        session.flush()
        pressed.set()
        go_on.wait(20)

    old = known.shown(case.id)
    threads = [
        threading.Thread(target=known.run, args=(press,)),
        threading.Thread(target=known.accept, args=(replace(first, counts=views(20_000)),)),
    ]
    threads[0].start()
    assert pressed.wait(20)
    threads[1].start()
    wait_until(lambda: somebody_waits(known))
    go_on.set()
    for thread in threads:
        thread.join(30)
    after = known.case(case.id)
    assert (after.state, after.version) == (State.TO_SIGN, 2)
    assert (after.level, after.proposed_level) == (Level.IV, Level.III)  # only proposed: a person has judged


# --- all of it or nothing -----------------------------------------------------------------------------------------


class Trip:
    """Rules that fail on the third text they are asked about."""

    def __init__(self, rules) -> None:
        self.version, self.land, self._rules, self.asked = rules.version, rules.land, rules, 0
        self.asks_burst = False

    def judge(self, subject):
        self.asked += 1
        if self.asked == 3:
            raise LookupError("the third")
        return self._rules.judge(subject)

    def rank(self, channel):
        return self._rules.rank(channel)


def test_an_error_in_the_middle_leaves_no_half_of_a_harvest(known):
    round_ = harvest(item(WATER), item("西山小区停水"), item("西山小区塌方"), item("东湖小区没水"))
    before, state = counted(known), known.all(SourceRow)[0].etag
    good, known.rules = known.rules, Trip(known.rules)
    with pytest.raises(LookupError):
        known.take(replace(round_, state=replace(round_.state, etag='"newer"')))
    assert counted(known) == before
    assert known.all(SourceRow)[0].etag == state
    known.rules = good
    assert len(known.take(round_)) == 4  # what was not committed is taken the next time
    numbers = sorted(case.number for case in known.all(CaseRow))
    assert numbers == [f"YQ-2026-{n + 1:04d}" for n in range(len(numbers))]  # and no number was lost


def test_a_text_that_was_rolled_back_is_a_copy_of_nothing(known):
    def breaks(session) -> None:
        lost = harvest(item("西山小区停水了，楼上楼下都没水"))
        intake.accept(session, known.office, known.rules, known.ledger, lost, known.clock())
        raise LookupError("a bug further on")

    with pytest.raises(LookupError):
        known.run(breaks)
    known.accept(item("东湖小区停水还要塌方了，房子裂了", parent_id="nobody", kind=Kind.COMMENT))
    [line] = known.accept(item("西山小区停水了，楼上楼下都没水", source_id="weibo"), source="weibo")
    assert "新事项" in line


def test_the_state_of_a_source_is_kept_with_its_items(known):
    at = START + HOUR
    state = SourceState("bbs", '"v2"', "Tue", "cursor-9", "abc", 0, at, START, baseline_done=True)
    known.take(harvest(item(WATER), state=state))
    assert known.run(lambda s: sources.states(s, ["bbs"]))["bbs"] == state
    assert len(known.all(ItemRow)) == 1


def test_everything_about_a_text_is_kept_but_no_author(known):
    mood = Sentiment(0.1, 0.2, Band.NEGATIVE, "snownlp", "0.12.3")
    known.accept(item(WATER, sentiment=mood, counts=Counts(1, 2, 3, 4), masked=("电话",)))
    [row] = known.all(ItemRow)
    assert (row.sentiment_raw, row.sentiment_value, row.sentiment_band) == (0.1, 0.2, Band.NEGATIVE)
    assert (row.scorer, row.masked) == ("snownlp 0.12.3", ["电话"])
    assert (row.views, row.likes, row.reposts, row.comments) == (1, 2, 3, 4)
    assert not [c for c in ItemRow.__table__.columns if "author" in c.name or "user" in c.name]


def test_every_matter_and_every_joining_is_a_line_of_the_record(known):
    known.accept(item(WATER), item(WATER), item("今天天气不错"))
    assert [row.action for row in known.all(LedgerRow)] == ["open", "join"]
    assert known.run(known.ledger.verify).broken is None
