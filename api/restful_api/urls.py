"""The image RESTful API's addresses, in the contract's order."""

from django.urls import include, path

from api.restful_api import views
from api.restful_api.documentation import DocsView, SchemaView
from api.restful_api.event_views import EventsView

_ROUTES = [
    path("jwt-login/", views.JwtLoginView.as_view(), name="restful-jwt-login"),
    path("jwt-logout/", views.JwtLogoutView.as_view(), name="restful-jwt-logout"),
    path("token/", views.TokenView.as_view(), name="restful-token"),
    path("images/", views.PictureListView.as_view(), name="restful-images"),
    path("images/<id:pk>/", views.PictureDetailView.as_view(), name="restful-image"),
    path("thumbnails/", views.ThumbnailListView.as_view(), name="restful-thumbnails"),
    path("thumbnails/<id:pk>/", views.ThumbnailDetailView.as_view(), name="restful-thumbnail"),
    path("link/<id:pk>/", views.LinkView.as_view(), name="restful-link"),
    path("events/", EventsView.as_view(), name="restful-events"),
]
urlpatterns = [
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/docs/", DocsView.as_view(), name="docs"),
    path("api/user/", include(_ROUTES)),
]
