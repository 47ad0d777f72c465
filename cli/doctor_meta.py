"""What `doctor` asks Meta, with Meta's own SDK, so that a mistake of our connector cannot agree with itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from activation.credentials import Credentials
from activation.errors import ConfigError

from cli.findings import Finding
from lambdas.meta.publisher import API_VERSION, ENDPOINT, MetaPublisher

TIMEOUT_S = 20
ACTIVE = 1  # account_status, https://developers.facebook.com/docs/marketing-api/reference/ad-account (2026-09-12)
NEEDED = {"ads_management"}


def examine(secret: Mapping[str, Any], audience: str) -> Iterator[Finding]:
    """Check token, permissions, account, terms and, when named, an audience."""
    from facebook_business.adobjects.adaccount import AdAccount
    from facebook_business.api import FacebookAdsApi
    from facebook_business.exceptions import FacebookRequestError
    from facebook_business.session import FacebookSession
    from requests import RequestException

    credentials = Credentials(secret)
    try:
        publisher = MetaPublisher.from_secret(secret)
        token, app_secret = credentials.required("access_token"), credentials.optional("app_secret")
    except ConfigError as error:
        yield Finding("secret", False, error.sentence)
        return
    FacebookSession.GRAPH = credentials.endpoint("endpoint", ENDPOINT)
    api = FacebookAdsApi.init(
        app_id="",
        app_secret=app_secret or None,
        access_token=token,
        api_version=API_VERSION,
        timeout=TIMEOUT_S,
    )
    account = AdAccount(f"act_{publisher.account}", api=api)
    try:
        granted = {
            one["permission"]
            for one in api.call("GET", ("me", "permissions")).json()["data"]
            if one["status"] == "granted"
        }
        yield Finding("token", True, f"is taken by {API_VERSION}")
        missing = ", ".join(sorted(NEEDED - granted))
        yield Finding("permissions", not missing, f"lack {missing}" if missing else "are granted")
        read = account.api_get(fields=["name", "account_status", "tos_accepted"])
        active = read["account_status"] == ACTIVE
        yield Finding("account", active, "is active" if active else f"has status {read['account_status']}")
        accepted = bool((read.get("tos_accepted") or {}).get("custom_audience_tos"))
        link = f"https://business.facebook.com/ads/manage/customaudiences/tos/?act={publisher.account}"
        yield Finding("terms", accepted, "are accepted" if accepted else f"somebody has to accept them at {link}")
        if audience:
            yield _audience(account, audience)
    except FacebookRequestError as error:
        code = f"{error.api_error_code()}/{error.api_error_subcode()}"
        yield Finding("meta", False, f"refuses with code {code}, status {error.http_status()}")
    except RequestException as error:  # its text has the URL, where the SDK puts the token
        yield Finding("meta", False, f"cannot be reached: {type(error).__name__}")


def _audience(account: Any, name: str) -> Finding:
    fields = ["name", "subtype", "operation_status", "approximate_count_lower_bound"]
    found = [one for one in account.get_custom_audiences(fields=fields) if one["name"] == name]
    if not found:
        return Finding("audience", True, "is not there yet; the first drop creates it")
    status = found[0].get("operation_status") or {}
    return Finding(
        "audience",
        len(found) == 1 and status.get("code", 200) in (200, 400, 411, 412, 441),
        f"{len(found)} of this name; status {status.get('code', 'unknown')}",
    )
