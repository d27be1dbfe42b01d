from datetime import UTC, datetime
from itertools import count
from zoneinfo import ZoneInfo

import pytest

from bot.dossier import _sheets
from routing.clock import week_named
from routing.dossier import Scope, dossier
from routing.export import LedgerLine, ledger_rows
from routing.items import Kind
from routing.office import Channel, Level, Office
from routing.store.engine import Store
from routing.store.tables import (
    AssignmentRow,
    CaseItemRow,
    CaseRow,
    DraftRow,
    ItemRow,
    Outcome,
    PersonRow,
    ReleaseRow,
)
from routing.why import Words, explain
from routing.workflow import State

ZONE = ZoneInfo("Asia/Shanghai")
OFFICE = Office(
    name="云溪县人民政府办公室",
    code="YXX",
    zone=ZONE,
    duty_chat="duty",
    operator_chat="operator",
    channels={
        "net": Channel("net", "网络舆情", "县委网信办", "chat-net"),
        "letters": Channel("letters", "社情民意", "县信访局", "chat-letters"),
    },
    limits={},
    marks={},
)
WEEK = week_named("2026-W47", ZONE)


def local(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


def at(day: int, hour: int = 12, minute: int = 0) -> datetime:
    return local(day, hour, minute).astimezone(UTC)


class Desk:
    """Puts rows into a store, with the least that each needs."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.serial = count(1)
        self.duty, self.office, self.contact = (
            self.add(PersonRow(name=name, added_at=at(1))) for name in ("王值班", "李主任", "赵联络")
        )

    def add(self, row):
        def work(session):
            session.add(row)
            session.flush()
            return row.id

        return self.store.run(work)

    def case(self, opened=None, level=Level.III, state=State.JUDGING, **more):
        serial = next(self.serial)
        values = {"copies": [], "channel": "letters", "title": f"第{serial}件事"} | more
        return self.add(
            CaseRow(
                number=f"YQ-2026-{serial:04d}",
                state=state,
                level=level,
                proposed_level=level,
                opened_at=opened or at(17),
                **values,
            )
        )

    def item(self, case_id, joined, **more):
        serial = next(self.serial)
        url = f"http://bbs.example/{serial}"
        values = {"source_id": "bbs", "text": "正文", "url": url, "published_at": joined} | more
        row = ItemRow(
            external_id=str(serial),
            title="帖子",
            kind=Kind.POST,
            first_seen_at=joined,
            content_hash="",
            fingerprint="",
            places=[],
            numbers=[],
            outcome=Outcome.CASE,
            reasons=[],
            masked=[],
            **values,
        )
        item_id = self.add(row)
        link = CaseItemRow(item_id=item_id, case_id=case_id, why="", certainty=1.0, at=joined)
        self.store.run(lambda session: session.add(link))

    def slip(self, case_id, sent, by, signed=None, *, unit="县信访局", assigned=False):
        self.add(
            AssignmentRow(
                case_id=case_id,
                channel="letters",
                unit=unit,
                assigned=assigned,
                dispatched_at=sent,
                dispatched_by=by,
                signed_at=signed,
                signed_by=self.contact if signed else None,
            )
        )

    def released(self, case_id, when, text, version=1):
        draft_id = self.add(
            DraftRow(
                case_id=case_id,
                version=version,
                text=text,
                text_hash="",
                openness="主动公开",
                drafter_id=self.contact,
                at=when,
            )
        )
        url = f"http://gov.example/{version}"
        self.add(ReleaseRow(case_id=case_id, draft_id=draft_id, url=url, confirmed_by=self.contact, at=when))

    def lines(self, *, full=False, platforms=None) -> list[LedgerLine]:
        return self.store.run(
            lambda session: ledger_rows(session, OFFICE, WEEK, full=full, platforms=platforms)
        )


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def whole_case(desk: Desk, level: Level = Level.III) -> None:
    """Make a matter that went the whole way, with a return on it."""
    case_id = desk.case(
        at(17, 9),
        level,
        State.CLOSED,
        closed_at=at(19, 16),
        topic="供水",
        returns=1,
        copies=["net"],
        title="幸福路停水",
    )
    desk.item(case_id, at(17, 9), text="停水\n三天了", views=12_000, comments=30, published_at=at(17, 8, 5))
    desk.item(case_id, at(17, 10), views=500)
    desk.slip(case_id, at(17, 9, 30), desk.duty, unit="县委网信办")
    desk.slip(case_id, at(17, 11), desk.office, at(17, 11, 20))
    desk.released(case_id, at(19, 15), "已恢复供水。")


def test_what_came_as_a_comment_names_the_place_that_it_answered_on_in_every_view(desk):
    case_id = desk.case()
    desk.item(case_id, at(17), source_id="bbs~0f3a9c22e1")
    names = {"bbs": "云溪论坛"}
    assert [line.platform for line in desk.lines(platforms=names)] == ["云溪论坛评论"]
    words = Words(values={"source": names})
    [read, *_] = desk.store.run(lambda s: explain(s, "YQ-2026-0001", words))
    assert read.detail.startswith("来源 云溪论坛评论，")
    found = desk.store.run(lambda s: dossier(s, case_id, Scope(full=True, secrecy=False)))
    (texts,) = [rows for name, _, rows in _sheets(found, OFFICE, words) if name == "来文"]
    assert [row[0] for row in texts] == ["云溪论坛评论"]


def test_a_matter_that_went_the_whole_way_fills_its_line(desk):
    whole_case(desk)
    (line,) = desk.lines(platforms={"bbs": "云溪论坛"})
    assert line == LedgerLine(
        serial=1,
        number="YQ-2026-0001",
        watcher="云溪县人民政府办公室",
        published_at=local(17, 8, 5),
        platform="云溪论坛",
        title="幸福路停水",
        url="http://bbs.example/2",
        level="Ⅲ",
        channel="社情民意",
        unit="县信访局",
        topic="供水",
        first_handler="王值班",
        sent_at=local(17, 11),
        signed_at=local(17, 11, 20),
        answered_at=local(19, 15),
        closed_at=local(19, 16),
        views=12_500,
        comments=30,
        summary="停水 三天了",
        answer="已恢复供水。",
        online="已办结，已公开回应：http://gov.example/1",
        offline="",
        supervised="否",
        satisfaction="",
        note="退回1次；抄送：网络舆情",
    )
    assert line.sent_at is not None
    assert line.sent_at.tzinfo == ZONE


def test_a_matter_without_anything_yet_has_an_honest_line(desk):
    desk.case()
    (line,) = desk.lines()
    assert (line.published_at, line.sent_at, line.signed_at, line.answered_at, line.closed_at) == (None,) * 5
    assert (line.views, line.comments) == (None, None)
    assert (line.url, line.unit, line.first_handler, line.answer, line.note) == ("",) * 5
    assert line.online == "待研判"


@pytest.mark.parametrize("level", [Level.I, Level.II])
def test_links_and_summaries_of_grave_matters_stay_here_and_the_line_says_so(desk, level):
    whole_case(desk, level)
    (line,) = desk.lines()
    assert (line.url, line.summary, line.answer) == ("", "", "")
    assert line.online == "已办结，已公开回应"
    assert "链接和摘要按规定未导出" in line.note
    assert "http" not in repr(line)
    assert (line.title, line.views, line.unit) == ("幸福路停水", 12_500, "县信访局")


@pytest.mark.parametrize("level", [Level.III, Level.IV])
def test_links_and_summaries_of_ordinary_matters_always_go_out(desk, level):
    whole_case(desk, level)
    (line,) = desk.lines()
    assert line.url
    assert line.summary
    assert line.answer


def test_a_full_export_shows_grave_matters_too(desk):
    whole_case(desk, Level.I)
    (line,) = desk.lines(full=True)
    assert (line.url, line.summary, line.answer) == ("http://bbs.example/2", "停水 三天了", "已恢复供水。")
    assert "未导出" not in line.note


def test_lines_are_the_matters_of_the_span_oldest_first_and_numbered(desk):
    for opened in [at(18), at(16, 0), at(23, 0), at(15, 23, 59), at(22, 23, 59)]:
        desk.case(opened)
    assert [(line.serial, line.number) for line in desk.lines()] == [
        (1, "YQ-2026-0002"),
        (2, "YQ-2026-0001"),
        (3, "YQ-2026-0005"),
    ]


def test_each_line_has_only_what_belongs_to_its_matter(desk):
    whole_case(desk)
    desk.case(at(18))
    first, second = desk.lines()
    assert first.url
    assert second.url == ""
    assert second.first_handler == ""


def test_a_dismissed_matter_is_not_closed_and_gives_its_reason(desk):
    desk.case(state=State.DISMISSED, closed_at=at(18), close_reason="与本县无关")
    (line,) = desk.lines()
    assert line.closed_at is None
    assert line.note == "不予受理：与本县无关"


def test_a_merged_matter_names_the_one_that_has_its_texts(desk):
    whole = desk.case()
    desk.case(state=State.MERGED, closed_at=at(18), merged_into=whole)
    kept, gone = desk.lines()
    assert (kept.note, gone.note, gone.online) == ("", f"已并入 {kept.number}", "已合并")
    assert gone.closed_at is None


def test_the_first_answer_gives_the_time_and_the_newest_the_text(desk):
    case_id = desk.case(state=State.CLOSED, closed_at=at(20))
    desk.released(case_id, at(18), "第一次答复")
    desk.released(case_id, at(20), "第二次答复", version=2)
    (line,) = desk.lines()
    assert line.answered_at == local(18, 12)
    assert line.answer == "第二次答复"
    assert line.online.endswith("http://gov.example/2")


def test_an_unpublished_draft_is_in_no_line(desk):
    case_id = desk.case(state=State.IN_REVIEW)
    desk.add(
        DraftRow(
            case_id=case_id,
            version=1,
            text="未发布的稿子",
            text_hash="",
            openness="主动公开",
            drafter_id=desk.contact,
            at=at(18),
        )
    )
    assert "未发布的稿子" not in repr(desk.lines(full=True))


def test_a_long_text_becomes_a_summary_of_two_hundred_characters(desk):
    desk.item(desk.case(), at(17), text="水" * 500)
    (line,) = desk.lines()
    assert len(line.summary) == 200
    assert line.summary.endswith("…")


def test_an_assigned_slip_is_noted(desk):
    case_id = desk.case(returns=2)
    desk.slip(case_id, at(18), desk.office, assigned=True)
    assert desk.lines()[0].note == "退回2次；政府办指定承办"


def test_a_source_or_channel_without_a_name_shows_its_key(desk):
    desk.item(desk.case(channel="foreign"), at(17))
    (line,) = desk.lines()
    assert (line.platform, line.channel) == ("bbs", "foreign")
