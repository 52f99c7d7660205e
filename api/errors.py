"""Which Problem an exception of the domain, of Django or of DRF is."""

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
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions as drf
from rest_framework.exceptions import ErrorDetail

from accounts.exceptions import (
    BadCredentials,
    BadLink,
    BadToken,
    CrossSiteRequest,
    HashingBusy,
    InvitationOver,
    MissingScope,
    NoMail,
    NoPassword,
    SignInTooOld,
    SignUpRefused,
    StaffAccount,
    TooManyAttempts,
    TooManyTokens,
    WrongCode,
)
from accounts.models import User
from api.problems import FieldError, Problem, ProblemError
from images.exceptions import (
    ArchiveBusy,
    LinkDurationOutOfBounds,
    LinkNotGranted,
    LinkRevoked,
    NoActivePicture,
    NotReady,
    NotRenderable,
    PictureIsActive,
    QuotaExceeded,
    UploadedPictureGone,
    UploadKeyReused,
    UploadStillRunning,
    UploadTooLarge,
)
from images.formats.limits import RefusedPicture
from images.models import Picture
from images.storage.outages import is_outage
from lib.parts import report_outage

RETRY_SOON = {"Retry-After": "5"}
NOT_FOUND = Problem("not_found", 404, "Not found.")
INTERNAL = Problem("internal", 500, "Internal server error.")
UNAVAILABLE = Problem("unavailable", 503, "Temporarily unavailable.", headers=RETRY_SOON)
# What nginx sends (deploy/nginx.conf).
TOO_MANY_REQUESTS = Problem("throttled", 429, "Too many requests.", headers=RETRY_SOON)


def problem_of(error: Exception) -> Problem | None:
    """Return what an exception means to a client; None for what nobody foresaw (a 500)."""
    for types, make_problem in _PROBLEMS:
        if isinstance(error, types):
            return make_problem(error)
    if is_outage(error):
        report_outage("requests are answered 503", error)
        return UNAVAILABLE
    return None


def _from_refused_picture(error: RefusedPicture) -> Problem:
    field = FieldError("image", error.message, error.code)
    return Problem("validation", 400, error.message, error.code, (field,))


def _from_validation(error: ValidationError) -> Problem:
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


def _from_drf_validation(error: drf.ValidationError) -> Problem:
    fields = tuple(_flatten(error.detail, ""))
    first = fields[0] if fields else FieldError("", "Invalid input.")
    return Problem("validation", 400, first.message, first.code, fields)


def _flatten(detail: Any, path: str) -> list[FieldError]:
    """Return DRF's nested details as a list; a nested field's path is joined by dots."""
    if isinstance(detail, dict):
        return [
            error
            for name, inner in detail.items()
            for error in _flatten(inner, _join(path, str(name)))
        ]
    if isinstance(detail, list):
        return [error for inner in detail for error in _flatten(inner, path)]
    return [FieldError(path, str(detail), getattr(detail, "code", None) or "invalid")]


def _join(path: str, name: str) -> str:
    if name == "non_field_errors":
        return path
    return f"{path}.{name}" if path else name


def _from_too_many_attempts(error: TooManyAttempts) -> Problem:
    headers = {"Retry-After": str(error.retry_after)}
    return Problem("throttled", 429, f"Too many attempts. {error}", headers=headers)


def _from_missing_scope(error: MissingScope) -> Problem:
    # RFC 6750, section 3.1.
    challenge = f'Bearer realm="api", error="insufficient_scope", scope="{error.scopes}"'
    headers = {"WWW-Authenticate": challenge}
    return Problem("forbidden", 403, str(error), "scope", headers=headers)


def _from_method_not_allowed(error: drf.MethodNotAllowed) -> Problem:
    return Problem("method", 405, str(error.detail))


def _from_parse_error(error: Exception) -> Problem:
    # The parser's own message may quote the library.
    return Problem("validation", 400, "The body cannot be read.", "parse_error")


def _from_api_exception(error: drf.APIException) -> Problem:
    detail = error.detail if isinstance(error.detail, ErrorDetail) else "Bad request."
    return Problem("business", error.status_code, str(detail))


def _fixed(kind: Any, status: int, message: str = "", **extra: Any) -> Callable[[Any], Problem]:
    """Make the same problem of every error; the message is the error's own where none is given."""
    return lambda error: Problem(kind, status, message or str(error), **extra)


_BAD_LINK = "This link was used, or its time is over."
_NO_CREDENTIALS = "Authentication credentials were not provided."
# The first entry that matches counts.
_PROBLEMS: list[tuple[type[Exception] | tuple[type[Exception], ...], Callable[[Any], Problem]]] = [
    (RefusedPicture, _from_refused_picture),
    (UploadTooLarge, _fixed("too_large", 413)),
    (UnreadablePostError, _from_parse_error),
    (RequestDataTooBig, _fixed("too_large", 413, "The body is too large.")),
    ((TooManyFieldsSent, TooManyFilesSent), _fixed("validation", 400, "Too many fields or files.")),
    (QuotaExceeded, _fixed("forbidden", 403, code="quota")),
    (NotReady, _fixed("unavailable", 503, "It is being made.", headers=RETRY_SOON)),
    (ArchiveBusy, _fixed("unavailable", 503, headers=RETRY_SOON)),
    (NotRenderable, _fixed("not_found", 404, "Not found.")),
    (FileNotFoundError, _fixed("not_found", 404, "Not found.")),
    (ProblemError, lambda error: error.problem),
    (LinkNotGranted, _fixed("forbidden", 403, "Your tier makes no expiring links.")),
    (LinkDurationOutOfBounds, lambda e: Problem(
        "validation", 400, str(e), "out_of_bounds", (FieldError("time", str(e)),))),
    (LinkRevoked, _fixed("conflict", 409, "The link was revoked.", code="revoked")),
    (NoActivePicture, _fixed("not_found", 404, "There is no active picture.",
                             code="no_active_picture")),
    (PictureIsActive, _fixed("conflict", 409, "The active picture cannot be deleted.",
                            code="active_picture")),
    (UploadStillRunning, _fixed(
        "conflict", 409, "The first upload with this Idempotency-Key is still running.",
        code="upload_running", headers={"Retry-After": "1"})),
    (UploadKeyReused, _fixed(
        "business", 422, "This Idempotency-Key came with another upload.", code="key_reused")),
    (UploadedPictureGone, _fixed(
        "business", 410, "The picture that was uploaded with this Idempotency-Key is deleted.",
        code="uploaded_gone")),
    (User.DoesNotExist, _fixed("not_found", 404, "Not found.", code="user")),
    (Picture.DoesNotExist, _fixed("not_found", 404, "Not found.", code="picture")),
    (BadCredentials, _fixed("unauthorized", 401, "No active account found with these credentials.",
                           code="credentials")),
    (WrongCode, _fixed("unauthorized", 401,
                       "The code is wrong, was used before, or belongs to no second factor.",
                       code="otp")),
    (BadToken, _fixed("unauthorized", 401, "The token is invalid or has expired.", code="token")),
    (NoPassword, _fixed("forbidden", 403,
                        "This account has no password here: it signs in elsewhere.")),
    (SignInTooOld, _fixed("forbidden", 403,
                          "Sign in anew, and try again within 10 minutes.")),
    (StaffAccount, _fixed("forbidden", 403, "Accounts of staff are deleted in the admin.")),
    (SignUpRefused, lambda e: Problem("forbidden", 403, str(e), e.code)),
    (NoMail, _fixed("forbidden", 403,
                    "This service sends no mail: ask its staff for a link.")),
    (BadLink, lambda e: Problem("validation", 400, _BAD_LINK, "invalid",
                                (FieldError("token", _BAD_LINK),))),
    (InvitationOver, _fixed("business", 410,
                            "The invitation was used or revoked, or its time is over.")),
    (CrossSiteRequest, _fixed("forbidden", 403, "Refused: sent by a page of another site.")),
    (TooManyTokens, _fixed("conflict", 409)),
    (TooManyAttempts, _from_too_many_attempts),
    (HashingBusy, lambda error: UNAVAILABLE),
    (MissingScope, _from_missing_scope),
    (ValidationError, _from_validation),
    ((PermissionDenied, drf.PermissionDenied), _fixed("forbidden", 403, "You may not do this.")),
    ((Http404, ObjectDoesNotExist, drf.NotFound), _fixed("not_found", 404, "Not found.")),
    (SuspiciousOperation, _fixed("validation", 400, "Bad request.")),
    (drf.ValidationError, _from_drf_validation),
    (drf.NotAuthenticated, _fixed("unauthorized", 401, _NO_CREDENTIALS, code="missing")),
    (drf.AuthenticationFailed, _fixed("unauthorized", 401, "The token is invalid or has expired.",
                                     code="token")),
    (drf.MethodNotAllowed, _from_method_not_allowed),
    (drf.UnsupportedMediaType, _fixed("media_type", 415, "Unsupported media type.")),
    (drf.ParseError, _from_parse_error),
    (drf.APIException, _from_api_exception),
]  # fmt: skip
