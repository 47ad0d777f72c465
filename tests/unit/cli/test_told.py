"""`doctor` says whether somebody is told: a subscription that nobody confirmed gets no mail."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from activation.platforms.platform import Finding
from moto import mock_aws

from lambdas.doctor.told import PENDING, examine_topics


class Topics:
    """SNS with one topic whose subscriptions are given."""

    def __init__(self, *states: str) -> None:
        self.states = states

    def get_paginator(self, operation: str) -> Topics:
        """Return itself as the paginator."""
        assert operation == "list_subscriptions_by_topic"
        return self

    def paginate(self, *, TopicArn: str) -> Iterator[dict[str, list[dict[str, str]]]]:
        """Return the subscriptions, one a page."""
        for state in self.states:
            yield {"Subscriptions": [{"SubscriptionArn": state, "TopicArn": TopicArn}]}


ARN = "arn:aws:sns:us-east-1:111122223333:told"


@pytest.mark.parametrize(
    ("states", "nobody", "ok", "says"),
    [
        ((f"{ARN}:1",), False, True, "has 1 confirmed"),
        ((f"{ARN}:1", PENDING), False, False, "has not confirmed"),
        ((), False, False, "nobody is subscribed"),
        ((), True, True, "nobody is told, as the settings say"),
    ],
)
def test_an_address_has_to_confirm(
    monkeypatch: pytest.MonkeyPatch, states: tuple[str, ...], nobody: bool, ok: bool, says: str
) -> None:
    """An unconfirmed or missing subscription is a failed check, unless the settings want nobody to be told."""
    monkeypatch.setattr(boto3, "client", lambda service: Topics(*states))
    (found,) = examine_topics([ARN], nobody=nobody)
    assert (found.check, found.ok) == ("alarms", ok)
    assert says in found.says


def test_a_topic_that_is_gone_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """What SNS refuses is told by its code."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        found = list(examine_topics([ARN], nobody=False))
    assert found == [Finding("alarms", False, "the subscriptions of topic told cannot be listed: NotFound")]
