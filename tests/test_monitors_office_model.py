"""Training: apart, whole or not at all, never worse, taken back by one call."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from monitors import office_model
from monitors.office_model import BEFORE, IN_USE, OfficeScorer, Verdict, back, in_use, train
from monitors.worker import Worker
from routing import model_folder
from routing.errors import ConfigError, UserError
from routing.items import Band, Item
from routing.ngrams import Model, Row
from routing.ngrams_fit import fit
from routing.starter.sentiment import CLASSES, NEGATIVE, NOT_NEGATIVE, starter_model

BAD, GOOD = "绥阳渡没了渡船", "绥阳渡添了渡船"
"""Words that the starter set does not judge, so only what is learnt can tell them apart."""


def small(*rows: Row) -> Model:
    """Fit in a moment, without the starter set."""
    return fit(
        [Row("停水没人管", NEGATIVE), Row("谢谢修好了", NOT_NEGATIVE), *rows],
        name="x",
        classes=CLASSES,
        least=1,
    )


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[Row]]:
    """Fit without a process and without the starter set; gives what was learnt at each training."""
    learnt: list[Sequence[Row]] = []

    def fitted(rows: Sequence[Row]) -> bytes:
        learnt.append(rows)
        return small(*rows).dump()

    monkeypatch.setattr(office_model, "_fitted_apart", fitted)
    return learnt


def verdicts(count: int, *, turned: bool = False) -> list[Verdict]:
    return [
        Verdict(n, f"第{n}封，{'停水没人管' if n % 2 else '谢谢修好了'}", bool(n % 2) is not turned)
        for n in range(1, count + 1)
    ]


def test_without_a_file_the_starter_model_is_in_use(tmp_path: Path) -> None:
    assert in_use(tmp_path).version == in_use(None).version == starter_model().version


def test_a_training_in_its_own_process_is_in_use_afterwards(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    rows = [Row(f"{BAD}{n}", NEGATIVE) for n in range(8)] + [
        Row(f"{GOOD}{n}", NOT_NEGATIVE) for n in range(8)
    ]
    done = train(folder, rows, [])
    assert done.accepted
    assert (done.learnt, done.kept, done.before, done.after) == (16, 0, None, None)
    model = in_use(folder)
    assert model.version == done.model.version != starter_model().version
    assert model.scores(BAD)[NEGATIVE] > model.scores(GOOD)[NEGATIVE]
    assert [path.name for path in folder.iterdir()] == [IN_USE]


def test_every_fifth_verdict_is_kept_and_never_learnt(tmp_path: Path, quick: list[Sequence[Row]]) -> None:
    every = verdicts(60)
    copied = Row(every[4].text, NEGATIVE)
    done = train(tmp_path, [copied], every)
    assert done.kept == 12
    assert done.learnt == len(quick[0]) == 48
    assert {row.text for row in quick[0]}.isdisjoint(v.text for v in every if v.is_kept)
    assert done.before is not None
    assert done.after is not None


def test_the_kept_part_stays_the_same_as_verdicts_come(tmp_path: Path) -> None:
    kept = [v.number for v in verdicts(60) if v.is_kept]
    assert [v.number for v in verdicts(90) if v.is_kept][: len(kept)] == kept


def test_a_worse_model_is_refused_and_the_one_in_use_stays(
    tmp_path: Path, quick: list[Sequence[Row]]
) -> None:
    assert train(tmp_path, [], []).accepted
    before = (tmp_path / IN_USE).read_bytes()
    turned = [Row("停水没人管", NOT_NEGATIVE, 50), Row("谢谢修好了", NEGATIVE, 50)]
    done = train(tmp_path, turned, [v for v in verdicts(60) if v.is_kept])
    assert not done.accepted
    assert done.before is not None
    assert done.after is not None
    assert done.after < done.before - 0.01
    assert (tmp_path / IN_USE).read_bytes() == before
    assert not (tmp_path / BEFORE).exists()


def test_too_few_kept_verdicts_compare_nothing(tmp_path: Path, quick: list[Sequence[Row]]) -> None:
    done = train(tmp_path, [], verdicts(20))
    assert (done.accepted, done.kept, done.before) == (True, 4, None)


def test_back_goes_to_the_model_before_and_then_to_the_starter(
    tmp_path: Path, quick: list[Sequence[Row]]
) -> None:
    first = train(tmp_path, [Row("一", NEGATIVE)], []).model
    second = train(tmp_path, [Row("二", NEGATIVE)], []).model
    assert in_use(tmp_path).version == second.version != first.version
    assert back(tmp_path).version == first.version == in_use(tmp_path).version
    assert back(tmp_path).version == starter_model().version
    with pytest.raises(UserError, match="没有可换回的"):
        back(tmp_path)


def test_a_damaged_model_is_one_clear_error_and_training_or_back_heals_it(
    tmp_path: Path, quick: list[Sequence[Row]]
) -> None:
    train(tmp_path, [Row("一", NEGATIVE)], [])
    good = train(tmp_path, [Row("二", NEGATIVE)], []).model
    (tmp_path / IN_USE).write_bytes(b"nonsense")
    with pytest.raises(ConfigError, match="不是完整的模型文件"):
        in_use(tmp_path)
    kept = (tmp_path / BEFORE).read_bytes()
    assert train(tmp_path, [Row("二", NEGATIVE)], []).accepted
    assert in_use(tmp_path).version == good.version
    assert (tmp_path / BEFORE).read_bytes() == kept, "a damaged model is not worth keeping"
    (tmp_path / IN_USE).write_bytes(b"nonsense")
    back(tmp_path)
    assert in_use(tmp_path).version != good.version


def test_a_model_of_something_else_is_refused(tmp_path: Path) -> None:
    other = fit([Row("一", "a"), Row("二", "b")], name="other", least=1)
    (tmp_path / IN_USE).write_bytes(other.dump())
    with pytest.raises(UserError, match="不是情感模型"):
        in_use(tmp_path)


def test_the_worker_scores_with_the_model_in_use_and_with_the_starter_where_it_is_damaged(
    tmp_path: Path, quick: list[Sequence[Row]]
) -> None:
    model = train(tmp_path, [], []).model
    assert OfficeScorer(tmp_path)().version.startswith(model.version)
    (tmp_path / IN_USE).write_bytes(b"nonsense")
    assert OfficeScorer(tmp_path)().version.startswith(starter_model().version)


async def test_a_child_of_the_worker_loads_it_and_answers() -> None:
    worker = Worker(OfficeScorer())
    try:
        items = [make_item("停水三天没人管，投诉多次还是推诿"), make_item("谢谢师傅，路灯修好了")]
        scored = await worker.score(items)
    finally:
        await worker.close()
    assert [item.sentiment and item.sentiment.band for item in scored] == [Band.NEGATIVE, Band.NOT_NEGATIVE]
    assert OfficeScorer() == OfficeScorer(), "a child keeps one scorer for equal makers"


def make_item(text: str) -> Item:
    return Item(source_id="forum", external_id=text, url="https://forum.example/1", title="", text=text)


def test_a_crash_while_writing_leaves_the_model_in_use(
    tmp_path: Path, quick: list[Sequence[Row]], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = train(tmp_path, [Row("一", NEGATIVE)], []).model

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model_folder.os, "fsync", full)
    with pytest.raises(UserError, match="没有动"):
        train(tmp_path, [Row("二", NEGATIVE)], [])
    assert in_use(tmp_path).version == first.version
    assert [path.name for path in tmp_path.iterdir()] == [IN_USE]


def test_a_process_that_dies_is_told_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office_model, "_fitted", _dies)
    with pytest.raises(UserError, match="中途结束"):
        train(tmp_path, [], [])
    assert list(tmp_path.iterdir()) == []


def _dies(rows: Sequence[Row]) -> bytes:
    os._exit(9)
