"""The stage of the whole-story tests: sandbox, feeds and the real service, people with one hat each, and their hands.

Nothing is faked but the world outside: posts come over HTTP from `Feeds`, chat goes over HTTP to the sandbox. A test
looks at every message that the desk sends; at the end `nothing_else` fails for each that it did not expect, for each
call that the sandbox refused, and for each row that is left undone (after the harness of goalert's smoke tests).
"""

import asyncio
import contextlib
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
from aiohttp import web
from sqlalchemy import func, make_url, select
from sqlalchemy.orm import Session

from bot.app import App, ledger_of
from bot.config import Configuration, load_folder
from bot.demo.office import CHANNELS, DUTY, OPERATOR, write_config
from bot.sandbox.client import SandboxClient, messages_in
from bot.sandbox.server import Sandbox
from bot.sandbox.world import SANDBOX_TOKEN, Cast, SandboxGroup, SandboxPerson
from bot.sender import Pace
from bot.settings import Settings
from bot.telegram.adapter import TelegramChat, Timeouts
from routing import intake, people
from routing.clock import Clock, utc_now
from routing.deliveries import ACTIONS
from routing.items import OWN_TAG, Counts, Harvest, Item, Kind, SourceState
from routing.ledger import entries
from routing.office import Role
from routing.store.engine import Store
from routing.store.migrate import migrate
from routing.store.tables import (
    AccountRow,
    CaseRow,
    InboxRow,
    LedgerRow,
    OutboxRow,
    PersonRow,
    Sending,
    SourceRow,
)

Json = dict[str, Any]

OFFICER, CONTACT, REVIEWER, SECRECY, LEADER, SECOND_LEADER, ADMIN = range(1001, 1008)
OTHER_CONTACT, MANY_HATS, STRANGER, NEWCOMER = range(1008, 1012)
PETITION, NETWORK = CHANNELS["petition"], CHANNELS["network"]
ELSEWHERE = -1001000000099

STAFF: Mapping[int, tuple[str, tuple[Role, ...], tuple[str, ...]]] = {
    OFFICER: ("周敏", (Role.DUTY, Role.OFFICE), ()),
    CONTACT: ("陈立", (Role.CONTACT,), ("petition",)),
    REVIEWER: ("吴桐", (Role.REVIEWER,), ()),
    SECRECY: ("沈默", (Role.SECRECY,), ()),
    LEADER: ("林涛", (Role.LEADER,), ()),
    SECOND_LEADER: ("何静", (Role.LEADER,), ()),
    ADMIN: ("方圆", (Role.ADMIN, Role.OPERATOR), ()),
    OTHER_CONTACT: ("蒋平", (Role.CONTACT,), ("network",)),
}
_VISITORS = {MANY_HATS: "多面手", STRANGER: "路人", NEWCOMER: "新同事"}

SEES = {DUTY: OFFICER, OPERATOR: ADMIN, PETITION: CONTACT, NETWORK: OTHER_CONTACT, ELSEWHERE: STRANGER}
"""Whose eyes look at which group; a private chat is looked at by its person."""

WAIT_S = 30.0
_SENDS = ("sendMessage", "sendPhoto", "sendDocument", "sendMediaGroup")

ON_BOTH = pytest.mark.parametrize(
    "kind",
    [
        "sqlite",
        pytest.param(
            "postgresql",
            marks=pytest.mark.skipif(
                "YUQING_TEST_DATABASE_URL" not in os.environ, reason="no YUQING_TEST_DATABASE_URL"
            ),
        ),
    ],
)


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """Give the address of an empty database: a file in the folder, or one of its own on the test server."""
    if kind == "sqlite":
        folder.mkdir(parents=True, exist_ok=True)
        yield f"sqlite:///{folder / 'yuqing.db'}"
        return
    server = make_url(os.environ["YUQING_TEST_DATABASE_URL"]).set(drivername="postgresql")
    name = f"whole_{uuid.uuid4().hex}"
    with psycopg.connect(server.render_as_string(hide_password=False), autocommit=True) as door:
        door.execute(f'CREATE DATABASE "{name}"')
        # It is the service that is killed, never the server: two cores need not wait for the disk at each commit.
        door.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
        try:
            yield server.set(database=name).render_as_string(hide_password=False)
        finally:
            door.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


# -- the world outside ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Post:
    """One public text, as a feed shows it."""

    id: str
    title: str
    text: str
    views: int | None = None
    reposts: int | None = None
    comments: int | None = None

    def counts(self) -> Counts:
        return Counts(views=self.views, reposts=self.reposts, comments=self.comments)


WATER = Post(
    "w1",
    "桂汀苑停水第三天，一张通知都没有",
    "汀阳街道桂汀苑四百多户从前天早上停水到现在，打水务公司热线一直占线，我们要求给个说法，尽快恢复供水。",
)

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Feeds:
    """A small web server with RSS feeds; `answers` puts something else in the place of one."""

    def __init__(self, names: Sequence[str] = ("forum", "board")) -> None:
        self.posts: dict[str, list[Post]] = {name: [] for name in names}
        self.answers: dict[str, Answer] = {}
        self.reads: dict[str, int] = dict.fromkeys(names, 0)
        self.world: Answer | None = None
        self.comment_feed = ""
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/{name}.xml", self._feed)
        app.router.add_get("/world/{name}", self._world)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()

    async def stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    @property
    def base_url(self) -> str:
        assert self._runner is not None
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    def publish(self, post: Post, source: str = "forum") -> None:
        """Show a post, in the place of its older form if there is one."""
        self.posts[source] = [p for p in self.posts[source] if p.id != post.id] + [post]

    def sources_toml(self, *, timeout_s: float = 20, interval_s: float = 1) -> str:
        host = self.base_url.removeprefix("http://")
        return 'contact = "mailto:duty@county.example"\n' + "\n".join(
            f'[[source]]\nid = "{name}"\nname = "云汀{name}"\nkind = "feed"\nurl = "{self.base_url}/{name}.xml"\n'
            f'item_kind = "post"\ntags = ["{OWN_TAG}"]\ninterval_s = {interval_s}\ntimeout_s = {timeout_s}\n'
            f'allow_hosts = ["{host}"]\n'
            for name in self.posts
        )

    async def _world(self, request: web.Request) -> web.StreamResponse:
        if self.world is None:
            raise web.HTTPNotFound
        return await self.world(request)

    async def _feed(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        self.reads[name] += 1
        if name in self.answers:
            return await self.answers[name](request)
        items = "".join(self._item(name, post) for post in self.posts[name])
        body = (
            '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" '
            'xmlns:slash="http://purl.org/rss/1.0/modules/slash/" xmlns:media="http://search.yahoo.com/mrss/" '
            'xmlns:wfw="http://wellformedweb.org/CommentAPI/">'
            f"<channel><title>{name}</title><link>{self.base_url}</link><description>{name}</description>{items}"
            "</channel></rss>"
        )
        return web.Response(body=body.encode(), content_type="application/rss+xml")

    def _item(self, name: str, post: Post) -> str:
        counts = "" if post.comments is None else f"<slash:comments>{post.comments}</slash:comments>"
        if self.comment_feed and post.comments is not None:
            counts += f"<wfw:commentRss>{self.comment_feed}</wfw:commentRss>"
        counts += "".join(
            f'<media:community><media:statistics {key}="{n}"/></media:community>'
            for key, n in (("views", post.views), ("reposts", post.reposts))
            if n is not None
        )
        return (
            f"<item><guid isPermaLink='false'>{post.id}</guid><title>{escape(post.title)}</title>"
            f"<link>{self.base_url}/page/{name}/{post.id}</link>"
            f"<pubDate>{format_datetime(datetime.now(UTC))}</pubDate>"
            f"<description>{escape(post.text)}</description>{counts}</item>"
        )


def cast(groups_kind: str = "supergroup") -> Cast:
    """Give everybody of the office and three who do not belong to it."""
    staff = [SandboxPerson(ref, name) for ref, (name, _, _) in STAFF.items()]
    visitors = [SandboxPerson(ref, name) for ref, name in _VISITORS.items()]
    groups = [
        SandboxGroup(DUTY, "值班群", (OFFICER, LEADER, OTHER_CONTACT, STRANGER), kind=groups_kind),
        SandboxGroup(OPERATOR, "运维群", (ADMIN, NEWCOMER)),
        SandboxGroup(ELSEWHERE, "别的群", (STRANGER, NEWCOMER), bot_is_member=False),
    ]
    for key, chat in CHANNELS.items():
        contacts = tuple(ref for ref, (_, _, channels) in STAFF.items() if key in channels)
        groups.append(SandboxGroup(chat, f"{key}承办群", (*contacts, OFFICER, MANY_HATS), kind=groups_kind))
    return Cast((*staff, *visitors), tuple(groups))


def seat(session: Session) -> None:
    """Enter the staff with their rights. Safe to call twice."""
    for ref, (name, roles, channels) in STAFF.items():
        if session.scalar(select(AccountRow.id).where(AccountRow.user_ref == str(ref))) is None:
            add_person(session, ref, name, roles, channels)


def add_person(
    session: Session, ref: int, name: str, roles: Sequence[Role], channels: Sequence[str] = ()
) -> int:
    """Enter one person and give the person's id."""
    account = people.Account("telegram", str(ref), str(ref))
    return people.add(session, name=name, roles=roles, channels=channels, account=account, now=utc_now())


# -- the stage -----------------------------------------------------------------------------------------------------


class Unhurried(Pace):
    """No pace at all: the sandbox takes what comes, and a test need not wait for Telegram's limits."""

    def __init__(self) -> None:
        """Need nothing."""

    def is_open(self, chat: str) -> bool:
        return True

    async def take(self, chat: str) -> None:
        """Take at once."""


@dataclass
class Stage:
    """Everything of one test. People act by `press` and `answer`; a test looks with `card` and `said`.

    `store` is the test's own eye on the database, so that it sees what is committed and no more.
    """

    sandbox: Sandbox
    client: SandboxClient
    feeds: Feeds
    settings: Settings
    configuration: Configuration
    store: Store
    pace: Pace | None
    timeouts: Timeouts | None
    clock: Clock = utc_now
    app: App = field(init=False)
    task: asyncio.Task[None] | None = None
    seen: set[tuple[int, int]] = field(default_factory=set)
    allowed: tuple[str, ...] = ()

    # -- the service ------------------------------------------------------------------------------------------------

    async def start_app(self, *, monitors: bool = False) -> None:
        """Start the service and wait until it works; with monitors, until every source was read once."""
        chat = TelegramChat(SANDBOX_TOKEN, self.settings.telegram_api, timeouts=self.timeouts)
        self.app = App(self.settings, self.configuration, chat, clock=self.clock, pace=self.pace)
        ready = asyncio.Event()
        self.task = asyncio.create_task(self.app.run(None if monitors else "bot", ready))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({waiting, self.task}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self.task.done():
            self.task.result()
        if monitors:
            wanted = len(self.feeds.posts)
            await self.until(lambda s: _count(s, SourceRow.baseline_done) >= wanted)

    async def stop_app(self) -> None:
        """End the service as Ctrl-C does."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
            self.task = None

    async def until(self, holds: Callable[[Session], object]) -> None:
        """Wait until a question to the database is answered with yes."""
        async with asyncio.timeout(WAIT_S):
            while not await self.store.read(holds):  # noqa: ASYNC110 - rows give no event
                await asyncio.sleep(0.02)

    async def drop(self, *posts: Post, source: str = "forum") -> None:
        """Hand posts to the core by the door of the monitors, where a test is not about feeds."""
        now = self.clock()
        items = tuple(
            Item(source, p.id, f"https://forum.example/{p.id}", p.title, p.text, Kind.POST, counts=p.counts())
            for p in posts
        )
        harvest = Harvest(source, now, SourceState(source, baseline_done=True), items, tags=(OWN_TAG,))
        c = self.configuration

        def take(session: Session) -> None:
            if session.get(SourceRow, source) is None:
                session.add(SourceRow(id=source, failures=0, baseline_done=True))
                session.flush()
            intake.accept(session, c.office, c.rules, self.app.ledger, harvest, now)

        await self.app.store.write(take)
        self.app.sender.wake()

    # -- looking ----------------------------------------------------------------------------------------------------

    async def card(
        self, chat: int, *words: str, button: str | None = None, but_not: str = "", reader: int | None = None
    ) -> Json:
        """Wait for a message with all words (and a button), newest first, seen before or not; it counts as seen.

        `button=""`: without any button.
        """

        def holds(message: Json) -> bool:
            shown = labels(message)
            has_button = button is None or (button in shown if button else not shown)
            return (
                has_button
                and all(word in message["text"] for word in words)
                and not (but_not and but_not in message["text"])
            )

        return await self._wait(chat, holds, reader, f"{words} {button or ''}")

    async def said(self, chat: int, *words: str, reader: int | None = None) -> Json:
        """Wait for a message with all words that was not seen before; it counts as seen."""

        def holds(message: Json) -> bool:
            return (chat, message["id"]) not in self.seen and all(w in message["text"] for w in words)

        return await self._wait(chat, holds, reader, str(words))

    async def _wait(self, chat: int, holds: Callable[[Json], bool], reader: int | None, what: str) -> Json:
        who = reader or SEES.get(chat, chat)

        def found(view: Json) -> Json | None:
            theirs = [m for m in messages_in(view, chat) if m["from"].get("is_bot") and not m["service"]]
            return next((m for m in reversed(theirs) if holds(m)), None)

        try:
            message = await self.client.wait_for(found, who, WAIT_S)
        except TimeoutError:
            shown = [
                f"{m['id']} {m['text']} {labels(m)}"
                for m in await self.client.messages(who, chat)
                if m["from"].get("is_bot")
            ]
            raise AssertionError(
                f"chat {chat} does not show {what}; it shows:\n" + "\n".join(shown)
            ) from None
        assert message is not None
        self.seen.add((chat, message["id"]))
        return message

    # -- acting -----------------------------------------------------------------------------------------------------

    async def press(self, who: int, card: Json, label: str) -> str:
        """Press a button of a card and give what the person reads."""
        return await self.toast(who, await self.press_only(who, card, label))

    async def press_only(self, who: int, card: Json, label: str) -> str:
        """Press and wait for nothing; gives the press."""
        return await self.client.press(who, card["chat"], card["id"], data_of(card, label))

    async def forge(self, who: int, card: Json, data: str) -> str:
        """Press with data of one's own making, as a changed client could; gives what the person reads."""
        return await self.toast(who, await self.client.press(who, card["chat"], card["id"], data))

    async def toast(self, who: int, press: str) -> str:
        """Give what the person reads to a press."""
        return str((await self.client.wait_toast(who, press, WAIT_S))["text"])

    async def toasts(self, who: int) -> list[str]:
        """List all that this person read to presses, oldest first."""
        return [str(toast["text"]) for toast in await self.client.toasts(who)]

    async def menu(self, who: int, card: Json, opener: str, choice: str) -> str:
        """Open a menu on a card and choose; gives what the person reads."""
        await self.press_only(who, card, opener)

        def is_open(message: Json) -> bool:
            return message["id"] == card["id"] and choice in labels(message) and "返回" in labels(message)

        opened = await self._wait(card["chat"], is_open, who, f"the menu with {choice}")
        return await self.press(who, opened, choice)

    async def answer(self, who: int, asked_for: str, text: str) -> Json:
        """Reply to the newest question in private that has these words."""
        asked = await self.card(who, asked_for)
        assert asked["force_reply"], asked["text"]
        return await self.client.send(who, who, text, reply_to=asked["id"])

    # -- longer stretches ---------------------------------------------------------------------------------------------

    async def opened(self, post: Post = WATER) -> Json:
        """Bring one matter to the duty group and give its card."""
        await self.drop(post)
        return await self.card(DUTY, post.title[:12], button="转办")

    async def dispatched(self, post: Post = WATER) -> Json:
        """… and on to the petition channel; gives the slip."""
        card = await self.opened(post)
        assert "已转办" in await self.menu(OFFICER, card, "其他渠道", "转办 信访")
        await self.card(DUTY, post.title[:12], "待签收")
        return await self.card(PETITION, post.title[:12], button="签收")

    async def signed(self, post: Post = WATER) -> Json:
        """… signed; gives the slip with its button for a draft."""
        slip = await self.dispatched(post)
        assert "已签收" in await self.press(CONTACT, slip, "签收")
        await self.card(DUTY, post.title[:12], "办理中")
        return await self.card(PETITION, post.title[:12], button="拟答复稿")

    async def drafted(
        self, post: Post = WATER, text: str = "泵组已更换，今日恢复供水，给居民带来不便深表歉意。"
    ) -> Json:
        """… drafted; gives the reviewer's card."""
        slip = await self.signed(post)
        return await self.draft(slip, text)

    async def draft(self, slip: Json, text: str, who: int = CONTACT) -> Json:
        """Draft by reply to a slip; gives the reviewer's card."""
        sent = await self.client.send(who, slip["chat"], text, reply_to=slip["id"])
        await self.said(slip["chat"], "已提交答复稿")
        assert sent["text"] == text
        await self.card(DUTY, number_of(slip), "待审核")
        return await self.card(REVIEWER, number_of(slip), text[:20], button="初审通过")

    async def reviewed(self, post: Post = WATER, **draft: str) -> Json:
        """… passed by the first review; gives the secrecy reviewer's card."""
        card = await self.drafted(post, **draft)
        assert "已初审通过" in await self.press(REVIEWER, card, "初审通过")
        await self.card(REVIEWER, number_of(card), "已处理：同意", button="")
        return await self.card(SECRECY, number_of(card), button="公开…")

    async def cleared(self, post: Post = WATER, **draft: str) -> dict[int, Json]:
        """… and cleared; gives the cards of both leaders."""
        card = await self.reviewed(post, **draft)
        await self.press(SECRECY, card, "公开…")
        await self.answer(SECRECY, "意见：公开", "《政府信息公开条例》第十九条；涉及公众切身利益")
        await self.said(SECRECY, "已做保密审查（公开）")
        await self.card(SECRECY, number_of(card), "已处理：公开", button="")
        number = number_of(card)
        return {who: await self.card(who, number, button="批准发布") for who in (LEADER, SECOND_LEADER)}

    async def approved(self, post: Post = WATER, **draft: str) -> Json:
        """… and approved by the first leader; gives the slip with its button for the link."""
        cards = await self.cleared(post, **draft)
        assert "已批准发布" in await self.press(LEADER, cards[LEADER], "批准发布")
        number = number_of(cards[LEADER])
        for who in cards:
            await self.card(who, number, "林涛 已处理：批准发布", button="")
        return await self.said(PETITION, number, "已批准", "回应确认")

    # -- judging ------------------------------------------------------------------------------------------------------

    async def quiet(self) -> None:
        """Wait until nothing is left to handle or to send."""
        await self.until(_is_quiet)

    async def case(self, number: str) -> CaseRow:
        """Read a case as it stands."""
        row = await self.store.read(lambda s: s.scalar(select(CaseRow).where(CaseRow.number == number)))
        assert row is not None
        return row

    async def ledger(self, number: str) -> list[Mapping[str, Any]]:
        """Read the lines of a case: what people and the house did, without what became of messages."""
        case = await self.case(number)
        lines = await self.store.read(lambda s: entries(s, case.id))
        return [line for line in lines if line["action"] not in ACTIONS.values()]

    async def refused(self, number: str) -> list[str]:
        """Read why orders on a case were refused, oldest first."""
        return [line["data"]["ground"] for line in await self.ledger(number) if line["action"] == "refused"]

    async def unchanged(self, number: str, act: Awaitable[str]) -> str:
        """Let somebody act, assert that the case is as before, and give what he reads."""
        before = await self.case(number)
        said = await act
        await self.quiet()
        after = await self.case(number)
        assert (after.state, after.version, after.draft_version, after.level, after.channel) == (
            before.state,
            before.version,
            before.draft_version,
            before.level,
            before.channel,
        )
        return said

    async def nothing_else(self) -> None:
        """Fail for every message that was not looked at, every refused call, and a ledger that does not hold."""
        await self.quiet()
        calls = await self.client.record()
        refused = [
            f"{c['method']}: {c['description']}"
            for c in calls
            if c["outcome"] == "refused"
            and not any(fine in c["description"] for fine in ("message is not modified", *self.allowed))
        ]
        assert not refused, refused
        unexpected = [
            f"{chat}/{message}: {c['params'].get('text') or c['params'].get('caption')}"
            for c in calls
            if c["method"] in _SENDS and c["done"]
            for chat, message in _sent(c)
            if (chat, message) not in self.seen
        ]
        assert not unexpected, unexpected
        assert (await self.store.read(ledger_of(self.settings).verify)).broken is None


def _sent(call: Json) -> Iterator[tuple[int, int]]:
    for message in call["message_ids"]:
        yield int(call["params"]["chat_id"]), message


def _count(session: Session, condition: Any) -> int:
    return session.scalar(select(func.count()).where(condition)) or 0


def _is_quiet(session: Session) -> bool:
    busy = OutboxRow.state.in_([Sending.PENDING, Sending.SENDING])
    return not _count(session, busy) and not _count(session, InboxRow.done_at.is_(None))


def labels(message: Json) -> str:
    """List a message's buttons."""
    return "、".join(b["text"] for row in message["buttons"] for b in row)


def acts(message: Json) -> bool:
    """Tell whether a message asks for something, and does not only show the way to its matter or to put its answer right."""
    return labels(message) not in {"", "看这件事", "发现有误…"}


def data_of(card: Json, label: str) -> str:
    """Give the data behind a button."""
    found = [b["data"] for row in card["buttons"] for b in row if label in b["text"]]
    assert found, f"no button {label} on: {card['text']} {labels(card)}"
    return str(found[0])


def number_of(card: Json) -> str:
    """Give the case number that a message names."""
    at = card["text"].index("YQ-")
    return str(card["text"][at : at + 12])


def on_disk(folder: Path) -> bytes:
    """Read the files of a database, the write-ahead log with them."""
    return b"".join(path.read_bytes() for path in sorted(folder.glob("yuqing.db*")))


def person_id(session: Session, ref: int) -> int:
    """Give the person behind an account."""
    found = session.scalar(
        select(PersonRow.id)
        .join(AccountRow, AccountRow.person_id == PersonRow.id)
        .where(AccountRow.user_ref == str(ref))
    )
    assert found is not None
    return found


def actions(session: Session) -> list[str]:
    """List what the ledger recorded, oldest first, without what became of messages."""
    found = session.scalars(select(LedgerRow.action).order_by(LedgerRow.seq))
    return [action for action in found if action not in ACTIONS.values()]


@asynccontextmanager
async def on_stage(
    folder: Path,
    *,
    url: str | None = None,
    monitors: bool = False,
    feeds: Sequence[str] = ("forum", "board"),
    source_timeout_s: float = 20,
    timeouts: Timeouts | None = None,
    pace: Pace | None = None,
    groups_kind: str = "supergroup",
    with_app: bool = True,
    more: Callable[[Feeds], str] = lambda _: "",
    world: Answer | None = None,
    clock: Clock = utc_now,
    **settings: Any,
) -> AsyncIterator[Stage]:
    """Set everything up in a folder; at the end of a test that passed, `nothing_else` is asked.

    `more` writes further sources, `world` answers below `/world/`; other words are settings of the service.
    """
    async with contextlib.AsyncExitStack() as stack:
        server = Feeds(feeds)
        server.world = world
        await server.start()
        stack.push_async_callback(server.stop)
        sandbox = await stack.enter_async_context(Sandbox(cast(groups_kind)))
        client = await stack.enter_async_context(SandboxClient(sandbox.base_url))
        config = folder / "config"
        write_config(config, {})
        (config / "sources.toml").write_text(
            server.sources_toml(timeout_s=source_timeout_s) + more(server), encoding="utf-8"
        )
        made = Settings(
            config=config,
            database_url=url or f"sqlite:///{folder / 'yuqing.db'}",
            telegram_token=SANDBOX_TOKEN,
            telegram_api=sandbox.base_url,
            admins=(str(ADMIN),),
            **settings,
        )
        seat_all(made.database_url)
        store = Store(made.database_url)
        stack.callback(store.close)
        stage = Stage(
            sandbox, client, server, made, load_folder(config), store, pace or Unhurried(), timeouts, clock
        )
        stack.push_async_callback(stage.stop_app)
        if with_app:
            await stage.start_app(monitors=monitors)
        yield stage
        if stage.task is not None:
            await stage.nothing_else()


@cache
def _migrated() -> bytes:
    """Give the file of a database with all tables: to copy it takes a hundredth of making them anew."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "yuqing.db"
        store = Store(f"sqlite:///{file}")
        migrate(store)
        store.close()
        return file.read_bytes()


def seat_all(url: str) -> None:
    """Make the tables and seat the staff."""
    file = make_url(url).database or ""
    if url.startswith("sqlite") and not Path(file).exists():
        Path(file).write_bytes(_migrated())
    store = Store(url)
    try:
        migrate(store)
        store.run(seat)
    finally:
        store.close()


@asynccontextmanager
async def stage_of(kind: str, folder: Path, **more: Any) -> AsyncIterator[Stage]:
    """Give a stage on an empty database of that kind; the rest as of `on_stage`."""
    with database(kind, folder) as url:
        async with on_stage(folder, url=url, **more) as stage:
            yield stage
