"""Settings from the environment and `.env`: addresses, tokens and keys, each with a `_FILE` twin. All problems at once."""

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from dotenv import dotenv_values
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from routing.errors import ConfigError, Problem, system_words

OFFICIAL_API = "https://api.telegram.org"
PREFIX = "YUQING_"


@dataclass(frozen=True, slots=True)
class Settings:
    """Secrets and addresses. Each is `YUQING_<NAME>` or, from a file, `YUQING_<NAME>_FILE`. Secrets stay out of repr."""

    config: Path = Path("config")
    database_url: str = field(default="sqlite:///yuqing.db", repr=False)  # may carry a password
    telegram_token: str = field(default="", repr=False)
    telegram_api: str = OFFICIAL_API
    telegram_proxy: str = field(default="", repr=False)
    admins: tuple[str, ...] = ()
    ledger_key: str = field(default="", repr=False)
    ingest_listen: str = ""
    ingest_key: str = field(default="", repr=False)
    scorer: str = "ngram"
    heartbeat_url: str = field(default="", repr=False)
    backup_dir: str = ""

    def secrets(self) -> tuple[str, ...]:
        """Give what no log line may show: the secrets whole, and the passwords inside addresses."""
        inside = (_password(self.database_url), _password(self.telegram_proxy))
        whole = (
            self.telegram_token,
            self.telegram_proxy,
            self.ledger_key,
            self.ingest_key,
            self.heartbeat_url,
        )
        return tuple(secret for secret in (*whole, *inside) if secret)


def _password(address: str) -> str:
    try:
        return unquote(urlsplit(address).password or "")
    except ValueError:
        return ""


SECRETS = frozenset(
    {"database_url", "telegram_token", "telegram_proxy", "ledger_key", "ingest_key", "heartbeat_url"}
)
SCORERS = ("ngram", "snownlp")
NEW_INGEST_KEY = "用 openssl rand -hex 32 生成一串，写进 .env 的 YUQING_INGEST_KEY，设了就不要更换"
TOKEN_SHAPE = re.compile(r"\d{5,}:[A-Za-z0-9_-]{20,}")


def load_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings from a mapping. Raises ConfigError with every problem; a secret's value is never in it."""
    known = {f.name for f in fields(Settings)}
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    for name in sorted(known):
        raw = _lookup(environment, name, problems)
        if raw is None:
            continue
        try:
            values[name] = _PARSERS[name](raw)
        except ValueError as error:
            shown = "（不显示）" if name in SECRETS else raw
            problems.append(
                Problem("环境变量", None, PREFIX + name.upper(), shown, str(error), "见 .env.example")
            )
    problems += _unknown(environment, known)
    if "ingest_listen" in values and "ingest_key" not in {*values, *_wrong_settings(problems)}:
        reason = "设了 YUQING_INGEST_LISTEN 而没有设置，推送无法验签"
        problems.append(Problem("环境变量", None, "YUQING_INGEST_KEY", "", reason, NEW_INGEST_KEY))
    if problems:
        raise ConfigError(problems)
    return Settings(**values)


def _wrong_settings(problems: Iterable[Problem]) -> set[str]:
    return {problem.where.removeprefix(PREFIX).removesuffix("_FILE").lower() for problem in problems}


def folder_setting(environment: Mapping[str, str]) -> Path:
    """Give the configuration folder alone, so that its files can be checked while another setting is wrong."""
    return Path(_lookup(environment, "config", []) or Settings().config)


def read_environment(folder: Path | None = None) -> Mapping[str, str]:
    """Give the environment with `.env` of the folder beneath it: what is set outside wins, with its `_FILE` twin.

    Raises ConfigError where `.env` cannot be read.
    """
    path = (folder or Path.cwd()) / ".env"
    try:
        written = dotenv_values(path)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([unreadable_file(path, error)]) from error
    outside = {name.removesuffix("_FILE") for name in os.environ}
    ours = {
        name: value
        for name, value in written.items()
        if value is not None and name.startswith(PREFIX) and name.removesuffix("_FILE") not in outside
    }
    return {**ours, **os.environ}


def _unknown(environment: Iterable[str], known: Iterable[str]) -> list[Problem]:
    allowed = [PREFIX + name.upper() + ending for name in sorted(known) for ending in ("", "_FILE")]
    found = []
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in allowed and not name.startswith(f"{PREFIX}TEST_"):
            close = difflib.get_close_matches(name, allowed, n=1, cutoff=0.75)
            cure = f"是不是 {close[0]}？否则请删去" if close else "请删去，或对照 .env.example 改正拼写"
            found.append(Problem("环境变量", None, name, "", "没有这个设置", cure))
    return found


def _lookup(environment: Mapping[str, str], name: str, problems: list[Problem]) -> str | None:
    variable = PREFIX + name.upper()
    path = environment.get(f"{variable}_FILE")
    if not path:
        return environment.get(variable) or None

    def complain(reason: str, cure: str) -> None:
        problems.append(Problem("环境变量", None, f"{variable}_FILE", path, reason, cure))

    if environment.get(variable):
        complain(f"与 {variable} 同时设置", "两个只留一个")
        return None
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        complain(_unreadable(error), "检查路径和权限")
        return None
    if not text:
        complain("文件是空的", "写入内容，或删去这个设置")
        return None
    return text


def _unreadable(error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, FileNotFoundError):
        return "没有这个文件"
    return (
        "不是 UTF-8 文本" if isinstance(error, UnicodeDecodeError) else f"读不出来（{system_words(error)}）"
    )


def unreadable_file(path: Path, error: OSError | UnicodeDecodeError) -> Problem:
    return Problem(str(path), None, "文件", "", _unreadable(error), "检查权限；文件须为 UTF-8 文本")


def _token(raw: str) -> str:
    if not TOKEN_SHAPE.fullmatch(raw):
        raise ValueError("不像 Telegram 机器人令牌（形如 数字:字母串，由 @BotFather 给出）")
    return raw


def _address(raw: str) -> str:
    if not raw.startswith(("http://", "https://")):
        raise ValueError("应以 http:// 或 https:// 开头")
    return raw.rstrip("/")


def _database(raw: str) -> str:
    if not raw.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        raise ValueError("应为 sqlite:///文件 或 postgresql://用户@主机/库")
    try:
        make_url(raw)
    except (ArgumentError, ValueError):  # its words would tell of the password
        raise ValueError("读不懂；端口须为数字，密码里的 @ / : 等符号要写成 %40 %2F %3A") from None
    return raw


def _user_ids(raw: str) -> tuple[str, ...]:
    ids = tuple(part.strip() for part in raw.split(",") if part.strip())
    if not all(part.isdigit() for part in ids):
        raise ValueError("应为逗号分隔的数字账号")
    return ids


def _listen(raw: str) -> str:
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^\s:/@\[\]]+):(\d{1,5})", raw)
    if not match or not 0 < int(match[2]) < 65536:
        raise ValueError("应为 主机:端口，如 127.0.0.1:8089")
    return raw


def _ingest_key(raw: str) -> str:
    if len(raw) < 16:
        raise ValueError("太短，容易被猜出；至少 16 个字符")
    return raw


def _heartbeat(raw: str) -> str:
    """Read an address as it was given: a slash or an empty value at its end may matter to whoever listens there."""
    try:
        parts = urlsplit(raw)
        is_whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole or re.search(r"[^\x21-\x7e]", raw):
        raise ValueError("应为完整网址，以 http:// 或 https:// 开头，没有空格和汉字")
    return raw


def _scorer(text: str) -> str:
    if text not in SCORERS:
        raise ValueError(f"没有这种打分，可以用的有：{'、'.join(SCORERS)}")
    return text


_PARSERS: Mapping[str, Any] = {
    "config": Path,
    "database_url": _database,
    "telegram_token": _token,
    "telegram_api": _address,
    "telegram_proxy": _address,
    "admins": _user_ids,
    "ledger_key": str,
    "ingest_listen": _listen,
    "ingest_key": _ingest_key,
    "scorer": _scorer,
    "heartbeat_url": _heartbeat,
    "backup_dir": str,
}
