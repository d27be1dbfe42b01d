"""Feed bytes to items, by feedparser behind a shield; pure, opens nothing, keeps no author.

The shield: bytes are decoded here, on the whole document; character references that make feedparser raise are
repaired; feedparser gets a stream (a path given as bytes it would open), with its sanitiser and address rewriting off,
for the markup is stripped to text anyway. Runs in the worker process: some inputs cost minutes, and only a killed
process ends those.
"""

import hashlib
import io
import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

import feedparser

from monitors.counts import parse_count
from monitors.dates import Dated, read_date
from monitors.parsed import Parsed, unread
from monitors.sources import Source
from monitors.texts import clean, decode, one_line, plain
from routing.items import Counts, Fault, Item

log = logging.getLogger(__name__)

max_entries = 1000
_html_page = re.compile(
    r"\s*(?:<\?xml[^>]*>|<!--.*?-->|\s)*<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL
)
_prolog = re.compile(r"^\s*<\?xml[^>]*\?>")
_forbidden_in_xml = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_reference = re.compile(r"&#(?:[xX]0*([0-9a-fA-F]{1,400})|0*([0-9]{1,400}));?")
_raw_entry = re.compile(r"<(item|entry)(?=[\s>]).*?</\1\s*>", re.DOTALL | re.IGNORECASE)


def parse_feed(body: bytes, content_type: str, source: Source, now: datetime) -> Parsed:
    """Read RSS, RDF or Atom. Never raises; an HTML page or an empty body is a problem, an empty feed is not."""
    if not body.strip():
        return unread(Fault.NOT_A_FEED, "来源返回空白内容", "请在浏览器打开该地址核对；可能已停用")
    decoded = decode(body, content_type)
    notes = [f"有 {decoded.replaced} 处字符无法识别（{decoded.charset}）"] if decoded.replaced else []
    if _html_page.match(decoded.text[:4096]):
        return unread(
            Fault.NOT_A_FEED,
            f"返回的是网页而不是订阅源：{_page_title(decoded.text)}",
            "多半是登录页、验证页或报错页；请核对地址，或检查 RSSHub 等中转是否正常",
            charset=decoded.charset,
        )
    text = repair(decoded.text)
    feed = _read(text)
    if feed is None:
        feed = _salvage(text)
        notes.append("订阅源整体无法解析，已逐条抢救")
    entries: Sequence[Mapping[str, Any]] = feed.get("entries", [])
    if not entries and not feed.get("version"):
        return unread(
            Fault.NOT_A_FEED,
            f"内容不是订阅源（开头：{one_line(text[:40])[:20]}）",
            '请核对地址；JSON 接口请改用 kind = "comments"',
            charset=decoded.charset,
        )
    if not entries and feed.get("bozo"):
        return unread(
            Fault.UNREADABLE,
            "订阅源残缺，一条也没读出",
            "多半是传输中断；若反复出现请联系来源",
            charset=decoded.charset,
        )
    items, more = _items(entries, source, now)
    return Parsed(items=items, notes=(*notes, *more), charset=decoded.charset)


def repair(text: str) -> str:
    """Join references that are halves of one letter, replace those that are none, drop what XML forbids."""
    return _reference.sub(_Joiner(), _forbidden_in_xml.sub("", _prolog.sub("", text, count=1)))


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


def _salvage(text: str) -> Mapping[str, Any]:
    """Read each raw entry in a feed of its own: the one that made feedparser raise must not cost the others."""
    entries: list[Mapping[str, Any]] = []
    version = ""
    for found in list(_raw_entry.finditer(text))[:max_entries]:
        atom = found[1].lower() == "entry"
        head, tail = (
            ('<feed xmlns="http://www.w3.org/2005/Atom">', "</feed>")
            if atom
            else ("<rss><channel>", "</channel></rss>")
        )
        alone = _read(head + found[0] + tail)
        if alone is not None:
            entries += alone.get("entries", [])
            version = version or alone.get("version", "")
    return {"entries": entries, "version": version, "bozo": True}


def _page_title(text: str) -> str:
    found = re.search(r"<title[^>]*>(.{0,200}?)</title", text[:20_000], re.IGNORECASE | re.DOTALL)
    return one_line(found[1])[:40] if found and found[1].strip() else "无标题"


def _items(
    entries: Sequence[Mapping[str, Any]], source: Source, now: datetime
) -> tuple[tuple[Item, ...], list[str]]:
    notes = []
    if len(entries) > max_entries:
        notes.append(f"一次给出 {len(entries)} 条，只处理前 {max_entries} 条")
    drafts, skipped = [], 0
    for entry in entries[:max_entries]:
        try:
            item = _item(entry, source, now)
        except (ArithmeticError, LookupError, TypeError, ValueError):
            log.warning("entry of %s could not be read", source.id, exc_info=True)
            item = None
        skipped += item is None
        if item is not None:
            drafts.append(item)
    if skipped:
        notes.append(f"有 {skipped} 条读不出内容，已跳过")
    items = _distinct(drafts)
    undated = sum(item.published_at is None for item in items)
    if items and undated == len(items):
        notes.append(f"各条日期均不可用（{items[0].date_note}），按发现时间计")
    return items, notes


def _item(entry: Mapping[str, Any], source: Source, now: datetime) -> Item | None:
    title = one_line(str(entry.get("title") or ""))
    text = plain(_body(entry))
    if not title and not text:
        return None
    link = _link(str(entry.get("link") or ""), source.url)
    dated = _date(entry, source, now)
    return Item(
        source_id=source.id,
        external_id=_identity(clean(str(entry.get("id") or "")), link, title, text),
        url=link or source.url,
        title=title,
        text=text,
        kind=source.item_kind,
        published_at=dated.at,
        date_note=dated.note,
        counts=_counts(entry),
    )


def _link(written: str, base: str) -> str:
    try:
        link = urljoin(base, clean(written)) if written.strip() else ""
    except ValueError:
        return ""
    return link if link.startswith(("http://", "https://")) else ""


def _body(entry: Mapping[str, Any]) -> str:
    contents = [str(part.get("value") or "") for part in entry.get("content") or ()]
    return max([*contents, str(entry.get("summary") or "")], key=len)


def _date(entry: Mapping[str, Any], source: Source, now: datetime) -> Dated:
    first = Dated(None, "来源未给日期")
    fields = dict(entry)  # the entry's own `get` answers "published" for an absent "updated", with a warning
    for key in ("published", "updated", "created"):
        written = fields.get(key)
        if not written:
            continue
        dated = read_date(written, source.zone, now)
        if dated.at is not None:
            return dated
        first = dated
    return first


def _counts(entry: Mapping[str, Any]) -> Counts:
    """Read what Media RSS and the slash and thread extensions say; feedparser gives attributes as they are written."""
    shown = entry.get("media_statistics")
    shown = shown if isinstance(shown, Mapping) else {}
    return Counts(
        views=parse_count(shown.get("views")),
        likes=parse_count(shown.get("favorites")),
        reposts=parse_count(shown.get("reposts")),
        comments=parse_count(entry.get("slash_comments") or entry.get("thr_total")),
    )


def _identity(written: str, link: str, title: str, text: str) -> str:
    # A text may be edited, so it names an entry only where the feed gives neither id nor link.
    name = written or link or "sha256:" + _hash(title, text)
    return name if len(name) <= 300 else "sha256:" + _hash(name)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def _distinct(items: Sequence[Item]) -> tuple[Item, ...]:
    """Give every entry an id of its own: copies fall away, one id shared by different entries is not believed."""
    shared = Counter(item.external_id for item in dict.fromkeys(items))
    kept: dict[str, Item] = {}
    for item in items:
        name = item.external_id
        if shared[name] > 1:
            name = f"{name[:300]}#{_hash(item.url, item.title, item.text)[:12]}"
        kept.setdefault(name, replace(item, external_id=name))
    return tuple(kept.values())
