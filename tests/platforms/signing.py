"""A secret for any platform, read as the core does, and signers for it whose token endpoint always answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from activation.authentication.locking import TokenLock
from activation.authentication.signers import make_signer
from activation.authentication.store import SecretStore
from activation.authentication.tools import Signer, Tools
from activation.aws.table import ConditionalTable
from activation.platforms.account import AdAccount
from activation.platforms.credentials import Credentials
from activation.platforms.options import complete
from activation.platforms.platform import Platform
from activation.platforms.request import Answer, Request
from hypothesis import find
from hypothesis import strategies as st

from tests.unit.line.aws_in_memory import Secrets
from tests.unit.line.table_in_memory import Table

NOW_S = 1_795_305_600.0  # 2026-11-22


@dataclass
class TokenEndpoint:
    """A token endpoint that gives one access token to whoever asks; `asked` is who did."""

    token: str
    asked: list[Request] = field(default_factory=list)

    def send(self, request: Request, *, timeout_s: float) -> Answer:
        """Answer a request for a token."""
        self.asked.append(request)
        body = {"access_token": self.token, "token_type": "bearer", "expires_in": 3600}
        return Answer(200, {}, json.dumps(body).encode())


def secret_of(platform: Platform) -> dict[str, object]:
    """Return a secret with a value of its own for every key, and the simplest id that an ad account may have."""
    authentication, account = platform.authentication, platform.account
    ids = st.from_regex(account.pattern, fullmatch=True, alphabet=st.characters(codec="ascii"))
    return {
        **{key: canary(key) for key in (*authentication.required_keys, *authentication.optional_keys)},
        account.key: find(ids, lambda _: True),
    }


def canary(key: str) -> str:
    """Return the value that a key of the secret has, to be looked for in what is sent."""
    return f"cAnArY.{key}.0123456789"


def account_of(platform: Platform, secret: Mapping[str, object]) -> AdAccount:
    """Read the ad account that a secret names, with the platform's options at their defaults."""
    return platform.account.read(Credentials(secret), "", complete(platform.options, {}))


def signer_of(platform: Platform, secret: Mapping[str, object], *, issued: str = "issued") -> Signer:
    """Make the signer for a secret; `issued` is the access token where the platform has an endpoint for them."""
    client, text = Secrets(), json.dumps(secret)
    arn = client.create_secret(Name=platform.name, SecretString=text)["ARN"]
    store = SecretStore(client, arn, clock=_now)  # type: ignore[arg-type]  # as much of the client as is called
    table = ConditionalTable(Table(), "ledger")  # type: ignore[arg-type]  # as much of it as is called
    lock = TokenLock.of(table, platform.name, arn, clock=_now)
    tools = Tools(TokenEndpoint(issued), store, lock, clock=_now, sleep=lambda _: None)
    return make_signer(platform.authentication, store.read(), tools)


def _now() -> float:
    return NOW_S
