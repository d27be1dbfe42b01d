"""The office's own judgement: learnt apart, never worse on what is kept, whole or not at all, taken back by one call."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from routing import office_opinions
from routing.conditions import Subject
from routing.errors import ConfigError, UserError
from routing.items import Kind
from routing.model_folder import ModelFiles
from routing.ngrams import Model, Row
from routing.ngrams_fit import fit
from routing.office_opinions import back, faults, models, opinions, signature, stored, train
from routing.starter.opinions import ANSWER, LEAD, NO, PUBLIC, SUBJECT, TWO_SIDED, YES, starter_model
from routing.teaching import Said

CHANNELS = ("network", "petition", "publicity", "security", "office", "emergency")
FERRY, RAFT = "绥阳渡的渡船", "绥阳渡的竹筏"
"""Nothing that the starter set judges, so only what is learnt can tell."""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[Row]]:
    """Fit without a process, with one text a class in place of the starter set; gives what was learnt each time."""
    learnt: list[Sequence[Row]] = []

    def fitted(name: str, rows: Sequence[Row]) -> Model:
        learnt.append(rows)
        classes = starter_model(name).classes
        base = [Row(f"起步{label}", label) for label in classes]
        order = classes if name in TWO_SIDED else ()
        return fit([*base, *rows], name=name, classes=order, least=1, penalty=0.1, balanced=True)

    monkeypatch.setattr(office_opinions, "_fitted_apart", fitted)
    return learnt


def two_sorts(count: int, first: str, second: str, where: str = "feed") -> list[Said]:
    """Two sorts of texts in turn, each with its word."""
    return [
        Said(n, f"第{n}封{'渡船停了' if n % 2 else '集市开了'}", first if n % 2 else second, where)
        for n in range(1, count + 1)
    ]


def turned(every: Sequence[Said], first: str, second: str) -> list[Said]:
    other = {first: second, second: first}
    return [one if one.number % 5 == 0 else Said(one.number, one.text, other[one.label]) for one in every]


@pytest.mark.timeout(300)
def test_a_model_is_learnt_in_a_process_of_its_own_and_judges_from_then_on(tmp_path: Path) -> None:
    every = [
        Said(n, f"{FERRY if n % 2 else RAFT}第{n}次", YES if n % 2 else NO, "feed") for n in range(1, 61)
    ]
    done = train(tmp_path, PUBLIC, every, CHANNELS)
    assert (done.accepted, done.learnt, done.kept, done.after) == (True, 48, 12, 1.0)
    assert done.before is not None
    assert done.before < 1
    said = [opinions(tmp_path).public(Subject("", f"{of}又来了", Kind.POST)) for of in (FERRY, RAFT)]
    assert said[0] > 0.5 > said[1]
    assert [path.name for path in tmp_path.iterdir()] == ["public.model"]
    assert starter_model(PUBLIC).version[:6] not in opinions(tmp_path).version


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [(PUBLIC, YES, NO), (ANSWER, YES, NO), (LEAD, "petition", "network"), (SUBJECT, "交通运输", "商贸旅游")],
)
def test_every_fifth_text_is_for_ever_a_test_and_never_learnt(
    tmp_path: Path, quick: list[Sequence[Row]], name: str, first: str, second: str
) -> None:
    every = two_sorts(60, first, second)
    copy = Said(61, every[4].text, first)
    done = train(tmp_path, name, [*every, copy], CHANNELS)
    assert (done.accepted, done.learnt, done.kept) == (True, 48, 12)
    assert {row.text for row in quick[0]}.isdisjoint(one.text for one in every if one.number % 5 == 0)
    assert done.after == 1.0
    assert stored(tmp_path, name) is not None


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [(PUBLIC, YES, NO), (ANSWER, YES, NO), (LEAD, "petition", "network"), (SUBJECT, "交通运输", "商贸旅游")],
)
def test_a_worse_model_is_refused_and_the_one_in_use_stays(
    tmp_path: Path, quick: list[Sequence[Row]], name: str, first: str, second: str
) -> None:
    every = two_sorts(60, first, second)
    train(tmp_path, name, every, CHANNELS)
    before = (tmp_path / f"{name}.model").read_bytes()
    done = train(tmp_path, name, turned(every, first, second), CHANNELS)
    assert not done.accepted
    assert (done.before, done.after) == (1.0, 0.0)
    assert (tmp_path / f"{name}.model").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_without_enough_to_compare_by_nothing_is_fitted(tmp_path: Path, quick: list[Sequence[Row]]) -> None:
    only_yes = [Said(n, f"第{n}封", YES) for n in range(1, 101)]
    few = two_sorts(45, "petition", "network")
    for name, every in ((PUBLIC, only_yes), (ANSWER, only_yes), (LEAD, few), (SUBJECT, ())):
        done = train(tmp_path, name, every, CHANNELS)
        assert (done.accepted, done.before, done.after) == (False, None, None)
    assert quick == []
    assert list(tmp_path.iterdir()) == []


def test_a_channel_of_the_office_s_own_is_named_once_it_has_texts_enough_and_a_former_one_never(
    tmp_path: Path, quick: list[Sequence[Row]]
) -> None:
    every = two_sorts(60, "petition", "network")
    former = [Said(n, f"老渠道{n}", "closed") for n in range(101, 141)]
    few = [Said(n, f"山洪{n}", "emergency") for n in (201, 202, 203)]
    train(tmp_path, LEAD, [*every, *former, *few], CHANNELS)
    assert {row.label for row in quick[0]} == {"petition", "network"}
    more = [Said(n, f"山洪{n}", "emergency") for n in range(201, 226)]
    train(tmp_path, LEAD, [*every, *former, *more], CHANNELS)
    assert {row.label for row in quick[1]} == {"petition", "network", "emergency"}
    shares = opinions(tmp_path).lead(Subject("", "山洪", Kind.POST))
    assert shares["emergency"] > 0.5


def test_back_goes_to_the_model_before_and_then_to_the_starter(
    tmp_path: Path, quick: list[Sequence[Row]]
) -> None:
    train(tmp_path, LEAD, two_sorts(60, "petition", "network"), CHANNELS)
    first = stored(tmp_path, LEAD)
    train(tmp_path, LEAD, two_sorts(80, "petition", "network"), CHANNELS)
    second = stored(tmp_path, LEAD)
    assert first is not None
    assert second is not None
    assert back(tmp_path, LEAD).version == first.version != second.version
    assert back(tmp_path, LEAD).version == starter_model(LEAD).version
    with pytest.raises(UserError, match="没有可换回的"):
        back(tmp_path, LEAD)


def test_a_damaged_file_is_told_and_the_starter_stands_in_until_training_heals_it(
    tmp_path: Path, quick: list[Sequence[Row]]
) -> None:
    assert faults(tmp_path) == []
    unseen = signature(tmp_path)
    (tmp_path / "lead.model").write_bytes(b"nonsense")
    assert signature(tmp_path) != unseen
    [fault] = faults(tmp_path)
    assert (fault.file, fault.reason) == (str(tmp_path / "lead.model"), "不是完整的模型文件")
    assert "yuqing models back" in fault.cure
    assert opinions(tmp_path).version == opinions(tmp_path / "none").version
    assert train(tmp_path, LEAD, two_sorts(60, "petition", "network"), CHANNELS).accepted
    assert faults(tmp_path) == []
    assert not (tmp_path / "lead.before.model").exists(), "a damaged model is not worth keeping"


@pytest.mark.parametrize("name", [PUBLIC, LEAD, SUBJECT, ANSWER])
def test_a_model_of_something_else_is_refused(tmp_path: Path, name: str) -> None:
    other = fit([Row("一", "a"), Row("二", "b"), Row("三", "c")], name="other", least=1)
    ModelFiles(tmp_path, name, "yuqing models").put(other, keep=False)
    with pytest.raises(ConfigError, match="别的模型"):
        stored(tmp_path, name)
    assert models(tmp_path) == {}
    assert [fault.file for fault in faults(tmp_path)] == [str(tmp_path / f"{name}.model")]
