"""Insert a row unless one with the same key is there: one statement, so that two writers cannot both find nothing.

Read-then-insert is right on SQLite, where one writer has the database, and wrong on PostgreSQL, where another
machine's monitors may write the same key between the two.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import InstrumentedAttribute, Session

from routing.store.tables import Base


def insert_once(
    session: Session, table: type[Base], key: Sequence[InstrumentedAttribute[Any]], **values: Any
) -> bool:
    """Insert one row; False where its key is taken, and nothing changes. The row is not loaded into the session."""
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgres_insert
    statement = (
        insert(table).values(**values).on_conflict_do_nothing(index_elements=list(key)).returning(*key)
    )
    return session.execute(statement).first() is not None
