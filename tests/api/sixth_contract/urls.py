"""The sixth contract's addresses."""

from lib.routes import route
from tests.api.sixth_contract import views

urlpatterns = [route("sixth/greeting", views.GreetingView.as_view(), name="sixth-greeting")]
