"""What Meta's answers mean: (request, status, headers, body) to an Outcome. Pure; never raises.

https://developers.facebook.com/documentation/ads-commerce/marketing-api/error-reference (read 2026-09-12)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from activation.platforms.outcome import Outcome, OutcomeKind
from activation.platforms.request import Answer, Request
from activation.untrusted import identifier, json_object, mapping, sequence, whole

from lambdas.meta import reads, usage
from lambdas.meta.meanings import TRANSIENT, UNKNOWN_ERROR, Meaning, meaning

NOT_THE_SERVICE = Meaning(
    OutcomeKind.RETRY, "unreadable_answer", "The answer came from something in front of Meta's API.", 1
)
HTTP_THROTTLE = Meaning(OutcomeKind.RETRY, "throttled", "Meta asks to slow down.", 60, throttle=True)
HTTP_TOO_LARGE = Meaning(OutcomeKind.TOO_LARGE, "too_large", "The request was too large for the server.")
NO_ANSWER = Outcome(OutcomeKind.UNKNOWN, "no_answer", "No answer came.", after_s=5)


UPLOADS = ("users", "replace")
ALREADY_FINISHED = (2650, 1870159)


def classify(request: Request, answer: Answer, *, account: str = "") -> Outcome:
    """Return what an answer means; `account` fills in the links in the operator's sentences."""
    if answer.status <= 0:
        return NO_ANSWER
    body = json_object(answer.body)
    if body is None or not body:
        return _unreadable(request, answer)
    error = body.get("error")
    if error is None and answer.status < 400:
        return _good(request, answer, body)
    code = whole(mapping(error).get("code"))
    if code is None:
        return _unreadable(request, answer)
    return _error(request, answer, mapping(error), code, account)


def _unreadable(request: Request, answer: Answer) -> Outcome:
    """Classify an answer without Meta's envelope: HTML from a gateway, a bare text, an empty error object.

    Only the status is left to decide by. A 4xx without envelope was most likely refused before anything was
    applied; after any other status the request may have been applied, which matters for requests that change
    something.
    """
    if answer.status == 413:
        return _outcome(HTTP_TOO_LARGE, request, answer)
    if answer.status == 429:
        return _outcome(HTTP_THROTTLE, request, answer)
    outcome = _outcome(NOT_THE_SERVICE, request, answer)
    refused = 400 <= answer.status < 500 and answer.status != 408
    if not request.repeatable or (request.call in UPLOADS and not refused):
        return replace(outcome, kind=OutcomeKind.UNKNOWN)
    return outcome


def _error(request: Request, answer: Answer, error: Mapping[str, Any], code: int, account: str) -> Outcome:
    subcode = whole(error.get("error_subcode"))
    known = meaning(request.call, code, subcode)
    if known is None:
        known = TRANSIENT if answer.status >= 500 else UNKNOWN_ERROR
    if error.get("is_transient") is True and known.kind not in (OutcomeKind.RETRY, OutcomeKind.TOO_LARGE):
        known = TRANSIENT
    if request.call == "arrived" and known.code == "bad_request":
        return Outcome(OutcomeKind.OK, "cannot_tell")  # perhaps a session that nobody opened
    if request.call == "replace" and request.context == "last" and (code, subcode) == ALREADY_FINISHED:
        return Outcome(OutcomeKind.OK)  # by this very batch, whose answer was lost
    outcome = _outcome(known, request, answer, account)
    if known.code == TRANSIENT.code and not request.repeatable:
        outcome = replace(outcome, kind=OutcomeKind.UNKNOWN)  # "try again" does not mean that nothing was applied
    return replace(
        outcome,
        platform_code=str(code) if subcode is None else f"{code}/{subcode}",
        reference=identifier(error.get("fbtrace_id")) or outcome.reference,
    )


def _outcome(known: Meaning, request: Request, answer: Answer, account: str = "") -> Outcome:
    quota = usage.from_headers(answer.headers, throttled=known.throttle)
    after_s = known.after_s
    if known.throttle:
        after_s = quota.wait_s or (max(after_s, 300) if quota.full_access is False else after_s)
    reason = known.reason.replace("{account}", account or "<ad account id>")
    if known.kind is OutcomeKind.TOO_LARGE and request.rows == 1:
        known = replace(known, kind=OutcomeKind.REFUSED)  # a single row cannot be halved
    return Outcome(known.kind, known.code, reason, after_s, reference=_trace(answer), tier=quota.tier)


def _good(request: Request, answer: Answer, body: Mapping[str, Any]) -> Outcome:
    quota = usage.from_headers(answer.headers, throttled=False)
    outcome = Outcome(OutcomeKind.OK, after_s=quota.pause_s, tier=quota.tier, reference=_trace(answer))
    if answer.headers.get("x-ad-api-version-warning"):
        outcome = replace(
            outcome,
            code="version_upgraded",
            reason="Meta treated the call as one to a newer version of its API. Update Audience Activation.",
        )
    match request.call:
        case "users" | "replace":
            return _received(outcome, request, body)
        case "arrived" if " " in request.context:
            return _arrived(outcome, request, body)
        case "arrived":  # of a replace, whose session has many uploads
            return replace(outcome, value=reads.session(request, body))
        case "status" if request.context:
            described = reads.described(body)
            return _unreadable(request, answer) if described is None else replace(outcome, value=described)
        case "find" | "create" | "status":
            value = reads.value(request.call, body)
            return _unreadable(request, answer) if value is None else replace(outcome, value=value)
        case _:
            return _received(outcome, request, body) if "num_invalid_entries" in body else outcome


def _received(outcome: Outcome, request: Request, body: Mapping[str, Any]) -> Outcome:
    """Read the answer to an upload: rows that Meta calls invalid are refused, the others are accepted."""
    received, invalid = whole(body.get("num_received")), whole(body.get("num_invalid_entries"))
    if received is None or (received <= 0 < request.rows):
        # No counts: an answer of another shape, or a session that had ended before this request came.
        return replace(
            outcome,
            kind=OutcomeKind.UNKNOWN,
            code="nothing_counted",
            reason="Meta did not confirm that it received any row.",
        )
    samples = body.get("invalid_entry_samples")
    refused = _refused_rows(request.body, samples, most=invalid) if samples else {}
    count = max(invalid or 0, len(refused), request.rows - received)
    if count <= 0:
        return outcome
    return replace(
        outcome,
        kind=OutcomeKind.PARTIAL,
        code="invalid_entries",  # rows are counted under this code, whatever else the answer says
        reason="Meta accepted the request but refused some of its rows.",
        refused=refused,
        refused_count=min(count, request.rows) if request.rows else count,
    )


def _refused_rows(body: bytes, samples: object, *, most: int | None) -> dict[int, str]:
    """Return the rows Meta names. It names rows by quoting them; the quotes are compared, then dropped."""
    quoted = set()
    for text in samples if isinstance(samples, dict | list) else ():
        row = _row(text)
        if row is not None:
            quoted.add(row)
    sent = sequence(mapping((json_object(body) or {}).get("payload")).get("data"))
    indexes = [index for index, row in enumerate(sent) if _cells(row) in quoted]
    return dict.fromkeys(indexes[:most] if most else indexes, "invalid_entry")


def _row(text: object) -> tuple[str, ...] | None:
    if not isinstance(text, str):
        return None
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _cells(row)


def _cells(row: object) -> tuple[str, ...] | None:
    return tuple(str(cell) for cell in row) if isinstance(row, list) else None


def _arrived(outcome: Outcome, request: Request, body: Mapping[str, Any]) -> Outcome:
    """Return whether an upload arrived: it did if its session, which has no other upload, received a row.

    Rows that the session did not receive are refused ones, as in the answer to the upload itself.
    """
    own, _, sent = request.context.partition(" ")
    sessions = [mapping(one) for one in sequence(body.get("data"))] if "data" in body else [body]
    for session in sessions:
        received = whole(session.get("num_received"))
        if received is None or identifier(session.get("session_id")) not in (None, own):
            continue
        invalid = min(max(whole(session.get("num_invalid_entries")) or 0, 0), max(received, 0))
        refused = max(invalid, (whole(sent) or 0) - received) if received > 0 else 0
        if refused:
            outcome = replace(outcome, kind=OutcomeKind.PARTIAL, code="invalid_entries", refused_count=refused)
        return replace(outcome, value=received > 0)
    return replace(outcome, value=None if sessions else False)


def _trace(answer: Answer) -> str:
    return answer.headers.get("x-fb-trace-id") or answer.headers.get("x-fb-request-id") or ""
