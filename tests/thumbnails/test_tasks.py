"""The sweep, and a broker that refuses messages."""

from functools import cache

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from images.models import Picture
from lib import background
from lib.parts import Part
from tests.thumbnails.rows import state
from thumbnails import tasks
from thumbnails.sweeping import take_overdue
from thumbnails.tasks import sweep

pytestmark = pytest.mark.django_db


def test_the_sweep_renders_pictures_without_a_message(
    picture: Picture, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    Picture.objects.update(render_ask_at=timezone.now())
    with django_capture_on_commit_callbacks(execute=True):
        sweep()
    assert state(picture) == "ready"


def fail() -> None:
    raise OSError("away")


def test_what_the_broker_refused_is_enqueued_at_the_next_sweep(
    picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: object, **kwargs: object) -> None:
        raise OSError("connection refused")

    monkeypatch.setattr(
        background,
        "broker_part",
        cache(lambda: Part("broker", fail, is_tried_while_it_refuses=False)),
    )
    monkeypatch.setattr(tasks.ensure, "apply_async", away)
    Picture.objects.update(render_ask_at=timezone.now())
    sweep()
    assert take_overdue() == [picture.pk]
