"""Write docs/workflow.md from the table of routing/procedure.py: the state diagram and every cell of the table.

Reads the code and writes one file; decides nothing. `make docs` runs it, and a test compares the file with the table.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from bot.names import OPINION_NAMES, ROLE_NAMES, STAGE_NAMES, STEP_NAMES
from routing.office import Level, Procedure, Role
from routing.procedure import FULL, LIGHT, Table, afterwards, commands_in, first_state, reachable, table
from routing.workflow import (
    COMMAND_NAMES,
    ENDED,
    STATE_NAMES,
    Command,
    Move,
    Need,
    State,
    Where,
)

PAGE = Path(__file__).with_name("workflow.md")

WHERE = {Where.DUTY: "值班群", Where.CHANNEL: "承办群", Where.PRIVATE: "私聊"}
NEEDS = {
    Need.REASON: "理由",
    Need.BASIS: "依据",
    Need.TEXT: "文字",
    Need.LINK: "链接",
    Need.CHANNEL: "渠道",
    Need.LEVEL: "等级",
    Need.ITEM: "哪条信息",
    Need.MATTER: "并入哪个事项",
    Need.BAND: "情绪是不是消极",
    Need.UNITS: "哪些单位",
    Need.TARGET: "移送到哪里",
    Need.DAYS: "几个工作日",
    Need.STANCE: "意见",
    Need.ANSWER_KIND: "哪一类",
    Need.SUBJECT: "领域",
}
OTHERS = {
    "drafter": "拟稿人",
    "first": "初审人",
    "secrecy": "保密审查员",
    "superior": "报审结论登记人",
    "second": "二审人",
    "approval": "审批人",
    "releaser": "确认发布人",
}
COLOURS = {
    "duty": ("值班员、政府办", "#cfe2f3"),
    "contact": ("联络员", "#d9ead3"),
    "reviewer": ("初审人", "#fff2cc"),
    "secrecy": ("保密审查员", "#f9cb9c"),
    "leader": ("领导", "#f4cccc"),
    "second": ("二审人", "#ffe599"),
    "chief": ("主要领导", "#ea9999"),
    "caller": ("回访员", "#d0e0e3"),
    "over": ("终态，除已合并外可重新办理", "#e6e6e6"),
}

INTRO = """\
# The procedure: states and commands

This page is written by `make docs` from `routing/procedure.py`; `tests/test_docs_workflow.py` fails when the two differ.
First the light default for an office of five, then what `[procedure]` in `office.toml` adds. An office switches steps on one
by one, some of them a level; the ways out of every state are always there, so that nothing is stuck when a switch is turned.

## States

The colour says whose move it is: {legend}.
Not drawn: what leaves the state as it is (定级, 拆分, 认定情绪, 认定领域, 转办 of what waits to be signed for), and 提交答复稿
from a state past 办理中, which leads back to 待审核.
"""

FULL_INTRO = """\

## What the switches add

The same with every step of `[procedure]` switched on, for matters of every level; the table lists what is not above or leads
elsewhere, for level Ⅰ (电话报告 and 效果评估 are for Ⅰ and Ⅱ alone). `order`, `consult`, `chief`, `confirm_twice` and
`report` name levels; the other steps are made for all.
"""

TABLE_INTRO = """\

## Every move that exists

What is not in this table is refused. A refusal is one sentence to the person and a line in the ledger.

- *Who*: any one of these roles. A contact (联络员) moves only the matters of the channel that he is the contact of.
- *Where*: the chat in which the button or the answer counts.
- *Not by*: four eyes; these persons of the same draft are refused, whatever their roles.
- *Clocks*: ▶ starts, ■ ends. The lengths stand in `office.toml`. When a matter is over, every clock of it ends.
"""

AFTER = """\

## What holds for every move

- Every button carries the version of the matter that its card showed, and every review button the version of the draft.
  An older one is refused: the card is brought up to date and the person reads what happened instead. Only a new draft
  is taken whatever its card showed.
- 提交答复稿 makes a new version of the draft and voids all reviews of the older one.
- {afterwards}
- After two returns the next 转办 assigns: the slip cannot be returned again (潍坊市12345条例 第二十二条).
- 值班员 or 政府办 may set the level (定级) until the answer is out; of the clocks that run each ends at the earlier of its
  old end and the limit of the new level counted from the rise, after a fall where it would without that rise
  ([decision 0037](decisions/0037-a-rise-makes-nothing-late.md)).
  At 待发布 a level for which `chief` is switched on takes a text that the chief leader has not approved to 待主要领导审批.
- Until then they may also put right how texts were put together. 拆分: a text with its comments leaves the matter and opens
  one of its own, which owes its answer since the text was first placed. 并入: all texts of a matter that was not dispatched
  go into another that is not over; of each limit the earlier one stays. A text that came in wrongly is split off again.
- 转办 again, before there is a draft, takes the matter from one channel to another; the first one is told.
- 拆分, 并入, 认定情绪, and a channel, a level or a dismissal other than proposed are kept as verdicts: what was
  proposed, for which text, by which version of rules, models and scorer.
"""


def page() -> str:
    """Give the whole page."""
    legend = ", ".join(f"{name} `{colour}`" for name, colour in COLOURS.values())
    followed = "; ".join(
        f"{STATE_NAMES[state]} is followed at once by {COMMAND_NAMES[command]}, made by the house in the same transaction,"
        " with a ledger line of its own"
        for state, command in afterwards(LIGHT).items()
    )
    return (
        INTRO.format(legend=legend)
        + diagram(LIGHT)
        + TABLE_INTRO
        + rows(_cells(LIGHT))
        + FULL_INTRO
        + diagram(FULL)
        + rows(_added())
        + AFTER.format(afterwards=f"{followed}.")
    )


def diagram(procedure: Procedure) -> str:
    """Give the state diagram in mermaid, one arrow for all commands between the same two states."""
    states = [state for state in State if state in reachable(procedure)]
    moves = table(procedure, Level.IV)
    lines = ["", "```mermaid", "stateDiagram-v2"]
    lines += [f'    state "{STATE_NAMES[state]}" as {state}' for state in states]
    lines.append(f"    [*] --> {first_state(procedure)} : 立项")
    arrows: dict[tuple[State, State], list[str]] = {}
    for state in states:
        for command in _drawn(state, moves):
            arrows.setdefault((state, moves[state, command].to), []).append(
                COMMAND_NAMES[command].rpartition("：")[2]
            )
    lines += [f"    {frm} --> {to} : {' / '.join(names)}" for (frm, to), names in arrows.items()]
    lines += [f"    classDef {owner} fill:{colour},color:#222" for owner, (_, colour) in COLOURS.items()]
    lines += [f"    class {state} {_owner(state, moves)}" for state in states]
    return "\n".join([*lines, "```", ""])


Cells = Mapping[tuple[State, Command], Move]


def _cells(procedure: Procedure, level: Level = Level.IV) -> Cells:
    here = reachable(procedure)
    return {cell: move for cell, move in table(procedure, level).items() if cell[0] in here}


def _added() -> Cells:
    """Give the cells of the full procedure that the light one has not, or that lead elsewhere or start another clock."""
    light = _cells(LIGHT)
    return {cell: move for cell, move in _cells(FULL, Level.I).items() if light.get(cell) != move}


def rows(cells: Cells) -> str:
    """Give cells of the table as rows, in the order of states and commands."""
    lines = [
        "",
        "| State | Command | To | Who | Where | Needs | Not by | Clocks | Seals |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for state in State:
        lines += [_row(state, command, cells[state, command]) for command in commands_in(state, cells)]
    return "\n".join([*lines, ""])


def _row(state: State, command: Command, move: Move) -> str:
    cells = (
        STATE_NAMES[state],
        f"{COMMAND_NAMES[command]} `{command}`",
        STATE_NAMES[move.to],
        _list(ROLE_NAMES[role] for role in Role if role in move.roles),
        _list(WHERE[where] for where in Where if where in move.where),
        _list(NEEDS[need] for need in Need if need in move.needs),
        _list(OTHERS[act] for act in sorted(move.other_than, key=list(OTHERS).index)),
        " ".join([*(f"▶{STEP_NAMES[s]}" for s in move.starts), *(f"■{STEP_NAMES[s]}" for s in move.ends)]),
        f"{STAGE_NAMES[move.seals[0]]}：{OPINION_NAMES[move.seals[1]]}" if move.seals else "",
    )
    return f"| {' | '.join(cells)} |"


def _drawn(state: State, moves: Table) -> list[Command]:
    left_out = set() if state is State.HANDLING else {Command.DRAFT}
    return [
        command
        for command in commands_in(state, moves)
        if command not in left_out and moves[state, command].to is not state
    ]


def _owner(state: State, moves: Table) -> str:
    if state in ENDED:
        return "over"
    roles = moves[state, _drawn(state, moves)[0]].roles
    return next(role for role in COLOURS if role in roles or (role == "duty" and Role.OFFICE in roles))


def _list(names: Iterable[str]) -> str:
    return "、".join(names)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
