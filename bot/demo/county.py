"""The invented county of the demo (示范县): its places, its matters and its texts, read from `texts.jsonl`.

No such county, person or firm exists; the texts were written by hand for the demo. This module checks them as a
whole and hands them out as values. It does not serve them (`bot.demo.sources`) and does not judge them.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from routing.items import Counts, Kind

COUNTY = "云汀县"
NEIGHBOURS: tuple[str, ...] = ("望蓼县", "澹阳县")
"""Counties next door: their news stands in the media feed and is not ours."""

SOURCES: Mapping[str, str] = MappingProxyType(
    {
        "news": "云汀新闻网",
        "forum": "云汀论坛",
        "media": "省市媒体聚合",
        "board": "云汀县县长信箱公开来信",
        "comments": "云汀论坛跟帖",
    }
)
"""Source key -> the name a reader sees."""

PLACES: tuple[tuple[str, tuple[str, ...], bool], ...] = (
    ("云汀县", ("云汀",), False),
    ("汀阳街道", ("汀阳",), False),
    ("芦汊镇", ("芦汊",), False),
    ("石榴坡镇", ("石榴坡",), False),
    ("松涧镇", ("松涧",), False),
    ("雾岭乡", ("雾岭",), False),
    ("文澜路", (), False),
    ("渡口街", ("老渡口街",), False),
    ("渡溪大道", ("渡溪路",), False),
    ("人民路", (), True),
    ("迎宾路", (), True),
    ("汀阳广场", (), False),
    ("渡溪二桥", ("二桥",), False),
    ("渡溪河", ("渡溪",), False),
    ("桂汀苑", ("桂汀",), False),
    ("汀岸新城", ("汀岸",), False),
    ("鲤鱼湾小区", ("鲤鱼湾",), True),
    ("水泥厂家属院", ("水泥厂院", "水泥厂"), True),
    ("上圩村", ("上圩",), True),
    ("下圩村", ("下圩",), True),
    ("榴南村", ("榴南",), False),
    ("榴北村", ("榴北",), False),
    ("松尾村", ("松尾",), True),
    ("茶窠村", ("茶窠",), False),
    ("白石坳村", ("白石坳",), True),
    ("云汀县实验小学", ("实验小学", "实小"), True),
    ("云汀县第一中学", ("云汀一中", "一中"), True),
    ("云汀县人民医院", ("县人民医院", "县医院"), True),
    ("云汀公交公司", ("公交公司", "云汀公交"), True),
    ("汀源水务公司", ("汀源水务",), False),
    ("松涧造纸厂", ("造纸厂",), True),
    ("云汀工业园", ("工业园区", "工业园"), True),
    ("渡口农贸市场", ("渡口市场",), False),
    ("县图书馆", ("图书馆",), True),
    ("云汀县政务服务中心", ("政务服务中心", "政务大厅"), True),
    ("汽车站", (), True),
    ("雾岭云海景区", ("云海景区",), False),
)
"""Name, aliases, and whether other counties have a place of that name too: one gazetteer line each."""

STORIES: Mapping[str, str] = MappingProxyType(
    {
        "plastic-trees": "network",
        "papermill-water": "network",
        "hospital-app": "network",
        "school-uniform": "network",
        "streetlight-wenlan": "network",
        "streetlight-renmin": "network",
        "dog-liyuwan": "network",
        "hall-lunch": "network",
        "garbage-xiawei": "network",
        "water-guiting": "petition",
        "wages-tingan": "petition",
        "wages-park": "petition",
        "crop-liunan": "petition",
        "crop-liubei": "petition",
        "handover-tingan": "petition",
        "tea-report": "publicity",
        "cableway-report": "publicity",
        "doctor-model": "publicity",
        "relocation-letter": "publicity",
        "rumour-gas": "security",
        "gather-taxi": "security",
        "threat-roof": "security",
        "fake-inspector": "security",
        "crash-bridge": "security",
        "crash-yingbin": "security",
        "water-luchi": "office",
        "ebike-plates": "office",
        "parking-fee": "office",
        "pension-app": "office",
        "suggest-crossing": "office",
        "suggest-library": "office",
        "suggest-toilet": "office",
    }
)
"""Matter (事项) -> the channel (归口) that a person would give it: what the author of the texts meant."""

_kinds: Mapping[str, Kind] = MappingProxyType(
    {
        "news": Kind.ARTICLE,
        "media": Kind.ARTICLE,
        "forum": Kind.POST,
        "board": Kind.POST,
        "comments": Kind.COMMENT,
    }
)
_no_counts = Counts()
_required = frozenset({"id", "source", "kind", "at", "title", "text", "parent", "place", "story"})
_optional = frozenset({"counts", "planted"})
_place_names = frozenset(name for name, _, _ in PLACES)


@dataclass(frozen=True, slots=True)
class SampleText:
    """One text of the story.

    `at`: seconds after the start of the story, 0 = older news from before it; `story` None: nothing that the
    county has to answer; `planted`: strings in the text that look like personal data and must come out masked.
    """

    id: str
    source: str
    kind: Kind
    title: str
    text: str
    at: float
    parent: str | None = None
    place: str | None = None
    story: str | None = None
    counts: Counts = _no_counts
    planted: tuple[str, ...] = ()


def load_texts() -> tuple[SampleText, ...]:
    """Read the package's own texts, in the order of the story. ValueError names the line that does not fit."""
    return read_texts(files(__package__).joinpath("texts.jsonl").read_text(encoding="utf-8").splitlines())


def read_texts(lines: Iterable[str]) -> tuple[SampleText, ...]:
    """Read and check texts, one JSON object a line; ValueError with the line number at the first fault."""
    known: dict[str, SampleText] = {}
    latest = 0.0
    for number, line in enumerate(lines, start=1):
        try:
            text = _one(json.loads(line))
            _check(text, known, latest)
        except (TypeError, ValueError) as fault:
            raise ValueError(f"texts.jsonl:{number}: {fault}") from fault
        known[text.id] = text
        latest = text.at
    return tuple(known.values())


def _one(row: dict[str, Any]) -> SampleText:
    if missing := _required - row.keys():
        raise ValueError(f"missing {sorted(missing)}")
    if unknown := row.keys() - _required - _optional:
        raise ValueError(f"unknown {sorted(unknown)}")
    made: dict[str, Any] = {
        "kind": Kind(row["kind"]),
        "counts": Counts(**row.get("counts", {})),
        "planted": tuple(row.get("planted", ())),
    }
    return SampleText(**(row | made))


def _check(text: SampleText, known: Mapping[str, SampleText], latest: float) -> None:
    """Refuse what would tell a story that could not happen, or that the sources could not serve."""
    is_comment = text.kind is Kind.COMMENT
    faults = (
        (not text.id or text.id in known, f"id {text.id!r} is empty or used twice"),
        (text.source not in SOURCES, f"unknown source {text.source!r}"),
        (text.kind is not _kinds.get(text.source), f"source {text.source!r} has no {text.kind.value}"),
        (not text.text.strip(), "no text"),
        (not (text.title + text.text).isprintable(), "control or line-break characters"),
        (text.at < latest, "earlier than the line before"),
        (is_comment != (text.parent is not None), "a comment has a parent and nothing else has"),
        (text.parent is not None and text.parent not in known, f"parent {text.parent!r} does not precede"),
        (text.story is not None and text.story not in STORIES, f"unknown story {text.story!r}"),
        (text.place is not None and text.place not in _place_names, f"unknown place {text.place!r}"),
        (any(string not in text.text for string in text.planted), "a planted string is not in the text"),
    )
    for is_wrong, fault in faults:
        if is_wrong:
            raise ValueError(fault)
