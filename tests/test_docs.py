"""What the pages say against what the code is: commands, options, paths, links, dependencies, settings, both languages."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer

from bot.cli.helping import helped
from bot.cli.main import app
from bot.handlers.commands import OFFERS
from bot.settings import PREFIX, Settings
from routing.reasons import is_telling
from routing.store.tables import Base

ROOT = Path(__file__).parent.parent
ENGLISH, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
PAGES = [
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    ENGLISH,
    CHINESE,
    *sorted(ROOT.glob("docs/**/*.md")),
]
DECISIONS = sorted((ROOT / "docs/decisions").glob("*.md"))
FOLDERS = {".ci", "bot", "docs", "monitors", "routing", "tests"}
MADE_BY_INIT = {"office.toml", "sources.toml", "rules.toml", "roster.toml", "calendar/2026.toml"}

_fence = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_code = re.compile(r"`([^`\n]+)`")
_link = re.compile(r"\]\(([^)\s]+)\)")
_call = re.compile(r"(?:^|/bin/)yuqing ([^|;，。（）,()]+)")


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def _prose(page: Path) -> str:
    return _fence.sub("", _read(page))


def _leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    if command.invoke_without_command and path:
        yield path, command
    for name, child in inner.items():
        yield from _leaves(child, (*path, name))


COMMANDS: dict[tuple[str, ...], Any] = dict(_leaves(typer.main.get_command(app)))
GROUPS = {path[:depth] for path in COMMANDS for depth in range(len(path))}


def _calls(text: str) -> list[tuple[str, ...]]:
    """Give every call of the command in the code of a page, as words behind `yuqing`, options included."""
    blocks = [body for kind, body in _fence.findall(text) if kind in {"sh", "ini"}]
    code = [*_code.findall(_fence.sub("", text)), *(line for block in blocks for line in block.splitlines())]
    return [
        tuple(re.sub(r"[\[\]]", " ", found[1]).split())
        for line in code
        for found in _call.finditer(line.replace("\\|", "/"))
    ]


def _command_of(words: tuple[str, ...]) -> tuple[str, ...] | None:
    return next((words[:n] for n in (2, 1) if words[:n] in COMMANDS or words[:n] in GROUPS), None)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_command_and_option_that_a_page_names_exists(page: Path) -> None:
    wrong = []
    for words in _calls(_read(page)):
        path = _command_of(words)
        known = {o for p in COMMANDS[path].params for o in p.opts} | {"--help"} if path in COMMANDS else set()
        unknown = [w for w in words if w.startswith("--") and path in COMMANDS and w not in known]
        if path is None or unknown:
            wrong.append(" ".join(("yuqing", *words)))
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_reason_that_a_page_shows_is_taken(page: Path) -> None:
    shown = re.findall(r'--reason "?([^\s"<]+)', _read(page))  # <文字> stands for one
    assert [reason for reason in shown if not is_telling(reason) and reason not in {"TEXT", "REASON"}] == []


@pytest.mark.parametrize("page", [ENGLISH, CHINESE], ids=_name)
def test_every_command_has_its_row_in_the_table_of_commands(page: Path) -> None:
    rows = re.findall(r"^\| `yuqing ([^`]+)` \|", _read(page), re.MULTILINE)
    assert {_command_of(tuple(row.split())) for row in rows} == set(COMMANDS)


@pytest.mark.parametrize("page", [ENGLISH, CHINESE], ids=_name)
def test_the_table_of_commands_names_values_as_the_help_does(page: Path) -> None:
    wrong = []
    for row in re.findall(r"^\| `yuqing ([^`]+)` \|", _read(page), re.MULTILINE):
        path = _command_of(tuple(row.split()))
        assert path is not None
        valued, named = _help_of(path)
        options = re.findall(r"(--[\w-]+)(?: (<[^>]+>))?", row)
        rest = re.sub(r"\[?--[\w-]+(?: <[^>]+>)?\]?", "", row).split()[len(path) :]
        if rest != named or any(valued.get(option, "") != value for option, value in options):
            wrong.append((row, named))
    assert wrong == []


def _help_of(path: tuple[str, ...]) -> tuple[dict[str, str], list[str]]:
    """Give the options with a value, and the arguments, both as `--help` writes them."""
    command = helped(COMMANDS[path])
    text = command.get_help(command.context_class(command, terminal_width=200, max_content_width=200))
    usage = text.partition("\n")[0].partition("[选项]")[2].removesuffix("命令 [参数]...")
    return dict(re.findall(r"^  (--[\w-]+) (<[^>]+>)", text, re.MULTILINE)), usage.split()


@pytest.mark.parametrize("page", [ENGLISH, CHINESE], ids=_name)
def test_every_command_of_the_chat_is_named_and_no_other(page: Path) -> None:
    named = set(re.findall(r"`/([a-z]+)(?: \d+)?`", _prose(page)))
    assert named == {*OFFERS, "join", "newbot"}  # joining is everybody's; /newbot is BotFather's


def test_every_make_target_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", _read(ROOT / "Makefile"), re.MULTILINE))
    for page in PAGES:
        text = _read(page)
        code = [*_code.findall(text), *(body for _, body in _fence.findall(text))]
        named = {name for part in code for name in re.findall(r"(?:^|\s)make ([a-z]+)\b", part)}
        assert named <= targets, _name(page)
    assert {"demo", "test"} <= targets


def test_both_languages_have_the_same_headings_code_and_links() -> None:
    english, chinese = _read(ENGLISH), _read(CHINESE)
    assert _levels(english) == _levels(chinese)
    assert len(_levels(english)) > 5
    assert _fence.findall(english) == _fence.findall(chinese)
    to_each_other = {"README.md", "README.zh-CN.md"}
    assert set(_link.findall(english)) - to_each_other == set(_link.findall(chinese)) - to_each_other
    assert _paths(ENGLISH) == _paths(CHINESE)
    assert sum(map(len, _table_rows(english))) == sum(map(len, _table_rows(chinese)))


def _levels(text: str) -> list[int]:
    return [len(marks) for marks in re.findall(r"^(#+) ", _fence.sub("", text), re.MULTILINE)]


def _table_rows(text: str) -> list[list[str]]:
    return [line.split("|") for line in text.splitlines() if line.startswith("|")]


def _paths(page: Path) -> set[str]:
    """Give what a page names as a path of the repository: in code spans, by a known folder or a known file."""
    spans = {word for span in _code.findall(_prose(page)) for word in span.split()}
    return {
        word.rstrip("/")
        for word in spans
        if "<" not in word
        and "*" not in word
        and (
            word.partition("/")[0] in FOLDERS
            if "/" in word
            else re.fullmatch(r"[\w.-]+\.(md|lock|toml)", word)
        )
    }


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    missing = {path for path in _paths(page) if path not in MADE_BY_INIT and not (ROOT / path).exists()}
    assert missing == set()


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_link_inside_the_repository_leads_somewhere_pictures_too(page: Path) -> None:
    targets = [link for link in _link.findall(_prose(page)) if "://" not in link and not link.startswith("#")]
    missing = {link for link in targets if not (page.parent / link.partition("#")[0]).exists()}
    assert missing == set()


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_no_page_names_a_place_on_somebodys_machine(page: Path) -> None:
    text = _read(page)
    assert str(ROOT) not in text
    assert re.findall(r"(?:/home|/Users|/root|/tmp)/\S*|[A-Z]:\\\S*", text) == []


def test_every_dependency_is_explained_and_nothing_else_is() -> None:
    project = tomllib.loads(_read(ROOT / "pyproject.toml"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    wanted = {re.split(r"[\[<>=~! ]", line)[0] for group in groups for line in group}
    rows = re.findall(r"^\| `([\w-]+)`.*\|$", _read(ROOT / "docs/dependencies.md"), re.MULTILINE)
    assert sorted(rows) == sorted(wanted)


def test_every_dependency_is_named_with_the_version_of_the_lock_file() -> None:
    locked = dict(re.findall(r"^([\w-]+)==([\w.]+)", _read(ROOT / "requirements-dev.lock"), re.MULTILINE))
    rows = re.findall(r"^\| `([\w-]+)` ([\d.]*\d)", _read(ROOT / "docs/dependencies.md"), re.MULTILINE)
    assert len(rows) > 20
    wrong = [
        (name, said, locked[name]) for name, said in rows if not f"{locked[name]}.".startswith(f"{said}.")
    ]
    assert wrong == []


def test_every_setting_is_explained_with_its_default() -> None:
    rows = re.findall(
        r"^\| `(YUQING_\w+)` \| (?:`([^`]*)`)? *\|", _read(ROOT / "docs/operating.md"), re.MULTILINE
    )
    defaults = {f.name: getattr(Settings(), f.name) for f in fields(Settings)}
    assert dict(rows) == {
        PREFIX + name.upper(): str(value) if value else "" for name, value in defaults.items()
    }


def test_every_table_is_explained() -> None:
    section = _read(ROOT / "docs/architecture.md").partition("## Table of tables")[2]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == set(Base.metadata.tables)


def test_decisions_are_numbered_without_a_gap_and_have_the_same_parts() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    for page in DECISIONS:
        text = _read(page)
        assert text.startswith(f"# {page.name[:4]} "), page.name
        parts = (
            "**Question.**",
            "**Choice.**",
            "**Price.**",
            "**What would change our mind.**",
            "Kept by `tests/",
        )
        assert [part for part in parts if part not in text] == [], page.name


def test_the_migration_of_the_contributors_page_is_written_and_finds_nothing_to_change(
    tmp_path: Path,
) -> None:
    snippet = next(body for kind, body in _fence.findall(_read(ROOT / "CONTRIBUTING.md")) if kind == "python")
    # On a copy: the snippet writes into the package that it imports.
    shutil.copytree(ROOT / "routing", tmp_path / "routing", ignore=shutil.ignore_patterns("__pycache__"))
    versions = tmp_path / "routing/store/migrations/versions"
    before = set(versions.glob("*.py"))
    ran = subprocess.run(
        [sys.executable, "-c", snippet],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    (written,) = set(versions.glob("*.py")) - before
    text = written.read_text(encoding="utf-8")
    lines = [line.strip() for line in text.partition("def upgrade() -> None:")[2].splitlines()]
    assert [line for line in lines if line and not line.startswith("#")] == ["pass"]
