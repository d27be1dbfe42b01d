"""A person's hands for tests and the automatic demo: the controls of `control.py` as methods, over HTTP.

    async with SandboxClient(sandbox.base_url) as hands:
        card = await hands.wait_for(lambda view: newest(view), as_=1001)
        await hands.press_label(1001, -1001000000001, "转办")

`as_` is always a person's id, `chat` a chat id; a private chat with the bot has the person's own id.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp

from bot.sandbox.world import Json

_T = TypeVar("_T")


class SandboxClientError(Exception):
    """The controls refused a request; `status` is the HTTP status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status


class SandboxClient:
    """Use as `async with`, or call `close`. Works from any process on the machine."""

    def __init__(self, base_url: str) -> None:
        self._base = base_url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    # -- looking ---------------------------------------------------------------------------------------------------

    async def state(self, as_: int) -> Json:
        """The whole view of this person, all messages included."""
        return await self._call("GET", "state", params={"as": as_, "limit": 0})

    async def messages(self, as_: int, chat: int) -> list[Json]:
        """All messages of one chat, oldest first; none where the person does not see the chat."""
        return messages_in(await self.state(as_), chat)

    async def toasts(self, as_: int) -> list[Json]:
        """What the bot answered to this person's presses: text, alert, press, chat, message; oldest first."""
        return list((await self._call("GET", "toasts", params={"as": as_}))["toasts"])

    async def record(self, method: str = "", after: int = 0) -> list[Json]:
        """Every Bot API call the sandbox got, oldest first."""
        return list((await self._call("GET", "record", params={"method": method, "after": after}))["calls"])

    async def wait_for(self, predicate: Callable[[Json], _T], as_: int, timeout: float = 10.0) -> _T:  # noqa: ASYNC109
        """Return the first truthy `predicate(state of this person)`; TimeoutError after `timeout` seconds."""
        async with asyncio.timeout(timeout):
            while True:
                view = await self.state(as_)
                found = predicate(view)
                if found:
                    return found
                await self.wait(view["revision"], timeout)

    async def wait_toast(self, as_: int, query: str, timeout: float = 10.0) -> Json:  # noqa: ASYNC109
        """Return the answer with a text to the press `query`."""
        async with asyncio.timeout(timeout):
            while True:
                revision = await self.wait(-1, 0)
                for toast in await self.toasts(as_):
                    if toast["press"] == query:
                        return toast
                await self.wait(revision, timeout)

    async def wait(self, after: int, timeout: float = 30.0) -> int:  # noqa: ASYNC109
        """Return the revision once it is above `after`, or as it is after `timeout` seconds."""
        body = await self._call("GET", "wait", params={"after": after, "timeout": timeout})
        return int(body["revision"])

    # -- acting ----------------------------------------------------------------------------------------------------

    async def send(
        self,
        as_: int,
        chat: int,
        text: str = "",
        *,
        reply_to: int | None = None,
        forward: bool = False,
        sticker: bool = False,
        photo: bool = False,
    ) -> Json:
        """Write as this person; return the message as that person sees it."""
        body = {"as": as_, "chat": chat, "text": text, "reply_to": reply_to}
        body |= {"forward": forward, "sticker": sticker, "photo": photo}
        return dict((await self._call("POST", "send", json=body))["message"])

    async def press(self, as_: int, chat: int, message: int, data: str) -> str:
        """Press with any data, forged or not; return the callback query's id."""
        body = {"as": as_, "chat": chat, "message": message, "data": data}
        return str((await self._call("POST", "press", json=body))["query"])

    async def press_label(self, as_: int, chat: int, label: str, *, message: int | None = None) -> str:
        """Press the newest button whose text contains `label`, in `message` if given; LookupError where there is none."""
        for shown in reversed(await self.messages(as_, chat)):
            for button in (b for row in shown["buttons"] for b in row):
                right = label in button["text"] and button["data"] is not None
                if right and message in (None, shown["id"]):
                    return await self.press(as_, chat, shown["id"], button["data"])
        raise LookupError(f"no button {label!r} in chat {chat}")

    async def read(self, as_: int, chat: int, message: int | None = None) -> None:
        await self._call("POST", "read", json={"as": as_, "chat": chat, "message": message})

    async def block(self, as_: int, blocked: bool = True) -> None:
        await self._call("POST", "block", json={"as": as_, "blocked": blocked})

    async def group(self, as_: int, action: str, **fields: Any) -> int:
        """Add, remove or migrate (see `control.py`); return the id of the group as it is now."""
        return int((await self._call("POST", "group", json={"as": as_, "action": action, **fields}))["chat"])

    async def faults(self, *lines: Json) -> Json:
        """Add lines to the script of faults; without lines only show it."""
        if not lines:
            return await self._call("GET", "faults")
        return await self._call("POST", "faults", json=list(lines))

    async def clear_faults(self) -> None:
        await self._call("DELETE", "faults")

    async def download(self, url: str) -> bytes:
        """Fetch a file by the `url` of a message's `files`."""
        async with self._open().get(self._base + url) as answer:
            answer.raise_for_status()
            return await answer.read()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(trust_env=False)
        return self._session

    async def _call(self, verb: str, path: str, **options: Any) -> Json:
        async with self._open().request(verb, f"{self._base}/sandbox/{path}", **options) as answer:
            body: Json = await answer.json()
        if answer.status >= 400:
            raise SandboxClientError(answer.status, str(body.get("error") or body.get("description")))
        return body


def messages_in(view: Json, chat: int) -> list[Json]:
    """The messages of one chat in a state, oldest first."""
    return next((list(c["messages"]) for c in view["chats"] if c["id"] == chat), [])
