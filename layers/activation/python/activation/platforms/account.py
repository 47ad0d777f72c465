"""The ad account that a run sends to, and where a connector's secret names it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from activation.errors import ConfigError
from activation.platforms.credentials import Credentials
from activation.platforms.options import Value

ANY_ACCOUNT = "any"  # in place of the further accounts of a connector: whichever its token reaches


@dataclass(frozen=True)
class AdAccount:
    """An ad account as a publisher sees it; nothing here is secret.

    `account_id` is the platform's id, in the form the publisher puts into URLs and bodies. `endpoint` is the base
    URL of the API, without a trailing slash. `options` are the connector's, complete with their defaults.
    """

    account_id: str
    endpoint: str
    options: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class AccountKey:
    """Where the secret names the ad account.

    `key` is the secret's key. Its value, without `prefix`, must match the whole of `pattern`; `meaning` describes
    the value in words. `endpoint` is the API's base URL; the secret's key `endpoint` may replace it, so that a
    simulator can stand in for the platform.
    """

    key: str
    pattern: str
    meaning: str
    endpoint: str
    prefix: str = ""

    def canonical(self, account_id: str) -> str:
        """Return an ad account's one name, whether it was written with the prefix or without; "" stays ""."""
        return account_id.removeprefix(self.prefix) or account_id  # a prefix alone must not stand for ""

    def own(self, secret: Credentials) -> str:
        """Return the name of the ad account that the secret names, "" where it names none.

        Raises ConfigError with bad_secret when the value is unusable.
        """
        return self.canonical(secret.optional(self.key))

    def read(self, secret: Credentials, account_id: str, options: Mapping[str, Value]) -> AdAccount:
        """Return the ad account `account_id`, or the secret's own when that is "".

        Raises ConfigError with bad_secret when the account's id or the endpoint is missing or unusable.
        """
        given = self.canonical(account_id or secret.required(self.key))
        if re.fullmatch(self.pattern, given, re.ASCII) is None:
            raise ConfigError("bad_secret", f"{self.key} in the connector's secret is not {self.meaning}")
        return AdAccount(given, secret.endpoint("endpoint", self.endpoint), options)
