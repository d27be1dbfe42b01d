"""A case, a reminder or a list -> blocks and buttons. Pure: takes values and `now`, knows no platform and no row.

What may stand where follows the kind of chat: a group sees numbers, titles, states and published texts; a draft under
review and the reasons of reviews are shown to one person in private.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.buttons import INVITE, MENU, Wish, token_of
from bot.chat import Block, Button, Card, Form, Tone
from routing.ailments import DESK
from routing.catchup import Summary
from routing.digest import ChannelLine, Digest
from routing.grouping import is_derived, origin_of
from routing.items import Ailment, Band
from routing.office import Level, Office, Role, Step
from routing.people import Invitation
from routing.views import CaseView, DraftView, ReasonView, ReviewLine
from routing.workflow import COMMAND_NAMES, ENDED, STATE_NAMES, Command, Opinion, Stage, State

LEVEL_MARKS: Mapping[Level, str] = {Level.I: "🔴", Level.II: "🟠", Level.III: "🟡", Level.IV: "🔵"}
LEVEL_NAMES: Mapping[Level, str] = {
    Level.I: "Ⅰ级 特别重大",
    Level.II: "Ⅱ级 重大",
    Level.III: "Ⅲ级 较大",
    Level.IV: "Ⅳ级 一般",
}
BAND_NAMES: Mapping[Band, str] = {Band.NEGATIVE: "消极", Band.UNCLEAR: "不明", Band.NOT_NEGATIVE: "不消极"}
STEP_NAMES: Mapping[Step, str] = {
    Step.DISPATCH: "转办",
    Step.SIGN: "签收",
    Step.DRAFT: "拟稿",
    Step.REVIEW: "初审",
    Step.SECRECY: "保密审查",
    Step.APPROVE: "审批",
    Step.RELEASE: "发布",
    Step.RESPOND: "公开回应",
    Step.CLOSE: "办结",
    Step.RELOOK: "复看",
}
ROLE_NAMES: Mapping[Role, str] = {
    Role.DUTY: "值班员",
    Role.CONTACT: "联络员",
    Role.REVIEWER: "初审人",
    Role.SECRECY: "保密审查员",
    Role.LEADER: "领导",
    Role.OFFICE: "政府办",
    Role.OPERATOR: "运维",
    Role.ADMIN: "系统管理员",
    Role.AUDITOR: "审计员",
}
STAGE_NAMES: Mapping[Stage, str] = {
    Stage.FIRST: "初审",
    Stage.SECRECY: "保密审查",
    Stage.SUPERIOR: "报审结论",
    Stage.APPROVAL: "审批",
}
OPINION_NAMES: Mapping[Opinion, str] = {
    Opinion.PASS: "同意",
    Opinion.RETURN: "退回修改",
    Opinion.PUBLIC: "公开",
    Opinion.NOT_PUBLIC: "不公开",
    Opinion.ESCALATE: "需报审",
}
AILMENT_NAMES: Mapping[Ailment, str] = {
    Ailment.CHARSET: "乱码",
    Ailment.FROZEN: "长期不变",
    Ailment.DRIFT: "时钟偏差",
    Ailment.PAGES: "读不到头",
    Ailment.MOVED: "网址已搬",
    Ailment.SKIPPED: "有条目读不出",
    Ailment.NEW_IDS: "编号全变",
    Ailment.TAMPERED: "页面被改",
    Ailment.OVERDUE: "逾期未更新",
    Ailment.SILENT: "沉默过久",
    Ailment.ERRORS: "常出错",
    Ailment.NETWORK: "本机网络",
    Ailment.STUCK: "读取停顿",
}
RESENT = "〔重发·可能重复〕"
EXCERPT = 120
REASONS_SHOWN, REASON_WORDS = 2, 4
LIMITS_SHOWN = 2
CAUGHT_UP_SHOWN, CAUGHT_UP_SOURCES = 10, 3


def opinion_name(stage: Stage, opinion: Opinion) -> str:
    """Name an opinion as its stage says it: a leader approves, a reviewer agrees."""
    if stage is Stage.APPROVAL and opinion is Opinion.PASS:
        return "批准发布"
    return OPINION_NAMES[opinion]


def level_tag(level: Level) -> str:
    """Give colour and numeral, as in 🟠Ⅱ级."""
    return f"{LEVEL_MARKS[level]}{LEVEL_NAMES[level].split()[0]}"


def local(moment: datetime, office: Office) -> str:
    """Give an instant in the office's zone, `11-21 14:03`."""
    return moment.astimezone(office.zone).strftime("%m-%d %H:%M")


def number_of_people(count: int) -> str:
    """Give a count as people read it: 9800, 1.2万."""
    return str(count) if count < 10_000 else f"{count / 10_000:.1f}万"


# Cards -----------------------------------------------------------------------------------------------------


def duty_card(view: CaseView, office: Office, sources: Mapping[str, str]) -> Card:
    """Give the card of the duty group; `sources` names the sources by id."""
    return Card(
        (*_head(view), *_matter(view, office, sources), *_course(view, office)), duty_buttons(view, office)
    )


def duty_buttons(view: CaseView, office: Office) -> tuple[tuple[Button, ...], ...]:
    """Give the buttons that the state of a case offers to the duty officer."""
    channel = office.channels.get(view.channel)
    if view.state in {State.JUDGING, State.RETURNED, State.WATCHING}:
        # After a return the unit that sent it back is not the one to propose.
        is_proposed = channel is not None and view.state is not State.RETURNED
        others = _menu(view, "channel", "改派…" if is_proposed else "转办…")
        first: tuple[Button, ...] = (others,)
        if channel is not None and is_proposed:
            dispatch = _button(view, Command.DISPATCH, f"转办 {channel.name}", Tone.GOOD, view.channel)
            first = (dispatch, others)
        second = [_menu(view, "level", "定级…")]
        if view.state is State.JUDGING:
            second.append(_button(view, Command.WATCH, "关注"))
        second.append(_menu(view, "dismiss", "不予受理…"))
        if view.state is State.WATCHING:
            second.append(_button(view, Command.RESUME, "恢复研判"))
        return (first, tuple(second))
    if view.state is State.DISMISSED:
        return ((_button(view, Command.REOPEN, "重新研判…"),),)
    if view.state in ENDED or view.state is State.ANSWERED:
        return ()
    return ((_menu(view, "level", "定级…"),),)


def buttons_of(card: str, view: CaseView, office: Office) -> tuple[tuple[Button, ...], ...]:
    """Give the buttons alone of any card, for when its text cannot be rendered."""
    if card == "duty":
        return duty_buttons(view, office)
    if card == "channel":
        return _channel_buttons(view)
    return _review_buttons(view, card)


def menu_buttons(view: CaseView, office: Office, menu: str) -> tuple[tuple[Button, ...], ...]:
    """Give the choices behind a `…` button, two a row, with the way back."""
    back = (_menu(view, "back", "↩ 返回"),)
    if menu == "channel":
        choices = [
            _button(view, Command.DISPATCH, f"转办 {c.name}", Tone.GOOD, c.key)
            for c in office.channels.values()
        ]
    elif menu == "level":
        choices = [
            _button(view, Command.SET_LEVEL, f"{LEVEL_MARKS[lv]} {LEVEL_NAMES[lv]}", arg=str(int(lv)))
            for lv in Level
        ]
    elif menu == "dismiss":
        choices = [
            _button(view, Command.DISMISS, reason, Tone.DANGER, str(place))
            for place, reason in enumerate(office.dismiss_reasons)
        ]
        choices.append(_button(view, Command.DISMISS, "其他理由（回复文字）", Tone.DANGER, "ask"))
    else:
        return duty_buttons(view, office)
    pairs = [tuple(choices[i : i + 2]) for i in range(0, len(choices), 2)]
    return (*pairs, back)


def channel_card(view: CaseView, office: Office, sources: Mapping[str, str], channel: str) -> Card:
    """Give the dispatch slip as a card of the channel's group. A slip that went elsewhere says so, without buttons."""
    slip = view.slip
    blocks = [*_head(view), *_matter(view, office, sources)]
    if slip is None or slip.channel != channel or (slip.returned_at and view.state is not State.TO_SIGN):
        gone = "已退回，待重新派单" if slip and slip.channel == channel else "已改派其他单位"
        return Card((*blocks, Block(gone, Form.NOTE, weight=9)))
    blocks.append(
        Block(f"{slip.unit}（{slip.dispatched_by} {local(slip.dispatched_at, office)} 转办）", label="承办")
    )
    if slip.signed_at:
        blocks.append(Block(f"{slip.signed_by} {local(slip.signed_at, office)}", label="签收"))
    blocks.extend(_approved_text(view))
    return Card((*blocks, *_course(view, office)), _channel_buttons(view))


def _channel_buttons(view: CaseView) -> tuple[tuple[Button, ...], ...]:
    if view.state is State.TO_SIGN:
        returns = (
            () if view.slip and view.slip.assigned else (_button(view, Command.RETURN, "退回…", Tone.DANGER),)
        )
        return ((_button(view, Command.SIGN, "签收", Tone.GOOD), *returns),)
    if view.state is State.HANDLING:
        return ((_button(view, Command.DRAFT, "拟答复稿", Tone.GOOD),),)
    if view.state is State.TO_RELEASE:
        confirm = _button(view, Command.CONFIRM, "回应确认（填链接）", Tone.GOOD)
        return ((confirm, _button(view, Command.DRAFT, "修改稿件")),)
    if view.state in {State.IN_REVIEW, State.IN_SECRECY, State.WITH_SUPERIOR, State.TO_APPROVE}:
        return ((_button(view, Command.DRAFT, "修改稿件"),),)
    return ()


def _approved_text(view: CaseView) -> list[Block]:
    if view.draft is None or view.state not in {State.TO_RELEASE, State.ANSWERED, State.CLOSED}:
        return []
    return [
        Block(
            f"第{view.draft.version}稿已批准（{view.draft.openness}）" + _what_now(view),
            label="答复稿",
            weight=9,
        ),
        Block(view.draft.text, Form.QUOTE, weight=9),
    ]


def _what_now(view: CaseView) -> str:
    return "。请按下文发布，发布后点“回应确认”填写链接" if view.state is State.TO_RELEASE else ""


def review_card(view: CaseView, office: Office, card: str) -> Card:
    """Give the private card of a reviewer (`review`), the secrecy reviewer (`secrecy`) or a leader (`approve`).

    Shows the exact text of the draft version that the card stands for, and what changed since the one before.
    """
    draft = view.draft
    assert draft is not None
    fate = _fate(view, draft, card)
    blocks = [
        Block(f"{_heading(view, card, fate)}：{view.number} {view.title}", Form.TITLE, weight=9),
        Block(
            f"{level_tag(view.level)} · {_channel_name(view, office)} · {view.items} 条信息{_spread(view)}",
            weight=4,
        ),
        Block(
            f"第{draft.version}稿，{draft.drafter} {local(draft.at, office)} 拟，{draft.openness}",
            label="答复稿",
            weight=8,
        ),
        Block(draft.text, Form.QUOTE, weight=9),
        *_changes(draft),
        *(_opinion(line, office, card) for line in draft.reviews),
    ]
    if view.lead:
        blocks.append(Block(_excerpt(view.lead.text), label="来文", weight=2))
    if view.first_url:
        blocks.append(Block("打开首条信息", label="原文", url=view.first_url, weight=3))
    if fate:
        return Card((*blocks, Block(fate, Form.NOTE, weight=9)))
    blocks.extend(_limits(view, office))
    return Card(tuple(blocks), _review_buttons(view, card))


def revoked_card(view: CaseView) -> Card:
    """Give what is left of a private card of somebody whose rights were revoked: no word of the draft."""
    return Card(
        (Block(view.number, Form.TITLE, weight=9), Block("您的权限已撤销，本卡片失效", Form.NOTE, weight=9))
    )


def _heading(view: CaseView, card: str, fate: str) -> str:
    """Ask only while there is something to decide: in a private chat the titles are the list of what is to do."""
    if fate:
        return {"review": "初审", "secrecy": "保密审查", "approve": "审批"}[card]
    if view.state is State.WITH_SUPERIOR:
        return "已报审，请填结论"
    return {"review": "请初审", "secrecy": "请做保密审查", "approve": "请审批"}[card]


def _review_buttons(view: CaseView, card: str) -> tuple[tuple[Button, ...], ...]:
    if card == "review":
        good = _button(view, Command.PASS, "初审通过", Tone.GOOD)
        return ((good, _button(view, Command.REDO, "退改…", Tone.DANGER)),)
    if card == "secrecy":
        clear = _button(view, Command.CLEAR, "公开…", Tone.GOOD)
        withhold = _button(view, Command.WITHHOLD, "不公开…", Tone.DANGER)
        if view.state is State.WITH_SUPERIOR:
            return ((clear, withhold),)
        return ((clear, withhold), (_button(view, Command.ESCALATE, "需报审…"),))
    good = _button(view, Command.APPROVE, "批准发布", Tone.GOOD)
    return ((good, _button(view, Command.REFUSE, "退回修改…", Tone.DANGER)),)


_DECIDES: Mapping[str, frozenset[State]] = {
    "review": frozenset({State.IN_REVIEW}),
    "secrecy": frozenset({State.IN_SECRECY, State.WITH_SUPERIOR}),
    "approve": frozenset({State.TO_APPROVE}),
}
_STAGES: Mapping[str, frozenset[Stage]] = {
    "review": frozenset({Stage.FIRST}),
    "secrecy": frozenset({Stage.SECRECY, Stage.SUPERIOR}),
    "approve": frozenset({Stage.APPROVAL}),
}


def _fate(view: CaseView, draft: DraftView, card: str) -> str:
    """Say why nothing is left to decide on this card; empty while something is."""
    if draft.version == view.draft_version and view.state in _DECIDES[card]:
        return ""
    made = [line for line in draft.reviews if line.stage in _STAGES[card]]
    if made:
        return f"{made[-1].reviewer} 已处理：{opinion_name(made[-1].stage, made[-1].opinion)}"
    if draft.version != view.draft_version:
        return f"本稿已作废，最新为第{view.draft_version}稿"
    return f"事项现为“{STATE_NAMES[view.state]}”，无需处理"


def _changes(draft: DraftView) -> list[Block]:
    if draft.previous is None:
        return []
    old, new = _sentences(draft.previous), _sentences(draft.text)
    gone = [f"－ {s}" for s in old if s not in new]
    come = [f"＋ {s}" for s in new if s not in old]
    if not gone and not come:
        return [Block(f"与第{draft.version - 1}稿文字相同", label="改动", weight=6)]
    return [Block("\n".join([*gone, *come]), Form.QUOTE, label=f"与第{draft.version - 1}稿相比", weight=6)]


def _sentences(text: str) -> list[str]:
    # A line break is no change of the text: only words count.
    return [part for part in re.split(r"(?<=[。！？；])", re.sub(r"\s*\n\s*", "", text.strip())) if part]


def _opinion(line: ReviewLine, office: Office, card: str) -> Block:
    told = _told(line, card)
    text = f"{line.reviewer} {local(line.at, office)}：{opinion_name(line.stage, line.opinion)}"
    return Block(f"{text}（{told}）" if told else text, label=STAGE_NAMES[line.stage], weight=7)


def _told(line: ReviewLine, card: str) -> str:
    """Give what may stand beside an opinion. The reason of a secrecy review goes into no chat, its basis to who approves.

    Why a text is secret may be secret itself (保密法 第二十九条).
    """
    if line.stage in _STAGES["secrecy"]:
        return line.basis if card == "approve" else ""
    return "；".join(filter(None, (line.basis, line.reason)))


def _head(view: CaseView) -> list[Block]:
    # What a person has set is no proposal any more.
    proposed = "（建议）" if view.state is State.JUDGING and view.level == view.proposed_level else ""
    state = STATE_NAMES[view.state]
    return [
        Block(f"{level_tag(view.level)}{proposed}　{view.number}　【{state}】", weight=9),
        Block(view.title, Form.TITLE, weight=9),
    ]


def _matter(view: CaseView, office: Office, sources: Mapping[str, str]) -> list[Block]:
    proposed = "（建议）" if view.state is State.JUDGING else ""
    blocks = []
    if view.place or view.topic:
        blocks.append(Block(" · ".join(filter(None, (view.place, view.topic))), label="地点/领域", weight=6))
    copies = "、".join(
        office.channels[c].name for c in view.copies if c in office.channels and c != view.channel
    )
    blocks.append(
        Block(
            _channel_name(view, office) + (f"，抄送 {copies}" if copies else ""),
            label=f"归口{proposed}",
            weight=8,
        )
    )
    if view.reasons:
        blocks.append(Block(_reasons(view.reasons), label="依据", weight=7))
    if view.proposed_level < view.level:
        blocks.append(
            Block(f"传播已达{LEVEL_NAMES[view.proposed_level]}标准，建议升级", label="注意", weight=9)
        )
    names = "、".join(_source_name(s, sources) for s in view.sources[:4])
    blocks.append(
        Block(
            f"{view.items} 条，{len(view.sources)} 个来源（{names}）{_spread(view)}", label="信息", weight=6
        )
    )
    bands = "，".join(f"{BAND_NAMES[b]} {n}" for b, n in view.bands.items() if n)
    if bands:
        blocks.append(Block(f"{bands}（机器判断，仅供参考）", label="情绪", weight=4))
    if view.lead:
        blocks.append(Block(_excerpt(view.lead.text), Form.QUOTE, weight=2))
    if view.first_url:
        blocks.append(Block("打开首条信息", label="原文", url=view.first_url, weight=8))
    if view.must_answer:
        blocks.append(Block("是（48 小时内）", label="应当回应", weight=6))
    return blocks


def _source_name(source_id: str, sources: Mapping[str, str]) -> str:
    name = sources.get(origin_of(source_id), source_id)
    return f"{name}评论" if is_derived(source_id) and name != source_id else name


def _excerpt(text: str) -> str:
    line = " ".join(text.split())
    return line[:EXCERPT] + ("…" if len(line) > EXCERPT else "")


def _course(view: CaseView, office: Office) -> list[Block]:
    blocks = []
    if view.slip and view.state not in {State.JUDGING}:
        slip = view.slip
        done = f"{local(slip.dispatched_at, office)} {slip.dispatched_by} 转办 {slip.unit}"
        if slip.signed_at:
            done += f"\n{local(slip.signed_at, office)} {slip.signed_by} 签收"
        if slip.returned_at:
            done += f"\n{local(slip.returned_at, office)} {slip.returned_by} 退回"
        if view.draft:
            done += f"\n{local(view.draft.at, office)} 第{view.draft.version}稿"
            for line in view.draft.reviews:
                said = opinion_name(line.stage, line.opinion)
                done += f"\n{local(line.at, office)} {line.reviewer} {STAGE_NAMES[line.stage]}：{said}"
        blocks.append(Block(done, label="经过", weight=5))
    if view.release_url:
        assert view.released_at is not None
        text = f"{local(view.released_at, office)} {view.released_by} 确认"
        blocks.append(Block(text, label="已回应", url=view.release_url, weight=9))
    if view.state is State.DISMISSED:
        blocks.append(Block(view.close_reason or "", label="不予受理理由", weight=9))
    blocks.extend(_limits(view, office))
    return blocks


def _limits(view: CaseView, office: Office) -> list[Block]:
    """Give the nearest limits, most pressing first; the public answer is always among them while it is due."""
    nearest = view.deadlines[:LIMITS_SHOWN]
    shown = [*nearest, *(d for d in view.deadlines[LIMITS_SHOWN:] if d.step is Step.RESPOND)]
    told = [
        f"{STEP_NAMES[d.step]} {local(d.due_at, office)} 前" + ("（暂定）" if d.tentative else "")
        for d in shown
    ]
    return [Block("；".join(told), label="时限", weight=8)] if told else []


def _spread(view: CaseView) -> str:
    names = (("浏览", view.counts.views), ("转发", view.counts.reposts), ("评论", view.counts.comments))
    shown = [f"{name} {number_of_people(count)}" for name, count in names if count]
    return f"；{'、'.join(shown)}" if shown else ""


def _reasons(reasons: Sequence[ReasonView]) -> str:
    """Give the rules that decided and their words, each word once; all of them stand in `yuqing why`."""
    shown, said = [], set[str]()
    for reason in reasons[:REASONS_SHOWN]:
        words = [word for word in reason.words if word not in said][:REASON_WORDS]
        said.update(words)
        shown.append(f"规则「{reason.rule}」" + (f"：{'、'.join(words)}" if words else ""))
    notes = dict.fromkeys(r.note for r in reasons if r.note)
    more = f"；另 {len(reasons) - REASONS_SHOWN} 条" if len(reasons) > REASONS_SHOWN else ""
    return "；".join([*shown, *notes]) + more


def _channel_name(view: CaseView, office: Office) -> str:
    channel = office.channels.get(view.channel)
    return f"{channel.name}（{channel.unit}）" if channel else view.channel


def _button(view: CaseView, command: Command, text: str, tone: Tone = Tone.PLAIN, arg: str = "") -> Button:
    return Button(
        text.strip(), token_of(Wish(command.value, view.id, view.version, view.draft_version, arg)), tone
    )


def _menu(view: CaseView, name: str, text: str) -> Button:
    return Button(text, token_of(Wish(MENU, view.id, view.version, view.draft_version, name)))


# Sentences -------------------------------------------------------------------------------------------------


def sentence(template: str, facts: Mapping[str, Any], view: CaseView | None, office: Office) -> Card:
    """Give a short message. `facts` come from the row that queued it, `view` is the case it speaks of."""
    write = _SENTENCES[template]
    return Card(tuple(write(facts, view, office)))


def question(command: Command, view: CaseView) -> tuple[Card, str]:
    """Give the request for a typed answer, and the placeholder of the input field (at most 64 characters)."""
    text, placeholder = _QUESTIONS[command]
    return Card((Block(f"{view.number} {view.title}", Form.TITLE), Block(text))), placeholder


_BASIS = (
    "请回复“依据；理由”两部分，用分号隔开。例：《政府信息公开条例》第十九条；涉及公众切身利益，不含涉密内容"
)
_QUESTIONS: Mapping[Command, tuple[str, str]] = {
    Command.DISMISS: ("请回复不予受理的理由。", "不予受理的理由"),
    Command.RETURN: ("请回复退回的理由（如不属本单位职责，请写明应由谁承办）。", "退回理由"),
    Command.DRAFT: ("请回复答复稿全文（2000 字以内，只发文字）。提交后进入初审。", "答复稿全文"),
    Command.REDO: ("请回复退改的理由。", "退改理由"),
    Command.CLEAR: (f"保密审查意见：公开。{_BASIS}", "依据；理由"),
    Command.WITHHOLD: (f"保密审查意见：不公开。{_BASIS}", "依据；理由"),
    Command.ESCALATE: (f"保密审查意见：需报审。{_BASIS}", "依据；理由"),
    Command.REFUSE: ("请回复退回修改的理由。", "退回理由"),
    Command.CONFIRM: ("请回复已公开发布的链接（以 http:// 或 https:// 开头）。", "发布链接"),
    Command.REOPEN: ("请回复重新办理的理由。", "重新办理的理由"),
}


def _case_line(view: CaseView | None) -> str:
    return "" if view is None else f"{level_tag(view.level)} {view.number} {view.title}"


def _due(facts: Mapping[str, Any], office: Office) -> str:
    return local(datetime.fromisoformat(str(facts["due_at"])), office)


def _reminder(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    step = STEP_NAMES[Step(facts["step"])]
    late = "（本提醒迟发）" if facts.get("late") else ""
    return [
        Block(f"⏰ 提醒：{step} 应于 {_due(facts, office)} 前完成{late}", weight=9),
        Block(_case_line(view)),
    ]


def _overdue(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    step = STEP_NAMES[Step(facts["step"])]
    return [
        Block(f"⛔ 超期：{step} 时限 {_due(facts, office)} 已到，请立即办理", weight=9),
        Block(_case_line(view)),
    ]


def _level_raised(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    new = Level(int(facts["new"]))
    return [
        Block(f"{LEVEL_MARKS[new]} {facts.get('why') or '传播升温'}，建议定为{LEVEL_NAMES[new]}", weight=9),
        Block(_case_line(view)),
    ]


def _redo_why(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    what = COMMAND_NAMES[Command(facts["command"])]
    reason = facts["reason"] or "请当面向保密审查员了解"
    return [
        Block(f"第{facts['draft_version']}稿：{what}（{facts['actor']}）", weight=9),
        Block(reason, label="理由"),
        Block(_case_line(view)),
    ]


def _plain(text: str) -> Callable[[Mapping[str, Any], CaseView | None, Office], list[Block]]:
    """Make a writer from one line with {facts}; the case stands below it."""

    def write(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
        blocks = [Block(text.format(**facts, office=office.name), weight=9)]
        if view is not None:
            blocks.append(Block(_case_line(view)))
        return blocks

    return write


def _answered(facts: Mapping[str, Any], view: CaseView | None, office: Office) -> list[Block]:
    return [Block("✅ 已公开回应并办结", url=facts["link"], weight=9), Block(_case_line(view))]


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


_SENTENCES: Mapping[str, Callable[[Mapping[str, Any], CaseView | None, Office], list[Block]]] = {
    "reminder": _reminder,
    "overdue": _overdue,
    "level_raised": _level_raised,
    "redo_why": _redo_why,
    "answered": _answered,
    "nobody": _nobody,
    "returned": _plain("↩️ {unit}退回，请重新派单（理由已私发派单人）"),
    "returned_why": _plain("{unit} {actor} 退回，理由：{reason}"),
    "reopened": _plain("🔁 {actor} 要求重新办理，请按新的时限办理"),
    "reopened_why": _plain("{actor} 要求重新办理，理由：{reason}"),
    "redo": _plain("✏️ 答复稿需要修改，意见已私发拟稿人"),
    "copied": _plain("📎 抄送：本事项已转主办单位办理，请知悉配合"),
    "after_close": _plain("🔁 办结后又有新信息，请研究是否继续回应"),
    "source_fault": _source_fault,
    "source_ails": _source_ails,
    "source_ok": _source_ok,
    "trouble": _plain("⚠️ {text}"),
    "said": _plain("{text}"),
    "stranger": _plain(
        "您好，这里是{office}值班机器人，仅供已登记人员使用。如需加入，请向系统管理员索取邀请码后发送 /join 邀请码。"
    ),
    "unknown_group": _plain(
        "本群未登记（群号 {chat}），机器人将退出。如需使用，请系统管理员在 office.toml 登记群号后重新邀请。"
    ),
    "invite_welcome": _plain("登记成功：{name}（{roles}）。发送 /help 查看用法。"),
    "invite_refused": _plain("管理员没有确认您的加入申请，如有疑问请直接联系管理员。"),
}


def invite_card(invitation: Invitation) -> Card:
    """Ask an administrator whether the account that used a code is the person it was made for."""
    roles = "、".join(ROLE_NAMES[role] for role in invitation.roles)
    blocks = (
        Block("有人使用邀请码", Form.TITLE),
        Block(f"{invitation.name}（{roles}）", label="邀请对象"),
        Block(invitation.shown_name, label="账号显示名"),
        Block("请与本人核实后确认。", Form.NOTE),
    )
    choices = (("确认是本人", "yes", Tone.GOOD), ("拒绝", "no", Tone.DANGER))
    buttons = tuple(
        Button(text, token_of(Wish(INVITE, invitation.id, arg=arg)), tone) for text, arg, tone in choices
    )
    return Card(blocks, (buttons,))


def open_list(views: Sequence[CaseView], office: Office, total: int) -> Card:
    """List open cases, one block each, with what falls due next."""
    if not views:
        return Card((Block("当前没有未办结事项。"),))
    blocks = [Block(f"未办结事项 {total} 件", Form.TITLE, weight=9)]
    for view in views:
        due = (
            f"，{STEP_NAMES[view.deadlines[0].step]} {local(view.deadlines[0].due_at, office)} 前"
            if view.deadlines
            else ""
        )
        blocks.append(
            Block(
                f"{level_tag(view.level)} {view.number}【{STATE_NAMES[view.state]}】{view.title}{due}",
                weight=6,
            )
        )
    if total > len(views):
        blocks.append(
            Block(f"还有 {total - len(views)} 件未列出；用 /case 编号 查看单件。", Form.NOTE, weight=9)
        )
    return Card(tuple(blocks))


_HELP: Sequence[tuple[frozenset[Role], str]] = (
    (frozenset({Role.DUTY, Role.OFFICE}), "值班群的卡片上：转办 / 改派 / 定级 / 关注 / 不予受理"),
    (frozenset({Role.CONTACT}), "承办群的卡片上：签收 / 退回 / 拟答复稿（也可直接回复卡片）/ 回应确认"),
    (frozenset({Role.REVIEWER, Role.SECRECY}), "私聊卡片上：初审、保密审查（公开 / 不公开 / 需报审）"),
    (frozenset({Role.LEADER}), "私聊卡片上：批准发布 / 退回修改"),
    (frozenset({Role.ADMIN}), "确认新成员：有人用邀请码加入时会收到卡片"),
)


def catch_up(summary: Summary, office: Office, sources: Mapping[str, str]) -> Card:
    """Give the summary of what was read after a gap; `sources` names the sources by id."""
    head = (
        f"📥 补读：{_between(summary.since, summary.until, office)} 未能读取"
        f"（{_how_long(summary.until - summary.since)}），读到 {summary.read} 条，{_new_matters(summary)}"
    )
    shown = summary.matters[:CAUGHT_UP_SHOWN]
    lines = [Block(f"{level_tag(m.level)} {m.number} {m.title}") for m in shown]
    if len(summary.matters) > len(shown):
        lines.append(Block(f"等 {len(summary.matters)} 件，全部见 /open"))
    names = "、".join(_source_name(name, sources) for name in summary.sources[:CAUGHT_UP_SOURCES])
    more = f"等 {summary.source_count} 个" if summary.source_count > CAUGHT_UP_SOURCES else ""
    blocks = [Block(head, weight=9), *lines, Block(f"{names}{more}", Form.NOTE, label="来源", weight=3)]
    if any(matter.level > Level.II for matter in summary.matters):
        blocks.append(Block("Ⅲ、Ⅳ级事项的卡片随后发出，不再响铃。", Form.NOTE, weight=2))
    return Card(tuple(blocks))


def _new_matters(summary: Summary) -> str:
    if not summary.matters:
        return "没有新事项"
    by_level = Counter(matter.level for matter in summary.matters)
    told = "、".join(f"{LEVEL_NAMES[level].split()[0]} {by_level[level]}" for level in sorted(by_level))
    return f"新事项 {len(summary.matters)} 件（{told}）："


def _between(since: datetime, until: datetime, office: Office) -> str:
    """Give a span in the office's zone: `07:10–15:32`, with dates where it passes midnight."""
    first, last = since.astimezone(office.zone), until.astimezone(office.zone)
    if first.date() == last.date():
        return f"{first:%H:%M}–{last:%H:%M}"
    return f"{first:%m-%d %H:%M}–{last:%m-%d %H:%M}"


def _how_long(span: timedelta) -> str:
    """Give a span in its two largest units: `8 小时 22 分`, `2 天 3 小时`, `41 分`."""
    hours, minutes = divmod(int(span.total_seconds()) // 60, 60)
    if hours >= 48:
        return f"{hours // 24} 天 {hours % 24} 小时"
    return f"{hours} 小时 {minutes} 分" if hours else f"{minutes} 分"


def help_card(name: str, roles: frozenset[Role], commands: Sequence[tuple[str, str]]) -> Card:
    """Say what this person can do here: only what his roles allow."""
    blocks = [Block(f"{name}（{'、'.join(ROLE_NAMES[r] for r in Role if r in roles)}）", Form.TITLE)]
    blocks += [Block(text) for wanted, text in _HELP if wanted & roles]
    blocks += [Block(f"/{command}　{text}") for command, text in commands]
    return Card(tuple(blocks))


def digest_card(digest: Digest, office: Office) -> Card:
    """Give a week in numbers: by channel, never by person (国办函〔2026〕12号)."""
    first, last = (
        digest.start.astimezone(office.zone),
        (digest.end - timedelta(seconds=1)).astimezone(office.zone),
    )
    levels = "、".join(f"{level_tag(level)} {n}" for level, n in digest.by_level.items() if n)
    blocks = [
        Block(
            f"📊 {'舆情日报' if first.date() == last.date() else '舆情周报'} {digest.span}",
            Form.TITLE,
            weight=9,
        ),
        Block(
            f"{digest.office}　{first:%m-%d}" + ("" if first.date() == last.date() else f" 至 {last:%m-%d}"),
            Form.NOTE,
            weight=9,
        ),
        Block(f"{digest.opened} 件" + (f"（{levels}）" if levels else ""), label="新增事项", weight=9),
        Block(
            f"采集 {digest.items_seen} 条"
            + (f"（其中接入时的存量 {digest.items_stock} 条）" if digest.items_stock else "")
            + f"，不成事项 {digest.items_no_matter} 条",
            label="信息",
            weight=4,
        ),
        Block(str(digest.signed), label="及时签收率", weight=8),
        Block(str(digest.answered), label="按时回应率", weight=8),
        Block(f"{digest.open_now} 件，超期 {digest.overdue_now} 件", label="未办结", weight=9),
        *(_channel_line(line) for line in digest.channels),
    ]
    blocks += [
        Block(
            f"{level_tag(m.level)} {m.number}【{STATE_NAMES[m.state]}】{m.title}（{m.items} 条）",
            label="重点",
            weight=5,
        )
        for m in digest.top
    ]
    late = [overdue for line in digest.channels for overdue in line.overdue_now]
    blocks += [
        Block(f"{o.number} {o.title}：{'、'.join(STEP_NAMES[s] for s in o.steps)}", label="超期", weight=6)
        for o in late[:10]
    ]
    if digest.dismissed:
        told = "、".join(f"{reason} {count}" for reason, count in digest.dismissed)
        blocks.append(Block(told, label="不予受理", weight=3))
    return Card(tuple(blocks))


def _channel_line(line: ChannelLine) -> Block:
    text = f"新增 {line.opened}，转办 {line.dispatched}，签收 {line.signed}，未办结 {line.open_now}"
    if line.overdue_now:
        text += f"，超期 {len(line.overdue_now)}"
    return Block(text, label=line.name, weight=7)
