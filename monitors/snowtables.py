"""The counts of snownlp's segmenter as one sorted table on disk, mapped into memory instead of loaded.

snownlp itself keeps 1.3 million counts in dictionaries of tuples: 2 s and 400 MB to load, for each process. The table
is written once, by a process of its own, from the model file of the installed snownlp, and holds the same integers.
"""

import gzip
import importlib.metadata
import importlib.util
import json
import marshal
import mmap
import os
import subprocess
import sys
import tempfile
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

TAGS = "bmes"
"""Place of a character in its word: begin, middle, end, single. The original tries them in this order."""
_FORM = 1
_BEGIN = "BOS"


@dataclass(frozen=True, slots=True)
class Tables:
    """Counts of one, two and three characters in a row, each with its tags.

    `unigrams`: four counts a character. A key of `pairs` is character · character · two tags; of `triples` three
    characters and three tags; two bits a tag, fourteen a character. The begin of a run is character 0 with tag 0.
    `weights` are those of one, two and three characters, `total` is that of the single counts.
    """

    weights: tuple[float, float, float]
    total: float
    characters: Mapping[str, int]
    unigrams: Sequence[int]
    pairs: Sequence[int]
    pair_counts: Sequence[int]
    triples: Sequence[int]
    triple_counts: Sequence[int]

    def pair(self, first: int, second: int) -> Iterator[tuple[int, int, int]]:
        """Give (tag, tag, count) of two characters in a row."""
        start = (first << 14 | second) << 4
        at = bisect_left(self.pairs, start)
        while at < len(self.pairs) and self.pairs[at] >> 4 == start >> 4:
            tags = self.pairs[at] & 15
            yield tags >> 2, tags & 3, self.pair_counts[at]
            at += 1

    def triple(self, first: int, second: int, third: int) -> Iterator[tuple[int, int, int, int]]:
        """Give (tag, tag, tag, count) of three characters in a row."""
        start = ((first << 14 | second) << 14 | third) << 6
        at = bisect_left(self.triples, start)
        while at < len(self.triples) and self.triples[at] >> 6 == start >> 6:
            tags = self.triples[at] & 63
            yield tags >> 4, tags >> 2 & 3, tags & 3, self.triple_counts[at]
            at += 1


class Package:
    """The files of the installed snownlp, found without importing it: its import loads everything."""

    def __init__(self) -> None:
        spec = importlib.util.find_spec("snownlp")
        if spec is None or not spec.submodule_search_locations:
            raise ImportError("snownlp is not installed")
        self._folder = Path(spec.submodule_search_locations[0])
        self.version = importlib.metadata.version("snownlp")

    def model(self, name: str) -> dict[str, Any]:
        """Read a model file of the package (`marshal`: only ever those of the installed package)."""
        with gzip.open(self._folder / name) as file:
            read: dict[str, Any] = marshal.loads(file.read())  # noqa: S302 (pinned by hash in the lock file)
        return read

    @cached_property
    def stop_words(self) -> frozenset[str]:
        """Give the words that the package leaves out."""
        text = (self._folder / "normal" / "stopwords.txt").read_text(encoding="utf-8")
        return frozenset(line.strip() for line in text.split("\n"))


def open_tables(folder: Path | None = None) -> Tables:
    """Map the table of the installed snownlp; writes it first where it is missing (about five seconds, once).

    `folder` None: the user's cache, or a temporary folder where that cannot be written.
    """
    package = Package()
    name = f"snownlp-{package.version}-{_FORM}.tables"
    for place in (folder,) if folder else (_cache(), Path(tempfile.gettempdir()) / f"yuqing-{os.getuid()}"):
        path = place / name
        try:
            if not _is_whole(path):
                place.mkdir(mode=0o700, parents=True, exist_ok=True)
                # Another process: the memory that the original's dictionaries take is given back with it.
                subprocess.run(  # noqa: S603 (our own module, our own path)
                    [sys.executable, "-m", "monitors.snowtables", str(path)], check=True, capture_output=True
                )
            return _map(path)
        except (OSError, subprocess.CalledProcessError, ValueError, KeyError):
            continue
    with tempfile.TemporaryDirectory() as last:
        write_tables(Path(last) / name)
        return _map(Path(last) / name)


def _cache() -> Path:
    return Path.home() / ".cache" / "yuqing"


def write_tables(path: Path) -> None:
    """Write the table of the installed snownlp; appears whole or not at all."""
    model = Package().model("seg/seg.marshal.3")
    unigrams, pairs, triples = (model[name]["d"] for name in ("uni", "bi", "tri"))
    characters = {letter: n for n, letter in enumerate(sorted({letter for letter, _ in unigrams}))}
    assert characters[""] == 0, "the begin of a run has the empty letter"
    singles = array("Q", [0] * 4 * len(characters))
    for (letter, tag), count in unigrams.items():
        singles[characters[letter] * 4 + _tag(tag)] = count
    two = sorted((_key(characters, key), count) for key, count in pairs.items())
    three = sorted((_key(characters, key), count) for key, count in triples.items())
    columns = [
        singles,
        array("Q", [key for key, _ in two]),
        array("Q", [count for _, count in two]),
        array("Q", [key for key, _ in three]),
        array("Q", [count for _, count in three]),
    ]
    head = {
        "weights": [model["l1"], model["l2"], model["l3"]],
        "total": model["uni"]["total"],
        "characters": "".join(characters),
        "lengths": [len(column) for column in columns],
    }
    written = json.dumps(head).encode()
    written += b" " * (-len(written) % 8)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(len(written).to_bytes(8, "little") + written)
        for column in columns:
            column.tofile(file)
    Path(file.name).replace(path)


def _key(characters: Mapping[str, int], places: Sequence[tuple[str, str]]) -> int:
    letters = tags = 0
    for letter, tag in places:
        letters = letters << 14 | characters[letter]
        tags = tags << 2 | _tag(tag)
    return letters << 2 * len(places) | tags


def _tag(tag: str) -> int:
    return 0 if tag == _BEGIN else TAGS.index(tag)


def _is_whole(path: Path) -> bool:
    try:
        _map(path)
    except (OSError, ValueError, KeyError):
        return False
    return True


def _map(path: Path) -> Tables:
    with path.open("rb") as file:
        whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    size = int.from_bytes(whole[:8], "little")
    head = json.loads(bytes(whole[8 : 8 + size]))
    numbers = whole[8 + size :].cast("Q")
    columns = []
    start = 0
    for length in head["lengths"]:
        columns.append(numbers[start : start + length])
        start += length
    if start != len(numbers):
        raise ValueError(f"{path} is not whole")
    characters = {letter: n for n, letter in enumerate(["", *head["characters"]])}
    return Tables(tuple(head["weights"]), head["total"], characters, columns[0].tolist(), *columns[1:])


if __name__ == "__main__":
    write_tables(Path(sys.argv[1]))
