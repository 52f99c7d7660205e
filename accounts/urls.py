"""The addresses of pages for whoever has no account yet, or no password any more."""

from accounts import pages
from lib.routes import route

urlpatterns = [
    route("join/", pages.join, name="join"),
    route("join/<str:token>/", pages.join, name="join-by-invitation"),
    route("reset/", pages.ask_reset, name="ask-reset"),
    route("reset/<str:token>/", pages.reset, name="reset"),
    route("verify/<str:token>/", pages.verify, name="verify"),
]
