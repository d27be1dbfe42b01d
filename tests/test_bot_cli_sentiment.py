"""`yuqing sentiment`: scores with their reasons, figures on labelled files, training and the way back."""

import json
from pathlib import Path

import pytest
from builders import START
from sqlalchemy.orm import Session
from test_bot_cli import Terminal, empty

from bot.cli.sentiment import verdict_rows
from bot.scoring import models_folder
from bot.settings import Settings, load_settings, read_environment
from monitors.office_model import IN_USE
from routing.items import Band, Kind
from routing.office import Level
from routing.store.engine import Store
from routing.store.migrate import migrate
from routing.store.tables import CaseRow, ItemRow, Outcome, PersonRow, VerdictKind, VerdictRow
from routing.workflow import State

__all__ = ["empty"]

LABELLED = """\
title,text,label
,小区停水三天没人管,0
路灯坏了,报修半个月还是不亮,0
,物业乱收费还骂人,0
,请问老年卡怎么办理,1
,路灯修好了谢谢师傅,1
公园开放,周末可以去散步,1
"""


@pytest.fixture
def labelled(empty: Terminal) -> Path:
    file = empty.folder / "labelled.csv"
    file.write_text(LABELLED, encoding="utf-8")
    return file


# --- score ---


def test_score_says_on_what_it_rests(empty: Terminal) -> None:
    answer = empty("sentiment", "score", "--text", "物业乱收费没人管，投诉多次还是推诿")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("消极　物业乱收费")  # a band and its words, no digits
    assert "（依据：" in answer.out
    (row,) = empty("sentiment", "score", "--text", "物业乱收费没人管，投诉多次还是推诿", "--json").json
    assert row["evidence"]
    assert row["scorer"].startswith("ngram ")
    assert row["confidence"] > 0.6


def test_score_by_snownlp_on_demand(empty: Terminal) -> None:
    (row,) = empty("sentiment", "score", "--text", "停水三天没人管", "--scorer", "snownlp", "--json").json
    assert row["scorer"].startswith("snownlp 0.12.3")
    wrong = empty("sentiment", "score", "--text", "停水三天", "--scorer", "bert")
    assert (wrong.code, wrong.out) == (2, "")
    assert "bert" in wrong.err


# --- eval ---


def test_eval_prints_a_set_a_row_with_stock_snownlp_beside(empty: Terminal, labelled: Path) -> None:
    second = empty.folder / "titles.csv"
    second.write_text("title,label\n停水三天没人管,0\n感谢好干部,1\n", encoding="utf-8")
    answer = empty("sentiment", "eval", str(labelled), str(second))
    assert (answer.code, answer.err) == (0, "")
    rows = [line for line in answer.out.splitlines() if ".csv" in line]
    assert [line.split()[1] for line in rows] == ["labelled.csv", "titles.csv"]
    assert all(line.count(" / ") == 5 for line in rows)


def test_eval_answers_machines(empty: Terminal, labelled: Path) -> None:
    (row,) = empty("sentiment", "eval", str(labelled), "--json").json
    assert (row["ngram"]["texts"], row["ngram"]["negatives"]) == (6, 3)
    assert row["ngram"]["auc"] == 1.0
    assert 0 <= row["snownlp"]["auc"] <= 1


def test_eval_of_one_class_leaves_out_what_needs_two(empty: Terminal) -> None:
    file = empty.folder / "one.csv"
    file.write_text("text,label\n停水三天没人管,0\n", encoding="utf-8")
    answer = empty("sentiment", "eval", str(file))
    assert answer.code == 0
    assert "— / —" in answer.out


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "空文件"),
        ("text,mark\n停水,0\n", "缺列"),
        ("label\n0\n", "缺列"),
        ("text,label\n停水,2\n", "不是 0 或 1"),
        ("text,label\n停水\n", "不是 0 或 1"),
        ("text,label\n ,0\n", "没有文字"),
        ("text,label\n", "没有一行文字"),
        ('text,label\n"停水,0\n', "不是完整的 CSV"),
    ],
)
@pytest.mark.parametrize("command", ["eval", "train"])
def test_a_wrong_file_is_named_with_the_cure(empty: Terminal, command: str, content: str, told: str) -> None:
    file = empty.folder / "wrong.csv"
    file.write_text(content, encoding="utf-8")
    answer = empty("sentiment", command, "wrong.csv")
    assert (answer.code, answer.out) == (2, "")
    assert told in answer.err
    assert "wrong.csv" in answer.err
    assert not (empty.folder / "models").exists()


def test_a_missing_file_is_one_line(empty: Terminal) -> None:
    answer = empty("sentiment", "eval", "missing.csv")
    assert (answer.code, answer.out) == (1, "")
    assert "没有文件 missing.csv" in answer.err


# --- train, back ---


def test_train_puts_a_model_in_use_and_back_takes_it_away(empty: Terminal, labelled: Path) -> None:
    version = _version(empty)
    trained = empty("sentiment", "train", str(labelled))
    assert (trained.code, trained.err) == (0, "")
    assert "学了 6 段" in trained.out
    assert "没有比较" in trained.out
    assert (empty.folder / "models" / IN_USE).exists()
    assert _version(empty) != version
    answer = empty("sentiment", "back")
    assert answer.code == 0
    assert "已换回" in answer.out
    assert _version(empty) == version
    assert empty("sentiment", "back").code == 1


def test_train_with_nothing_to_learn_says_so_and_changes_nothing(empty: Terminal) -> None:
    answer = empty("sentiment", "train")
    assert answer.code != 0
    assert "没有 SQLite" in answer.err
    migrate(Store("sqlite:///yuqing.db"))
    answer = empty("sentiment", "train")
    assert answer.code != 0
    assert "没有可学的" in answer.err
    assert not (empty.folder / "models").exists()


def test_train_learns_from_what_people_on_duty_said(empty: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate(Store("sqlite:///yuqing.db"))

    def work(session: Session) -> None:
        person = PersonRow(name="王值班", added_at=START)
        case = CaseRow(
            number="YQ-2026-0001",
            state=State.JUDGING,
            level=Level.IV,
            proposed_level=Level.IV,
            channel="petition",
            copies=[],
            title="停水",
            opened_at=START,
        )
        session.add_all([person, case])
        session.flush()
        for n, said in enumerate((Band.NEGATIVE, Band.NOT_NEGATIVE, Band.NEGATIVE)):
            row = ItemRow(
                source_id="bbs",
                external_id=str(n),
                url="",
                title="标题" if n == 0 else "",
                text=f"第{n}栋又停水了",
                kind=Kind.POST,
                first_seen_at=START,
                content_hash="",
                fingerprint="",
                places=[],
                numbers=[],
                outcome=Outcome.CASE,
                reasons=[],
                masked=[],
            )
            session.add(row)
            session.flush()
            for band in ({Band.NEGATIVE, Band.NOT_NEGATIVE} - {said}).pop(), said:  # the last word counts
                session.add(
                    VerdictRow(
                        case_id=case.id,
                        item_id=row.id,
                        kind=VerdictKind.SENTIMENT,
                        proposed="unclear",
                        corrected=band.value,
                        person_id=person.id,
                        rules_version="",
                        at=START,
                    )
                )

    empty.database(work)
    said = verdict_rows(load_settings(read_environment()))
    assert [(one.number, one.text, one.negative) for one in said] == [
        (1, "标题\n第0栋又停水了", True),
        (3, "第1栋又停水了", False),
        (5, "第2栋又停水了", True),
    ]
    trained = empty("sentiment", "train")
    assert trained.code == 0
    assert "学了 2 段，保留作测试的研判 1 条" in trained.out


def test_a_damaged_model_says_how_to_heal(empty: Terminal) -> None:
    (empty.folder / "models").mkdir()
    (empty.folder / "models" / IN_USE).write_bytes(b"nonsense")
    answer = empty("sentiment", "score", "--text", "停水三天")
    assert (answer.code, answer.out) == (2, "")
    assert "yuqing sentiment back" in answer.err


def _version(terminal: Terminal) -> str:
    (row,) = json.loads(terminal("sentiment", "score", "--text", "停水三天", "--json").out)
    return str(row["scorer"])


@pytest.mark.parametrize(
    ("address", "folder"),
    [
        ("sqlite:///yuqing.db", "models"),
        ("sqlite:////srv/desk/yuqing.db", "/srv/desk/models"),
        ("postgresql://duty@db.example/desk", "models"),
    ],
)
def test_models_lie_beside_the_database_file(address: str, folder: str) -> None:
    assert models_folder(Settings(database_url=address)) == Path(folder)
