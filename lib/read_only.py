"""Views that only read."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

View = TypeVar("View", bound=Callable[..., Any])


def read_only(view: View) -> View:
    """Answer every method but GET and HEAD with a 405.

    Without the exemption Django would ask a POST for its CSRF token first, and answer 403.
    """
    decorated: View = csrf_exempt(require_safe(view))
    return decorated
