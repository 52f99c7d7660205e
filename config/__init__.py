"""The project: settings, the root URL table, middleware, and the entry point of each process.

Only this package reads the environment, through `config.env.readers`, and only it may import every
other package.
"""

from config.celery import app as celery_app

__all__ = ["celery_app"]
