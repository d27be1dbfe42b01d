"""The office as plain values: channels, levels, review chain, limits. Read from `office.toml` by bot/office_file.py.

Nothing here reads a file. Figures that no norm gives are project defaults and say so in `office.toml`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import IntEnum, StrEnum
from zoneinfo import ZoneInfo

from routing.burst import Sensitivity


class Level(IntEnum):
    """Grade of a matter (分级): Ⅰ 特别重大 to Ⅳ 一般; smaller is graver."""

    I = 1  # noqa: E741
    II = 2
    III = 3
    IV = 4


class Role(StrEnum):
    """What a person may do; stored as the lower-case word."""

    DUTY = "duty"  # 值班员: judges, dispatches
    CONTACT = "contact"  # 联络员/承办人 of a channel: signs, drafts, confirms the release
    REVIEWER = "reviewer"  # 初审人
    SECRECY = "secrecy"  # 保密审查员
    SECOND = "second"  # 二审人
    LEADER = "leader"  # 分管领导: approves
    CHIEF = "chief"  # 主要领导: approves what is important
    CALLER = "caller"  # 回访员
    OFFICE = "office"  # 政府办: assigns what came back, digest, exports
    OPERATOR = "operator"  # 运维: sources, delivery
    ADMIN = "admin"  # 系统管理员: people and settings, no case content
    AUDITOR = "auditor"  # 审计员: reads the log


@dataclass(frozen=True, slots=True)
class Body:
    """One of several units (责任单位) that a channel gives matters to, and its scope: words of a text, subject areas."""

    name: str
    words: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Channel:
    """A competent channel (归口): its key in rules, the name shown, the unit that answers, its chat.

    `places`: of which a matter is copied to it whatever its subject (双推送: 条线和属地). `bodies`: units besides its
    own that it gives matters to; they are told in its chat.
    """

    key: str
    name: str
    unit: str
    chat: str
    scope: str = ""
    places: tuple[str, ...] = ()
    bodies: tuple[Body, ...] = ()

    def units(self) -> tuple[str, ...]:
        """Name every unit that may be given a matter of this channel, its own first."""
        return (self.unit, *(body.name for body in self.bodies))


@dataclass(frozen=True, slots=True)
class Marks:
    """Spread in 24 h that proposes a level; any one mark suffices."""

    views: int
    reposts: int
    comments: int


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit in clock minutes, in working minutes where `working` is set, or in whole working `days`.

    Whole days are counted as 民法典 第二百零一条、第二百零三条 has it: not the first, and to the closing hour of the last.
    """

    minutes: int = 0
    working: bool = False
    days: int = 0


class Step(StrEnum):
    """A clock that can run on a case; one row in `deadline` each."""

    DISPATCH = "dispatch"  # 转办, from found
    SIGN = "sign"  # 签收, from dispatched
    DRAFT = "draft"  # 拟稿, from signed
    REVIEW = "review"  # 初审
    SECRECY = "secrecy"  # 保密审查
    APPROVE = "approve"  # 审批
    RELEASE = "release"  # 发布并回应确认, from approved
    RESPOND = "respond"  # 回应 48 h, from found: 国办发〔2016〕61号
    CLOSE = "close"  # 办结, from signed
    RELOOK = "relook"  # 持续关注后的复看
    CONSULT = "consult"  # 会商
    ORDER = "order"  # 批准转办, from submitted
    RETURN = "return"  # 退回, from dispatched: no clock runs, but later it is refused
    COPY = "copy"  # 协办签收, from dispatched
    EXTEND = "extend"  # 批复延期申请
    SECOND = "second"  # 二审
    CHIEF = "chief"  # 主要领导审批
    RECHECK = "recheck"  # 复查, from answered
    CALL_BACK = "call_back"  # 回访, from answered
    FOLLOW = "follow"  # 续发
    PHONE = "phone"  # 电话报告, Ⅰ/Ⅱ, from found
    REPORT = "report"  # 书面首报, from found
    PROGRESS = "progress"  # 续报
    FIRST_WORD = "first_word"  # 权威首次信息, of an emergency, from found: 国办发〔2016〕80号
    PRESS = "press"  # 新闻发布会, of an emergency, from found: 国办发〔2016〕80号
    EFFECT = "effect"  # 效果评估, Ⅰ/Ⅱ, from closed


class Colour(StrEnum):
    """How far a supervision (督办色) has gone, in this order."""

    BLUE = "blue"  # 蓝: whose move it is
    ORANGE = "orange"  # 橙: copy to 分管领导
    RED = "red"  # 红: copy to 主要领导 and 督查室


def _dates(*minutes: int) -> Mapping[Level, Limit]:
    grave = {Level(n): Limit(each) for n, each in enumerate(minutes, 1)}
    return {Level.III: Limit(working=True, days=1), Level.IV: Limit(working=True, days=1)} | grave


@dataclass(frozen=True, slots=True)
class Supervision:
    """How overdue matters are supervised: the time that each colour grants, and the chat of the 督查室 (empty: none).

    `bulletin`: so long after the red one a matter is named in the digest (通报). Project defaults where no rule is named.
    """

    chat: str = ""
    grants: Mapping[Colour, Mapping[Level, Limit]] = field(
        default_factory=lambda: {Colour.BLUE: _dates(60, 60), Colour.ORANGE: _dates(120, 240)}
    )
    bulletin: Limit = Limit(working=True, days=5)
    pause: Limit = Limit(working=True, days=5)


@dataclass(frozen=True, slots=True)
class Procedure:
    """Which optional steps of the full procedure an office has switched on; the default is light, for an office of five.

    A set of levels says at which levels the step is made. Four eyes and the secrecy review have no switch.
    """

    verify: bool = False  # 立项后先核实
    consult: frozenset[Level] = frozenset()  # 须先会商
    order: frozenset[Level] = frozenset()  # 转办须先经领导批准
    aspects: bool = False  # 初审逐项核对六个方面
    openness: bool = False  # 拟稿时选定公开属性
    second_review: bool = False  # 二审
    chief: frozenset[Level] = frozenset()  # 须主要领导审批
    confirm_twice: frozenset[Level] = frozenset({Level.I, Level.II})  # 批准时再次确认
    countersign: bool = False  # 稿中提到的单位须先确认
    recheck: bool = False  # 发布后复查
    call_back: bool = False  # 回访
    report: frozenset[Level] = frozenset()  # 首报、续报、终报


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """Local stretches of a working day, in order."""

    stretches: tuple[tuple[time, time], ...] = ((time(8, 30), time(12)), (time(14), time(18)))


@dataclass(frozen=True, slots=True)
class DigestTimes:
    """When the weekly digest goes out, local, and to whom: `duty`, `leaders`, or a chat id."""

    weekday: int = 0
    at: time = time(8, 30)
    to: tuple[str, ...] = ("duty", "leaders")


@dataclass(frozen=True, slots=True)
class Record:
    """How the record is kept: the word before the number of a dispatch slip (代字), the class of answers in the
    信息索引号 (empty: they get none), when the head of the ledger is posted, local, and to whom: `duty`, `leaders`,
    or a chat id."""

    slip_word: str = "舆转"
    index_class: str = ""
    head_at: time = time(18)
    head_to: tuple[str, ...] = ("leaders",)


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days what is no part of a matter is kept (保存期); `routing.retention` says what that is.

    `texts`: public texts that became no matter's, project default. `logs`: what was sent and received apart from matters,
    never less than six months (网络安全法 第二十一条 in the text of 2016: 网络日志不少于六个月).
    """

    texts: int = 184
    logs: int = 184


@dataclass(frozen=True, slots=True)
class DutyTimes:
    """How long those on duty have before somebody else hears; project defaults.

    `reserve` and `leader`: a Ⅰ/Ⅱ matter that does not move, counted from its call. `sign`: both signatures of a
    handover. `approve`: the word of a leader on a substitution, before the next leader is asked too.
    """

    reserve: timedelta = timedelta(minutes=5)
    leader: timedelta = timedelta(minutes=10)
    sign: timedelta = timedelta(minutes=15)
    approve: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Mutes:
    """What may be muted: for how many days at most, and the reasons that are offered on a card; project defaults.

    `doubt_minutes`: so long a new small matter waits on the card of the one that it is perhaps part of; 0: never.
    """

    max_days: int = 7
    reasons: tuple[str, ...] = ("已知情况，正在处置", "计划内的活动或施工", "重复信息刷屏")
    doubt_minutes: int = 30


@dataclass(frozen=True, slots=True)
class Office:
    """Everything the core must know of one office."""

    name: str
    code: str
    zone: ZoneInfo
    duty_chat: str
    operator_chat: str
    channels: Mapping[str, Channel]
    limits: Mapping[Step, Mapping[Level, Limit]]
    marks: Mapping[Level, Marks]
    hours: WorkingHours = WorkingHours()
    digest: DigestTimes = DigestTimes()
    duty: DutyTimes = DutyTimes()
    record: Record = Record()
    mute: Mutes = Mutes()
    sensitivity: Sensitivity = Sensitivity.MIDDLE
    dismiss_reasons: tuple[str, ...] = ("与本县无关", "广告或垃圾信息", "不涉及政府工作", "内容不实且无影响")
    overrides: Mapping[str, bool] = field(default_factory=dict)  # date -> is a working day
    quiet: Mapping[Level, tuple[time, time]] = field(
        default_factory=dict
    )  # local; past midnight where it ends first
    night: tuple[time, time] | None = None
    """Local; what is new of Ⅲ and Ⅳ then comes without a sound. None: it rings as by day."""
    procedure: Procedure = Procedure()
    supervision: Supervision = Supervision()
    retention: Retention = Retention()

    def chats(self) -> frozenset[str]:
        """Every group that the bot may stay in: those of the procedure, those that only get the digest or the heads."""
        told = {*self.digest.to, *self.record.head_to} - {"duty", "leaders"}
        channels = {channel.chat for channel in self.channels.values()}
        supervisors = {self.supervision.chat} - {""}
        return frozenset({self.duty_chat, self.operator_chat} | channels | told | supervisors)
