"""TOML text with the line of every key, so that a configuration problem says where it stands.

tomllib parses and validates; a small scanner walks the same, already valid, text again and notes the line of
each key path. Translates pydantic's errors into problems in the operator's language. Reads no files.
"""

import difflib
import re
import tomllib
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, time
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ValidationError
from pydantic.fields import FieldInfo

from routing.errors import SYNTAX, ConfigError, Problem
from routing.errors import Refused as Refused  # noqa: PLC0414 - who writes validators knows it from here
from routing.toml_scan import Path as Path  # noqa: PLC0414 - who places problems knows it from here
from routing.toml_scan import Scan

type_names: Mapping[str, str] = {
    "string": "文字（加引号）",
    "int": "整数",
    "float": "数字",
    "bool": "true 或 false",
    "list": "方括号列表",
    "tuple": "方括号列表",
    "set": "方括号列表",
    "frozen_set": "方括号列表",
    "dict": "一张表（[名称] 或 { … }）",
    "model": "一张表（[名称] 或 { … }）",
    "date": "日期（如 2026-11-21）",
    "time": "时刻（如 08:30）",
    "datetime": "日期时间（如 2026-11-21T08:30:00+08:00）",
    "time_delta": "时长（秒）",
    "url": "网址",
}


def spelt(pattern: str, reason: str, cure: str) -> AfterValidator:
    """Give the check of a text that must match the whole pattern, told in words: operators do not read patterns."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise Refused(reason, cure)
        return value

    return AfterValidator(check)


class Locator:
    """Know the line, from 1, of every key path of one TOML text."""

    def __init__(self, lines: Mapping[Path, int]) -> None:
        self._lines = dict(lines)

    def line(self, path: Sequence[str | int]) -> int | None:
        """Give the line of the key; of its nearest known parent where it is absent; else None."""
        for length in range(len(path), 0, -1):
            found = self._lines.get(tuple(path[:length]))
            if found is not None:
                return found
        return None


def read_toml(text: str, file: str) -> tuple[dict[str, Any], Locator]:
    """Parse the text. Raises ConfigError with one problem, line included, where it is not TOML."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError([_syntax_problem(str(error), text, file)]) from error
    return data, Locator(Scan(text).lines)


def problems_from_pydantic(
    error: ValidationError,
    locator: Locator,
    file: str,
    *,
    model: type[BaseModel] | None = None,
    prefix: Sequence[str | int] = (),
) -> list[Problem]:
    """Translate every error of one validation.

    `model` is what was validated; with it an unknown key gets the closest known name as a suggestion.
    `prefix` is the path in the file of what was validated, when it was not the whole document.
    """
    problems = []
    errors = error.errors(include_url=False)
    inside = {tuple(found["loc"])[:-1] for found in errors}
    for found in errors:
        loc: Path = tuple(found["loc"])
        if found["type"] == "too_short" and loc in inside:
            continue  # there are enough, but some are wrong: those are told
        path = (*prefix, *loc)
        reason, cure = _explain(found, loc, model)
        problems.append(
            Problem(
                file=file,
                line=locator.line(path),
                where=dotted(path),
                value="" if found["type"] in {"missing", "extra_forbidden"} else _shown(found.get("input")),
                reason=reason,
                cure=cure,
            )
        )
    return problems


def dotted(path: Sequence[str | int]) -> str:
    """Write a key path for people, entries counted from 1: `source[第3个].url`."""
    written = ""
    for part in path:
        written += f"[第{part + 1}个]" if isinstance(part, int) else f".{part}"
    return written.removeprefix(".") or "整个文件"


# --- what went wrong, in words ---


_bounds: Mapping[str, tuple[str, str]] = {
    "greater_than": ("gt", "大于"),
    "greater_than_equal": ("ge", "不小于"),
    "less_than": ("lt", "小于"),
    "less_than_equal": ("le", "不大于"),
}
_units: Mapping[str, tuple[str, float]] = {"_s": ("秒", 1), "_h": ("小时", 3600), "_d": ("天", 86400)}
"""By the ending of a key: the unit, and its length in seconds."""


def _range(kind: str, ctx: Mapping[str, Any], key: str, field: FieldInfo | None) -> tuple[str, str]:
    """Tell the whole allowed range, not only the end that was passed: else the next guess may pass the other."""
    ends = {name: end for name, _ in _bounds.values() if (end := _end(field, name)) is not None}
    ends = ends or {_bounds[kind][0]: next(iter(ctx.values()), "")}
    if set(ends) == {"ge", "le"}:
        words = f"请填 {_plain(ends['ge'])} 到 {_plain(ends['le'])} 之间的数"
    else:
        signs = [f"{sign} {_plain(ends[name])}" for name, sign in _bounds.values() if name in ends]
        words = f"请填{'、'.join(signs)} 的数"
    return "超出允许范围", words + _unit(key, ends.get("le"))


def _unit(key: str, most: Any) -> str:
    if key[-2:] not in _units:
        return ""
    unit, seconds = _units[key[-2:]]
    long = _long(most * seconds) if most is not None and unit != "天" else ""
    return f"，单位为{unit}" + (f"（{_plain(most)} {unit}就是 {long}）" if long else "")


def _end(field: FieldInfo | None, name: str) -> Any:
    return (
        next((getattr(part, name) for part in field.metadata if hasattr(part, name)), None) if field else None
    )


def _plain(number: Any) -> str:
    return f"{number:.15g}" if isinstance(number, float) else str(number)


def _long(seconds: float) -> str:
    for unit, length in (("天", 86400), ("小时", 3600)):
        if seconds >= length and not seconds % length:
            return f"{seconds / length:g} {unit}"
    return ""


def _allowed(ctx: Mapping[str, Any]) -> tuple[str, str]:
    words = re.findall(r"'([^']*)'", str(ctx.get("expected", "")))
    return "不是允许的值", "请从这些里选一个：" + "、".join(words or [str(ctx.get("expected", ""))])


_explanations: Mapping[str, Callable[[Mapping[str, Any]], tuple[str, str]]] = {
    "literal_error": _allowed,
    "enum": _allowed,
    "too_short": lambda ctx: ("项数太少", f"至少写 {ctx.get('min_length')} 项"),
    "too_long": lambda ctx: ("项数太多", f"最多写 {ctx.get('max_length')} 项"),
    "string_too_short": lambda ctx: ("文字太短", f"至少 {ctx.get('min_length')} 个字"),
    "string_too_long": lambda ctx: ("文字太长", f"最多 {ctx.get('max_length')} 个字"),
    "string_pattern_mismatch": lambda ctx: ("写法不对", f"须符合 {ctx.get('pattern')}"),
    "int_from_float": lambda _: ("应为整数", "请去掉小数"),
    "finite_number": lambda _: ("不是有限的数", "请填一个普通数字"),
    "timezone_naive": lambda _: ("缺少时区", "请写成 2026-11-21T08:30:00+08:00 的样子"),
}


def _explain(found: Mapping[str, Any], loc: Path, model: type[BaseModel] | None) -> tuple[str, str]:
    kind, ctx = str(found["type"]), found.get("ctx") or {}
    if kind == "missing":
        return "缺少这一项", f"请补上 {loc[-1]} = …"
    if kind == "extra_forbidden":
        return "不认识的键", _belongs(model, loc) or _suggest(str(loc[-1]), _known_names(model, loc[:-1]))
    if kind in {"value_error", "assertion_error"}:
        cause = ctx.get("error")
        if isinstance(cause, Refused):
            return cause.reason, cause.cure
        return str(cause or found["msg"]), "请改正后再试"
    if kind in _bounds:
        return _range(kind, ctx, str(loc[-1]) if loc else "", _field(model, loc))
    if kind in {"literal_error", "enum"} and isinstance(found.get("input"), list | dict):
        reason, _ = _mistyped("string", "", found["input"], loc, model)
        return reason, _allowed(ctx)[1]
    if kind in _explanations:
        return _explanations[kind](ctx)
    for name, words in type_names.items():
        if kind.startswith(f"{name}_") or kind == f"is_instance_of_{name}":
            return _mistyped(name, words, found.get("input"), loc, model)
    return f"值不对（{found['msg']}）", "请对照示例配置改正"


_lists = {"list", "tuple", "set", "frozen_set"}
_tables = {"dict", "model"}


def _mistyped(
    wanted: str, words: str, given: object, loc: Path, model: type[BaseModel] | None
) -> tuple[str, str]:
    """Say what stands there and how it is written. The value itself is not quoted: it may hold a secret."""
    key = str(loc[-1]) if loc and isinstance(loc[-1], str) else ""
    name = ".".join(part for part in loc if isinstance(part, str))
    if wanted in _lists and _holds_tables(model, loc):
        reason = "写成了一层方括号" if isinstance(given, dict) else f"类型不对，写成了{_given(given)}"
        return reason, f"请写成 [[{name}]]（两层方括号），每一项各写一个"
    if wanted in _tables and isinstance(given, list) and given and isinstance(given[0], dict):
        return "写成了两层方括号", f"请写成 [{name}]（一层方括号），只写一个"
    written = _given(given)
    reason = f"类型不对，写成了{written}" if written else "类型或写法不对"
    example = {"string": f'{key} = "…"'} | dict.fromkeys(_lists, f'{key} = ["…"]')
    return reason, f"应为{words}" + (f"，如 {example[wanted]}" if key and wanted in example else "")


def _given(value: object) -> str:
    names: tuple[tuple[type, str], ...] = (
        (list, "方括号列表"),
        (dict, "一张表"),
        (str, "文字"),
        (bool, "true 或 false"),
        (int, "数字"),
        (float, "数字"),
        (date, "日期或时刻"),
        (time, "日期或时刻"),
    )
    return next((words for kind, words in names if isinstance(value, kind)), "")


def _suggest(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"是不是 {close[0]}？否则请删去"
    return f"请删去，或改用已有的键：{'、'.join(known)}" if known else "请删去，或检查拼写"


def _belongs(model: type[BaseModel] | None, loc: Path) -> str:
    """Say where a key belongs that stands in the wrong table, if its model knows (`belongs`); else nothing."""
    told = (getattr(option, "belongs", {}).get(loc[-1]) for option in _models(_at(model, loc[:-1])))
    return next((cure for cure in told if cure), "")


def _known_names(model: type[BaseModel] | None, loc: Path) -> list[str]:
    """Give the keys that the model at `loc` knows; none where the way there cannot be followed."""
    return [
        field.alias or name
        for option in _models(_at(model, loc))
        for name, field in option.model_fields.items()
    ]


def _field(model: type[BaseModel] | None, loc: Path) -> FieldInfo | None:
    """Give the field of the model at `loc`; None where the way there cannot be followed."""
    found = (
        field
        for option in _models(_at(model, loc[:-1]))
        for name, field in option.model_fields.items()
        if loc[-1:] in {(name,), (field.alias,)}
    )
    return next(found, None)


def _holds_tables(model: type[BaseModel] | None, loc: Path) -> bool:
    return any(_models(inner) for inner in _step(_at(model, loc), 0))


def _at(model: type[BaseModel] | None, loc: Path) -> Any:
    current: Any = model
    for part in loc:
        current = next(_step(current, part), None)
    return current


def _models(annotation: Any) -> list[type[BaseModel]]:
    return [option for option in _options(annotation) if _is_model(option)]


def _step(annotation: Any, part: str | int) -> Iterator[Any]:
    for option in _options(annotation):
        if _is_model(option):
            for name, field in option.model_fields.items():
                if part in {name, field.alias}:
                    yield field.annotation
        elif arguments := [a for a in get_args(option) if a is not Ellipsis]:
            yield arguments[
                -1
            ]  # list[X], tuple[X, ...], dict[str, X]: the last argument is what stands inside


def _options(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin in {Union, types.UnionType}:
        for option in get_args(annotation):
            yield from _options(option)
    elif hasattr(annotation, "__metadata__"):
        yield from _options(get_args(annotation)[0])
    elif annotation is not None and origin is not Literal:
        yield annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _shown(value: object) -> str:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        value = f'"{value}"'
    elif not isinstance(value, int | float):
        return "" if value is None or isinstance(value, dict | list) else _clip(str(value))
    return _clip(str(value))


def _clip(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"


_no_date = ("不是日期", "写成 2026-05-06 的样子，月、日各两位，并核对有没有这一天")
_date_like = re.compile(r"=\s*\d{4}-\d{1,2}-\d{1,2}\s*(?:#|$)")
_syntax_words: tuple[tuple[str, str, str], ...] = (
    ("Cannot overwrite a value", "同一个键写了两次", "请只留一处"),
    ("Cannot declare", "同一张表写了两次", "请只留一处，或改用 [[名称]]"),
    ("Cannot mutate", "同一张表写了两次", "请只留一处"),
    ("Duplicate inline table key", "同一个键写了两次", "请只留一处"),
    ("Expected '=' after a key", "键后面缺少等号", "请写成 键 = 值；中文键名要加引号"),
    (
        "Invalid initial character for a key part",
        "键名写法不对",
        "键名只能用字母、数字、_ 和 -；中文键名要加引号",
    ),
    ("Unterminated", "引号或方括号没有收尾", "请补上结尾的引号或括号"),
    ("Unclosed", "方括号或花括号没有收尾", "请补上结尾的括号"),
    ("Illegal character", "含有不允许的字符", "请检查是否漏了引号，或混入了全角符号、换行"),
    ("Invalid statement", "这一行的开头写法不对", "键名只能用字母、数字、_ 和 -；中文键名要加引号"),
    ("Invalid value", "值的写法不对", "文字要加英文引号；真假写 true / false"),
    ("Invalid date", *_no_date),
    ("Expected newline", "一行里写了多余的内容", "每行只写一个 键 = 值，注释以 # 开头"),
    ("Expected ']'", "表名缺少 ]", "请补上 ]"),
    ("Invalid hex value", "转义写法不对", r"反斜杠请写成 \\，或改用单引号"),
    ("Escaped character", "转义写法不对", r"请写字本身，或改用单引号"),
    ("Expected \"'''\"", "三个单引号没有收尾", "请在文字后面补上三个单引号"),
    ("Unescaped '\\'", "反斜杠写法不对", r"反斜杠请写成 \\，或改用单引号"),
)


def _syntax_problem(message: str, text: str, file: str) -> Problem:
    place = re.search(r"\(at line (\d+), column \d+\)", message)
    line = int(place[1]) if place else max(1, text.count("\n") + (not text.endswith("\n")))
    reason, cure = next(
        ((reason, cure) for start, reason, cure in _syntax_words if message.startswith(start)),
        ("这一行不合 TOML 的写法", "请检查这一行的引号、括号和等号"),
    )
    rows = text.split("\n")
    row = rows[line - 1].strip() if line <= len(rows) else ""
    if _date_like.search(row):
        reason, cure = _no_date
    return Problem(file, line, SYNTAX, _clip(row), reason, cure)
