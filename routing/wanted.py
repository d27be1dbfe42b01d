"""What somebody looks for, as words that can be looked up: pure. Never a person: his numbers and handles are refused.

Chinese is not cut into words, so that a text is kept as the pairs of its neighbouring letters: a word of two letters is one
pair, and any longer word is in a text only where all its pairs are.
"""

import re
import unicodedata

from routing.errors import UserError
from routing.normal import bigrams, letters

WORDS_MOST, LETTERS_MOST = 5, 60

_OURS = re.compile(
    r"(?<![a-z\d])(?:[a-z]{1,6}[-‐–—－ ]?(?:19|20)\d\d[-‐–—－ ]?\d{1,6}|(?:19|20)\d\d([-/.])\d{1,2}\1\d{1,2})(?!\d)",
    re.IGNORECASE,
)
"""Long numbers that are no person's: those of matters, and dates."""
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[\s\-‐–—－.·()（）_*]+(?=\d)")
_LONG_NUMBER = re.compile(r"\d{7,}")
_HANDLE = re.compile(r"@|[\w.+-]+＠")


def pairs_of(*texts: str) -> str:
    """Give the pairs of letters of texts as words of plain ASCII in order, for an index that knows no Chinese.

    The code points stand for the letters, so that no tokenizer and no locale of a database has a say.
    """
    return " ".join(sorted({_pair(pair) for text in texts for pair in bigrams(text)}))


def pairs_in(word: str) -> list[str]:
    """Give the pairs of a word that was looked for, each as `pairs_of` writes it."""
    return sorted(_pair(pair) for pair in bigrams(word))


def words_of(typed: str) -> tuple[str, ...]:
    """Read what was typed as words in their normal form; a text must hold all of them.

    Raises UserError, which repeats nothing of it, for a number or name of a person (个人信息保护法 第六条), for words too
    short to be looked up, and for too many.
    """
    plain = unicodedata.normalize("NFKC", typed).strip()
    if is_personal(plain):
        raise UserError(
            "不能按电话、证件号、邮箱或账号查找：本系统只查事项，不查人，这次输入没有留存。请改用事由、地点或事项编号。"
        )
    if len(plain) > LETTERS_MOST:
        raise UserError(f"查找的词太长，请控制在 {LETTERS_MOST} 字以内，如 /find 东湖小区 停水。")
    words = tuple(dict.fromkeys(word for word in map(letters, plain.split()) if word))
    if not words and plain:
        raise UserError(f"“{plain}”里没有文字，查不了：请写汉字、字母或数字，如 /find 停水。")
    if not words:
        raise UserError("请写要查找的词，如 /find 停水，或 /find 东湖小区 停水。")
    if len(words) > WORDS_MOST:
        raise UserError(f"一次最多查 {WORDS_MOST} 个词，请减少后再查。")
    if short := next((word for word in plain.split() if len(letters(word)) == 1), ""):
        raise UserError(f"“{short}”太短，查不了。请至少写两个字，如 /find 停水；按编号查看发送 /case 编号。")
    return words


def is_personal(typed: str) -> bool:
    """Tell whether a query is the number or handle of a person: a phone, an identity card, an account, an address."""
    rest = _OURS.sub(" ", unicodedata.normalize("NFKC", typed))
    return bool(_HANDLE.search(rest) or _LONG_NUMBER.search(_BETWEEN_DIGITS.sub("", rest)))


def _pair(pair: str) -> str:
    return f"{ord(pair[0]):x}x{ord(pair[1]):x}"
