"""What the duty itself looks like in a chat: who is on duty, a handover to sign, a substitution to approve. Pure."""

from collections.abc import Sequence
from datetime import datetime

from bot.buttons import HANDOVER, SUBSTITUTE, Wish, token_of
from bot.chat import Block, Button, Card, Form, Tone
from bot.names import ROLE_NAMES, STEP_NAMES, level_tag, local
from bot.rosters import fault_line, stretch
from routing.duty import OnDuty, Watch
from routing.handover import Handover, Matter
from routing.office import Office
from routing.roster import Finding
from routing.substitution import Substitution, SubstitutionState
from routing.workflow import STATE_NAMES

END = "end"
"""What the button carries that ends a substitution before its time."""
MATTERS_SHOWN = 25


def duty_page(
    now_on: Sequence[Watch],
    following: Sequence[Watch],
    faults: Sequence[Finding[str]],
    office: Office,
    *,
    has_roster: bool,
) -> Card:
    """Say who is on duty now and next, until when; `faults` of the coming days for those who plan."""
    if not has_roster:
        return Card((Block("还没有值班表：提醒和告警发到值班群。排班请写 roster.toml。"),))
    blocks = [] if now_on else [Block("现在无人值班", Form.TITLE, weight=9)]
    for watch in now_on:
        blocks += _watch(f"现在值班：{watch.name}", watch, office)
    for watch in following:
        blocks += _watch(f"下一班：{watch.name}", watch, office)
    if not following:
        blocks.append(Block("未来 7 天没有下一班。", Form.NOTE, weight=8))
    if faults:
        blocks.append(Block(f"未来 7 天有 {len(faults)} 处要看", Form.TITLE, weight=8))
        blocks += [Block(fault_line(fault, office), weight=6) for fault in faults]
    return Card(tuple(blocks))


def _watch(head: str, watch: Watch, office: Office) -> list[Block]:
    return [
        Block(head, Form.TITLE, weight=9),
        Block(stretch(watch.starts_at, watch.ends_at, office), label="起止", weight=9),
        Block(_named([watch.leader] if watch.leader else []), label="值班领导", weight=9),
        Block(_named(watch.staff), label="值班员", weight=9),
        Block(_named(watch.reserve), label="备用人员", weight=8),
    ]


def _named(people: Sequence[OnDuty]) -> str:
    return (
        "、".join(f"{one.name}（顶岗：{one.stands_for}）" if one.stands_for else one.name for one in people)
        or "（空缺）"
    )


def handover_card(handover: Handover, office: Office) -> Card:
    """Give the handover with a button for each signature that is missing."""
    shift = f"{handover.shift} " if handover.shift else ""
    tally = handover.tally
    blocks = [
        Block(f"🤝 交接班：{handover.outgoing} → {handover.incoming}", Form.TITLE, weight=9),
        Block(f"{shift}{local(handover.since, office)} 起", label="班次", weight=9),
        Block(
            f"新增 {tally['opened']}，转办 {tally['dispatched']}，办结 {tally['closed']}",
            label="本班",
            weight=8,
        ),
    ]
    if handover.note:
        blocks.append(Block(handover.note, label="备注", weight=9))
    blocks += _matters(handover.matters, tally["overdue"], office)
    blocks += [
        _signature("交班人", handover.outgoing, handover.outgoing_signed_at, office),
        _signature("接班人", handover.incoming, handover.incoming_signed_at, office),
    ]
    missing = [
        (handover.outgoing, handover.outgoing_signed_at, "交班签名"),
        (handover.incoming, handover.incoming_signed_at, "接班签名"),
    ]
    token = token_of(Wish(HANDOVER, handover.id))
    buttons = tuple(
        Button(f"✍ {text}（{name}）", token, Tone.GOOD) for name, signed_at, text in missing if not signed_at
    )
    return Card(tuple(blocks), tuple((button,) for button in buttons))


def _matters(matters: Sequence[Matter], overdue: int, office: Office) -> list[Block]:
    if not matters:
        return [Block("没有未办结事项。", weight=9)]
    late = f"，超期时限 {overdue} 个" if overdue else ""
    blocks = [Block(f"未办结 {len(matters)} 件{late}", Form.TITLE, weight=9)]
    for matter in matters[:MATTERS_SHOWN]:
        limit = (
            f"　{STEP_NAMES[matter.step]} {local(matter.due_at, office)} 前"
            if matter.step and matter.due_at
            else ""
        )
        text = (
            f"{level_tag(matter.level)} {matter.number}【{STATE_NAMES[matter.state]}】{matter.title}{limit}"
        )
        blocks.append(Block(text, weight=6))
    if len(matters) > MATTERS_SHOWN:
        more = f"还有 {len(matters) - MATTERS_SHOWN} 件，用 /open 查看。"
        blocks.append(Block(more, Form.NOTE, weight=9))
    return blocks


def _signature(post: str, name: str, signed_at: datetime | None, office: Office) -> Block:
    told = f"✅ {local(signed_at, office)}" if signed_at else "未签名"
    return Block(f"{name}　{told}", label=post, weight=9)


def substitution_card(asked: Substitution, office: Office) -> Card:
    """Ask a leader about a substitution, and say what became of it."""
    blocks = (
        Block("顶岗申请", Form.TITLE, weight=9),
        Block(asked.absent, label="原值班人", weight=9),
        Block(asked.reserve, label="备用人员", weight=9),
        Block(stretch(asked.starts_at, asked.ends_at, office), label="起止", weight=9),
        Block(asked.reason, label="原因", weight=9),
        Block("、".join(ROLE_NAMES[role] for role in asked.roles) or "无", label="顶岗期间的权限", weight=8),
        Block(asked.asked_by, label="申请人", weight=8),
    )
    if asked.state is not SubstitutionState.ASKED:
        outcome = _OUTCOMES[asked.state]
        by = f"{asked.decided_by} " if asked.decided_by else ""
        told = (*blocks, Block(f"{by}{outcome}", label="结果", weight=9))
        if asked.state is not SubstitutionState.APPROVED:
            return Card(told)
        ending = Button("提前结束顶岗", token_of(Wish(SUBSTITUTE, asked.id, arg=END)), Tone.DANGER)
        return Card(told, ((ending,),))
    choices = (("批准顶岗", "yes", Tone.GOOD), ("不批准", "no", Tone.DANGER))
    buttons = tuple(
        Button(text, token_of(Wish(SUBSTITUTE, asked.id, arg=arg)), tone) for text, arg, tone in choices
    )
    return Card(blocks, (buttons,))


_OUTCOMES = {
    SubstitutionState.APPROVED: "已批准",
    SubstitutionState.REFUSED: "未批准",
    SubstitutionState.OVER: "已结束",
}
