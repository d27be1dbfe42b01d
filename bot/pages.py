"""Answers to commands: lists that are leafed through by buttons, and the help page. Pure.

A list says of each matter what one needs to go on: level, number, state, title, the next limit and whether it has passed.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot import clocks
from bot.buttons import PAGE, Wish, token_of
from bot.chat import Block, Button, Card, Form
from bot.names import LEVEL_NAMES, ROLE_NAMES, STEP_NAMES, command_name, how_long, level_tag, local
from bot.render import held_line
from bot.wishes import card_button
from routing.office import Level, Office, Procedure, Role
from routing.office import Step as Limited
from routing.powers import powers
from routing.search import Hit
from routing.views import CaseView
from routing.waiting import Waiting
from routing.why import Step, Words
from routing.workflow import STATE_NAMES, Command, State, Where

CASES_AT_ONCE, STEPS_AT_ONCE = 6, 12
"""So many fit on the screen of a phone with the buttons below."""
TITLE_LETTERS = 18
STEP_LETTERS = 200


@dataclass(frozen=True, slots=True)
class Leaf:
    """Which page of a list is shown (from 0), and by which row of the outbox the list was sent."""

    sent_as: int
    page: int
    now: datetime


@dataclass(frozen=True, slots=True)
class Offered:
    """A command of the help page: its name, what it does, under which heading it stands."""

    name: str
    text: str
    group: str


def open_list(views: Sequence[CaseView], total: int, office: Office, leaf: Leaf, narrowed: str = "") -> Card:
    """List open cases; `narrowed` says to which ones the list was narrowed."""
    which = f"（{narrowed}）" if narrowed else ""
    if not total:
        none = f"没有符合的未办结事项{which}。全部未办结的见 /open。" if narrowed else "当前没有未办结事项。"
        return Card((Block(none),))
    lines = [
        Block(_line(n, view.level, view.number, view.state, view.title, _stands(view, office, leaf)))
        for n, view in enumerate(views, 1)
    ]
    more = (leaf.page + 1) * CASES_AT_ONCE < total
    of = _pages(total, CASES_AT_ONCE)
    return _listed(f"未办结事项 {total} 件{which}", lines, leaf, [v.id for v in views], more=more, of=of)


def mine_list(found: Sequence[Waiting], total: int, office: Office, leaf: Leaf) -> Card:
    """List what waits for one person, the next limits first."""
    if not total:
        return Card((Block("现在没有等您办理的事项。"),))
    lines = []
    for n, one in enumerate(found, 1):
        view = one.view
        notes = [f"✏️ 第{view.draft_version}稿被退回，请修改"] if one.came_back else []
        notes += [f"💬 等您回复文字：{command_name(one.asked)}"] if one.asked else []
        told = "\n".join([_due(view, office, leaf, _OF_COPIED), *notes]).strip()
        lines.append(Block(_line(n, view.level, view.number, view.state, view.title, told)))
    more = (leaf.page + 1) * CASES_AT_ONCE < total
    opens, of = [one.view.id for one in found], _pages(total, CASES_AT_ONCE)
    return _listed(f"等您办理 {total} 件", lines, leaf, opens, more=more, of=of)


def found_list(hits: Sequence[Hit], more: bool, told: str, leaf: Leaf) -> Card:
    """List the matters that hold all the words, newest first, with the place in a text where the title does not say it."""
    if not hits:
        if leaf.page:
            return _listed(f"查找“{told}”", [Block("后面没有了。")], leaf, (), more=False)
        hint = "换个词或少写一个词再试；只能查到您可以看的事项。"
        return Card((Block(f"没有找到含“{told}”的事项。"), Block(hint, Form.NOTE)))
    lines = [
        Block(_line(n, hit.level, hit.number, hit.state, hit.title, _said(hit)))
        for n, hit in enumerate(hits, 1)
    ]
    return _listed(f"查找“{told}”，新的在前", lines, leaf, [hit.case_id for hit in hits], more=more)


def _said(hit: Hit) -> str:
    """Quote where a text says it, and give the number of an older ledger."""
    said = f"「{hit.said}」" if hit.said else ""
    return "；".join(filter(None, (said, f"旧编号 {hit.old_number}" if hit.old_number else "")))


def taken_over_list(
    views: Sequence[CaseView], total: int, facts: Mapping[str, Any], office: Office, leaf: Leaf
) -> Card:
    """List what is open of an older ledger, each with a button for its card; `facts` as the row that queued it says."""
    over, late = int(facts["over"]), int(facts["late"])
    told = [f"在办 {total} 件"] + ([f"已结 {over} 件"] if over else [])
    head = f"📚 {facts['by']} 导入旧台账：{'，'.join(told)}"
    if not total:
        return Card((Block(head, weight=9), Block("已结的用 /find 词 或 /case 旧编号 查看。", Form.NOTE)))
    lines = [
        Block(_line(n, view.level, view.number, view.state, view.title, _old_stands(view, office, leaf)))
        for n, view in enumerate(views, 1)
    ]
    more, of = (leaf.page + 1) * CASES_AT_ONCE < total, _pages(total, CASES_AT_ONCE)
    card = _listed(head, lines, leaf, [view.id for view in views], more=more, of=of)
    notes = [f"导入时 {late} 件已有时限超期，只在这里说一次；/open 超期 随时可看。"] if late else []
    follow = "；Ⅰ、Ⅱ级的卡片随后发出，不响铃" if facts["grave"] else ""
    notes += [f"没有逐件发卡，点下面的按钮调出卡片接着办{follow}。"]
    return Card((*card.blocks, Block("\n".join(notes), Form.NOTE, weight=6)), card.buttons)


def _old_stands(view: CaseView, office: Office, leaf: Leaf) -> str:
    number = f"旧编号 {view.legacy.number}" if view.legacy and view.legacy.number else ""
    return "；".join(filter(None, (_due(view, office, leaf), number)))


def why_list(key: str, steps: Sequence[Step], told: Words, leaf: Leaf) -> Card:
    """Give what an item or a case went through, step by step."""
    if not steps:
        return Card((Block(f"库里没有“{key}”。请核对事项编号或链接；刚发布的要等下一轮读取。"),))
    shown = steps[leaf.page * STEPS_AT_ONCE : (leaf.page + 1) * STEPS_AT_ONCE]
    lines = []
    for step in shown:
        at = f"{told.at(step.at, '%m-%d %H:%M')}　" if step.at else ""
        lines.append(Block(_cut(f"{at}{step.detail}", STEP_LETTERS), label=step.what))
    more = (leaf.page + 1) * STEPS_AT_ONCE < len(steps)
    return _listed(f"{key} 的来龙去脉", lines, leaf, (), more=more, of=_pages(len(steps), STEPS_AT_ONCE))


def help_card(name: str, roles: frozenset[Role], offered: Sequence[Offered], procedure: Procedure) -> Card:
    """Say what this person can do here: only what his roles allow, by the table of the office's own procedure."""
    blocks = [Block(f"{name}（{'、'.join(ROLE_NAMES[r] for r in Role if r in roles)}）", Form.TITLE)]
    by_group: dict[str, list[str]] = {}
    for one in offered:
        by_group.setdefault(one.group, []).append(f"/{one.name}　{one.text}")
    blocks += [Block("\n".join([f"【{group}】", *lines])) for group, lines in by_group.items()]
    for place, known in powers(roles, procedure).items():
        told = "、".join(_power(command, levels) for command, levels in known.items())
        blocks.append(Block(told + _BY_REPLY.get(place, ""), Form.FOLDED, label=_CARDS_AT[place]))
    if Role.ADMIN in roles:
        blocks.append(Block("确认新成员", Form.FOLDED, label=_CARDS_AT[Where.PRIVATE]))
    return Card(tuple(blocks))


def _power(command: Command, levels: Set[Level]) -> str:
    known = (
        ""
        if len(levels) == len(Level)
        else f"（限{'、'.join(LEVEL_NAMES[n].split()[0] for n in sorted(levels))}）"
    )
    return command_name(command) + known


_CARDS_AT: Mapping[Where, str] = {
    Where.DUTY: "值班群卡片",
    Where.CHANNEL: "承办群卡片",
    Where.PRIVATE: "私聊卡片",
}
_BY_REPLY: Mapping[Where, str] = {Where.CHANNEL: "。答复稿也可直接回复卡片提交"}


def _listed(
    head: str, lines: Sequence[Block], leaf: Leaf, opens: Sequence[int], *, more: bool, of: int = 0
) -> Card:
    """Set a page of a list; `opens`: the cases behind its lines, a button each that brings the card."""
    turns = []
    if leaf.page:
        turns.append(_turn(leaf, -1, "‹ 上一页"))
    if more:
        turns.append(_turn(leaf, 1, "下一页 ›"))
    where = f"　第 {leaf.page + 1}{f'/{of}' if of else ''} 页" if turns else ""
    # Quotes stand apart from each other on a narrow screen.
    blocks = (
        Block(f"{head}{where}", Form.TITLE, weight=9),
        *(one if one.label else replace(one, form=Form.QUOTE) for one in lines),
    )
    cards = tuple(card_button(case_id, f"看 {n}") for n, case_id in enumerate(opens, 1))
    return Card(blocks, tuple(row for row in (cards, tuple(turns)) if row))


def _turn(leaf: Leaf, step: int, text: str) -> Button:
    return Button(text, token_of(Wish(PAGE, leaf.sent_as, leaf.page + step)))


def _pages(total: int, size: int) -> int:
    return -(-total // size)


def _line(place: int, level: Level, number: str, state: State, title: str, more: str) -> str:
    line = f"{place}. {level_tag(level)} {number}【{STATE_NAMES[state]}】\n{_cut(' '.join(title.split()), TITLE_LETTERS)}"
    return f"{line}\n{more}" if more else line


def _stands(view: CaseView, office: Office, leaf: Leaf) -> str:
    """Give the next limit of a case, and why its card is held back if it is."""
    held = held_line(view.held, office) if view.held is not None and not view.held.passed else ""
    colour = clocks.mark(view.clock.supervised.colour) if view.clock.supervised is not None else ""
    return "；".join(filter(None, (_due(view, office, leaf), colour, held)))


_OF_COPIED = frozenset({Limited.COPY})
"""What only the copied units owe: no matter waits for anybody else because of it."""


def _due(view: CaseView, office: Office, leaf: Leaf, besides: Set[Limited] = frozenset()) -> str:
    """Give the next limit of a case, of those `besides` only where there is no other; say so where it has passed."""
    if not view.deadlines:
        return ""
    limit = next((limit for limit in view.deadlines if limit.step not in besides), view.deadlines[0])
    if limit.step in view.clock.paused:
        return f"⏸ {STEP_NAMES[limit.step]} 暂停计时"
    due = f"{STEP_NAMES[limit.step]} {local(limit.due_at, office)} 前"
    if limit.due_at < leaf.now:
        return f"⛔ {due}，已超{_short(leaf.now - limit.due_at)}"
    return f"⏰ {due}，剩{_short(limit.due_at - leaf.now)}"


def _short(span: timedelta) -> str:
    """Give a span so that it stays on its line."""
    return how_long(span).replace(" ", "")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
