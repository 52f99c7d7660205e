"""How a picture is uploaded at each contract that takes pictures, and what comes back."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from api.contracts import contract_at
from api.errors import UNAVAILABLE


@dataclass(frozen=True)
class UploadRoute:
    """`options_for` returns what `requests.post` needs, `lookup` the row's column and value."""

    path: str
    options_for: Callable[[bytes], dict[str, Any]]
    stored_status: int
    lookup: Callable[[Any], tuple[str, object]]

    @property
    def unavailable_keys(self) -> set[str]:
        """The names in the body of the contract's 503."""
        body = contract_at(self.path).render_problem(UNAVAILABLE).body
        assert isinstance(body, dict)
        return set(body)


def _base64(content: bytes) -> str:
    return b64encode(content).decode()


# By the name of the contract; a test compares them with `api/contracts.py`.
WITHOUT_UPLOADS = {"auth_service"}
UPLOAD_ROUTES = {
    "restful_api": UploadRoute(
        "/api/user/images/",
        lambda content: {"files": {"image": content}},
        201,
        lambda body: ("id", body["id"]),
    ),
    "pictures_service": UploadRoute(
        "/pictures/create-picture",
        lambda content: {"files": {"file": content}},
        201,
        lambda body: ("id", body["picture"]["id"]),
    ),
    "images_api": UploadRoute(
        "/api/images",
        lambda content: {"json": {"data": _base64(content), "description": ""}},
        200,
        lambda body: ("uid", body["id"]),
    ),
    "image_service": UploadRoute(
        "/image",
        lambda content: {"json": {"image": _base64(content)}},
        200,
        lambda body: ("uid", body["id"]),
    ),
}
