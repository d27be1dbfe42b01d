"""The command line as an operator meets it: what is answered where, in which words, with which exit code.

Exit codes: 0 done, 1 could not be done, 2 configuration or usage, 78 a service that no restart helps. Nothing that a command
prints holds a secret.
"""

import asyncio
import json
import logging
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web
from builders import unguard
from openpyxl import load_workbook
from rich.cells import cell_len
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.cli import common
from bot.cli.main import app, main
from bot.forms import LEDGER_COLUMNS
from bot.sandbox.server import Sandbox
from bot.sandbox.world import SANDBOX_TOKEN, Cast, SandboxGroup, SandboxPerson
from bot.settings import Settings
from routing.clock import utc_now
from routing.office import Role
from routing.store.engine import Store
from routing.store.tables import AccountRow, LedgerRow, OutboxRow, PersonRoleRow, PersonRow

T = TypeVar("T")
REFUSED_TOKEN = "987654321:" + "Refused_token-of-nobody-" * 2
GROUPS = {
    -1001000000001: "值班群",
    -1001000000002: "运维群",
    **{-1001000000010 - n: f"承办群{n}" for n in range(1, 6)},
}
COMMANDS = [
    (),
    ("demo",),
    ("init",),
    ("check",),
    ("run",),
    ("poll",),
    ("why",),
    ("rules",),
    ("rules", "test"),
    ("rules", "replay"),
    ("judge",),
    ("sentiment",),
    ("sentiment", "score"),
    ("sentiment", "eval"),
    ("sentiment", "train"),
    ("sentiment", "back"),
    ("models",),
    ("models", "show"),
    ("models", "train"),
    ("models", "back"),
    ("people",),
    ("people", "invite"),
    ("people", "link"),
    ("people", "list"),
    ("people", "revoke"),
    ("roster",),
    ("roster", "check"),
    ("roster", "show"),
    ("digest",),
    ("export",),
    ("export", "ledger"),
    ("export", "case"),
    ("export", "log"),
    ("export", "dispatch"),
    ("export", "brief"),
    ("export", "review"),
    ("import",),
    ("import", "ledger"),
    ("audit",),
    ("audit", "verify"),
    ("purge",),
    ("doctor",),
    ("sources",),
    ("sources", "import"),
    ("sources", "export"),
    ("sources", "key"),
    ("sources", "approve"),
]


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Terminal:
    """An operator in an empty folder; calls the command in this process, as its entry point does."""

    def __init__(
        self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.folder, self._capsys, self._monkeypatch = folder, capsys, monkeypatch

    def set(self, **variables: str) -> None:
        for name, value in variables.items():
            self._monkeypatch.setenv(f"YUQING_{name}", value)

    def __call__(self, *words: str) -> Answer:
        self._monkeypatch.setattr(sys, "argv", ["yuqing", *words])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        captured = self._capsys.readouterr()
        code = ended.value.code
        answer = Answer(0 if code is None else int(code), captured.out, captured.err)
        shown = f"{answer.out}{answer.err}"
        assert "Traceback" not in shown
        for name in ("TELEGRAM_TOKEN", "LEDGER_KEY"):
            secret = os.environ.get(f"YUQING_{name}", "")
            assert not secret or secret not in shown
            assert not secret or secret.partition(":")[2] not in shown or ":" not in secret
        return answer

    def database(self, work: Callable[[Any], T]) -> T:
        store = Store(os.environ.get("YUQING_DATABASE_URL", "sqlite:///yuqing.db"))
        try:
            return store.run(work)
        finally:
            store.close()


@pytest.fixture
def empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Terminal]:
    """A terminal in an empty folder, with an environment without us."""
    for name in [n for n in os.environ if n.startswith("YUQING_") and not n.startswith("YUQING_TEST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield Terminal(tmp_path, capsys, monkeypatch)
    root.handlers[:], root.level = handlers, level


@pytest.fixture
def yuqing(empty: Terminal) -> Terminal:
    """The same, with the configuration of `yuqing init`."""
    assert empty("init").code == 0
    return empty


@pytest.fixture
def founded(yuqing: Terminal, migrated_file: Path) -> Terminal:
    """The same, with a database that holds nothing yet."""
    shutil.copy(migrated_file, "yuqing.db")
    return yuqing


@pytest.mark.usefixtures("founded")
def test_a_look_keeps_no_writer_waiting() -> None:
    def work(session: Session) -> int:
        session.scalars(select(LedgerRow)).all()
        with closing(sqlite3.connect("yuqing.db", timeout=0, isolation_level=None)) as service:
            return service.execute("BEGIN IMMEDIATE").rowcount

    assert common.from_store(Settings(database_url="sqlite:///yuqing.db"), work) == -1


@contextmanager
def beside(serve: Callable[[threading.Event, asyncio.Event], Coroutine[Any, Any, None]]) -> Iterator[None]:
    """Run a server on a loop of its own, for commands that run theirs: it says when it is up, and is told to stop."""
    ready, stop, loop = threading.Event(), asyncio.Event(), asyncio.new_event_loop()

    def work() -> None:
        loop.run_until_complete(serve(ready, stop))
        loop.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


@dataclass
class Web:
    """Feeds on this machine: `pages` by name, as they stand now."""

    base: str
    pages: dict[str, tuple[int, str, str]]

    def show(self, name: str, *titles: str) -> None:
        items = "".join(
            f"<item><guid>{title}</guid><title>{title}</title><link>http://forum.example/{n}</link>"
            f"<pubDate>{utc_now() - timedelta(minutes=n):%a, %d %b %Y %H:%M:%S} GMT</pubDate></item>"
            for n, title in enumerate(titles)
        )
        text = f'<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>{items}</channel></rss>'
        self.pages[name] = (200, "application/rss+xml", text)


@pytest.fixture
def feeds() -> Iterator[Web]:
    served = Web("", {})

    async def answer(request: web.Request) -> web.Response:
        status, kind, text = served.pages.get(request.match_info["name"], (404, "text/plain", "nothing"))
        return web.Response(status=status, body=text.encode(), content_type=kind)

    async def serve(ready: threading.Event, stop: asyncio.Event) -> None:
        application = web.Application()
        application.router.add_get("/{name}", answer)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        served.base = f"http://{host}:{port}"
        ready.set()
        await stop.wait()
        await runner.cleanup()

    with beside(serve):
        yield served


@pytest.fixture
def sandbox() -> Iterator[str]:
    """The address of a Bot API that knows SANDBOX_TOKEN and the groups of the templates."""
    found: list[str] = []

    async def serve(ready: threading.Event, stop: asyncio.Event) -> None:
        groups = tuple(SandboxGroup(chat, name, (1001,)) for chat, name in GROUPS.items())
        async with Sandbox(Cast((SandboxPerson(1001, "李雷", "值班员"),), groups)) as running:
            found.append(running.base_url)
            ready.set()
            await stop.wait()

    with beside(serve):
        yield found[0]


def watch(folder: Path, feeds: Web, *names: str) -> None:
    """Point the configuration at feeds on this machine."""
    host = feeds.base.removeprefix("http://")
    entries = "\n".join(
        f'[[source]]\nid = "{name}"\nname = "来源{name}"\nkind = "feed"\nurl = "{feeds.base}/{name}"\n'
        f'site = "论坛"\nitem_kind = "post"\ntags = ["本县"]\nallow_hosts = ["{host}"]\n'
        for name in names
    )
    text = f'contact = "mailto:duty@example.gov.cn"\n{entries}'
    (folder / "config" / "sources.toml").write_text(text, encoding="utf-8")


# --- help and usage ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_answers_help(empty: Terminal, words: tuple[str, ...]) -> None:
    answer = empty(*words, "--help")
    assert (answer.code, answer.err) == (0, "")
    usage = answer.out.partition("\n")[0]
    assert re.fullmatch(f"用法：yuqing {' '.join(words)}".rstrip() + "[^A-Za-z]*", usage)
    english = re.search(r"Usage|Options|Arguments|Commands|Show this|default|required|<[a-z]", answer.out)
    assert english is None
    assert max(cell_len(line) for line in answer.out.splitlines()) <= 80
    assert list(empty.folder.iterdir()) == []


def test_help_lists_exactly_the_commands_that_exist(empty: Terminal) -> None:
    listed = re.findall(r"^  ([a-z]+) {2,}", empty("--help").out.partition("命令：")[2], re.MULTILINE)
    assert set(listed) == {words[0] for words in COMMANDS if words}
    assert app.info.name == "yuqing"


@pytest.mark.parametrize("words", [("--dir", "here"), ("--port", "18080"), ("--pace", "5")])
def test_a_story_that_plays_itself_says_what_it_would_not_heed(
    empty: Terminal, words: tuple[str, ...]
) -> None:
    answer = empty("demo", "--auto", *words)
    assert (answer.code, answer.out) == (2, "")
    assert words[0] in answer.err
    assert "请去掉 --auto" in answer.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("chek",), "没有命令 chek，是不是 check？"),
        (("frobnicate",), "没有命令 frobnicate。"),
        (("check", "--lvie"), "没有选项 --lvie，是不是 --live？"),
        (("check", "extra"), "多写了 extra。"),
        (("why",), "缺少 编号或链接。"),
        (("people", "invite", "张三"), "缺少 --role。"),
        (("people", "invite", "张三", "--role"), "--role 后面要写值。"),
        (("people", "invite", "张三", "--role", "duty", "--hours", "0"), "--hours 不能小于 1。"),
        (("people", "invite", "张三", "--role", "duty", "--hours", "999"), "--hours 不能大于 168。"),
        (("demo", "--port", "99999"), "--port 不能大于 65535。"),
        (("people", "revoke", "张三"), "编号 应为整数。"),
        (("demo", "--pace", "fast"), "--pace 应为数字。"),
        (("check", "--live=yes"), "--live 后面不写值。"),
    ],
)
def test_a_wrong_call_is_told_in_chinese_with_where_its_help_is(
    empty: Terminal, words: tuple[str, ...], told: str
) -> None:
    answer = empty(*words)
    assert (answer.code, answer.out) == (2, "")
    first, second = answer.err.splitlines()
    assert first == told
    assert second.startswith("用法见 yuqing")
    assert second.endswith("--help。")


@pytest.mark.parametrize("words", [(), ("rules",), ("people",), ("audit",)], ids=" ".join)
def test_a_call_without_a_command_gets_the_help(empty: Terminal, words: tuple[str, ...]) -> None:
    answer = empty(*words)
    assert answer.code == 2
    assert "命令：" in answer.err


# --- init and check ---------------------------------------------------------------------------------------------


def test_what_init_writes_is_a_configuration_that_check_accepts(empty: Terminal) -> None:
    answer = empty("init")
    assert answer.code == 0
    config = empty.folder / "config"
    year = utc_now().astimezone(ZoneInfo("Asia/Shanghai")).year
    assert sorted(str(p.relative_to(config)) for p in config.rglob("*.toml")) == [
        f"calendar/{year}.toml",
        "office.toml",
        "roster.toml",
        "rules.toml",
        "sources.toml",
    ]
    assert "yuqing check" in answer.out
    checked = empty("check")
    assert (checked.code, checked.out) == (0, "")
    assert "处提醒：示例县人民政府办公室，5 个渠道，3 个来源。" in checked.err
    assert "没有问题" not in checked.err
    warned = [line for line in checked.err.splitlines() if "提醒：" in line]
    for word in (
        'name = "示例县人民政府办公室"',
        "county = ",
        '"-1001000000001"',
        "YUQING_ADMINS",
        "YUQING_LEDGER_KEY",
    ):
        assert sum(word in line for line in warned) == 1
    assert "YUQING_TELEGRAM_TOKEN" in checked.err


def test_check_of_a_desk_that_was_made_ones_own_has_nothing_to_remind_of(yuqing: Terminal) -> None:
    for file in (yuqing.folder / "config").rglob("*.toml"):
        text = file.read_text(encoding="utf-8").replace("示例县", "云汀县").replace("example.", "yunting.")
        file.write_text(text.replace("-10010000000", "-10020000000"), encoding="utf-8")
    yuqing.set(ADMINS="1001", LEDGER_KEY="a-long-key-of-the-office")
    checked = yuqing("check")
    assert checked.code == 0
    assert "配置没有问题：云汀县人民政府办公室，5 个渠道，3 个来源。" in checked.err
    assert "提醒" not in checked.err
    assert yuqing("check", "--json").json == {"problems": [], "warnings": [], "findings": []}


def test_the_days_of_the_offices_own_calendar_are_counted_and_checked(yuqing: Terminal) -> None:
    (calendar,) = (yuqing.folder / "config" / "calendar").iterdir()
    text = re.sub("^#(?=[^ ])", "", calendar.read_text(encoding="utf-8"), flags=re.MULTILINE)
    calendar.write_text(text, encoding="utf-8")
    assert "3 个来源，工作日调整 2 天。" in yuqing("check").err
    line = text[: text.index('reason = "集中')].count("\n") + 1
    calendar.write_text(text.replace('reason = "集中', 'why = "集中'), encoding="utf-8")
    answer = yuqing("check")
    assert answer.code == 2
    assert f"{calendar.name}:{line}  workday[第1个].why：不认识的键" in answer.err


def test_init_into_another_folder_says_how_to_use_it(empty: Terminal) -> None:
    assert "YUQING_CONFIG=conf" in empty("init", "conf").out
    empty.set(CONFIG="conf")
    assert empty("check").code == 0


def test_init_overwrites_nothing_and_writes_nothing_beside(empty: Terminal) -> None:
    (empty.folder / "config").mkdir()
    (empty.folder / "config" / "rules.toml").write_text("mine", encoding="utf-8")
    answer = empty("init")
    assert (answer.code, answer.out) == (1, "")
    assert "rules.toml" in answer.err
    assert [p.name for p in (empty.folder / "config").iterdir()] == ["rules.toml"]
    assert (empty.folder / "config" / "rules.toml").read_text(encoding="utf-8") == "mine"


def test_init_where_nothing_can_be_written_says_so(empty: Terminal) -> None:
    (empty.folder / "file").write_text("", encoding="utf-8")
    answer = empty("init", "file/config")
    assert answer.code == 1
    assert len(answer.err.splitlines()) == 1


def test_check_tells_all_problems_of_settings_and_files_at_once(yuqing: Terminal) -> None:
    config = yuqing.folder / "config"
    office = (config / "office.toml").read_text(encoding="utf-8")
    (config / "office.toml").write_text(office.replace('"ZFB"', '"zfb"'), encoding="utf-8")
    (config / "sources.toml").unlink()
    yuqing.set(ADMINS="zhang", TELEGRAM_TOKEN="no-token-at-all", SURPRISE="1")
    for command in (("check",), ("run",), ("poll", "--once"), ("digest",)):
        answer = yuqing(*command)
        assert (answer.code, answer.out) == (78 if command == ("run",) else 2, "")
        head, *lines = answer.err.splitlines()
        assert "5 处问题" in head
        assert len(lines) == 5
        for word in (
            r"office\.toml:\d",
            "sources.toml",
            "YUQING_ADMINS",
            "YUQING_TELEGRAM_TOKEN",
            "YUQING_SURPRISE",
        ):
            assert sum(bool(re.search(word, line)) for line in lines) == 1
    assert not (yuqing.folder / "yuqing.db").exists()


def test_check_tells_problems_to_machines_too(yuqing: Terminal) -> None:
    yuqing.set(ADMINS="zhang")
    answer = yuqing("check", "--json")
    assert answer.code == 2
    (problem,) = answer.json["problems"]
    assert problem["where"] == "YUQING_ADMINS"
    assert answer.json["warnings"] == answer.json["findings"] == []
    yuqing.set(ADMINS="1")
    answer = yuqing("check", "--json")
    assert (answer.code, answer.json["problems"], answer.json["findings"]) == (0, [], [])
    warned = [warning["where"] for warning in answer.json["warnings"]]
    assert {"name", "county", "duty_chat", "contact", "YUQING_LEDGER_KEY"} < set(warned)
    assert "YUQING_ADMINS" not in warned


def test_check_live_reads_the_sources_and_greets_the_platform(
    yuqing: Terminal, feeds: Web, sandbox: str
) -> None:
    feeds.show("good", "停水三天", "停电")
    watch(yuqing.folder, feeds, "good")
    yuqing.set(TELEGRAM_TOKEN=SANDBOX_TOKEN, TELEGRAM_API=sandbox)
    answer = yuqing("check", "--live")
    assert answer.code == 0, answer
    assert "│ good" in answer.out
    assert "2 条" in answer.out
    assert "运维群" in answer.out
    assert "有问题" not in answer.out
    assert not (yuqing.folder / "yuqing.db").exists()


def test_check_live_hints_at_paths_that_find_nothing_and_shows_the_status_of_a_fault(
    yuqing: Terminal, feeds: Web, sandbox: str
) -> None:
    entries = [{"id": str(n), "content": "停水三天", "like": n, "pid": "0"} for n in range(3)]
    feeds.pages["talk"] = (200, "application/json", json.dumps({"data": entries}))
    watch(yuqing.folder, feeds, "talk")
    path = yuqing.folder / "config" / "sources.toml"
    mapping = 'items = "data"\nid = "id"\ntext = "content"\nparent = "parent_id"\nlikes = "like"\n'
    path.write_text(
        path.read_text(encoding="utf-8").replace('"feed"', '"comments"') + f"[source.mapping]\n{mapping}",
        encoding="utf-8",
    )
    yuqing.set(TELEGRAM_TOKEN=SANDBOX_TOKEN, TELEGRAM_API=sandbox)
    answer = yuqing("check", "--live")
    assert answer.code == 0
    assert "来源 talk：3 条\n来源 talk：提示：parent 的路径 parent_id 在 3 条里都找不到" in answer.out
    assert "likes" not in answer.out
    (finding,) = [f for f in yuqing("check", "--live", "--json").json["findings"] if "talk" in f["subject"]]
    assert (finding["ok"], finding["status"], len(finding["hints"])) == (True, 200, 1)
    feeds.pages["talk"] = (503, "text/html", "busy")
    (row,) = [line for line in yuqing("check", "--live").out.splitlines() if "│ talk" in line]
    assert "│ 503" in row


def test_check_live_tells_each_fault_and_fails(yuqing: Terminal, feeds: Web, sandbox: str) -> None:
    feeds.show("good", "停水三天")
    feeds.pages["login"] = (200, "text/html", "<!doctype html><html><body>请登录</body></html>")
    watch(yuqing.folder, feeds, "good", "gone", "login")
    yuqing.set(TELEGRAM_TOKEN=REFUSED_TOKEN, TELEGRAM_API=sandbox)
    answer = yuqing("check", "--live", "--json")
    assert answer.code == 1
    findings = {f["subject"]: f for f in answer.json["findings"]}
    assert {name: f["ok"] for name, f in findings.items()} == {
        "来源 good": True,
        "来源 gone": False,
        "来源 login": False,
        "令牌": False,
    }
    assert all(f["cure"] for f in findings.values() if not f["ok"])
    shown = yuqing("check", "--live")
    assert shown.code == 1
    assert "实测有 3 项不通" in shown.err


def test_a_page_and_a_name_with_square_brackets_are_shown_as_they_are(founded: Terminal, feeds: Web) -> None:
    feeds.pages["login"] = (200, "text/html", "<!doctype html><title>登录[/b]系统</title>")
    watch(founded.folder, feeds, "login")
    path = founded.folder / "config" / "sources.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('name = "', 'name = "[/本县]'), encoding="utf-8")
    assert "登录[/b]系统" in founded("check", "--live").out
    assert "[/本县]" in founded("sources").out


def test_polling_once_leaves_out_what_is_pushed_and_says_so_where_it_is_asked_for(
    yuqing: Terminal, feeds: Web
) -> None:
    feeds.show("good", "停水三天")
    watch(yuqing.folder, feeds, "good")
    path = yuqing.folder / "config" / "sources.toml"
    inbox = '\n[[source]]\nid = "hotline"\nname = "热线"\nkind = "inbox"\n'
    path.write_text(path.read_text(encoding="utf-8") + inbox, encoding="utf-8")
    whole = yuqing("poll", "--once")
    assert (whole.code, "已读取" in whole.out) == (0, True), whole
    alone = yuqing("poll", "--once", "hotline")
    assert alone.code == 2
    assert "由对方推送" in alone.err


def test_a_whole_round_reads_the_comment_feeds_under_watch_too(yuqing: Terminal, feeds: Web) -> None:
    feeds.show("talk", "顶，我家也是")
    feeds.show("board", "示例县人民路停水三天了没人管", "路灯不亮半个月了")
    watch(yuqing.folder, feeds, "board")
    status, kind, text = feeds.pages["board"]
    for replies in (1, 2):  # a count that rises puts its feed under watch
        named = (
            f'<item xmlns:wfw="http://wellformedweb.org/CommentAPI/"'
            f' xmlns:slash="http://purl.org/rss/1.0/modules/slash/"><slash:comments>{replies}</slash:comments>'
            f"<wfw:commentRss>{feeds.base}/talk</wfw:commentRss>"
        )
        feeds.pages["board"] = (status, kind, text.replace("<item>", named, 1))
        whole = yuqing("poll", "--once", "--json")
        assert [row["source"].split("~")[0] for row in whole.json] == ["board"] * replies
    assert whole.json[1]["entries"] == 1
    assert "来源board 评论（board" in yuqing("poll", "--once").out
    assert "评论" not in yuqing("poll", "--once", "board").out


def test_check_live_without_a_token_still_reads_the_sources(yuqing: Terminal, feeds: Web) -> None:
    feeds.show("good", "停水三天")
    watch(yuqing.folder, feeds, "good")
    answer = yuqing("check", "--live")
    assert answer.code == 1
    assert "│ good" in answer.out
    assert "没有设置 YUQING_TELEGRAM_TOKEN" in answer.out


# --- run --------------------------------------------------------------------------------------------------------


def test_run_without_a_token_says_so_in_one_line_and_starts_nothing(yuqing: Terminal) -> None:
    answer = yuqing("run")
    assert (answer.code, answer.out) == (78, "")
    _, line = answer.err.splitlines()
    assert "YUQING_TELEGRAM_TOKEN" in line
    assert "@BotFather" in line
    assert not (yuqing.folder / "yuqing.db").exists()


def test_run_with_something_that_is_no_token_does_not_show_it(yuqing: Terminal) -> None:
    yuqing.set(TELEGRAM_TOKEN="123:my-secret-thing")
    answer = yuqing("run")
    assert answer.code == 78
    assert "（不显示）" in answer.err
    assert "my-secret-thing" not in answer.err


def test_run_with_a_token_that_the_platform_refuses_ends_in_one_line(yuqing: Terminal, sandbox: str) -> None:
    yuqing.set(TELEGRAM_TOKEN=REFUSED_TOKEN, TELEGRAM_API=sandbox)
    answer = yuqing("run", "--only", "bot")
    assert (answer.code, answer.out) == (1, "")
    start, *lines = [line for line in answer.err.splitlines() if " INFO " not in line]
    assert start.startswith("yuqing 启动：只跑机器人，不读来源；")
    assert len(lines) == 1
    assert "YUQING_TELEGRAM_TOKEN" in lines[0]


def test_run_knows_only_two_halves(yuqing: Terminal) -> None:
    answer = yuqing("run", "--only", "everything")
    assert answer.code == 2
    assert "monitors 或 bot" in answer.err


@pytest.mark.slow
def test_a_running_service_keeps_a_second_one_out_and_ends_politely(yuqing: Terminal, sandbox: str) -> None:
    variables = {"YUQING_TELEGRAM_TOKEN": SANDBOX_TOKEN, "YUQING_TELEGRAM_API": sandbox}
    first = subprocess.Popen(
        [sys.executable, "-m", "bot", "run", "--only", "bot"],
        cwd=yuqing.folder,
        env={**os.environ, **variables, "PYTHONPATH": str(Path(__file__).parent.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert first.stderr is not None
        seen = []
        for line in first.stderr:
            seen.append(line)
            if "at work" in line:
                break
        yuqing.set(TELEGRAM_TOKEN=SANDBOX_TOKEN, TELEGRAM_API=sandbox)
        second = yuqing("run", "--only", "bot")
        assert second.code == 1
        assert "已有一个 yuqing" in second.err
        first.send_signal(signal.SIGINT)
        out, err = first.communicate(timeout=20)
    finally:
        first.kill()
    told = "".join(seen) + err
    assert (first.returncode, out) == (0, "")
    assert told.splitlines()[-1].startswith("yuqing 已正常停止")
    assert SANDBOX_TOKEN not in told
    assert "Traceback" not in told


def test_a_database_that_cannot_be_opened_is_one_line_without_its_password(yuqing: Terminal) -> None:
    for url in ("sqlite:////nowhere/at/all.db", "postgresql://yuqing:pass-word@127.0.0.1:9/yuqing"):
        yuqing.set(DATABASE_URL=url)
        answer = yuqing("people", "list")
        assert (answer.code, answer.out) == (1, "")
        (line,) = answer.err.splitlines()
        assert "YUQING_DATABASE_URL" in line
        assert "pass-word" not in line


# --- poll, why --------------------------------------------------------------------------------------------------


def test_poll_says_what_came_and_what_became_of_it_and_why_tells_each_step(
    yuqing: Terminal, feeds: Web
) -> None:
    feeds.show("forum", "路灯不亮半个月了")
    watch(yuqing.folder, feeds, "forum", "gone")
    first = yuqing("poll", "--once", "forum")
    assert (first.code, first.err) == (0, "")
    assert "来源forum（forum）：已读取，1 条，新 1" in first.out
    assert "首次接入，记为存量，不告警" in first.out

    feeds.show("forum", "示例县人民路停水三天了没人管", "路灯不亮半个月了")
    answer = yuqing("poll", "--once", "--json")
    assert answer.code == 1  # the other source is gone
    forum, gone = answer.json
    assert (forum["source"], forum["new"], forum["problem"]) == ("forum", 1, None)
    assert "新事项 YQ-" in forum["outcomes"][0]
    assert "404" in gone["problem"]
    assert gone["cure"]
    assert answer.err == ""

    number = re.search(r"YQ-\d{4}-\d{4}", forum["outcomes"][0])
    assert number is not None
    for key in (number[0], "1", "http://forum.example/0"):
        told = yuqing("why", key)
        assert (told.code, told.err) == (0, "")
        for word in ("读到", "情绪", "规则", "归并", "台账", "时限", "消息"):
            assert word in told.out
    shown = yuqing("why", number[0]).out
    for word in ("来源 来源forum", "系统 立项：", "转办 到 ", "公开回应 到 ", "卡片 到 值班群：待发"):
        assert word in shown
    for code in ("dispatch", "pending", "-1001000000001", "reasons=", "UTC"):
        assert code not in shown
    steps = yuqing("why", number[0], "--json").json
    assert {"at", "what", "detail"} == set(steps[0])
    assert any("card 到 -1001000000001：pending" in step["detail"] for step in steps)

    of_a_source = yuqing("why", "forum")
    assert of_a_source.code == 1
    assert "“forum”是来源的编号" in of_a_source.err
    assert "yuqing poll --once forum" in of_a_source.err

    (yuqing.folder / "config" / "office.toml").rename(yuqing.folder / "office.toml")
    without = yuqing("why", number[0])
    (yuqing.folder / "office.toml").rename(yuqing.folder / "config" / "office.toml")
    assert (without.code, without.err) == (0, "")
    assert "卡片 到 -1001000000001：待发" in without.out
    assert all(" UTC  " in line for line in without.out.splitlines() if line[0] == "2")

    unchanged = yuqing("poll", "--once", "forum")
    assert unchanged.code == 0
    assert "无变化" in unchanged.out


def test_why_of_something_unknown_says_what_to_check(founded: Terminal) -> None:
    answer = founded("why", "YQ-2026-9999")
    assert (answer.code, answer.out) == (1, "")
    assert "YQ-2026-9999" in answer.err


def test_why_of_a_site_that_nobody_reads_says_so(founded: Terminal) -> None:
    answer = founded("why", "http://nowhere.example/1")
    assert (answer.code, answer.err) == (0, "")
    assert "没有来源读取网站 nowhere.example" in answer.out


def test_poll_wants_once_and_a_source_that_exists(yuqing: Terminal) -> None:
    assert (yuqing("poll").code, yuqing("poll", "--once", "nosuch").code) == (2, 2)
    assert "county-news" in yuqing("poll", "--once", "nosuch").err


# --- rules and sentiment ----------------------------------------------------------------------------------------

WATER = "示例县人民路停水三天了没人管"


def test_rules_test_says_where_a_text_would_go_and_why(yuqing: Terminal) -> None:
    answer = yuqing("rules", "test", "--text", WATER)
    assert (answer.code, answer.err) == (0, "")
    assert "网信 network" in answer.out
    assert "规则「供水」：停水" in answer.out


def test_rules_test_fails_where_the_answer_is_another_than_expected(yuqing: Terminal) -> None:
    file = yuqing.folder / "texts.txt"
    file.write_text(f"{WATER}\n\n今天天气真好\n", encoding="utf-8")
    answer = yuqing("rules", "test", str(file), "--expect", "network")
    assert answer.code == 1
    assert len(answer.out.splitlines()) == 2
    assert "1 段与期望的 network 不符" in answer.err
    assert yuqing("rules", "test", "--text", WATER, "--expect", "network").code == 0
    assert yuqing("rules", "test", "--text", "今天天气真好", "--expect", "none").code == 0


def test_rules_test_answers_machines(yuqing: Terminal) -> None:
    (row,) = yuqing("rules", "test", "--text", WATER, "--json").json
    assert (row["text"], row["relevant"], row["channel"], row["topic"]) == (WATER, True, "network", "供水")
    assert row["reasons"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "二选一"),
        (("--text", "停水", "texts.txt"), "二选一"),
        (("--text", "停水", "--kind", "video"), "--kind"),
        (("--text", "停水", "--expect", "nowhere"), "--expect"),
    ],
)
def test_rules_test_called_in_a_wrong_way_says_how(
    yuqing: Terminal, words: tuple[str, ...], told: str
) -> None:
    answer = yuqing("rules", "test", *words)
    assert (answer.code, answer.out) == (2, "")
    assert told in answer.err


@pytest.mark.parametrize("command", [("rules", "test"), ("sentiment", "score")], ids=" ".join)
def test_a_file_that_cannot_be_read_is_one_clear_line(yuqing: Terminal, command: tuple[str, ...]) -> None:
    (yuqing.folder / "latin.txt").write_bytes("停水三天没人管".encode("gb18030"))
    for file, told in (("missing.txt", "没有文件"), ("latin.txt", "UTF-8"), (".", "读不出")):
        answer = yuqing(*command, file)
        assert (answer.code, answer.out) == (1, "")
        (line,) = answer.err.splitlines()
        assert told in line


def test_sentiment_scores_each_line_and_judges_nothing_without_chinese(empty: Terminal) -> None:
    file = empty.folder / "texts.txt"
    file.write_text("停水三天没人管，太过分了\nhello world\n", encoding="utf-8")
    answer = empty("sentiment", "score", str(file))
    assert (answer.code, answer.err) == (0, "")
    angry, foreign = answer.out.splitlines()
    assert re.match(r"消极　停水三天.*（依据：.*没人.*）", angry)
    assert foreign.startswith("不判")
    rows = empty("sentiment", "score", str(file), "--json").json
    assert [row["text"] for row in rows] == ["停水三天没人管，太过分了", "hello world"]
    assert 0 <= rows[0]["raw"] <= 1
    assert rows[1]["raw"] is None
    assert empty("sentiment", "score").code == 2


# --- people -----------------------------------------------------------------------------------------------------


def test_a_code_is_shown_once_and_kept_nowhere_in_the_clear(yuqing: Terminal) -> None:
    answer = yuqing("people", "invite", "张三", "--role", "duty", "--role", "reviewer")
    assert answer.code == 0
    (line,) = answer.out.splitlines()
    assert re.fullmatch(r"/join [\w-]{20,}", line)
    assert "以 /join 开头的一行是 张三 的邀请码" in answer.err  # makes sense above and below that line
    assert line.split()[1].encode() not in (yuqing.folder / "yuqing.db").read_bytes()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--role", "boss"), "没有角色 boss"),
        (("--role", "contact"), "--channel"),
        (("--role", "duty", "--channel", "network"), "--channel"),
        (("--role", "contact", "--channel", "nosuch"), "没有渠道 nosuch"),
        (("--role", "admin", "--role", "auditor"), "审计员"),
    ],
)
def test_an_invitation_that_makes_no_sense_is_refused(
    yuqing: Terminal, words: tuple[str, ...], told: str
) -> None:
    answer = yuqing("people", "invite", "张三", *words)
    assert (answer.code, answer.out) == (2, "")
    assert told in answer.err
    assert not (yuqing.folder / "yuqing.db").exists()


def test_a_narrow_terminal_folds_the_list_of_people_and_cuts_nothing(
    founded: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hire(session: Any) -> None:
        person = PersonRow(name="欧阳震华", added_at=utc_now())
        session.add(person)
        session.flush()
        roles = [PersonRoleRow(person_id=person.id, role=role, channel="") for role in Role]
        contact = [
            PersonRoleRow(person_id=person.id, role=Role.CONTACT, channel=key)
            for key in ("network", "petition")
        ]
        account = AccountRow(platform="telegram", user_ref="123456789012345", chat_ref="123456789012345")
        account.person_id = person.id
        session.add_all([*(row for row in roles if row.role is not Role.CONTACT), *contact, account])

    founded.database(hire)
    monkeypatch.setattr(common.out, "_width", 80)
    shown = founded("people", "list").out
    cells = [re.split("[│┃]", line)[1:-1] for line in shown.splitlines() if line.startswith("│")]
    whole = ["".join(cell.strip() for cell in column) for column in zip(*cells, strict=True)]
    assert whole[1] == "欧阳震华"
    assert "系统管理员" in whole[2]
    assert whole[3] == "网信、信访"
    assert whole[4] == "telegram:123456789012345"
    assert "…" not in shown
    (founded.folder / "config" / "office.toml").unlink()
    assert "network" in founded("people", "list").out.replace("\n", "")


def test_people_are_listed_and_revoked(founded: Terminal) -> None:
    nobody = founded("people", "list")
    assert (nobody.code, nobody.out) == (0, "")
    assert "还没有登记人员" in nobody.err
    founded.database(
        lambda s: s.add_all(
            [PersonRow(name="张三", added_at=utc_now()), PersonRow(name="李四", added_at=utc_now())]
        )
    )
    assert [p["name"] for p in founded("people", "list", "--json").json] == ["张三", "李四"]
    answer = founded("people", "revoke", "1")
    assert (answer.code, answer.out) == (0, "已撤销 张三 的全部权限。\n")
    listed = founded("people", "list")
    assert "张三" in listed.out
    assert listed.out.count("已撤销") == 1
    unknown = founded("people", "revoke", "99")
    assert unknown.code == 1
    assert "people list" in unknown.err


@pytest.mark.parametrize(
    "words",
    [
        ("why", "1"),
        ("digest",),
        ("people", "list"),
        ("people", "revoke", "1"),
        ("sources",),
        ("audit", "verify"),
        ("export", "ledger", "--out", "a.xlsx", "--reason", "年度档案检查"),
        ("export", "brief", "1", "--out", "a.docx", "--reason", "年度档案检查"),
        ("models", "train"),
    ],
    ids=" ".join,
)
def test_looking_where_there_is_no_database_makes_none(yuqing: Terminal, words: tuple[str, ...]) -> None:
    before = sorted(yuqing.folder.rglob("*"))
    answer = yuqing(*words)
    assert (answer.code, answer.out) == (1, "")
    (line,) = answer.err.splitlines()
    assert line == (
        f"没有 SQLite {yuqing.folder / 'yuqing.db'}，什么都没有做。"
        "请检查 YUQING_DATABASE_URL 和工作目录；第一次用先运行 yuqing run，会自动建好。"
    )
    (yuqing.folder / "yuqing.db").touch()
    answer = yuqing(*words)
    assert (answer.code, answer.out) == (1, "")
    assert "没有 yuqing 的数据" in answer.err
    (yuqing.folder / "yuqing.db").unlink()
    assert sorted(yuqing.folder.rglob("*")) == before


# --- digest, audit, export --------------------------------------------------------------------------------------


def test_a_digest_is_printed_saved_and_sent(founded: Terminal) -> None:
    week = founded("digest", "--week", "2026-W47", "--out", "week.png")
    assert week.code == 0
    assert week.out.startswith("📊 舆情周报 2026-W47\n示例县人民政府办公室　11-16 至 11-22\n")
    assert (founded.folder / "week.png").read_bytes().startswith(b"\x89PNG")
    numbers = json.loads(founded("digest", "--week", "2026-W47", "--json").out)
    assert numbers["span"] == "2026-W47"
    assert [line["key"] for line in numbers["channels"]]
    day = founded("digest", "--day", "2026-11-20")
    assert day.out.startswith("📊 舆情日报 2026-11-20\n示例县人民政府办公室　11-20\n")
    sent = founded("digest", "--send")
    assert "已排入发送：1 个会话" in sent.err
    queued = founded.database(lambda s: [(r.chat, r.kind) for r in s.query(OutboxRow)])
    assert queued == [("-1001000000001", "digest")]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--week", "2026-99"), 2),
        (("--week", "2026-W60"), 2),
        (("--day", "yesterday"), 2),
        (("--week", "2026-W47", "--day", "2026-11-20"), 2),
        (("--out", "no/such/folder.png"), 1),
        (("--out", "week.pdf"), 2),
    ],
)
def test_a_digest_that_cannot_be_is_one_clear_line(
    yuqing: Terminal, words: tuple[str, ...], code: int
) -> None:
    answer = yuqing("digest", *words)
    assert (answer.code, answer.out) == (code, "")
    assert len(answer.err.splitlines()) == 1


def test_the_record_is_verified_and_the_first_wrong_line_is_named(founded: Terminal) -> None:
    assert founded("audit", "verify").out == "台账还没有记录。\n"
    for name in ("张三", "李四", "王五"):
        assert founded("people", "invite", name, "--role", "duty").code == 0
    whole = founded("audit", "verify")
    assert whole.code == 0
    assert "台账 3 行，全部相符" in whole.out
    assert founded("audit", "verify", "--json").json["broken"] is None

    def forge(session: Session) -> None:
        unguard(session)
        session.execute(update(LedgerRow).where(LedgerRow.seq == 2).values(actor="别人"))

    founded.database(forge)
    broken = founded("audit", "verify")
    assert broken.code == 1
    assert "第 2 行不符" in broken.out
    machine = founded("audit", "verify", "--json")
    assert (machine.code, machine.json["broken"]["seq"], machine.json["lines"]) == (1, 2, 1)


def test_a_posted_head_is_compared_with_the_record(yuqing: Terminal) -> None:
    yuqing("people", "invite", "张三", "--role", "duty")
    machine = yuqing("audit", "verify", "--json").json
    code = f"1:{machine['head'][:16]}"
    answer = yuqing("audit", "verify", "--head", code)
    assert (answer.code, answer.out) == (0, f"台账 1 行，全部相符。与 1 处存证一致。末行校验码 {code}\n")
    ahead = yuqing("audit", "verify", "--head", code, "--head", "9:0123456789abcdef")
    assert ahead.code == 1
    assert "第 2 行不符：末尾至少缺少 8 行：存证校验码 9:0123456789abcdef已到第 9 行" in ahead.out
    other = yuqing("audit", "verify", "--head", "1:0123456789abcdef")
    assert other.code == 1
    assert "第 1 至 1 行与存证校验码 1:0123456789abcdef不符" in other.out
    wrong = yuqing("audit", "verify", "--head", "abc")
    assert (wrong.code, wrong.out) == (2, "")
    assert "不是存证校验码" in wrong.err


def test_the_record_does_not_hold_under_another_key(yuqing: Terminal) -> None:
    yuqing.set(LEDGER_KEY="the-first-key-of-the-office")
    yuqing("people", "invite", "张三", "--role", "duty")
    assert yuqing("audit", "verify").code == 0
    yuqing.set(LEDGER_KEY="another-key-altogether")
    answer = yuqing("audit", "verify")
    assert answer.code == 1
    assert "第 1 行" in answer.out


def test_an_export_has_the_columns_of_the_form_and_leaves_a_line(yuqing: Terminal, feeds: Web) -> None:
    feeds.show("forum", "存量")
    watch(yuqing.folder, feeds, "forum")
    yuqing("poll", "--once")
    feeds.show("forum", WATER, "存量")
    yuqing("poll", "--once")
    answer = yuqing("export", "ledger", "--out", "ledger.xlsx", "--reason", "年度档案检查")
    assert answer.code == 0
    assert "已导出 1 行" in answer.err
    sheet = load_workbook(yuqing.folder / "ledger.xlsx").active
    header, row = list(sheet.iter_rows(values_only=True))
    assert list(header) == [column.name for column in LEDGER_COLUMNS]
    assert row[header.index("标题")] == WATER
    assert row[header.index("发布平台")] == "来源forum"
    last = yuqing.database(lambda s: s.query(LedgerRow).order_by(LedgerRow.seq.desc()).first())
    assert (last.action, last.actor) == ("export", "命令行")
    assert json.loads(last.data)["reason"] == "年度档案检查"
    assert yuqing("audit", "verify").code == 0


def test_the_file_of_a_matter_is_exported_with_a_reason_and_leaves_a_line(
    yuqing: Terminal, feeds: Web
) -> None:
    feeds.show("forum", "存量")
    watch(yuqing.folder, feeds, "forum")
    yuqing("poll", "--once")
    feeds.show("forum", WATER, "存量")
    yuqing("poll", "--once")
    for key in ("1", "YQ-2026-0001"):
        answer = yuqing("export", "case", key, "--out", f"{key}.xlsx", "--reason", "责任调查")
        assert (answer.code, answer.err) == (0, f"已导出 YQ-2026-0001 的案卷到 {key}.xlsx。\n")
    book = load_workbook(yuqing.folder / "1.xlsx")
    assert book["事项"]["B3"].value == WATER
    last = yuqing.database(lambda s: s.query(LedgerRow).order_by(LedgerRow.seq.desc()).first())
    told = json.loads(last.data)
    assert (last.action, last.case_id, told["what"], told["reason"]) == ("export", 1, "case", "责任调查")
    assert (told["full"], told["secrecy"]) == (False, False)
    lines = yuqing("audit", "verify").out
    unknown = yuqing("export", "case", "99", "--out", "1.xlsx", "--reason", "责任调查", "--force")
    assert unknown.code == 1
    assert "没有事项“99”" in unknown.err
    assert yuqing("export", "case", "1", "--out", "b.xlsx", "--reason", "查").code == 2
    assert (
        load_workbook(yuqing.folder / "1.xlsx")["事项"]["B3"].value == WATER
    )  # what was there is there still
    assert yuqing("audit", "verify").out == lines


def test_an_export_without_a_reason_or_a_place_is_none_and_leaves_no_line(founded: Terminal) -> None:
    assert founded("export", "ledger", "--out", "a.xlsx", "--reason", " 查 ").code == 2
    assert founded("export", "ledger", "--out", "a.xlsx", "--reason", "年度检查", "--week", "2026").code == 2
    assert founded("export", "ledger", "--out", "no/such/a.xlsx", "--reason", "年度检查").code == 1
    assert not (founded.folder / "a.xlsx").exists()
    assert founded("audit", "verify").out == "台账还没有记录。\n"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("kept.xlsx", ("export", "ledger", "--reason", "年度档案检查")),
        ("kept.png", ("digest", "--week", "2026-W47", "--send")),
    ],
)
def test_a_file_that_is_there_is_overwritten_only_by_force(
    founded: Terminal, name: str, words: tuple[str, ...]
) -> None:
    file = founded.folder / name
    file.write_text("last week", encoding="utf-8")
    answer = founded(*words, "--out", name)
    assert (answer.code, answer.out) == (1, "")
    (line,) = answer.err.splitlines()
    assert line == f"{name} 已存在，没有覆盖，什么都没有做。请换一个文件名，或加 --force 覆盖。"
    assert file.read_text(encoding="utf-8") == "last week"
    assert founded("audit", "verify").out == "台账还没有记录。\n"
    assert founded.database(lambda s: s.query(OutboxRow).count()) == 0
    assert founded(*words, "--out", name, "--force").code == 0
    assert file.read_bytes()[:2] in {b"PK", b"\x89P"}


# --- the process itself -----------------------------------------------------------------------------------------


def test_the_installed_command_ends_with_the_same_codes(empty: Terminal) -> None:
    yuqing = shutil.which("yuqing", path=str(Path(sys.executable).parent))
    assert yuqing is not None
    ended = subprocess.run([yuqing, "check"], cwd=empty.folder, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "yuqing init" in ended.stderr


def test_settings_beside_the_work_are_read(yuqing: Terminal) -> None:
    (yuqing.folder / ".env").write_text("YUQING_DATABASE_URL=sqlite:///elsewhere.db\n", encoding="utf-8")
    assert yuqing("people", "invite", "张三", "--role", "duty").code == 0
    assert (yuqing.folder / "elsewhere.db").exists()
    assert not (yuqing.folder / "yuqing.db").exists()


def test_standard_output_is_for_answers_and_standard_error_for_the_rest() -> None:
    assert common.console.stderr
    assert not common.out.stderr
