"""The images API's addresses, in the contract's order."""

from django.urls import path

from api.images_api import views

urlpatterns = [
    path("api/registration", views.RegistrationView.as_view(), name="images-api-registration"),
    path("api/login", views.LoginView.as_view(), name="images-api-login"),
    path("api/me", views.MeView.as_view(), name="images-api-me"),
    path("api/images", views.UploadView.as_view(), name="images-api-images"),
    path("api/images/<anyuuid:uid>", views.ImageView.as_view(), name="images-api-image"),
]
