"""New rows, on both databases: each once, whoever wrote its key before, and written as SQLAlchemy writes them."""

import json
from dataclasses import replace
from datetime import timedelta

from builders import START
from sqlalchemy import insert, select, text

from routing.intake import values_of
from routing.items import Band, Counts, Item, Kind, Sentiment
from routing.rules import Judgement, Reason
from routing.store.once import insert_new
from routing.store.tables import ItemRow, Outcome

KEY = (ItemRow.source_id, ItemRow.external_id)
JUDGEMENT = Judgement(
    relevant=True,
    channel="network",
    copies=(),
    level=None,
    reasons=(Reason("water", "供水", ("停水", '"水"')), Reason("root", "兜底", (), "没有规则命中")),
    places=("云岭县",),
    topic="供水",
    must_answer=False,
)
NAMES = [column.name for column in ItemRow.__table__.columns if column.name != "id"]
RAW = text(f"SELECT {', '.join(NAMES)} FROM item ORDER BY external_id")
PLAIN = Item("甲", "1", "https://a.example/1", "标题", "正文", published_at=START)
FULL = replace(
    PLAIN,
    external_id="2",
    kind=Kind.COMMENT,
    parent_id="1",
    published_at=None,
    date_note="来源未给日期",
    counts=Counts(1, 2, None, 2**40),
    sentiment=Sentiment(0.25, 0.3, Band.NEGATIVE, "ngram", "1", quote="“坏”"),
    masked=("手机号",),
)


def row(item: Item, name: str | None = None) -> dict:
    given = replace(item, external_id=name or item.external_id)
    return values_of(
        given, JUDGEMENT, "r1", START, Outcome.NONE, stood="feed", found=["window"], compared=True
    )


def test_a_key_that_is_taken_is_left_alone_and_not_given(store):
    first = store.run(lambda s: [tuple(one) for one in insert_new(s, ItemRow, KEY, [row(PLAIN)])])
    again = [row(replace(PLAIN, title="另一标题")), row(FULL)]
    second = store.run(lambda s: [tuple(one) for one in insert_new(s, ItemRow, KEY, again)])
    stored = store.run(
        lambda s: s.execute(select(*KEY, ItemRow.id, ItemRow.title).order_by(ItemRow.id)).all()
    )
    assert [(*key, title) for *key, _, title in stored] == [("甲", "1", "标题"), ("甲", "2", "标题")]
    assert [*first, *second] == [(source, name, id_) for source, name, id_, _ in stored]


def test_more_rows_than_one_statement_holds_are_all_written(store):
    rows = [row(PLAIN, f"{number:05}") for number in range(2_500)]
    given = store.run(lambda s: [tuple(one) for one in insert_new(s, ItemRow, KEY, rows)])
    assert [name for _, name, _ in given] == [one["external_id"] for one in rows]
    assert store.run(lambda s: s.scalar(text("SELECT count(*) FROM item"))) == 2_500


def test_what_is_written_is_what_sqlalchemy_writes(store):
    zoned = replace(PLAIN, external_id="3", published_at=START + timedelta(microseconds=70))
    rows = [row(PLAIN), row(FULL), row(zoned)]

    def written(session, write) -> list[tuple]:
        write(session)
        raw = [tuple(one) for one in session.execute(RAW)]
        session.rollback()
        return raw

    ours = store.run(lambda s: written(s, lambda s: insert_new(s, ItemRow, KEY, rows)))
    theirs = store.run(lambda s: written(s, lambda s: s.execute(insert(ItemRow.__table__), rows)))
    assert ours == theirs
    assert len(ours) == 3


def test_reasons_are_written_as_json_writes_them(store):
    said = [
        {"rule": "water", "name": "供水", "words": ["停水", '"水"'], "note": ""},
        {"rule": "root", "name": "兜底", "words": [], "note": "没有规则命中"},
    ]
    store.run(lambda s: insert_new(s, ItemRow, KEY, [row(PLAIN), row(FULL)]))
    assert store.run(lambda s: [*s.scalars(select(ItemRow.reasons))]) == [said, said]
    written = store.run(lambda s: [*s.scalars(text("SELECT CAST(reasons AS text) FROM item"))])
    assert written == [json.dumps(said)] * 2


def test_nothing_to_write_is_no_statement(store):
    assert store.run(lambda s: insert_new(s, ItemRow, KEY, [])) == []
