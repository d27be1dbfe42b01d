import re
import tomllib
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from routing.errors import ConfigError, Problem
from routing.toml_lines import Refused, problems_from_pydantic, read_toml, spelt

ODD_TOML = '''\ufeff# 说明
name = "县政府办"   # [[not.a.header]]
"中 文" = 1
note = """
[[source]]
url = "inside a text"
"""
list = [
  "a",
  { id = "x", deep = [1, 2] },   # , ] }
  'c',
]
a.b.c = true

[zone]
raw = 'C:\\path # no comment'

[[source]]
id = "one"
[source.map]
text = "t"

[[source]]
id = "two"
[[source.page]]
n = 1
[[source.page]]
n = 2
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("name",), 2),
        (("中 文",), 3),
        (("note",), 4),
        (("list",), 8),
        (("list", 1), 10),
        (("list", 1, "deep", 1), 10),
        (("list", 2), 11),
        (("a", "b", "c"), 13),
        (("zone", "raw"), 16),
        (("source",), 18),
        (("source", 0, "map", "text"), 21),
        (("source", 1), 23),
        (("source", 1, "id"), 24),
        (("source", 1, "page", 1, "n"), 28),
        (("source", 1, "url"), 23),
        (("source", 1, "page", 1, "m"), 27),
        (("nothing",), None),
    ],
)
def test_every_key_has_its_line_and_an_absent_key_that_of_its_parent(path: Any, line: int | None) -> None:
    _, locator = read_toml(ODD_TOML, "x.toml")
    assert locator.line(path) == line


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from paths(inner, (*path, key))


scalars = st.sampled_from(
    ["1", '"a # ] }"', "'\\'", '"""x\ny\\""""""', "'''\n'q'\n'''", "2026-11-21 08:30:00", "true"]
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda v: "[\n" + ", # ,\n".join(v) + "\n]")
        | st.lists(inner, max_size=3).map(
            lambda v: "{" + ", ".join(f"k{i}.'z' = {x}" for i, x in enumerate(v)) + "}"
        )
    ),
    max_leaves=6,
)


@given(st.lists(values, max_size=4), st.lists(values, max_size=3))
def test_the_scanner_finds_every_path_that_the_parser_finds(plain: list[str], tables: list[str]) -> None:
    text = "".join(f"p{i} = {v} # end\n" for i, v in enumerate(plain))
    text += "".join(f"[[t]]\nx = {v}\n[t.'u.v']\ny = {v}\n" for v in tables)
    data, locator = read_toml(text, "x.toml")
    assert data == tomllib.loads(text)
    rows = text.split("\n")
    for path in paths(data):
        line = locator.line(path)
        assert line is not None, path
        if len(path) == 1 and str(path[0]).startswith("p"):
            assert rows[line - 1].startswith(str(path[0]))


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("a = 1\nb = 停水\n", 2, "值的写法不对"),
        ("a = 1\na = 2\n", 2, "写了两次"),
        ('a = "x\n', 1, "不允许的字符"),
        ("a\n", 1, "等号"),
        ("[a\n", 1, "]"),
        ('a = 1\n名称 = "x"\n', 2, "开头写法"),
        ("a = [1,\n", 1, "值的写法不对"),
        ("a = 2026-02-30\n", 1, "不是日期"),
        ("a = 2026-05-32\n", 1, "不是日期"),
        ("a = 2026-5-6  # 五月六日\n", 1, "不是日期"),
    ],
)
def test_a_syntax_error_is_one_problem_with_its_line(text: str, line: int, word: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_toml(text, "x.toml")
    (problem,) = caught.value.problems
    assert (problem.line, problem.file) == (line, "x.toml")
    assert word in problem.reason


def test_absurd_nesting_and_numbers_are_problems_and_not_crashes() -> None:
    for text in ("a = " + "[" * 5000, "a = " + "9" * 5000):
        with pytest.raises(ConfigError):
            read_toml(text, "x.toml")


class Page(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["cursor", "page"]
    size: int = Field(1, ge=1, le=50)


class Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: str
    interval_s: float = Field(60, ge=1)
    silent_h: float | None = Field(None, gt=0, le=48)
    share: float = Field(0.5, gt=0, lt=1)
    code: Annotated[str, spelt("[A-Z]+", "代号写法不对", "请写大写字母")] = "A"
    tags: tuple[str, ...] = ()
    page: Page | None = None

    @field_validator("id")
    @classmethod
    def no_space(cls, value: str) -> str:
        if " " in value:
            raise Refused("编号不能有空格", "请去掉空格")
        return value


class Document(BaseModel):
    model_config = ConfigDict(extra="forbid")
    source: list[Entry]


def problems_of(text: str) -> dict[str, Problem]:
    data, locator = read_toml(text, "sources.toml")
    with pytest.raises(ValidationError) as caught:
        Document.model_validate(data)
    found = problems_from_pydantic(caught.value, locator, "sources.toml", model=Document)
    return {problem.where: problem for problem in found}


def test_all_faults_of_a_document_come_at_once_with_line_value_and_cure() -> None:
    found = problems_of(
        """
[[source]]
id = "a b"
intervall_s = 5

[[source]]
interval_s = 0
tags = "x"

[[source]]
id = 5
interval_s = "soon"
page = { kind = "cursr", size = 99, sizes = 1 }
"""
    )
    assert {where: problem.line for where, problem in found.items()} == {
        "source[第1个].id": 3,
        "source[第1个].intervall_s": 4,
        "source[第2个].id": 6,
        "source[第2个].interval_s": 7,
        "source[第2个].tags": 8,
        "source[第3个].id": 11,
        "source[第3个].interval_s": 12,
        "source[第3个].page.kind": 13,
        "source[第3个].page.size": 13,
        "source[第3个].page.sizes": 13,
    }
    assert (found["source[第1个].id"].reason, found["source[第1个].id"].cure) == (
        "编号不能有空格",
        "请去掉空格",
    )
    assert "interval_s" in found["source[第1个].intervall_s"].cure
    assert "缺少" in found["source[第2个].id"].reason
    assert found["source[第2个].interval_s"].value == "0"
    assert "不小于 1" in found["source[第2个].interval_s"].cure
    assert "列表" in found["source[第2个].tags"].cure
    assert "文字" in found["source[第3个].id"].cure
    assert "数字" in found["source[第3个].interval_s"].cure
    assert found["source[第3个].page.kind"].cure == "请从这些里选一个：cursor、page"
    assert "1 到 50 之间" in found["source[第3个].page.size"].cure
    assert "是不是 size" in found["source[第3个].page.sizes"].cure


def test_an_unknown_key_like_nothing_known_lists_the_known_ones() -> None:
    found = problems_of('[[source]]\nid = "a"\n"昵称" = 1\n')
    assert "id、interval_s、silent_h、share、code、tags、page" in found["source[第1个].昵称"].cure


def test_the_whole_range_is_told_with_its_unit() -> None:
    found = problems_of(
        '[[source]]\nid = "a"\ninterval_s = 0\nsilent_h = 49\nshare = 1\npage = { kind = "page", size = 0 }\n'
    )
    assert {where.partition(".")[2]: problem.cure for where, problem in found.items()} == {
        "interval_s": "请填不小于 1 的数，单位为秒",
        "silent_h": "请填大于 0、不大于 48 的数，单位为小时（48 小时就是 2 天）",
        "share": "请填大于 0、小于 1 的数",
        "page.size": "请填 1 到 50 之间的数",
    }


def test_a_pattern_is_told_in_its_words_and_holds_for_the_whole_text() -> None:
    for code in ("a", "AB\\n", "ABc"):
        (problem,) = problems_of(f'[[source]]\nid = "a"\ncode = "{code}"\n').values()
        assert (problem.line, problem.reason, problem.cure) == (3, "代号写法不对", "请写大写字母")


@pytest.mark.parametrize(
    ("text", "line", "reason", "cure"),
    [
        ('[source]\nid = "a"\n', 1, "写成了一层方括号", "请写成 [[source]]（两层方括号），每一项各写一个"),
        ('source = ["a"]\n', 1, "类型不对，写成了文字", "应为一张表（[名称] 或 { … }）"),
        ('[[source]]\nid = ["a"]\n', 2, "类型不对，写成了方括号列表", '应为文字（加引号），如 id = "…"'),
        ('[[source]]\nid = "a"\ntags = "b"\n', 3, "类型不对，写成了文字", '应为方括号列表，如 tags = ["…"]'),
        ('[[source]]\nid = "a"\ntags = [1]\n', 3, "类型不对，写成了数字", "应为文字（加引号）"),
        ('[[source]]\nid = "a"\ninterval_s = 2026-11-21\n', 3, "类型不对，写成了日期或时刻", "应为数字"),
        (
            '[[source]]\nid = "a"\n[[source.page]]\nkind = "page"\n',
            3, "写成了两层方括号", "请写成 [source.page]（一层方括号），只写一个",
        ),
    ],
)  # fmt: skip
def test_what_stands_there_and_what_should_is_told(text: str, line: int, reason: str, cure: str) -> None:
    (problem,) = problems_of(text).values()
    assert (problem.line, problem.reason, problem.cure) == (line, reason, cure)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "a = ",
            'a = "x',
            "a = 1 2",
            "[a",
            "a = tru",
            "a = 1\na = 2",
            "[x]\n[x]",
            'a = "\\q"',
            "= 1",
            "a = [1, 2",
        ),
        *(
            "a = '''x",
            'a = """x',
            'a = "\\ud800"',
            "中文 = 1",
            "a = [1 2]",
            'a = "\x01"',
            "[[a]]\n[a]",
            "[a]]",
        ),
    ],
)
def test_no_mistake_of_writing_is_told_in_the_words_of_the_parser(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_toml(text, "rules.toml")
    [problem] = refused.value.problems
    assert not re.search(
        "[A-Za-z]{4,}", f"{problem.reason}{problem.cure}".replace("false", "").replace("true", "")
    )
