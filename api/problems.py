"""Whatever goes wrong in a request, as one value that each door words in its own way."""

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

    `url` is the address that led nowhere, where no view was found.
    """

    kind: Kind
    status: int
    message: str
    code: str = ""
    fields: tuple[FieldError, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""


class Refused(Exception):
    """Raised by a door whose contract words a refusal in a way of its own."""

    def __init__(self, problem: Problem) -> None:
        """Carry the problem."""
        super().__init__(problem.message)
        self.problem = problem
