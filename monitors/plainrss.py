"""Entries of RSS 2.0 in its plainest form, read as feedparser reads them and some twenty times as fast. Pure.

Most feeds consist of a handful of elements without markup of their own. Those are read here from one tree that expat
builds. Whatever feedparser would do more with than take the text gives None, and the document is feedparser's: other
elements or attributes, an element twice in one entry, comments, a declaration, a base address, letters that it maps.
Nothing may be read differently here: kept by `tests/test_monitors_plainrss.py`, which reads all of it both ways.
"""

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

_kept = {
    "title": "title",
    "link": "link",
    "description": "summary",
    "guid": "id",
    "pubDate": "published",
    "{http://purl.org/rss/1.0/modules/content/}encoded": "content",
}
_passed_over = frozenset({"author", "category", "comments", "{http://purl.org/dc/elements/1.1/}creator"})
# Each begins with one letter that is rare in running text: what has no such beginning is looked for ten times as long.
_in_doubt = re.compile(r"<(?:\?|!(?!\[CDATA\[)|(?i:svg|math)\b|[\w.-]+:(?i:svg|math)\b)")
_mapped = re.compile("[\x80-\x9f]")
_beyond_latin = re.compile("[^\x00-\xff]")
_odd_address = re.compile(r":///|;|\s")

Entry = Mapping[str, Any]


def read_plain(text: str, count: int) -> list[Entry] | None:
    """Give the entries of a document that holds so many, by feedparser's names; None where that is to read it."""
    if _in_doubt.search(text) or "\ufeff" in text or _names_a_base(text):
        return None
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - in the limited child, and what declares anything went to feedparser
    except (ElementTree.ParseError, UnicodeEncodeError):
        return None
    channels = list(root)
    if root.tag != "rss" or root.attrib.keys() - {"version"} or [one.tag for one in channels] != ["channel"]:
        return None
    [channel] = channels
    found = channel.findall("item")
    if channel.attrib or len(found) != count:
        return None
    entries = [_entry(item) for item in found]
    return None if None in entries else [entry for entry in entries if entry is not None]


def _names_a_base(text: str) -> bool:
    """Tell whether `base`, in any case, stands before an equals sign, with or without white space between."""
    return any(part.rstrip()[-4:].lower() == "base" for part in text.split("=")[:-1])


def _entry(item: ElementTree.Element) -> Entry | None:
    if item.attrib:
        return None
    entry: dict[str, Any] = {}
    is_link = False
    for element in item:
        tag = element.tag
        if len(element) or (element.attrib and tag != "guid"):
            return None
        name = _kept.get(tag)
        if name is None:
            if tag in _passed_over:
                continue
            return None
        written = (element.text or "").strip()
        if name in entry or not _is_taken_as_written(written):
            return None
        if name in {"id", "link"} and _odd_address.search(written):
            return None
        if name == "id":
            if element.attrib.keys() - {"isPermaLink"}:
                return None
            is_link = element.attrib.get("isPermaLink", "true") == "true"
        entry[name] = [{"value": written}] if name == "content" else written
    if is_link and "link" not in entry:
        entry["link"] = entry["id"]
    return entry


def _is_taken_as_written(text: str) -> bool:
    """Tell whether it cannot be UTF-8 that was read as Latin-1, and holds nothing of Windows-1252: both are put right."""
    return text.isascii() or bool(_beyond_latin.search(text) and not _mapped.search(text))
