"""The pictures service against its contract: exact JSON, exact Spanish, exact codes."""

import uuid
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import requests
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from accounts.services import disable
from images.default_picture import DEFAULT_FILE
from images.models import Picture
from images.services import activate, delete_picture
from images.signed_urls import signed_path
from images.storage.base import picture_storage
from tests.clients import Client, Response
from tests.factories import bearer_client, make_picture, make_staff, make_user, token_client
from tests.pictures import jpeg, png
from tests.storages import StoredKeys
from thumbnails.services import ensure_thumbnails

pytestmark = [pytest.mark.django_db, pytest.mark.storages]

# The contract's fields first, in its order.
PICTURE = ["id", "is_active", "path", "createdAt", "updatedAt", "user_id", "url"]
NO_FILE = "No se recibió ningún archivo en el campo file"
NOBODY = "00000000-0000-4000-8000-000000000000"


def upload(client: Client, content: bytes | None = None, **fields: str) -> Response:
    file = SimpleUploadedFile("../../evil.php", png(30, 20) if content is None else content)
    return client.post("/pictures/create-picture", {"file": file, **fields})


def copy_default(user_id: UUID | str, body: dict[str, str] | None = None) -> Response:
    address = f"/pictures/create-default-picture/{user_id}"
    return Client().post(address, body or {}, content_type="application/json")


def set_active(client: Client, picture: Picture) -> Response:
    return client.put(f"/pictures/set-active-picture/{picture.pk}/{picture.owner_id}")


def delete(
    client: Client, picture: Picture, name: str | None = None, owner_id: UUID | None = None
) -> Response:
    name, owner_id = name or picture.file_name, owner_id or picture.owner_id
    return client.delete(f"/pictures/delete-picture/{picture.pk}/{name}/{owner_id}")


# --- Creating -----------------------------------------------------------------------------------


def test_an_upload_returns_the_contracts_message_and_picture(alice: User, as_alice: Client) -> None:
    response = upload(as_alice, socketId="abc123")
    made = Picture.objects.get()
    assert response.status_code == 201
    assert response.json() == {
        "message": "Imagen creada correctamente",
        "picture": {
            "id": made.pk,
            "is_active": False,
            "path": made.file_name,
            "createdAt": response.json()["picture"]["createdAt"],
            "updatedAt": response.json()["picture"]["updatedAt"],
            "user_id": str(alice.pk),
            "url": response.json()["picture"]["url"],
        },
    }
    assert list(response.json()["picture"]) == PICTURE
    assert (made.owner, made.visibility) == (alice, "members")


def test_moments_are_utc_to_the_millisecond(as_alice: Client) -> None:
    text = upload(as_alice).json()["picture"]["createdAt"]
    assert text.endswith("Z")
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")
    assert abs(moment - Picture.objects.get().created_at) < timedelta(milliseconds=1)


def test_the_uploaders_file_name_is_never_used(as_alice: Client, stored_keys: StoredKeys) -> None:
    assert upload(as_alice).json()["picture"]["path"] == f"{Picture.objects.get().uid}.png"
    assert stored_keys() == [Picture.objects.get().key]


def test_the_file_is_where_the_contract_says(alice: User, as_alice: Client) -> None:
    path = upload(as_alice).json()["picture"]["path"]
    sent = as_alice.get(f"/images/users/{alice.pk}/{path}")
    assert (sent.status_code, sent.getvalue()) == (200, png(30, 20))


def test_staff_upload_for_others(alice: User, as_staff: Client) -> None:
    assert upload(as_staff, userId=str(alice.pk)).json()["picture"]["user_id"] == str(alice.pk)


def test_nobody_else_uploads_for_others(bob: User, as_alice: Client) -> None:
    response = upload(as_alice, userId=str(bob.pk))
    assert response.status_code == 403
    assert response.json() == {"error": "No tiene permiso para esta operación"}
    assert not Picture.objects.exists()


def test_staff_cannot_upload_for_nobody(as_staff: Client) -> None:
    response = upload(as_staff, userId=NOBODY)
    assert (response.status_code, response.json()) == (
        404, {"message": "No se encontró el usuario"}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, NO_FILE),
        ({"file": SimpleUploadedFile("x.png", b"no picture")}, "El archivo no es una imagen"),
        ({"file": SimpleUploadedFile("x.png", png(9, 9)), "userId": "1"},
         "El campo userId no es válido"),
    ],
)  # fmt: skip
def test_a_bad_upload_gets_its_reason_in_spanish(
    as_alice: Client, fields: dict[str, SimpleUploadedFile | str], error: str
) -> None:
    response = as_alice.post("/pictures/create-picture", fields)
    assert (response.status_code, response.json()) == (400, {"error": error})


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data; boundary=x", b"--x--\r\n"),
        ("application/x-www-form-urlencoded", b"file=x.png"),
        ("application/json", b'{"file": "x.png"}'),
        ("application/json", b"{"),
        ("image/png", png(9, 9)),
        ("text/plain", b"x"),
        ("", b"x"),
        ("", b""),
        ("application/json", b""),
        ("multipart/form-data; boundary=x", b""),
    ],
)
def test_a_body_without_a_file_is_told_so_whatever_its_type(
    as_alice: Client, content_type: str, body: bytes
) -> None:
    response = as_alice.generic("POST", "/pictures/create-picture", body, content_type)
    assert (response.status_code, response.json()) == (400, {"error": NO_FILE})


# --- The default picture ------------------------------------------------------------------------


def test_a_new_account_gets_an_active_copy_of_the_default_picture(
    alice: User, stored_keys: StoredKeys
) -> None:
    response = copy_default(alice.pk)
    made = Picture.objects.get()
    assert (response.status_code, response.json()["message"]) == (
        201, "Imagen por defecto creada correctamente"
    )  # fmt: skip
    assert response.json()["picture"]["is_active"] is True
    assert (made.owner, made.visibility, made.bytes) == (
        alice, "members", DEFAULT_FILE.stat().st_size
    )  # fmt: skip
    assert stored_keys() == [made.key]


def test_an_account_that_has_a_picture_keeps_what_it_has(alice: User) -> None:
    make_picture(alice)
    response = copy_default(alice.pk)
    assert (response.status_code, response.json()) == (
        200, {"message": "El usuario ya tiene una imagen"}
    )  # fmt: skip
    assert not Picture.objects.get().is_active


def test_a_repeated_request_changes_nothing(alice: User) -> None:
    assert [copy_default(alice.pk).status_code for _ in range(3)] == [201, 200, 200]
    assert Picture.objects.count() == 1


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ("ana.png", "ana.png"),
        ("/etc/passwd", "passwd.png"),
        ("..\\..\\evil.exe", "evil.png"),
        ("../../../x/../y.jpeg", "y.png"),
        ("mi foto ñ.png", "mi_foto.png"),
    ],
)
def test_of_a_custom_name_only_the_last_part_counts(
    alice: User, stored_keys: StoredKeys, wanted: str, path: str
) -> None:
    response = copy_default(alice.pk, {"customName": wanted})
    assert response.json()["picture"]["path"] == path
    assert stored_keys() == [f"users/{alice.pk}/{path}"]


@pytest.mark.parametrize("wanted", ["", "..", "/", "....png", "ñ"])
def test_a_custom_name_of_which_nothing_is_left_is_replaced(alice: User, wanted: str) -> None:
    path = copy_default(alice.pk, {"customName": wanted}).json()["picture"]["path"]
    assert path == f"{Picture.objects.get().uid}.png"


def test_a_custom_name_that_is_taken_is_replaced(alice: User, tmp_path: Path) -> None:
    key = f"users/{alice.pk}/ana.png"
    (tmp_path / "source").write_bytes(b"somebody's")
    picture_storage.save(key, tmp_path / "source")
    assert copy_default(alice.pk, {"customName": "ana.png"}).json()["picture"]["path"] != "ana.png"
    with picture_storage.open(key) as file:
        assert file.read() == b"somebody's"


@pytest.mark.parametrize("user_id", [NOBODY, "1", "..", "ALICE"])
def test_nobodys_default_picture_is_404(user_id: str) -> None:
    response = copy_default(user_id)
    assert (response.status_code, response.json().keys()) == (404, {"message", "error"})
    assert response.json()["error"] == response.json()["message"]


def test_a_closed_account_gets_none(alice: User) -> None:
    disable(alice)
    assert copy_default(alice.pk).status_code == 404


def test_a_stale_token_does_not_matter_where_none_is_needed(alice: User) -> None:
    client = Client(headers={"Authorization": "Bearer a.b.c"})
    address = f"/pictures/create-default-picture/{alice.pk}"
    assert client.post(address).status_code == 201


def test_default_pictures_are_throttled_by_address(alice: User) -> None:
    responses = [copy_default(alice.pk) for _ in range(21)]
    assert [a.status_code for a in responses] == [201] + [200] * 19 + [429]
    text = "Demasiadas peticiones"
    assert responses[-1].json() == {"error": text, "message": text}
    assert int(responses[-1]["Retry-After"]) > 0


# --- Reading ------------------------------------------------------------------------------------


@pytest.fixture
def three(alice: User) -> list[Picture]:
    """Alice's pictures, one of each visibility, oldest first."""
    return [make_picture(alice, visibility=each) for each in ("private", "members", "public")]


def test_the_owner_and_staff_get_everything_newest_first(
    alice: User, as_alice: Client, as_staff: Client, three: list[Picture]
) -> None:
    for client in (as_alice, as_staff):
        listed = client.get(f"/pictures/get-user-pictures/{alice.pk}").json()
        assert [each["id"] for each in listed] == [each.pk for each in reversed(three)]
    assert list(listed[0]) == PICTURE


def test_another_member_gets_what_is_not_private(
    alice: User, as_bob: Client, three: list[Picture]
) -> None:
    listed = as_bob.get(f"/pictures/get-user-pictures/{alice.pk}").json()
    assert [each["id"] for each in listed] == [three[2].pk, three[1].pk]


def test_ones_own_list_takes_two_queries_anothers_three(
    alice: User,
    as_alice: Client,
    as_bob: Client,
    three: list[Picture],
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for client, queries in ((as_alice, 2), (as_bob, 3)):
        with django_assert_num_queries(queries):
            client.get(f"/pictures/get-user-pictures/{alice.pk}")


def test_a_list_can_be_paged(alice: User, as_alice: Client, three: list[Picture]) -> None:
    first = as_alice.get(f"/pictures/get-user-pictures/{str(alice.pk).upper()}?limit=2")
    following = first["Link"].split(">")[0].removeprefix("<http://testserver")
    second = as_alice.get(following)
    assert [each["id"] for each in first.json() + second.json()] == [
        each.pk for each in reversed(three)
    ]
    assert "Link" not in second


def test_nobodys_pictures_are_404(as_alice: Client) -> None:
    response = as_alice.get(f"/pictures/get-user-pictures/{NOBODY}")
    assert (response.status_code, response.json()) == (
        404, {"message": "No se encontró el usuario"}
    )  # fmt: skip


def test_the_active_picture_is_read(
    alice: User, as_alice: Client, as_bob: Client, three: list[Picture]
) -> None:
    activate(three[1])
    for client in (as_alice, as_bob):
        response = client.get(f"/pictures/get-active-picture/{alice.pk}")
        assert (response.status_code, response.json()["id"]) == (200, three[1].pk)
        assert response.json()["is_active"] is True


def test_without_an_active_picture_404_says_so(
    alice: User, as_alice: Client, three: list[Picture]
) -> None:
    response = as_alice.get(f"/pictures/get-active-picture/{alice.pk}")
    assert (response.status_code, response.json()) == (
        404, {"message": "No se encontró una imagen activa"}
    )  # fmt: skip


def test_a_private_active_picture_is_not_found_by_others(
    alice: User, as_bob: Client, three: list[Picture]
) -> None:
    activate(three[0])
    assert as_bob.get(f"/pictures/get-active-picture/{alice.pk}").status_code == 404


# --- The signed address of a picture ------------------------------------------------------------


OURS = "http://testserver"


def url_for(client: Client, picture: Picture) -> str:
    """Return the picture's `url` as a client gets it."""
    listed = client.get(f"/pictures/get-user-pictures/{picture.owner_id}").json()
    [url] = [each["url"] for each in listed if each["id"] == picture.pk]
    return str(url)


def opened(url: str) -> bytes:
    """Return what a bare browser gets, from us or from the storage itself."""
    if not url.startswith(OURS):
        return requests.get(url, timeout=10).content
    response = Client().get(url.removeprefix(OURS))
    assert response.status_code == 200
    content: bytes = response.getvalue()
    return content


def statuses(*urls: str) -> list[int]:
    return [Client().get(each.removeprefix(OURS)).status_code for each in urls]


def test_the_url_opens_in_a_bare_browser_with_what_its_reader_may_have(
    alice: User, as_alice: Client, as_bob: Client, as_staff: Client
) -> None:
    content = jpeg(60, 40, comment=b"taken at home")
    picture = make_picture(alice, content, visibility="members")
    for client in (as_alice, as_staff):
        assert opened(url_for(client, picture)) == content
    viewer = token_client(make_staff("viewer", "images.view_picture"))
    for client in (as_bob, viewer):
        url = url_for(client, picture)
        assert b"taken at home" not in opened(url)
        response = Client().get(url.removeprefix(OURS))
        assert response["Content-Type"] == "image/jpeg"
        assert response["Cache-Control"] == "private, no-cache"
    activate(picture)
    active = as_bob.get(f"/pictures/get-active-picture/{alice.pk}").json()["url"]
    assert active == url_for(as_bob, picture)


def test_the_url_never_gives_more_than_the_owners_tier_grants(as_alice: Client) -> None:
    owner = make_user("basic", "Basic")
    picture = make_picture(owner, png(600, 500), visibility="members")
    waiting = Client().get(url_for(bearer_client(owner), picture).removeprefix(OURS))
    assert (waiting.status_code, waiting["Retry-After"]) == (503, "5")
    ensure_thumbnails(picture.pk)
    thumbnail = picture.thumbnails.get()
    for client in (bearer_client(owner), as_alice):
        assert len(opened(url_for(client, picture))) == thumbnail.bytes


def test_a_url_of_a_picture_is_good_for_nothing_else(alice: User, as_bob: Client) -> None:
    picture, other = (make_picture(alice, png(30, 20), visibility="members") for _ in range(2))
    url = url_for(as_bob, picture)
    forged = [
        url.replace(picture.key, other.key),
        url.replace("signature=", "signature=A"),
        url.replace("expires=", "expires=1"),
        f"{OURS}{signed_path(other.key)}".replace(other.key, picture.key),
    ]
    assert statuses(*forged) == [404] * 4
    assert statuses(url) == [200]
    delete_picture(picture)
    assert statuses(url) == [404]


@pytest.mark.parametrize("visibility", ["private", "members", "public"])
def test_the_operator_says_who_may_see_new_pictures(
    alice: User, as_alice: Client, settings: Settings, visibility: str
) -> None:
    settings.PICTURES_VISIBILITY = visibility
    copy_default(alice.pk)
    upload(as_alice)
    assert {each.visibility for each in Picture.objects.all()} == {visibility}
    assert Picture.objects.count() == 2


# --- Activating ---------------------------------------------------------------------------------


def test_activating_takes_the_place_of_the_one_before(
    as_alice: Client, three: list[Picture]
) -> None:
    set_active(as_alice, three[0])
    response = set_active(as_alice, three[1])
    assert response.status_code == 200
    assert response.json()["message"] == "Imagen activa establecida correctamente"
    assert response.json()["picture"]["is_active"] is True
    assert [each.pk for each in Picture.objects.active()] == [three[1].pk]


def test_activating_under_another_account_is_404(
    bob: User, as_alice: Client, three: list[Picture]
) -> None:
    response = as_alice.put(f"/pictures/set-active-picture/{three[0].pk}/{bob.pk}")
    assert (response.status_code, response.json()) == (404, {"message": "No se encontró la imagen"})


# --- Deleting -----------------------------------------------------------------------------------


def test_deleting_removes_row_and_file(
    as_alice: Client,
    three: list[Picture],
    stored_keys: StoredKeys,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        response = delete(as_alice, three[0])
    assert (response.status_code, response.json()) == (
        200, {"message": "Imagen eliminada correctamente"}
    )  # fmt: skip
    assert len(stored_keys()) == Picture.objects.count() == 2
    assert delete(as_alice, three[0]).status_code == 404


def test_the_active_picture_is_not_deleted_and_nothing_is_touched(
    as_alice: Client,
    three: list[Picture],
    stored_keys: StoredKeys,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    activate(three[0])
    with django_capture_on_commit_callbacks(execute=True):
        response = delete(as_alice, three[0])
    assert (response.status_code, response.json()) == (
        409, {"error": "La imagen activa no se puede eliminar"}
    )  # fmt: skip
    assert len(stored_keys()) == Picture.objects.count() == 3


@pytest.mark.parametrize("spoil", ["other", "..", "%2e%2e%2f", "..%2F..%2Fsecret", "a%00b", "%ff"])
def test_another_file_name_is_404_and_nothing_is_touched(
    as_alice: Client, three: list[Picture], stored_keys: StoredKeys, spoil: str
) -> None:
    response = delete(as_alice, three[0], name=spoil)
    assert (response.status_code, response.json().keys()) == (404, {"message"})
    assert len(stored_keys()) == 3


def test_the_name_of_another_picture_is_404(as_alice: Client, three: list[Picture]) -> None:
    assert delete(as_alice, three[0], name=three[1].file_name).status_code == 404


def test_deleting_a_user_empties_rows_and_folder_and_repeats(
    alice: User,
    as_alice: Client,
    three: list[Picture],
    tmp_path: Path,
    stored_keys: StoredKeys,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    activate(three[0])
    (tmp_path / "source").write_bytes(b"by a crash")
    picture_storage.save(f"users/{alice.pk}/left over", tmp_path / "source")
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            response = as_alice.delete(f"/pictures/delete-user/{alice.pk}")
        assert (response.status_code, response.json()) == (
            200, {"message": f"Carpeta del usuario {alice.pk} eliminada correctamente."}
        )  # fmt: skip
        assert not Picture.objects.exists()
        assert stored_keys() == []
        assert not (tmp_path / "images" / "users" / str(alice.pk)).exists()
    alice.refresh_from_db()
    assert alice.is_active


def test_deleting_a_user_leaves_everybody_else_alone(
    alice: User,
    bob: User,
    as_alice: Client,
    stored_keys: StoredKeys,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    others = make_picture(bob)
    make_picture(alice)
    with django_capture_on_commit_callbacks(execute=True):
        as_alice.delete(f"/pictures/delete-user/{alice.pk}")
    assert stored_keys() == [others.key]


def test_only_staff_delete_somebody_elses(
    bob: User, alice: User, as_bob: Client, as_staff: Client, three: list[Picture]
) -> None:
    assert as_bob.delete(f"/pictures/delete-user/{alice.pk}").status_code == 403
    assert Picture.objects.count() == 3
    assert as_staff.delete(f"/pictures/delete-user/{alice.pk}").status_code == 200
    assert not Picture.objects.exists()


def test_staff_clear_up_after_an_account_that_is_gone(as_staff: Client) -> None:
    assert as_staff.delete(f"/pictures/delete-user/{uuid.uuid4()}").status_code == 200


# --- Files --------------------------------------------------------------------------------------


def test_the_default_picture_is_a_real_png_that_anyone_may_keep() -> None:
    response = Client().get("/images/default/default.png")
    assert (response.status_code, response["Content-Type"]) == (200, "image/png")
    assert response.content == DEFAULT_FILE.read_bytes()
    assert response["Cache-Control"] == "public, max-age=86400"
    again = Client().get("/images/default/default.png", headers={"If-None-Match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_bearer_token_opens_a_file_too(alice: User) -> None:
    picture = make_picture(alice)
    assert bearer_client(alice).get(f"/images/{picture.key}").status_code == 200


def test_a_member_gets_the_original_without_what_only_its_owner_may_see(
    alice: User, as_alice: Client, as_bob: Client
) -> None:
    content = jpeg(60, 40, comment=b"taken at home")
    picture = make_picture(alice, content, visibility="members")
    assert as_alice.get(f"/images/{picture.key}").getvalue() == content
    sent = as_bob.get(f"/images/{picture.key}")
    assert sent.status_code == 200
    assert b"taken at home" not in sent.getvalue()
    assert "Authorization" in sent["Vary"]
    assert sent["Cache-Control"] == "private, no-cache"


def test_without_the_grant_the_best_thumbnail_leaves(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    owner = make_user("basic", "Basic")
    with django_capture_on_commit_callbacks(execute=True):
        picture = make_picture(owner, png(600, 500))
    sent = bearer_client(owner).get(f"/images/{picture.key}").getvalue()
    assert len(sent) == picture.thumbnails.get().bytes


@pytest.mark.parametrize(
    "path",
    [
        "../db.sqlite3", "..%2f..%2fsecret_key", "%2e%2e/%2e%2e/etc/passwd", ".hidden", "a%00b",
        "..%5c..%5cx", "%ff%fe", "x/../y.png", "",
    ],
)  # fmt: skip
def test_names_that_climb_lead_nowhere(
    alice: User, as_alice: Client, tmp_path: Path, path: str
) -> None:
    (tmp_path / "images").mkdir(exist_ok=True)
    (tmp_path / "secret_key").write_text("hidden")
    response = as_alice.get(f"/images/users/{alice.pk}/{path}")
    assert response.status_code == 404
    assert b"hidden" not in response.content


def test_a_thumbnails_name_needs_its_signature(
    alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        picture = make_picture(alice, png(600, 500), visibility="public")
    assert Client().get(f"/images/{picture.thumbnails.earliest('height').key}").status_code == 404
