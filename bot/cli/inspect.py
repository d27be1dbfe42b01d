"""why, rules test: look into a decision before or after it was made."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.common import (
    BadUsage,
    configuration_if_any,
    configured,
    console,
    from_store,
    lines_of,
    out,
    print_json,
    settings_now,
)
from bot.names import LEVEL_NAMES
from bot.scoring import models_folder, scorer_of
from bot.words import words
from monitors.masking import mask
from monitors.sentiment import Scorer
from routing import office_opinions
from routing.errors import UserError
from routing.items import OWN_TAG, Kind
from routing.judging import Judge
from routing.office import Channel
from routing.rules import Judgement, Subject
from routing.why import PLAIN, explain

NOWHERE = "none"
"""What `--expect` takes for a text that opens no matter."""

rules_app = typer.Typer(
    help="规则：试一段文字，或在旧信息上试一份草稿。", no_args_is_help=True, rich_markup_mode=None
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("why")(why)
    app.add_typer(rules_app, name="rules")


def why(
    key: Annotated[str, typer.Argument(metavar="编号或链接", help="链接、来源内编号，或事项编号")],
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> None:
    """一条信息或一个事项走过的每一步，以及为什么。"""
    settings = settings_now()
    configuration = configuration_if_any(settings)
    told = PLAIN if as_json else words(configuration)
    steps = from_store(settings, lambda session: explain(session, key, told))
    if not steps:
        if configuration is not None and key in {source.id for source in configuration.sources}:
            raise UserError(
                f"“{key}”是来源的编号，这里查的是信息和事项。"
                f"看这个来源请用 yuqing sources，马上读一轮请用 yuqing poll --once {key}。"
            )
        raise UserError(f"库里没有“{key}”。请核对链接或编号；刚发布的要等下一轮读取。")
    if as_json:
        print_json([{"at": step.at, "what": step.what, "detail": step.detail} for step in steps])
        return
    for step in steps:
        at = told.at(step.at, "%Y-%m-%d %H:%M:%S") if step.at else " " * (19 + len(told.zone_mark))
        out.print(f"{at}  {step.what}　{step.detail}", markup=False)


@rules_app.command("test")
def try_rules(
    file: Annotated[Path | None, typer.Argument(metavar="文件", help="一行一段文字的文件")] = None,
    text: Annotated[str, typer.Option(help="一段文字")] = "",
    own: Annotated[bool, typer.Option("--own", help="当作本县来源")] = False,
    kind: Annotated[str, typer.Option(help="article、post、comment 或 hotlist")] = "post",
    expect: Annotated[
        str, typer.Option(metavar="<渠道>", help="应去的渠道；none 表示不成事项。不符则退出码 1")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> None:
    """一段文字会去哪个渠道、什么等级，命中了哪条规则的哪些词。"""
    if kind not in set(Kind):
        raise BadUsage(f"--kind 只能是 {'、'.join(Kind)}，不能是 {kind}。")
    lines = lines_of(text, file)
    settings, configuration = configured()
    channels = configuration.office.channels
    if expect and expect not in {*channels, NOWHERE}:
        raise BadUsage(f"--expect 只能是 {'、'.join([*channels, NOWHERE])}，不能是 {expect}。")
    wrong = 0
    rows = []
    judge, scorer = (
        Judge(configuration.rules, office_opinions.opinions(models_folder(settings))),
        scorer_of(settings)(),
    )
    for line in lines:
        judged = _judge(judge, scorer, line, Kind(kind), own)
        channel = judged.channel if judged.relevant else NOWHERE
        wrong += bool(expect) and channel != expect
        rows.append(_row(line, judged))
        if not as_json:
            out.print(f"{line[:40]}　→　{_told(judged, channels)}", markup=False)
    if as_json:
        print_json(rows)
    if wrong:
        console.print(f"{wrong} 段与期望的 {expect} 不符。", markup=False)
        raise typer.Exit(1)


def _judge(judge: Judge, scorer: Scorer, line: str, kind: Kind, own: bool) -> Judgement:
    text = mask(line).text
    score = scorer.score(text)
    tags = (OWN_TAG,) if own else ()
    return judge.judge(Subject("", text, kind, tags, score.band if score else None, own=own))


def _told(judged: Judgement, channels: Mapping[str, Channel]) -> str:
    # Rules that only hold others decided nothing.
    telling = [reason for reason in judged.reasons if reason.words or reason.note] or judged.reasons
    reasons = "；".join(str(reason) for reason in telling)
    if not judged.relevant:
        return f"不成事项（{reasons}）"
    copies = f"，抄送 {'、'.join(_named(key, channels) for key in judged.copies)}" if judged.copies else ""
    level = f"，{LEVEL_NAMES[judged.level]}" if judged.level else ""
    return f"{_named(judged.channel or '', channels)}{copies}{level}（{reasons}）"


def _named(key: str, channels: Mapping[str, Channel]) -> str:
    """Give a channel as people call it with the key that `--expect` takes."""
    return f"{channels[key].name} {key}" if key in channels else key


def _row(line: str, judged: Judgement) -> dict[str, object]:
    return {
        "text": line,
        "relevant": judged.relevant,
        "channel": judged.channel,
        "copies": list(judged.copies),
        "level": judged.level and int(judged.level),
        "reasons": [str(reason) for reason in judged.reasons],
        "places": list(judged.places),
        "topic": judged.topic,
    }
