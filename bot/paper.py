"""The forms of the office as files: values -> bytes of a DOCX or an XLSX. Reads no store and decides nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime

from bot.forms import Column, Value, workbook
from bot.word import Fields, Heading, NewPage, Part, Rows, Text, docx
from routing.duty_log import DutyLog, LogLine, OnShift, WatchLine
from routing.forms import Field, Form
from routing.office import Office

LOG_TITLE, WATCH_TITLE = "值班日志", "网络舆情日志"
LOG_COLUMNS: tuple[Column, ...] = (
    Column("时间", 17),
    Column("来源", 14),
    Column("内容", 44),
    Column("处理", 44),
    Column("移交", 16),
    Column("签名", 10),
)
"""The 值班日志, one column a field of LogLine and in the same order."""

WATCH_COLUMNS: tuple[Column, ...] = (
    Column("序号", 6),
    Column("日期", 11),
    Column("班次", 9),
    Column("监测员", 9),
    Column("发现时间", 17),
    Column("发布时间", 17),
    Column("发布平台", 14),
    Column("标题", 36),
    Column("链接", 32),
    Column("涉及领域", 12),
    Column("涉及单位", 18),
    Column("原帖摘要", 48),
    Column("关注量", 9),
    Column("转发数", 9),
    Column("评论数", 9),
    Column("初判类别", 11),
    Column("初判等级", 9),
    Column("处理去向", 28),
    Column("备注", 28),
)
"""The 网络舆情日志, one column a field of WatchLine and in the same order."""

_LOG_MM = (15, 25, 76, 68, 25, 16)


def forms_docx(forms: Sequence[Form], office: Office, now: datetime) -> bytes:
    """Write forms one after another, each on a page of its own."""
    parts: list[Part] = []
    for form in forms:
        parts += [*([NewPage()] if parts else []), *_form(form, office, now)]
    titles = "、".join(dict.fromkeys(form.title for form in forms))
    return docx(parts, title=titles, at=now)


def _form(form: Form, office: Office, now: datetime) -> list[Part]:
    heading, text = form.annex
    return [
        Heading(form.issuer, form.title),
        Fields([(field.name, field.text, field.is_long) for field in form.fields]),
        Text(_note(office, now, is_cut=form.is_cut), is_note=True),
        *([Text(text, heading=heading)] if heading else []),
    ]


def _note(office: Office, now: datetime, *, is_cut: bool) -> str:
    told = f"按台账记录自动填写，空白栏由人工填写。导出时间 {now.astimezone(office.zone):%Y-%m-%d %H:%M}。"
    return told + ("Ⅰ、Ⅱ级事项的链接和文字未导出。" if is_cut else "")


def forms_xlsx(forms: Sequence[Form], office: Office, now: datetime) -> bytes:
    """Write forms as lines, a sheet a kind of form, its fields as columns in the order of the form."""
    kinds: dict[str, list[Form]] = {}
    for form in forms:
        kinds.setdefault(form.title, []).append(form)
    return workbook(
        [(title, _columns(made), [_texts(form) for form in made]) for title, made in kinds.items()]
    )


def _columns(forms: Sequence[Form]) -> list[Column]:
    return [_column(field) for field in forms[0].fields]


def _column(field: Field) -> Column:
    return Column(field.name, 36 if field.is_long else max(12, 2 * len(field.name) + 2))


def _texts(form: Form) -> list[Value]:
    return [field.text for field in form.fields]


# --- 值班日志 ---


def log_docx(log: DutyLog, office: Office, now: datetime) -> bytes:
    """Write the 值班日志 of a day on wide sheets, with who was on duty above."""
    lines = [[f"{line.at:%H:%M}", *_told(line)] for line in log.lines]
    parts: list[Part] = [
        Heading(log.office, f"{LOG_TITLE}（{log.day}）"),
        *(Text(_shift(shift), is_note=True) for shift in log.shifts),
        Rows([column.name for column in LOG_COLUMNS], _LOG_MM, lines),
        Text(_closing(log, office, now), is_note=True),
    ]
    return docx(parts, title=f"{LOG_TITLE} {log.day}", at=now, is_wide=True)


def _told(line: LogLine) -> list[str]:
    return [line.source, line.content, line.handling, line.handed_to, line.signed]


def _shift(shift: OnShift) -> str:
    posts = (("值班领导", (shift.leader,)), ("值班员", shift.staff), ("备用", shift.reserve))
    told = [f"{post} {'、'.join(filter(None, names))}" for post, names in posts if any(names)]
    return f"{shift.name} {shift.starts_at:%m-%d %H:%M}–{shift.ends_at:%m-%d %H:%M}　{'，'.join(told)}"


def _closing(log: DutyLog, office: Office, now: datetime) -> str:
    count = f"共 {len(log.lines)} 条记录，新增事项 {len(log.matters)} 件。" if log.lines else "当日没有记录。"
    return f"{count}签名按操作账号填写。导出时间 {now.astimezone(office.zone):%Y-%m-%d %H:%M}。"


def log_xlsx(log: DutyLog, office: Office, now: datetime) -> bytes:
    """Write the 值班日志 of a day, and the 网络舆情日志 of its new matters on a second sheet."""
    return workbook(
        [
            (LOG_TITLE, LOG_COLUMNS, [_values(line) for line in log.lines]),
            (WATCH_TITLE, WATCH_COLUMNS, [_values(line) for line in log.matters]),
        ]
    )


def _values(line: LogLine | WatchLine) -> list[Value]:
    return [getattr(line, field.name) for field in fields(line)]


FORMS: Mapping[str, Callable[[Sequence[Form], Office, datetime], bytes]] = {
    ".docx": forms_docx,
    ".xlsx": forms_xlsx,
}
LOGS: Mapping[str, Callable[[DutyLog, Office, datetime], bytes]] = {".docx": log_docx, ".xlsx": log_xlsx}
"""How each is written, by the ending of the file."""
