"""An order and the facts of its case -> the move that it makes, or why it is refused. Pure; writes nothing, reads no clock."""

from collections.abc import Callable, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from routing.office import Procedure, Role
from routing.procedure import EVERY, LIGHT, renewed, table
from routing.workflow import (
    COMMAND_NAMES,
    ENDED,
    STATE_NAMES,
    Aspect,
    CaseFacts,
    Command,
    Ground,
    Move,
    Need,
    Openness,
    Order,
    Refusal,
    State,
    Where,
    Whose,
)

_NEEDED: Mapping[Need, tuple[str, str]] = {
    Need.REASON: ("reason", "请写明理由"),
    Need.BASIS: ("basis", "请写明依据"),
    Need.TEXT: ("text", "文字不能为空"),
    Need.LINK: ("link", "请回复公众能打开的发布链接，以 http:// 或 https:// 开头"),
    Need.CHANNEL: ("channel", "请选择承办渠道"),
    Need.LEVEL: ("level", "请选择等级"),
    Need.ITEM: ("item_id", "请选择要拆出的信息"),
    Need.MATTER: ("into", "请选择并入哪个事项"),
    Need.BAND: ("band", "请选择情绪是不是消极"),
    Need.SUBJECT: ("subject", "请选择领域"),
    Need.UNITS: ("units", "请选择参加会商的单位"),
    Need.TARGET: ("target", "请选择移送到哪里"),
    Need.DAYS: ("days", "请选择延长几个工作日"),
    Need.STANCE: ("stance", "请选择意见"),
    Need.ANSWER_KIND: ("answer_kind", "请选择回应类型"),
}
_PLACES: Mapping[Where, str] = {
    Where.DUTY: "值班群",
    Where.CHANNEL: "承办群",
    Where.PRIVATE: "与机器人的私聊",
}
_EYES: Mapping[str, str] = {
    "drafter": "您是本稿拟稿人，不能审核、批准或核查自己的稿件",
    "first": "您已初审本稿，不能再审或批准",
    "secrecy": "您已做保密审查，不能再审或批准",
    "superior": "您已登记报审结论，不能再审或批准",
    "second": "您已二审本稿，不能再批准",
    "approval": "您已审批本稿，不能再批一次",
    "releaser": "本稿由您确认发布，不能再由您核查",
}
REVIEWING = frozenset(
    {
        Command.PASS,
        Command.REDO,
        Command.CLEAR,
        Command.WITHHOLD,
        Command.ESCALATE,
        Command.APPROVE,
        Command.REFUSE,
        Command.PASS_UP,
        Command.COUNTERSIGN,
    }
)
"""What is said of one version of a draft: it binds to the version that was shown."""

_UNBOUND = frozenset(
    {Command.DRAFT, Command.OPINE, Command.CONCLUDE, Command.SIGN_COPY, Command.COUNTERSIGN, Command.REPORT}
)
"""What is right whatever else has moved: a new draft, and what several units say of one matter side by side."""

_TWICE = frozenset({Command.APPROVE})
TRIES = 2
"""So many calls that reach nobody end a call-back (回访); project default."""


def decide(case: CaseFacts, order: Order, procedure: Procedure = LIGHT) -> Move | Refusal:
    """Answer one order against the facts of its case.

    The order of the checks is what the person should learn first: that the matter moved on, then that the act is
    not his, then what is missing.
    """
    moves = table(procedure, case.level)
    move = moves.get((case.state, order.command))
    # A command that this level does not know is judged by who might give it elsewhere: a stranger learns no state.
    known = [m for cells in (moves, EVERY) for (_, command), m in cells.items() if command is order.command]
    if known and not any(order.actor.roles & m.roles for m in known):
        return _no_right(order)
    if order.command in REVIEWING and order.draft_version != case.draft_version:
        new, seen = f"第{case.draft_version}稿", f"第{order.draft_version}稿"
        # A new draft begins at the first review: who comes later has none to look at yet.
        where = "请看新稿" if move else f"新稿现在是“{STATE_NAMES[case.state]}”"
        return Refusal(Ground.STALE, f"{case.number} 的答复稿已更新为{new}，您看到的{seen}作废，{where}。")
    if move is None:
        return _not_now(case, order)
    if order.version != case.version and order.command not in _UNBOUND:
        return Refusal(
            Ground.STALE, f"{case.number} 刚有变化（{STATE_NAMES[case.state]}），请看最新卡片后再操作。"
        )
    return (
        _may(case, order, move)
        or _complete(case, order, move)
        or _first(case, order, move, procedure)
        or _leading(case, order, move, procedure)
    )


def _leading(case: CaseFacts, order: Order, move: Move, procedure: Procedure) -> Move:
    """Give a move as its order has it lead on: a level that is set after the approval may ask for another approval."""
    if order.command is not Command.SET_LEVEL or order.level is None:
        return move
    if case.state is not State.TO_RELEASE or case.chief_id is not None:
        return move
    return renewed(move, procedure, order.level)


def _no_right(order: Order) -> Refusal:
    return Refusal(
        Ground.ROLE, f"您没有“{COMMAND_NAMES[order.command]}”的权限，此操作未生效。您能做什么见 /help。"
    )


def _not_now(case: CaseFacts, order: Order) -> Refusal:
    state = f"{case.number} 现在是“{STATE_NAMES[case.state]}”"
    if order.command is Command.MERGE and case.state not in ENDED:
        return Refusal(Ground.STATE, f"{state}，已经转办，不能再并入别的事项；可把别的事项并入它。")
    if order.command is Command.DISPATCH and case.state in {State.JUDGING, State.WATCHING}:
        return Refusal(Ground.STATE, f"{case.number} 这一级须先报领导批准再转办，请点“报批转办”。")
    return Refusal(Ground.STATE, f"{state}，此操作已不适用。")


def _may(case: CaseFacts, order: Order, move: Move) -> Refusal | None:
    if not order.actor.roles & move.roles:
        return _no_right(order)
    if Role.CONTACT in move.roles and not order.actor.roles & (move.roles - {Role.CONTACT}):
        whose, said = _WHOSE[move.whose]
        if not order.actor.channels & whose(case):
            return Refusal(Ground.ROLE, said)
    if order.where not in move.where:
        places = "或".join(_PLACES[where] for where in Where if where in move.where)
        return Refusal(Ground.PLACE, f"请在{places}里操作。")
    if order.command is Command.RETURN and case.assigned:
        return Refusal(Ground.ASSIGNED, "本事项已两次退回、由政府办指定承办，不能再退回。")
    acts = {
        "drafter": case.drafter_id,
        "first": case.first_id,
        "secrecy": case.secrecy_id,
        "superior": case.superior_id,
        "second": case.second_id,
        "approval": case.approval_id,
        "releaser": case.releaser_id,
    }
    for act, person_id in acts.items():
        if act in move.other_than and person_id == order.actor.person_id:
            return Refusal(Ground.FOUR_EYES, f"{_EYES[act]}（四眼原则）。")
    return None


_WHOSE: Mapping[Whose, tuple[Callable[[CaseFacts], frozenset[str]], str]] = {
    Whose.LEAD: (lambda case: frozenset({case.channel}), "本事项不由您所在的单位承办，此操作未生效。"),
    Whose.COPIED: (lambda case: case.unsigned, "本事项没有抄送您所在的单位，或已由您单位签收。"),
    Whose.ASKED: (lambda case: case.asked, "本次会商没有请您所在的单位，或您单位已发表意见。"),
    Whose.NAMED: (lambda case: case.named, "本稿没有提到您所在的单位，或您单位已确认。"),
}


def _complete(case: CaseFacts, order: Order, move: Move) -> Refusal | None:
    needs = move.needs
    if Need.LINK in needs and case.withheld:  # what is not for the public has no public link
        if not order.text:
            return Refusal(Ground.MISSING, "本稿不向社会公开：请写明何时、怎样答复了当事人。")
        needs -= {Need.LINK}
    for need in Need:
        attribute, text = _NEEDED[need]
        if need in needs and not getattr(order, attribute):
            return Refusal(Ground.MISSING, f"{text}。")
    if Need.LINK in needs and not is_public_link(order.link):
        return Refusal(Ground.MISSING, f"{_NEEDED[Need.LINK][1]}。")
    return None


_TO_CONSULT: Mapping[State, str] = {
    State.JUDGING: "请点“研判…”里的“会商…”选择参加单位",
    State.WATCHING: "请先点“恢复研判”，再点“会商…”选择参加单位",
}


def _first(case: CaseFacts, order: Order, move: Move, procedure: Procedure) -> Refusal | None:
    """Tell what must come before a move that is allowed and complete."""
    onwards = order.command in {Command.DISPATCH, Command.SUBMIT} and case.state in _TO_CONSULT
    if onwards and case.level in procedure.consult and not case.consulted:
        return Refusal(Ground.CONSULT, f"{case.number} 这一级须先会商，{_TO_CONSULT[case.state]}。")
    if order.command is Command.PASS and case.state is State.IN_REVIEW and procedure.aspects:
        left = [aspect for aspect in Aspect if aspect not in order.aspects]
        if left:
            return Refusal(Ground.ASPECTS, "请把六个方面逐项核对打勾后再点“初审通过”。")
    if order.command is Command.DRAFT and procedure.openness and order.openness is None:
        return Refusal(
            Ground.OPENNESS, "未选公开属性，稿件没有保存。请点卡片上的“拟答复稿…”，先选公开属性再提交。"
        )
    if order.command is Command.DRAFT and order.openness is Openness.CLOSED and not order.reason:
        return Refusal(
            Ground.OPENNESS, "不予公开须写明理由，稿件没有保存。第一行写“理由：……”，下面写答复全文。"
        )
    if order.command in _TWICE and case.level in procedure.confirm_twice and not order.confirmed:
        return Refusal(Ground.AGAIN, "这一级须再次确认：请看清全文后再点一次。")
    if order.command is Command.CONFIRM and procedure.countersign and case.named:
        return Refusal(Ground.NAMED, "稿中提到的单位还没有全部确认，确认后才能发布。")
    if order.command is Command.EXTEND and case.extended:
        return Refusal(Ground.LIMIT, "本事项已延期过一次，不能再延。")
    if order.command is Command.CLOSE and case.state is State.CALLING_BACK and case.unreached < TRIES:
        return Refusal(Ground.LIMIT, f"回访至少联系 {TRIES} 次未接通，才能直接办结。")
    return None


def is_public_link(link: str) -> bool:
    """Tell whether a link can be one under which the public reads an answer: http(s), a real host, no inner address."""
    try:
        parts = urlsplit(link)
        host = parts.hostname or ""
    except ValueError:
        return False
    try:
        return parts.scheme in {"http", "https"} and ip_address(host).is_global
    except ValueError:
        return parts.scheme in {"http", "https"} and "." in host.strip(".")


def may_take_in(case: CaseFacts, target: CaseFacts | None) -> Refusal | None:
    """Tell whether `case` may be merged into `target`: another case that is not over; None where it may."""
    if target is None or target.id == case.id:
        return Refusal(Ground.GONE, "没有这个事项，不能并入。请重新选择。")
    if target.state in ENDED:
        return Refusal(
            Ground.GONE, f"{target.number} 现在是“{STATE_NAMES[target.state]}”，不能并入。请重新选择。"
        )
    return None
