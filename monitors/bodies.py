"""The body of an answer: one layer of content coding undone by ourselves, never more than there is room for."""

import asyncio
import contextlib
import zlib
from collections.abc import Mapping
from typing import ClassVar

import aiohttp

from monitors.direct import Answer
from monitors.faults import Unread
from routing.items import Fault

page_bytes = 64 * 1024
page_s = 2.0
"""How much of an error page is read, and for how long: it only words the fault."""


async def read_body(answer: Answer, max_bytes: int) -> bytes:
    """Read an answer whole, inflated. Raises Unread where it is larger than `max_bytes`, or broken."""
    length = answer.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) > max_bytes:
        raise _too_large(max_bytes)
    inflate = Inflater(answer.headers.get("Content-Encoding", ""), max_bytes)
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += inflate(chunk, max_bytes - len(body))
    inflate.finish()
    return bytes(body)


async def read_page(answer: Answer) -> str:
    """Read what there is of an error page in HTML; "" for other kinds. Never raises for the page's own faults."""
    if "html" not in answer.headers.get("Content-Type", "").lower():
        return ""
    body = bytearray()
    with contextlib.suppress(Unread, aiohttp.ClientError, TimeoutError):
        inflate = Inflater(answer.headers.get("Content-Encoding", ""), page_bytes)
        async with asyncio.timeout(page_s):
            async for chunk in answer.content.iter_any():
                body += inflate(chunk, page_bytes - len(body))
    return body.decode("utf-8", "replace")


class Inflater:
    """Undo one layer of content coding. Raises Unread for a coding we did not ask for, and for broken content."""

    _windows: ClassVar[Mapping[str, int]] = {"gzip": 31, "x-gzip": 31, "deflate": 15}

    def __init__(self, coding: str, max_bytes: int) -> None:
        coding = coding.strip().lower()
        self._max_bytes = max_bytes
        self._plain = coding in {"", "identity"}
        self._any = False
        if not self._plain and coding not in self._windows:
            words = f"压缩方式 {coding[:40]} 不支持"
            raise Unread(Fault.UNREADABLE, words, "请联系来源改用 gzip，或换一个地址")
        self._reader = None if self._plain else zlib.decompressobj(self._windows[coding])

    def __call__(self, chunk: bytes, room: int) -> bytes:
        """Give the content of the next chunk. Raises Unread when it is more than `room`."""
        body = chunk
        if self._reader is not None:
            self._any = self._any or bool(chunk)
            try:
                body = self._reader.decompress(chunk, room + 1)
            except zlib.error as error:
                raise _broken() from error
        if len(body) > room:
            raise _too_large(self._max_bytes)
        return body

    def finish(self) -> None:
        """Check that the content has come to its end. Raises Unread."""
        if self._reader is not None and self._any and not self._reader.eof:
            raise _broken()


def _broken() -> Unread:
    return Unread(Fault.UNREADABLE, "压缩内容损坏或不完整", "多半是传输中断；若反复出现请联系来源")


def _too_large(max_bytes: int) -> Unread:
    limit = f"{max_bytes / 1024 / 1024:.3g} MiB"
    return Unread(Fault.TOO_LARGE, f"内容超过 {limit}", "请换条目较少的地址，或调大 max_bytes")
