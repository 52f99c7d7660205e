"""How the auth service words a problem: Spanish messages by field, and an X-Status-Reason."""

import unicodedata
from http import HTTPStatus

from api.problems import FieldError, Problem
from api.responses import Wording

WRONG = "Usuario o password incorrecto."
# By the code of what is wrong, whichever library found it.
_SPANISH = {
    "parse_error": "No se puede leer el cuerpo de la petición.",
    "required": "Este campo es requerido.",
    "null": "Este campo es requerido.",
    "blank": "Este campo no puede estar vacío.",
    "min_length": "Es demasiado corto.",
    "max_length": "Es demasiado largo.",
    "characters": "Sólo se permiten letras, dígitos y los caracteres . _ -",
    "unique": "Este registro ya existe.",
    "mismatch": "Los passwords no coinciden.",
    "password_too_short": "El password es demasiado corto.",
    "password_too_common": "El password es demasiado común.",
    "password_too_similar": "El password se parece demasiado al login.",
    "wrong": "El password actual es incorrecto.",
}
_INVALID = "El valor no es válido."
# The domain's names of fields, where the wire has others.
_WIRE = {"username": "login"}
_ERRORS = {
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Payload Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


def describe(problem: Problem) -> Wording:
    """Messages for bad input, plain text for 401, `url` and `error` for 404, else `error`."""
    if problem.code == "credentials":
        return _messages([{"path": "password", "message": WRONG}])
    if problem.status == 401:
        return Wording("Unauthorized")
    if problem.status == 400:
        fields = problem.fields or (FieldError("", problem.message, problem.code),)
        return _messages(_one_for_each_field(fields))
    text = _ERRORS.get(problem.status) or HTTPStatus(problem.status).phrase
    body: dict[str, object] = {"error": text}
    if problem.status == 404:
        body = {"url": problem.url, "error": text}
    return Wording(body, _reason(text))


def _messages(messages: list[dict[str, str]]) -> Wording:
    return Wording({"messages": messages}, _reason(messages[0]["message"]), status=400)


def _one_for_each_field(fields: tuple[FieldError, ...]) -> list[dict[str, str]]:
    first: dict[str, str] = {}
    for each in fields:
        path = _WIRE.get(each.path, each.path)
        first.setdefault(path, _SPANISH.get(each.code, _INVALID))
    return [{"path": path, "message": message} for path, message in first.items()]


def _reason(text: str) -> dict[str, str]:
    """A header holds ASCII alone: accents are dropped."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return {"X-Status-Reason": plain}
