"""Alembic's environment, entered only from code (routing.store.migrate): the connection is handed in."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import TypeDecorator

from routing.store.migrate import is_of_the_tables
from routing.store.tables import Base


def plain_types(kind: str, thing: Any, autogen_context: Any) -> str | Literal[False]:
    """Write our column types as the plain ones beneath: a migration must not change when a type's class does."""
    if kind == "type" and isinstance(thing, TypeDecorator):
        return f"sa.{thing.impl!r}"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
    render_item=plain_types,
    include_name=is_of_the_tables,
)
with context.begin_transaction():
    context.run_migrations()
