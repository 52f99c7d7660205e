"""The pictures service's addresses, in the contract's order."""

from django.urls import include, path

from api.pictures_service import views
from lib.routes import route

_ROUTES = [
    route("create-picture", views.CreatePictureView.as_view(), name="pictures-create"),
    route(
        "create-default-picture/<anyuuid:user_id>",
        views.CreateDefaultPictureView.as_view(),
        name="pictures-create-default",
    ),
    route(
        "get-user-pictures/<anyuuid:user_id>",
        views.UserPicturesView.as_view(),
        name="pictures-list",
    ),
    route(
        "get-active-picture/<anyuuid:user_id>",
        views.ActivePictureView.as_view(),
        name="pictures-active",
    ),
    route(
        "set-active-picture/<id:pk>/<anyuuid:user_id>",
        views.SetActivePictureView.as_view(),
        name="pictures-set-active",
    ),
    route(
        "delete-picture/<id:pk>/<str:file_name>/<anyuuid:user_id>",
        views.DeletePictureView.as_view(),
        name="pictures-delete",
    ),
    route(
        "delete-user/<anyuuid:user_id>",
        views.DeleteUserView.as_view(),
        name="pictures-delete-user",
    ),
]
urlpatterns = [path("pictures/", include(_ROUTES))]
