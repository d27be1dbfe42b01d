"""What the commands share: the console, the configuration, JSON for machines."""

import json
import logging
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from sqlalchemy import make_url
from sqlalchemy.orm import Session

from bot.config import Configuration, load_folder
from bot.logs import set_up
from bot.settings import Settings, folder_setting, load_settings, read_environment
from routing.errors import ConfigError, Problem, UserError, YuqingError, system_words
from routing.store.engine import Store
from routing.store.migrate import migrate_alone, standing

T = TypeVar("T")

console = Console(stderr=True, highlight=False)
# A table that is read by a program or a log is not folded to a terminal that is not there.
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 160)


class BadUsage(UserError):
    """The command was called in a way that it does not know: exit code 2, nothing was done."""


class StaysDown(YuqingError):
    """The service ended over what no restart cures, which its cause says: exit code 78, by which systemd lets it be."""


def settings_now(*, level: int = logging.WARNING) -> Settings:
    """Read the settings and set logging up with their secrets."""
    settings = load_settings(read_environment())
    set_up(settings.secrets(), level=level)
    return settings


def configured(*, level: int = logging.WARNING) -> tuple[Settings, Configuration]:
    """Read settings and configuration. Raises ConfigError with all problems of both."""
    environment = read_environment()
    problems: list[Problem] = []
    settings = _collected(lambda: load_settings(environment), problems)
    configuration = _collected(lambda: load_folder(folder_setting(environment)), problems)
    if settings is None or configuration is None:
        raise ConfigError(problems)
    set_up(settings.secrets(), level=level)
    return settings, configuration


def configuration_if_any(settings: Settings) -> Configuration | None:
    """Read the configuration for its names alone: None where it cannot be read, for the work needs none."""
    return _collected(lambda: load_folder(settings.config), [])


def _collected(load: Callable[[], T], problems: list[Problem]) -> T | None:
    try:
        return load()
    except ConfigError as error:
        problems.extend(error.problems)
        return None


def in_store(settings: Settings, work: Callable[[Session], T], *, makes: bool = False) -> T:
    """Do one unit of work on the database of the settings, brought to the newest schema first (see `migrate_alone`).

    `makes`: a database that is not there is made; otherwise UserError says that there is none, and none is made.
    """
    if not makes:
        check_file(settings)
    store = Store(settings.database_url)
    try:
        if not makes:
            check_filled(store, settings)
        migrate_alone(store)
        return store.run(work)
    finally:
        store.close()


def from_store(settings: Settings, work: Callable[[Session], T]) -> T:
    """Do one read; what it changes is rolled back. However long it takes, no writer waits for it."""
    with looked_at(settings) as store:
        return store.peek(work)


@contextmanager
def looked_at(settings: Settings) -> Iterator[Store]:
    """Open the database for reading. Raises UserError where there is none, or one of another schema: it is left as it is."""
    check_file(settings)
    store = Store(settings.database_url)
    try:
        check_filled(store, settings)
        check_schema(store, settings)
        yield store
    finally:
        store.close()


def is_there(settings: Settings) -> bool:
    """Tell whether the file of a SQLite database is there; of another database only an attempt can tell."""
    file = database_file(settings.database_url)
    return file is None or file.is_file()


def check_file(settings: Settings) -> None:
    """Refuse a SQLite file that is not there: a database that is made by looking would hide a wrong working folder."""
    if not is_there(settings):
        raise UserError(
            f"没有 {database_name(settings.database_url)}，什么都没有做。"
            "请检查 YUQING_DATABASE_URL 和工作目录；第一次用先运行 yuqing run，会自动建好。"
        )


def check_filled(store: Store, settings: Settings) -> None:
    """Refuse a database without tables: nothing was ever kept in it."""
    if not store.peek(standing)[0]:
        raise UserError(
            f"{database_name(settings.database_url)} 里没有 yuqing 的数据，什么都没有做。"
            "请检查 YUQING_DATABASE_URL；第一次用先运行 yuqing run，会自动建表。"
        )


def check_schema(store: Store, settings: Settings) -> None:
    """Refuse to read what this version does not know. Changes nothing: a service of another version may be at work."""
    name = database_name(settings.database_url)
    found, newest = store.peek(standing)
    if found < newest:
        raise UserError(
            f"{name} 还是旧结构（{found}，本版本 {newest}），什么都没有做。"
            "请先停服务并备份，再用本版本启动 yuqing run，会自动升级。"
        )
    if found > newest:
        raise UserError(
            f"{name} 已由更新的版本改过（{found}，本版本只到 {newest}），什么都没有做。请装回那个版本。"
        )


def database_name(address: str) -> str:
    """Name the database without its user, password and options."""
    url = make_url(address)
    if url.get_backend_name() == "sqlite":
        in_memory = url.database in {None, "", ":memory:"}
        return "SQLite（内存）" if in_memory else f"SQLite {Path(url.database or '').resolve()}"
    port = f":{url.port}" if url.port else ""
    return f"PostgreSQL {url.host or '本机'}{port}/{url.database or ''}"


_database_cures = {
    "disk I/O error": "多半是磁盘满了，或磁盘有故障。请用 df -h 看磁盘空间，腾出后再试",
    "disk is full": "磁盘满了。请用 df -h 看磁盘空间，腾出后再试",
    "No space left on device": "数据库服务器的磁盘满了。请在那台机器上用 df -h 看磁盘空间，腾出后再试",
    "database is locked": "别的程序正占着数据库文件。请等它做完再试；一直如此，请看是谁开着这个文件",
    "readonly database": "没有写的权限。请检查数据库文件和所在文件夹的属主和权限，用服务的用户运行",
    "not a database": "请检查 YUQING_DATABASE_URL；文件已损坏的，恢复最近的备份",
    "malformed": "数据库文件已损坏。请停服务，另存一份文件，恢复最近的备份",
    "unable to open database file": "请检查 YUQING_DATABASE_URL，和数据库文件、所在文件夹的属主和权限",
}
"""By words of SQLite and PostgreSQL; what neither says has the general cure."""


def database_cure(said: str) -> str:
    """Give the cure for what a database said of itself. Pure."""
    fitting = (cure for words, cure in _database_cures.items() if words in said)
    return next(fitting, "请检查 YUQING_DATABASE_URL 和数据库是否在运行")


def database_file(address: str) -> Path | None:
    """Give the file of a SQLite database; None for any other."""
    url = make_url(address)
    is_file = url.get_backend_name() == "sqlite" and url.database not in {None, "", ":memory:"}
    return Path(url.database or "").absolute() if is_file else None


_bits = re.compile(r"[（《「『“‘]*(?:[!-~]+|.)")
"""What is not torn at the end of a line: a Latin word, a path, one Chinese letter; an opening mark goes with what it opens."""
_never_first = frozenset("，。；：、！？）》」』”’")


def folded(text: str, width: int) -> list[str]:
    """Break a text into lines of so many columns, Chinese anywhere; a word is torn only where it is wider than a line."""
    lines: list[list[str]] = [[]]
    for bit in _bits.findall(text):
        if _wide([*lines[-1], bit]) > width:
            carried = [lines[-1].pop()] if bit in _never_first and len(lines[-1]) > 1 else []
            lines.append(carried)
        rest = bit
        while _wide([*lines[-1], rest]) > width and len(rest) > 1:
            room = max(1, width - _wide(lines[-1]))
            lines[-1].append(rest[:room])
            lines.append([])
            rest = rest[room:]
        lines[-1].append(rest)
    return [joined for line in lines if (joined := "".join(line).strip())] or [""]


def _wide(bits: list[str]) -> int:
    return cell_len("".join(bits).lstrip())


def print_json(value: Any) -> None:
    """Print a value for machines, one document on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def progress_bar() -> Progress:
    """Give a bar that goes when it is done, on standard error; none where nobody looks."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def read_text(path: Path) -> str:
    """Read a UTF-8 file. Raises UserError that names the path and the cure."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise UserError(f"没有文件 {path}，请检查路径。") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} 不是 UTF-8 文本，请另存为 UTF-8。") from error
    except OSError as error:
        raise UserError(f"读不出 {path}（{system_words(error)}），请检查路径和权限。") from error


def lines_of(text: str, file: Path | None) -> list[str]:
    """Give the text, or the lines of the file that are not empty. Raises BadUsage where not exactly one is given."""
    if bool(text) == bool(file):
        raise BadUsage('请给一段文字（--text "……"）或一个文件，二选一。')
    return [text] if text else [line for line in read_text(file or Path()).splitlines() if line.strip()]


def read_bytes(path: Path) -> bytes:
    """Read a file as it is. Raises UserError that names the path and the cure."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UserError(f"没有文件 {path}，请检查路径。") from error
    except OSError as error:
        raise UserError(f"读不出 {path}（{system_words(error)}），请检查路径和权限。") from error


def check_free(file: Path, force: bool) -> None:
    """Refuse a file that is there: an export of last week is a record, and one slip of the hand would cost it."""
    if file.is_file() and not force:
        raise UserError(f"{file} 已存在，没有覆盖，什么都没有做。请换一个文件名，或加 --force 覆盖。")


def opened(file: Path, *, shown: Path | None = None) -> IO[bytes]:
    """Open a file for writing. Raises UserError that names the path (`shown`, where it is another) and the cure."""
    try:
        return file.open("wb")
    except FileNotFoundError as error:
        raise UserError(f"写不进 {shown or file}：没有这个文件夹。") from error
    except OSError as error:
        raise UserError(f"写不进 {shown or file}（{system_words(error)}），请换一个位置。") from error


def save(file: Path, content: bytes, *, first: Callable[[], object] = lambda: None) -> None:
    """Write a file whole, or leave what was there as it was. `first` is done once the bytes are safe, before they get the name.

    Raises UserError that names the path and the cure; then `first` was not done.
    """
    place = file.resolve()
    if place.exists() and not place.is_file():
        raise UserError(f"写不进 {file}（不是普通文件），请换一个位置。")
    part = place.with_name(f".{place.name}.{os.getpid()}.part")
    handle = opened(part, shown=file)
    try:
        with handle:
            try:
                if place.exists():  # who could not read what was there reads nothing of this either
                    os.fchmod(handle.fileno(), stat.S_IMODE(place.stat().st_mode))
                handle.write(content)
                handle.flush()
                os.fsync(handle.fileno())
            except OSError as error:
                raise UserError(f"写不进 {file}（{system_words(error)}），请换一个位置。") from error
        first()
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)


def check_ending(file: Path, *endings: str) -> None:
    """Refuse a file whose name ends in no way that is known: nobody could open what it held."""
    if file.suffix.lower() not in endings:
        wanted = "、".join(endings)
        raise BadUsage(f"“{file.name}”的后缀不能用，什么都没有做；--out 的文件名请以 {wanted} 结尾。")


def toml_text(value: str) -> str:
    """Write a text for TOML: a JSON string is a TOML one too."""
    return json.dumps(value, ensure_ascii=False)
