"""The JSON object that a client keeps with a picture."""

import json
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from accounts.models import User
from images.client_metadata import MAX_METADATA_BYTES, validate_metadata
from images.models import Picture
from images.services import update_picture
from tests.factories import make_picture

# `{"a":""}` has eight bytes.
LARGEST = {"a": "x" * (MAX_METADATA_BYTES - 8)}


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize("value", [{}, {"a": [1, None, {"b": 1.5}]}, LARGEST, nested(32)])
def test_an_object_is_taken(value: dict[str, Any]) -> None:
    validate_metadata(value)


@pytest.mark.parametrize(
    "value",
    [
        None, [], "a", 1, {"a": "x" * (MAX_METADATA_BYTES - 7)}, {"a": "é" * 2045}, {"a": "\0"},
        {"a\0": 1}, nested(33), {"a": [1e308] * 680}, {"a": [5e-324] * 20},
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        validate_metadata(value)


@pytest.mark.django_db
def test_it_comes_back_as_it_was(alice: User) -> None:
    value = {"ñ": [1, 2.5, None, True, {"b": "ü"}], "n": 12345678901234567890123, "": {}}
    picture = make_picture(alice, metadata=value)
    assert Picture.objects.get(pk=picture.pk).metadata == value
    update_picture(picture, metadata={})
    assert Picture.objects.get(pk=picture.pk).metadata == {}


@pytest.mark.django_db
def test_no_database_makes_more_of_it_than_its_limit(alice: User) -> None:
    """PostgreSQL writes 1e308 in 309 digits."""
    picture = make_picture(alice, metadata={"a": [1e308] * 13})
    kept = Picture.objects.get(pk=picture.pk).metadata
    assert [float(each) for each in kept["a"]] == [1e308] * 13
    assert len(json.dumps(kept, separators=(",", ":"))) <= MAX_METADATA_BYTES


@pytest.mark.django_db
@pytest.mark.parametrize("value", [[], "", 7])
def test_a_picture_with_anything_else_is_refused(alice: User, value: Any) -> None:
    with pytest.raises(ValidationError):
        make_picture(alice, metadata=value)
    assert not Picture.objects.exists()
