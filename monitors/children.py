"""Child processes under limits, forked within milliseconds from one that has everything loaded. Knows no feed.

Three processes are at work: the parent (the service), the *nursery*, and its children. The nursery is a fresh
interpreter that imports what the children need, freezes it and then only forks, so a child costs 10 ms and a few MiB,
and one that a hostile document killed is replaced before the next document is there. Nothing of the parent is
copied: not its threads, not its secrets (the nursery gets only the harmless part of the environment). When the
parent is gone, the nursery ends its children and itself.

A child does one task at a time. The kernel ends it when the task's processor time is used up (a loop in C too),
memory above its limit is refused to it, and the parent ends it when the clock runs out. What comes back is
unpickled with values of our own only.
"""

import asyncio
import contextlib
import gc
import importlib
import io
import json
import logging
import os
import pickle
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from enum import Enum
from operator import attrgetter
from typing import Any, NoReturn

log = logging.getLogger(__name__)

start_limit_s = 30.0
"""For the nursery's imports: 0.4 s, 8 s with a cold disk."""
_end_limit_s = 5.0
_collect_after = 20_000
"""Objects more than before until a child looks for circles among them; a document makes some thousands."""
_size = struct.Struct("!Q")
_harmless = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "PYTHONHASHSEED")
_ours = frozenset({"datetime", "monitors.parsed", "routing.items"})
_known: dict[tuple[str, str], type] = {}


@dataclass(frozen=True, slots=True)
class Limits:
    """`memory`: bytes of address space above what a child is born with; `nice`: as for nice(1)."""

    memory: int
    nice: int = 0


class ChildLost(Exception):
    """There is no answer; the text says why (Chinese). `slow`: it was the time, so more time might help.

    `outside`: the task is not to blame, for somebody killed the process (the kernel, where memory is short) or none
    could be started.
    """

    def __init__(self, reason: str, *, slow: bool = False, outside: bool = False) -> None:
        super().__init__(reason)
        self.slow = slow
        self.outside = outside


# --- the parent's end ---


class Child:
    """One process, one task at a time. It is over as soon as a task got no answer."""

    def __init__(self, line: socket.socket, end: Callable[[], None]) -> None:
        self._line = line
        self._end = end
        self._loop = asyncio.get_running_loop()
        self._read = bytearray()
        self.pid: int | None = None
        """None until the nursery has told."""
        self.peak_mib = 0.0
        """The most memory it ever held (resident), as far as it has told."""
        self.took_s = 0.0
        """Processor time of its last task."""
        self.over = False
        self.gone: asyncio.Future[int] = self._loop.create_future()
        """Its exit code once it has ended, negative for a signal."""

    async def call(
        self,
        function: Callable[..., Any],
        *task: Any,
        cpu_s: float,
        wall_s: float,
        told: Callable[[Any], None] | None = None,
    ) -> Any:
        """Run `function(*task)` there. Raises ChildLost when there is no answer.

        A generator tells what it yields, pairs of a word for `told` and the processor time of its next step, before
        it returns; other functions have `cpu_s` for the whole. `wall_s` bounds the whole on the clock.
        """
        answered = False
        try:
            async with asyncio.timeout(wall_s):
                message = pickle.dumps((function, task, cpu_s), pickle.HIGHEST_PROTOCOL)
                await self._loop.sock_sendall(self._line, message)
                while True:
                    kind, value, self.peak_mib, self.took_s = _unpickle(await self._frame())
                    if kind != "told":
                        break
                    if told is not None:
                        told(value)
            answered = kind == "done"
        except TimeoutError as error:
            raise ChildLost(f"{wall_s:.3g} 秒内没有完成", slow=True) from error
        except (EOFError, OSError) as error:
            self.end()
            raise await self._epitaph(cpu_s) from error
        finally:
            if not answered:  # an answer that nobody waits for would be taken for the next one's
                self.end()
        if not answered:
            raise ChildLost(str(value))
        return value

    def end(self) -> None:
        """Kill it. Safe to call twice."""
        if not self.over:
            self.over = True
            self._line.close()
            self._end()

    async def _frame(self) -> bytes:
        while len(self._read) < _size.size or len(self._read) < _size.size + _size.unpack_from(self._read)[0]:
            part = await self._loop.sock_recv(self._line, 1 << 18)
            if not part:
                raise EOFError
            self._read += part
        (length,) = _size.unpack_from(self._read)
        frame = bytes(memoryview(self._read)[_size.size : _size.size + length])
        del self._read[: _size.size + length]
        return frame

    async def _epitaph(self, cpu_s: float) -> ChildLost:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_end_limit_s):
                status = await asyncio.shield(self.gone)
                if status == -signal.SIGPROF:
                    return ChildLost(f"{cpu_s:.3g} 秒内没有完成", slow=True)
                if status == -signal.SIGKILL:
                    return ChildLost("解析进程被系统结束", outside=True)
        return ChildLost("解析进程异常退出")


class Nursery:
    """The parent's handle of the nursery; started on first use, and again after it died."""

    def __init__(self, preload: Sequence[str]) -> None:
        self._preload = preload
        self._starting = asyncio.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._ready: asyncio.Future[None] | None = None
        self._children: dict[int, Child] = {}
        self._born = 0
        self.peak_mib = 0.0
        """The most memory that any child which has ended had held (resident)."""

    @property
    def pids(self) -> tuple[int, ...]:
        """Its own process and its living children's, as far as they have told."""
        own = (self._process.pid,) if self._process else ()
        return (*own, *(one.pid for one in self._children.values() if one.pid and not one.over))

    async def child(self, limits: Limits) -> Child:
        """Give a new child. Raises ChildLost where no process can be started."""
        async with self._starting:
            if self._line is None:
                await self._start()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._born += 1
        number = self._born
        child = self._children[number] = Child(ours, lambda: self._ask({"end": number}))
        self._ask({"fork": number, **asdict(limits)}, theirs)
        theirs.close()
        return child

    async def close(self) -> None:
        """End all of it. Safe to call twice."""
        process, self._process = self._process, None
        self._lose()
        if process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(process.wait, _end_limit_s)
            process.kill()
            await asyncio.to_thread(process.wait)

    async def _start(self) -> None:
        await self.close()  # what is left of one that died
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            program = "import sys; sys.path[:] = sys.argv[3:]; from monitors.children import run; run(*sys.argv[1:3])"
            arguments = [str(theirs.fileno()), ",".join(self._preload), *sys.path]
            try:
                self._process = subprocess.Popen(  # noqa: ASYNC220, S603 - 5 ms, and our own interpreter
                    [sys.executable, "-c", program, *arguments],
                    stdin=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    env={name: os.environ[name] for name in _harmless if name in os.environ},
                )
            except OSError as error:  # no memory, no more processes
                ours.close()
                raise ChildLost("解析进程无法启动", outside=True) from error
        ours.setblocking(False)
        self._line = ours
        loop = asyncio.get_running_loop()
        self._ready = loop.create_future()
        loop.add_reader(ours, self._hear)
        try:
            async with asyncio.timeout(start_limit_s):
                await asyncio.shield(self._ready)
        except (TimeoutError, EOFError) as error:
            self._lose()
            raise ChildLost("解析进程无法启动", outside=True) from error

    def _ask(self, request: dict[str, int], attached: socket.socket | None = None) -> None:
        if self._line is None:
            return
        try:
            files = [attached.fileno()] if attached else []
            socket.send_fds(self._line, [json.dumps(request).encode()], files)
        except (
            OSError
        ):  # it is gone, or hears no more: its children go with it, and the next one is started anew
            self._lose()

    def _hear(self) -> None:
        assert self._line is not None
        try:
            message = self._line.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            message = b""
        if not message:
            self._lose()
            return
        news = json.loads(message)
        if "ready" in news and self._ready and not self._ready.done():
            self._ready.set_result(None)
        elif "born" in news and (child := self._children.get(news["born"])):
            child.pid = news["pid"]
        elif "gone" in news and (child := self._children.pop(news["gone"], None)):
            self.peak_mib = max(self.peak_mib, news["peak_mib"])
            _settle(child, news["status"])

    def _lose(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            asyncio.get_running_loop().remove_reader(line)
            line.close()
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(EOFError())
            self._ready.exception()  # heard, should nobody wait any more
        lost, self._children = self._children, {}
        for child in lost.values():
            child.end()
            _settle(child, -signal.SIGKILL)


def _settle(child: Child, status: int) -> None:
    if not child.gone.done():
        child.gone.set_result(status)


class _OurValues(pickle.Unpickler):
    """The child has read hostile bytes: what it sends may hold values of our own kinds, and nothing to call."""

    def find_class(self, module: str, name: str) -> Any:
        if (known := _known.get((module, name))) is not None:
            return known
        found = super().find_class(module, name) if module in _ours else None
        if not isinstance(found, type):
            raise pickle.UnpicklingError(f"{module}.{name} is no value of ours")
        return _known.setdefault((module, name), found)


class _Reducers(dict[type, Callable[[Any], tuple[Any, ...]]]):
    """How values of our own are written: as their class and what it is called with.

    So an enum names its value only (until Python 3.11.3 it asked for `getattr`, which is nothing of ours), and a frozen
    dataclass is not taken apart and put together field by field in Python, which takes twice as long.
    """

    def __missing__(self, kind: type) -> Callable[[Any], tuple[Any, ...]]:
        if issubclass(kind, type):
            raise KeyError(kind)  # a class goes by its name
        if issubclass(kind, Enum):
            self[kind] = lambda written: (kind, (written.value,))
        elif is_dataclass(kind) and len(names := [field.name for field in fields(kind) if field.init]) > 1:
            values = attrgetter(*names)
            self[kind] = lambda written: (kind, values(written))
        else:
            self[kind] = lambda written: written.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
        return self[kind]


_reducers = _Reducers()


def _pickle(message: Any) -> bytes:
    stream = io.BytesIO()
    pickler = pickle.Pickler(stream, pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = _reducers
    pickler.dump(message)
    return stream.getvalue()


def _unpickle(frame: bytes) -> Any:
    try:
        return _OurValues(io.BytesIO(frame)).load()
    except Exception as error:
        log.exception("a child's answer could not be read")
        raise EOFError from error


# --- the nursery's end ---


def run(descriptor: str, preload: str) -> None:
    """Be the nursery: import, say so, then fork on demand until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides
    line = socket.socket(fileno=int(descriptor))
    line.set_inheritable(False)
    for name in filter(None, preload.split(",")):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a collection in a child would touch, and so copy, all that it shares with the others
    bell, ringer = socket.socketpair()
    ringer.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(ringer.fileno(), warn_on_full_buffer=False)
    alive: dict[int, int] = {}  # the parent's number of a child -> its process
    try:
        line.send(b'{"ready": 1}')
        while True:
            heard, _, _ = select.select([line, bell], [], [])
            if bell in heard:
                bell.recv(4096)
                _bury(line, alive)
            if line in heard and not _obey(line, alive):
                break
    except OSError:  # the parent is gone in the middle of a message
        pass
    signal.set_wakeup_fd(-1)  # the bell goes with this function, and its children's ends are still to come
    for pid in alive.values():
        os.kill(pid, signal.SIGKILL)


def _bury(line: socket.socket, alive: dict[int, int]) -> None:
    for number, pid in list(alive.items()):
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            del alive[number]
            peak = usage.ru_maxrss / 1024
            news = {"gone": number, "status": os.waitstatus_to_exitcode(status), "peak_mib": peak}
            line.send(json.dumps(news).encode())


def _obey(line: socket.socket, alive: dict[int, int]) -> bool:
    message, files, _, _ = socket.recv_fds(line, 4096, 1)
    if not message:
        return False
    request = json.loads(message)
    if "end" in request:
        if request["end"] in alive:  # not yet buried, so the number is still its own
            os.kill(alive[request["end"]], signal.SIGKILL)
        return True
    number = request.pop("fork")
    try:
        pid = os.fork()
    except OSError:  # no more processes: to the parent as if the system had ended it
        os.close(files[0])
        line.send(json.dumps({"gone": number, "status": -signal.SIGKILL, "peak_mib": 0.0}).encode())
        return True
    if pid == 0:
        line.close()
        _live(socket.socket(fileno=files[0]), Limits(**request))
    os.close(files[0])
    alive[number] = pid
    line.send(json.dumps({"born": number, "pid": pid}).encode())
    return True


# --- the child's end ---


def _live(line: socket.socket, limits: Limits) -> NoReturn:
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGPROF):
            signal.signal(number, signal.SIG_DFL)
        ceiling = _address_space() + limits.memory
        resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.nice(limits.nice)
        gc.set_threshold(_collect_after)
        _serve(line)
        status = 0
    except MemoryError:
        pass  # there is no room left to say so; the parent sees the end of it
    except Exception:
        log.exception("a child could not go on")
    finally:
        os._exit(status)  # never back into the nursery's loop


def _address_space() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _serve(line: socket.socket) -> None:
    """Do one task after another until the parent is gone; there is nobody left then to be told of it."""
    with contextlib.suppress(EOFError, OSError):  # only the line raises these: a task's own are caught below
        stream = line.makefile("rb")
        while True:
            started_s = time.process_time()
            function, task, cpu_s = pickle.load(stream)  # noqa: S301 - from the parent
            for kind, value in _steps(function, task, cpu_s):
                peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                message = (kind, value, peak_mib, time.process_time() - started_s)
                frame = _pickle(message)
                line.sendall(_size.pack(len(frame)) + frame)
            del function, task, value, message, frame  # room for the next one


def _steps(
    function: Callable[..., Any], task: tuple[Any, ...], cpu_s: float
) -> Generator[tuple[str, Any], None, None]:
    try:
        # The kernel counts this process's own time and ends it with SIGPROF, in the middle of C code too.
        signal.setitimer(signal.ITIMER_PROF, cpu_s)
        result = function(*task)
        if isinstance(result, Generator):
            while True:
                try:
                    word, next_cpu_s = next(result)
                except StopIteration as stop:
                    result = stop.value
                    break
                yield "told", word
                signal.setitimer(signal.ITIMER_PROF, next_cpu_s)
        signal.setitimer(signal.ITIMER_PROF, 0)
        yield "done", result
    except MemoryError:
        yield "lost", "超出内存限额"
    except Exception as error:  # a bug in parsing is one document's problem, and seen in the log
        log.exception("task failed in the worker")
        yield "lost", f"程序内部出错：{type(error).__name__}"
