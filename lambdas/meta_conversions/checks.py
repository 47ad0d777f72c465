"""`doctor`'s checks of Meta's Conversions API: token, dataset and right to send to it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from activation.errors import ActivationError, Rejected
from activation.model import visible_name
from activation.platforms.platform import Examination, Finding
from activation.platforms.request import Request
from activation.untrusted import json_object, mapping, number, sequence, text

from lambdas.meta_conversions.answers import classify
from lambdas.meta_conversions.publisher import dataset_of
from lambdas.meta_graph import api

FIELDS = "id,name,is_unavailable"
QUALITY = "web{event_name,event_match_quality{composite_score}}"
MOST_EVENTS = 10  # in a line


def examine(one: Examination) -> Iterator[Finding]:
    """Check that the token is accepted and the dataset can be seen with it; no event is sent."""
    try:
        dataset = dataset_of(one.audience, one.account) if one.audience else one.account.account_id
    except Rejected as error:
        yield Finding("dataset", False, error.sentence)
        return
    url = api.url(one.account.endpoint, f"{dataset}?fields={FIELDS}")
    request = Request("dataset", "GET", url, {"Accept": "application/json"})
    try:
        answer = one.send(request)
    except ActivationError as error:
        yield Finding("meta", False, f"{error.code}: {error.sentence}")
        return
    body = json_object(answer.body) or {}
    if not body:
        yield Finding("meta", False, "did not answer as Meta does; check endpoint")
        return
    if "error" in body:
        outcome = classify(request, answer)
        code = f" (code {outcome.platform_code})" if outcome.platform_code else ""
        yield Finding("token" if outcome.code == "token_refused" else "dataset", False, f"{outcome.reason}{code}")
        return
    yield Finding("token", True, f"accepted by {api.API_VERSION}")
    unavailable = mapping(body).get("is_unavailable") is True
    yield Finding("dataset", not unavailable, "unavailable: see Events Manager" if unavailable else "found")
    yield from _quality(one, dataset)
    if one.account.options["test_event_code"]:
        says = "the option test_event_code is set: events count all the same; remove it in production"
        yield Finding("test events", True, says, warns=True)


def _quality(one: Examination, dataset: str) -> Iterator[Finding]:
    """Report how well Meta can match the dataset's events, if the token may read the score and Meta has one.

    https://developers.facebook.com/docs/marketing-api/conversions-api/dataset-quality-api (as of 2025-05-28): a
    score from 0 to 10 for each event of a website. Not verified: the names of the fields.
    """
    query = urlencode({"dataset_id": dataset, "fields": QUALITY})
    url = api.url(one.account.endpoint, f"dataset_quality?{query}")
    try:
        answer = one.send(Request("quality", "GET", url, {"Accept": "application/json"}))
    except ActivationError as error:
        yield Finding("dataset quality", True, f"{error.code}: {error.sentence}", warns=True)
        return
    body = json_object(answer.body) or {}
    scores = {
        name: score
        for event in map(mapping, sequence(body.get("web")))
        if (name := visible_name(text(event.get("event_name"))))
        and (score := number(mapping(event.get("event_match_quality")).get("composite_score"))) is not None
    }
    if not scores:
        yield Finding("dataset quality", True, "Meta does not tell this token, or has had no event of a website")
        return
    listed = ", ".join(f"{name} {scores[name]:.1f}" for name in sorted(scores)[:MOST_EVENTS])
    yield Finding("dataset quality", True, f"match quality of 10: {listed}")
