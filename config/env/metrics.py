"""Settings of the Prometheus metrics.

Imported by the settings, and so before prometheus_client, which looks for
PROMETHEUS_MULTIPROC_DIR once, when it is imported.
"""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config.env.readers import env_int, env_secret, env_str

_MIN_TOKEN_LENGTH = 20
METRICS_TOKEN = env_secret("METRICS_TOKEN")
# The port where a worker, which serves nothing else, serves its metrics; 0 for none.
METRICS_PORT = env_int("METRICS_PORT", 0, max=65535)
if METRICS_TOKEN and len(METRICS_TOKEN) < _MIN_TOKEN_LENGTH:
    raise ImproperlyConfigured(f"METRICS_TOKEN must have at least {_MIN_TOKEN_LENGTH} characters.")


def create_metrics_dir(data_dir: Path) -> Path | None:
    """Create the folder of the metrics; return None where no METRICS_TOKEN allows reading them.

    Each process of this machine or container writes its own files there, so that any HTTP process
    can report the sum of all.
    """
    if not METRICS_TOKEN:
        return None
    folder = Path(env_str("METRICS_DIR", str(data_dir / "metrics"))).absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    return folder
