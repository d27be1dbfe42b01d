"""Noting that sources answered as before: all of a batch in one statement, for this is what most rounds bring.

The rows travel as one JSON text, which both databases take apart themselves. One statement a row takes twice the time,
and on SQLite it stops the other threads of the process at each row.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Table,
    Text,
    Update,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from routing.items import SourceState
from routing.store.tables import SourceRow

_table = SourceRow.__table__
assert isinstance(_table, Table)
_columns, _update = _table.c, update(_table)
_fields = ("id", "etag", "last_modified", "validator_url", "mirror", "next_poll_at", "last_ok_at")
_is_usual = and_(
    or_(_columns.next_poll_at.is_(None), _columns.next_poll_at >= bindparam("away_before")),
    _columns.fault.is_(None),
    _columns.fault_told_at.is_(None),
    _columns.changed_at.is_not(None),
    _columns.last_new_at.is_not(None),
)
"""Of such a source nothing is to be noted but that it answered; one that was planned long ago, we were away from."""


def note_answered(session: Session, states: Sequence[SourceState], away_before: datetime) -> int:
    """Note of each usual source that it answered; gives how many that were. A source at most once in `states`.

    `away_before`: what was planned before then, and not polled, we were away from. Safe to call twice.
    """
    dialect = session.get_bind().dialect
    written = _columns.next_poll_at.type.dialect_impl(dialect).bind_processor(dialect) or _as_is
    rows = [
        (
            state.source_id,
            state.etag,
            state.last_modified,
            state.validator_url,
            state.mirror,
            written(state.next_poll_at),
            written(state.last_ok_at),
        )
        for state in states
    ]
    given = {
        "rows": json.dumps(rows, ensure_ascii=False, default=datetime.isoformat),
        "away_before": away_before,
    }
    return session.connection().execute(_statement(dialect.name), given).rowcount


def unusual_of(session: Session, source_ids: Sequence[str], away_before: datetime) -> set[str]:
    """Give those of the sources of which more is to be noted."""
    known = select(_columns.id).where(_columns.id.in_(source_ids), not_(_is_usual))
    return set(session.scalars(known, {"away_before": away_before}))


def _as_is(value: Any) -> Any:
    return value


@cache
def _statement(dialect: str) -> Update:
    given = _given(dialect)
    return _update.where(_columns.id == given["id"], _is_usual).values(
        {name: given[name] for name in _fields[1:]}
        | {"last_polled_at": given["last_ok_at"], "failures": literal_column("0")}
    )


def _given(dialect: str) -> Mapping[str, ColumnElement[Any]]:
    """Name the fields of the rows that are given as JSON: an array of arrays, in the order of `_fields`."""
    rows = bindparam("rows", type_=Text)
    if dialect == "sqlite":
        each = func.json_each(rows).table_valued("value", name="new")
        return {
            name: func.json_extract(each.c.value, literal_column(f"'$[{at}]'"))
            for at, name in enumerate(_fields)
        }
    each = func.json_array_elements(cast(rows, JSON)).table_valued("value", name="new")
    return {
        name: cast(each.c.value.op("->>")(literal_column(str(at))), _columns[name].type)
        for at, name in enumerate(_fields)
    }
