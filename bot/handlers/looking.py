"""Commands that look and change nothing: what is open, what waits for me, what speaks of these words, why it came."""

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta

from bot.buttons import Wish
from bot.chat import ActionPressed, CommandGiven
from bot.handlers.desk import Leafed, Occasion, Reaction
from routing import announce, cases, held, holding, legacy, outbox
from routing.errors import UserError
from routing.office import Level, Office, Role
from routing.views import find_case, is_dispatched_to
from routing.wanted import words_of
from routing.workflow import Actor, Ground

SEES_ALL = frozenset(
    {
        Role.DUTY,
        Role.OFFICE,
        Role.LEADER,
        Role.CHIEF,
        Role.REVIEWER,
        Role.SECRECY,
        Role.SECOND,
        Role.CALLER,
    }
)
SEES_CASES = SEES_ALL | {Role.CONTACT}
_READS_DRAFTS = frozenset({Role.REVIEWER, Role.SECRECY, Role.LEADER, Role.CONTACT})
_JUDGES = frozenset({Role.DUTY, Role.OFFICE})

_LEVELS: Mapping[str, Level] = {
    sign: level
    for level, signs in {
        Level.I: ("I", "1", "一", "红", "特别重大"),
        Level.II: ("II", "2", "二", "橙", "重大"),
        Level.III: ("III", "3", "三", "黄", "较大"),
        Level.IV: ("IV", "4", "四", "蓝", "一般"),
    }.items()
    for sign in signs
}
_LATE = frozenset({"超期", "逾期", "overdue"})
_TONIGHT = frozenset({"今晚", "今夜", "到期"})
MORNING = time(9)
"""What is due `今晚` is due before the next such hour of the office: whoever comes in the morning is at his desk."""


def channels_here(occasion: Occasion, event: CommandGiven | ActionPressed, actor: Actor) -> list[str] | None:
    """Name the channels whose cases may be read here by him; None: all.

    In a channel's group everybody reads along, so what is shown follows the group and not who asks.
    """
    office, name = occasion.desk.office, occasion.chat_name(event.chat)
    if not event.is_private and name != office.duty_chat:
        here = [channel.key for channel in office.channels.values() if channel.chat == name]
        if here:
            return sorted(here)
    return None if actor.roles & SEES_ALL else sorted(actor.channels)


def open_cases(occasion: Occasion, event: CommandGiven, actor: Actor) -> None:
    """List what is open: `/open`, `/open 超期`, `/open 今晚`, `/open Ⅱ级 社情民意`."""
    payload: dict[str, object] = {
        "template": "open_list",
        "channels": channels_here(occasion, event, actor),
        "reply_to": event.message.message,
    }
    try:
        payload |= _narrowed(occasion, event.rest.split())
    except UserError as error:
        occasion.say(event.chat, str(error), reply_to=event.message)
        return
    occasion.page(event.chat, payload)


def _narrowed(occasion: Occasion, typed: Sequence[str]) -> dict[str, object]:
    office, now = occasion.desk.office, occasion.now
    levels, only, late, tonight = list[int](), list[str](), False, False
    for word in typed:
        # By it Ⅱ is II, and full-width figures are figures.
        level = _LEVELS.get(unicodedata.normalize("NFKC", word).removesuffix("级").upper())
        named = [key for key, c in office.channels.items() if word in {key, c.name, c.unit}]
        if word in _LATE:
            late = True
        elif word in _TONIGHT:
            tonight = True
        elif level is not None:
            levels.append(int(level))
        elif named:
            only += named
        else:
            names = "、".join(channel.name for channel in office.channels.values())
            raise UserError(
                f"不认识“{occasion.quoted(word)}”。可以写：超期、今晚、等级（如 Ⅱ级）、渠道（{names}），如 /open 超期 Ⅱ级。"
            )
    told: dict[str, object] = {"levels": sorted(set(levels))} if levels else {}
    told |= {"only": list(dict.fromkeys(only))} if only else {}
    told |= {"until": _next_morning(now, office).isoformat()} if tonight else {}
    return told | ({"overdue": True} if late else {})


def _next_morning(now: datetime, office: Office) -> datetime:
    """Give the next morning of the office, aware UTC."""
    here = now.astimezone(office.zone)
    day = here.date() + timedelta(days=here.time() >= MORNING)
    return datetime.combine(day, MORNING, office.zone).astimezone(UTC)


def mine(occasion: Occasion, event: CommandGiven, actor: Actor) -> None:
    """List what waits for this person, in private: it is nobody else's list."""
    chat = event.sender.private_chat
    payload: dict[str, object] = {"template": "mine", "person": actor.person_id}
    if event.is_private:
        payload["reply_to"] = event.message.message
    else:
        occasion.say(event.chat, "已私聊您。", reply_to=event.message, part="here")
    occasion.page(chat, payload)


def find(occasion: Occasion, event: CommandGiven, actor: Actor) -> None:
    """List the cases that speak of the words; unreleased answers count in private, for those who read them anyway."""
    try:
        words = words_of(event.rest)
    except UserError as error:
        occasion.say(event.chat, str(error), reply_to=event.message)
        return
    payload: dict[str, object] = {
        "template": "find",
        "words": list(words),
        "typed": " ".join(event.rest.split()),
        "channels": channels_here(occasion, event, actor),
        "drafts": _reads_drafts(event, actor),
        "reply_to": event.message.message,
    }
    occasion.page(event.chat, payload)


def _reads_drafts(event: CommandGiven | ActionPressed, actor: Actor) -> bool:
    return event.is_private and bool(actor.roles & _READS_DRAFTS)


def why(occasion: Occasion, event: CommandGiven, actor: Actor) -> None:
    """Tell every step of a case or a link, where everything may be told."""
    key = event.rest.strip()
    if channels_here(occasion, event, actor) is not None:
        occasion.say(event.chat, "来龙去脉含各渠道情况，请在值班群或私聊里查看。", reply_to=event.message)
    elif not key or len(key) > 2000:
        text = "请写事项编号或链接，如 /why 12，或 /why https://…"
        occasion.say(event.chat, text, reply_to=event.message)
    else:
        case_id = find_case(occasion.session, key)
        if case_id is not None:
            occasion.note_view(event.chat, actor, case_id)
        occasion.page(event.chat, {"template": "why", "key": key, "reply_to": event.message.message})


def card(occasion: Occasion, event: ActionPressed, wish: Wish, actor: Actor) -> Reaction:
    """Bring a case's card to the chat where it was asked for: the one that may stand here, else the case for reading."""
    session, chat = occasion.session, occasion.chat_name(event.chat)
    private = event.chat == event.sender.private_chat
    if not private and chat not in occasion.desk.office.chats():
        return Reaction(GONE_CARD, alert=True)
    channels = channels_here(occasion, event, actor)
    known = cases.facts(session, wish.case_id) is not None
    hidden = channels is not None and not (known and is_dispatched_to(session, wish.case_id, channels))
    if not known or hidden or not actor.roles & SEES_CASES:
        occasion.note_refusal(
            event.sender,
            actor,
            wish.verb,
            Ground.ROLE if known else Ground.GONE,
            wish.case_id if known else None,
        )
        return Reaction("您没有查看这个事项的权限。" if known else GONE_CARD, alert=True)
    occasion.note_view(event.chat, actor, wish.case_id)
    if chat in _taken_up(occasion, actor, wish.case_id):
        return Reaction("已发在下方。")
    key = f"again:{occasion.desk.platform}:{occasion.update_id}"
    if not announce.post_again(session, occasion.desk.office, wish.case_id, chat, key, occasion.now):
        occasion.page(event.chat, case_page(event, wish.case_id, actor))
    return Reaction("已发在下方。")


def case_page(event: CommandGiven | ActionPressed, case_id: int, actor: Actor) -> dict[str, object]:
    """Describe a case for reading; whoever judges reads in private where its buttons stand."""
    acts_there = event.chat == event.sender.private_chat and bool(actor.roles & _JUDGES)
    return {"template": "case", "case": case_id} | ({"acts_there": True} if acts_there else {})


def _taken_up(occasion: Occasion, actor: Actor, case_id: int) -> list[str]:
    """Let the cards of a case from an older ledger go, which waited for somebody to ask; gives where they are sent."""
    hold = held.open_hold(occasion.session, case_id)
    if hold is None or not held.is_taken_over(hold):
        return []
    office = occasion.desk.office
    case = holding.show(occasion.session, office, occasion.desk.ledger, actor, case_id, occasion.now)
    if case is None:
        return []
    return [card.chat for card in announce.cards_due(occasion.session, office, case, occasion.now)]


GONE_CARD = "这个按钮已失效，请发送 /open 重新查看。"
GONE = "这个列表已过期，请重新发送命令。"


def leaf(occasion: Occasion, event: ActionPressed, wish: Wish, actor: Actor) -> Reaction:
    """Turn to another page of a list, if who presses may see this list here and now."""
    facts = outbox.text_at(occasion.session, wish.case_id, occasion.chat_name(event.chat))
    rule = _MAY_LEAF.get(str(facts.get("template"))) if facts else None
    if facts is None or rule is None or not occasion.is_here(event.chat):
        return Reaction(GONE, alert=True)
    if not actor.roles & rule:
        return Reaction("您没有查看这个列表的权限。", alert=True)
    same_reader = facts.get("person", actor.person_id) == actor.person_id
    same_view = "channels" not in facts or facts["channels"] == channels_here(occasion, event, actor)
    same_drafts = not facts.get("drafts") or _reads_drafts(event, actor)
    if not (same_reader and same_view and same_drafts):
        return Reaction("这个列表不是按您的权限列的，请自己发送命令查看。", alert=True)
    return Reaction(leafed=Leafed(event.message, wish.case_id, facts, wish.version))


_MAY_LEAF = {
    "open_list": SEES_CASES,
    "mine": frozenset(Role),
    "find": SEES_CASES,
    "why": SEES_ALL,
    legacy.TEMPLATE: SEES_CASES,
}
