"""The controls under `/sandbox/`: JSON over HTTP for the page, for tests and for an automatic demo.

    GET  state?as=&limit=              everything one person sees, with `revision`
    GET  events?as=&after=             server-sent events, one a change, `id:` is the revision; kind = message, edit, delete,
                                       toast, group, person, read, unread, or reset (then load the state again)
    GET  people                        {"people": [{id, name, label}]}: whom one can play
    GET  wait?after=&timeout=          {"revision"} as soon as it is above `after`, or after `timeout` seconds (at most 60)
    GET  toasts?as=                    answers with a text to presses of this person, oldest first
    POST send                          {as, chat?, text?, reply_to?, forward?, sticker?, photo?} -> {"message"}
    POST press                         {as, chat, message, data} -> {"query"}; any data, forged ones too
    POST read                          {as, chat, message?}
    POST block                         {as, blocked}
    POST group                         {as, action: add|remove|migrate, chat?, title?, members?, kind?, new_id?} -> {"chat"}
    GET  record?after=&method=         every Bot API call so far: seq, method, params, at, outcome accepted|refused|fault, status,
                                       done (the world changed), message_id, message_ids, description, fault
    GET, POST, DELETE faults           see, add ({kind, method?, chat?, times?, retry_after?, delay_s?} or a list), clear
    GET  file/<id>                     the bytes of a file

A refused request answers {"error": text} with 400, 403, 404 or 409.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from aiohttp import web

from bot.sandbox import people, views
from bot.sandbox.faults import Faults
from bot.sandbox.people import ControlError, Saying
from bot.sandbox.world import Json, World

_MESSAGES_SHOWN = 300
_WAIT_S = 60.0
_HEARTBEAT_S = 15.0
_UNREAD_CHANGES = ("message", "read", "delete")
_Door = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Controls:
    """The handlers of `/sandbox/`; one object a sandbox."""

    def __init__(self, world: World, faults: Faults, title: str, hint: str) -> None:
        self._world = world
        self._faults = faults
        self._title = title
        self._hint = hint
        self._closing = False

    def close(self) -> None:
        """Let every waiting request end."""
        self._closing = True
        self._world.wake()

    def routes(self) -> list[web.RouteDef]:
        doors: list[tuple[str, str, _Door]] = [
            ("GET", "state", self.state),
            ("GET", "people", self.people),
            ("GET", "events", self.events),
            ("GET", "wait", self.wait),
            ("GET", "toasts", self.toasts),
            ("GET", "record", self.record),
            ("GET", "file/{file}", self.file),
            ("POST", "send", self.send),
            ("POST", "press", self.press),
            ("POST", "read", self.read),
            ("POST", "block", self.block),
            ("POST", "group", self.group),
            ("GET", "faults", self.faults),
            ("POST", "faults", self.faults),
            ("DELETE", "faults", self.faults),
        ]
        return [web.route(verb, f"/sandbox/{path}", _guarded(door)) for verb, path, door in doors]

    # -- reading ---------------------------------------------------------------------------------------------------

    async def state(self, request: web.Request) -> web.StreamResponse:
        person = self._as(request.query.get("as"))
        limit = _integer(request.query.get("limit"), _MESSAGES_SHOWN)
        return web.json_response(views.state(self._world, person, limit, self._title, self._hint))

    async def people(self, _: web.Request) -> web.StreamResponse:
        cast = [{"id": p.id, "name": p.name, "label": p.label} for p in self._world.people.values()]
        return web.json_response({"people": cast})

    async def wait(self, request: web.Request) -> web.StreamResponse:
        after = _integer(request.query.get("after"), 0)
        timeout_s = min(float(request.query.get("timeout", "30")), _WAIT_S)
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + timeout_s
        while self._world.revision <= after and loop.time() < ends_at and not self._closing:
            await self._world.wait(ends_at - loop.time())
        return web.json_response({"revision": self._world.revision})

    async def toasts(self, request: web.Request) -> web.StreamResponse:
        person = self._as(request.query.get("as"))
        shown = [t for t in self._world.toasts if t["as"] == person and (t["text"] or t["url"])]
        return web.json_response({"toasts": shown})

    async def record(self, request: web.Request) -> web.StreamResponse:
        after = _integer(request.query.get("after"), 0)
        method = request.query.get("method", "").lower()
        calls = [c for c in self._world.calls[max(after, 0) :] if method in ("", c["method"].lower())]
        return web.json_response({"calls": calls})

    async def file(self, request: web.Request) -> web.StreamResponse:
        stored = self._world.files.get(request.match_info["file"])
        if stored is None:
            raise ControlError(404, "没有这个文件")
        inline = "inline" if stored.kind in ("photo", "sticker") else "attachment"
        headers = {
            "Content-Disposition": f"{inline}; filename*=UTF-8''{quote(stored.name)}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, max-age=86400",
        }
        data = self._world.blobs.load(stored.number)
        return web.Response(
            body=data, content_type=stored.mime or "application/octet-stream", headers=headers
        )

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Stream changes until the client goes or the sandbox stops; a gap is told by one `reset`."""
        person = self._as(request.query.get("as"))
        given = request.headers.get("Last-Event-ID") or request.query.get("after")
        seen = _integer(given, self._world.revision)
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )
        await response.prepare(request)
        await response.write(b"retry: 1000\n\n")
        while not self._closing:
            lines, seen = self._since(person, seen)
            if lines:
                await response.write("".join(lines).encode())
            if seen >= self._world.revision:
                revision = self._world.revision
                await self._world.wait(_HEARTBEAT_S)
                if self._world.revision == revision:
                    await response.write(b": still here\n\n")
        return response

    def _since(self, person: int, seen: int) -> tuple[list[str], int]:
        world = self._world
        oldest = world.changes[0]["revision"] if world.changes else world.revision + 1
        missed = len(world.changes) == world.changes.maxlen and seen < oldest - 1
        if seen > world.revision or missed:
            return [_event({"revision": world.revision, "kind": "reset"})], world.revision
        lines = []
        for happened in _newer(world, seen):
            body = views.change(world, happened, person)
            if happened["kind"] in _UNREAD_CHANGES:
                body = body or {"revision": happened["revision"], "kind": "unread"}
                body["unread"] = views.unread_map(world)
            if body is not None:
                lines.append(_event(body))
        return lines, world.revision

    # -- acting ----------------------------------------------------------------------------------------------------

    async def send(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        person = self._as(body.get("as"))
        reply_to = body.get("reply_to")
        saying = Saying(
            text=str(body.get("text") or ""),
            reply_to=None if reply_to is None else _integer(reply_to, 0),
            forward=bool(body.get("forward")),
            sticker=bool(body.get("sticker")),
            photo=bool(body.get("photo")),
        )
        sent = people.send(self._world, person, _integer(body.get("chat"), person), saying)
        self._world.commit()
        return web.json_response({"message": views.message(self._world, sent, person)})

    async def press(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        person = self._as(body.get("as"))
        data = body.get("data")
        if not isinstance(data, str):
            raise ControlError(400, "data 必须是字符串")
        chat = _integer(body.get("chat"), person)
        pressed = people.press(self._world, person, chat, _integer(body.get("message"), 0), data)
        self._world.commit()
        return web.json_response({"query": pressed.id})

    async def read(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        person = self._as(body.get("as"))
        message = body.get("message")
        upto = None if message is None else _integer(message, 0)
        people.read(self._world, person, _integer(body.get("chat"), person), upto)
        self._world.commit()
        return web.json_response({"unread": views.unread_map(self._world)})

    async def block(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        people.block(self._world, self._as(body.get("as")), bool(body.get("blocked")))
        self._world.commit()
        return web.json_response({"blocked": bool(body.get("blocked"))})

    async def group(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        person = self._as(body.get("as"))
        chat = _integer(body.get("chat"), 0)
        action = body.get("action")
        if action == "add":
            members = tuple(_integer(m, 0) for m in body.get("members") or ())
            title, kind = str(body.get("title") or ""), str(body.get("kind") or "supergroup")
            group = people.add_bot(self._world, person, chat, title, members, kind)
        elif action == "remove":
            group = people.remove_bot(self._world, person, chat)
        elif action == "migrate":
            new_id = body.get("new_id")
            group = people.migrate(self._world, person, chat, None if new_id is None else _integer(new_id, 0))
        else:
            raise ControlError(400, "action 只能是 add、remove、migrate")
        self._world.commit()
        return web.json_response({"chat": group.id})

    async def faults(self, request: web.Request) -> web.StreamResponse:
        if request.method == "DELETE":
            self._faults.clear()
        elif request.method == "POST":
            given = await _json(request)
            lines = given if isinstance(given, list) else [given]
            try:
                self._faults.add(lines)
            except (ValueError, AttributeError) as error:
                raise ControlError(400, str(error)) from error
        return web.json_response(self._faults.shown())

    def _as(self, given: Any) -> int:
        person = _integer(given, 0)
        if person not in self._world.people:
            raise ControlError(404, "没有这个人")
        return person


def _newer(world: World, seen: int) -> list[Json]:
    newer = []
    for happened in reversed(world.changes):
        if happened["revision"] <= seen:
            break
        newer.append(happened)
    return newer[::-1]


def _event(body: Json) -> str:
    return f"id: {body['revision']}\ndata: {json.dumps(body, ensure_ascii=True)}\n\n"


def _integer(given: Any, default: int) -> int:
    if given is None or given == "":
        return default
    try:
        return int(given)
    except (TypeError, ValueError):
        raise ControlError(400, f"不是整数：{given}") from None


async def _json(request: web.Request) -> Any:
    try:
        return json.loads(await request.text())
    except ValueError as error:
        raise ControlError(400, "请求不是 JSON") from error


async def _body(request: web.Request) -> Json:
    body = await _json(request)
    if not isinstance(body, dict):
        raise ControlError(400, "请求应为 JSON 对象")
    return body


def _guarded(door: _Door) -> _Door:
    async def guarded(request: web.Request) -> web.StreamResponse:
        try:
            return await door(request)
        except ControlError as error:
            return web.json_response({"error": str(error)}, status=error.status)

    return guarded
