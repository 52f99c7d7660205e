"""The four doors that take pictures: how each is asked, and what its answers look like."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Door:
    """`asks` gives what `requests.post` sends; `names` the row's column and value."""

    path: str
    asks: Callable[[bytes], dict[str, Any]]
    stored: int
    names: Callable[[Any], tuple[str, object]]
    refusal: frozenset[str]


def _base64(content: bytes) -> str:
    return b64encode(content).decode()


DOORS = [
    Door(
        "/api/user/images/",
        lambda content: {"files": {"image": content}},
        201,
        lambda said: ("id", said["id"]),
        frozenset({"detail"}),
    ),
    Door(
        "/pictures/create-picture",
        lambda content: {"files": {"file": content}},
        201,
        lambda said: ("id", said["picture"]["id"]),
        frozenset({"error"}),
    ),
    Door(
        "/api/images",
        lambda content: {"json": {"data": _base64(content), "description": ""}},
        200,
        lambda said: ("uid", said["id"]),
        frozenset({"message", "status_code"}),
    ),
    Door(
        "/image",
        lambda content: {"json": {"image": _base64(content)}},
        200,
        lambda said: ("uid", said["id"]),
        frozenset({"error"}),
    ),
]
