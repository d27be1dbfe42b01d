"""What a Bot API call brought: its parameters in any of the four encodings, read strictly; keyboards and texts checked.

Error texts are those of the official server where known; where it is silent the text names the sandbox.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.html import HtmlError, parse_html, trim, utf16_length, with_automatic
from bot.sandbox.world import Json

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
ENTITIES_LIMIT = 100
DATA_BYTES = 64
ANSWER_LIMIT = 200
BUTTONS_LIMIT = 100
ROW_LIMIT = 8
PLACEHOLDER_LIMIT = 64
UPLOAD_BYTES = 50 * 1024 * 1024
DOWNLOAD_BYTES = 20 * 1024 * 1024
PHOTO_BYTES = 10 * 1024 * 1024
PHOTO_EDGES = 10_000
_STYLES = ("danger", "success", "primary")
_ACTIONS = ("callback_data", "url", "copy_text", "switch_inline_query", "switch_inline_query_current_chat")


class ApiError(Exception):
    """A refusal as the Bot API words it; `code` is HTTP status and error_code."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


def bad(text: str, **parameters: int) -> ApiError:
    return ApiError(400, f"Bad Request: {text}", **parameters)


@dataclass(frozen=True)
class Upload:
    name: str
    mime: str
    data: bytes


@dataclass(frozen=True)
class Params:
    """Parameters of one call. Form values are strings, nested ones JSON in a string; JSON bodies bring real values."""

    values: Json = field(default_factory=dict)
    files: dict[str, Upload] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        value = self.values.get(name)
        return default if value is None else str(value)

    def number(self, name: str, default: int | None = None) -> int | None:
        value = self.values.get(name)
        if value is None or value == "":
            return default
        try:
            return int(value)
        except (TypeError, ValueError):
            raise bad(f'can\'t parse {name}: "{value}" is not an integer') from None

    def flag(self, name: str) -> bool:
        return str(self.values.get(name, "")).lower() in ("true", "1", "yes")

    def nested(self, name: str) -> Any:
        """An object or list, or None where it is missing."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise bad(f"can't parse {name} JSON object") from None

    def sub(self, values: Json) -> "Params":
        """The same files with the values of one nested object, e.g. one item of an album."""
        return Params(values, self.files)

    def shown(self) -> Json:
        """For the record: values as sent, a file as its name and size."""
        files = {name: f"<{upload.name}, {len(upload.data)} bytes>" for name, upload in self.files.items()}
        return {**self.values, **files}


def formatted(p: Params, name: str, entities_name: str, limit: int) -> tuple[str, list[Json]]:
    """Return the parsed text and its entities, or raise for broken mark-up and over-long text."""
    source = p.text(name)
    mode = p.text("parse_mode").lower()
    given = p.nested(entities_name)
    if mode == "html":
        try:
            text, entities = parse_html(source)
        except HtmlError as error:
            raise bad(f"can't parse entities: {error}") from error
    elif mode in ("markdown", "markdownv2"):
        raise bad(f"parse_mode {p.text('parse_mode')} is not supported by the sandbox, use HTML")
    elif mode:
        raise bad("unsupported parse_mode")
    else:
        text, entities = trim(source, _given_entities(given))
    if utf16_length(text) > limit:
        raise bad("message is too long" if limit == TEXT_LIMIT else "message caption is too long")
    return text, with_automatic(text, entities)[:ENTITIES_LIMIT]


def _given_entities(given: Any) -> list[Json]:
    if given is None:
        return []
    if not isinstance(given, list):
        raise bad("can't parse entities: expected an Array")
    for entity in given:
        right = isinstance(entity, dict) and isinstance(entity.get("type"), str)
        if not right or not all(isinstance(entity.get(key), int) for key in ("offset", "length")):
            raise bad("can't parse MessageEntity")
    return [dict(entity) for entity in given]


def inline_keyboard(p: Params) -> Json | None:
    """The inline keyboard of an edit; other mark-ups are refused there."""
    markup, force = reply_markup(p)
    if force is not None:
        raise bad("inline keyboard expected")
    return markup


def reply_markup(p: Params) -> tuple[Json | None, Json | None]:
    """Return (inline keyboard, ForceReply), each None where missing. An empty keyboard counts as none."""
    given = p.nested("reply_markup")
    if given is None:
        return None, None
    if not isinstance(given, dict):
        raise bad("object expected as reply markup")
    if "inline_keyboard" in given:
        return _keyboard(given["inline_keyboard"]), None
    if given.get("force_reply"):
        placeholder = str(given.get("input_field_placeholder") or "")
        if len(placeholder) > PLACEHOLDER_LIMIT:
            raise bad("reply keyboard input field placeholder must not exceed 64 characters")
        return None, {"placeholder": placeholder, "selective": bool(given.get("selective"))}
    if "keyboard" in given:
        raise bad("reply keyboards are not supported by the sandbox, use inline keyboards")
    return None, None


def _keyboard(rows: Any) -> Json | None:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad("can't parse inline keyboard: expected an Array of Arrays of InlineKeyboardButton")
    kept = [[_button(button) for button in row] for row in rows if row]
    if sum(len(row) for row in kept) > BUTTONS_LIMIT or any(len(row) > ROW_LIMIT for row in kept):
        raise bad("reply markup is too long")
    return {"inline_keyboard": kept} if kept else None


def _button(button: Any) -> Json:
    where = "can't parse inline keyboard button: "
    if not isinstance(button, dict):
        raise bad(where + "expected an Object")
    if not str(button.get("text") or "").strip():
        raise bad(where + 'Field "text" must be of type String and not empty')
    actions = [name for name in _ACTIONS if button.get(name) is not None]
    if not actions:
        raise bad(where + "Text buttons are unallowed in the inline keyboard")
    if button.get("callback_data") is not None:
        size = len(str(button["callback_data"]).encode("utf-8", "surrogatepass"))
        if not 1 <= size <= DATA_BYTES:
            raise bad("BUTTON_DATA_INVALID")
    if button.get("style") is not None and button["style"] not in _STYLES:
        raise bad(where + "unknown button style")
    kept = {"text": str(button["text"]), actions[0]: button[actions[0]]}
    return kept | ({"style": button["style"]} if button.get("style") else {})
