"""Which level the spread of a matter speaks for: who reports it, in how many places, how many people it reached. Pure.

The criteria are those of content, public reaction and media (周口市政务公开工作制度 001 第二十五条); which media make which
level, and every number, is a project default (项目默认). A proposal with its figure; a person confirms the level.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from routing.items import Counts
from routing.office import Level, Marks

SITES = 3
"""So many different sites carry a matter of level Ⅲ."""
_press = {"central": Level.I, "province": Level.II, "press": Level.III}
_press_names = {"central": "中央媒体", "province": "省级媒体", "press": "媒体"}
_sites = frozenset({"feed", "board", "hotlist", *_press})
_numerals = {Level.I: "Ⅰ", Level.II: "Ⅱ", Level.III: "Ⅲ", Level.IV: "Ⅳ"}
_counted = (("views", "浏览"), ("reposts", "转发"), ("comments", "评论"))


@dataclass(frozen=True, slots=True)
class Spoken:
    """A level with the reason in one line (Chinese, with its figure); the reason is empty where nothing speaks.

    `can_wait`: nobody need be roused for it outside the office's hours.
    """

    level: Level
    why: str = ""
    can_wait: bool = False


def by_press(stood: Collection[str]) -> Spoken | None:
    """Give the level that the media in a matter speak for; `stood`: where its texts stood, None without media."""
    word = min((word for word in _press if word in stood), key=_press.__getitem__, default=None)
    return None if word is None else Spoken(_press[word], f"{_press_names[word]}已报道")


def by_sites(sources: Collection[tuple[str, str]]) -> Spoken | None:
    """Give the level that the number of sites speaks for; `sources`: id of a source and where it stands.

    Comments stand under their text, and what offices publish is no spread. That others repeat it is no news by itself:
    it can wait.
    """
    sites = len({source for source, stood in sources if stood in _sites})
    return Spoken(Level.III, f"已在 {sites} 个站点出现", can_wait=True) if sites >= SITES else None


def by_counts(marks: Mapping[Level, Marks], counts: Counts) -> Spoken | None:
    """Give the gravest level of which any one mark is passed by the counts of 24 h; None below all."""
    for level in sorted(marks):
        for key, name in _counted:
            count, mark = getattr(counts, key) or 0, getattr(marks[level], key)
            if count >= mark:
                told = f"{number_of_people(count)}，达到{_numerals[level]}级标准（{number_of_people(mark)}）"
                return Spoken(level, f"24 小时{name} {told}")
    return None


def gravest(found: Iterable[Spoken | None]) -> Spoken:
    """Give the gravest of what speaks, the first of equals; level Ⅳ without a reason where nothing does."""
    return min((one for one in found if one is not None), key=lambda one: one.level, default=Spoken(Level.IV))


def number_of_people(count: int) -> str:
    """Give a count as people read it: 9800, 1.2万."""
    return str(count) if count < 10_000 else f"{count / 10_000:.1f}万"
