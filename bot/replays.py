"""`/replay`: the draft of the rules in the configuration folder, tried on the last days, answered in one message."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bot.handlers.desk import ANSWER_LIFE, Errand
from bot.replayed import message
from bot.replaying import Draft, draft_of, replay
from routing import outbox
from routing.clock import Clock
from routing.errors import ConfigError, StoreDown, UserError
from routing.office import Office
from routing.outbox import MessageKind, Priority
from routing.unit import Units

log = logging.getLogger(__name__)

DRAFT = "rules.draft.toml"
DAYS = 7
NICE = 10
"""The desk goes first."""
PROBLEMS_TOLD = 5
BUSY = "上一次试算还没有算完，请等它的结果。"
FAILED = "试算出错，什么都没有改动；运维可在服务器上运行 yuqing rules replay 查看。"


class Replays:
    """Answers one wish at a time.

    `tags`: of each source, by its id, asked for as `office` is, once a wish; `folder`: of the configuration; `models`: of
    the office's own models.
    """

    def __init__(
        self,
        store: Units,
        office: Callable[[], Office],
        tags: Callable[[], Mapping[str, Sequence[str]]],
        folder: Path,
        models: Path,
        clock: Clock,
        on_change: Callable[[], None],
    ) -> None:
        self._store = store
        self._office = office
        self._tags = tags
        self._folder = folder
        self._models = models
        self._clock = clock
        self._on_change = on_change
        self._is_busy = False

    async def answer(self, errand: Errand) -> None:
        """Try the draft and queue what came of it. Raises StoreDown; then whoever asked can ask again."""
        text = await self._told()
        now = self._clock()
        await self._store.write(
            lambda s: outbox.queue(
                s,
                key=errand.key,
                chat=errand.chat,
                kind=MessageKind.TEXT,
                priority=Priority.PERSON,
                payload={"template": "said", "text": text, "reply_to": errand.reply_to},
                now=now,
                valid_for=ANSWER_LIFE,
            )
        )
        self._on_change()

    async def _told(self) -> str:
        if self._is_busy:
            return BUSY
        path = self._folder / DRAFT
        if not path.is_file():
            return f"没有规则草稿：把配置里的 rules.toml 复制为 {DRAFT}，改好后再发送 /replay；试算不影响正在用的规则。"
        self._is_busy = True
        try:
            return await self._tried(path)
        except ConfigError as error:
            shown = "\n".join(str(problem) for problem in error.problems[:PROBLEMS_TOLD])
            return f"{DRAFT} 有 {len(error.problems)} 处问题，没有试算：\n{shown}"
        except StoreDown:
            raise
        except UserError as error:
            return str(error)
        except Exception:
            log.exception("replay failed")
            return FAILED
        finally:
            self._is_busy = False

    async def _tried(self, path: Path) -> str:
        draft, office = Draft(draft_of(path).text, DRAFT, self._models), self._office()
        replayed = await replay(
            self._store, office, draft, self._tags(), DAYS, self._clock(), examples=1, nice=NICE
        )
        if replayed is None:
            return f"库里没有最近 {DAYS} 天的信息，试算不了。"
        return f"试算 {DRAFT}（最近 {DAYS} 天）\n{message(*replayed, office)}"
