"""How a platform authenticates requests, as plain data that the templates can read as well.

A platform's folder names one of these. Each says which keys the connector's secret must have (`required_keys`) and
may have (`optional_keys`), and which of them our code may write back (`rewritten_keys`): if there are any,
`rotates` is True and the function's role needs `secretsmanager:PutSecretValue` on that secret.

Federation (an AWS role exchanged for another cloud's token, without any stored credential) would be one more
dataclass here, without secret keys, and one more `TokenSource` in `oauth2`, whose `obtain` signs an AWS
`GetCallerIdentity` request with the function's role and exchanges it for a `Grant` at the other cloud's token
service. Everything after a `Grant` (caching, early refresh, renewal after a refusal) would stay the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ISSUED = "issued"  # the only key our code adds to a secret: the issued tokens, and their expiry


class _Keys:
    """The keys of a kind of authentication; by default none are needed and none are written back."""

    @property
    def required_keys(self) -> tuple[str, ...]:
        """Return the keys that the secret must have."""
        return ()

    @property
    def optional_keys(self) -> tuple[str, ...]:
        """Return the keys that the secret may have."""
        return ()

    @property
    def rewritten_keys(self) -> tuple[str, ...]:
        """Return the keys that our code may write back."""
        return ()

    @property
    def rotates(self) -> bool:
        """Return whether our code may write the secret back."""
        return bool(self.rewritten_keys)


@dataclass(frozen=True)
class StaticToken(_Keys):
    """A token that never changes, in a header.

    `key` is its key in the secret, `prefix` what precedes it in `header`. With `proof_key`, and when the secret
    has that key, every request carries the query parameter `appsecret_proof`: HMAC-SHA256 of the token under
    that secret, in hex (https://developers.facebook.com/docs/graph-api/guides/secure-requests, read 2026-09-12).
    """

    key: str = "access_token"
    header: str = "Authorization"
    prefix: str = "Bearer "
    proof_key: str = ""

    @property
    def required_keys(self) -> tuple[str, ...]:
        """Return the keys that the secret must have."""
        return (self.key,)

    @property
    def optional_keys(self) -> tuple[str, ...]:
        """Return the keys that the secret may have."""
        return (self.proof_key,) if self.proof_key else ()


@dataclass(frozen=True)
class LongLivedToken(_Keys):
    """A token that the platform exchanges for a new one while it is valid, as Meta does.

    The exchange is `GET renewal_url?grant_type=fb_exchange_token&client_id&client_secret&fb_exchange_token`, and
    answers `access_token`, `token_type` and `expires_in` seconds. A long-lived user token lasts about 60 days, and
    an expired one cannot be exchanged
    (https://developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived, read 2026-11-29).
    System user tokens are issued without expiry or for 60 days
    (https://developers.facebook.com/docs/business-management-apis/system-users/install-apps-and-generate-tokens,
    read 2026-11-30); `query` has what the latter need, as `set_token_expires_in_60_days=true`.
    Not verified: that exchanging a token that is long-lived already extends it. A renewal that fails is logged and
    leaves the token in use.

    `token` says how requests carry the token. It is renewed after the share `renew_after` of its life, or when its
    expiry is not known yet; `default_expires_s` is assumed when the answer does not say. Without the app's id or
    secret in the connector's secret, the token is used as it is.
    """

    renewal_url: str
    token: StaticToken = StaticToken()
    app_id_key: str = "app_id"
    app_secret_key: str = "app_secret"
    query: Mapping[str, str] = field(default_factory=dict)
    renew_after: float = 2 / 3
    default_expires_s: float = 60 * 86_400.0

    @property
    def required_keys(self) -> tuple[str, ...]:
        """Return the keys that the secret must have."""
        return self.token.required_keys

    @property
    def optional_keys(self) -> tuple[str, ...]:
        """Return the keys that the secret may have."""
        return tuple(dict.fromkeys((self.app_id_key, self.app_secret_key, *self.token.optional_keys)))

    @property
    def rewritten_keys(self) -> tuple[str, ...]:
        """Return the keys that our code may write back."""
        return (self.token.key, ISSUED)


@dataclass(frozen=True)
class OAuth2Refresh(_Keys):
    """An OAuth 2 access token, fetched with a refresh token (RFC 6749, section 6) and replaced before it expires.

    `client_in` says where the token request carries the client's id and secret: in its form or as HTTP Basic.
    `form` and `headers` are added to the token request (a scope, a User-Agent). `secret_headers` maps further
    headers of the API's own requests to the keys of the secret that hold their values (a developer token).

    `rotates` says that an answer may contain a new refresh token, which must then be stored: some platforms
    accept each refresh token only once. `refresh_early_s` is how long before its end an access token is replaced;
    `default_expires_s` is the assumed lifetime of a token whose answer has no `expires_in`. Access tokens are
    carried in `header` after `prefix`.
    """

    token_url: str
    client_id_key: str = "client_id"
    client_secret_key: str = "client_secret"
    refresh_token_key: str = "refresh_token"
    client_in: Literal["form", "basic"] = "form"
    form: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_headers: Mapping[str, str] = field(default_factory=dict)
    rotates: bool = False
    refresh_early_s: float = 60.0
    default_expires_s: float = 1800.0
    header: str = "Authorization"
    prefix: str = "Bearer "

    @property
    def required_keys(self) -> tuple[str, ...]:
        """Return the keys that the secret must have."""
        own = (self.client_id_key, self.client_secret_key, self.refresh_token_key)
        return tuple(dict.fromkeys((*own, *self.secret_headers.values())))

    @property
    def rewritten_keys(self) -> tuple[str, ...]:
        """Return the keys that our code may write back."""
        return (self.refresh_token_key, ISSUED) if self.rotates else ()


@dataclass(frozen=True)
class OAuth1(_Keys):
    """An OAuth 1.0a signature of each request, by HMAC-SHA1 (RFC 5849), in the header `Authorization`.

    The query and a form body are signed, any other body is not: RFC 5849, section 3.4.1.3.1. The fields name the
    keys of the secret.
    """

    consumer_key: str = "consumer_key"
    consumer_secret: str = "consumer_secret"
    token: str = "access_token"
    token_secret: str = "access_token_secret"

    @property
    def required_keys(self) -> tuple[str, ...]:
        """Return the keys that the secret must have."""
        return (self.consumer_key, self.consumer_secret, self.token, self.token_secret)


@dataclass(frozen=True)
class BodySignature(_Keys):
    """An HMAC of the body's exact bytes in a header.

    `key` is the HMAC key's key in the secret, `digest` the hash's name in `hashlib`. An `optional` signature is
    left out if the secret does not have the key.
    """

    key: str
    header: str
    digest: str = "sha1"
    encoding: Literal["base64", "hex"] = "base64"
    optional: bool = False

    @property
    def required_keys(self) -> tuple[str, ...]:
        """Return the keys that the secret must have."""
        return () if self.optional else (self.key,)

    @property
    def optional_keys(self) -> tuple[str, ...]:
        """Return the keys that the secret may have."""
        return (self.key,) if self.optional else ()


@dataclass(frozen=True)
class Several(_Keys):
    """Several kinds of authentication on each request, applied in this order."""

    parts: tuple[Authentication, ...]

    @property
    def required_keys(self) -> tuple[str, ...]:
        """Return the keys that the secret must have."""
        return tuple(dict.fromkeys(key for part in self.parts for key in part.required_keys))

    @property
    def optional_keys(self) -> tuple[str, ...]:
        """Return the keys that the secret may have."""
        required = self.required_keys
        keys = dict.fromkeys(key for part in self.parts for key in part.optional_keys)
        return tuple(key for key in keys if key not in required)

    @property
    def rewritten_keys(self) -> tuple[str, ...]:
        """Return the keys that our code may write back."""
        return tuple(dict.fromkeys(key for part in self.parts for key in part.rewritten_keys))


Authentication = StaticToken | LongLivedToken | OAuth2Refresh | OAuth1 | BodySignature | Several
