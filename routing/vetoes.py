"""What forbids that a text joins a matter, however alike they read. Pure; a veto is a reason in Chinese."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from routing.profile import Profile
from routing.telling import PART, Site, Telling, families

_over_after = timedelta(hours=36)


def veto(new: Telling, matter: Profile, at: datetime) -> str | None:
    """Say what forbids it; None: nothing does."""
    if new.theirs != matter.theirs:
        return "一边说的是外县"
    if (not new.answers and new.denied & matter.leading.keys()) or matter.denied & new.leading:
        return "文中说与那件事无关"
    return other_place(new, matter) or _other_figure(new, matter) or _other_day(new, matter, at)


def other_place(new: Telling, matter: Profile) -> str | None:
    """Two places of one kind, or of two towns, are two matters, unless each side names the other's place too."""
    mine, theirs = new.lead, matter.main()
    if mine and theirs:
        if mine & theirs or (mine & matter.places.keys() and theirs & new.places):
            return None
        if any(one.is_kin(other) for one in mine for other in theirs):
            return None
        if any(one.sort == other.sort != "" for one in mine for other in theirs):
            return f"地点不同（{_names(mine)}／{_names(theirs)}）"
        here, there = _towns(mine), _towns(theirs)
        return (
            f"不在同一乡镇（{_names(mine)}／{_names(theirs)}）"
            if here and there and not here & there
            else None
        )
    if mine or theirs:
        return None
    # No gazetteer knows either: two names of one kind, and none in common.
    known = matter.spots
    sorts = set(new.spots.values()) & set(known.values())
    if sorts and new.spots.keys().isdisjoint(known):
        return f"地点不同（{'、'.join(sorted(new.spots))}／{'、'.join(sorted(known)[:3])}）"
    return None


def _other_figure(new: Telling, matter: Profile) -> str | None:
    for unit, values in sorted(new.named.items()):
        known = matter.named.get(unit)
        if known and values.isdisjoint(known):
            what = "路段" if unit == PART else "编号"
            return f"{what}不同（{'、'.join(sorted(values))}{unit}／{'、'.join(sorted(known))}{unit}）"
    return None


def _other_day(new: Telling, matter: Profile, at: datetime) -> str | None:
    announced = families("outage") & new.families.keys() & matter.families.keys()
    if not announced or not new.days:
        return None
    if not matter.days:
        # The cut that people complained of was on a day that nobody had to name.
        return "是又一次，不是那一次" if matter.last and at - matter.last > _over_after else None
    if new.days.isdisjoint(matter.days):
        return f"日期不同（{'、'.join(sorted(new.days))}／{'、'.join(sorted(matter.days))}）"
    return None


def _towns(sites: Iterable[Site]) -> set[str]:
    # Who was hurt anywhere lies in the hospital of the town.
    return {site.town for site in sites if site.town and site.sort != "医院"}


def _names(sites: Iterable[Site]) -> str:
    return "、".join(sorted(site.name for site in sites))
