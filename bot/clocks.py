"""How the clocks of a case read on cards and in lists: its flags, its colour, and what happens next. Pure."""

from collections.abc import Mapping

from bot.chat import Block, Button, Tone
from bot.names import COLOUR_NAMES, ROLE_NAMES, STEP_NAMES, local
from bot.wishes import menu_button, order_button
from routing.calls import Called
from routing.coming import Coming, Happening
from routing.movers import MOVERS
from routing.office import Colour, Office, Step
from routing.procedure import Table
from routing.views import CaseView
from routing.workflow import PAUSE_GROUNDS, Command, State

PAUSE, REPORT = "pause", "report"

_COLOUR_MARKS: Mapping[Colour, str] = {Colour.BLUE: "🔷", Colour.ORANGE: "🔶", Colour.RED: "🟥"}
_BY_UNIT = frozenset({Step.SIGN, Step.DRAFT, Step.RELEASE, Step.CLOSE, Step.FOLLOW})
_CALLED: Mapping[Called, str] = {
    Called.STAFF: "值班员",
    Called.RESERVE: "备用人员",
    Called.LEADER: "值班领导",
}
_COPIED: Mapping[Colour, str] = {Colour.BLUE: "", Colour.ORANGE: "抄送领导", Colour.RED: "抄送主要领导"}


def mark(colour: Colour) -> str:
    """Give the colour of a supervision as it stands in a line: 🔶橙色督办."""
    return f"{_COLOUR_MARKS[colour]}{COLOUR_NAMES[colour]}"


def clock_blocks(view: CaseView, office: Office) -> list[Block]:
    """Give the flags and the supervision of a case, and who is called next if nobody moves."""
    clock, blocks = view.clock, list[Block]()
    flags = [name for name, is_on in (("有批示", clock.instructed), ("突发事件", clock.emergency)) if is_on]
    if flags:
        blocks.append(Block("、".join(flags), label="标记", weight=8))
    if clock.supervised is not None:
        by = clock.supervised.answer_by
        until = f"{local(by, office)} 前办完" if by else "立即办完"
        text = f"{mark(clock.supervised.colour)}（{STEP_NAMES[clock.supervised.step]}），{until}"
        blocks.append(Block(text, label="督办", weight=9))
    if clock.coming is not None and clock.coming.called is not None:
        blocks.append(_coming(clock.coming, view, office))
    return blocks


def coming_block(view: CaseView, office: Office) -> list[Block]:
    """Say when the house turns to somebody by itself; a call of a person stands among what decides instead."""
    coming = view.clock.coming
    return [] if coming is None or coming.called is not None else [_coming(coming, view, office)]


def _coming(coming: Coming, view: CaseView, office: Office) -> Block:
    return Block(_plan(coming, view, office), label="自动提醒", weight=6)


def _plan(coming: Coming, view: CaseView, office: Office) -> str:
    """Say when whom the house turns to by itself, and why: `11-17 12:00 → 承办单位（提醒签收）`."""
    at = local(coming.at, office)
    if coming.called is not None:
        return f"{at} → {_CALLED[coming.called]}（若仍无人处理）"
    assert coming.step is not None
    step, whom = STEP_NAMES[coming.step], _whom(coming.step, view)
    if coming.colour is not None:
        copied = _COPIED[coming.colour]
        return f"{at} → {whom}{copied and f'，{copied}'}（{COLOUR_NAMES[coming.colour]}）"
    told = {
        Happening.REMIND: f"{whom}（提醒{step}）",
        Happening.OVERDUE: f"{whom}（{step}到期）",
        Happening.BULLETIN: "列入周报通报",
        Happening.GO_ON: "恢复计时",
    }
    return f"{at} → {told[coming.what]}"


def _whom(step: Step, view: CaseView) -> str:
    if step in MOVERS:
        return ROLE_NAMES[MOVERS[step]]
    if step is Step.COPY:
        return "协办单位"
    if step is Step.CONSULT:  # once all have spoken, who asked them must go on
        asked = any(paper.kind is Command.CONVENE and paper.done_at is None for paper in view.papers)
        return "会商单位" if asked else "值班员"
    dispatched = view.slip is not None and view.state not in {State.JUDGING, State.RETURNED, State.WATCHING}
    return "承办单位" if step in _BY_UNIT or (step is Step.RESPOND and dispatched) else "值班员"


def clock_buttons(view: CaseView, moves: Table) -> list[Button]:
    """Offer what is marked and noted of the clocks of a case, as far as its state knows it."""
    clock = view.clock
    instruct = "取消批示件" if clock.instructed else "批示件"
    emergency = "取消突发事件" if clock.emergency else "突发事件"
    open_steps = {limit.step for limit in view.deadlines}
    offered = [(Command.INSTRUCT, order_button(view, Command.INSTRUCT, instruct))]
    if clock.emergency or view.level <= 2:
        offered.append((Command.EMERGENCY, order_button(view, Command.EMERGENCY, emergency)))
    if Step.FIRST_WORD in open_steps:
        offered.append((Command.SPEAK, order_button(view, Command.SPEAK, "已首次发布…")))
    if Step.PRESS in open_steps:
        offered.append((Command.BRIEF, order_button(view, Command.BRIEF, "已开发布会")))
    if clock.paused:
        offered.append((Command.GO_ON, order_button(view, Command.GO_ON, "恢复计时")))
    else:
        offered.append((Command.PAUSE, menu_button(view, PAUSE, "暂停计时…")))
    return [button for command, button in offered if (view.state, command) in moves]


def reports_owed(view: CaseView, moves: Table) -> tuple[tuple[Button, ...], ...]:
    """Offer what is owed within minutes on the card itself: the report by telephone, the first one in writing."""
    open_steps = {limit.step for limit in view.deadlines}
    offered = (
        (Step.PHONE, Command.PHONE, order_button(view, Command.PHONE, "已电话报告…")),
        (Step.REPORT, Command.REPORT, menu_button(view, REPORT, "书面报告…")),
    )
    row = tuple(
        button for step, command, button in offered if step in open_steps and (view.state, command) in moves
    )
    return (row,) if row else ()


def pause_buttons(view: CaseView, office: Office) -> list[Button]:
    """Offer the grounds for which the handling may stand still."""
    return [order_button(view, Command.PAUSE, f"{name}…", arg=key) for key, name in PAUSE_GROUNDS.items()]


def assess_row(view: CaseView) -> tuple[tuple[Button, ...], ...]:
    """Offer the assessment of a closed matter while it is due."""
    if Step.EFFECT not in {limit.step for limit in view.deadlines}:
        return ()
    return ((order_button(view, Command.ASSESS, "登记效果评估…", Tone.GOOD),),)
