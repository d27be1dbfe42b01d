"""Triggers that let a table only grow: what was written there is neither changed nor taken out, by anybody's SQL.

They stop a slip of the hand and a quick hand; who owns the database can take them off, and is found by the chain
(`routing/ledger.py`). A migration that makes such a table anew (SQLite, in batches) must guard it again.
"""

from sqlalchemy import Connection, text

REFUSAL = "台账只能追加，不能修改或删除"
_FUNCTION = "yuqing_append_only"


def guard(connection: Connection, table: str, key: str) -> None:
    """Refuse UPDATE and DELETE on a table from now on, on PostgreSQL TRUNCATE too. Not safe to call twice.

    `key` is the column of its primary key.
    """
    for statement in _on_sqlite(table, key) if _is_sqlite(connection) else _on_postgresql(table):
        connection.execute(text(statement))


def release(connection: Connection, table: str) -> None:
    """Take the triggers off again: for a migration back, and for tests that play the hand."""
    ends = ("update", "delete", "replace") if _is_sqlite(connection) else ("rows", "whole")
    on = "" if _is_sqlite(connection) else f" ON {table}"
    for end in ends:
        connection.execute(text(f"DROP TRIGGER {table}_guard_{end}{on}"))


def _is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def _on_sqlite(table: str, key: str) -> list[str]:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    known = f"EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})"  # noqa: S608 - names of our own
    return [
        f"CREATE TRIGGER {table}_guard_update BEFORE UPDATE ON {table} {refuse}",
        f"CREATE TRIGGER {table}_guard_delete BEFORE DELETE ON {table} {refuse}",
        # INSERT OR REPLACE deletes without a word to the trigger above (sqlite.org/lang_conflict.html, REPLACE).
        f"CREATE TRIGGER {table}_guard_replace BEFORE INSERT ON {table} WHEN {known} {refuse}",
    ]


def _on_postgresql(table: str) -> list[str]:
    return [
        f"CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$",
        f"CREATE TRIGGER {table}_guard_rows BEFORE UPDATE OR DELETE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION {_FUNCTION}()",
        f"CREATE TRIGGER {table}_guard_whole BEFORE TRUNCATE ON {table}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {_FUNCTION}()",
    ]
