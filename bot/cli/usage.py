"""What typer says of a wrong call -> the operator's language. Pure; words it does not know pass through."""

import re
from collections.abc import Callable, Mapping

import typer

UsageError: type[Exception] = typer.BadParameter.__bases__[0]
"""The root of "called in a wrong way"; typer keeps it under no public name."""

_BOUNDS = {
    "greater than or equal to": "不能小于",
    "less than or equal to": "不能大于",
    "greater than": "须大于",
    "less than": "须小于",
}


def _value(match: Mapping[str, str]) -> str:
    bound = re.search(rf"({'|'.join(_BOUNDS)}) (\S+)", match["why"])
    if bound:
        return f"{match['name']} {_BOUNDS[bound[1]]} {bound[2]}。"
    if "valid integer" in match["why"]:
        return f"{match['name']} 应为整数。"
    if "valid number" in match["why"]:
        return f"{match['name']} 应为数字。"
    return f"{match['name']} 的值不对：{match['why']}"


_SENTENCES: tuple[tuple[re.Pattern[str], Callable[[Mapping[str, str]], str]], ...] = (
    (
        re.compile(r"No such command '(?P<name>.*?)'\.(?: Did you mean '(?P<near>.*?)'\?)?.*"),
        lambda m: f"没有命令 {m['name']}" + (f"，是不是 {m['near']}？" if m["near"] else "。"),
    ),
    (
        re.compile(
            r"No such option: (?P<name>\S+?)\.?(?: Did you mean (?P<near>[^?]+)\?| \(Possible options: (?P<list>.*)\))?"
        ),
        lambda m: f"没有选项 {m['name']}" + _nearest(m),
    ),
    (
        re.compile(r"Missing (?:argument|option|parameter) '(?P<name>.*?)'\.?.*"),
        lambda m: f"缺少 {m['name'].removesuffix('...')}。",
    ),
    (re.compile(r"Missing command\.?"), lambda m: "缺少命令。"),
    (re.compile(r"Option '(?P<name>.*?)' requires an argument\.?"), lambda m: f"{m['name']} 后面要写值。"),
    (re.compile(r"Option '(?P<name>.*?)' does not take a value\.?"), lambda m: f"{m['name']} 后面不写值。"),
    (
        re.compile(r"Got unexpected extra arguments?(?:\(s\))? \((?P<name>.*)\)"),
        lambda m: f"多写了 {m['name']}。",
    ),
    (re.compile(r"Invalid value for '(?P<name>.*?)': (?P<why>.*)", re.DOTALL), _value),
)


def _nearest(match: Mapping[str, str]) -> str:
    near = match["near"] or match["list"]
    return f"，是不是 {near.replace(', ', '、')}？" if near else "。"


def told(error: Exception) -> str:
    """Say what was wrong with a call, and where its help is. A call without a command is answered by the help alone."""
    said = str(error.format_message()) if hasattr(error, "format_message") else str(error)
    if type(error).__name__ == "NoArgsIsHelpError":
        return said
    for pattern, sentence in _SENTENCES:
        match = pattern.fullmatch(said)
        if match is not None:
            said = sentence(match.groupdict())
            break
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "yuqing"
    return f"{said}\n用法见 {command} --help。"
