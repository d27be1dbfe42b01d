"""What became of messages stands in the record: who was shown which draft, what reached nobody; each once."""

from builders import Desk

from routing import deadlines, deliveries, outbox
from routing.ledger import entries
from routing.outbox import MessageKind, Priority
from routing.store.tables import OutboxRow, Sending
from routing.workflow import Command, State

BEGIN_TO_END = (
    Command.DISPATCH, Command.RETURN, Command.DISPATCH, Command.SIGN, Command.DRAFT, Command.REDO, Command.DRAFT,
    Command.PASS, Command.ESCALATE, Command.CLEAR, Command.APPROVE, Command.CONFIRM,
)  # fmt: skip


def send(desk: Desk, *, die: frozenset[str] = frozenset()) -> int:
    """Play the sender: everything that is due arrives, but for what goes to chats that are dead."""
    due = desk.run(lambda s: outbox.due(s, desk.clock(), limit=1_000))
    for waiting in due:

        def end(s, waiting=waiting):
            message = outbox.claim(s, waiting.id, desk.clock())
            if message is None:
                return
            if message.chat in die:
                outbox.record_dead(s, message, "机器人被移出")
            else:
                outbox.record_sent(s, message, chat=message.chat, sent_as=f"m{message.id}", now=desk.clock())

        desk.run(end)
    return len(due)


def note(desk: Desk) -> int:
    return desk.run(lambda s: deliveries.note(s, desk.ledger, desk.clock()))


def told(desk: Desk, case_id: int) -> list[tuple[str, str, object]]:
    lines = desk.run(lambda s: entries(s, case_id))
    return [
        (line["action"], line["data"]["what"], line["data"].get("reader", line["data"]["chat"]))
        for line in lines
        if line["action"] in deliveries.ACTIONS.values()
    ]


def test_each_card_and_sentence_that_arrived_is_a_line_with_its_reader(desk):
    case_id = desk.at(State.IN_REVIEW)
    send(desk)
    assert note(desk) == 4
    assert sorted(told(desk, case_id)) == [
        ("delivered", "channel", "group-petition"),
        ("delivered", "duty", "duty-group"),
        ("delivered", "review", "孙初审"),
        ("delivered", "unit", "group-network"),
    ]
    [line] = [r for r in desk.run(lambda s: entries(s, case_id)) if r["data"].get("what") == "review"]
    assert (line["data"]["draft"], line["data"]["person"]) == (1, desk.staff["reviewer"].person_id)
    assert line["data"]["sent_at"] == desk.clock().isoformat()
    assert note(desk) == 0
    assert desk.run(desk.ledger.verify).broken is None


def test_what_reached_nobody_says_why(desk):
    case_id = desk.open()
    send(desk, die=frozenset({"duty-group"}))
    late = desk.open("西山小区停水了")
    desk.clock.advance(days=3)
    send(desk)  # past its validity by now
    note(desk)
    whys = [
        [
            line["data"]["why"]
            for line in desk.run(lambda s, c=c: entries(s, c))
            if line["action"] == "undelivered"
        ]
        for c in (case_id, late)
    ]
    assert whys == [["机器人被移出"], ["expired"]]


def test_edits_and_answers_that_speak_of_no_case_are_no_lines_and_are_looked_at_once(desk):
    case_id = desk.open()
    send(desk)
    desk.act(case_id, Command.WATCH)
    desk.run(
        lambda s: outbox.queue(
            s, key="help", chat="x", kind=MessageKind.TEXT, priority=Priority.PERSON,
            payload={"template": "help"}, now=desk.clock(),
        )
    )  # fmt: skip
    send(desk)
    assert note(desk) == 1
    assert all(row.noted for row in desk.all(OutboxRow, OutboxRow.state == Sending.SENT))


def test_what_waits_still_is_not_noted(desk):
    desk.open()
    assert note(desk) == 0
    assert not any(row.noted for row in desk.all(OutboxRow))


def test_the_whole_way_of_a_matter_stands_in_its_record(desk):
    """Every move, refusal, reminder and delivery of a matter from its opening to its end, each with who and why."""
    case_id = desk.open()
    for command in BEGIN_TO_END:
        desk.act(case_id, command, "stranger")
        desk.act(case_id, command)
        send(desk)
        note(desk)
        if command is Command.SIGN:
            desk.clock.advance(hours=13)
            desk.run(lambda s: deadlines.tick(s, desk.office, desk.ledger, desk.clock()))
    lines = desk.run(lambda s: entries(s, case_id))
    moves = [line for line in lines if line["action"] not in {"delivered", "remind"}]
    assert [line["action"] for line in moves] == [
        "open",
        *(word for command in BEGIN_TO_END for word in ("refused", command.value)),
        "close",
    ]
    for line in moves[1:]:
        data = line["data"]
        assert {"person", "roles", "version", "frm"} <= data.keys(), line
        assert ("to" in data) or ("ground" in data)
    by = {line["action"]: line for line in moves}
    assert by["approve"]["actor"] == "郑县长"
    assert by["approve"]["data"]["roles"] == ["leader"]
    assert by["return"]["data"]["reason"] == "理由"
    assert by["clear"]["data"]["basis"] == "保密法第十条"
    assert by["dispatch"]["data"]["slip"] == "舆转〔2026〕2号"
    assert len(by["draft"]["data"]["text_sha256"]) == 64
    [reminder] = [line for line in lines if line["action"] == "remind"]
    assert reminder["data"]["chats"] == ["group-petition"]
    shown = {
        (line["data"]["what"], line["data"].get("reader")) for line in lines if line["action"] == "delivered"
    }
    assert {
        ("review", "孙初审"),
        ("secrecy", "吴保密"),
        ("approve", "郑县长"),
        ("approve", "冯县长"),
    } <= shown
    assert {
        ("reminder", None),
        ("redo_why", "赵联络"),
        ("returned_why", "王值班"),
        ("answered", None),
    } <= shown
    assert desk.run(desk.ledger.verify).broken is None
