"""Pages of the own portal under watch: one that must not change, a column that must have news. Pure; gives no items.

A page is compared with the one that was approved, in what people and search engines read of it and in the foreign
addresses it leads to; a column is asked when it last had news. What either remembers is `Parsed.memory`. Both have to
be read in every round, also where the bytes are as before: time passes, and an approval may have come.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, NamedTuple

from monitors.dates import read_date
from monitors.feeds import parse_feed
from monitors.markup import Line, Scan, host_of, scan, settled
from monitors.masking import mask
from monitors.parsed import Parsed, unread
from monitors.sources import Source
from monitors.texts import decode
from routing.items import Ailment, Fault, Symptom

max_text = 200_000
"""Letters of a page that are remembered; of what stands behind them only a digest is."""
max_detail = 300
max_seen = 5_000


def read_page(
    body: bytes, content_type: str, source: Source, now: datetime, memory: str | None = None
) -> Parsed:
    """Read a watched page by the kind of its source, `page` or `column`. Never raises on any body.

    `now` is aware. `memory` is that of the last round, None at first sight.
    """
    read = _column if source.kind == "column" else _page
    return read(body, content_type, source, now, _recalled(memory))


def _recalled(memory: str | None) -> dict[str, Any]:
    try:
        kept = json.loads(memory or "{}")
    except (ValueError, RecursionError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _dumped(memory: Mapping[str, Any]) -> str:
    return json.dumps(memory, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _digest(text: str, letters: int = 32) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:letters]


# --- a page that must not change ---

_cure = "如是本单位改版，运行 yuqing sources approve {id}；否则立即处置：先下线页面、保留证据，再报告"


@dataclass(frozen=True, slots=True)
class _Face:
    """What is compared of a page: its lines, personal data masked, and its foreign addresses, on a day of the zone."""

    title: str
    lines: tuple[str, ...]
    links: tuple[str, ...]
    day: date

    def kept(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "lines": list(self.lines),
            "links": list(self.links),
            "day": self.day.isoformat(),
        }


def _page(body: bytes, content_type: str, source: Source, now: datetime, memory: Mapping[str, Any]) -> Parsed:
    decoded = decode(body, content_type, source.encoding)
    face = _face(decoded.text, body, source, now)
    approved = _approved(memory)
    is_blank = not face.lines and not face.links
    if approved is None and is_blank:
        return unread(
            Fault.UNREADABLE,
            "网页里没有文字，没有可以比对的内容",
            "请在浏览器核对；若是框架页，请把 url 改成框架里的网址",
            charset=decoded.charset,
        )
    if approved is None or (memory.get("approve") is True and not is_blank):
        first = "首次查看" if approved is None else "已按要求重新核准"
        note = f"{first}，今后以现在的页面（标题“{face.title[:40] or '无'}”）为准"
        memory = {"approved": face.kept()}
        return Parsed(notes=(note,), charset=decoded.charset, memory=_dumped(memory))
    change = _change(approved, face)
    kept = _dumped(memory)
    if change is None:
        return Parsed(charset=decoded.charset, memory=kept)
    symptom = Symptom(Ailment.TAMPERED, _told(change), _cure.format(id=source.id), change.mark())
    return Parsed(symptoms=(symptom,), charset=decoded.charset, memory=kept)


def _approved(memory: Mapping[str, Any]) -> _Face | None:
    kept = memory.get("approved")
    if not isinstance(kept, dict):
        return None
    try:
        day = date.fromisoformat(kept["day"])
        return _Face(str(kept["title"]), tuple(kept["lines"]), tuple(kept["links"]), day)
    except (TypeError, KeyError, ValueError):
        return None


def _face(text: str, body: bytes, source: Source, now: datetime) -> _Face:
    day = now.astimezone(source.zone).date()
    if body.startswith(b"%PDF-") or "\0" in text[:4096]:
        line = f"（不是网页，{len(body)} 字节，摘要 {hashlib.sha256(body).hexdigest()[:16]}）"
        return _Face("", (line,), (), day)
    page = scan(text, source.url)
    lines = _bounded([_steady(line.text) for line in page.lines])
    return _Face(mask(page.title).text, lines, _foreign(page, source), day)


def _impersonal(line: str) -> str:
    """Mask a line; a digest stands for what was masked, so that another number in its place is still a change."""
    masked = mask(line)
    return f"{masked.text}‹{_digest(line, 8)}›" if masked.kinds else line


def _bounded(lines: Sequence[str]) -> tuple[str, ...]:
    letters = 0
    kept: list[str] = []
    for number, line in enumerate(lines):
        letters += len(line)
        if letters > max_text:
            rest = "\n".join(lines[number:])
            return (*kept, f"（其后 {len(rest)} 字只记摘要 {_digest(rest, 16)}）")
        kept.append(_impersonal(line))
    return tuple(kept)


def _foreign(page: Scan, source: Source) -> tuple[str, ...]:
    own = host_of(source.url).removeprefix("www.")
    hosts = {address: host_of(address) for address in page.addresses}
    return tuple(
        sorted(
            {
                address.partition("://")[2]
                for address, host in hosts.items()
                if host and host != own and not host.endswith(f".{own}")
            }
        )
    )


# Counters and clocks differ on each reading. Only the figures beside such a word are let go, not those of the line.
_figure = r"\d[\d,.]{0,20}(?:\s?[万亿])?"
_moment = r"[\d年月日时分秒:：/.\-\s]{1,30}(?:(?:星期|周)[一二三四五六日天])?"
_steadying = (
    re.compile(
        rf"((?:访问|浏览|点击|阅读|播放|下载|人气|在线)[量次人数总共已为约:：(（ ]{{0,8}}|您是第 ?)({_figure})"
    ),
    re.compile(rf"(?<![\d.,])()({_figure})(?=\s?(?:人?次)?(?:访问|浏览|点击|阅读|播放|下载|在线))"),
    re.compile(rf"((?:当前|现在|系统|北京|服务器|本地)(?:的)?(?:时间|日期)[:：]?\s?(?:是|为)?)({_moment})"),
    re.compile(r"((?:页面)?(?:执行|加载|处理)(?:时间|耗时|用时)?[:：]?\s?)(\d[\d.]{0,20})"),
)


def _steady(line: str) -> str:
    for pattern in _steadying:
        line = pattern.sub(r"\1#", line)
    return line


# A banner with the date of today changes each night. Dates are let go only where the approved page had the date of
# its day in that place, and the present one has that of today; a page from a cache is one day behind.
_today_mark = "‹今日›"
_dated = re.compile(
    r"(?:(?P<year>\d{4}) ?[年./-] ?(?P<month>\d{1,2}) ?[月./-] ?(?P<day>\d{1,2}) ?日?"
    r"|(?P<bare_month>\d{1,2}) ?月 ?(?P<bare_day>\d{1,2}) ?日)"
    r"(?:[ ,，]?[(（]?(?:星期|周)[一二三四五六日天][)）]?)?(?: ?\d{1,2}:\d{2}(?::\d{2})?)?"
)


def _undated(line: str, today: date) -> str:
    def replaced(found: re.Match[str]) -> str:
        month, day = found["month"] or found["bare_month"], found["day"] or found["bare_day"]
        for near in (today, today - timedelta(days=1)):
            if (int(month), int(day)) == (near.month, near.day) and int(
                found["year"] or near.year
            ) == near.year:
                return _today_mark
        return found[0]

    return _dated.sub(replaced, line)


class _Change(NamedTuple):
    """How a page differs from the approved one; `all_new`: not a line of it is left."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    links: tuple[str, ...]
    titles: tuple[str, str]
    all_new: bool

    def mark(self) -> str:
        return _digest("\n".join([*sorted(self.added), "", *sorted(self.removed), "", *self.links]))


def _change(approved: _Face, face: _Face) -> _Change | None:
    """Compare the lines whatever their order, for blocks move; None: nothing to tell of."""
    before, now = Counter(approved.lines), Counter(face.lines)
    added, removed = _but_for_today(
        list((now - before).elements()), face.day, list((before - now).elements()), approved.day
    )
    known = set(approved.links)
    links = tuple(link for link in face.links if link not in known)
    if not added and not removed and not links:
        return None
    return _Change(tuple(added), tuple(removed), links, (approved.title, face.title), not (now & before))


def _but_for_today(
    added: Sequence[str], today: date, removed: Sequence[str], approved_on: date
) -> tuple[list[str], list[str]]:
    """Leave out each pair of lines that differ in this alone: either has the date of the day it was read on."""
    steady = [_undated(line, approved_on) for line in removed]
    free = Counter(line for line in steady if _today_mark in line)
    paired: Counter[str] = Counter()
    left = []
    for line in added:
        key = _undated(line, today)
        if paired[key] < free[key]:
            paired[key] += 1
        else:
            left.append(line)
    kept = []
    for line, key in zip(removed, steady, strict=True):
        if paired[key] > 0:
            paired[key] -= 1
        else:
            kept.append(line)
    return left, kept


def _told(change: _Change) -> str:
    before, after = change.titles
    parts = []
    if change.links:
        shown = "、".join(_short(mask(link).text, 60) for link in change.links[:3])
        parts.append(f"新增外链 {shown}{_and_more(change.links, 3)}")
    if before != after:
        parts.append(f"标题由“{_short(before, 30) or '无'}”变为“{_short(after, 30) or '无'}”")
    if change.all_new:
        parts.append("整页内容都与核准时不同" if change.added else "页面变成空白")
    if change.added:
        shown = "".join(f"“{_short(line, 40)}”" for line in change.added[:2])
        parts.append(f"新增 {shown}{_and_more(change.added, 2)}")
    if change.removed:
        shown = "".join(f"“{_short(line, 30)}”" for line in change.removed[:2])
        parts.append(f"删去 {shown}{_and_more(change.removed, 2)}")
    return _short(f"与核准时不同：{'；'.join(parts)}", max_detail)


def _short(text: str, letters: int) -> str:
    text = re.sub("‹[0-9a-f]{8}›", "", text)
    return text if len(text) <= letters else text[: letters - 1] + "…"


def _and_more(found: Sequence[str], shown: int) -> str:
    return f"等 {len(found)} 处" if len(found) > shown else ""


# --- a column that must have news ---


class _Entry(NamedTuple):
    """One entry of a list: what names it, and when it is dated (aware UTC), None where no date stands with it.

    `firm`: the date stands in the line of the entry itself, not in one nearby.
    """

    name: str
    at: datetime | None
    firm: bool


def _column(
    body: bytes, content_type: str, source: Source, now: datetime, memory: Mapping[str, Any]
) -> Parsed:
    decoded = decode(body, content_type, source.encoding)
    read = Parsed(charset=decoded.charset)
    if _is_feed(decoded.text):
        feed = parse_feed(body, content_type, source, now)
        read = replace(feed, items=(), raw_hashes=b"", comment_feeds=())
        if feed.problem is not None:
            return read
        entries = [_Entry(item.external_id, item.published_at, True) for item in feed.items]
    else:
        entries = _dated_ones(list(_entries(scan(decoded.text, source.url).lines, source, now)))
        if not entries:
            return unread(
                Fault.UNREADABLE,
                "网页里没有找到任何条目的链接",
                "请在浏览器核对：多半是登录页、报错页，或列表由脚本生成；后者请改填列表的订阅源地址",
                charset=decoded.charset,
            )
    seen = [str(name) for name in memory.get("seen") or ()]
    news, note = _news(entries, seen, _instant(memory.get("last")), now)
    present = dict.fromkeys(_digest(entry.name, 12) for entry in entries)
    kept = {"seen": list(present | dict.fromkeys(seen))[:max_seen], "last": news.isoformat()}
    return replace(
        read,
        entries=len(entries),
        notes=(*read.notes, *note),
        symptoms=(*read.symptoms, *_overdue(news, source, now)),
        memory=_dumped(kept),
    )


def _instant(written: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(written)).astimezone(UTC)
    except ValueError:
        return None


def _news(
    entries: Sequence[_Entry], seen: Sequence[str], last: datetime | None, now: datetime
) -> tuple[datetime, tuple[str, ...]]:
    """Tell when the column last had news: a later date, or an entry without a date that was not seen before.

    An entry that is new here and dated long ago is none: it moved up because another was taken out. A date that
    only stands near a known entry is none either: it may be the one of today in the head of the page.
    """
    known = set(seen)
    found = []
    for entry in entries:
        is_new = _digest(entry.name, 12) not in known
        if entry.at is not None and (last is None or is_new or entry.firm):
            found.append(entry.at)
        elif entry.at is None and is_new and last is not None:
            found.append(now)
    if last is not None:
        return max([last, *found]), ()
    if found:
        return max(found), ()
    return now, ("没有读到条目的日期，从现在起按有没有新条目来算",)


def _overdue(news: datetime, source: Source, now: datetime) -> tuple[Symptom, ...]:
    local = news.astimezone(source.zone)
    is_day = (local.hour, local.minute, local.second) == (0, 0, 0)
    # Of news that is dated by the day only, the day does not count.
    quiet = now - news - timedelta(days=1 if is_day else 0)
    if not source.overdue_d or quiet <= timedelta(days=source.overdue_d):
        return ()
    detail = f"栏目最近一次更新是 {local:%Y-%m-%d}，已有 {quiet.days} 天没有新内容，超过 {source.overdue_d:g} 天的期限"
    cure = "请催促栏目的责任单位更新；栏目若已停用，请删去这个来源"
    return (Symptom(Ailment.OVERDUE, detail, cure, local.isoformat()),)


_feed = re.compile(r"<(?:rss|feed|rdf:rdf)\b", re.IGNORECASE)


def _is_feed(text: str) -> bool:
    return text.lstrip("\ufeff \t\r\n").startswith("{") or bool(_feed.search(text[:2000]))


_title_letters = 4
"""Shorter texts of links are those of menus: 首页, 下一页, 更多."""
_near = 2
"""Lines between which a title and its date may stand."""
_date_shape = re.compile(
    r"(?<![\d.:/-])(?:\d{4} ?[年./-] ?\d{1,2} ?[月./-] ?\d{1,2} ?日?(?: ?\d{1,2}:\d{2}(?::\d{2})?)?"
    r"|\d{2}-\d{2}|\d{1,2}月\d{1,2}日)(?![\d:/-]|\.\d)"
)
_date_in_address = re.compile(r"(?<!\d)(20\d{2})[-/_]?(0[1-9]|1[0-2])[-/_]?(0[1-9]|[12]\d|3[01])(?!\d)")
_today = re.compile("今天|今日|当前|现在|农历|(?:星期|周)[一二三四五六日天]")
_menu = re.compile(
    "(?:网站|返回|设为)?首页|(?:加入|添加)?收藏(?:本站)?|(?:用户)?(?:登录|注册)|(?:无障碍|长者|关怀|繁|简)\\w{0,6}"
    "|手机版|english|rss",
    re.IGNORECASE,
)


def _is_banner(line: Line) -> bool:
    """Tell whether a line is of the head of a page, where the date of today stands."""
    return bool(_today.search(line.outside)) or any(_menu.fullmatch(link.text) for link in line.links)


def _entries(lines: Sequence[Line], source: Source, now: datetime) -> Iterator[_Entry]:
    """Give the links that look like titles, each with the latest date that stands with it."""
    titles = [[link for link in line.links if _is_title(link.text)] for line in lines]
    for number, line in enumerate(lines):
        if not titles[number]:
            continue
        is_banner = _is_banner(line)
        beside = None if is_banner else _latest(line.outside, source.zone, now)
        nearby = _nearby(lines, titles, number, source.zone, now)
        for link in titles[number]:
            own = beside if beside or is_banner else _latest(link.text, source.zone, now)
            name = settled(link.url) if link.url.startswith(("http://", "https://")) else link.text
            yield _Entry(name, own or nearby or _addressed(link.url, source, now), own is not None)


def _is_title(text: str) -> bool:
    letters = sum(letter.isalpha() for letter in _date_shape.sub("", text))
    return letters >= _title_letters and not _menu.fullmatch(text)


def _nearby(
    lines: Sequence[Line], titles: Sequence[Sequence[object]], number: int, zone: tzinfo, now: datetime
) -> datetime | None:
    for step in (1, -1):
        for place in range(number + step, number + step * (_near + 1), step):
            if not 0 <= place < len(lines) or titles[place]:
                break
            if not _is_banner(lines[place]) and (found := _latest(lines[place].text, zone, now)):
                return found
    return None


def _latest(text: str, zone: tzinfo, now: datetime) -> datetime | None:
    dates = (read_date(found[0], zone, now, relative=True).at for found in _date_shape.finditer(text))
    return max((at for at in dates if at is not None), default=None)


def _addressed(url: str, source: Source, now: datetime) -> datetime | None:
    found = _date_in_address.search(url)
    return read_date("-".join(found.groups()), source.zone, now).at if found else None


def _dated_ones(entries: Sequence[_Entry]) -> list[_Entry]:
    """Give the entries of the list. Where some have dates, links without one are the menus around it."""
    dated = [entry for entry in entries if entry.at is not None]
    return dated if len(dated) >= 3 else list(entries)
