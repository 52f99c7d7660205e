"""The pictures service's addresses, in the contract's order."""

from django.urls import path

from api.pictures_service import views

urlpatterns = [
    path("pictures/create-picture", views.CreatePictureView.as_view(), name="pictures-create"),
    path(
        "pictures/create-default-picture/<anyuuid:user_id>",
        views.CreateDefaultPictureView.as_view(),
        name="pictures-create-default",
    ),
    path(
        "pictures/get-user-pictures/<anyuuid:user_id>",
        views.UserPicturesView.as_view(),
        name="pictures-list",
    ),
    path(
        "pictures/get-active-picture/<anyuuid:user_id>",
        views.ActivePictureView.as_view(),
        name="pictures-active",
    ),
    path(
        "pictures/set-active-picture/<id:pk>/<anyuuid:user_id>",
        views.SetActivePictureView.as_view(),
        name="pictures-set-active",
    ),
    path(
        "pictures/delete-picture/<id:pk>/<str:file_name>/<anyuuid:user_id>",
        views.DeletePictureView.as_view(),
        name="pictures-delete",
    ),
    path(
        "pictures/delete-user/<anyuuid:user_id>",
        views.DeleteUserView.as_view(),
        name="pictures-delete-user",
    ),
]
