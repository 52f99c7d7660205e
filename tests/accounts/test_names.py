"""Logins in any case and form are one login."""

import pytest
from django.db import IntegrityError
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from accounts.names import folded
from tests.clients import Client
from tests.factories import PASSWORD, make_user, tier

# What a login that looks fine becomes in Unicode's normal form: 18 letters and spaces for one, 3
# letters for one.
LONGER = ["\ufdfa" * 4, "\ufb03" * 30]


@pytest.mark.parametrize("login", LONGER)
@pytest.mark.parametrize("door", ["/auth/signup", "/api/registration"])
@pytest.mark.django_db
def test_a_login_is_refused_for_what_its_normal_form_is(login, door):
    tier("Premium")
    body = {"login": login, "name": "Ana", "email": "ana@example.com", "password": PASSWORD}
    response = Client().post(door, body, content_type="application/json")
    assert response.status_code == 400
    assert "login" in response.content.decode()
    assert not User.objects.exists()


@pytest.mark.parametrize("login", LONGER)
@pytest.mark.django_db
def test_the_admin_refuses_such_a_login_too(admin_client, login):
    form = {"username": login, "password1": PASSWORD, "password2": PASSWORD,
            "usable_password": "true", "tier": tier("Basic").pk}  # fmt: skip
    response = admin_client.post("/admin/accounts/user/add/", form)
    assert response.status_code == 200
    assert response.context["adminform"].form.errors["username"]
    changed = make_user("alice")
    address = f"/admin/accounts/user/{changed.pk}/change/"
    response = admin_client.post(address, {"username": login, "tier": changed.tier.pk})
    assert response.context["adminform"].form.errors["username"]


@pytest.mark.parametrize("login", LONGER)
@pytest.mark.parametrize(
    "door", [("/auth/signin", "login"), ("/api/login", "login"), ("/api/user/token/", "username")]
)
@pytest.mark.django_db
def test_nobody_signs_in_with_such_a_login(login, door):
    address, field = door
    body = {field: login, "password": PASSWORD}
    response = Client().post(address, body, content_type="application/json")
    assert response.status_code in {400, 401, 403}


@given(st.text())
def test_folding_twice_changes_nothing(text):
    assert folded(folded(text)) == folded(text)


@pytest.mark.parametrize("other", ["ALICE", "Alice", "\uff41\uff4c\uff49\uff43\uff45", " alice "])
@pytest.mark.django_db
def test_a_login_is_unique_whatever_its_case_and_form(other):
    make_user("alice")
    with pytest.raises(IntegrityError):
        make_user(other)


@pytest.mark.django_db
def test_an_account_is_found_in_any_case():
    made = make_user("Zoë.K")
    assert User.objects.get_by_natural_key("ZOË.k") == made


@pytest.mark.django_db
def test_two_accounts_may_lack_an_email_but_not_share_one():
    make_user("alice", email="a@example.com")
    make_user("bob")
    make_user("carol")
    with pytest.raises(IntegrityError):
        make_user("dave", email="A@example.com")
