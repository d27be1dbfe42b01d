"""Quiet hours (免打扰时段) of a level: what of Ⅲ and Ⅳ may wait for the morning, or comes at night without a sound. Pure.

By themselves Ⅲ and Ⅳ ring nobody awake: only Ⅰ and Ⅱ are reported by telephone, in 20 and 30 minutes. Their cards come at
once all the same, for the limits of Ⅲ run through the night, and its reminders ring.

Ⅰ and Ⅱ are never held: their report is due in minutes, day and night. Nor is a limit in hours, which runs on through the
night (国办发〔2016〕61号 counts 48 hours and no working days); a reminder of a limit in working time may wait, for nobody
is expected to act outside the office's hours.

A danger (安全稳定) rings day and night whatever its level, as no mute takes it: who announces it asks here as for Ⅱ.
"""

from datetime import UTC, datetime, timedelta

from routing.office import Level, Office, Step

LONGEST = timedelta(hours=14)
"""A quiet stretch ends well within the day for which an alert is valid."""


def is_silent(office: Office, level: Level, now: datetime) -> bool:
    """Tell whether a new card of this level, or its rise to it, makes no sound at `now`."""
    if office.night is None or level <= Level.II:
        return False
    begins, ends = office.night
    here = now.astimezone(office.zone).time()
    return begins <= here < ends if begins < ends else here >= begins or here < ends


def held_until(office: Office, level: Level, now: datetime) -> datetime | None:
    """Give the end of the quiet hours in which `now` lies for this level, aware UTC; None outside them, and for Ⅰ and Ⅱ."""
    stretch = office.quiet.get(level)
    if stretch is None or level <= Level.II:
        return None
    begins, ends = stretch
    local = now.astimezone(office.zone)
    for back in (1, 0):  # a stretch that began yesterday may still run
        day = local.date() - timedelta(days=back)
        start = datetime.combine(day, begins, office.zone)
        end = datetime.combine(day + timedelta(days=ends <= begins), ends, office.zone)
        if start <= local < end:
            return end.astimezone(UTC)
    return None


def reminder_at(office: Office, level: Level, step: Step, now: datetime) -> datetime | None:
    """The same for the reminder of a step; None where its limit runs by the clock."""
    limit = office.limits.get(step, {}).get(level)
    return held_until(office, level, now) if limit is not None and limit.working else None
