"""The Celery application that the worker and the scheduler run."""

import os
from typing import Any

from celery import Celery

from config import worker
from config.observability import task_request_id
from config.start import load_settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# libvips reads this once, when it is loaded. A worker already runs one task per core.
os.environ.setdefault("VIPS_CONCURRENCY", "1")

app = Celery("tintype", fixups=["config.celery_fixup:fixup"])


@app.on_configure.connect(weak=False)
def _load_settings(**_: Any) -> None:
    # Not at import, since the settings themselves may be what imports this package.
    load_settings()


app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
task_request_id.connect()
worker.connect()
