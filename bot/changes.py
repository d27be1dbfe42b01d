"""What differs between two configurations, in words for the operator and the record. Pure; no secret is ever shown.

Addresses, headers, bodies and proxies of sources may hold keys: of them only that they changed is told.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any

from bot.config import Configuration
from bot.names import COLOUR_NAMES, LEVEL_NAMES, STEP_NAMES, how_long
from routing.office import Channel, Level, Limit, Office, Step

SHOWN = 20
"""So many lines go into one message; of more their number is told."""

Facts = Mapping[str, str]

SOURCE_FIELDS: Mapping[str, str] = {
    "name": "名称",
    "kind": "种类",
    "url": "地址",
    "site": "站点",
    "item_kind": "信息种类",
    "tags": "标签",
    "zone": "时区",
    "interval_s": "间隔（秒）",
    "max_interval_s": "最长间隔（秒）",
    "timeout_s": "总时限（秒）",
    "connect_s": "连接时限（秒）",
    "read_s": "读取时限（秒）",
    "spacing_s": "同站间隔（秒）",
    "max_bytes": "大小上限",
    "max_pages": "页数上限",
    "window_h": "旧闻时限（小时）",
    "allow_hosts": "内网许可",
    "mirrors": "备用地址",
    "proxy": "代理",
    "headers": "请求头",
    "form": "表单",
    "json_body": "请求内容",
    "mapping": "字段对应",
    "path": "文件",
    "format": "格式",
    "encoding": "编码",
    "comment_feeds": "跟读评论",
    "title_cut": "标题裁剪",
    "text_cut": "正文裁剪",
    "frozen_h": "不变报警（小时）",
    "silent_h": "沉默报警（小时）",
    "overdue_d": "逾期报警（天）",
    "user_agent": "自报名称",
}
_OPEN = frozenset(
    {"name", "kind", "tags", "interval_s", "max_interval_s", "timeout_s", "max_pages", "silent_h", "frozen_h"}
)
"""Of these the values are shown; of the others only that they changed."""

_SWITCHES = {
    "verify": "先核实",
    "consult": "会商",
    "order": "转办报批",
    "aspects": "初审六方面",
    "openness": "公开属性",
    "second_review": "二审",
    "chief": "主要领导审批",
    "confirm_twice": "批准再确认",
    "countersign": "单位会签",
    "recheck": "复查",
    "call_back": "回访",
    "report": "首报续报",
}
_WEEKDAYS = "一二三四五六日"
ORDER = "渠道次序"
"""Channels are offered in the order in which they are written."""


def changes(before: Configuration, after: Configuration) -> tuple[str, ...]:
    """Give a line (Chinese) a change; none where both mean the same."""
    return (
        *_of_sources(before, after),
        *_of_office(before.office, after.office),
        *(
            [f"研判规则已更新，版本 {after.rules.version[:8]}"]
            if after.rules.version != before.rules.version
            else []
        ),
        *(
            [f"值班表已读取，共 {len(after.roster)} 班，核对姓名后生效"]
            if after.roster != before.roster
            else []
        ),
    )


def message(told: Sequence[str]) -> str:
    """Give the operator's message of a take-over."""
    more = len(told) - SHOWN
    lines = [*told[:SHOWN], *([f"另有 {more} 处改动，见台账"] if more > 0 else [])]
    return (
        "配置已更新，现已生效：\n" + "\n".join(lines)
        if len(lines) > 1
        else f"配置已更新，现已生效：{lines[0]}"
    )


def _of_sources(before: Configuration, after: Configuration) -> Iterator[str]:
    old, new = ({source.id: source for source in c.sources} for c in (before, after))
    for key in sorted(new.keys() - old.keys()):
        yield f"新增来源 {new[key].name}（{key}）"
    for key in sorted(old.keys() - new.keys()):
        yield f"停用来源 {old[key].name}（{key}）"
    for key in sorted(new.keys() & old.keys()):
        if differing := [
            name for name in SOURCE_FIELDS if getattr(old[key], name) != getattr(new[key], name)
        ]:
            told = "，".join(
                _changed(name, getattr(old[key], name), getattr(new[key], name)) for name in differing
            )
            yield f"来源 {new[key].name}（{key}）：{told}"


def _changed(name: str, old: object, new: object) -> str:
    label = SOURCE_FIELDS[name]
    return f"{label} {_plain(old)} → {_plain(new)}" if name in _OPEN else f"{label}已改"


def _plain(value: object) -> str:
    if value is None or value == ():
        return "无"
    if isinstance(value, tuple):
        return "、".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _of_office(before: Office, after: Office) -> Iterator[str]:
    for name, tell in OFFICE_FIELDS.items():
        told = list(_differences(tell(before), tell(after)))
        differs = getattr(before, name) != getattr(after, name)
        yield from told or ([f"office.toml 的 {name} 已改"] if differs else [])


def _differences(old: Facts, new: Facts) -> Iterator[str]:
    labels = list(dict.fromkeys([*new, *old]))
    whole = [f"{label} " for label in labels if (label in old) != (label in new)]
    for label in labels:
        was, now = old.get(label), new.get(label)
        is_part = label == ORDER or any(label.startswith(head) for head in whole)
        if was == now or (whole and is_part):
            continue  # of what came or went nothing else is told
        if was is None:
            yield f"新增{label}：{now}"
        elif now is None:
            yield f"取消{label}（原为 {was}）"
        else:
            yield f"{label}：{was or '无'} → {now or '无'}"


def _channels(office: Office) -> Facts:
    found: dict[str, str] = {}
    for key, channel in office.channels.items():
        found |= {f"渠道 {key}": channel.name}
        found |= {f"渠道 {key} {label}": told for label, told in _of_channel(channel)}
    return {**found, ORDER: "、".join(office.channels)}


def _of_channel(channel: Channel) -> Iterator[tuple[str, str]]:
    yield "单位", channel.unit
    yield "群号", channel.chat
    yield "范围", channel.scope
    yield "属地", "、".join(channel.places)
    yield "所列单位", "、".join(f"{b.name}（{' '.join((*b.words, *b.subjects))}）" for b in channel.bodies)


def _limits(office: Office) -> Facts:
    return {
        f"{_step(step)}时限 {_level(level)}": _long(limit)
        for step, limits in office.limits.items()
        for level, limit in limits.items()
    }


def _step(step: Step) -> str:
    return {Step.CLOSE: "办理（办结）", Step.DRAFT: "办理（拟稿）"}.get(step, STEP_NAMES[step])


def _level(level: Level) -> str:
    return LEVEL_NAMES[level].split()[0]


def _long(limit: Limit) -> str:
    if limit.days:
        return f"{limit.days} 个工作日"
    return ("工作时间 " if limit.working else "") + how_long(timedelta(minutes=limit.minutes))


def _span(begins_ends: tuple[Any, Any] | None) -> str:
    return "" if begins_ends is None else f"{begins_ends[0]:%H:%M}-{begins_ends[1]:%H:%M}"


def _procedure(office: Office) -> Facts:
    return {f"流程 {label}": _switch(getattr(office.procedure, name)) for name, label in _SWITCHES.items()}


def _switch(value: bool | frozenset[Level]) -> str:
    if isinstance(value, bool):
        return "开" if value else "关"
    return "、".join(_level(level) for level in sorted(value)) or "关"


def _supervision(office: Office) -> Facts:
    s = office.supervision
    grants = {
        f"{COLOUR_NAMES[colour]}期限 {_level(level)}": _long(limit)
        for colour, limits in s.grants.items()
        for level, limit in limits.items()
    }
    return {"督查室群": s.chat, **grants, "通报期限": _long(s.bulletin), "督办暂停": _long(s.pause)}


def _one(label: str, tell: Callable[[Office], object]) -> Callable[[Office], Facts]:
    return lambda office: {label: str(tell(office))}


def _record(office: Office) -> Facts:
    r = office.record
    return {
        "文号代字": r.slip_word,
        "索引分类号": r.index_class,
        "存证时间": f"{r.head_at:%H:%M}",
        "存证去处": "、".join(r.head_to),
    }


def _digest(office: Office) -> Facts:
    d = office.digest
    return {"周报时间": f"周{_WEEKDAYS[d.weekday]} {d.at:%H:%M}", "周报去处": "、".join(d.to)}


_DUTY = {"reserve": "叫备用人员", "leader": "叫值班领导", "sign": "交接签名", "approve": "顶岗批复"}

OFFICE_FIELDS: Mapping[str, Callable[[Office], Facts]] = {
    "name": _one("名称", lambda o: o.name),
    "code": _one("代号", lambda o: o.code),
    "zone": _one("时区", lambda o: o.zone.key),
    "duty_chat": _one("值班群群号", lambda o: o.duty_chat),
    "operator_chat": _one("运维群群号", lambda o: o.operator_chat),
    "channels": _channels,
    "limits": _limits,
    "marks": lambda o: {
        f"传播门槛 {_level(level)}": f"阅读 {m.views}、转发 {m.reposts}、评论 {m.comments}"
        for level, m in o.marks.items()
    },
    "hours": _one("办公时间", lambda o: "、".join(_span(stretch) for stretch in o.hours.stretches)),
    "digest": _digest,
    "duty": lambda o: {
        f"值班 {label}": how_long(getattr(o.duty, field.name))
        for field in fields(o.duty)
        for label in [_DUTY[field.name]]
    },
    "record": _record,
    "mute": lambda o: {
        "静音最长天数": str(o.mute.max_days),
        "静音理由": "、".join(o.mute.reasons),
        "疑似事项等待（分钟）": str(o.mute.doubt_minutes),
    },
    "sensitivity": _one("突发灵敏度", lambda o: o.sensitivity.value),
    "dismiss_reasons": _one("不予受理理由", lambda o: "、".join(o.dismiss_reasons)),
    "overrides": lambda o: {
        f"工作日调整 {day}": "上班" if works else "放假" for day, works in sorted(o.overrides.items())
    },
    "quiet": lambda o: {f"免打扰 {_level(level)}": _span(hours) for level, hours in o.quiet.items()},
    "night": _one("夜间静默", lambda o: _span(o.night)),
    "procedure": _procedure,
    "supervision": _supervision,
    "retention": lambda o: {
        "保存期 未立项信息（天）": str(o.retention.texts),
        "保存期 日志（天）": str(o.retention.logs),
    },
}
"""Every field of an office and how it is told."""
