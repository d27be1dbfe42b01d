"""The office's own judgement of texts, learnt from what people decided: four models beside the shipped ones.

Fitted on the starter set and the office's texts together, in another process; put in use only where the part that is kept
as a test shows that they are no worse. A file that cannot be read is told, and the starter set's model stands in.
"""

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from routing.accuracy import auc
from routing.errors import ConfigError, Problem
from routing.judging import shipped
from routing.model_folder import ModelFiles, fitted_apart
from routing.ngrams import Model, Row, clean, load
from routing.opinions import Opinions
from routing.starter import opinions as starter
from routing.starter.opinions import ANSWER, LEAD, NO, PUBLIC, SUBJECT, TWO_SIDED, YES
from routing.teaching import Said

log = logging.getLogger(__name__)

NAMES = (PUBLIC, LEAD, SUBJECT, ANSWER)
every_nth_kept = 5
said_weight = 5.0
"""What people decided of a text of this place says more of the next one than a text of the starter set."""
may_fall = 0.01
least_kept, least_of_each = 10, 5
"""Kept texts, and of a two-class model kept texts of each class, below which a comparison would be chance."""
least_of_new = 10
"""Texts that a channel of the office's own must have before the model may name it."""


@dataclass(frozen=True, slots=True)
class Training:
    """How a training ended. `before`, `after`: the figure on the kept texts, None where they were too few to compare.

    The figure of `public` and `answer` is the AUC, of the others the share that is right.
    """

    name: str
    accepted: bool
    learnt: int
    kept: int
    before: float | None = None
    after: float | None = None


def stored(folder: Path, name: str) -> Model | None:
    """Load the office's own model, None where there is none. Raises ConfigError where its file is no such model."""
    files = _files(folder, name)
    model = files.stored()
    if model is not None and not _fits(name, model):
        cure = f"请用 {files.command} train 重新训练，或用 {files.command} back {name} 换回上一个"
        raise ConfigError([Problem(str(files.used), None, "模型", model.name, "是别的模型", cure)])
    return model


def opinions(folder: Path) -> Opinions:
    """Give what the models in use say: the office's own, the starter set's where there is none or it cannot be read."""
    own = models(folder)
    return Opinions(own) if own else shipped()


def models(folder: Path) -> Mapping[str, Model]:
    """Give the office's own models by name, without those that cannot be read."""
    found: dict[str, Model] = {}
    for name in NAMES:
        try:
            model = stored(folder, name)
        except ConfigError as error:
            log.warning("the office's model cannot be read, the starter model judges: %s", error)
        else:
            found |= {name: model} if model else {}
    return found


def faults(folder: Path) -> list[Problem]:
    """Name the model files that cannot be read, each with its cure."""
    found: list[Problem] = []
    for name in NAMES:
        try:
            stored(folder, name)
        except ConfigError as error:
            found += error.problems
    return found


def train(folder: Path, name: str, said: Sequence[Said], channels: Collection[str]) -> Training:
    """Fit one model on the starter set and what people said; put it in use unless it is worse, or nothing shows it.

    Every fifth text is for ever a test; what reads as one is not learnt. Of `lead`, only `channels` are learnt. Raises
    UserError where the process died or the folder cannot be written; the model in use stays.
    """
    usable = [one for one in said if name != LEAD or one.label in channels]
    kept = [one for one in usable if one.number % every_nth_kept == 0]
    held_back = {clean(one.text) for one in kept}
    rest = [one for one in usable if one.number % every_nth_kept and clean(one.text) not in held_back]
    current = _current(folder, name)
    known = set(starter.starter_model(name).classes)
    counts = Counter(one.label for one in rest)
    learnt = [one for one in rest if one.label in known or counts[one.label] >= least_of_new]
    if not learnt or not _can_compare(name, kept):
        return Training(name, False, len(learnt), len(kept))
    rows = [_row(one) for one in learnt]
    model = _fitted_apart(name, rows)
    before, after = _figure(name, current, kept), _figure(name, model, kept)
    accepted = after >= before - (may_fall if name in TWO_SIDED else 0)
    if accepted:
        _files(folder, name).put(model, keep=_is_sound(folder, name))
    return Training(name, accepted, len(learnt), len(kept), before, after)


def back(folder: Path, name: str) -> Model:
    """Put the model before this one in use again, or the starter set's; gives it. Raises UserError where there is none."""
    _files(folder, name).back()
    return _current(folder, name)


def signature(folder: Path) -> tuple[tuple[int, int] | None, ...]:
    """Tell the files in use by their time and size, so that a change of them is seen."""
    return tuple(_stamp(_files(folder, name).used) for name in NAMES)


def _files(folder: Path, name: str) -> ModelFiles:
    return ModelFiles(folder, name, "yuqing models")


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _fits(name: str, model: Model) -> bool:
    known = starter.starter_model(name).classes
    return model.classes == known if name in TWO_SIDED else set(model.classes) >= set(known)


def _is_sound(folder: Path, name: str) -> bool:
    try:
        return stored(folder, name) is not None
    except ConfigError:
        return False


def _current(folder: Path, name: str) -> Model:
    try:
        model = stored(folder, name)
    except ConfigError:
        model = None
    return starter.starter_model(name) if model is None else model


def _can_compare(name: str, kept: Sequence[Said]) -> bool:
    if name not in TWO_SIDED:
        return len(kept) >= least_kept
    counts = Counter(one.label for one in kept)
    return min(counts[YES], counts[NO]) >= least_of_each


def _figure(name: str, model: Model, kept: Sequence[Said]) -> float:
    shares = [model.scores(one.text, _extra(one)) for one in kept]
    if name in TWO_SIDED:
        return auc([share[YES] for share in shares], [one.label == YES for one in kept]) or 0.0
    right = sum(_likeliest(share) == one.label for share, one in zip(shares, kept, strict=True))
    return right / len(kept)


def _likeliest(shares: Mapping[str, float]) -> str:
    return max(shares, key=lambda name: (shares[name], name))


def _row(one: Said) -> Row:
    return Row(one.text, one.label, said_weight, _extra(one))


def _extra(one: Said) -> tuple[str, ...]:
    return (starter.source_mark(one.where),) if one.where else ()


def _fitted_apart(name: str, rows: Sequence[Row]) -> Model:
    return load(fitted_apart(_fitted, name, rows))


def _fitted(name: str, rows: Sequence[Row]) -> bytes:
    return starter.fit(name, more=rows).dump()
