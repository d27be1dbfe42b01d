"""A replay and what corrections teach, in words: for the terminal, the chat and the digest. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping

from bot.names import BAND_NAMES, LEVEL_NAMES
from routing.digest import OTHER_REASON
from routing.items import Band
from routing.lessons import Correction, Lessons, Share, Suggestion
from routing.office import Level, Office
from routing.replay import NONE, Agreement, Alerts, Change, Example, Report

NO_DATA = "暂无数据"
CHANGE_NAMES: Mapping[Change, str] = {
    Change.NEW: "新算相关",
    Change.GONE: "不再相关",
    Change.CHANNEL: "换了渠道",
    Change.LEVEL: "换了等级",
}
AGREEMENT_NAMES: Mapping[str, str] = {"relevant": "是否相关", "channel": "渠道", "level": "等级"}
HOW_COUNTED = (
    "提醒的算法：一个事项算一次；评论不算；没有归入事项的，与已算过的近似重复也不再算。"
    "实际还会按地点、事由归并，只会更少。"
)
CORRECTIONS_SHOWN, MOVES_SHOWN, TITLE_SHOWN = 3, 5, 40
_kinds: Mapping[str, str] = {
    "relevant": "不相关",
    "channel": "渠道",
    "level": "等级",
    "sentiment": "情绪",
    "split": "拆分",
    "merge": "并入",
    "apart": "另立",
    "subject": "领域",
    "answer": "应当回应",
}


def summary(report: Report, office: Office) -> Iterator[str]:
    """Give the figures of a replay, a line each."""
    stock = f"（接入时的存量 {report.stock} 条不参与对比）" if report.stock else ""
    yield f"{report.items} 条信息，{report.days:.1f} 天{stock}"
    if report.untagged:
        yield f"其中 {report.untagged} 条的来源已不在 sources.toml，研判时没有来源标签"
    new, gone = report.changes[Change.NEW], report.changes[Change.GONE]
    yield f"相关：当时 {report.relevant_then}，现在 {report.relevant_now}（新算相关 {new}，不再相关 {gone}）"
    channel, level = report.changes[Change.CHANNEL], report.changes[Change.LEVEL]
    yield f"当时提过建议、现在仍相关的 {report.proposed} 条：换了渠道 {channel}，换了等级 {level}"
    moves = [
        f"{_code(change, then, office)} → {_code(change, now, office)} {count}"
        for change, then, now, count in report.moves[:MOVES_SHOWN]
    ]
    if moves:
        yield f"改得最多的：{'；'.join(moves)}"
    yield f"每天提醒：当时 {_daily(report.alerts_then, report.days)}，现在 {_daily(report.alerts_now, report.days)}"
    yield f"与人工研判一致：{_agreement(report.agreement)}"


def message(report: Report, lessons: Lessons, office: Office) -> str:
    """Give a replay as one message: the figures, an example of each change, suggestions."""
    lines = list(summary(report, office))
    shown = {one.change: one for one in reversed(report.examples)}
    lines += [
        f"{CHANGE_NAMES[change]}，如 {_brief(shown[change], office)}" for change in Change if change in shown
    ]
    lines += [f"{label}：{text}" for label, text in lessons_lines(lessons, office)]
    return "\n".join([*lines, HOW_COUNTED])


def _brief(one: Example, office: Office) -> str:
    return f"“{clipped(one.title)}”：{place(one.then, office)} → {place(one.now, office)}"


def lessons_lines(lessons: Lessons, office: Office) -> Iterator[tuple[str, str]]:
    """Give what corrections teach: label and text of each line."""
    precision = _share(lessons.precision) if lessons.precision else NO_DATA
    found = "没有事后补上的事项"
    if lessons.recall:
        late = lessons.recall.of - lessons.recall.part
        found = f"及时立项 {_share(lessons.recall)}，另 {late} 件是事后补上的"
    yield "研判质量", f"提醒准确 {precision}；{found}"
    told = Counter[str]()
    for one in lessons.corrections:
        told[_corrected(one, office)] += one.times
    most = [f"{what} {times}" for what, times in told.most_common(CORRECTIONS_SHOWN)]
    yield "人工更正最多", "；".join(most) or NO_DATA
    for word in lessons.suggestions:
        yield "规则建议", _suggested(word, lessons.read, office)


def place(where: tuple[str, Level | None], office: Office) -> str:
    """Name where a text goes: channel and level, or that it is no matter."""
    channel, level = where
    if channel == NONE:
        return "不成事项"
    name = channel_name(channel, office) if channel else "随事项归并"
    return f"{name} {_level(level)}".rstrip()


def channel_name(key: str, office: Office) -> str:
    """Name a channel; one that the office no longer has by its key."""
    return office.channels[key].name if key in office.channels else key


def clipped(title: str) -> str:
    """Cut a title for a line."""
    return title if len(title) <= TITLE_SHOWN else title[: TITLE_SHOWN - 1] + "…"


def _level(level: Level | None) -> str:
    return LEVEL_NAMES[level].split()[0] if level else ""


def _code(change: Change, code: str, office: Office) -> str:
    return _level(Level(int(code))) if change is Change.LEVEL else channel_name(code, office)


def _daily(alerts: Alerts, days: float) -> str:
    return f"{alerts.total / days:.1f} 件（最多一天 {alerts.busiest}）"


def _agreement(found: tuple[Agreement, ...]) -> str:
    told = [
        f"{AGREEMENT_NAMES[one.what]} 当时 {one.then}/{one.of}，现在 {one.now}/{one.of}"
        for one in found
        if one.of
    ]
    return "；".join(told) or NO_DATA


def _share(share: Share) -> str:
    return f"{share.part}/{share.of}（{share.part * 100 // share.of}%）"


def _corrected(one: Correction, office: Office) -> str:
    name = _kinds.get(one.kind, one.kind)
    if one.kind == "relevant":
        # Free words may name somebody; only the office's own list is shown to a group.
        reason = one.corrected if one.corrected in office.dismiss_reasons else OTHER_REASON
        return f"{name}（{reason}）"
    if one.kind in {"channel", "level", "sentiment", "subject"}:
        then, now = (_value(one.kind, value, office) for value in (one.proposed, one.corrected))
        return f"{name} {then} → {now}"
    return name


def _value(kind: str, value: str, office: Office) -> str:
    if kind == "channel":
        return channel_name(value, office)
    if kind == "level":
        return _level(Level(int(value))) if value in {"1", "2", "3", "4"} else value
    return BAND_NAMES[Band(value)] if value in set(Band) else value


def _suggested(one: Suggestion, read: int, office: Office) -> str:
    where = f"，渠道 {channel_name(one.channel, office)}" if one.channel else ""
    return (
        f"加词“{one.word}”{where}：能找到 {one.caught} 条漏掉或改派的，"
        f"在 {read} 条不成事项的信息里只多出 {one.others} 条（不会自动生效）"
    )
