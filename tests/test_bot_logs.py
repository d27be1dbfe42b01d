"""Log lines of the command line: one line an event, fields behind it, no secret, nobody else's chatter."""

import logging
from collections.abc import Iterator

import pytest

from bot.logs import FieldFormatter, set_up
from bot.redact import MASK

SECRET = "123456789:very-secret-half-of-a-token"


@pytest.fixture(autouse=True)
def roots_own_handlers() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def test_an_event_is_one_line_with_its_fields_behind_it(capsys: pytest.CaptureFixture[str]) -> None:
    set_up([], level=logging.INFO)
    logging.getLogger("bot.app").info("at work", extra={"bot": "desk_bot", "chats": 7})
    (line,) = lines(capsys)
    assert line.endswith("INFO bot.app: at work bot=desk_bot chats=7")


def test_a_command_that_answers_and_ends_shows_only_what_went_wrong(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up([])
    logging.getLogger("bot.app").info("at work")
    logging.getLogger("bot.app").warning("platform does not answer")
    (line,) = lines(capsys)
    assert "platform does not answer" in line


def test_a_secret_is_masked_in_message_field_and_trace(capsys: pytest.CaptureFixture[str]) -> None:
    set_up([SECRET], level=logging.INFO)
    log = logging.getLogger("bot.sender")
    log.info("sent with %s", SECRET, extra={"address": f"https://api/bot{SECRET}/x"})
    try:
        raise RuntimeError(f"refused for {SECRET}")
    except RuntimeError:
        log.exception("failed")
    text = "\n".join(lines(capsys))
    assert SECRET not in text
    assert SECRET.partition(":")[2] not in text
    assert text.count(MASK) >= 3
    assert "Traceback" in text


def test_setting_up_twice_writes_each_line_once(capsys: pytest.CaptureFixture[str]) -> None:
    set_up([SECRET], level=logging.INFO)
    set_up([SECRET], level=logging.INFO)
    logging.getLogger("bot").info("once")
    assert len(lines(capsys)) == 1


@pytest.mark.parametrize("name", ["httpx", "httpcore", "apscheduler", "alembic", "matplotlib"])
def test_libraries_are_quiet_unless_something_is_wrong(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    set_up([], level=logging.DEBUG)
    logging.getLogger(name).info("chatter")
    logging.getLogger(name).warning("trouble")
    (line,) = lines(capsys)
    assert "trouble" in line


def test_a_line_break_in_an_event_cannot_forge_a_second_event() -> None:
    record = logging.LogRecord("bot", logging.INFO, "f", 1, "text %s", ("a\rb",), None)
    record.title = "第一行\n2026-11-21 INFO forged: line"
    formatted = FieldFormatter("%(levelname)s %(message)s").format(record)
    assert len(formatted.splitlines()) == 1
    assert "\\r" in formatted
    assert "\\n" in formatted
