"""What the connectors' secrets hold and ever held, so that it can be searched for where it must not be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from activation.platforms.discovery import platforms

from tests.end_to_end.driver import Sandbox

SHORTEST = 8  # a shorter text would be found anywhere by chance


@dataclass
class Secrets:
    """Every secret value of every version of the connectors' secrets, and of what the other simulators hand out.

    A version that has been replaced counts as well, by a test or by a function that stored a new token: it may
    have been let out while it was the current one. Ids of ad accounts and datasets and endpoints are no secrets.
    """

    sandbox: Sandbox
    values: set[str] = field(default_factory=set)
    _read: set[str] = field(default_factory=set)  # the versions by id

    def __post_init__(self) -> None:
        self.values |= {text for name in self.sandbox.described["simulators"] for text in self._handed_out(name)}

    def collect(self) -> None:
        """Add what was written since the last time."""
        client = self.sandbox.client("secretsmanager")
        for connector in self.sandbox.described["connectors"].values():
            arn = connector["secret_arn"]
            for version in _versions(client, arn):
                if version not in self._read:
                    secret = client.get_secret_value(SecretId=arn, VersionId=version)
                    self.values |= _secret_values(secret.get("SecretString", ""))
                    self._read.add(version)

    def _handed_out(self, simulator: str) -> Iterator[str]:
        for name, text in self.sandbox.simulator_secret(simulator).items():
            if "token" in name.lower() or "secret" in name.lower():
                yield text


def _versions(client: Any, arn: str) -> Iterator[str]:
    """Yield the ids of a secret's versions, those without a label too; boto3 has no paginator for them."""
    page = client.list_secret_version_ids(SecretId=arn, IncludeDeprecated=True)
    yield from (one["VersionId"] for one in page["Versions"])
    while "NextToken" in page:
        token = page["NextToken"]
        page = client.list_secret_version_ids(SecretId=arn, IncludeDeprecated=True, NextToken=token)
        yield from (one["VersionId"] for one in page["Versions"])


def _secret_values(text: str) -> set[str]:
    """Return what is secret in a connector's secret; a text that is no JSON object is secret as a whole."""
    try:
        secret = json.loads(text)
    except ValueError:
        secret = text
    return {one for one in _texts(secret, _public_keys()) if len(one) >= SHORTEST}


@cache
def _public_keys() -> frozenset[str]:
    """Return the keys of what is no secret: two platforms may share a secret, with the ids of both."""
    return frozenset(("endpoint", *(one.account.key.lower() for one in platforms().values())))


def _texts(value: Any, public: frozenset[str]) -> Iterator[str]:
    """Yield every text in a JSON value, but for those under the `public` keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _texts(one, public) if key.strip().lower() not in public else ()
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one, public)
