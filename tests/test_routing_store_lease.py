"""One service a database: a second process is refused, a killed one holds nothing."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from builders import wait_until

from routing.errors import YuqingError
from routing.store.engine import Store
from routing.store.lease import Lease, LeaseHeld

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
        assert second.says().startswith("refused 已有一个 yuqing 在用这个数据库")
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
