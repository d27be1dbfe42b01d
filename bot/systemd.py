"""What systemd is told over its socket: READY=1, WATCHDOG=1, STATUS=… Nothing where nobody listens.

The protocol is a datagram to the socket that NOTIFY_SOCKET names (systemd's sd_notify(3), "Notes"); systemd's own
library and its Python wrappers do no more.
"""

import os
import socket


def notify(*lines: str) -> bool:
    """Send lines such as `READY=1` in one datagram; False where nobody listens. Never waits, never raises."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):  # of the abstract namespace, whose names begin with a zero
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
            door.setblocking(False)
            door.sendto("\n".join(lines).encode(), address)
    except OSError:
        return False
    return True


def watchdog_s() -> float | None:
    """Give the seconds within which systemd wants to hear WATCHDOG=1; None where it wants nothing of this process."""
    wanted, process = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not wanted.isdecimal() or not int(wanted) or process not in {"", str(os.getpid())}:
        return None
    return int(wanted) / 1_000_000
