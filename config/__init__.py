"""The only place that knows everything: settings, the URL table, and how each process starts.

What varies comes from the environment through `config.env.readers`; no other package reads it.
"""

from config.celery import app as celery_app

__all__ = ["celery_app"]
