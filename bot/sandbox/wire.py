"""The world in the Bot API's own JSON (core.telegram.org/bots/api, Available types); strict clients must accept it.

Pure: reads the world, changes nothing.
"""

from bot.sandbox.world import BOT, Json, Message, StoredFile, Update, World

_PERMISSIONS = [
    "can_send_messages",
    "can_send_audios",
    "can_send_documents",
    "can_send_photos",
    "can_send_videos",
    "can_send_video_notes",
    "can_send_voice_notes",
    "can_send_polls",
    "can_send_other_messages",
    "can_add_web_page_previews",
    "can_react_to_messages",
    "can_change_info",
    "can_invite_users",
    "can_pin_messages",
    "can_manage_topics",
    "can_edit_tag",
]


def bot_user(world: World) -> Json:
    return {
        "id": world.bot_id,
        "is_bot": True,
        "first_name": world.cast.bot_name,
        "username": world.cast.bot_username,
    }


def me(world: World) -> Json:
    return bot_user(world) | {
        "can_join_groups": True,
        "can_read_all_group_messages": world.cast.bot_reads_all_groups,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def user(world: World, person: int) -> Json:
    if person == BOT:
        return bot_user(world)
    return {
        "id": person,
        "is_bot": False,
        "first_name": world.people[person].name,
        "language_code": "zh-hans",
    }


def chat(world: World, number: int) -> Json:
    group = world.groups.get(number)
    if group is None:
        return {"id": number, "type": "private", "first_name": world.people[number].name}
    return {"id": number, "type": group.kind, "title": group.title}


def full_chat(world: World, number: int) -> Json:
    full = chat(world, number) | {
        "accent_color_id": number % 7,
        "max_reaction_count": 11,
        "accepted_gift_types": {
            "unlimited_gifts": False,
            "limited_gifts": False,
            "unique_gifts": False,
            "premium_subscription": False,
            "gifts_from_channels": False,
        },
    }
    if number in world.groups:
        full["permissions"] = dict.fromkeys(_PERMISSIONS, True)
    pinned = [m for m in world.messages.get(number, {}).values() if m.pinned]
    if pinned:
        full["pinned_message"] = message(world, pinned[-1], with_reply=False)
    return full


def member(world: World, group: int, person: int) -> Json:
    """The first member named in the cast is the group's creator; everybody else is a plain member."""
    members = world.groups[group].members
    body: Json = {"user": user(world, person), "status": "left"}
    if person == BOT:
        status = world.groups[group].bot
        return body | {"status": status} | ({"until_date": 0} if status == "kicked" else {})
    if person in members:
        creator = members[0] == person
        body |= {"status": "creator", "is_anonymous": False} if creator else {"status": "member"}
    return body


def photo_sizes(stored: StoredFile) -> list[Json]:
    sizes: list[Json] = []
    for edge in (90, 320, 1280):
        scale = min(1.0, edge / max(stored.width, stored.height, 1))
        width, height = max(1, round(stored.width * scale)), max(1, round(stored.height * scale))
        size: Json = {"file_id": stored.id, "file_unique_id": f"{stored.unique_id}{edge}"}
        sizes.append(size | {"width": width, "height": height, "file_size": stored.size})
        if scale == 1.0:
            break
    return sizes


def media(stored: StoredFile) -> Json:
    """The message field that carries this file."""
    base = {"file_id": stored.id, "file_unique_id": stored.unique_id, "file_size": stored.size}
    if stored.kind == "photo":
        return {"photo": photo_sizes(stored)}
    if stored.kind == "sticker":
        shape = {"type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False}
        return {"sticker": base | shape | {"emoji": "👍"}}
    return {"document": base | {"file_name": stored.name, "mime_type": stored.mime}}


def file(stored: StoredFile, *, with_path: bool) -> Json:
    body = {"file_id": stored.id, "file_unique_id": stored.unique_id, "file_size": stored.size}
    return body | ({"file_path": stored.path} if with_path else {})


def message(world: World, sent: Message, *, with_reply: bool = True) -> Json:
    body: Json = {
        "message_id": sent.id,
        "from": user(world, sent.sender),
        "chat": chat(world, sent.chat),
        "date": sent.date,
    }
    if sent.thread is not None:
        body["message_thread_id"] = sent.thread
    if sent.forwarded:
        body["forward_origin"] = {"type": "hidden_user", "sender_user_name": "某转发人", "date": sent.date}
    if sent.edited_at is not None:
        body["edit_date"] = sent.edited_at
    if sent.album is not None:
        body["media_group_id"] = sent.album
    if sent.media is not None:
        body |= media(world.files[sent.media["file"]])
    text, entities = ("caption", "caption_entities") if sent.media is not None else ("text", "entities")
    if sent.text:
        body[text] = sent.text
    if sent.entities:
        body[entities] = sent.entities
    if sent.markup is not None:
        body["reply_markup"] = sent.markup
    if sent.service is not None:
        body |= _service(world, sent.service)
    replied = world.find(sent.chat, sent.reply_to)
    if with_reply and replied is not None:
        body["reply_to_message"] = message(world, replied, with_reply=False)
    return body


def _service(world: World, service: Json) -> Json:
    if "joined" in service:
        who = [user(world, person) for person in service["joined"]]
        return {"new_chat_members": who, "new_chat_member": who[0]}
    if "left" in service:
        return {"left_chat_member": user(world, service["left"])}
    return dict(service)


def update(waiting: Update) -> Json:
    return {"update_id": waiting.id, waiting.kind: waiting.body}
