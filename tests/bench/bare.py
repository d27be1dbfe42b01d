"""What libraries do in a run, made again without everything around it: calls are noted in order, then made bare and timed.

Counted as library work: normal form (NFKC, the table of OpenCC's simplified characters), the automatons of words, places and
families (ahocorasick_rs), signatures of texts and their look-up (rensa), the comparison of near copies (rapidfuzz), and the
dot products of text models with the look-up of their runs (numpy for the judgement, a dictionary for the sentiment).
Not counted: the expressions of masking, figures and rules, and whatever is ours.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import ahocorasick_rs
import rensa
from rapidfuzz import fuzz

from routing import ngram_table, ngrams, normal

Call = tuple[str, Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class _Noted:
    """An object of a library whose methods are noted."""

    def __init__(self, library: str, made: Any, calls: list[Call]) -> None:
        self._library, self.made, self._calls = library, made, calls

    def __getattr__(self, name: str) -> Any:
        return _noted(self._library, getattr(self.made, name), self._calls)


def _noted(library: str, function: Callable[..., Any], calls: list[Call]) -> Callable[..., Any]:
    def call(*args: Any, **more: Any) -> Any:
        plain = tuple(arg.made if isinstance(arg, _Noted) else arg for arg in args)
        calls.append((library, function, plain, more))
        return function(*plain, **more)

    return call


def _making(library: str, make: Callable[..., Any], calls: list[Call]) -> Callable[..., Any]:
    return lambda *args, **more: _Noted(library, make(*args, **more), calls)


@contextmanager
def recording() -> Iterator[list[Call]]:
    """Note library calls while the block runs; automatons and indexes are noted that are made within it."""
    calls: list[Call] = []
    plain = normal.normal
    named = [module for module in list(sys.modules.values()) if getattr(module, "normal", None) is plain]
    objects = [
        (ahocorasick_rs, "AhoCorasick", "ahocorasick_rs"),
        (rensa, "RMinHash", "rensa"),
        (rensa, "RMinHashLSH", "rensa"),
    ]
    functions = [
        *((module, "normal", "normal form") for module in named),
        (fuzz, "ratio", "rapidfuzz"),
        (fuzz, "partial_ratio", "rapidfuzz"),
        (ngrams, "features", "dot products"),
        (ngrams.Model, "_logits", "dot products"),
        (ngram_table.Table, "read", "dot products"),
        (ngram_table.Table, "_sums", "dot products"),
    ]
    changes = [
        (where, name, _making(library, getattr(where, name), calls)) for where, name, library in objects
    ]
    changes += [
        (where, name, _noted(library, getattr(where, name), calls)) for where, name, library in functions
    ]
    with ExitStack() as stack:
        for where, name, other in changes:
            stack.enter_context(patch.object(where, name, other))
        yield calls


def spent(calls: Iterable[Call]) -> dict[str, float]:
    """Make the calls again, library by library and each in its order; gives the processor seconds of each."""
    by_library: dict[str, list[Call]] = {}
    for call in calls:
        by_library.setdefault(call[0], []).append(call)
    took: Counter[str] = Counter()
    for library, some in by_library.items():
        started = time.process_time()
        for _, function, args, more in some:
            function(*args, **more)
        took[library] = time.process_time() - started
    return dict(took)
