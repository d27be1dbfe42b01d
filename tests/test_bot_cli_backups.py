"""Backups: the script of the operating page really makes one and the page really restores it; `doctor` sees what is no good."""

import os
import re
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from builders import START, ZONE
from sqlalchemy import make_url
from test_bot_cli import Terminal, empty, founded, yuqing

from bot.cli import backups
from routing.checkup import Look, Verdict
from routing.clock import utc_now
from routing.ledger import Ledger
from routing.store.engine import Store
from routing.store.migrate import newest_schema

__all__ = ["empty", "founded", "yuqing"]
PAGE = Path(__file__).parent.parent / "docs/operating.md"
BLOCKS = re.findall(
    r"^```sh\n(.*?)^```$",
    PAGE.read_text(encoding="utf-8").partition("## Backup\n")[2],
    re.DOTALL | re.MULTILINE,
)
LEDGER = Ledger()


def block(words: str) -> str:
    """Give the first block of the page, from its section on backups on, that holds these words."""
    return next(text for text in BLOCKS if words in text)


def add_lines(store: Store, count: int = 3) -> None:
    store.run(lambda s: [LEDGER.write(s, at=START, actor="系统", action="open", n=n) for n in range(count)])


@pytest.fixture
def live(store: Store) -> Store:
    add_lines(store)
    return store


def looked(store: Store, folder: Path, *, full: bool = False) -> Look:
    now, live = utc_now(), Path(store.url.database or "") if store.is_sqlite else None
    [look] = store.peek(lambda s: backups.look(s, str(folder), live, now, ZONE, full=full))
    assert bool(look.cure) == (look.verdict is not Verdict.WELL)
    return look


def reach(store: Store) -> str:
    """Say where the server is, as the programs of PostgreSQL want it."""
    url = store.url
    return f"--host={url.host} --port={url.port or 5432} --username={url.username}"


def script(store: Store, home: Path) -> str:
    """Give the script of the page, for another home and database."""
    text = block("VACUUM INTO")
    if not store.is_sqlite:
        dump, move = block("pg_dump").splitlines()
        text = re.sub(r"^sqlite3 .*$", lambda _: dump, text, flags=re.MULTILINE)
        text = re.sub(r"^mv .*$", lambda _: move, text, flags=re.MULTILINE)
        text = text.replace("--host=127.0.0.1 --username=yuqing", reach(store))
        text = re.sub(r" yuqing$", f" {store.url.database}", text, flags=re.MULTILINE)
    database = store.url.database or ""
    return text.replace("/opt/yuqing/desk/yuqing.db", database).replace("/opt/yuqing", str(home))


def run(text: str, folder: Path) -> None:
    subprocess.run(["sh", "-c", text], cwd=folder, check=True, timeout=60, env=os.environ | {"LC_ALL": "C"})


@pytest.fixture
def writing(live: Store) -> Iterator[None]:
    """Write on and on beside the test, as the service does."""
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            add_lines(live, 1)

    thread = threading.Thread(target=write)
    thread.start()
    yield
    over.set()
    thread.join()


@pytest.mark.skipif(
    not shutil.which("sqlite3") or not shutil.which("pg_dump"), reason="no sqlite3, no pg_dump"
)
@pytest.mark.usefixtures("writing")
def test_the_script_of_the_page_makes_a_copy_beside_the_service_and_the_page_restores_it(
    live, backend, tmp_path
):
    folder = tmp_path / "backup"
    folder.mkdir()
    (folder / "yuqing-1.part").write_bytes(b"half")  # somebody was killed at it
    run(script(live, tmp_path), tmp_path)
    [copy] = folder.iterdir()
    look = looked(live, folder)
    assert look.verdict is Verdict.WELL, look
    assert f"结构 {newest_schema()}，台账到第" in look.value

    if backend == "sqlite":
        desk = tmp_path / "restored"
        desk.mkdir()
        (desk / "yuqing.db").write_bytes(b"damaged")
        (desk / "yuqing.db-wal").write_bytes(b"damaged too")
        lines = block("mv yuqing.db*").splitlines()[:3]
        run("\n".join(lines).replace("/opt/yuqing/backup/yuqing-20261121-033000.db", str(copy)), desk)
        restored = Store(f"sqlite:///{desk / 'yuqing.db'}")
    else:
        name = f"{live.url.database}_2"
        run(f"createdb {reach(live)} {name}", tmp_path)
        line = block("pg_restore").splitlines()[1].replace("yuqing-20261121-033000.dump", str(copy))
        line = line.replace("--host=127.0.0.1 --username=yuqing", reach(live)).replace("=yuqing2", f"={name}")
        run(line, tmp_path)
        restored = Store(make_url(live.url).set(database=name).render_as_string(hide_password=False))
    try:
        found = restored.peek(LEDGER.verify)
        assert found.broken is None
        assert found.lines >= 3
    finally:
        restored.close()
        if backend == "postgresql":
            run(f"dropdb --force {reach(live)} {live.url.database}_2", tmp_path)


@pytest.mark.skipif(not shutil.which("pg_dump"), reason="no pg_dump")
@pytest.mark.parametrize("backend", ["postgresql"])
def test_a_dump_that_was_cut_off_is_found_though_its_list_is_whole(live, backend, tmp_path):
    file = tmp_path / "a.dump"
    run(f"pg_dump {reach(live)} --format=custom --file={file} {live.url.database}", tmp_path)
    file.write_bytes(file.read_bytes()[:-200])
    run(f"pg_restore --list {file} >list", tmp_path)
    look = looked(live, tmp_path / "none")
    assert look.verdict is Verdict.BAD
    (tmp_path / "list").unlink()
    look = looked(live, tmp_path)
    assert (look.verdict, "end of file" in look.value) == (Verdict.BAD, True), look


# --- what doctor sees, on SQLite ---


def copied(store: Store, folder: Path) -> Path:
    path = folder / "a.db"
    with sqlite3.connect(str(store.url.database)) as door:
        door.execute("VACUUM INTO ?", [str(path)])
    return path


def _older(folder: Path, store: Store) -> None:
    at = (utc_now() - timedelta(hours=27)).timestamp()
    os.utime(copied(store, folder), (at, at))


def _cut(folder: Path, store: Store) -> None:
    path = copied(store, folder)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _empty(folder: Path, store: Store) -> None:
    (folder / "a.db").touch()


def _only_half(folder: Path, store: Store) -> None:
    copied(store, folder).rename(folder / "a.part")


def _others(folder: Path, store: Store) -> None:
    for name in ("backup.log", "README", "a.db.sha256", "backup.sh"):
        (folder / name).write_text("no copy", encoding="utf-8")


def _among_others(folder: Path, store: Store) -> None:
    copied(store, folder)
    _others(folder, store)


def _packed(folder: Path, store: Store) -> None:
    (folder / "a.db.gz").write_bytes(b"\x1f\x8b" + b"packed" * 100)


def _newer(folder: Path, store: Store) -> None:
    with sqlite3.connect(copied(store, folder)) as door:
        door.execute("UPDATE alembic_version SET version_num = '9999'")


def _anothers(folder: Path, store: Store) -> None:
    with sqlite3.connect(copied(store, folder)) as door:
        door.execute("DROP TRIGGER IF EXISTS ledger_no_update")
        for (name,) in door.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            door.execute(f'DROP TRIGGER "{name}"')
        door.execute("UPDATE ledger SET hash = 'another'")


def _ahead(folder: Path, store: Store) -> None:
    """The copy knows more than the database: that one was put back."""
    _anothers(folder, store)
    with sqlite3.connect(folder / "a.db") as door:
        door.execute("UPDATE ledger SET seq = 99 WHERE seq = 3")


def _no_database_of_ours(folder: Path, store: Store) -> None:
    with sqlite3.connect(folder / "a.db") as door:
        door.execute("CREATE TABLE t (a)")


def _no_text(folder: Path, store: Store) -> None:
    with sqlite3.connect(copied(store, folder)) as door:
        door.execute("UPDATE alembic_version SET version_num = x'33'")


def _the_live_one(folder: Path, store: Store) -> None:
    (folder / "a.db").symlink_to(str(store.url.database))


def _shrunk(folder: Path, store: Store) -> None:
    copy = copied(store, folder)
    before = folder / "0.db"
    before.write_bytes(bytes(3 * copy.stat().st_size))
    os.utime(before, (START.timestamp(), START.timestamp()))


def _behind(folder: Path, store: Store) -> None:
    copied(store, folder)
    add_lines(store, 2)


@pytest.mark.parametrize("backend", ["sqlite"])
@pytest.mark.parametrize(
    ("made", "verdict", "told"),
    [
        (_behind, Verdict.WELL, "台账到第 3 行，与现库相符"),
        (_older, Verdict.BAD, "超过 26 小时没有新的"),
        (_cut, Verdict.BAD, "不能用：文件残缺，或不是值班台的库（SQLite：database disk image is malformed）"),
        (_empty, Verdict.BAD, "不能用：是空的"),
        (_only_half, Verdict.BAD, "里没有备份"),
        (_others, Verdict.BAD, "里没有备份（只认 *.db、*.dump、*.sql，可再带 .gz、.gpg 等），只有别的文件"),
        (_among_others, Verdict.WELL, "a.db（"),
        (_packed, Verdict.MIND, "没有读里面"),
        (_newer, Verdict.BAD, "结构 9999"),
        (_anothers, Verdict.BAD, "台账第 3 行与现库不符"),
        (_ahead, Verdict.BAD, "台账第 99 行与现库不符"),
        (_no_database_of_ours, Verdict.BAD, "不是值班台的库（SQLite：no such table"),
        (_no_text, Verdict.BAD, "不是 yuqing 的写法"),
        (_the_live_one, Verdict.BAD, "里没有备份"),
        (_shrunk, Verdict.MIND, "小一半以上"),
    ],
)
def test_doctor_says_whether_the_newest_copy_would_do(
    live: Store,
    backend: str,
    tmp_path: Path,
    made: Callable[[Path, Store], None],
    verdict: Verdict,
    told: str,
) -> None:
    folder = tmp_path / "backup"
    folder.mkdir()
    made(folder, live)
    before = sorted(folder.iterdir())
    look = looked(live, folder)
    assert (look.verdict, told in look.value) == (verdict, True), look
    assert sorted(folder.iterdir()) == before


def test_where_no_folder_is_set_it_is_a_hint_and_where_the_database_is_gone_the_copy_is_still_looked_at(
    founded: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def line() -> dict[str, str]:
        [found] = [look for look in founded("doctor", "--json").json["looks"] if look["what"] == "备份"]
        return found

    assert (line()["verdict"], "YUQING_BACKUP_DIR" in line()["value"]) == ("mind", True)
    folder = tmp_path / "backup"
    monkeypatch.setenv("YUQING_BACKUP_DIR", str(folder))
    assert (line()["verdict"], "没有这个文件或文件夹" in line()["value"]) == ("bad", True)
    folder.mkdir()
    with sqlite3.connect("yuqing.db") as door:
        door.execute("VACUUM INTO ?", [str(folder / "a.db")])
    assert "与现库相符" in line()["value"]
    Path("yuqing.db").unlink()
    assert (line()["verdict"], "没有比对" in line()["value"]) == ("well", True)
