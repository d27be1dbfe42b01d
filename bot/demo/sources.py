"""The public sources of the invented county (示范信源): three RSS feeds, an Atom feed and a comment stream over HTTP.

They publish the story by the clock, as real sites do, with validators (ETag, Last-Modified), counts and, in the
comment stream, the commenter's name, which a monitor must not keep. Nothing is invented on the way: every word comes
from the texts. The server knows no monitor, no chat and no database, and listens on loopback only.
"""

import hashlib
import re
import time
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

from bot.demo.county import COUNTY, SOURCES, SampleText

_paths: Mapping[str, str] = MappingProxyType(
    {
        "news": "/feeds/news.xml",
        "forum": "/feeds/forum.xml",
        "media": "/feeds/media.atom",
        "board": "/feeds/board.xml",
        "comments": "/api/comments/comments",
    }
)
_in_cdata = frozenset({"news"})
_feed_entries = 40
_page_comments = 20
_index_titles = 12
_baseline_step_s = 37 * 60  # older news lie this far apart before the start
_zone = ZoneInfo("Asia/Shanghai")
_cursor = re.compile(r"(\d{1,15})\.(\d{1,6})", re.ASCII)

_namespaces = (
    'xmlns:slash="http://purl.org/rss/1.0/modules/slash/" xmlns:media="http://search.yahoo.com/mrss/"'
)
_style = (
    "body{max-width:46rem;margin:2rem auto;padding:0 1rem;font:1rem/1.8 system-ui,sans-serif;color:#222}"
    "h1{font-size:1.4rem;line-height:1.4}h2{font-size:1.1rem;margin-top:1.8rem}a{color:#0b57a4}"
    ".meta,small{color:#666;font-size:.85rem}ul{padding-left:1.2rem}"
)

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, order=True)
class _Slot:
    """Where a text stands in the order of publication: epoch milliseconds, then a number that is never shared."""

    ms: int
    number: int

    def at(self) -> datetime:
        return datetime.fromtimestamp(self.ms / 1000, UTC)

    def cursor(self) -> str:
        return f"{self.ms}.{self.number}"


_before_all = _Slot(-1, 0)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A published text with its slot in the order and its page's address."""

    slot: _Slot
    text: SampleText
    link: str


class SampleSources:
    """A local web server that publishes the texts at `started_at + at / pace` (epoch seconds).

    With the same texts, `started_at` and `pace` a new server publishes the same things at the same instants, so
    a demo that stores `started_at` survives a restart; only what `publish_now` brought forward is forgotten, and
    comes at its own time with its old id. `started_at` None: the story starts when the object is made.
    """

    def __init__(
        self,
        texts: Sequence[SampleText],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        now: Callable[[], float] = time.time,
        started_at: float | None = None,
        pace: float = 1.0,
    ) -> None:
        if pace <= 0:
            raise ValueError(f"pace must be above 0, not {pace}")
        self.started_at = now() if started_at is None else started_at
        self._host, self._port, self._now = host, port, now
        self._texts = {text.id: text for text in texts}
        self._slots = _schedule(texts, self.started_at, pace)
        self._numbers = len(texts)
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        """Give the server's own address without a final slash; RuntimeError before `start`."""
        if self._runner is None or not self._runner.addresses:
            raise RuntimeError("the sample sources are not started")
        host, port = self._runner.addresses[0][:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    async def start(self) -> None:
        """Listen; OSError if the port is taken, RuntimeError if it listens already."""
        if self._runner is not None:
            raise RuntimeError("the sample sources are started already")
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner

    async def stop(self) -> None:
        """Stop listening; safe to call twice, and before `start`."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    def published_ids(self) -> tuple[str, ...]:
        """Name every text that is public now, oldest first."""
        return tuple(text.id for _, text in self._public())

    def publish_now(self, text_id: str) -> None:
        """Bring a text forward to this instant, a comment together with the text that it answers.

        Does nothing to a text that is public already. KeyError for an unknown id. Kept in memory only.
        """
        text = self._texts[text_id]
        if text.parent is not None:
            self.publish_now(text.parent)
        now_ms = _milliseconds(self._now())
        if self._slots[text_id].ms > now_ms:
            # A fresh number keeps two texts of one instant in the order of the calls, so no cursor skips one.
            self._slots[text_id] = _Slot(now_ms, self._numbers)
            self._numbers += 1

    def _public(self) -> list[tuple[_Slot, SampleText]]:
        now_ms = _milliseconds(self._now())
        public = [(slot, self._texts[i]) for i, slot in self._slots.items() if slot.ms <= now_ms]
        return sorted(public, key=lambda pair: pair[0])

    def _entries(self, source: str | None = None) -> list[_Entry]:
        """List what is public, of one source or of all, oldest first."""
        return [
            _Entry(slot, text, f"{self.base_url}/page/{text.id}")
            for slot, text in self._public()
            if source in {None, text.source}
        ]

    def _application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/", self._index)
        app.router.add_get("/page/{id}", self._page)
        for source, path in _paths.items():
            stream = self._comments if source == "comments" else self._feed(source)
            app.router.add_get(path, stream)
        return app

    def _feed(self, source: str) -> _Handler:
        is_atom = _paths[source].endswith(".atom")

        async def answer(request: web.Request) -> web.Response:
            entries = self._entries(source)[: -_feed_entries - 1 : -1]
            address = f"{self.base_url}{_paths[source]}"
            body = (_atom if is_atom else _rss)(source, address, entries).encode()
            kind = "application/atom+xml" if is_atom else "application/rss+xml"
            return _validated(request, body, kind, entries[0].slot.at() if entries else None)

        return answer

    async def _comments(self, request: web.Request) -> web.Response:
        since = _read_cursor(request.query.get("since", ""))
        if since is None:
            return web.json_response({"code": -400, "message": "since 参数不正确", "data": None}, status=400)
        entries = self._entries("comments")
        first = bisect_right(entries, since, key=lambda entry: entry.slot)
        page = entries[first : first + _page_comments]
        cursor = page[-1].slot.cursor() if page else request.query.get("since", "")
        data = {"next": cursor, "items": [_comment(entry) for entry in page]}
        return web.json_response({"code": 0, "message": "0", "data": data})

    async def _page(self, request: web.Request) -> web.Response:
        entries = self._entries()
        entry = next((e for e in entries if e.text.id == request.match_info["id"]), None)
        if entry is None:
            return _html(
                "没有这个页面", "<p>还没有发布，或者地址有误。<a href='/'>回到目录</a></p>", status=404
            )
        answers = [e for e in entries if e.text.parent == entry.text.id]
        return _html(_headline(entry.text), _article(entry, answers))

    async def _index(self, request: web.Request) -> web.Response:
        entries = self._entries()
        sections = [
            _section(
                source, f"{self.base_url}{path}", [e for e in reversed(entries) if e.text.source == source]
            )
            for source, path in _paths.items()
        ]
        note = "<p>以下均为演示用的虚构内容，由本机提供，随时间逐条发布。</p>"
        return _html(f"{COUNTY}示范信源", note + "".join(sections), refresh_s=15)


def source_urls(base_url: str) -> dict[str, str]:
    """Give the address of each source by its key, below `SampleSources.base_url`."""
    return {source: f"{base_url}{path}" for source, path in _paths.items()}


def _schedule(texts: Sequence[SampleText], started_at: float, pace: float) -> dict[str, _Slot]:
    """Lay out the order of publication: older news in steps before the start, the rest after it by `at`."""
    baseline = sum(text.at == 0 for text in texts)
    seconds = [
        started_at - (baseline - number) * _baseline_step_s if text.at == 0 else started_at + text.at / pace
        for number, text in enumerate(texts)
    ]
    return {
        text.id: _Slot(_milliseconds(at), number)
        for number, (text, at) in enumerate(zip(texts, seconds, strict=True))
    }


def _milliseconds(epoch_s: float) -> int:
    return round(epoch_s * 1000)


def _read_cursor(value: str) -> _Slot | None:
    """Read what the stream gave as `next`; empty means from the beginning, None that it is no cursor."""
    if not value:
        return _before_all
    match = _cursor.fullmatch(value)
    return _Slot(int(match[1]), int(match[2])) if match else None


def _validated(request: web.Request, body: bytes, kind: str, changed_at: datetime | None) -> web.Response:
    """Answer 304 where the reader has this very body. The ETag outranks the date (RFC 9110, section 13.2.2).

    The date has whole seconds only, so a text of the same second as the last one shows in the ETag alone.
    """
    tag = hashlib.sha256(body).hexdigest()[:20]
    known, since = request.if_none_match, request.if_modified_since
    whole = changed_at.replace(microsecond=0) if changed_at else None
    if known is not None:
        is_same = any(etag.value in {tag, "*"} for etag in known)
    else:
        is_same = whole is not None and since is not None and whole <= since
    response = web.Response(status=304) if is_same else web.Response(body=body)
    if not is_same:
        response.content_type, response.charset = kind, "utf-8"
    response.etag = tag
    response.last_modified = whole
    return response


def _rss(source: str, address: str, entries: Sequence[_Entry]) -> str:
    """Write an RSS 2.0 feed, newest entry first."""
    built = f"<lastBuildDate>{_rfc_822(entries[0].slot)}</lastBuildDate>" if entries else ""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<rss version="2.0" {_namespaces}><channel>'
        f"<title>{escape(SOURCES[source])}</title><link>{escape(address)}</link>"
        f"<description>{escape(SOURCES[source])}（演示）</description><language>zh-cn</language>{built}\n"
        + "".join(_rss_item(entry, in_cdata=source in _in_cdata) for entry in entries)
        + "</channel></rss>\n"
    )


def _rss_item(entry: _Entry, *, in_cdata: bool) -> str:
    text = entry.text
    paragraph = f"<p>{escape(text.text)}</p>"
    body = f"<![CDATA[{paragraph}]]>" if in_cdata else escape(paragraph)
    return (
        f'<item><guid isPermaLink="false">{escape(text.id)}</guid><title>{escape(text.title)}</title>'
        f"<link>{escape(entry.link)}</link><pubDate>{_rfc_822(entry.slot)}</pubDate>"
        f"<description>{body}</description>{_statistics(text)}</item>\n"
    )


def _atom(source: str, address: str, entries: Sequence[_Entry]) -> str:
    """Write an Atom feed, newest entry first; one without entries carries the epoch as its date."""
    updated = entries[0].slot if entries else _Slot(0, 0)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<feed xmlns="http://www.w3.org/2005/Atom" {_namespaces}>'
        f"<id>tag:yunting.example,2026:{source}</id><title>{escape(SOURCES[source])}</title>"
        f'<link rel="self" href="{escape(address)}"/><updated>{_rfc_3339(updated)}</updated>\n'
        + "".join(map(_atom_entry, entries))
        + "</feed>\n"
    )


def _atom_entry(entry: _Entry) -> str:
    text, at = entry.text, _rfc_3339(entry.slot)
    return (
        f"<entry><id>{escape(text.id)}</id><title>{escape(text.title)}</title>"
        f'<link rel="alternate" href="{escape(entry.link)}"/><published>{at}</published><updated>{at}</updated>'
        f'<summary type="html">{escape(f"<p>{escape(text.text)}</p>")}</summary>{_statistics(text)}</entry>\n'
    )


def _statistics(text: SampleText) -> str:
    """Write the counts: comments as slash:comments, views and reposts as attributes of media:statistics."""
    counts = text.counts
    comments = "" if counts.comments is None else f"<slash:comments>{counts.comments}</slash:comments>"
    named = {"views": counts.views, "reposts": counts.reposts}
    attributes = "".join(f' {name}="{count}"' for name, count in named.items() if count is not None)
    if not attributes:
        return comments
    return f"{comments}<media:community><media:statistics{attributes}/></media:community>"


def _comment(entry: _Entry) -> dict[str, Any]:
    """Give a comment as video and forum sites do; `member` is the trap: a person, not to be kept."""
    text = entry.text
    return {
        "rpid_str": text.id,
        "parent_id": text.parent,
        "root_id": text.parent,
        "ctime": entry.slot.ms // 1000,
        "content": {"message": text.text},
        "like": text.counts.likes or 0,
        "rcount": text.counts.comments or 0,
        "member": {"name": f"云汀网友{1000 + int(hashlib.sha256(text.id.encode()).hexdigest(), 16) % 9000}"},
    }


def _headline(text: SampleText) -> str:
    return text.title or (text.text if len(text.text) <= 24 else f"{text.text[:24]}…")


def _article(entry: _Entry, answers: Sequence[_Entry]) -> str:
    text = entry.text
    shown = {
        "浏览": text.counts.views,
        "转发": text.counts.reposts,
        "评论": text.counts.comments,
        "赞": text.counts.likes,
    }
    figures = " · ".join(f"{name} {count}" for name, count in shown.items() if count is not None)
    meta = " · ".join(filter(None, (SOURCES[text.source], _local(entry.slot), figures)))
    above = f"<p><a href='/page/{escape(text.parent)}'>↑ 所跟的帖子</a></p>" if text.parent else ""
    below = "".join(f"<li>{escape(a.text.text)} <small>{_local(a.slot)}</small></li>" for a in answers)
    comments = f"<h2>跟帖</h2><ul>{below}</ul>" if below else ""
    return (
        f"{above}<p class='meta'>{escape(meta)}</p><p>{escape(text.text)}</p>{comments}"
        "<p class='meta'>虚构内容，仅供演示。<a href='/'>回到目录</a></p>"
    )


def _section(source: str, address: str, newest_first: Sequence[_Entry]) -> str:
    lines = "".join(
        f"<li><a href='{escape(e.link)}'>{escape(_headline(e.text))}</a> <small>{_local(e.slot)}</small></li>"
        for e in newest_first[:_index_titles]
    )
    return (
        f"<h2>{escape(SOURCES[source])}</h2><p class='meta'>已发布 {len(newest_first)} 条 · "
        f"<a href='{escape(address)}'>{escape(_paths[source])}</a></p><ul>{lines}</ul>"
    )


def _html(title: str, body: str, *, status: int = 200, refresh_s: int | None = None) -> web.Response:
    refresh = f"<meta http-equiv='refresh' content='{refresh_s}'>" if refresh_s else ""
    page = (
        "<!doctype html><html lang='zh-CN'><head><meta charset='utf-8'>"
        f"<meta name='viewport' content='width=device-width, initial-scale=1'>{refresh}"
        f"<title>{escape(title)}</title><style>{_style}</style></head>"
        f"<body><h1>{escape(title)}</h1>{body}</body></html>"
    )
    return web.Response(text=page, content_type="text/html", charset="utf-8", status=status)


def _rfc_822(slot: _Slot) -> str:
    return format_datetime(slot.at().astimezone(_zone))


def _rfc_3339(slot: _Slot) -> str:
    return slot.at().astimezone(_zone).isoformat(timespec="seconds")


def _local(slot: _Slot) -> str:
    """Give the time as a reader in the county reads it."""
    return slot.at().astimezone(_zone).strftime("%Y-%m-%d %H:%M:%S")
