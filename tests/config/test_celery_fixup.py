"""What Celery does with the database's connections around a task."""

import pytest
from django.db import connection
from kombu.utils.imports import symbol_by_name

from config.celery import app
from thumbnails.tasks import ensure


def _run_nothing() -> None:
    """Do what a worker does before and after a task."""
    [installed] = vars(app)["fixups"]
    worker = symbol_by_name(installed)(app).worker_fixup
    worker.on_task_prerun(sender=ensure)
    worker.on_task_postrun(sender=ensure)


@pytest.mark.django_db(transaction=True)
def test_a_task_goes_on_with_the_connection_of_the_task_before_it() -> None:
    connection.ensure_connection()
    first = connection.connection
    _run_nothing()
    assert connection.connection is first


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_task_goes_on_with_no_connection_that_broke() -> None:
    connection.ensure_connection()
    connection.connection.close()
    connection.errors_occurred = True
    _run_nothing()
    assert connection.connection is None
