"""The state of the simulated Meta: ad accounts, tokens and audiences; and how a test changes it."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import itertools
from collections.abc import Mapping
from typing import Any

from sandbox.platforms.clock import Clock
from sandbox.platforms.meta.audiences import Audience
from sandbox.platforms.meta.datasets import Dataset
from sandbox.platforms.meta.errors import GraphError
from sandbox.platforms.meta.members import Schema
from sandbox.platforms.meta.quota import Quota
from sandbox.platforms.meta.settings import Account, MetaSettings, Token, TokenState
from sandbox.platforms.settings import changed

FIRST_AUDIENCE_ID = 23_860_000_000_000_101  # too long for a float, as Meta's are
_REFUSALS: dict[TokenState, tuple[int | None, str]] = {
    TokenState.INVALID: (None, "Invalid OAuth access token - Cannot parse access token"),
    TokenState.APP_REMOVED: (458, "Error validating access token: The user has not authorized application."),
    TokenState.CHECKPOINT: (459, "Error validating access token: You cannot access the app till you log in."),
    TokenState.PASSWORD_CHANGED: (
        460,
        "Error validating access token: The session has been invalidated because the user changed their password.",
    ),
    TokenState.EXPIRED: (463, "Error validating access token: Session has expired."),
    TokenState.UNCONFIRMED: (464, "Error validating access token: Sessions for the user are not allowed."),
}
# Settings of an audience in `audiences`: the setting's name, and the attribute here.
_FORCED = {
    "name": "name",
    "subtype": "subtype",
    "description": "description",
    "is_value_based": "is_value_based",
    "operation_status": "forced_status",
    "size": "forced_size",
    "delivery_status": "forced_delivery",
    "delete_time": "delete_time",
    "fields_violating_integrity_policy": "violating",
    "early_calls": "early_calls",
    "deleted": "deleted",
    "schema_style": "schema_style",
}


class World:
    """The platform's whole state, which a reset discards."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.reset()

    def reset(self) -> None:
        """Discard everything but the default account and token."""
        self.settings = MetaSettings()
        self.accounts = {Account().id: Account()}
        self.tokens = {Token().token: Token()}
        self.audiences: dict[str, Audience] = {}
        self.quotas: dict[str, Quota] = {}
        self._datasets: dict[str, Dataset] = {}
        self._ids = itertools.count(FIRST_AUDIENCE_ID, 10)

    def quota(self, account_id: str) -> Quota:
        """Return the quota of an ad account."""
        return self.quotas.setdefault(account_id, Quota(account_id))

    def dataset(self, dataset_id: str) -> Dataset | None:
        """Return a dataset as the settings have it now, None where they have none of this id."""
        if dataset_id not in self.settings.datasets:
            return None
        found = self._datasets.setdefault(dataset_id, Dataset(dataset_id))
        found.deduplicates = self.settings.deduplicates
        return found

    @property
    def filled_datasets(self) -> list[Dataset]:
        """Return the datasets that events were sent to."""
        return [one for one in self._datasets.values() if one.received]

    def of_account(self, account_id: str) -> list[Audience]:
        """Return the audiences of an ad account, newest first."""
        found = [one for one in self.audiences.values() if one.account_id == account_id and not one.deleted]
        return sorted(found, key=lambda one: int(one.id), reverse=True)

    def create(self, account_id: str, name: str, **attributes: Any) -> Audience:
        """Create an audience, even if the name exists."""
        now = int(self.clock.now())
        audience = Audience(str(next(self._ids)), account_id, name, now, updated=now, **attributes)
        self.audiences[audience.id] = audience
        return audience

    def authenticate(self, token: str | None, proof: str | None, proof_time: str | None) -> Token:
        """Return the token; raises GraphError if it is missing, unknown or invalid, or its proof is wrong."""
        if not token:
            raise GraphError(104, "An access token is required to request this resource.")
        found = self.valid(token)
        self._check_proof(token, proof, proof_time)
        return found

    def valid(self, token: str) -> Token:
        """Return a token that is known and has not ended; raises GraphError for another."""
        found = self.tokens.get(token, Token(token, TokenState.INVALID))
        ended = 0 < found.expires_at <= self.clock.now() and found.state is TokenState.VALID
        state = TokenState.EXPIRED if ended else found.state
        if state is not TokenState.VALID:
            subcode, message = _REFUSALS[state]
            header = f'OAuth "Facebook Platform" "invalid_token" "{message}"'
            raise GraphError(190, message, subcode=subcode, headers={"WWW-Authenticate": header})
        return found

    def _check_proof(self, token: str, proof: str | None, proof_time: str | None) -> None:
        if proof is None:
            if self.settings.require_appsecret_proof:
                sentence = "API calls from the server require an appsecret_proof argument"
                raise GraphError(100, sentence, type="GraphMethodException")
            return
        message = f"{token}|{proof_time}" if proof_time else token
        right = hmac.new(self.settings.app_secret.encode(), message.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right, proof):
            sentence = "Invalid appsecret_proof provided in the API argument"
            raise GraphError(100, sentence, type="GraphMethodException")

    def configure(self, changes: Mapping[str, Any]) -> None:
        """Change the settings, accounts, tokens and audiences; raises ValueError and changes nothing else."""
        accounts, tokens = dict(self.accounts), dict(self.tokens)
        for one in _objects(changes, "accounts"):
            known = accounts.get(str(one.get("id", Account().id)), Account())
            new_account = changed(known, one)
            accounts[new_account.id] = new_account
        for one in _objects(changes, "tokens"):
            new_token = changed(tokens.get(str(one.get("token", Token().token)), Token()), one)
            tokens[new_token.token] = new_token
        rest = {key: value for key, value in changes.items() if key not in ("accounts", "tokens", "audiences")}
        settings = changed(self.settings, rest)
        wanted = _objects(changes, "audiences")
        unknown = {key for one in wanted for key in one} - {*_FORCED, "id", "account_id", "members"}
        if unknown:
            raise ValueError(f"audiences: unknown keys {sorted(unknown)}")
        self.accounts, self.tokens, self.settings = accounts, tokens, settings
        for one in wanted:
            self._force(one)

    def _force(self, wanted: Mapping[str, Any]) -> None:
        account_id = str(wanted.get("account_id", Account().id))
        if "id" in wanted:
            found = [one for one in self.audiences.values() if one.id == str(wanted["id"])]
        else:
            found = [one for one in self.of_account(account_id) if one.name == wanted.get("name")]
        for audience in found or [self.create(account_id, str(wanted.get("name", "")))]:
            for key, attribute in _FORCED.items():
                if key in wanted:
                    setattr(audience, attribute, wanted[key])
            for group in wanted.get("members", ()):
                schema = Schema(group["schema"])
                audience.members.add(schema, [schema.pack(row) for row in group["rows"]])

    def as_settings(self) -> dict[str, Any]:
        """Return the current settings."""
        return {
            **dataclasses.asdict(self.settings),
            "accounts": [dataclasses.asdict(one) for one in self.accounts.values()],
            "tokens": [dataclasses.asdict(one) for one in self.tokens.values()],
        }


def _objects(changes: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = changes.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise ValueError(f"{key} is a list of objects")
    return found
