"""Which scorer the service works with, and where the office's own models lie."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import make_url

from bot.config import Settings
from monitors.office_model import OfficeScorer
from monitors.sentiment import Scorer, SnowNlpScorer


def scorer_of(settings: Settings) -> Callable[[], Scorer]:
    """Give what makes the scorer in a child process: the office's own model, or snownlp where the operator wants it."""
    return SnowNlpScorer if settings.scorer == SnowNlpScorer.name else OfficeScorer(models_folder(settings))


def models_folder(settings: Settings) -> Path:
    """Give where the office's models lie: `models` beside the SQLite file, else in the working folder."""
    url = make_url(settings.database_url)
    file = url.database if url.get_backend_name() == "sqlite" else None
    return Path(file or "").parent / "models"
