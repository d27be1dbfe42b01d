"""`yuqing` in processes of its own that are born with everything imported, which saves three quarters of each start.

The standard library's fork server imports the command once a test worker and forks. What is forked is a process like
any other, with its own session, folder, environment and output: it can be killed, stopped and asked for its code. Only
`forked_warm.py` lies before its birth; that `python -m bot` and the installed command begin is `test_bot_cli.py`'s to say.
"""

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from builders import wait_until

_TESTS = Path(__file__).parent
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["forked_warm"])


class Forked:
    """One that runs. `returncode` is that of `subprocess`: None while it runs, negative for a signal."""

    def __init__(
        self, words: tuple[str, ...], folder: Path, environment: Mapping[str, str], output: Path
    ) -> None:
        self._process = _forks.Process(target=_be, args=(words, folder, dict(environment), output))
        with pytest.MonkeyPatch.context() as patch:  # the fork server begins with the first one
            patch.setenv("PYTHONPATH", f"{_TESTS}:{_TESTS.parent}")
            self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid
        self.output = output
        wait_until(lambda: self.returncode is not None or os.getsid(self.pid) == self.pid)

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        await asyncio.to_thread(self._process.join)
        assert self.returncode is not None
        return self.returncode


def _be(words: tuple[str, ...], folder: Path, environment: dict[str, str], output: Path) -> None:
    from bot.cli.main import main

    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(written, stream)
    os.close(written)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["yuqing", *words]
    main()
