"""The day by the clocks of the centre."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from ravenstvo.settings import Settings


def here_today(settings: Settings) -> date:
    """Today where the centre is, whatever the clock of this machine thinks of time zones."""
    return datetime.now(ZoneInfo(settings.time_zone)).date()
