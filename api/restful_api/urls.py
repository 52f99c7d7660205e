"""The image RESTful API's addresses, in the contract's order."""

from django.urls import include, path

from api.restful_api import account_views, link_views, picture_views, site_views, views
from api.restful_api.documentation import AsyncApiView, DocsView, SchemaView
from api.restful_api.event_views import EventsView
from api.restful_api.reveal_views import RevealsView
from api.restful_api.session_views import (
    AccountLogView,
    SessionDetailView,
    SessionListView,
    TokenListView,
)
from api.restful_api.usage_views import UsageView
from lib.routes import route

_ROUTES = [
    route("jwt-login/", views.JwtLoginView.as_view(), name="restful-jwt-login"),
    route("jwt-logout/", views.JwtLogoutView.as_view(), name="restful-jwt-logout"),
    route("token/", views.TokenView.as_view(), name="restful-token"),
    route("account/", account_views.AccountView.as_view(), name="restful-account"),
    route("account/export/", account_views.ExportView.as_view(), name="restful-export"),
    route("account/password/", account_views.PasswordView.as_view(), name="restful-password"),
    route("site/", site_views.SiteView.as_view(), name="restful-site"),
    route(
        "invitations/<str:token>/", site_views.InvitationView.as_view(), name="restful-invitation"
    ),
    route("password-reset/", site_views.PasswordResetView.as_view(), name="restful-password-reset"),
    route(
        "password-reset/confirm/",
        site_views.PasswordResetConfirmView.as_view(),
        name="restful-password-reset-confirm",
    ),
    route("usage/", UsageView.as_view(), name="restful-usage"),
    route("images/", views.PictureListView.as_view(), name="restful-images"),
    route("images/delete/", picture_views.DeletePicturesView.as_view(), name="restful-delete"),
    route("images/change/", picture_views.ChangePicturesView.as_view(), name="restful-change"),
    route("images/archive/", picture_views.ArchiveView.as_view(), name="restful-archive"),
    route("images/<id:pk>/", views.PictureDetailView.as_view(), name="restful-image"),
    route("images/<id:pk>/reveals/", RevealsView.as_view(), name="restful-image-reveals"),
    route(
        "images/<id:pk>/active/", picture_views.ActivePictureView.as_view(), name="restful-active"
    ),
    route("thumbnails/", views.ThumbnailListView.as_view(), name="restful-thumbnails"),
    route("thumbnails/<id:pk>/", views.ThumbnailDetailView.as_view(), name="restful-thumbnail"),
    route("link/<id:pk>/", link_views.PictureLinkView.as_view(), name="restful-link"),
    route("links/", link_views.LinkListView.as_view(), name="restful-links"),
    route("links/<id:pk>/", link_views.LinkDetailView.as_view(), name="restful-link-details"),
    route("links/<id:pk>/qr/", link_views.LinkQrCodeView.as_view(), name="restful-link-qr"),
    route("account/log/", AccountLogView.as_view(), name="restful-account-log"),
    route("sessions/", SessionListView.as_view(), name="restful-sessions"),
    route("sessions/<anyuuid:session_id>/", SessionDetailView.as_view(), name="restful-session"),
    route("tokens/", TokenListView.as_view(), name="restful-tokens"),
    route("events/", EventsView.as_view(), name="restful-events"),
]
urlpatterns = [
    route("api/schema/", SchemaView.as_view(), name="schema"),
    route("api/schema/asyncapi.yaml", AsyncApiView.as_view(), name="asyncapi"),
    route("api/docs/", DocsView.as_view(), name="docs"),
    path("api/user/", include(_ROUTES)),
]
