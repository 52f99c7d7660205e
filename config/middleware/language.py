"""The language of pages and messages; pictures have none."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware

from delivery.addresses import leads_to_bytes


class LanguageMiddleware(LocaleMiddleware):
    """Says of no picture that it is in a language: caches would keep it once for each."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        has_body = response.status_code not in {304, 412, 416}
        if leads_to_bytes(request.path_info) and not (is_page and has_body):
            return response
        return super().process_response(request, response)
