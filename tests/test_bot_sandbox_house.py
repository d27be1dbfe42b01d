"""The sandbox is the other side of the wire: it shares no code with the service, and its page needs no network."""

import ast
import re
from pathlib import Path

import bot.sandbox

_HOME = Path(bot.sandbox.__file__).parent


def test_the_sandbox_imports_neither_the_project_nor_telegram() -> None:
    files = sorted(_HOME.glob("*.py"))
    assert len(files) > 10
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or "."] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                ours = name.split(".")[0] in ("bot", "monitors", "routing", "telegram")
                assert not ours or name.startswith("bot.sandbox"), f"{path.name} imports {name}"


def test_the_page_loads_nothing_from_elsewhere() -> None:
    pages = sorted((_HOME / "page").iterdir())
    assert {path.name for path in pages} == {"index.html", "page.css", "page.js", "draw.js"}
    for path in pages:
        assert (
            re.findall(r"(?:src|href|url|import|from)\W{1,3}(?:https?:)?//", path.read_text(encoding="utf-8"))
            == []
        )
