"""The office's own sentiment model on disk: fitted apart, put in place whole, kept only if not worse, taken back.

Two files in the folder: the model in use, and the one before it. Without the first the starter set's model is in use.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from monitors.sentiment import NgramScorer
from routing.accuracy import auc
from routing.errors import ConfigError, UserError
from routing.model_folder import ModelFiles, fitted_apart
from routing.ngrams import Model, Row, clean, load
from routing.starter.sentiment import CLASSES, NEGATIVE, NOT_NEGATIVE, fit, starter_model

log = logging.getLogger(__name__)

IN_USE, BEFORE = "sentiment.model", "sentiment.before.model"
every_nth_kept = 5
verdict_weight = 5.0
"""What a person on duty said of a text of this place says more of the next one than a text of the starter set."""
may_fall = 0.01
least_kept = 5
"""Kept verdicts of each kind below which a comparison would be chance."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a person said of a text. `number` never changes: every fifth is for ever a test and never learnt."""

    number: int
    text: str
    negative: bool

    @property
    def is_kept(self) -> bool:
        """Whether it belongs to the test part."""
        return self.number % every_nth_kept == 0


@dataclass(frozen=True, slots=True)
class Training:
    """How a training ended. `before`, `after`: AUC on the kept verdicts, None where they were too few to compare."""

    accepted: bool
    model: Model
    learnt: int
    kept: int
    before: float | None
    after: float | None


def in_use(folder: Path | None = None) -> Model:
    """Load the model in use. Raises ConfigError where the office's file is no whole model of two known classes."""
    model = _files(folder).stored() if folder else None
    if folder is not None and model is not None and model.classes != CLASSES:
        raise UserError(f"{folder / IN_USE} 不是情感模型，请用 yuqing sentiment back 换回上一个。")
    return model or _starter()


@dataclass(frozen=True, slots=True)
class OfficeScorer:
    """Makes the scorer for the worker's children. Equal by its folder, so that a child makes one only."""

    folder: Path | None = None

    def __call__(self) -> NgramScorer:
        """Load the model in use; the starter set's where the office's cannot be read: items must not go unscored."""
        try:
            return NgramScorer(in_use(self.folder))
        except (ConfigError, UserError) as error:
            log.warning("the office's model cannot be read, the starter model scores: %s", error)
            return NgramScorer(_starter())


def train(folder: Path, more: Sequence[Row], verdicts: Sequence[Verdict]) -> Training:
    """Fit on starter set, rows and verdicts in another process; put the model in place unless it is worse.

    Worse: its AUC on the kept verdicts is more than .01 below that of the model in use. A row that reads as a kept verdict
    is not learnt. Raises UserError where the process died or the folder cannot be written; the model in use stays.
    """
    kept = [verdict for verdict in verdicts if verdict.is_kept]
    held_back = {clean(verdict.text) for verdict in kept}
    said = [_row(verdict) for verdict in verdicts if not verdict.is_kept]
    learnt = [row for row in (*more, *said) if clean(row.text) not in held_back]
    model = load(_fitted_apart(learnt))
    before, after = _compared(_current(folder), model, kept)
    accepted = before is None or after is None or after >= before - may_fall
    if accepted:
        _files(folder).put(model, keep=_current(folder) is not None)
    return Training(accepted, model, len(learnt), len(kept), before, after)


def back(folder: Path) -> Model:
    """Put the model before this one in use again, or the starter set's; gives it. Raises UserError where there is none."""
    _files(folder).back()
    return in_use(folder)


def _current(folder: Path) -> Model | None:
    """Give the model in use; None where its file is damaged, for then any new one is better."""
    try:
        return in_use(folder)
    except (ConfigError, UserError):
        return None


def _compared(old: Model | None, new: Model, kept: Sequence[Verdict]) -> tuple[float | None, float | None]:
    negatives = sum(verdict.negative for verdict in kept)
    if old is None or min(negatives, len(kept) - negatives) < least_kept:
        return None, None
    friendly = [not verdict.negative for verdict in kept]
    first, second = (
        auc([model.scores(verdict.text)[NOT_NEGATIVE] for verdict in kept], friendly) for model in (old, new)
    )
    return first, second


def _row(verdict: Verdict) -> Row:
    return Row(verdict.text, NEGATIVE if verdict.negative else NOT_NEGATIVE, verdict_weight)


def _fitted_apart(rows: Sequence[Row]) -> bytes:
    return fitted_apart(_fitted, rows)


def _fitted(rows: Sequence[Row]) -> bytes:
    return fit(rows).dump()


def _files(folder: Path) -> ModelFiles:
    return ModelFiles(folder, "sentiment", "yuqing sentiment")


@cache
def _starter() -> Model:
    return starter_model()
