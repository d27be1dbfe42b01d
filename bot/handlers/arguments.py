"""What a button carries besides its command -> the fields of the order; None for what no button of ours carries."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot import menus
from bot.steps import CONTENT, REPORTS, STANCES
from bot.wishes import UNIT_MARK, mark_of, unit_of
from routing.items import Band
from routing.office import Level, Office
from routing.starter import SUBJECTS
from routing.workflow import PAUSE_GROUNDS, TARGETS, AnswerKind, Aspect, Command, Openness, Order

_BANDS = {menus.NEGATIVE: Band.NEGATIVE, menus.NOT_NEGATIVE: Band.NOT_NEGATIVE}


def with_argument(order: Order, arg: str, office: Office, now: datetime) -> Order | None:
    """Fill an order with what its button carried; None where it carries what we never wrote."""
    if not arg:
        return order
    fill = _FILLERS.get(order.command)
    return None if fill is None else fill(order, arg, office, now)


def of_unit(stance: str, channel: str) -> str:
    """Say what an opinion carries until its words are typed: the stance, and for which unit it was pressed."""
    return f"{stance}:{channel}" if channel else stance


def ticked(arg: str, names: int) -> list[int] | None:
    """Read which of so many boxes are ticked; None for nonsense."""
    if not arg.isdecimal() or len(arg) > 18 or int(arg) >> names:
        return None
    return [place for place in range(names) if int(arg) >> place & 1]


def _id(text: str) -> int:
    """Read the id of a row; 0, which none has, for anything else."""
    return int(text) if text.isdecimal() and len(text) < 19 else 0


def _dismiss(order: Order, arg: str, office: Office, now: datetime) -> Order | None:
    if arg == menus.ASK:
        return order
    reason = next((one for one in office.dismiss_reasons if mark_of(one) == arg), "")
    return replace(order, reason=reason) if reason else None


def _units(order: Order, arg: str, office: Office, now: datetime) -> Order | None:
    bits, _, mark = arg.partition(UNIT_MARK)
    keys, places = list(office.channels), ticked(bits, len(office.channels))
    return (
        None
        if places is None or mark != mark_of(*keys)
        else replace(order, units=tuple(keys[place] for place in places))
    )


def _submit(order: Order, arg: str, office: Office, now: datetime) -> Order | None:
    found = unit_of(arg, office)
    return None if found is None else replace(order, channel=found[0], unit=found[1])


def _dispatch(order: Order, arg: str, office: Office, now: datetime) -> Order | None:
    order = replace(order, assigns=arg.endswith(menus.ASSIGNED))
    return _submit(order, arg.removesuffix(menus.ASSIGNED), office, now)


def _aspects(order: Order, arg: str, office: Office, now: datetime) -> Order | None:
    aspects, places = list(Aspect), ticked(arg, len(Aspect))
    return None if places is None else replace(order, aspects=frozenset(aspects[place] for place in places))


def _watch(order: Order, arg: str, office: Office, now: datetime) -> Order | None:
    return replace(order, until=now + timedelta(hours=int(arg))) if arg in menus.WATCH_HOURS else None


def _rate(order: Order, arg: str, office: Office, now: datetime) -> Order | None:
    band = _BANDS.get(arg[:1])
    return None if band is None else replace(order, band=band, item_id=_id(arg[1:]))


def _opine(order: Order, arg: str, office: Office, now: datetime) -> Order | None:
    stance, _, channel = arg.partition(":")
    known = stance in STANCES and (not channel or channel in office.channels)
    return replace(order, stance=stance, channel=channel) if known else None


Filler = Callable[[Order, str, Office, datetime], Order | None]


def _one_of(field: str, known: Mapping[str, object]) -> Filler:
    """Fill one field with what a word means; a word that means nothing is none of ours."""

    def fill(order: Order, arg: str, office: Office, now: datetime) -> Order | None:
        given: dict[str, Any] = {field: known[arg]} if arg in known else {}
        return replace(order, **given) if given else None

    return fill


def _same(words: Iterable[str]) -> Mapping[str, str]:
    return {word: word for word in words}


_FILLERS: Mapping[Command, Filler] = {
    Command.DISPATCH: _dispatch,
    Command.SUBMIT: _submit,
    Command.SET_LEVEL: _one_of("level", {str(int(level)): level for level in Level}),
    Command.SPLIT: lambda order, arg, office, now: replace(order, item_id=_id(arg)),
    Command.MERGE: lambda order, arg, office, now: replace(order, into=_id(arg)),
    Command.RATE: _rate,
    Command.CLASSIFY: _one_of("subject", {str(place): area for place, area in enumerate(SUBJECTS)}),
    Command.DISMISS: _dismiss,
    Command.WATCH: _watch,
    Command.CONVENE: _units,
    Command.PASS: _aspects,
    Command.OPINE: _opine,
    Command.REPORT: _one_of("stance", _same(REPORTS)),
    Command.CONTENT: _one_of("stance", _same(CONTENT)),
    Command.TRANSFER: _one_of("target", _same(TARGETS)),
    Command.EXTEND: _one_of("days", {str(days): days for days in menus.EXTENSIONS}),
    Command.PAUSE: _one_of("stance", _same(PAUSE_GROUNDS)),
    Command.SET_ANSWER_KIND: _one_of("answer_kind", {kind.value: kind for kind in AnswerKind}),
    Command.DRAFT: _one_of("openness", {str(place): kind for place, kind in enumerate(Openness)}),
    Command.APPROVE: _one_of("confirmed", {menus.YES: True}),
    Command.REFUSE: lambda order, arg, office, now: order,  # a reason of his own, read where he pressed
}
