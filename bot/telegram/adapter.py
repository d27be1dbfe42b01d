"""Telegram as a chat platform: the port of `bot/chat.py` over python-telegram-bot's plain `Bot`.

Holds connections and the bot's own name, no other state; decides nothing, repeats nothing after an error, and stores
nothing. There is no Application, Updater or JobQueue: those confirm an update before anybody has stored it.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from telegram import Bot, ForceReply, LinkPreviewOptions, Message, ReplyParameters
from telegram.error import TelegramError
from telegram.request import HTTPXRequest

from bot.chat import Card, ChatClosed, Event, File, Incoming, MessageGone, MessageRef, TokenRejected
from bot.redact import redactor, scrub
from bot.telegram import events
from bot.telegram.errors import UNREADABLE, AlreadySo, PictureRefused, TextRefused, translated
from bot.telegram.markup import CAPTION_LIMIT, TEXT_LIMIT, Rendered, fits, headline, plainly, rendered
from bot.telegram.text import cleaned, shortened
from routing.errors import Transient

OFFICIAL_API = "https://api.telegram.org"

_TOAST_UNITS = 200  # core.telegram.org/bots/api, answerCallbackQuery
_PLACEHOLDER_UNITS = 64  # the same page, ForceReply
_SUPERGROUP = "-100"  # before the number of a supergroup (core.telegram.org/api/bots/ids)
_LONGEST_POLL_S = 50  # the official server waits no longer, whatever is asked for
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. `total_s` ends a call that drips on for ever, which the others do not: each of them starts anew."""

    connect_s: float = 10.0
    pool_s: float = 5.0
    read_s: float = 20.0
    write_s: float = 20.0
    upload_s: float = 60.0
    total_s: float = 120.0


class TelegramChat:
    """The adapter. `api` is the base address, without the token; a proxy is not used for an address on this machine.

    `start` comes first; `event_of` needs the name that it learns. Safe for concurrent calls.
    """

    platform: str = "telegram"

    def __init__(
        self,
        token: str,
        api: str = OFFICIAL_API,
        *,
        proxy: str | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        if not token:
            raise TokenRejected("没有设置机器人令牌：请设置 YUQING_TELEGRAM_TOKEN")
        self._timeouts = timeouts or Timeouts()
        self._redact = redactor([token])
        is_near = _is_loopback(api)
        self._talk, self._poll = (
            HTTPXRequest(
                connection_pool_size=size,
                connect_timeout=self._timeouts.connect_s,
                pool_timeout=self._timeouts.pool_s,
                read_timeout=self._timeouts.read_s,
                write_timeout=self._timeouts.write_s,
                media_write_timeout=self._timeouts.upload_s,
                proxy=None if is_near else proxy,
                # HTTP_PROXY in the environment would take even 127.0.0.1 through the proxy
                httpx_kwargs={"trust_env": False} if is_near else None,
            )
            for size in (8, 2)
        )
        base = api.rstrip("/").removesuffix("/bot") + "/bot"
        self._bot = Bot(token, base_url=base, request=self._talk, get_updates_request=self._poll)
        self._own_id, self._own_name = token.partition(":")[0], ""

    def __repr__(self) -> str:
        return f"TelegramChat({self._own_name or self._own_id})"

    # -- life ------------------------------------------------------------------------------------------------------

    async def start(self) -> str:
        """Say hello and give the bot's user name, without @. Raises Transient, TokenRejected. Safe to call twice."""
        await self._talk.initialize()
        await self._poll.initialize()
        me = await self._ask(self._bot.get_me())  # not Bot.initialize: its refusal quotes the token
        self._own_id, self._own_name = str(me.id), me.username or ""
        return self._own_name

    async def stop(self) -> None:
        """Let connections go. Safe to call twice."""
        await self._talk.shutdown()
        await self._poll.shutdown()

    # -- outward ---------------------------------------------------------------------------------------------------

    async def send_card(
        self, chat: str, card: Card, *, reply_to: MessageRef | None = None, silent: bool = False
    ) -> MessageRef:
        """Post a card; a refused text goes again as plain text. An answer to a vanished message stands alone."""
        return await self._say(chat, card, reply_to, silent, force_reply=None)

    async def _say(
        self, chat: str, card: Card, reply_to: MessageRef | None, silent: bool, force_reply: ForceReply | None
    ) -> MessageRef:
        async def send(said: Rendered) -> Message:
            return await self._ask(
                self._bot.send_message(
                    chat,
                    said.text,
                    parse_mode=said.parse_mode,
                    reply_markup=force_reply or said.keyboard,
                    reply_parameters=_reply(chat, reply_to),
                    disable_notification=silent,
                    link_preview_options=_NO_PREVIEW,
                )
            )

        return _ref(chat, await _readable(card, TEXT_LIMIT, send))

    async def update_card(self, ref: MessageRef, card: Card) -> None:
        """Edit a card; no buttons takes the keyboard away. The same content again is no error."""
        if not ref.message.isdecimal():
            raise MessageGone(f"消息编号不是 Telegram 的：{ref.message}")

        async def edit(said: Rendered) -> None:
            await self._ask(
                self._bot.edit_message_text(
                    said.text,
                    ref.chat,
                    int(ref.message),
                    parse_mode=said.parse_mode,
                    reply_markup=said.keyboard,
                    link_preview_options=_NO_PREVIEW,
                )
            )

        with suppress(AlreadySo):
            await _readable(card, TEXT_LIMIT, edit)

    async def notify(
        self,
        chat: str,
        card: Card,
        *,
        files: Sequence[File] = (),
        reply_to: MessageRef | None = None,
        silent: bool = False,
    ) -> MessageRef:
        """Post a text without buttons, with files; gives the first message.

        A text of at most 1,024 units is the caption of the first file; of a longer one the file gets the title and
        the text follows. Telegram takes these one by one: once the first has arrived, a Transient says that the
        outcome is unknown, for sending all again doubles what came.
        """
        card = Card(card.blocks)
        if not files:
            return await self.send_card(chat, card, reply_to=reply_to, silent=silent)
        is_whole = fits(card, CAPTION_LIMIT)
        first = await self._send_file(chat, files[0], card if is_whole else headline(card), reply_to, silent)
        try:
            if not is_whole:
                await self.send_card(chat, card, silent=silent)
            for file in files[1:]:
                await self._send_file(chat, file, None, None, silent)
        except Transient as error:
            raise Transient(
                f"只发出了一部分：{error}", retry_after_s=error.retry_after_s, outcome_unknown=True
            ) from error
        return first

    async def _send_file(
        self, chat: str, file: File, caption: Card | None, reply_to: MessageRef | None, silent: bool
    ) -> MessageRef:
        async def send(said: Rendered | None, method: Callable[..., Coroutine[Any, Any, Message]]) -> Message:
            return await self._ask(
                method(
                    chat,
                    file.content,
                    caption=said.text if said else None,
                    parse_mode=said.parse_mode if said else None,
                    reply_parameters=_reply(chat, reply_to),
                    disable_notification=silent,
                    filename=cleaned(file.name) or "file",
                )
            )

        if file.is_picture:
            with suppress(PictureRefused):
                return _ref(chat, await _captioned(caption, partial(send, method=self._bot.send_photo)))
        return _ref(chat, await _captioned(caption, partial(send, method=self._bot.send_document)))

    async def ask_text(
        self, chat: str, card: Card, *, placeholder: str = "", reply_to: MessageRef | None = None
    ) -> MessageRef:
        """Post a question; clients open the reply field at once (ForceReply), so the card's buttons are not shown.

        In a group the answer must be a reply, or a bot in privacy mode never sees it. Such a message cannot be edited.
        """
        hint = shortened(cleaned(placeholder).strip(), _PLACEHOLDER_UNITS) or None
        return await self._say(chat, card, reply_to, False, ForceReply(input_field_placeholder=hint))

    async def toast(self, press: str, text: str, *, alert: bool = False) -> None:
        """Answer a press, in at most 200 units; a press that has expired or was answered is no error."""
        said = shortened(cleaned(text), _TOAST_UNITS)
        with suppress(AlreadySo):
            await self._ask(self._bot.answer_callback_query(press, said, show_alert=alert))

    async def leave(self, chat: str) -> None:
        """Leave a group; not being there is no error."""
        with suppress(ChatClosed):
            await self._ask(self._bot.leave_chat(chat))

    async def offer(self, commands: Sequence[tuple[str, str]]) -> None:
        """Put the commands into the menu beside the input field (core.telegram.org/bots/api, setMyCommands)."""
        await self._ask(self._bot.set_my_commands(list(commands)))

    async def title_of(self, chat: str) -> str:
        """Give a chat's title. Raises ChatClosed where the bot is not in it."""
        found = await self._ask(self._bot.get_chat(chat))
        return found.title or found.full_name or chat

    def link_to(self, ref: MessageRef) -> str:
        """Link to a message of a supergroup, for its members (core.telegram.org/api/links, private message links)."""
        group = ref.chat.removeprefix(_SUPERGROUP)
        return f"https://t.me/c/{group}/{ref.message}" if group != ref.chat else ""

    # -- inward ----------------------------------------------------------------------------------------------------

    async def receive(self, after: int | None, wait_s: int) -> list[Incoming]:
        """Wait at most `wait_s` (50 at most) for updates behind `after`, which confirms all up to it.

        The answer is handed on as it came: the library's own getUpdates would parse it before anybody has stored it.
        Parameters go in the query string, one of the ways that core.telegram.org/bots/api, Making requests, lists.
        """
        wait_s = max(0, min(wait_s, _LONGEST_POLL_S))
        asked: dict[str, Any] = {"timeout": wait_s, "allowed_updates": json.dumps(events.ALLOWED_UPDATES)}
        if after is not None:
            asked["offset"] = after + 1
        answer = await self._ask(
            self._poll.post(
                f"{self._bot.base_url}/getUpdates?{urlencode(asked)}",
                read_timeout=wait_s + self._timeouts.read_s,
            ),
            waits_s=wait_s,
        )
        if not isinstance(answer, list):
            raise Transient("Telegram 的 getUpdates 回答不是列表")
        return [Incoming(raw["update_id"], raw) for raw in answer if _is_update(raw)]

    def event_of(self, raw: dict[str, object]) -> Event | None:
        """Read one stored update; None for what the desk has no use for. Never raises."""
        return events.event_of(raw, self._own_id, self._own_name)

    # -- every call ------------------------------------------------------------------------------------------------

    async def _ask(self, call: Coroutine[Any, Any, T], *, waits_s: float = 0.0) -> T:
        """Make one call; whatever goes wrong leaves as one of ours, with no token in any text of the chain."""
        try:
            async with asyncio.timeout(waits_s + self._timeouts.total_s):
                return await call
        except (TelegramError, TimeoutError, *UNREADABLE) as error:
            scrub(error, self._redact)  # a page in the way may quote the address it was asked for
            raise translated(error) from error


async def _readable(card: Card, limit: int, send: Callable[[Rendered], Awaitable[T]]) -> T:
    """Send a card as it should look; if Telegram cannot read that, in plain words."""
    try:
        return await send(rendered(card, limit))
    except TextRefused:
        return await send(plainly(card))


async def _captioned(caption: Card | None, send: Callable[[Rendered | None], Awaitable[T]]) -> T:
    return await send(None) if caption is None else await _readable(caption, CAPTION_LIMIT, send)


def _reply(chat: str, to: MessageRef | None) -> ReplyParameters | None:
    """Answer a message of the same chat only: numbers of another one, or of its life before a move, mean others."""
    if to is None or to.chat != chat or not to.message.isdecimal():
        return None
    return ReplyParameters(int(to.message), allow_sending_without_reply=True)


def _ref(chat: str, message: Message) -> MessageRef:
    return MessageRef(chat, str(message.message_id))


def _is_update(raw: object) -> bool:
    return isinstance(raw, dict) and isinstance(raw.get("update_id"), int)


def _is_loopback(api: str) -> bool:
    host = urlsplit(api).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
