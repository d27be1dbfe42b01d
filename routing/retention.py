"""What is kept, and for how long: every table of the store in one table. Pure.

`routing.purge` lets go of what is over; this says what may be over at all. A table that is not named here fails a test.
Of the file of a matter nothing goes: how long an archive keeps it is decided where it is handed over (机关文件材料归档范围和
文书档案保管期限规定: 永久, 30 年, 10 年), not by a program.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from routing.office import Retention


class Keep(StrEnum):
    """How long the rows of a table stay."""

    EVER = "ever"  # for ever: part of the record
    DAYS = "days"  # those that are over, until their days are over; `routing.purge` takes them out
    LIVE = "live"  # as long as what they are about; the module that writes them takes them out
    DERIVED = "derived"  # made from other rows, and goes with them


@dataclass(frozen=True, slots=True)
class Rule:
    """How long the rows of one table stay, and why."""

    keep: Keep
    why: str


TABLES: Mapping[str, Rule] = {
    "account": Rule(Keep.EVER, "who acted"),
    "ailment": Rule(Keep.LIVE, "until the source is well or not watched any more"),
    "ask": Rule(Keep.EVER, "what was asked of whom in a matter"),
    "assignment": Rule(Keep.EVER, "the file of a matter: 转办单"),
    "chat": Rule(Keep.LIVE, "where a chat went; without it messages go to the old one"),
    "comment_watch": Rule(Keep.LIVE, "until nothing is said of its feed for a month"),
    "counter": Rule(Keep.EVER, "numbers without gaps"),
    "deadline": Rule(Keep.EVER, "the file of a matter: 时限, and the rates of years"),
    "draft": Rule(Keep.EVER, "the file of a matter: 答复稿"),
    "duty_call": Rule(Keep.EVER, "who was called when"),
    "gone": Rule(
        Keep.EVER, "digests by which a text that went is known again; nothing can be read from them"
    ),
    "handover": Rule(Keep.EVER, "交接班, signed by two"),
    "hold": Rule(Keep.EVER, "why a card was not sent"),
    "inbox": Rule(Keep.DAYS, "updates that were handled; what they said was let go at once"),
    "invite": Rule(Keep.DAYS, "codes that nobody was let in by; of the others is told who let whom in"),
    "item": Rule(Keep.DAYS, "texts that became no matter's, beyond the newest 300 of their source"),
    "join_try": Rule(Keep.DAYS, "locks that are over, of accounts that tried codes"),
    "ledger": Rule(Keep.EVER, "台账: the chain"),
    "ledger_head": Rule(Keep.EVER, "存证"),
    "legacy": Rule(Keep.EVER, "旧台账: the file of a matter"),
    "matter": Rule(Keep.EVER, "the file of a matter"),
    "matter_item": Rule(Keep.EVER, "the file of a matter: its texts"),
    "message_ref": Rule(Keep.EVER, "which card stands where; an old one may still be pressed"),
    "mute": Rule(Keep.EVER, "who silenced what, and why"),
    "outbox": Rule(Keep.DAYS, "messages of no matter that arrived; 存证 and what could not be sent stay"),
    "paper": Rule(Keep.EVER, "the file of a matter: 卷内材料"),
    "person": Rule(Keep.EVER, "who acted"),
    "person_role": Rule(Keep.LIVE, "rights of now; what they were stands in the ledger"),
    "presence": Rule(
        Keep.LIVE, "when each part of the service was last at work; one unseen for a month goes"
    ),
    "promise": Rule(Keep.EVER, "the file of a matter: 承诺事项"),
    "proposal": Rule(Keep.EVER, "what the machine proposed, beside what people decided"),
    "push": Rule(Keep.DAYS, "signatures of a source that is pushed to us no more; else they go after a day"),
    "release": Rule(Keep.EVER, "the file of a matter: 回应"),
    "review": Rule(Keep.EVER, "the file of a matter: 审签"),
    "search_text": Rule(Keep.DERIVED, "of the texts of matters, which stay"),
    "shift": Rule(Keep.EVER, "who was on duty"),
    "source": Rule(Keep.LIVE, "validators and cursor; without them old texts come back as news"),
    "spread": Rule(Keep.DERIVED, "of the counts of a matter's texts; the old hours go with each new one"),
    "substitution": Rule(Keep.EVER, "顶岗: who stood in for whom"),
    "suggestion": Rule(Keep.EVER, "why two matters were held to be perhaps one"),
    "supervision": Rule(Keep.EVER, "督办"),
    "verdict": Rule(Keep.EVER, "what people corrected; the models learn from it"),
}


@dataclass(frozen=True, slots=True)
class Cut:
    """What is over at one moment: texts and logs from before these instants (aware UTC)."""

    texts: datetime
    logs: datetime


def cut_at(kept: Retention, now: datetime) -> Cut:
    """Give what is over now."""
    return Cut(now - timedelta(days=kept.texts), now - timedelta(days=kept.logs))
