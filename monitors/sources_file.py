"""The shape of `sources.toml`: text to `Source` values, every problem of the file at once, each with line and cure.

Reads no files and opens no socket. Single values are checked by the models; what depends on the kind of a source or on
a second key is checked on the raw tables beside them (`_rules`), so that one problem never hides another. A preset is
laid under what the file says before either looks.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StrictBool, StrictFloat, StrictInt, ValidationError
from yarl import URL

from monitors.mapping_file import CutPattern, MappingTable, OneScalar, Strict
from monitors.persons import names_person
from monitors.presets import PRESETS
from monitors.source_values import (
    MIB,
    contact_shape,
    harmless_headers,
    host_and_port,
    known_encoding,
    local_path,
    proxy_address,
    size_of_answer,
    web_address,
    writable_json,
    zone_name,
)
from monitors.sources import FileFormat, Scalar, Source, SourceKind
from routing.errors import ConfigError, Problem
from routing.items import Kind
from routing.toml_lines import Locator, Path, dotted, problems_from_pydantic, read_toml, spelt

Table = Mapping[str, Any]


def load_sources(text: str, file: str = "sources.toml") -> tuple[Source, ...]:
    """Read the whole file. Raises ConfigError with all of its problems; the cure stands beside each."""
    data, locator = read_toml(text, file)
    whole = [
        problem for check in (_contact, _repeated_ids, _by_kind) for problem in check(data, locator, file)
    ]
    try:
        document = _Document.model_validate(_with_presets(data))
    except ValidationError as error:
        found = problems_from_pydantic(error, locator, file, model=_Document)
        raise ConfigError([*whole, *(_without_secrets(_name_people(each)) for each in found)]) from error
    if whole:
        raise ConfigError(whole)
    return tuple(entry.source(document.contact) for entry in document.source)


def _name_people(problem: Problem) -> Problem:
    key = problem.where.rpartition(".")[2]
    if problem.reason == "不认识的键" and names_person(key):
        return replace(problem, reason="不采集作者或个人信息", cure="请删去这一项；本系统对事不对人")
    return problem


def _without_secrets(problem: Problem) -> Problem:
    return replace(problem, value=re.sub(r"//[^/@]*@", "//…@", problem.value))


_Address = Annotated[str, AfterValidator(web_address)]
_HostPort = Annotated[str, AfterValidator(host_and_port)]
_SourceId = Annotated[
    str,
    spelt(
        r"[a-z0-9][a-z0-9_-]{0,52}",
        "编号写法不对",
        "只用小写英文字母、数字、- 和 _，以字母或数字开头，最多 53 个，如 county-news",
    ),
]


class Entry(Strict):
    """`[[source]]`."""

    id: _SourceId
    name: str = Field(min_length=1, max_length=60)
    kind: SourceKind
    url: _Address | None = None
    mirrors: tuple[_Address, ...] = Field((), max_length=20)
    site: str = Field("", max_length=60)
    item_kind: Kind | None = None
    tags: tuple[str, ...] = ()
    zone: Annotated[str, AfterValidator(zone_name)] = "Asia/Shanghai"
    interval_s: StrictFloat = Field(60, ge=1, le=86400)
    max_interval_s: StrictFloat | None = Field(None, ge=1, le=7 * 86400)
    timeout_s: StrictFloat = Field(20, ge=1, le=120)
    connect_s: StrictFloat | None = Field(None, ge=0.1, le=120)
    read_s: StrictFloat | None = Field(None, ge=0.1, le=120)
    spacing_s: StrictFloat = Field(0, ge=0, le=3600)
    max_bytes: Annotated[StrictInt, AfterValidator(size_of_answer)] = 5 * MIB
    max_pages: StrictInt = Field(5, ge=1, le=100)
    window_h: StrictFloat = Field(0, ge=0, le=24 * 366)
    frozen_h: StrictFloat = Field(0, ge=0, le=24 * 366)
    silent_h: StrictFloat | None = Field(None, ge=0, le=24 * 366)
    overdue_d: StrictFloat = Field(0, gt=0, le=366, validate_default=False)
    allow_hosts: tuple[_HostPort, ...] = ()
    proxy: Annotated[str, AfterValidator(proxy_address)] | None = None
    headers: Annotated[dict[str, str], AfterValidator(harmless_headers)] = Field(default_factory=dict)
    form: dict[str, OneScalar] = Field(default_factory=dict)
    json_body: Annotated[dict[str, Any], AfterValidator(writable_json)] | None = Field(None, alias="json")
    path: Annotated[str, Field(min_length=1, max_length=500), AfterValidator(local_path)] | None = None
    format: FileFormat | None = None
    encoding: Annotated[str, AfterValidator(known_encoding)] | None = None
    comment_feeds: StrictBool = True
    title_cut: CutPattern | None = None
    text_cut: CutPattern | None = None
    preset: str | None = None
    mapping: MappingTable | None = None

    def source(self, contact: str) -> Source:
        """Give the value; what was left out takes the default that fits the rest."""
        plain = self.model_dump(
            include={
                *(
                    "id",
                    "name",
                    "kind",
                    "mirrors",
                    "tags",
                    "interval_s",
                    "timeout_s",
                    "spacing_s",
                    "max_bytes",
                ),
                *(
                    "max_pages",
                    "window_h",
                    "frozen_h",
                    "silent_h",
                    "overdue_d",
                    "allow_hosts",
                    "proxy",
                    "path",
                ),
                *("encoding", "comment_feeds", "title_cut", "text_cut"),
            }
        )
        return Source(
            **plain,
            url=self.url or "",
            site=self.site or (str(URL(self.url).host) if self.url else self.name),
            item_kind=self.item_kind or _item_kinds[self.kind],
            zone=ZoneInfo(self.zone),
            max_interval_s=self.max_interval_s or self.interval_s,
            connect_s=self.connect_s or min(10, self.timeout_s),
            read_s=self.read_s or min(15, self.timeout_s),
            headers=tuple(self.headers.items()),
            form=tuple((name, _plain(value)) for name, value in self.form.items()),
            json_body=None if self.json_body is None else json.dumps(self.json_body, ensure_ascii=False),
            format=self.format or _format_of(self.path),
            mapping=self.mapping.mapped() if self.mapping else None,
            user_agent=f"yuqing/0.1 (+{contact})",
        )


def _plain(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _format_of(path: object) -> FileFormat:
    ending = PurePath(path).suffix.lower() if isinstance(path, str) else ""
    return "csv" if ending == ".csv" else "json" if ending == ".json" else "jsonl"


class _Document(Strict):
    contact: Annotated[str, Field(max_length=200), AfterValidator(contact_shape)] = ""
    source: tuple[Entry, ...] = Field(default=())


# --- what each kind needs and takes ---

_any_source = {"id", "name", "kind", "site", "item_kind", "tags", "zone", "max_bytes", "encoding"}
_polled = {"interval_s", "max_interval_s"}
_web = {
    *_polled,
    *("url", "mirrors", "timeout_s", "connect_s", "read_s", "spacing_s", "proxy", "headers", "allow_hosts"),
}
_mapped = {"mapping", "preset"}
_news = {"window_h", "silent_h"}
_takes: Mapping[str, frozenset[str]] = {
    "feed": frozenset({*_any_source, *_web, *_news, "frozen_h", "comment_feeds", "title_cut", "text_cut"}),
    "comments": frozenset({*_any_source, *_web, *_news, *_mapped, "frozen_h", "form", "json", "max_pages"}),
    "file": frozenset({*_any_source, *_polled, *_news, *_mapped, "path", "format"}),
    "inbox": frozenset({*_any_source, *_news, *_mapped}),
    "page": frozenset({*_any_source, *_web}),
    "column": frozenset({*_any_source, *_web, "overdue_d"}),
}
_known = frozenset().union(*_takes.values())
_needs: Mapping[str, tuple[tuple[str, str], ...]] = {
    "feed": (("url", '请补上 url = "https://…"'),),
    "comments": (("url", '请补上 url = "https://…"'),),
    "file": (("path", '请补上 path = "/data/…/*.jsonl"'),),
    "inbox": (),
    "page": (("url", '请补上 url = "https://…"'),),
    "column": (
        ("url", '请补上 url = "https://…"'),
        ("overdue_d", "请补上 overdue_d = 14 这样的天数：多少天没有更新就提醒"),
    ),
}
_instead: Mapping[tuple[str, str], str] = {
    ("inbox", "url"): "推送方把数据发到本机的 /ingest/来源编号",
    ("column", "silent_h"): "栏目多少天没有更新就提醒，写在 overdue_d",
    ("column", "frozen_h"): "栏目多少天没有更新就提醒，写在 overdue_d",
    ("column", "window_h"): "栏目只看有没有更新，不收各条内容；要收内容请另写一个来源",
}
"""By kind and key: what to do in place of a key that this kind does not take."""
_item_kinds: Mapping[str, Kind] = {
    "feed": Kind.ARTICLE,
    "comments": Kind.COMMENT,
    "file": Kind.POST,
    "inbox": Kind.POST,
    "page": Kind.ARTICLE,
    "column": Kind.ARTICLE,
}
_page_takes: Mapping[str, frozenset[str]] = {
    "cursor": frozenset({"kind", "send", "next", "also", "end", "stop", "newest_first"}),
    "page": frozenset({"kind", "send", "start", "step", "end", "newest_first"}),
    "offset": frozenset({"kind", "send", "start", "end", "newest_first"}),
}
_page_known = frozenset().union(*_page_takes.values())


@dataclass(frozen=True, slots=True)
class _Wrong:
    """What a rule found: the path inside the entry, and the words."""

    path: Path
    reason: str
    cure: str


def _by_kind(data: Table, locator: Locator, file: str) -> Iterator[Problem]:
    for index, entry in enumerate(_entries(data)):
        if not isinstance(entry, dict):
            continue
        for rule in _rules:
            for wrong in rule(entry):
                path = ("source", index, *wrong.path)
                value = _shown(entry, wrong.path)
                yield Problem(file, locator.line(path), dotted(path), value, wrong.reason, wrong.cure)


def _shown(entry: Table, path: Path) -> str:
    value: Any = entry
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""


def _right_keys(entry: Table) -> Iterator[_Wrong]:
    kind = entry.get("kind")
    if not isinstance(kind, str) or kind not in _takes:
        return
    for key in entry:
        if key in _known and key not in _takes[kind]:
            others = "、".join(name for name, keys in _takes.items() if key in keys)
            shown = "[source.mapping]" if key == "mapping" else key
            cure = _instead.get((kind, key), f"它用于 kind 为 {others} 的来源")
            yield _Wrong((key,), f'kind = "{kind}" 不用 {shown}', f"请删去；{cure}")
    for key, cure in _needs[kind]:
        if key not in entry:
            yield _Wrong((key,), f'kind = "{kind}" 缺少 {key}', cure)
    if kind in {"comments", "file"} and not ({"mapping", "preset"} & set(entry)):
        names = f"，或写 preset = …（现成的有：{'、'.join(PRESETS)}）" if PRESETS else ""
        yield _Wrong(
            ("mapping",), f'kind = "{kind}" 缺少 [source.mapping]', f"请写明 id、text 等字段的取值路径{names}"
        )


def _right_preset(entry: Table) -> Iterator[_Wrong]:
    name, kind = entry.get("preset"), entry.get("kind")
    takes_one = not isinstance(kind, str) or "preset" in _takes.get(kind, {"preset"})
    if not isinstance(name, str) or not takes_one:
        return
    if name not in PRESETS:
        yield _Wrong(
            ("preset",),
            "没有这个预设",
            f"现成的有：{'、'.join(PRESETS) or '无'}；也可以自己写 [source.mapping]",
        )
    elif isinstance(kind, str) and kind in _takes and kind not in PRESETS[name]["kinds"]:
        fit = "、".join(other for other, preset in PRESETS.items() if kind in preset["kinds"])
        yield _Wrong(
            ("preset",),
            f'这个预设不能用于 kind = "{kind}"',
            f"它用于 kind 为 {'、'.join(PRESETS[name]['kinds'])} 的来源；{kind} 可用的有：{fit}；"
            "也可以自己写 [source.mapping]",
        )


def _right_limits(entry: Table) -> Iterator[_Wrong]:
    interval, slowest = _number(entry, "interval_s", 60), _number(entry, "max_interval_s", None)
    if interval and slowest and slowest < interval:
        yield _Wrong(
            ("max_interval_s",), f"比 interval_s（{interval:.15g}）还短", "请写得更长，或删去（不放慢）"
        )
    whole = _number(entry, "timeout_s", 20)
    for key in ("connect_s", "read_s"):
        part = _number(entry, key, None)
        if whole and part and part > whole:
            yield _Wrong(
                (key,), f"比 timeout_s（{whole:.15g}）还长，不起作用", "请写得更短，或调大 timeout_s"
            )


def _number(entry: Table, key: str, default: float | None) -> float | None:
    value = entry.get(key, default)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _one_body(entry: Table) -> Iterator[_Wrong]:
    if "form" in entry and "json" in entry:
        yield _Wrong(("json",), "form 和 json 不能同时写", "一次请求只有一种正文，请留一个")


def _distinct_addresses(entry: Table) -> Iterator[_Wrong]:
    mirrors = entry.get("mirrors")
    seen = [entry.get("url")]
    for number, address in enumerate(mirrors if isinstance(mirrors, list) else ()):
        if isinstance(address, str) and address in seen:
            yield _Wrong(("mirrors", number), "与前面的地址相同", "请删去，或换成另一台中转的地址")
        seen.append(address)


def _right_mapping(entry: Table) -> Iterator[_Wrong]:
    mapping = entry.get("mapping")
    if not isinstance(mapping, dict):
        return
    useless = _useless_in_mapping(entry)
    for key in mapping:
        if key in useless:
            yield _Wrong(("mapping", key), useless[key], "请删去这一项")
    if entry.get("kind") == "comments" and not {"items"} & set(_with_preset(entry).get("mapping", ())):
        cure = '请写列表所在的路径，如 items = "data.replies"；整个答复就是列表时写 items = "@"'
        yield _Wrong(("mapping", "items"), "缺少这一项", cure)
    if "cursor" in mapping and "page" in mapping:
        cure = "接着上次往后读用 cursor，从最新一页往前翻用 page，请留一个"
        yield _Wrong(("mapping", "page"), "cursor 和 page 不能同时写", cure)


def _useless_in_mapping(entry: Table) -> Mapping[str, str]:
    """Name the keys of a mapping that this source cannot use, and why."""
    kind, file_format = str(entry.get("kind")), str(entry.get("format") or _format_of(entry.get("path")))
    found: dict[str, str] = {}
    if kind in {"file", "inbox"}:
        found |= dict.fromkeys(("cursor", "page", "fresh"), "文件和推送没有下一页，也不会是缓存")
    if kind == "file" and file_format in {"jsonl", "csv"}:
        found |= dict.fromkeys(("items", "ok"), f"{file_format} 文件一行一条，没有外层")
    return found


def _right_page(entry: Table) -> Iterator[_Wrong]:
    mapping = entry.get("mapping")
    page = mapping.get("page") if isinstance(mapping, dict) else None
    kind = page.get("kind") if isinstance(page, dict) else None
    if not isinstance(page, dict) or not isinstance(kind, str) or kind not in _page_takes:
        return
    for key in page:
        if key in _page_known and key not in _page_takes[kind]:
            others = "、".join(name for name, keys in _page_takes.items() if key in keys)
            yield _Wrong(
                ("mapping", "page", key),
                f'翻页方式 "{kind}" 不用 {key}',
                f"请删去；它用于 kind 为 {others} 的翻页",
            )
    if kind == "cursor" and "next" not in page:
        cure = '请写下一页的值在答复里的位置，如 next = "data.max_id"'
        yield _Wrong(("mapping", "page", "next"), '翻页方式 "cursor" 缺少 next', cure)


_rules = (
    _right_keys,
    _right_preset,
    _right_limits,
    _one_body,
    _distinct_addresses,
    _right_mapping,
    _right_page,
)


# --- presets ---

_rivals = (frozenset({"cursor", "page"}), frozenset({"form", "json"}))


def _with_presets(data: Table) -> dict[str, Any]:
    entries = [_with_preset(entry) if isinstance(entry, dict) else entry for entry in _entries(data)]
    return {**data, "source": entries} if isinstance(data.get("source"), list) else dict(data)


def _with_preset(entry: Table) -> dict[str, Any]:
    """Lay the preset under the entry: what the file says wins, key by key, and ousts what cannot stand beside it."""
    name, own = entry.get("preset"), entry.get("mapping", {})
    preset = PRESETS.get(name) if isinstance(name, str) else None
    if preset is None or not isinstance(own, dict):
        return dict(entry)
    takes = _takes.get(str(entry.get("kind")), frozenset())
    defaults = {key: value for key, value in preset.items() if key in takes and key != "mapping"}
    useless = _useless_in_mapping(entry)
    mapping = {key: value for key, value in preset.get("mapping", {}).items() if key not in useless}
    return {**_laid_under(defaults, entry), "mapping": _laid_under(mapping, own)}


def _laid_under(below: Table, above: Table) -> dict[str, Any]:
    ousted = {key for rivals in _rivals if rivals & set(above) for key in rivals}
    return {**{key: value for key, value in below.items() if key not in ousted}, **above}


# --- the whole file ---


def _entries(data: Table) -> Sequence[Any]:
    entries = data.get("source")
    return entries if isinstance(entries, list) else ()


def _contact(data: Table, locator: Locator, file: str) -> Iterator[Problem]:
    if data.get("contact", "") == "":
        cure = '请在文件开头写 contact = "mailto:值班邮箱" 或本单位网址；它写进每次请求，来源方有事能找到您'
        yield Problem(file, locator.line(("contact",)) or 1, "contact", "", "缺少联系方式", cure)
    if not data.get("source"):
        yield Problem(file, None, "source", "", "没有写任何来源", "请至少写一个 [[source]]")


def _repeated_ids(data: Table, locator: Locator, file: str) -> Iterator[Problem]:
    first: dict[str, int | None] = {}
    for index, entry in enumerate(_entries(data)):
        name = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(name, str):
            continue
        path = ("source", index, "id")
        if name in first:
            reason = f"来源编号重复，第 {first[name]} 行已用过"
            yield Problem(file, locator.line(path), dotted(path), f'"{name}"', reason, "请换一个编号")
        first.setdefault(name, locator.line(path))
