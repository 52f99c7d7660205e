"""The auth service's addresses, in the contract's order."""

from django.urls import path

from api.auth_service import views

urlpatterns = [
    path("auth/password", views.PasswordView.as_view(), name="auth-password"),
    path("auth/currentUser", views.CurrentUserView.as_view(), name="auth-current-user"),
    path("auth/signin", views.SignInView.as_view(), name="auth-signin"),
    path("auth/signout", views.SignOutView.as_view(), name="auth-signout"),
    path("auth/signup", views.SignUpView.as_view(), name="auth-signup"),
]
