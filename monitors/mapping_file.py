"""The shape of `[source.mapping]`: where a stream keeps what an item needs, checked field by field.

Every path goes through the same door (`persons.impersonal`), wherever it stands: in a field, a list, a template, the
next page. What does not compile is refused here, with the place, and not met by every entry later.
"""

from collections.abc import Callable
from typing import Annotated, Any

import re2
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StrictBool,
    StrictFloat,
    StrictInt,
    StringConstraints,
    WrapValidator,
)

from monitors.persons import impersonal, placeholder
from monitors.sources import Cursor, Freshness, Mapped, Paging, PagingKind, Paths, Scalar, Success
from routing.expressions import fault_of
from routing.toml_lines import Refused

path_letters = 300


class Strict(BaseModel):
    """A table that knows its keys."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


# --- single values ---


def _path(value: str) -> str:
    if len(value) > path_letters:
        raise Refused("取值路径太长", f"最多 {path_letters} 个字符")
    return impersonal(value)


def _one_or_many(value: object, read_list: Callable[[object], Paths]) -> Paths:
    if isinstance(value, str):
        return (_path(value.strip()),)
    if not isinstance(value, list):
        raise Refused("应为一条取值路径，或几条路径的列表", '如 "like" 或 ["like", "like_count"]')
    return read_list(value)


def _scalars(value: object) -> tuple[Scalar, ...]:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(each, str | int) for each in values):
        raise Refused("应为文字、整数、true、false，或它们的列表", '如 0 或 ["0", "no_more"]')
    return tuple(values)


def _link(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        if "{" in value and "://" not in value and "." in value.partition("/")[0]:
            raise Refused(
                "链接模板须以 http:// 或 https:// 开头", '如 "https://bbs.example/t/{tid}#reply{id}"'
            )
        return _path(value)
    if any(mark in placeholder.sub("", value) for mark in "{}"):
        raise Refused("链接模板的花括号没有配对", '如 "https://bbs.example/t/{tid}#reply{id}"')
    if placeholder.search(value.split("/")[2]):
        raise Refused("链接的域名里不能有占位", "域名请写死；只有路径和参数可以从条目取值")
    for path in placeholder.findall(value):
        _path(path)
    return value


_cut_options = re2.Options()
_cut_options.log_errors = False  # the library would print the fault on standard error as well


def _cut(pattern: str) -> str:
    try:
        compiled = re2.compile(pattern, options=_cut_options)
    except re2.error as error:
        raise Refused(
            f"正则表达式{fault_of(error)}",
            "请改正；语法为 RE2，反斜杠要写在单引号里，如 '^[^:：]{1,30}[:：]'",
        ) from error
    if compiled.search("") is not None:
        raise Refused("正则表达式什么都没有也能匹配", "请写明要切掉的内容，如 '^[^:：]{1,30}[:：]'")
    return pattern


def _one_scalar(value: object) -> Scalar:
    if not isinstance(value, str | int):
        raise Refused("应为文字、整数、true 或 false", '如 "539"、2 或 true')
    return value


_Path = Annotated[str, AfterValidator(_path)]
_Paths = Annotated[
    tuple[_Path, ...],
    Field(min_length=1, max_length=20),
    WrapValidator(_one_or_many, json_schema_input_type=Any),
]
OneScalar = Annotated[Scalar, PlainValidator(_one_scalar)]
_Scalars = Annotated[tuple[Scalar, ...], PlainValidator(_scalars)]
_Name = Annotated[str, Field(min_length=1, max_length=100)]
# Unlike other texts it keeps its spaces at both ends: they are part of what is cut.
CutPattern = Annotated[
    str, StringConstraints(min_length=1, max_length=500, strip_whitespace=False), AfterValidator(_cut)
]
_Link = Annotated[str, AfterValidator(_link)]


# --- tables ---


class CursorTable(Strict):
    """`cursor = { send, next }`."""

    send: _Name
    next: _Path


class PageTable(Strict):
    """`page = { kind, send, … }`; which keys each kind takes is checked by `problems`."""

    kind: PagingKind
    send: _Name
    next: _Path | None = None
    also: dict[_Name, _Path] = Field(default_factory=dict)
    start: StrictInt | None = Field(None, ge=0)
    step: StrictInt | None = Field(None, ge=1)
    end: _Path | None = None
    stop: _Scalars = ()
    newest_first: StrictBool = True

    def paging(self) -> Paging:
        """Give the value."""
        first = 0 if self.kind == "offset" else 1
        return Paging(
            kind=self.kind,
            send=self.send,
            next=self.next,
            also=tuple(self.also.items()),
            start=first if self.start is None else self.start,
            step=1 if self.step is None else self.step,
            end=self.end,
            stop=self.stop,
            newest_first=self.newest_first,
        )


class SuccessTable(Strict):
    """`ok = { path, equals }`."""

    path: _Path
    equals: _Scalars


class FreshTable(Strict):
    """`fresh = { path, max_age_s }`."""

    path: _Path
    max_age_s: StrictFloat = Field(gt=0, le=366 * 86400)


class MappingTable(Strict):
    """`[source.mapping]`."""

    items: _Path | None = None
    id: _Paths
    text: _Paths
    title: _Paths = ()
    parent: _Paths = ()
    no_parent: tuple[str, ...] = ("", "0")
    time: _Paths = ()
    relative_times: StrictBool = False
    url: _Link | None = None
    likes: _Paths = ()
    replies: _Paths = ()
    reposts: _Paths = ()
    views: _Paths = ()
    rank: StrictBool = False
    text_cut: CutPattern | None = None
    title_cut: CutPattern | None = None
    cursor: CursorTable | None = None
    page: PageTable | None = None
    ok: SuccessTable | None = None
    fresh: FreshTable | None = None

    def mapped(self) -> Mapped:
        """Give the value."""
        plain = self.model_dump(exclude={"cursor", "page", "ok", "fresh"})
        return Mapped(
            **plain,
            cursor=Cursor(self.cursor.send, self.cursor.next) if self.cursor else None,
            page=self.page.paging() if self.page else None,
            ok=Success(self.ok.path, self.ok.equals) if self.ok else None,
            fresh=Freshness(self.fresh.path, self.fresh.max_age_s) if self.fresh else None,
        )
