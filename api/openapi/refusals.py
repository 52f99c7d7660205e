"""The refusals that the OpenAPI document shows, each made as the service makes it.

A refusal is an exception of the domain, of Django or of REST framework. `problem_of` and the
contract's own `render_problem` turn it into the example, so that no example is written by hand.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from rest_framework import exceptions as drf
from rest_framework.serializers import Serializer

from accounts.exceptions import (
    BadCredentials,
    BadToken,
    CrossSiteRequest,
    MissingScope,
    SignUpRefused,
    TooManyAttempts,
)
from accounts.models import User
from accounts.registration import bad_invitation
from accounts.scopes import Scope
from accounts.throttling import FAILURES_PER_ADDRESS, FAILURES_PER_LOGIN, SIGN_INS_PER_ADDRESS
from api.contracts import Contract
from api.errors import INTERNAL, UNAVAILABLE, problem_of
from api.problems import Problem
from api.request_bodies import body_too_large
from api.retries import INVALID_KEY, MAX_KEY_LENGTH, OTHER_DIGEST
from api.views import MAX_TEXT_BODY_SIZE
from images.exceptions import (
    ArchiveBusy,
    LinkDurationOutOfBounds,
    LinkNotGranted,
    LinkRevoked,
    NoActivePicture,
    NotReady,
    PictureIsActive,
    QuotaExceeded,
    UploadedPictureGone,
    UploadKeyReused,
    UploadStillRunning,
    UploadTooLarge,
)
from images.formats.limits import NOT_AN_IMAGE, RefusedPicture
from images.models import Picture
from tiers.models import DEFAULT_LINK_SECONDS, DEFAULT_UPLOAD_BYTES


@dataclass(frozen=True, slots=True)
class Refusal:
    """`when` says when it happens; `make` returns what is then raised, or the problem itself."""

    name: str
    when: str
    make: Callable[[], Exception | Problem]

    def problem(self) -> Problem:
        """Return the problem; raise TypeError for what would be a 500 in fact."""
        made = self.make()
        problem = made if isinstance(made, Problem) else problem_of(made)
        if problem is None:
            raise TypeError(f"{self.name} is no refusal.")
        return problem


@dataclass(frozen=True, slots=True)
class RefusalResponse:
    """What a contract sends for a refusal: a status, headers, and a JSON object or a text."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any] | str


def respond(contract: Contract, problem: Problem, url: str) -> RefusalResponse:
    """Return what a contract sends from an address, as its own responder makes it."""
    response = contract.error_response(problem, url)
    headers = {name: value for name, value in response.items() if name != "Content-Type"}
    body = response.content.decode()
    is_json = response["Content-Type"].startswith("application/json")
    return RefusalResponse(response.status_code, headers, json.loads(body) if is_json else body)


# --- Of most operations: added where the operation's own shape asks for them ----------------------

NO_TOKEN = Refusal("no_token", "No token came along.", drf.NotAuthenticated)
BAD_TOKEN = Refusal("bad_token", "The token is invalid, or its session has ended.", BadToken)
CROSS_SITE = Refusal(
    "cross_site", "A page of another site sent it with this browser's cookies.", CrossSiteRequest
)


def missing_scope(scopes: Iterable[Scope]) -> Refusal:
    """Return the refusal of a token that lacks what an operation asks for."""
    names = [each.value for each in Scope if each in scopes]
    listed = " and ".join(f"`{name}`" for name in names)
    return Refusal(
        "missing_scope", f"The token lacks the scope {listed}.", lambda: MissingScope(names)
    )


UNREADABLE_BODY = Refusal("unreadable_body", "The body cannot be read.", drf.ParseError)
MEDIA_TYPE = Refusal(
    "media_type",
    "The body is of a media type that is not taken, or compressed.",
    lambda: drf.UnsupportedMediaType("text/csv"),
)
BODY_TOO_LARGE = Refusal(
    "too_large",
    f"The body has more than {MAX_TEXT_BODY_SIZE:,} bytes.",
    lambda: body_too_large(MAX_TEXT_BODY_SIZE),
)
FILE_TOO_LARGE = Refusal(
    "too_large",
    "The picture has more bytes than the account's tier allows.",
    lambda: UploadTooLarge(DEFAULT_UPLOAD_BYTES),
)
# Of every route that takes pictures.
OF_RETRIES = (
    Refusal(
        "invalid_key",
        f"`Idempotency-Key` has none or more than {MAX_KEY_LENGTH} characters, or others than "
        "visible ASCII.",
        lambda: INVALID_KEY,
    ),
    Refusal(
        "other_digest", "The body is not the one that `Content-Digest` names.", lambda: OTHER_DIGEST
    ),
    Refusal(
        "upload_running",
        "The first upload with this `Idempotency-Key` is still running: try again in a moment.",
        UploadStillRunning,
    ),
    Refusal(
        "uploaded_gone",
        "The picture that was uploaded with this `Idempotency-Key` is deleted.",
        UploadedPictureGone,
    ),
    Refusal("key_reused", "This `Idempotency-Key` came with another upload.", UploadKeyReused),
)
UNAVAILABLE_FOR_NOW = Refusal(
    "unavailable", "A part of the service is down: try again later.", lambda: UNAVAILABLE
)
FAILURE = Refusal("failure", "A failure that nobody foresaw.", lambda: INTERNAL)


def wrong_method(method: str) -> Refusal:
    """Return the refusal of a method that is not one of the route's."""
    return Refusal(
        "wrong_method",
        "The method is not one of this route's.",
        lambda: drf.MethodNotAllowed(method),
    )


def invalid_input(
    serializer: type[Serializer[Any]], given: dict[str, Any], *, when: str = ""
) -> Refusal:
    """Return the refusal of what a serializer does not accept."""

    def make() -> Exception:
        form = serializer(data=given)
        if form.is_valid():
            raise TypeError(f"{serializer.__name__} accepts {given}.")
        return drf.ValidationError(dict(form.errors))

    return Refusal("invalid_input", when or "A field is missing or invalid.", make)


# --- Of single operations -------------------------------------------------------------------------

CREDENTIALS = Refusal(
    "credentials", "The login is unknown, or the password is wrong.", BadCredentials
)
SIGN_IN_LIMITS = (
    f"At most {SIGN_INS_PER_ADDRESS.amount} attempts a minute from one address; of those that fail "
    f"{FAILURES_PER_ADDRESS.amount} a minute from one address and {FAILURES_PER_LOGIN.amount} in "
    f"{FAILURES_PER_LOGIN.multiples} minutes for one login from one network."
)
THROTTLED = Refusal(
    "throttled",
    "Too many attempts: `Retry-After` says when to try again.",
    lambda: TooManyAttempts(42),
)
SIGN_UP_CLOSED = Refusal(
    "sign_up_closed",
    "Nobody can sign up here: `SIGNUP` is `closed`.",
    lambda: SignUpRefused("signup_closed"),
)
INVITATION_REQUIRED = Refusal(
    "invitation_required",
    "`SIGNUP` is `invite`, and no invitation came along.",
    lambda: SignUpRefused("invitation_required"),
)
INVALID_INVITATION = Refusal(
    "invalid_invitation",
    "The invitation is none, or was used, or its time is over.",
    bad_invitation,
)
NOT_A_PICTURE = Refusal(
    "not_a_picture",
    "The file is no picture, damaged, of another format, or too large in pixels.",
    lambda: RefusedPicture("not_an_image", NOT_AN_IMAGE),
)
QUOTA = Refusal(
    "quota",
    "The account has as many pictures, or stored bytes, as its tier allows.",
    QuotaExceeded,
)
NO_PICTURE = Refusal(
    "no_picture", "There is no such picture, or it is not yours to see.", Picture.DoesNotExist
)
NOT_FOUND = Refusal("not_found", "There is no such thing, or it is not yours.", drf.NotFound)
NO_ACCOUNT = Refusal("no_account", "There is no such account.", User.DoesNotExist)
FORBIDDEN = Refusal("forbidden", "It is for the account itself, and for staff.",
                    drf.PermissionDenied)  # fmt: skip
NO_ACTIVE_PICTURE = Refusal(
    "no_active_picture",
    "The account has no active picture, or none that you may see.",
    NoActivePicture,
)
PICTURE_IS_ACTIVE = Refusal(
    "picture_is_active", "The active picture cannot be deleted.", PictureIsActive
)
PICTURE_NOT_READY = Refusal(
    "not_ready", "It is being rendered: try again in a few seconds.", NotReady
)
ARCHIVE_BUSY = Refusal(
    "archive_busy",
    "An archive is being sent to the account, or as many as may be at once to others.",
    lambda: ArchiveBusy("An archive of this account is being sent."),
)
NO_LINKS = Refusal("no_links", "The tier makes no expiring links.", LinkNotGranted)
LINK_TIME = Refusal(
    "time_out_of_bounds",
    "The time is not within the tier's bounds.",
    lambda: LinkDurationOutOfBounds(*DEFAULT_LINK_SECONDS),
)
LINK_REVOKED = Refusal("revoked", "The link was revoked: it gets no more time.", LinkRevoked)
