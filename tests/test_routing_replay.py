"""A draft on stored history: what changes, what counts as a card, and how people's word is held against it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from builders import CHANNELS, HOUR, MINUTE, RULES_TOML, START, Desk, harvest, item, make_office, make_rules
from sqlalchemy import select

from bot.labelled import read_lines
from bot.replaying import Draft, replay
from routing import history
from routing.conditions import Subject
from routing.errors import ConfigError
from routing.items import OWN_TAG, Counts, Kind, SourceState
from routing.judging import Judge
from routing.office import Level
from routing.replay import Change, Now, Past, Said, Tally, Then, judge_some, was_relevant
from routing.store.tables import Base, ProposalRow
from routing.workflow import Command

WATER = "东湖小区今天又停水了，物业不管，老人孩子没法做饭"
FACTORY = "西山小区旁边的厂子半夜排臭气，居民投诉多次无人处理"
TALK = "今天天气真好，一起去爬山吧"
NOW = START + 2 * HOUR
TAGS = {"bbs": (OWN_TAG,)}


def rule(key: str, words: str, channel: str, level: int | None = None) -> str:
    grade = f"level = {level}\n" if level else ""
    return f'[[rule]]\nid = "{key}"\nname = "{key}"\nany = ["{words}"]\nchannel = "{channel}"\n{grade}\n'


def with_rule(text: str) -> str:
    return RULES_TOML.replace("[[rule]]", f"{text}[[rule]]", 1)


@pytest.fixture
def watched(desk: Desk) -> Desk:
    """A desk that judges as the service does, with its source known."""
    desk.rules = Judge(desk.rules)  # type: ignore[assignment]
    desk.know()
    return desk


async def tried(desk: Desk, rules: str = RULES_TOML, **more):
    values = {"tags": TAGS, "days": 7, "now": NOW, "examples": 5} | more
    replayed = await replay(desk.store, desk.office, Draft(rules, "draft.toml"), **values)
    assert replayed is not None
    return replayed.report


# --- the whole way ----------------------------------------------------------------------------------------------


async def test_the_same_rules_change_nothing(watched):
    watched.accept(item(WATER), item(WATER), item(TALK), item("旺铺招租，东湖小区门口"))
    watched.accept(item("支持楼主", kind=Kind.COMMENT, parent_id="none"), item(FACTORY))
    report = await tried(watched)
    assert report.items == 6
    assert report.relevant_now == report.relevant_then > 1
    assert dict(report.changes) == dict.fromkeys(Change, 0)
    assert report.alerts_now == report.alerts_then
    assert all(hit.now == hit.then for hit in report.hits)
    assert {hit.id for hit in report.hits} >= {"water", "ads"}


async def test_what_a_draft_would_take_and_let_go_is_told_with_examples(watched):
    watched.accept(item(WATER), item(TALK))
    draft = with_rule('[[ignore]]\nid = "quiet"\nname = "不管"\nany = ["停水"]\n\n')
    report = await tried(watched, draft)
    assert (report.relevant_then, report.relevant_now) == (1, 0)
    assert report.changes[Change.GONE] == 1
    [example] = report.examples
    assert example.title == WATER
    assert example.then == ("petition", Level.IV)
    assert example.now == ("none", None)
    assert "不管" in example.why
    assert (report.alerts_then.total, report.alerts_now.total) == (1, 0)


async def test_a_text_that_was_none_is_new_where_the_draft_takes_it(watched):
    quiet = with_rule('[[ignore]]\nid = "quiet"\nname = "不管"\nany = ["臭气"]\n\n')
    watched.rules = Judge(make_rules(quiet))
    watched.accept(item(FACTORY))
    report = await tried(watched, with_rule(rule("smell", "臭气", "petition", 3)))
    assert (report.relevant_then, report.relevant_now) == (0, 1)
    [example] = report.examples
    assert (example.change, example.then, example.now) == (
        Change.NEW,
        ("none", None),
        ("petition", Level.III),
    )
    assert report.alerts_now.total == 1


async def test_another_channel_and_level_are_counted_as_moves(watched):
    watched.accept(item(WATER))
    report = await tried(watched, with_rule(rule("flood", "停水", "security", 2)))
    assert report.proposed == 1
    assert set(report.moves) == {
        (Change.CHANNEL, "petition", "security", 1),
        (Change.LEVEL, "4", "2", 1),
    }


async def test_a_text_that_joined_by_likeness_is_no_change(watched):
    watched.accept(item(WATER, external_id="post"))
    watched.accept(item("支持楼主", kind=Kind.COMMENT, parent_id="post"))
    report = await tried(watched)
    assert (report.items, report.relevant_then) == (2, 1)
    assert report.changes[Change.NEW] == report.changes[Change.GONE] == 0
    assert report.alerts_now.total == 1


async def test_a_text_that_only_changed_who_leads_has_no_level_of_its_own(watched):
    watched.accept(item(WATER))
    watched.accept(item(f"{WATER}，塌方"))
    [first, second] = watched.all(ProposalRow)
    assert (second.case_id, second.channel, second.level) == (first.case_id, "security", Level.IV)
    report = await tried(watched)
    assert (report.proposed, report.moves) == (2, ())


async def test_stock_is_left_out_and_sources_that_are_gone_are_told(watched):
    first_sight = SourceState("old", baseline_done=True)
    watched.take(harvest(item(WATER, source_id="old"), source="old", state=first_sight))
    watched.accept(item(TALK))
    report = await tried(watched, tags={})
    assert (report.items, report.stock, report.untagged) == (1, 1, 1)


async def test_only_the_days_that_were_asked_for_are_read(watched):
    watched.accept(item(WATER))
    assert (
        await replay(
            watched.store, watched.office, Draft(RULES_TOML, "d"), TAGS, 1, START + 48 * HOUR, examples=1
        )
        is None
    )


async def test_what_people_said_is_the_measure(watched):
    right = watched.open(WATER)
    watched.act(right, Command.DISPATCH, channel="network")
    wrong = watched.open("西山小区没水三天了，一直没人来修")
    watched.act(wrong, Command.DISMISS, reason="与本县无关")
    report = await tried(watched, with_rule(rule("flood", "停水", "network")))
    found = {one.what: one for one in report.agreement}
    assert found["relevant"][1:] == (2, 1, 1)
    assert found["channel"][1:] == (1, 0, 1)
    assert found["level"].of == 1


async def test_a_bad_draft_is_told_whole_before_anything_is_read(watched):
    with pytest.raises(ConfigError) as told:
        await tried(watched, "x = 1\n")
    assert len(told.value.problems) >= 2


async def test_nothing_is_written(watched):
    watched.accept(item(WATER), item(TALK))
    watched.act(watched.open(FACTORY), Command.DISMISS, reason="与本县无关")

    def everything():
        def work(session):
            return {
                table.name: sorted(map(repr, session.execute(select(table))))
                for table in Base.metadata.sorted_tables
            }

        return watched.run(work)

    before = everything()
    await tried(watched, with_rule(rule("flood", "停水", "security", 1)))
    assert everything() == before


@pytest.mark.slow
async def test_processes_find_what_a_thread_finds(watched, monkeypatch):
    watched.accept(item(WATER), item(TALK), item(FACTORY))
    monkeypatch.setattr(history, "PORTION", 2)
    alone = await tried(watched)
    monkeypatch.setattr("bot.replaying.SMALL", 0)
    heard = []
    assert await tried(watched, done=lambda through, of: heard.append((through, of))) == alone
    assert heard == [(2, 3), (3, 3)]


# --- judging ----------------------------------------------------------------------------------------------------


def test_the_short_judgement_is_the_whole_one(request):
    week = request.config.rootpath / "tests/data/weeks/nanxi/week.jsonl"
    lines = read_lines(week.read_text(encoding="utf-8"), str(week))[:150]
    subjects = [
        Subject(line.title, line.text, Kind.POST, own=True, tags=(("问政",), ("官方",), ())[number % 3])
        for number, line in enumerate(lines)
    ]
    channels = tuple(CHANNELS)
    judge = Judge(make_rules())
    whole = [judge.judge(subject) for subject in subjects]
    short = judge_some(RULES_TOML, "rules.toml", channels, None, subjects)
    assert [now[:4] for now in short] == [(one.relevant, one.channel, one.level, one.places) for one in whole]
    assert 0 < sum(now.relevant for now in short) < len(short)


@pytest.mark.parametrize(
    ("reasons", "relevant"),
    [
        ([], False),
        ([{"rule": "root", "note": "没有规则命中"}], False),
        ([{"rule": "root", "note": "没有其他规则命中"}], True),
        ([{"rule": "water", "note": ""}], True),
        ([{"rule": "water", "note": ""}, {"rule": "model", "note": "不像需要研判的事（9%）"}], False),
        ([{"rule": "model", "note": "像需要研判的事（80%）"}], True),
    ],
    ids=["no reason", "root found nothing", "root took it", "rule", "model held it back", "model took it"],
)
def test_stored_reasons_say_whether_a_text_was_relevant(reasons, relevant):
    assert was_relevant(reasons) is relevant


# --- counting ---------------------------------------------------------------------------------------------------

RELEVANT = Now(True, "petition", None, (), (("water", "停水"),))
NOTHING = Now(False, None, None, (), ())


def past(number: int, text: str = WATER, *, kind: Kind = Kind.POST, then: Then | None = None, hours: int = 0):
    at = START + timedelta(hours=hours) + number * MINUTE
    return Past(number, Subject("", text, kind), at, at, then or Then(relevant=False))


def counted(*entries: tuple[Past, Now], said: dict[int, Said] | None = None, examples: int = 5):
    tally = Tally(make_office(), said or {}, examples)
    for one, now in entries:
        tally.add([one], [now])
    return tally.report(days=1.0, explain=lambda subject: "")


def test_a_near_copy_of_a_counted_text_is_no_further_card():
    entries = [(past(1), RELEVANT), (past(2, WATER + "！！转发"), RELEVANT), (past(3, FACTORY), RELEVANT)]
    assert counted(*entries).alerts_now.total == 2


def test_a_copy_long_after_is_a_card_again():
    assert counted((past(1), RELEVANT), (past(2, hours=100), RELEVANT)).alerts_now.total == 2


def test_a_matter_is_one_card_however_many_texts_it_has():
    then = Then(relevant=True, case_id=7)
    assert (
        counted((past(1, then=then), RELEVANT), (past(2, FACTORY, then=then), RELEVANT)).alerts_now.total == 1
    )


@pytest.mark.parametrize(("opened", "cards"), [(False, 0), (True, 1)])
def test_a_comment_is_a_card_only_where_its_matter_began_with_it(opened, cards):
    then = Then(relevant=True, case_id=7, opened=opened)
    assert counted((past(1, kind=Kind.COMMENT, then=then), RELEVANT)).alerts_now.total == cards


def test_the_busiest_day_is_one_of_the_office():
    # 16:00 UTC is midnight there.
    late = [(past(n, f"{n}号楼{text}", hours=13), RELEVANT) for n, text in ((1, WATER), (2, FACTORY))]
    report = counted((past(3, "东湖小区门口的路灯坏了一个月没人来修"), RELEVANT), *late)
    assert (report.alerts_now.total, report.alerts_now.busiest) == (3, 3)
    next_day = [(replace(one, at=one.at + 2 * HOUR), now) for one, now in late]
    report = counted((past(3, "东湖小区门口的路灯坏了一个月没人来修"), RELEVANT), *next_day)
    assert report.alerts_now.busiest == 2


@pytest.mark.parametrize(
    ("views", "then", "level"),
    [
        (None, Level.IV, Level.IV),
        (150_000, Level.IV, Level.IV),
        (150_000, Level.III, Level.III),
        (150_000, Level.I, Level.II),
        (None, Level.II, Level.IV),
    ],
    ids=["no counts", "grew later", "grew on the way", "graver than the counts", "the rules have changed"],
)
def test_counts_that_grew_since_are_no_change_of_the_draft(views, then, level):
    subject = Subject("", WATER, Kind.POST, counts=Counts(views=views))
    one = replace(past(1, then=Then(True, 7, "petition", then, opened=True)), subject=subject)
    report = counted((one, RELEVANT))
    assert report.moves == (() if then == level else ((Change.LEVEL, str(int(then)), str(int(level)), 1),))


def test_the_gravest_examples_are_kept():
    entries = [
        (past(n, f"{WATER}{n}"), RELEVANT._replace(level=Level.II if n == 40 else Level.IV))
        for n in range(1, 90)
    ]
    report = counted(*entries, examples=1)
    assert report.changes[Change.NEW] == 89
    assert [(one.now[1], one.title[-2:]) for one in report.examples] == [(Level.II, "40")]


def test_no_examples_are_no_examples():
    assert counted((past(1), RELEVANT), examples=0).examples == ()
