"""What differs between two configurations, in words: nothing left out, and no secret in it."""

from dataclasses import fields, replace
from datetime import time
from zoneinfo import ZoneInfo

from builders import make_office, make_rules

from bot.changes import OFFICE_FIELDS, SHOWN, SOURCE_FIELDS, changes, message
from bot.config import Configuration
from monitors.sources import Source
from routing.items import Kind
from routing.office import Channel, Level, Limit, Office, Procedure, Step

RULES = make_rules()
FORUM = Source("bbs", "青禾论坛", "feed", "https://bbs.example/rss?key=abc", "青禾论坛", Kind.POST)


def told(before: object, after: object) -> list[str]:
    """Compare two offices, or two lists of sources."""
    first, second = (
        Configuration(one, (), RULES) if isinstance(one, Office) else Configuration(make_office(), one, RULES)  # type: ignore[arg-type]
        for one in (before, after)
    )
    return list(changes(first, second))


def test_every_field_of_an_office_and_of_a_source_is_told() -> None:
    assert list(OFFICE_FIELDS.keys() ^ {field.name for field in fields(Office)}) == []
    no_key = {"id", "answers"}  # the second is of comment feeds alone, which no file names
    assert list(SOURCE_FIELDS.keys() ^ ({field.name for field in fields(Source)} - no_key)) == []
    office = make_office()
    assert {name for name, tell in OFFICE_FIELDS.items() if not isinstance(tell(office), dict)} == set()


def test_sources_that_came_went_and_changed_are_named_and_no_secret_is_shown() -> None:
    other = replace(FORUM, id="news", name="青禾新闻")
    secret = "t0p-secret"
    edited = replace(
        FORUM,
        interval_s=30.0,
        url=f"https://bbs.example/{secret}",
        headers=(("Cookie", secret),),
        proxy=f"http://{secret}@proxy",
        json_body=secret,
        form=(("k", secret),),
    )
    assert told((FORUM,), (FORUM,)) == []
    assert told((FORUM,), (other,)) == ["新增来源 青禾新闻（news）", "停用来源 青禾论坛（bbs）"]
    [line] = told((FORUM,), (edited,))
    assert (
        line
        == "来源 青禾论坛（bbs）：地址已改，间隔（秒） 60 → 30，代理已改，请求头已改，表单已改，请求内容已改"
    )


def test_an_office_is_told_value_by_value() -> None:
    office = make_office()
    limits = {
        **office.limits,
        Step.CLOSE: {**office.limits[Step.CLOSE], Level.IV: Limit(working=True, days=3)},
    }
    edited = replace(
        office,
        limits=limits,
        channels={**office.channels, "water": Channel("water", "水务", "县水务局", "-1007")},
        procedure=Procedure(order=frozenset({Level.I, Level.II})),
        night=None,
        quiet={Level.IV: (time(22), time(7))},
        overrides={"2026-05-06": False},
        zone=ZoneInfo("Asia/Urumqi"),
    )
    lines = told(office, edited)
    assert [line for line in lines if "water" in line] == ["新增渠道 water：水务"]
    assert "时区：Asia/Shanghai → Asia/Urumqi" in lines
    assert "流程 转办报批：关 → Ⅰ级、Ⅱ级" in lines
    assert "新增免打扰 Ⅳ级：22:00-07:00" in lines
    assert "新增工作日调整 2026-05-06：放假" in lines
    assert any(line.startswith("办理（办结）时限 Ⅳ级：") and line.endswith("→ 3 个工作日") for line in lines)
    assert "取消渠道 water（原为 水务）" in told(edited, office)
    turned = replace(office, channels=dict(reversed(office.channels.items())))
    assert [line.split("：")[0] for line in told(office, turned)] == ["渠道次序"]
    moved = {**office.channels, "network": replace(office.channels["network"], chat="-1009", unit="")}
    assert len(told(office, replace(office, channels=moved))) == 2


def test_a_long_list_of_changes_is_cut_in_the_message() -> None:
    assert message(["甲"]) == "配置已更新，现已生效：甲"
    lines = message([str(n) for n in range(SHOWN + 3)]).splitlines()
    assert len(lines) == SHOWN + 2
    assert lines[-1] == "另有 3 处改动，见台账"
