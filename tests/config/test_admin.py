"""The admin by its forms, as a browser sends them."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import label_for_field
from django.utils import translation
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from accounts.models import User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
from images.links import make_link
from tests.clients import Client
from tests.factories import make_picture, make_user
from tests.pictures import jpeg

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::ResourceWarning")]

# What Spanish writes as English does.
_ALIKE = {"SHA-256", "UUID", "bytes"}

LISTS = ["accounts/user", "accounts/session", "tiers/tier", "plans/tierplan", "images/picture",
         "images/link", "thumbnails/thumbnail"]  # fmt: skip


def test_every_column_and_field_has_a_spanish_name() -> None:
    def name_of(name: Any, model_admin: ModelAdmin[Any], language: str) -> str:
        with translation.override(language):
            return str(label_for_field(name, model_admin.model, model_admin, return_attr=False))

    names = [
        (name_of(name, model_admin, "en"), name_of(name, model_admin, "es"))
        for model_admin in admin.site._registry.values()
        for name in [*model_admin.list_display, *model_admin.readonly_fields]
        if name != "__str__"
    ]
    assert len(names) > 50
    assert {english for english, spanish in names if english == spanish} == _ALIKE


@pytest.mark.unhurried
@pytest.mark.parametrize("path", LISTS)
def test_a_list_needs_the_same_number_of_queries_however_long_it_is(
    admin_client: Client,
    path: str,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for name in ("ann", "ben", "cat", "dan"):
        owner = make_user(name, "Enterprise")
        open_bearer_session(owner, RequestOrigin())
        with django_capture_on_commit_callbacks(execute=True):
            picture = make_picture(owner, jpeg(30, 20))
        make_link(maker=owner, picture=picture, seconds=300)
    with django_assert_max_num_queries(8):
        assert admin_client.get(f"/admin/{path}/").status_code == 200


@pytest.mark.parametrize("path", LISTS)
def test_no_list_counts_its_whole_table(
    admin_client: Client,
    alice: User,
    path: str,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_max_num_queries(10) as captured:
        admin_client.get(f"/admin/{path}/")
    counts = [q["sql"] for q in captured.captured_queries if "COUNT(" in q["sql"]]
    assert counts
    assert all("LIMIT 10000" in sql for sql in counts), counts


@pytest.mark.parametrize("path", LISTS)
def test_every_list_can_be_searched(admin_client: Client, alice: User, path: str) -> None:
    address = f"/admin/{path}/?q=ali"
    assert admin_client.get(address).status_code == 200


def test_too_many_wrong_passwords_at_the_admin_are_429() -> None:
    make_user("root", is_staff=True)
    client = Client()
    form = {"username": "root", "password": "wrong"}
    answers = [client.post("/admin/login/", form) for _ in range(6)]
    assert [each.status_code for each in answers] == [200] * 5 + [429]
    assert int(answers[-1]["Retry-After"]) > 0


def test_an_account_that_is_not_staff_cannot_open_the_admin(alice: User) -> None:
    client = Client()
    client.force_login(alice)
    assert client.get("/admin/").status_code == 302
