"""After the clock was set back: nothing waits for, or stems from, a time that is yet to come."""

from datetime import timedelta

import pytest
from builders import START

from routing.clockstep import put_right
from routing.store.tables import SourceRow

AHEAD, BEFORE = START + timedelta(hours=8), START - timedelta(hours=1)


@pytest.mark.parametrize("name", ["next_poll_at", "look_at", "last_new_at", "last_polled_at"])
def test_an_instant_of_a_source_that_lies_ahead_is_now_and_an_earlier_one_stays(empty_desk, name):
    empty_desk.run(
        lambda s: s.add_all([SourceRow(id="a", **{name: AHEAD}), SourceRow(id="b", **{name: BEFORE})])
    )
    empty_desk.run(lambda s: put_right(s, START))
    assert {row.id: getattr(row, name) for row in empty_desk.all(SourceRow)} == {"a": START, "b": BEFORE}
