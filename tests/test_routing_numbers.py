"""Numbers on paper: without a gap in their year, none twice, whoever comes at once and whatever is rolled back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from builders import Desk, harvest, item, make_office

from routing import intake
from routing.cases import Done
from routing.numbers import next_index, next_slip
from routing.office import Record
from routing.store.tables import AssignmentRow, CaseRow, ReleaseRow
from routing.workflow import Command, State

MATTERS = 10
THREADS = 4
SUBJECTS = (
    "公交改线", "学位申请", "医保报销", "垃圾清运", "路灯不亮", "油菜补贴", "公园收费", "图书馆闭馆",
    "驾照换领", "户口迁移", "低保标准", "养犬登记", "菜场摊位", "污水直排", "古树砍伐", "广场噪音",
    "工地扬尘", "电梯停运", "停车划线", "校车接送", "燃气安检", "房产过户", "河道采砂", "快递驿站",
)  # fmt: skip
"""What no two matters have in common."""


class Changed(Exception):
    """The unit of work thought better of it."""


def at_once(work, many):
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, many))


def opened(desk: Desk, subject: str, *, fail: bool = False) -> None:
    """Take in one text as a polling half of its own does."""
    found = harvest(item(f"请问{subject}、{subject}、{subject}", source_id=subject), source=subject)

    def work(session):
        intake.accept(session, desk.office, desk.rules, desk.ledger, found, desk.clock())
        if fail:
            raise Changed

    desk.run(work)


def test_matters_that_are_opened_at_once_are_numbered_without_a_gap(desk):
    desk.know(*SUBJECTS)

    def open_one(n: int) -> None:
        if n % 5 == 0:  # as when the machine dies before the commit: the round is done again
            with pytest.raises(Changed):
                opened(desk, SUBJECTS[n], fail=True)
        opened(desk, SUBJECTS[n])

    at_once(open_one, range(len(SUBJECTS)))
    numbers = sorted(case.number for case in desk.all(CaseRow))
    assert numbers == [f"YQ-2026-{n:04d}" for n in range(1, len(numbers) + 1)]
    assert len(numbers) > len(SUBJECTS) / 2  # a few are taken for one matter, or for none
    assert desk.run(desk.ledger.verify).broken is None


def test_slips_that_are_sent_at_once_are_numbered_without_a_gap(desk):
    desk.know(*SUBJECTS[:MATTERS])
    for subject in SUBJECTS[:MATTERS]:
        opened(desk, subject)
    cases = [case.id for case in desk.all(CaseRow)]
    shown = {case_id: desk.shown(case_id) for case_id in cases}
    answers = at_once(  # two officers press on each: one wins, and the loser takes no number
        lambda case_id: desk.give(case_id, desk.order(shown[case_id], Command.DISPATCH)), cases * 2
    )
    assert sum(isinstance(answer, Done) for answer in answers) == len(cases) > MATTERS / 2
    slips = desk.all(AssignmentRow)
    assert {slip.number for slip in slips} == {f"舆转〔2026〕{n}号" for n in range(1, len(cases) + 1)}


def test_a_slip_that_is_sent_again_has_a_number_of_its_own(desk):
    case_id = desk.at(State.RETURNED)
    desk.act(case_id, Command.DISPATCH)
    assert [slip.number for slip in desk.all(AssignmentRow)] == ["舆转〔2026〕1号", "舆转〔2026〕2号"]


@pytest.mark.parametrize(
    ("at", "number"),
    [
        (datetime(2026, 12, 31, 15, 59, tzinfo=UTC), "舆转〔2026〕1号"),
        (datetime(2026, 12, 31, 16, 0, tzinfo=UTC), "舆转〔2027〕1号"),  # midnight in the office
    ],
)
def test_the_year_is_that_of_the_office_and_begins_at_one(store, office, at, number):
    store.run(lambda s: [next_slip(s, office, at - timedelta(days=300)) for _ in range(int(at.hour == 16))])
    assert store.run(lambda s: next_slip(s, office, at)) == number


def test_the_word_of_the_slip_is_the_office_s(store):
    office = make_office(record=Record(slip_word="青政舆转"))
    now = datetime(2026, 5, 1, tzinfo=UTC)
    numbers = store.run(lambda s: [next_slip(s, office, now) for _ in range(12)])
    assert numbers[-1] == "青政舆转〔2026〕12号"


def test_an_answer_has_an_index_number_of_the_year_of_its_signing(store, rules, clock):
    clock.now = datetime(2026, 12, 31, 15, 0, tzinfo=UTC)  # an hour before the year ends in the office
    desk = Desk(store, make_office(record=Record(index_class="0301")), rules, clock)
    desk.hire()
    case_id = desk.at(State.TO_RELEASE)
    clock.advance(hours=2)
    desk.act(case_id, Command.CONFIRM)
    assert [row.index_number for row in desk.all(ReleaseRow)] == ["QHX-0301-2026-0001"]
    number = desk.run(lambda s: next_index(s, desk.office, clock()))
    assert number == "QHX-0301-2027-0001"


def test_without_a_class_answers_have_no_index_number(desk):
    desk.at(State.CLOSED)
    assert [row.index_number for row in desk.all(ReleaseRow)] == [None]
