"""The rule file and what it proposes: reasons, order, channels; and every mistake in it with line and cure."""

from importlib.resources import files
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.errors import ConfigError
from routing.items import Band, Counts, Kind
from routing.office import Level
from routing.owed import Owed
from routing.places import Gazetteer, Place
from routing.rules import Judgement, Rules, Subject, load_rules

CHANNELS = ("network", "petition", "publicity", "security", "office")

HEAD = """\
county = "青禾县"
neighbours = ["白石县"]

[words]
"供水" = ["停水", "水压"]
"民生" = ["@供水", "暖气"]
"询问" = ["请问"]

[[place]]
name = "东湖小区"
aliases = ["东湖"]

[[place]]
name = "幸福路"
elsewhere = true

[root]
channel = "office"
any = ["@询问"]
"""


def rules(body: str, head: str = HEAD) -> Rules:
    return load_rules(f"{head}\n{body}", "rules.toml", CHANNELS)


def judge(
    body: str,
    text: str,
    *,
    title: str = "",
    kind: Kind = Kind.POST,
    tags: tuple[str, ...] = (),
    band: Band | None = None,
    own: bool = True,
    counts: Counts | None = None,
    burst: str = "",
    hour: int | None = None,
) -> Judgement:
    return rules(body).judge(Subject(title, text, kind, tags, band, counts or Counts(), own, burst, hour))


def rule(id: str, *lines: str, depth: int = 1) -> str:
    table = ".".join(["rule"] * depth)
    return "\n".join([f"[[{table}]]", f'id = "{id}"', f'name = "规则{id}"', *lines, ""])


def shown(judgement: Judgement) -> list[str]:
    return [str(reason) for reason in judgement.reasons]


WATER = rule("a", 'any = ["@供水"]', 'channel = "network"')


# --- conditions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "text", "holds"),
    [
        ('any = ["停水"]', "停 水\u200b了", True),
        ('any = ["停水"]', "来水了", False),
        ('any = ["没水"]', "沒水了", True),  # traditional characters in the text
        ('any = ["醫院"]', "县医院", True),  # and in the file
        ('any = ["@民生"]', "水压不够", True),  # a group inside a group
        ('any = ["KTV"]', "楼下ktv太吵", True),
        ('any = ["APP"]', "so happy", False),  # a Latin word stands alone
        ('all = ["@供水", "三天"]', "停水三天", True),
        ('all = ["@供水", "三天"]', "停水两天", False),
        ('all = [["停水", "停电"], ["三天", "两天"]]', "停电两天", True),
        ('all = [["停水", "停电"], ["三天", "两天"]]', "停电停水", False),
        ('any = ["停水"]\nnone = ["广告"]', "停水不怕，广告", False),
        ('any = ["停水"]\nall = ["三天"]', "停水三天", True),
        ('any = ["停水"]\nall = ["三天"]', "三天", False),
    ],
)
def test_words_decide(condition: str, text: str, holds: bool) -> None:
    assert judge(rule("a", condition, 'channel = "network"'), text).relevant is holds


def test_words_do_not_run_from_the_title_into_the_text() -> None:
    assert not judge(WATER, "水果降价", title="车停").relevant


@pytest.mark.parametrize(
    ("where", "text", "own", "holds"),
    [
        ("county", "停水了", True, True),
        ("county", "停水了", False, False),
        ("county", "青禾停水了", False, True),
        ("county", "东湖停水了", False, True),
        ("county", "幸福路停水了", False, False),
        ("county", "白石县停水了", False, False),
        ("place", "停水了", True, False),
        ("place", "青禾县停水了", True, False),
        ("place", "东湖停水了", False, True),
        ("elsewhere", "白石县停水了", True, True),
        ("elsewhere", "白石县和东湖都停水了", True, False),
        ("elsewhere", "停水了", True, False),
    ],
)
def test_a_rule_asks_where(where: str, text: str, own: bool, holds: bool) -> None:
    body = rule("a", 'any = ["停水"]', f'where = "{where}"', 'channel = "network"')
    assert judge(body, text, own=own).relevant is holds


@pytest.mark.parametrize(
    ("title", "text", "theirs"),
    [
        ("驾校停止约考要求退费", "校长说转到白石县的分校继续学，来回六十公里。停水也不管", False),
        ("", "学校停水，孩子去白石上学了", False),
        ("去白石县的公交为什么停了", "停水改道以后一直没恢复", False),
        ("白石县王村停水半月", "请督办", True),
        ("反映：白石县王村停水", "请督办", True),
        ("", "我是白石县王村的村民，停水半月", True),
        ("", "我在白石县买的房子停水半月了", True),
        ("", "您好，我家住在白石县王村，停水半月", True),
        ("", "我孩子在白石县上学，想转回来，停水也不管", False),
    ],
)
def test_a_letter_on_our_own_board_is_ours_unless_it_begins_with_a_place_of_the_neighbour(
    title: str, text: str, theirs: bool
) -> None:
    body = rule("a", 'any = ["停水", "退费", "改道"]', 'where = "elsewhere"', 'channel = "network"')
    assert judge(body, text, title=title, own=True, tags=("问政",)).relevant is theirs
    assert judge(body, text, title=title, own=True).relevant  # in a forum
    assert judge(body, text, title=title, own=False, tags=("问政",)).relevant  # on a board of all counties


@pytest.mark.parametrize(
    ("condition", "given", "other", "note"),
    [
        ('kinds = ["comment"]', {"kind": Kind.COMMENT}, {"kind": Kind.POST}, "评论"),
        ('tags = ["问政", "信箱"]', {"tags": ("信箱",)}, {"tags": ("媒体",)}, "信箱"),
        ('sentiment = "negative"', {"band": Band.NEGATIVE}, {"band": Band.UNCLEAR}, "消极"),
        ('sentiment = "negative"', {"band": Band.NEGATIVE}, {"band": None}, "消极"),
        ("counts = {views = 100}", {"counts": Counts(views=100)}, {"counts": Counts(views=99)}, "阅读100"),
        ("counts = {likes = 1}", {"counts": Counts(likes=7)}, {"counts": Counts()}, "点赞7"),
        (
            "counts = {reposts = 5, comments = 9}",
            {"counts": Counts(reposts=5, comments=9)},
            {"counts": Counts(reposts=5, comments=8)},
            "转发5、评论9",
        ),
        ("burst = true", {"burst": "近 1 小时 18 条"}, {}, "突增"),
        ("burst = false", {}, {"burst": "近 1 小时 18 条"}, "规则a"),
        ('hours = "22-6"', {"hour": 22}, {"hour": 6}, "22点到6点"),
        ('hours = "22-6"', {"hour": 5}, {"hour": 21}, "22点到6点"),
        ('hours = "9-17"', {"hour": 9}, {"hour": 17}, "9点到17点"),
        ('hours = "0-24"', {"hour": 23}, {"hour": None}, "0点到24点"),
        ('hours = "20-24"', {"hour": 20}, {"hour": 0}, "20点到24点"),
    ],
)
def test_a_rule_asks_for_more_than_words(
    condition: str, given: dict[str, object], other: dict[str, object], note: str
) -> None:
    body = rule("a", condition, 'channel = "network"')
    judgement = judge(body, "随便说说", **given)  # type: ignore[arg-type]
    assert judgement.relevant
    assert note in shown(judgement)[0]
    # The root takes a negative text too: what tells them apart is which rule took it.
    assert "a" not in {reason.rule for reason in judge(body, "随便说说", **other).reasons}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("near", "text", "holds"),
    [
        (2, "停水三天", True),
        (2, "停水，这三天", True),
        (2, "停水，这都三天", False),
        (0, "停水三天", True),
        (0, "停水了三天", False),
        (2, "三天，停水", True),  # in any order
        (2, "停水很久很久很久，又停水三天", True),  # some pair is near
        (1, "停 水\u200b三\n天", True),  # counted in the normal form
        (500, "停水了", False),
    ],
)
def test_words_are_asked_to_stand_near_each_other(near: int, text: str, holds: bool) -> None:
    body = rule("a", 'any = ["停水"]', 'all = ["三天"]', f"near = {near}", 'channel = "network"')
    judgement = judge(body, text)
    assert judgement.relevant is holds
    assert (f"这些词相隔不超过{near}字" in shown(judgement)[0]) is holds


def test_three_words_are_near_only_if_each_is_near_each() -> None:
    body = rule("a", 'all = ["停水", "三天", "没人管"]', "near = 3", 'channel = "network"')
    assert judge(body, "停水三天没人管").relevant
    assert not judge(body, "停水了，三天了，没人管").relevant  # each near the next, the ends far apart


spots = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 6)), max_size=8)


@given(spots=spots, near=st.integers(0, 8))
def test_near_is_what_trying_every_combination_finds(spots: list[tuple[str, int]], near: int) -> None:
    words = {"a": "停水", "b": "三天", "c": "没人管"}
    text = "".join(words[letter] + "，" * gap for letter, gap in spots)
    places = {
        letter: [(at, at + len(word)) for at in range(len(text)) if text.startswith(word, at)]
        for letter, word in words.items()
    }
    found = any(
        max(start for start, _ in some) - min(end for _, end in some) <= near
        for some in product(*places.values())
    )
    body = rule("a", 'all = ["停水", "三天", "没人管"]', f"near = {near}", 'channel = "network"')
    assert judge(body, text).relevant is found


def test_a_word_that_stands_a_hundred_thousand_times_is_no_trouble() -> None:
    body = rule("a", 'all = ["停水", "三天"]', "near = 3", 'channel = "network"')
    assert not judge(body, "停水" * 50_000 + "，" * 9 + "三天" * 50_000).relevant


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"停.{0,3}水", "停了三天水", "停了三天水"),
        (r"\d+人受伤", "１２人受伤", "12人受伤"),
        (r"（\d+）", "有人（３８）", "(38)"),  # full-width brackets are brackets, not a group
        (r"\（\d+\）", "有人(38)", "(38)"),
        (r"[，。]水", "没电，水也停", ",水"),
        (r"[縣市]医院", "县醫院", "县医院"),
        (r"KTV\D", "ktv吵", "ktv吵"),
        (r"停水|停电", "停气", None),
        (r"停.+", "停" + "水" * 30, "停" + "水" * 19 + "…"),
        (r"\\，", r"a\，", r"\,"),
    ],
)
def test_an_expression_finds(pattern: str, text: str, found: str | None) -> None:
    judgement = judge(rule("a", f"regex = ['停电停气停水', '{pattern}']", 'channel = "network"'), text)
    assert judgement.relevant is (found is not None)
    assert found is None or shown(judgement) == [f"规则「规则a」：文字「{found}」"]


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+b", "(.*)(.*)(.*)水"])
def test_no_expression_takes_longer_than_its_text(pattern: str) -> None:
    # An engine that goes back to try again needs years for these; the limit of every test is two minutes.
    assert not judge(
        rule("a", f"regex = ['{pattern}']", 'channel = "network"'), "a" * 100_000 + "！"
    ).relevant


# --- the tree -------------------------------------------------------------------------------------------------


def test_the_first_match_ends_the_search_and_the_order_of_the_file_decides() -> None:
    first = rule("a", 'any = ["停水"]', 'channel = "network"')
    second = rule("b", 'any = ["三天"]', 'channel = "office"')
    assert judge(first + second, "停水三天").channel == "network"
    assert judge(second + first, "停水三天").channel == "office"
    assert [reason.rule for reason in judge(first + second, "停水三天").reasons] == ["a"]


def test_continue_goes_on_and_the_graver_channel_leads() -> None:
    body = (
        rule("a", 'any = ["停水"]', 'channel = "network"', "level = 3", "continue = true")
        + rule("b", 'any = ["记者"]', 'channel = "publicity"', "level = 2", "continue = true")
        + rule("c", 'any = ["堵路"]', 'channel = "security"', 'copy = ["petition"]', "must_answer = true")
        + rule("d", 'any = ["停水"]', 'channel = "office"')
    )
    judgement = judge(body, "停水三天，记者来了，有人堵路")
    assert judgement.channel == "security"
    assert judgement.copies == ("petition", "publicity", "network")
    assert judgement.level is Level.II
    assert judgement.must_answer
    assert shown(judgement) == ["规则「规则b」：记者", "规则「规则c」：堵路", "规则「规则a」：停水"]


@pytest.mark.parametrize(
    ("given", "channel", "owed"),
    [
        ('must_answer = "谣言不实"', "office", Owed.RUMOUR),
        ("must_answer = true", "security", Owed.EMERGENCY),
        ("must_answer = true", "office", Owed.POLICY),
        ("must_answer = true", "publicity", Owed.MEDIA),
        ("must_answer = true", "petition", Owed.INTERESTS),
        ("must_answer = false", "petition", None),
    ],
)
def test_a_duty_to_answer_has_a_ground_by_the_rule_or_by_who_leads(given, channel, owed) -> None:
    judgement = judge(rule("a", 'any = ["停水"]', f'channel = "{channel}"', given), "停水三天")
    assert (judgement.owed, judgement.must_answer) == (owed, owed is not None)


def test_of_several_grounds_the_plainest_is_told_and_an_inner_rule_takes_that_above_it() -> None:
    body = rule(
        "a", 'any = ["停水"]', 'channel = "network"', 'must_answer = "群众切身利益"', "continue = true"
    )
    body += rule("b", 'any = ["赔偿"]', 'topic = "钱"', "continue = true", depth=2)
    body += rule("c", 'any = ["塌方"]', 'channel = "network"', 'must_answer = "涉险情安全"')
    assert judge(body, "停水，要求赔偿").owed is Owed.INTERESTS
    assert judge(body, "停水，塌方").owed is Owed.EMERGENCY


def test_a_ground_that_is_none_is_refused_with_those_that_are() -> None:
    with pytest.raises(ConfigError) as caught:
        judge(rule("a", 'any = ["停水"]', 'channel = "office"', 'must_answer = "领导关心"'), "停水")
    [problem] = caught.value.problems
    assert "领导关心" in problem.reason
    assert "政策误读" in problem.cure
    assert "三级以上" not in problem.cure


def test_a_channel_that_the_office_added_stands_before_the_last() -> None:
    body = rule("a", 'any = ["停水"]', 'channel = "office"', "continue = true") + rule(
        "b", 'any = ["停水"]', 'channel = "emergency"'
    )
    made = load_rules(f"{HEAD}\n{body}", "rules.toml", (*CHANNELS, "emergency"))
    judgement = made.judge(Subject("", "停水", Kind.POST, own=True))
    assert (judgement.channel, judgement.copies) == ("emergency", ("office",))


NESTED = (
    rule("a", 'any = ["停水"]', 'topic = "供水"', 'channel = "network"', "level = 3")
    + rule("b", 'any = ["赔偿"]', 'channel = "petition"', "must_answer = true", depth=2)
    + rule("c", 'any = ["堵路"]', 'channel = "security"', "level = 2", depth=2)
    + rule("d", 'any = ["停水"]', 'channel = "office"')
)


def test_an_inner_rule_comes_first_and_inherits_what_it_does_not_say() -> None:
    judgement = judge(NESTED, "停水要赔偿，不然堵路")
    assert (judgement.channel, judgement.level, judgement.topic) == ("petition", Level.III, "供水")
    assert judgement.must_answer
    assert [reason.rule for reason in judgement.reasons] == ["b", "a"]
    assert judge(NESTED, "停水有人堵路").level is Level.II


def test_the_outer_rule_takes_what_no_inner_rule_takes() -> None:
    judgement = judge(NESTED, "停水了")
    assert (judgement.channel, [reason.rule for reason in judgement.reasons]) == ("network", ["a"])


def test_a_frame_without_a_channel_lets_go_what_no_inner_rule_takes() -> None:
    body = (
        rule("a", 'any = ["停水"]')
        + rule("b", 'any = ["赔偿"]', 'channel = "petition"', depth=2)
        + rule("c", 'any = ["停水"]', 'channel = "office"')
    )
    assert judge(body, "停水了").channel == "office"
    assert judge(body, "停水要赔偿").channel == "petition"


def test_a_mark_gives_its_topic_and_takes_nothing() -> None:
    mark = rule("a", 'any = ["停水"]', 'topic = "供水"', "continue = true")
    taken = judge(mark + rule("b", 'any = ["三天"]', 'channel = "network"'), "停水三天")
    assert (taken.channel, taken.topic) == ("network", "供水")
    alone = judge(mark + rule("b", 'any = ["三天"]', 'channel = "network"'), "停水了")
    assert not alone.relevant
    assert not alone.ignored
    assert alone.topic == "供水"
    assert "没有规则命中" in shown(alone)[-1]


def test_a_rule_can_leave_out_sources_by_their_tags() -> None:
    ignore = '[[ignore]]\nid = "ad"\nname = "广告"\nany = ["团购"]\nnot_tags = ["问政"]\n'

    assert judge(ignore + WATER, "停水团购水箱", tags=("论坛",)).ignored
    assert judge(ignore + WATER, "停水团购水箱", tags=("论坛", "问政")).relevant


def test_an_ignored_text_is_irrelevant_and_says_why() -> None:
    ignore = '[[ignore]]\nid = "ad"\nname = "广告"\nany = ["团购"]\nnone = ["堵路"]\n'
    judgement = judge(ignore + WATER, "停水不怕，水箱团购")
    assert not judgement.relevant
    assert judgement.ignored
    assert shown(judgement) == ["规则「广告」：团购"]
    assert judge(ignore + WATER, "停水团购水箱，还有人堵路").relevant


@pytest.mark.parametrize(
    ("text", "own", "band", "channel", "said"),
    [
        ("请问东湖怎么走", False, None, "office", "请问"),
        ("请问怎么走", True, None, "office", "请问"),
        ("东湖真差劲", False, Band.NEGATIVE, "office", "情绪消极"),
        ("东湖的荷花开了", False, None, None, "没有规则命中"),
        ("请问怎么走", False, Band.NEGATIVE, None, "没有提到本县"),
    ],
)
def test_the_root_takes_what_is_ours_and_wants_an_answer(
    text: str, own: bool, band: Band | None, channel: str | None, said: str
) -> None:
    judgement = judge(WATER, text, own=own, band=band)
    assert judgement.channel == channel
    assert judgement.relevant is (channel is not None)
    assert said in shown(judgement)[-1]


NEGATIVE = rule("n", 'any = ["停水"]', 'sentiment = "negative"', 'channel = "network"', "level = 2")


@pytest.mark.parametrize(
    ("body", "text", "own", "needs"),
    [
        (WATER, "停水了", True, False),  # nobody asks
        (NEGATIVE, "停水了", True, True),
        (NEGATIVE, "天气不错", False, False),  # who asks has no word here
        (WATER + NEGATIVE, "停水了", True, False),  # taken before anybody asks
        (NEGATIVE + WATER, "停水了", True, True),  # asked first, and the level differs
        (rule("m", 'any = ["停水"]', 'sentiment = "unclear"', 'topic = "供水"', "continue = true") + WATER, "停水", True, True),
        (rule("m", 'any = ["停水"]', 'sentiment = "unclear"', 'channel = "network"') + WATER, "停水", True, False),
        (WATER, "天气不错", True, True),  # the root takes what is ours and negative
        (WATER, "天气不错", False, False),
        (WATER, "请问天气", True, False),
    ],
    ids=["nobody asks", "asked", "no word", "taken before", "asked first", "mark", "same", "root", "not ours", "root word"],
)  # fmt: skip
def test_a_judgement_tells_whether_a_score_could_change_it(
    body: str, text: str, own: bool, needs: bool
) -> None:
    assert judge(body, text, own=own).needs_band is needs
    assert not judge(body, text, own=own, band=Band.UNCLEAR).needs_band  # scored already


def test_rules_can_be_tried_on_another_county() -> None:
    here = rules(rule("a", 'any = ["停水"]', 'where = "place"', 'channel = "network"'))
    there = here.with_places(Gazetteer([Place("西山小区", town="城西镇")], "红叶县"))
    assert there.judge(Subject("", "西山小区停水", Kind.POST)).places == ("西山小区",)
    assert not there.judge(Subject("", "东湖停水", Kind.POST)).relevant
    assert here.judge(Subject("", "东湖停水", Kind.POST)).places == ("东湖小区",)
    assert len({here.version, there.version, here.with_places(Gazetteer([], "红叶县")).version}) == 3


def test_a_place_of_the_file_has_its_town_and_its_loose_names() -> None:
    head = HEAD.replace('aliases = ["东湖"]', 'aliases = ["东湖"]\ntown = "城关镇"\nloose = ["东湖"]')
    made = load_rules(f"{head}\n{WATER}", "rules.toml", CHANNELS)
    assert made.gazetteer.town_of("东湖小区") == "城关镇"
    assert made.judge(Subject("", "东湖停水", Kind.POST)).places == ()
    assert made.judge(Subject("", "东湖小区停水", Kind.POST)).places == ("东湖小区",)


def test_places_are_named_and_the_county_is_not_one_of_them() -> None:
    judgement = judge(
        rule("a", 'any = ["停水"]', 'where = "county"', 'channel = "network"'), "青禾县东湖停水"
    )
    assert judgement.places == ("东湖小区",)
    assert shown(judgement) == ["规则「规则a」：停水；地点东湖小区"]
    assert rules(WATER).place_names() == ("东湖小区", "幸福路")


def test_the_version_names_the_text_of_the_file() -> None:
    assert rules(WATER).version == rules(WATER).version
    assert rules(WATER).version != rules(WATER + "# 改了一个字\n").version


# --- a bad file -----------------------------------------------------------------------------------------------

ROOT = '[root]\nchannel = "office"\nany = ["请问"]\n'
GOOD = rule("a", 'any = ["停水"]', 'channel = "network"')

WATER_WORDS = '[words]\n"供水" = ["停水"]\n'
CIRCLE = '[words]\n"甲类" = ["@乙类"]\n"乙类" = ["@甲类"]\n'
THANKS = '[[ignore]]\nid = "thanks"\nname = "感谢"\nany = ["谢谢"]\n'
TWO_LAKES = '[[place]]\nname = "东湖"\n[[place]]\nname = "东湖小区"\naliases = ["东湖"]\n'


def plain(body: str, before: str = "") -> str:
    """A file that is right but for one thing; without `before` its first rule stands in line 5."""
    return f'county = "青禾县"\n{before}{ROOT}{body}'


BAD = {
    "unknown word group": (plain(rule("a", 'any = ["@供水组"]', 'channel = "office"'), before=WATER_WORDS), 10, "供水组", "@供"),
    "unknown channel": (plain(rule("a", 'any = ["停水"]', 'channel = "netwrok"')), 9, "没有这个渠道", "network"),
    "unknown channel in copy": (plain(GOOD + 'copy = ["petitoin"]\n'), 10, "没有这个渠道", "petition"),
    "unknown root channel": (plain(GOOD).replace("office", "ofice"), 3, "没有这个渠道", "office"),
    "no condition": (plain(rule("a", 'channel = "office"')), 5, "没有条件", "any"),
    "only exceptions": (plain(rule("a", 'none = ["停水"]', 'channel = "office"')), 5, "没有条件", "any"),
    "empty list": (plain(rule("a", "any = []", 'channel = "office"')), 8, "太少", "1"),
    "empty group in all": (plain(rule("a", "all = [[]]", 'channel = "office"')), 8, "太少", "1"),
    "empty word group": (plain(GOOD, before='[words]\n"供水" = []\n'), 3, "太少", "1"),
    "one-letter word": (plain(rule("a", 'any = ["水"]', 'channel = "office"')), 8, "太短", "两个字"),
    "duplicate id": (plain(GOOD + GOOD), 11, "用了两次", "id"),
    "duplicate id inside": (plain(GOOD + rule("a", 'any = ["赔偿"]', depth=2)), 11, "用了两次", "id"),
    "level out of range": (plain(GOOD + "level = 5\n"), 10, "范围", "4"),
    "level as text": (plain(GOOD + 'level = "三"\n'), 10, "类型", "整数"),
    "unknown key": (plain(GOOD + 'chanel = "office"\n'), 10, "不认识", "channel"),
    "unknown kind": (plain(GOOD + 'kinds = ["video"]\n'), 10, "允许", "post"),
    "unknown where": (plain(GOOD + 'where = "here"\n'), 10, "允许", "county"),
    "unknown sentiment": (plain(GOOD + 'sentiment = "bad"\n'), 10, "允许", "negative"),
    "no channel": (plain(rule("a", 'any = ["停水"]')), 5, "没有渠道", "channel"),
    "unknown count": (plain(GOOD + "counts = {wiews = 5}\n"), 10, "不认识", "views"),
    "no count": (plain(GOOD + "counts = {}\n"), 10, "没有写数目", "views"),
    "count of nothing": (plain(GOOD + "counts = {views = 0}\n"), 10, "范围", "1"),
    "burst as text": (plain(GOOD + 'burst = "是"\n'), 10, "类型", "true"),
    "hours in words": (plain(GOOD + 'hours = "夜里"\n'), 10, "时段", "22-6"),
    "hours of no day": (plain(GOOD + 'hours = "22-25"\n'), 10, "时段", "22-6"),
    "hours of no length": (plain(GOOD + 'hours = "8-8"\n'), 10, "时段", "22-6"),
    "near with one group": (plain(GOOD + "near = 5\n"), 10, "两组", "all"),
    "near too far": (plain(GOOD + 'all = ["三天"]\nnear = 501\n'), 11, "范围", "500"),
    "near and nothing else": (plain(rule("a", "near = 5", 'channel = "office"')), 8, "两组", "all"),
    "expression that does not compile": (plain(GOOD + "regex = ['停水', '停(水']\n"), 10, "左括号", "RE2"),
    "expression that looks ahead": (plain(GOOD + "regex = ['(?=水)']\n"), 10, "前后查找", "RE2"),
    "expression that takes everything": (plain(GOOD + "regex = ['水*']\n"), 10, "什么都没有也能匹配", "RE2"),
    "expression too long": (plain(GOOD + f"regex = ['{'水' * 201}']\n"), 10, "太长", "RE2"),
    "loose name of another": (plain(GOOD, before='[[place]]\nname = "东湖"\nloose = ["西湖"]\n'), 4, "西湖", "name"),
    "place of a kind without a name": (plain(GOOD, before='[[place]]\nname = "东湖"\nkind = ""\n'), 4, "太短", "1"),
    "not_tags as text": (plain(GOOD + 'not_tags = "问政"\n'), 10, "类型", "not_tags"),
    "may_join in a rule": (plain(GOOD + "may_join = true\n"), 10, "不认识", "[[ignore]]"),
    "a level in an ignore": (plain(GOOD, before=THANKS + "level = 2\n"), 6, "不认识", "[[rule]]"),
    "may_join as text": (plain(GOOD, before=THANKS + 'may_join = "是"\n'), 6, "类型", "true"),
    "must_answer as a number": (plain(GOOD + "must_answer = 1\n"), 10, "不是 true", "政策误读"),
    "must_answer as a list": (plain(GOOD + 'must_answer = ["政策误读"]\n'), 10, "不是 true", "政策误读"),
    "groups in a circle": (plain(GOOD, before=CIRCLE), 3, "绕了一圈", "@甲类"),
    "one name for two places": (plain(GOOD, before=TWO_LAKES), 4, "已经用了", "去掉"),
    "no county": (ROOT + GOOD, None, "缺少", "county"),
    "no root": ('county = "青禾县"\n' + GOOD, None, "缺少", "root"),
    "no rules": (f'county = "青禾县"\nrule = []\n{ROOT}', 2, "太少", "1"),
    "not TOML": (plain('供水 = 1\n'), 5, "写法", "引号"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_the_line_and_the_cure(name: str) -> None:
    text, line, reason, cure = BAD[name]
    with pytest.raises(ConfigError) as caught:
        load_rules(text, "rules.toml", CHANNELS)
    found = [problem for problem in caught.value.problems if problem.line == line]
    assert found, str(caught.value)
    assert "Input should" not in str(caught.value)
    assert any(reason in problem.reason and cure in problem.cure for problem in found), str(caught.value)


def test_all_problems_come_at_once() -> None:
    text = (
        f'county = "青禾县"\n[words]\n"甲类" = ["@甲类"]\n{ROOT}'
        + rule("a", 'any = ["@没有"]', 'channel = "nowhere"', "level = 9")
        + rule("b", 'any = ["停水"]')
    )
    with pytest.raises(ConfigError) as caught:
        load_rules(text, "rules.toml", CHANNELS)
    assert [problem.line for problem in caught.value.problems] == [3, 10, 11, 12, 13]


# --- the file that `yuqing init` writes ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def default() -> Rules:
    text = files("bot").joinpath("templates/rules.toml").read_text(encoding="utf-8")
    return load_rules(text, "rules.toml", CHANNELS)


@pytest.mark.parametrize(
    ("text", "tags", "channel", "topic"),
    [
        ("示例县人民路停水三天了，到底谁来管", (), "network", "供水"),
        ("示例县的暖气一点不热，热费白交了，要求退费", (), "petition", "供暖"),
        ("我们在示例大桥工地干了半年，工资没发，讨薪无门", (), "petition", "欠薪"),
        ("周五上午八点示例县政府门口，一家至少来一个人，不见不散", (), "security", "政务服务"),
        ("示例县要取消老年卡免费坐公交了？谁定的", (), "office", "公交出租"),
        ("紧急扩散！示例县城有人贩子拉小孩，家里有孩子的看紧了", (), "security", "传言"),
        ("示例大桥上货车侧翻，两人受伤送医", (), "security", "事故"),
        ("省台记者来示例县采访学校食堂的事", (), "publicity", "学校食堂"),
        ("示例县人民路路灯不亮两个星期了，麻烦修一下", ("问政",), "petition", "道路"),
        ("建议示例县图书馆晚上延长开放", (), "office", None),
        ("再不给钱我就从塔吊上跳下去，活不下去了，示例县没人管", (), "security", None),
        ("示例县造纸厂半夜偷排黑水，臭死了", (), "network", "环境"),
    ],
)
def test_the_default_rules_send_a_matter_to_its_channel(
    default: Rules, text: str, tags: tuple[str, ...], channel: str, topic: str | None
) -> None:
    judgement = default.judge(Subject("", text, Kind.POST, tags))
    assert (judgement.channel, judgement.topic) == (channel, topic), shown(judgement)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("示例县城新店开业，火锅团购满减，加微信领券", "advert"),
        ("示例县第三届马拉松报名开始", "leisure"),
        ("示例县召开防汛工作推进会，会议强调要落细责任", "routine"),
        ("感谢示例县医院护士，照顾得真周到", "thanks"),
        ("今天天气真好", "root"),
        ("外省一地停水三天，居民质疑", "root"),
    ],
)
def test_the_default_rules_let_the_rest_go_with_a_reason(default: Rules, text: str, rule: str) -> None:
    judgement = default.judge(Subject("", text, Kind.POST))
    assert not judgement.relevant, shown(judgement)
    assert judgement.reasons[-1].rule == rule


def test_the_default_rules_cover_five_channels_and_a_small_county_can_read_them(default: Rules) -> None:
    text = files("bot").joinpath("templates/rules.toml").read_text(encoding="utf-8")
    for channel in CHANNELS:
        assert f'channel = "{channel}"' in text
    assert len(default.place_names()) == 3


subjects = st.builds(
    Subject,
    st.text(max_size=30),
    st.text(st.characters(), max_size=80)  # half letters too
    | st.text(alphabet="示例县人民路停水没人管请问建议团购记者堵路 \u200b，。", max_size=60),
    st.sampled_from(Kind),
    st.sets(st.sampled_from(["问政", "媒体", "官方"])).map(tuple),
    st.none() | st.sampled_from(Band),
    st.builds(Counts, st.none() | st.integers(0, 10_000)),
    st.booleans(),
    st.booleans(),
    st.none() | st.integers(0, 23),
)


@settings(max_examples=200)
@given(subject=subjects)
def test_any_text_is_judged_and_never_without_a_reason(default: Rules, subject: Subject) -> None:
    judgement = default.judge(subject)
    assert judgement.reasons
    assert all(map(str, judgement.reasons))
    assert judgement.relevant is (judgement.channel is not None)
    assert judgement.channel not in judgement.copies
    assert judgement == default.judge(subject)


def test_what_gave_the_level_comes_first_then_what_gave_the_lead_and_what_only_holds_others_last() -> None:
    body = """
[[rule]]
id = "own"
name = "本县"
where = "county"

  [[rule.rule]]
  id = "talk"
  name = "议论"
  any = ["吐槽"]
  channel = "network"
  continue = true

  [[rule.rule]]
  id = "claims"
  name = "诉求"
  any = ["停水"]
  channel = "petition"
  continue = true

  [[rule.rule]]
  id = "grave"
  name = "要紧"
  any = ["学校"]
  channel = "network"
  level = 2
"""
    judgement = judge(body, "学校停水，大家都在吐槽")
    assert (judgement.channel, judgement.level) == ("petition", Level.II)
    assert [reason.rule for reason in judgement.reasons] == ["grave", "claims", "talk", "own"]


def test_of_very_many_word_groups_only_the_nearest_are_named() -> None:
    groups = "\n".join(f'"词组{n}号" = ["停水"]' for n in range(100))
    body = '[[rule]]\nid = "a"\nname = "甲"\nany = ["@完全不同"]\nchannel = "network"\n'
    with pytest.raises(ConfigError) as refused:
        rules(body, HEAD.replace("[words]", f"[words]\n{groups}"))
    [problem] = refused.value.problems
    assert problem.cure.startswith("最接近的有：@")
    assert problem.cure.endswith("（共 103 个）")
    assert problem.cure.count("@") == 3
