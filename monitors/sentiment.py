"""Text to sentiment, None where there is nothing to judge; never an exception on a str.

Judges words only. Severity never hangs on it: stock snownlp is fitted on shopping reviews, and of the citizens'
requests measured below it calls a fifth friendly.
"""

import importlib.metadata
import math
import re
from collections.abc import Callable
from typing import Protocol

from routing.items import Band, Sentiment

max_letters = 5000
max_sentences = 8
max_sentence_letters = 120
"""A longer sentence says no more about the whole, and its product of words saturates: it is cut."""

negative_up_to = 0.15
not_negative_from = 0.90
"""Bands on the raw score, measured with snownlp 0.12.3 on two small sets of our own (65 probes of seven kinds; 141
titles of citizens' messages). At or below 0.15: 24 probes, 17 of them negative (71 %); 69 titles, 54 negative (78 %).
At or above 0.90: 11 probes, 9 not negative; 11 titles, 3 not negative, so "not negative" closes nothing by itself.
Between them the score says little, and the card says so (不明): 46 % of the probes."""


class Scorer(Protocol):
    """Something that judges a text. Scores of two names or versions must never be compared."""

    name: str
    version: str

    def score(self, text: str) -> Sentiment | None:
        """Judge the text, its first line being the title; None where it cannot. Never raises on a str."""


_noise = re.compile(r"https?://\S+|@[\w\-]{1,30}|#[^#\n]{1,40}#|\[[^\[\]\n]{1,12}\]")
_sentence_end = re.compile(r"[。！？!?；;\n…]+")
_han = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")


class SnowNlpScorer:
    """snownlp, title and sentences scored apart and joined in logits: a whole article as one text saturates.

    `raw` is half the title's logit and half the mean of the sentences', back in [0, 1]; `value` is Platt's scaling
    of it, 0.137 × logit + 0.09, fitted on mixed public sets (Weibo, news, reviews). Its order stays that of the raw score.
    The scores are snownlp's to the last bit, computed by `monitors.segmenter`; the first score of a process maps its
    table (0.1 s; a few seconds more, once, where it has to be written).
    """

    name = "snownlp"

    def __init__(self) -> None:
        self.version = f"{importlib.metadata.version('snownlp')}-sentences1"
        self._classify: Callable[[str], float] | None = None

    def score(self, text: str) -> Sentiment | None:
        """Judge the text; None with fewer than two Chinese characters once links, @names and #topics# are gone."""
        title, *sentences = split(text) or [""]
        if not title:
            return None
        logits = [self._logit(sentence) for sentence in (title, *sentences)]
        logit = logits[0] if not sentences else (logits[0] + sum(logits[1:]) / len(sentences)) / 2
        raw = _sigmoid(logit)
        return Sentiment(
            raw=round(raw, 6),
            value=round(_sigmoid(0.137 * logit + 0.09), 6),
            band=band(raw),
            scorer=self.name,
            version=self.version,
        )

    def _logit(self, sentence: str) -> float:
        if self._classify is None:
            from monitors.segmenter import Classifier

            self._classify = Classifier().classify
        share = float(self._classify(sentence))
        share = min(max(share, 1e-6), 1 - 1e-6)
        return math.log(share / (1 - share))


def split(text: str) -> list[str]:
    """Give what is to be scored: the title (or first sentence) and up to eight sentences with Chinese in them."""
    text = _noise.sub(" ", text[:max_letters])
    if len(_han.findall(text)) < 2:
        return []
    lines = [line.strip()[:max_sentence_letters] for line in _sentence_end.split(text)]
    return [line for line in lines if len(_han.findall(line)) >= 2][: max_sentences + 1] or [
        text.strip()[:max_sentence_letters]
    ]


def band(raw: float) -> Band:
    """Name the raw score as it is shown."""
    if raw <= negative_up_to:
        return Band.NEGATIVE
    return Band.NOT_NEGATIVE if raw >= not_negative_from else Band.UNCLEAR


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))
