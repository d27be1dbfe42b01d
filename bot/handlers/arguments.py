"""What a button carries besides its command -> the fields of the order. Nonsense is left out and then found missing."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot import menus
from bot.steps import CONTENT, REPORTS, STANCES
from routing.items import Band
from routing.office import Level, Office
from routing.starter import SUBJECTS
from routing.workflow import PAUSE_GROUNDS, TARGETS, AnswerKind, Aspect, Command, Openness, Order

_BANDS = {menus.NEGATIVE: Band.NEGATIVE, menus.NOT_NEGATIVE: Band.NOT_NEGATIVE}
_AREAS = {str(place): area for place, area in enumerate(SUBJECTS)}
_KINDS = {kind.value: kind for kind in AnswerKind}
_OPENNESS = {str(place): kind for place, kind in enumerate(Openness)}


def with_argument(order: Order, arg: str, office: Office, now: datetime) -> Order:
    """Fill an order with what its button carried."""
    fill = _FILLERS.get(order.command)
    return order if fill is None or not arg else fill(order, arg, office, now)


def of_unit(stance: str, channel: str) -> str:
    """Say what an opinion carries until its words are typed: the stance, and for which unit it was pressed."""
    return f"{stance}:{channel}" if channel else stance


def _opine(order: Order, arg: str, office: Office, now: datetime) -> Order:
    stance, _, channel = arg.partition(":")
    return replace(order, stance=stance if stance in STANCES else "", channel=channel)


def ticked(arg: str, names: int) -> list[int]:
    """Read which of so many boxes are ticked; none for nonsense."""
    bits = int(arg) if arg.isdecimal() and len(arg) < 19 else 0
    return [place for place in range(names) if bits >> place & 1]


def _id(text: str) -> int:
    """Read the id of a row; 0, which none has, for anything else."""
    return int(text) if text.isdecimal() and len(text) < 19 else 0


def _dismiss(order: Order, arg: str, office: Office, now: datetime) -> Order:
    reasons = office.dismiss_reasons
    return replace(order, reason=reasons[int(arg)]) if arg.isdigit() and int(arg) < len(reasons) else order


def _units(order: Order, arg: str, office: Office, now: datetime) -> Order:
    keys = list(office.channels)
    return replace(order, units=tuple(keys[place] for place in ticked(arg, len(keys))))


def _aspects(order: Order, arg: str, office: Office, now: datetime) -> Order:
    aspects = list(Aspect)
    return replace(order, aspects=frozenset(aspects[place] for place in ticked(arg, len(aspects))))


def _watch(order: Order, arg: str, office: Office, now: datetime) -> Order:
    return replace(order, until=now + timedelta(hours=int(arg))) if arg in menus.WATCH_HOURS else order


Filler = Callable[[Order, str, Office, datetime], Order]
_FILLERS: Mapping[Command, Filler] = {
    Command.DISPATCH: lambda order, arg, office, now: replace(
        order, channel=arg.removesuffix(menus.ASSIGNED), assigns=arg.endswith(menus.ASSIGNED)
    ),
    Command.SUBMIT: lambda order, arg, office, now: replace(order, channel=arg),
    Command.SET_LEVEL: lambda order, arg, office, now: replace(
        order, level=Level(int(arg)) if arg in {"1", "2", "3", "4"} else None
    ),
    Command.SPLIT: lambda order, arg, office, now: replace(order, item_id=_id(arg)),
    Command.MERGE: lambda order, arg, office, now: replace(order, into=_id(arg)),
    Command.RATE: lambda order, arg, office, now: replace(
        order, band=_BANDS.get(arg[:1]), item_id=_id(arg[1:])
    ),
    Command.CLASSIFY: lambda order, arg, office, now: replace(order, subject=_AREAS.get(arg, "")),
    Command.DISMISS: _dismiss,
    Command.WATCH: _watch,
    Command.CONVENE: _units,
    Command.PASS: _aspects,
    Command.OPINE: _opine,
    Command.REPORT: lambda order, arg, office, now: replace(order, stance=arg if arg in REPORTS else ""),
    Command.CONTENT: lambda order, arg, office, now: replace(order, stance=arg if arg in CONTENT else ""),
    Command.TRANSFER: lambda order, arg, office, now: replace(order, target=arg if arg in TARGETS else ""),
    Command.EXTEND: lambda order, arg, office, now: replace(
        order, days=int(arg) if arg in {"3", "5", "10"} else 0
    ),
    Command.PAUSE: lambda order, arg, office, now: replace(order, stance=arg if arg in PAUSE_GROUNDS else ""),
    Command.SET_ANSWER_KIND: lambda order, arg, office, now: replace(order, answer_kind=_KINDS.get(arg)),
    Command.DRAFT: lambda order, arg, office, now: replace(order, openness=_OPENNESS.get(arg)),
    Command.APPROVE: lambda order, arg, office, now: replace(order, confirmed=arg == "yes"),
}
