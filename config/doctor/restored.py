"""`python -m config.doctor.restored`: try a service whose database and files were just restored.

For `restore --drill`: in this one process, without a broker, without Redis, and without an address.
"""

import hashlib
import sys
from http import HTTPStatus
from typing import Any

import django

from config.start import loading

# Pictures that are fetched as a browser does; `verify_storage --hash` has read the files of all.
FETCHED = 20


class SmokeTestFailed(Exception):
    """What does not work, in a sentence."""


def main() -> int:
    """Print one line; return the exit status."""
    with loading():
        django.setup()
    try:
        said = f"{_fetch_pictures()} pictures fetched, {_try_with_a_new_picture()}"
    except SmokeTestFailed as failure:
        sys.stdout.write(f"{failure}\n")
        return 1
    sys.stdout.write(f"{said}\n")
    return 0


def _fetch_pictures() -> int:
    """Fetch the newest originals by their signed addresses; return how many there were."""
    from images.models import Picture
    from images.signed_urls import signed_path

    pictures = list(Picture.objects.all()[:FETCHED])
    for picture in pictures:
        content = _body(_client().get(signed_path(picture.key)), f"GET of {picture.key}")
        if hashlib.sha256(content).hexdigest() != picture.sha256:
            raise SmokeTestFailed(f"{picture.key} is served with other bytes than were uploaded.")
    return len(pictures)


def _try_with_a_new_picture() -> str:
    from django.core.files.uploadedfile import SimpleUploadedFile

    from config.doctor.check_account import create_check_account
    from config.doctor.smoke_test import draw_noise
    from images.models import Picture
    from thumbnails.services import ensure_thumbnails

    content = draw_noise()
    with create_check_account() as (user, password):
        client = _client()
        form = {"username": user.username, "password": password}
        token = _json(client.post("/api/user/token/", form), "sign-in")["token"]
        client.defaults["HTTP_AUTHORIZATION"] = f"Token {token}"
        file = SimpleUploadedFile("restored.png", content, "image/png")
        picture = _json(client.post("/api/user/images/", {"image": file}), "upload")
        ensure_thumbnails(picture["id"])
        if Picture.objects.get(pk=picture["id"]).rendering != Picture.Rendering.READY:
            raise SmokeTestFailed("a new picture gets no thumbnails.")
        for each in _json(client.get("/api/user/thumbnails/"), "list of thumbnails"):
            _body(client.get(each["thumbnail"]), "thumbnail")
        _body(client.delete(f"/api/user/images/{picture['id']}/"), "deletion")
    return "sign-in, upload, thumbnails and deletion work"


def _client() -> Any:
    from django.test import Client

    return Client(SERVER_NAME="localhost", raise_request_exception=False)


def _json(response: Any, what: str) -> Any:
    _body(response, what)
    return response.json()


def _body(response: Any, what: str) -> bytes:
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        raise SmokeTestFailed(f"The {what} is answered with {response.status_code}.")
    return b"".join(response.streaming_content) if response.streaming else response.content


if __name__ == "__main__":
    sys.exit(main())
