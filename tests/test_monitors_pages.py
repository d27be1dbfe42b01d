import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.pages import read_page
from monitors.parsed import Parsed
from monitors.sources import Source
from routing.items import Ailment, Fault, Kind, Symptom

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)  # Saturday, 10:00 in the zone of the office
URL = "https://www.county.example/about/index.html"
PAGE = Source("about", "机构简介", "page", URL, "county.example", Kind.ARTICLE)
COLUMN = replace(PAGE, id="news", name="要闻", kind="column", overdue_d=14)

HOME = """<html><head><title>县政府机构简介</title><script src="/js/a.js?v=1"></script></head><body>
<h1>机构简介</h1><p>县政府办公室负责全县政务舆情回应。</p><p>电话：0551-6281234</p>
<a href="https://www.gov.example/">中国政府网</a><a href="list.html">更多</a>
<p>浏览量：1,024 次</p><p>今天是2026年11月21日 星期六</p></body></html>"""


class Watched:
    """One page, read round after round, its memory committed each time but where nothing could be read."""

    def __init__(self, source: Source = PAGE) -> None:
        self.source = source
        self.memory: str | None = None

    def read(self, body: str | bytes, at: datetime = NOW) -> Parsed:
        plain = body.encode() if isinstance(body, str) else body
        parsed = read_page(plain, "text/html", self.source, at, self.memory)
        assert parsed.items == ()
        if parsed.problem is None:
            assert parsed.memory is not None
            self.memory = parsed.memory
        return parsed

    def symptom(self, body: str | bytes, at: datetime = NOW) -> Symptom:
        (symptom,) = self.read(body, at).symptoms
        assert len(symptom.detail) <= 300
        assert symptom.cure
        assert symptom.mark
        return symptom

    def is_well(self, body: str | bytes, at: datetime = NOW) -> bool:
        parsed = self.read(body, at)
        assert parsed.problem is None
        return parsed.symptoms == ()


@pytest.fixture
def page() -> Watched:
    """The page, approved at its first sight."""
    watched = Watched()
    watched.read(HOME)
    return watched


# --- a page that must not change ---


def test_at_first_sight_the_present_page_is_the_approved_one_and_a_note_says_so() -> None:
    parsed = Watched().read(HOME)
    assert parsed.symptoms == ()
    assert "首次查看" in parsed.notes[0]
    assert "县政府机构简介" in parsed.notes[0]


def test_the_same_page_is_well(page: Watched) -> None:
    assert page.is_well(HOME)


def test_a_changed_word_is_told_with_what_went_and_what_came(page: Watched) -> None:
    symptom = page.symptom(HOME.replace("全县政务舆情回应", "全县彩票发行"))
    assert symptom.ailment is Ailment.TAMPERED
    assert "新增 “县政府办公室负责全县彩票发行。”" in symptom.detail
    assert "删去 “县政府办公室负责全县政务舆情回应。”" in symptom.detail
    assert "yuqing sources approve about" in symptom.cure


def test_a_change_stays_told_until_the_page_is_as_approved_again(page: Watched) -> None:
    changed = HOME.replace("简介", "新闻")
    first = page.symptom(changed)
    assert page.symptom(changed) == first
    assert page.is_well(HOME)


def test_another_change_has_another_mark_and_the_same_one_on_another_day_has_not(page: Watched) -> None:
    first = page.symptom(HOME.replace("简介", "新闻"))
    assert page.symptom(HOME.replace("简介", "旧闻")).mark != first.mark
    next_day = HOME.replace("简介", "新闻").replace("21日 星期六", "22日 星期日").replace("1,024", "1,999")
    assert page.symptom(next_day, NOW + timedelta(days=1)).mark == first.mark


@pytest.mark.parametrize(
    "added",
    [
        "<script src='//evil.example/x.js'></script>",
        "<iframe src='https://evil.example/x.js' width=0></iframe>",
        "<a href='https://evil.example/x.js'></a>",
        "<script>location='https://evil.example/x.js'</script>",
    ],
    ids=["script", "iframe", "anchor", "inline"],
)
def test_a_new_outward_link_is_told_though_no_word_changed(page: Watched, added: str) -> None:
    assert "新增外链 evil.example/x.js" in page.symptom(HOME.replace("</body>", added + "</body>")).detail


def test_links_within_the_own_host_and_its_subdomains_are_not_outward(page: Watched) -> None:
    own = "<script src='https://static.county.example/a.js'></script><script src=//www.county.example/b.js></script>"
    assert page.is_well(HOME.replace("</body>", own + "</body>"))
    alike = "<script src=https://notcounty.example/a.js></script>"
    assert "notcounty.example" in page.symptom(HOME + alike).detail


def test_session_ids_and_cache_numbers_in_links_are_no_change(page: Watched) -> None:
    page.memory = None
    link = "https://stat.example/c.js;jsessionid={0}?t={0}&id=7"
    first, second = (HOME + f"<script src='{link.format(n)}'></script>" for n in (17, 99))
    page.read(first)
    assert page.is_well(second)
    assert not page.is_well(second.replace("id=7", "id=8"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("浏览量：1,024 次", "浏览量：2.3万 次"),
        ("访问人次：1024", "访问人次：1025"),
        ("您是第 1024 位访客", "您是第 1025 位访客"),
        ("已有1024人次浏览", "已有1025人次浏览"),
        ("当前时间：2026年11月21日 10:00:00 星期六", "当前时间：2026年12月1日 09:00:00 星期二"),
        ("页面执行时间 0.013 秒", "页面执行时间 0.021 秒"),
    ],
)
def test_counters_and_clocks_are_no_change(before: str, after: str) -> None:
    watched = Watched()
    watched.read(f"<p>机构简介</p><p>{before}</p>")
    assert watched.is_well(f"<p>机构简介</p><p>{after}</p>")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("收费标准：10 元", "收费标准：100 元"),
        ("阅读更多：2025年预算", "阅读更多：2026年决算"),
        ("发布时间：2026-11-01", "发布时间：2026-11-02"),
        ("在线咨询电话：0551-6281234", "在线咨询电话：0551-6281235"),
        ("联系人手机 13812345678", "联系人手机 13912345678"),
    ],
)
def test_other_figures_are_a_change(before: str, after: str) -> None:
    watched = Watched()
    watched.read(f"<p>机构简介</p><p>{before}</p>")
    assert not watched.is_well(f"<p>机构简介</p><p>{after}</p>")


def test_a_banner_with_the_date_of_today_is_no_change_on_any_later_day(page: Watched) -> None:
    for days, shown in ((1, "22日 星期日"), (2, "23日 星期一"), (9, "30日 星期一")):
        assert page.is_well(HOME.replace("21日 星期六", shown), NOW + timedelta(days=days))
    cached = HOME.replace("21日 星期六", "22日 星期日")
    assert page.is_well(cached, NOW + timedelta(days=2))  # from a cache, one day behind
    assert not page.is_well(cached, NOW + timedelta(days=3))


def test_a_date_of_the_day_of_approval_that_stays_is_no_change_on_the_next_day() -> None:
    watched = Watched()
    watched.read("<p>机构简介</p><p>发布时间：2026-11-21</p>")
    assert watched.is_well("<p>机构简介</p><p>发布时间：2026-11-21</p>", NOW + timedelta(days=1))


def test_blocks_that_change_their_places_are_no_change(page: Watched) -> None:
    moved = HOME.replace("<h1>机构简介</h1>", "").replace("</body>", "<h1>机构简介</h1></body>")
    assert page.is_well(moved)


def test_another_charset_alone_is_no_change_and_mojibake_is_one(page: Watched) -> None:
    assert page.is_well(HOME.encode("gb18030"))
    assert page.is_well(HOME.encode("utf-8-sig"))
    assert not page.is_well(HOME.encode().decode("latin-1").encode())


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("", "空白"),
        ("<html><body></body></html>", "空白"),
        ("<title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>", "502 Bad Gateway"),
        ("<title>用户登录</title><p>请登录</p>", "标题由“县政府机构简介”变为“用户登录”"),
        (b"%PDF-1.4 \xff\xfe", "不是网页"),
    ],
    ids=["empty", "blank", "error", "login", "pdf"],
)
def test_a_page_that_is_another_one_is_a_change_though_its_status_is_200(
    page: Watched, body: str | bytes, word: str
) -> None:
    assert word in page.symptom(body).detail
    assert page.is_well(HOME)


def test_a_page_that_is_blank_at_first_sight_is_a_problem_and_not_approved() -> None:
    watched = Watched()
    parsed = watched.read("<html></html>")
    assert parsed.problem is not None
    assert parsed.problem.fault is Fault.UNREADABLE
    assert parsed.problem.cure
    assert "首次查看" in watched.read(HOME).notes[0]


def approve(memory: str | None) -> str:
    return json.dumps({**json.loads(memory or "{}"), "approve": True})


def test_an_approval_makes_the_present_page_the_approved_one_and_is_used_up(page: Watched) -> None:
    new = HOME.replace("简介", "职能")
    assert not page.is_well(new)
    page.memory = approve(page.memory)
    parsed = page.read(new)
    assert parsed.symptoms == ()
    assert "已按要求重新核准" in parsed.notes[0]
    assert json.loads(page.memory or "")["approved"]["title"] == "县政府机构职能"
    assert page.is_well(new)
    assert not page.is_well(HOME)


def test_an_approval_is_not_wasted_on_a_blank_page(page: Watched) -> None:
    page.memory = approve(page.memory)
    assert not page.is_well("")
    new = HOME.replace("简介", "职能")
    assert page.is_well(new)
    assert page.is_well(new)


def test_personal_data_is_neither_told_nor_remembered(page: Watched) -> None:
    symptom = page.symptom(HOME.replace("</h1>", "</h1><p>联系王先生 13812345678</p>"))
    assert "13812345678" not in symptom.detail
    assert "手机号已隐去" in symptom.detail
    assert "0551-6281234" not in (page.memory or "")
    assert "‹" not in symptom.detail


def test_a_long_page_is_remembered_in_part_and_watched_to_its_end() -> None:
    watched = Watched()
    long = "".join(f"<p>第 {n} 条规定：本办法自发布之日起施行。</p>" for n in range(20_000))
    watched.read(long)
    assert len(watched.memory or "") < 300_000
    assert watched.is_well(long)
    assert not watched.is_well(long.replace("第 19999 条规定", "第 19999 条黑产"))


def test_a_detail_is_short_however_much_has_changed(page: Watched) -> None:
    links = "".join(
        f"<a href='https://{'x' * 50}{n}.example/{'y' * 90}'>{'彩票' * 90}</a><br>" for n in range(50)
    )
    detail = page.symptom(f"<title>{'彩' * 500}</title>{links}").detail
    assert len(detail) <= 300
    assert "等 50 处" in detail


@pytest.mark.parametrize(
    "memory", ["", "no json", "[]", '{"approved": 3}', '{"approved": {"day": "x"}}', "null"]
)
def test_memory_that_cannot_be_read_is_a_first_sight(memory: str) -> None:
    watched = Watched()
    watched.memory = memory
    assert "首次查看" in watched.read(HOME).notes[0]


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_no_bytes_make_either_kind_raise(first: bytes, second: bytes) -> None:
    for source in (PAGE, COLUMN):
        memory = read_page(first, "text/html", source, NOW).memory
        read_page(second, "", source, NOW, memory)


# --- a column that must have news ---


def listed(*entries: tuple[str, str], head: str = "") -> str:
    rows = "".join(
        f"<li><a href='/art/{name}.html'>关于{name}的通知公告</a><span>{shown}</span></li>"
        for name, shown in entries
    )
    menu = "<a href='/'>网站首页</a><a href='/zwgk/'>政务公开</a>"
    return f"<title>要闻</title><div>{head}{menu}</div><ul>{rows}</ul><a href=p2.html>下一页</a> 1/15 页"


OLD = (("甲", "2026-11-01"), ("乙", "2026-10-20"), ("丙", "2026-10-02"))


@pytest.fixture
def column() -> Watched:
    """The column, its newest entry of 1 November."""
    watched = Watched(COLUMN)
    assert watched.is_well(listed(*OLD), datetime(2026, 11, 2, 2, tzinfo=UTC))
    return watched


def test_a_column_without_news_past_its_limit_is_overdue_and_says_since_when(column: Watched) -> None:
    assert column.is_well(
        listed(*OLD), datetime(2026, 11, 15, 15, 59, tzinfo=UTC)
    )  # 15 November, 23:59 there
    symptom = column.symptom(listed(*OLD), datetime(2026, 11, 15, 16, 1, tzinfo=UTC))
    assert symptom.ailment is Ailment.OVERDUE
    assert "2026-11-01" in symptom.detail
    assert "14 天" in symptom.detail


def test_a_column_that_is_overdue_when_it_is_first_seen_is_told_at_once() -> None:
    assert "2026-11-01" in Watched(COLUMN).symptom(listed(*OLD)).detail


def test_overdue_stays_one_case_from_day_to_day_and_ends_with_news(column: Watched) -> None:
    first = column.symptom(listed(*OLD), NOW)
    assert column.symptom(listed(*OLD), NOW + timedelta(days=3)).mark == first.mark
    assert column.is_well(listed(("新", "2026-11-24"), *OLD), NOW + timedelta(days=3))
    assert column.is_well(listed(*OLD), NOW + timedelta(days=3))  # it was there, be it taken back


def test_a_column_without_a_limit_is_never_overdue() -> None:
    assert Watched(replace(COLUMN, overdue_d=0)).is_well(listed(*OLD))


def test_an_old_entry_that_moves_up_is_no_news(column: Watched) -> None:
    assert not column.is_well(listed(OLD[0], OLD[1], ("丁", "2026-09-30")), NOW)


@pytest.mark.parametrize(
    "head",
    ["今天是2026年11月21日 星期六 ", "2026-11-21 ", "<span>2026年11月21日</span>"],
    ids=["words", "bare", "span"],
)
def test_the_date_of_today_in_the_head_of_the_page_is_no_news(column: Watched, head: str) -> None:
    assert not column.is_well(listed(*OLD, head=head), NOW)
    assert not Watched(COLUMN).is_well(listed(*OLD, head=head), NOW)


@pytest.mark.parametrize(
    "markup",
    [
        "<tr><td><a href=/1.html>关于停水的通知</a></td><td>{}</td></tr>",
        "<dt>{}</dt><dd><a href=/1.html>关于停水的通知</a></dd>",
        "<li><a href=/1.html>关于停水的通知<i>[{}]</i></a></li>",
        "<div><p><a href=/1.html>关于停水的通知</a></p><p>来源：县水务局</p><p>发布日期：{}</p></div>",
    ],
    ids=["table", "definition", "inside", "below"],
)
@pytest.mark.parametrize(
    "shown", ["2026-11-20", "2026年11月20日", "2026/11/20 08:30", "2026.11.20", "11-20", "11月20日"]
)
def test_a_date_is_found_near_its_title_however_the_list_is_built(markup: str, shown: str) -> None:
    watched = Watched(COLUMN)
    assert watched.is_well(f"<table>{markup.format(shown)}</table>")
    assert json.loads(watched.memory or "")["last"].startswith(("2026-11-19T16:00", "2026-11-20T00:30"))


def test_a_date_may_stand_in_the_address_only() -> None:
    watched = Watched(COLUMN)
    watched.read("<a href=/zwgk/202611/t20261118_1234.html>关于停水的通知</a>")
    assert json.loads(watched.memory or "")["last"].startswith("2026-11-17T16:00")


def test_a_list_without_dates_counts_from_now_and_a_link_not_seen_before_is_news() -> None:
    watched = Watched(COLUMN)
    undated = [(name, "") for name in "甲乙丙"]
    parsed = watched.read(listed(*undated), NOW)
    assert "从现在起" in parsed.notes[0]
    assert watched.is_well(listed(*undated), NOW + timedelta(days=13))
    assert watched.is_well(listed(("丁", ""), *undated), NOW + timedelta(days=13, hours=1))
    assert watched.is_well(listed(*undated), NOW + timedelta(days=20))
    assert watched.is_well(listed(("丁", ""), *undated), NOW + timedelta(days=27))
    assert not watched.is_well(listed(("丁", ""), *undated), NOW + timedelta(days=28))


def test_the_date_of_today_that_stands_near_a_known_entry_is_no_news() -> None:
    watched = Watched(COLUMN)
    for days in range(16):
        at = NOW + timedelta(days=days)
        head = f"<p>{at:%Y-%m-%d}</p>"
        is_well = watched.is_well(f"{head}<p><a href=/a.html>关于停水的通知</a></p>", at)
    assert not is_well


def test_a_session_id_in_a_link_makes_no_news() -> None:
    watched = Watched(COLUMN)
    page = "<a href='/a.html;jsessionid={}'>关于停水的通知</a>"
    watched.read(page.format(1), NOW)
    assert not watched.is_well(page.format(2), NOW + timedelta(days=15))


def test_a_date_in_the_future_is_no_news(column: Watched) -> None:
    assert not column.is_well(listed(("会议", "2026-12-24"), *OLD), NOW)


@pytest.mark.parametrize(
    "body", ["", "<title>用户登录</title><a href=/>首页</a>", "<h1>502</h1>"], ids=["empty", "login", "error"]
)
def test_a_page_without_entries_is_a_problem_and_not_a_quiet_column(column: Watched, body: str) -> None:
    before = column.memory
    parsed = column.read(body)
    assert parsed.problem is not None
    assert parsed.problem.cure
    assert column.memory == before


def feed_of(days: Sequence[int]) -> str:
    entries = "".join(
        f"<item><guid>{day}</guid><title>停水{day}</title><pubDate>{day:02d} Nov 2026 10:00:00 +0800</pubDate></item>"
        for day in days
    )
    return f"<?xml version='1.0'?><rss><channel>{entries}</channel></rss>"


def test_a_column_may_be_given_as_a_feed() -> None:
    watched = Watched(COLUMN)
    parsed = watched.read(feed_of([1, 3, 5]))
    assert parsed.entries == 3
    assert "2026-11-05" in parsed.symptoms[0].detail
    assert watched.is_well(feed_of([5, 20]))


def test_a_feed_that_cannot_be_read_is_a_problem() -> None:
    assert Watched(COLUMN).read("<?xml version='1.0'?><rss").problem is not None


def test_what_is_remembered_of_a_column_does_not_grow_for_ever() -> None:
    watched = Watched(COLUMN)
    for batch in range(8):
        watched.read(listed(*((f"第{batch}批{n}", "2026-11-20") for n in range(1_000))))
    kept = json.loads(watched.memory or "")["seen"]
    assert len(kept) == 5_000
