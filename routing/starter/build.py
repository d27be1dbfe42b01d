"""`python -m routing.starter.build` fits the models that are shipped and writes them beside the texts they come from."""

from importlib.resources import files
from pathlib import Path

from routing.ngrams import Model
from routing.starter import opinions, sentiment


def main() -> None:
    """Write the models; say how many runs and bytes each has."""
    _write(sentiment.MODEL_FILE, sentiment.fit())
    for name, file in opinions.MODEL_FILES.items():
        _write(file, opinions.fit(name))


def _write(file: str, model: Model) -> None:
    data = model.dump()
    (Path(str(files("routing.starter"))) / file).write_bytes(data)
    print(f"{file}: {len(model)} runs, {len(data)} bytes, version {model.version}")  # noqa: T201


if __name__ == "__main__":
    main()
