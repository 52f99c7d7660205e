"""Actions on the lists of the admin."""

from collections.abc import Iterable

from django.db.models import Model

from tests.clients import Client


def run_action(client: Client, path: str, action: str, rows: Iterable[Model]) -> list[str]:
    form = {"action": action, "_selected_action": [row.pk for row in rows]}
    response = client.post(f"/admin/{path}/", form, follow=True)
    return [str(message) for message in response.context["messages"]]
