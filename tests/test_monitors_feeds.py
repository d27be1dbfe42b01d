import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from aiohttp import ClientSession
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.county import load_texts
from bot.demo.sources import SampleSources, source_urls
from monitors.feeds import max_entries, parse_feed
from monitors.parsed import Parsed
from monitors.sources import Source
from monitors.texts import clean, decode, plain
from routing.items import Ailment, CommentFeed, Counts, Fault, Kind

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
SOURCE = Source(
    id="forum",
    name="县论坛",
    kind="feed",
    url="https://bbs.example/rss",
    site="bbs.example",
    item_kind=Kind.POST,
)


def parse(body: str | bytes, content_type: str = "", source: Source = SOURCE) -> Parsed:
    return parse_feed(body if isinstance(body, bytes) else body.encode(), content_type, source, NOW)


def rss(*entries: str, prolog: str = '<?xml version="1.0" encoding="UTF-8"?>') -> str:
    channel = "<title>论坛</title><link>https://bbs.example/</link>"
    return f'{prolog}<rss version="2.0"><channel>{channel}{"".join(entries)}</channel></rss>'


def entry(title: str = "停水三天了", number: int = 1, **more: str) -> str:
    fields = {"title": title, "link": f"https://bbs.example/t/{number}", "guid": f"g{number}", **more}
    return (
        "<item>" + "".join(f"<{name}>{value}</{name}>" for name, value in fields.items() if value) + "</item>"
    )


FIFTY = [entry(f"第{n}条：锦棠花园小区停水三天无人管", n) for n in range(50)]


def test_a_plain_feed_gives_items_without_authors() -> None:
    written = entry(
        description="<p>锦棠花园&lt;b&gt;停水&lt;/b&gt;</p><p>三天</p>",
        pubDate="Fri, 20 Nov 2026 18:00:00 +0800",
        author="zhang@example.com (张三)",
    )
    (item,) = parse(rss(written.replace("<p>", "&lt;p&gt;").replace("</p>", "&lt;/p&gt;"))).items
    assert (item.external_id, item.url, item.title) == ("g1", "https://bbs.example/t/1", "停水三天了")
    assert item.text == "锦棠花园停水\n三天"
    assert item.kind is Kind.POST
    assert item.published_at == datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
    assert "张三" not in repr(item)


def test_atom_and_rdf_are_read_too() -> None:
    atom = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title><entry><id>urn:1</id><title>停水</title>'
        '<link href="/t/1"/><updated>2026-11-20T18:00:00+08:00</updated><content type="html">&lt;i&gt;急&lt;/i&gt;</content>'
        "</entry></feed>"
    )
    (item,) = parse(atom).items
    assert (item.external_id, item.url, item.text) == ("urn:1", "https://bbs.example/t/1", "急")
    assert item.published_at == datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
    rdf = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">'
        '<item rdf:about="https://a.example/1"><title>停电</title><link>https://a.example/1</link></item></rdf:RDF>'
    )
    assert [item.title for item in parse(rdf).items] == ["停电"]


@pytest.mark.parametrize(
    ("charset", "prolog", "content_type"),
    [
        ("gb18030", "", ""),
        ("gb18030", '<?xml version="1.0" encoding="utf-8"?>', "text/xml; charset=utf-8"),
        ("gb18030", '<?xml version="1.0" encoding="gb2312"?>', ""),
        ("gb18030", '<?xml version="1.0" encoding="iso-8859-1"?>', ""),
        ("utf-8", '<?xml version="1.0" encoding="gbk"?>', "text/xml; charset=gb2312"),
        ("utf-8", '<?xml version="1.0" encoding="unicode_escape"?>', ""),
        ("utf-8-sig", "", ""),
        ("utf-16", "", ""),
        ("utf-16-le", "", ""),
        ("big5", '<?xml version="1.0" encoding="big5"?>', ""),
    ],
)
def test_every_title_is_readable_whatever_the_label_says(
    charset: str, prolog: str, content_type: str
) -> None:
    # 停水無人管: letters that Big5 has as well.
    body = rss(*(entry(f"第{n}條：停水無人管", n) for n in range(20)), prolog=prolog).replace("论坛", "x")
    parsed = parse(body.encode(charset), content_type)
    assert [item.title for item in parsed.items] == [f"第{n}條：停水無人管" for n in range(20)]
    assert parsed.notes[:-1] == ()


def test_one_broken_byte_costs_one_letter_and_not_the_feed() -> None:
    body = rss(*FIFTY).encode()
    place = body.index("三天".encode()) + 1
    parsed = parse(body[:place] + body[place + 1 :])
    assert len(parsed.items) == 50
    assert all("无人管" in item.title for item in parsed.items)
    assert sum("\ufffd" in item.title for item in parsed.items) == 1
    assert any("无法识别（utf-8）" in note for note in parsed.notes)


def test_a_cut_byte_in_a_gbk_feed_costs_little_too() -> None:
    body = rss(*FIFTY, prolog="").encode("gb18030")
    place = body.index("管".encode("gb18030")) + 1
    parsed = parse(body[:place] + body[place + 1 :])
    assert sum("停水三天" in item.title for item in parsed.items) >= 49


def test_a_login_page_with_status_200_is_not_a_feed() -> None:
    for page in (
        "<!DOCTYPE html><html><head><title>用户登录</title></head><body>请登录</body></html>",
        "\n<!-- x -->\n<HTML><title>用户登录</title>",
        '<?xml version="1.0"?><!DOCTYPE html PUBLIC "x"><html><title>用户登录</title></html>',
    ):
        parsed = parse(page, "text/html")
        assert parsed.problem is not None
        assert parsed.problem.fault is Fault.NOT_A_FEED
        assert "用户登录" in parsed.problem.detail
        assert parsed.items == ()


@pytest.mark.parametrize(
    "body", [b"", b"  \n", b'{"version": "https://jsonfeed.org/version/1.1"}', b"ok", bytes(range(256))]
)
def test_empty_bodies_and_other_things_are_not_feeds(body: bytes) -> None:
    parsed = parse(body)
    assert parsed.problem is not None
    assert parsed.problem.fault is Fault.NOT_A_FEED
    assert parsed.problem.cure


def test_a_feed_without_entries_is_no_problem() -> None:
    assert parse(rss()) == Parsed(charset="utf-8")


def test_a_truncated_feed_keeps_the_entries_before_the_cut() -> None:
    body = rss(*FIFTY)
    parsed = parse(body[: body.index("g30")])
    assert parsed.problem is None
    assert {f"g{n}" for n in range(30)} <= {item.external_id for item in parsed.items}


@pytest.mark.parametrize(
    ("reference", "shown"),
    [
        ("&#xD83D;&#xDE00;", "急😀水"),
        ("&#55357;&#56832;", "急😀水"),
        ("&#xD800;", "急\ufffd水"),
        ("&#xDE00;", "急\ufffd水"),
        ("&#x110000;", "急\ufffd水"),
        ("&#99999999999;", "急\ufffd水"),
        ("&#" + "9" * 300 + ";", "急\ufffd水"),
        ("&#0;", "急\ufffd水"),
        ("&#x1F600;", "急😀水"),
        ("&amp;amp;", "急&水"),
        ("&lt;b&gt;", "急水"),
        ("\u200b\u202e", "急水"),
        ("\x01", "急水"),
        ("&nbsp;", "急 水"),
        (" 1 &lt; 2 ", "急 1 < 2 水"),
    ],
)
def test_odd_references_and_hidden_letters_in_a_title(reference: str, shown: str) -> None:
    parsed = parse(rss(entry(f"急{reference}水"), entry("好的", 2)))
    assert [item.title for item in parsed.items] == [shown, "好的"]


def test_dates_are_our_own_reading_and_the_future_is_not_believed() -> None:
    dates = [
        "2025年01月06日 08:00",
        "Mon, 06 Jan 2025 10:00:00 CST",
        "2027-01-01 00:00",
        "随便",
        "1736121600",
    ]
    items = parse(rss(*(entry(number=n, pubDate=date) for n, date in enumerate(dates)))).items
    assert [item.published_at and item.published_at.isoformat() for item in items] == [
        "2025-01-06T00:00:00+00:00",
        "2025-01-06T02:00:00+00:00",
        None,
        None,
        "2025-01-06T00:00:00+00:00",
    ]
    assert "将来" in items[2].date_note
    assert "随便" in items[3].date_note


def test_the_zone_of_the_source_holds_where_the_date_names_none() -> None:
    utc = replace(SOURCE, zone=ZoneInfo("UTC"))
    (item,) = parse(rss(entry(pubDate="2025-01-06 08:00")), source=utc).items
    assert item.published_at == datetime(2025, 1, 6, 8, tzinfo=UTC)


def test_identity_is_the_id_then_the_link_then_the_content() -> None:
    bare = "<item><title>只有标题</title></item>"
    items = parse(rss(entry(), entry(number=2, guid=""), bare)).items
    assert [item.external_id for item in items][:2] == ["g1", "https://bbs.example/t/2"]
    assert items[2].external_id.startswith("sha256:")
    assert items[2].url == SOURCE.url
    assert parse(rss(bare)).items[0].external_id == items[2].external_id


def test_one_id_for_all_entries_is_not_believed_and_copies_fall_away() -> None:
    same = [entry(f"第{n}件", n, guid="same") for n in range(3)]
    items = parse(rss(*same, same[0])).items
    assert len({item.external_id for item in items}) == len(items) == 3
    assert parse(rss(entry(), entry())).items == parse(rss(entry())).items


def test_an_entry_without_any_text_is_skipped_with_a_note() -> None:
    parsed = parse(rss("<item><guid>x</guid></item>", entry()))
    assert len(parsed.items) == 1
    assert any("已跳过" in note for note in parsed.notes)


def test_more_entries_than_the_limit_are_told_and_not_silently_cut() -> None:
    parsed = parse(rss(*(entry(f"第{n}条", n) for n in range(max_entries + 1))))
    assert len(parsed.items) == max_entries
    assert any(str(max_entries + 1) in note for note in parsed.notes)


def test_dangerous_addresses_are_not_kept() -> None:
    (item,) = parse(rss(entry(link="javascript:alert(1)"))).items
    assert item.url == SOURCE.url


def test_external_entities_are_not_opened() -> None:
    body = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]>' + rss(entry("急&x;"), prolog="")
    with open("/etc/hostname") as name:
        secret = name.read().strip()
    assert all(secret not in item.title for item in parse(body).items)


def test_when_feedparser_gives_up_the_healthy_entries_are_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    import feedparser

    stock = feedparser.parse

    def fragile(stream, **options):  # type: ignore[no-untyped-def]
        if b"poison" in stream.getvalue():
            raise KeyError("href")
        return stock(stream, **options)

    monkeypatch.setattr(feedparser, "parse", fragile)
    comment = "<!-- a comment: what has one is read by feedparser -->"
    parsed = parse(rss(comment, entry("一", 1), entry("poison", 2), entry("三", 3)))
    assert [item.title for item in parsed.items] == ["一", "三"]
    assert any("抢救" in note for note in parsed.notes)


@given(
    st.binary(max_size=300)
    | st.text(max_size=200).map(lambda text: rss(entry(text.replace("<", "&lt;"))).encode())
)
def test_no_body_makes_it_raise(body: bytes) -> None:
    parsed = parse(body)
    for item in parsed.items:
        (item.title + item.text + item.external_id + item.url).encode()


@given(st.text(max_size=200))
def test_plain_text_stays_plain(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    plain(text).encode()


def test_html_becomes_text_with_line_breaks_and_without_scripts() -> None:
    markup = "<div>一<br>二<script>alert('x')</script><style>p{}</style><p>三 &amp; 四</p></div><![bad"
    assert plain(markup).split("\n")[:3] == ["一", "二", "三 & 四"]
    assert plain("字" * 30_000).endswith("已截断）")


def test_decoding_never_raises_and_tells_what_it_believed() -> None:
    assert decode("停水".encode()).charset == "utf-8"
    assert decode("锦棠花园停水".encode("gb18030")).text == "锦棠花园停水"
    assert decode(b"\xff\xfe\xff").replaced >= 1


STATISTICS = (
    'xmlns:slash="http://purl.org/rss/1.0/modules/slash/" xmlns:media="http://search.yahoo.com/mrss/"'
    ' xmlns:thr="http://purl.org/syndication/thread/1.0"'
)


@pytest.mark.parametrize(
    ("written", "counts"),
    [
        ("", Counts()),
        ("<slash:comments>7</slash:comments>", Counts(comments=7)),
        ('<thr:total>7</thr:total><media:statistics views="0"/>', Counts(views=0, comments=7)),
        (
            '<media:community><media:statistics views="1.2万" favorites="5" reposts="30"/></media:community>',
            Counts(views=12_000, likes=5, reposts=30),
        ),
        ('<media:statistics views="-1" reposts="many" favorites=""/>', Counts()),
        (f'<media:statistics views="{"9" * 400}"/><slash:comments>999999999999亿</slash:comments>',
         Counts(views=2**63 - 1, comments=2**63 - 1)),
    ],
)  # fmt: skip
def test_counts_come_from_media_statistics_slash_and_thread(written: str, counts: Counts) -> None:
    body = rss(entry().replace("</item>", f"{written}</item>")).replace("<rss ", f"<rss {STATISTICS} ")
    assert [item.counts for item in parse(body).items] == [counts]


@pytest.mark.parametrize("name", ["forum", "news"])
async def test_the_counts_of_the_sample_feeds_arrive_whole(name: str) -> None:
    texts = load_texts()
    end = max(text.at for text in texts)
    sources = SampleSources(texts, now=lambda: 1_790_000_000.0 + end, started_at=1_790_000_000.0)
    await sources.start()
    try:
        async with ClientSession() as web, web.get(source_urls(sources.base_url)[name]) as answer:
            items = parse(await answer.read()).items
    finally:
        await sources.stop()
    written = {text.id: text.counts for text in texts}
    told = [(item.counts.views, item.counts.reposts, item.counts.comments) for item in items]
    assert told == [
        (count.views, count.reposts, count.comments)
        for count in (written[item.external_id] for item in items)
    ]
    assert any(views for views, _, _ in told)


# --- identity ---


def test_a_link_names_an_entry_however_it_is_decorated() -> None:
    links = [f"https://BBS.example:443/t/1?utm_source=rss{n}&amp;id=7#reply" for n in range(2)]
    first, second = (parse(rss(entry(guid="", link=link))).items[0] for link in links)
    assert first.external_id == second.external_id == "https://bbs.example/t/1?id=7"
    assert first.url == "https://BBS.example:443/t/1?utm_source=rss0&id=7#reply"


def test_of_two_copies_the_latest_stays_whatever_their_order() -> None:
    copies = [entry(pubDate=f"Fri, 20 Nov 2026 1{n}:00:00 +0800") for n in range(3)]
    for order in (copies, copies[::-1]):
        (item,) = parse(rss(*order)).items
        assert (item.external_id, item.published_at) == ("g1", datetime(2026, 11, 20, 4, tzinfo=UTC))


def test_one_id_with_two_texts_gives_two_items_with_the_same_ids_in_any_order() -> None:
    texts = [entry(description="停水"), entry(description="来水了")]
    ids = {item.external_id for item in parse(rss(*texts)).items}
    assert len(ids) == 2
    assert {item.external_id for item in parse(rss(*texts[::-1])).items} == ids


# --- what ails a document that could be read ---


def ailments(parsed: Parsed) -> list[Ailment]:
    return [symptom.ailment for symptom in parsed.symptoms]


def test_entries_without_text_are_a_symptom_with_a_cure() -> None:
    parsed = parse(rss("<item><guid>x</guid></item>", entry()))
    assert ailments(parsed) == [Ailment.SKIPPED]
    assert "1 条" in parsed.symptoms[0].detail
    assert parsed.symptoms[0].cure
    assert parse(rss(entry())).symptoms == ()


def test_a_feed_over_the_limit_is_read_on_round_by_round_until_nothing_is_left() -> None:
    body = rss(*(entry(f"第{n}条", n) for n in range(2 * max_entries + 5))).encode()
    read, known, told = [], b"", []
    for _ in range(4):
        parsed = parse_feed(body, "", SOURCE, NOW, known)
        read += [item.external_id for item in parsed.items]
        known = parsed.raw_hashes
        told.append(ailments(parsed))
        assert parsed.entries == 2 * max_entries + 5
    assert read == [f"g{n}" for n in range(2 * max_entries + 5)]
    assert told == [[Ailment.PAGES], [Ailment.PAGES], [], []]


def test_a_feed_with_more_entries_than_are_remembered_is_not_read_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("monitors.feeds.max_entries", 2)
    monkeypatch.setattr("monitors.feeds.max_digests", 4)
    entries = "".join(f"<item><guid>{n}</guid><title>停水{n}</title></item>" for n in range(9))
    known, more = b"", []
    for _ in range(4):
        parsed = parse_feed(f"<rss><channel>{entries}</channel></rss>".encode(), "", SOURCE, NOW, known=known)
        known = parsed.raw_hashes
        more.append(parsed.more)
        assert parsed.symptoms[0].ailment is Ailment.PAGES
    assert more == [True, False, False, False]
    assert not parsed.items  # what cannot be remembered would come as news with the next change


def test_a_feed_over_the_limit_that_cannot_be_cut_is_told_and_gives_the_newest() -> None:
    body = rss(*(entry(f"第{n}条", n) for n in range(max_entries + 5)), "<!-- <item> -->")
    parsed = parse(body)
    assert [item.external_id for item in parsed.items] == [f"g{n}" for n in range(max_entries)]
    assert ailments(parsed) == [Ailment.PAGES]
    assert "5 条" in parsed.symptoms[0].detail
    assert parsed.raw_hashes == b""


CHINESE = "锦棠花园小区停水三天无人管，打热线也没人接，居民都很着急，请问到底什么时候来水？"


def forum(texts: list[str], first: int = 0) -> bytes:
    return rss(*(entry(text, first + n) for n, text in enumerate(texts))).encode()


@pytest.mark.parametrize(
    "spoiled",
    [
        [CHINESE.encode().decode("latin-1").translate(dict.fromkeys(range(128, 160)))] * 10,
        ["?" * len(CHINESE)] * 10,
        ["Server error, please contact the administrator of this system"] * 10,
        [CHINESE.encode().decode("gbk", "replace")] * 10,
        [CHINESE[:-5] + "\ufffd"] * 10,
        [CHINESE + "锟斤拷锟斤拷"] * 10,
    ],
    ids=["latin-1", "question marks", "english", "utf-8 as gbk", "replacement letters", "both"],
)
def test_letters_that_collapse_are_a_symptom_and_the_memory_stays(spoiled: list[str]) -> None:
    sound = parse_feed(forum([CHINESE] * 10), "", SOURCE, NOW)
    assert sound.symptoms == ()
    assert json.loads(sound.memory or "")["feed"]["cjk"] > 0.9
    first = parse_feed(forum(spoiled), "", SOURCE, NOW, sound.raw_hashes, sound.memory)
    assert ailments(first) == [Ailment.CHARSET]
    assert first.memory == sound.memory
    assert len(first.items) == 10, "never silently dropped"
    # The symptom is still there in the next round, and over when the letters are back.
    second = parse_feed(forum(spoiled), "", SOURCE, NOW, first.raw_hashes, first.memory)
    assert ailments(second) == [Ailment.CHARSET]
    healed = parse_feed(forum([CHINESE] * 10), "", SOURCE, NOW, second.raw_hashes, second.memory)
    assert (ailments(healed), len(healed.items)) == ([], 10)


def test_the_encoding_that_is_advised_is_one_that_was_not_tried_and_cures() -> None:
    text = "雲汀縣城北路燈壞了三天沒人修，請有關部門儘快來修一下路燈"
    body = (
        rss(entry(text), prolog='<?xml version="1.0" encoding="gb2312"?>')
        .replace("论坛", "論壇")
        .encode("big5")
    )
    (symptom,) = parse(body).symptoms
    assert symptom.ailment is Ailment.CHARSET
    assert 'encoding = "big5"' in symptom.cure
    cured = parse_feed(body, "", replace(SOURCE, encoding="big5"), NOW)
    assert (cured.symptoms, cured.items[0].title) == ((), text)


def test_of_letters_spoiled_by_the_site_itself_no_encoding_is_advised() -> None:
    (symptom,) = parse(forum([CHINESE + "锟斤拷锟斤拷"] * 10)).symptoms
    assert "encoding = " not in symptom.cure
    assert "中转" in symptom.cure


def test_a_foreign_post_among_known_ones_is_no_collapse() -> None:
    sound = parse_feed(forum([CHINESE] * 10), "", SOURCE, NOW)
    english = "The water has been cut off for three days and nobody seems to care about it. " * 5
    parsed = parse_feed(
        forum([english, *[CHINESE] * 10], -1), "", SOURCE, NOW, sound.raw_hashes, sound.memory
    )
    assert parsed.symptoms == ()


def test_a_source_that_was_never_chinese_does_not_collapse() -> None:
    english = ["The water has been cut off for three days and nobody seems to care about it."] * 10
    memory = None
    for first in range(0, 40, 10):
        parsed = parse_feed(forum(english, first), "", SOURCE, NOW, b"", memory)
        assert parsed.symptoms == ()
        memory = parsed.memory


@pytest.mark.parametrize(
    "memory",
    ["", "{", "[]", '{"feed": 5}', '{"feed": {"cjk": "x"}}', '{"feed": {"cjk": 9e999, "n": -5}}', "[" * 9999],
)
def test_a_memory_that_makes_no_sense_is_begun_anew(memory: str) -> None:
    parsed = parse_feed(forum([CHINESE] * 10), "", SOURCE, NOW, b"", memory)
    assert parsed.symptoms == ()
    assert json.loads(parsed.memory or "")["feed"]["n"] == 1


def test_the_memory_of_others_is_kept_and_an_idle_round_changes_nothing() -> None:
    first = parse_feed(forum([CHINESE] * 10), "", SOURCE, NOW, b"", '{"page": 1}')
    assert json.loads(first.memory or "")["page"] == 1
    again = parse_feed(forum([CHINESE] * 10), "", SOURCE, NOW, first.raw_hashes, first.memory)
    assert again.memory == first.memory
    assert parse_feed(b"", "", SOURCE, NOW, first.raw_hashes, first.memory).memory == first.memory
    assert parse_feed(b"", "", SOURCE, NOW, first.raw_hashes).raw_hashes == first.raw_hashes


def test_the_charset_that_the_operator_wrote_is_used() -> None:
    body = rss(entry("訂閱：東門停水")).replace("论坛", "x").encode("big5")
    assert parse(body, source=replace(SOURCE, encoding="big5")).items[0].title == "訂閱：東門停水"


# --- how long it is fresh, and where the comments are ---

SYNDICATION = 'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"'


@pytest.mark.parametrize(
    ("head", "seconds"),
    [
        ("", None),
        ("<ttl>5</ttl>", 300),
        ("<ttl> 5.0 </ttl>", 300),
        ("<ttl>10080</ttl>", 86_400),
        ("<ttl>0</ttl>", None),
        ("<ttl>-5</ttl>", None),
        ("<ttl>soon</ttl>", None),
        ("<ttl>999999999</ttl>", None),
        ("<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>1</sy:updateFrequency>", 3600),
        ("<sy:updatePeriod> daily </sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>", 21_600),
        ("<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>600</sy:updateFrequency>", 60),
        ("<sy:updatePeriod>weekly</sy:updatePeriod>", 86_400),
        ("<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>", None),
        ("<sy:updatePeriod>never</sy:updatePeriod>", None),
        ("<ttl>2</ttl><sy:updatePeriod>hourly</sy:updatePeriod>", 120),
    ],
)
@pytest.mark.parametrize(
    "entries", [[], [entry()], [entry(), "<!-- <item> -->"]], ids=["empty", "one", "uncut"]
)
def test_a_feed_says_how_long_it_is_fresh(head: str, seconds: float | None, entries: list[str]) -> None:
    body = rss(head, *entries).replace("<rss ", f"<rss {SYNDICATION} ")
    assert parse(body).ttl_s == seconds


def test_a_ttl_inside_an_entry_is_none_of_the_feed() -> None:
    assert parse(rss(entry(ttl="5"))).ttl_s is None


COMMENTS = (
    f'xmlns:wfw="http://wellformedweb.org/CommentAPI/" xmlns:atom="http://www.w3.org/2005/Atom" {STATISTICS}'
)


@pytest.mark.parametrize(
    ("written", "feeds"),
    [
        ("", ()),
        ("<wfw:commentRss>https://bbs.example/t/1/feed</wfw:commentRss>", (CommentFeed("g1", "https://bbs.example/t/1/feed"),)),
        (
            "<wfw:commentRss>/t/1/feed</wfw:commentRss><slash:comments>7</slash:comments>",
            (CommentFeed("g1", "https://bbs.example/t/1/feed", 7),),
        ),
        (
            '<atom:link rel="replies" type="text/html" href="/t/1"/>'
            '<atom:link rel="replies" type="application/atom+xml" href="/t/1.atom" thr:count="4"/>',
            (CommentFeed("g1", "https://bbs.example/t/1.atom", 4),),
        ),
        ("<wfw:commentRss>javascript:alert(1)</wfw:commentRss>", ()),
        ("<wfw:commentRss>file:///etc/passwd</wfw:commentRss>", ()),
        ("<wfw:commentRss>https://[x</wfw:commentRss>", ()),
    ],
)  # fmt: skip
def test_the_comment_feed_of_an_entry_is_told(written: str, feeds: tuple[CommentFeed, ...]) -> None:
    body = rss(entry().replace("</item>", f"{written}</item>")).replace("<rss ", f"<rss {COMMENTS} ")
    parsed = parse(body)
    assert parsed.comment_feeds == feeds
    assert len(parsed.items) == 1
    assert parse(body, source=replace(SOURCE, comment_feeds=False)).comment_feeds == ()


def test_no_more_than_fifty_comment_feeds_are_told_and_each_belongs_to_its_item() -> None:
    named = [
        entry(f"第{n}件", n, guid="same").replace(
            "</item>", f"<wfw:commentRss>/c/{n}</wfw:commentRss></item>"
        )
        for n in range(60)
    ]
    parsed = parse(rss(*named).replace("<rss ", f"<rss {COMMENTS} "))
    assert len(parsed.comment_feeds) == 50
    assert [feed.parent_id for feed in parsed.comment_feeds] == [
        item.external_id for item in parsed.items[:50]
    ]


# --- salvage ---


def test_salvage_ends_when_its_time_is_up_and_goes_on_in_the_next_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import feedparser

    from monitors import feeds

    stock = feedparser.parse
    asked = 0

    def fragile(stream, **options):  # type: ignore[no-untyped-def]
        nonlocal asked
        asked += 1
        if stream.getvalue().count(b"<item") > 1:
            raise KeyError("href")
        return stock(stream, **options)

    monkeypatch.setattr(feedparser, "parse", fragile)
    monkeypatch.setattr(feeds, "salvage_limit_s", 0.05)
    body = rss(*(entry(f"第{n}条", n) for n in range(900))).encode()
    read: set[str] = set()
    known = b""
    for _ in range(100):
        parsed = parse_feed(body, "", SOURCE, NOW, known)
        assert parsed.problem is None
        read |= {item.external_id for item in parsed.items}
        known = parsed.raw_hashes
        if len(read) == 900:
            break
        assert ailments(parsed) == [Ailment.SKIPPED]
    assert len(read) == 900
    assert asked < 2000


def test_entries_that_run_together_are_read_apart() -> None:
    # An unclosed tag makes feedparser's lenient reading swallow what follows; each entry alone is well enough.
    broken = "<item><title>坏<b></title><guid>g0</guid><description><![CDATA[x]]></item>"
    parsed = parse(rss(broken, entry("二", 2), entry("三", 3)))
    assert {"g2", "g3"} <= {item.external_id for item in parsed.items}


@pytest.mark.parametrize("brick", [" ", "<!---->", "<!-- --> ", "<?x?>", "<!--", "<?xml "])
def test_a_long_preamble_takes_no_time(brick: str) -> None:
    start = time.process_time()
    assert parse(brick * 20_000).problem is not None
    assert parse(brick * 100 + "<html><title>用户登录</title>").problem is not None
    assert time.process_time() - start < 5
