"""What a person's roles let him order on cards, read off the table of the procedure. Pure."""

from collections.abc import Mapping, Set

from routing.office import Level, Procedure, Role
from routing.procedure import reachable, table
from routing.workflow import Command, Where

_IN_DUTY_GROUP = frozenset({Role.DUTY, Role.OFFICE})


def powers(roles: Set[Role], procedure: Procedure) -> Mapping[Where, Mapping[Command, frozenset[Level]]]:
    """Name what any of the roles may order in this office: by place, and at which levels; in the order of `Command`.

    What may be ordered in several places is named once: for a leader in his private chat.
    """
    places = (Where.DUTY, Where.CHANNEL, Where.PRIVATE)
    if not roles & _IN_DUTY_GROUP:
        places = places[1:] + places[:1] if Role.CONTACT in roles else places[::-1]
    here = reachable(procedure)
    levels: dict[tuple[Where, Command], set[Level]] = {}
    for level in Level:
        for (state, command), move in table(procedure, level).items():
            place = next((place for place in places if place in move.where), None)
            if state in here and place is not None and move.roles & roles:
                levels.setdefault((place, command), set()).add(level)
    return {
        place: {c: frozenset(levels[place, c]) for c in Command if (place, c) in levels}
        for place in places
        if any(known is place for known, _ in levels)
    }
