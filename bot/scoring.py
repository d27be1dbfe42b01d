"""Which scorer and which models the service works with, and where the office's own models lie."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from bot.settings import Settings
from monitors import office_model
from monitors.office_model import OfficeScorer
from monitors.sentiment import Scorer, SnowNlpScorer
from routing import office_opinions
from routing.errors import ConfigError, Problem, UserError
from routing.opinions import Opinions


def scorer_of(settings: Settings) -> Callable[[], Scorer]:
    """Give what makes the scorer in a child process: the office's own model, or snownlp where the operator wants it."""
    return SnowNlpScorer if settings.scorer == SnowNlpScorer.name else OfficeScorer(models_folder(settings))


def models_folder(settings: Settings) -> Path:
    """Give where the office's models lie: `models` beside the SQLite file, else in the working folder."""
    url = make_url(settings.database_url)
    file = url.database if url.get_backend_name() == "sqlite" else None
    return Path(file or "").parent / "models"


def damaged(folder: Path) -> list[Problem]:
    """Name the model files that cannot be read, each with its cure; the starter set's models stand in for them."""
    found: list[Problem] = []
    try:
        office_model.in_use(folder)
    except ConfigError as error:
        found += error.problems
    except UserError as error:
        cure = "请用 yuqing sentiment back 换回上一个"
        found.append(Problem(str(folder / office_model.IN_USE), None, "模型", "", str(error), cure))
    return [*found, *office_opinions.faults(folder)]


@dataclass(frozen=True, slots=True)
class Taught:
    """Models that came into use, and what to tell the operator (Chinese)."""

    opinions: Opinions
    text: str


class ModelWatcher:
    """Notices that the models of the judgement were trained or taken back while the service runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen = office_opinions.signature(folder)
        self.opinions = office_opinions.opinions(folder)

    def look(self) -> Taught | None:
        """Look once; None while nothing changed. Reads the files only where their time or size did."""
        now = office_opinions.signature(self._folder)
        if now == self._seen:
            return None
        self._seen = now
        opinions = office_opinions.opinions(self._folder)
        if opinions.version == self.opinions.version:
            return None
        self.opinions = opinions
        faults = "".join(f"\n{problem}" for problem in office_opinions.faults(self._folder))
        broken = f"；读不出的由起步模型代替：{faults}" if faults else ""
        return Taught(opinions, f"研判模型已更新，版本 {opinions.version}{broken}")
