"""The image RESTful API's addresses, in the contract's order."""

from django.urls import path

from api.restful_api import views
from api.restful_api.documentation import DocsView, SchemaView
from api.restful_api.event_views import EventsView

urlpatterns = [
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/docs/", DocsView.as_view(), name="docs"),
    path("api/user/jwt-login/", views.JwtLoginView.as_view(), name="restful-jwt-login"),
    path("api/user/jwt-logout/", views.JwtLogoutView.as_view(), name="restful-jwt-logout"),
    path("api/user/token/", views.TokenView.as_view(), name="restful-token"),
    path("api/user/images/", views.PictureListView.as_view(), name="restful-images"),
    path("api/user/images/<id:pk>/", views.PictureDetailView.as_view(), name="restful-image"),
    path("api/user/thumbnails/", views.ThumbnailListView.as_view(), name="restful-thumbnails"),
    path(
        "api/user/thumbnails/<id:pk>/",
        views.ThumbnailDetailView.as_view(),
        name="restful-thumbnail",
    ),
    path("api/user/link/<id:pk>/", views.LinkView.as_view(), name="restful-link"),
    path("api/user/events/", EventsView.as_view(), name="restful-events"),
]
