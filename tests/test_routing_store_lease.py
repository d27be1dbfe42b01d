"""One service a database: a second process is refused, a killed one holds nothing."""

import fcntl
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from builders import wait_until

from routing.clock import utc_now
from routing.errors import YuqingError
from routing.store.engine import Store
from routing.store.lease import Holder, Lease, LeaseHeld, holder

HOLD = """
import sys
from routing.store.engine import Store
from routing.store.lease import Lease, LeaseHeld
store = Store(sys.argv[1])
try:
    lease = Lease(store)
except LeaseHeld as error:
    print("refused", error, flush=True)
else:
    print("held", flush=True)
    sys.stdin.readline()
    lease.close()
    print("let go", flush=True)
    sys.stdin.readline()
"""


class Service:
    """Another process that takes the lease, if it can."""

    def __init__(self, store: Store) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, store.url.render_as_string(hide_password=False)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def says(self) -> str:
        return self.process.stdout.readline().strip()

    def go_on(self) -> None:
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def service(store: Store) -> Iterator[Service]:
    service = Service(store)
    yield service
    service.kill()


def taken(store: Store) -> Lease | None:
    try:
        return Lease(store)
    except LeaseHeld:
        return None


def test_a_second_process_is_refused_and_told_why(store):
    lease = Lease(store)
    second = Service(store)
    try:
        told = second.says()
        assert told.startswith("refused 已有一个 yuqing 在用这个数据库")
        assert "先停掉它" in told
    finally:
        second.kill()
        lease.close()


def test_what_a_process_lets_go_another_can_take(store, service):
    assert service.says() == "held"
    with pytest.raises(LeaseHeld):
        Lease(store)
    service.go_on()
    assert service.says() == "let go"
    # PostgreSQL ends a session a moment after its client has closed it.
    lease = wait_until(lambda: taken(store))
    lease.close()


def test_a_process_that_was_killed_holds_nothing(store, service):
    assert service.says() == "held"
    assert taken(store) is None
    service.kill()
    lease = wait_until(lambda: taken(store))
    lease.close()


def test_a_lease_that_was_closed_can_be_taken_again_and_closed_twice(store):
    for _ in range(2):
        lease = wait_until(lambda: taken(store))
        lease.close()
        lease.close()


def test_one_process_does_not_take_it_twice_either(store):
    lease = Lease(store)
    with pytest.raises(YuqingError):
        Lease(store)
    lease.close()


# --- who holds it ---------------------------------------------------------------------------------------------------


def test_who_holds_the_database_is_told_and_since_when(store, service):
    began = utc_now() - timedelta(seconds=1)
    assert service.says() == "held"
    held = holder(store)
    assert held is not None
    assert held.since is not None
    assert began - timedelta(hours=1) < held.since <= utc_now() + timedelta(seconds=1)
    assert held.pid == (service.process.pid if store.is_sqlite else None)
    service.kill()
    wait_until(lambda: holder(store) is None)


def test_looking_who_holds_a_file_keeps_no_service_from_starting(tmp_path):
    """Whoever looks touches the lock for a moment: a service that starts just then tries again."""
    store = Store(f"sqlite:///{tmp_path / 'yuqing.db'}")
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            holder(store)

    looker = threading.Thread(target=look)
    looker.start()
    try:
        for _ in range(50):
            Lease(store).close()
    finally:
        stop.set()
        looker.join()
        store.close()


def test_a_lock_of_an_older_version_tells_nothing_but_that_it_is_held(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'yuqing.db'}")
    with (tmp_path / "yuqing.db.lock").open("ab") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert holder(store) == Holder(None, None)
    assert holder(store) is None
    store.close()
