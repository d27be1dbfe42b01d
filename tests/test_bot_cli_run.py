"""What `yuqing run` says when it starts and when it stops: what runs, on what, what waits, and no secret."""

from pathlib import Path

import pytest
from test_bot_checks import INBOX, folder_with

from bot.app import Part
from bot.cli.service import farewell, greeting
from bot.config import load_folder
from bot.settings import Settings
from routing import inbox, outbox
from routing.clock import utc_now
from routing.outbox import MessageKind, Priority
from routing.store.engine import Store
from routing.store.migrate import migrate


def said(folder: Path, part: Part | None, **settings: str) -> str:
    whole = Settings(config=folder, **settings)  # type: ignore[arg-type]  # texts, each of them
    return greeting(whole, load_folder(folder), part)


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (None, "监看和机器人；3 个来源；数据库 SQLite /srv/desk.db；不接收推送；聊天平台 api.telegram.org"),
        ("monitors", "只跑监看，不发消息；3 个来源；数据库 SQLite /srv/desk.db；不接收推送"),
        ("bot", "只跑机器人，不读来源；3 个来源；数据库 SQLite /srv/desk.db；聊天平台 api.telegram.org"),
    ],
)
def test_each_half_says_what_it_does(tmp_path: Path, part: Part | None, told: str) -> None:
    shown = said(folder_with(tmp_path), part, database_url="sqlite:////srv/desk.db")
    assert shown == f"yuqing 启动：{told}。Ctrl-C 停止。"


def test_where_pushes_are_taken_is_said_and_how_many_sources_wait_for_them(tmp_path: Path) -> None:
    folder = folder_with(tmp_path)
    with (folder / "sources.toml").open("a", encoding="utf-8") as file:
        file.write(INBOX)
    listen = {"ingest_listen": "127.0.0.1:8089", "ingest_key": "key-of-the-pushes"}
    shown = said(folder, "monitors", **listen)
    assert "4 个来源（其中 1 个等推送）" in shown
    assert "在 127.0.0.1:8089 接收推送" in shown
    assert "8089" not in said(folder, "bot", **listen)
    assert "key-of-the-pushes" not in shown


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (
            "postgresql://desk:pass-word@db.example:5433/yuqing?password=pass-word",
            "PostgreSQL db.example:5433/yuqing；",
        ),
        ("postgresql+psycopg://desk:pass-word@/yuqing", "PostgreSQL 本机/yuqing；"),
        ("postgresql://desk:pass-word/1@db.example/yuqing", "PostgreSQL db.example/yuqing；"),
        ("sqlite:///:memory:?cache=pass-word", "SQLite（内存）；"),
    ],
    ids=["whole", "socket", "slash", "memory"],
)
def test_the_database_is_named_without_its_password(tmp_path: Path, address: str, told: str) -> None:
    api, proxy = "https://tg.example/pass-word", "http://me:pass-word@proxy.example:3128"
    shown = said(
        folder_with(tmp_path),
        None,
        database_url=address,
        telegram_api=api,
        telegram_proxy=proxy,
        telegram_token="1:pass-word",
        ledger_key="pass-word",
    )
    assert told in shown
    assert "聊天平台 tg.example。" in shown
    assert "pass-word" not in shown
    assert "desk" not in shown


def test_the_last_line_says_what_waits_for_the_next_start(tmp_path: Path) -> None:
    settings = Settings(config=tmp_path, database_url=f"sqlite:///{tmp_path}/desk.db")
    assert "数据库现在读不了" in farewell(settings, None)
    store, now = Store(settings.database_url), utc_now()
    migrate(store)
    assert farewell(settings, None) == "yuqing 已正常停止，没有做到一半的事。"
    kind, priority = MessageKind.TEXT, Priority.ALERT
    store.run(lambda s: outbox.queue(s, key="k", chat="duty", kind=kind, priority=priority, now=now))
    told = "yuqing 已正常停止。待发消息 1 条在库里，下次启动后接着办。"
    assert farewell(settings, None) == told
    store.run(lambda s: inbox.store(s, "chat", [{"update_id": 1}], now))
    assert "待发消息 1 条、待处理的群内操作 1 条在库里" in farewell(settings, None)
    assert farewell(settings, "monitors") == "yuqing 已正常停止。没有读完的来源，下次启动后重读。"
    store.close()
