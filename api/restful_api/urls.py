"""The image RESTful API's paths, in the contract's order."""

from django.urls import path

from api.restful_api import views
from api.restful_api.events import EventsView

urlpatterns = [
    path("jwt-login/", views.JwtLoginView.as_view(), name="restful-jwt-login"),
    path("jwt-logout/", views.JwtLogoutView.as_view(), name="restful-jwt-logout"),
    path("token/", views.TokenView.as_view(), name="restful-token"),
    path("images/", views.PicturesView.as_view(), name="restful-images"),
    path("images/<id:pk>/", views.PictureView.as_view(), name="restful-image"),
    path("thumbnails/", views.ThumbnailsView.as_view(), name="restful-thumbnails"),
    path("thumbnails/<id:pk>/", views.ThumbnailView.as_view(), name="restful-thumbnail"),
    path("link/<id:pk>/", views.LinkView.as_view(), name="restful-link"),
    path("events/", EventsView.as_view(), name="restful-events"),
]
