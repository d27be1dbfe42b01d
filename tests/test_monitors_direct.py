"""The short way past aiohttp's session says what the session says: same bytes asked, same answer, same connections."""

import asyncio
import contextlib
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from monitors.direct import Answer, Direct

HEADERS = {"User-Agent": "yuqing", "Accept": "*/*", "Accept-Encoding": "gzip", "If-None-Match": '"a"'}
LIMITS = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=5)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

ANSWERS = {
    "by length": OK,
    "unchanged": b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nDate: Sun, 22 Nov 2026 05:00:00 GMT\r\n\r\n',
    "unchanged with the length of what is not sent": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    "nothing": b"HTTP/1.1 204 No Content\r\n\r\n",
    "in chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "in chunks with a trailer": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nX: y\r\n\r\n"
    ),
    "to the end of the line": b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n<rss/>",
    "old": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "old and kept": b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
    "last of its line": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    "after hints": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK,
    "another language": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nxx",
    "more than it said": OK + b"more",
    "less than it said": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "length and chunks": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    ),
    "a broken chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n",
    "line feeds only": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "a folded field": b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 2\r\n\r\nok",
    "a field in raw GBK": b"HTTP/1.1 302 Found\r\nLocation: /\xcd\xa3\xcb\xae\r\nContent-Length: 0\r\n\r\n",
    "a cookie": b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 2\r\n\r\nok",
    "an endless field": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
    "many fields": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 3_000 + b"Content-Length: 2\r\n\r\nok",
    "a strange status": b"HTTP/1.1 999 \r\nContent-Length: 2\r\n\r\nok",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "nothing at all": b"",
}


@dataclass
class Line:
    """A server that says the same raw bytes to every request, and closes where `ends`. It notes what it was asked."""

    says: bytes
    ends: bool = False
    base: str = ""
    asked: list[bytes] = field(default_factory=list)
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self.asked.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(self.says)
                await writer.drain()
                if self.ends:
                    break
        writer.close()


@asynccontextmanager
async def line(says: bytes, *, ends: bool) -> AsyncIterator[Line]:
    made = Line(says, ends)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    async with server:
        made.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield made


@asynccontextmanager
async def session(*, keep: bool) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=0, force_close=not keep)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
    ) as made:
        yield made


async def heard(asking: AbstractAsyncContextManager[Answer]) -> list[object]:
    """Give what came of one request: status, fields and body, or the kinds of the fault."""
    said: list[object] = []
    try:
        async with asking as answer:
            said += [answer.status, list(answer.headers.items())]
            said.append(await answer.content.read())
    except (aiohttp.ClientError, OSError, ValueError) as error:
        said.append(type(error))
    return said


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("ends", [True, False])
@pytest.mark.parametrize("name", ANSWERS)
async def test_both_ways_hear_the_same(name: str, ends: bool, keep: bool) -> None:
    if not ends and name in {
        "to the end of the line",
        "less than it said",
        "a broken chunk",
        "no HTTP",
        "nothing at all",
        "line feeds only",
    }:
        ends = True  # else there is nothing to hear but the end of the time
    told = []
    for way in ("session", "direct"):
        async with line(ANSWERS[name], ends=ends) as server, session(keep=keep) as client:
            direct = Direct(client)
            rounds: list[object] = []
            for path in ("/rss?a=%E5%81%9C&b=1", "/rss", "/a%20b/"):
                url = URL(server.base + path, encoded=True)
                asking: AbstractAsyncContextManager[Answer] = (
                    client.get(url, headers=HEADERS, allow_redirects=False, timeout=LIMITS)
                    if way == "session"
                    else direct.get(url, HEADERS, LIMITS)
                )
                rounds.append(await heard(asking))
            port = str(URL(server.base).port).encode()
            asked = [request.replace(port, b"PORT") for request in server.asked]
            told.append((rounds, asked, server.connections))
    assert told[0] == told[1]


async def test_a_kept_connection_that_was_closed_is_not_a_fault() -> None:
    """The server closes while the connection idles; a GET may be asked again (RFC 9112 section 9.3.1)."""
    first = True

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal first
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                if not first:
                    first = True
                    break  # the second request on a line is not answered
                writer.write(OK)
                await writer.drain()
                first = False
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, session(keep=True) as client:
        url = URL(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        direct = Direct(client)
        assert [await heard(direct.get(url, HEADERS, LIMITS)) for _ in range(2)] == [
            [200, [("Content-Length", "2")], b"ok"]
        ] * 2


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\0b"])
async def test_a_field_that_would_end_its_line_is_not_sent(value: str) -> None:
    async with line(OK, ends=False) as server, session(keep=True) as client:
        said = await heard(Direct(client).get(URL(server.base), {"If-None-Match": value}, LIMITS))
        assert said == [ValueError]
        assert server.asked == []


@pytest.fixture
def unsigned(tmp_path: Path) -> ssl.SSLContext:
    """Give the server's side of TLS with a certificate that nobody but itself has signed."""
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("没有 openssl / skipped: install openssl")
    files = [str(tmp_path / "key.pem"), str(tmp_path / "cert.pem")]
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1"]
    made += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", files[0], "-out", files[1]]
    subprocess.run([openssl, *made], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files[1], files[0])
    return context


async def test_a_certificate_that_nobody_signed_is_refused_both_ways(unsigned: ssl.SSLContext) -> None:
    line = Line(OK)
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0, ssl=unsigned)
    async with server, session(keep=True) as client:
        url = URL(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        ways = (client.get(url, headers=HEADERS, timeout=LIMITS), Direct(client).get(url, HEADERS, LIMITS))
        assert [await heard(way) for way in ways] == [[aiohttp.ClientConnectorCertificateError]] * 2
    assert line.asked == []


async def test_what_is_left_unread_is_not_read_by_the_next() -> None:
    async with line(OK, ends=False) as server, session(keep=True) as client:
        direct = Direct(client)
        server.says = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"
        async with direct.get(URL(server.base), HEADERS, LIMITS) as answer:
            assert answer.status == 200
        server.says = OK
        assert (await heard(direct.get(URL(server.base), HEADERS, LIMITS)))[2] == b"ok"
        assert server.connections == 2


async def test_more_servers_than_are_remembered_are_all_asked() -> None:
    async with session(keep=True) as client:
        direct = Direct(client)
        names = [URL(f"http://h{number}.example") for number in range(1_000)]
        assert [direct.origin(name).host for name in names] == [name.host for name in names]
