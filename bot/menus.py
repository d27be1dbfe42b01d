"""What opens behind a `…` button of the duty card: choices, and the way back. Pure.

The menu 纠正 offers what the state of a matter allows by the table of the procedure; texts and matters come in pages.
"""

from collections.abc import Sequence

from bot.chat import Block, Button, Form, Tone
from bot.names import LEVEL_MARKS, LEVEL_NAMES, level_tag, local
from bot.render import duty_buttons, excerpt, menu_button, order_button
from routing.choices import Page
from routing.items import Band
from routing.office import Level, Office
from routing.procedure import table
from routing.starter import SUBJECTS
from routing.views import CaseView
from routing.workflow import STATE_NAMES, Command, State

Rows = tuple[tuple[Button, ...], ...]

NEGATIVE, NOT_NEGATIVE = "n", "p"
"""Before the id of a text in the argument of a button: what is said of its tone."""

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
PAGE_MARK = "-"
"""Between the name of a menu and the number of its page."""

LABEL_LETTERS = 22
AREAS_AT_ONCE = 12


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
            order_button(view, Command.DISMISS, reason, Tone.DANGER, str(place))
            for place, reason in enumerate(office.dismiss_reasons)
        ]
        choices.append(order_button(view, Command.DISMISS, "其他理由（回复文字）", Tone.DANGER, "ask"))
    elif menu == CORRECT:
        return (*_pairs(_corrections(view, office)), *_tones(view), _back(view))
    else:
        return duty_buttons(view, office)
    return (*_pairs(choices), _back(view))


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
    with_unit = {view.channel} if view.state in {State.TO_SIGN, State.HANDLING} else set[str]()
    return [
        order_button(view, Command.DISPATCH, f"转办 {channel.name}", Tone.GOOD, channel.key)
        for channel in office.channels.values()
        if channel.key not in with_unit
    ]


def _corrections(view: CaseView, office: Office) -> list[Button]:
    menus = (
        (Command.DISMISS, DISMISS, "不相关…"),
        (Command.DISPATCH, CHANNEL, "换渠道…"),
        (Command.SET_LEVEL, LEVEL, "换等级…"),
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


def _back(view: CaseView) -> tuple[Button, ...]:
    return (menu_button(view, BACK, "↩ 返回"),)


def _label(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LABEL_LETTERS else line[: LABEL_LETTERS - 1] + "…"
