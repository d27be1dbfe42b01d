import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from builders import wait_until

from monitors.fetch import Fetched
from monitors.sources import Source
from monitors.worker import Worker
from routing.items import Band, Fault, Item, Kind, Sentiment

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
SOURCE = Source(id="s", name="来源", kind="feed", url="https://x.example/rss", site="x", item_kind=Kind.POST)
GOOD = "<rss><channel><item><title>停水三天，电话19900000017</title><guid>1</guid></item></channel></rss>".encode()
# feedparser takes time with the square of the number of attributes: this one takes a minute.
POISON = b"<rss><channel><item " + b"".join(b'a%d="1" ' % n for n in range(60_000)) + b"/></channel></rss>"


class ByLength:
    """A scorer for the child: quick, and deadly for one text."""

    name = "length"
    version = "1"

    def score(self, text: str) -> Sentiment | None:
        if "毒" in text:
            os.kill(os.getpid(), signal.SIGKILL)
        return Sentiment(raw=0.5, value=0.5, band=Band.UNCLEAR, scorer=self.name, version=f"{len(text)}")


def answer(body: bytes) -> Fetched:
    return Fetched(200, body, "text/xml", SOURCE.url)


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    made = Worker(ByLength, parse_limit_s=0.8)
    yield made
    await made.close()
    await made.close()
    assert made.pids == ()


async def test_a_hanging_document_is_a_problem_and_the_next_one_is_read_by_a_new_child(
    worker: Worker,
) -> None:
    (before,) = (await worker.parse(SOURCE, answer(GOOD), NOW)).items
    nursery, first = worker.pids
    bad, good = await asyncio.gather(
        worker.parse(SOURCE, answer(POISON), NOW), worker.parse(SOURCE, answer(GOOD), NOW)
    )
    assert bad.problem is not None
    assert bad.problem.fault is Fault.UNREADABLE
    assert "秒内没有完成" in bad.problem.detail
    assert good.items == (before,)
    assert nursery in worker.pids
    assert first not in worker.pids


async def test_a_slow_document_does_not_hold_up_the_others_and_its_source_is_read_apart_from_then_on(
    worker: Worker,
) -> None:
    other = replace(SOURCE, id="other")
    await worker.parse(other, answer(GOOD), NOW)
    for reader_is_killed in (True, False):
        readers = set(worker.pids[1:])
        slow = asyncio.create_task(worker.parse(SOURCE, answer(POISON), NOW))
        await asyncio.sleep(0)
        for _ in range(20):
            assert len((await worker.parse(other, answer(GOOD), NOW)).items) == 1
        assert not slow.done()
        await slow
        assert bool(readers - set(worker.pids)) == reader_is_killed


async def test_a_large_document_gets_no_trial_in_which_others_would_wait_for_it(worker: Worker) -> None:
    await worker.parse(replace(SOURCE, id="other"), answer(GOOD), NOW)
    _, reader = worker.pids
    large = POISON.replace(b"<channel>", b"<channel>" + b" " * 1024 * 1024)
    assert (await worker.parse(SOURCE, answer(large), NOW)).problem is not None
    assert reader in worker.pids


async def test_the_healthy_entries_beside_a_hostile_one_are_saved_with_the_ids_that_they_always_had() -> None:
    worker = Worker(ByLength, parse_limit_s=12.0)  # a busy machine is not what is tested
    try:
        await _save_the_healthy(worker)
    finally:
        await worker.close()


async def _save_the_healthy(worker: Worker) -> None:
    head, tail = b'<rss version="2.0"><channel><title>t</title>', b"</channel></rss>"
    healthy = [f"<item><title>第{n}条停水</title><guid>g{n // 2}</guid></item>".encode() for n in range(40)]
    poison = POISON.removeprefix(b"<rss><channel>").removesuffix(b"</channel></rss>")
    whole = await worker.parse(SOURCE, answer(head + b"".join(healthy) + tail), NOW)
    assert len(whole.items) == 40
    body = head + b"".join((*healthy[:7], poison, *healthy[7:])) + tail
    saved = await worker.parse(SOURCE, answer(body), NOW, known=b"12345678", memory='{"kept": 1}')
    assert saved.items == whole.items
    assert (saved.raw_hashes, saved.memory) == (b"12345678", '{"kept": 1}')
    assert saved.problem is not None
    assert "已救回 40 条，略过 1 条" in saved.problem.detail


async def test_twenty_callers_at_once_each_get_their_own_answer(worker: Worker) -> None:
    bodies = [GOOD.replace(b"<guid>1<", b"<guid>%d<" % n) for n in range(20)]
    found = await asyncio.gather(*(worker.parse(SOURCE, answer(body), NOW) for body in bodies))
    assert [parsed.items[0].external_id for parsed in found] == [str(n) for n in range(20)]


async def test_a_batch_that_is_being_scored_holds_up_no_document(worker: Worker, tmp_path: Path) -> None:
    working, go_on = tmp_path / "working", tmp_path / "go_on"
    patient = Worker(UntilTold)
    try:
        scoring = asyncio.create_task(patient.score([Item("s", "1", "", str(working), str(go_on))]))
        await asyncio.to_thread(wait_until, working.exists)
        assert len((await patient.parse(SOURCE, answer(GOOD), NOW)).items) == 1
        assert not scoring.done()
        go_on.touch()
        await scoring
    finally:
        go_on.touch()
        await patient.close()


async def test_items_come_back_masked(worker: Worker) -> None:
    (item,) = (await worker.parse(SOURCE, answer(GOOD), NOW)).items
    assert item.title == "停水三天，电话[手机号已隐去]"
    assert item.masked == ("手机号",)


async def test_a_text_that_kills_the_child_goes_unscored_and_the_others_are_scored(worker: Worker) -> None:
    items = [Item("s", str(n), "", title, "正文") for n, title in enumerate(["一", "有毒", "三三"])]
    scored = await worker.score(items)
    assert [item.external_id for item in scored] == ["0", "1", "2"]
    assert [item.sentiment and item.sentiment.version for item in scored] == ["4", None, "5"]


async def test_a_child_killed_from_outside_is_replaced_and_no_document_is_blamed(worker: Worker) -> None:
    await worker.parse(SOURCE, answer(GOOD), NOW)
    _, pid = worker.pids
    os.kill(pid, signal.SIGKILL)
    read = await worker.parse(SOURCE, answer(GOOD), NOW)
    assert (read.problem, len(read.items)) == (None, 1)


async def test_where_no_process_can_be_started_the_machine_is_to_be_looked_at_and_not_the_source(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/interpreter")
    problem = (await worker.parse(SOURCE, answer(GOOD), NOW)).problem
    assert problem is not None
    assert "无法启动" in problem.detail
    assert "内存" in problem.cure
    assert "联系来源" not in problem.cure
    monkeypatch.undo()
    assert len((await worker.parse(SOURCE, answer(GOOD), NOW)).items) == 1


async def test_when_the_process_that_makes_children_is_killed_another_one_is_started(worker: Worker) -> None:
    await worker.parse(SOURCE, answer(GOOD), NOW)
    nursery, reader = worker.pids
    os.kill(nursery, signal.SIGKILL)
    async with asyncio.timeout(20):  # its last child may still answer once
        while {nursery, reader} & set(worker.pids):
            await worker.parse(SOURCE, answer(GOOD), NOW)
    assert len((await worker.parse(SOURCE, answer(GOOD), NOW)).items) == 1


async def test_a_caller_that_is_cancelled_does_not_leave_its_answer_to_the_next(worker: Worker) -> None:
    await worker.parse(SOURCE, answer(GOOD), NOW)
    hanging = asyncio.create_task(worker.parse(SOURCE, answer(POISON), NOW))
    await asyncio.sleep(0)
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging
    assert len((await worker.parse(SOURCE, answer(GOOD), NOW)).items) == 1


class UntilTold:
    """A scorer for the child of a process that is to be killed: says that it works, and goes on when told to."""

    name, version = "until-told", "1"

    def score(self, text: str) -> Sentiment | None:
        working, go_on = (Path(line) for line in text.splitlines())
        working.touch()
        wait_until(go_on.exists)
        return None


PARENT = """
import asyncio, sys
from test_monitors_worker import UntilTold
from monitors.worker import Worker
from routing.items import Item

async def main():
    worker = Worker(UntilTold)
    await worker.score([Item("s", "1", "", sys.argv[1], sys.argv[2])])
    print("answered", flush=True)
    await asyncio.Event().wait()

if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.mark.parametrize("at_work", [True, False])
def test_a_child_whose_parent_was_killed_ends_without_a_word(tmp_path: Path, at_work: bool) -> None:
    """At work it finds nobody to answer, idle nobody who asks."""
    working, go_on = tmp_path / "working", tmp_path / "go_on"
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    tests = Path(__file__).parent
    parent = subprocess.Popen(
        [sys.executable, str(script), str(working), str(go_on)],
        env=os.environ | {"PYTHONPATH": f"{tests}:{tests.parent}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(working.exists)
    if not at_work:
        go_on.touch()
        assert parent.stdout is not None
        assert parent.stdout.readline() == "answered\n"
    parent.kill()
    parent.wait()
    go_on.touch()
    # Both processes hold the pipe: reading it to its end waits for the child.
    assert parent.communicate(timeout=20) == ("", "")


@pytest.mark.slow
async def test_the_real_scorer_judges_in_the_child_and_a_repeat_costs_nothing() -> None:
    worker = Worker()
    try:
        items = [
            Item("s", "1", "", "楼道垃圾成堆臭气熏天", "物业根本不管，太差了，骗钱的垃圾公司。"),
            Item("s", "2", "", "服务非常好", "环境干净，工作人员热情周到，非常满意，点赞。"),
            Item("s", "3", "", "12345", ""),
        ]
        bad, good, nothing = await worker.score(items)
        assert bad.sentiment is not None
        assert good.sentiment is not None
        assert nothing.sentiment is None
        assert (bad.sentiment.scorer, bad.sentiment.band) == ("snownlp", Band.NEGATIVE)
        assert good.sentiment.band is Band.NOT_NEGATIVE
        assert bad.sentiment.value < good.sentiment.value
        await worker.close()
        again = await worker.score(items)
        assert again == (bad, good, nothing)
        assert worker.pids == ()
    finally:
        await worker.close()


async def test_names_that_a_platform_writes_into_titles_are_cut_before_anything_is_kept(
    worker: Worker,
) -> None:
    body = "<rss><channel><item><title>张三丰 : 停水三天</title><description>张三丰 : 没人管</description></item></channel></rss>"
    source = replace(SOURCE, title_cut="^[^:]{1,40} : ", text_cut="^[^:]{1,40} : ")
    parsed = await worker.parse(source, Fetched(200, body.encode(), "text/xml", "http://x/"), NOW)
    assert [(item.title, item.text) for item in parsed.items] == [("停水三天", "没人管")]
