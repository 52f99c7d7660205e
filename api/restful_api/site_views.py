"""What a client asks before anybody is signed in: how one comes to have an account here."""

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.exceptions import InvitationOver
from accounts.invitations import find_invitation
from accounts.models import Invitation
from api.openapi.operations import describe
from api.openapi.refusals import Refusal
from api.restful_api import site_serializers as s
from api.views import PublicView

_NO_INVITATION = Refusal(
    "no_invitation", "It is no token of an invitation.", Invitation.DoesNotExist
)
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
                "password_reset": False,
                "second_factor": False,
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
