"""`yuqing judge` over an invented week: what each text became at its moment, the figures, and files that are wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from test_bot_cli import Answer, Terminal, empty

from routing.measures import left_over
from routing.ngrams import Row
from routing.ngrams_fit import fit
from routing.starter.opinions import NO, PUBLIC, YES

__all__ = ["empty"]

DATA = Path(__file__).parent / "data/judge"
WEEK, PLACES, PAIRS, RULES = (
    str(DATA / name) for name in ("week.jsonl", "places.json", "pairs.json", "rules.toml")
)
LINES: list[dict[str, Any]] = [
    json.loads(line) for line in Path(WEEK).read_text(encoding="utf-8").splitlines()
]
OUT_KEYS = {
    "id",
    "relevant",
    "alerted",
    "matter",
    "lead",
    "copies",
    "level",
    "sentiment",
    "subject",
    "must_answer",
    "title",
    "text",
    "why",
}


def judge(terminal: Terminal, *words: str, rules: str = RULES) -> Answer:
    return terminal("judge", WEEK, "--gazetteer", PLACES, "--rules", rules, *words)


_written: list[str] = []


def written(terminal: Terminal) -> str:
    """Give what `--out` writes for the invented week; the first test that asks has it written."""
    if not _written:
        answer = judge(terminal, "--out", "out.jsonl")
        assert answer.code == 0, answer.err
        _written.append((terminal.folder / "out.jsonl").read_text(encoding="utf-8"))
    return _written[0]


@pytest.fixture
def judged(empty: Terminal) -> dict[str, dict[str, Any]]:
    """The lines of `--out` for the invented week, by id."""
    return {row["id"]: row for row in map(json.loads, written(empty).splitlines())}


def write(terminal: Terminal, *rows: object) -> str:
    """Write a file of lines; a str stands as it is."""
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    (terminal.folder / "week.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return "week.jsonl"


def changed(number: int = 0, **fields: Any) -> dict[str, Any]:
    """Give a line of the week with other fields; None takes a field out."""
    row = {**LINES[number], **fields}
    return {key: value for key, value in row.items() if value is not None}


def unlabelled() -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key not in {"label", "planted"}} for row in LINES]


def test_an_office_tries_its_own_models_and_is_told_where_there_are_none(empty: Terminal) -> None:
    refused = judge(empty, "--models", "models")
    assert refused.code != 0
    assert "没有本单位的研判模型" in refused.err
    rows = [
        Row("路灯不亮", NO, 50.0),
        Row("晚霞好看", YES),
    ]  # a model to which hardly anything is of public concern
    model = fit(rows, name=PUBLIC, classes=(NO, YES), least=1)
    (empty.folder / "models").mkdir()
    (empty.folder / "models/public.model").write_bytes(model.dump())
    found = [
        json.loads(judge(empty, "--json", *words).out)["figures"]["found"]["hits"]
        for words in ((), ("--models", "models"))
    ]
    assert found[1] < found[0]


# --- what each text became ------------------------------------------------------------------------------------


def test_every_line_comes_out_in_order_with_every_key(judged: dict[str, dict[str, Any]]) -> None:
    assert list(judged) == [row["id"] for row in LINES]
    assert all(set(row) == OUT_KEYS and row["why"] for row in judged.values())


def test_what_reached_no_matter_has_neither_lead_nor_level(judged: dict[str, dict[str, Any]]) -> None:
    none = [row for row in judged.values() if row["matter"] is None]
    assert {"w04", "w07", "w22"} <= {row["id"] for row in none}
    empty_ones = [(row["relevant"], row["alerted"], row["lead"], row["copies"], row["level"]) for row in none]
    assert set(map(str, empty_ones)) == {str((False, False, None, [], None))}


def test_a_repost_and_a_comment_join_the_matter_without_a_sound(judged: dict[str, dict[str, Any]]) -> None:
    first = judged["w01"]
    assert first["alerted"]
    for id_ in ("w02", "w03", "w05"):
        assert (judged[id_]["matter"], judged[id_]["alerted"]) == (first["matter"], False)
    assert judged["w09"]["matter"] != first["matter"]


def test_a_repost_on_the_same_page_leaves_the_first_text_its_id(empty: Terminal) -> None:
    late = changed(2, published_at="2026-11-09T10:30:00+08:00")
    file = write(empty, LINES[0], LINES[4], late)
    assert empty("judge", file, "--gazetteer", PLACES, "--rules", RULES, "--out", "o.jsonl").code == 0
    rows = [json.loads(row) for row in (empty.folder / "o.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in rows] == ["w01", "w05", "w03"]
    assert len({row["matter"] for row in rows}) == 1
    assert rows[2]["matter"] is not None


def test_an_advert_under_a_matter_is_none(judged: dict[str, dict[str, Any]]) -> None:
    assert judged["w17"]["matter"] is None


def test_a_level_is_that_of_its_moment_and_a_rise_sounds_again(judged: dict[str, dict[str, Any]]) -> None:
    before, rise = judged["w15"], judged["w21"]
    assert before["matter"] == rise["matter"]
    assert (before["level"], judged["w18"]["level"], rise["level"]) == (2, 2, 1)
    assert rise["alerted"]
    assert not judged["w18"]["alerted"]


def test_a_board_is_a_place_of_appeals(judged: dict[str, dict[str, Any]]) -> None:
    # Nothing but the tag 问政, which follows from the kind of the source, leads to the rule of letters.
    assert judged["w12"]["lead"] == "petition"
    assert judged["w15"]["must_answer"]


def test_texts_come_out_as_stored_masked_and_clean(judged: dict[str, dict[str, Any]]) -> None:
    planted = {row["id"]: row["planted"] for row in LINES if "planted" in row}
    assert len(planted) == 2
    for id_, strings in planted.items():
        assert left_over(strings, judged[id_]["title"] + judged[id_]["text"]) == []
    assert "已隐去" in judged["w07"]["text"]
    assert judged["w11"]["text"] == LINES[10]["text"]


def test_the_mood_is_one_of_the_stored_words(judged: dict[str, dict[str, Any]]) -> None:
    assert {row["sentiment"] for row in judged.values()} <= {"negative", "unclear", "not_negative", None}


def test_a_second_run_gives_the_same_lines(empty: Terminal) -> None:
    first = written(empty)
    assert judge(empty, "--out", "again.jsonl").code == 0
    assert (empty.folder / "again.jsonl").read_text(encoding="utf-8") == first


def test_lines_are_taken_in_the_order_of_time(empty: Terminal, judged: dict[str, dict[str, Any]]) -> None:
    file = write(empty, *reversed(LINES))
    assert empty("judge", file, "--gazetteer", PLACES, "--rules", RULES, "--out", "o.jsonl").code == 0
    again = [json.loads(line) for line in (empty.folder / "o.jsonl").read_text(encoding="utf-8").splitlines()]
    assert again == list(judged.values())


def test_texts_need_no_address(empty: Terminal, judged: dict[str, dict[str, Any]]) -> None:
    file = write(empty, *({key: value for key, value in row.items() if key != "url"} for row in LINES))
    assert empty("judge", file, "--gazetteer", PLACES, "--rules", RULES, "--out", "o.jsonl").code == 0
    lines = (empty.folder / "o.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == list(judged.values())


def test_tags_in_the_file_stand_in_place_of_those_that_follow(empty: Terminal) -> None:
    source = {"id": "x", "kind": "feed", "name": "邻家的日记", "tags": ["本县", "媒体"]}
    file = write(empty, changed(11, source=source, title="", text="城东这条路的路灯坏了半个月没人修"))
    assert empty("judge", file, "--gazetteer", PLACES, "--rules", RULES, "--out", "o.jsonl").code == 0
    row = json.loads((empty.folder / "o.jsonl").read_text(encoding="utf-8"))
    assert (row["lead"], row["level"]) == ("publicity", 3)


def test_a_source_named_for_the_county_speaks_of_it(empty: Terminal) -> None:
    named = changed(0, text="自来水厂那边塌方了", title="")
    elsewhere = changed(0, id="z", text="路口红绿灯坏了半个月没人修", title="", source={**LINES[3]["source"]})
    file = write(empty, named, elsewhere)
    assert empty("judge", file, "--gazetteer", PLACES, "--rules", RULES, "--out", "o.jsonl").code == 0
    lines = (empty.folder / "o.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["relevant"] for line in lines] == [True, False]


def test_without_a_gazetteer_the_places_of_the_rules_hold(empty: Terminal) -> None:
    answer = empty("judge", WEEK, "--rules", RULES, "--json")
    assert answer.code == 0
    assert answer.json["figures"]["found"]["value"] < 0.5  # of another county, as far as these rules know


# --- figures --------------------------------------------------------------------------------------------------


def test_figures_are_those_of_the_lines(empty: Terminal, judged: dict[str, dict[str, Any]]) -> None:
    figures = judge(empty, "--pairs", PAIRS, "--json").json["figures"]
    labels = {row["id"]: row["label"] for row in LINES}
    relevant = [id_ for id_, label in labels.items() if label["relevant"]]
    found = [id_ for id_ in relevant if judged[id_]["matter"]]
    leads = [id_ for id_ in relevant if judged[id_]["lead"] == labels[id_]["lead"]]
    levels = [id_ for id_ in relevant if judged[id_]["level"] == labels[id_]["level"]]
    owed = [id_ for id_, label in labels.items() if label["must_answer"]]
    assert (figures["found"]["hits"], figures["found"]["of"]) == (len(found), 19)
    assert (figures["lead_right"]["hits"], figures["level_exact"]["hits"]) == (len(leads), len(levels))
    assert figures["must_answer_recall"]["hits"] == sum(judged[id_]["must_answer"] for id_ in owed)
    assert figures["planted_left"] == {"value": 0.0, "hits": 0, "of": 2}
    assert figures["confused_pairs"]["of"] == 2
    assert figures["found"]["value"] > 0.9
    assert figures["items_per_s"]["value"] > 0


def test_the_table_names_each_figure_and_the_worst_mistakes(empty: Terminal) -> None:
    label = {**LINES[0]["label"], "matter": "W99"}
    idle = changed(
        0,
        id="w99",
        text="今天的云真好看，适合出去拍照",
        title="",
        label=label,
        url="https://forum.example/99",
    )
    file = write(empty, *LINES, {**idle, "published_at": "2026-11-15T23:59:00+08:00"})

    def judge(terminal: Terminal, *words: str) -> Answer:
        return terminal("judge", file, "--gazetteer", PLACES, "--rules", RULES, *words)

    answer = judge(empty)
    assert answer.code == 0
    for told in ("找到的相关信息", "归并 B³ F1", "等级一致", "未隐去的个人信息", "每秒处理条数"):
        assert told in answer.out
    mistakes = judge(empty, "--json").json["worst"]
    assert [row["id"] for row in mistakes["missed"]] == ["w99"]
    assert judge(empty, "--json", "--worst", "0").json["worst"]["missed"] == []
    assert all(f"{row['id']} " in answer.out for row in mistakes["missed"])


def test_without_labels_only_the_lines_are_written(
    empty: Terminal, judged: dict[str, dict[str, Any]]
) -> None:
    file = write(empty, *unlabelled())
    call = ("judge", file, "--gazetteer", PLACES, "--rules", RULES, "--out", "o.jsonl")
    answer = empty(*call)
    assert (answer.code, answer.out) == (0, "")
    assert answer.err == f"逐条结果已存为 o.jsonl（{len(LINES)} 条）。\n"
    written = (empty.folder / "o.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in written] == list(judged.values())
    figures = empty(*call, "--force", "--json").json["figures"]
    assert set(figures) == {"planted_left", "items_per_s"}


def test_without_labels_and_without_out_there_is_nothing_to_do(empty: Terminal) -> None:
    answer = empty("judge", write(empty, *unlabelled()))
    assert (answer.code, answer.out) == (2, "")
    assert "--out" in answer.err


def test_the_rules_of_init_judge_where_none_are_given(empty: Terminal) -> None:
    answer = empty("judge", WEEK, "--gazetteer", PLACES, "--json")
    assert answer.code == 0
    assert answer.json["figures"]["found"]["value"] > 0.5


def test_the_office_beside_the_rules_says_which_channels_there_are(empty: Terminal) -> None:
    assert empty("init").code == 0
    office = empty.folder / "config/office.toml"
    office.write_text(
        office.read_text(encoding="utf-8").replace("[channels.petition]", "[channels.letters]"),
        encoding="utf-8",
    )
    rules = (DATA / "rules.toml").read_text(encoding="utf-8")
    (empty.folder / "config/rules.toml").write_text(
        rules.replace('"petition"', '"letters"'), encoding="utf-8"
    )
    assert judge(empty, "--out", "o.jsonl", rules="config/rules.toml").code == 0
    written = (empty.folder / "o.jsonl").read_text(encoding="utf-8")
    assert '"lead": "letters"' in written


def test_nothing_is_left_behind(empty: Terminal) -> None:
    assert judge(empty, "--json").code == 0
    assert list(empty.folder.iterdir()) == []


# --- what is wrong --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("{not json", ("{not json", "不是 JSON", "一行写一条完整的 JSON")),
        ("[1, 2]", ("[1, 2]", "不是一条记录")),
        (changed(id=None), ("id", "缺少这一项", '请补上 "id"')),
        (changed(source={"kind": "feed"}), ("source.id", "缺少这一项")),
        (changed(source={"id": "x", "kind": "blog"}), ("source.kind", "blog", "feed、comments、board")),
        (changed(published_at="昨天"), ("published_at", "昨天", "2026-11-21T08:30:00+08:00")),
        (changed(published_at=1794182400), ("published_at", "1794182400", "读不出这个时间")),
        (changed(published_at="2026-13-09T08:00:00+08:00"), ("2026-13-09", "读不出这个时间")),
        (changed(published_at="2026-11-09T08:00:00"), ("published_at", "缺少时区")),
        (changed(published_at="0001-01-01T00:00:00+08:00"), ("published_at", "年份不合情理")),
        (changed(counts={"views": -5}), ("counts.views", "-5", "不小于 0")),
        (changed(title="", text=" "), ("title 和 text 都是空的",)),
        (changed(label={"relevant": True, "level": 7}), ("label.level", "7", "不大于 4")),
    ],
    ids=[
        "no-json",
        "no-record",
        "no-id",
        "no-source-id",
        "unknown-kind",
        "no-date",
        "a-number",
        "month-thirteen",
        "no-zone",
        "year-one",
        "negative-count",
        "empty",
        "level-seven",
    ],
)
def test_a_wrong_line_is_named_with_its_number_value_and_cure(
    empty: Terminal, row: object, told: tuple[str, ...]
) -> None:
    answer = empty("judge", write(empty, LINES[1], row), "--out", "o.jsonl")
    assert (answer.code, answer.out) == (1, "")
    assert "week.jsonl:2" in answer.err
    assert all(word in answer.err for word in told)
    assert not (empty.folder / "o.jsonl").exists()


def test_all_wrong_lines_are_told_at_once(empty: Terminal) -> None:
    answer = empty("judge", write(empty, "x", LINES[0], "y", changed(1, published_at="z")))
    assert "有 3 处问题" in answer.err
    assert all(f"week.jsonl:{number}" in answer.err for number in (1, 3, 4))


def test_a_flood_of_wrong_lines_is_counted(empty: Terminal) -> None:
    answer = empty("judge", write(empty, *["x"] * 50))
    assert "有 50 处问题" in answer.err
    assert "另有 30 处" in answer.err


def test_an_id_twice_names_both_lines(empty: Terminal) -> None:
    answer = empty("judge", write(empty, LINES[0], LINES[1], LINES[0]))
    assert "week.jsonl:3" in answer.err
    assert "与第 1 行的编号相同" in answer.err


def test_labels_on_some_lines_only_are_refused(empty: Terminal) -> None:
    answer = empty("judge", write(empty, LINES[0], changed(1, label=None)))
    assert answer.code == 1
    assert "week.jsonl:2" in answer.err
    assert "没有标注" in answer.err


@pytest.mark.parametrize(
    ("option", "content", "told"),
    [
        ("--gazetteer", "{", "不是 JSON"),
        ("--gazetteer", '[{"name": "东湖小区"}]', "[第1个].kind：缺少这一项"),
        ("--gazetteer", '[{"name": "东湖小区", "kind": "小区"}]', "一个也没有"),
        ("--gazetteer", '[{"name": "甲县", "kind": "本县"}, {"name": "乙县", "kind": "本县"}]', "甲县、乙县"),
        ("--pairs", '[["W1"]]', "[第1个][第2个]：缺少这一项"),
        ("--rules", 'county = "甲县', "语法"),
    ],
    ids=["no-json", "no-kind", "no-county", "two-counties", "half-a-pair", "rules"],
)
def test_another_wrong_file_is_told_before_anything_is_done(
    empty: Terminal, option: str, content: str, told: str
) -> None:
    (empty.folder / "other").write_text(content, encoding="utf-8")
    answer = empty("judge", WEEK, option, "other", "--out", "o.jsonl")
    assert (answer.code, answer.out) == (2 if option == "--rules" else 1, "")
    assert "other" in answer.err
    assert told in answer.err
    assert not (empty.folder / "o.jsonl").exists()


def test_a_file_that_is_there_is_kept_unless_forced(empty: Terminal) -> None:
    (empty.folder / "o.jsonl").write_text("kept", encoding="utf-8")
    assert judge(empty, "--out", "o.jsonl").code == 1
    assert (empty.folder / "o.jsonl").read_text(encoding="utf-8") == "kept"
    assert judge(empty, "--out", "o.jsonl", "--force").code == 0
    assert len((empty.folder / "o.jsonl").read_text(encoding="utf-8").splitlines()) == len(LINES)


def test_the_file_that_is_read_is_never_written(empty: Terminal) -> None:
    file = write(empty, *LINES)
    before = (empty.folder / file).read_bytes()
    answer = empty("judge", file, "--out", f"./{file}", "--force")
    assert answer.code == 2
    assert (empty.folder / file).read_bytes() == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("absent.jsonl",), "没有文件 absent.jsonl"),
        ((WEEK, "--gazetteer", "absent"), "没有文件 absent"),
        ((WEEK, "--out", "absent/o.jsonl"), "没有这个文件夹"),
    ],
    ids=["week", "gazetteer", "folder"],
)
def test_a_file_that_is_not_there_is_named(empty: Terminal, words: tuple[str, ...], told: str) -> None:
    answer = empty("judge", *words)
    assert answer.code == 1
    assert told in answer.err


def test_an_empty_file_is_told(empty: Terminal) -> None:
    answer = empty("judge", write(empty, "", " "))
    assert answer.code == 1
    assert "没有一行内容" in answer.err
