"""Read metrics as Prometheus does."""

from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families

from tests.clients import Client

TOKEN = "whoever bears this may ask for metrics"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def parse_metrics(text: str) -> Callable[..., float]:
    """Return a function that returns the value of a metric, 0 for an unknown one."""
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]

    def value(name: str, **labels: str) -> float:
        return sum(each.value for each in samples if each.name == name
                   and labels.items() <= each.labels.items())  # fmt: skip

    return value


def scrape() -> Callable[..., float]:
    """Read `/metrics` in this process."""
    response = Client(headers=BEARER).get("/metrics")
    assert response.status_code == 200
    return parse_metrics(response.content.decode())
