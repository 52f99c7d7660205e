"""Every picture of the corpus through the real routes, once for all tests that look at what came.

It is uploaded; of what is taken its owner is told what a link gives away, and the link is opened.
"""

import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings

from images.models import Picture
from images.sandbox.work_dir import work_dir
from images.storage.base import picture_storage
from tests import corpus
from tests.clients import Client, Response
from tests.factories import make_user, token_client
from tests.transactions import undone


@dataclass(frozen=True)
class Upload:
    """What a sample's upload was answered."""

    sample: corpus.Sample
    status: int
    answer: bytes
    picture_id: int | None


@dataclass(frozen=True)
class Given:
    """What leaves of a picture by a link, and what its owner is told of it before."""

    sample: corpus.Sample
    told_status: int
    told: dict[str, Any]
    status: int
    content: bytes
    headers: dict[str, str]
    # Whether another file leaves because the original cannot be cleaned.
    is_rendition: bool


@dataclass(frozen=True)
class Walk:
    uploads: list[Upload]
    # After the uploads: rows, files in the storage, files left in the work folder, and how much
    # memory the process had gained (KiB).
    pictures: int
    stored: int
    left: set[Path]
    growth: int
    given: list[Given]


def walk(folder: Path) -> Walk:
    """Take every sample through the routes; of rows nothing is left."""
    cache.clear()
    with override_settings(RATE_LIMITS=False, MEDIA_ROOT=folder), undone():
        client = _owner()
        others, before = set(work_dir().rglob("*")), _memory()
        uploads = [_upload(client, each) for each in corpus.samples("accept", "reject", "either")]
        return Walk(
            uploads,
            Picture.objects.count(),
            len(list(picture_storage.walk(""))),
            set(work_dir().rglob("*")) - others - _pixels_of_pictures(),
            _memory() - before,
            [
                _give(client, each.sample, each.picture_id)
                for each in uploads
                if each.picture_id is not None
            ],
        )


def _owner() -> Client:
    owner = make_user("alice", "Enterprise")
    owner.tier.max_stored_bytes = None
    owner.tier.save()
    return token_client(owner)


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _upload(client: Client, sample: corpus.Sample) -> Upload:
    file = SimpleUploadedFile("x.jpg", sample.path.read_bytes())
    response = client.post("/api/user/images/", {"image": file})
    picture_id = response.json()["id"] if response.status_code == 201 else None
    return Upload(sample, response.status_code, response.content[:80], picture_id)


def _pixels_of_pictures() -> set[Path]:
    """Where pixels lie for two minutes, for thumbnails to be made of, and their folder."""
    folder = work_dir() / "pixels"
    return {folder, *(folder / str(uid) for uid in Picture.objects.values_list("uid", flat=True))}


def _give(client: Client, sample: corpus.Sample, picture_id: int) -> Given:
    told = client.get(f"/api/user/images/{picture_id}/reveals/")
    address = client.get(f"/api/user/link/{picture_id}/?time=300").json()["url"]
    response: Response = Client().get(address)
    picture = Picture.objects.get(pk=picture_id)
    return Given(
        sample,
        told.status_code,
        told.json(),
        response.status_code,
        response.getvalue(),
        dict(response.headers),
        picture.clean_copy is Picture.CleanCopy.RENDITION,
    )
