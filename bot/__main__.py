"""`python -m bot` is `yuqing`."""

from bot.cli.main import main

main()
