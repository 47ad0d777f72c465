"""Answers of Meta's Graph API: (request, status, headers, body) to an Outcome. Pure; never raises.

https://developers.facebook.com/documentation/ads-commerce/marketing-api/error-reference (read 2026-09-12)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from activation.platforms.outcome import Outcome, OutcomeKind
from activation.platforms.request import Answer, Request
from activation.untrusted import identifier, json_object, mapping, whole

from lambdas.meta_graph import meanings, usage
from lambdas.meta_graph.meanings import Meaning, Meanings

NO_ANSWER = Outcome(OutcomeKind.UNKNOWN, "no_answer", "No answer came.", after_s=5)
LIMITED_WAIT_S = 300.0  # the score of a limited account has decayed after so long


@dataclass(frozen=True)
class Classifier:
    """Classifies the answers of one of the Graph's APIs.

    `meanings` says what its errors mean. `use_case` is the type of the API's buckets in the business header.
    `uploads` are the calls that carry rows; with `counted_again`, rows that arrive twice count twice.
    """

    meanings: Meanings
    use_case: str
    uploads: frozenset[str]
    counted_again: bool = False

    def classify(
        self, request: Request, answer: Answer, read: Callable[[Outcome, Mapping[str, Any]], Outcome | None]
    ) -> Outcome:
        """Return what an answer means.

        `read` is given an OK outcome and the body of a good answer, and returns the outcome with what the body
        says, None if it is unreadable.
        """
        if answer.status <= 0:
            return NO_ANSWER
        body = json_object(answer.body)
        if body is None or not body:
            return self._unreadable(request, answer)
        error = body.get("error")
        if error is None and answer.status < 400:
            outcome = read(self._good(answer, body), body)
            return self._unreadable(request, answer) if outcome is None else outcome
        code = whole(mapping(error).get("code"))
        if code is None:
            return self._unreadable(request, answer)
        return self._error(request, answer, mapping(error), code)

    def _good(self, answer: Answer, body: Mapping[str, Any]) -> Outcome:
        quota = usage.from_headers(answer.headers, use_case=self.use_case, throttled=False)
        reference = identifier(body.get("fbtrace_id")) or _trace(answer)
        outcome = Outcome(OutcomeKind.OK, after_s=quota.pause_s, tier=quota.tier, reference=reference)
        if not answer.headers.get("x-ad-api-version-warning"):
            return outcome
        return replace(
            outcome,
            code="version_upgraded",
            reason="Meta treated the call as one to a newer version of its API. Update Audience Activation.",
        )

    def _unreadable(self, request: Request, answer: Answer) -> Outcome:
        """Classify an answer without Meta's envelope: HTML from a gateway, a bare text, an empty error object.

        Only the status is left to decide by. A 4xx without envelope was most likely refused before anything was
        applied; after any other status the request may have been applied, which matters for requests that change
        something.
        """
        if answer.status == 413:
            return self._outcome(meanings.HTTP_TOO_LARGE, request, answer)
        if answer.status == 429:
            return self._outcome(meanings.HTTP_THROTTLE, request, answer)
        outcome = self._outcome(meanings.NOT_THE_SERVICE, request, answer)
        refused = 400 <= answer.status < 500 and answer.status != 408
        if not request.repeatable or (request.call in self.uploads and not refused):
            return replace(outcome, kind=OutcomeKind.UNKNOWN)
        return outcome

    def _error(self, request: Request, answer: Answer, error: Mapping[str, Any], code: int) -> Outcome:
        subcode = whole(error.get("error_subcode"))
        known = self.meanings.find(request.call, code, subcode)
        if known is None:
            known = meanings.TRANSIENT if answer.status >= 500 else meanings.UNKNOWN_ERROR
        if error.get("is_transient") is True and known.kind not in (OutcomeKind.RETRY, OutcomeKind.TOO_LARGE):
            known = meanings.TRANSIENT
        outcome = self._outcome(known, request, answer)
        again = self.counted_again and request.call in self.uploads
        if known.code == "transient" and (again or not request.repeatable):
            outcome = replace(outcome, kind=OutcomeKind.UNKNOWN)  # it does not mean that nothing was applied
        return replace(
            outcome,
            platform_code=str(code) if subcode is None else f"{code}/{subcode}",
            reference=identifier(error.get("fbtrace_id")) or outcome.reference,
        )

    def _outcome(self, known: Meaning, request: Request, answer: Answer) -> Outcome:
        quota = usage.from_headers(answer.headers, use_case=self.use_case, throttled=known.throttles)
        after_s = known.after_s
        if known.throttles:
            after_s = quota.wait_s or (max(after_s, LIMITED_WAIT_S) if quota.tier == "limited" else after_s)
        kind = known.kind
        if kind is OutcomeKind.TOO_LARGE and request.rows == 1:
            kind = OutcomeKind.REFUSED  # a single row cannot be halved
        return Outcome(
            kind,
            known.code,
            known.reason,
            after_s,
            reference=_trace(answer),
            about_rows=known.about_rows,
            tier=quota.tier,
        )


def _trace(answer: Answer) -> str:
    return answer.headers.get("x-fb-trace-id") or answer.headers.get("x-fb-request-id") or ""
