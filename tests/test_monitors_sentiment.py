from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.sentiment import (
    NgramScorer,
    SnowNlpScorer,
    band,
    max_letters,
    max_sentences,
    own_band,
    post_letters,
    split,
)
from routing.items import Band, Sentiment
from routing.ngram_table import Readings, Table
from routing.ngrams import Model, sigmoid

own = NgramScorer()


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "停",
        "12345 !!!",
        "https://x.example/停水停水",
        "@县政府办",
        "#停水停水#",
        "hello world",
        "😀😀",
        "こんにちは",
        "[大哭]",
    ],
)
def test_where_there_is_nothing_to_judge_the_answer_is_none(text: str) -> None:
    assert SnowNlpScorer().score(text) is None
    assert own.score(text) is None


def test_a_text_is_split_into_title_and_a_bounded_number_of_short_sentences() -> None:
    parts = split("城南停水\n" + "没人管。" * 60 + "字" * 9000)
    assert parts[0] == "城南停水"
    assert len(parts) == 1 + max_sentences == 41
    assert all(len(part) <= 120 for part in split("字" * 9000))


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (0.0, Band.NEGATIVE),
        (0.15, Band.NEGATIVE),
        (0.16, Band.UNCLEAR),
        (0.89, Band.UNCLEAR),
        (0.9, Band.NOT_NEGATIVE),
    ],
)
def test_the_band_follows_the_measured_thresholds(raw: float, shown: Band) -> None:
    assert band(raw) is shown


class Fixed(SnowNlpScorer):
    """The joining and scaling of the real scorer over a given share for every sentence."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self._classify = lambda _: share


@given(st.text(max_size=300), st.floats(0, 1))
def test_no_text_makes_it_raise_and_figures_stay_in_range(text: str, share: float) -> None:
    sentiment = Fixed(share).score(text)
    if sentiment is not None:
        assert 0 <= sentiment.raw <= 1
        assert 0.1 < sentiment.value < 0.9


def test_title_and_text_weigh_half_each_and_extremes_do_not_overflow() -> None:
    scorer = SnowNlpScorer()
    scorer._classify = lambda sentence: 1.0 if sentence == "标题好" else 0.0
    even = scorer.score("标题好\n正文坏。正文坏。正文坏")
    assert even is not None
    assert even.raw == pytest.approx(0.5)
    assert even.value == pytest.approx(0.5225, abs=1e-3)  # 0.137 × 0 + 0.09 in logits
    assert even.version.startswith("0.12.3-")


# --- the office's own model ---


class Told(Table):
    """A table that says of each text what it was told, and remembers what it was asked."""

    def __init__(self, said: dict[str, float]) -> None:
        super().__init__([Model("told", ("negative", "not_negative"), ["x"], [[0]], [0.0], 1.0)])
        self.said, self.asked = said, list[str]()

    def read_each(self, texts: Sequence[str]) -> Readings:
        self.asked += texts
        return super().read_each(texts)

    def logits(self, model: int, readings: Readings) -> list[float]:
        return [self.said.get(text, 0.0) for text in self.asked[-len(readings.runs) :]]


def asking(told: Told) -> NgramScorer:
    scorer = NgramScorer()
    scorer._table = told
    return scorer


def test_a_post_is_judged_as_one_text() -> None:
    model = Told({"停水了。没人管。": -2.0})
    found = asking(model).score("停水了。没人管。")
    assert found is not None
    assert model.asked == ["停水了。没人管。"]
    assert found.value == pytest.approx(sigmoid(-2.0), abs=1e-6)
    assert (found.quote, found.band, found.confidence) == ("", Band.NEGATIVE, pytest.approx(0.761594))


def test_an_article_is_half_its_title_and_half_the_mean_of_its_sentences() -> None:
    scorer = asking(Told({"标题很好": 3.0, "第一句": -1.0, "第二句坏": -4.0, "第三句": 2.0}))
    found = scorer.score("标题很好\n第一句。第二句坏！第三句。123。")
    assert found is not None
    assert found.value == pytest.approx(sigmoid((3.0 - 1.0) / 2), abs=1e-6)
    assert found.quote == "第二句坏"


def test_an_article_is_never_read_whole() -> None:
    model = Told({})
    asking(model).score("标题很好\n" + "没有人来管。" * 800)
    assert len(model.asked) == 1 + max_sentences
    assert max(map(len, model.asked)) <= 120


def test_a_text_longer_than_a_post_is_an_article_without_a_title() -> None:
    model = Told({})
    asking(model).score("没有人来管。" * 60)
    assert len(model.asked) == 1 + max_sentences
    model.asked.clear()
    asking(model).score("字" * (post_letters + 1))
    assert list(map(len, model.asked)) == [120]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, Band.NEGATIVE),
        (0.2, Band.NEGATIVE),
        (0.201, Band.UNCLEAR),
        (0.799, Band.UNCLEAR),
        (0.8, Band.NOT_NEGATIVE),
    ],
)
def test_its_band_is_unclear_unless_it_is_sure(value: float, shown: Band) -> None:
    assert own_band(value) is shown


def test_evidence_is_in_the_text_and_speaks_for_the_band() -> None:
    found = own.score("物业乱收费没人管，投诉多次还是推诿")
    assert found is not None
    assert found.band is Band.NEGATIVE
    assert found.evidence
    assert all(run in "物业乱收费没人管，投诉多次还是推诿" for run in found.evidence)


def test_both_scorers_say_who_they_are_and_their_answers_carry_it() -> None:
    snow = SnowNlpScorer()
    snow._classify = lambda _: 0.5
    for scorer in (own, snow):
        found = scorer.score("停水三天了")
        assert isinstance(found, Sentiment)
        assert (found.scorer, found.version) == (scorer.name, scorer.version)
    assert (own.name, snow.name) == ("ngram", "snownlp")


def test_a_repeat_is_looked_up_and_what_is_known_is_bounded() -> None:
    model = Told({})
    scorer = asking(model)
    first = scorer.score("停水三天了")
    assert scorer.score("停水三天了") is first
    assert len(model.asked) == 1
    assert scorer._known.cache_info().maxsize == 4096


def test_letters_past_the_bound_change_nothing() -> None:
    whole = "停水三天了没人管。" * 600
    assert own.score(whole) == own.score(whole[:max_letters])


@given(st.text(max_size=400))
def test_no_text_makes_the_own_model_raise(text: str) -> None:
    found = own.score(text)
    if found is not None:
        assert 0 <= found.value <= 1
        assert 0 <= found.confidence <= 1
