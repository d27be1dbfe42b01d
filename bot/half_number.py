"""Which of the polling halves on this host we are: each database's are numbered, and the lowest free number is ours.

The number is a name of the kernel's abstract namespace (unix(7)), held while we live and let go with us however we end:
who is started again takes the place of who ended, so the note of one that stays away is the only one that grows old.
"""

import errno
import hashlib
import socket
from pathlib import Path

from sqlalchemy import URL

_MOST = 99


class HalfNumber:
    """Hold a number until closed. Where the system has no such names all are the first."""

    def __init__(self, database: URL) -> None:
        """Take the lowest number that is free."""
        place = hashlib.sha256(_place(database).encode()).hexdigest()[:16]
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.number = next(
            (number for number in range(1, _MOST + 1) if self._holds(f"\0yuqing-monitors-{place}-{number}")),
            1,
        )

    def _holds(self, name: str) -> bool:
        try:
            self._door.bind(name)
        except OSError as error:
            return error.errno != errno.EADDRINUSE
        return True

    @property
    def name(self) -> str:
        """Name the half as its notes do: by host, from the second one on with its number."""
        host = f"monitors@{socket.gethostname()[:64]}"
        return host if self.number == 1 else f"{host}#{self.number}"

    def close(self) -> None:
        """Let the number go. Safe to call twice."""
        self._door.close()


def _place(database: URL) -> str:
    """Say which database it is, without its password: names of sockets are everybody's to read."""
    if database.get_backend_name() == "sqlite":
        return str(Path(database.database or "").absolute())
    return database.render_as_string(hide_password=True)
