"""What TikTok's answers mean: (request, status, headers, body) to an Outcome. Pure; never raises.

https://business-api.tiktok.com/portal/docs?id=1739940501023746 (customer file audiences, read 2026-04-18)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from activation.platforms.outcome import Outcome, OutcomeKind
from activation.platforms.request import Answer, Request
from activation.untrusted import identifier, json_object, mapping, sequence, whole

from lambdas.tiktok.meanings import (
    BUSY,
    CHANGE_REFUSED,
    CREATION_REFUSED,
    THROTTLED,
    TRANSIENT,
    WRONG_REQUEST,
    Meaning,
    meaning,
)

OK_CODE, PARTIAL_CODE = 0, 20001

NOT_THE_SERVICE = Meaning(
    OutcomeKind.RETRY,
    "unreadable_answer",
    "The answer came from something in front of TikTok's API.",
    2,
)
NO_SUCH_PLACE = Meaning(
    OutcomeKind.STOP, "wrong_endpoint", "ENDPOINT in the connector's secret has no such API, or no longer has it."
)
TOO_LARGE = Meaning(OutcomeKind.TOO_LARGE, "too_large", "The file was too large for the server.")
NO_ANSWER = Outcome(OutcomeKind.UNKNOWN, "no_answer", "No answer came.", after_s=5)


@dataclass(frozen=True)
class Listed:
    """An audience in the list; times are as TikTok writes them, `expires` is when the audience ends."""

    audience_id: str
    name: str
    calculate_type: str
    own_customer_file: bool
    valid: bool
    created: str
    expires: str


@dataclass(frozen=True)
class Page:
    """One page of the advertiser's audiences, and the number of pages."""

    audiences: tuple[Listed, ...]
    pages: int


@dataclass(frozen=True)
class Details:
    """The state of an audience: `members` is how many TikTok matched, `messages` what it reported.

    `expires` is when the audience ends, as TikTok writes times, "" if it does not say.
    """

    valid: bool
    members: int | None
    messages: tuple[str, ...]
    expires: str = ""


def classify(request: Request, answer: Answer) -> Outcome:
    """Return what an answer means."""
    if answer.status <= 0:
        return NO_ANSWER
    body = json_object(answer.body)
    code = whole(body.get("code")) if body is not None else None
    if body is None or code is None:
        return _outcome(_without_envelope(answer.status), request, answer.headers.get("x-tt-logid", ""))
    reference = identifier(body.get("request_id")) or answer.headers.get("x-tt-logid", "")
    if code not in (OK_CODE, PARTIAL_CODE):
        known = _of_call(meaning(code, body.get("message")), request.call)
        return replace(_outcome(known, request, reference), platform_code=str(code))
    value, complete = _value(request, mapping(body.get("data")))
    if not complete:
        return _outcome(NOT_THE_SERVICE, request, reference)
    if code == PARTIAL_CODE:
        reason = "TikTok applied only a part of the request; the audience's history shows what it left out."
        return Outcome(
            OutcomeKind.PARTIAL, "partly_taken", reason, platform_code=str(code), reference=reference, value=value
        )
    return Outcome(OutcomeKind.OK, reference=reference, value=value)


def _of_call(known: Meaning, call: str) -> Meaning:
    """Return what a code means for a call, if it depends on the call."""
    if known is BUSY and call not in ("update", ""):
        known = WRONG_REQUEST  # only a change can fail because an audience is busy
    if known is WRONG_REQUEST:
        return {"update": CHANGE_REFUSED, "create": CREATION_REFUSED}.get(call, known)
    return known


def _without_envelope(status: int) -> Meaning:
    """Classify an answer that did not come from the API; a wrong path is answered with a bare 404."""
    match status:
        case 413:
            return TOO_LARGE
        case 429:
            return THROTTLED
        case 404 | 405 | 410:
            return NO_SUCH_PLACE
        case _:
            return NOT_THE_SERVICE


def _outcome(known: Meaning, request: Request, reference: str) -> Outcome:
    kind = known.kind
    if known in (TRANSIENT, NOT_THE_SERVICE) and not request.repeatable:
        kind = OutcomeKind.UNKNOWN  # "try again" does not mean that nothing was applied
    if kind is OutcomeKind.TOO_LARGE and request.rows == 1:
        kind = OutcomeKind.REFUSED  # a single row cannot be halved
    return Outcome(kind, known.code, known.reason, known.after_s, reference=reference)


def _value(request: Request, data: Mapping[str, Any]) -> tuple[Any, bool]:
    """Return a call's value, and whether the answer contained what it must."""
    match request.call:
        case "upload":
            path = identifier(data.get("file_path"))
            return path, path is not None
        case "create":
            audience_id = identifier(data.get("custom_audience_id"))
            return audience_id, audience_id is not None
        case "list":
            pages = whole(mapping(data.get("page_info")).get("total_page"))
            audiences = data.get("list")
            if not isinstance(audiences, list) or pages is None:
                return None, False
            return Page(tuple(filter(None, map(_listed, audiences))), pages), True
        case "get":
            listed = data.get("list")
            return _details(sequence(listed)), isinstance(listed, list)
        case _:
            return None, True


def _listed(one: object) -> Listed | None:
    item = mapping(one)
    audience_id, name = identifier(item.get("audience_id")), item.get("name")
    if audience_id is None or not isinstance(name, str):
        return None
    own = item.get("is_creator") is not False and item.get("shared") is not True
    return Listed(
        audience_id=audience_id,
        name=name,
        calculate_type=str(item.get("calculate_type") or ""),
        own_customer_file=own and str(item.get("audience_type", "")).startswith("Customer File"),
        valid=item.get("is_valid") is True,
        created=str(item.get("create_time") or ""),
        expires=str(item.get("expired_time") or ""),
    )


def _details(listed: list[Any]) -> Details | None:
    if not listed:
        return None
    one = mapping(listed[0])
    details = mapping(one.get("audience_details"))
    texts = [details.get("error_msg"), details.get("msg")]
    texts += [mapping(entry).get("msg") for entry in sequence(one.get("audience_history"))]
    messages = dict.fromkeys(text.strip() for text in texts if isinstance(text, str) and text.strip())
    return Details(
        valid=details.get("is_valid") is True,
        members=whole(details.get("cover_num")),
        messages=tuple(messages),
        expires=str(details.get("expired_time") or ""),
    )
