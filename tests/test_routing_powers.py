"""What the help says that a role may order: everything the table knows, once, where he can do it."""

import pytest

from routing.office import Level, Procedure, Role
from routing.powers import powers
from routing.procedure import FULL, LIGHT, reachable, table
from routing.workflow import Command, Where


@pytest.mark.parametrize("procedure", [LIGHT, FULL], ids=["light", "full"])
@pytest.mark.parametrize("role", Role)
def test_a_role_is_told_each_of_its_commands_once_and_no_other(role, procedure):
    told = [command for known in powers({role}, procedure).values() for command in known]
    moves = [cell for level in Level for cell in table(procedure, level).items()]
    assert len(told) == len(set(told))
    assert set(told) == {c for (s, c), m in moves if role in m.roles and s in reachable(procedure)}


def test_what_only_grave_matters_know_names_their_levels():
    known = powers({Role.DUTY}, FULL)[Where.DUTY]
    assert known[Command.PHONE] == {Level.I, Level.II}
    assert known[Command.REPORT] == frozenset(Level)
    assert Command.REPORT not in powers({Role.DUTY}, LIGHT)[Where.DUTY]


def test_a_leader_is_told_of_his_private_chat_and_a_duty_officer_of_the_group():
    some = Procedure(consult=frozenset(Level))
    assert Command.CONVENE in powers({Role.LEADER}, some)[Where.PRIVATE]
    assert Command.CONVENE in powers({Role.DUTY, Role.LEADER}, some)[Where.DUTY]
