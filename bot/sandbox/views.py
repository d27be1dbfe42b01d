"""What one person sees: chats, messages as safe HTML, unread counts. Pure; the JSON of `/sandbox/state` and of the events."""

from itertools import islice
from typing import Any

from bot.sandbox.html import to_html
from bot.sandbox.world import BOT, Json, Message, World

_EXCERPT = 60
_MEDIA_WORDS = {"photo": "[图片]", "document": "[文件]", "sticker": "[贴纸]"}


def state(world: World, person: int, limit: int, title: str, hint: str) -> Json:
    """The whole view of one person; `limit` newest messages a chat, 0 for all."""
    chats = [person, *(g.id for g in world.groups.values() if person in g.members)]
    return {
        "revision": world.revision,
        "title": title,
        "hint": hint,
        "bot": {"id": world.bot_id, "name": world.cast.bot_name, "username": world.cast.bot_username},
        "me": _person(world, person),
        "people": [_person(world, other) | {"unread": unread_total(world, other)} for other in world.people],
        "chats": [chat(world, number, person, limit) for number in chats],
    }


def _person(world: World, person: int) -> Json:
    who = world.people[person]
    started, blocked = person in world.started, person in world.blocked
    return {"id": who.id, "name": who.name, "label": who.label, "started": started, "blocked": blocked}


def chat(world: World, number: int, person: int, limit: int) -> Json:
    messages = list(world.messages.get(number, {}).values())
    body: Json = {
        "id": number,
        "unread": unread(world, number, person),
        "messages": [message(world, m, person) for m in (messages[-limit:] if limit else messages)],
    }
    group = world.groups.get(number)
    if group is None:
        body["commands"] = _commands(world, number, "all_private_chats")
        return body | {"kind": "private", "title": world.cast.bot_name, "members": [_sender(world, BOT)]}
    return body | {
        "commands": _commands(world, number, "all_group_chats") if group.bot == "member" else [],
        "kind": group.kind,
        "title": group.title,
        "members": [_sender(world, member) for member in group.members],
        "bot_is_member": group.bot == "member",
        "migrated_to": group.migrated_to,
    }


def _commands(world: World, chat_id: int, kind: str) -> list[Json]:
    """The narrowest list that the bot set for this chat (BotCommandScope), in the order of the documentation."""
    for scope in (f"chat/{chat_id}//", f"{kind}///", "default///"):
        if scope in world.commands:
            return world.commands[scope]
    return []


def unread(world: World, chat_id: int, person: int) -> int:
    """Count what others wrote since this person last looked."""
    upto = world.reads.get((person, chat_id), 0)
    count = 0
    for sent in reversed(world.messages.get(chat_id, {}).values()):
        if sent.id <= upto:
            break
        count += sent.sender != person
    return count


def unread_total(world: World, person: int) -> int:
    groups = (g.id for g in world.groups.values() if person in g.members)
    return unread(world, person, person) + sum(unread(world, number, person) for number in groups)


def unread_map(world: World) -> dict[str, int]:
    return {str(person): unread_total(world, person) for person in world.people}


def _sender(world: World, person: int) -> Json:
    if person == BOT:
        return {"id": world.bot_id, "name": world.cast.bot_name, "label": "机器人", "is_bot": True}
    who = world.people[person]
    return {"id": who.id, "name": who.name, "label": who.label, "is_bot": False}


def message(world: World, sent: Message, person: int) -> Json:
    """One message for one reader. `html` is safe to insert; `files` lists zero or one file."""
    return {
        "id": sent.id,
        "chat": sent.chat,
        "from": _sender(world, sent.sender),
        "mine": sent.sender == person,
        "date": sent.date,
        "text": sent.text,
        "entities": sent.entities,
        "html": to_html(sent.text, sent.entities),
        "buttons": _buttons(sent),
        "reply_to": _quoted(world, sent),
        "files": _files(world, sent),
        "edited": sent.edited_at is not None,
        "force_reply": _force_reply(world, sent, person),
        "service": _service_text(world, sent),
        "forwarded": sent.forwarded,
        "album": sent.album,
        "pinned": sent.pinned,
    }


def _buttons(sent: Message) -> list[list[Json]]:
    rows = sent.markup["inline_keyboard"] if sent.markup else []
    return [
        [
            {
                "text": b["text"],
                "data": b.get("callback_data"),
                "url": b.get("url"),
                "copy": (b.get("copy_text") or {}).get("text"),
                "style": b.get("style", ""),
            }
            for b in row
        ]
        for row in rows
    ]


def _quoted(world: World, sent: Message) -> Json | None:
    if sent.reply_to is None:
        return None
    replied = world.find(sent.chat, sent.reply_to)
    if replied is None:
        return {"id": sent.reply_to, "from": "", "excerpt": "（消息已删除）"}
    return {"id": replied.id, "from": _sender(world, replied.sender)["name"], "excerpt": excerpt(replied)}


def excerpt(sent: Message) -> str:
    word = _MEDIA_WORDS[sent.media["kind"]] if sent.media else ""
    line = " ".join(f"{word} {sent.text}".split())
    return line if len(line) <= _EXCERPT else line[:_EXCERPT] + "…"


def _files(world: World, sent: Message) -> list[Json]:
    if sent.media is None:
        return []
    stored = world.files[sent.media["file"]]
    shown: Json = {"kind": stored.kind, "name": stored.name, "mime": stored.mime, "size": stored.size}
    return [shown | {"url": f"/sandbox/file/{stored.id}", "width": stored.width, "height": stored.height}]


def _force_reply(world: World, sent: Message, person: int) -> Json | None:
    """`for_me`: a selective prompt is for those mentioned and for the author of the message replied to (ForceReply)."""
    if sent.force_reply is None:
        return None
    replied = world.find(sent.chat, sent.reply_to)
    mentioned = any(e.get("user", {}).get("id") == person or _links(e, person) for e in sent.entities)
    for_me = (
        not sent.force_reply["selective"] or mentioned or (replied is not None and replied.sender == person)
    )
    answered = any(
        m.reply_to == sent.id and m.sender == person
        for m in islice(reversed(world.messages[sent.chat].values()), 500)
    )
    return {"placeholder": sent.force_reply["placeholder"], "for_me": for_me, "answered": answered}


def _links(entity: Json, person: int) -> bool:
    return str(entity.get("url", "")) == f"tg://user?id={person}"


def _service_text(world: World, sent: Message) -> str | None:
    service = sent.service
    if service is None:
        return None
    who = _sender(world, sent.sender)["name"]
    if "joined" in service:
        return f"{who} 把 {'、'.join(_sender(world, p)['name'] for p in service['joined'])} 加入本群"
    if "left" in service:
        gone = _sender(world, service["left"])["name"]
        return f"{gone} 退出本群" if service["left"] == sent.sender else f"{who} 把 {gone} 移出本群"
    return "本群已升级为超级群" if "migrate_to_chat_id" in service else "由普通群升级而来"


def change(world: World, happened: Json, person: int) -> Json | None:
    """One event for one person; None where it is not for these eyes. Shows the state now, so a late reader skips ahead."""
    body: dict[str, Any] = {"revision": happened["revision"], "kind": happened["kind"]}
    number = happened["chat"]
    if number not in world.groups and number != person:
        return None
    if number in world.groups and person not in world.groups[number].members:
        return None
    body["chat"] = number
    if happened["kind"] in ("message", "edit"):
        sent = world.find(number, happened["message"])
        if sent is None:
            return None
        return body | {"message": message(world, sent, person)}
    if happened.get("person", person) != person:
        return None
    return body | {key: happened[key] for key in ("message", "toast") if key in happened}
