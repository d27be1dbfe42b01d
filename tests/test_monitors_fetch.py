import asyncio
import gzip
import socket
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from monitors.fetch import Failed, Fetched, Fetcher, is_public, retry_after
from monitors.sources import Cursor, Mapped, Source
from routing.items import Fault, Kind, SourceState

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
FEED = "<rss><channel><title>停水</title></channel></rss>".encode()
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Handler], Awaitable[Source]]


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    async with Fetcher(lambda: NOW) as made:
        yield made


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start a real server for a handler; gives a source that may ask it."""
    servers: list[TestServer] = []

    async def start(handler: Handler) -> Source:
        app = web.Application()
        app.router.add_get("/{tail:.*}", handler)
        server = TestServer(app)
        await server.start_server()
        servers.append(server)
        return source_of(f"http://127.0.0.1:{server.port}/rss")

    yield start
    for server in servers:
        await server.close()


def source_of(url: str, **more: object) -> Source:
    port = URL(url).port
    plain = Source(
        id="s",
        name="来源",
        kind="feed",
        url=url,
        site="x",
        item_kind=Kind.ARTICLE,
        allow_hosts=(f"127.0.0.1:{port}",),
        timeout_s=5,
        max_bytes=64 * 1024,
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def fetched(outcome: Fetched | Failed) -> Fetched:
    assert isinstance(outcome, Fetched), outcome
    return outcome


def failed(outcome: Fetched | Failed, fault: Fault) -> Failed:
    assert isinstance(outcome, Failed), outcome
    assert outcome.problem.fault is fault, outcome
    assert outcome.problem.detail
    assert outcome.problem.cure
    return outcome


async def test_a_body_comes_inflated_with_its_validators(fetcher: Fetcher, serve: Serve) -> None:
    seen: dict[str, str] = {}

    async def handler(request: web.Request) -> web.Response:
        seen.update(request.headers)
        headers = {
            "Content-Encoding": "gzip",
            "ETag": 'W/"1"',
            "Last-Modified": "Fri, 20 Nov 2026 10:00:00 GMT",
        }
        return web.Response(body=gzip.compress(FEED), headers=headers, content_type="text/xml")

    source = await serve(handler)
    answer = fetched(await fetcher.fetch(source))
    assert (answer.status, answer.body, answer.etag) == (200, FEED, 'W/"1"')
    assert answer.last_modified == "Fri, 20 Nov 2026 10:00:00 GMT"
    assert answer.content_type.startswith("text/xml")
    assert seen["Accept-Encoding"] == "gzip"
    assert seen["User-Agent"] == "yuqing/0.1"
    assert "If-None-Match" not in seen


async def test_known_validators_are_sent_and_304_is_no_fault(fetcher: Fetcher, serve: Serve) -> None:
    async def handler(request: web.Request) -> web.Response:
        same = (
            request.headers.get("If-None-Match") == '"1"'
            and request.headers.get("If-Modified-Since") == "then"
        )
        return web.Response(status=304 if same else 200, body=b"" if same else FEED)

    source = await serve(handler)
    state = SourceState("s", etag='"1"', last_modified="then")
    assert fetched(await fetcher.fetch(source, state)).not_modified
    assert fetched(await fetcher.fetch(source)).body == FEED


async def test_a_304_that_nobody_asked_for_is_a_fault(fetcher: Fetcher, serve: Serve) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=304)

    failed(await fetcher.fetch(await serve(handler)), Fault.STATUS)


async def test_the_cursor_goes_into_the_query(fetcher: Fetcher, serve: Serve) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=request.query_string)

    plain = await serve(handler)
    mapping = Mapped(items="a", id=("b",), text=("c",), cursor=Cursor("max_id", "d"))
    source = replace(plain, kind="comments", mapping=mapping, url=plain.url + "?oid=1&max_id=0")
    assert fetched(await fetcher.fetch(source, cursor="7 8")).body == b"oid=1&max_id=7 8"
    assert fetched(await fetcher.fetch(source)).body == b"oid=1&max_id=0"


@pytest.mark.parametrize("status", [403, 404, 410, 429, 500, 503])
async def test_a_refusing_status_is_a_fault_with_the_wish_of_the_server(
    status: int, fetcher: Fetcher, serve: Serve
) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Retry-After": "120"}, text="<html>error</html>")

    outcome = failed(await fetcher.fetch(await serve(handler)), Fault.STATUS)
    assert outcome.retry_after_s == 120
    assert str(status) in outcome.problem.detail


async def test_a_gzip_bomb_is_stopped_at_the_cap(fetcher: Fetcher, serve: Serve) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(b"\0" * 1024**2) for _ in range(200)) + packer.flush()

    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    source = replace(await serve(handler), max_bytes=5 * 1024**2)
    assert len(bomb) < source.max_bytes
    failed(await fetcher.fetch(source), Fault.TOO_LARGE)


@pytest.mark.parametrize("coding", ["gzip, gzip", "br", "zstd"])
async def test_other_content_codings_are_refused(coding: str, fetcher: Fetcher, serve: Serve) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(gzip.compress(FEED)), headers={"Content-Encoding": coding})

    failed(await fetcher.fetch(await serve(handler)), Fault.UNREADABLE)


@pytest.mark.parametrize(
    "body", [gzip.compress(FEED, mtime=0)[:-9], b"not gzip at all"], ids=["cut", "no gzip"]
)
async def test_a_broken_gzip_body_is_a_fault(body: bytes, fetcher: Fetcher, serve: Serve) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Encoding": "gzip"})

    failed(await fetcher.fetch(await serve(handler)), Fault.UNREADABLE)


async def test_a_body_of_20_mb_is_refused_by_its_length(fetcher: Fetcher, serve: Serve) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * 20_000_000)

    failed(await fetcher.fetch(await serve(handler)), Fault.TOO_LARGE)


async def test_an_endless_body_is_stopped_at_the_cap(fetcher: Fetcher, serve: Serve) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(b"x" * 4096)

    failed(await fetcher.fetch(await serve(handler)), Fault.TOO_LARGE)


@pytest.mark.parametrize("slow_part", ["headers", "body"])
async def test_a_slow_answer_ends_at_the_deadline(slow_part: str, fetcher: Fetcher, serve: Serve) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        if slow_part == "body":
            await answer.prepare(request)
        while True:
            if slow_part == "body":
                await answer.write(b"x")
            await asyncio.sleep(0.05)

    source = replace(await serve(handler), timeout_s=0.3)
    async with asyncio.timeout(3):
        failed(await fetcher.fetch(source), Fault.TIMEOUT)


async def test_redirects_are_followed_and_not_stored(fetcher: Fetcher, serve: Serve) -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path == "/rss":
            raise web.HTTPMovedPermanently("/moved?停=水")
        return web.Response(body=FEED)

    source = await serve(handler)
    answer = fetched(await fetcher.fetch(source))
    assert "/moved" in answer.final_url
    assert source.url.endswith("/rss")


@pytest.mark.parametrize(
    "location", ["/rss", "file:///etc/passwd", "ftp://x.example/", "http://a:b@x.example/"]
)
async def test_loops_and_strange_targets_are_refused(location: str, fetcher: Fetcher, serve: Serve) -> None:
    asked = 0

    async def handler(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(status=302, headers={"Location": location})

    failed(await fetcher.fetch(await serve(handler)), Fault.REDIRECTS)
    assert asked == (6 if location == "/rss" else 1)


class Listener:
    """A real listening socket that counts who connects."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]

    def connections(self) -> int:
        count = 0
        while True:
            try:
                self._socket.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1

    def close(self) -> None:
        self._socket.close()


SPELLINGS = ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "127。0。0。1", "0.0.0.0",
             "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]"]  # fmt: skip


@pytest.mark.parametrize("host", SPELLINGS)
async def test_no_spelling_of_a_private_address_is_connected_to(host: str, fetcher: Fetcher) -> None:
    inside = Listener()
    try:
        source = replace(
            source_of("http://x.example/"), url=f"http://{host}:{inside.port}/rss", allow_hosts=()
        )
        outcome = await fetcher.fetch(source)
        assert isinstance(outcome, Failed)
        assert outcome.problem.fault in {Fault.FORBIDDEN_ADDRESS, Fault.NETWORK}
        assert inside.connections() == 0
    finally:
        inside.close()


async def test_a_redirect_to_an_address_that_is_not_allowed_makes_no_connection(
    fetcher: Fetcher, serve: Serve
) -> None:
    inside = Listener()

    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": f"http://127.0.0.1:{inside.port}/admin"})

    try:
        outcome = failed(await fetcher.fetch(await serve(handler)), Fault.FORBIDDEN_ADDRESS)
        assert inside.connections() == 0
        assert f"127.0.0.1:{inside.port}" in outcome.problem.cure
    finally:
        inside.close()


async def test_an_allowed_name_is_allowed_on_its_port_only(fetcher: Fetcher, serve: Serve) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=FEED)

    source = await serve(handler)
    port = URL(source.url).port
    by_name = replace(source, url=f"http://localhost:{port}/rss", allow_hosts=(f"localhost:{port}",))
    assert fetched(await fetcher.fetch(by_name)).body == FEED
    failed(await fetcher.fetch(replace(by_name, allow_hosts=("localhost:1",))), Fault.FORBIDDEN_ADDRESS)
    failed(await fetcher.fetch(replace(by_name, allow_hosts=(f"127.0.0.1:{port}",))), Fault.FORBIDDEN_ADDRESS)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True), ("2001:4860:4860::8888", True), ("64:ff9b::808:808", True), ("2002:808:808::1", True),
        ("10.0.0.1", False), ("172.16.0.1", False), ("192.168.1.1", False), ("169.254.169.254", False),
        ("100.64.0.1", False), ("127.0.0.1", False), ("0.0.0.0", False), ("255.255.255.255", False),
        ("224.0.0.1", False), ("240.0.0.1", False), ("192.0.2.1", False), ("::1", False), ("::", False),
        ("fe80::1%eth0", False), ("fc00::1", False), ("fec0::1", False), ("ff02::1", False),
        ("::ffff:10.0.0.1", False), ("::ffff:8.8.8.8", True), ("::7f00:1", False), ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False), ("64:ff9b::a00:1", False), ("2001:db8::1", False), ("not an address", False),
    ],
)  # fmt: skip
def test_only_addresses_of_the_public_net_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


async def test_a_closed_port_and_a_cut_line_are_network_faults(fetcher: Fetcher, serve: Serve) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "100"})
        await answer.prepare(request)
        await answer.write(b"x")
        assert request.transport is not None
        request.transport.abort()
        return answer

    failed(await fetcher.fetch(await serve(handler)), Fault.NETWORK)
    closed = Listener()
    closed.close()
    failed(await fetcher.fetch(source_of(f"http://127.0.0.1:{closed.port}/x?key=secret")), Fault.NETWORK)


async def test_a_proxy_of_the_environment_is_not_used(
    fetcher: Fetcher, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=FEED)

    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert fetched(await fetcher.fetch(await serve(handler))).body == FEED


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("120", 120), ("Sat, 21 Nov 2026 02:01:00 GMT", 60), ("Sat, 21 Nov 2026 01:00:00 GMT", 0), ("soon", None),
     ("", None), (None, None), ("-5", None), ("9" * 50, 999999999)],
)  # fmt: skip
def test_retry_after_is_read_in_both_forms(written: str | None, seconds: float | None) -> None:
    assert retry_after(written, NOW) == seconds
