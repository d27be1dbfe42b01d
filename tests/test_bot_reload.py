"""An edit of the configuration folder is seen once it stands still, read whole, and offered until it is done with."""

import os
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.config import load_folder
from bot.reload import FILES, Edit, Watcher, refusal, removed, waiting


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


def settled(watcher: Watcher) -> Edit:
    """Look until the files stood still, and have done with the edit."""
    assert watcher.look() is None
    found = watcher.look()
    assert found is not None
    watcher.settle(found)
    assert watcher.look() is None
    return found


def test_nothing_is_reported_while_nothing_changes(folder: Path) -> None:
    watcher = Watcher(folder)
    assert [watcher.look() for _ in range(3)] == [None] * 3


def test_edited_files_are_read_whole_and_offered_until_they_are_done_with(folder: Path) -> None:
    watcher = Watcher(folder)
    edit(folder / "rules.toml", "示例河大桥", "示例河三桥")
    edit(folder / "office.toml", 'unit = "县信访局"', 'unit = "县信访中心"')
    assert watcher.look() is None
    first, again = watcher.look(), watcher.look()
    assert first is not None
    assert again is not None
    assert first.key == again.key
    assert first.configuration is not None
    assert first.configuration.office.channels["petition"].unit == "县信访中心"
    assert "示例河三桥" in first.configuration.rules.place_names()
    watcher.settle(again)
    assert watcher.look() is None


def test_an_editor_that_writes_in_steps_makes_one_edit(folder: Path) -> None:
    watcher = Watcher(folder)
    sources = folder / "sources.toml"
    whole = sources.read_text(encoding="utf-8")
    for length in (0, 40, len(whole) - 10):  # each of them would be a fault
        sources.write_text(whole[:length], encoding="utf-8")
        assert watcher.look() is None
    sources.write_text(whole + "\n# 结束\n", encoding="utf-8")
    found = settled(watcher)
    assert found.problems == ()


def test_a_bad_edit_names_file_and_line_and_the_repaired_file_is_read_again(folder: Path) -> None:
    watcher = Watcher(folder)
    edit(folder / "rules.toml", 'county = "示例县"', "county = 示例县")
    bad = settled(watcher)
    assert bad.configuration is None
    assert "沿用原配置" in refusal(bad.problems)
    assert "rules.toml:" in refusal(bad.problems)
    edit(folder / "rules.toml", "county = 示例县", 'county = "新县"')
    found = settled(watcher)
    assert found.configuration is not None
    assert found.key != bad.key


def test_processes_that_read_one_folder_name_an_edit_alike(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    watchers = [Watcher(folder), Watcher(Path(folder.name))]
    edit(folder / "rules.toml", "示例河大桥", "示例河三桥")
    assert len({settled(watcher).key for watcher in watchers}) == 1


@pytest.mark.parametrize("name", ["sources.toml", "calendar/2026.toml", "roster.toml"])
def test_a_file_that_goes_or_comes_is_an_edit_too(folder: Path, name: str) -> None:
    watcher = Watcher(folder)
    path = folder / name
    if path.exists():
        path.unlink()
        assert (settled(watcher).configuration is None) == (name == "sources.toml")
        return
    path.parent.mkdir()
    path.write_text('[[day_off]]\ndate = 2026-04-17\nreason = "放假"\n', encoding="utf-8")
    found = settled(watcher).configuration
    assert found is not None
    assert found.office.overrides == {"2026-04-17": False}


def test_code_and_zone_wait_for_a_restart_and_nothing_else_does(folder: Path) -> None:
    running = load_folder(folder)
    office = running.office
    assert waiting(folder, running, replace(running, office=replace(office, name="某办", night=None))) == []
    other = replace(running, office=replace(office, code="XZB", zone=ZoneInfo("Asia/Urumqi")))
    code, zone = waiting(folder, running, other)
    assert (code.file, code.line, code.where, code.value) == (str(folder / "office.toml"), 3, "code", "XZB")
    assert (zone.where, zone.value) == ("time_zone", "Asia/Urumqi")
    assert "请改回 ZFB" in refusal([code])


def test_a_channel_that_has_matters_is_named_with_them(folder: Path) -> None:
    [one] = removed(folder, {"petition": [f"YQ-{n}" for n in range(12)]})
    assert "channels.petition" in str(one)
    assert "YQ-7 等 12 件" in str(one)
