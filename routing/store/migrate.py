"""Bring a database to the newest schema, from code. Safe to call twice and by two processes at once."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from routing.store.engine import Store

if TYPE_CHECKING:
    from alembic.config import Config

BY_HAND = ("search_pair", "ix_search_text_pairs")
"""How the names begin of what a migration made by hand for one database: the tables know nothing of it."""

MIGRATION_LOCK = 0x79755100  # any constant of our own: PostgreSQL's advisory locks share one space


_migrations = Path(__file__).parent / "migrations"


def config_for(connection: Connection) -> "Config":
    """Give Alembic's configuration for one open connection; nothing is read from a file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_migrations))
    config.attributes["connection"] = connection
    return config


def is_of_the_tables(name: str | None, kind: str, _parents: object = None) -> bool:
    """Tell Alembic whether to compare something that it found in a database with the tables."""
    return not (name or "").startswith(BY_HAND)


def migrate(store: Store) -> None:
    """Run what is missing, in one transaction: all of it or nothing."""
    with store.engine.begin() as connection:
        if not store.is_sqlite:  # on SQLite, BEGIN IMMEDIATE already keeps a second process waiting
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        if not _is_newest(connection):
            from alembic import command  # dear to import, and seldom needed

            command.upgrade(config_for(connection), "head")


def _is_newest(connection: Connection) -> bool:
    """Tell whether the newest of our migrations was the last that ran; they are numbered, and one follows another."""
    if not inspect(connection).has_table("alembic_version"):
        return False
    newest = max(path.name[:4] for path in (_migrations / "versions").glob("[0-9]*.py"))
    return connection.scalars(text("SELECT version_num FROM alembic_version")).all() == [newest]
