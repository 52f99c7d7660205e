"""The root URL table."""

from django.contrib import admin
from django.urls import include, path
from django.views.i18n import set_language

from config.health import views as health
from config.observability import exporter
from config.robots import robots
from delivery import installation
from lib import path_converters
from lib.routes import route

path_converters.register()

urlpatterns = [
    route("healthz", health.healthz, name="healthz"),
    route("robots.txt", robots, name="robots"),
    route("readyz", health.readyz, name="readyz"),
    path("metrics", exporter.metrics, name="metrics"),
    path("admin/", admin.site.urls),
    route("i18n/setlang/", set_language, name="set_language"),
    path("", include("api.urls")),
    path("", include("accounts.urls")),
    path("", include("delivery.urls")),
    path("", include("delivery.gallery_urls")),
    route("manifest.webmanifest", installation.manifest, name="manifest"),
    route("service-worker.js", installation.service_worker, name="service-worker"),
    route("share/", installation.share, name="share"),
]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.forbidden"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
