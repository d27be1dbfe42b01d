"""Looking for matters by words: in their numbers, titles, places, texts, and answers. Never by who wrote or acted.

An index of pairs of letters names the candidates (`search_text`, on SQLite with an FTS5 table beside it, on PostgreSQL with
a GIN index); a comparison with the text itself decides. A text is kept by itself and not with its case, so that a split or a
merge has nothing to bring up to date.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    exists,
    func,
    insert,
    literal_column,
    select,
    table,
    union,
)
from sqlalchemy.orm import Session

from routing.normal import letters
from routing.office import Level
from routing.store.tables import (
    CaseItemRow,
    CaseRow,
    DraftRow,
    ItemRow,
    ReleaseRow,
    Searched,
    SearchRow,
)
from routing.views import dispatched_to
from routing.wanted import pairs_in, pairs_of
from routing.workflow import State

AT_ONCE = 20
"""So many candidates are compared with their texts in one go."""
_OWN = ("number", "title", "place", "topic", "old_number")
"""The columns of a case that are its own words."""
AROUND = 14
"""Letters shown on either side of a word that was found."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A case that holds all the words; `said`: the place in one of its public texts, empty where its title says it;
    `old_number`: that of the older ledger that it comes from."""

    case_id: int
    number: str
    title: str
    state: State
    level: Level
    said: str
    old_number: str = ""


def note_item(session: Session, row: ItemRow) -> None:
    """Take a text of a case into the index, or bring it up to date. Safe to call twice."""
    _note(session, Searched.ITEM, row.id, pairs_of(row.title, row.text))


def note_case(session: Session, case: CaseRow) -> None:
    """Take number, title, place and topic of a case into the index, or bring them up to date. Safe to call twice."""
    _note(session, Searched.MATTER, case.id, pairs_of(*_own_words(case)))


def note_draft(session: Session, draft: DraftRow) -> None:
    """Take an answer into the index. Until it is published only those find it who may read drafts."""
    _note(session, Searched.DRAFT, draft.id, pairs_of(draft.text))


def note_all(session: Session, texts: Sequence[tuple[Searched, int, str]]) -> None:
    """Take texts into the index that are new there: what each is about, its key, its pairs as `pairs_of` gives them."""
    if texts:
        rows = [{"kind": kind, "ref": ref, "pairs": pairs} for kind, ref, pairs in texts]
        session.execute(insert(SearchRow), rows)


def pairs_of_case(values: Mapping[str, Any]) -> str:
    """Give the pairs of a case that is not stored yet, by the names of its columns."""
    return pairs_of(*(str(values.get(name) or "") for name in _OWN))


def find(
    session: Session,
    words: Sequence[str],
    *,
    channels: Sequence[str] | None,
    with_drafts: bool,
    page: int,
    size: int,
) -> tuple[list[Hit], bool]:
    """Give a page of the cases that hold all of `words` (as `wanted.words_of` reads them), newest first; and whether more follow.

    `channels`: only what was dispatched there, None for all. `with_drafts`: unreleased answers count too.
    """
    found = _found(session, words, channels, with_drafts)
    hits: list[Hit] = []
    for place, hit in enumerate(found):
        if place >= (page + 1) * size:
            return hits, True
        if place >= page * size:
            hits.append(hit)
    return hits, False


def _found(
    session: Session, words: Sequence[str], channels: Sequence[str] | None, with_drafts: bool
) -> Iterator[Hit]:
    query = select(CaseRow).where(*(CaseRow.id.in_(_holding(session, word, with_drafts)) for word in words))
    if channels is not None:
        query = query.where(dispatched_to(channels))
    query = query.order_by(CaseRow.opened_at.desc(), CaseRow.id.desc())
    start = 0
    while cases := session.scalars(query.offset(start).limit(AT_ONCE)).all():
        for case in cases:
            if (said := _said(session, case, words, with_drafts)) is not None:
                yield Hit(
                    case.id, case.number, case.title, case.state, case.level, said, case.old_number or ""
                )
        start += AT_ONCE


def _holding(session: Session, word: str, with_drafts: bool) -> CompoundSelect[int]:
    """Give the cases one of whose texts holds all pairs of a word."""
    holds = _holds(session, word)
    return union(
        select(CaseItemRow.case_id)
        .join(SearchRow, and_(SearchRow.kind == Searched.ITEM, SearchRow.ref == CaseItemRow.item_id))
        .where(holds),
        select(SearchRow.ref).where(SearchRow.kind == Searched.MATTER, holds),
        _drafts(with_drafts).with_only_columns(DraftRow.case_id).where(holds),
    )


def _drafts(with_drafts: bool) -> Select[str]:
    query = select(DraftRow.text).join(
        SearchRow, and_(SearchRow.kind == Searched.DRAFT, SearchRow.ref == DraftRow.id)
    )
    released = exists().where(ReleaseRow.draft_id == DraftRow.id, ReleaseRow.url != "")
    return query if with_drafts else query.where(released)


def _holds(session: Session, word: str) -> ColumnElement[bool]:
    pairs = pairs_in(word)
    if session.get_bind().dialect.name == "sqlite":
        wanted = " ".join(f'"{pair}"' for pair in pairs)
        match = literal_column("search_pair").op("MATCH")(wanted)
        return SearchRow.id.in_(
            select(literal_column("rowid")).select_from(table("search_pair")).where(match)
        )
    kept = func.string_to_array(SearchRow.pairs, " ")
    return kept.op("@>")(func.string_to_array(" ".join(pairs), " "))


def _said(session: Session, case: CaseRow, words: Sequence[str], with_drafts: bool) -> str | None:
    """Say where a case speaks of the words; None where it does not after all: its pairs stood apart."""
    own, said = letters(" ".join(_own_words(case))), ""
    for word in words:
        if word in own:
            continue
        where = _in_texts(session, case.id, word)
        if where is None and not _in_drafts(session, case.id, word, with_drafts):
            return None
        said = said or where or ""
    return said


def _in_texts(session: Session, case_id: int, word: str) -> str | None:
    """Give the place in a public text of a case that holds a word; None where no text does."""
    texts = session.execute(
        select(ItemRow.title, ItemRow.text)
        .join(CaseItemRow, CaseItemRow.item_id == ItemRow.id)
        .join(SearchRow, and_(SearchRow.kind == Searched.ITEM, SearchRow.ref == ItemRow.id))
        .where(CaseItemRow.case_id == case_id, _holds(session, word))
        .order_by(ItemRow.id)
    )
    for title, text in texts:
        if word in letters(title) or word in letters(text):
            return _around(word, text) or _around(word, title)
    return None


def _in_drafts(session: Session, case_id: int, word: str, with_drafts: bool) -> bool:
    texts = session.scalars(_drafts(with_drafts).where(DraftRow.case_id == case_id, _holds(session, word)))
    return any(word in letters(text) for text in texts)


def _around(word: str, text: str) -> str:
    """Quote where a text says a word; empty where it is written otherwise there (a space within, an old character)."""
    line = " ".join(text.split())
    at = line.lower().find(word)
    if at < 0:
        return ""
    start, end = max(0, at - AROUND), at + len(word) + AROUND
    return f"{'…' if start else ''}{line[start:end]}{'…' if end < len(line) else ''}"


def _own_words(case: CaseRow) -> list[str]:
    return [getattr(case, name) or "" for name in _OWN]


def _note(session: Session, kind: Searched, ref: int, pairs: str) -> None:
    row = session.scalar(select(SearchRow).where(SearchRow.kind == kind, SearchRow.ref == ref))
    if row is None:
        session.add(SearchRow(kind=kind, ref=ref, pairs=pairs))
    elif row.pairs != pairs:
        row.pairs = pairs
    session.flush()
