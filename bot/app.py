"""The composition root: builds every object once and runs them together. The one file that knows all three folders."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from bot.changes import changes, message
from bot.chat import ChatPort, TokenRejected
from bot.compose import Composer
from bot.config import Configuration
from bot.door import StoreDoor, Terms
from bot.edition import Edition, House
from bot.half_number import HalfNumber
from bot.handlers.commands import OFFERS
from bot.heartbeat import Heartbeat
from bot.jobs import ClockWatch, Tick, TickWatch, schedule, watch_clock
from bot.pulse import Signs
from bot.receiver import Receiver
from bot.reload import Edit, Watcher, refusal, removed, waiting
from bot.replays import Replays
from bot.scoring import ModelWatcher, models_folder, scorer_of
from bot.sender import Pace, Sender
from bot.settings import Settings
from bot.storewatch import StoreWatch
from monitors.fetch import Fetcher
from monitors.inbox import Inbox
from monitors.masking import mask
from monitors.poll import Poller, SourceReport
from monitors.scoring import Leftovers
from monitors.sources import Source
from monitors.worker import Worker
from routing import (
    attest,
    auditor,
    calls,
    deadlines,
    deliveries,
    effect,
    handover,
    holding,
    office_opinions,
    outbox,
    people,
    promises,
    roster_watch,
    sources,
    substitution,
    supervision,
    takeover,
)
from routing.clock import Clock, Span, utc_now, week_of
from routing.clockstep import put_right
from routing.errors import Permanent, StoreDown, Transient
from routing.items import LEGACY
from routing.ledger import Ledger, Seal
from routing.office import Office
from routing.outbox import MessageKind, Priority
from routing.presence import DESK
from routing.store.engine import Store
from routing.store.lease import Lease, LeaseHeld
from routing.store.migrate import migrate, migrate_alone
from routing.store.tables import ItemRow

log = logging.getLogger(__name__)

Part = Literal["monitors", "bot"]

RELOAD_LOOK_S = 2.0
RECORDED = 200
"""So many changes of one edit stand in its ledger line."""
LOOK_AT_SOURCES_S = 15.0
NOTE_S = 2.0
LOOK_FOR_LEFTOVERS_S = 60.0
SILENT_AFTER = timedelta(minutes=2)
POLL_ROUNDS_AT_ONCE = 600
"""A slow source keeps its own round busy, not the next one's sources; the poller never takes one source twice."""


class App:
    """The whole service. `run` works until it is cancelled."""

    def __init__(
        self,
        settings: Settings,
        configuration: Configuration,
        chat: ChatPort,
        *,
        clock: Clock = utc_now,
        pace: Pace | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        """`watcher`: of the configuration's folder, from before that was read; None: what was edited since is not seen."""
        self._settings = settings
        self._chat = chat
        self._clock = clock
        self.store = Store(settings.database_url)
        self.ledger = ledger_of(settings)
        self._models = ModelWatcher(models_folder(settings))
        self._house = House(self.ledger, chat.platform, chat.link_to, _masked, _personal)
        self._edition = self._house.edition(configuration, self._models.opinions)
        self.sender = Sender(self.store, chat, self._office, self._composer, clock, pace=pace)
        self._door = StoreDoor(self.store, lambda: self._edition.terms, self.ledger, clock, self.sender.wake)
        self._poller: Poller | None = None
        self.ingest_port: int | None = None
        """Where pushes are taken, once that runs."""
        self._watcher = watcher or Watcher(settings.config)
        self._changing = asyncio.Lock()
        """Held while an edition is made of the one that is in force, so that rules and models never undo each other."""
        self._watching: list[Callable[[Sequence[Source]], None]] = []
        """Who is told which sources are watched from now on."""
        replays = Replays(
            self.store,
            self._office,
            lambda: self._edition.tags,
            settings.config,
            models_folder(settings),
            clock,
            self.sender.wake,
        )
        self.receiver = Receiver(
            self.store,
            chat,
            lambda: self._edition.desk,
            self._composer,
            clock,
            self.sender.wake,
            replays.answer,
        )
        self._began_at = clock()
        self._works_since: datetime | None = None
        self._tick_watch = TickWatch([], clock)

    @property
    def configuration(self) -> Configuration:
        """The configuration that is in force."""
        return self._edition.configuration

    def _office(self) -> Office:
        """Give the office of now; asked for within a unit of work, it does not change before its end."""
        return self._edition.office

    def _composer(self) -> Composer:
        return self._edition.composer

    async def run(self, only: Part | None = None, ready: asyncio.Event | None = None) -> None:
        """Migrate, greet the platform, work. Raises TokenRejected, LeaseHeld, UserError; anything else is a bug.

        `ready` is set once everything runs. With `only="monitors"` nothing is sent and no lease is taken, so that
        several machines may poll for one bot.
        """
        with ExitStack() as held:
            lease, name = None, DESK
            if only != "monitors":  # before the tables change: another may work on them
                lease = Lease(self.store)
                held.callback(lease.close)
            migrate(self.store)
            if only == "monitors":
                half = HalfNumber(self.store.url)
                held.callback(half.close)
                name = half.name
            beating = asyncio.create_task(self._heartbeat(only, name).run())
            try:
                if only != "monitors":
                    await self._greet()
                    await self._settle()
                await self._work(only, ready, lease)
            finally:
                beating.cancel()
                await asyncio.gather(beating, return_exceptions=True)
                await self._chat.stop()
                self._door.close()
                self.store.close()

    def _heartbeat(self, only: Part | None, name: str) -> Heartbeat:
        return Heartbeat(
            self.store,
            self.ledger,
            self._office,
            lambda: self._signs(only),
            self._clock,
            name=name,
            url=self._settings.heartbeat_url,
            on_change=self.sender.wake,
        )

    def _signs(self, only: Part | None) -> Signs:
        """Give the signs of life of all but the store. While the platform is greeted only its silence is of interest."""
        now, chats = self._clock(), only != "monitors"
        if self._works_since is None:
            return Signs(now, chats=chats, heard_at=self._began_at)
        return Signs(
            self._works_since,
            chats=chats,
            heard_at=self.receiver.heard_at,
            sender_at=self.sender.looked_at,
            unread_since=None if self._poller is None else self._poller.waits_since(now),
            ticks=self._tick_watch.signs(),
        )

    async def _greet(self) -> None:
        """Say hello until the platform answers; a rejected token ends the service, a dead network does not."""
        now = self._clock()
        await self.store.write(
            lambda s: people.ensure_admins(s, self.ledger, self._chat.platform, self._settings.admins, now)
        )
        await self._look_at_roster()  # before the first matter, which may have to call somebody
        wait_s = 1.0
        while True:
            try:
                name = await self._chat.start()
            except Transient as error:
                log.warning(
                    "platform does not answer, trying again", extra={"error": str(error), "in_s": wait_s}
                )
                await asyncio.sleep(error.retry_after_s or wait_s)
                wait_s = min(wait_s * 2, 60.0)
            else:
                log.info("at work", extra={"bot": name})
                break
        try:
            await self._chat.offer([(name, offer.text) for name, offer in OFFERS.items()])
        except (Transient, Permanent) as error:  # a menu is a comfort: every command works without it
            log.warning("command menu not set", extra={"error": str(error)})

    async def _settle(self) -> None:
        """Let rows follow what a start brings: a newer calendar for tentative limits (暂定), an edited office."""
        now = self._clock()
        await self.store.write(lambda s: takeover.start(s, self._office(), self.ledger, now))

    async def _after_step(self, back_s: float) -> None:
        now = self._clock()
        text = f"系统时钟被拨回约 {round(back_s / 60)} 分钟，等待中的发送和读取已立即恢复；请核对服务器时间。"

        def work(session: Session) -> None:
            put_right(session, now)
            auditor.tell_operator(session, self._office(), text, now)

        await self.store.write(work)
        if self._poller is not None:
            self._poller.forget_schedule()
        self.sender.wake()

    async def _work(self, only: Part | None, ready: asyncio.Event | None, lease: Lease | None) -> None:
        ticks: list[Tick] = []
        async with (
            Fetcher(self._clock) as fetcher,
            closing(Worker(scorer_of(self._settings))) as worker,
            self._open_inbox(only, worker),
        ):
            if only != "bot":
                watched = self._edition.configuration.sources
                poller = self._poller = Poller(watched, fetcher, worker, self._door, self._clock)
                ticks.append(Tick("poll", 1.0, poller.poll_due, POLL_ROUNDS_AT_ONCE))
                left = Leftovers(watched, worker, self._door, self._clock)
                self._watching += [poller.watch, left.watch]
                ticks.append(Tick("leftovers", LOOK_FOR_LEFTOVERS_S, left.score))
                ticks.append(Tick("sources", LOOK_AT_SOURCES_S, self._look_at_sources))
            if only != "monitors":
                ticks += self._ticks()
            if lease is not None:
                ticks.append(Tick("lease", 30.0, self._keeper(lease)))
            ticks.append(Tick("reload", RELOAD_LOOK_S, self.look_at_configuration))
            ticks.append(Tick("models", RELOAD_LOOK_S, self._look_at_models))
            self._tick_watch, self._works_since = TickWatch(ticks, self._clock), self._clock()
            scheduler = schedule(ticks, self._tick_watch.note)
            stopped: BaseException | None = None
            try:
                async with asyncio.TaskGroup() as group:
                    if only != "monitors":
                        group.create_task(self.receiver.listen())
                        group.create_task(self.receiver.handle())
                        group.create_task(self.sender.run())
                    else:
                        group.create_task(asyncio.Event().wait())
                    group.create_task(watch_clock(scheduler, ClockWatch(self._clock), self._after_step))
                    if ready is not None:
                        ready.set()
            except* (TokenRejected, LeaseHeld) as group:
                stopped = group.exceptions[0]
            finally:
                scheduler.shutdown(wait=False)
            if stopped is not None:  # raised in there, early Pythons 3.11 would wrap it in a group again
                raise stopped from None

    async def _look_at_sources(self) -> None:
        """Look for what no round of one source can show: silence, our own network, sources nobody gets round to."""
        now = self._clock()

        def work(session: Session) -> int:
            edition = self._edition
            return sources.look(
                session, edition.office, self.ledger, now, _silences(edition.configuration.sources)
            )

        if await self.store.write(work):
            self.sender.wake()

    @asynccontextmanager
    async def _open_inbox(self, only: Part | None, worker: Worker) -> AsyncIterator[None]:
        """Listen for pushes while the block runs, where the operator wants it."""
        if only == "bot" or not self._settings.ingest_listen:
            yield
            return
        host, _, port = self._settings.ingest_listen.rpartition(":")
        inbox = Inbox(
            self._edition.configuration.sources, worker, self._door, self._clock, self._settings.ingest_key
        )
        self._watching.append(inbox.watch)
        self.ingest_port = await inbox.start(host.strip("[]"), int(port))
        try:
            yield
        finally:
            await inbox.close()

    async def _look_at_roster(self) -> None:
        """Take over the roster of the files, and tell what is amiss with it."""
        now = self._clock()

        def work(session: Session) -> object:
            edition = self._edition
            return roster_watch.look(session, edition.office, self.ledger, edition.configuration.roster, now)

        if await self.store.write(work):
            self.sender.wake()

    async def look_at_configuration(self) -> None:
        """Take over what was edited, all of it, or tell the operator why it changes nothing; each edit once."""
        async with self._changing:
            edit = await asyncio.to_thread(self._watcher.look)
            if edit is None:
                return
            try:
                if edit.configuration is None:
                    await self._refuse(edit, refusal(edit.problems))
                else:
                    await self._take_over(edit, edit.configuration)
            except StoreDown:  # the next look comes to it again
                raise
            except Exception:
                log.exception("edited configuration could not be taken over")
                await self._refuse(
                    edit, "采用新配置时程序内部出错，沿用原配置；请看日志，并把日志交给维护人员。"
                )
            self._watcher.settle(edit)
            self.sender.wake()

    async def _refuse(self, edit: Edit, text: str) -> None:
        now = self._clock()
        await self.store.write(lambda s: takeover.tell(s, self._office(), edit.key, text, now, refused=True))

    async def _take_over(self, edit: Edit, edited: Configuration) -> None:
        """Put an edited configuration in force, in the transaction that records it, or refuse it in that one.

        The reference changes on the writer thread once that is committed: no unit of work runs by half of either, and
        none by an office of which the record does not know.
        """
        running, now = self._edition.configuration, self._clock()
        told = changes(running, edited)
        if not told:
            await self.store.write(lambda s: self._is_as_before(s, edit, now))
            return
        edition = await asyncio.to_thread(self._house.edition, edited, self._models.opinions)
        late = waiting(self._settings.config, running, edited)
        gone = running.office.channels.keys() - edited.office.channels.keys()

        def work(session: Session) -> bool:
            problems = [*late, *removed(self._settings.config, takeover.in_hand(session, gone))]
            if problems:
                takeover.tell(session, running.office, edit.key, refusal(problems), now, refused=True)
                return False
            event.listen(session, "after_commit", lambda _: self._put_in_force(edition), once=True)
            takeover.follow(session, running.office, edited.office, self.ledger, now)
            if takeover.tell(session, edited.office, edit.key, message(told), now):
                self.ledger.write(session, at=now, actor="系统", action="configure", changes=told[:RECORDED])
            return True

        if await self.store.write(work):
            log.info("configuration taken over", extra={"changes": len(told)})
            for watch in self._watching:
                watch(edited.sources)

    def _is_as_before(self, session: Session, edit: Edit, now: datetime) -> None:
        """Say that an edit that was refused is undone; a comment that was rewritten is worth no word."""
        if takeover.refused_at(session) is not None:
            text = "配置已改回，与正在运行的一致。"
            takeover.tell(session, self._office(), edit.key, text, now)

    def _put_in_force(self, edition: Edition) -> None:
        self._edition = edition

    async def _look_at_models(self) -> None:
        """Judge by models that were trained or taken back meanwhile, and tell the operator."""
        taught = await asyncio.to_thread(self._models.look)
        if taught is None:
            return
        async with self._changing:
            configuration = self._edition.configuration
            self._put_in_force(await asyncio.to_thread(self._house.edition, configuration, taught.opinions))
        now, text = self._clock(), taught.text
        await self.store.write(lambda s: auditor.tell_operator(s, self._office(), text, now))
        self.sender.wake()

    def _keeper(self, lease: Lease) -> Callable[[], Awaitable[None]]:
        async def keep() -> None:
            if not await asyncio.to_thread(lease.renew):
                log.error("another service works on this database, stopping")
                self.sender.stop(LeaseHeld("另一个 yuqing 接管了这个数据库，本服务停止"))

        return keep

    async def _listen_for_silence(self) -> None:
        """Tell the operator, once an hour, that the platform has not answered for minutes: pollers die silently."""
        heard, now = self.receiver.heard_at, self._clock()
        if heard is not None and now - heard > SILENT_AFTER:
            minutes = round((now - heard).total_seconds() / 60)
            log.error("the platform is silent", extra={"minutes": minutes})
            text = f"聊天平台已 {minutes} 分钟没有应答，群内操作收不到。请检查网络，以及是否有另一个程序在用同一个令牌。"
            await self.store.write(
                lambda s: outbox.queue(
                    s,
                    key=f"silence:{now:%Y-%m-%dT%H}",
                    chat=self._office().operator_chat,
                    kind=MessageKind.TEXT,
                    priority=Priority.ALERT,
                    payload={"template": "trouble", "text": text},
                    now=now,
                )
            )

    def _ticks(self) -> list[Tick]:
        office, ledger = self._office, self.ledger
        audit_clock = ClockWatch(self._clock)
        watch = StoreWatch(self.store, self._chat, office, self._clock, self.sender.wake)

        def each(work: Callable[[Session, datetime], object]) -> Callable[[], Awaitable[object]]:
            async def call() -> object:
                now = self._clock()
                result = await self.store.write(lambda s: work(s, now))
                if result:
                    self.sender.wake()
                return result

            return call

        def audit(session: Session, now: datetime) -> object:
            return auditor.audit(session, office(), now, audit_clock.leapt(auditor.STUCK_AFTER))

        return [
            Tick("deadlines", 5.0, each(lambda s, now: deadlines.tick(s, office(), ledger, now))),
            Tick("supervision", 15.0, each(lambda s, now: supervision.tick(s, office(), ledger, now))),
            Tick("calls", 5.0, each(lambda s, now: calls.tick(s, office(), ledger, now))),
            Tick("holding", 5.0, each(lambda s, now: holding.tick(s, office(), ledger, now))),
            Tick("handovers", 15.0, each(lambda s, now: handover.tick(s, office(), ledger, now))),
            Tick("substitutions", 15.0, each(lambda s, now: substitution.tick(s, office(), ledger, now))),
            Tick("recover", 30.0, each(lambda s, now: outbox.recover(s, now, at_start=False))),
            Tick("deliveries", NOTE_S, each(lambda s, now: deliveries.note(s, ledger, now))),
            Tick("promises", 60.0, each(lambda s, now: promises.tick(s, office(), ledger, now))),
            Tick("effects", 60.0, each(lambda s, now: effect.tick(s, ledger, now))),
            Tick("audit", 60.0, each(audit)),
            Tick("roster", 15.0, self._look_at_roster),
            Tick("digest", 60.0, each(lambda s, now: queue_weekly(s, office(), now))),
            Tick("head", 60.0, each(lambda s, now: attest.post_daily(s, office(), ledger, now))),
            Tick("silence", 60.0, self._listen_for_silence),
            Tick("store", 5.0, watch.look),
            Tick("checkpoint", 3600.0, self.store.checkpoint),
        ]


def _masked(text: str) -> tuple[str, tuple[str, ...]]:
    masked = mask(text)
    return masked.text, masked.kinds


def _personal(text: str) -> tuple[str, ...]:
    """Name the kinds of personal data in a text, as they are masked in what is read."""
    return mask(text).kinds


def _silences(sources: Iterable[Source]) -> Mapping[str, timedelta | None]:
    """Give the silence that is too long for each source: None is learned, zero never."""
    return {source.id: _silence_of(source) for source in sources}


def _silence_of(source: Source) -> timedelta | None:
    if source.kind in {"page", "column"}:
        return timedelta(0)  # what is wrong with these is seen in each round
    return None if source.silent_h is None else timedelta(hours=source.silent_h)


@asynccontextmanager
async def closing(worker: Worker) -> AsyncIterator[Worker]:
    """End the worker's child process with the block."""
    try:
        yield worker
    finally:
        await worker.close()


def ledger_of(settings: Settings) -> Ledger:
    """Give the ledger with the operator's key."""
    return Ledger(Seal(settings.ledger_key.encode()))


async def poll_once(
    settings: Settings,
    configuration: Configuration,
    source_id: str | None,
    on_done: Callable[[SourceReport], None],
    clock: Clock = utc_now,
) -> Sequence[SourceReport]:
    """Poll every source (or one) once, now, whatever its time. For the command line.

    In a whole round the comment feeds under watch are read too, those included that the round itself has found.
    """
    store = Store(settings.database_url)
    try:
        migrate_alone(store)
        terms = Terms.of(configuration, office_opinions.opinions(models_folder(settings)))
        door = StoreDoor(store, lambda: terms, ledger_of(settings), clock, lambda: None)
        async with Fetcher(clock) as fetcher, closing(Worker(scorer_of(settings))) as worker:
            poller = Poller(configuration.sources, fetcher, worker, door, clock)
            chosen = [s.id for s in configuration.sources if source_id in {None, s.id} and s.kind != "inbox"]
            reports = []
            for chosen_id in chosen:
                report = await poller.poll_one(chosen_id)
                on_done(report)
                reports.append(report)
            if source_id is None:
                reports += await poller.poll_watched(on_done)
            return reports
    finally:
        store.close()


def queue_weekly(session: Session, office: Office, now: datetime) -> int:
    """Queue the digest of a week once its hour has come, each once.

    Looks back two weeks: a service that slept over the hour sends the digest late rather than never. A week before
    the first item was seen has none.
    """
    first = session.scalar(select(func.min(ItemRow.first_seen_at)).where(ItemRow.source_id != LEGACY))
    if first is None:
        return 0
    after = timedelta(
        days=office.digest.weekday, hours=office.digest.at.hour, minutes=office.digest.at.minute
    )
    last = week_of(week_of(now, office.zone).start - timedelta(hours=1), office.zone)
    before = week_of(last.start - timedelta(hours=1), office.zone)
    return sum(
        queue_digest(session, span, chat, now)
        for span in (before, last)
        if first < span.end and span.end + after <= now
        for chat in digest_chats(session, office)
    )


def queue_digest(session: Session, span: Span, chat: str, now: datetime, *, key: str = "weekly") -> bool:
    """Queue a digest to one chat; once a key, span and chat."""
    return outbox.queue(
        session,
        key=f"digest:{key}:{span.name}:{chat}",
        chat=chat,
        kind=MessageKind.DIGEST,
        priority=Priority.DIGEST,
        payload={"span": span.name, "start": span.start.isoformat(), "end": span.end.isoformat()},
        now=now,
        valid_for=timedelta(days=6),
    )


def digest_chats(session: Session, office: Office) -> list[str]:
    """Give the chats that the weekly digest goes to, as configured."""
    return people.chats_named(session, office, office.digest.to)
