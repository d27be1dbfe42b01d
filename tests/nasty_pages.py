"""The nasty documents (see `nasty`) that are pages under watch. A page gives no items: it must only be read in time."""

from collections.abc import Callable, Iterator

from nasty import MOST, Nasty, fill


def pages() -> tuple[Nasty, ...]:
    """Give all of them, each for a page that must not change and for a column; the names are unique."""
    return (*_family("page"), *_family("column"))


def _family(source: str) -> Iterator[Nasty]:
    def row(name: str, make: Callable[[], str | bytes], *, heavy: bool = False) -> Nasty:
        def whole() -> bytes:
            made = make()
            return made if isinstance(made, bytes) else f"<html><title>本县门户</title>{made}".encode()

        # No items are expected, and silence about a strange page is not a loss: what it was is remembered.
        return Nasty(f"{source}: {name}", whole, "text/html", source, holds=0, heavy=heavy)

    yield row("plain", lambda: "<p>县政府公告 2026-11-20</p>")
    yield row("nothing", lambda: b"")
    yield row("5 MB of text", lambda: fill("公告2026-11-20 "), heavy=True)
    yield row("5 MB of digits in one line", lambda: fill("1234567890"), heavy=True)
    yield row("5 MB of counters", lambda: fill("访问量：1,234 次 "), heavy=True)
    yield row("5 MB of colons", lambda: "现在时间：" + fill("2026:"), heavy=True)
    yield row("5 MB of lines", lambda: fill("公告<br>"), heavy=True)
    yield row("400000 links", lambda: fill('<a href="http://x.example/"></a>'), heavy=True)
    yield row(
        "links to everywhere",
        lambda: "".join(f'<a href="//h{n}.example">x</a>' for n in range(50_000)),
        heavy=True,
    )
    yield row("a link of 5 MB", lambda: f'<a href="http://x.example/{fill("a")}">x</a>')
    yield row(
        "links that are none",
        lambda: "".join(
            f'<a href="{one}">x</a>' for one in ("http://[::1", "//", "javascript:", "\x00", "http://a:99999")
        ),
    )
    yield row("nesting of 300000", lambda: "<div>" * 300_000 + "公告", heavy=True)
    yield row("20000 attributes", lambda: f"<p {' '.join(f'a{n}=1' for n in range(20_000))}>公告")
    yield row("2 MB of opening brackets", lambda: "<" * 2_000_000, heavy=True)
    yield row("attributes never closed", lambda: "<a b=" * 300_000, heavy=True)
    yield row("comments begun", lambda: "<!--" * 500_000, heavy=True)
    yield row("scripts begun", lambda: "<script>" * 200_000, heavy=True)
    yield row("declarations begun", lambda: "<![x" * 300_000, heavy=True)
    yield row("references begun", lambda: "&#" * 1_000_000, heavy=True)
    yield row("half letters", lambda: "<p>&#xD800;&#x110000;&#0;&#99999999999;</p>")
    yield row("gb18030", lambda: "<p>县政府公告 2026-11-20</p>".encode("gb18030"))
    yield row("utf-16", lambda: "<p>县政府公告 2026-11-20</p>".encode("utf-16"))
    yield row("noughts", lambda: b"\x00" * MOST)
    yield row("a document", lambda: b"%PDF-1.7" + bytes(range(256)) * 1000)
