"""`yuqing models`: what is in use, training from decisions, the way back; a damaged file is told by `check` as well."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from test_bot_cli import Terminal, empty, founded, yuqing

from bot.cli import models as command
from bot.scoring import ModelWatcher
from routing import office_opinions
from routing.ngrams import Model, Row
from routing.ngrams_fit import fit
from routing.starter.opinions import ANSWER, LEAD, PUBLIC, SUBJECT, starter_model
from routing.teaching import Said

__all__ = ["empty", "founded", "yuqing"]


@pytest.fixture
def taught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let people have decided enough of leads, and fit in a moment."""

    def fitted(name: str, rows: Sequence[Row]) -> Model:
        base = [Row(f"起步{label}", label) for label in starter_model(name).classes]
        return fit([*base, *rows], name=name, least=1, about={"more": len(rows)})

    leads = [Said(n, f"第{n}次渡船停了", "publicity" if n % 2 else "network") for n in range(1, 61)]
    monkeypatch.setattr(office_opinions, "_fitted_apart", fitted)
    said = {PUBLIC: [], LEAD: leads, SUBJECT: [], ANSWER: []}
    monkeypatch.setattr(command, "said_of_matters", lambda session: said)


def rows(terminal: Terminal) -> dict[str, dict[str, object]]:
    return {str(row["name"]): row for row in terminal("models", "show", "--json").json["models"]}


def test_a_new_office_judges_by_the_starter_and_has_nothing_to_learn(founded: Terminal) -> None:
    shown = founded("models", "show")
    assert shown.code == 0
    assert shown.out.count("起步样本") == 5
    trained = founded("models", "train")
    assert trained.code == 1
    assert trained.out.count("可比的研判太少") == 4
    assert not (founded.folder / "models").exists()
    refused = founded("models", "back", "lead")
    assert (refused.code, refused.out) == (1, "")
    assert "没有可换回的" in refused.err


def test_training_is_told_with_its_figures_and_taken_back_by_one_command(
    founded: Terminal, taught: None
) -> None:
    trained = founded("models", "train")
    assert (trained.code, trained.err) == (0, "")
    assert "牵头渠道（lead）：学了 48 段，保留作测试 12 段。" in trained.out
    assert "yuqing models back lead" in trained.out
    assert (rows(founded)["lead"]["from"], rows(founded)["lead"]["learnt"]) == ("本单位", 48)
    assert rows(founded)["public"]["from"] == "起步样本"
    back = founded("models", "back", "lead")
    assert back.code == 0
    assert starter_model(LEAD).version in back.out
    assert rows(founded)["lead"]["from"] == "起步样本"


def test_a_model_that_nobody_knows_is_refused(yuqing: Terminal) -> None:
    for arguments in (("train", "mood"), ("back", "sentiment")):
        answer = yuqing("models", *arguments)
        assert (answer.code, answer.out) == (2, "")
        assert "public、lead、subject" in answer.err


def test_damaged_files_are_told_by_show_and_by_check(yuqing: Terminal) -> None:
    (yuqing.folder / "models").mkdir()
    for name in ("lead", "sentiment"):
        (yuqing.folder / "models" / f"{name}.model").write_bytes(b"nonsense")
    shown = yuqing("models", "show")
    assert shown.code == 1
    checked = yuqing("check")
    for answer in (shown.err, checked.err):
        assert "lead.model" in answer
        assert "yuqing models back" in answer
        assert "sentiment.model" in answer
        assert "yuqing sentiment back" in answer
    assert checked.code == 0


def test_a_model_that_is_trained_while_the_service_runs_is_noticed_once(tmp_path: Path) -> None:
    watcher = ModelWatcher(tmp_path)
    assert watcher.look() is None
    model = fit([Row(f"起步{n}", n) for n in starter_model(LEAD).classes], name=LEAD, least=1)
    office_opinions._files(tmp_path, LEAD).put(model, keep=False)
    taught = watcher.look()
    assert taught is not None
    assert taught.text == f"研判模型已更新，版本 {taught.opinions.version}"
    assert model.version[:6] in taught.opinions.version
    assert watcher.look() is None
    (tmp_path / "lead.model").write_bytes(b"nonsense")
    broken = watcher.look()
    assert broken is not None
    assert "由起步模型代替" in broken.text
    assert "yuqing models back" in broken.text
