"""The gallery's addresses: one page answers all, and its script shows what the address names.

`static/js/router.js` has the same list; a test compares both.
"""

from delivery import views
from lib.routes import route

urlpatterns = [
    route("", views.gallery, name="gallery"),
    route("p/<id:pk>/", views.gallery, name="gallery-picture"),
    route("p/<id:pk>/details/", views.gallery, name="gallery-details"),
    route("p/<id:pk>/links/", views.gallery, name="gallery-picture-links"),
    route("links/", views.gallery, name="gallery-links"),
    route("account/", views.gallery, name="gallery-account"),
    route("account/delete/", views.gallery, name="gallery-delete-account"),
]
