"""Several models in one table say what each of them says alone, to the last bit."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.ngram_table import Table
from routing.ngrams import Model, clean, clean_each
from routing.starter import opinions as starter
from routing.starter import sentiment

MODELS = [
    starter.starter_model(name) for name in (starter.PUBLIC, starter.LEAD, starter.SUBJECT, starter.ANSWER)
]
TEXTS = [
    "",
    "停",
    "停水",
    "停水停水停水了",
    "东湖小区又停水了，物业不管，打电话没有人接",
    "Ａbc 123 ，。！😀👨‍👩‍👧 𠮷野家",
    "\ud800半个字",
    "\U0010ffff\U0010fffe\U0010ffff",
    "的" * 5000,
]


@pytest.mark.parametrize("number", range(len(MODELS)))
def test_the_table_says_what_the_model_says(number: int) -> None:
    table, model, chance = Table(MODELS), MODELS[number], random.Random(7)
    signs = sorted({sign for gram in model.grams for sign in gram if len(gram) <= 3})
    odd = ["".join(chance.choices(signs, k=chance.randint(1, 300))) for _ in range(50)]
    for text in [*TEXTS, *odd]:
        reading = table.read(clean(text))
        for extra in ((), (starter.source_mark("board"),), ("nobody knows it",)):
            assert table.scores(number, reading, extra) == model.scores(text, extra)


def test_models_that_know_nothing_say_their_bias() -> None:
    nothing = Model("nothing", ("no", "yes"), [], [[]], [0.5], 1.0)
    table = Table([nothing])
    assert table.scores(0, table.read("停水了")) == nothing.scores("停水了")


def test_texts_read_at_once_are_judged_as_each_alone() -> None:
    model, chance = sentiment.starter_model(), random.Random(9)
    table = Table([model])
    signs = sorted({sign for gram in model.grams for sign in gram})
    odd = ["".join(chance.choices(signs, k=chance.randint(0, 120))) for _ in range(40)]
    for some in ([text] for text in TEXTS):
        _hold_alike(table, model, some)
    _hold_alike(table, model, [*TEXTS, *odd])


def _hold_alike(table: Table, model: Model, texts: list[str]) -> None:
    readings = table.read_each(clean_each(texts))
    assert table.logits(0, readings) == [model.logits(text)[0] for text in texts]
    for place, (text, cleaned) in enumerate(zip(texts, clean_each(texts), strict=True)):
        for label in model.classes:
            assert table.evidence(0, readings.of(place), cleaned, label) == model.evidence(text, label)


def test_a_table_of_nothing_reads_many_texts() -> None:
    nothing = Model("nothing", ("no", "yes"), [], [[]], [0.5], 1.0)
    table = Table([nothing])
    assert table.logits(0, table.read_each(["停水了", ""])) == [0.5, 0.5]


@given(
    st.lists(
        st.text(st.sampled_from("停水了 a1@＠_-#/:.hpst\u303e\u200b\u0301é１，。\n\ufe0f"), max_size=12),
        min_size=1,
    )
)
def test_texts_are_cleaned_at_once_as_each_alone(texts: list[str]) -> None:
    assert clean_each(texts) == list(map(clean, texts))
