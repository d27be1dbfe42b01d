"""The columns of an older ledger (旧台账): which heading means which field, and where the headings stand. Pure tables.

The fields are those of the 舆情处置台账 under their exact names, and the few of 网络舆情日志 and 舆情转办单 that say when a
matter was found, how far it is and by when it is due. Other headings of the same meaning are aliases. A column that
holds a person is never taken in (个人信息保护法 第六条).
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from routing.grid import Cell, Row, text_of

HEAD_WITHIN = 15
"""The headings stand in one of the first rows, below titles; project default."""
LEAST_KNOWN = 3


class Field(StrEnum):
    """A field of the form; the value is its exact heading."""

    NUMBER = "编号"
    WATCHER = "巡查单位"
    PUBLISHED = "发布时间"
    FOUND = "发现时间"
    PLATFORM = "发布平台"
    TITLE = "标题"
    URL = "链接"
    LEVEL = "等级"
    CHANNEL = "归口类别"
    UNIT = "责任单位"
    SUBJECT = "涉及领域"
    FIRST = "首接人"
    SENT = "交办时间"
    SIGNED = "签收时间"
    ANSWERED = "首回时间"
    CLOSED = "办结时间"
    DUE = "办结时限"
    VIEWS = "关注量"
    REPOSTS = "转发数"
    COMMENTS = "跟帖数"
    SUMMARY = "原帖摘要"
    ANSWER = "办结回复摘要"
    ONLINE = "线上情况"
    OFFLINE = "线下情况"
    SUPERVISED = "是否督办"
    SATISFACTION = "满意度"
    STATE = "状态"
    NOTE = "备注"


ALIASES: Mapping[Field, tuple[str, ...]] = {
    Field.NUMBER: (
        "事项编号",
        "舆情编号",
        "登记号",
        "登记编号",
        "台账编号",
        "工单号",
        "工单编号",
        "案件编号",
    ),
    Field.WATCHER: ("监测单位", "报送单位", "来源单位"),
    Field.PUBLISHED: ("发帖时间", "发布日期", "首发时间", "发文时间", "帖文时间", "信息发布时间"),
    Field.FOUND: ("日期", "发现日期", "登记时间", "登记日期", "收到时间", "巡查时间", "立项时间", "受理时间"),
    Field.PLATFORM: ("平台", "来源平台", "发布媒体", "媒体", "来源", "信息来源", "发布网站", "载体"),
    Field.TITLE: ("舆情标题", "信息标题", "帖文标题", "主题", "事项", "事项名称", "舆情事项", "问题"),
    Field.URL: ("网址", "原文链接", "帖文链接", "链接地址", "舆情链接", "url"),
    Field.LEVEL: ("舆情等级", "初判等级", "级别", "事项等级", "分级", "风险等级"),
    Field.CHANNEL: ("归口", "归口渠道", "归口部门", "类别", "舆情类别", "初判类别", "分类"),
    Field.UNIT: ("承办单位", "主办单位", "涉及单位", "办理单位", "责任部门", "涉事单位", "牵头单位"),
    Field.SUBJECT: ("领域", "问题领域", "行业领域"),
    Field.FIRST: ("首接负责人", "登记人", "监测员"),
    Field.SENT: ("转办时间", "交办日期", "转办日期", "派单时间", "下发时间", "分派时间"),
    Field.SIGNED: ("签收日期", "接收时间", "接单时间"),
    Field.ANSWERED: ("首次回复时间", "回复时间", "首次回应时间", "回应时间", "答复时间", "公开回应时间"),
    Field.CLOSED: ("办结日期", "完成时间", "结案时间", "办毕时间", "归档时间"),
    Field.DUE: ("办理期限", "办理时限", "截止时间", "限办日期", "要求办结时间"),
    Field.VIEWS: ("阅读量", "浏览量", "点击量", "阅读数", "播放量"),
    Field.REPOSTS: ("转发量", "转发"),
    Field.COMMENTS: ("评论数", "跟帖量", "回帖数", "评论量", "跟帖", "评论"),
    Field.SUMMARY: (
        *("摘要", "内容", "主要内容", "帖文内容", "内容摘要", "舆情内容", "舆情摘要", "基本情况", "问题描述"),
        *("诉求", "诉求内容", "主要诉求", "群众诉求", "网民诉求", "网友诉求", "反映问题", "反映内容"),
        *("留言内容", "网民留言", "网友留言", "网民反映问题", "网友反映问题"),
    ),
    Field.ANSWER: ("回复摘要", "办理结果", "处理结果", "回复内容", "答复内容", "处置结果", "办结情况"),
    Field.ONLINE: ("线上回复", "线上回应", "线上处置"),
    Field.OFFLINE: ("线下处置", "线下处理", "线下办理"),
    Field.SUPERVISED: ("督办", "督办情况"),
    Field.SATISFACTION: ("满意情况", "回访满意度", "回访结果"),
    Field.STATE: ("办理状态", "当前状态", "处理状态", "事项状态", "处置状态", "进度", "办理进度", "办理情况"),
    Field.NOTE: ("说明", "其他", "处理去向", "备注说明"),
}
PASSED_OVER = frozenset({"", "序号", "班次", "期数", "行号", "no", "原行号", "未导入的原因"})
"""Headings that say nothing of a matter and are left out without a word."""

_PERSON = re.compile(
    r"联系人.*|联系方式|.*(?:电话|手机|身份证|邮箱|微信|住址|户籍|门牌).*|qq号?"
    r"|(?:发帖|发布|留言|来信|来电|来访|投诉|信访|反映|举报|诉求|求助|爆料|当事|申请|上访)(?:人|者|群众|网民)(?!.*(?:时间|单位)).*"
    r"|(?:博主|楼主|作者|网名|昵称|姓名|用户|账号|头像|属地|性别|年龄|民族|职业|粉丝|网民|网友).{0,4}|ip.{0,4}"
)
_MARKS = re.compile(r"[\s*＊:：_\-]+|[(（【\[].*?[)）】\]]")
_BY_NAME: Mapping[str, Field] = {
    name: field for field in Field for name in (field.value, *ALIASES.get(field, ()))
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is taken in: its place (from 0), its heading as it stands there, the field."""

    place: int
    heading: str
    field: Field

    @property
    def where(self) -> str:
        """Name the column as a person finds it: heading and letter."""
        return f"{self.heading}（{letter(self.place)} 列）"


@dataclass(frozen=True, slots=True)
class Head:
    """The headings of a sheet. `data_from`: number of the first row below. `persons` and `unknown` are left out.

    `doubled`: headings whose field another column has already.
    """

    columns: tuple[Column, ...]
    data_from: int
    persons: tuple[str, ...]
    unknown: tuple[str, ...]
    doubled: tuple[str, ...]
    person_places: tuple[int, ...] = ()

    def column(self, field: Field) -> Column | None:
        """Give the column of a field."""
        return next((one for one in self.columns if one.field is field), None)


def plain(heading: str) -> str:
    """Give a heading in its normal form: half width, no blanks, no star of a duty field, nothing in brackets."""
    return _MARKS.sub("", unicodedata.normalize("NFKC", heading)).lower()


def field_named(name: str) -> Field | None:
    """Give the field of a heading, by its name or an alias."""
    return _BY_NAME.get(plain(name))


def is_personal(heading: str, names_person: Callable[[str], bool]) -> bool:
    """Tell whether a heading that is no field of the form holds a person. `names_person` knows the words of platforms."""
    name = plain(heading)
    return field_named(heading) is None and bool(_PERSON.fullmatch(name) or names_person(name))


def find_head(
    rows: Sequence[Row], named: Mapping[str, Field], names_person: Callable[[str], bool]
) -> Head | None:
    """Find the headings among the first rows; None where no row has a title or summary and two fields more.

    `named`: what a person said that strange headings mean, by their plain form. Headings on two lines (a joined one
    above several) are read together.
    """
    known = {**_BY_NAME, **named}
    best: tuple[int, int] = (0, 0)
    for place, row in enumerate(rows[:HEAD_WITHIN]):
        fields = {known[name] for cell in row.cells if (name := plain(text_of(cell))) in known}
        if len(fields) > best[0]:
            best = (len(fields), place)
    count, place = best
    if not count:
        return None
    headings = [text_of(cell) for cell in rows[place].cells]
    below = rows[place + 1].cells if place + 1 < len(rows) else ()
    two_lines = _second_line(headings, below, known)
    for column, cell in enumerate(below if two_lines else ()):
        told = text_of(cell)
        if plain(told) in known or (column < len(headings) and not headings[column]):
            headings += [""] * (column + 1 - len(headings))
            headings[column] = told
    head = _sorted(headings, known, rows[place].number + 1 + two_lines, names_person)
    fields = {column.field for column in head.columns}
    return head if len(fields) >= LEAST_KNOWN and fields & {Field.TITLE, Field.SUMMARY} else None


def _second_line(headings: Sequence[str], below: Sequence[Cell], known: Mapping[str, Field]) -> bool:
    """Tell whether the row below goes on with headings: it names fields, in places where the first row names none."""
    found = [
        place
        for place, cell in enumerate(below)
        if plain(text_of(cell)) in known
        and (place >= len(headings) or plain(headings[place]) not in known or not headings[place])
    ]
    filled = [cell for cell in below if text_of(cell)]
    return bool(found) and len(found) * 2 >= len(filled)


def _sorted(
    headings: Sequence[str], known: Mapping[str, Field], data_from: int, names_person: Callable[[str], bool]
) -> Head:
    columns: dict[Field, Column] = {}
    persons, unknown, doubled, places = list[str](), list[str](), list[str](), list[int]()
    for place, heading in enumerate(headings):
        name = plain(heading)
        field = known.get(name)
        shown = " ".join(heading.split())
        if field is not None and field not in columns:
            columns[field] = Column(place, shown, field)
        elif field is not None:
            doubled.append(shown)
        elif name in PASSED_OVER:
            continue
        elif is_personal(heading, names_person):
            persons.append(shown)
            places.append(place)
        else:
            unknown.append(shown)
    return Head(
        tuple(columns.values()), data_from, tuple(persons), tuple(unknown), tuple(doubled), tuple(places)
    )


def letter(place: int) -> str:
    """Name a column as spreadsheet programs do: 0 is A, 26 is AA."""
    name = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        name = chr(ord("A") + rest) + name
    return name
