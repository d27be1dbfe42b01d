"""A text model of the office on disk: fitted in a process of its own, put in place whole, taken back by one call.

Two files a model in the folder: the one in use, and the one before it. Knows nothing of what a model says.
"""

import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec

from routing.errors import UserError, system_words
from routing.ngrams import Model, load

P = ParamSpec("P")
_niceness = 10


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The files of one model. `command`: what trains it and takes it back, named in the cure of a damaged file."""

    folder: Path
    name: str
    command: str

    @property
    def used(self) -> Path:
        """The file of the model in use."""
        return self.folder / f"{self.name}.model"

    @property
    def before(self) -> Path:
        """The file of the model that was in use before."""
        return self.folder / f"{self.name}.before.model"

    def stored(self) -> Model | None:
        """Load the model in use, None where there is no file. Raises ConfigError where it is no whole model."""
        return self._load(self.used) if self.used.exists() else None

    def put(self, model: Model, *, keep: bool) -> None:
        """Put a model in use; `keep` the one that was as the one before. Each appears whole or not at all.

        Raises UserError where the folder cannot be written; then the model in use stays.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if keep and self.used.exists():
                _replace(self.before, _bytes(self.used))
            _replace(self.used, model.dump())
        except OSError as error:
            raise UserError(
                f"写不进 {self.folder}（{system_words(error)}），正在用的模型没有动。请检查权限和磁盘空间。"
            ) from error

    def back(self) -> None:
        """Put the model before this one in use again, or none. Raises UserError where there is none to take back."""
        if self.before.exists():
            self._load(self.before)
            self.before.replace(self.used)
        elif self.used.exists():
            self.used.unlink()
        else:
            raise UserError(f"没有训练过的模型 {self.used}，正在用起步模型，没有可换回的。")

    def _load(self, path: Path) -> Model:
        cure = f"请用 {self.command} train 重新训练，或用 {self.command} back 换回上一个"
        return load(_bytes(path), str(path), cure)


def fitted_apart(fit: Callable[P, bytes], *args: P.args, **kwargs: P.kwargs) -> bytes:
    """Fit in a process of its own, at a low priority: its memory is given back, and the service goes on.

    Raises UserError where the process died.
    """
    try:
        with ProcessPoolExecutor(
            1, mp_context=get_context("spawn"), initializer=os.nice, initargs=(_niceness,)
        ) as pool:
            return pool.submit(fit, *args, **kwargs).result()
    except BrokenProcessPool as error:
        raise UserError(
            "训练的进程中途结束了（多半是内存不足），正在用的模型没有动。请减少样本再试。"
        ) from error


def _replace(path: Path, data: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".tmp", delete=False) as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"读不出 {path}（{system_words(error)}），请检查权限。") from error
