"""The configuration that `yuqing init` writes: it loads, explains itself and judges sample texts as its comments say."""

import re
from importlib.resources import files
from typing import get_args

import pytest

from bot.config import Configuration, load_folder
from monitors.masking import mask
from monitors.sources import SourceKind
from monitors.sources_file import load_sources
from routing.items import OWN_TAG, Kind
from routing.rules import Judgement, Subject

NAMES = ("office.toml", "sources.toml", "rules.toml")


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    folder = tmp_path_factory.mktemp("config")
    for name in NAMES:
        text = files("bot.templates").joinpath(name).read_text(encoding="utf-8")
        (folder / name).write_text(text, encoding="utf-8")
    return load_folder(folder)


def judged(configuration: Configuration, text: str, own: bool = True) -> Judgement:
    tags = (OWN_TAG,) if own else ()
    return configuration.rules.judge(Subject("", mask(text).text, Kind.POST, tags, None, own=own))


@pytest.mark.parametrize(
    ("text", "channel"),
    [
        ("人民路停水三天了，没人管", "network"),
        ("业主们明天一起去县政府门口拉横幅", "security"),
        ("工地拖欠工资半年，农民工讨薪无门", "petition"),
        ("本报记者到县医院采访收费问题", "publicity"),
        ("请问公交老年卡怎么办理", "office"),
    ],
)
def test_the_sample_rules_send_a_text_to_each_channel(
    configuration: Configuration, text: str, channel: str
) -> None:
    assert channel in configuration.office.channels
    answer = judged(configuration, text)
    assert (answer.relevant, answer.channel) == (True, channel), [str(r) for r in answer.reasons]
    assert answer.reasons


@pytest.mark.parametrize("text", ["周末大促销，满减特价，扫码下单", "今天天气真好"])
def test_the_sample_rules_leave_other_texts_alone(configuration: Configuration, text: str) -> None:
    answer = judged(configuration, text, own=False)
    assert not answer.relevant
    assert answer.reasons


def test_no_source_of_the_sample_can_be_reached_by_accident(configuration: Configuration) -> None:
    for source in configuration.sources:
        assert "example" in source.url
        assert not source.allow_hosts


def uncommented(text: str) -> str:
    """The sources of the template with every example switched on, as its head says."""
    return re.sub(r"^#(?! |$)", "", text, flags=re.MULTILINE)


def test_every_example_of_a_source_works_once_its_marks_are_taken_away() -> None:
    text = files("bot.templates").joinpath("sources.toml").read_text(encoding="utf-8")
    sources = load_sources(uncommented(text))
    assert len(sources) > len(load_sources(text))
    assert {source.kind for source in sources} == set(get_args(SourceKind))
    assert any(source.mirrors for source in sources)
    assert any(source.mapping and source.mapping.page for source in sources)
    assert all("example" in source.url or not source.url or source.allow_hosts for source in sources)


@pytest.mark.parametrize("name", NAMES)
def test_a_template_ships_with_the_package_and_is_commented(name: str) -> None:
    path = files("bot.templates").joinpath(name)
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert "\t" not in text
    assert text.endswith("\n")
