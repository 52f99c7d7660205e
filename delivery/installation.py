"""What lets a phone install the gallery, and share its photographs into it."""

import json
from functools import lru_cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from delivery.pages import page
from images.formats.registry import FORMATS
from lib.read_only import read_only

_ICONS = (("icon-192.png", 192, "any"), ("icon-512.png", 512, "any maskable"))


@read_only
def manifest(request: HttpRequest) -> HttpResponse:
    """Return the web application manifest (W3C)."""
    response = JsonResponse(
        {
            "id": "/",
            "name": "Tintype",
            "short_name": "Tintype",
            "description": _("Your pictures, kept as they are and shown in every size."),
            "start_url": "/",
            "scope": "/",
            "display": "standalone",
            "background_color": "#f7f3ec",
            "theme_color": "#f7f3ec",
            "icons": [
                {
                    "src": static(name),
                    "sizes": f"{side}x{side}",
                    "type": "image/png",
                    "purpose": use,
                }
                for name, side, use in _ICONS
            ],
            "shortcuts": [{"name": _("Links"), "url": "/links"}],
            "share_target": {
                "action": "/share",
                "method": "POST",
                "enctype": "multipart/form-data",
                "params": {
                    "files": [
                        {
                            "name": "pictures",
                            "accept": [each.content_type for each in FORMATS.values()],
                        }
                    ]
                },
            },
        },
        content_type="application/manifest+json",
    )
    response["Cache-Control"] = "no-cache"
    return response


@read_only
def service_worker(request: HttpRequest) -> HttpResponse:
    """Return the service worker's script, at the root: it rules what lies below its address.

    It brings the page that it shows without a connection, since it keeps nothing in a cache.
    """
    page = json.dumps(render_to_string("images/offline.html", request=request))
    script = f"const OFFLINE_PAGE = {page};\n{_read_worker()}"
    response = HttpResponse(script, content_type="text/javascript; charset=utf-8")
    # It asks for pages in the browser's place.
    response["Content-Security-Policy"] = "default-src 'none'; connect-src 'self'"
    response["Cache-Control"] = "no-cache"
    return response


@lru_cache(maxsize=1)
def _read_worker() -> str:
    return Path(str(finders.find("js/service-worker.js"))).read_text(encoding="utf-8")


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def share(request: HttpRequest) -> HttpResponse:
    """Say that nothing was taken: the service worker takes what is shared, and there is none.

    Nothing is read of what was sent, however much it is (`config.middleware.body_limit`).
    """
    if request.method != "POST":
        return page(request, "images/not_shared.html", 200)
    response = HttpResponseRedirect(request.path_info)
    response.status_code = 303
    return response
