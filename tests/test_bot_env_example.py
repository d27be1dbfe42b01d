""".env.example and the Settings class say the same, in both directions."""

from dataclasses import fields
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values

from bot.settings import PREFIX, Settings, load_settings

EXAMPLE = Path(__file__).parent.parent / ".env.example"
VALUES = dotenv_values(stream=StringIO(EXAMPLE.read_text(encoding="utf-8")))


def test_the_example_names_every_setting_in_the_order_of_the_class() -> None:
    assert list(VALUES) == [PREFIX + field.name.upper() for field in fields(Settings)]


def test_the_example_carries_the_defaults() -> None:
    assert load_settings({name: value or "" for name, value in VALUES.items()}) == Settings()


def test_every_default_that_says_something_is_written_out() -> None:
    for field in fields(Settings):
        default = field.default
        assert VALUES[PREFIX + field.name.upper()] == ("" if default in ("", ()) else str(default))


def test_every_setting_is_explained_in_the_line_above() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if line.startswith(PREFIX):
            assert lines[number - 1].startswith("# ")
