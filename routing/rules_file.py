"""The shape of `rules.toml`: what may stand there, checked as a whole, every problem with its line and its cure.

Knows words, keys and references; what the rules mean is `routing/rules.py`. Reads no file.
"""

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from routing.errors import ConfigError, Problem
from routing.expressions import BadExpression, checked
from routing.normal import normal
from routing.owed import GROUNDS, Owed
from routing.toml_lines import Locator, Refused, dotted, problems_from_pydantic, read_toml


def read_rules(text: str, file: str, channels: Collection[str]) -> "RulesFile":
    """Read a rule file as it is written. `channels` are the keys that the office has.

    Raises ConfigError with every problem of the file, each with its line and its cure.
    """
    data, locator = read_toml(text, file)
    whole = (_circles, _without_channel, _shared_names)
    problems = [problem for check in whole for problem in check(data, locator, file)]
    context = _Context(frozenset(_table(data.get("words"))), tuple(channels))
    try:
        read = RulesFile.model_validate(data, context=context)
    except ValidationError as error:
        found = problems_from_pydantic(error, locator, file, model=RulesFile)
        raise ConfigError([*problems, *found]) from error
    if problems:
        raise ConfigError(problems)
    return read


@dataclass(slots=True)
class _Context:
    """What single values are checked against; `ids` gathers the rule ids seen in this one reading."""

    groups: frozenset[str]
    channels: tuple[str, ...]
    ids: set[str] = field(default_factory=set)


def _known_word(value: str, info: ValidationInfo) -> str:
    groups = _context(info).groups
    if value.startswith("@") and value[1:] not in groups:
        raise Refused(f"没有叫「{value[1:]}」的词组", _closest(value, [f"@{name}" for name in groups]))
    if not value.startswith("@") and len(normal(value)) < 2:
        raise Refused("词太短，到处都会误中", "请写两个字以上")
    return value


def _known_channel(value: str, info: ValidationInfo) -> str:
    channels = _context(info).channels
    if value not in channels:
        raise Refused("没有这个渠道", _closest(value, channels))
    return value


def _new_id(value: str, info: ValidationInfo) -> str:
    ids = _context(info).ids
    if value in ids:
        raise Refused("这个规则编号用了两次", "请换一个没有用过的 id")
    ids.add(value)
    return value


def _expression(value: str) -> str:
    try:
        return checked(value)
    except BadExpression as error:
        cure = "语法为 RE2，反斜杠要写在单引号里，如 '停.{0,5}水' 或 '\\d+人'"
        raise Refused(f"正则表达式用不了：{error}", cure) from error


def hours_of(written: str) -> tuple[int, int]:
    """Read `22-6`: from 22 o'clock until before 6. Raises Refused where it is written otherwise."""
    found = re.fullmatch(r"(\d{1,2})-(\d{1,2})", written)
    start, end = (int(found[1]), int(found[2])) if found else (99, 99)
    if start > 23 or end > 24 or start == end:
        raise Refused("时段写法不对", '请写两个不同的整点，如 "22-6" 表示晚上十点到早上六点')
    return start, end


def _hours(value: str) -> str:
    hours_of(value)
    return value


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


NAMES_MOST, NAMES_NEAR = 8, 3
"""So many names are listed whole; of more only the nearest."""
_Filled = Annotated[str, Field(min_length=1)]
_Word = Annotated[str, AfterValidator(_known_word)]
_Words = Annotated[list[_Word], Field(min_length=1)]
_ChannelKey = Annotated[str, AfterValidator(_known_channel)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PlaceEntry(_Table):
    name: Annotated[str, Field(min_length=2)]
    aliases: list[Annotated[str, Field(min_length=2)]] = []
    elsewhere: bool = False
    town: Annotated[str, Field(min_length=2)] | None = None
    loose: list[str] = []
    kind: _Filled | None = None

    @field_validator("loose")
    @classmethod
    def _are_its_names(cls, value: list[str], info: ValidationInfo) -> list[str]:
        names = {info.data.get("name"), *info.data.get("aliases", ())}
        strange = [name for name in value if name not in names]
        if strange and "aliases" in info.data:
            raise Refused(f"「{strange[0]}」不是这个地点的名称", "loose 里只写它的 name 或 aliases 中的名称")
        return value


# `none`, `not_tags` and `near` alone ask for nothing.
_conditions = {
    "any_of", "all_of", "regex", "where", "kinds", "tags", "counts", "burst", "hours", "sentiment",
}  # fmt: skip


class CountsEntry(_Table):
    views: Annotated[int, Field(ge=1)] | None = None
    likes: Annotated[int, Field(ge=1)] | None = None
    reposts: Annotated[int, Field(ge=1)] | None = None
    comments: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _counts_something(self) -> Self:
        if not self.model_fields_set:
            raise Refused(
                "没有写数目", "请至少写 views、likes、reposts、comments 中的一项，如 { views = 10000 }"
            )
        return self


class ConditionsEntry(_Table):
    id: Annotated[str, Field(min_length=1), AfterValidator(_new_id)]
    name: _Filled
    any_of: _Words = Field(default=[], alias="any")
    all_of: Annotated[list[Annotated[_Words, BeforeValidator(_as_list)]], Field(min_length=1)] = Field(
        default=[], alias="all"
    )
    none_of: _Words = Field(default=[], alias="none")
    where: Literal["county", "place", "elsewhere"] | None = None
    kinds: Annotated[list[Literal["article", "post", "comment", "hotlist"]], Field(min_length=1)] = []
    tags: Annotated[list[_Filled], Field(min_length=1)] = []
    not_tags: Annotated[list[_Filled], Field(min_length=1)] = []
    near: Annotated[int, Field(ge=0, le=500)] | None = None
    regex: Annotated[list[Annotated[str, AfterValidator(_expression)]], Field(min_length=1)] = []
    counts: CountsEntry | None = None
    burst: bool | None = None
    hours: Annotated[str, AfterValidator(_hours)] | None = None
    sentiment: Literal["negative", "unclear", "not_negative"] | None = None

    @field_validator("near")
    @classmethod
    def _is_between_groups(cls, value: int | None, info: ValidationInfo) -> int | None:
        # Where a group itself is wrong, that is told and this is not.
        read = info.data.keys() >= {"any_of", "all_of"}
        if value is not None and read and bool(info.data["any_of"]) + len(info.data["all_of"]) < 2:
            raise Refused("near 要有两组以上的词才有意义", "请在 all 里写两组词，或 any 一组、all 一组")
        return value

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.model_fields_set & _conditions:
            raise Refused(
                "没有条件，会接住所有信息",
                "请至少写 any、all、regex、where、kinds、tags、counts、burst、hours、sentiment 中的一项",
            )
        return self


class IgnoreEntry(ConditionsEntry):
    belongs: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("channel", "copy", "level", "topic", "must_answer", "continue", "rule"),
        "[[ignore]] 只判不相关，归口、等级、主题等写在 [[rule]] 里",
    )
    may_join: bool = False


def _ground(value: object) -> object:
    cure = f"请写 true，或{'、'.join(GROUNDS)}中的一种"
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise Refused("不是 true、false，也不是一种缘由", cure)
    if value not in GROUNDS:
        raise Refused(f"没有“{value}”这种必须回应的缘由", cure)
    return GROUNDS[value]


class RuleEntry(ConditionsEntry):
    belongs: ClassVar[Mapping[str, str]] = {
        "may_join": "它属于 [[ignore]]：命中 [[rule]] 的本来就会并入已有事项，请删去"
    }
    channel: _ChannelKey | None = None
    copies: list[_ChannelKey] = Field(default=[], alias="copy")
    level: Annotated[int, Field(ge=1, le=4)] | None = None
    topic: _Filled | None = None
    must_answer: Annotated[bool | Owed, BeforeValidator(_ground)] = False
    goes_on: bool = Field(default=False, alias="continue")
    rule: list["RuleEntry"] = []


class RootEntry(_Table):
    channel: _ChannelKey
    any_of: _Words = Field(alias="any")


class RulesFile(_Table):
    county: Annotated[str, Field(min_length=2)]
    neighbours: list[Annotated[str, Field(min_length=2)]] = []
    place: list[PlaceEntry] = []
    words: dict[str, _Words] = {}
    ignore: list[IgnoreEntry] = []
    rule: Annotated[list[RuleEntry], Field(min_length=1)]
    root: RootEntry


def strange_tags(text: str, file: str, known: Collection[str]) -> Iterator[Problem]:
    """Name every tag in a rule file, as it is written, that is not among `known`: such a condition never holds, or always.

    No error, for a source with that tag may follow; for a file that `read_rules` has read.
    """
    data, locator = read_toml(text, file)
    for path, entry in _entries(data):
        for key in ("tags", "not_tags"):
            for index, tag in enumerate(entry.get(key, ())):
                if tag not in known:
                    near = _closest(tag, known)
                    effect = "永远不会命中" if key == "tags" else "这个条件不起作用"
                    yield Problem(
                        file,
                        locator.line((*path, key, index)),
                        dotted((*path, key)),
                        f'"{tag}"',
                        f"没有来源带这个标签，{effect}",
                        f"{near}{'' if near.endswith('？') else '；'}也可以在 sources.toml 里给来源写上这个标签",
                    )


def _entries(
    data: Mapping[str, Any], above: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    for key in ("ignore", "rule"):
        for index, entry in enumerate(_tables(data.get(key))):
            path = (*above, key, index)
            yield path, entry
            yield from _entries(entry, path)


# --- what no single value can tell: checked on the raw tables, so that these problems come with all others ------


def _circles(data: Mapping[str, Any], locator: Locator, file: str) -> Iterator[Problem]:
    groups = _table(data.get("words"))
    within = {
        name: {word[1:] for word in words if isinstance(word, str) and word.startswith("@")}
        for name, words in groups.items()
        if isinstance(words, list)
    }
    for name, inside in within.items():
        reached, ahead = set[str](), set(inside)
        while ahead:
            reached |= ahead
            ahead = {inner for group in ahead for inner in within.get(group, ())} - reached
        if name in reached:
            yield Problem(
                file,
                locator.line(("words", name)),
                f"words.{name}",
                "",
                "这个词组绕了一圈又引用了自己",
                f"请去掉其中通向 @{name} 的引用",
            )


def _without_channel(
    data: Mapping[str, Any],
    locator: Locator,
    file: str,
    above: tuple[str | int, ...] = (),
    given: bool = False,
) -> Iterator[Problem]:
    """Find rules that lead nowhere: no channel, none above, no rule inside, and the search ends with them."""
    for index, entry in enumerate(_tables(data.get("rule"))):
        path = (*above, "rule", index)
        has = given or "channel" in entry
        inside = _tables(entry.get("rule"))
        yield from _without_channel(entry, locator, file, path, has)
        if not has and not inside and entry.get("continue") is not True:
            yield Problem(
                file,
                locator.line(path),
                dotted(path),
                "",
                "这条规则没有渠道",
                "请补上 channel = …；只想标记主题或等级，请写 continue = true",
            )


def _shared_names(data: Mapping[str, Any], locator: Locator, file: str) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for index, entry in enumerate(_tables(data.get("place"))):
        aliases = entry.get("aliases")
        for name in (entry.get("name"), *(aliases if isinstance(aliases, list) else ())):
            if not isinstance(name, str):
                continue
            owner = owners.setdefault(normal(name), str(entry.get("name")))
            if owner != entry.get("name"):
                path = ("place", index)
                reason, cure = f"「{owner}」已经用了这个名称", "一个名称只能指一个地点，请去掉一处"
                yield Problem(file, locator.line(path), dotted(path), name, reason, cure)


def _context(info: ValidationInfo) -> _Context:
    assert isinstance(info.context, _Context)
    return info.context


def _closest(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"是不是 {close[0]}？"
    if len(names) > NAMES_MOST:
        near = difflib.get_close_matches(name, names, n=NAMES_NEAR, cutoff=0)
        return f"最接近的有：{'、'.join(near)}（共 {len(names)} 个）"
    return f"可以用的有：{'、'.join(names)}" if names else "请先写好它"


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _tables(value: object) -> list[dict[str, Any]]:
    # Not a list of tables: pydantic says so; an empty table keeps the numbering of the others.
    return [_table(entry) for entry in value] if isinstance(value, list) else []
