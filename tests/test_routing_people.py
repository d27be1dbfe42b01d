"""Who may enter and how: a code is good once, wrong ones lock, an administrator confirms, rights end at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from builders import HOUR, MINUTE, START, Desk
from sqlalchemy import select

from routing import asks, cases, outbox, people
from routing.errors import UserError
from routing.office import Role
from routing.outbox import MessageKind, Priority
from routing.people import INVITE_LIFE, LOCKED_FOR, WRONG_TRIES, Account, Claim
from routing.store.tables import (
    AccountRow,
    InviteRow,
    JoinTryRow,
    LedgerRow,
    OutboxRow,
    PersonRoleRow,
    Sending,
)
from routing.workflow import Command, Ground, State, Where

NEWCOMER = Account("chat", "9001", "9001")


def invite(desk: Desk, name="新人", roles=(Role.CONTACT,), channels=("petition",)) -> str:
    return desk.run(
        lambda s: people.invite(
            s, desk.ledger, name=name, roles=roles, channels=channels, by="陈管理", now=desk.clock()
        )
    )


def claim(desk: Desk, code: str, account=NEWCOMER, shown_name="小新"):
    return desk.run(
        lambda s: people.claim(
            s, desk.ledger, code=code, account=account, shown_name=shown_name, now=desk.clock()
        )
    )


def settle(desk: Desk, invite_id: int, accept=True, who="admin"):
    return desk.run(
        lambda s: people.settle(
            s, desk.ledger, invite_id=invite_id, admin=desk.staff[who], accept=accept, now=desk.clock()
        )
    )


def actor(desk: Desk, account=NEWCOMER):
    return desk.run(lambda s: people.actor_of(s, account.platform, account.user_ref))


def actions(desk: Desk) -> list[str]:
    return [row.action for row in desk.all(LedgerRow)]


# --- the way in -------------------------------------------------------------------------------------------------


def test_an_invited_person_is_let_in_by_an_administrator(desk):
    code = invite(desk)
    outcome, waiting = claim(desk, code)
    assert outcome is Claim.WAITING
    assert (waiting.name, waiting.roles, waiting.shown_name) == ("新人", (Role.CONTACT,), "小新")
    assert actor(desk) is None  # not yet
    settle(desk, waiting.id)
    found = actor(desk)
    assert (found.name, found.roles, found.channels) == ("新人", {Role.CONTACT}, {"petition"})
    assert desk.run(lambda s: people.private_chats(s, found.person_id)) == ["9001"]
    assert actions(desk) == ["invite", "join", "confirm_person"]


def test_the_code_itself_is_kept_nowhere(desk):
    code = invite(desk)
    [row] = desk.all(InviteRow)
    assert code not in str({c.name: getattr(row, c.name) for c in InviteRow.__table__.columns})
    assert not any(code in line.data for line in desk.all(LedgerRow))
    assert len(code) >= 22  # 128 bits


def test_a_code_is_good_once(desk):
    code = invite(desk)
    claim(desk, code)
    other = Account("chat", "9002", "9002")
    assert claim(desk, code, other) == (Claim.UNKNOWN, None)
    assert claim(desk, code) == (Claim.UNKNOWN, None)


def test_of_two_accounts_that_use_a_code_at_once_one_waits(desk):
    codes = [invite(desk) for _ in range(6)]
    together = Barrier(2)

    def many(ref: str) -> list[Claim]:
        outcomes = []
        for n, code in enumerate(codes):
            together.wait(20)
            outcomes.append(claim(desk, code, Account("chat", f"{ref}{n}", ref))[0])
        return outcomes

    with ThreadPoolExecutor(2) as pool:
        pairs = list(zip(*pool.map(many, ("a", "b")), strict=True))
    assert [sorted(pair) for pair in pairs] == [[Claim.UNKNOWN, Claim.WAITING]] * len(codes)


def test_spaces_around_a_code_do_no_harm(desk):
    assert claim(desk, f"  {invite(desk)}\n")[0] is Claim.WAITING


@pytest.mark.parametrize(("late", "outcome"), [(timedelta(), Claim.WAITING), (MINUTE, Claim.EXPIRED)])
def test_a_code_is_good_for_a_day(desk, late, outcome):
    code = invite(desk)
    desk.clock.advance(INVITE_LIFE + late)
    assert claim(desk, code)[0] is outcome


def test_five_wrong_codes_lock_the_account_for_an_hour_also_for_the_right_one(desk):
    code = invite(desk)
    outcomes = [claim(desk, f"wrong {n}")[0] for n in range(WRONG_TRIES)]
    assert outcomes == [Claim.UNKNOWN] * WRONG_TRIES
    assert claim(desk, code)[0] is Claim.LOCKED
    desk.clock.advance(LOCKED_FOR - MINUTE)
    assert claim(desk, code)[0] is Claim.LOCKED
    desk.clock.advance(MINUTE)
    assert claim(desk, code)[0] is Claim.WAITING


def test_others_are_not_locked_with_one_who_guesses(desk):
    for n in range(WRONG_TRIES):
        claim(desk, f"wrong {n}")
    assert claim(desk, invite(desk), Account("chat", "9002", "9002"))[0] is Claim.WAITING


def test_a_right_code_forgets_the_wrong_ones(desk):
    for n in range(WRONG_TRIES - 1):
        claim(desk, f"wrong {n}")
    claim(desk, invite(desk))
    [tries] = desk.all(JoinTryRow)
    assert (tries.wrong, tries.locked_until) == (0, None)


def test_somebody_who_is_in_uses_up_no_code(desk):
    code = invite(desk)
    member = Account("chat", "duty", "private-duty")
    assert claim(desk, code, member) == (Claim.ALREADY, None)
    assert claim(desk, code)[0] is Claim.WAITING


def test_a_very_long_shown_name_is_no_obstacle(desk):
    assert claim(desk, invite(desk), shown_name="名" * 129)[0] is Claim.WAITING


# --- settling -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["duty", "office", "leader", "contact", "stranger"])
def test_only_an_administrator_settles(desk, who):
    _, waiting = claim(desk, invite(desk))
    with pytest.raises(UserError, match="只有系统管理员"):
        settle(desk, waiting.id, who=who)
    assert actor(desk) is None


@pytest.mark.parametrize("first", [True, False])
def test_an_application_is_settled_once(desk, first):
    _, waiting = claim(desk, invite(desk))
    settle(desk, waiting.id, accept=first)
    for accept in (True, False):
        with pytest.raises(UserError, match="已经处理过"):
            settle(desk, waiting.id, accept=accept)
    assert (actor(desk) is not None) is first


def test_an_invitation_that_nobody_used_cannot_be_settled(desk):
    invite(desk)
    [row] = desk.all(InviteRow)
    with pytest.raises(UserError):
        settle(desk, row.id)
    assert desk.run(lambda s: people.invitation(s, row.id)) is None


def test_one_account_does_not_become_two_people(desk):
    """Four eyes count persons: who drafts as one must not approve as another."""
    _, first = claim(desk, invite(desk, "起草人"))
    _, second = claim(desk, invite(desk, "批准人", (Role.LEADER,), ()))
    settle(desk, first.id)
    with pytest.raises(UserError, match="起草人"):
        settle(desk, second.id)
    assert actor(desk).name == "起草人"
    assert settle(desk, second.id, accept=False).name == "批准人"


# --- rights ---------------------------------------------------------------------------------------------------------


def revoke(desk: Desk, who: str) -> str:
    person_id = desk.staff[who].person_id
    return desk.run(
        lambda s: people.revoke(s, desk.ledger, person_id=person_id, by="陈管理", now=desk.clock())
    )


def test_who_was_revoked_has_no_right_left_and_keeps_his_name_on_what_he_did(desk):
    person_id = desk.staff["leader"].person_id
    assert revoke(desk, "leader") == "郑县长"
    assert desk.run(lambda s: people.actor_of(s, "chat", "leader")) is None
    assert desk.run(lambda s: people.actor_by_id(s, person_id)) is None
    assert desk.all(PersonRoleRow, PersonRoleRow.person_id == person_id) == []
    assert [a.name for a, _ in desk.run(lambda s: people.holders(s, Role.LEADER))] == ["冯县长"]
    assert desk.run(lambda s: people.name_of(s, person_id)) == "郑县长"
    assert actions(desk) == ["revoke_person"]


def test_nobody_can_be_revoked_who_is_not_there(desk):
    with pytest.raises(UserError, match="没有编号为 987654"):
        desk.run(lambda s: people.revoke(s, desk.ledger, person_id=987_654, by="x", now=START))


def test_who_left_can_be_invited_again(desk):
    revoke(desk, "contact")
    account = Account("chat", "contact", "private-new")
    _, waiting = claim(desk, invite(desk, "赵联络"), account)
    settle(desk, waiting.id)
    found = actor(desk, account)
    assert (found.name, found.roles) == ("赵联络", {Role.CONTACT})
    assert desk.run(lambda s: people.private_chats(s, found.person_id)) == ["private-new"]


def test_who_comes_back_is_the_person_he_was_and_may_not_approve_what_he_drafted(desk):
    case_id = desk.at(State.TO_APPROVE)
    drafter = desk.staff["contact"].person_id
    revoke(desk, "contact")
    _, waiting = claim(
        desk, invite(desk, "赵副县长", (Role.LEADER,), ()), Account("chat", "contact", "private-contact")
    )
    settle(desk, waiting.id)
    back = actor(desk, Account("chat", "contact", ""))
    assert (back.person_id, back.name, back.roles) == (drafter, "赵副县长", {Role.LEADER})
    answer = desk.act(case_id, Command.APPROVE, back)
    assert answer.ground is Ground.FOUR_EYES


def test_who_was_revoked_has_no_chat_and_what_waits_for_it_is_not_sent(desk):
    case_id = desk.at(State.IN_REVIEW)
    reviewer = desk.staff["reviewer"].person_id

    def ask(session) -> int:
        return asks.ask(
            session,
            case=cases.facts(session, case_id),
            person_id=reviewer,
            chat="private-reviewer",
            command=Command.REDO,
            place=Where.PRIVATE,
            draft_version=1,
            now=desk.clock(),
        )

    ask_id = desk.run(ask)
    revoke(desk, "reviewer")
    assert desk.run(lambda s: people.private_chats(s, reviewer)) == []
    assert desk.run(lambda s: asks.question(s, ask_id)).is_answered
    theirs = desk.all(OutboxRow, OutboxRow.chat == "private-reviewer")
    assert {(row.kind, row.state) for row in theirs} == {("card", Sending.SKIPPED), ("ask", Sending.SKIPPED)}
    assert desk.all(OutboxRow, OutboxRow.chat == "duty-group", OutboxRow.state == Sending.PENDING)


def test_an_administrator_of_the_settings_who_was_revoked_is_one_again_at_the_next_start(desk):
    person_id = desk.staff["admin"].person_id
    revoke(desk, "admin")
    for _ in range(2):
        desk.run(lambda s: people.ensure_admins(s, desk.ledger, "chat", ["admin"], START))
    assert desk.run(lambda s: people.actor_of(s, "chat", "admin")).person_id == person_id
    assert [a.roles for a, _ in desk.run(lambda s: people.holders(s, Role.ADMIN))] == [{Role.ADMIN}]


@pytest.mark.parametrize("length", [people.NAME_MAX, people.NAME_MAX + 1])
def test_a_name_that_cannot_be_kept_is_refused_before_a_code_is_made(desk, length):
    if length <= people.NAME_MAX:
        invite(desk, "名" * length)
    else:
        with pytest.raises(UserError, match="超过 60 字"):
            invite(desk, "名" * length)
    assert len(desk.all(InviteRow)) == (length <= people.NAME_MAX)


def test_strangers_are_nobody(desk):
    assert desk.run(lambda s: people.actor_of(s, "chat", "9001")) is None
    assert desk.run(lambda s: people.actor_of(s, "other", "duty")) is None
    assert desk.run(lambda s: people.actor_by_id(s, 987_654)) is None
    assert desk.run(lambda s: people.name_of(s, None)) == ""


def test_holders_come_in_order_of_joining_with_their_private_chat(desk):
    found = desk.run(lambda s: people.holders(s, Role.LEADER))
    assert [(a.name, chat) for a, chat in found] == [
        ("郑县长", "private-leader"),
        ("冯县长", "private-second_leader"),
    ]
    first = desk.staff["leader"].person_id
    assert len(desk.run(lambda s: people.holders(s, Role.LEADER, without={first}))) == 1
    of_channel = desk.run(lambda s: people.holders(s, Role.CONTACT, channel="petition"))
    assert [a.name for a, _ in of_channel] == ["赵联络", "周联络"]
    assert desk.run(lambda s: people.holders(s, Role.CONTACT)) == []


def test_a_person_with_two_accounts_is_asked_on_each(desk):
    person_id = desk.staff["leader"].person_id
    row = AccountRow(platform="other", user_ref="x", chat_ref="second", person_id=person_id)
    desk.run(lambda s: s.add(row))
    found = desk.run(lambda s: people.holders(s, Role.LEADER))
    assert [chat for _, chat in found] == ["private-leader", "second", "private-second_leader"]


def test_the_administrators_of_the_settings_are_entered_once(empty_desk):
    for refs in (["1", "2"], ["1", "2", "3"]):
        empty_desk.run(lambda s, r=refs: people.ensure_admins(s, empty_desk.ledger, "chat", r, START))
    members = empty_desk.run(people.members)
    assert [(m.name, m.roles, m.accounts) for m in members] == [
        (f"管理员 {n}", ("admin",), (f"chat:{n}",)) for n in (1, 2, 3)
    ]


def test_a_member_named_in_the_settings_becomes_an_administrator_too(desk):
    desk.run(lambda s: people.ensure_admins(s, desk.ledger, "chat", ["duty"], START))
    assert desk.run(lambda s: people.actor_of(s, "chat", "duty")).roles == {Role.DUTY, Role.ADMIN}


def test_members_are_listed_with_what_they_are(desk):
    revoke(desk, "leader")
    by_name = {m.name: m for m in desk.run(people.members)}
    assert by_name["赵联络"].channels == ("petition",)
    assert (by_name["郑县长"].active, by_name["郑县长"].roles) == (False, ())
    assert list(by_name)[:2] == ["王值班", "李主任"]


def test_invitations_say_until_when_they_hold(desk):
    invite(desk)
    row = desk.run(lambda s: s.scalars(select(InviteRow)).one())
    assert row.expires_at - row.created_at == timedelta(hours=24) == 24 * HOUR


# --- one person, several accounts ---------------------------------------------------------------------------------

SECOND = Account("chat", "9002", "9002")


def link(desk: Desk, who: str) -> str:
    person_id = desk.staff[who].person_id
    _, code = desk.run(
        lambda s: people.invite_account(s, desk.ledger, person_id=person_id, by="命令行", now=desk.clock())
    )
    return code


def linked(desk: Desk, who: str = "contact", account: Account = SECOND) -> None:
    outcome, waits = claim(desk, link(desk, who), account)
    assert outcome is Claim.WAITING
    assert waits.adds_account
    settle(desk, waits.id)


def test_a_second_account_is_the_same_person_with_the_same_rights(desk):
    linked(desk)
    assert actor(desk, SECOND) == desk.staff["contact"]
    [member] = [m for m in desk.run(people.members) if m.person_id == desk.staff["contact"].person_id]
    assert member.accounts == ("chat:contact", "chat:9002")
    assert actions(desk)[-3:] == ["invite_account", "join", "confirm_account"]


def test_four_eyes_see_one_person_behind_two_accounts(desk):
    case_id = desk.at(State.IN_REVIEW)
    linked(desk, "reviewer")
    desk.act(case_id, Command.PASS, actor(desk, SECOND))
    desk.act(case_id, Command.CLEAR)
    both = desk.run(lambda s: people._grant(s, desk.staff["reviewer"].person_id, [Role.LEADER], []))
    assert both is None
    refused = desk.act(case_id, Command.APPROVE, actor(desk, Account("chat", "reviewer", "")))
    assert refused.ground is Ground.FOUR_EYES


def test_revoking_acts_on_all_accounts_at_once(desk):
    linked(desk)
    desk.run(
        lambda s: outbox.queue(
            s,
            key="x",
            chat=SECOND.chat_ref,
            kind=MessageKind.TEXT,
            priority=Priority.PERSON,
            now=desk.clock(),
        )
    )
    person_id = desk.staff["contact"].person_id
    desk.run(lambda s: people.revoke(s, desk.ledger, person_id=person_id, by="命令行", now=desk.clock()))
    for account in (SECOND, Account("chat", "contact", "")):
        assert actor(desk, account) is None
    assert [row.state for row in desk.all(OutboxRow, OutboxRow.chat == SECOND.chat_ref)] == [Sending.SKIPPED]


def test_an_account_that_was_somebody_elses_is_not_added_and_can_still_be_refused(desk):
    desk.run(
        lambda s: people.revoke(
            s, desk.ledger, person_id=desk.staff["colleague"].person_id, by="命令行", now=desk.clock()
        )
    )
    _, waits = claim(desk, link(desk, "contact"), Account("chat", "colleague", "private-colleague"))
    with pytest.raises(UserError, match="登记在另一个人名下"):
        settle(desk, waits.id)
    settle(desk, waits.id, accept=False)
    assert actions(desk)[-1] == "refuse_account"


def test_who_was_revoked_adds_no_account(desk):
    code = link(desk, "contact")
    person_id = desk.staff["contact"].person_id
    desk.run(lambda s: people.revoke(s, desk.ledger, person_id=person_id, by="命令行", now=desk.clock()))
    _, waits = claim(desk, code, SECOND)
    with pytest.raises(UserError, match="权限已撤销"):
        settle(desk, waits.id)
    with pytest.raises(UserError, match=f"没有编号为 {person_id} 的在岗人员"):
        link(desk, "contact")
