"""The sandbox server: the Bot API, the controls and the page on one loopback address.

Puts the pieces together and does what faults ask for on the wire. No rules of Telegram here: `methods.py`, `chats.py`,
`updates.py`. Refuses any address that is not loopback, and any request that a foreign web page might have sent.
"""

import asyncio
import hmac
import ipaddress
import json
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.web_request import FileField

from bot.sandbox.chats import CHAT_METHODS
from bot.sandbox.control import Controls
from bot.sandbox.faults import REFUSALS, Fault, Faults
from bot.sandbox.methods import MESSAGE_METHODS
from bot.sandbox.params import DOWNLOAD_BYTES, UPLOAD_BYTES, ApiError, Params, Upload, bad
from bot.sandbox.updates import Poller
from bot.sandbox.world import SANDBOX_TOKEN, Cast, Json, World

_log = logging.getLogger(__name__)
_PAGE = Path(__file__).parent / "page"
_BODY_BYTES = UPLOAD_BYTES + 2 * 1024 * 1024
_PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
_METHODS = {name.lower(): (name, handler) for name, handler in {**MESSAGE_METHODS, **CHAT_METHODS}.items()}
_GET_UPDATES = "getupdates"
_HTML_502 = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class Sandbox:
    """A local Telegram. A client of the Bot API uses `base_url + "/bot"`, a person the page at `base_url + "/"`.

    `journal`: JSONL file that lets a killed sandbox go on where it was; None keeps everything in memory. `now`: epoch
    seconds, for dates and expiry; waiting is in real time. `title`, `hint`: shown on the page. `port` 0: any free one.
    """

    def __init__(
        self,
        cast: Cast,
        *,
        token: str = SANDBOX_TOKEN,
        host: str = "127.0.0.1",
        port: int = 0,
        journal: Path | None = None,
        now: Callable[[], float] = time.time,
        title: str = "",
        hint: str = "",
    ) -> None:
        if not _is_loopback(host):
            raise ValueError(f"the sandbox listens on loopback only, not on {host}")
        self.token = token
        self.world = World(cast, int(token.partition(":")[0]), now, journal)
        self._host = host
        self._port = port
        self._faults = Faults()
        self._poller = Poller(self.world)
        self._controls = Controls(self.world, self._faults, title or cast.bot_name, hint)
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Replay the journal and listen; raise OSError where the port is taken."""
        self.world.open()
        app = web.Application(client_max_size=_BODY_BYTES, middlewares=[_only_from_here, _json_errors])
        app.add_routes(self._controls.routes())
        app.router.add_route("*", "/bot{token:[^/]+}/{method}", self._bot_api)
        app.router.add_get("/file/bot{token:[^/]+}/{path:.+}", self._download)
        for path, name in (
            ("/", "index.html"),
            ("/page.css", "page.css"),
            ("/page.js", "page.js"),
            ("/draw.js", "draw.js"),
        ):
            app.router.add_get(path, _page(name))
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, self._host, self._port)
        try:
            await site.start()
        except OSError:
            await runner.cleanup()
            self.world.close()
            raise
        self._runner = runner

    async def stop(self) -> None:
        """End waiting requests, close the port and the journal. Safe to call twice."""
        self._poller.close()
        self._controls.close()
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()
        self.world.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:PORT`, without a slash at the end; only while it runs."""
        if self._runner is None:
            raise RuntimeError("the sandbox is not running")
        host, port = self._runner.addresses[0][:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    # -- the Bot API -----------------------------------------------------------------------------------------------

    def _token_is_right(self, request: web.Request) -> bool:
        return hmac.compare_digest(request.match_info["token"].encode(), self.token.encode())

    async def _bot_api(self, request: web.Request) -> web.StreamResponse:
        if not self._token_is_right(request):
            return _refusal(ApiError(401, "Unauthorized"))
        asked = request.match_info["method"]
        name, handler = _METHODS.get(asked.lower(), (asked, None))
        if asked.lower() == _GET_UPDATES:
            name = "getUpdates"
        elif handler is None:
            return self._answer(name, Params(), error=ApiError(404, "Not Found"))
        try:
            params = await _params(request)
        except ApiError as error:
            return self._answer(name, Params(), error=error)
        fault = self._faults.take(name, params.text("chat_id"))
        if fault is not None:
            early = await self._before(request, name, params, fault)
            if early is not None:
                return early
        answer = await self._act(name, handler, params, fault)
        return await _after(request, answer, fault)

    async def _before(
        self, request: web.Request, name: str, params: Params, fault: Fault
    ) -> web.StreamResponse | None:
        """Play a fault that strikes before the act; None lets the act go on."""
        if fault.kind in REFUSALS:
            return self._answer(name, params, error=fault.refusal(), fault=fault)
        if fault.kind == "html502":
            self._record(name, params, fault=fault, status=502)
            return web.Response(status=502, text=_HTML_502, content_type="text/html")
        if fault.kind == "cut_before":
            self._record(name, params, fault=fault, status=0)
            return _cut(request)
        if fault.kind == "slow":
            await asyncio.sleep(fault.delay_s)
        return None

    async def _act(self, name: str, handler: Any, params: Params, fault: Fault | None) -> web.Response:
        """Carry out the call; its changes and its line in the record are one step of the journal."""
        try:
            if handler is None:
                return self._answer(name, params, await self._poller.get_updates(params), fault=fault)
            media = params.nested("media")
            count = len(media) if isinstance(media, list) else 1
            self._faults.check_flood(name, params.text("chat_id"), count, self.world.now())
            return self._answer(name, params, handler(self.world, params), fault=fault)
        except ApiError as error:
            return self._answer(name, params, error=error, fault=fault)

    def _answer(
        self,
        name: str,
        params: Params,
        result: Any = None,
        *,
        error: ApiError | None = None,
        fault: Fault | None = None,
    ) -> web.Response:
        status = error.code if error else 200
        self._record(name, params, result, status=status, error=error, fault=fault)
        return _refusal(error) if error else _json({"ok": True, "result": result})

    def _record(
        self,
        name: str,
        params: Params,
        result: Any = None,
        *,
        status: int,
        error: ApiError | None = None,
        fault: Fault | None = None,
    ) -> None:
        sent = [m["message_id"] for m in (result if isinstance(result, list) else [result]) if _is_message(m)]
        self.world.put(
            "call",
            method=name,
            params=params.shown(),
            at=self.world.now(),
            outcome="fault" if fault and fault.kind != "slow" else ("refused" if error else "accepted"),
            status=status,
            done=status == 200,
            description=error.description if error else "",
            message_id=sent[0] if sent else None,
            message_ids=sent,
            fault=fault.kind if fault else None,
        )
        self.world.commit()

    async def _download(self, request: web.Request) -> web.StreamResponse:
        if not self._token_is_right(request):
            return _refusal(ApiError(401, "Unauthorized"))
        path = request.match_info["path"]
        stored = next((f for f in self.world.files.values() if f.path == path), None)
        if stored is None or stored.size > DOWNLOAD_BYTES:
            return _refusal(ApiError(404, "Not Found"))
        return web.Response(
            body=self.world.blobs.load(stored.number), content_type="application/octet-stream"
        )


async def _params(request: web.Request) -> Params:
    """Read query and body together; the body wins."""
    values: Json = dict(request.query)
    files: dict[str, Upload] = {}
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.text() or "{}")
        except ValueError:
            raise bad("can't parse request body as JSON object") from None
        if not isinstance(body, dict):
            raise bad("can't parse request body as JSON object")
        return Params({**values, **body})
    for name, value in (await request.post()).items():
        if isinstance(value, FileField):
            files[name] = Upload(value.filename, value.content_type, value.file.read())
        else:
            values[name] = (
                bytes(value).decode(errors="replace") if isinstance(value, bytes | bytearray) else value
            )
    return Params(values, files)


async def _after(request: web.Request, answer: web.Response, fault: Fault | None) -> web.StreamResponse:
    """Play a fault that strikes after the act: the answer is lost."""
    if fault is not None and fault.kind == "cut_after":
        return _cut(request)
    if fault is not None and fault.kind == "timeout_after":
        await asyncio.Event().wait()  # ends by cancellation when the client gives up or the sandbox stops
    return answer


def _cut(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and "message_id" in value


def _refusal(error: ApiError) -> web.Response:
    body: Json = {"ok": False, "error_code": error.code, "description": error.description}
    if error.parameters:
        body["parameters"] = error.parameters
    answer = _json(body, error.code)
    if "retry_after" in error.parameters:
        answer.headers["Retry-After"] = str(error.parameters["retry_after"])
    return answer


def _json(body: Json, status: int = 200) -> web.Response:
    return web.json_response(body, status=status)


def _page(name: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def serve(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(_PAGE / name, headers=_PAGE_HEADERS)

    return serve


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


_Door = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def _only_from_here(request: web.Request, handler: _Door) -> web.StreamResponse:
    """Refuse foreign Host and Origin headers: a web page elsewhere must not steer the sandbox (DNS rebinding)."""
    host = urlsplit(f"//{request.host}").hostname or ""
    origin = request.headers.get("Origin")
    if not _is_loopback(host) or (origin is not None and urlsplit(origin).netloc != request.host):
        return _refusal(ApiError(403, "Forbidden: the sandbox answers this machine only"))
    return await handler(request)


@web.middleware
async def _json_errors(request: web.Request, handler: _Door) -> web.StreamResponse:
    """Answer in JSON whatever goes wrong, as the Bot API does."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        words = {404: "Not Found", 413: "Request Entity Too Large"}
        return _refusal(ApiError(error.status, words.get(error.status, error.reason)))
    except Exception:
        _log.exception("the sandbox failed at %s", request.path)
        return _refusal(ApiError(500, "Internal Server Error"))
