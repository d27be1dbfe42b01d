"""One at a time, by name, among all who work on one database. Held until the transaction ends, never longer."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session


def serialise(session: Session, name: str) -> None:
    """Wait until no other transaction holds `name`. Safe to call twice in one transaction.

    To be called before anything is read that must not be out of date. On SQLite nothing is to do: a transaction of
    the writer has the whole database from its first statement.
    """
    if session.get_bind().dialect.name == "postgresql":
        # https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADVISORY-LOCKS
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
