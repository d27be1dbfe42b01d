"""What the cards of a matter say of the matter itself: in a few lines what decides, the rest as folded detail. Pure.

A phone shows some twelve lines above the buttons. There stand level, title, channel, place, the one reason that decided,
the first text and the limits; whoever wants more opens the detail, and `/why` tells every step.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from bot.chat import Block, Form
from bot.glance import spread
from bot.names import BAND_NAMES, LEVEL_NAMES, level_tag, local, source_name
from routing.office import Channel, Office, Step
from routing.owed import OWED_NAMES, Owed
from routing.procedure import UNJUDGED
from routing.views import CaseView, ItemLine, ReasonView
from routing.workflow import ANSWER_KIND_NAMES, COMMAND_NAMES, STATE_NAMES, Command, State

EXCERPT = 120
OLD_AFTER = timedelta(days=30)
"""项目默认. Sites put old texts out anew, and a card without a date makes today's matter of last year's."""
SOURCES_NAMED = 4
REASONS_SHOWN, REASON_WORDS = 3, 4
DECIDING_WORDS = 3
PLACE_NOTE = "地点"
"""How the note of a rule begins that asked for a place."""
NEAR_NOTE = "这些词相隔"
"""How the note of a rule begins that asked for words near each other: on a card, where each word stands once, it would
speak of words that stand with another rule."""
TAG_NOTE = "来源标签"
"""How the note of a rule begins that asked for a kind of source: that decided, its words only had to be among many."""
_WHERE = {"提到本县", "来源属本县"}
"""What a rule says that asked for no more than that: it holds others."""
_NO_RULES = {"文字判断", "地域"}
"""Who gives reasons besides rules: a model of texts, and where a text plays."""


def folded(blocks: Iterable[Block]) -> list[Block]:
    """Set blocks as detail that a reader opens where he wants it."""
    return [replace(block, form=Form.FOLDED) for block in blocks]


def heading(view: CaseView) -> list[Block]:
    """Give level, number, state and title. What a person has set is no proposal any more."""
    proposed = "（建议）" if view.state in UNJUDGED and view.level == view.proposed_level else ""
    state = STATE_NAMES[view.state]
    return [
        Block(f"{level_tag(view.level)}{proposed} {view.number}【{state}】", weight=9),
        Block(view.title, Form.TITLE, weight=9),
    ]


def what_decides(view: CaseView, office: Office) -> list[Block]:
    """Say where a matter goes, where it plays, why, and where to read it: a line each."""
    proposed = "拟" if view.state in UNJUDGED else ""
    blocks = [Block(_goes_to(view, office), label=f"{proposed}归口", weight=8)]
    blocks += _proposed_unit(view)
    if about := " · ".join(filter(None, (view.place, _area(view)))):
        blocks.append(Block(about, label="地点" if view.place else "领域", weight=6))
    if view.registered_by and not (view.slip and view.slip.signed_at and view.slip.returned_at is None):
        first = f"{view.registered_by} 登记，单位签收前由其负责跟进"
        blocks.append(Block(first, label="首接", weight=7))
    if view.legacy is not None:
        number = f"，旧编号 {view.legacy.number}" if view.legacy.number else ""
        at = local(view.legacy.at, office)
        blocks.append(Block(f"旧台账（{at} 导入{number}）", label="来历", weight=8))
    rises = view.proposed_level < view.level
    if rises:
        why = view.level_why or "传播升温"
        blocks.append(Block(f"建议升为{LEVEL_NAMES[view.proposed_level]}：{why}", label="注意", weight=9))
    of_level = view.level_why if not rises and view.level == view.proposed_level else None
    if not _is_judged(view) and (why := _why(of_level, view.reasons)):
        blocks.append(Block(why, label="依据", weight=8))
    if view.must_answer and any(limit.step is Step.RESPOND for limit in view.deadlines):
        blocks.append(Block(_owed(view), label="应当回应", weight=7))
    if view.suggestion is not None:
        other = view.suggestion.other
        blocks.append(
            Block(f"可能与 {other.number}「{other.title}」是一件事：{view.suggestion.why}", weight=8)
        )
    if view.earlier is not None:
        old = view.earlier
        since = f"{old.opened_at.astimezone(office.zone):%Y-%m-%d}，{STATE_NAMES[old.state]}"
        blocks.append(Block(f"{old.number}「{old.title}」（{since}）", label="此前同地同类", weight=7))
    if view.first_url:
        of = f"（共 {view.items} 条）" if view.items > 1 else ""
        blocks.append(Block(f"打开首条信息{of}", label="原文", url=view.first_url, weight=8))
    if view.lead is not None and view.state in UNJUDGED and view.legacy is None:
        age = view.opened_at - view.lead.at
        if age >= OLD_AFTER:
            day = f"{view.lead.at.astimezone(office.zone):%Y-%m-%d}"
            blocks.append(
                Block(f"首条发布于 {day}，{age.days} 天前，请核对是不是旧文重发", label="留意", weight=8)
            )
    return blocks


def detail(view: CaseView, sources: Mapping[str, str]) -> list[Block]:
    """Give the rest of what is known of a matter, folded: how its first text goes, its spread, tone and rules."""
    blocks = [Block(_told_in(view.lead), weight=2)] if view.lead else []
    names = "、".join(source_name(s, sources) for s in view.sources[:SOURCES_NAMED])
    more = " 等" if len(view.sources) > SOURCES_NAMED else ""
    seen = f"{view.items} 条，{len(view.sources)} 个来源（{names}{more}）{spread(view)}"
    blocks.append(Block(seen, label="信息", weight=6))
    bands = "，".join(f"{BAND_NAMES[b]} {n}" for b, n in view.bands.items() if n)
    told = [f"{bands}（机器判断，仅供参考）"] if bands else []
    if view.said_band is None and view.lead is not None and view.lead.evidence:
        told.append(f"首条依据：{'、'.join(view.lead.evidence)}")
    if view.said_band is not None:
        told.append(f"首条经人认定：{BAND_NAMES[view.said_band]}")
    if told:
        blocks.append(Block("；".join(told), label="情绪", weight=4))
    if _is_judged(view) and view.level_why and view.level == view.proposed_level:
        blocks.append(Block(view.level_why, label="定级依据", weight=5))
    if view.reasons:
        blocks.append(Block(_reasons(view.reasons), label="研判依据", weight=5))
    if view.legacy is not None and view.legacy.told:
        told = [f"{name}：{excerpt(text)}" for name, text in view.legacy.told.items()]
        blocks.append(Block("\n".join(told), label="旧台账", weight=4))
    if view.answer_kind is not None:
        blocks.append(Block(ANSWER_KIND_NAMES[view.answer_kind], label="回应类型", weight=5))
    return folded(blocks)


def out_still(view: CaseView, office: Office, *, in_private: bool = False) -> list[Block]:
    """Say of an answer that is out while the next one is worked on where it stands, until when, and whether it is put right.

    Why the matter was taken up again is for one person.
    """
    if not view.is_out_still or view.released_at is None:
        return []
    at = local(view.released_at, office)
    if view.release_url:
        blocks = [Block(f"{at} {view.released_by} 确认", label="原答复", url=view.release_url, weight=9)]
        told = "原答复仍在网上，新答复发布后才替换"
        told += "；不宜再留的，请发布单位先撤下" if view.is_correction else ""
    else:
        done = f"{at} {view.released_by} 确认已答复当事人（{view.released_as}）"
        blocks, told = [Block(done, label="原答复", weight=9)], "新答复须再告知当事人"
    blocks.append(Block(told, label="更正" if view.is_correction else "", weight=9))
    last = view.again[-1] if view.again else None
    if in_private and last is not None and last.done_at is not None:
        why = f"{last.by} {local(last.done_at, office)}：{last.text}"
        blocks.append(Block(why, label=COMMAND_NAMES[last.kind], weight=8))
    return blocks


def _is_judged(view: CaseView) -> bool:
    """Tell whether a unit has the matter: why it was sent there decides nothing any more."""
    return view.slip is not None and view.slip.returned_at is None and view.state is not State.WATCHING


def _owed(view: CaseView) -> str:
    """Say on what ground a matter must be answered, and whether that is only proposed."""
    ground = OWED_NAMES[view.owed] if view.owed else "是"
    is_proposed = view.state in UNJUDGED and view.owed is not Owed.PERSON
    return f"{ground}（建议）" if is_proposed else ground


def _proposed_unit(view: CaseView) -> list[Block]:
    """Say to which unit of its channel a matter is proposed, and why, while nobody has sent it to one."""
    competent = view.competent.get(view.channel)
    if competent is None or view.state not in {*UNJUDGED, State.WATCHING}:
        return []
    return [
        Block(f"{competent.unit}（{competent.why or '没有更合适的单位'}）", label="责任单位建议", weight=8)
    ]


def channel_name(view: CaseView, office: Office) -> str:
    """Name the channel of a case with its unit: 信访（县信访局）; of several units the chosen one, none before that."""
    channel = office.channels.get(view.channel)
    if channel is None:
        return view.channel
    unit = unit_name(view, channel)
    return f"{channel.name}（{unit}）" if unit else channel.name


def unit_name(view: CaseView, channel: Channel) -> str:
    """Name the unit of a channel that has a case, or that it was submitted for; empty while one of several is to be chosen."""
    if not channel.bodies:
        return channel.unit
    if view.state is State.TO_ORDER:
        asked = [p.text for p in view.papers if p.kind is Command.SUBMIT and p.channel == channel.key]
        return asked[-1] if asked and asked[-1] in channel.units() else channel.unit
    slip = view.slip
    return slip.unit if slip and slip.channel == channel.key and slip.returned_at is None else ""


def _goes_to(view: CaseView, office: Office) -> str:
    known = [
        office.channels[key].name for key in view.copies if key in office.channels and key != view.channel
    ]
    return channel_name(view, office) + (f"，抄送 {'、'.join(known)}" if known else "")


def _area(view: CaseView) -> str | None:
    """Give the subject area, with the rule's own word for the topic: 水电气暖（供水）."""
    both = view.subject and view.topic and view.topic != view.subject
    return f"{view.subject}（{view.topic}）" if both else view.subject or view.topic


def _told_in(lead: ItemLine) -> str:
    """Give how a text begins; of one that goes on, the sentence that sounds worst too, unless it was just told."""
    beginning, worst = excerpt(lead.text), excerpt(lead.quote)
    is_new = worst not in f"{excerpt(lead.title)}\n{beginning}"
    return f"{beginning}\n……{worst}" if beginning.endswith("…") and is_new else beginning


def excerpt(text: str) -> str:
    """Give how a text begins, in one line."""
    line = " ".join(text.split())
    return line[:EXCERPT] + ("…" if len(line) > EXCERPT else "")


def _why(of_level: str | None, reasons: Sequence[ReasonView]) -> str:
    """Give what set the level and the reason that decided; a rule that did both is named once."""
    decided = "" if of_level and _names_first(of_level, reasons) else deciding(reasons)
    return "；".join(filter(None, (of_level, decided)))


def _names_first(told: str, reasons: Sequence[ReasonView]) -> bool:
    return any(f"「{reason.rule}」" in told for reason in _telling(reasons)[:1])


def deciding(reasons: Sequence[ReasonView]) -> str:
    """Give the one reason that decided: what the rule is called, and the words that it met, or the kind of source."""
    for reason in _telling(reasons)[:1]:
        notes = _notes(reason)
        told = "、".join(reason.words[:DECIDING_WORDS]) or "，".join(notes)
        if told == reason.rule or any(note.startswith(TAG_NOTE) for note in notes):
            told = ""  # the name says it
        return f"{reason.rule}（{told}）" if told else reason.rule
    return ""


def _reasons(reasons: Sequence[ReasonView]) -> str:
    """Give the rules that decided and their words, each word once; all of them stand in `/why`.

    They come as they decided: level, lead, the rest. A rule that met no word and says nothing only holds others, and
    the place has a line of its own.
    """
    shown, said, left = list[str](), set[str](), 0
    for reason in _telling(reasons):
        words = [word for word in reason.words if word not in said]
        notes = [note for note in _notes(reason) if note not in said]
        if shown and not words and set(notes) <= _WHERE:
            continue  # it met what others met
        if len(shown) == REASONS_SHOWN:
            left += 1
            continue
        said.update(words[:REASON_WORDS], notes)
        shown.append(_told(reason, words[:REASON_WORDS], notes))
    return "；".join(shown) + (f"；另 {left} 条，见 /why" if left else "")


def _told(reason: ReasonView, words: Sequence[str], notes: Sequence[str]) -> str:
    """Tell one reason; a kind of source comes before the words, for they did not decide."""
    tags = [note for note in notes if note.startswith(TAG_NOTE)]
    met = "、".join(words)
    if tags and met:
        met = f"提到{met}"
    told = "，".join(filter(None, (*tags, met, *(note for note in notes if note not in tags))))
    called = reason.rule if reason.rule in _NO_RULES else f"规则「{reason.rule}」"
    return f"{called}：{told}" if told else called


def _telling(reasons: Sequence[ReasonView]) -> Sequence[ReasonView]:
    return [reason for reason in reasons if reason.words or not set(_notes(reason)) <= _WHERE] or reasons


def _notes(reason: ReasonView) -> list[str]:
    return [note for note in reason.note.split("；") if note and not note.startswith((PLACE_NOTE, NEAR_NOTE))]
