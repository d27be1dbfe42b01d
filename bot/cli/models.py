"""models show, train, back: the office's own models of the judgement, learnt from what people decided."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from bot.cli.common import BadUsage, configured, console, from_store, out, print_json, settings_now
from bot.scoring import damaged, models_folder
from monitors import office_model
from routing import office_opinions
from routing.errors import ConfigError, UserError
from routing.ngrams import Model
from routing.office_opinions import NAMES, Training
from routing.starter import opinions as starter
from routing.starter.opinions import ANSWER, LEAD, PUBLIC, SUBJECT, TWO_SIDED
from routing.starter.sentiment import starter_model
from routing.teaching import said_of_matters

models_app = typer.Typer(
    help="研判模型：查看、按人的研判训练、换回。", no_args_is_help=True, rich_markup_mode=None
)
MODEL_NAMES = {PUBLIC: "是否需要研判", LEAD: "牵头渠道", SUBJECT: "领域", ANSWER: "是否应当回应"}
SENTIMENT = "sentiment"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(models_app, name="models")


@models_app.command("show")
def show(as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False) -> None:
    """正在用哪些文字模型：起步的还是本单位的，版本，学了多少。"""
    folder = models_folder(settings_now())
    rows = [_row(folder, name) for name in (*NAMES, SENTIMENT)]
    faults = damaged(folder)
    if as_json:
        print_json({"folder": str(folder), "models": rows, "faults": [str(fault) for fault in faults]})
    else:
        table = Table()
        for head in ("模型", "含义", "来自", "版本", "本单位样本"):
            table.add_column(head)
        for row in rows:
            table.add_row(*(str(cell) for cell in row.values()))
        out.print(table)
        for fault in faults:
            console.print(str(fault), markup=False, soft_wrap=True)
    if faults:
        raise typer.Exit(1)


def _row(folder: Path, name: str) -> dict[str, object]:
    shipped = starter_model() if name == SENTIMENT else starter.starter_model(name)
    try:
        model: Model | None = (
            office_model.in_use(folder) if name == SENTIMENT else office_opinions.stored(folder, name)
        )
    except (ConfigError, UserError):
        model = None
    used = model or shipped
    return {
        "name": name,
        "meaning": MODEL_NAMES.get(name, "情感"),
        "from": "起步样本" if used.version == shipped.version else "本单位",
        "version": used.version,
        "learnt": used.about.get("more", 0),
    }


@models_app.command("train")
def train(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="模型", help="public、lead、subject、answer；不写则全部"),
    ] = None,
) -> None:
    """用起步样本和本单位的研判（签收、改派、不予受理、换领域、必须或不必回应）重新训练；在保留的研判上更差或无从比较则不换。"""
    chosen = [_known(name) for name in names or NAMES]
    settings, configuration = configured()
    said = from_store(settings, said_of_matters)
    changed = 0
    for name in chosen:
        with console.status(f"正在训练 {name}（另开进程）…"):
            done = office_opinions.train(
                models_folder(settings), name, said[name], configuration.office.channels
            )
        changed += done.accepted
        for line in _outcome(done):
            out.print(line, markup=False, emoji=False)
    if not changed:
        raise typer.Exit(1)


@models_app.command("back")
def back(
    name: Annotated[str, typer.Argument(metavar="模型", help="public、lead、subject 或 answer")],
) -> None:
    """换回上一个模型；没有上一个则换回起步模型。"""
    model = office_opinions.back(models_folder(settings_now()), _known(name))
    out.print(
        f"已换回 {MODEL_NAMES[name]}模型 {model.version}；运行中的服务随即启用。", markup=False, emoji=False
    )


def _known(name: str) -> str:
    if name not in NAMES:
        raise BadUsage(f"模型只有 {'、'.join(NAMES)}，没有 {name}；情感模型用 yuqing sentiment。")
    return name


def _outcome(done: Training) -> Sequence[str]:
    head = f"{MODEL_NAMES[done.name]}（{done.name}）：学了 {done.learnt} 段，保留作测试 {done.kept} 段。"
    if done.before is None or done.after is None:
        need = (
            f"两类各要 {office_opinions.least_of_each} 段"
            if done.name in TWO_SIDED
            else f"要 {office_opinions.least_kept} 段"
        )
        return [head, f"  可比的研判太少（保留的{need}），没有训练，正在用的模型没有动。"]
    figure = "AUC" if done.name in TWO_SIDED else "判对的比例"
    compared = f"  保留研判上的{figure}：原 {done.before:.3f}，新 {done.after:.3f}。"
    if not done.accepted:
        return [head, f"{compared}新模型更差，没有换。"]
    return [head, f"{compared}已换上，运行中的服务随即启用；换回用 yuqing models back {done.name}。"]
