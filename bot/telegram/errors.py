"""Errors of python-telegram-bot to the project's own, once and by table. Sends nothing and repeats nothing.

Texts of refusals: the official server's source, tdlib/telegram-bot-api `Client.cpp`, and tdlib/td. The library re-cases
them, so they are compared in lower case. An outcome is unknown when the request may have reached Telegram.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from bot.chat import ChatClosed, ChatMoved, MessageGone, TokenRejected
from routing.errors import Permanent, Transient, YuqingError

# What an answer that is JSON, but not Telegram's, makes the library raise.
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, IndexError)

_QUOTED = 200


class AlreadySo(YuqingError):
    """What was asked for is the case, or too late to matter: no error to anybody outside the adapter."""


class TextRefused(Permanent):
    """The text or its markup was refused: say it plainly and shortly."""


class PictureRefused(Permanent):
    """The file is no picture that Telegram shows: send it as a document."""


_BAD_REQUESTS: tuple[tuple[str, type[YuqingError]], ...] = (
    ("message is not modified", AlreadySo),
    ("query is too old", AlreadySo),
    ("query id is invalid", AlreadySo),
    ("message to edit not found", MessageGone),
    ("message can't be edited", MessageGone),
    ("there is no text in the message to edit", MessageGone),
    ("message_id_invalid", MessageGone),
    ("chat not found", ChatClosed),
    ("chat_write_forbidden", ChatClosed),
    ("not enough rights to send", ChatClosed),
    ("have no rights to send", ChatClosed),
    ("peer_id_invalid", ChatClosed),
    ("group chat was deactivated", ChatClosed),
    ("can't parse entities", TextRefused),
    ("message is too long", TextRefused),
    ("message caption is too long", TextRefused),
    ("media_caption_too_long", TextRefused),
    ("button_url_invalid", TextRefused),
    ("wrong http url", TextRefused),
    ("image_process_failed", PictureRefused),
    ("photo_invalid_dimensions", PictureRefused),
    ("too big for a photo", PictureRefused),
)

# Raised before the request has left the machine.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)


def translated(error: Exception) -> YuqingError:
    """Give the error to raise (with `from error`) instead of one of the library's, of time, or of an odd answer."""
    if _is_foreign(error):
        return Transient(
            f"应答的不是 Telegram 而是别的网页，请检查网络、代理或 YUQING_TELEGRAM_API：{_quoted(error)}"
        )
    return next(read(error) for kind, read in _READERS if isinstance(error, kind))


def _is_foreign(error: Exception) -> bool:
    """Whether a 4xx came without Telegram's JSON: a firewall's page must neither close chats nor reject the token."""
    is_verdict = isinstance(error, BadRequest | Forbidden | InvalidToken | Conflict)
    return is_verdict and isinstance(error.__cause__, TelegramError)


def _moved(error: ChatMigrated) -> YuqingError:
    return ChatMoved(str(error.new_chat_id))


def _told_to_wait(error: RetryAfter) -> YuqingError:
    wish = error.retry_after
    wait_s = wish.total_seconds() if isinstance(wish, timedelta) else float(wish)
    return Transient(f"Telegram 要求 {wait_s:g} 秒后再发", retry_after_s=wait_s)


def _refused(error: BadRequest) -> YuqingError:
    said = error.message.lower()
    kind = next((kind for fragment, kind in _BAD_REQUESTS if fragment in said), Permanent)
    return kind(f"Telegram 拒绝了这次请求：{_quoted(error)}")


def _network(error: NetworkError) -> YuqingError:
    """The library gives this one class to a cut line, to time-outs, to every 5xx and to the odd 4xx."""
    said = error.message.lower()
    if "too large (413)" in said or "request entity too large" in said:
        return Permanent("文件太大，Telegram 不收")
    if "too many requests" in said:
        return Transient("Telegram 嫌发得太快，但没有说要等多久")
    if any(isinstance(cause, _NOT_SENT) for cause in _causes(error)):
        return Transient(f"连不上 Telegram：{_quoted(error)}")
    return Transient(f"与 Telegram 的连接中断或超时：{_quoted(error)}", outcome_unknown=True)


def _closed(error: Forbidden) -> YuqingError:
    return ChatClosed(f"会话不再接收消息：{_quoted(error)}")


def _rejected(_: InvalidToken) -> YuqingError:
    return TokenRejected(
        "Telegram 不认这个机器人令牌（或接口地址不对）：请核对 YUQING_TELEGRAM_TOKEN 与 YUQING_TELEGRAM_API"
    )


def _second(error: Conflict) -> YuqingError:
    if "webhook" in error.message.lower():
        return Transient("这个机器人设置了 webhook，收不到消息：请先用 deleteWebhook 撤销")
    return Transient("另一个程序正在用同一个机器人令牌收消息：请停掉其中一个")


def _late(_: TimeoutError) -> YuqingError:
    return Transient("Telegram 一直没有答完", outcome_unknown=True)


def _odd(error: Exception) -> YuqingError:
    return Transient(f"Telegram 的回答读不懂：{_quoted(error)}", outcome_unknown=True)


# In this order: BadRequest is a NetworkError, and so is TimedOut; everything of the library is a TelegramError.
_READERS: tuple[tuple[type[Exception], Callable[[Any], YuqingError]], ...] = (
    (ChatMigrated, _moved),
    (RetryAfter, _told_to_wait),
    (BadRequest, _refused),
    (NetworkError, _network),
    (Forbidden, _closed),
    (InvalidToken, _rejected),
    (Conflict, _second),
    (TelegramError, _odd),
    (TimeoutError, _late),
    (Exception, _odd),
)


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause = error.__cause__
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _quoted(error: Exception) -> str:
    said = str(error) or type(error).__name__
    return said if len(said) <= _QUOTED else said[:_QUOTED] + "…"
