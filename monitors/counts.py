"""Counts as platforms write them, to whole numbers that the store can keep. Pure; knows no feed and no stream."""

import re

most = 2**63 - 1
"""What a column of the store holds; a platform that shows more is broken or lies, and either way it is a lot."""

_what = "热度|[播阅浏观围]?[放读览看]|评论|回复|留言|讨论|点?赞|转发|分享|收藏"
_written = re.compile(
    rf"(?:(?:{_what})[量数]?[:： ]*)?(?:[约近超]|超过)?(\d+(?:\.\d{{1,6}})?) ?"
    rf"(千万|百万|十万|[千万亿kKwW]?)\+? ?[多余]? ?[次条个人]?(?:{_what})?"
)
_scales = {
    "": 1, "千": 10**3, "k": 10**3, "K": 10**3, "万": 10**4, "w": 10**4, "W": 10**4,
    "十万": 10**5, "百万": 10**6, "千万": 10**7, "亿": 10**8,
}  # fmt: skip


def parse_count(written: object) -> int | None:
    """Read 12, "1,234", "999+", "1.2万", "123 万热度" or "阅读 3亿", no further than `most`; None for anything else.

    Never raises. A minus is no count: platforms write -1 for one that they hide.
    """
    if isinstance(written, bool) or written is None:
        return None
    if isinstance(written, int):
        return min(written, most) if written >= 0 else None
    found = _written.fullmatch(str(written).strip().replace(",", "").replace("，", ""))
    if not found:
        return None
    # `min` before `round`: very many digits are an infinite float, and that has no whole number.
    return round(min(float(found[1]) * _scales[found[2]], most))
