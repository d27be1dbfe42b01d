"""A consultation (会商) at the counter: every unit that is asked has a card, and an opinion is filed for the right one."""

from builders import join
from test_bot_handlers_review import happen, press, shown, switch, write

from bot.render import duty_card
from routing.office import Level, Role
from routing.outbox import MessageKind
from routing.store.tables import OutboxRow, PaperRow
from routing.views import case_view
from routing.workflow import Command, State

__all__ = ["happen"]  # a fixture


def consulting(desk):
    switch(desk, consult=frozenset(Level))
    case_id = desk.open()
    desk.act(case_id, Command.CONVENE, units=("network", "petition"))
    assert desk.case(case_id).state is State.CONSULTING
    return case_id


def test_the_proposed_channel_is_asked_by_a_card_like_the_others(desk):
    case_id = consulting(desk)
    assert desk.case(case_id).channel == "petition"
    asked = {row.chat for row in desk.all(OutboxRow) if row.payload.get("card") == "unit"}
    assert asked == {desk.office.channels[key].chat for key in ("network", "petition")}


def test_who_speaks_for_two_units_speaks_for_the_one_in_whose_group_he_pressed(desk, happen):
    case_id = consulting(desk)
    desk.run(lambda s: join(s, "孙兼职", (Role.CONTACT,), ("network", "petition"), ref="both"))
    press(desk, happen, case_id, "both", Command.OPINE, "differ", chat=desk.office.channels["petition"].chat)
    write(desk, happen, "both", "宜先核实")
    said = {p.channel: p.stance for p in desk.all(PaperRow, PaperRow.kind == Command.CONVENE)}
    assert said["petition"] == "differ"
    assert not said["network"]


def test_who_concludes_reads_in_private_what_each_unit_said_and_is_who_is_reminded(desk, happen):
    case_id = consulting(desk)
    for who, unit, stance, text in (
        ("contact", "petition", "differ", "现场无此事，宜先核实"),
        ("other_contact", "network", "agree", "转发已近千"),
    ):
        press(desk, happen, case_id, who, Command.OPINE, stance, chat=desk.office.channels[unit].chat)
        write(desk, happen, who, text)
    press(desk, happen, case_id, "duty", Command.CONCLUDE, chat=desk.office.duty_chat)
    asked = shown(desk, "private-duty", MessageKind.ASK)
    assert "有不同意见。现场无此事，宜先核实" in asked
    assert "同意。转发已近千" in asked
    view = desk.run(lambda s: case_view(s, case_id))
    text = "\n".join(block.text for block in duty_card(view, desk.office, {}).blocks)
    assert "现场无此事" not in text
    assert "值班员（提醒会商）" in text
