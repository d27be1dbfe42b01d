"""sentiment score, eval, train, back: what the machine feels in a text, how good that is, and how it learns."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from bot.cli.common import (
    BadUsage,
    console,
    from_store,
    is_there,
    lines_of,
    out,
    print_json,
    read_text,
    settings_now,
)
from bot.names import BAND_NAMES
from bot.scoring import models_folder
from bot.settings import Settings
from monitors import office_model
from monitors.office_model import Training, Verdict
from monitors.sentiment import NgramScorer, SnowNlpScorer
from routing.accuracy import Accuracy, measure
from routing.errors import ConfigError, Problem, UserError
from routing.items import Band, Sentiment
from routing.ngrams import Row
from routing.starter.sentiment import NEGATIVE, NOT_NEGATIVE
from routing.verdicts import said_of_texts

sentiment_app = typer.Typer(
    help="情感：打分、评测、训练、换回。", no_args_is_help=True, rich_markup_mode=None
)
most_problems = 20
_figures: Mapping[str, str] = {
    "right": "准确率",
    "macro_f1": "宏 F1",
    "auc": "AUC",
    "recall": "消极召回（误报一成）",
    "ece": "校准误差",
}
Files = Annotated[
    list[Path], typer.Argument(metavar="文件", help="CSV：text 或 title 列，label 列 0 消极 1 不消极")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(sentiment_app, name="sentiment")


@sentiment_app.command("score")
def score(
    file: Annotated[Path | None, typer.Argument(metavar="文件", help="一行一段文字的文件")] = None,
    text: Annotated[str, typer.Option(help="一段文字")] = "",
    scorer: Annotated[str, typer.Option(metavar="<模型>", help="ngram（本单位模型）或 snownlp")] = "ngram",
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> None:
    """给每行文字判断情绪：消极、不明、不消极，和依据；分数用 --json 看。没有可判断内容的不判。"""
    if scorer not in {"ngram", "snownlp"}:
        raise BadUsage(f"--scorer 只能是 ngram 或 snownlp，不能是 {scorer}。")
    lines = lines_of(text, file)
    maker = (
        SnowNlpScorer()
        if scorer == "snownlp"
        else NgramScorer(office_model.in_use(models_folder(settings_now())))
    )
    with console.status("正在打分…"):
        scored = [(line, maker.score(line)) for line in lines]
    if as_json:
        print_json([_row(line, s, f"{maker.name} {maker.version}") for line, s in scored])
        return
    for line, s in scored:
        out.print(_told(line, s), markup=False, emoji=False)


def _row(line: str, s: Sentiment | None, maker: str) -> dict[str, object]:
    return {
        "text": line,
        "band": s and s.band.value,
        "raw": s and s.raw,
        "value": s and s.value,
        "confidence": s and s.confidence,
        "evidence": list(s.evidence) if s else [],
        "scorer": maker,
    }


def _told(line: str, s: Sentiment | None) -> str:
    if s is None:
        return f"不判　{line[:60]}"
    because = f"　（依据：{'、'.join(s.evidence)}）" if s.evidence else ""
    return f"{BAND_NAMES[s.band]}　{line[:60]}{because}"


# --- eval ---


@dataclass(frozen=True, slots=True)
class Labelled:
    """One row of a CSV: title and text as a scorer takes them, and whether a person called it not negative."""

    text: str
    friendly: bool


@sentiment_app.command("eval")
def evaluate(
    files: Files, as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False
) -> None:
    """在标注好的 CSV 上评测正在用的模型，并与原版 snownlp 对照；一个文件一行。"""
    sets = [(file, read_labelled(file)) for file in files]
    own = NgramScorer(office_model.in_use(models_folder(settings_now())))
    with console.status("正在打分…"):
        from monitors.segmenter import Classifier

        makers: dict[str, Callable[[str], float]] = {
            "ngram": partial(_value, own),
            "snownlp": Classifier().classify,
        }
        rows = [
            (file, {name: _measured(give, labelled) for name, give in makers.items()})
            for file, labelled in sets
        ]
    if as_json:
        print_json([{"file": str(file), **{n: asdict(a) for n, a in found.items()}} for file, found in rows])
        return
    out.print(_table(rows))
    out.print(f"每格：本单位模型 {own.version} / 原版 snownlp。", markup=False, emoji=False)


def _value(scorer: NgramScorer, text: str) -> float:
    found = scorer.score(text)
    return found.value if found else 0.5


def _measured(give: Callable[[str], float], labelled: Sequence[Labelled]) -> Accuracy:
    return measure([give(row.text) for row in labelled], [row.friendly for row in labelled])


def _table(rows: Sequence[tuple[Path, Mapping[str, Accuracy]]]) -> Table:
    table = Table()
    for head in ("文件", "条数", "消极", *_figures.values()):
        table.add_column(head, overflow="fold")
    for file, found in rows:
        own, stock = found["ngram"], found["snownlp"]
        cells = [f"{_shown(getattr(own, name))} / {_shown(getattr(stock, name))}" for name in _figures]
        table.add_row(Text(file.name), str(own.texts), str(own.negatives), *cells)
    return table


def _shown(figure: float | None) -> str:
    return "—" if figure is None else f"{figure:.3f}"


# --- train, back ---


@sentiment_app.command("train")
def train(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="文件", help="CSV：text 或 title 列，label 列 0 消极 1 不消极"),
    ] = None,
) -> None:
    """用起步样本、值班人员的研判和给出的 CSV 重新训练；在保留的研判上更差则不换。"""
    settings = settings_now()
    rows = [
        Row(row.text, NOT_NEGATIVE if row.friendly else NEGATIVE)
        for file in files or ()
        for row in read_labelled(file)
    ]
    # Texts of one's own can be learnt from before the first run; without them it is the database that is asked for.
    verdicts = verdict_rows(settings) if is_there(settings) or not rows else []
    if not rows and not verdicts:
        raise UserError("没有可学的：没有人研判过情感，也没有给出 CSV。正在用的模型没有动。")
    with console.status("正在训练（另开进程）…"):
        done = office_model.train(models_folder(settings), rows, verdicts)
    for line in _outcome(done):
        out.print(line, markup=False, emoji=False)
    if not done.accepted:
        raise typer.Exit(1)


@sentiment_app.command("back")
def back() -> None:
    """换回上一个模型；没有上一个则换回起步模型。"""
    model = office_model.back(models_folder(settings_now()))
    out.print(f"已换回 {model.name} {model.version}，服务重启后启用。", markup=False, emoji=False)


def verdict_rows(settings: Settings) -> Sequence[Verdict]:
    """Give what people on duty said of texts, in the order in which they first did; each text once, as it is stored."""
    return [
        Verdict(
            said.number,
            f"{said.title}\n{said.text}" if said.title else said.text,
            said.band is Band.NEGATIVE,
        )
        for said in from_store(settings, said_of_texts)
    ]


def _outcome(done: Training) -> list[str]:
    lines = [f"起步样本之外学了 {done.learnt} 段，保留作测试的研判 {done.kept} 条。"]
    if done.before is None or done.after is None:
        lines.append("保留的研判太少，没有比较新旧模型；可用 yuqing sentiment eval 评测。")
    else:
        lines.append(f"保留研判上的 AUC：原 {done.before:.3f}，新 {done.after:.3f}。")
    if not done.accepted:
        return [*lines, "新模型更差，没有换，正在用的模型没有动。"]
    used = f"已换上 {done.model.name} {done.model.version}，服务重启后启用；换回用 yuqing sentiment back。"
    return [*lines, used]


# --- labelled files ---


def read_labelled(file: Path) -> list[Labelled]:
    """Read a CSV of labelled texts. Raises ConfigError with the faults of its rows, UserError where it cannot be read."""
    reader = csv.DictReader(io.StringIO(read_text(file), newline=""), strict=True)
    problems: list[Problem] = []
    found = []
    try:
        heads = set(reader.fieldnames or ())
        if "label" not in heads or not heads & {"title", "text"}:
            shown = "、".join(map(str, reader.fieldnames or ())) or "空文件"
            cure = "第一行要有 label 列，以及 text 或 title 列"
            raise ConfigError([Problem(str(file), 1, "表头", shown[:80], "缺列", cure)])
        for row in reader:
            text = "\n".join(part for part in (row.get("title"), row.get("text")) if part and part.strip())
            if row["label"] not in {"0", "1"}:
                shown = str(row["label"])[:20]
                problems.append(
                    Problem(str(file), reader.line_num, "label", shown, "不是 0 或 1", "0 消极，1 不消极")
                )
            elif not text:
                problems.append(
                    Problem(str(file), reader.line_num, "text", "", "没有文字", "请补上或删去这一行")
                )
            else:
                found.append(Labelled(text, row["label"] == "1"))
    except csv.Error as error:
        reason, cure = f"不是完整的 CSV（{error}）", "请另存为 UTF-8 的 CSV"
        raise ConfigError([Problem(str(file), reader.line_num, "CSV", "", reason, cure)]) from error
    if problems or not found:
        nothing = Problem(str(file), None, "行", "", "没有一行文字", "请给出标注好的文字")
        raise ConfigError(problems[:most_problems] or [nothing])
    return found
