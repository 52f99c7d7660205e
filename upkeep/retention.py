"""Which of many backups stay: some of the last days, weeks and months."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Retention:
    """So many days, weeks (ISO 8601) and months that have a backup, each with its newest one kept.

    A time without a backup does not count, so that a timer that stood still costs none.
    """

    days: int
    weeks: int
    months: int

    def choose(self, times: Iterable[datetime]) -> set[datetime]:
        """Return the times of what is kept; the newest of all always is."""
        newest_first = sorted(times, reverse=True)
        kept = set(newest_first[:1])
        for count, name in ((self.days, "%Y-%m-%d"), (self.weeks, "%G-%V"), (self.months, "%Y-%m")):
            newest: dict[str, datetime] = {}
            for at in newest_first:
                newest.setdefault(at.strftime(name), at)
            kept |= set(list(newest.values())[:count])
        return kept
