"""The subscription API: calls that retry, and answers as objects.

Read 2026-11-22: https://advertising.amazon.com/API/docs/en-us/amazon-marketing-stream/openapi and
https://advertising.amazon.com/API/docs/en-us/guides/amazon-marketing-stream/managing-subscriptions.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import ad_api.base  # before ad_api.auth: the two import each other
import requests
from ad_api.auth.exceptions import AuthorizationError
from ad_api.base import Marketplaces
from ad_api.base.exceptions import AdvertisingApiException

from amz_stream_cli.credentials import Credentials, quiet
from amz_stream_cli.errors import ApiError, CredentialsError
from stacks.marketing_stream.catalogue import DSP, SPONSORED, Realm

quiet()

# For the sandbox and tests: every request, token requests included, goes to this address instead of Amazon's.
ENDPOINT_VARIABLE = "AD_API_ENDPOINT_URL"

_MARKETPLACES = {Realm.NA: Marketplaces.NA, Realm.EU: Marketplaces.EU, Realm.FE: Marketplaces.JP}
_TIMEOUT_S = 30
_ATTEMPTS = 5
_LONGEST_WAIT_S = 60.0
_LATER = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Subscription:
    """A subscription as the API returns it; `fields` is the whole object, unchanged."""

    id: str
    dataset: str
    status: str
    destination: Mapping[str, Any]
    notes: str
    fields: Mapping[str, Any]

    @classmethod
    def of(cls, shown: Mapping[str, Any]) -> Subscription:
        """Return the API's object as a Subscription; an older form of the destination becomes the newer one."""
        destination = shown.get("destination")
        if not isinstance(destination, Mapping):
            arn = shown.get("destinationArn")
            destination = {"sqsDestination": {"queueArn": arn}} if arn else {}
        return cls(
            id=str(shown.get("subscriptionId", "")),
            dataset=str(shown.get("dataSetId", "")),
            status=str(shown.get("status", "")),
            destination=destination,
            notes=str(shown.get("notes") or ""),
            fields=shown,
        )


class _Library(ad_api.base.Client):  # type: ignore[misc]  # the library has no types
    """The library's client with its headers, its tokens and its errors, for any path of the API."""

    def ask(
        self, method: str, path: str, body: object, query: Mapping[str, object], headers: dict[str, str]
    ) -> Any:
        data = None if body is None else json.dumps(body)
        return self._request(path, data=data, params={"method": method, **query}, headers=headers).payload

    @staticmethod
    def _check_response(res: requests.Response) -> Any:
        """Raise on a 2xx answer that is no success: not JSON, not an object, or an object with an error."""
        if res.ok and res.content.strip():
            try:
                said = res.json()
            except ValueError:
                raise _unreadable(res.status_code) from None
            if said is not None and (not isinstance(said, dict) or said.get("error")):
                raise _unreadable(res.status_code)
        return ad_api.base.Client._check_response(res)


class StreamClient:
    """The subscriptions of one advertiser in one realm; `dsp` selects the API's paths for Amazon DSP."""

    def __init__(self, credentials: Credentials, realm: Realm, *, dsp: bool = False) -> None:
        if not dsp and not (credentials.profile_id or credentials.account_id):
            raise CredentialsError("no advertiser: set AD_API_PROFILE_ID or profile_id, or give --profile-id")
        if dsp and not credentials.account_id:
            raise CredentialsError("Amazon DSP needs an account: give --account-id or set AD_API_ACCOUNT_ID")
        self._path = DSP if dsp else SPONSORED
        self._headers = {"Amazon-Ads-Account-ID": credentials.account_id} if dsp else {}
        profile = {} if dsp else {"profile_id": credentials.profile_id}
        if not dsp and not credentials.profile_id:
            self._headers = {"Amazon-Ads-AccountId": credentials.account_id}
        self._library = _Library(
            marketplace=_MARKETPLACES[realm],
            credentials={
                "refresh_token": credentials.refresh_token,
                "client_id": credentials.client_id,
                "client_secret": credentials.client_secret,
                **profile,
            },
            timeout=_TIMEOUT_S,
            verify_additional_credentials=False,
        )
        # The library prefers environment variables to its arguments; they are already applied here.
        self._library.credentials = {**self._library.credentials, "profile_id": profile.get("profile_id", "")}
        if endpoint := os.environ.get(ENDPOINT_VARIABLE, ""):
            scheme, _, host = endpoint.rstrip("/").partition("://")
            self._library.endpoint = endpoint.rstrip("/")
            self._library._auth.scheme, self._library._auth.host = f"{scheme}://", host

    def create(self, dataset: str, destination: Mapping[str, Any], token: str, notes: str = "") -> dict[str, Any]:
        """Create a subscription. `token` is 22 to 36 characters; a retry with the same one creates no second."""
        body = {"clientRequestToken": token, "dataSetId": dataset, **_destination(destination)}
        return self._ask("POST", self._path, body | ({"notes": notes} if notes else {}))

    def get(self, id_: str) -> Subscription:
        """Return one subscription; raises ApiError with status 404 if it does not exist."""
        found = self._ask("GET", self._one(id_)).get("subscription")
        if not isinstance(found, dict):
            raise _unreadable(200)
        return Subscription.of(found)

    def update(self, id_: str, *, status: str = "", notes: str | None = None) -> None:
        """Archive a subscription or change its notes."""
        body = {"status": status} if status else {}
        self._ask("PUT", self._one(id_), body | ({"notes": notes} if notes is not None else {}))

    def list(self, page_size: int = 1000) -> Iterator[Subscription]:
        """Yield every subscription, page by page."""
        token: str | None = None
        while True:
            query = {"maxResults": page_size} | ({"startingToken": token} if token else {})
            page = self._ask("GET", self._path, query=query)
            listed = page.get("subscriptions", [])
            if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
                raise _unreadable(200)
            yield from map(Subscription.of, listed)
            token = page.get("nextToken")
            if not token:
                return

    def _one(self, id_: str) -> str:
        return f"{self._path}/{quote(id_, safe='')}"

    def _ask(
        self, method: str, path: str, body: object = None, query: Mapping[str, object] | None = None
    ) -> dict[str, Any]:
        """Send a request; retry while the API says later, after the time it asks for, else with doubling waits."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                answer = self._library.ask(method, path, body, query or {}, self._headers)
            except AdvertisingApiException as error:
                failure, wait_s = _refusal(error), _asked_to_wait(error.headers)
            except AuthorizationError as error:
                raise CredentialsError(
                    f"Login with Amazon refused the credentials: {error.message or error.error_code}"
                ) from None
            except requests.RequestException as error:
                failure, wait_s = ApiError(0, f"no answer from the API ({type(error).__name__})"), None
            else:
                return answer if isinstance(answer, dict) else {}
            if attempt == _ATTEMPTS or (failure.status and failure.status not in _LATER):
                raise failure from None
            # Half to all of a doubling wait, so that two commands refused at the same time do not retry at the
            # same time.
            time.sleep(2 ** (attempt - 1) * random.uniform(0.5, 1) if wait_s is None else wait_s)  # noqa: S311  jitter, not a secret
        raise AssertionError("unreachable")


def _destination(destination: Mapping[str, Any]) -> dict[str, Any]:
    return {"destination": destination}


def _unreadable(status: int) -> ApiError:
    return ApiError(status, f"the answer ({status}) is not one of the API's; is a proxy in between?")


def _refusal(error: AdvertisingApiException) -> ApiError:
    """Return a refusal as a sentence, whichever form the API gave it."""
    said = error.error
    text = (said.get("message") or said.get("details") or said.get("code")) if isinstance(said, Mapping) else ""
    sentence = str(text or "no readable reason")
    if error.code == 401:
        sentence += "; the token or the client id was rejected"
    if error.code == 403:
        sentence += "; check the profile or account, and the permissions of the refresh token's login"
    if "Destination is invalid" in sentence:
        sentence += (
            "; the destination must be in the realm's AWS region, and its policy must allow Amazon's reviewer; "
            "for Firehose see `subscribers` and `reviewers` in the settings"
        )
    return ApiError(error.code, f"the API answered {error.code}: {sentence}")


def _asked_to_wait(headers: Mapping[str, str] | None) -> float | None:
    """Return the seconds of Retry-After, at most 60; None if it is absent or not a number."""
    try:
        return min(max(float((headers or {})["Retry-After"]), 0.0), _LONGEST_WAIT_S)
    except (KeyError, ValueError):
        return None
