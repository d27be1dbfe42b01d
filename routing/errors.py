"""The tree of errors, cut by what the catcher does with them.

Messages that a person will read are Chinese and say what is wrong and what to do; nothing here knows a chat.
"""

import errno
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class YuqingError(Exception):
    """Root of every error that the project raises on purpose."""


class UserError(YuqingError):
    """Say the message to the person who acted; nothing was changed."""


class NewerSchema(UserError):
    """A newer version has changed the database: no later try of this one can open it."""


class Conflict(UserError):
    """The person acted on something that has moved on: say so and show the new state."""


class Transient(YuqingError):
    """Try again later; `retry_after_s` is the other side's wish, None where it had none."""

    def __init__(
        self, message: str, *, retry_after_s: float | None = None, outcome_unknown: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.outcome_unknown = outcome_unknown


class StoreDown(Transient):
    """The database cannot be reached or cannot write (away, locked, disk full): nothing was done, wait and come again."""


class Permanent(YuqingError):
    """Trying again cannot help."""


_SYSTEM_WORDS: Mapping[int, str] = {
    errno.ENOENT: "没有这个文件或文件夹",
    errno.EACCES: "没有权限",
    errno.EPERM: "没有权限",
    errno.EISDIR: "是文件夹，不是文件",
    errno.ENOTDIR: "是文件，不是文件夹",
    errno.EROFS: "所在的磁盘只能读",
    errno.ENOSPC: "磁盘满了",
    errno.EDQUOT: "超出了磁盘配额",
    errno.EIO: "磁盘读写出错",
    errno.ENAMETOOLONG: "名称太长",
    errno.EADDRINUSE: "已被占用",
    errno.EADDRNOTAVAIL: "不是本机的地址",
}


def system_words(error: OSError) -> str:
    """Say in Chinese what the operating system refused; its own words where it is nothing that people often meet."""
    return _SYSTEM_WORDS.get(error.errno or 0) or error.strerror or type(error).__name__


SYNTAX = "语法"
"""Stands for the place where a line is not written as its kind of file asks."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a configuration file: where it stands, what stands there, and the cure (Chinese)."""

    file: str
    line: int | None
    where: str
    value: str
    reason: str
    cure: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        shown = f" = {self.value}" if self.value else ""
        if self.value and self.where == SYNTAX:
            shown = f"“{self.value}”"  # the whole line, and no value of a key
        return f"{place}  {self.where}{shown}：{self.reason}。{self.cure}"


class ConfigError(YuqingError):
    """Refuse to start (or keep the running version): all problems at once, in file order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.file, p.line or 0, p.where)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Refused(ValueError):
    """Raise it in a pydantic validator: the reason and the cure reach the operator as they are (Chinese)."""

    def __init__(self, reason: str, cure: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.cure = cure
