"""Every table of the project, on one base with one naming convention. Imports nothing that could import it back.

Instants are aware UTC (checked by the column type), enums are stored as lower-case words, ids of foreign systems
are strings. No column can hold an author.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from typing import Any, ClassVar, TypeVar

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    true,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from routing.items import Ailment, Band, Kind
from routing.office import Colour, Level, Role, Step
from routing.owed import Owed
from routing.silence import Ending, MuteKind
from routing.workflow import AnswerKind, Command, Opinion, Stage, State

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Utc(TypeDecorator[datetime]):
    """An instant. Refuses naive values; gives back aware UTC on every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        # SQLite keeps no zone: store UTC without one, so that text order is time order.
        return _in_utc(value).replace(tzinfo=None) if dialect.name == "sqlite" else _in_utc(value)

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any] | None:
        """Write for SQLite what SQLAlchemy writes too, which takes ten times as long to do it."""
        if dialect.name != "sqlite":
            return super().bind_processor(dialect)

        def write(value: datetime | None) -> str | None:
            if value is None:
                return None
            at = value if value.tzinfo is UTC else _in_utc(value)
            return at.isoformat(" ", "microseconds")[:_zoneless]

        return write

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        """Read from SQLite likewise."""
        if dialect.name != "sqlite":
            return super().result_processor(dialect, coltype)
        read = datetime.fromisoformat
        return lambda written: None if written is None else read(f"{written}+00:00")

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError(f"naive datetime for the store: {value!r}")
    return value.astimezone(UTC)


_zoneless = len("2026-11-20 08:00:00.000000")

W = TypeVar("W", bound=StrEnum)


class Word(TypeDecorator[W]):
    """A member of a StrEnum, stored as its lower-case word."""

    impl = String(24)
    cache_ok = True

    def __init__(self, words: type[W]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: W | None, dialect: Dialect) -> str | None:
        return None if value is None else self.words(value).value

    def bind_processor(self, dialect: Dialect) -> Callable[[W | None], str | None]:
        """Write a member as it is, without a look whether there is such a word."""
        words = self.words

        def write(value: W | None) -> str | None:
            return value.value if type(value) is words else self.process_bind_param(value, dialect)

        return write

    def process_result_value(self, value: str | None, dialect: Dialect) -> W | None:
        return None if value is None else self.words(value)


class Grade(TypeDecorator[Level]):
    """A level, stored as 1 (Ⅰ) to 4 (Ⅳ)."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: IntEnum | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Level | None:
        return None if value is None else Level(value)


BigId = BigInteger().with_variant(Integer, "sqlite")  # SQLite gives rowids to INTEGER keys only


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: Utc,
        dict[str, Any]: JSON,
        list[str]: JSON,
        list[Any]: JSON,
    }


class SourceRow(Base):
    """What is remembered of a source: validators, cursor, health. What to watch stands in `sources.toml`."""

    __tablename__ = "source"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    etag: Mapped[str | None] = mapped_column(Text)
    last_modified: Mapped[str | None] = mapped_column(Text)
    cursor: Mapped[str | None] = mapped_column(Text)
    body_hash: Mapped[str | None] = mapped_column(String(64))
    failures: Mapped[int] = mapped_column(default=0)
    next_poll_at: Mapped[datetime | None]
    last_ok_at: Mapped[datetime | None]
    baseline_done: Mapped[bool] = mapped_column(default=False, server_default=false())
    fault: Mapped[str | None] = mapped_column(String(24))
    fault_detail: Mapped[str | None] = mapped_column(Text)
    fault_since: Mapped[datetime | None]
    fault_told_at: Mapped[datetime | None]
    validator_url: Mapped[str | None] = mapped_column(Text)
    raw_hashes: Mapped[bytes | None] = mapped_column(LargeBinary)
    memory: Mapped[str | None] = mapped_column(Text)
    ttl_s: Mapped[float | None]
    mirror: Mapped[int] = mapped_column(default=0, server_default="0")
    last_polled_at: Mapped[datetime | None]
    last_new_at: Mapped[datetime | None]
    changed_at: Mapped[datetime | None]
    # `routing.health.Past` as JSON: how often each hour of the day was watched and brought something, and what is
    # counted of failures.
    habits: Mapped[dict[str, Any] | None]
    expected_per_h: Mapped[float | None]
    # When its silence must be looked at next; None where there is nothing to wait for.
    look_at: Mapped[datetime | None]
    # Since when an operator's approval of the page waits for a reading; None where none does.
    approve_asked_at: Mapped[datetime | None]


class AilmentRow(Base):
    """Something that is wrong with a source and was not yet over when it was last looked at."""

    __tablename__ = "ailment"
    source_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    ailment: Mapped[Ailment] = mapped_column(Word(Ailment), primary_key=True)
    mark: Mapped[str] = mapped_column(String(64), default="")
    detail: Mapped[str] = mapped_column(Text)
    cure: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime]
    told_at: Mapped[datetime | None]
    # None in rows of before there was such a column.
    seen_at: Mapped[datetime | None]


class CommentWatchRow(Base):
    """A comment feed named by an entry, with the count last seen; polled until `until`, None while nothing rises."""

    __tablename__ = "comment_watch"
    source_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    origin_id: Mapped[str] = mapped_column(String(64), index=True)
    parent_id: Mapped[str] = mapped_column(String(512))
    url: Mapped[str] = mapped_column(Text)
    count: Mapped[int | None] = mapped_column(BigInteger)
    until: Mapped[datetime | None] = mapped_column(index=True)
    seen_at: Mapped[datetime]


class PushRow(Base):
    """A signature of a pushed body that was taken, for as long as its time stamp would be believed again."""

    __tablename__ = "push"
    source_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    signature: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)


class Outcome(StrEnum):
    """What became of an item; the reason stands beside it."""

    CASE = "case"
    NONE = "none"  # not a matter, by rule or for want of one
    BASELINE = "baseline"  # there before the watch began


class Found(StrEnum):
    """What was out of the ordinary when an item was found."""

    WINDOW = "window"  # at the first sight of its source, young enough to be news
    CATCH_UP = "catch_up"  # after a gap in the watch
    PUSH = "push"  # sent to us, not asked for
    ADOPTED = "adopted"  # its source gave it another id; stored as `adopted:` and the id before


class ItemRow(Base):
    """One public text as masked and scored. Unique by source and external id: fetched twice, stored once."""

    __tablename__ = "item"
    __table_args__ = (
        UniqueConstraint("source_id", "external_id"),
        Index("ix_item_first_seen_at", "first_seen_at"),
        Index("ix_item_url", "url", "source_id", postgresql_ops={"url": "text_pattern_ops"}),
        Index("ix_item_source_id_published_at", "source_id", "published_at", "id"),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source_id: Mapped[str] = mapped_column(String(64))
    external_id: Mapped[str] = mapped_column(String(512))
    url: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    kind: Mapped[Kind] = mapped_column(Word(Kind))
    parent_id: Mapped[str | None] = mapped_column(String(512))
    published_at: Mapped[datetime | None]
    date_note: Mapped[str] = mapped_column(String(200), default="")
    first_seen_at: Mapped[datetime]
    views: Mapped[int | None] = mapped_column(BigInteger)
    likes: Mapped[int | None] = mapped_column(BigInteger)
    reposts: Mapped[int | None] = mapped_column(BigInteger)
    comments: Mapped[int | None] = mapped_column(BigInteger)
    sentiment_raw: Mapped[float | None]
    sentiment_value: Mapped[float | None]
    sentiment_band: Mapped[Band | None] = mapped_column(Word(Band))
    scorer: Mapped[str | None] = mapped_column(String(64))
    # The sentence that sounds worst, masked as the text is; empty where there is only one.
    quote: Mapped[str] = mapped_column(Text, default="", server_default="")
    # The words that speak most for the band; None where the scorer named none.
    evidence: Mapped[list[str] | None]
    content_hash: Mapped[str] = mapped_column(String(32))
    revision: Mapped[int] = mapped_column(default=1)
    fingerprint: Mapped[str] = mapped_column(String(64))
    places: Mapped[list[str]]
    numbers: Mapped[list[str]]
    topic: Mapped[str | None] = mapped_column(String(64))
    # Where it stood (`routing.judging.stood`) and its subject area; None in rows of before anybody looked.
    stood: Mapped[str | None] = mapped_column(String(12))
    subject: Mapped[str | None] = mapped_column(String(24))
    outcome: Mapped[Outcome] = mapped_column(Word(Outcome))
    reasons: Mapped[list[Any]]
    masked: Mapped[list[str]]
    rules_version: Mapped[str] = mapped_column(String(32), default="")
    found: Mapped[list[str] | None]  # codes of `Found`; None before there were any


class GoneRow(Base):
    """A text whose keeping time (保存期) is over: as much of it as knows it again, should its source still show it.

    `mark`: a digest of source and external id (`routing.gone`); `content`: the beginning of its content hash; `stock`:
    it was there before the watch began.
    """

    __tablename__ = "gone"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - SQLAlchemy reads it as it stands
    mark: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary(8))
    stock: Mapped[bool] = mapped_column(default=False, server_default=false())


class CaseRow(Base):
    """One matter (舆情事项). `version` rises with every move of the procedure, never with a further item."""

    __tablename__ = "matter"
    __table_args__ = (Index("ix_matter_place", "place"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    number: Mapped[str] = mapped_column(String(32), unique=True)
    state: Mapped[State] = mapped_column(Word(State), index=True)
    level: Mapped[Level] = mapped_column(Grade)
    proposed_level: Mapped[Level] = mapped_column(Grade)
    # Level -> instant since when it has stood at that level or a graver one without a break, for levels that it rose to.
    risen: Mapped[dict[str, Any] | None]
    channel: Mapped[str] = mapped_column(String(32), index=True)
    copies: Mapped[list[str]]
    title: Mapped[str] = mapped_column(Text)
    place: Mapped[str | None] = mapped_column(String(120))
    topic: Mapped[str | None] = mapped_column(String(64))
    # Subject area (领域): the first text's, until a person says otherwise; None in texts that no model read.
    subject: Mapped[str | None] = mapped_column(String(24))
    must_answer: Mapped[bool] = mapped_column(default=False, server_default=false())
    # On what ground, proposed or said by a person; None where it need not, and in rows of before anybody asked.
    owed: Mapped[Owed | None] = mapped_column(Word(Owed))
    answer_kind: Mapped[AnswerKind | None] = mapped_column(Word(AnswerKind))
    # A leader has written an instruction on it (批示件); the words of it are nowhere here.
    instructed: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Tied to a 特别重大 or 重大 emergency (突发事件): 国办发〔2016〕80号 sets limits of its own.
    emergency: Mapped[bool] = mapped_column(default=False, server_default=false())
    opened_at: Mapped[datetime] = mapped_column(index=True)
    closed_at: Mapped[datetime | None]
    close_reason: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(default=1)
    returns: Mapped[int] = mapped_column(default=0)
    draft_version: Mapped[int] = mapped_column(default=0)
    # Where its texts went when people said that it was no matter of its own (已合并).
    merged_into: Mapped[int | None] = mapped_column(BigId, ForeignKey("matter.id"))
    # By what the proposed level was raised last (Chinese, with its figure); None where only the rules spoke.
    level_why: Mapped[str | None] = mapped_column(Text)
    # Who entered it by hand (首接); None where a source brought it.
    registered_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("person.id"))
    # When it was taken over from an older ledger (旧台账), and its number there; None where it began here.
    imported_at: Mapped[datetime | None]
    old_number: Mapped[str | None] = mapped_column(String(120), index=True)


class CaseItemRow(Base):
    """An item's place in a case. An item belongs to one case at most."""

    __tablename__ = "matter_item"
    __table_args__ = (Index("ix_matter_item_case_id_at", "case_id", "at"),)
    item_id: Mapped[int] = mapped_column(BigId, ForeignKey("item.id"), primary_key=True, autoincrement=False)
    case_id: Mapped[int] = mapped_column(BigId, ForeignKey("matter.id"))
    why: Mapped[str] = mapped_column(Text)
    certainty: Mapped[float]
    at: Mapped[datetime]
    # Old when it was taken over from an older ledger: no new text is held against it.
    past: Mapped[bool] = mapped_column(default=False, server_default=false())


class LegacyRow(Base):
    """What an older ledger (旧台账) says of a case that was taken over from it, masked; never changed.

    `key` names the matter for good, so that the same file brings nothing twice; `digest` is of all that it says.
    `said`: heading -> text, times in the office's zone. `batch`: the line of the ledger that tells of the import.
    """

    __tablename__ = "legacy"
    case_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("matter.id"), primary_key=True, autoincrement=False
    )
    key: Mapped[str] = mapped_column(String(160), unique=True)
    digest: Mapped[str] = mapped_column(String(32))
    said: Mapped[dict[str, Any]]
    sheet: Mapped[str] = mapped_column(String(60), default="")
    row: Mapped[int]
    batch: Mapped[int] = mapped_column(BigInteger, index=True)


class MuteRow(Base):
    """A mute (静音): what it takes, why, by whom, and until when; none is without an end.

    `matcher`: id of a source, words with 、 between them, name of a place, or number of a case.
    """

    __tablename__ = "mute"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[MuteKind] = mapped_column(Word(MuteKind))
    matcher: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(Text)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]
    ends_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    lifted_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class HoldRow(Base):
    """A case whose card is held back (暂不发卡): by a mute, below a graver case of the same place and topic, or beside the
    one that it is perhaps part of; by none where it was taken over from an older ledger and nobody asked for its card yet.

    One row a case may be without `ended_at`.
    """

    __tablename__ = "hold"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[int] = mapped_column(BigId, ForeignKey("matter.id"), index=True)
    mute_id: Mapped[int | None] = mapped_column(ForeignKey("mute.id"), index=True)
    under_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("matter.id"), index=True)
    beside_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("matter.id"), index=True)
    at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    ending: Mapped[Ending | None] = mapped_column(Word(Ending))


class SpreadRow(Base):
    """The sums of a case's counts as they stood in one hour, so that growth can be told from size."""

    __tablename__ = "spread"
    case_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("matter.id"), primary_key=True, autoincrement=False
    )
    at: Mapped[datetime] = mapped_column(primary_key=True)  # the full hour
    views: Mapped[int] = mapped_column(BigInteger)
    reposts: Mapped[int] = mapped_column(BigInteger)
    comments: Mapped[int] = mapped_column(BigInteger)


class SuggestionRow(Base):
    """Another case that a new one is perhaps one with: not sure enough to join by itself, a person decides."""

    __tablename__ = "suggestion"
    case_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("matter.id"), primary_key=True, autoincrement=False
    )
    other_id: Mapped[int] = mapped_column(BigId, ForeignKey("matter.id"))
    why: Mapped[str] = mapped_column(Text)
    certainty: Mapped[float]
    at: Mapped[datetime]


class ProposalRow(Base):
    """What the machine proposed for a case and why; kept for comparison with what people decided."""

    __tablename__ = "proposal"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[int] = mapped_column(BigId, ForeignKey("matter.id"), index=True)
    item_id: Mapped[int] = mapped_column(BigId, ForeignKey("item.id"), index=True)
    channel: Mapped[str] = mapped_column(String(32))
    level: Mapped[Level] = mapped_column(Grade)
    reasons: Mapped[list[Any]]
    rules_version: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime]


class AssignmentRow(Base):
    """A dispatch slip (转办单). The open one of a case has neither been returned nor superseded."""

    __tablename__ = "assignment"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[int] = mapped_column(BigId, ForeignKey("matter.id"), index=True)
    channel: Mapped[str] = mapped_column(String(32))
    unit: Mapped[str] = mapped_column(String(120))
    assigned: Mapped[bool] = mapped_column(default=False, server_default=false())
    dispatched_at: Mapped[datetime]
    dispatched_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    signed_at: Mapped[datetime | None]
    signed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    returned_at: Mapped[datetime | None]
    returned_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    return_reason: Mapped[str | None] = mapped_column(Text)
    # 文号, as in 舆转〔2026〕12号; None on slips from before they were numbered.
    number: Mapped[str | None] = mapped_column(String(40), index=True, unique=True)


class PaperRow(Base):
    """A paper in the file of a matter (卷内材料): what somebody was asked or said of it, beside drafts and reviews.

    `kind` is the command that it belongs to. One that asks a channel (opinion, signature of a copy, confirmation of a
    text) waits until `done_at`. Never changed once it is done.
    """

    __tablename__ = "paper"
    __table_args__ = (Index("ix_paper_case_id_kind", "case_id", "kind"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[int] = mapped_column(BigId, ForeignKey("matter.id"))
    kind: Mapped[Command] = mapped_column(Word(Command))
    channel: Mapped[str] = mapped_column(String(32), default="")
    draft_version: Mapped[int] = mapped_column(default=0)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    stance: Mapped[str] = mapped_column(String(24), default="")
    text: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    done_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class PromiseRow(Base):
    """What a unit promised by a day (承诺事项), and that it was kept. `next_at`: when it is called to mind next."""

    __tablename__ = "promise"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[int] = mapped_column(BigId, ForeignKey("matter.id"), index=True)
    text: Mapped[str] = mapped_column(Text)
    due_at: Mapped[datetime]
    made_at: Mapped[datetime]
    made_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    next_at: Mapped[datetime | None] = mapped_column(index=True)
    kept_at: Mapped[datetime | None]
    kept_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    note: Mapped[str] = mapped_column(Text, default="")


class DraftRow(Base):
    """One version of the answer. Never changed: an edit is a new version and voids the reviews of the old."""

    __tablename__ = "draft"
    __table_args__ = (UniqueConstraint("case_id", "version"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[int] = mapped_column(BigId, ForeignKey("matter.id"))
    version: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    text_hash: Mapped[str] = mapped_column(String(64))
    openness: Mapped[str] = mapped_column(String(24))
    openness_reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    drafter_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]


class ReviewRow(Base):
    """One opinion on one draft. Unique by draft and stage: the second wall against a second decision."""

    __tablename__ = "review"
    __table_args__ = (UniqueConstraint("draft_id", "stage"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    draft_id: Mapped[int] = mapped_column(BigId, ForeignKey("draft.id"))
    stage: Mapped[Stage] = mapped_column(Word(Stage))
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    opinion: Mapped[Opinion] = mapped_column(Word(Opinion))
    basis: Mapped[str] = mapped_column(Text, default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    # What a first review ticked off (六个方面), as lower-case words.
    aspects: Mapped[list[str] | None]  # None in rows of before anybody ticked
    at: Mapped[datetime]


class ReleaseRow(Base):
    """Where and when an approved answer was published, as confirmed by the contact (回应确认).

    Of one that is not for everybody (依申请公开, 不予公开) `url` is empty and `told` says how those concerned heard of it.
    """

    __tablename__ = "release"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[int] = mapped_column(BigId, ForeignKey("matter.id"), index=True)
    draft_id: Mapped[int] = mapped_column(BigId, ForeignKey("draft.id"), unique=True)
    url: Mapped[str] = mapped_column(Text)
    told: Mapped[str] = mapped_column(Text, default="", server_default="")
    confirmed_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]
    # 信息索引号; None where the office gives none.
    index_number: Mapped[str | None] = mapped_column(String(40), index=True, unique=True)
    # What it did, a day after (`routing.effect`); None before that, empty where there was too little to tell.
    effect: Mapped[dict[str, Any] | None]


class DeadlineRow(Base):
    """A limit that runs on a case. `next_at`: when the tick must look at it next; None once it has ended.

    `paused_at`: since when it stands still (暂停), and `next_at` then by when it goes on.
    """

    __tablename__ = "deadline"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[int] = mapped_column(BigId, ForeignKey("matter.id"), index=True)
    step: Mapped[Step] = mapped_column(Word(Step))
    channel: Mapped[str] = mapped_column(String(32))
    started_at: Mapped[datetime]
    due_at: Mapped[datetime]
    next_at: Mapped[datetime | None] = mapped_column(index=True)
    reminded: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[datetime | None]
    met: Mapped[bool | None]
    tentative: Mapped[bool] = mapped_column(default=False, server_default=false())
    paused_at: Mapped[datetime | None]


class SupervisionRow(Base):
    """A supervision (督办) of a case because of one limit that ran out; a case has one at a time.

    `colour` None: the limit is over, and nothing was said yet. `answer_by`: by when the last colour asked for it.
    `next_at`: when it goes on to the next colour, after the last one to the bulletin (通报); `listed_at`: since when it
    stands there.
    """

    __tablename__ = "supervision"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[int] = mapped_column(BigId, ForeignKey("matter.id"), index=True)
    deadline_id: Mapped[int] = mapped_column(BigId, ForeignKey("deadline.id"))
    colour: Mapped[Colour | None] = mapped_column(Word(Colour))
    coloured_at: Mapped[datetime | None]
    answer_by: Mapped[datetime | None]
    next_at: Mapped[datetime | None] = mapped_column(index=True)
    listed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class PersonRow(Base):
    """Someone who works here. Never somebody who wrote a public text."""

    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    active: Mapped[bool] = mapped_column(default=True, server_default=true())
    added_at: Mapped[datetime]


class AccountRow(Base):
    """A chat account of a person; four eyes count persons, not accounts."""

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("platform", "user_ref"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    platform: Mapped[str] = mapped_column(String(24))
    user_ref: Mapped[str] = mapped_column(String(64))
    chat_ref: Mapped[str] = mapped_column(String(64))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)


class PersonRoleRow(Base):
    """A role of a person; `channel` is set for contacts only, else the empty string."""

    __tablename__ = "person_role"
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    role: Mapped[Role] = mapped_column(Word(Role), primary_key=True)
    channel: Mapped[str] = mapped_column(String(32), primary_key=True, default="")


class ShiftRow(Base):
    """One turn of duty (班次) as the roster says, [starts_at, ends_at); people by id, in the order of the roster."""

    __tablename__ = "shift"
    __table_args__ = (Index("ix_shift_time", "ends_at", "starts_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(24))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    leader_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    staff: Mapped[list[Any]]
    reserve: Mapped[list[Any]]


class SubstitutionState(StrEnum):
    """Where a substitution stands."""

    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"
    OVER = "over"


class SubstitutionRow(Base):
    """A substitution (顶岗): from `starts_at` to `ends_at` the reserve has the rights of who is absent, once approved.

    `asked_of`: ids of the leaders who were asked, in order; `next_at`: when the tick must look, None when no more.
    """

    __tablename__ = "substitution"
    __table_args__ = (CheckConstraint("absent_id <> reserve_id", name="two_people"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    absent_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    reserve_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    reason: Mapped[str] = mapped_column(Text)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    asked_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[datetime]
    asked_of: Mapped[list[Any]]
    state: Mapped[SubstitutionState] = mapped_column(Word(SubstitutionState))
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None] = mapped_column(index=True)


class HandoverRow(Base):
    """A handover of duty (交接班) with what was open at the time, signed by two. `next_at`: when a missing one is told."""

    __tablename__ = "handover"
    id: Mapped[int] = mapped_column(primary_key=True)
    shift: Mapped[str] = mapped_column(String(24))
    since: Mapped[datetime]
    at: Mapped[datetime]
    outgoing_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    incoming_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    matters: Mapped[list[Any]]
    tally: Mapped[dict[str, Any]]
    note: Mapped[str] = mapped_column(Text, default="")
    outgoing_signed_at: Mapped[datetime | None]
    incoming_signed_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None] = mapped_column(index=True)


class DutyCallRow(Base):
    """A grave matter that the person on duty was called for. While it does not move the call goes on, a stage at a time."""

    __tablename__ = "duty_call"
    __table_args__ = (UniqueConstraint("case_id", "level"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[int] = mapped_column(BigId, ForeignKey("matter.id"))
    level: Mapped[Level] = mapped_column(Grade)
    version: Mapped[int]
    called_at: Mapped[datetime]
    stage: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None] = mapped_column(index=True)


class InviteState(StrEnum):
    """Where an invitation stands."""

    OPEN = "open"
    CLAIMED = "claimed"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    REVOKED = "revoked"


class InviteRow(Base):
    """A one-time code, kept only as a hash, bound to a name and roles; an admin confirms who used it."""

    __tablename__ = "invite"
    id: Mapped[int] = mapped_column(primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    roles: Mapped[list[str]]
    channels: Mapped[list[str]]
    state: Mapped[InviteState] = mapped_column(Word(InviteState))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    platform: Mapped[str | None] = mapped_column(String(24))
    user_ref: Mapped[str | None] = mapped_column(String(64))
    chat_ref: Mapped[str | None] = mapped_column(String(64))
    claimed_name: Mapped[str | None] = mapped_column(String(120))
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class JoinTryRow(Base):
    """Wrong codes of one chat account since the last right one; five lock it for a while."""

    __tablename__ = "join_try"
    platform: Mapped[str] = mapped_column(String(24), primary_key=True)
    user_ref: Mapped[str] = mapped_column(String(64), primary_key=True)
    wrong: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]


class ChatRow(Base):
    """What became of a chat of the configuration: moved to another id, or closed to the bot."""

    __tablename__ = "chat"
    ref: Mapped[str] = mapped_column(String(64), primary_key=True)
    moved_to: Mapped[str | None] = mapped_column(String(64))
    closed_at: Mapped[datetime | None]
    problem: Mapped[str | None] = mapped_column(Text)


class AskRow(Base):
    """A text that somebody was asked for. A row, so that the answer counts after a restart too."""

    __tablename__ = "ask"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    chat: Mapped[str] = mapped_column(String(64), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    case_id: Mapped[int] = mapped_column(BigId, ForeignKey("matter.id"))
    case_version: Mapped[int]
    draft_version: Mapped[int] = mapped_column(default=0)
    verb: Mapped[str] = mapped_column(String(24))
    place: Mapped[str] = mapped_column(String(24))  # where the press was made that this answers for
    arg: Mapped[str] = mapped_column(
        String(32), default="", server_default=""
    )  # what the button carried besides
    message: Mapped[str | None] = mapped_column(String(64))
    asked_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]


class Sending(StrEnum):
    """Where an outgoing message stands. `dead` and `expired` are told to the operator, never dropped."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    SKIPPED = "skipped"
    EXPIRED = "expired"
    DEAD = "dead"


class OutboxRow(Base):
    """One message to one chat. Written in the transaction that makes it necessary, sent afterwards.

    `uncertain`: an earlier try may have arrived; the next one is marked 重发. `lease_until`: whoever holds the row
    is taken for dead after it.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_due", "state", "priority", "next_attempt_at"),
        Index("ix_outbox_noted", "noted", "state"),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    dedupe_key: Mapped[str] = mapped_column(String(200), unique=True)
    chat: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(24))
    priority: Mapped[int]
    case_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("matter.id"), index=True)
    payload: Mapped[dict[str, Any]]
    state: Mapped[Sending] = mapped_column(Word(Sending))
    attempts: Mapped[int] = mapped_column(default=0)
    uncertain: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    valid_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    message: Mapped[str | None] = mapped_column(String(64))
    last_error: Mapped[str | None] = mapped_column(Text)
    # The ledger tells what became of it, or need not.
    noted: Mapped[bool] = mapped_column(default=False, server_default=false())


class InboxRow(Base):
    """One update from the platform, stored raw before it is confirmed there.

    `mark`: the digest of the message or the press that it brought, so that neither counts twice under another id.
    """

    __tablename__ = "inbox"
    __table_args__ = (UniqueConstraint("platform", "mark"),)
    platform: Mapped[str] = mapped_column(String(24), primary_key=True)
    update_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    raw: Mapped[dict[str, Any]]
    received_at: Mapped[datetime]
    done_at: Mapped[datetime | None] = mapped_column(index=True)
    problem: Mapped[str | None] = mapped_column(Text)
    mark: Mapped[str | None] = mapped_column(String(64))  # None in rows of before, and of what is no message


class MessageRefRow(Base):
    """A card that stands in a chat: what to edit when the case moves, and what a press refers to."""

    __tablename__ = "message_ref"
    __table_args__ = (
        UniqueConstraint("chat", "message"),
        Index("ix_message_ref_card", "case_id", "card", "chat"),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    chat: Mapped[str] = mapped_column(String(64))
    message: Mapped[str] = mapped_column(String(64))
    case_id: Mapped[int] = mapped_column(BigId, ForeignKey("matter.id"))
    card: Mapped[str] = mapped_column(String(24))
    draft_version: Mapped[int] = mapped_column(default=0)
    final: Mapped[bool] = mapped_column(
        default=False, server_default=false()
    )  # says its last word; edited no more
    at: Mapped[datetime]


class LedgerRow(Base):
    """One line of the record. `hash` covers the line and `prev_hash`; the chain starts at 64 zeros."""

    __tablename__ = "ledger"
    seq: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(40))
    case_id: Mapped[int | None] = mapped_column(BigId, index=True)
    data: Mapped[str] = mapped_column(Text)
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class LedgerHeadRow(Base):
    """The newest line at the hour of one day of the office, `YYYY-MM-DD`; what was posted of it is in the outbox."""

    __tablename__ = "ledger_head"
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    seq: Mapped[int] = mapped_column(BigId)
    hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class VerdictKind(StrEnum):
    """What a person corrected."""

    RELEVANT = "relevant"  # 不相关
    CHANNEL = "channel"
    LEVEL = "level"
    SENTIMENT = "sentiment"
    SPLIT = "split"
    MERGE = "merge"
    APART = "apart"  # no part of the case that was proposed
    SUBJECT = "subject"
    ANSWER = "answer"  # 必须回应、不必回应


class VerdictRow(Base):
    """A correction by a person of what the machine proposed; what learning and replay will use.

    Of several of a kind on one case (or, of sentiment, on one text) the newest counts. `item_id`: the text that it
    speaks of; `rules_version` and `scorer`: by what that text was judged.
    """

    __tablename__ = "verdict"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[int] = mapped_column(BigId, ForeignKey("matter.id"), index=True)
    item_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("item.id"), index=True)
    kind: Mapped[VerdictKind] = mapped_column(Word(VerdictKind))
    proposed: Mapped[str] = mapped_column(Text)
    corrected: Mapped[str] = mapped_column(Text)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    rules_version: Mapped[str] = mapped_column(String(32))
    scorer: Mapped[str | None] = mapped_column(String(64))
    at: Mapped[datetime]


class CounterRow(Base):
    """A gapless number: taken under a row lock, in the transaction that uses it."""

    __tablename__ = "counter"
    __table_args__ = (CheckConstraint("value >= 0", name="not_negative"),)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)


class PresenceRow(Base):
    """A part of the service: since when it runs, and when it was last seen at work. Written each minute.

    `trouble`: what keeps it from working, as it sees itself (Chinese), empty for nothing. `pinged_at`: when the outside
    last took its heartbeat; `lost_pings`: how many in a row were not taken since, and `ping_problem` why.
    """

    __tablename__ = "presence"
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    began_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    trouble: Mapped[str] = mapped_column(Text, default="")
    pinged_at: Mapped[datetime | None]
    lost_pings: Mapped[int] = mapped_column(default=0)
    ping_problem: Mapped[str] = mapped_column(Text, default="")


class Searched(StrEnum):
    """What a row of the search index is about; `ref` is its key."""

    ITEM = "item"
    MATTER = "matter"
    DRAFT = "draft"


class SearchRow(Base):
    """The pairs of letters of one text that can be looked for; written by `routing.search`.

    On SQLite the FTS5 table `search_pair` follows it by triggers, on PostgreSQL a GIN index stands on the pairs as an
    array. Both are made by hand in a migration, for neither can be said here.
    """

    __tablename__ = "search_text"
    __table_args__ = (UniqueConstraint("kind", "ref"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[Searched] = mapped_column(Word(Searched))
    ref: Mapped[int] = mapped_column(BigInteger)
    pairs: Mapped[str] = mapped_column(Text)
