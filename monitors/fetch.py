"""The only socket of the monitors: a source is asked at its addresses in turn, bounded in time, size, hops and address.

It stores nothing and does not look into the body. Every fault is a value that says what the operator can do; only
cancellation and bugs leave as exceptions.
"""

import asyncio
import json
import logging
import socket
import string
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from functools import lru_cache
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, quote_from_bytes, urlencode

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from monitors import answers
from monitors.addresses import (
    NotPublic,
    PublicResolver,
    Resolver,
    hidden_target,
    host_port,
    is_allowed,
    is_fake,
    public_socket,
)
from monitors.bodies import read_body, read_page
from monitors.direct import Answer, Direct
from monitors.faults import (
    Unread,
    all_failed,
    network_problem,
    refuse_binary,
    status_problem,
    timeout_problem,
)
from monitors.sources import Source
from monitors.turns import Deadlines, Turns
from routing.items import Fault, SourceProblem, SourceState, Symptom

log = logging.getLogger(__name__)

max_redirects = 5
deadlines_for_all = 3
"""However many addresses a source has, together they get three times its `timeout_s`."""
too_little_s = 0.001
"""Where less is left, no further address is asked."""
keep_s = 3
"""For how long a connection may idle; the web servers in use close theirs after 2 to 75 s."""
remember_names_s = 5
_permanent = {301, 308}
_redirects = {301, 302, 303, 307, 308}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a source answered. `body` is inflated; empty where `not_modified`. Times in seconds.

    `final_url`: the address that answered; its validators are good for no other. `moved_to`: where an unbroken chain
    of permanent redirects (301, 308) led. `server_at`: what the server's own clock said (Date header), aware UTC.
    `fresh_s`: how long it calls the answer fresh (Cache-Control, Expires). `mirror`: which of the source's addresses
    answered. Readers of files set `memory` (see `SourceState`; it may change where `not_modified`, too), `symptoms`:
    what could not be read, though the source as a whole could, and `place`: the names of the files that the body is of.
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
    symptoms: tuple[Symptom, ...] = ()
    place: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """Why there is no answer; `retry_after_s` is the server's wish, None where it had none."""

    problem: SourceProblem
    retry_after_s: float | None = None


class _Reach(Enum):
    """Where the sockets of one session may lead; sockets are never shared between two of them."""

    PUBLIC = "public"
    ALLOWED = "allowed"  # the host and port stand in the source's allow_hosts
    PROXIED = "proxied"  # to the proxy, which the operator wrote


@dataclass(frozen=True, slots=True)
class _Request:
    """One request. `body` None: GET. `at` and `host`: its address, and the host and port of it, as text.

    `is_plain`: a GET of an address without name and password.
    """

    url: URL
    at: str
    host: str
    body: bytes | None = None
    content_type: str = ""
    is_plain: bool = True

    @classmethod
    def to(cls, url: URL, body: bytes | None = None, content_type: str = "") -> Self:
        is_plain = body is None and url.raw_user is None and url.raw_password is None
        return cls(url, str(url), host_port(url), body, content_type, is_plain)

    def redirected(self, status: int, location: str | None) -> "_Request":
        """Give the request that a redirect asks for; only 307 and 308 repeat a POST (RFC 9110 section 15.4)."""
        url = _next_url(self.url, location)
        return self.to(url, self.body, self.content_type) if status in {307, 308} else self.to(url)


@dataclass(frozen=True, slots=True)
class _Redirect:
    status: int
    location: str | None


@dataclass(slots=True)
class _Watch:
    """What is left of the time for one address, in seconds; it stands still while a turn is waited for.

    `status`: what the request under way was answered with, None before.
    """

    left: float
    status: int | None = None


class Fetcher:
    """Client sessions for all sources; use it as an async context manager, or call `close`.

    At most `at_once` requests run together, and `per_host` to one host and port. `resolver` None: the system's.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        at_once: int = 64,
        per_host: int = 4,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._clock = clock
        self._turns = Turns(at_once, per_host)
        self._deadlines = Deadlines()
        self._given_resolver = resolver
        self._resolver = resolver
        self._clients: dict[tuple[_Reach, bool], _Client] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the sockets. Safe to call twice."""
        self._deadlines.close()
        while self._clients:
            await self._clients.popitem()[1].session.close()
        if self._given_resolver is None and self._resolver is not None:
            await self._resolver.close()
            self._resolver = None

    async def fetch(
        self, source: Source, state: SourceState | None = None, *, cursor: str | None = None
    ) -> Fetched | Failed:
        """Ask the source once: its addresses from `state.mirror` on, each at most once, until one answers.

        The validators of `state` go to the address they came from and to no other. `cursor` goes into the query, or
        into the body where the source is asked by POST. Of what several addresses want for Retry-After the shortest
        wait counts, and none where one of them named none: any of them may answer by then.
        """
        places = source.addresses()
        first = state.mirror if state is not None else 0
        budget = deadlines_for_all * source.timeout_s
        failures: list[Failed] = []
        for step in range(len(places)):
            index = (first + step) % len(places)
            watch = _Watch(min(source.timeout_s, budget))
            given = watch.left
            outcome = await self._try(source, places[index], state, cursor, watch)
            if isinstance(outcome, Fetched):
                if not index:
                    return outcome
                return replace(outcome, mirror=index, moved_to=None)
            log.info("source %s: address %d failed: %s", source.id, index, outcome.problem.fault)
            failures.append(outcome)
            budget -= given - watch.left
            if budget < too_little_s:
                break
        wishes = [failed.retry_after_s for failed in failures if failed.retry_after_s is not None]
        return Failed(
            all_failed([failed.problem for failed in failures], len(places)),
            min(wishes) if len(wishes) == len(failures) else None,
        )

    async def _try(
        self, source: Source, address: str, state: SourceState | None, cursor: str | None, watch: _Watch
    ) -> Fetched | Failed:
        try:
            return await self._follow(source, _first_request(source, address, cursor), state, cursor, watch)
        except Unread as unread:
            return Failed(replace(unread.problem, status=watch.status), unread.retry_after_s)
        except TimeoutError as error:
            limits = {"timeout_s": source.timeout_s, "connect_s": source.connect_s, "read_s": source.read_s}
            return Failed(replace(timeout_problem(error, **limits), status=watch.status))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            log.info("source %s: %s", source.id, type(error).__name__)  # never its text: it may hold keys
            return Failed(replace(network_problem(error), status=watch.status))

    async def _follow(
        self, source: Source, request: _Request, state: SourceState | None, cursor: str | None, watch: _Watch
    ) -> Fetched:
        known_url = _validator_url(source, state)
        origin, moved = request.url, True
        for hop in range(max_redirects + 1):
            known = state if request.at == known_url and request.body is None else None
            headers = _headers(source, request, known, own=not hop or _is_same_place(origin, request.url))
            answer = await self._ask(source, request, headers, watch, first=not hop)
            if isinstance(answer, Fetched):
                permanent = hop and moved and cursor is None and answer.status in {200, 304}
                return replace(answer, moved_to=request.at) if permanent else answer
            following = request.redirected(answer.status, answer.location)
            moved = (
                moved and answer.status in _permanent and (following.body is None) == (request.body is None)
            )
            request = following
        raise Unread(Fault.REDIRECTS, f"跳转超过 {max_redirects} 次", "请在浏览器打开，改用最后的网址")

    async def _ask(
        self,
        source: Source,
        request: _Request,
        headers: Mapping[str, str],
        watch: _Watch,
        *,
        first: bool,
    ) -> Fetched | _Redirect:
        """Make one request, within the time that is left and when it is its host's turn."""
        watch.status = None
        url = request.url
        allowed = is_allowed(url, source.allow_hosts)
        turn = await self._turns.take(request.host, source.spacing_s if first else None)
        loop = asyncio.get_running_loop()
        began = loop.time()
        limit = self._deadlines.start(watch.left, began)
        try:
            with limit:
                if source.proxy is not None:
                    reach = _Reach.PROXIED
                    if not allowed and (hidden := await hidden_target(url, self._names())) is not None:
                        raise _forbidden(url, hidden)
                else:
                    reach = _Reach.ALLOWED if allowed else _Reach.PUBLIC
                # A POST is not repeated by itself, so it gets no kept connection, which may be closing just now.
                client = self._client(reach, keep=turn.is_shared and request.body is None)
                async with client.ask(source, request, headers) as answer:
                    watch.status = answer.status
                    if answer.status in _redirects:
                        return _Redirect(answer.status, answer.headers.get("Location"))
                    return await self._read(answer, source, request.at, headers)
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, NotPublic):
                raise _forbidden(url, error.os_error.address) from error
            raise
        finally:
            watch.left = 0 if limit.is_over else watch.left - (loop.time() - began)
            self._turns.give_back(turn)

    async def _read(self, answer: Answer, source: Source, final_url: str, sent: Mapping[str, str]) -> Fetched:
        fields, now = answer.headers, self._clock()
        unchanged = answer.status == 304 and ("If-None-Match" in sent or "If-Modified-Since" in sent)
        if not unchanged and not 200 <= answer.status < 300:
            problem = status_problem(answer.status, await read_page(answer) if answer.status >= 400 else "")
            wish = answers.retry_after(fields.get("Retry-After"), now)
            raise Unread(problem.fault, problem.detail, problem.cure, retry_after_s=wish)
        body = b"" if unchanged else await read_body(answer, source.max_bytes)
        if body and source.kind != "page":  # a file may be watched for being changed
            refuse_binary(body)
        return Fetched(
            status=answer.status,
            body=body,
            content_type=answers.validator(fields, "Content-Type") or "",
            final_url=final_url,
            etag=answers.validator(fields, "ETag"),
            last_modified=answers.validator(fields, "Last-Modified"),
            not_modified=unchanged,
            server_at=answers.server_at(fields),
            fresh_s=answers.fresh_s(fields, now),
        )

    def _names(self) -> AbstractResolver:
        if self._resolver is None:
            self._resolver = Resolver()
        return self._resolver

    def _client(self, reach: _Reach, *, keep: bool) -> "_Client":
        """Give the client for a reach. With `keep` its connections are used again.

        Kept are only those to a host that several ask or wait for, until the last of them is done: a connection a host
        for thousands of hosts would use up the descriptors (aiohttp keeps one to each).
        """
        client = self._clients.get((reach, keep))
        if client is None:
            public = reach is _Reach.PUBLIC
            lifetime: dict[str, Any] = {"keepalive_timeout": keep_s} if keep else {"force_close": True}
            connector = aiohttp.TCPConnector(
                limit=0,  # the turns hold the limits
                resolver=PublicResolver(self._names()) if public else self._names(),
                socket_factory=public_socket if public else None,
                family=socket.AF_UNSPEC,
                ttl_dns_cache=remember_names_s,
                **lifetime,
            )
            client = self._clients[reach, keep] = _Client(connector)
        return client


class _Client:
    """The session over one connector, and the short way past it for what most requests are."""

    def __init__(self, connector: aiohttp.BaseConnector) -> None:
        self.session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, trust_env=False
        )
        self._direct = Direct(self.session)

    def ask(
        self, source: Source, request: _Request, headers: Mapping[str, str]
    ) -> AbstractAsyncContextManager[Answer]:
        limits = _limits(source.connect_s, source.read_s)
        if source.proxy is None and request.is_plain:
            return self._direct.get(request.url, headers, limits)
        return self.session.request(
            "GET" if request.body is None else "POST",
            request.url,
            data=request.body,
            headers=headers,
            allow_redirects=False,
            proxy=source.proxy,
            timeout=limits,
        )


# --- requests ---


@lru_cache(maxsize=4096)
def _address(text: str) -> URL:
    return URL(text).with_fragment(None)


@lru_cache(maxsize=4096)
def _plain_request(address: str) -> _Request:
    return _Request.to(_address(address))


@lru_cache(maxsize=64)
def _limits(connect_s: float, read_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=connect_s, sock_read=read_s)


_json_type, _form_type = "application/json", "application/x-www-form-urlencoded"


def _first_request(source: Source, address: str, cursor: str | None) -> _Request:
    """Give the request for one address; `cursor` is placed where the source takes its parameters. Raises ValueError."""
    if cursor is None and source.json_body is None and not source.form:
        return _plain_request(address)
    url = _address(address)
    mapping = source.mapping
    more: list[tuple[str, str]] = []
    if cursor is not None and mapping is not None and mapping.cursor is not None:
        more = [(mapping.cursor.send, cursor)]
    elif cursor is not None and mapping is not None and mapping.page is not None:
        more = parse_qsl(cursor, keep_blank_values=True)
    if source.json_body is not None:
        return _Request.to(url, _json_with(source, source.json_body, more), _json_type)
    if source.form:
        kept = [pair for pair in source.form if pair[0] not in dict(more)]
        return _Request.to(url, urlencode(kept + more).encode(), _form_type)
    return _Request.to(url.update_query(more) if more else url)


def _json_with(source: Source, written: str, more: list[tuple[str, str]]) -> bytes:
    """Give a JSON body with further parameters at its top. A number stays a number: 2 is not "2" to many servers."""
    if not more:
        return written.encode()
    page = source.mapping.page if source.mapping is not None else None
    counted = page.send if page is not None and page.kind != "cursor" else None
    body = json.loads(written)
    for name, value in more:
        is_number = type(body.get(name, 0 if name == counted else None)) is int
        body[name] = int(value) if is_number and value.isascii() and value.isdigit() else value
    return json.dumps(body, ensure_ascii=False).encode()


_accepted = {
    "feed": "application/rss+xml, application/atom+xml, application/feed+json;q=0.9, application/xml;q=0.9, "
    "text/xml;q=0.9, */*;q=0.5",
    "page": "text/html, application/xhtml+xml, */*;q=0.5",
    "column": "text/html, application/xhtml+xml, */*;q=0.5",
}


@lru_cache(maxsize=256)
def _fixed_headers(user_agent: str, kind: str, own: tuple[tuple[str, str], ...]) -> dict[str, str]:
    ours = {
        "User-Agent": user_agent,
        "Accept": _accepted.get(kind, "application/json"),
        "Accept-Encoding": "gzip",
    }
    theirs = dict(own)
    replaced = {name.lower() for name in theirs}
    return {name: value for name, value in ours.items() if name.lower() not in replaced} | theirs


def _headers(source: Source, request: _Request, known: SourceState | None, *, own: bool) -> Mapping[str, str]:
    """Give the header fields. `known`: whose validators to send. `own` False: without those of the configuration."""
    fixed = _fixed_headers(source.user_agent, source.kind, source.headers if own else ())
    more = {}
    if request.body is not None:
        more["Content-Type"] = request.content_type
    if known is not None and known.etag:
        more["If-None-Match"] = known.etag
    if known is not None and known.last_modified:
        more["If-Modified-Since"] = known.last_modified
    return fixed | more if more else fixed


def _validator_url(source: Source, state: SourceState | None) -> str | None:
    """Give the one address that the validators of a state are for; a state of old did not note it."""
    if state is None or not (state.etag or state.last_modified):
        return None
    return state.validator_url or _plain_request(source.url).at


# --- hops ---


def _next_url(url: URL, location: str | None) -> URL:
    if not location:
        raise Unread(Fault.REDIRECTS, "跳转没有给出目标", "请在浏览器打开，改用最后的网址")
    try:
        target = url.join(URL(_as_written(location))).with_fragment(None)
        port = target.port
    except ValueError as error:
        raise Unread(Fault.REDIRECTS, "跳转目标不是有效的网址", "请在浏览器打开，改用最后的网址") from error
    if target.scheme not in {"http", "https"} or not target.host or not port:
        words = f"跳转到 {target.scheme[:20] or '未知'} 地址，未跟随"
        raise Unread(Fault.REDIRECTS, words, "请核对来源网址")
    if target.user is not None or target.password is not None:
        raise Unread(Fault.REDIRECTS, "跳转目标里带账号密码，未跟随", "请核对来源网址")
    return target


def _as_written(location: str) -> str:
    """Give a target whose letters are not UTF-8 byte by byte, as browsers send it back; older servers write GBK."""
    raw = location.encode("utf-8", "surrogateescape")
    try:
        raw.decode()
    except UnicodeDecodeError:
        return quote_from_bytes(raw, safe=string.punctuation)
    return location


def _is_same_place(origin: URL, url: URL) -> bool:
    """Tell whether a redirect stays where the operator sent his header fields; the step up to https does."""
    if origin.host != url.host:
        return False
    plain_to_safe = (origin.scheme, origin.port, url.scheme, url.port) == ("http", 80, "https", 443)
    return plain_to_safe or (origin.scheme, origin.port) == (url.scheme, url.port)


def _forbidden(url: URL, address: str) -> Unread:
    cure = f'若确属本单位的服务，请在该来源写 allow_hosts = ["{host_port(url)}"]'
    if is_fake(address):
        cure = "这是代理软件给出的虚拟地址：请为该来源写 proxy，或让本机使用真实的域名解析"
    detail = f"{(url.host or '')[:80]} 指向内部地址 {address[:80]}，未连接"
    return Unread(Fault.FORBIDDEN_ADDRESS, detail, cure)
