"""The help of a command in the operator's language: headings, kinds of values, defaults. Words it does not know pass through.

Typer builds its help with the formatter class of a context, and the context with the context class of a command: both
are meant to be replaced, so nothing of typer is changed here.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import typer
from rich.cells import cell_len

from bot.cli.common import folded

_HEADINGS: Mapping[str, str] = {"Arguments": "参数", "Options": "选项", "Commands": "命令"}
_USAGE: Mapping[str, str] = {"[OPTIONS]": "[选项]", "COMMAND [ARGS]...": "命令 [参数]..."}
_KINDS: Mapping[str, str] = {
    "str": "文字",
    "path": "路径",
    "int": "整数",
    "int range": "整数",
    "float range": "数字",
    "list[str]": "文字",
    "list[Path]": "路径",
}
_OWN_HELP = {"Show this message and exit.": "显示这份说明"}
FIRST_COLUMN = 30
"""A name wider than this stands on a line of its own, in columns of the terminal."""

_kind = re.compile(r" ?<([a-z]+(?: range|\[\w+\])?)>")
_more = re.compile(r"  \[((?:default|required|x|[0-9.]+<).*)\]$")
_between = re.compile(r"([0-9.]+)<=x<=([0-9.]+)")


class Help(typer.Context.formatter_class):  # type: ignore[misc,valid-type]  # typer keeps the class under no public name
    """Typer's help, said in Chinese and set by columns: a Chinese letter takes two."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the line of the call."""
        for word, ours in _USAGE.items():
            args = args.replace(word, ours)
        super().write_usage(prog, re.sub(r"\{(.+?)\}", r"<\1>", args), "用法：")

    def write_heading(self, heading: str) -> None:
        """Write what the lines below it are."""
        self.write(f"{_HEADINGS.get(heading, heading)}：\n")

    def write_text(self, text: str) -> None:
        """Write what a command is for."""
        margin = " " * self.current_indent
        for paragraph in text.split("\n"):
            for line in folded(paragraph, self.width - self.current_indent):
                self.write(f"{margin}{line}".rstrip() + "\n")

    def write_dl(self, rows: Sequence[tuple[str, str]], *_: Any, **__: Any) -> None:
        """Write names and what they mean, side by side."""
        said = [(_named(name), _meant(meaning)) for name, meaning in rows]
        first = min(max(cell_len(name) for name, _ in said), FIRST_COLUMN)
        margin = " " * self.current_indent
        for name, meaning in said:
            lead = f"{margin}{name}"
            if cell_len(name) > first:
                self.write(f"{lead}\n")
                lead = margin
            column = self.current_indent + first + 2
            for line in folded(meaning, max(self.width - column, 20)):
                self.write(f"{lead}{' ' * (column - cell_len(lead))}{line}".rstrip() + "\n")
                lead = ""


def _named(name: str) -> str:
    """Say the kind of value that an option takes; the name of an argument says it already."""
    if not name.startswith("-"):
        return _kind.sub("", name)
    return _kind.sub(lambda match: f" <{_KINDS.get(match[1], match[1])}>", name)


def _meant(meaning: str) -> str:
    more = _more.search(meaning)
    if more is None:
        return _OWN_HELP.get(meaning, meaning)
    said = more[1].replace("default: ", "默认 ").replace("required", "必填").replace("; ", "；")
    said = _between.sub(r"\1 至 \2", said).replace("x>=", "不小于 ")
    return f"{meaning[: more.start()]}（{said}）"


class _Context(typer.Context):
    formatter_class = Help


def helped(command: Any) -> Any:
    """Give a command, and all below it, this help. `command` is what `typer.main.get_command` gives."""
    command.context_class = _Context
    for one in getattr(command, "commands", {}).values():
        helped(one)
    return command
