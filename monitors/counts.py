"""Counts as platforms write them, to whole numbers that the store can keep. Pure; knows no feed and no stream."""

import re

most = 2**63 - 1
"""What a column of the store holds; a platform that shows more is broken or lies, and either way it is a lot."""

_written = re.compile(r"(\d+(?:\.\d{1,6})?) ?([千万亿kKwW]?)\+? ?(?:热度|次|条|个)?")
_scales = {"": 1, "千": 10**3, "k": 10**3, "K": 10**3, "万": 10**4, "w": 10**4, "W": 10**4, "亿": 10**8}


def parse_count(written: object) -> int | None:
    """Read 12, "1,234", "1.2万", "123 万热度" or "3亿", no further than `most`; None for anything else. Never raises."""
    if isinstance(written, bool) or written is None:
        return None
    if isinstance(written, int):
        return min(written, most) if written >= 0 else None
    found = _written.fullmatch(str(written).strip().replace(",", "").replace("，", ""))
    if not found:
        return None
    # `min` before `round`: very many digits are an infinite float, and that has no whole number.
    return round(min(float(found[1]) * _scales[found[2]], most))
