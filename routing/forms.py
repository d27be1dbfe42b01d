"""The forms of the office (公文格式) as values: which field holds what. Pure; reads no store and writes no file.

A field whose value nobody recorded stays empty for the hand; nothing is made up. What may not leave (links and texts
of Ⅰ/Ⅱ matters, the grounds of a secrecy review) was left out by `routing.dossier` and says so in its place.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from routing.dossier import SECRET_STAGES, Dossier, DraftPart, OpinionPart, SlipPart
from routing.errors import UserError
from routing.export import LEFT_OUT, SUMMARY_MAX
from routing.office import Level, Office, Step
from routing.views import CaseView, PaperView
from routing.why import Words
from routing.workflow import ASPECT_NAMES, STATE_NAMES, Aspect, Command, Stage

DISPATCH = "舆情转办单"
SECRECY = "保密审查表"
APPROVAL = "信息发布审签表"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form. `is_long`: sentences, or where it is empty room to write some."""

    name: str
    text: str = ""
    is_long: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it is filled in: its title, the office in full name, the matter, the fields in the order of the form.

    `annex`: heading and text of what belongs to it, the very words that are decided on; empty where nothing does.
    """

    title: str
    issuer: str
    number: str
    fields: tuple[Field, ...]
    annex: tuple[str, str] = ("", "")

    def text(self, name: str) -> str:
        """Give what stands in a field. Raises KeyError where the form has none of that name."""
        return {field.name: field.text for field in self.fields}[name]

    @property
    def is_cut(self) -> bool:
        """Tell that something was left out of it."""
        return any(LEFT_OUT in text for text in (*(field.text for field in self.fields), self.annex[1]))


@dataclass(frozen=True, slots=True)
class Facts:
    """What the forms of one matter are filled from: its file as far as it may leave, and how it stands at `now`.

    `words` names the codes; times are told in the office's zone, to the minute. `full`: links and texts of a Ⅰ/Ⅱ matter may
    leave, as the file was read with it.
    """

    file: Dossier
    view: CaseView
    office: Office
    words: Words
    now: datetime
    full: bool = False

    def at(self, moment: datetime | None) -> str:
        """Write an instant as `2026-11-17 10:05`; None is an empty field."""
        return "" if moment is None else f"{moment.astimezone(self.office.zone):%Y-%m-%d %H:%M}"

    def source(self, key: str) -> str:
        """Name a source by its id; the comment feed of one as its comments."""
        return self.words.source(key)

    def sources(self) -> str:
        """Name where the texts of the matter stand, each once."""
        return "、".join(dict.fromkeys(self.source(key) for key in self.view.sources))

    @property
    def shown(self) -> bool:
        """Tell whether the texts of the matter may stand in a form."""
        return self.full or self.file.level > Level.II

    @property
    def link(self) -> str:
        """Give the address of the first text that has one."""
        return next((part.url for part in self.file.texts if part.url), "")

    @property
    def summary(self) -> str:
        """Give the beginning of the text that the matter is about."""
        lead = self.view.lead
        if lead is None or not self.shown:
            return LEFT_OUT if self.file.texts else ""
        text = " ".join((lead.text or lead.title).split())
        return text if len(text) <= SUMMARY_MAX else text[: SUMMARY_MAX - 1] + "…"

    def papers(self, *kinds: Command) -> list[PaperView]:
        """List the papers of some kinds, oldest first."""
        return [paper for paper in self.view.papers if paper.kind in kinds]

    def form(self, title: str, fields: Iterable[Field], annex: tuple[str, str] = ("", "")) -> Form:
        """Make a form of this office about this matter."""
        return Form(title, self.office.name, self.file.number, tuple(fields), annex)


# --- 舆情转办单 ---


def dispatch_form(facts: Facts, slip_number: str = "") -> Form:
    """Fill in the 舆情转办单 of the newest slip, or of the one with a number (`舆转〔2026〕1号`).

    Raises UserError where the matter was not dispatched yet.
    """
    file = facts.file
    slip = _slip(facts, slip_number)
    is_newest = slip is file.slips[-1]
    fields = (
        Field("编号", slip.number or file.number),
        Field("等级", facts.words.name("level", int(file.level))),
        Field("归口类别", facts.words.name("channel", _channel(facts, slip))),
        Field("责任单位", slip.unit),
        Field("协办单位", "、".join(_copied(facts)) if is_newest else ""),
        Field("标题", file.title, is_long=True),
        Field("链接", facts.link, is_long=True),
        Field("原帖摘要", facts.summary, is_long=True),
        Field("交办意见", _instruction(facts, slip), is_long=True),
        Field("交办人", slip.sent_by),
        Field("交办时间", facts.at(slip.sent_at)),
        Field("签收人", slip.signed_by),
        Field("签收时间", facts.at(slip.signed_at)),
        Field("反馈时限", _limit(facts, slip, Step.DRAFT) if is_newest else ""),
        Field("办结时限", _limit(facts, slip, Step.CLOSE) if is_newest else ""),
        Field("退回理由", slip.return_reason, is_long=True),
        Field("延期情况", _extensions(facts, slip) if is_newest else "", is_long=True),
    )
    return facts.form(DISPATCH, fields)


def _slip(facts: Facts, number: str) -> SlipPart:
    if not facts.file.slips:
        raise UserError(
            f"{facts.file.number} 还没有转办（现为“{STATE_NAMES[facts.file.state]}”），没有转办单，什么都没有导出。"
            "请先在卡片上转办。"
        )
    return next((slip for slip in facts.file.slips if number and slip.number == number), facts.file.slips[-1])


def _channel(facts: Facts, slip: SlipPart) -> str:
    """Give the key of the channel that a slip went to, as the record has it; else the one that has the matter."""
    sent = (line.data for line in facts.file.lines if slip.number and line.data.get("slip") == slip.number)
    return next((str(data["channel"]) for data in sent if data.get("channel")), facts.file.channel)


def _copied(facts: Facts) -> list[str]:
    """Name the units that the matter was copied to, and that were not let go again."""
    keys = [p.channel for p in facts.papers(Command.SIGN_COPY) if p.done_at is None or p.by]
    channels = facts.office.channels
    return [channels[key].unit if key in channels else key for key in dict.fromkeys(keys)]


def _instruction(facts: Facts, slip: SlipPart) -> str:
    """Give what was said when it was sent out: by who agreed to it, or that the office settled who is competent."""
    said = [p.text for p in facts.papers(Command.ORDER, Command.ORAL) if p.at <= slip.sent_at and p.text]
    return "；".join([*said[-1:], *(["政府办指定承办"] if slip.assigned else [])])


def _limit(facts: Facts, slip: SlipPart, step: Step) -> str:
    """Give the end of a limit of this slip; until it is signed for none of them runs."""
    due = [
        limit.due_at for limit in facts.file.limits if limit.step is step and limit.started_at >= slip.sent_at
    ]
    if due:
        return facts.at(due[-1])
    return "" if slip.signed_at or slip.returned_at else "签收后起算"


def _extensions(facts: Facts, slip: SlipPart) -> str:
    said = {
        Command.EXTEND: "申请延期 {days} 个工作日",
        Command.GRANT: "同意延期 {days} 个工作日",
        Command.DENY: "不同意延期",
    }
    return "\n".join(
        f"{facts.at(p.at)} {said[p.kind].format(days=p.stance)}" + (f"：{p.text}" if p.text else "")
        for p in facts.papers(*said)
        if p.at >= slip.sent_at
    )


# --- 保密审查表、信息发布审签表 ---


def review_forms(facts: Facts) -> tuple[Form, Form]:
    """Fill in the 保密审查表 and the 信息发布审签表 of the newest version of the answer, its words beside them.

    Raises UserError where there is no draft yet.
    """
    file = facts.file
    if not file.drafts:
        raise UserError(
            f"{file.number} 还没有答复稿（现为“{STATE_NAMES[file.state]}”），没有审查表，什么都没有导出。"
            "请承办人先在卡片上拟答复稿。"
        )
    draft = file.drafts[-1]
    annex = (f"附：答复稿（第 {draft.version} 稿）", draft.text)
    return (
        facts.form(SECRECY, _secrecy_fields(facts, draft), annex),
        facts.form(APPROVAL, _approval_fields(facts, draft), annex),
    )


def _secrecy_fields(facts: Facts, draft: DraftPart) -> Sequence[Field]:
    opinions = [o for o in facts.file.opinions if o.draft == draft.version]
    secrecy = [o for o in opinions if o.stage in SECRET_STAGES]
    grounds = dict.fromkeys(text for o in secrecy for text in (o.basis, o.reason) if text)
    wish = "：".join(filter(None, (draft.openness, draft.openness_reason)))
    return (
        Field("编号", _draft_number(facts, draft)),
        Field("信息名称", facts.file.title, is_long=True),
        Field("产生机构", _unit(facts)),
        Field("承办人初步意见", f"{wish}（{draft.drafter}，{facts.at(draft.at)}）", is_long=True),
        Field("机构负责人审查意见", is_long=True),
        Field("保密审查机构意见", "；".join(_signed(facts, o, reason=False) for o in secrecy), is_long=True),
        Field("依据和理由", "；".join(grounds), is_long=True),
        Field("部分公开处理", is_long=True),
        Field("分管领导审批", _said(facts, opinions, Stage.APPROVAL, signed=True), is_long=True),
        Field("审查日期", facts.at(secrecy[-1].at)[:10] if secrecy else ""),
    )


def _approval_fields(facts: Facts, draft: DraftPart) -> Sequence[Field]:
    opinions = [o for o in facts.file.opinions if o.draft == draft.version]
    ticked = {aspect for o in opinions if o.stage is Stage.FIRST for aspect in o.aspects}
    body = _said(facts, opinions, *SECRET_STAGES)
    release = next((r for r in facts.file.releases if r.draft == draft.version), None)
    checked = [p for p in facts.papers(Command.RECHECK, Command.RECALL) if p.draft_version == draft.version]

    def aspect(one: Aspect) -> Field:
        told = ["已核对"] if one in ticked else []
        return Field(
            f"{ASPECT_NAMES[one]}审查", "；".join([*told, body] if one is Aspect.SECRECY and body else told)
        )

    def stage(name: str, one: Stage) -> Iterable[Field]:
        last = next((o for o in reversed(opinions) if o.stage is one), None)
        yield Field(f"{name}意见", _said(facts, opinions, one), is_long=True)
        yield Field(f"{name}人", last.reviewer if last else "")
        yield Field(f"{name}时间", facts.at(last.at) if last else "")

    return (
        Field("编号", _draft_number(facts, draft)),
        Field("信息标题", facts.file.title, is_long=True),
        Field("拟发布渠道"),
        Field("信息来源", _unit(facts)),
        Field("公开属性", draft.openness),
        Field("拟稿人", draft.drafter),
        *(aspect(one) for one in Aspect),
        *stage("初审", Stage.FIRST),
        *stage("二审", Stage.SECOND),
        *stage("三审", Stage.APPROVAL),
        Field("主要领导意见", _said(facts, opinions, Stage.CHIEF, signed=True), is_long=True),
        Field("其他机关确认", _confirmed(facts, draft), is_long=True),
        Field("发布人", release.confirmed_by if release else ""),
        Field("发布时间", facts.at(release.at) if release else ""),
        Field("复查人", checked[-1].by if checked else ""),
        Field("复查时间", facts.at(checked[-1].at) if checked else ""),
        Field("复查结果", _checked(checked[-1]) if checked else "", is_long=True),
    )


def _draft_number(facts: Facts, draft: DraftPart) -> str:
    return f"{facts.file.number} 第 {draft.version} 稿"


def _unit(facts: Facts) -> str:
    """Name the unit that has the matter in hand."""
    return facts.file.slips[-1].unit if facts.file.slips else ""


def _said(facts: Facts, opinions: Sequence[OpinionPart], *stages: Stage, signed: bool = False) -> str:
    """Tell the last opinion of a stage; who gave it only where no field of its own has his name."""
    last = next((o for o in reversed(opinions) if o.stage in stages), None)
    if last is None:
        return ""
    is_secret = last.stage in SECRET_STAGES
    if signed:
        return _signed(facts, last, reason=not is_secret)
    return _opinion(facts, last, reason=not is_secret)


def _opinion(facts: Facts, one: OpinionPart, *, reason: bool) -> str:
    told = facts.words.name("opinion", f"{one.stage.value}.{one.opinion.value}")
    return f"{told}：{one.reason}" if reason and one.reason else told


def _signed(facts: Facts, one: OpinionPart, *, reason: bool) -> str:
    return f"{_opinion(facts, one, reason=reason)}（{one.reviewer}，{facts.at(one.at)}）"


def _confirmed(facts: Facts, draft: DraftPart) -> str:
    channels = facts.office.channels
    asked = [p for p in facts.papers(Command.COUNTERSIGN) if p.draft_version == draft.version]
    return "；".join(
        f"{channels[p.channel].unit if p.channel in channels else p.channel} "
        + (f"{facts.at(p.done_at)} {p.by} 已确认" if p.done_at else "待确认")
        for p in asked
    )


def _checked(paper: PaperView) -> str:
    result = "无误" if paper.kind is Command.RECHECK else "有误"
    return f"{result}：{paper.text}" if paper.text else result
