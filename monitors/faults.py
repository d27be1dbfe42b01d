"""What stood in the way of an answer, in the operator's words: each with its cure. Pure.

No text of an exception and no address with a query gets in: both may hold keys.
"""

import html
import re
import ssl
import unicodedata
from dataclasses import replace

import aiohttp

from routing.items import Fault, SourceProblem

_message_letters = 80


class Unread(Exception):
    """A fault found on the way, with its words; never leaves the fetching."""

    def __init__(self, fault: Fault, detail: str, cure: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.problem = SourceProblem(fault, detail, cure)
        self.retry_after_s = retry_after_s


_network_words: tuple[tuple[type[BaseException], str, str], ...] = (
    (aiohttp.ClientProxyConnectionError, "连不上代理", "请核对 proxy 的地址与端口，并确认代理在运行"),
    (aiohttp.ClientHttpProxyError, "代理拒绝了请求", "请核对代理是否允许访问该来源"),
    (aiohttp.ClientConnectorDNSError, "域名解析失败", "请核对网址；若多个来源同时失败，请检查本机网络"),
    (aiohttp.ClientSSLError, "HTTPS 证书无效", "请在浏览器核对证书；核对前不会读取"),
    (aiohttp.ClientConnectorError, "连不上服务器", "请核对网址与端口；若多个来源同时失败，请检查本机网络"),
    (aiohttp.ServerDisconnectedError, "服务器中途断开", "将自动重试"),
    (aiohttp.ClientPayloadError, "内容没有传完", "将自动重试"),
    (aiohttp.ClientResponseError, "服务器的答复不合 HTTP 规范", "请核对网址；也可能是来源故障"),
    (ValueError, "网址无效", "请核对网址"),
)


def network_problem(error: BaseException) -> SourceProblem:
    """Word a fault of the network by the kind of the exception."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _certificate_problem(error.certificate_error)
    for kind, detail, cure in _network_words:
        if isinstance(error, kind):
            return SourceProblem(Fault.NETWORK, detail, cure)
    return SourceProblem(Fault.NETWORK, f"网络出错（{type(error).__name__}）", "将自动重试")


# What OpenSSL found wrong with a certificate (X509_V_ERR_… in its x509_vfy.h).
_times_cure = "请告知来源方更换证书；也请核对本机时间，时间不对也会这样；在此之前不会读取"
_chain_cure = (
    "请在浏览器核对，并告知来源方配全证书链；确属本单位自签的，请把签发证书装进本机系统；在此之前不会读取"
)
_name_cure = "请核对网址里的域名，或告知来源方更换证书；在此之前不会读取"
_certificate_words = {
    9: ("HTTPS 证书还没有到生效日期", _times_cure),
    10: ("HTTPS 证书已过期", _times_cure),
    18: ("HTTPS 证书是自签的，本机不信任", _chain_cure),
    19: ("HTTPS 证书链里有自签的证书，本机不信任", _chain_cure),
    20: ("HTTPS 证书的签发者不在本机的信任之列", _chain_cure),
    21: ("HTTPS 证书链不全", _chain_cure),
    62: ("HTTPS 证书不是发给这个域名的", _name_cure),
    64: ("HTTPS 证书不是发给这个地址的", _name_cure),
}


def _certificate_problem(error: Exception) -> SourceProblem:
    code = error.verify_code if isinstance(error, ssl.SSLCertVerificationError) else 0
    detail, cure = _certificate_words.get(code, ("HTTPS 证书无效", "请在浏览器核对证书；核对前不会读取"))
    return SourceProblem(Fault.NETWORK, detail, cure)


_magic = (
    (b"\x1f\x8b\x08", "gzip 压缩包"),
    (b"PK\x03\x04", "zip 压缩包或 Office 文件"),
    (b"BZh", "bzip2 压缩包"),
    (b"\x28\xb5\x2f\xfd", "zstd 压缩包"),
    (b"\xfd7zXZ\x00", "xz 压缩包"),
    (b"%PDF-", "PDF 文件"),
    (b"\x89PNG", "图片"),
    (b"\xff\xd8\xff", "图片"),
    (b"GIF8", "图片"),
)


def refuse_binary(body: bytes) -> None:
    """Raise Unread for a body that is a packed or binary file: read as text it would be told as gibberish."""
    for start, kind in _magic:
        if body.startswith(start):
            cure = (
                "请告知来源方：多半压缩了两次，或漏写了 Content-Encoding"
                if kind == "gzip 压缩包"
                else "请核对网址"
            )
            raise Unread(Fault.UNREADABLE, f"返回的是 {kind}，不是文字", cure)


def timeout_problem(
    error: TimeoutError, *, timeout_s: float, connect_s: float, read_s: float
) -> SourceProblem:
    """Word which of the three limits was passed."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        cure = "请核对网址与端口；若来源一向很慢，请调大 connect_s"
        return SourceProblem(Fault.TIMEOUT, f"{connect_s:g} 秒内没有连上", cure)
    if isinstance(error, aiohttp.SocketTimeoutError):
        cure = "请稍后再看；若来源一向很慢，请调大 read_s"
        return SourceProblem(Fault.TIMEOUT, f"等了 {read_s:g} 秒没有新内容", cure)
    cure = "请稍后再看；若来源一向很慢，请调大 timeout_s"
    return SourceProblem(Fault.TIMEOUT, f"{timeout_s:g} 秒内没有读完", cure)


def status_problem(status: int, page: str) -> SourceProblem:
    """Word a refusing status; `page` is the error page where it is HTML, for that of RSSHub says more."""
    if "rsshub" in page.lower():
        message = rsshub_message(page)
        detail = f"RSSHub 返回 {status}：{message}" if message else f"RSSHub 返回 {status}"
        return SourceProblem(Fault.STATUS, detail, _rsshub_cure(status, message))
    return SourceProblem(Fault.STATUS, f"来源返回 {status}", _status_cure(status))


def all_failed(problems: list[SourceProblem], addresses: int) -> SourceProblem:
    """Word that no address of a source answered: how many were tried, and the last fault. One address: its fault."""
    last = problems[-1]
    if addresses == 1:
        return last
    tried = (
        f"{addresses} 个地址都"
        if len(problems) == addresses
        else f"{addresses} 个地址试了 {len(problems)} 个，都"
    )
    return replace(last, detail=f"{tried}没有读到；最后一个：{last.detail}")


def _status_cure(status: int) -> str:
    cures = {
        401: "来源要求登录，请换公开的地址",
        403: "来源拒绝访问，请核对是否要求登录，或与来源联系",
        404: "地址已失效，请到来源网站找新的订阅地址",
        405: "来源不接受这种请求，请核对该用 GET 还是 POST（form、json）",
        410: "来源已停用，请删去或换地址",
        429: "访问太频繁，请调大 interval_s",
    }
    return cures.get(status, "来源服务器出错，将自动重试" if status >= 500 else "请在浏览器打开该地址核对")


# --- the error page of RSSHub (lib/views/error.tsx, lib/errors/index.tsx of DIYgod/RSSHub) ---

_message_place = re.compile(r"error message", re.IGNORECASE)
_code = re.compile(r"<code\b[^>]{0,500}>([^<]{0,5000})", re.IGNORECASE)
_tag = re.compile(r"<[^<>]{0,1000}>?")
_query = re.compile(r"\?[^\s\"'<>]*")
_rsshub_cures: tuple[tuple[str, str], ...] = (
    (
        r"route is empty",
        "RSSHub 把空列表也报成错误：请到原站核对；原站有内容就换一个实例，没有则等有了再看",
    ),
    (
        r"cookie|login|token|credential|config|not set",
        "请更新该实例的 Cookie 或登录配置，或在 mirrors 写上别的实例",
    ),
    (r"does not exist|deleted|not ?found", "该路由已改名或删去，请到 RSSHub 文档核对路径"),
    (
        r"\b403\b|\b412\b|-352|-412|forbidden|captcha|denied|风控|验证",
        "原站拒绝了这个实例，请在 mirrors 写上别的实例，或自建一个",
    ),
    (
        r"time ?out|fetch failed|econn|socket|network",
        "原站没有答复这个实例，将自动重试；若反复出现请换一个实例",
    ),
)


def rsshub_message(page: str) -> str:
    """Give the one line in which RSSHub's error page says what is wrong: plain text, at most 80 letters, "" if none.

    Queries of addresses in it are cut, for they may hold the keys of that instance.
    """
    place = _message_place.search(page)
    found = _code.search(page, place.end(), place.end() + 10_000) if place else None
    if found is None:
        return ""
    # It was escaped once for the page, and what it quotes may be markup itself.
    text = _tag.sub("", html.unescape(_tag.sub("", html.unescape(found[1]))))
    line = next((line for line in text.splitlines() if line.strip()), "")
    plain = "".join(letter for letter in line if unicodedata.category(letter)[0] != "C" or letter == "\t")
    words = " ".join(_query.sub("?…", plain).replace("<", "").replace(">", "").split())
    return words if len(words) <= _message_letters else words[: _message_letters - 1] + "…"


def _rsshub_cure(status: int, message: str) -> str:
    for words, cure in _rsshub_cures:
        if re.search(words, message, re.IGNORECASE):
            return cure
    if status in {401, 403}:
        return "该实例要求访问密钥或拒绝了访问，请换一个实例，或自建一个"
    return "请在浏览器打开该地址核对；可在 mirrors 写上别的实例"
