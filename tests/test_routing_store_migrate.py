"""From nothing to the newest schema: equal to the tables, harmless twice, safe when two do it at once."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from builders import START
from sqlalchemy import event, inspect, text

from routing.errors import UserError
from routing.store.engine import Store
from routing.store.migrate import BY_HAND, config_for, is_of_the_tables, migrate
from routing.store.tables import Base, PersonRow

MIGRATE = """
import sys
from routing.store.engine import Store
from routing.store.migrate import migrate
store = Store(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
migrate(store)
store.close()
print("done", flush=True)
"""


@pytest.fixture
def empty(empty_url: str) -> Iterator[Store]:
    store = Store(empty_url)
    yield store
    store.close()


def differences(store: Store) -> list[object]:
    # SQLite keeps a default as it was written, and false is there both 0 and false.
    opts = {
        "compare_type": True,
        "compare_server_default": not store.is_sqlite,
        "include_name": is_of_the_tables,
    }
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=opts)
        return list(compare_metadata(context, Base.metadata))


def tables(store: Store) -> set[str]:
    return {n for n in inspect(store.engine).get_table_names() if not n.startswith(BY_HAND)}


def test_migrations_from_nothing_equal_the_tables(empty):
    assert tables(empty) == set()
    migrate(empty)
    assert tables(empty) == {table.name for table in Base.metadata.sorted_tables} | {"alembic_version"}
    assert differences(empty) == []


def test_the_comparison_sees_a_difference(store):
    """Without this, an empty list of differences would prove nothing."""
    with store.engine.begin() as connection:
        connection.execute(text("ALTER TABLE person ADD COLUMN shoe_size INTEGER"))
    try:
        assert len(differences(store)) == 1
    finally:
        with store.engine.begin() as connection:
            connection.execute(text("ALTER TABLE person DROP COLUMN shoe_size"))


def test_migrating_again_changes_nothing_and_keeps_the_rows(store):
    store.run(lambda s: s.add(PersonRow(name="甲", added_at=START)))
    migrate(store)
    migrate(store)
    assert differences(store) == []
    assert store.run(lambda s: s.query(PersonRow).count()) == 1


def test_a_database_that_a_newer_version_changed_is_not_opened_and_the_cure_is_said(empty):
    migrate(empty)
    with empty.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(UserError, match=r"更新的版本改过（9999，.*装回那个版本"):
        migrate(empty)


def test_dismissals_of_an_older_schema_are_verdicts_of_relevance(empty):
    rows = (
        "INSERT INTO person (id, name, active, added_at) VALUES (1, '甲', true, '2026-11-17')",
        "INSERT INTO matter (id, number, state, level, proposed_level, channel, copies, title, must_answer, opened_at,"
        " version, returns, draft_version)"
        " VALUES (1, 'YQ-2026-0001', 'dismissed', 4, 4, 'petition', '[]', '停水', false, '2026-11-17', 2, 0, 0)",
        "INSERT INTO verdict (id, case_id, kind, proposed, corrected, person_id, rules_version, at)"
        " VALUES (1, 1, 'not_a_matter', 'case', '广告', 1, '', '2026-11-17'), (2, 1, 'level', '4', '3', 1, '', '2026-11-17')",
    )
    with empty.engine.begin() as connection:
        command.upgrade(config_for(connection), "0006")
        for row in rows:
            connection.execute(text(row))
    migrate(empty)
    with empty.engine.connect() as connection:
        kinds = connection.execute(text("SELECT kind, item_id, scorer FROM verdict ORDER BY id")).all()
    assert kinds == [("relevant", None, None), ("level", None, None)]


def test_the_subject_of_an_older_matter_is_that_of_its_first_text_that_has_one(empty):
    item = (
        "INSERT INTO item (id, source_id, external_id, url, title, text, kind, first_seen_at, date_note, content_hash,"
        " revision, fingerprint, places, numbers, subject, outcome, reasons, masked, rules_version) VALUES"
        " ({0}, 'bbs', '{0}', '', '', '停水', 'post', '2026-11-17', '', '', 1, '', '[]', '[]', {1}, 'opened', '[]', '[]', '')"
    )
    matter = (
        "INSERT INTO matter (id, number, state, level, proposed_level, channel, copies, title, must_answer, opened_at,"
        " version, returns, draft_version)"
        " VALUES ({0}, 'YQ-{0}', 'judging', 4, 4, 'petition', '[]', '停水', false, '2026-11-17', 1, 0, 0)"
    )
    place = (
        "INSERT INTO matter_item (item_id, case_id, why, certainty, at) VALUES ({}, 1, '', 1, '2026-11-1{}')"
    )
    with empty.engine.begin() as connection:
        command.upgrade(config_for(connection), "0008")
        for number, subject in ((1, "'环境保护'"), (2, "'水电气暖'"), (3, "NULL")):
            connection.execute(text(item.format(number, subject)))
        for number in (1, 2):
            connection.execute(text(matter.format(number)))
        for number, day in ((1, 8), (2, 7), (3, 6)):
            connection.execute(text(place.format(number, day)))
    migrate(empty)
    with empty.engine.connect() as connection:
        assert connection.execute(text("SELECT subject FROM matter ORDER BY id")).all() == [
            ("水电气暖",),
            (None,),
        ]


def test_a_migration_that_fails_on_its_way_leaves_nothing(empty):
    made = []

    def fail(connection, cursor, statement, *_: object) -> None:
        made.extend(["table"] * statement.strip().startswith("CREATE TABLE"))
        if len(made) == 10:
            raise LookupError("the power went out")

    event.listen(empty.engine, "before_cursor_execute", fail)
    with pytest.raises(LookupError):
        migrate(empty)
    event.remove(empty.engine, "before_cursor_execute", fail)
    assert tables(empty) == set()
    migrate(empty)
    assert differences(empty) == []


@pytest.mark.slow
def test_two_processes_that_start_at_once_both_find_the_newest_schema(empty):
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", MIGRATE, empty.url.render_as_string(hide_password=False)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    try:
        assert [worker.stdout.readline() for worker in workers] == ["ready\n", "ready\n"]
        for worker in workers:
            worker.stdin.write("go\n")
            worker.stdin.flush()
        said = [worker.communicate(timeout=60) for worker in workers]
        assert [(out, worker.returncode) for (out, _), worker in zip(said, workers, strict=True)] == [
            ("done\n", 0),
            ("done\n", 0),
        ], said
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert differences(empty) == []
