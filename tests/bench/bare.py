"""What libraries do in a run, made again without everything around it: calls are noted in order, then made bare and timed.

Counted as library work, each call whole and none inside another: normal form (NFKC, the table of OpenCC's simplified
characters), the automatons of words, places and families (ahocorasick_rs), the expressions of masking, figures, sentences and
names (re) and of rules (re2), check digits (stdnum), signatures of texts and their look-up (rensa), the comparison of near
copies (rapidfuzz), and reading a text for its models with their dot products (numpy).
Not counted: whatever is ours, the rarity of letters and the weighing of matters too, though numpy sums there.
"""

import re
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import ahocorasick_rs
import rensa
from rapidfuzz import fuzz
from stdnum import luhn
from stdnum.cn import ric

from monitors import masking, sentiment
from routing import expressions, ngram_table, ngrams, normal, places, telling, vocabulary

Call = tuple[str, Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class Calls(list[Call]):
    """Calls in their order; `inside` one none is noted, for it is part of that one."""

    inside = False


class _Noted:
    """An object of a library whose methods are noted."""

    def __init__(self, library: str, made: Any, calls: "Calls") -> None:
        self._library, self.made, self._calls = library, made, calls

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.made, name)
        return _noted(self._library, found, self._calls) if callable(found) else found


def _noted(library: str, function: Callable[..., Any], calls: "Calls") -> Callable[..., Any]:
    def call(*args: Any, **more: Any) -> Any:
        plain = tuple(arg.made if isinstance(arg, _Noted) else arg for arg in args)
        if calls.inside:
            return function(*plain, **more)
        calls.inside = True
        try:
            made = function(*plain, **more)
        finally:
            calls.inside = False
        calls.append((library, function, plain, more))
        return made

    return call


def _making(library: str, make: Callable[..., Any], calls: "Calls") -> Callable[..., Any]:
    return lambda *args, **more: _Noted(library, make(*args, **more), calls)


_reading = (masking, sentiment, normal, ngrams, telling, places)
_functions = (
    (fuzz, "ratio", "rapidfuzz"),
    (fuzz, "partial_ratio", "rapidfuzz"),
    (ngram_table.Table, "read", "dot products"),
    (ngram_table.Table, "read_each", "dot products"),
    (ngram_table.Table, "logits", "dot products"),
    (luhn, "is_valid", "stdnum"),
    (ric, "calc_check_digit", "stdnum"),
)
_objects = (
    (ahocorasick_rs, "AhoCorasick", "ahocorasick_rs"),
    (vocabulary, "AhoCorasick", "ahocorasick_rs"),
    (rensa, "RMinHash", "rensa"),
    (rensa, "RMinHashLSH", "rensa"),
    (expressions, "_compiled", "re2"),
)


@contextmanager
def recording() -> Iterator["Calls"]:
    """Note library calls while the block runs; automatons, indexes and rules are noted that are made within it."""
    calls = Calls()
    plain = normal.normal
    named = [module for module in list(sys.modules.values()) if getattr(module, "normal", None) is plain]
    functions = [*((module, "normal", "normal form") for module in named), *_functions]
    changes = [
        (where, name, _making(library, getattr(where, name), calls)) for where, name, library in _objects
    ]
    changes += [
        (where, name, _noted(library, getattr(where, name), calls)) for where, name, library in functions
    ]
    changes += [
        (module, name, _Noted("re", pattern, calls))
        for module in _reading
        for name, pattern in vars(module).items()
        if isinstance(pattern, re.Pattern)
    ]
    changes += [
        (masking, name, tuple(_noted_shape(shape, calls) for shape in getattr(masking, name)))
        for name in ("_addresses", "_numbers", "_others")
    ]
    with ExitStack() as stack:
        for where, name, other in changes:
            stack.enter_context(patch.object(where, name, other))
        yield calls


def _noted_shape(shape: Any, calls: "Calls") -> Any:
    cue = _Noted("re", shape.cue, calls) if shape.cue else None
    return replace(shape, pattern=_Noted("re", shape.pattern, calls), cue=cue)


def spent(calls: Iterable[Call]) -> dict[str, float]:
    """Make the calls again, library by library and each in its order; gives the processor seconds of each."""
    by_library: dict[str, list[Call]] = {}
    for call in calls:
        by_library.setdefault(call[0], []).append(call)
    took: Counter[str] = Counter()
    for library, some in by_library.items():
        started = time.process_time()
        for _, function, args, more in some:
            made = function(*args, **more)
            if isinstance(made, Iterator):  # an expression looks on only while somebody asks
                deque(made, maxlen=0)
        took[library] = time.process_time() - started
    return dict(took)
