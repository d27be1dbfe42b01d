"""Outbox -> chat. The only place that decides what an error of the platform means for a row.

Claims one row a chat at a time, most pressing first, at the platform's pace; records what became of it. Limits delay,
they never discard. A row whose outcome is unknown goes out again marked 重发; edits may be repeated freely.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from aiolimiter import AsyncLimiter

from bot.chat import ChatClosed, ChatMoved, ChatPort, MessageGone, MessageRef, TokenRejected
from bot.compose import Composer, Outgoing
from routing import asks, chats, outbox
from routing.clock import Clock
from routing.errors import Permanent, StoreDown, Transient
from routing.office import Office
from routing.outbox import Message, MessageKind, Priority
from routing.unit import Unit, Units
from routing.views import stamp

log = logging.getLogger(__name__)

AT_ONCE = 8
IDLE_S = 1.0
RETRY_FIRST = timedelta(seconds=2)
RETRY_LAST = timedelta(minutes=5)
STORE_DOWN_S = 2.0
STOP_S = 3.0
FAULTS_AT_MOST = 8


class Window:
    """At most `max_rate` in any `time_period` seconds; used like an AsyncLimiter.

    A bucket that leaks lets twice as many through in its first period as in later ones: 40 in a minute, of 20.
    """

    def __init__(self, max_rate: int, time_period: float, now: Callable[[], float] = time.monotonic) -> None:
        self.max_rate = max_rate
        self.time_period = time_period
        self._now = now
        self._taken: deque[float] = deque(maxlen=max_rate)

    def has_capacity(self) -> bool:
        """Tell whether one more would go through now."""
        return self._wait_s() <= 0

    async def acquire(self) -> None:
        """Use one up, waiting where it must."""
        while (wait_s := self._wait_s()) > 0:  # noqa: ASYNC110 - it waits for the time itself
            await asyncio.sleep(wait_s)
        self._taken.append(self._now())

    def _wait_s(self) -> float:
        if len(self._taken) < self.max_rate:
            return 0
        return self._taken[0] + self.time_period - self._now()


class Pace:
    """How fast the platform takes messages: 1 a second a chat, 20 a minute a group, 30 a second in all.

    Source: core.telegram.org/bots/faq, "My bot is hitting limits". Small bursts to one chat are taken.
    """

    def __init__(self, groups: Callable[[], frozenset[str]]) -> None:
        self._groups = groups
        self._all = AsyncLimiter(25, 1)
        self._chats: dict[tuple[str, bool], tuple[AsyncLimiter | Window, ...]] = {}

    def is_open(self, chat: str) -> bool:
        """Tell whether a chat would take a message now."""
        return self._all.has_capacity() and all(limit.has_capacity() for limit in self._of(chat))

    async def take(self, chat: str) -> None:
        """Use up one message of a chat's pace, waiting where it must."""
        for limit in (self._all, *self._of(chat)):
            await limit.acquire()

    def _of(self, chat: str) -> tuple[AsyncLimiter | Window, ...]:
        key = (chat, chat in self._groups())  # a group may be named by an office that was edited since
        if key not in self._chats:
            a_chat = AsyncLimiter(3, 3)
            self._chats[key] = (a_chat, Window(20, 60)) if key[1] else (a_chat,)
        return self._chats[key]


class Sender:
    """Runs until stopped. One in the whole office: a lease on the store sees to that.

    `office` and `composer` are asked for once a use case, so that they may change between two.
    """

    def __init__(
        self,
        store: Units,
        chat: ChatPort,
        office: Callable[[], Office],
        composer: Callable[[], Composer],
        clock: Clock,
        *,
        pace: Pace | None = None,
    ) -> None:
        self._store = store
        self._chat = chat
        self._office = office
        self._composer = composer
        self._clock = clock
        self._pace = pace or Pace(lambda: office().chats())
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._shut_until: dict[str, datetime] = {}
        self._wake = asyncio.Event()
        self._stop_for: Exception | None = None
        self.looked_at: datetime | None = None
        """When it last looked for what is due; a watchdog looks at it."""

    def stop(self, why: Exception) -> None:
        """End `run` with this error as soon as what is under way is recorded."""
        self._stop_for = why
        self._wake.set()

    def wake(self) -> None:
        """Look at the outbox now rather than at the next idle look."""
        self._wake.set()

    async def run(self) -> None:
        """Send what is due until cancelled. Raises TokenRejected when the platform knows us no more."""
        await self._store.write(lambda s: outbox.recover(s, self._clock(), at_start=True))
        try:
            while self._stop_for is None:
                self._wake.clear()
                self.looked_at = self._clock()
                try:
                    started = await self._start_deliveries()
                except StoreDown as error:
                    log.warning("outbox cannot be read", extra={"error": str(error)})
                    await asyncio.sleep(STORE_DOWN_S)
                    continue
                if not started:
                    await self._rest()
        finally:
            await self._finish_what_is_under_way()
        raise self._stop_for

    async def _finish_what_is_under_way(self) -> None:
        """Give sends a few seconds to be recorded: one that is cut off comes again, marked as a possible double."""
        if self._busy:
            await asyncio.wait(self._busy.values(), timeout=STOP_S)
        for task in list(self._busy.values()):
            task.cancel()
        await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(IDLE_S):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _start_deliveries(self) -> int:
        now = self._clock()
        self._shut_until = {chat: until for chat, until in self._shut_until.items() if until > now}
        shut = {*self._busy, *self._shut_until}
        rows = await self._store.read(lambda s: outbox.due(s, now, shut=shut))
        started = 0
        for row in rows:
            if len(self._busy) >= AT_ONCE:
                break
            if row.chat not in self._busy and self._pace.is_open(row.chat):
                self._busy[row.chat] = asyncio.create_task(self._deliver(row))
                started += 1
        return started

    async def _deliver(self, row: Message) -> None:
        message: Message | None = None
        try:
            now = self._clock()
            message = await self._store.write(lambda s: outbox.claim(s, row.id, now), urgent=True)
            if message is not None:
                await self._send(message)
        except (
            StoreDown
        ) as error:  # the row is claimed or not; recovery takes it back once the store is there
            log.warning("delivery waits", extra={"outbox": row.id, "error": str(error)})
            self._shut_until[row.chat] = self._clock() + timedelta(seconds=STORE_DOWN_S)
        except Exception as error:  # a bug: kept from looping, and told to the operator by the auditor
            log.exception("delivery failed", extra={"outbox": row.id})
            await self._after_fault(message or row, error)
        finally:
            self._busy.pop(row.chat, None)
            self._wake.set()

    async def _after_fault(self, message: Message, error: Exception) -> None:
        now, why = self._clock(), f"程序内部出错（{type(error).__name__}）"
        at = now + min(RETRY_FIRST * 2 ** min(message.attempts, 10), RETRY_LAST)
        try:
            if message.attempts >= FAULTS_AT_MOST:
                await self._store.write(lambda s: self._dead(s, message, why))
            else:
                await self._store.write(
                    lambda s: self._again(s, message, why, at, uncertain=False, counts=True)
                )
        except StoreDown:
            self._shut_until[message.chat] = now + timedelta(seconds=STORE_DOWN_S)

    async def _send(self, message: Message) -> None:
        now = self._clock()
        outgoing, address = await self._store.read(
            lambda s: (self._composer().compose(s, message, now), chats.address(s, message.chat))
        )
        if outgoing is None:
            await self._store.write(lambda s: outbox.record_skipped(s, message, "无需发送"))
            return
        await self._pace.take(message.chat)
        try:
            sent_as = await self._hand_over(message, outgoing, address)
        except ChatMoved as error:
            new = error.new_chat
            await self._store.write(lambda s: self._moved(s, message, new))
        except MessageGone as error:
            why = str(error)
            await self._store.write(lambda s: self._replace_card(s, message, outgoing, why))
        except ChatClosed as error:
            why = str(error)
            await self._store.write(lambda s: self._closed(s, message, why))
        except TokenRejected as error:
            why = str(error)
            await self._store.write(
                lambda s: self._again(s, message, why, now, uncertain=False, counts=False)
            )
            self._stop_for = error
        except Transient as error:
            await self._later(message, error)
        except Permanent as error:
            why = str(error)
            await self._store.write(lambda s: self._dead(s, message, why))
        else:
            await self._store.write(lambda s: self._sent(s, message, outgoing, sent_as), urgent=True)

    async def _hand_over(self, message: Message, outgoing: Outgoing, address: str) -> str | None:
        reply_to = MessageRef(address, outgoing.reply_to) if outgoing.reply_to else None
        silent = message.priority >= Priority.UPDATE or bool(message.payload.get(outbox.SILENT))
        if message.kind is MessageKind.EDIT:
            await self._update_copies(message, outgoing, address)
            return None
        if message.kind is MessageKind.CARD:
            return (await self._chat.send_card(address, outgoing.card, silent=silent)).message
        if message.kind is MessageKind.ASK:
            asked = await self._chat.ask_text(address, outgoing.card, placeholder=outgoing.placeholder)
            return asked.message
        if outgoing.card.buttons:
            listed = await self._chat.send_card(address, outgoing.card, reply_to=reply_to, silent=silent)
            return listed.message
        sent = await self._chat.notify(
            address, outgoing.card, files=outgoing.files, reply_to=reply_to, silent=silent
        )
        if outgoing.leave_after:
            await self._chat.leave(address)
        return sent.message

    async def _update_copies(self, message: Message, outgoing: Outgoing, address: str) -> None:
        """Bring every copy up to date. One that was deleted is forgotten; raises MessageGone where none is left."""
        gone: dict[str, MessageGone] = {}
        for standing in outgoing.edit:
            try:
                await self._chat.update_card(MessageRef(address, standing), outgoing.card)
            except MessageGone as error:
                gone[standing] = error
        if gone and len(gone) == len(outgoing.edit):
            raise next(iter(gone.values()))
        if gone:
            await self._store.write(lambda s: outbox.forget_cards(s, message, gone))

    def _sent(self, session: Unit, message: Message, outgoing: Outgoing, sent_as: str | None) -> None:
        now = self._clock()
        outbox.record_sent(session, message, chat=message.chat, sent_as=sent_as, now=now)
        chats.opened(session, message.chat)
        if message.kind is MessageKind.ASK:
            asks.sent_as(session, int(message.payload["ask"]), sent_as)
        if message.kind is MessageKind.EDIT and outgoing.is_final:
            outbox.finish_card(session, message)
        if message.kind is MessageKind.CARD and outgoing.stamp and message.case_id is not None:
            self._catch_up(session, message, message.case_id, outgoing.stamp)

    def _catch_up(self, session: Unit, message: Message, case_id: int, shown: tuple[int, int, int]) -> None:
        """Queue an update of a card whose case moved while it was on its way: nothing stood there yet to be edited."""
        if stamp(session, case_id) != shown:
            outbox.queue_edit(
                session,
                case_id=case_id,
                card=str(message.payload["card"]),
                chat=message.chat,
                draft_version=int(message.payload.get("draft_version", 0)),
                now=self._clock(),
            )

    def _moved(self, session: Unit, message: Message, new: str) -> None:
        chats.moved(session, message.chat, new)
        self._again(session, message, f"群号变为 {new}", self._clock(), uncertain=False, counts=False)

    def _replace_card(self, session: Unit, message: Message, outgoing: Outgoing, why: str) -> None:
        """The card was deleted: forget it, and post a new one if there is still something to press on it."""
        outbox.record_skipped(session, message, why)
        if outgoing.card.buttons:
            outbox.replace_card(session, message, outgoing.edit, self._clock())

    def _closed(self, session: Unit, message: Message, why: str) -> None:
        """This chat takes nothing: the message is dead, and somebody who can act is told, once a chat."""
        now = self._clock()
        outbox.record_dead(session, message, why)
        if not chats.closed(session, message.chat, why, now):
            return
        office = self._office()
        fallback = office.duty_chat if message.chat == office.operator_chat else office.operator_chat
        outbox.queue(
            session,
            key=f"closed:{message.chat}:{now.isoformat()}",
            chat=fallback,
            kind=MessageKind.TEXT,
            priority=Priority.ALERT,
            payload={
                "template": "trouble",
                "text": f"消息发不到会话 {message.chat}（{why}）。请检查机器人是否被移出或屏蔽。",
            },
            case_id=message.case_id,
            now=now,
        )

    def _dead(self, session: Unit, message: Message, why: str) -> None:
        outbox.record_dead(session, message, why)
        log.error("message cannot be sent", extra={"outbox": message.id, "error": why})

    def _again(
        self, session: Unit, message: Message, why: str, at: datetime, *, uncertain: bool, counts: bool
    ) -> None:
        outbox.record_retry(session, message, error=why, at=at, uncertain=uncertain, counts=counts)

    async def _later(self, message: Message, error: Transient) -> None:
        now = self._clock()
        if error.retry_after_s is not None:
            at = now + timedelta(seconds=error.retry_after_s)
            self._shut_until[message.chat] = at
        else:
            at = now + min(RETRY_FIRST * 2 ** min(message.attempts - 1, 10), RETRY_LAST)
        asked_to_wait = error.retry_after_s is not None
        unknown = error.outcome_unknown and message.kind is not MessageKind.EDIT
        why = str(error)
        await self._store.write(
            lambda s: self._again(s, message, why, at, uncertain=unknown, counts=not asked_to_wait)
        )
