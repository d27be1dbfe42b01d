import html
import ssl

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.faults import all_failed, network_problem, rsshub_message, status_problem
from routing.items import Fault, SourceProblem


def page(message: str, *, escaped: bool = True) -> str:
    shown = html.escape(message) if escaped else message
    return f'<html><img alt="RSSHub"><p>Error Message:<br><code class="details">{shown}</code></p></html>'


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Error: no posts", "Error: no posts"),
        ('Error: empty, <a href="https://x.example/new">create an issue</a>', "Error: empty, create an issue"),
        ("Error: one\n    at handler (/app/lib/x.ts:1)\n", "Error: one"),
        ("\n\n  Error:  two \t words ", "Error: two words"),
        ("FetchError: [GET] https://api.example/v1?key=s3cr3t&x=1: 403", "FetchError: [GET] https://api.example/v1?… 403"),
        ("Error: &lt;script&gt;alert(1)&lt;/script&gt;", "Error: alert(1)"),
        ("Error: \u202eevil\u200b\x00", "Error: evil"),
        ("Error: a < b > c", "Error: a c"),
        ("", ""),
    ],
)  # fmt: skip
def test_the_message_of_rsshub_is_one_clean_line(message: str, shown: str) -> None:
    assert rsshub_message(page(message)) == shown


def test_a_long_message_is_cut_and_marked() -> None:
    cut = rsshub_message(page("错" * 500))
    assert len(cut) == 80
    assert cut.endswith("…")


@pytest.mark.parametrize(
    "broken", ["", "RSSHub", "RSSHub Error Message:", "RSSHub Error Message: <code", "RSSHub <code>x</code>"]
)
def test_a_page_without_a_message_still_names_rsshub(broken: str) -> None:
    assert rsshub_message(broken) == ""
    problem = status_problem(503, broken)
    assert problem.detail == ("RSSHub 返回 503" if broken else "来源返回 503")
    assert problem.cure


@given(st.text(alphabet="<>&;#x0a \n/codeErrorMessage:\u202e停", max_size=300))
def test_no_page_raises_or_lets_markup_through(text: str) -> None:
    for written in (page(text), page(text, escaped=False), text):
        message = rsshub_message(written)
        assert len(message) <= 80
        assert not set(message) & set("<>\n\u202e")


@pytest.mark.parametrize(
    ("status", "message", "word"),
    [
        (503, "Error: this route is empty, please check the original site", "空列表"),
        (503, "ConfigNotFoundError: WEIBO_COOKIES not set", "Cookie"),
        (503, "Error: Weibo cookies expired", "Cookie"),
        (404, "NotFoundError: The route does not exist or has been deleted.", "路由"),
        (503, 'FetchError: [GET] "https://weibo.example/a": 403 Forbidden', "拒绝"),
        (503, "Error: 遇到源站风控校验，请稍后再试", "拒绝"),
        (503, "RequestError: fetch failed", "重试"),
        (503, "TimeoutError: timeout of 30000ms", "重试"),
        (403, "RejectError: Authentication failed. Access denied.", "拒绝"),
        (503, "TypeError: x is undefined", "mirrors"),
    ],
)  # fmt: skip
def test_the_cure_fits_what_rsshub_says(status: int, message: str, word: str) -> None:
    problem = status_problem(status, page(message))
    assert problem.fault is Fault.STATUS
    assert str(status) in problem.detail
    assert word in problem.cure


def test_one_address_that_failed_is_told_as_it_is() -> None:
    one = SourceProblem(Fault.STATUS, "来源返回 500", "请稍后")
    assert all_failed([one], 1) == one


@pytest.mark.parametrize(
    ("code", "detail", "cure"),
    [
        (10, "已过期", "本机时间"),
        (18, "自签", "系统"),
        (20, "签发者", "证书链"),
        (62, "域名", "域名"),
        (99, "无效", "浏览器"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_named_with_its_cure(code: int, detail: str, cure: str) -> None:
    fault = ssl.SSLCertVerificationError(1, "certificate verify failed")
    fault.verify_code = code
    key = aiohttp.client_reqrep.ConnectionKey("x.example", 443, True, True, None, None, None)
    problem = network_problem(aiohttp.ClientConnectorCertificateError(key, fault))
    assert detail in problem.detail
    assert cure in problem.cure
