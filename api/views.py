"""What every door's views share: errors in the door's words, body limits, renewed cookies."""

from typing import Any

from django.http import HttpResponse, HttpResponseBase
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, set_rollback

from accounts.cookies import set_token_cookies
from accounts.models import User
from accounts.requests import ACCESS_COOKIE, SignIn
from api.errors import problem_of
from api.responses import Describe, worded
from images.exceptions import UploadTooLarge

# JSON that carries no picture: sign-ins, descriptions.
SMALL_BODY = 64 * 1024


class ContractView(APIView):
    """A view of one contract; the contract's base class says how it words a Problem."""

    permission_classes = [IsAuthenticated]
    # No contract has OPTIONS; DRF's would describe the code behind a view.
    http_method_names = [name for name in APIView.http_method_names if name != "options"]
    describe: Describe

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Sign in first, then refuse a body that is too long before a byte of it is read."""
        super().initial(request, *args, **kwargs)
        limit = self.largest_body(request)
        if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
            raise UploadTooLarge(limit)

    def largest_body(self, request: Request) -> int:
        """Return how many bytes a request may carry; the views that take pictures say more."""
        return SMALL_BODY

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        """Answer in the contract's words; what nobody foresaw goes on to the log and handler500."""
        problem = problem_of(exc)
        if problem is None:
            raise exc
        set_rollback()
        response = worded(type(self).describe, problem)
        if problem.status == 405:
            response["Allow"] = ", ".join(self.allowed_methods)
        return response

    def finalize_response(
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> Response:
        """Send renewed cookies, and never let a shared cache keep what one account got."""
        answer = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[arg-type]
        answer.headers.setdefault("Cache-Control", "private, no-cache")
        sign_in = getattr(request, "_auth", None)
        if isinstance(sign_in, SignIn) and sign_in.renewed and ACCESS_COOKIE not in answer.cookies:
            set_token_cookies(answer, sign_in.renewed)
        return answer


def caller(request: Request) -> User:
    """Return the signed-in account of a view that is closed to everybody else."""
    if not isinstance(request.user, User):
        raise TypeError("A view that asks for the caller must be closed.")
    return request.user
