import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.markup import Link, Scan, host_of, scan, settled

BASE = "https://www.county.example/news/index.html"


def read(markup: str) -> Scan:
    return scan(markup, BASE)


def texts(markup: str) -> list[str]:
    return [line.text for line in read(markup).lines]


def test_blocks_make_lines_and_inline_tags_do_not() -> None:
    markup = "<p>关于<b>停水</b>的&ldquo;通知&rdquo;<br>第二行</p><table><tr><td>甲<td>乙</table>尾"
    assert texts(markup) == ["关于停水的“通知”", "第二行", "甲", "乙", "尾"]


def test_scripts_styles_and_comments_are_no_text() -> None:
    markup = "甲<script>var a = '<p>不是</p>'</script><style>p{}</style><!-- 不是 --><!doctype html>乙<script>没有关上"
    assert texts(markup) == ["甲乙"]


def test_what_is_hidden_from_people_is_text_all_the_same() -> None:
    markup = (
        '<title>县政府</title><meta name="Keywords" content="博彩">'
        '<div style="display:none">暗链</div><noscript>无脚本</noscript><template>模板</template>'
    )
    assert texts(markup) == ["县政府", "博彩", "暗链", "无脚本模板"]
    assert read(markup).title == "县政府"


def test_anchors_keep_their_text_and_resolved_address_and_what_stands_beside_them() -> None:
    found = read("<ul><li><a href='a.html'>关于<em>停水</em>的通知</a> <span>2026-11-20</span></ul>")
    assert found.lines[0].links == (Link("https://www.county.example/news/a.html", "关于停水的通知"),)
    assert found.lines[0].outside == "2026-11-20"


def test_a_block_inside_an_anchor_is_part_of_it() -> None:
    found = read("<a href=/a><h3>标题</h3><p>摘要</p></a>外")
    assert [(line.text, [link.url for link in line.links]) for line in found.lines] == [
        ("标题", ["https://www.county.example/a"]),
        ("摘要", ["https://www.county.example/a"]),
        ("外", []),
    ]


def test_the_base_of_a_page_is_heeded_and_known_as_an_address() -> None:
    found = read("<base href='//evil.example/x/'><a href=a.html>链接</a>")
    assert found.lines[0].links[0].url == "https://evil.example/x/a.html"
    assert found.addresses == ("https://evil.example/x/",)


@pytest.mark.parametrize(
    "markup",
    [
        "<script src=//evil.example/a.js></script>",
        "<iframe src='https://evil.example/a.js'>",
        '<meta http-equiv="refresh" content="0;url=https://evil.example/a.js">',
        "<form action='http://evil.example/a.js'>",
        '<script>location.href="https:\\/\\/evil.example\\/a.js";</script>',
        "<body onload=\"location='//evil.example/a.js'\">",
        "<style>a{background:url(//evil.example/a.js)}</style>",
        '<a href="&#104;ttps://evil.example/a.js">',
        '<a href="ht\ntps:\\\\evil.example\\a.js">',
        '<a href="https://www.county.example@evil.example/a.js">',
        "<a href=https://evil.example:443/a.js?jsessionid=77>",
        "<a\nhref = 'https://EVIL.example/a.js;jsessionid=A1?t=1700000000'>",
        "<img title='>' srcset='/a.png 1x, //evil.example/a.js 2x'>",
    ],
    ids=range(13),
)
def test_a_foreign_address_is_found_however_it_is_written(markup: str) -> None:
    (address,) = read(markup).addresses
    assert address.partition("://")[2] == "evil.example/a.js"


def test_comments_in_scripts_are_no_addresses() -> None:
    assert read("<script>a = 1; // www.example.com is what we mean\nb = a //c</script>").addresses == ()


def test_what_changes_by_the_hour_falls_out_of_an_address_and_nothing_else() -> None:
    assert (
        settled("https://a.example/x;jsessionid=F3?sid=1&t=1763600000&v=1.2&id=3")
        == "https://a.example/x?id=3"
    )
    assert settled("https://a.example/x?t=water&url=b") == "https://a.example/x?t=water&url=b"
    assert host_of("https://A.example.:8443/") == "a.example"
    assert host_of("https://[::1") == ""


HOSTILE = {
    "less-than": "<" * 2_000_000,
    "open comments": "<!--" * 500_000,
    "open scripts": "<script" * 300_000,
    "closed scripts": "<script>" + "</script " * 200_000,
    "one attribute": "<a " + "b" * 2_000_000,
    "equals": "<a " + "= " * 1_000_000,
    "single quotes": "<a ='" * 400_000,
    "double quotes": '<a ="' * 400_000,
    "many attributes": "<a " + "b=c " * 500_000 + ">",
    "space in a tag": "<a x" + " " * 2_000_000,
    "ampersands": "&" * 2_000_000,
    "long reference": "&#" + "1" * 2_000_000,
    "references": "&#1" * 600_000,
    "nested": "<div>" * 400_000,
    "anchors": "<a href=x>x" * 150_000,
    "addresses": "<a href='" + "http://" * 300_000 + "'>",
    "slashes": "<script>" + "//a" * 600_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_markup_of_two_megabytes_takes_no_longer_than_its_size(name: str) -> None:
    started = time.process_time()
    read(HOSTILE[name])
    assert time.process_time() - started < 8  # 2 s at most when written; what is quadratic takes minutes


@given(st.text(alphabet="<>/!-=\"' &#;aps\n水", max_size=60))
def test_no_markup_raises_and_no_tag_is_left_in_the_text(markup: str) -> None:
    for line in read(markup).lines:
        assert line.text == " ".join(line.text.split())
