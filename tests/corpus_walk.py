"""Every picture of the corpus through the real routes, once for all tests that look at what came.

It is uploaded; of what is taken its owner is told what a link gives away (by what the route asks),
the link is opened, and it is rendered behind the walls.
"""

import resource
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from api.restful_api.reveal_serializers import serialize_reveal
from delivery.reveals import reveal
from images.exceptions import NotReady, NotRenderable
from images.links import LinkToken, write_token
from images.models import Link, Picture
from images.sandbox.work_dir import work_dir
from images.storage.base import picture_storage
from tests import corpus
from tests.clients import Client, Response
from tests.factories import make_user, token_client
from tests.metadata_inspector import metadata_texts
from tests.transactions import undone
from thumbnails.renderings import RenderedFile, RenderingFailed
from thumbnails.sandbox_work import render_thumbnails

HEIGHTS = (100, 50)


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
    # Nothing of a doubtful file of which nothing leaves.
    told: dict[str, Any] | None
    status: int
    content: bytes
    headers: dict[str, str]
    # Whether another file leaves because the original cannot be cleaned.
    is_rendition: bool


@dataclass(frozen=True)
class Rendered:
    """A picture's thumbnails, or why there are none, and the texts that its metadata hold."""

    given: Given
    texts: set[bytes]
    heights: tuple[int, ...]
    thumbnails: list[RenderedFile]
    failure: str = ""

    @property
    def files(self) -> list[Path]:
        return [path for each in self.thumbnails for path in (each.path, *each.beside.values())]


@dataclass(frozen=True)
class Walk:
    uploads: list[Upload]
    # What the rows of those that were taken say: format, width and height.
    facts: dict[int, tuple[str, int, int]]
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
        owner = _owner()
        client = token_client(owner)
        others, before = set(work_dir().rglob("*")), _memory()
        samples = [*corpus.samples("accept", "reject", "either"), *corpus.reports()]
        uploads = [_upload(client, each) for each in samples]
        rows = Picture.objects.values_list("pk", "format", "width", "height")
        return Walk(
            uploads,
            {number: (name, width, height) for number, name, width, height in rows},
            len(rows),
            len(list(picture_storage.walk(""))),
            set(work_dir().rglob("*")) - others - _pixels_of_pictures(),
            _memory() - before,
            list(_give_all(owner, uploads)),
        )


def _owner() -> User:
    owner = make_user("alice", "Enterprise")
    owner.tier.max_stored_bytes = None
    owner.tier.save()
    return owner


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


def _give_all(owner: User, uploads: Iterable[Upload]) -> Iterator[Given]:
    """Have the links opened; how links are made, and first openings counted, is the same of all."""
    samples = {each.picture_id: each.sample for each in uploads if each.picture_id is not None}
    links = Link.objects.bulk_create(
        Link(
            picture=picture,
            owner=owner,
            maker=owner,
            expires_at=timezone.now() + timedelta(hours=1),
            opened=1,
        )
        for picture in Picture.objects.with_owner().filter(pk__in=samples)
    )
    stranger = Client()
    for link in links:
        yield _give(stranger, samples[link.picture_id], link)


def _give(stranger: Client, sample: corpus.Sample, link: Link) -> Given:
    told = _tell(link.picture)
    address = reverse("link", args=[write_token(LinkToken(link.pk))])
    response: Response = stranger.get(address)
    return Given(
        sample,
        told,
        response.status_code,
        response.getvalue(),
        dict(response.headers),
        link.picture.clean_copy is Picture.CleanCopy.RENDITION,
    )


def _tell(picture: Picture) -> dict[str, Any] | None:
    try:
        return serialize_reveal(reveal(picture))
    except (NotReady, NotRenderable):
        return None


def render(walked: Walk, folder: Path) -> list[Rendered]:
    """Render what was given, each in a folder of its own: two at once, as there are processes."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(partial(_render, folder), range(len(walked.given)), walked.given))


def _render(into: Path, number: int, given: Given) -> Rendered:
    """Render at the larger height, from which the smaller is made alike whatever was decoded."""
    folder = into / f"{number:04}"
    folder.mkdir()
    texts, heights = _texts(given.sample), HEIGHTS if number % 5 == 0 else HEIGHTS[:1]
    try:
        thumbnails = render_thumbnails(given.sample.path, heights, folder).thumbnails
    except RenderingFailed as failure:
        return Rendered(given, texts, heights, [], str(failure))
    return Rendered(given, texts, heights, thumbnails)


def _texts(sample: corpus.Sample) -> set[bytes]:
    marker = {sample.marker.encode()} if sample.marker else set()
    try:
        return metadata_texts(sample.path.read_bytes()) | marker
    except Exception:  # noqa: BLE001 (the other reader cannot open it: the marks remain)
        return marker
