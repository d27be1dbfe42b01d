"""What carries a secrecy mark is cut to the mark before it is stored, wherever in an update it stands."""

import pytest

from bot.secrecy import has_mark, without_marked_text


@pytest.mark.parametrize("text", ["机密\n正文", "绝密★长期\n正文", "\n  秘密★5年  \n正文", "机密 ★10年"])
def test_a_header_line_that_is_nothing_but_a_mark_is_one(text: str) -> None:
    assert has_mark(text)


@pytest.mark.parametrize("text", ["", "\n", "此件属机密，请勿外传", "机密文件如何管理？", "正文\n机密★10年"])
def test_running_text_is_no_mark(text: str) -> None:
    assert not has_mark(text)


def test_every_marked_text_of_an_update_is_cut_and_nothing_else_is_touched() -> None:
    raw = {
        "message": {
            "message_id": 7,
            "text": "\n机密★10年\n某事",
            "caption": "秘密\n某图",
            "reply_to_message": {"text": "绝密\n更早的事", "from": {"id": 1, "is_bot": False}},
            "entities": [{"type": "bold", "offset": 0, "length": 2}, "机密\n某处"],
        },
        "other": "桂汀苑\n停水",
    }
    assert without_marked_text(raw) == {
        "message": {
            "message_id": 7,
            "text": "机密★10年",
            "caption": "秘密",
            "reply_to_message": {"text": "绝密", "from": {"id": 1, "is_bot": False}},
            "entities": [{"type": "bold", "offset": 0, "length": 2}, "机密"],
        },
        "other": "桂汀苑\n停水",
    }


def test_a_mark_behind_a_command_is_a_mark_too():
    assert has_mark("/new 机密★10年\n泵房图纸")
    assert without_marked_text({"text": "/new 机密\n泵房图纸"}) == {"text": "/new 机密"}
    assert not has_mark("/new 秘密施工无人告知，居民投诉")
