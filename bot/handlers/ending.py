"""A substitution (顶岗) that ends before its time: by the button under it, or by `/substitute 结束 [who is absent]`."""

from bot.buttons import SUBSTITUTE, Wish
from bot.chat import ActionPressed, CommandGiven
from bot.handlers.desk import Occasion, Reaction, Redraw
from routing import people, substitution
from routing.errors import UserError
from routing.workflow import Actor, Ground

WORD = "结束"


def press(occasion: Occasion, event: ActionPressed, wish: Wish, actor: Actor) -> Reaction:
    """End what the card stands for. Who was sent it sees how things are; a forged press opens it before nobody."""
    redraw = Redraw(event.message, {"substitution": wish.case_id})
    try:
        _end(occasion, wish.case_id, actor)
    except UserError as error:
        occasion.note_refusal(event.sender, actor, SUBSTITUTE, Ground.ROLE)
        shown = substitution.was_shown(occasion.session, wish.case_id, actor.person_id)
        is_private = event.chat == event.sender.private_chat
        return Reaction(str(error), alert=True, redraw=redraw if shown and is_private else None)
    return Reaction("顶岗已结束。", redraw=redraw)


def command(occasion: Occasion, event: CommandGiven, actor: Actor) -> None:
    """End one's own substitution, or as a leader that of the person named."""
    name = event.rest.strip().removeprefix(WORD).strip()
    try:
        absent_id = people.named(occasion.session, occasion.quoted(name)) if name else actor.person_id
        found = substitution.of_absent(occasion.session, absent_id, occasion.now)
        if found is None:
            whose = f"{name} " if name else "您"
            raise UserError(
                f"{whose}现在没有批准的顶岗。写法：/substitute {WORD}，或 /substitute {WORD} 姓名。"
            )
        _end(occasion, found, actor)
    except UserError as error:
        occasion.note_refusal(event.sender, actor, SUBSTITUTE, Ground.ROLE)
        occasion.say(event.chat, str(error), reply_to=event.message)
        return
    occasion.say(event.chat, "顶岗已结束。", reply_to=event.message)


def _end(occasion: Occasion, substitution_id: int, actor: Actor) -> None:
    desk = occasion.desk
    substitution.end(occasion.session, desk.office, desk.ledger, substitution_id, actor, occasion.now)
