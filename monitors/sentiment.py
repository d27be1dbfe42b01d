"""Text to sentiment, None where there is nothing to judge; never an exception on a str.

Judges words only, by one of two makers: `SnowNlpScorer` (fitted on shopping reviews) and `NgramScorer` (the office's own
model, at first that of the starter set). Severity never hangs on it: snownlp calls a fifth of the citizens' requests
measured below friendly.
"""

import importlib.metadata
import math
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Protocol

from routing.items import Band, Sentiment
from routing.ngram_table import Readings, Table
from routing.ngrams import Model, clean_each, sigmoid
from routing.starter.sentiment import NAME, NEGATIVE, NOT_NEGATIVE, starter_model

max_letters = 5000
max_sentences = 40
max_sentence_letters = 120
"""A longer sentence says no more about the whole, and its product of words saturates: it is cut."""

negative_up_to = 0.15
not_negative_from = 0.90
"""Bands on the raw score, measured with snownlp 0.12.3 on two small sets of our own (65 probes of seven kinds; 141
titles of citizens' messages). At or below 0.15: 24 probes, 17 of them negative (71 %); 69 titles, 54 negative (78 %).
At or above 0.90: 11 probes, 9 not negative; 11 titles, 3 not negative, so "not negative" closes nothing by itself.
Between them the score says little, and the card says so (不明): 46 % of the probes."""


remembered = 4096
"""Texts whose scores are kept: a repost costs a look-up. At 5,000 letters each it is 40 MB at worst."""


class Scorer(Protocol):
    """Something that judges a text. Scores of two names or versions must never be compared."""

    @property
    def name(self) -> str:
        """Who it is."""

    @property
    def version(self) -> str:
        """Which of its makes: another one gives other scores."""

    def score(self, text: str) -> Sentiment | None:
        """Judge the text, its first line being the title; None where it cannot. Never raises on a str."""


post_letters = 280
own_negative_up_to = 0.2
own_not_negative_from = 0.8
"""Bands of the office's own model. The starter set's, on sets that it has never seen: of those called negative 77 to 92 %
are (three sets of microblog posts) and 96 % (titles of citizens' messages); a third to a half is 不明."""

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
        self.version = f"{importlib.metadata.version('snownlp')}-sentences2"
        self._classify: Callable[[str], float] | None = None
        self._known = lru_cache(remembered)(self._judge)

    def score(self, text: str) -> Sentiment | None:
        """Judge the text; None with fewer than two Chinese characters once links, @names and #topics# are gone."""
        return self._known(text[:max_letters])

    def _judge(self, text: str) -> Sentiment | None:
        title, *sentences = split(text) or [""]
        if not title:
            return None
        logits = [self._logit(sentence) for sentence in (title, *sentences)]
        logit = _joined(logits)
        raw = sigmoid(logit)
        value = round(sigmoid(0.137 * logit + 0.09), 6)
        return Sentiment(
            raw=round(raw, 6),
            value=value,
            band=band(raw),
            scorer=self.name,
            version=self.version,
            confidence=_confidence(value),
            quote=_worst((title, *sentences), logits),
        )

    def _logit(self, sentence: str) -> float:
        if self._classify is None:
            from monitors.segmenter import Classifier

            self._classify = Classifier().classify
        share = float(self._classify(sentence))
        share = min(max(share, 1e-6), 1 - 1e-6)
        return math.log(share / (1 - share))


class NgramScorer:
    """The office's own model; without one, that of the starter set, which is shipped.

    A post is judged as one text, an article (a title with a text under it, or a text longer than a post) in parts: half
    the logit of the title, half the mean of at most 40 sentences, for no model of short texts can read a long one.
    """

    name = NAME

    def __init__(self, model: Model | None = None) -> None:
        model = model or starter_model()
        self._table = Table([model])
        self.version = f"{model.version}-articles1"
        self._known = lru_cache(remembered)(self._judge)

    def score(self, text: str) -> Sentiment | None:
        """Judge the text; None with fewer than two Chinese characters once links, @names and #topics# are gone."""
        return self._known(text[:max_letters])

    def _judge(self, text: str) -> Sentiment | None:
        if not _is_chinese(_noise.sub(" ", text)):
            return None
        parts = _parts(text)
        cleaned = clean_each(parts)
        readings = self._table.read_each(cleaned)
        logits = self._table.logits(0, readings)
        value = round(sigmoid(_joined(logits)), 6)
        shown = own_band(value)
        return Sentiment(
            raw=value,
            value=value,
            band=shown,
            scorer=self.name,
            version=self.version,
            confidence=_confidence(value),
            quote=_worst(parts, logits),
            evidence=self._evidence(shown, cleaned, logits, readings),
        )

    def _evidence(
        self, shown: Band, parts: Sequence[str], logits: Sequence[float], readings: Readings
    ) -> tuple[str, ...]:
        if shown is Band.UNCLEAR:
            return ()
        choose, label = (min, NEGATIVE) if shown is Band.NEGATIVE else (max, NOT_NEGATIVE)
        place = choose(range(len(parts)), key=lambda place: (logits[place], parts[place]))
        return self._table.evidence(0, readings.of(place), parts[place], label)


def _is_chinese(text: str) -> bool:
    """Tell whether there are two Chinese characters at least."""
    first = _han.search(text)
    return first is not None and _han.search(text, first.end()) is not None


def _parts(text: str) -> list[str]:
    """Give a post whole; of an article the title and its sentences that hold Chinese. Never empty."""
    title, _, rest = text.strip().partition("\n")
    if not _is_chinese(rest) and len(text) <= post_letters:
        return [text]
    lines = [title, *_sentence_end.split(rest)] if len(title) <= post_letters else _sentence_end.split(text)
    kept = [line.strip()[:max_sentence_letters] for line in lines if _is_chinese(line)]
    return kept[: max_sentences + 1] or [text[:post_letters]]


def _joined(logits: Sequence[float]) -> float:
    title, *sentences = logits
    return (title + sum(sentences) / len(sentences)) / 2 if sentences else title


def _worst(parts: Sequence[str], logits: Sequence[float]) -> str:
    return min(zip(logits, parts, strict=True))[1] if len(parts) > 1 else ""


def _confidence(value: float) -> float:
    return round(abs(2 * value - 1), 6)


def split(text: str) -> list[str]:
    """Give what is to be scored: the title (or first sentence) and up to forty sentences with Chinese in them."""
    text = _noise.sub(" ", text[:max_letters])
    if not _is_chinese(text):
        return []
    lines = [line.strip()[:max_sentence_letters] for line in _sentence_end.split(text)]
    return [line for line in lines if _is_chinese(line)][: max_sentences + 1] or [
        text.strip()[:max_sentence_letters]
    ]


def band(raw: float) -> Band:
    """Name the raw score as it is shown."""
    if raw <= negative_up_to:
        return Band.NEGATIVE
    return Band.NOT_NEGATIVE if raw >= not_negative_from else Band.UNCLEAR


def own_band(value: float) -> Band:
    """Name the value of the office's own model as it is shown."""
    if value <= own_negative_up_to:
        return Band.NEGATIVE
    return Band.NOT_NEGATIVE if value >= own_not_negative_from else Band.UNCLEAR
