"""The images API's addresses, in the contract's order."""

from django.urls import include, path

from api.images_api import views
from lib.routes import route

_ROUTES = [
    route("registration", views.RegistrationView.as_view(), name="images-api-registration"),
    route("login", views.LoginView.as_view(), name="images-api-login"),
    route("me", views.MeView.as_view(), name="images-api-me"),
    route("images", views.UploadView.as_view(), name="images-api-images"),
    route("images/<anyuuid:uid>", views.ImageView.as_view(), name="images-api-image"),
]
urlpatterns = [path("api/", include(_ROUTES))]
