import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from watching import on_watch

from monitors import files
from monitors.comments import max_records, parse_records
from monitors.fetch import Failed, Fetched
from monitors.files import cut_records, read_files
from monitors.sources import Mapped, Source
from routing.items import Ailment, Fault, Kind

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)


class Reader:
    """A source of files under a folder, read round after round, its memory committed each time."""

    def __init__(self, folder: Path, path: str, **more: Any) -> None:
        plain = Source(
            "f", "文件", "file", "", "crawler", Kind.COMMENT, path=str(folder / path), max_bytes=64 * 1024
        )
        self.source = replace(plain, mapping=Mapped(items=None, id=("id",), text=("text",)), **more)
        self.memory: str | None = None

    def read(self) -> Fetched:
        got = read_files(self.source, self.memory)
        assert isinstance(got, Fetched), got
        self.memory = got.memory
        assert got.not_modified == (got.body == b"")
        return got

    def ids(self) -> list[str]:
        """Read a round, and what it holds as the parser sees it."""
        got = self.read()
        parsed = parse_records(got.body, got.content_type, self.source, NOW)
        return [item.external_id for item in parsed.items] if got.body else []

    def failed(self) -> Failed:
        got = read_files(self.source, self.memory)
        assert isinstance(got, Failed), got
        assert got.problem.detail
        assert got.problem.cure
        return got

    @property
    def more(self) -> bool:
        return bool(json.loads(self.memory or "{}").get("more"))


def line(name: object, text: str = "停水三天了") -> str:
    return json.dumps({"id": str(name), "text": text}, ensure_ascii=False) + "\n"


def lines(*names: object) -> str:
    return "".join(map(line, names))


def add(path: Path, text: str | bytes) -> None:
    with path.open("ab") as file:
        file.write(text.encode() if isinstance(text, str) else text)


def told(got: Fetched) -> str:
    """Give what the symptom of a round says; it is always the one kind, with its cure."""
    assert all(symptom.ailment is Ailment.SKIPPED and symptom.cure for symptom in got.symptoms)
    return "".join(symptom.detail for symptom in got.symptoms)


# --- appended lines ---


def test_the_first_round_reads_from_the_start_and_the_next_one_what_was_appended(tmp_path: Path) -> None:
    file, reader = tmp_path / "a.jsonl", Reader(tmp_path, "a.jsonl")
    add(file, lines(1, 2))
    assert reader.ids() == ["1", "2"]
    assert reader.read().not_modified
    add(file, lines(3))
    assert reader.ids() == ["3"]


def test_what_was_not_committed_is_read_again(tmp_path: Path) -> None:
    reader = Reader(tmp_path, "a.jsonl")
    add(tmp_path / "a.jsonl", lines(1))
    reader.ids()
    before = reader.memory
    add(tmp_path / "a.jsonl", lines(2))
    assert reader.ids() == ["2"]
    reader.memory = before
    assert reader.ids() == ["2"]


def test_a_half_last_line_is_left_for_the_round_in_which_it_is_whole(tmp_path: Path) -> None:
    file, reader = tmp_path / "a.jsonl", Reader(tmp_path, "a.jsonl")
    whole = line(2).encode()
    add(file, lines(1).encode() + whole[:25])  # in the midst of a letter
    assert reader.ids() == ["1"]
    assert reader.ids() == []
    add(file, whole[25:] + lines(3).encode())
    assert reader.ids() == ["2", "3"]


def test_a_last_object_that_is_closed_needs_no_line_end(tmp_path: Path) -> None:
    file, reader = tmp_path / "a.jsonl", Reader(tmp_path, "a.jsonl")
    add(file, lines(1, 2).rstrip("\n"))
    assert reader.ids() == ["1", "2"]
    add(file, "\n" + lines(3))
    assert reader.ids() == ["3"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_a_half_line_that_nobody_goes_on_with_is_handed_over_after_an_hour(tmp_path: Path, name: str) -> None:
    format_: Any = name.rpartition(".")[2]
    reader = Reader(tmp_path, name, format=format_, interval_s=600)
    add(tmp_path / name, '{"id": "1", "te' if format_ == "jsonl" else "id,text\n1,停")
    rounds = [reader.read() for _ in range(7)]
    assert [got.not_modified for got in rounds] == [True] * 6 + [False]
    assert reader.read().not_modified
    add(tmp_path / name, "\n" + (lines(2) if format_ == "jsonl" else "2,停水\n"))
    assert reader.ids() == ["2"]


def test_windows_line_ends_blank_lines_and_a_byte_order_mark_are_no_trouble(tmp_path: Path) -> None:
    reader = Reader(tmp_path, "a.jsonl")
    add(tmp_path / "a.jsonl", b"\xef\xbb\xbf" + lines(1, 2).replace("\n", "\r\n\r\n").encode())
    assert reader.ids() == ["1", "2"]
    assert reader.read().symptoms == ()


def test_a_file_in_another_encoding_is_handed_over_as_it_is(tmp_path: Path) -> None:
    reader = Reader(tmp_path, "a.jsonl")
    add(tmp_path / "a.jsonl", lines(1, 2).encode("gbk"))
    assert reader.ids() == ["1", "2"]


def test_files_of_two_encodings_do_not_spoil_each_other_in_one_body(tmp_path: Path) -> None:
    reader = Reader(tmp_path, "*.jsonl")
    add(tmp_path / "a.jsonl", line(1, "自来水公司什么时候来修管道"))
    add(tmp_path / "b.jsonl", line(2, "自来水公司什么时候来修管道").encode("gbk"))
    add(tmp_path / "c.jsonl", line(3, "自来水公司什么时候来修管道"))
    assert reader.ids() == ["1", "3"]
    assert reader.more
    got = reader.read()
    parsed = parse_records(got.body, got.content_type, reader.source, NOW)
    assert [(item.external_id, item.text) for item in parsed.items] == [("2", "自来水公司什么时候来修管道")]
    assert not reader.more


def test_utf_16_cannot_be_tailed_and_is_refused_with_the_cure(tmp_path: Path) -> None:
    reader = Reader(tmp_path, "a.jsonl")
    add(tmp_path / "a.jsonl", lines(1).encode("utf-16"))
    assert "UTF-8" in reader.failed().problem.cure


# --- rotation, truncation, deletion ---


def test_a_rotated_file_is_read_to_its_end_under_its_new_name_before_the_new_one(tmp_path: Path) -> None:
    file, reader = tmp_path / "a.jsonl", Reader(tmp_path, "a.jsonl*")
    add(file, lines(1, 2))
    assert reader.ids() == ["1", "2"]
    add(file, lines(3))
    file.rename(tmp_path / "a.jsonl.1")
    add(file, lines(4))
    assert reader.ids() == ["3", "4"]


def test_a_file_that_was_replaced_by_another_is_read_from_its_start(tmp_path: Path) -> None:
    file, reader = tmp_path / "a.jsonl", Reader(tmp_path, "a.jsonl")
    add(file, lines(1, 2))
    assert reader.ids() == ["1", "2"]
    other = tmp_path / "new"
    add(other, lines(3, 4, 5))
    other.replace(file)
    assert reader.ids() == ["3", "4", "5"]


@pytest.mark.parametrize("after", [(7,), (7, 8), (7, 8, 9, 10)], ids=["shorter", "as long", "longer"])
def test_a_truncated_file_is_read_from_its_start(tmp_path: Path, after: tuple[int, ...]) -> None:
    file, reader = tmp_path / "a.jsonl", Reader(tmp_path, "a.jsonl")
    add(file, lines(1, 2))
    assert reader.ids() == ["1", "2"]
    file.write_text(lines(*after), encoding="utf-8")
    os.utime(file, ns=(1, 1))
    assert reader.ids() == [str(name) for name in after]


def test_a_truncated_file_with_the_same_long_header_is_known_by_what_stood_before_the_offset(
    tmp_path: Path,
) -> None:
    file, reader = tmp_path / "a.csv", Reader(tmp_path, "a.csv", format="csv")
    header = "id,text," + ",".join(f"column_{n}" for n in range(60)) + "\n"
    rest = "," * 60 + "\n"
    file.write_text(header + f"1,停水{rest}2,停水{rest}", encoding="utf-8")
    assert reader.ids() == ["1", "2"]
    file.write_text(header + f"3,停电{rest}4,停电{rest}5,停电{rest}", encoding="utf-8")
    os.utime(file, ns=(1, 1))
    assert reader.ids() == ["3", "4", "5"]


def test_a_deleted_file_is_forgotten_and_one_that_was_not_read_to_its_end_is_told(tmp_path: Path) -> None:
    reader = Reader(tmp_path, "*.jsonl")
    for name in "abc":
        add(tmp_path / f"{name}.jsonl", lines(name))
    add(tmp_path / "b.jsonl", '{"id": "half')
    reader.read()
    (tmp_path / "a.jsonl").unlink()
    (tmp_path / "b.jsonl").unlink()
    assert "b.jsonl 还没读完就不见了" in told(reader.read())
    assert "a.jsonl" not in (reader.memory or "")
    assert reader.read().symptoms == ()


def test_old_files_of_a_pattern_are_looked_at_but_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(tmp_path, "*.jsonl")
    for day in range(1, 31):
        add(tmp_path / f"comments_2026-11-{day:02d}.jsonl", lines(day))
    assert len(reader.ids()) == 30
    opened: list[str] = []
    plain = os.open
    monkeypatch.setattr(os, "open", lambda path, *rest: opened.append(Path(path).name) or plain(path, *rest))
    before = reader.memory
    assert reader.read().not_modified
    assert opened == []
    assert reader.memory == before
    add(tmp_path / "comments_2026-11-30.jsonl", lines("new"))
    assert reader.ids() == ["new"]
    assert opened == ["comments_2026-11-30.jsonl"]


def test_memory_that_cannot_be_read_costs_a_second_reading_and_no_more(tmp_path: Path) -> None:
    reader = Reader(tmp_path, "a.jsonl")
    add(tmp_path / "a.jsonl", lines(1))
    for memory in ("", "no json", "[]", '{"files": 3}', '{"files": {"1.2": {"offset": "x"}}}', "null"):
        reader.memory = memory
        assert reader.ids() == ["1"]


def test_two_names_of_one_file_are_read_once(tmp_path: Path) -> None:
    reader = Reader(tmp_path, "*.jsonl")
    add(tmp_path / "a.jsonl", lines(1))
    (tmp_path / "b.jsonl").symlink_to(tmp_path / "a.jsonl")
    os.link(tmp_path / "a.jsonl", tmp_path / "c.jsonl")
    assert reader.ids() == ["1"]


# --- what cannot be read ---


@contextmanager
def no_rights(path: Path) -> Iterator[None]:
    """Take the right to read; root may read all, so it has to become somebody else for a while."""
    path.chmod(0)
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_missing_file_and_a_missing_folder_say_which_of_them_is_not_there(tmp_path: Path) -> None:
    assert "没有找到文件 a.jsonl" in Reader(tmp_path, "a.jsonl").failed().problem.detail
    assert "没有找到文件 *.jsonl" in Reader(tmp_path, "*.jsonl").failed().problem.detail
    problem = Reader(tmp_path, "not/there/*.jsonl").failed().problem
    assert "不存在" in problem.detail
    assert problem.fault is Fault.STATUS


def test_a_file_without_the_right_to_read_is_one_clear_problem(tmp_path: Path) -> None:
    file, reader = tmp_path / "a.jsonl", Reader(tmp_path, "a.jsonl")
    add(file, lines(1))
    with no_rights(file):
        problem = reader.failed().problem
    assert "没有权限读取文件 a.jsonl" in problem.detail
    file.chmod(0o644)
    assert reader.ids() == ["1"]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["fifo", "folder"])
def test_what_is_no_regular_file_is_refused_and_never_waited_for(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "a.jsonl")
    assert "不是普通文件" in Reader(tmp_path, "a.jsonl").failed().problem.detail


def test_a_device_is_refused() -> None:
    assert "不是普通文件" in Reader(Path("/dev"), "zero").failed().problem.detail


def test_one_bad_file_beside_good_ones_is_told_and_costs_only_itself(tmp_path: Path) -> None:
    reader = Reader(tmp_path, "*")
    add(tmp_path / "b.jsonl", lines(1))
    os.mkfifo(tmp_path / "a.jsonl")
    (tmp_path / "folder").mkdir()
    got = reader.read()
    assert lines(1).encode() == got.body
    assert told(got) == "a.jsonl 不是普通文件（是文件夹、管道或设备），没有读取"


def test_a_path_with_brackets_that_is_there_is_no_pattern(tmp_path: Path) -> None:
    add(tmp_path / "a[1].jsonl", lines(1))
    add(tmp_path / "a1.jsonl", lines(2))
    assert Reader(tmp_path, "a[1].jsonl").ids() == ["1"]


def test_of_too_many_files_the_latest_are_read_and_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "max_files", 2)
    reader = Reader(tmp_path, "*.jsonl")
    for age, name in enumerate("abc"):
        add(tmp_path / f"{name}.jsonl", lines(name))
        os.utime(tmp_path / f"{name}.jsonl", (1_000_000 - age, 1_000_000 - age))
    got = reader.read()
    assert got.body == lines("a", "b").encode()
    assert "有 3 个文件，只看最近改动的 2 个" in told(got)


# --- limits ---


def test_no_more_than_the_limit_is_read_in_a_round_and_the_rest_in_the_next_ones(tmp_path: Path) -> None:
    reader = Reader(tmp_path, "a.jsonl", max_bytes=2048)
    names = [str(n) for n in range(200)]
    add(tmp_path / "a.jsonl", lines(*names))
    found: list[str] = []
    rounds = 0
    while rounds == 0 or reader.more:
        got = reader.read()
        assert 0 < len(got.body) <= 2048
        found += [json.loads(text)["id"] for text in got.body.splitlines()]
        rounds += 1
    assert found == names
    assert rounds > 3


def test_a_file_that_grows_faster_than_it_is_read_does_not_starve_the_others(tmp_path: Path) -> None:
    reader = Reader(tmp_path, "*.jsonl", max_bytes=2048)
    add(tmp_path / "a.jsonl", lines(*range(500)))
    add(tmp_path / "b.jsonl", lines("b"))
    found = [*reader.ids(), *reader.ids()]
    assert "b" in found


def test_no_more_records_are_handed_over_than_the_parser_takes(tmp_path: Path) -> None:
    assert files.max_lines <= max_records
    reader = Reader(tmp_path, "*.jsonl", max_bytes=5 * 1024 * 1024)
    add(tmp_path / "a.jsonl", lines(*range(4000)))
    add(tmp_path / "b.jsonl", lines(*range(4000, 8000)))
    assert len(reader.ids()) == files.max_lines
    assert reader.more
    assert len(reader.ids()) == 3000
    assert not reader.more


def test_a_line_that_is_too_long_is_skipped_with_an_alarm_and_the_next_one_is_read(tmp_path: Path) -> None:
    reader = Reader(tmp_path, "a.jsonl", max_bytes=1024)
    add(tmp_path / "a.jsonl", line(1) + line(2, "水" * 3000) + line(3))
    found, alarms = reader.ids(), []
    for _ in range(30):
        if not reader.more:
            break
        got = reader.read()
        alarms.append(told(got))
        found += [json.loads(text)["id"] for text in got.body.splitlines()]
    assert found == ["1", "3"]
    assert [alarm for alarm in alarms if alarm] == ["文件 a.jsonl 有一行超过 0.000977 MiB，已跳过"]


def test_a_line_that_is_too_long_and_still_being_written_is_skipped_to_its_end(tmp_path: Path) -> None:
    file, reader = tmp_path / "a.jsonl", Reader(tmp_path, "a.jsonl", max_bytes=1024)
    add(file, "x" * 1500)
    reader.read()
    while reader.more:
        reader.read()
    add(file, "x" * 100)
    assert reader.read().not_modified
    add(file, "x\n" + lines(3))
    assert reader.read().not_modified
    assert reader.ids() == ["3"]


# --- CSV ---


def test_csv_carries_its_header_into_every_body(tmp_path: Path) -> None:
    file, reader = tmp_path / "a.csv", Reader(tmp_path, "a.csv", format="csv")
    add(file, b"\xef\xbb\xbf" + "id,text\r\n1,停水\r\n".encode())
    assert reader.ids() == ["1"]
    add(file, "2,还没来水\r\n")
    got = reader.read()
    assert got.content_type == "text/csv"
    assert got.body.decode() == "id,text\r\n2,还没来水\r\n"


def test_csv_whose_header_is_not_written_yet_waits_for_it(tmp_path: Path) -> None:
    file, reader = tmp_path / "a.csv", Reader(tmp_path, "a.csv", format="csv")
    add(file, "id,te")
    assert reader.ids() == []
    add(file, "xt\n1,停水\n")
    assert reader.ids() == ["1"]


def test_a_row_whose_quotes_are_open_is_a_half_one_however_many_lines_it_has(tmp_path: Path) -> None:
    file, reader = tmp_path / "a.csv", Reader(tmp_path, "a.csv", format="csv")
    add(file, 'id,text\n1,停水\n2,"第一行\n第二行\n')
    assert reader.ids() == ["1"]
    add(file, '说""急""的"\n3,停电\n')
    assert reader.ids() == ["2", "3"]


def test_a_quote_that_is_never_closed_costs_its_own_line_only(tmp_path: Path) -> None:
    reader = Reader(tmp_path, "a.csv", format="csv", max_bytes=1024 * 1024)
    rows = "".join(f"{n},停水 {'很久了' * 40}\n" for n in range(1000))
    add(tmp_path / "a.csv", f'id,text\n0,"停水\n{rows}')
    got = reader.read()
    assert "1 行的引号没有配对" in told(got)
    parsed = parse_records(got.body, got.content_type, reader.source, NOW)
    assert {item.external_id for item in parsed.items} == {str(n) for n in range(1000)}


def test_a_quote_that_only_a_later_field_seems_to_close_costs_its_own_line_only(tmp_path: Path) -> None:
    reader = Reader(tmp_path, "a.csv", format="csv")
    add(tmp_path / "a.csv", 'id,text\n0,"停水\n1,停电\n2,"停气，""急""\n又停"\n3,来水\n')
    got = reader.read()
    assert "1 行的引号没有配对" in told(got)
    parsed = parse_records(got.body, got.content_type, reader.source, NOW)
    assert {item.external_id for item in parsed.items} == {"1", "2", "3"}


def test_the_lines_behind_a_quote_that_nothing_closes_do_not_wait_for_long(tmp_path: Path) -> None:
    reader = Reader(tmp_path, "a.csv", format="csv")
    add(tmp_path / "a.csv", 'id,text\n0,"停水\n' + "".join(f"{n},停水\n" for n in range(1, 250)))
    assert len(reader.ids()) == 249


def test_files_of_other_columns_do_not_share_a_body_and_none_is_left_out(tmp_path: Path) -> None:
    reader = Reader(tmp_path, "*.csv", format="csv")
    add(tmp_path / "a.csv", "id,text\n1,停水\n")
    add(tmp_path / "b.csv", "text,id\n停电,2\n")
    add(tmp_path / "c.csv", "id,text\n3,停气\n")
    assert reader.ids() == ["1", "3"]
    add(tmp_path / "a.csv", "4,停水\n")
    assert reader.ids() == ["2"]
    assert reader.ids() == ["4"]
    assert not reader.more


def test_a_header_that_a_second_run_wrote_again_is_no_row(tmp_path: Path) -> None:
    reader = Reader(tmp_path, "a.csv", format="csv")
    add(tmp_path / "a.csv", "id;text\n1;停水\nid;text\n2;停电\n")
    assert reader.ids() == ["1", "2"]


_csv_fields = st.text(alphabet='ab,;\t"\n\r水', max_size=6)


@given(rows=st.lists(st.tuples(_csv_fields, _csv_fields), max_size=8), at=st.integers(0, 200))
def test_csv_cut_anywhere_gives_the_same_records_as_whole(rows: list[tuple[str, str]], at: int) -> None:
    quoted = ['"' + a.replace('"', '""') + '","' + b.replace('"', '""') + '"\n' for a, b in rows]
    whole = "".join(quoted).encode()
    first = cut_records(whole[:at], b",", 1000)
    second = cut_records(whole[first.used :], b",", 1000)
    assert [*first.records, *second.records] == [row.encode() for row in quoted]
    assert first.stray + second.stray == 0


# --- JSON ---


def put(path: Path, document: object) -> None:
    text = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)
    path.write_text(text, encoding="utf-8")


def entry(name: object) -> dict[str, str]:
    return {"id": str(name), "text": "停水"}


def test_a_document_is_read_when_it_has_changed_and_not_otherwise(tmp_path: Path) -> None:
    file, reader = tmp_path / "a.json", Reader(tmp_path, "a.json", format="json")
    put(file, [entry(1)])
    assert reader.ids() == ["1"]
    assert reader.read().not_modified
    put(file, [entry(1), entry(2)])
    assert sorted(reader.ids()) == ["1", "2"]


def test_a_half_written_document_is_a_problem_until_it_is_whole(tmp_path: Path) -> None:
    file, reader = tmp_path / "a.json", Reader(tmp_path, "a.json", format="json")
    for half in ("", '[{"id": "1"', '[{"id": "1", "pictures": []', "停水"):
        put(file, half)
        problem = reader.failed().problem
        assert "a.json 不是完整的 JSON" in problem.detail
        assert problem.fault is Fault.STATUS  # a passing fault: the core tells it after three rounds
    put(file, [entry(1)])
    assert reader.ids() == ["1"]


def test_a_half_written_document_among_others_is_told_only_if_it_stays_so(tmp_path: Path) -> None:
    reader = Reader(tmp_path, "*.json", format="json")
    put(tmp_path / "a.json", [entry(1)])
    put(tmp_path / "b.json", '[{"id"')
    rounds = [told(reader.read()) for _ in range(4)]
    assert rounds[:2] == ["", ""]
    assert "b.json 不是完整的 JSON" in rounds[2]
    assert rounds[2] == rounds[3]
    put(tmp_path / "b.json", [entry(2)])
    assert reader.ids() == ["2"]
    assert reader.read().symptoms == ()


def test_lists_of_several_files_come_in_one_body_whatever_their_encoding(tmp_path: Path) -> None:
    reader = Reader(tmp_path, "*.json", format="json")
    put(tmp_path / "a.json", [entry(1)])
    (tmp_path / "b.json").write_bytes(json.dumps([entry(2)], ensure_ascii=False).encode("gb18030"))
    (tmp_path / "c.json").write_bytes(json.dumps([entry("\ud83d"), entry(3)]).encode("utf-16"))
    assert reader.ids()[:2] == ["1", "2"]
    reader = Reader(tmp_path, "c.json", format="json", encoding="utf-16")
    assert "3" in reader.ids()


def test_a_document_that_is_an_object_comes_alone_and_as_it_is(tmp_path: Path) -> None:
    reader = Reader(tmp_path, "*.json", format="json")
    put(tmp_path / "a.json", {"items": [entry(1)]})
    put(tmp_path / "b.json", {"items": [entry(2)]})
    assert reader.ids() == ["1"]
    assert reader.more
    assert reader.ids() == ["2"]
    assert not reader.more


def test_a_long_list_is_handed_over_in_pieces_its_new_entries_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "max_lines", 4)
    file, reader = tmp_path / "a.json", Reader(tmp_path, "a.json", format="json")
    put(file, [entry(n) for n in range(10)])
    found = []
    while not found or reader.more:
        found += reader.ids()
    assert found == [str(n) for n in range(10)]
    put(file, [entry(n) for n in range(12)])
    assert reader.ids() == ["10", "11", "0", "1"]
    put(file, [entry(n) for n in range(13)])  # it changes while it is handed over: the circle goes on
    found = [*reader.ids(), *reader.ids(), *reader.ids(), *reader.ids()]
    assert set(found) == {str(n) for n in range(13)}
    assert not reader.more


def test_a_document_that_is_too_large_is_told_with_the_cure(tmp_path: Path) -> None:
    reader = Reader(tmp_path, "a.json", format="json", max_bytes=1024)
    put(tmp_path / "a.json", [entry(n) for n in range(100)])
    problem = reader.failed().problem
    assert problem.fault is Fault.TOO_LARGE
    assert "JSONL" in problem.cure


def test_a_hundred_files_seen_for_the_first_time_take_few_rounds(tmp_path: Path) -> None:
    reader = Reader(tmp_path, "*.json", format="json")
    for n in range(100):
        put(tmp_path / f"{n:03d}.json", [entry(n)])
    assert len(reader.ids()) == 100
    assert not reader.more


# --- in a round ---


async def test_a_file_is_polled_like_any_source_and_first_sight_lasts_until_it_is_read_to_its_end(
    tmp_path: Path,
) -> None:
    async with on_watch() as watch:
        source = replace(Reader(tmp_path, "a.jsonl", max_bytes=1024).source, interval_s=60)
        poller = watch.poller(source)
        add(tmp_path / "a.jsonl", lines(*range(40)))
        await poller.poll_one("f")
        assert not watch.core.kept["f"].baseline_done
        assert watch.core.kept["f"].next_poll_at == watch.clock.now
        while not watch.core.kept["f"].baseline_done:
            await poller.poll_due()
        assert len(watch.core.items) == 40
        assert watch.core.kept["f"].next_poll_at is not None
        assert watch.core.kept["f"].next_poll_at > watch.clock.now


async def test_a_file_that_is_empty_at_first_sight_is_known_from_then_on(tmp_path: Path) -> None:
    async with on_watch() as watch:
        poller = watch.poller(Reader(tmp_path, "a.jsonl").source)
        add(tmp_path / "a.jsonl", "")
        await poller.poll_one("f")
        assert [harvest.state.baseline_done for harvest in watch.core.harvests] == [True]
        assert watch.core.touched == []


async def test_what_could_not_be_read_of_a_file_reaches_the_core_and_is_left_behind(tmp_path: Path) -> None:
    async with on_watch() as watch:
        poller = watch.poller(Reader(tmp_path, "a.jsonl", max_bytes=1024).source)
        add(tmp_path / "a.jsonl", line(1, "水" * 3000) + line(2))
        for _ in range(12):
            await poller.poll_one("f")
        assert [name for _, name in watch.core.items] == ["2"]
        alarms = [symptom.detail for harvest in watch.core.harvests for symptom in harvest.symptoms]
        assert alarms == ["文件 a.jsonl 有一行超过 0.000977 MiB，已跳过"]


async def test_the_same_lines_appended_again_are_read_once_more_and_then_left_behind(tmp_path: Path) -> None:
    async with on_watch() as watch:
        poller = watch.poller(Reader(tmp_path, "a.jsonl").source)
        for _ in range(2):
            add(tmp_path / "a.jsonl", lines(1, 2))
            await poller.poll_one("f")
        before = watch.core.kept["f"].memory
        await poller.poll_one("f")
        assert watch.core.kept["f"].memory == before
        assert len(watch.core.harvests) == 2
