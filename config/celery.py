"""The Celery application that the worker and the scheduler run."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# libvips reads this once, when it loads: a worker runs one task per core already.
os.environ.setdefault("VIPS_CONCURRENCY", "1")

app = Celery("tintype")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
