"""What people send and press by mistake or with intent: one clear sentence each, and nothing changed."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web
from whole import (
    CONTACT,
    DUTY,
    LEADER,
    NETWORK,
    OFFICER,
    OPERATOR,
    OTHER_CONTACT,
    PETITION,
    REVIEWER,
    SECOND_LEADER,
    SECRECY,
    WATER,
    Post,
    actions,
    data_of,
    number_of,
    on_disk,
    on_stage,
)

LAMPS = Post("l1", "文澜路路灯坏了半个月没人管", "文澜路路灯坏了半个月，晚上漆黑一片，到底谁来管？")
ANSWER = "泵组已更换，今日恢复供水，给居民带来不便深表歉意。"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"text": "我" * 5000}, "答复稿 5000 字，超过 2000 字上限，未保存。请精简后重新回复，长文请附链接。"),
        ({"text": "已办"}, "答复稿只有 2 字，请回复完整的答复文字（至少 10 字）。"),
        ({"text": "\u200b\u2060"}, "答复稿只有 0 字，请回复完整的答复文字（至少 10 字）。"),
        ({"sticker": True}, "收到的是贴纸，请发送文字。"),
        ({"photo": True, "text": ANSWER}, "收到的是图片，请发送文字。"),
        ({"forward": True, "text": ANSWER}, "不能用转发的消息作答，请自己输入文字。"),
    ],
    ids=["too long", "too short", "invisible", "sticker", "picture", "forwarded"],
)
async def test_what_is_no_draft_gets_one_sentence(tmp_path: Path, sent: dict[str, object], said: str) -> None:
    async with on_stage(tmp_path) as stage:
        slip = await stage.signed()

        async def send() -> str:
            await stage.client.send(CONTACT, PETITION, reply_to=slip["id"], **sent)  # type: ignore[arg-type]
            return str((await stage.said(PETITION, said))["text"])

        assert (await stage.unchanged(number_of(slip), send())).strip() == said


async def test_a_text_with_a_secrecy_mark_is_refused_and_nowhere_on_disk(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        slip = await stage.signed()
        words = "机密★10年\n关于PLANTED-7731的情况报告：" + ANSWER

        async def send() -> str:
            sent = await stage.client.send(CONTACT, PETITION, words, reply_to=slip["id"])
            said = await stage.said(PETITION, "⛔")
            await stage.client.send(CONTACT, CONTACT, words)
            await stage.said(CONTACT, "⛔")
            assert said["reply_to"]["id"] == sent["id"]
            return str(said["text"])

        said = await stage.unchanged(number_of(slip), send())
        assert said.startswith("⛔ 消息首行带密级标识，内容未保存。请立即撤回该消息，并报告保密机构。")
        assert (await stage.app.store.read(actions)).count("secrecy_mark") == 2
        written = on_disk(tmp_path)
        assert b"PLANTED-7731" not in written
        assert "周敏".encode() in written  # what is there would be found


async def test_an_opinion_without_a_reason_and_a_link_that_is_none_are_asked_for_again(
    tmp_path: Path,
) -> None:
    async with on_stage(tmp_path) as stage:
        card = await stage.reviewed()
        number = number_of(card)
        await stage.press(SECRECY, card, "公开…")

        async def answer(who: int, asked: str, text: str, said: str) -> str:
            await stage.answer(who, asked, text)
            return str((await stage.said(who, said))["text"])

        for text in ("条例第十九条", "；；", "依据：理由："):
            said = await stage.unchanged(number, answer(SECRECY, "意见：公开", text, "需要"))
            assert said.strip() == "需要“依据；理由”两部分，请用分号或换行隔开后重新回复。"
        await stage.answer(SECRECY, "意见：公开", "条例第十九条\n公众关心")
        await stage.said(SECRECY, "已做保密审查（公开）")
        leader = await stage.card(LEADER, number, "公开（条例第十九条）", button="批准发布")
        assert "已批准发布" in await stage.press(LEADER, leader, "批准发布")
        slip = await stage.said(PETITION, number, "已批准")
        await stage.press(CONTACT, slip, "回应确认")
        for text in (
            "已发布在政府网",
            "www.yunting.example/1.html",
            "javascript:alert(1)",
            "http://localhost/1",
            "http://127.0.0.1:8741/1",
        ):
            said = await stage.unchanged(number, answer(CONTACT, "发布的链接", text, "链接，以"))
            assert said.strip() == "请回复公众能打开的发布链接，以 http:// 或 https:// 开头。"
        await stage.card(SECOND_LEADER, number, "已处理", button="")
        await stage.card(REVIEWER, number, "已处理", button="")


async def test_texts_that_answer_nothing_get_one_sentence_in_private_and_none_in_a_group(
    tmp_path: Path,
) -> None:
    async with on_stage(tmp_path) as stage:
        slip = await stage.dispatched()
        card = await stage.card(DUTY, button="定级")
        await stage.client.send(CONTACT, PETITION, ANSWER, reply_to=slip["id"])
        await stage.said(PETITION, "请先点“签收”，再回复答复稿。")
        await stage.client.send(OFFICER, DUTY, "收到", reply_to=card["id"])
        await stage.said(DUTY, "请点卡片上的按钮操作；需要填写文字时会另行提示。")
        await stage.client.send(OFFICER, OFFICER, "你好")
        await stage.said(OFFICER, "请回复到具体的卡片或提示消息上")
        await stage.client.send(OFFICER, OFFICER, "/nonsense")
        await stage.said(OFFICER, "没有这个命令")
        await stage.client.send(CONTACT, CONTACT, "/digest")
        await stage.said(CONTACT, "您没有使用 /digest 的权限，它供值班员、领导、政府办使用。")
        await stage.client.send(OFFICER, OFFICER, "/case 999")
        await stage.said(OFFICER, "没有找到事项“999”")


async def test_a_dead_button_says_what_is_wrong_and_changes_nothing(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        other = await stage.opened(LAMPS)
        review = await stage.drafted(text=ANSWER)
        number = number_of(review)
        slip = await stage.card(PETITION, number, button="修改稿件")
        duty = await stage.card(DUTY, number, button="定级")
        await stage.client.send(CONTACT, CONTACT, "/help")
        page = await stage.said(CONTACT, "陈立")
        version = data_of(duty, "定级").split(":")[3]
        case = data_of(duty, "定级").split(":")[2]
        passes = data_of(review, "初审通过")
        dead = "这个按钮已失效，请看最新的卡片，或发送 /mine 查看。"
        gone = f"{number} 现在是“待审核”，此操作已不适用。"
        table = [
            # who, on which message, with which data, what he reads, why it was refused (None: no order at all)
            (OFFICER, duty, "rubbish", dead, None),
            (OFFICER, duty, "1:zz:1:1:0:", dead, None),
            (OFFICER, duty, f"2:dp:{case}:{version}:0:petition", dead, None),
            (OFFICER, duty, f"1:lv:zz:{version}:0:2", dead, None),
            (OFFICER, duty, f"1:dp:{case}:{version}:0:petition", gone, "state"),
            (
                OFFICER,
                duty,
                f"1:lv:{case}:1:0:2",
                f"{number} 刚有变化（待审核），请看最新卡片后再操作。",
                "stale",
            ),
            (OFFICER, duty, f"1:lv:{case}:{version}:0:9", dead, "missing"),
            (OFFICER, slip, f"1:lv:{case}:{version}:0:2", "请在值班群里操作。", "place"),
            (OFFICER, duty, passes, "您没有“初审通过”的权限，此操作未生效。您能做什么见 /help。", "role"),
            (CONTACT, page, passes, "您没有“初审通过”的权限，此操作未生效。您能做什么见 /help。", "role"),
            (LEADER, duty, f"1:ap:{case}:{version}:1:", gone, "state"),
            (
                OTHER_CONTACT,
                duty,
                data_of(slip, "修改"),
                "本事项不由您所在的单位承办，此操作未生效。",
                "role",
            ),
            (OFFICER, duty, f"1:co:{case}:{version}:0:", gone, "state"),
        ]
        grounds = []
        for who, message, data, said, ground in table:
            assert await stage.unchanged(number, stage.forge(who, message, data)) == said, data
            grounds += [ground] if ground else []
        assert await stage.refused(number) == grounds
        assert await stage.card(CONTACT, page["text"])  # a forged token has not turned the page into a draft
        free = data_of(other, "转办").split(":")
        lost = ":".join([*free[:5], "moon"])
        said = await stage.unchanged(number_of(other), stage.forge(OFFICER, other, lost))
        assert said == "没有这个承办渠道，请从卡片上选择。"
        # A button of another matter acts on that one, wherever it was pressed, and the card under it stays its own.
        act = stage.forge(OFFICER, duty, data_of(other, "转办"))
        assert await stage.unchanged(number, act) == f"已转办：{number_of(other)}"
        assert (await stage.card(DUTY, number, "待审核"))["id"] == duty["id"]
        await stage.card(NETWORK, number_of(other), button="签收")


async def _html(_: web.Request) -> web.StreamResponse:
    page = "<html><head><title>用户登录</title></head><body>请登录</body></html>"
    return web.Response(text=page, content_type="text/html")


async def _empty(_: web.Request) -> web.StreamResponse:
    return web.Response(body=b"", content_type="application/rss+xml")


async def _huge(_: web.Request) -> web.StreamResponse:
    return web.Response(body=b"<rss><channel>" + b"<!-- -->" * (20 * 2**20 // 8), content_type="text/xml")


async def _endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/rss+xml"})
    await response.prepare(request)
    await response.write(b"<rss><channel>")
    await asyncio.Event().wait()  # ends when the client has had enough
    return response


async def _unlabelled_gb18030(_: web.Request) -> web.StreamResponse:
    item = f"<item><guid>g1</guid><title>{LAMPS.title}</title><description>{LAMPS.text}</description></item>"
    body = f"<rss version='2.0'><channel><title>t</title>{item}</channel></rss>"
    return web.Response(body=body.encode("gb18030"), content_type="application/rss+xml")


@pytest.mark.slow
async def test_sick_feeds_harm_no_other_and_are_told_once_when_they_fall_and_when_they_rise(
    tmp_path: Path,
) -> None:
    sick = {"login": _html, "nothing": _empty, "huge": _huge, "endless": _endless}
    feeds = ["good", "old", *sick]
    async with on_stage(tmp_path, monitors=True, feeds=feeds, source_timeout_s=1) as stage:
        stage.feeds.answers.update(sick, old=_unlabelled_gb18030)
        await stage.card(DUTY, LAMPS.title, button="转办")
        for name, words in {
            "login": "用户登录",
            "nothing": "",
            "huge": "5",
            "endless": "1 秒内没有读完",
        }.items():
            await stage.said(OPERATOR, f"来源 {name}（", "读取失败", words)
        stage.feeds.publish(WATER, "good")
        await stage.card(DUTY, WATER.title, button="转办")  # among the sick ones the good one is read
        stage.feeds.answers.clear()
        for name in sick:
            await stage.said(OPERATOR, f"来源 {name}（", "已恢复")
        stage.feeds.publish(Post("e1", "迎宾路路灯全灭没人管", "迎宾路路灯全灭好几天，到底谁管？"), "endless")
        await stage.card(DUTY, "迎宾路路灯全灭", button="转办")
