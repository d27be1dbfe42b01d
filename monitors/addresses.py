"""Which addresses may be connected to: those of the public net, and what a source names as an exact host and port.

The check is made on the resolved address at the moment of connecting, so that no spelling, redirect or resolver that
changes its answer gets past it. Whether a host may be private is a property of the connector, not of the task that
asks: nothing has to be handed through threads of control, and a socket opened under a permission stays in a pool
that only bearers of the same permission draw from.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

global_unicast = ipaddress.IPv6Network("2000::/3")
"""All of IPv6 that is given out for public use (IANA registry of the address space)."""
_not_public = (  # what the ipaddress of Python 3.11 does not know of
    ipaddress.IPv4Network("192.0.0.0/24"),  # RFC 6890; one cloud keeps its metadata here
    ipaddress.IPv4Network(
        "168.63.129.16/32"
    ),  # public by number, and in another cloud the machine's own host
    ipaddress.IPv4Network("192.88.99.0/24"),  # RFC 7526, relays of 6to4
    ipaddress.IPv6Network("3fff::/20"),  # RFC 9637, documentation
)
_nat64 = ipaddress.IPv6Network("64:ff9b::/96")
_fake = ipaddress.IPv4Network("198.18.0.0/15")
lookups_at_once = 32
look_up_s = 3.0


class NotPublic(OSError):
    """An address that may not be connected to."""

    def __init__(self, address: str) -> None:
        super().__init__(f"address {address} is not public")
        self.address = address


def is_public(address: str) -> bool:
    """Tell whether an address lies in the public net; an IPv4 address packed into IPv6 is unpacked first."""
    try:
        plain = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(_is_global(part) for part in _packed(plain) or (plain,))


def is_fake(address: str) -> bool:
    """Tell an address that proxy software on this machine hands out in place of the real one (198.18.0.0/15)."""
    try:
        return ipaddress.ip_address(address) in _fake
    except ValueError:
        return False


def _is_global(address: _Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address not in global_unicast:
        return False
    if any(address in network for network in _not_public):
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
    if address in _nat64:
        return (ipaddress.IPv4Address(int(address) & 0xFFFFFFFF),)
    return ()


@lru_cache(maxsize=4096)
def host_port(url: URL) -> str:
    """Name host and port as `allow_hosts` writes them: `bbs.example:80`, `[::1]:1200`."""
    host = url.host or ""
    return f"[{host}]:{url.port}" if ":" in host else f"{host}:{url.port}"


def is_allowed(url: URL, allow_hosts: Sequence[str]) -> bool:
    """Tell whether an exact host and port of the list is meant, in letters or in punycode."""
    return bool(allow_hosts) and (
        host_port(url) in allow_hosts or f"{url.raw_host}:{url.port}" in allow_hosts
    )


def public_socket(info: tuple[Any, ...]) -> socket.socket:
    """Make the socket for one resolved address. Raises NotPublic: the last moment before connecting."""
    family, kind, protocol, _, place = info
    if not is_public(str(place[0])):
        raise NotPublic(str(place[0]))
    return socket.socket(family, kind, protocol)


class Resolver(AbstractResolver):
    """The resolver of the system, in threads of its own.

    A lookup that hangs holds its thread for many seconds; in the common pool of the loop a handful of dead names
    would hold up the parser and the store.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(lookups_at_once, "dns")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Give the addresses of a host, in the system's order. Raises OSError."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port, family)

    async def close(self) -> None:
        """Take no more lookups; does not wait for those that hang."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class PublicResolver(AbstractResolver):
    """Another resolver, less what is not public. Raises NotPublic where nothing is left."""

    def __init__(self, resolver: AbstractResolver) -> None:
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Give the public addresses of a host, in the order of the other resolver."""
        found = await self._resolver.resolve(host, port, family)
        public = [one for one in found if is_public(one["host"])]
        if not public:
            raise NotPublic(found[0]["host"]) if found else OSError("the name has no address")
        return public

    async def close(self) -> None:
        """Leave the other resolver open: it is its owner's."""


def _look_up(host: str, port: int, family: int) -> list[ResolveResult]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG)
    return [
        ResolveResult(
            hostname=host,
            host=str(place[0]),
            port=port,
            family=kind,
            proto=protocol,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )
        for kind, _, protocol, _, place in found
    ]


# --- behind a proxy ---

_public_name = re.compile(r"(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]*\.?")
"""Ends in a letters' label: what ends in a number is an address to some readers, whatever its dots."""
_local_names = (".localhost", ".local", ".internal", ".home.arpa", ".localdomain", ".lan")


async def hidden_target(url: URL, resolver: AbstractResolver) -> str | None:
    """Give what is not public about a host that a proxy is to be asked for; None where nothing is known against it.

    The proxy connects, and looks the name up once more, so this holds only what can be seen from here: the rest is
    for the proxy's own rules. A name that cannot be resolved here is left to it.
    """
    host = url.raw_host or ""
    if _is_literal(host):
        return None if is_public(host) else host
    if not _public_name.fullmatch(host) or host.rstrip(".").endswith(_local_names):
        return host
    try:
        async with asyncio.timeout(look_up_s):
            found = await resolver.resolve(host, url.port or 0, socket.AF_UNSPEC)
    except OSError:
        return None
    return next(
        (one["host"] for one in found if not is_public(one["host"]) and not is_fake(one["host"])), None
    )


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
