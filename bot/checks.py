"""What `check` looks at besides the form of the files.

`leftovers`: what is well written, but still the template's, not yet set or without effect, and models that cannot be
read. The probes of `check --live` go out: does every source answer properly, does the platform know us and let us in.
"""

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bot.app import closing
from bot.chat import ChatPort
from bot.config import Configuration
from bot.scoring import damaged, models_folder
from bot.settings import NEW_INGEST_KEY, Settings
from monitors.fetch import Fetcher
from monitors.poll import Probe, probe
from monitors.sources import Source
from monitors.worker import Worker
from routing.clock import Clock, utc_now
from routing.errors import Permanent, Problem, Transient
from routing.judging import BUILT_IN_TAGS
from routing.office import Office
from routing.rules_file import strange_tags

SAMPLE_COUNTY = "示例县"
_SAMPLE_HOST = re.compile(r"\bexample\.(?:gov\.cn|com)\b")
_SAMPLE_CHAT = re.compile(r"-10010000000\d\d")
PROBES_AT_ONCE = 16
_NEVER_CHANGE = "在 .env 里写一段任意的长字符串，另处保存一份，设了就不要更换"


@dataclass(frozen=True, slots=True)
class Finding:
    """One probe: what was looked at, whether it is well, what was seen, and the cure where it is not (Chinese)."""

    subject: str
    ok: bool
    detail: str
    cure: str = ""

    def as_dict(self) -> dict[str, object]:
        """Give the finding for machines."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class SourceFinding(Finding):
    """One source as `check --live` saw it. `newest`: local time of the source; empty where no entry has a date.

    `hints`: what may be wrong with its configuration and is no failure (Chinese).
    """

    status: int | None = None
    entries: int = 0
    newest: str = ""
    charset: str = ""
    elapsed_s: float = 0.0
    doubtful: bool = False
    hints: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """Say in a word how the source is."""
        return "注意" if self.ok and self.doubtful else "正常" if self.ok else "有问题"


def leftovers(settings: Settings, configuration: Configuration) -> list[Problem]:
    """Name what a desk could not work with as it stands, in the order of the files; none of it is an error."""
    office, folder = configuration.office, settings.config
    found = [*_sample_names(configuration, folder)]
    found += _sample_chats(office, folder)
    found += _sample_addresses(configuration.sources, folder)
    found += _strange_tags(configuration.sources, folder / "rules.toml")
    if not settings.admins:
        cure = "在 .env 里写系统管理员的 Telegram 数字账号，多个用逗号隔开"
        found.append(_reminder("环境变量", "YUQING_ADMINS", "", "没有设置，邀请的人无人确认", cure))
    if not settings.ledger_key:
        reason = "没有设置，台账被整段重写时核验不出来"
        found.append(_reminder("环境变量", "YUQING_LEDGER_KEY", "", reason, _NEVER_CHANGE))
    if inboxes := [source.id for source in configuration.sources if source.kind == "inbox"]:
        found += _closed_inboxes(settings, inboxes)
    return [*found, *damaged(models_folder(settings))]


def _closed_inboxes(settings: Settings, inboxes: Sequence[str]) -> Iterator[Problem]:
    if not settings.ingest_listen:
        reason = f"没有设置，推送来源 {'、'.join(inboxes)} 收不到东西"
        cure = "在 .env 里写接收推送的地址，如 127.0.0.1:8089"
        yield _reminder("环境变量", "YUQING_INGEST_LISTEN", "", reason, cure)
    if not settings.ingest_key:
        yield _reminder("环境变量", "YUQING_INGEST_KEY", "", "没有设置，推送无法验签", NEW_INGEST_KEY)


def _reminder(file: Path | str, where: str, value: str, reason: str, cure: str) -> Problem:
    return Problem(str(file), None, where, value, reason, cure)


def _sample_names(configuration: Configuration, folder: Path) -> Iterator[Problem]:
    name = configuration.office.name
    if SAMPLE_COUNTY in name:
        yield _reminder(folder / "office.toml", "name", f'"{name}"', "还是示例", "改成本办名称")
    if configuration.rules.gazetteer.survey(SAMPLE_COUNTY).county:
        cure = "改成本县全称，否则判不出哪些与本县有关"
        yield _reminder(folder / "rules.toml", "county", f'"{SAMPLE_COUNTY}"', "还是示例", cure)


def _sample_chats(office: Office, folder: Path) -> Iterator[Problem]:
    places = {"duty_chat": office.duty_chat, "operator_chat": office.operator_chat}
    places |= {f"channels.{key}.chat": channel.chat for key, channel in office.channels.items()}
    for where, chat in places.items():
        if _SAMPLE_CHAT.fullmatch(chat):
            cure = "把机器人拉进群，填它报出的群号"
            yield _reminder(folder / "office.toml", where, f'"{chat}"', "还是示例群号", cure)


def _sample_addresses(sources: Sequence[Source], folder: Path) -> Iterator[Problem]:
    file = folder / "sources.toml"
    if any(_SAMPLE_HOST.search(source.user_agent) for source in sources):
        yield _reminder(file, "contact", "", "还是示例地址", "改成来源方找得到您的邮箱或网址")
    for source in sources:
        if _SAMPLE_HOST.search(source.url):
            cure = "改成真实地址，或删去这个来源"
            yield _reminder(file, f"来源 {source.id} 的 url", f'"{source.url}"', "还是示例地址", cure)


def _strange_tags(sources: Sequence[Source], file: Path) -> Iterator[Problem]:
    known = BUILT_IN_TAGS.union(*(source.tags for source in sources))
    return strange_tags(file.read_text(encoding="utf-8"), str(file), known)


async def probe_sources(
    sources: Sequence[Source], on_done: Callable[[str], None], clock: Clock = utc_now
) -> list[SourceFinding]:
    """Fetch and parse every source once, some at a time; keeps nothing. Findings in the order of the sources."""
    slots = asyncio.Semaphore(PROBES_AT_ONCE)
    async with Fetcher(clock) as fetcher, closing(Worker(None)) as worker:

        async def one(source: Source) -> SourceFinding:
            async with slots:
                found = _finding(await probe(source, fetcher, worker, clock))
            on_done(source.id)
            return found

        return list(await asyncio.gather(*map(one, sources)))


def _finding(seen: Probe) -> SourceFinding:
    source, parsed = seen.source, seen.parsed
    problem, symptoms = parsed.problem, parsed.symptoms
    if problem is not None:
        told, cure = problem.detail, problem.cure
    elif source.kind == "inbox":
        told, cure = "等待推送，不用读取", ""
    elif symptoms:
        told = "；".join(symptom.detail for symptom in symptoms)
        cure = "；".join(dict.fromkeys(symptom.cure for symptom in symptoms))
    elif source.kind in {"page", "column"}:
        told, cure = "读到网页", ""
    elif not parsed.entries and not parsed.items:
        told, cure = "读到了，但一条都没有", "请在浏览器核对该地址是否真的没有内容"
    else:
        told, cure = parsed.notes[0] if parsed.notes else f"{len(parsed.items)} 条", ""
    nothing = bool(parsed.entries) and not parsed.items
    newest = seen.newest
    return SourceFinding(
        f"来源 {source.id}",
        problem is None and not nothing,
        told,
        cure,
        status=seen.status if problem is None or problem.status is None else problem.status,
        entries=parsed.entries or len(parsed.items),
        newest=f"{newest.astimezone(source.zone):%Y-%m-%d %H:%M}" if newest else "",
        charset=parsed.charset,
        elapsed_s=round(seen.elapsed_s, 2),
        doubtful=bool(symptoms) or (not parsed.items and bool(cure)),
        hints=parsed.hints,
    )


async def probe_chats(chat: ChatPort, refs: Sequence[str]) -> list[Finding]:
    """Greet the platform and ask for each chat of the configuration."""
    try:
        findings = [Finding("令牌", True, f"机器人 {await chat.start()}")]
    except (Transient, Permanent) as error:
        return [Finding("令牌", False, str(error), "检查令牌、网络和 YUQING_TELEGRAM_API")]
    for ref in refs:
        try:
            findings.append(Finding(f"群 {ref}", True, await chat.title_of(ref)))
        except (Transient, Permanent) as error:
            findings.append(
                Finding(f"群 {ref}", False, str(error), "把机器人拉进该群，或改正 office.toml 里的群号")
            )
    return findings
