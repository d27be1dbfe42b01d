"""People put right in chat what the machine made of texts: split, merged, sent elsewhere, said to be negative or not."""

from pathlib import Path

from sqlalchemy import select
from whole import (
    CONTACT,
    DUTY,
    NETWORK,
    OFFICER,
    OPERATOR,
    OTHER_CONTACT,
    PETITION,
    WATER,
    Json,
    Post,
    Stage,
    labels,
    number_of,
    on_stage,
)

from routing.model_folder import ModelFiles
from routing.ngrams import Row
from routing.ngrams_fit import fit
from routing.starter.opinions import LEAD, starter_model
from routing.store.tables import ItemRow

LAMPS = Post("l1", "文澜路路灯坏了半个月没人管", "文澜路路灯坏了半个月，晚上漆黑一片，到底谁来管？")


async def corrections(stage: Stage, card: Json, button: str) -> Json:
    """Open 纠正 on a card, and a menu behind it; gives the card as it then is."""
    await stage.press_only(OFFICER, card, "纠正…")
    opened = await stage.card(DUTY, number_of(card), button=button)
    assert "返回" in labels(opened)
    return opened


async def test_a_matter_goes_into_another_and_its_text_is_split_off_again(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        water, lamps = await stage.opened(WATER), await stage.opened(LAMPS)
        first, second = number_of(water), number_of(lamps)
        opened = await corrections(stage, lamps, "合并…")
        assert "拆分" not in labels(opened)
        assert await stage.press(OFFICER, opened, "合并…") == "点哪个事项，本事项就并入哪个事项。"
        chosen = await stage.card(DUTY, second, button=first)
        assert await stage.press(OFFICER, chosen, first) == f"已把 {second} 并入 {first}"
        await stage.card(DUTY, second, "已合并", f"已并入：{first}", button="", but_not="时限")

        both = await stage.card(DUTY, first, "2 条", button="纠正…")
        opened = await corrections(stage, both, "拆分…")
        assert await stage.press(OFFICER, opened, "拆分…") == "点哪一条信息，就把哪一条拆出去单独成为事项。"
        texts = await stage.card(DUTY, first, button="文澜路")
        said = await stage.press(OFFICER, texts, "文澜路")
        new = said[4:16]
        assert said == f"已拆出 {new}，原事项 {first}"
        assert new not in {first, second}
        await stage.card(DUTY, new, "待研判", LAMPS.title, button="转办")
        await stage.card(DUTY, first, "1 条", button="转办")
        assert [line["action"] for line in await stage.ledger(second)] == ["open", "merge", "led_on"]
        assert [line["action"] for line in await stage.ledger(first)] == ["open", "take_in", "split"]


async def test_what_a_person_says_of_a_tone_stands_on_the_card(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        card = await stage.opened()
        opened = await corrections(stage, card, "情绪不消极")
        assert await stage.press(OFFICER, opened, "情绪不消极") == f"已记为情绪不消极：{number_of(card)}"
        card = await stage.card(DUTY, number_of(card), "首条经人认定：不消极", button="转办")
        opened = await corrections(stage, card, "情绪消极")
        assert "情绪不消极" not in labels(opened)


async def test_the_subject_area_is_put_right_on_the_card(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        card = await stage.opened()
        number = number_of(card)
        opened = await corrections(stage, card, "换领域…")
        await stage.press_only(OFFICER, opened, "换领域…")
        first = await stage.card(DUTY, number, button="下一页")
        await stage.press_only(OFFICER, first, "下一页")
        second = await stage.card(DUTY, number, button="医疗保障")
        assert await stage.press(OFFICER, second, "医疗保障") == f"领域已改为医疗保障：{number}"
        await stage.card(DUTY, number, "医疗保障", button="转办")
        assert [line["action"] for line in await stage.ledger(number)] == ["open", "classify"]


async def test_a_matter_that_a_unit_has_goes_to_another_and_the_first_hears_it(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        slip = await stage.dispatched()
        number = number_of(slip)
        assert await stage.press(CONTACT, slip, "签收") == f"已签收：{number}"
        card = await stage.card(DUTY, number, "办理中", button="纠正…")
        opened = await corrections(stage, card, "换领域…")
        assert "合并" not in labels(opened)
        await stage.press_only(OFFICER, opened, "返回")
        card = await stage.card(DUTY, number, "办理中", button="改派…")
        await stage.press_only(OFFICER, card, "改派…")
        chosen = await stage.card(DUTY, number, button="转办 网信")
        assert "转办 信访" not in labels(chosen)
        assert await stage.press(OFFICER, chosen, "转办 网信") == f"已转办：{number}"
        await stage.said(PETITION, "已改派", "本单位不必再办", number)
        await stage.card(PETITION, number, "已改派其他单位", button="")
        slip = await stage.card(NETWORK, number, button="签收")
        assert await stage.press(OTHER_CONTACT, slip, "签收") == f"已签收：{number}"


async def test_a_model_that_is_trained_meanwhile_judges_from_then_on_and_the_operators_hear_it(
    tmp_path: Path,
) -> None:
    async with on_stage(tmp_path, monitors=True) as stage:
        stage.feeds.publish(WATER)
        await stage.card(DUTY, WATER.title, button="转办")
        rows = [Row(f"起步{name}", name) for name in starter_model(LEAD).classes]
        model = fit(rows, name=LEAD, least=1)
        ModelFiles(tmp_path / "models", LEAD, "yuqing models").put(model, keep=False)
        await stage.said(OPERATOR, "研判模型已更新", model.version[:6])
        stage.feeds.publish(LAMPS)
        await stage.card(DUTY, LAMPS.title, button="转办")
        versions = await stage.store.read(lambda s: list(s.scalars(select(ItemRow.rules_version).distinct())))
        assert len(versions) == 2


async def test_the_way_back_from_a_menu_is_open_in_every_state(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        number = number_of(await stage.dispatched())
        card = await stage.card(DUTY, number, "待签收", button="纠正…")
        opened = await corrections(stage, card, "换领域…")
        await stage.press_only(OFFICER, opened, "返回")
        await stage.card(DUTY, number, "待签收", button="纠正…")
