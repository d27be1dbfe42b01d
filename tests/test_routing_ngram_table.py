"""Several models in one table say what each of them says alone, to the last bit."""

import random

import pytest

from routing.ngram_table import Table
from routing.ngrams import Model, clean
from routing.starter import opinions as starter

MODELS = [starter.starter_model(name) for name in (starter.PUBLIC, starter.LEAD, starter.SUBJECT)]
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
