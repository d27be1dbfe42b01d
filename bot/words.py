"""How the codes of the record read to a person, for `why`, on the screen and in chat. Pure.

What it does not know is shown as it is stored.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC
from typing import Any

from bot.config import Configuration
from bot.names import (
    AILMENT_NAMES,
    BAND_NAMES,
    COLOUR_NAMES,
    HOUSE_SOURCES,
    LEVEL_NAMES,
    ROLE_NAMES,
    STEP_NAMES,
    opinion_name,
)
from bot.steps import REPORTS
from routing.outbox import MessageKind
from routing.owed import OWED_NAMES
from routing.silence import Ending
from routing.why import Words
from routing.workflow import COMMAND_NAMES, STATE_NAMES, Ground, Opinion, Stage

_HOUSE_ACTIONS = {
    "open": "立项",
    "register": "首接登记",
    "effect": "回应效果",
    "promise": "登记承诺",
    "promise_kept": "登记兑现",
    "promise_remind": "承诺提醒",
    "promise_overdue": "承诺到期",
    "join": "归并",
    "propose_level": "建议升级",
    "propose_channel": "建议换渠道",
    "propose_answer": "建议应当回应",
    "remind": "提醒",
    "overdue": "超期提醒",
    "supervise": "督办",
    "bulletin": "列入通报",
    "recount": "时限重算",
    "refused": "未获准",
    "secrecy_mark": "涉密标记拦下",
    "take_in": "并入了",
    "led_on": "随拆分转往",
    "roster": "值班表生效",
    "call": "叫人",
    "handover": "交接班",
    "handover_sign": "交接签名",
    "handover_unsigned": "交接未签齐",
    "substitute_ask": "申请顶岗",
    "substitute_approve": "批准顶岗",
    "substitute_refuse": "不批准顶岗",
    "substitute_over": "顶岗结束",
    "substitute_ended": "提前结束顶岗",
    "substitute_lapsed": "顶岗申请过期",
    "roster_gap": "值班空档报警",
    "mute": "静音",
    "mute_lift": "解除静音",
    "mute_end": "静音到期",
    "mute_passed": "静音未拦",
    "hold": "暂不发卡",
    "release": "恢复发卡",
    "view": "查看",
    "export": "导出",
    "purge_begin": "开始清理到期记录",
    "purge": "清理到期记录",
    "import": "导入旧台账",
    "take_over": "旧台账导入",
    "away": "服务中断",
    "configure": "更换配置",
}
_ENDING_NAMES = {
    Ending.OVER: "静音结束",
    Ending.FREED: "大事项已结束或降级",
    Ending.GRAVE: "等级或类别升高，不再拦",
    Ending.SHOWN: "有人取出卡片",
    Ending.MOVED: "已有人处理",
    Ending.STIRRED: "又有新信息",
    Ending.APART: "有人认定另立",
    Ending.UNDECIDED: "到时无人判断",
    Ending.PARTED: "另一事项已拆分",
    Ending.ALONE: "另一事项已结束或不再显示",
    Ending.CLOSED: "事项已结束",
}
GROUND_NAMES: Mapping[Ground, str] = {
    Ground.ROLE: "没有权限",
    Ground.PLACE: "不在该办的会话里",
    Ground.STALE: "看到的不是最新情况",
    Ground.STATE: "当前状态不适用",
    Ground.FOUR_EYES: "四眼原则",
    Ground.MISSING: "缺少必填内容",
    Ground.ASSIGNED: "已指定承办",
    Ground.GONE: "所选的已不在",
    Ground.CONSULT: "须先会商",
    Ground.NAMED: "提到的单位尚未确认",
    Ground.ASPECTS: "六个方面未核对完",
    Ground.AGAIN: "须再次确认",
    Ground.LIMIT: "超过时限或次数",
    Ground.REPLAYED: "重复送达",
    Ground.OPENNESS: "公开属性未选或缺理由",
}
KIND_NAMES: Mapping[MessageKind, str] = {
    MessageKind.CARD: "卡片",
    MessageKind.EDIT: "更新卡片",
    MessageKind.TEXT: "通知",
    MessageKind.ASK: "请求回复",
    MessageKind.DIGEST: "周报",
}
SENDING_NAMES: Mapping[str, str] = {
    "pending": "待发",
    "sending": "发送中",
    "sent": "已送达",
    "skipped": "无需发送",
    "expired": "过时未发",
    "dead": "发不出",
}
EXPORTS: Mapping[str, str] = {
    "ledger": "处置台账",
    "case": "案卷",
    "log": "值班日志",
    "dispatch": "转办单",
    "brief": "专报、快报",
    "review": "审查表",
}
"""What `yuqing export` takes out of the desk."""
_LABELS = {
    "what": "表格",
    "forms": "内容",
    "full": "含Ⅰ、Ⅱ级文字",
    "secrecy": "含保密审查理由",
    "frm": "原",
    "to": "现",
    "version": "事项版本",
    "shown_version": "看到的版本",
    "number": "编号",
    "old_number": "旧编号",
    "sheet": "工作表",
    "row": "行",
    "state": "状态",
    "opened_at": "立项",
    "late": "导入时已超期",
    "channel": "渠道",
    "unit": "责任单位",
    "owed": "应当回应",
    "level": "等级",
    "item": "信息序号",
    "items": "信息条数",
    "into": "并入",
    "split_from": "拆自",
    "band": "情绪",
    "subject": "领域",
    "reasons": "依据",
    "reason": "理由",
    "basis": "依据",
    "link": "链接",
    "draft": "稿次",
    "openness": "公开属性",
    "slip": "文号",
    "index": "索引号",
    "why": "原因",
    "command": "操作",
    "ground": "原因",
    "step": "环节",
    "due_at": "期限",
    "was_due_at": "原期限",
    "colour": "督办色",
    "on": "标记",
    "called": "对象",
    "minutes": "已等分钟",
    "reached": "送达",
    "stands_for": "顶岗",
    "mute": "静音序号",
    "matcher": "范围",
    "ends_at": "到",
    "away_at": "中断",
    "back_at": "恢复",
    "limits": "到期时限",
    "under": "并列于",
    "beside": "疑似同一",
    "ending": "原因",
    "hushed": "未响铃",
    "place": "序号",
    "met": "按时",
    "before": "回应前条数",
    "after": "回应后条数",
    "negative_before": "回应前消极%",
    "negative_after": "回应后消极%",
    "grown_before": "回应前增长",
    "grown_after": "回应后增长",
    "changes": "改动",
}


def words(configuration: Configuration | None) -> Words:
    """Give the names for a reader; without a configuration its channels and chats stay codes and times stay UTC."""
    values: dict[str, dict[str, str]] = {
        "action": _coded(COMMAND_NAMES, _HOUSE_ACTIONS),
        "command": _coded(COMMAND_NAMES),
        "step": _coded(STEP_NAMES),
        "colour": _coded(COLOUR_NAMES),
        "late": _coded(STEP_NAMES),
        "state": _coded(STATE_NAMES),
        "on": {"True": "标上", "False": "取消"},
        "band": _coded(BAND_NAMES),
        "kind": _coded(KIND_NAMES),
        "sending": _coded(SENDING_NAMES),
        "ground": _coded(GROUND_NAMES),
        "ending": _coded(_ENDING_NAMES),
        "hushed": {"True": "因暂不发卡"},
        "level": _coded(LEVEL_NAMES),
        "owed": _coded(OWED_NAMES),
        "called": {"staff": "值班员", "reserve": "备用人员", "leader": "值班领导"},
        "reached": {"True": "已发出", "False": "无人可叫"},
        "ailment": _coded(AILMENT_NAMES),
        "role": _coded(ROLE_NAMES),
        "report": _coded(REPORTS),
        "opinion": {f"{s.value}.{o.value}": opinion_name(s, o) for s in Stage for o in Opinion},
        "what": dict(EXPORTS),
        "full": {"True": "是", "False": "否"},
        "secrecy": {"True": "是", "False": "否"},
        # A move of the state and a change of the level are told under the same keys; they share no value.
        "frm": _coded(STATE_NAMES, LEVEL_NAMES),
        "to": _coded(STATE_NAMES, LEVEL_NAMES),
    }
    if configuration is None:
        return Words(UTC, " UTC", _LABELS, values)
    office = configuration.office
    chats = {channel.chat: f"{channel.name}承办群" for channel in office.channels.values()}
    chats |= {office.duty_chat: "值班群", office.operator_chat: "运维群"}
    values["channel"] = {key: channel.name for key, channel in office.channels.items()}
    values["frm"] |= values["channel"]
    values["to"] |= values["channel"]
    values["chat"] = chats
    values["source"] = {source.id: source.name for source in configuration.sources} | HOUSE_SOURCES
    values["tags"] = {source.id: "、".join(source.tags) for source in configuration.sources if source.tags}
    values["address"] = {source.id: source.url for source in configuration.sources}
    return Words(office.zone, "", _LABELS, values)


def for_chat(told: Words) -> Words:
    """Leave out what may stand in no chat: reasons and bases, which may be those of a secrecy review, and chats of people."""
    hidden = told.hidden | {"reason", "basis", "text", "name"}
    return replace(told, hidden=hidden, others={**told.others, "chat": "一人的私聊", "scorer": ""})


def _coded(*tables: Mapping[Any, str]) -> dict[str, str]:
    """Join tables of names under the codes as they are stored."""
    return {str(code): name for table in tables for code, name in table.items()}
