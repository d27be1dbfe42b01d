"""Notice that the configuration was edited while the service runs, and read it whole. Decides nothing, tells nobody.

Looks at the files' time, size and place only, and reads them once those have stood still between two looks: an editor
that writes in two steps, or two files that are saved one after the other, make one edit. What was read while it changed
is read again.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.config import ROSTER_FILES, Configuration, calendar_files, load_folder
from routing.errors import ConfigError, Problem
from routing.toml_lines import read_toml

OFFICE = "office.toml"
FILES = (OFFICE, "sources.toml", "rules.toml", *ROSTER_FILES)
PROBLEMS_TOLD = 5
MATTERS_TOLD = 8

Signature = tuple[tuple[str, tuple[int, int, int] | None], ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit of the folder: what it holds now, or why that cannot be read."""

    signature: Signature
    configuration: Configuration | None
    problems: tuple[Problem, ...] = ()

    @property
    def key(self) -> str:
        """Name the edit, the same in every process that reads these very files."""
        return hashlib.sha256(repr(self.signature).encode()).hexdigest()[:32]


class Watcher:
    """Watches one configuration folder from now on; made before the folder is read, it misses no edit."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen = self._signature()
        self._moving: Signature | None = None

    def look(self) -> Edit | None:
        """Look once; None while nothing changed or files are still being written. The same edit again until `settle`."""
        now = self._signature()
        if now == self._seen:
            self._moving = None
            return None
        if now != self._moving:
            self._moving = now
            return None
        try:
            edit = Edit(now, load_folder(self._folder))
        except ConfigError as error:
            edit = Edit(now, None, error.problems)
        return edit if self._signature() == now else None

    def settle(self, edit: Edit) -> None:
        """Have done with an edit: it was taken over, or refused, and told."""
        self._seen = edit.signature

    def _signature(self) -> Signature:
        files = [self._folder / name for name in FILES] + calendar_files(self._folder)
        return tuple((str(path.relative_to(self._folder)), _stamp(path)) for path in files)


def waiting(folder: Path, running: Configuration, edited: Configuration) -> list[Problem]:
    """Name what cannot change while the service runs, each with the place where it was edited.

    The code stands in numbers of the record, the zone in the days of all that was planned: they change at a start, where
    nothing is under way.
    """
    fixed = {
        "code": (running.office.code, edited.office.code),
        "time_zone": (running.office.zone.key, edited.office.zone.key),
    }
    path = folder / OFFICE
    problems = []
    for name, (was, now) in fixed.items():
        if was != now:
            cure = f"请改回 {was}，其余改动随即生效；确要更换，保存后重启 yuqing run"
            problems.append(Problem(str(path), _line(path, name), name, now, "运行中不能更换", cure))
    return problems


def refusal(problems: Sequence[Problem]) -> str:
    """Give the operator's message of an edit that changed nothing."""
    more = len(problems) - PROBLEMS_TOLD
    lines = [*map(str, problems[:PROBLEMS_TOLD]), *([f"另有 {more} 处，见 yuqing check"] if more > 0 else [])]
    return f"配置改动有 {len(problems)} 处问题，沿用原配置：\n" + "\n".join(lines)


def removed(folder: Path, held: Mapping[str, Sequence[str]]) -> list[Problem]:
    """Name the channels that cannot go yet; `held`: the numbers of the matters that each has in hand."""
    path = str(folder / OFFICE)
    cure = "请把它写回 office.toml；要停用，先把这些事项改派、退回或办结"
    return [
        Problem(path, None, f"channels.{key}", "", f"渠道已删去，但还有 {_some(numbers)} 在它那里", cure)
        for key, numbers in held.items()
    ]


def _some(numbers: Sequence[str]) -> str:
    named = "、".join(numbers[:MATTERS_TOLD])
    return named if len(numbers) <= MATTERS_TOLD else f"{named} 等 {len(numbers)} 件"


def _line(path: Path, name: str) -> int | None:
    try:
        return read_toml(path.read_text(encoding="utf-8"), str(path))[1].line([name])
    except (OSError, ConfigError):
        return None


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
