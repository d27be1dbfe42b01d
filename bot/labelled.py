"""Files to try the desk on: texts one a line (JSON), perhaps with what people said of each; a gazetteer; pairs.

Checked as a whole: every problem with its line, its value and its cure. Reads no configuration and decides nothing.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from routing.errors import Problem, UserError
from routing.measures import Label
from routing.toml_lines import Locator, Refused, problems_from_pydantic

MOST_SHOWN = 20
_years = (1990, 2199)
_instant = "2026-11-21T08:30:00+08:00"
OWN_KIND, NEIGHBOUR_KIND = "本县", "邻县"

SourceKind = Literal["feed", "comments", "board", "official", "hotlist"]
M = TypeVar("M", bound=BaseModel)
_Count = Annotated[int, Field(ge=0)] | None


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True)


class SourceMark(_Table):
    """Where a text stood. `tags` None: those that follow from the kind and the name."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,52}$")
    kind: SourceKind
    name: str = ""
    tags: tuple[str, ...] | None = None


class CountMarks(_Table):
    """What the platform showed beside the text."""

    views: _Count = None
    likes: _Count = None
    reposts: _Count = None
    comments: _Count = None


class LabelMark(_Table):
    """What people said of the text."""

    relevant: bool
    matter: str | None = None
    lead: str | None = None
    level: Annotated[int, Field(ge=1, le=4)] | None = None
    must_answer: bool = False

    def value(self) -> Label:
        """Give it as the measures take it."""
        return Label(self.relevant, self.matter, self.lead, self.level, self.must_answer)


class Line(_Table):
    """One text of the file; further keys are passed over."""

    id: str = Field(min_length=1)
    source: SourceMark
    published_at: datetime
    title: str
    text: str
    url: str = ""
    parent: str | None = None
    counts: CountMarks = CountMarks()
    label: LabelMark | None = None
    planted: tuple[str, ...] = ()

    @field_validator("published_at", mode="before")
    @classmethod
    def _is_an_instant_of_our_time(cls, written: object) -> datetime:
        try:
            at = datetime.fromisoformat(written) if isinstance(written, str) else None
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            raise Refused("读不出这个时间" if at is None else "缺少时区", f"请写成 {_instant} 的样子")
        if not _years[0] <= at.year <= _years[1]:
            raise Refused("年份不合情理", f"应在 {_years[0]} 年到 {_years[1]} 年之间")
        return at

    @model_validator(mode="after")
    def _says_something(self) -> "Line":
        if not (self.title.strip() or self.text.strip()):
            raise Refused("title 和 text 都是空的", "请至少写一项，或删去这一行")
        return self


class PlaceMark(_Table):
    """One place of a gazetteer; of kind 本县 it is the county itself, of kind 邻县 a neighbour."""

    name: str = Field(min_length=2)
    kind: str
    town: str | None = None
    aliases: tuple[Annotated[str, Field(min_length=2)], ...] = ()
    elsewhere: bool = False


def read_lines(text: str, file: str) -> list[Line]:
    """Read the texts, in order of time. Raises UserError with what is wrong, line by line."""
    problems: list[Problem] = []
    lines: list[Line] = []
    seen: dict[str, int] = {}
    labelled: dict[bool, int] = {}
    for number, raw in enumerate(text.splitlines(), 1):
        if not raw.strip():
            continue
        line = _line(raw, number, file, problems)
        if line is None:
            continue
        if line.id in seen:
            reason, cure = f"与第 {seen[line.id]} 行的编号相同", "每行用一个没有用过的 id"
            problems.append(Problem(file, number, "id", f'"{line.id}"', reason, cure))
        seen.setdefault(line.id, number)
        labelled.setdefault(line.label is not None, number)
        lines.append(line)
    if len(labelled) == 2 and not problems:
        reason = f"这一行没有标注，而第 {labelled[True]} 行有"
        problems.append(Problem(file, labelled[False], "label", "", reason, "请每行都写 label，或都不写"))
    if not lines and not problems:
        raise UserError(f"{file} 里没有一行内容，什么都没有做。请每行写一条信息（JSON）。")
    _refuse(problems, file)
    return sorted(lines, key=lambda line: (line.published_at, line.parent is not None))


def read_gazetteer(text: str, file: str) -> list[PlaceMark]:
    """Read a gazetteer. Raises UserError with what is wrong."""
    places: list[PlaceMark] = _whole(text, file, list[PlaceMark])
    counties = [place.name for place in places if place.kind == OWN_KIND]
    if len(counties) != 1:
        said = f"有 {len(counties)} 个（{'、'.join(counties)}）" if counties else "一个也没有"
        raise UserError(f"{file}：kind 为“{OWN_KIND}”的地点应有且只有一个，现在{said}。请改正后再试。")
    return places


def read_pairs(text: str, file: str) -> list[tuple[str, str]]:
    """Read pairs of matters that must not meet. Raises UserError with what is wrong."""
    pairs: list[tuple[str, str]] = _whole(text, file, list[tuple[str, str]])
    return pairs


def _line(raw: str, number: int, file: str, problems: list[Problem]) -> Line | None:
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        shown = raw.strip()
        shown = shown if len(shown) <= 40 else f"{shown[:39]}…"
        cure = "一行写一条完整的 JSON；检查引号、逗号和括号"
        problems.append(Problem(file, number, "整行", shown, "不是 JSON", cure))
        return None
    if not isinstance(data, dict):
        problems.append(Problem(file, number, "整行", raw.strip()[:40], "不是一条记录", "请写成 {…}"))
        return None
    try:
        return Line.model_validate(data)
    except ValidationError as error:
        problems += _told(error, data, number, file, Line)
        return None


def _told(
    error: ValidationError, data: Mapping[str, Any], number: int, file: str, model: type[BaseModel]
) -> Iterator[Problem]:
    locator = Locator({(key,): number for key in {*data, *model.model_fields}})
    for problem in problems_from_pydantic(error, locator, file, model=model):
        cure = problem.cure
        if problem.reason == "缺少这一项":
            cure = f'请补上 "{problem.where.rpartition(".")[2]}": …'
        yield replace(problem, line=number, cure=cure)


def _whole(text: str, file: str, shape: Any) -> Any:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file} 不是 JSON（{error}）。请检查引号、逗号和括号。") from error
    try:
        return TypeAdapter(shape).validate_python(data)
    except ValidationError as error:
        problems = problems_from_pydantic(error, Locator({}), file)
        _refuse(problems, file)
        raise AssertionError("unreachable") from error


def _refuse(problems: Sequence[Problem], file: str) -> None:
    if not problems:
        return
    shown = [f"  {problem}" for problem in problems[:MOST_SHOWN]]
    if len(problems) > MOST_SHOWN:
        shown.append(f"  ……另有 {len(problems) - MOST_SHOWN} 处")
    head = f"{file} 有 {len(problems)} 处问题，什么都没有做："
    raise UserError("\n".join([head, *shown]))
