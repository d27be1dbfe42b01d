"""The command `yuqing`. One function a command; every known error ends in one clear line and a code.

Exit codes: 0 done, 1 could not be done, 2 configuration or usage, 78 (EX_CONFIG of sysexits.h) a service that no restart
helps, 130 stopped by Ctrl-C.
"""

import sys

import typer
from sqlalchemy.exc import DatabaseError, OperationalError

from bot.chat import TokenRejected
from bot.cli import (
    demo,
    doctor,
    exports,
    imports,
    inspect,
    judge,
    models,
    people,
    purge,
    records,
    roster,
    rules,
    sentiment,
    service,
    sources,
)
from bot.cli.common import BadUsage, StaysDown, console, database_cure
from bot.cli.helping import helped
from bot.cli.usage import UsageError, told
from routing.errors import ConfigError, StoreDown, YuqingError

app = typer.Typer(
    name="yuqing",
    help="政务舆情值班台：监看公开来源，研判转办，审批回应，留痕归档。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
service.register(app)
inspect.register(app)
rules.register(inspect.rules_app)
sentiment.register(app)
models.register(app)
judge.register(app)
people.register(app)
roster.register(app)
records.register(app)
exports.register(app)
imports.register(app)
purge.register(app)
doctor.register(app)
sources.register(app)
demo.register(app)


def main() -> None:
    """Run the command line."""
    try:
        sys.exit(helped(typer.main.get_command(app))(prog_name="yuqing", standalone_mode=False))
    except StaysDown as error:
        cause = error.__cause__
        _list(cause) if isinstance(cause, ConfigError) else _say(str(cause))
        sys.exit(78)
    except ConfigError as error:
        _list(error)
        sys.exit(2)
    except BadUsage as error:
        _say(str(error))
        sys.exit(2)
    except UsageError as error:
        _say(told(error))
        sys.exit(2)
    except TokenRejected as error:
        _say(f"{error}。服务没有运行，待发消息都留在库里。")
        sys.exit(1)
    except (OperationalError, StoreDown) as error:
        down = error if isinstance(error, OperationalError) else error.__cause__
        first = str(getattr(down, "orig", error)).strip().partition("\n")[0]
        _say(f"数据库用不了：{first}。{database_cure(first)}。")
        sys.exit(1)
    except YuqingError as error:
        _say(str(error))
        sys.exit(1)
    except DatabaseError as error:
        if type(error) is not DatabaseError:  # its kinds are mistakes of ours: their trace is wanted
            raise
        first = str(error.orig).strip().partition("\n")[0]
        _say(f"数据库读不了，可能不是数据库文件，或已损坏：{first}。请用 yuqing doctor 查看，或恢复备份。")
        sys.exit(1)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)


def _list(error: ConfigError) -> None:
    console.print(f"配置有 {len(error.problems)} 处问题，什么都没有做：", style="bold red")
    for problem in error.problems:
        console.print(f"  {problem}", markup=False, soft_wrap=True)


def _say(text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)
