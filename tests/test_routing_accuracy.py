"""The figures of a two-class model, against cases worked out by hand."""

import pytest

from routing.accuracy import Accuracy, auc, measure


@pytest.mark.parametrize(
    ("values", "friendly", "expected"),
    [
        ([0.1, 0.2, 0.8, 0.9], [False, False, True, True], 1.0),
        ([0.9, 0.8, 0.2, 0.1], [False, False, True, True], 0.0),
        ([0.5, 0.5, 0.5, 0.5], [False, True, False, True], 0.5),
        ([0.1, 0.5, 0.5, 0.9], [False, True, False, True], 0.875),
        ([0.1, 0.2], [True, True], None),
        ([], [], None),
    ],
)
def test_auc(values: list[float], friendly: list[bool], expected: float | None) -> None:
    assert auc(values, friendly) == expected


def test_the_figures_of_a_small_set() -> None:
    found = measure([0.05, 0.15, 0.65, 0.95], [False, True, False, True])
    assert (found.texts, found.negatives, found.right) == (4, 2, 0.5)
    assert found.macro_f1 == pytest.approx(0.5)
    # Each value is alone in its step, so the gaps are .05, .85, .65 and .05.
    assert found.ece == pytest.approx(0.4)


def test_recall_counts_what_is_found_at_one_false_alarm_in_ten() -> None:
    friendly = [True] * 10 + [False] * 4
    values = [0.1, 0.3, *[0.8] * 8, 0.05, 0.2, 0.29, 0.5]
    # One of the ten others may lie below the mark, so the mark is .3 and three of four negatives are under it.
    assert measure(values, friendly).recall == 0.75


def test_equal_values_find_nothing() -> None:
    assert measure([0.5] * 20, [True, False] * 10).recall == 0.0


def test_a_missing_class_leaves_its_figures_out() -> None:
    assert measure([0.9], [True]) == Accuracy(1, 0, 1.0, None, None, None, pytest.approx(0.1))
    assert measure([], []).right is None


def test_the_ends_of_the_scale_are_counted() -> None:
    assert measure([0.0, 1.0], [False, True]).ece == 0.0
