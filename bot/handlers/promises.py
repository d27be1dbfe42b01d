"""`/promise`: what a unit promised in its answer, by when, and that it was kept."""

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bot.chat import CommandGiven
from bot.handlers.desk import Occasion
from bot.handlers.texts import stop_secret
from bot.names import local, promise_line
from bot.secrecy import has_mark
from routing import promises
from routing.errors import UserError
from routing.office import Office
from routing.promises import PromiseView
from routing.views import find_case, is_dispatched_to
from routing.workflow import Actor

_USAGE = "登记：/promise 12 2026-12-01 修好路灯；兑现：/promise 12 兑现 1 已修好；查看：/promise 12。"
_KEPT = "兑现"
_DAY = re.compile(r"(?:(\d{4})[-/.年])?(\d{1,2})[-/.月](\d{1,2})日?")


def command(occasion: Occasion, event: CommandGiven, actor: Actor) -> None:
    """Enter a promise, say that one is kept, or list those of a case."""
    if has_mark(event.rest):
        text = stop_secret(occasion, actor)
    else:
        try:
            text = _done(occasion, event, actor)
        except UserError as error:
            text = str(error)
    occasion.say(event.chat, text, reply_to=event.message)


def _done(occasion: Occasion, event: CommandGiven, actor: Actor) -> str:
    key, _, rest = event.rest.strip().partition(" ")
    case_id = find_case(occasion.session, key) if key else None
    if case_id is None or not _may_see(occasion, case_id, actor):
        unknown = f"没有找到事项“{occasion.quoted(key)}”。" if key else ""
        raise UserError(f"{unknown}请写事项编号。{_USAGE}")
    words = rest.split()
    office = occasion.desk.office
    if not words:
        return _listed(promises.promises(occasion.session, case_id), office)
    if words[0] == _KEPT:
        place = int(words[1]) if len(words) > 1 and words[1].isdecimal() and len(words[1]) < 4 else 0
        note = _masked(occasion, " ".join(words[2:]))
        made = promises.keep(
            occasion.session, occasion.desk.ledger, case_id, place, note, actor, occasion.now
        )
        return f"已登记兑现：{made.text}"
    day = _day(words[0], occasion.now, office.zone)
    if day is None:
        raise UserError(f"“{occasion.quoted(words[0])}”不是日期，没有登记。{_USAGE}")
    text = _masked(occasion, " ".join(words[1:]))
    made = promises.promise(
        occasion.session, office, occasion.desk.ledger, case_id, text, day, actor, occasion.now
    )
    return (
        f"已登记第 {made.place} 项承诺：{local(made.due_at, office)} 前 {made.text}。到期前会在承办群提醒。"
    )


def _may_see(occasion: Occasion, case_id: int, actor: Actor) -> bool:
    if actor.roles & promises.MAY_ALL:
        return True
    return is_dispatched_to(occasion.session, case_id, sorted(actor.channels))


def _masked(occasion: Occasion, text: str) -> str:
    assert occasion.desk.reception is not None
    return occasion.desk.reception.mask(text)[0]


def _day(typed: str, now: datetime, zone: ZoneInfo) -> date | None:
    """Read 2026-12-01, 12-01 or 12月1日; without a year the next such day."""
    found = _DAY.fullmatch(typed)
    if found is None:
        return None
    year, month, day = (int(part) if part else 0 for part in found.groups())
    today = now.astimezone(zone).date()
    try:
        if year:
            return date(year, month, day)
        this = date(today.year, month, day)
        return this if this >= today else date(today.year + 1, month, day)
    except ValueError:
        return None


def _listed(made: tuple[PromiseView, ...], office: Office) -> str:
    if not made:
        return f"还没有登记承诺。{_USAGE}"
    return "\n".join(promise_line(one, office) for one in made)
