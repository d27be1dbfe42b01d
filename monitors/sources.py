"""What to watch: sources.toml becomes frozen `Source` values, every problem of the file reported at once.

Reads no files and opens no socket. A mapping that reaches for a person (author, nickname, place of login) is refused
here, so that no configuration can make the monitors collect people (个人信息保护法 第六条).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from yarl import URL

from routing.errors import ConfigError, Problem
from routing.items import Kind
from routing.toml_lines import Locator, Refused, dotted, problems_from_pydantic, read_toml

SourceKind = Literal["feed", "comments", "file", "inbox", "page", "column"]
PagingKind = Literal["cursor", "page", "offset"]
FileFormat = Literal["jsonl", "csv", "json"]
Scalar = str | int | bool
beijing = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Cursor:
    """How a comment stream is paged: the query parameter to send, and where the answer names the next value."""

    send: str
    next: str


@dataclass(frozen=True, slots=True)
class Paging:
    """How the further pages of a list that starts with the newest are asked for.

    `send` is the parameter of the next page. Kind cursor: its value stands at `next` in the answer, further
    parameters at the paths of `also` (name, path). Kind page: `start` counts up by `step`; offset: by what was given.
    The list ends where `end` (a path) is true, where the next value is one of `stop`, or where a page is empty.
    """

    kind: PagingKind
    send: str
    next: str | None = None
    also: tuple[tuple[str, str], ...] = ()
    start: int = 1
    step: int = 1
    end: str | None = None
    stop: tuple[Scalar, ...] = ()


@dataclass(frozen=True, slots=True)
class Freshness:
    """Where an answer says of when it is, and how old that may be: caches call themselves a success for ever."""

    path: str
    max_age_s: float


@dataclass(frozen=True, slots=True)
class Success:
    """The condition under which an answer with status 200 is one: the value at `path` is one of `equals`."""

    path: str
    equals: tuple[Scalar, ...]


Paths = tuple[str, ...]
"""Paths tried in order; the first one that holds something counts. Empty: the stream has no such field."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """Where a stream keeps what an item needs; JMESPath, relative to one entry but for `items`.

    `items` None: the document itself is the list (files, pushed bodies). `url` is an address with `{path}` in it,
    each filled from the entry, or a path to one. `rank`: the place in the list is kept as the order of a hot list.
    `relative_times`: "3分钟前" may be believed. `text_cut` and `title_cut` are linear-time expressions (RE2); what they
    match is cut before anything is kept: names that a platform writes into the text.
    """

    items: str | None
    id: Paths
    text: Paths
    title: Paths = ()
    parent: Paths = ()
    no_parent: tuple[str, ...] = ("", "0")
    time: Paths = ()
    relative_times: bool = False
    url: str | None = None
    likes: Paths = ()
    replies: Paths = ()
    reposts: Paths = ()
    views: Paths = ()
    rank: bool = False
    text_cut: str | None = None
    title_cut: str | None = None
    cursor: Cursor | None = None
    page: Paging | None = None
    ok: Success | None = None
    fresh: Freshness | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One address to poll, with its limits.

    `zone` is that of times which carry none. `window_h`: what was published longer ago than this when the source is
    seen for the first time is old news. `interval_s` to `max_interval_s`: how often it is asked, by what is learned
    of it. `timeout_s` bounds the whole, `connect_s` and `read_s` its parts; `spacing_s` lies between two requests to
    one host. `mirrors` are further addresses of the same content (RSSHub), tried in turn. `allow_hosts`: exact
    host:port pairs that may have a private address; every other address must be a public one. `form` or `json_body`:
    the source is asked by POST. `mapping` is set for comment streams, files and inboxes. `path` is a file or a
    pattern of files. `frozen_h`: an unchanged answer for longer is a cache, not a source (0: never); `silent_h`: the
    same for news, in place of what is learned (0: never; None: learned). `overdue_d`: a column must have news in so
    many days. `window_h`, `frozen_h`, `silent_h` in hours, `overdue_d` in days, all `_s` in seconds.
    """

    id: str
    name: str
    kind: SourceKind
    url: str
    site: str
    item_kind: Kind
    tags: tuple[str, ...] = ()
    zone: ZoneInfo = beijing
    interval_s: float = 60
    max_interval_s: float = 60
    timeout_s: float = 20
    connect_s: float = 10
    read_s: float = 15
    spacing_s: float = 0
    max_bytes: int = 5 * 1024 * 1024
    max_pages: int = 5
    window_h: float = 0
    allow_hosts: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()
    proxy: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    form: tuple[tuple[str, str], ...] = ()
    json_body: str | None = None
    mapping: Mapped | None = None
    path: str | None = None
    format: FileFormat = "jsonl"
    encoding: str | None = None
    comment_feeds: bool = True
    frozen_h: float = 0
    silent_h: float | None = None
    overdue_d: float = 0
    user_agent: str = "yuqing/0.1"

    def addresses(self) -> tuple[str, ...]:
        """Give the address and its mirrors, in the order in which they are tried."""
        return (self.url, *self.mirrors)


def load_sources(text: str, file: str = "sources.toml") -> tuple[Source, ...]:
    """Read the whole file. Raises ConfigError with all of its problems; the cure stands beside each."""
    data, locator = read_toml(text, file)
    try:
        document = _Document.model_validate(data)
    except ValidationError as error:
        found = problems_from_pydantic(error, locator, file, model=_Document)
        raise ConfigError([*map(_name_people, found), *_repeated_ids(data, locator, file)]) from error
    if repeated := _repeated_ids(data, locator, file):
        raise ConfigError(repeated)
    return tuple(entry.source(document.contact) for entry in document.source)


# --- no people ---

person_words = re.compile(
    "account|author|avatar|comment(?:er|ator)|createdby|creator|follower|gender|ip(?:address|label|location|region)"
    "|loginname|member|nick|openid|owner|passport|person|phone|postedby|poster|profile|realname|screenname|secuid"
    "|sender|sex|uname|unionid|userid|username|writer|作者|用户|昵称|姓名|留言人|网名"
)
"""Stems that name a person in the field names of platforms, lower case, without underscores and hyphens."""
person_names = {"by", "face", "from", "ip", "lyr", "mid", "mobile", "uid", "user", "users"}
"""Whole field names that do; as stems they would hit innocent words."""
_opening_functions = {"items", "keys", "map", "to_string", "values"}


def names_person(field: str) -> bool:
    """Tell whether a field name is one that platforms use for people."""
    plain = re.sub(r"[_\-\s]", "", field).lower()
    return plain in person_names or plain.startswith("user") or bool(person_words.search(plain))


def _name_people(problem: Problem) -> Problem:
    key = problem.where.rpartition(".")[2]
    if problem.reason == "不认识的键" and names_person(key):
        return replace(problem, reason="不采集作者或个人信息", cure="请删去这一项；本系统对事不对人")
    return problem


def _impersonal(path: str) -> str:
    try:
        tree = jmespath.compile(path).parsed
    except JMESPathError as error:
        raise Refused(
            "取值路径（JMESPath）写法不对", "请写成 data.replies 或 content.message 的样子"
        ) from error
    for node in _nodes(tree):
        if node["type"] in {"field", "key_val_pair"} and names_person(str(node["value"])):
            raise Refused(f"字段 {node['value']} 指向作者或个人信息", "请删去；本系统对事不对人")
        if node["type"] == "value_projection" or (
            node["type"] == "function_expression" and node["value"] in _opening_functions
        ):
            raise Refused("不能用通配或展开取整个对象，其中可能有个人信息", "请写明要取的字段")
    return path


def _nodes(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield tree
    for child in tree["children"]:
        if isinstance(child, dict):
            yield from _nodes(child)


placeholder = re.compile(r"\{([^{}]*)\}")


def _link_template(template: str) -> str:
    if not template.startswith(("http://", "https://")):
        raise Refused("链接模板须以 http:// 或 https:// 开头", '如 "https://bbs.example/t/{tid}#reply{id}"')
    for path in placeholder.findall(template):
        _impersonal(path)
    return template


# --- the shape of the file ---


def _address(value: str) -> str:
    try:
        url = URL(value)
        port = url.port
    except ValueError as error:
        raise Refused("不是有效的网址", "请从浏览器地址栏复制完整网址") from error
    if url.scheme not in {"http", "https"} or not url.host or not port:
        raise Refused("不是 http 或 https 网址", "请写成 https://… 的完整网址")
    if url.user or url.password:
        raise Refused("网址里不能带账号密码", "请换用公开的地址")
    return value


def _host_port(value: str) -> str:
    if not re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^\s:/@\[\]]+):\d{1,5}", value):
        raise Refused("应为 主机:端口", '如 "127.0.0.1:1200"')
    return value.lower()


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise Refused("没有这个时区", '如 "Asia/Shanghai"') from error
    return value


Expression = Annotated[str, AfterValidator(_impersonal)]
Address = Annotated[str, AfterValidator(_address)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class _Cursor(_Strict):
    send: str = Field(min_length=1)
    next: Expression


class _Success(_Strict):
    path: Expression
    equals: Scalar | tuple[Scalar, ...]


class _Mapping(_Strict):
    items: Expression
    id: Expression
    text: Expression
    title: Expression | None = None
    parent: Expression | None = None
    time: Expression | None = None
    url: Annotated[str, AfterValidator(_link_template)] | None = None
    likes: Expression | None = None
    replies: Expression | None = None
    cursor: _Cursor | None = None
    ok: _Success | None = None

    def mapped(self) -> Mapped:
        ok = self.ok
        equals = () if ok is None else ok.equals if isinstance(ok.equals, tuple) else (ok.equals,)
        return Mapped(
            items=self.items,
            id=(self.id,),
            text=(self.text,),
            title=_paths(self.title),
            parent=_paths(self.parent),
            time=_paths(self.time),
            url=self.url,
            likes=_paths(self.likes),
            replies=_paths(self.replies),
            cursor=Cursor(self.cursor.send, self.cursor.next) if self.cursor else None,
            ok=Success(ok.path, equals) if ok else None,
        )


def _paths(path: str | None) -> Paths:
    return () if path is None else (path,)


class _Entry(_Strict):
    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    name: str = Field(min_length=1, max_length=60)
    kind: SourceKind
    url: Address
    site: str = ""
    tags: tuple[str, ...] = ()
    zone: Annotated[str, AfterValidator(_zone)] = "Asia/Shanghai"
    interval_s: float = Field(60, ge=1, le=86400)
    timeout_s: float = Field(20, ge=1, le=120)
    max_bytes: int = Field(5 * 1024 * 1024, ge=1024, le=50 * 1024 * 1024)
    max_pages: int = Field(5, ge=1, le=100)
    item_kind: Kind | None = None
    window_h: float = Field(24, ge=0, le=24 * 366)
    allow_hosts: tuple[Annotated[str, AfterValidator(_host_port)], ...] = ()
    mapping: _Mapping | None = None

    @model_validator(mode="after")
    def _kind_and_mapping_agree(self) -> "_Entry":
        if self.kind == "comments" and self.mapping is None:
            raise Refused(
                'kind = "comments" 缺少 [source.mapping]', "请写明 items、id、text 等字段的取值路径"
            )
        if self.kind == "feed" and self.mapping is not None:
            raise Refused('kind = "feed" 不用 [source.mapping]', '请删去，或改为 kind = "comments"')
        return self

    def source(self, contact: str) -> Source:
        plain = self.model_dump(exclude={"zone", "mapping", "item_kind", "site"})
        return Source(
            **plain,
            site=self.site or str(URL(self.url).host),
            zone=ZoneInfo(self.zone),
            item_kind=self.item_kind or (Kind.COMMENT if self.kind == "comments" else Kind.ARTICLE),
            mapping=self.mapping.mapped() if self.mapping else None,
            max_interval_s=self.interval_s,
            user_agent=f"yuqing/0.1 (+{contact})" if contact else "yuqing/0.1",
        )


class _Document(_Strict):
    contact: str = Field("", max_length=200, pattern=r"^[\x21-\x7e]*$")
    source: tuple[_Entry, ...] = ()

    @model_validator(mode="after")
    def _watch_something(self) -> "_Document":
        if not self.source:
            raise Refused("没有写任何来源", "请至少写一个 [[source]]")
        return self


def _repeated_ids(data: Mapping[str, Any], locator: Locator, file: str) -> list[Problem]:
    entries: Sequence[Any] = data["source"] if isinstance(data.get("source"), list) else ()
    first: dict[str, int | None] = {}
    problems = []
    for index, entry in enumerate(entries):
        name = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(name, str):
            continue
        path = ("source", index, "id")
        if name in first:
            reason = f"来源编号重复，第 {first[name]} 行已用过"
            problems.append(
                Problem(file, locator.line(path), dotted(path), f'"{name}"', reason, "请换一个编号")
            )
        first.setdefault(name, locator.line(path))
    return problems
