"""docs/workflow.md against the table that it is made from."""

import re
import runpy
from pathlib import Path

from routing.workflow import COMMAND_NAMES, STATE_NAMES, TABLE

ROOT = Path(__file__).parent.parent
WRITTEN = (ROOT / "docs/workflow.md").read_text(encoding="utf-8")


def test_the_page_is_what_make_docs_writes() -> None:
    made = runpy.run_path(str(ROOT / "docs/make_workflow.py"))["page"]()
    assert made == WRITTEN, "run `make docs` and commit docs/workflow.md"


def test_every_move_is_one_row_and_no_row_is_without_a_move() -> None:
    rows = {
        tuple(cell.strip() for cell in line.split("|")[1:4])
        for line in WRITTEN.splitlines()
        if line.startswith("| ") and "`" in line
    }
    assert rows == {
        (STATE_NAMES[state], f"{COMMAND_NAMES[command]} `{command.value}`", STATE_NAMES[move.to])
        for (state, command), move in TABLE.items()
    }


def test_every_arrow_of_the_diagram_is_a_move_and_every_change_of_state_is_drawn() -> None:
    arrows = set(re.findall(r"^    (\w+) --> (\w+) :", WRITTEN, re.MULTILINE))
    moves = {(state.value, move.to.value) for (state, _), move in TABLE.items() if state is not move.to}
    assert arrows <= moves
    # A further draft leads back to 待审核 from every state behind 办理中; the page says so instead of drawing it.
    assert {(state, to) for state, to in moves - arrows if to != "in_review"} == set()
