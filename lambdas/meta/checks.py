"""`doctor`'s checks of Meta, made with Meta's own SDK so that they do not repeat a mistake of our connector."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from activation.errors import ConfigError
from activation.model import visible_name
from activation.platforms.platform import Examination, Finding

from lambdas.meta.platform import API_VERSION

TIMEOUT_S = 20
ACTIVE = 1  # account_status, https://developers.facebook.com/docs/marketing-api/reference/ad-account (2026-09-12)
NEEDED = {"ads_management"}


def examine(one: Examination) -> Iterator[Finding]:
    """Check token, permissions, account, terms and, when named, an audience."""
    from facebook_business.adobjects.adaccount import AdAccount
    from facebook_business.api import FacebookAdsApi
    from facebook_business.exceptions import FacebookError, FacebookRequestError
    from facebook_business.session import FacebookSession
    from requests import RequestException

    try:
        token, app_secret = one.secret.required("access_token"), one.secret.optional("app_secret")
    except ConfigError as error:
        yield Finding("secret", False, error.sentence)
        return
    FacebookSession.GRAPH = one.account.endpoint
    api = FacebookAdsApi.init(
        app_id="",
        app_secret=app_secret or None,
        access_token=token,
        api_version=API_VERSION,
        timeout=TIMEOUT_S,
    )
    account_id = one.account.account_id
    account = AdAccount(f"act_{account_id}", api=api)
    try:
        permissions = {
            granted["permission"]
            for granted in api.call("GET", ("me", "permissions")).json()["data"]
            if granted["status"] == "granted"
        }
        yield Finding("token", True, f"accepted by {API_VERSION}")
        missing = ", ".join(sorted(NEEDED - permissions))
        yield Finding("permissions", not missing, f"missing permission {missing}" if missing else "granted")
        read = account.api_get(fields=["name", "account_status", "tos_accepted"])
        active = read["account_status"] == ACTIVE
        yield Finding("account", active, "active" if active else f"has status {read['account_status']}")
        accepted = bool((read.get("tos_accepted") or {}).get("custom_audience_tos"))
        link = f"https://business.facebook.com/ads/manage/customaudiences/tos/?act={account_id}"
        yield Finding("terms", accepted, "accepted" if accepted else f"not accepted: accept at {link}")
        if one.audience:
            yield _audience(account, one.audience)
    except FacebookRequestError as error:
        code = f"{error.api_error_code()}/{error.api_error_subcode()}"
        yield Finding("meta", False, f"rejected the call with code {code}, status {error.http_status()}")
    except RequestException as error:  # the text contains the URL, where the SDK puts the token
        yield Finding("meta", False, f"cannot be reached: {type(error).__name__}")
    except (FacebookError, LookupError, TypeError, AttributeError, ValueError):  # an answer of another shape
        yield Finding("meta", False, "did not answer as Meta does; check endpoint")


def _audience(account: Any, name: str) -> Finding:
    fields = ["name", "subtype", "operation_status", "approximate_count_lower_bound"]
    found = [one for one in account.get_custom_audiences(fields=fields) if visible_name(one["name"]) == name]
    if not found:
        return Finding("audience", True, "does not exist yet; the first drop creates it")
    status = found[0].get("operation_status") or {}
    return Finding(
        "audience",
        len(found) == 1 and status.get("code", 200) in (200, 400, 411, 412, 441),
        f"{len(found)} with this name; status {status.get('code', 'unknown')}",
    )
