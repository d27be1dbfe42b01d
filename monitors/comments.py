"""Comment streams: JSON bytes to items by the source's mapping; cursor in, cursor out. Pure.

Reads only what the mapping names, and only plain values: an object in place of a text is not unfolded, for it may
hold a person. Fetches no page; the round asks for the next one with the cursor.
"""

import functools
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

import jmespath
from jmespath.exceptions import JMESPathError

from monitors.counts import parse_count
from monitors.dates import Dated, read_date
from monitors.parsed import Parsed, unread
from monitors.sources import Mapped, Paths, Source, placeholder
from monitors.texts import clean, decode, one_line, plain
from routing.items import Counts, Fault, Item

max_entries = 1000
_no_value = {"", "0", "false", "null", "none", "no_more"}


def parse_comments(body: bytes, content_type: str, source: Source, now: datetime) -> Parsed:
    """Read one page of the stream. Never raises on any body; the source must carry a mapping."""
    mapping = source.mapping
    if mapping is None:
        raise ValueError(f"source {source.id} has no mapping")
    decoded = decode(body, content_type)
    try:
        document = json.loads(decoded.text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        shown = one_line(decoded.text[:200])[:20] or "空白"
        cure = "请在浏览器打开该地址核对；多半是登录页、报错页或传输中断"
        return unread(Fault.UNREADABLE, f"返回的不是 JSON（开头：{shown}）", cure, charset=decoded.charset)
    if refused := _refusal(document, mapping):
        return unread(Fault.STATUS, refused, "请核对接口是否改版、评论是否关闭", charset=decoded.charset)
    entries = _find(mapping.items, document) if mapping.items else document
    if entries is not None and not isinstance(entries, list):
        detail = f"items 路径 {mapping.items} 处不是列表"
        return unread(Fault.UNREADABLE, detail, "请核对 [source.mapping] 的 items", charset=decoded.charset)
    items, notes = _items(entries or [], source, mapping, now)
    cursor = _scalar(_find(mapping.cursor.next, document)) if mapping.cursor else ""
    return Parsed(
        items=items,
        notes=notes,
        cursor=None if cursor.lower() in _no_value else cursor[:500],
        charset=decoded.charset,
    )


def _refusal(document: object, mapping: Mapped) -> str:
    if mapping.ok is None:
        return ""
    value = _find(mapping.ok.path, document)
    # True == 1 in Python, and a code of 1 is not "true" on any platform.
    if any(
        value == wanted and isinstance(value, bool) == isinstance(wanted, bool)
        for wanted in mapping.ok.equals
    ):
        return ""
    return f"接口答复失败：{mapping.ok.path} = {_scalar(value)[:40] or '无'}"


def _items(
    entries: list[Any], source: Source, mapping: Mapped, now: datetime
) -> tuple[tuple[Item, ...], tuple[str, ...]]:
    notes = []
    if len(entries) > max_entries:
        notes.append(f"一次给出 {len(entries)} 条，只处理前 {max_entries} 条")
    kept: dict[str, Item] = {}
    skipped = 0
    for entry in entries[:max_entries]:
        item = _item(entry, source, mapping, now) if isinstance(entry, dict) else None
        skipped += item is None
        if item is not None:
            kept.setdefault(item.external_id, item)
    if skipped:
        notes.append(f"有 {skipped} 条缺少编号或正文，已跳过")
    return tuple(kept.values()), tuple(notes)


def _item(entry: Mapping[str, Any], source: Source, mapping: Mapped, now: datetime) -> Item | None:
    name = clean(_value(mapping.id, entry))[:300]
    text = plain(_value(mapping.text, entry))
    if not name or not text:
        return None
    parent = clean(_value(mapping.parent, entry))[:300]
    dated = (
        read_date(_value(mapping.time, entry), source.zone, now)
        if mapping.time
        else Dated(None, "来源未给日期")
    )
    return Item(
        source_id=source.id,
        external_id=name,
        url=_link(mapping.url, entry) or source.url,
        title=one_line(_value(mapping.title, entry)),
        text=text,
        kind=source.item_kind,
        parent_id=None if parent in {"", "0", name} else parent,
        published_at=dated.at,
        date_note=dated.note,
        counts=Counts(
            likes=parse_count(_value(mapping.likes, entry)),
            comments=parse_count(_value(mapping.replies, entry)),
        ),
    )


def _link(template: str | None, entry: Mapping[str, Any]) -> str:
    if template is None:
        return ""
    values = {path: _value((path,), entry) for path in placeholder.findall(template)}
    if not all(values.values()):
        return ""
    return placeholder.sub(lambda found: quote(values[found[1]], safe=""), template)


def _value(paths: Paths, entry: Mapping[str, Any]) -> str:
    return next((value for path in paths if (value := _scalar(_find(path, entry)))), "")


def _scalar(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


@functools.lru_cache(maxsize=512)
def _compiled(path: str) -> Any:
    return jmespath.compile(path)


def _find(path: str, document: object) -> Any:
    try:
        return _compiled(path).search(document)
    except (JMESPathError, RecursionError):  # a function met a value of another type: the field is not there
        return None
