"""The auth service's error shape: Spanish messages by field, and an X-Status-Reason."""

import unicodedata

from api.problems import FieldError, Problem, RenderedProblem
from api.status_phrases import STATUS_PHRASES

_BAD_CREDENTIALS = "Usuario o password incorrecto."
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
    "invitation": "La invitación no es válida.",
    "wrong": "El password actual es incorrecto.",
}
_INVALID = "El valor no es válido."
# Fields whose name on the wire is not the domain's.
_WIRE_NAMES = {"username": "login"}
# Of refusals that are more than a status, by code.
_REFUSALS = {
    "signup_closed": "El registro está cerrado.",
    "invitation_required": "El registro es sólo con invitación.",
}
_PHRASES = STATUS_PHRASES | {413: "Payload Too Large"}


def render_problem(problem: Problem) -> RenderedProblem:
    """Return messages for bad input, text for 401, `url` and `error` for 404, else `error`."""
    if problem.code == "credentials":
        return _messages([{"path": "password", "message": _BAD_CREDENTIALS}])
    if problem.status == 401:
        return RenderedProblem("Unauthorized")
    if problem.status == 400:
        fields = problem.fields or (FieldError("", problem.message, problem.code),)
        return _messages(_first_message_of_each_field(fields))
    text = _REFUSALS.get(problem.code) or _PHRASES[problem.status]
    body: dict[str, object] = {"error": text}
    if problem.status == 404:
        body = {"url": problem.url, "error": text}
    return RenderedProblem(body, _status_reason(text))


def _messages(messages: list[dict[str, str]]) -> RenderedProblem:
    reason = _status_reason(messages[0]["message"])
    return RenderedProblem({"messages": messages}, reason, status=400)


def _first_message_of_each_field(fields: tuple[FieldError, ...]) -> list[dict[str, str]]:
    first: dict[str, str] = {}
    for each in fields:
        path = _WIRE_NAMES.get(each.path, each.path)
        first.setdefault(path, _SPANISH.get(each.code, _INVALID))
    return [{"path": path, "message": message} for path, message in first.items()]


def _status_reason(text: str) -> dict[str, str]:
    # A header holds ASCII alone: accents are dropped.
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return {"X-Status-Reason": plain}
