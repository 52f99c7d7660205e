"""`/robots.txt`."""

from django.http import HttpRequest, HttpResponse

from lib.read_only import read_only


@read_only
def robots(request: HttpRequest) -> HttpResponse:
    """Let search engines ask for everything.

    What they must not keep says so by `X-Robots-Tag`, which they read only where they may ask.
    """
    response = HttpResponse("User-agent: *\nAllow: /\n", content_type="text/plain; charset=utf-8")
    response["Cache-Control"] = "public, max-age=86400"
    return response
