"""Make the signer of a platform's requests from its declared authentication and a secret."""

from __future__ import annotations

from activation.authentication.oauth2 import BearerSigner
from activation.authentication.renewal import RenewingSigner
from activation.authentication.signatures import BodySigner, OAuth1Signer, SeveralSigner, StaticSigner
from activation.authentication.store import SecretVersion
from activation.authentication.tools import Signer, Tools
from activation.platforms.authentication import (
    Authentication,
    BodySignature,
    LongLivedToken,
    OAuth1,
    OAuth2Refresh,
    StaticToken,
)


def make_signer(spec: Authentication, secret: SecretVersion, tools: Tools) -> Signer:
    """Return the signer; raises ConfigError naming a key that is missing from the secret or unusable.

    The platform is not called yet. Make another signer when an operator has changed the secret:
    `secret.digest(without=spec.rewritten_keys)` then differs. What our code writes back, such as
    a new refresh token, needs no new signer.
    """
    match spec:
        case StaticToken():
            return StaticSigner(spec, secret.credentials)
        case LongLivedToken():
            return RenewingSigner(spec, secret, tools)
        case OAuth2Refresh():
            return BearerSigner(spec, secret, tools)
        case OAuth1():
            return OAuth1Signer(spec, secret.credentials, tools.clock)
        case BodySignature():
            return BodySigner(spec, secret.credentials)
        case _:
            return SeveralSigner(tuple(make_signer(part, secret, tools) for part in spec.parts))
