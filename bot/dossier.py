"""The file of one matter (责任追究) as a workbook: values -> bytes, in the words of the field. Reads no store."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from bot.forms import Column, Value, workbook
from bot.names import LEVEL_NAMES, STAGE_NAMES, STEP_NAMES, opinion_name
from routing.deliveries import ACTIONS
from routing.dossier import Dossier
from routing.office import Channel, Office
from routing.owed import OWED_NAMES
from routing.why import Words
from routing.workflow import ASPECT_NAMES, STATE_NAMES

Sheet = tuple[str, Sequence[Column], Sequence[Sequence[Value]]]
_SEALED = {True: "一致", False: "不一致：稿件被改动过", None: "台账未记录"}
_MET = {True: "按时", False: "超期", None: "进行中"}


def dossier_xlsx(file: Dossier, office: Office, words: Words) -> bytes:
    """Write the sheets 事项、（旧台账、）来文、经过、答复稿、审签、转办、发布、承诺、时限、消息、台账行.

    Instants are told in the office's zone.
    """
    return workbook([_localised(sheet, office) for sheet in _sheets(file, office, words)])


def _sheets(file: Dossier, office: Office, words: Words) -> Iterable[Sheet]:
    yield "事项", _columns("项目 16", "内容 80"), _matter(file, office)
    if file.old:
        yield "旧台账", _columns("栏目 16", "内容 80"), file.old
    yield (
        "来文",
        _columns("来源 16", "标题 36", "链接 32", "正文 60", "发布时间 17", "读到时间 17", "归并依据 28"),
        [
            (words.source(t.source), t.title, t.url, t.text, t.published_at, t.seen_at, t.why)
            for t in file.texts
        ],
    )
    yield "经过", _columns("时间 17", "人员 12", "动作 18", "说明 90", "台账行 9"), _course(file, words)
    yield (
        "答复稿",
        _columns(
            "稿次 6", "拟稿人 12", "时间 17", "公开属性 11", "不公开理由 30", "正文 90", "与台账核对 20"
        ),
        [
            (d.version, d.drafter, d.at, d.openness, d.openness_reason, d.text, _SEALED[d.sealed])
            for d in file.drafts
        ],
    )
    yield (
        "审签",
        _columns("稿次 6", "环节 12", "意见 12", "审签人 12", "时间 17", "依据 40", "理由 50", "核对方面 30"),
        [
            (
                o.draft,
                STAGE_NAMES[o.stage],
                opinion_name(o.stage, o.opinion),
                o.reviewer,
                o.at,
                o.basis,
                o.reason,
                "、".join(ASPECT_NAMES[aspect] for aspect in o.aspects),
            )
            for o in file.opinions
        ],
    )
    yield (
        "转办",
        _columns(
            "文号 18", "承办单位 20", "转办人 12", "转办时间 17", "签收人 12", "签收时间 17",
            "退回人 12", "退回时间 17", "退回理由 40", "指定承办 10",
        ),
        [
            (s.number, s.unit, s.sent_by, s.sent_at, s.signed_by, s.signed_at, s.returned_by, s.returned_at,
             s.return_reason, "是" if s.assigned else "")
            for s in file.slips
        ],
    )  # fmt: skip
    yield (
        "发布",
        _columns("稿次 6", "链接 50", "确认人 12", "时间 17", "信息索引号 22", "告知情况 40"),
        [(r.draft, r.url, r.confirmed_by, r.at, r.index_number, r.told) for r in file.releases],
    )
    yield (
        "承诺",
        _columns("序号 6", "承诺内容 50", "期限 17", "兑现时间 17", "登记人 12", "兑现情况 40"),
        [(p.place, p.text, p.due_at, p.kept_at, p.kept_by, p.note) for p in file.promises],
    )
    yield (
        "时限",
        _columns("环节 12", "起 17", "期限 17", "完成 17", "结果 10", "已提醒次数 10"),
        [
            (
                STEP_NAMES[m.step],
                m.started_at,
                m.due_at,
                m.ended_at,
                _MET[m.met if m.ended_at else None],
                m.reminded,
            )
            for m in file.limits
        ],
    )
    yield (
        "消息",
        _columns("种类 12", "内容 16", "会话 22", "稿次 6", "结果 12", "排入 17", "送达 17", "次数 6", "原因 30"),
        [
            (words.name("kind", m.kind), m.what, words.name("chat", m.chat), m.draft or None,
             words.name("sending", m.state), m.queued_at, m.sent_at, m.attempts, m.error)
            for m in file.messages
        ],
    )  # fmt: skip
    yield (
        "台账行",
        _columns("行号 9", "时间 22", "人员 12", "动作 16", "内容 90", "校验值 70"),
        [
            (line.seq, line.at.isoformat(timespec="microseconds"), line.actor, line.action,
             json.dumps(line.data, ensure_ascii=False, sort_keys=True), line.seal)
            for line in file.lines
        ],
    )  # fmt: skip


def _unit(file: Dossier, channel: Channel) -> str:
    """Name the unit that has the matter, of several; else the channel's own."""
    slip = file.slips[-1] if file.slips else None
    has_it = slip is not None and slip.returned_at is None and slip.unit in channel.units()
    return slip.unit if slip and has_it else channel.unit


def _owed(file: Dossier) -> str:
    if not file.must_answer:
        return "否"
    return f"是（{OWED_NAMES[file.owed]}）" if file.owed else "是"


def _matter(file: Dossier, office: Office) -> list[tuple[Value, ...]]:
    channel = office.channels.get(file.channel)
    return [
        ("编号", file.number),
        ("标题", file.title),
        ("状态", STATE_NAMES[file.state]),
        ("等级", LEVEL_NAMES[file.level]),
        ("建议等级", LEVEL_NAMES[file.proposed_level]),
        ("归口", f"{channel.name}（{_unit(file, channel)}）" if channel else file.channel),
        ("应当回应", _owed(file)),
        ("立项", file.opened_at),
        ("结束", file.closed_at),
        ("不予受理理由", file.close_reason),
        ("退回次数", file.returns),
        *_origin(file),
    ]


def _origin(file: Dossier) -> list[tuple[Value, ...]]:
    return [("旧台账导入", file.imported_at), ("旧编号", file.old_number)] if file.imported_at else []


def _course(file: Dossier, words: Words) -> list[tuple[Value, ...]]:
    """Tell every line of the ledger in words; deliveries have a sheet of their own."""
    return [
        (
            line.at,
            line.actor,
            words.name("action", line.action),
            "，".join(words.entry(k, v) for k, v in line.data.items() if k not in words.hidden),
            line.seq,
        )
        for line in file.lines
        if line.action not in ACTIONS.values()
    ]


def _columns(*told: str) -> tuple[Column, ...]:
    """Read columns written as name and width."""
    return tuple(Column(name, int(width)) for name, width in (one.split() for one in told))


def _localised(sheet: Sheet, office: Office) -> Sheet:
    name, columns, rows = sheet
    local = [
        [value.astimezone(office.zone) if isinstance(value, datetime) else value for value in row]
        for row in rows
    ]
    return name, columns, local
