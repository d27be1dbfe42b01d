"""No spelling, redirect, resolver or kept connection leads to an address that is not public. Nothing leaves loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import TestServer
from yarl import URL

from monitors.addresses import (
    NotPublic,
    PublicResolver,
    Resolver,
    hidden_target,
    host_port,
    is_allowed,
    is_public,
)
from monitors.fetch import Failed, Fetched, Fetcher
from monitors.sources import Source
from routing.items import Fault, Kind

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
PUBLIC = "93.184.216.34"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Handler], Awaitable[int]]


class Listener:
    """A real socket that listens on every address of this machine and counts who connects."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
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


class Names(AbstractResolver):
    """A resolver with answers by script; numbers in all their spellings are read by the system."""

    def __init__(self, answers: Mapping[str, list[list[str]]]) -> None:
        self._answers = {name: list(given) for name, given in answers.items()}
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        self.asked.append(host)
        given = self._answers.get(host.rstrip("."))
        if given is None:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
            return [_result(host, port, str(place[0])) for _, _, _, _, place in found]
        addresses = given.pop(0) if len(given) > 1 else given[0]
        return [_result(host, port, address) for address in addresses]

    async def close(self) -> None:
        pass


def _result(host: str, port: int, address: str) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)


@pytest.fixture
def inside() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture(autouse=True)
async def tried(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note every address that a connection is tried to; whatever is not loopback is unreachable."""
    seen: list[str] = []
    kind = type(asyncio.get_running_loop())
    connect = kind.sock_connect

    async def guarded(loop: Any, sock: socket.socket, address: Any) -> None:
        seen.append(address[0])
        if address[0] not in {"127.0.0.1", "::1"}:
            raise OSError(101, "Network is unreachable")
        await connect(loop, sock, address)

    monkeypatch.setattr(kind, "sock_connect", guarded)
    return seen


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start a real server on loopback; gives its port."""
    servers: list[TestServer] = []

    async def start(handler: Handler) -> int:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", handler)
        server = TestServer(app)
        await server.start_server()
        servers.append(server)
        assert server.port is not None
        return server.port

    yield start
    for server in servers:
        await server.close()


def source_of(url: str, **more: object) -> Source:
    plain = Source(
        id="s", name="来源", kind="feed", url=url, site="x", item_kind=Kind.ARTICLE, timeout_s=5, connect_s=2
    )
    return replace(plain, **more)  # type: ignore[arg-type]


async def ask(source: Source, names: AbstractResolver | None = None) -> Fetched | Failed:
    async with Fetcher(lambda: NOW, resolver=names or Names({})) as fetcher:
        return await fetcher.fetch(source)


def refused(outcome: Fetched | Failed, *faults: Fault) -> Failed:
    assert isinstance(outcome, Failed), outcome
    assert outcome.problem.fault in (faults or {Fault.FORBIDDEN_ADDRESS}), outcome
    return outcome


# --- spellings ---

LOCAL_NAMES = {
    "localhost": [["127.0.0.1", "::1"]],
    "app.localhost": [["::1"]],
    "localhost.localdomain": [["127.0.0.1"]],
    "ip6-localhost": [["::1"]],
    "127.0.0.1.nip.example": [["127.0.0.1"]],
    "rebind.example": [["127.0.0.1"]],
    "xn--fiq228c.example": [["127.0.0.1"]],
    "mapped.example": [["::ffff:127.0.0.1"]],
    "zone.example": [["::1%lo"]],
    "metadata.google.internal": [["169.254.169.254"]],
    "both.example": [["10.0.0.1", "127.0.0.1"]],
}
REACHING = [  # with permission these do reach a server on this machine
    "127.0.0.1", "localhost", "LOCALHOST", "LocalHost", "localhost.", "ｌｏｃａｌｈｏｓｔ", "[::1]", "[0:0:0:0:0:0:0:1]",
    "[0000::0001]", "127。0。0。1", "127．0．0．1", "１２７.０.０.１", "①②⑦.0.0.1", "127.0｡0.1",
    "app.localhost", "localhost.localdomain", "ip6-localhost", "127.0.0.1.nip.example", "rebind.example",
    "rebind.example.", "中文.example", "xn--fiq228c.example", "both.example", "0x7f.0.0.1", "0x7f.1",
    "0x7f000001", "0X7F000001", "0x7f.0x0.0x0.0x1", "0x7F.0.1",
]  # fmt: skip
OTHERS = [  # refused before anything is asked, unreachable from here, or nobody's spelling; none may be tried
    "2130706433", "017700000001", "0177.0.0.1", "127.1", "127.0.1", "127.0.0.1.", "127.000.000.001", "0177.0.0.01",
    "00000177.0.0.1", "127.0.0.1%2e", "127%2E0%2E0%2E1", "6425673729", "0", "0.0.0.0", "0x0", "127.0.0.2", "127.255.255.254",
    "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:1]", "[::127.0.0.1]", "[::7f00:1]",
    "[2002:7f00:1::]", "[2002:7f00:0001::1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]", "[2001:0:7f00:1::80ff:fffe]", "[::1%25lo]", "[::1%25eth0]", "[fe80::1%25lo]", "[fe80::1]",
    "[fc00::1]", "[fd12:3456:789a::1]", "[fec0::1]", "[ff02::1]", "[ff0e::1]", "[2001:db8::1]", "[3fff::1]", "[5f00::1]",
    "[100::1]", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]",
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "169.254.0.1",
    "168.63.129.16", "192.88.99.1",
    "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9",
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "0.0.0.1", "metadata.google.internal",
    "mapped.example", "zone.example", "0xa9fea9fe", "0xa9.0xfe.0xa9.0xfe", "2852039166", "1.2.3.4.5", "127.0.0.256",
    "0xffffffffff", "[::1", "127.0.0.1\\@x.example", "127.0.0.1 x.example",
]  # fmt: skip


def test_the_table_of_spellings_is_long_and_has_no_repeats() -> None:
    assert len(set(REACHING + OTHERS)) == len(REACHING) + len(OTHERS) >= 100


@pytest.mark.parametrize("host", REACHING + OTHERS)
async def test_no_spelling_of_an_address_inside_is_connected_to(
    host: str, inside: Listener, tried: list[str]
) -> None:
    outcome = await ask(source_of(f"http://{host}:{inside.port}/rss"), Names(LOCAL_NAMES))
    failed = refused(outcome, Fault.FORBIDDEN_ADDRESS, Fault.NETWORK)
    assert inside.connections() == 0
    assert tried == []
    if host in REACHING:
        assert failed.problem.fault is Fault.FORBIDDEN_ADDRESS
        assert "allow_hosts" in failed.problem.cure


@pytest.mark.parametrize("host", REACHING)
async def test_the_same_spelling_gets_through_with_permission(host: str, inside: Listener) -> None:
    url = URL(f"http://{host}:{inside.port}/rss")
    asking = asyncio.ensure_future(
        ask(source_of(str(url), allow_hosts=(host_port(url),)), Names(LOCAL_NAMES))
    )
    async with asyncio.timeout(5):
        while not inside.connections():
            assert not asking.done()
            await asyncio.sleep(0.001)
    asking.cancel()
    await asyncio.wait([asking])


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "中文.example", "[::1]"])
async def test_a_permission_is_for_its_own_port_and_spelling_only(host: str, inside: Listener) -> None:
    url = URL(f"http://{host}:{inside.port}/rss")
    for wrong in (f"{url.host}:{inside.port + 1}", f"x{url.host}:{inside.port}", f"127.0.0.2:{inside.port}"):
        refused(await ask(source_of(str(url), allow_hosts=(wrong,)), Names(LOCAL_NAMES)))
    assert inside.connections() == 0


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True), ("1.1.1.1", True), (PUBLIC, True), ("2001:4860:4860::8888", True), ("2400:3200::1", True),
        ("64:ff9b::808:808", True), ("2002:808:808::1", True), ("::ffff:8.8.8.8", True),
        ("10.0.0.1", False), ("172.16.0.1", False), ("192.168.1.1", False), ("169.254.169.254", False),
        ("100.64.0.1", False), ("100.127.255.255", False), ("127.0.0.1", False), ("0.0.0.0", False),
        ("255.255.255.255", False), ("224.0.0.1", False), ("240.0.0.1", False), ("192.0.2.1", False), ("198.19.0.1", False),
        ("::1", False), ("::", False), ("fe80::1%eth0", False), ("fc00::1", False), ("fec0::1", False), ("ff02::1", False),
        ("::ffff:10.0.0.1", False), ("::7f00:1", False), ("::808:808", False), ("2002:7f00:1::", False),
        ("2002:a00:1::1", False), ("64:ff9b::7f00:1", False), ("64:ff9b::a00:1", False), ("64:ff9b:1::808:808", False),
        ("2001:db8::1", False), ("3fff:1::1", False), ("5f00::1", False), ("100::1", False), ("4000::1", False),
        ("2001:0:7f00:1:0:0:80ff:fffe", False), ("not an address", False), ("", False), ("127.0.0.1 ", False),
    ],
)  # fmt: skip
def test_only_addresses_of_the_public_net_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_a_name_in_letters_and_in_punycode_is_one_permission() -> None:
    url = URL("http://中文.example:8080/rss")
    assert is_allowed(url, ("中文.example:8080",))
    assert is_allowed(url, ("xn--fiq228c.example:8080",))
    assert not is_allowed(url, ("xn--fiq228c.example:80",))
    assert is_allowed(URL("http://[::1]:1200/"), ("[::1]:1200",))


# --- redirects ---


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    ["http://127.0.0.1:{port}/admin", "//127.0.0.1:{port}/admin", "http://localhost:{port}/", "http://[::1]:{port}/",
     "http://0x7f000001:{port}/", "http://127。0。0。1:{port}/", "http://[::ffff:127.0.0.1]:{port}/",
     "http://2130706433:{port}/", "https://127.0.0.1:{port}/"],
)  # fmt: skip
async def test_no_redirect_leads_inside(
    status: int, location: str, inside: Listener, tried: list[str], serve: Serve
) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": location.format(port=inside.port)})

    port = await serve(handler)
    source = source_of(f"http://127.0.0.1:{port}/", allow_hosts=(f"127.0.0.1:{port}",))
    refused(await ask(source, Names(LOCAL_NAMES)), Fault.FORBIDDEN_ADDRESS, Fault.NETWORK)
    assert inside.connections() == 0
    assert tried == ["127.0.0.1"]  # the one connection to the server that redirects


@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "gopher://127.0.0.1:{port}/_x", "ftp://127.0.0.1:{port}/", "http://a:b@127.0.0.1:{port}/",
     "http://a@127.0.0.1:{port}/", "http://:b@127.0.0.1:{port}/", "data:text/xml,<rss/>", "javascript:alert(1)",
     "http://:{port}/", "http://127.0.0.1:99999/", "http://[::1/", "unix:/run/x", "dict://127.0.0.1:{port}/d", ""],
)  # fmt: skip
async def test_strange_targets_are_refused_by_name(
    location: str, inside: Listener, tried: list[str], serve: Serve
) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": location.format(port=inside.port)})

    port = await serve(handler)
    allowed = (f"127.0.0.1:{port}", f"127.0.0.1:{inside.port}", f"[::1]:{inside.port}")
    refused(await ask(source_of(f"http://127.0.0.1:{port}/", allow_hosts=allowed)), Fault.REDIRECTS)
    assert inside.connections() == 0
    assert tried == ["127.0.0.1"]


@pytest.mark.parametrize("location", ["/there", "there", "?next", "//127.0.0.1:{port}/there", "#part"])
async def test_a_relative_redirect_stays_where_it_is_allowed(location: str, serve: Serve) -> None:
    asked: list[str] = []
    here: list[int] = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.path_qs)
        if len(asked) > 1:
            return web.Response(text="<rss/>")
        return web.Response(status=302, headers={"Location": location.format(port=here[0])})

    here.append(await serve(handler))
    source = source_of(f"http://127.0.0.1:{here[0]}/rss", allow_hosts=(f"127.0.0.1:{here[0]}",))
    outcome = await ask(source)
    assert isinstance(outcome, Fetched), outcome
    assert len(asked) == 2
    assert "#" not in outcome.final_url


# --- resolvers ---


async def test_a_resolver_that_changes_its_answer_gets_nobody_in(inside: Listener, tried: list[str]) -> None:
    names = Names({"rebind.example": [[PUBLIC], ["127.0.0.1"]]})
    source = source_of(f"http://rebind.example:{inside.port}/")
    async with Fetcher(lambda: NOW, resolver=names) as fetcher:
        first = await fetcher.fetch(source)
        refused(first, Fault.NETWORK)  # the public address, unreachable in this test
        second = await fetcher.fetch(replace(source, url=f"http://rebind.example.:{inside.port}/"))
        refused(second)
    assert names.asked == ["rebind.example", "rebind.example."]
    assert inside.connections() == 0
    assert tried == [PUBLIC]


@pytest.mark.parametrize(
    "order", [[PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC], [PUBLIC, "::1", "127.0.0.1"]]
)
async def test_an_answer_that_holds_both_leads_to_the_public_address_only(
    order: list[str], inside: Listener, tried: list[str]
) -> None:
    outcome = await ask(source_of(f"http://both.example:{inside.port}/"), Names({"both.example": [order]}))
    refused(outcome, Fault.NETWORK)
    assert inside.connections() == 0
    assert set(tried) == {PUBLIC}


async def test_a_resolver_without_an_answer_is_a_fault_of_the_network(inside: Listener) -> None:
    outcome = await ask(source_of(f"http://none.example:{inside.port}/"), Names({"none.example": [[]]}))
    assert "域名解析失败" in refused(outcome, Fault.NETWORK).problem.detail


async def test_many_sources_at_once_keep_their_own_permissions(serve: Serve) -> None:
    served: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        served.append(request.path)
        await asyncio.sleep(0)
        return web.Response(text="<rss/>")

    port = await serve(handler)
    url = f"http://127.0.0.1:{port}"
    sources = [
        source_of(
            f"{url}/{'in' if n % 2 else 'out'}/{n}", allow_hosts=(f"127.0.0.1:{port}",) if n % 2 else ()
        )
        for n in range(60)
    ]
    async with Fetcher(lambda: NOW, resolver=Names({})) as fetcher:
        outcomes = await asyncio.gather(*map(fetcher.fetch, sources))
        again = await asyncio.gather(*map(fetcher.fetch, sources))
    for source, one, two in zip(sources, outcomes, again, strict=True):
        kind = Fetched if source.allow_hosts else Failed
        assert isinstance(one, kind)
        assert isinstance(two, kind)
    assert len(served) == 60
    assert all(path.startswith("/in/") for path in served)


async def test_a_kept_connection_is_of_no_use_to_a_source_without_permission(serve: Serve) -> None:
    connections: set[object] = set()
    served = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal served
        served += 1
        connections.add(request.transport)
        await asyncio.sleep(0.01)
        return web.Response(text="<rss/>")

    port = await serve(handler)
    allowed = source_of(f"http://127.0.0.1:{port}/", allow_hosts=(f"127.0.0.1:{port}",))
    async with Fetcher(lambda: NOW, resolver=Names({})) as fetcher:
        await asyncio.gather(*(fetcher.fetch(allowed) for _ in range(20)))
        assert served == 20
        assert len(connections) < 20, "nothing was kept, so this test would show nothing"
        for _ in range(5):
            refused(await fetcher.fetch(replace(allowed, allow_hosts=())))
    assert served == 20


async def test_the_system_resolver_reads_numbers_and_closes() -> None:
    resolver = Resolver()
    found = await PublicResolver(resolver).resolve(PUBLIC, 80)
    assert [one["host"] for one in found] == [PUBLIC]
    with pytest.raises(NotPublic):
        await PublicResolver(resolver).resolve("0x7f.1", 80)
    await resolver.close()


async def test_an_address_of_proxy_software_is_named_as_such() -> None:
    outcome = await ask(source_of("http://news.example/rss"), Names({"news.example": [["198.18.3.4"]]}))
    assert "proxy" in refused(outcome).problem.cure


# --- proxies ---


@pytest.fixture
async def proxy(serve: Serve) -> tuple[str, list[str]]:
    """Start a proxy on loopback that answers everything itself; gives its address and what it was asked for."""
    asked: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(f"{request.method} {request.raw_path}")
        if "/moved" in request.raw_path:
            return web.Response(status=302, headers={"Location": "http://127.0.0.1:80/admin"})
        return web.Response(text="<rss/>")

    return f"http://127.0.0.1:{await serve(handler)}", asked


async def test_a_source_with_a_proxy_goes_through_it(proxy: tuple[str, list[str]], tried: list[str]) -> None:
    address, asked = proxy
    outcome = await ask(
        source_of("http://news.example/rss?a=1", proxy=address), Names({"news.example": [[PUBLIC]]})
    )
    assert isinstance(outcome, Fetched), outcome
    assert outcome.body == b"<rss/>"
    assert asked == ["GET http://news.example/rss?a=1"]
    assert tried == ["127.0.0.1"]


async def test_a_name_that_only_the_proxy_knows_is_left_to_it(proxy: tuple[str, list[str]]) -> None:
    address, asked = proxy
    for found in ([["198.18.0.9"]], None):
        names = Names({"abroad.example": found} if found else {})
        outcome = await ask(source_of("http://abroad.example/rss", proxy=address), names)
        assert isinstance(outcome, Fetched), outcome
    assert len(asked) == 2


HIDDEN_BEHIND_PROXY = [
    "127.0.0.1", "[::1]", "10.0.0.1", "169.254.169.254", "[::ffff:127.0.0.1]", "[fd00::1]", "2130706433", "127.1",
    "0177.0.0.1", "0x7f000001", "0x7f.1", "localhost", "localhost.", "app.localhost", "printer.local",
    "metadata.google.internal", "intranet", "127%2e0%2e0%2e1", "127.0.0.1%2e", "127。0。0。1", "rebind.example", "both.example",
    "127.0.0.1.",
]  # fmt: skip


@pytest.mark.parametrize("host", HIDDEN_BEHIND_PROXY)
async def test_a_proxy_is_not_asked_for_what_lies_inside(host: str, proxy: tuple[str, list[str]]) -> None:
    address, asked = proxy
    refused(await ask(source_of(f"http://{host}:8080/rss", proxy=address), Names(LOCAL_NAMES)))
    assert asked == []


async def test_a_redirect_inside_is_not_followed_through_a_proxy(proxy: tuple[str, list[str]]) -> None:
    address, asked = proxy
    refused(
        await ask(source_of("http://news.example/moved", proxy=address), Names({"news.example": [[PUBLIC]]}))
    )
    assert asked == ["GET http://news.example/moved"]


async def test_what_is_allowed_by_name_may_be_asked_of_a_proxy(proxy: tuple[str, list[str]]) -> None:
    address, asked = proxy
    source = source_of("http://10.1.2.3:8080/rss", proxy=address, allow_hosts=("10.1.2.3:8080",))
    assert isinstance(await ask(source), Fetched)
    assert asked == ["GET http://10.1.2.3:8080/rss"]


async def test_a_proxy_that_is_not_there_is_named(inside: Listener) -> None:
    port = inside.port
    inside.close()
    source = source_of("http://news.example/rss", proxy=f"http://127.0.0.1:{port}")
    outcome = refused(await ask(source, Names({"news.example": [[PUBLIC]]})), Fault.NETWORK)
    assert "代理" in outcome.problem.detail


async def test_a_lookup_that_hangs_does_not_keep_the_proxy_from_being_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Hanging(Names):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
        ) -> list[ResolveResult]:
            await asyncio.Event().wait()
            return []

    monkeypatch.setattr("monitors.addresses.look_up_s", 0.01)
    assert await hidden_target(URL("http://slow.example/"), Hanging({})) is None
