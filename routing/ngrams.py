"""Texts to probabilities by the characters in them: a linear model over runs of one to three. Pure; learns elsewhere.

Reads a text as people do: links, @names and the marks of #topics# are gone, the rest is in `normal` form. What counts
is which runs are there, not how often, and a long text weighs no more than a short one. Fitting: `routing.ngrams_fit`.
"""

import gzip
import hashlib
import json
import math
import re
import zlib
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import repeat
from operator import add
from typing import Any

from routing.errors import ConfigError, Problem
from routing.normal import normal

FORMAT = 1
most_letters = 5000
most_grams = 100_000
_magic = b"yuqing-ngrams "
_most_bytes = 64 * 1024**2
_noise = re.compile(r"https?://[!-~]+|[@＠][\w\-]{1,30}|[#＃]")
_control = re.compile(r"[\x00-\x1f]")
_between = "\u303e"
"""Stands between texts that are cleaned as one: it combines with nothing, folds to itself and is in no link and no name."""
_extra_mark = "\x01"
"""Begins a feature that the caller gave: `normal` leaves no control character, so no run of a text looks like one."""


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled text. `extra`: features that are no text, such as `src=board`; `weight`: as if it stood there so often."""

    text: str
    label: str
    weight: float = 1.0
    extra: tuple[str, ...] = ()


def clean(text: str) -> str:
    """Give what of the text is read: at most 5,000 letters, no links, @names, # marks, in `normal` form."""
    return normal(_noise.sub(" ", text[:most_letters]))


def clean_each(texts: Sequence[str]) -> list[str]:
    """Do the same for short texts, at about the cost of one."""
    whole = _between.join(texts)
    if len(whole) > most_letters or whole.count(_between) >= len(texts):
        return list(map(clean, texts))
    return [text.strip() for text in clean(whole).split(_between)]


def features(text: str, extra: Iterable[str] = ()) -> set[str]:
    """Give the runs of one to three characters of a cleaned text, and the features that are no text."""
    pairs = list(map(add, text, text[1:]))
    found = set(text)
    found.update(pairs)
    found.update(map(add, pairs, text[2:]))
    found.update(map(_named, extra))
    return found


@lru_cache(maxsize=64)
def _features_of(text: str, extra: tuple[str, ...]) -> Collection[str]:
    """Give the features of a text; who asks how it was judged also asks why."""
    return features(clean(text), extra)


_tells_nothing = frozenset("的我你他她它您们这那哪此是也就吗呢吧啊呀嘛么与和或及之其给者")
_begins_no_word = frozenset("了着过个里去都月")
_ends_no_word = frozenset("一二两三四五六七八九十在从把被很")
"""A run is cut anywhere in a sentence. One that holds, begins or ends so is mostly a piece of two words (了四, 妈的 of
大妈的), and a reader would take the machine for a fool."""
_longest_word = 3


def telling(strong: Iterable[str], text: str, most: int) -> tuple[str, ...]:
    """Give the first few runs as people read them, none inside one that is given already; empty where none is a word.

    Two that overlap in the text are given as one, 没人 and 人管 as 没人管, and what would grow too long by that is left out.
    What the caller gave is given as it is.
    """
    chosen: list[str] = []
    for gram in strong:
        shown = gram.removeprefix(_extra_mark)
        if gram == shown:
            if not _is_word(gram) or any(gram in other for other in chosen):
                continue
            piece = next(
                ((at, run) for at, other in enumerate(chosen) for run in _joined(other, gram, text)), None
            )
            if piece is not None:
                at, run = piece
                chosen[at] = run if len(run) <= _longest_word else chosen[at]
                continue
        if len(chosen) == most:
            break
        if shown.strip() and shown not in chosen:
            chosen.append(shown)
    return tuple(dict.fromkeys(chosen))


def _is_word(gram: str) -> bool:
    return (
        len(gram) > 1
        and gram.isalnum()
        and gram[0] not in _begins_no_word
        and gram[-1] not in _ends_no_word
        and _tells_nothing.isdisjoint(gram)
    )


def _joined(one: str, other: str, text: str) -> Iterator[str]:
    """Give what two runs that overlap are pieces of, where it stands in the text."""
    for before, behind in ((one, other), (other, one)):
        for shared in range(min(len(before), len(behind)), 0, -1):
            whole = before + behind[shared:]
            if before.endswith(behind[:shared]) and whole in text:
                yield whole


def _named(name: str) -> str:
    return _extra_mark + _control.sub(" ", name)


class Model:
    """Weights of runs for each class: of two classes one column (the second against the first), of more one each.

    `weights` holds one whole number a run and column, `scale` what one of them is worth in the logit. Whole numbers,
    for their sum is the same in whatever order a set gives them. Not changed once made; safe to share.
    """

    def __init__(
        self,
        name: str,
        classes: Sequence[str],
        grams: Sequence[str],
        weights: Sequence[Sequence[int]],
        biases: Sequence[float],
        scale: float,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.classes = tuple(classes)
        self.biases = tuple(biases)
        self.scale = scale
        self.about = dict(about or {})
        self._places = {gram: place for place, gram in enumerate(grams)}
        self._columns = [array("h", column) for column in weights]
        # There are but a few: where a text stood.
        self._weights_of_extra = lru_cache(maxsize=64)(self._weights_of)
        if any(len(column) != len(self._places) for column in self._columns):
            raise ValueError("a weight a run and column, and no run twice")
        self.version = hashlib.sha256(self._content()).hexdigest()[:12]

    def __len__(self) -> int:
        return len(self._places)

    @property
    def grams(self) -> Collection[str]:
        """The runs that it knows."""
        return self._places.keys()

    @property
    def weights(self) -> Sequence["array[int]"]:
        """A column of weights a class (of two classes one), in the order of `grams`."""
        return self._columns

    @cached_property
    def _summands(self) -> Mapping[str, int]:
        """Of two classes the weights themselves; of more all weights of a run side by side in one whole number, so that
        adding up a text is one addition a run, not one a run and class (22 classes: 20 times faster).

        Made where it is asked for: a model that is read by a table needs none.
        """
        columns = self._columns
        return dict(zip(self._places, columns[0] if len(columns) == 1 else _packed(columns), strict=True))

    def _weights_of(self, extra: str) -> tuple[int, ...]:
        place = self._places.get(_named(extra))
        return tuple([0 if place is None else column[place] for column in self._columns])

    def scores(self, text: str, extra: Iterable[str] = ()) -> Mapping[str, float]:
        """Give the probability of each class; they add up to one. Never raises on a str."""
        return self.scores_of(features(clean(text), extra))

    def scores_of(self, found: Collection[str]) -> Mapping[str, float]:
        """Do the same for what `features` gave."""
        return self._shares(self._logits(found))

    def scores_from(self, sums: Sequence[int], runs: int, extra: Sequence[str] = ()) -> Mapping[str, float]:
        """Do the same for sums that somebody else has made: of the weights of a text's runs, a sum a column, `runs` of
        them in all.
        """
        whole = sums
        for name in extra:
            whole = list(map(add, whole, self._weights_of_extra(name)))
        return self._shares(self.weighed(whole, runs + len(extra)))

    def _shares(self, logits: Sequence[float]) -> Mapping[str, float]:
        if len(self.classes) == 2:
            second = sigmoid(logits[0])
            no, yes = self.classes
            return {no: 1 - second, yes: second}
        shares = [sigmoid(logit) for logit in logits]
        whole = math.fsum(shares) or 1.0
        return {label: share / whole for label, share in zip(self.classes, shares, strict=True)}

    def logits(self, text: str, extra: Iterable[str] = ()) -> tuple[float, ...]:
        """Give the log-odds: of two classes those of the second, of more those of each against the rest."""
        return self._logits(_features_of(text, tuple(extra)))

    def _logits(self, found: Collection[str]) -> tuple[float, ...]:
        whole = sum(map(self._summands.get, found, repeat(0)))
        if len(self._columns) == 1:
            return self.weighed((whole,), len(found))
        known = sum(map(self._summands.__contains__, found))
        return self.weighed(_unpacked_sums(whole, known, len(self._columns)), len(found))

    def weighed(self, sums: Sequence[int], runs: int) -> tuple[float, ...]:
        """Give the logits for sums of weights over so many runs, a sum a column."""
        worth = self.scale / math.sqrt(runs or 1)
        return tuple([bias + worth * total for bias, total in zip(self.biases, sums, strict=True)])

    def column_of(self, label: str) -> tuple[int, int]:
        """Give the column of a class, and 1 where its weights speak for the class, -1 where against."""
        place = self.classes.index(label)
        if len(self.classes) == 2:
            return 0, 1 if place else -1
        return place, 1

    def evidence(self, text: str, label: str, extra: Iterable[str] = (), *, most: int = 3) -> tuple[str, ...]:
        """Give the runs of the text that speak most for the class, strongest first; none inside a stronger one."""
        at, sign = self.column_of(label)
        column = self._columns[at]
        found = _features_of(text, tuple(extra))
        known = ((self._places[gram], gram) for gram in found if gram in self._places)
        strong = sorted((-sign * column[spot], gram) for spot, gram in known if sign * column[spot] > 0)
        return telling((gram for _, gram in strong), clean(text), most)

    def dump(self) -> bytes:
        """Write the model for `load`: a compact file, the same bytes for the same model."""
        return gzip.compress(self._content(), 9, mtime=0)

    def _content(self) -> bytes:
        grams = list(self._places)
        letters = "\x00".join(grams).encode("utf-8", "surrogatepass")
        numbers = b"".join(map(_little_endian, self._columns))
        head = {
            "name": self.name,
            "classes": self.classes,
            "grams": len(grams),
            "letters": len(letters),
            "biases": self.biases,
            "scale": self.scale,
            "about": self.about,
        }
        written = json.dumps(head, ensure_ascii=True, sort_keys=True).encode()
        return _magic + b"%d\n" % FORMAT + written + b"\n" + letters + numbers


_lane, _zero = 32, 1 << 15
"""Bits for each class in a packed number, and what is added to each weight there, for lanes hold no negative numbers."""


def _packed(weights: Sequence[Sequence[int]]) -> Iterator[int]:
    for row in zip(*weights, strict=True):
        yield int.from_bytes(
            b"".join((weight + _zero).to_bytes(_lane // 8, "little") for weight in row), "little"
        )


def _unpacked_sums(whole: int, count: int, lanes: int) -> list[int]:
    """Give the sums of `count` packed numbers, lane by lane."""
    raw = whole.to_bytes(lanes * _lane // 8, "little")
    step = _lane // 8
    return [int.from_bytes(raw[at : at + step], "little") - count * _zero for at in range(0, len(raw), step)]


def load(data: bytes, where: str = "模型文件", cure: str = "请重新训练") -> Model:
    """Read what `dump` wrote. Raises ConfigError that names the file, and the cure, where it is no whole model of this format."""
    try:
        return _read(_unpacked(data))
    except _WrongFormat as error:
        reason = f"格式是第 {error} 版，本程序读第 {FORMAT} 版"
        raise _unreadable(where, reason, cure) from error
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(where, "不是完整的模型文件", cure) from error


class _WrongFormat(Exception):
    """The file is of another format."""


def _unreadable(where: str, reason: str, cure: str) -> ConfigError:
    return ConfigError([Problem(where, None, "模型", "", reason, cure)])


def _unpacked(data: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    content = unpacker.decompress(data, _most_bytes)
    if not unpacker.eof:
        raise ValueError("cut short, or larger than any model")
    return content


def _read(content: bytes) -> Model:
    first, head_line, body = content.split(b"\n", 2)
    if not first.startswith(_magic):
        raise ValueError("no model")
    if first != _magic + b"%d" % FORMAT:
        raise _WrongFormat(first.removeprefix(_magic).decode())
    head = json.loads(head_line)
    classes, count, end = head["classes"], head["grams"], head["letters"]
    grams = body[:end].decode("utf-8", "surrogatepass").split("\x00") if count else []
    columns = 1 if len(classes) == 2 else len(classes)
    numbers = body[end:]
    if len(classes) < 2 or len(set(grams)) != count or len(numbers) != 2 * count * columns:
        raise ValueError("parts are missing")
    if len(head["biases"]) != columns or not all(map(math.isfinite, (*head["biases"], head["scale"]))):
        raise ValueError("figures are missing")
    weights = [_from_little_endian(numbers[2 * count * n : 2 * count * (n + 1)]) for n in range(columns)]
    return Model(head["name"], classes, grams, weights, head["biases"], head["scale"], head["about"])


def _little_endian(numbers: "array[int]") -> bytes:
    return array("h", numbers).tobytes() if _is_little else _swapped(numbers).tobytes()


def _from_little_endian(data: bytes) -> "array[int]":
    numbers = array("h")
    numbers.frombytes(data)
    return numbers if _is_little else _swapped(numbers)


def _swapped(numbers: "array[int]") -> "array[int]":
    turned = array("h", numbers)
    turned.byteswap()
    return turned


_is_little = array("h", [1]).tobytes() == b"\x01\x00"


def sigmoid(logit: float) -> float:
    """Give the probability of log-odds, without overflow."""
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    share = math.exp(logit)
    return share / (1 + share)
