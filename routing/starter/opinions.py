"""What the starter set teaches beside sentiment: whether a text is of public concern, who should lead, which subject,
whether it must be answered."""

from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files

from routing import starter
from routing.ngrams import Model, Row, load
from routing.starter import Example, Seen

PUBLIC, LEAD, SUBJECT, ANSWER = "public", "lead", "subject", "answer"
YES, NO = "yes", "no"
MODEL_FILES = {name: f"{name}.model" for name in (PUBLIC, LEAD, SUBJECT, ANSWER)}
TWO_SIDED = frozenset({PUBLIC, ANSWER})
"""The models that say yes or no."""
most_grams = 60_000
penalty = 0.1
subject_word_weight = 3.0
"""A word that names an area says more of it than a text in which it stands among others."""


def source_mark(kind: str) -> str:
    """Give the feature that says where a text stood: `feed`, `comments`, `board`, `official` or `hotlist`."""
    return f"src={kind}"


def fit(name: str, without: str = "", more: Sequence[Row] = ()) -> Model:
    """Fit one of the models on the starter set and more rows, `without` the week of that name.

    Labels that the starter set does not know become classes of their own. Needs seconds, numpy and memory.
    """
    from routing import ngrams_fit

    return ngrams_fit.fit(
        [*_rows[name](without), *more],
        name=name,
        classes=(NO, YES) if name in TWO_SIDED else (),
        penalty=penalty,
        least=2,
        most=most_grams,
        balanced=True,
        about={"starter": starter.sources_hash(), **({"more": len(more)} if more else {})},
    )


def starter_model(name: str) -> Model:
    """Load a model that is shipped, made by `python -m routing.starter.build`."""
    return load((files("routing.starter") / MODEL_FILES[name]).read_bytes(), MODEL_FILES[name])


def _public(without: str) -> Iterator[Row]:
    for one in _texts(without):
        yield Row(one.whole, YES if one.public else NO, extra=(source_mark(one.source),))


def _lead(without: str) -> Iterator[Row]:
    for one in _texts(without):
        if one.lead:
            yield Row(one.whole, one.lead, extra=(source_mark(one.source),))


def _subject(without: str) -> Iterator[Row]:
    for one in starter.rows():
        yield Row(one.whole, one.subject)
    for word, area in starter.subject_words():
        yield Row(word, area, subject_word_weight)


def _answer(without: str) -> Iterator[Row]:
    """Give what is of public concern: of the rest nobody asks."""
    for one in _texts(without):
        if one.public:
            yield Row(one.whole, YES if one.must_answer else NO, extra=(source_mark(one.source),))


def _texts(without: str) -> Iterator[Example | Seen]:
    yield from starter.rows()
    yield from (one for one in starter.weeks() if one.week != without)


_rows: dict[str, Callable[[str], Iterator[Row]]] = {
    PUBLIC: _public,
    LEAD: _lead,
    SUBJECT: _subject,
    ANSWER: _answer,
}
