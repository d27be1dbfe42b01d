"""What names a person in the data of platforms, and how a path that reaches for one is refused. Pure.

A matter, never a person (个人信息保护法 第六条: no more than the duty needs): a source can be configured for texts, times
and counts only. A path is refused by the names that it goes through, and where it would open an object whole, for
then nobody can say what it holds.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions

from routing.errors import Refused

person_words = re.compile(
    "account|applicant|author|avatar|blogger|byline|citizenname|comment(?:er|ator)|complain(?:ant|er)"
    "|contact(?:info|man|name|number|person|tel|way)|created?by|creator|customername|displayname|email|firstname"
    "|follower|fromname|(?:from|reply|to)uid|fullname|gender|idcard|informant"
    "|ip(?:addr|label|loc|region)|(?:client|login|remote|user)ip|lastname|linkman|loginname|member|nick|openid|owner"
    "|passport|penname|person|petitioner|phone|postedby|poster|profile|realname|repl[iy]er|screenname|secuid|sender|sex"
    "|submitter|uname|unionid|user|(?:wechat|weixin)(?:hao|id|name|no)|writer"
    "|nicheng|xingming|yonghu"
    "|作者|用户|昵称|姓名|网名|账号|头像|属地|电话|手机|身份证|联系人|联系方式|微信号|邮箱|住址|笔名|博主|楼主|当事人"
    "|(?:发[帖布]|跟帖|留言|评论|提问|来[信电访]|写信|投[诉稿]|信访|上访|举报|反映|诉求|求助|爆料|申请)[人者]"
)
"""Stems that name a person in the field names of platforms, lower case, without underscores and hyphens."""
person_names = re.compile(
    "by|caller|citizen|contacts?|editor|face|from|idno|ip|mid|mobile|puid|qq号?|reporter|tel|uid"
    "|市民|微信|称呼|网友|网民|署名"
    # Systems of offices abbreviate by first letters: 发布人, 举报人, 来电人, 联系电话, 联系方式, 联系人, 留言人, 身份证, 手机号,
    # 申请人, 投诉人, 信访人, 姓名, 用户名, 用户昵称.
    "|fbr|jbr|ldr|lxdh|lxfs|lxr|lyr|sfzh?m?|sjhm?|sqr|tsr|xfr|xm|yhm|yhnc"
)
"""Whole field names that do; as stems they would hit innocent words."""
_opening_functions = {"items", "keys", "map", "to_string", "values"}

placeholder = re.compile(r"\{([^{}]*)\}")
"""What stands for a value in the address of an entry: `{path}`."""


def names_person(field: str) -> bool:
    """Tell whether a field name is one that platforms use for people."""
    plain = re.sub(r"[_\-\s]", "", field).lower()
    return bool(person_names.fullmatch(plain) or person_words.search(plain))


def impersonal(path: str) -> str:
    """Give the path (JMESPath) back. Raises Refused where it is none, or may bring a person."""
    try:
        tree = jmespath.compile(path).parsed
    except (JMESPathError, RecursionError) as error:
        chinese = "" if path.isascii() else """；中文字段名外面要有双引号，如 '"留言内容"'"""
        raise Refused(
            "取值路径（JMESPath）写法不对", f"请写成 data.replies 或 content.message 的样子{chinese}"
        ) from error
    for node in _nodes(tree):
        if node["type"] in {"field", "key_val_pair"} and names_person(str(node["value"])):
            raise Refused(f"字段 {node['value']} 指向作者或个人信息", "请删去；本系统对事不对人")
        function = node["value"] if node["type"] == "function_expression" else ""
        if node["type"] == "value_projection" or function in _opening_functions:
            raise Refused("不能用通配或展开取整个对象，其中可能有个人信息", "请写明要取的字段")
        if function and function not in Functions.FUNCTION_TABLE:
            # JMESPath itself finds out when it reads an entry, and every entry would lack the field.
            raise Refused(f"没有函数 {function}", "请改正函数名，或直接写字段的路径")
    return path


def _nodes(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield tree
    for child in tree["children"]:
        if isinstance(child, dict):
            yield from _nodes(child)
