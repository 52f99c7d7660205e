"""The auth service against its contract: bodies, codes, X-Status-Reason, Spanish texts."""

import statistics
import time
from collections.abc import Callable

import pytest
from pytest_django import Settings

from accounts import shared_limits
from accounts.models import Session, User
from accounts.services import disable
from tests.clients import Client, Response
from tests.factories import PASSWORD, bearer_client, make_user, tier, token_client

pytestmark = pytest.mark.django_db

NEW = {"name": "Ana Núñez", "login": "ana.n", "password": "una clave larga"}


def post(path: str, body: dict[str, str], client: Client | None = None) -> Response:
    return (client or Client()).post(f"/auth/{path}", body, content_type="application/json")


def assert_refused(response: Response, path: str, message: str) -> None:
    assert response.status_code == 400
    assert {"path": path, "message": message} in response.json()["messages"]
    assert response["X-Status-Reason"].isascii()
    assert response["X-Status-Reason"]


@pytest.fixture(autouse=True)
def _tiers() -> None:
    for name in ("Basic", "Premium", "Enterprise"):
        tier(name)


# --- Signing up ---------------------------------------------------------------------------------


def test_signing_up_returns_a_token_that_works_at_once() -> None:
    response = post("signup", NEW)
    assert (response.status_code, list(response.json())) == (200, ["token"])
    client = Client(headers={"Authorization": f"bearer {response.json()['token']}"})
    user = User.objects.get(username="ana.n")
    assert client.get("/auth/currentUser").json() == {
        "id": str(user.pk), "name": "Ana Núñez", "login": "ana.n", "roles": ["user"]
    }  # fmt: skip
    assert user.tier.name == "Premium"


def test_the_tier_of_those_who_sign_up_is_a_setting(settings: Settings) -> None:
    settings.SIGNUP_TIER = "Basic"
    post("signup", NEW)
    assert User.objects.get().tier.name == "Basic"


def test_each_missing_field_is_named_once() -> None:
    response = post("signup", {})
    assert response.json()["messages"] == [
        {"path": "name", "message": "Este campo es requerido."},
        {"path": "login", "message": "Este campo es requerido."},
        {"path": "password", "message": "Este campo es requerido."},
    ]
    assert response["X-Status-Reason"] == "Este campo es requerido."


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        ({"login": "ab"}, "login", "Es demasiado corto."),
        ({"login": "a" * 65}, "login", "Es demasiado largo."),
        ({"login": "a b c"}, "login", "Sólo se permiten letras, dígitos y los caracteres . _ -"),
        ({"name": ""}, "name", "Este campo no puede estar vacío."),
        ({"name": "x" * 151}, "name", "Es demasiado largo."),
        ({"password": "corta"}, "password", "El password es demasiado corto."),
        ({"password": "password1"}, "password", "El password es demasiado común."),
        (
            {"login": "anabelen.ruiz", "password": "anabelen.ruiz1"},
            "password",
            "El password se parece demasiado al login.",
        ),
    ],
)
def test_bad_input_is_named_in_spanish(
    settings: Settings, change: dict[str, str], path: str, message: str
) -> None:
    assert_refused(post("signup", {**NEW, **change}), path, message)
    assert not User.objects.exists()


@pytest.mark.parametrize("login", ["alice", "ALICE"])
def test_a_taken_login_is_refused(alice: User, login: str) -> None:
    assert_refused(post("signup", {**NEW, "login": login}), "login", "Este registro ya existe.")


def test_the_contracts_own_sample_password_registers_under_the_contract_policy(
    settings: Settings,
) -> None:
    settings.AUTH_PASSWORD_VALIDATORS = [
        {
            "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
            "OPTIONS": {"min_length": 6},
        }
    ]
    assert post("signup", {**NEW, "password": "secret"}).status_code == 200


def test_sign_ups_are_throttled_per_address() -> None:
    responses = [post("signup", {**NEW, "login": f"ana{n}"}) for n in range(21)]
    assert [each.status_code for each in responses] == [200] * 20 + [429]
    assert responses[-1].json() == {"error": "Too Many Requests"}
    assert int(responses[-1]["Retry-After"]) > 0


# --- Signing in and out -------------------------------------------------------------------------

RIGHT = {"login": "alice", "password": PASSWORD}


def test_signing_in_returns_a_token(alice: User) -> None:
    response = post("signin", RIGHT)
    assert (response.status_code, list(response.json())) == (200, ["token"])


@pytest.mark.parametrize("change", [{"login": "nobody"}, {"password": "wrong"}])
def test_an_unknown_login_and_a_wrong_password_get_the_same_response(
    alice: User, change: dict[str, str]
) -> None:
    response = post("signin", {**RIGHT, **change})
    assert response.status_code == 400
    assert response.json() == {
        "messages": [{"path": "password", "message": "Usuario o password incorrecto."}]
    }


@pytest.mark.unhurried
def test_an_unknown_login_takes_as_long_as_a_wrong_password(
    alice: User, settings: Settings
) -> None:
    settings.PASSWORD_HASHERS = ["accounts.hashers.OwaspArgon2Hasher"]
    settings.RATE_LIMITS = False
    alice.set_password(PASSWORD)
    alice.save()

    def seconds(login: str) -> float:
        began = time.process_time()
        post("signin", {"login": login, "password": "wrong"})
        return time.process_time() - began

    pairs = [(seconds("alice"), seconds("nobody")) for _ in range(9)]
    known, unknown = (statistics.median(side) for side in zip(*pairs, strict=True))
    assert unknown > known / 3  # without a hash it would be a tenth


def test_signing_out_ends_the_token_at_every_contract(alice: User) -> None:
    client = bearer_client(alice)
    response = client.get("/auth/signout")
    assert (response.status_code, response.content) == (200, b"")
    for path in ("/auth/currentUser", "/api/user/images/"):
        assert client.get(path).status_code == 401


@pytest.mark.parametrize("kind", [bearer_client, token_client])
def test_post_signs_out_too(alice: User, kind: Callable[[User], Client]) -> None:
    client = kind(alice)
    assert client.post("/auth/signout").status_code == 200
    assert client.post("/auth/signout").status_code == 401


def cookie_client(user: User) -> Client:
    client = Client()
    body = {"username": user.username, "password": PASSWORD}
    client.post("/api/user/jwt-login/", body, content_type="application/json")
    return client


def test_another_sites_page_cannot_sign_anyone_out_by_a_get(alice: User) -> None:
    client = cookie_client(alice)
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert client.get("/auth/signout", headers=headers).status_code == 403
    assert client.get("/auth/currentUser").status_code == 200
    assert client.get("/auth/signout").status_code == 200


def test_without_a_token_the_401_is_plain_text() -> None:
    for path in ("currentUser", "signout"):
        response = Client().get(f"/auth/{path}")
        assert (response.status_code, response.content) == (401, b"Unauthorized")
        assert response["Content-Type"].startswith("text/plain")


def test_staff_are_admins_too(staff: User) -> None:
    assert bearer_client(staff).get("/auth/currentUser").json()["roles"] == ["user", "admin"]


# --- The password -------------------------------------------------------------------------------


def change(client: Client, **body: str) -> Response:
    return post(
        "password", {"currentPassword": PASSWORD, "newPassword": "otra clave larga", **body}, client
    )


def test_a_new_password_ends_every_other_session(alice: User) -> None:
    client, others = (
        bearer_client(alice),
        [bearer_client(alice), token_client(alice), cookie_client(alice)],
    )
    response = change(client)
    assert (response.status_code, response.content) == (200, b"")
    assert client.get("/auth/currentUser").status_code == 200
    assert [each.get("/auth/currentUser").status_code for each in others] == [401] * 3
    assert post("signin", {**RIGHT, "password": "otra clave larga"}).status_code == 200


@pytest.mark.parametrize(
    ("body", "path", "message"),
    [
        ({"currentPassword": "wrong"}, "currentPassword", "El password actual es incorrecto."),
        ({"newPassword": "corta"}, "newPassword", "El password es demasiado corto."),
        ({"verifyPassword": "otra"}, "verifyPassword", "Los passwords no coinciden."),
        ({"newPassword": ""}, "newPassword", "Este campo no puede estar vacío."),
    ],
)
def test_a_bad_change_is_refused_and_changes_nothing(
    alice: User, body: dict[str, str], path: str, message: str
) -> None:
    assert_refused(change(bearer_client(alice), **body), path, message)
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_guessing_the_current_password_is_throttled(alice: User) -> None:
    client = bearer_client(alice)
    responses = [change(client, currentPassword="wrong").status_code for _ in range(6)]
    assert responses == [400] * 5 + [429]


# --- Errors -------------------------------------------------------------------------------------


def test_an_unknown_address_is_json() -> None:
    response = Client().get("/auth/nothing/here")
    assert response.status_code == 404
    assert response.json() == {"url": "/auth/nothing/here", "error": "Not Found"}
    assert response["X-Status-Reason"] == "Not Found"


def test_a_wrong_method_is_json(alice: User) -> None:
    response = bearer_client(alice).delete("/auth/currentUser")
    assert (response.status_code, response.json()) == (405, {"error": "Method Not Allowed"})
    assert (response["X-Status-Reason"], response["Allow"]) == ("Method Not Allowed", "GET, HEAD")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/auth/signout", "GET, POST"),
        ("/api/login", "GET, POST"),
        ("/api/user/link/1/?time=300", "GET"),
    ],
)
def test_where_get_changes_something_head_changes_nothing(
    alice: User, path: str, allowed: str
) -> None:
    client = bearer_client(alice)
    response = client.head(path)
    assert (response.status_code, response["Allow"]) == (405, allowed)
    assert client.get("/auth/currentUser").status_code == 200


def test_a_failure_tells_nothing(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.auth_service.views.caller", lambda request: 1 / 0)
    client = bearer_client(alice)
    client.raise_request_exception = False
    response = client.get("/auth/currentUser")
    assert (response.status_code, response.json()) == (500, {"error": "Internal Server Error"})
    assert response["X-Status-Reason"] == "Internal Server Error"


# --- Every way to end a session, at every contract -----------------------------------------------


def end_by_sign_out(alice: User, clients: list[Client], admin: Client) -> None:
    for client in clients:
        client.post("/auth/signout")


def end_by_cookie_logout(alice: User, clients: list[Client], admin: Client) -> None:
    for client in clients:
        client.post("/api/user/jwt-logout/")


def end_by_password(alice: User, clients: list[Client], admin: Client) -> None:
    change(bearer_client(alice))


def end_by_disabling(alice: User, clients: list[Client], admin: Client) -> None:
    disable(alice)


def end_by_deleting(alice: User, clients: list[Client], admin: Client) -> None:
    admin.post(f"/admin/accounts/user/{alice.pk}/delete/", {"post": "yes"})


def end_by_the_admins_action(alice: User, clients: list[Client], admin: Client) -> None:
    form = {"action": "end_every_session", "_selected_action": [str(alice.pk)]}
    admin.post("/admin/accounts/user/", form)


@pytest.mark.parametrize(
    "end",
    [
        end_by_sign_out,
        end_by_cookie_logout,
        end_by_password,
        end_by_disabling,
        end_by_deleting,
        end_by_the_admins_action,
    ],
)
def test_every_way_to_end_a_session_ends_it_at_every_contract(
    alice: User, admin_client: Client, end: Callable[[User, list[Client], Client], None]
) -> None:
    clients = [bearer_client(alice), token_client(alice), cookie_client(alice)]
    end(alice, clients, admin_client)
    for client in clients:
        for path in ("/auth/currentUser", "/api/user/images/"):
            assert client.get(path).status_code == 401


def test_no_account_is_ever_locked_for_good(alice: User) -> None:
    for _ in range(6):
        post("signin", {**RIGHT, "password": "wrong"})
    shared_limits._storage().reset()  # what time does
    assert post("signin", RIGHT).status_code == 200
    assert make_user("still.here").is_active
    assert Session.objects.exists()
