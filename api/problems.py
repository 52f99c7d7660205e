"""Whatever goes wrong in a request, as one value that each contract renders in its own shape."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "validation", "business", "unauthorized", "forbidden", "not_found", "method", "conflict",
    "too_large", "throttled", "unavailable", "media_type", "internal",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field; `path` is "" where no single field is to blame."""

    path: str
    message: str
    code: str = "invalid"


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal: its HTTP status, a message for people, and the fields to blame.

    `url` is what the client asked for, where that is known: path and query, as they came.
    """

    kind: Kind
    status: int
    message: str
    code: str = ""
    fields: tuple[FieldError, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""


class ProblemError(Exception):
    """Raised by a contract for a refusal that only this contract states in this way."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class RenderedProblem:
    """A problem in the shape of one contract: a JSON object, or plain text.

    `status` is set where a contract answers with another status than the problem's own.
    """

    body: dict[str, object] | str
    headers: dict[str, str] = field(default_factory=dict)
    status: int | None = None


# A contract's error shape: a pure function.
RenderProblem = Callable[[Problem], RenderedProblem]
