"""A unit of work, as the doors take it: one transaction that the store opens, commits or rolls back.

What lies outside the core names the unit by these words and never reaches into it.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy.orm import Session as Unit

T = TypeVar("T")

__all__ = ["Unit", "Units"]


class Units(Protocol):
    """Where units of work are done: the store."""

    async def write(self, work: Callable[[Unit], T], *, urgent: bool = False) -> T:
        """Do one unit of work; `urgent` goes before what waits."""
        ...

    async def read(self, work: Callable[[Unit], T]) -> T:
        """Do one read; what it changes is rolled back."""
        ...
