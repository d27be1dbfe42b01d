"""Take the pictures of the README: play the demo's story and photograph the page. `make pictures`.

Needs Debian's chromium and fonts-noto-cjk, fonts-noto-color-emoji. Loopback only; everything is made in a temporary folder.
"""

import asyncio
import os
import shutil
import tempfile
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from bot.demo.office import DUTY, LEADER, OFFICER
from bot.demo.stage import set_up
from bot.demo.story import Story
from bot.sandbox.client import SandboxClient

IMAGES = Path(__file__).parent / "images"
NEIGHBOURS = ("m020", "m021", "b010")
"""Texts that come before the story's own, so that the group does not look empty."""

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


async def photograph(
    browser: Browser, address: str, name: str, *, width: int, height: int, scale: float
) -> None:
    """Save the page as it looks to the person and in the chat that the address names."""
    page = await browser.new_page(
        viewport={"width": width, "height": height}, device_scale_factor=scale, timezone_id="Asia/Shanghai"
    )
    await page.goto(address)
    await page.wait_for_selector("li.message")
    await page.evaluate("document.fonts.ready")
    await page.screenshot(path=IMAGES / name)
    await page.close()


async def main() -> None:
    """Play as far as each picture needs and take it."""
    IMAGES.mkdir(exist_ok=True)
    chromium = os.environ.get("YUQING_CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder:
        async with (
            set_up(Path(folder), page_port=0, lead_s=3600) as stage,
            SandboxClient(stage.sandbox.base_url) as client,
            async_playwright() as playwright,
        ):
            browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            await stage.first_round()
            for text in NEIGHBOURS:
                stage.sources.publish_now(text)
            story = Story(stage, client, lambda _: None)
            acts = story.acts()
            for _, act in acts[:1]:
                await act()
            desk = f"{stage.address}#as={OFFICER}&chat={DUTY}"
            await photograph(browser, desk, "desk.png", width=1200, height=800, scale=1)
            for _, act in acts[1:5]:
                await act()
            await client.wait_for(
                lambda view: any("批准发布" in str(c["messages"]) for c in view["chats"]), LEADER, 30
            )
            leader = f"{stage.address}#as={LEADER}&chat={LEADER}"
            await photograph(browser, leader, "phone.png", width=390, height=844, scale=2)
            for _, act in acts[5:]:
                await act()
            digest = next(m for m in reversed(await client.messages(OFFICER, DUTY)) if m["files"])
            (IMAGES / "digest.png").write_bytes(await client.download(digest["files"][0]["url"]))
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
