"""export and digest --out, as the office uses them: a story at the desk, then the files opened again."""

import io
import json
import shutil
from pathlib import Path
from typing import Any

import docx as library
import pytest
from builders import Desk, FakeClock, item, make_rules, views
from openpyxl import load_workbook
from sqlalchemy import select, text
from test_bot_cli import Terminal, empty, founded, yuqing

from bot.cli import common
from bot.config import load_folder
from routing.errors import UserError
from routing.store.engine import Store
from routing.store.tables import LedgerRow
from routing.workflow import Command

__all__ = ["empty", "founded", "yuqing"]

WHY = ("--reason", "县领导调阅，电话13800138000")
ANSWER = "停水系水泵故障，今晚八点恢复供水。"


@pytest.fixture
def told(yuqing: Terminal, migrated_file: Path) -> Terminal:
    """An office of the templates with three matters: one answered after a return, one sent out, one not judged.

    On SQLite: what is read for the files is read on both databases in the tests of `routing`.
    """
    shutil.copy(migrated_file, "yuqing.db")
    store = Store("sqlite:///yuqing.db")
    desk = Desk(store, load_folder(yuqing.folder / "config").office, make_rules(), FakeClock())
    desk.hire()
    first = desk.open(title="东湖小区停水", counts=views(12_500))
    steps: tuple[tuple[Command, dict[str, Any]], ...] = (
        (Command.DISPATCH, {}),
        (Command.RETURN, {"reason": "供水归住建部门管"}),
        (Command.DISPATCH, {}),
        (Command.SIGN, {}),
        (Command.DRAFT, {"text": ANSWER}),
        (Command.PASS, {}),
        (Command.CLEAR, {"basis": "保密法第二十七条", "reason": "不涉密"}),
        (Command.APPROVE, {}),
        (Command.CONFIRM, {"link": "https://gov.example/a/1"}),
    )
    for command, more in steps:
        desk.clock.advance(minutes=10)
        desk.act(first, command, **more)
    desk.act(desk.open("西山小区停水了", title="西山小区停水"), Command.DISPATCH)
    desk.accept(item("请问东湖小区何时通燃气", title="请问何时通燃气"))
    store.close()
    return yuqing


def exports(terminal: Terminal) -> list[dict[str, Any]]:
    """Give what the record tells of exports, oldest first."""
    query = select(LedgerRow).where(LedgerRow.action == "export").order_by(LedgerRow.seq)
    rows = terminal.database(lambda s: s.scalars(query).all())
    return [{"case": row.case_id is not None, "actor": row.actor, **json.loads(row.data)} for row in rows]


def form_of(table: Any) -> dict[str, str]:
    """Read a table of fields: name and text, one pair or two a row."""
    found: dict[str, str] = {}
    for row in table.rows:
        texts = list(dict.fromkeys((cell._tc, cell.text) for cell in row.cells))
        found |= dict(zip([t for _, t in texts[0::2]], [t for _, t in texts[1::2]], strict=True))
    return found


def document(terminal: Terminal, name: str) -> Any:
    return library.Document(io.BytesIO((terminal.folder / name).read_bytes()))


def sheet(terminal: Terminal, name: str, title: str) -> list[dict[str, Any]]:
    header, *rows = load_workbook(terminal.folder / name)[title].iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_slips_come_out_by_matter_or_by_their_number_and_each_leaves_a_line(told: Terminal) -> None:
    answer = told("export", "dispatch", "1", "YQ-2026-0002", "舆转〔2026〕1号", "--out", "a.docx", *WHY)
    assert (answer.code, answer.err) == (0, "已导出 3 份舆情转办单到 a.docx。\n")
    newest, other, older = map(form_of, document(told, "a.docx").tables)
    assert (newest["编号"], newest["归口类别"], newest["责任单位"], newest["签收人"]) == (
        "舆转〔2026〕2号", "信访", "县信访局", "赵联络",
    )  # fmt: skip
    assert (other["编号"], other["标题"], other["办结时限"]) == (
        "舆转〔2026〕3号",
        "西山小区停水",
        "签收后起算",
    )
    assert (older["编号"], older["退回理由"], older["签收人"]) == ("舆转〔2026〕1号", "供水归住建部门管", "")
    lines = exports(told)
    assert [(line["case"], line["what"], line["forms"]) for line in lines] == [
        (True, "dispatch", ["舆情转办单"])
    ] * 3
    assert {line["actor"] for line in lines} == {"命令行"}
    assert {line["reason"] for line in lines} == {"县领导调阅，电话[手机号已隐去]"}
    assert told("audit", "verify").code == 0
    assert "表格 转办单" in told("why", "YQ-2026-0002").out


def test_the_same_slip_twice_is_one(told: Terminal) -> None:
    answer = told("export", "dispatch", "2", "YQ-2026-0002", "舆转〔2026〕3号", "--out", "a.xlsx", *WHY)
    assert "已导出 1 份" in answer.err
    assert [row["编号"] for row in sheet(told, "a.xlsx", "舆情转办单")] == ["舆转〔2026〕3号"]
    assert len(exports(told)) == 1


def test_the_review_forms_hold_the_words_that_were_approved(told: Terminal) -> None:
    assert told("export", "review", "1", "--out", "r.docx", *WHY).code == 0
    file = document(told, "r.docx")
    secrecy, approval = map(form_of, file.tables)
    assert (secrecy["保密审查机构意见"][:2], secrecy["依据和理由"]) == ("公开", "保密审查依据和理由未导出")
    assert (approval["初审人"], approval["三审人"], approval["发布人"]) == ("孙初审", "郑县长", "赵联络")
    assert [p.text for p in file.paragraphs].count(ANSWER) == 2
    assert told("export", "review", "1", "--out", "r.xlsx", "--secrecy", *WHY).code == 0
    (row,) = sheet(told, "r.xlsx", "保密审查表")
    assert row["依据和理由"] == "保密法第二十七条；不涉密"
    assert [line["secrecy"] for line in exports(told)] == [False, True]


def test_briefs_of_several_matters_stand_in_one_file(told: Terminal) -> None:
    assert told("export", "brief", "1", "3", "--out", "b.docx", *WHY).code == 0
    first, third = map(form_of, document(told, "b.docx").tables)
    assert (first["标题"], first["报送单位"], first["期数"]) == ("东湖小区停水", "示例县人民政府办公室", "")
    assert third["研判意见"].startswith("系统建议，尚未研判")


def test_links_of_a_grave_matter_come_out_in_full_alone(told: Terminal) -> None:
    told.database(lambda s: s.execute(text("UPDATE matter SET level = 2")))
    for more, link in (((), "链接和摘要按规定未导出"), (("--full", "--force"), "http://bbs.example/")):
        answer = told("export", "brief", "1", "--out", "g.xlsx", *more, *WHY)
        assert (answer.code, "加 --full" in answer.err) == (0, not more)
        (row,) = sheet(told, "g.xlsx", "舆情专报")
        assert row["链接"].startswith(link)
    assert [line["full"] for line in exports(told)] == [False, True]


def test_the_log_of_a_day_comes_out_as_a_document_and_as_a_workbook(told: Terminal) -> None:
    answer = told("export", "log", "--day", "2026-11-17", "--out", "log.docx", *WHY)
    assert answer.err == "已导出 2026-11-17 的值班日志到 log.docx：14 条记录。\n"
    (table,) = document(told, "log.docx").tables
    rows = [[cell.text for cell in row.cells] for row in table.rows]
    assert rows[0] == ["时间", "来源", "内容", "处理", "移交", "签名"]
    assert rows[2] == [
        "10:10", "值班员", "YQ-2026-0001 东湖小区停水", "转办：文号 舆转〔2026〕1号", "县信访局", "王值班",
    ]  # fmt: skip
    assert told("export", "log", "--day", "2026-11-17", "--out", "log.xlsx", *WHY).code == 0
    watch = sheet(told, "log.xlsx", "网络舆情日志")
    assert [(row["标题"], row["初判类别"]) for row in watch] == [
        ("东湖小区停水", "信访"), ("西山小区停水", "信访"), ("请问何时通燃气", "政府办"),
    ]  # fmt: skip
    assert [(line["case"], line["what"], line["span"]) for line in exports(told)] == [
        (False, "log", "2026-11-17")
    ] * 2


def test_the_digest_is_saved_as_the_ending_says(told: Terminal) -> None:
    for name in ("week.docx", "week.xlsx", "week.PNG"):
        assert told("digest", "--week", "2026-W47", "--out", name).code == 0
    day = told("digest", "--day", "2026-11-17", "--out", "day.docx")
    assert day.err.strip() == "舆情日报已存为 day.docx。"
    (form, *_) = document(told, "week.docx").tables
    assert form_of(form)["总数"] == "新增事项 3 件，采集信息 3 条"
    assert sheet(told, "week.xlsx", "舆情周报")[2]["内容"] == "新增事项 3 件，采集信息 3 条"
    assert (told.folder / "week.PNG").read_bytes().startswith(b"\x89PNG")
    assert exports(told) == []  # figures without a matter's texts go out without a reason


WRONG: dict[str, tuple[tuple[str, ...], int, str]] = {
    "no such matter": (("dispatch", "1", "99", "--out", "a.docx", *WHY), 1, "没有事项“99”"),
    "no such slip": (("dispatch", "舆转〔2026〕9号", "--out", "a.docx", *WHY), 1, "或 1；转办单也可写文号"),
    "not dispatched": (("dispatch", "3", "--out", "a.docx", *WHY), 1, "请先在卡片上转办"),
    "no draft": (("review", "2", "--out", "a.docx", *WHY), 1, "还没有答复稿"),
    "no report": (("brief", "1", "--report", "续报", "--out", "a.docx", *WHY), 1, "没有登记过续报"),
    "no such report": (("brief", "1", "--report", "快报", "--out", "a.docx", *WHY), 2, "首报、续报、终报"),
    "wrong ending": (("dispatch", "1", "--out", "a.pdf", *WHY), 2, "请以 .docx、.xlsx 结尾"),
    "no ending": (("log", "--out", "a", *WHY), 2, "请以 .docx、.xlsx 结尾"),
    "no document of a ledger": (("ledger", "--out", "a.docx", *WHY), 2, "请以 .xlsx 结尾"),
    "no reason": (("review", "1", "--out", "a.docx", "--reason", " 查 "), 2, "请写明导出理由"),
    "a reason of dots": (("review", "1", "--out", "a.docx", "--reason", "。。。。。。"), 2, "请写明导出理由"),
    "no such day": (("log", "--day", "昨天", "--out", "a.docx", *WHY), 2, "--day 2026-11-21"),
    "a day to come": (("log", "--day", "2199-01-01", "--out", "a.docx", *WHY), 2, "还没有到"),
    "no folder": (("brief", "1", "--out", "no/such/a.docx", *WHY), 1, "没有这个文件夹"),
}


def test_what_cannot_be_exported_is_one_line_with_the_cure_and_nothing_is_done(told: Terminal) -> None:
    before = told("audit", "verify").out
    there = sorted(told.folder.iterdir())
    for name, (words, code, cure) in WRONG.items():
        answer = told("export", *words)
        assert (answer.code, answer.out, len(answer.err.splitlines())) == (code, "", 1), (name, answer.err)
        assert cure in answer.err, name
    assert told("audit", "verify").out == before
    assert sorted(told.folder.iterdir()) == there


def test_a_matter_that_is_not_named_is_asked_for_in_chinese(told: Terminal) -> None:
    assert told("export", "dispatch", "--out", "a.docx", *WHY).err.splitlines()[0] == "缺少 编号。"


def test_a_file_that_is_there_stays_until_all_of_the_new_one_is(told: Terminal) -> None:
    kept = told.folder / "kept.docx"
    kept.write_text("last week", encoding="utf-8")
    assert "加 --force 覆盖" in told("export", "dispatch", "1", "--out", "kept.docx", *WHY).err
    assert told("export", "dispatch", "1", "3", "--out", "kept.docx", "--force", *WHY).code == 1
    assert kept.read_text(encoding="utf-8") == "last week"
    assert exports(told) == []
    assert told("export", "dispatch", "1", "--out", "kept.docx", "--force", *WHY).code == 0
    assert form_of(document(told, "kept.docx").tables[0])["编号"] == "舆转〔2026〕2号"


def test_a_file_whose_line_cannot_be_written_is_none(tmp_path: Path) -> None:
    kept = tmp_path / "kept.docx"
    kept.write_bytes(b"last week")

    def refuse() -> None:
        raise UserError("台账写不进")

    with pytest.raises(UserError, match="台账写不进"):
        common.save(kept, b"this week", first=refuse)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("kept.docx", b"last week")]


def test_a_file_is_written_where_a_link_points_and_over_no_folder(tmp_path: Path) -> None:
    (tmp_path / "real.docx").write_bytes(b"last week")
    (tmp_path / "link.docx").symlink_to("real.docx")
    common.save(tmp_path / "link.docx", b"this week")
    assert (tmp_path / "link.docx").is_symlink()
    assert (tmp_path / "real.docx").read_bytes() == b"this week"
    (tmp_path / "folder.docx").mkdir()
    with pytest.raises(UserError, match="请换一个位置"):
        common.save(tmp_path / "folder.docx", b"this week")


@pytest.mark.parametrize("name", ["real.docx/x.docx", f"{'长' * 83}.docx"], ids=["below a file", "long name"])
def test_a_place_that_takes_no_file_is_an_error_in_words(tmp_path: Path, name: str) -> None:
    (tmp_path / "real.docx").write_bytes(b"last week")
    with pytest.raises(UserError, match="请换一个位置"):
        common.save(tmp_path / name, b"this week")
    assert [path.name for path in tmp_path.iterdir()] == ["real.docx"]


def test_who_may_read_a_file_is_as_before_when_it_is_written_anew(tmp_path: Path) -> None:
    kept = tmp_path / "kept.docx"
    kept.write_bytes(b"last week")
    kept.chmod(0o600)
    common.save(kept, b"this week")
    assert kept.stat().st_mode & 0o777 == 0o600
