"""Some 600 documents made to hurt whoever reads them, by the kinds that were seen or are known to hurt.

Each is made by a function, the same at every run, and none is above 5 MiB: the fetch takes no more. Most carry two
healthy entries around what is nasty, and the row says what must come of it. Where they come from: bombs and XML
attacks (OWASP XML External Entity, CWE-776), attributes, namespaces, authors and nesting (quadratic and worse in
feedparser 6), charset labels and broken bytes, references, dates, identities, and texts against expressions that
backtrack.
"""

import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

MOST = 5 * 1024 * 1024
"""What the fetch lets through."""
FIRST, SECOND = "健康一：城东停水三天无人管", "健康二：城西路灯不亮"


@dataclass(frozen=True, slots=True)
class Nasty:
    """One document. `source` names the reader: feed, comments, lines, table, list, page or column.

    `healthy`: so many of FIRST and SECOND must be among the titles or texts. `holds`: so many entries a patient
    reader would find; where fewer items come, the operator must be told (None: none may be expected, and he must
    be told unless some come). `heavy`: costs seconds. `never`: words that must stand in no item.
    """

    name: str
    make: Callable[[], bytes]
    content_type: str = "text/xml"
    source: str = "feed"
    healthy: int = 0
    holds: int | None = None
    heavy: bool = False
    never: tuple[str, ...] = ()


def feeds() -> tuple[Nasty, ...]:
    """Give the feeds among them; `nasty_json` has streams and files, `nasty_pages` pages. The names are unique."""
    return tuple(row for family in _families for row in family())


# --- how they are put together ---


def entry(title: str, rest: str = "", *, guid: str | None = None) -> str:
    return f"<item><guid>{guid or title}</guid><title>{title}</title>{rest}</item>"


def rss(*entries: str, root: str = '<rss version="2.0">', head: str = "", prolog: str = "") -> str:
    return f"{prolog}{root}<channel><title>频道</title>{head}{''.join(entries)}</channel></rss>"


def around(nasty: str) -> str:
    """An entry, or what stands in place of one, between two healthy ones."""
    return rss(entry(FIRST, guid="1"), nasty, entry(SECOND, guid="2"))


def within(markup: str) -> str:
    """Markup inside an entry, between two healthy ones."""
    return around(entry("第三条", markup, guid="3"))


def after(*nasty: str, root: str = '<rss version="2.0">', head: str = "", prolog: str = "") -> str:
    """Two healthy entries, and what is nasty after or above them."""
    return rss(entry(FIRST), entry(SECOND), *nasty, root=root, head=head, prolog=prolog)


def described(text: str) -> str:
    return within(f"<description>{text}</description>")


def cdata(text: str) -> str:
    return described(f"<![CDATA[{text}]]>")


def atom(markup: str) -> str:
    """Markup inside an Atom entry, between two healthy ones."""
    entries = (
        f"<entry><id>{n}</id><title>{title}</title>{rest}</entry>"
        for n, (title, rest) in enumerate(((FIRST, ""), ("三", markup), (SECOND, "")))
    )
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{"".join(entries)}</feed>'


def attributes(number: int) -> str:
    return " ".join(f'a{n}="1"' for n in range(number))


def xml(name: str, text: str | Callable[[], str], **more: object) -> Nasty:
    """A feed in UTF-8 around something nasty; both healthy entries must be read."""
    make = text if callable(text) else partial(str, text)
    return Nasty(name, lambda: make().encode(), **({"healthy": 2, "holds": 2} | more))  # type: ignore[arg-type]


def raw(name: str, make: Callable[[], bytes], **more: object) -> Nasty:
    return Nasty(name, make, **more)  # type: ignore[arg-type]


def fill(unit: str, size: int = MOST, *, room: int = 2000) -> str:
    """Repeat the unit until the document is about full."""
    return unit * ((size - room) // len(unit.encode()))


# --- feeds: bombs and outside entities ---


def _bombs() -> Iterator[Nasty]:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    laughs = f'<!DOCTYPE rss [<!ENTITY l0 "哈哈">{laughs}]>'
    yield xml("billion laughs", after(entry("&l9;"), prolog=laughs))
    quadratic = f'<!DOCTYPE rss [<!ENTITY q "{"啊" * 50_000}">]>'
    yield xml("quadratic entity", after(entry("&q;" * 10_000), prolog=quadratic))
    yield xml(
        "entity of itself", after(entry("&a;"), prolog='<!DOCTYPE rss [<!ENTITY a "&b;"><!ENTITY b "&a;">]>')
    )
    for name, address in (
        ("file", "file:///etc/passwd"),
        ("http", "http://127.0.0.1:9/secret"),
        ("ftp", "ftp://127.0.0.1:9/secret"),
        ("php", "php://filter/read=convert.base64-encode/resource=/etc/passwd"),
        ("device", "file:///dev/urandom"),
    ):
        doctype = f'<!DOCTYPE rss [<!ENTITY x SYSTEM "{address}">]>'
        yield xml(f"outside entity {name}", after(entry("&x;"), prolog=doctype), never=("root:",))
    parameter = '<!DOCTYPE rss [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p.dtd"> %p;]>'
    yield xml("parameter entity", after(prolog=parameter))
    yield xml("outside document type", after(prolog='<!DOCTYPE rss SYSTEM "http://127.0.0.1:9/x.dtd">'))
    include = (
        '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>'
    )
    yield xml("include", described(f"{include}"), never=("root:",))
    yield xml("stylesheet", after(prolog='<?xml-stylesheet href="file:///etc/passwd"?>'))
    subset = f"<!DOCTYPE rss [{''.join(f'<!ENTITY e{n} {chr(34)}x{chr(34)}>' for n in range(100_000))}]>"
    yield xml("100,000 entities", after(prolog=subset))
    lists = f"<!DOCTYPE rss [<!ATTLIST item {'a CDATA #IMPLIED ' * 50_000}>]>"
    yield xml("long attribute list", after(prolog=lists))
    yield xml("open document type", after(prolog="<!DOCTYPE rss ["), healthy=0)
    yield xml("document type of 4 MB", lambda: after(prolog=f"<!DOCTYPE {'a' * 4_000_000}>"))


# --- feeds: attributes, namespaces, names, nesting ---


def _shapes() -> Iterator[Nasty]:
    for number, heavy in ((2_500, False), (10_000, True), (20_000, True), (200_000, True)):
        yield xml(
            f"{number} attributes on an entry",
            lambda n=number: around(f"<item {attributes(n)}/>"),
            heavy=heavy,
        )
    yield xml("20000 attributes on the root", lambda: after(root=f"<rss {attributes(20_000)}>"), heavy=True)
    yield xml(
        "20000 attributes on a field",
        lambda: within(f"<description {attributes(20_000)}>x</description>"),
        heavy=True,
    )
    yield xml(
        "200000 attributes in escaped markup", lambda: cdata(f"<p {attributes(200_000)}>x</p>"), heavy=True
    )
    yield xml("attributes never closed", lambda: after("<item " + fill("a=")), heavy=True)
    yield xml("an attribute of 5 MB", lambda: within(f'<link href="{fill("a")}"/>'))
    yield xml("a quote never closed", lambda: after(f'<item a="{fill("b ")}'), heavy=True)
    yield xml("the same attribute 10000 times", lambda: around("<item " + 'a="1" ' * 10_000 + "/>"))
    for number, heavy in ((1_000, False), (10_000, True), (40_000, True)):
        yield xml(
            f"{number} elements with a namespace each",
            lambda n=number: within("".join(f'<n{k}:e xmlns:n{k}="urn:{k}">x</n{k}:e>' for k in range(n))),
            heavy=heavy,
        )
    yield xml(
        "10000 namespaces on the root",
        lambda: after(root="<rss " + " ".join(f'xmlns:n{n}="urn:{n}"' for n in range(10_000)) + ">"),
        heavy=True,
    )
    yield xml(
        "10000 namespaces nested",
        lambda: within("".join(f'<n{k}:e xmlns:n{k}="urn:{k}">' for k in range(10_000))),
        heavy=True,
    )
    yield xml("a prefix of 1 MB", lambda: within(f"<{'p' * 1_000_000}:e>x</{'p' * 1_000_000}:e>"))
    yield xml("prefixes never declared", within("".join(f"<q{n}:e>x</q{n}:e>" for n in range(1000))))
    yield xml("namespace without end", lambda: after(root=f'<rss xmlns:x="{"u" * 1_000_000}">'))
    for number in (1_000, 10_000, 100_000, 700_000):
        yield xml(
            f"nesting of {number}", lambda n=number: within("<a>" * n + "</a>" * n), heavy=number > 10_000
        )
        yield xml(
            f"nesting of {number} never closed", lambda n=number: after("<a>" * n), heavy=number > 10_000
        )
    yield xml(
        "10000 entries in each other",
        lambda: after("<item><title>x</title>" * 10_000, "</item>" * 10_000),
        heavy=True,
    )
    yield xml(
        "100000 nested div in a text", lambda: cdata(f"{'<div>' * 100_000}x{'</div>' * 100_000}"), heavy=True
    )
    yield xml(
        "xhtml nested 20000 deep",
        lambda: atom(
            f'<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">{"<b>" * 20_000}x</div></content>'
        ),
        heavy=True,
    )
    yield xml("a tag name of 5 MB", lambda: after(f"<{fill('a')}>"), heavy=True)
    yield xml("a tag name of 2 MB, closed", lambda: within(f"<{'a' * 2_000_000}>x</{'a' * 2_000_000}>"))
    yield xml("an attribute name of 5 MB", lambda: after(f'<item {fill("a")}="1"/>'), heavy=True)
    yield xml("an instruction of 5 MB", lambda: around(f"<?x {fill('y')}?>"))
    yield xml("a comment of 5 MB", lambda: around(f"<!-- {fill('a ')} -->"))
    yield xml("a comment never closed", lambda: after(f"<!-- {fill('a ')}"))
    yield xml("comments begun 500000 times", lambda: described(f"{'<!--' * 500_000}"), healthy=1, heavy=True)
    yield xml(
        "capital letters", around(entry("三")).replace("item", "ITEM").replace("title", "TITLE"), holds=3
    )
    yield xml(
        "entries outside the channel",
        f"<rss><channel><title>t</title></channel>{entry(FIRST)}{entry(SECOND)}</rss>",
    )
    yield xml("no channel", f"<rss>{entry(FIRST)}{entry(SECOND)}</rss>")
    yield xml(
        "atom inside rss",
        around("<entry xmlns='http://www.w3.org/2005/Atom'><id>3</id><title>三</title></entry>"),
    )
    yield xml("two roots", rss(entry(FIRST)) + rss(entry(SECOND)))
    yield xml("rubbish after the end", after() + "</x></y>\n<script>1</script>" + "垃圾" * 1000)
    yield xml("rubbish before the start", "Warning: mysql_connect() in /var/www/x.php\n" + after())
    yield xml("500 blank lines before the prolog", "\n" * 500 + '<?xml version="1.0"?>' + after())
    yield xml("two prologs", '<?xml version="1.0"?><?xml version="1.0"?>' + after())
    yield xml("crossed tags", around("<item><title>三</item></title>"))
    yield xml("tags never closed", f"<rss><channel><item><title>{FIRST}<item><title>{SECOND}", healthy=0)
    yield xml("ampersands bare", around(entry("AT&T & 中国移动 &copy 停水&")), holds=3)


# --- feeds: persons' fields and long texts ---


def _texts() -> Iterator[Nasty]:
    for number, heavy in ((20_000, True), (40_000, True), (1_000_000, True)):
        yield xml(
            f"an author of {number} letters",
            lambda n=number: within(f"<author>{'a' * n}</author>"),
            heavy=heavy,
        )
    yield xml("an author like an address", lambda: within(f"<author>x@{'a.' * 15_000}!</author>"), heavy=True)
    yield xml("an author of brackets", lambda: within(f"<author>{'(' * 40_000}</author>"), heavy=True)
    yield xml(
        "an editor like an address",
        lambda: after(head=f"<managingEditor>{'a' * 40_000}</managingEditor>"),
        heavy=True,
    )
    yield xml("a creator of 1 MB", lambda: within(f"<dc:creator>{'王' * 300_000}</dc:creator>"))
    yield xml("40000 authors", lambda: within("<author>a@b.example (c)</author>" * 40_000), heavy=True)
    yield xml("40000 categories", lambda: within("<category>水</category>" * 40_000), heavy=True)
    yield xml("40000 links", lambda: within('<link rel="x" href="https://x.example/"/>' * 40_000), heavy=True)
    yield xml(
        "40000 enclosures", lambda: within('<enclosure url="https://x.example/"/>' * 40_000), heavy=True
    )
    yield xml("a title of 5 MB", lambda: around(entry(fill("停水"), guid="3")), holds=3)
    yield xml("a text of 5 MB", lambda: described(f"{fill('停水了')}"), holds=3)
    yield xml("cdata of 5 MB", lambda: cdata(f"{fill('停水了')}"), holds=3)
    yield xml("cdata of 5 MB of markup", lambda: cdata(f"{fill('<p>停水<br/>了</p>')}"), holds=3, heavy=True)
    yield xml("cdata never closed", lambda: after(f"<item><description><![CDATA[{fill('停水')}"))
    yield xml(
        "cdata begun 500000 times", lambda: described(f"{'<![CDATA[' * 500_000}"), healthy=1, heavy=True
    )
    yield xml("5 MB of brackets in cdata", lambda: cdata(f"{fill(']] ')}"), holds=3, heavy=True)
    yield xml("5 MB of ampersands in cdata", lambda: cdata(f"{fill('&')}"), heavy=True)
    yield xml("5 MB of ampersands", lambda: described(f"{fill('&')}"), heavy=True)
    yield xml("2 MB of opening brackets", lambda: described(f"{'<' * 2_000_000}"), heavy=True)
    yield xml("2 MB of opening brackets in cdata", lambda: cdata(f"{'<' * 2_000_000}"), heavy=True)
    yield xml("declarations in a text", lambda: cdata(f"{'<![x' * 300_000}"), heavy=True)
    yield xml("instructions in a text", lambda: cdata(f"{'<?' * 500_000}"), heavy=True)
    yield xml("comments in a text", lambda: cdata(f"{'<!--' * 500_000}"), heavy=True)
    yield xml("end tags in a text", lambda: cdata(f"{'</' * 500_000}"), heavy=True)
    yield xml("scripts never closed in a text", lambda: cdata(f"{'<script>' * 100_000}停水"), heavy=True)
    yield xml("attributes never closed in a text", lambda: cdata(f"{'<a b=' * 300_000}"), heavy=True)
    yield xml("1000000 line breaks in a text", lambda: cdata(f"{'<br>' * 1_000_000}"), heavy=True)
    yield xml("5 MB of spaces", lambda: described(f"{fill(' ')}"))
    yield xml("5 MB of lines", lambda: described(f"x{fill(chr(10))}y"), holds=3, heavy=True)
    yield xml(
        "5 MB of full-width spaces in a title", lambda: around(entry(f"停{fill('　')}水", guid="3")), holds=3
    )
    yield xml("3000 emoji", around(entry("😀" * 3000, guid="3")), holds=3)
    yield xml(
        "100000 marks over one letter", lambda: around(entry("停" + "\u0301" * 100_000, guid="3")), holds=3
    )
    yield xml(
        "direction marks",
        around(entry("\u202e水停\u202c\u2066x\u2069", guid="3")),
        holds=3,
        never=("\u202e",),
    )
    yield xml(
        "hidden letters in a word",
        around(entry("停\u200b\u2060\ufeff水\U000e0041", guid="3")),
        holds=3,
        never=("\u200b",),
    )
    yield xml(
        "markup in a title, escaped",
        around(entry("&lt;/b&gt;&lt;script&gt;alert(1)&lt;/script&gt;停水", guid="3")),
        holds=3,
        never=("<script",),
    )
    yield xml(
        "markup in a title, escaped twice",
        around(entry("&amp;lt;b&amp;gt;停水&amp;lt;/b&amp;gt;", guid="3")),
        holds=3,
    )
    yield xml("markup in a title, raw", around(entry("<b>停水</b><i>三天</i>", guid="3")), holds=3)
    yield xml("a title of markup only", around(entry("&lt;br&gt;&lt;img src=x&gt;", guid="3")))
    yield xml("empty entries", around("<item/>" * 50))
    yield xml("blank titles", around("<item><title> \n　</title></item>" * 50))
    for name, unit in (
        ("digits", "1"),
        ("digits with spaces", "1 3 8 "),
        ("digits with hyphens", "138-"),
        ("digits in full width", "１３８"),
        ("digits in words", "一三八"),
        ("identity numbers cut short", "11010119900307"),
        ("addresses cut short", "a@a."),
        ("at signs", "a@"),
        ("plates cut short", "京A"),
        ("area codes", "(010) "),
        ("numbers with dots", "1.2."),
        ("house numbers", "幸福路1号"),
        ("topics", "#停水"),
        ("years", "2026年"),
    ):
        yield xml(f"masking: {name}", lambda u=unit: described(f"{fill(u, 1_000_000)}"), holds=3)


# --- feeds: very many ---


def _crowds() -> Iterator[Nasty]:
    yield xml(
        "100000 entries",
        lambda: after(*(f"<item><title>n{n}</title></item>" for n in range(100_000))),
        holds=100_002,
        heavy=True,
    )
    yield xml(
        "30000 full entries",
        lambda: after(
            *(
                entry(f"第{n}条停水", f"<link>https://x.example/{n}</link><description>水</description>")
                for n in range(30_000)
            )
        ),
        holds=30_002,
        heavy=True,
    )
    yield xml("500000 empty entries", lambda: after("<item/>" * 500_000), heavy=True)
    yield xml("entries begun 500000 times", lambda: after("<item>" * 500_000), heavy=True)
    yield xml("entries ended 500000 times", lambda: after("</item>" * 500_000), heavy=True)
    yield xml("atom entries begun 500000 times", lambda: after("<entry>" * 500_000), heavy=True)
    yield xml("entry tags cut 500000 times", lambda: after("<item " * 500_000), heavy=True)
    yield xml(
        "1000 entries with one id", after(*(entry(f"第{n}条", guid="same") for n in range(998))), holds=1000
    )
    yield xml("1000 copies of one entry", after(*[entry("同一条", guid="same")] * 900), holds=3)
    yield xml(
        "1000 entries without id or link",
        after(*(f"<item><title>第{n}条</title></item>" for n in range(998))),
        holds=1000,
    )
    yield xml(
        "1000 ids that differ by case",
        after(*(entry(f"第{n}条", guid=f"{n:010b}".replace("1", "A").replace("0", "a")) for n in range(998))),
        holds=1000,
    )
    yield xml("an id of 1 MB", lambda: around(entry("三", guid="i" * 1_000_000)), holds=3)
    yield xml(
        "two ids of 1 MB that differ at the end",
        lambda: around(entry("三", guid="i" * 1_000_000 + "a") + entry("四", guid="i" * 1_000_000 + "b")),
        holds=4,
    )
    yield xml(
        "an empty id",
        around("<item><guid></guid><title>三</title></item><item><guid> </guid><title>四</title></item>"),
        holds=4,
    )
    yield xml(
        "an id of markup", around("<item><guid>&lt;b&gt;\u200b3</guid><title>三</title></item>"), holds=3
    )
    for name, link in (
        ("script", "javascript:alert(1)"),
        ("data", "data:text/html,x"),
        ("file", "file:///etc/passwd"),
        ("broken host", "http://[::1"),
        ("line break", "https://x.example/a\nb"),
        ("port", "https://x.example:99999/"),
        ("spaces", " https://x.example/a b c "),
        ("1 MB", "https://x.example/" + "a" * 1_000_000),
        ("user", "https://user:secret@x.example/"),
        ("marks", "https://x.example/\u202egnp.exe"),
    ):
        yield xml(f"link: {name}", within(f"<link>{link}</link>"), holds=3)
    for name, date in (
        ("chinese with half day", "2024年1月1日 上午8:00"),
        ("1000000 digits", "1" * 1_000_000),
        ("before our era", "-9999-01-01"),
        ("nought", "0000-00-00 00:00:00"),
        ("last", "9999-12-31T23:59:59-23:59"),
        ("no such day", "2026-02-30"),
        ("hour 24", "2026-11-20T24:00:00"),
        ("zone of a hundred hours", "2026-11-20T08:00:00+99:99"),
        ("second 60", "2016-12-31T23:59:60Z"),
        ("huge power", "1e400"),
        ("not a number", "NaN"),
        ("epoch in nanoseconds", "1763600000000000000"),
        ("colons", "1:" * 100_000),
        ("letters t", "T" * 100_000),
        ("blanks", "Fri," + " " * 200_000 + "20 Nov 2026"),
        ("brackets", "20 Nov 2026 08:00:00 " + "(" * 100_000),
        ("digits that are none", "２０²⁶-①-①"),
        ("arabic digits", "٢٠٢٦-١١-٢٠"),
        ("far ahead", "2099-01-01"),
        ("words", "昨天下午" * 1000),
    ):
        yield xml(f"date: {name}", within(f"<pubDate>{date}</pubDate>"), holds=3)
        if len(date) < 100:
            yield xml(
                f"date: {name}, in dublin core",
                within(f"<dc:date xmlns:dc='http://purl.org/dc/elements/1.1/'>{date}</dc:date>"),
                holds=3,
            )
    yield xml(
        "counts of every kind",
        within(
            "<slash:comments xmlns:slash='http://purl.org/rss/1.0/modules/slash/'>"
            + "9" * 100_000
            + "</slash:comments>"
        ),
        holds=3,
    )
    yield xml(
        "a comment feed of its own address",
        within(
            "<wfw:commentRss xmlns:wfw='http://wellformedweb.org/CommentAPI/'>https://x.example/rss</wfw:commentRss>"
        ),
        holds=3,
    )
    yield xml("a lifetime of 10^100 minutes", after(head=f"<ttl>1{'0' * 100}</ttl>"))
    yield xml(
        "an update period of nought",
        after(
            head="<sy:updatePeriod xmlns:sy='http://purl.org/rss/1.0/modules/syndication/'>0</sy:updatePeriod><ttl>-5</ttl>"
        ),
    )


# --- feeds: references ---


def _references() -> Iterator[Nasty]:
    for name, written in (
        ("pair in hexadecimal", "&#xD83D;&#xDE00;"),
        ("pair in decimal", "&#55357;&#56832;"),
        ("high half alone", "&#xD800;"),
        ("low half alone", "&#xDFFF;"),
        ("halves in the wrong order", "&#xDE00;&#xD83D;"),
        ("beyond the last letter", "&#x110000;"),
        ("eleven digits", "&#99999999999;"),
        ("100000 digits", "&#" + "9" * 100_000 + ";"),
        ("100000 hexadecimal digits", "&#x" + "F" * 100_000 + ";"),
        ("100000 leading noughts", "&#" + "0" * 100_000 + "65;"),
        ("nought", "&#0;"),
        ("no letter", "&#xFFFE;&#xFFFF;&#x1FFFF;"),
        ("control", "&#1;&#8;&#x1b;&#x7f;&#x85;&#x9f;"),
        ("empty", "&#;&#x;&;"),
        ("minus", "&#-1;&#+65;"),
        ("letters in decimal", "&#12ab;"),
        ("unknown names", "&foo;&bar;&停水;"),
        ("html names", "&nbsp;&hellip;&mdash;&ldquo;停水&rdquo;"),
        ("without semicolon", "&#20572&#27700 &nbsp &lt"),
        ("escaped eight times", "&amp;amp;amp;amp;amp;amp;amp;lt;"),
    ):
        yield xml(f"reference: {name}", around(entry(f"停水{written}三天", guid="3")), holds=3)
        yield xml(f"reference in cdata: {name}", cdata(f"停水{written}三天"), holds=3)
    yield xml("a name of 1 MB", lambda: around(entry(f"停水&{'a' * 1_000_000};", guid="3")))
    yield xml("500000 references", lambda: described(f"{'&#20013;' * 500_000}"), heavy=True, holds=3)
    yield xml("500000 broken references", lambda: described(f"{'&#xD800;' * 500_000}"), heavy=True)
    yield xml("1000000 beginnings of references", lambda: described(f"{'&#' * 1_000_000}"), heavy=True)
    yield xml(
        "references that open an element",
        around(entry("三&#60;/title&#62;&#60;title&#62;四", guid="3")),
        holds=3,
    )


# --- feeds: charsets and bytes ---


def _bytes() -> Iterator[Nasty]:
    body = rss(entry(FIRST), entry("居民反映物业乱收费，停水停电无人处理"), entry(SECOND))
    whole: dict[str, object] = {"healthy": 2, "holds": 3}

    def labelled(label: str, text: str = body) -> str:
        return f'<?xml version="1.0" encoding="{label}"?>{text}'

    for label in (
        "undefined", "punycode", "unicode_escape", "raw_unicode_escape", "idna", "utf-7", "rot13", "hex", "base64", "zlib",
        "bz2", "uu", "quopri", "mbcs", "oem", "palmos", "cp65001", "utf-16", "utf-32", "x" * 10_000, "gbk", "gb2312", "big5",
        "iso-8859-1", "koi8-r", "ebcdic-cp-us", "utf-8\n", "../../etc", "停水",
    ):  # fmt: skip
        yield raw(f"utf-8 labelled {label[:16]!r}", labelled(label).encode, **whole)
        if label.isascii() and "\n" not in label:
            kind = f"text/xml; charset={label}"
            yield raw(f"utf-8 sent as {label[:16]!r}", body.encode, content_type=kind, **whole)
    for codec in ("gbk", "gb18030"):
        for label in ("", "utf-8", "gb2312", "iso-8859-1", "undefined"):
            text = labelled(label) if label else body
            yield raw(f"{codec} labelled {label or 'nothing'}", lambda t=text, c=codec: t.encode(c), **whole)
    rare = rss(entry(FIRST + "㐂𠮷"), entry(SECOND))
    yield raw(
        "gb18030 of four bytes labelled gbk",
        lambda: labelled("gbk", rare).encode("gb18030"),
        healthy=2,
        holds=2,
    )
    for codec in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"):
        yield raw(codec, lambda c=codec: body.encode(c), **(whole if codec != "utf-32" else {"holds": 3}))
        yield raw(
            f"{codec} labelled utf-8",
            lambda c=codec: labelled("utf-8").encode(c),
            **(whole if codec != "utf-32" else {"holds": 3}),
        )
    yield raw(
        "big5",
        lambda: labelled(
            "big5", rss(entry("縣政府停水通知"), entry("路燈不亮")).replace("频道", "頻道")
        ).encode("big5"),
        holds=2,
    )
    yield raw("utf-7", lambda: labelled("utf-7").encode("utf-7"), holds=3)
    yield raw("hz", lambda: labelled("hz-gb-2312").encode("hz"), holds=3)
    yield raw(
        "iso-2022-jp",
        lambda: rss(entry("水道"), entry("停水")).replace("频道", "").encode("iso2022_jp"),
        holds=2,
    )
    yield raw(
        "latin letters of one byte",
        lambda: rss(entry("Café fermé"), entry("Où ça")).replace("频道", "").encode("latin-1"),
        holds=2,
    )
    utf8 = body.encode()
    at = utf8.index("居民".encode())
    yield raw("one broken byte", lambda: utf8[:at] + b"\xff" + utf8[at:], **whole)
    yield raw("a letter cut", lambda: utf8[:at] + utf8[at + 1 :], **whole)
    yield raw(
        "a letter cut in gbk", lambda: body.encode("gbk").replace("居民".encode("gbk"), b"\xbe", 1), **whole
    )
    yield raw(
        "one entry in gbk",
        lambda: utf8.replace("居民反映物业".encode(), "居民反映物业".encode("gbk")),
        **whole,
    )
    yield raw(
        "halves of letters as bytes",
        lambda: utf8.replace("居民".encode(), b"\xed\xa0\xbd\xed\xb8\x80"),
        **whole,
    )
    yield raw(
        "letters written too long", lambda: utf8.replace("居民".encode(), b"\xc0\x80\xe0\x80\xaf"), **whole
    )
    yield raw("every mark of order in turn", lambda: b"\xef\xbb\xbf\xff\xfe\xfe\xff" + utf8, holds=3)
    yield raw("two marks of order", lambda: b"\xef\xbb\xbf\xef\xbb\xbf" + utf8, **whole)
    yield raw("a mark of order in the middle", lambda: utf8[:at] + b"\xef\xbb\xbf" + utf8[at:], **whole)
    yield raw(
        "utf-8 read as latin and written again", lambda: body.encode().decode("latin-1").encode(), holds=3
    )
    yield raw("nought in a title", lambda: utf8[:at] + b"\x00" + utf8[at:], **whole)
    yield raw("nought after each byte", lambda: b"".join(bytes([byte, 0]) for byte in body.encode()), holds=3)
    yield raw(
        "control letters",
        lambda: utf8[:at] + bytes(range(1, 9)) + b"\x0b\x0c\x0e\x1b\x7f" + utf8[at:],
        **whole,
    )
    yield raw("no letters", lambda: utf8[:at] + b"\xef\xbf\xbe\xef\xbf\xbf" + utf8[at:], **whole)
    yield raw("5 MB of noughts", lambda: b"\x00" * MOST)
    yield raw("5 MB of noughts after a feed", lambda: utf8 + b"\x00" * (MOST - 2000), **whole)
    yield raw("5 MB of spaces before a feed", lambda: b" " * (MOST - 2000) + utf8, **whole)
    yield raw("5 MB of 0xff", lambda: b"\xff" * MOST)
    yield raw("feed in a feed of another charset", lambda: labelled("gbk").encode("gbk") + utf8, holds=3)
    for share, name in (
        (0.02, "the root"),
        (0.3, "a title"),
        (0.55, "an entry"),
        (0.8, "the last entry"),
        (0.97, "the end"),
    ):
        yield raw(
            f"cut in {name}",
            lambda s=share: utf8[: int(len(utf8) * s)],
            healthy=int(share > 0.5),
            holds=2 if share < 0.9 else 3,
        )
    for word, name in ((b"<guid>", "a tag"), (b"</title>", "an end tag"), (b"guid>", "a name")):
        yield raw(f"cut within {name}", lambda w=word: utf8[: utf8.rindex(w) + 3], healthy=1, holds=2)
    yield raw("cut within a letter", lambda: utf8[: at + 1], healthy=1, holds=2)
    yield raw(
        "cut within cdata",
        lambda: rss(entry(FIRST), "<item><description><![CDATA[停水").encode(),
        healthy=1,
        holds=2,
    )
    yield raw(
        "cut within a reference",
        lambda: rss(entry(FIRST)).encode() + b"<item><title>&#x50",
        healthy=1,
        holds=1,
    )


# --- what is no feed ---


def _strangers() -> Iterator[Nasty]:
    login = "<!DOCTYPE html><html><head><title>请登录</title></head><body><form>用户名</form></body></html>"
    yield raw("a login page", login.encode, content_type="text/html")
    yield raw("a login page called a feed", login.encode)
    yield raw("a page after a prolog and a comment", f"<?xml version='1.0'?><!-- x -->\n{login}".encode)
    yield raw("a page without html", lambda: b"<div>" + "系统繁忙，请稍后再试".encode() + b"</div>")
    yield raw("a page in capitals", lambda: b"\n\n<HTML><BODY>502 Bad Gateway</BODY></HTML>")
    yield raw(
        "a page with a feed in it",
        f"<html><body><pre>{rss(entry(FIRST))}</pre></body></html>".encode,
    )
    yield raw(
        "a challenge page", lambda: b"<script>var a='" + b"x" * 100_000 + b"';location.reload()</script>"
    )
    yield raw("a page of 5 MB", f"<html><body>{fill('<p>停水</p>')}".encode, content_type="text/html")
    yield raw("5 MB of comments before a page", f"{fill('<!-- x -->')}<html>".encode, heavy=True)
    yield raw("comment never closed before a page", f"<!--{fill('<!-- ')}<html>".encode, heavy=True)
    yield raw("nothing", lambda: b"")
    yield raw("blanks", lambda: b" \r\n\t " * 100)
    yield raw("a mark of order alone", lambda: b"\xef\xbb\xbf")
    yield raw("one bracket", lambda: b"<")
    yield raw("half a root", lambda: b"<rss")
    yield raw("a word", lambda: b"OK")
    for name, path in (
        ("password file", b"/etc/passwd"),
        ("address of a file", b"file:///etc/passwd"),
        ("address", b"http://127.0.0.1:9/"),
        ("upward path", b"../../etc/passwd\n"),
    ):
        yield raw(f"a path in place of a feed: {name}", lambda p=path: p, never=("root:",))
    yield raw("random bytes", lambda: random.Random(1).randbytes(200_000))
    yield raw(
        "random letters",
        lambda: "".join(map(chr, random.Random(2).choices(range(32, 0xD7FF), k=50_000))).encode(),
    )
    yield raw(
        "random brackets",
        lambda: bytes(random.Random(3).choices(b"<>/='\"&;![]-?itemrsx \n", k=500_000)),
        heavy=True,
    )
    yield raw("a picture", lambda: b"\x89PNG\r\n\x1a\n" + random.Random(4).randbytes(5000))
    yield raw("compressed", lambda: zlib.compress(rss(entry(FIRST)).encode()))
    yield raw(
        "a site map",
        lambda: (
            b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>x</loc></url></urlset>'
        ),
    )
    yield raw(
        "an outline",
        lambda: b'<opml version="2.0"><body><outline text="x" xmlUrl="https://x.example/"/></body></opml>',
    )
    yield raw(
        "an envelope",
        lambda: b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/></s:Envelope>',
    )
    yield raw("a pattern", lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>')
    yield raw("a feed without entries", lambda: rss().encode(), holds=0)


_families = (_bombs, _shapes, _texts, _crowds, _references, _bytes, _strangers)
