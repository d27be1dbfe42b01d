"""Bytes to letters, HTML to plain text, letters made safe to compare, store and show. Pure.

It does not mask personal data and does not escape for any platform: what leaves here is text, never markup.
"""

import codecs
import html
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from monitors.charsets import GB, UTF8, codecs_of, common_share, read_damaged

max_html_letters = 200_000
max_text_letters = 20_000


class Decoded(NamedTuple):
    """The text of a body; `replaced` counts the bytes or letters that could not be read (U+FFFD stands there)."""

    text: str
    charset: str
    replaced: int


_wide_marks = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
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
_western = {"iso-8859-1", "latin1", "windows-1252", "us-ascii"}
_charset_in_type = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_charset_in_prolog = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]+)")
_three_byte_lead = re.compile(rb"[\xe0-\xf4]")
_unlikely_letters = re.compile("[\u0180-\u036f\u0530-\u07ff]")
_eastern_letters = re.compile("[\u0800-\ufffc]+")


def decode(body: bytes, content_type: str = "", forced: str | None = None) -> Decoded:
    """Read the bytes, judged on the whole document; never raises. `forced` names the codec that the operator wrote.

    The ladder: byte order mark, valid UTF-8 (it outranks any label), mostly valid UTF-8 with the broken stretches
    read one by one (a comment cut in the middle of a letter, a title in GBK must not cost the feed), the declared
    charset, GB18030, the latter damaged. A mark that the bytes belie is not believed.
    """
    if forced and (decoded := _forced(body, forced.lower())):
        return decoded
    wide = _wide_codec(body)
    if wide:
        return _lenient(body, wide)
    for mark in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        while body.startswith(mark):  # programs that join files leave one for each
            body = body[len(mark) :]
    label = _declared(body, content_type)
    return _utf8(body) or _labelled(body, label)


def _wide_codec(body: bytes) -> str:
    """Name the codec of two or four bytes a letter. Markup is ASCII, so it shows zeros in every other place."""
    head = body[:1024]
    even, odd = head[::2].count(0), head[1::2].count(0)
    for mark, charset in _wide_marks:
        if body.startswith(mark) and even + odd:
            return charset
    if odd > 4 * even and 8 * odd >= len(head):
        return "utf-16-le"
    return "utf-16-be" if even > 4 * odd and 8 * even >= len(head) else ""


def _forced(body: bytes, name: str) -> Decoded | None:
    charset = _codecs.get(name, "utf-8" if name == "utf8" else name)
    body = body.removeprefix(codecs.BOM_UTF8)
    if charset in codecs_of:
        return _mended(body, codecs_of.index(charset))
    try:
        return _lenient(body, charset)
    except (LookupError, ValueError):
        return None


def _utf8(body: bytes) -> Decoded | None:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = body.decode("utf-8", errors="replace")
        replaced = text.count("\ufffd")
        eastern = sum(map(len, _eastern_letters.findall(text)))
        foreign = sum(letter > "\x7f" for letter in text) - replaced
        # Of GBK read as UTF-8 hardly a letter in fifty comes out as an eastern one.
        return _mended(body, UTF8) if eastern >= replaced or foreign >= 10 * replaced else None
    if body.isascii() or _three_byte_lead.search(body) or not _unlikely_letters.search(text):
        return Decoded(text, "utf-8", 0)
    # Some words are valid in both: 停水 in GBK is two phonetic signs in UTF-8, and no other letter bears these out.
    other = body.decode("gb18030", errors="replace")
    if common_share(other) == 1.0:
        return Decoded(other, "gb18030", 0)
    return Decoded(text, "utf-8", 0)


def _labelled(body: bytes, label: str) -> Decoded:
    labelled = _codecs.get(label, "cp1252" if label in _western else "gb18030")
    gb = _mended(body, GB)
    if labelled == "gb18030":
        return gb
    other = _lenient(body, labelled)
    if labelled in {"big5hkscs", "cp1252"}:
        # Labels of programs that were never told better, on Chinese text; whose letters are the commoner ones?
        gb_share = common_share(gb.text)
        return gb if gb_share >= 0.6 and gb_share > common_share(other.text) + 0.1 else other
    return other if other.replaced * 50 <= len(other.text) else gb


def _mended(body: bytes, home: int) -> Decoded:
    text = read_damaged(body, home)
    return Decoded(text, codecs_of[home], text.count("\ufffd"))


def _lenient(body: bytes, charset: str) -> Decoded:
    text = body.decode(charset, errors="replace")
    return Decoded(text.lstrip("\ufeff"), charset, text.count("\ufffd"))


def _declared(body: bytes, content_type: str) -> str:
    in_type = _charset_in_type.search(content_type)
    in_prolog = _charset_in_prolog.match(body)
    label = in_type[1] if in_type else in_prolog[1].decode("ascii", "replace") if in_prolog else ""
    return label.lower()


# What a text looks like that went through a wrong codec somewhere else: UTF-8 read as GBK (， is 锛, 。 is 銆, 的 is
# 鐨), its replacement letters read so (锟斤拷), or UTF-8 read as Latin-1 (ä¸­å, twice over Ã¤Â¸).
_marks_of_spoil = {"\ufffd": 1, "锟斤拷": 3, "锛": 1, "銆": 1, "鐨": 1}
_accents = "ÂÃãäåæçèé"
_accent_run = re.compile("(?:[Â-ï][\x80-\xbf\u0152-\u017e\u02c6-\u02dc\u2013-\u203a€™]{1,2}){2,}")
_hanzi = re.compile("[\u3400-\u9fff\uf900-\ufaff]+")
_lost_letters = re.compile(r"\?{4,}")


def spoiled_share(text: str) -> float:
    """Tell which share of the foreign letters is U+FFFD or typical mojibake; 0.0 where there are fewer than three."""
    if text.isascii():
        return 0.0
    # Whether a letter occurs is known some twenty times as fast as how often, and these hardly do.
    spoiled = sum(
        letters * text.count(mark)
        for mark, letters in _marks_of_spoil.items()
        if mark[0] in text and mark in text
    )
    if sum(text.count(accent) for accent in _accents if accent in text) >= 3:
        spoiled += sum(len(found[0]) for found in _accent_run.finditer(text))
    if spoiled < 3:
        return 0.0
    # Most foreign letters have two further bytes.
    foreign = (len(text.encode("utf-8", "surrogatepass")) - len(text)) / 2
    return min(1.0, spoiled / foreign)


def count_letters(texts: Iterable[str]) -> tuple[int, int]:
    """Count the Chinese letters, and all letters; "????" counts as letters, for that is what they were."""
    joined = "\n".join(texts)
    lost = sum(map(len, _lost_letters.findall(joined))) if "????" in joined else 0
    others = _hanzi.sub("", joined)
    chinese = len(joined) - len(others)
    return chinese, chinese + sum(map(str.isalpha, others)) + lost


# Control letters, zero-width ones, direction marks, lone surrogates, tag letters: they hide words (停\u200b水) from
# rules and readers, or break the database.
_unwanted = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)


def clean(text: str) -> str:
    """Drop what no reader sees, fold white space; line breaks stay, blank lines go."""
    if text.isascii() and text.isprintable() and "  " not in text:  # most ids and links
        return text.strip()
    text = _unwanted.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n"))
    if "\n" not in text:
        return " ".join(text.split())
    return "\n".join(filter(None, (" ".join(line.split()) for line in text.split("\n"))))


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


_tracking = re.compile(r"(?:utm_[^=]*|spm)(?:=|$)", re.IGNORECASE)
_default_ports = {"http": 80, "https": 443}


@lru_cache(maxsize=4096)
def canonical_link(link: str) -> str:
    """Give the form in which two spellings of one address are equal; for comparing, not for opening. Never raises.

    Falls away: parameters that only say where a click came from (utm_*, spm), a fragment that is not a path of its
    own (`#!`, `#/`), the port that the scheme implies, capitals in the host.
    """
    try:
        parts = urlsplit(link)
        port = parts.port
    except ValueError:
        return link
    host = parts.hostname
    if parts.scheme not in _default_ports or not host:
        return link
    host = f"[{host}]" if ":" in host else host
    if port is not None and port != _default_ports[parts.scheme]:
        host = f"{host}:{port}"
    query = "&".join(one for one in parts.query.split("&") if not _tracking.match(one))
    fragment = parts.fragment if parts.fragment.startswith(("!", "/")) else ""
    return urlunsplit((parts.scheme, host, parts.path or "/", query, fragment))


_hidden = re.compile(r"<(script|style|template|noscript)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_tag = re.compile(
    r"<(?:/?(?P<name>[a-z][a-z0-9]*+)(?:[^<>\"']++|\"[^\"<]*\"|'[^'<]*'|[\"'])*+>?|!\[CDATA\[|[!?/][a-z\[][^<>]*+>?)|\]\]>",
    re.IGNORECASE,
)
_block = re.compile(
    "address|article|aside|blockquote|br|d[dlt]|div|fig(?:caption|ure)|footer|h[1-6]|header|hr|li|main|nav|[ou]l|p"
    "|pre|section|t(?:able|[dhr])",
    re.IGNORECASE,
)
_long_reference = re.compile("&#(?:[xX][0-9a-fA-F]{9}|[0-9]{9})[0-9a-fA-F]*+;?")


def _strip(markup: str) -> str:
    """Take the tags out of HTML, in linear time; what is broken stays as text rather than taking text with it."""
    if "<!--" in markup:
        first, *comments = markup.split("<!--")
        markup = first + "".join(comment.partition("-->")[2] or comment for comment in comments)
    if "<" in markup:
        markup = _tag.sub(_line_break, _hidden.sub("", markup))
    return html.unescape(_long_reference.sub("\ufffd", markup)) if "&" in markup else markup


def _line_break(found: re.Match[str]) -> str:
    name = found["name"]
    return "\n" if name and _is_block(name) else ""


@lru_cache(maxsize=1024)
def _is_block(name: str) -> bool:
    return bool(_block.fullmatch(name))
