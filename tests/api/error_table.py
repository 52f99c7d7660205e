"""The error responses of each contract, for `test_errors`.

To add a contract: write its responses as one more dictionary, a `Wrong` for each of CASES, and put
it into ERRORS under the contract's name. A test fails for a contract or a case that is missing.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from limits import RateLimitItem

from accounts.throttling import DEFAULT_PICTURES_PER_ADDRESS, SIGN_INS_PER_ADDRESS

CASES = (
    "malformed JSON", "wrong content type", "unknown route", "wrong method", "no token",
    "bad token", "too large", "throttled", "broken database", "failure nobody foresaw",
)  # fmt: skip

Token = Literal["good", "bad", ""]


@dataclass(frozen=True)
class Wrong:
    """A request and its error: a body of JSON, or a text, with patterns where needed.

    `{account}` in a path is the caller's own. `headers` are those that must be there.
    """

    method: str
    path: str
    status: int
    body: dict[str, Any] | str
    sent: str = ""
    content_type: str = "application/json"
    token: Token = "good"
    headers: tuple[str, ...] = ()
    # What is used up before, for a throttled call.
    exhausted: RateLimitItem | None = field(default=None)


SIGN_IN = '{"username": "alice", "password": "wrong"}'
TOKEN, IMAGES = "/api/user/token/", "/api/user/images/"
RESTFUL_API = {
    "malformed JSON": Wrong(
        "POST", TOKEN, 400, {"detail": "The body cannot be read."}, sent="{", token=""),
    "wrong content type": Wrong(
        "POST", TOKEN, 415, {"detail": "Unsupported media type."}, sent="x",
        content_type="text/plain", token=""),
    "unknown route": Wrong("GET", "/api/user/nothing/", 404, {"detail": "Not found."}),
    "wrong method": Wrong(
        "PUT", IMAGES, 405, {"detail": 'Method "PUT" not allowed.'}, headers=("Allow",)),
    "no token": Wrong(
        "GET", IMAGES, 401, {"detail": "Authentication credentials were not provided."}, token="",
        headers=("WWW-Authenticate",)),
    "bad token": Wrong(
        "GET", IMAGES, 401, {"detail": "The token is invalid or has expired."}, token="bad",
        headers=("WWW-Authenticate",)),
    "too large": Wrong(
        "POST", TOKEN, 413, {"detail": re.compile("body .* at most 65536 ")}, sent="x" * 70_000,
        token=""),
    "throttled": Wrong(
        "POST", TOKEN, 429, {"detail": re.compile(r"Try again in \d+ seconds")}, sent=SIGN_IN,
        token="", headers=("Retry-After",), exhausted=SIGN_INS_PER_ADDRESS),
    "broken database": Wrong(
        "GET", IMAGES, 503, {"detail": "Temporarily unavailable."}, headers=("Retry-After",)),
    "failure nobody foresaw": Wrong("GET", IMAGES, 500, {"detail": "Internal server error."}),
}  # fmt: skip


def twice(text: str) -> dict[str, Any]:
    """Return the errors of `create-default-picture`."""
    return {"error": text, "message": text}


DEFAULT, OWN = "/pictures/create-default-picture/{account}", "/pictures/get-user-pictures/{account}"
PICTURES_SERVICE = {
    "malformed JSON": Wrong(
        "POST", DEFAULT, 400, twice("No se puede leer el cuerpo de la petición"), sent="{",
        token=""),
    "wrong content type": Wrong(
        "POST", DEFAULT, 415, twice("El tipo de contenido no está permitido"), sent="x",
        content_type="text/plain", token=""),
    "unknown route": Wrong(
        "GET", "/pictures/nothing", 404, {"message": "No se encontró el recurso"}),
    "wrong method": Wrong("PATCH", OWN, 405, {"error": "Método no permitido"}, headers=("Allow",)),
    "no token": Wrong(
        "GET", OWN, 401, {"message": "Token no proporcionado"}, token="",
        headers=("WWW-Authenticate",)),
    "bad token": Wrong("GET", OWN, 403, {"message": "Token inválido o expirado"}, token="bad"),
    "too large": Wrong(
        "POST", DEFAULT, 413, twice("El archivo es demasiado grande"), sent="x" * 70_000,
        token=""),
    "throttled": Wrong(
        "POST", DEFAULT, 429, twice("Demasiadas peticiones"), token="",
        headers=("Retry-After",), exhausted=DEFAULT_PICTURES_PER_ADDRESS),
    "broken database": Wrong(
        "GET", OWN, 503, {"error": "El servicio no está disponible por el momento"},
        headers=("Retry-After",)),
    "failure nobody foresaw": Wrong("GET", OWN, 500, {"error": "Error interno del servidor"}),
}  # fmt: skip

SIGN_IN_AT_AUTH = '{"login": "alice", "password": "wrong"}'
SIGNIN, ME, REASON = "/auth/signin", "/auth/currentUser", ("X-Status-Reason",)
AUTH_SERVICE = {
    "malformed JSON": Wrong(
        "POST", SIGNIN, 400,
        {"messages": [{"path": "", "message": "No se puede leer el cuerpo de la petición."}]},
        sent="{", token="", headers=REASON),
    "wrong content type": Wrong(
        "POST", SIGNIN, 415, {"error": "Unsupported Media Type"}, sent="x",
        content_type="text/plain", token="", headers=REASON),
    "unknown route": Wrong(
        "GET", "/auth/nothing/%C3%B1?a=b&c=%20d", 404,
        {"url": "/auth/nothing/%C3%B1?a=b&c=%20d", "error": "Not Found"}, headers=REASON),
    "wrong method": Wrong(
        "DELETE", ME, 405, {"error": "Method Not Allowed"}, headers=("Allow", *REASON)),
    "no token": Wrong(
        "GET", ME, 401, "Unauthorized", token="", headers=("WWW-Authenticate",)),
    "bad token": Wrong(
        "GET", ME, 401, "Unauthorized", token="bad", headers=("WWW-Authenticate",)),
    "too large": Wrong(
        "POST", SIGNIN, 413, {"error": "Payload Too Large"}, sent="x" * 70_000, token="",
        headers=REASON),
    "throttled": Wrong(
        "POST", SIGNIN, 429, {"error": "Too Many Requests"}, sent=SIGN_IN_AT_AUTH, token="",
        headers=("Retry-After", *REASON), exhausted=SIGN_INS_PER_ADDRESS),
    "broken database": Wrong(
        "GET", ME, 503, {"error": "Service Unavailable"}, headers=("Retry-After", *REASON)),
    "failure nobody foresaw": Wrong(
        "GET", ME, 500, {"error": "Internal Server Error"}, headers=REASON),
}  # fmt: skip

CREATE, READ = "/image", "/image/00000000-0000-4000-8000-000000000000"
IMAGE_SERVICE = {
    "malformed JSON": Wrong(
        "POST", CREATE, 400,
        {"messages": [{"path": "", "message": "The body cannot be read."}]}, sent="{"),
    "wrong content type": Wrong(
        "POST", CREATE, 415, {"error": "Unsupported Media Type"}, sent="x",
        content_type="text/plain"),
    "unknown route": Wrong("GET", "/image/x/y/z", 404, {"error": "Not Found"}),
    "wrong method": Wrong(
        "DELETE", CREATE, 405, {"error": "Method Not Allowed"}, headers=("Allow",)),
    "no token": Wrong(
        "GET", READ, 401, {"error": "Unauthorized"}, token="", headers=("WWW-Authenticate",)),
    "bad token": Wrong(
        "GET", READ, 401, {"error": "Unauthorized"}, token="bad", headers=("WWW-Authenticate",)),
    "too large": Wrong(
        "POST", CREATE, 413, {"error": "Request Entity Too Large"}, sent="x" * 22_000_000),
    # No route of this contract is throttled.
    "throttled": Wrong("POST", "/v1/image", 415, {"error": "Unsupported Media Type"}, sent="x",
                       content_type="text/plain"),
    "broken database": Wrong(
        "GET", READ, 503, {"error": "Service Unavailable"}, headers=("Retry-After",)),
    "failure nobody foresaw": Wrong("GET", READ, 500, {"error": "Internal Server Error"}),
}  # fmt: skip


def as_sent(message: Any, status: int) -> dict[str, Any]:
    return {"message": message, "status_code": status}


LOGIN, PAGE = "/api/login", "/api/me"
IMAGES_API = {
    "malformed JSON": Wrong(
        "POST", LOGIN, 400, as_sent("The body cannot be read.", 400), sent="{", token=""),
    "wrong content type": Wrong(
        "POST", LOGIN, 415, as_sent("Unsupported media type.", 415), sent="x",
        content_type="text/plain", token=""),
    "unknown route": Wrong("GET", "/api/nothing", 404, as_sent("Not found.", 404)),
    "wrong method": Wrong(
        "DELETE", PAGE, 405, as_sent('Method "DELETE" not allowed.', 405), headers=("Allow",)),
    "no token": Wrong(
        "GET", PAGE, 401, as_sent("Authentication credentials were not provided.", 401), token="",
        headers=("WWW-Authenticate",)),
    "bad token": Wrong(
        "GET", PAGE, 401, as_sent("The token is invalid or has expired.", 401), token="bad",
        headers=("WWW-Authenticate",)),
    "too large": Wrong(
        "POST", LOGIN, 413, as_sent(re.compile("body .* at most 65536 "), 413), sent="x" * 70_000,
        token=""),
    "throttled": Wrong(
        "POST", LOGIN, 429, as_sent(re.compile(r"Try again in \d+ seconds"), 429),
        sent=SIGN_IN_AT_AUTH, token="", headers=("Retry-After",), exhausted=SIGN_INS_PER_ADDRESS),
    "broken database": Wrong(
        "GET", PAGE, 503, as_sent("Temporarily unavailable.", 503), headers=("Retry-After",)),
    "failure nobody foresaw": Wrong("GET", PAGE, 500, as_sent("Internal server error.", 500)),
}  # fmt: skip

ERRORS: dict[str, dict[str, Wrong]] = {
    "restful_api": RESTFUL_API,
    "auth_service": AUTH_SERVICE,
    "image_service": IMAGE_SERVICE,
    "images_api": IMAGES_API,
    "pictures_service": PICTURES_SERVICE,
}
