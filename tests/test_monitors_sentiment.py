import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.sentiment import SnowNlpScorer, band, max_sentences, split
from routing.items import Band


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


def test_a_text_is_split_into_title_and_a_bounded_number_of_short_sentences() -> None:
    parts = split("城南停水\n" + "没人管。" * 20 + "字" * 9000)
    assert parts[0] == "城南停水"
    assert len(parts) == 1 + max_sentences
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
