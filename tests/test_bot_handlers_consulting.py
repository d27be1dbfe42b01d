"""A consultation (会商) at the counter: every unit that is asked has a card, and an opinion is filed for the right one."""

from builders import join
from test_bot_handlers_review import happen, press, switch, write

from routing.office import Level, Role
from routing.store.tables import OutboxRow, PaperRow
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
