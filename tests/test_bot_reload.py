"""An edit of the configuration while the service runs: good rules are taken, bad ones change nothing and are told."""

import os
from importlib.resources import files
from pathlib import Path

import pytest

from bot.config import load_folder
from bot.reload import FILES, Watcher


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in FILES[:4]:
        (tmp_path / name).write_text(
            files("bot.templates").joinpath(name).read_text(encoding="utf-8"), encoding="utf-8"
        )
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    """Replace words in a file, with a time that differs even on a coarse file system."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns + 1_000_000_000))


def test_nothing_is_reported_while_nothing_changes(folder: Path) -> None:
    watcher = Watcher(folder, load_folder(folder))
    assert watcher.look() is None
    assert watcher.look() is None


def test_edited_rules_are_taken_once(folder: Path) -> None:
    running = load_folder(folder)
    watcher = Watcher(folder, running)
    edit(folder / "rules.toml", "示例河大桥", "示例河三桥")
    found = watcher.look()
    assert found is not None
    assert found.rules is not None
    assert found.rules.version != running.rules.version
    assert "示例河三桥" in found.rules.place_names()
    assert watcher.look() is None


def test_a_bad_edit_keeps_the_running_rules_and_names_file_and_line(folder: Path) -> None:
    watcher = Watcher(folder, load_folder(folder))
    edit(folder / "rules.toml", 'county = "示例县"', "county = 示例县")
    found = watcher.look()
    assert found is not None
    assert found.rules is None
    assert "沿用原配置" in found.text
    assert "rules.toml:" in found.text
    assert watcher.look() is None


def test_the_repaired_file_is_taken_after_a_bad_edit(folder: Path) -> None:
    watcher = Watcher(folder, load_folder(folder))
    edit(folder / "rules.toml", 'county = "示例县"', "county = 示例县")
    watcher.look()
    edit(folder / "rules.toml", "county = 示例县", 'county = "新县"')
    found = watcher.look()
    assert found is not None
    assert found.rules is not None


def test_a_missing_file_is_a_bad_edit_too(folder: Path) -> None:
    watcher = Watcher(folder, load_folder(folder))
    (folder / "sources.toml").unlink()
    found = watcher.look()
    assert found is not None
    assert found.rules is None
    assert "sources.toml" in found.text


def test_an_edit_of_the_office_says_that_it_waits_for_a_restart(folder: Path) -> None:
    watcher = Watcher(folder, load_folder(folder))
    edit(folder / "office.toml", 'code = "ZFB"', 'code = "XZB"')
    found = watcher.look()
    assert found is not None
    assert found.rules is None
    assert "重启" in found.text


def test_rules_for_an_edited_office_wait_with_it(folder: Path) -> None:
    watcher = Watcher(folder, load_folder(folder))
    edit(folder / "office.toml", 'code = "ZFB"', 'code = "XZB"')
    edit(folder / "rules.toml", "示例河大桥", "示例河三桥")
    found = watcher.look()
    assert found is not None
    assert found.rules is None
    assert "重启" in found.text


def test_a_day_that_is_added_to_the_calendar_waits_for_a_restart(folder: Path) -> None:
    watcher = Watcher(folder, load_folder(folder))
    (folder / "calendar").mkdir()
    (folder / "calendar" / "2026.toml").write_text(
        '[[day_off]]\ndate = 2026-04-17\nreason = "放假"\n', encoding="utf-8"
    )
    found = watcher.look()
    assert found is not None
    assert found.rules is None
    assert "calendar" in found.text
    assert "重启" in found.text
    assert watcher.look() is None


def test_an_edited_roster_is_taken_at_once_and_a_bad_one_keeps_the_running_one(folder: Path) -> None:
    watcher = Watcher(folder, load_folder(folder))
    roster = folder / "roster.toml"
    roster.write_text('[[duty]]\ndate = 2026-11-21\nshift = "全天"\nstaff = ["周敏"]\n', encoding="utf-8")
    found = watcher.look()
    assert found is not None
    assert found.roster is not None
    assert (found.rules, len(found.roster), found.text) == (None, 1, "值班表已读取，共 1 班")
    edit(roster, "全天", "半天")
    bad = watcher.look()
    assert bad is not None
    assert bad.roster is None
    assert "沿用原配置" in bad.text
    edit(roster, "半天", "全天")
    assert watcher.look() is None
