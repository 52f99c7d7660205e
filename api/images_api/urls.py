"""The images API's addresses, in the contract's order."""

from django.urls import include, path

from api.images_api import views

_ROUTES = [
    path("registration", views.RegistrationView.as_view(), name="images-api-registration"),
    path("login", views.LoginView.as_view(), name="images-api-login"),
    path("me", views.MeView.as_view(), name="images-api-me"),
    path("images", views.UploadView.as_view(), name="images-api-images"),
    path("images/<anyuuid:uid>", views.ImageView.as_view(), name="images-api-image"),
]
urlpatterns = [path("api/", include(_ROUTES))]
