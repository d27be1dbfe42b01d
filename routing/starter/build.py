"""`python -m routing.starter.build` fits the models that are shipped and writes them beside the texts they come from."""

from importlib.resources import files
from pathlib import Path

from routing.starter import sentiment


def main() -> None:
    """Write the models; say how many runs and bytes each has."""
    folder = Path(str(files("routing.starter")))
    model = sentiment.fit()
    data = model.dump()
    (folder / sentiment.MODEL_FILE).write_bytes(data)
    print(f"{sentiment.MODEL_FILE}: {len(model)} runs, {len(data)} bytes, version {model.version}")  # noqa: T201


if __name__ == "__main__":
    main()
