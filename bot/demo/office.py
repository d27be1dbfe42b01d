"""The demo's office: its people, its groups, and the configuration that fits the sample county."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.demo.county import COUNTY, NEIGHBOURS, PLACES, SOURCES
from bot.sandbox.world import Cast, SandboxGroup, SandboxPerson
from routing import people
from routing.items import OWN_TAG
from routing.office import Role
from routing.store.tables import AccountRow

OFFICER, CONTACT, LEADER, SECOND_LEADER, ADMIN = 1001, 1002, 1003, 1004, 1005
ZONE = ZoneInfo("Asia/Shanghai")
DUTY, OPERATOR = -1001000000001, -1001000000002
CHANNELS: Mapping[str, int] = {
    "network": -1001000000011,
    "petition": -1001000000012,
    "publicity": -1001000000013,
    "security": -1001000000014,
    "office": -1001000000015,
}
_TITLES = {"network": "网信", "petition": "信访", "publicity": "宣传", "security": "公安", "office": "政府办"}

_UNITS: Mapping[str, tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]] = {
    "office": (
        ("县交通运输局", ("停车", "电动车", "公交"), ("交通运输",)),
        ("县民政局", ("高龄津贴", "养老", "低保"), ("民政",)),
        ("县教育局", ("学校", "小学", "护学岗"), ("教育文体",)),
    ),
    "security": (
        ("县交警大队", ("车祸", "追尾", "侧翻", "出租车"), ("交通运输",)),
        ("县消防救援大队", ("起火", "着火", "燃气", "被困"), ("应急消防",)),
    ),
}
"""Of two channels the units behind them, each with words and subject areas; 信访 has none, so that one press dispatches."""
_STAFF: Mapping[int, tuple[str, str, tuple[Role, ...]]] = {
    OFFICER: ("周敏", "值班员", (Role.DUTY, Role.OFFICE, Role.REVIEWER, Role.SECRECY, Role.OPERATOR)),
    CONTACT: ("陈立", "联络员", (Role.CONTACT,)),
    LEADER: ("林涛", "领导", (Role.LEADER,)),
    SECOND_LEADER: ("何静", "另一位领导", (Role.LEADER,)),
    ADMIN: ("方圆", "系统管理员", (Role.ADMIN,)),
}


def cast() -> Cast:
    """Give who plays in the sandbox. The contact stands for all five channels, so that one person can play it."""
    staff = tuple(SandboxPerson(ref, name, label) for ref, (name, label, _) in _STAFF.items())
    groups = (
        SandboxGroup(DUTY, "值班群", (OFFICER, CONTACT)),
        SandboxGroup(OPERATOR, "运维群", (OFFICER, ADMIN)),
        *(SandboxGroup(chat, f"{_TITLES[key]}承办群", (CONTACT, OFFICER)) for key, chat in CHANNELS.items()),
    )
    return Cast(staff, groups)


def seat(session: Session, now: datetime) -> None:
    """Enter the staff with their rights. Safe to call at each start."""
    for ref, (name, _, roles) in _STAFF.items():
        known = session.scalar(select(AccountRow.id).where(AccountRow.user_ref == str(ref)))
        if known is None:
            channels = list(CHANNELS) if Role.CONTACT in roles else []
            account = people.Account("telegram", str(ref), str(ref))
            people.add(session, name=name, roles=roles, channels=channels, account=account, now=now)


def write_config(folder: Path, urls: Mapping[str, str]) -> None:
    """Write the three configuration files; one that is there stays as somebody edited it, and so do the ports in it."""
    folder.mkdir(parents=True, exist_ok=True)
    office = _template("office.toml").replace("示例县", COUNTY)
    texts = {"office.toml": f"{office}\n{_units()}", "rules.toml": _rules(), "sources.toml": _sources(urls)}
    for name, text in texts.items():
        if not (folder / name).exists():
            (folder / name).write_text(text, encoding="utf-8")


def write_roster(folder: Path, now: datetime) -> None:
    """Put the officer on duty for two weeks from yesterday, for a shift of yesterday may still run."""
    first = now.astimezone(ZONE).date() - timedelta(days=1)
    text = (
        "# 演示用的值班表：周敏值班，陈立备用，林涛带班。\n"
        f'[[duty]]\ndate = {first}\nuntil = {first + timedelta(days=14)}\nshift = "全天"\n'
        f"leader = {_toml(_STAFF[LEADER][0])}\nstaff = [{_toml(_STAFF[OFFICER][0])}]\n"
        f"reserve = [{_toml(_STAFF[CONTACT][0])}]\n"
    )
    (folder / "roster.toml").write_text(text, encoding="utf-8")


def _units() -> str:
    return "\n".join(
        f"[[channels.{key}.units]]\nname = {_toml(name)}\nwords = {_toml(list(words))}\nsubjects = {_toml(list(areas))}\n"
        for key, units in _UNITS.items()
        for name, words, areas in units
    )


def _template(name: str) -> str:
    return files("bot.templates").joinpath(name).read_text(encoding="utf-8")


def _rules() -> str:
    """Put the sample county's places into the default rules, in place of the three examples."""
    text = _template("rules.toml").replace('county = "示例县"', f"county = {_toml(COUNTY)}")
    text = text.replace("neighbours = []", f"neighbours = {_toml(list(NEIGHBOURS))}")
    before, _, rest = text.partition("\n[[place]]\n")
    _, marker, after = rest.partition(
        "# ---------------------------------------------------------------- 词组"
    )
    places = "\n".join(
        f"[[place]]\nname = {_toml(name)}\naliases = {_toml(list(aliases))}\nelsewhere = {str(elsewhere).lower()}\n"
        for name, aliases, elsewhere in PLACES
    )
    return f"{before}\n{places}\n{marker}{after}"


_TAGS: Mapping[str, tuple[str, ...]] = {
    "news": (OWN_TAG,),
    "forum": (OWN_TAG,),
    "media": ("媒体",),
    "board": (OWN_TAG, "问政"),
    "comments": (OWN_TAG,),
}
_KINDS = {"news": "article", "media": "article", "forum": "post", "board": "post"}


def _sources(urls: Mapping[str, str]) -> str:
    parts = ['contact = "mailto:demo@yuqing.example"\n']
    for key, url in urls.items():
        host = url.split("/")[2]
        lines = [
            "[[source]]",
            f"id = {_toml(key)}",
            f"name = {_toml(SOURCES[key])}",
            f"kind = {_toml('comments' if key == 'comments' else 'feed')}",
            f"url = {_toml(url)}",
            f"site = {_toml(SOURCES[key])}",
            f"item_kind = {_toml(_KINDS.get(key, 'comment'))}",
            f"tags = {_toml(list(_TAGS[key]))}",
            "interval_s = 2",
            f"allow_hosts = {_toml([host])}",
        ]
        if key == "comments":
            base = url.split("/api/")[0]
            lines += [
                "[source.mapping]",
                'items = "data.items"',
                'id = "rpid_str"',
                'parent = "root_id"',
                'text = "content.message"',
                'time = "ctime"',
                f"url = {_toml(base + '/page/{rpid_str}')}",
                'likes = "like"',
                'replies = "rcount"',
                'cursor = { send = "since", next = "data.next" }',
                'ok = { path = "code", equals = [0] }',
            ]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _toml(value: object) -> str:
    # A JSON string or list of strings is a TOML one too.
    return json.dumps(value, ensure_ascii=False)
