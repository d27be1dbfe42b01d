"""Chat -> inbox -> handlers. Updates are stored under their id before they are confirmed to the platform.

The stock loop of the library confirms first and then handles: one kill lost 4 of 10 presses when it was measured.
Here: ask, store, commit, handle; only the next question confirms what was stored. What comes twice changes nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.chat import (
    ActionPressed,
    ChatPort,
    CommandGiven,
    Event,
    Incoming,
    TextReplied,
    TokenRejected,
)
from bot.compose import Composer
from bot.handlers.desk import Desk, Errand, Leafed, Menu, Occasion, Reaction, Redraw
from bot.handlers.react import came_before, react
from bot.secrecy import without_marked_text
from routing import inbox
from routing.clock import Clock
from routing.errors import Permanent, StoreDown, Transient
from routing.unit import Unit, Units

log = logging.getLogger(__name__)

WAIT_S = 25
RETRY_S = (1.0, 2.0, 5.0, 10.0, 30.0)
PRESS_LIFE = timedelta(seconds=140)
"""A press older than this gets no toast: the platform forgets it after 150 s."""

FAULT = "系统出错，这一步没有生效，请稍后重试；运维已收到通知。"


def _brought(event: Event) -> str:
    """Name the message or the press that an event is; empty for what changes nothing when it comes twice."""
    match event:
        case ActionPressed():
            return f"press {event.press}"
        case TextReplied() | CommandGiven():
            return f"message {event.chat} {event.message.message}"
    return ""


async def _pause(what: str, error: Exception, failures: int) -> None:
    wait_s = getattr(error, "retry_after_s", None) or RETRY_S[min(failures, len(RETRY_S)) - 1]
    log.warning(what, extra={"error": str(error), "again_in_s": wait_s})
    await asyncio.sleep(wait_s)


class Receiver:
    """Runs until stopped: one loop asks, one loop handles."""

    def __init__(
        self,
        store: Units,
        chat: ChatPort,
        desk: Callable[[], Desk],
        composer: Callable[[], Composer],
        clock: Clock,
        on_change: Callable[[], None],
        errand: Callable[[Errand], Awaitable[None]] | None = None,
    ) -> None:
        """`desk` and `composer` are asked for once a use case, so that they may change between two.

        `errand` does what takes longer, and answers by itself; None: such commands get no answer.
        """
        self._store = store
        self._chat = chat
        self._desk = desk
        self._composer = composer
        self._clock = clock
        self._on_change = on_change
        self._errand = errand
        self._stored = asyncio.Event()
        self._answers: set[asyncio.Task[None]] = set()
        self.heard_at: datetime | None = None
        """When the platform last answered; a watchdog looks at it."""

    async def listen(self) -> None:
        """Fetch and store updates until cancelled. Raises TokenRejected when the platform knows us no more."""
        # From the beginning after each start: what is stored already changes nothing when it comes again, and after
        # a quiet week the platform may go on with lower ids than we know (core.telegram.org/bots/api, Update).
        after: int | None = None
        failures = 0
        while True:
            try:
                updates = await self._chat.receive(after, WAIT_S)
                self.heard_at = self._clock()
                if updates:
                    after = await self._keep(updates)
                    self._stored.set()
            except TokenRejected:
                raise
            except (Transient, Permanent) as error:
                failures += 1
                await _pause("no updates", error, failures)
            else:
                failures = 0

    async def _keep(self, updates: Sequence[Incoming]) -> int:
        raws = [{**without_marked_text(update.raw), "update_id": update.update_id} for update in updates]
        now = self._clock()
        await self._store.write(lambda s: inbox.store(s, self._chat.platform, raws, now), urgent=True)
        return max(update.update_id for update in updates)

    async def handle(self) -> None:
        """Handle stored updates in order until cancelled, those of an earlier life first."""
        self._stored.set()
        failures = 0
        while True:
            await self._stored.wait()
            self._stored.clear()
            try:
                while await self.handle_waiting():
                    failures = 0
            except StoreDown as error:  # nothing was done: the updates wait in the inbox
                failures += 1
                self._stored.set()
                await _pause("updates wait", error, failures)

    async def handle_waiting(self) -> int:
        """Handle what waits now; gives how many. Each update is one transaction, effect and mark together."""
        waiting = await self._store.read(lambda s: inbox.waiting(s, self._chat.platform))
        for update_id, raw, received_at in waiting:
            await self._handle_one(update_id, raw, received_at)
        if waiting:
            self._on_change()
        return len(waiting)

    async def _handle_one(self, update_id: int, raw: Mapping[str, object], received_at: datetime) -> None:
        event = self._chat.event_of(dict(raw))
        now = self._clock()
        try:
            reaction = await self._store.write(lambda s: self._effect(s, update_id, event, now), urgent=True)
        except StoreDown:
            raise
        except Exception:  # a bug: put it aside with its trace, the updates behind it must not wait for it
            log.exception("update could not be handled", extra={"update": update_id})
            await self._store.write(lambda s: self._put_aside(s, update_id, event, now), urgent=True)
            reaction = Reaction(FAULT, alert=True)
        if isinstance(event, ActionPressed) and now - received_at < PRESS_LIFE:
            self._beside(self._answer_now(event, reaction or Reaction()))
        if reaction is not None and reaction.errand is not None and self._errand is not None:
            self._beside(self._run(self._errand, reaction.errand))

    def _put_aside(self, session: Unit, update_id: int, event: Event | None, now: datetime) -> None:
        """Mark an update as not handled, and tell whoever wrote it: a draft that vanished without a word is lost."""
        inbox.finish(session, self._chat.platform, update_id, now, "error")
        if isinstance(event, TextReplied | CommandGiven):
            occasion = Occasion(self._desk(), session, now, update_id, event)
            if occasion.actor(event.sender) is not None:
                occasion.say(event.chat, FAULT, reply_to=event.message)

    def _effect(self, session: Unit, update_id: int, event: Event | None, now: datetime) -> Reaction | None:
        if not inbox.finish(session, self._chat.platform, update_id, now):
            return None
        if event is None:
            return None
        occasion = Occasion(self._desk(), session, now, update_id, event)
        brought = _brought(event)
        if brought and not inbox.is_first(session, self._chat.platform, update_id, brought):
            return came_before(occasion)
        return react(occasion)

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def _run(self, work: Callable[[Errand], Awaitable[None]], errand: Errand) -> None:
        try:
            await work(errand)
        except StoreDown as error:  # whoever asked can ask again
            log.warning("errand lost", extra={"error": str(error)})

    async def _answer_now(self, event: ActionPressed, reaction: Reaction) -> None:
        """The quick answer: losing it harms nobody, so no failure of it goes further than the log."""
        try:
            await self._chat.toast(event.press, reaction.toast, alert=reaction.alert)
            if reaction.menu is not None:
                await self._open_menu(reaction.menu)
            if reaction.leafed is not None:
                await self._leaf(reaction.leafed)
            if reaction.redraw is not None:
                await self._redraw(reaction.redraw)
        except (Transient, Permanent) as error:
            log.info("quick answer lost", extra={"error": str(error)})

    async def _redraw(self, redraw: Redraw) -> None:
        card = await self._store.read(lambda s: self._composer().row_card(s, redraw.payload))
        if card is not None:
            await self._chat.update_card(redraw.ref, card)

    async def _open_menu(self, menu: Menu) -> None:
        now = self._clock()
        card = await self._store.read(lambda s: self._composer().open_menu(s, menu, now))
        if card is not None:
            await self._chat.update_card(menu.ref, card)

    async def _leaf(self, leafed: Leafed) -> None:
        now = self._clock()
        card = await self._store.read(
            lambda s: self._composer().listing(s, leafed.facts, leafed.sent_as, leafed.page, now)
        )
        await self._chat.update_card(leafed.ref, card)
