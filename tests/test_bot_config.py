"""Settings and the office's files: all problems at once, with the line and the cure, and no secret in any of them."""

import os
from collections.abc import Mapping
from dataclasses import fields
from importlib.resources import files
from pathlib import Path

import pytest

from bot.config import load_folder
from bot.office_file import load_office
from bot.settings import PREFIX, SECRETS, Settings, folder_setting, load_settings, read_environment
from routing.errors import ConfigError, Problem
from routing.office import Body, Colour, Level, Limit, Step, Supervision

TOKEN = "123456789:" + "Secret_token-of-the-bot" * 2
TEMPLATES = {
    name: files("bot.templates").joinpath(name).read_text(encoding="utf-8")
    for name in ("office.toml", "sources.toml", "rules.toml")
}


def problems_of(environment: Mapping[str, str]) -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as caught:
        load_settings(environment)
    return caught.value.problems


# --- settings ---------------------------------------------------------------------------------------------------


def test_without_an_environment_everything_has_its_default() -> None:
    settings = load_settings({"PATH": "/bin"})
    assert settings == Settings()
    assert settings.database_url == "sqlite:///yuqing.db"
    assert settings.telegram_api == "https://api.telegram.org"


def test_settings_are_read_from_a_mapping() -> None:
    settings = load_settings(
        {
            "YUQING_CONFIG": "/etc/yuqing",
            "YUQING_DATABASE_URL": "postgresql://yuqing@db/yuqing",
            "YUQING_TELEGRAM_TOKEN": TOKEN,
            "YUQING_TELEGRAM_API": "http://127.0.0.1:8081/",
            "YUQING_TELEGRAM_PROXY": "http://127.0.0.1:3128",
            "YUQING_ADMINS": "1001, 1002,",
            "YUQING_LEDGER_KEY": "长 密 钥",
            "YUQING_INGEST_LISTEN": "127.0.0.1:8089",
            "YUQING_INGEST_KEY": "key-of-the-pushes",
        }
    )
    assert settings == Settings(
        Path("/etc/yuqing"),
        "postgresql://yuqing@db/yuqing",
        TOKEN,
        "http://127.0.0.1:8081",
        "http://127.0.0.1:3128",
        ("1001", "1002"),
        "长 密 钥",
        "127.0.0.1:8089",
        "key-of-the-pushes",
    )


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    assert load_settings({"YUQING_TELEGRAM_TOKEN": "", "YUQING_ADMINS": ""}) == Settings()


@pytest.mark.parametrize("name", [f.name for f in fields(Settings)])
def test_every_setting_has_a_twin_that_names_a_file(name: str, tmp_path: Path) -> None:
    values = {
        "config": "conf",
        "database_url": "sqlite:///other.db",
        "telegram_token": TOKEN,
        "telegram_api": "http://localhost:1",
        "telegram_proxy": "http://localhost:2",
        "admins": "7",
        "ledger_key": "key",
        "ingest_listen": "[::1]:8089",
        "ingest_key": "key-of-the-pushes",
        "scorer": "snownlp",
        "heartbeat_url": "https://hc.example/ping/5b0e?status=up&ping=",
        "backup_dir": "/var/backups",
    }
    path = tmp_path / "secret"
    path.write_text(values[name] + "\n", encoding="utf-8")
    variable = PREFIX + name.upper()
    beside = {"YUQING_INGEST_KEY": values["ingest_key"]} if name == "ingest_listen" else {}
    written = load_settings({**beside, f"{variable}_FILE": str(path)})
    assert written == load_settings({**beside, variable: values[name]})
    assert written != load_settings(beside)


def test_a_twin_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    empty, latin = tmp_path / "empty", tmp_path / "latin"
    empty.write_text("\n")
    latin.write_bytes(b"\xe9\xe9")
    both = tmp_path / "both"
    both.write_text("key")
    found = problems_of(
        {
            "YUQING_TELEGRAM_TOKEN_FILE": str(tmp_path / "missing"),
            "YUQING_LEDGER_KEY_FILE": str(empty),
            "YUQING_ADMINS_FILE": str(latin),
            "YUQING_TELEGRAM_PROXY_FILE": str(both),
            "YUQING_TELEGRAM_PROXY": "http://localhost:2",
            "YUQING_TELEGRAM_API_FILE": str(tmp_path),
        }
    )
    reasons = {p.where: p.reason for p in found}
    assert reasons["YUQING_TELEGRAM_TOKEN_FILE"] == "没有这个文件"
    assert reasons["YUQING_LEDGER_KEY_FILE"] == "文件是空的"
    assert reasons["YUQING_ADMINS_FILE"] == "不是 UTF-8 文本"
    assert reasons["YUQING_TELEGRAM_PROXY_FILE"] == "与 YUQING_TELEGRAM_PROXY 同时设置"
    assert "读不出来" in reasons["YUQING_TELEGRAM_API_FILE"]
    assert len(found) == 5


@pytest.mark.parametrize(
    "address", ["hc.example/ping", "https://", "https://hc.example/a b", "https://[::1/x"]
)
def test_an_address_for_the_heartbeat_that_cannot_be_asked_is_refused_without_being_shown(
    address: str,
) -> None:
    [problem] = problems_of({"YUQING_HEARTBEAT_URL": address})
    assert problem.where == "YUQING_HEARTBEAT_URL"
    assert problem.value == "（不显示）"
    assert "完整网址" in problem.reason


def test_all_problems_of_the_settings_come_at_once() -> None:
    found = problems_of(
        {
            "YUQING_DATABASE_URL": "oracle://x",
            "YUQING_TELEGRAM_TOKEN": "nonsense",
            "YUQING_TELEGRAM_API": "ftp://x",
            "YUQING_TELEGRAM_PROXY": "localhost",
            "YUQING_ADMINS": "zhang",
            "YUQING_SURPRISE": "1",
            "YUQING_TELEGRAM_TOKN": TOKEN,
            "YUQING_INGEST_LISTEN": "8089",
            "YUQING_INGEST_KEY": "short",
        }
    )
    assert [p.where for p in found] == sorted(p.where for p in found)
    assert {p.where.removeprefix(PREFIX) for p in found} == {
        "DATABASE_URL",
        "TELEGRAM_TOKEN",
        "TELEGRAM_API",
        "TELEGRAM_PROXY",
        "ADMINS",
        "SURPRISE",
        "TELEGRAM_TOKN",
        "INGEST_LISTEN",
        "INGEST_KEY",
    }
    assert all(p.reason and p.cure for p in found)


def test_a_misspelt_setting_is_told_the_right_name() -> None:
    (problem,) = problems_of({"YUQING_TELEGRAM_TOKN": TOKEN})
    assert "YUQING_TELEGRAM_TOKEN" in problem.cure


def test_the_settings_of_the_tests_are_none_of_ours() -> None:
    assert load_settings({"YUQING_TEST_DATABASE_URL": "postgresql://x"}) == Settings()


def test_no_secret_stands_in_a_repr_or_in_a_problem() -> None:
    right = {
        "telegram_token": TOKEN,
        "telegram_proxy": "http://u:proxy-word@localhost:1",
        "ledger_key": "ledger-word",
        "ingest_key": "ingest-word-for-pushes",
        "database_url": "postgresql://u:base-word@db/x",
        "heartbeat_url": "https://hc.example/ping-word",
    }
    assert set(right) == SECRETS
    settings = load_settings({PREFIX + name.upper(): value for name, value in right.items()})
    for word in (TOKEN, "proxy-word", "ledger-word", "base-word", "ingest-word-for-pushes", "ping-word"):
        assert word not in repr(settings)
        assert any(word in secret for secret in settings.secrets())
    wrong = {
        "YUQING_TELEGRAM_TOKEN": "not-a-token-but-secret",
        "YUQING_TELEGRAM_PROXY": "socks://u:proxy-word@x",
        "YUQING_DATABASE_URL": "mysql://u:base-word@db/x",
        "YUQING_INGEST_KEY": "in-word",
        "YUQING_HEARTBEAT_URL": "hc.example/ping-word",
    }
    told = "\n".join(map(str, problems_of(wrong)))
    assert not any(
        word in told for word in ("not-a-token-but-secret", "proxy-word", "base-word", "in-word", "ping-word")
    )


def test_a_database_address_that_cannot_be_read_is_named_without_its_password() -> None:
    (problem,) = problems_of({"YUQING_DATABASE_URL": "postgresql://u:base-word@127.0.0.1:port/x"})
    assert problem.where == "YUQING_DATABASE_URL"
    assert "端口须为数字" in problem.reason
    assert "base-word" not in str(problem)


@pytest.mark.parametrize(
    "place", ["8089", "localhost", "localhost:", "localhost:0", "localhost:70000", "http://a:1"]
)
def test_a_place_to_listen_is_host_and_port(place: str) -> None:
    (problem,) = problems_of({"YUQING_INGEST_LISTEN": place, "YUQING_INGEST_KEY": "key-of-the-pushes"})
    assert (problem.where, problem.value) == ("YUQING_INGEST_LISTEN", place)
    assert "主机:端口" in problem.reason


def test_pushes_without_a_key_are_refused_with_the_way_to_one() -> None:
    (problem,) = problems_of({"YUQING_INGEST_LISTEN": "127.0.0.1:8089"})
    assert problem.where == "YUQING_INGEST_KEY"
    assert "openssl rand -hex 32" in problem.cure


def test_a_key_for_pushes_that_is_wrong_is_told_once() -> None:
    (problem,) = problems_of({"YUQING_INGEST_LISTEN": "127.0.0.1:8089", "YUQING_INGEST_KEY": "short"})
    assert "太短" in problem.reason


def test_a_password_inside_an_address_is_a_secret_as_it_is_typed_and_as_it_is_meant() -> None:
    settings = Settings(database_url="postgresql://u:p%40ss-word@db/x")
    assert "p@ss-word" in settings.secrets()


def test_the_environment_wins_over_the_file_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text(
        'YUQING_CONFIG="from-file"\nYUQING_ADMINS=1\nOTHER=2\nYUQING_TELEGRAM_TOKEN_FILE=/nowhere\n',
        encoding="utf-8",
    )
    for name in [n for n in os.environ if n.startswith(PREFIX) and not n.startswith("YUQING_TEST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("YUQING_CONFIG", "from-outside")
    monkeypatch.setenv("YUQING_TELEGRAM_TOKEN", TOKEN)
    environment = read_environment(tmp_path)
    assert "OTHER" not in environment
    settings = load_settings(environment)
    assert (settings.config, settings.admins, settings.telegram_token) == (
        Path("from-outside"),
        ("1",),
        TOKEN,
    )


def test_a_file_beside_that_is_no_text_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"YUQING_ADMINS=\xff\xfe\n")
    with pytest.raises(ConfigError) as caught:
        read_environment(tmp_path)
    assert caught.value.problems[0].file.endswith(".env")


def test_the_folder_is_known_while_another_setting_is_wrong(tmp_path: Path) -> None:
    assert folder_setting({"YUQING_CONFIG": "conf", "YUQING_ADMINS": "x"}) == Path("conf")
    assert folder_setting({}) == Path("config")


# --- office.toml ------------------------------------------------------------------------------------------------


def bad_office(old: str, new: str) -> tuple[tuple[Problem, ...], int]:
    """The problems of the template with one place changed, and the line of that place."""
    text = TEMPLATES["office.toml"]
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the template"
    line = text[: text.index(old)].count("\n") + 1
    with pytest.raises(ConfigError) as caught:
        load_office(text.replace(old, new), "office.toml")
    return caught.value.problems, line


BAD: Mapping[str, tuple[str, str, str, str]] = {
    # rule: (what stands there, what is written instead, where, a word of reason or cure)
    "an empty name": ('name = "示例县人民政府办公室"', 'name = ""', "name", "文字太短"),
    "a code in small letters": ('code = "ZFB"', 'code = "zfb"', "code", "写法不对"),
    "no such zone": ('"Asia/Shanghai"', '"Asia/Peking"', "time_zone", "没有这个时区"),
    "a chat without a number": (
        'duty_chat = "-1001000000001"',
        'duty_chat = "值班群"',
        "duty_chat",
        "只写数字",
    ),
    "a chat that is no text": ('duty_chat = "-1001000000001"', "duty_chat = -1001", "duty_chat", "应为文字"),
    "two channels in one chat": (
        'chat = "-1001000000012"',
        'chat = "-1001000000011"',
        "channels.petition.chat",
        "同一个群",
    ),
    "a channel in the duty group": (
        'chat = "-1001000000015"',
        'chat = "-1001000000001"',
        "channels.office.chat",
        "duty_chat",
    ),
    "a channel without a unit": ('unit = "县信访局"', "", "channels.petition.unit", "缺少这一项"),
    "an unknown key": (
        'unit = "县信访局"',
        'unit = "县信访局"\nunti = "x"',
        "channels.petition.unti",
        "不认识",
    ),
    "a mark of zero": ("views = 10000,", "views = 0,", "levels.III.views", "不小于 1"),
    "three limits for four levels": (
        'dispatch = ["30m", "1h", "2h", "4wh"]',
        'dispatch = ["30m", "1h", "2h"]',
        "limits.dispatch",
        "太少",
    ),
    "a limit without a unit": (
        'sign     = ["15m", "30m", "1h", "4wh"]',
        'sign     = ["15", "30m", "1h", "4wh"]',
        "limits.sign[第1个]",
        "不是时限",
    ),
    "a limit of nothing": (
        '["2h", "4h", "1wd", "2wd"]',
        '["0h", "4h", "1wd", "2wd"]',
        "limits.draft[第1个]",
        "不是时限",
    ),
    "hours that end before they begin": (
        '"08:30-12:00"',
        '"12:00-08:30"',
        "hours.working[第1个]",
        "先早后晚",
    ),
    "hours that overlap": ('"14:00-18:00"', '"11:00-18:00"', "hours.working", "重叠"),
    "no such weekday": ("weekday = 1 ", "weekday = 8 ", "digest.weekday", "1 到 7 之间"),
    "no such time of day": ('at = "08:30"', 'at = "24:30"', "digest.at", "不是时刻"),
    "a digest to nobody known": (
        'to = ["duty", "leaders"]',
        'to = ["duty", "leader"]',
        "digest.to[第2个]",
        "leaders",
    ),
    "a reason of one letter": ('"与本县无关", ', '"无", ', "dismiss.reasons[第1个]", "文字太短"),
    "more reasons than fit a menu": (
        'reasons = ["与本县无关"',
        'reasons = ["一一", "二二", "三三", "四四", "五五", "与本县无关"',
        "dismiss.reasons",
        "项数太多",
    ),
    "an unknown key of a unit": (
        'unit = "县信访局"',
        'unit = "县信访局"\nunits = [{ name = "县住建局", word = ["物业"] }]',
        "channels.petition.units[第1个].word",
        "不认识",
    ),
    "a unit twice": (
        'unit = "县信访局"',
        'unit = "县信访局"\nunits = [{ name = "县住建局" }, { name = "县住建局" }]',
        "channels.petition",
        "单位重复：县住建局",
    ),
    "the unit of a channel once more": (
        'unit = "县信访局"',
        'unit = "县信访局"\nunits = [{ name = "县信访局" }]',
        "channels.petition",
        "不用再列",
    ),
    "a unit with an area that is none": (
        'unit = "县信访局"',
        'unit = "县信访局"\nunits = [{ name = "县住建局", subjects = ["房子"] }]',
        "channels.petition.units[第1个].subjects",
        "城乡建设",
    ),
    "a wait below nothing": ("doubt_minutes = 30", "doubt_minutes = -1", "mute.doubt_minutes", "0"),
    "a wait of hours": ("doubt_minutes = 30", "doubt_minutes = 121", "mute.doubt_minutes", "120"),
    "a wait in words": ("doubt_minutes = 30", 'doubt_minutes = "30m"', "mute.doubt_minutes", "整数"),
    "broken TOML": ('code = "ZFB"', 'code = "ZFB', "语法", "引号"),
}


@pytest.mark.parametrize("rule", BAD)
def test_a_bad_office_is_told_with_line_place_and_cure(rule: str) -> None:
    old, new, where, word = BAD[rule]
    (problem,), line = bad_office(old, new)
    assert problem.where == where
    assert word in f"{problem.reason} {problem.cure}"
    assert problem.reason
    assert problem.cure
    assert problem.line is not None
    assert abs(problem.line - line) <= 3  # a missing key is told at the head of its table
    assert problem.file == "office.toml"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            'dispatch = ["30m", "1h", "2h", "4wh"]',
            'dispatch = ["30m", "1h", "2h", "4x"]',
            'limits.dispatch[第4个] = "4x"：',
        ),
        ('"14:00-18:00"', '"14点-18点"', 'hours.working[第2个] = "14点-18点"：'),
        ('to = ["duty", "leaders"]', 'to = ["duty", "boss"]', 'digest.to[第2个] = "boss"：'),
    ],
)
def test_a_wrong_entry_of_a_list_is_told_with_its_place_and_what_stands_there(
    old: str, new: str, told: str
) -> None:
    (problem,), line = bad_office(old, new)
    assert told in str(problem)
    assert problem.line == line


def test_a_channel_whose_key_is_no_key_is_told() -> None:
    text = TEMPLATES["office.toml"].replace("[channels.petition]", '[channels."信访"]')
    with pytest.raises(ConfigError) as caught:
        load_office(text, "office.toml")
    (problem,) = caught.value.problems
    assert "信访" in problem.where


@pytest.mark.parametrize(
    ("written", "minutes"), [("doubt_minutes = 0", 0), ("", 30), ("doubt_minutes = 120", 120)]
)
def test_the_wait_of_a_doubtful_matter_is_half_an_hour_unless_it_is_written_otherwise(
    written, minutes
) -> None:
    text = TEMPLATES["office.toml"].replace("doubt_minutes = 30", written)
    assert load_office(text, "office.toml").mute.doubt_minutes == minutes


def test_all_problems_of_the_office_come_at_once_in_the_order_of_the_file() -> None:
    text = TEMPLATES["office.toml"]
    for old, new in (('"ZFB"', '"zfb"'), ("weekday = 1 ", "weekday = 9 "), ('"Asia/Shanghai"', '"Mars"')):
        text = text.replace(old, new)
    with pytest.raises(ConfigError) as caught:
        load_office(text, "office.toml")
    assert [p.where for p in caught.value.problems] == ["code", "time_zone", "digest.weekday"]


@pytest.mark.parametrize(
    ("was", "made", "most"),
    [
        ('respond  = ["48h",', 'respond  = ["49h",', 48),
        ('respond  = ["48h",', 'respond  = ["1wd",', 48),
        ('#first_word = ["5h",', 'first_word = ["6h",', 5),
        ('#press      = ["24h",', 'press      = ["2d",', 24),
    ],
)
def test_what_a_national_norm_limits_cannot_be_loosened(was, made, most) -> None:
    text = TEMPLATES["office.toml"]
    assert text.count(was) == 1
    with pytest.raises(ConfigError) as refused:
        load_office(text.replace(was, made), "office.toml")
    [problem] = refused.value.problems
    assert f"不超过 {most} 小时" in str(problem)


@pytest.mark.parametrize("made", ['"3wd"', '"3d"', '"17wh"'])
def test_a_slip_may_not_lie_for_more_than_two_working_days_before_it_is_returned(made) -> None:
    was = '#return     = ["30m", "30m", "2h", "24h"]'
    assert TEMPLATES["office.toml"].count(was) == 1
    text = TEMPLATES["office.toml"].replace(was, f'return = ["30m", "30m", "2h", {made}]')
    with pytest.raises(ConfigError) as refused:
        load_office(text, "office.toml")
    assert "退回最迟 2 个工作日" in str(refused.value.problems[0])


def test_the_units_of_a_channel_are_read_with_their_scope() -> None:
    named = """
[[channels.office.units]]
name = "县住建局"
words = ["物业", "电梯"]
subjects = ["城乡建设"]

[[channels.office.units]]
name = "县教育局"
"""
    text = TEMPLATES["office.toml"]
    assert text.count("\n[levels]\n") == 1
    channel = load_office(text.replace("\n[levels]\n", f"{named}\n[levels]\n"), "office.toml").channels[
        "office"
    ]
    assert channel.bodies == (Body("县住建局", ("物业", "电梯"), ("城乡建设",)), Body("县教育局"))
    assert channel.units() == ("县政府办公室", "县住建局", "县教育局")
    assert load_office(text, "office.toml").channels["office"].units() == ("县政府办公室",)


def test_supervision_is_read_with_its_defaults() -> None:
    office = load_office(TEMPLATES["office.toml"], "office.toml")
    assert office.supervision == Supervision()
    table = '[supervision]\nchat = "-1009"\nblue = ["30m", "1h", "2wd", "3wd"]\n'
    read = load_office(TEMPLATES["office.toml"] + table, "office.toml").supervision
    assert (read.chat, read.grants[Colour.BLUE][Level.IV]) == ("-1009", Limit(working=True, days=3))


def test_limits_are_minutes_of_the_clock_or_of_working_hours() -> None:
    office = load_office(TEMPLATES["office.toml"], "office.toml")
    assert office.limits[Step.SIGN][Level.I] == Limit(15)
    assert office.limits[Step.RESPOND][Level.IV] == Limit(48 * 60)
    assert office.limits[Step.DISPATCH][Level.IV] == Limit(4 * 60, working=True)
    assert office.limits[Step.CLOSE][Level.I] == Limit(working=True, days=5)
    assert set(office.limits) == set(Step)
    assert office.digest.weekday == 0


# --- the folder -------------------------------------------------------------------------------------------------


def write(folder: Path, **texts: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in TEMPLATES.items():
        (folder / name).write_text(texts.get(name.partition(".")[0], text), encoding="utf-8")
    return folder


def test_the_templates_are_a_configuration_that_holds_together(tmp_path: Path) -> None:
    configuration = load_folder(write(tmp_path / "config"))
    assert set(configuration.office.channels) == {"network", "petition", "publicity", "security", "office"}
    assert len(configuration.sources) == 3


def test_the_problems_of_three_broken_files_come_together(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "config",
        office=TEMPLATES["office.toml"].replace('"ZFB"', '"zfb"'),
        sources=TEMPLATES["sources.toml"].replace('id = "county-board"', 'id = "county-news"'),
        rules=TEMPLATES["rules.toml"].replace('channel = "petition"', 'channel = "petitoin"', 1),
    )
    with pytest.raises(ConfigError) as caught:
        load_folder(folder)
    problems = caught.value.problems
    assert {Path(p.file).name for p in problems} == set(TEMPLATES)
    assert all(p.line and p.reason and p.cure for p in problems)


def test_missing_and_unreadable_files_come_together(tmp_path: Path) -> None:
    folder = write(tmp_path / "config")
    (folder / "office.toml").unlink()
    (folder / "rules.toml").write_bytes("county = 县".encode("gb18030"))
    with pytest.raises(ConfigError) as caught:
        load_folder(folder)
    found = {Path(p.file).name: p for p in caught.value.problems}
    assert found["office.toml"].reason == "不存在"
    assert "放回" in found["office.toml"].cure  # init writes nothing into a folder that holds a part
    assert found["rules.toml"].reason == "不是 UTF-8 文本"


def test_an_empty_folder_is_filled_by_init(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_folder(tmp_path)
    assert {p.cure for p in caught.value.problems} == {f"运行 yuqing init {tmp_path} 生成示例"}


def test_a_rule_that_names_a_channel_the_office_has_not_is_told(tmp_path: Path) -> None:
    office = TEMPLATES["office.toml"].replace("[channels.publicity]", "[channels.media]")
    with pytest.raises(ConfigError) as caught:
        load_folder(write(tmp_path / "config", office=office))
    assert all(Path(p.file).name == "rules.toml" and "publicity" in p.value for p in caught.value.problems)
