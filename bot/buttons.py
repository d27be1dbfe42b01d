"""Button tokens <-> what a press means. Pure; short, versioned, at most 64 ASCII bytes.

A token is a wish, never a right: clients can send any bytes. Everything that decides is read from the database in the
deciding transaction; the token only says which case and which version the person had before his eyes.
"""

from dataclasses import dataclass

from routing.workflow import Command

FORMAT = "1"
MAX_BYTES = 64

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_CODES: dict[str, str] = {
    Command.DISPATCH: "dp",
    Command.DISMISS: "dm",
    Command.WATCH: "wa",
    Command.RESUME: "rs",
    Command.SET_LEVEL: "lv",
    Command.SIGN: "sg",
    Command.RETURN: "rt",
    Command.DRAFT: "dr",
    Command.PASS: "ps",
    Command.REDO: "rd",
    Command.CLEAR: "cl",
    Command.WITHHOLD: "wh",
    Command.ESCALATE: "es",
    Command.APPROVE: "ap",
    Command.REFUSE: "rf",
    Command.CONFIRM: "cf",
    Command.CLOSE: "co",
    Command.REOPEN: "ro",
    Command.MISTAKE: "mk",
    Command.SPLIT: "sp",
    Command.MERGE: "mg",
    Command.RATE: "ra",
    Command.CLASSIFY: "sj",
    Command.VERIFY: "vf",
    Command.CONVENE: "cv",
    Command.OPINE: "op",
    Command.CONCLUDE: "cc",
    Command.SUBMIT: "sb",
    Command.ORDER: "or",
    Command.SEND_BACK: "sk",
    Command.ORAL: "ol",
    Command.TRANSFER: "tf",
    Command.TAKE_BACK: "tb",
    Command.OBLIGE: "ob",
    Command.EXCUSE: "ex",
    Command.SET_ANSWER_KIND: "ak",
    Command.REPORT: "rp",
    Command.PHONE: "ph",
    Command.SIGN_COPY: "sc",
    Command.EXTEND: "et",
    Command.GRANT: "gr",
    Command.DENY: "dn",
    Command.PASS_UP: "pu",
    Command.COUNTERSIGN: "cs",
    Command.RECHECK: "rc",
    Command.RECALL: "rl",
    Command.FOLLOW: "fo",
    Command.CONTENT: "ct",
    Command.DISCONTENT: "dc",
    Command.UNREACHED: "un",
    Command.ARCHIVE: "ar",
    Command.INSTRUCT: "in",
    Command.EMERGENCY: "em",
    Command.SPEAK: "sw",
    Command.BRIEF: "bf",
    Command.PAUSE: "pa",
    Command.GO_ON: "go",
    Command.ASSESS: "as",
    "menu": "mn",
    "invite": "iv",
    "page": "pg",
    "mute": "mu",
    "lift": "li",
    "show": "sh",
    "card": "cd",
    "handover": "ho",
    "substitute": "su",
    "standin": "si",
    "doubt": "db",
}
_VERBS = {code: verb for verb, code in _CODES.items()}

MENU, INVITE, PAGE = "menu", "invite", "page"
MUTE, LIFT, SHOW = "mute", "lift", "show"
HANDOVER, SUBSTITUTE = "handover", "substitute"
CARD, STAND_IN = "card", "standin"
DOUBT = "doubt"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a press asks for: a command's word, `menu`, `card`, `invite`, `page` or what is done with mutes, with the
    versions that were shown.

    Of a page `case_id` is the row of the outbox that the list was sent by, and `version` the page; of an invitation or
    a mute it is its own id.
    """

    verb: str
    case_id: int
    version: int = 0
    draft_version: int = 0
    arg: str = ""


def token_of(wish: Wish) -> str:
    """Write a wish as a token. Raises ValueError where it would not fit: that is a bug, not bad input."""
    numbers = ":".join(_base36(n) for n in (wish.case_id, wish.version, wish.draft_version))
    token = f"{FORMAT}:{_CODES[wish.verb]}:{numbers}:{wish.arg}"
    if len(token.encode()) > MAX_BYTES or not token.isascii():
        raise ValueError(f"action token does not fit: {token!r}")
    return token


def wish_of(token: str) -> Wish | None:
    """Read a token, None for anything that we never wrote."""
    parts = token.split(":")
    if len(parts) != 6 or parts[0] != FORMAT or parts[1] not in _VERBS or len(token) > MAX_BYTES:
        return None
    try:
        case_id, version, draft_version = (int(part, 36) for part in parts[2:5])
    except ValueError:
        return None
    if min(case_id, version, draft_version) < 0 or max(case_id, version, draft_version) > 2**62:
        return None
    wish = Wish(str(_VERBS[parts[1]]), case_id, version, draft_version, parts[5])
    return wish if token.isascii() and token_of(wish) == token else None


def _base36(number: int) -> str:
    digits = ""
    while True:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
        if number == 0:
            return digits
