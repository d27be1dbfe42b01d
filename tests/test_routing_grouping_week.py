"""An invented week of a county, by another writer than the one whose week the weights were fitted on, held to marks.

`data/grouping_week.jsonl`: id, hour, matter, title, text. No comments: they are no question of grouping.
"""

import json
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from routing.grouping import Trace, Window
from routing.normal import fingerprint, normal, numbers
from routing.places import Gazetteer, Place
from routing.telling import Land

WEEK = Path(__file__).parent / "data" / "grouping_week.jsonl"
BEGIN = datetime(2026, 12, 1, 7, tzinfo=UTC)
PLACES = (
    Place("铜锣镇"),
    Place("龙泉巷", town="云城街道"),
    Place("永安里小区", ("永安里",), town="云城街道"),
    Place("青柯中学", ("青柯",), town="云城街道"),
    Place("西栅大桥", ("西栅桥",), town="云城街道"),
    Place("南坡村", ("南坡",), town="岭北镇"),
    Place("云岫县第二人民医院", ("县二院", "二院"), town="云城街道"),
    Place("宏远化工厂", ("宏远化工",), town="岭北镇"),
    Place("金苗幼儿园", ("金苗",), town="云城街道"),
)


def week(places: tuple[Place, ...]) -> list[tuple[Trace, str]]:
    gazetteer = Gazetteer(places, "云岫县")
    told = []
    for number, raw in enumerate(WEEK.read_text(encoding="utf-8").splitlines(), 1):
        line = json.loads(raw)
        said = f"{line['title']}。{line['text']}"
        trace = Trace(
            item_id=number,
            case_id=None,
            source_id="forum",
            external_id=line["id"],
            parent_id=None,
            fingerprint=fingerprint(line["title"], line["text"]),
            normal_title=normal(line["title"]),
            normal_text=normal(line["text"]),
            places=frozenset(place.name for place in gazetteer.find(said, own=True)),
            numbers=numbers(said),
            topic=None,
            at=BEGIN + timedelta(hours=line["hour"]),
        )
        told.append((trace, line["matter"]))
    return told


def grouped(places: tuple[Place, ...]) -> dict[int, tuple[int, str]]:
    """Offer the week; give case and matter by item."""
    window = Window(Land.of(places, "云岫县"))
    found = {}
    for trace, matter in week(places):
        window.forget(trace.at)
        match = window.match(trace)
        case = match.case_id if match else trace.item_id
        window.add(replace(trace, case_id=case))
        found[trace.item_id] = (case, matter)
    return found


@pytest.mark.parametrize(
    ("places", "recall"),
    [pytest.param(PLACES, 0.9, id="with a gazetteer"), pytest.param((), 0.6, id="with none")],
)
def test_a_week_of_another_county_falls_into_its_matters(places: tuple[Place, ...], recall: float) -> None:
    found = grouped(places)
    by_case, by_matter = defaultdict(set), defaultdict(set)
    for item, (case, matter) in found.items():
        by_case[case].add(item)
        by_matter[matter].add(item)
    mixed = [{found[item][1] for item in items} for items in by_case.values()]
    assert [names for names in mixed if len(names) > 1] == []
    reached = [
        len(by_case[case] & by_matter[matter]) / len(by_matter[matter]) for case, matter in found.values()
    ]
    assert sum(reached) / len(reached) >= recall
