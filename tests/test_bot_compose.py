"""Rows of the outbox as they are sent: a draft only to who may still read it."""

from builders import MINUTE, Desk, join

from bot.compose import Composer, Outgoing
from bot.telegram.markup import rendered
from routing import outbox, people
from routing.office import Role
from routing.reconcile import missing_cards
from routing.store.tables import MessageRefRow, OutboxRow, Sending
from routing.workflow import Command, State

DRAFT = "机要稿件：停水原因尚未对外公布。"


def compose(desk: Desk, row: OutboxRow) -> Outgoing | None:
    composer = Composer(desk.office, {})
    return desk.run(lambda s: composer.compose(s, outbox._message(row), desk.clock()))


def waiting(desk: Desk, chat: str) -> list[OutboxRow]:
    return desk.all(OutboxRow, OutboxRow.chat == chat, OutboxRow.state == Sending.PENDING)


def deliver(desk: Desk) -> None:
    """Send what waits, and note the last word of a card as the sender does."""
    for row in desk.all(OutboxRow, OutboxRow.state == Sending.PENDING):
        outgoing = compose(desk, row)
        message = desk.run(lambda s, i=row.id: outbox.claim(s, i, desk.clock()))
        if outgoing is None:
            desk.run(lambda s, m=message: outbox.record_skipped(s, m, "无需发送"))
            continue
        sent_as = None if row.kind == "edit" else f"m{row.id}"
        desk.run(
            lambda s, m=message, n=sent_as: outbox.record_sent(s, m, chat=m.chat, sent_as=n, now=desk.clock())
        )
        if row.kind == "edit" and outgoing.is_final:
            desk.run(lambda s, m=message: outbox.finish_card(s, m))


def revoke(desk: Desk, who: str) -> None:
    person_id = desk.staff[who].person_id
    desk.run(lambda s: people.revoke(s, desk.ledger, person_id=person_id, by="命令行", now=desk.clock()))


def in_review(desk: Desk) -> int:
    case_id = desk.at(State.HANDLING)
    desk.act(case_id, Command.DRAFT, text=DRAFT)
    return case_id


def test_the_draft_is_taken_from_the_card_of_who_was_revoked(desk: Desk) -> None:
    in_review(desk)
    [card] = waiting(desk, "private-reviewer")
    shown = compose(desk, card)
    assert shown is not None
    assert DRAFT in rendered(shown.card).text
    deliver(desk)
    revoke(desk, "reviewer")
    [edit] = waiting(desk, "private-reviewer")
    last = compose(desk, edit)
    assert last is not None
    assert last.edit == (f"m{card.id}",)
    assert last.card.buttons == ()
    assert "您的权限已撤销，本卡片失效" in rendered(last.card).text
    assert DRAFT not in rendered(last.card).text


def test_a_card_that_was_being_sent_when_its_reader_was_revoked_is_not_sent_again(desk: Desk) -> None:
    in_review(desk)
    [card] = waiting(desk, "private-reviewer")
    desk.run(lambda s: outbox.claim(s, card.id, desk.clock()))
    revoke(desk, "reviewer")
    desk.run(lambda s: outbox.recover(s, desk.clock(), at_start=True))
    assert compose(desk, card) is None


def test_who_is_somebody_else_now_reads_no_draft_by_his_old_card(desk: Desk) -> None:
    in_review(desk)
    deliver(desk)
    revoke(desk, "reviewer")
    desk.run(lambda s: join(s, "别人", [Role.REVIEWER], ref="another"))
    [edit] = waiting(desk, "private-reviewer")
    last = compose(desk, edit)
    assert last is not None
    assert DRAFT not in rendered(last.card).text


def test_who_comes_back_is_sent_his_card_again(desk: Desk) -> None:
    case_id = in_review(desk)
    deliver(desk)
    revoke(desk, "reviewer")
    deliver(desk)
    [ref] = desk.all(MessageRefRow, MessageRefRow.chat == "private-reviewer")
    assert ref.final
    code = desk.run(
        lambda s: people.invite(
            s, desk.ledger, name="孙初审", roles=[Role.REVIEWER], channels=[], by="x", now=desk.clock()
        )
    )
    account = people.Account("chat", "reviewer", "private-reviewer")
    _, waits = desk.run(
        lambda s: people.claim(s, desk.ledger, code=code, account=account, shown_name="孙", now=desk.clock())
    )
    assert waits is not None
    admin = desk.staff["admin"]
    desk.run(
        lambda s: people.settle(
            s, desk.ledger, invite_id=waits.id, admin=admin, accept=True, now=desk.clock()
        )
    )
    desk.clock.advance(MINUTE)
    assert desk.run(lambda s: missing_cards(s, desk.office, desk.clock())) == 1
    [card] = waiting(desk, "private-reviewer")
    shown = compose(desk, card)
    assert shown is not None
    assert DRAFT in rendered(shown.card).text
    deliver(desk)
    desk.act(case_id, Command.PASS)
    [edit] = waiting(desk, "private-reviewer")
    decided = compose(desk, edit)
    assert decided is not None
    assert decided.edit == (f"m{card.id}",)
