"""Fields, filters and orders of pictures, as `?fields=` and its neighbours choose them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from accounts.models import User
from api.restful_api.picture_fields import DETAIL_FIELDS, FIELDS
from images.models import Picture
from images.services import activate
from tests.clients import Client
from tests.factories import make_picture, make_staff, token_client
from tests.pictures import jpeg, png

pytestmark = pytest.mark.django_db

IMAGES = "/api/user/images/"
JSON = "application/json"


@pytest.fixture
def rendered(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> Callable[..., Picture]:
    """Return a function that uploads a picture and lets the work behind it happen."""

    def make(owner: User, content: bytes | None = None, **fields: Any) -> Picture:
        with django_capture_on_commit_callbacks(execute=True):
            return make_picture(owner, content or jpeg(900, 600), **fields)

    return make


def listed(client: Client, **query: Any) -> list[Any]:
    rows: list[Any] = client.get(IMAGES, query).json()
    return rows


def ids(client: Client, **query: Any) -> list[int]:
    return [row["id"] for row in listed(client, fields="id", **query)]


def is_refused(client: Client, name: str, value: str) -> bool:
    response = client.get(IMAGES, {name: value})
    return response.status_code == 400 and list(response.json()) == [name]


# --- Fields --------------------------------------------------------------------------------------


def test_all_fields_say_what_a_picture_is(
    rendered: Callable[..., Picture], as_alice: Client, alice: User
) -> None:
    given = {"name": "hill.jpg", "description": "A hill", "metadata": {"a": [1]}}
    picture = rendered(alice, **given)
    picture.refresh_from_db()
    activate(picture)
    [found] = listed(as_alice, fields="all")
    assert list(found) == list(FIELDS)
    image, thumbnails = found.pop("image"), found.pop("thumbnails")
    assert f"/images/{picture.key}?" in image
    assert [(each["height"], each["width"]) for each in thumbnails] == [(200, 300), (400, 600)]
    assert [each["id"] for each in thumbnails] == [
        picture.thumbnails.get(height=height).pk for height in (200, 400)
    ]
    assert Client().get(thumbnails[0]["url"].removeprefix("http://testserver")).status_code == 200
    assert found == {
        **given,
        "id": picture.pk,
        "uid": str(picture.uid),
        "width": 900,
        "height": 600,
        "bytes": len(jpeg(900, 600)),
        "sha256": picture.sha256,
        "format": "JPEG",
        "frames": 1,
        "created_at": f"{picture.created_at:%Y-%m-%dT%H:%M:%S.%f}Z",
        "updated_at": f"{picture.updated_at:%Y-%m-%dT%H:%M:%S.%f}Z",
        "visibility": "private",
        "is_active": True,
        "state": "ready",
        "failure": None,
        "clean_copy": None,
        "thumbhash": picture.thumbhash,
        "dominant_color": picture.dominant_color,
    }
    detail = as_alice.get(f"{IMAGES}{picture.pk}/?fields=all").json()
    assert detail == {**found, "image": image, "thumbnails": thumbnails}


def test_only_the_fields_that_were_asked_for_are_returned(as_alice: Client, alice: User) -> None:
    picture = make_picture(alice)
    address = f"{IMAGES}{picture.pk}/"
    assert listed(as_alice)[0].keys() == {"id", "image"}
    assert listed(as_alice, fields="name,uid") == [{"uid": str(picture.uid), "name": ""}]
    assert set(as_alice.get(address).json()) == set(DETAIL_FIELDS)
    assert as_alice.get(f"{address}?fields=frames").json() == {"frames": 1}


@pytest.mark.parametrize("fields", ["size", "id,size", "id,", "", "owner", "__class__", "key"])
def test_an_unknown_field_is_refused_by_name(as_alice: Client, alice: User, fields: str) -> None:
    unknown = fields.rsplit(",", maxsplit=1)[-1]
    for address in (IMAGES, f"{IMAGES}{make_picture(alice).pk}/"):
        response = as_alice.get(address, {"fields": fields})
        assert response.status_code == 400
        assert response.json() == {"fields": [f"There is no field '{unknown}'."]}


def test_a_failure_is_a_sentence(as_alice: Client, alice: User) -> None:
    make_picture(alice)
    fields = "state,failure"
    assert listed(as_alice, fields=fields) == [{"state": "pending", "failure": None}]
    Picture.objects.update(rendering="failed", render_failure="It is damaged.")
    sentence = {"state": "failed", "failure": "It is damaged."}
    assert as_alice.get(f"{IMAGES}{Picture.objects.get().pk}/?fields={fields}").json() == sentence


def test_staff_who_may_only_look_learn_neither_name_nor_object(alice: User) -> None:
    picture = make_picture(alice, name="hill.jpg", metadata={"a": 1})
    address = f"{IMAGES}{picture.pk}/?fields=name,metadata"
    viewer, changer = (
        token_client(make_staff(each, f"images.{each}_picture")) for each in ("view", "change")
    )
    assert viewer.get(address).json() == {"name": None, "metadata": None}
    assert changer.get(address).json() == {"name": "hill.jpg", "metadata": {"a": 1}}


@pytest.mark.parametrize("count", [1, 30])
def test_a_page_with_all_fields_takes_three_queries(
    rendered: Callable[..., Picture],
    as_alice: Client,
    alice: User,
    count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    rendered(alice)
    Picture.objects.bulk_create(
        Picture(owner=alice, key=f"k{n}", format="PNG", width=1, height=1, bytes=1, sha256="")
        for n in range(count)
    )
    with django_assert_num_queries(3):
        assert len(listed(as_alice, fields="all", limit=20)) == min(count + 1, 20)


def test_thumbnails_show_as_soon_as_they_are_there(
    as_alice: Client,
    alice: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        make_picture(alice, jpeg(900, 600))
        assert listed(as_alice, fields="state,thumbnails") == [
            {"state": "pending", "thumbnails": []}
        ]
    [found] = listed(as_alice, fields="state,thumbnails")
    assert (found["state"], len(found["thumbnails"])) == ("ready", 2)


# --- Name and metadata ---------------------------------------------------------------------------


def test_an_upload_brings_an_object(as_alice: Client) -> None:
    def upload(metadata: str) -> Any:
        file = SimpleUploadedFile("a.png", png(3, 3))
        return as_alice.post(IMAGES, {"image": file, "metadata": metadata})

    assert upload('{"ñ": 1}').status_code == 201
    assert listed(as_alice, fields="metadata") == [{"metadata": {"ñ": 1}}]
    for refused in ("[]", "{", "null", '{"a": NaN}', '{"a": "' + "x" * 4096 + '"}'):
        response = upload(refused)
        assert (response.status_code, list(response.json())) == (400, ["metadata"])
    assert Picture.objects.count() == 1


def test_name_and_object_are_changed(as_alice: Client, alice: User) -> None:
    address = f"{IMAGES}{make_picture(alice, name='a.png').pk}/?fields=name,metadata,description"
    body = {"name": "ñ.png", "metadata": {"a": {"b": 1}}}
    changed = {**body, "description": ""}
    assert as_alice.patch(address, body, content_type=JSON).json() == changed
    assert (
        as_alice.patch(address, {"description": "x"}, content_type=JSON).json()["name"] == "ñ.png"
    )
    cleared = as_alice.patch(address, {"name": "", "metadata": {}}, content_type=JSON).json()
    assert cleared == {"name": "", "metadata": {}, "description": "x"}


@pytest.mark.parametrize(
    "body",
    [
        {"name": "../a"}, {"name": "a\u202eb"}, {"name": "x" * 256}, {"name": None},
        {"metadata": []}, {"metadata": None}, {"metadata": "{}"}, {"metadata": {"a": "\0"}},
        {"metadata": {"a": "x" * 4096}},
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused_by_field(
    as_alice: Client, alice: User, body: dict[str, Any]
) -> None:
    picture = make_picture(alice, name="a.png", metadata={"a": 1})
    response = as_alice.patch(f"{IMAGES}{picture.pk}/", body, content_type=JSON)
    assert (response.status_code, list(response.json())) == (400, list(body))
    picture.refresh_from_db()
    assert (picture.name, picture.metadata) == ("a.png", {"a": 1})


# --- Filters -------------------------------------------------------------------------------------


def test_each_filter_chooses(as_alice: Client, alice: User, bob: User) -> None:
    make_picture(bob, png(3, 3), visibility="public")
    old = make_picture(alice, jpeg(3, 3), visibility="members")
    new = make_picture(alice, png(3, 3))
    activate(new)
    Picture.objects.filter(pk=old.pk).update(rendering="failed")
    moment = new.created_at
    for query, chosen in [
        ({"state": "failed"}, old),
        ({"state": "pending"}, new),
        ({"visibility": "members"}, old),
        ({"visibility": "private"}, new),
        ({"format": "JPEG"}, old),
        ({"format": "png"}, new),
        ({"is_active": "true"}, new),
        ({"is_active": "false"}, old),
        ({"sha256": old.sha256.upper()}, old),
        ({"created_before": moment.isoformat()}, old),
        ({"created_after": old.created_at.isoformat()}, new),
        ({"visibility": "members", "state": "failed"}, old),
    ]:
        assert ids(as_alice, **query) == [chosen.pk], query
    assert ids(as_alice, visibility="public") == []
    assert ids(as_alice, created_after=moment.isoformat()) == []
    assert ids(as_alice, state="failed", format="PNG") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("state", "done"), ("state", ""), ("visibility", "friends"), ("format", "BMP"),
        ("is_active", "maybe"), ("is_active", "1"), ("sha256", "abc"),
        ("created_after", "yesterday"),
        ("created_before", "2025-13-01"), ("order", "name"), ("q", "x" * 201), ("q", "\0"),
        ("limit", "0"), ("cursor", "x"), ("created_after", "0001-01-01T00:00:00+23:00"),
    ],
)  # fmt: skip
def test_a_value_that_chooses_nothing_is_refused_by_name(
    as_alice: Client, name: str, value: str
) -> None:
    assert is_refused(as_alice, name, value)


def test_words_are_looked_for_in_name_and_description(
    as_alice: Client, alice: User, bob: User
) -> None:
    make_picture(bob, name="hill.jpg")
    hill = make_picture(alice, name="Hill_100%.jpg", description="At dawn, by the Sea")
    other = make_picture(alice, description="nothing of it")
    both = [other.pk, hill.pk]
    for text, found in {
        "hill": [hill.pk],
        "HILL dawn": [hill.pk],
        "dawn hill": [hill.pk],
        "hill nothing": [],
        "th": both,
        "l_1": [hill.pk],
        "_": [hill.pk],
        "0%": [hill.pk],
        "%": [hill.pk],
        "\\": [],
        "": both,
        " ": both,
    }.items():
        assert ids(as_alice, q=text) == found, text


# --- Orders and pages ----------------------------------------------------------------------------


def test_pages_of_both_orders_show_each_picture_once(as_alice: Client, alice: User) -> None:
    now = timezone.now()
    moments = [now - timedelta(seconds=seconds // 3) for seconds in range(10)]
    made = Picture.objects.bulk_create(
        Picture(
            owner=alice, key=f"k{n}", format="PNG", width=1, height=1, bytes=1, sha256="",
            created_at=moment,
        )
        for n, moment in enumerate(moments)
    )  # fmt: skip
    newest_first = [
        each.pk for each in sorted(made, key=lambda p: (p.created_at, p.pk), reverse=True)
    ]
    for order, expected in {
        "-created_at": newest_first,
        "created_at": newest_first[::-1],
    }.items():
        address = f"{IMAGES}?fields=id&limit=3&order={order}"
        seen: list[int] = []
        while address:
            response = as_alice.get(address)
            seen += [row["id"] for row in response.json()]
            address = response.get("Link", "").partition(">")[0].removeprefix("<http://testserver")
        assert seen == expected


def test_a_page_after_a_filter_goes_on_with_the_filter(as_alice: Client, alice: User) -> None:
    wanted = [make_picture(alice, png(2, 2)).pk for _ in range(3)]
    make_picture(alice, jpeg(3, 3))
    first = as_alice.get(f"{IMAGES}?format=png&limit=2&fields=id")
    following = first["Link"].partition(">")[0].removeprefix("<http://testserver")
    seen = [row["id"] for row in [*first.json(), *as_alice.get(following).json()]]
    assert seen == wanted[::-1]


def test_lists_of_other_parameters_are_not_taken_from_the_cache(
    as_alice: Client, alice: User
) -> None:
    picture = make_picture(alice)
    assert listed(as_alice)[0].keys() == {"id", "image"}
    assert listed(as_alice, fields="id") == [{"id": picture.pk}]
    assert listed(as_alice, fields="id", format="GIF") == []
    assert listed(as_alice, fields="id", created_after="2999-01-01T00:00:00Z") == []


def test_thumbnails_of_one_picture(
    rendered: Callable[..., Picture], as_alice: Client, alice: User, bob: User
) -> None:
    picture, theirs = rendered(alice), rendered(bob)
    rendered(alice)
    address = "/api/user/thumbnails/"
    found = as_alice.get(address, {"image_id": picture.pk}).json()
    assert sorted((row["image_id"], row["height"]) for row in found) == [
        (picture.pk, 200), (picture.pk, 400)
    ]  # fmt: skip
    assert as_alice.get(address, {"image_id": theirs.pk}).json() == []
    response = as_alice.get(address, {"image_id": "x"})
    assert (response.status_code, list(response.json())) == (400, ["image_id"])
