"""One update of Telegram, as it came from JSON, to an event of the desk. Pure; never raises.

Rules held here: a person is `from.id` and nothing else; who writes as a chat, a channel, an anonymous administrator or
a bot is nobody; a command for another bot is not ours; an answer counts only as one to a message of our own.
Shapes: core.telegram.org/bots/api, Update.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, TypeGuard

from bot.chat import (
    ActionPressed,
    Body,
    ChatRenamed,
    CommandGiven,
    Event,
    JoinedChat,
    LeftChat,
    MessageRef,
    Sender,
    TextReplied,
)
from bot.telegram.text import cleaned, shortened

ALLOWED_UPDATES = ("message", "callback_query", "my_chat_member")

Raw = Mapping[Any, Any]

_NAME_UNITS = 64
_INSIDE = ("creator", "administrator", "member")
_GROUPS = ("group", "supergroup", "channel")
_NARROW = re.compile(r"/[A-Za-z_]{1,32}(@\w+)?", re.ASCII)
_BIGGEST_ID = 2**63  # core.telegram.org/bots/api: ids fit a signed 64-bit integer

# The first row with a key that the message has tells what it holds. None: a service message, which nobody wrote.
_BODIES: tuple[tuple[Body, tuple[str, ...]], ...] = (
    (
        Body.FORWARDED,
        ("forward_origin", "forward_date", "forward_from", "forward_from_chat", "forward_sender_name"),
    ),
    (Body.OTHER, ("via_bot",)),  # not the words of the person who sent it
    (Body.TEXT, ("text",)),
    (Body.STICKER, ("sticker",)),
    (Body.PICTURE, ("photo",)),
    (Body.OTHER, ("animation", "audio", "document", "video", "video_note", "voice", "live_photo", "story")),
    (Body.OTHER, ("paid_media", "checklist", "contact", "dice", "game", "poll", "venue", "location")),
)


def event_of(raw: Raw, own_id: str, own_name: str) -> Event | None:
    """Read one update; None for what the desk has no use for, and for what cannot be read.

    `own_name` is the bot's user name without @; while it is empty, a command that names a bot counts as foreign.
    """
    if press := _part(raw, "callback_query"):
        return _press(press)
    if change := _part(raw, "my_chat_member"):
        return _membership(change, own_id)
    if message := _part(raw, "message"):
        return _rename(message) or _said(message, own_id, own_name)
    return None


# -- kinds of updates ----------------------------------------------------------------------------------------------


def _press(press: Raw) -> ActionPressed | None:
    sender, message = _sender(press), _part(press, "message")
    ref, token, query = _ref(message), _text(press, "data"), press.get("id")
    if sender is None or ref is None or not token or not isinstance(query, str):
        return None
    return ActionPressed(sender, ref.chat, _is_private(message), token, ref, cleaned(query))


def _membership(change: Raw, own_id: str) -> JoinedChat | LeftChat | None:
    chat, now = _part(change, "chat"), _part(change, "new_chat_member")
    where = _id(chat, "id")
    if not where or _id(_part(now, "user"), "id") != own_id:
        return None
    was_inside, is_inside = _is_inside(_part(change, "old_chat_member")), _is_inside(now)
    if was_inside and not is_inside:
        return LeftChat(where)
    if is_inside and not was_inside and chat.get("type") in _GROUPS:
        return JoinedChat(where, _text(chat, "title"))
    return None


def _is_inside(member: Raw) -> bool:
    status = member.get("status")
    return status in _INSIDE or (status == "restricted" and member.get("is_member") is True)


def _rename(message: Raw) -> ChatRenamed | None:
    """Both chats tell of the move: the old one names the new id, the new one the old id."""
    here = _id(_part(message, "chat"), "id")
    if here and (new := _id(message, "migrate_to_chat_id")):
        return ChatRenamed(here, new)
    if here and (old := _id(message, "migrate_from_chat_id")):
        return ChatRenamed(old, here)
    return None


def _said(message: Raw, own_id: str, own_name: str) -> TextReplied | CommandGiven | None:
    sender, ref, body = _sender(message), _ref(message), _body(message)
    if sender is None or ref is None or body is None or message.get("sender_chat") is not None:
        return None
    is_private = _is_private(message)
    if body is Body.TEXT and (command := _command(message)):
        first, rest = command
        name, _, addressee = first.removeprefix("/").partition("@")
        if not name or (addressee and addressee.lower() != own_name.lower()):
            return None
        return CommandGiven(sender, ref.chat, is_private, name.lower(), rest.strip(), ref)
    text = _text(message, "text") if body is Body.TEXT else ""
    return TextReplied(sender, ref.chat, is_private, text, body, ref, _answered(message, ref.chat, own_id))


def _body(message: Raw) -> Body | None:
    return next((body for body, keys in _BODIES if any(message.get(key) is not None for key in keys)), None)


def _command(message: Raw) -> tuple[str, str] | None:
    """Give the command that a text begins with and what stands behind it; None where it is no command."""
    if length := _command_units(message):
        return _split(message, length)
    # Telegram marks no command in full-width letters (／ｏｐｅｎ), which a Chinese keyboard types as easily.
    first, _, rest = _text(message, "text").partition(" ")
    narrow = unicodedata.normalize("NFKC", first)
    return (narrow, rest) if narrow != first and _NARROW.fullmatch(narrow) else None


def _command_units(message: Raw) -> int:
    """Give the length of the command that the text begins with, in UTF-16 units; 0 where there is none."""
    entities = message.get("entities")
    for entity in entities if isinstance(entities, list) else ():
        if isinstance(entity, dict) and entity.get("type") == "bot_command" and entity.get("offset") == 0:
            length = entity.get("length")
            return length if _is_number(length) and 1 < length < 256 else 0
    return 0


def _split(message: Raw, length: int) -> tuple[str, str]:
    """Cut the raw text at `length` units, then clean both parts: cleaning first would move the place."""
    text = message.get("text")
    wide = text.encode("utf-16-le", "surrogatepass") if isinstance(text, str) else b""
    first, rest = wide[: length * 2], wide[length * 2 :]
    return cleaned(first.decode("utf-16-le", "replace")), cleaned(rest.decode("utf-16-le", "replace"))


def _answered(message: Raw, chat: str, own_id: str) -> MessageRef | None:
    answered = _part(message, "reply_to_message")
    author = _part(answered, "from")
    if author.get("is_bot") is not True or _id(author, "id") != own_id:
        return None
    number = _id(answered, "message_id")
    return MessageRef(chat, number) if number else None


# -- fields --------------------------------------------------------------------------------------------------------


def _sender(holder: Raw) -> Sender | None:
    user = _part(holder, "from")
    number = _id(user, "id")
    if not number or user.get("is_bot") is not False:
        return None
    name = " ".join(f"{_text(user, 'first_name')} {_text(user, 'last_name')}".split())
    return Sender(number, shortened(name, _NAME_UNITS), number)  # a private chat has the id of its person


def _ref(message: Raw) -> MessageRef | None:
    chat, number = _id(_part(message, "chat"), "id"), _id(message, "message_id")
    return MessageRef(chat, number) if chat and number else None


def _is_private(message: Raw) -> bool:
    return _part(message, "chat").get("type") == "private"


def _part(raw: Raw, key: str) -> Raw:
    value = raw.get(key)
    return value if isinstance(value, dict) else {}


def _text(raw: Raw, key: str) -> str:
    value = raw.get(key)
    return cleaned(value) if isinstance(value, str) else ""


def _id(raw: Raw, key: str) -> str:
    value = raw.get(key)
    return str(value) if _is_number(value) and value != 0 and abs(value) < _BIGGEST_ID else ""


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
