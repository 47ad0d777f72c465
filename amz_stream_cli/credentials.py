"""The client's credentials: from the environment, else from python-amazon-ad-api's file `credentials.yml`.

https://github.com/denisneuf/python-amazon-ad-api, read 2026-11-22. If AD_API_REFRESH_TOKEN, AD_API_CLIENT_ID and
AD_API_CLIENT_SECRET are all set, the environment is used, AD_API_PROFILE_ID included; else the account `default`
of the file, which is in `~/.config/python-ad-api` on Linux and macOS, or in PYTHON-AD-APIDIR.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from amz_stream_cli.errors import CredentialsError

_IN_ENVIRONMENT = ("AD_API_REFRESH_TOKEN", "AD_API_CLIENT_ID", "AD_API_CLIENT_SECRET")


@dataclass(frozen=True)
class Credentials:
    """A client, its refresh token, and the advertiser: a profile, or an account for DSP."""

    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)
    profile_id: str = ""
    account_id: str = ""

    def acting_for(self, profile_id: str, account_id: str) -> Credentials:
        """Return the same client for the given advertiser; "" keeps its own."""
        return replace(self, profile_id=profile_id or self.profile_id, account_id=account_id or self.account_id)


def load(account: str = "default") -> Credentials:
    """Load the credentials; raises CredentialsError naming what is missing and where."""
    from ad_api.base.credential_provider import (
        FromConfigFileCredentialProvider,
        FromEnvCredentialProvider,
        MissingCredentials,
    )

    quiet()
    if all(os.environ.get(name) is not None for name in _IN_ENVIRONMENT):
        provider, where = FromEnvCredentialProvider(), "the environment (AD_API_...)"
    else:
        provider, where = FromConfigFileCredentialProvider(account), f"credentials.yml, account {account}"
    try:
        found = provider.load_credentials(verify_additional_credentials=False)
    except MissingCredentials as error:
        hint = f"set {', '.join(_IN_ENVIRONMENT)} and AD_API_PROFILE_ID, or write {_file()}"
        raise CredentialsError(f"no credentials in {where}: {_first_sentence(error)}; {hint}") from None
    return Credentials(
        client_id=str(found["client_id"]),
        client_secret=str(found["client_secret"]),
        refresh_token=str(found["refresh_token"]),
        profile_id=str(found.get("profile_id") or ""),
        account_id=str(found.get("account_id") or os.environ.get("AD_API_ACCOUNT_ID") or ""),
    )


def quiet() -> None:
    """Remove the log handler that importing the library installs for the whole program."""
    for handler in [one for one in logging.root.handlers if type(one) is logging.StreamHandler]:
        logging.root.removeHandler(handler)


def _file() -> str:
    return str(Path(os.environ.get("PYTHON-AD-APIDIR", "~/.config/python-ad-api")) / "credentials.yml")


def _first_sentence(error: Exception) -> str:
    return str(error).partition(". ")[0].rstrip(".")
