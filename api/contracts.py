"""The table of the contracts: their addresses, URL tables and error shapes.

Everything that depends on the contract of an address is made from `CONTRACTS` or compared with it
by a test. A new contract is a folder in `api/`, a record here and a page in `docs/contracts/`.
"""

from dataclasses import dataclass, replace
from functools import cache

from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.serializers import Serializer

from api.auth_service.errors import render_problem as render_auth_service
from api.auth_service.serializers import AuthServiceError, AuthServiceMessages
from api.image_service.errors import render_problem as render_image_service
from api.image_service.serializers import ImageServiceError, ImageServiceMessages
from api.images_api.errors import render_problem as render_images_api
from api.images_api.serializers import ImagesApiError
from api.pictures_service.errors import render_problem as render_pictures_service
from api.pictures_service.serializers import (
    PicturesDefaultError,
    PicturesError,
    PicturesMessage,
)
from api.problems import Problem, RenderProblem
from api.restful_api.errors import render_problem as render_restful_api
from api.restful_api.serializers import RestfulDetail, RestfulFieldErrors


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One published contract.

    `name` is its folder and its label in the metrics. Each of `prefixes` stands for itself and for
    every address below it. `error_serializer` documents the body of an error that no view chooses,
    `other_error_serializers` those of the other shapes. `title` and `description` are the
    document's, which lists the contracts in this table's order.
    """

    name: str
    prefixes: tuple[str, ...]
    urls: str
    render_problem: RenderProblem
    error_serializer: type[Serializer[None]]
    page: str
    title: str = ""
    description: str = ""
    other_error_serializers: tuple[type[Serializer[None]], ...] = ()

    @property
    def tag(self) -> str:
        """The contract's name in the OpenAPI document."""
        return self.name.replace("_", " ")

    @property
    def error_serializers(self) -> tuple[type[Serializer[None]], ...]:
        """The serializers of all shapes of an error."""
        return (self.error_serializer, *self.other_error_serializers)

    def error_response(self, problem: Problem, url: str = "") -> HttpResponse:
        """Return a problem in the contract's shape, with the headers that HTTP asks for.

        `url` is what the client asked for: path and query, as they came.
        """
        rendered = self.render_problem(replace(problem, url=url))
        response: HttpResponse
        if isinstance(rendered.body, str):
            response = HttpResponse(rendered.body, content_type="text/plain; charset=utf-8")
        else:
            response = JsonResponse(rendered.body, json_dumps_params={"ensure_ascii": False})
        response.status_code = rendered.status or problem.status
        # For the line that the request writes into the log; not sent.
        response._refusal = problem.message  # type: ignore[attr-defined]
        for name, value in {**problem.headers, **rendered.headers}.items():
            response[name] = value
        if response.status_code == 401:
            # RFC 9110, 11.6.1.
            response["WWW-Authenticate"] = 'Bearer realm="api"'
        return response


CONTRACTS: tuple[Contract, ...] = (
    Contract(
        name="restful_api",
        prefixes=("/api/user", "/api/schema", "/api/docs"),
        urls="api.restful_api.urls",
        render_problem=render_restful_api,
        error_serializer=RestfulDetail,
        other_error_serializers=(RestfulFieldErrors,),
        page="image-restful-api.md",
        title="Image RESTful API",
        description="**Start here.** Get a token (`token_create`), upload a picture "
        "(`images_upload`), wait for its thumbnails (`thumbnails_list`), make an expiring link "
        "(`images_make_link`). Whoever has no account yet makes one at the auth service.",
    ),
    Contract(
        name="auth_service",
        prefixes=("/auth",),
        urls="api.auth_service.urls",
        render_problem=render_auth_service,
        error_serializer=AuthServiceError,
        other_error_serializers=(AuthServiceMessages,),
        page="auth-service.md",
        title="Auth service",
        description="Sign up, sign in and out, change one's password. Its tokens are good at every "
        "contract. Messages are in Spanish; `X-Status-Reason` repeats the first in plain ASCII.",
    ),
    Contract(
        name="images_api",
        prefixes=("/api",),
        urls="api.images_api.urls",
        render_problem=render_images_api,
        error_serializer=ImagesApiError,
        page="images-api.md",
        title="Images API",
        description="Pictures as base64 in JSON; whoever knows a picture's id may see it.",
    ),
    Contract(
        name="image_service",
        prefixes=("/image", "/v1/image"),
        urls="api.image_service.urls",
        render_problem=render_image_service,
        error_serializer=ImageServiceError,
        other_error_serializers=(ImageServiceMessages,),
        page="image-service.md",
        title="Image service",
        description="Pictures as data URIs in JSON, and as JPEG of six widths; for whoever has a "
        "token and knows the id. The same routes are below `/v1`.",
    ),
    Contract(
        name="pictures_service",
        prefixes=("/pictures",),
        urls="api.pictures_service.urls",
        render_problem=render_pictures_service,
        error_serializer=PicturesError,
        other_error_serializers=(PicturesMessage, PicturesDefaultError),
        page="pictures-service.md",
        title="Pictures service",
        description="Profile pictures, one of them active. Messages are in Spanish. What happens "
        "to pictures is also told over a WebSocket: see `/api/schema/asyncapi.yaml`.",
    ),
)


def find_contract(path: str) -> Contract | None:
    """Return the contract with the longest prefix of an address; None for a page."""
    address = f"{path}/"
    for prefix, contract in _longest_prefixes_first():
        if address.startswith(prefix):
            return contract
    return None


@cache
def _longest_prefixes_first() -> list[tuple[str, Contract]]:
    prefixes = [(f"{prefix}/", each) for each in CONTRACTS for prefix in each.prefixes]
    return sorted(prefixes, key=lambda each: -len(each[0]))


def contract_at(path: str) -> Contract:
    """Return the contract that an address belongs to; raise LookupError for a page."""
    if contract := find_contract(path):
        return contract
    raise LookupError(f"{path} belongs to no contract.")


def error_response_to(request: HttpRequest, problem: Problem) -> HttpResponse | None:
    """Return a problem in the shape of the contract at the request's address; None for a page."""
    contract = find_contract(request.path_info)
    return contract.error_response(problem, request.get_full_path()) if contract else None
