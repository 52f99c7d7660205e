"""`usage/`: what one's account stores, and whether there is room for more."""

from rest_framework.request import Request
from rest_framework.response import Response

from api.openapi.operations import describe
from api.openapi.refusals import invalid_input
from api.restful_api import usage_serializers as s
from api.views import ContractView, caller
from images.usage import usage_of


class UsageView(ContractView):
    """`usage/`."""

    @describe(
        "usage_retrieve",
        summary="Read what one's account stores",
        description="Everything counts that is stored for the account: originals, thumbnails and "
        "other copies (without metadata, or as JPEG). The three sum to `stored_bytes`; a limit "
        "that is null does not exist. Over `max_stored_bytes` uploads alone are refused. "
        "With `upload`, the size of a file, `accepted` tells whether it would be taken now.",
        parameters=[s.RestfulUsageQuery],
        responses={200: s.RestfulUsage},
        refuses=[invalid_input(s.RestfulUsageQuery, {"upload": "x"})],
    )
    def get(self, request: Request) -> Response:
        """Return what the caller's account stores."""
        form = s.RestfulUsageQuery(data=request.query_params.dict())
        form.is_valid(raise_exception=True)
        owner = caller(request)
        size: int | None = form.validated_data.get("upload")
        return Response(s.serialize_usage(owner, usage_of(owner.pk), size))
