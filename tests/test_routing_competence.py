"""Which unit of a channel is proposed: by its scope, by what was given to whom before, and why that is said."""

from dataclasses import replace

import pytest
from builders import make_office

from routing.competence import Earlier, competent
from routing.office import Body, Channel

HOUSING, SCHOOLS, POLICE = "县住建局", "县教育局", "县消防大队"
CHANNEL = replace(
    make_office().channels["office"],
    unit="县政府办公室",
    bodies=(
        Body(HOUSING, ("物业", "电梯"), ("城乡建设",)),
        Body(SCHOOLS, ("校服", "幼儿园"), ("教育文体",)),
        Body(POLICE),
    ),
)


def proposed(
    title: str, subject: str | None = None, *earlier: Earlier, text: str = "", channel: Channel = CHANNEL
):
    return competent(channel, title, text, subject, earlier)


@pytest.mark.parametrize(
    ("title", "text", "subject", "unit", "why"),
    [
        ("东湖小区物业不管", "电梯停了三天", "城乡建设", HOUSING, "提到“物业”、“电梯”"),
        ("校 服 太 贵", "", None, SCHOOLS, "提到“校服”"),
        ("路面坑多", "", "城乡建设", HOUSING, "领域为城乡建设"),
        ("幼儿园楼上的房子漏水", "", "城乡建设", SCHOOLS, "提到“幼儿园”"),
        ("天气真好", "", "环境保护", "县政府办公室", ""),
        ("天气真好", "", None, "县政府办公室", ""),
    ],
)
def test_without_earlier_matters_the_scope_says_which_unit(title, text, subject, unit, why):
    found = proposed(title, subject, text=text)
    assert (found.unit, found.why) == (unit, why)
    assert sorted(found.units) == sorted(CHANNEL.units())


def test_a_channel_without_units_has_one():
    assert proposed("物业", "城乡建设", channel=replace(CHANNEL, bodies=())).units == ("县政府办公室",)


def test_what_is_given_to_a_unit_again_and_again_goes_there():
    given = [Earlier(POLICE, "公安司法", f"{place}噪声扰民") for place in ("东湖", "西山", "北街")]
    found = proposed("南门烧烤摊太吵", "公安司法", *given)
    assert (found.unit, found.why) == (POLICE, "以往转办：公安司法类 3 件中 3 件")
    assert proposed("南门烧烤摊太吵", "公安司法", given[0]).why == ""  # once is no habit


def test_the_words_of_earlier_titles_tell_where_the_area_does_not():
    given = [Earlier(POLICE, None, f"{place}楼道堆物") for place in ("东湖", "西山", "北街")]
    given += [Earlier(SCHOOLS, None, f"{place}食堂菜价") for place in ("一中", "二中", "三中")]
    found = proposed("南街楼道堆物多", None, *given)
    assert (found.unit, found.why) == (POLICE, "以往转办：标题相近的 3 件")
    assert proposed("楼道里的灯什么时候能修好", None, *given).why == ""  # one word in common is not alike


def test_people_overrule_the_scope_by_what_they_choose():
    chosen = [Earlier(POLICE, "城乡建设", f"{n}号楼电梯困人") for n in range(12)]
    after = [proposed("三号楼电梯困人", "城乡建设", *chosen[:n]).unit for n in (0, 1, 12)]
    assert after == [HOUSING, HOUSING, POLICE]


def test_a_word_of_a_scope_counts_although_another_unit_has_most_of_the_area():
    given = [Earlier(HOUSING, "城乡建设", f"{n}号路坑多") for n in range(100)]
    assert proposed("幼儿园门口要个斑马线", "城乡建设", *given).unit == SCHOOLS
    assert proposed("门口要个斑马线", "城乡建设", *given).unit == HOUSING


def test_units_that_the_channel_has_no_more_say_nothing():
    gone = [Earlier("县房管局", "城乡建设", "电梯困人")] * 20
    assert proposed("电梯困人", "城乡建设", *gone) == proposed("电梯困人", "城乡建设")
