"""Which level the spread of a matter speaks for, beside its counts: who reports it, and in how many places. Pure.

The criteria are those of content, public reaction and media (周口市政务公开工作制度 001 第二十五条); which media make which
level is a project default (项目默认). A proposal; a person confirms the level.
"""

from collections.abc import Collection

from routing.office import Level

SITES = 3
"""So many different sites carry a matter of level Ⅲ."""
_press = {"central": Level.I, "province": Level.II, "press": Level.III}
_sites = frozenset({"feed", "board", "hotlist", *_press})


def by_press(stood: Collection[str]) -> Level | None:
    """Give the level that the media in a matter speak for; `stood`: where its texts stood, None without media."""
    return min((level for word, level in _press.items() if word in stood), default=None)


def by_sites(sources: Collection[tuple[str, str]]) -> Level | None:
    """Give the level that the number of sites speaks for; `sources`: id of a source and where it stands.

    Comments stand under their text, and what offices publish is no spread.
    """
    return Level.III if len({source for source, stood in sources if stood in _sites}) >= SITES else None
