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

from routing.toml_lines import Refused

person_words = re.compile(
    "account|author|avatar|blogger|comment(?:er|ator)|createdby|creator|displayname|email|follower|gender|idcard"
    "|ip(?:address|label|location|region)|loginname|member|nick|openid|owner|passport|person|phone|postedby|poster"
    "|profile|realname|screenname|secuid|sender|sex|uname|unionid|user|writer"
    "|作者|用户|昵称|姓名|网名|账号|头像|属地|电话|手机|身份证|联系人|博主|楼主|(?:发[帖布]|留言|来信|投诉|信访|反映)人"
)
"""Stems that name a person in the field names of platforms, lower case, without underscores and hyphens."""
person_names = {"by", "face", "from", "ip", "lyr", "mid", "mobile", "tel", "uid"}
"""Whole field names that do; as stems they would hit innocent words."""
_opening_functions = {"items", "keys", "map", "to_string", "values"}

placeholder = re.compile(r"\{([^{}]*)\}")
"""What stands for a value in the address of an entry: `{path}`."""


def names_person(field: str) -> bool:
    """Tell whether a field name is one that platforms use for people."""
    plain = re.sub(r"[_\-\s]", "", field).lower()
    return plain in person_names or bool(person_words.search(plain))


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
