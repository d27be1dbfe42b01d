"""HTML as a watcher sees it: lines of text with their links, and every address that stands anywhere. Pure, linear.

Unlike `texts.plain`, which makes one text of a snippet, nothing is clipped here and no tag is believed to hide
anything: what a page shows to search engines only (display:none, noscript, descriptions) is where intruders write.
"""

import html
import re
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from monitors.texts import canonical_link, clean

max_links = 5_000

# In an attribute list a quotation mark counts behind `=` only. All repeats are possessive or end at the text's end, and
# what they pass over is consumed: no input is read more than a few times.
_attributes = r"""(?:[^<>="']|=\s*+"[^"]*+"|=\s*+'[^']*+'|[="'])*+"""
_token = re.compile(
    r"<!--.*?(?:-->|\Z)"
    rf"|<(?P<raw>script|style)\b(?P<raw_attributes>{_attributes})>(?P<inside>.*?)(?:</(?P=raw)\s*+>|\Z)"
    rf"|<(?P<end>/?)(?P<tag>[a-z][a-z0-9]*+)(?P<attributes>{_attributes})>?"
    r"|<[!?][^<>]*+>?"
    r"|(?P<text>[^<]++|<)",
    re.IGNORECASE | re.DOTALL,
)
_block = re.compile(
    "address|article|aside|blockquote|body|br|d[dlt]|div|fieldset|fig(?:caption|ure)|footer|form|h[1-6]|head|header"
    "|hr|li|main|nav|[ou]l|option|p|pre|section|t(?:able|[dhr]|itle)"
)
_attribute = re.compile(
    r"""(?<![\w:.-])(?P<name>[a-z][\w:.-]{0,40})\s*+=\s*+(?:"(?P<double>[^"]*+)"|'(?P<single>[^']*+)'|(?P<bare>[^\s"'>]++))""",
    re.IGNORECASE,
)
_long_reference = re.compile(r"&#(?:x[0-9a-f]{8}|[0-9]{8})[0-9a-f]*+;?", re.IGNORECASE)
_address = re.compile(r"""(?:https?:/{2,}|(?<=["'(=\s,])//(?=[\w-]++\.))[^\s"'<>()\\|]++""", re.IGNORECASE)


class Link(NamedTuple):
    """An anchor as it is written: its address, resolved, and its text in one line."""

    url: str
    text: str


@dataclass(slots=True)
class Line:
    """One line of visible text. `outside`: what of it stands in no anchor."""

    text: str
    outside: str
    links: tuple[Link, ...] = ()


class Scan(NamedTuple):
    """A page. `addresses`: every absolute address in it, in order, each once; those in scripts and styles too."""

    title: str
    lines: tuple[Line, ...]
    addresses: tuple[str, ...]


def scan(markup: str, base: str) -> Scan:
    """Read a page; never raises. `base`: its address. The words of description and keywords are lines as well."""
    reader = _Reader(base)
    for found in _token.finditer(markup):
        reader.take(found)
    reader.end_line()
    return Scan(
        next((clean(line) for line in reader.titles if clean(line)), ""),
        tuple(reader.lines),
        tuple(reader.addresses),
    )


def host_of(address: str) -> str:
    """Give the host in lower case, without a final dot; empty where there is none."""
    try:
        return (urlsplit(address).hostname or "").rstrip(".")
    except ValueError:
        return ""


@dataclass(slots=True)
class _Reader:
    base: str
    lines: list[Line] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    addresses: dict[str, None] = field(default_factory=dict)
    _text: list[str] = field(default_factory=list)
    _outside: list[str] = field(default_factory=list)
    _links: list[Link] = field(default_factory=list)
    _anchor: str | None = None
    _anchor_text: list[str] = field(default_factory=list)
    _in_title: bool = False

    def take(self, found: re.Match[str]) -> None:
        if found["text"]:
            self._words(_unescaped(found["text"]))
        elif found["raw"]:
            self._note_addresses(_unescaped(found["raw_attributes"]))
            self._note_addresses(found["inside"])
        elif found["tag"]:
            self._tag(found["tag"].lower(), bool(found["end"]), found["attributes"])

    def end_line(self) -> None:
        self._end_anchor(going_on=True)
        text = clean("".join(self._text))
        if text:
            outside = clean("".join(self._outside))
            self.lines.append(Line(" ".join(text.split("\n")), outside, tuple(self._links)))
        elif self._links and self.lines:
            last = self.lines[-1]
            last.links = (*last.links, *self._links)
        self._text, self._outside, self._links = [], [], []

    def _words(self, text: str) -> None:
        self._text.append(text)
        (self._outside if self._anchor is None else self._anchor_text).append(text)
        if self._in_title:
            self.titles.append(text)

    def _tag(self, tag: str, closing: bool, written: str) -> None:
        attributes = {} if closing or not written.strip() else _read_attributes(written)
        self._note_addresses(" ".join(f'"{value}' for value in attributes.values()))
        if tag == "title":
            self._in_title = not closing
        if tag == "a":
            self._end_anchor()
            if not closing:
                self._anchor = self._resolved(attributes.get("href", ""))
        elif _block.fullmatch(tag):
            self.end_line()
        if tag == "base" and attributes.get("href"):
            self.base = self._resolved(attributes["href"])
        if tag == "meta" and attributes.get("name", "").lower() in {"description", "keywords"}:
            self.end_line()
            self._words(attributes.get("content", ""))
            self.end_line()

    def _end_anchor(self, *, going_on: bool = False) -> None:
        """End the anchor. `going_on`: only its line ends; a block inside an anchor is part of it."""
        if self._anchor is None:
            return
        text = " ".join(clean("".join(self._anchor_text)).split("\n"))
        if text:
            self._links.append(Link(self._anchor, text))
        self._anchor_text = []
        if not going_on:
            self._anchor = None

    def _resolved(self, href: str) -> str:
        try:
            return urljoin(self.base, href.strip())
        except ValueError:
            return href.strip()

    def _note_addresses(self, text: str) -> None:
        if "//" not in (text := text.replace("\\/", "/").replace("\\", "/")):
            return
        for found in _address.finditer(text):
            if len(self.addresses) >= max_links:
                return
            written = (found[0] if found[0][0] != "/" else f"https:{found[0]}").rstrip(".,;")
            self.addresses.setdefault(settled(written))


def _read_attributes(written: str) -> dict[str, str]:
    # Browsers drop tabs and line ends inside an address (WHATWG URL, section 4.4).
    return {
        found["name"].lower(): re.sub(
            r"[\t\r\n]+", "", _unescaped(found["double"] or found["single"] or found["bare"] or "")
        )
        for found in _attribute.finditer(written)
    }


def _unescaped(text: str) -> str:
    return html.unescape(_long_reference.sub("\ufffd", text)) if "&" in text else text


# --- addresses ---

_session = re.compile(
    r"(?:jsessionid|phpsessid|asp\.net_sessionid|sessionid|session|sid)(?:=|$)"
    r"|(?:_|t|_t|ts|r|rnd|rand|random|time|timestamp|v|ver)=\d*(?:\.\d+)?$",
    re.IGNORECASE,
)
_session_in_path = re.compile(r";jsessionid=[^/;?]*", re.IGNORECASE)


def settled(address: str) -> str:
    """Give an address without what changes from one reading to the next: session names, and numbers for the hour."""
    link = canonical_link(_session_in_path.sub("", address))
    path, mark, query = link.partition("?")
    kept = "&".join(one for one in query.split("&") if not _session.match(one)) if mark else ""
    return f"{path}?{kept}" if kept else path
