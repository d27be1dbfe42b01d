"""The sentiment of the starter set as a model: what it is fitted with, alone or together with what an office has."""

from collections.abc import Sequence
from importlib.resources import files

from routing import starter
from routing.ngrams import Model, Row, load

NAME = "ngram"
NEGATIVE, NOT_NEGATIVE = "negative", "not_negative"
CLASSES = (NEGATIVE, NOT_NEGATIVE)
MODEL_FILE = "sentiment.model"
word_weight = 3.0
positive_weight = 4.0
"""A word stands for the many texts it would be in; friendly texts are few in a set about complaints."""
penalty = 0.1
_small = 10_000
"""Rows below which a run may count that stands in one text only."""


def rows() -> list[Row]:
    """Give the starter's texts and words as rows of two classes."""
    texts = [_row(example.whole, example.sentiment, 1.0) for example in starter.rows()]
    return texts + [_row(word, sentiment, word_weight) for word, sentiment in starter.words()]


def fit(more: Sequence[Row] = ()) -> Model:
    """Fit a model on the starter set and more rows of the same classes. Needs seconds, numpy and memory."""
    from routing import ngrams_fit

    every = [*rows(), *more]
    return ngrams_fit.fit(
        every,
        name=NAME,
        classes=CLASSES,
        penalty=penalty,
        least=1 if len(every) < _small else 2,
        balanced=True,
        about={"starter": starter.sources_hash(), "more": len(more)},
    )


def starter_model() -> Model:
    """Load the model that is shipped: the starter set alone, made by `python -m routing.starter.build`."""
    return load((files("routing.starter") / MODEL_FILE).read_bytes(), MODEL_FILE)


def _row(text: str, sentiment: str, weight: float) -> Row:
    if sentiment == "positive":
        weight *= positive_weight
    return Row(text, NEGATIVE if sentiment == NEGATIVE else NOT_NEGATIVE, weight)
