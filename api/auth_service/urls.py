"""The auth service's addresses, in the contract's order."""

from django.urls import include, path

from api.auth_service import views

_ROUTES = [
    path("password", views.PasswordView.as_view(), name="auth-password"),
    path("currentUser", views.CurrentUserView.as_view(), name="auth-current-user"),
    path("signin", views.SignInView.as_view(), name="auth-signin"),
    path("signout", views.SignOutView.as_view(), name="auth-signout"),
    path("signup", views.SignUpView.as_view(), name="auth-signup"),
]
urlpatterns = [path("auth/", include(_ROUTES))]
