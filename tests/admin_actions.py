"""Actions on the lists of the admin."""


def run_action(client, path, action, rows):
    form = {"action": action, "_selected_action": [row.pk for row in rows]}
    response = client.post(f"/admin/{path}/", form, follow=True)
    return [str(message) for message in response.context["messages"]]
