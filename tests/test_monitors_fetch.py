import asyncio
import gzip
import itertools
import json
import logging
import socket
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from monitors.fetch import Failed, Fetched, Fetcher
from monitors.sources import Cursor, Mapped, Paging, Source
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
        app.router.add_route("*", "/{tail:.*}", handler)
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


def closed_port() -> str:
    """Give an address on loopback at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


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


async def test_a_fault_names_the_status_where_there_was_an_answer(fetcher: Fetcher, serve: Serve) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path == "/away":
            return web.Response(status=302, headers={"Location": closed_port()})
        if request.path == "/round":
            return web.Response(status=301, headers={"Location": "/round"})
        if request.path == "/large":
            return web.Response(body=b"x" * 100_000)
        return web.Response(status=404)

    source = await serve(handler)

    async def status_of(path: str, **more: object) -> int | None:
        url = str(URL(source.url).with_path(path))
        outcome = await fetcher.fetch(replace(source, url=url, **more))  # type: ignore[arg-type]
        assert isinstance(outcome, Failed)
        return outcome.problem.status

    assert await status_of("/gone") == 404
    assert await status_of("/round") == 301
    assert await status_of("/large") == 200
    assert await status_of("/away") is None
    assert await status_of("/gone", mirrors=(f"{URL(source.url).origin()}/round",)) == 301
    outcome = await fetcher.fetch(source_of(closed_port()))
    assert isinstance(outcome, Failed)
    assert outcome.problem.status is None


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


async def test_a_body_that_was_packed_twice_is_named_and_not_read_as_letters(
    fetcher: Fetcher, serve: Serve
) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(gzip.compress(FEED)), headers={"Content-Encoding": "gzip"})

    source = await serve(handler)
    outcome = await fetcher.fetch(source)
    assert isinstance(outcome, Failed)
    assert (outcome.problem.fault, outcome.problem.status) == (Fault.UNREADABLE, 200)
    assert "gzip" in outcome.problem.detail
    assert "Content-Encoding" in outcome.problem.cure
    assert isinstance(await fetcher.fetch(replace(source, kind="page")), Fetched)


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
    "location",
    [
        "/rss",
        "file:///etc/passwd",
        "ftp://x.example/",
        "http://a:secret@x.example/",
        "",
        "http://[::1/",
    ],
)
async def test_loops_and_strange_targets_are_refused(location: str, fetcher: Fetcher, serve: Serve) -> None:
    asked = 0

    async def handler(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(status=302, headers={"Location": location})

    outcome = failed(await fetcher.fetch(await serve(handler)), Fault.REDIRECTS)
    assert asked == (6 if location == "/rss" else 1)
    assert "secret" not in outcome.problem.detail


@pytest.mark.parametrize(
    ("path", "sent"),
    [("/停水?a=1".encode(), "/%E5%81%9C%E6%B0%B4?a=1"), ("/停水?a=1".encode("gb18030"), "/%CD%A3%CB%AE?a=1")],
    ids=["utf-8", "gb18030"],
)
async def test_a_target_in_raw_letters_is_asked_for_byte_by_byte(
    path: bytes, sent: str, fetcher: Fetcher
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).split()[1]
        if asked == b"/rss":
            writer.write(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + path + b"\r\n\r\n")
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(asked) + asked)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        outcome = await fetcher.fetch(source_of(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/rss"))
    assert fetched(outcome).body.decode() == sent


async def test_a_closed_port_and_a_cut_line_are_network_faults(fetcher: Fetcher, serve: Serve) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "100"})
        await answer.prepare(request)
        await answer.write(b"x")
        assert request.transport is not None
        request.transport.abort()
        return answer

    failed(await fetcher.fetch(await serve(handler)), Fault.NETWORK)
    failed(await fetcher.fetch(source_of(f"{closed_port()}/x")), Fault.NETWORK)


async def test_a_proxy_of_the_environment_is_not_used(
    fetcher: Fetcher, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=FEED)

    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert fetched(await fetcher.fetch(await serve(handler))).body == FEED


# --- validators ---


async def test_validators_go_to_the_address_they_came_from_and_to_no_other(
    fetcher: Fetcher, serve: Serve
) -> None:
    conditional: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        if {"If-None-Match", "If-Modified-Since"} & set(request.headers):
            conditional.append(request.path)
        if request.path == "/rss":
            raise web.HTTPFound("/today")
        if request.headers.get("If-None-Match") == '"today"':
            return web.Response(status=304)
        return web.Response(body=FEED, headers={"ETag": '"today"'})

    source = await serve(handler)
    first = fetched(await fetcher.fetch(source))
    assert conditional == []
    state = SourceState("s", etag=first.etag, last_modified="then", validator_url=first.final_url)
    again = fetched(await fetcher.fetch(source, state))
    assert again.not_modified
    assert again.final_url == first.final_url
    assert conditional == ["/today"]
    elsewhere = replace(source, url=source.url.replace("/rss", "/other"))
    assert fetched(await fetcher.fetch(elsewhere, state)).body == FEED
    assert conditional == ["/today"]


async def test_a_state_of_old_has_its_validators_from_the_source_itself(
    fetcher: Fetcher, serve: Serve
) -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path == "/moved":
            raise web.HTTPFound("/rss")
        return web.Response(status=304 if "If-None-Match" in request.headers else 200, body=FEED)

    source = await serve(handler)
    assert fetched(await fetcher.fetch(source, SourceState("s", etag='"1"'))).not_modified
    assert fetched(
        await fetcher.fetch(replace(source, url=f"{source.url}#top"), SourceState("s", etag='"1"'))
    ).not_modified
    moved = replace(source, url=source.url.replace("/rss", "/moved"))
    assert fetched(await fetcher.fetch(moved, SourceState("s", etag='"1"'))).body == FEED


@pytest.mark.parametrize(
    "headers", [{"Expires": "0"}, {"Cache-Control": "no-store"}, {"Cache-Control": "no-cache, max-age=0"}]
)
async def test_a_server_that_forbids_caching_is_asked_conditionally_all_the_same(
    headers: dict[str, str], fetcher: Fetcher, serve: Serve
) -> None:
    async def handler(request: web.Request) -> web.Response:
        same = request.headers.get("If-None-Match") == '"1"'
        return web.Response(status=304 if same else 200, body=FEED, headers={"ETag": '"1"', **headers})

    source = await serve(handler)
    first = fetched(await fetcher.fetch(source))
    assert first.fresh_s is None
    state = SourceState("s", etag=first.etag, validator_url=first.final_url)
    assert fetched(await fetcher.fetch(source, state)).not_modified


@pytest.mark.parametrize("etag", ["x" * 600, '"\u505c"', '"a\tb"'], ids=["long", "letters", "tab"])
async def test_a_validator_that_cannot_be_kept_is_forgotten(
    etag: str, fetcher: Fetcher, serve: Serve
) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=FEED, headers={"ETag": etag})

    assert fetched(await fetcher.fetch(await serve(handler))).etag is None


# --- what the answer says of itself ---


@pytest.mark.parametrize("end", [200, 304])
@pytest.mark.parametrize(
    ("chain", "moved"),
    [([301], True), ([308], True), ([301, 308, 301], True), ([302], False), ([307], False), ([303], False),
     ([301, 302], False), ([302, 301], False), ([], False)],
)  # fmt: skip
async def test_only_an_unbroken_chain_of_permanent_redirects_is_a_move(
    chain: list[int], moved: bool, end: int, fetcher: Fetcher, serve: Serve
) -> None:
    async def handler(request: web.Request) -> web.Response:
        step = int(request.path.strip("/").replace("rss", "0"))
        if step < len(chain):
            return web.Response(status=chain[step], headers={"Location": f"/{step + 1}?a=1"})
        return web.Response(status=304 if "If-None-Match" in request.headers else 200, body=FEED)

    source = await serve(handler)
    target = source.url.replace("/rss", f"/{len(chain)}?a=1") if chain else source.url
    state = SourceState("s", etag='"1"', validator_url=target) if end == 304 else None
    answer = fetched(await fetcher.fetch(source, state))
    assert answer.status == end
    assert answer.moved_to == (target if moved else None)
    assert answer.final_url == target


async def test_a_move_to_an_error_page_and_one_of_a_further_page_are_no_moves(
    fetcher: Fetcher, serve: Serve
) -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path == "/rss":
            raise web.HTTPMovedPermanently("/gone" if not request.query else "/page")
        return web.Response(status=404 if request.path == "/gone" else 200, body=FEED)

    plain = await serve(handler)
    failed(await fetcher.fetch(plain), Fault.STATUS)
    mapping = Mapped(items="a", id=("b",), text=("c",), cursor=Cursor("next", "d"))
    source = replace(plain, kind="comments", mapping=mapping)
    assert fetched(await fetcher.fetch(source, cursor="2")).moved_to is None


async def test_the_clock_and_the_freshness_of_the_server_are_told(fetcher: Fetcher, serve: Serve) -> None:
    async def handler(request: web.Request) -> web.Response:
        headers = {
            "Date": "Sat, 21 Nov 2026 01:50:00 GMT",
            "Cache-Control": "public, max-age=600",
            "Age": "60",
        }
        return web.Response(status=304 if "If-None-Match" in request.headers else 200, headers=headers)

    source = await serve(handler)
    for state in (None, SourceState("s", etag='"1"')):
        answer = fetched(await fetcher.fetch(source, state))
        assert answer.server_at == datetime(2026, 11, 21, 1, 50, tzinfo=UTC)
        assert answer.fresh_s == 540


# --- mirrors ---


async def serve_each(serve: Serve, *handlers: Handler) -> Source:
    """Give a source whose address and mirrors are served by these handlers, in order."""
    started = [await serve(handler) for handler in handlers]
    hosts = tuple(host for source in started for host in source.allow_hosts)
    return replace(started[0], mirrors=tuple(source.url for source in started[1:]), allow_hosts=hosts)


def answering(status: int, asked: list[int] | None = None, number: int = 0, **more: object) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        if asked is not None:
            asked.append(number)
        return web.Response(**({"status": status, "body": FEED} | more))  # type: ignore[arg-type]

    return handler


@pytest.mark.parametrize("status", [500, 502, 503, 429, 404, 403, 410, 401])
async def test_a_mirror_is_asked_where_the_address_refuses(
    status: int, fetcher: Fetcher, serve: Serve
) -> None:
    source = await serve_each(serve, answering(status), answering(200))
    answer = fetched(await fetcher.fetch(source))
    assert (answer.body, answer.mirror) == (FEED, 1)
    assert answer.final_url == source.mirrors[0]


async def test_a_mirror_is_asked_where_the_address_is_dead_slow_cut_or_inside(
    fetcher: Fetcher, serve: Serve
) -> None:
    hung = asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        await hung.wait()
        return web.Response()

    async def cut(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    source = await serve_each(serve, answering(200), slow, cut)
    good, slow_url, cut_url = source.addresses()
    inside = f"{closed_port()}/inside"
    for bad in (slow_url, cut_url, inside, f"{closed_port()}/rss"):
        allowed = source.allow_hosts if bad == inside else (*source.allow_hosts, f"127.0.0.1:{URL(bad).port}")
        one = replace(source, url=bad, mirrors=(good,), timeout_s=0.3, allow_hosts=allowed)
        assert fetched(await fetcher.fetch(one)).mirror == 1
    hung.set()


async def test_addresses_are_tried_from_the_last_good_one_and_around_once(
    fetcher: Fetcher, serve: Serve
) -> None:
    asked: list[int] = []
    source = await serve_each(serve, *(answering(503, asked, number) for number in range(4)))
    failed(await fetcher.fetch(source, SourceState("s", mirror=2)), Fault.STATUS)
    assert asked == [2, 3, 0, 1]
    asked.clear()
    failed(await fetcher.fetch(source, SourceState("s", mirror=9)), Fault.STATUS)  # mirrors were taken away
    assert asked == [1, 2, 3, 0]
    asked.clear()
    failed(await fetcher.fetch(source), Fault.STATUS)
    assert asked == [0, 1, 2, 3]


async def test_the_first_that_answers_ends_the_search(fetcher: Fetcher, serve: Serve) -> None:
    asked: list[int] = []
    source = await serve_each(
        serve, answering(200, asked, 0), answering(500, asked, 1), answering(200, asked, 2)
    )
    assert fetched(await fetcher.fetch(source, SourceState("s", mirror=1))).mirror == 2
    assert asked == [1, 2]


async def test_validators_do_not_go_to_a_mirror(fetcher: Fetcher, serve: Serve) -> None:
    conditional: list[int] = []

    def noting(number: int, status: int) -> Handler:
        async def handler(request: web.Request) -> web.Response:
            if "If-None-Match" in request.headers:
                conditional.append(number)
            return web.Response(status=status, body=FEED)

        return handler

    source = await serve_each(serve, noting(0, 503), noting(1, 200))
    assert fetched(await fetcher.fetch(source, SourceState("s", etag='"1"'))).body == FEED
    assert conditional == [0]
    state = SourceState("s", etag='"1"', mirror=1, validator_url=source.mirrors[0])
    assert fetched(await fetcher.fetch(source, state)).mirror == 1
    assert conditional == [0, 1]


async def test_a_move_of_a_mirror_is_not_a_move_of_the_source(fetcher: Fetcher, serve: Serve) -> None:
    async def moved(request: web.Request) -> web.Response:
        if request.path == "/rss":
            raise web.HTTPMovedPermanently("/new")
        return web.Response(body=FEED)

    source = await serve_each(serve, answering(500), moved)
    answer = fetched(await fetcher.fetch(source))
    assert answer.final_url.endswith("/new")
    assert answer.moved_to is None


async def test_all_failed_says_how_many_and_the_last_fault(fetcher: Fetcher, serve: Serve) -> None:
    source = await serve_each(serve, answering(503), answering(502), answering(404))
    problem = failed(await fetcher.fetch(source), Fault.STATUS).problem
    assert "3 个地址都没有读到" in problem.detail
    assert "404" in problem.detail
    assert "502" not in problem.detail


@pytest.mark.parametrize(
    ("wishes", "wait"), [((60, 30), 30), ((60, None), None), ((None, 60), None), ((None, None), None)]
)
async def test_of_several_wishes_the_shortest_wait_counts(
    wishes: tuple[int | None, ...], wait: float | None, fetcher: Fetcher, serve: Serve
) -> None:
    handlers = [answering(503, headers={} if wish is None else {"Retry-After": str(wish)}) for wish in wishes]
    assert failed(await fetcher.fetch(await serve_each(serve, *handlers)), Fault.STATUS).retry_after_s == wait


async def test_each_address_has_the_deadline_and_all_together_three(fetcher: Fetcher, serve: Serve) -> None:
    asked: list[int] = []
    hung = asyncio.Event()

    def slow(number: int) -> Handler:
        async def handler(_: web.Request) -> web.Response:
            asked.append(number)
            await hung.wait()
            return web.Response()

        return handler

    source = replace(await serve_each(serve, *map(slow, range(5))), timeout_s=0.2)
    began = time.monotonic()
    problem = failed(await fetcher.fetch(source), Fault.TIMEOUT).problem
    assert 0.55 <= time.monotonic() - began < 2
    assert asked == [0, 1, 2]
    assert "5 个地址试了 3 个" in problem.detail
    hung.set()


# --- the error page of RSSHub ---


def rsshub_page(message: str) -> str:
    return (
        "<!DOCTYPE html><html><head><title>Welcome to RSSHub!</title></head><body><h1>Looks like something went wrong"
        f'</h1><p class="message">Error Message:<br/><code class="mt-2 details">{message}</code></p><p>Route: '
        "<code>/weibo/user/:uid</code></p></body></html>"
    )


@pytest.mark.parametrize("coding", ["", "gzip"])
async def test_the_page_of_rsshub_is_understood(coding: str, fetcher: Fetcher, serve: Serve) -> None:
    page = rsshub_page("Error: this route is empty, please check the original site").encode()
    body = gzip.compress(page) if coding else page
    headers = {"Content-Encoding": coding} if coding else {}

    async def handler(_: web.Request) -> web.Response:
        return web.Response(
            status=503, body=body, content_type="text/html", headers={"Retry-After": "9", **headers}
        )

    outcome = failed(await fetcher.fetch(await serve(handler)), Fault.STATUS)
    assert "RSSHub 返回 503：Error: this route is empty" in outcome.problem.detail
    assert "原站" in outcome.problem.cure
    assert outcome.retry_after_s == 9


async def test_an_error_page_that_is_endless_or_broken_is_still_a_status(
    fetcher: Fetcher, serve: Serve
) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(status=502, headers={"Content-Type": "text/html"})
        await answer.prepare(request)
        while True:
            await answer.write(b"RSSHub " * 1000)

    async def broken(_: web.Request) -> web.Response:
        return web.Response(
            status=500, body=b"no gzip", content_type="text/html", headers={"Content-Encoding": "gzip"}
        )

    for handler, status in ((endless, "502"), (broken, "500")):
        assert status in failed(await fetcher.fetch(await serve(handler)), Fault.STATUS).problem.detail


async def test_an_error_page_that_never_ends_does_not_use_up_the_deadline(
    fetcher: Fetcher, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitors.bodies.page_s", 0.05)
    hung = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(status=503, headers={"Content-Type": "text/html", "Retry-After": "7"})
        await answer.prepare(request)
        await answer.write(rsshub_page("RequestError: fetch failed").encode())
        await hung.wait()
        return answer

    outcome = failed(await fetcher.fetch(await serve(handler)), Fault.STATUS)
    assert outcome.retry_after_s == 7
    assert "fetch failed" in outcome.problem.detail
    hung.set()


# --- requests ---


async def echo(request: web.Request) -> web.Response:
    told = {
        "method": request.method,
        "query": request.query_string,
        "body": (await request.read()).decode(),
        "headers": {name.lower(): value for name, value in request.headers.items()},
        "path": request.path,
    }
    return web.Response(text=json.dumps(told, ensure_ascii=False))


async def told(outcome: Awaitable[Fetched | Failed]) -> dict[str, object]:
    answer: dict[str, object] = json.loads(fetched(await outcome).body)
    return answer


PAGED = Mapped(items="a", id=("b",), text=("c",), page=Paging("page", "curPage"))


async def test_a_form_is_posted(fetcher: Fetcher, serve: Serve) -> None:
    source = replace(
        await serve(echo), form=(("fid", "571"), ("state", "办理 中"), ("lastItem", "0")), mapping=PAGED
    )
    seen = await told(fetcher.fetch(source))
    assert (seen["method"], seen["query"]) == ("POST", "")
    assert seen["body"] == "fid=571&state=%E5%8A%9E%E7%90%86+%E4%B8%AD&lastItem=0"
    assert seen["headers"]["content-type"] == "application/x-www-form-urlencoded"  # type: ignore[index]
    seen = await told(fetcher.fetch(source, cursor="lastItem=88&more=%26"))
    assert (seen["query"], seen["body"]) == (
        "",
        "fid=571&state=%E5%8A%9E%E7%90%86+%E4%B8%AD&lastItem=88&more=%26",
    )


async def test_a_json_body_is_posted_and_its_numbers_stay_numbers(fetcher: Fetcher, serve: Serve) -> None:
    written = '{"size": 20, "word": "停水", "id": "7", "deep": {"curPage": 1}}'
    source = replace(await serve(echo), json_body=written, mapping=PAGED)
    seen = await told(fetcher.fetch(source))
    assert (seen["method"], seen["body"]) == ("POST", written)
    assert seen["headers"]["content-type"] == "application/json"  # type: ignore[index]
    seen = await told(fetcher.fetch(source, cursor="curPage=2&size=30&id=8&other=9"))
    assert json.loads(str(seen["body"])) == {
        "size": 30, "word": "停水", "id": "8", "deep": {"curPage": 1}, "curPage": 2, "other": "9"
    }  # fmt: skip


async def test_the_parameters_of_a_page_go_into_the_query(fetcher: Fetcher, serve: Serve) -> None:
    plain = await serve(echo)
    source = replace(plain, url=f"{plain.url}?id=1&max_id=0", mapping=PAGED)
    seen = await told(fetcher.fetch(source, cursor="max_id=1383%2B8&max_id_type=0&empty="))
    assert seen["query"] == "id=1&max_id=1383%2B8&max_id_type=0&empty="
    assert (await told(fetcher.fetch(source)))["query"] == "id=1&max_id=0"


async def test_header_fields_of_the_source_are_sent_but_not_given_away(
    fetcher: Fetcher, serve: Serve
) -> None:
    there = await serve(echo)

    async def away(request: web.Request) -> web.Response:
        raise web.HTTPFound(there.url if request.path == "/rss" else "/rss2")

    here = await serve(away)
    own = (("Referer", "https://bbs.example/"), ("x-key", "1"), ("accept", "text/plain"))
    source = replace(there, headers=own)
    seen = (await told(fetcher.fetch(source)))["headers"]
    assert isinstance(seen, dict)
    assert (seen["referer"], seen["x-key"], seen["accept"]) == ("https://bbs.example/", "1", "text/plain")
    source = replace(here, headers=own, allow_hosts=here.allow_hosts + there.allow_hosts)
    seen = (await told(fetcher.fetch(source)))["headers"]
    assert isinstance(seen, dict)
    assert not {"referer", "x-key"} & set(seen)
    assert "rss" in seen["accept"]


@pytest.mark.parametrize(
    ("status", "method"), [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")]
)
async def test_a_post_is_repeated_only_where_the_redirect_says_so(
    status: int, method: str, fetcher: Fetcher, serve: Serve
) -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path == "/rss":
            return web.Response(status=status, headers={"Location": "/there"})
        return await echo(request)

    source = replace(await serve(handler), form=(("a", "1"),))
    answer = fetched(await fetcher.fetch(source))
    seen = json.loads(answer.body)
    assert (seen["method"], seen["body"]) == (method, "a=1" if method == "POST" else "")
    assert ("content-type" in seen["headers"]) is (method == "POST")
    assert (answer.moved_to is not None) is (status == 308)


async def test_a_post_carries_no_validators(fetcher: Fetcher, serve: Serve) -> None:
    source = replace(await serve(echo), form=(("a", "1"),))
    state = SourceState("s", etag='"1"', last_modified="then", validator_url=source.url)
    seen = (await told(fetcher.fetch(source, state)))["headers"]
    assert isinstance(seen, dict)
    assert not {"if-none-match", "if-modified-since"} & set(seen)


@pytest.mark.parametrize(
    ("kind", "word"), [("feed", "rss"), ("comments", "json"), ("page", "html"), ("column", "html")]
)
async def test_each_kind_asks_for_what_it_reads(kind: str, word: str, fetcher: Fetcher, serve: Serve) -> None:
    seen = (await told(fetcher.fetch(replace(await serve(echo), kind=kind))))["headers"]  # type: ignore[arg-type]
    assert isinstance(seen, dict)
    assert word in seen["accept"]


# --- limits ---


async def test_silence_between_two_reads_ends_before_the_deadline(fetcher: Fetcher, serve: Serve) -> None:
    hung = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"<rss>")
        await hung.wait()
        return answer

    source = replace(await serve(handler), read_s=0.1, timeout_s=20)
    async with asyncio.timeout(5):
        problem = failed(await fetcher.fetch(source), Fault.TIMEOUT).problem
    assert "read_s" in problem.cure
    hung.set()


async def test_a_connection_that_is_not_taken_ends_at_its_own_limit(fetcher: Fetcher) -> None:
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    waiting = []
    for _ in range(4):  # fill the queue of the listener, so that the next one gets no answer
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(full.getsockname())
        waiting.append(client)
    try:
        source = source_of(f"http://127.0.0.1:{full.getsockname()[1]}/", connect_s=0.1, timeout_s=20)
        async with asyncio.timeout(5):
            problem = failed(await fetcher.fetch(source), Fault.TIMEOUT).problem
        assert "connect_s" in problem.cure
    finally:
        for one in (*waiting, full):
            one.close()


async def test_a_host_is_left_alone_for_its_spacing_by_all_its_sources(
    fetcher: Fetcher, serve: Serve
) -> None:
    at: list[float] = []

    async def handler(_: web.Request) -> web.Response:
        at.append(time.monotonic())
        return web.Response(body=FEED)

    one = replace(await serve(handler), spacing_s=0.15, timeout_s=0.4)
    other = replace(one, id="t", url=f"{one.url}2", spacing_s=0)
    first = fetched(await fetcher.fetch(one))
    outcomes = await asyncio.gather(*(fetcher.fetch(source) for source in (other, one, other, one)))
    assert all(isinstance(outcome, Fetched) for outcome in (first, *outcomes)), (
        "the wait counted into the deadline"
    )
    gaps = [after - before for before, after in itertools.pairwise(at)]
    assert len(gaps) == 4
    assert min(gaps) >= 0.08


async def test_a_redirect_does_not_wait_for_the_spacing_of_its_own_request(
    fetcher: Fetcher, serve: Serve
) -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path == "/rss":
            raise web.HTTPFound("/there")
        return web.Response(body=FEED)

    source = replace(await serve(handler), spacing_s=30)
    async with asyncio.timeout(5):
        assert fetched(await fetcher.fetch(source)).body == FEED


async def test_who_waits_for_one_host_holds_up_no_other(serve: Serve) -> None:
    busy = replace(await serve(answering(200)), spacing_s=30)
    free = await serve(answering(200))
    async with Fetcher(lambda: NOW, at_once=2, per_host=2) as fetcher:
        await fetcher.fetch(busy)
        waiting = [asyncio.ensure_future(fetcher.fetch(busy)) for _ in range(10)]
        async with asyncio.timeout(5):
            for _ in range(20):
                fetched(await fetcher.fetch(free))
        assert not any(one.done() for one in waiting)
        for one in waiting:
            one.cancel()
        await asyncio.wait(waiting)


@pytest.mark.parametrize(("at_once", "per_host", "most"), [(64, 3, 3), (2, 64, 2)])
async def test_no_more_requests_run_together_than_allowed(
    at_once: int, per_host: int, most: int, serve: Serve
) -> None:
    running: set[int] = set()
    seen = 0
    full = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        nonlocal seen
        running.add(id(request))
        seen = max(seen, len(running))
        if len(running) == most:
            full.set()
        await full.wait()
        running.discard(id(request))
        return web.Response(body=FEED)

    source = await serve(handler)
    async with Fetcher(lambda: NOW, at_once=at_once, per_host=per_host) as fetcher:
        outcomes = await asyncio.gather(*(fetcher.fetch(source) for _ in range(12)))
    assert all(isinstance(outcome, Fetched) for outcome in outcomes)
    assert seen == most


async def test_redirects_that_cross_do_not_wait_for_each_other(serve: Serve) -> None:
    sources: list[Source] = []

    def crossing(other: int) -> Handler:
        async def handler(request: web.Request) -> web.Response:
            if request.path == "/rss":
                raise web.HTTPFound(sources[other].url.replace("/rss", "/end"))
            return web.Response(body=FEED)

        return handler

    sources += [await serve(crossing(other)) for other in (1, 0)]
    hosts = tuple(host for source in sources for host in source.allow_hosts)
    async with Fetcher(lambda: NOW, at_once=2, per_host=1) as fetcher, asyncio.timeout(10):
        outcomes = await asyncio.gather(
            *(fetcher.fetch(replace(sources[n % 2], allow_hosts=hosts, spacing_s=0)) for n in range(20))
        )
    assert all(isinstance(outcome, Fetched) for outcome in outcomes)


async def test_a_fetch_that_is_cancelled_gives_its_turn_back(serve: Serve) -> None:
    entered, hung = asyncio.Event(), asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        if not hung.is_set():
            entered.set()
            await hung.wait()
        return web.Response(body=FEED)

    source = await serve(handler)
    async with Fetcher(lambda: NOW, at_once=1, per_host=1) as fetcher, asyncio.timeout(10):
        first = asyncio.ensure_future(fetcher.fetch(source))
        await entered.wait()
        second = asyncio.ensure_future(fetcher.fetch(source))
        await asyncio.sleep(0)
        for one in (second, first):
            one.cancel()
        await asyncio.wait([first, second])
        hung.set()
        assert fetched(await fetcher.fetch(source)).body == FEED


async def test_a_host_that_is_busy_keeps_its_connections_and_a_quiet_one_does_not(serve: Serve) -> None:
    connections: set[object] = set()

    async def handler(request: web.Request) -> web.Response:
        connections.add(request.transport)
        await asyncio.sleep(0.005)
        return web.Response(body=FEED)

    source = await serve(handler)
    async with Fetcher(lambda: NOW) as fetcher:
        await asyncio.gather(*(fetcher.fetch(source) for _ in range(40)))
        assert len(connections) <= 5
        connections.clear()
        for _ in range(5):
            await fetcher.fetch(source)
        assert len(connections) == 5


# --- secrecy ---


@pytest.mark.parametrize("fault", ["refused", "status", "redirect", "timeout", "inside", "invalid"])
async def test_no_key_of_a_query_is_told_or_logged(
    fault: str, fetcher: Fetcher, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hung = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        if fault == "timeout":
            await hung.wait()
        if fault == "redirect":
            raise web.HTTPFound(f"ftp://files.example/?{request.query_string}")
        return web.Response(
            status=500, text=rsshub_page(f"FetchError: {request.url}"), content_type="text/html"
        )

    source = replace(await serve(handler), timeout_s=0.2)
    url = {"refused": closed_port(), "inside": closed_port(), "invalid": "http://2130706433:80"}.get(
        fault, source.url
    )
    allowed = () if fault == "inside" else (f"127.0.0.1:{URL(url).port}",)
    outcome = await fetcher.fetch(replace(source, url=f"{url}?key=s3cr3t", allow_hosts=allowed))
    assert isinstance(outcome, Failed)
    hung.set()
    assert "s3cr3t" not in repr(outcome)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("monitors")]
    assert ours
    assert not any("s3cr3t" in line for line in ours)
