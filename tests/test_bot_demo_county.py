import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from bot.demo.county import COUNTY, NEIGHBOURS, PLACES, SOURCES, STORIES, SampleText, load_texts, read_texts
from bot.demo.office import write_config
from bot.office_file import load_office
from routing.competence import competent
from routing.items import Kind

TEXTS = load_texts()
BY_ID = {text.id: text for text in TEXTS}
FULL_WIDTH = str.maketrans("０１２３４５６７８９", "0123456789")
ID_NUMBER = re.compile(r"(?<!\d)\d{17}[\dX](?!\d)")
MOBILE = re.compile(r"(?<!\d)(?:\+86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)")
CARD = re.compile(r"(?<!\d)62\d{14,17}(?!\d)")
PLATE = re.compile(r"[\u4e00-\u9fff][A-Z][A-Z0-9]{5}")
E_MAIL = re.compile(r"[\w.]+@[\w.]+\.example")
LANDLINE = re.compile(r"(?<!\d)0\d{2,3}[- ]?\d{7,8}(?!\d)")
ANY_E_MAIL = re.compile(r"\S+@\S+\.\S+")
SHAPES = {"id": ID_NUMBER, "mobile": MOBILE, "card": CARD, "plate": PLATE, "e-mail": E_MAIL}
CHANNELS = {"network", "petition", "publicity", "security", "office"}


def row(**changes: object) -> str:
    good: dict[str, object] = {
        "id": "f1",
        "source": "forum",
        "kind": "post",
        "at": 0,
        "title": "桂汀苑停水",
        "text": "没水了",
        "parent": None,
        "place": "桂汀苑",
        "story": "water-guiting",
    }
    return json.dumps(good | changes, ensure_ascii=False)


def shape_of(planted: str) -> str | None:
    plain = planted.translate(FULL_WIDTH)
    return next((name for name, shape in SHAPES.items() if shape.fullmatch(plain)), None)


def of_story(story: str) -> list[SampleText]:
    return [text for text in TEXTS if text.story == story]


def test_there_are_enough_texts_of_every_source() -> None:
    assert len(TEXTS) >= 230
    by_source = Counter(text.source for text in TEXTS)
    assert by_source.keys() == SOURCES.keys()
    assert min(by_source.values()) >= 20


@pytest.mark.parametrize(
    ("text", "channel", "unit"),
    [
        ("b001", "office", "县民政局"),
        ("b004", "office", "县教育局"),
        ("f009", "office", "县交通运输局"),
        ("n028", "security", "县交警大队"),
        ("f036", "security", "县消防救援大队"),
    ],
)
def test_the_units_of_the_demo_are_proposed_for_its_texts(
    tmp_path: Path, text: str, channel: str, unit: str
) -> None:
    write_config(tmp_path, dict.fromkeys(SOURCES, "http://127.0.0.1:1/x"))
    office = load_office((tmp_path / "office.toml").read_text(encoding="utf-8"), "office.toml")
    assert {key for key, found in office.channels.items() if found.bodies} == {"office", "security"}
    sample = BY_ID[text]
    proposed = competent(office.channels[channel], sample.title, sample.text, None, ())
    assert proposed.unit == unit
    assert proposed.why


def test_what_somebody_edited_in_the_demo_stays_at_the_next_start(tmp_path: Path) -> None:
    urls = dict.fromkeys(SOURCES, "http://127.0.0.1:1/x")
    write_config(tmp_path, urls)
    edited, whole = tmp_path / "sources.toml", tmp_path / "rules.toml"
    edited.write_text("# mine", encoding="utf-8")
    whole.unlink()
    write_config(tmp_path, urls)
    assert edited.read_text(encoding="utf-8") == "# mine"
    assert whole.exists()


def test_ids_are_unique_and_parents_precede_their_comments() -> None:
    assert len(BY_ID) == len(TEXTS)
    place_in_order = {text.id: number for number, text in enumerate(TEXTS)}
    comments = [text for text in TEXTS if text.kind is Kind.COMMENT]
    assert len(comments) >= 50
    for comment in comments:
        assert comment.parent is not None
        assert place_in_order[comment.parent] < place_in_order[comment.id]
        assert BY_ID[comment.parent].kind is not Kind.COMMENT


def test_a_third_of_the_texts_concerns_nobody_in_the_office() -> None:
    share = sum(text.story is None for text in TEXTS) / len(TEXTS)
    assert 0.3 <= share <= 0.4


def test_every_channel_has_matters_and_every_matter_has_texts() -> None:
    told = {text.story for text in TEXTS if text.story}
    assert told == STORIES.keys()
    assert len(STORIES) >= 25
    assert Counter(STORIES.values()).keys() == CHANNELS
    assert min(Counter(STORIES.values()).values()) >= 4


def test_the_older_news_comes_before_a_steady_stream() -> None:
    baseline = [text for text in TEXTS if text.at == 0]
    live = [text.at for text in TEXTS if text.at > 0]
    assert len(baseline) >= 60
    assert [text.at for text in TEXTS] == sorted(text.at for text in TEXTS)
    assert 5 <= (live[-1] - live[0]) / (len(live) - 1) <= 10
    assert max(late - early for early, late in pairwise(live)) <= 20


def test_the_first_live_text_is_the_water_cut() -> None:
    first = next(text for text in TEXTS if text.at > 0)
    assert first.at <= 5
    assert first.story == "water-guiting"
    assert "停水" in first.title


def test_the_burst_crosses_the_yellow_and_then_the_orange_mark() -> None:
    burst = [text for text in of_story("plastic-trees") if 600 <= text.at <= 642]
    assert len(burst) == 12
    assert burst[-1].at - burst[0].at <= 40
    views, reposts, comments, reached = 0, 0, 0, []
    for text in of_story("plastic-trees"):
        views += text.counts.views or 0
        reposts += text.counts.reposts or 0
        comments += text.counts.comments or 0
        yellow = views >= 10_000 or reposts >= 100 or comments >= 100
        orange = views >= 100_000 or reposts >= 1_000 or comments >= 1_000
        reached.append((text.at, yellow, orange))
    first_yellow = next(at for at, yellow, _ in reached if yellow)
    first_orange = next(at for at, _, orange in reached if orange)
    assert burst[0].at < first_yellow < first_orange < burst[-1].at
    assert (views < 1_000_000, reposts < 10_000, comments < 10_000) == (True, True, True)


def test_there_are_exact_reposts_inside_a_matter_and_never_across_matters() -> None:
    said = {}
    reposts = 0
    for text in TEXTS:
        if twin := said.setdefault(text.text, text):
            assert twin.story == text.story
            reposts += twin is not text
    assert reposts >= 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("water-guiting", "water-luchi"),
        ("wages-tingan", "wages-park"),
        ("crop-liunan", "crop-liubei"),
        ("crash-bridge", "crash-yingbin"),
        ("streetlight-wenlan", "streetlight-renmin"),
    ],
)
def test_near_equal_matters_differ_in_place(one: str, other: str) -> None:
    places = [{text.place for text in of_story(story)} for story in (one, other)]
    assert None not in places[0] | places[1]
    assert not places[0] & places[1]


def test_planted_personal_data_has_every_shape() -> None:
    planted = [string for text in TEXTS for string in text.planted]
    assert len([text for text in TEXTS if text.planted]) >= 8
    assert {shape_of(string) for string in planted} == SHAPES.keys()


def test_planted_id_numbers_have_the_right_check_digit() -> None:
    # GB 11643-1999: weights 2^(18-i) mod 11, the check character makes the weighted sum 1 mod 11.
    numbers = [string for text in TEXTS for string in text.planted if shape_of(string) == "id"]
    assert len(numbers) >= 2
    for number in numbers:
        values = [10 if character == "X" else int(character) for character in number]
        assert sum(value * 2 ** (17 - i) for i, value in enumerate(values)) % 11 == 1
        assert number[6:8] == "19"
        assert number[:6] == "419900"  # a region that was never given out


def test_planted_bank_card_has_the_right_check_digit() -> None:
    (card,) = [string for text in TEXTS for string in text.planted if shape_of(string) == "card"]
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(card))]
    assert sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0


def test_nothing_like_personal_data_stands_outside_the_planted_strings() -> None:
    for text in TEXTS:
        rest = f"{text.title} {text.text}"
        for string in text.planted:
            rest = rest.replace(string, "")
        plain = rest.translate(FULL_WIDTH)
        for shape in (ID_NUMBER, MOBILE, CARD, PLATE, LANDLINE, ANY_E_MAIL):
            assert not shape.search(plain), text.id


def test_places_are_named_once_and_no_alias_means_two_of_them() -> None:
    spellings = [spelling for name, aliases, _ in PLACES for spelling in (name, *aliases)]
    assert len(spellings) == len(set(spellings))
    assert PLACES[0][0] == COUNTY
    assert not set(spellings) & set(NEIGHBOURS)
    assert any(elsewhere for _, _, elsewhere in PLACES)


def test_texts_of_the_neighbours_are_no_matter_of_ours() -> None:
    theirs = [t for t in TEXTS if any(t.title.startswith(county) for county in NEIGHBOURS)]
    assert len(theirs) >= 5
    assert not any(text.story for text in theirs)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"source": "radio"}, "unknown source"),
        ({"kind": "comment"}, "has no comment"),
        ({"kind": "song"}, "song"),
        ({"text": "  "}, "no text"),
        ({"text": "停\x00水"}, "control"),
        ({"parent": "f0"}, "a comment has a parent"),
        ({"source": "comments", "kind": "comment", "parent": "f0"}, "does not precede"),
        ({"source": "comments", "kind": "comment"}, "a comment has a parent"),
        ({"story": "no-such-matter"}, "unknown story"),
        ({"place": "长安街"}, "unknown place"),
        ({"planted": ["19900000000"]}, "planted"),
        ({"author": "某人"}, "unknown"),
        ({"counts": {"shares": 3}}, "shares"),
        ({"at": -1}, "earlier"),
        ({"id": ""}, "empty or used twice"),
    ],
)
def test_a_bad_line_is_refused_with_its_number(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=rf"^texts\.jsonl:2: .*{reason}"):
        read_texts([row(id="f9"), row(**changes)])


def test_a_line_without_a_field_or_with_a_used_id_is_refused() -> None:
    short = json.loads(row())
    del short["at"]
    with pytest.raises(ValueError, match=r"missing \['at'\]"):
        read_texts([json.dumps(short)])
    with pytest.raises(ValueError, match="used twice"):
        read_texts([row(), row()])


def test_a_good_line_becomes_a_value() -> None:
    (text,) = read_texts([row(counts={"views": 7}, planted=["没水"])])
    assert (text.id, text.kind, text.counts.views, text.counts.comments) == ("f1", Kind.POST, 7, None)
    assert text.planted == ("没水",)
