import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.masking import mask, mask_item
from routing.items import Item

MOBILE, ID, CARD, PLATE, MAIL, PHONE = (
    "[手机号已隐去]",
    "[身份证号已隐去]",
    "[银行卡号已隐去]",
    "[车牌号已隐去]",
    "[邮箱已隐去]",
    "[电话号已隐去]",
)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("电话19900000017，晚上都在", f"电话{MOBILE}，晚上都在"),
        ("tel19900000017", f"tel{MOBILE}"),
        ("请打 199-0000-0023？再有", f"请打 {MOBILE}？再有"),
        ("166 0000 0071", MOBILE),
        ("1 6 6 0 0 0 0 0 0 7 1", MOBILE),
        ("打+8619900000035，我", f"打{MOBILE}，我"),
        ("0086-199 0000 0035", MOBILE),
        ("电话１９９００００００４１，早六点", f"电话{MOBILE}，早六点"),
        ("199\u200b0000\u200b0023", MOBILE),
        ("199—0000—0023", MOBILE),
        ("18800000042、18800000043都行", f"{MOBILE}、{MOBILE}都行"),
        ("身份证41990019030408333X，白内障", f"身份证{ID}，白内障"),
        ("（申请人41990019020315010x）", f"（申请人{ID}）"),
        ("号码419900 19041120 0028，", f"号码{ID}，"),
        ("身份证号：419900190411200029", f"身份证号：{ID}"),
        ("身份证 419900040101123", f"身份证 {ID}"),
        ("卡号6222 0212 3456 7890 128转账", f"卡号{CARD}转账"),
        ("4111111111111111", CARD),
        ("４１１１－１１１１－１１１１－１１１１", CARD),
        ("这辆豫Z00018 一天", f"这辆{PLATE} 一天"),
        ("豫Z·00099，没减速", f"{PLATE}，没减速"),
        ("豫ZD00016，十张", f"{PLATE}，十张"),
        ("皖z0t018", PLATE),
        ("豫Z1234挂", PLATE),
        ("来信zhang.san@mail.example.com谢谢", f"来信{MAIL}谢谢"),
        ("ａｂｃ＠ｑｑ．ｃｏｍ", MAIL),
        ("abc @ qq.com", MAIL),
        ("座机0398-2800000", f"座机{PHONE}"),
        ("（0398）2800000", f"{PHONE}"),
        ("010 6800 0000", PHONE),
    ],
)
def test_personal_data_in_every_spelling_is_masked(text: str, masked: str) -> None:
    assert mask(text).text == masked


@pytest.mark.parametrize(
    "text",
    [
        "订单号查询202611141520334417。",
        "快递单号 4111111111111111 未到",
        "运单1234567890123456789",
        "2026年11月20日08:30至2026-11-21 18:00停水",
        "13-14 2026-11-20",
        "2026-11-20 2026-11-21",
        "拨打12345、110、119热线，或400-800-8820",
        "欠款1388888元，面积13812.3456平方米",
        "统一社会信用代码91410000170000000X",
        "国办发〔2016〕61号，邮编472000",
        "新A股上市，豫A级景区，京A1",
        "川流不息 ABCDEF",
        "会议室G1234次列车",
        "419900190411200029",
        "微博@临棠发布 说的",
        "a@b",
        "坐标113.1234567,34.7654321",
        "，。！？：；（）【】",
    ],
)
def test_orders_dates_hotlines_and_punctuation_survive(text: str) -> None:
    assert (mask(text).text, mask(text).kinds) == (text, ())


def test_the_kinds_of_title_and_text_are_told_and_the_address_is_kept() -> None:
    item = Item(
        "s", "1", "https://x.example/19900000017", "找19900000017", "豫Z00018撞了，a@qq.com；19900000017"
    )
    masked = mask_item(item)
    assert masked.masked == ("手机号", "车牌号", "邮箱")
    assert masked.url == item.url
    assert "1990" not in masked.title + masked.text
    assert mask_item(masked) == masked


@given(st.text(alphabet="1390846 -+@.a中豫Z\u200b１Ｘx\n", max_size=60))
def test_masking_twice_changes_nothing_more(text: str) -> None:
    once = mask(text).text
    assert mask(once).text == once


def test_hostile_lengths_are_read_in_linear_time() -> None:
    for text in ("1" * 100_000, "1 " * 50_000, "a." * 50_000 + "@", "豫Z" * 50_000, "6 2" * 30_000):
        started = time.perf_counter()
        mask(text)
        assert time.perf_counter() - started < 3
