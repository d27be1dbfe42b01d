"""A row that asked for a list -> a page of it as things stand now. Reads the database, sends nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot import pages
from bot.chat import Block, Card
from bot.names import LEVEL_NAMES, local
from bot.pages import CASES_AT_ONCE, Leaf
from routing import legacy, people, search, waiting, why
from routing.office import Level, Office
from routing.unit import Unit
from routing.views import Wanted, case_view, open_page
from routing.why import Words

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listings:
    """Composes the lists of one office; `told` names codes for `/why`."""

    office: Office
    told: Words

    def page(self, session: Unit, facts: Facts, leaf: Leaf) -> Card:
        """Compose a page of the list that a row asked for."""
        return LISTINGS[str(facts["template"])](self, session, facts, leaf)

    def open_cases(self, session: Unit, facts: Facts, leaf: Leaf) -> Card:
        """Compose the open cases that a reader may see, narrowed as he wished."""
        levels, only = facts.get("levels"), facts.get("only")
        until = datetime.fromisoformat(str(facts["until"])) if facts.get("until") else None
        due_before = leaf.now if facts.get("overdue") else until
        wanted = Wanted(facts.get("channels"), only, levels and [Level(n) for n in levels], due_before)
        views, total = open_page(session, wanted, page=leaf.page, size=CASES_AT_ONCE)
        narrowed = [LEVEL_NAMES[Level(n)].split()[0] for n in levels or ()]
        narrowed += [self.office.channels[key].name for key in only or () if key in self.office.channels]
        narrowed += ["超期"] if facts.get("overdue") else []
        narrowed += [f"{local(until, self.office)} 前到期"] if until and not facts.get("overdue") else []
        return pages.open_list(views, total, self.office, leaf, "、".join(narrowed))

    def mine(self, session: Unit, facts: Facts, leaf: Leaf) -> Card:
        """Compose what waits for a person."""
        actor = people.actor_by_id(session, int(facts["person"]), at=leaf.now)
        if actor is None:
            return Card((Block("您的权限已撤销。"),))
        found, total = waiting.waiting(session, actor, leaf.now, page=leaf.page, size=CASES_AT_ONCE)
        return pages.mine_list(found, total, self.office, leaf)

    def found(self, session: Unit, facts: Facts, leaf: Leaf) -> Card:
        """Compose the cases that hold the words."""
        hits, more = search.find(
            session,
            facts["words"],
            channels=facts.get("channels"),
            with_drafts=bool(facts.get("drafts")),
            page=leaf.page,
            size=CASES_AT_ONCE,
        )
        return pages.found_list(hits, more, facts.get("typed") or " ".join(facts["words"]), leaf)

    def why(self, session: Unit, facts: Facts, leaf: Leaf) -> Card:
        """Compose the steps of an item or a case."""
        key = str(facts["key"])
        return pages.why_list(key, why.explain(session, key, self.told), self.told, leaf)

    def taken_over(self, session: Unit, facts: Facts, leaf: Leaf) -> Card:
        """Compose what is still open of an import, for the duty group or for one unit."""
        found = legacy.still_open(
            session, int(facts["batch"]), facts["channels"], leaf.now, page=leaf.page, size=CASES_AT_ONCE
        )
        views = [view for case_id in found.ids if (view := case_view(session, case_id)) is not None]
        return pages.taken_over_list(views, found.total, facts, self.office, leaf)


LISTINGS: Mapping[str, Callable[[Listings, Unit, Facts, Leaf], Card]] = {
    "open_list": Listings.open_cases,
    "mine": Listings.mine,
    "find": Listings.found,
    "why": Listings.why,
    legacy.TEMPLATE: Listings.taken_over,
}
