"""The image service's addresses, in the contract's order."""

from django.urls import include, path

from api.image_service import views
from lib.routes import route

_ROUTES = [
    route("image", views.CreateImageView.as_view(), name="image-service-create"),
    route("image/<str:name>", views.ReadImageView.as_view(), name="image-service-read"),
    route("image/<str:name>/jpeg", views.ReadJpegView.as_view(), name="image-service-jpeg"),
]
urlpatterns = [path("", include(_ROUTES)), path("v1/", include(_ROUTES))]
