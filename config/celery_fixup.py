"""Celery's part for Django, but that a task goes on with the database connection before it.

Celery closes it before and after each task. To open one costs PostgreSQL a process, which reads all
that it knows of tables anew: together more than half of what a small task takes. Nor is garbage
looked for while Django is loaded.
"""

from typing import Any

from celery import Celery
from celery.fixups.django import DjangoFixup
from django.db import close_old_connections

from config.start import loading


def fixup(app: Celery) -> DjangoFixup:
    """Install it; named in the application's `fixups`."""
    made = _Fixup(app)
    made.install()
    return made


class _Fixup(DjangoFixup):
    @property
    def worker_fixup(self) -> Any:
        """Celery's own, which asks this for its reaction to every signal."""
        worker = super().worker_fixup
        worker.close_database = _close_old
        return worker

    def on_import_modules(self, **kwargs: Any) -> None:
        """Set Django up."""
        with loading():
            super().on_import_modules(**kwargs)


def _close_old(**kwargs: Any) -> None:
    """Close what is broken or too old, as Django does before and after each request."""
    close_old_connections()
