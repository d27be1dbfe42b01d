"""The same texts under other ids: recognised where that is sure, and taken in as new wherever it is not."""

from dataclasses import replace
from datetime import timedelta

import pytest
from builders import HOUR, START, Desk, harvest, item

from routing import intake
from routing.items import Ailment, Item, Kind
from routing.store.tables import CaseItemRow, CaseRow, ItemRow, OutboxRow, Outcome

WATER = "东湖小区今天又停水了，物业说不知道什么时候来水，已经三天了"
DAY = timedelta(days=1)


def changed_ids_told(desk: Desk) -> list[str]:
    """What the operator was told of changed ids."""
    told = [row.payload for row in desk.all(OutboxRow, OutboxRow.chat == "operator")]
    ailing = [ailment for facts in told for ailment in facts["ailments"]]
    return [ailment["detail"] for ailment in ailing if ailment["ailment"] == Ailment.NEW_IDS]


def article(number: int, text: str = "", **more) -> Item:
    values = {
        "external_id": f"old-{number}",
        "url": f"http://news.example/{number}.html",
        "title": f"关于第{number}号工程进展情况的通报",
        "kind": Kind.ARTICLE,
        "published_at": START - number * DAY,
    }
    return item(text or f"第{number}号工程已经完成了一半，其余部分正在按计划推进。", **(values | more))


def ids(desk: Desk) -> list[str]:
    return sorted(row.external_id for row in desk.all(ItemRow))


def under(desk: Desk, external_id: str) -> ItemRow:
    [row] = desk.all(ItemRow, ItemRow.external_id == external_id)
    return row


@pytest.fixture
def feed(desk: Desk) -> tuple[Item, ...]:
    """Ten articles of `bbs` that are stored; the first is a matter."""
    desk.know("bbs", "weibo")
    articles = (article(0, WATER), *(article(n) for n in range(1, 10)))
    desk.accept(*articles)
    return articles


def renamed(texts: tuple[Item, ...], **changes) -> tuple[Item, ...]:
    return tuple(replace(t, external_id=f"new-{n}", **changes) for n, t in enumerate(texts))


# --- all ids at once ----------------------------------------------------------------------------------------------


def test_all_ids_changed_are_adopted_and_nobody_is_alarmed(desk, feed):
    assert desk.accept(*renamed(feed)) == []
    assert ids(desk) == [f"new-{n}" for n in range(10)]
    assert len(desk.all(CaseRow)) == 1
    [told] = changed_ids_told(desk)
    assert "10 条" in told


def test_the_round_after_knows_the_new_ids_and_tells_nothing_more(desk, feed):
    desk.accept(*renamed(feed))
    assert desk.accept(*renamed(feed)) == []
    assert len(ids(desk)) == 10
    assert len(changed_ids_told(desk)) == 1
    assert len(desk.all(OutboxRow, OutboxRow.chat == "operator")) == 1


def test_a_site_that_moved_to_other_addresses_is_known_by_titles_and_days(desk, feed):
    moved = tuple(replace(t, url=f"https://new.example/x/{n}") for n, t in enumerate(renamed(feed)))
    assert desk.accept(*moved) == []
    assert {row.url for row in desk.all(ItemRow)} == {t.url for t in moved}
    assert len(changed_ids_told(desk)) == 1


def test_titles_are_enough_where_a_source_gives_no_dates(desk):
    desk.know()
    undated = tuple(article(n, published_at=None) for n in range(8))
    desk.accept(*undated)
    moved = tuple(replace(t, url=f"https://new.example/x/{n}") for n, t in enumerate(renamed(undated)))
    assert desk.accept(*moved) == []
    assert len(ids(desk)) == 8


def test_news_among_the_new_ids_is_news(desk, feed):
    [line] = desk.accept(*renamed(feed), article(77, "西山小区后面塌方了，路都堵住了", external_id="new-77"))
    assert "新事项 YQ-2026-0002" in line


def test_an_adopted_text_that_was_edited_as_well_is_a_revision(desk, feed):
    edited = (*renamed(feed[:9]), replace(feed[9], external_id="new-9", text="第9号工程已经全部完成。"))
    [line] = desk.accept(*edited)
    assert "第 2 版" in line
    assert len(ids(desk)) == 10


def test_all_new_texts_of_a_known_source_are_all_new(desk, feed):
    assert len(desk.accept(*(article(n, external_id=f"n-{n}") for n in range(20, 30)))) == 10
    assert len(ids(desk)) == 20
    assert changed_ids_told(desk) == []


def test_few_of_many_that_changed_their_ids_are_no_change_of_the_scheme(desk, feed):
    assert desk.accept(*renamed(feed[:4]), entries=10) == []
    assert ids(desk)[:4] == [f"new-{n}" for n in range(4)]
    assert changed_ids_told(desk) == []


def test_a_baseline_that_is_still_being_read_adopts_nothing(desk):
    state = replace(harvest().state, baseline_done=False)
    texts = tuple(article(n) for n in range(6))
    desk.take(harvest(*texts, state=state))
    desk.take(harvest(*renamed(texts), state=state))
    assert len(ids(desk)) == 12


def test_another_source_with_the_same_texts_is_another_source(desk, feed):
    theirs = tuple(replace(t, source_id="weibo") for t in renamed(feed))
    assert len(desk.accept(*theirs, source="weibo")) == 10
    assert len(ids(desk)) == 20


# --- one at a time ------------------------------------------------------------------------------------------------


def test_an_edited_headline_in_the_id_is_a_revision_of_its_text(desk, feed):
    edited = replace(feed[0], external_id="guid-with-headline", title="东湖小区停水：水务公司回应")
    [line] = desk.accept(edited, entries=10)
    assert "第 2 版" in line
    row = under(desk, "guid-with-headline")
    assert (row.title, row.revision) == (edited.title, 2)
    assert len(desk.all(CaseRow)) == len(desk.all(CaseItemRow)) == 1


def test_the_new_id_is_remembered(desk, feed):
    edited = replace(feed[0], external_id="guid-with-headline")
    desk.accept(edited, entries=10)
    assert desk.accept(edited, entries=10) == []
    assert desk.run(lambda s: intake.known(s, "bbs", ["guid-with-headline", "old-0", "old-1"])) == {
        "guid-with-headline",
        "old-1",
    }
    assert under(desk, "guid-with-headline").found == ["adopted:old-0"]


def test_a_link_that_went_from_http_to_https_is_the_same_link(desk, feed):
    assert desk.accept(replace(feed[3], external_id="x", url="https://news.example/3.html"), entries=10) == []
    assert len(ids(desk)) == 10


def test_the_same_title_on_the_same_day_is_the_same_text_if_it_reads_so(desk, feed):
    again = replace(feed[0], external_id="x", url="http://news.example/other", text=WATER + "！")
    [line] = desk.accept(again, entries=10)
    assert "第 2 版" in line
    assert len(ids(desk)) == 10


@pytest.mark.parametrize(
    "change",
    [
        {"text": "西山小区二期明天八点到十八点检修水管，请居民提前储水备用"},
        {"published_at": START + DAY},
        {"published_at": None},
    ],
    ids=["another text", "another day", "no day"],
)
def test_a_title_that_returns_is_another_text(desk, feed, change):
    notice = replace(feed[0], external_id="x", url="http://news.example/other", **change)
    desk.accept(notice, entries=10)
    assert len(ids(desk)) == 11


def test_a_short_title_tells_nothing(desk):
    desk.know()
    desk.accept(item(WATER, title="停水通知", external_id="1"))
    desk.accept(item(WATER, title="停水通知", external_id="2"))
    assert ids(desk) == ["1", "2"]


def test_a_page_of_todays_notices_brings_a_new_text_each_day(desk):
    desk.know()
    page = {"url": "http://water.example/today", "title": "今日计划停水通知公告", "kind": Kind.ARTICLE}
    desk.accept(item(WATER, external_id="1", **page))
    desk.clock.advance(DAY)
    tomorrow = item("西山小区二期停水检修到晚上八点", external_id="2", published_at=START + DAY, **page)
    [line] = desk.accept(tomorrow)
    assert "新事项" in line


def test_a_link_that_all_texts_share_tells_nothing(desk):
    desk.know()
    shared = {"url": "http://news.example/", "published_at": START}
    desk.accept(*(article(n, **shared) for n in range(3)))
    desk.accept(article(3, **shared), entries=4)
    assert len(ids(desk)) == 4


def test_two_texts_of_one_round_with_one_link_are_two(desk, feed):
    one = replace(feed[0], external_id="x")
    desk.accept(one, replace(one, external_id="y", text=WATER + "。"), entries=10)
    assert ids(desk)[-2:] == ["x", "y"]


def test_a_text_whose_old_id_still_stands_beside_it_is_another(desk, feed):
    desk.accept(*feed, replace(feed[0], external_id="x"))
    assert len(ids(desk)) == 11


def test_comments_that_share_the_link_of_their_thread_are_never_one(desk):
    desk.know()
    thread = {"url": "http://bbs.example/thread", "kind": Kind.COMMENT, "parent_id": "t"}
    desk.accept(item("我们楼也停水了，三天了没有人管", external_id="1", **thread))
    desk.accept(item("我们楼也停水了，三天了没有人管！", external_id="2", **thread))
    assert ids(desk) == ["1", "2"]


def test_old_news_under_a_new_id_stays_old_news(desk):
    old = article(0, WATER)
    desk.accept(old)
    desk.accept(replace(old, external_id="x", title="东湖小区停水：水务公司回应"))
    [row] = desk.all(ItemRow)
    assert (row.outcome, row.revision) == (Outcome.BASELINE, 2)
    assert desk.all(CaseRow) == []


def test_a_link_that_hundreds_of_stored_texts_share_is_not_read_out(desk):
    desk.know()
    shared = {"url": "http://news.example/", "title": "", "published_at": START - HOUR}
    desk.accept(*(article(n, **shared) for n in range(450)))
    desk.accept(article(900, **shared), entries=10)
    assert len(ids(desk)) == 451


def test_another_text_with_the_link_and_the_day_of_an_old_one_is_news(desk):
    """The entries before it are known by their bytes and not in the harvest: only the text can tell them apart."""
    desk.know()
    page = {"url": "http://x.example/notice", "kind": Kind.ARTICLE, "published_at": START}
    water = item(WATER, external_id="a", title="甲", **page)
    blast = item("东湖化工厂爆炸，多人受伤，村民堵路", external_id="b", title="乙", **page)
    school = item("实验中学食堂今天中午的饭菜价格公示", external_id="c", title="丙", **page)
    desk.accept(water, entries=1)
    [line] = desk.accept(blast, entries=2)
    assert "新事项 YQ-2026-0002" in line
    desk.accept(school, entries=3)
    assert [(row.external_id, row.revision, row.found) for row in desk.all(ItemRow)] == [
        ("a", 1, []),
        ("b", 1, []),
        ("c", 1, []),
    ]


NOTICE = "因管网检修，东湖小区及周边将于明天8时至18时停水，请各位居民提前储水备用，停水期间请关好水龙头，来水时可能有短时浑浊"


@pytest.mark.parametrize(
    ("title", "change"),
    [
        ("计划停水公告", ("8时至18时", "9时至20时")),
        ("计划停水公告", ("东湖小区", "西山小区")),
        ("计划停水公告", ("东湖小区及周边", "南门外及周边")),
        ("计划停水公告", ("东湖", "南湖")),
        ("计划停水公告", ("明天", "后天")),
        ("西山小区计划停水公告", ("", "")),
        ("东湖小区三期计划停水公告", ("", "")),
    ],
    ids=["hours", "place", "place without ending", "one letter", "day", "place in title", "figure in title"],
)
def test_two_notices_of_one_template_are_two(desk, title, change):
    desk.know()
    page = {"url": "http://water.example/today", "kind": Kind.ARTICLE, "published_at": START}
    old = "东湖小区二期计划停水公告" if title.startswith("东湖") else "东湖小区计划停水公告"
    desk.accept(item(NOTICE, external_id="1", title=old if title != "计划停水公告" else title, **page))
    desk.accept(item(NOTICE.replace(*change), external_id="2", title=title, **page))
    assert ids(desk) == ["1", "2"]


@pytest.mark.parametrize(
    "text",
    [
        NOTICE + "。给您带来不便敬请谅解",
        NOTICE.replace("，来水时可能有短时浑浊", ""),
        NOTICE.replace("，", " ；") + "！",
    ],
    ids=["more", "less", "signs"],
)
def test_an_edited_notice_is_the_same_notice(desk, text):
    desk.know()
    page = {"url": "http://water.example/today", "kind": Kind.ARTICLE, "published_at": START}
    desk.accept(item(NOTICE, external_id="1", title="计划停水公告", **page))
    desk.accept(item(text, external_id="2", title="东湖小区及周边居民请注意：明天停水", **page))
    assert ids(desk) == ["2"]


def test_places_on_a_page_that_take_new_texts_are_no_change_of_the_scheme(desk, feed):
    """`/top/1`, `/top/2`: the link is a place, and tomorrow's text stands in it."""
    tomorrow = tuple(
        replace(
            t,
            external_id=f"n-{n}",
            title=f"县城{n}路公交线路调整{n}",
            text=f"今起{n}路公交改走滨河大道，{n}站停用",
        )
        for n, t in enumerate(feed)
    )
    desk.accept(*tomorrow)
    assert len(ids(desk)) == 20
    assert changed_ids_told(desk) == []


def test_many_new_ids_beside_entries_that_stand_as_before_are_no_change_of_the_scheme(desk, feed):
    edited = tuple(
        replace(t, text=f"第{n}号工地昨夜发生事故，原因正在调查") for n, t in enumerate(renamed(feed[:6]))
    )
    desk.accept(*edited, entries=10)
    assert len(ids(desk)) == 16
    assert changed_ids_told(desk) == []
