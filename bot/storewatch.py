"""Says in the operator's chat that the database takes nothing (a full disk, a server that is away), and when it does again.

Every other message is queued in the database first; this one cannot be.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from bot.chat import Block, Card, ChatMoved, ChatPort, Form
from routing.auditor import tell_operator
from routing.clock import Clock
from routing.errors import Permanent, StoreDown, Transient
from routing.office import Office
from routing.unit import Units

log = logging.getLogger(__name__)

DOWN = (
    "⚠️ 数据库写不进去，新内容和群里的操作暂时都收不下。请检查服务器的磁盘空间和数据库；"
    "恢复后会自动接着处理，来源里的内容会补读。"
)


class Failing(Units, Protocol):
    """A store that remembers that it failed until that is set back."""

    was_down: bool


class StoreWatch:
    """Look every few seconds. A failure that is over by the next look is told once, afterwards; a longer one at once too."""

    def __init__(
        self,
        store: Failing,
        chat: ChatPort,
        office: Callable[[], Office],
        clock: Clock,
        on_change: Callable[[], None],
    ) -> None:
        self._store = store
        self._chat = chat
        self._office = office
        self._clock = clock
        self._on_change = on_change
        self._since: datetime | None = None
        self._is_told = False

    async def look(self) -> None:
        """Look once. The note that all is well again is itself the proof: it has to be written."""
        now, since = self._clock(), self._since
        if since is None:
            self._since = now if self._store.was_down else None
            return
        seconds = round((now - since).total_seconds())
        text = (
            f"数据库有 {seconds} 秒左右写不进去，现已恢复，正在接着处理。若反复出现，请检查磁盘空间和数据库。"
        )
        try:
            await self._store.write(lambda s: tell_operator(s, self._office(), text, now))
        except StoreDown:
            await self._tell()
            return
        self._store.was_down = self._is_told = False
        self._since = None
        self._on_change()

    async def _tell(self) -> None:
        if self._is_told:
            return
        card, chat = Card((Block(DOWN, Form.LINE, weight=9),)), self._office().operator_chat
        try:
            try:
                await self._chat.notify(chat, card)
            except ChatMoved as moved:
                await self._chat.notify(moved.new_chat, card)
        except Transient as error:
            self._is_told = error.outcome_unknown  # it may have arrived; if not, the next look says it
            log.warning("the operator was not told that the database is down", extra={"error": str(error)})
        except Permanent as error:
            self._is_told = True
            log.error("the operator cannot be told that the database is down", extra={"error": str(error)})
        else:
            self._is_told = True
