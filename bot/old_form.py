"""The form of an older ledger (旧台账) as a file: an empty one to fill in, and the rows that could not be taken over.

Reads no store and decides nothing.
"""

import io
from collections.abc import Iterable, Mapping, Sequence

from bot.forms import LEDGER_COLUMNS, Column, workbook
from routing.grid import Sheet, text_of
from routing.legacy_form import Field, Head
from routing.office import Office

SHEET = "旧台账"
WIDTHS: Mapping[Field, int] = {Field.STATE: 10, Field.FOUND: 17, Field.DUE: 17, Field.REPOSTS: 10}
VALIDATED_ROWS = 5_000

_LEVELS = ("Ⅰ", "Ⅱ", "Ⅲ", "Ⅳ")
_STATES = (
    "待研判",
    "待签收",
    "退回待派",
    "办理中",
    "持续关注",
    "已移送",
    "已回应",
    "已办结",
    "已归档",
    "不予受理",
)
_HINTS: Sequence[tuple[str, str, str]] = (
    ("编号", "原台账的编号，照抄。列已设为文本，长编号不会变成科学计数", "JN-2025-018"),
    ("标题", "必填（没有标题的写原帖摘要）", "东湖小区停水三天"),
    ("发布时间", "发布、发现、交办时间至少写一个", "2025-01-06 08:30"),
    ("等级", "Ⅰ、Ⅱ、Ⅲ、Ⅳ；空着按Ⅳ级", "Ⅲ"),
    ("归口类别", "本台的渠道名；已交办的必填", "社情民意"),
    (
        "状态",
        "空着的按各时间栏判断：有办结时间为已办结，有首回时间为已回应，有签收时间为办理中，有交办时间为待签收",
        "办理中",
    ),
    ("办结时限", "写了就按它计办结时限，不写按本台的时限", "2025-01-13 18:00"),
    ("不要写的", "发帖人、诉求人、联系电话、身份证号、住址等一律不导入；文字里的电话、证件号会自动隐去", ""),
    ("涉密的", "带密级标识的表格会整个停止导入，请线下办理", ""),
)


def _columns() -> list[Column]:
    """Give the columns of the 舆情处置台账, and behind them the few that only taking over needs."""
    form = list(LEDGER_COLUMNS)
    known = {column.name for column in form}
    return form + [Column(field.value, WIDTHS[field]) for field in WIDTHS if field.value not in known]


def template_xlsx(office: Office | None) -> bytes:
    """Write the empty form with lists to choose from, and a second sheet that explains it."""
    from openpyxl import load_workbook
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    columns = _columns()
    hints = [Column("栏目", 14), Column("怎么填", 70), Column("例", 24)]
    book = load_workbook(
        io.BytesIO(workbook([(SHEET, columns, []), ("填写说明", hints, _HINTS)], freeze="C2"))
    )
    sheet = book[SHEET]
    channels = tuple(channel.name for channel in office.channels.values()) if office else ()
    choices = {"等级": _LEVELS, "状态": _STATES, "是否督办": ("是", "否"), "归口类别": channels}
    for place, column in enumerate(columns, 1):
        letter = get_column_letter(place)
        for row in range(2, 202):
            sheet.cell(row, place).number_format = "@"
        if offered := choices.get(column.name):
            told = DataValidation(type="list", formula1=f'"{",".join(offered)}"', allow_blank=True)
            told.error, told.errorTitle = f"请选择：{'、'.join(offered)}", column.name
            told.add(f"{letter}2:{letter}{VALIDATED_ROWS}")
            sheet.add_data_validation(told)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def left_xlsx(
    sheets: Sequence[Sheet], heads: Mapping[str, Head], reasons: Mapping[tuple[str, int], Iterable[str]]
) -> bytes:
    """Write the rows that were left out as they stood, behind each why; to be put right and taken over again."""
    told = []
    for sheet in sheets:
        rows = [row for row in sheet.rows if (sheet.name, row.number) in reasons]
        if not rows:
            continue
        head = heads[sheet.name]
        persons = set(head.person_places)
        columns = [column for column in head.columns if column.place not in persons]
        told.append(
            (
                sheet.name or SHEET,
                [Column(column.heading, 18) for column in columns]
                + [Column("原行号", 8), Column("未导入的原因", 60)],
                [
                    (
                        *(text_of(row.cells[c.place]) if c.place < len(row.cells) else "" for c in columns),
                        str(row.number),
                        "；".join(reasons[sheet.name, row.number]),
                    )
                    for row in rows
                ],
            )
        )
    return workbook(told)
