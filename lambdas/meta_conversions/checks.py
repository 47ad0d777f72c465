"""`doctor`'s checks of Meta's Conversions API: token, dataset and right to send to it."""

from __future__ import annotations

from collections.abc import Iterator

from activation.errors import ActivationError, Rejected
from activation.platforms.platform import Examination, Finding
from activation.platforms.request import Request
from activation.untrusted import json_object, mapping

from lambdas.meta_conversions.answers import classify
from lambdas.meta_conversions.publisher import dataset_of
from lambdas.meta_graph import api

FIELDS = "id,name,is_unavailable"


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
    if one.account.options["test_event_code"]:
        says = "the option test_event_code is set: events count all the same; remove it in production"
        yield Finding("test events", True, says, warns=True)
