"""Who has several chat accounts is asked on each, decides once, and is one person for four eyes."""

from builders import Desk, join
from test_bot_compose import compose, deliver, waiting
from test_bot_looking import text_of
from test_routing_duty import planned, take
from test_routing_substitution import ask, decide

from routing import duty, people, reconcile
from routing.cases import Done
from routing.office import Role
from routing.store.tables import AccountRow, MessageRefRow, OutboxRow
from routing.workflow import Command, Ground, Refusal, State


def add_account(desk: Desk, who: str, ref: str) -> None:
    person_id = desk.staff[who].person_id

    def work(session):
        session.add(AccountRow(platform="chat", user_ref=ref, chat_ref=f"private-{ref}", person_id=person_id))

    desk.run(work)


def cards(desk: Desk, kind: str) -> list[str]:
    return [
        row.chat for row in desk.all(OutboxRow, OutboxRow.kind == "card") if row.payload.get("card") == kind
    ]


def test_each_account_gets_the_card_and_a_decision_on_one_is_told_on_all(desk):
    add_account(desk, "leader", "tablet")
    case_id = desk.at(State.TO_APPROVE)
    assert cards(desk, "approve") == ["private-leader", "private-tablet", "private-second_leader"]
    deliver(desk)
    order = desk.order(desk.shown(case_id), Command.APPROVE, "leader")
    assert isinstance(desk.give(case_id, order), Done)
    for chat in ("private-leader", "private-tablet"):
        [edit] = waiting(desk, chat)
        last = compose(desk, edit)
        assert last is not None
        assert "郑县长 已处理：批准发布" in text_of(last.card)
        assert last.card.buttons == ()
    assert isinstance(desk.give(case_id, order), Refusal)
    deliver(desk)
    assert all(ref.final for ref in desk.all(MessageRefRow, MessageRefRow.card == "approve"))


def test_an_account_that_came_later_finds_what_waits(desk):
    desk.at(State.TO_APPROVE)
    deliver(desk)
    add_account(desk, "leader", "tablet")
    assert desk.run(lambda s: reconcile.missing_cards(s, desk.office, desk.clock())) == 1
    assert cards(desk, "approve")[-1] == "private-tablet"
    assert desk.run(lambda s: reconcile.missing_cards(s, desk.office, desk.clock())) == 0


def test_two_accounts_are_one_pair_of_eyes(desk):
    case_id = desk.at(State.IN_SECRECY)
    both = desk.run(lambda s: join(s, "两头", [Role.SECRECY, Role.LEADER], ref="phone"))
    desk.staff["both"] = both
    add_account(desk, "both", "desk")
    desk.act(case_id, Command.CLEAR, both)
    assert "private-desk" not in cards(desk, "approve")
    again = desk.run(lambda s: people.actor_of(s, "chat", "desk", at=desk.clock()))
    refused = desk.act(case_id, Command.APPROVE, again)
    assert isinstance(refused, Refusal)
    assert refused.ground is Ground.FOUR_EYES


def test_a_reason_reaches_its_drafter_on_each_account(desk):
    add_account(desk, "contact", "home")
    case_id = desk.at(State.IN_REVIEW)
    desk.act(case_id, Command.REDO)
    why = [row.chat for row in desk.all(OutboxRow) if row.payload.get("template") == "redo_why"]
    assert why == ["private-contact", "private-home"]


def test_with_the_rights_all_accounts_end(desk):
    add_account(desk, "leader", "tablet")
    desk.at(State.TO_APPROVE)
    deliver(desk)
    person_id = desk.staff["leader"].person_id
    desk.run(lambda s: people.revoke(s, desk.ledger, person_id=person_id, by="命令行", now=desk.clock()))
    for chat in ("private-leader", "private-tablet"):
        [edit] = waiting(desk, chat)
        last = compose(desk, edit)
        assert last is not None
        assert "您的权限已撤销" in text_of(last.card)


def test_an_administrator_settles_a_newcomer_on_any_account_once(desk):
    add_account(desk, "admin", "tablet")
    code = desk.run(
        lambda s: people.invite(
            s, desk.ledger, name="新人", roles=[Role.REVIEWER], channels=[], by="x", now=desk.clock()
        )
    )
    account = people.Account("chat", "new", "private-new")
    _, waits = desk.run(
        lambda s: people.claim(s, desk.ledger, code=code, account=account, shown_name="新", now=desk.clock())
    )
    assert waits is not None
    asked = desk.run(lambda s: reconcile.missing_cards(s, desk.office, desk.clock()))
    chats = {row.chat for row in desk.all(OutboxRow) if "invite" in row.payload}
    assert (asked, chats) == (2, {"private-admin", "private-tablet"})


def test_who_is_on_duty_is_called_on_each_account(desk):
    add_account(desk, "duty", "home")
    take(desk, planned(0))
    assert desk.run(lambda s: duty.staff_chats(s, desk.clock())) == ["private-duty", "private-home"]


def test_a_substitution_is_put_before_the_leader_on_each_account(desk):
    add_account(desk, "leader", "tablet")
    key = ask(desk)
    chats = [row.chat for row in desk.all(OutboxRow) if "substitution" in row.payload]
    assert chats == ["private-leader", "private-tablet"]
    decide(desk, key)
