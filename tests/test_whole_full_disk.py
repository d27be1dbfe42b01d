"""A disk without space under the running service: nothing that the sources bring is lost, and the operator hears of it.

On SQLite the kernel refuses every write of the service's process to a file (its limit of file sizes is set to nothing,
which needs no rights); on PostgreSQL the server refuses every row with the error that it has for a full disk.
"""

import json
import resource
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from test_whole_kill_sources import running_service
from whole import ON_BOTH, WATER, Feeds, Post, database

from bot.demo.office import DUTY, OPERATOR
from routing.store.tables import CaseRow, ItemRow

pytestmark = pytest.mark.slow

_FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
DO $$ DECLARE t text; BEGIN
  FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON %I FOR EACH STATEMENT'
                   ' EXECUTE FUNCTION full_disk()', t);
  END LOOP;
END $$
"""


def _set_full(url: str, process: int, *, full: bool) -> None:
    if url.startswith("sqlite"):
        _, most = resource.prlimit(process, resource.RLIMIT_FSIZE)
        resource.prlimit(process, resource.RLIMIT_FSIZE, (0 if full else most, most))
        return
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(_FULL if full else "DROP FUNCTION full_disk CASCADE")


def _stored(session: Session) -> list[str]:
    return list(session.scalars(select(ItemRow.external_id).order_by(ItemRow.external_id)))


def _crawled(path: Path) -> Callable[[Feeds], str]:
    return lambda _: (
        f'[[source]]\nid = "crawled"\nname = "云汀爬取"\nkind = "file"\npath = "{path}"\n'
        'item_kind = "post"\ntags = ["本县"]\ninterval_s = 1\n[source.mapping]\nid = "id"\ntext = "text"\n'
    )


@ON_BOTH
async def test_while_the_disk_is_full_nothing_is_lost_and_the_operator_is_told(
    kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "crawled.jsonl"
    path.write_text('{"id": "r0", "text": "早上好"}\n', encoding="utf-8")
    with database(kind, tmp_path) as url:
        async with running_service(tmp_path, url, _crawled(path), feeds=("forum",), ready=2) as service:
            stage = service.stage
            assert service.process is not None
            _set_full(url, service.process.pid, full=True)
            stage.feeds.publish(WATER)
            stage.feeds.publish(Post("p2", "读书会", "第二届邻里读书会报名开始了"))
            with path.open("a", encoding="utf-8") as file:
                for number in range(1, 21):
                    file.write(json.dumps({"id": f"r{number}", "text": f"第{number}场球赛今晚开始"}) + "\n")
            await stage.said(OPERATOR, "数据库写不进去", "磁盘空间")
            reads = stage.feeds.reads["forum"]
            await stage.until(lambda _: stage.feeds.reads["forum"] > reads)  # it goes on asking
            assert await stage.store.read(_stored) == ["r0"]

            _set_full(url, service.process.pid, full=False)
            await stage.card(DUTY, WATER.title, button="转办")
            await stage.said(OPERATOR, "数据库", "现已恢复")
            wanted = sorted([WATER.id, "p2", *(f"r{number}" for number in range(21))])
            await stage.until(lambda s: _stored(s) == wanted)
            assert await stage.store.read(lambda s: s.scalar(select(func.count(CaseRow.id)))) == 1
            for words in ("数据库写不进去", "现已恢复"):
                assert len(await service.told(OPERATOR, words)) == 1
