"""The sixth contract's addresses."""

from django.urls import path

from tests.api.sixth_contract import views

urlpatterns = [path("sixth/greeting", views.GreetingView.as_view(), name="sixth-greeting")]
