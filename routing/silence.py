"""The words of what is held back: by what a mute takes a matter, and why a card is held back no longer. Pure."""

from enum import StrEnum


class MuteKind(StrEnum):
    """By what a mute takes a matter; `word`: one or more, any of them."""

    SOURCE = "source"
    WORD = "word"
    PLACE = "place"
    CASE = "case"


class Ending(StrEnum):
    """Why a card is held back no longer."""

    OVER = "over"  # the mute ended or was lifted
    FREED = "freed"  # the graver case ended or fell in level
    GRAVE = "grave"  # too grave to be held back
    SHOWN = "shown"  # somebody asked for it
    MOVED = "moved"  # people took the matter further without its card
    STIRRED = "stirred"  # there is news of it: taken over from an older ledger, or in doubt
    APART = "apart"  # a person said that it is no part of the matter beside which it waited
    UNDECIDED = "undecided"  # nobody said in time whether it is part of that matter
    PARTED = "parted"  # a person split texts off that matter: what was asked of it is no longer so
    ALONE = "alone"  # that matter is over, or its own card is held back
    CLOSED = "closed"  # the matter ended meanwhile
