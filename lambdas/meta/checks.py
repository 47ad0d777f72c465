"""`doctor`'s checks of Meta: the token and its end, permissions, account, terms, and the audiences' states."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from activation.errors import ActivationError, ConfigError
from activation.platforms.platform import Examination, Finding
from activation.platforms.request import Request
from activation.untrusted import json_object, mapping, sequence, text, whole

from lambdas.meta import audience_states
from lambdas.meta.answers import classify
from lambdas.meta.calls import PAGE_SIZE
from lambdas.meta.meanings import TERMS_URL
from lambdas.meta.platform import API_VERSION
from lambdas.meta.publisher import MAX_PAGES

# account_status: https://developers.facebook.com/docs/marketing-api/reference/ad-account (read 2026-09-12)
ACTIVE = 1
STATES = {2: "disabled", 3: "unsettled", 7: "pending risk review", 8: "pending settlement", 9: "in grace period",
          100: "pending closure", 101: "closed"}  # fmt: skip
ACCOUNT_URL = "https://business.facebook.com/accountquality?act={account}"
NEEDED = {"ads_management"}
WARN_DAYS = 14  # before a token's end
# By the code of a refusal, the check that it is of.
CHECKS = {
    "token_refused": "token",
    "no_permission": "permissions",
    "terms_not_accepted": "terms",
    "signature_refused": "secret",
    "throttled": "rate limit",
    "audience_missing": "account",
    "lookup_refused": "account",
}


class Refused(Exception):
    """Meta refused a read; `finding` says why, in the words of `classify`."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.says)
        self.finding = finding


@dataclass(frozen=True)
class Reads:
    """Reads Meta's objects through `doctor`."""

    one: Examination

    def read(self, path: str, **query: str) -> Mapping[str, Any]:
        """Return what a path holds; raises Refused, and the core's errors."""
        url = f"{self.one.account.endpoint}/{API_VERSION}/{path}?{urlencode(query)}"
        request = Request("find", "GET", url, {"Accept": "application/json"})
        answer = self.one.send(request)
        body = json_object(answer.body)
        if body is None or ("error" not in body and answer.status >= 400):
            raise ConfigError("not_meta", "did not answer as Meta does; check endpoint")
        if "error" in body:
            outcome = classify(request, answer, account=self.one.account.account_id)
            code = f" (Meta's code: {outcome.platform_code})" if outcome.platform_code else ""
            raise Refused(Finding(CHECKS.get(outcome.code, "meta"), False, f"{outcome.reason}{code}"))
        return body


def examine(one: Examination) -> Iterator[Finding]:
    """Check all that can be read of the account; what Meta refuses ends the checks with its reason."""
    try:
        token = one.secret.required("access_token")
        yield from _examine(one, Reads(one), token)
    except Refused as refused:
        yield refused.finding
    except ActivationError as error:
        yield Finding("secret" if error.code == "bad_secret" else "meta", False, error.sentence)


def _examine(one: Examination, reads: Reads, token: str) -> Iterator[Finding]:
    granted = reads.read("me/permissions").get("data")
    if not isinstance(granted, list):
        raise ConfigError("not_meta", "did not answer as Meta does; check endpoint")
    yield _token(reads, token)
    permissions = {text(one.get("permission")) for one in map(mapping, granted) if one.get("status") == "granted"}
    missing = ", ".join(sorted(NEEDED - permissions))
    cure = (
        f"missing permission {missing}: generate a token with it for the system user, in the business's settings"
    )
    yield Finding("permissions", not missing, cure if missing else "granted")
    account_id = one.account.account_id
    account = reads.read(f"act_{account_id}", fields="name,account_status,tos_accepted")
    status = whole(account.get("account_status"))
    state = STATES.get(status or 0, f"in status {status}")
    cure = f"{state}: see {ACCOUNT_URL.format(account=account_id)}"
    yield Finding("account", status == ACTIVE, "active" if status == ACTIVE else cure)
    accepted = bool(mapping(account.get("tos_accepted")).get("custom_audience_tos"))
    cure = f"not accepted: a person of the business accepts them at {TERMS_URL.format(account=account_id)}"
    yield Finding("terms", accepted, "accepted" if accepted else cure)
    yield from audience_states.findings(one, _audiences(reads, account_id))


def _token(reads: Reads, token: str) -> Finding:
    """Say until when the token is valid, as far as Meta tells the token itself.

    https://developers.facebook.com/docs/graph-api/reference/debug_token: 0 is a token that does not expire.
    """
    accepted = f"accepted by {API_VERSION}"
    try:
        about = mapping(reads.read("debug_token", input_token=token).get("data"))
    except Refused:
        return Finding("token", True, f"{accepted}; Meta does not say until when")
    ends = [whole(about.get(name)) for name in ("expires_at", "data_access_expires_at")]
    if all(end is None for end in ends):
        return Finding("token", True, f"{accepted}; Meta does not say until when")
    end = min((one for one in ends if one), default=0)
    if not end:
        return Finding("token", True, f"{accepted}; does not expire")
    days = (end - time.time()) / 86_400
    until = f"{accepted} until {datetime.fromtimestamp(end, tz=UTC):%Y-%m-%d}"
    if days > WARN_DAYS:
        return Finding("token", True, until)
    cure = "make one of a system user, which does not expire, and write it into the secret"
    return Finding("token", True, f"{until}, in {max(0, days):.0f} days: {cure}", warns=True)


def _audiences(reads: Reads, account_id: str) -> Iterator[Mapping[str, Any]]:
    after = ""
    for _ in range(MAX_PAGES):
        query = {"fields": audience_states.FIELDS, "limit": str(PAGE_SIZE), **({"after": after} if after else {})}
        page = reads.read(f"act_{quote(account_id)}/customaudiences", **query)
        yield from map(mapping, sequence(page.get("data")))
        paging = mapping(page.get("paging"))
        cursor = text(mapping(paging.get("cursors")).get("after")) if paging.get("next") else ""
        if not cursor or cursor == after:
            return
        after = cursor
