"""Gapless numbers: a row locked until the transaction that took the number ends."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from routing.store.tables import CounterRow


def head_of(session: Session, name: str, *, take: bool = True, count: int = 1) -> int:
    """Take the next number of `name` (1 first), or with `take=False` only tell the last one taken (0: none).

    Of `count` numbers that are taken together the last is given.

    A transaction that is rolled back gives its number back.
    """
    if not take:
        return session.scalar(select(CounterRow.value).where(CounterRow.name == name)) or 0
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgres_insert
    statement = (
        insert(CounterRow)
        .values(name=name, value=count)
        .on_conflict_do_update(index_elements=[CounterRow.name], set_={"value": CounterRow.value + count})
        .returning(CounterRow.value)
    )
    return session.execute(statement).scalar_one()
