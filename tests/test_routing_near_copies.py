"""Edited copies are found among many texts, and the same ones at every start."""

import random
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz import fuzz

from routing.near_copies import NearCopies, _may_hold
from routing.normal import letters, numbers
from routing.traces import Trace

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
WORDS = tuple(
    re.findall(
        r"\S+",
        "县城 道路 群众 反映 学校 停车 困难 部门 处理 供水 小区 物业 电梯 维修 公交 线路 调整 夜间 施工 噪音 路灯 垃圾 清运 "
        "现场 查看 说明 天气 农产品 丰收 销售 图书馆 开放 居民 满意 招生 报名 材料 社保 办理 窗口 排队 暖气 阀门 雨棚 台阶 护栏",
    )
)


def trace(number: int, text: str, *, case: int | None = None, hours: float = 0) -> Trace:
    return Trace(
        item_id=number,
        case_id=case,
        source_id="forum",
        external_id=str(number),
        parent_id=None,
        fingerprint=str(number),
        normal_title="",
        normal_text=text,
        places=frozenset(),
        numbers=numbers(text),
        topic=None,
        at=NOW + timedelta(hours=hours),
    )


def parts(text: str) -> tuple[str, str]:
    return "", letters(text)


def stocked(texts: list[str]) -> NearCopies:
    copies = NearCopies()
    for number, text in enumerate(texts, 1):
        copies.add(trace(number, text, case=number), parts(text))
    return copies


def invented(count: int) -> list[str]:
    chance = random.Random(7)
    return ["".join(chance.sample(WORDS, 14)) for _ in range(count)]


def originals(copies: NearCopies, text: str, hours: float = 0) -> list[int]:
    return [old.item_id for old, _, _ in copies.find(trace(9_999, text, hours=hours), parts(text))]


def test_nearly_all_edited_copies_are_found_and_little_else() -> None:
    texts = invented(400)
    copies = stocked(texts)
    edits = (lambda t: t[:-3], lambda t: f"转：{t}", lambda t: f"{t}求扩散", lambda t: t[:10] + t[12:])
    found = [originals(copies, edits[number % 4](text)) for number, text in enumerate(texts)]
    right = sum(number in items for number, items in enumerate(found, 1))
    assert right >= 0.97 * len(texts)
    assert sum(map(len, found)) <= right + 4


def test_another_figure_is_another_text() -> None:
    copies = stocked(["今天早上12路公交车又停了一上午没人管"])
    assert originals(copies, "今天早上12路公交车又停了一上午没人管啊") == [1]
    assert originals(copies, "今天早上15路公交车又停了一上午没人管") == []


def test_a_text_that_was_let_go_is_no_original_any_more() -> None:
    text = "胜利路路口的大坑三个月没人补"
    copies = stocked([text])
    copies.add(trace(1, text, case=1), parts(text))
    assert len(copies) == 1
    copies.forget(NOW)
    assert originals(copies, text) == [1]
    copies.remove(1)
    copies.remove(1)
    assert originals(copies, text) == []
    copies.add(trace(2, text, case=1), parts(text))
    copies.forget(NOW + timedelta(seconds=1))
    assert len(copies) == 0
    assert originals(copies, text) == []


def test_a_text_that_thousands_repeat_does_not_fill_the_index() -> None:
    copies = NearCopies()
    for number in range(1, 500):
        text = f"胜利路路口的大坑三个月没人补，已经是第{number}次说了"
        copies.add(trace(number, text, case=1), parts(text))
    assert len(copies) < 100


def test_words_that_everybody_says_are_no_copy() -> None:
    assert originals(stocked(["暖气不热"]), "暖气不热") == []


def test_signatures_are_the_same_in_every_process() -> None:
    script = "import rensa; made = rensa.RMinHash(8, 42); made.update(['停水', '水通', '通知']); print(made.digest())"
    said = {
        subprocess.run(
            [sys.executable, "-c", script],
            check=True,
            capture_output=True,
            text=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1


@given(
    st.text("停水了通知", min_size=8, max_size=160),
    st.lists(st.tuples(st.integers(0, 160), st.sampled_from(["", "了", "停水"])), max_size=4),
    st.text("停水了通知", max_size=60),
)
def test_whatever_holds_another_text_may_hold_it(
    text: str, changes: list[tuple[int, str]], before: str
) -> None:
    other = text
    for at, sign in changes:
        other = other[:at] + sign + other[at + 1 :]
    longer = before + other
    if fuzz.partial_ratio(text, longer, score_cutoff=99.0):
        assert _may_hold(text, longer)
