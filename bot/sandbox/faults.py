"""Scripted faults (故障): what the wire, the server and the network do to a bot on a bad day; and Telegram's flood limits.

A fault fits a call by method and chat and is used up after `times` calls (0: until cleared). Only decides; `server.py` acts.
"""

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

from bot.sandbox.params import ApiError
from bot.sandbox.updates import TERMINATED
from bot.sandbox.world import Json

_BURST = 3
_GROUP_PER_MINUTE = 20
_OVERALL_PER_S = 30
_COUNTED = ("sendmessage", "sendphoto", "senddocument", "sendmediagroup", "editmessage")

REFUSALS: dict[str, tuple[int, str]] = {
    "429": (429, "Too Many Requests: retry after {retry_after}"),
    "500": (500, "Internal Server Error"),
    "403": (403, "Forbidden: bot was blocked by the user"),
    "401": (401, "Unauthorized"),
    "404": (404, "Not Found"),
    "409": (409, TERMINATED),
}
KINDS = (*REFUSALS, "html502", "timeout_after", "cut_after", "cut_before", "slow")


@dataclass
class Fault:
    """One line of the script; `left` counts down, `used` up. `chat` is compared with the call's chat_id as text."""

    kind: str
    method: str = ""
    chat: str = ""
    times: int = 1
    retry_after: int = 1
    delay_s: float = 2.0
    used: int = 0

    def fits(self, method: str, chat: str) -> bool:
        if self.times and self.used >= self.times:
            return False
        return self.method.lower() in ("", method.lower()) and self.chat in ("", chat)

    def refusal(self) -> ApiError:
        code, text = REFUSALS[self.kind]
        parameters = {"retry_after": self.retry_after} if code == 429 else {}
        return ApiError(code, text.format(retry_after=self.retry_after), **parameters)


class Faults:
    """The script in order; the first line that fits is taken."""

    def __init__(self) -> None:
        self._script: list[Fault] = []
        self._flood: Flood | None = None

    def add(self, wanted: list[Json]) -> None:
        """Append lines; raise ValueError for an unknown kind or field, adding nothing."""
        new = [_fault(line) for line in wanted if line.get("kind") != "flood_limits"]
        self._script += new
        for line in wanted:
            if line.get("kind") == "flood_limits":
                self._flood = Flood() if line.get("on", True) else None

    def clear(self) -> None:
        self._script = []
        self._flood = None

    def shown(self) -> Json:
        return {"faults": [asdict(fault) for fault in self._script], "flood_limits": self._flood is not None}

    def take(self, method: str, chat: str) -> Fault | None:
        for fault in self._script:
            if fault.fits(method, chat):
                fault.used += 1
                return fault
        return None

    def check_flood(self, method: str, chat: str, count: int, now: float) -> None:
        """Raise 429 where Telegram would; `count` messages go to `chat` in this call."""
        if self._flood is not None and chat and method.lower().startswith(_COUNTED):
            self._flood.check(chat, count, now)


def _fault(line: Json) -> Fault:
    fields: dict[str, Any] = {key: value for key, value in line.items() if value is not None}
    if fields.get("kind") not in KINDS:
        raise ValueError(f"unknown kind of fault: {fields.get('kind')!r}; known: {', '.join(KINDS)}")
    unknown = set(fields) - {"kind", "method", "chat", "times", "retry_after", "delay_s"}
    if unknown:
        raise ValueError(f"unknown fields of a fault: {', '.join(sorted(unknown))}")
    return Fault(**{**fields, "chat": str(fields.get("chat", ""))})


class Flood:
    """About 1/s a chat with a short burst, 20/min a group, 30/s overall (core.telegram.org/bots/faq); edits count."""

    def __init__(self) -> None:
        self._sent: dict[str, deque[float]] = {}

    def check(self, chat: str, count: int, now: float) -> None:
        self._need("", 1.0, _OVERALL_PER_S, count, now)
        if chat.startswith("-"):
            self._need(chat, 60.0, _GROUP_PER_MINUTE, count, now)
        self._need(chat, float(_BURST), _BURST, count, now)
        for key in ("", chat):
            self._sent.setdefault(key, deque(maxlen=200)).extend([now] * count)

    def _need(self, key: str, window_s: float, most: int, count: int, now: float) -> None:
        recent = [at for at in self._sent.get(key, ()) if at > now - window_s]
        if len(recent) + count > most and recent:
            oldest = recent[max(0, min(len(recent) - 1, len(recent) + count - most - 1))]
            wait_s = max(1, int(oldest + window_s - now) + 1)
            raise ApiError(429, f"Too Many Requests: retry after {wait_s}", retry_after=wait_s)
