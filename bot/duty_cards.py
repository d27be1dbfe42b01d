"""What the duty itself looks like in a chat: who is on duty, a handover to sign, a substitution to approve. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.buttons import HANDOVER, STAND_IN, SUBSTITUTE, Wish, token_of
from bot.chat import Block, Button, Card, Form, Tone
from bot.names import ROLE_NAMES, STEP_NAMES, level_tag, local
from bot.rosters import fault_line, stretch
from routing.duty import OnDuty, Watch
from routing.handover import Handover, Matter
from routing.office import Office
from routing.reasons import REASON_MIN
from routing.roster import Finding
from routing.substitution import REASONS, Substitution, SubstitutionState

END = "end"
"""What the button carries that ends a substitution before its time."""
MATTERS_AT_ONCE = 6
"""So many fit on the screen of a phone with the signatures below."""
TITLE_LETTERS = 18
THIS_WATCH = timedelta(hours=12)
LEAF = "leaf"
"""What the button carries that turns a page of a handover; the page is its version."""


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


def handover_card(handover: Handover, office: Office, page: int = 0) -> Card:
    """Give the handover with a button for each signature that is missing, on every page of its list."""
    shift = f"{handover.shift} " if handover.shift else ""
    tally = handover.tally
    blocks = [
        Block(f"🤝 交接班：{handover.outgoing} → {handover.incoming}", Form.TITLE, weight=9),
        Block(
            f"{shift}{local(handover.since, office)} 起，新增 {tally['opened']}，转办 {tally['dispatched']}，"
            f"办结 {tally['closed']}",
            label="本班",
            weight=9,
        ),
    ]
    if handover.note:
        blocks.append(Block(handover.note, label="备注", weight=9))
    pages = max(1, -(-len(handover.matters) // MATTERS_AT_ONCE))
    page = min(page, pages - 1)
    blocks += _matters(handover, office, page, pages)
    blocks += [
        _signature("交班人", handover.outgoing, handover.outgoing_signed_at, office),
        _signature("接班人", handover.incoming, handover.incoming_signed_at, office),
    ]
    missing = [
        (handover.outgoing, handover.outgoing_signed_at, "交班签名"),
        (handover.incoming, handover.incoming_signed_at, "接班签名"),
    ]
    token = token_of(Wish(HANDOVER, handover.id, page))
    signs = [
        (Button(f"✍ {text}（{name}）", token, Tone.GOOD),)
        for name, signed_at, text in missing
        if not signed_at
    ]
    turns = [
        Button(text, token_of(Wish(HANDOVER, handover.id, to, arg=LEAF)))
        for text, to in (("‹ 上一页", page - 1), ("下一页 ›", page + 1))
        if 0 <= to < pages
    ]
    return Card(tuple(blocks), (*([tuple(turns)] if turns else []), *signs))


def _matters(handover: Handover, office: Office, page: int, pages: int) -> list[Block]:
    """List a page of what is open, by when it falls due: what is late, what this watch must see to, the rest."""
    matters, overdue = handover.matters, handover.tally["overdue"]
    if not matters:
        return [Block("没有未办结事项。", weight=9)]
    late = f"，超期时限 {overdue} 个" if overdue else ""
    where = f"　第 {page + 1}/{pages} 页" if pages > 1 else ""
    blocks = [Block(f"未办结 {len(matters)} 件{late}{where}", Form.TITLE, weight=9)]
    groups = [(_falls_due(matter, handover.at), matter) for matter in matters]
    groups.sort(key=lambda one: (one[0], one[1].due_at or handover.at, one[1].level))
    counts = Counter(group for group, _ in groups)
    shown = groups[page * MATTERS_AT_ONCE : (page + 1) * MATTERS_AT_ONCE]
    for place, (group, matter) in enumerate(shown):
        if place == 0 or shown[place - 1][0] != group:
            blocks.append(Block(f"{_GROUPS[group]} {counts[group]} 件", Form.NOTE, weight=8))
        blocks.append(Block(_matter_line(matter, office), weight=6))
    return blocks


def _falls_due(matter: Matter, at: datetime) -> int:
    """Say to which group of `_GROUPS` a matter belongs."""
    if matter.due_at is None:
        return 3
    return 0 if matter.due_at <= at else 1 if matter.due_at <= at + THIS_WATCH else 2


_GROUPS = ("⛔ 已超期", "⏰ 12 小时内到期", "以后到期", "没有时限")


def _matter_line(matter: Matter, office: Office) -> str:
    due = (
        f" {STEP_NAMES[matter.step]} {local(matter.due_at, office)}" if matter.step and matter.due_at else ""
    )
    title = " ".join(matter.title.split())
    title = title if len(title) <= TITLE_LETTERS else title[: TITLE_LETTERS - 1] + "…"
    return f"{level_tag(matter.level)} {matter.number}{due}\n{title}"


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


STAND_IN_USAGE = (
    "也可以一行写完：/substitute 备用人员 起 止 理由\n"
    "备用人员：李明（替别人申请时写“原值班人 备用人员”，限政府办）\n"
    "起、止：现在，或 18:00，或 11-22 08:00\n"
    f"理由：因公外出（至少 {REASON_MIN} 个字）\n"
    "如 /substitute 李明 11-22 08:00 11-23 08:00 因公外出\n"
    "提前结束：/substitute 结束"
)


def standin_card(facts: Mapping[str, Any], office: Office) -> Card:
    """Give the form of a substitution as far as it was filled: who stands in, when, why; a page a step."""
    title = Block("申请顶岗", Form.TITLE, weight=9)
    if facts.get("done"):
        return Card((title, Block(str(facts["done"]), weight=9)))
    usage = Block(STAND_IN_USAGE, Form.FOLDED, weight=3)
    if "people" in facts:
        keys = [_stand_in(int(key), str(name)) for key, name in facts["people"]]
        asks = Block(
            "1/3 谁来顶您的岗？" if keys else "没有别的人可以顶岗，请系统管理员先邀请备用人员。", weight=9
        )
        return Card((title, asks, usage), _pairs(keys))
    reserve, name = int(facts["reserve"]), Block(str(facts["name"]), label="备用人员", weight=9)
    again = (_stand_in(0, "↩ 重选"),)
    if "spans" in facts:
        spans = [
            (_stand_in(reserve, stretch(_at(start), _at(end), office), int(start), int(end)),)
            for start, end in facts["spans"]
        ]
        return Card((title, name, Block("2/3 顶哪一段？", weight=9), usage), (*spans, again))
    start, end = int(facts["starts"]), int(facts["ends"])
    when = Block(stretch(_at(start), _at(end), office), label="起止", weight=9)
    reasons = [_stand_in(reserve, reason, start, end, str(place)) for place, reason in enumerate(REASONS)]
    return Card(
        (title, name, when, Block("3/3 什么原因？选后报值班领导", weight=9), usage), (*_pairs(reasons), again)
    )


def _stand_in(reserve: int, text: str, start: int = 0, end: int = 0, reason: str = "") -> Button:
    return Button(text, token_of(Wish(STAND_IN, reserve, start, end, reason)))


def _at(minutes: int) -> datetime:
    return datetime.fromtimestamp(minutes * 60, UTC)


def _pairs(keys: Sequence[Button]) -> tuple[tuple[Button, ...], ...]:
    return tuple(tuple(keys[place : place + 2]) for place in range(0, len(keys), 2))


_OUTCOMES = {
    SubstitutionState.APPROVED: "已批准",
    SubstitutionState.REFUSED: "未批准",
    SubstitutionState.OVER: "批准，已结束",  # by its time, or by somebody who need not be who approved it
}
