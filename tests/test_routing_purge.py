"""What is over goes, portion by portion; what belongs to a matter or to the record stays, and nothing comes back as news."""

from dataclasses import replace
from datetime import timedelta

import pytest
from builders import HOUR, Desk, item
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from routing import cases, gone, inbox, intake, outbox, people, purge, reconcile
from routing.items import SourceState
from routing.office import Role
from routing.outbox import MessageKind, Priority
from routing.people import Account
from routing.purge import PARTS, TEXTS
from routing.retention import cut_at
from routing.store.tables import (
    CaseItemRow,
    CaseRow,
    GoneRow,
    InboxRow,
    InviteRow,
    InviteState,
    ItemRow,
    JoinTryRow,
    OutboxRow,
    Outcome,
    ProposalRow,
    PushRow,
    Sending,
    SourceRow,
    VerdictRow,
)
from routing.workflow import Command

LONG = timedelta(days=200)
IDLE = "今天天气真好，公园里的菊花开了"
WATER = "东湖小区今天又停水了，物业不管"


@pytest.fixture(autouse=True)
def few_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source of these tests may show two texts, and a portion holds three."""
    monkeypatch.setattr(purge, "SHOWN", 2)
    monkeypatch.setattr(purge, "AT_ONCE", 3)


def due(desk: Desk) -> dict[str, int]:
    """Count what is over, by table; the parts with none are left out."""
    cut = cut_at(desk.office.retention, desk.clock())
    found = desk.store.peek(lambda s: purge.due(s, cut))
    return {one.part.table.__tablename__: one.count for one in found if one.count}


def clean(desk: Desk) -> dict[str, int]:
    """Let go of everything that is over; gives the counts by table."""
    cut, counts = cut_at(desk.office.retention, desk.clock()), {}
    for part in PARTS:
        spared, after, number = desk.store.peek(purge.windows), None, 0
        while True:
            found = desk.store.peek(lambda s: purge.find(s, part, cut, spared, after))  # noqa: B023
            number += desk.run(lambda s: purge.let_go(s, part, found.keys, cut))  # noqa: B023
            if found.last is None:
                break
            after = found.last
        if number:
            counts[part.table.__tablename__] = number
    return counts


def ids(desk: Desk) -> list[str]:
    return [row.external_id for row in desk.all(ItemRow)]


def idle(number: int, **more):
    return item(f"{IDLE}，第 {number} 处", external_id=f"idle-{number}", **more)


@pytest.fixture
def old(desk: Desk) -> Desk:
    """A matter and seven idle texts of one source, two hundred days ago, and one text of today."""
    desk.open(WATER, external_id="water")
    desk.accept(*(idle(n) for n in range(7)))
    desk.clock.advance(LONG)
    desk.accept(idle(99))
    return desk


# --- texts --------------------------------------------------------------------------------------------------------


def test_old_texts_of_no_matter_go_and_those_a_source_may_still_show_stay(old):
    assert due(old) == {"item": 6}
    assert clean(old) == {"item": 6}
    assert ids(old) == ["water", "idle-6", "idle-99"]
    assert due(old) == {}
    assert clean(old) == {}


def test_what_is_counted_is_what_goes_and_the_oldest_is_named(old):
    cut = cut_at(old.office.retention, old.clock())
    [texts] = [one for one in old.store.peek(lambda s: purge.due(s, cut)) if one.part is TEXTS]
    first = min(row.first_seen_at for row in old.all(ItemRow, ItemRow.external_id == "idle-0"))
    assert (texts.count, texts.oldest) == (6, first)


def test_young_texts_stay_however_many_there_are(desk):
    desk.know()
    desk.accept(*(idle(n) for n in range(9)))
    desk.clock.advance(timedelta(days=desk.office.retention.texts - 1))
    assert due(desk) == {}
    assert clean(desk) == {}
    assert len(ids(desk)) == 9


def test_of_a_source_that_is_remembered_no_more_every_old_text_goes(old):
    old.run(lambda s: s.execute(update(ItemRow).values(source_id="bbs#gone")))
    assert clean(old) == {"item": 7}
    assert ids(old) == ["water", "idle-99"]


@pytest.mark.parametrize("names_it", [ProposalRow, VerdictRow, None], ids=["proposal", "verdict", "nothing"])
def test_a_text_that_the_record_names_stays_though_it_stands_in_no_matter(old, names_it):
    [case] = old.all(CaseRow)
    assert isinstance(old.act(case.id, Command.DISMISS), cases.Done)

    def leave_only_what_names_it(session):
        for table in (CaseItemRow, ProposalRow, VerdictRow):
            rows = session.scalars(select(table)).all()
            assert rows
            for row in rows if table is not names_it else ():
                session.delete(row)
        texts = update(ItemRow).where(ItemRow.external_id == "water")
        session.execute(texts.values(outcome=Outcome.NONE))

    old.run(leave_only_what_names_it)
    clean(old)
    assert ("water" in ids(old)) == (names_it is not None)


def test_a_text_that_became_a_matters_meanwhile_is_left_alone(old):
    cut = cut_at(old.office.retention, old.clock())
    keys = [(row.id,) for row in old.all(ItemRow, ItemRow.external_id.in_(["idle-0", "idle-1"]))]
    [case] = old.all(CaseRow)
    old.run(
        lambda s: s.add(
            CaseItemRow(item_id=keys[0][0], case_id=case.id, why="补入", certainty=1.0, at=old.clock())
        )
    )
    assert old.run(lambda s: purge.let_go(s, TEXTS, keys, cut)) == 1
    assert old.run(lambda s: purge.let_go(s, TEXTS, keys, cut)) == 0
    assert "idle-0" in ids(old)
    assert len(old.all(GoneRow)) == 1


# --- and do not come back -----------------------------------------------------------------------------------------


def test_a_text_that_went_is_no_news_when_its_source_shows_it_again(old):
    old.know()
    old.run(lambda s: s.execute(update(ItemRow).values(rules_version="")))
    texts = [idle(n) for n in range(7)]
    before = len(old.all(OutboxRow))
    clean(old)
    assert old.accept(*texts) == []
    assert ids(old) == ["water", "idle-6", "idle-99"]
    assert len(old.all(OutboxRow)) == before
    known = old.store.peek(lambda s: intake.known(s, "bbs", ["idle-0", "idle-6", "never"]))
    assert known == {"idle-0", "idle-6"}


def relevant_stock(desk: Desk) -> list:
    """Four complaints that stood there when the watch began: stock, and no matter of anybody's."""
    texts = [item(WATER, external_id=f"stock-{n}", url=f"http://bbs.example/s{n}") for n in range(4)]
    desk.accept(*texts, state=SourceState("bbs", baseline_done=True))
    assert {row.outcome for row in desk.all(ItemRow)} == {Outcome.BASELINE}
    desk.clock.advance(LONG)
    assert clean(desk) == {"item": 2}
    return texts


def test_stock_that_went_opens_no_matter_when_it_is_shown_again(desk):
    texts = relevant_stock(desk)
    assert desk.accept(*texts) == []
    assert desk.all(CaseRow) == []


def test_stock_that_went_and_was_edited_is_still_old_news_unless_it_turned_grave(desk):
    first, second, *_ = relevant_stock(desk)
    desk.accept(replace(first, text=f"{WATER}（已更新）"))
    assert desk.all(CaseRow) == []
    assert "stock-0" in ids(desk)
    desk.accept(replace(second, text="东湖小区门口路面塌方，有人掉下去了"))
    assert len(desk.all(CaseRow)) == 1


def test_a_text_that_went_and_was_edited_into_a_complaint_opens_a_matter(old):
    clean(old)
    old.accept(replace(idle(0), text="西山小区停水三天了"))
    assert len(old.all(CaseRow)) == 2


def test_a_text_that_went_twice_is_known_by_its_newest_words(old):
    clean(old)
    edited = replace(idle(0), text=f"{IDLE}，换了新的花")
    old.accept(edited)
    old.accept(idle(100), idle(101))
    old.clock.advance(LONG)
    clean(old)
    assert "idle-0" not in ids(old)
    assert old.accept(edited) == []


def test_a_mark_tells_no_text_and_knows_its_source(desk):
    desk.run(lambda s: gone.remember(s, [("bbs", "1", "ab" * 16, True), ("bbs", "1", "cd" * 16, False)]))
    found = desk.store.peek(lambda s: gone.among(s, {"bbs": ["1", "2"], "weibo": ["1"]}))
    assert found == {"bbs": {"1": gone.Gone(bytes.fromhex("cd" * 8), is_stock=False)}}
    [row] = desk.all(GoneRow)
    assert len(row.mark) == 16


# --- messages, updates, codes ---------------------------------------------------------------------------------------


def post(desk: Desk, key: str, state: Sending = Sending.SENT, noted: bool = True, **more) -> None:
    values = {"chat": "operator", "kind": MessageKind.TEXT, "priority": Priority.ALERT, "now": desk.clock()}
    desk.run(lambda s: outbox.queue(s, key=key, **(values | more)))
    desk.run(
        lambda s: s.execute(
            update(OutboxRow).where(OutboxRow.dedupe_key == key).values(state=state, noted=noted)
        )
    )


def test_messages_of_no_matter_go_once_they_arrived_and_all_others_stay(desk):
    case_id = desk.open(WATER)
    desk.run(lambda s: s.execute(update(OutboxRow).values(state=Sending.SENT, noted=True)))
    of_the_matter = {row.dedupe_key for row in desk.all(OutboxRow)}
    post(desk, "operator:1")
    post(desk, "digest:weekly:2026-W20:duty", Sending.SKIPPED)
    stay = {"head:2026-05-01:leader": {}, "invite:1:1": {}, "of-case": {"case_id": case_id}}
    for key, more in stay.items():
        post(desk, key, **more)
    for state in (Sending.PENDING, Sending.SENDING, Sending.DEAD, Sending.EXPIRED):
        post(desk, f"in-{state}", state)
    post(desk, "not-noted", noted=False)
    desk.clock.advance(LONG)
    post(desk, "young")
    assert clean(desk) == {"outbox": 2}
    left = {row.dedupe_key for row in desk.all(OutboxRow)}
    waiting = {f"in-{state}" for state in (Sending.PENDING, Sending.SENDING, Sending.DEAD, Sending.EXPIRED)}
    assert left == {*of_the_matter, *stay, *waiting, "not-noted", "young"}


def test_the_newest_message_stays_so_that_its_number_is_given_to_no_other(desk):
    post(desk, "one")
    post(desk, "two")
    desk.clock.advance(LONG)
    assert clean(desk) == {"outbox": 1}
    assert [row.dedupe_key for row in desk.all(OutboxRow)] == ["two"]


def test_updates_go_once_they_were_handled_but_not_the_newest_of_a_platform(desk):
    updates = [{"update_id": n} for n in range(1, 9)]
    for platform in ("chat", "other"):
        desk.run(lambda s: inbox.store(s, platform, updates, desk.clock()))  # noqa: B023 - called at once
        for n in (1, 2, 3, 4, 5, 8):
            desk.run(lambda s: inbox.finish(s, platform, n, desk.clock()))  # noqa: B023 - likewise
    desk.clock.advance(LONG)
    assert due(desk) == {"inbox": 10}
    assert clean(desk) == {"inbox": 10}
    assert [(r.platform, r.update_id) for r in desk.all(InboxRow)] == [
        (platform, n) for platform in ("chat", "other") for n in (6, 7, 8)
    ]


def test_codes_that_let_nobody_in_go_and_the_others_stay(desk):
    for state in InviteState:
        desk.run(
            lambda s: s.add(
                InviteRow(
                    code_hash=state.value,  # noqa: B023 - called at once
                    name="甲",
                    roles=[],
                    channels=[],
                    state=state,  # noqa: B023 - likewise
                    created_at=desk.clock(),
                    expires_at=desk.clock() + people.INVITE_LIFE,
                )
            )
        )
    desk.run(
        lambda s: s.add_all(
            [
                JoinTryRow(platform="chat", user_ref="1", wrong=5, locked_until=desk.clock() + HOUR),
                JoinTryRow(platform="chat", user_ref="2", wrong=2),
                PushRow(source_id="inbox", signature="ab", at=desk.clock()),
            ]
        )
    )
    desk.clock.advance(LONG)
    assert clean(desk) == {"invite": 2, "join_try": 1, "push": 1}
    left = {row.state for row in desk.all(InviteRow)}
    assert left == {InviteState.CLAIMED, InviteState.CONFIRMED, InviteState.REVOKED}  # and the newest


def test_who_joins_after_a_purge_is_asked_about_though_the_one_before_him_was_refused(desk):
    """SQLite gives the highest number again once it is free, and by its number it is known who was asked about."""

    def join(name: str) -> int:
        def work(session: Session) -> int:
            account = Account("chat", f"user-{name}", f"private-{name}")
            code = people.invite(
                session, desk.ledger, name=name, roles=[Role.DUTY], channels=[], by="命令行", now=desk.clock()
            )
            _, made = people.claim(
                session, desk.ledger, code=code, account=account, shown_name=name, now=desk.clock()
            )
            assert made is not None
            return made.id

        return desk.run(work)

    def asked() -> set[int]:
        desk.run(lambda s: reconcile.missing_cards(s, desk.office, desk.clock()))
        return {
            row.payload["invite"] for row in desk.all(OutboxRow, OutboxRow.dedupe_key.startswith("invite:"))
        }

    first = join("甲")
    assert asked() == {first}
    desk.run(lambda s: s.execute(update(OutboxRow).values(state=Sending.SENT, noted=True)))
    admin = desk.staff["admin"]
    desk.run(
        lambda s: people.settle(s, desk.ledger, invite_id=first, admin=admin, accept=False, now=desk.clock())
    )
    desk.clock.advance(LONG)
    clean(desk)
    second = join("乙")
    assert second != first
    assert asked() == {first, second}


# --- and the record holds -------------------------------------------------------------------------------------------


def test_the_chain_and_the_file_of_a_matter_are_as_before(old):
    before = (len(old.all(CaseRow)), len(old.all(CaseItemRow)), len(old.all(SourceRow)))
    lines = old.run(old.ledger.verify).lines
    clean(old)
    after = old.run(old.ledger.verify)
    assert after.broken is None
    assert after.lines == lines
    assert (len(old.all(CaseRow)), len(old.all(CaseItemRow)), len(old.all(SourceRow))) == before
