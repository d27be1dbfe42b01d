"""New matters that wait on the card of the one that they are perhaps part of (疑似同一事项): line, buttons, list. Pure."""

from datetime import timedelta

from bot.buttons import DOUBT, Wish, token_of
from bot.chat import Block, Button, Form
from routing.held import DoubtView
from routing.office import Office
from routing.views import CaseView

Rows = tuple[tuple[Button, ...], ...]

JOIN, APART, LIST, BACK = "j", "a", "l", "b"
"""What a button carries: the first two with the id of the matter on whose card it stands, the third with a page."""
AT_ONCE = 3
"""So many stand in the list at a time: each has two buttons of a line."""
TITLE_LETTERS, BUTTON_LETTERS = 22, 10
"""So many letters of a title stand in a line, and in a button: what a button does comes first there, for a phone cuts its end."""
GONE = "它已经有了结果，或不再列在这张卡片上，请看最新卡片。"


def doubted_line(view: CaseView, office: Office) -> list[Block]:
    """Say which matters wait on this card, and when the first goes out if nobody says anything; its title leads to its text."""
    if not view.doubted:
        return []
    first, *more = view.doubted
    until = (first.since + timedelta(minutes=office.mute.doubt_minutes)).astimezone(office.zone)
    label = f"疑似同一事项 {len(view.doubted)} 条（不选则 {until:%H:%M} {'起' if more else ''}单独发卡）"
    return [Block(f"{_named(first)}{'等' if more else ''}", label=label, url=first.url, weight=8)]


def doubted_buttons(view: CaseView) -> Rows:
    """Ask of a single one whether it is part of this matter; of several, open their list."""
    if len(view.doubted) > 1:
        return ((_on_card(view, f"{LIST}0", f"疑似同一事项 {len(view.doubted)} 条…"),),)
    return tuple(row for one in view.doubted for row in _asked(view, one))


def doubted_list(view: CaseView, page: int) -> tuple[Rows, tuple[Block, ...]]:
    """Give the buttons of a page of the list, and what they speak of; a page that is there no more is the last."""
    page = max(0, min(page, (len(view.doubted) - 1) // AT_ONCE))
    start = page * AT_ONCE
    shown = view.doubted[start : start + AT_ONCE]
    notes = tuple(Block(_named(one), url=one.url, weight=9) for one in shown)
    asked = tuple(row for one in shown for row in _asked(view, one))
    turns = [
        _on_card(view, f"{LIST}{to}", text)
        for text, to in (("‹ 上一页", page - 1), ("下一页 ›", page + 1))
        if 0 <= to * AT_ONCE < len(view.doubted)
    ]
    back = _on_card(view, BACK, "↩ 返回")
    return (*asked, *((tuple(turns),) if turns else ()), (back,)), (
        Block("疑似同一事项", Form.TITLE, weight=9),
        *notes,
    )


def left_to_ask(view: CaseView) -> Rows:
    """Give what stands on the card for a moment after an answer from the list: nothing there does anything to a matter,
    for a finger that taps twice hits what has moved under it. The card's own buttons follow by themselves.
    """
    back = (_on_card(view, BACK, "↩ 返回"),)
    if not view.doubted:
        return (back,)
    return ((_on_card(view, f"{LIST}0", f"还有疑似同一事项 {len(view.doubted)} 条…"),), back)


def number_in(arg: str) -> int:
    """Read the id or the page behind the letter of an argument; -1, which is neither, for anything else."""
    return int(arg[1:]) if arg[1:].isdecimal() and len(arg) < 19 else -1


def _asked(view: CaseView, one: DoubtView) -> Rows:
    """Ask of one matter, a button a line; the token is bound to what it was and on whose card it was seen."""
    return tuple(
        (
            Button(
                f"{text} {_named(one, BUTTON_LETTERS)}",
                token_of(Wish(DOUBT, one.id, one.version, arg=f"{what}{view.id}")),
            ),
        )
        for what, text in ((JOIN, "并入"), (APART, "另立"))
    )


def _on_card(view: CaseView, arg: str, text: str) -> Button:
    return Button(text, token_of(Wish(DOUBT, view.id, view.version, arg=arg)))


def _named(one: DoubtView, letters: int = TITLE_LETTERS) -> str:
    """Name a matter alike wherever it stands, by number and title: who reads one must find the other."""
    line = " ".join(one.title.split())
    return f"{one.number}《{line if len(line) <= letters else line[: letters - 1] + '…'}》"
