"""The words of the procedure: states, commands, what a move is, what an order carries, what a decision must know.

Pure values. The table of moves is `routing/procedure.py`, what answers an order is `routing/deciding.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from routing.items import Band
from routing.office import Level, Role, Step


class State(StrEnum):
    """Where a case stands; stored as the lower-case word."""

    UNVERIFIED = "unverified"
    JUDGING = "judging"
    CONSULTING = "consulting"
    TO_ORDER = "to_order"
    WATCHING = "watching"
    TRANSFERRED = "transferred"
    TO_SIGN = "to_sign"
    RETURNED = "returned"
    HANDLING = "handling"
    EXTENDING = "extending"
    IN_REVIEW = "in_review"
    IN_SECRECY = "in_secrecy"
    WITH_SUPERIOR = "with_superior"
    IN_SECOND = "in_second"
    TO_APPROVE = "to_approve"
    WITH_CHIEF = "with_chief"
    TO_RELEASE = "to_release"
    ANSWERED = "answered"
    CALLING_BACK = "calling_back"
    CLOSED = "closed"
    ARCHIVED = "archived"
    DISMISSED = "dismissed"
    MERGED = "merged"


STATE_NAMES: Mapping[State, str] = {
    State.UNVERIFIED: "待核实",
    State.JUDGING: "待研判",
    State.CONSULTING: "会商中",
    State.TO_ORDER: "待批转办",
    State.WATCHING: "持续关注",
    State.TRANSFERRED: "已移送",
    State.TO_SIGN: "待签收",
    State.RETURNED: "退回待派",
    State.HANDLING: "办理中",
    State.EXTENDING: "延期待批",
    State.IN_REVIEW: "待审核",
    State.IN_SECRECY: "待保密审查",
    State.WITH_SUPERIOR: "报审中",
    State.IN_SECOND: "待二审",
    State.TO_APPROVE: "待审批",
    State.WITH_CHIEF: "待主要领导审批",
    State.TO_RELEASE: "待发布",
    State.ANSWERED: "已回应",
    State.CALLING_BACK: "待回访",
    State.CLOSED: "已办结",
    State.ARCHIVED: "已归档",
    State.DISMISSED: "不予受理",
    State.MERGED: "已合并",
}

ENDED = frozenset({State.CLOSED, State.ARCHIVED, State.DISMISSED, State.MERGED})


class Command(StrEnum):
    """What a person orders. Imperative; events in the ledger carry the same word."""

    VERIFY = "verify"  # 核实
    CONVENE = "convene"  # 发起会商
    OPINE = "opine"  # 会商意见
    CONCLUDE = "conclude"  # 会商结论
    SUBMIT = "submit"  # 报批转办
    ORDER = "order"  # 同意转办
    SEND_BACK = "send_back"  # 不同意转办
    ORAL = "oral"  # 登记口头指示
    DISPATCH = "dispatch"  # 转办
    TRANSFER = "transfer"  # 移送
    TAKE_BACK = "take_back"  # 移送退回
    DISMISS = "dismiss"  # 不予受理
    WATCH = "watch"  # 持续关注
    RESUME = "resume"  # 恢复研判
    SET_LEVEL = "set_level"  # 定级
    OBLIGE = "oblige"  # 必须回应
    EXCUSE = "excuse"  # 不必回应
    SET_ANSWER_KIND = "set_answer_kind"  # 回应类型
    REPORT = "report"  # 报告
    PHONE = "phone"  # 电话报告
    SPLIT = "split"  # 拆分
    MERGE = "merge"  # 并入
    RATE = "rate"  # 认定情绪
    CLASSIFY = "classify"  # 认定领域
    SIGN = "sign"  # 签收
    RETURN = "return"  # 退回
    SIGN_COPY = "sign_copy"  # 协办签收
    EXTEND = "extend"  # 申请延期
    GRANT = "grant"  # 同意延期
    DENY = "deny"  # 不同意延期
    DRAFT = "draft"  # 拟稿
    PASS = "pass"  # noqa: S105 - 初审通过
    REDO = "redo"  # 初审退改
    CLEAR = "clear"  # 保密审查: 公开
    WITHHOLD = "withhold"  # 保密审查: 不公开
    ESCALATE = "escalate"  # 保密审查: 需报审
    APPROVE = "approve"  # 批准
    REFUSE = "refuse"  # 审批退回
    PASS_UP = "pass_up"  # noqa: S105 - 呈报主要领导
    COUNTERSIGN = "countersign"  # 相关机关确认
    CONFIRM = "confirm"  # 回应确认
    RECHECK = "recheck"  # 复查无误
    RECALL = "recall"  # 复查有误
    FOLLOW = "follow"  # 续发
    CONTENT = "content"  # 回访满意
    DISCONTENT = "discontent"  # 回访不满意
    UNREACHED = "unreached"  # 回访未接通
    CLOSE = "close"  # 办结
    MISTAKE = "mistake"  # 发现有误
    REOPEN = "reopen"  # 重新办理
    ARCHIVE = "archive"  # 归档
    INSTRUCT = "instruct"  # 批示件, on and off
    EMERGENCY = "emergency"  # 突发事件, on and off
    SPEAK = "speak"  # 权威首次信息
    BRIEF = "brief"  # 新闻发布会
    PAUSE = "pause"  # 暂停计时
    GO_ON = "go_on"  # 恢复计时
    ASSESS = "assess"  # 效果评估


COMMAND_NAMES: Mapping[Command, str] = {
    Command.VERIFY: "核实属实",
    Command.CONVENE: "发起会商",
    Command.OPINE: "会商意见",
    Command.CONCLUDE: "会商结论",
    Command.SUBMIT: "报批转办",
    Command.ORDER: "同意转办",
    Command.SEND_BACK: "退回研判",
    Command.ORAL: "登记口头指示",
    Command.DISPATCH: "转办",
    Command.TRANSFER: "移送",
    Command.TAKE_BACK: "移送退回",
    Command.DISMISS: "不予受理",
    Command.WATCH: "持续关注",
    Command.RESUME: "恢复研判",
    Command.SET_LEVEL: "定级",
    Command.OBLIGE: "认定必须回应",
    Command.EXCUSE: "认定不必回应",
    Command.SET_ANSWER_KIND: "定回应类型",
    Command.REPORT: "报告",
    Command.SPLIT: "拆分",
    Command.MERGE: "并入",
    Command.RATE: "认定情绪",
    Command.CLASSIFY: "认定领域",
    Command.SIGN: "签收",
    Command.RETURN: "退回",
    Command.SIGN_COPY: "协办签收",
    Command.EXTEND: "申请延期",
    Command.GRANT: "同意延期",
    Command.DENY: "不同意延期",
    Command.DRAFT: "提交答复稿",
    Command.PASS: "初审通过",
    Command.REDO: "初审退改",
    Command.CLEAR: "保密审查：公开",
    Command.WITHHOLD: "保密审查：不公开",
    Command.ESCALATE: "保密审查：需报审",
    Command.APPROVE: "批准发布",
    Command.REFUSE: "退回修改",
    Command.PASS_UP: "呈报主要领导",
    Command.COUNTERSIGN: "相关机关确认",
    Command.CONFIRM: "回应确认",
    Command.RECHECK: "复查无误",
    Command.RECALL: "复查有误",
    Command.FOLLOW: "续发",
    Command.CONTENT: "回访满意",
    Command.DISCONTENT: "回访不满意",
    Command.UNREACHED: "回访未接通",
    Command.CLOSE: "办结",
    Command.MISTAKE: "发现有误",
    Command.REOPEN: "重新办理",
    Command.ARCHIVE: "归档",
    Command.INSTRUCT: "标记批示件",
    Command.EMERGENCY: "标记突发事件",
    Command.SPEAK: "登记首次发布",
    Command.BRIEF: "登记发布会",
    Command.PHONE: "登记电话报告",
    Command.PAUSE: "暂停计时",
    Command.GO_ON: "恢复计时",
    Command.ASSESS: "登记效果评估",
}


class Stage(StrEnum):
    """A step of review; one decision a stage and draft version."""

    FIRST = "first"  # 初审
    SECRECY = "secrecy"  # 保密审查
    SUPERIOR = "superior"  # 报审后的结论
    SECOND = "second"  # 二审
    APPROVAL = "approval"  # 审批（三审）
    CHIEF = "chief"  # 主要领导审批


class Opinion(StrEnum):
    """What a reviewer said."""

    PASS = "pass"  # noqa: S105
    RETURN = "return"
    PUBLIC = "public"  # 公开
    NOT_PUBLIC = "not_public"  # 不公开
    ESCALATE = "escalate"  # 需报审
    UP = "up"  # 呈报主要领导


class Aspect(StrEnum):
    """What a first review looks at, one after another (六个方面)."""

    POLITICS = "politics"
    LAW = "law"
    POLICY = "policy"
    SECRECY = "secrecy"
    WORDING = "wording"
    OPINION = "opinion"


ASPECT_NAMES: Mapping[Aspect, str] = {
    Aspect.POLITICS: "政治",
    Aspect.LAW: "法律",
    Aspect.POLICY: "政策",
    Aspect.SECRECY: "保密",
    Aspect.WORDING: "文字",
    Aspect.OPINION: "舆情",
}


class AnswerKind(StrEnum):
    """What kind of answer a matter wants (国办发〔2016〕80号); stored as the lower-case word."""

    SUGGESTION = "suggestion"
    HARDSHIP = "hardship"
    GRAVE = "grave"
    UNCLEAR = "unclear"
    MISTAKEN = "mistaken"
    FALSE = "false"


ANSWER_KIND_NAMES: Mapping[AnswerKind, str] = {
    AnswerKind.SUGGESTION: "意见建议：公布采纳",
    AnswerKind.HARDSHIP: "实际困难：公布解决",
    AnswerKind.GRAVE: "重大问题：公布调查处置",
    AnswerKind.UNCLEAR: "模糊认识：权威释疑",
    AnswerKind.MISTAKEN: "错误看法：引导纠正",
    AnswerKind.FALSE: "虚假不实：辟谣并移交线索",
}


class Openness(StrEnum):
    """The openness attribute (公开属性) of an outgoing text; stored as the Chinese words that the forms want."""

    PUBLIC = "主动公开"
    ON_REQUEST = "依申请公开"
    CLOSED = "不予公开"


TARGETS: Mapping[str, str] = {
    "petition": "信访",
    "hotline": "12345 热线",
    "disclosure": "依申请公开",
    "discipline": "纪检监察",
    "justice": "司法途径",
    "emergency": "110、119、120",
}
"""The other procedures that a matter may be transferred to (移送)."""


PAUSE_GROUNDS: Mapping[str, str] = {
    "third_party": "征求第三方意见",
    "other_body": "等候其他机关答复",
    "supplement": "等候当事人补充材料",
}
"""For what the handling may stand still: time of others is not counted (政府信息公开条例 第三十条、第三十三条, taken over)."""


class Where(StrEnum):
    """The kind of chat that an order came from, as seen from its case."""

    DUTY = "duty"
    CHANNEL = "channel"
    PRIVATE = "private"
    ELSEWHERE = "elsewhere"


class Need(StrEnum):
    """What an order must carry besides the press."""

    REASON = "reason"
    BASIS = "basis"
    TEXT = "text"
    LINK = "link"
    CHANNEL = "channel"
    LEVEL = "level"
    ITEM = "item"
    MATTER = "matter"
    BAND = "band"
    SUBJECT = "subject"
    UNITS = "units"
    TARGET = "target"
    DAYS = "days"
    STANCE = "stance"
    ANSWER_KIND = "answer_kind"


class Whose(StrEnum):
    """Of which channels a contact must be one, for a move that contacts make."""

    LEAD = "lead"  # of the one that has the matter
    COPIED = "copied"  # of one that it was copied to, and that has not signed
    ASKED = "asked"  # of one that was asked in a consultation, and has not spoken
    NAMED = "named"  # of one whose unit the draft names, and that has not confirmed


@dataclass(frozen=True, slots=True)
class Move:
    """One cell of the table. `seals` names the review that the move writes; `other_than` who must not be the actor."""

    to: State
    roles: frozenset[Role]
    where: frozenset[Where]
    needs: frozenset[Need] = frozenset()
    starts: tuple[Step, ...] = ()
    ends: tuple[Step, ...] = ()
    seals: tuple[Stage, Opinion] | None = None
    other_than: frozenset[str] = (
        frozenset()
    )  # drafter | first | secrecy | superior | second | approval | releaser
    whose: Whose = Whose.LEAD


@dataclass(frozen=True, slots=True)
class Actor:
    """A person with rights, resolved from a chat account. `channels`: those he is the contact of.

    `stands_for`: names of those whose rights he has beside his own (顶岗); four eyes count him as the one person he is.
    """

    person_id: int
    name: str
    roles: frozenset[Role] = frozenset()
    channels: frozenset[str] = frozenset()
    stands_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What a decision must know of a case; read in the deciding transaction. People by person id."""

    id: int
    number: str
    state: State
    level: Level
    channel: str
    version: int
    draft_version: int = 0
    drafter_id: int | None = None
    first_id: int | None = None
    secrecy_id: int | None = None
    superior_id: int | None = None  # who entered the superior's answer (报审)
    second_id: int | None = None
    approval_id: int | None = None
    chief_id: int | None = None
    releaser_id: int | None = None  # who confirmed the release of the current draft
    assigned: bool = False
    consulted: bool = False
    unsigned: frozenset[str] = frozenset()  # channels it was copied to, which have not signed
    asked: frozenset[str] = frozenset()  # channels asked in a consultation, which have not spoken
    named: frozenset[str] = frozenset()  # channels whose unit the draft names, which have not confirmed
    extended: bool = False
    unreached: int = 0  # tries of a call-back that reached nobody
    withheld: bool = False  # the current draft is not for everybody: 不予公开, 依申请公开

    def channels(self) -> frozenset[str]:
        """Name every channel that has something to do with the case now."""
        return frozenset({self.channel}) | self.unsigned | self.asked | self.named


@dataclass(frozen=True, slots=True)
class Order:
    """A command with all that came with it. `version` and `draft_version` are those that the person was shown.

    `item_id`: the text of the case that is meant, `into`: the case to merge into; 0 for none. `until`: when a watched
    matter is looked at again (aware UTC), None for the limit of its level. `confirmed`: pressed a second time.
    `unit`: which unit (责任单位) of the channel gets the matter; empty for the channel's own.
    `assigns`: the office settles a dispute over who is competent (指定承办).
    `openness` None: not said, which counts as 主动公开 where the office asks for no attribute.
    """

    command: Command
    actor: Actor
    where: Where
    version: int
    draft_version: int = 0
    reason: str = ""
    basis: str = ""
    text: str = ""
    link: str = ""
    channel: str = ""
    unit: str = ""
    level: Level | None = None
    item_id: int = 0
    into: int = 0
    band: Band | None = None
    subject: str = ""
    units: tuple[str, ...] = ()
    target: str = ""
    days: int = 0
    stance: str = ""
    answer_kind: AnswerKind | None = None
    until: datetime | None = None
    aspects: frozenset[Aspect] = frozenset()
    openness: Openness | None = None
    confirmed: bool = False
    assigns: bool = False


class Ground(StrEnum):
    """Why an order was refused; stored in the ledger."""

    ROLE = "role"
    PLACE = "place"
    STALE = "stale"
    STATE = "state"
    FOUR_EYES = "four_eyes"
    MISSING = "missing"
    ASSIGNED = "assigned"
    GONE = "gone"  # the text or the case that was pressed for is there no more
    CONSULT = "consult"  # a consultation comes first
    NAMED = "named"  # units named in the text have not confirmed it
    ASPECTS = "aspects"  # not every aspect of the review was ticked
    AGAIN = "again"  # must be pressed a second time, with the text before one's eyes
    LIMIT = "limit"  # too late, or once too often
    REPLAYED = "replayed"  # the same message or press under another update
    OPENNESS = "openness"  # the openness attribute of a draft is not chosen, or its reason is missing


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused order: the ground, and the sentence for the person (Chinese, at most 150 characters)."""

    ground: Ground
    text: str
