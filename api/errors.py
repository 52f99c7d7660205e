"""From an exception of the domain, Django or DRF to a Problem; the one place that knows both."""

import logging
from collections.abc import Callable
from typing import Any

from django.core.exceptions import (
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
    ValidationError,
)
from django.http import Http404
from rest_framework import exceptions as drf
from rest_framework.exceptions import ErrorDetail

from accounts.exceptions import BadCredentials, BadToken, CrossSiteRequest, TooManyAttempts
from accounts.models import User
from api.problems import FieldError, Problem, Refused
from images.exceptions import (
    LinkDurationOutOfBounds,
    LinkNotGranted,
    NoActivePicture,
    NotReady,
    NotRenderable,
    PictureIsActive,
    QuotaExceeded,
    StrippingFailed,
    UploadTooLarge,
)
from images.formats.limits import RefusedPicture
from images.models import Picture
from images.storage.outages import is_outage

logger = logging.getLogger(__name__)
RETRY_SOON = {"Retry-After": "5"}
NOT_FOUND = Problem("not_found", 404, "Not found.")
INTERNAL = Problem("internal", 500, "Internal server error.")
AWAY = Problem("unavailable", 503, "Temporarily unavailable.", headers=RETRY_SOON)


def problem_of(error: Exception) -> Problem | None:
    """Return what an exception means to a client; None for what nobody foresaw (a 500)."""
    for types, describe in _TABLE:
        if isinstance(error, types):
            return describe(error)
    if is_outage(error):
        logger.warning("a part is away: %s: %s", type(error).__name__, error)
        return AWAY
    return None


def _refused_picture(error: RefusedPicture) -> Problem:
    field = FieldError("image", error.message, error.code)
    return Problem("validation", 400, error.message, error.code, (field,))


def _validation(error: ValidationError) -> Problem:
    if hasattr(error, "error_dict"):
        fields = [
            FieldError(path, message, each.code or "invalid")
            for path, errors in error.error_dict.items()
            for each in errors
            for message in each.messages
        ]
    else:
        fields = [
            FieldError("", message, each.code or "invalid")
            for each in error.error_list
            for message in each.messages
        ]
    return Problem("validation", 400, fields[0].message, fields[0].code, tuple(fields))


def _drf_validation(error: drf.ValidationError) -> Problem:
    fields = tuple(_flattened(error.detail, ""))
    first = fields[0] if fields else FieldError("", "Invalid input.")
    return Problem("validation", 400, first.message, first.code, fields)


def _flattened(detail: Any, path: str) -> list[FieldError]:
    """Walk DRF's nested details; a nested field's path is joined with dots."""
    if isinstance(detail, dict):
        return [
            found
            for name, inner in detail.items()
            for found in _flattened(inner, _joined(path, str(name)))
        ]
    if isinstance(detail, list):
        return [found for inner in detail for found in _flattened(inner, path)]
    return [FieldError(path, str(detail), getattr(detail, "code", None) or "invalid")]


def _joined(path: str, name: str) -> str:
    if name == "non_field_errors":
        return path
    return f"{path}.{name}" if path else name


def _too_many_attempts(error: TooManyAttempts) -> Problem:
    wait = {"Retry-After": str(error.retry_after)}
    return Problem("throttled", 429, f"Too many attempts. {error}", headers=wait)


def _method(error: drf.MethodNotAllowed) -> Problem:
    return Problem("method", 405, str(error.detail))


def _parse(error: drf.ParseError) -> Problem:
    """The parser's own words may quote the library: say it plainly instead."""
    return Problem("validation", 400, "The body cannot be read.", "parse_error")


def _api_exception(error: drf.APIException) -> Problem:
    detail = error.detail if isinstance(error.detail, ErrorDetail) else "Bad request."
    return Problem("business", error.status_code, str(detail))


def _says(kind: Any, status: int, message: str = "", **extra: Any) -> Callable[[Any], Problem]:
    """A fixed answer, in the exception's own words where it has none of ours."""
    return lambda error: Problem(kind, status, message or str(error), **extra)


_NO_CREDENTIALS = "Authentication credentials were not provided."
_TABLE: list[tuple[type[Exception] | tuple[type[Exception], ...], Callable[[Any], Problem]]] = [
    (RefusedPicture, _refused_picture),
    (UploadTooLarge, _says("too_large", 413)),
    (RequestDataTooBig, _says("too_large", 413, "The body is too large.")),
    ((TooManyFieldsSent, TooManyFilesSent), _says("validation", 400, "Too many fields or files.")),
    (QuotaExceeded, _says("forbidden", 403, code="quota")),
    (NotReady, _says("unavailable", 503, "It is being made.", headers=RETRY_SOON)),
    (NotRenderable, _says("not_found", 404, "Not found.")),
    (FileNotFoundError, _says("not_found", 404, "Not found.")),
    (Refused, lambda error: error.problem),
    (StrippingFailed, _says("not_found", 404, "Not found.")),
    (LinkNotGranted, _says("forbidden", 403, "Your tier makes no expiring links.")),
    (LinkDurationOutOfBounds, lambda e: Problem(
        "validation", 400, str(e), "out_of_bounds", (FieldError("time", str(e)),))),
    (NoActivePicture, _says("not_found", 404, "There is no active picture.",
                             code="no_active_picture")),
    (PictureIsActive, _says("conflict", 409, "The active picture cannot be deleted.",
                            code="active_picture")),
    (User.DoesNotExist, _says("not_found", 404, "Not found.", code="user")),
    (Picture.DoesNotExist, _says("not_found", 404, "Not found.", code="picture")),
    (BadCredentials, _says("unauthorized", 401, "No active account found with these credentials.",
                           code="credentials")),
    (BadToken, _says("unauthorized", 401, "The token is invalid or has expired.", code="token")),
    (CrossSiteRequest, _says("forbidden", 403, "Refused: sent by a page of another site.")),
    (TooManyAttempts, _too_many_attempts),
    (ValidationError, _validation),
    ((PermissionDenied, drf.PermissionDenied), _says("forbidden", 403, "You may not do this.")),
    ((Http404, ObjectDoesNotExist, drf.NotFound), _says("not_found", 404, "Not found.")),
    (SuspiciousOperation, _says("validation", 400, "Bad request.")),
    (drf.ValidationError, _drf_validation),
    (drf.NotAuthenticated, _says("unauthorized", 401, _NO_CREDENTIALS, code="missing")),
    (drf.AuthenticationFailed, _says("unauthorized", 401, "The token is invalid or has expired.",
                                     code="token")),
    (drf.MethodNotAllowed, _method),
    (drf.UnsupportedMediaType, _says("media_type", 415, "Unsupported media type.")),
    (drf.ParseError, _parse),
    (drf.APIException, _api_exception),
]  # fmt: skip
