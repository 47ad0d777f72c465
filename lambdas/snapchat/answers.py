"""What Snapchat's answers mean: (request, status, headers, body) to an Outcome. Pure; never raises.

https://developers.snap.com/api/marketing-api/Ads-API/customer-lists (read 2026-11-29)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from activation.platforms.outcome import Outcome, OutcomeKind
from activation.platforms.request import Answer, Request
from activation.untrusted import identifier, json_object, mapping, sequence

SUCCESS = "success"  # case-insensitive: Snap's samples have small letters and capitals
NO_PERMISSION_CODE = "E3002"

NO_ANSWER = Outcome(OutcomeKind.UNKNOWN, "no_answer", "No answer came.", after_s=5)
UNREADABLE = Outcome(
    OutcomeKind.RETRY, "unreadable_answer", "The answer came from something in front of Snapchat's API.", 2
)
TRANSIENT = Outcome(OutcomeKind.RETRY, "transient", "Snapchat is temporarily unavailable.", 1)
# No header says for how long: https://developers.snap.com/api/marketing-api/Ads-API/rate-limits (read 2026-11-29).
THROTTLED = Outcome(OutcomeKind.RETRY, "throttled", "Snapchat asks to slow down.", 2)
TOKEN = Outcome(
    OutcomeKind.REFRESH_AUTH,
    "token_refused",
    "Snapchat rejected the access token. Authorise the app again, write the new refresh token and redrive.",
)
NO_PERMISSION = Outcome(
    OutcomeKind.STOP,
    "no_permission",
    "The Snapchat user whose token this is may not do this. Give the user a role in the ad account that allows"
    " managing audiences, then redrive.",
)
NOT_FOUND = Outcome(
    OutcomeKind.STOP,
    "account_missing",
    "Snapchat does not know the ad account, or no longer has the audience. Check ad_account_id in the connector's"
    " secret, then redrive.",
)
TOO_LARGE = Outcome(OutcomeKind.TOO_LARGE, "too_large", "The request was too large for the server.")
REFUSED = Outcome(
    OutcomeKind.REFUSED, "refused_by_platform", "Snapchat refused the request without saying which row caused it."
)
WRONG_REQUEST = Outcome(
    OutcomeKind.REJECTED, "bad_request", "Snapchat refused the request as it is; sending it again cannot help."
)
# HTTP 200, and yet the call or a part of it has failed; whether or not it was applied, repeating it does no harm.
ODD_SUCCESS = Outcome(
    OutcomeKind.UNKNOWN,
    "not_successful",
    "Snapchat answered that the call was not successful, twice, without saying why.",
    after_s=1,
    attempts_max=2,
)


@dataclass(frozen=True)
class Listed:
    """A segment in the list; `created` is a time as Snapchat writes it, "" if there is none."""

    segment_id: str
    name: str
    own_list: bool
    created: str
    targetable: str


@dataclass(frozen=True)
class Page:
    """One page of an ad account's segments; `cursor` is "" on the last."""

    segments: tuple[Listed, ...]
    cursor: str


def classify(request: Request, answer: Answer) -> Outcome:
    """Return what an answer means."""
    if answer.status <= 0:
        return NO_ANSWER
    body = json_object(answer.body)
    reference = identifier(mapping(body).get("request_id")) or ""
    if answer.status >= 400:
        return _refusal(request, answer, mapping(body), reference)
    if body is None or not 200 <= answer.status < 300:
        return _unsure(UNREADABLE, request, reference)
    if not all(word.lower() == SUCCESS for word in _words(body)):
        return replace(ODD_SUCCESS, reference=reference)
    return _good(request, body, reference)


def _refusal(request: Request, answer: Answer, body: Mapping[str, Any], reference: str) -> Outcome:
    code = identifier(body.get("error_code")) or ""
    match answer.status:
        case 401:
            found = TOKEN
        case _ if answer.status == 403 or code == NO_PERMISSION_CODE:
            found = NO_PERMISSION
        case 404:
            found = NOT_FOUND
        case 408 | 500 | 502 | 503 | 504:
            found = _unsure(TRANSIENT, request, reference)
        case 413 if request.rows != 1:
            found = TOO_LARGE
        case 429:
            found = THROTTLED
        case status if status > 504:
            found = _unsure(TRANSIENT, request, reference)
        case _ if request.call == "users":
            found = REFUSED
        case _:
            found = WRONG_REQUEST
    return replace(found, platform_code=code or str(answer.status), reference=reference)


def _unsure(found: Outcome, request: Request, reference: str) -> Outcome:
    """Return the outcome of a call that may have been applied: unknown if repeating it would do harm."""
    kind = found.kind if request.repeatable else OutcomeKind.UNKNOWN
    return replace(found, kind=kind, reference=reference)


def _words(body: Mapping[str, Any]) -> Iterator[str]:
    """Yield the status of the request and of each of its parts; a status that is not text counts as a failure."""
    yield str(body.get("request_status"))
    for things in (body.get("users"), body.get("segments")):
        for one in sequence(things):
            yield str(mapping(one).get("sub_request_status"))


def _good(request: Request, body: Mapping[str, Any], reference: str) -> Outcome:
    segments = [mapping(mapping(one).get("segment")) for one in sequence(body.get("segments"))]
    good = Outcome(OutcomeKind.OK, reference=reference)
    match request.call:
        case "find" if isinstance(body.get("segments"), list):
            listed = tuple(one for one in map(_listed, segments) if one is not None)
            return replace(good, value=Page(listed, _cursor(body)))
        case "create" if segments and identifier(segments[0].get("id")):
            return replace(good, value=identifier(segments[0]["id"]))
        case "find" | "create":
            return _unsure(UNREADABLE, request, reference)
        case "users" if not sequence(body.get("users")):
            return replace(ODD_SUCCESS, reference=reference)
        case _:
            return good


def _listed(one: Mapping[str, Any]) -> Listed | None:
    segment_id, name = identifier(one.get("id")), one.get("name")
    if segment_id is None or not isinstance(name, str):
        return None
    return Listed(
        segment_id=segment_id,
        name=name,
        own_list=one.get("source_type") == "FIRST_PARTY",
        created=str(one.get("created_at") or ""),
        targetable=str(one.get("targetable_status") or ""),
    )


def _cursor(body: Mapping[str, Any]) -> str:
    """Return the next page's cursor; the link itself is not followed, since it could take the token elsewhere."""
    link = mapping(body.get("paging")).get("next_link")
    if not isinstance(link, str):
        return ""
    try:
        return parse_qs(urlsplit(link).query).get("cursor", [""])[0]
    except ValueError:
        return ""
