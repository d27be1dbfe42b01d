"""One event to its handler. The table is the whole routing of what people do."""

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
