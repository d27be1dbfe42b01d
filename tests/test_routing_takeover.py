"""An edited office meets the database: what it clashes with, what follows it, and what the operator is told once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from builders import HOUR, Desk
from sqlalchemy.orm import Session

from bot.compose import Composer
from bot.render import duty_card
from routing import chats, deadlines, outbox, takeover
from routing.cases import Done
from routing.office import Level, Office, Procedure, Step
from routing.store.tables import DeadlineRow, MessageRefRow, OutboxRow, Sending
from routing.views import case_view
from routing.workflow import Command, State

OTHER = "西山小区今天又停水了，物业不管"


def deliver(desk: Desk) -> None:
    """Send what is due, as the sender would."""

    def work(session: Session) -> None:
        for message in outbox.due(session, desk.clock(), limit=1_000):
            claimed = outbox.claim(session, message.id, desk.clock())
            assert claimed is not None
            sent_as = None if claimed.kind == "edit" else f"m{claimed.id}"
            outbox.record_sent(session, claimed, chat=claimed.chat, sent_as=sent_as, now=desk.clock())

    desk.run(work)


def held(desk: Desk, *channels: str) -> Mapping[str, Sequence[str]]:
    return desk.run(lambda s: takeover.in_hand(s, channels))


def follow(desk: Desk, after: Office) -> None:
    desk.run(lambda s: takeover.follow(s, desk.office, after, desk.ledger, desk.clock()))


def running(desk: Desk) -> set[Step]:
    return {row.step for row in desk.all(DeadlineRow, DeadlineRow.ended_at.is_(None))}


def test_a_channel_has_in_hand_what_it_handles_or_is_asked_about_and_no_proposal(desk: Desk) -> None:
    dispatched, proposed = desk.at(State.TO_SIGN), desk.open(OTHER)
    number = desk.case(dispatched).number
    assert desk.case(proposed).channel == desk.case(dispatched).channel == "petition"
    copied = {"petition": [number], "network": [number]}  # the copy is still to be signed for
    assert held(desk, "petition", "network", "security") == copied
    assert held(desk) == {}
    desk.office = replace(desk.office, procedure=Procedure(consult=frozenset(Level)))
    desk.act(proposed, Command.CONVENE, units=("network", "security"))
    asked = desk.case(proposed).number
    assert held(desk, "network", "security") == {"network": [number, asked], "security": [asked]}
    assert isinstance(desk.act(proposed, Command.OPINE, "other_contact", stance="agree"), Done)
    assert isinstance(desk.act(dispatched, Command.SIGN_COPY, "other_contact"), Done)
    assert held(desk, "network", "security") == {"security": [asked]}


def test_a_closed_matter_of_a_channel_that_is_gone_is_sent_on_when_it_is_reopened(desk: Desk) -> None:
    case_id = desk.at(State.CLOSED)
    assert held(desk, "petition") == {}
    channels = {key: one for key, one in desk.office.channels.items() if key != "petition"}
    follow(desk, replace(desk.office, channels=channels))
    desk.office = replace(desk.office, channels=channels)
    assert isinstance(desk.act(case_id, Command.REOPEN, "leader", reason="群众再次反映"), Done)
    view = desk.run(lambda s: case_view(s, case_id))
    assert view is not None
    assert "改派…" in {button.text for row in duty_card(view, desk.office, {}).buttons for button in row}
    assert isinstance(desk.act(case_id, Command.DISPATCH, channel="network"), Done)
    assert desk.case(case_id).state is State.TO_SIGN


def test_reports_that_nobody_could_make_any_more_are_owed_no_more(desk: Desk) -> None:
    light = desk.office
    desk.office = replace(light, procedure=Procedure(report=frozenset(Level)))
    desk.open()
    assert Step.REPORT in running(desk)
    before = {row.id: row.due_at for row in desk.all(DeadlineRow)}
    limits = {**light.limits, Step.DISPATCH: light.limits[Step.CLOSE]}
    follow(desk, replace(light, limits=limits))
    assert running(desk) == {Step.DISPATCH, Step.RESPOND}
    assert {row.id: row.due_at for row in desk.all(DeadlineRow)} == before  # limits that run keep their end


def test_what_waits_for_a_group_and_its_cards_follow_the_group_that_takes_its_place(desk: Desk) -> None:
    case_id = desk.at(State.TO_SIGN)
    deliver(desk)
    desk.clock.advance(HOUR + timedelta(minutes=1))
    desk.run(lambda s: deadlines.tick(s, desk.office, desk.ledger, desk.clock()))
    petition = replace(desk.office.channels["petition"], chat="new-group")
    after = replace(desk.office, channels={**desk.office.channels, "petition": petition})
    follow(desk, after)
    follow(desk, after)
    pending = desk.all(OutboxRow, OutboxRow.state == Sending.PENDING, OutboxRow.case_id == case_id)
    assert {(row.kind, row.chat) for row in pending if row.chat != "duty-group"} == {
        ("text", "new-group"),
        ("card", "new-group"),
        ("edit", "group-petition"),
        ("edit", "group-network"),  # its copy, brought up to date as ever
    }
    [edit] = [row for row in pending if (row.kind, row.chat) == ("edit", "group-petition")]
    composer = Composer(after, {})

    def shown(session: Session) -> tuple[str, bool]:
        message = next(m for m in outbox.due(session, desk.clock()) if m.id == edit.id)
        outgoing = composer.compose(session, message, desk.clock())
        assert outgoing is not None
        assert not outgoing.card.buttons
        return "".join(block.text for block in outgoing.card.blocks), outgoing.is_final

    text, is_final = desk.run(shown)
    assert "本卡片失效" in text
    assert "停水" not in text
    assert is_final
    assert len(desk.all(MessageRefRow, MessageRefRow.chat == "group-petition")) == 1


def test_an_edit_is_told_once_and_a_refused_one_is_known_until_it_is_mended(desk: Desk) -> None:
    def tell(edit: str, *, refused: bool = False) -> bool:
        return desk.run(lambda s: takeover.tell(s, desk.office, edit, "某事", desk.clock(), refused=refused))

    assert desk.run(takeover.refused_at) is None
    assert [tell("1"), tell("1"), tell("2", refused=True), tell("2", refused=True)] == [
        True,
        False,
        True,
        False,
    ]
    assert desk.run(takeover.refused_at) == desk.clock()
    desk.run(
        lambda s: takeover.start(s, desk.office, desk.ledger, desk.clock())
    )  # it reads the files as they are
    assert desk.run(takeover.refused_at) is None
    assert len(desk.all(OutboxRow)) == 3
    desk.run(lambda s: takeover.start(s, desk.office, desk.ledger, desk.clock()))
    assert len(desk.all(OutboxRow)) == 3
    assert tell("3", refused=True)
    assert tell("3")  # what another process refused, this one takes over
    assert desk.run(takeover.refused_at) is None
    assert [tell("1"), tell("3"), tell("3")] == [True, True, False]  # two folders that are linked in turns


def test_a_group_that_moved_and_is_named_by_its_new_id_is_the_same_group(desk: Desk) -> None:
    case_id = desk.at(State.TO_SIGN)
    deliver(desk)
    desk.run(lambda s: chats.moved(s, "duty-group", "-1001"))
    deliver(desk)
    stand = {"case_id": case_id, "card": "duty", "draft_version": 0, "now": desk.clock()}
    desk.run(lambda s: outbox.remember_card(s, chat="duty-group", message="7", **stand))
    after = replace(desk.office, duty_chat="-1001")
    queued = len(desk.all(OutboxRow))
    follow(desk, after)
    assert desk.run(lambda s: outbox.card_at(s, "-1001", "7")) is not None
    assert len(desk.all(OutboxRow)) == queued  # nothing is closed there, nothing is sent again
    for office, chat in (
        (desk.office, "duty-group"),
        (after, "-1001"),
    ):  # put back, and edited while it was stopped
        desk.run(lambda s, office=office: takeover.start(s, office, desk.ledger, desk.clock()))
        assert {row.chat for row in desk.all(MessageRefRow, MessageRefRow.card == "duty")} == {chat}
