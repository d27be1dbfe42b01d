"""people: who works here, and one-time codes for those who come."""

from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table

from bot.app import ledger_of
from bot.cli.common import (
    BadUsage,
    configuration_if_any,
    configured,
    console,
    from_store,
    in_store,
    out,
    print_json,
    settings_now,
)
from bot.names import ROLE_NAMES
from routing import people
from routing.clock import utc_now
from routing.office import Role

people_app = typer.Typer(help="人员：邀请、列出、撤销。", no_args_is_help=True, rich_markup_mode=None)
OPERATOR = "命令行"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(people_app, name="people")


@people_app.command("invite")
def invite(
    name: Annotated[str, typer.Argument(metavar="姓名", help="管理员确认时核对")],
    role: Annotated[list[str], typer.Option(metavar="<角色>", help="角色，可写多次：" + "、".join(Role))],
    channel: Annotated[list[str] | None, typer.Option(help="联络员所在渠道，可写多次")] = None,
    hours: Annotated[int, typer.Option(help="有效小时数", min=1, max=168)] = 24,
) -> None:
    """生成一次性邀请码。对方私聊机器人发送 /join 邀请码，再由管理员确认。"""
    settings, configuration = configured()
    roles = [_role(word) for word in role]
    channels = list(channel or [])
    unknown = [key for key in channels if key not in configuration.office.channels]
    if unknown:
        known = "、".join(configuration.office.channels)
        raise BadUsage(f"没有渠道 {'、'.join(unknown)}；office.toml 里有：{known}。")
    if (Role.CONTACT in roles) != bool(channels):
        raise BadUsage("联络员（contact）须写明 --channel；其他角色不要写。")
    if Role.ADMIN in roles and Role.AUDITOR in roles:
        raise BadUsage("系统管理员与审计员不能是同一人，请分两个人。")
    code = in_store(
        settings,
        lambda s: people.invite(
            s,
            ledger_of(settings),
            name=name,
            roles=roles,
            channels=channels,
            by=OPERATOR,
            now=utc_now(),
            life=timedelta(hours=hours),
        ),
        makes=True,
    )
    out.print(f"/join {code}", markup=False)
    console.print(
        f"以 /join 开头的一行是 {name} 的邀请码：请交给本人，由本人私聊发给机器人。"
        f"{hours} 小时内有效，只能用一次，不会再显示。",
        markup=False,
        soft_wrap=True,
    )


@people_app.command("link")
def link(
    person: Annotated[int, typer.Argument(metavar="编号", help="见 people list")],
    hours: Annotated[int, typer.Option(help="有效小时数", min=1, max=168)] = 24,
) -> None:
    """给已登记的人再加一个聊天账号：生成一次性邀请码，由本人用新账号发送，再由管理员确认。"""
    settings = settings_now()
    name, code = in_store(
        settings,
        lambda s: people.invite_account(
            s,
            ledger_of(settings),
            person_id=person,
            by=OPERATOR,
            now=utc_now(),
            life=timedelta(hours=hours),
        ),
    )
    out.print(f"/join {code}", markup=False)
    console.print(
        f"请 {name} 用要添加的账号，把以 /join 开头的一行私聊发给机器人。{hours} 小时内有效，只能用一次，不会再显示。",
        markup=False,
        soft_wrap=True,
    )


def _role(word: str) -> Role:
    try:
        return Role(word)
    except ValueError as error:
        raise BadUsage(f"没有角色 {word}；可选：{'、'.join(Role)}。") from error


@people_app.command("list")
def list_people(as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False) -> None:
    """列出人员、角色和渠道。"""
    settings = settings_now()
    members = from_store(settings, people.members)
    if as_json:
        print_json([{**_plain(m)} for m in members])
        return
    if not members:
        console.print("还没有登记人员。用 yuqing people invite 生成邀请码。", markup=False)
        return
    configuration = configuration_if_any(settings)
    channels = configuration.office.channels if configuration else {}
    table = Table()
    for head in ("编号", "姓名", "角色", "渠道", "账号", "状态"):
        table.add_column(head, overflow="fold")
    for member in members:
        table.add_row(
            str(member.person_id),
            member.name,
            "、".join(ROLE_NAMES[Role(word)] for word in member.roles),
            "、".join(channels[key].name if key in channels else key for key in member.channels),
            "、".join(member.accounts),
            "在岗" if member.active else "已撤销",
        )
    out.print(table)


def _plain(member: people.Member) -> dict[str, object]:
    return {
        "id": member.person_id,
        "name": member.name,
        "active": member.active,
        "roles": list(member.roles),
        "channels": list(member.channels),
        "accounts": list(member.accounts),
    }


@people_app.command("revoke")
def revoke(person: Annotated[int, typer.Argument(metavar="编号", help="见 people list")]) -> None:
    """撤销一个人的全部权限，立即生效，已发出的卡片也不能再按。"""
    settings = settings_now()
    name = in_store(
        settings,
        lambda s: people.revoke(s, ledger_of(settings), person_id=person, by=OPERATOR, now=utc_now()),
    )
    out.print(f"已撤销 {name} 的全部权限。", markup=False)
