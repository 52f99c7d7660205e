"""What the views of every contract share: the error shape, body limits, renewed cookies."""

from contextlib import ExitStack
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import Resolver404, resolve
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView, set_rollback

from accounts.cookies import access_cookie, set_token_cookies
from accounts.known_devices import remember_device
from accounts.models import Session, User
from accounts.request_authentication import Authentication, read_origin
from accounts.scopes import READ
from accounts.throttling import throttle_upload
from api.contracts import contract_at
from api.errors import problem_of
from api.problems import Problem
from api.request_bodies import prepare_body
from api.retries import check_headers, read_retry
from api.status_phrases import STATUS_PHRASES
from delivery.client_urls import ClientUrls
from images.retries import Retry
from lib.memory import give_back_memory_later
from lib.own_url import own_url

# Bytes of a body that carries no picture: sign-ins, descriptions.
MAX_TEXT_BODY_SIZE = 64 * 1024
# What one account got: kept by its own browser alone, which asks each time.
NOT_SHARED = "private, no-cache"


class ContractView(APIView):
    """A view of the contract that its address belongs to; closed unless it says otherwise."""

    permission_classes = [IsAuthenticated]
    # No contract has OPTIONS; DRF's would describe the code behind a view.
    http_method_names = [name for name in APIView.http_method_names if name != "options"]
    # Whether a POST stores a picture.
    takes_uploads = False
    _signed_in: User | None = None

    # The part of a form that is a file even without a file name.
    file_field = ""
    # The member of JSON, or field of a form, that is a picture in base64.
    picture_field = ""
    # Fields that say nothing of the picture, and may differ when an upload is repeated.
    passing_fields: frozenset[str] = frozenset()
    # What ends with the request.
    resources: ExitStack

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with ExitStack() as self.resources:
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, then refuse one upload too many, or a body that is too long, unparsed."""
        super().initial(request, *args, **kwargs)
        is_upload = self.takes_uploads and request.method == "POST"
        if is_upload:
            self.resources.callback(give_back_memory_later)
            throttle_upload(caller(request), read_origin(request._request))
        prepare_body(request._request, self.max_body_size(request), self.resources)
        if is_upload:
            check_headers(request._request)

    def read_retry(self, request: Request) -> Retry | None:
        """Return what tells that an upload is a repeated one; None where the client gave no key."""
        return read_retry(
            request,
            caller(request),
            picture=self.file_field or self.picture_field,
            ignored=self.passing_fields,
        )

    def max_body_size(self, request: Request) -> int:
        """Return the largest body in bytes; views that take pictures allow more."""
        return MAX_TEXT_BODY_SIZE

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        """Respond in the contract's shape; raise what nobody foresaw, for log and handler500."""
        problem = problem_of(exc)
        if problem is None:
            raise exc
        set_rollback()
        contract = contract_at(self.request.path_info)
        response = contract.error_response(problem, self.request.get_full_path())
        if problem.status == 405:
            response["Allow"] = ", ".join(self.allowed_methods)
        return response

    def remember_device(self, user: User) -> None:
        """Let the response tell the client's device that it signed in to this account."""
        self._signed_in = user

    def finalize_response(
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> Response:
        """Set renewed cookies, and never let a shared cache store what one account got."""
        response = self._in_the_contracts_shape(response)
        final = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[arg-type]
        final.headers.setdefault("Cache-Control", NOT_SHARED)
        auth = getattr(request, "_auth", None)
        renewed = auth.renewed_cookies if isinstance(auth, Authentication) else None
        if renewed and access_cookie() not in final.cookies:
            set_token_cookies(final, renewed)
        if self._signed_in:
            remember_device(final, self._signed_in)
        return final

    def _in_the_contracts_shape(self, response: HttpResponseBase) -> HttpResponseBase:
        """Give a body to the refusals of a stored file, whose conditions Django evaluates."""
        status = response.status_code
        if status not in {412, 416}:
            return response
        problem = Problem("business", status, f"{STATUS_PHRASES[status]}.")
        shaped = contract_at(self.request.path_info).error_response(problem, "")
        for name, value in response.headers.items():
            if name not in {"Content-Type", "Content-Length", "Content-Disposition"}:
                shaped[name] = value
        return shaped


class PublicView(ContractView):
    """A view that asks for no token, and reads none."""

    authentication_classes = []
    permission_classes = [AllowAny]


def takes_pictures(path: str) -> bool:
    """Tell whether the view at an address lets in more than a body of text."""
    try:
        view: Any = resolve(path).func
    except Resolver404:
        return False
    view_class = getattr(view, "view_class", None)
    own = getattr(view_class, "max_body_size", ContractView.max_body_size)
    return own is not ContractView.max_body_size


def caller(request: Request) -> User:
    """Return the signed-in account of a view that is closed to everybody else."""
    if not isinstance(request.user, User):
        raise TypeError("A view that asks for the caller must be closed.")
    return request.user


def authentication_of(request: Request) -> Authentication:
    """Return the sign-in of a view that is closed to whoever has none."""
    if not isinstance(request.auth, Authentication):
        raise TypeError("A view that asks for the session must be closed.")
    return request.auth


def current_session(request: Request) -> Session:
    """Return the session of a view that is closed to whoever has none."""
    return authentication_of(request).session


def may_read(request: Request) -> bool:
    """Return whether a token that writes may also see what it changes."""
    return current_session(request).granted_scopes >= READ


def read_query(request: Request, serializer: type[Serializer[Any]]) -> dict[str, Any]:
    """Return the query's parameters as a serializer reads them; raise its ValidationError."""
    names, without_any = _read_empty_query(serializer)
    if without_any is not None and names.isdisjoint(request.query_params):
        return without_any.copy()
    form = serializer(data=request.query_params.dict())
    form.is_valid(raise_exception=True)
    query: dict[str, Any] = form.validated_data
    return query


@cache
def _read_empty_query(
    serializer: type[Serializer[Any]],
) -> tuple[frozenset[str], dict[str, Any] | None]:
    """Return a serializer's parameters, and what it reads where there are none, if that is valid.

    Making the serializer costs more than reading a page's rows.
    """
    form = serializer(data={})
    read = dict(form.validated_data) if form.is_valid() else None
    return frozenset(serializer._declared_fields), read


def read_body(request: Request, serializer: type[Serializer[Any]]) -> dict[str, Any]:
    """Return the body as a serializer reads it; raise its ValidationError."""
    form = serializer(data=request.data)
    form.is_valid(raise_exception=True)
    body: dict[str, Any] = form.validated_data
    return body


def base_url(request: Request) -> str:
    """Return scheme and host of our own addresses, as this client reaches them."""
    return own_url(request._request)


def client_urls(request: Request) -> ClientUrls:
    """Return what signs the addresses in a response for this client."""
    return ClientUrls(base_url(request), request.headers.get("Accept", ""))
