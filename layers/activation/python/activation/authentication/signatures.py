"""Signers that need only the secret: a fixed token, an HMAC of the body, OAuth 1."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
from collections.abc import Callable
from dataclasses import replace

from activation.authentication.tools import Signer
from activation.platforms.authentication import BodySignature, OAuth1, StaticToken
from activation.platforms.credentials import Credentials
from activation.platforms.request import Request

FORM = "application/x-www-form-urlencoded"


class StaticSigner:
    """Adds the secret's token in a header and, if declared, its proof in the query."""

    def __init__(self, spec: StaticToken, credentials: Credentials) -> None:
        self._spec = spec
        self._token = credentials.required(spec.key)
        self._proof_key = credentials.optional(spec.proof_key) if spec.proof_key else ""

    def sign(self, request: Request) -> Request:
        """Add the token."""
        return with_token(request, self._spec, self._token, self._proof_key)

    def in_use(self, signed: Request) -> bool:
        """Return True: this signer's token never changes."""
        return True

    def renew(self, refused: Request | None = None) -> bool:
        """Return False: only the secret can hold another token."""
        return False


def with_token(request: Request, spec: StaticToken, token: str, proof_key: str) -> Request:
    """Return the request with a token, and with its proof if there is a proof key."""
    url = request.url
    if proof_key:
        proof = hmac.new(proof_key.encode(), token.encode(), hashlib.sha256).hexdigest()
        url += f"{'&' if '?' in url else '?'}appsecret_proof={proof}"
    return replace(request, url=url, headers={**request.headers, spec.header: f"{spec.prefix}{token}"})


class BodySigner:
    """Adds an HMAC of the body in a header."""

    def __init__(self, spec: BodySignature, credentials: Credentials) -> None:
        self._spec = spec
        find = credentials.optional if spec.optional else credentials.required
        self._key = find(spec.key).encode()

    def sign(self, request: Request) -> Request:
        """Add the signature, unless it is optional and the secret has no key for it; reads a stream once."""
        if not self._key:
            return request
        code = hmac.new(self._key, request.body, self._spec.digest)
        for piece in request.stream.pieces() if request.stream is not None else ():
            code.update(piece)
        value = code.hexdigest() if self._spec.encoding == "hex" else base64.b64encode(code.digest()).decode()
        return replace(request, headers={**request.headers, self._spec.header: value})

    def in_use(self, signed: Request) -> bool:
        """Return True: this signer's key never changes."""
        return True

    def renew(self, refused: Request | None = None) -> bool:
        """Return False: only the secret can hold another key."""
        return False


class OAuth1Signer:
    """Signs each request with its own nonce and timestamp."""

    def __init__(self, spec: OAuth1, credentials: Credentials, clock: Callable[[], float]) -> None:
        # At debug level the library logs what it signs, tokens included.
        from oauthlib.oauth1 import Client  # noqa: PLC0415  15 ms, which only this platform's function pays

        logging.getLogger("oauthlib").setLevel(logging.INFO)
        self._client = Client
        self._keys = tuple(credentials.required(key) for key in spec.required_keys)
        self._clock = clock

    def sign(self, request: Request) -> Request:
        """Add the header `Authorization`."""
        client = self._client(*self._keys, timestamp=str(int(self._clock())))
        content_type = next(
            (value for name, value in request.headers.items() if name.lower() == "content-type"), ""
        )
        # Only a form is signed. Any other body is hidden from the library, which would add `oauth_body_hash`, a
        # draft's parameter that X does not describe.
        if content_type.split(";")[0].strip().lower() == FORM:
            _, signed, _ = client.sign(
                request.url, request.method, request.content.decode(), {"Content-Type": FORM}
            )
        else:
            _, signed, _ = client.sign(request.url, request.method)
        return replace(request, headers={**request.headers, "Authorization": str(signed["Authorization"])})

    def in_use(self, signed: Request) -> bool:
        """Return True: this signer's keys never change."""
        return True

    def renew(self, refused: Request | None = None) -> bool:
        """Return False: only the secret can hold other keys."""
        return False


class SeveralSigner:
    """Applies several signers one after another."""

    def __init__(self, signers: tuple[Signer, ...]) -> None:
        self._signers = signers

    def sign(self, request: Request) -> Request:
        """Add the authentication of each signer."""
        for signer in self._signers:
            request = signer.sign(request)
        return request

    def in_use(self, signed: Request) -> bool:
        """Return whether every signer's credentials are still in use."""
        return all(signer.in_use(signed) for signer in self._signers)

    def renew(self, refused: Request | None = None) -> bool:
        """Make each signer forget its token; return whether any can fetch another."""
        renewed = [signer.renew(refused) for signer in self._signers]
        return any(renewed)
