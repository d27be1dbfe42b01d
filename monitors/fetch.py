"""The only socket of the monitors: one conditional GET, bounded in time, size, redirects and address.

It stores nothing and does not look into the body. Every fault is a value that says what the operator can do; only
cancellation and bugs leave as exceptions.
"""

import asyncio
import contextvars
import email.utils
import ipaddress
import logging
import socket
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, ClassVar, Self

import aiohttp
from yarl import URL

from monitors.sources import Source
from routing.items import Fault, SourceProblem, SourceState

log = logging.getLogger(__name__)

max_redirects = 5
connect_limit_s = 10
_redirects = {301, 302, 303, 307, 308}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a source answered. `body` is inflated; empty where `not_modified`. Times in seconds.

    `moved_to`: where an unbroken chain of permanent redirects (301, 308) led. `server_at`: what the server's own
    clock said (Date header), aware UTC. `fresh_s`: how long it calls the answer fresh (Cache-Control, Expires).
    `mirror`: which of the source's addresses answered. `memory` is set by readers of files, see `SourceState`.
    """

    status: int
    body: bytes
    content_type: str
    final_url: str
    etag: str | None = None
    last_modified: str | None = None
    not_modified: bool = False
    moved_to: str | None = None
    server_at: datetime | None = None
    fresh_s: float | None = None
    mirror: int = 0
    memory: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """Why there is no answer; `retry_after_s` is the server's wish, None where it had none."""

    problem: SourceProblem
    retry_after_s: float | None = None


@dataclass(slots=True)
class _Hop:
    """One request: whether its host may be private, and which addresses were refused."""

    may_be_private: bool
    refused: list[str] = field(default_factory=list)


_hop: contextvars.ContextVar[_Hop] = contextvars.ContextVar("hop")


class Fetcher:
    """One client session for all sources; use it as an async context manager, or call `close`."""

    def __init__(self, clock: Callable[[], datetime], *, at_once: int = 64, per_host: int = 4) -> None:
        self._clock = clock
        self._limits = (at_once, per_host)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the sockets. Safe to call twice."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def fetch(
        self, source: Source, state: SourceState | None = None, *, cursor: str | None = None
    ) -> Fetched | Failed:
        """Ask the source once, with the validators of `state`; `cursor` goes into the query."""
        url = URL(source.url)
        if cursor is not None and source.mapping is not None and source.mapping.cursor is not None:
            url = url.update_query({source.mapping.cursor.send: cursor})
        try:
            async with asyncio.timeout(source.timeout_s):
                return await self._follow(url, source, state)
        except _Refused as refused:
            return refused.failed
        except TimeoutError:
            return _failed(
                Fault.TIMEOUT,
                f"{source.timeout_s:g} 秒内没有读完",
                "请稍后再看；若来源一向很慢，请调大 timeout_s",
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return _unreachable(error)

    async def _follow(self, url: URL, source: Source, state: SourceState | None) -> Fetched:
        headers = _headers(source, state)
        conditional = "If-None-Match" in headers or "If-Modified-Since" in headers
        for _ in range(max_redirects + 1):
            hop = _Hop(
                f"{url.host}:{url.port}" in source.allow_hosts or _bracketed(url) in source.allow_hosts
            )
            _hop.set(hop)
            try:
                async with self._open().get(url, headers=headers, allow_redirects=False) as answer:
                    if answer.status not in _redirects:
                        return await self._read(answer, source, conditional=conditional)
                    url = _next_url(url, answer.headers.get("Location"))
            except aiohttp.ClientConnectionError as error:
                if hop.refused:
                    raise _Refused(
                        Fault.FORBIDDEN_ADDRESS,
                        f"{url.host} 指向内部地址 {hop.refused[0]}，未连接",
                        f'若确属本单位的服务，请在该来源写 allow_hosts = ["{url.host}:{url.port}"]',
                    ) from error
                raise
        raise _Refused(Fault.REDIRECTS, f"跳转超过 {max_redirects} 次", "请在浏览器打开，改用最后的网址")

    async def _read(self, answer: aiohttp.ClientResponse, source: Source, *, conditional: bool) -> Fetched:
        if answer.status == 304 and conditional:
            return _fetched(answer, b"", not_modified=True)
        if not 200 <= answer.status < 300:
            raise _Refused(
                Fault.STATUS,
                f"来源返回 {answer.status}",
                _status_cure(answer.status),
                retry_after_s=retry_after(answer.headers.get("Retry-After"), self._clock()),
            )
        if (answer.content_length or 0) > source.max_bytes:
            raise _too_large(source)
        inflate = _Inflater(answer.headers.get("Content-Encoding", ""), source)
        body = bytearray()
        async for chunk in answer.content.iter_any():
            body += inflate(chunk, source.max_bytes - len(body))
        inflate.finish()
        return _fetched(answer, bytes(body))

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            at_once, per_host = self._limits
            # No kept connection: a poll comes once a minute, and a socket that outlives its check of the address
            # could be used by a source that may not go there.
            connector = aiohttp.TCPConnector(
                limit=at_once,
                limit_per_host=per_host,
                force_close=True,
                use_dns_cache=False,
                socket_factory=_public_socket,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_limit_s),
            )
        return self._session


# --- addresses ---

_nat64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_public(address: str) -> bool:
    """Tell whether an address lies in the public net; an IPv4 address packed into IPv6 is unpacked first."""
    try:
        plain = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(_is_global(part) for part in (plain, *_packed(plain)))


def _is_global(address: _Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        if _packed(address):
            return True  # the packed address decides
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _packed(address: _Address) -> Sequence[_Address]:
    if not isinstance(address, ipaddress.IPv6Address):
        return ()
    if address.ipv4_mapped:
        return (address.ipv4_mapped,)
    if address.sixtofour:
        return (address.sixtofour,)
    if address.teredo:
        return address.teredo
    if any(address in network for network in _nat64) or int(address) >> 32 == 0:
        return (ipaddress.IPv4Address(int(address) & 0xFFFFFFFF),)
    return ()


def _public_socket(info: tuple[Any, ...]) -> socket.socket:
    """Make the socket for one resolved address, or refuse it.

    The last moment before connecting: spellings, redirects and a resolver that changes its answer all end here.
    """
    family, kind, protocol, _, place = info
    hop = _hop.get()
    if not hop.may_be_private and not is_public(str(place[0])):
        hop.refused.append(str(place[0]))
        raise OSError(f"address {place[0]} is not public")
    return socket.socket(family, kind, protocol)


def _bracketed(url: URL) -> str:
    return f"[{url.host}]:{url.port}"


# --- headers, bodies, faults ---


def retry_after(written: str | None, now: datetime) -> float | None:
    """Read Retry-After (RFC 9110 section 10.2.3), seconds or a date; None where it is absent or nonsense."""
    text = (written or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


class _Refused(Exception):
    """A fault found on the way, with its words; never leaves this module."""

    def __init__(self, fault: Fault, detail: str, cure: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.failed = Failed(SourceProblem(fault, detail, cure), retry_after_s)


class _Inflater:
    """Undo one layer of content coding, never giving more than there is room for."""

    _windows: ClassVar[Mapping[str, int]] = {"gzip": 31, "x-gzip": 31, "deflate": 15}

    def __init__(self, coding: str, source: Source) -> None:
        coding = coding.strip().lower()
        self._source = source
        self._plain = coding in {"", "identity"}
        self._any = False
        if not self._plain and coding not in self._windows:
            raise _Refused(
                Fault.UNREADABLE, f"压缩方式 {coding[:40]} 不支持", "请联系来源改用 gzip，或换一个地址"
            )
        self._reader = zlib.decompressobj(self._windows.get(coding, 15))

    def __call__(self, chunk: bytes, room: int) -> bytes:
        try:
            self._any = self._any or bool(chunk)
            body = chunk if self._plain else self._reader.decompress(chunk, room + 1)
        except zlib.error as error:
            raise self._broken() from error
        if len(body) > room:
            raise _too_large(self._source)
        return body

    def finish(self) -> None:
        if not self._plain and self._any and not self._reader.eof:
            raise self._broken()

    def _broken(self) -> _Refused:
        return _Refused(Fault.UNREADABLE, "压缩内容损坏或不完整", "多半是传输中断；若反复出现请联系来源")


def _headers(source: Source, state: SourceState | None) -> dict[str, str]:
    headers = {
        "User-Agent": source.user_agent,
        "Accept": "application/json"
        if source.kind == "comments"
        else "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5",
        "Accept-Encoding": "gzip",
    }
    if state is not None and state.etag:
        headers["If-None-Match"] = state.etag
    if state is not None and state.last_modified:
        headers["If-Modified-Since"] = state.last_modified
    return headers


def _fetched(answer: aiohttp.ClientResponse, body: bytes, *, not_modified: bool = False) -> Fetched:
    return Fetched(
        status=answer.status,
        body=body,
        content_type=_kept(answer, "Content-Type") or "",
        final_url=str(answer.url),
        etag=_kept(answer, "ETag"),
        last_modified=_kept(answer, "Last-Modified"),
        not_modified=not_modified,
    )


def _kept(answer: aiohttp.ClientResponse, name: str) -> str | None:
    value = answer.headers.get(name, "")
    # Validators are stored and sent back: what is absurdly long or not printable ASCII is forgotten instead.
    return value if value and len(value) <= 512 and value.isascii() and value.isprintable() else None


def _next_url(url: URL, location: str | None) -> URL:
    if not location:
        raise _Refused(Fault.REDIRECTS, "跳转没有给出目标", "请在浏览器打开，改用最后的网址")
    try:
        target = url.join(URL(location))
        port = target.port
    except ValueError as error:
        raise _Refused(Fault.REDIRECTS, "跳转目标不是有效的网址", "请在浏览器打开，改用最后的网址") from error
    if target.scheme not in {"http", "https"} or not target.host or not port or target.user:
        raise _Refused(Fault.REDIRECTS, f"跳转到 {target.scheme or '未知'} 地址，未跟随", "请核对来源网址")
    return target


def _too_large(source: Source) -> _Refused:
    limit = f"{source.max_bytes / 1024 / 1024:.3g} MiB"
    return _Refused(Fault.TOO_LARGE, f"内容超过 {limit}", "请换条目较少的地址，或调大 max_bytes")


def _status_cure(status: int) -> str:
    cures = {
        401: "来源要求登录，请换公开的地址",
        403: "来源拒绝访问，请核对是否要求登录，或与来源联系",
        404: "地址已失效，请到来源网站找新的订阅地址",
        410: "来源已停用，请删去或换地址",
        429: "访问太频繁，请调大 interval_s",
    }
    return cures.get(status, "来源服务器出错，将自动重试" if status >= 500 else "请在浏览器打开该地址核对")


def _failed(fault: Fault, detail: str, cure: str) -> Failed:
    return Failed(SourceProblem(fault, detail, cure))


_network_words: tuple[tuple[type[BaseException], str, str], ...] = (
    (aiohttp.ClientConnectorDNSError, "域名解析失败", "请核对网址；若多个来源同时失败，请检查本机网络"),
    (aiohttp.ClientSSLError, "HTTPS 证书无效", "请在浏览器核对证书；核对前不会读取"),
    (aiohttp.ClientConnectorError, "连不上服务器", "请核对网址与端口；若多个来源同时失败，请检查本机网络"),
    (aiohttp.ServerDisconnectedError, "服务器中途断开", "将自动重试"),
    (aiohttp.ClientPayloadError, "内容没有传完", "将自动重试"),
    (aiohttp.ClientResponseError, "服务器的答复不合 HTTP 规范", "请核对网址；也可能是来源故障"),
    (aiohttp.InvalidURL, "网址无效", "请核对网址"),
)


def _unreachable(error: BaseException) -> Failed:
    log.info(
        "fetch failed: %s", type(error).__name__
    )  # never str(error): it may hold the query with its keys
    for kind, detail, cure in _network_words:
        if isinstance(error, kind):
            return _failed(Fault.NETWORK, detail, cure)
    return _failed(Fault.NETWORK, f"网络出错（{type(error).__name__}）", "将自动重试")
