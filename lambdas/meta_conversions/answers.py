"""Answers to events: (request, status, headers, body) to an Outcome. Pure; never raises.

https://developers.facebook.com/documentation/ads-commerce/conversions-api/using-the-api (read 2026-09-12)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from activation.platforms.outcome import Outcome, OutcomeKind
from activation.platforms.request import Answer, Request
from activation.untrusted import whole

from lambdas.meta_conversions.meanings import MEANINGS
from lambdas.meta_graph.answers import Classifier

# "Counted as Marketing API calls", by the page above: of their use cases, that of calls about no audience.
# `activation classify` may name no call: then an answer is taken for one to events.
GRAPH = Classifier(MEANINGS, use_case="ads_management", uploads=frozenset(("events", "")), counted_again=True)


def classify(request: Request, answer: Answer) -> Outcome:
    """Return what an answer means."""
    return GRAPH.classify(request, answer, partial(_received, request))


def _received(request: Request, outcome: Outcome, body: Mapping[str, Any]) -> Outcome:
    """Read a good answer: Meta receives all events of a request or none."""
    if not request.rows or whole(body.get("events_received")) == request.rows:
        return outcome
    return replace(
        outcome,
        kind=OutcomeKind.UNKNOWN,
        code="nothing_counted",
        reason="Meta did not confirm that it received the events.",
    )
