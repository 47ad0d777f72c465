"""Answers to calls about custom audiences: (request, status, headers, body) to an Outcome. Pure; never raises.

https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/custom-audience/users
(read 2026-09-12)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from activation.platforms.outcome import Outcome, OutcomeKind
from activation.platforms.request import Answer, Request
from activation.untrusted import identifier, json_object, mapping, sequence, whole

from lambdas.meta import reads
from lambdas.meta.meanings import MEANINGS
from lambdas.meta_graph.answers import Classifier

GRAPH = Classifier(MEANINGS, use_case="custom_audience", uploads=frozenset(("users", "replace")))
ALREADY_FINISHED = "2650/1870159"


def classify(request: Request, answer: Answer, *, account: str = "") -> Outcome:
    """Return what an answer means; `account` fills in the links in the operator's sentences."""
    outcome = GRAPH.classify(request, answer, partial(_good, request))
    if reads.is_for_a_note(request) and answer.status > 0 and outcome.kind is not OutcomeKind.OK:
        # The rows are acknowledged already: that Meta does not tell more must not stop or delay the run.
        return Outcome(OutcomeKind.OK, "cannot_tell", after_s=outcome.after_s)
    if request.call == "arrived" and outcome.code == "bad_request":
        return Outcome(OutcomeKind.OK, "cannot_tell")  # perhaps a session that nobody opened
    if request.call == "replace" and request.context == "last" and outcome.platform_code == ALREADY_FINISHED:
        return Outcome(OutcomeKind.OK)  # by this very batch, whose answer was lost
    return replace(outcome, reason=outcome.reason.replace("{account}", account or "<ad account id>"))


def _good(request: Request, outcome: Outcome, body: Mapping[str, Any]) -> Outcome | None:
    match request.call:
        case "users" | "replace":
            handle = request.context if request.call == "users" else ""
            return _received(replace(outcome, value=handle or None), request, body)
        case "arrived" if " " in request.context:
            return _arrived(outcome, request, body)
        case "arrived":  # of a replace, whose session has many uploads, or for a note
            return replace(outcome, value=reads.session(request, body))
        case "status" if request.context:
            described = reads.described(body)
            return None if described is None else replace(outcome, value=described)
        case "find" | "create" | "status":
            value = reads.value(request.call, body)
            return None if value is None else replace(outcome, value=value)
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
    refused = _refused_rows(request.content, samples, most=invalid) if samples else {}
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
