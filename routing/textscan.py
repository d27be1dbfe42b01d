"""What in a draft should make a person look again before it goes out: personal data, secrecy words, papers of the house.

Pure, and only a hint: a person decides. Personal data are known by whoever hands `Personal` in. The words stand for
what is never published: state and work secrets (保守国家秘密法), internal affairs and process papers (政府信息公开条例
第十四条至第十六条), what the police do, who complained.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass

Personal = Callable[[str], tuple[str, ...]]
"""Names the kinds of personal data in a text (手机号, 身份证号 …), each once; empty for none."""

TOLD = 6
"""So many places are named: the text itself must still fit on the card."""

CLOSED_CLASSES = (
    "国家秘密",
    "法律、行政法规禁止公开的",
    "危及国家安全、公共安全、经济安全、社会稳定的",
    "商业秘密",
    "个人隐私",
    "公开会损害第三方合法权益的",
    "人事、后勤、内部流程等内部事务",
    "讨论记录、过程稿、磋商信函、请示报告等过程性信息",
    "行政执法案卷",
)
"""The nine classes that are not published (政府信息公开条例 第十四条至第十六条)."""


@dataclass(frozen=True, slots=True)
class Hit:
    """What was found in a sentence, counted from 1; 0: only in the text as a whole, across sentences.

    `word` is the word that was met, empty for personal data, which is never repeated.
    """

    sentence: int
    kind: str
    word: str = ""


def no_personal_data(text: str) -> tuple[str, ...]:
    """Find nothing: stands where nobody handed a better one in."""
    return ()


def sentences(text: str) -> list[str]:
    """Cut a text into sentences as a reader counts them: a line break ends one only as a full stop would."""
    return [part for part in re.split(r"(?<=[。！？；])", re.sub(r"\s*\n\s*", "", text.strip())) if part]


def scan(text: str, personal: Personal = no_personal_data) -> tuple[Hit, ...]:
    """Find what is doubtful, in the order of the sentences."""
    hits = [
        hit
        for place, sentence in enumerate(sentences(text), 1)
        for hit in (*(Hit(place, kind) for kind in personal(sentence)), *_words(place, sentence))
    ]
    known = {hit.kind for hit in hits}
    return (*hits, *(Hit(0, kind) for kind in personal(text) if kind not in known))


def told(hits: Iterable[Hit]) -> str:
    """Say what was found and where: 第2句疑似个人信息（手机号）；第3句“会议纪要”（内部文件用语）.

    Of very many the first ones.
    """
    said = []
    for hit in hits:
        where = f"第{hit.sentence}句" if hit.sentence else "全文"
        said.append(
            f"{where}“{hit.word}”（{hit.kind}）" if hit.word else f"{where}疑似个人信息（{hit.kind}）"
        )
    different = list(dict.fromkeys(said))
    more = f"；等 {len(different)} 处" if len(different) > TOLD else ""
    return "；".join(different[:TOLD]) + more


_SECRET, _INTERNAL, _POLICE, _INFORMANT = "疑似涉密", "内部文件用语", "侦查调查措施", "举报信访人身份"
_WORDS = (
    (
        _SECRET,
        re.compile(r"绝密|机密|(?<!国家)(?<!商业)(?<!工作)秘密(?=级|[★：:文件])|密级|工作秘密|内部秘密"),
    ),
    (
        _INTERNAL,
        re.compile(
            r"内部(?!道路|管网|管线|管道|装修|装饰|设施|设备|停车|路面|结构|空间|绿化|环境)"
            r"|会议纪要|常务会|批示|签批|内参|讨论稿|征求意见稿|送审稿|磋商函|不得外传|注意保存"
        ),
    ),
    (_POLICE, re.compile(r"技侦|技术侦查|布控|抓捕|线人|侦查措施|侦查手段")),
    (_INFORMANT, re.compile(r"(?:举报人|信访人|投诉人|诉求人|发帖人)(?:系|是|为|叫|姓|名叫|[：:])")),
)
_UNSEEN = re.compile(r"[\s\u00ad\u200b-\u200f\u2060-\u2064\ufe0f\ufeff·.．・]")


def _words(place: int, sentence: str) -> list[Hit]:
    read = _UNSEEN.sub("", unicodedata.normalize("NFKC", sentence))
    return [Hit(place, kind, found) for kind, words in _WORDS for found in dict.fromkeys(words.findall(read))]
