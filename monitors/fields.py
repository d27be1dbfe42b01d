"""Looking up the paths of a mapping (JMESPath) in what a platform answered, and wording where one leads nowhere. Pure."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import jmespath
import re2
from jmespath.exceptions import JMESPathError

from monitors.persons import names_person, placeholder
from monitors.sources import Mapped, Paths
from monitors.texts import clean


def first_of(paths: Paths, entry: Mapping[str, Any]) -> str:
    """Give the first value that says something, as text; empty where none does."""
    return next((value for path in paths if (value := as_text(look_up(path, entry)))), "")


def as_text(value: object) -> str:
    """Give a plain value as text; empty for a truth value, and for lists and objects: they may hold a person."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


@functools.lru_cache(maxsize=512)
def _compiled(path: str) -> Any:
    return jmespath.compile(path)


def look_up(path: str, document: object) -> Any:
    """Give what stands at the path; None where nothing does."""
    try:
        return _compiled(path).search(document)
    except (JMESPathError, RecursionError):  # a function met a value of another type: the field is not there
        return None


def break_of(path: str, document: object) -> tuple[object, bool]:
    """Follow a path of plain names to where it breaks: the object there, and whether a name is missing in it.

    (None, False): nothing is missing, the value itself is null. Of a path with more than names only the start is known.
    """
    place = document
    for name in path.split("."):
        if not isinstance(place, dict) or not name.isidentifier():
            return (document, True) if place is not None else (None, False)
        if name not in place:
            return place, True
        place = place[name]
    return None, False


def is_there(path: str, entry: Mapping[str, Any]) -> bool:
    """Tell whether the entry has the field, be it empty."""
    return look_up(path, entry) is not None or not break_of(path, entry)[1]


def mapping_cure(name: str, there: object) -> str:
    """Word what to do about a field of the mapping, with the fields that do stand `there`."""
    shown = _impersonal_names(there)
    return f"请核对 [source.mapping] 的 {name}" + (f"；那里有的字段：{'、'.join(shown)}" if shown else "")


_plain_name = re2.compile(
    r"[A-Za-z_][A-Za-z0-9_-]{0,39}|.{0,4}(?:编号|标题|主题|内容|正文|时间|日期|链接|网址|数|量)"
)


def _impersonal_names(there: object) -> list[str]:
    """Give up to eight field names: none that names a person, none that looks like a value."""
    # Cleaned, for RE2 refuses half a letter (a lone surrogate), which JSON may hold in a name too.
    names = [clean(str(name)[:80]) for name in there] if isinstance(there, dict) else []
    return [name for name in names if _plain_name.fullmatch(name) and not names_person(name)][:8]


def found_nothing(mapping: Mapped, entries: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Name the optional fields whose paths hold no plain value in any entry, a line (Chinese) each.

    A platform may leave out what nobody has yet, so this is a hint to who wrote the mapping, and no fault of the source.
    """
    wanted = [
        ("title", mapping.title),
        ("parent", mapping.parent),
        ("likes", mapping.likes),
        ("replies", mapping.replies),
        ("reposts", mapping.reposts),
        ("views", mapping.views),
        *(("url", (path,)) for path in _paths_of_link(mapping.url)),
    ]
    return tuple(
        f"{name} 的路径 {'、'.join(paths)} 在 {len(entries)} 条里都找不到；"
        + mapping_cure(name, break_of(paths[0], entries[0])[0])
        for name, paths in wanted
        if paths and entries and not any(is_plain(path, entry) for entry in entries for path in paths)
    )


def _paths_of_link(link: str | None) -> list[str]:
    if link is None:
        return []
    return placeholder.findall(link) if link.startswith(("http://", "https://")) else [link]


def is_plain(path: str, entry: Mapping[str, Any]) -> bool:
    """Tell whether the entry has the field, be it empty, and no list or object stands there."""
    value = look_up(path, entry)
    return is_there(path, entry) if value is None else not isinstance(value, dict | list)
