"""How the images API words a problem: a message, and the status once more."""

from api.problems import FieldError, Problem
from api.responses import Wording

WRONG = "Incorrect login or password"
# The domain's names of fields, where the wire has others.
_WIRE = {"username": "login", "image": "data"}


def describe(problem: Problem) -> Wording:
    """Always `message` and `status_code`; bad credentials are a 403 in this contract."""
    if problem.code == "credentials":
        return _worded(WRONG, 403)
    if problem.fields:
        return _worded(_named(problem.fields[0]), problem.status)
    return _worded(problem.message, problem.status)


def _worded(message: str, status: int) -> Wording:
    return Wording({"message": message, "status_code": status}, status=status)


def _named(field: FieldError) -> str:
    path = _WIRE.get(field.path, field.path)
    return f"{path}: {field.message}" if path else field.message
