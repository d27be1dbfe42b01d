"""Personal data masked before a text leaves the monitors (先脱敏，后入库). Pure.

Known by shape and, where there is one, by checksum: mobile and landline numbers, resident identity numbers (GB 11643),
bank cards (ISO/IEC 7812), number plates (GA 36), e-mail addresses, QQ, WeChat and DingTalk numbers after a word that names them,
and the unit and room of a home. Read in full-width letters, spaced, dotted, hyphened, with invisible letters between,
and numbers in Chinese numerals (一三八…, 壹叁捌…, 幺). Names of persons are not recognised.

What stays, because it is public or because the matter needs it: service numbers (12345, 400-…, landlines called 监督电话
or 服务热线), group numbers, official accounts, and of a home its estate, street, number and building: 锦棠花园3栋 is where
the water is off, 2单元501室 is who lives there. A room without a building, or in an office, is no home.
"""

import hashlib
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from stdnum import luhn
from stdnum.cn import ric

from routing.items import Item


@dataclass(frozen=True, slots=True)
class Masked:
    """The text with marks in place of what was found, and the kinds found, each once, sorted."""

    text: str
    kinds: tuple[str, ...]


_nothing = Masked("", ())


def mask(text: str) -> Masked:
    """Replace every hit by its mark, such as `[手机号已隐去]`. A second call changes nothing."""
    if not text:
        return _nothing
    kinds: set[str] = set()
    for _ in range(_rounds):
        hits = _hits(text)
        if not hits:
            break
        text = _replaced(text, hits)
        kinds.update(kind for _, _, kind in hits)
    return Masked(text, tuple(sorted(kinds)))


def mask_item(item: Item) -> Item:
    """Mask title, text, the note on the date, and ids that are texts (hot lists name an entry by its title).

    The address stays: it is how a person finds the public original.
    """
    title, text, note = mask(item.title), mask(item.text), mask(item.date_note)
    external_id = _impersonal_id(item.external_id)
    parent_id = None if item.parent_id is None else _impersonal_id(item.parent_id)
    is_well = external_id == item.external_id and parent_id == item.parent_id
    if is_well and not (title.kinds or text.kinds or note.kinds):
        return item  # as nearly all are
    kinds = tuple(sorted({*item.masked, *title.kinds, *text.kinds}))
    return replace(
        item,
        external_id=external_id,
        parent_id=parent_id,
        title=title.text,
        text=text.text,
        date_note=note.text,
        masked=kinds,
    )


def _impersonal_id(name: str) -> str:
    # An id in letters and digits is one, even where it has the shape of a telephone number.
    if name.isascii() or not mask(name).kinds:
        return name
    return "sha256:" + hashlib.sha256(name.encode()).hexdigest()[:32]


_Hit = tuple[int, int, str]
_rounds = 8
"""A mark can free what stood too close to the number it replaced; each round can only take away."""


def _replaced(text: str, hits: Iterable[_Hit]) -> str:
    parts: list[str] = []
    end = 0
    for start, stop, kind in sorted(hits):
        parts += text[end:start], f"[{kind}已隐去]"
        end = _invisibles.match(text, stop).end()  # type: ignore[union-attr]  # matches nothing, too
    return "".join([*parts, text[end:]])


def _hits(text: str) -> list[_Hit]:
    """Find what is personal: places in the text, none of which overlap. Cheap tests stand before dear ones."""
    digits, numerals = bool(_any_digit.search(text)), bool(_any_numerals.search(text))
    folded = text.translate(_folding) if _may_fold.search(text) else text
    if not digits and not numerals and not _any_cue.search(folded):
        return []
    found = _found(folded, _addresses) if _any_address_cue.search(folded) else []
    if digits:
        for run in _runs.finditer(folded):
            found += _found(folded, _numbers, run)
    if numerals:
        read = _numeral_runs.sub(lambda run: run[0].translate(_numerals), folded)
        for run in _numeral_runs.finditer(folded):
            found += _found(read, _numbers, run)
    if _any_other_cue.search(folded):
        found += _found(folded, _others)
    return _apart(found, len(text))


def _found(folded: str, shapes: "Iterable[_Shape]", run: re.Match[str] | None = None) -> list[_Hit]:
    """Look for the shapes, in the whole text or around a run of digits.

    What reaches the end of what is looked at may be the next number, cut in its middle: that is found around its own run.
    """
    start, end = (max(0, run.start() - _beside), run.end() + _beside) if run else (0, sys.maxsize)
    return [
        (*found.span("hit"), shape.kind)
        for shape in shapes
        if shape.cue is None or shape.cue.search(folded, start, end)
        for found in shape.pattern.finditer(folded, start, end)
        if (found.end("hit") < end or end >= len(folded)) and shape.is_hit(found)
    ]


def _apart(found: Iterable[_Hit], length: int) -> list[_Hit]:
    """Leave of overlapping hits the one that was found first."""
    taken = bytearray(length)
    kept = []
    for start, end, kind in found:
        if not any(taken[start:end]):
            taken[start:end] = b"\x01" * (end - start)
            kept.append((start, end, kind))
    return kept


# --- letters ---


class _Folding(dict[int, str]):
    """Letters to what they mean in a number or an address: one for one, so that a hit has the same place in both.

    Only what can be part of one is folded: Chinese punctuation stays as it is.
    """

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        folded = "-" if letter in _dashes else unicodedata.normalize("NFKC", letter)
        if letter.isdigit():
            folded = str(unicodedata.digit(letter))
        if len(folded) != 1 or not folded.isascii() or not (folded.isalnum() or folded in "@.+ _-#"):
            folded = letter
        if len(self) < _known_letters:
            self[code] = folded
        return folded


_known_letters = 20_000
_dashes = frozenset("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d\u30fc")
_folding = _Folding()
# Signs that mean themselves: a text of these alone, as most are, need not be folded.
_may_fold = re.compile("[^\x00-\x7f\u4e00-\u9fff，。！？；：、（）《》【】“”‘’…·～]")
_numerals = {
    ord(letter): digit
    for digit, letters in zip(
        "0123456789",
        ("〇零○", "一壹幺", "二贰貳", "三叁參", "四肆", "五伍", "六陆陸", "七柒", "八捌", "九玖"),
        strict=True,
    )
    for letter in letters
}
_hidden = "\u00ad\u200b-\u200f\u2060-\u2064\ufe0f\ufeff\u20e3"
_gap = rf"[ \t\-·•{_hidden}]{{0,3}}"
_numeral = f"[{''.join(map(chr, _numerals))}]"
_invisibles = re.compile(f"[{_hidden}]*")
_any_digit = re.compile(r"[\d@\uff20①-⑨⓪❶-❾➀-➈➊-➒⑴-⑼⒈-⒐]")
_any_numerals = re.compile(rf"{_numeral}(?:[.,，。_/~*|]?{_gap}(?:{_numeral}|\d)){{2}}")
_runs = re.compile(rf"\d(?:[.,，。_/~*|()）]?{_gap}\d){{6,}}")
_numeral_runs = re.compile(rf"(?:{_numeral}|\d)(?:[.,，。_/~*|]?{_gap}(?:{_numeral}|\d)){{6,}}")
_beside = 14
"""Letters on either side of a run of digits that can belong to the number: (0, +, 电话：, 转801."""


# --- what makes a hit ---


def _before(found: re.Match[str], letters: int) -> str:
    """Give what stands before the hit, no further than to a mark: 身份证号 in one says nothing of the next number."""
    start = found.start("hit")
    return found.string[max(0, start - letters) : start].rpartition("已隐去]")[2]


def _after(found: re.Match[str], letters: int) -> str:
    end = found.end("hit")
    return found.string[end : end + letters]


def _digits(written: str) -> str:
    return re.sub(r"[^0-9Xx]", "", written).upper()


def _groups(written: str) -> tuple[int, ...]:
    """Tell how the digits are grouped for a reader: (3, 4, 4); all ones where each stands alone."""
    return tuple(len(group) for group in re.findall(r"\d+", _invisibles.sub("", written)))


def _always(found: re.Match[str]) -> bool:
    return True


_record = re.compile(
    r"(?:[单编货型条学工户卷案文]号|流水号?|受理号?|条码|考证号|时间戳|订单|快递|信用代码|税号|(?<![A-Za-z])[Ii][Dd])[^0-9]{0,3}$"
)
_money = re.compile(r"(?:\.\d+)? ?[元万亿块]")
_identity_cue = re.compile(r"身份证|公民身份|证件号")
_card_cue = re.compile(r"(?:卡号|银行卡|[账帐][号户])[^0-9]{0,6}$")


def _is_identity(found: re.Match[str]) -> bool:
    digits = _digits(found["hit"])
    if len(digits) == 18 and ric.calc_check_digit(digits) == digits[-1]:
        return True
    # A mistyped number, or one of the old 15 digits, has no checksum to go by: then the word beside it decides.
    return bool(_identity_cue.search(_before(found, 16)))


def _is_card(found: re.Match[str]) -> bool:
    digits, groups = _digits(found["hit"]), _groups(found["hit"])
    if not (set(groups) == {1} or len(groups) <= 5) or len(digits) not in _card_lengths.get(
        digits[0], (16, 17, 18, 19)
    ):
        return False
    if _card_cue.search(_before(found, 16)):
        return len(digits) >= 16
    if not digits.startswith("62") and _record.search(_before(found, 10)):
        return False
    return luhn.is_valid(digits)


_card_lengths = {"3": (15, 16), "4": (16,), "5": (16,)}


_mobile_groups = {
    (11,),
    (3, 8),
    (3, 4, 4),
    (7, 4),
    (3, 3, 5),
    (3, 5, 3),
    (5, 6),
    (4, 7),
    (3, 2, 2, 2, 2),
    (1,) * 11,
}
_mobile_cue = re.compile(r"(?:电话|手机|号码|联系|微信|短信|[拨打加呼call tel])[^0-9]{0,6}$", re.IGNORECASE)


_address = re.compile(r"://[!-~]*$")


def _is_mobile(found: re.Match[str]) -> bool:
    written = _invisibles.sub("", found["number"])
    groups = _groups(written)
    if _record.search(_before(found, 10)) or _money.match(_after(found, 6)):
        return False
    if groups != (11,) and _address.search(_before(found, 100)):
        return False
    if len(set(re.findall(r"[^\d]", written))) > 1 and groups not in {(3, 4, 4), (3, 8)}:
        return False  # 13-14 2026-11-20 is a pair of dates that happens to have the digits
    return groups in _mobile_groups or (len(groups) <= 4 and bool(_mobile_cue.search(_before(found, 10))))


_public = re.compile(
    r"(?:监督|举报|投诉|咨询|服务|值班|抢修|报修|维修|客服|报警|急救|办公|专线|热线)"
    r"(?:热线|专线|电话|号码|座机|为|是|[:： ]){0,4}$"
)
_date = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")


def _is_landline(found: re.Match[str]) -> bool:
    local = found["local"]
    if _groups(local) not in {(7,), (8,), (3, 4), (4, 4), (4, 3), (1,) * 7, (1,) * 8}:
        return False
    return (
        not _public.search(_before(found, 16))
        and not _date.fullmatch(local)
        and not _money.match(_after(found, 6))
    )


def _is_plate(found: re.Match[str]) -> bool:
    if found["hit"][0] == "新" and re.search(r"[最更全创革崭翻]$", _before(found, 1)):
        return False  # 最新GB18030
    return len(re.findall(r"\d", found["number"])) >= 3


def _is_wechat(found: re.Match[str]) -> bool:
    hit = found["hit"]
    if re.search(r"公众|小程序", _before(found, 8)) or hit.lower() in _no_account:
        return False
    if found["said"]:
        return True
    before = _before(found, 12)
    if _asking.search(before):  # 加微信 lisihao, +v 100000017, and not 增加Vehicle
        return True
    if hit[0].isdigit():  # 加微信100000017, 加v100000017, VX100000017
        if _asking.search(f"{before} ") or (len(hit) >= 6 and _evasive.search(before)):
            return True
        return _is_bare_number(found)
    return bool(re.search(r"[\d_-]", hit))


def _is_dingtalk(found: re.Match[str]) -> bool:
    if found["said"].strip():
        return True
    hit = found["hit"]
    return _is_bare_number(found) if hit[0].isdigit() else bool(re.search(r"[\d_]", hit))


def _is_bare_number(found: re.Match[str]) -> bool:
    """Tell whether digits right behind the name of a messenger are an account, though nothing says so: 微信12345678，"""
    hit = found["hit"]
    if len(hit) < 8 or hit.endswith("0000") or _date.fullmatch(hit) or _hotline.fullmatch(hit):
        return False
    return bool(_spoken_on.match(_after(found, 2))) and not _followed.search(_before(found, 8))


_hotline = re.compile(r"[48]00\d{7}")
_spoken_on = re.compile(
    r"$|[\s，。！？、；：!?;…~()（）【】\[\]]|[,.](?!\d)|联系|咨询|详|拉|进群?|备注|同号|私|聊|加|找|谢"
)
_followed = re.compile(r"关注|搜|阅读|点击|播放|浏览|传播")
_no_account = frozenset(("wechat", "weixin", "android", "iphone", "windows", "official"))
_evasive = re.compile(r"(?:(?<![A-Za-z])(?:[vV]信|[vVwW][xX])|[薇威徽]信|绿泡泡|微[ .·]信)$")
"""Spelled so only by who gives an account."""
_asking = re.compile(r"(?:(?<![增参追附叠外])加|[+➕]) ?我? ?[A-Za-z微薇威]{1,6}信? $")
"""One asks to be added, and a space stands before the name: then a name of letters alone is one too."""


_office = re.compile(
    r"政务|行政|大厅|政府|机关|办公|法院|学校|医院|病房|教学|写字楼|商务|酒店|宾馆|旅店|局|委"
)
_dwelling = re.compile(r"家属|宿舍|小区|公寓|花园|家园|住|[苑园]")


def _is_home(found: re.Match[str]) -> bool:
    place = re.split(r"[，。；！？,;!?\n]", _before(found, 16))[-1]
    return not _office.search(place) or bool(_dwelling.search(place))


_estate = re.compile(
    r"(?:[苑园城府邸庭居湾里村庄院区厦寓郡墅岸峰景轩阁庐]|家住|住在|住址|地址)[:： ]?(?:\d{1,3}-)?$"
)


def _is_shorthand(found: re.Match[str]) -> bool:
    return found["hit"][-1] in "室房" or bool(_estate.search(_before(found, 8)))


# --- the shapes ---


@dataclass(frozen=True, slots=True)
class _Shape:
    """One way of writing one kind. `hit` in the pattern is what is masked; without `cue` in the text it is not sought."""

    kind: str
    pattern: re.Pattern[str]
    is_hit: Callable[[re.Match[str]], bool] = _always
    cue: re.Pattern[str] | None = None


def _shape(
    kind: str,
    pattern: str,
    is_hit: Callable[[re.Match[str]], bool] = _always,
    cue: str = "",
) -> _Shape:
    """Compile; `~` is a gap that a reader does not see or mind: a space, a hyphen, an invisible letter."""
    compiled = re.compile(pattern.replace("~", _gap), re.ASCII)
    return _Shape(kind, compiled, is_hit, re.compile(cue) if cue else None)


_local_part = r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}"
_dot = r" ?(?:[.。点]|[\[(（]dot[\])）]) ?"
_providers = r"(?:qq|vip\.qq|163|126|139|189|sina|sohu|gmail|foxmail|outlook|hotmail|yeah|aliyun|icloud|21cn)"
# A cue begins with a letter, never with a choice of letters in brackets: then `re` passes over most of a text at once.
_at = r"\(at|（at|\[at|【at|\(AT|（AT|\[AT|艾特| at |#(?<=[A-Za-z0-9]#)[a-z1]"
_addresses = (
    _shape(
        "邮箱",
        rf"(?P<hit>{_local_part} ?@ ?(?:[A-Za-z0-9-]{{1,63}}{_dot}){{1,5}}[A-Za-z]{{2,24}})(?![A-Za-z0-9])",
        cue="@",
    ),
    _shape(
        "邮箱",
        rf"(?P<hit>{_local_part} ?[(（\[【](?:at|AT)[)）\]】] ?(?:[A-Za-z0-9-]{{1,63}}{_dot}){{1,5}}[A-Za-z]{{2,24}})"
        r"(?![A-Za-z0-9])",
        cue=_at,
    ),
    _shape(
        "邮箱",
        rf"(?P<hit>{_local_part} ?(?:艾特|at|#) ?{_providers}{_dot}(?:com|cn|net)(?:\.cn)?)(?![A-Za-z0-9])",
        cue=_at,
    ),
)

_points = r"[.,，。_/\x7e*|]"
_day = r"(?:0[1-9]|[12]\d|3[01])"
_measures = (
    "[亿㎡%％]|万(?!能)|千[瓦克米伏]|公[里斤顷]|平方|立方|[伏瓦度吨米克亩斤件台辆套棵株]|升(?![学级职])|[户名次](?!片)"
    "|个(?!人)|人(?![工民员美在])"
)
_not_counted = rf"(?! ?[\d年]| ?元(?!旦))(?!(?<=00) ?(?:{_measures}))"
"""Behind an account stands no year and no sum, and behind round digits no measure or count: +v 1000000伏, QQ群里 200000人.
An account may end in anything, and half of these letters begin other words: 12345678 名额有限 is one.
"""
_numbers = (
    _shape(
        "身份证号",
        r"(?<!\d)(?P<hit>[1-9](?:~\d){5}~(?:1~[89]|2~0)~\d~\d~(?:0~[1-9]|1~[0-2])~"
        r"(?:0~[1-9]|[12]~\d|3~[01])~\d~\d~\d~[\dXx])(?![0-9A-Za-z])",
        _is_identity,
    ),
    _shape("身份证号", rf"(?<!\d)(?P<hit>[1-9]\d{{7}}(?:0[1-9]|1[0-2]){_day}\d{{3}})(?!\d)", _is_identity),
    _shape(
        "银行卡号",
        r"(?<![0-9A-Za-z])(?P<hit>(?:6~[02]|4~\d|5~[1-5]|3~[4-7]|9~[0-8])(?:~\d){13,17})(?![0-9A-Za-z])",
        _is_card,
    ),
    _shape(
        "手机号",
        r"(?<!\d)(?<!\d\.)(?P<hit>(?:(?:\+|0~0)?~8~6~|0)?(?P<number>1~[3-9](?:~\d){9}))(?!\d)(?!\.\d)",
        _is_mobile,
    ),
    _shape(
        "手机号",
        rf"(?<![\d.,])(?P<hit>(?P<number>1[3-9]\d(?P<by>{_points})\d{{4}}(?P=by)\d{{4}}"
        rf"|1(?P<each>{_points})[3-9](?:(?P=each)\d){{9}}))(?!\d|\.\d)",
        _is_mobile,
    ),
    _shape(
        "电话号",
        r"(?<![\d.])(?P<hit>(?:(?:\+|00)86~0?(?:10|2\d|[3-9]\d\d)~|(?:\+86)?[(（]0\d{2,3}[)）] ?|0~(?:1~0|2~\d|[3-9]~\d~\d)~)"
        r"(?P<local>[2-9](?:~\d){6,7})(?!\d)(?: ?(?:转|分机|-) ?\d{1,5}(?!\d))?(?:[/、]\d{7,8}(?!\d))*)",
        _is_landline,
    ),
    _shape(
        "电话号",
        r"(?:电话|座机|固话|[Tt][Ee][Ll])[号码为是:：. ]{0,4}"
        r"(?P<hit>(?![48]00)(?P<local>[2-9](?:[ -]?\d){6,7})(?!\d)(?: ?(?:转|分机|-) ?\d{1,5}(?!\d))?)",
        _is_landline,
        "电话|座机|固话|el|EL",
    ),
    _shape(
        "QQ号",
        r"(?:[Qq]{2}|扣扣|球球|秋秋|企鹅|加[Qq]|(?<![A-Za-z])[Qq](?=[:：]))(?:号码?|[账帐]号|为|是|微信|同号|[:： /]){0,5}"
        r"(?P<hit>[1-9](?:[ -]?\d){4,10})" + _not_counted,
        cue="Q|q|扣扣|球球|秋秋|企鹅",
    ),
)

_chat = (
    "微信|薇信|威信|徽信|绿泡泡|微 信|微\\.信|微·信|"
    "v[信xX:：]|V[信xX:：]|w[xX]|W[xX]|加 ?我? ?[vV微薇威]|薇[:：]|威[:：]|w[eE][cCiI]|W[eE][cCiI]"
    r"|\+ ?[vV微薇威]|➕ ?[vV微薇威]"
)
_counters = (
    "年月日户人元名个多余来平米㎡%％位天次楼层幢栋起台辆万亿千百吨公伏瓦斤度小时路线岁周倍页家只条棵套块张件份批处"
    "间价型费铺"
)
_no_count = rf"(?!-?\d|[:.]\d|[A-Za-z]| ?[{_counters}]|门面|商铺)"
"""What shows that digits after a building are no room: 3号楼2026年, 5栋360户, 2号楼328元."""
_few = r"(?:\d{1,3}|[一二三四五六七八九十]{1,3})"
_room = r"(?:[A-Za-z]?\d{3,4}[A-Za-z]?|[〇零○一二三四五六七八九]{3,4})"
_side = r"(?:[东西南北中]{1,2}|[左右]手?|对)(?:户|门|边)"
_rooms = rf"{_room}(?:室|房|号)?(?:[、,，和及/ ]{_room}(?:室|房|号)?)*{_no_count}"
_provinces = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_plate_gap = rf"[ \t·.•_\-{_hidden}]{{1,2}}"
_plate_cue = "|".join(f"{province}(?:{_plate_gap})?[A-Za-z]" for province in _provinces)
_others = (
    _shape(
        "车牌号",
        rf"(?P<hit>[{_provinces}] ?"
        r"[A-HJ-NP-Za-hj-np-z][ ·.•\-]{0,2}"
        r"(?P<number>(?:[DFdf][·.•\-])?[A-HJ-NP-Za-hj-np-z0-9]{4,5}[A-HJ-NP-Za-hj-np-z0-9挂学警港澳领]))"
        r"(?![A-Za-z0-9])",
        _is_plate,
        _plate_cue,
    ),
    _shape(  # the same gap behind every sign: 京 A 1 2 3 4 5; a longer row of signs is a list
        "车牌号",
        rf"(?P<hit>[{_provinces}](?:{_plate_gap})?[A-HJ-NP-Za-hj-np-z](?:{_plate_gap})?"
        rf"(?P<number>[A-HJ-NP-Za-hj-np-z0-9](?P<by>{_plate_gap})(?:[A-HJ-NP-Za-hj-np-z0-9](?P=by)){{3,4}}"
        r"[A-HJ-NP-Za-hj-np-z0-9挂学警港澳领]))(?![A-Za-z0-9]|(?P=by)[A-Za-z0-9](?P=by))",
        _is_plate,
        _plate_cue,
    ),
    _shape(
        "微信号",
        r"(?:微[ .·]?信|[薇威徽]信|绿泡泡|(?<![A-Za-z])(?:[vV]信|[vVwW][xX](?!id_)|[Ww][Ee](?:[Cc][Hh][Aa][Tt]|[Ii][Xx][Ii][Nn]))"
        r"|(?:(?<![增参追附叠外])加|(?<![A-Za-z0-9+])(?<![A-Za-z0-9] )\+|➕) ?我? ?[vV微薇威]|(?<![A-Za-z])[薇威vV](?=[:：]))"
        r"(?P<said>(?: ?(?:号|[:：]|[Ii][Dd]|[账帐]号|为|是)){0,4}) ?"
        r"(?P<hit>[A-Za-z][A-Za-z0-9_-]{5,19}(?!\.?[A-Za-z0-9_@/])|[1-9]\d{5,10}"
        rf"(?! ?月){_not_counted})",
        _is_wechat,
        _chat,
    ),
    _shape(
        "钉钉号",
        r"钉钉(?P<said>(?: ?(?:号码?|[:：]|[Ii][Dd]|[账帐]号|为|是)){0,4}) ?"
        r"(?P<hit>[A-Za-z][A-Za-z0-9_-]{5,19}(?!\.?[A-Za-z0-9_@/])|[1-9]\d{5,10}" + _not_counted + ")",
        _is_dingtalk,
        "钉钉",
    ),
    _shape("微信号", r"(?<![A-Za-z0-9_])(?P<hit>wxid_[a-z0-9]{8,20})(?![A-Za-z0-9_])", cue="wxid_"),
    _shape(
        "门牌号",
        rf"(?P<hit>(?:{_few}|[东西南北中甲乙丙丁A-Za-z])单元[ -]?"
        rf"(?:{_few}(?:楼|层)(?:{_side}|{_rooms})|{_side}|\d{{1,2}}-\d{{1,2}}(?:室|号)?{_no_count}|{_rooms}))",
        _is_home,
        "单元",
    ),
    _shape(
        "门牌号",
        rf"(?:(?<![\d一二三四五六七八九十]){_few}(?:栋|幢|号楼|#楼?)|(?<![A-Za-z])[A-Za-z]\d?[座栋幢])[ -]?"
        rf"(?P<hit>(?:\d{{1,2}}-|{_few}(?:楼|层))?{_rooms})",
        _is_home,
        "栋|幢|号楼|座|#",
    ),
    _shape("门牌号", rf"\d号[ -]?(?P<hit>{_room}(?:室|房)){_no_count}", _is_home, "室|房"),
    _shape(
        "门牌号",
        r"(?<![\d.-])\d{1,3}-(?P<hit>(?:\d{1,2}-)?\d{3,4}(?:室|房|号)?)(?![\d.年月日-])",
        _is_shorthand,
        "-",
    ),
    _shape(
        "门牌号",
        rf"(?:家住|我住|住在|住址|现住|地址)[^，。；\n]{{0,24}}?(?P<hit>{_room}(?:室|房)){_no_count}",
        _is_home,
        "住|地址",
    ),
    _shape(
        "门牌号",
        rf"门牌(?:号码?)?[：: 是为]{{0,3}}(?P<hit>\d{{1,4}}号?(?:[-之]\d{{1,4}}号?)?){_no_count}",
        cue="门牌",
    ),
)
_any_cue = re.compile(rf"{_at}|{_chat}|钉钉|单元|栋|幢|号楼|wxid_")
# Where none of the cues stands, as in most texts, no shape is asked one by one.
_any_address_cue = re.compile(rf"@|{_at}")
_any_other_cue = re.compile("|".join(shape.cue.pattern for shape in _others if shape.cue))
