"""A process that dies costs the picture that killed it, and nothing else."""

import os

import pytest

from accounts.models import User
from images.exceptions import PictureTooCostly
from images.formats.limits import RefusedPicture
from images.sandbox.pool import run_sandboxed
from tests.factories import make_picture
from tests.images.sandbox import hostile
from tests.pictures import jpeg
from tests.storages import StoredKeys


def test_a_process_that_dies_is_replaced() -> None:
    with pytest.raises(PictureTooCostly):
        run_sandboxed(hostile.die)
    assert run_sandboxed(hostile.process_id) not in {0, os.getpid()}


@pytest.mark.django_db
def test_a_picture_that_kills_its_decoder_is_refused(
    alice: User, monkeypatch: pytest.MonkeyPatch, stored_keys: StoredKeys
) -> None:
    monkeypatch.setattr("images.services.inspect_picture", hostile.die_whatever_is_given)
    with pytest.raises(RefusedPicture) as refused:
        make_picture(alice, jpeg(30, 20))
    assert refused.value.code == "too_costly"
    assert stored_keys() == []
