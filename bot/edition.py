"""What is made of one configuration, as one value: who works by it asks for it once a use case, and never holds a part.

A configuration that is taken over while the service runs is made into an edition beside the old one; then one
reference changes, on the writer thread, where no transaction is under way. So nobody works by half of either.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.chat import MessageRef
from bot.compose import Composer
from bot.config import Configuration
from bot.door import Terms
from bot.handlers.desk import Desk, Reception
from bot.openmenus import OpenMenus
from bot.words import for_chat, words
from routing.judging import Judge
from routing.ledger import Ledger
from routing.office import Office
from routing.opinions import Opinions
from routing.textscan import Personal


@dataclass(frozen=True, slots=True)
class Edition:
    """A configuration and all that is made of it. `tags`: of each source, by its id."""

    configuration: Configuration
    terms: Terms
    composer: Composer
    desk: Desk
    tags: Mapping[str, tuple[str, ...]]

    @property
    def office(self) -> Office:
        """The office of this configuration."""
        return self.configuration.office


@dataclass(frozen=True, slots=True)
class House:
    """What stays whatever is configured, and makes editions.

    `link_to` knows the address of a message, `mask` hides personal data and names its kinds, `personal` only names them.
    """

    ledger: Ledger
    platform: str
    link_to: Callable[[MessageRef], str]
    mask: Callable[[str], tuple[str, tuple[str, ...]]]
    personal: Personal
    menus: OpenMenus = field(default_factory=OpenMenus)

    def edition(self, configuration: Configuration, opinions: Opinions) -> Edition:
        """Make an edition. Compiles the rules, so it is no work for the event loop; changes nothing."""
        office, told = configuration.office, for_chat(words(configuration))
        names = {source.id: source.name for source in configuration.sources}
        terms = Terms(office, Judge(configuration.rules, opinions))
        reception = Reception(self.mask, lambda: terms.judge)
        return Edition(
            configuration,
            terms,
            Composer(office, names, told, self.personal, self.link_to, self.menus),
            Desk(office, self.ledger, self.platform, names, reception, self.personal),
            {source.id: source.tags for source in configuration.sources},
        )
