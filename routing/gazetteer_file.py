"""A list of places as other systems give it: names, kinds, towns, aliases -> the gazetteer. Reads no file.

A list of {name, kind, town, aliases, elsewhere}: the kind 本县 is the county itself, 邻县 a neighbour, any other a
place. What else an entry holds is not looked at.
"""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from routing.errors import ConfigError, Problem
from routing.places import Gazetteer, Place
from routing.toml_lines import Locator, problems_from_pydantic

_own: Final = ("本县", "本市", "本区", "本旗")
_next: Final = ("邻县", "邻市", "邻区", "邻旗")


class _Entry(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)

    name: Annotated[str, Field(min_length=2)]
    kind: str = ""
    town: str | None = None
    aliases: list[Annotated[str, Field(min_length=2)]] = []
    elsewhere: bool = False


_entries: Final = TypeAdapter(list[_Entry])


def gazetteer_from(rows: object, file: str = "gazetteer.json") -> Gazetteer:
    """Make the gazetteer of a list as JSON gives it. `file` is named in problems.

    Raises ConfigError with every entry that has not the shape, counted from 1, and where no county is named.
    """
    try:
        entries = _entries.validate_python(rows)
    except ValidationError as error:
        raise ConfigError(problems_from_pydantic(error, Locator({}), file, model=_Entry)) from error
    county = next((entry.name for entry in entries if entry.kind in _own), None)
    if county is None:
        cure = '请加一项本县，如 {"name": "某某县", "kind": "本县"}'
        raise ConfigError([Problem(file, None, "kind", "", "没有一项的 kind 是本县", cure)])
    return Gazetteer(
        [
            Place(entry.name, tuple(entry.aliases), entry.elsewhere, entry.town, kind=entry.kind)
            for entry in entries
            if entry.kind not in {*_own, *_next}
        ],
        county,
        [entry.name for entry in entries if entry.kind in _next],
        {entry.name: entry.aliases for entry in entries if entry.kind in {*_own, *_next}},
    )
