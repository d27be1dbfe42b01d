"""JSON Feed 1 and 1.1 (jsonfeed.org/version/1.1) to entries in feedparser's words. Pure; reads no author.

RSSHub's `?format=json` is one, with dates as JavaScript's toUTCString writes them and figures under `_extra`.
"""

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monitors.rawcut import digest

Json = Mapping[str, Any]
_counts = {
    "views": ("views", "view_count", "read_count"),
    "favorites": ("likes", "like_count", "attitudes_count"),
    "reposts": ("reposts", "reposts_count", "shares"),
}
_replies = ("comments", "comments_count", "replies")


@dataclass(frozen=True, slots=True)
class JsonFeed:
    """The entries as they stand in the document; what is not an object is one too, and cannot be read.

    `next_url`: the feed has further, older pages.
    """

    entries: tuple[object, ...]
    digests: tuple[bytes, ...]
    next_url: str = ""


def read_json_feed(text: str, content_type: str = "") -> JsonFeed | None:
    """Read the document; None where it is JSON and no feed. Raises ValueError where it is not JSON."""
    try:
        document = json.loads(text)
    except RecursionError as error:
        raise ValueError("too deep") from error
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        return None
    if "jsonfeed.org" not in str(document.get("version")) and "feed+json" not in content_type.lower():
        return None
    entries = tuple(document["items"])
    try:
        digests = tuple(digest(json.dumps(one, ensure_ascii=False, sort_keys=True)) for one in entries)
    except RecursionError as error:
        raise ValueError("too deep") from error
    return JsonFeed(entries, digests, _text(document.get("next_url")))


def as_entry(written: object) -> dict[str, Any] | None:
    """Put one entry into the words of feedparser; None where it is no object. A text that is no HTML stays literal."""
    if not isinstance(written, dict):
        return None
    extra = written.get("_extra")
    figures = extra if isinstance(extra, dict) else {}
    texts = [_text(written.get("content_html")), html.escape(_text(written.get("content_text")), quote=False)]
    return {
        "id": _text(written.get("id")),
        "link": _text(written.get("url")) or _text(written.get("external_url")),
        "title": _text(written.get("title")),
        "content": [{"value": text} for text in texts],
        "summary": "" if any(texts) else html.escape(_text(written.get("summary")), quote=False),
        "published": _text(written.get("date_published")),
        "updated": _text(written.get("date_modified")),
        "media_statistics": {name: _figure(figures, keys) for name, keys in _counts.items()},
        "slash_comments": _figure(figures, _replies),
    }


def _text(value: object) -> str:
    # The ids of some feeds are numbers, though the specification says strings; true is neither.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**40 else ""
    return value if isinstance(value, str) else ""


def _figure(figures: Json, keys: tuple[str, ...]) -> int | None:
    numbers = (figures.get(key) for key in keys)
    return next((one for one in numbers if isinstance(one, int) and not isinstance(one, bool)), None)
