"""Replay the shipped rules on 100,000 stored texts, in a SQLite file that is thrown away.

    python tests/bench/replay.py [--items 100000]

The texts are made by a seeded generator: most are everyday talk, one in six names the county and a trouble, some were
matters. Prints texts a second and seconds; exit code 1 above 30 s for the whole.
"""

import argparse
import asyncio
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from parts import text as complaint
from sqlalchemy import insert

from bot.office_file import load_office
from bot.replaying import Draft, Replayed, replay
from routing.items import OWN_TAG, Band, Kind
from routing.office import Level
from routing.store.engine import Store
from routing.store.migrate import migrate
from routing.store.tables import CaseItemRow, CaseRow, ItemRow, Outcome, ProposalRow
from routing.workflow import State

GOAL_S = 30.0
DAYS = 7
NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
AT_ONCE = 5_000
A_MATTER, A_TROUBLE = 40, 6
SOURCES = {
    "forum": (OWN_TAG,),
    "board": (OWN_TAG, "问政"),
    "news": ("媒体",),
    "talk": (),
    "video": (),
}
TALK = (
    "周末 一起 吃饭 火锅 奶茶 打折 优惠 电影 不错 好看 演员 昨晚 球赛 进球 加油 天气 晴朗 散步 公园 桂花 开了 照片 分享 喜欢 "
    "朋友 聚会 唱歌 新歌 推荐 手机 电脑 游戏 上线 活动 抽奖 祝福 生日 快乐 旅行 海边 日落 风景 美食 做法 简单 面条 番茄 鸡蛋 "
    "健身 跑步 打卡 第一天 坚持 读书 笔记 小说 更新 作者 猫咪 可爱 睡觉 搬家 装修 颜色 搭配 衣服 好价 链接 直播 晚上"
)
TROUBLES = tuple(
    f"示例县{where}{what}"
    for where in ("城关镇", "东街", "汽车站", "第二中学", "河西小区")
    for what in (
        "停水三天没人管",
        "的路灯坏了一个月没人修",
        "拖欠工资不给",
        "半夜施工吵得睡不着",
        "学校食堂饭菜里有虫子",
        "化工厂又在排臭气",
    )
)


def main() -> int:
    """Fill a store, replay, print; 1 where it took too long."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=100_000)
    count = parser.parse_args().items
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder) / 'replay.db'}")
        try:
            migrate(store)
            fill(store, count)
            started, cpu = time.perf_counter(), time.process_time()
            replayed = asyncio.run(_replay(store))
            took_s, own_s = time.perf_counter() - started, time.process_time() - cpu
            for child in multiprocessing.active_children():
                child.join()
            judged_s = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        finally:
            store.close()
    report = replayed.report
    print(
        f"{report.items:,} texts in {took_s:.1f} s, {report.items / took_s:,.0f} a second (goal: {GOAL_S:.0f} s)"
    )
    print(f"of one core: reading and counting {own_s:.1f} s, judging {judged_s:.1f} s (in two processes)")
    print(
        f"relevant {report.relevant_then:,} -> {report.relevant_now:,}, "
        f"cards {report.alerts_then.total:,} -> {report.alerts_now.total:,}"
    )
    return int(took_s > GOAL_S)


async def _replay(store: Store) -> Replayed:
    templates = files("bot.templates")
    office = load_office((templates / "office.toml").read_text(encoding="utf-8"), "office.toml")
    draft = Draft((templates / "rules.toml").read_text(encoding="utf-8"), "rules.toml")
    replayed = await replay(store, office, draft, SOURCES, DAYS, NOW, examples=5)
    assert replayed is not None
    return replayed


def fill(store: Store, count: int) -> None:
    """Store so many texts of the last days, and the matters that some of them were."""
    for first in range(0, count, AT_ONCE):
        numbers = range(first, min(count, first + AT_ONCE))
        cases = [number for number in numbers if not number % A_MATTER]
        with store.engine.begin() as connection:
            connection.execute(insert(ItemRow), [_item(number, count) for number in numbers])
            connection.execute(insert(CaseRow), [_case(number, count) for number in cases])
            connection.execute(insert(CaseItemRow), list(_places(cases, count)))
            connection.execute(insert(ProposalRow), [_proposal(number, count) for number in cases])


def talk(seed: str, letters: int) -> str:
    """Give everyday talk of about so many letters, the same for the same seed."""
    chance = random.Random(seed)
    words = TALK.split()
    said = ""
    while len(said) < letters:
        said += chance.choice(words) + ("。" if chance.random() < 0.12 else "")
    return said


def _at(number: int, count: int) -> datetime:
    return NOW - timedelta(days=DAYS) * (1 - (number + 1) / (count + 1))


def _item(number: int, count: int) -> dict[str, Any]:
    chance = random.Random(number)
    is_matter = not number % A_MATTER
    trouble = chance.choice(TROUBLES) if is_matter or not number % A_TROUBLE else ""
    rule = {"rule": "water", "name": "供水", "words": ["停水"], "note": ""}
    root = {"rule": "root", "name": "兜底", "words": [], "note": "没有规则命中"}
    return {
        "id": number + 1,
        "source_id": chance.choice(list(SOURCES)),
        "external_id": str(number),
        "url": f"http://feeds.example/{number}",
        "title": trouble or talk(f"title {number}", 16),
        "text": (complaint if trouble else talk)(f"text {number}", 124),
        "kind": Kind.COMMENT if chance.random() < 0.3 and not is_matter else Kind.POST,
        "published_at": _at(number, count),
        "first_seen_at": _at(number, count),
        "date_note": "",
        "sentiment_band": chance.choice(list(Band)),
        "content_hash": f"{number:032x}",
        "fingerprint": "",
        "places": [],
        "numbers": [],
        "outcome": Outcome.CASE if is_matter else Outcome.NONE,
        "reasons": [rule if is_matter else root],
        "masked": [],
        "revision": 1,
        "rules_version": "bench",
    }


def _case(number: int, count: int) -> dict[str, Any]:
    return {
        "id": number + 1,
        "number": f"YQ-2026-{number + 1:06d}",
        "state": State.JUDGING,
        "level": Level.IV,
        "proposed_level": Level.IV,
        "channel": "petition",
        "copies": [],
        "title": f"第 {number} 件",
        "opened_at": _at(number, count),
    }


def _places(cases: list[int], count: int) -> Iterator[dict[str, Any]]:
    for number in cases:
        yield {
            "item_id": number + 1,
            "case_id": number + 1,
            "why": "首条信息",
            "certainty": 1.0,
            "at": _at(number, count),
        }


def _proposal(number: int, count: int) -> dict[str, Any]:
    return {
        "case_id": number + 1,
        "item_id": number + 1,
        "channel": "petition",
        "level": Level.IV,
        "reasons": [],
        "rules_version": "bench",
        "at": _at(number, count),
    }


if __name__ == "__main__":
    sys.exit(main())
