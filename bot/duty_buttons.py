"""What the duty card offers: the next step first, then what may be put right. Pure; follows the table of the procedure."""

from dataclasses import replace

from bot.chat import Button, Tone
from bot.clocks import assess_row, reports_owed
from bot.doubts import doubted_buttons
from bot.wishes import PAGE_MARK, menu_button, order_button, unit_arg
from routing.deciding import TRIES
from routing.office import Office
from routing.procedure import Table, table
from routing.views import CaseView
from routing.workflow import ENDED, Command, State

Rows = tuple[tuple[Button, ...], ...]


def duty_buttons(view: CaseView, office: Office) -> Rows:
    """Give the buttons that the state of a case offers to the duty officer."""
    moves = table(office.procedure, view.level)
    owed = reports_owed(view, moves)
    if view.state in {State.JUDGING, State.RETURNED, State.WATCHING}:
        rest = (menu_button(view, "judge", "研判…"), menu_button(view, "correct", "纠正…"))
        asked = (*_join(view), *doubted_buttons(view))
        return (_onwards(view, office, moves), *owed, *asked, _judging(view, moves), rest)
    if view.state in ENDED and view.state not in _STEPS:
        return assess_row(view)
    steps = _STEPS[view.state](view) if view.state in _STEPS else ()
    return (*_only_known(view, moves, steps), *owed, *doubted_buttons(view), *_sides(view, moves))


def _onwards(view: CaseView, office: Office, moves: Table) -> tuple[Button, ...]:
    """Offer the proposed channel, and the others; where a leader must agree first, to be submitted to him."""
    command, word = Command.DISPATCH, "转办"
    if (view.state, Command.SUBMIT) in moves:
        command, word = Command.SUBMIT, "报批转办"
    channel = office.channels.get(view.channel)
    # After a return the unit that sent it back is not the one to propose.
    if channel is None or view.state is State.RETURNED:
        others = menu_button(view, "channel", f"{word}…")
        return (
            (others, menu_button(view, "assign", "指定承办…")) if view.state is State.RETURNED else (others,)
        )
    if must_consult(view, office):
        return (replace(menu_button(view, "consult", "会商…"), tone=Tone.GOOD),)
    competent = view.competent.get(view.channel)
    if competent is not None:
        proposed = order_button(
            view, command, f"{word} {competent.unit}", Tone.GOOD, unit_arg(view.channel, competent.unit)
        )
        place = list(office.channels).index(view.channel)
        others = menu_button(view, f"units{PAGE_MARK}{place}", "其他单位…")
        return (proposed, others, menu_button(view, "channel", "其他渠道…"))
    proposed = order_button(view, command, f"{word} {channel.name}", Tone.GOOD, view.channel)
    return (proposed, menu_button(view, "channel", "其他渠道…"))


def must_consult(view: CaseView, office: Office) -> bool:
    """Tell whether a consultation comes before anything else that leads on."""
    concluded = any(paper.kind is Command.CONCLUDE for paper in view.papers)
    return view.level in office.procedure.consult and not concluded


def _judging(view: CaseView, moves: Table) -> tuple[Button, ...]:
    row = [menu_button(view, "level", "定级…")]
    if view.state is State.JUDGING:
        row.append(menu_button(view, "watch", "关注…"))
    row.append(menu_button(view, "dismiss", "不予受理…"))
    if view.state is State.WATCHING:
        row.append(order_button(view, Command.RESUME, "恢复研判"))
    return tuple(row)


def _join(view: CaseView) -> Rows:
    if view.suggestion is None:
        return ()
    return ((menu_button(view, "join", f"并入 {view.suggestion.other.number}…"),),)


def _sides(view: CaseView, moves: Table) -> Rows:
    if view.state in {State.ANSWERED, State.CALLING_BACK, State.TRANSFERRED, State.CLOSED, State.DISMISSED}:
        return ()
    # Every thing has one door: what stands here is not offered again behind 纠正.
    away = (menu_button(view, "channel", "改派…"),) if (view.state, Command.DISPATCH) in moves else ()
    return (
        (
            *away,
            menu_button(view, "level", "定级…"),
            menu_button(view, "judge", "研判…"),
            menu_button(view, "correct", "纠正…"),
        ),
    )


def _only_known(view: CaseView, moves: Table, rows: tuple[tuple[tuple[Command, Button], ...], ...]) -> Rows:
    known = [tuple(button for command, button in row if (view.state, command) in moves) for row in rows]
    return tuple(row for row in known if row)


def _verify(view: CaseView) -> tuple[tuple[tuple[Command, Button], ...], ...]:
    return (
        (
            (Command.VERIFY, order_button(view, Command.VERIFY, "核实属实", Tone.GOOD)),
            (Command.DISMISS, menu_button(view, "dismiss", "不予受理…")),
        ),
    )


def _consult(view: CaseView) -> tuple[tuple[tuple[Command, Button], ...], ...]:
    return (((Command.CONCLUDE, order_button(view, Command.CONCLUDE, "会商结论…", Tone.GOOD)),),)


def _to_order(view: CaseView) -> tuple[tuple[tuple[Command, Button], ...], ...]:
    return (((Command.ORAL, order_button(view, Command.ORAL, "登记口头指示…")),),)


def _transferred(view: CaseView) -> tuple[tuple[tuple[Command, Button], ...], ...]:
    return (
        (
            (Command.CLOSE, order_button(view, Command.CLOSE, "对方已受理，办结", Tone.GOOD)),
            (Command.TAKE_BACK, order_button(view, Command.TAKE_BACK, "对方退回…", Tone.DANGER)),
        ),
    )


def _extending(view: CaseView) -> tuple[tuple[tuple[Command, Button], ...], ...]:
    return (
        (
            (Command.GRANT, order_button(view, Command.GRANT, "同意延期", Tone.GOOD)),
            (Command.DENY, order_button(view, Command.DENY, "不同意…", Tone.DANGER)),
        ),
    )


def _recheck(view: CaseView) -> tuple[tuple[tuple[Command, Button], ...], ...]:
    return (
        (
            (Command.RECHECK, order_button(view, Command.RECHECK, "复查无误", Tone.GOOD)),
            (Command.RECALL, order_button(view, Command.RECALL, "复查有误…", Tone.DANGER)),
        ),
    )


def _call_back(view: CaseView) -> tuple[tuple[tuple[Command, Button], ...], ...]:
    tries = sum(
        paper.kind is Command.UNREACHED and paper.draft_version == view.draft_version for paper in view.papers
    )
    silent = f"未接通（已 {tries} 次）" if tries else f"未接通（{TRIES} 次后可办结）"
    return (
        (
            (Command.CONTENT, order_button(view, Command.CONTENT, "满意", Tone.GOOD, "good")),
            (Command.CONTENT, order_button(view, Command.CONTENT, "基本满意", Tone.GOOD, "fair")),
        ),
        (
            (Command.DISCONTENT, order_button(view, Command.DISCONTENT, "不满意…", Tone.DANGER)),
            (Command.UNREACHED, order_button(view, Command.UNREACHED, silent)),
            *(((Command.CLOSE, order_button(view, Command.CLOSE, "办结")),) if tries >= TRIES else ()),
        ),
    )


def _dismissed(view: CaseView) -> tuple[tuple[tuple[Command, Button], ...], ...]:
    return (((Command.REOPEN, order_button(view, Command.REOPEN, "重新研判…")),),)


_STEPS = {
    State.UNVERIFIED: _verify,
    State.CONSULTING: _consult,
    State.TO_ORDER: _to_order,
    State.TRANSFERRED: _transferred,
    State.EXTENDING: _extending,
    State.ANSWERED: _recheck,
    State.CALLING_BACK: _call_back,
    State.DISMISSED: _dismissed,
}
