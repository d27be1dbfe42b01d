"""HTML in, entities out, and back: the wording of refusals and the UTF-16 arithmetic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.html import HtmlError, parse_html, to_html, trim, utf16_length, with_automatic


def test_offsets_count_utf16_units_after_an_emoji() -> None:
    text, entities = parse_html("😀<b>停水</b>")
    assert text == "😀停水"
    assert entities == [{"type": "bold", "offset": 2, "length": 2}]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<strong>a</strong>", {"type": "bold", "offset": 0, "length": 1}),
        ("<a href='https://x.cn/?a=1&amp;b=2'>a</a>", {"type": "text_link", "url": "https://x.cn/?a=1&b=2"}),
        ('<span class="tg-spoiler">a</span>', {"type": "spoiler"}),
        ("<blockquote expandable>a</blockquote>", {"type": "expandable_blockquote"}),
        ('<pre><code class="language-py">a</code></pre>', {"type": "pre", "language": "py"}),
        ("<tg-spoiler>a</tg-spoiler>", {"type": "spoiler"}),
        ("<B>a</B>", {"type": "bold"}),
        ("<code>a</>", {"type": "code"}),
    ],
)
def test_a_tag_becomes_its_entity(source: str, expected: dict[str, object]) -> None:
    text, entities = parse_html(source)
    assert text == "a"
    assert len(entities) == 1
    assert expected.items() <= entities[0].items()


@pytest.mark.parametrize(
    ("source", "refusal"),
    [
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("5 < 6", 'Unsupported start tag "" at byte offset 2'),
        ("水<q>x</q>", 'Unsupported start tag "q" at byte offset 3'),
        ("x<b", "Unclosed start tag at byte offset 1"),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ('<a href="x>y</a>', 'Unclosed start tag "a" at byte offset 0'),
        (
            "<a href>y</a>",
            'Expected equal sign in declaration of an attribute of the tag "a" at byte offset 3',
        ),
        ("<a =x>y</a>", 'Empty attribute name in the tag "a" at byte offset 0'),
        ("<a href=x/y>z</a>", "Unexpected end of name token at byte offset 8"),
    ],
)
def test_broken_html_is_refused_in_telegrams_words(source: str, refusal: str) -> None:
    with pytest.raises(HtmlError) as caught:
        parse_html(source)
    assert str(caught.value) == refusal


def test_only_four_names_and_numbers_are_character_references() -> None:
    assert parse_html("&lt;&gt;&amp;&quot;&#65;&#x4e2d;&nbsp;&hellip;A&B")[0] == '<>&"A中&nbsp;&hellip;A&B'


def test_white_space_at_the_ends_goes_and_entities_follow() -> None:
    assert parse_html(" \n<b> 停水 </b> ") == ("停水", [{"type": "bold", "offset": 0, "length": 2}])
    assert trim("  ", [{"type": "bold", "offset": 0, "length": 1}]) == ("", [])


def test_commands_mentions_links_and_tags_are_found_but_not_inside_code() -> None:
    text, entities = parse_html(
        "/open@desk_bot 请 @zhao_wang 看 https://a.cn/b?c=1，#停水 <code>/not</code> 3/4"
    )
    found = [
        (e["type"], text[e["offset"] : e["offset"] + e["length"]]) for e in with_automatic(text, entities)
    ]
    assert found == [
        ("bot_command", "/open@desk_bot"),
        ("mention", "@zhao_wang"),
        ("url", "https://a.cn/b?c=1"),
        ("hashtag", "#停水"),
        ("code", "/not"),
    ]


def test_the_page_gets_no_tag_but_ours() -> None:
    text, entities = parse_html('<b>&lt;script&gt;</b><a href="javascript:alert(1)">x</a>')
    assert to_html(text, entities) == "<b>&lt;script&gt;</b>x"
    link = [{"type": "text_link", "offset": 0, "length": 1, "url": 'javascript:"'}]
    assert "javascript" not in to_html("x", link)


def test_crossing_entities_are_split_into_nested_tags() -> None:
    crossing = [{"type": "bold", "offset": 0, "length": 2}, {"type": "italic", "offset": 1, "length": 2}]
    assert to_html("abc", crossing) == "<b>a<i>b</i></b><i>c</i>"


_PIECES = st.lists(
    st.tuples(
        st.sampled_from(["", "b", "i", "u", "code", "s"]), st.text("水a😀<&> \n", min_size=1, max_size=5)
    ),
    max_size=6,
)


@given(_PIECES)
def test_what_was_escaped_comes_back_whole(pieces: list[tuple[str, str]]) -> None:
    def escaped(text: str) -> str:
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    source = "".join(f"<{tag}>{escaped(text)}</{tag}>" if tag else escaped(text) for tag, text in pieces)
    text, entities = parse_html(source)
    assert text == "".join(text for _, text in pieces).strip()
    assert all(0 <= e["offset"] < e["offset"] + e["length"] <= utf16_length(text) for e in entities)
    assert parse_html(to_html(text, entities)) == (text, entities)
