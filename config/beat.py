"""Celery's scheduler, as `beat_scheduler` names it."""

from typing import Any

from celery.beat import PersistentScheduler

from config.progress import note_tick


class WatchedScheduler(PersistentScheduler):
    """Shows that it comes round (`config.progress`)."""

    def tick(self, *arguments: Any, **options: Any) -> float:
        """Do what is due, and return the seconds until more is."""
        note_tick()
        return float(super().tick(*arguments, **options))
