"""The inbox: other systems push records to `POST /ingest/<source>`, signed; docs/push.md says how.

Reads a bounded body from whoever holds the key of a source, hands it to the worker and then to the core, and answers
202 only when that has committed. Keeps no state of its own: whether a body was taken before, the core knows. Speaks
plain HTTP/1.1, one request a connection; a proxy in front of it brings TLS.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from aiohttp import web

from monitors.comments import max_records
from monitors.fetch import Fetched
from monitors.parsed import Parsed
from monitors.round import Working, described, failure
from monitors.scoring import Accepting, scored
from monitors.sources import Source
from routing.clock import Clock
from routing.errors import StoreDown, UserError, system_words
from routing.items import Ailment, Harvest, SourceProblem, SourceState, Symptom

log = logging.getLogger(__name__)

window_s = 300
"""So far may the time stamp of a push lie from our clock, either way; the core knows each signature for longer."""
at_once = 8
"""Bodies that are held in memory together; the next sender is asked to come again."""
slow_s = 20.0
"""For the head of a request, and for its body."""
max_connections = 64
default_max_bytes = 5 * 1024 * 1024
types = frozenset({"application/json", "application/x-ndjson", "text/csv"})

_place = re.compile(r"/ingest/([a-z0-9][a-z0-9_-]{0,63})")
_signature = re.compile(r"sha256=([0-9a-fA-F]{64})")
_noted_at_once = 3
_note_again = timedelta(minutes=1)
_REFUSALS: Mapping[str, tuple[str, str]] = {
    "bad_signature": (
        "签名不对",
        "换过 YUQING_INGEST_KEY 的，用 yuqing sources key {source} 取新密钥交给推送方；没有换过的，请推送方核对密钥和签名的写法"
        "（docs/push.md）。推送方一切正常，就是别人在试，收下一次推送后自动消除",
    ),
    "unsigned": ("没有签名，或签名的写法不对", "请推送方按 docs/push.md 签名"),
    "stale_timestamp": (
        f"时间戳与本机时间相差超过 {window_s} 秒",
        "请核对推送方和本机的时钟，推送时才签名",
    ),
    "too_large": ("内容超过 max_bytes", "请推送方分几次推送，或调大该来源的 max_bytes"),
    "too_many": (f"一次推送超过 {max_records} 条", "请推送方分几次推送"),
    "unsupported_type": ("内容类型不对", "请推送方按 docs/push.md 写 Content-Type"),
    "unsupported_coding": ("内容是压缩过的", "请推送方不要压缩（docs/push.md）"),
}
"""Why a push was not believed, and the cure, as the operator reads them: nothing of the request, which may be anybody's."""
_busy_s = 2
_store_down_s = 30


def push_key(secret: str, source_id: str) -> str:
    """Derive the key of one source from the secret of all, as hexadecimal text; that text is what signs."""
    return hmac.new(secret.encode(), source_id.encode(), hashlib.sha256).hexdigest()


def sign(key: str, timestamp: int, source_id: str, body: bytes) -> str:
    """Give the value of X-Yuqing-Signature for a body. `timestamp`: Unix seconds, as in X-Yuqing-Timestamp."""
    signed = _signer(key, str(timestamp), source_id)
    signed.update(body)
    return f"sha256={signed.hexdigest()}"


def _signer(key: str, timestamp: str, source_id: str) -> hmac.HMAC:
    return hmac.new(key.encode(), f"{timestamp}.{source_id}.".encode(), hashlib.sha256)


class Door(Accepting, Protocol):
    """The core as the inbox sees it."""

    async def states(self, source_ids: Sequence[str]) -> Mapping[str, SourceState]:
        """Give the stored state of each source that has one."""

    async def pushed(self, source_id: str, signature: str) -> bool:
        """Tell whether a body with this signature (64 hexadecimal digits) was taken before."""

    async def refused(self, source_id: str, times: int, why: Symptom) -> None:
        """Note `times` more pushes that were not believed, the last one for this reason."""


class Inbox:
    """Serves the sources of kind `inbox` among those given. `secret` is what the keys of all of them come from."""

    def __init__(
        self,
        sources: Iterable[Source],
        worker: Working,
        door: Door,
        clock: Clock,
        secret: str,
        *,
        slow_s: float = slow_s,
    ) -> None:
        if not secret:
            raise ValueError("an empty secret signs for everybody")
        self.watch(sources)
        self._worker = worker
        self._door = door
        self._clock = clock
        self._secret = secret
        self._slow_s = slow_s
        self._slots = asyncio.Semaphore(at_once)
        self._runner: web.ServerRunner | None = None
        self._disbelieved: dict[str, _Disbelieved] = {}
        self._notes: set[asyncio.Task[None]] = set()

    def watch(self, sources: Iterable[Source]) -> None:
        """Serve these sources from now on; a push that is being taken ends as it began. Safe to call twice."""
        self._sources = {source.id: source for source in sources if source.kind == "inbox"}

    async def start(self, host: str, port: int) -> int:
        """Listen; gives the port, which was chosen if it was 0. Raises UserError where it is taken."""
        server = _Server(
            self._answer,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=self._slow_s,
            lingering_time=2.0,
        )
        runner = web.ServerRunner(server, shutdown_timeout=2 * self._slow_s)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            await runner.cleanup()
            why = system_words(error)
            raise UserError(
                f"推送入口不能监听 {host}:{port}（{why}）；请改 YUQING_INGEST_LISTEN，或停掉占用它的程序"
            ) from error
        self._runner = runner
        return int(runner.addresses[0][1])

    async def close(self) -> None:
        """Listen no more; a push that is being taken is taken to its end. Safe to call twice."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        await asyncio.gather(*self._notes)

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        place = _place.fullmatch(request.path) if request.method == "POST" else None
        try:
            if place is None:
                raise _Refusal(404, "not_found", "没有这个页面；推送请用 POST /ingest/来源编号")
            told = await self._take(request, place[1], self._clock())
            self._disbelieved.pop(place[1], None)
        except _Refusal as refusal:
            log.info("push to %s refused: %s", place[1] if place else "no source", refusal.code)
            if place is not None and place[1] in self._sources and refusal.code in _REFUSALS:
                self._disbelieve(place[1], refusal.code, self._clock())
            return refusal.answer()
        except StoreDown as error:
            wait_s = max(1, round(error.retry_after_s or _store_down_s))
            return _Refusal(503, "store_down", "数据库暂时不可用，请稍后重推", wait_s).answer()
        except (
            Exception
        ):  # a broad door as in the poller: one push must not end the inbox, nor show its insides
            log.exception("push to %s failed", place[1] if place else "no source")
            return _Refusal(500, "internal", "程序内部出错，没有收下；请看日志").answer()
        return _json(202, told)

    def _disbelieve(self, source_id: str, code: str, now: datetime) -> None:
        """Count a push that was not believed, and tell the core: of the first ones at once, then once a minute.

        Not before the answer, which must not show by its time that there is such a source; and not each, for whoever
        reaches us may send as many as he likes.
        """
        counted = self._disbelieved.setdefault(source_id, _Disbelieved(now))
        counted.times += 1
        counted.untold += 1
        if counted.times > _noted_at_once and abs(now - counted.noted_at) < _note_again:
            return
        detail, cure = _REFUSALS[code]
        why = Symptom(Ailment.REFUSED, detail, cure.format(source=source_id))
        counted.noted_at, times, counted.untold = now, counted.untold, 0
        note = asyncio.create_task(self._note(source_id, times, why))
        self._notes.add(note)
        note.add_done_callback(self._notes.discard)

    async def _note(self, source_id: str, times: int, why: Symptom) -> None:
        try:
            await self._door.refused(source_id, times, why)
        except StoreDown:
            log.warning("refused pushes to %s were not noted: the store is away", source_id)
        except Exception:  # as above
            log.exception("refused pushes to %s were not noted", source_id)

    async def _take(self, request: web.BaseRequest, source_id: str, now: datetime) -> dict[str, Any]:
        """Take one push. Raises _Refusal, and StoreDown of the core.

        1. What the head alone decides, before a byte of the body is asked for.
        2. The body, bounded in size and time, and its signature. Until here a source that is not there looks like one
           that is: the key is derived and compared all the same.
        3. Only then is anything parsed. 202 follows the commit.
        """
        timestamp, signature = _signed_head(request, now)
        source = self._sources.get(source_id)
        if self._slots.locked():
            raise _Refusal(503, "busy", "正在接收的推送太多，请稍后重推", _busy_s)
        async with self._slots:
            signer = _signer(push_key(self._secret, source_id), timestamp, source_id)
            limit = source.max_bytes if source else default_max_bytes
            body = await self._body(request, limit, signer)
            if not hmac.compare_digest(signer.hexdigest(), signature):
                log.warning("push to %s: wrong signature", source_id)
                raise _Refusal(401, "bad_signature", "签名不对；请核对密钥、来源编号和签名的写法")
            if source is None:
                raise _Refusal(
                    404, "unknown_source", f"没有编号为 {source_id} 的推送来源；请核对 sources.toml"
                )
            if not body.strip():  # an export that broke; that there is nothing new is said by an empty list
                raise _Refusal(
                    400, "empty", "内容是空的，请检查导出；没有新记录就不必推送，要确认通路可推送空列表 []"
                )
            if await self._door.pushed(source_id, signature):
                return {"accepted": 0, "repeated": True}
            fetched = Fetched(200, body, request.headers["Content-Type"], source.url)
            parsed = await self._worker.parse(source, fetched, now)
            return await self._keep(source, parsed, now, signature)

    async def _body(self, request: web.BaseRequest, limit: int, signer: hmac.HMAC) -> bytes:
        too_large = _Refusal(
            413, "too_large", f"内容超过 {limit} 字节；请分几次推送，或调大该来源的 max_bytes"
        )
        if (request.content_length or 0) > limit:
            raise too_large
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = bytearray()
        try:
            async with asyncio.timeout(self._slow_s):
                async for chunk in request.content.iter_any():
                    if len(body) + len(chunk) > limit:
                        raise too_large
                    body += chunk
                    signer.update(chunk)
        except TimeoutError as error:
            raise _Refusal(408, "too_slow", f"{self._slow_s:g} 秒内没有传完，请分几次推送") from error
        except (web.RequestPayloadError, ConnectionError) as error:
            raise _Refusal(400, "broken", "内容没有传完整，请重推") from error
        return bytes(body)

    async def _keep(self, source: Source, parsed: Parsed, now: datetime, signature: str) -> dict[str, Any]:
        if parsed.entries > max_records:  # part of a push would be lost with whoever reads no notes
            raise _Refusal(
                413,
                "too_many",
                f"一次推送 {parsed.entries} 条，最多 {max_records} 条，一条也没有收下；请分几次推送",
            )
        state = (await self._door.states([source.id])).get(source.id) or SourceState(source.id)
        if parsed.problem is not None and not parsed.items:
            failed = failure(source, state, now, parsed.problem, None)
            await self._door.accept(replace(failed, state=replace(failed.state, next_poll_at=None)))
            raise _unreadable(parsed.problem)
        done = replace(
            state, failures=0, next_poll_at=None, last_ok_at=now, changed_at=now, baseline_done=True
        )
        if not state.baseline_done:
            # What is pushed is news from the first time on: nobody pushes what stood there before the watch began.
            await self._door.accept(described(Harvest(source.id, now, done), source))
        harvest = Harvest(
            source.id,
            now,
            done,
            parsed.items,
            notes=parsed.notes,
            symptoms=(*parsed.symptoms, *_skipped(parsed)),
            entries=parsed.entries,
            push=signature,
        )
        told = [*parsed.notes, *(symptom.detail for symptom in harvest.symptoms)]
        harvest, ahead = await scored(described(harvest, source), self._worker, self._door)
        lines = [*ahead, *await self._door.accept(harvest)]
        if parsed.entries and not harvest.items:
            raise _Refusal(422, "nothing_taken", "一条也没有收下：" + "；".join(dict.fromkeys(told)))
        notes = {"notes": list(dict.fromkeys(told))} if told else {}
        return {"accepted": len(harvest.items), "new": len(lines), **notes}


@dataclass(slots=True)
class _Disbelieved:
    """Pushes of one source that were not believed since one was: all, those the core has not heard of, and when it did."""

    noted_at: datetime
    times: int = 0
    untold: int = 0


class _Server(web.Server):
    """Turns connections away above a number: whoever holds many open must not use up the service's files."""

    def connection_made(self, handler: Any, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        if len(self.connections) > max_connections:
            # A moment later: the handler is in the midst of setting itself up.
            asyncio.get_running_loop().call_soon(transport.abort)


class _Refusal(Exception):
    """Why a push is not taken: a stable code for programs, a sentence for people, and when to come again."""

    def __init__(self, status: int, code: str, message: str, retry_after_s: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self._status = status
        self._message = message
        self._retry_after_s = retry_after_s

    def answer(self) -> web.Response:
        answer = _json(self._status, {"error": self.code, "message": self._message})
        if self._retry_after_s is not None:
            answer.headers["Retry-After"] = str(self._retry_after_s)
        return answer


def _json(status: int, told: Mapping[str, Any]) -> web.Response:
    text = json.dumps(told, ensure_ascii=False) + "\n"
    answer = web.Response(
        text=text, status=status, content_type="application/json", headers={"Server": "yuqing"}
    )
    answer.force_close()
    return answer


def _signed_head(request: web.BaseRequest, now: datetime) -> tuple[str, str]:
    """Give time stamp and signature as they are written, the latter in hexadecimal. Raises _Refusal."""
    if request.content_type not in types or "Content-Type" not in request.headers:
        raise _Refusal(415, "unsupported_type", f"内容类型须为 {'、'.join(sorted(types))} 之一")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise _Refusal(415, "unsupported_coding", "内容不能压缩；请去掉 Content-Encoding")
    timestamp = request.headers.get("X-Yuqing-Timestamp", "")
    signature = _signature.fullmatch(request.headers.get("X-Yuqing-Signature", ""))
    if signature is None or not re.fullmatch(r"[0-9]{1,12}", timestamp):
        raise _Refusal(
            401, "unsigned", "缺少签名或写法不对；须有 X-Yuqing-Timestamp（Unix 秒）和 X-Yuqing-Signature"
        )
    apart = round(int(timestamp) - now.timestamp())
    if abs(apart) > window_s:
        told = f"时间戳比本机时间{'快' if apart > 0 else '慢'} {abs(apart)} 秒，最多允许相差 {window_s} 秒"
        raise _Refusal(401, "stale_timestamp", f"{told}；请校准时钟，并在推送时才签名")
    return timestamp, signature[1].lower()


def _unreadable(problem: SourceProblem) -> _Refusal:
    return _Refusal(422, "unreadable", f"{problem.detail}；{problem.cure}")


def _skipped(parsed: Parsed) -> tuple[Symptom, ...]:
    problem = parsed.problem
    return () if problem is None else (Symptom(Ailment.SKIPPED, problem.detail, problem.cure),)
