"""The procedure as one table: state x command -> next state, who may, where, what is needed, which clocks run.

Pure. `decide` answers an order with a `Move` or a `Refusal`; it writes nothing and reads no clock. The table is the
light default for an office of five (待研判 → 待签收 → 办理中 → 待审核 → 待保密审查 → 待审批 → 待发布 → 已回应 → 已办结).
Four eyes cannot be switched off: who drafted a text neither reviews nor approves it, who reviewed it does not approve it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import urlsplit

from routing.items import Band
from routing.office import Level, Role, Step


class State(StrEnum):
    """Where a case stands; stored as the lower-case word."""

    JUDGING = "judging"
    WATCHING = "watching"
    TO_SIGN = "to_sign"
    RETURNED = "returned"
    HANDLING = "handling"
    IN_REVIEW = "in_review"
    IN_SECRECY = "in_secrecy"
    WITH_SUPERIOR = "with_superior"
    TO_APPROVE = "to_approve"
    TO_RELEASE = "to_release"
    ANSWERED = "answered"
    CLOSED = "closed"
    DISMISSED = "dismissed"
    MERGED = "merged"


STATE_NAMES: Mapping[State, str] = {
    State.JUDGING: "待研判",
    State.WATCHING: "持续关注",
    State.TO_SIGN: "待签收",
    State.RETURNED: "退回待派",
    State.HANDLING: "办理中",
    State.IN_REVIEW: "待审核",
    State.IN_SECRECY: "待保密审查",
    State.WITH_SUPERIOR: "报审中",
    State.TO_APPROVE: "待审批",
    State.TO_RELEASE: "待发布",
    State.ANSWERED: "已回应",
    State.CLOSED: "已办结",
    State.DISMISSED: "不予受理",
    State.MERGED: "已合并",
}

ENDED = frozenset({State.CLOSED, State.DISMISSED, State.MERGED})


class Command(StrEnum):
    """What a person orders. Imperative; events in the ledger carry the same word."""

    DISPATCH = "dispatch"  # 转办
    DISMISS = "dismiss"  # 不予受理
    WATCH = "watch"  # 持续关注
    RESUME = "resume"  # 恢复研判
    SET_LEVEL = "set_level"  # 定级
    SPLIT = "split"  # 拆分
    MERGE = "merge"  # 并入
    RATE = "rate"  # 认定情绪
    CLASSIFY = "classify"  # 认定领域
    SIGN = "sign"  # 签收
    RETURN = "return"  # 退回
    DRAFT = "draft"  # 拟稿
    PASS = "pass"  # noqa: S105 - 初审通过
    REDO = "redo"  # 初审退改
    CLEAR = "clear"  # 保密审查: 公开
    WITHHOLD = "withhold"  # 保密审查: 不公开
    ESCALATE = "escalate"  # 保密审查: 需报审
    APPROVE = "approve"  # 批准
    REFUSE = "refuse"  # 审批退回
    CONFIRM = "confirm"  # 回应确认
    CLOSE = "close"  # 办结
    REOPEN = "reopen"  # 重新办理


COMMAND_NAMES: Mapping[Command, str] = {
    Command.DISPATCH: "转办",
    Command.DISMISS: "不予受理",
    Command.WATCH: "持续关注",
    Command.RESUME: "恢复研判",
    Command.SET_LEVEL: "定级",
    Command.SPLIT: "拆分",
    Command.MERGE: "并入",
    Command.RATE: "认定情绪",
    Command.CLASSIFY: "认定领域",
    Command.SIGN: "签收",
    Command.RETURN: "退回",
    Command.DRAFT: "提交答复稿",
    Command.PASS: "初审通过",
    Command.REDO: "初审退改",
    Command.CLEAR: "保密审查：公开",
    Command.WITHHOLD: "保密审查：不公开",
    Command.ESCALATE: "保密审查：需报审",
    Command.APPROVE: "批准发布",
    Command.REFUSE: "退回修改",
    Command.CONFIRM: "回应确认",
    Command.CLOSE: "办结",
    Command.REOPEN: "重新办理",
}


class Stage(StrEnum):
    """A step of review; one decision a stage and draft version."""

    FIRST = "first"  # 初审
    SECRECY = "secrecy"  # 保密审查
    SUPERIOR = "superior"  # 报审后的结论
    APPROVAL = "approval"  # 审批


class Opinion(StrEnum):
    """What a reviewer said."""

    PASS = "pass"  # noqa: S105
    RETURN = "return"
    PUBLIC = "public"  # 公开
    NOT_PUBLIC = "not_public"  # 不公开
    ESCALATE = "escalate"  # 需报审


class Where(StrEnum):
    """The kind of chat that an order came from, as seen from its case."""

    DUTY = "duty"
    CHANNEL = "channel"
    PRIVATE = "private"
    ELSEWHERE = "elsewhere"


class Need(StrEnum):
    """What an order must carry besides the press."""

    REASON = "reason"
    BASIS = "basis"
    TEXT = "text"
    LINK = "link"
    CHANNEL = "channel"
    LEVEL = "level"
    ITEM = "item"
    MATTER = "matter"
    BAND = "band"
    SUBJECT = "subject"


@dataclass(frozen=True, slots=True)
class Move:
    """One cell of the table. `seals` names the review that the move writes; `other_than` who must not be the actor."""

    to: State
    roles: frozenset[Role]
    where: frozenset[Where]
    needs: frozenset[Need] = frozenset()
    starts: tuple[Step, ...] = ()
    ends: tuple[Step, ...] = ()
    seals: tuple[Stage, Opinion] | None = None
    other_than: frozenset[str] = frozenset()  # drafter | first | secrecy | superior


@dataclass(frozen=True, slots=True)
class Actor:
    """A person with rights, resolved from a chat account. `channels`: those he is the contact of.

    `stands_for`: names of those whose rights he has beside his own (顶岗); four eyes count him as the one person he is.
    """

    person_id: int
    name: str
    roles: frozenset[Role] = frozenset()
    channels: frozenset[str] = frozenset()
    stands_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What a decision must know of a case; read in the deciding transaction. People by person id."""

    id: int
    number: str
    state: State
    level: Level
    channel: str
    version: int
    draft_version: int = 0
    drafter_id: int | None = None
    first_id: int | None = None
    secrecy_id: int | None = None
    superior_id: int | None = None  # who entered the superior's answer (报审)
    assigned: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """A command with all that came with it. `version` and `draft_version` are those that the person was shown.

    `item_id`: the text of the case that is meant, `into`: the case to merge into; 0 for none.
    """

    command: Command
    actor: Actor
    where: Where
    version: int
    draft_version: int = 0
    reason: str = ""
    basis: str = ""
    text: str = ""
    link: str = ""
    channel: str = ""
    level: Level | None = None
    item_id: int = 0
    into: int = 0
    band: Band | None = None
    subject: str = ""


class Ground(StrEnum):
    """Why an order was refused; stored in the ledger."""

    ROLE = "role"
    PLACE = "place"
    STALE = "stale"
    STATE = "state"
    FOUR_EYES = "four_eyes"
    MISSING = "missing"
    ASSIGNED = "assigned"
    GONE = "gone"  # the text or the case that was pressed for is there no more


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused order: the ground, and the sentence for the person (Chinese, at most 150 characters)."""

    ground: Ground
    text: str


_DUTY = frozenset({Role.DUTY, Role.OFFICE})
_ASSIGNER = frozenset({Role.OFFICE, Role.DUTY})
_CONTACT = frozenset({Role.CONTACT})
_REVIEWER = frozenset({Role.REVIEWER})
_SECRECY = frozenset({Role.SECRECY})
_LEADER = frozenset({Role.LEADER})
_IN_DUTY = frozenset({Where.DUTY})
_IN_CHANNEL = frozenset({Where.CHANNEL, Where.PRIVATE})
_IN_PRIVATE = frozenset({Where.PRIVATE})
_BEFORE_RELEASE = (Step.REVIEW, Step.SECRECY, Step.APPROVE, Step.RELEASE)

_dispatch = Move(
    State.TO_SIGN, _ASSIGNER, _IN_DUTY, frozenset({Need.CHANNEL}), starts=(Step.SIGN,), ends=(Step.DISPATCH,)
)
_redirect = Move(
    State.TO_SIGN, _ASSIGNER, _IN_DUTY, frozenset({Need.CHANNEL}), starts=(Step.SIGN,), ends=(Step.SIGN,)
)
_dismiss = Move(
    State.DISMISSED, _DUTY, _IN_DUTY, frozenset({Need.REASON}), ends=(Step.DISPATCH, Step.SIGN, Step.RESPOND)
)
_merge = Move(
    State.MERGED, _DUTY, _IN_DUTY, frozenset({Need.MATTER}), ends=(Step.DISPATCH, Step.RELOOK, Step.RESPOND)
)
_draft = Move(
    State.IN_REVIEW,
    _CONTACT,
    _IN_CHANNEL,
    frozenset({Need.TEXT}),
    starts=(Step.REVIEW,),
    ends=(Step.DRAFT, *_BEFORE_RELEASE),
)
_clear = Move(
    State.TO_APPROVE,
    _SECRECY,
    _IN_PRIVATE,
    frozenset({Need.BASIS, Need.REASON}),
    starts=(Step.APPROVE,),
    ends=(Step.SECRECY,),
    seals=(Stage.SECRECY, Opinion.PUBLIC),
    other_than=frozenset({"drafter"}),
)
_withhold = Move(
    State.HANDLING,
    _SECRECY,
    _IN_PRIVATE,
    frozenset({Need.BASIS, Need.REASON}),
    starts=(Step.DRAFT,),
    ends=(Step.SECRECY,),
    seals=(Stage.SECRECY, Opinion.NOT_PUBLIC),
    other_than=frozenset({"drafter"}),
)

CORRECTIONS: Mapping[Command, Need] = {
    Command.SET_LEVEL: Need.LEVEL,
    Command.SPLIT: Need.ITEM,
    Command.RATE: Need.BAND,
    Command.CLASSIFY: Need.SUBJECT,
}
"""What those who judge may put right until the answer is out, whoever has the matter; the state stays."""

TABLE: Mapping[tuple[State, Command], Move] = {
    (State.JUDGING, Command.DISPATCH): _dispatch,
    (State.JUDGING, Command.DISMISS): _dismiss,
    (State.JUDGING, Command.MERGE): _merge,
    (State.JUDGING, Command.WATCH): Move(
        State.WATCHING, _DUTY, _IN_DUTY, starts=(Step.RELOOK,), ends=(Step.DISPATCH,)
    ),
    (State.WATCHING, Command.RESUME): Move(
        State.JUDGING, _DUTY, _IN_DUTY, starts=(Step.DISPATCH,), ends=(Step.RELOOK,)
    ),
    (State.WATCHING, Command.DISPATCH): Move(
        State.TO_SIGN,
        _ASSIGNER,
        _IN_DUTY,
        frozenset({Need.CHANNEL}),
        starts=(Step.SIGN,),
        ends=(Step.RELOOK,),
    ),
    (State.WATCHING, Command.DISMISS): Move(
        State.DISMISSED, _DUTY, _IN_DUTY, frozenset({Need.REASON}), ends=(Step.RELOOK, Step.RESPOND)
    ),
    (State.WATCHING, Command.MERGE): _merge,
    (State.TO_SIGN, Command.DISPATCH): _redirect,
    (State.TO_SIGN, Command.SIGN): Move(
        State.HANDLING, _CONTACT, _IN_CHANNEL, starts=(Step.DRAFT, Step.CLOSE), ends=(Step.SIGN,)
    ),
    (State.TO_SIGN, Command.RETURN): Move(
        State.RETURNED,
        _CONTACT,
        _IN_CHANNEL,
        frozenset({Need.REASON}),
        starts=(Step.DISPATCH,),
        ends=(Step.SIGN,),
    ),
    (State.RETURNED, Command.DISPATCH): _dispatch,
    (State.RETURNED, Command.DISMISS): _dismiss,
    (State.HANDLING, Command.DISPATCH): replace(_redirect, ends=(Step.DRAFT, Step.CLOSE)),
    (State.HANDLING, Command.DRAFT): _draft,
    (State.IN_REVIEW, Command.DRAFT): _draft,
    (State.IN_SECRECY, Command.DRAFT): _draft,
    (State.WITH_SUPERIOR, Command.DRAFT): _draft,
    (State.TO_APPROVE, Command.DRAFT): _draft,
    (State.TO_RELEASE, Command.DRAFT): _draft,
    (State.IN_REVIEW, Command.PASS): Move(
        State.IN_SECRECY,
        _REVIEWER,
        _IN_PRIVATE,
        starts=(Step.SECRECY,),
        ends=(Step.REVIEW,),
        seals=(Stage.FIRST, Opinion.PASS),
        other_than=frozenset({"drafter"}),
    ),
    (State.IN_REVIEW, Command.REDO): Move(
        State.HANDLING,
        _REVIEWER,
        _IN_PRIVATE,
        frozenset({Need.REASON}),
        starts=(Step.DRAFT,),
        ends=(Step.REVIEW,),
        seals=(Stage.FIRST, Opinion.RETURN),
        other_than=frozenset({"drafter"}),
    ),
    (State.IN_SECRECY, Command.CLEAR): _clear,
    (State.IN_SECRECY, Command.WITHHOLD): _withhold,
    (State.IN_SECRECY, Command.ESCALATE): Move(
        State.WITH_SUPERIOR,
        _SECRECY,
        _IN_PRIVATE,
        frozenset({Need.BASIS, Need.REASON}),
        seals=(Stage.SECRECY, Opinion.ESCALATE),
        other_than=frozenset({"drafter"}),
    ),
    (State.WITH_SUPERIOR, Command.CLEAR): replace(_clear, seals=(Stage.SUPERIOR, Opinion.PUBLIC)),
    (State.WITH_SUPERIOR, Command.WITHHOLD): replace(_withhold, seals=(Stage.SUPERIOR, Opinion.NOT_PUBLIC)),
    (State.TO_APPROVE, Command.APPROVE): Move(
        State.TO_RELEASE,
        _LEADER,
        _IN_PRIVATE,
        starts=(Step.RELEASE,),
        ends=(Step.APPROVE,),
        seals=(Stage.APPROVAL, Opinion.PASS),
        other_than=frozenset({"drafter", "first", "secrecy", "superior"}),
    ),
    (State.TO_APPROVE, Command.REFUSE): Move(
        State.HANDLING,
        _LEADER,
        _IN_PRIVATE,
        frozenset({Need.REASON}),
        starts=(Step.DRAFT,),
        ends=(Step.APPROVE,),
        seals=(Stage.APPROVAL, Opinion.RETURN),
        other_than=frozenset({"drafter", "first", "secrecy", "superior"}),
    ),
    (State.TO_RELEASE, Command.CONFIRM): Move(
        State.ANSWERED,
        _CONTACT,
        _IN_CHANNEL,
        frozenset({Need.LINK}),
        ends=(Step.RELEASE, Step.RESPOND),
    ),
    # In the light default the office closes a case as soon as the answer is confirmed; see AFTERWARDS.
    (State.ANSWERED, Command.CLOSE): Move(State.CLOSED, _ASSIGNER, _IN_DUTY, ends=(Step.CLOSE,)),
    (State.CLOSED, Command.REOPEN): Move(
        State.HANDLING,
        _LEADER,
        _IN_PRIVATE,
        frozenset({Need.REASON}),
        starts=(Step.RESPOND, Step.DRAFT, Step.CLOSE),
    ),
    (State.DISMISSED, Command.REOPEN): Move(
        State.JUDGING,
        _LEADER | _ASSIGNER,
        _IN_DUTY | _IN_PRIVATE,
        frozenset({Need.REASON}),
        starts=(Step.RESPOND, Step.DISPATCH),
    ),
    **{
        (state, command): Move(state, _DUTY, _IN_DUTY, frozenset({need}))
        for state in State
        if state not in ENDED and state is not State.ANSWERED
        for command, need in CORRECTIONS.items()
    },
}

AFTERWARDS: Mapping[State, Command] = {State.ANSWERED: Command.CLOSE}
"""What the house does by itself once a state is reached, in the same transaction, as a ledger line of its own."""

_NEEDED: Mapping[Need, tuple[str, str]] = {
    Need.REASON: ("reason", "请写明理由"),
    Need.BASIS: ("basis", "请写明依据"),
    Need.TEXT: ("text", "答复稿不能为空"),
    Need.LINK: ("link", "请回复公众能打开的发布链接，以 http:// 或 https:// 开头"),
    Need.CHANNEL: ("channel", "请选择承办渠道"),
    Need.LEVEL: ("level", "请选择等级"),
    Need.ITEM: ("item_id", "请选择要拆出的信息"),
    Need.MATTER: ("into", "请选择并入哪个事项"),
    Need.BAND: ("band", "请选择是不是负面"),
    Need.SUBJECT: ("subject", "请选择领域"),
}
_PLACES: Mapping[Where, str] = {
    Where.DUTY: "值班群",
    Where.CHANNEL: "承办群",
    Where.PRIVATE: "与机器人的私聊",
}
_EYES = {
    "drafter": "您是本稿拟稿人，不能审核或批准自己的稿件",
    "first": "您已初审本稿，不能再批准",
    "secrecy": "您已做保密审查，不能再批准",
    "superior": "您已登记报审结论，不能再批准",
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
    }
)


def decide(case: CaseFacts, order: Order) -> Move | Refusal:
    """Answer one order against the facts of its case.

    The order of the checks is what the person should learn first: that the matter moved on, then that the act is
    not his, then what is missing.
    """
    move = TABLE.get((case.state, order.command))
    known = [m for (_, command), m in TABLE.items() if command is order.command]
    if not any(order.actor.roles & m.roles for m in known):
        return Refusal(Ground.ROLE, f"您没有“{COMMAND_NAMES[order.command]}”的权限，此操作未生效。")
    if order.command in REVIEWING and order.draft_version != case.draft_version:
        return Refusal(
            Ground.STALE,
            f"{case.number} 的答复稿已更新为第{case.draft_version}稿，您看到的第{order.draft_version}稿作废，请看新稿。",
        )
    if move is None:
        return _not_now(case, order)
    if order.version != case.version and order.command is not Command.DRAFT:
        return Refusal(
            Ground.STALE, f"{case.number} 刚有变化（{STATE_NAMES[case.state]}），请看最新卡片后再操作。"
        )
    return _may(case, order, move) or _complete(order, move) or move


def _not_now(case: CaseFacts, order: Order) -> Refusal:
    state = f"{case.number} 现在是“{STATE_NAMES[case.state]}”"
    if order.command is Command.MERGE and case.state not in ENDED:
        return Refusal(Ground.STATE, f"{state}，已经转办，不能再并入别的事项；可把别的事项并入它。")
    return Refusal(Ground.STATE, f"{state}，此操作已不适用。")


def _may(case: CaseFacts, order: Order, move: Move) -> Refusal | None:
    if not order.actor.roles & move.roles:
        return Refusal(Ground.ROLE, f"您没有“{COMMAND_NAMES[order.command]}”的权限，此操作未生效。")
    if move.roles == _CONTACT and case.channel not in order.actor.channels:
        return Refusal(Ground.ROLE, "本事项不由您所在的单位承办，此操作未生效。")
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
    }
    for act, person_id in acts.items():
        if act in move.other_than and person_id == order.actor.person_id:
            return Refusal(Ground.FOUR_EYES, f"{_EYES[act]}（四眼原则）。")
    return None


def _complete(order: Order, move: Move) -> Refusal | None:
    for need in Need:
        attribute, text = _NEEDED[need]
        if need in move.needs and not getattr(order, attribute):
            return Refusal(Ground.MISSING, f"{text}。")
    if Need.LINK in move.needs and not is_public_link(order.link):
        return Refusal(Ground.MISSING, f"{_NEEDED[Need.LINK][1]}。")
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


def commands_in(state: State) -> tuple[Command, ...]:
    """List the commands that a state knows, in the order of `Command`; for buttons and for the help texts."""
    return tuple(command for command in Command if (state, command) in TABLE)
