"""`account/`: what people see and change of their own account."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from django.core.exceptions import ValidationError
from django.http import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.cookies import clear_token_cookies
from accounts.exceptions import BadCredentials, NoPassword, SignInTooOld, StaffAccount
from accounts.models import User
from accounts.own_account import update_account
from accounts.request_authentication import read_origin
from accounts.security_log import record_event
from accounts.services import change_password
from api.openapi.files import ARCHIVE
from api.openapi.operations import describe
from api.openapi.refusals import ARCHIVE_BUSY, SIGN_IN_LIMITS, THROTTLED, Refusal
from api.restful_api import account_serializers as s
from api.restful_api.account_export import export_members
from api.restful_api.views import DONE
from api.views import ContractView, base_url, caller, current_session, read_body
from delivery.archives import archive_response
from upkeep.closed_accounts import close_account

_PASSWORD_IS_WRONG = "The password is wrong."  # noqa: S105 (a message)
_EMAIL_TAKEN = Refusal(
    "email_taken",
    "The address is that of another account.",
    lambda: ValidationError({"email": "This email address is taken."}),
)
_NO_PASSWORD = Refusal(
    "no_password", "The account has none here: it signs in at an external issuer.", NoPassword
)
_SIGN_IN_TOO_OLD = Refusal(
    "sign_in_too_old",
    "The account has no password here, and its token was issued more than 10 minutes ago.",
    SignInTooOld,
)
_STAFF_ACCOUNT = Refusal(
    "staff_account", "Accounts of staff are deleted in the admin.", StaffAccount
)


def _wrong_password(field: str) -> Refusal:
    return Refusal(
        "wrong_password",
        "The password is another one.",
        lambda: ValidationError({field: _PASSWORD_IS_WRONG}),
    )


@contextmanager
def _blame(field: str) -> Iterator[None]:
    """Raise ValidationError for a field where the password in it is wrong."""
    try:
        yield
    except BadCredentials:
        raise ValidationError({field: ValidationError(_PASSWORD_IS_WRONG, code="wrong")}) from None


class AccountView(ContractView):
    """`account/`."""

    @describe(
        "account_retrieve",
        summary="Read one's account",
        responses={200: s.RestfulAccount},
    )
    def get(self, request: Request) -> Response:
        """Return the caller's account, with what its tier allows."""
        return Response(s.serialize_own_account(caller(request)))

    @describe(
        "account_update",
        summary="Change one's name or email address",
        description="Change what is given. Another address needs the password, or, in an account "
        f"that signs in at an external issuer, a token of the last 10 minutes. {SIGN_IN_LIMITS}",
        request={"application/json": s.RestfulAccountChange},
        responses={200: s.RestfulAccount},
        refuses=[_wrong_password("password"), _EMAIL_TAKEN, _SIGN_IN_TOO_OLD, THROTTLED],
    )
    def patch(self, request: Request) -> Response:
        """Change what is given."""
        given, origin = read_body(request, s.RestfulAccountChange), read_origin(request._request)
        with _blame("password"):
            user = update_account(current_session(request), origin=origin, **given)
        return Response(s.serialize_own_account(user))

    @describe(
        "account_delete",
        summary="Delete one's account",
        description="Close the account at once, and remove everything that is its own: pictures, "
        "links, sessions, files. Login and email address are free again. Rows and files follow "
        "within seconds, or minutes where there are very many. It needs what another email address "
        f"needs. Accounts of staff are deleted in the admin. {SIGN_IN_LIMITS}",
        request={"application/json": s.RestfulAccountDeletion},
        responses={200: s.RestfulAccountReceipt},
        refuses=[_wrong_password("password"), _SIGN_IN_TOO_OLD, _STAFF_ACCOUNT, THROTTLED],
        takes_body=True,
    )
    def delete(self, request: Request) -> Response:
        """Close the account and remove all that is its own."""
        password = read_body(request, s.RestfulAccountDeletion).get("password", "")
        with _blame("password"):
            receipt = close_account(
                current_session(request), password=password, origin=read_origin(request._request)
            )
        response = Response(asdict(receipt))
        clear_token_cookies(response)
        return response


class ExportView(ContractView):
    """`account/export/`."""

    @describe(
        "account_export",
        summary="Download all that is one's own",
        description="Send a ZIP archive: `account.json` with the account, all fields of its "
        "pictures, its links and its sessions, then the originals under their own names, made "
        "unique (the best thumbnails, where the tier grants no originals). The archive is made "
        "while it is sent, one at a time for an account.",
        responses=ARCHIVE,
        refuses=[ARCHIVE_BUSY],
        headers=["Content-Disposition"],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Send everything that the account has stored, and what is kept of it."""
        session, base = current_session(request), base_url(request)
        response = archive_response(
            request.method, session.user_id, "account.zip", lambda: export_members(session, base)
        )
        if request.method == "GET":
            record_event("account.exported", session.user)
        return response


class PasswordView(ContractView):
    """`account/password/`."""

    @describe(
        "account_change_password",
        summary="Change one's password",
        description=f"Every other session of the account ends. {SIGN_IN_LIMITS}",
        request={"application/json": s.RestfulPasswordChange},
        responses={204: DONE},
        refuses=[_wrong_password("current_password"), _NO_PASSWORD, THROTTLED],
    )
    def post(self, request: Request) -> Response:
        """Change the password; every other session of the account ends."""
        given = read_body(request, s.RestfulPasswordChange)
        with _blame("current_password"):
            _change_password(request, caller(request), **given)
        return Response(status=204)


def _change_password(
    request: Request, user: User, *, current_password: str, new_password: str
) -> None:
    try:
        change_password(
            user,
            current=current_password,
            new=new_password,
            origin=read_origin(request._request),
            except_session=current_session(request),
        )
    except ValidationError as error:
        raise ValidationError({"new_password": error.error_list}) from None
