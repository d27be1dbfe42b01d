"""A row of an older ledger (旧台账) -> what is taken over of a matter, or every problem of the row. Pure.

All texts are masked here, before anything else sees them. What a cell says that cannot be is a problem, with its cure;
what had to be decided for it is a remark. Columns of persons are not even read.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from datetime import time as time_of_day
from itertools import pairwise
from typing import Protocol

from routing.deciding import is_public_link
from routing.errors import Problem
from routing.grid import Cell, Row, Sheet, Unread, text_of
from routing.legacy_form import Column, Field, Head
from routing.legacy_words import (
    MERGED_WORDS,
    STATES_TOLD,
    channel_of,
    folded,
    is_eaten,
    key_of,
    level_of,
    serial_day,
    state_in_front,
    state_of,
)
from routing.office import Channel, Level
from routing.workflow import ENDED, STATE_NAMES, State

TITLE_MAX, WORDS_MAX, TEXT_MAX, LINK_MAX = 60, 120, 4_000, 2_000
"""Letters that are kept of a title, of a short field, of a long text, of a link; project default."""
VALUE_SHOWN = 40

_DISPATCHED = frozenset({State.TO_SIGN, State.RETURNED, State.HANDLING, State.ANSWERED})
_LONG = frozenset({Field.SUMMARY, Field.ANSWER, Field.ONLINE, Field.OFFLINE, Field.NOTE})
_TIMES = (Field.PUBLISHED, Field.FOUND, Field.SENT, Field.SIGNED, Field.ANSWERED, Field.CLOSED, Field.DUE)
_COUNTS = (Field.VIEWS, Field.REPOSTS, Field.COMMENTS)
_ORDER = (Field.SENT, Field.SIGNED, Field.CLOSED)


class Dated(Protocol):
    """A date as it was read: None where it cannot be believed, and why (Chinese)."""

    @property
    def at(self) -> datetime | None:
        """The instant, aware."""

    @property
    def note(self) -> str:
        """Why there is none."""


@dataclass(frozen=True, slots=True)
class Means:
    """What reading a row needs from outside. `now` aware; `zone` is the office's: what a sheet says is said there.

    `read_date`: a text and up to when a date may lie; `count`: a number of people as it is written, None for none;
    `mask`: the text without personal data, and the kinds found; `is_marked`: bears a secrecy mark (密级标识).
    `headings` and `renamed`: what a person said of strange headings and of words for channels.
    """

    now: datetime
    channels: Mapping[str, Channel]
    zone: tzinfo
    read_date: Callable[[str, datetime], Dated]
    count: Callable[[str], int | None]
    mask: Callable[[str], tuple[str, tuple[str, ...]]]
    is_marked: Callable[[str], bool]
    names_person: Callable[[str], bool]
    headings: Mapping[str, Field] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OldMatter:
    """One matter of an older ledger, masked. Instants are aware; `said` holds every field as text, by its heading.

    `key` names it for good: the same matter in another file has the same. `digest`: of all that is said of it. `channel`
    empty: it names none.
    """

    sheet: str
    row: int
    key: str
    number: str
    title: str
    text: str
    url: str
    level: Level
    channel: str
    unit: str
    state: State
    opened_at: datetime
    times: Mapping[Field, datetime]
    counts: Mapping[Field, int]
    said: Mapping[str, str]
    masked: tuple[str, ...]
    digest: str

    @property
    def is_open(self) -> bool:
        """Tell whether somebody still has to do something for it."""
        return self.state not in ENDED


@dataclass(frozen=True, slots=True)
class Remark:
    """What was decided for a cell, or left out of it (Chinese), and in which row."""

    text: str
    sheet: str
    row: int


def place_of(file: str, sheet: str) -> str:
    """Name a sheet of a file, as problems do."""
    return f"{file}［{sheet}］" if sheet else file


class RowReader:
    """Reads one row."""

    def __init__(self, file: str, sheet: Sheet, row: Row, head: Head, means: Means) -> None:
        self._file = place_of(file, sheet.name)
        self._sheet = sheet
        self._row = row
        self._head = head
        self._means = means
        self._kinds: set[str] = set()
        self.problems: list[Problem] = []
        self.remarks: list[Remark] = []

    def matter(self) -> OldMatter | None:
        """Read the row; None with at least one problem."""
        for column in self._head.columns:
            cell = self._cell(column.field)
            if isinstance(cell, Unread):
                self._complain(column.field, cell.why, "请在表格软件里打开、保存一次，或把公式换成值")
        words = {which: self._words(which) for which in Field if which not in {*_TIMES, *_COUNTS}}
        times = {which: at for which in _TIMES if (at := self._time(which)) is not None}
        counts = {which: count for which in _COUNTS if (count := self._count(which)) is not None}
        title = words[Field.TITLE] or words[Field.SUMMARY]
        if not title:
            self._complain(Field.TITLE, "没有标题，也没有摘要", "请补上标题；空行请删去")
        number = self._number(words[Field.NUMBER])
        level = self._level(words[Field.LEVEL])
        state = self._state(words, times)
        channel = self._channel(words, state)
        opened = min(
            (times[w] for w in (Field.PUBLISHED, Field.FOUND, Field.SENT) if w in times), default=None
        )
        opened = opened or min((at for which, at in times.items() if which is not Field.DUE), default=None)
        if opened is None and not any(problem.reason.startswith("日期") for problem in self.problems):
            self._complain(Field.PUBLISHED, "没有任何日期", "发布时间、发现时间、交办时间至少写一个")
        if self.problems or opened is None or state is None:
            return None
        url = self._link(words)
        self._check_order(times)
        said = {which.value: text for which, text in (words | {Field.URL: url}).items() if text}
        said |= {which.value: f"{at:%Y-%m-%d %H:%M}" for which, at in times.items()}
        said |= {which.value: str(count) for which, count in counts.items()}
        said[Field.STATE.value] = STATE_NAMES[state]
        digest = hashlib.sha256(json.dumps(said, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[
            :32
        ]
        if self._kinds:
            self._remark(f"隐去了{'、'.join(sorted(self._kinds))}")
        return OldMatter(
            sheet=self._sheet.name,
            row=self._row.number,
            key=key_of(number, opened) if number else f"row:{_first_words(said)}",
            number=number,
            title=_cut(" ".join(title.split()), TITLE_MAX),
            text=words[Field.SUMMARY] or words[Field.TITLE],
            url=url,
            level=level or Level.IV,
            channel=channel,
            unit=words[Field.UNIT],
            state=state,
            opened_at=opened,
            times=times,
            counts=counts,
            said=said,
            masked=tuple(sorted(self._kinds)),
            digest=digest,
        )

    # -- cells -------------------------------------------------------------------------------------------------

    def _cell(self, which: Field) -> Cell:
        column = self._head.column(which)
        cells = self._row.cells
        return cells[column.place] if column is not None and column.place < len(cells) else None

    def _words(self, which: Field) -> str:
        """Give a cell as masked text: a long one with its lines, any other on one line."""
        cell = self._cell(which)
        if isinstance(cell, (datetime, date)) and which is not Field.NUMBER:
            cell = f"{cell:%Y-%m-%d}"
        text = text_of(cell)
        if which is Field.URL:
            return text[:LINK_MAX]
        text = "\n".join(" ".join(line.split()) for line in text.splitlines() if line.strip())
        if which not in _LONG:
            text = " ".join(text.split())
        masked, kinds = self._means.mask(text) if text else ("", ())
        self._kinds.update(kinds)
        most = TEXT_MAX if which in _LONG else WORDS_MAX
        if len(masked) > most:
            self._remark(f"{which.value}超过 {most} 字，截去了后面的")
        return masked[:most]

    def _time(self, which: Field) -> datetime | None:
        cell = self._cell(which)
        if isinstance(cell, datetime):
            return self._believed(which, cell.replace(tzinfo=cell.tzinfo or self._means.zone))
        if isinstance(cell, time_of_day):
            self._complain(which, "日期只有时刻，没有年月日", "写成 2025-01-06 08:30")
            return None
        if isinstance(cell, date):
            midnight = datetime(cell.year, cell.month, cell.day, tzinfo=self._means.zone)
            return self._believed(which, midnight)
        text = folded(text_of(cell))
        if not text or text in {"-", "—", "/", "无", "未", "暂无", "无日期"}:
            return None
        serial = serial_day(text, self._means.zone, is_1904=self._sheet.is_1904)
        if serial is not None:
            return self._believed(which, serial)
        read = self._means.read_date(text, self._latest(which))
        if read.at is None:
            self._complain(which, read.note.partition("：")[0], "写成 2025-01-06 08:30 或 2025年1月6日")
        return read.at and read.at.astimezone(self._means.zone)

    def _latest(self, which: Field) -> datetime:
        return self._means.now + timedelta(days=3650) if which is Field.DUE else self._means.now

    def _believed(self, which: Field, at: datetime) -> datetime | None:
        if at > self._latest(which) + timedelta(minutes=10):
            self._complain(which, "日期在将来", "请核对年份")
        elif at.year < 2000:
            self._complain(which, "日期过早", "请核对年份")
        else:
            return at
        return None

    def _count(self, which: Field) -> int | None:
        cell = self._cell(which)
        text = folded(text_of(cell))
        if not text or text in {"-", "—", "/", "无"}:
            return None
        count = self._means.count(text.removesuffix(".0"))
        if count is None:
            self._complain(which, "不是数", "写成 12000 或 1.2万；没有就空着")
        return count

    # -- what they mean ----------------------------------------------------------------------------------------

    def _number(self, text: str) -> str:
        if is_eaten(self._cell(Field.NUMBER)):
            cure = "后几位已经丢失：请把这一列设为“文本”格式，从原始记录重新填写编号"
            self._complain(Field.NUMBER, "长编号被表格软件改成了科学计数", cure)
        if self._means.mask(text_of(self._cell(Field.NUMBER)))[
            1
        ]:  # what is left of it is the same for everybody
            self._remark("编号像个人信息，已隐去，按内容认这一件")
            return ""
        return folded(text)

    def _level(self, text: str) -> Level | None:
        level = level_of(text) if text else None
        if text and level is None:
            self._complain(Field.LEVEL, "不认识的等级", "写 Ⅰ、Ⅱ、Ⅲ、Ⅳ，或 特别重大、重大、较大、一般")
        if not text:
            self._remark("没有写等级，按Ⅳ级")
        return level

    def _state(self, words: Mapping[Field, str], times: Mapping[Field, datetime]) -> State | None:
        text = words[Field.STATE]
        by_dates = _by_dates(times)
        if not text:
            return state_in_front(words[Field.ONLINE]) or by_dates
        if folded(text) in MERGED_WORDS:
            self._complain(Field.STATE, "已合并的没有自己的去处", "删去这一行，或把状态改为 已归档")
            return None
        state = state_of(text)
        if state is None:
            self._complain(Field.STATE, "不认识的状态", f"可写：{STATES_TOLD}；或空着，按各时间栏判断")
        elif state not in ENDED and Field.CLOSED in times:
            self._complain(Field.STATE, "状态还没有办结，却写了办结时间", "请核对这两列")
            return None
        return state

    def _channel(self, words: Mapping[Field, str], state: State | None) -> str:
        means = self._means
        for which in (Field.CHANNEL, Field.UNIT):
            if words[which]:
                found = channel_of(words[which], means.channels, means.renamed)
                if found is not None:
                    return found
        told = "、".join(channel.name for channel in means.channels.values())
        if words[Field.CHANNEL]:
            cure = f"本台的渠道有 {told}；或加 --channel {folded(words[Field.CHANNEL])}=渠道名"
            self._complain(Field.CHANNEL, "不认识的归口类别", cure)
        elif state in _DISPATCHED:
            self._complain(Field.CHANNEL, "已交办的要写明归口", f"写 {told} 之一")
        return ""

    def _link(self, words: Mapping[Field, str]) -> str:
        url = words[Field.URL].strip()
        if not url or (is_public_link(url) and not any(letter.isspace() for letter in url)):
            return url
        self._remark("链接栏不是公开链接，没有导入")
        return ""

    def _check_order(self, times: Mapping[Field, datetime]) -> None:
        for first, second in pairwise(_ORDER):
            if first in times and second in times and times[second].date() < times[first].date():
                self._remark(f"{second.value}早于{first.value}，照原样导入，请核对")

    # -- telling -----------------------------------------------------------------------------------------------

    def _complain(self, which: Field, reason: str, cure: str) -> None:
        column = self._head.column(which) or Column(0, which.value, which)
        known = self._head.column(which) is not None
        where = column.where if known else which.value
        # Masked whole: of a number that is cut in two nobody knows any more what it was.
        shown = _cut(self._means.mask(" ".join(text_of(self._cell(which)).split()))[0], VALUE_SHOWN)
        self.problems.append(Problem(self._file, self._row.number, where, shown, reason, cure))

    def _remark(self, text: str) -> None:
        self.remarks.append(Remark(text, self._sheet.name, self._row.number))


def _by_dates(times: Mapping[Field, datetime]) -> State:
    """Say how far a matter is by the last of its dates."""
    for which, state in (
        (Field.CLOSED, State.CLOSED),
        (Field.ANSWERED, State.ANSWERED),
        (Field.SIGNED, State.HANDLING),
        (Field.SENT, State.TO_SIGN),
    ):
        if which in times:
            return state
    return State.JUDGING


def _first_words(said: Mapping[str, str]) -> str:
    """Name a row without a number by what does not change while a matter is handled."""
    lasting = (Field.TITLE, Field.SUMMARY, Field.URL, Field.PLATFORM, Field.PUBLISHED, Field.FOUND)
    text = json.dumps([said.get(which.value, "") for which in lasting], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
