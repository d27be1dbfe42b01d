"""judge: the whole judgement tried on a file of texts, measured against labels where there are any."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress
from rich.table import Table

from bot.cli.common import BadUsage, check_free, console, opened, out, print_json, read_text
from bot.cli.judging import Outcome, Replayed, replay, with_gazetteer
from bot.labelled import Line, read_gazetteer, read_lines, read_pairs
from bot.names import LEVEL_NAMES
from bot.office_file import load_office
from routing import measures, office_opinions
from routing.errors import ConfigError, UserError
from routing.measures import Figure, Judged
from routing.office import Level, Office
from routing.opinions import Opinions
from routing.rules import Rules
from routing.rules_file import read_rules

WORST = 10
IDS_SHOWN = 3
TITLE_SHOWN = 36

NAMES: Mapping[str, str] = {
    "found": "找到的相关信息",
    "cards_right": "卡片的准确率（首条相关）",
    "placed_right": "归入事项的信息中相关的",
    "lead_right": "主办渠道正确（占相关信息）",
    "lead_right_of_found": "主办渠道正确（占找到的）",
    "b_cubed_precision": "归并 B³ 精确率",
    "b_cubed_recall": "归并 B³ 召回率",
    "b_cubed_f1": "归并 B³ F1",
    "wrong_merges": "混有几件事的事项",
    "confused_pairs": "易混对被并到一起",
    "level_exact": "等级一致",
    "level_within_one": "等级相差不超过一级",
    "level_exact_of_found": "等级一致（占找到的）",
    "cards_per_100": "每百条相关信息的卡片",
    "waiting_right": "暂列另一事项卡片上的：确属该事项",
    "cards_per_100_undecided": "每百条的卡片，暂列的都无人判断",
    "further_alerts": "卡片之外的再提醒",
    "must_answer_precision": "必须回应：准确率",
    "must_answer_recall": "必须回应：召回率",
    "planted_left": "未隐去的个人信息",
    "items_per_s": "每秒处理条数",
}
_plain_numbers = {"cards_per_100", "cards_per_100_undecided", "items_per_s"}
_counts = {"wrong_merges", "further_alerts", "confused_pairs", "planted_left"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("judge")(judge)


def judge(
    file: Annotated[Path, typer.Argument(metavar="文件", help="每行一条信息的 JSONL，可带标注 label")],
    gazetteer: Annotated[Path | None, typer.Option(help="地名表（JSON），代替规则里的地点")] = None,
    rules: Annotated[Path | None, typer.Option(help="规则文件；不写则用 init 的默认规则")] = None,
    to: Annotated[Path | None, typer.Option("--out", help="逐条研判结果存为 JSONL")] = None,
    pairs: Annotated[Path | None, typer.Option(help="易混事项对（JSON），不得并到一起")] = None,
    models: Annotated[
        Path | None, typer.Option(metavar="<路径>", help="本单位研判模型所在的文件夹；不写则用起步模型")
    ] = None,
    worst: Annotated[int, typer.Option(min=0, help="每类错误列出几条")] = WORST,
    force: Annotated[bool, typer.Option("--force", help="--out 的文件已存在时覆盖")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> None:
    """在一批旧信息上试整套研判：能找到多少、归口对不对、会发多少卡片。不动数据库，不发消息。"""
    lines = read_lines(read_text(file), str(file))
    is_labelled = lines[0].label is not None
    if not is_labelled and to is None:
        raise BadUsage(f"{file} 没有标注（label），算不出指标。请加 --out 文件名，保存逐条结果。")
    if to is not None:
        check_free(to, force)
        if to.resolve() == file.resolve():
            raise BadUsage("--out 不能是读入的文件本身，请换一个文件名。")
        if not to.absolute().parent.is_dir():  # told now, not after minutes of work
            raise UserError(f"写不进 {to}：没有这个文件夹。")
    office = office_beside(rules)
    judging = rules_with(rules, gazetteer, office)
    apart = read_pairs(read_text(pairs), str(pairs)) if pairs is not None else []
    replayed = _replay(lines, office, judging, _opinions(models))
    if to is not None:
        _write(to, replayed.outcomes)
    judged = judged_of(replayed.outcomes) if is_labelled else []
    figures = figures_of(replayed, judged, apart)
    mistakes = worst_of(replayed.outcomes, judged, worst)
    if as_json:
        print_json(_as_dict(replayed, figures, mistakes))
    elif is_labelled:
        _show(replayed, figures, mistakes)
    if to is not None:
        console.print(f"逐条结果已存为 {to}（{len(lines)} 条）。", markup=False)


def office_beside(rules: Path | None) -> Office:
    """Give the office whose channels the rules name: `office.toml` beside them, else the one of `yuqing init`."""
    beside = rules.parent / "office.toml" if rules is not None else None
    if beside is not None and beside.is_file():
        return load_office(read_text(beside), str(beside))
    return load_office(_template("office.toml"), "office.toml")


def rules_with(rules: Path | None, gazetteer: Path | None, office: Office) -> Rules:
    """Give the rules to judge by. Raises ConfigError and UserError with what is wrong in either file."""
    text = _template("rules.toml") if rules is None else read_text(rules)
    channels = tuple(office.channels)
    read = read_rules(text, str(rules or "rules.toml"), channels)
    if gazetteer is not None:
        read = with_gazetteer(read, read_gazetteer(read_text(gazetteer), str(gazetteer)))
    return Rules(read, "judge", channels)


def judged_of(outcomes: Iterable[Outcome]) -> list[Judged]:
    """Pair what was labelled with what was made of it."""
    return [
        Judged(one.line.id, one.line.label.value(), one.verdict)
        for one in outcomes
        if one.line.label is not None
    ]


def figures_of(
    replayed: Replayed, judged: Sequence[Judged], pairs: Sequence[tuple[str, str]]
) -> dict[str, Figure]:
    """Give all figures by name; those that need labels only where there are some."""
    planted = sum(len(one.line.planted) for one in replayed.outcomes)
    left = sum(
        len(measures.left_over(one.line.planted, f"{one.title} {one.text}")) for one in replayed.outcomes
    )
    count = len(replayed.outcomes)
    return {
        **(measures.measure(judged, pairs) if judged else {}),
        "planted_left": Figure(float(left), left, planted),
        "items_per_s": Figure(count / replayed.took_s, count),
    }


def worst_of(outcomes: Sequence[Outcome], judged: Sequence[Judged], most: int) -> dict[str, list[Any]]:
    """Give the worst mistakes of each sort as plain values."""
    by_id = {one.line.id: one for one in outcomes}

    def row(one: Judged) -> dict[str, Any]:
        outcome = by_id[one.id]
        return {
            "id": one.id,
            "label": {"matter": one.label.matter, "lead": one.label.lead, "level": one.label.level},
            "lead": one.verdict.lead,
            "level": one.verdict.level,
            "text": _clip(outcome),
            "why": outcome.why,
        }

    def groups(found: Sequence[tuple[str, dict[str, list[str]]]]) -> list[dict[str, Any]]:
        return [{"name": name, "in": dict(inside.items())} for name, inside in found[:most]]

    return {
        "missed": [row(one) for one in measures.missed(judged)[:most]],
        "rubbish": [row(one) for one in measures.rubbish(judged)[:most]],
        "split": groups(measures.split(judged)),
        "merged": groups(measures.merged(judged)),
        "leads": [_taken(*one) for one in measures.wrong_leads(judged)[:most]],
        "levels": [_taken(*one) for one in measures.wrong_levels(judged)[:most]],
    }


def _taken(right: str | int, given: str | int, ids: list[str]) -> dict[str, Any]:
    return {"right": right, "given": given, "ids": ids}


def _opinions(folder: Path | None) -> Opinions | None:
    """Load the office's own text models. Raises UserError where none can be used: figures of others would mislead."""
    if folder is None:
        return None
    faults = office_opinions.faults(folder)
    if faults:
        raise ConfigError(faults)
    own = office_opinions.models(folder)
    if not own:
        raise UserError(
            f"{folder} 里没有本单位的研判模型。请写 yuqing models show 列出的文件夹，或去掉 --models。"
        )
    return Opinions(own)


def _replay(lines: Sequence[Line], office: Office, rules: Rules, opinions: Opinions | None) -> Replayed:
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("研判", total=len(lines))
        return replay(
            lines,
            office,
            rules,
            opinions=opinions,
            done=lambda number: progress.update(task, completed=number),
        )


def _template(name: str) -> str:
    return files("bot.templates").joinpath(name).read_text(encoding="utf-8")


def _write(to: Path, outcomes: Iterable[Outcome]) -> None:
    with opened(to) as handle:
        for one in outcomes:
            handle.write((json.dumps(_line_of(one), ensure_ascii=False) + "\n").encode())


def _line_of(one: Outcome) -> dict[str, Any]:
    verdict = one.verdict
    return {
        "id": one.line.id,
        "relevant": verdict.matter is not None,
        "alerted": verdict.alerted,
        "matter": verdict.matter,
        "lead": verdict.lead,
        "copies": list(one.copies),
        "level": verdict.level,
        "sentiment": one.band,
        "subject": one.subject,
        "must_answer": verdict.must_answer,
        "title": one.title,
        "text": one.text,
        "why": one.why,
    }


def _as_dict(
    replayed: Replayed, figures: Mapping[str, Figure], mistakes: Mapping[str, list[Any]]
) -> dict[str, Any]:
    return {
        "items": len(replayed.outcomes),
        "took_s": round(replayed.took_s, 3),
        "figures": {
            name: {"value": figure.value, "hits": figure.hits, "of": figure.of}
            for name, figure in figures.items()
        },
        "worst": dict(mistakes),
    }


def _show(replayed: Replayed, figures: Mapping[str, Figure], mistakes: Mapping[str, list[Any]]) -> None:
    table = Table()
    table.add_column("指标")
    table.add_column("数值", justify="right")
    table.add_column("个数", justify="right")
    for name, figure in figures.items():
        table.add_row(NAMES[name], shown(name, figure), _made_of(figure))
    out.print(table)
    titles: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
        ("missed", "漏掉的相关信息", _missed),
        ("rubbish", "不相关却发了卡片", _rubbish),
        ("split", "一件事分成了几个事项", _group),
        ("merged", "几件事并成了一个事项", _group),
        ("leads", "主办渠道判错（应为 → 判为）", _mistaken),
        ("levels", "等级判错（应为 → 判为）", _mistaken),
    )
    for key, title, told in titles:
        if mistakes[key]:
            out.print(f"\n{title}：", markup=False)
            for one in mistakes[key]:
                out.print(f"  {told(one)}", markup=False)


def shown(name: str, figure: Figure) -> str:
    """Write a figure as people read it: shares in per cent, rates with one digit, counts as they are."""
    if figure.value is None:
        return "—"
    if name in _counts:
        return f"{figure.value:.0f}"
    return f"{figure.value:.1f}" if name in _plain_numbers else f"{figure.value:.1%}"


def _made_of(figure: Figure) -> str:
    if figure.hits is None:
        return ""
    return f"{figure.hits}" if figure.of is None else f"{figure.hits}/{figure.of}"


def _missed(one: Mapping[str, Any]) -> str:
    label = one["label"]
    level = f"{LEVEL_NAMES[Level(label['level'])]} " if label["level"] else ""
    return f"{one['id']} {level}{label['matter'] or ''} {one['text']}（{one['why']}）"


def _rubbish(one: Mapping[str, Any]) -> str:
    return f"{one['id']} {one['lead']} {one['text']}（{one['why']}）"


def _group(one: Mapping[str, Any]) -> str:
    return f"{one['name']}：" + "；".join(f"{key} {_listed(ids)}" for key, ids in one["in"].items())


def _mistaken(one: Mapping[str, Any]) -> str:
    return f"{one['right']} → {one['given']}：{_listed(one['ids'])}"


def _listed(ids: Sequence[str]) -> str:
    return f"{len(ids)} 条（{'、'.join(ids[:IDS_SHOWN])}{'……' if len(ids) > IDS_SHOWN else ''}）"


def _clip(one: Outcome) -> str:
    text = " ".join(f"{one.title} {one.text}".split())
    return text if len(text) <= TITLE_SHOWN else text[: TITLE_SHOWN - 1] + "…"
