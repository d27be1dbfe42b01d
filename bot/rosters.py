"""How a roster, its faults and its people read: for the chat, the command line and the operator's lines. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from bot.names import local
from routing.duty import Unknown
from routing.office import Office
from routing.roster import Fault, Finding
from routing.roster_watch import Reach

WEEKDAYS = "一二三四五六日"
REACHES: Mapping[Reach, str] = {
    Reach.WELL: "可联系",
    Reach.NO_ACCOUNT: "没有登记聊天账号，请用 yuqing people invite 邀请",
    Reach.CLOSED: "屏蔽了机器人或从未与它对话，请本人在私聊里发送 /start",
}


def day_of(day: date) -> str:
    """Write a day with its weekday: `11-21 周六`."""
    return f"{day:%m-%d} 周{WEEKDAYS[day.weekday()]}"


def stretch(starts_at: datetime, ends_at: datetime, office: Office) -> str:
    """Write a stretch, the day once where it begins and ends on it: `11-21 08:00–18:00`."""
    begins, ends = starts_at.astimezone(office.zone), ends_at.astimezone(office.zone)
    until = f"{ends:%H:%M}" if begins.date() == ends.date() else f"{ends:%m-%d %H:%M}"
    return f"{begins:%m-%d %H:%M}–{until}"


def fault_line(fault: Finding[str], office: Office) -> str:
    """Say what is wrong with a roster, and the cure."""
    when = stretch(fault.starts_at, fault.ends_at, office)
    shifts, who = "、".join(dict.fromkeys(fault.shifts)), "、".join(fault.who)
    return {
        Fault.GAP: f"{when} 无人值班，请排班",
        Fault.LEADER: f"{when} {shifts}：没有值班领导，请补上",
        Fault.RESERVE: f"{when} {shifts}：没有备用人员",
        Fault.HOLIDAY: f"{when} {shifts}：法定节假日值班员不足两人，请增加",
        Fault.DOUBLE: f"{when} {shifts}：{who} 同时排了两个岗，请改一处",
    }[fault.fault]


def unknown_line(unknown: Unknown) -> str:
    """Say which name of a roster is nobody's, where it stands, and what it may have meant."""
    place = f"{unknown.where}  " if unknown.where else ""
    if unknown.bearers:
        return f"{place}{unknown.name}：登记人员里有 {unknown.bearers} 位同名，分不清是谁。请先给其中一位改名登记"
    near = f"是不是 {'、'.join(unknown.near)}？" if unknown.near else ""
    return f"{place}{unknown.name}：没有登记。{near}姓名以 yuqing people list 为准，新人先用 yuqing people invite 邀请"


def unreachable_line(name: str, how: Reach) -> str:
    """Say why no message would reach somebody, and the cure."""
    return f"{name}：{REACHES[how]}"


def week_lines(facts: Mapping[str, object], office: Office) -> list[str]:
    """Say how the coming week is covered: one line where all is well, else one for each fault more."""
    faults, unreachable = _list(facts["faults"]), _list(facts["unreachable"])
    told = [fault_line(_finding(one), office) for one in faults]
    told += [unreachable_line(str(name), Reach(str(how))) for name, how in unreachable]
    well = "，没有空档，人人可联系" if not told else f"，有 {len(told)} 处要处理"
    return [f"未来 7 天值班：{facts['shifts']} 班，{facts['people']} 人{well}", *told]


def gap_line(facts: Mapping[str, object], office: Office) -> str:
    """Say that nobody will be on duty."""
    starts_at = datetime.fromisoformat(str(facts["starts_at"]))
    if facts["ends_at"] is None:
        return f"值班空档：{local(starts_at, office)} 起没有排班，请尽快更新值班表"
    ends_at = datetime.fromisoformat(str(facts["ends_at"]))
    return f"值班空档：{stretch(starts_at, ends_at, office)} 无人值班，请尽快排班"


def _finding(stored: Sequence[object]) -> Finding[str]:
    fault, starts_at, ends_at, shifts, who = stored
    return Finding(
        Fault(str(fault)),
        datetime.fromisoformat(str(starts_at)),
        datetime.fromisoformat(str(ends_at)),
        tuple(map(str, _list(shifts))),
        tuple(map(str, _list(who))),
    )


def _list(value: object) -> list[list[object]]:
    return value if isinstance(value, list) else []
