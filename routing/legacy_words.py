"""How older ledgers (旧台账) write levels, states, dates and numbers, and what each means here. Pure.

A word that is not known is said, never guessed.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo

from routing.office import Channel, Level
from routing.workflow import STATE_NAMES, State

_LEVEL_SIGNS: Mapping[Level, tuple[str, ...]] = {
    Level.I: ("i", "1", "一", "红", "红色", "特别重大", "特大"),
    Level.II: ("ii", "2", "二", "橙", "橙色", "重大"),
    Level.III: ("iii", "3", "三", "黄", "黄色", "较大"),
    Level.IV: ("iv", "4", "四", "蓝", "蓝色", "一般"),
}
_LEVELS = {sign: level for level, signs in _LEVEL_SIGNS.items() for sign in signs}

_STATE_WORDS: Mapping[State, tuple[str, ...]] = {
    State.JUDGING: ("待处理", "未处理", "待交办", "待转办", "未交办", "待分派", "新增", "会商中", "待批转办"),
    State.TO_SIGN: ("已交办", "已转办", "已派单", "待接收", "未签收", "交办", "转办"),
    State.RETURNED: ("已退回", "退回", "退单"),
    State.HANDLING: (
        *("在办", "办理", "正在办理", "处理中", "处置中", "正在处理", "跟进中", "已签收", "未办结", "未办", "待办"),
        *("延期", "延期中", "延期办理", "审核中", "待回复", "待回应", "核查中", "整改中"),
    ),
    State.WATCHING: ("关注", "关注中", "持续跟踪", "跟踪"),
    State.TRANSFERRED: ("移送", "已转送"),
    State.ANSWERED: ("已回复", "已答复", "已公开回应", "回应", "已首回"),
    State.CLOSED: (
        *("办结", "已办", "完成", "已完成", "结案", "已结案", "已结", "办毕", "已处理", "已处置", "处置完毕", "已解决"),
        *("按时办结", "超期办结"),
    ),
    State.ARCHIVED: ("归档", "存档", "已存档"),
    State.DISMISSED: ("不受理", "不予处理", "无需处理", "无需回应", "已驳回"),
}  # fmt: skip
_DRAFT_IS_NOT_HERE = (
    State.EXTENDING,
    State.IN_REVIEW,
    State.IN_SECRECY,
    State.WITH_SUPERIOR,
    State.IN_SECOND,
    State.TO_APPROVE,
    State.WITH_CHIEF,
    State.TO_RELEASE,
)
"""Of a draft under review no ledger has the text: such a matter goes on from 办理中."""
_BEGUN_ANEW = (State.UNVERIFIED, State.CONSULTING, State.TO_ORDER)
_STATES = (
    {word: state for state, words in _STATE_WORDS.items() for word in words}
    | {STATE_NAMES[state]: state for state in State if state is not State.MERGED}
    | {STATE_NAMES[state]: State.HANDLING for state in _DRAFT_IS_NOT_HERE}
    | {STATE_NAMES[state]: State.JUDGING for state in _BEGUN_ANEW}
)
MERGED_WORDS = frozenset({"已合并", "合并", "已并入", "重复"})

_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
_COMPACT = re.compile(r"(20\d\d)(\d\d)(\d\d)")
_EATEN = re.compile(r"\d(?:\.\d+)?[eE]\+?\d{2}")
_YEAR = re.compile(r"(?:19|20)\d\d")


def folded(text: str) -> str:
    """Give a short text in half width and on one line: headings, numbers, levels, dates."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def level_of(text: str) -> Level | None:
    """Read a level: Ⅱ, II级, 二级, 橙色, 重大, 重大（Ⅱ级）, 🟠Ⅱ级 重大; None where no word, or two that differ, say one."""
    found = {
        _LEVELS[part]
        for part in re.findall(
            r"[a-z]+|\d+|[\u4e00-\u9fff]+", re.sub("级|色|舆情|事项", " ", folded(text).lower())
        )
        if part in _LEVELS
    }
    strange = re.sub(r"[\s级色舆情（）()/、,，·🔴🟠🟡🔵]", "", folded(text).lower())
    known = "|".join(sorted(map(re.escape, _LEVELS), key=len, reverse=True))
    return found.pop() if len(found) == 1 and re.fullmatch(f"(?:{known})*", strange) else None


def state_of(text: str) -> State | None:
    """Read a state; None where the word is not known."""
    return _STATES.get(folded(text).rstrip("。.;"))


def state_in_front(text: str) -> State | None:
    """Read the state with which 线上情况 begins in a ledger of this system: 已办结，已公开回应：…"""
    return _STATES.get(re.split("[，,；;]", folded(text), maxsplit=1)[0])


STATES_TOLD = "、".join(STATE_NAMES[state] for state in _STATE_WORDS)
"""The states to choose from, for the cure of one that is not known."""


def serial_day(cell: object, zone: tzinfo, *, is_1904: bool) -> datetime | None:
    """Read a serial number of a day (45678.5), as a number or as text, or 20250106; None for anything else."""
    text = folded(str(cell))
    if compact := _COMPACT.fullmatch(text.removesuffix(".0")):
        try:
            year, month, day = (int(part) for part in compact.groups())
            return datetime(year, month, day, tzinfo=zone)
        except ValueError:
            return None
    if not _SERIAL.fullmatch(text):
        return None
    first = datetime(1904, 1, 1, tzinfo=zone) if is_1904 else datetime(1899, 12, 30, tzinfo=zone)
    # Excel counts days in binary fractions: half a minute more or less is the next or the last minute.
    at = first + timedelta(days=float(text))
    return (at + timedelta(seconds=30)).replace(second=0, microsecond=0)


def is_eaten(cell: object) -> bool:
    """Tell whether a long number lost its last digits to a spreadsheet program: 1.23E+17."""
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return abs(cell) >= 1e15
    return isinstance(cell, str) and bool(_EATEN.fullmatch(folded(cell)))


def key_of(number: str, opened: datetime) -> str:
    """Name a matter by its old number; one without a year of its own (12, 舆情-007) counts within its year."""
    number = folded(number).lower()
    return number if _YEAR.search(number) and len(number) > 4 else f"{opened.year}:{number}"


CHANNEL_WORDS: Mapping[str, tuple[str, ...]] = {
    "network": ("网络舆情", "网络", "网信", "网信办", "网信部门"),
    "petition": ("社情民意", "信访", "信访局", "信访部门"),
    "publicity": ("对外宣传", "宣传", "宣传部", "宣传部门", "新闻"),
    "security": ("安全稳定", "公安", "公安局", "公安部门", "维稳"),
    "office": ("其他", "政府办", "政府办公室", "办公室"),
}
"""The names of the five channels (归口) in ledgers, by the key of the starter set."""


def channel_of(text: str, channels: Mapping[str, Channel], renamed: Mapping[str, str]) -> str | None:
    """Give the key of the channel that a word means; None where it means none. `renamed`: what a person said of words."""
    word = folded(text)
    if word not in renamed and len(word) > 2:
        word = word.removesuffix("类")
    if word in renamed:
        return renamed[word]
    for key, channel in channels.items():
        if word in {key, channel.name, *channel.units()}:
            return key
    return next((key for key, words in CHANNEL_WORDS.items() if word in words and key in channels), None)
