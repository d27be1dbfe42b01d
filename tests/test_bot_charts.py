import io
import logging
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fontTools.ttLib import TTFont
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image, ImageDraw, ImageFont

from bot.charts import BOLD, LEVEL_COLOURS, REGULAR, digest_chart, draw
from bot.names import LEVEL_NAMES, STEP_NAMES
from routing.digest import ChannelLine, DayCount, Digest, Overdue, Rate, UnitLine
from routing.office import Level, Step
from routing.workflow import COMMAND_NAMES, STATE_NAMES, State

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 11, 16, tzinfo=ZONE)
CHANNELS = ("网络舆情", "社情民意", "对外宣传", "安全稳定", "其他")
NO_DAY = (0, 0, 0, 0)
NONE_DUE = Rate(0, 0)


def channel(
    name: str, open_now: int = 0, late: int = 0, signed: Rate = NONE_DUE, answered: Rate = NONE_DUE
) -> ChannelLine:
    line = Overdue("YQ-2026-0001", "标题", Level.III, State.TO_SIGN, (Step.SIGN,), timedelta(hours=1))
    return ChannelLine(name, name, 0, 0, signed, answered, open_now, (line,) * late)


def digest_of(
    days: Sequence[tuple[int, int, int, int]],
    channels: Sequence[ChannelLine],
    *,
    office: str = "云溪县人民政府办公室",
    span: str = "2026-W47",
    now: datetime | None = None,
) -> Digest:
    counts = [dict(zip(Level, day, strict=True)) for day in days]
    by_level = {level: sum(day[level] for day in counts) for level in Level}
    end = MONDAY + timedelta(days=len(days))
    return Digest(
        office=office,
        span=span,
        start=MONDAY,
        end=end,
        now=now or end + timedelta(hours=8),
        opened=sum(by_level.values()),
        by_level=by_level,
        days=tuple(DayCount((MONDAY + timedelta(days=i)).date(), day) for i, day in enumerate(counts)),
        channels=tuple(channels),
        signed=Rate(sum(c.signed.met for c in channels), sum(c.signed.due for c in channels)),
        answered=Rate(sum(c.answered.met for c in channels), sum(c.answered.due for c in channels)),
        open_now=sum(c.open_now for c in channels),
        overdue_now=sum(len(c.overdue_now) for c in channels),
        dismissed=(("与本县无关", 3),) if any(c.open_now for c in channels) else (),
        items_seen=812,
        items_no_matter=790,
        items_stock=0,
        top=(),
        median_sign_minutes=77 if any(c.signed.due for c in channels) else None,
    )


def busy_week() -> Digest:
    days = [(0, 1, 3, 9), (1, 2, 4, 12), (0, 0, 2, 7), (0, 0, 0, 3), (0, 1, 1, 8), NO_DAY, (0, 0, 1, 2)]
    return digest_of(
        days,
        [
            channel("网络舆情", 14, 3, Rate(19, 21), Rate(9, 12)),
            channel("社情民意", 9, 0, Rate(12, 12), Rate(8, 8)),
            channel("对外宣传", 2, 0, Rate(3, 3)),
            channel("安全稳定", 4, 1, Rate(4, 5), Rate(1, 1)),
            channel("其他"),
        ],
    )


def one_matter() -> Digest:
    days = [NO_DAY, NO_DAY, (0, 0, 0, 1), *[NO_DAY] * 4]
    now = MONDAY + timedelta(days=3, hours=9)
    return digest_of(days, [channel(n, int(n == "社情民意")) for n in CHANNELS], now=now)


def empty_week() -> Digest:
    return digest_of([NO_DAY] * 7, [channel(name) for name in CHANNELS])


def nothing_new() -> Digest:
    return digest_of([NO_DAY] * 7, [channel(name, 3, 2, Rate(1, 1), Rate(0, 1)) for name in CHANNELS])


def long_names() -> Digest:
    office = "新疆维吾尔自治区巴音郭楞蒙古自治州和静县巴音布鲁克景区管理委员会暨鄠邑区人民政府办公室" * 2
    channels = [
        channel("互联网信息与新媒体舆情协调处置专班", 999, 888, Rate(1234, 1250), Rate(99, 120)),
        *(channel(name, 12, 0, Rate(3, 4)) for name in CHANNELS),
        channel("应急"),
        channel("外事 $^_$"),
    ]
    return digest_of([(120, 0, 0, 900)] * 7, channels, office=office)


def one_day() -> Digest:
    return digest_of([(0, 0, 1, 4)], [channel(name, 2) for name in CHANNELS], span="2026-11-16")


def one_month() -> Digest:
    days = [(i % 2, i % 3, i % 4, i) for i in range(31)]
    return digest_of(days, [channel(name, 2) for name in CHANNELS], span="2026-11")


def units_of(count: int, name: str = "住房和城乡建设局") -> tuple[UnitLine, ...]:
    return tuple(
        UnitLine("社情民意", f"{name}{i}", i, Rate(i, i + i % 2), Rate(0, i % 3), i + 1, i % 4)
        for i in range(count)
    )


def few_units() -> Digest:
    return replace(busy_week(), units=units_of(3))


def many_units() -> Digest:
    return replace(long_names(), units=units_of(14, "巴音郭楞蒙古自治州和静县巴音布鲁克景区管理委员会" * 2))


SHAPES = [
    busy_week,
    one_matter,
    empty_week,
    nothing_new,
    long_names,
    one_day,
    one_month,
    few_units,
    many_units,
]


def texts(figure: Figure) -> list[Text]:
    return [t for t in figure.findobj(Text) if isinstance(t, Text) and t.get_text() and t.get_visible()]


def words(digest: Digest) -> list[str]:
    figure = draw(digest)
    return [text.get_text() for text in texts(figure)]


@pytest.mark.parametrize("shape", SHAPES)
def test_no_words_lie_over_other_words_or_beyond_the_edge(shape):
    figure = draw(shape())
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts(figure)]
    for word, box in boxes:
        assert box.x0 >= 20, word
        assert box.x1 <= 1180, word
        assert box.y0 >= 10, word
        assert box.y1 <= figure.get_figheight() * 100 - 10, word
    for (one, a), (other, b) in combinations(boxes, 2):
        # A line's box is taller than its signs: lines that only share a pixel or two of air do not touch.
        apart = a.x1 <= b.x0 or b.x1 <= a.x0 or a.y1 - 3 <= b.y0 or b.y1 - 3 <= a.y0
        assert apart, (one, other)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_character_of_the_picture_has_a_glyph(shape):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of each glyph that a type lacks
        digest_chart(shape())
    assert not any("〓" in word for word in words(shape()))


def test_the_picture_is_a_png_that_fits_a_phone():
    picture = Image.open(io.BytesIO(digest_chart(busy_week())))
    assert (picture.format, picture.size) == ("PNG", (1200, 675))


def test_the_picture_grows_by_a_row_a_unit_and_is_never_higher_than_wide():
    few, many = (Image.open(io.BytesIO(digest_chart(shape()))).size for shape in (few_units, many_units))
    assert (few, many) == ((1200, 847), (1200, 1167))
    assert Image.open(io.BytesIO(digest_chart(replace(empty_week(), units=units_of(3))))).size == (1200, 675)


def test_the_units_with_most_that_is_late_stand_first_and_of_many_the_rest_is_named():
    told = words(replace(busy_week(), units=units_of(14)))
    assert [word[-1] for word in told if word.startswith("住房和城乡建设局")][:3] == ["1", "7", "3"]
    assert "另 4 个单位见文字" in told
    assert "另" not in "".join(words(few_units()))


def test_the_picture_shows_each_level_in_its_colour():
    picture = Image.open(io.BytesIO(digest_chart(busy_week()))).convert("RGB")
    seen = {colour for _, colour in picture.getcolors(maxcolors=1_000_000) or []}
    for colour in LEVEL_COLOURS.values():
        assert tuple(bytes.fromhex(colour[1:])) in seen


def test_the_head_says_whose_numbers_these_are_and_of_when():
    said = words(busy_week())
    assert "云溪县人民政府办公室　舆情周报" in said
    assert "2026年第47周　2026-11-16 至 11-22　数据截至 11-23 08:00" in said


def test_a_day_is_titled_as_a_day():
    assert any("舆情日报" in word for word in words(one_day()))
    assert any("2026-11-16（周一）" in word for word in words(one_day()))


def test_the_big_figures_are_those_of_the_digest():
    said = words(busy_week())
    for figure in ("57", "29", "4", "38/41", "18/21"):
        assert figure in said


def test_an_empty_week_says_so_and_draws_no_bars():
    figure = draw(empty_week())
    assert "本期无事项" in [text.get_text() for text in texts(figure)]
    assert not any(axes.patches for axes in figure.axes)


def test_a_week_without_new_matters_still_shows_what_is_late():
    said = words(nothing_new())
    assert "本期无新增事项" in said
    assert said.count("超期2") == 5


def test_nothing_due_is_neither_nought_nor_a_hundred_per_cent():
    said = words(one_matter())
    assert said.count("无事项") == 12  # two figures at the top, two a channel
    assert not any("%" in word or "0/0" in word for word in said)


def test_days_to_come_show_no_zero():
    _, bars = draw(one_matter()).axes  # as of Thursday
    assert [text.get_text() for text in bars.texts] == ["0", "0", "Ⅳ 1", "1", "0"]


def test_a_long_office_name_is_cut_and_a_long_channel_name_too():
    said = words(long_names())
    assert any(word.startswith("新疆维吾尔自治区") and word.endswith("…") for word in said)
    assert any(word.startswith("互联网") and word.endswith("…") for word in said)


def test_dollar_signs_make_no_formula():
    assert "外事 $^_$" in words(long_names())


def test_a_character_beyond_the_type_becomes_a_geta_and_is_logged_once(caplog):
    odd = digest_of([NO_DAY] * 7, [], office="𠮷县政府办")  # beyond the basic plane, in no office type
    with caplog.at_level(logging.DEBUG, logger="bot.charts"):
        said = [*words(odd), *words(odd)]
    assert any(word.startswith("〓县政府办") for word in said)
    assert [r.getMessage() for r in caplog.records if r.name == "bot.charts"] == [
        "the type for pictures lacks U+20BB7"
    ]


def test_four_threads_draw_the_same_picture():
    digest = busy_week()
    with ThreadPoolExecutor(4) as pool:
        pictures = list(pool.map(digest_chart, [digest] * 4))
    assert len(set(pictures)) == 1


@pytest.mark.parametrize("font", [REGULAR, BOLD])
def test_the_type_covers_gb2312_and_every_name_of_the_desk(font):
    gb2312 = "".join(
        bytes([row, cell]).decode("gb2312", "ignore")
        for row in range(0xB0, 0xF8)
        for cell in range(0xA1, 0xFF)
    )
    assert len(gb2312) == 6763
    tables = (LEVEL_NAMES, STEP_NAMES, STATE_NAMES, COMMAND_NAMES)
    names = "".join("".join(table.values()) for table in tables) + "".join(CHANNELS)
    signs = "".join(map(chr, range(0x20, 0x7F))) + "，。、；：？！“”‘’（）《》〔〕【】—…·①②③④⑤⑥⑦⑧⑨⑩ⅠⅡⅢⅣ鄠浉甪"
    cmap = TTFont(font).getBestCmap()
    assert [sign for sign in gb2312 + names + signs if ord(sign) not in cmap] == []


@pytest.mark.parametrize("font", [REGULAR, BOLD])
def test_a_hanzi_is_drawn_as_itself_and_not_as_the_box_for_missing_signs(font):
    type_ = ImageFont.truetype(str(font), 40)

    def raster(sign: str) -> bytes:
        image = Image.new("L", (60, 60))
        ImageDraw.Draw(image).text((5, 5), sign, fill=255, font=type_)
        return image.tobytes()

    box = raster("\ue000")
    assert any(box)
    pictures = [raster(sign) for sign in "舆情县级Ⅰ①、A"]
    assert box not in pictures
    assert len(set(pictures)) == len(pictures)


def test_the_types_are_small_and_their_licence_lies_beside_them():
    assert sum(font.stat().st_size for font in (REGULAR, BOLD)) < 6_000_000
    licence = Path(REGULAR).with_name("OFL.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    assert TTFont(REGULAR)["name"].getDebugName(0) in licence
