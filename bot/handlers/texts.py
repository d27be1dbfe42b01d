"""Typed texts: answers to questions, drafts in reply to a card, and everything that should have been a button."""

import re
from dataclasses import replace

from bot import sentences
from bot.chat import Body, TextReplied
from bot.handlers.arguments import with_argument
from bot.handlers.desk import Occasion, Reaction
from bot.names import command_name
from bot.secrecy import has_mark
from routing import announce, asks, cases, outbox, textscan
from routing.asks import Question
from routing.errors import UserError
from routing.ledger import who
from routing.procedure import needs_of
from routing.reasons import REASON_MIN, is_telling
from routing.views import case_view
from routing.workflow import (
    Actor,
    CaseFacts,
    Command,
    Ground,
    Need,
    Openness,
    Order,
    Refusal,
    State,
    Where,
)

DRAFT_MIN = 10
LINK = re.compile(r"https?://[^\s\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]+")
_PARTS = re.compile(r"[；;\n]+")
_LABELS = re.compile(r"^\s*(依据|理由)\s*[：:]\s*")
_CLOSED_REASON = re.compile(r"\s*理由\s*[：:]\s*(\S.*)")
_WRONG_BODY = {
    Body.FORWARDED: "不能用转发的消息作答，请自己输入文字。",
    Body.STICKER: "收到的是贴纸，请发送文字。",
    Body.PICTURE: "收到的是图片，请发送文字。",
    Body.OTHER: "只能处理文字，请发送文字。",
}


def text(occasion: Occasion, event: TextReplied) -> Reaction | None:
    """Take one message. In groups only replies to our messages concern us."""
    actor = occasion.actor(event.sender)
    if actor is None:
        _note_stranger(occasion, event)
        if event.is_private:
            occasion.greet_stranger(event.sender)
        return None
    if not event.is_private and event.reply_to is None:
        return None
    sentence = _take(occasion, event, actor)
    if sentence:
        occasion.say(event.chat, sentence, reply_to=event.message)
    return None


def _note_stranger(occasion: Occasion, event: TextReplied) -> None:
    """Record a reply to a question by who has no rights, or none any more."""
    if event.reply_to is not None:
        asked = asks.asked_at(occasion.session, occasion.chat_name(event.chat), event.reply_to.message)
        if asked is not None:
            occasion.note_refusal(event.sender, None, asked.command.value, Ground.ROLE, asked.case_id)


def case_behind(occasion: Occasion, event: TextReplied) -> int | None:
    """Give the case that a reply is about; None where that cannot be told."""
    if event.reply_to is None:
        return None
    chat, reply = occasion.chat_name(event.chat), event.reply_to.message
    asked = asks.asked_at(occasion.session, chat, reply)
    if asked is not None:
        return asked.case_id
    card = outbox.card_at(occasion.session, chat, reply)
    spoken = outbox.spoken_at(occasion.session, chat, reply)
    return card.case_id if card is not None else spoken.case_id if spoken is not None else None


def _not_his(occasion: Occasion, event: TextReplied, actor: Actor, reply: str) -> str:
    """Refuse and record a reply to what somebody else was asked, or to what he himself was asked in another chat."""
    chat = occasion.chat_name(event.chat)
    asked = asks.asked_at(occasion.session, chat, reply)
    if asked is not None:
        occasion.note_refusal(event.sender, actor, asked.command.value, Ground.ROLE, asked.case_id)
        return "这条提示不是发给您的，文字没有保存。"
    if outbox.spoken_at(occasion.session, chat, reply) is not None:
        return ""
    asked = asks.open_elsewhere(occasion.session, chat, reply, actor.person_id)
    if asked is None:
        return ""
    occasion.note_refusal(event.sender, actor, asked.command.value, Ground.PLACE, asked.case_id)
    return "文字没有保存：请在收到提示的私聊里回复那条提示。"


def _take(occasion: Occasion, event: TextReplied, actor: Actor) -> str:
    if has_mark(event.text):
        return stop_secret(occasion, actor)
    if event.body is not Body.TEXT:
        return _WRONG_BODY[event.body]
    reply = event.reply_to.message if event.reply_to else None
    chat = occasion.chat_name(event.chat)
    question = asks.answered_by(occasion.session, chat, reply, actor.person_id, occasion.now)
    if question is not None:
        return _answer(occasion, event, actor, question)
    if reply is None:
        return (
            _which(occasion, chat, actor)
            or "请回复到具体的卡片或提示消息上，或点卡片按钮操作。发送 /help 查看用法。"
        )
    card = outbox.card_at(occasion.session, chat, reply)
    if card is None and (refused := _not_his(occasion, event, actor, reply)):
        return refused
    if card is None:
        return _reply_to_other(occasion, event, actor, reply)
    if card.card == announce.CHANNEL_CARD:
        return _reply_to_slip(occasion, event, actor, card.case_id)
    return "请点卡片上的按钮操作；需要填写文字时会另行提示。"


def _which(occasion: Occasion, chat: str, actor: Actor) -> str:
    """Name the questions that a text may have answered, where there is more than one; empty where there is not."""
    waiting = asks.waiting(occasion.session, chat, actor.person_id, occasion.now)
    if len(waiting) < 2:
        return ""
    lines = [_wanted(occasion, one) for one in waiting]
    return (
        f"您有 {len(waiting)} 条提示在等文字，分不清这段文字是答哪一条的，没有保存。"
        "请在要答的那条提示上选“回复”，把文字再发一遍：\n" + "\n".join(lines)
    )


def _wanted(occasion: Occasion, question: Question) -> str:
    """Name the matter of a question and what is wanted: `YQ-2026-0001 东湖小区停水：退回（退回的理由）`."""
    view = case_view(occasion.session, question.case_id)
    assert view is not None
    _, wanted = sentences.question(question.command, view, occasion.desk.office, question.arg)
    return f"{view.number} {occasion.quoted(view.title)}：{command_name(question.command)}（{wanted}）"


def stop_secret(occasion: Occasion, actor: Actor) -> str:
    """Keep nothing of a text that bears a secrecy mark but that it came, and say what to do."""
    occasion.desk.ledger.write(
        occasion.session, at=occasion.now, actor=actor.name, action="secrecy_mark", **who(actor)
    )
    return "⛔ 消息首行带密级标识，内容未保存。请立即撤回该消息，并报告保密机构。涉密内容一律线下办理。"


def _reply_to_other(occasion: Occasion, event: TextReplied, actor: Actor, reply: str) -> str:
    """Take a reply to what is no card: a sentence about a case, or a copy whose sending was cut off.

    In private such a copy can be nothing but the one open question; and what we said of a text that could not be taken is
    replied to as if it were its question, for it stands below it. In the group of its channel a sentence about a case
    stands for the slip; what cannot be told apart is said, for a draft must not vanish in silence.
    """
    chat = occasion.chat_name(event.chat)
    spoken = outbox.spoken_at(occasion.session, chat, reply)
    if event.is_private:
        if spoken and spoken.ask is not None:
            question = asks.put_to(occasion.session, spoken.ask, chat, actor.person_id)
        else:
            question = asks.answered_by(occasion.session, chat, None, actor.person_id, occasion.now)
        if question is not None and _stands_for(spoken, question):
            return _answer(occasion, event, actor, question)
        if spoken and spoken.case_id is not None:
            return "文字没有保存：请回复承办群里的卡片，或先点卡片上的“拟答复稿”再回复。"
        unneeded = "这条消息不用回复文字；要办理请点卡片上的按钮，或发送 /mine 查看。"
        return _which(occasion, chat, actor) or unneeded
    if chat not in {channel.chat for channel in occasion.desk.office.channels.values()}:
        return ""
    if spoken is None:
        return "认不出您回复的是哪张卡片，请回复最新的卡片，或点卡片上的按钮操作。"
    facts = None if spoken.case_id is None else cases.facts(occasion.session, spoken.case_id)
    if facts is None or occasion.where(event.chat, event.sender, facts.channels()) is not Where.CHANNEL:
        return ""
    return _reply_to_slip(occasion, event, actor, facts.id)


def _stands_for(spoken: outbox.Spoken | None, question: Question) -> bool:
    return spoken is None or (spoken.is_answer and spoken.case_id in {None, question.case_id})


def _answer(occasion: Occasion, event: TextReplied, actor: Actor, question: Question) -> str:
    """Carry out what the question was asked for. A text that cannot be taken leaves the question open."""

    def refuse(ground: Ground) -> None:
        occasion.note_refusal(event.sender, actor, question.command.value, ground, question.case_id)

    def again(sentence: str) -> str:
        occasion.say(event.chat, sentence, reply_to=event.message, ask=question.id)
        return ""

    if question.is_answered:
        refuse(Ground.STALE)
        return "这条提示已经处理过了。"
    facts = cases.facts(occasion.session, question.case_id)
    assert facts is not None
    if question.command is Command.DRAFT and question.draft_version != facts.draft_version:
        asks.close(occasion.session, question.id, occasion.now)
        refuse(Ground.STALE)
        return "稿件已更新，请重新点“拟答复稿/修改稿件”。"
    bare = Order(question.command, actor, question.place, question.case_version, question.draft_version)
    order = with_argument(bare, question.arg, occasion.desk.office, occasion.now)
    if order is None:  # a choice that the office no longer has
        asks.close(occasion.session, question.id, occasion.now)
        refuse(Ground.GONE)
        return "这个选项已不在，请在最新的卡片上重新选择。"
    typed = event.text if question.command in _AS_TYPED else occasion.hidden(event.text)
    filled = _filled(order, typed, facts)
    if isinstance(filled, str):
        return again(filled)
    try:
        answer = cases.execute(
            occasion.session,
            occasion.desk.office,
            occasion.desk.ledger,
            question.case_id,
            filled,
            occasion.now,
        )
    except UserError as error:
        refuse(Ground.GONE)
        return again(str(error))
    if isinstance(answer, Refusal) and answer.ground is Ground.MISSING:
        return again(answer.text)
    asks.close(occasion.session, question.id, occasion.now)
    return answer.text + _warning(occasion, filled, answer)


_AS_TYPED = frozenset({Command.DRAFT, Command.CONFIRM, Command.SPEAK})
"""The text to be published, of which its drafter is warned and which others review, and links."""


def _filled(order: Order, typed: str, facts: CaseFacts) -> Order | str:
    """Put a typed text into the fields that its command needs, or say what is wrong with it."""
    needs = needs_of(order.command)
    typed = typed.strip()
    if not _letters(typed):
        return "内容是空的，请重新回复文字。"
    if Need.BASIS in needs:
        parts = [_LABELS.sub("", part).strip() for part in _PARTS.split(typed)]
        parts = [part for part in parts if part]
        if len(parts) < 2:
            return "需要“依据；理由”两部分，请用分号或换行隔开后重新回复。"
        basis, reason = parts[0], "；".join(parts[1:])
        return too_short("依据", basis) or _reasoned(replace(order, basis=basis), reason)
    if Need.LINK in needs and facts.withheld:
        return replace(order, text=typed)
    if Need.LINK in needs:
        link = LINK.search(typed)
        return replace(order, link=link.group() if link else "")
    if order.command is Command.CONCLUDE:
        return _conclusion(order, typed)
    if order.command is Command.REPORT:
        return replace(order, text=typed)
    if order.openness is Openness.CLOSED:
        return _closed_draft(order, typed)
    if Need.TEXT in needs:
        return _draft(order, typed)
    is_plain = order.command is Command.OPINE and order.stance != "differ"  # 同意 says all
    return replace(order, reason=typed) if is_plain or Need.REASON not in needs else _reasoned(order, typed)


def _reasoned(order: Order, reason: str) -> Order | str:
    return too_short("理由", reason) or replace(order, reason=reason)


def too_short(what: str, typed: str, again: str = "再回复一次") -> str:
    """Say that a reason is none: whoever reads the record later must see why. Empty where it can stand."""
    if is_telling(typed):
        return ""
    return f"{what}“{typed}”太短，日后看不明白，没有保存。请写清楚，至少 {REASON_MIN} 个字，{again}。"


CONCLUDED = ("性质", "走势", "风险", "等级", "口径", "分工")
"""What a consultation (会商研判) decides, each on a line of its own (周口市政务公开工作制度 第二十五条)."""


def _conclusion(order: Order, typed: str) -> Order | str:
    left = [name for name in CONCLUDED if not re.search(rf"{name}\s*[：:]\s*\S", typed)]
    if left:
        return f"会商结论缺少：{'、'.join(left)}。请按“性质：……”的写法逐行补全后重新回复。"
    return replace(order, text=typed)


def _draft(order: Order, typed: str) -> Order | str:
    if _letters(typed) < DRAFT_MIN:
        return f"答复稿只有 {_letters(typed)} 字，请回复完整的答复文字（至少 {DRAFT_MIN} 字）。"
    return replace(order, text=typed)


def _closed_draft(order: Order, typed: str) -> Order | str:
    """Read a draft that is not for the public (不予公开): its reason in the first line, the text below."""
    first, _, rest = typed.partition("\n")
    reason = _CLOSED_REASON.match(first)
    if reason is None:
        return "不予公开须写明理由：第一行写“理由：……”，第二行起写答复全文，请重新回复。"
    reasoned = _reasoned(order, reason[1].strip())
    return reasoned if isinstance(reasoned, str) else _draft(reasoned, rest.strip())


def _reply_to_slip(occasion: Occasion, event: TextReplied, actor: Actor, case_id: int) -> str:
    """A reply to the slip in the channel's group: the draft while it is handled, the link once it is approved."""
    facts = cases.facts(occasion.session, case_id)
    assert facts is not None
    where = occasion.where(event.chat, event.sender, facts.channels())
    if facts.state is State.HANDLING:
        order: Order | str = _draft(Order(Command.DRAFT, actor, where, facts.version), event.text.strip())
    elif facts.state is State.TO_RELEASE and not facts.withheld and LINK.search(event.text):
        order = _filled(Order(Command.CONFIRM, actor, where, facts.version), event.text, facts)
    else:
        return _not_now(facts)
    if isinstance(order, str):
        return order
    try:
        answer = cases.execute(
            occasion.session, occasion.desk.office, occasion.desk.ledger, case_id, order, occasion.now
        )
    except UserError as error:
        return str(error)
    return answer.text + _warning(occasion, order, answer)


def _warning(occasion: Occasion, order: Order, answer: cases.Done | Refusal) -> str:
    """Tell a drafter at once what in his text is doubtful, and where; the draft is kept."""
    if order.command is not Command.DRAFT or isinstance(answer, Refusal):
        return ""
    found = textscan.told(textscan.scan(order.text, occasion.desk.personal))
    return f"\n⚠️ 稿件已保存，请核对：{found}。不该公开的，请点“修改稿件”重新提交。" if found else ""


_HINTS = {
    State.TO_SIGN: "请先点“签收”，再回复答复稿。",
    State.TO_RELEASE: "答复稿已批准：发布后请回复链接，或点“回应确认”；要改稿请点“修改稿件”。",
    State.RETURNED: "本事项已退回，等待重新转办。",
}


def _not_now(facts: CaseFacts) -> str:
    if facts.state is State.TO_RELEASE and facts.withheld:
        return (
            "答复稿已批准，不向社会公开，不要发布到网上：答复当事人后请点“回应确认”；要改稿请点“修改稿件”。"
        )
    return _HINTS.get(facts.state, "答复稿正在审核；如需修改请点卡片上的“修改稿件”。")


def _letters(typed: str) -> int:
    """Count what can be seen: ten zero-width spaces are no answer."""
    return sum(letter.isprintable() and not letter.isspace() for letter in typed)
