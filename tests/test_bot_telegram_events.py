"""Updates as Telegram's JSON, read as events of the desk."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat import (
    ActionPressed,
    Body,
    ChatRenamed,
    CommandGiven,
    JoinedChat,
    LeftChat,
    MessageRef,
    Sender,
    TextReplied,
)
from bot.telegram.events import event_of

Json = dict[str, Any]

US = {"id": 99, "is_bot": True, "first_name": "值班台", "username": "yuqing_bot"}
OTHER_BOT = {"id": 98, "is_bot": True, "first_name": "别的"}
LI: Json = {"id": 7, "is_bot": False, "first_name": "李", "last_name": "雷", "username": "lilei"}
GROUP = {"id": -1001, "type": "supergroup", "title": "值班群"}
PRIVATE = {"id": 7, "type": "private", "first_name": "李"}


def message(chat: Json = GROUP, author: Json | None = LI, **fields: Any) -> Json:
    body = {"message_id": 12, "date": 1_700_000_000, "chat": chat, **fields}
    return {"update_id": 1, "message": body | ({"from": author} if author else {})}


def command(text: str, length: int, **fields: Any) -> Json:
    return message(text=text, entities=[{"type": "bot_command", "offset": 0, "length": length}], **fields)


def press(**fields: Any) -> Json:
    shown = {"message_id": 12, "date": 1, "chat": GROUP, "from": US, "text": "卡片"}
    body = {"id": "555", "from": LI, "message": shown, "chat_instance": "1", "data": "v1:a:3"}
    return {"update_id": 1, "callback_query": body | fields}


def membership(before: str, after: str, chat: Json = GROUP, user: Json = US, **fields: Any) -> Json:
    body = {"chat": chat, "from": LI, "date": 1, "old_chat_member": {"user": user, "status": before}}
    return {
        "update_id": 1,
        "my_chat_member": body | {"new_chat_member": {"user": user, "status": after, **fields}},
    }


def read(raw: Json) -> Any:
    return event_of(raw, "99", "Yuqing_Bot")


def test_a_press_names_the_person_by_id_only() -> None:
    assert read(press()) == ActionPressed(
        Sender("7", "李 雷", "7"), "-1001", False, "v1:a:3", MessageRef("-1001", "12"), "555"
    )


def test_a_press_on_a_message_too_old_to_be_shown_still_counts() -> None:
    assert read(press(message={"chat": GROUP, "message_id": 12, "date": 0})).message == MessageRef(
        "-1001", "12"
    )


@pytest.mark.parametrize(
    "fields", [{"data": None}, {"message": None}, {"from": OTHER_BOT}, {"id": 5}, {"data": "\x00"}]
)
def test_a_press_that_lacks_something_is_nothing(fields: Json) -> None:
    assert read(press(**fields)) is None


def test_a_text_in_the_private_chat() -> None:
    assert read(message(PRIVATE, text="好\x00的\ud800")) == TextReplied(
        Sender("7", "李 雷", "7"), "7", True, "好的\ufffd", Body.TEXT, MessageRef("7", "12"), None
    )


def test_an_answer_counts_only_as_one_to_our_own_message() -> None:
    def answer_to(author: Json) -> MessageRef | None:
        answered = {"message_id": 5, "date": 1, "chat": GROUP, "from": author, "text": "问"}
        found = read(message(text="答", reply_to_message=answered)).reply_to
        assert found is None or isinstance(found, MessageRef)
        return found

    assert answer_to(US) == MessageRef("-1001", "5")
    assert answer_to(OTHER_BOT) is None
    assert answer_to(LI) is None
    assert answer_to(LI | {"id": 99}) is None


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({"text": "x", "forward_origin": {"type": "hidden_user"}}, Body.FORWARDED),
        ({"photo": [], "caption": "图"}, Body.PICTURE),
        ({"sticker": {}}, Body.STICKER),
        ({"document": {}, "caption": "文"}, Body.OTHER),
        ({"voice": {}}, Body.OTHER),
        ({"text": "x", "via_bot": OTHER_BOT}, Body.OTHER),
    ],
)
def test_what_a_message_holds_beside_text_has_no_text(fields: Json, body: Body) -> None:
    event = read(message(**fields))
    assert (event.body, event.text) == (body, "")


def test_a_forwarded_command_is_not_a_command() -> None:
    assert read(command("/start abc", 6, forward_origin={"type": "user"})).body is Body.FORWARDED


@pytest.mark.parametrize(
    ("text", "length", "name", "rest"),
    [
        ("/Start  A-1 b ", 6, "start", "A-1 b"),
        ("/status@YUQING_bot", 18, "status", ""),
        ("/why@yuqing_bot 😀 号", 15, "why", "😀 号"),
        ("/a\nb", 2, "a", "b"),
    ],
)
def test_commands(text: str, length: int, name: str, rest: str) -> None:
    event = read(command(text, length))
    assert isinstance(event, CommandGiven)
    assert (event.name, event.rest) == (name, rest)


def test_a_command_for_another_bot_is_nothing() -> None:
    assert read(command("/start@other_bot", 16)) is None


@pytest.mark.parametrize(
    ("text", "name", "rest"),
    [
        ("／ｏｐｅｎ １级", "open", "１级"),
        ("/ｏｐｅｎ", "open", ""),
        ("／case@yuqing_bot 12", "case", "12"),
    ],
)
def test_a_command_in_full_width_letters_is_one_though_telegram_marks_it_not(
    text: str, name: str, rest: str
) -> None:
    event = read(message(text=text))
    assert isinstance(event, CommandGiven)
    assert (event.name, event.rest) == (name, rest)


def test_a_slash_without_telegrams_mark_is_text() -> None:
    assert read(message(text="／公开 答复")).text == "／公开 答复"
    assert read(message(text="/open")).text == "/open"
    assert read(message(text="/状态")).text == "/状态"
    assert read(message(text="见 /start", entities=[{"type": "bot_command", "offset": 2, "length": 6}])).text


@pytest.mark.parametrize(
    ("author", "fields"),
    [
        (None, {}),
        (OTHER_BOT, {}),
        (LI, {"sender_chat": {"id": -1005, "type": "channel"}}),
        ({"id": 1087968824, "is_bot": True, "first_name": "Group"}, {"sender_chat": GROUP}),
        ({"id": 7, "first_name": "不知是人是机器"}, {}),
        ({"id": "7", "is_bot": False}, {}),
        ({"id": True, "is_bot": False}, {}),
    ],
)
def test_who_is_not_a_person_is_nobody(author: Json | None, fields: Json) -> None:
    assert read(message(author=author, text="x", **fields)) is None
    assert read(command("/start", 6, author=author, **fields)) is None


@pytest.mark.parametrize("kind", ["edited_message", "channel_post", "inline_query", "poll"])
def test_other_updates_are_nothing(kind: str) -> None:
    assert read({"update_id": 1, kind: message(text="x")["message"]}) is None


def test_a_service_message_was_written_by_nobody() -> None:
    assert read(message(new_chat_members=[US])) is None


def test_both_ends_of_a_move_tell_the_same() -> None:
    assert read(message({"id": -5, "type": "group"}, migrate_to_chat_id=-1009)) == ChatRenamed("-5", "-1009")
    assert read(message({"id": -1009, "type": "supergroup"}, migrate_from_chat_id=-5)) == ChatRenamed(
        "-5", "-1009"
    )


@pytest.mark.parametrize(
    ("raw", "event"),
    [
        (membership("left", "member"), JoinedChat("-1001", "值班群")),
        (membership("kicked", "administrator"), JoinedChat("-1001", "值班群")),
        (membership("left", "restricted", is_member=True), JoinedChat("-1001", "值班群")),
        (membership("member", "administrator"), None),
        (membership("member", "left"), LeftChat("-1001")),
        (membership("administrator", "kicked"), LeftChat("-1001")),
        (membership("member", "restricted", is_member=False), LeftChat("-1001")),
        (membership("member", "kicked", PRIVATE), LeftChat("7")),
        (membership("kicked", "member", PRIVATE), None),
        (membership("left", "member", user=OTHER_BOT), None),
    ],
)
def test_coming_and_going(raw: Json, event: object) -> None:
    assert read(raw) == event


def test_an_id_of_five_thousand_digits_is_no_id() -> None:
    assert read(message({"id": 10**5000, "type": "private"}, text="x")) is None


def test_names_are_one_short_line() -> None:
    author = LI | {"first_name": "李\n\u202e" + "雷" * 100, "last_name": None}
    name = read(message(author=author, text="x")).sender.shown_name
    assert name == "李 " + "雷" * 61 + "…"


def test_before_the_own_name_is_known_a_named_command_is_foreign() -> None:
    assert event_of(command("/start@yuqing_bot", 17), "99", "") is None
    assert event_of(command("/start", 6), "99", "") is not None


# -- anything at all -----------------------------------------------------------------------------------------------

_WHOLE = [
    message(
        text="x", reply_to_message=message(text="y")["message"], sender_chat=None, migrate_to_chat_id=None
    ),
    command("/start@yuqing_bot a", 17),
    press(),
    membership("left", "member"),
]


def _names(raw: Any) -> set[str]:
    inner = raw.values() if isinstance(raw, dict) else raw if isinstance(raw, list) else ()
    return set().union(raw if isinstance(raw, dict) else (), *map(_names, inner))


_KEYS = st.sampled_from(sorted(_names(_WHOLE)))
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(2**70),
    st.floats(),
    st.text(st.characters(codec="utf-16", exclude_categories=()), max_size=8),
    st.sampled_from(["private", "supergroup", "bot_command", "/a@b", "member", "kicked", 99, 7, "\ud800", 0]),
)
_ANYTHING = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=6),
    max_leaves=20,
)


@given(st.dictionaries(_KEYS, _ANYTHING, max_size=6))
def test_no_dict_makes_it_raise(raw: Json) -> None:
    read(raw)


@given(st.sampled_from(_WHOLE), st.data())
def test_a_good_update_with_one_field_spoilt_does_not_raise(raw: Json, data: st.DataObject) -> None:
    spoilt = json.loads(json.dumps(raw))
    place: Json = spoilt
    while True:
        key = data.draw(st.sampled_from(sorted(place)))
        if isinstance(place[key], dict) and data.draw(st.booleans()):
            place = place[key]
            continue
        place[key] = data.draw(_ANYTHING)
        break
    event = read(spoilt)
    assert event is None or "\ud800" not in repr(event)
