"""What a person at the controls does: write, press, block, add the bot to a group; and what of it the bot may see.

Rules of privacy mode: core.telegram.org/bots/features#privacy-mode. Functions change the world and do not commit; a
`ControlError` says what that person could not have done in a real client.
"""

from dataclasses import dataclass

from bot.sandbox import wire
from bot.sandbox.html import with_automatic
from bot.sandbox.images import sample_picture
from bot.sandbox.world import BOT, PRESS_LIVES_S, Group, Json, Message, Press, World


class ControlError(Exception):
    """A request at the controls that makes no sense; `status` is the HTTP status, the text is for the screen."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True)
class Saying:
    """What a person sends; sticker and photo carry no further file, the sandbox has one of each."""

    text: str = ""
    reply_to: int | None = None
    forward: bool = False
    sticker: bool = False
    photo: bool = False


def _present(world: World, person: int, chat: int) -> None:
    if person not in world.people:
        raise ControlError(404, "没有这个人")
    if chat not in world.groups and chat != person:
        raise ControlError(404, "没有这个会话")
    if person not in world.readers(chat):
        raise ControlError(403, "此人不在这个群里")


def send(world: World, person: int, chat: int, saying: Saying) -> Message:
    """Post a person's message; a first word in the private chat counts as /start."""
    _present(world, person, chat)
    if chat in world.blocked:
        raise ControlError(409, "已停用机器人，请先恢复")
    if chat in world.groups and world.groups[chat].migrated_to is not None:
        raise ControlError(409, "本群已升级为超级群")
    text = saying.text.strip()
    if not (text or saying.sticker or saying.photo):
        raise ControlError(400, "不能发送空消息")
    if saying.reply_to is not None and world.find(chat, saying.reply_to) is None:
        raise ControlError(404, "被回复的消息不存在")
    if chat == person and person not in world.started:
        world.put("start", person=person)
    fields: Json = {"text": text, "reply_to": saying.reply_to, "forwarded": saying.forward}
    if saying.sticker or saying.photo:
        fields["media"] = _media(world, "photo" if saying.photo else "sticker")
        fields["text"] = text if saying.photo else ""
    fields["entities"] = with_automatic(fields["text"], [])
    message = world.post(chat, person, **fields)
    if _bot_hears(world, message):
        world.enqueue("message", wire.message(world, message))
    return message


def _media(world: World, kind: str) -> Json:
    size = (320, 240) if kind == "photo" else (512, 512)
    name, mime = ("photo.png", "image/png") if kind == "photo" else ("sticker.webp", "image/webp")
    return {"kind": kind, "file": world.store_file(kind, name, mime, sample_picture(), size).id}


def _bot_hears(world: World, message: Message) -> bool:
    """Decide by privacy mode: in groups only commands, mentions of the bot and replies to it."""
    group = world.groups.get(message.chat)
    if group is None:
        return True
    if group.bot != "member":
        return False
    if world.cast.bot_reads_all_groups:
        return True
    replied = world.find(message.chat, message.reply_to)
    if replied is not None and replied.sender == BOT:
        return True
    name = "@" + world.cast.bot_username.lower()
    commands = [_covered(message, e) for e in message.entities if e["type"] == "bot_command"]
    if any("@" not in command or command.endswith(name) for command in commands):
        return True
    return any(_covered(message, e) == name for e in message.entities if e["type"] == "mention")


def _covered(message: Message, entity: Json) -> str:
    units = message.text.encode("utf-16-le", "surrogatepass")
    first, last = entity["offset"] * 2, (entity["offset"] + entity["length"]) * 2
    return units[first:last].decode("utf-16-le", "replace").lower()


def press(world: World, person: int, chat: int, message: int, data: str) -> Press:
    """Press a button; `data` may be forged, as a modified client could. Presses reach the bot in privacy mode too."""
    _present(world, person, chat)
    shown = world.find(chat, message)
    if shown is None or shown.sender != BOT:
        raise ControlError(404, "这条消息没有按钮")
    pressed = world.new_press(person, chat, message, data)
    if chat in world.groups and world.groups[chat].bot != "member":
        return pressed
    body: Json = {
        "id": pressed.id,
        "from": wire.user(world, person),
        "message": wire.message(world, shown),
        "chat_instance": str(5_000_000_000 + abs(chat)),
        "data": data,
    }
    world.enqueue("callback_query", body, PRESS_LIVES_S)
    return pressed


def read(world: World, person: int, chat: int, message: int | None) -> None:
    """Mark a chat as read up to `message`, or wholly; never backwards."""
    _present(world, person, chat)
    upto = max(world.messages.get(chat, {0: None})) if message is None else message
    if upto > world.reads.get((person, chat), 0):
        world.put("read", person=person, chat=chat, message=upto)


def block(world: World, person: int, blocked: bool) -> None:
    """Stop or resume the bot in the private chat. Doing it twice changes nothing."""
    _present(world, person, person)
    if blocked == (person in world.blocked):
        return
    world.put("block", person=person, blocked=blocked)
    before, after = ("member", "kicked") if blocked else ("kicked", "member")
    _tell_bot(world, person, person, before, after)


def _tell_bot(world: World, chat: int, by: int, before: str, after: str) -> None:
    def as_member(status: str) -> Json:
        body: Json = {"user": wire.bot_user(world), "status": status}
        return body | ({"until_date": 0} if status == "kicked" else {})

    body: Json = {
        "chat": wire.chat(world, chat),
        "from": wire.user(world, by),
        "date": int(world.now()),
        "old_chat_member": as_member(before),
        "new_chat_member": as_member(after),
    }
    world.enqueue("my_chat_member", body)


def add_bot(world: World, person: int, chat: int, title: str, members: tuple[int, ...], kind: str) -> Group:
    """Add the bot to a group; an unknown id, or 0, makes a new group of `members` with the person first."""
    group = world.groups.get(chat)
    if group is None:
        if chat > 0 or kind not in ("group", "supergroup") or any(m not in world.people for m in members):
            raise ControlError(400, "新群的编号、类型或成员不对")
        number = chat or min((*world.groups, -1001000000000)) - 1
        everybody = (person, *(m for m in members if m != person))
        group = world.change_group(Group(number, title or "新群", kind, everybody, "left"))
    _present(world, person, group.id)
    if group.migrated_to is not None:
        raise ControlError(409, "本群已升级为超级群")
    if group.bot == "member":
        return group
    before = group.bot
    group = world.change_group(group, bot="member")
    _tell_bot(world, group.id, person, before, "member")
    message = world.post(group.id, person, service={"joined": [BOT]})
    world.enqueue("message", wire.message(world, message))
    return group


def remove_bot(world: World, person: int, chat: int) -> Group:
    _present(world, person, chat)
    group = world.groups.get(chat)
    if group is None:
        raise ControlError(400, "这不是群")
    if group.bot != "member":
        return group
    group = world.change_group(group, bot="kicked")
    _tell_bot(world, chat, person, "member", "kicked")
    world.post(chat, person, service={"left": BOT})
    return group


def migrate(world: World, person: int, chat: int, new_id: int | None) -> Group:
    """Turn a group into a supergroup with a new id; the old id then answers 400 with migrate_to_chat_id."""
    _present(world, person, chat)
    old = world.groups.get(chat)
    if old is None or old.migrated_to is not None:
        raise ControlError(400, "这个会话不能升级")
    number = new_id or min((*world.groups, -1001000000000)) - 1
    if number >= 0 or number in world.groups:
        raise ControlError(400, "新群编号不对")
    new = world.change_group(Group(number, old.title, "supergroup", old.members, old.bot))
    world.change_group(old, migrated_to=number)
    gone = world.post(chat, person, service={"migrate_to_chat_id": number})
    come = world.post(number, person, service={"migrate_from_chat_id": chat})
    if old.bot == "member":
        for message in (gone, come):
            world.enqueue("message", wire.message(world, message))
    return new
