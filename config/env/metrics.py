"""Whether and where the processes of one machine or container count together for Prometheus.

Imported by the settings, and so before anything imports prometheus_client, which looks once.
"""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config.env.readers import env_int, env_secret, env_str

_SHORTEST = 20
METRICS_TOKEN = env_secret("METRICS_TOKEN")
# Where a worker answers, which has no other door; 0: it does not.
METRICS_PORT = env_int("METRICS_PORT", 0, most=65535)
if METRICS_TOKEN and len(METRICS_TOKEN) < _SHORTEST:
    raise ImproperlyConfigured(f"METRICS_TOKEN must have at least {_SHORTEST} characters.")


def metrics_folder(data_dir: Path) -> Path | None:
    """Make the folder where the processes count together; None where nobody may ask anyway.

    Each process has its files there, so that each HTTP process can answer for all.
    """
    if not METRICS_TOKEN:
        return None
    folder = Path(env_str("METRICS_DIR", str(data_dir / "metrics"))).absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    return folder
