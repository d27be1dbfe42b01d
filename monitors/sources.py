"""What to watch, as frozen values. How they are written in `sources.toml` is `monitors/sources_file.py`'s.

No field can hold where a stream keeps its people: what reaches for one is refused when the file is read.
"""

from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from monitors.persons import placeholder as placeholder  # noqa: PLC0414 - readers of streams know it from here
from routing.items import Kind

SourceKind = Literal["feed", "comments", "file", "inbox", "page", "column"]
PagingKind = Literal["cursor", "page", "offset"]
FileFormat = Literal["jsonl", "csv", "json"]
Scalar = str | int | bool
beijing = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Cursor:
    """How a comment stream is paged: the query parameter to send, and where the answer names the next value."""

    send: str
    next: str


@dataclass(frozen=True, slots=True)
class Paging:
    """How the further pages of a list are asked for.

    `send` is the parameter of the next page. Kind cursor: its value stands at `next` in the answer, further
    parameters at the paths of `also` (name, path). Kind page: `start` counts up by `step`; offset: by what was given.
    The list ends where `end` (a path) is true, where the next value is one of `stop`, or where a page is empty.
    `newest_first` False: the list is by heat or the like; a known entry says nothing of those below it.
    """

    kind: PagingKind
    send: str
    next: str | None = None
    also: tuple[tuple[str, str], ...] = ()
    start: int = 1
    step: int = 1
    end: str | None = None
    stop: tuple[Scalar, ...] = ()
    newest_first: bool = True


@dataclass(frozen=True, slots=True)
class Freshness:
    """Where an answer says of when it is, and how old that may be: caches call themselves a success for ever."""

    path: str
    max_age_s: float


@dataclass(frozen=True, slots=True)
class Success:
    """The condition under which an answer with status 200 is one: the value at `path` is one of `equals`."""

    path: str
    equals: tuple[Scalar, ...]


Paths = tuple[str, ...]
"""Paths tried in order; the first one that holds something counts. Empty: the stream has no such field."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """Where a stream keeps what an item needs; JMESPath, relative to one entry but for `items`.

    `items` None: the document itself is the list (files, pushed bodies). `url` is an address with `{path}` in it,
    each filled from the entry, or a path to one. `rank`: a hot list, whose entries need no time.
    `relative_times`: "3分钟前" may be believed. `text_cut` and `title_cut` are linear-time expressions (RE2); what they
    match is cut before anything is kept: names that a platform writes into the text.
    """

    items: str | None
    id: Paths
    text: Paths
    title: Paths = ()
    parent: Paths = ()
    no_parent: tuple[str, ...] = ("", "0")
    time: Paths = ()
    relative_times: bool = False
    url: str | None = None
    likes: Paths = ()
    replies: Paths = ()
    reposts: Paths = ()
    views: Paths = ()
    rank: bool = False
    text_cut: str | None = None
    title_cut: str | None = None
    cursor: Cursor | None = None
    page: Paging | None = None
    ok: Success | None = None
    fresh: Freshness | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One address to poll, with its limits.

    `zone` is that of times which carry none. `window_h`: what was published longer ago than this when the source is
    seen for the first time is old news. `interval_s` to `max_interval_s`: how often it is asked, by what is learned
    of it. `timeout_s` bounds the whole, `connect_s` and `read_s` its parts; `spacing_s` lies between two requests to
    one host. `mirrors` are further addresses of the same content (RSSHub), tried in turn. `allow_hosts`: exact
    host:port pairs that may have a private address; every other address must be a public one. `form` or `json_body`:
    the source is asked by POST. `mapping` is set for
    comment streams, files and inboxes; a feed has `title_cut` and `text_cut` here. `path` is a file or a
    pattern of files. `frozen_h`: an unchanged answer for longer is a cache, not a source (0: never); `silent_h`: the
    same for news, in place of what is learned (0: never; None: learned). `overdue_d`: a column must have news in so
    many days. `answers`: the external id of the text that all comments of a feed under watch stand under; nobody
    configures it. `window_h`, `frozen_h`, `silent_h` in hours, `overdue_d` in days, all `_s` in seconds.
    """

    id: str
    name: str
    kind: SourceKind
    url: str
    site: str
    item_kind: Kind
    tags: tuple[str, ...] = ()
    zone: ZoneInfo = beijing
    interval_s: float = 60
    max_interval_s: float = 60
    timeout_s: float = 20
    connect_s: float = 10
    read_s: float = 15
    spacing_s: float = 0
    max_bytes: int = 5 * 1024 * 1024
    max_pages: int = 5
    window_h: float = 0
    allow_hosts: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()
    proxy: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    form: tuple[tuple[str, str], ...] = ()
    json_body: str | None = None
    mapping: Mapped | None = None
    path: str | None = None
    format: FileFormat = "jsonl"
    encoding: str | None = None
    comment_feeds: bool = True
    answers: str | None = None
    title_cut: str | None = None
    text_cut: str | None = None
    frozen_h: float = 0
    silent_h: float | None = None
    overdue_d: float = 0
    user_agent: str = "yuqing/0.1"

    def addresses(self) -> tuple[str, ...]:
        """Give the address and its mirrors, in the order in which they are tried."""
        return (self.url, *self.mirrors)
