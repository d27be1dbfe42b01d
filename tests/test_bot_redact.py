"""Secrets stay out of every line that a handler writes."""

import io
import logging
from collections.abc import Iterator

import pytest

from bot.redact import MASK, RedactingFilter, install_redaction, redactor, scrub

TOKEN = "1234567890:AAabcdefghijklmnopqrstuvwxyz012345"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What a handler on the root writes, the secret being known."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        logging.Formatter("%(name)s %(message)s %(extra_field)s", defaults={"extra_field": ""})
    )
    root = logging.getLogger()
    level = root.level
    chatty = {name: logging.getLogger(name).level for name in ("httpx", "httpcore")}
    filters = {one: list(one.filters) for one in root.handlers}
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    install_redaction([TOKEN, ""])
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)
    for one, before in filters.items():
        one.filters[:] = before
    for name, was in chatty.items():
        logging.getLogger(name).setLevel(was)
    if logging.lastResort:
        logging.lastResort.filters.clear()


def test_message_and_arguments_are_masked(lines: io.StringIO) -> None:
    logging.getLogger("any").warning("calling %s at %d", f"https://x/bot{TOKEN}/getMe", 7)
    assert lines.getvalue() == f"any calling https://x/bot{MASK}/getMe at 7 \n"


@pytest.mark.parametrize("form", [TOKEN, TOKEN.replace(":", "%3A"), TOKEN.partition(":")[2]])
def test_the_forms_of_a_token_are_masked(form: str) -> None:
    assert TOKEN.partition(":")[2] not in redactor([TOKEN])(f"a {form} b")


def test_a_trace_is_masked_with_all_its_causes(lines: io.StringIO) -> None:
    try:
        try:
            raise KeyError(TOKEN)
        except KeyError as error:
            raise ValueError(f"token {TOKEN}") from error
    except ValueError:
        logging.getLogger("any").exception("failed")
    written = lines.getvalue()
    assert TOKEN not in written
    assert "KeyError" in written
    assert f"ValueError: token {MASK}" in written


def test_a_handler_that_formats_traces_itself_gets_no_secret() -> None:
    try:
        raise ValueError(TOKEN)
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("n", logging.ERROR, __file__, 1, "m", (), info)
    assert RedactingFilter([TOKEN]).filter(record)
    assert record.exc_info is None
    assert record.exc_text is not None
    assert MASK in record.exc_text


def test_a_trace_without_a_secret_is_left_as_it_is() -> None:
    try:
        raise ValueError("plain")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("n", logging.ERROR, __file__, 1, "m", (), info)
    RedactingFilter([TOKEN]).filter(record)
    assert record.exc_info == info


def test_added_fields_are_masked(lines: io.StringIO) -> None:
    logging.getLogger("any").warning("m", extra={"extra_field": TOKEN})
    assert MASK in lines.getvalue()
    assert TOKEN not in lines.getvalue()


def test_a_line_with_wrong_arguments_neither_stops_nor_leaks(lines: io.StringIO) -> None:
    logging.getLogger("any").warning("%d", TOKEN)
    assert TOKEN not in lines.getvalue()
    assert MASK in lines.getvalue()


def test_the_http_client_tells_no_addresses(lines: io.StringIO) -> None:
    logging.getLogger("httpx").info("HTTP Request: POST https://x/bot...")
    logging.getLogger("httpcore.connection").debug("connect_tcp.started")
    assert lines.getvalue() == ""


def test_installing_again_adds_secrets_and_keeps_the_old_ones(lines: io.StringIO) -> None:
    install_redaction(["another-secret"])
    logging.getLogger("any").warning("%s and %s", TOKEN, "another-secret")
    assert lines.getvalue() == f"any {MASK} and {MASK} \n"


def test_an_error_and_its_causes_are_scrubbed_in_place() -> None:
    inner, outer = KeyError(TOKEN), ValueError(f"at {TOKEN}", 7)
    outer.__cause__, inner.__context__ = inner, outer
    scrub(outer, redactor([TOKEN]))
    assert (outer.args, inner.args) == ((f"at {MASK}", 7), (MASK,))


def test_without_secrets_nothing_changes() -> None:
    assert redactor([""])("text") == "text"
