"""Slash commands. Each says who may use it; the help page of a person is made from the same table."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from bot.chat import CommandGiven
from bot.handlers import duty, looking, mutes, promises, registering
from bot.handlers.desk import Errand, Occasion, Reaction
from bot.handlers.texts import too_short
from bot.names import ROLE_NAMES
from routing import announce, cases, outbox, people
from routing.clock import week_of
from routing.errors import UserError
from routing.mutes import MAY_MUTE
from routing.office import Role
from routing.outbox import MessageKind, Priority
from routing.people import Account, Claim
from routing.procedure import TABLE
from routing.promises import MAY_PROMISE
from routing.views import find_case, is_dispatched_to
from routing.workflow import STATE_NAMES, Actor, CaseFacts, Command, Ground, Order, Refusal, State

LOOK, ACT, REPORT, KEEP, MORE = "查事项", "办事项", "汇总", "系统", "其他"


@dataclass(frozen=True, slots=True)
class Offer:
    """One command: what it does, who may, the function, and under which heading of the help page it stands."""

    text: str
    roles: frozenset[Role]
    act: Callable[[Occasion, CommandGiven, Actor], Reaction | None]
    group: str = MORE


def command(occasion: Occasion, event: CommandGiven) -> Reaction | None:
    """Carry out one command. Strangers may only join, in private; in foreign groups nothing is answered."""
    actor = occasion.actor(event.sender)
    if event.name in {"join", "start"} and event.is_private and (event.rest or actor is None):
        _join(occasion, event, actor)
        return None
    if actor is None:
        if event.is_private:
            occasion.greet_stranger(event.sender)
        return None
    if not event.is_private and occasion.chat_name(event.chat) not in occasion.desk.office.chats():
        return None
    offer = OFFERS.get("help" if event.name == "start" else event.name)
    if offer is None:
        occasion.say(event.chat, "没有这个命令。发送 /help 查看用法。", reply_to=event.message)
    elif not offer.roles & actor.roles:
        occasion.note_refusal(event.sender, actor, event.name, Ground.ROLE)
        holders = "、".join(ROLE_NAMES[role] for role in Role if role in offer.roles)
        text = f"您没有使用 /{event.name} 的权限，它供{holders}使用。"
        occasion.say(event.chat, text, reply_to=event.message)
    else:
        return offer.act(occasion, event, actor)
    return None


def _join(occasion: Occasion, event: CommandGiven, actor: Actor | None) -> None:
    code = event.rest.strip()
    if not code:
        occasion.greet_stranger(event.sender)
        return
    sender = event.sender
    account = Account(occasion.desk.platform, sender.user_ref, sender.private_chat)
    claim, invite = people.claim(
        occasion.session,
        occasion.desk.ledger,
        code=code,
        account=account,
        shown_name=sender.shown_name,
        now=occasion.now,
    )
    occasion.say(event.chat, _CLAIMS[claim], reply_to=event.message)
    if invite is None:
        return
    for card in announce.invite_cards(occasion.session, invite.id):
        announce.post(occasion.session, card, occasion.now)


_CLAIMS = {
    Claim.WAITING: "已收到，等系统管理员确认后生效。",
    Claim.UNKNOWN: "邀请码不对或已用过，请核对后重发，或向系统管理员重新索取。",
    Claim.EXPIRED: "邀请码已过期，请向系统管理员重新索取。",
    Claim.LOCKED: "错误次数过多，请一小时后再试。",
    Claim.ALREADY: "您已经登记过了，发送 /help 查看用法。",
}


def _help(occasion: Occasion, event: CommandGiven, actor: Actor) -> None:
    offered = [[name, offer.text, offer.group] for name, offer in OFFERS.items() if offer.roles & actor.roles]
    payload = {"template": "help", "person": actor.person_id, "commands": offered}
    occasion.page(event.chat, {**payload, "reply_to": event.message.message})


def _case(occasion: Occasion, event: CommandGiven, actor: Actor) -> None:
    case_id = find_case(occasion.session, event.rest) if event.rest.strip() else None
    channels = looking.channels_here(occasion, event, actor)
    if case_id is None or (
        channels is not None and not is_dispatched_to(occasion.session, case_id, channels)
    ):
        if case_id is not None:
            occasion.note_refusal(event.sender, actor, event.name, Ground.ROLE, case_id)
        text = f"{_unknown(occasion, event.rest)}请写事项编号，如 /case YQ-2026-0001 或 /case 1。"
        occasion.say(event.chat, text, reply_to=event.message)
        return
    occasion.note_view(event.chat, actor, case_id)
    payload = looking.case_page(event, case_id, actor) | {"reply_to": event.message.message}
    occasion.page(event.chat, payload)


def _reopen(occasion: Occasion, event: CommandGiven, actor: Actor) -> None:
    """Take up a closed or dismissed case again: `/reopen 12 reason`."""
    facts, reason = _case_and_rest(occasion, event)
    if facts is None or not reason:
        lacks = "没有写理由。" if facts is not None else _unknown(occasion, _key_and_rest(event)[0])
        text = f"{lacks}请写事项编号和理由，如 /reopen 12 居民再次反映。"
        occasion.say(event.chat, text, reply_to=event.message)
        return
    if refused := too_short("理由", reason, "重新发送命令"):
        occasion.say(event.chat, refused, reply_to=event.message)
        return
    if facts.state is State.CLOSED and Role.LEADER not in actor.roles:
        occasion.say(event.chat, "已办结的事项由领导重新办理（私聊发送 /reopen）。", reply_to=event.message)
        return
    _give(occasion, event, actor, facts, Command.REOPEN, occasion.hidden(reason))


def _follow(occasion: Occasion, event: CommandGiven, actor: Actor) -> None:
    """Say that an answered or closed case has news and is to be answered again (续发): `/follow 12 reason`."""
    facts, reason = _case_and_rest(occasion, event)
    if facts is None or not reason:
        lacks = "没有写缘由。" if facts is not None else _unknown(occasion, _key_and_rest(event)[0])
        text = f"{lacks}请写事项编号和缘由，如 /follow 12 抢修已完成，补发结果。"
        occasion.say(event.chat, text, reply_to=event.message)
        return
    if refused := too_short("缘由", reason, "重新发送命令"):
        occasion.say(event.chat, refused, reply_to=event.message)
        return
    _give(occasion, event, actor, facts, Command.FOLLOW, occasion.hidden(reason))


def _archive(occasion: Occasion, event: CommandGiven, actor: Actor) -> None:
    """Put the file of a closed case away (归档): `/archive 12`."""
    facts, _ = _case_and_rest(occasion, event)
    if facts is None:
        text = f"{_unknown(occasion, _key_and_rest(event)[0])}请写已办结事项的编号，如 /archive 12。"
        occasion.say(event.chat, text, reply_to=event.message)
        return
    _give(occasion, event, actor, facts, Command.ARCHIVE, "")


def _case_and_rest(occasion: Occasion, event: CommandGiven) -> tuple[CaseFacts | None, str]:
    """Read the case that a command names, None where there is none such, and what stands behind its number."""
    key, rest = _key_and_rest(event)
    case_id = find_case(occasion.session, key) if key else None
    return None if case_id is None else cases.facts(occasion.session, case_id), rest


def _key_and_rest(event: CommandGiven) -> tuple[str, str]:
    key, *rest = event.rest.split(maxsplit=1) or [""]
    return key, "".join(rest).strip()


def _unknown(occasion: Occasion, key: str) -> str:
    """Say that a matter which was named is not to be found; nothing where none was named."""
    return f"没有找到事项“{occasion.quoted(key)}”。" if key.strip() else ""


def _give(
    occasion: Occasion, event: CommandGiven, actor: Actor, facts: CaseFacts, command: Command, reason: str
) -> None:
    """Carry out an order that was typed as a command, on the case as it stands, and answer."""
    where = occasion.where(event.chat, event.sender, facts.channels())
    order = Order(command, actor, where, facts.version, facts.draft_version, reason=reason)
    try:
        answer = cases.execute(
            occasion.session, occasion.desk.office, occasion.desk.ledger, facts.id, order, occasion.now
        )
        is_of_state = isinstance(answer, Refusal) and answer.ground is Ground.STATE
        text = answer.text + (_fits(command) if is_of_state else "")
    except UserError as error:
        text = str(error)
    occasion.say(event.chat, text, reply_to=event.message)


def _fits(command: Command) -> str:
    """Say to which matters an order can be given that has no button."""
    states = "、".join(name for state, name in STATE_NAMES.items() if (state, command) in TABLE)
    return f"/{command.value} 用于这些状态的事项：{states}。"


def _digest(occasion: Occasion, event: CommandGiven, actor: Actor) -> None:
    """This week up to now; with `last`, the whole week before."""
    if _is_channels_chat(occasion, event):
        occasion.say(event.chat, "周报含各渠道情况，请在值班群或私聊里查看。", reply_to=event.message)
        return
    span = week_of(occasion.now, occasion.desk.office.zone)
    asked = unicodedata.normalize("NFKC", event.rest.strip()).lower()
    if asked not in {"", "last", "上周"}:
        text = f"不认识“{occasion.quoted(event.rest.strip())}”。本周的周报发送 /digest，上一周的发送 /digest 上周。"
        occasion.say(event.chat, text, reply_to=event.message)
        return
    if asked:
        span = week_of(span.start - timedelta(hours=1), occasion.desk.office.zone)
    outbox.queue(
        occasion.session,
        key=f"digest:{occasion.desk.platform}:{occasion.update_id}",
        chat=occasion.chat_name(event.chat),
        kind=MessageKind.DIGEST,
        priority=Priority.PERSON,
        payload={"span": span.name, "start": span.start.isoformat(), "end": span.end.isoformat()},
        now=occasion.now,
    )


def _is_channels_chat(occasion: Occasion, event: CommandGiven) -> bool:
    channels = {channel.chat for channel in occasion.desk.office.channels.values()}
    return occasion.chat_name(event.chat) in channels


def _replay(occasion: Occasion, event: CommandGiven, actor: Actor) -> Reaction | None:
    """Try the draft of the rules on the last days: beside the counter, for that takes a while."""
    if _is_channels_chat(occasion, event):
        occasion.say(event.chat, "试算含各渠道情况，请在值班群或私聊里查看。", reply_to=event.message)
        return None
    text = "正在用最近 7 天的信息试算规则草稿，只读不改，算好后在这里回复。"
    occasion.say(event.chat, text, reply_to=event.message)
    key = f"replay:{occasion.desk.platform}:{occasion.update_id}"
    return Reaction(errand=Errand(occasion.chat_name(event.chat), event.message.message, key))


OFFERS = {
    "mine": Offer("等我办理的", frozenset(Role), looking.mine, LOOK),
    "open": Offer("未办结，如 /open 今晚", looking.SEES_CASES, looking.open_cases, LOOK),
    "find": Offer("按词查找，如 /find 东湖小区 停水", looking.SEES_CASES, looking.find, LOOK),
    "case": Offer("看一件，如 /case 1", looking.SEES_CASES, _case, LOOK),
    "why": Offer("为什么报、没报，如 /why 1", looking.SEES_ALL, looking.why, LOOK),
    "new": Offer("登记一件，如 /new 东湖小区停水", registering.MAY_REGISTER, registering.register, ACT),
    "mute": Offer("静音；单发列出在静音的", MAY_MUTE, mutes.command, ACT),
    "duty": Offer("现在谁值班，下一班是谁", frozenset(Role), duty.duty, LOOK),
    "handover": Offer("交接班，双方签名", frozenset({Role.DUTY, Role.OFFICE}), duty.hand_over, ACT),
    "substitute": Offer(
        "申请顶岗",
        frozenset(Role) - {Role.ADMIN, Role.AUDITOR},
        duty.substitute,
        ACT,
    ),
    "reopen": Offer(
        "重新办理，如 /reopen 1 理由（私聊）", frozenset({Role.LEADER, Role.OFFICE}), _reopen, ACT
    ),
    "promise": Offer(
        "承诺与兑现，如 /promise 1",
        MAY_PROMISE,
        promises.command,
        ACT,
    ),
    "follow": Offer(
        "续发，如 /follow 1 有新情况", frozenset({Role.DUTY, Role.OFFICE, Role.CONTACT}), _follow, ACT
    ),
    "archive": Offer("归档已办结的，如 /archive 1", frozenset({Role.OFFICE}), _archive, ACT),
    "digest": Offer(
        "本周周报，/digest 上周 看上一周",
        frozenset({Role.OFFICE, Role.LEADER, Role.DUTY}),
        _digest,
        REPORT,
    ),
    "replay": Offer("用最近 7 天试算规则草稿", frozenset({Role.OPERATOR, Role.LEADER}), _replay, KEEP),
    "help": Offer("用法", frozenset(Role), _help, KEEP),
}
