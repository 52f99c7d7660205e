"""The image service's paths, in the contract's order."""

from django.urls import path

from api.image_service import views

urlpatterns = [
    path("image", views.CreateView.as_view(), name="image-service-create"),
    path("image/<str:name>", views.ReadView.as_view(), name="image-service-read"),
    path("image/<str:name>/jpeg", views.JpegView.as_view(), name="image-service-jpeg"),
]
