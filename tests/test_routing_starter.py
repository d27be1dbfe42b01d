"""The starter set is whole, and the model that is shipped is the one it gives."""

from collections import Counter
from pathlib import Path

import pytest

from routing import starter
from routing.conditions import Subject
from routing.errors import ConfigError, Problem
from routing.items import Kind
from routing.opinions import Opinions, beginning
from routing.starter import opinions, sentiment

WEEKS = Path(__file__).parent / "data/weeks"
HEAD = ",".join(starter.COLUMNS)


def test_the_set_is_whole_and_large_enough() -> None:
    rows = starter.rows()
    assert len(rows) >= 600
    assert {row.sentiment for row in rows} == set(starter.SENTIMENTS)
    assert {row.subject for row in rows} == set(starter.SUBJECTS)


def test_no_text_stands_there_twice() -> None:
    counts = Counter(row.whole for row in starter.rows())
    assert [text for text, count in counts.items() if count > 1] == []


def test_words_say_one_thing_each() -> None:
    assert dict(starter.words())["投诉"] == "negative"
    assert len(starter.words()) > 1000


def test_each_area_has_words_and_no_word_names_two() -> None:
    words = starter.subject_words()
    assert {area for _, area in words} == set(starter.SUBJECTS)
    assert len({word for word, _ in words}) == len(words)


@pytest.mark.parametrize(
    ("text", "area"),
    [
        ("欠薪", "劳动和社会保障"),
        ("工资不发", "劳动和社会保障"),
        ("停水三天", "水电气暖"),
        ("医保断缴", "医疗保障"),
        ("狗咬人", "公安司法"),
    ],
)
def test_a_few_letters_are_of_their_area(text: str, area: str) -> None:
    shares = opinions.starter_model(opinions.SUBJECT).scores(text)
    assert max(shares, key=lambda name: shares[name]) == area


@pytest.mark.parametrize(
    ("row", "where"),
    [
        (",停水了,feed,complaint,bad,水电气暖,yes,office,no", "sentiment"),
        (",停水了,feed,complaint,negative,水,yes,office,no", "subject"),
        (",停水了,tv,complaint,negative,水电气暖,yes,office,no", "source"),
        (",停水了,feed,complaint,negative,水电气暖,yes,,no", "lead"),
        (",停水了,feed,complaint,negative,水电气暖,no,office,no", "lead"),
        (", ,feed,complaint,negative,水电气暖,yes,office,no", "text"),
        (",停水了,feed", "列数"),
        (",停水了,feed,complaint,negative,水电气暖,yes,office,no,more", "列数"),
    ],
)
def test_a_wrong_row_is_named_with_its_line(row: str, where: str) -> None:
    problems: list[Problem] = []
    good = ",来水了,feed,praise,positive,水电气暖,no,,no"
    read = list(starter.read_texts(f"{HEAD}\n{good}\n{row}\n", "x.csv", problems))
    assert [example.text for example in read] == ["来水了"]
    (problem,) = problems
    assert (problem.file, problem.line, problem.where) == ("x.csv", 3, where)


def test_another_head_is_refused() -> None:
    problems: list[Problem] = []
    assert list(starter.read_texts("text,label\n停水,0\n", "x.csv", problems)) == []
    assert "表头" in str(ConfigError(problems))


# --- the model ---


def test_the_shipped_model_is_made_of_these_files() -> None:
    cure = "the starter set changed: run python -m routing.starter.build"
    assert sentiment.starter_model().about["starter"] == starter.sources_hash(), cure


@pytest.mark.parametrize("name", list(opinions.MODEL_FILES))
def test_the_other_shipped_models_are_made_of_these_files(name: str) -> None:
    cure = "the starter set changed: run python -m routing.starter.build"
    assert opinions.starter_model(name).about["starter"] == starter.sources_hash(), cure


def test_the_weeks_are_those_of_the_tests() -> None:
    found = Counter(one.week for one in starter.weeks())
    assert sorted(found) == sorted(path.name for path in WEEKS.iterdir() if path.is_dir())
    assert min(found.values()) > 300


def test_a_text_of_a_week_says_who_leads_only_where_that_changes() -> None:
    leads = [one for one in starter.weeks() if one.lead]
    assert all(one.public for one in leads)
    assert 0.1 < len(leads) / len(starter.weeks()) < 0.3


def test_a_model_knows_a_complaint_from_an_advertisement() -> None:
    model = opinions.starter_model(opinions.PUBLIC)
    complaint = model.scores("小区停水三天了，打电话没人管", (opinions.source_mark("feed"),))
    advert = model.scores("新店开业，进店就送鸡蛋，快来抢购", (opinions.source_mark("feed"),))
    assert complaint[opinions.YES] > 0.8 > 0.4 > advert[opinions.YES]


def test_the_shipped_model_is_what_the_set_gives() -> None:
    shipped, fresh = sentiment.starter_model(), sentiment.fit()
    assert shipped.classes == fresh.classes == sentiment.CLASSES
    for row in starter.rows()[::25]:
        assert fresh.scores(row.whole)["negative"] == pytest.approx(
            shipped.scores(row.whole)["negative"], abs=0.02
        )


@pytest.mark.parametrize(
    ("text", "is_negative"),
    [
        ("小区停水三天，打电话没人管", True),
        ("物业乱收费还威胁业主", True),
        ("路又挖开了，坑坑洼洼没法走", True),
        ("请问老年卡怎么办理，需要什么材料", False),
        ("建议在南门增设一处公交站", False),
        ("路灯修好了，晚上亮堂堂的，谢谢", False),
        ("今天的晚霞真好看", False),
    ],
)
def test_it_reads_plain_cases_on_the_first_day(text: str, is_negative: bool) -> None:
    assert (sentiment.starter_model().scores(text)["negative"] > 0.5) is is_negative


def test_the_marks_of_what_was_masked_say_nothing_of_a_matter() -> None:
    wages = "领导好，我们是工地木工班，三十四个人，从五月干到九月，工资没发，恳请帮我们要回血汗钱。"
    masked = wages + "带班的身份证号[身份证号已隐去]，联系电话[电话号码已隐去]。"
    told = "反映拖欠木工班组工资四个月"
    assert beginning(told, masked) == beginning(
        told, masked.replace("[身份证号已隐去]", "").replace("[电话号码已隐去]", "")
    )
    assert beginning("", "[通告] 停水") == "[通告] 停水"


def test_unpaid_wages_are_of_labour_where_the_model_only_guesses() -> None:
    title = "反映汀岸新城二期拖欠木工班组工资四个月"
    text = "我们是汀岸新城二期工地木工班，三十四个人，工资没发，项目部说总包没拨款。恳请帮我们要回血汗钱。"
    assert Opinions().area(Subject(title, text, Kind.POST)) == "劳动和社会保障"
    assert (
        Opinions().area(Subject("汀岸新城二期物业费涨价", "物业不修电梯，还要涨物业费", Kind.POST))
        == "物业住房"
    )
