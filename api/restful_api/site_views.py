"""What a client asks before anybody is signed in: how one comes to have an account here."""

from django.conf import settings
from django.core.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.exceptions import BadLink, InvitationOver, NoMail
from accounts.invitations import find_invitation
from accounts.models import Invitation
from accounts.password_reset import ask_for_reset, reset_password
from accounts.request_authentication import read_origin
from accounts.staff_rights import is_factor_required
from accounts.throttling import RESETS_PER_ADDRESS, RESETS_PER_MAILBOX
from api.openapi.operations import describe
from api.openapi.refusals import THROTTLED, Refusal
from api.restful_api import site_serializers as s
from api.restful_api.views import DONE
from api.views import PublicView, read_body

_NO_INVITATION = Refusal(
    "no_invitation", "It is no token of an invitation.", Invitation.DoesNotExist
)
_NO_MAIL = Refusal("no_mail", "The service sends no mail: `EMAIL_URL` is not set.", NoMail)
_BAD_LINK = Refusal("bad_link", "The link is none, was used, or its time is over.", BadLink)
_INVITATION_OVER = Refusal(
    "invitation_over", "The invitation was used or revoked, or its time is over.", InvitationOver
)


class SiteView(PublicView):
    """`site/`."""

    @describe(
        "site_retrieve",
        summary="What this service offers",
        description="Say who can make an account, and whether a forgotten password can be reset "
        "by mail (else staff make a link for it). Nobody needs a token for it.",
        responses={200: s.RestfulSite},
    )
    def get(self, request: Request) -> Response:
        """Return what is needed to show a page for signing in and up."""
        return Response(
            {
                "name": "Tintype",
                "signup": settings.SIGNUP,
                "password_reset": bool(settings.EMAIL_URL),
                "second_factor": is_factor_required(),
            }
        )


class InvitationView(PublicView):
    """`invitations/{token}/`."""

    @describe(
        "invitations_retrieve",
        summary="Read an invitation",
        description="Whoever has its token may read it, and make an account with it: sent as "
        "`invitation` to a contract's sign-up.",
        responses={200: s.RestfulInvitation},
        refuses=[_NO_INVITATION, _INVITATION_OVER],
        fields={"token": "The last part of the invitation's address."},
    )
    def get(self, request: Request, token: str) -> Response:
        """Return an invitation that can still be accepted."""
        invitation = find_invitation(token)
        return Response(s.RestfulInvitation(invitation).data)


class PasswordResetView(PublicView):
    """`password-reset/`."""

    @describe(
        "password_reset_request",
        summary="Ask for a link to set another password",
        description="The answer is the same whether an account has verified the address or not: "
        f"who reads its mail will know. At most {RESETS_PER_ADDRESS.amount} requests a minute from "
        f"one address, and {RESETS_PER_MAILBOX.amount} an hour for one mailbox.",
        request={"application/json": s.RestfulResetRequest},
        responses={204: DONE},
        refuses=[_NO_MAIL, THROTTLED],
    )
    def post(self, request: Request) -> Response:
        """Let a mail be sent to the address, if an account has verified it."""
        address = read_body(request, s.RestfulResetRequest)["email"]
        ask_for_reset(address=address, origin=read_origin(request._request))
        return Response(status=204)


class PasswordResetConfirmView(PublicView):
    """`password-reset/confirm/`."""

    @describe(
        "password_reset_confirm",
        summary="Set another password by a link",
        description="`token` is the last part of the link, from a mail or from staff; it is good "
        "once, for 24 hours. Every session of the account ends.",
        request={"application/json": s.RestfulReset},
        responses={204: DONE},
        refuses=[_BAD_LINK, THROTTLED],
    )
    def post(self, request: Request) -> Response:
        """Set the password; every session of the account ends."""
        given, origin = read_body(request, s.RestfulReset), read_origin(request._request)
        try:
            reset_password(token=given["token"], new=given["new_password"], origin=origin)
        except ValidationError as error:
            raise ValidationError({"new_password": error.error_list}) from None
        return Response(status=204)
