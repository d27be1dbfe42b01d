"""One form of a text: what is the same to a reader is the same to the machine."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing import normal as normal_form
from routing.hanzi import simplified
from routing.normal import bigrams, fingerprint, normal, numbers, unit


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("停 水", "停水"),
        ("停\n水 了", "停水了"),
        ("停\u200b水", "停水"),
        ("\u202e停水\u202c", "停水"),
        ("停\ufeff水\ufe0f", "停水"),
        ("ＫＴＶ　扰民", "ktv 扰民"),
        ("KTV 太吵", "ktv 太吵"),
        ("a  b\t c", "a b c"),
        ("停水１２小时", "停水12小时"),
        ("  ", ""),
        ("縣醫院門口堵車", "县医院门口堵车"),
        ("衞生院著火，裡面還有人", "卫生院着火,里面还有人"),  # as Hong Kong and Taiwan write it
        ("這麼說", "这么说"),
        ("这么说，在台上，吃床上的面", "这么说,在台上,吃床上的面"),  # simplified stays as it is
    ],
)
def test_a_text_is_read_as_people_see_it(written: str, read: str) -> None:
    assert normal(written) == read


INVISIBLE = (
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ud800-\udfff\ufff9-\ufffb\U000e0000-\U000e0fff"
)
HAN = "\u2e80-\u2fff\u3001-\u303f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"


def by_the_book(text: str) -> str:
    """The same form without any short cut: all signs through unicodedata, one rule after the other."""
    seen = re.sub(f"[{INVISIBLE}]", "", text)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())
    folded = "".join(simplified().get(sign, sign) for sign in folded)
    return re.sub(r"\s+", " ", re.sub(rf"(?<=[{HAN}])\s+(?=[{HAN}])", "", folded)).strip()


def test_every_sign_beside_others_has_the_form_that_the_rules_say() -> None:
    for code in (*range(0xE000), *range(0xF900, 0x20000)):
        text = f"水{chr(code)}a{chr(code)} 水"
        assert normal(text) == by_the_book(text), hex(code)


@given(
    st.text(
        alphabet="停水Aaé\u0301か\u3099ﾊﾞ \t\n\u3000\u200b\ufe0f，。！？…℃①㎡ＡＺ０ﬁİß😂👍🏽Ⅱ\u2028",
        max_size=12,
    )
    | st.text(max_size=12)
)
def test_the_fast_way_gives_what_the_rules_say(text: str) -> None:
    assert normal(text) == by_the_book(text)


@given(st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x9FFF)))
def test_the_normal_form_holds_no_invisible_sign_and_no_double_space(text: str) -> None:
    plain = normal(text)
    assert not {"\u200b", "\u202e", "\u2060", "\n"} & set(plain)
    assert "  " not in plain
    assert plain == plain.strip()


def test_a_repost_with_other_punctuation_has_the_same_fingerprint() -> None:
    first = fingerprint("东关停水了！", "谁知道几点来？")
    assert first
    assert first == fingerprint("", "【东关停水了】 谁知道，几点来…")
    assert first != fingerprint("西关停水了！", "谁知道几点来？")


def test_a_text_without_a_letter_has_no_fingerprint() -> None:
    assert fingerprint("！！", "😂") == ""


@given(st.text(), st.text())
def test_a_fingerprint_is_made_of_any_text(title: str, text: str) -> None:
    assert len(fingerprint(title, text)) in {0, 32}


def test_bigrams_skip_punctuation_and_spaces() -> None:
    assert bigrams("停水，了") == {"停水", "水了"}
    assert bigrams("停") == frozenset()


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("2026年11月10日停水", {"11月10日", "10日"}),
        ("2026-11-10 停水", {"11月10日", "10日"}),
        ("11月10号停水", {"11月10日", "10日"}),
        ("13日起停水", {"13日"}),
        ("7日内答复", {"7"}),
        ("8时至16时", {"8时", "16时"}),
        ("20:00 恢复", {"20时"}),
        ("7:30到校", {"7:30时"}),
        ("7时30分到校", {"7:30时"}),
        ("某某花园二期", {"2期"}),
        ("某某花园2期", {"2期"}),
        ("十二号楼", {"12号楼"}),
        ("3号楼、5号楼", {"3号楼", "5号楼"}),
        ("一路走来两个人", set()),
        ("3路车", {"3路"}),
        ("致1死3伤，38人", {"1", "3", "38人"}),
        ("拨打12345", {"12345"}),
        ("2026.3.5 与 12.5 元", {"3月5日", "5日", "12.5"}),
        ("收费186.2万元", {"186.2万元"}),
        ("没有数字", set()),
        ("0" * 8 + "2期", {"2期"}),
    ],
)
def test_figures_are_read_with_their_unit(text: str, figures: set[str]) -> None:
    assert numbers(text) == figures


def test_a_figure_of_five_thousand_digits_is_no_reason_to_fail() -> None:
    assert numbers("9" * 5_000 + "期") == {"9" * 5_000}


@pytest.mark.parametrize(
    ("figure", "name"),
    [("11月10日", "月日"), ("3号楼", "号楼"), ("7:30时", "时"), ("186.2万元", "万元"), ("5", "")],
)
def test_a_figure_gives_its_unit(figure: str, name: str) -> None:
    assert unit(figure) == name


@given(st.text() | st.from_regex(r"[0-9一二十〇]{1,6}[年月日号楼栋期时:.-]{0,3}[0-9]{0,4}", fullmatch=True))
def test_figures_are_found_in_any_text(text: str) -> None:
    assert all(numbers(text))


def test_what_one_look_calls_regular_stays_as_it_is() -> None:
    every = "".join(map(chr, range(0x110000)))
    regular = normal_form._irregular.sub("", every)
    assert len(regular) > 20_000
    assert normal_form._not_lone.search(regular) is None
    assert normal_form._changes.search(regular) is None
