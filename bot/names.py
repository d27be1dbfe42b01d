"""The words for what is stored: levels, steps, roles, stages, ailments and instants as people read them. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from routing.items import LEGACY, Ailment, Band
from routing.office import Colour, Level, Office, Role, Step
from routing.promises import PromiseView
from routing.registering import SOURCE
from routing.traces import named
from routing.workflow import COMMAND_NAMES, Command, Opinion, Stage

LEVEL_MARKS: Mapping[Level, str] = {Level.I: "🔴", Level.II: "🟠", Level.III: "🟡", Level.IV: "🔵"}
LEVEL_NAMES: Mapping[Level, str] = {
    Level.I: "Ⅰ级 特别重大",
    Level.II: "Ⅱ级 重大",
    Level.III: "Ⅲ级 较大",
    Level.IV: "Ⅳ级 一般",
}
BAND_NAMES: Mapping[Band, str] = {Band.NEGATIVE: "消极", Band.UNCLEAR: "不明", Band.NOT_NEGATIVE: "不消极"}
STEP_NAMES: Mapping[Step, str] = {
    Step.DISPATCH: "转办",
    Step.SIGN: "签收",
    Step.DRAFT: "拟稿",
    Step.REVIEW: "初审",
    Step.SECRECY: "保密审查",
    Step.APPROVE: "审批",
    Step.RELEASE: "发布",
    Step.RESPOND: "公开回应",
    Step.CLOSE: "办结",
    Step.RELOOK: "复看",
    Step.CONSULT: "会商",
    Step.ORDER: "批准转办",
    Step.COPY: "协办签收",
    Step.EXTEND: "批复延期",
    Step.SECOND: "二审",
    Step.CHIEF: "主要领导审批",
    Step.RECHECK: "复查",
    Step.CALL_BACK: "回访",
    Step.FOLLOW: "续发",
    Step.RETURN: "退回",
    Step.PHONE: "电话报告",
    Step.REPORT: "书面首报",
    Step.PROGRESS: "续报",
    Step.FIRST_WORD: "首次权威发布",
    Step.PRESS: "新闻发布会",
    Step.EFFECT: "效果评估",
}
ROLE_NAMES: Mapping[Role, str] = {
    Role.DUTY: "值班员",
    Role.CONTACT: "联络员",
    Role.REVIEWER: "初审人",
    Role.SECRECY: "保密审查员",
    Role.SECOND: "二审人",
    Role.LEADER: "领导",
    Role.CHIEF: "主要领导",
    Role.CALLER: "回访员",
    Role.OFFICE: "政府办",
    Role.OPERATOR: "运维",
    Role.ADMIN: "系统管理员",
    Role.AUDITOR: "审计员",
}
STAGE_NAMES: Mapping[Stage, str] = {
    Stage.FIRST: "初审",
    Stage.SECRECY: "保密审查",
    Stage.SUPERIOR: "报审结论",
    Stage.SECOND: "二审",
    Stage.APPROVAL: "审批",
    Stage.CHIEF: "主要领导审批",
}
OPINION_NAMES: Mapping[Opinion, str] = {
    Opinion.PASS: "同意",
    Opinion.RETURN: "退回修改",
    Opinion.PUBLIC: "公开",
    Opinion.NOT_PUBLIC: "不公开",
    Opinion.ESCALATE: "需报审",
    Opinion.UP: "呈报主要领导",
}
AILMENT_NAMES: Mapping[Ailment, str] = {
    Ailment.CHARSET: "乱码",
    Ailment.FROZEN: "长期不变",
    Ailment.DRIFT: "时钟偏差",
    Ailment.PAGES: "读不到头",
    Ailment.MOVED: "网址已搬",
    Ailment.SKIPPED: "有条目读不出",
    Ailment.NEW_IDS: "编号全变",
    Ailment.TAMPERED: "页面被改",
    Ailment.OVERDUE: "逾期未更新",
    Ailment.REFUSED: "推送被拒",
    Ailment.SILENT: "沉默过久",
    Ailment.ERRORS: "常出错",
    Ailment.NETWORK: "本机网络",
    Ailment.STUCK: "读取停顿",
}
COLOUR_NAMES: Mapping[Colour, str] = {
    Colour.BLUE: "蓝色督办",
    Colour.ORANGE: "橙色督办",
    Colour.RED: "红色督办",
}
RESENT = "〔重发·可能重复〕"


def command_name(command: Command) -> str:
    """Name a command within a sentence, where a colon of its own would stand beside that of the sentence."""
    return COMMAND_NAMES[command].replace("：", "，")


def opinion_name(stage: Stage, opinion: Opinion) -> str:
    """Name an opinion as its stage says it: a leader approves, a reviewer agrees."""
    if stage in {Stage.APPROVAL, Stage.CHIEF} and opinion is Opinion.PASS:
        return "批准发布"
    return OPINION_NAMES[opinion]


def level_tag(level: Level) -> str:
    """Give colour and numeral, as in 🟠Ⅱ级."""
    return f"{LEVEL_MARKS[level]}{LEVEL_NAMES[level].split()[0]}"


def local(moment: datetime, office: Office) -> str:
    """Give an instant in the office's zone, `11-21 14:03`."""
    return moment.astimezone(office.zone).strftime("%m-%d %H:%M")


REGISTERED = "首接登记"
"""The name of what people registered by hand, where others have the name of a source."""


HOUSE_SOURCES: dict[str, str] = {SOURCE: REGISTERED, LEGACY: "旧台账"}
"""The names of what comes from no source."""


def how_long(span: timedelta) -> str:
    """Give a span in its two largest units: `8 小时 22 分`, `2 天 3 小时`, `41 分`, `3 小时`."""
    hours, minutes = divmod(int(span.total_seconds()) // 60, 60)
    two = (hours // 24, "天", hours % 24, "小时") if hours >= 48 else (hours, "小时", minutes, "分")
    told = [f"{number} {unit}" for number, unit in (two[:2], two[2:]) if number]
    return " ".join(told) or "不到 1 分"


def source_name(source_id: str, sources: Mapping[str, str]) -> str:
    """Name a source by `sources`, names by id; a comment feed of one is told as its comments."""
    if source_id in HOUSE_SOURCES:
        return HOUSE_SOURCES[source_id]
    return named(source_id, sources)


def promise_line(one: PromiseView, office: Office) -> str:
    """Tell one promise on a line: its place, its day, what, and whether it is kept."""
    head = f"{one.place}. {local(one.due_at, office)} 前 {one.text}"
    if one.kept_at is None:
        return f"{head}（未兑现）"
    return f"{head}（{local(one.kept_at, office)} 已兑现{one.note and f'：{one.note}'}）"
