"""Bot API methods about the bot itself, chats, members, files and the webhook. Same shape as `methods.py`."""

from bot.sandbox import wire
from bot.sandbox.methods import Handler, known_chat, writable_chat
from bot.sandbox.params import DOWNLOAD_BYTES, Params, bad
from bot.sandbox.world import BOT, Json, World

_COMMANDS_LIMIT = 100
_ACTIONS = [
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
]


def get_me(world: World, p: Params) -> Json:
    return wire.me(world)


def accept(world: World, p: Params) -> bool:
    """Answer true to what changes nothing here: descriptions, names, menu buttons, close, logOut."""
    return True


def _scope(p: Params) -> str:
    scope = p.nested("scope") or {"type": "default"}
    parts = [str(scope.get("type", "default")), str(scope.get("chat_id", "")), str(scope.get("user_id", ""))]
    return "/".join([*parts, p.text("language_code")])


def set_my_commands(world: World, p: Params) -> bool:
    commands = p.nested("commands")
    if not isinstance(commands, list):
        raise bad("can't parse commands: expected an Array of BotCommand")
    if len(commands) > _COMMANDS_LIMIT:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    kept = []
    for command in commands:
        name, text = str(command.get("command", "")).lstrip("/"), str(command.get("description", ""))
        if not name or len(name) > 32 or not name.replace("_", "a").isalnum() or name != name.lower():
            raise bad("BOT_COMMAND_INVALID")
        if not name.isascii():
            raise bad("BOT_COMMAND_INVALID")
        if not 1 <= len(text) <= 256:
            raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
        kept.append({"command": name, "description": text})
    world.put("commands", scope=_scope(p), commands=kept)
    return True


def get_my_commands(world: World, p: Params) -> list[Json]:
    return world.commands.get(_scope(p), [])


def delete_my_commands(world: World, p: Params) -> bool:
    world.put("commands", scope=_scope(p), commands=[])
    return True


def get_chat(world: World, p: Params) -> Json:
    return wire.full_chat(world, known_chat(world, p))


def _group(world: World, p: Params) -> int:
    chat = known_chat(world, p)
    if chat not in world.groups:
        raise bad("there are no administrators in the private chat")
    return chat


def get_chat_member(world: World, p: Params) -> Json:
    chat = known_chat(world, p)
    asked = p.number("user_id")
    person = BOT if asked == world.bot_id else asked
    if person is None or (person != BOT and person not in world.people):
        raise bad("member not found")
    if chat in world.people:
        return {"user": wire.user(world, person), "status": "member"}
    return wire.member(world, chat, person)


def get_chat_administrators(world: World, p: Params) -> list[Json]:
    chat = _group(world, p)
    return [wire.member(world, chat, person) for person in world.groups[chat].members[:1]]


def get_chat_member_count(world: World, p: Params) -> int:
    chat = known_chat(world, p)
    return len(world.groups[chat].members) + 1 if chat in world.groups else 2


def leave_chat(world: World, p: Params) -> bool:
    chat = known_chat(world, p)
    if chat not in world.groups:
        raise bad("chat not found")
    world.change_group(world.groups[chat], bot="left")
    world.post(chat, BOT, service={"left": BOT})
    return True


def send_chat_action(world: World, p: Params) -> bool:
    writable_chat(world, p)
    if p.text("action") not in _ACTIONS:
        raise bad("wrong parameter action in request")
    return True


def get_file(world: World, p: Params) -> Json:
    stored = world.files.get(p.text("file_id"))
    if stored is None:
        raise bad("wrong file_id or the file is temporarily unavailable")
    if stored.size > DOWNLOAD_BYTES:
        raise bad("file is too big")
    return wire.file(stored, with_path=True)


def set_webhook(world: World, p: Params) -> bool:
    """Remember the address, which stops getUpdates; the sandbox never calls it."""
    url = p.text("url")
    if url and not url.startswith("https://"):
        raise bad("bad webhook: An HTTPS URL must be provided for webhook")
    return _webhook(world, p, url)


def delete_webhook(world: World, p: Params) -> bool:
    return _webhook(world, p, "")


def _webhook(world: World, p: Params, url: str) -> bool:
    if p.flag("drop_pending_updates") and world.updates:
        world.put("forget", before=max(world.updates) + 1)
    if url != world.webhook:
        world.put("webhook", url=url)
    return True


def get_webhook_info(world: World, p: Params) -> Json:
    pending = len(world.waiting_updates())
    info: Json = {"url": world.webhook, "has_custom_certificate": False, "pending_update_count": pending}
    return info | ({"allowed_updates": world.allowed} if world.allowed else {})


CHAT_METHODS: dict[str, Handler] = {
    "getMe": get_me,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "getChatAdministrators": get_chat_administrators,
    "getChatMemberCount": get_chat_member_count,
    "leaveChat": leave_chat,
    "sendChatAction": send_chat_action,
    "getFile": get_file,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    **dict.fromkeys(
        (
            "setMyName",
            "setMyDescription",
            "setMyShortDescription",
            "setChatMenuButton",
            "setMyDefaultAdministratorRights",
            "logOut",
            "close",
        ),
        accept,
    ),
}
