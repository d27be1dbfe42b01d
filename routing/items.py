"""The values that cross the door between the monitors and the core.

An item is one public text about which somebody may have to answer. It has no author: no field can hold one
(个人信息保护法 第六条: no more than the duty needs). Texts arrive masked; nothing unmasked reaches this module.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

OWN_TAG = "本县"
"""Tag of a source that speaks of the own county, so that a text of it needs no place name to be ours."""

BOARDS, OFFICIAL = "问政", "官方"
"""Tags of sources: a board on which people write to the office, and what an office publishes itself."""

LEGACY = "@legacy"
"""The source of what was taken over from an older ledger (旧台账); no name in `sources.toml` can begin so."""


class Kind(StrEnum):
    """What sort of text an item is; stored as the lower-case word."""

    ARTICLE = "article"
    POST = "post"
    COMMENT = "comment"
    HOTLIST = "hotlist"


class Band(StrEnum):
    """How a person is shown a sentiment: three words, never three digits."""

    NEGATIVE = "negative"
    UNCLEAR = "unclear"
    NOT_NEGATIVE = "not_negative"


@dataclass(frozen=True, slots=True)
class Counts:
    """What the platform showed beside the text when it was collected; None where it showed nothing."""

    views: int | None = None
    likes: int | None = None
    reposts: int | None = None
    comments: int | None = None


@dataclass(frozen=True, slots=True)
class Sentiment:
    """A score with its maker, for scores of two makers must never be compared.

    `raw` is what the model said in [0, 1] (1 = friendly), `value` the calibrated figure, `band` what is shown;
    `confidence`: 0 on the fence, 1 certain; `quote`: the sentence that sounds worst, empty where there is only one;
    `evidence`: the words that speak most for the band, strongest first, where the maker can name them.
    """

    raw: float
    value: float
    band: Band
    scorer: str
    version: str
    confidence: float = 0.0
    quote: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """One public text, normalised and masked, as a source gave it.

    `external_id` is a string and unique within its source; `parent_id` is the external id of the text that a
    comment answers, in the same or a sibling source; `published_at` is aware UTC, None where the source gave
    no date that can be believed (`date_note` then says why). `sentiment` None: nothing there to judge.
    """

    source_id: str
    external_id: str
    url: str
    title: str
    text: str
    kind: Kind = Kind.ARTICLE
    parent_id: str | None = None
    published_at: datetime | None = None
    date_note: str = ""
    counts: Counts = Counts()
    sentiment: Sentiment | None = None
    masked: tuple[str, ...] = ()

    def content_hash(self) -> str:
        """Name the content: same id with another hash is a revision."""
        return hashlib.sha256(f"{self.title}\x1f{self.text}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class SourceState:
    """What the store remembers of one source between two rounds; validators, cursor and health.

    `baseline_done` False: what the next harvest brings is old news, but for what the source's window lets through.
    `etag` and `last_modified` belong to `validator_url`, the address that answered last, and to no other.
    `raw_hashes`: digests of the raw entries of the last body, 8 bytes each; they are not parsed again. `memory` is
    what a reader of one kind keeps for itself (offsets in files, the page that was approved), as JSON. `ttl_s`: how
    long the source itself calls its answer fresh. `mirror`: which of the source's addresses answered last.
    `changed_at`: when its answer last differed from the one before. `expected_per_h` is learned by the core (items an
    hour over the last weeks); monitors only read it. `approve_asked_at`: the request of an operator that this state
    knew of, to accept a page as it is found next; `memory` then says `"approve": true` until its reader did so.
    """

    source_id: str
    etag: str | None = None
    last_modified: str | None = None
    cursor: str | None = None
    body_hash: str | None = None
    failures: int = 0
    next_poll_at: datetime | None = None
    last_ok_at: datetime | None = None
    baseline_done: bool = False
    validator_url: str | None = None
    raw_hashes: bytes = b""
    memory: str | None = None
    ttl_s: float | None = None
    mirror: int = 0
    changed_at: datetime | None = None
    expected_per_h: float | None = None
    approve_asked_at: datetime | None = None


class Fault(StrEnum):
    """Why a source could not be read; what the operator is to do differs for each."""

    NETWORK = "network"
    TIMEOUT = "timeout"
    STATUS = "status"
    TOO_LARGE = "too_large"
    NOT_A_FEED = "not_a_feed"
    UNREADABLE = "unreadable"
    FORBIDDEN_ADDRESS = "forbidden_address"
    REDIRECTS = "redirects"


@dataclass(frozen=True, slots=True)
class SourceProblem:
    """One failed round of one source: the fault, the detail (Chinese, no secrets) and the cure.

    `status`: of the HTTP answer that was refused or could not be read, None where there was none.
    """

    fault: Fault
    detail: str
    cure: str
    status: int | None = None


class Ailment(StrEnum):
    """What is wrong with a source that did answer; each is told to the operator once, and once when it is over."""

    CHARSET = "charset"  # the share of Chinese letters collapsed: mojibake
    FROZEN = "frozen"  # "success", and nothing changed for hours: a cache
    DRIFT = "drift"  # its clock and ours differ
    PAGES = "pages"  # the limit of pages was reached before the last known item
    MOVED = "moved"  # the same permanent redirect for days
    SKIPPED = "skipped"  # entries that could not be read
    NEW_IDS = "new_ids"  # all ids changed, and were adopted
    TAMPERED = "tampered"  # a page that should not change did
    OVERDUE = "overdue"  # a column that should have news has none
    REFUSED = "refused"  # pushes that could not be believed, and none that could since
    SILENT = "silent"  # nothing new for longer than its own past makes likely
    ERRORS = "errors"  # fails ever more often
    NETWORK = "network"  # nearly all sources fail at once: it is us
    STUCK = "stuck"  # sources are due and not polled: it is us too


@dataclass(frozen=True, slots=True)
class Symptom:
    """One ailment as seen in one round: what was seen (Chinese, no secrets) and the cure.

    `mark` tells one case of the ailment from another: a page that changes again is told again.
    """

    ailment: Ailment
    detail: str
    cure: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class CommentFeed:
    """A comment feed that an entry names (`wfw:commentRss`), with the number of comments it shows (None: not shown)."""

    parent_id: str
    url: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class CommentWatch:
    """A comment feed that is polled for a while because its count rose. `source_id` is its own, derived one."""

    source_id: str
    origin_id: str
    parent_id: str
    url: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Harvest:
    """What one round brought from one source; accepted whole, in one transaction with its new state.

    `at` is when it was fetched (aware UTC). `problem` None: the source answered properly, be it with nothing new.
    `tags` are the source's own words for rules; OWN_TAG says that it speaks of the own county (本县).
    `symptoms`: what ails the source now, all of it; an ailment that is not named here is over (not so where
    `problem` is set: then nothing was seen). `window`: at first sight, what was published longer ago is old news.
    `interval_s`: how often the source is asked, so that a gap in our watch can be told from a quiet hour.
    `entries`: how many the document held, known ones included. `push`: the signature of a pushed body; the same one
    twice is taken once. `looked` False: the answer was as before and nothing of it was parsed: what only parsing shows
    (CHARSET, SKIPPED, PAGES, TAMPERED, OVERDUE) is neither new nor over. `part`: only the texts with these external
    ids are taken in now, and nothing is noted of the source: the whole harvest follows, or is fetched again.
    """

    source_id: str
    at: datetime
    state: SourceState
    items: tuple[Item, ...] = ()
    problem: SourceProblem | None = None
    notes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    symptoms: tuple[Symptom, ...] = ()
    window: timedelta = timedelta(0)
    interval_s: float = 60.0
    entries: int = 0
    comment_feeds: tuple[CommentFeed, ...] = ()
    push: str | None = None
    looked: bool = True
    part: frozenset[str] | None = None
