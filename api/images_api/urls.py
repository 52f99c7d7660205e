"""The images API's paths, in the contract's order."""

from django.urls import path

from api.images_api import views

urlpatterns = [
    path("registration", views.RegistrationView.as_view(), name="images-api-registration"),
    path("login", views.LoginView.as_view(), name="images-api-login"),
    path("me", views.MeView.as_view(), name="images-api-me"),
    path("images", views.UploadView.as_view(), name="images-api-images"),
    path("images/<anyuuid:uid>", views.ImageView.as_view(), name="images-api-image"),
]
