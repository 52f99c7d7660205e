"""The sixth contract's view."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.views import PublicView
from tests.api.sixth_contract import serializers as s


class GreetingView(PublicView):
    @extend_schema(summary="Greet", responses={200: s.SixthGreeting, 503: s.SixthProblem})
    def get(self, request: Request) -> Response:
        return Response({"greeting": "hello"})
