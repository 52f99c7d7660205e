"""The rules and the dashboard of deploy/, read by Prometheus' own tool, against our own metrics."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from accounts.models import User
from devkit.children import which
from notifications.models import Heartbeat
from tests.clients import Client
from tests.config.observability.scraping import BEARER
from tests.factories import make_picture
from tests.processes import ROOT

RULES = ROOT / "deploy" / "prometheus" / "tintype.rules.yml"
CONFIGURATION = ROOT / "deploy" / "prometheus" / "prometheus.yml"
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "tintype.json").read_text())
ALERTS = {each["alert"]: each for each in yaml.safe_load(RULES.read_text())["groups"][0]["rules"]}
# Of the process that has the sockets (tests/config/observability/test_running_processes.py).
OF_SOCKETS = "tintype_open_sockets"
METRIC = re.compile(r"\btintype_\w+")
# What is seen while all is well, and what brings each alert.
WELL = {
    'up{job="tintype", instance="web:8000"}': "1+0x60",
    "tintype_queue_age_seconds": "2+0x60",
    'tintype_heartbeat_age_seconds{part="worker"}': "5+0x60",
    "tintype_outbox_messages": "3+0x60",
    'tintype_requests_total{contract="gallery", code="200"}': "0+100x60",
    'tintype_requests_total{contract="gallery", code="503"}': "0+1x60",
    'tintype_request_seconds_bucket{contract="gallery", le="1"}': "0+100x60",
    'tintype_request_seconds_bucket{contract="gallery", le="5"}': "0+100x60",
    'tintype_request_seconds_bucket{contract="gallery", le="+Inf"}': "0+100x60",
}
WRONG = {
    "TintypeIsDown": {'up{job="tintype", instance="web:8000"}': "0+0x60"},
    "TintypeThumbnailsAreLate": {"tintype_queue_age_seconds": "400+0x60"},
    "TintypeWorkerIsAway": {'tintype_heartbeat_age_seconds{part="worker"}': "90+0x60"},
    "TintypeLogoutsAreNotTold": {"tintype_outbox_messages": "2000+0x60"},
    "TintypeAnswersWithErrors": {
        'tintype_requests_total{contract="gallery", code="503"}': "0+10x60"
    },
    "TintypeIsSlow": {
        'tintype_request_seconds_bucket{contract="gallery", le="1"}': "0+50x60",
    },
}
pytestmark = pytest.mark.nightly


def run_promtool(*words: str | Path, given: str = "") -> None:
    """Fail where it complains, or says anything that is none of its successes."""
    command = [str(which("promtool")), *map(str, words)]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.replace("  SUCCESS\n", "")) == (0, ""), done.stdout


@pytest.fixture
def metrics(promtool_program: None, alice: User) -> str:
    """What a service answers that has done something of everything."""
    make_picture(alice)
    Heartbeat.objects.create(name="worker", at=timezone.now())
    Client().get("/nowhere")
    return Client(headers=BEARER).get("/metrics").text


@pytest.mark.usefixtures("promtool_program")
def test_each_alert_is_brought_by_its_cause_and_by_nothing_else(tmp_path: Path) -> None:
    run_promtool("check", "rules", RULES)
    assert set(WRONG) == set(ALERTS)
    tests = [_unit_test({}, "")] + [_unit_test(cause, name) for name, cause in WRONG.items()]
    path = tmp_path / "tests.yml"
    path.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "tests": tests}))
    run_promtool("test", "rules", path)


def _unit_test(cause: dict[str, str], fires: str) -> dict[str, Any]:
    """Half an hour of samples a minute; which alerts fire at its end, whatever their labels."""
    series = [{"series": name, "values": values} for name, values in (WELL | cause).items()]
    asked = [
        {
            "expr": f'count(ALERTS{{alertname="{name}", alertstate="firing"}})',
            "eval_time": "30m",
            "exp_samples": [{"labels": "{}", "value": 1}] if name == fires else [],
        }
        for name in ALERTS
    ]
    return {"interval": "1m", "input_series": series, "promql_expr_test": asked}


@pytest.mark.django_db
def test_rules_and_dashboard_ask_for_metrics_that_are_there(metrics: str, tmp_path: Path) -> None:
    there = {
        sample.name
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
    }
    expressions = [each["expr"] for each in ALERTS.values()]
    expressions += [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    for expression in expressions:
        asked = set(METRIC.findall(expression)) or {"up"}
        assert asked <= there | {"up", OF_SOCKETS}, expression
    readable = [
        {"record": f"asked:{number}", "expr": each.replace("$__rate_interval", "1m")}
        for number, each in enumerate(expressions)
    ]
    path = tmp_path / "asked.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": readable}]}))
    run_promtool("check", "rules", path)


@pytest.mark.django_db
def test_metrics_are_named_as_prometheus_wants_it(metrics: str) -> None:
    run_promtool("check", "metrics", given=metrics)


@pytest.mark.usefixtures("promtool_program")
def test_the_configuration_scrapes_what_compose_starts(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a token")
    text = CONFIGURATION.read_text().replace("/run/secrets/metrics_token", str(tmp_path / "token"))
    (tmp_path / "prometheus.yml").write_text(text)
    (tmp_path / RULES.name).write_text(RULES.read_text())
    run_promtool("check", "config", tmp_path / "prometheus.yml")
    [job] = yaml.safe_load(text)["scrape_configs"]
    page = (ROOT / "docs" / "monitoring.md").read_text()
    [targets] = job["static_configs"]
    assert json.dumps(targets["targets"]) in page
    assert job["job_name"] == "tintype"


def test_the_dashboards_panels_do_not_overlap() -> None:
    places: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not cells & places
        places |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
