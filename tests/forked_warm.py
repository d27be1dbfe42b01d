"""What the fork server of `forked.py` has ready before it forks: the program, and the models that each service loads."""

import gc

import bot.app
import bot.cli.main  # noqa: F401
from routing.judging import shipped

shipped()
gc.collect()
gc.freeze()  # none of it is garbage of those that are forked
