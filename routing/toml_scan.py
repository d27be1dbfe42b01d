"""Where every key of a TOML text stands: a scanner of text that tomllib has already found valid. Reads no files."""

import re
import tomllib

Path = tuple[str | int, ...]
"""The way to a key, list indices included."""


class Scan:
    """Walk valid TOML once; `lines` maps each key path, list indices included, to its first line."""

    _bare_key = re.compile(r"[A-Za-z0-9_-]+")
    _space = re.compile(r"[ \t]*")
    _filler = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
    _scalar = re.compile(r"[^,\]}#\n]+")
    _string = re.compile(
        r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}' r"|'''(?:[^']|'(?!''))*'{3,5}" r'|"(?:[^"\\]|\\.)*"' r"|'[^']*'",
        re.DOTALL,
    )

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._counts: dict[Path, int] = {}
        self.lines: dict[Path, int] = {}
        self._document()

    def _document(self) -> None:
        table: Path = ()
        self._take(self._filler)
        while self._at < len(self._text):
            if self._text.startswith("[[", self._at):
                table = self._header(2)
                self._counts[table] = self._counts.get(table, 0) + 1
                self._note(table)
                table = (*table, self._counts[table] - 1)
                self._note(table)
            elif self._text.startswith("[", self._at):
                table = self._header(1)
                self._note(table)
            else:
                self._pair(table)
            self._take(self._filler)

    def _header(self, brackets: int) -> Path:
        self._at += brackets
        path: Path = ()
        for part in self._key():
            path = (*self._inside(path), part)
        self._at += brackets
        return path if brackets == 2 else self._inside(path)

    def _inside(self, path: Path) -> Path:
        # `[a.b]` below `[[a]]` means the entry of `a` that was opened last.
        return (*path, self._counts[path] - 1) if path in self._counts else path

    def _pair(self, table: Path) -> None:
        path, start = table, self._line
        for part in self._key():
            path = (*path, part)
            self.lines.setdefault(path, start)
        self._at += 1  # the sign =
        self._take(self._space)
        self._value(path)

    def _value(self, path: Path) -> None:
        mark = self._text[self._at]
        if mark == "[":
            self._list(path)
        elif mark == "{":
            self._inline_table(path)
        elif mark in "\"'":
            self._take(self._string)
        else:
            self._take(self._scalar)

    def _list(self, path: Path) -> None:
        self._at += 1
        index = 0
        self._take(self._filler)
        while self._text[self._at] != "]":
            self._note((*path, index))
            self._value((*path, index))
            index += 1
            self._take(self._filler)
            self._skip(",")
        self._at += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        self._take(self._filler)
        while self._text[self._at] != "}":
            self._pair(path)
            self._take(self._filler)
            self._skip(",")
        self._at += 1

    def _skip(self, mark: str) -> None:
        if self._text[self._at] == mark:
            self._at += 1
            self._take(self._filler)

    def _key(self) -> list[str]:
        parts = []
        while True:
            self._take(self._space)
            if self._text[self._at] in "\"'":
                parts.append(str(tomllib.loads(f"key = {self._take(self._string)}")["key"]))
            else:
                parts.append(self._take(self._bare_key))
            self._take(self._space)
            if self._text[self._at] != ".":
                return parts
            self._at += 1

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        taken = found[0] if found else ""
        self._at += len(taken)
        self._line += taken.count("\n")
        return taken

    def _note(self, path: Path) -> None:
        self.lines.setdefault(path, self._line)
