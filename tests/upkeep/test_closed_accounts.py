"""An account that its owner deletes: gone at once for everybody, and then to the last file."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from uuid import UUID

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import SecurityEvent, Session, User
from images.exceptions import StorageAway
from images.models import Link, Picture
from images.removals import RemovedFile, remove_waiting_files
from images.services import activate
from images.storage.base import picture_storage
from images.storage.listing import StoredFile
from notifications.models import OutboxMessage
from tests.clients import Client, Response
from tests.factories import PASSWORD, bearer_client, make_picture, make_user, tier, token_client
from tests.parallel import run_in_parallel
from tests.pictures import jpeg
from tests.storages import StoredKeys
from thumbnails import deletion
from upkeep import closed_accounts
from upkeep.closed_accounts import remove_closed_accounts

pytestmark = pytest.mark.django_db
ACCOUNT = "/api/user/account/"
Commits = DjangoCaptureOnCommitCallbacks


def delete(client: Client, password: str = PASSWORD) -> Response:
    return client.delete(ACCOUNT, {"password": password}, content_type="application/json")


@pytest.fixture
def owner(alice: User, django_capture_on_commit_callbacks: Commits) -> User:
    """Alice with a public picture, her avatar, a members' one with all copies, and a link."""
    User.objects.filter(pk=alice.pk).update(email="alice@example.org")
    with django_capture_on_commit_callbacks(execute=True):
        first = make_picture(alice, jpeg(900, 600, comment=b"home"), visibility="public")
        second = make_picture(alice, jpeg(900, 600), visibility="members")
        activate(first)
    client = token_client(alice)
    assert client.get(f"/image/{second.uid}/jpeg").status_code == 200
    assert Client().get(f"/api/images/{first.uid}").status_code == 200
    client.get(f"/api/user/link/{first.pk}/?time=300")
    Session.objects.all().delete()
    return alice


def test_the_receipt_is_what_goes(
    owner: User, stored_keys: StoredKeys, django_capture_on_commit_callbacks: Commits
) -> None:
    this, _ = bearer_client(owner), token_client(owner)
    files = stored_keys()
    sizes = sum(picture_storage.size(key) for key in files)
    assert len(files) > 6
    with django_capture_on_commit_callbacks(execute=True):
        response = delete(this)
    assert response.status_code == 200
    assert response.json() == {
        "pictures": 2, "files": len(files), "bytes": sizes, "links": 1, "sessions": 2,
    }  # fmt: skip
    assert not stored_keys()
    assert not User.objects.filter(pk=owner.pk).exists()
    assert not Picture.objects.exists()
    assert not RemovedFile.objects.exists()
    assert not Link.objects.exists()
    assert this.get(ACCOUNT).status_code == 401
    events = SecurityEvent.objects.filter(user_id=owner.pk).order_by("pk")
    kinds = list(events.values_list("kind", flat=True))
    assert kinds[-1] == "account.deleted"
    assert "account.closed" in kinds


@pytest.mark.unhurried
@pytest.mark.parametrize("password", ["", "wrong"])
def test_a_wrong_password_deletes_nothing(owner: User, password: str) -> None:
    client = token_client(owner)
    refused = delete(client, password)
    assert (refused.status_code, refused.json()) == (400, {"password": ["The password is wrong."]})
    assert client.get(ACCOUNT).status_code == 200


@pytest.mark.parametrize("right", ["is_staff", "is_superuser"])
def test_staff_are_deleted_in_the_admin_alone(right: str) -> None:
    root = make_user("root")
    User.objects.filter(pk=root.pk).update(**{right: True})
    refused = delete(token_client(root))
    assert (refused.status_code, refused.json()) == (
        403, {"detail": "Accounts of staff are deleted in the admin."}
    )  # fmt: skip


def test_one_commit_closes_the_account_before_anything_is_removed(
    owner: User, as_bob: Client, settings: Settings
) -> None:
    """No work after the commit runs here: the broker and the worker may be away."""
    settings.AMQP_URL = "amqp://nowhere"
    public, members = (Picture.objects.get(visibility=each) for each in ("public", "members"))
    link = token_client(owner).get(f"/api/user/link/{public.pk}/?time=300")
    thumbnail = public.thumbnails.get(height=200).key.rsplit("/", 1)[-1]
    paths = [
        f"/api/images/{public.uid}", f"/image/{members.uid}", f"/image/{members.uid}/jpeg",
        f"/images/{public.key}", f"/avatars/{owner.pk}/{thumbnail}",
        f"/pictures/get-active-picture/{owner.pk}",
    ]  # fmt: skip
    assert {as_bob.get(path).status_code for path in paths} == {200}
    OutboxMessage.objects.all().delete()
    assert delete(bearer_client(owner)).status_code == 200
    assert Picture.objects.count() == 2
    assert {path: as_bob.get(path).status_code for path in paths} == dict.fromkeys(paths, 404)
    assert as_bob.get(f"/pictures/get-user-pictures/{owner.pk}").json() == []
    assert as_bob.get(f"/avatars/{owner.pk}")["Location"] == "/images/default/default.png"
    assert Client().get(link.json()["url"].removeprefix("http://testserver")).status_code == 410
    assert OutboxMessage.objects.exists()
    assert sign_in().status_code == 400
    # Login and address are free again, for a new account with nothing in it.
    tier("Premium")
    body = {"login": "alice", "email": "alice@example.org", "password": "another good one"}
    made = Client().post("/api/registration", body, content_type="application/json")
    assert made.status_code == 200
    assert made.json()["id"] != str(owner.pk)


def sign_in() -> Response:
    body = {"login": "alice", "password": PASSWORD}
    return Client().post("/auth/signin", body, content_type="application/json")


def test_what_dies_in_between_is_carried_out_later(
    owner: User, stored_keys: StoredKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "LOCKED_BATCH_SIZE", 1)
    delete(token_client(owner))
    folders: list[str] = []

    def away(folder: str) -> Iterator[StoredFile]:
        folders.append(folder)
        raise StorageAway

    with monkeypatch.context() as patched:
        patched.setattr(picture_storage, "walk_written", away)
        with pytest.raises(StorageAway):
            remove_closed_accounts()
    assert folders
    assert not Picture.objects.exists()
    # Leased, as after the death of a worker: taken up again once that is over.
    remove_closed_accounts()
    assert User.objects.filter(pk=owner.pk).exists()
    User.objects.filter(pk=owner.pk).update(removal_due_at=timezone.now())
    remove_closed_accounts()
    assert not User.objects.filter(pk=owner.pk).exists()
    remove_waiting_files()
    assert not stored_keys()


def test_one_worker_goes_on_for_a_turn_and_asks_for_another(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So accounts with a million pictures take turns."""
    monkeypatch.setattr(deletion, "LOCKED_BATCH_SIZE", 1)
    monkeypatch.setattr(closed_accounts, "TURN_SECONDS", 0.0)
    delete(token_client(owner))
    asked: list[int] = []
    monkeypatch.setattr(
        closed_accounts, "enqueue_task", lambda task: asked.append(Picture.objects.count())
    )
    remove_closed_accounts()
    assert asked == [1]
    remove_closed_accounts()
    remove_closed_accounts()
    assert not User.objects.filter(pk=owner.pk).exists()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_uploads_at_the_same_moment_leave_nothing(stored_keys: StoredKeys) -> None:
    carol = make_user("carol")
    client = token_client(carol)

    def upload() -> None:
        with suppress(User.DoesNotExist):
            make_picture(carol)

    def close() -> None:
        assert delete(client).status_code == 200

    def finish(user_id: UUID) -> None:
        remove_closed_accounts()
        User.objects.filter(pk=user_id).update(removal_due_at=timezone.now())
        remove_closed_accounts()

    run_in_parallel([upload, close, upload, upload])
    works: list[Callable[[], None]] = [partial(finish, carol.pk), upload, upload]
    run_in_parallel(works)
    User.objects.filter(pk=carol.pk).update(removal_due_at=timezone.now())
    remove_closed_accounts()
    remove_waiting_files()
    assert not User.objects.filter(pk=carol.pk).exists()
    assert not Picture.objects.exists()
    assert not stored_keys()
