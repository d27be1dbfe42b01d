"""One GET over the connections of an aiohttp session, but past the session itself: less than half of what one costs.

aiohttp keeps all that is hard: names, the check of addresses, TLS, kept connections, the parser. Left out is what its
session does for every request and nobody here wants: cookies, redirects, middlewares, traces, proxies and passwords in
an address. A request that wants one of them goes through the session (docs/decisions/0036).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

import aiohttp
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError, StreamWriter
from yarl import URL

_origins_kept = 256
_not_by_itself = ("User-Agent", "Accept", "Accept-Encoding")


class Answer(Protocol):
    """What both ways answer: the status, the header fields (names in any case) and the stream of the body, packed."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def content(self) -> aiohttp.StreamReader: ...


@dataclass(frozen=True, slots=True)
class _Answered:
    status: int
    headers: Mapping[str, str]
    content: aiohttp.StreamReader


class Direct:
    """GETs over the connections of one session, which must outlive it."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        connector = session.connector
        assert connector is not None
        self._session = session
        self.connector = connector
        self._origins: dict[URL, aiohttp.ClientRequest] = {}

    def get(self, url: URL, headers: Mapping[str, str], limits: aiohttp.ClientTimeout) -> "Get":
        """Give a GET of an address without password, to be entered once; `total` of the limits is not looked at.

        Only `Host` (and `Connection`) is added to `headers`. Entering raises what `ClientSession.get` raises, and asks
        a second time where a kept connection turns out to be closed, as that does.
        """
        return Get(self, url, headers, limits)

    def origin(self, url: URL) -> aiohttp.ClientRequest:
        """Give the request that stands for the server of an address: the connector asks it where to connect."""
        origin = url.origin()
        known = self._origins.get(origin)
        if known is None:
            if len(self._origins) >= _origins_kept:
                self._origins.clear()
            loop = asyncio.get_running_loop()
            known = aiohttp.ClientRequest(
                "GET", origin, loop=loop, session=self._session, skip_auto_headers=_not_by_itself
            )
            self._origins[origin] = known
        return known


class Get:
    """One GET under way, as an async context manager. Its connection is kept only if the body was read to its end."""

    __slots__ = ("_connection", "_direct", "_headers", "_limits", "_url")

    def __init__(
        self, direct: Direct, url: URL, headers: Mapping[str, str], limits: aiohttp.ClientTimeout
    ) -> None:
        self._direct = direct
        self._url = url
        self._headers = headers
        self._limits = limits
        self._connection: Connection | None = None

    async def __aenter__(self) -> Answer:
        server = self._direct.origin(self._url)
        try:
            return await self._ask(server)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
            return await self._ask(server)  # a kept connection may be closed by its server at any moment

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.release()  # closes it where something of the answer is left unread

    async def _ask(self, server: aiohttp.ClientRequest) -> Answer:
        try:
            connection = await self._direct.connector.connect(server, [], self._limits)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError(f"no connection to {server.host}") from error
        try:
            answer = await self._exchange(connection, server)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return answer

    async def _exchange(self, connection: Connection, server: aiohttp.ClientRequest) -> Answer:
        protocol = connection.protocol
        assert protocol is not None
        protocol.set_response_params(
            read_until_eof=True, auto_decompress=False, read_timeout=self._limits.sock_read
        )
        fields = server.headers.copy()
        fields.update(self._headers)
        if self._direct.connector.force_close:
            fields["Connection"] = "close"
        writer = StreamWriter(protocol, server.loop)
        await writer.write_headers(f"GET {self._url.raw_path_qs} HTTP/1.1", fields)
        protocol.start_timeout()
        writer.set_eof()
        try:
            message, content = await protocol.read()
            while 100 <= message.code < 200 and message.code != 101:  # 103 and its like come before
                message, content = await protocol.read()
        except HttpProcessingError as error:
            raise aiohttp.ClientResponseError(
                server.request_info, (), status=error.code, message=error.message
            ) from error
        return _Answered(message.code, message.headers, content)
