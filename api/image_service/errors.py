"""How the image service words a problem: `messages` for bad input, else `error`."""

from http import HTTPStatus

from api.problems import FieldError, Problem
from api.responses import Wording

_CODES = {"required": "required", "blank": "required", "null": "required"}
# Reasons that a person understands; any other refusal of a picture is the contract's `invalid`.
_TOLD = frozenset({
    "format", "too_many_pixels", "too_many_frames", "too_many_scans", "too_costly", "damaged",
})  # fmt: skip


def describe(problem: Problem) -> Wording:
    """A message for each field of a 400; the phrase of the status for everything else."""
    if problem.status == 400:
        fields = problem.fields or (FieldError("", problem.message),)
        messages = [{"path": each.path, "message": _message(each)} for each in fields]
        return Wording({"messages": messages})
    if problem.status == 403:
        return Wording({"error": problem.message})
    return Wording({"error": HTTPStatus(problem.status).phrase})


def _message(field: FieldError) -> str:
    if field.path == "image" and field.code not in _TOLD:
        return _CODES.get(field.code, "invalid")
    return _CODES.get(field.code, field.message)
