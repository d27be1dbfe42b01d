"""roster check and show, as an office meets them."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from test_bot_cli import Terminal, empty, founded, yuqing

from routing import people
from routing.clock import utc_now
from routing.office import Role
from routing.people import Account

__all__ = ["empty", "founded", "yuqing"]

NAMES = ("林涛", "周敏", "陈立")


def write(yuqing: Terminal, *entries: str, first_day: int = -1, days: int = 12) -> None:
    today = utc_now().astimezone(ZoneInfo("Asia/Shanghai")).date()
    first, last = today + timedelta(days=first_day), today + timedelta(days=first_day + days)
    text = "\n".join(f"[[duty]]\ndate = {first}\nuntil = {last}\n{entry}\n" for entry in entries)
    (yuqing.folder / "config" / "roster.toml").write_text(text, encoding="utf-8")


WHOLE = 'shift = "全天"\nleader = "林涛"\nstaff = ["周敏", "刘洋"]\nreserve = ["陈立"]'


@pytest.fixture
def staffed(founded: Terminal) -> Terminal:
    def work(session):
        for number, name in enumerate((*NAMES, "刘洋")):
            account = Account("telegram", str(number), str(number))
            people.add(session, name=name, roles=[Role.DUTY], channels=[], account=account, now=utc_now())

    founded.database(work)
    return founded


def test_without_a_roster_both_say_how_to_get_one(founded):
    answer = founded("roster", "check")
    assert answer.code == 2
    assert "roster.toml 里写 [[duty]]" in answer.err
    assert founded("roster", "show").code == 0


def test_a_whole_roster_has_nothing_wrong(staffed):
    write(staffed, WHOLE)
    answer = staffed("roster", "check")
    assert (answer.code, answer.out) == (0, "")
    assert "4 人，没有问题。" in answer.err


def test_names_that_nobody_has_are_told_with_near_ones_and_the_line(staffed):
    write(staffed, WHOLE.replace("周敏", "周民"))
    answer = staffed("roster", "check")
    assert answer.code == 1
    assert "roster.toml:2  周民：没有登记。是不是 周敏？" in answer.out
    shown = staffed("roster", "show")
    assert shown.code == 2
    assert "周民" in shown.err


def test_gaps_double_posts_and_unreachable_people_are_told(staffed):
    staffed.database(
        lambda s: people.add(s, name="无号", roles=[Role.DUTY], channels=[], account=None, now=utc_now())
    )
    write(staffed, WHOLE.replace("陈立", "周敏").replace("刘洋", "无号"), days=3)
    answer = staffed("roster", "check", "--json")
    assert answer.code == 1
    problems = answer.json["problems"]
    assert sum("无人值班" in line for line in problems) == 1
    assert sum("周敏 同时排了两个岗" in line for line in problems) >= 3
    assert sum("无号：没有登记聊天账号" in line for line in problems) == 1


def test_show_lists_the_shifts_of_the_next_days(staffed):
    write(staffed, WHOLE)
    answer = staffed("roster", "show", "--days", "2")
    assert answer.code == 0
    assert answer.out.count("周敏、刘洋") == 3
    assert staffed("roster", "show", "--json").json[0]["leader"] == "林涛"


def test_a_bad_roster_is_a_problem_of_the_configuration(yuqing):
    (yuqing.folder / "config" / "roster.toml").write_text("[[duty]]\ndate = 1\n", encoding="utf-8")
    answer = yuqing("check")
    assert answer.code == 2
    assert "roster.toml:2  duty[第1个].date" in answer.err
