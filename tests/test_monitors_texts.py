"""Bytes to letters, HTML to text, addresses to the form in which they are compared."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.charsets import GB, UTF8, read_damaged
from monitors.texts import canonical_link, clean, count_letters, decode, one_line, plain, spoiled_share

TITLES = [f"第{n}条：锦棠花园小区停水三天无人管，打热线也没人接" for n in range(20)]
DOCUMENT = (
    "<rss><channel>"
    + "".join(f"<item><title>{title}</title></item>\n" for title in TITLES)
    + "</channel></rss>"
)


# --- the ladder ---


@pytest.mark.parametrize(
    "charset", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
@pytest.mark.parametrize(
    "label", ["", "utf-8", "gb2312", "gbk", "utf-16", "iso-8859-1", "unicode_escape", "big5"]
)
def test_the_bytes_outrank_the_label(charset: str, label: str) -> None:
    decoded = decode(DOCUMENT.encode(charset), f"text/xml; charset={label}" if label else "")
    assert (decoded.text, decoded.replaced) == (DOCUMENT, 0)


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xef\xbb\xbf\xef\xbb\xbf"])
@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
def test_a_byte_order_mark_that_the_bytes_belie_is_not_believed(mark: bytes, charset: str) -> None:
    assert decode(mark + DOCUMENT.encode(charset)).text == DOCUMENT


def test_letters_of_four_bytes_are_read_under_a_label_that_has_none() -> None:
    assert (
        decode("<title>𠮷村㙍停水</title>".encode("gb18030"), "text/xml; charset=gb2312").text
        == "<title>𠮷村㙍停水</title>"
    )


def test_other_labels_are_believed_where_the_bytes_bear_them_out() -> None:
    french = "<title>été à la forêt, déjà vu, naïve, cœur</title>"
    assert decode(french.encode("cp1252"), "text/xml; charset=iso-8859-1").text == french
    for text, codec, label in (
        ("停水無人管這裡", "big5", "big5"),
        ("断水について", "cp932", "shift_jis"),
        ("물이 끊겼다", "euc_kr", "euc-kr"),
    ):
        assert decode(f"<b>{text}</b>".encode(codec, "ignore"), f"text/xml; charset={label}").text == (
            f"<b>{text.encode(codec, 'ignore').decode(codec)}</b>"
        )


def test_a_word_that_is_valid_in_both_codecs_is_read_as_the_likelier_one() -> None:
    assert decode("<b>停水</b>".encode("gbk")).text == "<b>停水</b>"
    assert decode("<b>停水</b>".encode()).text == "<b>停水</b>"
    for other in ("<b>Привет, как дела</b>", "<b>αβγδε</b>", "<b>ʕ ˈnāo ʔ</b>", "<b>café</b>"):
        assert decode(other.encode()).text == other


def test_the_operator_has_the_last_word() -> None:
    assert decode("<b>停水</b>".encode("gbk"), "text/xml; charset=utf-8", "gb2312").text == "<b>停水</b>"
    assert decode("<b>停水</b>".encode("big5"), "", "big5").text == "<b>停水</b>"
    assert decode("<b>停水</b>".encode("utf-7"), "", "utf-7").text == "<b>停水</b>"
    assert decode(b"\xef\xbb\xbf" + "停水".encode(), "", "UTF8").text == "停水"
    for nonsense in ("no-such", "hex", "undefined", "\x00"):
        assert decode("<b>停水</b>".encode(), "", nonsense).text == "<b>停水</b>"


# --- damage ---


def damaged(body: bytes, place: int, how: str) -> bytes:
    return {
        "cut": body[:place] + body[place + 1 :],
        "ff": body[:place] + b"\xff" + body[place + 1 :],
        "space": body[:place] + b" " + body[place + 1 :],
        "letter": body[:place] + b"A" + body[place + 1 :],
        "added": body[:place] + b"\x80" + body[place:],
    }[how]


@pytest.mark.parametrize("how", ["cut", "ff", "space", "letter", "added"])
@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
def test_one_damaged_byte_costs_its_own_letters_and_no_others(charset: str, how: str) -> None:
    body = DOCUMENT.encode(charset)
    dice = random.Random(1)
    foreign = [place for place, byte in enumerate(body) if byte >= 0x80]
    kept = 0
    for place in (places := dice.sample(foreign, 60)):
        text = decode(damaged(body, place, how)).text
        lines = [line for line in text.split("\n") if "<title>" in line]
        assert len(lines) == 20, "no tag is swallowed"
        wrong = [(line, title) for line, title in zip(lines, TITLES, strict=True) if title not in line]
        assert len(wrong) <= 1
        # Of the one title that was hit, all but the letters around the damage.
        kept += all(sum(letter in title for letter in line) >= len(title) - 4 for line, title in wrong)
    assert kept >= 0.95 * len(places)


def test_a_cut_letter_does_not_swallow_the_end_of_the_cdata() -> None:
    body = "".join(f"<a><![CDATA[{title}天]]></a>\n" for title in TITLES).encode("gbk")
    cut = body.replace("天]]>".encode("gbk"), "天".encode("gbk")[:1] + b"]]>")
    assert decode(cut).text == "".join(f"<a><![CDATA[{title}\ufffd]]></a>\n" for title in TITLES)


@pytest.mark.parametrize(("home", "fragment"), [("utf-8", "gbk"), ("gbk", "utf-8")])
@pytest.mark.parametrize("whole", [True, False], ids=["element", "words"])
def test_a_fragment_in_the_other_codec_is_read_as_what_it_is(home: str, fragment: str, whole: bool) -> None:
    other = TITLES[7] if whole else "小区停水三天无人管"
    body = DOCUMENT.encode(home)
    at = body.index(TITLES[7].encode(home))
    at = body.index(other.encode(home), at)
    mixed = body[:at] + other.encode(fragment) + body[at + len(other.encode(home)) :]
    decoded = decode(mixed)
    assert (decoded.text, decoded.replaced) == (DOCUMENT, 0)


def test_rare_letters_beside_the_damage_stay_what_they_were() -> None:
    text = "朱镕基喆垚淼 訂閱東門鎮 自來水廠停水"
    body = f"<a>{text}</a><b>停水</b><c>{text}</c>".encode("gbk")
    cut = body.replace("停水</b>".encode("gbk"), "停水</b>".encode("gbk")[1:])
    read = decode(cut).text
    assert read.startswith(f"<a>{text}</a>")
    assert read.endswith(f"<c>{text}</c>")


@given(st.binary(max_size=200))
def test_no_bytes_make_decoding_raise_and_no_ascii_gets_lost(body: bytes) -> None:
    for home in (UTF8, GB):
        text = read_damaged(body, home)
        assert all(text.count(chr(mark)) == body.count(mark) for mark in b"<>\"'&=/ \n")
    decode(body).text.encode("utf-8", "surrogatepass")


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\ufeff"), max_size=100))
def test_what_is_whole_is_read_as_it_is(text: str) -> None:
    assert read_damaged(text.encode(), UTF8) == text


@pytest.mark.parametrize(
    "brick", [b"\xff", b"\xff ", b"\xd6\xd0\xff<", b"\xe5\x81<", b"<![CDATA[\xcc]]>", bytes(range(256))]
)
def test_decoding_takes_linear_time(brick: bytes) -> None:
    def seconds(size: int) -> float:
        body = brick * (size // len(brick))
        start = time.process_time()
        decode(body)
        return time.process_time() - start

    seconds(100_000)
    assert seconds(2_000_000) <= 5


# --- spoiled elsewhere ---

CHINESE = "锦棠花园小区停水三天无人管，打热线也没人接，居民都很着急，请问到底什么时候来水？" * 20


@pytest.mark.parametrize(
    "spoiled",
    [
        CHINESE.encode().decode("gbk", "replace"),
        CHINESE.encode().decode("latin-1"),
        CHINESE.encode().decode("cp1252", "replace"),
        CHINESE.encode().decode("latin-1").encode().decode("latin-1"),
        CHINESE.encode("gbk").decode("utf-8", "replace"),
        CHINESE.encode("gbk").decode("utf-8", "replace").encode().decode("gbk", "replace"),
    ],
    ids=["utf-8 as gbk", "utf-8 as latin-1", "utf-8 as cp1252", "twice latin-1", "gbk as utf-8", "both"],
)
def test_typical_mojibake_is_seen(spoiled: str) -> None:
    assert spoiled_share(f"<title>{spoiled}</title>" + CHINESE) > 0.01


@pytest.mark.parametrize(
    "sound",
    [
        "",
        "停水",
        CHINESE,
        CHINESE + "\ufffd",
        "café, naïve, Ærø, Ñandú, château — « été »" * 20,
        "Привет" * 50,
        "물이 끊겼다" * 20,
    ],
)
def test_sound_texts_are_not_taken_for_mojibake(sound: str) -> None:
    assert spoiled_share(sound) <= 0.01


def test_letters_are_counted_and_lost_ones_too() -> None:
    assert count_letters(["停水abc 12，。", "é"]) == (2, 6)
    assert count_letters(["停水???? ??"]) == (2, 6)
    assert count_letters([]) == (0, 0)


# --- HTML to text ---


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("一<br>二<br/>三<BR />四", "一\n二\n三\n四"),
        ("<p>一</p><p class='a>b'>二</p>", "一\n二"),
        ('<a href="x>y" title=\'"\'>链接</a>后', "链接后"),
        ("1 < 2 且 3 > 2，a<5", "1 < 2 且 3 > 2，a<5"),
        ("<script>alert('<p>')</script>急<style>p{}</style >", "急"),
        ("前<!-- 注释 <b> -->后", "前后"),
        ("前<!-- 没有结束，停水", "前 没有结束，停水"),
        ("<![CDATA[停水]]>", "停水"),
        ("<!DOCTYPE html><?xml x?>停水<![endif]>", "停水"),
        ("停水<img src='https://x.example/a.png", "停水"),
        ("&lt;b&gt;急&lt;/b&gt; &amp;amp; &nbsp;&hellip;", "<b>急</b> &amp; …"),
        ("&#20572;&#x6C34;&#0;&#99999999999;&#" + "9" * 5000 + ";", "停水\ufffd\ufffd\ufffd"),
        ("停<span>水</span>", "停水"),
        ("<td>一</td><td>二</td>", "一\n二"),
        ('<a title="停"水">急</a>', "急"),
    ],
)
def test_markup_becomes_text(markup: str, text: str) -> None:
    assert plain(markup) == text


def test_a_title_is_one_line() -> None:
    assert one_line("<p>停水</p>\n<p>三天</p>\u202e\u200b\x00") == "停水 三天"


@given(st.text(alphabet="停水<>&;#x1ab/!-[]\"'= \n", max_size=60))
def test_no_markup_makes_it_raise_and_no_chinese_outside_tags_is_lost(markup: str) -> None:
    text = plain(markup)
    outside = markup.partition("<")[0]
    assert text.count("停") >= outside.count("停")


@pytest.mark.parametrize(
    "brick", ["<", "<a ", "<!--", "<![CDATA[", "<script>", '<a "', "<a '\"", "&#9", "]]>", "<a\"'"]
)
def test_stripping_takes_linear_time(brick: str) -> None:
    start = time.process_time()
    plain(brick * (200_000 // len(brick)))
    assert time.process_time() - start < 2


@given(st.text(max_size=100))
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)


# --- addresses ---


@pytest.mark.parametrize(
    ("link", "canonical"),
    [
        ("https://X.Example:443/a?utm_source=rss&id=1&UTM_Medium=x#top", "https://x.example/a?id=1"),
        ("http://x.example:80", "http://x.example/"),
        ("http://x.example:443/a", "http://x.example:443/a"),
        ("https://x.example/a?spm=1.2.3&b=%E5%81%9C", "https://x.example/a?b=%E5%81%9C"),
        ("https://x.example/a?spmx=1&xutm_=2", "https://x.example/a?spmx=1&xutm_=2"),
        ("https://x.example/#!/t/1", "https://x.example/#!/t/1"),
        ("https://x.example/#/t/1", "https://x.example/#/t/1"),
        ("https://x.example/A/b?B=c&a", "https://x.example/A/b?B=c&a"),
        ("https://[2001:DB8::1]:8443/a", "https://[2001:db8::1]:8443/a"),
        ("https://[oops/a", "https://[oops/a"),
        ("https://x.example:99999/a", "https://x.example:99999/a"),
        ("urn:1", "urn:1"),
        ("", ""),
    ],
)
def test_two_spellings_of_an_address_are_one(link: str, canonical: str) -> None:
    assert canonical_link(link) == canonical
    assert canonical_link(canonical) == canonical


@given(st.text(max_size=40).map(lambda text: f"https://x.example/{text}") | st.text(max_size=40))
def test_no_address_makes_it_raise(link: str) -> None:
    assert canonical_link(canonical_link(link)) == canonical_link(link)
