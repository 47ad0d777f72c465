"""Confirmations: only Amazon's topics of this dataset, in this region, and never by the address in the message."""

from __future__ import annotations

import pytest

from stacks.marketing_stream.catalogue import DATASETS, Realm
from tests.unit.marketing_stream.fakes import refusal
from tests.unit.marketing_stream.world import CONFIRMATIONS_DEAD, World, confirmation, topic_of

OURS = topic_of("sp-traffic")


@pytest.mark.parametrize("realm", Realm)
@pytest.mark.parametrize("dataset", [one.id for one in DATASETS if one.accounts])
def test_amazons_own_topic_is_confirmed(dataset: str, realm: Realm) -> None:
    """For every dataset and realm the topic of its account is confirmed, twice if asked twice."""
    world = World(dataset, realm)
    topic = topic_of(dataset, realm)
    world.sns.tokens["secret-token"] = topic
    assert world.confirm([confirmation(topic), confirmation(topic)]) == []
    assert world.sns.confirmed == [topic, topic]
    assert CONFIRMATIONS_DEAD not in world.sqs.queues


FOREIGN = {
    "another account": "arn:aws:sns:us-east-1:999999999999:FEADMessageDeliveryTopic-sp-traffic-A-B",
    "another dataset's account": topic_of("sp-conversion"),
    "another dataset's name": topic_of("sp-traffic", name="FEADMessageDeliveryTopic-sp-conversion-A-B"),
    "another region": OURS.replace("us-east-1", "eu-west-1"),
    "another service": OURS.replace(":sns:", ":sqs:"),
    "a subscription": OURS + ":8d3e7b9c",
    "no topic": "arn:aws:sns:us-east-1:906013806264:",
    "a pattern": "arn:aws:sns:us-east-1:906013806264:*",
    "more behind it": OURS + "\n",
    "the account in the name": "arn:aws:sns:us-east-1:999999999999:906013806264",
    "nothing": "",
}


@pytest.mark.parametrize("topic", FOREIGN.values(), ids=FOREIGN)
def test_foreign_topic_is_refused(topic: str) -> None:
    """A topic that is not Amazon's for this dataset here is not confirmed; the request is kept with its reason."""
    world = World()
    world.sns.tokens["secret-token"] = topic
    body = confirmation(topic)
    assert world.confirm([body]) == []
    assert world.sns.confirmed == []
    assert world.sqs.reasons(CONFIRMATIONS_DEAD) == {body: "foreign_topic"}


def test_topic_of_another_form_of_name_is_confirmed() -> None:
    """Names are not documented: in the right account and region a new form of them is Amazon's."""
    world = World()
    topic = topic_of("sp-traffic", name="NextGenTopic-42")
    world.sns.tokens["secret-token"] = topic
    world.confirm([confirmation(topic)])
    assert world.sns.confirmed == [topic]


def test_address_in_the_message_is_never_used() -> None:
    """With another host in SubscribeURL the topic that was checked is confirmed, by SNS's own call."""
    world = World()
    world.sns.tokens["secret-token"] = OURS
    world.confirm([confirmation(OURS, SubscribeURL="https://sns.us-east-1.amazonaws.com.attacker.example/")])
    assert world.sns.confirmed == [OURS]


@pytest.mark.parametrize("token", [None, "", 7])
def test_request_without_token_is_kept(token: object) -> None:
    """Without a token there is nothing to confirm with."""
    world = World()
    body = confirmation(OURS, token=None) if token is None else confirmation(OURS, Token=token)
    assert world.confirm([body]) == []
    assert world.sqs.reasons(CONFIRMATIONS_DEAD) == {body: "no_token"}


def test_expired_token_is_not_tried_for_ever() -> None:
    """SNS refuses a token after two days; the subscription has to be made anew, and somebody has to hear of it."""
    world = World()
    body = confirmation(OURS)
    assert world.confirm([body]) == []
    assert world.sqs.reasons(CONFIRMATIONS_DEAD) == {body: "refused_by_sns"}


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("Throttled", 429),
        ("InternalError", 500),
        ("AuthorizationError", 403),
        ("KMSThrottling", 400),
        ("SubscriptionLimitExceeded", 403),
    ],
)
def test_trouble_at_sns_brings_only_that_request_back(code: str, status: int) -> None:
    """What may be right the next time comes again; what was refused for good does not."""
    world = World()
    world.sns.confirm_error = refusal(code, status=status)
    foreign = confirmation("arn:aws:sns:us-east-1:999999999999:x")
    assert len(world.confirm([confirmation(OURS), foreign])) == 1
    assert world.sqs.reasons(CONFIRMATIONS_DEAD) == {foreign: "foreign_topic"}


@pytest.mark.parametrize("body", ["", "null", "[]", '{"Type": "UnsubscribeConfirmation"}', '{"Type": 3}'])
def test_what_is_no_request_is_kept(body: str) -> None:
    """Anything else in the confirmation queue is set aside and confirms nothing."""
    world = World()
    assert world.confirm([body]) == []
    assert list(world.sqs.reasons(CONFIRMATIONS_DEAD)) == [body or " "]
    assert world.sns.confirmed == []
