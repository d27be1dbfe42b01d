"""Cards as Telegram's HTML, read back by a strict parser of that HTML."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat import Block, Button, Card, Form, Tone
from bot.sandbox.html import parse_html, utf16_length
from bot.telegram.markup import CAPTION_LIMIT, TEXT_LIMIT, fits, headline, keyboard_of, plainly, rendered
from bot.telegram.text import cleaned, head, shortened, units

TITLE = Block("2026-0042 幸福路停水", Form.TITLE, weight=9)
MARK = "…（已截断）"


def shown(card: Card, limit: int = TEXT_LIMIT) -> str:
    """The text that a reader sees; raises where Telegram would refuse the HTML."""
    return parse_html(rendered(card, limit).text)[0]


def card(*blocks: Block) -> Card:
    return Card((TITLE, *blocks))


def test_every_form_is_set_in_its_own_way() -> None:
    html = rendered(
        card(
            Block("教育局", label="牵头"),
            Block("停水三天", Form.QUOTE, label="原文"),
            Block("供参考", Form.NOTE),
            Block("打开", url="https://example.gov.cn/a?b=1&c=2"),
        )
    ).text
    assert html == (
        "<b>2026-0042 幸福路停水</b>\n牵头：教育局\n原文：\n<blockquote>停水三天</blockquote>\n<i>供参考</i>\n"
        '<a href="https://example.gov.cn/a?b=1&amp;c=2">打开</a>'
    )


def test_folded_neighbours_stand_in_one_quotation_that_opens() -> None:
    html = rendered(
        card(
            Block("两条", Form.FOLDED),
            Block("a < b", Form.FOLDED, label="信息", url="https://example.gov.cn/"),
            Block("末行"),
            Block("另一处", Form.FOLDED),
        )
    ).text
    assert html == (
        "<b>2026-0042 幸福路停水</b>\n<blockquote expandable>两条\n"
        '信息：<a href="https://example.gov.cn/">a &lt; b</a></blockquote>\n末行\n'
        "<blockquote expandable>另一处</blockquote>"
    )
    _, entities = parse_html(html)
    assert [entity["type"] for entity in entities].count("expandable_blockquote") == 2


def test_markup_in_a_text_is_shown_and_not_obeyed() -> None:
    nasty = '</b><script>alert(1)</script> & <a href="x">'
    assert shown(Card((Block(nasty, Form.TITLE, label="<i>", url='https://x.cn/"><b>'),))) == f"<i>：{nasty}"


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "tg://user?id=1", "ftp://a/b", "https://", "http://[::1", "https://a b.cn", "看"],
)
def test_only_web_addresses_become_links(url: str) -> None:
    assert "href" not in rendered(card(Block("打开", url=url))).text


def test_empty_blocks_leave_no_line() -> None:
    assert shown(card(Block(" \n"), Block("\x00", label="空"), Block("有"))) == f"{TITLE.text}\n有"


def test_a_card_without_a_text_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="without a text"):
        rendered(Card((Block("  "),)))


def test_the_lightest_block_goes_first_and_the_reader_is_told() -> None:
    text = shown(
        card(Block("甲" * 90, weight=2), Block("乙" * 90, weight=1), Block("丙" * 90, weight=8)),
        limit=260,
    )
    assert text == f"{TITLE.text}\n{'甲' * 90}\n{'丙' * 90}\n（篇幅所限，略去 1 项）"


def test_of_two_equals_the_later_goes_first() -> None:
    text = shown(card(Block("甲" * 60), Block("乙" * 60)), limit=120)
    assert "甲" in text
    assert "乙" not in text


def test_a_long_text_keeps_its_beginning_and_the_rest_of_the_card_stays() -> None:
    text = shown(card(Block("文" * 10_000, Form.QUOTE, weight=3), Block("原文链接", weight=8)))
    assert text.startswith(f"{TITLE.text}\n文文")
    assert text.endswith(f"文{MARK}\n原文链接")
    assert TEXT_LIMIT - 10 <= utf16_length(text) <= TEXT_LIMIT


def test_weight_nine_is_cut_only_when_it_alone_is_too_long() -> None:
    whole = card(Block("决" * 4000, weight=9), Block("轻" * 500, weight=8))
    assert shown(whole) == f"{TITLE.text}\n{'决' * 4000}\n（篇幅所限，略去 1 项）"
    text = shown(card(Block("决" * 9000, weight=9)))
    assert text.startswith(f"{TITLE.text}\n决")
    assert text.endswith(MARK)


def test_three_thousand_emoji_fit_and_none_is_halved() -> None:
    text = shown(card(Block("😀" * 3000)))
    assert utf16_length(text) <= TEXT_LIMIT
    assert set(text.removeprefix(f"{TITLE.text}\n").removesuffix(MARK)) == {"😀"}


def test_a_family_of_emoji_is_not_torn_apart() -> None:
    family = "👩\u200d👩\u200d👧"
    for room in range(40):
        assert head(family * 4, room) == family * min(room // units(family), 4)


def test_what_needs_escaping_counts_as_one_letter() -> None:
    full = Card((Block("&" * TEXT_LIMIT),))
    assert shown(full) == "&" * TEXT_LIMIT
    assert len(rendered(full).text) == 5 * TEXT_LIMIT


def test_a_caption_has_its_own_limit() -> None:
    long = card(Block("图" * 2000))
    assert not fits(long, CAPTION_LIMIT)
    assert utf16_length(shown(long, CAPTION_LIMIT)) <= CAPTION_LIMIT
    assert fits(headline(long), CAPTION_LIMIT)
    assert shown(headline(long)) == TITLE.text


@given(
    st.lists(
        st.builds(
            Block,
            text=st.text(max_size=400),
            form=st.sampled_from(Form),
            label=st.text(max_size=5),
            url=st.sampled_from(["", "https://example.cn/?a=1&b=<2>", "http://x"]),
            weight=st.integers(0, 8),
        ),
        max_size=12,
    ),
    st.integers(60, 1500),
)
def test_any_card_fits_its_limit_and_parses(blocks: list[Block], limit: int) -> None:
    one = card(*blocks)
    text = shown(one, limit)
    assert utf16_length(text) <= limit
    assert text.startswith(TITLE.text)
    assert units(plainly(one).text) <= 1000


@given(st.text(st.characters(codec="utf-16", exclude_categories=())), st.integers(1, 40))
def test_shortening_never_exceeds_and_never_halves(text: str, room: int) -> None:
    short = shortened(cleaned(text), room)
    assert units(short) <= room
    short.encode("utf-8")


def test_half_a_pair_and_nul_and_turned_reading_are_cleaned() -> None:
    assert cleaned("a\ud83db\x00c\u202ed\r\ne\tf") == "a\ufffdbcd\ne\tf"
    assert cleaned("\ud83d\ude00") == "😀"


# -- buttons -------------------------------------------------------------------------------------------------------


def with_buttons(*rows: tuple[Button, ...]) -> Card:
    return Card((TITLE,), rows)


def test_buttons_keep_rows_tones_and_tokens() -> None:
    keyboard = keyboard_of(
        with_buttons(
            (Button("同意", "v1:a:1", Tone.GOOD), Button("退回", "v1:r:1", Tone.DANGER)),
            (Button("看", url="https://example.cn"),),
            (Button("稍后", "v1:l:1"),),
        )
    )
    assert keyboard is not None
    assert keyboard.to_dict()["inline_keyboard"] == [
        [
            {"text": "同意", "callback_data": "v1:a:1", "style": "success"},
            {"text": "退回", "callback_data": "v1:r:1", "style": "danger"},
        ],
        [{"text": "看", "url": "https://example.cn"}],
        [{"text": "稍后", "callback_data": "v1:l:1"}],
    ]


def test_a_row_of_more_than_eight_is_broken() -> None:
    keyboard = keyboard_of(with_buttons(tuple(Button(str(n), f"t{n}") for n in range(17))))
    assert keyboard is not None
    assert [len(row) for row in keyboard.inline_keyboard] == [8, 8, 1]


@pytest.mark.parametrize("token", ["", "x" * 65, "案" * 22, "案"])
def test_a_token_that_telegram_would_refuse_is_refused_here(token: str) -> None:
    with pytest.raises(ValueError, match="token"):
        keyboard_of(with_buttons((Button("按", token),)))


def test_sixty_four_bytes_are_allowed() -> None:
    assert keyboard_of(with_buttons((Button("按", "x" * 64),))) is not None


def test_a_link_button_to_no_web_page_is_left_out() -> None:
    assert keyboard_of(with_buttons((Button("看", url="javascript:alert(1)"),))) is None


def test_the_plain_form_keeps_number_title_and_buttons() -> None:
    plain = plainly(
        Card(
            (TITLE, Block("长" * 5000), Block("打开", url="https://example.cn")),
            ((Button("签收", "v1:s:1"), Button("看", url="https://example.cn")),),
        )
    )
    assert plain.text.startswith(TITLE.text)
    assert plain.parse_mode is None
    assert plain.keyboard is not None
    assert [[key.text for key in row] for row in plain.keyboard.inline_keyboard] == [["签收"]]
