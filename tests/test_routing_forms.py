"""What stands in which field of the forms: only what the record holds, and nothing that may not leave."""

from dataclasses import replace

import pytest
from builders import Desk, views
from sqlalchemy import text

from bot.words import words
from routing import briefs, forms
from routing.cases import Done
from routing.dossier import REASONS_LEFT_OUT, Scope, dossier
from routing.errors import UserError
from routing.export import LEFT_OUT
from routing.forms import Facts, Form
from routing.office import Level, Procedure
from routing.views import case_view
from routing.workflow import Command, Where

FULL = Procedure(report=frozenset(Level), aspects=True, second_review=True, recheck=True)
REPORT = "网民反映东湖小区停水，系加压泵故障，涉及约十户。"
ANSWER = "停水系水泵故障，今晚八点恢复供水。"
WAY = (
    (Command.REPORT, {"stance": "first", "text": REPORT, "reason": ""}),
    (Command.DISPATCH, {}),
    (Command.RETURN, {"reason": "供水归住建部门管"}),
    (Command.DISPATCH, {}),
    (Command.SIGN_COPY, {"who": "other_contact", "where": Where.CHANNEL}),
    (Command.SIGN, {}),
    (Command.EXTEND, {"days": 3, "reason": "泵组须调配"}),
    (Command.GRANT, {}),
    (Command.DRAFT, {"text": "第一稿"}),
    (Command.REDO, {"reason": "写明恢复时间"}),
    (Command.DRAFT, {"text": ANSWER}),
    (Command.PASS, {"reason": ""}),
    (Command.CLEAR, {"basis": "保密法第二十七条", "reason": "不涉密"}),
    (Command.PASS, {"who": "second", "reason": ""}),
    (Command.APPROVE, {"reason": ""}),
    (Command.CONFIRM, {"link": "https://gov.example/a/1"}),
    (Command.RECHECK, {"text": "", "reason": ""}),
)
"""A step every ten minutes from 10:10 on."""


def walked(desk: Desk, steps: int = len(WAY)) -> int:
    """Open a matter of a thousand views and go some steps of the way."""
    desk.office = replace(desk.office, procedure=FULL)
    case_id = desk.open("东湖小区今天又停水了，物业不管", title="东湖小区停水", counts=views(12_500))
    go(desk, case_id, 0, steps)
    return case_id


def go(desk: Desk, case_id: int, done: int, steps: int = len(WAY)) -> None:
    for command, more in WAY[done:steps]:
        desk.clock.advance(minutes=10)
        assert isinstance(desk.act(case_id, command, **more), Done), command


def facts(desk: Desk, case_id: int, **scope: bool) -> Facts:
    def read(session):
        view = case_view(session, case_id)
        assert view is not None
        file = dossier(session, case_id, Scope(**scope))
        return Facts(file, view, desk.office, words(None), desk.clock(), full=scope.get("full", False))

    return desk.run(read)


def told(form: Form) -> dict[str, str]:
    """Give every field by its name, and see that no name stands twice."""
    assert len({field.name for field in form.fields}) == len(form.fields)
    return {field.name: field.text for field in form.fields}


def test_the_slip_tells_its_way_from_dispatch_to_extension(desk):
    known = facts(desk, walked(desk))
    form = forms.dispatch_form(known)
    assert (form.title, form.issuer, form.number) == ("舆情转办单", "青禾县人民政府办公室", "YQ-2026-0001")
    assert told(form) == {
        "编号": "舆转〔2026〕2号",
        "等级": "Ⅲ级 较大",
        "归口类别": "petition",  # a reader with the configuration is told its name
        "责任单位": "社情民意承办单位",
        "协办单位": "网络舆情承办单位",
        "标题": "东湖小区停水",
        "链接": known.file.texts[0].url,
        "原帖摘要": "东湖小区今天又停水了，物业不管",
        "交办意见": "",
        "交办人": "王值班",
        "交办时间": "2026-11-17 10:40",
        "签收人": "赵联络",
        "签收时间": "2026-11-17 11:00",
        "反馈时限": "2026-11-18 11:40",  # of the second draft: it was sent back at 11:40
        "办结时限": known.at(
            next(limit.due_at for limit in known.file.limits if limit.step.value == "close")
        ),
        "退回理由": "",
        "延期情况": "2026-11-17 11:10 申请延期 3 个工作日：泵组须调配\n2026-11-17 11:20 同意延期 3 个工作日",
    }


def test_an_older_slip_is_filled_in_by_its_number_and_has_nothing_of_the_newer_one(desk):
    form = told(forms.dispatch_form(facts(desk, walked(desk, 6)), "舆转〔2026〕1号"))
    assert (form["编号"], form["交办时间"], form["退回理由"]) == (
        "舆转〔2026〕1号", "2026-11-17 10:20", "供水归住建部门管",
    )  # fmt: skip
    assert [name for name, text in form.items() if not text] == [
        "协办单位", "交办意见", "签收人", "签收时间", "反馈时限", "办结时限", "延期情况",
    ]  # fmt: skip


def test_before_it_is_signed_for_the_limits_say_from_when_they_run(desk):
    form = told(forms.dispatch_form(facts(desk, walked(desk, 2))))
    assert (form["签收人"], form["反馈时限"], form["办结时限"]) == ("", "签收后起算", "签收后起算")


def test_what_was_said_at_an_approved_dispatch_stands_on_the_slip(desk):
    desk.office = replace(desk.office, procedure=Procedure(order=frozenset(Level)))
    case_id = desk.open()
    desk.act(case_id, Command.SUBMIT)
    desk.act(case_id, Command.ORDER, reason="请住建、信访会同办理")
    assert told(forms.dispatch_form(facts(desk, case_id)))["交办意见"] == "请住建、信访会同办理"


def test_a_matter_without_a_slip_or_a_draft_has_no_such_form_and_says_the_cure(desk):
    case_id = desk.open()
    with pytest.raises(UserError, match=r"YQ-2026-0001 还没有转办（现为“待研判”）.*请先在卡片上转办"):
        forms.dispatch_form(facts(desk, case_id))
    with pytest.raises(UserError, match=r"YQ-2026-0001 还没有答复稿.*请承办人先"):
        forms.review_forms(facts(desk, case_id))
    with pytest.raises(UserError, match=r"没有登记过续报.*去掉 --report"):
        briefs.bulletin_form(facts(desk, case_id), "follow")


def test_the_review_forms_have_every_opinion_and_the_grounds_only_where_the_exporter_says_so(desk):
    case_id = walked(desk)
    closed, form = forms.review_forms(facts(desk, case_id))
    opened = forms.review_forms(facts(desk, case_id, secrecy=True))[0]
    assert closed.title == "保密审查表"
    assert closed.annex == ("附：答复稿（第 2 稿）", ANSWER)
    assert told(closed) == {
        "编号": "YQ-2026-0001 第 2 稿",
        "信息名称": "东湖小区停水",
        "产生机构": "社情民意承办单位",
        "承办人初步意见": "主动公开（赵联络，2026-11-17 11:50）",
        "机构负责人审查意见": "",
        "保密审查机构意见": "公开（吴保密，2026-11-17 12:10）",
        "依据和理由": REASONS_LEFT_OUT,
        "部分公开处理": "",
        "分管领导审批": "批准发布（郑县长，2026-11-17 12:30）",
        "审查日期": "2026-11-17",
    }
    assert told(opened) == told(closed) | {"依据和理由": "保密法第二十七条；不涉密"}

    assert form.title == "信息发布审签表"
    assert told(form) == {
        "编号": "YQ-2026-0001 第 2 稿",
        "信息标题": "东湖小区停水",
        "拟发布渠道": "",
        "信息来源": "社情民意承办单位",
        "公开属性": "主动公开",
        "拟稿人": "赵联络",
        "政治审查": "已核对",
        "法律审查": "已核对",
        "政策审查": "已核对",
        "保密审查": "已核对；公开",
        "文字审查": "已核对",
        "舆情审查": "已核对",
        "初审意见": "同意",
        "初审人": "孙初审",
        "初审时间": "2026-11-17 12:00",
        "二审意见": "同意",
        "二审人": "何科长",
        "二审时间": "2026-11-17 12:20",
        "三审意见": "批准发布",
        "三审人": "郑县长",
        "三审时间": "2026-11-17 12:30",
        "主要领导意见": "",
        "其他机关确认": "",
        "发布人": "赵联络",
        "发布时间": "2026-11-17 12:40",
        "复查人": "李主任",
        "复查时间": "2026-11-17 12:50",
        "复查结果": "无误",
    }


def test_a_new_version_of_the_answer_has_the_opinions_of_no_older_one(desk):
    secrecy, approval = forms.review_forms(facts(desk, walked(desk, 11)))
    assert secrecy.annex[1] == ANSWER
    assert [name for name, text in told(approval).items() if text] == [
        "编号", "信息标题", "信息来源", "公开属性", "拟稿人",
    ]  # fmt: skip
    assert (told(secrecy)["保密审查机构意见"], told(secrecy)["分管领导审批"]) == ("", "")


def test_the_brief_tells_what_is_known_and_leaves_to_the_hand_what_nobody_recorded(desk):
    case_id = walked(desk, 2)
    assert isinstance(desk.act(case_id, Command.INSTRUCT), Done)
    go(desk, case_id, 2)
    form = briefs.special_form(facts(desk, case_id))
    fields = told(form)
    assert form.title == "舆情专报"
    assert list(fields) == [
        "编号", "期数", "报送单位", "签发人", "报送时间", "标题", "来源", "链接", "首发时间", "摘要", "传播情况", "网民观点",
        "研判意见", "处置建议", "领导批示", "处置结果", "主送", "抄送",
    ]  # fmt: skip
    assert [name for name, text in fields.items() if not text] == [
        "期数", "签发人", "报送时间", "网民观点", "处置建议", "主送", "抄送",
    ]  # fmt: skip
    assert (fields["来源"], fields["首发时间"]) == ("bbs", "2026-11-17 09:50")
    assert fields["传播情况"] == "截至 2026-11-17 12:50，共 1 条信息（bbs），浏览 12500"
    assert fields["研判意见"].startswith("Ⅲ级 较大，归口petition；应当回应（")
    assert fields["领导批示"] == "有批示"  # its words are nowhere in the desk
    assert fields["处置结果"] == "2026-11-17 12:40 已回应：https://gov.example/a/1；现为“已办结”"


def test_what_only_the_desk_thinks_is_told_as_a_proposal(desk):
    case_id = desk.open()
    assert told(briefs.special_form(facts(desk, case_id)))["研判意见"].startswith("系统建议，尚未研判：")


def test_a_bulletin_stands_at_the_time_of_its_report(desk):
    case_id = walked(desk, 4)
    fields = told(briefs.bulletin_form(facts(desk, case_id), "first"))
    assert {
        name: fields[name] for name in ("报告类型", "报送时间", "基本情况及热度", "发生地点", "联系人")
    } == {
        "报告类型": "首报（待核实）",
        "报送时间": "2026-11-17 10:10",
        "基本情况及热度": REPORT,
        "发生地点": "东湖小区",
        "联系人": "王值班",
    }
    assert fields["工作情况"] == ""  # it was dispatched only later
    assert fields["下一步工作"].split("\n")[0] == "转办，2026-11-17 12:00 前"
    assert [name for name, text in fields.items() if not text] == [
        "发生时间", "工作情况", "签发人", "办公电话",
    ]  # fmt: skip


def test_a_later_bulletin_tells_what_was_done_by_then(desk):
    case_id = walked(desk, 6)
    desk.clock.advance(minutes=10)
    assert isinstance(desk.act(case_id, Command.REPORT, stance="follow", text="已派人抢修。"), Done)
    fields = told(briefs.bulletin_form(facts(desk, case_id), "follow"))
    assert fields["报告类型"] == "续报"
    assert fields["工作情况"].split("\n") == [
        "2026-11-17 10:20 转办社情民意承办单位（舆转〔2026〕1号）",
        "2026-11-17 10:30 社情民意承办单位退回",
        "2026-11-17 10:40 转办社情民意承办单位（舆转〔2026〕2号）",
        "2026-11-17 11:00 社情民意承办单位签收",
    ]


def test_links_and_texts_of_a_grave_matter_leave_only_in_full(desk):
    case_id = walked(desk)
    desk.run(lambda s: s.execute(text(f"UPDATE matter SET level = {int(Level.II)}")))

    def made(**scope: bool) -> list[Form]:
        known = facts(desk, case_id, **scope)
        bulletin = briefs.bulletin_form(known, "first")
        return [forms.dispatch_form(known), *forms.review_forms(known), briefs.special_form(known), bulletin]

    closed, opened = made(), made(full=True)
    for word in ("http://bbs.example", "物业不管", "水泵故障", "加压泵", "https://gov.example"):
        assert word not in str(closed)
        assert word in str(opened)
    assert [form.is_cut for form in closed] == [True] * 5
    assert [form.is_cut for form in opened] == [False] * 5
    assert told(closed[0])["链接"] == told(closed[0])["原帖摘要"] == LEFT_OUT
    known = facts(desk, case_id)
    textless = replace(known, file=replace(known.file, texts=()))  # as one that an older ledger only names
    assert told(briefs.bulletin_form(textless, "first"))["基本情况及热度"] == LEFT_OUT


def test_what_was_masked_at_the_door_is_masked_in_a_form(desk):
    case_id = desk.open("东湖小区停水，联系人电话[电话已隐去]", masked=("phone",))
    assert "[电话已隐去]" in told(briefs.special_form(facts(desk, case_id)))["摘要"]


def test_reading_for_a_form_changes_nothing(desk):
    case_id = walked(desk, 6)
    before = desk.run(desk.ledger.verify)
    forms.dispatch_form(facts(desk, case_id))
    assert desk.run(desk.ledger.verify) == before
