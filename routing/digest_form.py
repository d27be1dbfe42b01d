"""A digest as the 舆情日报 or 舆情周报 of the office: which field holds what. Pure; reads no store."""

from datetime import timedelta

from routing.digest import ChannelLine, Digest
from routing.export import LEVEL_SIGNS
from routing.forms import Field, Form
from routing.office import Level
from routing.why import Words
from routing.workflow import STATE_NAMES

OVERDUE_TOLD = 10
DAILY, WEEKLY = "舆情日报", "舆情周报"


def digest_form(digest: Digest, words: Words) -> Form:
    """Fill in the 舆情日报 of one day, the 舆情周报 of any longer stretch. 下期关注 is for the hand."""
    fields = (
        Field("期数", digest.span),
        Field("统计时段", period(digest)),
        Field("总数", f"新增事项 {digest.opened} 件，采集信息 {digest.items_seen} 条"),
        Field("分类数", _counted([(line.name, line.opened) for line in digest.channels]), is_long=True),
        Field(
            "分级数", _counted([(f"{LEVEL_SIGNS[lv]}级", digest.by_level[lv]) for lv in Level]), is_long=True
        ),
        Field("重点舆情", "\n".join(_top(digest)) or "无", is_long=True),
        Field("处置进展", _progress(digest), is_long=True),
        Field("超期事项", "\n".join(_overdue(digest, words)) or "无", is_long=True),
        Field("下期关注", is_long=True),
    )
    return Form(title_of(digest), digest.office, digest.span, fields)


def title_of(digest: Digest) -> str:
    """Name the form that a digest is written on."""
    return DAILY if is_daily(digest) else WEEKLY


def is_daily(digest: Digest) -> bool:
    """Tell whether a digest is of one day."""
    return len(digest.days) == 1


def period(digest: Digest) -> str:
    """Write the days of a digest: `2026-11-16 至 2026-11-22`, or the one day."""
    first, last = digest.start.date(), (digest.end - timedelta(seconds=1)).date()
    return f"{first}" if first == last else f"{first} 至 {last}"


def _counted(pairs: list[tuple[str, int]]) -> str:
    return "、".join(f"{name} {count}" for name, count in pairs)


def _top(digest: Digest) -> list[str]:
    return [
        f"{LEVEL_SIGNS[one.level]}级 {one.number} {one.title}（{STATE_NAMES[one.state]}，{one.items} 条信息）"
        for one in digest.top
    ]


def _progress(digest: Digest) -> str:
    rates = (("及时签收率", digest.signed), ("按时回应率", digest.answered), ("按时办结率", digest.closed))
    told = [f"{name} {rate}" for name, rate in rates]
    if digest.extended:
        told.append(f"办结中延期 {digest.extended} 件")
    return "，".join([*told, f"未办结 {digest.open_now} 件"])


def _overdue(digest: Digest, words: Words) -> list[str]:
    late = [(line, one) for line in digest.channels for one in line.overdue_now]
    told = [
        _late(line, one.number, one.title, [words.name("step", s) for s in one.steps]) for line, one in late
    ]
    return told[:OVERDUE_TOLD] + ([f"等 {len(told)} 件"] if len(told) > OVERDUE_TOLD else [])


def _late(line: ChannelLine, number: str, title: str, steps: list[str]) -> str:
    return f"{number} {title}（{line.name}）：{'、'.join(steps)}超期"
