"""Chinese feeds with damaged letters: the words that rules look for are found all the same.

1,000 generated feeds x 8 kinds of damage in `make nightly`, every tenth feed in `make test`. A word counts as found
where it stands in the entry that it was planted in. The damage spares the planted words themselves, but for the
letters hidden inside them: a word whose bytes are gone cannot be found by anybody.
"""

import os
import random
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from monitors.feeds import parse_feed
from monitors.sources import Source
from routing.items import Item, Kind

NIGHTLY = os.environ.get("YUQING_TEST_NIGHTLY") == "1"
FEEDS = range(0, 1000, 1 if NIGHTLY else 10)
SHARE = 0.995
NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
SOURCE = Source(id="s", name="来源", kind="feed", url="https://x.example/rss", site="x", item_kind=Kind.POST)


def listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


WORDS = listed(
    """
    停水 停电 停气 断网 路灯 井盖 噪音 扬尘 异味 黑臭水体 垃圾 占道 违建 拆迁 征地 补偿 欠薪 讨薪 烂尾楼 物业 收费 电梯 消防 火灾
    爆炸 事故 伤亡 校园 食堂 中毒 校车 学区 入学 补课 医院 疫苗 医保 社保 低保 养老 诈骗 传销 非法集资 上访 聚集 堵路 罢运 出租车
    公交 地铁 红绿灯 塌陷 积水 内涝 洪水 山体滑坡 台风 污染 排污 水质 燃气泄漏 执法 城管 强拆 打人 不作为 乱罚款 举报
    """
)
PLACES = listed(
    "幸福路 文澜街道 城东片区 青山镇 柳河村 人民公园 新华小区 第三小学 县政府 客运站 开发区 金水湾"
)
TALK = listed(
    """
    居民反映多次无人处理 希望有关部门尽快答复 已经持续三天了 晚上根本没法休息 到底谁来管 请求核实 附近群众意见很大
    打了12345也没有回音 现场图片已上传 今天上午又发生一次 孩子老人都受影响 网友跟帖超过200条 官方尚未回应
    """
)
LATIN = ("", "（via WeChat）", "COVID-19", "PM2.5", "Wi-Fi", "5G", "https://t.example/x?a=1&amp;b=2")


class Feed:
    """One generated feed: its entries as (words, title, text), and how it is written down."""

    def __init__(self, seed: int) -> None:
        dice = random.Random(seed)
        self.dice = dice
        self.atom = seed % 3 == 0
        self.entries = [self._entry() for _ in range(dice.choice((1, 3, 10, 20, 30)))]

    def _entry(self) -> tuple[list[str], str, str]:
        dice = self.dice
        words = dice.sample(WORDS, 2)
        title = f"{dice.choice(PLACES)}{words[0]}{dice.choice(TALK)}"
        text = "，".join(
            (*dice.sample(TALK, dice.randint(2, 8)), words[1] + dice.choice(LATIN), dice.choice(TALK))
        )
        return words, title, text

    def document(self, label: str = "", *, change: Callable[[str], str] = str) -> str:
        prolog = f'<?xml version="1.0" encoding="{label}"?>\n' if label else '<?xml version="1.0"?>\n'
        entries = []
        for number, (_, title, text) in enumerate(self.entries):
            if self.atom:
                fields = (
                    f"<id>urn:{number}</id><title>{change(title)}</title><summary>{change(text)}</summary>"
                )
                entries.append(f"<entry>{fields}</entry>\n")
            else:
                fields = f"<title>{change(title)}</title><guid>{number}</guid><description>{change(text)}</description>"
                entries.append(f"<item>{fields}</item>\n")
        if self.atom:
            return f'{prolog}<feed xmlns="http://www.w3.org/2005/Atom"><title>论坛</title>{"".join(entries)}</feed>'
        return f'{prolog}<rss version="2.0"><channel><title>论坛</title>{"".join(entries)}</channel></rss>'

    def found(self, items: tuple[Item, ...]) -> tuple[int, int]:
        """Count the planted words, and those found where they belong."""
        texts = {item.external_id.removeprefix("urn:"): f"{item.title}\n{item.text}" for item in items}
        planted = [(str(number), word) for number, (words, _, _) in enumerate(self.entries) for word in words]
        return len(planted), sum(word in texts.get(number, "") for number, word in planted)


Damaged = tuple[bytes, str]
"""A body and the content type that it is sent with."""


def gbk_without_a_label(feed: Feed) -> Damaged:
    return feed.document().encode("gbk"), "text/xml"


def gb18030_labelled_utf8(feed: Feed) -> Damaged:
    return feed.document("utf-8").encode("gb18030"), "text/xml; charset=utf-8"


def utf8_labelled_gbk(feed: Feed) -> Damaged:
    return feed.document("gb2312").encode(), "text/xml; charset=gbk"


def western_header(feed: Feed) -> Damaged:
    codec = feed.dice.choice(("utf-8", "gbk"))
    return feed.document().encode(codec), "application/rss+xml; charset=iso-8859-1"


def one_broken_byte(feed: Feed) -> Damaged:
    """A byte that no charset has, in the middle of a letter of the talk around the words."""
    body = bytearray(feed.document("utf-8").encode())
    talk = feed.dice.choice([one for one in TALK if one.encode() in body]).encode()
    body[body.index(talk) + feed.dice.randrange(len(talk))] = 0xFF
    return bytes(body), "text/xml"


def letters_cut(feed: Feed) -> Damaged:
    """Each text is cut after so many bytes, as platforms do, in the middle of its last letter."""
    codec = feed.dice.choice(("utf-8", "utf-8", "gbk"))
    body = feed.document(codec, change=lambda text: f"{text}水\ue000").encode(
        "gb18030" if codec == "gbk" else codec
    )
    last = "水\ue000".encode("gb18030" if codec == "gbk" else codec)
    return body.replace(last, last[:1]), "text/xml"


def rare_letters_labelled_gb2312(feed: Feed) -> Damaged:
    """Names of villages with letters of four bytes, which GB2312 and GBK do not have."""
    return feed.document("gb2312", change=lambda text: f"㙍{text}𠮷村").encode(
        "gb18030"
    ), "text/xml; charset=gb2312"


def letters_hidden_in_words(feed: Feed) -> Damaged:
    """Zero-width, direction and control letters between those of the words: against filters, or by copying."""

    def hide(text: str) -> str:
        for word in WORDS:
            if word in text:
                text = text.replace(word, feed.dice.choice(hidden).join(word))
        return text

    hidden = (
        "\u200b",
        "\u200d",
        "\ufeff",
        "\u00ad",
        "\u2060",
        "\x00",
        "\x08",
        "\u202e",
        "&#8203;",
        "&#x200d;",
    )
    return feed.document("utf-8", change=hide).encode(), "text/xml"


DAMAGES = (
    gbk_without_a_label,
    gb18030_labelled_utf8,
    utf8_labelled_gbk,
    western_header,
    one_broken_byte,
    letters_cut,
    rare_letters_labelled_gb2312,
    letters_hidden_in_words,
)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.timeout(600)
def test_the_words_are_found_in_nearly_every_damaged_feed(damage: Callable[[Feed], Damaged]) -> None:
    planted = found = 0
    failed = []
    for seed in FEEDS:
        feed = Feed(seed)
        body, content_type = damage(feed)
        of_this, here = feed.found(parse_feed(body, content_type, SOURCE, NOW).items)
        planted, found = planted + of_this, found + here
        if here < of_this:
            failed.append(seed)
    assert planted > 10 * len(FEEDS)
    assert found >= SHARE * planted, f"{found} of {planted} words found; feeds {failed[:10]} of {len(failed)}"
    assert len(failed) <= (1 - SHARE) * len(FEEDS) + 1, f"words lost in {len(failed)} feeds: {failed[:10]}"


def test_a_feed_without_damage_gives_every_word() -> None:
    for seed in FEEDS:
        feed = Feed(seed)
        planted, found = feed.found(
            parse_feed(feed.document("utf-8").encode(), "text/xml", SOURCE, NOW).items
        )
        assert (seed, found) == (seed, planted)
