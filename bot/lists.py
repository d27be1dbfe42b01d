"""What is about many matters or none: the open list, the digest, what was read after a gap, help, an invitation. Pure."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.buttons import INVITE, Wish, token_of
from bot.chat import Block, Button, Card, Form, Tone
from bot.names import LEVEL_NAMES, ROLE_NAMES, STEP_NAMES, how_long, level_tag, local, source_name
from bot.render import effect_line
from bot.replayed import lessons_lines
from routing.catchup import Summary
from routing.digest import ChannelLine, Digest, Rate, UnitLine
from routing.lessons import Lessons
from routing.office import Level, Office
from routing.people import Invitation
from routing.presence import Absence
from routing.workflow import STATE_NAMES

CAUGHT_UP_SHOWN, CAUGHT_UP_SOURCES = 10, 3


_ONE_MORE = "确认后，这个账号与他已有的账号权限相同。"


def invite_card(invitation: Invitation) -> Card:
    """Ask an administrator whether the account that used a code is the person it was made for."""
    roles = "、".join(ROLE_NAMES[role] for role in invitation.roles)
    blocks = (
        Block("有人要添加账号" if invitation.adds_account else "有人使用邀请码", Form.TITLE),
        Block(f"{invitation.name}（{roles}）", label="邀请对象"),
        Block(invitation.shown_name, label="账号显示名"),
        Block(f"请与本人核实后确认。{_ONE_MORE if invitation.adds_account else ''}", Form.NOTE),
    )
    choices = (("确认是本人", "yes", Tone.GOOD), ("拒绝", "no", Tone.DANGER))
    buttons = tuple(
        Button(text, token_of(Wish(INVITE, invitation.id, arg=arg)), tone) for text, arg, tone in choices
    )
    return Card(blocks, (buttons,))


def catch_up(summary: Summary, office: Office, sources: Mapping[str, str]) -> Card:
    """Give the summary of what was read after a gap; `sources` names the sources by id."""
    head = (
        f"📥 补读：{_between(summary.since, summary.until, office)} 未能读取"
        f"（{how_long(summary.until - summary.since)}），读到 {summary.read} 条，{_new_matters(summary)}"
    )
    shown = summary.matters[:CAUGHT_UP_SHOWN]
    lines = [Block(f"{level_tag(m.level)} {m.number} {m.title}") for m in shown]
    if len(summary.matters) > len(shown):
        lines.append(Block(f"等 {len(summary.matters)} 件，全部见 /open"))
    names = "、".join(source_name(name, sources) for name in summary.sources[:CAUGHT_UP_SOURCES])
    more = f"等 {summary.source_count} 个" if summary.source_count > CAUGHT_UP_SOURCES else ""
    blocks = [Block(head, weight=9), *lines, Block(f"{names}{more}", Form.NOTE, label="来源", weight=3)]
    if any(matter.level > Level.II for matter in summary.matters):
        blocks.append(Block("Ⅲ、Ⅳ级事项的卡片随后发出，不再响铃。", Form.NOTE, weight=2))
    return Card(tuple(blocks))


def away(absence: Absence, office: Office, *, for_duty: bool) -> Card:
    """Give an absence of the service: to the duty group which limits passed, to the operator what else fell due."""
    span, passed = _between(absence.since, absence.until, office), absence.passed
    head = f"⚠️ 服务中断：{span}（{how_long(absence.until - absence.since)}），现已恢复；"
    head += f"期间有 {absence.limits} 个时限到期：" if absence.limits else "期间没有时限到期。"
    blocks = [Block(head, weight=9)]
    blocks += [
        Block(
            f"{level_tag(p.level)} {p.number} {STEP_NAMES[p.step]} {local(p.due_at, office)} 到期　{p.title}"
        )
        for p in passed[:CAUGHT_UP_SHOWN]
    ]
    if absence.limits > CAUGHT_UP_SHOWN:
        blocks.append(Block(f"等 {absence.limits} 个，全部见 /open"))
    if for_duty:
        blocks.append(Block("各责任人的提醒随后补发。", Form.NOTE, weight=2))
        return Card(tuple(blocks))
    steps = "、".join(f"{name} {count}" for name, count in absence.steps.items())
    counts = (
        ("到点待办", steps),
        ("待发消息", f"{absence.waiting} 条，随后发出" if absence.waiting else ""),
        ("过期消息", f"{absence.expired} 条，在各群补报" if absence.expired else ""),
        ("待读来源", f"{absence.sources} 个，随后补读" if absence.sources else ""),
    )
    blocks += [Block(text, label=label, weight=5) for label, text in counts if text]
    blocks.append(Block("中断的原因请看系统日志（如 journalctl -u yuqing）。", Form.NOTE, weight=2))
    return Card(tuple(blocks))


def _new_matters(summary: Summary) -> str:
    if not summary.matters:
        return "没有新事项"
    by_level = Counter(matter.level for matter in summary.matters)
    told = "、".join(f"{LEVEL_NAMES[level].split()[0]} {by_level[level]}" for level in sorted(by_level))
    return f"新事项 {len(summary.matters)} 件（{told}）："


def _between(since: datetime, until: datetime, office: Office) -> str:
    """Give a span in the office's zone: `07:10–15:32`, with dates where it passes midnight."""
    first, last = since.astimezone(office.zone), until.astimezone(office.zone)
    if first.date() == last.date():
        return f"{first:%H:%M}–{last:%H:%M}"
    return f"{first:%m-%d %H:%M}–{last:%m-%d %H:%M}"


def digest_card(digest: Digest, office: Office, lessons: Lessons | None = None) -> Card:
    """Give a week in numbers: by channel, never by person (国办函〔2026〕12号); and what its corrections teach."""
    first, last = (
        digest.start.astimezone(office.zone),
        (digest.end - timedelta(seconds=1)).astimezone(office.zone),
    )
    levels = "、".join(f"{level_tag(level)} {n}" for level, n in digest.by_level.items() if n)
    blocks = [
        Block(
            f"📊 {'舆情日报' if first.date() == last.date() else '舆情周报'} {digest.span}",
            Form.TITLE,
            weight=9,
        ),
        Block(
            f"{digest.office}　{first:%m-%d}" + ("" if first.date() == last.date() else f" 至 {last:%m-%d}"),
            Form.NOTE,
            weight=9,
        ),
        Block(f"{digest.opened} 件" + (f"（{levels}）" if levels else ""), label="新增事项", weight=9),
        Block(
            f"采集 {digest.items_seen} 条"
            + (f"（其中接入时的存量 {digest.items_stock} 条）" if digest.items_stock else "")
            + f"，不成事项 {digest.items_no_matter} 条",
            label="信息",
            weight=4,
        ),
        Block(str(digest.signed), label="及时签收率", weight=8),
        Block(str(digest.answered), label="按时回应率", weight=8),
        Block(
            str(digest.closed) + (f"，其中延期后 {digest.extended} 件" if digest.extended else ""),
            label="按时办结率",
            weight=8,
        ),
        Block(f"{digest.open_now} 件，超期 {digest.overdue_now} 件", label="未办结", weight=9),
        *(_channel_line(line) for line in digest.channels),
        *(_unit_line(line) for line in digest.units),
    ]
    blocks += [
        Block(
            f"{level_tag(m.level)} {m.number}【{STATE_NAMES[m.state]}】{m.title}（{m.items} 条）",
            label="重点",
            weight=5,
        )
        for m in digest.top
    ]
    blocks += [
        Block(f"{one.number} {one.title}：{effect_line(one.effect)}", label="回应效果", weight=4)
        for one in digest.effects
    ]
    late = [overdue for line in digest.channels for overdue in line.overdue_now]
    blocks += [
        Block(f"{o.number} {o.title}：{'、'.join(STEP_NAMES[s] for s in o.steps)}", label="超期", weight=6)
        for o in late[:10]
    ]
    blocks += [
        Block(
            f"{m.number} {m.title}（{m.channel}）：{STEP_NAMES[m.step]}红色督办后仍未办",
            label="通报",
            weight=8,
        )
        for m in digest.bulletin
    ]
    if digest.dismissed:
        told = "、".join(f"{reason} {count}" for reason, count in digest.dismissed)
        blocks.append(Block(told, label="不予受理", weight=3))
    if held := _held(digest):
        blocks.append(Block(held, label="未单独提醒", weight=4))
    if lessons is not None:
        blocks += [Block(text, label=label, weight=3) for label, text in lessons_lines(lessons, office)]
    return Card(tuple(blocks))


def _held(digest: Digest) -> str:
    """Say what was not announced by itself; nothing where all was."""
    told = []
    if digest.mutes or digest.muted:
        told.append(f"静音 {digest.mutes} 次，涉及 {digest.muted} 件")
    if digest.beside:
        told.append(f"并列在大事项卡片上 {digest.beside} 件")
    if digest.doubted:
        told.append(f"疑似同一事项 {digest.doubted} 件，其中到时无人判断 {digest.undecided} 件")
    return "；".join(told)


def _unit_line(line: UnitLine) -> Block:
    text = f"转办 {line.dispatched}{_rate('签收', line.signed)}{_rate('办结', line.closed)}，未办结 {line.open_now}"
    if line.overdue_now:
        text += f"，超期 {line.overdue_now}"
    return Block(text, label=f"{line.name}（{line.channel}）", weight=5)


def _rate(name: str, rate: Rate) -> str:
    """Say how many limits of a line were met; nothing where none was due."""
    return f"，{name} {rate}" if rate.due else ""


def _channel_line(line: ChannelLine) -> Block:
    text = f"新增 {line.opened}，转办 {line.dispatched}{_rate('签收', line.signed)}，未办结 {line.open_now}"
    if line.overdue_now:
        text += f"，超期 {len(line.overdue_now)}"
    return Block(text, label=line.name, weight=7)
