"""CI360's external event API: how a task's outcome goes back, signed with the access point's secret.

The token is a JWT with the tenant's id, HS256 with the base64 of the client secret as key; events are flat JSON
objects with `eventName` and an identity: https://github.com/sassoftware/ci360-extensions
(`code/ci360-rest-api-collections`, `code/adobe-audience-manager-integration`), read 2026-11-22. The token has no
end, as SAS's own tools make it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3
from activation.errors import ConfigError, Rejected, Retryable
from urllib3.exceptions import HTTPError

PATH = "/marketingGateway/events"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True)
class Tenant:
    """What the secret holds: the access point's tenant id and client secret.

    `endpoint` stands in for the gateway's address: https, or http to the machine itself.
    """

    tenant_id: str
    client_secret: str = field(repr=False)
    endpoint: str = ""

    @classmethod
    def from_secret(cls, text: str, *, any_endpoint: bool = False) -> Tenant:
        """Read the secret; raises ConfigError naming the key that is missing, never a value.

        `any_endpoint` says that the secret may name another server than the gateway in the settings.
        """
        try:
            secret = json.loads(text)
        except ValueError:
            secret = None
        if not isinstance(secret, dict):
            raise ConfigError("bad_secret", "the CI360 secret is not a JSON object; write it and redrive")
        missing = [
            name
            for name in ("tenant_id", "client_secret")
            if not isinstance(secret.get(name), str) or not secret[name]
        ]
        if missing:
            raise ConfigError("bad_secret", f"the CI360 secret lacks {', '.join(missing)}; write it and redrive")
        endpoint = secret.get("endpoint", "")
        if endpoint and not any_endpoint:
            raise ConfigError(
                "other_endpoint",
                "the CI360 secret names another server than the settings' gateway, which this deployment does not"
                " allow; remove endpoint from it and redrive",
            )
        if not isinstance(endpoint, str) or (endpoint and not _may_be_called(endpoint)):
            raise ConfigError(
                "bad_secret", "endpoint in the CI360 secret is neither https nor http to this machine"
            )
        return cls(secret["tenant_id"], secret["client_secret"], endpoint.rstrip("/"))

    def token(self) -> str:
        """Sign the tenant's token."""
        head = _base64url(json.dumps({"alg": "HS256", "typ": "JWT"}, separators=(",", ":")).encode())
        claims = _base64url(json.dumps({"clientID": self.tenant_id}, separators=(",", ":")).encode())
        signed = f"{head}.{claims}"
        key = base64.b64encode(self.client_secret.encode())
        return f"{signed}.{_base64url(hmac.new(key, signed.encode(), hashlib.sha256).digest())}"


def send_event(http: urllib3.PoolManager, gateway: str, tenant: Tenant, event: Mapping[str, Any]) -> None:
    """Send an event; raises Retryable, ConfigError when the secret is refused, Rejected when the event is."""
    try:
        answer = http.request(
            "POST",
            f"{tenant.endpoint or f'https://{gateway}'}{PATH}",
            body=json.dumps(event).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {tenant.token()}"},
            timeout=urllib3.Timeout(connect=5, read=20),
            redirect=False,
            retries=False,
        )
    except HTTPError as error:
        raise Retryable("gateway", f"CI360's gateway did not answer: {type(error).__name__}", after_s=60) from None
    if 200 <= answer.status < 300:
        return
    if answer.status in (401, 403):
        # 403 is also what the gateway says above its limit of requests, which these few do not reach.
        raise ConfigError(
            "gateway_refused", f"CI360's gateway refuses the secret ({answer.status}); write it and redrive"
        )
    if answer.status in (408, 429) or answer.status >= 500:
        raise Retryable("gateway", f"CI360's gateway answered {answer.status}", after_s=60)
    raise Rejected("event_refused", f"CI360 refuses the event ({answer.status}); is it defined there?")


def _may_be_called(endpoint: str) -> bool:
    parsed = urllib.parse.urlsplit(endpoint)
    return parsed.scheme == "https" or (parsed.scheme == "http" and parsed.hostname in _LOOPBACK)


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
