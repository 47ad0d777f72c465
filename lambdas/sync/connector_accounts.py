"""Which connector sends to an ad account: one may serve several of its token's, or any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from activation.errors import ConfigError
from activation.platforms.account import ANY_ACCOUNT

from lambdas.sync.declaration import Target


@dataclass(frozen=True)
class ConnectorAccounts:
    """A connector, its platform, and the ad accounts that drops may name.

    `own` is the account of the connector's secret, "" where the settings do not name it. `accounts` are further
    ones of the same token, or the one word `any`. `prefix` may stand before an account's id, as Meta's `act_`.
    """

    connector: str
    platform: str
    own: str = ""
    accounts: tuple[str, ...] = ()
    prefix: str = ""

    def canonical(self, account: str) -> str:
        """Return an account's id without the prefix."""
        return account.strip().removeprefix(self.prefix)

    def names(self, account: str) -> bool:
        """Return whether the settings name this account for the connector."""
        return self.canonical(account) in {self.canonical(one) for one in (self.own, *self.accounts) if one}

    def travelling(self, account: str) -> str:
        """Return the account that a drop names: "" for the connector's own."""
        named = self.canonical(account)
        return "" if self.own and named == self.canonical(self.own) else named


def fill_the_same(one: Target, other: Target, connectors: Sequence[ConnectorAccounts]) -> bool:
    """Return whether two targets are one audience, or might be: by its name, or by its id where both have one.

    A target without an account means its connector's own. Where the settings do not name that, it may be any.
    """
    if one.audience != other.audience and not (one.audience_id and one.audience_id == other.audience_id):
        return False
    known = {each.connector: each for each in connectors}
    first, second = known.get(one.connector), known.get(other.connector)
    if first is None or second is None or one.connector == other.connector:
        same_platform = one.connector == other.connector
    else:
        same_platform = first.platform == second.platform
    accounts = [
        each.canonical(to.account or each.own) if each else to.account
        for to, each in ((one, first), (other, second))
    ]
    in_doubt = one.connector == other.connector and not all(accounts)
    return same_platform and (in_doubt or (accounts[0] == accounts[1] and bool(accounts[0])))


def connector_for(connectors: Sequence[ConnectorAccounts], platform: str, account: str) -> ConnectorAccounts:
    """Return the connector that names an account, else the only one that takes any.

    Raises ConfigError with account_not_served where there is none, or more than one.
    """
    of_platform = [one for one in connectors if one.platform == platform]
    named = [one for one in of_platform if one.names(account)]
    found = named or [one for one in of_platform if ANY_ACCOUNT in one.accounts]
    if len(found) == 1:
        return found[0]
    why = f"{len(found)} connectors do" if found else f"no connector of the platform {platform} does"
    raise ConfigError(
        "account_not_served",
        f"one connector has to serve the ad account, and {why}: name the account in `accounts` of one connector in"
        ' cdk.context.json, or say "any" there, and deploy',
    )
