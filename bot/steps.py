"""Cards of the steps beside the main road: a dispatch that a leader must agree to, what other units are asked. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime

from bot.chat import Block, Button, Card, Form, Tone
from bot.glance import spread, time_left
from bot.matter import channel_name
from bot.names import level_tag, local
from bot.wishes import menu_button, order_button
from routing.announce import AFTER_CARDS
from routing.office import Office, Step
from routing.procedure import ASKED_IN
from routing.views import CaseView, PaperView
from routing.workflow import COMMAND_NAMES, PAUSE_GROUNDS, STATE_NAMES, TARGETS, Command, State

STANCES: Mapping[str, str] = {"agree": "同意", "differ": "有不同意见", "none": "无意见"}
REPORTS: Mapping[str, str] = {"first": "首报", "follow": "续报", "final": "终报"}
CONTENT: Mapping[str, str] = {"good": "满意", "fair": "基本满意"}
LINES = 6
"""So many papers of the file stand on a card, the newest; `yuqing export case` gives all of them."""


def order_card(view: CaseView, office: Office, now: datetime | None = None) -> Card:
    """Give the private card of a leader who is asked to agree to a dispatch (报批转办). `now`: to say how long is left."""
    asks = view.state is State.TO_ORDER
    blocks = [
        Block(f"{'请批准转办' if asks else '转办审批'}：{view.number} {view.title}", Form.TITLE, weight=9),
        Block(f"{level_tag(view.level)} · {view.items} 条信息{spread(view)}", weight=7),
        Block(channel_name(view, office), label="拟交", weight=9),
    ]
    copies = [
        office.channels[key].name for key in view.copies if key in office.channels and key != view.channel
    ]
    if copies:
        blocks.append(Block("、".join(copies), label="抄送", weight=6))
    if view.place:
        blocks.append(Block(view.place, label="地点", weight=6))
    if view.level_why:
        blocks.append(Block(view.level_why, label="定级依据", weight=6))
    if view.lead:
        blocks.append(Block(" ".join(view.lead.text.split())[:300], Form.FOLDED, label="来文", weight=3))
    if view.first_url:
        blocks.append(Block("打开首条信息", label="原文", url=view.first_url, weight=6))
    blocks += file_blocks(view, office, in_private=True)
    if not asks:
        return Card((*blocks, Block(_ordered(view, office), Form.NOTE, weight=9)))
    blocks += time_left(view, office, Step.ORDER, now)
    return Card(tuple(blocks), order_buttons(view))


def _ordered(view: CaseView, office: Office) -> str:
    """Say who decided on a dispatch, or that there is nothing left to decide."""
    said = {Command.ORDER: "同意转办", Command.ORAL: "按口头指示转办", Command.SEND_BACK: "退回研判"}
    made = [paper for paper in view.papers if paper.kind in said and paper.done_at is not None]
    if not made or made[-1].done_at is None:
        return f"事项已转为“{STATE_NAMES[view.state]}”，无需处理"
    return f"{made[-1].by} {local(made[-1].done_at, office)} 已处理：{said[made[-1].kind]}"


def order_buttons(view: CaseView) -> tuple[tuple[Button, ...], ...]:
    """Give the buttons of a leader who is asked to agree to a dispatch."""
    good = order_button(view, Command.ORDER, "同意转办", Tone.GOOD)
    return ((good, order_button(view, Command.SEND_BACK, "退回研判…", Tone.DANGER)),)


def after_card(view: CaseView, office: Office, card: str) -> Card:
    """Give the private card of somebody who looks after an answer that is out: who re-checks it, or who calls back."""
    draft = view.draft
    what = "复查" if card == "recheck" else "回访"
    current = draft is None or draft.version == view.draft_version
    asks = current and AFTER_CARDS.get(view.state) == card
    blocks = [
        Block(f"{'请' if asks else ''}{what}：{view.number} {view.title}", Form.TITLE, weight=9),
        Block(f"{level_tag(view.level)} · {view.items} 条信息", weight=4),
    ]
    if view.release_url and view.released_at is not None:
        text = f"{local(view.released_at, office)} {view.released_by} 确认"
        blocks.append(Block(text, label="已回应", url=view.release_url, weight=8))
    if draft is not None:
        blocks.append(Block(draft.text, Form.QUOTE, label="答复稿", weight=7))
    if asks:
        what_to_do = _AFTER[card] if view.release_url or card != "recheck" else _AFTER_TOLD
        return Card((*blocks, Block(what_to_do, Form.NOTE, weight=9)), after_buttons(view, card))
    made = [
        p for p in view.papers if p.kind in _AFTER_ACTS[card] and draft and p.draft_version == draft.version
    ]
    fate = f"事项已转为“{STATE_NAMES[view.state]}”，无需处理"
    if made:
        fate = f"{made[-1].by} 已处理：{COMMAND_NAMES[made[-1].kind]}"
    return Card((*blocks, Block(fate, Form.NOTE, weight=9)))


def after_buttons(view: CaseView, card: str) -> tuple[tuple[Button, ...], ...]:
    """Give the buttons of a re-check or of a call-back, for one person in private."""
    if card == "recheck":
        good = order_button(view, Command.RECHECK, "复查无误", Tone.GOOD)
        return ((good, order_button(view, Command.RECALL, "复查有误…", Tone.DANGER)),)
    return (
        (
            order_button(view, Command.CONTENT, "满意", Tone.GOOD, "good"),
            order_button(view, Command.CONTENT, "基本满意", Tone.GOOD, "fair"),
        ),
        (
            order_button(view, Command.DISCONTENT, "不满意…", Tone.DANGER),
            order_button(view, Command.UNREACHED, "未接通"),
        ),
    )


_AFTER: Mapping[str, str] = {
    "recheck": "请打开链接核对：能否打开、与批准的文字是否一致、内容是否仍然正确",
    "call_back": "请联系诉求人，问是否满意；不在聊天里写姓名、电话、住址",
}
_AFTER_TOLD = "本稿不向社会公开：请核对是否已答复当事人、与批准的文字是否一致、内容是否仍然正确"
_AFTER_ACTS: Mapping[str, frozenset[Command]] = {
    "recheck": frozenset({Command.RECHECK, Command.RECALL}),
    "call_back": frozenset({Command.CONTENT, Command.DISCONTENT}),
}


def unit_card(view: CaseView, office: Office, channel: str) -> Card:
    """Give the card of a unit that is asked for something besides the lead, in the group of its channel."""
    asked = _asked_now(view, channel)
    # Once everything is answered the card is edited no more: it must not go on to tell how things stood then.
    head = view.number
    if not is_answered(view, channel):
        head = f"{level_tag(view.level)} {view.number}【{STATE_NAMES[view.state]}】"
    blocks = [
        Block(head, weight=9),
        Block(view.title, Form.TITLE, weight=9),
    ]
    lead = office.channels.get(view.channel)
    if lead is not None and Command.CONVENE not in asked:
        blocks.append(Block(channel_name(view, office), label="主办", weight=7))
    if view.lead:
        blocks.append(Block(view.lead.text[:200], Form.QUOTE, weight=3))
    if view.first_url:
        blocks.append(Block("打开首条信息", label="原文", url=view.first_url, weight=6))
    if not asked:
        return Card((*blocks, *_answers(view, office, channel)))
    blocks += [Block(_ASKS[kind], Form.NOTE, weight=9) for kind in asked]
    if Command.COUNTERSIGN in asked and view.draft is not None and not view.draft.is_public:
        blocks.append(
            Block(
                f"答复稿{view.draft.openness}，不在群内展示，请向主办单位当面核对", label="答复稿", weight=9
            )
        )
    elif Command.COUNTERSIGN in asked and view.draft is not None:
        blocks.append(Block(view.draft.text, Form.QUOTE, label="已批准的答复稿", weight=9))
    return Card(tuple(blocks), unit_buttons(view, channel))


def unit_buttons(view: CaseView, channel: str) -> tuple[tuple[Button, ...], ...]:
    """Give the buttons of what a unit is asked for now."""
    offered = (
        (Command.CONVENE, menu_button(view, "opine", "发表意见…")),
        (Command.SIGN_COPY, order_button(view, Command.SIGN_COPY, "协办签收", Tone.GOOD)),
        (Command.COUNTERSIGN, order_button(view, Command.COUNTERSIGN, "确认无误", Tone.GOOD)),
    )
    asked = _asked_now(view, channel)
    return tuple((button,) for kind, button in offered if kind in asked)


def is_answered(view: CaseView, channel: str) -> bool:
    """Tell whether a unit owes no answer any more: then its card has said its last word."""
    return not any(channel in view.waiting(kind) for kind in _ASKS)


def _asked_now(view: CaseView, channel: str) -> list[Command]:
    return [kind for kind in _ASKS if channel in view.waiting(kind) and view.state in ASKED_IN[kind]]


_ASKS: Mapping[Command, str] = {
    Command.CONVENE: "本事项正在会商，请贵单位发表意见",
    Command.SIGN_COPY: "抄送贵单位，请签收并配合主办单位办理",
    Command.COUNTERSIGN: "答复稿提到贵单位，请确认所述无误；有误请联系主办单位修改",
}


def _answers(view: CaseView, office: Office, channel: str) -> list[Block]:
    """Say what became of what this unit was asked for."""
    own = [
        paper for paper in view.papers if paper.kind in _ASKS and paper.channel == channel and paper.done_at
    ]
    return [block for paper in own[-2:] for block in [_line(paper, office, in_private=False)] if block]


def asked_blocks(view: CaseView, office: Office) -> list[Block]:
    """Give what of the file waits for a unit, and an extension that waits for its answer."""
    return [block for paper in _asked(view) for block in [_line(paper, office, in_private=False)] if block][
        -LINES:
    ]


def _asked(view: CaseView) -> list[PaperView]:
    waits = [paper for paper in view.papers if paper.done_at is None]
    if view.state is State.EXTENDING:
        waits += [paper for paper in view.papers if paper.kind is Command.EXTEND][-1:]
    return waits


def file_blocks(view: CaseView, office: Office, *, in_private: bool = False) -> list[Block]:
    """Give what the file holds beside the drafts, the newest last: who was asked, who said what.

    In a group stands that something was said; what units and leaders said in their own words is for one person. What
    waits there has its own lines, see `asked_blocks`.
    """
    told = [*_asked(view), *view.again]  # the course tells of these
    papers = [paper for paper in view.papers if in_private or paper not in told]
    lines = [line for paper in papers for line in [_line(paper, office, in_private=in_private)] if line]
    return lines[-LINES:]


def opinions(view: CaseView, office: Office) -> list[Block]:
    """Give what the units of a consultation said, in their own words: for who draws the conclusion, in private."""
    asked = [paper for paper in view.papers if paper.kind is Command.CONVENE]
    return [block for paper in asked for block in [_line(paper, office, in_private=True)] if block]


_WORDING = re.compile(r"口径\s*[：:]\s*(\S.*?)\s*(?=(?:性质|走势|风险|等级|分工)\s*[：:]|\Z)", re.DOTALL)


def agreed_wording(view: CaseView) -> list[Block]:
    """Give the wording (口径) that the consultation agreed on, for the unit that drafts; of its words this alone."""
    concluded = [paper.text for paper in view.papers if paper.kind is Command.CONCLUDE]
    found = _WORDING.search(concluded[-1]) if concluded else None
    return [Block(found[1], label="口径", weight=8)] if found else []


def _line(paper: PaperView, office: Office, *, in_private: bool) -> Block | None:
    channel = office.channels.get(paper.channel)
    unit = channel.unit if channel else paper.channel
    if paper.done_at is None:
        label = _WAITED.get(paper.kind)
        return Block(f"{unit} 尚未答复", label=label, weight=5) if label else None
    when = local(paper.done_at, office)
    if paper.kind is Command.CONVENE:
        if not paper.stance:
            return Block(f"{unit} 未发表意见", label="会商", weight=4)
        said = f"{unit} {paper.by}：{STANCES.get(paper.stance, paper.stance)}"
        if in_private:
            said += f"。{paper.text}"
        return Block(said, label="会商", weight=5)
    if paper.kind in {Command.SIGN_COPY, Command.COUNTERSIGN}:
        label = "协办签收" if paper.kind is Command.SIGN_COPY else "相关单位确认"
        if not paper.by:
            return Block(f"{unit} 不再需要（未签）", label=label, weight=4)
        return Block(f"{unit} {paper.by} {when}", label=label, weight=4)
    told = _TOLD.get(paper.kind)
    words = _words(paper, in_private=in_private)
    return None if told is None else Block(f"{paper.by} {when}{words}", label=told, weight=5)


_WAITED: Mapping[Command, str] = {
    Command.CONVENE: "会商",
    Command.SIGN_COPY: "协办签收",
    Command.COUNTERSIGN: "相关单位确认",
}
_TOLD: Mapping[Command, str] = {
    Command.CONCLUDE: "会商结论",
    Command.SUBMIT: "报批",
    Command.ORDER: "同意转办",
    Command.SEND_BACK: "退回研判",
    Command.ORAL: "口头指示",
    Command.TRANSFER: "移送",
    Command.TAKE_BACK: "移送退回",
    Command.EXCUSE: "不必回应",
    Command.EXTEND: "申请延期",
    Command.GRANT: "同意延期",
    Command.DENY: "不同意延期",
    Command.RECHECK: "复查无误",
    Command.RECALL: "复查有误",
    Command.CONTENT: "回访",
    Command.DISCONTENT: "回访不满意",
    Command.UNREACHED: "回访未接通",
    Command.FOLLOW: "续发",
    Command.MISTAKE: "报告有误",
    Command.REOPEN: "重新办理",
    Command.PAUSE: "暂停计时",
    Command.SPEAK: "首次发布",
    Command.BRIEF: "发布会",
    Command.PHONE: "电话报告",
    Command.ASSESS: "效果评估",
}
"""What is told of on cards; reports go to the leaders, word for word, and stand in the file."""


def _words(paper: PaperView, *, in_private: bool) -> str:
    told = ""
    if paper.kind is Command.TRANSFER:
        told = f" 移送{TARGETS.get(paper.stance, paper.stance)}"
    if paper.kind in {Command.EXTEND, Command.GRANT}:
        told = f" {paper.stance} 个工作日"
    if paper.kind is Command.PAUSE:
        told = f" {PAUSE_GROUNDS.get(paper.stance, paper.stance)}"
    if paper.kind is Command.CONTENT:
        told = f" {CONTENT.get(paper.stance, paper.stance)}"
    return told + (f"：{paper.text}" if paper.text and (in_private or paper.kind in _OPEN) else "")


_OPEN = frozenset({Command.EXTEND})
"""What a group reads in a unit's own words: it is decided there, and tells of no person."""
