"""Telegram's HTML: text with tags to text with entities, and back to safe HTML for the page.

The parser follows `parse_html` of the official server's library (tdlib/td, `MessageEntity.cpp`), error texts included,
because python-telegram-bot checks nothing itself. Offsets and lengths are UTF-16 code units (core.telegram.org/bots/api,
MessageEntity). No MarkdownV2, no I/O.
"""

import re
from html import escape
from itertools import pairwise
from typing import Any

Entity = dict[str, Any]

_TAG_TYPES = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "code": "code",
    "pre": "pre",
    "a": "text_link",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}
_ENTITY_TAGS = {
    "bold": "b",
    "italic": "i",
    "underline": "u",
    "strikethrough": "s",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
_CHARACTER = re.compile(r"&(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|(lt|gt|amp|quot));?")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_SPACE = " \t\r\n\v\f"
_BLOCK_EDGE = re.compile(
    r"\n(<(?:blockquote|blockquote class=\"folded\"|pre)>)|(</(?:blockquote|pre)>)\n"
)  # a block breaks the line itself
_AUTOMATIC = (
    ("bot_command", re.compile(r"(?<![\w/@])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/])")),
    ("mention", re.compile(r"(?<![\w@/])@[A-Za-z0-9_]{4,32}(?!\w)")),
    ("url", re.compile(r"https?://[^\s<>\"'\uff0c\u3002\u3001\uff09\uff1b\u300b\u201d]+")),
    ("hashtag", re.compile(r"(?<!\w)#\w*[^\W\d]\w*")),
)


class HtmlError(ValueError):
    """Carry the official server's wording, without the prefix `Bad Request: can't parse entities: `."""


def utf16_length(text: str) -> int:
    """Count UTF-16 code units; a lone surrogate counts one."""
    return len(text) + sum(ch > "\uffff" for ch in text)


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """Return the text without tags, trimmed, and its entities in order; raise HtmlError where Telegram refuses."""
    return _Parser(source).run()


class _Parser:
    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.out: list[str] = []
        self.units = 0
        self.open: list[tuple[str, str, int, int]] = []  # tag, argument, UTF-16 offset, index in out
        self.entities: list[Entity] = []

    def run(self) -> tuple[str, list[Entity]]:
        while self.at < len(self.source):
            char = self.source[self.at]
            if char == "&":
                self._put(self._character())
            elif char != "<":
                self._put(char)
                self.at += 1
            elif self.source.startswith("</", self.at):
                self._end_tag()
            else:
                self._start_tag()
        if self.open:
            raise HtmlError(f'Can\'t find end tag corresponding to start tag "{self.open[-1][0]}"')
        return trim("".join(self.out), self.entities)

    def _put(self, text: str) -> None:
        self.out.append(text)
        self.units += utf16_length(text)

    def _byte(self, at: int) -> int:
        return len(self.source[:at].encode("utf-8", "surrogatepass"))

    def _peek(self) -> str:
        return self.source[self.at] if self.at < len(self.source) else ""

    def _skip_space(self) -> None:
        while self._peek() and self._peek() in _SPACE:
            self.at += 1

    def _character(self) -> str:
        """Decode one character reference; what Telegram does not know stays as written."""
        found = _CHARACTER.match(self.source, self.at)
        if found is None:
            self.at += 1
            return "&"
        code = int(found[1], 16) if found[1] else int(found[2] or 0)
        if not found[3] and not 0 < code <= 0x10FFFF:
            self.at += 1
            return "&"
        self.at = found.end()
        return _NAMED[found[3]] if found[3] else chr(code)

    def _name(self, stops: str) -> str:
        begin = self.at
        while self._peek() and self._peek() not in stops:
            self.at += 1
        return self.source[begin : self.at]

    def _start_tag(self) -> None:
        begin = self.at
        self.at += 1
        tag = self._name(_SPACE + ">").lower()
        if not self._peek():
            raise HtmlError(f"Unclosed start tag at byte offset {self._byte(begin)}")
        if tag not in _TAG_TYPES:
            raise HtmlError(f'Unsupported start tag "{tag}" at byte offset {self._byte(begin)}')
        argument = ""
        while True:
            self._skip_space()
            if self._peek() == ">":
                break
            name, value = self._attribute(tag, begin)
            argument = _argument(tag, name, value) or argument
        if tag == "span" and argument != "tg-spoiler":
            raise HtmlError(f'Tag "span" must have class "tg-spoiler" at byte offset {self._byte(begin)}')
        self.at += 1
        self.open.append((tag, argument, self.units, len(self.out)))

    def _attribute(self, tag: str, begin: int) -> tuple[str, str]:
        start = self.at
        name = self._name(_SPACE + "=>").lower()
        if not self._peek():
            raise HtmlError(f"Unclosed start tag at byte offset {self._byte(begin)}")
        if not name:
            raise HtmlError(f'Empty attribute name in the tag "{tag}" at byte offset {self._byte(begin)}')
        self._skip_space()
        if self._peek() != "=":
            if tag == "blockquote" and name == "expandable":
                return name, name
            raise HtmlError(
                f'Expected equal sign in declaration of an attribute of the tag "{tag}" '
                f"at byte offset {self._byte(start)}"
            )
        self.at += 1
        self._skip_space()
        value = self._quoted() if self._peek() in ('"', "'") and self._peek() else self._token()
        if not self._peek():
            raise HtmlError(f'Unclosed start tag "{tag}" at byte offset {self._byte(begin)}')
        return name, value

    def _quoted(self) -> str:
        end = self._peek()
        self.at += 1
        value = []
        while self._peek() and self._peek() != end:
            if self._peek() == "&":
                value.append(self._character())
            else:
                value.append(self._peek())
                self.at += 1
        self.at += 1
        return "".join(value)

    def _token(self) -> str:
        start = self.at
        while self._peek() and (self._peek().isalnum() or self._peek() in ".-"):
            self.at += 1
        if self._peek() and self._peek() not in _SPACE + ">":
            raise HtmlError(f"Unexpected end of name token at byte offset {self._byte(start)}")
        return self.source[start : self.at].lower()

    def _end_tag(self) -> None:
        begin = self.at
        if not self.open:
            raise HtmlError(f"Unexpected end tag at byte offset {self._byte(begin)}")
        self.at += 2
        found = self._name(_SPACE + ">").lower()
        self._skip_space()
        if self._peek() != ">":
            raise HtmlError(f"Unclosed end tag at byte offset {self._byte(begin)}")
        self.at += 1
        tag, argument, offset, index = self.open.pop()
        if found and found != tag:
            raise HtmlError(
                f'Unmatched end tag at byte offset {self._byte(begin)}, expected "</{tag}>", found "</{found}>"'
            )
        if self.units > offset:
            self._close(tag, argument, offset, "".join(self.out[index:]))

    def _close(self, tag: str, argument: str, offset: int, inner: str) -> None:
        entity: Entity = {"type": _TAG_TYPES[tag], "offset": offset, "length": self.units - offset}
        if tag == "a":
            url = argument or inner
            if not re.match(r"(?i)(https?://|tg://|mailto:|[\w-]+\.[\w.-]+)", url):
                return
            entity["url"] = url
        elif tag == "blockquote" and argument == "expandable":
            entity["type"] = "expandable_blockquote"
        elif tag == "tg-emoji":
            entity["custom_emoji_id"] = argument
        elif tag == "code" and argument.startswith("language-") and self.open and self.open[-1][0] == "pre":
            outer = self.open[-1]
            self.open[-1] = (outer[0], argument.removeprefix("language-"), outer[2], outer[3])
            return
        elif tag == "pre" and argument:
            entity["language"] = argument
        self.entities.append(entity)


def _argument(tag: str, name: str, value: str) -> str:
    wanted = {
        "a": "href",
        "code": "class",
        "span": "class",
        "tg-emoji": "emoji-id",
        "blockquote": "expandable",
    }
    return value if wanted.get(tag) == name else ""


def trim(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Cut white space at both ends as Telegram does; move, shorten or drop the entities accordingly."""
    cut = utf16_length(text) - utf16_length(text.lstrip())
    text = text.strip()
    end = utf16_length(text)
    kept = []
    for entity in entities:
        first = max(entity["offset"] - cut, 0)
        last = min(entity["offset"] + entity["length"] - cut, end)
        if last > first:
            kept.append({**entity, "offset": first, "length": last - first})
    return text, sorted(kept, key=lambda e: (e["offset"], -e["length"]))


def with_automatic(text: str, entities: list[Entity]) -> list[Entity]:
    """Add the entities that Telegram finds itself: commands, mentions, links, hashtags; none inside code or links."""
    taken = [
        (e["offset"], e["offset"] + e["length"])
        for e in entities
        if e["type"] in ("code", "pre", "text_link", "url", "mention", "bot_command", "hashtag")
    ]
    found = list(entities)
    for kind, pattern in _AUTOMATIC:
        for match in pattern.finditer(text):
            first = utf16_length(text[: match.start()])
            last = first + utf16_length(match[0])
            if all(last <= begin or first >= end for begin, end in taken):
                taken.append((first, last))
                found.append({"type": kind, "offset": first, "length": last - first})
    return sorted(found, key=lambda e: (e["offset"], -e["length"]))


def to_html(text: str, entities: list[Entity]) -> str:
    """Render safe HTML for the page: every character escaped, only our own tags, crossing entities split cleanly."""
    units = text.encode("utf-16-le", "surrogatepass")
    edges = {0, len(units) // 2}
    for entity in entities:
        edges |= {entity["offset"], entity["offset"] + entity["length"]}
    cuts = sorted(edge for edge in edges if 0 <= edge <= len(units) // 2)
    parts: list[str] = []
    open_now: list[Entity] = []
    for first, last in pairwise(cuts):
        wanted = [e for e in entities if e["offset"] <= first and e["offset"] + e["length"] >= last]
        keep = 0
        while keep < len(open_now) and keep < len(wanted) and open_now[keep] is wanted[keep]:
            keep += 1
        parts += [_tags(e, "")[1] for e in reversed(open_now[keep:])]
        chunk = units[first * 2 : last * 2].decode("utf-16-le", "replace")
        parts += [_tags(e, _covered(units, e))[0] for e in wanted[keep:]]
        parts.append(escape(chunk))
        open_now = wanted
    parts += [_tags(e, "")[1] for e in reversed(open_now)]
    return _BLOCK_EDGE.sub(r"\1\2", "".join(parts))


def _covered(units: bytes, entity: Entity) -> str:
    first, last = entity["offset"] * 2, (entity["offset"] + entity["length"]) * 2
    return units[first:last].decode("utf-16-le", "replace")


def _tags(entity: Entity, covered: str) -> tuple[str, str]:
    kind = entity["type"]
    if kind == "expandable_blockquote":
        return '<blockquote class="folded">', "</blockquote>"
    if kind in _ENTITY_TAGS:
        tag = _ENTITY_TAGS[kind]
        return f"<{tag}>", f"</{tag}>"
    if kind in ("text_link", "url"):
        url = entity.get("url", covered)
        if not re.match(r"(?i)https?://", url):
            url = "#" if ":" in url.split("/")[0] else f"http://{url}"
        return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer">', "</a>"
    return f'<span class="e-{escape(kind)}">', "</span>"
