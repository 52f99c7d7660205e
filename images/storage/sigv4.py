"""Presigned URLs of AWS Signature Version 4, made without a request.

botocore takes five times as long and signs as of now. A page of 100 pictures carries 300 URLs,
which must stay the same within a window: these are signed as of its beginning, in 30 µs each. A
test compares them with botocore's.
"""

import hmac
import time
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Presigner:
    """Signs URLs below `base`, which ends with the slash that keys follow."""

    base: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)

    def presign(self, key: str, *, begins: int, seconds: int, **response_headers: str) -> str:
        """Return a URL at which a key can be read for `seconds` from the Unix time `begins`.

        `response_headers` override headers of the response: `content_type`, `expires`, …
        """
        timestamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(begins))
        scope = f"{timestamp[:8]}/{self.region}/s3/aws4_request"
        parameters = {
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{self.access_key}/{scope}",
            "X-Amz-Date": timestamp,
            "X-Amz-Expires": str(seconds),
            "X-Amz-SignedHeaders": "host",
        }
        for name, value in response_headers.items():
            parameters[f"response-{name.replace('_', '-')}"] = value
        url = self.base + quote(key, safe="/~")
        query = "&".join(f"{name}={_quote(value)}" for name, value in sorted(parameters.items()))
        signature = self._signature(url, query, timestamp, scope)
        return f"{url}?{query}&X-Amz-Signature={signature}"

    def _signature(self, url: str, query: str, timestamp: str, scope: str) -> str:
        parts = urlsplit(url)
        request = f"GET\n{parts.path}\n{query}\nhost:{parts.netloc}\n\nhost\nUNSIGNED-PAYLOAD"
        digest = sha256(request.encode()).hexdigest()
        message = f"{_ALGORITHM}\n{timestamp}\n{scope}\n{digest}"
        key = _signing_key(self.secret_key, scope)
        return hmac.digest(key, message.encode(), "sha256").hex()


def _quote(value: str) -> str:
    return quote(value, safe="-_.~")


@lru_cache(maxsize=8)
def _signing_key(secret_key: str, scope: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
