"""getUpdates: long polling, confirmation by offset, and what happens when two poll at once.

Left out on purpose: the official server's delays for repeated offsets and repeated conflicts (up to 3 s), which would only
make tests slow.
"""

import asyncio

from bot.sandbox import wire
from bot.sandbox.params import ApiError, Params
from bot.sandbox.world import Json, World

_TIMEOUT_S = 50
_LIMIT = 100
TERMINATED = (
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
)
_WEBHOOK = (
    "Conflict: can't use getUpdates method while webhook is active; "
    "use deleteWebhook to delete the webhook first"
)


class Poller:
    """One at a time: a new poll ends an older one with 409."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._current: object = None
        self._closing = False

    def close(self) -> None:
        """End a running poll with an empty answer."""
        self._closing = True
        self._world.wake()

    async def get_updates(self, p: Params) -> list[Json]:
        """Confirm by `offset`, then answer what waits, at once or within `timeout` seconds of real time."""
        world = self._world
        self._refuse_beside_webhook()
        offset = p.number("offset") or 0
        limit = min(max(p.number("limit") or _LIMIT, 1), _LIMIT)
        timeout_s = min(max(p.number("timeout") or 0, 0), _TIMEOUT_S)
        self._settle(offset, p)
        mine = self._current = object()
        world.wake()
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + timeout_s
        while True:
            if self._current is not mine:
                raise ApiError(409, TERMINATED)
            self._refuse_beside_webhook()
            waiting = [update for update in world.waiting_updates() if update.id >= offset][:limit]
            left_s = ends_at - loop.time()
            if waiting or left_s <= 0 or self._closing:
                self._current = None
                return [wire.update(update) for update in waiting]
            await world.wait(left_s)

    def _refuse_beside_webhook(self) -> None:
        if self._world.webhook:
            raise ApiError(409, _WEBHOOK)

    def _settle(self, offset: int, p: Params) -> None:
        world = self._world
        kinds = p.nested("allowed_updates")
        if isinstance(kinds, list) and kinds != world.allowed:
            world.put("allowed", kinds=[str(kind) for kind in kinds])
        waiting = sorted(world.updates)
        before = offset if offset > 0 else (waiting[offset] if offset < 0 and len(waiting) >= -offset else 0)
        if waiting and waiting[0] < before:
            world.put("forget", before=before)
        world.commit()
