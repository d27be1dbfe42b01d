"""Chats themselves: groups that nobody registered are left after one polite line; new ids are remembered."""

from datetime import timedelta

from bot.chat import ChatRenamed, JoinedChat, LeftChat
from bot.handlers.desk import Occasion
from routing import chats, outbox
from routing.outbox import MessageKind, Priority


def joined(occasion: Occasion, event: JoinedChat) -> None:
    """Stay in a group of the configuration, say a line and leave any other."""
    name = occasion.chat_name(event.chat)
    if name in occasion.desk.office.chats():
        chats.opened(occasion.session, name)
        return
    outbox.queue(
        occasion.session,
        key=f"unknown_group:{event.chat}:{occasion.update_id}",
        chat=event.chat,
        kind=MessageKind.TEXT,
        priority=Priority.PERSON,
        payload={"template": "unknown_group", "chat": event.chat, "leave_after": True},
        now=occasion.now,
        valid_for=timedelta(hours=1),
    )


def heard(occasion: Occasion, chat: str) -> None:
    """Note that a person speaks to us in private: what could not be sent to him before, now can."""
    chats.opened(occasion.session, occasion.chat_name(chat))


def left(occasion: Occasion, event: LeftChat) -> None:
    """Note that a chat is closed and tell the operator; if it is his own, the duty group."""
    name = occasion.chat_name(event.chat)
    office = occasion.desk.office
    first = chats.closed(occasion.session, name, "机器人被移出或屏蔽", occasion.now)
    # Who watches over the watchers' own group: the duty officers.
    told = office.duty_chat if name == office.operator_chat else office.operator_chat
    if not first or told == name:
        return
    known = name in office.chats()
    text = f"机器人被移出群 {name}" if known else f"人员会话 {name} 屏蔽了机器人，发给他的消息送不到"
    outbox.queue(
        occasion.session,
        key=f"left:{name}:{occasion.update_id}",
        chat=told,
        kind=MessageKind.TEXT,
        priority=Priority.ALERT,
        payload={"template": "trouble", "text": f"{text}，请尽快恢复。"},
        now=occasion.now,
    )


def renamed(occasion: Occasion, event: ChatRenamed) -> None:
    """Remember a chat's new id."""
    chats.moved(occasion.session, event.old_chat, event.new_chat)
