"""What in a draft makes a person look again: personal data and words of the house, by sentence."""

import pytest

from monitors.masking import mask
from routing.textscan import CLOSED_CLASSES, Hit, scan, sentences, told


def personal(text: str) -> tuple[str, ...]:
    return mask(text).kinds


CLEAN = "桂汀苑停水系加压泵故障，泵组已更换，今日18时恢复供水。\n咨询请拨12345热线，或到桂汀苑3栋居委会。"


def test_an_answer_without_anything_doubtful_is_left_alone():
    assert scan(CLEAN, personal) == ()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("请联系13812345678。", "手机号"),
        ("请联系１３８１２３４５６７８。", "手机号"),
        ("请联系一三八一二三四五六七八。", "手机号"),
        ("身份证号11010519491231002X已核实。", "身份证号"),
        ("退款已汇入卡号6222 0212 3456 7890 123。", "银行卡号"),
        ("粤A12345号车已拖离。", "车牌号"),
        ("请发到zhangsan@example.com。", "邮箱"),
        ("已到锦棠花园3栋2单元501室上门。", "门牌号"),
    ],
)
def test_personal_data_is_found_in_its_sentence_however_it_is_written(text, kind):
    assert Hit(2, kind) in scan(f"您好！{text}谢谢。", personal)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("根据县政府常务会议会议纪要办理。", "会议纪要"),
        ("按照县长批示办理。", "批示"),
        ("详见内部资料。", "内部"),
        ("依据机密文件办理。", "机密"),
        ("依据机 密文件办理。", "机密"),
        ("依据机\u200b密文件办理。", "机密"),
        ("公安机关已布控。", "布控"),
        ("投诉人系某小区业主。", "投诉人系"),
    ],
)
def test_words_of_secrecy_and_of_the_house_are_found(text, word):
    assert word in [hit.word for hit in scan(f"您好！{text}", personal)]


@pytest.mark.parametrize(
    "text",
    ["小区内部道路已修复。", "本答复不涉及国家秘密、商业秘密。", "感谢举报人的监督。", "内部装修已停工。"],
)
def test_what_only_looks_like_one_is_no_hit(text):
    assert scan(text, personal) == ()


def test_what_stands_across_two_sentences_is_told_of_the_whole():
    assert scan("手机138。12345678", lambda text: ("手机号",) if len(text) > 10 else ()) == (
        Hit(0, "手机号"),
    )


def test_a_hit_is_told_with_its_place_and_personal_data_are_never_repeated():
    text = "您好！请联系13812345678。详见会议纪要。"
    said = told(scan(text, personal))
    assert said == "第2句疑似个人信息（手机号）；第3句“会议纪要”（内部文件用语）"
    assert "138" not in said


def test_a_line_break_ends_no_sentence():
    assert sentences("第一句，\n还是第一句。第二句！") == ["第一句，还是第一句。", "第二句！"]


def test_nine_classes_are_not_published():
    assert len(CLOSED_CLASSES) == len(set(CLOSED_CLASSES)) == 9
