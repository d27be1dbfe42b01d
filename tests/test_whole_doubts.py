"""A matter that is perhaps part of another, through the real client: it waits there, is said to be part of it, or apart."""

from pathlib import Path

from sqlalchemy import select
from whole import DUTY, OFFICER, ON_BOTH, Post, database, number_of, on_stage

from routing.silence import Ending
from routing.store.tables import HoldRow

FIRST = Post("d1", "桂汀苑今天又停水了，物业不管", "桂汀苑今天又停水了，物业不管")
SECOND = Post("d2", "汀岸新城今天又停水了，物业不管", "汀岸新城今天又停水了，物业不管")
UNSURE = Post("d3", "又停水了，物业根本不管事", "又停水了，物业根本不管事")
NAME = "YQ-2026-0003《又停水了，物业根本…》"


@ON_BOTH
async def test_a_new_matter_waits_on_the_card_of_another_until_somebody_says_what_it_is(
    kind: str, tmp_path: Path
) -> None:
    with database(kind, tmp_path) as url:
        async with on_stage(tmp_path, url=url) as stage:
            for post in (FIRST, SECOND):
                await stage.opened(post)
            await stage.drop(UNSURE)
            card = await stage.card(DUTY, "疑似同一事项 1 条", UNSURE.title, button=f"另立 {NAME}")
            other = number_of(card)
            said = await stage.press(OFFICER, card, f"另立 {NAME}")
            assert said == "YQ-2026-0003 另立，卡片已发出。"
            await stage.card(DUTY, UNSURE.title, button="转办", but_not="疑似")
            await stage.card(DUTY, other, button="转办", but_not="疑似同一事项")
            moves = [line["action"] for line in await stage.ledger("YQ-2026-0003")]
            assert moves == ["open", "hold", "release"]


async def test_it_waits_over_a_restart_and_goes_into_the_other_without_a_card_of_its_own(
    tmp_path: Path,
) -> None:
    async with on_stage(tmp_path) as stage:
        for post in (FIRST, SECOND):
            await stage.opened(post)
        await stage.drop(UNSURE)
        card = await stage.card(DUTY, "疑似同一事项 1 条", button=f"并入 {NAME}")
        await stage.stop_app()
        await stage.start_app()
        said = await stage.press(OFFICER, card, f"并入 {NAME}")
        assert said == f"已把 YQ-2026-0003 并入 {number_of(card)}。"
        await stage.card(DUTY, number_of(card), "共 2 条", but_not="疑似同一事项")
        await stage.until(lambda s: s.scalar(select(HoldRow.ending)) is Ending.CLOSED)
        assert not any("YQ-2026-0003【" in m["text"] for m in await stage.client.messages(OFFICER, DUTY))
