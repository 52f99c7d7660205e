"""The archive of an account: every original, and everything that is kept of it."""

import io
import json
import zipfile
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import SecurityEvent, User
from api.restful_api import account_export
from api.restful_api.picture_fields import FIELDS
from delivery.archive_slots import ArchiveSlot
from images.exceptions import StorageAway
from images.models import Picture
from images.sandbox.work_dir import work_dir
from images.services import create_picture
from images.storage.base import picture_storage
from tests.clients import Client, Response
from tests.factories import make_picture, make_user, token_client
from tests.pictures import jpeg

pytestmark = pytest.mark.django_db
EXPORT = "/api/user/account/export/"


def unzip(response: Response) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(response.getvalue())) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def store(owner: User, content: bytes, name: str) -> Picture:
    with NamedTemporaryFile(dir=work_dir()) as upload:
        Path(upload.name).write_bytes(content)
        return create_picture(owner=owner, upload=Path(upload.name), name=name)


def test_an_export_holds_every_original_and_every_fact(
    alice: User, as_alice: Client, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_export, "_BATCH_SIZE", 2)
    contents = [jpeg(20 + number, 10, comment=b"home") for number in range(3)]
    names = ["hill.jpg", "hill.jpg", "account.json"]
    pictures = [store(alice, *each) for each in zip(contents, names, strict=True)]
    make_picture(bob)
    as_alice.get(f"/api/user/link/{pictures[0].pk}/?time=300")
    response = as_alice.get(EXPORT)
    assert (response.status_code, response["Content-Type"]) == (200, "application/zip")
    assert response["Content-Disposition"] == 'attachment; filename="account.zip"'
    members = unzip(response)
    facts = json.loads(members.pop("account.json"))
    assert sorted(members.values()) == sorted(contents)
    assert "hill.jpg" in members
    assert facts.keys() == {"account", "pictures", "links", "sessions"}
    assert facts["account"] == as_alice.get("/api/user/account/").json()
    assert [each["id"] for each in facts["pictures"]] == [each.pk for each in pictures]
    assert all(each.keys() == FIELDS.keys() for each in facts["pictures"])
    assert [each["sha256"] for each in facts["pictures"]] == [each.sha256 for each in pictures]
    assert facts["links"] == as_alice.get("/api/user/links/").json()
    assert facts["sessions"] == as_alice.get("/api/user/sessions/").json()
    assert SecurityEvent.objects.filter(kind="account.exported", user_id=alice.pk).count() == 1


def test_an_account_with_nothing_has_an_export(as_alice: Client) -> None:
    members = unzip(as_alice.get(EXPORT))
    assert members.keys() == {"account.json"}
    assert json.loads(members["account.json"])["pictures"] == []


def test_an_export_is_walled_by_the_tier_as_every_contract(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    dave = make_user("dave", "Basic")
    with django_capture_on_commit_callbacks(execute=True):
        picture = store(dave, jpeg(900, 600), "hill.jpg")
    members = unzip(token_client(dave).get(EXPORT))
    assert len(members) == 2
    assert len(members["hill.jpg"]) < picture.bytes


def test_one_archive_at_a_time(alice: User, as_alice: Client) -> None:
    slot = ArchiveSlot(alice.pk)
    assert as_alice.get(EXPORT).status_code == 503
    slot.release()
    assert as_alice.get(EXPORT).status_code == 200


def test_a_storage_that_is_away_is_said_before_the_first_byte(
    alice: User, as_alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise StorageAway("It is away.")

    monkeypatch.setattr(picture_storage, "check", away)
    assert as_alice.get(EXPORT).status_code == 503
    monkeypatch.undo()
    assert as_alice.get(EXPORT).status_code == 200
