"""What Meta's answers to events mean: (request, status, headers, body) to an Outcome. Pure; never raises.

https://developers.facebook.com/documentation/ads-commerce/conversions-api/using-the-api (read 2026-09-12)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from activation.platforms.outcome import Outcome, OutcomeKind
from activation.platforms.request import Answer, Request
from activation.untrusted import identifier, json_object, mapping, whole

from lambdas.meta_conversions import usage
from lambdas.meta_conversions.meanings import TRANSIENT, UNKNOWN_ERROR, Meaning, meaning

NOT_THE_SERVICE = Meaning(
    OutcomeKind.RETRY, "unreadable_answer", "The answer came from something in front of Meta's API.", 1
)
HTTP_THROTTLE = Meaning(OutcomeKind.RETRY, "throttled", "Meta asks to slow down.", 60)
HTTP_TOO_LARGE = Meaning(OutcomeKind.TOO_LARGE, "too_large", "The request was too large for the server.")
NO_ANSWER = Outcome(OutcomeKind.UNKNOWN, "no_answer", "No answer came.", after_s=5)
LIMITED_WAIT_S = 300.0  # the score of a limited account is forgotten after so long


def classify(request: Request, answer: Answer) -> Outcome:
    """Return what an answer means."""
    if answer.status <= 0:
        return NO_ANSWER
    body = json_object(answer.body)
    if body is None or not body:
        return _unreadable(request, answer)
    error = body.get("error")
    if error is None and answer.status < 400:
        return _received(request, answer, body)
    code = whole(mapping(error).get("code"))
    if code is None:
        return _unreadable(request, answer)
    return _error(request, answer, mapping(error), code)


def _received(request: Request, answer: Answer, body: Mapping[str, Any]) -> Outcome:
    """Read a good answer: Meta receives all events of a request or none."""
    outcome = Outcome(
        OutcomeKind.OK,
        after_s=usage.pause_s(answer.headers),
        tier="limited" if usage.is_limited(answer.headers) else "",
        reference=identifier(body.get("fbtrace_id")) or _trace(answer),
    )
    received = whole(body.get("events_received"))
    if request.rows and received != request.rows:
        return replace(
            outcome,
            kind=OutcomeKind.UNKNOWN,
            code="nothing_counted",
            reason="Meta did not confirm that it received the events.",
        )
    return outcome


def _unreadable(request: Request, answer: Answer) -> Outcome:
    """Classify an answer without Meta's envelope, of which only the status is left to decide by.

    A 4xx was most likely refused before anything was counted; after any other status the events may count.
    """
    if answer.status == 413:
        return _outcome(HTTP_TOO_LARGE, request, answer)
    if answer.status == 429:
        return _outcome(HTTP_THROTTLE, request, answer)
    outcome = _outcome(NOT_THE_SERVICE, request, answer)
    refused = 400 <= answer.status < 500 and answer.status != 408
    return outcome if refused and request.repeatable else replace(outcome, kind=OutcomeKind.UNKNOWN)


def _error(request: Request, answer: Answer, error: Mapping[str, Any], code: int) -> Outcome:
    subcode = whole(error.get("error_subcode"))
    known = meaning(code, subcode)
    if known is None:
        known = TRANSIENT if answer.status >= 500 else UNKNOWN_ERROR
    if error.get("is_transient") is True and known.kind not in (OutcomeKind.RETRY, OutcomeKind.TOO_LARGE):
        known = TRANSIENT
    outcome = _outcome(known, request, answer)
    return replace(
        outcome,
        platform_code=str(code) if subcode is None else f"{code}/{subcode}",
        reference=identifier(error.get("fbtrace_id")) or outcome.reference,
    )


def _outcome(known: Meaning, request: Request, answer: Answer) -> Outcome:
    after_s = known.after_s
    if known.code == "throttled":
        longest = max(after_s, LIMITED_WAIT_S) if usage.is_limited(answer.headers) else after_s
        after_s = usage.wait_s(answer.headers) or longest
    if known.kind is OutcomeKind.TOO_LARGE and request.rows == 1:
        known = replace(known, kind=OutcomeKind.REFUSED)  # a single event cannot be halved
    return Outcome(
        known.kind, known.code, known.reason, after_s, reference=_trace(answer), about_rows=known.about_rows
    )


def _trace(answer: Answer) -> str:
    return answer.headers.get("x-fb-trace-id") or answer.headers.get("x-fb-request-id") or ""
