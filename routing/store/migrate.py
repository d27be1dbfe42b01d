"""Bring a database to the newest schema, from code. Safe to call twice and by two processes at once."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text
from sqlalchemy.orm import Session

from routing.errors import NewerSchema, UserError
from routing.store.engine import Store
from routing.store.lease import holder

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
    """Run what is missing, in one transaction: all of it or nothing.

    Raises NewerSchema for a database that a newer version has changed: nothing here knows what that means.
    """
    with store.engine.begin() as connection:
        if not store.is_sqlite:  # on SQLite, BEGIN IMMEDIATE already keeps a second process waiting
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        known, found = _known(), _found(connection)
        if found and found not in known:
            raise NewerSchema(
                f"数据库已由更新的版本改过（{found}，本版本只到 {known[-1]}），没有打开。"
                "请装回那个版本，或恢复升级前的数据库备份。"
            )
        if found != known[-1]:
            from alembic import command  # dear to import, and seldom needed

            command.upgrade(config_for(connection), "head")


def migrate_alone(store: Store) -> None:
    """Run what is missing, as `migrate` does, but not under a service that works on the database: its tables are not ours.

    Raises UserError then, and nothing was done.
    """
    found, newest = store.peek(standing)
    if found and found < newest and holder(store) is not None:
        raise UserError(
            f"数据库还是旧结构（{found}，本版本 {newest}），旧版本的服务正在用它，什么都没有做。"
            "请先停服务并备份，再用本版本启动 yuqing run，会自动升级。"
        )
    migrate(store)


def standing(session: Session) -> tuple[str, str]:
    """Give the schema that a database has (empty for a new one), and the one that this version makes. Changes nothing."""
    return _found(session.connection()), newest_schema()


def newest_schema() -> str:
    """Give the schema that this version makes."""
    return _known()[-1]


def _known() -> list[str]:
    """Give the numbers of our migrations, the newest last; one follows another."""
    return sorted(path.name[:4] for path in (_migrations / "versions").glob("[0-9]*.py"))


def _found(connection: Connection) -> str:
    """Give the last migration that ran in a database; empty for a new one."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return connection.scalar(text("SELECT version_num FROM alembic_version")) or ""
