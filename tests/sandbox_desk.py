"""A running sandbox with its three people, a pair of hands, a moved clock and a raw caller; shared by the sandbox's tests."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import telegram
from telegram.request import HTTPXRequest

from bot.sandbox.client import SandboxClient
from bot.sandbox.server import Sandbox
from bot.sandbox.world import SANDBOX_TOKEN, Cast, SandboxGroup, SandboxPerson

DUTY, CONTACT, LEADER, NEWCOMER = 1001, 1002, 1003, 1004
GROUP, SMALL, FOREIGN = -1001000000001, -2002, -1001000000009
PEOPLE = (
    SandboxPerson(DUTY, "王晓敏", "值班员"),
    SandboxPerson(CONTACT, "赵志强", "联络员"),
    SandboxPerson(LEADER, "周明", "领导"),
    SandboxPerson(NEWCOMER, "孙丽", "办公室", started=False),
)
GROUPS = (
    SandboxGroup(GROUP, "舆情值班群", (DUTY, CONTACT)),
    SandboxGroup(SMALL, "水利局联络群", (CONTACT, DUTY), kind="group"),
    SandboxGroup(FOREIGN, "别的群", (LEADER,), bot_is_member=False),
)
CAST = Cast(PEOPLE, GROUPS)


class Clock:
    """Real time plus what a test added."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


@dataclass(frozen=True)
class Answer:
    status: int
    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def result(self) -> Any:
        assert self.body["ok"] is True, self.body
        return self.body["result"]

    @property
    def refusal(self) -> str:
        assert self.body["ok"] is False
        assert self.body["error_code"] == self.status
        return str(self.body["description"])


@dataclass
class Desk:
    sandbox: Sandbox
    hands: SandboxClient
    clock: Clock
    http: aiohttp.ClientSession

    async def api(self, method: str, **params: Any) -> Answer:
        """Call the Bot API with a JSON body."""
        return await self.post(method, json=params)

    async def post(
        self, method: str, token: str = SANDBOX_TOKEN, verb: str = "POST", **options: Any
    ) -> Answer:
        url = f"{self.sandbox.base_url}/bot{token}/{method}"
        async with self.http.request(verb, url, **options) as answer:
            return Answer(answer.status, await answer.json(), dict(answer.headers))

    @asynccontextmanager
    async def bot(self) -> AsyncIterator[telegram.Bot]:
        """A real python-telegram-bot client."""
        base = self.sandbox.base_url
        requests = [HTTPXRequest(httpx_kwargs={"trust_env": False}) for _ in range(2)]
        async with telegram.Bot(
            SANDBOX_TOKEN,
            base_url=f"{base}/bot",
            base_file_url=f"{base}/file/bot",
            request=requests[0],
            get_updates_request=requests[1],
        ) as bot:
            yield bot


@asynccontextmanager
async def running(cast: Cast = CAST, journal: Path | None = None, port: int = 0) -> AsyncIterator[Desk]:
    clock = Clock()
    sandbox = Sandbox(cast, journal=journal, now=clock, port=port)
    async with sandbox, SandboxClient(sandbox.base_url) as hands, aiohttp.ClientSession() as http:
        yield Desk(sandbox, hands, clock, http)


def buttons(*rows: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "inline_keyboard": [[{"text": text, "callback_data": data} for text, data in row] for row in rows]
    }
