"""Registration by hand (首问负责): whoever first hears of a matter enters it, and it becomes a case like any other.

The text comes in masked. It is judged by the rules as every text is, but opens a case whatever they say: a person
found it worth one. Who registered it is first in charge of it (首接) until a unit signs.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from routing.counters import head_of
from routing.intake import values_of
from routing.items import OWN_TAG, Item, Kind
from routing.judging import Judging, stood, subject_of
from routing.ledger import Ledger, who
from routing.office import Office
from routing.placing import Placing
from routing.recent import Recent
from routing.store.tables import CaseRow, ItemRow, Outcome
from routing.views import find_case
from routing.workflow import Actor

SOURCE = "@registered"
"""The source of what people register; no name in `sources.toml` can begin so."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What somebody heard of, masked: a sentence or two, the public link where there is one, what was masked in it."""

    text: str
    url: str = ""
    masked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Registered:
    """The case that a registration opened, or the one that holds its link already (`is_new` False)."""

    case_id: int
    number: str
    is_new: bool


def register(
    session: Session,
    office: Office,
    rules: Judging,
    ledger: Ledger,
    heard: Heard,
    actor: Actor,
    now: datetime,
) -> Registered:
    """Open a case for what a person heard of; its card, clocks and calls come as for any other.

    A link that a case holds already opens nothing: its number is given. A text without a link is a new case each time.
    """
    placing = Placing(session, office, rules, ledger, None, Recent(session, now, rules.land), now)
    placing.begin(SOURCE, ())
    known = find_case(session, heard.url) if heard.url else None
    if known is not None:
        return Registered(known, session.get_one(CaseRow, known).number, is_new=False)
    item = Item(
        source_id=SOURCE,
        external_id=str(head_of(session, SOURCE)),
        url=heard.url,
        title="",
        text=heard.text,
        kind=Kind.POST,
        published_at=now,
        date_note="登记时间",
        masked=heard.masked,
    )
    subject = subject_of(item, (OWN_TAG,), now.astimezone(office.zone).hour)
    judgement = rules.judge(subject)
    row = ItemRow(
        **values_of(item, judgement, rules.version, now, Outcome.CASE, stood=stood(subject), compared=True)
    )
    session.add(row)
    session.flush()
    case = placing.register(row, judgement)
    case.registered_by = actor.person_id
    ledger.write(
        session,
        at=now,
        actor=actor.name,
        action="register",
        case_id=case.id,
        item=row.id,
        **who(actor),
    )
    return Registered(case.id, case.number, is_new=True)
