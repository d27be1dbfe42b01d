"""docs/workflow.md against the table that it is made from."""

import re
import runpy
from pathlib import Path

import pytest

from routing.office import Level
from routing.procedure import FULL, LIGHT, reachable, table
from routing.workflow import COMMAND_NAMES, STATE_NAMES

ROOT = Path(__file__).parent.parent
WRITTEN = (ROOT / "docs/workflow.md").read_text(encoding="utf-8")


def test_the_page_is_what_make_docs_writes() -> None:
    made = runpy.run_path(str(ROOT / "docs/make_workflow.py"))["page"]()
    assert made == WRITTEN, "run `make docs` and commit docs/workflow.md"


def reached(procedure):
    level = Level.I if procedure is FULL else Level.IV
    return {cell: move for cell, move in table(procedure, level).items() if cell[0] in reachable(procedure)}


def test_every_move_is_a_row_and_no_row_is_without_a_move() -> None:
    rows = {
        tuple(cell.strip() for cell in line.split("|")[1:4])
        for line in WRITTEN.splitlines()
        if line.startswith("| ") and "`" in line
    }
    assert rows == {
        (STATE_NAMES[state], f"{COMMAND_NAMES[command]} `{command.value}`", STATE_NAMES[move.to])
        for procedure in (LIGHT, FULL)
        for (state, command), move in reached(procedure).items()
    }


@pytest.mark.parametrize(("place", "procedure"), [(0, LIGHT), (1, FULL)], ids=["light", "full"])
def test_every_arrow_of_a_diagram_is_a_move_and_every_change_of_state_is_drawn(place, procedure) -> None:
    drawn = WRITTEN.split("```mermaid")[1 + place].split("```")[0]
    arrows = set(re.findall(r"^    (\w+) --> (\w+) :", drawn, re.MULTILINE))
    moves = {(s.value, m.to.value) for (s, _), m in reached(procedure).items() if s is not m.to}
    assert arrows <= moves
    # A further draft leads back to 待审核 from every state behind 办理中; the page says so instead of drawing it.
    assert {(state, to) for state, to in moves - arrows if to != "in_review"} == set()
