"""Feed bytes to items, by feedparser behind a shield; pure, opens nothing, keeps no author.

The shield: bytes are decoded here, on the whole document; entries that were read before are cut out; character
references that make feedparser raise are repaired; feedparser gets a stream (a path given as bytes it would open),
with its sanitiser and address rewriting off, for the markup is stripped to text anyway. Runs in the worker process:
some inputs cost minutes, and only a killed process ends those.
"""

import hashlib
import io
import json
import logging
import re
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol
from urllib.parse import urljoin

import feedparser
import feedparser.api

from monitors.counts import parse_count
from monitors.dates import Dated, read_date
from monitors.jsonfeed import JsonFeed, as_entry, read_json_feed
from monitors.masking import mask
from monitors.parsed import Parsed, unread
from monitors.plainrss import read_plain
from monitors.rawcut import Entries, find_entries, loose_entries, max_digests, names_in, split_digests
from monitors.sources import Source
from monitors.texts import (
    Decoded,
    canonical_link,
    clean,
    count_letters,
    decode,
    one_line,
    plain,
    spoiled_share,
)
from routing.items import Ailment, CommentFeed, Counts, Fault, Item, Symptom

log = logging.getLogger(__name__)

# It looks for a parser that has not been there since Python 2, in every folder of the path, at every document.
feedparser.api.PREFERRED_XML_PARSERS = []

max_entries = 1000
max_comment_feeds = 50
max_link_letters = 4000
salvage_limit_s = 5.0
"""Processor time for reading entries one by one; those it does not reach are reported, and tried again next time."""
_Entry = Mapping[str, Any]
_forbidden_in_xml = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_prolog = re.compile(r"^\s*<\?xml[^>]*\?>")
_reference = re.compile(r"&#(?:[xX]0*([0-9a-fA-F]{1,400})|0*([0-9]{1,400}));?")
_html_tag = re.compile(r"<(?:!doctype\s+html|html)\b", re.IGNORECASE)


def parse_feed(
    body: bytes,
    content_type: str,
    source: Source,
    now: datetime,
    known: bytes = b"",
    memory: str | None = None,
) -> Parsed:
    """Read RSS, RDF, Atom or JSON Feed. Never raises; an HTML page or an empty body is a problem, an empty feed is not.

    `known` holds the digests of entries that were read before (`Parsed.raw_hashes` of the last round); they count
    among `entries` and are not read again. An entry that could not be read, or was one too many, is not named in
    the new digests, so that it is tried again and its symptom stays. `memory` is `Parsed.memory` of the last round.
    """
    parsed = _parse(body, content_type, source, now, known, memory)
    return parsed if parsed.problem is None else replace(parsed, raw_hashes=known, memory=memory)


def _parse(
    body: bytes, content_type: str, source: Source, now: datetime, known: bytes, memory: str | None
) -> Parsed:
    if not body.strip():
        return unread(Fault.NOT_A_FEED, "来源返回空白内容", "请在浏览器打开该地址核对；可能已停用")
    decoded = decode(body, content_type, source.encoding)
    start = _skip_preamble(decoded.text)
    if _html_tag.match(decoded.text, start):
        return unread(
            Fault.NOT_A_FEED,
            f"返回的是网页而不是订阅源：{_page_title(decoded.text)}",
            "多半是登录页、验证页或报错页；请核对地址，或检查 RSSHub 等中转是否正常",
            charset=decoded.charset,
        )
    if decoded.text.startswith("{", start):
        return _json(decoded, content_type, source, now, known, memory)
    return _xml(decoded, source, now, known, memory)


def _skip_preamble(text: str) -> int:
    """Give where the document starts behind white space, instructions and comments; linear, unlike one expression."""
    end = 0
    while end < 4096:
        end += len(text[end : end + 4096]) - len(text[end : end + 4096].lstrip("\ufeff \t\r\n\f\v"))
        opener, closer = ("<?", "?>") if text.startswith("<?", end) else ("<!--", "-->")
        past = text.find(closer, end, end + 4096) if text.startswith(opener, end) else -1
        if past < 0:
            break
        end = past + len(closer)
    return end


def _page_title(text: str) -> str:
    found = re.search(r"<title[^>]{0,200}>(.{0,200}?)</title", text[:20_000], re.IGNORECASE | re.DOTALL)
    return mask(one_line(found[1])).text[:40] if found and found[1].strip() else "无标题"


# --- the two languages, each as a list of entries that can be read by number ---


class _Document(Protocol):
    @property
    def digests(self) -> tuple[bytes, ...]: ...

    def read(self, numbers: Sequence[int]) -> list[_Entry | None]:
        """Read these entries, each to its place; None for one that cannot be read."""

    def holding(self, marks: Collection[str]) -> Iterable[int]:
        """Give the entries in which one of the marks stands; some in which none does may be among them."""

    def names(self, number: int) -> Iterable[str]:
        """Give every id and link that an entry could go by."""


def _json(
    decoded: Decoded, content_type: str, source: Source, now: datetime, known: bytes, memory: str | None
) -> Parsed:
    try:
        feed = read_json_feed(decoded.text.lstrip("\ufeff"), content_type)
    except ValueError:
        detail, cure = "JSON 残缺，一条也没读出", "多半是传输中断；若反复出现请联系来源"
        return unread(Fault.UNREADABLE, detail, cure, charset=decoded.charset)
    if feed is None:
        return _not_a_feed(decoded)
    harvest = _harvest(_JsonDocument(feed), source, now, known)
    if feed.next_url:
        harvest.notes.append("来源还有更早的分页（next_url），不读取")
    return _parsed(harvest, decoded, memory)


@dataclass(frozen=True, slots=True)
class _JsonDocument:
    feed: JsonFeed

    @property
    def digests(self) -> tuple[bytes, ...]:
        return self.feed.digests

    def read(self, numbers: Sequence[int]) -> list[_Entry | None]:
        return [as_entry(self.feed.entries[number]) for number in numbers]

    def holding(self, marks: Collection[str]) -> Iterable[int]:
        return range(len(self.feed.entries))

    def names(self, number: int) -> Iterable[str]:
        entry = as_entry(self.feed.entries[number]) or {}
        return entry.get("id", ""), entry.get("link", "")


def _xml(decoded: Decoded, source: Source, now: datetime, known: bytes, memory: str | None) -> Parsed:
    found = find_entries(decoded.text)
    if found:
        document = _XmlDocument(found)
        harvest = _harvest(document, source, now, known)
        harvest.notes.extend(document.notes)
        harvest.ttl_s = _ttl(found.around())
        return _parsed(harvest, decoded, memory)
    text = repair(decoded.text)
    feed = _read(text)
    notes = []
    if feed is None:
        feed = _salvage_loose(text)
        notes.append(_salvaged)
    entries: Sequence[_Entry | None] = feed.get("entries", [])
    if not entries and not feed.get("version"):
        return _not_a_feed(decoded)
    if not entries and feed.get("bozo"):
        return unread(
            Fault.UNREADABLE,
            "订阅源残缺，一条也没读出",
            "多半是传输中断；若反复出现请联系来源",
            charset=decoded.charset,
        )
    harvest = _Harvest(entries=len(entries), left=max(0, len(entries) - max_entries), notes=notes)
    _draft(entries[:max_entries], range(max_entries), harvest, source, now)
    harvest.ttl_s = _ttl(decoded.text)
    return _parsed(harvest, decoded, memory)


class _XmlDocument:
    def __init__(self, found: Entries) -> None:
        self._found = found
        self.notes: list[str] = []

    @property
    def digests(self) -> tuple[bytes, ...]:
        return self._found.digests

    def read(self, numbers: Sequence[int]) -> list[_Entry | None]:
        text = self._found.only(frozenset(numbers))
        if (plain_ones := _read_plain(text, len(numbers))) is not None:
            return [*plain_ones]
        feed = _read(repair(text))
        entries: list[_Entry | None] = list(feed.get("entries", [])) if feed is not None else []
        if len(entries) == len(numbers):
            return entries
        # It gave up, or ran entries together: each is read in a feed of its own.
        self.notes = [_salvaged]
        return _read_each([repair(self._found.raw(number)) for number in numbers])

    def holding(self, marks: Collection[str]) -> Iterable[int]:
        return self._found.holding(marks)

    def names(self, number: int) -> Iterable[str]:
        return names_in(self._found.raw(number))


def _not_a_feed(decoded: Decoded) -> Parsed:
    return unread(
        Fault.NOT_A_FEED,
        f"内容不是订阅源（开头：{mask(one_line(decoded.text[:200])).text[:20]}）",
        '请核对地址；JSON 接口请改用 kind = "comments"',
        charset=decoded.charset,
    )


def _read_plain(text: str, count: int) -> list[_Entry] | None:
    # Of the letters that XML forbids, and that are dropped for feedparser, expat takes this one only.
    return None if "\x7f" in text else read_plain(_whole_references(_prolog.sub("", text, count=1)), count)


# --- feedparser ---


def repair(text: str) -> str:
    """Join references that are halves of one letter, replace those that are none, drop what XML forbids."""
    return _whole_references(_forbidden_in_xml.sub("", _prolog.sub("", text, count=1)))


def _whole_references(text: str) -> str:
    return _reference.sub(_Joiner(), text) if "&#" in text else text


class _Joiner:
    """Rewrite one reference; a high surrogate takes the low one that follows it, which is then dropped."""

    def __init__(self) -> None:
        self._taken = -1

    def __call__(self, found: re.Match[str]) -> str:
        if found.start() == self._taken:
            return ""
        code = _code(found)
        if 0xD800 <= code < 0xDC00:
            follower = _reference.match(found.string, found.end())
            low = _code(follower) if follower else 0
            if 0xDC00 <= low < 0xE000:
                self._taken = found.end()
                return chr(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00))
        if (
            code in {9, 10, 13}
            or 32 <= code < 0xD800
            or 0xE000 <= code < 0xFFFE
            or 0x10000 <= code < 0x110000
        ):
            return found[0]
        return "\ufffd"


def _code(found: re.Match[str]) -> int:
    hexadecimal, decimal = found.groups()
    digits = hexadecimal or decimal or "0"
    return 0x110000 if len(digits) > 8 else int(digits, 16 if hexadecimal else 10)


def _read(text: str) -> Mapping[str, Any] | None:
    # No base address: feedparser would resolve ids against it, and a source that moves would look all new.
    headers = {"content-type": "application/xml; charset=utf-8"}
    stream = io.BytesIO(text.encode("utf-8"))
    try:
        feed: Mapping[str, Any] = feedparser.parse(
            stream, response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    except Exception as error:
        # Mutated feeds made it raise ten kinds of exception, KeyError and TypeError among them; none is promised.
        log.info("feedparser raised %s", type(error).__name__)
        return None
    return feed


_salvaged = "订阅源整体无法解析，已逐条抢救"


def _salvage_loose(text: str) -> Mapping[str, Any]:
    entries = [entry for entry in _read_each(loose_entries(text, max_entries)) if entry is not None]
    return {"entries": entries, "bozo": True}


def _read_each(raw_entries: Sequence[str]) -> list[_Entry | None]:
    """Read each raw entry in a feed of its own: the one that makes feedparser raise must not cost the others."""
    ends_at = time.process_time() + salvage_limit_s
    return [_read_alone(raw) if time.process_time() < ends_at else None for raw in raw_entries]


def _read_alone(raw: str) -> _Entry | None:
    name = raw[1:80].split(None, 1)[0].partition(">")[0].rstrip("/")
    prefix = name.rpartition(":")[0]
    root = _atom_root if name.lower().endswith("entry") else _rss_root
    start, end = root
    if prefix:
        start = start.replace(" ", f' xmlns:{prefix}="http://www.w3.org/2005/Atom" ', 1)
    feed = _read(start + raw + end)
    entries = feed.get("entries", []) if feed is not None else []
    return entries[0] if entries else None


_extensions = (
    ' xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:slash="http://purl.org/rss/1.0/modules/slash/" xmlns:wfw="http://wellformedweb.org/CommentAPI/"'
    ' xmlns:thr="http://purl.org/syndication/thread/1.0" xmlns:media="http://search.yahoo.com/mrss/"'
    ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
)
_rss_root = (f"<rss{_extensions}><channel>", "</channel></rss>")
_atom_root = (f'<feed xmlns="http://www.w3.org/2005/Atom"{_extensions}>', "</feed>")


# --- entries to items ---


class _Draft(NamedTuple):
    """An item before its id is settled: its place in the document, the id or link it goes by, its comments."""

    number: int
    name: str
    by_link: bool
    item: Item
    replies: str


@dataclass(slots=True)
class _Harvest:
    """What has been read so far. `entries`: in the document; `left`: of them beyond the limit, unread.

    `is_read_on`: some of those will be read in the next round.
    """

    entries: int
    left: int = 0
    is_all: bool = True
    is_read_on: bool = False
    drafts: list[_Draft] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)
    fresh: frozenset[int] | None = None
    digests: tuple[bytes, ...] = ()
    notes: list[str] = field(default_factory=list)
    ttl_s: float | None = None


def _harvest(document: _Document, source: Source, now: datetime, known: bytes) -> _Harvest:
    """Read what is not known of the document, the first `max_entries` of it: feeds have the newest first."""
    digests = document.digests
    seen = split_digests(known)
    fresh = [number for number, name in enumerate(digests) if name not in seen]
    # What stands below those that can be remembered would be new in each round: it is told of and not read.
    within = [number for number in fresh if number < max_digests]
    taken = within[:max_entries]
    chosen = frozenset(taken)
    left = frozenset(fresh) - chosen
    harvest = _Harvest(entries=len(digests), left=len(left), is_all=len(fresh) == len(digests), fresh=chosen)
    harvest.is_read_on = len(within) > len(taken)
    if taken:
        _draft(document.read(taken), taken, harvest, source, now)
        cut = {number for number in range(len(digests)) if number not in chosen and number not in left}
        if cut and (namesakes := _namesakes(document, cut, harvest.drafts, source)):
            harvest.drafts.clear()
            harvest.skipped.clear()
            taken = sorted({*taken, *namesakes})
            _draft(document.read(taken), taken, harvest, source, now)
    unread_ones = {*left, *harvest.skipped}
    harvest.digests = tuple(name for number, name in enumerate(digests) if number not in unread_ones)
    return harvest


def _namesakes(
    document: _Document, cut: Collection[int], drafts: Sequence[_Draft], source: Source
) -> list[int]:
    """Find the known entries that go by the id of a new one: whether that id is believed, only all of them show."""
    ids = {draft.name for draft in drafts if draft.name and not draft.by_link}
    links = {draft.name for draft in drafts if draft.name and draft.by_link}
    # The longest part that is written the same however the rest is escaped or abbreviated.
    marks = {max(_escaped.split(name), key=len) for name in ids}
    marks |= {max(_between_words.split(link.partition("//")[2].partition("/")[2]), key=len) for link in links}
    return [
        number
        for number in document.holding(marks)
        if number in cut
        and any(
            clean(name) in ids or (links and canonical_link(_link(name, source.url)) in links)
            for name in document.names(number)
        )
    ]


_escaped = re.compile(r"[&<>\"'\s]|[^\x20-\x7e]+")
_between_words = re.compile(r"[^\w.-]+|[^\x20-\x7e]+")


def _draft(
    entries: Sequence[_Entry | None], numbers: Sequence[int], harvest: _Harvest, source: Source, now: datetime
) -> None:
    for number, entry in zip(numbers, entries, strict=False):
        try:
            draft = _item(entry, number, source, now) if entry is not None else None
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            log.warning("entry of %s could not be read", source.id, exc_info=True)
            draft = None
        if draft is None:
            harvest.skipped.append(number)
        else:
            harvest.drafts.append(draft)


def _parsed(harvest: _Harvest, decoded: Decoded, memory: str | None) -> Parsed:
    """Put together what was read and what is wrong with it."""
    settled = _distinct(harvest.drafts)
    fresh = [draft for draft in settled if harvest.fresh is None or draft.number in harvest.fresh]
    items = tuple(draft.item for draft in fresh)
    notes = [f"有 {decoded.replaced} 处字符无法识别（{decoded.charset}）"] if decoded.replaced else []
    notes += harvest.notes
    symptoms = []
    if harvest.left:
        detail = f"一次给出 {harvest.entries} 条，本次只读最前面的 {max_entries} 条新内容，还剩 {harvest.left} 条未读"
        notes.append(detail)
        symptoms.append(Symptom(Ailment.PAGES, detail, "请换条目较少的地址；能逐条辨认的，下次接着读"))
    if harvest.skipped:
        detail = f"有 {len(harvest.skipped)} 条读不出内容，已跳过"
        notes.append(detail)
        symptoms.append(Symptom(Ailment.SKIPPED, detail, "请在浏览器打开该地址核对；多半是来源排版有误"))
    undated = sum(item.published_at is None for item in items)
    if items and undated == len(items):
        notes.append(f"各条日期均不可用（{items[0].date_note}），按发现时间计")
    memory, spoil = _judge_letters(decoded, items, memory, is_all=harvest.is_all)
    # A collapsed document is read again next time: what heals, and what does not, shows only then.
    hashes = b"" if spoil and harvest.is_all else b"".join(harvest.digests[:max_digests])
    return Parsed(
        items=items,
        notes=tuple(notes),
        charset=decoded.charset,
        entries=harvest.entries,
        raw_hashes=hashes,
        symptoms=(*symptoms, *spoil),
        memory=memory,
        ttl_s=harvest.ttl_s,
        comment_feeds=_comment_feeds(fresh),
        more=harvest.is_read_on,
    )


def _item(entry: _Entry, number: int, source: Source, now: datetime) -> _Draft | None:
    entry = dict(entry)  # feedparser's own kind of mapping is slow, and answers for keys that are not there
    title = one_line(str(entry.get("title") or ""))
    text = plain(_body(entry))
    if not title and not text:
        return None
    link = _link(str(entry.get("link") or ""), source.url)
    dated = _date(entry, source, now)
    written = clean(str(entry.get("id") or ""))
    name = written or canonical_link(link)
    item = Item(
        source_id=source.id,
        external_id=_identity(name, title, text),
        url=link or source.url,
        title=title,
        text=text,
        kind=source.item_kind,
        published_at=dated.at,
        date_note=dated.note,
        counts=_counts(entry),
    )
    return _Draft(number, name, not written, item, _replies(entry, source) if source.comment_feeds else "")


def _link(written: str, base: str) -> str:
    if len(written) > max_link_letters:  # no address but an attack: a card could not show it
        return ""
    link = clean(written)
    if not link.startswith(("http://", "https://")) or "[" in link:
        try:
            link = urljoin(base, link) if link else ""
        except ValueError:
            return ""
    return link if link.startswith(("http://", "https://")) else ""


def _body(entry: _Entry) -> str:
    contents = [str(part.get("value") or "") for part in entry.get("content") or ()]
    return max([*contents, str(entry.get("summary") or "")], key=len)


def _date(entry: _Entry, source: Source, now: datetime) -> Dated:
    first = Dated(None, "来源未给日期")
    for key in ("published", "updated", "created"):
        written = entry.get(key)
        if not written:
            continue
        dated = read_date(written, source.zone, now)
        if dated.at is not None:
            return dated
        first = dated
    return first


_no_counts = Counts()


def _counts(entry: _Entry) -> Counts:
    """Read what Media RSS and the slash and thread extensions say; feedparser gives attributes as they are written."""
    if entry.keys().isdisjoint(("media_statistics", "slash_comments", "thr_total", "links")):
        return _no_counts
    shown = entry.get("media_statistics")
    shown = shown if isinstance(shown, Mapping) else {}
    comments = parse_count(entry.get("slash_comments") or entry.get("thr_total"))
    if comments is None:
        comments = next(
            (count for link in _reply_links(entry) if (count := parse_count(link.get("thr:count")))), None
        )
    return Counts(
        views=parse_count(shown.get("views")),
        likes=parse_count(shown.get("favorites")),
        reposts=parse_count(shown.get("reposts")),
        comments=comments,
    )


def _reply_links(entry: _Entry) -> list[Mapping[str, Any]]:
    return [link for link in entry.get("links") or () if link.get("rel") == "replies"]


def _replies(entry: _Entry, source: Source) -> str:
    """Give the address of the feed of an entry's comments: wfw:commentRss, or Atom's (RFC 4685 section 4) where it is XML."""
    if entry.keys().isdisjoint(("wfw_commentrss", "links")):
        return ""
    feeds = [link for link in _reply_links(entry) if "xml" in str(link.get("type") or "xml")]
    written = [entry.get("wfw_commentrss"), *(link.get("href") for link in feeds)]
    return next((link for one in written if one and (link := _link(str(one), source.url))), "")


def _comment_feeds(drafts: Sequence[_Draft]) -> tuple[CommentFeed, ...]:
    named = [
        CommentFeed(draft.item.external_id, draft.replies, draft.item.counts.comments)
        for draft in drafts
        if draft.replies and len(draft.replies) <= 2000
    ]
    return tuple(named[:max_comment_feeds])


def _identity(name: str, title: str, text: str) -> str:
    # A text may be edited, so it names an entry only where the feed gives neither id nor link.
    name = name or "sha256:" + _hash(title, text)
    return name if len(name) <= 300 else "sha256:" + _hash(name)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def _distinct(drafts: Sequence[_Draft]) -> list[_Draft]:
    """Give every entry an id of its own: of copies the latest stays, one id shared by different texts is not believed.

    What is a copy, and which one stays, does not hang on the order, so that it is the same in every round.
    """
    sharing: dict[str, list[_Draft]] = {}
    for draft in drafts:
        sharing.setdefault(draft.item.external_id, []).append(draft)
    settled = []
    for name, sharers in sharing.items():
        if len(sharers) == 1:
            settled += sharers
            continue
        texts: dict[str, _Draft] = {}
        for draft in sharers:
            content = _hash(canonical_link(draft.item.url), draft.item.title, draft.item.text)
            if content not in texts or _lateness(draft.item) > _lateness(texts[content].item):
                texts[content] = draft
        for content, draft in texts.items():
            own = name if len(texts) == 1 else f"{name[:300]}#{content[:12]}"
            settled.append(draft._replace(item=replace(draft.item, external_id=own)))
    return sorted(settled, key=lambda draft: draft.number)


def _lateness(item: Item) -> tuple[datetime, int, int, int, int]:
    counts = item.counts
    shown = (counts.comments or 0, counts.views or 0, counts.likes or 0, counts.reposts or 0)
    return (item.published_at or datetime.min.replace(tzinfo=UTC), *shown)


# --- how long the feed calls itself fresh ---

_ttl_minutes = re.compile(r"<ttl\s{0,20}>\s{0,20}(\d{1,9})(?:\.\d{1,9})?\s{0,20}</ttl", re.IGNORECASE)
_period = re.compile(r"<[\w.-]{1,40}:updatePeriod\s{0,20}>\s{0,20}(\w{1,20})\s{0,20}<", re.IGNORECASE)
_frequency = re.compile(r"<[\w.-]{1,40}:updateFrequency\s{0,20}>\s{0,20}(\d{1,9})\s{0,20}<", re.IGNORECASE)
_periods = {"hourly": 3600, "daily": 86_400, "weekly": 604_800, "monthly": 2_592_000, "yearly": 31_536_000}


def _ttl(head: str) -> float | None:
    """Read RSS's ttl (minutes) or RSS 1.0's syndication module, into 1 minute to 24 hours; None for nonsense, or none."""
    head = head[:20_000]
    if found := _ttl_minutes.search(head):
        seconds = 60.0 * int(found[1])
    elif found := _period.search(head):
        times = _frequency.search(head)
        often = int(times[1]) if times else 1
        seconds = _periods.get(found[1].lower(), 0) / often if often else 0.0
    else:
        return None
    return min(max(seconds, 60.0), 86_400.0) if 0 < seconds <= _periods["yearly"] else None


# --- letters that collapse ---

_usual, _collapsed = 0.5, 0.2
_enough_letters = 200
_rounds = 50
_max_spoiled = 0.01


def _judge_letters(
    decoded: Decoded, items: Sequence[Item], memory: str | None, *, is_all: bool
) -> tuple[str | None, tuple[Symptom, ...]]:
    """Compare the share of Chinese letters with the source's own; give the new memory and what is wrong.

    Only a document of which no entry was known can have collapsed: with its codec all of its letters change.
    """
    if (spoiled := spoiled_share(decoded.text)) > _max_spoiled:
        detail = f"约 {max(1, round(100 * spoiled))}% 的文字是乱码（{decoded.charset}）"
        return memory, (Symptom(Ailment.CHARSET, detail, _encoding_cure(decoded.charset)),)
    if not items:
        return memory, ()
    chinese, letters = count_letters(text for item in items for text in (item.title, item.text))
    kept, usual, rounds = _remembered(memory)
    share = chinese / letters if letters else 0.0
    if is_all and usual > _usual and letters > _enough_letters and share < _collapsed:
        detail = f"中文占比从平时的 {usual:.0%} 降到 {share:.0%}，多半是乱码（{decoded.charset}）"
        return memory, (Symptom(Ailment.CHARSET, detail, _encoding_cure(decoded.charset)),)
    if letters < 50:
        return memory, ()
    rounds = min(rounds + 1, _rounds)
    usual += (share - usual) / rounds
    return json.dumps({**kept, "feed": {"cjk": round(usual, 3), "n": rounds}}), ()


def _encoding_cure(tried: str) -> str:
    """Give what the operator can do; an `encoding` that was tried already is none of it."""
    if tried == "utf-8":
        cure = "写过 encoding 的请删去；原文也是乱码的，换一个地址或中转，或告知网站"
    else:
        other = "big5" if tried == "gb18030" else "gb18030"
        cure = f'若是编码标错，可为该来源写 encoding = "{other}"'
    return f"请在浏览器核对原文；{cure}"


def _remembered(memory: str | None) -> tuple[dict[str, Any], float, int]:
    try:
        kept = json.loads(memory) if memory else {}
        ours = kept.get("feed", {})
        return kept, min(max(float(ours.get("cjk", 0.0)), 0.0), 1.0), max(int(ours.get("n", 0)), 0)
    except (AttributeError, RecursionError, TypeError, ValueError):
        return {}, 0.0, 0
