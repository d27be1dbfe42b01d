"""A digest -> one picture for a phone (PNG bytes). Pure but for the type that it reads; tells no person's name.

At the top what a leader wants in three seconds: new, open, late, signed and answered in time. Below left the matters a
day by level, right one row a channel. Where channels list units the picture grows by a row a unit. Built on
matplotlib's objects, never on pyplot, whose state all threads share.
"""

import io
import logging
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from bot.names import LEVEL_NAMES
from routing.digest import NOTHING_DUE, ChannelLine, DayCount, Digest, Rate, UnitLine
from routing.office import Level

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

log = logging.getLogger(__name__)

WIDTH_PX, HEIGHT_PX, DPI = 1200, 675, 100
FONTS = Path(__file__).with_name("fonts")
REGULAR, BOLD = FONTS / "NotoSansSC-Regular.otf", FONTS / "NotoSansSC-Bold.otf"
MISSING = "〓"
"""What printers set where the type has no such character."""

INK, GREY, PALE, LATE, BUSY = "#1F2933", "#66707A", "#E4E8EC", "#B2182B", "#7B9BBD"
LEVEL_COLOURS: Mapping[Level, str] = {
    Level.I: "#B2182B",
    Level.II: "#F08A24",
    Level.III: "#F6D743",
    Level.IV: "#2C6FB3",
}
"""红橙黄蓝, apart in lightness too, so that the order shows without seeing colours; each is labelled besides."""

ON_COLOUR: Mapping[Level, str] = {Level.I: "white", Level.II: INK, Level.III: INK, Level.IV: "white"}
WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
NOTHING = "本期无事项"
MANY_DAYS = 10
"""More days than this get no labels in their bars and fewer dates below."""

UNITS_MOST, UNIT_PX = 10, 40
"""So many units have a row, those with most that is late first; the text below the picture names all."""

_drawing = Lock()  # the type caches of matplotlib are not made for two threads
_told: set[str] = set()


def digest_chart(digest: Digest) -> bytes:
    """Draw a digest as a PNG of 1200 x 675, higher where units have rows. May be called from any thread; takes about half
    a second.
    """
    with _drawing:
        out = io.BytesIO()
        draw(digest).savefig(out, format="png", dpi=DPI, metadata={"Software": "yuqing"})
        return out.getvalue()


def draw(digest: Digest) -> "Figure":
    """Lay the picture out, not yet in pixels. Not for two threads at once."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    below = _height_of_units(digest)
    figure = Figure(figsize=(WIDTH_PX / DPI, (HEIGHT_PX + below) / DPI), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    page = _axes(figure, 0, -below, WIDTH_PX, HEIGHT_PX + below)
    page.set_ylim(-below, HEIGHT_PX)
    _head(page, digest)
    if digest.is_empty:
        _write(page, WIDTH_PX / 2, 290, NOTHING, size=40, colour=GREY, bold=True, align="center")
    else:
        _figures(page, digest)
        _days(figure, page, digest)
        _channels(page, digest)
        if below:
            _units(page, digest.units)
    _foot(page, digest, 26 - below)
    return figure


def _head(page: "Axes", digest: Digest) -> None:
    _write(page, 50, 628, f"{digest.office}　{_title(digest)}", size=22, bold=True, room=1100)
    _write(
        page,
        50,
        588,
        f"{_period(digest)}　数据截至 {digest.now:%m-%d %H:%M}",
        size=14,
        colour=GREY,
        room=1100,
    )


def _title(digest: Digest) -> str:
    days = len(digest.days)
    return {1: "舆情日报", 7: "舆情周报"}.get(days, "舆情统计")


def _period(digest: Digest) -> str:
    first, last = digest.start.date(), digest.end.date() - timedelta(days=1)
    if first == last:
        return f"{first:%Y-%m-%d}（{WEEKDAYS[first.weekday()]}）"
    year, week, _ = first.isocalendar()
    name = f"{year}年第{week}周　" if digest.span == f"{year}-W{week:02d}" else ""
    return f"{name}{first:%Y-%m-%d} 至 {last:%m-%d}"


def _figures(page: "Axes", digest: Digest) -> None:
    tiles = (
        ("新增事项", str(digest.opened), INK),
        ("在办事项", str(digest.open_now), INK),
        ("超期事项", str(digest.overdue_now), LATE if digest.overdue_now else INK),
        ("及时签收", _short(digest.signed), _colour(digest.signed)),
        ("按时回应", _short(digest.answered), _colour(digest.answered)),
    )
    for i, (label, value, colour) in enumerate(tiles):
        x, size = 50 + i * 222, 20 if value == NOTHING_DUE else 27
        _box(page, x, 466, 212, 96, "#F4F6F8")
        _write(page, x + 106, 525, value, size=size, bold=True, colour=colour, align="center", room=190)
        _write(page, x + 106, 486, label, size=14, colour=GREY, align="center")


def _days(figure: "Figure", page: "Axes", digest: Digest) -> None:
    left, bottom, width, height = 50, 100, 500, 306
    _write(page, left, 432, "每日新增", size=15, bold=True)
    for i, level in enumerate(Level):
        x = 150.0 + i * 101
        _box(page, x, 425, 14, 14, LEVEL_COLOURS[level])
        _write(page, x + 20, 432, f"{_sign(level)}级 {digest.by_level[level]}", size=13, room=76)
    if not digest.opened:
        _write(
            page,
            left + width / 2,
            bottom + height / 2,
            "本期无新增事项",
            size=20,
            colour=GREY,
            align="center",
        )
        return
    axes = _axes(figure, left, bottom, width, height)
    count = len(digest.days)
    middle, half = (count - 1) / 2, max(count, 4) / 2
    axes.set_xlim(middle - half, middle + half)
    tallest = max(day.total for day in digest.days)
    scale = (height - 26) / max(tallest, 4)
    axes.set_ylim(0, height / scale)
    axes.axhline(0, color=GREY, linewidth=1.2)
    step = 1 if count <= MANY_DAYS else -(-count // MANY_DAYS)
    for i, day in enumerate(digest.days):
        _bar(axes, i, day, scale, is_labelled=count <= MANY_DAYS, is_to_come=day.on > digest.now.date())
        if i % step == 0:
            x = left + (i - middle + half) / (2 * half) * width
            _date(page, x, bottom, day.on, with_weekday=count <= MANY_DAYS)


def _bar(axes: "Axes", x: int, day: DayCount, scale: float, *, is_labelled: bool, is_to_come: bool) -> None:
    """Stack one day, the gravest at the bottom, where bars compare best; a part too low for a label has none."""
    base = 0.0
    for level in Level:
        count = day.by_level[level]
        axes.bar(x, count, 0.66, bottom=base, color=LEVEL_COLOURS[level], edgecolor="white", linewidth=1)
        if is_labelled and count * scale >= 14:
            size, words = 11 if count * scale >= 18 else 9, f"{_sign(level)} {count}"
            _write(axes, x, base + count / 2, words, size=size, colour=ON_COLOUR[level], align="center")
        base += count
    if not is_to_come:  # a zero says that nothing came, which no day to come can say
        size = 14 if is_labelled else 9
        _write(
            axes,
            x,
            base + 12 / scale,
            str(day.total),
            size=size,
            bold=base > 0,
            colour=INK if base else GREY,
            align="center",
        )


def _date(page: "Axes", x: float, bottom: float, on: date, *, with_weekday: bool) -> None:
    _write(page, x, bottom - 18, f"{on:%m-%d}", size=12, align="center")
    if with_weekday:
        _write(page, x, bottom - 38, WEEKDAYS[on.weekday()], size=12, colour=GREY, align="center")


def _channels(page: "Axes", digest: Digest) -> None:
    name, bar, signed, answered = 600, 710, 990, 1103
    _write(page, name, 432, "归口", size=15, bold=True)
    _write(page, bar, 432, "在办（红为超期）", size=15, bold=True)
    _write(page, signed, 432, "及时签收", size=15, bold=True, align="center")
    _write(page, answered, 432, "按时回应", size=15, bold=True, align="center")
    page.plot([name, 1150], [408, 408], color=GREY, linewidth=1.2)
    height = min(62.0, 340 / max(1, len(digest.channels)))
    most = max((line.open_now for line in digest.channels), default=0)
    scale, size = 100 / max(most, 4), min(15, height * 0.45)
    for i, line in enumerate(digest.channels):
        y = 406 - (i + 0.5) * height
        _write(page, name, y, line.name, size=size, room=bar - name - 12)
        _open_bar(page, bar, y, min(28.0, height * 0.5), scale, size, line)
        for x, rate in ((signed, line.signed), (answered, line.answered)):
            _write(
                page, x, y, _short(rate), size=min(14, size), colour=_colour(rate), align="center", room=100
            )
        page.plot([name, 1150], [y - height / 2] * 2, color=PALE, linewidth=1)


def _open_bar(
    page: "Axes", x: float, y: float, height: float, scale: float, size: float, line: ChannelLine
) -> None:
    late = len(line.overdue_now)
    _box(page, x, y - height / 2, late * scale, height, LATE)
    _box(page, x + late * scale, y - height / 2, (line.open_now - late) * scale, height, BUSY)
    end = x + line.open_now * scale + 8
    text = _write(
        page, end, y, str(line.open_now), size=size, bold=True, colour=INK if line.open_now else GREY
    )
    if late:
        _write(page, end + _width(text) + 8, y, f"超期{late}", size=min(13, size), colour=LATE)


def _height_of_units(digest: Digest) -> int:
    if digest.is_empty or not digest.units:
        return 0
    rows = min(len(digest.units), UNITS_MOST) + (len(digest.units) > UNITS_MOST)
    return 52 + rows * UNIT_PX


def _units(page: "Axes", units: Sequence[UnitLine]) -> None:
    """Write a row a unit below the rest, where `y` is negative."""
    name, sent, signed, closed, open_now, late = 50, 620, 760, 890, 1010, 1110
    _write(page, name, 22, "承办单位", size=15, bold=True)
    heads = ((sent, "转办"), (signed, "及时签收"), (closed, "按时办结"), (open_now, "未办结"), (late, "超期"))
    for x, head in heads:
        _write(page, x, 22, head, size=15, bold=True, align="center")
    page.plot([name, 1150], [-2, -2], color=GREY, linewidth=1.2)
    worst = sorted(units, key=lambda unit: (-unit.overdue_now, -unit.open_now))[:UNITS_MOST]
    for i, unit in enumerate(worst):
        y = -2 - (i + 0.5) * UNIT_PX
        called = _write(page, name, y, unit.name, size=15, room=380)
        _write(page, name + _width(called) + 10, y, unit.channel, size=12, colour=GREY, room=110)
        cells = (
            (sent, str(unit.dispatched), INK if unit.dispatched else GREY),
            (signed, _short(unit.signed), _colour(unit.signed)),
            (closed, _short(unit.closed), _colour(unit.closed)),
            (open_now, str(unit.open_now), INK if unit.open_now else GREY),
            (late, str(unit.overdue_now), LATE if unit.overdue_now else GREY),
        )
        for x, said, colour in cells:
            _write(page, x, y, said, size=14, colour=colour, align="center", room=95)
        page.plot([name, 1150], [y - UNIT_PX / 2] * 2, color=PALE, linewidth=1)
    if left := len(units) - len(worst):
        y = -2 - (len(worst) + 0.5) * UNIT_PX
        _write(page, name, y, f"另 {left} 个单位见文字", size=13, colour=GREY)


def _foot(page: "Axes", digest: Digest, y: float) -> None:
    parts = [f"采集信息 {digest.items_seen} 条，未成事项 {digest.items_no_matter} 条"]
    dismissed = sum(count for _, count in digest.dismissed)
    if dismissed:
        parts.append(f"不予受理 {dismissed} 件")
    if digest.median_sign_minutes is not None:
        parts.append(f"签收用时中位数 {_minutes(digest.median_sign_minutes)}")
    _write(page, 50, y, "　·　".join(parts), size=13, colour=GREY, room=1100)


def _minutes(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return f"{hours} 小时 {rest} 分钟" if hours else f"{rest} 分钟"


def _short(rate: Rate) -> str:
    return f"{rate.met}/{rate.due}" if rate.due else str(rate)


def _colour(rate: Rate) -> str:
    if rate.met < rate.due:
        return LATE
    return INK if rate.due else GREY


def _sign(level: Level) -> str:
    return LEVEL_NAMES[level][0]


def _axes(figure: "Figure", left: float, bottom: float, width: float, height: float) -> "Axes":
    """Lay bare axes over a part of the page; pixels from the lower left corner of what stands above the units."""
    whole = figure.get_figheight() * DPI
    bottom += whole - HEIGHT_PX
    axes = figure.add_axes((left / WIDTH_PX, bottom / whole, width / WIDTH_PX, height / whole))
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    return axes


def _box(axes: "Axes", x: float, y: float, width: float, height: float, colour: str) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((x, y), width, height, facecolor=colour, linewidth=0))


def _write(
    axes: "Axes",
    x: float,
    y: float,
    words: str,
    *,
    size: float,
    bold: bool = False,
    colour: str = INK,
    align: str = "left",
    room: float | None = None,
) -> "Text":
    """Write one line, centred on `y`. What is wider than `room` pixels gets smaller, by a quarter at most, then cut."""
    from matplotlib.font_manager import FontProperties

    smallest = size * 0.75
    text = axes.text(
        x,
        y,
        _known(words),
        fontproperties=FontProperties(fname=str(BOLD if bold else REGULAR), size=size),
        color=colour,
        horizontalalignment=align,
        verticalalignment="center_baseline",
        parse_math=False,  # a dollar sign is a dollar sign
    )
    while room is not None and _width(text) > room and text.get_text() != "…":
        if size > smallest:
            size -= 1
            text.set_fontsize(size)
        else:
            text.set_text(text.get_text().removesuffix("…")[:-1] + "…")
    return text


def _width(text: "Text") -> float:
    return text.get_window_extent().width


def _known(words: str) -> str:
    """Put 〓 for what the type lacks; each such character is logged once."""
    lacking = {sign for sign in words if ord(sign) not in _charmap()}
    for sign in sorted(lacking - _told):
        log.debug("the type for pictures lacks U+%04X", ord(sign))
    _told.update(lacking)
    return "".join(MISSING if sign in lacking else sign for sign in words)


@cache
def _charmap() -> frozenset[int]:
    from matplotlib.font_manager import get_font

    return frozenset(get_font(str(REGULAR)).get_charmap())
