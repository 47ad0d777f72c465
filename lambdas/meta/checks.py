"""`doctor`'s checks of Meta: the token and its end, permissions, account, terms, and the audiences' states."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, NoReturn
from urllib.parse import quote, urlencode

from activation.errors import ActivationError, ConfigError
from activation.platforms.platform import Examination, Finding
from activation.platforms.request import Answer, Request
from activation.untrusted import json_object, mapping, sequence, text, whole

from lambdas.meta import audience_states
from lambdas.meta.answers import classify
from lambdas.meta.calls import PAGE_SIZE
from lambdas.meta.meanings import TERMS_URL
from lambdas.meta.publisher import MAX_PAGES
from lambdas.meta_graph import api
from lambdas.meta_graph.api import API_VERSION

TIMEOUT_S = 20
JSON = {"Accept": "application/json"}
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
    """Reads the objects of an ad account; `one` is what `doctor` passes, `get` reads a path with a query.

    The command reads with Meta's own SDK, so that `doctor` repeats no mistake of our requests. A function has no
    SDK, and reads as a connector does.
    """

    one: Examination
    get: Callable[[str, Mapping[str, str]], Answer]

    @classmethod
    def of(cls, one: Examination) -> Reads:
        """Return the reads of a secret; raises ConfigError with bad_secret where it has no token."""
        return cls(one, _by_sdk(one) if one.own_sdk else partial(_by_core, one))

    def read(self, path: str, **query: str) -> Mapping[str, Any]:
        """Return what a path holds; raises Refused, and ConfigError with not_meta for no answer of Meta's."""
        answer = self.get(path, query)
        body = json_object(answer.body)
        if not body:
            _no_meta()
        if "error" in body:
            if not mapping(body["error"]):
                _no_meta()
            raise self._refused(path, answer)
        return body

    def _refused(self, path: str, answer: Answer) -> Refused:
        """Return a refusal in the words of `classify`."""
        request = Request("find", "GET", api.url(self.one.account.endpoint, path), {})
        outcome = classify(request, answer, account=self.one.account.account_id)
        code = f" (Meta's code: {outcome.platform_code})" if outcome.platform_code else ""
        return Refused(Finding(CHECKS.get(outcome.code, "meta"), False, f"{outcome.reason}{code}"))


def _by_core(one: Examination, path: str, query: Mapping[str, str]) -> Answer:
    url = api.url(one.account.endpoint, path)
    return one.send(Request("find", "GET", f"{url}?{urlencode(query)}" if query else url, dict(JSON)))


def _by_sdk(one: Examination) -> Callable[[str, Mapping[str, str]], Answer]:
    from facebook_business.api import FacebookAdsApi
    from facebook_business.exceptions import FacebookError, FacebookRequestError
    from facebook_business.session import FacebookSession
    from requests import RequestException

    token, app_secret = one.secret.required("access_token"), one.secret.optional("app_secret")
    session = FacebookSession("", app_secret or None, token, timeout=TIMEOUT_S)
    session.GRAPH = one.account.endpoint
    # Not by FacebookAdsApi.init, which would have the SDK report our crashes to Meta.
    meta = FacebookAdsApi(session, API_VERSION)

    def get(path: str, query: Mapping[str, str]) -> Answer:
        try:
            answer = meta.call("GET", path.split("/"), params=dict(query))
            headers = {name.lower(): value for name, value in answer.headers().items()}
            one.took(headers)
            return Answer(int(answer.status()), headers, json.dumps(answer.json()).encode())
        except FacebookRequestError as error:
            headers = {name.lower(): value for name, value in error.http_headers().items()}
            return Answer(int(error.http_status()), headers, json.dumps(error.body()).encode())
        except RequestException as error:  # its text has the URL, in which the SDK puts the token
            raise one.unreached(type(error).__name__) from None
        except (FacebookError, LookupError, TypeError, AttributeError, ValueError):  # an answer of another shape
            return _no_meta()

    return get


def _no_meta() -> NoReturn:
    raise ConfigError("not_meta", "did not answer as Meta does; check endpoint") from None


def examine(one: Examination) -> Iterator[Finding]:
    """Check all that can be read of the account; what Meta refuses ends the checks with its reason."""
    try:
        yield from _examine(one, Reads.of(one), one.secret.required("access_token"))
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
    """Return the check of the token, with the day on which it expires if Meta shows that to the token itself.

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
