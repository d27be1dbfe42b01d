"""The steps beside the main road on both databases: who is asked, who may answer, which clocks move, what is filed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from builders import RULES_TOML, Desk, item, join, make_office, make_rules, views
from sqlalchemy import delete
from test_routing_cases import running

from bot import steps
from bot.words import words
from routing import movers, papers
from routing.cases import Done
from routing.course import EXTENSION_MAX, named_units
from routing.office import Level, Limit, Procedure, Role, Step
from routing.owed import Owed
from routing.store.tables import AssignmentRow, CaseRow, DeadlineRow, OutboxRow, PaperRow, VerdictRow
from routing.views import case_view
from routing.why import explain
from routing.workflow import AnswerKind, Command, Ground, Refusal, State

EVERY = frozenset(Level)


def switch(desk: Desk, **steps: object) -> None:
    desk.office = replace(desk.office, procedure=Procedure(**steps))  # type: ignore[arg-type]


def waiting(desk: Desk, case_id: int, kind: Command) -> frozenset[str]:
    return desk.run(lambda s: papers.waiting(s, case_id, kind))


def due(desk: Desk, case_id: int, step: Step):
    [row] = desk.all(
        DeadlineRow,
        DeadlineRow.case_id == case_id,
        DeadlineRow.step == step,
        DeadlineRow.ended_at.is_(None),
    )
    return row.due_at


def test_a_copied_channel_signs_for_itself_and_no_other_signs_for_it(desk):
    case_id = desk.at(State.TO_SIGN)
    assert waiting(desk, case_id, Command.SIGN_COPY) == {"network"}
    refused = desk.act(case_id, Command.SIGN_COPY, "contact")
    assert isinstance(refused, Refusal)
    assert refused.ground is Ground.ROLE
    desk.act(case_id, Command.SIGN, "contact")
    assert waiting(desk, case_id, Command.SIGN_COPY) == {"network"}  # the lead's signature is not the copy's
    done = desk.act(case_id, Command.SIGN_COPY, "other_contact")
    assert not isinstance(done, Refusal)
    assert waiting(desk, case_id, Command.SIGN_COPY) == frozenset()
    assert desk.case(case_id).state is State.HANDLING


def test_the_channel_of_the_place_is_copied_whatever_the_subject(desk):
    channels = dict(desk.office.channels)
    channels["office"] = replace(channels["office"], places=("东湖小区",))
    desk.office = replace(desk.office, channels=channels)
    case_id = desk.at(State.TO_SIGN)
    assert waiting(desk, case_id, Command.SIGN_COPY) == {"network", "office"}


def test_copies_have_a_clock_of_their_own_until_all_have_signed(desk):
    limits = {**desk.office.limits, Step.COPY: dict.fromkeys(Level, Limit(120))}
    desk.office = replace(desk.office, limits=limits)
    case_id = desk.at(State.TO_SIGN)
    assert Step.COPY in running(desk, case_id)
    desk.act(case_id, Command.SIGN_COPY, "other_contact")
    assert Step.COPY not in running(desk, case_id)


def test_each_unit_of_a_consultation_speaks_once_and_the_silent_one_stands_in_the_file(desk):
    switch(desk, consult=EVERY)
    case_id = desk.open()
    first = desk.act(case_id, Command.DISPATCH)
    assert isinstance(first, Refusal)
    assert first.ground is Ground.CONSULT
    desk.act(case_id, Command.CONVENE, units=("petition", "network"))
    assert waiting(desk, case_id, Command.CONVENE) == {"petition", "network"}
    desk.act(case_id, Command.OPINE, "contact", stance="differ", reason="宜由住建牵头")
    again = desk.act(case_id, Command.OPINE, "contact", stance="agree", reason="同意")
    assert isinstance(again, Refusal)
    desk.act(case_id, Command.CONCLUDE, text="性质：诉求\n走势：平稳")
    assert desk.case(case_id).state is State.JUDGING
    said = {p.channel: (p.stance, p.done_by) for p in desk.all(PaperRow, PaperRow.kind == Command.CONVENE)}
    assert said["petition"][0] == "differ"
    assert said["network"] == ("", None)
    assert not isinstance(desk.act(case_id, Command.DISPATCH), Refusal)


def test_a_dispatch_that_a_leader_must_agree_to_goes_to_whom_it_was_submitted_for(desk):
    switch(desk, order=EVERY)
    case_id = desk.open()
    direct = desk.act(case_id, Command.DISPATCH)
    assert isinstance(direct, Refusal)
    assert "报批转办" in direct.text
    desk.act(case_id, Command.SUBMIT, channel="network")
    assert not desk.all(AssignmentRow)
    assert [r.chat for r in desk.all(OutboxRow) if r.payload.get("card") == "order"] == [
        "private-leader",
        "private-second_leader",
    ]
    desk.act(case_id, Command.ORDER)
    [slip] = desk.all(AssignmentRow)
    assert slip.channel == "network"
    assert slip.dispatched_by == desk.staff["duty"].person_id  # a return goes back to who submitted it


def test_an_oral_order_dispatches_and_is_filed_with_its_words(desk):
    switch(desk, order=EVERY)
    case_id = desk.at(State.TO_ORDER)
    switch(desk, order=EVERY)
    desk.act(case_id, Command.ORAL, reason="郑县长 21 日 14:05 电话同意")
    assert desk.case(case_id).state is State.TO_SIGN
    [filed] = desk.all(PaperRow, PaperRow.kind == Command.ORAL)
    assert filed.text == "郑县长 21 日 14:05 电话同意"


def test_an_extension_moves_the_limits_of_handling_and_never_that_of_the_public_answer(desk):
    case_id = desk.at(State.HANDLING)
    close, answer = due(desk, case_id, Step.CLOSE), due(desk, case_id, Step.RESPOND)
    desk.act(case_id, Command.EXTEND, days=3)
    assert due(desk, case_id, Step.CLOSE) == close  # not before it is granted
    desk.act(case_id, Command.GRANT)
    assert due(desk, case_id, Step.CLOSE) > close + timedelta(days=2)
    assert due(desk, case_id, Step.RESPOND) == answer
    assert due(desk, case_id, Step.DRAFT) <= answer
    again = desk.act(case_id, Command.EXTEND)
    assert isinstance(again, Refusal)
    assert again.ground is Ground.LIMIT


def test_an_extension_is_asked_before_the_limit_is_over_and_never_too_long(desk):
    case_id = desk.at(State.HANDLING)
    long = desk.act(case_id, Command.EXTEND, days=EXTENSION_MAX + 1)
    assert isinstance(long, Refusal)
    desk.clock.advance(days=6)
    late = desk.act(case_id, Command.EXTEND, days=3)
    assert isinstance(late, Refusal)
    assert late.ground is Ground.LIMIT


def test_nothing_is_passed_up_where_nobody_is_above(desk):
    case_id = desk.at(State.TO_APPROVE)
    from routing import people

    chief = desk.staff["chief"].person_id
    desk.run(lambda s: people.revoke(s, desk.ledger, person_id=chief, by="命令行", now=desk.clock()))
    refused = desk.act(case_id, Command.PASS_UP)
    assert isinstance(refused, Refusal)
    assert refused.ground is Ground.GONE
    assert desk.case(case_id).state is State.TO_APPROVE


def test_units_that_a_text_names_confirm_it_before_it_is_published(desk):
    switch(desk, countersign=True)
    unit = desk.office.channels["network"].unit
    case_id = desk.at(State.HANDLING)
    switch(desk, countersign=True)
    desk.act(case_id, Command.DRAFT, text=f"经与{unit}核实，供水已经恢复。")
    for command in (Command.PASS, Command.CLEAR, Command.APPROVE):
        desk.act(case_id, command)
    assert waiting(desk, case_id, Command.COUNTERSIGN) == {"network"}
    early = desk.act(case_id, Command.CONFIRM)
    assert isinstance(early, Refusal)
    assert early.ground is Ground.NAMED
    desk.act(case_id, Command.COUNTERSIGN, "other_contact")
    assert not isinstance(desk.act(case_id, Command.CONFIRM), Refusal)


def test_a_unit_is_known_with_and_without_the_county_before_its_name():
    office = make_office()
    channels = {k: replace(c, unit=f"县{c.name}局") for k, c in office.channels.items()}
    office = replace(office, channels=channels)
    lead, second, third, *_ = channels.values()
    text = f"请{second.unit}、{third.unit[1:]}配合，{lead.unit}牵头"
    assert [c.key for c in named_units(text, office, lead.key)] == [second.key, third.key]
    assert named_units("请大家放心", office, lead.key) == []


def test_what_need_not_be_answered_owes_no_public_answer_and_says_why(desk):
    case_id = desk.open()
    desk.act(case_id, Command.EXCUSE, reason="只是转发旧闻")
    assert Step.RESPOND not in running(desk, case_id)
    assert not desk.case(case_id).must_answer
    desk.act(case_id, Command.OBLIGE)
    assert Step.RESPOND in running(desk, case_id)
    assert due(desk, case_id, Step.RESPOND) == desk.case(case_id).opened_at + timedelta(hours=48)
    desk.act(case_id, Command.SET_ANSWER_KIND, answer_kind=AnswerKind.HARDSHIP)
    assert desk.case(case_id).answer_kind is AnswerKind.HARDSHIP


def test_what_a_person_says_of_the_duty_to_answer_is_a_verdict_and_no_text_undoes_it(desk):
    case_id = desk.open("东湖小区旁边塌方了", counts=views(20_000))
    assert desk.case(case_id).owed is Owed.LEVEL
    desk.act(case_id, Command.EXCUSE, reason="只是转发旧闻")
    assert desk.case(case_id).owed is None
    desk.rules = make_rules(RULES_TOML.replace("level = 2", 'level = 2\nmust_answer = "涉险情安全"'))
    desk.accept(item("东湖小区旁边塌方了，路断了"))
    assert not desk.case(case_id).must_answer
    desk.act(case_id, Command.OBLIGE)
    assert desk.case(case_id).owed is Owed.PERSON
    said = [(row.proposed, row.corrected) for row in desk.all(VerdictRow)]
    assert said == [("level", "no"), ("no", "person")]


def test_no_rise_in_level_undoes_what_a_person_says_of_the_duty_to_answer(desk):
    case_id = desk.open("东湖小区旁边停水", counts=views(20_000))
    desk.act(case_id, Command.EXCUSE, reason="只是转发旧闻")
    desk.accept(item("东湖小区旁边停水，边上还塌方了"))
    case = desk.case(case_id)
    assert (case.level, case.must_answer, case.owed) == (Level.II, False, None)


def test_a_text_that_comes_later_gives_a_plainer_ground_and_why_tells_it(desk):
    case_id = desk.open("东湖小区旁边停水", counts=views(20_000))
    assert desk.case(case_id).owed is Owed.LEVEL
    desk.rules = make_rules(RULES_TOML.replace("level = 2", 'level = 2\nmust_answer = "涉险情安全"'))
    desk.accept(item("东湖小区旁边停水，边上还塌方了"))
    assert desk.case(case_id).owed is Owed.EMERGENCY
    told = [str(step) for step in desk.run(lambda s: explain(s, "YQ-2026-0001", words(None)))]
    assert [line for line in told if "建议应当回应" in line and "应当回应 涉险情安全" in line]
    assert [line for line in told if "立项" in line and "应当回应 三级以上" in line]


def test_a_watched_matter_is_looked_at_again_when_its_officer_said(desk):
    case_id = desk.open()
    when = desk.clock() + timedelta(hours=72)
    desk.act(case_id, Command.WATCH, until=when)
    assert due(desk, case_id, Step.RELOOK) == when


def test_a_call_back_that_reaches_nobody_twice_may_be_closed(desk):
    case_id = desk.at(State.CALLING_BACK)
    early = desk.act(case_id, Command.CLOSE, "office")
    assert isinstance(early, Refusal)
    desk.act(case_id, Command.UNREACHED)
    desk.act(case_id, Command.UNREACHED)
    assert not isinstance(desk.act(case_id, Command.CLOSE, "office"), Refusal)
    assert desk.case(case_id).state is State.CLOSED


def test_a_citizen_who_is_not_content_gets_another_answer(desk):
    case_id = desk.at(State.CALLING_BACK)
    desk.act(case_id, Command.DISCONTENT, reason="水压仍不足")
    assert desk.case(case_id).state is State.HANDLING
    assert Step.DRAFT in running(desk, case_id)


def test_a_report_goes_to_every_leader_and_starts_the_clock_of_the_next(desk):
    switch(desk, report=EVERY)
    case_id = desk.open()
    assert Step.REPORT in running(desk, case_id)
    desk.act(case_id, Command.REPORT, stance="first", text="停水约三百户，正在抢修。")
    assert Step.REPORT not in running(desk, case_id)
    assert Step.PROGRESS in running(desk, case_id)
    heard = {r.chat for r in desk.all(OutboxRow) if r.payload.get("template") == "report"}
    assert heard == {"private-leader", "private-second_leader", "private-chief"}


def test_what_is_grave_is_reported_by_telephone_first(desk):
    switch(desk, report=EVERY)
    case_id = desk.open()
    assert Step.PHONE not in running(desk, case_id)
    assert isinstance(desk.act(case_id, Command.PHONE, text="已报告"), Refusal)
    desk.act(case_id, Command.SET_LEVEL, level=Level.II)
    assert {Step.PHONE, Step.REPORT} <= set(running(desk, case_id))
    desk.act(case_id, Command.REPORT, stance="first", text="停水约三百户，正在抢修。")
    assert Step.PHONE in running(desk, case_id)  # what was written is not a call
    desk.act(case_id, Command.PHONE, text="14:05 已向某县长电话报告")
    assert Step.PHONE not in running(desk, case_id)
    told = [p.text for p in desk.all(PaperRow, PaperRow.kind == Command.PHONE)]
    assert told == ["14:05 已向某县长电话报告"]


def test_a_grave_matter_of_an_older_version_that_asked_for_no_call_owes_none_now(desk):
    switch(desk, report=EVERY)
    case_id = desk.open(counts=views(150_000))
    assert Step.PHONE in running(desk, case_id)
    desk.run(lambda s: s.execute(delete(DeadlineRow).where(DeadlineRow.step == Step.PHONE)))
    desk.act(case_id, Command.REPORT, stance="first", text="停水约三百户，正在抢修。")
    desk.clock.advance(days=1)
    for level in (Level.II, Level.I):
        desk.act(case_id, Command.SET_LEVEL, level=level)
        assert Step.PHONE not in running(desk, case_id)
    desk.act(case_id, Command.SET_LEVEL, level=Level.III)
    desk.act(case_id, Command.SET_LEVEL, level=Level.II)
    assert due(desk, case_id, Step.PHONE) > desk.clock()  # it rises: that is news to a leader


def returnable_for_a_day(desk: Desk) -> int:
    returned = dict.fromkeys(Level, Limit(24 * 60))
    desk.office = replace(desk.office, limits={**desk.office.limits, Step.RETURN: returned})
    return desk.at(State.TO_SIGN)


def test_a_slip_is_returned_until_its_time_is_over(desk):
    case_id = returnable_for_a_day(desk)
    desk.clock.advance(hours=24)
    assert not isinstance(desk.act(case_id, Command.RETURN, reason="不属本单位职责"), Refusal)


def test_a_slip_that_lay_too_long_is_not_returned_and_the_office_sends_it_on(desk):
    case_id = returnable_for_a_day(desk)
    desk.clock.advance(hours=24, minutes=1)
    refused = desk.act(case_id, Command.RETURN, reason="不属本单位职责")
    assert isinstance(refused, Refusal)
    assert refused.ground is Ground.LIMIT
    assert "政府办改派" in refused.text
    assert desk.case(case_id).state is State.TO_SIGN
    desk.act(case_id, Command.DISPATCH, "office", channel="network")  # a new slip has its own time
    assert not isinstance(desk.act(case_id, Command.RETURN, "other_contact", reason="职责不清"), Refusal)


@pytest.mark.parametrize("command", [Command.CLOSE, Command.TAKE_BACK])
def test_a_transferred_matter_is_taken_or_comes_back(desk, command):
    case_id = desk.at(State.TRANSFERRED)
    assert running(desk, case_id) == {Step.RELOOK}
    desk.act(case_id, command)
    ended = desk.case(case_id).state is State.CLOSED
    assert ended is (command is Command.CLOSE)
    assert (Step.RESPOND in running(desk, case_id)) is not ended


def test_the_office_settles_a_dispute_and_what_it_assigns_is_not_returned(desk):
    case_id = desk.at(State.RETURNED)
    by_duty = desk.act(case_id, Command.DISPATCH, assigns=True)
    assert isinstance(by_duty, Refusal)
    assert by_duty.ground is Ground.ROLE
    desk.act(case_id, Command.DISPATCH, "office", assigns=True)
    again = desk.act(case_id, Command.RETURN)
    assert isinstance(again, Refusal)
    assert again.ground is Ground.ASSIGNED


def test_a_text_that_goes_on_to_the_chief_is_shown_to_no_unit_that_it_names(desk):
    switch(desk, countersign=True, chief=EVERY)
    unit = desk.office.channels["network"].unit
    case_id = desk.open()
    for command in (Command.DISPATCH, Command.SIGN):
        desk.act(case_id, command)
    desk.act(case_id, Command.SIGN_COPY, "other_contact")
    desk.act(case_id, Command.DRAFT, text=f"经与{unit}核实，供水已经恢复。")
    for command in (Command.PASS, Command.CLEAR, Command.APPROVE):
        desk.act(case_id, command)
    assert desk.case(case_id).state is State.WITH_CHIEF
    assert waiting(desk, case_id, Command.COUNTERSIGN) == frozenset()
    desk.act(case_id, Command.APPROVE, "chief")
    assert desk.case(case_id).state is State.TO_RELEASE
    assert waiting(desk, case_id, Command.COUNTERSIGN) == {"network"}


def test_who_called_a_consultation_is_reminded_once_all_have_spoken(desk):
    switch(desk, consult=EVERY)
    case_id = desk.open()
    desk.act(case_id, Command.CONVENE, units=("petition",))

    def reminded() -> list[str]:
        return desk.run(
            lambda s: movers.recipients(
                s, desk.office, s.get_one(CaseRow, case_id), Step.CONSULT, desk.clock()
            )
        )

    assert reminded() == ["group-petition"]
    desk.act(case_id, Command.OPINE, "contact", stance="agree", reason="同意")
    assert reminded() == ["duty-group"]


@pytest.mark.parametrize(("level", "days"), [(Level.III, 1), (Level.IV, 1)])
def test_a_watched_matter_is_never_looked_at_later_than_its_officer_said(desk, level, days):
    desk.office.limits[Step.RELOOK] = {**dict.fromkeys(Level, Limit(24 * 60)), Level.IV: Limit(72 * 60)}
    case_id = desk.open()
    desk.act(case_id, Command.SET_LEVEL, level=Level.II)
    when = desk.clock() + timedelta(days=days)
    desk.act(case_id, Command.WATCH, until=when)
    desk.act(case_id, Command.SET_LEVEL, level=level)
    assert due(desk, case_id, Step.RELOOK) == when


def test_a_matter_that_rises_to_a_reported_level_owes_its_first_report_once(desk):
    switch(desk, report=frozenset({Level.I, Level.II}))
    case_id = desk.open()
    assert Step.REPORT not in running(desk, case_id)
    desk.act(case_id, Command.SET_LEVEL, level=Level.II)
    assert Step.REPORT in running(desk, case_id)
    desk.act(case_id, Command.REPORT, stance="first")
    desk.act(case_id, Command.SET_LEVEL, level=Level.I)
    assert Step.REPORT not in running(desk, case_id)


def test_a_copy_that_nobody_signed_bears_no_name(desk):
    case_id = desk.at(State.TO_SIGN)
    desk.act(case_id, Command.DISPATCH, channel="network")  # what was copied there is now its own
    view = desk.run(lambda s: case_view(s, case_id))
    assert view is not None
    [line] = [block.text for block in steps.file_blocks(view, desk.office) if block.label == "协办签收"]
    assert line.endswith("不再需要（未签）")


def test_who_drafted_an_answer_does_not_check_it(desk):
    both = desk.run(lambda s: join(s, "两职", [Role.CONTACT, Role.REVIEWER], ["petition"]))
    switch(desk, recheck=True)
    case_id = desk.at(State.HANDLING)
    switch(desk, recheck=True)
    desk.act(case_id, Command.DRAFT, both)
    for command in (Command.PASS, Command.CLEAR, Command.APPROVE, Command.CONFIRM):
        desk.act(case_id, command)
    for command in (Command.RECHECK, Command.RECALL):
        refused = desk.act(case_id, command, both)
        assert isinstance(refused, Refusal)
        assert refused.ground is Ground.FOUR_EYES


def test_a_matter_that_is_taken_up_again_is_not_closed(desk):
    case_id = desk.at(State.CLOSED)
    assert desk.case(case_id).closed_at is not None
    desk.act(case_id, Command.FOLLOW)
    assert desk.case(case_id).closed_at is None


def test_what_need_not_be_reported_any_more_owes_no_report(desk):
    switch(desk, report=frozenset({Level.II}))
    desk.office.limits[Step.PROGRESS] = dict.fromkeys(Level, Limit(4 * 60))
    case_id = desk.open()
    desk.act(case_id, Command.SET_LEVEL, level=Level.II)
    desk.act(case_id, Command.REPORT, stance="first")
    assert Step.PROGRESS in running(desk, case_id)
    desk.act(case_id, Command.SET_LEVEL, level=Level.III)
    assert not {Step.REPORT, Step.PROGRESS} & set(running(desk, case_id))


def test_nothing_that_only_we_could_do_is_owed_of_a_matter_that_is_transferred(desk):
    switch(desk, report=EVERY)
    for step in (Step.FIRST_WORD, Step.PRESS):
        desk.office.limits[step] = dict.fromkeys(Level, Limit(5 * 60))
    case_id = desk.open()
    desk.act(case_id, Command.SET_LEVEL, level=Level.II)
    desk.act(case_id, Command.EMERGENCY)
    assert {Step.FIRST_WORD, Step.REPORT} <= set(running(desk, case_id))
    desk.act(case_id, Command.TRANSFER)
    assert set(running(desk, case_id)) == {Step.RELOOK}


def test_what_another_procedure_sends_back_owes_its_answer_since_it_was_found(desk):
    case_id = desk.at(State.TRANSFERRED)
    desk.clock.advance(hours=20)
    desk.act(case_id, Command.TAKE_BACK)
    assert due(desk, case_id, Step.RESPOND) == desk.case(case_id).opened_at + timedelta(hours=48)


def test_what_need_not_be_answered_does_not_owe_an_answer_by_coming_back(desk):
    case_id = desk.open()
    desk.act(case_id, Command.EXCUSE, reason="只是转发旧闻")
    desk.act(case_id, Command.TRANSFER)
    desk.act(case_id, Command.TAKE_BACK)
    assert Step.RESPOND not in running(desk, case_id)


def test_what_need_not_be_answered_does_not_owe_an_answer_by_being_taken_up_again(desk):
    case_id = desk.open()
    desk.act(case_id, Command.EXCUSE, reason="只是转发旧闻")
    desk.act(case_id, Command.DISMISS, reason="与本县无关")
    desk.act(case_id, Command.REOPEN, reason="查实是本县的事")
    assert set(running(desk, case_id)) == {Step.DISPATCH}
    desk.act(case_id, Command.OBLIGE)
    assert Step.RESPOND in running(desk, case_id)


def test_a_unit_that_the_office_knows_no_more_is_not_waited_for(desk):
    switch(desk, countersign=True)
    case_id = desk.at(State.HANDLING)
    unit = desk.office.channels["network"].unit
    desk.act(case_id, Command.DRAFT, text=f"经与{unit}核实，供水已经恢复。")
    for command in (Command.PASS, Command.CLEAR, Command.APPROVE):
        desk.act(case_id, command)
    left = {key: channel for key, channel in desk.office.channels.items() if key != "network"}
    desk.office = replace(desk.office, channels=left)
    assert not isinstance(desk.act(case_id, Command.CONFIRM), Refusal)


# --- a level that is raised after the approval ---------------------------------------------------------------------


def raised(desk: Desk, **steps) -> int:
    """Bring a matter of the lowest level to its release, and set it to the second."""
    grave = frozenset({Level.I, Level.II})
    desk.office = replace(desk.office, procedure=Procedure(chief=grave, **steps))
    case_id = desk.at(State.TO_RELEASE)
    assert isinstance(desk.act(case_id, Command.SET_LEVEL, level=Level.II), Done)
    return case_id


def test_a_level_raised_after_the_approval_asks_the_chief_leader_before_anything_is_published(desk):
    case_id = raised(desk)
    assert desk.case(case_id).state is State.WITH_CHIEF
    refused = desk.act(case_id, Command.CONFIRM)
    assert isinstance(refused, Refusal)
    cards = [row for row in desk.all(OutboxRow) if row.payload.get("card") == "chief"]
    assert [row.chat for row in cards] == ["private-chief"]
    told = [row for row in desk.all(OutboxRow) if row.payload.get("template") == "renewed"]
    assert [row.chat for row in told] == ["group-petition"]
    running = {row.step for row in desk.all(DeadlineRow, DeadlineRow.ended_at.is_(None))}
    assert Step.CHIEF in running
    assert Step.RELEASE not in running
    assert isinstance(desk.act(case_id, Command.APPROVE, "chief"), Done)
    assert desk.case(case_id).state is State.TO_RELEASE
    slips = [row for row in desk.all(OutboxRow) if ":release:" in row.dedupe_key]
    assert len(slips) == 2  # told aloud a second time that it may go out now
    assert isinstance(desk.act(case_id, Command.CONFIRM), Done)
    assert desk.case(case_id).state is State.CLOSED


def test_the_chief_leader_is_not_asked_twice_and_his_no_sends_the_text_back(desk):
    case_id = raised(desk)
    desk.act(case_id, Command.APPROVE, "chief")
    desk.act(case_id, Command.SET_LEVEL, level=Level.I)
    assert desk.case(case_id).state is State.TO_RELEASE
    other = desk.at(State.TO_RELEASE, "西山小区停水了")
    desk.act(other, Command.SET_LEVEL, level=Level.I)
    desk.act(other, Command.REFUSE, "chief")
    assert desk.case(other).state is State.HANDLING


def test_who_approved_as_a_leader_does_not_approve_as_the_chief(desk):
    both = desk.run(lambda s: join(s, "两职", [Role.LEADER, Role.CHIEF]))
    desk.office = replace(desk.office, procedure=Procedure(chief=frozenset({Level.II})))
    case_id = desk.at(State.TO_APPROVE)
    desk.act(case_id, Command.APPROVE, both)
    desk.act(case_id, Command.SET_LEVEL, level=Level.II)
    refused = desk.act(case_id, Command.APPROVE, both)
    assert isinstance(refused, Refusal)
    assert refused.ground is Ground.FOUR_EYES


def test_a_unit_that_confirmed_the_same_text_before_is_not_asked_again(desk):
    unit = desk.office.channels["network"].unit
    text = f"您反映的停水问题已修复，{unit}将持续发布进展。"
    grave = frozenset({Level.I, Level.II})
    desk.office = replace(desk.office, procedure=Procedure(chief=grave, countersign=True))
    case_id = desk.at(State.HANDLING)
    for command in (Command.DRAFT, Command.PASS, Command.CLEAR, Command.APPROVE):
        assert isinstance(desk.act(case_id, command, text=text), Done)
    assert isinstance(desk.act(case_id, Command.COUNTERSIGN, "other_contact"), Done)
    desk.act(case_id, Command.SET_LEVEL, level=Level.II)
    assert isinstance(desk.act(case_id, Command.APPROVE, "chief"), Done)
    assert isinstance(desk.act(case_id, Command.CONFIRM), Done)
