"""The auth service's addresses, in the contract's order."""

from django.urls import include, path

from api.auth_service import views
from lib.routes import route

_ROUTES = [
    route("password", views.PasswordView.as_view(), name="auth-password"),
    route("currentUser", views.CurrentUserView.as_view(), name="auth-current-user"),
    route("signin", views.SignInView.as_view(), name="auth-signin"),
    route("signout", views.SignOutView.as_view(), name="auth-signout"),
    route("signup", views.SignUpView.as_view(), name="auth-signup"),
]
urlpatterns = [path("auth/", include(_ROUTES))]
