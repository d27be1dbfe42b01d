"""Figures over labels and verdicts, each against a case small enough to be counted by hand."""

import pytest

from routing.measures import (
    Figure,
    Judged,
    Label,
    Verdict,
    b_cubed,
    confused,
    left_over,
    measure,
    merged,
    missed,
    rubbish,
    split,
    wrong_leads,
    wrong_levels,
)


def text(id_: str, truth: str, case: str | None, **said: object) -> Judged:
    """Give a text of matter `truth` (empty: irrelevant) that went into `case`; `said` overrides either opinion."""
    label = {"lead": "network", "level": 3} if truth else {}
    label |= {name.removeprefix("true_"): value for name, value in said.items() if name.startswith("true_")}
    given = {"lead": "network", "level": 3} if case else {}
    given |= {name: value for name, value in said.items() if not name.startswith("true_")}
    return Judged(id_, Label(bool(truth), truth or None, **label), Verdict(case, **given))  # type: ignore[arg-type]


WEEK = [
    text("a1", "A", "1", card=True, alerted=True),
    text("a2", "A", "1"),
    text("a3", "A", "2", card=True, alerted=True, lead="petition"),
    text("b1", "B", "2", level=4),
    text("c1", "C", None, true_level=1),
    text("x1", "", "1", alerted=True),
    text("x2", "", "3", card=True, alerted=True, level=2),
    text("x3", "", None),
]


def test_found_counts_relevant_texts_in_any_matter() -> None:
    assert measure(WEEK)["found"] == Figure(0.8, 4, 5)


def test_cards_and_places_are_right_where_the_text_is_relevant() -> None:
    figures = measure(WEEK)
    assert figures["cards_right"] == Figure(2 / 3, 2, 3)
    assert figures["placed_right"] == Figure(4 / 6, 4, 6)
    assert figures["cards_per_100"] == Figure(60.0, 3, 5)
    assert figures["further_alerts"] == Figure(1.0, 1)


def test_cards_that_wait_are_right_where_a_text_of_their_matter_came_before() -> None:
    week = [
        text("a1", "A", "1", card=True, alerted=True),
        text("a2", "A", "2", beside="1"),
        text("b1", "B", "3", beside="1"),
        text("c1", "C", "4", beside="5"),
        text("c2", "C", "5", card=True, alerted=True),
        text("x1", "", "6", beside="1"),
        text("x2", "", "6", card=True, alerted=True),
    ]
    figures = measure(week)
    assert figures["waiting_right"] == Figure(1 / 4, 1, 4)
    assert figures["cards_per_100"] == Figure(60.0, 3, 5)
    assert figures["cards_per_100_undecided"] == Figure(120.0, 6, 5)


def test_a_text_that_was_missed_has_a_wrong_lead_and_a_wrong_level() -> None:
    figures = measure(WEEK)
    assert figures["lead_right"] == Figure(3 / 5, 3, 5)
    assert figures["lead_right_of_found"] == Figure(3 / 4, 3, 4)
    assert figures["level_exact"] == Figure(3 / 5, 3, 5)
    assert figures["level_exact_of_found"] == Figure(3 / 4, 3, 4)
    assert figures["level_within_one"] == Figure(4 / 5, 4, 5)


def test_two_levels_apart_is_not_within_one() -> None:
    assert measure([text("a", "A", "1", true_level=1)])["level_within_one"] == Figure(0.0, 0, 1)


def test_a_label_without_lead_or_level_asks_for_neither() -> None:
    figures = measure([text("a", "A", "1", true_lead=None, true_level=None)])
    assert figures["lead_right"] == figures["level_exact"] == Figure(None, 0, 0)


def test_b_cubed_by_hand() -> None:
    # Precision: a1 and a2 1, a3 and b1 1/2, c1 alone 1. Recall: a1 and a2 2/3, a3 1/3, b1 and c1 1.
    precision, recall = b_cubed(WEEK)
    assert precision == pytest.approx((1 + 1 + 0.5 + 0.5 + 1) / 5)
    assert recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1) / 5)
    f1 = measure(WEEK)["b_cubed_f1"].value
    assert f1 == pytest.approx(2 * precision * recall / (precision + recall))


def test_texts_without_a_case_are_no_matter_together() -> None:
    assert b_cubed([text("a1", "A", None), text("a2", "A", None), text("b1", "B", None)]) == (
        pytest.approx(1.0),
        pytest.approx((0.5 + 0.5 + 1) / 3),
    )


def test_irrelevant_texts_do_not_count_for_matters() -> None:
    assert b_cubed([text("a", "A", "1"), text("x", "", "1")]) == (1.0, 1.0)


def test_nothing_relevant_leaves_nothing_to_measure() -> None:
    figures = measure([text("x", "", "1", card=True, alerted=True)])
    nothing = {name for name, figure in figures.items() if figure.value is None}
    assert {"found", "lead_right", "level_exact", "b_cubed_f1", "cards_per_100"} <= nothing
    assert figures["cards_right"] == Figure(0.0, 0, 1)


def test_no_texts_at_all_give_no_figure_and_no_error() -> None:
    assert all(not figure.value for figure in measure([]).values())


@pytest.mark.parametrize(
    ("pair", "meets"),
    [
        (("A", "B"), True),
        (("A", "C"), False),
        (("A", "x1"), True),
        (("b1", "a3"), True),
        (("B", "x2"), False),
    ],
    ids=["matters", "never-met", "matter-and-text", "two-texts", "text-elsewhere"],
)
def test_confusable_pairs_are_matters_or_single_texts(pair: tuple[str, str], meets: bool) -> None:
    assert confused(WEEK, [pair]) == ([pair] if meets else [])
    assert measure(WEEK, [pair])["confused_pairs"] == Figure(float(meets), int(meets), 1)


def test_without_pairs_there_is_no_figure_for_them() -> None:
    assert measure(WEEK)["confused_pairs"].value is None


def test_must_answer_counts_every_text() -> None:
    week = [
        text("a1", "A", "1", must_answer=True, true_must_answer=True),
        text("a2", "A", "1", must_answer=True),
        text("b1", "B", None, true_must_answer=True),
        text("b2", "B", None, true_must_answer=True),
    ]
    figures = measure(week)
    assert figures["must_answer_precision"] == Figure(0.5, 1, 2)
    assert figures["must_answer_recall"] == Figure(1 / 3, 1, 3)


def test_a_split_matter_names_the_texts_in_each_case() -> None:
    assert split(WEEK) == [("A", {"1": ["a1", "a2"], "2": ["a3"]})]


def test_a_merged_case_names_the_texts_of_each_matter() -> None:
    assert merged(WEEK) == [("2", {"A": ["a3"], "B": ["b1"]})]
    assert measure(WEEK)["wrong_merges"] == Figure(1.0, 1)


def test_the_worst_come_first() -> None:
    week = [
        text("a", "A", None, true_level=4),
        text("b", "B", None, true_level=1),
        text("x", "", "1", card=True, level=4),
        text("y", "", "2", card=True, level=2),
    ]
    assert [one.id for one in missed(week)] == ["b", "a"]
    assert [one.id for one in rubbish(week)] == ["y", "x"]


def test_what_was_taken_for_what_lists_only_what_differs() -> None:
    assert wrong_leads(WEEK) == [("network", "petition", ["a3"])]
    assert wrong_levels(WEEK) == [(3, 4, ["b1"])]


@pytest.mark.parametrize(
    ("planted", "stored", "left"),
    [
        ("199-0000-0023", "电话 19900000023", True),
        ("１９９００００００４１", "电话19900000041", True),
        ("豫Z·00099", "车牌 豫z 00099", True),
        ("19900000041", "电话[手机号已隐去]", False),
    ],
    ids=["hyphens", "full-width", "dot-and-case", "masked"],
)
def test_planted_strings_are_found_however_they_are_written(planted: str, stored: str, left: bool) -> None:
    assert left_over([planted], stored) == ([planted] if left else [])
