"""Which door an address belongs to, for answers that no view of it gives."""

from dataclasses import replace

from django.http import HttpRequest, HttpResponse

from api.answers import Describe, worded
from api.auth_service.errors import describe as auth_service
from api.pictures_service.errors import describe as pictures_service
from api.problems import Problem
from api.restful_api.errors import describe as restful_api

# The first that fits wins: the longer prefix comes first.
DOORS: list[tuple[str, Describe]] = [
    ("/auth/", auth_service),
    ("/api/", restful_api),
    ("/pictures/", pictures_service),
]


def answered_by_door(request: HttpRequest, problem: Problem) -> HttpResponse | None:
    """Word a problem as the door at this address does; None for a page that people open."""
    for prefix, describe in DOORS:
        if request.path.startswith(prefix):
            return worded(describe, replace(problem, url=request.path))
    return None
