"""Single values of `sources.toml`: each check gives the value back, or raises Refused with the reason and the cure."""

import json
import re
from pathlib import PurePath
from typing import Any
from zoneinfo import ZoneInfo

from yarl import URL

from routing.toml_lines import Refused

MIB = 1024 * 1024
max_source_bytes = 50 * MIB
encodings = ("utf-8", "utf-16", "gb18030", "gbk", "gb2312", "big5", "shift_jis", "euc-jp", "euc-kr")
"""What a source may be said to be written in."""


def web_address(value: str) -> str:
    """Give a public-looking http(s) address back. Raises Refused where it is none."""
    try:
        url = URL(value)
        port = url.port
    except ValueError as error:
        raise Refused("不是有效的网址", "请从浏览器地址栏复制完整网址") from error
    if url.scheme not in {"http", "https"} or not url.host or not port:
        raise Refused("不是 http 或 https 网址", "请写成 https://… 的完整网址")
    if url.user or url.password:
        raise Refused("网址里不能带账号密码", "请换用公开的地址")
    return value


def proxy_address(value: str) -> str:
    """Give the address of a proxy without a password back."""
    try:
        url = URL(value)
        port = url.explicit_port
    except ValueError as error:
        raise Refused("不是有效的代理地址", '如 "http://127.0.0.1:3128"') from error
    if url.scheme != "http" or not url.host or not port or url.path not in {"", "/"}:
        raise Refused("代理须为 http://主机:端口", '如 "http://127.0.0.1:3128"')
    if url.user or url.password:
        raise Refused("代理地址里不能带账号密码", "请用不需要密码的本单位代理")
    return value


def host_and_port(value: str) -> str:
    """Give `host:port` in small letters."""
    if not re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^\s:/@\[\]]+):\d{1,5}", value):
        raise Refused("应为 主机:端口", '如 "127.0.0.1:1200"')
    return value.lower()


def zone_name(value: str) -> str:
    """Give the name of a zone that exists back."""
    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise Refused("没有这个时区", '如 "Asia/Shanghai"') from error
    return value


def known_encoding(value: str) -> str:
    """Give one of `encodings`, in small letters."""
    if value.lower() not in encodings:
        raise Refused("不认识的编码", f"请从这些里选一个：{'、'.join(encodings)}；不写则自动判断")
    return value.lower()


def size_of_answer(value: int) -> int:
    """Give a number of bytes back that an answer may have."""
    if not 1024 <= value <= max_source_bytes:
        raise Refused(
            f"{value / MIB:.3g} MiB 超出允许范围",
            f"请填 1024 到 {max_source_bytes}（50 MiB）之间；更大的来源请换分页或分栏目的地址",
        )
    return value


_secret_headers = re.compile(r"auth|cookie|token|session|passw|api-?key", re.IGNORECASE)
_own_headers = re.compile(
    r"accept-encoding|connection|content-length|host|if-modified-since|if-none-match|range|te|transfer-encoding",
    re.IGNORECASE,
)


def harmless_headers(value: dict[str, str]) -> dict[str, str]:
    """Give request headers back that neither log in nor are ours to write."""
    # Refused as a whole table: a problem that pointed at the one header would show its value.
    for name, written in value.items():
        if _secret_headers.search(name):
            raise Refused(f"请求头 {name} 带有登录凭据", "请删去；只读不用登录的公开内容")
        if name.lower() == "user-agent":
            raise Refused("请求头 User-Agent 由本系统填写", "请删去；来源方的联系方式写在 contact")
        if _own_headers.fullmatch(name):
            raise Refused(f"请求头 {name} 由本系统填写", "请删去这一项")
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", name):
            raise Refused(f"请求头名称 {name[:40]} 写法不对", '如 { Referer = "https://bbs.example/" }')
        if not re.fullmatch(r"[\x20-\x7e]{1,1000}", written):
            raise Refused(f"请求头 {name} 的值只能用英文字母、数字和符号", "中文请按网址编码写")
    return value


def writable_json(value: dict[str, Any]) -> dict[str, Any]:
    """Give a body back that JSON can write."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise Refused("有 JSON 写不出的值（日期或 nan）", "日期请加引号写成文字") from error
    return value


def local_path(value: str) -> str:
    """Give the path of a file, or a pattern of files, back."""
    if value.startswith("~") or "\0" in value or "://" in value:
        raise Refused(
            "不是本机文件的路径",
            '请写完整路径，可用 * 代表任意文字，如 "/data/weibo/jsonl/*_comments_*.jsonl"',
        )
    if value.endswith("/") or PurePath(value).name in {"", "..", "."}:
        raise Refused("这是文件夹，不是文件", '请写到文件名，如 "/data/weibo/jsonl/*.jsonl"')
    return value


def contact_shape(value: str) -> str:
    """Give a mail or web address of printable ASCII back; empty is told elsewhere."""
    mail, web = r"(mailto:)?[^@()<>]+@[^@()<>]+\.[^@()<>.]+", r"https?://[^()<>]+\.[^()<>]+"
    if not re.fullmatch(r"[\x21-\x7e]*", value) or (value and not re.fullmatch(f"{mail}|{web}", value)):
        raise Refused("写法不对：应为邮箱或网址，不带空格和中文", '如 "mailto:duty@county.gov.cn"')
    return value
