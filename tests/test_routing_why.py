"""Every step that a text or a case took can be told afterwards, with its reason."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from builders import HOUR, START, Desk, failed, harvest, item
from sqlalchemy import event
from sqlalchemy.orm import Session

from routing import outbox
from routing.ailments import DESK
from routing.items import Ailment, Band, Fault, Sentiment, SourceState
from routing.store.tables import AilmentRow, CaseRow, OutboxRow
from routing.views import case_view
from routing.why import Words, explain
from routing.workflow import Command, State

WATER = "东湖小区今天又停水了，物业不管"


def told(desk: Desk, key: str) -> list[tuple[str, str]]:
    return [(step.what, step.detail) for step in desk.run(lambda s: explain(s, key))]


def steps(desk: Desk, key: str) -> dict[str, str]:
    return dict(told(desk, key))


def test_nothing_is_known_of_an_address_never_seen(desk):
    assert told(desk, "http://elsewhere.example/1") == []


def test_a_text_that_became_a_case_tells_the_whole_way(desk):
    mood = Sentiment(0.1, 0.2, Band.NEGATIVE, "snownlp", "0.12.3", evidence=("没人管", "停水"))
    case_id = desk.open(url="http://bbs.example/a", sentiment=mood, masked=("电话",))
    desk.act(case_id, Command.DISPATCH)
    found = steps(desk, "http://bbs.example/a")
    assert "来源 bbs" in found["读到"]
    assert found["隐去"] == "电话"
    assert found["情绪"] == "negative（依据：没人管、停水），snownlp 0.12.3"
    lead = desk.run(lambda s: case_view(s, case_id)).lead
    assert lead is not None
    assert lead.evidence == ("没人管", "停水")
    assert found["规则"].startswith("停水：停水")
    assert found["归并"] == "YQ-2026-0001：首条信息（把握 1.00）"
    assert "dispatch" in found["台账 2"]
    assert "person=" not in found["台账 2"]
    assert "sign 到" in found["时限"]
    assert "第 0 次" in found["消息"]


def test_no_question_goes_through_all_texts(desk):
    desk.open(url="http://bbs.example/a")

    def scans(session: Session) -> list[str]:
        door, asked = session.connection(), []
        event.listen(
            door, "before_cursor_execute", lambda _c, _cu, sql, given, *_: asked.append((sql, given))
        )
        for key in ("http://bbs.example/a", "http://bbs.example/b", "1"):
            explain(session, key)
        questions = list(asked)
        assert len(questions) > 10
        if door.dialect.name == "sqlite":
            plans = [
                door.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", given).all() for sql, given in questions
            ]
            return [str(row[3]) for plan in plans for row in plan if str(row[3]) == "SCAN item"]
        door.exec_driver_sql("SET LOCAL enable_seqscan = off")  # of three texts no index is worth a look
        plans = [
            door.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {sql}", given).scalar_one()
            for sql, given in questions
        ]
        return [sql for (sql, _), (plan,) in zip(questions, plans, strict=True) if scans_items(plan["Plan"])]

    assert desk.run(scans) == []


def scans_items(plan: dict[str, Any]) -> bool:
    """Tell whether a plan of PostgreSQL reads the texts, or an index of them, from end to end."""
    by_index = plan.keys() & {"Index Cond", "Recheck Cond"}
    return (plan.get("Relation Name") == "item" and not by_index) or any(
        scans_items(part) for part in plan.get("Plans", [])
    )


def test_a_reader_gets_names_for_codes_and_his_own_time_of_day(desk):
    case_id = desk.open(url="http://bbs.example/a")
    desk.act(case_id, Command.DISPATCH)
    words = Words(
        ZoneInfo("Asia/Shanghai"),
        "（北京时间）",
        {"frm": "原", "to": "现", "reasons": "依据"},
        {"action": {"dispatch": "转办"}, "frm": {"judging": "待研判"}, "to": {"to_sign": "待签收"}},
    )
    found = {step.what: step.detail for step in desk.run(lambda s: explain(s, "http://bbs.example/a", words))}
    assert " 转办：" in found["台账 2"]
    assert "原 待研判" in found["台账 2"]
    assert "现 待签收" in found["台账 2"]
    assert "version=" in found["台账 2"]  # what has no name is told as it is stored
    assert "依据 " in found["台账 1"]
    assert "['" not in found["台账 1"]
    assert "（北京时间）" in found["时限"]


def test_the_number_and_the_address_tell_the_same(desk):
    case_id = desk.open(url="http://bbs.example/a")
    number = desk.case(case_id).number
    assert told(desk, number) == told(desk, "http://bbs.example/a") != []


def test_a_text_that_became_nothing_says_why(desk):
    desk.know()
    desk.accept(item("今天天气不错", url="http://bbs.example/b", external_id="b-7"))
    found = steps(desk, "http://bbs.example/b")
    assert found["结果"] == "不成事项"
    assert "没有规则命中" in found["规则"]
    assert steps(desk, "b-7") == found


def test_a_text_of_the_baseline_says_that_it_was_there_before(desk):
    desk.accept(item(WATER, url="http://bbs.example/c"))
    assert steps(desk, "http://bbs.example/c")["结果"] == "首次接入时已有，记为存量"


def test_a_text_of_the_window_and_a_pushed_one_say_how_they_were_found(desk):
    window = {"window": timedelta(hours=1)}
    desk.take(harvest(item(WATER, url="http://bbs.example/c"), **window))
    assert "首次接入时已有" in steps(desk, "http://bbs.example/c")["来路"]
    desk.take(harvest(item("今天天气不错", url="http://bbs.example/d"), push="5" * 64))
    assert steps(desk, "http://bbs.example/d")["来路"] == "由对方系统推送"


def test_a_text_that_was_read_late_says_so(desk):
    desk.take(harvest(state=SourceState("bbs", last_ok_at=desk.clock(), baseline_done=True)))
    desk.clock.advance(hours=2)
    desk.accept(item("今天天气不错", url="http://bbs.example/c"))
    assert steps(desk, "http://bbs.example/c")["来路"] == "来源中断后补读到的"


def test_a_text_with_another_id_names_the_old_one_and_its_revision(desk):
    desk.know()
    first = item(WATER, url="http://bbs.example/c", external_id="old-guid")
    desk.accept(first)
    desk.accept(replace(first, external_id="new-guid", text=WATER + "！"))
    found = steps(desk, "http://bbs.example/c")
    assert found["来路"] == "来源换了编号，原编号 old-guid"
    assert found["修改"] == "第 2 版"
    assert "编号 new-guid" in found["读到"]


def test_a_reader_sees_the_tags_of_the_source(desk):
    desk.open(url="http://bbs.example/a")
    words = Words(values={"tags": {"bbs": "本县、论坛"}})
    found = {step.what: step.detail for step in desk.run(lambda s: explain(s, "http://bbs.example/a", words))}
    assert found["标签"] == "本县、论坛"


def ail(desk: Desk) -> None:
    row = AilmentRow(
        source_id="bbs", ailment=Ailment.FROZEN, mark="", detail="六小时没有变化", cure="请换一个地址"
    )
    row.since = START
    desk.run(lambda s: s.add(row))


def test_what_ails_the_source_of_a_text_is_told(desk):
    desk.open(url="http://bbs.example/a")
    ail(desk)
    words = Words(values={"ailment": {"frozen": "长期不变"}})
    found = {step.what: step.detail for step in desk.run(lambda s: explain(s, "http://bbs.example/a", words))}
    assert found["来源异常"] == "长期不变：六小时没有变化。请换一个地址"


def test_an_address_that_did_not_come_is_explained_by_its_source(desk):
    desk.open(url="http://bbs.example/a")
    ail(desk)
    desk.take(failed(Fault.NOT_A_FEED, failures=4))
    found = steps(desk, "http://bbs.example/never-seen")
    assert "同一网站 bbs.example 由下列来源读取" in found["没有收到"]
    assert found["来源"] == "bbs（bbs）"
    assert "已连续失败 4 次" in found["状态"]
    assert found["来源故障"] == "打不开。请检查地址"
    assert found["来源异常"] == "frozen：六小时没有变化。请换一个地址"


def test_an_address_of_a_site_that_nobody_reads_says_so_and_what_to_do(desk):
    desk.open(url="http://bbs.example/a")
    words = Words(values={"address": {"bbs": "http://bbs.example/rss"}})
    [step] = desk.run(lambda s: explain(s, "https://Other.example/x", words))
    assert step.what == "没有收到"
    assert "没有来源读取网站 other.example" in step.detail
    assert "sources.toml" in step.detail


@pytest.mark.parametrize("end", ["?utm_source=wx", "#top", "/", "?spm=1.2#c"])
def test_an_address_is_found_however_it_was_copied(desk, end):
    desk.open(url="http://bbs.example/a")
    assert told(desk, f"https://bbs.example/a{end}") == told(desk, "http://bbs.example/a")
    assert told(desk, "https://bbs.example/a?page=2")[0][0] == "没有收到"  # another page of the site


def test_our_own_trouble_explains_what_did_not_come(desk):
    desk.open(url="http://bbs.example/a")
    row = AilmentRow(
        source_id=DESK, ailment=Ailment.NETWORK, mark="", detail="全部来源都连不上", cure="请检查网络"
    )
    row.since = START
    desk.run(lambda s: s.add(row))
    found = told(desk, "http://bbs.example/never-seen")
    assert found[0] == ("来源异常", "network：全部来源都连不上。请检查网络")


def test_an_address_is_explained_by_the_source_that_is_configured_for_its_site(desk):
    state = SourceState("bbs", last_ok_at=START, next_poll_at=START + HOUR, baseline_done=True)
    desk.take(harvest(state=state))
    words = Words(values={"address": {"bbs": "https://news.example/feed", "new": "https://news.example/2"}})
    told = [
        (step.what, step.detail) for step in desk.run(lambda s: explain(s, "https://news.example/x", words))
    ]
    assert [what for what, _ in told] == ["没有收到", "来源", "状态", "来源", "状态"]
    assert told[2][1] == (
        "上次成功读取 11-17 02:00 UTC，自 11-17 02:00 UTC 起没有新信息，下次读取 11-17 03:00 UTC"
    )
    assert told[4][1] == "从未读取过：服务可能还没有运行到它"


def test_an_address_is_explained_by_the_source_that_last_answered_from_its_site(desk):
    state = SourceState("bbs", validator_url="https://mirror.example/feed", baseline_done=False)
    desk.take(harvest(state=state))
    found = steps(desk, "https://mirror.example/x")
    assert found["状态"].startswith("从未成功读取")
    assert "存量" not in found["状态"]


def test_the_address_of_a_source_is_explained_by_that_source_alone(desk):
    desk.take(harvest(state=SourceState("bbs", last_ok_at=START, baseline_done=True)))
    addresses = {"bbs": "https://news.example/feed", "new": "https://news.example/2"}
    words = Words(values={"address": addresses})
    found = desk.run(lambda s: explain(s, "https://news.example/feed", words))
    assert [step.detail for step in found][:2] == ["这是来源本身的地址，不是一条信息的地址", "bbs（bbs）"]
    assert not [step for step in found if "new" in step.detail]


def test_of_many_sources_of_a_site_those_that_ail_come_first_and_the_rest_is_counted(desk):
    names = [f"s{n}" for n in range(9)]
    desk.take(failed(Fault.NOT_A_FEED, source="s7"))
    words = Words(values={"address": {name: f"https://hub.example/{name}" for name in names}})
    found = desk.run(lambda s: explain(s, "https://hub.example/x", words))
    sources = [step.detail for step in found if step.what == "来源"]
    assert sources[0] == "s7（s7）"
    assert (len(sources), sources[-1]) == (6, "另有 4 个来源读取这个网站，用 yuqing sources 查看")


def test_a_copy_says_whom_it_joined_and_how_sure_that_was(desk):
    desk.know("bbs", "weibo")
    desk.accept(item(WATER))
    desk.accept(item(WATER, source_id="weibo", url="http://weibo.example/1"), source="weibo")
    [case] = desk.all(CaseRow)
    found = steps(desk, "http://weibo.example/1")
    assert found["归并"].startswith(f"{case.number}：与已有信息文字相同")
    assert len([what for what, _ in told(desk, case.number) if what == "读到"]) == 2


def test_a_message_that_cannot_be_sent_says_why(desk):
    case_id = desk.open()

    def lose(session) -> None:
        [message] = outbox.due(session, desk.clock())
        claimed = outbox.claim(session, message.id, desk.clock())
        outbox.record_dead(session, claimed, "chat not found")

    desk.run(lose)
    found = steps(desk, desk.case(case_id).number)
    assert found["消息"] == "card 到 duty-group：dead，第 1 次，chat not found"


def test_a_refused_order_is_told_with_its_ground(desk):
    case_id = desk.open()
    desk.act(case_id, Command.APPROVE, "stranger")
    refused = [detail for _, detail in told(desk, desk.case(case_id).number) if "refused" in detail]
    assert len(refused) == 1
    assert "ground=role" in refused[0]


def test_limits_say_whether_they_were_met(desk):
    case_id = desk.at(State.TO_SIGN)
    limits = [detail for what, detail in told(desk, desk.case(case_id).number) if what == "时限"]
    assert [detail.rsplit("，", 1)[1] for detail in limits] == ["进行中", "按时", "进行中"]


def test_a_source_that_fails_is_no_step_of_anybodys(desk):
    desk.take(failed(Fault.NOT_A_FEED))
    desk.take(harvest())
    assert told(desk, "bbs") == []
    assert len(desk.all(OutboxRow)) == 2
