"""Bytes to letters, HTML to plain text, letters made safe to compare, store and show. Pure.

It does not mask personal data and does not escape for any platform: what leaves here is text, never markup.
"""

import codecs
import re
from html.parser import HTMLParser
from typing import NamedTuple

max_html_letters = 200_000
max_text_letters = 20_000


class Decoded(NamedTuple):
    """The text of a body; `replaced` counts the bytes or letters that could not be read (U+FFFD stands there)."""

    text: str
    charset: str
    replaced: int


_byte_marks = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)
# Only what feeds are really written in; Python also knows "idna", "punycode" and "unicode_escape", and
# feedparser would follow such a label.
_codecs = {
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "cp936": "gb18030",
    "big5": "big5hkscs",
    "big5-hkscs": "big5hkscs",
    "shift_jis": "cp932",
    "euc-jp": "euc_jp",
    "euc-kr": "cp949",
}
_western = {"iso-8859-1": "cp1252", "latin1": "cp1252", "windows-1252": "cp1252", "us-ascii": "cp1252"}
_charset_in_type = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_charset_in_prolog = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]+)")


def decode(body: bytes, content_type: str = "") -> Decoded:
    """Read the bytes, judged on the whole document; never raises.

    The ladder: byte order mark, valid UTF-8 (it outranks any label), mostly valid UTF-8 with the broken bytes
    replaced (one comment cut in the middle of a letter must not cost the feed), the declared charset, GB18030.
    """
    for mark, charset in _byte_marks:
        if body.startswith(mark):
            start = len(mark) if mark[:1] not in {b"<", b"\x00"} else 0
            return _lenient(body[start:], charset)
    try:
        return Decoded(body.decode("utf-8"), "utf-8", 0)
    except UnicodeDecodeError:
        pass
    mostly = _lenient(body, "utf-8")
    foreign = sum(letter > "\x7f" for letter in mostly.text) - mostly.replaced
    if foreign >= 10 * mostly.replaced:
        return mostly
    label = _declared(body, content_type)
    for charset in (_codecs.get(label, "gb18030"), "gb18030", _western.get(label, "gb18030")):
        try:
            return Decoded(body.decode(charset), charset, 0)
        except UnicodeDecodeError:
            continue
    return _lenient(body, _codecs.get(label, "gb18030"))


def _lenient(body: bytes, charset: str) -> Decoded:
    text = body.decode(charset, errors="replace")
    return Decoded(text, charset, text.count("\ufffd"))


def _declared(body: bytes, content_type: str) -> str:
    in_type = _charset_in_type.search(content_type)
    in_prolog = _charset_in_prolog.match(body)
    label = in_type[1] if in_type else in_prolog[1].decode("ascii", "replace") if in_prolog else ""
    return label.lower()


# Control letters, zero-width ones, direction marks, lone surrogates, tag letters: they hide words (停\u200b水) from
# rules and readers, or break the database.
_unwanted = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
_spaces = re.compile(r"[^\S\n]+")
_line_breaks = re.compile(r" ?\n[ \n]*")


def clean(text: str) -> str:
    """Drop what no reader sees, fold white space; line breaks stay, blank lines go."""
    text = _unwanted.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n"))
    return _line_breaks.sub("\n", _spaces.sub(" ", text)).strip()


def plain(markup: str) -> str:
    """Turn HTML, or text that may hold some, into clean text, unescaping once; clips with a mark."""
    cut = markup[:max_html_letters]
    text = clean(_strip(cut) if "<" in cut or "&" in cut else cut)
    if len(text) > max_text_letters or len(markup) > max_html_letters:
        return text[:max_text_letters] + "…（原文过长，已截断）"
    return text


def one_line(markup: str) -> str:
    """Turn HTML into one clean line, for titles."""
    return " ".join(plain(markup).split("\n"))


def _strip(markup: str) -> str:
    reader = _TextReader()
    try:
        reader.feed(markup)
        reader.close()
    except AssertionError:  # html.parser's answer to `<![…`
        return re.sub(r"<[^<>]*>?", " ", markup)
    return "".join(reader.parts)


class _TextReader(HTMLParser):
    _hidden = frozenset({"script", "style", "template", "noscript"})
    _block = re.compile(
        "address|article|aside|blockquote|br|d[dlt]|div|fig(?:caption|ure)|footer|h[1-6]|header|hr|li|main|nav|[ou]l|p"
        "|pre|section|t(?:able|[dhr])"
    )

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in self._hidden
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in self._hidden))
        self._break(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)

    def _break(self, tag: str) -> None:
        if self._block.fullmatch(tag):
            self.parts.append("\n")
