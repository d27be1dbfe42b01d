"""One event to its handler. The table is the whole routing of what people do."""

from bot.buttons import wish_of
from bot.chat import (
    ActionPressed,
    ChatRenamed,
    CommandGiven,
    JoinedChat,
    LeftChat,
    TextReplied,
)
from bot.handlers import chats, commands, presses, texts
from bot.handlers.desk import Occasion, Reaction
from routing import cases
from routing.workflow import Ground


def react(occasion: Occasion) -> Reaction | None:
    """Do all that an event causes, in the caller's unit of work."""
    if isinstance(occasion.event, (ActionPressed, TextReplied, CommandGiven)) and occasion.event.is_private:
        chats.heard(occasion, occasion.event.chat)
    match occasion.event:
        case ActionPressed() as event:
            return presses.press(occasion, event)
        case TextReplied() as event:
            return texts.text(occasion, event)
        case CommandGiven() as event:
            return commands.command(occasion, event)
        case JoinedChat() as event:
            chats.joined(occasion, event)
        case LeftChat() as event:
            chats.left(occasion, event)
        case ChatRenamed() as event:
            chats.renamed(occasion, event)
    return None


def came_before(occasion: Occasion) -> Reaction | None:
    """Refuse a message or a press that was handled under another update, and record that it came again."""
    event, case_id, what = occasion.event, None, "reply"
    if not isinstance(event, (ActionPressed, TextReplied, CommandGiven)):
        return None
    if isinstance(event, CommandGiven):
        what = event.name
    if isinstance(event, ActionPressed):
        wish = wish_of(event.token)
        what = wish.verb if wish else "press"
        if wish is not None and cases.facts(occasion.session, wish.case_id) is not None:
            case_id = wish.case_id
    elif isinstance(event, TextReplied) and event.reply_to is not None:
        case_id = texts.case_behind(occasion, event)
    occasion.note_refusal(event.sender, occasion.actor(event.sender), what, Ground.REPLAYED, case_id)
    return Reaction("这次操作已经处理过了。", alert=True)
