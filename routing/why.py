"""Every step that one item or case took, and why: what the record and the rows say, oldest first.

Of an address that is not stored it tells how the source stands that should have brought it.

Codes are told as they are stored, and instants in UTC, unless the caller gives `Words` for them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from routing.ailments import DESK
from routing.deliveries import ACTIONS
from routing.grouping import origin_of
from routing.ledger import entries
from routing.outbox import QUIET_UNTIL, SILENT
from routing.store.tables import (
    AilmentRow,
    CaseItemRow,
    CaseRow,
    DeadlineRow,
    Found,
    ItemRow,
    OutboxRow,
    Outcome,
    SourceRow,
)
from routing.traces import named
from routing.views import find_case

FOUND = {
    Found.WINDOW: "首次接入时已有，发布时间在来源的新闻窗口内，按新信息处理",
    Found.CATCH_UP: "来源中断后补读到的",
    Found.PUSH: "由对方系统推送",
    Found.ADOPTED: "来源换了编号，原编号 {old}",
}
OUTCOMES = {
    Outcome.CASE: "成为事项",
    Outcome.NONE: "不成事项",
    Outcome.BASELINE: "首次接入时已有，记为存量",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step: when (aware UTC, None where no time is kept), what kind, and the detail (Chinese)."""

    at: datetime | None
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class Words:
    """How a reader is told codes and instants. The plain one leaves codes as stored, for machines.

    `labels`: key of a ledger line -> its name. `values`: what a code is of (action, step, chat, …) -> code -> name.
    `others`: how a code of a kind is told that has no name. `zone_mark` stands behind every time of day; entries of the
    record under `hidden` are not told. Under `tags` the sources' tags stand, under `address` where each is read, both by
    source.
    """

    zone: tzinfo = UTC
    zone_mark: str = " UTC"
    labels: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset(
        {"person", "roles", "chats", "group", "stage", "text_sha256", "batch", "digest"}
    )

    def name(self, of: str, code: object) -> str:
        """Name a code; one that is not known is told as others of its kind, or given back as it is."""
        return self.values.get(of, {}).get(str(code), self.others.get(of, str(code)))

    def source(self, source_id: str) -> str:
        """Name a source; a comment feed of one is told as its comments."""
        return named(source_id, self.values.get("source", {}))

    def at(self, moment: datetime, form: str) -> str:
        """Write an instant (aware) in the reader's zone."""
        return f"{moment.astimezone(self.zone):{form}}{self.zone_mark}"

    def entry(self, key: str, value: object) -> str:
        """Tell one entry of a ledger line: `key=value`, or in words where the key has a name."""
        if key not in self.labels:
            return f"{key}={value}"
        if isinstance(value, list):
            told = "；".join(self.name(key, each) for each in value)
        elif key.endswith("_at"):
            told = self.at(datetime.fromisoformat(str(value)), "%m-%d %H:%M")
        else:
            told = self.name(key, value)
        return f"{self.labels[key]} {told}"


PLAIN = Words()

_MOST_SOURCES = 5


def explain(session: Session, key: str, words: Words = PLAIN) -> list[Step]:
    """Explain an address, an item's external id, or a case number; empty where nothing is known of it.

    An address that was never read is explained by the sources that are read from its site, or by there being none.
    """
    case_id = find_case(session, key)
    items = _named(session, key)
    if not items and case_id is None and (others := _other_spellings(key)):
        items = list(session.scalars(select(ItemRow).where(ItemRow.url.in_(others))))
    if case_id is not None and not items:
        items = list(
            session.scalars(
                select(ItemRow)
                .join(CaseItemRow, CaseItemRow.item_id == ItemRow.id)
                .where(CaseItemRow.case_id == case_id)
                .order_by(ItemRow.id)
            )
        )
    steps = [step for item in items for step in _item_steps(session, item, words)]
    case_ids = dict.fromkeys(
        [case_id] if case_id is not None else [c for i in items if (c := _case_of(session, i)) is not None]
    )
    for each in case_ids:
        steps += _case_steps(session, each, words)
    return steps or list(_missing_steps(session, key, words))


def _named(session: Session, key: str) -> list[ItemRow]:
    """Give the items of an address or an external id, by the indexes of both: asked for in one question none is used."""
    of_id = ItemRow.source_id.in_(_bringing()) & (ItemRow.external_id == key)
    found = [session.scalars(select(ItemRow).where(wanted)).all() for wanted in (ItemRow.url == key, of_id)]
    return sorted({item for items in found for item in items}, key=lambda item: item.id)


def _bringing() -> Select[tuple[str | None]]:
    """Select the sources that items are of, from one to the next in the index rather than item by item."""
    first = select(func.min(ItemRow.source_id).label("id")).cte(recursive=True)
    later = select(func.min(ItemRow.source_id)).where(ItemRow.source_id > first.c.id).scalar_subquery()
    return select(first.union_all(select(later).where(first.c.id.is_not(None))).c.id)


_TRACKING = re.compile(r"(?:utm_\w+|spm)(?:=|$)")


def _other_spellings(key: str) -> list[str]:
    """Give how else an address may be written that somebody copied: http or https, with a / at its end or none.

    What only says where a click came from, and a mark of a place in the page, may have been added to it, too.
    """
    scheme, mark, rest = key.strip().partition("://")
    if not mark or scheme.lower() not in {"http", "https"}:
        return []
    bare = rest.partition("#")[0]
    path, _, query = bare.partition("?")
    kept = "&".join(one for one in query.split("&") if one and not _TRACKING.match(one))
    plain = f"{path}?{kept}" if kept else path
    ways = {rest, bare, plain, *(plain.rstrip("/") + end for end in ("", "/") if not kept)}
    return sorted({f"{either}://{way}" for either in ("http", "https") for way in ways} - {key})


def _case_of(session: Session, item: ItemRow) -> int | None:
    return session.scalar(select(CaseItemRow.case_id).where(CaseItemRow.item_id == item.id))


def _item_steps(session: Session, item: ItemRow, words: Words) -> Iterator[Step]:
    title = (item.title or item.text)[:40]
    published = (
        f"，发布于 {words.at(item.published_at, '%Y-%m-%d %H:%M')}"
        if item.published_at
        else f"，{item.date_note}"
    )
    origin = origin_of(item.source_id)
    yield Step(
        item.first_seen_at,
        "读到",
        f"来源 {words.source(item.source_id)}，编号 {item.external_id}：{title}{published}",
    )
    if tags := words.values.get("tags", {}).get(origin):
        yield Step(None, "标签", tags)
    for code in item.found or ():
        name, _, old = code.partition(":")
        yield Step(None, "来路", FOUND[Found(name)].format(old=old))
    for ailment in _ailments(session, item.source_id):
        yield _ailing(ailment, words)
    if item.revision > 1:
        yield Step(None, "修改", f"第 {item.revision} 版")
    if item.masked:
        yield Step(None, "隐去", "、".join(item.masked))
    if item.scorer:
        band = words.name("band", item.sentiment_band)
        because = f"（依据：{'、'.join(item.evidence)}）" if item.evidence else ""
        by = words.name("scorer", item.scorer)  # empty where who reads is not to be told
        yield Step(None, "情绪", "，".join(filter(None, [f"{band}{because}", by])))
    else:
        yield Step(None, "情绪", "没有可判断的内容")
    rules = "；".join(_reason(reason) for reason in item.reasons)
    yield Step(None, "规则", f"{rules}（规则版本 {item.rules_version[:8]}）")
    joined = session.get(CaseItemRow, item.id)
    if joined is not None:
        case = session.get_one(CaseRow, joined.case_id)
        yield Step(joined.at, "归并", f"{case.number}：{joined.why}（把握 {joined.certainty:.2f}）")
    else:
        yield Step(None, "结果", OUTCOMES[item.outcome])


def _missing_steps(session: Session, key: str, words: Words) -> Iterator[Step]:
    """Tell of an address that is not stored how the sources stand that are read from its site."""
    host = _host(key)
    own = [name for name, address in words.values.get("address", {}).items() if address == key]
    concerned = own or (_sources_of(session, host, words) if host else [])
    for ailment in _ailments(session, DESK) if concerned else ():
        yield _ailing(ailment, words)
    if own:
        yield Step(None, "来源", "这是来源本身的地址，不是一条信息的地址")
    elif concerned:
        yield Step(None, "没有收到", f"库里没有这个地址。同一网站 {host} 由下列来源读取")
    elif host and words.values.get("address"):  # else it is not known here which sources are configured
        yield Step(
            None,
            "没有收到",
            f"库里没有这个地址，也没有来源读取网站 {host}。要监看它，请运维在 sources.toml 里加一个来源",
        )
    rows = {row.id: row for row in session.scalars(select(SourceRow).where(SourceRow.id.in_(concerned)))}
    ills = {source_id: _ailments(session, source_id) for source_id in concerned}
    # Those that ail first: one of them is likely the reason.
    ranked = sorted(concerned, key=lambda one: (not ills[one] and not (one in rows and rows[one].fault), one))
    for source_id in ranked[:_MOST_SOURCES]:
        yield Step(None, "来源", f"{words.source(source_id)}（{source_id}）")
        row = rows.get(source_id)
        if row is None:
            yield Step(None, "状态", "从未读取过：服务可能还没有运行到它")
            continue
        yield _state(row, words)
        if row.fault is not None:
            yield Step(row.fault_since, "来源故障", row.fault_detail or row.fault)
        for ailment in ills[source_id]:
            yield _ailing(ailment, words)
    if (left := len(ranked) - _MOST_SOURCES) > 0:
        yield Step(None, "来源", f"另有 {left} 个来源读取这个网站，用 yuqing sources 查看")


def _state(row: SourceRow, words: Words) -> Step:
    told = []
    if row.last_new_at is not None:
        told.append(f"自 {words.at(row.last_new_at, '%m-%d %H:%M')} 起没有新信息")
    if row.next_poll_at is not None:
        told.append(f"下次读取 {words.at(row.next_poll_at, '%m-%d %H:%M')}")
    if row.failures:
        told.insert(0, f"已连续失败 {row.failures} 次")
    if not row.baseline_done and row.last_ok_at is not None:
        told.append("首次接入的存量还没有读完")
    last = f"上次成功读取 {words.at(row.last_ok_at, '%m-%d %H:%M')}" if row.last_ok_at else "从未成功读取"
    return Step(row.last_ok_at, "状态", "，".join([last, *told]))


def _ailing(row: AilmentRow, words: Words) -> Step:
    name = words.name("ailment", row.ailment)
    return Step(row.since, "来源异常", f"{name}：{row.detail}。{row.cure}")


def _ailments(session: Session, source_id: str) -> Sequence[AilmentRow]:
    return session.scalars(
        select(AilmentRow).where(AilmentRow.source_id == source_id).order_by(AilmentRow.since)
    ).all()


def _sources_of(session: Session, host: str, words: Words) -> list[str]:
    """Name the sources that are read from a site, or brought texts from it."""
    configured = {name for name, address in words.values.get("address", {}).items() if _host(address) == host}
    asked = session.execute(select(SourceRow.id, SourceRow.validator_url))
    answered = {row.id for row in asked if row.validator_url and _host(row.validator_url) == host}
    # By letter, as the index has them: in a language's order PostgreSQL goes by none. "0" is what follows "/".
    from_on, below = (">=", "<") if session.get_bind().dialect.name == "sqlite" else ("~>=~", "~<~")
    brought: set[str] = set()
    for scheme in ("http", "https"):  # one range at a time is read in the index alone
        start = f"{scheme}://{host}"
        there = ItemRow.url.bool_op(from_on)(f"{start}/") & ItemRow.url.bool_op(below)(f"{start}0")
        brought |= set(session.scalars(select(ItemRow.source_id).where(there).distinct()))
    return sorted(configured | answered | brought)


def _host(address: str) -> str:
    """Give host and port of an address as it is written there; empty for anything else."""
    scheme, mark, rest = address.partition("://")
    return rest.partition("/")[0].lower() if mark and scheme in {"http", "https"} else ""


def _case_steps(session: Session, case_id: int, words: Words) -> Iterator[Step]:
    for line in entries(session, case_id):
        if line["action"] in ACTIONS.values():
            continue  # the messages themselves are below
        told = "，".join(words.entry(k, v) for k, v in line["data"].items() if k not in words.hidden)
        action = words.name("action", line["action"])
        yield Step(line["at"], f"台账 {line['seq']}", f"{line['actor']} {action}{'：' if told else ''}{told}")
    limits = select(DeadlineRow).where(DeadlineRow.case_id == case_id).order_by(DeadlineRow.id)
    for row in session.scalars(limits):
        state = "进行中" if row.ended_at is None else ("按时" if row.met else "超期")
        yield Step(
            row.started_at,
            "时限",
            f"{words.name('step', row.step)} 到 {words.at(row.due_at, '%m-%d %H:%M')}，已提醒 {row.reminded} 次，{state}",
        )
    for message in session.scalars(
        select(OutboxRow).where(OutboxRow.case_id == case_id).order_by(OutboxRow.id)
    ):
        kind, chat = words.name("kind", message.kind), words.name("chat", message.chat)
        told = f"{kind} 到 {chat}：{words.name('sending', message.state)}，第 {message.attempts} 次"
        if quiet_until := message.payload.get(QUIET_UNTIL):
            until = datetime.fromisoformat(str(quiet_until))
            told += f"，免打扰时段，等到 {words.at(until, '%m-%d %H:%M')} 再发"
        if message.payload.get(SILENT):
            told += "，夜间或非办公时间不响铃"
        if message.last_error:
            told += f"，{message.last_error}"
        yield Step(message.created_at, "消息", told)


def _reason(reason: dict[str, object]) -> str:
    words = reason.get("words")
    told = "、".join(map(str, words)) if isinstance(words, list) else ""
    return f"{reason.get('name', '')}{'：' + told if told else ''} {reason.get('note', '')}".strip()
