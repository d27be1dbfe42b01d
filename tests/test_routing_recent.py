"""The window in memory follows the store: rollbacks, moves by people, and nothing is read twice."""

from datetime import timedelta

import pytest
from builders import START, Desk, item
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from routing.grouping import Window
from routing.recent import Recent, trace_of
from routing.store.tables import CaseItemRow, CaseRow, ItemRow

WATER = "东湖小区今天又停水了，物业说不知道什么时候来水"
OTHER = "解放路停水，饭店都没法开门了，没有人管"


@pytest.fixture
def known(desk: Desk) -> Desk:
    """A desk to which the source `bbs` is no news."""
    desk.know("bbs")
    return desk


def window(session: Session, now=START) -> Window:
    first = session.scalars(select(ItemRow)).first()
    held = Recent(session, now).to_compare(trace_of(first, None))
    assert isinstance(held, Window)
    return held


def test_texts_of_matters_are_held_and_the_window_is_the_same_next_time(known: Desk) -> None:
    known.accept(item(WATER))
    first = known.run(window)
    row = known.all(CaseItemRow)[0]
    assert first.case_of(row.item_id) == row.case_id
    assert known.run(window) is first


def test_what_was_rolled_back_is_held_no_longer(known: Desk) -> None:
    known.accept(item(WATER))
    ours = known.all(CaseItemRow)[0]

    def fails(session: Session) -> None:
        trace = trace_of(session.get(ItemRow, ours.item_id), ours.case_id)
        recent = Recent(session, START)
        held = recent.to_compare(trace)
        recent.add(type(trace)(**{name: getattr(trace, name) for name in trace.__slots__} | {"item_id": 999}))
        assert held.case_of(999) == ours.case_id
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        known.run(fails)
    assert known.run(window).case_of(999) is None


def test_a_text_that_a_person_moved_is_followed(known: Desk) -> None:
    known.accept(item(WATER, external_id="1"))
    known.accept(item(OTHER, external_id="2"))
    cases = [row.id for row in known.all(CaseRow)]
    assert len(cases) == 2
    moved = known.all(CaseItemRow, CaseItemRow.case_id == cases[1])[0].item_id
    assert known.run(window).case_of(moved) == cases[1]
    known.run(
        lambda s: s.execute(update(CaseItemRow).where(CaseItemRow.item_id == moved).values(case_id=cases[0]))
    )
    assert known.run(window).case_of(moved) == cases[0]


def test_what_is_older_than_a_week_is_let_go(known: Desk) -> None:
    known.accept(item(WATER, published_at=None))
    assert len(known.run(window)) == 1
    assert len(known.run(lambda s: window(s, START + timedelta(days=9)))) == 0
