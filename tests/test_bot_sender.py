"""The sender against a recording platform and a real store: what goes first, and what each error means for a row."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from builders import Desk
from sqlalchemy import select

from bot import names
from bot.chat import (
    Card,
    ChatClosed,
    ChatMoved,
    File,
    Form,
    Incoming,
    MessageGone,
    MessageRef,
    TokenRejected,
)
from bot.compose import Composer
from bot.sender import FAULTS_AT_MOST, Pace, Sender
from routing import asks, cases, outbox
from routing.errors import Permanent, Transient
from routing.outbox import MessageKind, Priority
from routing.store.tables import AskRow, ChatRow, MessageRefRow, OutboxRow, Sending
from routing.workflow import Command, Where


@dataclass(frozen=True)
class Sent:
    """One call that reached the platform."""

    how: str
    chat: str
    text: str
    card: Card
    message: str = ""
    reply_to: str | None = None
    silent: bool = False
    files: tuple[File, ...] = ()


@dataclass
class Platform:
    """A chat platform that keeps what it was sent, answers by script, and can be held in the middle of a call."""

    platform: str = "chat"
    sent: list[Sent] = field(default_factory=list)
    script: dict[str, list[Exception]] = field(default_factory=lambda: defaultdict(list))
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    begun: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    left: list[str] = field(default_factory=list)

    async def _take(self, how: str, chat: str, card: Card, **more: Any) -> MessageRef:
        self.begun[chat] += 1
        if chat in self.held:
            await self.held[chat].wait()
        if self.script[chat]:
            raise self.script[chat].pop(0)
        number = str(100 + len(self.sent))
        text = "\n".join(block.text for block in card.blocks)
        self.sent.append(Sent(how, chat, text, card, **({"message": number} | more)))
        return MessageRef(chat, number)

    async def send_card(
        self, chat: str, card: Card, *, reply_to: MessageRef | None = None, silent: bool = False
    ) -> MessageRef:
        return await self._take("card", chat, card, silent=silent)

    async def update_card(self, ref: MessageRef, card: Card) -> None:
        await self._take("edit", ref.chat, card, message=ref.message)

    async def notify(
        self,
        chat: str,
        card: Card,
        *,
        files: Any = (),
        reply_to: MessageRef | None = None,
        silent: bool = False,
    ) -> MessageRef:
        reply = reply_to.message if reply_to else None
        return await self._take("text", chat, card, files=tuple(files), reply_to=reply, silent=silent)

    async def ask_text(
        self, chat: str, card: Card, *, placeholder: str = "", reply_to: MessageRef | None = None
    ) -> MessageRef:
        return await self._take("ask", chat, card)

    async def leave(self, chat: str) -> None:
        self.left.append(chat)

    async def toast(self, press: str, text: str, *, alert: bool = False) -> None:
        raise AssertionError("the sender answers no press")

    def link_to(self, ref: MessageRef) -> str:
        return ""

    async def title_of(self, chat: str) -> str:
        raise AssertionError("the sender asks for no title")

    async def receive(self, after: int | None, wait_s: int) -> list[Incoming]:
        raise AssertionError("the sender hears nothing")

    def event_of(self, raw: dict[str, object]) -> None:
        raise AssertionError("the sender hears nothing")

    async def start(self) -> str:
        return "desk_bot"

    async def stop(self) -> None:
        """Nothing is held."""

    def texts(self, chat: str) -> list[str]:
        return [sent.text for sent in self.sent if sent.chat == chat]


async def until(condition: Callable[[], Any] | Callable[[], Awaitable[Any]]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(10):
        while True:
            answer = condition()
            if await answer if asyncio.iscoroutine(answer) else answer:
                return
            await asyncio.sleep(0.005)


@dataclass
class Post:
    """A sender at work on a desk's outbox."""

    desk: Desk
    platform: Platform
    sender: Sender

    def say(self, chat: str, text: str, priority: Priority = Priority.PERSON, **more: Any) -> int:
        """Queue one sentence and give its row."""

        def work(session: Any) -> int:
            outbox.queue(
                session,
                key=f"{chat}:{text}",
                chat=chat,
                kind=MessageKind.TEXT,
                priority=priority,
                payload={"template": "said", "text": text} | more.pop("payload", {}),
                now=self.desk.clock(),
                **more,
            )
            return int(session.scalar(select(OutboxRow.id).where(OutboxRow.dedupe_key == f"{chat}:{text}")))

        return self.desk.run(work)

    def row(self, row_id: int) -> OutboxRow:
        return self.desk.run(lambda s: s.get_one(OutboxRow, row_id))

    def later(self, **spans: float) -> None:
        self.desk.clock.advance(**spans)
        self.sender.wake()

    async def all_in(self, *states: Sending) -> None:
        """Wait until every row has come to rest."""
        wanted = set(states or (Sending.SENT,))
        await until(lambda: {row.state for row in self.desk.all(OutboxRow)} <= wanted)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.sender.run())
        try:
            yield
            if task.done():
                task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class Hurry(Pace):
    """A platform without limits, for tests about something else."""

    def is_open(self, chat: str) -> bool:
        return True

    async def take(self, chat: str) -> None:
        """Wait for nothing."""


def post_of(desk: Desk, pace: Pace | None) -> Post:
    platform = Platform()
    composer = Composer(desk.office, {})
    sender = Sender(desk.store, platform, lambda: desk.office, lambda: composer, desk.clock, pace=pace)
    return Post(desk, platform, sender)


@pytest.fixture
def post(desk: Desk) -> Post:
    return post_of(desk, Hurry(frozenset))


# --- order ------------------------------------------------------------------------------------------------------


async def test_the_most_pressing_goes_first_and_the_older_of_two_equals(post: Post) -> None:
    post.say("duty-group", "周报", Priority.DIGEST)
    post.say("duty-group", "提醒一", Priority.DEADLINE)
    post.say("duty-group", "红色", Priority.URGENT)
    async with post.working():
        await post.all_in()
    assert post.platform.texts("duty-group") == ["红色", "提醒一", "周报"]


async def test_a_chat_gets_one_message_at_a_time_and_holds_nobody_else_up(post: Post) -> None:
    post.platform.held["a"] = asyncio.Event()
    post.say("a", "一")
    post.say("a", "二")
    post.say("b", "三")
    async with post.working():
        await until(lambda: post.platform.texts("b") == ["三"] and post.platform.begun["a"])
        assert post.platform.begun["a"] == 1
        assert post.platform.texts("a") == []
        post.platform.held["a"].set()
        await post.all_in()
    assert post.platform.texts("a") == ["一", "二"]


async def test_only_news_of_a_quiet_kind_is_silent(post: Post) -> None:
    post.say("a", "提醒", Priority.DEADLINE)
    post.say("a", "周报", Priority.DIGEST)
    post.say("b", "夜里的", Priority.ALERT, payload={outbox.SILENT: True})
    async with post.working():
        await post.all_in()
    sent = {s.text: s.silent for s in post.platform.sent}
    assert sent == {"提醒": False, "周报": True, "夜里的": True}


async def test_a_message_past_its_validity_is_not_sent(post: Post) -> None:
    late = post.say("a", "过时", valid_for=timedelta(minutes=5))
    post.say("a", "新的")
    post.desk.clock.advance(minutes=6)
    async with post.working():
        await post.all_in(Sending.SENT, Sending.EXPIRED)
    assert post.row(late).state is Sending.EXPIRED
    assert post.platform.texts("a") == ["新的"]


async def test_a_chat_is_left_after_its_last_line(post: Post) -> None:
    post.say("-9", "再见", payload={"leave_after": True})
    async with post.working():
        await until(lambda: post.platform.left)
    assert (post.platform.texts("-9"), post.platform.left) == (["再见"], ["-9"])


# --- cards ------------------------------------------------------------------------------------------------------


async def test_a_card_is_remembered_and_the_next_move_edits_it(post: Post) -> None:
    case_id = post.desk.open()
    async with post.working():
        await post.all_in()
        (card,) = post.desk.all(MessageRefRow)
        assert (card.case_id, card.chat) == (case_id, "duty-group")
        post.desk.act(case_id, Command.WATCH)
        post.sender.wake()
        await post.all_in()
    posted, edited = post.platform.sent
    assert (posted.how, edited.how) == ("card", "edit")
    assert edited.message == card.message
    assert "持续关注" in edited.text


async def test_an_update_of_a_card_that_stands_nowhere_is_nothing_to_send(post: Post) -> None:
    case_id = post.desk.open()
    post.desk.run(
        lambda s: outbox.queue_edit(
            s, case_id=case_id, card="duty", chat="elsewhere", draft_version=0, now=post.desk.clock()
        )
    )
    async with post.working():
        await post.all_in(Sending.SENT, Sending.SKIPPED)
    assert [s.chat for s in post.platform.sent] == ["duty-group"]


async def test_a_card_that_was_deleted_is_posted_anew(post: Post) -> None:
    case_id = post.desk.open()
    async with post.working():
        await post.all_in()
        post.platform.script["duty-group"] = [MessageGone("没有这条消息")]
        post.desk.act(case_id, Command.WATCH)
        post.sender.wake()
        await until(lambda: len(post.platform.sent) == 2)
        await post.all_in(Sending.SENT, Sending.SKIPPED)
    assert [s.how for s in post.platform.sent] == ["card", "card"]
    assert [c.message for c in post.desk.all(MessageRefRow)] == [post.platform.sent[1].message]


async def test_a_deleted_card_with_nothing_left_to_press_stays_deleted(post: Post) -> None:
    case_id = post.desk.open()
    post.desk.walk(case_id, post.desk.case(case_id).state)
    async with post.working():
        await post.all_in()
        for command in (
            Command.DISPATCH,
            Command.SIGN,
            Command.DRAFT,
            Command.PASS,
            Command.CLEAR,
            Command.APPROVE,
        ):
            post.desk.act(case_id, command)
        post.sender.wake()
        await post.all_in(Sending.SENT, Sending.SKIPPED)
        before = [s for s in post.platform.sent if s.chat == "duty-group" and s.how == "card"]
        post.platform.script["duty-group"] = [MessageGone("没有这条消息")]
        post.desk.act(case_id, Command.CONFIRM)
        post.sender.wake()
        await post.all_in(Sending.SENT, Sending.SKIPPED)
    assert [s for s in post.platform.sent if s.chat == "duty-group" and s.how == "card"] == before


async def test_a_question_is_known_by_the_message_it_became(post: Post) -> None:
    case_id = post.desk.open()
    duty = post.desk.staff["duty"]

    def ask(session: Any) -> int:
        facts = cases.facts(session, case_id)
        assert facts is not None
        return asks.ask(
            session,
            case=facts,
            person_id=duty.person_id,
            chat="private-duty",
            command=Command.DISMISS,
            place=Where.DUTY,
            draft_version=0,
            now=post.desk.clock(),
        )

    ask_id = post.desk.run(ask)
    async with post.working():
        await post.all_in()
    (question,) = [s for s in post.platform.sent if s.how == "ask"]
    assert question.chat == "private-duty"
    assert post.desk.run(lambda s: s.get_one(AskRow, ask_id)).message == question.message


# --- errors -----------------------------------------------------------------------------------------------------


async def test_a_chat_that_asks_to_wait_is_shut_alone_and_it_counts_as_no_try(post: Post) -> None:
    post.platform.script["a"] = [Transient("慢一点", retry_after_s=30)]
    row = post.say("a", "一")
    post.say("a", "二")
    post.say("b", "三")
    async with post.working():
        await until(lambda: post.row(row).last_error and post.platform.texts("b"))
        assert post.row(row).attempts == 0
        post.later(seconds=29)
        post.say("c", "四")
        await until(lambda: post.platform.texts("c"))
        assert post.platform.begun["a"] == 1
        post.later(seconds=2)
        await post.all_in()
    assert post.platform.texts("a") == ["一", "二"]


async def test_a_failed_try_comes_again_after_a_growing_pause(post: Post) -> None:
    post.platform.script["a"] = [Transient("断线")] * 10
    row = post.say("a", "一")
    pauses = []
    async with post.working():
        for tries in range(1, 11):
            await until(
                lambda n=tries: post.row(row).attempts == n and post.row(row).state is Sending.PENDING
            )
            pause = post.row(row).next_attempt_at - post.desk.clock()
            pauses.append(pause.total_seconds())
            post.later(seconds=pauses[-1])
        await post.all_in()
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert post.platform.texts("a") == ["一"]


@pytest.mark.parametrize(("unknown", "marked"), [(True, True), (False, False)])
async def test_only_what_may_have_arrived_is_marked_when_it_goes_again(
    post: Post, unknown: bool, marked: bool
) -> None:
    post.platform.script["a"] = [Transient("超时", outcome_unknown=unknown)]
    row = post.say("a", "一")
    async with post.working():
        await until(lambda: post.row(row).last_error)
        post.later(seconds=3)
        await post.all_in()
    (sent,) = post.platform.sent
    assert (names.RESENT in sent.text) is marked
    assert sent.text.endswith("一")


async def test_a_card_that_may_have_arrived_goes_again_with_its_mark_and_its_buttons(post: Post) -> None:
    post.desk.open()
    post.platform.script["duty-group"] = [Transient("超时", outcome_unknown=True)]
    async with post.working():
        await until(lambda: post.platform.begun["duty-group"])
        await until(lambda: post.desk.all(OutboxRow)[0].last_error)
        post.later(seconds=3)
        await post.all_in()
    (sent,) = post.platform.sent
    assert sent.card.blocks[0].text == names.RESENT
    assert sent.card.blocks[0].form is Form.NOTE
    assert sent.card.buttons


async def test_an_update_may_be_repeated_without_a_mark(post: Post) -> None:
    case_id = post.desk.open()
    async with post.working():
        await post.all_in()
        post.platform.script["duty-group"] = [Transient("超时", outcome_unknown=True)]
        post.desk.act(case_id, Command.WATCH)
        post.sender.wake()
        await until(lambda: post.desk.all(OutboxRow)[-1].last_error)
        post.later(seconds=3)
        await post.all_in()
    assert names.RESENT not in post.platform.sent[-1].text
    assert post.desk.all(OutboxRow)[-1].uncertain is False


async def test_what_was_being_sent_when_the_house_fell_goes_again_marked(post: Post) -> None:
    row = post.say("a", "一")
    post.desk.run(lambda s: outbox.claim(s, row, post.desk.clock()))
    assert post.row(row).state is Sending.SENDING
    async with post.working():
        await post.all_in()
    assert names.RESENT in post.platform.texts("a")[0]


async def test_a_group_that_moved_gets_the_message_at_its_new_address(post: Post) -> None:
    post.platform.script["duty-group"] = [ChatMoved("-100777")]
    row = post.say("duty-group", "一")
    async with post.working():
        await post.all_in()
        post.say("duty-group", "二")
        post.sender.wake()
        await post.all_in()
    assert post.platform.texts("-100777") == ["一", "二"]
    assert post.platform.texts("duty-group") == []
    assert post.row(row).attempts == 1
    assert names.RESENT not in post.platform.texts("-100777")[0]


async def test_a_chat_that_is_closed_is_told_to_the_operator_once(post: Post) -> None:
    post.platform.script["private-leader"] = [ChatClosed("对方屏蔽了机器人"), ChatClosed("对方屏蔽了机器人")]
    rows = [post.say("private-leader", text) for text in ("一", "二")]
    async with post.working():
        await post.all_in(Sending.SENT, Sending.DEAD)
        await until(lambda: post.platform.texts("operator"))
    assert [post.row(row).state for row in rows] == [Sending.DEAD, Sending.DEAD]
    (told,) = post.platform.texts("operator")
    assert "private-leader" in told
    assert "对方屏蔽了机器人" in told


async def test_a_chat_that_takes_messages_again_is_open_and_a_second_fall_is_told_again(post: Post) -> None:
    post.platform.script["private-leader"] = [ChatClosed("屏蔽")]
    post.say("private-leader", "一")
    async with post.working():
        await until(lambda: len(post.platform.texts("operator")) == 1)
        post.say("private-leader", "二")
        post.sender.wake()
        await until(lambda: post.platform.texts("private-leader") == ["二"])
        await post.all_in(Sending.SENT, Sending.DEAD)
        chat = post.desk.run(lambda s: s.get_one(ChatRow, "private-leader"))
        assert chat.closed_at is None
        post.platform.script["private-leader"] = [ChatClosed("屏蔽")]
        post.desk.clock.advance(seconds=1)
        post.say("private-leader", "三")
        post.sender.wake()
        await until(lambda: len(post.platform.texts("operator")) == 2)


async def test_when_the_operators_own_chat_is_closed_the_duty_group_hears_of_it(post: Post) -> None:
    post.platform.script["operator"] = [ChatClosed("机器人被移出")]
    post.say("operator", "一")
    async with post.working():
        await until(lambda: post.platform.texts("duty-group"))
    assert "operator" in post.platform.texts("duty-group")[0]


async def test_what_can_never_be_sent_is_dead_and_holds_nothing_up(post: Post) -> None:
    post.platform.script["a"] = [Permanent("内容被拒绝")]
    dead = post.say("a", "一")
    post.say("a", "二")
    async with post.working():
        await post.all_in(Sending.SENT, Sending.DEAD)
    assert (post.row(dead).state, post.row(dead).last_error) == (Sending.DEAD, "内容被拒绝")
    assert post.platform.texts("a") == ["二"]


async def test_a_token_that_is_refused_ends_the_work_and_keeps_the_queue(post: Post) -> None:
    post.platform.script["a"] = [TokenRejected("不认这个令牌")]
    rows = [post.say("a", "一"), post.say("a", "二")]
    with pytest.raises(TokenRejected):
        async with asyncio.timeout(10):
            await post.sender.run()
    assert [post.row(row).state for row in rows] == [Sending.PENDING, Sending.PENDING]
    assert post.row(rows[0]).attempts == 0
    assert post.platform.sent == []


async def test_a_row_that_cannot_be_composed_holds_nothing_up_and_is_not_lost(post: Post) -> None:
    broken = post.say("a", "一", payload={"template": "no such sentence"})
    sound = post.say("a", "二")
    async with post.working():
        await until(lambda: post.row(sound).state is Sending.SENT)
        await until(lambda: post.row(broken).state is Sending.PENDING)
        assert post.row(broken).next_attempt_at > post.desk.clock()
        assert "程序内部出错" in (post.row(broken).last_error or "")
        assert not post.row(broken).uncertain  # it never left the house


async def test_a_row_that_can_never_be_composed_ends_dead_after_some_tries(post: Post) -> None:
    broken = post.say("a", "一", payload={"template": "no such sentence"})
    async with post.working():
        for tries in range(1, FAULTS_AT_MOST + 1):
            await until(
                lambda tries=tries: (
                    post.row(broken).attempts == tries and post.row(broken).lease_until is None
                )
            )
            post.desk.clock.advance(minutes=6)
        assert post.row(broken).state is Sending.DEAD


async def test_a_card_whose_case_moved_on_its_way_is_brought_up_to_date(post: Post) -> None:
    case_id = post.desk.open()
    duty = post.desk.office.duty_chat
    post.platform.held[duty] = asyncio.Event()
    async with post.working():
        await until(lambda: post.platform.begun[duty])
        post.desk.act(case_id, Command.DISPATCH)
        post.platform.held[duty].set()
        await until(lambda: any(sent.how == "edit" for sent in post.platform.sent if sent.chat == duty))
    assert "待签收" in post.platform.texts(duty)[-1]


# --- pace -------------------------------------------------------------------------------------------------------


async def test_a_chat_is_closed_after_a_small_burst_and_another_stays_open() -> None:
    pace = Pace(frozenset)
    for _ in range(3):
        assert pace.is_open("a")
        await pace.take("a")
    assert not pace.is_open("a")
    assert pace.is_open("b")


async def test_the_platform_as_a_whole_takes_no_more_than_its_limit() -> None:
    pace = Pace(frozenset)
    for number in range(25):
        await pace.take(f"chat-{number}")
    assert not pace.is_open("another")


async def test_a_group_has_a_limit_a_minute_besides() -> None:
    groups = {"group"}
    pace = Pace(lambda: frozenset(groups))

    def limits_of(*chats: str) -> dict[str, list[tuple[float, float]]]:
        return {chat: [(one.max_rate, one.time_period) for one in pace._of(chat)] for chat in chats}

    limits = limits_of("group", "person")
    assert limits == {"group": [(3, 3), (20, 60)], "person": [(3, 3)]}
    assert limits_of("new") == {"new": [(3, 3)]}  # one that nobody registered is told its number
    groups.add("new")
    assert limits_of("new") == {"new": [(3, 3), (20, 60)]}


async def test_a_burst_to_some_chats_holds_no_other_chat_up(desk: Desk) -> None:
    post = post_of(desk, None)
    for number in range(60):  # more than the sender looks at in one go
        for chat in ("a", "b", "c"):
            post.say(chat, str(number), Priority.URGENT)
    post.say("d", "别的事", Priority.DIGEST)
    async with post.working():
        await until(lambda: post.platform.texts("d"))
    assert len(post.platform.texts("a")) < 6


async def test_a_burst_is_delayed_and_nothing_of_it_is_lost(desk: Desk) -> None:
    post = post_of(desk, None)
    for number in range(5):
        post.say("a", str(number))
    async with post.working():
        await post.all_in()
    assert post.platform.texts("a") == [str(number) for number in range(5)]
