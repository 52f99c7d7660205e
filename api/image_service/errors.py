"""The image service's error shape: `messages` for bad input, else `error`."""

from api.problems import FieldError, Problem, RenderedProblem
from api.status_phrases import STATUS_PHRASES

# The contract's message by the code of a field error.
_MESSAGES = {"required": "required", "blank": "required", "null": "required"}
# Reasons that a person understands; any other refusal of a picture is the contract's `invalid`.
_PLAIN_REASONS = frozenset({
    "format", "too_many_pixels", "too_many_frames", "too_many_scans", "too_costly", "damaged",
})  # fmt: skip


def render_problem(problem: Problem) -> RenderedProblem:
    """Return a message for each field of a 400; the phrase of the status for everything else."""
    if problem.status == 400:
        fields = problem.fields or (FieldError("", problem.message),)
        messages = [{"path": each.path, "message": _message(each)} for each in fields]
        return RenderedProblem({"messages": messages})
    if problem.status == 403:
        return RenderedProblem({"error": problem.message})
    return RenderedProblem({"error": STATUS_PHRASES[problem.status]})


def _message(field: FieldError) -> str:
    if field.path == "image" and field.code not in _PLAIN_REASONS:
        return _MESSAGES.get(field.code, "invalid")
    return _MESSAGES.get(field.code, field.message)
