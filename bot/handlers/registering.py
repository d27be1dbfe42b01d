"""`/new`: somebody enters what he heard of, with or without a public link (首问负责). Nothing personal is kept."""

from bot.chat import CommandGiven
from bot.handlers.desk import Occasion
from bot.handlers.texts import LINK, stop_secret
from bot.secrecy import has_mark
from routing import registering
from routing.deciding import is_public_link
from routing.office import Role
from routing.registering import Heard
from routing.workflow import Actor

MAY_REGISTER = frozenset({Role.DUTY, Role.OFFICE, Role.LEADER, Role.CONTACT})
TEXT_MIN, TEXT_MAX, WORDS_MIN = 5, 1_000, 3
"""Letters of a registration: what happened where, not a whole petition, nor a mere number; project default."""

_HOW = "请写清什么地方、什么事，有公开链接的附上，如 /new 东湖小区今天又停水 https://…"


def register(occasion: Occasion, event: CommandGiven, actor: Actor) -> None:
    """Open a case for what is written behind the command; answer with its number."""
    reception = occasion.desk.reception
    assert reception is not None
    if has_mark(event.rest):
        occasion.say(event.chat, stop_secret(occasion, actor), reply_to=event.message)
        return
    heard = _heard(occasion, event)
    if isinstance(heard, str):
        occasion.say(event.chat, heard, reply_to=event.message)
        return
    done = registering.register(
        occasion.session,
        occasion.desk.office,
        reception.rules(),
        occasion.desk.ledger,
        heard,
        actor,
        occasion.now,
    )
    if not done.is_new:
        text = f"这条链接已在 {done.number}，没有重复登记。发送 /case {done.number} 查看。"
    else:
        hidden = f"已隐去{'、'.join(heard.masked)}。" if heard.masked else ""
        text = f"已登记 {done.number}，您是首接人，卡片已发值班群研判。{hidden}"
    occasion.say(event.chat, text, reply_to=event.message, case_id=done.case_id)


def _heard(occasion: Occasion, event: CommandGiven) -> Heard | str:
    """Read text and link, or say what is wrong with them."""
    if not event.is_private and occasion.chat_name(event.chat) != occasion.desk.office.duty_chat:
        return "请在值班群或与机器人的私聊里登记。"
    found = LINK.search(event.rest)
    link = found.group() if found else ""
    text = " ".join(LINK.sub(" ", event.rest).split())
    if len(text) < TEXT_MIN or sum(map(str.isalpha, text)) < WORDS_MIN:
        return _HOW
    if len(text) > TEXT_MAX:
        return f"共 {len(text)} 字，超过 {TEXT_MAX} 字，没有登记。请概括后重新发送。"
    if link and not is_public_link(link):
        return f"链接 {link} 公众打不开，没有登记。请换成公开的链接，或不写链接。"
    assert occasion.desk.reception is not None
    masked, kinds = occasion.desk.reception.mask(text)
    return Heard(masked, link, kinds)
