"""/substitute without a line: who stands in, when, and why, chosen by buttons in private. Nothing is kept of it meanwhile.

What was chosen stands in the buttons themselves; everything is checked anew when the last is pressed.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from bot.buttons import STAND_IN, Wish
from bot.chat import ActionPressed, CommandGiven
from bot.handlers.desk import Occasion, Reaction, Redraw
from bot.rosters import stretch
from routing import duty, outbox, people, substitution
from routing.errors import UserError
from routing.office import Role
from routing.outbox import MessageKind, Priority
from routing.substitution import REASONS, Wanted
from routing.workflow import Actor, Ground

PEOPLE_SHOWN, SHIFTS_SHOWN = 8, 4
HOURS = (4, 8, 24)
"""For who has no shift of his own: so long from now, in hours; project default."""
_FIRST = tuple(one.value for one in (Role.DUTY, Role.OFFICE, Role.LEADER))


def begin(occasion: Occasion, event: CommandGiven, actor: Actor) -> None:
    """Send the form in private: what stands in it is nobody else's."""
    if not event.is_private:
        occasion.say(event.chat, "已私聊您，请在私聊里选备用人员。", reply_to=event.message, part="here")
    outbox.queue(
        occasion.session,
        key=f"standin:{occasion.desk.platform}:{occasion.update_id}",
        chat=event.sender.private_chat,
        kind=MessageKind.CARD,
        priority=Priority.PERSON,
        payload=_form(occasion, actor, Wish(STAND_IN, 0)),
        now=occasion.now,
    )


def press(occasion: Occasion, event: ActionPressed, wish: Wish, actor: Actor) -> Reaction:
    """Take one choice; the last one asks the leader. The version is the begin, the draft version the end, in minutes."""
    if event.chat != event.sender.private_chat or actor.roles <= {Role.ADMIN, Role.AUDITOR}:
        occasion.note_refusal(event.sender, actor, wish.verb, Ground.PLACE)
        return Reaction("这个按钮已失效，请在私聊里发送 /substitute。", alert=True)
    if not wish.arg.isdecimal() or int(wish.arg) >= len(REASONS):
        return Reaction(redraw=Redraw(event.message, _form(occasion, actor, wish)))
    starts_at, ends_at = _instant(wish.version), _instant(wish.draft_version)
    reason = REASONS[int(wish.arg)]
    wanted = Wanted(actor.person_id, wish.case_id, starts_at, ends_at, reason)
    desk = occasion.desk
    try:
        asked = substitution.ask(occasion.session, desk.office, desk.ledger, actor, wanted, occasion.now)
    except UserError as error:
        return Reaction(str(error), alert=True)
    done = f"已报值班领导审批：{stretch(starts_at, ends_at, desk.office)} 由 {asked.reserve} 顶 {asked.absent} 的岗。"
    payload = {"standin": actor.person_id, "done": f"{done}批准后生效，到时自动结束。"}
    return Reaction("已报值班领导审批。", redraw=Redraw(event.message, payload))


def _form(occasion: Occasion, actor: Actor, wish: Wish) -> Mapping[str, object]:
    """Give what the form shows: what was chosen so far, and the choices of the next step."""
    chosen: dict[str, object] = {"standin": actor.person_id}
    if not wish.case_id:
        return {**chosen, "people": _people(occasion, actor)}
    chosen |= {"reserve": wish.case_id, "name": people.name_of(occasion.session, wish.case_id)}
    if not wish.version:
        return {**chosen, "spans": _spans(occasion, actor)}
    return {**chosen, "starts": wish.version, "ends": wish.draft_version}


def _people(occasion: Occasion, actor: Actor) -> list[tuple[int, str]]:
    """Name who may stand in: who does such work first."""
    found = [
        one
        for one in people.members(occasion.session)
        if one.active
        and one.accounts
        and one.person_id != actor.person_id
        and set(one.roles) - {"admin", "auditor"}
    ]
    found.sort(key=lambda one: (not set(one.roles) & set(_FIRST), one.person_id))
    return [(one.person_id, one.name) for one in found[:PEOPLE_SHOWN]]


def _spans(occasion: Occasion, actor: Actor) -> list[tuple[int, int]]:
    """Give his next shifts, or some hours from now, in minutes since 1970."""
    now = occasion.now
    own = [
        (max(shift.starts_at, now), shift.ends_at)
        for shift in duty.shifts(occasion.session, now, now + duty.COMING)
        if actor.person_id in {shift.leader, *shift.staff}
    ]
    spans = own[:SHIFTS_SHOWN] or [(now, now + timedelta(hours=hours)) for hours in HOURS]
    return [(_minutes(start), _minutes(end)) for start, end in spans]


def _minutes(moment: datetime) -> int:
    return int(moment.timestamp()) // 60


def _instant(minutes: int) -> datetime:
    return datetime.fromtimestamp(min(minutes, 10**8) * 60, UTC)
