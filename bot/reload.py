"""Notice that the configuration was edited while the service runs: good rules take effect, bad ones change nothing.

Rules and roster are taken over at once. Office, its calendar and sources are wired into what runs, so a change of theirs
waits for the next start, and the operator is told so. Looks at the files' time and size only; reads them when those changed.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from bot.config import ROSTER_FILES, Configuration, calendar_files, load_folder
from routing.errors import ConfigError
from routing.roster import Shift
from routing.rules import Rules

FILES = ("office.toml", "sources.toml", "rules.toml", *ROSTER_FILES)
PROBLEMS_TOLD = 5


@dataclass(frozen=True, slots=True)
class Edit:
    """What an edit of the folder means: rules and roster to use from now on (None: as before), what to tell the operator."""

    rules: Rules | None
    text: str
    roster: tuple[Shift[str], ...] | None = None


class Watcher:
    """Watches one configuration folder from the moment that it was loaded."""

    def __init__(self, folder: Path, running: Configuration) -> None:
        self._folder = folder
        self._running = running
        self._seen = self._signature()

    def look(self) -> Edit | None:
        """Look once; None while nothing changed. An edit is reported once."""
        now = self._signature()
        if now == self._seen:
            return None
        self._seen = now
        try:
            edited = load_folder(self._folder)
        except ConfigError as error:
            shown = "\n".join(str(problem) for problem in error.problems[:PROBLEMS_TOLD])
            return Edit(None, f"配置改动有 {len(error.problems)} 处问题，沿用原配置：\n{shown}")
        same_office = edited.office == self._running.office
        waits = not same_office or edited.sources != self._running.sources
        # Rules were checked against the edited office: with other channels they would not fit the running one.
        rules = edited.rules if same_office and edited.rules.version != self._running.rules.version else None
        roster = edited.roster if edited.roster != self._running.roster else None
        self._running = replace(self._running, rules=rules or self._running.rules, roster=edited.roster)
        told = [f"研判规则已更新，版本 {rules.version[:8]}"] if rules else []
        told += [f"值班表已读取，共 {len(roster)} 班"] if roster is not None else []
        told += ["office.toml、sources.toml 或 calendar 有改动，重启服务后生效"] if waits else []
        return Edit(rules, "；".join(told), roster) if told else None

    def _signature(self) -> tuple[tuple[Path, tuple[int, int] | None], ...]:
        files = [self._folder / name for name in FILES] + calendar_files(self._folder)
        return tuple((path, _stamp(path)) for path in files)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
