"""One at a time, by name, among all who work on one database. Held until the transaction ends, never longer."""

from sqlalchemy import Text, cast, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session


def serialise(session: Session, *names: str) -> None:
    """Wait until no other transaction holds any of `names`, taken in the order of the alphabet, so that two that want
    the same names never wait for each other. Safe to call twice in one transaction.

    To be called before anything is read that must not be out of date. On SQLite nothing is to do: a transaction of
    the writer has the whole database from its first statement.
    """
    if not names or session.get_bind().dialect.name != "postgresql":
        return
    # https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADVISORY-LOCKS
    each = func.unnest(cast(sorted(set(names)), ARRAY(Text))).table_valued(column("name", Text))
    session.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(each.c.name, 0))).select_from(each)
    )
