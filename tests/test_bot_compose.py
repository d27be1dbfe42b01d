"""Rows of the outbox as they are sent: a draft only to who may still read it."""

from dataclasses import replace

from builders import MINUTE, Desk, item, join

from bot import menus
from bot.chat import Button, MessageRef
from bot.compose import Composer, Outgoing
from bot.handlers.desk import Menu
from bot.openmenus import OPEN_FOR
from bot.telegram.markup import rendered
from routing import outbox, people
from routing.office import Role
from routing.reconcile import missing_cards
from routing.store.tables import MessageRefRow, OutboxRow, Sending
from routing.views import case_view
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


# --- a menu under a finger ----------------------------------------------------------------------------------------


def menu_of(desk: Desk, case_id: int, message: str) -> Menu:
    view = desk.run(lambda s: case_view(s, case_id))
    buttons = menus.menu_buttons(view, desk.office, menus.LEVEL)
    return Menu(MessageRef("duty-group", message), case_id, view.version, buttons)


def test_a_menu_stays_open_while_texts_come_and_closes_when_the_matter_moves(desk: Desk) -> None:
    case_id = desk.open()
    deliver(desk)
    [ref] = desk.all(MessageRefRow, MessageRefRow.chat == "duty-group")
    composer = Composer(desk.office, {})
    menu = menu_of(desk, case_id, ref.message)
    opened = desk.run(lambda s: composer.open_menu(s, menu, desk.clock()))
    assert opened is not None

    def edited() -> tuple[tuple[Button, ...], ...]:
        [row] = [row for row in waiting(desk, "duty-group") if row.kind == "edit"]
        outgoing = desk.run(lambda s: composer.compose(s, outbox._message(row), desk.clock()))
        assert outgoing is not None
        return outgoing.card.buttons

    desk.accept(item("东湖小区今天又停水了，物业不管，第三天了"))
    assert edited() == menu.buttons
    desk.clock.advance(OPEN_FOR)
    assert edited() != menu.buttons  # forgotten: the card's own buttons come back
    desk.run(lambda s: composer.open_menu(s, menu, desk.clock()))
    assert edited() == menu.buttons
    desk.act(case_id, Command.WATCH)
    assert edited() != menu.buttons
    assert desk.run(lambda s: composer.open_menu(s, menu, desk.clock())) is None


def test_who_goes_back_from_a_menu_has_closed_it(desk: Desk) -> None:
    case_id = desk.open()
    composer = Composer(desk.office, {})
    menu = menu_of(desk, case_id, "1")
    view = desk.run(lambda s: case_view(s, case_id))
    desk.run(lambda s: composer.open_menu(s, menu, desk.clock()))
    assert composer._menus.at(menu.ref, view.version, desk.clock()) == menu
    back = replace(menu, buttons=menus.menu_buttons(view, desk.office, menus.BACK))
    desk.run(lambda s: composer.open_menu(s, back, desk.clock()))
    assert composer._menus.at(menu.ref, view.version, desk.clock()) is None
