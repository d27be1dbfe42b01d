"""The starter set: invented, labelled texts and words of this field, for the first day of an office. Reads, fits nothing.

`voices.csv` and `notices.csv` hold a text a row, `words.csv` words that say by themselves how a text is meant, `subjects.csv`
words that name a subject area, `weeks.csv` what whole invented weeks of nine counties say of public concern, of the
lead and of the duty to answer. All were written for this project; no text
of another person is in them, so what is fitted on them may be given away.
"""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from routing.errors import ConfigError, Problem

TEXT_FILES = ("voices.csv", "notices.csv")
WORD_FILE = "words.csv"
SUBJECT_FILE = "subjects.csv"
WEEK_FILE = "weeks.csv"
COLUMNS = ("title", "text", "source", "kind", "sentiment", "subject", "public", "lead", "must_answer")
SENTIMENTS = ("negative", "neutral", "positive")
SUBJECTS = (
    "城乡建设",
    "交通运输",
    "教育文体",
    "劳动和社会保障",
    "环境保护",
    "商贸旅游",
    "卫生计生",
    "农业农村",
    "公安司法",
    "政务服务",
    "国土资源",
    "民政",
    "市场监管",
    "水电气暖",
    "物业住房",
    "医疗保障",
    "应急消防",
    "城市管理",
    "党务纪检",
    "科技信息",
    "经济金融",
    "其他",
)
"""Buttons that stand in chats name an area by its place here, so a new one goes to the end."""
_yes_no = ("yes", "no")
_allowed: Mapping[str, Sequence[str]] = {
    "source": ("feed", "comments", "board", "official", "hotlist"),
    "kind": (
        "complaint",
        "chat",
        "notice",
        "question",
        "media",
        "praise",
        "rumour",
        "ad",
        "incident",
        "suggestion",
        "other",
    ),
    "sentiment": SENTIMENTS,
    "subject": SUBJECTS,
    "public": _yes_no,
    "lead": ("security", "petition", "publicity", "network", "office", ""),
    "must_answer": _yes_no,
}
_cure = "请改正这一行"


@dataclass(frozen=True, slots=True)
class Example:
    """One text of the starter set. `lead`: the channel that should lead, empty where `public` is false."""

    title: str
    text: str
    source: str
    kind: str
    sentiment: str
    subject: str
    public: bool
    lead: str
    must_answer: bool

    @property
    def whole(self) -> str:
        """Title and text as a scorer is given them."""
        return "\n".join(part for part in (self.title, self.text) if part)


@cache
def rows() -> tuple[Example, ...]:
    """Give all texts, in the order of the files. Raises ConfigError with every fault."""
    problems: list[Problem] = []
    found = [example for name in TEXT_FILES for example in read_texts(_content(name), name, problems)]
    if problems:
        raise ConfigError(problems)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Seen:
    """One text of an invented week. `lead`: who leads from this text on, empty where it changed nothing.

    `must_answer`: whether its matter, as it stands with this text, must be answered.
    """

    week: str
    title: str
    text: str
    source: str
    public: bool
    lead: str
    must_answer: bool

    @property
    def whole(self) -> str:
        """Title and text as a model is given them."""
        return "\n".join(part for part in (self.title, self.text) if part)


@cache
def weeks() -> tuple[Seen, ...]:
    """Give the texts of the invented weeks; written by `tests/bench/starter_weeks.py`, so nobody edits them by hand."""
    reader = csv.DictReader(io.StringIO(_content(WEEK_FILE), newline=""))
    return tuple(
        Seen(
            row["week"],
            row["title"],
            row["text"],
            row["source"],
            row["public"] == "yes",
            row["lead"],
            row["must_answer"] == "yes",
        )
        for row in reader
    )


@cache
def words() -> tuple[tuple[str, str], ...]:
    """Give (word, sentiment) in the order of the file, no word twice. Raises ConfigError with every fault."""
    found: dict[str, str] = {}
    problems = []
    reader = csv.DictReader(io.StringIO(_content(WORD_FILE)))
    for row in reader:
        if row["sentiment"] not in SENTIMENTS:
            problems.append(
                Problem(WORD_FILE, reader.line_num, "sentiment", row["sentiment"], "没有这个值", _cure)
            )
        for word in row["words"].split():
            if found.setdefault(word, row["sentiment"]) != row["sentiment"]:
                reason = f"已经列为 {found[word]}"
                problems.append(Problem(WORD_FILE, reader.line_num, "words", word, reason, "请只留一处"))
    if problems:
        raise ConfigError(problems)
    return tuple(found.items())


@cache
def subject_words() -> tuple[tuple[str, str], ...]:
    """Give (word, subject area) in the order of the file. Raises ConfigError with every area that is none."""
    reader = csv.DictReader(io.StringIO(_content(SUBJECT_FILE)))
    rows = [(reader.line_num, row["subject"], row["words"].split()) for row in reader]
    problems = [
        Problem(SUBJECT_FILE, line, "subject", area, "没有这个值", _cure)
        for line, area, _ in rows
        if area not in SUBJECTS
    ]
    if problems:
        raise ConfigError(problems)
    return tuple((word, area) for _, area, words in rows for word in words)


def sources_hash() -> str:
    """Name the content of all files: a model says by it what it was fitted on."""
    digest = hashlib.sha256()
    for name in (*TEXT_FILES, WORD_FILE, SUBJECT_FILE, WEEK_FILE):
        digest.update(_content(name).encode())
    return digest.hexdigest()[:16]


def read_texts(content: str, name: str, problems: list[Problem]) -> Iterator[Example]:
    """Read one file; what is wrong with a row goes to `problems`."""
    reader = csv.DictReader(io.StringIO(content, newline=""))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        reason = f"表头应为 {','.join(COLUMNS)}"
        problems.append(Problem(name, 1, "表头", ",".join(reader.fieldnames or ()), reason, "请改正表头"))
        return
    for row in reader:
        faults = list(_faults(row))
        if faults:
            problems += [Problem(name, reader.line_num, *fault, _cure) for fault in faults]
            continue
        yield Example(
            title=row["title"].strip(),
            text=row["text"].strip(),
            source=row["source"],
            kind=row["kind"],
            sentiment=row["sentiment"],
            subject=row["subject"],
            public=row["public"] == "yes",
            lead=row["lead"],
            must_answer=row["must_answer"] == "yes",
        )


def _faults(row: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    if len(row) != len(COLUMNS) or None in row.values():
        yield "列数", "", f"应为 {len(COLUMNS)} 列"
        return
    for column, allowed in _allowed.items():
        if row[column] not in allowed:
            yield column, row[column], "没有这个值"
    if not row["title"].strip() and not row["text"].strip():
        yield "text", "", "标题和正文都是空的"
    if (row["public"] == "no") != (row["lead"] == ""):
        yield "lead", row["lead"], "public 为 yes 时要有牵头渠道，为 no 时应为空"


def _content(name: str) -> str:
    return (files(__name__) / name).read_text(encoding="utf-8")
