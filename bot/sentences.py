"""Short messages about a matter, a source or a person, and the requests for a typed answer. Pure."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from bot import rosters
from bot.chat import Block, Card, Form
from bot.matter import out_still, unit_name
from bot.names import (
    AILMENT_NAMES,
    COLOUR_NAMES,
    LEVEL_MARKS,
    LEVEL_NAMES,
    ROLE_NAMES,
    STEP_NAMES,
    command_name,
    level_tag,
    local,
)
from bot.steps import REPORTS, opinions
from routing.ailments import DESK
from routing.calls import Called
from routing.duty import Unknown
from routing.items import Ailment
from routing.office import Colour, Level, Office, Role, Step
from routing.outbox import QUIET_UNTIL
from routing.reasons import REASON_MIN
from routing.textscan import CLOSED_CLASSES
from routing.views import CaseView
from routing.workflow import Command, Openness, State


def sentence(template: str, facts: Mapping[str, Any], view: CaseView | None, office: Office) -> Card:
    """Give a short message. `facts` come from the row that queued it, `view` is the case it speaks of."""
    write = _SENTENCES[_QUEUED_AS.get(template, template)]
    return Card(tuple(write(facts, view, office)))


_QUEUED_AS: Mapping[str, str] = {"extension_why": "extension"}
"""What older versions queued under another name: it may still wait when a new one begins."""


def question(command: Command, view: CaseView, office: Office, arg: str = "") -> tuple[Card, str]:
    """Give the request for a typed answer, and the placeholder of the input field (at most 64 characters).

    `arg`: what the button carried that was pressed.
    """
    text, placeholder = _QUESTIONS[command]
    blocks = [Block(f"{view.number} {view.title}", Form.TITLE), Block(text)]
    if command is Command.DRAFT:
        kind = dict(enumerate(Openness)).get(int(arg)) if arg.isdecimal() and len(arg) < 3 else None
        blocks = [blocks[0], *_about_draft(text, kind)]
    if command is Command.CONCLUDE:
        blocks = [blocks[0], *opinions(view, office), blocks[1]]
    if command is Command.CONFIRM and view.draft is not None and not view.draft.is_public:
        placeholder = "何时、怎样答复"
        blocks[1] = Block(
            f"本稿{view.draft.openness}，不要发布到网上。请回复何时、怎样答复了当事人（不写姓名、电话、住址）。"
        )
    return Card(tuple(blocks)), placeholder


def _about_draft(text: str, kind: Openness | None) -> list[Block]:
    """Ask for a draft: its openness as chosen, and what must not stand in it (政府信息公开条例 第十四条至第十六条)."""
    told = [Block(kind.value, label="公开属性")] if kind else []
    told.append(Block(text))
    if kind is Openness.CLOSED:
        told.append(
            Block(
                f"第一行写“理由：……”（不予公开的理由，至少 {REASON_MIN} 个字），第二行起写答复全文。",
                weight=9,
            )
        )
    classes = "\n".join(f"{place}. {name}" for place, name in enumerate(CLOSED_CLASSES, 1))
    return [*told, Block(f"提交前逐项自查，稿中不得有：\n{classes}", Form.FOLDED, weight=8)]


def _opinion(opinion: str, example: str) -> tuple[str, str]:
    """Ask for basis and reason of a secrecy opinion (保密审查意见), with an example that fits this one."""
    two = f"请回复“依据；理由”两部分，用分号隔开，各至少 {REASON_MIN} 个字。例：{example}"
    return f"保密审查意见：{opinion}。{two}", "依据；理由"


CONCLUSION = (
    "请按下面六项回复会商结论，每项一行：\n性质：\n走势：\n风险：\n等级：\n口径：\n分工：\n未发表意见的"
    "单位会在卷内注明。"
)


def _reason(of: str, example: str, more: str = "") -> tuple[str, str]:
    """Ask for a reason, and say beforehand what will be taken for one; the field of a phone has room for its name alone."""
    name = of.partition("，")[0].partition("（")[0]
    return f"请回复{of}，至少 {REASON_MIN} 个字，如“{example}”。{more}", name


_QUESTIONS: Mapping[Command, tuple[str, str]] = {
    Command.DISMISS: _reason("不予受理的理由", "经核实不在本县"),
    Command.RETURN: _reason(
        "退回的理由", "供水归住建局管，请转住建局", "不属本单位职责的，请写明应由谁承办。"
    ),
    Command.DRAFT: ("请回复答复稿全文（2000 字以内，只发文字）。提交后进入初审。", "答复稿全文"),
    Command.REDO: _reason("退改的理由", "没有写恢复供水的时间"),
    Command.CLEAR: _opinion("公开", "《政府信息公开条例》第十九条；涉及公众切身利益，不含涉密内容"),
    Command.WITHHOLD: _opinion(
        "不公开", "《政府信息公开条例》第十五条；写明了当事人病情，公开会损害其个人隐私"
    ),
    Command.ESCALATE: _opinion(
        "需报审", "《政府信息公开条例》第十七条；涉及未公布的处置方案，本单位不能确定可否公开"
    ),
    Command.REFUSE: _reason("退回修改的理由", "第二段数字与通报不符"),
    Command.CONFIRM: ("请回复已公开发布的链接（以 http:// 或 https:// 开头）。", "发布链接"),
    Command.MISTAKE: _reason(
        "已发布的答复哪里有误", "恢复供水的时间写错了", "将私报领导，由领导决定是否重新办理。"
    ),
    Command.REOPEN: _reason("重新办理的理由", "居民反映又停水了"),
    Command.OPINE: (
        f"请回复贵单位的意见（事实、处置建议；有不同意见的至少 {REASON_MIN} 个字）。只发送可在群内公开讨论的内容。",
        "会商意见",
    ),
    Command.CONCLUDE: (CONCLUSION, "性质：…走势：…风险：…等级：…口径：…分工：…"),
    Command.SEND_BACK: _reason("退回研判的理由", "请先核实是否属实"),
    Command.ORAL: (
        f"请回复：哪位领导、何时、怎样指示（至少 {REASON_MIN} 个字）。书面审批须随后补办。",
        "某县长 21日14:05 电话同意转办",
    ),
    Command.TRANSFER: _reason("移送的理由，以及是否已告知诉求人", "属行政复议事项，已告知"),
    Command.TAKE_BACK: _reason("对方退回的理由", "不在复议受理范围"),
    Command.EXCUSE: _reason("不必公开回应的理由", "只是转发旧闻，没有新的诉求"),
    Command.REPORT: ("请回复报告全文（首报可未经核实，会标明“待核实”）。将私发各位领导。", "报告全文"),
    Command.PHONE: ("请回复：何时、由谁、向哪位领导电话报告。", "14:05 某某向某县长电话报告"),
    Command.EXTEND: _reason(
        "延期的理由，以及是否已告知诉求人", "管件要从外地调，已告知", "公开回应的时限不因此延长。"
    ),
    Command.DENY: _reason("不同意延期的理由", "居民等不起，请今天办完"),
    Command.RECALL: _reason("复查发现的问题", "链接打不开"),
    Command.FOLLOW: _reason("续发的缘由", "停水范围扩大到三个小区"),
    Command.DISCONTENT: _reason("诉求人不满意的原因", "水压仍然不够", "不写姓名、电话、住址。"),
    Command.SPEAK: ("请回复首次权威发布的链接（以 http:// 或 https:// 开头）。", "发布链接"),
    Command.PAUSE: _reason("暂停计时的理由（在等谁、等什么）", "等省厅的检测报告", "公开回应的时限照常计。"),
    Command.ASSESS: ("请回复效果评估：回应后舆情是否平息，有什么要改进。", "效果评估"),
}


def _case_line(view: CaseView | None) -> str:
    return "" if view is None else f"{level_tag(view.level)} {view.number} {view.title}"


def _due(facts: Mapping[str, Any], office: Office) -> str:
    return local(datetime.fromisoformat(str(facts["due_at"])), office)


def _reminder(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    step = STEP_NAMES[Step(facts["step"])]
    late = "（本提醒迟发）" if facts.get("late") else ""
    return [
        Block(f"⏰ 提醒：{step}应于 {_due(facts, office)} 前完成{late}{_sooner(facts)}", weight=9),
        Block(_case_line(view)),
    ]


def _overdue(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    step = STEP_NAMES[Step(facts["step"])]
    said = [
        Block(
            f"⛔ 超期：{step}时限 {_due(facts, office)} 已到，请立即办理{_urged(facts, office)}{_sooner(facts)}",
            weight=9,
        )
    ]
    return [*said, Block(_case_line(view))]


def _sooner(facts: Mapping[str, Any]) -> str:
    """Say that a limit ends sooner than when it was first told of, because the level rose."""
    if "risen_to" not in facts:
        return ""
    return f"（升为{LEVEL_NAMES[Level(int(facts['risen_to']))].split()[0]}后，时限已提前）"


def _urged(facts: Mapping[str, Any], office: Office) -> str:
    """Say which colour an overdue matter has, and by when it asks for the step."""
    if not facts.get("colour"):
        return ""
    by = facts["answer_by"]
    until = f"，请于 {local(datetime.fromisoformat(by), office)} 前办完" if by else ""
    return f"（{COLOUR_NAMES[Colour(facts['colour'])]}{until}）"


_COLOUR_MARKS = {Colour.BLUE: "🔷", Colour.ORANGE: "🔶", Colour.RED: "🟥"}


def _supervised(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    """Say to whom a matter waits for, and to those who get a copy, how far its supervision has gone."""
    colour, step = Colour(facts["colour"]), STEP_NAMES[Step(facts["step"])]
    by = facts["answer_by"]
    until = f"，请于 {local(datetime.fromisoformat(by), office)} 前办完" if by else "，请立即办完"
    late = "（本督办迟发）" if facts.get("late") else ""
    text = (
        f"{_COLOUR_MARKS[colour]} {COLOUR_NAMES[colour]}：{step}时限 {_due(facts, office)} 已过{until}{late}"
    )
    channel = office.channels.get(view.channel) if view else None
    unit = (
        [Block(unit_name(view, channel) or channel.unit, label="承办")]
        if channel and view and view.slip
        else []
    )
    return [Block(text, weight=9), Block(_case_line(view)), *unit]


def _level_raised(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    new = Level(int(facts["new"]))
    return [
        Block(
            f"{LEVEL_MARKS[new]} {facts.get('why') or '传播升温'}，建议定为{LEVEL_NAMES[new]}{_risen_at(facts, office)}",
            weight=9,
        ),
        *_new_limits(facts, office),
        Block(_case_line(view)),
    ]


def _risen_at(facts: Mapping[str, Any], office: Office) -> str:
    """Say when a level rose of which quiet hours let nobody hear; a row of an older version does not know."""
    if QUIET_UNTIL not in facts or "at" not in facts:
        return ""
    return f"（{local(datetime.fromisoformat(facts['at']), office)} 起）"


def _new_limits(facts: Mapping[str, Any], office: Office) -> list[Block]:
    told = []
    for limit in facts.get("limits", ()):
        was = (
            f"（原 {local(datetime.fromisoformat(limit['was_due_at']), office)}）"
            if "was_due_at" in limit
            else ""
        )
        told.append(f"{STEP_NAMES[Step(limit['step'])]} {_due(limit, office)} 前{was}")
    told += [
        f"{STEP_NAMES[Step(limit['step'])]} {_due(limit, office)} 前（升级前已过，仍须尽快办理）"
        for limit in facts.get("over", ())
    ]
    return [Block("；".join(told), label="时限", weight=8)] if told else []


def _redirected(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    said = [Block(f"↪️ 本事项已改派 {facts['unit']} 办理，本单位不必再办", weight=9)]
    if facts.get("actor"):
        frm, to = (
            office.channels[key].name if key in office.channels else key
            for key in (facts["frm"], facts["to"])
        )
        said.append(Block(f"{facts['actor']} 研判归口为{to}（原{frm}）", label="原因"))
    return [*said, Block(_case_line(view))]


def _redo_why(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    what = command_name(Command(facts["command"]))
    reason = facts["reason"] or "请当面向保密审查员了解"
    return [
        Block(f"第{facts['draft_version']}稿：{what}（{facts['actor']}）", weight=9),
        Block(reason, label="理由"),
        Block("改好后请回复承办群里的卡片，或点卡片上的“拟答复稿”。"),
        Block(_case_line(view)),
    ]


def _head(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    """Tell the head of the ledger in words that somebody understands who knows nothing of seals."""
    day, at = date.fromisoformat(facts["day"]), local(datetime.fromisoformat(facts["at"]), office)
    kept = "请保留这条消息，不用回复。日后可凭校验码核对：此前的办理记录有没有被改动或删去。"
    return [
        Block(f"🔏 台账存证（{day.year}年{day.month}月{day.day}日）", weight=9),
        Block(f"截至 {at}，办理台账共 {facts['seq']} 行。"),
        Block(f"{facts['seq']}:{facts['seal']}", label="校验码", weight=9),
        Block(kept),
    ]


def _granted(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    text = f"⏳ {facts['actor']} 同意延期，办结时限改为 {_due(facts, office)}；公开回应的时限不变"
    return [Block(text, weight=9), Block(_case_line(view))]


def _report(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    """Give a report to a leader; a first one is marked as not verified."""
    kind = REPORTS[str(facts["kind"])]
    mark = "（待核实）" if facts["kind"] == "first" else ""
    return [
        Block(f"📣 {kind}{mark}（{facts['actor']} 报）", weight=9),
        Block(_case_line(view), weight=8),
        Block(str(facts["text"]), Form.QUOTE, weight=9),
    ]


def _reported(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    kind, leaders = REPORTS[str(facts["kind"])], int(facts["leaders"])
    told = f"📣 {kind}已私发 {leaders} 位领导" if leaders else f"⚠️ {kind}已存卷，但没有登记领导，未能发出"
    return [Block(told, weight=9), Block(_case_line(view))]


def _plain(text: str) -> Callable[[Mapping[str, Any], CaseView | None, Office], list[Block]]:
    """Make a writer from one line with {facts}; the case stands below it."""

    def write(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
        blocks = [Block(text.format(**facts, office=office.name), weight=9)]
        if view is not None:
            blocks.append(Block(_case_line(view)))
        return blocks

    return write


def _mistaken_why(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    """Tell a leader that who answered asks to be allowed to put it right, and how he allows it."""
    number = view.number if view is not None else "编号"
    blocks = [
        Block(f"⚠️ {facts['actor']} 报告已发布的答复有误，请决定是否重新办理", weight=9),
        Block(str(facts["reason"]), label="理由", weight=9),
        Block(_case_line(view)),
    ]
    if view is not None and view.release_url and view.released_at is not None:
        at = f"{local(view.released_at, office)} {view.released_by} 确认"
        blocks.append(Block(at, label="已回应", url=view.release_url))
    return [*blocks, Block(f"同意的，请在这里发送 /reopen {number} 理由")]


def _again(text: str) -> Callable[[Mapping[str, Any], CaseView | None, Office], list[Block]]:
    """Make a writer that says of an answer that is out already where it stands while the next one is written."""
    plain = _plain(text)

    def write(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
        return [*plain(facts, view, office), *(out_still(view, office) if view is not None else ())]

    return write


def _returned(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    who = (
        "转办人和值班员" if facts.get("on_duty") else "转办人"
    )  # without a roster nobody is known to be on duty
    text = f"↩️ {facts['unit']}退回，请重新转办（理由已私发{who}）"
    return [Block(text, weight=9), Block(_case_line(view))]


def _extension(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    why = f"。理由：{facts['reason']}" if facts.get("reason") else ""  # a row of an older version has none
    text = f"⏳ {facts['unit']}申请延期 {facts['days']} 个工作日，请政府办在卡片上批复{why}"
    return [Block(text, weight=9), Block(_case_line(view))]


def _answered(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    over = "并办结" if view is not None and view.state is State.CLOSED else ""
    blocks = [Block(f"✅ 已公开回应{over}", url=facts["link"], weight=9), Block(_case_line(view))]
    left = sum(one.kept_at is None for one in view.promises) if view is not None else 0
    return [*blocks, Block(f"还有 {left} 项承诺未兑现，到期前照常提醒。")] if left else blocks


def _promise(text: str) -> Callable[[Mapping[str, Any], CaseView | None, Office], list[Block]]:
    def write(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
        made = view.promises if view is not None else ()
        place = next((str(one.place) for one in made if one.text == facts["text"]), "序号")
        number = view.number if view is not None else "编号"
        told = text.format(due=_due(facts, office), text=facts["text"], number=number, place=place)
        return [Block(told, weight=9), Block(_case_line(view))]

    return write


def _told_closed(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    openness = view.released_as if view is not None else ""
    return [Block(f"✅ 已答复当事人（{openness}）", weight=9), Block(_case_line(view))]


def _approved_closed(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    """Give the drafter the approved text that stands in no group, as it was approved."""
    draft = view.draft if view is not None else None
    if draft is None or str(draft.version) != facts["draft_version"]:
        return [Block("答复稿已更新，以最新稿为准", weight=9), Block(_case_line(view))]
    return [
        Block(
            f"第{draft.version}稿已批准（{draft.openness}），请按下文答复当事人，答复后点“回应确认”", weight=9
        ),
        Block(_case_line(view)),
        Block(draft.text, Form.QUOTE, weight=9),
    ]


def _nobody(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    role = ROLE_NAMES[Role(facts["role"])]
    text = f"⚠️ 没有可用的{role}（拟稿人不能审自己的稿）。请系统管理员用 yuqing people invite 登记。"
    return [Block(text, weight=9), Block(_case_line(view))]


def _source_ails(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    """Say what is new of one source, each ailment with its cure."""
    said = [
        f"{AILMENT_NAMES[Ailment(a['ailment'])]}：{a['detail']}。{a['cure']}。" for a in facts["ailments"]
    ]
    mark = "🚨" if any(a["ailment"] == Ailment.TAMPERED for a in facts["ailments"]) else "⚠️"
    if len(said) == 1:
        return [Block(f"{mark} {_source(facts)}{said[0]}", weight=9)]
    return [Block(f"{mark} {_source(facts)}有 {len(said)} 处异常", weight=9), *(Block(text) for text in said)]


def _source_fault(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    """Say that a source cannot be read, and the cure."""
    return [Block(f"⚠️ {_source(facts)}读取失败：{facts['detail']}", weight=9)]


def _source_ok(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    """Say that a source is read again, and which ailments are over."""
    over = "、".join(AILMENT_NAMES[Ailment(word)] for word in facts["over"])
    if facts["source"] == DESK:
        return [Block(f"✅ {over}：已恢复正常", weight=9)]
    if not facts["since"]:
        return [Block(f"✅ {_source(facts)}异常已消除：{over}", weight=9)]
    read_again = Block(f"✅ {_source(facts)}已恢复", weight=9)
    return [read_again, Block(f"异常已消除：{over}")] if over else [read_again]


def _source(facts: Mapping[str, Any]) -> str:
    """Name a source by its id, which commands take, and its name; nothing where it is us."""
    if facts["source"] == DESK:
        return ""
    name = f"（{facts['name']}）" if facts.get("name") else " "
    return f"来源 {facts['source']}{name}"


def _called(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    """Call somebody for a grave matter: the person on duty at once, the others because nobody came."""
    tag, called = level_tag(Level(int(facts["level"]))), Called(facts["called"])
    text = f"📣 您在值班：{tag}事项，请到值班群处理"
    if called is not Called.STAFF:
        who = "值班领导" if called is Called.LEADER else "备用人员"
        text = f"📣 {tag}事项已 {facts['minutes']} 分钟无人处理，请{who}过问"
    return [Block(text, weight=9), Block(_case_line(view))]


def _handover_unsigned(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    """Say whose signature a handover still wants."""
    at = local(datetime.fromisoformat(str(facts["at"])), office)
    return [
        Block(f"⚠️ {at} 的交接班还没签齐，请 {'、'.join(facts['names'])} 在值班群的交接单上签名", weight=9)
    ]


def _roster_names(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    """Say which names of the roster nobody has; until they are right the roster before it counts."""
    told = [
        Block(rosters.unknown_line(Unknown(name, where, tuple(near), bearers)), weight=5)
        for name, where, near, bearers in facts["names"]
    ]
    return [Block(f"⚠️ 值班表有 {len(told)} 个姓名对不上，沿用原值班表", weight=9), *told]


def _roster_gap(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    return [Block(f"🚨 {rosters.gap_line(facts, office)}", weight=9)]


def _roster_week(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    first, *rest = rosters.week_lines(facts, office)
    return [Block(f"🗓 {first}", weight=9), *(Block(line) for line in rest)]


_SENTENCES: Mapping[str, Callable[[Mapping[str, Any], CaseView | None, Office], list[Block]]] = {
    "reminder": _reminder,
    "overdue": _overdue,
    "supervised": _supervised,
    "level_raised": _level_raised,
    "redo_why": _redo_why,
    "head": _head,
    "answered": _answered,
    "answered_closed": _told_closed,
    "approved_closed": _approved_closed,
    "nobody": _nobody,
    "promise_due": _promise("⏰ 承诺将到期：{due} 前 {text}。办好后登记：/promise {number} 兑现 {place}"),
    "promise_late": _promise(
        "⛔ 承诺到期未兑现：{due} 前 {text}。请立即办理，办好后登记：/promise {number} 兑现 {place}"
    ),
    "returned": _returned,
    "returned_why": _plain("{unit} {actor} 退回，理由：{reason}"),
    "reopened": _again("🔁 {actor} 要求重新办理，请按新的时限办理（理由已私发有关人员）"),
    "mistaken": _plain("⚠️ {actor} 报告已发布的答复有误，已私报领导决定是否重新办理"),
    "mistaken_why": _mistaken_why,
    "reopened_why": _again("{actor} 要求重新办理，理由：{reason}"),
    "redo": _again("✏️ 答复稿需要修改，意见已私发拟稿人"),
    "renewed": _plain("⏸ 等级已升，第{draft_version}稿须主要领导审批，批准前先不要发布"),
    "redirected": _redirected,
    "split_off": _plain("✂️ 《{title}》已从本事项拆出，另立 {number} 研判，不在本事项内答复"),
    "merged_in": _plain("➕ {number}《{title}》已并入本事项，请一并办理答复"),
    "not_ordered": _plain("↩️ {actor} 未同意转办，请重新研判（理由已私发报批人）"),
    "not_ordered_why": _plain("{actor} 未同意转办，理由：{reason}"),
    "concluded": _plain("👥 会商已有结论，请继续研判转办"),
    "extension": _extension,
    "granted": _granted,
    "denied": _plain("⏳ {actor} 未同意延期，请按原时限办理"),
    "followed": _again("🔁 {actor} 提出续发：有新情况，请继续办理并回应"),
    "report": _report,
    "reported": _reported,
    "after_close": _plain("🔁 办结后又有新信息，请研究是否继续回应"),
    "source_fault": _source_fault,
    "source_ails": _source_ails,
    "source_ok": _source_ok,
    "called": _called,
    "handover_unsigned": _handover_unsigned,
    "substitute_over": _plain("顶岗到时结束：{reserve} 不再顶 {absent} 的岗，权限已收回。"),
    "substitute_ended": _plain("顶岗提前结束（{by}）：{reserve} 不再顶 {absent} 的岗，权限已收回。"),
    "substitute_lapsed": _plain(
        "顶岗申请（{reserve} 顶 {absent}）无人答复，时段已过，没有生效。需要时请重新申请。"
    ),
    "substitute_silent": _plain("⚠️ 顶岗申请（{reserve} 顶 {absent}）各位领导都还没有答复，请当面催办。"),
    "roster_names": _roster_names,
    "roster_gap": _roster_gap,
    "roster_week": _roster_week,
    "trouble": _plain("⚠️ {text}"),
    "said": _plain("{text}"),
    "stranger": _plain(
        "您好，这里是{office}值班机器人，仅供已登记人员使用。如需加入，请向系统管理员索取邀请码后发送 /join 邀请码。"
    ),
    "unknown_group": _plain(
        "本群未登记（群号 {chat}），机器人将退出。如需使用，请系统管理员在 office.toml 登记群号后重新邀请。"
    ),
    "invite_welcome": _plain("登记成功：{name}（{roles}）。发送 /help 查看用法。"),
    "invite_refused": _plain("系统管理员没有确认您的加入申请，如有疑问请直接联系系统管理员。"),
}
