"""A case -> the blocks and buttons of its cards. Pure: takes values, knows no platform and no row.

What may stand where follows the kind of chat: a group sees numbers, titles, states and published texts; a draft under
review and the reasons of reviews are shown to one person in private.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from operator import itemgetter

from bot.chat import Block, Button, Card, Form, Tone
from bot.clocks import clock_blocks, coming_block
from bot.doubts import doubted_line
from bot.duty_buttons import duty_buttons
from bot.glance import spread, time_left
from bot.matter import channel_name, detail, excerpt, folded, heading, out_still, what_decides
from bot.names import STAGE_NAMES, STEP_NAMES, level_tag, local, opinion_name, promise_line
from bot.steps import after_buttons, agreed_wording, asked_blocks, file_blocks, order_buttons, unit_buttons
from bot.wishes import menu_button, menu_on, order_button
from routing.announce import AFTER_CARDS
from routing.effect import Effect
from routing.held import HeldView
from routing.levels import number_of_people
from routing.office import Office, Step
from routing.procedure import REVIEW_STATES, UNJUDGED
from routing.textscan import sentences
from routing.views import CaseView, DeadlineView, DraftView, ReviewLine
from routing.workflow import COMMAND_NAMES, STATE_NAMES, Aspect, Command, Stage, State
from routing.worktime import return_until

LIMITS_SHOWN = 2
BELOW_SHOWN = 3
_OF_OFFICE = frozenset({Step.REPORT, Step.PROGRESS})
"""Limits of the duty officers that no unit and no reviewer can keep: they would hide their own."""


def duty_card(
    view: CaseView, office: Office, sources: Mapping[str, str], now: datetime | None = None
) -> Card:
    """Give the card of the duty group; `sources` names the sources by id."""
    if view.merged_into is not None:
        gone = Block(f"{view.merged_into.number} {view.merged_into.title}", label="已并入", weight=9)
        return Card((*heading(view), gone))
    return Card(
        (
            *heading(view),
            *_held(view, office),
            *what_decides(view, office),
            *doubted_line(view, office),
            *asked_blocks(view, office),
            *_outcome(view, office),
            *_limits(view, office, now),
            *clock_blocks(view, office),
            *detail(view, sources),
            *folded(
                (
                    *_below(view),
                    *file_blocks(view, office),
                    *_course(view, office),
                    *coming_block(view, office),
                )
            ),
        ),
        duty_buttons(view, office),
    )


def buttons_of(
    card: str, view: CaseView, office: Office, channel: str = ""
) -> tuple[tuple[Button, ...], ...]:
    """Give the buttons alone of any card; of a unit's card those for the channel in whose group it stands."""
    if card == "duty":
        return duty_buttons(view, office)
    if card == "channel":
        return _channel_buttons(view, office)
    if card in AFTER_CARDS.values():
        return after_buttons(view, card)
    if card == "order":
        return order_buttons(view)
    if card == "unit":
        return unit_buttons(view, channel)
    return _review_buttons(view, card, office)


def channel_card(
    view: CaseView, office: Office, sources: Mapping[str, str], channel: str, now: datetime | None = None
) -> Card:
    """Give the dispatch slip as a card of the channel's group. A slip that went elsewhere says so, without buttons."""
    slip = view.slip
    blocks = [*heading(view), *what_decides(view, office)]
    if slip is None or slip.channel != channel or (slip.returned_at and view.state is not State.TO_SIGN):
        gone = "已退回，待重新转办" if slip and slip.channel == channel else "已改派其他单位"
        return Card((*blocks, Block(gone, Form.NOTE, weight=9)))
    blocks.append(
        Block(
            f"{slip.unit}（{slip.dispatched_by} {local(slip.dispatched_at, office)} 转办{slip.number and f'，{slip.number}'}）",
            label="责任单位" if channel in office.channels and office.channels[channel].bodies else "承办",
        )
    )
    until = return_until(office, view.level, view.risen, slip.dispatched_at)
    if view.state is State.TO_SIGN and until is not None and not slip.assigned:
        blocks.append(Block(f"{local(until, office)} 前（不属本单位职责的）", label="退回", weight=6))
    if slip.signed_at:
        blocks.append(Block(f"{slip.signed_by} {local(slip.signed_at, office)}", label="签收"))
    blocks += agreed_wording(view)
    blocks.extend(_approved_text(view, office))
    blocks += [*_outcome(view, office), *_limits(view, office, now, _OF_OFFICE)]
    blocks += [*detail(view, sources), *folded(_course(view, office))]
    return Card(tuple(blocks), _channel_buttons(view, office))


def _channel_buttons(view: CaseView, office: Office) -> tuple[tuple[Button, ...], ...]:
    if view.state is State.TO_SIGN:
        returns = (
            ()
            if view.slip and view.slip.assigned
            else (order_button(view, Command.RETURN, "退回…", Tone.DANGER),)
        )
        return ((order_button(view, Command.SIGN, "签收", Tone.GOOD), *returns),)
    if view.state is State.HANDLING:
        draft = draft_button(view, office, "拟答复稿", Tone.GOOD)
        return ((draft, menu_button(view, "extend", "申请延期…")),)
    if view.state is State.EXTENDING:
        return ((draft_button(view, office, "拟答复稿", Tone.GOOD),),)
    if view.state is State.TO_RELEASE and view.waiting(Command.COUNTERSIGN):
        return ((draft_button(view, office, "修改稿件"),),)
    if view.state is State.TO_RELEASE:
        confirm = order_button(
            view,
            Command.CONFIRM,
            "回应确认（填链接）" if _is_public(view) else "回应确认（已答复）",
            Tone.GOOD,
        )
        return ((confirm, draft_button(view, office, "修改稿件")),)
    if view.state in REVIEW_STATES:
        return ((draft_button(view, office, "修改稿件"),),)
    if view.state in {State.ANSWERED, State.CALLING_BACK}:
        return ((order_button(view, Command.FOLLOW, "续发…"),),)
    if view.state in {State.CLOSED, State.ARCHIVED} and view.released_at is not None:
        return ((order_button(view, Command.MISTAKE, "发现有误…"),),)
    return ()


def draft_button(view: CaseView, office: Office, text: str, tone: Tone = Tone.PLAIN) -> Button:
    """Give the button that asks for a draft: first for its openness, where the office wants that said."""
    if office.procedure.openness:
        return replace(menu_button(view, "openness", text + "…"), tone=tone)
    return order_button(view, Command.DRAFT, text, tone)


def _is_public(view: CaseView) -> bool:
    return view.draft is None or view.draft.is_public


_APPROVED = frozenset({State.TO_RELEASE, State.ANSWERED, State.CALLING_BACK, State.CLOSED, State.ARCHIVED})


def _approved_text(view: CaseView, office: Office) -> list[Block]:
    if view.draft is None or view.state not in _APPROVED:
        return []
    if not view.draft.is_public:
        told = f"第{view.draft.version}稿已批准（{view.draft.openness}），全文已私发拟稿人，不在群内展示"
        what = "。答复当事人后点“回应确认”" if view.state is State.TO_RELEASE else ""
        return [Block(told + what, label="答复稿", weight=9)]
    return [
        Block(
            f"第{view.draft.version}稿已批准（{view.draft.openness}）" + _what_now(view, office),
            label="答复稿",
            weight=9,
        ),
        Block(view.draft.text, Form.QUOTE, weight=9),
    ]


def _what_now(view: CaseView, office: Office) -> str:
    if view.state is not State.TO_RELEASE:
        return ""
    named = "、".join(
        office.channels[key].unit
        for key in sorted(view.waiting(Command.COUNTERSIGN))
        if key in office.channels
    )
    if named:
        return f"。先不要发布：稿中提到{named}，等其确认无误"
    return "。请按下文发布，发布后点“回应确认”填写链接"


def review_card(
    view: CaseView, office: Office, card: str, found: str = "", now: datetime | None = None
) -> Card:
    """Give the private card of a reviewer (`review`), the secrecy reviewer (`secrecy`) or a leader (`approve`).

    Shows the exact text of the draft version that the card stands for, and what changed since the one that the reader
    saw last. `found`: what in the text is doubtful, and where. With `now` the card says how long is left.
    """
    draft = view.draft
    assert draft is not None
    fate = _fate(view, draft, card)
    blocks = [
        Block(f"{_heading(view, card, fate)}：{view.number} {view.title}", Form.TITLE, weight=9),
        Block(
            f"{level_tag(view.level)} · {channel_name(view, office)} · {view.items} 条信息{spread(view)}",
            weight=4,
        ),
        Block(
            f"第{draft.version}稿，{draft.drafter} {local(draft.at, office)} 拟，{draft.openness}",
            label="答复稿",
            weight=8,
        ),
        *([Block(draft.openness_reason, label="不予公开理由", weight=8)] if draft.openness_reason else []),
        *([] if fate else out_still(view, office, in_private=True)),
        Block(draft.text, Form.QUOTE, weight=9),
        *([Block(f"⚠️ {found}", weight=9)] if found and not fate else []),
        *_sent_back(draft, office),
        *_changes(draft, card),
        *(_opinion(line, office, card) for line in draft.reviews),
    ]
    if view.first_url:
        blocks.append(Block("打开首条信息", label="原文", url=view.first_url, weight=3))
    came = folded([Block(excerpt(view.lead.text), label="来文", weight=2)] if view.lead else [])
    if fate:
        return Card((*blocks, *came, Block(fate, Form.NOTE, weight=9)))
    left = time_left(view, office, _CLOCKS.get(card), now)
    others = [limit for limit in view.deadlines if not left or limit.step is not _CLOCKS[card]]
    if card in _LEADERS:  # what units and officers owe is not his to decide
        others = [limit for limit in others if limit.step in {_CLOCKS[card], Step.RESPOND}]
    blocks.extend((*left, *_limits(replace(view, deadlines=tuple(others)), office, now, _OF_OFFICE), *came))
    return Card(tuple(blocks), _review_buttons(view, card, office))


def revoked_card(view: CaseView, *, is_lent: bool = False) -> Card:
    """Give what is left of a private card of somebody whose rights ended: no word of the draft.

    `is_lent`: he still works here; the right was lent (顶岗) or taken alone.
    """
    why = "顶岗已结束，您没有这项权限，本卡片失效" if is_lent else "您的权限已撤销，本卡片失效"
    return Card((Block(view.number, Form.TITLE, weight=9), Block(why, Form.NOTE, weight=9)))


def left_card(view: CaseView) -> Card:
    """Give what is left of a card in a group that the office uses for this no more: no word of the matter."""
    why = "本群不再用于办理此类事项，本卡片失效"
    return Card((Block(view.number, Form.TITLE, weight=9), Block(why, Form.NOTE, weight=9)))


def _heading(view: CaseView, card: str, fate: str) -> str:
    """Ask only while there is something to decide: in a private chat the titles are the list of what is to do."""
    if fate:
        return _DOES[card]
    if view.state is State.WITH_SUPERIOR:
        return "已报审，请填结论"
    return "请做保密审查" if card == "secrecy" else f"请{_DOES[card]}"


_DOES = {
    "review": "初审",
    "secrecy": "保密审查",
    "second": "二审",
    "approve": "审批",
    "chief": "审批（主要领导）",
}


def _review_buttons(view: CaseView, card: str, office: Office) -> tuple[tuple[Button, ...], ...]:
    if card == "second":
        good = order_button(view, Command.PASS, "二审通过", Tone.GOOD)
        return ((good, order_button(view, Command.REDO, "退改…", Tone.DANGER)),)
    if card == "review":
        good = order_button(view, Command.PASS, "初审通过", Tone.GOOD)
        if office.procedure.aspects:
            good = replace(menu_button(view, "aspects", "逐项审核…"), tone=Tone.GOOD)
        return ((good, order_button(view, Command.REDO, "退改…", Tone.DANGER)),)
    if card == "secrecy":
        clear = order_button(view, Command.CLEAR, "公开…", Tone.GOOD)
        withhold = order_button(view, Command.WITHHOLD, "不公开…", Tone.DANGER)
        if view.state is State.WITH_SUPERIOR:
            return ((clear, withhold),)
        return ((clear, withhold), (order_button(view, Command.ESCALATE, "需报审…"),))
    good = order_button(view, Command.APPROVE, "批准发布", Tone.GOOD)
    refuse = menu_on(view, "refuse", card, "退回修改…", Tone.DANGER)
    if card == "chief" or view.level in office.procedure.chief or not view.has_chief:
        return ((good, refuse),)
    return ((good, refuse), (order_button(view, Command.PASS_UP, "呈报主要领导"),))


_CLOCKS: Mapping[str, Step] = {
    "review": Step.REVIEW,
    "secrecy": Step.SECRECY,
    "second": Step.SECOND,
    "approve": Step.APPROVE,
    "chief": Step.CHIEF,
}
_DECIDES: Mapping[str, frozenset[State]] = {
    "review": frozenset({State.IN_REVIEW}),
    "secrecy": frozenset({State.IN_SECRECY, State.WITH_SUPERIOR}),
    "second": frozenset({State.IN_SECOND}),
    "approve": frozenset({State.TO_APPROVE}),
    "chief": frozenset({State.WITH_CHIEF}),
}
_STAGES: Mapping[str, frozenset[Stage]] = {
    "review": frozenset({Stage.FIRST}),
    "secrecy": frozenset({Stage.SECRECY, Stage.SUPERIOR}),
    "second": frozenset({Stage.SECOND}),
    "approve": frozenset({Stage.APPROVAL}),
    "chief": frozenset({Stage.CHIEF}),
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
    return f"事项已转为“{STATE_NAMES[view.state]}”，无需处理"


_LEADERS = frozenset({"approve", "chief"})


def _changes(draft: DraftView, card: str) -> list[Block]:
    if draft.previous is None:
        return []
    before = f"第{draft.version - 1}稿" if draft.seen is None else f"您看过的第{draft.seen}稿"
    old, new = sentences(draft.previous), sentences(draft.text)
    gone = [f"－ {s}" for s in old if s not in new]
    come = [f"＋ {s}" for s in new if s not in old]
    if not gone and not come and draft.seen is None:
        return []  # he saw none before: there is nothing to compare
    if not gone and not come:
        return [Block(f"与{before}文字相同", label="改动", weight=6)]
    changed = "\n".join([*gone, *come])
    if draft.seen is None and card in _LEADERS:  # news of a text that he never saw: there for whoever asks
        return [Block(f"与{before}相比：\n{changed}", Form.FOLDED, weight=6)]
    return [Block(changed, Form.QUOTE, label=f"与{before}相比", weight=6)]


def _sent_back(draft: DraftView, office: Office) -> list[Block]:
    """Say what an earlier version was sent back for: whoever reads this one judges whether that was done."""
    if draft.sent_back is None:
        return []
    version, line = draft.sent_back
    text = f"第{version}稿，{line.reviewer} {local(line.at, office)}：{line.reason}"
    return [Block(text, label="上次退改", weight=7)]


def _opinion(line: ReviewLine, office: Office, card: str) -> Block:
    told = _told(line, card)
    text = f"{line.reviewer} {local(line.at, office)}，{opinion_name(line.stage, line.opinion)}"
    return Block(f"{text}（{told}）" if told else text, label=STAGE_NAMES[line.stage], weight=7)


def _told(line: ReviewLine, card: str) -> str:
    """Give what may stand beside an opinion. The reason of a secrecy review goes into no chat, its basis to who approves.

    Why a text is secret may be secret itself (保密法 第二十九条).
    """
    if line.stage in _STAGES["secrecy"]:
        return line.basis if card in {"approve", "chief"} else ""
    checked = "六个方面已核对" if line.aspects == frozenset(Aspect) else ""
    return "；".join(filter(None, (line.basis, line.reason, checked)))


def _course(view: CaseView, office: Office) -> list[Block]:
    blocks = []
    done = [(one.done_at, f"{one.by} {COMMAND_NAMES[one.kind]}") for one in view.again if one.done_at]
    if view.slip and view.state not in UNJUDGED:
        slip = view.slip
        earlier = view.returns[:-1] if slip.returned_at else view.returns
        done += [(one.at, f"{one.unit} {one.by} 退回") for one in earlier]
        done.append((slip.dispatched_at, f"{slip.dispatched_by} 转办 {slip.unit}"))
        if slip.signed_at:
            done.append((slip.signed_at, f"{slip.signed_by} 签收"))
        if slip.returned_at:
            done.append((slip.returned_at, f"{slip.returned_by} 退回"))
        if view.draft:
            done.append((view.draft.at, f"第{view.draft.version}稿"))
            for line in view.draft.reviews:
                said = opinion_name(line.stage, line.opinion)
                done.append((line.at, f"{line.reviewer} {STAGE_NAMES[line.stage]}，{said}"))
    if done:
        lines = (f"{local(at, office)} {what}" for at, what in sorted(done, key=itemgetter(0)))
        blocks.append(Block("\n".join(lines), label="经过", weight=5))
    if view.promises:
        told = "\n".join(promise_line(one, office) for one in view.promises)
        blocks.append(Block(told, label="承诺", weight=7))
    return blocks


def returned_because(view: CaseView, office: Office) -> list[Block]:
    """Give why units sent the matter back: for who judges, in private."""
    told = "\n".join(f"{one.unit} {one.by} {local(one.at, office)}：{one.reason}" for one in view.returns)
    return [Block(told, label="退回理由", weight=8)] if told else []


def _outcome(view: CaseView, office: Office) -> list[Block]:
    """Say how a matter ended: where it was answered and what that did, or why it was not taken up."""
    blocks = out_still(view, office)
    if blocks:
        pass  # it says where the answer stands
    elif view.release_url:
        assert view.released_at is not None
        text = f"{local(view.released_at, office)} {view.released_by} 确认"
        blocks.append(Block(text, label="已回应", url=view.release_url, weight=9))
    elif view.released_at is not None:
        text = f"{local(view.released_at, office)} {view.released_by} 确认已答复当事人（{view.released_as}）"
        blocks.append(Block(text, label="已答复", weight=9))
    if view.effect is not None:
        blocks.append(Block(effect_line(view.effect), label="回应效果", weight=6))
    if view.state is State.DISMISSED:
        blocks.append(Block(view.close_reason or "", label="不予受理理由", weight=9))
    return blocks


def effect_line(effect: Effect) -> str:
    """Set the day after a release beside the day before it; says nothing of why."""
    told = [f"回应后 24 小时新增 {effect.after} 条（前 24 小时 {effect.before} 条）"]
    if effect.negative_before is not None and effect.negative_after is not None:
        told.append(f"消极占比 {effect.negative_before}%→{effect.negative_after}%")
    if (
        effect.grown_before is not None
        and effect.grown_after is not None
        and effect.grown_before + effect.grown_after
    ):
        grown = f"{number_of_people(effect.grown_before)}→{number_of_people(effect.grown_after)}"
        told.append(f"浏览转评增长 {grown}")
    return "，".join(told)


def _limits(
    view: CaseView, office: Office, now: datetime | None, hidden: frozenset[Step] = frozenset()
) -> list[Block]:
    """Give the nearest limits, most pressing first; the public answer is always among them while it is due.

    One that has passed by `now` says so; a card is drawn anew when a limit passes.
    """
    running = [d for d in view.deadlines if d.step not in hidden]
    shown = [*running[:LIMITS_SHOWN], *(d for d in running[LIMITS_SHOWN:] if d.step is Step.RESPOND)]
    told = [_limit(d, view, office, now) for d in shown]
    return [Block("；".join(told), label="时限", weight=8)] if told else []


def _limit(limit: DeadlineView, view: CaseView, office: Office, now: datetime | None) -> str:
    step = STEP_NAMES[limit.step]
    if limit.step in view.clock.paused:
        return f"{step} 暂停计时"
    due = f"{step} {local(limit.due_at, office)} 前" + ("（暂定）" if limit.tentative else "")
    return f"⛔ {due}，已超期" if now is not None and limit.due_at <= now else due


def held_line(held: HeldView, office: Office) -> str:
    """Say in a few words why a card is held back, or which mute it was too grave for."""
    if held.mute is None:
        return _held_on_a_card(held, office)
    until = f"至 {local(held.mute.ends_at, office)}（{held.mute.reason}）"
    return f"静音未拦，照常提醒；静音{until}" if held.passed else f"静音中，{until}"


def _held_on_a_card(held: HeldView, office: Office) -> str:
    if held.under:
        return f"并列在 {held.under} 的卡片上"
    if held.beside and held.since is not None:
        until = held.since + timedelta(minutes=office.mute.doubt_minutes)
        return f"疑似与 {held.beside} 是同一事项，列在它的卡片上；{local(until, office)} 前无人判断即发卡"
    return "旧台账导入，未单独发卡"


def _held(view: CaseView, office: Office) -> list[Block]:
    """Say what holds this card back."""
    return [] if view.held is None else [Block(held_line(view.held, office), label="提醒", weight=8)]


def _below(view: CaseView) -> list[Block]:
    """Say which small matters stand on this card."""
    if not view.below:
        return []
    shown = "、".join(view.below[:BELOW_SHOWN]) + ("等" if len(view.below) > BELOW_SHOWN else "")
    text = f"另有 {len(view.below)} 个同地同类小事项：{shown}（/case 编号 查看）"
    return [Block(text, label="并列", weight=7)]
