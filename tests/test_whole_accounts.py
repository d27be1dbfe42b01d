"""A leader with two accounts, over HTTP: asked on both, decides on one, and both say so."""

from pathlib import Path

from whole import (
    LEADER,
    MANY_HATS,
    PETITION,
    SECOND_LEADER,
    number_of,
    on_stage,
    person_id,
)

from routing.store.tables import AccountRow

TABLET = MANY_HATS


async def test_a_leader_decides_on_his_second_account_and_his_first_says_so(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        await stage.store.write(
            lambda s: s.add(
                AccountRow(
                    platform="telegram",
                    user_ref=str(TABLET),
                    chat_ref=str(TABLET),
                    person_id=person_id(s, LEADER),
                )
            )
        )
        cards = await stage.cleared()
        number = number_of(cards[LEADER])
        tablet = await stage.card(TABLET, number, button="批准发布")
        assert await stage.press(TABLET, tablet, "批准发布") == f"已批准发布：{number}"
        for who in (LEADER, TABLET, SECOND_LEADER):
            await stage.card(who, number, "林涛 已处理：批准发布", button="")
        late = await stage.unchanged(number, stage.press(LEADER, cards[LEADER], "批准发布"))
        assert late.startswith("林涛 已于")
        await stage.said(PETITION, number, "已批准", "回应确认")
        assert [line["action"] for line in await stage.ledger(number)].count("approve") == 1
