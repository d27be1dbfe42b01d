"""What people see of mutes and of cards that are held back: the menu on a card, the list, the summary at the end. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.buttons import LIFT, MUTE, SHOW, Wish, token_of
from bot.chat import Block, Button, Card, Form, Tone
from bot.names import level_tag, local, source_name
from bot.spans import MORNING
from bot.wishes import mark_of, menu_button
from routing.held import HeldView, Matter, MuteView
from routing.mutes import KIND_NAMES
from routing.office import Level, Office
from routing.silence import MuteKind
from routing.traces import origin_of
from routing.views import CaseView

Rows = tuple[tuple[Button, ...], ...]

MENU = "mute"
_LETTERS = {"c": MuteKind.CASE, "p": MuteKind.PLACE, "s": MuteKind.SOURCE}
SPANS = (("1小时", "1h"), ("4小时", "4h"), (f"至{MORNING}", MORNING))
SHOWN = 10
FORM = "/mute 地点 东湖小区 4小时 计划停水"


@dataclass(frozen=True, slots=True)
class Choice:
    """What the buttons of the menu have named so far; of the reason its mark."""

    kind: MuteKind | None = None
    span: int | None = None
    reason: str = ""


def choice_of(arg: str) -> Choice:
    """Read what stands in a button: a letter, a digit for the span, the mark of the reason; nonsense is left out."""
    kind, span, reason = _LETTERS.get(arg[:1]), arg[1:2], arg[2:]
    is_span = span.isdecimal() and int(span) < len(SPANS)
    return Choice(
        kind,
        int(span) if kind is not None and is_span else None,
        reason if is_span else "",
    )


def mute_menu(view: CaseView, office: Office, arg: str, sources: Mapping[str, str]) -> Rows:
    """Give the next choices: what, then how long, then why. `arg` is what stands behind the name of the menu."""
    choice = choice_of(arg)
    back = (menu_button(view, "back", "↩ 返回"),)
    if choice.kind is None:
        return (*(_row(view, letter, label) for letter, label in _targets(view, sources)), back)
    if choice.span is None:
        spans = (
            menu_button(view, f"{MENU}{arg[:1]}{place}", label) for place, (label, _) in enumerate(SPANS)
        )
        return (tuple(spans), back)
    reasons = tuple(
        (Button(reason, token_of(_wish(view, f"{arg[:2]}{mark_of(reason)}")), Tone.PLAIN),)
        for reason in office.mute.reasons
    )
    return (*reasons, back)


def target_of(view: CaseView, kind: MuteKind) -> str:
    """Give what a mute of this kind takes, as the case stands; empty where it has none."""
    if kind is MuteKind.PLACE:
        return view.place or ""
    if kind is MuteKind.SOURCE:
        return origin_of(view.lead.source_id) if view.lead else ""
    return view.number


def _targets(view: CaseView, sources: Mapping[str, str]) -> list[tuple[str, str]]:
    found = [("c", "只静音本事项")]
    if view.place:
        found.append(("p", f"静音地点 {view.place}"))
    if view.lead is not None:
        found.append(("s", f"静音来源 {source_name(origin_of(view.lead.source_id), sources)}"))
    return found


def _row(view: CaseView, letter: str, label: str) -> tuple[Button, ...]:
    return (menu_button(view, f"{MENU}{letter}", label),)


def _wish(view: CaseView, arg: str) -> Wish:
    return Wish(MUTE, view.id, view.version, view.draft_version, arg)


def named(mute: MuteView, sources: Mapping[str, str]) -> str:
    """Name what a mute takes, as in 地点 东湖小区."""
    matcher = source_name(mute.matcher, sources) if mute.kind is MuteKind.SOURCE else mute.matcher
    return f"{KIND_NAMES[mute.kind]} {matcher}"


def mute_list(mutes: Sequence[MuteView], office: Office, sources: Mapping[str, str]) -> Card:
    """List what is muted now, each with a button that lifts it."""
    if not mutes:
        return Card((Block("当前没有静音。"), Block(f"要静音，发送如：{FORM}", Form.NOTE)))
    blocks = [Block(f"静音 {len(mutes)} 项", Form.TITLE, weight=9)]
    blocks += [Block(_told(mute, office, sources), weight=6) for mute in mutes]
    blocks.append(Block("Ⅰ、Ⅱ级和安全稳定类照常提醒；事项照常立项、计时，/open 可见。", Form.NOTE, weight=2))
    lifts = tuple(
        (Button(f"解除 {mute.id}. {named(mute, sources)}"[:30], token_of(Wish(LIFT, mute.id))),)
        for mute in mutes[:SHOWN]
    )
    return Card(tuple(blocks), lifts)


def show_button(view: CaseView) -> Rows:
    """Give the button that fetches a card that is held back."""
    if view.held is None or view.held.passed:
        return ()
    return ((Button("发出卡片", token_of(Wish(SHOW, view.id)), Tone.GOOD),),)


def _told(mute: MuteView, office: Office, sources: Mapping[str, str]) -> str:
    until = f"至 {local(mute.ends_at, office)}（{mute.reason}，{mute.author}）"
    return f"{mute.id}. {named(mute, sources)}，{until}，已涉及 {mute.held} 件"


def cause_of(held: HeldView, sources: Mapping[str, str]) -> str:
    """Say what held cards back and does so no longer."""
    if held.mute is None:
        return f"{held.under} 已结束或降级，并列在它卡片上的小事项"
    return f"静音结束：{named(held.mute, sources)}（{held.mute.reason}），期间 {held.mute.held} 件"


def over_card(cause: str, matters: Sequence[Matter]) -> Card:
    """Say that cards are held back no longer and what of it is still open; `matters` the gravest first."""
    if not matters:
        return Card((Block(f"🔔 {cause}，都已办结。", weight=9),))
    blocks = [Block(f"🔔 {cause}，仍未办结 {len(matters)} 件：", weight=9)]
    blocks += [Block(f"{level_tag(one.level)} {one.number} {one.title}") for one in matters[:SHOWN]]
    if len(matters) > SHOWN:
        blocks.append(Block(f"等 {len(matters)} 件，全部见 /open"))
    if any(one.level > Level.II for one in matters):
        blocks.append(Block("卡片随后发出，不再响铃。", Form.NOTE, weight=2))
    return Card(tuple(blocks))
