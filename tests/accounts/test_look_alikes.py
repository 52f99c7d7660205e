"""Logins that may be taken for another account's."""

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.look_alikes import find_marks, mixes_scripts, to_skeleton
from accounts.models import User
from tests.clients import Client
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("login", "looks_like"),
    [
        ("аlice", "alice"), ("аӏісе", "alice"), ("αlice", "alice"), ("a1ice", "alice"),
        ("aIice", "alice"), ("ВОВ", "bob"), ("b0b", "bob"), ("rnary", "mary"), ("alice", "alice"),
    ],
)  # fmt: skip
def test_a_skeleton_is_what_a_login_looks_like(login: str, looks_like: str) -> None:
    assert to_skeleton(login) == looks_like


@pytest.mark.parametrize(
    ("text", "mixed"),
    [
        ("alice", False), ("алиса", False), ("аlice", True), ("Ελένη Adams", True), ("josé", False),
        ("田中taro", False), ("たなかタロウ太郎x", False),
        ("김han金", False), ("たなか한", True), ("a1-_.", False),
        ("²ª", False), ("", False),
    ],
)  # fmt: skip
def test_scripts_that_nobody_writes_together_are_noticed(text: str, mixed: bool) -> None:
    assert mixes_scripts(text) is mixed


def test_who_looks_like_another_is_marked_and_the_other_is_not(
    alice: User, bob: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    imitator, alone = make_user("аlice"), make_user("Caro1")
    mixed = make_user("pаt-mоss", name="Pat")
    with django_assert_max_num_queries(1):
        marks = find_marks([alice, bob, imitator, alone, mixed])
    assert set(marks) == {imitator.pk, mixed.pk}
    assert "alice" in marks[imitator.pk]
    assert "alice" not in marks[mixed.pk]


@pytest.mark.parametrize(("language", "text"), [("en", "looks like alice"), ("es", "parece alice")])
def test_the_admin_marks_them_in_the_list_and_on_their_page(
    admin_client: Client, alice: User, language: str, text: str
) -> None:
    imitator = make_user("аlice")
    for address in ("", f"{imitator.pk}/change/"):
        page = admin_client.get(
            f"/admin/accounts/user/{address}", headers={"Accept-Language": language}
        ).text
        assert page.count(f'class="look-alike">{text}') == 1
    home = admin_client.get("/admin/", headers={"Accept-Language": language}).text
    assert home.count(f'class="look-alike">{text}') == 1
    page = admin_client.get(f"/admin/accounts/user/{alice.pk}/change/").text
    assert 'class="look-alike"' not in page
