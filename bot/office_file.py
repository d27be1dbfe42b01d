"""`office.toml` -> the office as plain values. Every problem of the file at once, with line, value and cure."""

import re
from collections.abc import Mapping
from datetime import time, timedelta
from itertools import pairwise
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from routing.burst import Sensitivity
from routing.errors import ConfigError, Problem
from routing.office import (
    Body,
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
    Retention,
    Step,
    Supervision,
    WorkingHours,
)
from routing.quiet import LONGEST
from routing.starter import SUBJECTS
from routing.toml_lines import Locator, Refused, problems_from_pydantic, read_toml, spelt

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


def _night_or_none(text: str) -> str:
    return _night(text) if text else text


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


class _Body(_Strict):
    name: str = Field(min_length=1, max_length=60)
    words: list[Annotated[str, Field(min_length=2, max_length=20)]] = []
    subjects: list[str] = []

    @field_validator("subjects")
    @classmethod
    def _are_known(cls, areas: list[str]) -> list[str]:
        unknown = [area for area in areas if area not in SUBJECTS]
        if unknown:
            raise Refused(f"没有领域 {'、'.join(unknown)}", f"可以写：{'、'.join(SUBJECTS)}")
        return areas


class _Channel(_Strict):
    name: str = Field(min_length=1, max_length=20)
    unit: str = Field(min_length=1, max_length=60)
    chat: ChatId
    scope: str = ""
    places: list[Annotated[str, Field(min_length=1, max_length=20)]] = []
    units: list[_Body] = Field(default=[], max_length=30)

    @model_validator(mode="after")
    def _names_each_unit_once(self) -> "_Channel":
        names = [self.unit, *(body.name for body in self.units)]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise Refused(
                f"单位重复：{'、'.join(doubled)}", "每个单位只写一次；渠道的 unit 本身已是可选单位，不用再列"
            )
        return self


class _Marks(_Strict):
    views: StrictInt = Field(ge=1)
    reposts: StrictInt = Field(ge=1)
    comments: StrictInt = Field(ge=1)


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
    returned: FourLimits = Field(["30m", "30m", "2h", "24h"], alias="return")
    copied: FourLimits = Field(["15m", "30m", "1h", "4wh"], alias="copy")
    extend: FourLimits = ["1h", "2h", "4wh", "1wd"]
    second: FourLimits = ["1h", "1h", "4h", "1wd"]
    chief: FourLimits = ["1h", "1h", "4h", "1wd"]
    recheck: FourLimits = ["2h", "4h", "1wd", "1wd"]
    call_back: FourLimits = ["1wd", "1wd", "1wd", "1wd"]
    follow: FourLimits = ["4h", "1wd", "2wd", "5wd"]
    phone: FourLimits = ["20m", "30m", "30m", "30m"]
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

    @field_validator("returned")
    @classmethod
    def _gives_back_soon(cls, texts: list[str]) -> list[str]:
        for length in map(_length, texts):
            if length.days > 2 or length.minutes > (16 if length.working else 48) * 60:
                raise Refused("退回最迟 2 个工作日（参照山东省 12345 办法）", '写 "2wd"、"24h" 或更短')
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
    night: Annotated[str, AfterValidator(_night_or_none)] = "22:00-07:00"
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
    weekday: StrictInt = Field(ge=1, le=7)
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


class _Retention(_Strict):
    texts_days: StrictInt = Field(default=Retention().texts, ge=30, le=3660)
    logs_days: StrictInt = Field(default=Retention().logs, ge=184, le=3660)


class _Mute(_Strict):
    max_days: StrictInt = Field(default=Mutes().max_days, ge=1, le=31)
    reasons: list[Annotated[str, Field(min_length=2, max_length=30)]] = Field(
        default=list(Mutes().reasons), min_length=1, max_length=8
    )
    doubt_minutes: StrictInt = Field(default=Mutes().doubt_minutes, ge=0, le=120)


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
    retention: _Retention = _Retention()
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


def _bodies(channel: _Channel) -> tuple[Body, ...]:
    return tuple(Body(body.name, tuple(body.words), tuple(body.subjects)) for body in channel.units)


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
            key: Channel(key, c.name, c.unit, c.chat, c.scope, tuple(c.places), _bodies(c))
            for key, c in read.channels.items()
        },
        limits=limits,
        marks={Level[name]: Marks(m.views, m.reposts, m.comments) for name, m in read.levels},
        hours=WorkingHours(hours),
        digest=DigestTimes(read.digest.weekday - 1, time(hour, minute), tuple(read.digest.to)),
        dismiss_reasons=tuple(read.dismiss.reasons),
        duty=DutyTimes(**{name: _delta(text) for name, text in read.duty}),
        quiet={
            Level[name]: _times(text)
            for name, text in read.quiet
            if text is not None and name in Level.__members__
        },
        night=_times(read.quiet.night) if read.quiet.night else None,
        record=Record(
            read.record.slip_word,
            read.record.index_class,
            time.fromisoformat(read.record.head_at),
            tuple(read.record.head_to),
        ),
        sensitivity=Sensitivity(read.burst.sensitivity),
        mute=Mutes(read.mute.max_days, tuple(read.mute.reasons), read.mute.doubt_minutes),
        procedure=_procedure(read.procedure),
        supervision=Supervision(
            read.supervision.chat or "",
            {Colour.BLUE: _four(read.supervision.blue), Colour.ORANGE: _four(read.supervision.orange)},
            _length(read.supervision.bulletin),
            _length(read.supervision.pause),
        ),
        retention=Retention(read.retention.texts_days, read.retention.logs_days),
    )


_LIMIT_FIELDS = {Step.COPY: "copied", Step.RETURN: "returned"}


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
