"""The nasty documents (see `nasty`) that are JSON, lines of it, or tables: feeds, comment streams and files."""

import json
from collections.abc import Callable, Iterator

from nasty import FIRST, MOST, SECOND, Nasty, fill

Document = Callable[..., str]


def streams() -> tuple[Nasty, ...]:
    """Give all of them; the names are unique."""
    kinds: tuple[tuple[str, Document, str], ...] = (
        ("feed", _board, "application/feed+json"),
        ("comments", _stream, "application/json"),
        ("list", _list, "application/json"),
        ("lines", _lines, "application/x-ndjson"),
    )
    return (
        *(row for kind in kinds for family in (_entries, _crowds, _wholes) for row in family(*kind)),
        *_answers(),
        *_tables(),
    )


def _board(*entries: str) -> str:
    return f'{{"version": "https://jsonfeed.org/version/1.1", "title": "t", "items": [{", ".join(entries)}]}}'


def _stream(*entries: str) -> str:
    return f'{{"code": 0, "data": {{"replies": [{", ".join(entries)}]}}}}'


def _list(*entries: str) -> str:
    return f"[{', '.join(entries)}]"


def _lines(*entries: str) -> str:
    return "".join(f"{one}\n" for one in entries)


def _reply(text: str, name: str, more: str = "") -> str:
    """One entry that each of the readers knows; `text` and `name` are JSON."""
    more = more or ', "time": 1763600000'
    return f'{{"id": {name}, "text": {text}, "content_text": {text}{more}}}'


_first, _second = _reply(json.dumps(FIRST), '"1"'), _reply(json.dumps(SECOND, ensure_ascii=False), '"2"')


def _entries(source: str, document: Document, kind: str) -> Iterator[Nasty]:
    """One nasty entry between two healthy ones. Where it breaks the document, lines save what is not broken."""

    def row(name: str, make: Callable[[], str], holds: int = 2, *, heavy: bool = False) -> Nasty:
        def whole() -> bytes:
            return document(_first, make(), _second).encode("utf-8", errors="surrogatepass")

        return Nasty(f"{source}: {name}", whole, kind, source, healthy=2, holds=holds, heavy=heavy)

    def broken(name: str, make: Callable[[], str]) -> Nasty:
        one = row(name, make)
        return one if source == "lines" else Nasty(one.name, one.make, kind, source, holds=2)

    def third(text: str, more: str = "") -> str:
        return _reply(text, '"3"', more)

    yield row("a number as id", lambda: _reply('"三"', "3"), 3)
    yield row("an id beyond 2^53", lambda: _reply('"三"', "12345678901234567890123"), 3)
    yield row("a broken number as id", lambda: _reply('"三"', "3.5"))
    yield row("truth as id", lambda: _reply('"三"', "true"))
    yield row("null as id and text", lambda: _reply("null", "null"))
    yield row("an object as text", lambda: third('{"text": {"text": "三"}}'))
    yield row("a list as text", lambda: third('["三", "四"]'))
    yield row("a list as entry", lambda: '["3", "三"]')
    yield row("a word as entry", lambda: '"三"')
    yield row("null as entry", lambda: "null")
    yield row("a number as entry", lambda: "1")
    yield row("the same key twice", lambda: '{"id": "x", "id": "3", "text": "一", ' + third('"三"')[1:], 3)
    yield row("half a letter", lambda: third('"停水\\ud83d三天"'), 3)
    yield row("halves in the wrong order", lambda: _reply('"停水\\ude00\\ud83d"', '"\\ud800"'))
    yield row("half a letter in field names", lambda: '{"id\\ud83d": "3", "te\\ud83dxt": "三"}')
    yield row("nought in text and id", lambda: _reply('"停\\u0000水"', '"3\\u0000"'), 3)
    yield row("an id of 1 MB", lambda: _reply('"三"', json.dumps("i" * 1_000_000)), 3)
    yield row("a text of 2 MB", lambda: third(json.dumps(fill("停水", 2_000_000), ensure_ascii=False)), 3)
    yield row("markup in a text", lambda: third('"<b>停水</b><script>x</script>"'), 3)
    yield row("a text of brackets", lambda: third(json.dumps("<" * 1_000_000)), heavy=True)
    for written in (
        "1e400",
        "-1",
        "true",
        "[]",
        '"9999-99-99"',
        "99999999999999999999",
        '"昨天"',
        '"1:1:1:1"',
    ):
        more = f', "time": {written}, "date_published": {written}'
        yield row(f"a date of {written}", lambda more=more: third('"三"', more))  # type: ignore[misc]
    yield row("a power of 999 as id", lambda: _reply('"三"', "1e999"))
    yield row("not a number", lambda: third('"三"', ', "x": NaN, "y": -Infinity'))
    yield row("nesting of 500", lambda: third("[" * 500 + "]" * 500))
    yield broken("a list nested 100000 deep", lambda: third("[" * 100_000 + "]" * 100_000))
    yield broken("an object nested 100000 deep", lambda: '{"a":' * 100_000 + "1" + "}" * 100_000)
    yield broken("a number of 1000000 digits", lambda: _reply('"三"', "9" * 1_000_000))
    yield broken("a comma too many", lambda: _first + ",")
    yield broken("single quotes", lambda: "{'id': '3', 'text': '三'}")
    yield broken("a comment", lambda: "/* 三 */")
    yield broken("a control letter in a text", lambda: third('"停\x01水"'))
    yield broken("half a letter as bytes", lambda: third('"停\ud83d水"'))
    yield broken("a text that does not end", lambda: '{"id": "3", "text": "三')


def _crowds(source: str, document: Document, kind: str) -> Iterator[Nasty]:
    crowd = [_reply(f'"第{n}条"', f'"n{n}"') for n in range(30_000)]
    same = [_reply(f'"第{n}条"', '"same"') for n in range(1000)]
    for name, entries, holds, heavy in (
        ("30000 entries", crowd, 30_002, True),
        ("1000 entries with one id", same, 3, False),
    ):

        def make(entries: list[str] = entries) -> bytes:
            return document(_first, _second, *entries).encode()

        yield Nasty(f"{source}: {name}", make, kind, source, healthy=2, holds=holds, heavy=heavy)


def _wholes(source: str, document: Document, kind: str) -> Iterator[Nasty]:
    """The document as a whole is spoilt, or is another thing."""
    body = document(_first, _second)
    for codec in ("utf-8-sig", "utf-16", "gb18030"):
        spoilt = body.encode(codec)
        yield Nasty(f"{source}: {codec}", lambda b=spoilt: b, kind, source, holds=2)  # type: ignore[misc]
    for name, damaged in (
        ("cut", body.encode()[:-20]),
        ("two documents", body.encode() * 2),
        ("one broken byte", body.encode().replace("健康二".encode(), b"\xff")),
    ):
        yield Nasty(f"{source}: {name}", lambda b=damaged: b, kind, source, holds=2)  # type: ignore[misc]
    strangers = {
        "nothing": "",
        "null": "null",
        "a word": '"OK"',
        "a number": "0",
        "truth": "true",
        "a page": "<html><title>请登录</title>",
        "a call": f"callback({body})",
        "an open bracket": "{",
        "a list of lists": "[[[]]]",
        "5 MB of brackets": "[" * MOST,
    }
    for name, text in strangers.items():
        # A file to which nothing was added, and a list that is null.
        lawful = (source, name) in {("lines", "nothing"), ("list", "null")}
        yield Nasty(f"{source}: {name}", text.encode, kind, source, holds=0 if lawful else None)


def _answers() -> Iterator[Nasty]:
    for name, text, holds in (
        ("entries are null", '{"code": 0, "data": {"replies": null}}', 0),
        ("entries are none", '{"code": 0, "data": {"replies": []}}', 0),
        ("entries are an object", '{"code": 0, "data": {"replies": {"1": {"id": 1, "text": "x"}}}}', None),
        ("entries are a word", '{"code": 0, "data": {"replies": "x"}}', None),
        ("data is a list", '{"code": 0, "data": [{"replies": [{"id": 1, "text": "x"}]}]}', None),
        ("the path is not there", '{"code": 0, "datum": {"replies": [{"id": 1, "text": "x"}]}}', None),
        (
            "half a letter in the path",
            '{"code": 0, "data": {"rep\\ud83dlies": [{"id": 1, "text": "x"}]}}',
            None,
        ),
        ("refused", '{"code": -412, "message": "请求被拦截", "data": {"replies": []}}', None),
        ("false in place of nought", '{"code": false, "data": {"replies": []}}', None),
    ):
        yield Nasty(f"comments: {name}", text.encode, "application/json", "comments", holds=holds)
    for name, text in (
        ("no version", '{"items": [{"id": "1", "content_text": "x"}]}'),
        ("items are an object", '{"version": "https://jsonfeed.org/version/1", "items": {"id": "1"}}'),
        ("items are not there", '{"version": "https://jsonfeed.org/version/1"}'),
        ("a version of another kind", '{"version": 1, "items": [1]}'),
    ):
        yield Nasty(f"feed: {name}", text.encode, "application/feed+json", "feed")


def _tables() -> Iterator[Nasty]:
    def row(
        name: str,
        make: Callable[[], str],
        holds: int | None = 2,
        *,
        healthy: int = 2,
        codec: str = "utf-8",
        heavy: bool = False,
    ) -> Nasty:
        def whole() -> bytes:
            return make().encode(codec)

        return Nasty(f"table: {name}", whole, "text/csv", "table", healthy=healthy, holds=holds, heavy=heavy)

    def table(*lines: str, head: str = "id,text") -> str:
        return "".join(f"{line}\r\n" for line in (head, f"1,{FIRST}", *lines, f"2,{SECOND}"))

    yield row("plain", lambda: table("3,三"), 3)
    yield row("with a mark of order", lambda: table("3,三"), 3, codec="utf-8-sig")
    yield row("in gb18030", lambda: table("3,三"), 3, codec="gb18030")
    yield row("in utf-16", lambda: table("3,三"), 3, healthy=0, codec="utf-16")
    yield row("a line break in a field", lambda: table('3,"三\r\n四"'), 3)
    yield row("a quote never closed", lambda: table('3,"三'), 2)
    yield row("a quote in the middle", lambda: table('3,三"四"五'), 3)
    yield row("a field of 1 MB", lambda: table("3," + "水" * 300_000), 3)
    yield row("5 MB within quotes", lambda: table(f'3,"{fill("水,")}"'), 3)
    yield row("10000 columns", lambda: table("3,三" + ",x" * 10_000))
    yield row(
        "10000 columns in the head", lambda: table("3,三", head="id,text" + ",x" * 10_000), 3, healthy=0
    )
    yield row("too few columns", lambda: table("3"))
    yield row("empty lines", lambda: table("", "", ",", ",,"))
    yield row("nought in a field", lambda: table("3,停\x00水"))
    yield row("100000 lines", lambda: table(*(f"n{n},水" for n in range(100_000))), 100_002, healthy=1)
    yield row("the head once more", lambda: table("id,text"))
    yield row("head only", lambda: "id,text\r\n", 0, healthy=0)
    yield row("no head", lambda: f"1,{FIRST}\r\n2,{SECOND}\r\n", healthy=0)
    yield row("the same column twice", lambda: table("3,三", head="id,id"), healthy=0)
    yield row("semicolons", lambda: table("3;三").replace(",", ";"), healthy=0)
    yield row("nothing", lambda: "", 0, healthy=0)
    yield row("a page", lambda: "<html>\n<title>请登录</title>\n</html>", None, healthy=0)
    yield row("quotes only", lambda: fill('"'), None, healthy=0)
    yield row("commas only", lambda: fill(","), 0, healthy=0)
    yield row("formulas", lambda: table('3,"=cmd|calc!A1"'), 3)
