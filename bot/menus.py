"""What opens behind a `…` button of the duty card: choices, and the way back. Pure.

The menu 纠正 offers what the state of a matter allows by the table of the procedure; texts and matters come in pages.
"""

from collections.abc import Sequence

from bot.chat import Block, Button, Form, Tone
from bot.clocks import PAUSE, REPORT, clock_buttons, pause_buttons
from bot.duty_buttons import duty_buttons
from bot.matter import excerpt
from bot.names import LEVEL_MARKS, LEVEL_NAMES, level_tag, local
from bot.steps import REPORTS, STANCES
from bot.wishes import (
    CARDS,
    PAGE_MARK,
    UNIT_MARK,
    mark_of,
    menu_button,
    menu_on,
    order_button,
    unit_arg,
)
from routing.choices import Page
from routing.items import Band
from routing.office import Level, Office, Step
from routing.procedure import table
from routing.reasons import OwnReason
from routing.starter import SUBJECTS
from routing.views import CaseView
from routing.workflow import ANSWER_KIND_NAMES, ASPECT_NAMES, STATE_NAMES, TARGETS, Command, Openness, State

Rows = tuple[tuple[Button, ...], ...]

NEGATIVE, NOT_NEGATIVE = "n", "p"
"""Before the id of a text in the argument of a button: what is said of its tone."""

ASSIGN, JUDGE, KIND, TRANSFER, CONSULT, WATCH, EXTEND, OPINE, OPENNESS, ASPECTS, TWICE = (
    "assign",
    "judge",
    "kind",
    "transfer",
    "consult",
    "watch",
    "extend",
    "opine",
    "openness",
    "aspects",
    "twice",
)
CHANNEL, LEVEL, DISMISS, CORRECT, SPLIT, MERGE, JOIN, SUBJECT, MUTE, BACK = (
    "channel",
    "level",
    "dismiss",
    "correct",
    "split",
    "merge",
    "join",
    "subject",
    "mute",
    "back",
)
UNITS, ASSIGN_UNITS = "units", "assignunits"
"""The units of one channel, whose place among the channels of the office is the page."""
ASSIGNED = "!"
"""Behind the key of a channel in the argument of a button: the office assigns, and it cannot be returned."""

REFUSE = "refuse"
"""Sends a draft back; stands on the cards of the leader and of the chief, so that it says on which."""

LABEL_LETTERS = 22
WATCH_HOURS = {"12": "12 小时后看", "24": "明天看", "72": "3 天后看", "168": "7 天后看"}
"""When a watched matter is looked at again, in hours, where not by the limit of its level; project default."""
AREAS_AT_ONCE = 12
EXTENSIONS = (3, 5, 10)
"""Working days that may be asked for; at most ten (广安市批示件办理)."""
ASK, YES = "ask", "yes"
"""What the button of a reason of one's own carries, and the second press of a grave approval."""


def menu_buttons(view: CaseView, office: Office, menu: str) -> Rows:
    """Give the choices of a menu that needs no more than the case, two a row; any other name leads back to the card."""
    if menu == CHANNEL:
        choices = _channels(view, office)
    elif menu == LEVEL:
        choices = [
            order_button(view, Command.SET_LEVEL, f"{LEVEL_MARKS[lv]} {LEVEL_NAMES[lv]}", arg=str(int(lv)))
            for lv in Level
        ]
    elif menu == DISMISS:
        choices = [
            order_button(view, Command.DISMISS, reason, Tone.DANGER, mark_of(reason))
            for reason in office.dismiss_reasons
        ]
        choices.append(order_button(view, Command.DISMISS, "其他理由（回复文字）", Tone.DANGER, ASK))
    elif menu in _STEP_MENUS:
        choices = _STEP_MENUS[menu](view, office)
    elif menu == CORRECT:
        return (*_pairs(_corrections(view, office)), *_tones(view), _back(view))
    else:
        return duty_buttons(view, office)
    return (*_pairs(choices), _back(view, _CARD_OF.get(menu, CARDS[0])))


def _judge(view: CaseView, office: Office) -> list[Button]:
    """Offer what is said of a matter in 研判, as far as its state and the office know it."""
    moves = table(office.procedure, view.level)
    open_steps = {limit.step for limit in view.deadlines}
    owed = Step.RESPOND in open_steps
    offered = (
        *(() if view.must_answer else ((Command.OBLIGE, order_button(view, Command.OBLIGE, "必须回应")),)),
        *(((Command.EXCUSE, order_button(view, Command.EXCUSE, "不必回应…")),) if owed else ()),
        (Command.SET_ANSWER_KIND, menu_button(view, KIND, "回应类型…")),
        (Command.CONVENE, menu_button(view, CONSULT, "会商…")),
        (Command.TRANSFER, menu_button(view, TRANSFER, "移送…")),
        # Where the first report is owed, its door stands on the card.
        *(() if Step.REPORT in open_steps else ((Command.REPORT, menu_button(view, REPORT, "报告…")),)),
    )
    judged = [button for command, button in offered if (view.state, command) in moves]
    return [*judged, *clock_buttons(view, moves)]


def _assign(view: CaseView, office: Office) -> list[Button]:
    return [
        menu_button(view, f"{ASSIGN_UNITS}{PAGE_MARK}{place}", f"指定 {channel.name}…")
        if channel.bodies
        else order_button(view, Command.DISPATCH, f"指定 {channel.name}", Tone.GOOD, channel.key + ASSIGNED)
        for place, channel in enumerate(office.channels.values())
    ]


def _kinds(view: CaseView, office: Office) -> list[Button]:
    return [
        order_button(view, Command.SET_ANSWER_KIND, name, arg=kind.value)
        for kind, name in ANSWER_KIND_NAMES.items()
        if kind is not view.answer_kind
    ]


def _targets(view: CaseView, office: Office) -> list[Button]:
    return [order_button(view, Command.TRANSFER, f"{name}…", arg=key) for key, name in TARGETS.items()]


def _reports(view: CaseView, office: Office) -> list[Button]:
    return [order_button(view, Command.REPORT, f"{name}…", arg=kind) for kind, name in REPORTS.items()]


def _watch(view: CaseView, office: Office) -> list[Button]:
    dated = [order_button(view, Command.WATCH, name, arg=hours) for hours, name in WATCH_HOURS.items()]
    return [order_button(view, Command.WATCH, "按等级时限"), *dated]


def _extend(view: CaseView, office: Office) -> list[Button]:
    return [order_button(view, Command.EXTEND, f"延 {days} 个工作日…", arg=str(days)) for days in EXTENSIONS]


def _opine(view: CaseView, office: Office) -> list[Button]:
    return [order_button(view, Command.OPINE, f"{name}…", arg=stance) for stance, name in STANCES.items()]


def _openness(view: CaseView, office: Office) -> list[Button]:
    return [
        order_button(view, Command.DRAFT, f"{kind.value}…", arg=str(place))
        for place, kind in enumerate(Openness)
    ]


_STEP_MENUS = {
    ASSIGN: _assign,
    JUDGE: _judge,
    KIND: _kinds,
    TRANSFER: _targets,
    REPORT: _reports,
    WATCH: _watch,
    EXTEND: _extend,
    OPINE: _opine,
    OPENNESS: _openness,
    PAUSE: pause_buttons,
}


def ticks(view: CaseView, office: Office, menu: str, ticked: int) -> Rows:
    """Give a list to tick off: units for a consultation, or the six aspects of a first review.

    What is ticked stands in the buttons themselves, a bit each, so that nothing is kept of a menu.
    """
    names = [channel.name for channel in office.channels.values()]
    invited = f"{ticked}{UNIT_MARK}{mark_of(*office.channels)}"
    done = order_button(view, Command.CONVENE, "发起会商", Tone.GOOD, invited)
    if menu == ASPECTS:
        names = list(ASPECT_NAMES.values())
        done = order_button(view, Command.PASS, "初审通过", Tone.GOOD, str(ticked))
    boxes = [
        menu_button(
            view, f"{menu}{PAGE_MARK}{ticked ^ (1 << place)}", f"{'☑' if ticked >> place & 1 else '☐'} {name}"
        )
        for place, name in enumerate(names)
    ]
    whole = ticked if menu == CONSULT else ticked == (1 << len(names)) - 1
    return (*_pairs(boxes), *(((done,),) if whole else ()), _back(view, _CARD_OF.get(menu, CARDS[0])))


def twice(view: CaseView, card: str) -> Rows:
    """Ask a second time before a grave text is approved (Ⅰ、Ⅱ 级再次确认)."""
    again = order_button(view, Command.APPROVE, "已看清全文，确认批准", Tone.GOOD, YES)
    return ((again,), _back(view, card))


def once_more(view: CaseView) -> tuple[Block, ...]:
    """Say below the text why it is asked a second time."""
    return (Block(f"⚠️ {level_tag(view.level)}稿件须再次确认：请看清上面的全文后再点", Form.NOTE, weight=9),)


def refuse_menu(view: CaseView, card: str, own: Sequence[OwnReason]) -> Rows:
    """Offer a leader the reasons that he gave before, and a new one."""
    rows = tuple(
        (
            order_button(
                view, Command.REFUSE, f"{n}. {_label(reason.text)}", Tone.DANGER, str(reason.review_id)
            ),
        )
        for n, reason in enumerate(own, 1)
    )
    other = order_button(view, Command.REFUSE, "其他理由（回复文字）", Tone.DANGER)
    return (*rows, (other,), _back(view, card))


def own_reasons(own: Sequence[OwnReason]) -> tuple[Block, ...]:
    """Show his own reasons in full, for buttons cut them short."""
    told = "\n".join(f"{n}. {reason.text}" for n, reason in enumerate(own, 1))
    return (Block(told, label="您用过的退回理由", weight=7),)


def text_menu(view: CaseView, office: Office, page: Page) -> Rows:
    """Give the texts of a case to split one off."""
    choices = [
        order_button(view, Command.SPLIT, f"{local(text.at, office)} {_label(text.title)}", arg=str(text.id))
        for text in page.choices
    ]
    return _paged(view, SPLIT, page, choices)


def join_menu(view: CaseView) -> Rows:
    """Ask whether this case goes into the suggested one."""
    if view.suggestion is None:
        return (_back(view),)
    other = view.suggestion.other
    sure = order_button(view, Command.MERGE, f"确认并入 {other.number}", Tone.GOOD, str(other.id))
    return ((sure,), _back(view))


def joined_notes(other: CaseView, office: Office) -> tuple[Block, ...]:
    """Show the case into which another would go, so that who confirms has compared them."""
    told = [
        Block(f"拟并入 {other.number}", Form.TITLE, weight=9),
        Block(f"{level_tag(other.level)}【{STATE_NAMES[other.state]}】{other.title}", weight=9),
        Block(f"{local(other.opened_at, office)} 立项，{other.items} 条信息", Form.NOTE, weight=8),
    ]
    if other.place:
        told.append(Block(other.place, label="地点", weight=8))
    if other.lead:
        told.append(Block(excerpt(other.lead.text), Form.QUOTE, weight=6))
    if other.first_url:
        told.append(Block("打开首条信息", label="原文", url=other.first_url, weight=7))
    return tuple(told)


def matter_menu(view: CaseView, page: Page) -> Rows:
    """Give the cases that this one may go into."""
    choices = [
        order_button(view, Command.MERGE, f"{other.number} {_label(other.title)}", arg=str(other.id))
        for other in page.choices
    ]
    return _paged(view, MERGE, page, choices)


def subject_menu(view: CaseView, page: int) -> Rows:
    """Give some of the subject areas, two a row; the one that stands on the card is no choice."""
    areas = [(place, area) for place, area in enumerate(SUBJECTS) if area != view.subject]
    start = page * AREAS_AT_ONCE
    shown = [
        order_button(view, Command.CLASSIFY, area, arg=str(place))
        for place, area in areas[start : start + AREAS_AT_ONCE]
    ]
    return (
        *_pairs(shown),
        *_turns(view, SUBJECT, page, more=len(areas) > start + AREAS_AT_ONCE),
        _back(view),
    )


def page_of(menu: str) -> tuple[str, int]:
    """Read the name of a menu and its page; a page that is no number is the first."""
    name, _, page = menu.partition(PAGE_MARK)
    return name, int(page) if page.isdecimal() and len(page) < 6 else 0


def _channels(view: CaseView, office: Office) -> list[Button]:
    # A case that a unit has goes to another one, never to the same again.
    command, word = _sending(view, office)
    with_unit = {view.channel} if view.state in _WITH_UNIT else set[str]()
    return [
        menu_button(view, f"{UNITS}{PAGE_MARK}{place}", f"{word} {channel.name}…")
        if channel.bodies
        else order_button(view, command, f"{word} {channel.name}", Tone.GOOD, channel.key)
        for place, channel in enumerate(office.channels.values())
        if channel.bodies or channel.key not in with_unit
    ]


_WITH_UNIT = frozenset({State.TO_SIGN, State.HANDLING})


def _sending(view: CaseView, office: Office) -> tuple[Command, str]:
    if (view.state, Command.SUBMIT) in table(office.procedure, view.level):
        return Command.SUBMIT, "报批"
    return Command.DISPATCH, "转办"


def unit_menu(view: CaseView, office: Office, menu: str, place: int) -> Rows:
    """Give the units of a channel one a row, the proposed one first; never the one that has the case."""
    channel = dict(enumerate(office.channels.values())).get(place)
    if channel is None:
        return (_back(view),)
    command, word = _sending(view, office)
    suffix = ""
    if menu == ASSIGN_UNITS:
        command, word, suffix = Command.DISPATCH, "指定", ASSIGNED
    competent = view.competent.get(channel.key)
    units = competent.units if competent else channel.units()
    had = view.slip.unit if view.slip and view.slip.channel == channel.key else ""
    if view.state is State.RETURNED:  # last, for it sent the case back
        units = tuple(sorted(units, key=lambda unit: unit == had))
    taken = had if view.state in _WITH_UNIT else ""
    rows = tuple(
        (order_button(view, command, f"{word} {unit}", Tone.GOOD, unit_arg(channel.key, unit) + suffix),)
        for unit in units
        if unit != taken
    )
    return (*rows, _back(view))


def _corrections(view: CaseView, office: Office) -> list[Button]:
    menus = (
        (Command.CLASSIFY, SUBJECT, "换领域…"),
        (Command.SPLIT, SPLIT, "拆分…"),
        (Command.MERGE, MERGE, "合并…"),
    )
    moves = table(office.procedure, view.level)
    allowed = [
        menu_button(view, menu, text)
        for command, menu, text in menus
        if (view.state, command) in moves and (command is not Command.SPLIT or view.items > 1)
    ]
    return [*allowed, menu_button(view, MUTE, "静音…")] if view.level > Level.II else allowed


def _tones(view: CaseView) -> Rows:
    """Ask for the tone of the lead; what a person said already is not asked again."""
    if view.lead is None:
        return ()
    tones = ((NEGATIVE, Band.NEGATIVE, "情绪消极"), (NOT_NEGATIVE, Band.NOT_NEGATIVE, "情绪不消极"))
    row = tuple(
        order_button(view, Command.RATE, text, arg=f"{mark}{view.lead.id}")
        for mark, band, text in tones
        if band is not view.said_band
    )
    return (row,)


def _paged(view: CaseView, menu: str, page: Page, choices: Sequence[Button]) -> Rows:
    rows = tuple((choice,) for choice in choices)
    return (*rows, *_turns(view, menu, page.page, more=page.more), _back(view))


def _turns(view: CaseView, menu: str, page: int, *, more: bool) -> Rows:
    turns = []
    if page:
        turns.append(menu_button(view, f"{menu}{PAGE_MARK}{page - 1}", "‹ 上一页"))
    if more:
        turns.append(menu_button(view, f"{menu}{PAGE_MARK}{page + 1}", "下一页 ›"))
    return (tuple(turns),) if turns else ()


def _pairs(choices: Sequence[Button]) -> Rows:
    return tuple(tuple(choices[i : i + 2]) for i in range(0, len(choices), 2))


def _back(view: CaseView, card: str = "duty") -> tuple[Button, ...]:
    return (menu_on(view, BACK, card, "↩ 返回"),)


_CARD_OF = {EXTEND: "channel", OPENNESS: "channel", OPINE: "unit", ASPECTS: "review"}


def card_of(menu: str, page: int) -> str:
    """Name the kind of card that a menu stands on; for the way back that is in its page."""
    if menu in {BACK, REFUSE}:
        return CARDS[page] if page < len(CARDS) else CARDS[0]
    return _CARD_OF.get(menu, CARDS[0])


def _label(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LABEL_LETTERS else line[: LABEL_LETTERS - 1] + "…"
