"""Insert a row unless one with the same key is there: one statement, so that two writers cannot both find nothing.

Read-then-insert is right on SQLite, where one writer has the database, and wrong on PostgreSQL, where another
machine's monitors may write the same key between the two.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection
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


def insert_new(
    session: Session,
    table: type[Base],
    key: Sequence[InstrumentedAttribute[Any]],
    rows: Sequence[Mapping[str, Any]],
) -> Sequence[Sequence[Any]]:
    """Insert rows, by the names of their columns, but for those whose key is taken; gives key and id of each new one.

    All rows name the same columns in the same order, every one that the database does not fill in by itself.
    """
    if not rows:
        return []
    if session.get_bind().dialect.name == "sqlite":
        return _insert_on_sqlite(session.connection(), table, key, rows)
    new = postgres_insert(table.__table__).on_conflict_do_nothing(index_elements=list(key))  # type: ignore[arg-type]
    return session.execute(new.returning(*key, table.__table__.c.id), rows).all()


def _insert_on_sqlite(
    connection: Connection,
    table: type[Base],
    key: Sequence[InstrumentedAttribute[Any]],
    rows: Sequence[Mapping[str, Any]],
) -> Sequence[Sequence[Any]]:
    """Write the statement that SQLAlchemy writes too: it takes as long again as the database around it."""
    dialect, unique = connection.dialect, tuple(one.key for one in key)
    types = [(name, table.__table__.c[name].type.dialect_impl(dialect)) for name in rows[0]]
    columns = [(name, kind.bind_processor(dialect)) for name, kind in types]
    at_once = dialect.insertmanyvalues_max_parameters // len(columns)
    found: list[Sequence[Any]] = []
    for first in range(0, len(rows), at_once):
        some = rows[first : first + at_once]
        statement = _statement(table.__tablename__, tuple(rows[0]), unique, len(some))
        values = [row[name] if write is None else write(row[name]) for row in some for name, write in columns]
        found += connection.exec_driver_sql(statement, tuple(values))
    return found


@lru_cache(maxsize=64)
def _statement(table: str, names: Sequence[str], key: Sequence[str], count: int) -> str:
    row, unique = f"({', '.join('?' * len(names))})", ", ".join(key)
    return (  # names of our own columns, and question marks
        f"INSERT INTO {table} ({', '.join(names)}) VALUES {', '.join([row] * count)} "  # noqa: S608
        f"ON CONFLICT ({unique}) DO NOTHING RETURNING {unique}, id"
    )
