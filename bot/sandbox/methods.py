"""Bot API methods that send, change and delete messages, with the official server's rules and refusals.

Each handler takes the world and the parameters of one call, checks everything first and changes the world last, and returns
the `result` of the answer. It never awaits and never commits. Other methods: `chats.py`; getUpdates: `updates.py`.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from bot.sandbox import wire
from bot.sandbox.html import utf16_length
from bot.sandbox.images import image_size
from bot.sandbox.params import (
    ANSWER_LIMIT,
    CAPTION_LIMIT,
    PHOTO_BYTES,
    PHOTO_EDGES,
    TEXT_LIMIT,
    UPLOAD_BYTES,
    ApiError,
    Params,
    Upload,
    bad,
    formatted,
    inline_keyboard,
    reply_markup,
)
from bot.sandbox.world import BOT, PRESS_LIVES_S, Json, Message, StoredFile, World

Handler = Callable[[World, Params], Any]

DELETE_WITHIN_S = 48 * 3600
_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
_TOO_OLD = "query is too old and response timeout expired or query ID is invalid"


# -- whom a call is for --------------------------------------------------------------------------------------------------


def known_chat(world: World, p: Params) -> int:
    """Return the chat the call names if Telegram would know it; raise for unknown, moved and forbidden chats."""
    given = p.text("chat_id")
    if not given:
        raise bad("chat_id is empty")
    try:
        chat = int(given)
    except ValueError:
        raise bad("chat not found") from None
    group = world.groups.get(chat)
    if group is None:
        if chat not in world.people:
            raise bad("chat not found")
        return chat
    if group.migrated_to is not None:
        raise bad("group chat was upgraded to a supergroup chat", migrate_to_chat_id=group.migrated_to)
    kind = "supergroup chat" if group.kind == "supergroup" else "group chat"
    if group.bot == "kicked":
        raise ApiError(403, f"Forbidden: bot was kicked from the {kind}")
    if group.bot != "member":
        raise ApiError(403, f"Forbidden: bot is not a member of the {kind}")
    return chat


def writable_chat(world: World, p: Params) -> int:
    """As `known_chat`, and the person there neither blocked the bot nor failed to start it."""
    chat = known_chat(world, p)
    if chat in world.blocked:
        raise ApiError(403, "Forbidden: bot was blocked by the user")
    if chat in world.people and chat not in world.started:
        raise ApiError(403, "Forbidden: bot can't initiate conversation with a user")
    return chat


def _replied(world: World, p: Params, chat: int) -> int | None:
    given = p.nested("reply_parameters")
    if given is not None and not isinstance(given, dict):
        raise bad("object expected as reply parameters")
    asked = p.sub(given) if given else p
    number = asked.number("message_id" if given else "reply_to_message_id")
    if not number:
        return None
    if world.find(chat, number) is not None:
        return number
    if asked.flag("allow_sending_without_reply"):
        return None
    raise bad("message to be replied not found")


def _context(world: World, p: Params, chat: int) -> Json:
    """What every kind of message has besides its content."""
    markup, force = reply_markup(p)
    thread = p.number("message_thread_id")
    return {"reply_to": _replied(world, p, chat), "markup": markup, "force_reply": force, "thread": thread}


# -- sending -------------------------------------------------------------------------------------------------------------


def send_message(world: World, p: Params) -> Json:
    chat = writable_chat(world, p)
    text, entities = formatted(p, "text", "entities", TEXT_LIMIT)
    if not text:
        raise bad("message text is empty")
    context = _context(world, p, chat)
    return wire.message(world, world.post(chat, BOT, text=text, entities=entities, **context))


def send_photo(world: World, p: Params) -> Json:
    return _send_file(world, p, "photo")


def send_document(world: World, p: Params) -> Json:
    return _send_file(world, p, "document")


def _send_file(world: World, p: Params, kind: str) -> Json:
    chat = writable_chat(world, p)
    caption, entities = formatted(p, "caption", "caption_entities", CAPTION_LIMIT)
    context = _context(world, p, chat)
    stored = _file(world, p, kind, kind)
    media = {"kind": kind, "file": stored.id}
    return wire.message(world, world.post(chat, BOT, text=caption, entities=entities, media=media, **context))


def send_media_group(world: World, p: Params) -> list[Json]:
    chat = writable_chat(world, p)
    context = _context(world, p, chat)
    if p.values.get("reply_markup"):
        raise bad("reply markup is not supported in albums")
    items = p.nested("media")
    if not isinstance(items, list) or not 2 <= len(items) <= 10:
        raise bad("expected from 2 to 10 items in an album")
    parsed = [_album_item(p, item) for item in items]
    if len({kind for kind, *_ in parsed}) > 1:
        raise bad("documents can't be mixed with other media types")
    checked = [_checked(world, p, item.text("media"), kind) for kind, item, _, _ in parsed]
    album = f"{world.bot_id}{world.revision:09d}"
    sent = []
    for (kind, _, caption, entities), found in zip(parsed, checked, strict=True):
        media = {"kind": kind, "file": _stored(world, found, kind).id}
        sent.append(
            world.post(chat, BOT, text=caption, entities=entities, media=media, album=album, **context)
        )
    return [wire.message(world, message) for message in sent]


def _album_item(p: Params, item: Any) -> tuple[str, Params, str, list[Json]]:
    if not isinstance(item, dict) or item.get("type") not in ("photo", "document"):
        raise bad("can't parse InputMedia: the sandbox takes photo and document")
    one = p.sub(item)
    return item["type"], one, *formatted(one, "caption", "caption_entities", CAPTION_LIMIT)


def _file(world: World, p: Params, name: str, kind: str) -> StoredFile:
    if name in p.files:
        return _stored(world, _checked(world, p, f"attach://{name}", kind), kind)
    return _stored(world, _checked(world, p, p.text(name), kind), kind)


def _checked(world: World, p: Params, reference: str, kind: str) -> Upload | StoredFile:
    """Find the file a reference means (upload, attach://, file_id) and refuse what Telegram would not take."""
    if not reference:
        raise bad(f"there is no {kind} in the request")
    if reference.startswith(("http://", "https://")):
        raise bad("wrong file identifier/HTTP URL specified: the sandbox fetches nothing")
    if not reference.startswith("attach://"):
        known = world.files.get(reference)
        if known is None:
            raise bad("wrong file identifier/HTTP URL specified")
        if known.kind != kind:
            raise bad(f"can't use file of type {known.kind.title()} as {kind.title()}")
        return known
    upload = p.files.get(reference.removeprefix("attach://"))
    if upload is None:
        raise bad(f"there is no {kind} in the request")
    if not upload.data:
        raise bad("file must be non-empty")
    if len(upload.data) > UPLOAD_BYTES:
        raise ApiError(413, "Request Entity Too Large")
    if kind == "photo":
        _check_photo(upload.data)
    return upload


def _check_photo(data: bytes) -> None:
    if len(data) > PHOTO_BYTES:
        size = f"file of size {len(data)} bytes is too big for a photo"
        raise bad(f"{size}; the maximum size is {PHOTO_BYTES} bytes")
    size_px = image_size(data)
    if size_px is None:
        raise bad("IMAGE_PROCESS_FAILED")
    width, height = size_px
    if width + height > PHOTO_EDGES or max(width, height) > 20 * max(1, min(width, height)):
        raise bad("PHOTO_INVALID_DIMENSIONS")


def _stored(world: World, found: Upload | StoredFile, kind: str) -> StoredFile:
    if isinstance(found, StoredFile):
        return found
    size = (image_size(found.data) if kind == "photo" else None) or (0, 0)
    return world.store_file(kind, found.name, found.mime, found.data, size)


# -- changing ------------------------------------------------------------------------------------------------------------


def _own_message(world: World, p: Params, what: str) -> Message:
    """Find the bot's own message to change; edits have no time limit."""
    if p.text("inline_message_id"):
        raise bad("message identifier is not specified: the sandbox has no inline messages")
    chat = known_chat(world, p)
    number = p.number("message_id")
    if not number:
        raise bad("message identifier is not specified")
    message = world.find(chat, number)
    if message is None:
        raise bad(f"message to {what} not found")
    if message.sender != BOT or message.service is not None or message.force_reply is not None:
        raise bad("message can't be edited")
    return message


def _edit(world: World, message: Message, **fields: Any) -> Json:
    before = asdict(message)
    if all(before[name] == value for name, value in fields.items()):
        raise bad(_NOT_MODIFIED)
    if set(fields) != {"markup"}:
        fields["edited_at"] = int(world.now())
    world.put("edit", chat=message.chat, message=message.id, **fields)
    return wire.message(world, world.messages[message.chat][message.id])


def edit_message_text(world: World, p: Params) -> Json:
    """Without reply_markup the keyboard goes away, as on Telegram."""
    message = _own_message(world, p, "edit")
    if message.media is not None:
        raise bad("there is no text in the message to edit")
    text, entities = formatted(p, "text", "entities", TEXT_LIMIT)
    if not text:
        raise bad("message text is empty")
    return _edit(world, message, text=text, entities=entities, markup=inline_keyboard(p))


def edit_message_caption(world: World, p: Params) -> Json:
    message = _own_message(world, p, "edit")
    if message.media is None:
        raise bad("there is no caption in the message to edit")
    text, entities = formatted(p, "caption", "caption_entities", CAPTION_LIMIT)
    return _edit(world, message, text=text, entities=entities, markup=inline_keyboard(p))


def edit_message_reply_markup(world: World, p: Params) -> Json:
    return _edit(world, _own_message(world, p, "edit"), markup=inline_keyboard(p))


def edit_message_media(world: World, p: Params) -> Json:
    message = _own_message(world, p, "edit")
    item = p.nested("media")
    kind, one, caption, entities = _album_item(p, item)
    markup = inline_keyboard(p)
    stored = _stored(world, _checked(world, p, one.text("media"), kind), kind)
    media = {"kind": kind, "file": stored.id}
    return _edit(world, message, media=media, text=caption, entities=entities, markup=markup)


def delete_message(world: World, p: Params) -> bool:
    chat = known_chat(world, p)
    message = world.find(chat, p.number("message_id"))
    if message is None:
        raise bad("message to delete not found")
    mine = message.sender == BOT or chat in world.people
    if not mine or world.now() - message.date > DELETE_WITHIN_S:
        raise bad("message can't be deleted for everyone")
    world.put("delete", chat=chat, message=message.id)
    return True


def _pin(world: World, p: Params, pinned: bool) -> bool:
    chat = known_chat(world, p)
    number = p.number("message_id")
    chosen = [m for m in world.messages.get(chat, {}).values() if m.pinned] if not number else []
    message = world.find(chat, number) if number else (chosen[-1] if chosen else None)
    if message is None:
        raise bad("message to pin not found" if pinned else "message to unpin not found")
    if message.pinned != pinned:
        world.put("edit", chat=chat, message=message.id, pinned=pinned)
    return True


def pin_chat_message(world: World, p: Params) -> bool:
    return _pin(world, p, pinned=True)


def unpin_chat_message(world: World, p: Params) -> bool:
    return _pin(world, p, pinned=False)


# -- answering -----------------------------------------------------------------------------------------------------------


def answer_callback_query(world: World, p: Params) -> bool:
    """Answer a press once and in time; the text shows at the person who pressed, nowhere else."""
    press = world.presses.get(p.text("callback_query_id"))
    if press is None or press.answered or world.now() - press.at > PRESS_LIVES_S:
        raise bad(_TOO_OLD)
    text = p.text("text")
    if utf16_length(text) > ANSWER_LIMIT:
        raise bad("MESSAGE_TOO_LONG")
    alert, url = p.flag("show_alert"), p.text("url")
    world.put("answer", press=press.id, text=text, alert=alert, url=url, at=world.now())
    return True


MESSAGE_METHODS: dict[str, Handler] = {
    "sendMessage": send_message,
    "sendPhoto": send_photo,
    "sendDocument": send_document,
    "sendMediaGroup": send_media_group,
    "editMessageText": edit_message_text,
    "editMessageCaption": edit_message_caption,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "editMessageMedia": edit_message_media,
    "deleteMessage": delete_message,
    "pinChatMessage": pin_chat_message,
    "unpinChatMessage": unpin_chat_message,
    "answerCallbackQuery": answer_callback_query,
}
