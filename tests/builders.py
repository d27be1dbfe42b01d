"""Situations by name: an office, its rules, its people, texts and matters. Built through the real doors of the core.

Nothing here asserts. Instants are aware UTC; the clock of a test starts on a Tuesday in office hours.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing import cases, intake, people
from routing.items import OWN_TAG, Band, Counts, Fault, Harvest, Item, Kind, SourceProblem, SourceState
from routing.ledger import Ledger
from routing.office import Channel, Level, Limit, Marks, Office, Procedure, Role, Step
from routing.rules import Rules, load_rules
from routing.store import guards
from routing.store.engine import Store
from routing.store.tables import AccountRow, CaseRow, PersonRoleRow, PersonRow
from routing.workflow import Actor, AnswerKind, Aspect, Command, Openness, Order, Refusal, State, Where

T = TypeVar("T")

GUARDED = ("ledger", "ledger_head")
"""Tables that refuse to be changed."""

ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 11, 17, 2, 0, tzinfo=UTC)  # Tuesday 10:00 in the office
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)

CHANNELS = {"security": "安全稳定", "petition": "社情民意", "network": "网络舆情", "office": "政府办"}

RULES_TOML = """\
county = "青禾县"
neighbours = ["白石县"]

[words]
"供水" = ["停水", "没水", "水压"]
"险情" = ["塌方", "爆炸"]

[[place]]
name = "东湖小区"

[[place]]
name = "西山小区"

[[ignore]]
id = "ads"
name = "广告"
any = ["招租"]

[[rule]]
id = "danger"
name = "险情"
any = ["@险情"]
channel = "security"
level = 2
topic = "险情"

[[rule]]
id = "water"
name = "停水"
any = ["@供水"]
channel = "petition"
copy = ["network"]
topic = "供水"

[root]
channel = "office"
any = ["请问"]
"""


class FakeClock:
    """A clock that stands still until it is told to go on."""

    def __init__(self, start: datetime = START) -> None:
        self.now = start

    def __call__(self) -> datetime:
        return self.now

    def advance(self, step: timedelta | None = None, **spans: float) -> datetime:
        """Go on by `step`, or by named spans as `timedelta` knows them (`minutes=5`)."""
        self.now += step or timedelta(**spans)
        return self.now


def make_rules(text: str = RULES_TOML) -> Rules:
    return load_rules(text, "rules.toml", tuple(CHANNELS))


def make_office(**changes: Any) -> Office:
    """Build an office whose limits are whole hours that run day and night."""
    limits = {
        Step.DISPATCH: {Level.I: 20, Level.II: 30, Level.III: 120, Level.IV: 240},
        Step.SIGN: dict.fromkeys(Level, 120),
        Step.DRAFT: dict.fromkeys(Level, 24 * 60),
        Step.REVIEW: dict.fromkeys(Level, 4 * 60),
        Step.SECRECY: dict.fromkeys(Level, 4 * 60),
        Step.APPROVE: dict.fromkeys(Level, 4 * 60),
        Step.RELEASE: dict.fromkeys(Level, 2 * 60),
        Step.RESPOND: dict.fromkeys(Level, 48 * 60),
        Step.CLOSE: dict.fromkeys(Level, 120 * 60),
        Step.RELOOK: dict.fromkeys(Level, 24 * 60),
        Step.CONSULT: dict.fromkeys(Level, 4 * 60),
        Step.ORDER: dict.fromkeys(Level, 2 * 60),
        Step.EXTEND: dict.fromkeys(Level, 4 * 60),
        Step.SECOND: dict.fromkeys(Level, 4 * 60),
        Step.CHIEF: dict.fromkeys(Level, 4 * 60),
        Step.RECHECK: dict.fromkeys(Level, 24 * 60),
        Step.CALL_BACK: dict.fromkeys(Level, 24 * 60),
        Step.FOLLOW: dict.fromkeys(Level, 24 * 60),
        Step.PHONE: dict.fromkeys(Level, 30),
        Step.REPORT: dict.fromkeys(Level, 60),
        Step.PROGRESS: dict.fromkeys(Level, 2 * 60),
    }
    values: dict[str, Any] = {
        "name": "青禾县人民政府办公室",
        "code": "QHX",
        "zone": ZONE,
        "duty_chat": "duty-group",
        "operator_chat": "operator",
        "channels": {k: Channel(k, name, f"{name}承办单位", f"group-{k}") for k, name in CHANNELS.items()},
        "limits": {step: {level: Limit(m) for level, m in row.items()} for step, row in limits.items()},
        "marks": {
            Level.I: Marks(1_000_000, 10_000, 10_000),
            Level.II: Marks(100_000, 1_000, 1_000),
            Level.III: Marks(10_000, 100, 100),
        },
    }
    return Office(**(values | changes))


# --- texts ----------------------------------------------------------------------------------------------------

_serial = count(1)


def item(text: str = "东湖小区今天又停水了，物业不管", **more: Any) -> Item:
    number = next(_serial)
    values = {
        "source_id": "bbs",
        "external_id": str(number),
        "url": f"http://bbs.example/{number}",
        "title": "",
        "kind": Kind.POST,
        "published_at": START - 10 * MINUTE,
    }
    return Item(text=text, **(values | more))


def views(number: int) -> Counts:
    return Counts(views=number)


def harvest(*items: Item, source: str = "bbs", **more: Any) -> Harvest:
    """One round of a source of the own county whose baseline was taken before."""
    values: dict[str, Any] = {
        "at": START,
        "state": SourceState(source, etag='"new"', baseline_done=True),
        "tags": (OWN_TAG,),
    }
    return Harvest(source_id=source, items=items, **(values | more))


def failed(fault: Fault, failures: int = 1, source: str = "bbs") -> Harvest:
    problem = SourceProblem(fault, "打不开", "请检查地址")
    return harvest(source=source, state=SourceState(source, failures=failures), problem=problem)


# --- people ---------------------------------------------------------------------------------------------------

STAFF: dict[str, tuple[str, tuple[Role, ...], tuple[str, ...]]] = {
    "duty": ("王值班", (Role.DUTY,), ()),
    "office": ("李主任", (Role.OFFICE,), ()),
    "contact": ("赵联络", (Role.CONTACT,), ("petition",)),
    "colleague": ("周联络", (Role.CONTACT,), ("petition",)),
    "other_contact": ("钱联络", (Role.CONTACT,), ("network",)),
    "reviewer": ("孙初审", (Role.REVIEWER,), ()),
    "secrecy": ("吴保密", (Role.SECRECY,), ()),
    "leader": ("郑县长", (Role.LEADER,), ()),
    "second_leader": ("冯县长", (Role.LEADER,), ()),
    "second": ("何科长", (Role.SECOND,), ()),
    "chief": ("许书记", (Role.CHIEF,), ()),
    "caller": ("沈回访", (Role.CALLER,), ()),
    "admin": ("陈管理", (Role.ADMIN,), ()),
    "stranger": ("路人", (), ()),
}

PLACES: dict[Role, Where] = {
    Role.DUTY: Where.DUTY,
    Role.OFFICE: Where.DUTY,
    Role.CONTACT: Where.CHANNEL,
    Role.REVIEWER: Where.PRIVATE,
    Role.SECRECY: Where.PRIVATE,
    Role.SECOND: Where.PRIVATE,
    Role.LEADER: Where.PRIVATE,
    Role.CHIEF: Where.PRIVATE,
    Role.CALLER: Where.PRIVATE,
}

WHO: dict[Command, str] = {
    Command.DISPATCH: "duty",
    Command.DISMISS: "duty",
    Command.WATCH: "duty",
    Command.RESUME: "duty",
    Command.SET_LEVEL: "duty",
    Command.SPLIT: "duty",
    Command.MERGE: "duty",
    Command.RATE: "duty",
    Command.CLASSIFY: "duty",
    Command.SIGN: "contact",
    Command.RETURN: "contact",
    Command.DRAFT: "contact",
    Command.PASS: "reviewer",
    Command.REDO: "reviewer",
    Command.CLEAR: "secrecy",
    Command.WITHHOLD: "secrecy",
    Command.ESCALATE: "secrecy",
    Command.APPROVE: "leader",
    Command.REFUSE: "leader",
    Command.CONFIRM: "contact",
    Command.CLOSE: "duty",
    Command.REOPEN: "leader",
    Command.MISTAKE: "contact",
    Command.VERIFY: "duty",
    Command.CONVENE: "duty",
    Command.OPINE: "contact",
    Command.CONCLUDE: "duty",
    Command.SUBMIT: "duty",
    Command.ORDER: "leader",
    Command.SEND_BACK: "leader",
    Command.ORAL: "duty",
    Command.TRANSFER: "duty",
    Command.TAKE_BACK: "duty",
    Command.OBLIGE: "duty",
    Command.EXCUSE: "duty",
    Command.SET_ANSWER_KIND: "duty",
    Command.REPORT: "duty",
    Command.SIGN_COPY: "contact",
    Command.EXTEND: "contact",
    Command.GRANT: "office",
    Command.DENY: "office",
    Command.PASS_UP: "leader",
    Command.COUNTERSIGN: "contact",
    Command.RECHECK: "office",
    Command.RECALL: "office",
    Command.FOLLOW: "contact",
    Command.CONTENT: "caller",
    Command.DISCONTENT: "caller",
    Command.UNREACHED: "caller",
    Command.ARCHIVE: "office",
    Command.INSTRUCT: "office",
    Command.EMERGENCY: "duty",
    Command.SPEAK: "duty",
    Command.BRIEF: "duty",
    Command.PHONE: "duty",
    Command.PAUSE: "office",
    Command.GO_ON: "office",
    Command.ASSESS: "office",
}

TOLD: dict[str, Any] = {
    "reason": "理由",
    "basis": "保密法第十条",
    "text": "您反映的停水问题已修复，感谢监督。",
    "link": "https://gov.example/answer/1",
    "channel": "petition",
    "level": Level.III,
    "item_id": 1,
    "into": 1,
    "band": Band.NOT_NEGATIVE,
    "subject": "交通运输",
    "units": ("petition",),
    "target": "petition",
    "days": 3,
    "stance": "agree",
    "answer_kind": AnswerKind.HARDSHIP,
    "aspects": frozenset(Aspect),
    "confirmed": True,
    "openness": Openness.PUBLIC,
}
"""An order that carries this misses nothing."""

_TO_APPROVE = (Command.DISPATCH, Command.SIGN, Command.DRAFT, Command.PASS, Command.CLEAR)
SWITCHED: dict[State, Procedure] = {
    State.UNVERIFIED: Procedure(verify=True),
    State.CONSULTING: Procedure(consult=frozenset({Level.I})),
    State.TO_ORDER: Procedure(order=frozenset(Level)),
    State.IN_SECOND: Procedure(second_review=True),
    State.ANSWERED: Procedure(recheck=True),
    State.CALLING_BACK: Procedure(call_back=True),
}
"""What an office must have switched on for a matter to come to a state; nothing for the others."""

ROADS: dict[State, tuple[Command, ...]] = {
    State.JUDGING: (),
    State.WATCHING: (Command.WATCH,),
    State.TO_SIGN: (Command.DISPATCH,),
    State.RETURNED: (Command.DISPATCH, Command.RETURN),
    State.HANDLING: (Command.DISPATCH, Command.SIGN),
    State.IN_REVIEW: (Command.DISPATCH, Command.SIGN, Command.DRAFT),
    State.IN_SECRECY: (Command.DISPATCH, Command.SIGN, Command.DRAFT, Command.PASS),
    State.WITH_SUPERIOR: (Command.DISPATCH, Command.SIGN, Command.DRAFT, Command.PASS, Command.ESCALATE),
    State.TO_APPROVE: (Command.DISPATCH, Command.SIGN, Command.DRAFT, Command.PASS, Command.CLEAR),
    State.TO_RELEASE: (
        Command.DISPATCH,
        Command.SIGN,
        Command.DRAFT,
        Command.PASS,
        Command.CLEAR,
        Command.APPROVE,
    ),
    State.CLOSED: (
        Command.DISPATCH,
        Command.SIGN,
        Command.DRAFT,
        Command.PASS,
        Command.CLEAR,
        Command.APPROVE,
        Command.CONFIRM,
    ),
    State.DISMISSED: (Command.DISMISS,),
    State.MERGED: (Command.MERGE,),
    State.UNVERIFIED: (),
    State.CONSULTING: (Command.CONVENE,),
    State.TO_ORDER: (Command.SUBMIT,),
    State.TRANSFERRED: (Command.TRANSFER,),
    State.EXTENDING: (Command.DISPATCH, Command.SIGN, Command.EXTEND),
    State.IN_SECOND: (Command.DISPATCH, Command.SIGN, Command.DRAFT, Command.PASS, Command.CLEAR),
    State.WITH_CHIEF: (*_TO_APPROVE, Command.PASS_UP),
    State.ANSWERED: (*_TO_APPROVE, Command.APPROVE, Command.CONFIRM),
    State.CALLING_BACK: (*_TO_APPROVE, Command.APPROVE, Command.CONFIRM),
    State.ARCHIVED: (*_TO_APPROVE, Command.APPROVE, Command.CONFIRM, Command.ARCHIVE),
}
"""The shortest way of a new matter to each state where a matter can rest."""


def join(session: Session, name: str, roles: Any, channels: Any = (), ref: str = "") -> Actor:
    """Enter a person with a chat account of the platform `chat` and give him as an actor."""
    ref = ref or name
    account = people.Account("chat", ref, f"private-{ref}")
    person_id = people.add(
        session, name=name, roles=roles, channels=channels, account=account, now=START - HOUR
    )
    actor = people.actor_by_id(session, person_id)
    assert actor is not None
    return actor


@dataclass(frozen=True)
class Shown:
    """What a person was shown of a case when he pressed."""

    case_id: int
    version: int
    draft_version: int


class Desk:
    """A store at work: people who act through the real doors, and a clock that they share."""

    def __init__(self, store: Store, office: Office, rules: Rules, clock: FakeClock) -> None:
        self.store, self.office, self.rules, self.clock = store, office, rules, clock
        self.ledger = Ledger()
        self.staff: dict[str, Actor] = {}

    def hire(self, *keys: str) -> None:
        """Enter people of STAFF, all of them where none is named."""

        def work(session: Session) -> dict[str, Actor]:
            # As people.add does it, but all in three statements: every test begins with this.
            rows = {key: PersonRow(name=STAFF[key][0], added_at=START - HOUR) for key in keys or STAFF}
            session.add_all(rows.values())
            session.flush()
            for key, person in rows.items():
                _, roles, channels = STAFF[key]
                account = AccountRow(platform="chat", user_ref=key, chat_ref=f"private-{key}")
                account.person_id = person.id
                rights = [(r, c) for r in roles for c in (channels if r is Role.CONTACT else ("",))]
                session.add(account)
                session.add_all(PersonRoleRow(person_id=person.id, role=r, channel=c) for r, c in rights)
            session.flush()
            return {
                key: Actor(person.id, person.name, frozenset(STAFF[key][1]), frozenset(STAFF[key][2]))
                for key, person in rows.items()
            }

        self.staff |= self.store.run(work)

    def run(self, work: Callable[[Session], T]) -> T:
        return self.store.run(work)

    def all(self, row: type[T], *where: Any) -> list[T]:
        """Read every row of a table in order of its key."""
        key = row.__table__.primary_key.columns
        return self.run(lambda s: list(s.scalars(select(row).where(*where).order_by(*key))))

    def case(self, case_id: int) -> CaseRow:
        return self.run(lambda s: s.get_one(CaseRow, case_id))

    def accept(self, *items: Item, **more: Any) -> list[str]:
        """Take in one round of a source that is long known."""
        return self.take(harvest(*items, **more))

    def take(self, harvest: Harvest) -> list[str]:
        return self.run(
            lambda s: intake.accept(s, self.office, self.rules, self.ledger, harvest, self.clock())
        )

    def know(self, *sources: str) -> None:
        """Take the baseline of sources, with nothing in it."""
        for source in sources or ("bbs",):
            self.accept(source=source)

    def open(self, text: str = "东湖小区今天又停水了，物业不管", **more: Any) -> int:
        """Open a matter by a text from outside and give its id."""
        self.know()
        self.accept(item(text, **more))
        return self.run(lambda s: s.scalars(select(CaseRow.id).order_by(CaseRow.id.desc())).first()) or 0

    def shown(self, case_id: int) -> Shown:
        case = self.case(case_id)
        return Shown(case_id, case.version, case.draft_version)

    def order(self, shown: Shown, command: Command, who: str | Actor = "", **more: Any) -> Order:
        """Make the order that a person gives who sees `shown`; complete unless `more` says otherwise."""
        actor = who if isinstance(who, Actor) else self.staff[who or WHO[command]]
        values = {
            "where": PLACES[next(iter(STAFF[WHO[command]][1]))],
            "version": shown.version,
            "draft_version": shown.draft_version,
            **TOLD,
        }
        return Order(command=command, actor=actor, **(values | more))

    def give(self, case_id: int, order: Order) -> cases.Done | Refusal:
        return self.run(lambda s: cases.execute(s, self.office, self.ledger, case_id, order, self.clock()))

    def act(self, case_id: int, command: Command, who: str | Actor = "", **more: Any) -> cases.Done | Refusal:
        """Press what is on the newest card."""
        return self.give(case_id, self.order(self.shown(case_id), command, who, **more))

    def walk(self, case_id: int, state: State) -> None:
        """Bring a new matter to `state`, each step by the right person."""
        more = {"into": self.open("西山小区停水了")} if state is State.MERGED else {}
        for command in ROADS[state]:
            done = self.act(case_id, command, **more)
            assert isinstance(done, cases.Done), done

    def at(self, state: State, text: str = "东湖小区今天又停水了，物业不管") -> int:
        """Open a matter and bring it to `state`, in an office that has such a state from now on."""
        if state in SWITCHED:
            self.office = replace(self.office, procedure=SWITCHED[state])
        case_id = self.open(text)
        self.walk(case_id, state)
        return case_id


def unguard(session: Session) -> None:
    """Take the triggers off the ledger in this transaction, as whoever owns the database can."""
    for table in GUARDED:
        guards.release(session.connection(), table)


def wait_until(condition: Callable[[], T], *, within_s: float = 20.0) -> T:
    """Ask until the answer is true. Only for what another process or server does in its own time."""
    end = time.monotonic() + within_s
    while not (answer := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {within_s} s")
        time.sleep(0.01)
    return answer
