"""Files that another program writes: what stands in them anew, as one body a round. Decides nothing, parses nothing.

JSONL and CSV are appended to and are tailed; JSON is rewritten whole and read when it has changed. A file is known by
its inode, so that it may be renamed while it is read. What was read is remembered in `Fetched.memory`, which the caller
commits together with the items: killed in between, the same lines come again, and repeated ids are harmless.

MediaCrawler is the model: dated files in one folder, appended to or rewritten whole, the same ids again on every run
(NanmiCoder/MediaCrawler: tools/async_file_writer.py).
"""

import contextlib
import errno
import glob
import hashlib
import heapq
import json
import math
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, NamedTuple

from monitors.fetch import Failed, Fetched
from monitors.sources import Source
from monitors.texts import decode
from routing.items import Ailment, Fault, SourceProblem, Symptom

max_files = 10_000
max_lines = 5_000
"""Records handed over in one round; the parser takes no more than `comments.max_records` of one body."""
max_field = 256 * 1024
"""Bytes of one quoted field of CSV. Where a quotation mark is closed later than that, it was never meant as one."""
max_open_lines = 200
"""Line ends that a quoted field may hold while its end is still to come: behind a stray mark every line would wait."""
max_header = 64 * 1024
quiet_s = 3600
"""A last line without an end is taken as it is when its file has not changed for so long: nobody is writing it."""
tries = 3
"""So many rounds may a JSON file among others be half-written before that is told."""

_types = {"jsonl": "application/x-ndjson", "csv": "text/csv", "json": "application/json"}
_edge = 256
_bom = b"\xef\xbb\xbf"
_magic = re.compile(r"[*?\[]")


def read_files(source: Source, memory: str | None) -> Fetched | Failed:
    """Read what is new since `memory` was written, at most `source.max_bytes` of it. Blocks; never raises for a file.

    The body holds whole records only. `not_modified`: there is none. The new memory (JSON) says in `more` whether
    there is more to read at once. What could not be read beside other files is a symptom; where no file at all could
    be read, the whole is Failed.
    """
    pattern = source.path or ""
    found = _look(pattern)
    if not found.files and not found.faults:
        return Failed(_missing(pattern))
    round_ = _Round(source, _recall(memory), found)
    round_.read()
    if round_.readable == 0:
        first = round_.faults[0]
        others = f"（另有 {len(round_.faults) - 1} 个文件也读不了）" if len(round_.faults) > 1 else ""
        return Failed(SourceProblem(first.fault, first.detail + others, first.cure))
    body = round_.body()
    return Fetched(
        status=200,
        body=body,
        content_type=_types[source.format],
        final_url=source.url,
        not_modified=not body,
        memory=round_.memory(),
        symptoms=round_.symptoms(),
        place=round_.place(),
    )


# --- what is remembered ---


@dataclass(frozen=True, slots=True)
class _Mark:
    """How far one file was read.

    `size` and `mtime` (nanoseconds) as they were then; `offset`: the first byte not read, in JSON the entry to begin
    with. `seam`: digest of the first bytes and of those before the offset. `looks`: so often the file was met unchanged
    with an unfinished last line, or was no valid JSON. `inside`: the offset lies in a line that is too long to be read.
    `left`: entries of JSON that are still to be handed over.
    """

    name: str = ""
    size: int = 0
    mtime: int = 0
    offset: int = 0
    seam: str = ""
    looks: int = 0
    inside: bool = False
    left: int = 0

    def is_of(self, status: os.stat_result) -> bool:
        return (self.size, self.mtime) == (status.st_size, status.st_mtime_ns)

    def rest(self, *, tail: bool) -> int:
        return max(0, self.size - self.offset) if tail else self.left


class _Memory(NamedTuple):
    """All marks by inode, and which file the next round begins with."""

    marks: Mapping[str, _Mark]
    first: str


_fields = {field.name: field for field in fields(_Mark)}


def _recall(memory: str | None) -> _Memory:
    # Memory that cannot be read, say of a later version, costs a second reading and no more.
    try:
        kept = json.loads(memory or "{}")
        marks = {str(key): _mark(values) for key, values in kept.get("files", {}).items()}
        return _Memory(marks, str(kept.get("first", "")))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return _Memory({}, "")


def _mark(values: Mapping[str, Any]) -> _Mark:
    known = {name: value for name, value in values.items() if name in _fields}
    if any(type(value) is not type(_fields[name].default) for name, value in known.items()):
        raise TypeError
    return _Mark(**known)


def _kept(mark: _Mark) -> dict[str, Any]:
    return {name: value for name, value in asdict(mark).items() if value != _fields[name].default}


# --- which files there are ---


class _Trouble(NamedTuple):
    """Why one file, or some of its lines, could not be read (Chinese)."""

    fault: Fault
    detail: str
    cure: str


class _File(NamedTuple):
    path: str
    status: os.stat_result

    @property
    def name(self) -> str:
        return os.path.basename(self.path)


class _Found(NamedTuple):
    files: dict[str, _File]
    faults: list[_Trouble]
    notes: list[_Trouble]


def _look(pattern: str) -> _Found:
    """Find the files by one `stat` each. Files are known by device and inode, so two names of one are read once."""
    single = not _magic.search(pattern) or os.path.lexists(pattern)
    files: dict[str, _File] = {}
    faults: list[_Trouble] = []
    for path in [pattern] if single else glob.iglob(pattern, recursive=True):
        try:
            status = os.stat(path)
        except FileNotFoundError:  # deleted a moment ago, or a link that leads nowhere
            continue
        except (OSError, ValueError) as error:
            faults.append(_unreadable(path, error))
            continue
        if stat.S_ISREG(status.st_mode):
            files.setdefault(f"{status.st_dev:x}.{status.st_ino:x}", _File(path, status))
        elif single or not stat.S_ISDIR(status.st_mode):
            faults.append(_not_regular(path))
    if len(files) <= max_files:
        return _Found(files, faults, [])
    latest = heapq.nlargest(max_files, files, key=lambda key: files[key].status.st_mtime_ns)
    detail = f"有 {len(files)} 个文件，只看最近改动的 {max_files} 个"
    note = _Trouble(Fault.TOO_LARGE, detail, "请清理旧文件，或把 path 写得更窄")
    return _Found({key: files[key] for key in latest}, faults, [note])


def _missing(pattern: str) -> SourceProblem:
    folder = os.path.dirname(_magic.split(pattern)[0]) or "."
    if not os.path.isdir(folder):
        return SourceProblem(Fault.STATUS, f"文件夹 {folder} 不存在", "请核对 path，或确认磁盘已经挂载")
    if not os.access(folder, os.R_OK | os.X_OK):
        return SourceProblem(
            Fault.UNREADABLE, f"没有权限查看文件夹 {folder}", "请让运行本程序的用户能读这个文件夹"
        )
    return SourceProblem(
        Fault.STATUS, f"没有找到文件 {os.path.basename(pattern)}", "请核对 path，并确认写文件的程序在运行"
    )


def _unreadable(path: str, error: Exception) -> _Trouble:
    name = os.path.basename(path)
    if isinstance(error, PermissionError):
        cure = "请让运行本程序的用户能读这个文件和它的文件夹"
        return _Trouble(Fault.UNREADABLE, f"没有权限读取文件 {name}", cure)
    code = getattr(error, "errno", None)
    why = errno.errorcode.get(code, "") if code else type(error).__name__
    return _Trouble(Fault.STATUS, f"读取文件 {name} 出错（{why}）", "请检查磁盘、网络盘和 path 的写法")


def _not_regular(path: str) -> _Trouble:
    detail = f"{os.path.basename(path)} 不是普通文件（是文件夹、管道或设备），没有读取"
    return _Trouble(Fault.UNREADABLE, detail, "请把 path 写成一个文件，或带 * 的文件名")


@contextlib.contextmanager
def _opened(file: _File) -> Iterator[tuple[int, os.stat_result]]:
    """Open for reading, with what it is now. A pipe or device put in its place is neither waited for nor read.

    Raises OSError; FileNotFoundError where it is another file now.
    """
    handle = os.open(file.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or not os.path.samestat(status, file.status):
            raise FileNotFoundError(errno.ENOENT, "replaced", file.path)
        yield handle, status
    finally:
        os.close(handle)


def _seam(handle: int, offset: int) -> str:
    ends = os.pread(handle, min(_edge, offset), 0) + os.pread(
        handle, min(_edge, offset), max(0, offset - _edge)
    )
    return hashlib.sha256(ends).hexdigest()[:16]


# --- one round ---


class _Round:
    """One reading of all the files: what was taken, how far each was read, and what is left for the next round."""

    def __init__(self, source: Source, past: _Memory, found: _Found) -> None:
        self._source = source
        self._past = past
        self._files = found.files
        self._marks: dict[str, _Mark] = {}
        self._parts: list[bytes] = []
        self._taken: list[str] = []
        self._entries: list[Any] = []
        self._kin: tuple[bytes, bool] | None = None
        self._room = source.max_bytes
        self._lines = max_lines
        self._more = False
        self._first = ""
        self._patience = max(2, math.ceil(quiet_s / source.interval_s))
        self._told = [*found.notes, *self._vanished()]
        self.faults = [*found.faults]
        self.readable = 0

    def read(self) -> None:
        """Go through the files, known ones first: what was renamed is read to its end before what took its place."""
        read = self._document if self._source.format == "json" else self._tail
        for key in self._order():
            file = self._files[key]
            try:
                read(key, file, self._past.marks.get(key, _Mark()))
            except FileNotFoundError:  # replaced between the two looks: the next round sees what is there now
                self.readable += 1
                self._leave(key)
            except OSError as error:
                self._fail(key, _unreadable(file.path, error))

    def body(self) -> bytes:
        if self._entries:
            # In ASCII, and written in the source's encoding: the parser will read it in that.
            return json.dumps(self._entries).encode(self._source.encoding or "utf-8")
        if not self._parts:
            return b""
        header = self._kin[0] if self._kin else b""
        return header + b"".join(self._parts)

    def place(self) -> str:
        """Name the files that the body is of (Chinese), three at most; "" where there is none."""
        names = [name if len(name) <= 60 else f"…{name[-59:]}" for name in dict.fromkeys(self._taken)]
        return (
            f"文件 {'、'.join(names[:3])}{f' 等 {len(names)} 个' if len(names) > 3 else ''} " if names else ""
        )

    def memory(self) -> str:
        kept: dict[str, Any] = {"files": {key: _kept(mark) for key, mark in self._marks.items()}}
        if self._more:
            kept |= {"more": True, "first": self._first}
        return json.dumps(kept, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    def symptoms(self) -> tuple[Symptom, ...]:
        told = [*self._told, *self.faults]
        if not told:
            return ()
        detail = "；".join(dict.fromkeys(trouble.detail for trouble in told))
        mark = hashlib.sha256(detail.encode(errors="replace")).hexdigest()[:32]
        return (Symptom(Ailment.SKIPPED, detail[:300], told[0].cure, mark),)

    def _order(self) -> list[str]:
        keys = sorted(self._files, key=lambda key: (key not in self._past.marks, self._files[key].path))
        start = keys.index(self._past.first) if self._past.first in keys else 0
        return keys[start:] + keys[:start]

    def _vanished(self) -> list[_Trouble]:
        """Say which files went away before they were read to the end; then they are forgotten."""
        tail = self._source.format != "json"
        return [
            _Trouble(
                Fault.STATUS,
                f"文件 {mark.name} 还没读完就不见了",
                "请让轮换后的文件名仍合于 path，或推迟删除",
            )
            for key, mark in self._past.marks.items()
            if key not in self._files and mark.rest(tail=tail)
        ]

    def _leave(self, key: str) -> None:
        """Put a file off to the next round, which begins with the first one that had no turn in this."""
        if key in self._past.marks:
            self._marks[key] = self._past.marks[key]
        self._more = True
        self._first = self._first or key

    def _fail(self, key: str, trouble: _Trouble) -> None:
        if key in self._past.marks:
            self._marks[key] = self._past.marks[key]
        self.faults.append(trouble)

    # -- lines ---------------------------------------------------------------------------------------------------

    def _tail(self, key: str, file: _File, mark: _Mark) -> None:
        if not mark.is_of(file.status):
            waits = False
        elif mark.offset >= mark.size:
            waits = True
        else:
            waits = 0 < mark.looks < self._patience
            mark = replace(mark, looks=mark.looks + waits)
        if waits:
            self.readable += 1
            self._marks[key] = replace(mark, name=file.name)
        elif not self._room or not self._lines:
            self.readable += 1
            self._leave(key)
        else:
            with _opened(file) as (handle, status):
                self._go_on(key, file.name, mark, handle, status)

    def _go_on(self, key: str, name: str, mark: _Mark, handle: int, status: os.stat_result) -> None:
        """Read one file on from its mark, or from its start where it is not the file it was: truncated, rewritten."""
        is_same = status.st_size >= mark.offset and mark.seam == _seam(handle, mark.offset)
        head = self._head(handle)
        if isinstance(head, _Trouble):
            self._fail(key, head._replace(detail=f"文件 {name} {head.detail}"))
            return
        self.readable += 1
        start = replace(
            mark if is_same else _Mark(), name=name, size=status.st_size, mtime=status.st_mtime_ns
        )
        if not head.waits:
            start = replace(start, offset=max(start.offset, head.length))
            taken = self._take(handle, start, head)
            if taken is None:
                self._leave(key)
                return
            start = taken
        self._marks[key] = replace(start, seam=_seam(handle, start.offset))

    def _head(self, handle: int) -> "_Head | _Trouble":
        """Read what a file begins with: the mark of its encoding and, in CSV, the names of the columns."""
        is_csv = self._source.format == "csv"
        begin = os.pread(handle, max_header if is_csv else len(_bom), 0)
        if begin.startswith((b"\xff\xfe", b"\xfe\xff")):
            return _Trouble(
                Fault.UNREADABLE, "是 UTF-16 编码，不能逐行跟读", "请让写文件的程序改用 UTF-8 编码"
            )
        skip = len(_bom) if begin.startswith(_bom) else 0
        if not is_csv:
            return _Head(length=skip)
        end = begin.find(b"\n", skip) + 1
        if end:
            return _Head(begin[skip:end], end)
        if len(begin) < max_header:
            return _Head(waits=True)
        return _Trouble(Fault.UNREADABLE, "的表头过长", "请核对是不是 CSV 文件，换行是否正常")

    def _take(self, handle: int, mark: _Mark, head: "_Head") -> _Mark | None:
        """Take the whole records behind the mark. Gives how far that went, None where there was no room for one."""
        chunk = os.pread(handle, min(self._room, mark.size - mark.offset), mark.offset)
        at_end = mark.offset + len(chunk) >= mark.size
        if mark.inside:
            line_end = chunk.find(b"\n") + 1
            self._more = self._more or bool(line_end) or not at_end
            return replace(mark, offset=mark.offset + (line_end or len(chunk)), inside=not line_end)
        most = self._lines
        cut = cut_records(chunk, head.delimiter, most)
        records, used, looks = list(cut.records), cut.used, 0
        if at_end and cut.taken < most and used < len(chunk):
            if self._is_finished(chunk[used:]) or mark.looks >= self._patience:
                records.append(chunk[used:] + b"\n")
                used = len(chunk)
            else:
                looks = 1
        elif not used and not at_end:
            return self._skip_line(mark, chunk) if len(chunk) >= self._source.max_bytes else None
        if not self._add(records, used, head.line):
            return None
        self._taken += [mark.name] if records else []
        if cut.stray:
            cure = "请检查这些行的引号：正文里的引号要写成两个"
            detail = f"文件 {mark.name} 有 {cut.stray} 行的引号没有配对，已跳过"
            self._told.append(_Trouble(Fault.UNREADABLE, detail, cure))
        self._more = self._more or not at_end or (cut.taken >= most and used < len(chunk))
        return replace(mark, offset=mark.offset + used, looks=looks)

    def _add(self, records: list[bytes], used: int, header: bytes) -> bool:
        """Put records into the body. False where they do not go with those in it: other columns, other encoding."""
        # A program that is started again may write its header again.
        text = b"".join(record for record in records if record.strip() not in {b"", header.strip()})
        if text:
            kin = (header, self._source.encoding is not None or _is_utf8(text))
            if self._kin not in {None, kin}:
                return False
            self._kin = kin
            self._parts.append(text)
        self._room -= used
        self._lines -= len(records)
        return True

    def _skip_line(self, mark: _Mark, chunk: bytes) -> _Mark:
        limit = f"{self._source.max_bytes / 1024 / 1024:.3g} MiB"
        detail = f"文件 {mark.name} 有一行超过 {limit}，已跳过"
        cure = "请检查写文件的程序是否漏了换行；确有这么长的记录请调大 max_bytes"
        self._told.append(_Trouble(Fault.TOO_LARGE, detail, cure))
        self._more = True
        self._room = 0
        # In CSV a line end within the chunk was believed to stand in quotes; then the quotes are not believed.
        line_end = chunk.find(b"\n") + 1
        return replace(mark, offset=mark.offset + (line_end or len(chunk)), inside=not line_end, looks=0)

    def _is_finished(self, tail: bytes) -> bool:
        """Tell whether a last line without an end is one: an object of JSON that is closed cannot go on."""
        if self._source.format != "jsonl" or not tail.rstrip().endswith(b"}"):
            return False
        return _json(tail, self._source.encoding) is not None

    # -- documents -----------------------------------------------------------------------------------------------

    def _document(self, key: str, file: _File, mark: _Mark) -> None:
        size = file.status.st_size
        changed = not mark.is_of(file.status)
        if not changed and not mark.left:
            self.readable += 1
            self._marks[key] = replace(mark, name=file.name)
            return
        if size > self._source.max_bytes:
            limit = f"{self._source.max_bytes / 1024 / 1024:.3g} MiB"
            cure = "请调大 max_bytes，或让写文件的程序改用 JSONL"
            self._fail(key, _Trouble(Fault.TOO_LARGE, f"文件 {file.name} 超过 {limit}", cure))
            return
        if size > self._room or not self._lines:
            self.readable += 1
            self._leave(key)
            return
        with _opened(file) as (handle, status):
            body = os.pread(handle, status.st_size, 0)
        found = _json(body, self._source.encoding)
        if found is None:
            self._broken(key, file, mark)
            return
        self.readable += 1
        new = replace(mark, name=file.name, size=status.st_size, mtime=status.st_mtime_ns, looks=0, left=0)
        if isinstance(found, list):
            self._taken.append(file.name)
            self._room -= size
            self._marks[key] = self._list(found, new, len(found) if changed else mark.left)
        elif self._entries:
            self._leave(key)
        else:
            self._taken.append(file.name)
            self._parts.append(body)
            self._room = 0
            self._marks[key] = new

    def _broken(self, key: str, file: _File, mark: _Mark) -> None:
        """Count a document that is not whole: it may be in the midst of being written."""
        trouble = _Trouble(
            Fault.STATUS,
            f"文件 {file.name} 不是完整的 JSON",
            "多半正在写入，下一轮再读；若一直如此，请检查写文件的程序",
        )
        looks = mark.looks + 1
        if len(self._files) == 1 or looks >= tries:
            self.faults.append(trouble)
        else:
            self.readable += 1
        self._marks[key] = replace(mark, name=file.name, looks=looks)

    def _list(self, found: list[Any], mark: _Mark, left: int) -> _Mark:
        """Take entries of a list, beginning where the last look ended, for that is where new ones are appended.

        A list that is longer than a round may hand over, and changes each minute, is so read in a circle: every entry
        has its turn.
        """
        length = len(found)
        start = mark.offset if mark.offset <= length else 0
        most = min(left, self._lines, length)
        around = (found[start:] + found[:start])[:most]
        self._entries += around
        self._lines -= most
        self._more = self._more or most < min(left, length)
        rest = min(left, length) - most
        return replace(mark, offset=length if not rest else (start + most) % length, left=rest)


def _json(body: bytes, encoding: str | None) -> Any:
    """Give the list or object; None for anything else, and for what is not JSON."""
    try:
        found = json.loads(decode(body, "", encoding).text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list | dict) else None


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


# --- records ---


class _Head(NamedTuple):
    """What a file begins with: its header line (empty but in CSV), the first byte of data; `waits`: not written yet."""

    line: bytes = b""
    length: int = 0
    waits: bool = False

    @property
    def delimiter(self) -> bytes | None:
        """The one that the parser will choose: which of the three the header has most of."""
        return max((b",", b";", b"\t"), key=self.line.count) if self.line else None


class Cut(NamedTuple):
    """The whole records of a chunk.

    `used`: bytes up to the end of the last; `taken`: how many that was, with the `stray` lines left out for a quote.
    """

    records: tuple[bytes, ...]
    used: int
    taken: int
    stray: int


def cut_records(chunk: bytes, delimiter: bytes | None, most: int) -> Cut:
    """Cut a chunk that starts with a record into records, at most so many.

    Lines, or with a delimiter CSV: there a quoted field may hold line ends. A quotation mark counts at the start of a
    field only, as for the parser (RFC 4180 section 2); one that is not closed in time, or only by the mark that opens
    a field of a later line, is a fault of its line alone.
    """
    token = _tokens(delimiter)
    records: list[bytes] = []
    start = place = stray = 0
    while len(records) + stray < most:
        found = token.search(chunk, place)
        if found is None:
            break
        if found[0] == b"\n":
            records.append(chunk[start : found.end()])
            start = place = found.end()
        elif _is_stray(found, delimiter or b""):
            line_end = chunk.find(b"\n", found.start()) + 1
            if not line_end:
                break
            stray += 1
            start = place = line_end
        elif not found["close"]:
            break
        else:
            place = found.end()
    return Cut(tuple(records), start, len(records) + stray, stray)


def _is_stray(found: re.Match[bytes], delimiter: bytes) -> bool:
    """Tell a quotation mark that was meant as a sign of the text from one that opens a field."""
    if found.end() - found.start() > max_field:
        return True
    lines = found.string.count(b"\n", found.start(), found.end())
    if lines > max_open_lines and not found["close"]:
        return True
    behind = found.string[found.end() : found.end() + 1]
    return bool(lines and found["close"] and behind and behind not in {delimiter, b"\r", b"\n"})


def _tokens(delimiter: bytes | None) -> re.Pattern[bytes]:
    if delimiter is None:
        return _line_end
    return re.compile(rb'(?:\A|(?<=[\n%s]))"[^"]*+(?:""[^"]*+)*+(?P<close>"?)|\n' % (re.escape(delimiter),))


_line_end = re.compile(rb"\n")
