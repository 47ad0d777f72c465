"""What tests have to know of the simulated Snapchat."""

from __future__ import annotations

from sandbox.platforms.snapchat.expected import EXPECTED
from tests.end_to_end.dialects import Dialect

DIALECT = Dialect(
    platform="snapchat",
    expected=EXPECTED,
    upload="/users",
    says={
        "server": {"status": 500, "body": "scripted"},
        "throttled": {"status": 429, "body": "Too Many Requests"},
        "too_large": {"status": 413, "body": "<html>413 Request Entity Too Large</html>"},
    },
    states={
        "expired": {"revoked": True},
        "without rights": {"ad_accounts": []},
        "good": {"revoked": False, "ad_accounts": ["8adc3db7-8148-4fbf-999c-8d2266369d74"]},
    },
    uploads=2,
    throttles=8,
    patience_s=60.0,
)
