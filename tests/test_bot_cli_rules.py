"""rules replay as an operator meets it: figures, faults of the draft, and a database that stays as it is."""

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest
from builders import harvest, item
from test_bot_cli import Terminal, empty, founded, yuqing

from bot.config import load_folder
from routing.clock import utc_now
from routing.intake import accept
from routing.items import SourceState
from routing.judging import Judge
from routing.ledger import Ledger
from routing.store.engine import Store
from routing.store.migrate import migrate

__all__ = ["empty", "founded", "yuqing"]  # fixtures

WATER = "示例县城关镇停水三天没人管，老人孩子没法做饭"
IGNORE = '\n[[ignore]]\nid = "quiet"\nname = "先不管"\nany = ["停水"]\n'


@pytest.fixture
def stocked(yuqing: Terminal) -> Terminal:
    """A desk that took in two texts an hour ago."""
    configuration = load_folder(Path("config"))
    now = utc_now() - timedelta(hours=1)
    store = Store("sqlite:///yuqing.db")
    migrate(store)
    judge = Judge(configuration.rules)
    for texts in ((), (WATER, "今天天气真好")):
        items = [item(text, source_id="forum", external_id=text) for text in texts]
        taken = harvest(
            *items, source="forum", at=now, tags=(), state=SourceState("forum", baseline_done=True)
        )
        store.run(lambda s, taken=taken: accept(s, configuration.office, judge, Ledger(), taken, now))
    store.close()
    return yuqing


def draft(terminal: Terminal, more: str) -> str:
    """Write the configured rules with more in front."""
    text = Path("config/rules.toml").read_text(encoding="utf-8")
    (terminal.folder / "draft.toml").write_text(
        text.replace("\n[[ignore]]", f"{more}\n[[ignore]]", 1), "utf-8"
    )
    return "draft.toml"


def test_the_configured_rules_are_tried_where_no_draft_is_named(stocked: Terminal) -> None:
    answer = stocked("rules", "replay", "--days", "7")
    assert answer.code == 0, answer.err
    assert "2 条信息" in answer.out
    assert "相关：当时 1，现在 1（新算相关 0，不再相关 0）" in answer.out
    assert "提醒的算法" in answer.out
    assert "研判质量：提醒准确 暂无数据" in answer.out


def test_a_draft_is_held_against_what_was_decided(stocked: Terminal) -> None:
    answer = stocked("rules", "replay", "--days", "7", "--rules", draft(stocked, IGNORE))
    assert "相关：当时 1，现在 0（新算相关 0，不再相关 1）" in answer.out
    assert "不再相关" in answer.out
    assert WATER[:20] in answer.out
    assert "先不管" in answer.out


def test_machines_get_all_of_it(stocked: Terminal) -> None:
    words = ("rules", "replay", "--days", "1", "--rules", draft(stocked, IGNORE), "--examples", "1", "--json")
    found = stocked(*words).json
    assert found["changes"] == {"new": 0, "gone": 1, "channel": 0, "level": 0}
    assert [(one["change"], one["now"]) for one in found["examples"]] == [("gone", ["none", None])]
    assert {hit["id"]: hit["now"] for hit in found["hits"]}["quiet"] == 1
    assert found["lessons"]["precision"] is None


def test_a_replay_leaves_the_database_as_it_is(stocked: Terminal) -> None:
    def state() -> dict[str, str]:
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in stocked.folder.iterdir()
            if path.is_file() and not path.name.endswith(("-shm", "-wal"))
        }

    before = state()
    assert stocked("rules", "replay", "--days", "7").code == 0
    assert state() == before


def test_a_bad_draft_is_told_with_all_its_lines(stocked: Terminal) -> None:
    bad = draft(stocked, IGNORE.replace("any", "ayn") + "\n[[rule]]\nid = 3\n")
    answer = stocked("rules", "replay", "--days", "7", "--rules", bad)
    assert (answer.code, answer.out) == (2, "")
    assert "draft.toml:" in answer.err
    assert "ayn" in answer.err
    assert len(answer.err.splitlines()) > 3


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ((), 2, "--days"),
        (("--days", "0"), 2, "--days"),
        (("--days", "7", "--rules", "nope.toml"), 1, "没有文件 nope.toml"),
        (("--days", "7"), 1, "没有 SQLite"),
    ],
    ids=["days are missing", "no day", "no such draft", "no database"],
)
def test_what_cannot_be_tried_is_one_clear_line(
    yuqing: Terminal, words: tuple[str, ...], code: int, told: str
) -> None:
    answer = yuqing("rules", "replay", *words)
    assert (answer.code, answer.out) == (code, "")
    assert told in answer.err
    assert not (yuqing.folder / "yuqing.db").exists()


def test_a_history_without_a_text_is_told(founded: Terminal) -> None:
    answer = founded("rules", "replay", "--days", "7")
    assert answer.code == 1
    assert "没有最近 7 天的信息" in answer.err
