"""What a leader wants to know of a matter at a glance: how far it spread, how long he has. Pure."""

from datetime import datetime

from bot.chat import Block
from bot.names import STEP_NAMES, how_long, local
from routing.levels import number_of_people
from routing.office import Office, Step
from routing.views import CaseView


def spread(view: CaseView) -> str:
    """Give the sums of what was counted, as the end of a line; empty where nothing was."""
    names = (("浏览", view.counts.views), ("转发", view.counts.reposts), ("评论", view.counts.comments))
    shown = [f"{name} {number_of_people(count)}" for name, count in names if count]
    return f"；{'、'.join(shown)}" if shown else ""


def time_left(view: CaseView, office: Office, step: Step | None, now: datetime | None) -> list[Block]:
    """Say how long there is for a step as of `now`; nothing where no such limit runs."""
    due = next((limit.due_at for limit in view.deadlines if limit.step is step), None)
    if due is None or now is None or step is None:
        return []
    word = f"还剩 {how_long(due - now)}" if due > now else f"已超 {how_long(now - due)}"
    at = f"{local(due, office)} 前（截至 {now.astimezone(office.zone):%H:%M} {word}）"
    return [Block(at, label=f"{STEP_NAMES[step]}时限", weight=8)]
