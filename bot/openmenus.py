"""Which menus stand open on cards, so that a new comment closes none under a finger. In memory: to lose it harms nobody."""

from datetime import datetime, timedelta

from bot.chat import MessageRef
from bot.handlers.desk import Menu

OPEN_FOR = timedelta(minutes=10)
"""So long a menu outlives what comes to its case; one that was forgotten gives way to the card's own buttons."""
MOST = 500


class OpenMenus:
    """The newest menu of each message. Safe to ask from several threads: each step is one act on a dict."""

    def __init__(self) -> None:
        self._open: dict[MessageRef, tuple[Menu, datetime]] = {}

    def open(self, menu: Menu, now: datetime) -> None:
        """Remember a menu; of very many the oldest is forgotten."""
        self._open.pop(menu.ref, None)
        self._open[menu.ref] = (menu, now)
        if len(self._open) > MOST:
            self.close(next(iter(list(self._open))))

    def close(self, ref: MessageRef) -> None:
        """Forget a menu. Safe to call twice."""
        self._open.pop(ref, None)

    def settle(self, ref: MessageRef, key: str) -> None:
        """Forget the menu that was to stand until the update with this key; one opened since stays. Safe to call twice."""
        found = self._open.get(ref)
        if found is not None and found[0].passing == key:
            self.close(ref)

    def at(self, ref: MessageRef, version: int, now: datetime) -> Menu | None:
        """Give the menu that stands open on a message; None once its case moved on from what was shown, or after a while."""
        found = self._open.get(ref)
        if found is None:
            return None
        menu, opened_at = found
        if menu.version == version and now - opened_at < OPEN_FOR:
            return menu
        self.close(ref)
        return None
