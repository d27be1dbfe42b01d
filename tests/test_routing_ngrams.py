"""The linear model over runs of characters: what it reads, how it learns, what its file may hold."""

import gzip
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.errors import ConfigError, UserError
from routing.ngrams import FORMAT, Model, Row, clean, features, load, most_letters, telling
from routing.ngrams_fit import fit

BAD = ("路灯坏了三个月没人修", "停水三天没人管", "垃圾没人清运臭死了", "电梯坏了没人修", "工资拖着不发")
GOOD = ("路灯修好了真亮堂", "供水恢复了谢谢师傅", "垃圾清运得很干净", "电梯修好了点赞", "办事很快谢谢窗口")
ASKED = ("请问怎么办理落户", "请问需要什么材料", "咨询入学条件", "请问几点上班", "咨询补贴标准")


def two() -> Model:
    rows = [*(Row(text, "bad") for text in BAD), *(Row(text, "good") for text in GOOD)]
    return fit(rows, name="mood", least=1)


def three() -> Model:
    rows = [
        Row(text, label) for label, texts in zip("abc", (BAD, GOOD, ASKED), strict=True) for text in texts
    ]
    return fit(rows, name="kind", least=1)


# --- what is read ---


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("停水 https://x.example/a?b=1没人管", "停水没人管"),
        ("＠县政府办 停水了", "停水了"),
        ("@县政府办 停水了", "停水了"),
        ("#城南停水# 三天了", "城南停水三天了"),
        ("ＡＢＣ\u200b停\u200b水", "abc停水"),
        ("", ""),
    ],
)
def test_links_names_and_topic_marks_are_not_read(text: str, read: str) -> None:
    assert clean(text) == read


def test_a_text_is_read_up_to_its_bound() -> None:
    assert len(clean("字" * (most_letters + 1))) == most_letters


def test_features_are_runs_of_one_to_three_and_what_the_caller_gives() -> None:
    assert features("停水了") == {"停", "水", "了", "停水", "水了", "停水了"}
    assert features("") == set()
    given_apart = features("", ["停水"])
    assert len(given_apart) == 1
    assert given_apart.isdisjoint(features("停水"))


# --- what is learnt ---


def test_two_classes_are_told_apart_on_texts_not_seen() -> None:
    model = two()
    assert model.classes == ("bad", "good")
    assert model.scores("水管坏了没人修")["bad"] > 0.6
    assert model.scores("谢谢师傅，修好了")["good"] > 0.6


def test_three_classes_are_told_apart_and_their_shares_add_up() -> None:
    model = three()
    for label, text in zip("abc", ("没人修也没人管", "谢谢，真干净", "请问办理条件"), strict=True):
        scores = model.scores(text)
        assert max(scores, key=scores.__getitem__) == label
        assert sum(scores.values()) == pytest.approx(1)


def test_a_feature_of_the_caller_decides_where_the_words_say_nothing() -> None:
    rows = [Row("停水了", "no", extra=("src=feed",)), Row("停水了", "yes", extra=("src=board",))] * 3
    model = fit(rows, name="x", penalty=0.01)
    assert model.scores("停水了", ["src=board"])["yes"] > 0.7
    assert model.scores("停水了", ["src=feed"])["yes"] < 0.3
    assert model.evidence("停水了", "yes", ["src=board"]) == ("src=board",)


def test_weight_is_as_good_as_repetition() -> None:
    once = [Row("停水了", "a", weight=3), Row("来水了", "b")]
    often = [Row("停水了", "a")] * 3 + [Row("来水了", "b")]
    for text in ("停水", "来水"):
        assert fit(once, name="x", least=1).scores(text) == pytest.approx(
            fit(often, name="x", least=1).scores(text), abs=1e-3
        )


def test_balance_takes_the_bias_of_a_rare_class_away() -> None:
    rows = [Row("停水了", "a")] * 9 + [Row("来水了", "b")]
    assert fit(rows, name="x", least=1).scores("字")["b"] < 0.3
    assert fit(rows, name="x", least=1, balanced=True).scores("字")["b"] == pytest.approx(0.5, abs=0.05)


def test_evidence_names_the_runs_that_speak_for_the_class_and_none_twice() -> None:
    model = two()
    found = model.evidence("楼道灯没人修", "bad")
    assert found
    assert all(run in "楼道灯没人修" for run in found)
    assert not any(a in b for a in found for b in found if a is not b)
    assert model.evidence("谢谢师傅", "bad") == ()
    assert model.evidence("谢谢师傅", "good")
    assert three().evidence("请问条件", "c")


@pytest.mark.parametrize(
    ("strong", "text", "told"),
    [
        (
            ["没", "，打", "没人", "人管", "没人管", "\x01src=board"],
            "没人管，打电话",
            ("没人管", "src=board"),
        ),
        (["图书", "书馆", "新到"], "县图书馆新到", ("图书馆", "新到")),
        (["没人", "人管"], "没人来，人管不了", ("没人", "人管")),
        (["半夜", "后半夜", "夜排的"], "后半夜排的水", ("后半夜",)),
        (["妈的", "我们", "是水", "了四", "个月", "停水"], "大妈的水我们停水了四个月", ("停水",)),
        (["没", "，打"], "没，打", ()),
    ],
)
def test_evidence_is_words_and_no_pieces_of_them(strong: list[str], text: str, told: tuple[str, ...]) -> None:
    assert telling(strong, text, 3) == told


def test_a_model_is_cut_to_its_weightiest_runs() -> None:
    rows = [Row(text, "bad") for text in BAD] + [Row(text, "good") for text in GOOD]
    model = fit(rows, name="x", least=1, most=20)
    assert len(model) == 20
    assert model.scores("没人修")["bad"] > 0.5 > model.scores("谢谢")["bad"]


def test_the_same_rows_give_the_same_bytes() -> None:
    assert two().dump() == two().dump()
    assert two().version == two().version


@pytest.mark.parametrize("rows", [[], [Row("停水了", "a")]])
def test_one_class_is_no_task(rows: list[Row]) -> None:
    with pytest.raises(UserError, match="至少要两类"):
        fit(rows, name="x")


def test_a_class_without_a_row_is_named() -> None:
    with pytest.raises(UserError, match="缺：c"):
        fit([Row("停水", "a"), Row("来水", "b")], name="x", classes=("a", "b", "c"))


@settings(max_examples=200)
@given(st.text(max_size=200), st.lists(st.text(max_size=8), max_size=3))
def test_no_text_makes_it_raise(text: str, extra: list[str]) -> None:
    for model in (_two, _three):
        scores = model.scores(text, extra)
        assert sum(scores.values()) == pytest.approx(1)
        model.evidence(text, model.classes[0], extra)


_two, _three = two(), three()


# --- the file ---


@pytest.mark.parametrize("model", [_two, _three], ids=["two", "three"])
def test_a_model_comes_back_from_its_file_as_it_was(model: Model) -> None:
    again = load(model.dump())
    assert (again.name, again.classes, again.version, len(again)) == (
        model.name,
        model.classes,
        model.version,
        len(model),
    )
    for text in (*BAD, *GOOD, "从没见过的话", ""):
        assert again.scores(text) == model.scores(text)


def test_runs_of_odd_characters_survive_the_file() -> None:
    odd = ("\ud800停", "𠮷野", "a b", "\u3000", "‖\u2028‖")
    model = fit([*(Row(text, "a") for text in odd), Row("停水", "b")], name="x", least=1)
    again = load(model.dump())
    assert [again.scores(text) for text in odd] == [model.scores(text) for text in odd]


def test_version_follows_the_content() -> None:
    other = fit([Row("停水了", "bad"), Row("来水了", "good")], name="mood", least=1)
    assert other.version != _two.version


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense",
        gzip.compress(b""),
        gzip.compress(b"{}"),
        gzip.compress(b"yuqing-ngrams 1\n{}\n"),
        gzip.compress(b"yuqing-ngrams 1\n[]\n"),
        gzip.compress(b'yuqing-ngrams 1\n{"classes":["a","b"],"grams":-1,"letters":0}\n'),
        _two.dump()[:-9],
        _two.dump()[:20],
        gzip.compress(gzip.decompress(_two.dump())[:-2]),
        gzip.compress(gzip.decompress(_two.dump()) + b"  "),
        gzip.compress(gzip.decompress(_two.dump()).replace(b'"scale": ', b'"scale": 1e999, "old": ')),
    ],
    ids=[
        "empty",
        "no gzip",
        "empty inside",
        "other content",
        "no head",
        "a list for a head",
        "a count below zero",
        "cut at the end",
        "cut at the begin",
        "weights missing",
        "more than the weights",
        "a scale without end",
    ],
)
def test_a_file_that_is_no_whole_model_is_one_clear_error(data: bytes) -> None:
    with pytest.raises(ConfigError) as raised:
        load(data, "models/sentiment.model", "请用 yuqing sentiment train 重新训练")
    (problem,) = raised.value.problems
    assert problem.file == "models/sentiment.model"
    assert "不是完整的模型文件" in problem.reason
    assert "yuqing sentiment train" in problem.cure


def test_a_file_of_another_format_says_which() -> None:
    data = gzip.decompress(_two.dump()).replace(b"yuqing-ngrams %d" % FORMAT, b"yuqing-ngrams 9")
    with pytest.raises(ConfigError, match="第 9 版"):
        load(gzip.compress(data))


def test_a_damaged_file_never_ends_in_another_error() -> None:
    chance = random.Random(7)
    content = gzip.decompress(_two.dump())
    for _ in range(300):
        damaged = bytearray(content)
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            load(gzip.compress(bytes(damaged), 1)).scores("停水")
        except ConfigError:
            continue
