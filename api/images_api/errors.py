"""The images API's error shape: a message, and the status once more."""

from api.problems import FieldError, Problem, RenderedProblem

_BAD_CREDENTIALS = "Incorrect login or password"
# Fields whose name on the wire is not the domain's.
_WIRE_NAMES = {"username": "login", "image": "data"}


def render_problem(problem: Problem) -> RenderedProblem:
    """Return `message` and `status_code`; bad credentials are a 403 in this contract."""
    if problem.code == "credentials":
        return _render(_BAD_CREDENTIALS, 403)
    if problem.fields:
        return _render(_field_message(problem.fields[0]), problem.status)
    return _render(problem.message, problem.status)


def _render(message: str, status: int) -> RenderedProblem:
    return RenderedProblem({"message": message, "status_code": status}, status=status)


def _field_message(field: FieldError) -> str:
    path = _WIRE_NAMES.get(field.path, field.path)
    return f"{path}: {field.message}" if path else field.message
