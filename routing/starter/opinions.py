"""What the starter set teaches beside sentiment: whether a text is of public concern, who should lead, which subject."""

from collections.abc import Callable, Iterable
from importlib.resources import files

from routing import starter
from routing.ngrams import Model, Row, load
from routing.starter import Example

PUBLIC, LEAD, SUBJECT = "public", "lead", "subject"
YES, NO = "yes", "no"
MODEL_FILES = {name: f"{name}.model" for name in (PUBLIC, LEAD, SUBJECT)}
most_grams = 40_000
penalty = 0.1


def source_mark(kind: str) -> str:
    """Give the feature that says where a text stood: `feed`, `comments`, `board`, `official` or `hotlist`."""
    return f"src={kind}"


def fit(name: str, examples: Iterable[Example] | None = None) -> Model:
    """Fit one of the models on the starter set. Needs seconds, numpy and memory."""
    from routing import ngrams_fit

    rows = list(_rows[name](starter.rows() if examples is None else examples))
    return ngrams_fit.fit(
        rows,
        name=name,
        classes=(NO, YES) if name == PUBLIC else (),
        penalty=penalty,
        least=2,
        most=most_grams,
        balanced=name != SUBJECT,
        about={"starter": starter.sources_hash()},
    )


def starter_model(name: str) -> Model:
    """Load a model that is shipped, made by `python -m routing.starter.build`."""
    return load((files("routing.starter") / MODEL_FILES[name]).read_bytes(), MODEL_FILES[name])


def _public(examples: Iterable[Example]) -> Iterable[Row]:
    for one in examples:
        yield Row(one.whole, YES if one.public else NO, extra=(source_mark(one.source),))


def _lead(examples: Iterable[Example]) -> Iterable[Row]:
    for one in examples:
        if one.public:
            yield Row(one.whole, one.lead, extra=(source_mark(one.source),))


def _subject(examples: Iterable[Example]) -> Iterable[Row]:
    for one in examples:
        yield Row(one.whole, one.subject)


_rows: dict[str, Callable[[Iterable[Example]], Iterable[Row]]] = {
    PUBLIC: _public,
    LEAD: _lead,
    SUBJECT: _subject,
}
