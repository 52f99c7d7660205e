"""The image RESTful API's error shape: DRF's own."""

from api.problems import Problem, RenderedProblem


def render_problem(problem: Problem) -> RenderedProblem:
    """Return field errors by field, everything else under `detail`."""
    if problem.kind != "validation" or not problem.fields:
        return RenderedProblem({"detail": problem.message})
    body: dict[str, object] = {}
    for error in problem.fields:
        messages = body.setdefault(error.path or "non_field_errors", [])
        if isinstance(messages, list):
            messages.append(error.message)
    return RenderedProblem(body)
