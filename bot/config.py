"""The configuration folder as a whole: its files read together, every problem of all of them at once."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bot.calendar_file import load_calendar
from bot.office_file import load_office
from bot.roster_file import Sheet, Text, load_roster
from bot.settings import unreadable_file
from monitors.sources import Source
from monitors.sources_file import load_sources
from routing.errors import ConfigError, Problem
from routing.office import (
    Office,
)
from routing.roster import Shift
from routing.rules import Rules, load_rules

CALENDAR = "calendar"
"""The folder of the office's own days off and working days, inside the configuration."""
ROSTER_FILES = ("roster.toml", "roster.xlsx")
"""The roster inside the configuration: text, or hours there and the table in a sheet; neither must be there."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """A whole configuration that holds together."""

    office: Office
    sources: tuple[Source, ...]
    rules: Rules
    roster: tuple[Shift[str], ...] = ()


def load_folder(folder: Path) -> Configuration:
    """Read the files of a folder. Raises ConfigError with the problems of all of them together."""
    problems: list[Problem] = []
    office = _part(folder, "office.toml", load_office, problems)
    sources = _part(folder, "sources.toml", load_sources, problems)
    channels = (
        tuple(office.channels) if office else ("network", "petition", "publicity", "security", "office")
    )
    rules = _part(folder, "rules.toml", lambda text, file: load_rules(text, file, channels), problems)
    days: dict[str, bool] = {}
    for path in calendar_files(folder):
        days |= _part(folder, f"{CALENDAR}/{path.name}", load_calendar, problems) or {}
    roster = _roster(folder, office.zone if office else ZoneInfo("Asia/Shanghai"), problems)
    if problems or office is None or sources is None or rules is None:
        raise ConfigError(problems)
    return Configuration(replace(office, overrides=days), tuple(sources), rules, roster)


def _roster(folder: Path, zone: ZoneInfo, problems: list[Problem]) -> tuple[Shift[str], ...]:
    """Read the roster, empty where there is none: an office without shifts needs no file."""
    toml, sheet = (folder / name for name in ROSTER_FILES)
    try:
        text = Text(str(toml), toml.read_text(encoding="utf-8")) if toml.exists() else None
        table = Sheet(str(sheet), sheet.read_bytes()) if sheet.exists() else None
        return load_roster(text, table, zone)
    except (OSError, UnicodeDecodeError) as error:
        unread = sheet if isinstance(error, OSError) and error.filename == str(sheet) else toml
        problems.append(unreadable_file(unread, error))
    except ConfigError as error:
        problems.extend(error.problems)
    return ()


def calendar_files(folder: Path) -> list[Path]:
    """Give the files of the office's own calendar, a year each, in order; none where there is no such folder."""
    return sorted((folder / CALENDAR).glob("*.toml"))


def _cure_of_missing(folder: Path) -> str:
    """Say what to do: `yuqing init` writes nothing into a folder that holds a part of a configuration."""
    if not any(folder.glob("*.toml")):
        return f"运行 yuqing init {folder} 生成示例"
    return "请把它放回；没有留底的，用 yuqing init 另写一个新文件夹，再把其中这个文件拷过来"


def _part(folder: Path, name: str, load: Any, problems: list[Problem]) -> Any:
    path = folder / name
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        problems.append(Problem(str(path), None, "文件", "", "不存在", _cure_of_missing(folder)))
        return None
    except (OSError, UnicodeDecodeError) as error:
        problems.append(unreadable_file(path, error))
        return None
    try:
        return load(text, str(path))
    except ConfigError as error:
        problems.extend(error.problems)
        return None
