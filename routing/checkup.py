"""What the rows say of the health of the desk, a line a thing: for `yuqing doctor`. Reads only, asks no network.

Each function looks at one thing and needs nothing of the others, so that one that fails costs one line.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from routing import duty, people, roster, source_list, takeover
from routing.ailments import DESK
from routing.auditor import STUCK_AFTER
from routing.items import Ailment
from routing.ledger import Ledger
from routing.office import Office, Role
from routing.roster_watch import Reach, reach
from routing.store.tables import (
    AccountRow,
    AilmentRow,
    Base,
    CaseRow,
    ChatRow,
    DeadlineRow,
    DutyCallRow,
    HandoverRow,
    InboxRow,
    ItemRow,
    LedgerRow,
    OutboxRow,
    PaperRow,
    PersonRow,
    PromiseRow,
    Sending,
    SubstitutionRow,
    SupervisionRow,
)

AHEAD = timedelta(minutes=1)
LATE = timedelta(minutes=10)
FAILING = 3
NAMED = 5
DAY = timedelta(days=1)
SERVICE = "请看服务是否在运行、日志有无报错"


class Verdict(StrEnum):
    """How a thing is."""

    WELL = "well"
    MIND = "mind"  # works, but somebody should look
    BAD = "bad"  # does not work


@dataclass(frozen=True, slots=True)
class Look:
    """One thing looked at: how it is, what was seen, and the cure where it is not well (Chinese, no secrets)."""

    what: str
    verdict: Verdict
    value: str
    cure: str = ""


def record(session: Session, ledger: Ledger, *, whole: bool) -> list[Look]:
    """Look at the ledger: the whole of it, as `yuqing audit verify` does, or its end."""
    found = ledger.verify(session) if whole else ledger.verify_end(session)
    if found.broken is not None:
        value = f"第 {found.broken.seq} 行不符：{found.broken.reason}"
        return [Look("台账", Verdict.BAD, value, "运行 yuqing audit verify 核验全部；先不要改动数据库")]
    part = "全部" if whole else "末尾"
    return [Look("台账", Verdict.WELL, f"{part} {found.lines} 行相符" if found.lines else "还没有记录")]


def clock(session: Session, now: datetime, zone: tzinfo) -> list[Look]:
    """Look for rows from the future, a database server with other time, and sources that say ours is wrong."""
    here = f"本机 {now.astimezone(zone):%Y-%m-%d %H:%M:%S}"
    cure = "请核对服务器时间，打开自动校时（timedatectl set-ntp true）"
    newest = max((at for at in _newest(session) if at is not None), default=now)
    if newest > now + AHEAD:
        value = f"{here}，库里却有 {newest.astimezone(zone):%Y-%m-%d %H:%M} 的记录：时钟被拨回过，或曾经走快"
        return [Look("时钟", Verdict.BAD, value, cure)]
    if session.get_bind().dialect.name == "postgresql":
        off_s = abs((session.execute(select(func.clock_timestamp())).scalar_one() - now).total_seconds())
        if off_s > AHEAD.total_seconds():
            return [Look("时钟", Verdict.BAD, f"{here}，与数据库服务器差 {off_s:.0f} 秒", cure)]
    drifting = _count(session, AilmentRow, AilmentRow.ailment == "drift")
    if drifting > 1:
        return [Look("时钟", Verdict.MIND, f"{here}，{drifting} 个来源的时钟与本机不符", cure)]
    return [Look("时钟", Verdict.WELL, here)]


def in_force(session: Session, zone: tzinfo) -> list[Look]:
    """Tell of an edit of the configuration that the service refused; no line where none was, for then the files hold."""
    refused_at = takeover.refused_at(session)
    if refused_at is None:
        return []
    value = f"{refused_at.astimezone(zone):%m-%d %H:%M} 的改动没有生效，服务仍按原配置运行；这里按文件显示"
    return [Look("配置", Verdict.MIND, value, "看运维群里的说明，改正后几秒内生效")]


def sources(
    session: Session, watched: Sequence[str], pushed: Collection[str], now: datetime, zone: tzinfo
) -> list[Look]:
    """Look at what is remembered of the configured sources. `pushed`: those of them that nobody reads."""
    known = source_list.known(session, watched)
    looks = [
        Look("来源", Verdict.BAD, f"{ill.detail}", ill.cure)
        for ill in session.scalars(select(AilmentRow).where(AilmentRow.source_id == DESK))
    ]
    read = [one for one in watched if one not in pushed]
    never = [one for one in read if one not in known]
    late = [one for one in known.values() if one.next_poll_at is not None and one.next_poll_at < now - LATE]
    failing = sorted(one.source_id for one in known.values() if one.failures >= FAILING)
    refused = {
        one.source_id: ill for one in known.values() for ill in one.ills if ill.ailment is Ailment.REFUSED
    }
    ailing = sorted(
        one.source_id
        for one in known.values()
        if one.failures < FAILING and any(ill.ailment is not Ailment.REFUSED for ill in one.ills)
    )
    see = "用 yuqing sources 看原因和办法"
    if late:
        oldest = min(one.next_poll_at for one in late if one.next_poll_at is not None)
        value = f"{len(late)} 个到点没有读，最早应在 {oldest.astimezone(zone):%m-%d %H:%M}"
        looks.append(Look("来源", Verdict.BAD, value, SERVICE))
    if failing:
        verdict = Verdict.BAD if len(failing) * 2 > len(read) else Verdict.MIND
        looks.append(Look("来源", verdict, f"{len(failing)} 个连续失败：{_some(failing)}", see))
    if ailing:
        looks.append(Look("来源", Verdict.MIND, f"{len(ailing)} 个异常：{_some(ailing)}", see))
    for name, ill in sorted(refused.items()):
        looks.append(Look("来源", Verdict.MIND, f"{name} {ill.detail}", ill.cure))
    if never:
        verdict = Verdict.BAD if len(never) == len(read) else Verdict.MIND
        looks.append(Look("来源", verdict, f"{len(never)} 个从未读过：{_some(never)}", SERVICE))
    polled = max((one.polled_at for one in known.values() if one.polled_at is not None), default=None)
    last = f"，最近一次读取 {polled.astimezone(zone):%m-%d %H:%M}" if polled else ""
    return looks or [Look("来源", Verdict.WELL, f"{len(watched)} 个{last}")]


def homeless(session: Session, office: Office) -> list[Look]:
    """Look for matters that are with a channel which the files do not know; no line where there is none.

    The running service takes no such edit over, but one that was made while it was stopped is read as it is.
    """
    named = select(CaseRow.channel).union(select(PaperRow.channel))
    gone = [key for key in session.scalars(named) if key and key not in office.channels]
    return [
        Look(
            "渠道",
            Verdict.BAD,
            f"office.toml 里没有渠道 {key}，还有 {_some(numbers)} 在它那里",
            "把这个渠道写回 office.toml；要停用，先改派、退回或办结这些事项",
        )
        for key, numbers in takeover.in_hand(session, gone).items()
    ]


def chats(session: Session, office: Office) -> list[Look]:
    """Look for groups and people whom no message reaches; what the platform says now is for `yuqing check --live`."""
    rows = {row.ref: row for row in session.scalars(select(ChatRow))}
    groups = {office.duty_chat: "值班群", office.operator_chat: "运维群"}
    groups |= {channel.chat: f"{channel.name}承办群" for channel in office.channels.values()}
    looks = []
    for ref in sorted(office.chats()):
        row, name = rows.get(ref), f"{groups.get(ref, '群')} {ref}"
        moved = row.moved_to if row is not None else None
        shut = rows.get(moved) if moved else row
        if shut is not None and shut.closed_at is not None:
            value = f"{name} 发不进去：{shut.problem or '已关闭'}"
            looks.append(Look("会话", Verdict.BAD, value, "把机器人拉回群里，在群里发 /start"))
        elif moved:
            value = f"{name} 已升级，新群号 {moved}"
            looks.append(Look("会话", Verdict.MIND, value, "把 office.toml 里的群号改成新的"))
    ids = session.scalars(select(PersonRow.id).where(PersonRow.active)).all()
    lost = [people.name_of(session, one) for one, how in reach(session, ids).items() if how is not Reach.WELL]
    if lost:
        value = f"{len(lost)} 人联系不上：{_some(lost)}"
        looks.append(Look("会话", Verdict.MIND, value, "请本人在私聊里给机器人发 /start"))
    return looks or [Look("会话", Verdict.WELL, f"{len(office.chats())} 个群、{len(ids)} 人都能收到")]


def staff(session: Session, office: Office) -> list[Look]:
    """Look for work that nobody has the right to do."""
    wanted = {
        Role.DUTY: "值班员",
        Role.REVIEWER: "初审人",
        Role.SECRECY: "保密审查员",
        Role.LEADER: "分管领导",
        Role.ADMIN: "系统管理员",
    }
    missing = [name for role, name in wanted.items() if not people.holders(session, role)]
    missing += [
        f"{channel.name}联络员"
        for key, channel in office.channels.items()
        if not people.holders(session, Role.CONTACT, channel=key)
    ]
    if missing:
        return [Look("人员", Verdict.MIND, f"没有{'、'.join(missing)}", "用 yuqing people invite 邀请")]
    return [Look("人员", Verdict.WELL, f"{_count(session, AccountRow)} 个账号，各岗位都有人")]


def duty_now(session: Session, office: Office, now: datetime) -> list[Look]:
    """Look for gaps of the next day, where there is a roster at all."""
    if not duty.has_roster(session):
        return [Look("值班", Verdict.WELL, "没有值班表，不检查")]
    gaps = list(roster.gaps(duty.shifts(session, now, now + DAY), now, now + DAY))
    if not gaps:
        return [Look("值班", Verdict.WELL, "今后 24 小时没有空档")]
    begins, ends = (moment.astimezone(office.zone) for moment in gaps[0])
    value = f"{begins:%m-%d %H:%M} 至 {ends:%m-%d %H:%M} 无人值班"
    verdict = Verdict.BAD if gaps[0][0] <= now else Verdict.MIND
    return [Look("值班", verdict, value, "补排值班表，再用 yuqing roster check 核对")]


def outgoing(session: Session, now: datetime, zone: tzinfo) -> list[Look]:
    """Look for messages that should have gone and did not."""
    waiting = OutboxRow.state.in_([Sending.PENDING, Sending.SENDING])
    old = now - STUCK_AFTER
    # As the auditor asks: what quiet hours hold back has not been tried and may not go yet.
    is_stuck = (
        waiting,
        OutboxRow.created_at < old,
        or_(OutboxRow.attempts > 0, OutboxRow.next_attempt_at < old),
    )
    looks = []
    stuck, oldest = session.execute(
        select(func.count(), func.min(OutboxRow.created_at)).where(*is_stuck)
    ).one()
    if stuck:
        value = f"{stuck} 条超过 5 分钟没有发出，最早 {oldest.astimezone(zone):%m-%d %H:%M}"
        looks.append(Look("发件", Verdict.BAD, value, "请检查网络、令牌和服务是否在运行"))
    dead = _count(
        session, OutboxRow, OutboxRow.state == Sending.DEAD, OutboxRow.next_attempt_at > now - 7 * DAY
    )
    if dead:
        value = f"近 7 天有 {dead} 条确定发不出"
        looks.append(
            Look("发件", Verdict.MIND, value, "用 yuqing why 事项编号 看是哪个会话，再看上面的“会话”")
        )
    unnoted = _count(
        session,
        OutboxRow,
        OutboxRow.noted.is_(False),
        OutboxRow.state == Sending.SENT,
        OutboxRow.sent_at < now - LATE,
    )
    if unnoted:
        looks.append(Look("发件", Verdict.MIND, f"{unnoted} 条已发出而没有记入台账", SERVICE))
    return looks or [Look("发件", Verdict.WELL, f"待发 {_count(session, OutboxRow, waiting)} 条，没有积压")]


def left_over(session: Session) -> tuple[int, int]:
    """Count what waits in the database for the next start: messages to send, and presses and texts to handle."""
    return (
        _count(session, OutboxRow, OutboxRow.state.in_([Sending.PENDING, Sending.SENDING])),
        _count(session, InboxRow, InboxRow.done_at.is_(None)),
    )


def incoming(session: Session, now: datetime) -> list[Look]:
    """Look for presses and texts that were stored and not done, or failed."""
    waiting = _count(session, InboxRow, InboxRow.done_at.is_(None), InboxRow.received_at < now - STUCK_AFTER)
    if waiting:
        return [Look("群内操作", Verdict.BAD, f"{waiting} 条超过 5 分钟没有处理", SERVICE)]
    failed = _count(session, InboxRow, InboxRow.problem.is_not(None), InboxRow.done_at > now - DAY)
    if failed:
        return [Look("群内操作", Verdict.MIND, f"近一天有 {failed} 条处理失败", "请查日志")]
    return [Look("群内操作", Verdict.WELL, "没有积压")]


def limits(session: Session, now: datetime, zone: tzinfo) -> list[Look]:
    """Look for steps that were due and not taken: reminders, supervision, calls."""
    looks = []
    for name, table, is_open in _STEPS:
        at = table.__table__.c.next_at
        count, oldest = session.execute(
            select(func.count(), func.min(at)).where(at < now - STUCK_AFTER, *is_open)
        ).one()
        if count:
            value = f"{count} 个{name}到点没有处理，最早应在 {oldest.astimezone(zone):%m-%d %H:%M}"
            looks.append(Look("时限", Verdict.BAD, value, SERVICE))
    running = (DeadlineRow.ended_at.is_(None), DeadlineRow.paused_at.is_(None))
    total, over = (
        _count(session, DeadlineRow, *running, *more) for more in ((), (DeadlineRow.due_at < now,))
    )
    return looks or [Look("时限", Verdict.WELL, f"在办 {total} 个，其中超期 {over} 个，都已按时提醒")]


_STEPS: tuple[tuple[str, type[Base], tuple[ColumnElement[bool], ...]], ...] = (
    ("时限", DeadlineRow, (DeadlineRow.ended_at.is_(None),)),
    ("督办", SupervisionRow, ()),
    ("承诺提醒", PromiseRow, ()),
    ("叫人", DutyCallRow, ()),
    ("交接班提醒", HandoverRow, ()),
    ("顶岗", SubstitutionRow, ()),
)


def overdue_steps(session: Session, now: datetime) -> dict[str, int]:
    """Count the steps that are due at `now`, by kind (Chinese); kinds of which none is are left out."""
    found = {}
    for name, table, is_open in _STEPS:
        at = table.__table__.c.next_at
        count = session.scalar(select(func.count()).where(at <= now, *is_open))
        if count:
            found[name] = count
    return found


def _newest(session: Session) -> Iterator[datetime | None]:
    yield session.scalar(select(LedgerRow.at).order_by(LedgerRow.seq.desc()).limit(1))
    yield session.scalar(select(func.max(ItemRow.first_seen_at)))
    yield session.scalar(select(OutboxRow.created_at).order_by(OutboxRow.id.desc()).limit(1))


def _count(session: Session, table: type[Base], *where: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(table).where(*where)) or 0


def _some(names: Sequence[str]) -> str:
    more = f" 等 {len(names)} 个" if len(names) > NAMED else ""
    return "、".join(names[:NAMED]) + more
