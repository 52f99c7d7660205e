"""What a browser opens."""

from django.urls import path

from images import views

urlpatterns = [
    path("", views.gallery, name="gallery"),
    path("images/<path:key>", views.media, name="media"),
    path("l/<str:token>", views.link, name="link"),
]
