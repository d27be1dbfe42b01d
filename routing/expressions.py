"""Regular expressions of the operator, matched in time linear in the text: none can hold up the desk. Pure.

They are matched against the normal form of a text, and are brought into it themselves: who writes 「（\\d+）人」 means
the brackets that people type.
"""

import re
from collections.abc import Sequence

import re2

from routing.normal import normal

_longest = 200
_shown = 20
_faults = (
    (r"missing \)", "左括号没有配对"),
    (r"unexpected \)", "右括号没有配对"),
    (r"missing \]", "方括号没有收尾"),
    (r"invalid perl operator", "不支持前后查找等写法"),
    (r"no argument for repetition operator", "重复符号前面没有内容"),
    (r"bad repetition operator", "重复符号不能连写"),
    (r"invalid repetition size", "重复次数太大，最多 1000"),
    (r"invalid character class range", "方括号里的范围前后颠倒"),
    (r"invalid escape sequence", "不支持这个反斜杠写法，也不支持回引"),
    (r"trailing \\", "末尾多了反斜杠"),
    (r"pattern too large", "表达式展开后太大"),
)
_signs = re.compile(r"\\?.", re.DOTALL)  # a sign with the backslash before it
_options = re2.Options()
_options.log_errors = False  # the library would print the fault on standard error as well
_options.case_sensitive = False  # texts are folded, what stands in an expression is not: \\D is not \\d


def fault_of(error: re2.error) -> str:
    """Say in Chinese why an expression cannot be compiled, and at which place."""
    raw = error.args[0] if error.args else ""
    said = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
    why = next((words for start, words in _faults if re.match(start, said)), said)
    place = said.partition(": ")[2]
    return f"不能编译：{why}" + (f"，在 {place} 处" if place else "")


class BadExpression(ValueError):
    """The expression cannot be used; says why, in Chinese."""


def checked(pattern: str) -> str:
    """Give the expression back as it is. Raises BadExpression where it cannot be used."""
    if len(pattern) > _longest:
        raise BadExpression(f"表达式太长，最多 {_longest} 个字")
    if _compiled(pattern).search(""):
        raise BadExpression("什么都没有也能匹配，会接住所有信息")
    return pattern


class Expressions:
    """Several expressions, compiled once; safe to share between threads. Raises BadExpression."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._compiled = tuple(map(_compiled, patterns))
        self._any = _any_of(patterns) if len(patterns) > 1 else None

    def find(self, plain: str) -> str | None:
        """Give what the first of them that matches found in the normal form of a text, cut to a few letters."""
        text = plain.encode()
        if self._any is not None and self._any.search(text) is None:
            return None
        for compiled in self._compiled:
            match = compiled.search(text)
            if match is not None:
                found: str = match.group().decode("utf-8")
                return found if len(found) <= _shown else f"{found[:_shown]}…"
        return None


def _compiled(pattern: str) -> re2._Regexp:
    try:
        return re2.compile(_in_normal_form(pattern).encode(), options=_options)
    except UnicodeEncodeError as error:
        raise BadExpression("里面有半个字") from error
    except re2.error as error:
        raise BadExpression(fault_of(error)) from error


def _any_of(patterns: Sequence[str]) -> re2._Regexp | None:
    """Give one expression that finds where any does: most texts match none. None where together they are too large."""
    try:
        return _compiled("|".join(f"(?:{pattern})" for pattern in patterns))
    except BadExpression:
        return None


def _in_normal_form(pattern: str) -> str:
    """Bring what is not ASCII into normal form sign by sign; what thereby becomes an operator is escaped."""
    return _signs.sub(
        lambda found: found[0] if found[0].isascii() else re2.escape(normal(found[0][-1])), pattern
    )
