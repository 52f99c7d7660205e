"""URLs that a browser opens."""

from delivery import link_views, views
from lib.routes import route

urlpatterns = [
    route("images/default/default.png", views.default_picture, name="default-picture"),
    route("images/<path:key>", views.media, name="media"),
    route("avatars/<anyuuid:user_id>", views.avatar, name="avatar"),
    route("avatars/<anyuuid:user_id>/<str:name>", views.avatar_thumbnail, name="avatar-thumbnail"),
    route("l/<str:token>", link_views.link, name="link"),
]
