"""Configuration: settings from the environment, the office from `office.toml`. The only reader of either.

Everything wrong is reported at once, each with file, line, value and cure. Folders below get plain values.
"""

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from bot.calendar_file import load_calendar
from bot.roster_file import Sheet, Text, load_roster
from monitors.sources import Source
from monitors.sources_file import load_sources
from routing.burst import Sensitivity
from routing.errors import ConfigError, Problem
from routing.office import (
    Channel,
    Colour,
    DigestTimes,
    DutyTimes,
    Level,
    Limit,
    Marks,
    Mutes,
    Office,
    Procedure,
    Record,
    Step,
    Supervision,
    WorkingHours,
)
from routing.quiet import LONGEST
from routing.roster import Shift
from routing.rules import Rules, load_rules
from routing.toml_lines import Locator, Refused, problems_from_pydantic, read_toml, spelt

CALENDAR = "calendar"
"""The folder of the office's own days off and working days, inside the configuration."""
ROSTER_FILES = ("roster.toml", "roster.xlsx")
"""The roster inside the configuration: text, or hours there and the table in a sheet; neither must be there."""
OFFICIAL_API = "https://api.telegram.org"
PREFIX = "YUQING_"

# Settings --------------------------------------------------------------------------------------------------


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

    def secrets(self) -> tuple[str, ...]:
        """Give what no log line may show: the secrets whole, and the passwords inside addresses."""
        inside = (_password(self.database_url), _password(self.telegram_proxy))
        whole = (self.telegram_token, self.telegram_proxy, self.ledger_key, self.ingest_key)
        return tuple(secret for secret in (*whole, *inside) if secret)


def _password(address: str) -> str:
    try:
        return unquote(urlsplit(address).password or "")
    except ValueError:
        return ""


SECRETS = frozenset({"database_url", "telegram_token", "telegram_proxy", "ledger_key", "ingest_key"})
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
        raise ConfigError([_unreadable_file(path, error)]) from error
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
    return "不是 UTF-8 文本" if isinstance(error, UnicodeDecodeError) else f"读不出来（{error.strerror}）"


def _unreadable_file(path: Path, error: OSError | UnicodeDecodeError) -> Problem:
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
}

# office.toml -----------------------------------------------------------------------------------------------

_LIMIT = re.compile(r"(\d{1,4})(m|h|d|wh|wd)")
_TARGET = re.compile(r"duty|leaders|-?\d{1,20}")
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


def _limit(text: str) -> str:
    if not _LIMIT.fullmatch(text) or int(_LIMIT.fullmatch(text)[1]) == 0:  # type: ignore[index]  # just matched
        raise Refused("不是时限", '写成 "30m"、"4h"、"5d"、"4wh"（工作小时）或 "2wd"（工作日）')
    return text


_SPAN = re.compile(r"([1-9]\d{0,2})(m|h)")


def _span(text: str) -> str:
    if not _SPAN.fullmatch(text):
        raise Refused("不是时长", '写成 "5m"（分钟）或 "1h"（小时）')
    return text


def _delta(text: str) -> timedelta:
    match = _SPAN.fullmatch(text)
    assert match is not None
    return timedelta(minutes=int(match[1]) * (60 if match[2] == "h" else 1))


def _stretch(text: str) -> str:
    match = _HOURS.fullmatch(text)
    if not match or match[1] + match[2] >= match[3] + match[4]:
        raise Refused("不是一段办公时间", '写成 "08:30-12:00"，先早后晚')
    return text


def _night(text: str) -> str:
    match = _HOURS.fullmatch(text)
    if not match or match[1] + match[2] == match[3] + match[4]:
        raise Refused("不是一段时间", '写成 "22:00-07:00"，可以跨过零点')
    if _lasts(*_times(text)) > LONGEST:
        raise Refused(f"超过 {LONGEST.total_seconds() / 3600:.0f} 小时", "请写短一些，如 22:00-07:00")
    return text


def _lasts(begins: time, ends: time) -> timedelta:
    minutes = ends.hour * 60 + ends.minute - begins.hour * 60 - begins.minute
    return timedelta(minutes=minutes % (24 * 60))


def _target(text: str) -> str:
    if not _TARGET.fullmatch(text):
        raise Refused("去处写法不对", '每项写 "duty"（值班群）、"leaders"（领导私聊）或群号')
    return text


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


ChatId = Annotated[
    str,
    spelt(
        r"-?[0-9]{1,20}", "不是群号", '只写数字，前面可有负号，如 "-1001234567890"；拉机器人进群后它会报出'
    ),
]
Key = Annotated[
    str,
    spelt(
        r"[a-z][a-z0-9_]{0,23}",
        "渠道编号写法不对",
        "只用小写英文字母、数字和 _，以字母开头，最多 24 个，如 network",
    ),
]


class _Channel(_Strict):
    name: str = Field(min_length=1, max_length=20)
    unit: str = Field(min_length=1, max_length=60)
    chat: ChatId
    scope: str = ""
    places: list[Annotated[str, Field(min_length=1, max_length=20)]] = []


class _Marks(_Strict):
    views: int = Field(ge=1)
    reposts: int = Field(ge=1)
    comments: int = Field(ge=1)


class _Levels(_Strict):
    I: _Marks  # noqa: E741 - Ⅰ, as the field writes it
    II: _Marks
    III: _Marks


FourLimits = Annotated[list[Annotated[str, AfterValidator(_limit)]], Field(min_length=4, max_length=4)]


class _Limits(_Strict):
    dispatch: FourLimits
    sign: FourLimits
    draft: FourLimits
    review: FourLimits
    secrecy: FourLimits
    approve: FourLimits
    release: FourLimits
    respond: FourLimits
    close: FourLimits
    relook: FourLimits
    consult: FourLimits = ["1h", "2h", "1wd", "1wd"]
    order: FourLimits = ["30m", "1h", "2h", "4wh"]
    copied: FourLimits = Field(["15m", "30m", "1h", "4wh"], alias="copy")
    extend: FourLimits = ["1h", "2h", "4wh", "1wd"]
    second: FourLimits = ["1h", "1h", "4h", "1wd"]
    chief: FourLimits = ["1h", "1h", "4h", "1wd"]
    recheck: FourLimits = ["2h", "4h", "1wd", "1wd"]
    call_back: FourLimits = ["1wd", "1wd", "1wd", "1wd"]
    follow: FourLimits = ["4h", "1wd", "2wd", "5wd"]
    report: FourLimits = ["40m", "1h", "2h", "2h"]
    progress: FourLimits = ["2h", "4h", "24h", "24h"]
    first_word: FourLimits = ["5h", "5h", "5h", "5h"]
    press: FourLimits = ["24h", "24h", "24h", "24h"]
    effect: FourLimits = ["5wd", "5wd", "5wd", "5wd"]

    @field_validator("respond", "first_word", "press")
    @classmethod
    def _keeps_the_norm(cls, texts: list[str], info: ValidationInfo) -> list[str]:
        most = {"respond": 48, "first_word": 5, "press": 24}[info.field_name or ""]
        lengths = [_length(text) for text in texts]
        if any(length.working or length.minutes > most * 60 for length in lengths):
            raise Refused(
                f"国办发〔2016〕61号、80号规定不超过 {most} 小时，节假日不停",
                f'写 "{most}h" 或更短的小时、分钟',
            )
        return texts


class _Hours(_Strict):
    working: list[Annotated[str, AfterValidator(_stretch)]] = Field(min_length=1)

    @field_validator("working")
    @classmethod
    def _are_in_order(cls, stretches: list[str]) -> list[str]:
        if any(later[:5] < earlier[-5:] for earlier, later in pairwise(stretches)):
            raise Refused("各段有重叠或先后颠倒", '按先后写，如 ["08:30-12:00", "14:00-18:00"]')
        return stretches


class _Supervision(_Strict):
    chat: ChatId | None = None
    blue: FourLimits = ["1h", "1h", "1wd", "1wd"]
    orange: FourLimits = ["2h", "4h", "1wd", "1wd"]
    bulletin: Annotated[str, AfterValidator(_limit)] = "5wd"
    pause: Annotated[str, AfterValidator(_limit)] = "5wd"


Stretch = Annotated[str, AfterValidator(_night)]


class _Duty(_Strict):
    reserve: Annotated[str, AfterValidator(_span)] = "5m"
    leader: Annotated[str, AfterValidator(_span)] = "10m"
    sign: Annotated[str, AfterValidator(_span)] = "15m"
    approve: Annotated[str, AfterValidator(_span)] = "10m"

    @model_validator(mode="after")
    def _climbs(self) -> "_Duty":
        if _delta(self.leader) < _delta(self.reserve):
            raise Refused("叫值班领导早于叫备用人员", "leader 不要短于 reserve")
        return self


class _Quiet(_Strict):
    III: Stretch | None = None
    IV: Stretch | None = None

    @model_validator(mode="before")
    @classmethod
    def _spares_the_grave(cls, data: Any) -> Any:
        grave = [name for name in ("I", "II") if isinstance(data, dict) and name in data]
        if grave:
            raise Refused(
                f"{'、'.join(grave)} 级不能设免打扰：Ⅰ、Ⅱ级的报告时限是几十分钟", "请删去，只留 III 或 IV"
            )
        return data


TimeOfDay = Annotated[
    str, spelt(r"([01][0-9]|2[0-3]):[0-5][0-9]", "不是时刻", '写成 "08:30"，两位小时、两位分钟')
]


class _Digest(_Strict):
    weekday: int = Field(ge=1, le=7)
    at: TimeOfDay
    to: list[Annotated[str, AfterValidator(_target)]]


class _Record(_Strict):
    slip_word: str = Field(default=Record().slip_word, min_length=1, max_length=10)
    index_class: Annotated[
        str,
        spelt(r"|[0-9A-Z]{1,8}", "分类号写法不对", '写 1 到 8 位数字或大写字母，如 "0301"；不编索引号则留空'),
    ] = ""
    head_at: TimeOfDay = "18:00"
    head_to: list[Annotated[str, AfterValidator(_target)]] = Field(default=["leaders"], min_length=1)


class _Mute(_Strict):
    max_days: int = Field(default=Mutes().max_days, ge=1, le=31)
    reasons: list[Annotated[str, Field(min_length=2, max_length=30)]] = Field(
        default=list(Mutes().reasons), min_length=1, max_length=8
    )


class _Burst(_Strict):
    sensitivity: Literal["低", "中", "高"] = "中"


class _Dismiss(_Strict):
    reasons: list[Annotated[str, Field(min_length=2, max_length=30)]] = Field(min_length=1, max_length=8)


FourNumerals = Literal["I", "II", "III", "IV"]


class _Procedure(_Strict):
    verify: StrictBool = False
    consult: list[FourNumerals] = []
    order: list[FourNumerals] = []
    aspects: StrictBool = False
    openness: StrictBool = False
    second_review: StrictBool = False
    chief: list[FourNumerals] = []
    confirm_twice: list[FourNumerals] = ["I", "II"]
    countersign: StrictBool = False
    recheck: StrictBool = False
    call_back: StrictBool = False
    report: list[FourNumerals] = []


class _Office(_Strict):
    name: str = Field(min_length=1, max_length=60)
    code: Annotated[str, spelt(r"[A-Z]{2,8}", "代号写法不对", '写 2 到 8 个大写英文字母，如 "ZFB"')]
    time_zone: str = "Asia/Shanghai"
    duty_chat: ChatId
    operator_chat: ChatId
    channels: dict[Key, _Channel] = Field(min_length=1)
    levels: _Levels
    limits: _Limits
    hours: _Hours
    quiet: _Quiet = _Quiet()
    duty: _Duty = _Duty()
    digest: _Digest
    dismiss: _Dismiss
    record: _Record = _Record()
    mute: _Mute = _Mute()
    procedure: _Procedure = _Procedure()
    supervision: _Supervision = _Supervision()
    burst: _Burst = _Burst()

    @field_validator("time_zone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise Refused("没有这个时区", '一般写 "Asia/Shanghai"') from error
        return value


def load_office(text: str, file: str) -> Office:
    """Read `office.toml`. Raises ConfigError with every problem of the file."""
    data, locator = read_toml(text, file)
    try:
        read = _Office.model_validate(data)
    except ValidationError as error:
        raise ConfigError(problems_from_pydantic(error, locator, file, model=_Office)) from error
    problems = _doubled_chats(read, locator, file)
    if problems:
        raise ConfigError(problems)
    return _office(read)


def _doubled_chats(read: _Office, locator: Locator, file: str) -> list[Problem]:
    seen: dict[str, str] = {}
    problems = []
    places = [("duty_chat", read.duty_chat, ["duty_chat"])]
    places += [
        (f"channels.{key}.chat", c.chat, ["channels", key, "chat"]) for key, c in read.channels.items()
    ]
    for where, chat, path in places:
        if chat in seen:
            problems.append(
                Problem(
                    file,
                    locator.line(path),
                    where,
                    chat,
                    f"与 {seen[chat]} 是同一个群",
                    "每个渠道、值班群各用一个群",
                )
            )
        seen[chat] = where
    return problems


def _office(read: _Office) -> Office:
    hours = tuple(_times(text) for text in read.hours.working)
    limits = {step: _four(getattr(read.limits, _LIMIT_FIELDS.get(step, step.value))) for step in Step}
    hour, minute = map(int, read.digest.at.split(":"))
    return Office(
        name=read.name,
        code=read.code,
        zone=ZoneInfo(read.time_zone),
        duty_chat=read.duty_chat,
        operator_chat=read.operator_chat,
        channels={
            key: Channel(key, c.name, c.unit, c.chat, c.scope, tuple(c.places))
            for key, c in read.channels.items()
        },
        limits=limits,
        marks={Level[name]: Marks(m.views, m.reposts, m.comments) for name, m in read.levels},
        hours=WorkingHours(hours),
        digest=DigestTimes(read.digest.weekday - 1, time(hour, minute), tuple(read.digest.to)),
        dismiss_reasons=tuple(read.dismiss.reasons),
        duty=DutyTimes(**{name: _delta(text) for name, text in read.duty}),
        quiet={Level[name]: _times(text) for name, text in read.quiet if text is not None},
        record=Record(
            read.record.slip_word,
            read.record.index_class,
            time.fromisoformat(read.record.head_at),
            tuple(read.record.head_to),
        ),
        sensitivity=Sensitivity(read.burst.sensitivity),
        mute=Mutes(read.mute.max_days, tuple(read.mute.reasons)),
        procedure=_procedure(read.procedure),
        supervision=Supervision(
            read.supervision.chat or "",
            {Colour.BLUE: _four(read.supervision.blue), Colour.ORANGE: _four(read.supervision.orange)},
            _length(read.supervision.bulletin),
            _length(read.supervision.pause),
        ),
    )


_LIMIT_FIELDS = {Step.COPY: "copied"}


def _procedure(read: _Procedure) -> Procedure:
    values: dict[str, Any] = {
        name: frozenset(Level[numeral] for numeral in value) if isinstance(value, list) else value
        for name, value in read
    }
    return Procedure(**values)


def _times(text: str) -> tuple[time, time]:
    match = _HOURS.fullmatch(text)
    assert match is not None
    a, b, c, d = (int(part) for part in match.groups())
    return time(a, b), time(c, d)


def _four(texts: list[str]) -> Mapping[Level, Limit]:
    return {level: _length(texts[level - 1]) for level in Level}


def _length(text: str) -> Limit:
    match = _LIMIT.fullmatch(text)
    assert match is not None
    number, unit = int(match[1]), match[2]
    if unit == "wd":
        return Limit(working=True, days=number)
    return Limit(number * {"m": 1, "h": 60, "d": 1440, "wh": 60}[unit], working=unit == "wh")


# The folder ------------------------------------------------------------------------------------------------


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
        problems.append(_unreadable_file(unread, error))
    except ConfigError as error:
        problems.extend(error.problems)
    return ()


def calendar_files(folder: Path) -> list[Path]:
    """Give the files of the office's own calendar, a year each, in order; none where there is no such folder."""
    return sorted((folder / CALENDAR).glob("*.toml"))


def _part(folder: Path, name: str, load: Any, problems: list[Problem]) -> Any:
    path = folder / name
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        problems.append(Problem(str(path), None, "文件", "", "不存在", f"运行 yuqing init {folder} 生成示例"))
        return None
    except (OSError, UnicodeDecodeError) as error:
        problems.append(_unreadable_file(path, error))
        return None
    try:
        return load(text, str(path))
    except ConfigError as error:
        problems.extend(error.problems)
        return None
