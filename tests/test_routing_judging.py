"""Rules and text models together: who opens a matter, who may only join one, who should lead, and why."""

from dataclasses import replace

import pytest

from routing.conditions import Subject
from routing.items import Band, Kind
from routing.judging import NEIGHBOUR_TAG, Judge, stood
from routing.owed import Owed
from routing.rules import load_rules

CHANNELS = ("security", "petition", "publicity", "network", "office")
RULES = """
county = "青禾县"

[[place]]
name = "东湖小区"

[[ignore]]
id = "ads"
name = "广告"
any = ["招租"]

[[rule]]
id = "danger"
name = "险情"
any = ["塌方"]
where = "county"
channel = "security"
"""
MORE = """
[[rule]]
id = "claim"
name = "诉求"
any = ["欠薪"]
channel = "petition"

[[rule]]
id = "water"
name = "停水"
any = ["停水"]
channel = "network"
"""
ROOT = """
[root]
channel = "office"
any = ["请问"]
"""


class Said:
    """Models that say what a test wants them to."""

    version = "said"

    def __init__(self, public: float, answer: float = 0.0, **lead: float) -> None:
        self._public, self._answer, self._lead = public, answer, lead or {"network": 0.6, "office": 0.4}

    def public(self, subject: Subject) -> float:
        return self._public

    def lead(self, subject: Subject) -> dict[str, float]:
        return self._lead

    def answer(self, subject: Subject) -> float:
        return self._answer

    def area(self, subject: Subject) -> str:
        return "水电气暖"


def judge(public: float, **lead: float) -> Judge:
    return Judge(load_rules(RULES + MORE + ROOT, "rules.toml", CHANNELS), Said(public, **lead))  # type: ignore[arg-type]


def post(text: str, kind: Kind = Kind.POST, *tags: str, own: bool = False) -> Subject:
    return Subject("", text, kind, tags, own=own)


def test_a_text_of_ours_that_reads_like_a_matter_opens_one_though_no_rule_took_it() -> None:
    said = judge(0.9).judge(post("东湖小区的井盖又不见了"))
    assert (said.relevant, said.channel) == (True, "network")
    assert str(said.reasons[-1]) == "文字判断：很像需要研判的事"


def test_the_same_text_of_elsewhere_opens_nothing_but_may_join() -> None:
    said = judge(0.9).judge(post("南湖小区的井盖又不见了"))
    assert (said.relevant, said.channel, said.joins) == (False, None, True)


def test_a_rule_that_asks_for_no_place_opens_nothing_elsewhere() -> None:
    said = judge(0.99).judge(post("南湖县的工地欠薪三个月"))
    assert (said.relevant, said.channel, said.level) == (False, None, None)
    assert str(said.reasons[-1]) == "地域：没有提到本县"


def test_what_a_neighbour_says_of_us_is_theirs_to_answer() -> None:
    said = judge(0.99).judge(post("东湖小区塌方了，我们这边会不会也塌", Kind.POST, NEIGHBOUR_TAG))
    assert (said.relevant, said.joins, said.ours) == (False, False, False)
    assert str(said.reasons[0]) == "地域：来源属邻县"


def test_a_topic_that_reads_like_a_joke_is_held_back_and_says_so() -> None:
    said = judge(0.1).judge(post("东湖小区停水，我洗头洗到一半，先去楼下理发店蹭个水"))
    assert not said.relevant
    assert "不像需要研判的事" in str(said.reasons[-1])


def test_a_danger_needs_less_than_a_topic() -> None:
    assert judge(0.15).judge(post("东湖小区塌方了")).channel == "security"
    assert not judge(0.15).judge(post("东湖小区停水，头洗到一半去隔壁借水")).relevant


@pytest.mark.parametrize(
    ("answer", "lead", "kind", "owed"),
    [
        (0.62, "office", Kind.POST, Owed.POLICY),
        (0.62, "security", Kind.POST, Owed.EMERGENCY),
        (0.62, "petition", Kind.POST, None),
        (0.78, "petition", Kind.POST, Owed.INTERESTS),
        (0.78, "petition", Kind.COMMENT, None),
        (0.82, "office", Kind.COMMENT, Owed.POLICY),
        (0.58, "office", Kind.POST, None),
    ],
)
def test_what_reads_like_a_text_that_must_be_answered_is_proposed_so_by_who_leads(
    answer: float, lead: str, kind: Kind, owed: Owed | None
) -> None:
    said = judge(0.9, answer=answer, **{lead: 1.0}).judge(post("东湖小区的井盖又不见了", kind, own=True))
    assert (said.relevant, said.owed, said.must_answer) == (True, owed, owed is not None)


def test_a_rule_s_ground_goes_before_the_model_s_and_of_what_joins_nothing_nothing_is_owed() -> None:
    ruled = RULES.replace('channel = "security"', 'channel = "security"\nmust_answer = "谣言不实"')
    models = Said(0.9, answer=0.99, office=1.0)
    rules = load_rules(ruled + MORE + ROOT, "rules.toml", CHANNELS)
    assert Judge(rules, models).judge(post("东湖小区塌方了")).owed is Owed.RUMOUR  # type: ignore[arg-type]
    assert judge(0.05, answer=0.99).judge(post("东湖小区的晚霞真好看，站在桥上拍的")).owed is None


def test_a_short_text_is_the_rules_to_judge() -> None:
    assert judge(0.05).judge(post("东湖小区停水")).relevant


def test_what_a_rule_gives_a_level_is_never_held_back() -> None:
    rules = (
        RULES
        + MORE
        + """
[[rule]]
id = "own"
name = "本办自定"
any = ["饭里有虫"]
level = 2
channel = "network"
"""
        + ROOT
    )
    sure = Judge(load_rules(rules, "rules.toml", CHANNELS), Said(0.01))  # type: ignore[arg-type]
    assert sure.judge(post("东湖小区的学校今天中午饭里有虫，孩子回来才说")).relevant


def test_grumbling_below_a_text_does_not_make_it_another_matter() -> None:
    assert judge(0.9).judge(post("反正说了也没人听", Kind.COMMENT)).lead == "office"
    assert judge(0.9, petition=0.9).judge(post("我家的两千块什么时候退", Kind.COMMENT)).lead == "petition"


def test_thanks_open_nothing_but_may_join_what_they_speak_of() -> None:
    thanks = '[[ignore]]\nid = "thanks"\nname = "感谢"\nany = ["谢谢"]\nmay_join = true\n'
    rules = load_rules(RULES + thanks + MORE + ROOT, "rules.toml", CHANNELS)

    said = Judge(rules, Said(0.95)).judge(post("谢谢，东湖小区停水修好了"))  # type: ignore[arg-type]
    assert (said.relevant, said.ignored, said.joins) == (False, False, True)
    assert [reason.rule for reason in said.reasons] == ["thanks"]
    assert not Judge(rules, Said(0.1)).judge(post("谢谢，东湖小区停水修好了")).joins  # type: ignore[arg-type]


def test_what_a_rule_ignores_stays_ignored() -> None:
    said = judge(0.99).judge(post("东湖小区商铺招租"))
    assert (said.relevant, said.ignored, said.joins) == (False, True, False)


@pytest.mark.parametrize(
    ("kind", "tags", "channel"),
    [
        (Kind.POST, (), "petition"),
        (Kind.POST, ("问政",), "petition"),
        (Kind.ARTICLE, ("媒体",), "publicity"),
        (Kind.ARTICLE, ("官方",), "office"),
    ],
    ids=["his own", "on a board", "in the paper", "by an office"],
)
def test_a_claim_is_the_writers_own(kind: Kind, tags: tuple[str, ...], channel: str) -> None:
    said = judge(0.95, office=0.8, network=0.1).judge(post("东湖小区工地欠薪三个月", kind, *tags))
    assert said.channel == channel


def test_a_board_leads_to_petition_unless_it_only_asks() -> None:
    appeal = judge(0.9, petition=0.6, office=0.2).judge(post("东湖小区的路灯", Kind.POST, "问政"))
    question = judge(0.9, petition=0.2, office=0.6).judge(post("东湖小区的路灯", Kind.POST, "问政"))
    assert (appeal.channel, question.channel) == ("petition", "office")


def test_a_comment_names_no_place_and_still_says_who_should_lead() -> None:
    said = judge(0.8).judge(post("明天就要塌方了，大家快跑", Kind.COMMENT))
    assert (said.relevant, said.joins, said.lead) == (False, True, "security")


def test_a_comment_off_the_point_does_not_join_and_a_short_one_does() -> None:
    assert not judge(0.05).judge(post("今天的云真好看，适合出去拍照", Kind.COMMENT)).joins
    assert judge(0.05).judge(post("支持楼主", Kind.COMMENT)).joins


def test_a_channel_that_the_office_has_not_is_not_proposed() -> None:
    rules = load_rules(RULES + ROOT, "rules.toml", ("security", "office"))
    said = Judge(rules, Said(0.9, petition=0.9)).judge(post("东湖小区的井盖又不见了"))  # type: ignore[arg-type]
    assert said.channel == "office"


@pytest.mark.parametrize(
    ("kind", "tags", "where"),
    [
        (Kind.ARTICLE, ("媒体",), "press"),
        (Kind.ARTICLE, ("媒体", "中央媒体"), "central"),
        (Kind.ARTICLE, ("省级媒体",), "province"),
        (Kind.COMMENT, ("媒体",), "comments"),
        (Kind.HOTLIST, (), "hotlist"),
        (Kind.POST, ("官方",), "official"),
    ],
    ids=["city", "central", "province", "comment", "hotlist", "official"],
)
def test_where_a_text_stood(kind: Kind, tags: tuple[str, ...], where: str) -> None:
    assert stood(post("x", kind, *tags)) == where


def test_the_version_names_rules_and_models_and_fits_its_column() -> None:
    one = judge(0.5)
    assert one.version.startswith(one.rules.version)
    assert len(one.version) <= 32


def test_with_the_models_that_are_shipped_a_complaint_is_told_from_an_idle_word() -> None:
    real = Judge(load_rules(RULES + MORE + ROOT, "rules.toml", CHANNELS))
    assert real.judge(post("东湖小区门口的路灯坏了半个月，晚上黑灯瞎火没人修")).relevant
    assert not real.judge(post("东湖小区楼下的猫今天又晒太阳了，可爱")).relevant


URGENT = """
[[rule]]
id = "joke"
name = "玩笑"
any = ["哈哈"]
sentiment = "not_negative"
channel = "office"

[[rule]]
id = "level"
name = "定级"
any = ["罢工"]
channel = "network"
level = 2

[[rule]]
id = "lesser"
name = "较轻"
any = ["噪音"]
channel = "network"
level = 3

[[rule]]
id = "answer"
name = "必答"
any = ["求证"]
channel = "office"
must_answer = true

[[rule]]
id = "angry"
name = "怒气"
any = ["罢市"]
sentiment = "negative"
channel = "network"
level = 1
"""


@pytest.mark.parametrize(
    ("text", "is_urgent"),
    [
        ("青禾县塌方了", True),
        ("青禾县司机罢工", True),
        ("青禾县停电了吗求证一下", True),
        ("青禾县工地噪音很大", False),
        ("青禾县停水了", False),
        ("哈哈青禾县塌方了", True),  # whose own rule stands before the joke's
        ("哈哈青禾县司机罢工", False),
        ("青禾县罢市了", False),
        ("招租，青禾县塌方了", False),
        ("隔壁塌方了", False),
    ],
)
def test_urgent_is_what_no_score_can_make_less(text: str, is_urgent: bool) -> None:
    desk = Judge(load_rules(RULES + URGENT + ROOT, "rules.toml", CHANNELS), Said(0.9))  # type: ignore[arg-type]
    assert desk.is_urgent(post(text)) is is_urgent
    if is_urgent:
        judged = [desk.judge(replace(post(text), band=band)) for band in (None, *Band)]
        assert all(one.relevant for one in judged)


def test_what_a_neighbour_s_source_says_is_not_urgent() -> None:
    assert not judge(0.9).is_urgent(post("青禾县塌方了", Kind.POST, NEIGHBOUR_TAG))


def test_a_rule_that_names_a_channel_of_the_office_s_own_is_not_overruled() -> None:
    rules = load_rules(
        (RULES + MORE + ROOT).replace('"network"', '"urban"'), "rules.toml", {*CHANNELS, "urban"}
    )
    for kind in (Kind.POST, Kind.COMMENT):
        said = Judge(rules, Said(0.9, network=0.9)).judge(post("东湖小区停水", kind))  # type: ignore[arg-type]
        assert (said.channel, said.lead, said.copies) == ("urban", "urban", ())


def test_a_channel_that_only_the_office_knows_is_named_where_its_model_is_sure() -> None:
    channels = frozenset({*CHANNELS, "emergency"})
    rules = load_rules(RULES + MORE + ROOT, "rules.toml", channels)
    text = post("东湖小区的井盖又不见了")
    for share, channel in ((0.6, "emergency"), (0.4, "network")):
        said = Judge(rules, Said(0.9, emergency=share, network=0.3))  # type: ignore[arg-type]
        assert said.judge(text).channel == channel
