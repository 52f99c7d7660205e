"""The sixth contract's error shape: a sentence under `problem`."""

from api.problems import Problem, RenderedProblem


def render_problem(problem: Problem) -> RenderedProblem:
    return RenderedProblem({"problem": f"{problem.status}: {problem.message}"})
