"""What people read: each card and sentence beside its text, never too long, and nothing in a group that is not for it.

The texts stand in `data/cards`. Set YUQING_TEST_WRITE_CARDS=1 to write them anew, then read the difference.
"""

import ast
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from builders import Desk, failed, harvest, item, make_office, views
from sqlalchemy import select

from bot import compose, doubts, lists, menus, mutes, names, pages, render, sentences, steps
from bot.chat import ActionPressed, Body, Card, CommandGiven, JoinedChat, LeftChat, MessageRef, TextReplied
from bot.chat import Sender as From
from bot.compose import Composer
from bot.handlers.commands import OFFERS
from bot.handlers.desk import Desk as Counter
from bot.handlers.desk import Occasion
from bot.handlers.react import react
from bot.listings import LISTINGS
from bot.matter import deciding
from bot.pages import Leaf, Offered
from bot.telegram.markup import TEXT_LIMIT, rendered
from bot.telegram.text import units
from routing import (
    attest,
    auditor,
    deadlines,
    holding,
    legacy,
    outbox,
    people,
    presence,
    promises,
    supervision,
)
from routing.cases import DRAFT_MAX
from routing.choices import Page
from routing.competence import competent
from routing.digest import ChannelLine, DayCount, Digest, Matter, Overdue, Rate, UnitLine
from routing.earlier import Earlier
from routing.held import DoubtView, HeldView, MuteView
from routing.held import Matter as HeldMatter
from routing.items import Ailment, Band, Counts, Fault, Kind, SourceState, Symptom
from routing.office import Body as OfficeBody
from routing.office import Level, Procedure, Role, Step
from routing.outbox import MessageKind
from routing.owed import Owed
from routing.people import Invitation
from routing.procedure import FULL, LIGHT, needs_of
from routing.reasons import REASON_MIN, is_telling
from routing.search import Hit
from routing.silence import MuteKind
from routing.store.tables import CaseItemRow, CaseRow, InviteRow, OutboxRow
from routing.views import (
    CaseView,
    DeadlineView,
    DraftView,
    ItemLine,
    Other,
    PaperView,
    ReasonView,
    ReviewLine,
    SlipView,
    SuggestionView,
    case_view,
)
from routing.waiting import Waiting
from routing.why import Step as Trodden
from routing.why import Words
from routing.workflow import Aspect, Command, Need, Openness, Opinion, Stage, State

CARDS = Path(__file__).parent / "data" / "cards"
ROOT = Path(__file__).parent.parent
SOURCES = {"bbs": "青禾论坛", "news": "青禾新闻网"}
OFFICE = make_office()
AT = datetime(2026, 11, 17, 2, 0, tzinfo=UTC)


def at(hours: float) -> datetime:
    return AT + timedelta(hours=hours)


# --- situations -------------------------------------------------------------------------------------------------

LEAD = ItemLine("bbs", Kind.POST, "停水", "https://bbs.example/9", "八楼老太太\n拎桶爬楼。" * 20, AT)

JUDGING = CaseView(
    id=7,
    number="YQ-2026-0007",
    title="东湖小区停水三天，物业 <不管> & 不答",
    state=State.JUDGING,
    level=Level.III,
    proposed_level=Level.III,
    channel="petition",
    proposed_channel="petition",
    copies=("network", "petition"),
    place="东湖小区",
    topic="供水",
    subject="水电气暖",
    must_answer=True,
    owed=Owed.INTERESTS,
    version=3,
    draft_version=0,
    opened_at=AT,
    closed_at=None,
    close_reason=None,
    reasons=(
        ReasonView("停水", ("停水", "没水", "水压", "水费", "水质"), ""),
        ReasonView("公共事务", ("停水",), "提到本县；这些词相隔不超过50字"),
        ReasonView("群众诉求", (), ""),
    ),
    items=12,
    sources=("bbs", "news"),
    counts=Counts(views=12_345, reposts=60, comments=88),
    bands={Band.NEGATIVE: 9, Band.UNCLEAR: 3, Band.NOT_NEGATIVE: 0},
    lead=LEAD,
    first_url="https://bbs.example/1?a=1&b=2",
    slip=None,
    draft=None,
    release_url=None,
    released_by="",
    released_as="不予公开",
    released_at=None,
    deadlines=(DeadlineView(Step.DISPATCH, at(2), False), DeadlineView(Step.RESPOND, at(48), False)),
)
SLIP = SlipView("petition", "县信访局", "王值班", at(0.2), "", None, "", None, False, "舆转〔2026〕12号")
SIGNED = replace(SLIP, signed_by="赵联络", signed_at=at(0.5))
FIRST = DraftView(
    1,
    "您好！停水系主管爆裂所致。预计今晚恢复。",
    "主动公开",
    6,
    "赵联络",
    at(1),
    None,
    (),
)
SECOND = replace(
    FIRST,
    version=2,
    text="您好！停水系主管爆裂所致。已于 17 日 20 时恢复。",
    previous=FIRST.text,
    at=at(3),
)
PASSED = ReviewLine(Stage.FIRST, Opinion.PASS, "孙初审", "", "", at(4))
CLEARED = ReviewLine(
    Stage.SECRECY, Opinion.PUBLIC, "吴保密", "《政府信息公开条例》第十九条", "不含涉密内容", at(5)
)
APPROVED = ReviewLine(Stage.APPROVAL, Opinion.PASS, "郑县长", "", "", at(6))


def case(state: State, draft: DraftView | None = None, **more: Any) -> CaseView:
    """The matter at a later state; `draft` is the one that the card stands for."""
    slip = SLIP if state is State.TO_SIGN else SIGNED
    version = more.pop("draft_version", draft.version if draft else 0)
    limits = (DeadlineView(Step.DRAFT, at(24), True), DeadlineView(Step.RESPOND, at(48), False))
    values: dict[str, Any] = {"slip": slip, "draft": draft, "draft_version": version, "deadlines": limits}
    return replace(JUDGING, state=state, **(values | more))


RETURNED = case(
    State.RETURNED,
    slip=replace(SLIP, returned_by="赵联络", returned_at=at(0.4)),
    deadlines=JUDGING.deadlines,
)
CLOSED = case(
    State.CLOSED,
    replace(SECOND, reviews=(PASSED, CLEARED, APPROVED)),
    release_url="https://gov.example/answer/7",
    released_by="赵联络",
    released_at=at(8),
    deadlines=(),
)
AGAIN = replace(
    CLOSED,
    state=State.HANDLING,
    papers=(PaperView(Command.REOPEN, "", 2, "郑县长", "", "恢复时间写错了", at(30), at(30)),),
)
"""An answer is out, and the matter is taken up again."""
UNCONFIRMED = case(
    State.TO_RELEASE,
    replace(SECOND, reviews=(PASSED, CLEARED, APPROVED)),
    papers=(PaperView(Command.COUNTERSIGN, "network", 2, "", "", "", at(7), None),),
)
DISMISSED = replace(JUDGING, state=State.DISMISSED, close_reason="与本县无关", deadlines=())


PETITION = list(OFFICE.channels).index("petition")
SEVERAL = replace(
    OFFICE,
    channels={
        **OFFICE.channels,
        "petition": replace(
            OFFICE.channels["petition"], bodies=(OfficeBody("县教育局"), OfficeBody("县住建局", ("物业",)))
        ),
    },
)
"""An office whose channel `petition` has several units."""
SEVERAL_VIEW = replace(
    JUDGING,
    competent={
        "petition": competent(SEVERAL.channels["petition"], JUDGING.title, LEAD.text, JUDGING.subject, ())
    },
)


def several_duty(view: CaseView) -> Card:
    return render.duty_card(view, SEVERAL, SOURCES)


def duty(view: CaseView) -> Card:
    return render.duty_card(view, OFFICE, SOURCES)


def slip(view: CaseView, channel: str = "petition") -> Card:
    return render.channel_card(view, OFFICE, SOURCES, channel)


def review(kind: str, view: CaseView) -> Card:
    return render.review_card(view, OFFICE, kind)


def menu(name: str, view: CaseView = JUDGING) -> Card:
    return Card(duty(view).blocks[:1], menus.menu_buttons(view, OFFICE, name))


MATTER = HeldMatter(JUDGING.number, JUDGING.title, Level.III)
MUTE = MuteView(3, MuteKind.PLACE, "东湖小区", "计划停水", "王值班", at(0), at(4), 5)


def muting(arg: str) -> Card:
    return chosen(mutes.mute_menu(JUDGING, OFFICE, arg, SOURCES))


def doubts_menu(page: int) -> Card:
    buttons, notes = doubts.doubted_list(replace(JUDGING, doubted=DOUBTS), page)
    return Card(notes, buttons)


DOUBTS = tuple(
    DoubtView(20 + n, f"YQ-2026-00{20 + n}", title, 1, url, AT)
    for n, (title, url) in enumerate(
        (
            ("小区水压太低，六楼没水用", "https://bbs.example/20"),
            ("又停水了", ""),
            (
                "自来水公司说周三恢复供水，今天周五了还是一滴水都没有，到底什么时候来",
                "https://bbs.example/22",
            ),
            ("<没水> & 没人管", "https://bbs.example/23"),
        )
    )
)
OTHERS = tuple(
    Other(n, f"YQ-2026-000{n}", title, at(-n))
    for n, title in ((3, "东湖小区又停水"), (5, "西山小区停水两天，物业说是管道老化，居民要求给个说法"))
)
TEXTS = tuple(replace(other, number="") for other in OTHERS)


def chosen(rows: menus.Rows) -> Card:
    return Card(duty(JUDGING).blocks[:1], rows)


def digest(days: int = 7) -> Digest:
    late = Overdue(
        "YQ-2026-0003", "修路围挡", Level.IV, State.HANDLING, (Step.DRAFT, Step.RESPOND), timedelta(hours=5)
    )
    levels = {Level.I: 0, Level.II: 1, Level.III: 0, Level.IV: 2}
    start = datetime(2026, 11, 16, tzinfo=OFFICE.zone)
    return Digest(
        office=OFFICE.name,
        span="2026-W47" if days == 7 else "2026-11-16",
        start=start,
        end=start + timedelta(days=days),
        now=at(0),
        opened=3,
        by_level=levels,
        days=tuple(DayCount(date(2026, 11, 16 + i), levels) for i in range(days)),
        channels=(
            ChannelLine("petition", "社情民意", 2, 2, Rate(1, 2), Rate(0, 0), 1, (late,)),
            ChannelLine("network", "网络舆情", 1, 0, Rate(0, 0), Rate(0, 0), 1, ()),
        ),
        signed=Rate(1, 2),
        answered=Rate(0, 0),
        open_now=2,
        overdue_now=1,
        dismissed=(("与本县无关", 3), ("其他理由", 1)),
        items_seen=240,
        items_no_matter=210,
        items_stock=20,
        top=(Matter("YQ-2026-0001", "大桥塌方", Level.II, State.TO_APPROVE, 31),),
        median_sign_minutes=14,
        units=(UnitLine("社情民意", "县教育局", 2, Rate(1, 2), Rate(0, 0), 1, 1),),
    )


FACTS: Mapping[str, Mapping[str, Any]] = {
    "head": {"day": "2026-11-17", "seq": 1234, "seal": "0f3a9c22e1b7d640", "at": at(8).isoformat()},
    "reminder": {"step": "draft", "due_at": at(24).isoformat(), "late": True, "risen_to": 3},
    "overdue": {"step": "respond", "due_at": at(48).isoformat(), "late": False},
    "supervised": {
        "colour": "orange",
        "step": "sign",
        "due_at": at(1).isoformat(),
        "answer_by": at(27).isoformat(),
        "late": True,
    },
    "level_raised": {
        "old": 3,
        "new": 2,
        "why": "24 小时转发 1200，达到Ⅱ级标准（1000）",
        "at": at(50).isoformat(),
        "quiet_until": at(52).isoformat(),
        "limits": [
            {"step": "dispatch", "was_due_at": at(53).isoformat(), "due_at": at(51).isoformat()},
            {"step": "report", "due_at": at(51).isoformat()},
        ],
        "over": [{"step": "respond", "due_at": at(48).isoformat()}],
    },
    "split_off": {"title": "桂汀苑路灯不亮", "number": "YQ-2026-0012"},
    "merged_in": {"title": "桂汀苑也停水了", "number": "YQ-2026-0012"},
    "redo_why": {"command": "redo", "actor": "孙初审", "reason": "请写明恢复时间", "draft_version": "1"},
    "answered": {"link": "https://gov.example/answer/7"},
    "nobody": {"role": "leader"},
    "promise_due": {"text": "修好路灯", "due_at": at(24).isoformat()},
    "promise_late": {"text": "修好路灯", "due_at": at(24).isoformat()},
    "returned": {"unit": "县信访局", "on_duty": "yes"},
    "redirected": {"unit": "县水利局", "actor": "王值班", "frm": "petition", "to": "office"},
    "renewed": {"draft_version": "2"},
    "returned_why": {"unit": "县信访局", "actor": "赵联络", "reason": "属水利局职责"},
    "mistaken": {"actor": "赵联络"},
    "mistaken_why": {"actor": "赵联络", "reason": "恢复时间写错了"},
    "reopened": {"actor": "郑县长"},
    "reopened_why": {"actor": "郑县长", "reason": "居民再次反映"},
    "source_fault": {"source": "bbs", "detail": "返回的是网页，不是订阅源。请检查地址", "since": ""},
    "source_ails": {
        "source": "portal",
        "name": "县政府门户",
        "ailments": [
            {"ailment": "tampered", "detail": "正文改了 3 处，多出 1 个站外链接", "cure": "请立即核对"},
            {"ailment": "drift", "detail": "来源服务器的时钟比本机慢 9 分钟", "cure": "请核对本机时间"},
        ],
    },
    "source_ok": {"source": "bbs", "since": at(0).isoformat(), "over": ["drift"]},
    "trouble": {"text": "3 条消息积压超过 5 分钟未发出"},
    "said": {"text": "没有这个命令。发送 /help 查看用法。"},
    "unknown_group": {"chat": "-100123"},
    "invite_welcome": {"name": "张三", "roles": "值班员"},
    "not_ordered": {"actor": "郑县长"},
    "not_ordered_why": {"actor": "郑县长", "reason": "先核实是否属实"},
    "extension": {"unit": "县信访局", "days": "3", "reason": "需等第三方检测结果"},
    "granted": {"actor": "李主任", "due_at": at(72).isoformat()},
    "denied": {"actor": "李主任"},
    "followed": {"actor": "赵联络"},
    "report": {"kind": "first", "text": "东湖小区停水，约三百户受影响，正在抢修。", "actor": "王值班"},
    "reported": {"kind": "first", "leaders": "2"},
    "called": {"level": 2, "called": "reserve", "minutes": 5, "names": ["王值班"]},
    "handover_unsigned": {"at": at(8).isoformat(), "names": ["王值班", "李主任"]},
    "substitute_over": {"reserve": "李主任", "absent": "王值班"},
    "substitute_ended": {"absent": "孙初审", "reserve": "李主任", "by": "郑县长"},
    "substitute_lapsed": {"reserve": "李主任", "absent": "王值班"},
    "substitute_silent": {"reserve": "李主任", "absent": "王值班"},
    "roster_names": {"names": [["王小", "第 3 行", ["王小二"], []]]},
    "roster_gap": {"starts_at": at(8).isoformat(), "ends_at": at(20).isoformat(), "fault": "gap"},
    "roster_week": {"shifts": 14, "people": 6, "faults": [], "unreachable": []},
}
NO_CASE = {
    "source_fault",
    "source_ails",
    "source_ok",
    "trouble",
    "said",
    "stranger",
    "unknown_group",
    "head",
    "handover_unsigned",
    "substitute_over",
    "substitute_lapsed",
    "substitute_silent",
    "roster_names",
    "roster_gap",
    "roster_week",
} | {name for name in sentences._SENTENCES if name.startswith("invite_")}


def every_sentence() -> Iterator[tuple[str, Card]]:
    for name in sentences._SENTENCES:
        view = None if name in NO_CASE else case(State.HANDLING)
        yield name, sentences.sentence(name, FACTS.get(name, {}), view, OFFICE)


def questions() -> Iterator[tuple[str, Card]]:
    for command in sentences._QUESTIONS:
        card, placeholder = sentences.question(command, case(State.HANDLING), OFFICE)
        yield f"{command.value}（{placeholder}）", card


def helped(*roles: Role, procedure: Procedure = LIGHT) -> Card:
    offered = [Offered(n, o.text, o.group) for n, o in OFFERS.items() if o.roles & set(roles)]
    return pages.help_card("王敏", frozenset(roles), offered, procedure)


V1, V2 = replace(FIRST, reviews=()), replace(SECOND, reviews=(PASSED,))
SCENES: Mapping[str, Callable[[], Card]] = {
    "duty_judging": lambda: duty(JUDGING),
    "duty_judging_article": lambda: duty(
        replace(JUDGING, lead=replace(LEAD, quote="至今没有一个部门给过说法"))
    ),
    "duty_judging_old_text": lambda: duty(replace(JUDGING, lead=replace(LEAD, at=AT - timedelta(days=400)))),
    "duty_judging_earlier": lambda: duty(
        replace(
            JUDGING, earlier=Earlier("YQ-2025-0311", "东湖小区停水", State.CLOSED, AT - timedelta(days=40))
        )
    ),
    "duty_judging_evidence": lambda: duty(replace(JUDGING, lead=replace(LEAD, evidence=("没人管", "停水")))),
    "duty_judging_article_told": lambda: duty(replace(JUDGING, lead=replace(LEAD, quote="拎桶爬楼"))),
    "duty_judging_bare": lambda: duty(
        replace(
            JUDGING,
            place=None,
            topic=None,
            subject=None,
            copies=(),
            reasons=(),
            lead=None,
            first_url="",
            must_answer=False,
            counts=Counts(),
            bands={},
            channel="gone",
        )
    ),
    "duty_judging_raised": lambda: duty(
        replace(JUDGING, proposed_level=Level.II, level_why="24 小时浏览 12.3万，达到Ⅱ级标准（10.0万）")
    ),
    "duty_judging_raised_by_its_rule": lambda: duty(
        replace(JUDGING, level_why=f"新信息命中规则「{JUDGING.reasons[0].rule}」等 3 条")
    ),
    "duty_muted": lambda: duty(replace(JUDGING, level=Level.IV, held=HeldView(MUTE, ""))),
    "duty_grave_although_muted": lambda: duty(replace(JUDGING, held=HeldView(MUTE, "", passed=True))),
    "duty_with_small_ones": lambda: duty(
        replace(
            JUDGING,
            level=Level.II,
            proposed_level=Level.II,
            below=tuple(f"YQ-2026-00{n}" for n in range(11, 16)),
        )
    ),
    "duty_one_in_doubt": lambda: duty(replace(JUDGING, doubted=DOUBTS[:1])),
    "duty_several_in_doubt": lambda: duty(replace(case(State.TO_SIGN), doubted=DOUBTS)),
    "duty_waits_beside": lambda: duty(
        replace(
            JUDGING,
            level=Level.IV,
            proposed_level=Level.IV,
            held=HeldView(None, "", beside="YQ-2026-0003", since=at(0)),
            suggestion=SuggestionView(OTHERS[0], "同一业务，相隔 3 小时"),
        )
    ),
    "menu_doubts": lambda: doubts_menu(0),
    "menu_doubts_last_page": lambda: doubts_menu(9),
    "menu_mute": lambda: muting(""),
    "menu_mute_for_how_long": lambda: muting("p"),
    "menu_mute_why": lambda: muting("p1"),
    "mute_list": lambda: mutes.mute_list(
        [MUTE, replace(MUTE, id=4, kind=MuteKind.SOURCE, matcher="bbs", held=0)], OFFICE, SOURCES
    ),
    "mute_list_empty": lambda: mutes.mute_list([], OFFICE, SOURCES),
    "mute_over": lambda: mutes.over_card(
        mutes.cause_of(HeldView(MUTE, ""), SOURCES), [MATTER, replace(MATTER, level=Level.IV)]
    ),
    "mute_over_all_done": lambda: mutes.over_card(mutes.cause_of(HeldView(MUTE, ""), SOURCES), []),
    "small_ones_freed": lambda: mutes.over_card(
        mutes.cause_of(HeldView(None, "YQ-2026-0001"), SOURCES), [MATTER] * 12
    ),
    "duty_judging_by_spread": lambda: duty(replace(JUDGING, level_why="已在 3 个站点出现")),
    "duty_judging_suggested": lambda: duty(
        replace(JUDGING, suggestion=SuggestionView(OTHERS[0], "同一地点、同一业务，相隔 3 小时"))
    ),
    "duty_judging_said": lambda: duty(replace(JUDGING, said_band=Band.NOT_NEGATIVE)),
    "duty_merged": lambda: duty(
        replace(JUDGING, state=State.MERGED, items=0, lead=None, deadlines=(), merged_into=OTHERS[0])
    ),
    "duty_watching": lambda: duty(
        replace(JUDGING, state=State.WATCHING, deadlines=(DeadlineView(Step.RELOOK, at(24), False),))
    ),
    "duty_to_sign": lambda: duty(case(State.TO_SIGN)),
    "duty_returned": lambda: duty(RETURNED),
    "duty_in_secrecy": lambda: duty(case(State.IN_SECRECY, V2)),
    "duty_closed": lambda: duty(CLOSED),
    "duty_reopened": lambda: duty(AGAIN),
    "duty_followed": lambda: duty(
        replace(AGAIN, papers=tuple(replace(paper, kind=Command.FOLLOW) for paper in AGAIN.papers))
    ),
    "duty_dismissed": lambda: duty(DISMISSED),
    "slip_to_sign": lambda: slip(case(State.TO_SIGN)),
    "slip_to_sign_assigned": lambda: slip(case(State.TO_SIGN, slip=replace(SLIP, assigned=True))),
    "slip_handling": lambda: slip(case(State.HANDLING)),
    "slip_in_review": lambda: slip(case(State.IN_REVIEW, V1)),
    "slip_to_release": lambda: slip(
        case(State.TO_RELEASE, replace(SECOND, reviews=(PASSED, CLEARED, APPROVED)))
    ),
    "slip_to_release_unconfirmed": lambda: slip(UNCONFIRMED),
    "slip_closed": lambda: slip(CLOSED),
    "slip_reopened": lambda: slip(AGAIN),
    "slip_reopened_told_in_person": lambda: slip(replace(AGAIN, release_url=None)),
    "slip_returned": lambda: slip(RETURNED),
    "slip_elsewhere": lambda: slip(case(State.TO_SIGN), "network"),
    "review_first_draft": lambda: review("review", case(State.IN_REVIEW, V1)),
    "review_second_draft": lambda: review("review", case(State.IN_REVIEW, SECOND)),
    "review_same_text": lambda: review(
        "review", case(State.IN_REVIEW, replace(SECOND, previous=SECOND.text))
    ),
    "review_done": lambda: review("review", case(State.IN_SECRECY, V2)),
    "review_void": lambda: review("review", case(State.IN_REVIEW, V1, draft_version=2)),
    "review_moved_on": lambda: review("review", case(State.HANDLING, V1)),
    "secrecy": lambda: review("secrecy", case(State.IN_SECRECY, V2)),
    "secrecy_with_superior": lambda: review(
        "secrecy",
        case(
            State.WITH_SUPERIOR,
            replace(V2, reviews=(PASSED, replace(CLEARED, opinion=Opinion.ESCALATE))),
        ),
    ),
    "approve": lambda: review(
        "approve", case(State.TO_APPROVE, replace(SECOND, reviews=(PASSED, CLEARED)), has_chief=True)
    ),
    "approve_again_after_the_first": lambda: render.review_card(
        case(
            State.TO_APPROVE,
            replace(SECOND, version=3, seen=1, reviews=(replace(PASSED, aspects=frozenset(Aspect)), CLEARED)),
            deadlines=(DeadlineView(Step.APPROVE, at(7), False), DeadlineView(Step.RESPOND, at(48), False)),
        ),
        OFFICE,
        "approve",
        "第2句疑似个人信息（手机号）；第3句“会议纪要”（内部文件用语）",
        at(5.5),
    ),
    "order": lambda: steps.order_card(
        replace(
            JUDGING,
            state=State.TO_ORDER,
            level=Level.II,
            deadlines=(DeadlineView(Step.ORDER, at(2), False),),
        ),
        OFFICE,
        at(1.25),
    ),
    "approve_correction": lambda: review(
        "approve",
        replace(
            AGAIN,
            state=State.TO_APPROVE,
            draft=replace(SECOND, version=3, at=at(31), reviews=(PASSED, CLEARED)),
            draft_version=3,
        ),
    ),
    "approve_decided": lambda: review(
        "approve", case(State.TO_RELEASE, replace(SECOND, reviews=(PASSED, CLEARED, APPROVED)))
    ),
    "duty_judging_units": lambda: several_duty(SEVERAL_VIEW),
    "duty_to_sign_units": lambda: several_duty(case(State.TO_SIGN, slip=replace(SLIP, unit="县住建局"))),
    "slip_agreed_wording": lambda: slip(
        case(
            State.HANDLING,
            papers=(
                PaperView(
                    Command.CONCLUDE,
                    "",
                    0,
                    "张主任",
                    "",
                    "性质：民生 走势：上升\n风险：聚集\n等级：Ⅱ\n口径：今晚恢复供水，\n不评论物业\n分工：信访主办",
                    at(1),
                    at(1),
                ),
            ),
        )
    ),
    "slip_units": lambda: render.channel_card(
        case(State.TO_SIGN, slip=replace(SLIP, unit="县住建局")), SEVERAL, SOURCES, "petition"
    ),
    "menu_channel_units": lambda: Card(
        duty(JUDGING).blocks[:1], menus.menu_buttons(SEVERAL_VIEW, SEVERAL, "channel")
    ),
    "menu_units": lambda: chosen(menus.unit_menu(SEVERAL_VIEW, SEVERAL, menus.UNITS, PETITION)),
    "menu_units_assign": lambda: chosen(menus.unit_menu(SEVERAL_VIEW, SEVERAL, menus.ASSIGN_UNITS, PETITION)),
    "menu_channel": lambda: menu("channel"),
    "menu_level": lambda: menu("level"),
    "menu_dismiss": lambda: menu("dismiss"),
    "menu_back": lambda: menu("back"),
    "menu_correct": lambda: menu("correct"),
    "menu_correct_said": lambda: menu("correct", replace(JUDGING, said_band=Band.NEGATIVE, items=1)),
    "menu_correct_to_sign": lambda: menu("correct", case(State.TO_SIGN)),
    "menu_correct_in_review": lambda: menu("correct", case(State.IN_REVIEW, V1)),
    "menu_channel_to_sign": lambda: menu("channel", case(State.TO_SIGN)),
    "menu_subject": lambda: chosen(menus.subject_menu(JUDGING, 0)),
    "menu_split": lambda: chosen(menus.text_menu(JUDGING, OFFICE, Page(1, TEXTS, True))),
    "menu_merge": lambda: chosen(menus.matter_menu(JUDGING, Page(0, OTHERS, False))),
    "open_list": lambda: pages.open_list(
        [JUDGING, case(State.HANDLING), RETURNED], 30, OFFICE, Leaf(9, 1, at(3)), "Ⅲ级、社情民意"
    ),
    "open_list_empty": lambda: pages.open_list([], 0, OFFICE, Leaf(9, 0, AT), "超期"),
    "mine": lambda: pages.mine_list(
        [
            Waiting(case(State.HANDLING, draft=SECOND, draft_version=2), None, True),
            Waiting(JUDGING, Command.DISMISS, False),
        ],
        2,
        OFFICE,
        Leaf(9, 0, AT),
    ),
    "mine_nothing": lambda: pages.mine_list([], 0, OFFICE, Leaf(9, 0, AT)),
    "find": lambda: pages.found_list(
        [
            Hit(1, "YQ-2026-0001", "停水三天", State.CLOSED, Level.III, ""),
            Hit(2, "YQ-2026-0002", "物业不作为", State.JUDGING, Level.IV, "…小区又停水了，物业…"),
        ],
        True,
        "停水 物业",
        Leaf(9, 0, AT),
    ),
    "find_nothing": lambda: pages.found_list([], False, "停电", Leaf(9, 0, AT)),
    "why": lambda: pages.why_list(
        "YQ-2026-0001",
        [Trodden(AT, "读到", "来源 青禾论坛"), Trodden(None, "规则", "停水：停水")] * 7,
        Words(OFFICE.zone, ""),
        Leaf(9, 0, AT),
    ),
    "why_nothing": lambda: pages.why_list("YQ-2026-0404", [], Words(), Leaf(9, 0, AT)),
    "help_duty": lambda: helped(Role.DUTY),
    "help_contact": lambda: helped(Role.CONTACT),
    "help_leader": lambda: helped(Role.LEADER),
    "help_admin": lambda: helped(Role.ADMIN),
    "help_duty_full": lambda: helped(Role.DUTY, Role.OFFICE, procedure=FULL),
    "invite": lambda: lists.invite_card(Invitation(4, "张三", (Role.DUTY, Role.REVIEWER), "小张<3", "1")),
    "digest_week": lambda: lists.digest_card(digest(), OFFICE),
    "digest_day": lambda: lists.digest_card(digest(1), OFFICE),
}


def plain(text: str) -> str:
    """What is left of Telegram's HTML when its entities are parsed."""
    return unescape(re.sub(r"<[^>]+>", "", text))


def shown(card: Card) -> str:
    keys = "\n".join("".join(f"[{button.text}]" for button in row) for row in card.buttons)
    return rendered(card).text + "\n" + (f"\n{keys}\n" if keys else "")


def compare(name: str, text: str) -> None:
    path = CARDS / f"{name}.txt"
    if os.environ.get("YUQING_TEST_WRITE_CARDS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SCENES)
def test_a_card_reads_as_its_text_beside(name: str) -> None:
    compare(name, shown(SCENES[name]()))


def test_every_sentence_reads_as_its_text_beside() -> None:
    compare("sentences", "\n".join(f"== {name}\n{shown(card)}" for name, card in every_sentence()))


def test_a_sentence_says_of_an_answer_that_is_out_where_it_stands() -> None:
    said = sentences.sentence("reopened_why", FACTS["reopened_why"], AGAIN, OFFICE).blocks
    assert [block.label for block in said[-2:]] == ["原答复", "更正"]
    assert said[-2].url == AGAIN.release_url


def test_every_question_reads_as_its_text_beside() -> None:
    compare("questions", "\n".join(f"== {name}\n{shown(card)}" for name, card in questions()))


def test_limits_of_the_duty_officers_hide_no_limit_of_a_unit_or_a_reviewer() -> None:
    limits = [(Step.REPORT, 1), (Step.PROGRESS, 2), (Step.REVIEW, 3), (Step.DRAFT, 4), (Step.RESPOND, 48)]
    owed = tuple(DeadlineView(step, at(hours), False) for step, hours in limits)
    view = case(State.IN_REVIEW, V1, deadlines=owed)
    assert "首报" in shown(duty(view))
    for card in (slip(view), review("review", view)):
        assert "首报" not in shown(card)
        assert "初审 " in shown(card)


def test_a_matter_that_is_checked_again_is_not_said_to_be_closed() -> None:
    facts = {"link": "https://gov.example/answer/7"}
    for state, closed in ((State.ANSWERED, False), (State.CALLING_BACK, False), (State.CLOSED, True)):
        said = shown(sentences.sentence("answered", facts, replace(CLOSED, state=state), OFFICE))
        assert ("办结" in said) is closed, state


def test_no_text_beside_is_without_its_card() -> None:
    assert {path.stem for path in CARDS.glob("*.txt")} == {*SCENES, "sentences", "questions"}


# --- lengths ----------------------------------------------------------------------------------------------------

MARKUP = "<b>&amp;" * (DRAFT_MAX // 8)
LONG = replace(
    JUDGING,
    title="停<水>&" * 200,
    place="幸福路" * 50,
    sources=tuple(f"source-{i}" for i in range(80)),
    items=500,
    reasons=tuple(ReasonView(f"规则{i}" * 10, ("很长的词" * 10,) * 40, "说明" * 50) for i in range(30)),
    lead=replace(LEAD, text="<&>" * 5_000),
)


@pytest.mark.parametrize("kind", ["review", "secrecy", "approve"])
def test_a_reviewer_reads_a_draft_of_the_greatest_length_whole(kind: str) -> None:
    states = {"review": State.IN_REVIEW, "secrecy": State.IN_SECRECY, "approve": State.TO_APPROVE}
    draft = replace(SECOND, text=MARKUP, previous="完全不同的一稿。" * 250, reviews=(PASSED, CLEARED))
    title = "停水" * 30
    card = review(kind, case(states[kind], draft, title=title))
    text = plain(rendered(card).text)
    assert units(text) <= TEXT_LIMIT
    assert MARKUP in text
    assert title in text
    assert card.buttons


@pytest.mark.parametrize("name", ["duty", "slip", "release"])
def test_a_card_of_a_long_matter_fits_in_one_message(name: str) -> None:
    long_draft = replace(SECOND, text=MARKUP, reviews=(PASSED, CLEARED, APPROVED))
    card = {
        "duty": lambda: duty(LONG),
        "slip": lambda: slip(replace(LONG, state=State.TO_SIGN, slip=SLIP)),
        "release": lambda: slip(
            replace(case(State.TO_RELEASE, long_draft), lead=LONG.lead, reasons=LONG.reasons)
        ),
    }[name]()
    text = plain(rendered(card).text)
    assert units(text) <= TEXT_LIMIT
    assert JUDGING.number in text
    if name == "release":
        assert MARKUP in text


def test_of_more_sources_than_are_named_it_says_that_there_are_more() -> None:
    five = replace(JUDGING, sources=("bbs", "news", "a", "b", "c"))
    assert "5 个来源（青禾论坛、青禾新闻网、a、b 等）" in plain(rendered(duty(five)).text)


def test_a_full_page_of_open_matters_with_the_longest_titles_is_shown_whole() -> None:
    many = [replace(JUDGING, id=i, number=f"YQ-2026-{i:04}", title="停水" * 30) for i in range(1, 7)]
    text = plain(rendered(pages.open_list(many, 500, OFFICE, Leaf(1, 0, AT))).text)
    assert units(text) <= TEXT_LIMIT
    assert "未办结事项 500 件　第 1/84 页" in text
    assert all(view.number in text for view in many)


def test_a_full_page_of_the_longest_steps_is_shown_whole() -> None:
    steps = [Trodden(AT, "台账 12345", f"{n}：" + "理" * 500) for n in range(12)]
    text = plain(rendered(pages.why_list("YQ-2026-0001", steps, Words(), Leaf(1, 0, AT))).text)
    assert units(text) <= TEXT_LIMIT
    assert all(f"　{n}：理" in text for n in range(12))


def test_a_digest_of_many_channels_and_late_matters_fits_in_one_message() -> None:
    whole = digest()
    line = replace(whole.channels[0], overdue_now=whole.channels[0].overdue_now * 60)
    card = lists.digest_card(replace(whole, channels=(line,) * 40), OFFICE)
    assert units(plain(rendered(card).text)) <= TEXT_LIMIT


# --- what may stand where -----------------------------------------------------------------------------------------

SECRETS = {
    "text": "机要稿件：停水原因尚未对外公布，请勿外传。",
    "basis": "内部依据甲乙丙",
    "reason": "内部理由丁戊己",
}
AROUND = {  # moves that go back, from the state that they start in
    State.IN_REVIEW: Command.REDO,
    State.IN_SECRECY: Command.WITHHOLD,
    State.WITH_SUPERIOR: Command.WITHHOLD,
    State.TO_APPROVE: Command.REFUSE,
    State.TO_SIGN: Command.RETURN,
}
AFTER_APPROVAL = {State.TO_RELEASE, State.ANSWERED, State.CALLING_BACK, State.CLOSED, State.ARCHIVED}


@pytest.mark.parametrize("name", ["extension", "extension_why"])
def test_what_an_older_version_queued_is_written_all_the_same(name):
    facts = {"unit": "县信访局", "days": "3", **({"reason": "等检测结果"} if name.endswith("why") else {})}
    said = sentences.sentence(name, facts, case(State.HANDLING), OFFICE).blocks[0].text
    assert said.startswith("⏳ 县信访局申请延期 3 个工作日，请政府办在卡片上批复")
    assert ("理由：等检测结果" in said) == name.endswith("why")


def act(desk: Desk, case_id: int, command: Command) -> None:
    # A dismissal's reason is chosen in the duty group itself; that of an extension is decided on there.
    more = {} if command is Command.DISMISS else SECRETS
    if command is Command.EXTEND:
        more = {**SECRETS, "reason": "等第三方检测结果"}
    answer = desk.act(case_id, command, **more)
    assert type(answer).__name__ == "Done", answer


def roads() -> Iterator[tuple[State, Command | None]]:
    from builders import ROADS

    for state in [
        state for state in ROADS if state is not State.MERGED
    ]:  # nobody drafts for one that was merged
        yield state, None
        if state in AROUND:
            yield state, AROUND[state]


def in_groups(desk: Desk) -> Iterator[tuple[str, str]]:
    """Everything that was queued for a group, as it would be sent now: the chat and the text."""
    composer = Composer(desk.office, SOURCES)
    groups = desk.office.chats()

    def work(session: Any) -> list[tuple[str, str]]:
        found = []
        for row in session.scalars(select(OutboxRow).order_by(OutboxRow.id)):
            outgoing = composer.compose(session, outbox._message(row), desk.clock())
            if row.chat in groups and outgoing is not None:
                found.append((row.chat, plain(rendered(outgoing.card).text)))
        return found

    yield from desk.run(work)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("state", "back"), list(roads()), ids=lambda v: str(v) if v else "")
def test_a_group_never_reads_a_draft_before_its_approval_nor_any_reason(
    desk: Desk, state: State, back: Command | None
) -> None:
    from builders import ROADS, SWITCHED

    desk.office = replace(desk.office, procedure=SWITCHED.get(state, desk.office.procedure))
    case_id = desk.open()
    for command in [*ROADS[state], *([back] if back else [])]:
        act(desk, case_id, command)
    view = desk.run(lambda s: case_view(s, case_id))
    assert view is not None
    texts = [text for _, text in in_groups(desk)]
    texts += [plain(rendered(duty(view)).text)]
    texts += [plain(rendered(slip(view, key)).text) for key in desk.office.channels]
    assert len(texts) > len(desk.office.channels)
    for text in texts:
        assert SECRETS["basis"] not in text
        assert SECRETS["reason"] not in text
        if state not in AFTER_APPROVAL:
            assert SECRETS["text"] not in text
    if state is State.EXTENDING:
        assert "等第三方检测结果" in texts[-1 - len(desk.office.channels)]
    if state in AFTER_APPROVAL:
        assert SECRETS["text"] in plain(rendered(slip(view)).text)
        assert SECRETS["text"] not in plain(rendered(duty(view)).text)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_the_drafter_reads_neither_basis_nor_reason_of_a_secrecy_review(desk: Desk) -> None:
    case_id = desk.open()
    for command in (Command.DISPATCH, Command.SIGN, Command.DRAFT, Command.PASS, Command.WITHHOLD):
        act(desk, case_id, command)
    composer = Composer(desk.office, SOURCES)
    [private] = desk.run(lambda s: people.private_chats(s, desk.staff["contact"].person_id))

    def told(session: Any) -> list[str]:
        rows = session.scalars(select(OutboxRow).where(OutboxRow.chat == private))
        cards = [composer.compose(session, outbox._message(row), desk.clock()) for row in rows]
        return [plain(rendered(c.card).text) for c in cards if c]

    texts = desk.run(told)
    assert any("请当面向保密审查员了解" in text for text in texts)
    assert not any(SECRETS["reason"] in text or SECRETS["basis"] in text for text in texts)


@pytest.mark.parametrize("stage", [Stage.SECRECY, Stage.SUPERIOR])
@pytest.mark.parametrize("kind", ["review", "secrecy", "approve"])
def test_a_card_gives_the_basis_of_a_secrecy_review_to_who_approves_and_its_reason_to_nobody(
    kind: str, stage: Stage
) -> None:
    opinion = ReviewLine(stage, Opinion.PUBLIC, "吴保密", SECRETS["basis"], SECRETS["reason"], at(5))
    for state in (State.WITH_SUPERIOR, State.TO_APPROVE, State.TO_RELEASE):
        text = plain(rendered(review(kind, case(state, replace(SECOND, reviews=(opinion,))))).text)
        assert "吴保密" in text
        assert SECRETS["reason"] not in text
        assert (SECRETS["basis"] in text) is (kind == "approve")


# --- every sentence that is queued can be said --------------------------------------------------------------------


def written_templates() -> set[str]:
    """Every template name that stands in the code, by keyword or as a payload's value."""
    found: set[str] = set()
    for path in [*ROOT.glob("routing/*.py"), *ROOT.glob("bot/*.py"), *ROOT.glob("bot/handlers/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            values: list[ast.AST] = []
            if isinstance(node, ast.keyword) and node.arg == "template":
                values.append(node.value)
            if isinstance(node, ast.Dict):
                values += [
                    value
                    for key, value in zip(node.keys, node.values, strict=True)
                    if isinstance(key, ast.Constant) and key.value == "template"
                ]
            for value in values:
                found |= {
                    str(n.value)
                    for n in ast.walk(value)
                    if isinstance(n, ast.Constant) and isinstance(n.value, str)
                }
    return found


def test_every_template_that_the_code_names_exists() -> None:
    written = written_templates()
    assert len(written) > 10
    assert written <= {*sentences._SENTENCES, *compose._PAGES, *LISTINGS}


def said_of_sources(template: str, **facts: Any) -> str:
    return plain(rendered(sentences.sentence(template, facts, None, OFFICE)).text)


def test_every_ailment_has_a_name_and_is_said_with_its_cure():
    for ailment in Ailment:
        ill = {"ailment": ailment.value, "detail": "看到了什么", "cure": "请怎么办"}
        text = said_of_sources("source_ails", source="bbs", name="", ailments=[ill])
        mark = "🚨" if ailment is Ailment.TAMPERED else "⚠️"
        assert text == f"{mark} 来源 bbs {names.AILMENT_NAMES[ailment]}：看到了什么。请怎么办。"
    assert len(set(names.AILMENT_NAMES.values())) == len(Ailment)


def test_what_ails_us_names_no_source():
    ill = {"ailment": "network", "detail": "9 个来源中有 9 个连不上", "cure": "请检查网络"}
    assert (
        said_of_sources("source_ails", source="*", name="", ailments=[ill])
        == "⚠️ 本机网络：9 个来源中有 9 个连不上。请检查网络。"
    )
    assert (
        said_of_sources("source_ok", source="*", name="", over=["network"], since="")
        == "✅ 本机网络：已恢复正常"
    )


def test_an_all_clear_says_what_is_over():
    known = {"source": "bbs", "name": "论坛"}
    assert said_of_sources("source_ok", **known, over=[], since="2026-11-17") == "✅ 来源 bbs（论坛）已恢复"
    assert (
        said_of_sources("source_ok", **known, over=["drift", "moved"], since="")
        == "✅ 来源 bbs（论坛）异常已消除：时钟偏差、网址已搬"
    )


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_desk_that_lives_through_everything_queues_each_sentence_with_all_its_facts(desk: Desk) -> None:
    live(desk)
    composer = Composer(desk.office, SOURCES)

    def say(session: Any) -> set[str]:
        seen = set()
        for row in session.scalars(select(OutboxRow).where(OutboxRow.kind == MessageKind.TEXT.value)):
            outgoing = composer.compose(session, outbox._message(row), desk.clock())
            assert outgoing is not None, row.payload
            text = plain(rendered(outgoing.card).text)
            assert "{" not in text
            assert "None" not in text
            seen.add(str(row.payload["template"]))
        return seen

    assert desk.run(say) | OF_DUTY == {*sentences._SENTENCES, *compose._PAGES, *LISTINGS}


OF_DUTY = {
    name
    for name in {*sentences._SENTENCES, *compose._PAGES}
    if name.startswith(("called", "duty", "handover_", "substitute_", "roster_"))
} | {legacy.TEMPLATE, presence.TEMPLATE}
"""What the tests of the roster, of calls, handovers, substitutions and older ledgers live through."""


def live(desk: Desk) -> None:
    """Let everything happen once that makes the desk say something."""
    counter = Counter(desk.office, desk.ledger, "chat", SOURCES)
    serial = iter(range(1, 1_000))

    def happen(event: Any) -> None:
        desk.run(lambda s: react(Occasion(counter, s, desk.clock(), next(serial), event)))

    def sender(key: str) -> From:
        return From(key, key, f"private-{key}")

    def command(key: str, name: str, rest: str = "") -> CommandGiven:
        chat = f"private-{key}"
        return CommandGiven(sender(key), chat, True, name, rest, MessageRef(chat, "1"))

    # matters: copies, a graver level, ways back, the end, and news after the end
    first = desk.open()
    desk.accept(item("东湖小区今天又停水了，物业不管", counts=views(150_000)))
    desk.act(first, Command.DISPATCH)
    desk.act(first, Command.RETURN)
    desk.act(first, Command.DISPATCH)
    desk.act(first, Command.SIGN)
    desk.act(first, Command.DRAFT)
    desk.act(first, Command.REDO)
    for move in (Command.DRAFT, Command.PASS, Command.CLEAR, Command.APPROVE, Command.CONFIRM):
        desk.act(first, move)
    desk.accept(item("东湖小区今天又停水了，物业不管"))
    desk.act(first, Command.MISTAKE)
    desk.act(first, Command.REOPEN)
    # steps beside the main road
    plain_office = desk.office
    third = desk.open("西山小区停水了，几百户没水用", published_at=desk.clock.advance(days=8))
    steps = Procedure(order=frozenset(Level), consult=frozenset(Level), report=frozenset(Level))
    desk.office = replace(desk.office, procedure=steps)
    for move in (
        Command.CONVENE,
        Command.CONCLUDE,
        Command.SUBMIT,
        Command.SEND_BACK,
        Command.SUBMIT,
        Command.ORDER,
    ):
        act(desk, third, move)
    for move in (Command.SIGN, Command.EXTEND, Command.DENY, Command.EXTEND, Command.GRANT):
        act(desk, third, move)
    desk.act(third, Command.REPORT, stance="first")
    for move in (Command.DRAFT, Command.PASS, Command.CLEAR, Command.APPROVE):
        act(desk, third, move)
    desk.office = replace(desk.office, procedure=replace(steps, chief=frozenset(Level)))
    desk.act(third, Command.SET_LEVEL)
    desk.act(first, Command.DRAFT, openness=Openness.CLOSED)
    desk.office = plain_office
    for move in (Command.PASS, Command.CLEAR, Command.APPROVE, Command.CONFIRM, Command.FOLLOW):
        desk.act(first, move)
    # limits: half-way and over; nobody to review
    second = desk.open("西山小区停水了")
    desk.act(second, Command.DISPATCH, channel="network")
    desk.act(second, Command.DISPATCH)
    for hours in (1.1, 24):
        desk.clock.advance(hours=hours)
        desk.run(lambda s: deadlines.tick(s, desk.office, desk.ledger, desk.clock()))
        desk.run(lambda s: supervision.tick(s, desk.office, desk.ledger, desk.clock()))
    desk.act(second, Command.SIGN)
    reviewer = desk.staff["reviewer"].person_id
    desk.run(lambda s: people.revoke(s, desk.ledger, person_id=reviewer, by="命令行", now=desk.clock()))
    desk.act(second, Command.DRAFT)
    # sources and the second look
    desk.take(failed(Fault.NOT_A_FEED))
    charset = Symptom(Ailment.CHARSET, "正文里的汉字从九成降到一成", "请在 sources.toml 写明 encoding")
    desk.take(harvest(symptoms=(charset,)))
    desk.take(harvest(state=SourceState("bbs", last_ok_at=desk.clock(), baseline_done=True)))
    desk.clock.advance(hours=1)
    desk.accept(item("今天天气不错"))
    desk.run(lambda s: auditor.audit(s, desk.office, desk.clock()))
    desk.run(lambda s: attest.post_daily(s, desk.office, desk.ledger, desk.clock()))
    # a text leaves its matter, and comes back
    [*_, newest] = desk.all(CaseItemRow, CaseItemRow.case_id == first)
    desk.act(first, Command.SPLIT, item_id=newest.item_id)
    [*_, apart] = desk.all(CaseRow)
    desk.act(apart.id, Command.MERGE, into=first)
    # people, pages, strangers and strange groups
    looks = (("open", ""), ("mine", ""), ("find", "停水"), ("why", "1"), ("case", "1"))
    for name, rest in (("help", ""), *looks, ("nothing", "")):
        happen(command("duty", name, rest))
    # what is muted, and its end
    happen(command("duty", "mute"))
    happen(command("duty", "mute", "地点 西山小区 1h 计划停水"))
    desk.open("请问西山小区何时招生")
    desk.clock.advance(hours=2)
    desk.run(lambda s: holding.tick(s, desk.office, desk.ledger, desk.clock()))
    happen(command("nobody", "start"))
    happen(JoinedChat("-9", "别的群"))
    happen(LeftChat(desk.office.duty_chat))
    happen(TextReplied(sender("duty"), "private-duty", True, "", Body.STICKER, MessageRef("p", "1"), None))
    for key, arg in (("new-1", "确认是本人"), ("new-2", "拒绝")):
        code = desk.run(
            lambda s: people.invite(
                s, desk.ledger, name="新人", roles=[Role.DUTY], channels=[], by="命令行", now=desk.clock()
            )
        )
        happen(command(key, "join", code))
        invites = desk.all(InviteRow)
        invitation = desk.run(lambda s, i=invites[-1].id: people.invitation(s, i))
        card = lists.invite_card(invitation)
        token = next(b.token for row in card.buttons for b in row if b.text == arg)
        admin = sender("admin")
        happen(ActionPressed(admin, "private-admin", True, token, MessageRef("private-admin", "5"), "p"))
    # what a unit promised
    day = (desk.clock() + timedelta(days=5)).date()
    contact = desk.staff["contact"]
    desk.run(
        lambda s: promises.promise(s, desk.office, desk.ledger, first, "修好路灯", day, contact, desk.clock())
    )
    for days in (3, 3):
        desk.clock.advance(days=days)
        desk.run(lambda s: promises.tick(s, desk.office, desk.ledger, desk.clock()))


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_comment_feed_is_named_after_the_source_that_named_it(desk: Desk) -> None:
    desk.accept(source="bbs~0123456789")
    case_id = desk.open(external_id="t")
    desk.accept(item("支持", source_id="bbs~0123456789", parent_id="t"), source="bbs~0123456789")
    view = desk.run(lambda s: case_view(s, case_id))
    assert view is not None
    card = plain(rendered(render.duty_card(view, desk.office, {"bbs": "县论坛"})).text)
    assert "县论坛、县论坛评论" in card


def test_every_question_that_a_press_can_raise_is_written() -> None:
    from bot.handlers.presses import _ASKABLE

    assert set(sentences._QUESTIONS) == set(_ASKABLE)
    assert all(len(placeholder) <= 64 for _, placeholder in sentences._QUESTIONS.values())


def test_a_question_for_a_reason_says_beforehand_what_is_taken_for_one() -> None:
    asks = [c for c in sentences._QUESTIONS if needs_of(c) & {Need.REASON, Need.BASIS}]
    assert len(asks) > 15
    for command in asks:
        text, _ = sentences._QUESTIONS[command]
        assert f"至少 {REASON_MIN} 个字" in text
        assert all(is_telling(example) for example in re.findall("如“(.+?)”", text))


def test_every_word_of_the_core_has_a_name_on_the_screen() -> None:
    for words, told in (
        (Level, names.LEVEL_NAMES),
        (Level, names.LEVEL_MARKS),
        (Band, names.BAND_NAMES),
        (Step, names.STEP_NAMES),
        (Role, names.ROLE_NAMES),
        (Stage, names.STAGE_NAMES),
        (Opinion, names.OPINION_NAMES),
    ):
        assert set(words) == set(told)


def test_a_rule_that_is_called_as_what_it_met_says_it_once() -> None:
    assert deciding((ReasonView("情绪消极", (), "情绪消极"),)) == "情绪消极"
    assert deciding((ReasonView("供水", ("停水",), ""),)) == "供水（停水）"
    assert deciding((ReasonView("事故伤亡", (), "这些词相隔不超过50字"),)) == "事故伤亡"
