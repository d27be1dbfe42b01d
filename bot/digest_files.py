"""A digest -> bytes of a file: DOCX for paper, XLSX to count on. Figures by channel and unit, never by person. Pure."""

from collections.abc import Iterator

from bot.charts import digest_chart
from bot.forms import Column, Value, workbook
from bot.names import STEP_NAMES, how_long
from bot.render import effect_line
from bot.word import Fields, Heading, Part, Picture, Rows, Text, docx
from routing.digest import NOTHING_DUE, Digest, Rate
from routing.digest_form import digest_form
from routing.export import LEVEL_SIGNS
from routing.office import Level
from routing.why import Words
from routing.workflow import STATE_NAMES

Sheet = tuple[str, list[Column], list[list[Value]]]


def digest_docx(digest: Digest, words: Words) -> bytes:
    """Write the 舆情周报 or 舆情日报: the form, the chart, and a line a channel and a unit."""
    form = digest_form(digest, words)
    parts: list[Part] = [
        Heading(form.issuer, f"{form.title}（{form.number}）"),
        Fields([(field.name, field.text, field.is_long) for field in form.fields]),
        Picture(digest_chart(digest)),
        *(_table(sheet) for sheet in (_channels(digest), _units(digest)) if sheet[2]),
        Text(f"数据截至 {digest.now:%Y-%m-%d %H:%M}，按渠道和单位统计，不对个人排名。", is_note=True),
    ]
    return docx(parts, title=f"{form.title} {form.number}", at=digest.now)


def _table(sheet: Sheet) -> Rows:
    _, columns, rows = sheet
    first, rest = 42.0, (156 - 42) / (len(columns) - 1)
    return Rows(
        [column.name for column in columns],
        [first, *[rest] * (len(columns) - 1)],
        [["" if value is None else str(value) for value in row] for row in rows],
    )


def digest_xlsx(digest: Digest, words: Words) -> bytes:
    """Write a workbook: the form, then a sheet for days, channels, units and lists of matters; empty lists are left out."""
    form = digest_form(digest, words)
    summary: list[list[Value]] = [[field.name, field.text] for field in form.fields]
    sheets: list[Sheet] = [(form.title, [Column("项目", 12), Column("内容", 90)], summary)]
    sheets += [sheet for sheet in _sheets(digest) if sheet[2]]
    return workbook(sheets)


def _sheets(digest: Digest) -> Iterator[Sheet]:
    yield (
        "每日",
        [Column("日期", 12), *(Column(f"{LEVEL_SIGNS[level]}级", 8) for level in Level), Column("合计", 8)],
        [[day.on.isoformat(), *(day.by_level[level] for level in Level), day.total] for day in digest.days],
    )
    yield _channels(digest)
    yield _units(digest)
    yield (
        "重点舆情",
        [
            Column("等级", 6),
            Column("编号", 15),
            Column("标题", 48),
            Column("状态", 12),
            Column("信息条数", 10),
        ],
        [
            [LEVEL_SIGNS[one.level], one.number, one.title, STATE_NAMES[one.state], one.items]
            for one in digest.top
        ],
    )
    yield (
        "超期事项",
        [
            Column("编号", 15),
            Column("标题", 48),
            Column("归口", 12),
            Column("环节", 24),
            Column("已超期", 16),
        ],
        [
            [
                one.number,
                one.title,
                line.name,
                "、".join(STEP_NAMES[s] for s in one.steps),
                how_long(one.late),
            ]
            for line in digest.channels
            for one in line.overdue_now
        ],
    )
    yield (
        "通报",
        [
            Column("编号", 15),
            Column("标题", 48),
            Column("归口", 12),
            Column("环节", 12),
            Column("列入时间", 17),
        ],
        [[one.number, one.title, one.channel, STEP_NAMES[one.step], one.at] for one in digest.bulletin],
    )
    yield (
        "回应效果",
        [Column("编号", 15), Column("标题", 48), Column("效果", 60)],
        [[one.number, one.title, effect_line(one.effect)] for one in digest.effects],
    )
    yield "不予受理", [Column("理由", 36), Column("件数", 8)], [[reason, n] for reason, n in digest.dismissed]


def _channels(digest: Digest) -> Sheet:
    names = ("新增", "转办", "及时签收", "按时回应", "按时办结", "未办结", "超期")
    return (
        "归口渠道",
        [Column("归口", 16), *(Column(name, 13) for name in names)],
        [
            [
                line.name,
                line.opened,
                line.dispatched,
                _rate(line.signed),
                _rate(line.answered),
                _rate(line.closed),
                line.open_now,
                len(line.overdue_now),
            ]
            for line in digest.channels
        ],
    )


def _units(digest: Digest) -> Sheet:
    names = ("归口", "转办", "及时签收", "按时办结", "未办结", "超期")
    return (
        "承办单位",
        [Column("单位", 24), *(Column(name, 13) for name in names)],
        [
            [
                unit.name,
                unit.channel,
                unit.dispatched,
                _rate(unit.signed),
                _rate(unit.closed),
                unit.open_now,
                unit.overdue_now,
            ]
            for unit in digest.units
        ],
    )


def _rate(rate: Rate) -> str:
    return f"{rate.met}/{rate.due}" if rate.due else NOTHING_DUE
