"""A deployment's own settings, on the S3 storage that `FAULTS_BUCKET` describes."""

import json
import os

from botocore.config import Config

from config.settings import *  # noqa: F403
from config.settings import STORAGES

_OPTIONS = json.loads(os.environ["FAULTS_BUCKET"])
_PATIENCE = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2})
STORAGES = STORAGES | {
    "default": {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {"location": "images", "file_overwrite": False, "client_config": _PATIENCE}
        | _OPTIONS,
    }
}
