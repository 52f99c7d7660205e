"""Work that follows a commit, and whose failure is no failure of what was committed."""

from collections.abc import Callable
from typing import ParamSpec

from django.db import transaction

P = ParamSpec("P")


def run_after_commit(work: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """Call `work` after the commit, at once outside a transaction; an exception is logged.

    Django names the function in that log line, which a `functools.partial` cannot be: its failure
    would become one of the request.
    """

    def run() -> None:
        work(*args, **kwargs)

    transaction.on_commit(run, robust=True)
