import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from accounts.names import login_key
from tests.clients import Client
from tests.factories import PASSWORD, make_user, tier

# Valid as they are, too long once normalized: one character becomes 18, or 3.
TOO_LONG_NORMALIZED = ["\ufdfa" * 4, "\ufb03" * 30]


@pytest.mark.parametrize("login", TOO_LONG_NORMALIZED)
@pytest.mark.parametrize("url", ["/auth/signup", "/api/registration"])
@pytest.mark.django_db
def test_a_login_whose_normalized_form_is_too_long_is_refused(login: str, url: str) -> None:
    tier("Premium")
    body = {"login": login, "name": "Ana", "email": "ana@example.com", "password": PASSWORD}
    response = Client().post(url, body, content_type="application/json")
    assert response.status_code == 400
    assert "login" in response.content.decode()
    assert not User.objects.exists()


@pytest.mark.parametrize("login", TOO_LONG_NORMALIZED)
@pytest.mark.django_db
def test_the_admin_refuses_a_login_whose_normalized_form_is_too_long(
    admin_client: Client, login: str
) -> None:
    form = {"username": login, "password1": PASSWORD, "password2": PASSWORD,
            "usable_password": "true", "tier": tier("Basic").pk}  # fmt: skip
    response = admin_client.post("/admin/accounts/user/add/", form)
    assert response.status_code == 200
    assert response.context["adminform"].form.errors["username"]
    alice = make_user("alice")
    url = f"/admin/accounts/user/{alice.pk}/change/"
    response = admin_client.post(url, {"username": login, "tier": alice.tier.pk})
    assert response.context["adminform"].form.errors["username"]


@pytest.mark.parametrize("login", TOO_LONG_NORMALIZED)
@pytest.mark.parametrize(
    ("url", "field"),
    [("/auth/signin", "login"), ("/api/login", "login"), ("/api/user/token/", "username")],
)
@pytest.mark.django_db
def test_nobody_signs_in_with_a_login_whose_normalized_form_is_too_long(
    login: str, url: str, field: str
) -> None:
    body = {field: login, "password": PASSWORD}
    response = Client().post(url, body, content_type="application/json")
    assert response.status_code in {400, 401, 403}


@given(st.text())
def test_the_key_of_a_key_is_the_same_key(text: str) -> None:
    assert login_key(login_key(text)) == login_key(text)
