"""Which door an address belongs to, for answers that no view of it gives."""

from dataclasses import replace

from django.http import HttpRequest, HttpResponse

from api.auth_service.errors import describe as auth_service
from api.image_service.errors import describe as image_service
from api.images_api.errors import describe as images_api
from api.pictures_service.errors import describe as pictures_service
from api.problems import Problem
from api.responses import Describe, worded
from api.restful_api.errors import describe as restful_api

# The first that fits wins: the longer prefix comes first.
DOORS: list[tuple[str, Describe]] = [
    ("/auth/", auth_service),
    ("/api/user/", restful_api),
    ("/api/schema/", restful_api),
    ("/api/docs/", restful_api),
    ("/api/", images_api),
    ("/image/", image_service),
    ("/v1/image/", image_service),
    ("/pictures/", pictures_service),
]


def answered_by_door(request: HttpRequest, problem: Problem) -> HttpResponse | None:
    """Word a problem as the door at this address does; None for a page that people open."""
    describe = _describe_at(request.path)
    return worded(describe, replace(problem, url=request.path)) if describe else None


def door_at(path: str) -> str | None:
    """Return the name of the door that an address belongs to."""
    describe = _describe_at(path)
    return describe.__module__.split(".")[1] if describe else None


def _describe_at(path: str) -> Describe | None:
    return next((each for prefix, each in DOORS if f"{path}/".startswith(prefix)), None)
