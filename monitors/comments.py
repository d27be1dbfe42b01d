"""Comment streams, message boards, hot lists and records: bytes to items by the source's mapping. Pure.

Reads only what the mapping names, and only plain values: an object in place of a text is not unfolded, for it may
hold a person. Fetches no page; the round asks for the next one with the cursor that comes out of here. A mapping that
fits nothing is a problem with its cure, never silence; one bad entry costs itself.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

from monitors.counts import parse_count
from monitors.cuts import cut
from monitors.dates import Dated, read_date
from monitors.fields import (
    as_text,
    break_of,
    first_of,
    found_nothing,
    is_plain,
    is_there,
    look_up,
    mapping_cure,
)
from monitors.masking import mask
from monitors.parsed import Parsed
from monitors.persons import placeholder
from monitors.records import Row, Rows, read_csv, read_lines
from monitors.sources import Freshness, Mapped, Paging, Paths, Source
from monitors.texts import clean, decode, one_line, plain
from routing.items import Ailment, Counts, Fault, Item, SourceProblem, Symptom

max_link_letters = 4000
"""A longer one is no address but an attack: a card could not show it."""
max_entries = 1000
"""Entries read of one answer; a list that is longer at once is told."""
max_records = 20_000
"""The same of a file or a pushed body: what a child reads well within its time."""

DEFAULT_MAPPING = Mapped(
    items=None,
    id=("id",),
    text=("text",),
    title=("title",),
    parent=("parent",),
    time=("time",),
    url="url",
    likes=("likes",),
    replies=("comments",),
    reposts=("reposts",),
    views=("views",),
)
"""Our own shape, for who writes records for us: `{"id": …, "title": …, "text": …, "url": …, "time": …}`.

`id` and one of `title` and `text` are needed; `parent` is the id of the text that a comment answers.
"""


def parse_comments(
    body: bytes, content_type: str, source: Source, now: datetime, cursor: str | None = None
) -> Parsed:
    """Read one page of a stream. Never raises on any body; the source must carry a mapping.

    `cursor` is what was asked for: None for the first page. The cursor that comes back is the raw value of
    `mapping.cursor` for a stream that is read forward, and for `mapping.page` the parameters of the next page, as in
    a query (`max_id=7&max_id_type=1`); None where the list ends.
    """
    mapping = source.mapping
    if mapping is None:
        raise ValueError(f"source {source.id} has no mapping")
    decoded = decode(body, content_type, source.encoding)
    document, problem = _json(decoded.text, "请在浏览器打开该地址核对；多半是登录页、报错页或传输中断")
    if problem is None:
        problem = _refusal(document, mapping)
    if problem is not None:
        return Parsed(problem=problem, charset=decoded.charset)
    entries, problem = _entries(document, mapping)
    if problem is not None:
        return Parsed(problem=problem, charset=decoded.charset)
    read = _read(_numbered(entries), source, mapping, now)
    symptoms = [*read.symptoms, *_stale(document, mapping.fresh, source, now)]
    return replace(
        read,
        cursor=None if read.problem else _onward(document, len(entries), mapping, cursor),
        charset=decoded.charset,
        symptoms=tuple(symptoms),
    )


def parse_records(body: bytes, content_type: str, source: Source, now: datetime) -> Parsed:
    """Read records by their type: JSON a line (application/x-ndjson), CSV with a header (text/csv), else JSON.

    JSON is a list, an object that has one under `items`, or a single record. Without a mapping the records have our
    own shape. Never raises.
    """
    mapping = source.mapping or DEFAULT_MAPPING
    decoded = decode(body, content_type, source.encoding)
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-ndjson":
        rows = read_lines(decoded.text)
    elif kind == "text/csv":
        rows = read_csv(decoded.text)
    else:
        document, problem = _json(decoded.text, "请核对写出方；多半只写了一半")
        if problem is None:
            problem = _refusal(document, mapping)
        if problem is None and mapping.items is None and isinstance(document, dict):
            inner = document.get("items")
            document = inner if isinstance(inner, list) else [document]
        entries, problem = ([], problem) if problem else _entries(document, mapping)
        if problem is not None:
            return Parsed(problem=problem, charset=decoded.charset)
        rows = _numbered(entries)
    return replace(_read(rows, source, mapping, now, are_records=True), charset=decoded.charset)


# --- the document ---


def _json(text: str, cure: str) -> tuple[Any, SourceProblem | None]:
    try:
        return json.loads(text.removeprefix("\ufeff")), None
    except (ValueError, RecursionError):
        shown = mask(one_line(text[:200])).text[:20] or "空白"
        return None, SourceProblem(Fault.UNREADABLE, f"返回的不是 JSON（开头：{shown}）", cure)


def _refusal(document: object, mapping: Mapped) -> SourceProblem | None:
    if mapping.ok is None:
        return None
    value = look_up(mapping.ok.path, document)
    # True == 1 in Python, and a code of 1 is not "true" on any platform.
    if any(
        value == wanted and isinstance(value, bool) == isinstance(wanted, bool)
        for wanted in mapping.ok.equals
    ):
        return None
    shown = f"接口答复失败：{mapping.ok.path} = {mask(as_text(value)[:40]).text or '无'}"
    return SourceProblem(Fault.STATUS, shown, "请核对接口是否改版、评论是否关闭")


def _entries(document: Any, mapping: Mapped) -> tuple[list[Any], SourceProblem | None]:
    """Give the list. Nothing at all is an empty list where the place of it is there, or where the answer has no data.

    Platforms write an empty list as null, or leave all data out beside their "ok"; a mapping that names what is not
    there must not look like that.
    """
    path = mapping.items or "@"
    entries = document if mapping.items is None else look_up(path, document)
    if isinstance(entries, list):
        return entries, None
    cure = "请核对 [source.mapping] 的 items"
    if entries is not None:
        return [], SourceProblem(Fault.UNREADABLE, f"items 路径 {path} 处不是列表", cure)
    there, missing = break_of(path, document)
    if not missing and (mapping.ok is not None or there is None):
        return [], None
    beside = there.values() if isinstance(there, dict) else ()
    if mapping.ok is not None and not any(isinstance(value, dict | list) and value for value in beside):
        return [], None
    return [], SourceProblem(
        Fault.UNREADABLE, f"items 路径 {path} 在答复里找不到", mapping_cure("items", there)
    )


def _stale(document: object, fresh: Freshness | None, source: Source, now: datetime) -> list[Symptom]:
    if fresh is None:
        return []
    dated = read_date(as_text(look_up(fresh.path, document)), source.zone, now)
    if dated.at is None:
        told = f"看不出答复的新旧：{fresh.path} 处{dated.note or '没有时间'}"
        return [Symptom(Ailment.FROZEN, told, "请核对 [source.mapping] 的 fresh")]
    age = now - dated.at
    if age <= timedelta(seconds=fresh.max_age_s):
        return []
    told = f"来源自称成功，内容却停在 {age.total_seconds() / 3600:.1f} 小时之前"
    return [Symptom(Ailment.FROZEN, told, "中转多半只在回放缓存；请核对上游，或换一个中转地址")]


# --- the next page ---

_no_value = {"", "0", "false", "null", "none", "no_more"}
_longest_cursor = 500
"""Letters; a platform's cursor has some dozens, and a longer one would not fit into an address."""


def _onward(document: object, count: int, mapping: Mapped, asked: str | None) -> str | None:
    if mapping.cursor is not None:
        value = as_text(look_up(mapping.cursor.next, document))
        return None if value.lower() in _no_value else value[:_longest_cursor]
    if mapping.page is None or not count:
        return None
    onward = _next_page(document, count, mapping.page, asked)
    return None if onward == asked or len(onward or "") > _longest_cursor else onward


def _next_page(document: object, count: int, page: Paging, asked: str | None) -> str | None:
    if page.end is not None and _is_true(look_up(page.end, document)):
        return None
    if page.kind == "cursor":
        value = _parameter(as_text(look_up(page.next or "", document)), page.send)
        if value.lower() in _no_value | {str(stop).lower() for stop in page.stop}:
            return None
    else:
        given = dict(parse_qsl(asked or "")).get(page.send, "")
        here = int(given) if given.isascii() and given.isdigit() else page.start
        value = str(here + (count if page.kind == "offset" and page.step == 1 else page.step))
    also = ((name, as_text(look_up(path, document))) for name, path in page.also)
    return urlencode([(page.send, value), *((name, shown) for name, shown in also if shown)])


def _parameter(value: str, name: str) -> str:
    """Give the value; of a whole address, which some platforms give for the next page, its parameter of that name."""
    if not value.startswith(("http://", "https://")):
        return value
    try:
        return dict(parse_qsl(urlsplit(value).query)).get(name, "")
    except ValueError:
        return ""


def _is_true(value: object) -> bool:
    return value is True or as_text(value).lower() in {"1", "true"}


# --- the entries ---


@dataclass(slots=True)
class _Tally:
    """What was seen of the entries: which fields any of them has, and which entries could not be read, and why."""

    fields: set[str] = field(default_factory=set)
    skipped: dict[str, list[int]] = field(default_factory=dict)
    wordless: int = 0
    sample: Mapping[str, Any] | None = None

    def skip(self, why: str, number: int) -> None:
        self.skipped.setdefault(why, []).append(number)


def _numbered(entries: Sequence[object]) -> Rows:
    return Rows(tuple(Row(number, entry) for number, entry in enumerate(entries, 1)), "条")


def _read(rows: Rows, source: Source, mapping: Mapped, now: datetime, *, are_records: bool = False) -> Parsed:
    limit = max_records if are_records else max_entries
    tally = _Tally()
    drafts = []
    for row in rows.rows[:limit]:
        item = _item(row, source, mapping, now, tally)
        if item is not None:
            drafts.append(item)
    needed = [("id", mapping.id), ("text", mapping.text + mapping.title)]
    lacking = _lacking(needed, tally)
    if lacking and not drafts and len(rows.rows) >= _telling:
        problem = SourceProblem(Fault.UNREADABLE, lacking[0].detail, lacking[0].cure)
        return Parsed(problem=problem, entries=len(rows.rows))
    # Hot lists have no times, and in our own shape they may be left out; of one entry or two nothing can be said.
    if len(rows.rows) >= _telling and not mapping.rank and mapping != DEFAULT_MAPPING:
        lacking += _lacking([("time", mapping.time)], tally)
    items, shared = _distinct(drafts, latest=are_records)
    skipped = [*lacking, *shared, *_skipped(tally, rows.unit)]
    symptoms = [*_too_many(len(rows.rows), limit, source, mapping), *_as_one(skipped)]
    wordless = f"有 {tally.wordless} 条没有文字（多半只有图片），已跳过"
    return Parsed(
        items=items,
        notes=(*(symptom.detail for symptom in symptoms), *([wordless] if tally.wordless else [])),
        entries=len(rows.rows),
        symptoms=tuple(symptoms),
        hints=_hints(rows, mapping),
    )


def _hints(rows: Rows, mapping: Mapped) -> tuple[str, ...]:
    entries = [row.value for row in rows.rows[:max_entries] if isinstance(row.value, dict)]
    # In our own shape all of this may be left out.
    return found_nothing(mapping, entries) if len(entries) >= _telling and mapping != DEFAULT_MAPPING else ()


_rounded = re.compile(r"\d(?:\.\d+)?[eE]\+\d{2,}")
_telling = 3
"""Entries from which on a field that none of them has says that the mapping is wrong; fewer may just be odd."""


def _item(row: Row, source: Source, mapping: Mapped, now: datetime, tally: _Tally) -> Item | None:
    entry = row.value
    if row.fault or not isinstance(entry, dict):
        tally.skip(row.fault or "不是一条记录", row.number)
        return None
    tally.sample = tally.sample or entry
    for name, paths in (("id", mapping.id), ("text", mapping.text + mapping.title), ("time", mapping.time)):
        if name not in tally.fields and any(is_plain(path, entry) for path in paths):
            tally.fields.add(name)
    name = _identity(clean(first_of(mapping.id, entry)))
    if not name:
        tally.skip("缺少编号", row.number)
        return None
    if _rounded.fullmatch(name):
        tally.skip("编号被表格软件改写成了 4.9E+15 的样子", row.number)
        return None
    text = cut(mapping.text_cut, plain(first_of(mapping.text, entry)))
    title = cut(mapping.title_cut, one_line(first_of(mapping.title, entry)))
    if not text and not title:
        if _is_wordless(mapping.text + mapping.title, entry):
            tally.wordless += 1
        else:
            tally.skip("缺少正文", row.number)
        return None
    dated = _date(mapping, entry, source, now)
    return Item(
        source_id=source.id,
        external_id=name,
        url=_link(mapping.url, entry, source.url) or source.url,
        title=title,
        text=text,
        kind=source.item_kind,
        parent_id=_parent(mapping, entry, name),
        published_at=dated.at,
        date_note=dated.note,
        counts=Counts(
            views=parse_count(first_of(mapping.views, entry)),
            likes=parse_count(first_of(mapping.likes, entry)),
            reposts=parse_count(first_of(mapping.reposts, entry)),
            comments=parse_count(first_of(mapping.replies, entry)),
        ),
    )


def _is_wordless(paths: Paths, entry: Mapping[str, Any]) -> bool:
    """Tell whether the place of the text is there and empty: a picture alone is no fault of the source."""
    there = [look_up(path, entry) for path in paths if is_there(path, entry)]
    return bool(there) and all(value is None or isinstance(value, str) for value in there)


def _identity(name: str) -> str:
    return name if len(name) <= 300 else "sha256:" + _hash(name)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def _parent(mapping: Mapped, entry: Mapping[str, Any], own: str) -> str | None:
    """Give the first that is one: a reply's comment before the post that all of them stand under."""
    for path in mapping.parent:
        name = _identity(clean(first_of((path,), entry)))
        if name and name != own and name not in mapping.no_parent:
            return name
    return None


def _date(mapping: Mapped, entry: Mapping[str, Any], source: Source, now: datetime) -> Dated:
    """Give the first that can be believed, else what was wrong with the first that was written."""
    doubt = Dated(None, "来源未给日期")
    for path in reversed(mapping.time):
        written = first_of((path,), entry)
        if written in {"", "0"}:
            continue
        dated = read_date(written, source.zone, now, relative=mapping.relative_times)
        if dated.at is not None or doubt.at is None:
            doubt = dated
    return doubt


def _link(link: str | None, entry: Mapping[str, Any], base: str) -> str:
    """Fill the template, or read the path; what is no web address is dropped."""
    if link is None:
        return ""
    if not link.startswith(("http://", "https://")):
        written = clean(first_of((link,), entry))
        return _joined(base, written if len(written) <= max_link_letters else "")
    values = {path: first_of((path,), entry) for path in placeholder.findall(link)}
    if not all(0 < len(value) <= max_link_letters for value in values.values()):
        return ""
    return placeholder.sub(lambda found: quote(values[found[1]].encode("utf-8", "replace"), safe=""), link)


def _joined(base: str, written: str) -> str:
    try:
        link = urljoin(base, written) if written else ""
    except ValueError:
        return ""
    return link if link.startswith(("http://", "https://")) else ""


def _distinct(drafts: Sequence[Item], *, latest: bool) -> tuple[tuple[Item, ...], list[Symptom]]:
    """Give each id once: of an answer the first (the newest stands first), of a file the last (it is appended to).

    One id for all of them is none: then the content names them, and the mapping is told of.
    """
    names = {item.external_id for item in drafts}
    if len(names) == 1 and len({(item.title, item.text) for item in drafts}) >= _telling:
        drafts = [
            replace(item, external_id=f"{item.external_id[:250]}#{_hash(item.title, item.text)[:12]}")
            for item in drafts
        ]
        told = f"各条的编号都是 {mask(names.pop()).text[:40]}，已改按内容区分"
        symptoms = [Symptom(Ailment.SKIPPED, told, "请核对 [source.mapping] 的 id")]
    else:
        symptoms = []
    # A later one takes the place of an earlier one.
    kept = {item.external_id: item for item in (drafts if latest else reversed(drafts))}
    order = dict.fromkeys(item.external_id for item in drafts)
    return tuple(kept[name] for name in order), symptoms


# --- what is told ---


def _too_many(count: int, limit: int, source: Source, mapping: Mapped) -> tuple[Symptom, ...]:
    if count <= limit:
        return ()
    told = f"一次给出 {count} 条，只处理前 {limit} 条，其余 {count - limit} 条没有读（上限固定，不能调大）"
    if source.kind == "inbox":
        cure = f"请推送方分几次推送，每次不超过 {limit} 条，没有读的重推"
    elif source.kind == "file":
        cure = f"请分成几个文件，每个不超过 {limit} 条"
    elif mapping.page is not None or mapping.cursor is not None:
        cure = "请在地址里把每页条数调小"
    else:
        cure = "请在地址里把每页条数调小，并设置翻页（[source.mapping.page]）"
    return (Symptom(Ailment.PAGES, told, cure),)


def _as_one(symptoms: Sequence[Symptom]) -> list[Symptom]:
    """Put together what was skipped and why: a source has one ailment of a kind, and its cure is the first one's."""
    told = "；".join(symptom.detail for symptom in symptoms)
    return [replace(symptoms[0], detail=told)] if symptoms else []


def _skipped(tally: _Tally, unit: str) -> list[Symptom]:
    parts = []
    for why, numbers in tally.skipped.items():
        shown = "、".join(map(str, numbers[:5])) + (" 等" if len(numbers) > 5 else "")
        parts.append(f"{len(numbers)} {unit}{why}（第 {shown} {unit}）")
    cure = "请核对来源的格式是否改版；其余各条照常收下"
    return [Symptom(Ailment.SKIPPED, "已跳过：" + "；".join(parts), cure)] if parts else []


def _lacking(wanted: Iterable[tuple[str, Paths]], tally: _Tally) -> list[Symptom]:
    """Name the fields of the mapping that no entry has as a plain value, with what an entry does have."""
    if tally.sample is None:
        return []
    return [
        _misled(name, paths, tally.sample) for name, paths in wanted if paths and name not in tally.fields
    ]


def _misled(name: str, paths: Paths, sample: Mapping[str, Any]) -> Symptom:
    told = f"{name} 的路径 {'、'.join(paths)} 在各条里都找不到"
    there = break_of(paths[0], sample)[0]
    for path in paths:
        if isinstance(found := look_up(path, sample), dict | list):
            what, there = ("一张表", found) if isinstance(found, dict) else ("一个列表", None)
            told = f"{name} 的路径 {path} 处是{what}，不是文字或数字"
            break
    return Symptom(Ailment.SKIPPED, told, mapping_cure(name, there))
