"""How the image RESTful API words a problem: DRF's own shapes."""

from api.problems import Problem
from api.responses import Wording


def describe(problem: Problem) -> Wording:
    """Field errors by field, everything else under `detail`."""
    if problem.kind != "validation" or not problem.fields:
        return Wording({"detail": problem.message})
    body: dict[str, object] = {}
    for error in problem.fields:
        messages = body.setdefault(error.path or "non_field_errors", [])
        if isinstance(messages, list):
            messages.append(error.message)
    return Wording(body)
