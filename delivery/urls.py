"""URLs that a browser opens."""

from django.urls import path

from delivery import views

urlpatterns = [
    path("", views.gallery, name="gallery"),
    path("images/default/default.png", views.default_picture, name="default-picture"),
    path("images/<path:key>", views.media, name="media"),
    path("avatars/<anyuuid:user_id>", views.avatar, name="avatar"),
    path("avatars/<anyuuid:user_id>/<str:name>", views.avatar_thumbnail, name="avatar-thumbnail"),
    path("l/<str:token>", views.link, name="link"),
]
