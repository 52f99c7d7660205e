"""The main job by the package that openapi-python-client generates, as `tintype_client`."""

import json
import os
import sys
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import requests
from tintype_client import AuthenticatedClient, Client
from tintype_client.api.auth_service import auth_sign_up
from tintype_client.api.files import links_open
from tintype_client.api.restful_api import (
    images_delete,
    images_list,
    images_make_link,
    images_retrieve,
    images_upload,
    thumbnails_list,
)
from tintype_client.models import (
    AuthServiceSignUpRequest,
    AuthServiceToken,
    RestfulDetail,
    RestfulLink,
    RestfulPicture,
    RestfulUploadRequest,
)
from tintype_client.types import File

URL = os.environ["TINTYPE_URL"]


def must(kind: Any, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(repr(value))
    return value


def main(photo: Path) -> None:
    person = AuthServiceSignUpRequest(
        name="A client", login=f"python.{os.getpid()}", password="correct horse battery"
    )
    anyone = Client(base_url=URL)
    token = must(AuthServiceToken, auth_sign_up.sync(client=anyone, body=person)).token
    client = AuthenticatedClient(base_url=URL, token=token)
    file = File(payload=BytesIO(photo.read_bytes()), file_name=photo.name)
    body = RestfulUploadRequest(image=file)
    picture = must(RestfulPicture, images_upload.sync(client=client, body=body))
    thumbnails: list[Any] = []
    for _ in range(60):
        listed = must(list, thumbnails_list.sync(client=client, limit=50))
        if thumbnails := [each for each in listed if each.image_id == picture.id]:
            break
        time.sleep(0.5)
    thumbnail = requests.get(thumbnails[0].thumbnail, timeout=10)
    pictures = must(list, images_list.sync(client=client))
    link = must(RestfulLink, images_make_link.sync(picture.id, client=client, time=300))
    opened = links_open.sync_detailed(link.url.rpartition("/")[2], client=anyone)
    must(File, opened.parsed)
    removed = images_delete.sync_detailed(picture.id, client=client)
    gone = must(RestfulDetail, images_retrieve.sync(picture.id, client=client))
    found = {
        "thumbnail": thumbnail.headers["Content-Type"],
        "listed": [each.id == picture.id for each in pictures],
        "link": opened.headers["Content-Type"],
        "removed": removed.status_code,
        "gone": gone.detail,
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
