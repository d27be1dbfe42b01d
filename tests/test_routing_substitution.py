"""Substitution: asked, approved by a leader who is no party, rights until the end and not a moment longer."""

from datetime import datetime, timedelta

import pytest
from builders import HOUR, MINUTE, START, Desk
from test_routing_duty import planned, take

from routing import announce, cases, duty, people, substitution
from routing.errors import UserError
from routing.ledger import entries
from routing.office import Role
from routing.store.tables import LedgerRow, OutboxRow, SubstitutionRow, SubstitutionState
from routing.substitution import Wanted
from routing.workflow import Actor, Command, Ground, Refusal, State

DAY = timedelta(days=1)


def wanted(
    desk: Desk,
    absent: str = "reviewer",
    reserve: str = "office",
    *,
    start: datetime = START,
    length: timedelta = 8 * HOUR,
    reason: str = "因公外出",
) -> Wanted:
    ids = (desk.staff[absent].person_id, desk.staff[reserve].person_id)
    return Wanted(*ids, start, start + length, reason)


def ask(desk: Desk, asker: str = "reviewer", **more) -> int:
    what = wanted(desk, **more)
    return desk.run(
        lambda s: substitution.ask(s, desk.office, desk.ledger, desk.staff[asker], what, desk.clock())
    ).id


def decide(desk: Desk, key: int, who: str = "leader", accept: bool = True):
    return desk.run(
        lambda s: substitution.decide(s, desk.ledger, key, desk.staff[who], accept=accept, now=desk.clock())
    )


def acting(desk: Desk, who: str) -> Actor:
    """A person with the rights that he has now."""
    return desk.run(lambda s: people.actor_of(s, "chat", who, at=desk.clock()))


def tick(desk: Desk) -> int:
    return desk.run(lambda s: substitution.tick(s, desk.office, desk.ledger, desk.clock()))


def asked(desk: Desk) -> list[str]:
    return [row.chat for row in desk.all(OutboxRow) if "substitution" in row.payload]


def told(desk: Desk, template: str) -> list[str]:
    return [row.chat for row in desk.all(OutboxRow) if row.payload.get("template") == template]


def test_the_reserve_has_the_rights_from_the_approval_until_the_end_and_no_longer(desk):
    assert acting(desk, "office").roles == {Role.OFFICE}
    key = ask(desk)
    assert acting(desk, "office").roles == {Role.OFFICE}
    decide(desk, key)
    actor = acting(desk, "office")
    assert (actor.roles, actor.stands_for) == ({Role.OFFICE, Role.REVIEWER}, ("孙初审",))
    desk.clock.now = START + 8 * HOUR - timedelta(seconds=1)
    assert Role.REVIEWER in acting(desk, "office").roles
    desk.clock.now = START + 8 * HOUR  # no tick has run
    assert acting(desk, "office").roles == {Role.OFFICE}


def test_before_it_begins_nothing_is_lent(desk):
    decide(desk, ask(desk, start=START + HOUR))
    assert Role.REVIEWER not in acting(desk, "office").roles
    desk.clock.advance(HOUR)
    assert Role.REVIEWER in acting(desk, "office").roles


def test_refused_it_lends_nothing(desk):
    decide(desk, ask(desk), accept=False)
    assert Role.REVIEWER not in acting(desk, "office").roles


def test_a_contact_lends_his_channel(desk):
    decide(desk, ask(desk, "contact", absent="contact"))
    assert acting(desk, "office").channels == {"petition"}


def test_settings_and_the_log_are_never_lent(desk):
    absent = desk.staff["admin"].person_id

    def work(session):
        people._grant(session, absent, [Role.AUDITOR, Role.DUTY], [])

    desk.run(work)
    decide(desk, ask(desk, "admin", absent="admin"))
    assert acting(desk, "office").roles == {Role.OFFICE, Role.DUTY}


def test_what_is_lent_is_not_lent_on(desk):
    decide(desk, ask(desk, absent="reviewer", reserve="office"))
    with pytest.raises(UserError, match="已有顶岗安排"):
        ask(desk, "office", absent="office", reserve="duty")


def test_the_substitute_moves_a_case_and_the_record_names_both(desk):
    case_id = desk.at(State.IN_REVIEW)
    decide(desk, ask(desk, length=2 * DAY))
    done = desk.act(case_id, Command.PASS, acting(desk, "office"))
    assert isinstance(done, cases.Done)
    [line] = [one for one in desk.run(lambda s: entries(s, case_id)) if one["action"] == "pass"]
    assert (line["actor"], line["data"]["stands_for"]) == ("李主任", ["孙初审"])


def test_four_eyes_count_the_substitute_as_the_person_he_is(desk):
    decide(desk, ask(desk, "office", absent="reviewer", reserve="contact", length=2 * DAY))
    case_id = desk.at(State.IN_REVIEW)  # drafted by the contact, who now also has the reviewer's rights
    refused = desk.act(case_id, Command.PASS, acting(desk, "contact"))
    assert isinstance(refused, Refusal)
    assert refused.ground is Ground.FOUR_EYES


def test_the_substitute_is_sent_the_card_and_may_read_it(desk):
    decide(desk, ask(desk, length=2 * DAY))
    desk.at(State.IN_REVIEW)
    cards = [row.chat for row in desk.all(OutboxRow) if row.payload.get("card") == "review"]
    assert cards == ["private-office", "private-reviewer"]
    chat = desk.run(lambda s: people.is_chat_of(s, "private-office", Role.REVIEWER, at=desk.clock()))
    later = desk.run(
        lambda s: people.is_chat_of(s, "private-office", Role.REVIEWER, at=desk.clock() + 3 * DAY)
    )
    assert (chat, later) == (True, False)


def test_a_card_that_already_waits_reaches_the_substitute(desk):
    case_id = desk.at(State.IN_REVIEW)
    decide(desk, ask(desk, length=2 * DAY))
    due = desk.run(lambda s: announce.cards_due(s, desk.office, desk.case(case_id), desk.clock()))
    assert "private-office" in [card.chat for card in due]


# --- who decides ------------------------------------------------------------------------------------------------


def test_the_leader_on_duty_is_asked_first(desk):
    take(desk, planned(0, leader="冯县长"))
    ask(desk)
    assert asked(desk) == ["private-second_leader"]


def test_the_next_leader_is_asked_where_the_one_on_duty_is_absent_himself(desk):
    take(desk, planned(0, leader="郑县长"))
    ask(desk, "leader", absent="leader", reserve="office")
    assert asked(desk) == ["private-second_leader"]


def test_a_leader_who_says_nothing_is_followed_by_the_next_and_either_may_decide(desk):
    key = ask(desk)
    desk.clock.advance(9 * MINUTE)
    tick(desk)
    assert asked(desk) == ["private-leader"]
    desk.clock.advance(MINUTE)
    tick(desk)
    tick(desk)
    assert asked(desk) == ["private-leader", "private-second_leader"]
    desk.clock.advance(10 * MINUTE)
    tick(desk)
    assert told(desk, "substitute_silent") == ["duty-group"]
    decide(desk, key, "leader")
    with pytest.raises(UserError, match="郑县长 处理过"):
        decide(desk, key, "second_leader")


@pytest.mark.parametrize("who", ["second_leader", "duty", "reviewer", "office"])
def test_nobody_decides_who_was_not_asked(desk, who):
    key = ask(desk)
    with pytest.raises(UserError, match="不由您审批"):
        decide(desk, key, who)
    assert desk.all(SubstitutionRow)[0].state is SubstitutionState.ASKED


def test_a_leader_who_asked_for_another_does_not_decide(desk):
    def work(session):
        people._grant(session, desk.staff["leader"].person_id, [Role.OFFICE], [])

    desk.run(work)
    desk.staff["leader"] = desk.run(lambda s: people.actor_by_id(s, desk.staff["leader"].person_id))
    ask(desk, "leader")
    assert asked(desk) == ["private-second_leader"]


def test_a_lent_right_to_decide_is_gone_with_the_substitution(desk):
    lent = ask(desk, "leader", absent="leader", reserve="duty", length=DAY)
    decide(desk, lent, "second_leader")
    key = ask(desk)
    while desk.staff["leader"].person_id not in desk.run(lambda s: s.get_one(SubstitutionRow, key).asked_of):
        desk.clock.now = desk.run(lambda s: s.get_one(SubstitutionRow, key).next_at)
        assert tick(desk)
    desk.run(
        lambda s: substitution.end(s, desk.office, desk.ledger, lent, desk.staff["leader"], desk.clock())
    )
    with pytest.raises(UserError, match="没有审批顶岗的权限"):
        decide(desk, key, "duty")
    assert Role.REVIEWER not in acting(desk, "office").roles
    assert decide(desk, key, "leader").state is SubstitutionState.APPROVED


def test_without_a_leader_who_could_decide_nothing_is_written(empty_desk):
    empty_desk.hire("reviewer", "office", "leader")
    with pytest.raises(UserError, match="没有可以批准的领导"):
        ask(empty_desk, "leader", absent="leader", reserve="office")
    assert empty_desk.all(SubstitutionRow) == []


@pytest.mark.parametrize(
    ("asker", "more", "word"),
    [
        ("reviewer", {"absent": "reviewer", "reserve": "reviewer"}, "自己顶自己"),
        ("duty", {}, "本人或政府办"),
        ("reviewer", {"length": timedelta(0)}, "止时须晚于起时"),
        ("reviewer", {"start": START - DAY, "length": HOUR}, "止时须晚于"),
        ("reviewer", {"length": 32 * DAY}, "最长 31 天"),
        ("reviewer", {"reason": " "}, "至少 4 个字"),
        ("reviewer", {"reason": "长" * 201}, "最多 200 字"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(desk, asker, more, word):
    with pytest.raises(UserError, match=word):
        ask(desk, asker, **more)
    assert desk.all(SubstitutionRow) == []
    assert desk.all(OutboxRow) == []


def test_a_second_substitution_of_the_same_hours_is_refused(desk):
    ask(desk)
    with pytest.raises(UserError, match="孙初审 已有顶岗安排"):
        ask(desk, reserve="duty", start=START + HOUR)
    ask(desk, reserve="duty", start=START + 8 * HOUR)


# --- the end ----------------------------------------------------------------------------------------------------


def test_the_end_is_told_once_and_is_a_line_of_the_record(desk):
    decide(desk, ask(desk))
    desk.clock.advance(8 * HOUR)
    assert tick(desk) == 1
    assert tick(desk) == 0
    assert sorted(told(desk, "substitute_over")) == ["private-office", "private-reviewer"]
    lines = [row.action for row in desk.all(LedgerRow)]
    assert lines == ["substitute_ask", "substitute_approve", "substitute_over"]
    assert "因公外出" not in "".join(row.data for row in desk.all(LedgerRow))


def end(desk: Desk, key: int, who: str):
    return desk.run(
        lambda s: substitution.end(s, desk.office, desk.ledger, key, desk.staff[who], desk.clock())
    )


@pytest.mark.parametrize("who", ["reviewer", "leader"])
def test_who_is_absent_and_who_approved_end_it_before_its_time(desk, who):
    key = ask(desk)
    decide(desk, key)
    desk.clock.advance(HOUR)
    end(desk, key, who)
    assert Role.REVIEWER not in acting(desk, "office").roles
    [row] = desk.all(SubstitutionRow)
    assert (row.state, row.ends_at) == (SubstitutionState.OVER, START + HOUR)
    assert sorted(told(desk, "substitute_ended")) == ["duty-group", "private-office", "private-reviewer"]
    line = desk.all(LedgerRow)[-1]
    assert (line.action, line.actor) == ("substitute_ended", desk.staff[who].name)
    desk.clock.advance(8 * HOUR)
    assert tick(desk) == 0
    with pytest.raises(UserError, match="已经结束"):
        end(desk, key, who)


def test_the_leader_on_duty_ends_what_another_approved(desk):
    key = ask(desk)
    decide(desk, key)
    take(desk, planned(0, leader="冯县长"))
    end(desk, key, "second_leader")
    assert Role.REVIEWER not in acting(desk, "office").roles


@pytest.mark.parametrize("who", ["office", "second_leader", "duty", "stranger"])
def test_nobody_else_ends_it(desk, who):
    key = ask(desk)
    decide(desk, key)
    with pytest.raises(UserError, match="被顶岗人"):
        end(desk, key, who)
    assert Role.REVIEWER in acting(desk, "office").roles


def test_one_that_was_not_approved_is_not_ended(desk):
    key = ask(desk)
    with pytest.raises(UserError, match="没有生效"):
        end(desk, key, "reviewer")
    assert desk.all(SubstitutionRow)[0].state is SubstitutionState.ASKED


def test_one_that_is_ended_before_it_began_never_lends_anything_and_leaves_the_hours_free(desk):
    key = ask(desk, start=START + HOUR)
    decide(desk, key)
    end(desk, key, "reviewer")
    desk.clock.advance(2 * HOUR)
    assert Role.REVIEWER not in acting(desk, "office").roles
    assert (
        desk.run(lambda s: substitution.of_absent(s, desk.staff["reviewer"].person_id, desk.clock())) is None
    )
    ask(desk, reserve="duty", start=START + 2 * HOUR)


def test_what_begins_later_brings_the_waiting_card_when_it_begins(desk):
    desk.at(State.IN_REVIEW)
    decide(desk, ask(desk, start=START + HOUR))
    tick(desk)
    assert [row.chat for row in desk.all(OutboxRow) if row.payload.get("card") == "review"] == [
        "private-reviewer"
    ]
    desk.clock.advance(HOUR)
    assert tick(desk) == 1
    assert tick(desk) == 0
    cards = [row.chat for row in desk.all(OutboxRow) if row.payload.get("card") == "review"]
    assert cards == ["private-reviewer", "private-office"]


def test_one_that_nobody_answered_lapses(desk):
    key = ask(desk)
    desk.clock.advance(9 * HOUR)
    with pytest.raises(UserError, match="时段已经过去"):
        decide(desk, key)
    tick(desk)
    assert told(desk, "substitute_lapsed") == ["private-reviewer", "private-office"]


def test_on_the_roster_the_substitute_stands_in_the_place_of_the_absent(desk):
    take(desk, planned(0))
    decide(desk, ask(desk, "duty", absent="duty", reserve="office"))
    [watch] = desk.run(lambda s: duty.watches(s, desk.clock()))
    assert [(one.name, one.stands_for) for one in watch.staff] == [("李主任", "王值班")]
    assert watch.reserve == ()
    assert desk.run(lambda s: duty.staff_chats(s, desk.clock())) == ["private-office"]


def test_a_revoked_reserve_stands_in_for_nobody(desk):
    take(desk, planned(0))
    decide(desk, ask(desk, "duty", absent="duty", reserve="office"))
    person = desk.staff["office"].person_id
    assert desk.run(lambda s: people.stand_in(s, "private-duty", START)) is not None
    desk.run(lambda s: people.revoke(s, desk.ledger, person_id=person, by="x", now=START))
    [watch] = desk.run(lambda s: duty.watches(s, desk.clock()))
    assert [one.name for one in watch.staff] == ["王值班"]
    assert desk.run(lambda s: people.stand_in(s, "private-duty", START)) is None
