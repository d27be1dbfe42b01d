"""OPML in and out: lists of feeds as other readers write and take them. Pure; opens no file and no address.

Read leniently (by listparser, for most OPML in the world is not quite XML), written strictly. Whose list it is (owner's
name, e-mail) is neither read nor written.
"""

import re
from collections.abc import Iterable, Sequence
from xml.etree import ElementTree

import listparser

from monitors.sources import Source
from monitors.texts import decode, one_line
from routing.errors import UserError

max_opml_bytes = 5 * 1024 * 1024
max_depth = 50
_outline = re.compile(r"<(/?)outline\b(?:[^<>\"']|\"[^\"]*\"|'[^']*')*?(/?)>", re.IGNORECASE)
_end = re.compile(r"</opml\s*>", re.IGNORECASE)


def read_opml(content: str | bytes) -> list[tuple[str, str]]:
    """Give name and address of every feed in the list, in its order; the name may be empty.

    Raises UserError where it is no OPML, is broken off, too large, nested absurdly deep, or holds no feed.
    """
    if len(content) > max_opml_bytes:
        raise UserError("OPML 文件超过 5 MiB，没有读取。请分成几个文件再导入。")
    text = content if isinstance(content, str) else decode(content).text
    if not _end.search(text):
        if re.search(r"<opml[\s>]", text, re.IGNORECASE):
            raise UserError("OPML 文件不完整（没有结尾），没有读取。请重新导出或下载。")
        raise UserError("这不是 OPML 文件。请在阅读器里用“导出 OPML”得到的文件。")
    if _depth(text) > max_depth:
        raise UserError(f"OPML 分组超过 {max_depth} 层，没有读取。请减少分组层数后再导出。")
    try:
        # Bytes, never a string: a string that begins like an address would be fetched from it.
        feeds = listparser.parse(text.encode("utf-8", "replace")).feeds
    except Exception as error:  # none is promised; a closing tag too many makes it raise IndexError
        raise UserError("OPML 文件读不出来（标签不配对）。请重新导出。") from error
    found = [(one_line(str(feed.title))[:60], str(feed.url).strip()) for feed in feeds]
    if not found:
        raise UserError("OPML 文件里没有订阅源（没有 xmlUrl）。请核对导出的是不是订阅列表。")
    return found


def _depth(text: str) -> int:
    """Count how deep groups lie in each other: listparser copies the way to every feed, and memory with it."""
    depth = deepest = 0
    for found in _outline.finditer(text):
        closing, alone = found.groups()
        depth += -1 if closing else 0 if alone else 1
        deepest = max(deepest, depth)
    return deepest


def write_opml(sources: Iterable[Source]) -> bytes:
    """Write the feeds among the sources as OPML 2.0 (opml.org/spec2.opml), in their order; other kinds have no place."""
    opml = ElementTree.Element("opml", version="2.0")
    ElementTree.SubElement(ElementTree.SubElement(opml, "head"), "title").text = "监看来源"
    body = ElementTree.SubElement(opml, "body")
    for source in feeds_among(sources):
        name = one_line(source.name) or source.id
        ElementTree.SubElement(body, "outline", type="rss", text=name, title=name, xmlUrl=source.url)
    ElementTree.indent(opml)
    written: bytes = ElementTree.tostring(opml, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def feeds_among(sources: Iterable[Source]) -> Sequence[Source]:
    """Give the sources that an OPML file can name."""
    return [source for source in sources if source.kind == "feed"]
